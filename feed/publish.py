"""Event rows -> public messages. The list of messages is a function of the event log alone.

An event says what an order shows after it (public_id, display_qty); a message says what changed in
the book. So the publisher remembers the slice each order shows, and nothing else about orders:
hidden quantity, members and accounts are never read. It knows no packet, no file and no socket.

Source: specs/market_data.md (F-10 to F-38, F-62 to F-64); specs/matching.md (M-4 to M-6, M-18,
M-24, M-220, M-227).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import numpy as np

from engine.types import Currency, EventFlag, EventKind, Phase, Side
from feed.books import Books
from feed.event_fields import row_fields
from feed.levels import Level
from feed.messages import (
    BlockTrade,
    DayRolled,
    ImpliedPrice,
    Indicative,
    InstrumentDefined,
    Limits,
    MarketMessage,
    MessageFlag,
    OrderAdded,
    OrderChanged,
    OrderRemoved,
    QuoteRequested,
    Settlement,
    Status,
    Trade,
    TradeBusted,
    TradeCorrected,
    TradingStatus,
    Uncrossed,
)
from feed.product_filter import ProductFilter
from feed.slices import PublicIds
from feed.sources import Definitions

_ARRIVALS = frozenset((int(EventKind.ACCEPTED), int(EventKind.BOOKED), int(EventKind.REFRESHED)))
_FILL = int(EventKind.FILL)
_DAY_ROLLED = int(EventKind.DAY_ROLLED)
_DEPARTURES = frozenset((int(EventKind.CANCELLED), int(EventKind.EXPIRED)))
_AMENDMENTS = frozenset((int(EventKind.REPLACED), int(EventKind.RESTATED)))
_TRADES_TOLD = frozenset(
    (int(EventKind.TRADE_BUSTED), int(EventKind.TRADE_CORRECTED), int(EventKind.BLOCK_TRADED))
)
_AGGRESSOR = int(EventFlag.AGGRESSOR)
_AUCTION = int(EventFlag.AUCTION)
_LEG = int(EventFlag.LEG)
_IMPLIED = int(EventFlag.IMPLIED)
_LAST_OF_COMMAND = int(EventFlag.LAST_OF_COMMAND)
_END_OF_EVENT = int(MessageFlag.END_OF_EVENT)
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)
_STATUSES = {
    Phase.CLOSED: TradingStatus.CLOSED,
    Phase.PRE_OPEN: TradingStatus.PRE_OPEN,
    Phase.NO_CANCEL: TradingStatus.NO_CANCEL,
    Phase.AUCTION_MATCH: TradingStatus.AUCTION_MATCH,
    Phase.CONTINUOUS: TradingStatus.TRADING,
    Phase.VOLATILITY_PAUSE: TradingStatus.VOLATILITY_PAUSE,
    Phase.HALTED: TradingStatus.HALTED,
    Phase.CLOSING: TradingStatus.CLOSING,
    Phase.SETTLEMENT: TradingStatus.SETTLEMENT,
}


class Publisher:
    """Turns event rows into messages, in order, and keeps the books they describe.

    `next_event` is the number of the event it takes next, `next_sequence` the number of the next
    message it gives. Both start at 1, the latter in each session.
    """

    def __init__(self, definitions: Definitions, products: tuple[str, ...] = ()) -> None:
        """products: codes of those to publish; none: all."""
        self.filter = ProductFilter(products, definitions) if products else None
        self.definitions = definitions
        self.books = Books()
        self.session = 0  # time_ns of its first event, or of the roll before
        self.next_session = 0  # once this one is over
        self.next_event = 1
        self.next_sequence = 1
        self.shown = PublicIds()  # order_id -> public id of the slice it shows
        self._held: MarketMessage | None = None  # last message of a command not yet complete
        self._traded: set[int] = set()  # instruments whose open, high or low changed
        self._facts: dict[int, Callable[[np.void], MarketMessage]] = {
            EventKind.INSTRUMENT_DEFINED: self._instrument_defined,
            EventKind.INSTRUMENT_EXPIRED: self._instrument_expired,
            EventKind.SETTLED: self._settled,
            EventKind.LIMITS_SET: self._limits_set,
            EventKind.HALTED: self._halted,
            EventKind.RESUMED: self._resumed,
            EventKind.PHASE_CHANGED: self._phase_changed,
            EventKind.INDICATIVE: self._indicative,
            EventKind.UNCROSSED: self._uncrossed,
            EventKind.QUOTE_REQUESTED: self._quote_requested,
            EventKind.IMPLIED: self._implied,
        }

    @property
    def _session_offset(self) -> int:
        return 0 if self.filter is None else self.filter.session_offset

    @property
    def in_command(self) -> bool:
        """True while the books stand between two events of one command."""
        return self._held is not None

    def publish(self, rows: np.ndarray) -> list[MarketMessage]:
        """Messages of the next EVENT rows up to DAY_ROLLED, from number `next_sequence` on (F-11).

        A command's last message waits for its end, so that cuts elsewhere give the same.
        """
        if self.next_event == 1 and len(rows):
            self.session = int(rows[0]["time_ns"]) + self._session_offset
        out: list[MarketMessage] = [] if self._held is None else [self._held]
        start = 0  # of the current command's messages
        books, shown = self.books.by_instrument, self.shown
        for index, fields in enumerate(row_fields(rows)):
            (
                time_ns,
                order_id,
                _,
                public_id,
                price,
                _,
                shown_qty,
                instrument,
                kind,
                side,
                flags,
            ) = fields
            if kind in _ARRIVALS:
                if shown_qty:
                    level = books[instrument].add(side, public_id, price, shown_qty, time_ns)
                    shown.set(order_id, public_id)
                    out.append(
                        OrderAdded(
                            time_ns,
                            instrument,
                            side,
                            public_id,
                            price,
                            shown_qty,
                            level.qty,
                            level.orders,
                        )
                    )
            elif kind in _DEPARTURES:
                shown_id = shown.pop(order_id)
                if shown_id:
                    out.append(removed(books[instrument].remove(shown_id), time_ns, shown_id))
            elif kind == _FILL:
                if flags & _LEG:
                    pass  # told by the trade of the spread (F-23)
                elif flags & _AUCTION and side == _BUY:
                    self._auction_bid(fields, out)
                elif flags & (_AGGRESSOR | _IMPLIED) != _AGGRESSOR:
                    self._trade(fields, out)
            elif kind in _AMENDMENTS:
                self._amended(fields, out)
            elif kind in _TRADES_TOLD:
                if flags & _LAST_OF_COMMAND:  # the second of its two rows
                    out.append(self._trade_told(rows[index]))
            elif kind == _DAY_ROLLED:
                return self._end_session(rows[index], index, out)
            elif kind in self._facts:
                out.append(self._facts[kind](rows[index]))
            if flags & _LAST_OF_COMMAND:
                if self._traded:
                    self._append_statistics(out)
                if len(out) > start:
                    out[-1].flags = _END_OF_EVENT
                    start = len(out)
        self._held = out.pop() if len(out) > start else None
        self.next_event += len(rows)
        self.next_sequence += len(out)
        return out

    def _auction_bid(self, fields: tuple[int, ...], out: list[MarketMessage]) -> None:
        """The buy's row of an auction's trade: its slice, if shown, changes by itself (F-37)."""
        time_ns, order_id, _, _, _, _, shown_qty, instrument, _, _, _ = fields
        book = self.books.by_instrument[instrument]
        if not shown_qty:
            shown_id = self.shown.pop(order_id)
            if shown_id:
                out.append(removed(book.remove(shown_id), time_ns, shown_id))
            return
        shown_id = self.shown.get(order_id)
        _, page, place = book.slices.find(shown_id, instrument)
        if page.qtys[place] != shown_qty:
            out.append(changed(book.change(shown_id, shown_qty), time_ns, shown_id, shown_qty))

    def _trade(self, fields: tuple[int, ...], out: list[MarketMessage]) -> None:
        time_ns, order_id, trade_id, _, price, qty, shown_qty, instrument, _, side, flags = fields
        book = self.books.by_instrument[instrument]
        came_in = flags & _AGGRESSOR != 0  # at an implied price: no slice of this book changes
        if came_in:
            public_id = shown_qty = 0
        else:
            public_id = self.shown.get(order_id) if shown_qty else self.shown.pop(order_id)
        statistics = book.statistics
        if statistics.trades == 0 or not statistics.low <= price <= statistics.high:
            self._traded.add(instrument)
        level = book.trade(time_ns, trade_id, price, qty, public_id, shown_qty)
        aggressor = side if came_in else _SELL if side == _BUY else _BUY
        out.append(
            Trade(
                time_ns,
                instrument,
                0 if flags & _AUCTION else aggressor,
                trade_id,
                price,
                qty,
                public_id,
                level.price,
                shown_qty,
                level.qty,
                level.orders,
            )
        )

    def _amended(self, fields: tuple[int, ...], out: list[MarketMessage]) -> None:
        """REPLACED, RESTATED: the same slice shows less, or it goes and another one may come."""
        time_ns, order_id, _, public_id, price, _, shown_qty, instrument, _, side, _ = fields
        book = self.books.by_instrument[instrument]
        shown_id = self.shown.get(order_id)
        if shown_id and shown_id == public_id and shown_qty:
            _, page, place = book.slices.find(shown_id, instrument)
            if page.qtys[place] != shown_qty:
                out.append(changed(book.change(shown_id, shown_qty), time_ns, shown_id, shown_qty))
            return
        if shown_id:
            self.shown.pop(order_id)
            out.append(removed(book.remove(shown_id), time_ns, shown_id))
        if shown_qty:
            level = book.add(side, public_id, price, shown_qty, time_ns)
            self.shown.set(order_id, public_id)
            out.append(added(level, time_ns, public_id, shown_qty))

    def _append_statistics(self, out: list[MarketMessage]) -> None:
        for instrument in sorted(self._traded):
            out.append(copy.copy(self.books.by_instrument[instrument].statistics))
        self._traded.clear()

    def _instrument_defined(self, row: np.void) -> MarketMessage:
        instrument = self.definitions.instrument(int(row["instrument"]))
        product = self.definitions.product(int(instrument["product"]))
        definition = InstrumentDefined(
            int(row["time_ns"]),
            int(row["instrument"]),
            instrument["symbol"].decode("ascii"),
            int(instrument["product"]),
            product["code"].decode("ascii"),
            int(Currency(int(product["currency"]))),
            int(product["tick"]),
            int(product["multiplier"]),
            int(product["qty_max"]),
            int(product["price_rule"]),
            int(instrument["maturity"]),
            int(instrument["first_trading_date"]),
            int(instrument["last_trading_date"]),
            int(instrument["leg_1"]),
            int(instrument["leg_2"]),
            int(instrument["lots_1"]),
            int(instrument["lots_2"]),
        )
        self.books.define(definition)
        return definition

    def _limits_set(self, row: np.void) -> MarketMessage:
        limits = Limits(
            int(row["time_ns"]),
            int(row["instrument"]),
            int(row["trading_date"]),
            int(row["price"]),
            int(row["cum_value"]),
            int(row["leaves_qty"]),
            locked_days=int(row["qty"]),
        )
        self.books.by_instrument[limits.instrument].set_limits(limits)
        return limits

    def _settled(self, row: np.void) -> MarketMessage:
        settlement = Settlement(
            int(row["time_ns"]),
            int(row["instrument"]),
            int(row["trading_date"]),
            int(row["price"]),
            int(row["qty"]),
            int(row["cum_value"]),
            reason=int(row["reason"]),
            open_interest=int(row["leaves_qty"]),
        )
        self.books.by_instrument[settlement.instrument].settlement = settlement
        return settlement

    def _instrument_expired(self, row: np.void) -> MarketMessage:
        return self._status(row, int(row["instrument"]), TradingStatus.EXPIRED)

    def _halted(self, row: np.void) -> MarketMessage:
        return self._status(row, 0, TradingStatus.HALTED)

    def _resumed(self, row: np.void) -> MarketMessage:
        return self._status(row, 0, TradingStatus.TRADING)

    def _phase_changed(self, row: np.void) -> MarketMessage:
        status = self._status(row, int(row["instrument"]), _STATUSES[Phase(int(row["qty"]))])
        status.scheduled_end_ns = int(row["cum_value"])
        return status

    def _indicative(self, row: np.void) -> MarketMessage:
        indicative = Indicative(*_auction_terms(row))
        self.books.apply(indicative)
        return indicative

    def _uncrossed(self, row: np.void) -> MarketMessage:
        uncrossed = Uncrossed(*_auction_terms(row))
        self.books.apply(uncrossed)
        return uncrossed

    def _trade_told(self, row: np.void) -> MarketMessage:
        """A bust, a correction, a block (F-62 to F-64)."""
        names = ("time_ns", "instrument", "trade_id", "price", "qty", "display_qty")
        time_ns, instrument, trade_id, price, qty, before = (int(row[name]) for name in names)
        message: TradeBusted | TradeCorrected | BlockTrade
        if row["kind"] == EventKind.BLOCK_TRADED:
            message = BlockTrade(time_ns, instrument, trade_id, price, qty)
        elif row["kind"] == EventKind.TRADE_BUSTED:
            is_block = int(row["order_id"] == 0)
            message = TradeBusted(time_ns, instrument, trade_id, price, qty, block=is_block)
        else:
            message = TradeCorrected(time_ns, instrument, trade_id, price, qty, before)
        self.books.apply(message)
        return message

    def _quote_requested(self, row: np.void) -> MarketMessage:
        return QuoteRequested(
            int(row["time_ns"]), int(row["instrument"]), int(row["side"]), int(row["qty"])
        )

    def _implied(self, row: np.void) -> MarketMessage:
        names = ("time_ns", "instrument", "side", "price", "qty")
        implied = ImpliedPrice(*(int(row[name]) for name in names))
        self.books.apply(implied)
        return implied

    def _status(self, row: np.void, instrument: int, trading_status: TradingStatus) -> Status:
        status = Status(int(row["time_ns"]), instrument, int(trading_status), int(row["reason"]))
        self.books.apply(status)
        return status

    def _end_session(
        self, row: np.void, index: int, out: list[MarketMessage]
    ) -> list[MarketMessage]:
        """DAY_ROLLED, the last event of its command: numbers begin again behind it (F-34)."""
        assert row["flags"] & _LAST_OF_COMMAND
        time_ns = int(row["time_ns"])
        session = max(time_ns + self._session_offset, self.session + 1)
        out.append(DayRolled(time_ns, int(row["trading_date"]), _END_OF_EVENT, session))
        self._held = None
        self.next_event += index + 1
        self.next_sequence += len(out)
        self.next_session = session
        return out

    def publish_in_sessions(
        self, rows: np.ndarray
    ) -> Iterator[tuple[int, int, list[MarketMessage]]]:
        """(session, number of the first message, messages) of the next EVENT rows, all of them."""
        if self.filter is not None:
            rows = self.filter.take(rows)
        while len(rows):
            first, sequence = self.next_event, self.next_sequence
            messages = self.publish(rows)
            rows = rows[self.next_event - first :]
            yield self.session, sequence, messages
            if self.next_session:
                self.session, self.next_session, self.next_sequence = self.next_session, 0, 1


def _auction_terms(row: np.void) -> tuple[int, int, int, int, int]:
    names = ("time_ns", "instrument", "price", "qty", "leaves_qty")
    time_ns, instrument, price, qty, surplus = (int(row[name]) for name in names)
    return time_ns, instrument, price, qty, surplus


def added(level: Level, time_ns: int, public_id: int, qty: int) -> OrderAdded:
    """A slice has joined `level` (F-20)."""
    return OrderAdded(
        time_ns,
        level.instrument,
        level.side,
        public_id,
        level.price,
        qty,
        level.qty,
        level.orders,
    )


def changed(level: Level, time_ns: int, public_id: int, qty: int) -> OrderChanged:
    """A slice of `level` shows `qty` lots now (F-21)."""
    return OrderChanged(
        time_ns,
        level.instrument,
        level.side,
        public_id,
        level.price,
        qty,
        level.qty,
        level.orders,
    )


def removed(level: Level, time_ns: int, public_id: int) -> OrderRemoved:
    """A slice has left `level` (F-22)."""
    return OrderRemoved(
        time_ns, level.instrument, level.side, public_id, level.price, level.qty, level.orders
    )
