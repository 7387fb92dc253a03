"""The venue's end against the member's end, in memory: random cuts, drops and gaps.

Checkers know only what both applications saw: every order and every report once and in order.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from gateway.client import member_reader
from gateway.counterparty import Counterparty
from gateway.facts import Delivered
from gateway.initiator import Initiator
from gateway.sent import SentMessages
from gateway.states import State
from gateway.tables import Tables
from gateway.types import SESSION_ROW
from gateway.values import format_timestamp
from tests.session_rig import Rig

SEEDS = range(16)


@pytest.fixture(scope="module")
def reader() -> Tables:
    return member_reader()


class Pair:
    """A Rig and an Initiator with a wire between them that keeps bytes in order until it breaks."""

    next_expected = False

    def __init__(self, reader: Tables, seed: int) -> None:
        self.chance = random.Random(seed)
        self.rig = Rig(rows_max=self.chance.choice([3, 64]))
        self.rig.report_type, self.rig.report_fields = b"j", ((372, "D"), (380, 0))
        row = np.zeros(1, SESSION_ROW)[0]
        row["expected_in"] = row["next_out"] = 1
        row["clock_tolerance_ns"] = 120_000_000_000
        self.party = Counterparty(b"ALPHA", b"SITEX", row, SentMessages())
        self.reader = reader
        self.ordered: list[str] = []
        self.reported: list[str] = []
        self.received: list[str] = []
        self.connect()

    def connect(self, reset: bool = False) -> None:
        """A fresh line."""
        self.rig.drop()
        self.rig.written = b""
        self.rig.connect()
        self.to_member = b""
        self.to_venue = b""
        self.unread = b""
        self.member = Initiator(self.reader, self.party, 30, self.rig.now_ns)
        self.member.log_on(self.rig.now_ns, reset, self.next_expected)

    def move(self) -> None:
        """Some bytes arrive in each direction."""
        self.to_venue += self.member.take_outgoing(self.rig.now_ns)
        cut = self.chance.randrange(len(self.to_venue) + 1)
        self.rig.receive(self.to_venue[:cut])
        self.to_venue = self.to_venue[cut:]
        self.rig.wait(0)
        self.to_member += self.rig.taken_all()
        cut = self.chance.randrange(len(self.to_member) + 1)
        self.unread += self.to_member[:cut]
        self.to_member = self.to_member[cut:]
        self.read()

    def read(self) -> None:
        """The member takes what has arrived."""
        buffer = np.zeros(len(self.unread) + 64, np.uint8)
        buffer[: len(self.unread)] = np.frombuffer(self.unread, np.uint8)
        consumed, facts = self.member.receive(buffer, 0, len(self.unread), self.rig.now_ns)
        self.unread = self.unread[consumed:]
        self.received += [f.message.text(58) for f in facts if isinstance(f, Delivered)]
        if self.member.next_deadline_ns == 0:
            self.member.on_deadline(self.rig.now_ns)

    def order(self) -> None:
        """The member orders, logged on or not."""
        name = f"A{len(self.ordered)}"
        self.ordered.append(name)
        fields = (
            (11, name),
            (55, "SITB2612"),
            (54, "1"),
            (38, 5),
            (40, "2"),
            (44, "14.00"),
            (60, format_timestamp(self.rig.now_ns)),
        )
        self.member.send(b"D", fields, self.rig.now_ns)

    def report(self) -> None:
        """The venue reports, logged on or not."""
        self.reported.append(f"R{len(self.reported)}")
        self.rig.report(self.reported[-1])

    def settle(self) -> None:
        """Until nothing moves any more and both are in step."""
        for _ in range(400):
            self.move()
            if self.rig.session.state == State.CLOSED or self.member.state == State.CLOSED:
                self.connect()
            if self.rig.now_ns % 7 == 0:
                self.rig.now_ns += 1_000_000
        while self.to_venue or self.to_member or self.member.outgoing:
            self.move()


@pytest.mark.parametrize("seed", SEEDS)
def test_everything_arrives_once_and_in_order(reader: Tables, seed: int) -> None:
    pair = Pair(reader, seed)
    taken: list[tuple[int, int]] = []
    for _ in range(150):
        happens = pair.chance.random()
        if happens < 0.35:
            pair.order()
        elif happens < 0.7:
            pair.report()
        elif happens < 0.75:
            pair.connect()
        else:
            pair.move()
    pair.settle()
    pair.order()
    pair.report()
    pair.settle()
    assert pair.member.state == State.ACTIVE and pair.rig.session.state == State.ACTIVE
    assert pair.received == pair.reported
    taken = [(n, k) for _, n, k in pair.rig.rows]
    numbers = [n for n, _ in taken]
    assert numbers == sorted(set(numbers)) and len(numbers) == len(pair.ordered)
    assert pair.party.next_out == pair.rig.party.expected_in
    assert pair.party.expected_in == pair.rig.party.next_out


def test_logout_from_either_side(reader: Tables) -> None:
    pair = Pair(reader, 1)
    pair.settle()
    pair.member.log_out("bye", pair.rig.now_ns)
    for _ in range(50):
        pair.move()
    assert pair.member.state == State.CLOSED
    assert pair.rig.session.state == State.LOGOUT_ANSWERED
    pair.connect()
    pair.settle()
    pair.rig.session.log_out("venue closes", pair.rig.now_ns)
    for _ in range(50):
        pair.move()
    assert pair.rig.session.state == State.CLOSED
    assert pair.member.state == State.LOGOUT_ANSWERED


def test_member_resets_at_logon(reader: Tables) -> None:
    pair = Pair(reader, 2)
    pair.order()
    pair.report()
    pair.settle()
    pair.connect(reset=True)
    pair.settle()
    assert pair.party.next_out == pair.rig.party.expected_in == 2
    assert pair.party.expected_in == pair.rig.party.next_out == 2


def test_member_answers_a_reset_it_did_not_ask_for(reader: Tables) -> None:
    pair = Pair(reader, 3)
    pair.settle()
    pair.rig.session.reset(pair.rig.now_ns)
    for _ in range(60):
        pair.move()
    assert pair.member.state == State.ACTIVE and pair.rig.session.state == State.ACTIVE
    assert pair.party.next_out == pair.rig.party.expected_in == 2
    assert pair.party.expected_in == pair.rig.party.next_out == 2
    pair.report()
    pair.order()
    pair.settle()
    assert pair.received == pair.reported
