"""What the journal's tests share: a venue on the stand-in engine, a storage that fails."""

from __future__ import annotations

import errno
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.files import EVENTS, JOURNAL, FileSizes, numbered_files
from engine.sequencer import Sequencer
from engine.storage import NoRoom, Storage, StorageFailed
from tests.standin_engine import SMALL_LIMITS, StandInEngine, orders

DAY = 20261120
SIZES = FileSizes(
    journal_bytes=1 << 14, journal_reserve_bytes=1 << 12, event_rows=256, event_reserve_rows=64,
    request_chunk_rows=64, request_resident_rows=64,
)  # fmt: skip


class Crash(Exception):
    """The process ends here: what the storage did so far stays."""


@dataclass
class FaultyStorage(Storage):
    """A storage that fails on order. `full`: nothing can be allocated.

    writes_left: writes that still succeed, None for all. Then: "eio" fails, "torn" writes `torn`
    bytes of it and crashes, "crash" crashes before it. syncs_left: syncs before EIO.
    """

    full: bool = False
    writes_left: int | None = None
    then: str = "eio"
    torn: int = 0
    syncs_left: int | None = None

    def allocate(self, fd: int, offset: int, length: int) -> None:
        if self.full and length:
            raise NoRoom("no space left on device (injected)")
        super().allocate(fd, offset, length)

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> None:
        self._count_write(fd, data)
        super().write(fd, data)

    def write_parts(self, fd: int, parts: list) -> None:
        self._count_write(fd, b"".join(parts))
        super().write_parts(fd, parts)

    def sync(self, fd: int) -> None:
        if self.syncs_left is not None:
            if self.syncs_left == 0:
                raise StorageFailed(f"fdatasync: {errno.EIO}")
            self.syncs_left -= 1
        super().sync(fd)

    def _count_write(self, fd: int, data: bytes | bytearray | memoryview) -> None:
        if self.writes_left is None:
            return
        if self.writes_left == 0:
            if self.then == "eio":
                raise StorageFailed(f"write: {errno.EIO}")
            if self.then == "torn":
                super().write(fd, memoryview(data)[: self.torn])
            raise Crash
        self.writes_left -= 1


def open_venue(path: Path, **options) -> Sequencer:
    """A small venue on the stand-in engine, without a thread."""
    chosen = {
        "limits": SMALL_LIMITS, "durability": "os", "now_ns": 1, "venue_day": DAY, "sizes": SIZES,
        "make": StandInEngine, "threaded": False,
    }  # fmt: skip
    return Sequencer.open(path, **(chosen | options))


def turn(venue: Sequencer, first: int, count: int, sessions: bytes = b"", **fields: int) -> None:
    """One turn: orders, session-store bytes, flush."""
    venue.submit(orders(first, count, **fields))
    if sessions:
        venue.append_sessions(sessions)
    venue.flush()


def all_events(venue: Sequencer) -> bytes:
    """The bytes of the whole event log."""
    count = venue.events_durable()
    return b"".join(rows.tobytes() for rows in venue.event_rows(1, count)) if count else b""


def facts(venue: Sequencer) -> tuple[int, bytes, bytes]:
    """Command count, state hash, event log: equal after a recovery that lost nothing."""
    return venue.command_count, venue.engine.state_hash(), all_events(venue)


def files(path: Path, kind: str) -> list[Path]:
    """All files of a kind, oldest first."""
    return [file for folder in sorted(path.glob("20*")) for _, file in numbered_files(folder, kind)]


def journal_files(path: Path) -> list[Path]:
    """The journal's segments."""
    return files(path, JOURNAL)


def event_files(path: Path) -> list[Path]:
    """The event log's segments."""
    return files(path, EVENTS)


def copy_of(path: Path, to: Path) -> Path:
    """A copy of a data directory."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(path, to)
    return to


def overwrite(path: Path, offset: int, data: bytes) -> None:
    """Change bytes of a file in place."""
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def used_bytes(path: Path) -> int:
    """Bytes of a file up to its last one that is not zero."""
    return len(path.read_bytes().rstrip(b"\0"))


def rows_of(parts: list[np.ndarray]) -> np.ndarray:
    """Event rows as one array."""
    return np.concatenate(parts)
