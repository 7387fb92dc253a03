"""Scenarios of section 9: stop orders (M-160 to M-162, M-166)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    DAY_3,
    TICK,
    account,
    buy,
    cancel,
    gross_product,
    instrument,
    mass_cancel,
    product,
    replace,
    roll_day,
    roll_product,
    sell,
    session_lost,
    stop,
    usual_venue,
)
from tests.scenarios import check

GTC = {"time_in_force": w.GTC}


def test_m160_who_takes_stop_orders() -> None:
    """The product's features, times in force, and what an order outside the book cannot have."""
    no_market = ALL_FEATURES & ~1
    no_stops = ALL_FEATURES & ~w.HAS_STOP
    check(
        stop(ALPHA, "a1", w.BUY, 5, 101),
        stop(ALPHA, "a2", w.BUY, 5, 101, ticks=102, **GTC),
        stop(ALPHA, "a3", w.BUY, 5, 101, time_in_force=w.IOC),
        stop(ALPHA, "a4", w.BUY, 5, 101, time_in_force=w.FOK),
        stop(ALPHA, "a5", w.BUY, 5, 101, time_in_force=w.GTD),
        stop(ALPHA, "a6", w.BUY, 5, 101, ticks=102, min_qty=2),
        stop(ALPHA, "a7", w.BUY, 5, 101, ticks=102, display_qty=2),
        stop(ALPHA, "a8", w.BUY, 5, 101, ticks=102, exec_inst=1),
        stop(ALPHA, "b1", w.BUY, 5, 101, instrument=4),
        stop(ALPHA, "b2", w.BUY, 5, 101, ticks=101, instrument=4),
        stop(ALPHA, "b3", w.BUY, 5, 101, ticks=101, instrument=5),
        stop(ALPHA, "b4", w.BUY, 5, 101, ticks=101, instrument=3, position_effect=w.OPEN),
        stop(ALPHA, "b5", w.BUY, 5, 101, instrument=6, **GTC),
        venue=[
            *usual_venue(),
            product(3, features=no_market),
            instrument(4, 3),
            product(4, features=no_stops),
            instrument(5, 4),
            product(5, features=ALL_FEATURES & ~w.HAS_GTC_GTD),
            instrument(6, 5),
        ],
        events="""
            ACCEPTED o1 @101 qty 5 leaves 5 r1 s1
            ACCEPTED o2 @102 qty 5 leaves 5 r2 s1
            REJECTED @101 qty 5 r3 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED @101 qty 5 r4 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED @101 qty 5 r5 s1 EXPIRE_DATE_INVALID
            REJECTED @102 qty 5 r6 s1 MIN_QTY_INVALID
            REJECTED @102 qty 5 r7 s1 DISPLAY_QTY_INVALID
            REJECTED @102 qty 5 r8 s1 POST_ONLY_INVALID
            REJECTED @101 qty 5 r9 s1 ORD_TYPE_NOT_SUPPORTED
            ACCEPTED o3 @101 qty 5 leaves 5 r10 s1
            REJECTED @101 qty 5 r11 s1 ORD_TYPE_NOT_SUPPORTED
            REJECTED @101 qty 5 r12 s1 ORD_TYPE_NOT_SUPPORTED
            REJECTED @101 qty 5 r13 s1 TIME_IN_FORCE_NOT_SUPPORTED
        """,
    )


def test_m161_the_stop_price_lies_beyond_the_last_trade() -> None:
    """Without a trade the reference price is the last one; then it is the trade's."""
    check(
        stop(ALPHA, "a1", w.BUY, 1, 100),
        stop(ALPHA, "a2", w.SELL, 1, 100),
        stop(ALPHA, "a3", w.BUY, 1, 110),
        stop(ALPHA, "a4", w.BUY, 1, 111),
        stop(ALPHA, "a5", w.SELL, 1, 90),
        stop(ALPHA, "a6", w.SELL, 1, 89),
        stop(ALPHA, "a7", w.BUY, 1, 0, stop_price=101 * TICK + 1),
        stop(ALPHA, "a8", w.BUY, 1, 105, ticks=111),
        stop(ALPHA, "a9", w.BUY, 1, 100, ticks=111),
        stop(ALPHA, "b1", w.SELL, 1, 99, ticks=105),
        buy(BRAVO, "c1", 1, 103),
        sell(CHARLIE, "c2", 1, 103),
        stop(ALPHA, "b2", w.BUY, 1, 103),
        stop(ALPHA, "b3", w.SELL, 1, 102),
        buy(BRAVO, "c3", 1, 103, stop_price=7),
        events="""
            REJECTED @100 qty 1 r1 s1 STOP_WRONG_SIDE
            REJECTED @100 qty 1 r2 s1 STOP_WRONG_SIDE
            ACCEPTED o1 @110 qty 1 leaves 1 r3 s1
            REJECTED @111 qty 1 r4 s1 STOP_PRICE_INVALID
            ACCEPTED o2 @90 qty 1 leaves 1 r5 s1
            REJECTED @89 qty 1 r6 s1 STOP_PRICE_INVALID
            REJECTED @101 qty 1 r7 s1 STOP_PRICE_INVALID
            REJECTED @111 qty 1 r8 s1 PRICE_ABOVE_LIMIT
            REJECTED @111 qty 1 r9 s1 STOP_WRONG_SIDE
            ACCEPTED o3 @105 qty 1 leaves 1 r10 s1
            ACCEPTED o4 p1 @103 qty 1 leaves 1 shows 1 r11 s3
            ACCEPTED o5 @103 qty 1 leaves 1 r12 s4
            FILL o5 t1 @103 qty 1 cum 1 r12 s4 AGGRESSOR
            FILL o4 p1 t1 @103 qty 1 cum 1 of r11 s3 UNSOLICITED
            REJECTED @103 qty 1 r13 s1 STOP_WRONG_SIDE
            ACCEPTED o6 @102 qty 1 leaves 1 r14 s1
            ACCEPTED o7 p2 @103 qty 1 leaves 1 shows 1 r15 s3
        """,
    )


def test_m162_a_waiting_order_lives_outside_the_book() -> None:
    """Nobody trades with it; quotas and risk count it; its owner cancels it."""
    _, engine = check(
        account(1, 1, open_orders_max=2, position_long_max=9, open_notional_max=1_000_000 * 10**6),
        stop(ALPHA, "a1", w.BUY, 4, 101, ticks=105),
        stop(ALPHA, "a2", w.BUY, 5, 102),
        stop(ALPHA, "a3", w.BUY, 1, 102),
        sell(BRAVO, "b1", 5, 105),
        cancel(ALPHA, "a4", "a1", side=w.SELL),
        cancel(ALPHA, "a5", "a1", side=w.BUY),
        stop(ALPHA, "a6", w.BUY, 5, 102),
        stop(ALPHA, "a7", w.BUY, 4, 103),
        cancel(ALPHA, "a8", "a1"),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 @105 qty 4 leaves 4 r1 s1
            ACCEPTED o2 @102 qty 5 leaves 5 r2 s1
            REJECTED @102 qty 1 r3 s1 OPEN_ORDERS_MAX
            ACCEPTED o3 p1 @105 qty 5 leaves 5 shows 5 r4 s3
            CANCEL_REJECTED o1 @105 of 4 leaves 4 r5 of r1 s1 ORDER_MISMATCH
            CANCELLED o1 @105 qty 4 r6 of r1 s1
            REJECTED @102 qty 5 r7 s1 POSITION_LONG_MAX
            ACCEPTED o4 @103 qty 4 leaves 4 r8 s1
            CANCEL_REJECTED r9 of r1 s1 TOO_LATE
        """,
    )
    assert [len(side) for side in engine.engine.book(1)] == [0, 1]
    assert engine.engine.stops(1)["stop_price"].tolist() == [102 * TICK, 103 * TICK]
    assert engine.engine.stops(1)["price"].tolist() == [102 * TICK, 103 * TICK]
    assert engine.engine.orders_live == 3


def test_m63_a_stop_counts_at_its_stop_price_and_a_stop_limit_at_its_limit() -> None:
    """At most 1,020 an order and 2,040 together, of new orders and of replaces."""
    check(
        account(1, 1, order_notional_max=1_020 * 10**6, open_notional_max=2_040 * 10**6),
        stop(ALPHA, "a1", w.BUY, 1, 103),
        stop(ALPHA, "a2", w.BUY, 1, 102),
        stop(ALPHA, "a3", w.BUY, 1, 101, ticks=103),
        stop(ALPHA, "a4", w.BUY, 1, 103, ticks=102),
        stop(ALPHA, "a5", w.SELL, 1, 90),
        replace(ALPHA, "a6", "a2", 1, 0, stop_price=103 * TICK),
        replace(ALPHA, "a7", "a2", 1, 0, stop_price=101 * TICK),
        replace(ALPHA, "a8", "a7", 2, 0, stop_price=101 * TICK),
        events="""
            ACCOUNT_SET
            REJECTED @103 qty 1 r1 s1 ORDER_NOTIONAL_MAX
            ACCEPTED o1 @102 qty 1 leaves 1 r2 s1
            REJECTED @103 qty 1 r3 s1 ORDER_NOTIONAL_MAX
            ACCEPTED o2 @102 qty 1 leaves 1 r4 s1
            REJECTED @90 qty 1 r5 s1 OPEN_NOTIONAL_MAX
            CANCEL_REJECTED o1 @102 of 1 leaves 1 r6 of r2 s1 ORDER_NOTIONAL_MAX
            REPLACED o1 @101 qty 1 leaves 1 r7 s1
            CANCEL_REJECTED o1 @101 of 1 leaves 1 r8 of r7 s1 ORDER_NOTIONAL_MAX
        """,
    )


def test_m162_mass_cancel_session_loss_and_days_treat_it_as_any_order() -> None:
    check(
        stop(ALPHA, "a1", w.BUY, 1, 101),
        stop(ALPHA, "a2", w.SELL, 2, 99, **GTC),
        buy(ALPHA, "a3", 3, 98),
        stop(ALPHA_2, "a4", w.BUY, 4, 102, ticks=102, **GTC),
        mass_cancel(ALPHA_2, "m1", w.SCOPE_MEMBER, side=w.BUY),
        stop(ALPHA, "a5", w.BUY, 5, 103),
        session_lost(ALPHA),
        stop(ALPHA, "a6", w.BUY, 6, 103),
        stop(ALPHA, "a7", w.BUY, 7, 104, time_in_force=w.GTD, expire_date=DAY_2),
        stop(ALPHA, "a8", w.BUY, 8, 104, instrument=2, **GTC),
        roll_day(DAY_2),
        roll_product(1, DAY_2),
        cancel(ALPHA, "a9", "a6"),
        roll_product(1, DAY_3),
        cancel(ALPHA, "b1", "a2"),
        events="""
            ACCEPTED o1 @101 qty 1 leaves 1 r1 s1
            ACCEPTED o2 @99 qty 2 leaves 2 r2 s1
            ACCEPTED o3 p1 @98 qty 3 leaves 3 shows 3 r3 s1
            ACCEPTED o4 @102 qty 4 leaves 4 r4 s2
            CANCELLED o1 @101 qty 1 of r1 s1 UNSOLICITED MASS_CANCEL
            CANCELLED o3 p1 @98 qty 3 of r3 s1 UNSOLICITED MASS_CANCEL
            CANCELLED o4 @102 qty 4 of r4 s2 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 3 r5 s2
            ACCEPTED o5 @103 qty 5 leaves 5 r6 s1
            CANCELLED o5 @103 qty 5 of r6 s1 UNSOLICITED SESSION_LOST
            ACCEPTED o6 @103 qty 6 leaves 6 r7 s1
            ACCEPTED o7 @104 qty 7 leaves 7 r8 s1
            ACCEPTED o8 @104 qty 8 leaves 8 r9 s1
            DAY_ROLLED
            EXPIRED o6 @103 qty 6 of r2 s1 UNSOLICITED DAY_END
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            CANCEL_REJECTED r5 of r2 s1 TOO_LATE
            EXPIRED o7 @104 qty 7 of r3 s1 UNSOLICITED EXPIRE_DATE
            EXPIRED o8 @104 qty 8 of r4 s1 UNSOLICITED INSTRUMENT_EXPIRED
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            INSTRUMENT_EXPIRED
            CANCELLED o2 @99 qty 2 r6 of r1 s1
        """,
    )


def test_m166_a_replaced_order_waits_on() -> None:
    """It keeps its turn at its stop price; prices are checked, an unknown type is not amendable."""
    check(
        stop(ALPHA, "a1", w.BUY, 5, 101),
        stop(ALPHA, "a2", w.BUY, 5, 102, ticks=103),
        replace(ALPHA, "a3", "a1", 7, 0, stop_price=102 * TICK, ord_type=w.STOP),
        replace(ALPHA, "a4", "a3", 7, 0, stop_price=100 * TICK),
        replace(ALPHA, "a5", "a3", 7, 0, stop_price=111 * TICK),
        replace(ALPHA, "a6", "a3", 7, 0),
        replace(ALPHA, "a7", "a2", 5, 111, stop_price=102 * TICK),
        replace(ALPHA, "a8", "a2", 5, 103, stop_price=102 * TICK, ord_type=w.LIMIT),
        replace(ALPHA, "a9", "a2", 5, 103, stop_price=102 * TICK, display_qty=2),
        replace(ALPHA, "b1", "a2", 4, 102, stop_price=102 * TICK),
        sell(BRAVO, "c1", 1, 102),
        buy(CHARLIE, "c2", 1, 102),
        events="""
            ACCEPTED o1 @101 qty 5 leaves 5 r1 s1
            ACCEPTED o2 @103 qty 5 leaves 5 r2 s1
            REPLACED o1 @102 qty 7 leaves 7 r3 s1
            CANCEL_REJECTED o1 @102 of 7 leaves 7 r4 of r3 s1 STOP_WRONG_SIDE
            CANCEL_REJECTED o1 @102 of 7 leaves 7 r5 of r3 s1 STOP_PRICE_INVALID
            CANCEL_REJECTED o1 @102 of 7 leaves 7 r6 of r3 s1 STOP_PRICE_INVALID
            CANCEL_REJECTED o2 @103 of 5 leaves 5 r7 of r2 s1 PRICE_ABOVE_LIMIT
            CANCEL_REJECTED o2 @103 of 5 leaves 5 r8 of r2 s1 NOT_AMENDABLE
            CANCEL_REJECTED o2 @103 of 5 leaves 5 r9 of r2 s1 DISPLAY_QTY_INVALID
            REPLACED o2 @102 qty 4 leaves 4 r10 s1
            ACCEPTED o3 p1 @102 qty 1 leaves 1 shows 1 r11 s3
            ACCEPTED o4 @102 qty 1 leaves 1 r12 s4
            FILL o4 t1 @102 qty 1 cum 1 r12 s4 AGGRESSOR
            FILL o3 p1 t1 @102 qty 1 cum 1 of r11 s3 UNSOLICITED
            TRIGGERED o1 of 7 leaves 7 of r3 s1 UNSOLICITED
            CANCELLED o1 qty 7 of r3 s1 UNSOLICITED MARKET_BAND
            TRIGGERED o2 @102 of 4 leaves 4 of r10 s1 UNSOLICITED
            BOOKED o2 p2 @102 of 4 leaves 4 shows 4 of r10
        """,
    )


def test_m52_waiting_orders_that_close_count_against_the_position() -> None:
    """A gross product with stop orders: two closing stops may not close more than is held."""
    opens, closes = {"position_effect": w.OPEN}, {"position_effect": w.CLOSE_TODAY}
    flags = w.POSITION_EFFECT_REQUIRED | w.HAS_STOP | w.HAS_MARKET
    check(
        buy(ALPHA, "a1", 3, 100, instrument=4, **opens),
        sell(BRAVO, "b1", 3, 100, instrument=4, **opens),
        stop(ALPHA, "a2", w.SELL, 2, 99, instrument=4, **closes),
        stop(ALPHA, "a3", w.SELL, 2, 99, instrument=4, **closes),
        buy(CHARLIE, "c1", 3, 99, instrument=4, **opens),
        sell(BRAVO, "b2", 1, 99, instrument=4, **opens),
        sell(ALPHA, "a4", 2, 99, instrument=4, **closes),
        sell(ALPHA, "a5", 1, 99, instrument=4, **closes),
        venue=[*usual_venue(), gross_product(3, features=flags), instrument(4, 3)],
        events="""
            ACCEPTED o1 p1 @100 qty 3 leaves 3 shows 3 r1 s1
            ACCEPTED o2 @100 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 cum 3 of r1 s1 UNSOLICITED
            ACCEPTED o3 @99 qty 2 leaves 2 r3 s1
            REJECTED @99 qty 2 r4 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o4 p2 @99 qty 3 leaves 3 shows 3 r5 s4
            ACCEPTED o5 @99 qty 1 leaves 1 r6 s3
            FILL o5 t2 @99 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o4 p2 t2 @99 qty 1 of 3 leaves 2 cum 1 shows 2 of r5 s4 UNSOLICITED
            TRIGGERED o3 of 2 leaves 2 of r3 s1 UNSOLICITED
            FILL o3 t3 @99 qty 2 cum 2 of r3 s1 AGGRESSOR UNSOLICITED
            FILL o4 p2 t3 @99 qty 2 of 3 cum 3 of r5 s4 UNSOLICITED
            REJECTED @99 qty 2 r7 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o6 p3 @99 qty 1 leaves 1 shows 1 r8 s1
        """,
    )
