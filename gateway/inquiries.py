"""What members ask: which request is answered by whom, and how much of it at once.

Answers of one or few messages go out in their turn. Lists go out a chunk at a time, so that a
member with many orders keeps nobody waiting; what is owed is bounded for each session and forgotten
when it leaves.

Data path: Reporter -> here -> MarketStatus, MarketData, OrderStates, ReferenceData, TradeReports,
Users -> messages -> Reporter.
Source: specs/order_entry.md O-31, O-40 to O-44, O-70 to O-73, O-140 to O-144, O-150 to O-155.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np

from engine.sequencer import Sequencer
from gateway.counterparty import Counterparty
from gateway.definitions import Known
from gateway.market_data import MARKET_DATA, MarketData
from gateway.market_status import REQUEST_IDS, MarketStatus, Said
from gateway.message import Field, Message
from gateway.reference_data import SECURITY_DEFINITION, SECURITY_LIST, ReferenceData
from gateway.status import OrderStates
from gateway.trade_reports import TRADE_REPORTS, TradeReports
from gateway.users import USER_REQUEST, Users

ORDER_STATUS, MASS_STATUS = b"H", b"AF"
BY_SYMBOL, BY_SESSION, ALL = b"1", b"6", b"7"  # MassStatusReqType (585)
CHUNK_MESSAGES = 64
OWED_MAX = 8  # lists that one session may wait for
OTHER = 0  # BusinessRejectReason (380)


class Status(NamedTuple):
    """An ExecutionReport 150=I; event: EVENT[1], None: no such order; fields: more."""

    message: Message
    event: np.ndarray | None
    fields: list[Field]


Answer = Said | Status


class Inquiries:
    """Answers requests. market: who is told of phases; market_data: who of prices; trades: who of
    own trades; users: who are there."""

    def __init__(self, sequencer: Sequencer, known: Known, interval_ns: int) -> None:
        self.market = MarketStatus(sequencer, known)
        self.market_data = MarketData(sequencer, known, interval_ns)
        self._states = OrderStates(sequencer)
        self._reference = ReferenceData(sequencer, known)
        self.trades = TradeReports(sequencer, known)
        self.users = Users()
        self._known = known
        self._owed: dict[int, deque[Iterator[Answer | None]]] = {}  # None: more in another turn

    def forget(self, session: int) -> None:
        """The session logged out or was lost: nothing is owed to it."""
        self.market.forget(session)
        self.market_data.forget(session)
        self.trades.updates.forget(session)
        self._owed.pop(session, None)

    def owes(self, session: int) -> bool:
        """Whether a list goes on."""
        return session in self._owed

    def answer(self, party: Counterparty, message: Message, venue_ns: int) -> list[Answer]:
        """What a valid request is answered at once; venue_ns: its venue time."""
        session, kind = party.session, message.msg_type
        if kind == ORDER_STATUS:
            member = int(party.row["member"])
            event = self._states.find(member, message.get(11) or b"", venue_ns)
            return [Status(message, event, _echo(message, 790))]
        if kind in REQUEST_IDS:
            return list(self.market.answer(session, message, venue_ns))
        if kind == USER_REQUEST:
            return list(self.users.answer(party, message))
        if kind == SECURITY_DEFINITION:
            return [self._reference.definition(session, message)]
        owed = self._owed.setdefault(session, deque())
        if len(owed) >= OWED_MAX:
            text = f"more than {OWED_MAX} lists asked for at once"
            fields: list[Field] = [(45, message.seq_num or 0), (372, kind), (380, OTHER)]
            return [Said(session, b"j", [*fields, (58, text)])]
        if kind == MARKET_DATA:
            owed.append(self.market_data.answer(session, message))
        elif kind == TRADE_REPORTS:
            owed.append(self.trades.answer(party, message))
        elif kind == SECURITY_LIST:
            owed.append(self._reference.securities(session, message))
        else:
            owed.append(self._orders(party, message, venue_ns))
        return self.go_on(session) if len(owed) == 1 else []

    def due(self, now_ns: int) -> set[int]:
        """Sessions that have something new to hear, of the market or of their own trades."""
        return {*self.market_data.due(now_ns), *self.trades.updates.due()}

    def update(self, session: int, now_ns: int) -> None:
        """What is new is owed to a session that nothing else is owed to."""
        owed: deque[Iterator[Answer | None]] = deque([self.trades.updates.tell(session)])
        if self.market_data.is_due(session, now_ns):
            owed.append(self.market_data.updates(session, now_ns))
        self._owed[session] = owed

    def go_on(self, session: int) -> list[Answer]:
        """The next chunk of what is owed."""
        owed = self._owed[session]
        chunk: list[Answer] = []
        while owed and len(chunk) < CHUNK_MESSAGES:
            for one in islice(owed[0], CHUNK_MESSAGES - len(chunk)):
                if one is None:
                    return chunk
                chunk.append(one)
            if len(chunk) < CHUNK_MESSAGES:
                owed.popleft()
        if not owed:
            del self._owed[session]
        return chunk

    # -- helpers

    def _orders(self, party: Counterparty, message: Message, venue_ns: int) -> Iterator[Status]:
        """A report of each live order that still lives when its turn comes (O-70)."""
        states = self._states
        wanted = self._wanted(message)
        listed = [] if wanted is None else states.live(int(party.row["member"]), wanted)
        total = len(listed)

        def fields(is_last: bool) -> list[Field]:
            return [*_echo(message, 584), (911, total), (912, "Y" if is_last else "N")]

        def next_living(at: int) -> int:
            while at < total and not states.lives(listed[at]):
                at += 1
            return at

        at = next_living(0)
        while at < total:
            following = next_living(at + 1)
            yield Status(message, states.now(listed[at], venue_ns), fields(following == total))
            if following == total:
                return
            at = next_living(following)  # others may have traded since
        yield Status(message, None, fields(True))

    def _wanted(self, message: Message) -> dict[str, int] | None:
        """Values of ORDER fields that the orders asked for have; None: there can be none."""
        wanted: dict[str, int] = {}
        names = [(1, self._known.accounts, "account")]
        if message.get(585) == BY_SYMBOL:
            names.append((55, self._known.instruments, "instrument"))
        elif message.get(585) == BY_SESSION:
            names.append((336, self._known.products, "product"))
        for tag, table, name in names:
            if message.get(tag) is None:
                continue
            row = table.get(message.text(tag))
            if row is None:
                return None
            wanted[name] = int(row[name])
        if message.get(54) is not None:
            wanted["side"] = (message.get(54) or b"0")[0]
        return wanted


def _echo(message: Message, tag: int) -> list[Field]:
    value = message.get(tag)
    return [] if value is None else [(tag, value)]
