"""Scenarios of busted trades (M-217 to M-219)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    CHARLIE,
    DAY_2,
    SECOND,
    START_NS,
    bust,
    buy,
    cancel,
    command,
    correct,
    product,
    replace,
    roll_day,
    roll_product,
    sell,
    set_phase,
    usual_venue,
)
from tests.exchanges import small_limits
from tests.scenarios import check

TRADED = (sell(ALPHA, "a1", 5, 100), buy(BRAVO, "b1", 3, 101))


def test_m219_a_bust_takes_back_positions_and_what_a_living_order_has_traded() -> None:
    naive, engine = check(
        *TRADED,
        bust(1),
        replace(ALPHA, "a2", "a1", 4, 100),
        cancel(ALPHA, "a3", "a2"),
        cancel(BRAVO, "b2", "b1"),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_BUSTED o2 e22 t1 @100 qty 3 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e23 t1 @100 qty 3 of 2 leaves 2 of r1 s1 UNSOLICITED
            REPLACED o1 p2 @100 qty 4 leaves 4 shows 4 r3 s1
            CANCELLED o1 p2 @100 qty 4 r4 of r3 s1
            CANCEL_REJECTED r5 of r2 s3 TOO_LATE
        """,
    )
    assert [engine.engine.position(who.account, 1) for who in (ALPHA, BRAVO)] == [0, 0]
    assert naive.exchange.position(BRAVO.account, 1) == 0


def test_m218_unknown_and_busted_trades() -> None:
    check(
        bust(1),
        *TRADED,
        bust(0),
        bust(2),
        bust(-1),
        bust(1 << 56 | 1),
        correct(2, 99),
        bust(1),
        bust(1),
        correct(1, 99),
        events="""
            TRADE_KEPT t1 UNKNOWN_TRADE
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_KEPT UNKNOWN_TRADE
            TRADE_KEPT t2 UNKNOWN_TRADE
            TRADE_KEPT t72057594037927935 UNKNOWN_TRADE
            TRADE_KEPT t1 UNKNOWN_TRADE
            TRADE_KEPT t2 @99 UNKNOWN_TRADE
            TRADE_BUSTED o2 e23 t1 @100 qty 3 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e24 t1 @100 qty 3 of 2 leaves 2 of r1 s1 UNSOLICITED
            TRADE_KEPT t1 TRADE_GONE
            TRADE_KEPT t1 @99 TRADE_GONE
        """,
    )


def test_m218_the_product_says_how_long_a_trade_may_be_busted() -> None:
    traded = [one | {"time_ns": START_NS} for one in TRADED]
    late = {"time_ns": START_NS + 1_800 * SECOND}
    check(
        *traded,
        correct(1, 99) | {"time_ns": START_NS + 1_800 * SECOND - 1},
        correct(1, 98) | late,
        bust(1) | late,
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e22 t1 @99 was @100 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e23 t1 @99 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_KEPT t1 @98 TRADE_TOO_OLD
            TRADE_KEPT t1 TRADE_TOO_OLD
        """,
        venue=[one | {"time_ns": START_NS} for one in usual_venue()],
    )


def test_m218_a_product_without_bust_seconds_lets_every_trade_stand() -> None:
    check(
        *TRADED,
        bust(1),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            TRADE_KEPT t1 TRADE_TOO_OLD
        """,
        venue=[product(1, bust_seconds=0), *usual_venue()[1:]],
    )


def test_m218_trades_of_an_earlier_trading_date_are_final() -> None:
    check(
        *TRADED,
        sell(ALPHA, "a2", 1, 100, instrument=3, position_effect=w.OPEN),
        buy(BRAVO, "b2", 1, 100, instrument=3, position_effect=w.OPEN),
        roll_product(1, DAY_2),
        bust(1),
        bust(2),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @100 qty 1 leaves 1 r4 s3
            FILL o4 t2 @100 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 1 cum 1 of r3 s1 UNSOLICITED
            EXPIRED o1 p1 @100 qty 2 of 5 cum 3 of r1 s1 UNSOLICITED DAY_END
            SETTLED @100 value 300 qty 3 open 3
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 NEIGHBOUR
            LIMITS_SET @100 from 90 to 110
            TRADE_KEPT t1 TRADE_TOO_OLD
            TRADE_BUSTED o4 e26 t2 @100 qty 1 of r4 s3 UNSOLICITED
            TRADE_BUSTED o3 e27 t2 @100 qty 1 of r3 s1 UNSOLICITED
        """,
    )


def test_m217_trades_of_an_earlier_venue_day_and_pushed_out_ones_are_forgotten() -> None:
    check(
        *TRADED,
        roll_day(DAY_2),
        bust(1),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            DAY_ROLLED
            TRADE_KEPT t1 UNKNOWN_TRADE
        """,
    )
    more = [buy(BRAVO, f"b{at}", 1, 101) for at in (2, 3)]
    check(
        *TRADED,
        *more,
        bust(1),
        bust(2),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            ACCEPTED o3 @101 qty 1 leaves 1 r3 s3
            FILL o3 t2 @100 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @100 qty 1 of 5 leaves 1 cum 4 shows 1 of r1 s1 UNSOLICITED
            ACCEPTED o4 @101 qty 1 leaves 1 r4 s3
            FILL o4 t3 @100 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o1 p1 t3 @100 qty 1 of 5 cum 5 of r1 s1 UNSOLICITED
            TRADE_KEPT t1 UNKNOWN_TRADE
            TRADE_BUSTED o3 e25 t2 @100 qty 1 of r3 s3 UNSOLICITED
            TRADE_BUSTED o1 e26 t2 @100 qty 1 of r1 s1 UNSOLICITED
        """,
        limits=small_limits(trades_max=2),
    )


def test_m219_volume_and_value_of_the_day_are_without_busted_trades() -> None:
    check(
        sell(ALPHA, "a1", 4, 100),
        buy(BRAVO, "b1", 1, 100),
        buy(BRAVO, "b2", 3, 100),
        sell(ALPHA, "a2", 2, 106),
        buy(CHARLIE, "c1", 2, 106),
        bust(2),
        correct(3, 103),
        roll_product(1, DAY_2),
        events="""
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @100 qty 1 leaves 1 r2 s3
            FILL o2 t1 @100 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 of 4 leaves 3 cum 1 shows 3 of r1 s1 UNSOLICITED
            ACCEPTED o3 @100 qty 3 leaves 3 r3 s3
            FILL o3 t2 @100 qty 3 cum 3 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @100 qty 3 of 4 cum 4 of r1 s1 UNSOLICITED
            ACCEPTED o4 p2 @106 qty 2 leaves 2 shows 2 r4 s1
            ACCEPTED o5 @106 qty 2 leaves 2 r5 s4
            FILL o5 t3 @106 qty 2 cum 2 r5 s4 AGGRESSOR
            FILL o4 p2 t3 @106 qty 2 cum 2 of r4 s1 UNSOLICITED
            TRADE_BUSTED o3 e25 t2 @100 qty 3 of r3 s3 UNSOLICITED
            TRADE_BUSTED o1 e26 t2 @100 qty 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o5 e29 t3 @103 was @106 qty 2 cum 2 of r5 s4 UNSOLICITED
            TRADE_CORRECTED o4 e30 t3 @103 was @106 qty 2 cum 2 of r4 s1 UNSOLICITED
            SETTLED @102 value 306 qty 3 open 3
            LIMITS_SET @102 from 92 to 112
            SETTLED @102 NEIGHBOUR
            LIMITS_SET @102 from 92 to 112
        """,
    )


def test_m219_gross_buckets_move_back_and_may_go_below_zero() -> None:
    gross = {"instrument": 3, "position_effect": w.OPEN}
    naive, engine = check(
        sell(ALPHA, "a1", 5, 100, **gross),
        buy(BRAVO, "b1", 5, 100, **gross),
        buy(CHARLIE, "c1", 5, 100, **gross),
        sell(BRAVO, "b2", 4, 100, instrument=3, position_effect=w.CLOSE_TODAY),
        bust(1),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 5 leaves 5 shows 5 r3 s4
            ACCEPTED o4 @100 qty 4 leaves 4 r4 s3
            FILL o4 t2 @100 qty 4 cum 4 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 4 of 5 leaves 1 cum 4 shows 1 of r3 s4 UNSOLICITED
            TRADE_BUSTED o2 e22 t1 @100 qty 5 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e23 t1 @100 qty 5 of r1 s1 UNSOLICITED
        """,
    )
    assert engine.engine.buckets(BRAVO.account, 3)["long_today"] == -4
    assert naive.exchange.position(BRAVO.account, 3) == -4
    assert engine.engine.position(BRAVO.account, 3) == -4
    naive, engine = check(
        sell(ALPHA, "a1", 5, 100, **gross),
        buy(BRAVO, "b1", 5, 100, **gross),
        buy(CHARLIE, "c1", 5, 100, **gross),
        sell(BRAVO, "b2", 4, 100, instrument=3, position_effect=w.CLOSE_TODAY),
        bust(2),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 5 leaves 5 shows 5 r3 s4
            ACCEPTED o4 @100 qty 4 leaves 4 r4 s3
            FILL o4 t2 @100 qty 4 cum 4 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 4 of 5 leaves 1 cum 4 shows 1 of r3 s4 UNSOLICITED
            TRADE_BUSTED o4 e26 t2 @100 qty 4 of r4 s3 UNSOLICITED
            TRADE_BUSTED o3 e27 t2 @100 qty 4 of 1 leaves 1 of r3 s4 UNSOLICITED
        """,
    )
    assert engine.engine.buckets(BRAVO.account, 3)["long_today"] == 5


def test_m218_trades_are_amended_in_every_phase_and_while_the_venue_is_halted() -> None:
    check(
        *TRADED,
        set_phase(w.CLOSED),
        correct(1, 101),
        command(w.HALT, reason=7),
        bust(1),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            PHASE_CHANGED i1 CLOSED from NONE
            TRADE_CORRECTED o2 e22 t1 @101 was @100 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_CORRECTED o1 e23 t1 @101 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            HALTED VENUE_HALTED
            TRADE_BUSTED o2 e25 t1 @101 qty 3 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e26 t1 @101 qty 3 of 2 leaves 2 of r1 s1 UNSOLICITED
        """,
    )


def test_m219_trades_of_an_uncross() -> None:
    check(
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 101, display_qty=1),
        sell(BRAVO, "b1", 3, 99),
        set_phase(w.CONTINUOUS),
        correct(1, 101),
        bust(1),
        sell(BRAVO, "b2", 2, 101),
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 3 leaves 3 shows 3 r2 s3
            INDICATIVE i1 @100 qty 3 surplus 2
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 1 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t1 @100 qty 3 cum 3 of r2 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @100 qty 3 surplus 2
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            TRADE_CORRECTED o1 e25 t1 @101 was @100 qty 3 of 5 leaves 2 cum 3 of r1 s1 UNSOLICITED
            TRADE_CORRECTED o2 e26 t1 @101 was @100 qty 3 cum 3 of r2 s3 UNSOLICITED
            TRADE_BUSTED o1 e29 t1 @101 qty 3 of 2 leaves 2 of r1 s1 UNSOLICITED
            TRADE_BUSTED o2 e30 t1 @101 qty 3 of r2 s3 UNSOLICITED
            ACCEPTED o3 @101 qty 2 leaves 2 r3 s3
            FILL o3 t2 @101 qty 1 of 2 leaves 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @101 qty 1 of 2 leaves 1 cum 1 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @101 of 2 leaves 1 cum 1 shows 1 of r1
            FILL o3 t3 @101 qty 1 of 2 cum 2 r3 s3 AGGRESSOR
            FILL o1 p3 t3 @101 qty 1 of 2 cum 2 of r1 s1 UNSOLICITED
        """,
    )


def test_m218_another_blob_is_ignored() -> None:
    cut = bust(1)
    cut |= {"row": None, "blob": cut["blob"][:-1]}
    check(
        *TRADED,
        cut,
        correct(1, 99) | {"row": None, "blob": b""},
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
        """,
    )
