"""Whatever bytes come, a session answers with a fact, an answer or nothing, and stays small.

Seeded: a failure names its seed. Source: house rule "the fuzz law".
"""

from __future__ import annotations

import random

import pytest

from gateway.states import State
from tests.session_rig import ORDER, Rig, encode_line, parse_out

SEEDS = range(24)
OUT_PER_TURN_MAX = 1 << 20
_TYPES = ["0", "1", "2", "3", "4", "5", "A", "D", "F", "G", "H", "q", "8", "j", "B", "zz"]
_TAGS = [7, 11, 16, 34, 36, 38, 43, 44, 45, 52, 55, 58, 97, 98, 108, 112, 115, 122, 123, 141, 453]
_VALUES = ["", "Y", "N", "0", "1", "-1", "9999999999", "x", "2.5", "@0", "@-500", "@1", "SITB2612"]


def _line(chance: random.Random, expected: int) -> str:
    kind = chance.choice(_TYPES)
    number = expected + chance.choice([0, 0, 0, 0, 0, 0, 0, -1, 1, 5, 100_000])
    if kind == "D" and chance.random() < 0.7:
        return ORDER.format(number, f"A{chance.randrange(1000)}")
    line = f"{kind} 34={number}"
    for _ in range(chance.randrange(5)):
        line += f" {chance.choice(_TAGS)}={chance.choice(_VALUES)}"
    if chance.random() < 0.3:
        line += f" 7=1 16=0 36={expected + chance.randrange(3)} 112=x 98=0 108=30"
    return line


def _damage(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    kind = chance.randrange(4)
    if kind == 0:
        return data[:at]
    if kind == 1:
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if kind == 2:
        return data[:at] + bytes(chance.randrange(256) for _ in range(20)) + data[at:]
    return data[at:] + data


@pytest.mark.parametrize("seed", SEEDS)
def test_anything_may_come(seed: int) -> None:
    chance = random.Random(seed)
    rig = Rig(rows_max=chance.choice([1, 2, 64]))
    for _ in range(120):
        if rig.session.state in (State.CLOSED, State.LOGOUT_ANSWERED):
            rig.drop()
            rig.connect()
        if rig.session.state == State.AWAIT_LOGON:
            number = rig.party.expected_in + chance.choice([0, 0, 0, 1])
            rig.receive(encode_line(f"A 34={number} 98=0 108=30", rig.now_ns))
        data = b"".join(
            encode_line(_line(chance, rig.party.expected_in), rig.now_ns)
            for _ in range(chance.randrange(1, 6))
        )
        if chance.random() < 0.4:
            data = _damage(chance, data)
        while data:
            cut = chance.randrange(1, len(data) + 1)
            rig.receive(data[:cut])
            data = data[cut:]
            assert len(rig.unread) <= 9000
        if chance.random() < 0.3:
            rig.report("something")
        if chance.random() < 0.2:
            rig.wait(chance.choice([0, 1, 31, 80]))
        written = rig.taken_all()
        assert len(written) < OUT_PER_TURN_MAX
        parse_out(written)
    _check_numbers(rig)


@pytest.mark.parametrize("seed", SEEDS)
def test_random_bytes_before_a_logon(seed: int) -> None:
    chance = random.Random(seed)
    rig = Rig()
    for _ in range(20):
        rig.connect()
        while rig.session.state == State.AWAIT_LOGON and len(rig.unread) < 9000:
            rig.receive(bytes(chance.choice(b"8=FIX.4.4\x019=35A\x00\xff|") for _ in range(50)))
        assert len(rig.unread) < 9100
        rig.taken_all()
    assert rig.party.expected_in == 1


def _check_numbers(rig: Rig) -> None:
    """Rows of a number come once and in order, until a reset."""
    last = 0
    for _, number, _ in rig.rows:
        assert number == 1 or number != last
        last = number
    assert rig.party.sent.next == rig.party.next_out  # type: ignore[attr-defined]
