"""In durability fsync nothing leaves before it is on the disk: alone in its turn, else later.

The whole venue in one process; only the socket is missing.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from engine.storage import Storage, StorageFailed
from engine.types import COMMAND
from gateway import venue as venue_module
from gateway.assembly import Assembly, assemble
from gateway.message import Field, Header, encode_message
from gateway.server import Line
from gateway.values import format_timestamp
from gateway.venue import ALONE_BYTES_MAX
from specs.calendar import to_yyyymmdd
from specs.products import load_products
from specs.venue import load_venue
from tests.journal_rig import FaultyStorage
from tests.test_venue_fuzz import Sink, deliver

pytestmark = pytest.mark.kernels
CONFIG = msgspec.structs.replace(load_venue(), durability="fsync")
LIMITS = EngineLimits(orders_max=5_000, requests_max=20_000)


class Watched(Sink):
    """A connection that asserts that the journal is on the disk whenever something is sent."""

    def __init__(self, sequencer: Sequencer, peer: socket.socket) -> None:
        super().__init__(peer)
        self.sequencer = sequencer
        self.sent = bytearray()
        self.needs = 0  # stream position that must be durable before anything is sent

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert self.sequencer.durable >= self.needs, "sent before it was on the disk"
        super().write(data)
        self.sent += data


class Member:
    """One member's line, without a socket."""

    def __init__(self, parts: Assembly, name: bytes, peer: socket.socket) -> None:
        self.header = Header(name, b"SITEX")
        self.venue = parts.venue
        self.line = Line(parts.venue, CONFIG.fix)
        self.sink = Watched(parts.sequencer, peer)
        self.line.connection_made(self.sink)
        self.number = 0
        self.send((b"A", ((98, 0), (108, 30))))

    def send(self, *messages: tuple[bytes, tuple[Field, ...]]) -> None:
        raw = b""
        for kind, fields in messages:
            self.number += 1
            raw += encode_message(kind, fields, self.header, self.number, time.time_ns())
        self.sink.needs = self.sink.sequencer.written + 1
        deliver(self.venue, self.line, raw)

    def order(self, *cl_ord_ids: str) -> None:
        stamp = format_timestamp(time.time_ns())
        fields = ((55, "SITB2701"), (54, 1), (38, 1), (40, 2), (44, "2.000"), (60, stamp))
        self.send(*((b"D", ((11, name), *fields)) for name in cl_ord_ids))

    def answered(self, cl_ord_id: str) -> bool:
        return f"\x0111={cl_ord_id}\x01".encode() in self.sink.sent


@contextlib.contextmanager
def venue(folder: Path, storage: Storage) -> Iterator[Assembly]:
    now_ns = time.time_ns()
    day = to_yyyymmdd(CONFIG.day.venue_day().at(now_ns))
    sequencer = Sequencer.open(
        folder, limits=LIMITS, durability="fsync", now_ns=now_ns, venue_day=day, storage=storage,
        threaded=False,
    )  # fmt: skip
    try:
        yield assemble(sequencer, CONFIG, load_products(), now_ns)
    finally:
        sequencer.abandon()


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket() as connection:
        yield connection


def settle(parts: Assembly) -> None:
    """What the sync's thread does."""
    parts.sequencer.sync()
    parts.venue.release()


def test_a_line_that_speaks_alone_is_answered_in_its_turn(
    tmp_path: Path, peer: socket.socket
) -> None:
    with venue(tmp_path, Storage()) as parts:
        alpha = Member(parts, b"ALPHA", peer)
        settle(parts)
        for name in ("1", "2", "3"):
            alpha.order(name)
            assert alpha.answered(name)
        assert parts.sequencer.durable == parts.sequencer.written


def test_lines_that_speak_together_wait_for_one_sync(
    tmp_path: Path, peer: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venue_module, "ALONE_NS", 3600 * 10**9)
    with venue(tmp_path, Storage()) as parts:
        wanted = []
        parts.venue.on_sync = lambda: wanted.append(parts.sequencer.written)
        alpha, bravo = Member(parts, b"ALPHA", peer), Member(parts, b"BRAVO", peer)
        settle(parts)
        told: list[int] = []
        parts.venue.tell = told.append
        alpha.order("1")
        bravo.order("2")
        alpha.order("3")
        assert wanted and not told
        assert not (alpha.answered("1") or bravo.answered("2") or alpha.answered("3"))
        settle(parts)
        assert alpha.answered("1") and bravo.answered("2") and alpha.answered("3")
        assert told == [parts.sequencer.events_durable()]


def test_what_is_large_waits_for_the_thread(tmp_path: Path, peer: socket.socket) -> None:
    with venue(tmp_path, Storage()) as parts:
        alpha = Member(parts, b"ALPHA", peer)
        settle(parts)
        count = ALONE_BYTES_MAX // COMMAND.itemsize + 1
        alpha.order(*(str(number) for number in range(count)))
        assert not alpha.answered("0")
        settle(parts)
        assert alpha.answered("0")


def test_a_failed_sync_in_a_turn_answers_nobody(tmp_path: Path, peer: socket.socket) -> None:
    storage = FaultyStorage()
    with venue(tmp_path, storage) as parts:
        alpha = Member(parts, b"ALPHA", peer)
        settle(parts)
        storage.syncs_left = 0
        with pytest.raises(StorageFailed):
            alpha.order("1")
        assert not alpha.answered("1")
