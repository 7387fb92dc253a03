"""Books as the public sees them: the state that messages build, order by order and by price level.

The publisher keeps one (to know levels and to make snapshots) and every subscriber keeps one: the
same code, fed with the same values. A book holds messages as its state (definition, limits,
statistics), so a snapshot is those messages and one OrderAdded per slice.

Source: specs/market_data.md (F-20 to F-38, F-43).
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from engine.types import Side
from feed.levels import Level, Levels
from feed.messages import (
    BlockTrade,
    ImpliedPrice,
    Indicative,
    InstrumentDefined,
    Limits,
    MarketMessage,
    OrderAdded,
    OrderChanged,
    OrderRemoved,
    Settlement,
    Statistics,
    Status,
    Trade,
    TradeBusted,
    TradeCorrected,
    TradingStatus,
    Uncrossed,
)
from feed.slices import BookError, Slices

ORDER = np.dtype(
    [
        ("public_id", "<i8"),
        ("price", "<i8"),  # 1e-9
        ("qty", "<i8"),  # lots shown
        ("time_ns", "<i8"),  # venue clock when it joined its queue
    ]
)


class Best(NamedTuple):
    """Best bid and offer; a side without orders is all 0 (F-132)."""

    bid: int  # 1e-9
    bid_qty: int  # lots
    bid_orders: int
    ask: int  # 1e-9
    ask_qty: int  # lots
    ask_orders: int


class Ahead(NamedTuple):
    """What stands before a slice in its price's queue (F-131)."""

    qty: int  # lots shown
    orders: int  # slices


_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


class Book:
    """One instrument: levels of both sides, and its latest facts. Its slices lie in `slices`."""

    __slots__ = (
        "asks",
        "bids",
        "definition",
        "implied",
        "indicative",
        "instrument",
        "limits",
        "settlement",
        "slices",
        "statistics",
        "status",
    )

    def __init__(self, instrument: int, slices: Slices) -> None:
        self.instrument = instrument
        self.slices = slices  # of all books
        self.bids = Levels(descending=True)
        self.asks = Levels(descending=False)
        self.definition: InstrumentDefined | None = None
        self.limits: Limits | None = None
        self.status: Status | None = None
        self.settlement: Settlement | None = None
        self.indicative: Indicative | None = None  # of a call that would trade
        self.implied: dict[int, ImpliedPrice] = {}  # by side, where there is one
        self.statistics = Statistics(0, instrument, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    @property
    def order_count(self) -> int:
        """Slices on both sides."""
        sides = (self.bids, self.asks)
        return sum(level.orders for side in sides for level in side.by_price.values())

    @property
    def best(self) -> Best:
        """Best bid and offer."""
        return Best(*(self.bids.best() or (0, 0, 0)), *(self.asks.best() or (0, 0, 0)))

    @property
    def average_price(self) -> int | None:
        """Average price of the date's trades in 1e-9, rounded half away from zero; None: none."""
        statistics = self.statistics
        if not statistics.volume:
            return None
        whole, rest = divmod(abs(statistics.value), statistics.volume)
        rounded = whole + (2 * rest >= statistics.volume)
        return rounded if statistics.value >= 0 else -rounded

    @property
    def open_interest(self) -> int:
        """Lots open when the last trading date ended; 0 once expired (F-161)."""
        expired = self.status is not None and self.status.status == TradingStatus.EXPIRED
        if self.settlement is None or expired:
            return 0
        return self.settlement.open_interest

    def ahead(self, public_id: int) -> Ahead:
        """What stands before a slice of this book; BookError if it shows none of that id."""
        return Ahead(*self.slices.ahead(public_id, self.instrument))

    def levels(self, side: int) -> Levels:
        """Levels of one side; BookError if `side` is none."""
        if side == _BUY:
            return self.bids
        if side == _SELL:
            return self.asks
        raise BookError(f"instrument {self.instrument}: side {side}")

    def add(self, side: int, public_id: int, price: int, qty: int, time_ns: int) -> Level:
        """A slice joins the back of its price; its level after it (F-20)."""
        if qty < 1 or public_id < 1:
            raise BookError(f"instrument {self.instrument}: slice {public_id} of {qty} lots")
        if side == _BUY:
            by_price = self.bids.by_price
        elif side == _SELL:
            by_price = self.asks.by_price
        else:
            raise BookError(f"instrument {self.instrument}: side {side}")
        level = by_price.get(price)
        if level is None:
            level = self.slices.open_level(self.instrument, side, price)
            by_price[price] = level
        self.slices.add(public_id, level, qty, time_ns)
        level.qty += qty
        level.orders += 1
        return level

    def change(self, public_id: int, qty: int) -> Level:
        """A slice shows `qty` lots and keeps its place; its level after it (F-21)."""
        if qty < 1:
            raise BookError(f"instrument {self.instrument}: slice {public_id} changed to {qty}")
        level, page, place = self.slices.find(public_id, self.instrument)
        level.qty += qty - page.qtys[place]
        page.qtys[place] = qty
        return level

    def remove(self, public_id: int) -> Level:
        """A slice leaves the book; its level after it, empty perhaps (F-22)."""
        level = self.slices.remove(public_id, self.instrument)
        if not level.orders:
            del self.levels(level.side).by_price[level.price]
            self.slices.close_level(level)
        return level

    def trade(
        self, time_ns: int, trade_id: int, price: int, qty: int, public_id: int, qty_left: int
    ) -> Level:
        """`qty` lots trade with a slice, which then shows `qty_left`; its level after it (F-23).

        With `public_id` 0 no slice changes and the level is one without price.
        """
        if public_id == 0:
            level = Level(self.instrument, 0, 0, 0)
        else:
            level = self.change(public_id, qty_left) if qty_left else self.remove(public_id)
        statistics = self.statistics
        if statistics.trades == 0:
            statistics.open = statistics.high = statistics.low = price
        elif price > statistics.high:
            statistics.high = price
        elif price < statistics.low:
            statistics.low = price
        statistics.time_ns = time_ns
        statistics.last = price
        statistics.last_trade_id = trade_id
        statistics.volume += qty
        statistics.value += price * qty
        statistics.trades += 1
        return level

    def set_limits(self, limits: Limits) -> None:
        """New limits; a new trading date starts new statistics and keeps the last price (F-32)."""
        self.limits = limits
        statistics = self.statistics
        if statistics.trading_date != limits.trading_date:
            statistics.trading_date = limits.trading_date
            statistics.open = statistics.high = statistics.low = 0
            statistics.volume = statistics.value = statistics.trades = 0

    def facts(self) -> Sequence[MarketMessage]:
        """The messages that rebuild all of the book but its slices (F-43)."""
        known = (self.definition, self.limits, self.status, self.settlement, self.indicative)
        facts = [fact for fact in known if fact is not None]
        return [*facts, *self.implied.values(), copy.copy(self.statistics)]

    def orders_array(self, side: int) -> np.ndarray:
        """One side as ORDER rows, best price first, in queue order inside a price; a copy."""
        levels = self.levels(side)
        prices = np.zeros(len(self.slices.levels), np.int64)
        here = np.zeros(len(self.slices.levels), np.bool_)
        for level in levels.by_price.values():
            prices[level.slot], here[level.slot] = level.price, True
        found = self.slices.rows()
        found = found[here[found["slot"]]]
        rows = np.empty(len(found), ORDER)
        rows["price"] = prices[found["slot"]]
        for name in ("public_id", "qty", "time_ns"):
            rows[name] = found[name]
        key = -rows["price"] if levels.descending else rows["price"]
        return rows[np.argsort(key, kind="stable")]


class Books:
    """All books of a venue, and its status; `apply` is how a subscriber keeps them."""

    def __init__(self, instruments_max: int = 65_536, pages_max: int = 1 << 40) -> None:
        self.instruments_max = instruments_max
        self.slices = Slices(pages_max)
        self.by_instrument: dict[int, Book] = {}
        self.by_symbol: dict[str, Book] = {}
        self.status: Status | None = None  # of the venue
        self._appliers = {
            OrderAdded: self._apply_added,
            OrderChanged: self._apply_changed,
            OrderRemoved: self._apply_removed,
            Trade: self._apply_trade,
            Statistics: self._apply_statistics,
            InstrumentDefined: self._apply_defined,
            Limits: self._apply_limits,
            Settlement: self._apply_settlement,
            Status: self._apply_status,
            Indicative: self._apply_indicative,
            Uncrossed: self._apply_uncrossed,
            BlockTrade: self._apply_block,
            TradeBusted: self._apply_busted,
            TradeCorrected: self._apply_corrected,
            ImpliedPrice: self._apply_implied,
        }

    def apply(self, message: MarketMessage) -> None:
        """One message changes its book; BookError if it does not fit (F-26)."""
        applier = self._appliers.get(type(message))
        if applier is not None:  # the rest changes no book
            applier(message)  # type: ignore[operator]

    def book(self, instrument: int) -> Book:
        """The book of an instrument; BookError if it was never defined."""
        book = self.by_instrument.get(instrument)
        if book is None:
            raise BookError(f"instrument {instrument} was never defined")
        return book

    def define(self, definition: InstrumentDefined) -> Book:
        """A new instrument, trading; or the same definition again."""
        book = self.by_instrument.get(definition.instrument)
        if book is None:
            if len(self.by_instrument) >= self.instruments_max:
                raise BookError(f"more than {self.instruments_max} instruments")
            book = self.by_instrument[definition.instrument] = Book(
                definition.instrument, self.slices
            )
        book.definition = definition
        self.by_symbol[definition.symbol] = book
        if book.status is None:
            book.status = Status(
                definition.time_ns, definition.instrument, TradingStatus.TRADING, 0
            )
        return book

    def _apply_added(self, message: OrderAdded) -> None:
        book = self.book(message.instrument)
        level = book.add(
            message.side, message.public_id, message.price, message.qty, message.time_ns
        )
        _check_level(level, message)

    def _apply_changed(self, message: OrderChanged) -> None:
        book = self.book(message.instrument)
        _check_level(book.change(message.public_id, message.qty), message)

    def _apply_removed(self, message: OrderRemoved) -> None:
        book = self.book(message.instrument)
        _check_level(book.remove(message.public_id), message)

    def _apply_trade(self, message: Trade) -> None:
        book = self.book(message.instrument)
        level = book.trade(
            message.time_ns,
            message.trade_id,
            message.price,
            message.qty,
            message.public_id,
            message.qty_left,
        )
        _check_level(level, message)

    def _apply_statistics(self, message: Statistics) -> None:
        statistics = copy.copy(message)  # trades change it
        statistics.flags = 0
        self.book(message.instrument).statistics = statistics

    def _apply_defined(self, message: InstrumentDefined) -> None:
        self.define(message)

    def _apply_limits(self, message: Limits) -> None:
        self.book(message.instrument).set_limits(message)

    def _apply_settlement(self, message: Settlement) -> None:
        self.book(message.instrument).settlement = message

    def _apply_status(self, message: Status) -> None:
        if message.instrument == 0:
            self.status = message
        else:
            self.book(message.instrument).status = message

    def _apply_indicative(self, message: Indicative) -> None:
        self.book(message.instrument).indicative = message if message.price else None

    def _apply_uncrossed(self, message: Uncrossed) -> None:
        self.book(message.instrument).indicative = None

    def _apply_block(self, message: BlockTrade) -> None:
        statistics = self.book(message.instrument).statistics
        statistics.volume += message.qty
        statistics.value += message.price * message.qty

    def _apply_busted(self, message: TradeBusted) -> None:
        statistics = self.book(message.instrument).statistics
        statistics.volume -= message.qty
        statistics.value -= message.price * message.qty
        statistics.trades -= 0 if message.block else 1

    def _apply_corrected(self, message: TradeCorrected) -> None:
        more = (message.price - message.price_before) * message.qty
        self.book(message.instrument).statistics.value += more

    def _apply_implied(self, message: ImpliedPrice) -> None:
        implied = self.book(message.instrument).implied
        if message.exists:
            implied[message.side] = message
        else:
            implied.pop(message.side, None)


def _check_level(level: Level, message: OrderAdded | OrderChanged | OrderRemoved | Trade) -> None:
    if (
        level.qty != message.level_qty
        or level.orders != message.level_orders
        or level.instrument != message.instrument
    ):
        raise BookError(
            f"instrument {level.instrument}: {level.qty} lots of {level.orders} orders at"
            f" {level.price} do not fit {message}"
        )
