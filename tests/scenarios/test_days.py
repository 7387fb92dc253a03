"""Scenarios of section 8: rolls, expiry, halts (M-70 to M-74)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    CHARLIE,
    DAY_2,
    DAY_3,
    buy,
    cancel,
    command,
    instrument,
    member,
    product,
    replace,
    roll_day,
    roll_product,
    sell,
    usual_venue,
)
from tests.scenarios import check


def test_m70_orders_expire_in_order_of_their_ids_then_instruments_settle() -> None:
    """Instrument 2 trades last on DAY_2; instrument 3 is of another product."""
    dated = {"time_in_force": w.GTD}
    check(
        sell(ALPHA, "a1", 5, 101),
        sell(ALPHA, "a2", 5, 101, time_in_force=w.GTC),
        sell(ALPHA, "a3", 5, 101, expire_date=20261201, **dated),
        sell(ALPHA, "a4", 5, 101, expire_date=DAY_2, **dated),
        buy(BRAVO, "b1", 5, 99, instrument=2, time_in_force=w.GTC),
        buy(BRAVO, "b2", 5, 99, instrument=3, position_effect=w.OPEN),
        roll_product(1, DAY_2),
        roll_product(1, DAY_3),
        buy(BRAVO, "b3", 5, 99, instrument=2),
        cancel(BRAVO, "b4", "b1", instrument=2),
        roll_product(1, DAY_3 + 1),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @101 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p4 @101 qty 5 leaves 5 shows 5 r4 s1
            ACCEPTED o5 p5 @99 qty 5 leaves 5 shows 5 r5 s3
            ACCEPTED o6 p6 @99 qty 5 leaves 5 shows 5 r6 s3
            EXPIRED o1 p1 @101 qty 5 of r1 s1 UNSOLICITED DAY_END
            EXPIRED o3 p3 @101 qty 5 of r3 s1 UNSOLICITED EXPIRE_DATE
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            EXPIRED o4 p4 @101 qty 5 of r4 s1 UNSOLICITED EXPIRE_DATE
            EXPIRED o5 p5 @99 qty 5 of r5 s3 UNSOLICITED INSTRUMENT_EXPIRED
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            INSTRUMENT_EXPIRED
            REJECTED @99 qty 5 r7 s3 INSTRUMENT_NOT_TRADING
            CANCEL_REJECTED r8 of r5 s3 TOO_LATE
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
        """,
    )


def test_m70_orders_beyond_the_new_limits_expire() -> None:
    """Settled at 92: the next day's limits are 83 to 101."""
    good = {"time_in_force": w.GTC}
    check(
        sell(ALPHA, "a1", 5, 103, **good),
        sell(ALPHA, "a2", 5, 101, **good),
        sell(CHARLIE, "c1", 5, 102, **good),
        sell(ALPHA, "a3", 5, 92),
        buy(BRAVO, "b1", 5, 92),
        roll_product(1, DAY_2),
        sell(ALPHA, "a4", 5, 102),
        sell(ALPHA, "a5", 5, 83, **good),
        buy(BRAVO, "b2", 1, 82),
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @102 qty 5 leaves 5 shows 5 r3 s4
            ACCEPTED o4 p4 @92 qty 5 leaves 5 shows 5 r4 s1
            ACCEPTED o5 @92 qty 5 leaves 5 r5 s3
            FILL o5 t1 @92 qty 5 cum 5 r5 s3 AGGRESSOR
            FILL o4 p4 t1 @92 qty 5 cum 5 of r4 s1 UNSOLICITED
            SETTLED @92 value 460 qty 5 open 5
            LIMITS_SET @92 from 83 to 101
            EXPIRED o1 p1 @103 qty 5 of r1 s1 UNSOLICITED BEYOND_LIMITS
            EXPIRED o3 p3 @102 qty 5 of r3 s4 UNSOLICITED BEYOND_LIMITS
            SETTLED @92 NEIGHBOUR
            LIMITS_SET @92 from 83 to 101
            REJECTED @102 qty 5 r6 s1 PRICE_ABOVE_LIMIT
            ACCEPTED o6 p5 @83 qty 5 leaves 5 shows 5 r7 s1
            REJECTED @82 qty 1 r8 s3 PRICE_BELOW_LIMIT
        """,
    )


def test_m70_last_starts_again_at_the_new_reference() -> None:
    """Median of bid 105, ask 95 and last: 100 before any trade, the settlement after the roll."""
    opens = {"instrument": 3, "position_effect": w.OPEN}
    check(
        sell(ALPHA, "a1", 1, 104, **opens),
        buy(BRAVO, "b1", 1, 104, **opens),
        sell(ALPHA, "a2", 1, 96, **opens),
        buy(BRAVO, "b2", 1, 104, **opens),
        sell(ALPHA, "a3", 3, 98, **opens),
        buy(BRAVO, "b3", 3, 98, **opens),
        roll_product(2, DAY_2),
        sell(ALPHA, "a4", 1, 95, **opens),
        buy(BRAVO, "b4", 1, 105, **opens),
        events="""
            ACCEPTED o1 p1 @104 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @104 qty 1 leaves 1 r2 s3
            FILL o2 t1 @104 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @104 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @96 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @104 qty 1 leaves 1 r4 s3
            FILL o4 t2 @104 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @104 qty 1 cum 1 of r3 s1 UNSOLICITED
            ACCEPTED o5 p3 @98 qty 3 leaves 3 shows 3 r5 s1
            ACCEPTED o6 @98 qty 3 leaves 3 r6 s3
            FILL o6 t3 @98 qty 3 cum 3 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @98 qty 3 cum 3 of r5 s1 UNSOLICITED
            SETTLED @100 value 502 qty 5 open 5
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o7 p4 @95 qty 1 leaves 1 shows 1 r7 s1
            ACCEPTED o8 @105 qty 1 leaves 1 r8 s3
            FILL o8 t4 @100 qty 1 cum 1 r8 s3 AGGRESSOR
            FILL o7 p4 t4 @100 qty 1 cum 1 of r7 s1 UNSOLICITED
        """,
    )


def test_m71_settlement_is_the_days_average_rounded_half_away_from_zero() -> None:
    """1 at 100, 1 at 101: 100.5, rounded to 101; the next day without trades keeps it."""
    check(
        sell(ALPHA, "a1", 1, 100),
        sell(ALPHA, "a2", 1, 101),
        buy(BRAVO, "b1", 2, 101),
        roll_product(1, DAY_2),
        sell(ALPHA, "a3", 3, 100),
        buy(BRAVO, "b2", 3, 100),
        sell(ALPHA, "a4", 2, 101),
        buy(BRAVO, "b3", 2, 101),
        roll_product(1, DAY_2 + 1),
        roll_product(1, DAY_2 + 2),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 r2 s1
            ACCEPTED o3 @101 qty 2 leaves 2 r3 s3
            FILL o3 t1 @100 qty 1 of 2 leaves 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 cum 1 of r1 s1 UNSOLICITED
            FILL o3 t2 @101 qty 1 of 2 cum 2 r3 s3 AGGRESSOR
            FILL o2 p2 t2 @101 qty 1 cum 1 of r2 s1 UNSOLICITED
            SETTLED @101 value 201 qty 2 open 2
            LIMITS_SET @101 from 91 to 111
            SETTLED @101 NEIGHBOUR
            LIMITS_SET @101 from 91 to 111
            ACCEPTED o4 p3 @100 qty 3 leaves 3 shows 3 r4 s1
            ACCEPTED o5 @100 qty 3 leaves 3 r5 s3
            FILL o5 t3 @100 qty 3 cum 3 r5 s3 AGGRESSOR
            FILL o4 p3 t3 @100 qty 3 cum 3 of r4 s1 UNSOLICITED
            ACCEPTED o6 p4 @101 qty 2 leaves 2 shows 2 r6 s1
            ACCEPTED o7 @101 qty 2 leaves 2 r7 s3
            FILL o7 t4 @101 qty 2 cum 2 r7 s3 AGGRESSOR
            FILL o6 p4 t4 @101 qty 2 cum 2 of r6 s1 UNSOLICITED
            SETTLED @100 value 502 qty 5 open 7
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 NEIGHBOUR
            INSTRUMENT_EXPIRED
            SETTLED @100 open 7
            LIMITS_SET @100 from 90 to 110
        """,
    )


def test_m72_living_orders_keep_their_ids_over_the_day_all_others_are_free() -> None:
    good = {"time_in_force": w.GTC}
    check(
        member(1, requests_max=6),
        sell(ALPHA, "a1", 5, 101),
        sell(ALPHA, "a2", 5, 102, **good),
        sell(BRAVO, "b1", 5, 103, **good),
        replace(ALPHA, "a3", "a2", 6, 102),
        cancel(ALPHA, "a4", "a1"),
        sell(ALPHA, "a5", 5, 104, **good),
        roll_day(DAY_2),
        sell(ALPHA, "a3", 1, 105),
        cancel(ALPHA, "a1", "a2"),
        cancel(ALPHA, "a2", "a3"),
        replace(ALPHA, "a4", "a5", 4, 104),
        sell(ALPHA, "a6", 1, 105),
        sell(ALPHA, "a7", 1, 105),
        sell(BRAVO, "b1", 1, 105),
        roll_day(DAY_3),
        cancel(ALPHA, "a1", "a4"),
        events="""
            MEMBER_SET
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @102 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @103 qty 5 leaves 5 shows 5 r3 s3
            REPLACED o2 p4 @102 qty 6 leaves 6 shows 6 r4 s1
            CANCELLED o1 p1 @101 qty 5 r5 of r1 s1
            ACCEPTED o4 p5 @104 qty 5 leaves 5 shows 5 r6 s1
            DAY_ROLLED
            REJECTED @105 qty 1 s1 DUPLICATE_CL_ORD_ID
            CANCEL_REJECTED r4 s1 UNKNOWN_ORDER
            CANCELLED o2 p4 @102 qty 6 r5 of r1 s1
            REPLACED o4 p5 @104 qty 4 leaves 4 shows 4 r6 s1 KEPT_PLACE
            ACCEPTED o5 p6 @105 qty 1 leaves 1 shows 1 r7 s1
            REJECTED @105 qty 1 s1 REQUEST_ROWS_FULL
            REJECTED @105 qty 1 s3 DUPLICATE_CL_ORD_ID
            DAY_ROLLED
            CANCELLED o4 p5 @104 qty 4 r4 of r2 s1
        """,
    )


def test_m73_a_halted_venue_takes_no_orders_and_no_replaces() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        command(w.HALT, reason=7),
        sell(ALPHA, "a2", 5, 101),
        replace(ALPHA, "a3", "a1", 4, 101),
        sell(ALPHA, "a4", 5, 101, instrument=99),
        command(w.RESUME),
        replace(ALPHA, "a5", "a1", 4, 101),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            HALTED VENUE_HALTED
            REJECTED @101 qty 5 r2 s1 VENUE_HALTED
            CANCEL_REJECTED o1 p1 @101 of 5 leaves 5 shows 5 r3 of r1 s1 VENUE_HALTED
            REJECTED @101 qty 5 r4 s1 VENUE_HALTED
            RESUMED
            REPLACED o1 p1 @101 qty 4 leaves 4 shows 4 r5 s1 KEPT_PLACE
        """,
    )


def test_m74_refused_and_status_requests_emit_nothing_and_take_no_id() -> None:
    check(
        command(w.REFUSED, session=1, member=1, cl_ord_id="a1", reason=15),
        command(w.STATUS_REQUEST, session=1, member=1, cl_ord_id="a1"),
        sell(ALPHA, "a1", 5, 101),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
        """,
    )


def test_m70_an_expired_instrument_never_trades_again() -> None:
    venue = [product(1), instrument(1, 1, last_trading_date=20261201), *usual_venue()[5:]]
    venue = [one for one in venue if one["row"].get("product") != 2]
    check(
        buy(ALPHA, "a1", 1, 100),
        roll_product(1, DAY_2),
        buy(ALPHA, "a2", 1, 100),
        roll_product(1, DAY_3),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
            EXPIRED o1 p1 @100 qty 1 of r1 s1 UNSOLICITED INSTRUMENT_EXPIRED
            SETTLED @100
            INSTRUMENT_EXPIRED
            REJECTED @100 qty 1 r2 s1 INSTRUMENT_NOT_TRADING
        """,
        venue=venue,
    )
