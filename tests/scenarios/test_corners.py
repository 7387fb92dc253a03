"""Corners of rules of every section: each listing fails when one clause of its rule is left out."""

from __future__ import annotations

from engine.types import EVENT
from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_1,
    DAY_2,
    PLENTY,
    TICK,
    Who,
    account,
    buy,
    gross_product,
    instrument,
    mass_cancel,
    member,
    number,
    product,
    replace,
    roll_product,
    sell,
    session,
    session_lost,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.scenarios import check

OPENS = {"instrument": 3, "position_effect": w.OPEN}
LAST = Who(31, 1, 1)


def test_m8_definitions_at_their_bounds_are_taken() -> None:
    check(
        product(3, multiplier=1, qty_max=1, display_min_bp=10_000, limit_bp=9_999),
        instrument(4, 3, ticks=1),
        gross_product(4),
        events="""
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @1 from 1 to 1
            LIMITS_SET @1 from 1 to 1
            PRODUCT_DEFINED
        """,
    )


def test_m8_blobs_of_a_wrong_length_are_ignored() -> None:
    rows = (instrument(4, 1), member(4), account(5, 1), session(5, 1))
    short = [one | {"blob": one["blob"][8:], "row": None} for one in rows]
    check(*short, events="")


def test_m2_a_shard_of_128_is_ignored() -> None:
    check(product(1, shard=128), events="", venue=[])


def test_m10_a_duplicate_mass_cancel_is_one_whatever_else_is_wrong() -> None:
    check(
        mass_cancel(ALPHA, "m1", w.SCOPE_MEMBER),
        mass_cancel(ALPHA, "m1", 0),
        mass_cancel(ALPHA, "m1", w.SCOPE_INSTRUMENT, instrument=99),
        events="""
            MASS_CANCELLED r1 s1
            MASS_CANCEL_REJECTED s1 DUPLICATE_CL_ORD_ID
            MASS_CANCEL_REJECTED s1 DUPLICATE_CL_ORD_ID
        """,
    )


def test_m17_each_term_that_cannot_be_amended() -> None:
    check(
        sell(ALPHA, "a1", 10, 101, position_effect=w.OPEN),
        replace(ALPHA, "r1", "a1", 10, 101, account=2),
        replace(ALPHA, "r2", "a1", 10, 101, ord_type=w.MARKET),
        replace(ALPHA, "r3", "a1", 10, 101, time_in_force=w.GTC),
        replace(ALPHA, "r4", "a1", 10, 101, position_effect=w.CLOSE),
        replace(ALPHA, "r5", "a1", 10, 101, min_qty=1),
        replace(ALPHA, "r6", "a1", 10, 101, exec_inst=1),
        replace(ALPHA, "r7", "a1", 1_000, 99),
        events="""
            ACCEPTED o1 p1 @101 qty 10 leaves 10 shows 10 r1 s1
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 10 shows 10 r2 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 10 shows 10 r3 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 10 shows 10 r4 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 10 shows 10 r5 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 10 shows 10 r6 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 10 shows 10 r7 of r1 s1 NOT_AMENDABLE
            REPLACED o1 p2 @99 qty 1000 leaves 1000 shows 1000 r8 s1
        """,
    )


def test_m18_a_larger_iceberg_loses_its_place_though_it_shows_no_more() -> None:
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=4),
        replace(ALPHA, "a2", "a1", 11, 100, display_qty=4),
        replace(ALPHA, "a3", "a2", 9, 100, display_qty=4),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 4 r1 s1
            REPLACED o1 p2 @100 qty 11 leaves 11 shows 4 r2 s1
            REPLACED o1 p2 @100 qty 9 leaves 9 shows 4 r3 s1 KEPT_PLACE
        """,
    )


def test_m21_fok_with_cancel_aggressing_among_others_counts_everything() -> None:
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=2),
        buy(BRAVO, "b1", 3, 100, time_in_force=w.FOK, self_match=w.SMP_AGGRESSING),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 2 r1 s1
            ACCEPTED o2 @100 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 2 of 3 leaves 1 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 10 leaves 8 cum 2 of r1 s1 UNSOLICITED
            REFRESHED o1 p2 @100 of 10 leaves 8 cum 2 shows 2 of r1
            FILL o2 t2 @100 qty 1 of 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p2 t2 @100 qty 1 of 10 leaves 7 cum 3 shows 1 of r1 s1 UNSOLICITED
        """,
    )


def test_m40_an_id_on_the_resting_order_alone_is_another_scope() -> None:
    check(
        sell(ALPHA, "a1", 5, 100, self_match_id=7),
        buy(ALPHA_2, "a2", 5, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s2
            FILL o2 t1 @100 qty 5 cum 5 r2 s2 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
        """,
    )


def test_m45_the_last_session_of_the_table() -> None:
    check(
        sell(LAST, "a1", 5, 101),
        session_lost(LAST),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s31
            CANCELLED o1 p1 @101 qty 5 of r1 s31 UNSOLICITED SESSION_LOST
        """,
    )


def test_m52_closing_orders_of_other_accounts_do_not_count() -> None:
    closes = {"instrument": 3, "position_effect": w.CLOSE_TODAY}
    check(
        buy(ALPHA, "a1", 5, 100, **OPENS),
        sell(BRAVO, "b1", 5, 100, **OPENS),
        buy(CHARLIE, "c1", 5, 100, **OPENS),
        sell(BRAVO, "b2", 5, 100, **OPENS),
        sell(CHARLIE, "c2", 5, 105, **closes),
        sell(ALPHA, "a2", 9, 105, **OPENS),
        sell(ALPHA, "a3", 5, 105, **closes),
        sell(ALPHA, "a4", 1, 105, **closes),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 5 leaves 5 shows 5 r3 s4
            ACCEPTED o4 @100 qty 5 leaves 5 r4 s3
            FILL o4 t2 @100 qty 5 cum 5 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 5 cum 5 of r3 s4 UNSOLICITED
            ACCEPTED o5 p3 @105 qty 5 leaves 5 shows 5 r5 s4
            ACCEPTED o6 p4 @105 qty 9 leaves 9 shows 9 r6 s1
            ACCEPTED o7 p5 @105 qty 5 leaves 5 shows 5 r7 s1
            REJECTED @105 qty 1 r8 s1 CLOSE_EXCEEDS_POSITION
        """,
    )


def test_m52_closing_orders_count_against_each_of_the_four_buckets() -> None:
    """ALPHA is long and BRAVO short, 5 of yesterday and 2 of today."""
    closes = {"instrument": 3, "position_effect": w.CLOSE}
    closes_today = {"instrument": 3, "position_effect": w.CLOSE_TODAY}
    check(
        buy(ALPHA, "a1", 5, 100, **OPENS),
        sell(BRAVO, "b1", 5, 100, **OPENS),
        roll_product(2, DAY_2),
        buy(ALPHA, "a2", 2, 100, **OPENS),
        sell(BRAVO, "b2", 2, 100, **OPENS),
        sell(ALPHA, "a3", 3, 105, **closes),
        sell(ALPHA, "a4", 3, 105, **closes),
        sell(ALPHA, "a5", 2, 105, **closes_today),
        sell(ALPHA, "a6", 1, 105, **closes_today),
        sell(ALPHA, "a7", 2, 105, **closes),
        buy(BRAVO, "b3", 3, 95, **closes),
        buy(BRAVO, "b4", 3, 95, **closes),
        buy(BRAVO, "b5", 2, 95, **closes_today),
        buy(BRAVO, "b6", 1, 95, **closes_today),
        buy(BRAVO, "b7", 2, 95, **closes),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            SETTLED @100 value 500 qty 5 open 5
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o3 p2 @100 qty 2 leaves 2 shows 2 r3 s1
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s3
            FILL o4 t2 @100 qty 2 cum 2 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @100 qty 2 cum 2 of r3 s1 UNSOLICITED
            ACCEPTED o5 p3 @105 qty 3 leaves 3 shows 3 r5 s1
            REJECTED @105 qty 3 r6 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o6 p4 @105 qty 2 leaves 2 shows 2 r7 s1
            REJECTED @105 qty 1 r8 s1 CLOSE_EXCEEDS_POSITION
            ACCEPTED o7 p5 @105 qty 2 leaves 2 shows 2 r9 s1
            ACCEPTED o8 p6 @95 qty 3 leaves 3 shows 3 r10 s3
            REJECTED @95 qty 3 r11 s3 CLOSE_EXCEEDS_POSITION
            ACCEPTED o9 p7 @95 qty 2 leaves 2 shows 2 r12 s3
            REJECTED @95 qty 1 r13 s3 CLOSE_EXCEEDS_POSITION
            ACCEPTED o10 p8 @95 qty 2 leaves 2 shows 2 r14 s3
        """,
    )


def test_m60_a_replace_is_no_further_order() -> None:
    check(
        buy(ALPHA, "a1", 5, 99),
        account(1, 1, open_orders_max=0),
        replace(ALPHA, "a2", "a1", 6, 99),
        buy(ALPHA, "a3", 5, 99),
        events="""
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 r1 s1
            ACCOUNT_SET
            REPLACED o1 p2 @99 qty 6 leaves 6 shows 6 r2 s1
            REJECTED @99 qty 5 r3 s1 OPEN_ORDERS_MAX
        """,
    )


def test_m61_yesterdays_positions_count_and_the_other_side_does_not() -> None:
    check(
        account(1, 1, position_long_max=10, position_short_max=PLENTY),
        buy(ALPHA, "a1", 4, 100, **OPENS),
        sell(BRAVO, "b1", 4, 100, **OPENS),
        roll_product(2, DAY_2),
        sell(ALPHA, "a2", 50, 105, **OPENS),
        buy(ALPHA, "a3", 3, 100, **OPENS),
        buy(ALPHA, "a4", 4, 100, **OPENS),
        buy(ALPHA, "a5", 3, 100, **OPENS),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @100 qty 4 leaves 4 r2 s3
            FILL o2 t1 @100 qty 4 cum 4 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 4 cum 4 of r1 s1 UNSOLICITED
            SETTLED @100 value 400 qty 4 open 4
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o3 p2 @105 qty 50 leaves 50 shows 50 r3 s1
            ACCEPTED o4 p3 @100 qty 3 leaves 3 shows 3 r4 s1
            REJECTED @100 qty 4 r5 s1 POSITION_LONG_MAX
            ACCEPTED o5 p4 @100 qty 3 leaves 3 shows 3 r6 s1
        """,
    )


def test_m62_yesterdays_short_positions_count() -> None:
    check(
        account(1, 1, position_long_max=PLENTY, position_short_max=10),
        sell(ALPHA, "a1", 4, 100, **OPENS),
        buy(BRAVO, "b1", 4, 100, **OPENS),
        roll_product(2, DAY_2),
        sell(ALPHA, "a2", 7, 100, **OPENS),
        sell(ALPHA, "a3", 6, 100, **OPENS),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @100 qty 4 leaves 4 r2 s3
            FILL o2 t1 @100 qty 4 cum 4 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 4 cum 4 of r1 s1 UNSOLICITED
            SETTLED @100 value 400 qty 4 open 4
            LIMITS_SET @100 from 90 to 110
            REJECTED @100 qty 7 r3 s1 POSITION_SHORT_MAX
            ACCEPTED o3 p2 @100 qty 6 leaves 6 shows 6 r4 s1
        """,
    )


def test_m70_limits_of_one_instrument_expire_no_order_of_another() -> None:
    good = {"time_in_force": w.GTC}
    check(
        sell(ALPHA, "a1", 5, 103, instrument=2, **good),
        buy(ALPHA, "a3", 5, 97, instrument=2, **good),
        sell(ALPHA, "a2", 5, 92),
        buy(BRAVO, "b1", 5, 92),
        roll_product(1, DAY_2),
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @97 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @92 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 @92 qty 5 leaves 5 r4 s3
            FILL o4 t1 @92 qty 5 cum 5 r4 s3 AGGRESSOR
            FILL o3 p3 t1 @92 qty 5 cum 5 of r3 s1 UNSOLICITED
            SETTLED @92 value 460 qty 5 open 5
            LIMITS_SET @92 from 83 to 101
            SETTLED @100 QUOTED
            LIMITS_SET @100 from 90 to 110
        """,
    )


def test_m70_trading_dates_of_the_roll() -> None:
    """What settles carries the date that ends; limits and what they expire carry the new one."""
    good = {"time_in_force": w.GTC}
    rows = EngineVenue().run(
        number(
            [
                *usual_venue(),
                sell(ALPHA, "a1", 5, 103, **good),
                sell(ALPHA, "a2", 5, 104),
                sell(ALPHA, "a3", 5, 92),
                buy(BRAVO, "b1", 5, 92),
                roll_product(1, DAY_2),
                sell(ALPHA, "a4", 5, 92),
            ]
        )
    )
    got = [(row["kind"], row["instrument"], row["trading_date"]) for row in rows[-7:]]
    assert got == [
        (w.EXPIRED, 1, DAY_1),
        (w.SETTLED, 1, DAY_1),
        (w.LIMITS_SET, 1, DAY_2),
        (w.EXPIRED, 1, DAY_2),
        (w.SETTLED, 2, DAY_1),
        (w.LIMITS_SET, 2, DAY_2),
        (w.ACCEPTED, 1, DAY_2),
    ]
    settled = rows[-6]
    assert (settled["price"], settled["qty"], settled["cum_value"]) == (92 * TICK, 5, 460 * TICK)
    assert set(settled) == set(EVENT.names)
