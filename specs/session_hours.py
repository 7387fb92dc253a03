"""Session hours: when members may be logged on, and when both sequence numbers begin again.

Pure: instants are ns since 1970 UTC of whatever clock the caller keeps. Knows no session.

Source: specs/order_entry.md O-120 to O-122; specs/venue.toml, [fix.schedule].
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from specs.calendar import parse_zone

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
WEEK: tuple[Weekday, ...] = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_SECOND_NS = 1_000_000_000
_DAYS = 8  # a week and a day either way hold a start


class Period(NamedTuple):
    """One session day or week: [start_ns, end_ns)."""

    start_ns: int
    end_ns: int


class SessionHours(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Daily: from start_time on each of `days` to the next end_time. Weekly, with start_day and
    end_day: one period a week. Equal times make a period end where the next one begins."""

    start_time: time
    end_time: time
    time_zone: str
    days: Annotated[tuple[Weekday, ...], Meta(min_length=1, max_length=7)] = WEEK
    start_day: Weekday | None = None
    end_day: Weekday | None = None

    def __post_init__(self) -> None:
        """Bare times of whole seconds, a known zone, daily or weekly but not both."""
        parse_zone(self.time_zone)
        for name in ("start_time", "end_time"):
            value: time = getattr(self, name)
            if value.tzinfo is not None or value.microsecond:
                raise ValueError(f"{name}; allowed: a time of the day such as 17:00:00")
        if len(set(self.days)) != len(self.days):
            raise ValueError("days; allowed: each day once")
        if (self.start_day is None) != (self.end_day is None):
            missing = "start_day" if self.start_day is None else "end_day"
            raise ValueError(f"{missing} is missing; allowed: start_day and end_day, or neither")
        if self.start_day is not None and self.days != WEEK:
            raise ValueError("days; allowed: not beside start_day and end_day")

    def latest(self, now_ns: int) -> Period:
        """The period that began last, now or before."""
        return max(one for one in self._around(now_ns) if one.start_ns <= now_ns)

    def next_start_ns(self, now_ns: int) -> int:
        """When the next period begins, after now."""
        return min(one.start_ns for one in self._around(now_ns) if one.start_ns > now_ns)

    def is_open(self, now_ns: int) -> bool:
        """Whether members may be logged on."""
        return now_ns < self.latest(now_ns).end_ns

    def next_change_ns(self, now_ns: int) -> int:
        """When it opens, closes or begins again next, after now."""
        end_ns = self.latest(now_ns).end_ns
        start_ns = self.next_start_ns(now_ns)
        return min(end_ns, start_ns) if end_ns > now_ns else start_ns

    def shown(self, time_ns: int) -> str:
        """An instant in the schedule's zone, for a person."""
        at = datetime.fromtimestamp(time_ns // _SECOND_NS, parse_zone(self.time_zone))
        return f"{at:%A %Y-%m-%d %H:%M:%S} {self.time_zone}"

    def _around(self, now_ns: int) -> list[Period]:
        """Periods that begin within a week and a day of now."""
        zone = parse_zone(self.time_zone)
        today = datetime.fromtimestamp(now_ns // _SECOND_NS, zone).date()
        starts = self.days if self.start_day is None else (self.start_day,)
        weekdays = {WEEK.index(name) for name in starts}
        near = (today + timedelta(days) for days in range(-_DAYS, _DAYS + 1))
        return [
            Period(
                _instant_ns(day, self.start_time, zone),
                _instant_ns(day + timedelta(self._days_long), self.end_time, zone),
            )
            for day in near
            if day.weekday() in weekdays
        ]

    @property
    def _days_long(self) -> int:
        """From the date of a start to the date of its end."""
        ahead = 0
        if self.start_day is not None and self.end_day is not None:
            ahead = (WEEK.index(self.end_day) - WEEK.index(self.start_day)) % 7
        if ahead == 0 and self.end_time <= self.start_time:
            ahead = 1 if self.start_day is None else 7
        return ahead


def _instant_ns(day: date, at: time, zone: tzinfo) -> int:
    """A local time that a change of clocks makes happen twice is the first of both."""
    local = datetime.combine(day, at, zone)
    return int(local.astimezone(UTC).timestamp()) * _SECOND_NS
