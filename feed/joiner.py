"""Books from pictures: the recovery service's of all instruments, the snapshot line's of each.

A loop of the snapshot line shows every instrument, but the market goes on while it does. So each
part is kept with its number, the newest of each place; when every place has one, the messages of
lines A and B between the oldest and the newest part bring all of them to the newest. What a lost
packet spoilt comes again in the next loop.

Source: specs/market_data.md (F-43, F-138).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from feed.books import Books
from feed.messages import MarketMessage, OrderAdded, SnapshotEnd, SnapshotStart
from feed.packet import Header, PacketError, decode_messages
from feed.slices import BookError

Waiting = Iterable[tuple[Header, bytes]]  # packets of the lines, in order of their first numbers


class _Part(NamedTuple):
    """One instrument as it stood after message `sequence`."""

    sequence: int
    instrument: int
    instruments: int  # how many there were then
    messages: list[MarketMessage]


class SnapshotReader:
    """Reads the recovery service's picture of all instruments, packet by packet."""

    def __init__(self, empty_books: Callable[[], Books]) -> None:
        self._empty_books = empty_books
        self._books: Books | None = None

    def clear(self) -> None:
        """Forgets what was read: the next picture begins with its start."""
        self._books = None

    def receive(self, messages: list[Any]) -> Books | None:
        """The books once they are whole; PacketError where they cannot be."""
        for message in messages:
            if isinstance(message, SnapshotStart):
                self._books = self._empty_books()
            elif self._books is None:
                return None
            elif isinstance(message, SnapshotEnd):
                if self._books.slices.count() != message.orders:
                    raise PacketError(f"snapshot of {message.orders} orders is not whole")
                books, self._books = self._books, None
                return books
            else:
                try:
                    self._books.apply(message)
                except (BookError, OverflowError) as error:
                    raise PacketError(f"snapshot does not fit itself: {error}") from error
        return None


class SnapshotJoiner:
    """Collects what the snapshot line brings until it makes a whole."""

    def __init__(self, empty_books: Callable[[], Books]) -> None:
        self.session = 0
        self._empty_books = empty_books
        self._parts: dict[int, _Part] = {}  # by place in the loop
        self._start: SnapshotStart | None = None  # of the part being read
        self._messages: list[MarketMessage] = []
        self._orders = 0

    def clear(self) -> None:
        """Forgets everything."""
        self.session = 0
        self._parts = {}
        self._start = None
        self._messages = []

    def receive(self, header: Header, messages: list[Any]) -> None:
        """The messages of one packet of the snapshot line."""
        if header.session != self.session:
            self.clear()
            self.session = header.session
        for message in messages:
            if isinstance(message, SnapshotStart):
                self._start, self._messages, self._orders = message, [], 0
            elif self._start is None:
                continue  # its start was lost
            elif isinstance(message, SnapshotEnd):
                self._end(self._start, message)
            else:
                self._orders += isinstance(message, OrderAdded)
                self._messages.append(message)

    def _end(self, start: SnapshotStart, end: SnapshotEnd) -> None:
        whole = (start.sequence, start.instrument) == (end.sequence, end.instrument)
        if whole and start.instruments and end.orders == self._orders:
            self._parts[start.place] = _Part(
                start.sequence, start.instrument, start.instruments, self._messages
            )
        self._start = None

    def join(self, waiting: Waiting) -> tuple[Books, int] | None:
        """(books, number of the last message they hold); None while something is missing."""
        if not self._parts:
            return None
        parts = sorted(self._parts.values(), key=lambda part: part.sequence)
        oldest, newest = parts[0], parts[-1].sequence
        if any(place not in self._parts for place in range(oldest.instruments)):
            return None
        between = _between(waiting, self.session, oldest.sequence + 1, newest)
        if between is None:
            return None
        books = self._empty_books()
        held = {part.instrument: part.sequence for part in parts}
        try:
            for part in parts:
                for message in part.messages:
                    books.apply(message)
            for number, message in enumerate(between, oldest.sequence + 1):
                if number > held.get(getattr(message, "instrument", 0), 0):
                    books.apply(message)
        except (BookError, OverflowError):
            self.clear()  # a packet in between was lost or came twice
            return None
        self.clear()
        return books, newest


def _between(waiting: Waiting, session: int, first: int, last: int) -> list[MarketMessage] | None:
    """Messages `first` to `last` of the lines; None when one of them is not there."""
    found: list[MarketMessage] = []
    for header, data in waiting:
        skipped = first + len(found) - header.sequence
        if header.session != session or skipped >= header.message_count:
            continue
        if skipped < 0 or first + len(found) > last:
            break
        try:
            found += decode_messages(data, header)[skipped:]
        except PacketError:
            break
    count = last + 1 - first
    return found[:count] if len(found) >= count else None
