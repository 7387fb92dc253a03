"""The event log's writer and the day's request file: rows in files mapped into memory.

The engine writes event rows straight into the mapped segment; readers map the same files. The log
is a cache of what the journal implies, so it is never synced in a turn and is written again from
the journal where it is missing. prepare(), called by a background thread, has the next segment
allocated and its pages touched before it is needed.

Source: docs/decisions/0101-journal-format.md, section Event log.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import NamedTuple

import numpy as np

from engine.files import EVENTS, REQUESTS, FileSizes, file_name, numbered_files
from engine.pages import drop_pages, fault_in
from engine.storage import Storage
from engine.types import EVENT, REQUEST

_SPARE = "events.spare"


class EventRows(NamedTuple):
    """Event rows of one segment: `rows[i]` is event number `first + i`."""

    first: int
    rows: np.ndarray


class EventLog:
    """The writer's end of the event log.

    `next_number`: the number of the next event; `rows`: EVENT rows of the current segment, of which
    rows[cursor] is the first free one.
    """

    def __init__(self, storage: Storage, folder: Path, sizes: FileSizes, next_number: int) -> None:
        """Go on at event `next_number` in the segment of `folder` with its place, or a new one."""
        self._storage = storage
        self._sizes = sizes
        self._folder = folder
        self._lock = threading.Lock()
        self._spare: np.ndarray | None = None
        self.next_number = next_number
        self.cursor = self.soft_end = 0
        self.rows = np.zeros(0, EVENT)
        self._go_to(next_number)

    @property
    def window(self) -> np.ndarray:
        """The rows from the next event to the end of the segment, to write to."""
        return self.rows[self.cursor :]

    def take(self, produced: int) -> EventRows:
        """Count `produced` rows written at the window's start; those rows."""
        first, cursor = self.next_number, self.cursor
        self.cursor = cursor + produced
        self.next_number = first + produced
        return EventRows(first, self.rows[cursor : self.cursor])

    def advance(self, produced: int) -> int:
        """Count `produced` rows written at the window's start; the number of the last one."""
        self.cursor += produced
        self.next_number += produced
        return self.next_number - 1

    def next_segment(self) -> None:
        """Leave the rest of this segment empty and go on in the next; raises NoRoom."""
        path = self._folder / file_name(EVENTS, self.next_number)
        if path.exists():
            # a rebuild: the same rows go into the same file, under the eyes of readers
            self._enter(self._open_segment(path))
            return
        with self._lock:
            rows = self._spare if self._spare is not None else self._create_spare()
            self._storage.rename(self._folder / _SPARE, path)
            self._spare = None
        self._enter(rows)

    def make_room(self) -> None:
        """Let the next segment be there where this one comes to its end; raises NoRoom."""
        if self.cursor > self.soft_end:
            self.prepare()

    def prepare(self) -> None:
        """Have the next segment allocated, mapped and touched; raises NoRoom. For any thread."""
        with self._lock:
            if self._spare is None:
                self._spare = self._create_spare()
            self.soft_end = len(self.rows)

    @property
    def rows_left(self) -> int:
        """Rows left in this segment."""
        return len(self.rows) - self.cursor

    def roll_folder(self, folder: Path) -> None:
        """Go on in the next day's folder; raises NoRoom."""
        with self._lock:
            if self._spare is not None:
                self._storage.rename(self._folder / _SPARE, folder / _SPARE)
            self._folder = folder
        self.next_segment()

    def cut(self) -> None:
        """Make the files end where the log ends: zero rows behind it, no later segment.

        Files keep their size: a reader that maps them meets zeros, never a missing page.
        """
        behind = self.window
        if behind.view(np.uint8).any():
            behind[:] = np.zeros(1, EVENT)
        for first, path in numbered_files(self._folder, EVENTS):
            if first > self.next_number or (first == self.next_number and self.cursor > 0):
                self._storage.remove(path)

    def close(self) -> None:
        """Remove the segment allocated ahead."""
        with self._lock:
            self._spare = None
            (self._folder / _SPARE).unlink(missing_ok=True)

    def _go_to(self, number: int) -> None:
        found = [file for file in numbered_files(self._folder, EVENTS) if file[0] <= number]
        if found and number - found[-1][0] < self._sizes.event_rows:
            first, path = found[-1]
            self._enter(self._open_segment(path), number - first)
        else:
            self.next_segment()

    def _enter(self, rows: np.ndarray, cursor: int = 0) -> None:
        self.rows = rows
        self.cursor = cursor
        self.soft_end = len(rows) - self._sizes.event_reserve_rows

    def _open_segment(self, path: Path) -> np.ndarray:
        size = self._sizes.event_rows * EVENT.itemsize
        fd = self._storage.open(path)
        try:
            length = os.fstat(fd).st_size
            if length != size:
                self._storage.truncate(fd, size)
                if length < size:
                    self._storage.allocate(fd, length, size - length)
            return self._storage.map_rows(fd, EVENT, self._sizes.event_rows)
        finally:
            os.close(fd)

    def _create_spare(self) -> np.ndarray:
        path = self._folder / _SPARE
        fd = self._storage.create(path, self._sizes.event_rows * EVENT.itemsize)
        try:
            rows = self._storage.map_rows(fd, EVENT, self._sizes.event_rows)
        finally:
            os.close(fd)
        fault_in(rows)
        return rows


class RequestFile:
    """A venue day's REQUEST rows in a mapped file, allocated a chunk at a time.

    `rows`: all of them, REQUEST[requests_max + 1]; those below `ready_rows` have room on the disk.
    """

    def __init__(
        self, storage: Storage, folder: Path, sizes: FileSizes, requests_max: int, used: int = 0
    ) -> None:
        """Map the folder's file, keeping rows up to `used` (inclusive) and zeroing the others."""
        self._storage = storage
        self._sizes = sizes
        self._lock = threading.Lock()
        path = folder / REQUESTS
        self._fd = storage.open(path) if path.exists() else storage.create(path, 0)
        keep = min(os.fstat(self._fd).st_size, (used + 1) * REQUEST.itemsize if used else 0)
        storage.truncate(self._fd, keep)
        storage.truncate(self._fd, (requests_max + 1) * REQUEST.itemsize)
        self.rows = storage.map_rows(self._fd, REQUEST, requests_max + 1)
        self.ready_rows = keep // REQUEST.itemsize
        self._dropped = 0
        self.make_room(used)

    def make_room(self, used: int, chunks: int = 1) -> None:
        """Have so many chunks ready behind row `used`; raises NoRoom. For any thread."""
        sizes = self._sizes
        with self._lock:
            wanted = min(used + (chunks + 1) * sizes.request_chunk_rows, len(self.rows))
            while self.ready_rows < wanted:
                first = self.ready_rows
                stop = min(first + sizes.request_chunk_rows, len(self.rows))
                item = REQUEST.itemsize
                self._storage.allocate(self._fd, first * item, (stop - first) * item)
                fault_in(self.rows[first:stop])
                self.ready_rows = stop
            behind = used - sizes.request_resident_rows
            if behind - self._dropped >= sizes.request_chunk_rows:
                drop_pages(self.rows[self._dropped : behind])
                self._dropped = behind

    def left(self, used: int) -> int:
        """Rows behind row `used` that have room; without bound where the whole table has it."""
        if self.ready_rows == len(self.rows):
            return 1 << 62
        return self.ready_rows - 1 - used

    def close(self) -> None:
        """Close the file; the mapping lives as long as somebody holds rows."""
        os.close(self._fd)
