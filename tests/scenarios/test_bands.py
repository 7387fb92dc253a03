"""Scenarios of section 10: limits of a listing day, bands, pauses (M-113 to M-116)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    DAY_2,
    DAY_3,
    SECOND,
    START_NS,
    buy,
    instrument,
    product,
    replace,
    roll_product,
    sell,
    set_phase,
    usual_venue,
)
from tests.scenarios import check

BANDED = [
    product(1, features=ALL_FEATURES | w.PRICE_BANDS, static_band_ticks=6, dynamic_band_ticks=3),
    *usual_venue()[1:],
]

LIMITS = {
    "features": ALL_FEATURES | w.PAUSES,
    "velocity_ticks": 4,
    "velocity_seconds": 2,
    "breaker_bp": 500,
    "pause_seconds": 30,
}
PAUSING = [product(1, **LIMITS), *usual_venue()[1:]]


def test_m113_limits_are_double_on_the_listing_day() -> None:
    doubles = {"features": ALL_FEATURES | w.LISTING_LIMIT_DOUBLE}
    check(
        product(4, **doubles),
        product(5, limit_bp=6_000, **doubles),
        instrument(4, 4),
        instrument(5, 4, first_trading_date=DAY_2),
        instrument(6, 5),
        roll_product(4, DAY_2),
        roll_product(4, DAY_3),
        events="""
            PRODUCT_DEFINED
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @100 from 80 to 120
            LIMITS_SET @100 from 80 to 120
            INSTRUMENT_DEFINED @100 from 80 to 120
            LIMITS_SET @100 from 80 to 120
            INSTRUMENT_DEFINED @100 from 1 to 199
            LIMITS_SET @100 from 1 to 199
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 80 to 120
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
        """,
    )


def test_m114_bands_around_reference_and_last_price() -> None:
    check(
        buy(ALPHA, "a1", 1, 104),
        buy(ALPHA, "a2", 1, 103),
        sell(BRAVO, "b1", 1, 97, time_in_force=w.IOC),
        sell(BRAVO, "b2", 1, 107),
        sell(BRAVO, "b3", 1, 99),
        sell(BRAVO, "b4", 1, 100),
        buy(ALPHA, "a3", 1, 107, time_in_force=w.IOC),
        buy(ALPHA, "a4", 1, 106, time_in_force=w.IOC),
        buy(ALPHA, "a5", 1, 91),
        replace(ALPHA, "a6", "a5", 1, 104),
        replace(ALPHA, "a7", "a5", 1, 92),
        venue=BANDED,
        events="""
            REJECTED @104 qty 1 r1 s1 PRICE_OUTSIDE_BAND
            ACCEPTED o1 p1 @103 qty 1 leaves 1 shows 1 r2 s1
            ACCEPTED o2 @97 qty 1 leaves 1 r3 s3
            FILL o2 t1 @103 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @103 qty 1 cum 1 of r2 s1 UNSOLICITED
            ACCEPTED o3 p2 @107 qty 1 leaves 1 shows 1 r4 s3
            REJECTED @99 qty 1 r5 s3 PRICE_OUTSIDE_BAND
            ACCEPTED o4 p3 @100 qty 1 leaves 1 shows 1 r6 s3
            REJECTED @107 qty 1 r7 s1 PRICE_OUTSIDE_BAND
            ACCEPTED o5 @106 qty 1 leaves 1 r8 s1
            FILL o5 t2 @100 qty 1 cum 1 r8 s1 AGGRESSOR
            FILL o4 p3 t2 @100 qty 1 cum 1 of r6 s3 UNSOLICITED
            ACCEPTED o6 p4 @91 qty 1 leaves 1 shows 1 r9 s1
            CANCEL_REJECTED o6 p4 @91 of 1 leaves 1 shows 1 r10 of r9 s1 PRICE_OUTSIDE_BAND
            REPLACED o6 p5 @92 qty 1 leaves 1 shows 1 r11 s1
        """,
    )


def test_m114_in_a_call_the_static_band_holds_alone() -> None:
    check(
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 1, 107),
        buy(ALPHA, "a2", 1, 106),
        sell(BRAVO, "b1", 1, 93),
        sell(BRAVO, "b2", 1, 94),
        venue=BANDED,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            REJECTED @107 qty 1 r1 s1 PRICE_OUTSIDE_BAND
            ACCEPTED o1 p1 @106 qty 1 leaves 1 shows 1 r2 s1
            REJECTED @93 qty 1 r3 s3 PRICE_OUTSIDE_BAND
            ACCEPTED o2 p2 @94 qty 1 leaves 1 shows 1 r4 s3
            INDICATIVE i1 @100 qty 1
        """,
    )


def test_m115_velocity_is_ticks_within_seconds() -> None:
    check(
        sell(BRAVO, "b1", 1, 101),
        sell(BRAVO, "b2", 1, 103),
        sell(BRAVO, "b3", 2, 105),
        buy(ALPHA, "a1", 1, 101, time_ns=START_NS + 10 * SECOND),
        buy(ALPHA, "a2", 1, 103, time_ns=START_NS + 11 * SECOND),
        buy(ALPHA, "a3", 1, 105, time_ns=START_NS + 12 * SECOND),
        buy(ALPHA, "a4", 1, 100, time_ns=START_NS + 13 * SECOND),
        sell(BRAVO, "b4", 2, 100, time_ns=START_NS + 13 * SECOND),
        venue=PAUSING,
        events="""
            ACCEPTED o1 p1 @101 qty 1 leaves 1 shows 1 r1 s3
            ACCEPTED o2 p2 @103 qty 1 leaves 1 shows 1 r2 s3
            ACCEPTED o3 p3 @105 qty 2 leaves 2 shows 2 r3 s3
            ACCEPTED o4 @101 qty 1 leaves 1 r4 s1
            FILL o4 t1 @101 qty 1 cum 1 r4 s1 AGGRESSOR
            FILL o1 p1 t1 @101 qty 1 cum 1 of r1 s3 UNSOLICITED
            ACCEPTED o5 @103 qty 1 leaves 1 r5 s1
            FILL o5 t2 @103 qty 1 cum 1 r5 s1 AGGRESSOR
            FILL o2 p2 t2 @103 qty 1 cum 1 of r2 s3 UNSOLICITED
            ACCEPTED o6 @105 qty 1 leaves 1 r6 s1
            FILL o6 t3 @105 qty 1 cum 1 r6 s1 AGGRESSOR
            FILL o3 p3 t3 @105 qty 1 of 2 leaves 1 cum 1 shows 1 of r3 s3 UNSOLICITED
            ACCEPTED o7 p4 @100 qty 1 leaves 1 shows 1 r7 s1
            ACCEPTED o8 @100 qty 2 leaves 2 r8 s3
            FILL o8 t4 @100 qty 1 of 2 leaves 1 cum 1 r8 s3 AGGRESSOR
            FILL o7 p4 t4 @100 qty 1 cum 1 of r7 s1 UNSOLICITED
            BOOKED o8 p5 @100 of 2 leaves 1 cum 1 shows 1 of r8
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE until 43 s VELOCITY
        """,
    )


def test_m115_the_circuit_breaker_looks_back_an_hour() -> None:
    hour = START_NS - START_NS % (60 * SECOND) + 3_600 * SECOND
    check(
        sell(BRAVO, "b1", 1, 98),
        sell(BRAVO, "b2", 1, 100),
        sell(BRAVO, "b3", 1, 103),
        sell(BRAVO, "b4", 1, 105),
        buy(ALPHA, "a1", 1, 98),
        buy(ALPHA, "a2", 1, 100, time_ns=hour),
        buy(ALPHA, "a3", 1, 103, time_ns=hour + 10 * SECOND),
        buy(ALPHA, "a4", 1, 105, time_ns=hour + 20 * SECOND),
        venue=PAUSING,
        events="""
            ACCEPTED o1 p1 @98 qty 1 leaves 1 shows 1 r1 s3
            ACCEPTED o2 p2 @100 qty 1 leaves 1 shows 1 r2 s3
            ACCEPTED o3 p3 @103 qty 1 leaves 1 shows 1 r3 s3
            ACCEPTED o4 p4 @105 qty 1 leaves 1 shows 1 r4 s3
            ACCEPTED o5 @98 qty 1 leaves 1 r5 s1
            FILL o5 t1 @98 qty 1 cum 1 r5 s1 AGGRESSOR
            FILL o1 p1 t1 @98 qty 1 cum 1 of r1 s3 UNSOLICITED
            ACCEPTED o6 @100 qty 1 leaves 1 r6 s1
            FILL o6 t2 @100 qty 1 cum 1 r6 s1 AGGRESSOR
            FILL o2 p2 t2 @100 qty 1 cum 1 of r2 s3 UNSOLICITED
            ACCEPTED o7 @103 qty 1 leaves 1 r7 s1
            FILL o7 t3 @103 qty 1 cum 1 r7 s1 AGGRESSOR
            FILL o3 p3 t3 @103 qty 1 cum 1 of r3 s3 UNSOLICITED
            ACCEPTED o8 @105 qty 1 leaves 1 r8 s1
            FILL o8 t4 @105 qty 1 cum 1 r8 s1 AGGRESSOR
            FILL o4 p4 t4 @105 qty 1 cum 1 of r4 s3 UNSOLICITED
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE until 3650 s CIRCUIT_BREAKER
        """,
    )


def test_m115_a_call_forgets_and_an_uncross_is_remembered() -> None:
    check(
        sell(BRAVO, "b0", 1, 97),
        buy(ALPHA, "a0", 1, 97),
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 1, 101),
        sell(BRAVO, "b1", 1, 101),
        sell(BRAVO, "b2", 1, 102),
        sell(BRAVO, "b3", 1, 105),
        set_phase(w.CONTINUOUS),
        buy(ALPHA, "a2", 1, 102),
        buy(ALPHA, "a3", 1, 105),
        venue=PAUSING,
        events="""
            ACCEPTED o1 p1 @97 qty 1 leaves 1 shows 1 r1 s3
            ACCEPTED o2 @97 qty 1 leaves 1 r2 s1
            FILL o2 t1 @97 qty 1 cum 1 r2 s1 AGGRESSOR
            FILL o1 p1 t1 @97 qty 1 cum 1 of r1 s3 UNSOLICITED
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o3 p2 @101 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 p3 @101 qty 1 leaves 1 shows 1 r4 s3
            INDICATIVE i1 @101 qty 1
            ACCEPTED o5 p4 @102 qty 1 leaves 1 shows 1 r5 s3
            ACCEPTED o6 p5 @105 qty 1 leaves 1 shows 1 r6 s3
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o3 p2 t2 @101 qty 1 cum 1 of r3 s1 AUCTION UNSOLICITED
            FILL o4 p3 t2 @101 qty 1 cum 1 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @101 qty 1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            ACCEPTED o7 @102 qty 1 leaves 1 r7 s1
            FILL o7 t3 @102 qty 1 cum 1 r7 s1 AGGRESSOR
            FILL o5 p4 t3 @102 qty 1 cum 1 of r5 s3 UNSOLICITED
            ACCEPTED o8 @105 qty 1 leaves 1 r8 s1
            FILL o8 t4 @105 qty 1 cum 1 r8 s1 AGGRESSOR
            FILL o6 p5 t4 @105 qty 1 cum 1 of r6 s3 UNSOLICITED
            PHASE_CHANGED i1 VOLATILITY_PAUSE from CONTINUOUS until 30.026 s VELOCITY
        """,
    )


def test_m116_the_product_pauses_and_reopens_by_an_auction() -> None:
    check(
        set_phase(w.CLOSED, instrument=4),
        sell(BRAVO, "b1", 1, 99),
        sell(BRAVO, "b2", 4, 103),
        buy(ALPHA, "a1", 3, 103),
        buy(ALPHA, "a2", 5, 104),
        set_phase(w.CONTINUOUS, instrument=0, product=1),
        venue=[
            product(1, **(LIMITS | {"features": ALL_FEATURES | w.PAUSES | w.PAUSE_PRODUCT})),
            *PAUSING[1:],
            instrument(4, 1),
        ],
        events="""
            PHASE_CHANGED i4 CLOSED from NONE
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s3
            ACCEPTED o2 p2 @103 qty 4 leaves 4 shows 4 r2 s3
            ACCEPTED o3 @103 qty 3 leaves 3 r3 s1
            FILL o3 t1 @99 qty 1 of 3 leaves 2 cum 1 r3 s1 AGGRESSOR
            FILL o1 p1 t1 @99 qty 1 cum 1 of r1 s3 UNSOLICITED
            FILL o3 t2 @103 qty 2 of 3 cum 3 r3 s1 AGGRESSOR
            FILL o2 p2 t2 @103 qty 2 of 4 leaves 2 cum 2 shows 2 of r2 s3 UNSOLICITED
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE until 30.021 s VELOCITY
            PHASE_CHANGED i2 VOLATILITY_PAUSE from NONE until 30.021 s VELOCITY
            ACCEPTED o4 p3 @104 qty 5 leaves 5 shows 5 r4 s1
            INDICATIVE i1 @103 qty 2 surplus 3
            PHASE_CHANGED i1 AUCTION_MATCH from VOLATILITY_PAUSE
            FILL o4 p3 t3 @103 qty 2 of 5 leaves 3 cum 2 shows 3 of r4 s1 AUCTION UNSOLICITED
            FILL o2 p2 t3 @103 qty 2 of 4 cum 4 of r2 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @103 qty 2 surplus 3
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            PHASE_CHANGED i2 AUCTION_MATCH from VOLATILITY_PAUSE
            UNCROSSED i2
            PHASE_CHANGED i2 CONTINUOUS from AUCTION_MATCH
            PHASE_CHANGED i4 CONTINUOUS from CLOSED
        """,
    )
