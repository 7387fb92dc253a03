"""Business days, contract months, last trading days, and the venue day.

Pure functions of dates; the clock comes in as an argument. Dates cross into rows as yyyymmdd. Which
days are holidays, and when a product trades, is in specs/sessions.py.
Source: domain facts section 5.1 (contract months, last trading).
"""

from __future__ import annotations

import calendar as civil
import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

QUARTER_MONTHS = (3, 6, 9, 12)
_OFFSET = re.compile(r"^(?P<sign>[+-])(?P<hours>\d{2}):(?P<minutes>[0-5]\d)$")
_SATURDAY = 5
_ONE_DAY = timedelta(days=1)


class Month(NamedTuple):
    """A contract month."""

    year: int
    month: int

    @property
    def yyyymm(self) -> int:
        """202612 for December 2026."""
        return self.year * 100 + self.month

    @property
    def yymm(self) -> str:
        """2612 for December 2026, as symbols write it."""
        return f"{self.year % 100:02d}{self.month:02d}"

    def plus(self, months: int) -> Month:
        """The month `months` later."""
        year, month_0 = divmod(self.year * 12 + self.month - 1 + months, 12)
        return Month(year, month_0 + 1)


class Calendar(Struct, frozen=True):
    """Which days are business days."""

    holidays: tuple[date, ...] = ()

    def is_business_day(self, day: date) -> bool:
        """Neither a weekend day nor a holiday."""
        return day.weekday() < _SATURDAY and day not in self.holidays

    def on_or_before(self, day: date) -> date:
        """The latest business day that is not after `day`."""
        while not self.is_business_day(day):
            day -= _ONE_DAY
        return day

    def on_or_after(self, day: date) -> date:
        """The earliest business day that is not before `day`."""
        while not self.is_business_day(day):
            day += _ONE_DAY
        return day

    def business_day_before(self, day: date) -> date:
        """The last business day before `day`."""
        return self.on_or_before(day - _ONE_DAY)

    def next_business_day(self, day: date) -> date:
        """The first business day after `day`."""
        return self.on_or_after(day + _ONE_DAY)


def to_yyyymmdd(day: date) -> int:
    """20261216 for 16 December 2026, as rows hold dates."""
    return day.year * 10_000 + day.month * 100 + day.day


def from_yyyymmdd(number: int) -> date:
    """The inverse of to_yyyymmdd; raises ValueError for what is no date."""
    return date(number // 10_000, number // 100 % 100, number % 100)


def third_wednesday(month: Month, calendar: Calendar) -> date:
    """The third Wednesday of `month`, or the business day before it."""
    first = date(month.year, month.month, 1)
    to_wednesday = (civil.WEDNESDAY - first.weekday()) % 7
    return calendar.on_or_before(first + timedelta(days=to_wednesday + 14))


def last_business_day(month: Month, calendar: Calendar) -> date:
    """The last business day of `month`."""
    days = civil.monthrange(month.year, month.month)[1]
    return calendar.on_or_before(date(month.year, month.month, days))


LAST_TRADING_RULES = {
    "third_wednesday": third_wednesday,
    "last_business_day": last_business_day,
}


def last_trading_date(rule: str, month: Month, calendar: Calendar) -> date:
    """The last trading date of `month` by `rule`, a key of LAST_TRADING_RULES."""
    return LAST_TRADING_RULES[rule](month, calendar)


def contract_months(
    trading_date: date, rule: str, monthlies: int, quarterlies: int, calendar: Calendar
) -> list[Month]:
    """The months listed on `trading_date`, nearest first.

    `monthlies` consecutive months from the first one that still trades that day (a month trades on
    its last trading date), then the nearest `quarterlies` of March, June, September and December
    that are not among them.
    """
    month = Month(trading_date.year, trading_date.month)
    if last_trading_date(rule, month, calendar) < trading_date:
        month = month.plus(1)
    months = [month.plus(ahead) for ahead in range(monthlies)]
    candidate = month.plus(monthlies)
    while len(months) < monthlies + quarterlies:
        if candidate.month in QUARTER_MONTHS:
            months.append(candidate)
        candidate = candidate.plus(1)
    return months


class VenueDay(NamedTuple):
    """When the venue day changes: every day at `roll` in `zone`."""

    roll: time
    zone: tzinfo
    calendar: Calendar

    def at(self, time_ns: int) -> date:
        """The venue day of the instant `time_ns` (ns since 1970 UTC).

        From the roll on it is the next day's; a day that is no business day belongs to the next
        business day, so a Friday evening is Monday's.
        """
        local = datetime.fromtimestamp(time_ns // 1_000_000_000, UTC).astimezone(self.zone)
        day = local.date()
        return self.calendar.on_or_after(day + _ONE_DAY if local.time() >= self.roll else day)

    def end_ns(self, day: date) -> int:
        """The instant (ns since 1970 UTC) at which venue day `day`, a business day, ends."""
        return int(datetime.combine(day, self.roll, self.zone).timestamp()) * 1_000_000_000

    def following(self, day: date) -> date:
        """The venue day after `day`."""
        return self.calendar.next_business_day(day)


def parse_zone(name: str) -> tzinfo:
    """The zone of a fixed offset such as +08:00, or of a name such as Asia/Shanghai.

    Offsets need no time zone database. Raises ValueError for an unknown zone.
    """
    offset = _OFFSET.match(name)
    if offset:
        span = timedelta(hours=int(offset["hours"]), minutes=int(offset["minutes"]))
        return timezone(span if offset["sign"] == "+" else -span)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(
            f"time_zone {name!r} is unknown; allowed: an offset such as '+08:00', or a name of the"
            " system's time zone database such as 'Asia/Shanghai'"
        ) from error
