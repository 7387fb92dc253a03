"""Scenarios of section 2: admission and what becomes of an accepted order (M-10 to M-14)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    TICK,
    buy,
    cancel,
    instrument,
    mass_cancel,
    member,
    product,
    replace,
    sell,
    usual_venue,
)
from tests.exchanges import small_limits
from tests.scenarios import check


def test_m10_duplicate_ids_take_no_row_and_refused_orders_do() -> None:
    check(
        buy(ALPHA, "a1", 0, 100),
        buy(ALPHA, "a1", 5, 100),
        buy(BRAVO, "a1", 5, 100),
        cancel(ALPHA, "a2", "nothing"),
        cancel(ALPHA, "a2", "a1"),
        replace(ALPHA, "a1", "a1", 5, 100),
        mass_cancel(ALPHA, "a2", w.SCOPE_MEMBER),
        events="""
            REJECTED @100 r1 s1 QTY_NOT_POSITIVE
            REJECTED @100 qty 5 s1 DUPLICATE_CL_ORD_ID
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r2 s3
            CANCEL_REJECTED r3 s1 UNKNOWN_ORDER
            CANCEL_REJECTED of r1 s1 DUPLICATE_CL_ORD_ID
            CANCEL_REJECTED of r1 s1 DUPLICATE_CL_ORD_ID
            MASS_CANCEL_REJECTED s1 DUPLICATE_CL_ORD_ID
        """,
    )


def test_m10_a_used_up_quota_refuses_everything_and_nobody_else() -> None:
    check(
        member(1, requests_max=2),
        buy(ALPHA, "a1", 5, 100),
        buy(ALPHA, "a2", 5, 99),
        buy(ALPHA, "a3", 5, 98),
        cancel(ALPHA, "a4", "a1"),
        replace(ALPHA, "a5", "a2", 4, 99),
        mass_cancel(ALPHA, "a6", w.SCOPE_MEMBER),
        buy(ALPHA, "a1", 5, 98),
        sell(BRAVO, "b1", 5, 100),
        events="""
            MEMBER_SET
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @99 qty 5 leaves 5 shows 5 r2 s1
            REJECTED @98 qty 5 s1 REQUEST_ROWS_FULL
            CANCEL_REJECTED o1 p1 @100 of 5 leaves 5 shows 5 of r1 s1 REQUEST_ROWS_FULL
            CANCEL_REJECTED o2 p2 @99 of 5 leaves 5 shows 5 of r2 s1 REQUEST_ROWS_FULL
            MASS_CANCEL_REJECTED s1 REQUEST_ROWS_FULL
            REJECTED @98 qty 5 s1 REQUEST_ROWS_FULL
            ACCEPTED o3 @100 qty 5 leaves 5 r3 s3
            FILL o3 t1 @100 qty 5 cum 5 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
        """,
    )


def test_m10_a_command_of_an_unknown_member_is_refused_for_want_of_a_quota() -> None:
    check(
        buy(ALPHA, "a1", 5, 100, member=9),
        events="""
            REJECTED @100 qty 5 s1 REQUEST_ROWS_FULL
        """,
    )


def test_m11_the_first_failing_check_decides() -> None:
    """Everything is wrong at first; each next order is right in one thing more."""
    wrong = {
        "instrument": 99,
        "account": 3,
        "reason": 9,
        "side": 7,
        "qty": 0,
        "ord_type": ord("K"),
        "time_in_force": ord("7"),
        "expire_date": 20200101,
        "price": 1,
        "min_qty": 99,
        "display_qty": 5_000,
        "exec_inst": 1,
        "self_match": ord("X"),
        "position_effect": ord("X"),
    }
    fixes: list[dict] = [
        {"instrument": 1},
        {"account": 1},
        {"reason": 0},
        {"side": w.BUY},
        {"qty": 1_001},
        {"qty": 10},
        {"ord_type": w.LIMIT},
        {"time_in_force": w.IOC},
        {"expire_date": 0},
        {"price": 111 * TICK},
        {"price": 89 * TICK},
        {"price": 100 * TICK},
        {"min_qty": 0},
        {"display_qty": 0},
        {"exec_inst": 0},
        {"self_match": 0},
        {"position_effect": 0},
    ]
    orders = []
    fields = dict(wrong)
    for position, fix in enumerate([{}, *fixes]):
        fields |= fix
        orders.append(buy(ALPHA, f"a{position}", 1, 0) | fields)
    check(
        *orders,
        events="""
            REJECTED @1e-07 r1 s1 UNKNOWN_INSTRUMENT
            REJECTED @1e-07 r2 s1 UNKNOWN_ACCOUNT
            REJECTED @1e-07 r3 s1 STALE_POSS_DUP
            REJECTED @1e-07 r4 s1 SIDE_INVALID
            REJECTED @1e-07 r5 s1 QTY_NOT_POSITIVE
            REJECTED @1e-07 qty 1001 r6 s1 QTY_ABOVE_MAX
            REJECTED @1e-07 qty 10 r7 s1 ORD_TYPE_NOT_SUPPORTED
            REJECTED @1e-07 qty 10 r8 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED @1e-07 qty 10 r9 s1 EXPIRE_DATE_INVALID
            REJECTED @1e-07 qty 10 r10 s1 PRICE_OFF_TICK
            REJECTED @111 qty 10 r11 s1 PRICE_ABOVE_LIMIT
            REJECTED @89 qty 10 r12 s1 PRICE_BELOW_LIMIT
            REJECTED @100 qty 10 r13 s1 MIN_QTY_INVALID
            REJECTED @100 qty 10 r14 s1 DISPLAY_QTY_INVALID
            REJECTED @100 qty 10 r15 s1 POST_ONLY_INVALID
            REJECTED @100 qty 10 r16 s1 SELF_MATCH_INVALID
            REJECTED @100 qty 10 r17 s1 POSITION_EFFECT_INVALID
            ACCEPTED o1 @100 qty 10 leaves 10 r18 s1
            CANCELLED o1 @100 qty 10 of r18 s1 UNSOLICITED IOC
        """,
    )


def test_m12_limits_are_rounded_towards_the_reference_and_both_ends_are_allowed() -> None:
    """Reference 0.33: 0.297 to 0.363, in ticks 30 to 36."""
    check(
        instrument(4, 1, ticks=33),
        sell(ALPHA, "a1", 1, 36, instrument=4),
        sell(ALPHA, "a2", 1, 37, instrument=4),
        buy(ALPHA, "a3", 1, 30, instrument=4),
        buy(ALPHA, "a4", 1, 29, instrument=4),
        events="""
            INSTRUMENT_DEFINED @33 from 30 to 36
            LIMITS_SET @33 from 30 to 36
            ACCEPTED o1 p1 @36 qty 1 leaves 1 shows 1 r1 s1
            REJECTED @37 qty 1 r2 s1 PRICE_ABOVE_LIMIT
            ACCEPTED o2 p2 @30 qty 1 leaves 1 shows 1 r3 s1
            REJECTED @29 qty 1 r4 s1 PRICE_BELOW_LIMIT
        """,
    )


def test_m13_accepted_comes_first_with_the_whole_quantity() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b1", 8, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 8 leaves 8 r2 s3
            FILL o2 t1 @100 qty 5 of 8 leaves 3 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            BOOKED o2 p2 @100 of 8 leaves 3 cum 5 shows 3 of r2
        """,
    )


def test_m14_what_does_not_rest_is_cancelled() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b1", 8, 100, time_in_force=w.IOC),
        buy(BRAVO, "b2", 8, 100, time_in_force=w.IOC),
        buy(BRAVO, "b3", 8, 100, time_in_force=w.GTC),
        sell(ALPHA, "a2", 9, 99, time_in_force=w.GTD, expire_date=20261205),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 8 leaves 8 r2 s3
            FILL o2 t1 @100 qty 5 of 8 leaves 3 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            CANCELLED o2 @100 qty 3 of 8 cum 5 of r2 s3 UNSOLICITED IOC
            ACCEPTED o3 @100 qty 8 leaves 8 r3 s3
            CANCELLED o3 @100 qty 8 of r3 s3 UNSOLICITED IOC
            ACCEPTED o4 p2 @100 qty 8 leaves 8 shows 8 r4 s3
            ACCEPTED o5 @99 qty 9 leaves 9 r5 s1
            FILL o5 t2 @100 qty 8 of 9 leaves 1 cum 8 r5 s1 AGGRESSOR
            FILL o4 p2 t2 @100 qty 8 cum 8 of r4 s3 UNSOLICITED
            BOOKED o5 p3 @99 of 9 leaves 1 cum 8 shows 1 of r5
        """,
    )


def test_m14_accepted_alone_says_that_the_order_rests() -> None:
    check(
        buy(ALPHA, "a1", 8, 100),
        sell(ALPHA, "a2", 8, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 8 leaves 8 shows 8 r1 s1
            ACCEPTED o2 @100 qty 8 leaves 8 r2 s1
            CANCELLED o1 p1 @100 qty 8 of r1 s1 UNSOLICITED SELF_MATCH
            BOOKED o2 p2 @100 of 8 leaves 8 shows 8 of r2
        """,
    )


def test_m11_a_product_without_the_features_refuses_them() -> None:
    bare = [product(1, features=0), *usual_venue()[1:]]
    check(
        buy(ALPHA, "a1", 5, 0, ord_type=w.MARKET),
        buy(ALPHA, "a2", 5, 100, time_in_force=w.GTC),
        buy(ALPHA, "a3", 5, 100, time_in_force=w.GTD, expire_date=20261205),
        buy(ALPHA, "a4", 5, 100, time_in_force=w.IOC, min_qty=1),
        buy(ALPHA, "a5", 5, 100, exec_inst=1),
        buy(ALPHA, "a6", 5, 100, display_qty=2),
        buy(ALPHA, "a7", 5, 100, display_qty=5),
        replace(ALPHA, "a8", "a7", 4, 100),
        events="""
            REJECTED qty 5 r1 s1 ORD_TYPE_NOT_SUPPORTED
            REJECTED @100 qty 5 r2 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED @100 qty 5 r3 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED @100 qty 5 r4 s1 MIN_QTY_INVALID
            REJECTED @100 qty 5 r5 s1 POST_ONLY_INVALID
            REJECTED @100 qty 5 r6 s1 DISPLAY_QTY_INVALID
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r7 s1
            REPLACED o1 p2 @100 qty 4 leaves 4 shows 4 r8 s1
        """,
        venue=bare,
    )


def test_m10_the_request_rows_of_all_members_together_are_bounded() -> None:
    """Five rows, row 0 is none: the fifth request finds no room, whoever asks."""
    check(
        buy(ALPHA, "a1", 1, 99),
        buy(BRAVO, "b1", 1, 99),
        cancel(ALPHA, "a2", "a1"),
        cancel(ALPHA, "a3", "a1"),
        buy(ALPHA, "a4", 1, 99),
        cancel(BRAVO, "b2", "b1"),
        events="""
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 1 leaves 1 shows 1 r2 s3
            CANCELLED o1 p1 @99 qty 1 r3 of r1 s1
            CANCEL_REJECTED r4 of r1 s1 TOO_LATE
            REJECTED @99 qty 1 s1 REQUEST_ROWS_FULL
            CANCEL_REJECTED o2 p2 @99 of 1 leaves 1 shows 1 of r2 s3 REQUEST_ROWS_FULL
        """,
        limits=small_limits(requests_max=5, orders_max=4),
    )


def test_m11_the_orders_of_all_members_together_are_bounded() -> None:
    check(
        buy(ALPHA, "a1", 1, 99),
        buy(BRAVO, "b1", 1, 99),
        sell(ALPHA, "a2", 1, 99, time_in_force=w.IOC),
        cancel(BRAVO, "b2", "b1"),
        sell(BRAVO, "b3", 1, 99, time_in_force=w.IOC),
        events="""
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 1 leaves 1 shows 1 r2 s3
            REJECTED @99 qty 1 r3 s1 ORDERS_FULL
            CANCELLED o2 p2 @99 qty 1 r4 of r2 s3
            ACCEPTED o3 @99 qty 1 leaves 1 r5 s3
            FILL o3 t1 @99 qty 1 cum 1 r5 s3 AGGRESSOR
            FILL o1 p1 t1 @99 qty 1 cum 1 of r1 s1 UNSOLICITED
        """,
        limits=small_limits(orders_max=2),
    )


def test_m11_an_instrument_past_its_last_trading_date_does_not_trade() -> None:
    check(
        instrument(4, 1, trading_date=20261202, last_trading_date=20261201),
        instrument(5, 1, trading_date=20261201, last_trading_date=20261201),
        buy(ALPHA, "a1", 1, 99, instrument=4),
        buy(ALPHA, "a2", 1, 99, instrument=5),
        events="""
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            REJECTED @99 qty 1 r1 s1 INSTRUMENT_NOT_TRADING
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r2 s1
        """,
    )


def test_m11_terms_that_do_not_go_together() -> None:
    market, dated = {"ord_type": w.MARKET}, {"time_in_force": w.GTD}
    check(
        buy(ALPHA, "a1", 1, 100, time_in_force=w.GTC, **market),
        buy(ALPHA, "a2", 1, 100, expire_date=20261210, **dated, **market),
        buy(ALPHA, "a3", 1, 100, expire_date=20261201),
        buy(ALPHA, "a4", 1, 100, **dated),
        buy(ALPHA, "a5", 1, 100, expire_date=20261130, **dated),
        buy(ALPHA, "a6", 1, 100, expire_date=20261201, **dated),
        buy(ALPHA, "a7", 9, 100, min_qty=1),
        buy(ALPHA, "a8", 9, 100, min_qty=1, time_in_force=w.FOK),
        buy(ALPHA, "a9", 9, 100, min_qty=1, time_in_force=w.IOC, **market),
        buy(ALPHA, "b1", 9, 100, min_qty=-1, time_in_force=w.IOC),
        buy(ALPHA, "b2", 9, 100, exec_inst=1, **market),
        buy(ALPHA, "b3", 9, 100, exec_inst=1, time_in_force=w.FOK),
        buy(ALPHA, "b4", 50, 100, display_qty=9, **market),
        buy(ALPHA, "b5", 50, 100, display_qty=9, time_in_force=w.FOK),
        events="""
            REJECTED qty 1 r1 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED qty 1 r2 s1 TIME_IN_FORCE_NOT_SUPPORTED
            REJECTED @100 qty 1 r3 s1 EXPIRE_DATE_INVALID
            REJECTED @100 qty 1 r4 s1 EXPIRE_DATE_INVALID
            REJECTED @100 qty 1 r5 s1 EXPIRE_DATE_INVALID
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r6 s1
            REJECTED @100 qty 9 r7 s1 MIN_QTY_INVALID
            REJECTED @100 qty 9 r8 s1 MIN_QTY_INVALID
            REJECTED qty 9 r9 s1 MIN_QTY_INVALID
            REJECTED @100 qty 9 r10 s1 MIN_QTY_INVALID
            REJECTED qty 9 r11 s1 POST_ONLY_INVALID
            REJECTED @100 qty 9 r12 s1 POST_ONLY_INVALID
            REJECTED qty 50 r13 s1 DISPLAY_QTY_INVALID
            REJECTED @100 qty 50 r14 s1 DISPLAY_QTY_INVALID
        """,
    )
