"""Rebuild an engine from a data directory's journal, beside the venue's files: `sitex replay`.

Reads only. Every record is checked; a torn tail is reported and left as it is. Events go to a
scratch array: the event log is not read and not written.

Source: specs/matching.md M-1; docs/decisions/0101-journal-format.md.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.files import SNAPSHOT, day_folders, numbered_files
from engine.journal import Tail
from engine.layout import aligned_zeros
from engine.limits import EngineLimits
from engine.pages import had_ahead
from engine.records import GENESIS, RecordKind, sessions_at
from engine.recover import read_begin
from engine.replayer import EngineStopped, Replayer
from engine.snapshots import Snapshot, read_snapshot
from engine.stream import JournalDamaged, Stream, list_segments
from engine.types import EVENT, REQUEST
from engine.venue_day import EngineLike, EngineMaker, ScratchEvents, apply_batch

_EVENT_ROWS = 1 << 15  # scratch: small enough to stay in the second-level cache


@dataclass
class ReplayResult:
    """What a replay rebuilt. Counts are since ever; `seconds` is the time of reading and applying.

    `commands_replayed` were applied here, the others stand in the snapshot it started from.
    `torn`: why the journal ends before its files do; `fault`: the assert it stopped before.
    """

    engine: Any  # of engine.machine.Engine, or what `make` makes
    day: int  # yyyymmdd of the last folder read
    commands: int
    commands_replayed: int
    events: int
    records: int
    session_bytes: int  # of the session store, in the turns' records
    journal_bytes: int
    seconds: float
    state_hash: bytes
    torn: str | None
    fault: EngineStopped | None

    @property
    def commands_per_second(self) -> float:
        """Rate of the replay."""
        return self.commands_replayed / self.seconds if self.seconds else 0.0


def replay(
    data_dir: Path | str,
    at: int | None = None,
    limits: EngineLimits | None = None,
    make: EngineMaker | None = None,
    from_start: bool = False,
) -> ReplayResult:
    """The engine after command `at` (None: all) of a data directory's journal.

    Starts at the oldest kept point, or where `at` is given at the newest roll before it, unless
    `from_start`. limits: None: those the directory was made with. Raises JournalDamaged, and
    FileNotFoundError where there is no journal.
    """
    path = Path(data_dir)
    segments = list_segments(path)
    if not segments:
        raise FileNotFoundError(f"{path} holds no journal")
    run = _Replay(path, limits, make or _engine(), None)
    fault: EngineStopped | None = None
    snapshot = run.start_for(at, from_start)
    single_from = None
    while True:
        try:
            result = run.play(snapshot, at, single_from)
        except EngineStopped as error:
            if error.first < error.last:
                at, single_from = error.last, error.first
            elif error.first in run.skips_behind():
                run.skips = run.skips | {error.first}
            else:
                fault, at = error, error.first - 1
            continue
        result.fault = fault
        return result


class _Replay:
    """A replay of a directory, as often as an assert asks for it."""

    def __init__(
        self,
        data_dir: Path,
        limits: EngineLimits | None,
        make: EngineMaker,
        skips: frozenset[int] | None,
    ) -> None:
        self._requests: np.ndarray  # of the day at hand
        self._data_dir = data_dir
        self._segments = list_segments(data_dir)
        self._limits = limits
        self._make = make
        self.skips = skips or frozenset()

    def start_for(self, at: int | None, from_start: bool) -> Snapshot | None:
        """The snapshot of a roll to start from; None for the stream's first record."""
        whole = self._segments[0].number == 1
        if whole and (from_start or at is None):
            return None
        for _, folder in day_folders(self._data_dir)[:: 1 if at is None else -1]:
            for number, path in numbered_files(folder, SNAPSHOT)[:1]:
                found = read_snapshot(path) if at is None or number <= at else None
                if found is not None and found.requests is not None:
                    return found
        if not whole:
            raise JournalDamaged(self._segments[0].path, 0, "no snapshot of a roll to start from")
        return None

    def skips_behind(self) -> frozenset[int]:
        """The commands that the operator passed over."""
        return frozenset(
            record.header.first_number
            for record in Stream(self._segments, None).records()
            if record.header.kind == RecordKind.SKIP
        )

    def play(self, snapshot: Snapshot | None, at: int | None, single: int | None) -> ReplayResult:
        """One pass; raises EngineStopped."""
        engine = self._engine_at(snapshot)
        sink = ScratchEvents(np.zeros(_EVENT_ROWS, EVENT))

        def apply(commands: np.ndarray, blobs: np.ndarray) -> None:
            apply_batch(engine, sink, commands, blobs)

        def roll(command: np.ndarray) -> None:
            self._requests = _request_rows(len(self._requests))
            engine.roll_requests(self._requests)
            apply(command, np.zeros(0, np.uint8))

        day = snapshot.meta.day if snapshot is not None else self._segments[0].day
        segments = [segment for segment in self._segments if segment.day >= day]
        known = snapshot is None and segments[0].number == 1
        stream = Stream(segments, Tail(0, GENESIS, 0, 0) if known else None)
        before = engine.command_count
        replayer = Replayer(apply, roll, before, stop_at=at, single_from=single, skips=self.skips)
        records = session_bytes = size = 0
        started = time.perf_counter()
        with had_ahead(lambda: self._requests, lambda: engine.request_count):
            for record in stream.records():
                replayer.feed(record)
                header = record.header
                records += 1
                session_bytes += header.payload_bytes - sessions_at(header) if header.is_turn else 0
                size += header.record_bytes
                day = record.segment.day
                if replayer.stopped:
                    break
            replayer.finish()
        seconds = time.perf_counter() - started
        return ReplayResult(
            engine=engine,
            day=day,
            commands=replayer.count,
            commands_replayed=replayer.count - before,
            events=engine.event_count,
            records=records,
            session_bytes=session_bytes,
            journal_bytes=size,
            seconds=seconds,
            state_hash=engine.state_hash(),
            torn=stream.torn,
            fault=None,
        )

    def _engine_at(self, snapshot: Snapshot | None) -> EngineLike:
        if snapshot is None:
            begin = read_begin(self._segments)
            if begin is None:
                raise JournalDamaged(self._segments[0].path, 0, "the first record is missing")
            limits = self._limits or EngineLimits(**begin.limits)
            self._requests = _request_rows(limits.requests_max + 1)
            return self._make(limits, self._requests)
        limits = self._limits or EngineLimits(**snapshot.meta.limits)
        requests = self._requests = _request_rows(limits.requests_max + 1)
        assert snapshot.requests is not None
        requests[: len(snapshot.requests)] = snapshot.requests
        return self._make.restore(limits, snapshot.engine, requests)


def _request_rows(rows: int) -> np.ndarray:
    return aligned_zeros(rows * REQUEST.itemsize).view(REQUEST)


def _engine() -> EngineMaker:
    # here, because importing the machine loads numba, which a stand-in engine does not need
    from engine.machine import Engine

    return Engine
