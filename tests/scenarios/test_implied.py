"""Scenarios of section 21: implied prices of calendar spreads (M-240 to M-248)."""

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
    buy,
    cancel,
    instrument,
    mass_cancel,
    product,
    quote,
    replace,
    sell,
    set_implied,
    set_phase,
    spread,
    stop,
    usual_venue,
)
from tests.scenarios import check

MONTHS = [product(1, features=ALL_FEATURES | w.IMPLIED_PRICES), *usual_venue()[1:]]
ENDS = {"last_trading_date": DAY_2}
CALENDARS = [*MONTHS, spread(4, 1, 1, 2, **ENDS)]
NEAR, FAR, AT = {"instrument": 1}, {"instrument": 2}, {"instrument": 4}
THREE = [*MONTHS, instrument(5, 1), *(spread(6, 1, 1, 2, **ENDS), spread(7, 1, 2, 5, **ENDS))]
THREE += [spread(8, 1, 1, 5)]


def test_m240_which_spreads_are_relations() -> None:
    """Without the feature, with two lots or of two products nothing is implied."""
    check(
        product(5, features=ALL_FEATURES),
        instrument(10, 5),
        instrument(11, 5),
        spread(12, 5, 10, 11),
        spread(13, 1, 1, 2, lots_1=2, lots_2=2, **ENDS),
        spread(14, 5, 1, 2, **ENDS),
        spread(4, 1, 1, 2, **ENDS),
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        sell(ALPHA, "a3", 5, 103, instrument=10),
        buy(ALPHA, "a4", 5, 101, instrument=11),
        venue=MONTHS,
        events="""
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            INSTRUMENT_DEFINED from -20 to 20
            LIMITS_SET from -20 to 20
            INSTRUMENT_DEFINED from -40 to 40
            LIMITS_SET from -40 to 40
            INSTRUMENT_DEFINED from -20 to 20
            LIMITS_SET from -20 to 20
            INSTRUMENT_DEFINED from -20 to 20
            LIMITS_SET from -20 to 20
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i4 SELL @2
            ACCEPTED o3 p3 @103 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p4 @101 qty 5 leaves 5 shows 5 r4 s1
        """,
    )


def test_m241_only_books_that_trade_continuously() -> None:
    """A month in a call implies nothing, one past its scheduled end trades with nobody."""
    check(
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        set_phase(w.PRE_OPEN, instrument=2),
        buy(BRAVO, "b1", 1, 2, **AT),
        cancel(BRAVO, "b2", "b1", **AT),
        set_phase(w.CONTINUOUS, instrument=2, scheduled_end_ns=START_NS + SECOND),
        buy(BRAVO, "b3", 1, 2, **AT) | {"time_ns": START_NS + 2 * SECOND},
        buy(BRAVO, "b4", 1, 2, exec_inst=1, **AT),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i4 SELL @2
            PHASE_CHANGED i2 PRE_OPEN from NONE
            IMPLIED i4 SELL none
            ACCEPTED o3 p3 @2 qty 1 leaves 1 shows 1 r3 s3
            CANCELLED o3 p3 @2 qty 1 r4 of r3 s3
            PHASE_CHANGED i2 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i2
            PHASE_CHANGED i2 CONTINUOUS from AUCTION_MATCH until 1 s
            IMPLIED i4 SELL @2
            ACCEPTED o4 p4 @2 qty 1 leaves 1 shows 1 r5 s3
            IMPLIED i1 BUY @103
            IMPLIED i2 SELL @101
            ACCEPTED o5 p5 @2 qty 1 leaves 1 shows 1 r6 s3
        """,
    )


def test_m242_the_better_price_and_the_book_first() -> None:
    check(
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        sell(ALPHA, "a3", 2, 2, **AT),
        sell(ALPHA, "a4", 2, 1, **AT),
        sell(ALPHA, "a5", 9, 3, **AT),
        buy(BRAVO, "b1", 1, 2, exec_inst=1, **AT),
        buy(BRAVO, "b2", 12, 3, **AT),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i4 SELL @2
            ACCEPTED o3 p3 @2 qty 2 leaves 2 shows 2 r3 s1
            ACCEPTED o4 p4 @1 qty 2 leaves 2 shows 2 r4 s1
            ACCEPTED o5 p5 @3 qty 9 leaves 9 shows 9 r5 s1
            REJECTED @2 qty 1 r6 s3 POST_ONLY_WOULD_TRADE
            ACCEPTED o6 @3 qty 12 leaves 12 r7 s3
            FILL o6 t1 @1 qty 2 of 12 leaves 10 cum 2 r7 s3 AGGRESSOR
            FILL o4 p4 t1 @1 qty 2 cum 2 of r4 s1 UNSOLICITED
            FILL o6 t1 @101 qty 2 of 12 leaves 10 cum 2 r7 s3 AGGRESSOR LEG i1 BUY
            FILL o6 t1 @100 qty 2 of 12 leaves 10 cum 2 r7 s3 AGGRESSOR LEG i2 SELL
            FILL o4 t1 @101 qty 2 cum 2 of r4 s1 UNSOLICITED LEG i1 SELL
            FILL o4 t1 @100 qty 2 cum 2 of r4 s1 UNSOLICITED LEG i2 BUY
            FILL o6 t2 @2 qty 2 of 12 leaves 8 cum 4 r7 s3 AGGRESSOR
            FILL o3 p3 t2 @2 qty 2 cum 2 of r3 s1 UNSOLICITED
            FILL o6 t2 @102 qty 2 of 12 leaves 8 cum 4 r7 s3 AGGRESSOR LEG i1 BUY
            FILL o6 t2 @100 qty 2 of 12 leaves 8 cum 4 r7 s3 AGGRESSOR LEG i2 SELL
            FILL o3 t2 @102 qty 2 cum 2 of r3 s1 UNSOLICITED LEG i1 SELL
            FILL o3 t2 @100 qty 2 cum 2 of r3 s1 UNSOLICITED LEG i2 BUY
            FILL o6 t3 @2 qty 5 of 12 leaves 3 cum 9 r7 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t3 @103 qty 5 cum 5 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t3 @101 qty 5 cum 5 of r2 s1 IMPLIED UNSOLICITED
            FILL o6 t3 @103 qty 5 of 12 leaves 3 cum 9 r7 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o6 t3 @101 qty 5 of 12 leaves 3 cum 9 r7 s3 IMPLIED AGGRESSOR LEG i2 SELL
            FILL o6 t4 @3 qty 3 of 12 cum 12 r7 s3 AGGRESSOR
            FILL o5 p5 t4 @3 qty 3 of 9 leaves 6 cum 3 shows 6 of r5 s1 UNSOLICITED
            FILL o6 t4 @103 qty 3 of 12 cum 12 r7 s3 AGGRESSOR LEG i1 BUY
            FILL o6 t4 @100 qty 3 of 12 cum 12 r7 s3 AGGRESSOR LEG i2 SELL
            FILL o5 t4 @103 qty 3 of 9 leaves 6 cum 3 of r5 s1 UNSOLICITED LEG i1 SELL
            FILL o5 t4 @100 qty 3 of 9 leaves 6 cum 3 of r5 s1 UNSOLICITED LEG i2 BUY
            IMPLIED i4 SELL none
        """,
    )


def test_m242_of_equal_prices_the_lowest_spread() -> None:
    check(
        sell(ALPHA, "a1", 5, 2, instrument=8),
        sell(ALPHA, "a2", 5, 101, instrument=5),
        sell(ALPHA, "a3", 5, 1, instrument=6),
        sell(ALPHA, "a4", 5, 102, **FAR),
        buy(BRAVO, "b1", 7, 103, **NEAR),
        venue=THREE,
        events="""
            ACCEPTED o1 p1 @2 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i1 SELL @103
            ACCEPTED o3 p3 @1 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p4 @102 qty 5 leaves 5 shows 5 r4 s1
            ACCEPTED o5 @103 qty 7 leaves 7 r5 s3
            FILL o5 t1 @103 qty 5 of 7 leaves 2 cum 5 r5 s3 IMPLIED AGGRESSOR
            FILL o3 p3 t1 @1 qty 5 cum 5 of r3 s1 IMPLIED UNSOLICITED
            FILL o4 p4 t1 @102 qty 5 cum 5 of r4 s1 IMPLIED UNSOLICITED
            FILL o3 t1 @103 qty 5 cum 5 of r3 s1 IMPLIED UNSOLICITED LEG i1 SELL
            FILL o3 t1 @102 qty 5 cum 5 of r3 s1 IMPLIED UNSOLICITED LEG i2 BUY
            FILL o5 t2 @103 qty 2 of 7 cum 7 r5 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t2 @2 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t2 @101 qty 2 of 5 leaves 3 cum 2 shows 3 of r2 s1 IMPLIED UNSOLICITED
            FILL o1 t2 @103 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED LEG i1 SELL
            FILL o1 t2 @101 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED LEG i5 BUY
        """,
    )


def test_m242_moved_to_the_near_limit_none_beyond_the_far_one() -> None:
    """What is left between limit and implied price is the spread order's."""
    check(
        sell(ALPHA, "a1", 5, -8, **AT),
        sell(ALPHA, "a2", 5, 95, **FAR),
        buy(BRAVO, "b1", 2, 91, **NEAR),
        sell(ALPHA, "a3", 5, 94, **FAR),
        cancel(ALPHA, "a4", "a1", **AT),
        sell(ALPHA, "a5", 5, 18, **AT),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @-8 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @95 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i1 SELL @90
            ACCEPTED o3 @91 qty 2 leaves 2 r3 s3
            FILL o3 t1 @90 qty 2 cum 2 r3 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t1 @-5 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t1 @95 qty 2 of 5 leaves 3 cum 2 shows 3 of r2 s1 IMPLIED UNSOLICITED
            FILL o1 t1 @90 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED LEG i1 SELL
            FILL o1 t1 @95 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED LEG i2 BUY
            ACCEPTED o4 p3 @94 qty 5 leaves 5 shows 5 r4 s1
            CANCELLED o1 p1 @-8 qty 3 of 5 cum 2 r5 of r1 s1
            IMPLIED i1 SELL none
            ACCEPTED o5 p4 @18 qty 5 leaves 5 shows 5 r6 s1
        """,
    )


def test_m242_fok_min_qty_and_market_count_orders_only() -> None:
    check(
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        buy(BRAVO, "b1", 1, 3, time_in_force=w.FOK, **AT),
        buy(BRAVO, "b2", 1, 3, time_in_force=w.IOC, min_qty=1, **AT),
        buy(BRAVO, "b3", 1, 0, ord_type=w.MARKET, **AT),
        sell(ALPHA, "a3", 1, 3, **AT),
        buy(BRAVO, "b4", 1, 3, time_in_force=w.FOK, **AT),
        buy(BRAVO, "b5", 3, 0, ord_type=w.MARKET, **AT),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i4 SELL @2
            ACCEPTED o3 @3 qty 1 leaves 1 r3 s3
            CANCELLED o3 @3 qty 1 of r3 s3 UNSOLICITED FOK
            ACCEPTED o4 @3 qty 1 leaves 1 r4 s3
            CANCELLED o4 @3 qty 1 of r4 s3 UNSOLICITED MIN_QTY
            ACCEPTED o5 qty 1 leaves 1 r5 s3
            CANCELLED o5 qty 1 of r5 s3 UNSOLICITED MARKET_BAND
            ACCEPTED o6 p3 @3 qty 1 leaves 1 shows 1 r6 s1
            ACCEPTED o7 @3 qty 1 leaves 1 r7 s3
            FILL o7 t1 @2 qty 1 cum 1 r7 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t1 @103 qty 1 of 5 leaves 4 cum 1 shows 4 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t1 @101 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s1 IMPLIED UNSOLICITED
            FILL o7 t1 @103 qty 1 cum 1 r7 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o7 t1 @101 qty 1 cum 1 r7 s3 IMPLIED AGGRESSOR LEG i2 SELL
            ACCEPTED o8 qty 3 leaves 3 r8 s3
            FILL o8 t2 @2 qty 3 cum 3 r8 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t2 @103 qty 3 of 5 leaves 1 cum 4 shows 1 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t2 @101 qty 3 of 5 leaves 1 cum 4 shows 1 of r2 s1 IMPLIED UNSOLICITED
            FILL o8 t2 @103 qty 3 cum 3 r8 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o8 t2 @101 qty 3 cum 3 r8 s3 IMPLIED AGGRESSOR LEG i2 SELL
        """,
    )


def test_m243_three_orders_one_trade() -> None:
    """A month comes in; one member has all orders; a stop is reached in the other month."""
    check(
        buy(ALPHA, "a1", 5, -2, display_qty=2, **AT),
        buy(ALPHA, "a2", 5, 101, **FAR),
        stop(CHARLIE, "c1", w.BUY, 1, 101, ticks=103, **FAR),
        sell(ALPHA, "a3", 3, 98, **NEAR),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @-2 qty 5 leaves 5 shows 2 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i1 BUY @99
            ACCEPTED o3 @103 qty 1 leaves 1 r3 s4
            ACCEPTED o4 @98 qty 3 leaves 3 r4 s1
            FILL o4 t1 @99 qty 2 of 3 leaves 1 cum 2 r4 s1 IMPLIED AGGRESSOR
            FILL o1 p1 t1 @-2 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t1 @101 qty 2 of 5 leaves 3 cum 2 shows 3 of r2 s1 IMPLIED UNSOLICITED
            FILL o1 t1 @99 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED LEG i1 BUY
            FILL o1 t1 @101 qty 2 of 5 leaves 3 cum 2 of r1 s1 IMPLIED UNSOLICITED LEG i2 SELL
            REFRESHED o1 p3 @-2 of 5 leaves 3 cum 2 shows 2 of r1
            FILL o4 t2 @99 qty 1 of 3 cum 3 r4 s1 IMPLIED AGGRESSOR
            FILL o1 p3 t2 @-2 qty 1 of 5 leaves 2 cum 3 shows 1 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t2 @101 qty 1 of 5 leaves 2 cum 3 shows 2 of r2 s1 IMPLIED UNSOLICITED
            FILL o1 t2 @99 qty 1 of 5 leaves 2 cum 3 of r1 s1 IMPLIED UNSOLICITED LEG i1 BUY
            FILL o1 t2 @101 qty 1 of 5 leaves 2 cum 3 of r1 s1 IMPLIED UNSOLICITED LEG i2 SELL
            TRIGGERED o3 @103 of 1 leaves 1 of r3 s4 UNSOLICITED
            BOOKED o3 p4 @103 of 1 leaves 1 shows 1 of r3
            IMPLIED i1 BUY @101
        """,
    )


def test_m244_rows_of_the_legs_and_slices() -> None:
    check(
        sell(ALPHA, "a1", 6, 103, display_qty=2, **NEAR),
        buy(CHARLIE, "c1", 6, 101, display_qty=3, **FAR),
        buy(BRAVO, "b1", 5, 4, **AT),
        replace(BRAVO, "b2", "b1", 7, 3, **AT),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @103 qty 6 leaves 6 shows 2 r1 s1
            ACCEPTED o2 p2 @101 qty 6 leaves 6 shows 3 r2 s4
            IMPLIED i4 SELL @2
            ACCEPTED o3 @4 qty 5 leaves 5 r3 s3
            FILL o3 t1 @2 qty 2 of 5 leaves 3 cum 2 r3 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t1 @103 qty 2 of 6 leaves 4 cum 2 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t1 @101 qty 2 of 6 leaves 4 cum 2 shows 1 of r2 s4 IMPLIED UNSOLICITED
            FILL o3 t1 @103 qty 2 of 5 leaves 3 cum 2 r3 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o3 t1 @101 qty 2 of 5 leaves 3 cum 2 r3 s3 IMPLIED AGGRESSOR LEG i2 SELL
            REFRESHED o1 p3 @103 of 6 leaves 4 cum 2 shows 2 of r1
            FILL o3 t2 @2 qty 1 of 5 leaves 2 cum 3 r3 s3 IMPLIED AGGRESSOR
            FILL o1 p3 t2 @103 qty 1 of 6 leaves 3 cum 3 shows 1 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t2 @101 qty 1 of 6 leaves 3 cum 3 of r2 s4 IMPLIED UNSOLICITED
            FILL o3 t2 @103 qty 1 of 5 leaves 2 cum 3 r3 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o3 t2 @101 qty 1 of 5 leaves 2 cum 3 r3 s3 IMPLIED AGGRESSOR LEG i2 SELL
            REFRESHED o2 p4 @101 of 6 leaves 3 cum 3 shows 3 of r2
            FILL o3 t3 @2 qty 1 of 5 leaves 1 cum 4 r3 s3 IMPLIED AGGRESSOR
            FILL o1 p3 t3 @103 qty 1 of 6 leaves 2 cum 4 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p4 t3 @101 qty 1 of 6 leaves 2 cum 4 shows 2 of r2 s4 IMPLIED UNSOLICITED
            FILL o3 t3 @103 qty 1 of 5 leaves 1 cum 4 r3 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o3 t3 @101 qty 1 of 5 leaves 1 cum 4 r3 s3 IMPLIED AGGRESSOR LEG i2 SELL
            REFRESHED o1 p5 @103 of 6 leaves 2 cum 4 shows 2 of r1
            FILL o3 t4 @2 qty 1 of 5 cum 5 r3 s3 IMPLIED AGGRESSOR
            FILL o1 p5 t4 @103 qty 1 of 6 leaves 1 cum 5 shows 1 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p4 t4 @101 qty 1 of 6 leaves 1 cum 5 shows 1 of r2 s4 IMPLIED UNSOLICITED
            FILL o3 t4 @103 qty 1 of 5 cum 5 r3 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o3 t4 @101 qty 1 of 5 cum 5 r3 s3 IMPLIED AGGRESSOR LEG i2 SELL
            CANCEL_REJECTED r4 of r3 s3 TOO_LATE
        """,
    )


def test_m245_books_that_join_trade_out_what_they_cross() -> None:
    """After calls of all three, and after the switch."""
    check(
        set_phase(w.PRE_OPEN, instrument=0, product=1),
        sell(ALPHA, "a1", 3, 99, **NEAR),
        buy(ALPHA, "a2", 4, 101, **FAR),
        buy(BRAVO, "b1", 9, 1, **AT),
        set_phase(w.CONTINUOUS, instrument=0, product=1),
        set_implied(1, 0),
        sell(ALPHA, "a3", 2, 97, **NEAR),
        set_implied(1, 1),
        venue=CALENDARS,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            PHASE_CHANGED i2 PRE_OPEN from NONE
            PHASE_CHANGED i4 PRE_OPEN from NONE
            ACCEPTED o1 p1 @99 qty 3 leaves 3 shows 3 r1 s1
            ACCEPTED o2 p2 @101 qty 4 leaves 4 shows 4 r2 s1
            ACCEPTED o3 p3 @1 qty 9 leaves 9 shows 9 r3 s3
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            PHASE_CHANGED i2 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i2
            PHASE_CHANGED i2 CONTINUOUS from AUCTION_MATCH
            PHASE_CHANGED i4 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i4
            PHASE_CHANGED i4 CONTINUOUS from AUCTION_MATCH
            FILL o3 p3 t1 @-2 qty 3 of 9 leaves 6 cum 3 shows 6 of r3 s3 IMPLIED UNSOLICITED
            FILL o1 p1 t1 @99 qty 3 cum 3 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t1 @101 qty 3 of 4 leaves 1 cum 3 shows 1 of r2 s1 IMPLIED UNSOLICITED
            FILL o3 t1 @99 qty 3 of 9 leaves 6 cum 3 of r3 s3 IMPLIED UNSOLICITED LEG i1 BUY
            FILL o3 t1 @101 qty 3 of 9 leaves 6 cum 3 of r3 s3 IMPLIED UNSOLICITED LEG i2 SELL
            IMPLIED i1 BUY @102
            IMPLIED_SET for 1
            IMPLIED i1 BUY none
            ACCEPTED o4 p4 @97 qty 2 leaves 2 shows 2 r4 s1
            IMPLIED_SET qty 1 for 1
            FILL o3 p3 t2 @-4 qty 1 of 9 leaves 5 cum 4 shows 5 of r3 s3 IMPLIED UNSOLICITED
            FILL o4 p4 t2 @97 qty 1 of 2 leaves 1 cum 1 shows 1 of r4 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t2 @101 qty 1 of 4 cum 4 of r2 s1 IMPLIED UNSOLICITED
            FILL o3 t2 @97 qty 1 of 9 leaves 5 cum 4 of r3 s3 IMPLIED UNSOLICITED LEG i1 BUY
            FILL o3 t2 @101 qty 1 of 9 leaves 5 cum 4 of r3 s3 IMPLIED UNSOLICITED LEG i2 SELL
            IMPLIED i2 SELL @96
        """,
    )


def test_m246_changes_of_the_best_prices() -> None:
    check(
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        buy(ALPHA, "a3", 5, 99, instrument=5),
        buy(ALPHA, "a4", 5, 1, instrument=7),
        buy(ALPHA, "a5", 5, 100, **FAR),
        cancel(ALPHA, "a6", "a2", **FAR),
        mass_cancel(ALPHA, "a7", w.SCOPE_MEMBER),
        venue=THREE,
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i6 SELL @2
            ACCEPTED o3 p3 @99 qty 5 leaves 5 shows 5 r3 s1
            IMPLIED i8 SELL @4
            ACCEPTED o4 p4 @1 qty 5 leaves 5 shows 5 r4 s1
            IMPLIED i2 BUY @100
            ACCEPTED o5 p5 @100 qty 5 leaves 5 shows 5 r5 s1
            CANCELLED o2 p2 @101 qty 5 r6 of r2 s1
            IMPLIED i6 SELL @3
            CANCELLED o1 p1 @103 qty 5 of r1 s1 UNSOLICITED MASS_CANCEL
            CANCELLED o3 p3 @99 qty 5 of r3 s1 UNSOLICITED MASS_CANCEL
            CANCELLED o4 p4 @1 qty 5 of r4 s1 UNSOLICITED MASS_CANCEL
            CANCELLED o5 p5 @100 qty 5 of r5 s1 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 4 r7 s1
            IMPLIED i2 BUY none
            IMPLIED i6 SELL none
            IMPLIED i8 SELL none
        """,
    )


def test_m247_the_switch() -> None:
    check(
        sell(ALPHA, "a1", 5, 103, **NEAR),
        buy(ALPHA, "a2", 5, 101, **FAR),
        set_implied(1, 1),
        set_implied(1, 2),
        set_implied(2, 0),
        set_implied(9, 0),
        set_implied(1, 0, reason=7),
        buy(BRAVO, "b1", 1, 2, **AT),
        set_implied(1, 1),
        venue=CALENDARS,
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i4 SELL @2
            IMPLIED_SET for 7
            IMPLIED i4 SELL none
            ACCEPTED o3 p3 @2 qty 1 leaves 1 shows 1 r3 s3
            IMPLIED_SET qty 1 for 1
            FILL o3 p3 t1 @2 qty 1 cum 1 of r3 s3 IMPLIED UNSOLICITED
            FILL o1 p1 t1 @103 qty 1 of 5 leaves 4 cum 1 shows 4 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t1 @101 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s1 IMPLIED UNSOLICITED
            FILL o3 t1 @103 qty 1 cum 1 of r3 s3 IMPLIED UNSOLICITED LEG i1 BUY
            FILL o3 t1 @101 qty 1 cum 1 of r3 s3 IMPLIED UNSOLICITED LEG i2 SELL
            IMPLIED i4 SELL @2
        """,
    )


def test_m248_no_mass_quotes_of_a_relation() -> None:
    check(
        set_implied(1, 0),
        quote(ALPHA, "q1", (1, 99), (1, 101)),
        venue=CALENDARS,
        events="""
            IMPLIED_SET for 1
            QUOTES_TAKEN r1 s1
            QUOTE_REJECTED q1 set 1 i1 r1 s1 PHASE_TAKES_NO_QUOTES
        """,
    )
