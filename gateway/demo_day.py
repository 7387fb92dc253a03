"""The demo's trading day: its hours, its trading dates, when news comes, what members may send.

A day of 24 hours passes in a minute at the default clock: every product keeps the hours of the
template DEMO, and a move of a few percent in an hour pauses its months.

Source: specs/calendar.md C-10; specs/matching.md M-101, M-103, M-115, M-116.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from enum import IntEnum

import msgspec

from feed.books import Book
from feed.messages import TradingStatus
from gateway.clock import NEVER_NS
from specs.products import Catalogue
from specs.sessions import Hours, schedule

TEMPLATE = "DEMO"
CLOCK = "fast:1440"  # a day a minute
DAYS_AHEAD = 14  # what is traded does not expire in this time
BREAKER_PERCENT = Decimal(3)  # in an hour of the venue clock
PAUSE_SECONDS = 3 * 3_600
SHOCK_AFTER_NS = 8 * 3_600 * 10**9  # of continuous trading
SHOCK_SHARE = 0.05  # of the price
MARGIN_S = 0.25  # real time before a phase ends, when members send nothing more
# The demo's venue rolls with its products; all times are UTC, as in the template. Its feed yields
# to the matching, but not to whatever else runs on a busy machine: somebody looks at it.
OVERRIDES = (
    "day.schedule=true", "day.roll_time=17:00:00", "day.time_zone=UTC", "feed.nice=5",
)  # fmt: skip


class Taking(IntEnum):
    """What a contract's phase lets its members send."""

    NOTHING = 0
    ENTRY = 1  # orders that rest
    CALL = 2  # these, replaces and cancels
    ALL = 3


_TAKING = {
    TradingStatus.TRADING: Taking.ALL,
    TradingStatus.PRE_OPEN: Taking.CALL,
    TradingStatus.VOLATILITY_PAUSE: Taking.CALL,
    TradingStatus.CLOSING: Taking.CALL,
    TradingStatus.NO_CANCEL: Taking.ENTRY,
}


def demo_catalogue(catalogue: Catalogue) -> Catalogue:
    """The products with the demo's hours and circuit breaker.

    None has implied prices: their months take no mass quotes (matching.md M-248).
    """
    return Catalogue(
        products=tuple(
            msgspec.structs.replace(
                product,
                session_template=TEMPLATE,
                breaker_percent=BREAKER_PERCENT,
                pause_seconds=PAUSE_SECONDS,
                pause_product=True,
                implied_prices=False,
            )
            for product in catalogue.products
        )
    )


def first_date(hours: Hours, today: date) -> date:
    """The demo's first trading date: the next Monday that begins a week without holidays."""
    monday = today + timedelta(days=-today.weekday() % 7)
    while not all(hours.calendar.is_business_day(monday + timedelta(days=n)) for n in range(5)):
        monday += timedelta(days=7)
    return monday


def shock_ns(hours: Hours, trading_date: date) -> int:
    """When the price jumps on a trading date, on the venue clock."""
    rows = schedule(hours, trading_date)
    return next(row.time_ns for row in rows if row.phase == "CONTINUOUS") + SHOCK_AFTER_NS


class VenueTime:
    """The venue clock as the feed shows it: no message is younger than the clock."""

    def __init__(self, speed: int, start_ns: int) -> None:
        self.speed = speed
        self._ahead_ns = -NEVER_NS  # of the venue clock before `speed` times the local one
        self._start_ns = start_ns

    def take(self, time_ns: int, local_ns: int) -> None:
        """A message of `time_ns` was read when the local clock showed `local_ns`."""
        self._ahead_ns = max(self._ahead_ns, time_ns - self.speed * local_ns)

    def at(self, local_ns: int) -> int:
        """The venue clock; where it starts until a message came."""
        if self._ahead_ns == -NEVER_NS:
            return self._start_ns
        return self._ahead_ns + self.speed * local_ns

    def is_ending(self, end_ns: int, local_ns: int) -> bool:
        """Whether a phase with this end (0: none) may be over when a message arrives."""
        return bool(end_ns) and self.at(local_ns) + int(MARGIN_S * 1e9) * self.speed >= end_ns


def taking(book: Book | None, clock: VenueTime, local_ns: int) -> Taking:
    """What members may send for a contract now."""
    if book is None or book.status is None:
        return Taking.NOTHING
    if clock.is_ending(book.status.scheduled_end_ns, local_ns):
        return Taking.NOTHING
    return _TAKING.get(TradingStatus(book.status.status), Taking.NOTHING)
