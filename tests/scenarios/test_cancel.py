"""Scenarios of section 5: cancels and what a lost session loses (M-15, M-16, M-19, M-45)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    TICK,
    Who,
    buy,
    cancel,
    command,
    mass_cancel,
    replace,
    sell,
    session_lost,
)
from tests.scenarios import check


def test_m15_a_cancel_takes_the_rest_and_answers_who_asked() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b1", 2, 100),
        cancel(ALPHA_2, "a2", "a1", side=w.SELL),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 2 leaves 2 r2 s3
            FILL o2 t1 @100 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 UNSOLICITED
            CANCELLED o1 p1 @100 qty 3 of 5 cum 2 r3 of r1 s2
        """,
    )


def test_m15_what_a_cancel_may_name() -> None:
    """Unknown, another member's, refused, a cancel's own, superseded, gone."""
    check(
        sell(ALPHA, "a1", 5, 100),
        sell(ALPHA, "a2", 0, 100),
        cancel(ALPHA, "c1", "zz"),
        cancel(BRAVO, "c1", "a1"),
        cancel(ALPHA, "c2", "a2"),
        cancel(ALPHA, "c3", "c1"),
        cancel(ALPHA, "c4", "a1", instrument=2),
        cancel(ALPHA, "c5", "a1", side=w.BUY),
        cancel(ALPHA, "c6", "a1", instrument=77),
        replace(ALPHA, "a3", "a1", 6, 100),
        cancel(ALPHA, "c7", "a1"),
        cancel(ALPHA, "c8", "a3"),
        cancel(ALPHA, "c9", "a3"),
        cancel(ALPHA, "c10", "a1"),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            REJECTED @100 r2 s1 QTY_NOT_POSITIVE
            CANCEL_REJECTED r3 s1 UNKNOWN_ORDER
            CANCEL_REJECTED r4 s3 UNKNOWN_ORDER
            CANCEL_REJECTED r5 of r2 s1 UNKNOWN_ORDER
            CANCEL_REJECTED r6 of r3 s1 UNKNOWN_ORDER
            CANCEL_REJECTED o1 p1 @100 of 5 leaves 5 shows 5 r7 of r1 s1 ORDER_MISMATCH
            CANCEL_REJECTED o1 p1 @100 of 5 leaves 5 shows 5 r8 of r1 s1 ORDER_MISMATCH
            CANCEL_REJECTED o1 p1 @100 of 5 leaves 5 shows 5 r9 of r1 s1 UNKNOWN_INSTRUMENT
            REPLACED o1 p2 @100 qty 6 leaves 6 shows 6 r10 s1
            CANCEL_REJECTED r11 of r1 s1 UNKNOWN_ORDER
            CANCELLED o1 p2 @100 qty 6 r12 of r10 s1
            CANCEL_REJECTED r13 of r10 s1 TOO_LATE
            CANCEL_REJECTED r14 of r1 s1 TOO_LATE
        """,
    )


def test_m15_a_request_that_names_itself_names_no_order() -> None:
    check(
        cancel(ALPHA, "c1", "c1"),
        replace(ALPHA, "c2", "c2", 5, 100),
        events="""
            CANCEL_REJECTED r1 s1 UNKNOWN_ORDER
            CANCEL_REJECTED r2 s1 UNKNOWN_ORDER
        """,
    )


def test_m16_a_refused_cancel_carries_the_living_order() -> None:
    _, engine = check(events="")
    sold = sell(ALPHA, "a1", 5, 100, time_ns=2**62)
    engine.run([sold, buy(BRAVO, "b1", 2, 100, time_ns=2**62)])
    (event,) = engine.run([cancel(ALPHA_2, "a2", "a1", side=w.BUY, time_ns=2**62)])
    wanted = {
        "order_id": 1,
        "order_qty": 5,
        "leaves_qty": 3,
        "cum_qty": 2,
        "cum_value": 200 * TICK,
        "price": 100 * TICK,
        "public_id": 1,
        "display_qty": 3,
        "account": 1,
        "side": w.SELL,
        "ord_type": w.LIMIT,
        "time_in_force": w.DAY,
        "ord_status": w.STATUS_PARTIALLY_FILLED,
        "session": 2,
        "request": 3,
        "order_request": 1,
    }
    assert {name: event[name] for name in wanted} == wanted
    (event,) = engine.run([cancel(ALPHA_2, "a3", "zz", time_ns=2**62)])
    gone = dict.fromkeys(wanted, 0) | {
        "session": 2,
        "request": 4,
        "ord_status": w.STATUS_REJECTED,
    }
    assert {name: event[name] for name in gone} == gone


def test_m16_cancels_work_while_the_venue_is_halted() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        sell(ALPHA, "a2", 5, 100),
        command(w.HALT),
        cancel(ALPHA, "c1", "a1"),
        mass_cancel(ALPHA, "c2", w.SCOPE_MEMBER),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s1
            HALTED
            CANCELLED o1 p1 @100 qty 5 r3 of r1 s1
            CANCELLED o2 p2 @100 qty 5 of r2 s1 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 1 r4 s1
        """,
    )


def test_m19_mass_cancel_by_instrument_product_member_and_side() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        buy(ALPHA_2, "a2", 5, 99),
        sell(ALPHA, "a3", 5, 101, instrument=2),
        sell(ALPHA, "a4", 5, 101, instrument=3, position_effect=w.OPEN),
        sell(BRAVO, "b1", 5, 101),
        mass_cancel(ALPHA, "m1", w.SCOPE_INSTRUMENT, instrument=1, side=w.BUY),
        mass_cancel(ALPHA, "m2", w.SCOPE_PRODUCT, product=1),
        mass_cancel(ALPHA_2, "m3", w.SCOPE_MEMBER),
        mass_cancel(ALPHA, "m4", w.SCOPE_MEMBER),
        mass_cancel(BRAVO, "m5", w.SCOPE_MEMBER, side=77),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @99 qty 5 leaves 5 shows 5 r2 s2
            ACCEPTED o3 p3 @101 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p4 @101 qty 5 leaves 5 shows 5 r4 s1
            ACCEPTED o5 p5 @101 qty 5 leaves 5 shows 5 r5 s3
            CANCELLED o2 p2 @99 qty 5 of r2 s2 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 1 r6 s1
            CANCELLED o1 p1 @101 qty 5 of r1 s1 UNSOLICITED MASS_CANCEL
            CANCELLED o3 p3 @101 qty 5 of r3 s1 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 2 r7 s1
            CANCELLED o4 p4 @101 qty 5 of r4 s1 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 1 r8 s2
            MASS_CANCELLED r9 s1
            MASS_CANCELLED r10 s3
        """,
    )


def test_m19_refused_mass_cancels() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        mass_cancel(ALPHA, "m1", 0),
        mass_cancel(ALPHA, "m2", w.SCOPE_INSTRUMENT, instrument=99),
        mass_cancel(ALPHA, "m3", w.SCOPE_PRODUCT, product=99),
        mass_cancel(ALPHA, "m3", w.SCOPE_MEMBER),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            MASS_CANCEL_REJECTED r2 s1 MASS_CANCEL_SCOPE_INVALID
            MASS_CANCEL_REJECTED r3 s1 UNKNOWN_INSTRUMENT
            MASS_CANCEL_REJECTED r4 s1 UNKNOWN_INSTRUMENT
            MASS_CANCEL_REJECTED s1 DUPLICATE_CL_ORD_ID
        """,
    )


def test_m19_fields_of_the_answer() -> None:
    _, engine = check(events="")
    asked = [
        mass_cancel(ALPHA, "m1", w.SCOPE_INSTRUMENT, instrument=1, side=w.SELL, time_ns=2**62),
        mass_cancel(ALPHA, "m2", w.SCOPE_PRODUCT, instrument=1, product=1, time_ns=2**62),
        mass_cancel(ALPHA, "m3", w.SCOPE_MEMBER, instrument=1, product=1, time_ns=2**62),
    ]
    names = ("instrument", "product", "trading_date", "side", "ord_status", "account")
    got = [tuple(event[name] for name in names) for event in engine.run(asked)]
    assert got == [(1, 1, 20261201, w.SELL, 0, 0), (0, 1, 0, 0, 0, 0), (0, 0, 0, 0, 0, 0)]


def test_m45_a_lost_session_loses_its_day_orders_only() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        sell(ALPHA, "a2", 5, 101, time_in_force=w.GTC),
        sell(ALPHA, "a3", 5, 101, time_in_force=w.GTD, expire_date=20261210),
        sell(ALPHA_2, "a4", 5, 101),
        buy(ALPHA, "a5", 5, 99),
        session_lost(ALPHA),
        session_lost(ALPHA),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @101 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p4 @101 qty 5 leaves 5 shows 5 r4 s2
            ACCEPTED o5 p5 @99 qty 5 leaves 5 shows 5 r5 s1
            CANCELLED o1 p1 @101 qty 5 of r1 s1 UNSOLICITED SESSION_LOST
            CANCELLED o5 p5 @99 qty 5 of r5 s1 UNSOLICITED SESSION_LOST
        """,
    )


def test_m45_a_session_out_of_the_table_is_never_lost() -> None:
    """Orders of such a session are the gateway's mistake; they end like any other order."""
    nobody = Who(32, ALPHA.member, ALPHA.account)
    check(
        sell(nobody, "a1", 5, 101),
        session_lost(nobody),
        cancel(ALPHA, "a2", "a1"),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s32
            CANCELLED o1 p1 @101 qty 5 r2 of r1 s1
        """,
    )
