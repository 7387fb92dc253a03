"""The single writer: opens a data directory, runs the venue's turns, rolls its day, closes it.

Synchronous, without clock and socket: the gateway calls it (see engine/turn.py for a turn).

Source: docs/decisions/0101-journal-format.md; specs/matching.md M-72.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np

from engine.event_reader import EventReader
from engine.eventlog import EventRows
from engine.files import SNAPSHOT, FileSizes, numbered_files
from engine.journal import Journal, Tail
from engine.limits import EngineLimits
from engine.records import GENESIS, RecordKind
from engine.recover import (
    Begin,
    Recovered,
    Sources,
    day_first_event,
    has_journal,
    recover,
    sessions_start,
)
from engine.replayer import EngineStopped
from engine.snapshots import write_sessions
from engine.storage import NoRoom, Storage, StorageFailed, lock_directory
from engine.stream import records, session_payloads
from engine.turn import DISK_FULL, Turn
from engine.types import COMMAND, CommandKind
from engine.venue_day import ENGINE_FAULTS, EngineMaker, VenueDay


class Sequencer(Turn):
    """The single writer of a data directory: its turns, days, session store, start and end."""

    def __init__(
        self, venue: VenueDay, journal: Journal, lock_fd: int, *, durability: str, threaded: bool
    ) -> None:
        """For open(), which see."""
        super().__init__(venue, journal, durability=durability, threaded=threaded)
        self._lock_fd = lock_fd
        self.found_ns = 0  # venue clock of the last command found by open(), 0: there was none
        self._reader = EventReader(venue.data_dir)
        self.day_first_event = day_first_event(venue)
        self._starts: list[tuple[int, Path]] = []
        self._recovered_to = journal.position
        self._sessions_start, self._sessions_saved = sessions_start(
            venue.data_dir, journal.position
        )

    @classmethod
    def open(
        cls,
        data_dir: Path | str,
        *,
        limits: EngineLimits | None = None,
        new_limits: EngineLimits | None = None,
        durability: str = "fsync",
        now_ns: int = 0,
        venue_day: int = 0,
        storage: Storage | None = None,
        sizes: FileSizes | None = None,
        make: EngineMaker | None = None,
        threaded: bool = True,
    ) -> Sequencer:
        """Open a data directory, recovering by itself, or begin a new one.

        limits: None: those of the directory; new_limits: those of a new directory where `limits` is
        None, None: the defaults. durability: "os" or "fsync".
        now_ns: venue clock, a new directory's first time. venue_day: its first day, yyyymmdd,
        0: the UTC date of now_ns. storage, sizes, make, threaded: for tests.
        Raises DirectoryBusy, JournalDamaged, LimitsDiffer, StorageFailed.
        """
        assert durability in ("os", "fsync")
        path = Path(data_dir)
        path.mkdir(parents=True, exist_ok=True)
        storage = storage or Storage()
        lock_fd = lock_directory(path)
        try:
            sources = Sources(
                storage,
                path,
                sizes or FileSizes(),
                make or _engine(),
                limits,
                durability == "fsync",
            )
            if has_journal(storage, path):
                return cls._reopen(sources, lock_fd, durability, now_ns, threaded)
            day = venue_day or _utc_day(now_ns)
            sources = replace(sources, limits=limits or new_limits)
            return cls._begin(sources, lock_fd, durability, now_ns, day, threaded)
        except BaseException:
            os.close(lock_fd)
            raise

    @classmethod
    def _begin(
        cls, sources: Sources, lock_fd: int, durability: str, now_ns: int, day: int, threaded: bool
    ) -> Sequencer:
        limits = sources.limits or EngineLimits()
        storage, sizes = sources.storage, sources.sizes
        venue = VenueDay(storage, sources.data_dir, sizes, limits, day)
        try:
            venue.start(sources.make)
            tail = Tail(0, GENESIS, 0, 0)
            written = durability == "os"
            journal = Journal(storage, venue.folder, tail, sizes, promise_written=written)
        except NoRoom as error:
            raise StorageFailed(f"disk full at the start: {error}") from error
        sequencer = cls(venue, journal, lock_fd, durability=durability, threaded=threaded)
        sequencer._time_ns = now_ns
        begin = msgspec.json.encode(Begin(asdict(limits), day))
        journal.append(RecordKind.BEGIN, begin, 1, now_ns)
        journal.flush()
        sequencer.sync()
        return sequencer

    @classmethod
    def _reopen(
        cls, sources: Sources, lock_fd: int, durability: str, now_ns: int, threaded: bool
    ) -> Sequencer:
        found = recover(sources)
        venue = found.venue
        written = durability == "os"
        try:
            journal = Journal(
                sources.storage,
                venue.folder,
                found.tail,
                sources.sizes,
                promise_written=written,
                last=found.last,
            )
        except NoRoom as error:
            raise StorageFailed(f"disk full at the start: {error}") from error
        journal.know_segments(found.starts)
        sequencer = cls(venue, journal, lock_fd, durability=durability, threaded=threaded)
        sequencer._adopt(found, now_ns)
        return sequencer

    def _adopt(self, found: Recovered, now_ns: int) -> None:
        self.found_ns = found.time_ns
        self._time_ns = max(found.time_ns, now_ns)
        self._halt_reason = found.halt_reason
        self.torn = found.torn
        self._starts = found.starts
        if found.at_roll and not found.fault and not numbered_files(self.venue.folder, SNAPSHOT):
            # the last run ended between the roll and its snapshot
            self._write_roll_snapshot()
        if found.fault is not None:
            self._refusal = found.fault
        elif found.halt_reason == DISK_FULL:
            # the new segment is there, so there is space again
            self._control(CommandKind.RESUME)
            self.flush()
            self.sync()

    # -- reading back

    @property
    def written(self) -> int:
        """Stream position before which everything is in the files."""
        return self.journal.written

    @property
    def durable(self) -> int:
        """Stream position before which everything is on the disk."""
        return self.journal.durable

    @property
    def venue_day(self) -> int:
        """The venue day, yyyymmdd."""
        return self.venue.day

    @property
    def event_count(self) -> int:
        """Number of the last event in the log, not all of which need be written."""
        return self._events.next_number - 1

    @property
    def command_count(self) -> int:
        """Commands since ever."""
        return self._count

    def read_journal(self, position: int, length: int) -> bytes:
        """Bytes of an earlier payload, by stream position."""
        return self.journal.read(position, length)

    def event_rows(self, first: int, count: int) -> list[np.ndarray]:
        """EVENT rows by number, of any kept day; raises EventsMissing."""
        return self._reader.rows(first, count)

    def requests_of(self, event_number: int) -> np.ndarray:
        """REQUEST rows of the venue day of an event."""
        if event_number >= self.day_first_event:
            return self.venue.requests.rows
        return self._reader.requests_of(event_number)

    # -- the session store

    def sessions_saved(self) -> bytes:
        """The session store as last saved, b"" without: session_records() goes on from it."""
        return self._sessions_saved

    def session_records(self) -> Iterator[tuple[int, memoryview]]:
        """(position, payload) journaled since the store was saved, as open() found them."""
        return session_payloads(self._starts, self._sessions_start, self._recovered_to)

    def command_records(
        self, *, all_kept: bool = False
    ) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
        """(stream position, number of the first, COMMAND rows, uint8 blobs) a batch, as found.

        Those journaled since the store was saved; all_kept: those of all days that are kept.
        """
        first = 0 if all_kept else self._sessions_start
        for header, payload in records(self._starts, first, self._recovered_to):
            if header.rows == 0:
                continue
            size = header.rows * COMMAND.itemsize
            blobs = np.frombuffer(payload[size : size + header.blob_bytes], np.uint8)
            rows = np.frombuffer(payload[:size], COMMAND)
            yield header.position, header.first_number, rows, blobs

    def save_sessions(self, payload: bytes) -> None:
        """Save the whole session store as it stands now: at the roll and before close()."""
        self.flush()
        self.sync()
        write_sessions(self.venue.storage, self.venue.folder, self.journal.position, payload)

    # -- days, halts, the end

    def roll_day(self, next_day: int) -> list[EventRows]:
        """Journal and apply ROLL_DAY and go on in the next day's files; its event rows (M-72).

        Raises NoRoom before any change where the disk is full.
        """
        if self._refusal is not None or self._backlog is not None:
            self._refuse()
        venue, journal = self.venue, self.journal
        assert next_day > venue.day, "the next venue day comes after this one"
        self.flush()
        copied_max = min(self.engine.request_count, venue.limits.orders_max)
        requests = venue.next_requests(next_day, copied_max)
        journal.prepare()
        self._events.prepare()
        command = self._command(CommandKind.ROLL_DAY)
        command["trading_date"] = next_day
        self._count += 1
        try:
            raw = command.tobytes()
            journal.append(RecordKind.COMMANDS, raw, self._count, self._time_ns, 1)
            journal.flush()
            rows = venue.roll(command, requests)
            journal.roll_folder(venue.folder)
            self.flush()
            self.sync()
            self._write_roll_snapshot()
        except ENGINE_FAULTS as error:
            raise self._stopped(self._count, error) from error
        except (NoRoom, StorageFailed) as error:
            failed = StorageFailed(f"in the roll to {next_day}: {error}")
            self._refusal = failed
            raise failed from error
        self._requests_left = 0
        self.day_first_event = self._events.next_number
        return rows

    def _write_roll_snapshot(self) -> None:
        place = self.journal.place
        self.venue.write_snapshot(place, self._time_ns, self._halt_reason, of_roll=True)

    def skip_command(self) -> int:
        """Journal that the command the engine asserts on is passed over; its number.

        The operator's decision, on a venue that a restart left halted before that command; the
        next start then goes on behind it.
        """
        fault = self._refusal
        if not isinstance(fault, EngineStopped) or fault.first != fault.last:
            raise ValueError("no command stands before the engine: nothing to skip")
        self.journal.append(RecordKind.SKIP, b"", fault.first, self._time_ns)
        self.flush()
        self.sync()
        return fault.first

    def close(self) -> None:
        """Stop cleanly: END record, sync, snapshot; after a failure only let go of the files.

        On a full disk there is no snapshot, and the next start replays the day.
        """
        self._ahead.stop()
        try:
            if self._refusal is None and self._backlog is None:
                self.journal.finish(self._count + 1, self._time_ns)
                venue = self.venue
                place = self.journal.place
                try:
                    venue.write_snapshot(place, self._time_ns, self._halt_reason, of_roll=False)
                except NoRoom:
                    self._halt_reason = DISK_FULL
        finally:
            self.abandon()

    def abandon(self) -> None:
        """Let go of all files and the lock without writing anything: what a crash leaves."""
        self._ahead.stop()
        self.journal.abandon()
        self.venue.close()
        self._reader.forget()
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1


def _engine() -> EngineMaker:
    # here, because importing the machine loads numba, which a stand-in engine does not need
    from engine.machine import Engine

    return Engine


def _utc_day(now_ns: int) -> int:
    return int(datetime.fromtimestamp(now_ns / 1e9, UTC).strftime("%Y%m%d"))
