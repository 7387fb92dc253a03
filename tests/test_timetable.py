"""The timetable of a venue and its clock: what is due when, over restarts and at any speed."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import VenueClock, opening_ns, parse_speed, start_clock
from gateway.timetable import Plan, Step, Timetable
from specs.products import load_products
from specs.sessions import default_calendar, schedule

SECOND, HOUR, DAY = 10**9, 3_600 * 10**9, 86_400 * 10**9
NAMES = ("SHFE_0230", "CME_23X5", "24X5")
HOURS = {name: default_calendar().hours(name) for name in NAMES}
moments = st.integers(1_772_000_000 * SECOND, 1_800_000_000 * SECOND)  # March 2026 to January 2027


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def plans_at(time_ns: int) -> list[Plan]:
    return [Plan(name, hours, hours.trading_date_at(time_ns)) for name, hours in HOURS.items()]


def run(timetable: Timetable, until_ns: int) -> list[Step]:
    done = []
    while steps := timetable.due(until_ns):
        assert steps == timetable.due(until_ns), "due until it is done"
        done += steps
        timetable.done()
    assert timetable.next_ns > until_ns
    return done


def readable(steps: list[Step]) -> list[tuple[str, str, str]]:
    zone = HOURS["SHFE_0230"].zone
    return [
        (f"{datetime.fromtimestamp(step.time_ns // SECOND, zone):%d %H:%M}", step.code,
         step.phase or f"rolls to {step.trading_date}")
        for step in steps
    ]  # fmt: skip


def test_c8_c9_a_morning_of_three_templates():
    start_ns = ns("2026-11-26T05:00:00+08:00")
    steps = run(Timetable(plans_at(start_ns), start_ns), ns("2026-11-26T09:00:00+08:00"))
    assert readable(steps) == [
        ("25 06:00", "24X5", "CONTINUOUS"),  # what holds at the start
        ("25 07:00", "CME_23X5", "CONTINUOUS"),
        ("26 02:30", "SHFE_0230", "CLOSED"),
        ("26 06:00", "CME_23X5", "SETTLEMENT"),
        ("26 06:00", "24X5", "rolls to 2026-11-26"),
        ("26 06:00", "24X5", "CONTINUOUS"),
        ("26 06:30", "CME_23X5", "rolls to 2026-11-27"),  # over Thanksgiving
        ("26 06:30", "CME_23X5", "CLOSED"),
        ("26 08:55", "SHFE_0230", "PRE_OPEN"),
        ("26 08:59", "SHFE_0230", "AUCTION_MATCH"),
        ("26 09:00", "SHFE_0230", "CONTINUOUS"),
    ]
    assert {step.end_ns for step in steps[-1:]} == {ns("2026-11-26T10:15:00+08:00")}


@given(moments, st.integers(0, 10 * 86_400))
def test_c8_steps_are_those_of_the_schedules_in_order_of_time(start_ns: int, seconds: int):
    until_ns = start_ns + seconds * SECOND
    steps = run(Timetable(plans_at(start_ns), start_ns), until_ns)
    expected = []
    for order, (name, hours) in enumerate(HOURS.items()):
        day = hours.trading_date_at(start_ns)
        while hours.end_ns(hours.calendar.business_day_before(day)) <= until_ns:
            begins_ns = hours.end_ns(hours.calendar.business_day_before(day))
            if begins_ns > start_ns:
                expected.append((begins_ns, order, 0, name, day, ""))
            expected += [
                (row.time_ns, order, 1 + place, name, day, row.phase)
                for place, row in enumerate(schedule(hours, day))
                if row.end_ns > start_ns or row.time_ns == start_ns
            ]
            day = hours.calendar.next_business_day(day)
    wanted = sorted(row for row in expected if row[0] <= until_ns)
    assert [(s.time_ns, s.order, s.code, s.trading_date, s.phase) for s in steps] == [
        (time_ns, order, name, day, phase) for time_ns, order, _, name, day, phase in wanted
    ]


@given(moments, st.integers(0, 9 * 86_400), st.integers(0, 9 * 86_400), st.integers(0, 99))
def test_c8_a_restart_goes_on_where_the_phases_end(
    start_ns: int, run_s: int, away_s: int, cut: int
):
    """Also where the first run stopped between two steps of one instant."""
    until_ns = start_ns + (run_s + away_s) * SECOND
    whole = run(Timetable(plans_at(start_ns), start_ns), until_ns)
    first = run(Timetable(plans_at(start_ns), start_ns), start_ns + run_s * SECOND)
    first = first[: max(len(HOURS), len(first) - cut)]
    plans = []
    for name, hours in HOURS.items():
        mine = [step for step in first if step.code == name]
        ends = [step.end_ns for step in mine if not step.is_roll]
        plans.append(Plan(name, hours, mine[-1].trading_date, ends[-1]))
    second = run(Timetable(plans, start_ns), until_ns)
    again = [step for step in first if step.phase == "AUCTION_MATCH" and step in second]
    assert all(step.time_ns == first[-1].time_ns for step in again), "a match of that instant only"
    assert [step for step in second if step not in again] == whole[len(first) :]


def test_c8_a_trading_date_that_has_not_begun_is_closed_until_then():
    """A venue without a schedule is in Friday from 17:00 of Thursday on; Chicago is not."""
    hours, start_ns = HOURS["CME_23X5"], ns("2026-11-19T18:00:00+08:00")
    plan = Plan("GH1", hours, date(2026, 11, 20))
    steps = run(Timetable([plan], start_ns), start_ns + 14 * HOUR)
    assert readable(steps) == [
        ("19 18:00", "GH1", "CLOSED"), ("20 06:30", "GH1", "CLOSED"),
        ("20 06:45", "GH1", "PRE_OPEN"), ("20 06:59", "GH1", "NO_CANCEL"),
        ("20 07:00", "GH1", "AUCTION_MATCH"),
        ("20 07:00", "GH1", "CONTINUOUS"),
    ]  # fmt: skip
    assert steps[0].end_ns == ns("2026-11-20T06:30:00+08:00")


def test_c9_a_trading_date_that_is_long_over_ends_at_once():
    hours, start_ns = HOURS["24X5"], ns("2026-11-25T12:00:00+08:00")
    steps = run(Timetable([Plan("SIT", hours, date(2026, 11, 20))], start_ns), start_ns)
    assert [step.trading_date.day for step in steps if step.is_roll] == [23, 24, 25]
    assert readable(steps)[-1] == ("25 06:00", "SIT", "CONTINUOUS")


@pytest.mark.parametrize(("text", "speed"), [("real", 1), ("fast:1", 1), ("fast:1000000", 10**6)])
def test_c10_speeds(text: str, speed: int):
    assert parse_speed(text) == speed


@pytest.mark.parametrize(
    "text", ["fast", "fast:0", "fast:-1", "fast:1.5", "fast:1000001", "slow:2"]
)
def test_c10_other_clocks_are_refused(text: str):
    with pytest.raises(ValueError, match="allowed: real, or fast:N with N from 1 to 1,000,000"):
        parse_speed(text)


@given(moments, moments, st.integers(1, 10**6), st.integers(-DAY, DAY))
def test_c10_both_clocks_agree_about_an_instant(session: int, venue: int, speed: int, away: int):
    clock = VenueClock(session, venue, speed)
    assert clock.at(session) == venue
    assert clock.at(session + 5) - clock.at(session) == 5 * speed
    due_ns = clock.session_at(venue + away)
    assert clock.at(due_ns) >= venue + away > clock.at(due_ns - 1)
    assert VenueClock().at(session) == session == VenueClock().session_at(session)


def test_c10_the_venue_clock_never_runs_back_over_a_restart():
    now, day = ns("2026-11-21T12:00:00+08:00"), ns("2026-11-25T20:54:00+08:00")
    assert start_clock(now, now, 0, 1).is_real
    assert start_clock(now, now, now + SECOND, 1).is_real  # a clock that was set back a little
    for asked, found, speed, stands in (
        (now, now + HOUR, 1, now + HOUR),
        (day, 0, 60, day),
        (day, day + DAY, 60, day + DAY),
        (now, now - DAY, 60, now),
    ):
        clock = start_clock(now, asked, found, speed)
        assert clock.at(now) == clock.at(now + HOUR) == stands, "it waits"
        assert not clock.is_real
        clock.start(now + HOUR)
        assert clock.at(now + HOUR + SECOND) == stands + speed * SECOND
        clock.start(now + 2 * HOUR)
        assert clock.at(now + HOUR) == stands, "it starts once"


def test_c10_a_date_starts_a_minute_before_its_first_opening():
    catalogue = load_products()
    assert opening_ns(catalogue, date(2026, 11, 26)) == ns("2026-11-25T20:54:00+08:00")
    assert opening_ns(catalogue, date(2026, 11, 23)) == ns("2026-11-20T20:54:00+08:00")
    # a holiday of Shanghai: New York is first, the evening before
    assert opening_ns(catalogue, date(2026, 10, 1)) == ns("2026-09-30T16:59:00-04:00")
    with pytest.raises(ValueError, match="no trading date of any product"):
        opening_ns(catalogue, date(2026, 11, 22))
