"""A venue in this process and a member's line to it: real session, desk, engine and reporter."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

from engine.sequencer import Sequencer
from gateway.assembly import Assembly, assemble
from gateway.clock import VenueClock
from gateway.message import Field, Header
from tests.session_rig import parse_out
from tests.test_schedule import CATALOGUE, CONFIG, LIMITS, MINUTE, ns, pass_time
from tests.test_venue_fuzz import Fuzzed

OPENS_NS = ns("2026-11-24T20:55:00+08:00")
FROM_NS = OPENS_NS - 30 * MINUTE  # no phase begins while a test runs


class Member(Fuzzed):
    """ALPHA's line; what the venue writes is kept."""

    def log_on(self) -> None:
        self.said = bytearray()
        super().log_on()
        keep, write = self.said, self.sink.write

        def written(data: bytes | bytearray | memoryview) -> None:
            keep.extend(data)
            write(data)

        self.sink.write = written  # type: ignore[method-assign]

    def ask(self, kind: bytes, *fields: Field) -> list[dict[int, str]]:
        self.send(self.encode(kind, list(fields)))
        return self.heard()

    def heard(self) -> list[dict[int, str]]:
        """Application messages since the last call."""
        messages = [dict(one) for one in parse_out(bytes(self.said))]
        self.said.clear()
        return [{int(tag): value for tag, value in one.items()} for one in messages]


class Second(Member):
    """BRAVO's line."""

    header = Header(b"BRAVO", b"SITEX")


def opened(folder: Path, from_ns: int) -> Iterator[Assembly]:
    """A fresh venue whose products keep their hours; its clock starts at `from_ns`."""
    now_ns = time.time_ns()
    sequencer = Sequencer.open(
        folder, new_limits=LIMITS, durability="os", now_ns=from_ns, venue_day=20261125,
        threaded=False,
    )  # fmt: skip
    yield assemble(sequencer, CONFIG, CATALOGUE, now_ns, VenueClock(now_ns, from_ns, 1))
    sequencer.abandon()


def trading(parts: Assembly) -> Iterator[Member]:
    """ALPHA, logged on, once the evening's products trade."""
    with socket.socket() as peer:
        alpha = Member(parts, peer)
        pass_time(parts, OPENS_NS + 6 * MINUTE)
        alpha.heard()
        yield alpha
