"""A member's own trades, read back from the event log: TradeCaptureReports on request.

Fills and blocks as they were, busts and corrections as reports of their own behind them, in order
of ExecID. The log is read a bounded piece at a time; other members have their turns between them.
A subscription goes on where its snapshot ended (gateway/trade_updates.py).

Data path: Inquiries -> here -> event log -> fields of AQ and AE.
Source: specs/order_entry.md O-150 to O-152, O-176.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from engine.cl_ord_id import unpack_cl_ord_id
from engine.event_reader import EventsMissing
from engine.sequencer import Sequencer
from engine.types import AMENDED_KINDS, CommandKind, EventFlag, EventKind
from gateway.counterparty import Counterparty
from gateway.definitions import Known
from gateway.market_status import Said
from gateway.message import Field, Message
from gateway.trade_updates import SCAN_ROWS, TradeUpdates, Wanted, are_wanted
from gateway.values import format_price, format_timestamp, parse_timestamp

TRADE_REPORTS = b"AD"
SNAPSHOT, SUBSCRIBE, STOP = b"0", b"1", b"2"  # SubscriptionRequestType (263)
SUCCESSFUL, UNKNOWN_INSTRUMENT, OTHER = 0, 1, 99  # TradeRequestResult (749)
ACCEPTED, COMPLETED, REJECTED = 0, 1, 2  # TradeRequestStatus (750)
REGULAR, BLOCK = 0, 1  # TrdType (828)
_EXEC_TYPES = {EventKind.TRADE_BUSTED: "H", EventKind.TRADE_CORRECTED: "G"}
_LEG = int(EventFlag.LEG)
_NOTHING = (0, 0)


class TradeReports:
    """Answers TradeCaptureReportRequests. updates: who is told of trades as they come."""

    def __init__(self, sequencer: Sequencer, known: Known) -> None:
        self._sequencer = sequencer
        self._known = known
        self.updates = TradeUpdates(sequencer, self._reports)

    def answer(self, party: Counterparty, message: Message) -> Iterator[Said | None]:
        """AQ, the AE of each trade, AQ; None: more in another turn. Updates have theirs later."""
        session, request_id = party.session, message.get(568) or b""
        head: list[Field] = [(568, request_id), (569, message.get(569) or b"")]
        how = message.get(263) or SNAPSHOT
        if how == STOP:
            total = self.updates.end(session, request_id)
            if total is None:
                text = "no subscription of this id"
                yield _acknowledged(session, head, OTHER, REJECTED, [(58, text)])
            else:
                yield _acknowledged(session, head, SUCCESSFUL, COMPLETED, [(748, total)])
            return
        text, result = self._fault(message)
        if how == SUBSCRIBE and not text:
            text = self.updates.fault(session, request_id)
        if text:
            yield _acknowledged(session, head, result, REJECTED, [(58, text)])
            return
        yield _acknowledged(session, head, SUCCESSFUL, ACCEPTED, [])
        count = 0
        held: list[Field] | None = None  # until it is known whether it is the last one
        wanted, last = self._wanted(party, message), self._sequencer.event_count
        for fields in self._reports(wanted, wanted.first_event, last):
            if fields is None:
                yield None
                continue
            if held is not None:
                yield Said(session, b"AE", [head[0], (912, "N"), *held], False)
            held = fields
            count += 1
        if held is not None:
            yield Said(session, b"AE", [head[0], (912, "Y"), *held], False)
        if how == SUBSCRIBE:
            self.updates.begin(session, request_id, wanted, last, count)
        else:
            yield _acknowledged(session, head, SUCCESSFUL, COMPLETED, [(748, count)])

    # -- helpers

    def _fault(self, message: Message) -> tuple[str, int]:
        """Why a request is not taken, empty: it is; and TradeRequestResult (O-152)."""
        symbol = message.get(55)
        if symbol is not None and symbol.decode("latin-1") not in self._known.instruments:
            return "unknown symbol", UNKNOWN_INSTRUMENT
        if len(_edges(message)) > 2:
            return "NoDates (580) is 1, from, or 2, from and to", OTHER
        return "", OTHER

    def _wanted(self, party: Counterparty, message: Message) -> Wanted:
        known = self._known
        names = party.options.drop_copy
        members = [int(known.members[name]["member"]) for name in names if name in known.members]
        values: dict[str, int] = {}
        for tag, table, name in (
            (55, known.instruments, "instrument"), (1, known.accounts, "account")
        ):  # fmt: skip
            if message.get(tag) is not None:
                row = table.get(message.text(tag))
                values[name] = -1 if row is None else int(row[name])
        if message.get(54) is not None:
            values["side"] = (message.get(54) or b"0")[0]
        edges = _edges(message)
        first, last = [*edges, _NOTHING, _NOTHING][:2]
        begin = 1 if edges else self._sequencer.day_first_event
        return Wanted(
            members or [int(party.row["member"])],
            values,
            (first[0], last[0] or 99_999_999),
            (first[1], last[1] or (1 << 63) - 1),
            self._first_at(first[1]) if first[1] else begin,
        )

    def _first_at(self, time_ns: int) -> int:
        """The first event that is kept at or after a time: event times never go back."""
        low, high = 1, self._sequencer.event_count + 1
        while low < high:
            middle = (low + high) // 2
            try:
                is_before = int(self._sequencer.event_rows(middle, 1)[0]["time_ns"][0]) < time_ns
            except EventsMissing:
                is_before = True
            low, high = (middle + 1, high) if is_before else (low, middle)
        return low

    def _reports(self, wanted: Wanted, number: int, last: int) -> Iterator[list[Field] | None]:
        """The fields of each report of events number..last; None after each piece of the log."""
        sequencer = self._sequencer
        while number <= last:
            try:
                pieces = sequencer.event_rows(number, min(SCAN_ROWS, last + 1 - number))
            except EventsMissing:  # of days whose files are no longer kept
                if number >= sequencer.day_first_event:
                    return
                number = sequencer.day_first_event
                continue
            for rows in pieces:
                for place in np.flatnonzero(are_wanted(rows, wanted)).tolist():
                    yield self._report(number + place, rows[place])
                number += len(rows)
            yield None

    def _report(self, number: int, row: np.void) -> list[Field]:
        request = self._sequencer.requests_of(number)[int(row["order_request"])]
        own_id = unpack_cl_ord_id(*(int(request[f"cl_ord_id_{word}"]) for word in range(3)))
        is_block = request["kind"] == CommandKind.REPORT_BLOCK
        link: bytes | int = int(row["trade_id"])
        if is_block:
            link = unpack_cl_ord_id(*(int(request[f"orig_cl_ord_id_{word}"]) for word in range(3)))
        kind = EventKind(int(row["kind"]))
        fields: list[Field] = [
            (571, number), (828, BLOCK if is_block else REGULAR), (820, link),
            (150, _EXEC_TYPES.get(kind, "F")), (17, number),
        ]  # fmt: skip
        if kind in AMENDED_KINDS:
            fields.append((19, int(row["public_id"])))
        fields.append((527, int(row["trade_id"])))
        if row["flags"] & _LEG:
            fields.append((442, 2))
        fields += [
            (55, _name_of(self._known.instruments, "instrument", row)),
            (32, int(row["qty"])),
            (31, format_price(int(row["price"]))),
            (75, int(row["trading_date"])),
            (60, format_timestamp(int(row["time_ns"]), 9)),
            (552, 1),
            (54, chr(int(row["side"]))),
        ]
        if not is_block:
            fields += [(37, int(row["order_id"])), (11, own_id)]
        return [*fields, (1, _name_of(self._known.accounts, "account", row))]


def _edges(message: Message) -> list[tuple[int, int]]:
    """(TradeDate, TransactTime or 0) of each entry of NoDates (580)."""
    found: list[tuple[int, int]] = []
    for tag, value in message.items():
        if tag == 75:
            found.append((int(value), 0))
        elif tag == 60 and found:
            found[-1] = (found[-1][0], parse_timestamp(value) or 0)
    return found


def _name_of(table: dict[str, np.void], field: str, row: np.void) -> str:
    return next(name for name, one in table.items() if one[field] == row[field])


def _acknowledged(
    session: int, head: list[Field], result: int, status: int, more: list[Field]
) -> Said:
    total = [one for one in more if one[0] == 748]
    rest = [one for one in more if one[0] != 748]
    return Said(session, b"AQ", [*head, *total, (749, result), (750, status), *rest], False)
