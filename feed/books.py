"""Books as the public sees them: the state that messages build, order by order and by price level.

The publisher keeps one (to know levels and to make snapshots) and every subscriber keeps one: the
same code, fed with the same values. A book holds messages as its state (definition, limits,
statistics), so a snapshot is those messages and one OrderAdded per slice.

Source: specs/market_data.md (F-20 to F-34, F-43).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator

import numpy as np

from engine.types import Side
from feed.levels import Levels
from feed.messages import (
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
    TradingStatus,
)

ORDER = np.dtype(
    [
        ("public_id", "<u8"),
        ("price", "<i8"),  # 1e-9
        ("qty", "<i8"),  # lots shown
        ("time_ns", "<i8"),  # venue clock when it joined its queue
    ]
)

Slice = tuple[int, int, int, int]  # side, price 1e-9, lots shown, time_ns
_BUY = int(Side.BUY)
_SELL = int(Side.SELL)


class BookError(Exception):
    """A message that does not fit the book: a message was missed or the feed is wrong."""


class Book:
    """One instrument: slices in queue order, levels of both sides, and its latest facts."""

    __slots__ = (
        "asks",
        "bids",
        "definition",
        "instrument",
        "limits",
        "orders",
        "settlement",
        "statistics",
        "status",
    )

    def __init__(self, instrument: int) -> None:
        self.instrument = instrument
        self.orders: dict[int, Slice] = {}  # public_id -> slice; in queue order inside a price
        self.bids = Levels(descending=True)
        self.asks = Levels(descending=False)
        self.definition: InstrumentDefined | None = None
        self.limits: Limits | None = None
        self.status: Status | None = None
        self.settlement: Settlement | None = None
        self.statistics = Statistics(0, instrument, 0, 0, 0, 0, 0, 0, 0, 0, 0)

    def levels(self, side: int) -> Levels:
        """Levels of one side; BookError if `side` is none."""
        if side == _BUY:
            return self.bids
        if side == _SELL:
            return self.asks
        raise BookError(f"instrument {self.instrument}: side {side}")

    def add(self, side: int, public_id: int, price: int, qty: int, time_ns: int) -> tuple[int, int]:
        """A slice joins the back of its price; (lots, slices) of the level after it (F-20)."""
        if public_id in self.orders or qty < 1:
            raise BookError(f"instrument {self.instrument}: added {public_id} twice or empty")
        level = self.levels(side).add(price, qty)
        self.orders[public_id] = (side, price, qty, time_ns)
        return level

    def change(self, public_id: int, qty: int) -> tuple[int, int]:
        """A slice shows `qty` lots and keeps its place; the level after it (F-21)."""
        side, price, qty_before, time_ns = self._slice(public_id)
        if qty < 1:
            raise BookError(f"instrument {self.instrument}: {public_id} changed to {qty}")
        self.orders[public_id] = (side, price, qty, time_ns)
        levels = self.bids if side == _BUY else self.asks
        return levels.change(price, qty - qty_before)

    def remove(self, public_id: int) -> tuple[int, int]:
        """A slice leaves the book; (lots, slices) of its level after it (F-22)."""
        side, price, qty, _ = self._slice(public_id)
        del self.orders[public_id]
        levels = self.bids if side == _BUY else self.asks
        return levels.remove(price, qty)

    def trade(
        self, time_ns: int, trade_id: int, price: int, qty: int, public_id: int, qty_left: int
    ) -> tuple[int, int]:
        """`qty` lots trade with a slice, which then shows `qty_left`; the level after it (F-23)."""
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

    def frozen(self) -> Book:
        """The facts and slices as they are now, for a snapshot; its levels are left empty."""
        book = Book(self.instrument)
        book.definition, book.limits, book.status = self.definition, self.limits, self.status
        book.settlement = self.settlement
        book.statistics = copy.copy(self.statistics)
        book.orders = self.orders.copy()
        return book

    def orders_array(self, side: int) -> np.ndarray:
        """One side as ORDER rows, best price first, in queue order inside a price; a copy."""
        assert side in (_BUY, _SELL)
        chosen = [
            (public_id, price, qty, time_ns)
            for public_id, (slice_side, price, qty, time_ns) in self.orders.items()
            if slice_side == side
        ]
        rows = np.array(chosen, ORDER)
        key = -rows["price"] if side == _BUY else rows["price"]
        return rows[np.argsort(key, kind="stable")]

    def _slice(self, public_id: int) -> Slice:
        found = self.orders.get(public_id)
        if found is None:
            raise BookError(f"instrument {self.instrument}: no slice {public_id}")
        return found


def snapshot_facts(book: Book) -> list[MarketMessage]:
    """The messages that rebuild all of a book but its slices (F-43)."""
    facts = (book.definition, book.limits, book.status, book.settlement, book.statistics)
    return [fact for fact in facts if fact is not None]


def snapshot_orders(instrument: int, orders: dict[int, Slice]) -> Iterator[OrderAdded]:
    """One OrderAdded per slice with the levels as they grow, from empty (F-43)."""
    bids, asks = Levels(descending=True), Levels(descending=False)
    for public_id, (side, price, qty, time_ns) in orders.items():
        levels = bids if side == _BUY else asks
        level_qty, level_orders = levels.add(price, qty)
        yield OrderAdded(time_ns, instrument, side, public_id, price, qty, level_qty, level_orders)


class Books:
    """All books of a venue, and its status; `apply` is how a subscriber keeps them."""

    def __init__(self, instruments_max: int = 65_536, orders_max: int = 16_777_216) -> None:
        self.instruments_max = instruments_max
        self.orders_max = orders_max  # slices of one instrument
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
            book = self.by_instrument[definition.instrument] = Book(definition.instrument)
        book.definition = definition
        self.by_symbol[definition.symbol] = book
        if book.status is None:
            book.status = Status(
                definition.time_ns, definition.instrument, TradingStatus.TRADING, 0
            )
        return book

    def orders_count(self) -> int:
        """Slices in all books."""
        return sum(len(book.orders) for book in self.by_instrument.values())

    def _apply_added(self, message: OrderAdded) -> None:
        book = self.book(message.instrument)
        if len(book.orders) >= self.orders_max:
            raise BookError(f"more than {self.orders_max} slices")
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


def _check_level(
    level: tuple[int, int], message: OrderAdded | OrderChanged | OrderRemoved | Trade
) -> None:
    if level != (message.level_qty, message.level_orders):
        raise BookError(
            f"instrument {message.instrument}: level is {level}, "
            f"not {(message.level_qty, message.level_orders)}"
        )
