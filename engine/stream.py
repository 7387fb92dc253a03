"""Read the journal's stream back: every record checked, a torn tail told from damage.

The stream's end is where no record stands any more. What lies there decides: zeros are a clean end;
bytes that a crash can leave (a record without its end, sectors that never reached the disk) are a
torn tail, which recovery cuts; everything else is damage and an error that names file and offset.
A later record that was written after the place had been promised makes it damage, too. Writes
nothing.

Source: docs/decisions/0101-journal-format.md, section What a crash leaves.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.files import JOURNAL, day_folders, file_name, numbered_files
from engine.journal import Tail
from engine.records import (
    GENESIS,
    HEADER_BYTES,
    MAGIC,
    RULES_VERSION,
    Header,
    RecordKind,
    parse_header,
    payload_fault,
    sessions_at,
    version_at,
)

_SECTOR = 512
_LARGE = 1 << 15  # bytes of a payload that is summed ahead
_AHEAD = 4  # records
_CHUNK = 1 << 20


class JournalDamaged(Exception):
    """The journal is not what was written; `file` and `offset` (bytes) say where."""

    def __init__(self, file: Path, offset: int, why: str) -> None:
        super().__init__(f"journal damaged: {file} at offset {offset}: {why}")
        self.file = file
        self.offset = offset
        self.why = why


class Segment(NamedTuple):
    """A segment file of the stream."""

    number: int
    path: Path
    day: int  # yyyymmdd


class Record(NamedTuple):
    """A checked record. `payload` is valid as long as it is held."""

    header: Header
    payload: memoryview
    segment: Segment
    offset: int  # bytes into the file


def list_segments(data_dir: Path) -> list[Segment]:
    """All segments of a data directory in order; raises JournalDamaged where one is missing."""
    found = [
        Segment(number, path, day)
        for day, folder in day_folders(data_dir)
        for number, path in numbered_files(folder, JOURNAL)
    ]
    for before, segment in pairwise(found):
        if segment.number != before.number + 1:
            missing = f"segment {before.number + 1} before it is missing"
            raise JournalDamaged(segment.path, 0, missing)
    return found


class Stream:
    """The records of consecutive segments. `tail`, `end` and `torn` are right once all are read.

    end: (segment, offset) behind the last record, None without any. torn: why, of a torn tail.
    """

    def __init__(self, segments: list[Segment], start: Tail | None) -> None:
        """Read `segments`; their first record stands at `start`, None: wherever it says."""
        self._segments = segments
        self._position = start.position if start is not None else None
        self._hash = start.hash if start is not None else None
        self._epoch = start.epoch if start is not None else 0
        self._segment_before = segments[0].number - 1 if segments else 0
        self._last_kind = 0
        self.end: tuple[Segment, int] | None = None
        self.torn: str | None = None

    @property
    def tail(self) -> Tail:
        """Where the stream goes on."""
        number = self.end[0].number if self.end else self._segment_before
        return Tail(self._position or 0, self._hash or GENESIS, self._epoch, number)

    @property
    def unended(self) -> Path | None:
        """The last segment, where it does not say that another one follows."""
        if self.end is None or self._last_kind == RecordKind.NEXT:
            return None
        return self.end[0].path

    def records(self) -> Iterator[Record]:
        """All records in order; raises JournalDamaged."""
        with ThreadPoolExecutor(1, "sums") as pool:
            for index, segment in enumerate(self._segments):
                data = memoryview(map_file(segment.path))
                sums = _Sums(data, pool)
                offset = yield from self._records_of(segment, data, sums)
                if not self._goes_on(index, data, offset):
                    return

    def _records_of(
        self, segment: Segment, data: memoryview, sums: _Sums
    ) -> Generator[Record, None, int]:
        offset = 0
        while True:
            header = parse_header(data, offset)
            if header is None or sums.fault(header, offset) is not None:
                return offset
            self._check_place(header, segment, offset)
            if version_at(data, offset) != RULES_VERSION:
                raise JournalDamaged(
                    segment.path,
                    offset,
                    f"written by rules version {version_at(data, offset)}, this is"
                    f" {RULES_VERSION}: start it with that version, roll the day, then change over",
                )
            start = offset + HEADER_BYTES
            self._position = header.next_position
            self._hash = header.hash
            self._epoch = header.epoch
            self._last_kind = header.kind
            self.end = (segment, offset + header.record_bytes)
            yield Record(header, data[start : start + header.payload_bytes], segment, offset)
            offset += header.record_bytes

    def _check_place(self, header: Header, segment: Segment, offset: int) -> None:
        if header.segment != segment.number:
            why = f"record of segment {header.segment} in segment {segment.number}"
        elif self._position is not None and header.position != self._position:
            why = f"record of position {header.position} where {self._position} goes on"
        elif self._hash is not None and header.hash_before != self._hash:
            why = "hash of the record before differs"
        else:
            return
        raise JournalDamaged(segment.path, offset, why)

    def _goes_on(self, index: int, data: memoryview, offset: int) -> bool:
        """Whether the next segment continues the stream; marks a torn tail, raises on damage."""
        segment = self._segments[index]
        rest = index + 1 < len(self._segments)
        nonzero = _used_bytes(data[offset:])
        if nonzero == 0 and rest and self._starts_next(index + 1):
            return True
        if nonzero == 0 and not rest:
            if self._last_kind == RecordKind.NEXT and not _made_since(segment):
                why = f"segment {segment.number + 1} behind it is missing"
                raise JournalDamaged(segment.path, offset, why)
            return False
        header = parse_header(data, offset)
        if header is not None:
            self._check_place(header, segment, offset)
        fault = None if header is None else payload_fault(header, data, offset)
        why = fault or "no valid record"
        damage = ""
        if self._promised_later(index, data, offset):
            damage = f"{why}, and later records need it"
        elif not _could_be_torn(data, offset, nonzero, header):
            damage = f"{why}, and it is no torn write"
        if _stands_now(data, offset):
            return False  # a running venue has written it meanwhile
        if damage:
            raise JournalDamaged(segment.path, offset, damage)
        if nonzero or self._data_later(index):
            self.torn = f"{segment.path} at offset {offset}: {why}"
        return False

    def _starts_next(self, index: int) -> bool:
        header = parse_header(memoryview(map_file(self._segments[index].path)), 0)
        return header is not None and header.position == self._position

    def _data_later(self, index: int) -> bool:
        return any(
            _used_bytes(memoryview(map_file(segment.path)))
            for segment in self._segments[index + 1 :]
        )

    def _promised_later(self, index: int, data: memoryview, offset: int) -> bool:
        """Whether a later record says that everything before `offset` had been promised."""
        if _promises(bytes(data[offset + 1 :]), self._position):
            return True
        return any(
            _promises(bytes(map_file(segment.path)), self._position)
            for segment in self._segments[index + 1 :]
        )


class _Sums:
    """Checks payloads of one segment; large ones some records ahead, beside the reader's work."""

    def __init__(self, data: memoryview, pool: ThreadPoolExecutor) -> None:
        self._data = data
        self._pool = pool
        self._ahead: dict[int, Future[str | None]] = {}

    def fault(self, header: Header, offset: int) -> str | None:
        """payload_fault of the record at `offset`."""
        if header.payload_bytes < _LARGE:
            return payload_fault(header, self._data, offset)
        at, ahead = offset, header
        for _ in range(_AHEAD):
            if at not in self._ahead:
                self._ahead[at] = self._pool.submit(payload_fault, ahead, self._data, at)
            at += ahead.record_bytes
            found = parse_header(self._data, at)
            if found is None:
                break
            ahead = found
        return self._ahead.pop(offset).result()


def _made_since(segment: Segment) -> bool:
    """Whether a running venue has made the next segment since the segments were listed."""
    name = file_name(JOURNAL, segment.number + 1)
    days = day_folders(segment.path.parent.parent)
    return any((folder / name).exists() for _, folder in days)


def _stands_now(data: memoryview, offset: int) -> bool:
    header = parse_header(data, offset)
    return header is not None and payload_fault(header, data, offset) is None


def _used_bytes(data: memoryview) -> int:
    """Bytes up to the last one that is not zero."""
    rows = np.frombuffer(data, np.uint8)
    for stop in range(len(rows), 0, -_CHUNK):
        chunk = rows[max(0, stop - _CHUNK) : stop]
        if chunk.any():
            return max(0, stop - _CHUNK) + int(np.flatnonzero(chunk)[-1]) + 1
    return 0


def _promises(data: bytes, position: int | None) -> bool:
    found = data.find(MAGIC)
    while found >= 0:
        header = parse_header(data, found)
        if header is not None and header.promised > (position or 0):
            return True
        found = data.find(MAGIC, found + 1)
    return False


def _could_be_torn(data: memoryview, offset: int, nonzero: int, header: Header | None) -> bool:
    """Whether a crash in the middle of writing can have left these bytes.

    Either a sector never reached the disk (it reads as zeros), or the record stops before its end.
    """
    first = -(-offset // _SECTOR) * _SECTOR
    for sector in range(first, offset + nonzero - _SECTOR, _SECTOR):
        if not any(data[sector : sector + _SECTOR]):
            return True
    if header is None:
        return nonzero < HEADER_BYTES
    return nonzero < header.record_bytes


def first_positions(segments: list[Segment]) -> list[tuple[int, Path]]:
    """(position of the first record, path) of the segments that hold a whole first header."""
    found = []
    for segment in segments:
        with segment.path.open("rb") as file:
            header = parse_header(file.read(HEADER_BYTES), 0)
        if header is not None:
            found.append((header.position, segment.path))
    return found


def records(
    starts: list[tuple[int, Path]], first: int, stop: int
) -> Iterator[tuple[Header, memoryview]]:
    """(header, payload) of the records from stream position `first` to `stop`.

    `starts` as of first_positions. For what has been checked before: payloads are not summed again.
    """
    for index, (start, path) in enumerate(starts):
        behind = starts[index + 1][0] if index + 1 < len(starts) else stop
        if behind <= first or start >= stop:
            continue
        data = memoryview(map_file(path))
        place = start
        while place < min(behind, stop):
            header = parse_header(data, place - start)
            assert header is not None, f"{path} at offset {place - start} was a record before"
            if place >= first:
                at = place - start + HEADER_BYTES
                yield header, data[at : at + header.payload_bytes]
            place = header.next_position


def session_payloads(
    starts: list[tuple[int, Path]], first: int, stop: int
) -> Iterator[tuple[int, memoryview]]:
    """(position, session-store bytes) of the records from stream position `first` to `stop`."""
    for header, payload in records(starts, first, stop):
        at = sessions_at(header)
        if header.is_turn and at < header.payload_bytes:
            yield header.position + HEADER_BYTES + at, payload[at:]


def map_file(path: Path) -> mmap.mmap | bytes:
    """A file's bytes, mapped privately: rows of it may be written to without changing the file."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        return mmap.mmap(fd, size, access=mmap.ACCESS_COPY) if size else b""
    finally:
        os.close(fd)
