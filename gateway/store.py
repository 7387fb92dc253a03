"""What the venue sent to each counterparty, for resends: sixteen bytes an outgoing number.

A row points at an event (encoded again when asked for), at a message kept verbatim in the journal's
byte stream, or says "administrative" (gap-filled).

Rows of a turn that only reported events are not journaled: they follow from the events, in their
order, with the events' time as SendingTime. Any other turn (an administrative message, a message
kept, a reset, a report at another time) journals its rows before anything of it is sent, so that
no number is ever used twice. Payloads of Sequencer.append_sessions:

    payload = header {kind, sections, events_through, follow_through}, then per session
              section {session, flags and minute, expected_in, first number, rows, blob bytes},
              rows STORE_ROW[rows], blobs, of a drop copy session last the event it was told up to

`follow_through`: reports of events up to it have rows that follow from them. `events_through`:
those of events up to it have rows in this payload. A payload has a section of every session that
was heard of since the one before. A snapshot has the same form, with every row.

Source: specs/order_entry.md O-6; docs/decisions/0121-rows-that-follow.md. Knows no socket and no
FIX field.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from enum import IntEnum

import numpy as np

from gateway.sent_rows import SentRows
from gateway.types import (
    STORE_ROW,
    StoreKind,
    are_reports,
    pack_blob,
    pack_reference,
    unpack_blob,
    unpack_reference,
)

_RESET = 1  # flags of a section
_CONNECTED = 2
_COPIES = 1 << 31
_BEGAN_SHIFT = 2  # of the minute that began the numbers, in the same word
_HEADER = struct.Struct("<IIQQ")
_SECTION = struct.Struct("<6I")
_COPIED = struct.Struct("<Q")
_EMPTY = np.zeros(0, STORE_ROW)
_EVENT_BITS = np.uint64(pack_reference(StoreKind.EVENT, 0))

# (first, last) -> (number of the first row, EVENT rows), in order, of all events between
ReadEvents = Callable[[int, int], Iterable[tuple[int, np.ndarray]]]
EncodeEvent = Callable[[int, int, int, int, int], bytes]
ReadJournal = Callable[[int, int], bytes]


class PayloadKind(IntEnum):
    """First word of a payload."""

    DELTA = 0x53455301
    SNAPSHOT = 0x53455302


class StoreDamagedError(Exception):
    """A journaled payload does not read as one: the journal is not this store's."""


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
        self._heard_of: set[int] = set()  # since the last payload
        self.reported: list[SentRows] = []  # in this turn

    def log(self, session: int) -> SentRows:
        """The rows of a session, made at first use."""
        found = self._logs.get(session)
        if found is None:
            found = self._logs[session] = SentRows(session, self)
        return found

    def mark(self, session: int, urgent: bool) -> None:
        """A session's rows or numbers differ from what is journaled."""
        self._heard_of.add(session)
        self.urgent = self.urgent or urgent

    def connected(self, session: int, is_connected: bool) -> None:
        """Keeps whether a session is logged on: a restart gives it a time to come back."""
        self.log(session).connected = is_connected
        self.mark(session, urgent=True)

    def followed(self, session: int, through: int) -> None:
        """See Owner."""
        self._heard_of.add(session)
        self.events_through = through

    def save(self, append: Callable[[bytes], int], events_through: int) -> bool:
        """The end of a turn: journals what does not follow from events, before bytes are sent.

        append: Sequencer.append_sessions, returns the stream position of the payload's first byte.
        events_through: the last event whose reports have rows. Returns True when it wrote.
        """
        reported = self.reported
        if not self.urgent:  # numbers received of heartbeats and the like go with the next payload
            for log in reported:
                log.journaled = log.next
                self._heard_of.add(log.session)
            reported.clear()
            self.events_through = events_through
            return False
        self._heard_of.update(log.session for log in reported)
        reported.clear()
        self._write(append, events_through)
        self._heard_of.clear()
        self.urgent = False
        return True

    def _write(self, append: Callable[[bytes], int], events_through: int) -> None:
        logs = [self._logs[session] for session in sorted(self._heard_of)]
        parts = [_HEADER.pack(PayloadKind.DELTA, len(logs), events_through, self.events_through)]
        self.events_through = events_through
        offset = _HEADER.size
        placed: list[tuple[SentRows, int, int, int]] = []
        for log in logs:
            section, blobs = self._section(log, offset)
            placed += [(log, number, at, length) for number, at, length in blobs]
            parts.append(section)
            offset += len(section)
        position = append(b"".join(parts))
        for log, number, at, length in placed:
            row = log.rows(number, number + 1)
            row["reference"] = pack_reference(StoreKind.BLOB, pack_blob(position + at, length))
        for log in logs:
            log.journaled = log.next
            log.was_reset = False
            log.pending.clear()

    def _section(self, log: SentRows, offset: int) -> tuple[bytes, list[tuple[int, int, int]]]:
        """A session's part of a payload, which begins at byte `offset` of it.

        Also (number, byte offset in the payload, bytes) of every kept message in it.
        """
        first = max(log.journaled, log.first)
        rows = log.rows(first, log.next)
        count = log.next - first
        if not log.pending:
            return self._section_head(log, first, count, 0) + rows.tobytes() + _copied(log), []
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
        head = self._section_head(log, first, count, len(kept))
        return head + rows.tobytes() + kept + _copied(log), places

    def _section_head(self, log: SentRows, first: int, rows: int, blob_bytes: int) -> bytes:
        expected_in = self._expected_in.item(log.session)
        flags = (_RESET if log.was_reset else 0) | (_CONNECTED if log.connected else 0)
        flags |= log.began_minute << _BEGAN_SHIFT | (_COPIES if log.copied else 0)
        blob_bytes += len(_copied(log))
        return _SECTION.pack(log.session, flags, expected_in, first, rows, blob_bytes)

    def snapshot(self) -> bytes:
        """Everything, for Sequencer.save_sessions; nothing urgent may be waiting for `save`."""
        assert not self.urgent and not self.reported
        through = self.events_through
        parts = [_HEADER.pack(PayloadKind.SNAPSHOT, len(self._logs), through, through)]
        for log in self._logs.values():
            rows = log.rows(log.first, log.next)
            parts.append(self._section_head(log, log.first, len(rows), 0))
            parts.append(rows.tobytes() + _copied(log))
        return b"".join(parts)

    def recover(
        self,
        records: Iterable[tuple[int, bytes]],
        taken: Iterable[tuple[int, int]],
        events: ReadEvents,
        last_event: int,
    ) -> None:
        """Reads journaled payloads back, and the rows that follow from events up to last_event.

        records: (stream position, payload) in order, a snapshot first if there is one. taken:
        (session, MsgSeqNum) of commands behind the last payload: a message is not asked for again
        because it has no payload. Writes expected_in and next_out of the SESSION_ROW table.
        Raises StoreDamagedError.
        """
        for position, payload in records:
            self._load(position, payload, events)
        self._follow(events, last_event)
        for log in self._logs.values():
            self._next_out[log.session] = log.next
        for session, msg_seq_num in taken:
            expected_in = self._expected_in.item(session)
            self._expected_in[session] = max(expected_in, msg_seq_num + 1)
            self._heard_of.add(session)

    def _follow(self, events: ReadEvents, through: int) -> None:
        """Rows of the reports of events behind events_through, up to `through`."""
        for first, rows in events(self.events_through + 1, through):
            sessions = rows["session"]
            told = are_reports(rows["kind"]) & (sessions < len(self._expected_in))
            for session in np.unique(sessions[told]).tolist():
                if session:
                    index = np.flatnonzero(told & (sessions == session))
                    numbers = _EVENT_BITS | (index + first).astype(np.uint64)
                    self.log(session).follow(numbers, rows["time_ns"][index])
                    self._heard_of.add(session)
        self.events_through = max(self.events_through, through)

    def _load(self, position: int, payload: bytes, events: ReadEvents) -> None:
        if len(payload) < _HEADER.size:
            raise StoreDamagedError(f"session payload at {position}: {len(payload)} bytes")
        kind, sections, events_through, follow_through = _HEADER.unpack_from(payload)
        if kind not in (PayloadKind.DELTA, PayloadKind.SNAPSHOT):
            raise StoreDamagedError(f"session payload at {position}: kind {kind:#x}")
        if kind == PayloadKind.DELTA:
            self._follow(events, follow_through)
        self.events_through = events_through
        at = _HEADER.size
        for _ in range(sections):
            if at + _SECTION.size > len(payload):
                raise StoreDamagedError(f"session payload at {position}: cut at byte {at}")
            at = self._load_section(position, payload, at, kind == PayloadKind.SNAPSHOT)

    def _load_section(self, position: int, payload: bytes, at: int, absolute: bool) -> int:
        session, flags, expected_in, first, count, blob_bytes = _SECTION.unpack_from(payload, at)
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
        log.began_minute = (flags & ~_COPIES) >> _BEGAN_SHIFT
        if flags & _COPIES:
            log.copied = _COPIED.unpack_from(payload, end - _COPIED.size)[0]
        self._expected_in[session] = expected_in
        self._heard_of.discard(session)
        self.urgent = False
        return end


def _copied(log: SentRows) -> bytes:
    """What a section of a drop copy session ends with: the event up to which it was told."""
    return _COPIED.pack(log.copied) if log.copied else b""


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
