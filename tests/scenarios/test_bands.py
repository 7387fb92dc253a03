"""Scenarios of section 10: limits of a listing day, bands (M-113, M-114)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    DAY_2,
    DAY_3,
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
