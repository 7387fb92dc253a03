"""The codec's Python side: one `Tables` a process, shared by all sessions of the gateway.

Owns the arena (gateway/arena.py): fills it with the dialect, the names of instruments, accounts and
products, and the sessions' rows, and reads single messages for the sessions. Names may be added
while running.

Source: specs/order_entry.md O-2, O-4, O-20.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.reasons import CancelReason
from engine.types import COMMAND, EVENT, CommandKind
from gateway import arena as arenas
from gateway.arena import Bounds, Section
from gateway.dialect import (
    FIXT_DICTIONARIES,
    HEADER_CELL,
    SLOTS_MAX,
    Dialect,
    load_dialect,
    type_place,
)
from gateway.faults import fault_of
from gateway.fill import (
    FILL_TAGS,
    HEADER_SLOT_TAGS,
    QUOTE_ID,
    QUOTE_REQ_ID,
    Fill,
    hash_words,
)
from gateway.message import Message
from gateway.orders import decode_one, decode_orders, read_message
from gateway.reports import encode_report, encode_reports
from gateway.types import (
    BEGIN_STRINGS,
    COMP_ID_CHARS,
    FIELDS_MAX,
    FIXT_BEGIN_STRING,
    REPORT_BYTES_MAX,
    STORE_ROW,
    TEMPLATE_BYTES,
    Encode,
    Fault,
    Read,
    Stop,
)
from specs.rejects import QUOTE_REJECT_OTHER, QUOTE_REJECT_REASONS, REJECT_TEXTS

CANCEL_TEXTS = {
    CancelReason.IOC: "rest of an IOC order",
    CancelReason.FOK: "FOK order could not be filled at once",
    CancelReason.MIN_QTY: "minimum quantity not available",
    CancelReason.MARKET_BAND: "market order reached its price band",
    CancelReason.SELF_MATCH: "self-match prevention",
    CancelReason.MASS_CANCEL: "mass cancel",
    CancelReason.SESSION_LOST: "session lost",
    CancelReason.DAY_END: "end of the trading day",
    CancelReason.EXPIRE_DATE: "expire date passed",
    CancelReason.INSTRUMENT_EXPIRED: "instrument expired",
    CancelReason.BEYOND_LIMITS: "beyond the new daily limits",
    CancelReason.KILLED: "kill switch",
    CancelReason.QUOTE_CANCELLED: "quote taken off by its maker",
    CancelReason.PROTECTION: "market-maker protection",
}


class Found(NamedTuple):
    """What `Tables.read` found: MESSAGE with a message; NEED_MORE; GARBLED, skip `consumed`."""

    status: Read
    consumed: int  # bytes
    message: Message | None


class Tables:
    """Arena, views of it, and the calls that need it.

    arena: uint8[], first argument of the kernels. sessions: SESSION_ROW[sessions_max + 1].
    spans: SPAN[sessions_max + 1], filled by encode_reports.
    is_venue: False on a member's side (gateway/client.py), where reports come in. arena: made by
    make_arena; None: a new one.
    """

    def __init__(
        self,
        bounds: Bounds,
        dialect: Dialect | None = None,
        *,
        is_venue: bool = True,
        arena: np.ndarray | None = None,
    ) -> None:
        self.bounds = bounds
        self.dialect = load_dialect() if dialect is None else dialect
        self.is_venue = is_venue
        self.arena = arenas.make_arena(bounds) if arena is None else arena
        self.sessions = self._section(Section.SESSIONS)
        self.spans = self._section(Section.SPANS)
        self._ints = self.arena[: len(self.arena) // 4 * 4].view(np.uint32)
        self._words = self.arena[: len(self.arena) // 8 * 8].view(np.int64)
        self._one = np.zeros(2 * REPORT_BYTES_MAX, np.uint8)
        self._is_fixt = self.dialect.begin_string == FIXT_BEGIN_STRING
        self._fill_dialect()
        self._fill_texts()

    def fixt(self) -> Tables:
        """The tables of FIXT.1.1 with FIX 5.0 SP2: names and sessions are the same memory."""
        other = self.arena[arenas.BLOCK_BYTES :]
        dialect = load_dialect(*FIXT_DICTIONARIES)
        return Tables(self.bounds, dialect, is_venue=self.is_venue, arena=other)

    def read(self, buf: np.ndarray, start: int, end: int) -> Found:
        """The first message of buf[start:end] (uint8), validated; never raises on any bytes."""
        status, size, count, reason, tag = read_message(self.arena, buf, start, end)
        if status != Read.MESSAGE:
            return Found(Read(status), int(size), None)
        raw = buf[start : start + size].tobytes()
        tags, offsets, lengths = (
            self._ints[place : place + count].tolist()
            for place in (arenas.TABLE_TAG, arenas.TABLE_OFFSET, arenas.TABLE_LENGTH)
        )
        fields = [
            (tag, at - start, chars) for tag, at, chars in zip(tags, offsets, lengths, strict=True)
        ]
        if not fields:
            fields = [(35, raw.index(b"\x0135=") + 4, 1)]
        message = Message(raw, fields, None)
        message.fault = self._fault(message, int(reason), int(tag))
        return Found(Read.MESSAGE, int(size), message)

    def read_bytes(self, data: bytes) -> Found:
        """`read` of bytes that lie in no buffer of ours."""
        buf = np.zeros(len(data) + 8, np.uint8)
        buf[: len(data)] = np.frombuffer(data, np.uint8)
        return self.read(buf, 0, len(data))

    def decode(
        self,
        buf: np.ndarray,
        start: int,
        end: int,
        session: int,
        commands: np.ndarray,
        first_free: int,
        now_ns: int,
    ) -> tuple[int, int, Stop]:
        """orders.decode_orders: (bytes consumed, rows written, why it stopped)."""
        consumed, written, stop = decode_orders(
            self.arena, buf, start, end, session, commands, first_free, now_ns
        )
        return consumed, written, Stop(stop)

    def decode_message(
        self, message: Message, session: int, commands: np.ndarray, index: int, now_ns: int
    ) -> int:
        """One valid D, F, G, q, i or Z that Python holds (PossDup, say) from commands[index] on.

        Returns the rows written. A caller sets `reason` of a stale one itself (O-12). expected_in
        stays as it is.
        """
        assert message.fault is None
        buf = np.frombuffer(message.raw, np.uint8).copy()
        rows = decode_one(self.arena, buf, 0, len(buf), session, commands, index, now_ns)
        assert rows, message
        return int(rows)

    def note(
        self,
        kind: CommandKind,
        session: int,
        msg_seq_num: int,
        commands: np.ndarray,
        index: int,
        now_ns: int,
        fault: Fault | None = None,
    ) -> None:
        """A REFUSED or STATUS_REQUEST row: takes its number, changes nothing (M-74, O-23)."""
        assert kind in (CommandKind.REFUSED, CommandKind.STATUS_REQUEST)
        row = np.zeros(1, COMMAND)
        row["time_ns"] = now_ns
        row["kind"] = kind
        row["session"] = session
        row["member"] = self.sessions[session]["member"]
        row["msg_seq_num"] = msg_seq_num
        row["reason"] = refused_reason(fault)
        commands[index] = row[0]

    def encode(
        self,
        events: np.ndarray,
        first_number: int,
        commands: np.ndarray,
        requests: np.ndarray,
        out: np.ndarray,
        store_rows: np.ndarray,
        now_ns: int,
    ) -> tuple[int, np.ndarray]:
        """reports.encode_reports: (events consumed, SPAN rows valid until the next call)."""
        consumed, spans = encode_reports(
            self.arena, events, first_number, commands, requests, out, store_rows, now_ns
        )
        return consumed, self.spans[:spans]

    def encode_one(
        self,
        session: int,
        event: np.ndarray,
        number: int,
        requests: np.ndarray,
        seq_num: int,
        now_ns: int,
        orig_ns: int = 0,
        mode: Encode = Encode.LIVE,
    ) -> bytes:
        """One report again: POSS_DUP under its number, or POSS_RESEND under a new one (O-6).

        event: EVENT[1], number its event number, requests its day's rows. Sequence numbers stay.
        """
        size = encode_report(
            self.arena,
            session,
            event,
            number,
            requests,
            self._one,
            seq_num,
            now_ns,
            orig_ns,
            int(mode),
        )
        return self._one[:size].tobytes()

    def load_kernels(self, requests: np.ndarray) -> None:
        """Calls every kernel once, on nothing: machine code is loaded now, not by the first order.

        requests: REQUEST[], as later calls have them.
        """
        buf, out = np.zeros(64, np.uint8), np.zeros(REPORT_BYTES_MAX + 64, np.uint8)
        commands, events = np.zeros(1, COMMAND), np.zeros(1, EVENT)
        store_rows = np.zeros(1, STORE_ROW)
        decode_orders(self.arena, buf, 0, 0, 0, commands, 0, 0)
        decode_one(self.arena, buf, 0, 0, 0, commands, 0, 0)
        read_message(self.arena, buf, 0, 0)
        encode_reports(self.arena, events[:0], 1, commands, requests, out, store_rows, 0)
        encode_report(self.arena, 0, events, 0, requests, out, 0, 0, 0, int(Encode.LIVE))

    def define_session(
        self,
        session: int,
        member: int,
        peer: bytes,
        own: bytes,
        default_account: int = 0,
        clock_tolerance_ns: int = 120_000_000_000,
    ) -> None:
        """A session: its CompIDs (1 to 16 bytes) and its template; numbers stay as they are."""
        assert 0 < session <= self.bounds.sessions_max
        assert 0 < len(peer) <= COMP_ID_CHARS and 0 < len(own) <= COMP_ID_CHARS
        row = self.sessions[session]
        row["session"], row["member"] = session, member
        row["default_account"], row["clock_tolerance_ns"] = default_account, clock_tolerance_ns
        row["peer_chars"], row["own_chars"] = len(peer), len(own)
        row["peer_0"], row["peer_1"], _ = _words_of(peer)
        row["own_0"], row["own_1"], _ = _words_of(own)
        for name in ("expected_in", "next_out"):
            row[name] = max(1, int(row[name]))
        self.speak(session, peer, own, int(row["dialect"]))

    def speak(self, session: int, peer: bytes, own: bytes, dialect: int) -> None:
        """A session's dialect (0, 1: BEGIN_STRINGS) from now on: its template, who decodes it."""
        row = self.sessions[session]
        row["dialect"] = dialect
        begin = BEGIN_STRINGS[dialect]
        text = b"8=%b\x019=000\x0135=8\x0149=%b\x0156=%b\x0134=" % (begin, own, peer)
        row["template_bytes"] = len(text)
        templates = self._section(Section.TEMPLATES)
        start = session * TEMPLATE_BYTES
        templates[start : start + len(text)] = np.frombuffer(text, np.uint8)

    def define_instrument(self, instrument: int, symbol: bytes, product: int) -> None:
        """A tradable symbol; its id is found by Symbol (55)."""
        names = self._section(Section.INSTRUMENTS)
        places = self._section(Section.INSTRUMENT_HASH)
        _define(names, places, instrument, symbol, product, 0)

    def define_account(self, account: int, name: bytes, member: int) -> None:
        """An account; found by Account (1) for orders of its member."""
        names, places = self._section(Section.ACCOUNTS), self._section(Section.ACCOUNT_HASH)
        _define(names, places, account, name, member, member)

    def define_product(self, product: int, code: bytes) -> None:
        """A product; found by Symbol (55) of a mass cancel by product."""
        names, places = self._section(Section.PRODUCTS), self._section(Section.PRODUCT_HASH)
        _define(names, places, product, code, 0, 0)

    def name_of(self, which: Section, index: int) -> bytes:
        """The name of an instrument, account or product; empty: not defined."""
        row = self._section(which)[index]
        words = b"".join(int(row[f"word_{n}"]).to_bytes(8, "little") for n in range(3))
        return words[: int(row["chars"])]

    def find(self, which: Section, name: bytes, owner: int = 0) -> int:
        """Id of a name in INSTRUMENTS, ACCOUNTS (owner: member) or PRODUCTS; 0: unknown."""
        if len(name) > 24:
            return 0
        names, places = self._section(which), self._section(Section(which + 1))
        at = hash_words(*_words_of(name), owner, places.size)
        while places[at] != 0:
            row = names[places[at]]
            same = tuple(int(row[f"word_{n}"]) for n in range(3)) == _words_of(name)
            if same and owner in (0, int(row["owner"])):
                return int(places[at])
            at = (at + 1) & (places.size - 1)
        return 0

    def _section(self, which: Section) -> np.ndarray:
        return arenas.section_of(self.arena, which, self.bounds)

    def _fault(self, message: Message, reason: int, tag: int) -> Fault | None:
        name = self.dialect.names.get(tag, "")
        is_inbound = not self.is_venue or self._is_inbound(message.msg_type)
        return fault_of(message.msg_type, reason, tag, name, self._is_fixt, is_inbound)

    def _is_inbound(self, msg_type: bytes) -> bool:
        index = self.dialect.message_of_type[type_place(msg_type)]
        return index == 0 or bool(self.dialect.messages[index]["inbound"])

    def _fill_dialect(self) -> None:
        dialect, fields = self.dialect, self.dialect.fields
        for place, values in (
            (arenas.ENUM_0, fields["enum_0"].view(np.int64)),
            (arenas.ENUM_1, fields["enum_1"].view(np.int64)),
            (arenas.REQUIRED_HEADER, dialect.messages["required_header"].view(np.int64)),
            (arenas.REQUIRED_BODY, dialect.messages["required_body"].view(np.int64)),
        ):
            self._words[place : place + len(values)] = values
        for place, name in ((arenas.FIELD_TAG, "tag"), (arenas.LENGTH_TAG, "length_tag")):
            self._ints[place : place + len(fields)] = fields[name]
        for place, values in (
            (arenas.FIELD_OF_TAG, dialect.field_of_tag),
            (arenas.MESSAGE_OF_TYPE, dialect.message_of_type),
            (arenas.FIELD_KIND, fields["kind"]),
            (arenas.FIELD_GROUP, dialect.groups.ravel()),
            (arenas.CELLS, dialect.cells.ravel()),
            (arenas.PLACES, dialect.group_places.ravel()),
        ):
            self.arena[place : place + len(values)] = values
        begin = b"%b\x019" % dialect.begin_string
        self._words[arenas.BEGIN_WORD] = int.from_bytes(begin[:8], "little")
        self._words[arenas.BEGIN_NEXT] = begin[8]
        self._fill_slots()
        self._words[arenas.TABLE_WORD : arenas.TABLE_WORD + FIELDS_MAX] = -1
        self._words[arenas.CLOCK + arenas.Clock.SECOND_IN_0] = -1

    def _fill_slots(self) -> None:
        dialect, tag_of_slot = self.dialect, self._ints[arenas.TAG_OF_SLOT :]
        for msg_type, layout in dialect.layouts.items():
            message = int(dialect.message_of_type[type_place(msg_type.encode())])
            for tag in layout:
                tag_of_slot[message * SLOTS_MAX + dialect.slot(msg_type, tag)] = tag
            for which, tag in FILL_TAGS.items():
                if which == Fill.CL_ORD_ID and tag not in layout:
                    tag = QUOTE_ID if QUOTE_ID in layout else QUOTE_REQ_ID
                if tag in layout:
                    place = arenas.FILL + message * arenas.FILL_MAX + which
                    self.arena[place] = dialect.slot(msg_type, tag)
        for tag, field in enumerate(dialect.field_of_tag):
            cell = int(dialect.cells[1, field])
            if field and HEADER_CELL <= cell < 2 * HEADER_CELL:
                tag_of_slot[cell - HEADER_CELL] = tag
        for slot, tag in HEADER_SLOT_TAGS.items():
            assert tag_of_slot[slot - HEADER_CELL] == tag, "order of header fields in FIX44.xml"

    def _fill_texts(self) -> None:
        at = 0
        entries = [
            (int(r), t.text, t.ord_rej_reason, t.cxl_rej_reason) for r, t in REJECT_TEXTS.items()
        ]
        entries += [
            (int(r) - 1000 + arenas.CANCEL_REASONS, text, 0, 0) for r, text in CANCEL_TEXTS.items()
        ]
        for index, text, ord_rej_reason, cxl_rej_reason in entries:
            data = text.encode()
            assert index < arenas.REASONS_MAX and at + len(data) + 8 <= arenas.TEXTS_BYTES
            start = arenas.TEXTS + at
            self.arena[start : start + len(data)] = np.frombuffer(data, np.uint8)
            quote_reason = QUOTE_REJECT_REASONS.get(index, QUOTE_REJECT_OTHER)
            codes = ord_rej_reason << 32 | cxl_rej_reason << 40 | quote_reason << 48
            self._words[arenas.REASON + index] = at | len(data) << 16 | codes
            at += len(data)


def refused_reason(fault: Fault | None) -> int:
    """Reason of a REFUSED row: 2000 + 373 or 3000 + 380; 0 without a fault. Source: O-23."""
    if fault is None:
        return 0
    return (3000 if fault.business else 2000) + fault.reason


def _words_of(name: bytes) -> tuple[int, int, int]:
    padded = name.ljust(24, b"\0")
    return (
        int.from_bytes(padded[:8], "little"),
        int.from_bytes(padded[8:16], "little"),
        int.from_bytes(padded[16:], "little"),
    )


def _define(
    names: np.ndarray, places: np.ndarray, index: int, name: bytes, owner: int, hash_owner: int
) -> None:
    assert 0 < index < len(names) and 0 < len(name) <= 24
    words = _words_of(name)
    if names[index]["chars"]:
        assert tuple(int(names[index][f"word_{n}"]) for n in range(3)) == words
        names[index]["owner"] = owner
        return
    names[index] = (*words, owner, len(name))
    at = hash_words(*words, hash_owner, places.size)
    while places[at] != 0:
        at = (at + 1) & (places.size - 1)
    places[at] = index
