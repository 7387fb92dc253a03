"""Scenarios of section 5: replace (M-17, M-18)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    CHARLIE,
    TICK,
    account,
    buy,
    cancel,
    command,
    replace,
    sell,
)
from tests.scenarios import check

WRONG = {
    "orig_cl_ord_id": "zz",
    "instrument": 99,
    "side": w.BUY,
    "account": 2,
    "ord_type": w.MARKET,
    "time_in_force": w.GTC,
    "position_effect": w.CLOSE,
    "min_qty": 1,
    "exec_inst": 1,
    "qty": 0,
    "expire_date": 20200101,
    "price": 1,
    "display_qty": 500,
}
FIXES: list[dict] = [
    {"instrument": 1},
    {"orig_cl_ord_id": "a1"},
    {"side": w.SELL},
    {"account": 1},
    {"ord_type": w.LIMIT},
    {"time_in_force": w.GTD},
    {"position_effect": 0},
    {"min_qty": 0},
    {"exec_inst": 0},
    {"qty": 1_001},
    {"qty": 2},
    {"qty": 10},
    {"expire_date": 20261209},
    {"price": 111 * TICK},
    {"price": 89 * TICK},
    {"price": 100 * TICK},
    {"display_qty": 0},
]


def replaces_set_right() -> list[dict]:
    """Replaces of a1: everything is wrong at first, each next one is right in one thing more."""
    made, fields = [], dict(WRONG)
    for position, fix in enumerate([{}, *FIXES]):
        fields |= fix
        made.append(command(w.REPLACE, cl_ord_id=f"r{position}", session=1, member=1, **fields))
    return made


def test_m17_the_first_failing_check_of_a_replace_decides() -> None:
    check(
        sell(ALPHA, "a1", 10, 101, time_in_force=w.GTD, expire_date=20261210),
        buy(BRAVO, "b1", 2, 101),
        command(w.HALT),
        command(w.REPLACE, cl_ord_id="r", session=1, member=1, **WRONG),
        command(w.RESUME),
        *replaces_set_right(),
        events="""
            ACCEPTED o1 p1 @101 qty 10 leaves 10 shows 10 r1 s1
            ACCEPTED o2 @101 qty 2 leaves 2 r2 s3
            FILL o2 t1 @101 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @101 qty 2 of 10 leaves 8 cum 2 shows 8 of r1 s1 UNSOLICITED
            HALTED
            CANCEL_REJECTED r3 s1 VENUE_HALTED
            RESUMED
            CANCEL_REJECTED r4 s1 UNKNOWN_INSTRUMENT
            CANCEL_REJECTED r5 s1 UNKNOWN_ORDER
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r6 of r1 s1 ORDER_MISMATCH
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r7 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r8 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r9 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r10 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r11 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r12 of r1 s1 NOT_AMENDABLE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r13 of r1 s1 QTY_NOT_POSITIVE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r14 of r1 s1 QTY_ABOVE_MAX
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r15 of r1 s1 TOO_LATE
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r16 of r1 s1 EXPIRE_DATE_INVALID
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r17 of r1 s1 PRICE_OFF_TICK
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r18 of r1 s1 PRICE_ABOVE_LIMIT
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r19 of r1 s1 PRICE_BELOW_LIMIT
            CANCEL_REJECTED o1 p1 @101 of 10 leaves 8 cum 2 shows 8 r20 of r1 s1 DISPLAY_QTY_INVALID
            REPLACED o1 p2 @100 qty 10 leaves 8 cum 2 shows 8 r21 s1
        """,
    )


def test_m17_risk_counts_a_replaced_order_once() -> None:
    tight = {"position_long_max": 10, "open_orders_max": 1, "orders_per_second_max": 10**12}
    tight |= {"order_notional_max": 10**12, "open_notional_max": 10**12}
    check(
        account(1, 1, **tight),
        buy(ALPHA, "a1", 10, 100),
        replace(ALPHA, "a2", "a1", 10, 101),
        replace(ALPHA, "a3", "a2", 11, 101),
        buy(ALPHA, "a4", 1, 100),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 10 r1 s1
            REPLACED o1 p2 @101 qty 10 leaves 10 shows 10 r2 s1
            CANCEL_REJECTED o1 p2 @101 of 10 leaves 10 shows 10 r3 of r2 s1 POSITION_LONG_MAX
            REJECTED @100 qty 1 r4 s1 OPEN_ORDERS_MAX
        """,
    )


def test_m17_a_post_only_order_stays_post_only() -> None:
    check(
        sell(BRAVO, "b1", 5, 101),
        buy(ALPHA, "a1", 5, 99, exec_inst=1),
        replace(ALPHA, "a2", "a1", 5, 101),
        replace(ALPHA, "a3", "a1", 5, 100, exec_inst=1),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s3
            ACCEPTED o2 p2 @99 qty 5 leaves 5 shows 5 r2 s1
            CANCEL_REJECTED o2 p2 @99 of 5 leaves 5 shows 5 r3 of r2 s1 POST_ONLY_WOULD_TRADE
            REPLACED o2 p3 @100 qty 5 leaves 5 shows 5 r4 s1
        """,
    )


def test_m17_a_replace_may_not_close_more_than_the_position() -> None:
    opens = {"instrument": 3, "position_effect": w.OPEN}
    closes = {"instrument": 3, "position_effect": w.CLOSE_TODAY}
    check(
        buy(ALPHA, "a1", 5, 100, **opens),
        sell(BRAVO, "b1", 5, 100, **opens),
        sell(ALPHA, "a2", 3, 105, **closes),
        replace(ALPHA, "a3", "a2", 6, 105, instrument=3),
        replace(ALPHA, "a4", "a2", 5, 105, instrument=3),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s3
            FILL o2 t1 @100 qty 5 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @105 qty 3 leaves 3 shows 3 r3 s1
            CANCEL_REJECTED o3 p2 @105 of 3 leaves 3 shows 3 r4 of r3 s1 CLOSE_EXCEEDS_POSITION
            REPLACED o3 p3 @105 qty 5 leaves 5 shows 5 r5 s1
        """,
    )


def test_m18_a_smaller_quantity_keeps_its_place() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        sell(BRAVO, "b1", 5, 100),
        replace(ALPHA, "a2", "a1", 4, 100),
        replace(ALPHA, "a3", "a2", 4, 100),
        buy(CHARLIE, "c1", 5, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s3
            REPLACED o1 p1 @100 qty 4 leaves 4 shows 4 r3 s1 KEPT_PLACE
            REPLACED o1 p1 @100 qty 4 leaves 4 shows 4 r4 s1 KEPT_PLACE
            ACCEPTED o3 @100 qty 5 leaves 5 r5 s4
            FILL o3 t1 @100 qty 4 of 5 leaves 1 cum 4 r5 s4 AGGRESSOR
            FILL o1 p1 t1 @100 qty 4 cum 4 of r4 s1 UNSOLICITED
            FILL o3 t2 @100 qty 1 of 5 cum 5 r5 s4 AGGRESSOR
            FILL o2 p2 t2 @100 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s3 UNSOLICITED
        """,
    )


def test_m18_everything_else_loses_it() -> None:
    """More quantity, then another price; the order comes in again and may trade."""
    check(
        sell(ALPHA, "a1", 5, 100),
        sell(BRAVO, "b1", 5, 100),
        replace(ALPHA, "a2", "a1", 6, 100),
        buy(CHARLIE, "c1", 3, 99),
        replace(BRAVO, "b2", "b1", 5, 99),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s3
            REPLACED o1 p3 @100 qty 6 leaves 6 shows 6 r3 s1
            ACCEPTED o3 p4 @99 qty 3 leaves 3 shows 3 r4 s4
            REPLACED o2 @99 qty 5 leaves 5 r5 s3
            FILL o2 t1 @99 qty 3 of 5 leaves 2 cum 3 r5 s3 AGGRESSOR
            FILL o3 p4 t1 @99 qty 3 cum 3 of r4 s4 UNSOLICITED
            BOOKED o2 p5 @99 of 5 leaves 2 cum 3 shows 2 of r5
        """,
    )


def test_m18_a_replaced_order_may_trade_to_nothing_with_its_fills_before() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        buy(BRAVO, "b1", 2, 101),
        buy(BRAVO, "b2", 9, 100),
        replace(ALPHA, "a2", "a1", 4, 100),
        cancel(ALPHA, "a3", "a2"),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @101 qty 2 leaves 2 r2 s3
            FILL o2 t1 @101 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @101 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 9 leaves 9 shows 9 r3 s3
            REPLACED o1 @100 qty 4 leaves 2 cum 2 r4 s1
            FILL o1 t2 @100 qty 2 of 4 cum 4 r4 s1 AGGRESSOR
            FILL o3 p2 t2 @100 qty 2 of 9 leaves 7 cum 2 shows 7 of r3 s3 UNSOLICITED
            CANCEL_REJECTED r5 of r4 s1 TOO_LATE
        """,
    )


def test_m18_display_and_expiry() -> None:
    """A shorter slice and another date keep the place, a longer slice loses it."""
    dated = {"time_in_force": w.GTD, "expire_date": 20261210}
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=4, **dated),
        replace(ALPHA, "a2", "a1", 10, 100, display_qty=3, expire_date=20261210),
        replace(ALPHA, "a3", "a2", 10, 100, display_qty=3, expire_date=20261211),
        replace(ALPHA, "a4", "a3", 10, 100, display_qty=4, expire_date=20261211),
        buy(BRAVO, "b1", 3, 100),
        replace(ALPHA, "a5", "a4", 9, 100, display_qty=4, expire_date=20261211),
        replace(ALPHA, "a6", "a5", 9, 100, expire_date=20261211),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 4 r1 s1
            REPLACED o1 p1 @100 qty 10 leaves 10 shows 3 r2 s1 KEPT_PLACE
            REPLACED o1 p1 @100 qty 10 leaves 10 shows 3 r3 s1 KEPT_PLACE
            REPLACED o1 p2 @100 qty 10 leaves 10 shows 4 r4 s1
            ACCEPTED o2 @100 qty 3 leaves 3 r5 s3
            FILL o2 t1 @100 qty 3 cum 3 r5 s3 AGGRESSOR
            FILL o1 p2 t1 @100 qty 3 of 10 leaves 7 cum 3 shows 1 of r4 s1 UNSOLICITED
            REPLACED o1 p3 @100 qty 9 leaves 6 cum 3 shows 4 r6 s1
            REPLACED o1 p4 @100 qty 9 leaves 6 cum 3 shows 6 r7 s1
        """,
    )


def test_m18_a_product_may_make_every_replace_lose_its_place() -> None:
    opens = {"instrument": 3, "position_effect": w.OPEN}
    check(
        sell(ALPHA, "a1", 5, 100, **opens),
        replace(ALPHA, "a2", "a1", 4, 100, instrument=3),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            REPLACED o1 p2 @100 qty 4 leaves 4 shows 4 r2 s1
        """,
    )


def test_m17_what_is_not_given_of_an_order_stays() -> None:
    """Self-match instruction and post-only bit of a replace are the order's own."""
    check(
        buy(ALPHA, "a1", 5, 100, time_in_force=w.GTC, exec_inst=1, self_match=w.SMP_AGGRESSING),
        replace(ALPHA, "a2", "a1", 5, 99),
        sell(ALPHA, "a3", 2, 101, self_match=w.SMP_AGGRESSING),
        replace(ALPHA, "a4", "a3", 2, 99),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            REPLACED o1 p2 @99 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o2 p3 @101 qty 2 leaves 2 shows 2 r3 s1
            REPLACED o2 @99 qty 2 leaves 2 r4 s1
            CANCELLED o2 @99 qty 2 of r4 s1 UNSOLICITED SELF_MATCH
        """,
    )
