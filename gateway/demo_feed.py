"""What the demo's screen shows of the market: a subscriber's books, trades, phases and curve.

Reads the public feed like any other subscriber and keeps the last trades of the contract shown.
"""

from __future__ import annotations

import time
from collections import deque

from engine.types import Side
from feed.books import Book
from feed.messages import Limits, MarketMessage, Settlement, Status, Trade, Uncrossed
from feed.phases import CALLS, clock_text, phase_words
from feed.subscriber import Subscriber
from gateway.demo_day import Taking, VenueTime, taking
from gateway.demo_events import EventList
from gateway.demo_view import LEVELS_MAX, Call, CurvePoint, Level, Moment, TradePrint

TRADES_KEPT = 64
_DAY_NS = 86_400 * 1_000_000_000


class MarketWatch:
    """Follows the feed; `symbol` is shown with its trades, `curve` are contracts by month."""

    def __init__(
        self, feed: Subscriber, symbol: str, curve: list[str], clock: VenueTime, tick: int
    ) -> None:
        self._feed = feed
        self.clock = clock
        self.events = EventList(symbol, tick)
        self.symbol = symbol
        self._curve = curve
        self.trades: deque[TradePrint] = deque(maxlen=TRADES_KEPT)  # newest first
        self.trade_count = 0
        self.lots = 0

    @property
    def packets(self) -> int:
        """Packets with something new, of both lines."""
        return sum(self._feed.handler.counts.first)

    async def run(self) -> None:
        """Takes updates until cancelled."""
        async for update in self._feed:
            local_ns = time.monotonic_ns()
            for message in update.messages:
                self.clock.take(message.time_ns, local_ns)
                if isinstance(message, Trade):
                    self._take_trade(message)
                else:
                    self._take_event(message)

    def levels(self, side: Side) -> list[Level]:
        """The best levels of one side of the contract shown, best first."""
        book = self._book(self.symbol)
        if book is None:
            return []
        rows = book.levels(side).array()[:LEVELS_MAX]
        return [Level(int(row["price"]), int(row["qty"]), int(row["orders"])) for row in rows]

    def takes(self, symbol: str) -> Taking:
        """What members may send for a contract now."""
        return taking(self._book(symbol), self.clock, time.monotonic_ns())

    def limits(self, symbol: str) -> Limits | None:
        """Trading date, reference price and limits of a contract."""
        book = self._book(symbol)
        return book.limits if book is not None else None

    def moment(self) -> Moment:
        """The venue clock, and the phase of the contract shown."""
        now_ns = self.clock.at(time.monotonic_ns())
        clock = time.strftime("%a %d %b %H:%M:%S", time.gmtime(now_ns // 1_000_000_000))
        book, auction = self._book(self.symbol), self.events.auction_price
        if book is None or book.status is None:
            return Moment(clock, "waiting for the market", "", None, auction)
        status, call = book.status, None
        if status.status in CALLS:
            told = book.indicative
            call = Call(told.price, told.qty, told.surplus) if told else Call(0, 0, 0)
        end = clock_text(status.scheduled_end_ns) if status.scheduled_end_ns else ""
        if status.scheduled_end_ns - now_ns > _DAY_NS:
            end = time.strftime("%a ", time.gmtime(status.scheduled_end_ns // 1_000_000_000)) + end
        return Moment(clock, phase_words(status.status), end, call, auction)

    def curve(self) -> list[CurvePoint]:
        """The contracts of the curve, nearest first."""
        return [self._curve_point(symbol) for symbol in self._curve]

    def _curve_point(self, symbol: str) -> CurvePoint:
        book, month = self._book(symbol), symbol[-4:]
        if book is None:
            return CurvePoint(month, 0, 0)
        bid, ask = book.bids.best(), book.asks.best()
        price = (bid[0] + ask[0]) // 2 if bid and ask else book.statistics.last
        if book.indicative is not None:  # a call: bids may stand above asks
            price = book.indicative.price
        return CurvePoint(month, price, book.limits.reference if book.limits else 0)

    def _take_trade(self, trade: Trade) -> None:
        self.trade_count += 1
        self.lots += trade.qty
        book = self._book(self.symbol)
        if book is not None and book.instrument == trade.instrument:
            clock = clock_text(trade.time_ns)
            bought = trade.side == Side.BUY if trade.side else None
            self.trades.appendleft(TradePrint(clock, self.symbol, trade.price, trade.qty, bought))

    def _take_event(self, message: MarketMessage) -> None:
        book, events = self._book(self.symbol), self.events
        if book is None or getattr(message, "instrument", 0) != book.instrument:
            return
        if isinstance(message, Status):
            events.take_status(message)
        elif isinstance(message, Uncrossed):
            events.take_uncrossed(message)
        elif isinstance(message, Settlement):
            events.take_settlement(message)
        elif isinstance(message, Limits):
            events.take_limits(message)

    def _book(self, symbol: str) -> Book | None:
        return self._feed.books.by_symbol.get(symbol)
