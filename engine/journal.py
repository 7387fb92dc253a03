"""The journal's writer: records go to the end of one stream kept in numbered segment files.

Records are staged and written together by flush(): a turn's commands and the session-store bytes
behind them are one write. What is large is written at once. Segments are allocated ahead by
prepare(), which a background thread calls, so a turn waits for no allocation. Knows no engine.

Source: docs/decisions/0101-journal-format.md.
"""

from __future__ import annotations

import os
import threading
from bisect import bisect_right
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

from engine.files import JOURNAL, FileSizes, file_name
from engine.records import (
    ENDS,
    FIELD_BYTES,
    FRAME_BYTES,
    HEADER_BYTES,
    RECORD_BYTES_MAX,
    RecordKind,
    pack_header,
)
from engine.storage import Storage, StorageFailed

STAGED_PART_MAX = 1 << 13  # bytes; a longer payload is written from where it lies

_COMMANDS = RecordKind.COMMANDS
Bytes = bytes | bytearray | memoryview
_CLOSED = -1  # descriptor of a journal that was abandoned


class Tail(NamedTuple):
    """Where a stream goes on: what a recovery found, or the start of a new one."""

    position: int
    hash: bytes
    epoch: int  # of the last start
    segment: int  # number of the last file


class _Segment(NamedTuple):
    number: int
    path: Path
    fd: int


class Journal:
    """The stream's single writer.

    `position`: where the next record starts; `written`, `durable`: before them everything is in the
    files, on the disk. Bytes since ever.

    `sync` may run in another thread beside everything else, `prepare` in a third.
    """

    def __init__(
        self,
        storage: Storage,
        folder: Path,
        tail: Tail,
        sizes: FileSizes,
        *,
        promise_written: bool,
        last: Path | None = None,
    ) -> None:
        """Go on at `tail` in a new segment in `folder`. `promise_written`: durability os.

        `last`: the segment that ends at `tail`, None for a new stream; it is told of the new one.
        """
        self._storage = storage
        self._folder = folder
        self._sizes = sizes
        self._promise_written = promise_written
        self._epoch = tail.epoch + 1
        self._hash = tail.hash
        self.position = self.written = self.durable = tail.position
        self._parts: list[Bytes] = []  # of closed records
        self._open: tuple[RecordKind, int, int, int, int] | None = None  # the record behind them
        self._open_at = self._body_bytes = 0
        self._body: list[Bytes] = []
        self._failed: StorageFailed | None = None
        self._starts: list[int] = []
        self._paths: list[Path] = []
        self._reading: dict[Path, int] = {}
        self._spare_lock = threading.Lock()
        self._sync_lock = threading.Lock()
        self._spare: _Segment | None = None
        self._retired: list[int] = []
        self._next_number = tail.segment + 1
        self._start = self._end = self.soft_end = tail.position
        first = self._create()
        if last is not None:
            self._end_segment(last, tail)
        self._use(first)
        self._enter(first)

    def know_segments(self, segments: list[tuple[int, Path]]) -> None:
        """Tell where earlier positions are: (start, path) in order."""
        self._starts[:0] = [start for start, _ in segments]
        self._paths[:0] = [path for _, path in segments]

    # -- writing

    def append(
        self, kind: RecordKind, payload: Bytes, first_number: int, time_ns: int, rows: int = 0,
        blobs: Bytes = b"",
    ) -> int:  # fmt: skip
        """Stage a record of `payload` and `blobs`; the stream position of its payload.

        Room must have been made before (`make_room`). A small payload must not change before
        flush(), and its record stays open for the turn's session-store bytes; a large one is
        written before return.
        """
        if self._open is not None:
            self._close()
        blob_bytes = len(blobs)
        payload_bytes = len(payload) + blob_bytes
        position = self.position
        self._open = (kind, first_number, time_ns, rows, blob_bytes)
        self._open_at = position
        self._body = [payload, blobs] if blob_bytes else [payload]
        self._body_bytes = payload_bytes
        self.position = position + FRAME_BYTES + (payload_bytes + 7 & -8)
        assert self.position <= self._end and payload_bytes < RECORD_BYTES_MAX
        if payload_bytes > STAGED_PART_MAX:
            self._close()
            self._write(self._storage.write_parts, self._parts)
        return position + HEADER_BYTES

    def append_sessions(self, payload: bytes, first_number: int, time_ns: int) -> int:
        """Stage session-store bytes, in the turn's open record where they fit; their position.

        Room must have been made before. One record holds those of one call.
        """
        if self._open is None or self._open[0] != _COMMANDS:
            return self.append(RecordKind.SESSIONS, payload, first_number, time_ns)
        position = self._open_at
        at = self._body_bytes
        payload_bytes = self._body_bytes = at + len(payload)
        self._body.append(payload)
        self.position = position + FRAME_BYTES + (payload_bytes + 7 & -8)
        assert self.position <= self._end and payload_bytes < RECORD_BYTES_MAX
        self._close()
        return position + HEADER_BYTES + at

    def write_commands(self, rows: Bytes, first_number: int, time_ns: int, count: int) -> None:
        """Write a record of COMMAND rows at once, behind what is staged. See append()."""
        if self._open is not None or self._parts:
            self.flush()
        position = self.position
        header = pack_header(
            _COMMANDS, self._epoch, position,
            self.written if self._promise_written else self.durable,
            first_number, time_ns, count, 0, len(rows), crc32(rows), self._number, self._hash,
        )  # fmt: skip
        self._hash = header[FIELD_BYTES:]
        self.position = position + FRAME_BYTES + len(rows)
        self._write(self._storage.write, b"".join((header, rows, ENDS[0])))

    def _close(self) -> None:
        """Put header and end around the open record."""
        assert self._open is not None
        kind, first_number, time_ns, rows, blob_bytes = self._open
        self._open = None
        body, payload_bytes = self._body, self._body_bytes
        crc = 0
        for part in body:
            crc = crc32(part, crc)
        header = pack_header(
            kind, self._epoch, self._open_at,
            self.written if self._promise_written else self.durable,
            first_number, time_ns, rows, blob_bytes, payload_bytes, crc, self._number, self._hash,
        )  # fmt: skip
        self._hash = header[FIELD_BYTES:]
        parts = self._parts
        parts.append(header)
        parts += body
        parts.append(ENDS[payload_bytes & 7])

    def flush(self) -> None:
        """Write what is staged, in one write; raises StorageFailed."""
        if self._open is not None:
            self._close()
        if self._parts:
            self._write(self._storage.write, b"".join(self._parts))

    def _write(self, write: Callable[[int, Any], None], data: bytes | list[Bytes]) -> None:
        if self._failed is not None:
            raise self._failed
        try:
            write(self._fd, data)
        except StorageFailed as error:
            # a part may be in the file: nothing may be written behind it
            self._failed = error
            raise
        self._parts = []
        self.written = self.position

    def sync(self) -> int:
        """Bring what is written to the disk; the durable position. For any thread."""
        with self._sync_lock:
            with self._spare_lock:
                # after a rotation `written` lies in the new segment and the old one is in retired
                written, current = self.written, self._current
            if self._failed is not None:
                raise self._failed
            try:
                # in this order: a rotation in between retires `current`, and retired ones close
                self._storage.sync(current.fd)
                self._finish_retired(sync=True)
            except StorageFailed as error:
                # the system forgets a failed sync, so a later one could succeed without the data
                self._failed = error
                raise
            self.durable = max(self.durable, written)
        return self.durable

    def _finish_retired(self, sync: bool) -> None:
        while self._retired:
            # the file keeps its size: a reader beside the venue may have mapped all of it
            if sync:
                self._storage.sync(self._retired[0])
            os.close(self._retired[0])
            del self._retired[0]

    # -- segments

    def make_room(self, size: int) -> None:
        """Let records of `size` bytes together fit; raises NoRoom where the disk is full.

        NoRoom keeps the reserve: `room_left` tells what of it there is.
        """
        if self.position + size <= self.soft_end:
            return
        with self._spare_lock:
            spare = self._spare or self._create()
            if self.position + size <= self._end:
                self._spare = spare
                self.soft_end = self._end
                return
            self._spare = None
        self._rotate(spare)

    def _end_segment(self, last: Path, tail: Tail) -> None:
        fd = self._storage.open(last)
        try:
            os.lseek(fd, 0, os.SEEK_END)
            self._start, self._end = tail.position, tail.position + FRAME_BYTES
            self._use(_Segment(tail.segment, last, fd))
            self.append(RecordKind.NEXT, b"", 0, 0)
            self.flush()
            self._storage.sync(fd)
        finally:
            os.close(fd)

    def _rotate(self, spare: _Segment) -> None:
        self._end += FRAME_BYTES
        self.append(RecordKind.NEXT, b"", 0, 0)
        self.flush()
        with self._spare_lock:
            self._retired.append(self._current.fd)
            self._use(spare)
        self._enter(spare)

    def _use(self, segment: _Segment) -> None:
        self._current = segment
        self._fd, self._number = segment.fd, segment.number

    def _enter(self, segment: _Segment) -> None:
        self._start = self.position
        # a NEXT record always fits behind the last one
        self._end = self._start + self._sizes.journal_bytes - FRAME_BYTES
        self.soft_end = self._end - self._sizes.journal_reserve_bytes
        self._starts.append(self._start)
        self._paths.append(segment.path)

    @property
    def room_left(self) -> int:
        """Bytes left in the current segment."""
        return self._end - self.position

    def prepare(self) -> None:
        """Allocate the next segment and finish those left behind; raises NoRoom.

        For a background thread; in `fsync` mode sync() finishes what is left behind.
        """
        if self._promise_written and self._retired:
            with self._sync_lock:
                self._finish_retired(sync=False)
        with self._spare_lock:
            if self._spare is None:
                self._spare = self._create()
                self.soft_end = self._end

    def _create(self) -> _Segment:
        path = self._folder / file_name(JOURNAL, self._next_number)
        fd = self._storage.create(path, self._sizes.journal_bytes)
        self._storage.fill_cache(fd, self._sizes.journal_bytes)
        if not self._promise_written:
            # a sync of the folder makes the file system write everything that waits: 1 ms and more
            self._storage.sync_dir(self._folder)
        self._next_number += 1
        return _Segment(self._next_number - 1, path, fd)

    def roll_folder(self, folder: Path) -> None:
        """Go on in a new segment in the next day's folder; raises NoRoom before any change."""
        with self._spare_lock:
            spare = self._spare or self._create()
            self._spare = None
            path = folder / spare.path.name
            self._storage.rename(spare.path, path)
            self._storage.sync_dir(folder)
            self._folder = folder
        self._rotate(_Segment(spare.number, path, spare.fd))

    # -- reading back

    def read(self, position: int, length: int) -> bytes:
        """Payload bytes of any earlier record of the stream."""
        if position + length > self.written:
            self.flush()
        assert position >= 0 and position + length <= self.written
        index = bisect_right(self._starts, position) - 1
        assert index >= 0, "the segment of this position is not kept any more"
        path = self._paths[index]
        fd = self._reading.get(path)
        if fd is None:
            if len(self._reading) >= 4:
                os.close(self._reading.pop(next(iter(self._reading))))
            fd = self._reading[path] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        data = os.pread(fd, length, position - self._starts[index])
        assert len(data) == length
        return data

    @property
    def place(self) -> Tail:
        """Where the stream stands."""
        self.flush()
        return Tail(self.position, self._hash, self._epoch, self._current.number)

    def finish(self, first_number: int, time_ns: int) -> None:
        """Write the END record where it fits, sync, cut the segment to what is in it."""
        if self.position + FRAME_BYTES <= self._end:
            self.append(RecordKind.END, b"", first_number, time_ns)
        self.flush()
        self.sync()
        self._storage.truncate(self._current.fd, self.written - self._start)

    def abandon(self) -> None:
        """Close the descriptors and write nothing more."""
        with self._sync_lock, self._spare_lock:
            spare, self._spare = self._spare, None
            fds = [self._current.fd, *self._reading.values(), *self._retired]
            self._current = self._current._replace(fd=_CLOSED)
            self._retired.clear()
            self._reading.clear()
            if spare is not None:
                fds.append(spare.fd)
                spare.path.unlink(missing_ok=True)
            for fd in fds:
                if fd != _CLOSED:
                    os.close(fd)
