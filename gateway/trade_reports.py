"""A member's own trades, read back from the event log: TradeCaptureReports on request.

Fills and blocks as they were, busts and corrections as reports of their own behind them, in order
of ExecID. The log is read a bounded piece at a time; other members have their turns between them.

Data path: Inquiries -> here -> event log -> fields of AQ and AE.
Source: specs/order_entry.md O-150 to O-152.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from engine.cl_ord_id import unpack_cl_ord_id
from engine.event_reader import EventsMissing
from engine.sequencer import Sequencer
from engine.types import AMENDED_KINDS, CommandKind, EventFlag, EventKind
from gateway.counterparty import Counterparty
from gateway.definitions import Known
from gateway.market_status import Said
from gateway.message import Field, Message
from gateway.values import format_price, format_timestamp, parse_timestamp

TRADE_REPORTS = b"AD"
SCAN_ROWS = 16_384  # looked at in one turn
SNAPSHOT = b"0"  # SubscriptionRequestType (263)
SUCCESSFUL, UNKNOWN_INSTRUMENT, OTHER = 0, 1, 99  # TradeRequestResult (749)
ACCEPTED, COMPLETED, REJECTED = 0, 1, 2  # TradeRequestStatus (750)
REGULAR, BLOCK = 0, 1  # TrdType (828)
_KINDS = (EventKind.FILL, *AMENDED_KINDS, EventKind.BLOCK_TRADED)
_EXEC_TYPES = {EventKind.TRADE_BUSTED: "H", EventKind.TRADE_CORRECTED: "G"}
_LEG = int(EventFlag.LEG)
_NOTHING = (0, 0)


class Wanted(NamedTuple):
    """What a request asks for. members: their numbers; values: EVENT fields that trades have."""

    members: list[int]
    values: dict[str, int]
    dates: tuple[int, int]  # first and last trading date, yyyymmdd
    times_ns: tuple[int, int]  # venue clock, both included
    first_event: int


class TradeReports:
    """Answers TradeCaptureReportRequests."""

    def __init__(self, sequencer: Sequencer, known: Known) -> None:
        self._sequencer = sequencer
        self._known = known

    def answer(self, party: Counterparty, message: Message) -> Iterator[Said | None]:
        """AQ, the AE of each trade, AQ; None: more in another turn."""
        session, tables = party.session, self._known
        head: list[Field] = [(tag, message.get(tag) or b"") for tag in (568, 569)]
        symbol = message.get(55)
        text, result = "", OTHER
        if message.get(263) not in (None, SNAPSHOT):
            text = "trades that come are told by a drop copy session: 263=0"
        elif symbol is not None and symbol.decode("latin-1") not in tables.instruments:
            text, result = "unknown symbol", UNKNOWN_INSTRUMENT
        elif len(_edges(message)) > 2:
            text = "NoDates (580) is 1, from, or 2, from and to"
        if text:
            yield _acknowledged(session, head, result, REJECTED, [(58, text)])
            return
        yield _acknowledged(session, head, SUCCESSFUL, ACCEPTED, [])
        count = 0
        held: list[Field] | None = None  # until it is known whether it is the last one
        for fields in self._reports(self._wanted(party, message)):
            if fields is None:
                yield None
                continue
            if held is not None:
                yield Said(session, b"AE", [head[0], (912, "N"), *held], False)
            held = fields
            count += 1
        if held is not None:
            yield Said(session, b"AE", [head[0], (912, "Y"), *held], False)
        yield _acknowledged(session, head, SUCCESSFUL, COMPLETED, [(748, count)])

    # -- helpers

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

    def _reports(self, wanted: Wanted) -> Iterator[list[Field] | None]:
        """The fields of each report, in order; None after each piece of the log."""
        sequencer = self._sequencer
        last = sequencer.event_count
        number = wanted.first_event
        while number <= last:
            try:
                pieces = sequencer.event_rows(number, min(SCAN_ROWS, last + 1 - number))
            except EventsMissing:  # of days whose files are no longer kept
                if number >= sequencer.day_first_event:
                    return
                number = sequencer.day_first_event
                continue
            for rows in pieces:
                for place in np.flatnonzero(_are_wanted(rows, wanted)).tolist():
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


def _are_wanted(rows: np.ndarray, wanted: Wanted) -> np.ndarray:
    found = np.isin(rows["kind"], _KINDS) & np.isin(rows["member"], wanted.members)
    for name, value in wanted.values.items():
        found &= rows[name].astype(np.int64) == value
    dates, times_ns = rows["trading_date"], rows["time_ns"]
    found &= (dates >= wanted.dates[0]) & (dates <= wanted.dates[1])
    found &= (times_ns >= wanted.times_ns[0]) & (times_ns <= wanted.times_ns[1])
    return np.asarray(found)


def _name_of(table: dict[str, np.void], field: str, row: np.void) -> str:
    return next(name for name, one in table.items() if one[field] == row[field])


def _acknowledged(
    session: int, head: list[Field], result: int, status: int, more: list[Field]
) -> Said:
    total = [one for one in more if one[0] == 748]
    rest = [one for one in more if one[0] != 748]
    return Said(session, b"AQ", [*head, *total, (749, result), (750, status), *rest], False)
