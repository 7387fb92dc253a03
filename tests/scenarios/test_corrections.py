"""Scenarios of corrected trades, of what is reported, and of what stays (M-219 to M-222)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    CHARLIE,
    DAY_2,
    SECOND,
    START_NS,
    TICK,
    bust,
    buy,
    command,
    correct,
    define,
    product,
    roll_product,
    sell,
    spread,
    stop,
    usual_venue,
)
from tests.scenarios import check

TRADED = (sell(ALPHA, "a1", 5, 100), buy(BRAVO, "b1", 3, 101))


def test_m220_orders_that_are_gone_are_reported_as_the_command_tells() -> None:
    told = {"first_order_qty": 9, "first_cum_qty": 7, "first_cum_value": 704 * TICK}
    check(
        *TRADED,
        correct(1, 99, **told),
        bust(1, **told),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e22 t1 @99 was @100 qty 3 of 9 cum 7 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e23 t1 @99 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_BUSTED o2 e24 t1 @99 qty 3 of 9 cum 4 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e25 t1 @99 qty 3 of 2 leaves 2 of r1 s1 UNSOLICITED
        """,
    )


def test_m220_sums_that_cannot_be_are_those_of_the_trade() -> None:
    sound = {"first_order_qty": 9, "first_cum_qty": 7, "first_cum_value": 704 * TICK}
    wrong = ({"cum_qty": 2}, {"cum_qty": 10}, {"order_qty": 10**9 + 1}, {"cum_value": 2**62 + 1})
    told = [sound | {f"first_{name}": value for name, value in one.items()} for one in wrong]
    told.append(sound | {"first_cum_value": -(2**62) - 1})
    prices = (99, 98, 97, 96, 95)
    amended = [correct(1, price, **one) for price, one in zip(prices, told, strict=True)]
    check(
        *TRADED,
        *amended,
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e22 t1 @99 was @100 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e23 t1 @99 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e24 t1 @98 was @99 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e25 t1 @98 was @99 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e26 t1 @97 was @98 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e27 t1 @97 was @98 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e28 t1 @96 was @97 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e29 t1 @96 was @97 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e30 t1 @95 was @96 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e31 t1 @95 was @96 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
        """,
    )


def test_m222_nothing_that_followed_from_a_trade_is_undone() -> None:
    check(
        stop(ALPHA, "w1", w.BUY, 1, 102, ticks=102),
        stop(ALPHA, "w2", w.BUY, 1, 104),
        sell(BRAVO, "b1", 1, 102),
        buy(CHARLIE, "c1", 1, 102),
        correct(1, 105),
        bust(1),
        stop(ALPHA, "w3", w.BUY, 1, 102),
        events="""
            ACCEPTED o1 @102 qty 1 leaves 1 r1 s1
            ACCEPTED o2 @104 qty 1 leaves 1 r2 s1
            ACCEPTED o3 p1 @102 qty 1 leaves 1 shows 1 r3 s3
            ACCEPTED o4 @102 qty 1 leaves 1 r4 s4
            FILL o4 t1 @102 qty 1 cum 1 r4 s4 AGGRESSOR
            FILL o3 p1 t1 @102 qty 1 cum 1 of r3 s3 UNSOLICITED
            TRIGGERED o1 @102 of 1 leaves 1 of r1 s1 UNSOLICITED
            BOOKED o1 p2 @102 of 1 leaves 1 shows 1 of r1
            TRADE_CORRECTED o4 e24 t1 @105 was @102 qty 1 cum 1 of r4 s4 UNSOLICITED
            TRADE_CORRECTED o3 e25 t1 @105 was @102 qty 1 cum 1 of r3 s3 UNSOLICITED
            TRADE_BUSTED o4 e28 t1 @105 qty 1 of r4 s4 UNSOLICITED
            TRADE_BUSTED o3 e29 t1 @105 qty 1 of r3 s3 UNSOLICITED
            REJECTED @102 qty 1 r5 s1 STOP_WRONG_SIDE
        """,
    )


def test_m221_a_corrected_price_is_on_the_tick_within_the_limits_and_another_one() -> None:
    off_tick = define(w.CORRECT_TRADE, trade_id=1, price=99 * TICK + 1_000)
    check(
        *TRADED,
        correct(1, 100),
        correct(1, 89),
        correct(1, 111),
        off_tick,
        correct(1, 90),
        correct(1, 110),
        correct(1, 110),
        bust(1),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_KEPT t1 @100 TRADE_PRICE_INVALID
            TRADE_KEPT t1 @89 TRADE_PRICE_INVALID
            TRADE_KEPT t1 @111 TRADE_PRICE_INVALID
            TRADE_KEPT t1 @99.0001 TRADE_PRICE_INVALID
            TRADE_CORRECTED o2 e22 t1 @90 was @100 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e23 t1 @90 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e28 t1 @110 was @90 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e29 t1 @110 was @90 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_KEPT t1 @110 TRADE_PRICE_INVALID
            TRADE_BUSTED o2 e30 t1 @110 qty 3 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e31 t1 @110 qty 3 of 2 leaves 2 of r1 s1 UNSOLICITED
        """,
    )


def test_m219_the_settlement_window_is_without_busted_trades() -> None:
    """Its spans are seconds, of which 61 are kept: the first trade's is another one's by then."""
    window = product(1, features=ALL_FEATURES | w.SETTLE_WINDOW, settle_window_seconds=10)
    at = [START_NS + seconds * SECOND for seconds in (1, 62, 63, 64, 65)]
    traded = [
        sell(ALPHA, "a1", 9, 100) | {"time_ns": at[0]},
        buy(BRAVO, "b1", 1, 100) | {"time_ns": at[0]},
        buy(BRAVO, "b2", 1, 100) | {"time_ns": at[1]},
        buy(BRAVO, "b3", 3, 100) | {"time_ns": at[2]},
        buy(BRAVO, "b4", 2, 100) | {"time_ns": at[3]},
    ]
    amended = (bust(1), correct(2, 110), bust(3), correct(4, 105), bust(4), correct(2, 108))
    amended = tuple(one | {"time_ns": at[4]} for one in amended)
    check(
        *traded,
        *amended,
        roll_product(1, DAY_2) | {"time_ns": at[4]},
        events="""
            ACCEPTED o1 p1 @100 qty 9 leaves 9 shows 9 r1 s1
            ACCEPTED o2 @100 qty 1 leaves 1 r2 s3
            FILL o2 t1 @100 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 of 9 leaves 8 cum 1 shows 8 of r1 s1 UNSOLICITED
            ACCEPTED o3 @100 qty 1 leaves 1 r3 s3
            FILL o3 t2 @100 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @100 qty 1 of 9 leaves 7 cum 2 shows 7 of r1 s1 UNSOLICITED
            ACCEPTED o4 @100 qty 3 leaves 3 r4 s3
            FILL o4 t3 @100 qty 3 cum 3 r4 s3 AGGRESSOR
            FILL o1 p1 t3 @100 qty 3 of 9 leaves 4 cum 5 shows 4 of r1 s1 UNSOLICITED
            ACCEPTED o5 @100 qty 2 leaves 2 r5 s3
            FILL o5 t4 @100 qty 2 cum 2 r5 s3 AGGRESSOR
            FILL o1 p1 t4 @100 qty 2 of 9 leaves 2 cum 7 shows 2 of r1 s1 UNSOLICITED
            TRADE_BUSTED o2 e22 t1 @100 qty 1 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e23 t1 @100 qty 1 of 8 leaves 2 cum 6 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o3 e25 t2 @110 was @100 qty 1 cum 1 of r3 s3 UNSOLICITED
            TRADE_CORRECTED o1 e26 t2 @110 was @100 qty 1 of 8 leaves 2 cum 6 of r1 s1 UNSOLICITED
            TRADE_BUSTED o4 e28 t3 @100 qty 3 of r4 s3 UNSOLICITED
            TRADE_BUSTED o1 e29 t3 @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o5 e31 t4 @105 was @100 qty 2 cum 2 of r5 s3 UNSOLICITED
            TRADE_CORRECTED o1 e32 t4 @105 was @100 qty 2 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_BUSTED o5 e39 t4 @105 qty 2 of r5 s3 UNSOLICITED
            TRADE_BUSTED o1 e40 t4 @105 qty 2 of 3 leaves 2 cum 1 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o3 e35 t2 @108 was @110 qty 1 cum 1 of r3 s3 UNSOLICITED
            TRADE_CORRECTED o1 e36 t2 @108 was @110 qty 1 of 3 leaves 2 cum 1 of r1 s1 UNSOLICITED
            EXPIRED o1 p1 @100 qty 2 of 3 cum 1 of r1 s1 UNSOLICITED DAY_END
            SETTLED @108 value 108 qty 1 open 1
            LIMITS_SET @108 from 98 to 118
            SETTLED @108 NEIGHBOUR
            LIMITS_SET @108 from 98 to 118
        """,
        venue=[window, *usual_venue()[1:]],
    )


def test_m223_the_note_in_front_changes_nothing() -> None:
    check(
        *TRADED,
        command(w.OPERATOR_NOTE, blob=b"wrong price"),
        correct(1, 99),
        command(w.OPERATOR_NOTE, blob=b"wrong trade"),
        bust(2),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e22 t1 @99 was @100 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e23 t1 @99 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_KEPT t2 UNKNOWN_TRADE
        """,
    )


def test_m219_a_busted_spread_moves_its_legs_back() -> None:
    calendar = spread(4, 1, 1, 2, ticks=1, last_trading_date=DAY_2)
    naive, engine = check(
        sell(ALPHA, "a1", 3, 2, instrument=4),
        buy(BRAVO, "b1", 2, 2, instrument=4),
        buy(BRAVO, "b2", 1, 2, instrument=4),
        correct(1, -1),
        bust(1),
        events="""
            ACCEPTED o1 p1 @2 qty 3 leaves 3 shows 3 r1 s1
            ACCEPTED o2 @2 qty 2 leaves 2 r2 s3
            FILL o2 t1 @2 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @2 qty 2 of 3 leaves 1 cum 2 shows 1 of r1 s1 UNSOLICITED
            FILL o2 t1 @102 qty 2 cum 2 r2 s3 AGGRESSOR LEG i1 BUY
            FILL o2 t1 @100 qty 2 cum 2 r2 s3 AGGRESSOR LEG i2 SELL
            FILL o1 t1 @102 qty 2 of 3 leaves 1 cum 2 of r1 s1 UNSOLICITED LEG i1 SELL
            FILL o1 t1 @100 qty 2 of 3 leaves 1 cum 2 of r1 s1 UNSOLICITED LEG i2 BUY
            ACCEPTED o3 @2 qty 1 leaves 1 r3 s3
            FILL o3 t2 @2 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @2 qty 1 of 3 cum 3 of r1 s1 UNSOLICITED
            FILL o3 t2 @102 qty 1 cum 1 r3 s3 AGGRESSOR LEG i1 BUY
            FILL o3 t2 @100 qty 1 cum 1 r3 s3 AGGRESSOR LEG i2 SELL
            FILL o1 t2 @102 qty 1 of 3 cum 3 of r1 s1 UNSOLICITED LEG i1 SELL
            FILL o1 t2 @100 qty 1 of 3 cum 3 of r1 s1 UNSOLICITED LEG i2 BUY
            TRADE_CORRECTED o2 e24 t1 @-1 was @2 qty 2 cum 2 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e25 t1 @-1 was @2 qty 2 cum 2 of r1 s1 UNSOLICITED
            TRADE_BUSTED o2 e37 t1 @-1 qty 2 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e38 t1 @-1 qty 2 of r1 s1 UNSOLICITED
        """,
        venue=[*usual_venue(), calendar],
    )
    held = [engine.engine.position(BRAVO.account, leg) for leg in (1, 2)]
    assert held == [naive.exchange.position(BRAVO.account, leg) for leg in (1, 2)] == [1, -1]
