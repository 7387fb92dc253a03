"""Business days, contract months, last trading days, the venue day."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.calendar import (
    QUARTER_MONTHS,
    Calendar,
    Month,
    VenueDay,
    contract_months,
    from_yyyymmdd,
    last_business_day,
    last_trading_date,
    parse_zone,
    third_wednesday,
    to_yyyymmdd,
)
from specs.sessions import default_calendar

NO_HOLIDAYS = Calendar()
days = st.dates(date(2020, 1, 1), date(2060, 12, 31))


def ns(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000_000


def test_third_wednesdays_of_the_domain_facts():
    expected = {
        Month(2026, 11): date(2026, 11, 18),
        Month(2026, 12): date(2026, 12, 16),
        Month(2027, 1): date(2027, 1, 20),
        Month(2027, 2): date(2027, 2, 17),
        Month(2027, 3): date(2027, 3, 17),
        Month(2027, 9): date(2027, 9, 15),
        Month(2028, 3): date(2028, 3, 15),
    }
    assert {month: third_wednesday(month, NO_HOLIDAYS) for month in expected} == expected


def test_third_wednesday_that_is_a_holiday_moves_to_the_business_day_before():
    calendar = Calendar(holidays=(date(2026, 12, 16), date(2026, 12, 15)))
    assert third_wednesday(Month(2026, 12), calendar) == date(2026, 12, 14)


def test_last_business_day_skips_weekend_and_holiday():
    assert last_business_day(Month(2027, 1), NO_HOLIDAYS) == date(2027, 1, 29)
    assert last_business_day(Month(2026, 11), NO_HOLIDAYS) == date(2026, 11, 30)
    holiday = Calendar(holidays=(date(2027, 1, 29),))
    assert last_business_day(Month(2027, 1), holiday) == date(2027, 1, 28)


def test_months_on_the_day_of_the_domain_facts():
    months = contract_months(date(2026, 11, 20), "third_wednesday", 6, 4, NO_HOLIDAYS)
    assert [month.yymm for month in months] == [
        "2612", "2701", "2702", "2703", "2704", "2705", "2706", "2709", "2712", "2803",
    ]  # fmt: skip


def test_a_month_is_listed_on_its_last_trading_date_and_gone_the_day_after():
    on_it = contract_months(date(2026, 12, 16), "third_wednesday", 6, 4, NO_HOLIDAYS)
    after = contract_months(date(2026, 12, 17), "third_wednesday", 6, 4, NO_HOLIDAYS)
    assert on_it[0] == Month(2026, 12)
    assert after[0] == Month(2027, 1)


def test_gpu_months_are_consecutive():
    months = contract_months(date(2026, 11, 20), "last_business_day", 36, 0, NO_HOLIDAYS)
    assert (months[0], months[-1], len(months)) == (Month(2026, 11), Month(2029, 10), 36)


@given(days, st.sampled_from(["third_wednesday", "last_business_day"]))
def test_listed_months_are_distinct_rising_and_still_trade(day: date, rule: str):
    months = contract_months(day, rule, 6, 4, default_calendar().venue)
    assert months == sorted(set(months)) and len(months) == 10
    assert [month.plus(1) for month in months[:5]] == months[1:6]
    assert all(month.month in QUARTER_MONTHS for month in months[6:])
    assert all(last_trading_date(rule, month, default_calendar().venue) >= day for month in months)
    before = months[0].plus(-1)
    assert last_trading_date(rule, before, default_calendar().venue) < day


@given(days)
def test_dates_survive_the_row_form(day: date):
    assert from_yyyymmdd(to_yyyymmdd(day)) == day


@given(st.integers(0, 40_000), st.integers(-60, 60))
def test_months_add_up(months: int, back: int):
    start = Month(2000, 1).plus(months)
    assert start.plus(back).plus(-back) == start
    assert 1 <= start.plus(back).month <= 12


def test_venue_day_changes_at_the_roll_and_skips_the_weekend():
    rule = VenueDay(time(17), parse_zone("+08:00"), NO_HOLIDAYS)
    assert rule.at(ns(2026, 11, 19, 8, 59, 59)) == date(2026, 11, 19)
    assert rule.at(ns(2026, 11, 19, 9)) == date(2026, 11, 20)
    assert rule.at(ns(2026, 11, 20, 9)) == date(2026, 11, 23)  # Friday evening is Monday's
    assert rule.at(ns(2026, 11, 22, 3)) == date(2026, 11, 23)
    assert rule.end_ns(date(2026, 11, 23)) == ns(2026, 11, 23, 9)
    assert rule.following(date(2026, 11, 20)) == date(2026, 11, 23)


@given(st.integers(ns(2026, 1, 1), ns(2031, 1, 1)))
def test_a_venue_day_holds_its_instants(time_ns: int):
    rule = VenueDay(time(17), parse_zone("America/New_York"), default_calendar().venue)
    day = rule.at(time_ns)
    assert default_calendar().venue.is_business_day(day)
    assert time_ns < rule.end_ns(day)
    assert rule.at(rule.end_ns(day)) == rule.following(day)
    assert rule.at(rule.end_ns(day) - 1) == day


@pytest.mark.parametrize("name", ["Foo/Bar", "+8:00", "8", "", "../etc"])
def test_unknown_zones_are_refused_with_what_is_allowed(name: str):
    with pytest.raises(ValueError, match="allowed: an offset"):
        parse_zone(name)
