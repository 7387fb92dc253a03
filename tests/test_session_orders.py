"""The limit on a session's open orders: exact whoever else trades, and over restarts."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.message import Field, encode_message
from tests.line_rig import Caller, loaded, open_venue

pytestmark = pytest.mark.kernels
TWO = 'sessions = ["ALPHA", "ALPHA2"]\n[member.session.ALPHA]\nopen_orders_max = 2'
FULL = ("j", "0", "session has 2 open orders, its limit")


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket() as found:
        yield found


def order(name: str, side: str = "1", in_force: str = "1") -> tuple[Field, ...]:
    return (
        (11, name), (55, "SITB2701"), (54, side), (60, "20261123-04:00:00"), (38, 1), (40, "2"),
        (44, "2.000"), (59, in_force),
    )  # fmt: skip


def told(said: list[dict[str, str]]) -> list[str]:
    """Answers in short: ExecType and ClOrdID, or the refusal."""
    return [
        "full" if (one["35"], one.get("380"), one.get("58")) == FULL
        else f"{one['35']} {one.get('150', '')} {one.get('11', '')}"
        for one in said
    ]  # fmt: skip


def test_o131_orders_beyond_the_limit_are_refused(tmp_path: Path, peer: socket.socket) -> None:
    parts = open_venue(tmp_path / "data", loaded(tmp_path, TWO), time.time_ns())
    alpha, other, bravo = (Caller(parts, peer, name) for name in ("ALPHA", "ALPHA2", "BRAVO"))
    for one in (alpha, other, bravo):
        one.log_on()
    assert told(alpha.say(b"D", *order("a1"))) == ["8 0 a1"]
    assert told(other.say(b"D", *order("b1"))) == ["8 0 b1"], "another session of the member"
    assert told(alpha.say(b"D", *order("a2"))) == ["8 0 a2"]
    assert told(alpha.say(b"D", *order("a3"))) == ["full"]
    assert told(alpha.say(b"D", *order("a3", in_force="3"))) == ["full"]
    for name in ("b2", "b3"):
        assert told(other.say(b"D", *order(name))) == [f"8 0 {name}"], "it has no limit"
    replaced = alpha.say(b"G", (41, "a1"), *order("a4")[:5], (40, "2"), (44, "1.990"), (59, "1"))
    assert told(replaced) == ["8 5 a4"]
    assert told(bravo.say(b"D", *order("c1", "2")))[0] == "8 0 c1"
    alpha.heard()
    other.heard()
    cancelled = alpha.say(b"F", (41, "a4"), *order("a5")[:4])
    assert told(cancelled) == ["8 4 a5"]
    assert told(alpha.say(b"D", *order("a3"))) == ["8 0 a3"], "its id was not used up"
    parts.sequencer.abandon()


def test_o131_many_in_one_read_are_counted_one_by_one(tmp_path: Path, peer: socket.socket) -> None:
    """An order that does not stay makes room for the next in the same read."""
    parts = open_venue(tmp_path / "data", loaded(tmp_path, TWO), time.time_ns())
    alpha = Caller(parts, peer)
    alpha.log_on()
    orders = [order("i1", in_force="3"), order("a1"), order("i2", in_force="3"), order("a2")]
    raw = b""
    for fields in [*orders, order("a3"), order("i3", in_force="3")]:
        raw += encode_message(b"D", fields, alpha.header, alpha.number, time.time_ns())
        alpha.number += 1
    alpha.send(raw)
    assert told(alpha.heard()) == [
        "8 0 i1", "8 4 i1", "8 0 a1", "8 0 i2", "8 4 i2", "8 0 a2", "full", "full",
    ]  # fmt: skip
    parts.sequencer.abandon()


@pytest.mark.parametrize("clean", [True, False])
def test_o131_restarts_change_nothing(tmp_path: Path, peer: socket.socket, clean: bool) -> None:
    config = loaded(tmp_path, TWO)
    parts = open_venue(tmp_path / "data", config, time.time_ns())
    alpha = Caller(parts, peer)
    alpha.log_on()
    alpha.say(b"D", *order("a1"))
    alpha.say(b"D", *order("a2"))
    alpha.log_out()
    if clean:
        parts.save()
        parts.sequencer.close()
    else:
        parts.sequencer.abandon()
    parts = open_venue(tmp_path / "data", config, time.time_ns())
    alpha = Caller(parts, peer)
    alpha.log_on((141, "Y"))
    assert told(alpha.say(b"D", *order("a3"))) == ["full"]
    alpha.say(b"F", (41, "a1"), *order("a4")[:4])
    assert told(alpha.say(b"D", *order("a3"))) == ["8 0 a3"]
    parts.sequencer.abandon()
