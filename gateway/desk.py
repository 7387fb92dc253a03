"""Where application messages become command rows: the turn's batch, shared by all sessions.

The order of rows is the order of arrival; within a session that of MsgSeqNum. Every application
message with a valid number takes a row, also one that is refused (REFUSED), so that its number is
journaled. What the engine does not answer itself is noted in `questions` for after the batch.

Source: specs/order_entry.md O-10 to O-31; specs/matching.md M-74.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from engine.types import COMMAND, CommandKind
from gateway.blocks import CONDITIONALLY_REQUIRED, check_block, fill_block
from gateway.counterparty import Counterparty
from gateway.header import sequence_number
from gateway.inquiries import BY_SESSION, BY_SYMBOL, MASS_STATUS, ORDER_STATUS
from gateway.market_data import MARKET_DATA
from gateway.market_status import REQUEST_ID_CHARS, REQUEST_IDS
from gateway.message import Message
from gateway.orders import decode_orders
from gateway.reference_data import SECURITY_DEFINITION, SECURITY_LIST
from gateway.tables import Tables
from gateway.trade_reports import TRADE_REPORTS
from gateway.types import MESSAGE_ROWS_MAX, Fault
from gateway.users import USER_REQUEST
from specs.rejects import Reject

OTHER, NOT_TAKEN, NOT_AUTHORIZED = 0, 3, 6  # BusinessRejectReason (380)
_ROWS = {b"D", b"F", b"G", b"q", b"i", b"Z", b"R"}
_TRADING = _ROWS | {b"AE"}
# requests that change nothing, and the tag of the id that comes back
INQUIRIES = {
    ORDER_STATUS: 790, MASS_STATUS: 584, SECURITY_LIST: 320, SECURITY_DEFINITION: 320,
    MARKET_DATA: 262, TRADE_REPORTS: 568, USER_REQUEST: 923, **REQUEST_IDS,
}  # fmt: skip
_NEEDED = {MASS_STATUS: {BY_SYMBOL: 55, BY_SESSION: 336}}  # by MassStatusReqType (585)
_STALE = (CommandKind.NEW_ORDER, CommandKind.MASS_QUOTE)


class Question(NamedTuple):
    """A request about an order or the market: answered when the batch's commands are applied."""

    party: Counterparty
    row: int  # of the batch
    message: Message


class Desk:
    """The batch being filled. commands: COMMAND[n], of which `count` rows are used; where there is
    room for one row more there is room for any message.

    tables: whose names and SESSION_ROWs the decoder reads. The service calls clear() after a
    submit. open_orders: of a session (id, of its member), quotes apart, when the batch began.
    """

    def __init__(
        self, tables: Tables, rows_max: int, members: Mapping[str, np.void] | None = None
    ) -> None:
        assert rows_max > 0
        self.commands = np.zeros(rows_max + MESSAGE_ROWS_MAX, COMMAND)
        self._bounded = self.commands[:rows_max]
        self._rows_max = rows_max
        self.count = 0
        self.questions: list[Question] = []
        self._tables = tables
        self._members = {} if members is None else members  # by name, as they become known
        self._arena = tables.arena
        self.open_orders: Callable[[int, int], int] = _none

    def add(self, kind: CommandKind, session: int, now_ns: int = 0) -> None:
        """A command of the venue itself about a session (SESSION_LOST); there must be room."""
        self.commands[self.count : self.count + 1].view(np.uint8)[:] = 0
        row = self.commands[self.count]
        row["kind"], row["session"], row["time_ns"] = kind, session, now_ns
        row["member"] = self._tables.sessions[session]["member"]
        self.count += 1

    def clear(self) -> None:
        """The batch was submitted."""
        self.count = 0
        self.questions.clear()

    def room(self) -> int:
        """Free command rows; less than 0 behind a message that went beyond."""
        return self._rows_max - self.count

    def decode(
        self,
        party: Counterparty,
        buffer: np.ndarray,
        start: int,
        end: int,
        rows_max: int,
        now_ns: int,
    ) -> tuple[int, int, int]:
        """A run of ordinary messages of buffer[start:end]; returns (bytes consumed, rows, Stop).

        Advances expected_in of the party's SESSION_ROW.
        """
        rows = self._bounded
        if rows_max < self._rows_max - self.count:
            rows = rows[: self.count + rows_max]
        consumed, written, stop = decode_orders(
            self._arena, buffer, start, end, party.session, rows, self.count, now_ns
        )
        self.count += written
        return consumed, written, stop

    def take(self, party: Counterparty, message: Message, stale: bool, now_ns: int) -> Fault | None:
        """One valid message becomes its rows; a Fault where the venue does not take its type."""
        fault, written = None, 1
        if party.options.drop_copy and message.msg_type in _TRADING:
            fault = Fault(True, NOT_AUTHORIZED, 0, "a drop copy session trades nothing")
            self._note(CommandKind.REFUSED, party, message, fault, now_ns)
        elif message.msg_type == b"D" and self._has_all_its_orders(party):
            text = f"session has {party.options.open_orders_max} open orders, its limit"
            fault = Fault(True, OTHER, 0, text)
            self._note(CommandKind.REFUSED, party, message, fault, now_ns)
        elif message.msg_type in _ROWS:
            written = self._tables.decode_message(
                message, party.session, self.commands, self.count, now_ns
            )
            rows = self.commands[self.count : self.count + written]
            if stale and rows["kind"][0] in _STALE:
                rows["reason"] = Reject.STALE_POSS_DUP
        elif message.msg_type == b"AE":
            fault = check_block(message)
            if fault is None:
                row = np.zeros(1, COMMAND)
                fill_block(
                    self._tables, self._members, message, party.session, row[0], stale, now_ns
                )
                self.commands[self.count] = row[0]
            else:
                self._note(CommandKind.REFUSED, party, message, fault, now_ns)
        elif message.msg_type in INQUIRIES:
            fault = _check_inquiry(message)
            self._note(CommandKind.STATUS_REQUEST, party, message, fault, now_ns)
            if fault is None:
                self.questions.append(Question(party, self.count, message))
        else:
            fault = Fault(True, NOT_TAKEN, 0, "message type not taken here")
            self._note(CommandKind.REFUSED, party, message, fault, now_ns)
        self.count += written
        return fault

    def _has_all_its_orders(self, party: Counterparty) -> bool:
        """Whether the session has as many open orders as it may have (O-131)."""
        most = party.options.open_orders_max
        return most > 0 and self.open_orders(party.session, int(party.row["member"])) >= most

    def refuse(
        self, party: Counterparty, message: Message, fault: Fault | None, now_ns: int
    ) -> None:
        """A message that is rejected takes a REFUSED row: its number is journaled."""
        self._note(CommandKind.REFUSED, party, message, fault, now_ns)
        self.count += 1

    def _note(
        self,
        kind: CommandKind,
        party: Counterparty,
        message: Message,
        fault: Fault | None,
        now_ns: int,
    ) -> None:
        number = sequence_number(message) or 0
        self._tables.note(kind, party.session, number, self.commands, self.count, now_ns, fault)


def _none(session: int, member: int) -> int:
    """No engine says otherwise."""
    return 0


def _check_inquiry(message: Message) -> Fault | None:
    """The id of a request, which comes back, is short (O-42); what it asks by is there."""
    tag = INQUIRIES[message.msg_type]
    if len(message.get(tag) or b"") > REQUEST_ID_CHARS:
        return Fault(True, OTHER, tag, f"id ({tag}) has more than {REQUEST_ID_CHARS} characters")
    for value, needed in _NEEDED.get(message.msg_type, {}).items():
        if message.get(585) == value and message.get(needed) is None:
            text = f"conditionally required field missing {needed}"
            return Fault(True, CONDITIONALLY_REQUIRED, needed, text)
    return None
