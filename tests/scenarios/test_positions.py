"""Scenarios of section 6: positions and position effects (M-50 to M-52)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import ALPHA, BRAVO, CHARLIE, DAY_2, account, buy, replace, roll_product, sell
from tests.scenarios import check

OPENS = {"instrument": 3, "position_effect": w.OPEN}
CLOSES = {"instrument": 3, "position_effect": w.CLOSE}
CLOSES_TODAY = {"instrument": 3, "position_effect": w.CLOSE_TODAY}
CLOSES_YESTERDAY = {"instrument": 3, "position_effect": w.CLOSE_YESTERDAY}


def test_m50_fills_move_the_net_position() -> None:
    naive, engine = check(
        sell(ALPHA, "a1", 5, 100, position_effect=w.CLOSE),
        buy(BRAVO, "b1", 3, 100, position_effect=w.OPEN),
        buy(ALPHA, "a2", 7, 99),
        sell(BRAVO, "b2", 2, 99),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @99 qty 7 leaves 7 shows 7 r3 s1
            ACCEPTED o4 @99 qty 2 leaves 2 r4 s3
            FILL o4 t2 @99 qty 2 cum 2 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @99 qty 2 of 7 leaves 5 cum 2 shows 5 of r3 s1 UNSOLICITED
        """,
    )
    for exchange in (naive.exchange, engine.engine):
        assert exchange.position(ALPHA.account, 1) == -1
        assert exchange.position(BRAVO.account, 1) == 1
        assert exchange.position(CHARLIE.account, 1) == 0


def test_m51_gross_positions_have_a_today_and_a_yesterday() -> None:
    naive, engine = check(
        buy(ALPHA, "a1", 5, 100, **OPENS),
        sell(BRAVO, "b1", 5, 100, **OPENS),
        sell(ALPHA, "a2", 5, 100, **CLOSES),
        sell(ALPHA, "a3", 1, 100, **CLOSES_TODAY),
        buy(BRAVO, "b2", 1, 100, **CLOSES_TODAY),
        roll_product(2, DAY_2),
        sell(ALPHA, "a4", 1, 100, **CLOSES_TODAY),
        sell(ALPHA, "a5", 1, 100, **CLOSES_YESTERDAY),
        sell(ALPHA, "a6", 3, 100, **CLOSES),
        buy(BRAVO, "b3", 4, 100, **CLOSES),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            REJECTED @100 qty 5 r3 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o3 p2 @100 qty 1 leaves 1 shows 1 r4 s1
            ACCEPTED o4 @100 qty 1 leaves 1 r5 s3
            FILL o4 t2 @100 qty 1 cum 1 r5 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 1 cum 1 of r4 s1 UNSOLICITED
            SETTLED @100 value 600 qty 6 open 4
            LIMITS_SET @100 from 90 to 110
            REJECTED @100 qty 1 r6 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o5 p3 @100 qty 1 leaves 1 shows 1 r7 s1
            ACCEPTED o6 p4 @100 qty 3 leaves 3 shows 3 r8 s1
            ACCEPTED o7 @100 qty 4 leaves 4 r9 s3
            FILL o7 t3 @100 qty 1 of 4 leaves 3 cum 1 r9 s3 AGGRESSOR
            FILL o5 p3 t3 @100 qty 1 cum 1 of r7 s1 UNSOLICITED
            FILL o7 t4 @100 qty 3 of 4 cum 4 r9 s3 AGGRESSOR
            FILL o6 p4 t4 @100 qty 3 cum 3 of r8 s1 UNSOLICITED
        """,
    )
    for exchange in (naive.exchange, engine.engine):
        assert exchange.position(ALPHA.account, 3) == 0
        assert exchange.position(BRAVO.account, 3) == 0


def test_m51_long_and_short_stand_side_by_side() -> None:
    naive, engine = check(
        account(1, 1, **dict.fromkeys(LIMITS, 10**12)),
        buy(ALPHA, "a1", 5, 100, **OPENS),
        sell(BRAVO, "b1", 5, 100, **OPENS),
        buy(BRAVO, "b2", 2, 100, **OPENS),
        sell(ALPHA, "a2", 2, 100, **OPENS),
        sell(ALPHA, "a3", 5, 101, **CLOSES_TODAY),
        buy(ALPHA, "a4", 2, 99, **CLOSES_TODAY),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 2 leaves 2 shows 2 r3 s3
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s1
            FILL o4 t2 @100 qty 2 cum 2 r4 s1 AGGRESSOR
            FILL o3 p2 t2 @100 qty 2 cum 2 of r3 s3 UNSOLICITED
            ACCEPTED o5 p3 @101 qty 5 leaves 5 shows 5 r5 s1
            ACCEPTED o6 p4 @99 qty 2 leaves 2 shows 2 r6 s1
        """,
    )
    for exchange in (naive.exchange, engine.engine):
        assert exchange.position(ALPHA.account, 3) == 3
        assert exchange.position(BRAVO.account, 3) == -3


LIMITS = (
    "open_orders_max",
    "position_long_max",
    "position_short_max",
    "order_notional_max",
    "open_notional_max",
    "orders_per_second_max",
)


def test_m52_effects_that_a_product_takes() -> None:
    check(
        buy(ALPHA, "a1", 5, 100, instrument=3),
        buy(ALPHA, "a2", 5, 100, instrument=3, position_effect=ord("X")),
        buy(ALPHA, "a3", 5, 100, position_effect=w.CLOSE_TODAY),
        buy(ALPHA, "a4", 5, 100, position_effect=w.CLOSE_YESTERDAY),
        buy(ALPHA, "a5", 5, 100, position_effect=w.CLOSE),
        events="""
            REJECTED @100 qty 5 r1 s1 POSITION_EFFECT_REQUIRED
            REJECTED @100 qty 5 r2 s1 POSITION_EFFECT_INVALID
            REJECTED @100 qty 5 r3 s1 POSITION_EFFECT_INVALID
            REJECTED @100 qty 5 r4 s1 POSITION_EFFECT_INVALID
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r5 s1
        """,
    )


def test_m52_living_closing_orders_count_against_their_bucket() -> None:
    check(
        buy(ALPHA, "a1", 5, 100, **OPENS),
        sell(BRAVO, "b1", 5, 100, **OPENS),
        sell(ALPHA, "a2", 3, 105, **CLOSES_TODAY),
        sell(ALPHA, "a3", 3, 105, **CLOSES_TODAY),
        sell(ALPHA, "a4", 2, 105, **CLOSES_TODAY),
        replace(ALPHA, "a5", "a2", 2, 105, instrument=3),
        sell(ALPHA, "a6", 1, 105, **CLOSES_TODAY),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @105 qty 3 leaves 3 shows 3 r3 s1
            REJECTED @105 qty 3 r4 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o4 p3 @105 qty 2 leaves 2 shows 2 r5 s1
            REPLACED o3 p4 @105 qty 2 leaves 2 shows 2 r6 s1
            ACCEPTED o5 p5 @105 qty 1 leaves 1 shows 1 r7 s1
        """,
    )
