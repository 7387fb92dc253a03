"""Seeded fuzz of the whole turn: any bytes of a member give answers, never an exception.

The real session, desk, sequencer, engine, reporter and store in one process; only the socket is
missing. What a member sends is valid, odd in its fields, or broken in its bytes.
"""

from __future__ import annotations

import asyncio
import random
import socket
import time
from pathlib import Path

import pytest

from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from gateway.assembly import Assembly, assemble
from gateway.message import Field, Header, encode_message
from gateway.server import Line
from gateway.types import BEGIN_STRING, FIXT_BEGIN_STRING
from gateway.values import format_timestamp
from gateway.venue import Venue
from specs.calendar import to_yyyymmdd
from specs.products import load_products
from specs.venue import load_venue

pytestmark = pytest.mark.kernels
TURNS = 2_000
ALPHA = Header(b"ALPHA", b"SITEX")
LIMITS = EngineLimits(orders_max=5_000, requests_max=20_000)
VALUES = (
    "0", "1", "2", "5", "7", "-1", "2.000", "1.9995", "99999999999999999999", "", "Y", "N", "O",
    "SITB2701", "SITS2612", "SITB", "GH12612", "NOSUCH", "ALPHA", "20261231", "20991332",
    "x" * 40, "3", "4", "6", "I",
)  # fmt: skip
TAGS = (
    1, 11, 18, 21, 34, 36, 37, 38, 40, 41, 43, 44, 54, 55, 58, 59, 60, 7, 16, 77, 97, 98, 99, 108,
    110, 111, 112, 122, 123, 141, 263, 324, 335, 336, 432, 453, 528, 530, 553, 554, 5300, 7928,
    8000, 790, 9999, 262, 264, 265, 266, 267, 269, 146, 568, 569, 580, 75, 923, 924, 925,
)  # fmt: skip
KINDS = (
    b"D", b"D", b"D", b"F", b"G", b"H", b"q", b"0", b"1", b"2", b"4", b"3", b"j", b"V", b"8", b"e",
    b"g", b"AF", b"x", b"c", b"AD", b"BE",
)  # fmt: skip


class Sink(asyncio.Transport):
    """A connection that counts what is written to it."""

    def __init__(self, peer: socket.socket) -> None:
        super().__init__()
        self.peer = peer
        self.closed = False
        self.written = 0

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self.peer

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += len(data)

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def deliver(venue: Venue, line: Line, raw: bytes) -> None:
    """Bytes of a peer, and the turns that they ask for."""
    while raw:
        room = line.get_buffer(-1)
        size = min(len(room), len(raw))
        room[:size] = raw[:size]
        raw = raw[size:]
        line.buffer_updated(size)
        while line.resting:
            venue.on_deadline(line)


class Fuzzed:
    """One member's line to a venue in this process; logs on again when it was thrown out."""

    header = ALPHA

    def __init__(self, parts: Assembly, peer: socket.socket) -> None:
        self.parts, self.peer = parts, peer
        self.number = 1
        self.logons = 0
        self.log_on()

    def log_on(self) -> None:
        self.line = Line(self.parts.venue, load_venue().fix)
        self.sink = Sink(self.peer)
        self.line.connection_made(self.sink)
        self.number = 1
        self.logons += 1
        version: list[Field] = [(1137, 9)] if self.header.begin_string != BEGIN_STRING else []
        self.send(self.encode(b"A", [(98, 0), (108, 30), (141, "Y"), *version]))

    def catch_up(self) -> None:
        """Goes on with the number the venue expects: what was broken was not taken."""
        party = self.line.session.party
        if party is not None:
            self.number = party.expected_in

    def encode(self, kind: bytes, fields: list[Field], number: int = 0) -> bytes:
        if not number:
            number, self.number = self.number, self.number + 1
        return encode_message(kind, fields, self.header, number, time.time_ns())

    def send(self, raw: bytes) -> None:
        deliver(self.parts.venue, self.line, raw)
        if self.sink.closed:
            self.line.connection_lost(None)
            self.log_on()


class FuzzedInFixt(Fuzzed):
    """In the other dialect (O-128)."""

    header = ALPHA._replace(begin_string=FIXT_BEGIN_STRING)


def fields_of(chance: random.Random, kind: bytes) -> list[Field]:
    """The usual fields of an order message, some missing, some odd, some twice."""
    fields: list[Field] = []
    if kind in b"DFGHq":
        fields = [
            (11, f"c{chance.randrange(2_000)}"), (41, f"c{chance.randrange(300)}"),
            (55, chance.choice(("SITB2701", "SITS2701", "SITB2612"))), (54, chance.choice("12")),
            (60, format_timestamp(time.time_ns())), (38, chance.randrange(1, 9)), (40, "2"),
            (44, f"2.0{chance.randrange(10)}"), (59, chance.choice("0134")), (530, "7"),
        ]  # fmt: skip
        allowed = {
            b"D": {11, 55, 54, 60, 38, 40, 44, 59}, b"F": {11, 41, 55, 54, 60},
            b"G": {11, 41, 55, 54, 60, 38, 40, 44, 59}, b"H": {11, 55, 54}, b"q": {11, 530, 60},
        }[kind]  # fmt: skip
        fields = [field for field in fields if field[0] in allowed]
    elif kind in (b"e", b"g"):
        named = (55, chance.choice(("SITB2701", "NOSUCH"))) if kind == b"e" else (336, "SITB")
        identity = 324 if kind == b"e" else 335
        fields = [(identity, f"s{chance.randrange(300)}"), named, (263, chance.choice("012"))]
    elif kind in (b"AF", b"x", b"c"):
        identity, how = {b"AF": (584, 585), b"x": (320, 559), b"c": (320, 321)}[kind]
        named = (55, chance.choice(("SITB2701", "NOSUCH")))
        fields = [(identity, f"s{chance.randrange(300)}"), (how, chance.choice("01347")), named]
    for _ in range(chance.choice((0, 0, 0, 1, 2))):
        fields.insert(
            chance.randrange(len(fields) + 1), (chance.choice(TAGS), chance.choice(VALUES))
        )
    if fields and chance.random() < 0.1:
        del fields[chance.randrange(len(fields))]
    return fields


def broken(chance: random.Random, raw: bytes) -> bytes:
    """Bytes changed, cut out or put in; sums are wrong then."""
    data = bytearray(raw)
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data))
        how = chance.randrange(3)
        if how == 0:
            data[at] = chance.randrange(256)
        elif how == 1:
            del data[at : at + chance.randrange(1, 20)]
        else:
            data[at:at] = chance.randbytes(chance.randrange(1, 20))
    return bytes(data)


@pytest.mark.parametrize("seed", range(6))
def test_any_bytes_of_a_member_give_answers(seed: int, tmp_path: Path) -> None:
    """The venue then stops cleanly or is killed, and goes on with the same numbers."""
    clean = seed % 2 == 0
    chance = random.Random(seed)
    now_ns = time.time_ns()
    config = load_venue(overrides=["durability=os"])
    day = to_yyyymmdd(config.day.venue_day().at(now_ns))
    sequencer = Sequencer.open(
        tmp_path, limits=LIMITS, durability="os", now_ns=now_ns, venue_day=day, threaded=False
    )
    with socket.socket() as peer:
        parts = assemble(sequencer, config, load_products(), now_ns)
        member = (Fuzzed if seed < 3 else FuzzedInFixt)(parts, peer)
        for _ in range(TURNS):
            member.catch_up()
            raw = b""
            for _ in range(chance.randrange(1, 12)):
                kind = chance.choice(KINDS)
                number = chance.choice((0,) * 30 + (1, member.number + 5))
                message = member.encode(kind, fields_of(chance, kind), number)
                raw += broken(chance, message) if chance.random() < 0.05 else message
            member.send(raw)
            parts.venue.on_deadline(member.line)
        assert sequencer.engine.request_count > 300, "orders were taken between the odd ones"
        member.sink.close()
        member.line.connection_lost(None)
        if clean:
            parts.save()
        before = numbers(parts)
    if clean:
        sequencer.close()
    else:
        sequencer.abandon()
    again = Sequencer.open(tmp_path, durability="os", now_ns=time.time_ns(), threaded=False)
    assert numbers(assemble(again, config, load_products(), time.time_ns())) == before
    again.abandon()


def numbers(parts: Assembly) -> list[tuple[bytes, int, int]]:
    """What each counterparty sends and expects next."""
    return [
        (party.peer, party.next_out, party.expected_in)
        for party in parts.registry.directory.parties()
    ]
