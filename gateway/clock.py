"""The venue clock: what commands carry; the session clock is always the real one.

Only the venue clock can run faster than real time or stand on another day. Instants are ns since
1970 UTC; the session clock comes in as an argument.

Source: specs/calendar.md C-10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from specs.products import Catalogue
from specs.sessions import schedule

NEVER_NS = (1 << 63) - 1
SPEED_MAX = 1_000_000
AHEAD_NS = 60_000_000_000  # a journal that is further ahead of real time keeps its own
BEFORE_OPEN_NS = 60_000_000_000
_FAST = re.compile(r"^fast:(?P<speed>[1-9]\d{0,6})$")


@dataclass(slots=True)
class VenueClock:
    """Stood at `venue_ns` when the session clock stood at `session_ns`; runs `speed` times as fast.

    `waits`: it stands still until start(). Without arguments it shows what the session clock shows.
    """

    session_ns: int = 0
    venue_ns: int = 0
    speed: int = 1
    waits: bool = False

    @property
    def is_real(self) -> bool:
        """Whether it always shows what the session clock shows."""
        return self.speed == 1 and self.session_ns == self.venue_ns and not self.waits

    def start(self, session_ns: int) -> None:
        """Ends the wait: it runs from where it stands."""
        if self.waits:
            self.session_ns, self.waits = session_ns, False

    def at(self, session_ns: int) -> int:
        """The venue clock when the session clock shows `session_ns`."""
        if self.waits:
            return self.venue_ns
        return self.venue_ns + (session_ns - self.session_ns) * self.speed

    def session_at(self, venue_ns: int) -> int:
        """The first ns of the session clock at which the venue clock shows `venue_ns` or later.

        While it waits: as if it started at once.
        """
        return self.session_ns - (self.venue_ns - venue_ns) // self.speed


def parse_speed(text: str) -> int:
    """How many times as fast as real time: of `real` 1, of `fast:60` 60. Raises ValueError."""
    if text == "real":
        return 1
    fast = _FAST.match(text)
    if not fast or int(fast["speed"]) > SPEED_MAX:
        raise ValueError(f"clock {text!r}; allowed: real, or fast:N with N from 1 to {SPEED_MAX:,}")
    return int(fast["speed"])


def start_clock(session_ns: int, asked_ns: int, found_ns: int, speed: int) -> VenueClock:
    """The venue clock of a start at `session_ns`.

    It begins at `asked_ns`, or where the journal ends (found_ns) if that is later: the time of
    commands never runs back. One that is not real time waits for the venue to be ready. Source:
    C-10.
    """
    if speed == 1 and asked_ns == session_ns and found_ns <= session_ns + AHEAD_NS:
        return VenueClock()
    return VenueClock(session_ns, max(asked_ns, found_ns), speed, waits=True)


def opening_ns(catalogue: Catalogue, trading_date: date) -> int:
    """A minute before the first product opens for `trading_date`. Raises ValueError without one."""
    hours = {product.session_template: product.hours for product in catalogue.products}
    opens = [
        next(row.time_ns for row in schedule(one, trading_date) if row.phase != "CLOSED")
        for one in hours.values()
        if one.calendar.is_business_day(trading_date)
    ]
    if not opens:
        raise ValueError(f"date {trading_date} is no trading date of any product; allowed: others")
    return min(opens) - BEFORE_OPEN_NS
