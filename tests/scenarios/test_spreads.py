"""Scenarios of section 20: spreads with books of their own (M-230 to M-236)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    DAY_2,
    DAY_3,
    TICK,
    account,
    buy,
    cancel,
    gross_product,
    instrument,
    product,
    replace,
    roll_product,
    sell,
    set_phase,
    spread,
    usual_venue,
)
from tests.scenarios import check

CALENDAR = spread(4, 1, 1, 2, last_trading_date=DAY_2)
SPREADS = [*usual_venue(), CALENDAR]
AT = {"instrument": 4}
YIELD = [
    *SPREADS,
    product(5, multiplier=730, tick=TICK // 2),
    instrument(5, 1, 200),
    product(6, multiplier=730),
    instrument(6, 6, 281),
    spread(7, 5, 5, 6, reference_price=-7 * TICK),
]
PAUSES = {"velocity_ticks": 6, "velocity_seconds": 9, "breaker_bp": 1}


def test_m230_definitions_that_are_ignored() -> None:
    ends = {"last_trading_date": DAY_2}
    check(
        spread(5, 1, 1, 2, last_trading_date=DAY_3),
        spread(5, 1, 1, 1, **ends),
        spread(5, 1, 1, 9, **ends),
        spread(5, 1, 0, 2, **ends),
        spread(5, 1, 1, 4, **ends),
        spread(1, 1, 2, 4, **ends),
        spread(5, 1, 1, 6, **ends),
        spread(5, 1, 1, 3, **ends),
        spread(5, 2, 1, 2, **ends),
        spread(5, 1, 1, 2, lots_1=0, **ends),
        spread(5, 1, 1, 2, lots_2=1_001, **ends),
        spread(5, 1, 1, 2, reference_price=1, **ends),
        spread(5, 1, 1, 2, lots_1=3, lots_2=3, **ends),
        product(3, currency=2),
        instrument(6, 3),
        spread(7, 1, 1, 6, **ends),
        gross_product(4, currency=1),
        instrument(8, 4),
        spread(9, 1, 1, 8, **ends),
        roll_product(1, DAY_3),
        spread(10, 1, 1, 2, **ends),
        venue=SPREADS,
        events="""
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            INSTRUMENT_EXPIRED
            SETTLED
            INSTRUMENT_EXPIRED
        """,
    )


def test_m231_limits_are_what_the_legs_leave() -> None:
    """A spread of another unit than its legs, one beyond its limits, one turned round."""
    ends = {"last_trading_date": DAY_2}
    check(
        spread(8, 1, 1, 2, ticks=-30, **ends),
        spread(9, 1, 2, 1, ticks=3, **ends),
        spread(10, 5, 5, 6, lots_1=2, reference_price=100 * TICK),
        venue=YIELD,
        events="""
            INSTRUMENT_DEFINED @-20 from -20 to 20
            LIMITS_SET @-20 from -20 to 20
            INSTRUMENT_DEFINED @3 from -20 to 20
            LIMITS_SET @3 from -20 to 20
            INSTRUMENT_DEFINED @184.5 from 184.5 to 349.5
            LIMITS_SET @184.5 from 184.5 to 349.5
        """,
    )


def test_m232_zero_and_negative_prices() -> None:
    check(
        sell(ALPHA, "a1", 5, 0, **AT),
        sell(ALPHA, "a2", 5, -3, **AT),
        buy(BRAVO, "b1", 7, 1, **AT),
        buy(BRAVO, "b2", 1, 21, **AT),
        sell(BRAVO, "b3", 1, -21, **AT),
        replace(ALPHA, "a3", "a1", 4, -2, **AT),
        cancel(ALPHA, "a4", "a3", **AT),
        venue=SPREADS,
        events="""
            ACCEPTED o1 p1 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @-3 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 @1 qty 7 leaves 7 r3 s3
            FILL o3 t1 @-3 qty 5 of 7 leaves 2 cum 5 r3 s3 AGGRESSOR
            FILL o2 p2 t1 @-3 qty 5 cum 5 of r2 s1 UNSOLICITED
            FILL o3 t1 @97 qty 5 of 7 leaves 2 cum 5 r3 s3 AGGRESSOR LEG i1 BUY
            FILL o3 t1 @100 qty 5 of 7 leaves 2 cum 5 r3 s3 AGGRESSOR LEG i2 SELL
            FILL o2 t1 @97 qty 5 cum 5 of r2 s1 UNSOLICITED LEG i1 SELL
            FILL o2 t1 @100 qty 5 cum 5 of r2 s1 UNSOLICITED LEG i2 BUY
            FILL o3 t2 qty 2 of 7 cum 7 r3 s3 AGGRESSOR
            FILL o1 p1 t2 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 UNSOLICITED
            FILL o3 t2 @100 qty 2 of 7 cum 7 r3 s3 AGGRESSOR LEG i1 BUY
            FILL o3 t2 @100 qty 2 of 7 cum 7 r3 s3 AGGRESSOR LEG i2 SELL
            FILL o1 t2 @100 qty 2 of 5 leaves 3 cum 2 of r1 s1 UNSOLICITED LEG i1 SELL
            FILL o1 t2 @100 qty 2 of 5 leaves 3 cum 2 of r1 s1 UNSOLICITED LEG i2 BUY
            REJECTED @21 qty 1 r4 s3 PRICE_ABOVE_LIMIT
            REJECTED @-21 qty 1 r5 s3 PRICE_BELOW_LIMIT
            REPLACED o1 p3 @-2 qty 4 leaves 2 cum 2 shows 2 r6 s1
            CANCELLED o1 p3 @-2 qty 2 of 4 cum 2 r7 of r6 s1
        """,
    )


def test_m232_no_circuit_breaker_on_a_spread() -> None:
    """Velocity counts ticks, a share of a price of zero would pause at once."""
    check(
        buy(ALPHA, "a1", 2, 0, **AT),
        sell(BRAVO, "b1", 1, 0, **AT),
        sell(BRAVO, "b2", 1, -3, **AT),
        buy(ALPHA, "a2", 1, -6, **AT),
        sell(BRAVO, "b3", 1, -6, **AT),
        venue=[
            product(1, features=ALL_FEATURES | w.PAUSES, **PAUSES),
            *SPREADS[1:],
        ],
        events="""
            ACCEPTED o1 p1 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 qty 1 leaves 1 r2 s3
            FILL o2 t1 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 qty 1 of 2 leaves 1 cum 1 shows 1 of r1 s1 UNSOLICITED
            FILL o2 t1 @100 qty 1 cum 1 r2 s3 AGGRESSOR LEG i1 SELL
            FILL o2 t1 @100 qty 1 cum 1 r2 s3 AGGRESSOR LEG i2 BUY
            FILL o1 t1 @100 qty 1 of 2 leaves 1 cum 1 of r1 s1 UNSOLICITED LEG i1 BUY
            FILL o1 t1 @100 qty 1 of 2 leaves 1 cum 1 of r1 s1 UNSOLICITED LEG i2 SELL
            ACCEPTED o3 @-3 qty 1 leaves 1 r3 s3
            FILL o3 t2 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 qty 1 of 2 cum 2 of r1 s1 UNSOLICITED
            FILL o3 t2 @100 qty 1 cum 1 r3 s3 AGGRESSOR LEG i1 SELL
            FILL o3 t2 @100 qty 1 cum 1 r3 s3 AGGRESSOR LEG i2 BUY
            FILL o1 t2 @100 qty 1 of 2 cum 2 of r1 s1 UNSOLICITED LEG i1 BUY
            FILL o1 t2 @100 qty 1 of 2 cum 2 of r1 s1 UNSOLICITED LEG i2 SELL
            ACCEPTED o4 p2 @-6 qty 1 leaves 1 shows 1 r4 s1
            ACCEPTED o5 @-6 qty 1 leaves 1 r5 s3
            FILL o5 t3 @-6 qty 1 cum 1 r5 s3 AGGRESSOR
            FILL o4 p2 t3 @-6 qty 1 cum 1 of r4 s1 UNSOLICITED
            FILL o5 t3 @94 qty 1 cum 1 r5 s3 AGGRESSOR LEG i1 SELL
            FILL o5 t3 @100 qty 1 cum 1 r5 s3 AGGRESSOR LEG i2 BUY
            FILL o4 t3 @94 qty 1 cum 1 of r4 s1 UNSOLICITED LEG i1 BUY
            FILL o4 t3 @100 qty 1 cum 1 of r4 s1 UNSOLICITED LEG i2 SELL
            PHASE_CHANGED i4 VOLATILITY_PAUSE from NONE VELOCITY
        """,
    )


def test_m233_open_orders_and_limits_in_both_legs() -> None:
    narrow = {"position_long_max": 10, "position_short_max": 8}
    check(
        account(ALPHA.account, ALPHA.member, **narrow),
        buy(ALPHA, "a1", 6, -5, **AT),
        buy(ALPHA, "a2", 5, 95),
        sell(ALPHA, "a3", 3, 105, instrument=2),
        buy(ALPHA, "a4", 3, -5, **AT),
        sell(ALPHA, "a5", 9, 5, **AT),
        replace(ALPHA, "a6", "a1", 9, -5, **AT),
        replace(ALPHA, "a7", "a1", 8, -5, **AT),
        sell(ALPHA, "a8", 1, 105, instrument=2),
        cancel(ALPHA, "a9", "a7", **AT),
        sell(ALPHA, "a10", 8, 105, instrument=2),
        venue=SPREADS,
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @-5 qty 6 leaves 6 shows 6 r1 s1
            REJECTED @95 qty 5 r2 s1 POSITION_LONG_MAX
            REJECTED @105 qty 3 r3 s1 POSITION_SHORT_MAX
            REJECTED @-5 qty 3 r4 s1 POSITION_SHORT_MAX
            REJECTED @5 qty 9 r5 s1 POSITION_SHORT_MAX
            CANCEL_REJECTED o1 p1 @-5 of 6 leaves 6 shows 6 r6 of r1 s1 POSITION_SHORT_MAX
            REPLACED o1 p2 @-5 qty 8 leaves 8 shows 8 r7 s1
            REJECTED @105 qty 1 r8 s1 POSITION_SHORT_MAX
            CANCELLED o1 p2 @-5 qty 8 r9 of r7 s1
            ACCEPTED o2 p3 @105 qty 8 leaves 8 shows 8 r10 s1
        """,
    )


def test_m234_legs_behind_the_rows_of_a_trade() -> None:
    naive, engine = check(
        buy(ALPHA, "a1", 6, -5, display_qty=2, **AT),
        sell(BRAVO, "b1", 3, -6, **AT),
        venue=SPREADS,
        events="""
            ACCEPTED o1 p1 @-5 qty 6 leaves 6 shows 2 r1 s1
            ACCEPTED o2 @-6 qty 3 leaves 3 r2 s3
            FILL o2 t1 @-5 qty 2 of 3 leaves 1 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @-5 qty 2 of 6 leaves 4 cum 2 of r1 s1 UNSOLICITED
            FILL o2 t1 @95 qty 2 of 3 leaves 1 cum 2 r2 s3 AGGRESSOR LEG i1 SELL
            FILL o2 t1 @100 qty 2 of 3 leaves 1 cum 2 r2 s3 AGGRESSOR LEG i2 BUY
            FILL o1 t1 @95 qty 2 of 6 leaves 4 cum 2 of r1 s1 UNSOLICITED LEG i1 BUY
            FILL o1 t1 @100 qty 2 of 6 leaves 4 cum 2 of r1 s1 UNSOLICITED LEG i2 SELL
            REFRESHED o1 p2 @-5 of 6 leaves 4 cum 2 shows 2 of r1
            FILL o2 t2 @-5 qty 1 of 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p2 t2 @-5 qty 1 of 6 leaves 3 cum 3 shows 1 of r1 s1 UNSOLICITED
            FILL o2 t2 @95 qty 1 of 3 cum 3 r2 s3 AGGRESSOR LEG i1 SELL
            FILL o2 t2 @100 qty 1 of 3 cum 3 r2 s3 AGGRESSOR LEG i2 BUY
            FILL o1 t2 @95 qty 1 of 6 leaves 3 cum 3 of r1 s1 UNSOLICITED LEG i1 BUY
            FILL o1 t2 @100 qty 1 of 6 leaves 3 cum 3 of r1 s1 UNSOLICITED LEG i2 SELL
        """,
    )
    for account_id, lots in ((ALPHA.account, 3), (BRAVO.account, -3)):
        held = [engine.engine.position(account_id, number) for number in (1, 2, 4)]
        assert held == [lots, -lots, 0]
        assert naive.exchange.position(account_id, 1) == lots


def test_m234_legs_of_an_uncross() -> None:
    check(
        set_phase(w.PRE_OPEN, instrument=4),
        buy(ALPHA, "a1", 3, 0, **AT),
        sell(BRAVO, "b1", 2, -4, **AT),
        set_phase(w.CONTINUOUS, instrument=4),
        venue=SPREADS,
        events="""
            PHASE_CHANGED i4 PRE_OPEN from NONE
            ACCEPTED o1 p1 qty 3 leaves 3 shows 3 r1 s1
            ACCEPTED o2 p2 @-4 qty 2 leaves 2 shows 2 r2 s3
            INDICATIVE i4 qty 2 surplus 1
            PHASE_CHANGED i4 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 qty 2 of 3 leaves 1 cum 2 shows 1 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t1 qty 2 cum 2 of r2 s3 AUCTION UNSOLICITED
            FILL o1 t1 @100 qty 2 of 3 leaves 1 cum 2 of r1 s1 AUCTION UNSOLICITED LEG i1 BUY
            FILL o1 t1 @100 qty 2 of 3 leaves 1 cum 2 of r1 s1 AUCTION UNSOLICITED LEG i2 SELL
            FILL o2 t1 @100 qty 2 cum 2 of r2 s3 AUCTION UNSOLICITED LEG i1 SELL
            FILL o2 t1 @100 qty 2 cum 2 of r2 s3 AUCTION UNSOLICITED LEG i2 BUY
            UNCROSSED i4 qty 2 surplus 1
            PHASE_CHANGED i4 CONTINUOUS from AUCTION_MATCH
        """,
    )


def test_m235_leg_2_at_its_reference_leg_1_takes_the_rest() -> None:
    """Off its tick where the units differ; moved where leg 1 would lie beyond its limits."""
    check(
        buy(ALPHA, "a1", 1, 0, instrument=7, price=-7 * TICK - TICK // 2),
        sell(BRAVO, "b1", 1, 0, instrument=7, price=-7 * TICK - TICK // 2),
        buy(ALPHA, "a2", 1, 15, **AT),
        sell(BRAVO, "b2", 1, 15, **AT),
        buy(ALPHA, "a3", 1, -15, **AT),
        sell(BRAVO, "b3", 1, -15, **AT),
        venue=YIELD,
        events="""
            ACCEPTED o1 p1 @-7.5 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @-7.5 qty 1 leaves 1 r2 s3
            FILL o2 t1 @-7.5 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @-7.5 qty 1 cum 1 of r1 s1 UNSOLICITED
            FILL o2 t1 @199.655 qty 1 cum 1 r2 s3 AGGRESSOR LEG i5 SELL
            FILL o2 t1 @281 qty 1 cum 1 r2 s3 AGGRESSOR LEG i6 BUY
            FILL o1 t1 @199.655 qty 1 cum 1 of r1 s1 UNSOLICITED LEG i5 BUY
            FILL o1 t1 @281 qty 1 cum 1 of r1 s1 UNSOLICITED LEG i6 SELL
            ACCEPTED o3 p2 @15 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @15 qty 1 leaves 1 r4 s3
            FILL o4 t2 @15 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @15 qty 1 cum 1 of r3 s1 UNSOLICITED
            FILL o4 t2 @110 qty 1 cum 1 r4 s3 AGGRESSOR LEG i1 SELL
            FILL o4 t2 @95 qty 1 cum 1 r4 s3 AGGRESSOR LEG i2 BUY
            FILL o3 t2 @110 qty 1 cum 1 of r3 s1 UNSOLICITED LEG i1 BUY
            FILL o3 t2 @95 qty 1 cum 1 of r3 s1 UNSOLICITED LEG i2 SELL
            ACCEPTED o5 p3 @-15 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @-15 qty 1 leaves 1 r6 s3
            FILL o6 t3 @-15 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @-15 qty 1 cum 1 of r5 s1 UNSOLICITED
            FILL o6 t3 @90 qty 1 cum 1 r6 s3 AGGRESSOR LEG i1 SELL
            FILL o6 t3 @105 qty 1 cum 1 r6 s3 AGGRESSOR LEG i2 BUY
            FILL o5 t3 @90 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i1 BUY
            FILL o5 t3 @105 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i2 SELL
        """,
    )


def test_m236_settles_at_the_difference_of_the_legs() -> None:
    """Whatever the spread traded at; it ends with its first leg."""
    rests = {"instrument": 4, "time_in_force": w.GTC}
    check(
        buy(ALPHA, "a1", 1, -5, **AT),
        sell(BRAVO, "b1", 1, -5, **AT),
        buy(ALPHA, "a2", 1, 97),
        sell(BRAVO, "b2", 1, 97),
        buy(ALPHA, "a4", 1, 99, instrument=2),
        sell(BRAVO, "b4", 1, 99, instrument=2),
        buy(ALPHA, "a3", 3, -20, **rests),
        roll_product(1, DAY_2),
        roll_product(1, DAY_3),
        venue=SPREADS,
        events="""
            ACCEPTED o1 p1 @-5 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @-5 qty 1 leaves 1 r2 s3
            FILL o2 t1 @-5 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @-5 qty 1 cum 1 of r1 s1 UNSOLICITED
            FILL o2 t1 @95 qty 1 cum 1 r2 s3 AGGRESSOR LEG i1 SELL
            FILL o2 t1 @100 qty 1 cum 1 r2 s3 AGGRESSOR LEG i2 BUY
            FILL o1 t1 @95 qty 1 cum 1 of r1 s1 UNSOLICITED LEG i1 BUY
            FILL o1 t1 @100 qty 1 cum 1 of r1 s1 UNSOLICITED LEG i2 SELL
            ACCEPTED o3 p2 @97 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @97 qty 1 leaves 1 r4 s3
            FILL o4 t2 @97 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @97 qty 1 cum 1 of r3 s1 UNSOLICITED
            ACCEPTED o5 p3 @99 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @99 qty 1 leaves 1 r6 s3
            FILL o6 t3 @99 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @99 qty 1 cum 1 of r5 s1 UNSOLICITED
            ACCEPTED o7 p4 @-20 qty 3 leaves 3 shows 3 r7 s1
            SETTLED @97 value 97 qty 1 open 2
            LIMITS_SET @97 from 88 to 106
            SETTLED @99 value 99 qty 1
            LIMITS_SET @99 from 90 to 108
            SETTLED @-2 value -5 qty 1
            LIMITS_SET @-2 from -20 to 16
            EXPIRED o7 p4 @-20 qty 3 of r7 s1 UNSOLICITED INSTRUMENT_EXPIRED
            SETTLED @97 open 2
            LIMITS_SET @97 from 88 to 106
            SETTLED @99
            INSTRUMENT_EXPIRED
            SETTLED @-2
            INSTRUMENT_EXPIRED
        """,
    )
