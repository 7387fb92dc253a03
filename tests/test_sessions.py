"""Session templates: days worked out by hand, properties of all days, refusals of bad files."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.calendar import Calendar, last_trading_date
from specs.loading import SpecError
from specs.products import load_products
from specs.sessions import (
    CALENDAR_FILE,
    FOLLOWERS,
    Hours,
    PhaseStart,
    Session,
    default_calendar,
    load_calendar,
    phase_at,
    schedule,
)

TEXT = CALENDAR_FILE.read_text()
SHFE = default_calendar().hours("SHFE_0230")
CME = default_calendar().hours("CME_23X5")
ALL_DAY = default_calendar().hours("24X5")
ZONES = ("UTC", "+08:00", "America/Chicago", "Europe/London", "Australia/Lord_Howe")
CALLS = ("PRE_OPEN", "NO_CANCEL", "CLOSING")
days = st.dates(date(2026, 1, 5), date(2030, 12, 20))
named = st.sampled_from([SHFE, CME, ALL_DAY])


def instant(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 10**9


def in_utc(hours: Hours, *when: int) -> list[tuple[str, str]]:
    """The schedule of a trading date, readable: (day and time in UTC, phase)."""
    return [
        (f"{datetime.fromtimestamp(row.time_ns // 10**9, ZoneInfo('UTC')):%d %H:%M:%S}", row.phase)
        for row in schedule(hours, date(*when))
    ]


def local(hours: Hours, *when: int) -> list[str]:
    """The same in local time, as text."""
    return [
        f"{datetime.fromtimestamp(row.time_ns // 10**9, hours.zone):%d %H:%M} {row.phase}"
        for row in schedule(hours, date(*when))
    ]


SHFE_DAY = [
    "08:55 PRE_OPEN", "08:59 AUCTION_MATCH", "09:00 CONTINUOUS",
    "10:15 CLOSED", "10:30 CONTINUOUS", "11:30 CLOSED", "13:30 CONTINUOUS", "15:00 SETTLEMENT",
]  # fmt: skip


def test_c2_c3_an_ordinary_thursday_of_shanghai():
    assert local(SHFE, 2026, 11, 26) == [
        "25 15:30 CLOSED", "25 20:55 PRE_OPEN", "25 20:59 AUCTION_MATCH",
        "25 21:00 CONTINUOUS", "26 02:30 CLOSED", *(f"26 {row}" for row in SHFE_DAY),
    ]  # fmt: skip
    assert in_utc(SHFE, 2026, 11, 26)[3:5] == [
        ("25 13:00:00", "CONTINUOUS"), ("25 18:30:00", "CLOSED"),
    ]  # fmt: skip


def test_c2_friday_night_is_mondays():
    assert local(SHFE, 2026, 11, 23)[:5] == [
        "20 15:30 CLOSED", "20 20:55 PRE_OPEN", "20 20:59 AUCTION_MATCH",
        "20 21:00 CONTINUOUS", "21 02:30 CLOSED",
    ]  # fmt: skip
    for text in ("2026-11-20T22:00", "2026-11-21T02:00", "2026-11-22T12:00", "2026-11-23T15:29:59"):
        moment = instant(text, "Asia/Shanghai")
        assert SHFE.trading_date_at(moment) == date(2026, 11, 23), text
    assert SHFE.trading_date_at(instant("2026-11-20T15:29:59", "Asia/Shanghai")).day == 20
    assert SHFE.trading_date_at(instant("2026-11-23T15:30", "Asia/Shanghai")).day == 24


@pytest.mark.parametrize(
    ("before", "first"),
    [
        (date(2026, 9, 30), date(2026, 10, 8)),  # National Day, Thursday to Wednesday
        (date(2026, 9, 24), date(2026, 9, 28)),  # Mid-Autumn on a Friday
        (date(2026, 4, 3), date(2026, 4, 7)),  # Qingming's Monday: no Friday night either
        (date(2026, 2, 13), date(2026, 2, 24)),  # Spring Festival
        (date(2027, 6, 8), date(2027, 6, 10)),  # Dragon Boat on a Wednesday
    ],
)
def test_c4_no_night_session_before_a_public_holiday(before: date, first: date):
    assert SHFE.calendar.business_day_before(first) == before
    rows = local(SHFE, first.year, first.month, first.day)
    assert rows == [f"{before.day:02d} 15:30 CLOSED", *(f"{first.day:02d} {r}" for r in SHFE_DAY)]


def test_c2_c4_chicago_opens_on_sunday_evening():
    assert local(CME, 2026, 11, 23) == [
        "20 16:30 CLOSED", "22 16:45 PRE_OPEN", "22 16:59 NO_CANCEL", "22 17:00 AUCTION_MATCH",
        "22 17:00 CONTINUOUS", "23 16:00 SETTLEMENT",
    ]  # fmt: skip
    assert in_utc(CME, 2026, 11, 23)[2] == ("22 22:59:30", "NO_CANCEL")


def test_c7_the_clock_of_chicago_goes_forward_and_back():
    # 8 March 2026, 02:00: UTC-6 becomes UTC-5
    assert in_utc(CME, 2026, 3, 6)[-2:] == [
        ("05 23:00:00", "CONTINUOUS"), ("06 22:00:00", "SETTLEMENT"),
    ]  # fmt: skip
    assert in_utc(CME, 2026, 3, 9) == [
        ("06 22:30:00", "CLOSED"), ("08 21:45:00", "PRE_OPEN"), ("08 21:59:30", "NO_CANCEL"),
        ("08 22:00:00", "AUCTION_MATCH"), ("08 22:00:00", "CONTINUOUS"),
        ("09 21:00:00", "SETTLEMENT"),
    ]  # fmt: skip
    # 1 November 2026, 02:00: back again
    assert in_utc(CME, 2026, 10, 30)[-1] == ("30 21:00:00", "SETTLEMENT")
    assert in_utc(CME, 2026, 11, 2)[:2] == [("30 21:30:00", "CLOSED"), ("01 22:45:00", "PRE_OPEN")]
    assert CME.end_ns(date(2026, 11, 2)) == instant("2026-11-02T22:30")


def test_c7_a_night_through_a_change_of_the_clock_has_no_gap_and_no_overlap():
    """London sets its clock on a Sunday at 01:00 UTC: a session through it, every quarter hour."""
    starts = [time(0, 45), time(1), time(1, 15), time(1, 30), time(1, 45), time(2), time(2, 15)]
    phases = tuple(
        PhaseStart(at=at, phase="CLOSED" if n % 2 else "CONTINUOUS") for n, at in enumerate(starts)
    )
    session = Session(begins="day_before", phases=phases)
    hours = Hours("X", ZoneInfo("Europe/London"), Calendar(), time(12), (session,))
    assert in_utc(hours, 2026, 3, 30) == [  # 29 March, 01:00 to 02:00 do not exist
        ("27 12:00:00", "CLOSED"), ("29 00:45:00", "CONTINUOUS"), ("29 01:00:00", "CLOSED"),
        ("29 01:15:00", "CONTINUOUS"), ("29 01:30:00", "CLOSED"), ("29 01:45:00", "CONTINUOUS"),
    ]  # fmt: skip
    assert in_utc(hours, 2026, 10, 26)[1:5] == [  # 25 October, 01:00 to 02:00 come twice
        ("24 23:45:00", "CONTINUOUS"), ("25 00:00:00", "CLOSED"), ("25 00:15:00", "CONTINUOUS"),
        ("25 00:30:00", "CLOSED"),
    ]  # fmt: skip


def test_24x5_trades_from_sunday_to_friday_without_a_break():
    assert local(ALL_DAY, 2026, 11, 23) == [
        "20 17:00 CLOSED", "22 17:00 PRE_OPEN", "22 17:04 NO_CANCEL", "22 17:05 AUCTION_MATCH",
        "22 17:05 CONTINUOUS",
    ]  # fmt: skip
    assert local(ALL_DAY, 2026, 11, 24) == ["23 17:00 CONTINUOUS"]
    assert local(ALL_DAY, 2026, 12, 28)[:2] == ["24 17:00 CLOSED", "27 17:00 PRE_OPEN"]


def easter(year: int) -> date:
    """Sunday after the first full moon of spring, by the method of Butcher."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    shift = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    month, day = divmod(h + shift - 7 * ((a + 11 * h + 22 * shift) // 451) + 114, 31)
    return date(year, month, day + 1)


def us_holidays(year: int) -> set[date]:
    def weekday(month: int, which: int, count: int) -> date:
        first = date(year, month, 1)
        return first + timedelta((which - first.weekday()) % 7 + 7 * (count - 1))

    def kept(day: date) -> date:
        return day + timedelta({5: -1, 6: 1}.get(day.weekday(), 0))

    new_year = {kept(date(year, 1, 1))} - {date(year - 1, 12, 31)}
    return new_year | {
        weekday(1, 0, 3), weekday(2, 0, 3), easter(year) - timedelta(2),
        weekday(6, 0, 1) - timedelta(7), kept(date(year, 6, 19)), kept(date(year, 7, 4)),
        weekday(9, 0, 1), weekday(11, 3, 4), kept(date(year, 12, 25)),
    }  # fmt: skip


def test_us_holidays_are_those_of_the_rules():
    assert easter(2026) == date(2026, 4, 5) and easter(2027) == date(2027, 3, 28)
    assert set(CME.calendar.holidays) == set().union(*(us_holidays(y) for y in range(2026, 2031)))
    assert list(CME.calendar.holidays) == sorted(CME.calendar.holidays)


def test_chinese_holidays_are_weekdays_of_2026_and_2027():
    holidays = SHFE.calendar.holidays
    assert list(holidays) == sorted(set(holidays))
    assert all(day.weekday() < 5 for day in holidays)
    assert [sum(day.year == year for day in holidays) for year in (2026, 2027)] == [19, 13]


def test_the_last_trading_date_of_a_contract_is_one_of_its_product():
    for contract in load_products().contracts(date(2026, 11, 20)):
        calendar = contract.product.hours.calendar
        assert calendar.is_business_day(contract.last_trading_date)
        rule = contract.product.last_trading_day
        assert contract.last_trading_date == last_trading_date(rule, contract.month, calendar)
    dates = {c.symbol: c.last_trading_date for c in load_products().contracts(date(2027, 5, 3))}
    assert dates["SITB2709"] == date(2027, 9, 14)  # Mid-Autumn on the third Wednesday
    assert dates["GH12705"] == date(2027, 5, 28)  # Memorial Day on the last Monday


@st.composite
def any_hours(draw: st.DrawFn) -> Hours:
    """Hours of up to three sessions of any phases at any times, in file order, any holidays."""
    sessions = []
    for _ in range(draw(st.integers(1, 3))):
        phase = draw(st.sampled_from(["PRE_OPEN", "CONTINUOUS"]))
        phases = []
        for at in draw(st.lists(st.integers(0, 1_439), min_size=1, max_size=6)):
            phases.append(PhaseStart(at=time(at // 60, at % 60), phase=phase))
            phase = draw(st.sampled_from(FOLLOWERS[phase]))
        begins = draw(st.sampled_from(["same_day", "day_before", "trading_day_before"]))
        when = draw(st.sampled_from(["always", "no_holiday_before", "after_break", "no_break"]))
        sessions.append(Session(begins=begins, phases=tuple(phases), when=when))
    holidays = draw(st.lists(st.dates(date(2026, 2, 20), date(2026, 4, 10)), max_size=8))
    ends = draw(st.integers(0, 1_439))
    zone = ZoneInfo(draw(st.sampled_from(["UTC", *ZONES[2:]])))
    return Hours("X", zone, Calendar(tuple(holidays)), time(ends // 60, ends % 60), tuple(sessions))


ours = st.tuples(named, days)
others = st.tuples(any_hours(), st.dates(date(2026, 2, 20), date(2026, 4, 10)))


@given(st.one_of(ours, others))
def test_c3_phases_tile_the_time(case: tuple[Hours, date]):
    """Gapless, without overlap, from the end of one trading date to that of the next."""
    hours, day = case
    first = hours.calendar.on_or_after(day)
    at_ns = hours.end_ns(hours.calendar.business_day_before(first))
    for _ in range(3):
        for row in schedule(hours, first):
            assert row.time_ns == at_ns
            assert row.time_ns < row.end_ns or row.phase == "AUCTION_MATCH"
            at_ns = row.end_ns
        assert at_ns == hours.end_ns(first)
        first = hours.calendar.next_business_day(first)


@given(named, days)
def test_c5_a_call_ends_in_its_match(hours: Hours, day: date):
    rows = schedule(hours, hours.calendar.on_or_after(day))
    for row, following in pairwise(rows):
        assert row.phase not in CALLS or following.phase in ("NO_CANCEL", "AUCTION_MATCH")
        assert following.phase != "AUCTION_MATCH" or row.phase in CALLS
    assert rows[-1].phase not in CALLS


@given(named, st.integers(instant("2026-01-05T00:00"), instant("2030-12-01T00:00")),
       st.integers(0, 10 * 86_400 * 10**9))  # fmt: skip
def test_c2_every_instant_has_one_phase_and_trading_dates_never_run_back(
    hours: Hours, time_ns: int, later_ns: int
):
    day = hours.trading_date_at(time_ns)
    assert hours.calendar.is_business_day(day)
    before = hours.calendar.business_day_before(day)
    assert hours.end_ns(before) <= time_ns < hours.end_ns(day)
    assert [row for row in schedule(hours, day) if row.time_ns <= time_ns < row.end_ns] == [
        phase_at(hours, time_ns)
    ]
    assert hours.trading_date_at(time_ns + later_ns) >= day
    assert hours.trading_date_at(hours.end_ns(day)) == hours.calendar.next_business_day(day)


def test_a_day_that_is_no_trading_date_has_no_schedule():
    with pytest.raises(ValueError, match="2026-10-01 is no trading date of SHFE_0230"):
        schedule(SHFE, date(2026, 10, 1))


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ('zone = "Asia/Shanghai"', 'zone = "Asia/Shanghi"', "$.template[0].time_zone", "an offset"),
        ('holidays = "CN"', 'holidays = "CHN"', "$.template[0].holidays", "'VENUE', 'CN', 'US'"),
        ('name = "US"', 'name = "CN"', "$.holiday_list[1].name", "each name once"),
        ('name = "US"', 'name = "VENUE"', "$.holiday_list[1].name", "each name once"),
        ('name = "24X5"', 'name = "CME_23X5"', "$.template[2].name", "each name once"),
        ("ends = 15:30:00", "ends = 15:30:00.5", "$.template[0].ends", "whole seconds"),
        ("ends = 15:30:00", "ends = 14:30:00", "$.template[0].session[1].phases[7].at",
         "inside the trading date that ends at 14:30:00"),
        ("at = 10:15:00", "at = 08:59:30", "$.template[0].session[1].phases[3].at", "times after"),
        ("at = 08:55:00", "at = 02:00:00", "$.template[0].session[1].phases[0].at", "times after"),
        ('at = 20:59:00, phase = "AUCTION_MATCH"', 'at = 20:59:00, phase = "CONTINUOUS"',
         "$.template[0].session[0].phases[1].phase", "AUCTION_MATCH"),
        ('at = 02:30:00, phase = "CLOSED"', 'at = 02:30:00, phase = "CLOSING"',
         "$.template[0].session[0].phases[3].phase", "CLOSED, CONTINUOUS, SETTLEMENT"),
        ('at = 20:55:00, phase = "PRE_OPEN"', 'at = 20:55:00, phase = "NO_CANCEL"',
         "$.template[0].session[0].phases[0].phase", "PRE_OPEN, CONTINUOUS"),
        ('at = 20:55:00, phase = "PRE_OPEN"', 'at = 20:55:00, phase = "OPEN"',
         "$.template[0].session[0].phases[0].phase", "'PRE_OPEN'"),
        ('when = "no_holiday_before"', 'when = "never"', "$.template[0].session[0].when",
         "'after_break'"),
        ("2026-12-25,\n  2027-01-01,\n  2028", '"Christmas",\n  2028', "$.holidays[0]", "a date"),
    ],
)  # fmt: skip
def test_a_bad_calendar_is_refused_with_path_and_what_is_allowed(
    old: str, new: str, path: str, says: str, tmp_path: Path
):
    assert old in TEXT
    file = tmp_path / "calendar.toml"
    file.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(SpecError) as caught:
        load_calendar(file)
    assert caught.value.path == path
    assert says in caught.value.allowed


def test_the_templates_in_use_are_those_of_the_products():
    used = {product.session_template for product in load_products().products}
    assert used | {"DEMO"} == set(default_calendar().names)  # gateway/demo_day.py
    assert [p.hours.name for p in load_products().products[:2]] == ["24X5", "SHFE_0230"]


def test_time_zones_are_there_on_a_system_that_has_none():
    code = "from specs.sessions import default_calendar as c; [c().hours(n) for n in c().names]"
    environment = os.environ | {"PYTHONTZPATH": ""}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True, timeout=60)
