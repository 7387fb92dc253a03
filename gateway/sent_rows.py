"""One counterparty's rows of the session store, in memory: what each outgoing number was used for.

Rows of the last turns wait as bytes until somebody asks: a turn of one order must not pay for an
array. Journaling them is the store's business (gateway/store.py).

Source: specs/order_entry.md O-6; docs/decisions/0121-rows-that-follow.md.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np

from engine.event_reader import EventsMissing
from gateway.types import (
    STORE_ROW,
    StoreKind,
    pack_reference,
    unpack_blob,
    unpack_reference,
)

ROWS_MAX = 1 << 22  # rows a session keeps; older numbers are gap-filled
ROWS_FIRST = 1 << 10
SCAN_ROWS = 1 << 12
TAIL_MAX = 1 << 10  # turns whose rows wait to be put with the others
assert ROWS_FIRST <= ROWS_MAX


class Owner(Protocol):
    """The store that a counterparty's rows belong to."""

    reported: list[SentRows]

    def mark(self, session: int, urgent: bool) -> None:
        """A session's rows or numbers differ from what is journaled."""

    def followed(self, session: int, through: int) -> None:
        """A turn has ended that needs no payload: its rows follow from events up to `through`."""

    def encode_event(
        self, session: int, number: int, event: int, sent_ns: int, now_ns: int
    ) -> bytes:
        """The report of an event for a resend."""

    def encode_blob(self, raw: bytes, now_ns: int, sent_ns: int) -> bytes:
        """A kept message for a resend."""

    def read_journal(self, position: int, length: int) -> bytes:
        """Bytes of an earlier payload."""


class SentRows:
    """One counterparty's rows; a SentLog of the venue's side (gateway/counterparty.py).

    first: number of the oldest row. next: number of the next row. Appending mutates the store's
    list of what must be journaled.
    """

    def __init__(self, session: int, store: Owner) -> None:
        self.session = session
        self.first = 1
        self.next = 1
        self.journaled = 1  # rows below this number are in a payload or follow from events
        self.was_reset = False
        self.connected = False  # logged on; after a restart: was logged on when the venue ended
        self.began_minute = 0  # of the venue clock since 1970: the start that began these numbers
        self.copied = 0  # drop copy: the event up to which it was told; stays over a reset
        self.pending: dict[int, bytes] = {}  # kept messages that no payload has yet
        self._store = store
        self._tail: list[bytes] = []  # rows behind those of _rows
        self._hold(np.zeros(ROWS_FIRST, STORE_ROW))

    def admin(self, number: int, sending_time_ns: int) -> None:
        """See SentLog."""
        self._append(number, pack_reference(StoreKind.ADMIN, 0), sending_time_ns)
        self.changed(urgent=True)

    def copy(self, number: int, event: int, sending_time_ns: int) -> None:
        """`number` went to the copy of an event's report."""
        self._append(number, pack_reference(StoreKind.EVENT, event), sending_time_ns)
        self.changed(urgent=True)

    def blob(self, number: int, raw: bytes, sending_time_ns: int) -> None:
        """See SentLog."""
        self._append(number, pack_reference(StoreKind.BLOB_PENDING, 0), sending_time_ns)
        self.pending[number] = raw
        self.changed(urgent=True)

    def reports(self, first_out: int, rows: np.ndarray, out: np.ndarray, follow: bool) -> None:
        """Takes the STORE_ROW[n] that encode_reports wrote for numbers from first_out on.

        follow: they follow from their events. Otherwise BLOB_PENDING rows point into out, the
        bytes it wrote to, and are copied.
        """
        assert first_out == self.next
        self._tail.append(rows.tobytes())
        self.next += len(rows)
        self._store.reported.append(self)
        if not follow:
            self._keep_answers(first_out, rows, out)
            self.changed(urgent=True)
        if len(self._tail) >= TAIL_MAX:
            self._settle()

    def follows(self, rows: memoryview, count: int, through: int) -> None:
        """As reports() and the store's save() of a turn in which these rows are all there was.

        rows: STORE_ROWs of `count` numbers that follow from their events, up to number `through`.
        """
        self._tail.append(rows.tobytes())
        self.next += count
        self.journaled = self.next
        self._store.followed(self.session, through)
        if len(self._tail) >= TAIL_MAX:
            self._settle()

    def _keep_answers(self, first_out: int, rows: np.ndarray, out: np.ndarray) -> None:
        kinds = rows["reference"] >> np.uint64(56)
        for index in np.flatnonzero(kinds == StoreKind.BLOB_PENDING).tolist():
            offset, length = unpack_blob(unpack_reference(rows["reference"][index])[1])
            self.pending[first_out + index] = bytes(out[offset : offset + length])

    def follow(self, references: np.ndarray, times_ns: np.ndarray) -> None:
        """Rows that follow from events, uint64[n] and int64[n], in a recovery."""
        at = self._make_room(len(references))
        self._references[at : at + len(references)] = references
        self._times[at : at + len(references)] = times_ns
        self.next += len(references)
        self.journaled = self.next

    def reset(self) -> None:
        """See SentLog."""
        self.first = self.next = self.journaled = 1
        self.was_reset = True
        self.pending.clear()
        self._tail.clear()
        self._hold(np.zeros(ROWS_FIRST, STORE_ROW))
        self.changed(urgent=True)

    def begin_at(self, number: int) -> None:
        """See SentLog."""
        self.reset()
        self.first = self.next = self.journaled = number

    def changed(self, urgent: bool) -> None:
        """See SentLog."""
        self._store.mark(self.session, urgent)

    def next_resendable(self, begin: int, end: int) -> int:
        """See SentLog."""
        self._settle()
        number = max(begin, self.first)
        last = min(end, self.next - 1)
        while number <= last:
            stop = min(number + SCAN_ROWS, last + 1)
            kinds = self._rows["reference"][number - self.first : stop - self.first]
            kinds = kinds >> np.uint64(56)
            found = np.flatnonzero((kinds != StoreKind.ADMIN) & (kinds != StoreKind.NONE))
            if len(found):
                return number + int(found[0])
            number = stop
        return end + 1

    def encode_again(self, number: int, now_ns: int) -> bytes:
        """See SentLog; empty where the day's files are no longer kept."""
        self._settle()
        row = self._rows[number - self.first]
        kind, reference = unpack_reference(row["reference"])
        sent_ns = int(row["sending_time_ns"])
        store = self._store
        if kind == StoreKind.BLOB_PENDING:
            return store.encode_blob(self.pending[number], now_ns, sent_ns)
        try:
            if kind == StoreKind.EVENT:
                return store.encode_event(self.session, number, reference, sent_ns, now_ns)
            assert kind == StoreKind.BLOB
            raw = store.read_journal(*unpack_blob(reference))
        except (EventsMissing, FileNotFoundError):
            return b""
        return store.encode_blob(raw, now_ns, sent_ns)

    def rows(self, first: int, stop: int) -> np.ndarray:
        """The STORE_ROW view of numbers first..stop - 1."""
        self._settle()
        return self._rows[first - self.first : stop - self.first]

    def load(self, first: int, rows: np.ndarray) -> None:
        """Journaled rows from number `first` on; numbers never journaled are gap-filled.

        A payload behind a snapshot may repeat rows that the snapshot has.
        """
        self._settle()
        self.next = min(self.next, max(first, self.first))
        self.skip_to(first)
        at = self._make_room(len(rows))
        self._rows[at : at + len(rows)] = rows
        self.next += len(rows)
        self.journaled = self.next

    def skip_to(self, number: int) -> None:
        """Numbers below this one that have no row become administrative."""
        if number > self.next and self.next == self.first:
            self.first = self.next = number  # nothing known of older ones
        missing = number - self.next
        if missing > 0:
            at = self._make_room(missing)
            self._references[at : at + missing] = pack_reference(StoreKind.ADMIN, 0)
            self._times[at : at + missing] = 0
            self.next = number
        self.journaled = self.next

    def _append(self, number: int, reference: int, sending_time_ns: int) -> None:
        assert number == self.next
        at = self._make_room(1)
        self._references[at] = reference
        self._times[at] = sending_time_ns
        self.next = number + 1

    def _make_room(self, count: int) -> int:
        """Where the next `count` rows go. Doubles full rows; at ROWS_MAX the older half goes."""
        self._settle()
        return self._grow(self.next - self.first, count)

    def _settle(self) -> None:
        """Puts the tail's rows with the others."""
        if not self._tail:
            return
        rows = np.frombuffer(b"".join(self._tail), STORE_ROW)
        self._tail.clear()
        at = self._grow(self.next - self.first - len(rows), len(rows))
        self._rows[at : at + len(rows)] = rows

    def _grow(self, used: int, count: int) -> int:
        capacity = len(self._rows)
        if used + count <= capacity:
            return used
        keep = used if used + count <= ROWS_MAX else min(used, ROWS_MAX // 2)
        while capacity < keep + count:
            capacity *= 2
        grown = np.zeros(capacity, STORE_ROW)
        grown[:keep] = self._rows[used - keep : used]
        self.first += used - keep
        self._hold(grown)
        return keep

    def _hold(self, rows: np.ndarray) -> None:
        self._rows = rows
        self._references = rows["reference"]
        self._times = rows["sending_time_ns"]
