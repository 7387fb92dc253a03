"""The demo's event list: what happens to the day of the contract shown, a line each.

Made from the feed's messages alone, save the news, which only the demo knows.
"""

from __future__ import annotations

from collections import deque

from feed.messages import Limits, Settlement, Status, TradingStatus, Uncrossed
from feed.phases import CALLS, clock_text, reason_words, surplus_words
from specs.calendar import from_yyyymmdd
from specs.products import format_price

EVENTS_KEPT = 16
_ENDS = {
    TradingStatus.PRE_OPEN: "opened",
    TradingStatus.NO_CANCEL: "opened",
    TradingStatus.CLOSING: "closed",
    TradingStatus.VOLATILITY_PAUSE: "reopened",
}


class EventList:
    """Lines, newest first; `auction_price` is that of the last uncross (1e-9, 0: none yet)."""

    def __init__(self, symbol: str, tick: int) -> None:
        self._symbol = symbol
        self._tick = tick
        self.lines: deque[str] = deque(maxlen=EVENTS_KEPT)
        self.auction_price = 0
        self._trading_date = 0
        self._status = TradingStatus.NONE
        self._ends = "opened"

    def say(self, time_ns: int, text: str) -> None:
        """One more line."""
        self.lines.appendleft(f"{clock_text(time_ns)} {text}")

    def take_status(self, status: Status) -> None:
        """The contract's phase has changed."""
        before, self._status = self._status, TradingStatus(status.status)
        if self._status in CALLS:
            self._ends = _ENDS[self._status]
        end = clock_text(status.scheduled_end_ns)
        text = {
            TradingStatus.PRE_OPEN: f"pre-open: orders and cancels until {end}",
            TradingStatus.NO_CANCEL: f"no more cancels; opens by auction {end}",
            TradingStatus.CLOSING: f"closing call until {end}",
            TradingStatus.VOLATILITY_PAUSE: (
                f"paused: {reason_words(status)}; reopens by auction {end}"
            ),
            TradingStatus.HALTED: f"halted: {reason_words(status)}",
            TradingStatus.SETTLEMENT: f"trading has ended; settles {end}",
            TradingStatus.EXPIRED: "expired",
        }.get(self._status)
        if self._status == TradingStatus.TRADING and before != TradingStatus.AUCTION_MATCH:
            text = "continuous trading"
        if text:
            self.say(status.time_ns, f"{self._symbol} {text}")

    def take_uncrossed(self, message: Uncrossed) -> None:
        """A call has ended."""
        text = f"{self._ends} by auction; nothing traded"
        if message.price:
            self.auction_price = message.price
            text = (
                f"{self._ends} by auction at {self._price(message.price)}: {message.qty:,} lots,"
                f" {surplus_words(message.surplus)}"
            )
        self.say(message.time_ns, f"{self._symbol} {text}")

    def take_settlement(self, message: Settlement) -> None:
        """The trading date is over."""
        text = f"settled at {self._price(message.price)} after {message.volume:,} lots"
        self.say(message.time_ns, f"{self._symbol} {text}")

    def take_limits(self, message: Limits) -> None:
        """Limits; of another trading date, where it is one."""
        is_next = self._trading_date not in (0, message.trading_date)
        self._trading_date = message.trading_date
        if is_next:
            low, high = self._price(message.low), self._price(message.high)
            day = from_yyyymmdd(message.trading_date)
            text = f"trading date {day}, limits {low} to {high}"
            self.say(message.time_ns, f"{self._symbol} {text}")

    def _price(self, price: int) -> str:
        return format_price(price, self._tick)
