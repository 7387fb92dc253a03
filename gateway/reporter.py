"""What members are told: the reports of a turn's events, put into each session's outgoing bytes.

A report takes its number and its row of the store whether or not its session is there; bytes of a
session that is not logged on are dropped, and the next Logon finds a gap that it asks for.

Data path: Sequencer -> EventRows -> here -> Session.outgoing and SessionStore.
Source: specs/order_entry.md O-14 to O-18, O-30, O-31; fix-session 1.2.
"""

from __future__ import annotations

import numpy as np

from engine.eventlog import EventRows
from engine.sequencer import Sequencer
from engine.types import COMMAND, OrdStatus, Side
from gateway.arena import REPORTS_MAX
from gateway.counterparty import Counterparty
from gateway.definitions import Known
from gateway.desk import Question
from gateway.drop_copy import DropCopies
from gateway.inquiries import ORDER_STATUS, Answer, Inquiries, Status
from gateway.market_status import Said
from gateway.message import Message, encode_message, with_fields
from gateway.reports import encode_report, encode_reports
from gateway.sent_rows import SentRows
from gateway.session import Session
from gateway.tables import Tables
from gateway.types import FIXT_BEGIN_STRING, REPORT_BYTES_MAX, STORE_ROW, Encode
from gateway.values import format_timestamp
from specs.rejects import REJECT_TEXTS, Reject

OUT_BYTES = REPORTS_MAX * REPORT_BYTES_MAX
_NO_COMMANDS = np.zeros(0, COMMAND)


class Reporter:
    """Encodes reports. `events_through`: the last event whose reports have their numbers;
    `reported`: the sessions that have had some in this turn; `inquiries`: who answers requests.
    market_data_ns: between two updates of market data to a session."""

    def __init__(
        self, tables: Tables, sequencer: Sequencer, known: Known, market_data_ns: int
    ) -> None:
        self.events_through = 0
        self.inquiries = Inquiries(sequencer, known, market_data_ns)
        self.copies = DropCopies(sequencer, known)
        self._spans = tables.spans
        self._arena = tables.arena
        self._sequencer = sequencer
        self._out = np.zeros(OUT_BYTES, np.uint8)
        self._view = memoryview(self._out.data)
        self._one = np.zeros(REPORT_BYTES_MAX + 64, np.uint8)
        self._rows = np.zeros(REPORTS_MAX, STORE_ROW)
        self._row_bytes = memoryview(self._rows.data).cast("B")
        self.room = (self._out, self._rows, self._spans)  # what encode_reports writes to
        self._parties: dict[int, tuple[Counterparty, SentRows]] = {}
        self.reported: list[Session] = []

    def meet(self, party: Counterparty, log: SentRows) -> None:
        """A party that reports may go to, and its rows of the session store."""
        self._parties[party.session] = (party, log)

    def report(self, parts: list[EventRows], commands: np.ndarray | None, now_ns: int) -> None:
        """Numbers and encodes the reports of a submit's events.

        commands: COMMAND[n] that caused them, for answers without a request row; None: the venue's
        own, which have none.
        """
        given = _NO_COMMANDS if commands is None else commands
        for first, rows in parts:
            self._report_part(first, rows, given, now_ns)
        market = self.inquiries.market
        if market.watched:
            for part in parts:
                for said in market.updates(part.rows):
                    self._say(said, now_ns)

    def _report_part(self, first: int, rows: np.ndarray, commands: np.ndarray, now_ns: int) -> None:
        requests = self._sequencer.requests_of(first)
        out, store_rows, _ = self.room
        while True:
            taken, count = encode_reports(
                self._arena, rows, first, commands, requests, out, store_rows, now_ns
            )
            first += taken
            self.put(count, first)
            if taken == len(rows):
                break
            rows = rows[taken:]

    def put(self, spans: int, next_event: int) -> None:
        """Puts what encode_reports wrote to `room` into the sessions' outgoing bytes.

        spans: how many sessions' parts; next_event: number of the first event not in it.
        """
        store_rows, out, view = self._rows, self._out, self._view
        for index in range(spans):
            session, start, reports, first_out, begin, end, odd, _ = self._spans.item(index)
            party, log = self._parties[session]
            log.reports(first_out, store_rows[start : start + reports], out, not odd)
            self._put(party, view[begin:end])
        self.events_through = next_event - 1

    def put_plain(self, session: int, reports: int, size: int, through: int) -> bytes:
        """As put(), of the one part of a turn that told one session alone, which is there.

        through: number of the last event. Returns the session's `size` bytes, not put anywhere.
        """
        rows = self._row_bytes[: reports * STORE_ROW.itemsize]
        self._parties[session][1].follows(rows, reports, through)
        self.events_through = through
        return self._view[:size].tobytes()

    def answer(self, question: Question, venue_ns: int, now_ns: int) -> None:
        """What a request is answered at once; venue_ns: its TransactTime; now_ns: session clock."""
        party, _, message = question
        self._tell(party, self.inquiries.answer(party, message, venue_ns), now_ns)

    def go_on(self, party: Counterparty, now_ns: int) -> None:
        """The next chunk of the lists that a party asked for, and of what it has copies of."""
        if self.inquiries.owes(party.session):
            self._tell(party, self.inquiries.go_on(party.session), now_ns)
        if self.copies.owes(party.session):
            for number, event in self.copies.take(party.session):
                self._copy(party, number, event, now_ns)

    def say(self, said: Said, now_ns: int) -> None:
        """A message that no turn of its session asked for; the caller finishes the turn."""
        self._say(said, now_ns)

    def owes(self, party: Counterparty) -> bool:
        """Whether go_on() has something to say."""
        return self.inquiries.owes(party.session) or self.copies.owes(party.session)

    def forget(self, session: int) -> None:
        """A session logged out or was lost: nothing is owed to it."""
        self.inquiries.forget(session)
        self.copies.leave(session)

    def follow(self, party: Counterparty) -> None:
        """A drop copy session is logged on."""
        self.copies.join(party, self._parties[party.session][1])

    def due(self, now_ns: int) -> list[Counterparty]:
        """Whom something new of the market or of their trades can be told, by update()."""
        return [self._parties[one][0] for one in sorted(self.inquiries.due(now_ns))]

    def update(self, party: Counterparty, now_ns: int) -> None:
        """Tells a party of due() the first chunk of what has changed; go_on() has the rest."""
        self.inquiries.update(party.session, now_ns)
        self.go_on(party, now_ns)

    def _tell(self, party: Counterparty, answers: list[Answer], now_ns: int) -> None:
        for one in answers:
            if isinstance(one, Said):
                self._say(one, now_ns)
            else:
                self._say_status(party, one, now_ns)

    def _say_status(self, party: Counterparty, status: Status, now_ns: int) -> None:
        """An ExecutionReport 150=I, kept as it is (O-31)."""
        number = party.take_number()
        if status.event is None:
            raw = _unknown_order(party, status.message, number, now_ns)
        else:
            requests = self._sequencer.requests_of(self._sequencer.events_written() + 1)
            size = encode_report(
                self._arena, party.session, status.event, 0, requests,
                self._one, number, now_ns, 0, int(Encode.STATUS),
            )  # fmt: skip
            raw = self._one[:size].tobytes()
        if status.fields:
            raw = with_fields(raw, status.fields)
        party.sent.blob(number, raw, now_ns)
        self._put(party, raw)

    def _say(self, said: Said, now_ns: int) -> None:
        party, _ = self._parties[said.session]
        number = party.take_number()
        fields = said.fields
        if said.msg_type == b"W" and party.header.begin_string == FIXT_BEGIN_STRING:
            fields = [(779, format_timestamp(now_ns)), *fields]  # FIX 5.0 SP2 asks for it (O-130)
        raw = encode_message(said.msg_type, fields, party.header, number, now_ns)
        if said.kept:
            party.sent.blob(number, raw, now_ns)
        else:
            party.sent.admin(number, now_ns)
        self._put(party, raw)

    def _copy(self, party: Counterparty, event_number: int, event: np.ndarray, now_ns: int) -> None:
        """The report of an event to a session that has copies of it (O-145)."""
        number = party.take_number()
        size = encode_report(
            self._arena, party.session, event, event_number,
            self._sequencer.requests_of(event_number), self._one, number, now_ns, 0,
            int(Encode.LIVE),
        )  # fmt: skip
        self._parties[party.session][1].copy(number, event_number, now_ns)
        self._put(party, self._one[:size].tobytes())

    def _put(self, party: Counterparty, data: bytes | memoryview) -> None:
        session = party.connection
        if session is not None and session.live:
            session.outgoing += data
            self.reported.append(session)

    def encode_event(
        self, session: int, number: int, event_number: int, sent_ns: int, now_ns: int
    ) -> bytes:
        """The report of an event as it was sent under `number`, for a resend."""
        event = self._sequencer.event_rows(event_number, 1)[0]
        size = encode_report(
            self._arena, session, event, event_number,
            self._sequencer.requests_of(event_number), self._one, number, now_ns, sent_ns,
            int(Encode.POSS_DUP),
        )  # fmt: skip
        return self._one[:size].tobytes()


def _unknown_order(party: Counterparty, message: Message, number: int, now_ns: int) -> bytes:
    text = REJECT_TEXTS[Reject.UNKNOWN_ORDER]
    return encode_message(
        b"8",
        (
            (37, "NONE"), (17, 0), (150, "I"), (39, chr(OrdStatus.REJECTED)),
            *(((11, message.get(11) or b""),) if message.msg_type == ORDER_STATUS else ()),
            (55, message.get(55) or b"[N/A]"),
            (54, message.get(54) or chr(Side.BUY)), (38, 0), (151, 0), (14, 0), (6, 0),
            (103, text.ord_rej_reason), (58, text.text),
        ),
        party.header, number, now_ns,
    )  # fmt: skip
