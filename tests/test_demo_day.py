"""The demo's day without a venue: dates, the venue clock, what phases take, its events."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pytest

from engine.reasons import PhaseReason
from engine.types import EventKind, Phase
from feed.books import Books
from feed.messages import Indicative, Limits, Settlement, Status, TradingStatus, Uncrossed
from gateway.clock import opening_ns
from gateway.demo_day import (
    DAYS_AHEAD,
    MARGIN_S,
    SHOCK_SHARE,
    Taking,
    VenueTime,
    demo_catalogue,
    first_date,
    shock_ns,
)
from gateway.demo_events import EventList
from gateway.demo_feed import MarketWatch
from gateway.demo_market import Market
from gateway.demo_members import traders
from gateway.demo_view import Call, Moment
from specs.products import load_products
from specs.sessions import schedule
from tests.demo_rig import Rig
from tests.feed_market import Market as FeedMarket

CATALOGUE = demo_catalogue(load_products())
HOURS = CATALOGUE.products[0].hours
MONDAY = date(2026, 11, 23)
TICK = 1_000_000
S = 10**9


@pytest.mark.parametrize(
    ("today", "first"),
    [
        (date(2026, 11, 21), MONDAY),
        (MONDAY, MONDAY),
        (date(2026, 11, 24), date(2026, 11, 30)),
        (date(2026, 12, 17), date(2027, 1, 4)),  # Christmas, then New Year
    ],
)
def test_it_begins_on_a_monday_of_a_whole_week(today: date, first: date):
    assert first_date(HOURS, today) == first


def test_makers_may_quote_every_month():
    """M-248: where prices are implied they may not."""
    assert any(product.implied_prices for product in load_products().products)
    assert not any(product.implied_prices for product in CATALOGUE.products)


def test_every_product_has_the_hours_in_which_the_price_jumps_while_it_trades():
    assert {product.hours for product in CATALOGUE.products} == {HOURS}
    phases = {row.phase: row for row in schedule(HOURS, MONDAY)}
    trading = phases["CONTINUOUS"]
    pause_ns = CATALOGUE.products[0].pause_seconds * S
    assert trading.time_ns < shock_ns(HOURS, MONDAY) < trading.end_ns - 2 * pause_ns
    assert opening_ns(CATALOGUE, MONDAY) < phases["PRE_OPEN"].time_ns


def test_a_jump_pauses_and_stays_inside_the_limits():
    for product in CATALOGUE.products:
        assert product.breaker_percent < 100 * SHOCK_SHARE / 2**0.5
        assert product.daily_limit_percent > 100 * SHOCK_SHARE
    market = Market(CATALOGUE, MONDAY, 1, DAYS_AHEAD)
    symbol = market.symbols("SITB")[0]
    before = market.fair(symbol)
    assert market.jump("token", SHOCK_SHARE) == SHOCK_SHARE
    assert market.fair(symbol) / before == pytest.approx(1 + SHOCK_SHARE)
    assert market.jump("token", SHOCK_SHARE) == -SHOCK_SHARE  # back to the middle


def test_fair_prices_follow_the_last_settlement():
    market = Market(CATALOGUE, MONDAY, 1)
    market.set_reference("SITB2612", 2.4)
    assert market.fair("SITB2612") == pytest.approx(2.4 * 0.92)


def test_what_expires_during_the_demo_is_left_out():
    listed = Market(CATALOGUE, date(2026, 12, 14), 1, DAYS_AHEAD).symbols("SITB")
    assert listed[0] == "SITB2701"


def test_the_venue_clock_is_the_youngest_message():
    clock = VenueTime(60, 500)
    assert clock.at(10) == 500
    clock.take(1_000, 10)
    clock.take(1_100, 12)  # came late
    assert clock.at(12) == 1_120
    margin_ns = int(MARGIN_S * S) * 60
    end_ns = 1_120 + margin_ns
    assert clock.is_ending(end_ns, 12) and not clock.is_ending(end_ns + 1, 12)
    assert not clock.is_ending(0, 12)


def at(text: str) -> int:
    return int(datetime.fromisoformat(f"2026-11-24T{text}").replace(tzinfo=UTC).timestamp()) * S


def status(text: str, phase: TradingStatus, end: str, reason: int = 0) -> Status:
    return Status(at(text), 7, int(phase), reason, 0, at(end))


def test_events_tell_the_day_in_words():
    events = EventList("SITB2701", TICK)
    events.take_limits(Limits(at("17:00:00"), 7, 20261124, 2000 * TICK, 1800 * TICK, 2200 * TICK))
    events.take_status(status("18:00:00", TradingStatus.PRE_OPEN, "21:00:00"))
    events.take_status(status("21:00:00", TradingStatus.NO_CANCEL, "22:00:00"))
    events.take_status(status("22:00:00", TradingStatus.AUCTION_MATCH, "22:00:00"))
    events.take_uncrossed(Uncrossed(at("22:00:00"), 7, 2013 * TICK, 1_412, 14))
    events.take_status(status("22:00:00", TradingStatus.TRADING, "15:30:00"))
    breaker = int(PhaseReason.CIRCUIT_BREAKER)
    events.take_status(status("06:00:12", TradingStatus.VOLATILITY_PAUSE, "09:00:12", breaker))
    events.take_uncrossed(Uncrossed(at("09:00:12"), 7, 0, 0, 0))
    events.take_status(status("15:30:00", TradingStatus.SETTLEMENT, "17:00:00"))
    events.take_settlement(Settlement(at("17:00:00"), 7, 20261124, 2051 * TICK, 12_345, 0))
    events.take_limits(Limits(at("17:00:00"), 7, 20261125, 2051 * TICK, 1846 * TICK, 2256 * TICK))
    assert list(reversed(events.lines)) == [
        "18:00:00 SITB2701 pre-open: orders and cancels until 21:00:00",
        "21:00:00 SITB2701 no more cancels; opens by auction 22:00:00",
        "22:00:00 SITB2701 opened by auction at 2.013: 1,412 lots, 14 more bid",
        "06:00:12 SITB2701 paused: circuit breaker; reopens by auction 09:00:12",
        "09:00:12 SITB2701 reopened by auction; nothing traded",
        "15:30:00 SITB2701 trading has ended; settles 17:00:00",
        "17:00:00 SITB2701 settled at 2.051 after 12,345 lots",
        "17:00:00 SITB2701 trading date 2026-11-25, limits 1.846 to 2.256",
    ]
    assert events.auction_price == 2013 * TICK


def test_the_moment_has_the_phase_its_end_and_the_indicative_price_of_a_call():
    books, clock = Books(), VenueTime(1, at("17:30:00"))
    for message in FeedMarket(4, 250).messages():
        books.apply(message)
    feed, number = SimpleNamespace(books=books), books.by_symbol["INSTRUMENT"].instrument
    watch = MarketWatch(feed, "INSTRUMENT", ["INSTRUMENT"], clock, TICK)  # type: ignore[arg-type]
    assert watch.moment() == Moment("Tue 24 Nov 17:30:00", "continuous trading", "", None, 0)
    assert watch.takes("INSTRUMENT") == Taking.ALL and watch.takes("OTHER") == Taking.NOTHING
    end_ns = at("18:00:00") + 3 * 86_400 * S
    books.apply(Status(1, number, int(TradingStatus.CLOSED), 0, 0, end_ns))
    assert watch.moment()[1:4] == ("closed", "Fri 18:00:00", None)
    assert watch.takes("INSTRUMENT") == Taking.NOTHING
    books.apply(Status(2, number, int(TradingStatus.PRE_OPEN), 0, 0, at("21:00:00")))
    assert watch.moment()[1:4] == ("pre-open", "21:00:00", Call(0, 0, 0))
    books.apply(Indicative(3, number, 2 * TICK, 7, -3))
    assert watch.moment().call == Call(2 * TICK, 7, -3)
    assert watch.curve()[0].price == 2 * TICK
    assert watch.takes("INSTRUMENT") == Taking.CALL
    books.apply(Status(4, number, int(TradingStatus.NO_CANCEL), 0, 0, at("17:30:00")))
    assert watch.takes("INSTRUMENT") == Taking.NOTHING  # it is ending


# -- members through the phases, against the real engine

DAY_PHASES = [
    (Phase.PRE_OPEN, Taking.CALL, 60),
    (Phase.NO_CANCEL, Taking.ENTRY, 20),
    (Phase.AUCTION_MATCH, Taking.NOTHING, 2),
    (Phase.CONTINUOUS, Taking.ALL, 60),
    (Phase.CLOSING, Taking.CALL, 40),
    (Phase.AUCTION_MATCH, Taking.NOTHING, 2),
    (Phase.SETTLEMENT, Taking.NOTHING, 2),
]


def day_in_rig(code: str, seed: int) -> Rig:
    """Members trade through a day's phases of all products."""
    market, rig = Market(CATALOGUE, MONDAY, seed), Rig(MONDAY)
    taken = [Taking.NOTHING]
    everyone = list(traders(market, code, seed, rig.desk_of, lambda symbol: taken[0]))
    turn = 0
    for phase, taken[0], turns in DAY_PHASES:
        rig.set_phase(phase)
        for _ in range(turns):
            turn += 1
            market.step(0.05)
            rig.now_ns += S // 20
            for trader in everyone:
                trader.act(turn * 0.05)
    return rig


@pytest.mark.parametrize("code", ["SITB", "SITS", "GB2"])
def test_no_phase_refuses_what_members_send(code: str):
    rig = day_in_rig(code, 7)
    for desk in rig.desks.values():
        assert desk.counts.reject_texts == {} and desk.counts.rejects == 0
    events = np.concatenate(rig.events)
    uncrossed = events[(events["kind"] == EventKind.UNCROSSED) & (events["qty"] > 0)]
    assert len(uncrossed) >= 2
    assert sum(desk.counts.fills for desk in rig.desks.values()) == int(
        (events["kind"] == EventKind.FILL).sum()
    )


def test_the_same_seed_gives_the_same_day():
    first, again, other = (np.concatenate(day_in_rig("SITB", s).events) for s in (3, 3, 4))
    assert np.array_equal(first, again)
    assert len(first) != len(other) or not np.array_equal(first, other)


def test_todays_position_ends_with_the_trading_date():
    desk = day_in_rig("SITS", 7).desks["ALPHA"]
    held = dict(desk.positions)
    assert any(desk.traded.values())
    desk.begin_date()
    assert desk.traded == {} and desk.positions == held
