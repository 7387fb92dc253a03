"""What the demo's screen shows of the market: a subscriber's books, trades and curve.

Reads the public feed like any other subscriber and keeps the last trades of the contract shown.
"""

from __future__ import annotations

import time
from collections import deque

from engine.types import Side
from feed.books import Book
from feed.messages import Trade
from feed.subscriber import Subscriber
from gateway.demo_view import LEVELS_MAX, CurvePoint, Level, TradePrint

TRADES_KEPT = 64


class MarketWatch:
    """Follows the feed; `symbol` is shown with its trades, `curve` are contracts by month."""

    def __init__(self, feed: Subscriber, symbol: str, curve: list[str]) -> None:
        self._feed = feed
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
            for message in update.messages:
                if isinstance(message, Trade):
                    self._take_trade(message)

    def levels(self, side: Side) -> list[Level]:
        """The best levels of one side of the contract shown, best first."""
        book = self._book(self.symbol)
        if book is None:
            return []
        rows = book.levels(side).array()[:LEVELS_MAX]
        return [Level(int(row["price"]), int(row["qty"]), int(row["orders"])) for row in rows]

    def curve(self) -> list[CurvePoint]:
        """The contracts of the curve, nearest first."""
        return [self._curve_point(symbol) for symbol in self._curve]

    def _curve_point(self, symbol: str) -> CurvePoint:
        book, month = self._book(symbol), symbol[-4:]
        if book is None:
            return CurvePoint(month, 0, 0)
        bid, ask = book.bids.best(), book.asks.best()
        price = (bid[0] + ask[0]) // 2 if bid and ask else book.statistics.last
        return CurvePoint(month, price, book.limits.reference if book.limits else 0)

    def _take_trade(self, trade: Trade) -> None:
        self.trade_count += 1
        self.lots += trade.qty
        book = self._book(self.symbol)
        if book is not None and book.instrument == trade.instrument:
            clock = time.strftime("%H:%M:%S", time.gmtime(trade.time_ns // 1_000_000_000))
            bought = trade.side == Side.BUY
            self.trades.appendleft(TradePrint(clock, self.symbol, trade.price, trade.qty, bought))

    def _book(self, symbol: str) -> Book | None:
        return self._feed.books.by_symbol.get(symbol)
