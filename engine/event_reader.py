"""Read the event log from any process: rows by event number, over segments and days.

Imports numpy and the row types only, so that the feed's process loads neither numba nor the engine.
The reader is told elsewhere (a local socket) how far the log is durable and asks for nothing past
that; what lies in the files behind it may be cut or written again by the venue.

Source: docs/decisions/0101-journal-format.md, section Event log.
"""

from __future__ import annotations

import mmap
import os
from bisect import bisect_right
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.files import EVENTS, REQUESTS, day_folders, numbered_files
from engine.types import EVENT, REQUEST

_MAPPED_MAX = 4  # segments kept mapped


class EventsMissing(Exception):
    """Rows were asked for that no file of the data directory holds."""


class EventReader:
    """Rows of the event log of a data directory. Event numbers count from 1 over all days."""

    def __init__(self, data_dir: Path | str) -> None:
        self._data_dir = Path(data_dir)
        self._firsts: list[int] = []  # first event number of each segment
        self._paths: list[Path] = []
        self._mapped: dict[Path, np.ndarray] = {}
        self._requests: tuple[Path, np.ndarray] | None = None

    def rows(self, first: int, count: int) -> list[np.ndarray]:
        """EVENT rows `first` to `first + count - 1`, as read-only views, mostly one of them.

        Raises EventsMissing when a row is in no file. Follows new segments and days by itself.
        """
        assert first >= 1 and count >= 0
        found = []
        while count > 0:
            rows = self._rows_from(first, count)
            found.append(rows)
            first += len(rows)
            count -= len(rows)
        return found

    def written(self) -> Iterator[np.ndarray]:
        """All rows from event 1 on, a segment at a time; of a venue that runs, what it has so far.

        Raises EventsMissing where there is no event 1.
        """
        self._index_of(1)
        for index in range(len(self._firsts)):
            rows = self._segment(index)
            free = np.flatnonzero(rows["kind"] == 0)
            yield rows[: free[0]] if len(free) else rows

    def requests_of(self, event_number: int) -> np.ndarray:
        """The REQUEST rows of the venue day an event belongs to; row 0 is unused."""
        index = self._index_of(event_number)
        path = self._paths[index].parent / REQUESTS
        if self._requests is None or self._requests[0] != path:
            self._requests = (path, map_rows(path, REQUEST))
        return self._requests[1]

    def forget(self) -> None:
        """Drop all mappings and names; the next call looks at the files again."""
        self._firsts.clear()
        self._paths.clear()
        self._mapped.clear()
        self._requests = None

    def _rows_from(self, first: int, count: int) -> np.ndarray:
        index = self._index_of(first)
        if index == len(self._firsts) - 1:
            stop = first - self._firsts[index] + count
            segment = self._segment(index)
            if stop > len(segment) or segment[stop - 1]["kind"] == 0:
                # the venue has gone on to a segment that is not known here yet
                self._look()
                index = self._index_of(first)
        if index < len(self._firsts) - 1:
            count = min(count, self._firsts[index + 1] - first)
        start = first - self._firsts[index]
        rows = self._segment(index)[start : start + count]
        if len(rows) < count or rows[-1]["kind"] == 0:
            raise EventsMissing(f"events {first} to {first + count - 1} in {self._paths[index]}")
        return rows

    def _index_of(self, number: int) -> int:
        index = bisect_right(self._firsts, number) - 1
        if index < 0:
            self._look()
            index = bisect_right(self._firsts, number) - 1
            if index < 0:
                raise EventsMissing(f"event {number} in {self._data_dir}")
        return index

    def _look(self) -> None:
        found = [
            file
            for _, folder in day_folders(self._data_dir)
            for file in numbered_files(folder, EVENTS)
        ]
        self._firsts = [first for first, _ in found]
        self._paths = [path for _, path in found]
        self._mapped.clear()  # a file may have been written anew

    def _segment(self, index: int) -> np.ndarray:
        path = self._paths[index]
        rows = self._mapped.get(path)
        if rows is None:
            if len(self._mapped) >= _MAPPED_MAX:
                self._mapped.pop(next(iter(self._mapped)))
            rows = self._mapped[path] = map_rows(path, EVENT)
        return rows


def map_rows(path: Path, dtype: np.dtype) -> np.ndarray:
    """The whole rows of a file, mapped to read."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        count = os.fstat(fd).st_size // dtype.itemsize
        if count == 0:
            return np.zeros(0, dtype)
        mapped = mmap.mmap(fd, count * dtype.itemsize, mmap.MAP_SHARED, mmap.PROT_READ)
    finally:
        os.close(fd)
    return np.frombuffer(mapped, dtype)
