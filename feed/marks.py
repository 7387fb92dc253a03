"""Slices that viewers have marked, and the queue before each: bounded, shared between viewers.

Source: specs/market_data.md (F-86, F-131).
"""

from __future__ import annotations

from dataclasses import dataclass

from feed.ahead import QueuePlace
from feed.books import Books
from feed.handler import Update
from feed.views import QueueAhead


@dataclass
class _Mark:
    place: QueuePlace
    viewers: int = 1


class Marks:
    """At most `marks_max` slices; `update` keeps their places up."""

    def __init__(self, marks_max: int) -> None:
        self.marks_max = marks_max
        self._marks: dict[int, _Mark] = {}

    def __len__(self) -> int:
        return len(self._marks)

    def add(self, books: Books, instrument: int, public_id: int) -> bool:
        """One more viewer of a slice; False when there is no room for another slice."""
        mark = self._marks.get(public_id)
        if mark is not None:
            mark.viewers += 1
            return True
        if len(self._marks) >= self.marks_max:
            return False
        self._marks[public_id] = _Mark(QueuePlace(books, instrument, public_id))
        return True

    def remove(self, public_id: int) -> None:
        """One viewer less."""
        mark = self._marks.get(public_id)
        if mark is not None:
            mark.viewers -= 1
            if not mark.viewers:
                del self._marks[public_id]

    def update(self, books: Books, update: Update) -> None:
        """After an update, while the books stand as after it."""
        for mark in self._marks.values():
            mark.place.update(books, update)

    def view(self, books: Books, public_id: int, time_ns: int) -> QueueAhead:
        """A marked slice as it stands now."""
        place = self._marks[public_id].place
        ahead, instrument = place.ahead, place.instrument
        if ahead is None:
            return QueueAhead(time_ns, instrument, public_id, 0, 0, 0, 0, 0, 0, 0)
        level, page, at = books.slices.find(public_id, instrument)
        return QueueAhead(
            time_ns,
            instrument,
            public_id,
            level.side,
            level.price,
            page.qtys[at],
            ahead.orders,
            ahead.qty,
            level.qty,
            level.orders,
        )
