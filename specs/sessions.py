"""Session templates: when a product trades, and the trading date that a moment belongs to.

A template says in local wall time which phases a trading date has; schedule() turns it into
instants. Pure functions of dates and instants: no clock here. Phases are named as in engine/types.

Source: specs/calendar.toml; specs/calendar.md C-1 to C-7; domain facts section 2.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from specs.calendar import Calendar, parse_zone
from specs.loading import load_toml

CALENDAR_FILE = Path(__file__).with_name("calendar.toml")
NANOSECONDS = 1_000_000_000
VENUE = "VENUE"  # the name of the venue's own holidays
_ONE_DAY = timedelta(days=1)
_DAY_SECONDS = 86_400

PhaseName = Literal[
    "CLOSED", "PRE_OPEN", "NO_CANCEL", "AUCTION_MATCH", "CONTINUOUS", "CLOSING", "SETTLEMENT"
]
Begins = Literal["same_day", "day_before", "trading_day_before"]
When = Literal["always", "no_holiday_before", "after_break", "no_break"]
Name = Annotated[str, Meta(pattern="^[A-Z0-9_]{1,16}$")]

# What may follow a phase inside a session: orders that were called in may cross, so a call ends in
# its match (C-5).
FOLLOWERS: dict[str, tuple[str, ...]] = {
    "CLOSED": ("PRE_OPEN", "CONTINUOUS", "SETTLEMENT"),
    "PRE_OPEN": ("NO_CANCEL", "AUCTION_MATCH"),
    "NO_CANCEL": ("AUCTION_MATCH",),
    "AUCTION_MATCH": ("CONTINUOUS", "CLOSED", "SETTLEMENT"),
    "CONTINUOUS": ("CLOSED", "CLOSING", "SETTLEMENT"),
    "CLOSING": ("NO_CANCEL", "AUCTION_MATCH"),
    "SETTLEMENT": ("CLOSED",),
}
_FIRST = ("PRE_OPEN", "CONTINUOUS")
_LAST = ("CLOSED", "CONTINUOUS", "SETTLEMENT")


class _Table(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all tables of the file share."""


class PhaseStart(_Table, frozen=True):
    """From when on a phase holds, in local wall time."""

    at: time
    phase: PhaseName

    @property
    def second(self) -> int:
        """Of the local day."""
        return self.at.hour * 3_600 + self.at.minute * 60 + self.at.second


class Session(_Table, frozen=True):
    """A run of phases. One that is earlier on the clock than the one before it is a day later."""

    begins: Begins
    phases: Annotated[tuple[PhaseStart, ...], Meta(min_length=1, max_length=50)]
    when: When = "always"

    def starts(self) -> Iterator[tuple[int, PhaseStart]]:
        """(days after the day on which the session begins, phase)."""
        days = 0
        for index, start in enumerate(self.phases):
            if index and start.second < self.phases[index - 1].second:
                days += 1
            yield days, start


class Template(_Table, frozen=True, rename={"sessions": "session"}):
    """The trading hours of products: `ends` is when a trading date ends, on its own day."""

    name: Name
    time_zone: str
    ends: time
    sessions: Annotated[tuple[Session, ...], Meta(min_length=1, max_length=20)]
    holidays: Name = VENUE

    def __post_init__(self) -> None:
        """The zone is known, times are whole seconds in order, and no call ends without match."""
        parse_zone(self.time_zone)
        _check_time("ends", self.ends)
        for number, session in enumerate(self.sessions):
            _check_phases(f"session[{number}].phases", session)
        _check_order(self)


class HolidayList(_Table, frozen=True):
    """The holidays of a market; Saturdays and Sundays are none and need no entry."""

    name: Name
    days: tuple[date, ...]


class CalendarFile(
    _Table, frozen=True, rename={"templates": "template", "holiday_lists": "holiday_list"}
):
    """All of calendar.toml."""

    holidays: tuple[date, ...] = ()
    holiday_lists: tuple[HolidayList, ...] = ()
    templates: tuple[Template, ...] = ()

    def __post_init__(self) -> None:
        """Names are unique; templates name lists that are there."""
        lists = [VENUE, *(entry.name for entry in self.holiday_lists)]
        _check_once("holiday_list", lists[1:], (VENUE,))
        _check_once("template", [template.name for template in self.templates], ())
        for number, template in enumerate(self.templates):
            if template.holidays not in lists:
                raise ValueError(
                    f"template[{number}].holidays {template.holidays!r} is no list of this file;"
                    f" allowed: {', '.join(repr(name) for name in lists)}"
                )

    @property
    def venue(self) -> Calendar:
        """The venue's own business days."""
        return Calendar(self.holidays)

    @property
    def names(self) -> tuple[str, ...]:
        """The templates' names."""
        return tuple(template.name for template in self.templates)

    def hours(self, name: str) -> Hours:
        """The hours of the template of this name; raises KeyError."""
        days = {entry.name: entry.days for entry in self.holiday_lists} | {VENUE: self.holidays}
        for template in self.templates:
            if template.name == name:
                return Hours(
                    name,
                    parse_zone(template.time_zone),
                    Calendar(days[template.holidays]),
                    template.ends,
                    template.sessions,
                )
        raise KeyError(name)


class Scheduled(NamedTuple):
    """A phase of a trading date: from `time_ns` until before `end_ns` (ns since 1970 UTC)."""

    time_ns: int
    phase: str
    end_ns: int


class Hours(NamedTuple):
    """A template with its zone and its business days: these are its trading dates."""

    name: str
    zone: tzinfo
    calendar: Calendar
    ends: time
    sessions: tuple[Session, ...]

    def end_ns(self, trading_date: date) -> int:
        """The instant at which a trading date ends and the next one begins. Source: C-2."""
        return _instant(trading_date, self.ends, self.zone)

    def trading_date_at(self, time_ns: int) -> date:
        """The trading date that an instant belongs to: the first one that ends after it (C-2)."""
        local = datetime.fromtimestamp(time_ns // NANOSECONDS, UTC).astimezone(self.zone).date()
        day = self.calendar.on_or_after(local - _ONE_DAY)
        while self.end_ns(day) <= time_ns:
            day = self.calendar.next_business_day(day)
        return day


def load_calendar(file: Path = CALENDAR_FILE) -> CalendarFile:
    """The calendar of `file`; raises specs.loading.SpecError."""
    return load_toml(file, CalendarFile)


@cache
def default_calendar() -> CalendarFile:
    """The calendar of specs/calendar.toml."""
    return load_calendar()


def schedule(hours: Hours, trading_date: date) -> list[Scheduled]:
    """The phases of a trading date, gapless from the end of the one before to its own end.

    Only an AUCTION_MATCH may last no time. Raises ValueError where it is no trading date.
    Source: C-3 to C-7.
    """
    if not hours.calendar.is_business_day(trading_date):
        raise ValueError(f"{trading_date} is no trading date of {hours.name}")
    before = hours.calendar.business_day_before(trading_date)
    end_ns = hours.end_ns(trading_date)
    points = [(hours.end_ns(before), "CLOSED")]
    for session in hours.sessions:
        if not _takes_place(session.when, before, trading_date):
            continue
        first = {
            "same_day": trading_date,
            "day_before": trading_date - _ONE_DAY,
            "trading_day_before": before,
        }[session.begins]
        for days, start in session.starts():
            at_ns = _instant(first + timedelta(days=days), start.at, hours.zone)
            # a clock that is set forward may bring a time before the one listed before it (C-7)
            at_ns = min(max(at_ns, points[-1][0]), end_ns)
            if points[-1][0] == at_ns and points[-1][1] != "AUCTION_MATCH":
                points.pop()
            points.append((at_ns, start.phase))
    ends = [at_ns for at_ns, _ in points[1:]] + [end_ns]
    rows = (Scheduled(*point, end) for point, end in zip(points, ends, strict=True))
    return [row for row in rows if row.time_ns < row.end_ns or row.phase == "AUCTION_MATCH"]


def phase_at(hours: Hours, time_ns: int) -> Scheduled:
    """The phase that holds at an instant."""
    rows = schedule(hours, hours.trading_date_at(time_ns))
    return next(row for row in rows if row.time_ns <= time_ns < row.end_ns)


def _takes_place(when: str, before: date, trading_date: date) -> bool:
    """Whether a session takes place, given the trading date before. Source: C-4."""
    gap = (trading_date - before).days
    if when == "always":
        return True
    if when == "after_break":
        return gap > 1
    if when == "no_break":
        return gap == 1
    # days between that are no weekend days are holidays
    return all((before + timedelta(days=ahead)).weekday() >= 5 for ahead in range(1, gap))


def _instant(day: date, at: time, zone: tzinfo) -> int:
    """The instant of a wall time: of one that comes twice the first (C-7)."""
    return int(datetime.combine(day, at, zone).timestamp()) * NANOSECONDS


def _check_time(path: str, at: time) -> None:
    if at.tzinfo is not None or at.microsecond:
        raise ValueError(f"{path} {at}; allowed: a time of the day in whole seconds")


def _check_phases(path: str, session: Session) -> None:
    """The order of phases inside a session. Source: C-5."""
    allowed: tuple[str, ...] = _FIRST
    for number, start in enumerate(session.phases):
        _check_time(f"{path}[{number}].at", start.at)
        if start.phase not in allowed:
            after = f"after {session.phases[number - 1].phase}" if number else "at the beginning"
            raise ValueError(
                f"{path}[{number}].phase {start.phase!r} {after}; allowed: {', '.join(allowed)}"
            )
        allowed = FOLLOWERS[start.phase]
    if start.phase not in _LAST:
        raise ValueError(
            f"{path}[{number}].phase {start.phase!r} last; allowed: {', '.join(_LAST)}"
        )


def _check_order(template: Template) -> None:
    """On an ordinary day sessions follow one another inside the trading date. Source: C-6."""
    ends = template.ends.hour * 3_600 + template.ends.minute * 60 + template.ends.second
    behind: dict[str, int] = {}
    for number, session in enumerate(template.sessions):
        day = 0 if session.begins == "same_day" else -_DAY_SECONDS
        excluded = {"after_break": "no_break", "no_break": "after_break"}.get(session.when)
        others = [second for when, second in behind.items() if when != excluded]
        low = max([ends - _DAY_SECONDS, *others])
        for index, (days, start) in enumerate(session.starts()):
            second = day + days * _DAY_SECONDS + start.second
            is_match = index > 0 and session.phases[index - 1].phase == "AUCTION_MATCH"
            if second < low or second >= ends or (index and second == low and not is_match):
                raise ValueError(
                    f"session[{number}].phases[{index}].at {start.at}; allowed: times after those"
                    f" before it, inside the trading date that ends at {template.ends}"
                )
            low = second
        behind[session.when] = low


def _check_once(table: str, names: list[str], taken: tuple[str, ...]) -> None:
    for number, name in enumerate(names):
        if name in taken or name in names[:number]:
            raise ValueError(f"{table}[{number}].name {name!r} is taken; allowed: each name once")
