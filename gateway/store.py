"""What the venue sent to each counterparty, for resends: sixteen bytes an outgoing number.

A row points at an event (encoded again when asked for), at a message kept verbatim in the journal's
byte stream, or says "administrative" (gap-filled). Rows, kept messages, expected numbers and resets
travel in payloads of Sequencer.append_sessions, behind the commands they answer:

    payload = header {kind, sections, events_through}, then per session
              section {session, flags, expected_in, first number, rows, blob bytes,
              reserved_through}, rows STORE_ROW[rows], blobs

`events_through`: reports of all events up to it have their rows. `reserved_through`: numbers up to
it may be given to administrative messages without another payload; after a crash they are skipped
and gap-filled, so that no number is used twice. A snapshot has the same form, with every row.

Source: specs/order_entry.md O-6; design: session store. Knows no socket and no FIX field.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from enum import IntEnum

import numpy as np

from engine.event_reader import EventsMissing
from gateway.types import (
    STORE_ROW,
    StoreKind,
    pack_blob,
    pack_reference,
    unpack_blob,
    unpack_reference,
)

RESERVE = 64  # administrative numbers reserved ahead
ROWS_MAX = 1 << 22  # rows a session keeps; older numbers are gap-filled
ROWS_FIRST = 1 << 10
SCAN_ROWS = 1 << 12
_RESET = 1  # flags of a section
_CONNECTED = 2
_HEADER = struct.Struct("<IIQ")
_SECTION = struct.Struct("<8I")
_EMPTY = np.zeros(0, STORE_ROW)
assert RESERVE < ROWS_FIRST <= ROWS_MAX

EncodeEvent = Callable[[int, int, int, int, int], bytes]
ReadJournal = Callable[[int, int], bytes]


class PayloadKind(IntEnum):
    """First word of a payload."""

    DELTA = 0x53455301
    SNAPSHOT = 0x53455302


class StoreDamagedError(Exception):
    """A journaled payload does not read as one: the journal is not this store's."""


class SentRows:
    """One counterparty's rows; a SentLog of the venue's side (gateway/counterparty.py).

    first: number of the oldest row. next: number of the next row. Appending mutates the store's
    list of what must be journaled.
    """

    def __init__(self, session: int, store: SessionStore) -> None:
        self.session = session
        self.first = 1
        self.next = 1
        self.journaled = 1  # rows below this number are in a payload
        self.reserved_through = 0
        self.was_reset = False
        self.connected = False  # logged on; after a restart: was logged on when the venue ended
        self.pending: dict[int, bytes] = {}  # kept messages that no payload has yet
        self._store = store
        self._hold(np.zeros(ROWS_FIRST, STORE_ROW))

    def admin(self, number: int, sending_time_ns: int) -> None:
        """See SentLog. Needs a payload before it is sent only when the reserve is used up."""
        self._append(number, pack_reference(StoreKind.ADMIN, 0), sending_time_ns)
        self.changed(urgent=number > self.reserved_through)

    def blob(self, number: int, raw: bytes, sending_time_ns: int) -> None:
        """See SentLog."""
        self._append(number, pack_reference(StoreKind.BLOB_PENDING, 0), sending_time_ns)
        self.pending[number] = raw
        self.changed(urgent=True)

    def reports(self, first_out: int, rows: np.ndarray, out: np.ndarray) -> None:
        """Takes the STORE_ROW[n] that encode_reports wrote for numbers from first_out on.

        out: the bytes it wrote to; BLOB_PENDING rows point into it and are copied.
        """
        assert first_out == self.next
        count = len(rows)
        at = self._make_room(count)
        if count == 1:  # a lone order: the row's items are faster than an assignment of rows
            self._references[at], self._times[at] = rows.item(0)
        else:
            self._rows[at : at + count] = rows
        kinds = rows.view(np.uint8)[7::16]
        if StoreKind.BLOB_PENDING in kinds.tobytes():
            for index in np.flatnonzero(kinds == StoreKind.BLOB_PENDING).tolist():
                offset, length = unpack_blob(unpack_reference(rows["reference"][index])[1])
                self.pending[first_out + index] = bytes(out[offset : offset + length])
        self.next += count
        self.changed(urgent=True)

    def reset(self) -> None:
        """See SentLog."""
        self.first = self.next = self.journaled = 1
        self.reserved_through = 0
        self.was_reset = True
        self.pending.clear()
        self._hold(np.zeros(ROWS_FIRST, STORE_ROW))
        self.changed(urgent=True)

    def changed(self, urgent: bool) -> None:
        """See SentLog."""
        self._store.mark(self.session, urgent)

    def next_resendable(self, begin: int, end: int) -> int:
        """See SentLog."""
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
        return self._rows[first - self.first : stop - self.first]

    def load(self, first: int, rows: np.ndarray) -> None:
        """Journaled rows from number `first` on; numbers never journaled are gap-filled.

        A payload behind a snapshot may repeat rows that the snapshot has.
        """
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
        used = self.next - self.first
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


class SessionStore:
    """All counterparties' rows, and what of them still has to be journaled.

    sessions: SESSION_ROW table, indexed by session id; recovery writes its numbers.
    encode_event(session, number, event number, first sent at ns, now ns) -> message bytes.
    encode_blob(raw, now ns, first sent at ns) -> message bytes. read_journal(position, bytes).
    """

    def __init__(
        self,
        sessions: np.ndarray,
        encode_event: EncodeEvent,
        encode_blob: Callable[[bytes, int, int], bytes],
        read_journal: ReadJournal,
    ) -> None:
        self.encode_event = encode_event
        self.encode_blob = encode_blob
        self.read_journal = read_journal
        self.urgent = False  # something must be journaled before anything more is sent
        self.events_through = 0
        self._expected_in = sessions["expected_in"]  # a field's view is faster than a row's item
        self._next_out = sessions["next_out"]
        self._logs: dict[int, SentRows] = {}
        self._dirty: set[int] = set()

    def log(self, session: int) -> SentRows:
        """The rows of a session, made at first use."""
        found = self._logs.get(session)
        if found is None:
            found = self._logs[session] = SentRows(session, self)
        return found

    def mark(self, session: int, urgent: bool) -> None:
        """A session's rows or numbers differ from what is journaled."""
        self._dirty.add(session)
        self.urgent = self.urgent or urgent

    def connected(self, session: int, is_connected: bool) -> None:
        """Keeps whether a session is logged on: a restart gives it a time to come back."""
        self.log(session).connected = is_connected
        self.mark(session, urgent=True)

    def save(self, append: Callable[[bytes], int], events_through: int) -> bool:
        """Journals what changed, if any of it must be; call it before a turn's bytes are sent.

        append: Sequencer.append_sessions, returns the stream position of the payload's first byte.
        events_through: the last event whose reports have rows. Returns True when it wrote.
        """
        if not self.urgent:  # numbers of heartbeats and the like go with the next payload
            return False
        self.events_through = events_through
        dirty = [self._logs[session] for session in self._dirty]
        parts = [_HEADER.pack(PayloadKind.DELTA, len(dirty), events_through)]
        offset = _HEADER.size
        placed: list[tuple[SentRows, int, int, int]] = []
        for log in dirty:
            section, blobs = self._section(log, offset)
            placed += [(log, number, at, length) for number, at, length in blobs]
            parts.append(section)
            offset += len(section)
        position = append(b"".join(parts))
        for log, number, at, length in placed:
            row = log.rows(number, number + 1)
            row["reference"] = pack_reference(StoreKind.BLOB, pack_blob(position + at, length))
        for log in dirty:
            log.journaled = log.next
            log.reserved_through = log.next - 1 + RESERVE
            log.was_reset = False
            log.pending.clear()
        self._dirty.clear()
        self.urgent = False
        return True

    def _section(self, log: SentRows, offset: int) -> tuple[bytes, list[tuple[int, int, int]]]:
        """A session's part of a payload, which begins at byte `offset` of it.

        Also (number, byte offset in the payload, bytes) of every kept message in it.
        """
        first = max(log.journaled, log.first)
        rows = log.rows(first, log.next)
        count = log.next - first
        if not log.pending:
            return self._section_head(log, first, count, 0, RESERVE) + rows.tobytes(), []
        blobs = [(number, raw) for number, raw in log.pending.items() if number >= first]
        blob_at = offset + _SECTION.size + rows.nbytes
        places = []
        rows = rows.copy()
        for number, raw in blobs:
            reference = pack_reference(StoreKind.BLOB, pack_blob(blob_at, len(raw)))
            rows["reference"][number - first] = reference
            places.append((number, blob_at, len(raw)))
            blob_at += len(raw)
        kept = b"".join(raw for _, raw in blobs)
        head = self._section_head(log, first, count, len(kept), RESERVE)
        return head + rows.tobytes() + kept, places

    def _section_head(
        self, log: SentRows, first: int, rows: int, blob_bytes: int, reserve: int
    ) -> bytes:
        expected_in = self._expected_in.item(log.session)
        flags = (_RESET if log.was_reset else 0) | (_CONNECTED if log.connected else 0)
        reserved_through = log.next - 1 + reserve
        return _SECTION.pack(
            log.session, flags, expected_in, first, rows, blob_bytes, reserved_through, 0
        )

    def snapshot(self) -> bytes:
        """Everything, for Sequencer.save_sessions; nothing urgent may be waiting for `save`.

        Gives up the reserves: the next start goes on with the next number, and so does this one,
        after another payload.
        """
        assert not self.urgent
        parts = [_HEADER.pack(PayloadKind.SNAPSHOT, len(self._logs), self.events_through)]
        for log in self._logs.values():
            rows = log.rows(log.first, log.next)
            parts.append(self._section_head(log, log.first, len(rows), 0, 0))
            parts.append(rows.tobytes())
            log.reserved_through = 0
        return b"".join(parts)

    def recover(
        self, records: Iterable[tuple[int, bytes]], taken: Iterable[tuple[int, int]]
    ) -> int:
        """Reads journaled payloads back; returns `events_through`.

        records: (stream position, payload) in order, a snapshot first if there is one. taken:
        (session, MsgSeqNum) of journaled commands: a message is not asked for again because its
        payload was lost. Reports of events past the result have no rows: they go out as new
        messages with PossResend. Writes expected_in and next_out of the SESSION_ROW table.
        Raises StoreDamagedError.
        """
        for position, payload in records:
            self._load(position, payload)
        for log in self._logs.values():
            log.skip_to(log.reserved_through + 1)
            log.reserved_through = 0  # nothing may be sent before a new reserve is journaled
            self._next_out[log.session] = log.next
        for session, msg_seq_num in taken:
            expected_in = self._expected_in.item(session)
            self._expected_in[session] = max(expected_in, msg_seq_num + 1)
        return self.events_through

    def _load(self, position: int, payload: bytes) -> None:
        if len(payload) < _HEADER.size:
            raise StoreDamagedError(f"session payload at {position}: {len(payload)} bytes")
        kind, sections, self.events_through = _HEADER.unpack_from(payload)
        if kind not in (PayloadKind.DELTA, PayloadKind.SNAPSHOT):
            raise StoreDamagedError(f"session payload at {position}: kind {kind:#x}")
        at = _HEADER.size
        for _ in range(sections):
            if at + _SECTION.size > len(payload):
                raise StoreDamagedError(f"session payload at {position}: cut at byte {at}")
            at = self._load_section(position, payload, at, kind == PayloadKind.SNAPSHOT)

    def _load_section(self, position: int, payload: bytes, at: int, absolute: bool) -> int:
        session, flags, expected_in, first, count, blob_bytes, reserved, _ = _SECTION.unpack_from(
            payload, at
        )
        at += _SECTION.size
        end = at + count * STORE_ROW.itemsize + blob_bytes
        if end > len(payload) or not 0 < session < len(self._expected_in):
            raise StoreDamagedError(f"session payload at {position}: section of {session} at {at}")
        log = self.log(session)
        if flags & _RESET or absolute:
            log.reset()
        rows = np.frombuffer(payload, STORE_ROW, count, at) if count else _EMPTY
        if not absolute:
            rows = _rebased(rows, position)
        log.load(first, rows)
        log.was_reset = False
        log.connected = bool(flags & _CONNECTED)
        log.reserved_through = reserved
        self._expected_in[session] = expected_in
        self._dirty.discard(session)
        self.urgent = False
        return end


def _rebased(rows: np.ndarray, position: int) -> np.ndarray:
    """Rows whose kept messages are counted from the payload, counted from the stream's start."""
    kept = np.flatnonzero(rows["reference"] >> np.uint64(56) == StoreKind.BLOB)
    if not len(kept):
        return rows
    rows = rows.copy()
    for index in kept:
        offset, length = unpack_blob(unpack_reference(rows["reference"][index])[1])
        reference = pack_reference(StoreKind.BLOB, pack_blob(position + offset, length))
        rows["reference"][index] = reference
    return rows
