"""Start-up: bring engine, event log and request file to where the journal ends.

The newest snapshot that holds and to which the event log is whole is the start; the journal of its
day is checked from the day's first record, and applied from the snapshot on. A torn tail is cut.
An assert in the engine leaves a venue that is stopped before that command and says so.

Source: docs/decisions/0101-journal-format.md, section Recovery.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec
import numpy as np

from engine.event_reader import map_rows
from engine.eventlog import EventLog, RequestFile
from engine.files import (
    EVENTS,
    REQUESTS,
    SESSIONS,
    SNAPSHOT,
    FileSizes,
    day_folders,
    day_name,
    numbered_files,
)
from engine.journal import Tail
from engine.limits import EngineLimits
from engine.records import GENESIS, RULES_VERSION, RecordKind
from engine.replayer import EngineStopped, Replayer
from engine.snapshots import Snapshot, read_sessions, read_snapshot
from engine.storage import NoRoom, Storage, StorageFailed
from engine.stream import JournalDamaged, Segment, Stream, first_positions, list_segments
from engine.types import EVENT, REQUEST
from engine.venue_day import EngineMaker, VenueDay, apply_batch


class LimitsDiffer(Exception):
    """A data directory was made with other engine limits than those given."""


class Begin(msgspec.Struct, frozen=True):
    """Payload of the stream's first record."""

    limits: dict[str, int]
    day: int  # yyyymmdd


@dataclass
class Recovered:
    """What start-up found. `fault`: the assert it stands before; `torn`: why a tail was cut."""

    venue: VenueDay
    tail: Tail
    last: Path | None  # the segment to be told of the next, None: it knows
    starts: list[tuple[int, Path]]  # of the segments that hold records
    time_ns: int
    halt_reason: str
    at_roll: bool  # the last command was ROLL_DAY
    fault: EngineStopped | None
    torn: str | None


@dataclass(frozen=True)
class Sources:
    """Where recovery reads and what it makes engines with."""

    storage: Storage
    data_dir: Path
    sizes: FileSizes
    make: EngineMaker
    limits: EngineLimits | None = None  # None: those of the directory
    sync: bool = True  # durability fsync


def has_journal(storage: Storage, data_dir: Path) -> bool:
    """Whether a data directory holds any record; raises JournalDamaged.

    What a crash in the first write left of a journal without any is removed.
    """
    segments = list_segments(data_dir)
    if segments and segments[0].number > 1:
        return True
    if next(Stream(segments, Tail(0, GENESIS, 0, 0)).records(), None) is not None:
        return True
    for segment in reversed(segments):
        storage.remove(segment.path)
    return False


def read_begin(segments: list[Segment]) -> Begin | None:
    """The stream's first record, None where it is not kept any more."""
    for record in Stream(segments[:1], None).records():
        if record.header.kind == RecordKind.BEGIN:
            return msgspec.json.decode(record.payload, type=Begin)
        return None
    return None


def recover(sources: Sources) -> Recovered:
    """Bring everything to the journal's end; raises JournalDamaged, LimitsDiffer, StorageFailed."""
    segments = list_segments(sources.data_dir)
    chosen = _choose(sources, segments)
    skips: frozenset[int] = frozenset()
    fault: EngineStopped | None = None
    stop_at = single_from = None
    while True:
        run = _Run(sources, segments, chosen, stop_at, single_from, skips)
        try:
            run.play()
        except EngineStopped as error:
            run.venue.close()
            if error.first < error.last:
                stop_at, single_from = error.last, error.first
            elif error.first in _skips_of(run.day_segments):
                skips = skips | {error.first}
                stop_at = single_from = None
            else:
                fault, stop_at, single_from = error, error.first - 1, None
            continue
        break
    _cut(sources, run)
    replayer = run.replayer
    return Recovered(
        venue=run.venue,
        tail=run.stream.tail,
        last=run.stream.unended,
        starts=first_positions(list_segments(sources.data_dir)),
        time_ns=replayer.time_ns,
        halt_reason=replayer.halt_reason,
        at_roll=replayer.at_roll,
        fault=fault,
        torn=run.stream.torn,
    )


class _Run:
    """One pass over the journal from a snapshot's day on."""

    def __init__(
        self,
        sources: Sources,
        segments: list[Segment],
        snapshot: Snapshot | None,
        stop_at: int | None,
        single_from: int | None,
        skips: frozenset[int],
    ) -> None:
        self._snapshot = snapshot
        self.venue = _venue_at(sources, segments, snapshot)
        day = self.venue.day
        self.day_segments = [segment for segment in segments if segment.day >= day]
        self.stream = Stream(self.day_segments, _day_start(sources.data_dir, day, segments))
        self.replayer = Replayer(
            self._apply,
            self._roll,
            self.venue.engine.command_count,
            stop_at=stop_at,
            single_from=single_from,
            skips=skips,
        )
        if snapshot is not None:
            self.replayer.time_ns = snapshot.meta.time_ns
            self.replayer.halt_reason = snapshot.meta.halt_reason

    def play(self) -> None:
        """Check all records, apply those behind the snapshot."""
        meta = self._snapshot.meta if self._snapshot is not None else None
        for record in self.stream.records():
            header = record.header
            if meta is not None and header.position >= meta.position:
                if (header.position, header.hash_before) != (meta.position, meta.hash):
                    why = "the day's snapshot is of another journal"
                    raise JournalDamaged(record.segment.path, record.offset, why)
                meta = None
            if meta is None:
                self.replayer.feed(record)
        self.replayer.finish()
        tail = self.stream.tail
        if meta is not None and (tail.position, tail.hash) != (meta.position, meta.hash):
            why = f"ends at position {tail.position}, but a snapshot is of {meta.position}"
            raise JournalDamaged(*self._end_of_files(), why)

    def _end_of_files(self) -> tuple[Path, int]:
        if self.stream.end is None:
            return (self.day_segments[0].path if self.day_segments else self.venue.folder), 0
        segment, offset = self.stream.end
        return segment.path, offset

    def _apply(self, commands: np.ndarray, blobs: np.ndarray) -> None:
        engine, events = self.venue.engine, self.venue.events
        _, rest = apply_batch(engine, events, commands, blobs)
        if rest is not None:
            raise StorageFailed("disk full: no room for the event log while recovering")

    def _roll(self, command: np.ndarray) -> None:
        venue = self.venue
        copied_max = min(venue.engine.request_count, venue.limits.orders_max)
        try:
            requests = venue.next_requests(int(command["trading_date"][0]), copied_max)
            venue.roll(command, requests)
        except NoRoom as error:
            raise StorageFailed(f"disk full while recovering: {error}") from error


def _day_start(data_dir: Path, day: int, segments: list[Segment]) -> Tail | None:
    """Where the first record of a day's files stands, as the roll's snapshot knows it."""
    if segments and segments[0].number == 1 and segments[0].day == day:
        return Tail(0, GENESIS, 0, 0)
    for _, path in numbered_files(data_dir / day_name(day), SNAPSHOT)[:1]:
        snapshot = read_snapshot(path)
        if snapshot is not None and snapshot.meta.requests_inside:
            return Tail(snapshot.meta.position, snapshot.meta.hash, snapshot.meta.epoch, 0)
    return None


def _venue_at(sources: Sources, segments: list[Segment], snapshot: Snapshot | None) -> VenueDay:
    """Engine and files as they were at a snapshot, or before the first command."""
    limits = _limits_of(sources, segments, snapshot)
    day = snapshot.meta.day if snapshot is not None else segments[0].day
    venue = VenueDay(sources.storage, sources.data_dir, sources.sizes, limits, day)
    try:
        if snapshot is None:
            venue.start(sources.make)
            return venue
        meta = snapshot.meta
        used = meta.request_count if snapshot.requests is None else 0
        venue.requests = RequestFile(
            sources.storage, venue.folder, sources.sizes, limits.requests_max, used
        )
        if snapshot.requests is not None:
            venue.requests.make_room(meta.request_count)
            venue.requests.rows[: meta.request_count + 1] = snapshot.requests
        venue.engine = sources.make.restore(limits, snapshot.engine, venue.requests.rows)
        venue.events = EventLog(sources.storage, venue.folder, sources.sizes, meta.event_count + 1)
    except NoRoom as error:
        raise StorageFailed(f"disk full while recovering: {error}") from error
    return venue


def _limits_of(
    sources: Sources, segments: list[Segment], snapshot: Snapshot | None
) -> EngineLimits:
    kept = snapshot.meta.limits if snapshot is not None else None
    if kept is None:
        begin = read_begin(segments)
        if begin is None:
            raise JournalDamaged(segments[0].path, 0, "neither the first record nor a snapshot")
        kept = begin.limits
    if sources.limits is None:
        return EngineLimits(**kept)
    given = asdict(sources.limits)
    for name, value in given.items():
        if kept.get(name) != value:
            raise LimitsDiffer(
                f"{sources.data_dir} was made with {name} = {kept.get(name)}, not {value}:"
                " take that value or a new data directory"
            )
    return sources.limits


def _choose(sources: Sources, segments: list[Segment]) -> Snapshot | None:
    """The newest snapshot that holds and to which the event log and the request rows are whole."""
    from_start = bool(segments) and segments[0].number == 1
    whole_to = events_whole_to(sources.data_dir, 1 if from_start else None)
    for snapshot in _snapshots(sources.data_dir):
        meta = snapshot.meta
        if meta.rules_version != RULES_VERSION and not meta.requests_inside:
            continue
        kept = not segments or meta.day >= segments[0].day
        if kept and meta.event_count <= whole_to and _requests_hold(sources.data_dir, snapshot):
            return snapshot
    return None


def _snapshots(data_dir: Path) -> Iterator[Snapshot]:
    for _, folder in reversed(day_folders(data_dir)):
        for _, path in reversed(numbered_files(folder, SNAPSHOT)):
            snapshot = read_snapshot(path)
            if snapshot is not None:
                yield snapshot


def _requests_hold(data_dir: Path, snapshot: Snapshot) -> bool:
    # rows change while their order lives: after a kill only the day's replay makes them right
    if snapshot.requests is not None:
        return True
    path = data_dir / day_name(snapshot.meta.day) / REQUESTS
    if not path.exists():
        return False
    rows = map_rows(path, REQUEST)[: snapshot.meta.request_count + 1]
    return (
        len(rows) == snapshot.meta.request_count + 1
        and zlib.crc32(rows.view(np.uint8).data) == snapshot.meta.requests_crc
    )


def events_whole_to(data_dir: Path, first_kept: int | None) -> int:
    """The last event number up to which the event log has no gap, 0 without any.

    `first_kept`: the first one there must be, None: that of the oldest file.
    All rows of the newest two days are looked at (a crash of the machine may have lost pages, which
    then read as zeros), of older days the first and the last of each segment.
    """
    days = day_folders(data_dir)
    files = [(day, *file) for day, folder in days for file in numbered_files(folder, EVENTS)]
    last = (first_kept or (files[0][1] if files else 1)) - 1
    for index, (day, first, path) in enumerate(files):
        if first != last + 1:
            return last
        rows = map_rows(path, EVENT)
        behind = files[index + 1][1] if index + 1 < len(files) else None
        count = len(rows) if behind is None else behind - first
        if count > len(rows):
            return last
        kinds = rows["kind"][:count]
        if day >= days[-2:][0][0] or behind is None:
            gaps = np.flatnonzero(kinds == 0)
            last += int(gaps[0]) if len(gaps) else count
        elif count and (kinds[0] == 0 or kinds[-1] == 0):
            return last
        else:
            last += count
    return last


def _skips_of(segments: list[Segment]) -> frozenset[int]:
    return frozenset(
        record.header.first_number
        for record in Stream(segments, None).records()
        if record.header.kind == RecordKind.SKIP
    )


def _cut(sources: Sources, run: _Run) -> None:
    """Make the files end where the journal does: torn tail, unused segments, events, later days."""
    storage = sources.storage
    end = run.stream.end
    last = run.stream.tail.segment
    for segment in reversed(run.day_segments):
        if segment.number > last:
            storage.remove(segment.path)
            continue
        fd = storage.open(segment.path)
        try:
            if end is not None and segment.number == last:
                storage.truncate(fd, end[1])
            if sources.sync:
                # what was only in the system's memory counts as durable from here on
                storage.sync(fd)
        finally:
            os.close(fd)
    run.venue.events.cut()
    for day, folder in day_folders(sources.data_dir):
        if day > run.venue.day:
            for kind in (EVENTS, SNAPSHOT, SESSIONS):
                for _, path in numbered_files(folder, kind):
                    storage.remove(path)


def sessions_start(data_dir: Path, tail_position: int) -> tuple[int, bytes]:
    """The newest session store that holds: (its stream position, its bytes); (0, b"") without."""
    for _, folder in reversed(day_folders(data_dir)):
        for position, path in reversed(numbered_files(folder, SESSIONS)):
            payload = read_sessions(path) if position <= tail_position else None
            if payload is not None:
                return position, payload
    return 0, b""


def day_first_event(venue: VenueDay) -> int:
    """The number of the first event of the venue's current day."""
    return numbered_files(venue.folder, EVENTS)[0][0]
