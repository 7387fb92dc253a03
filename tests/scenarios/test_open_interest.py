"""Scenarios of open interest: what SETTLED tells of all positions (M-249)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    CHARLIE,
    DAY_2,
    DAY_3,
    block,
    bust,
    buy,
    roll_product,
    sell,
    spread,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.scenarios import check

OPENS = {"instrument": 3, "position_effect": w.OPEN}
CLOSES_TODAY = {"instrument": 3, "position_effect": w.CLOSE_TODAY}
SECOND_MONTH = {"instrument": 2}


def known(engine: EngineVenue) -> list[int]:
    """What the engine keeps of instruments 1 to 3."""
    rows = engine.engine.tables().instruments
    return rows["open_interest"][1:4].tolist()


def test_m249_blocks_count_who_closes_and_busts_take_off() -> None:
    """ALPHA buys 3 and a block of 10 of BRAVO, who buys 2 back of CHARLIE; the 3 are busted."""
    _, engine = check(
        sell(BRAVO, "b1", 3, 100),
        buy(ALPHA, "a1", 3, 100),
        block(ALPHA, "a2", w.BUY, 10, 100, BRAVO),
        block(BRAVO, "b2", w.SELL, 10, 100, ALPHA),
        sell(CHARLIE, "c1", 2, 100),
        buy(BRAVO, "b3", 2, 100),
        bust(1),
        roll_product(1, DAY_2),
        buy(CHARLIE, "c2", 2, 100),
        sell(ALPHA, "a3", 2, 100),
        roll_product(1, DAY_3),
        events="""
            ACCEPTED o1 p1 @100 qty 3 leaves 3 shows 3 r1 s3
            ACCEPTED o2 @100 qty 3 leaves 3 r2 s1
            FILL o2 t1 @100 qty 3 cum 3 r2 s1 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 cum 3 of r1 s3 UNSOLICITED
            BLOCK_REPORTED @100 qty 10 r3 s1
            BLOCK_TRADED t2 @100 qty 10 cum 10 r4 s3
            BLOCK_TRADED t2 @100 qty 10 cum 10 of r3 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 2 leaves 2 shows 2 r5 s4
            ACCEPTED o4 @100 qty 2 leaves 2 r6 s3
            FILL o4 t3 @100 qty 2 cum 2 r6 s3 AGGRESSOR
            FILL o3 p2 t3 @100 qty 2 cum 2 of r5 s4 UNSOLICITED
            TRADE_BUSTED o2 e22 t1 @100 qty 3 of r2 s1 UNSOLICITED
            TRADE_BUSTED o1 e23 t1 @100 qty 3 of r1 s3 UNSOLICITED
            SETTLED @100 value 1200 qty 12 open 10
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 NEIGHBOUR
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o5 p3 @100 qty 2 leaves 2 shows 2 r7 s4
            ACCEPTED o6 @100 qty 2 leaves 2 r8 s1
            FILL o6 t4 @100 qty 2 cum 2 r8 s1 AGGRESSOR
            FILL o5 p3 t4 @100 qty 2 cum 2 of r7 s4 UNSOLICITED
            SETTLED @100 value 200 qty 2 open 8
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 NEIGHBOUR
            INSTRUMENT_EXPIRED
        """,
    )
    assert known(engine) == [8, 0, 0]


def test_m249_long_and_short_of_one_account_both_count() -> None:
    """GROSS: ALPHA is 5 long and 2 short; who closes takes off, positions of days add up."""
    _, engine = check(
        buy(ALPHA, "a1", 5, 100, **OPENS),
        sell(BRAVO, "b1", 5, 100, **OPENS),
        buy(BRAVO, "b2", 2, 100, **OPENS),
        sell(ALPHA, "a2", 2, 100, **OPENS),
        roll_product(2, DAY_2),
        buy(ALPHA, "a3", 1, 100, **OPENS),
        sell(BRAVO, "b3", 1, 100, **OPENS),
        roll_product(2, DAY_3),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 2 leaves 2 shows 2 r3 s3
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s1
            FILL o4 t2 @100 qty 2 cum 2 r4 s1 AGGRESSOR
            FILL o3 p2 t2 @100 qty 2 cum 2 of r3 s3 UNSOLICITED
            SETTLED @100 value 700 qty 7 open 7
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o5 p3 @100 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @100 qty 1 leaves 1 r6 s3
            FILL o6 t3 @100 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @100 qty 1 cum 1 of r5 s1 UNSOLICITED
            SETTLED @100 value 100 qty 1 open 8
            LIMITS_SET @100 from 90 to 110
        """,
    )
    assert known(engine) == [0, 0, 8]


def test_m249_a_side_that_a_bust_took_below_nothing_is_the_other_side() -> None:
    """ALPHA closes 4 it bought, then BRAVO closes 3 it sold, and what they closed is busted."""
    _, engine = check(
        sell(BRAVO, "b1", 5, 100, **OPENS),
        buy(ALPHA, "a1", 5, 100, **OPENS),
        buy(CHARLIE, "c1", 4, 100, **OPENS),
        sell(ALPHA, "a2", 4, 100, **CLOSES_TODAY),
        bust(1),
        roll_product(2, DAY_2),
        buy(CHARLIE, "c2", 3, 100, **OPENS),
        sell(BRAVO, "b2", 3, 100, **OPENS),
        sell(CHARLIE, "c3", 3, 100, **CLOSES_TODAY),
        buy(BRAVO, "b3", 3, 100, **CLOSES_TODAY),
        bust(3),
        roll_product(2, DAY_3),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s3
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s1
            FILL o2 t1 @100 qty 5 cum 5 r2 s1 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s3 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 4 leaves 4 shows 4 r3 s4
            ACCEPTED o4 @100 qty 4 leaves 4 r4 s1
            FILL o4 t2 @100 qty 4 cum 4 r4 s1 AGGRESSOR
            FILL o3 p2 t2 @100 qty 4 cum 4 of r3 s4 UNSOLICITED
            TRADE_BUSTED o2 e22 t1 @100 qty 5 of r2 s1 UNSOLICITED
            TRADE_BUSTED o1 e23 t1 @100 qty 5 of r1 s3 UNSOLICITED
            SETTLED @100 value 400 qty 4 open 4
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o5 p3 @100 qty 3 leaves 3 shows 3 r5 s4
            ACCEPTED o6 @100 qty 3 leaves 3 r6 s3
            FILL o6 t3 @100 qty 3 cum 3 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @100 qty 3 cum 3 of r5 s4 UNSOLICITED
            ACCEPTED o7 p4 @100 qty 3 leaves 3 shows 3 r7 s4
            ACCEPTED o8 @100 qty 3 leaves 3 r8 s3
            FILL o8 t4 @100 qty 3 cum 3 r8 s3 AGGRESSOR
            FILL o7 p4 t4 @100 qty 3 cum 3 of r7 s4 UNSOLICITED
            TRADE_BUSTED o6 e34 t3 @100 qty 3 of r6 s3 UNSOLICITED
            TRADE_BUSTED o5 e35 t3 @100 qty 3 of r5 s4 UNSOLICITED
            SETTLED @100 value 300 qty 3 open 4
            LIMITS_SET @100 from 90 to 110
        """,
    )
    assert known(engine) == [0, 0, 4]


def test_m249_a_spread_has_none_its_legs_do_and_an_expired_one_no_more() -> None:
    """Month 2 ends on DAY_2: its lots are told once more, then there are none."""
    _, engine = check(
        buy(ALPHA, "a1", 3, 0, instrument=4),
        sell(BRAVO, "b1", 3, 0, instrument=4),
        buy(ALPHA, "a2", 1, 100, **SECOND_MONTH),
        sell(BRAVO, "b2", 1, 100, **SECOND_MONTH),
        roll_product(1, DAY_2),
        roll_product(1, DAY_3),
        venue=[*usual_venue(), spread(4, 1, 1, 2, last_trading_date=DAY_2)],
        events="""
            ACCEPTED o1 p1 qty 3 leaves 3 shows 3 r1 s1
            ACCEPTED o2 qty 3 leaves 3 r2 s3
            FILL o2 t1 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 qty 3 cum 3 of r1 s1 UNSOLICITED
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR LEG i1 SELL
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR LEG i2 BUY
            FILL o1 t1 @100 qty 3 cum 3 of r1 s1 UNSOLICITED LEG i1 BUY
            FILL o1 t1 @100 qty 3 cum 3 of r1 s1 UNSOLICITED LEG i2 SELL
            ACCEPTED o3 p2 @100 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @100 qty 1 leaves 1 r4 s3
            FILL o4 t2 @100 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 1 cum 1 of r3 s1 UNSOLICITED
            SETTLED @100 open 3 SPREAD
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 value 100 qty 1 open 2
            LIMITS_SET @100 from 90 to 110
            SETTLED qty 3
            LIMITS_SET from -20 to 20
            SETTLED @100 open 3
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 open 2
            INSTRUMENT_EXPIRED
            SETTLED
            INSTRUMENT_EXPIRED
        """,
    )
    assert known(engine) == [3, 0, 0]
    assert engine.engine.tables().instruments[2]["expired"]
