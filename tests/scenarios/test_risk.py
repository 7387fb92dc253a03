"""Scenarios of section 7: pre-trade risk of an account (M-60 to M-66)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    PLENTY,
    SECOND,
    START_NS,
    account,
    buy,
    cancel,
    gross_product,
    instrument,
    product,
    replace,
    sell,
    usual_venue,
)
from tests.scenarios import check

MILLION = 1_000_000  # money is in millionths


def limited(**limits: int) -> dict:
    """ALPHA's account with these limits."""
    return account(1, 1, **limits)


def test_m60_open_orders_of_the_account() -> None:
    check(
        limited(open_orders_max=2),
        buy(ALPHA, "a1", 1, 99),
        buy(ALPHA, "a2", 1, 99),
        buy(ALPHA, "a3", 1, 99),
        buy(ALPHA_2, "a4", 1, 99),
        replace(ALPHA, "a5", "a1", 2, 98),
        cancel(ALPHA, "a6", "a2"),
        buy(ALPHA, "a7", 1, 99),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 1 leaves 1 shows 1 r2 s1
            REJECTED @99 qty 1 r3 s1 OPEN_ORDERS_MAX
            ACCEPTED o3 p3 @99 qty 1 leaves 1 shows 1 r4 s2
            REPLACED o1 p4 @98 qty 2 leaves 2 shows 2 r5 s1
            CANCELLED o2 p2 @99 qty 1 r6 of r2 s1
            ACCEPTED o4 p5 @99 qty 1 leaves 1 shows 1 r7 s1
        """,
    )


def test_m61_long_position_with_everything_that_may_still_be_bought() -> None:
    check(
        limited(position_long_max=10),
        buy(ALPHA, "a1", 4, 100),
        sell(BRAVO, "b1", 4, 100),
        buy(ALPHA, "a2", 4, 99),
        buy(ALPHA, "a3", 3, 99),
        buy(ALPHA, "a4", 2, 99),
        sell(ALPHA, "a5", 50, 105),
        buy(ALPHA, "a6", 10, 99, instrument=2),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @100 qty 4 leaves 4 r2 s3
            FILL o2 t1 @100 qty 4 cum 4 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 4 cum 4 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @99 qty 4 leaves 4 shows 4 r3 s1
            REJECTED @99 qty 3 r4 s1 POSITION_LONG_MAX
            ACCEPTED o4 p3 @99 qty 2 leaves 2 shows 2 r5 s1
            ACCEPTED o5 p4 @105 qty 50 leaves 50 shows 50 r6 s1
            ACCEPTED o6 p5 @99 qty 10 leaves 10 shows 10 r7 s1
        """,
    )


def test_m61_gross_counts_opening_orders_only() -> None:
    opens = {"instrument": 3, "position_effect": w.OPEN}
    closes = {"instrument": 3, "position_effect": w.CLOSE_TODAY}
    check(
        limited(position_long_max=5, position_short_max=2),
        sell(ALPHA, "a1", 2, 100, **opens),
        buy(BRAVO, "b1", 2, 100, **opens),
        buy(ALPHA, "a2", 2, 99, **closes),
        buy(ALPHA, "a3", 5, 99, **opens),
        buy(ALPHA, "a4", 1, 99, **opens),
        sell(ALPHA, "a5", 1, 105, **opens),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 @100 qty 2 leaves 2 r2 s3
            FILL o2 t1 @100 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 cum 2 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @99 qty 2 leaves 2 shows 2 r3 s1
            ACCEPTED o4 p3 @99 qty 5 leaves 5 shows 5 r4 s1
            REJECTED @99 qty 1 r5 s1 POSITION_LONG_MAX
            REJECTED @105 qty 1 r6 s1 POSITION_SHORT_MAX
        """,
    )


def test_m62_short_position_with_everything_that_may_still_be_sold() -> None:
    check(
        limited(position_short_max=10),
        sell(ALPHA, "a1", 4, 100),
        buy(BRAVO, "b1", 4, 100),
        sell(ALPHA, "a2", 4, 101),
        sell(ALPHA, "a3", 3, 101),
        sell(ALPHA, "a4", 2, 101),
        buy(ALPHA, "a5", 50, 95),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @100 qty 4 leaves 4 r2 s3
            FILL o2 t1 @100 qty 4 cum 4 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 4 cum 4 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @101 qty 4 leaves 4 shows 4 r3 s1
            REJECTED @101 qty 3 r4 s1 POSITION_SHORT_MAX
            ACCEPTED o4 p3 @101 qty 2 leaves 2 shows 2 r5 s1
            ACCEPTED o5 p4 @95 qty 50 leaves 50 shows 50 r6 s1
        """,
    )


def test_m63_notional_of_one_order() -> None:
    """A lot at 1.00 with a multiplier of 1,000: 1,000 of the currency. A market order counts at
    1.10 when it buys and at 1.00 when it sells."""
    market = {"ord_type": w.MARKET}
    check(
        limited(order_notional_max=10_000 * MILLION),
        buy(ALPHA, "a1", 10, 100),
        buy(ALPHA, "a2", 10, 101),
        buy(ALPHA, "a3", 10, 0, **market),
        buy(ALPHA, "a4", 9, 0, **market),
        sell(ALPHA, "a5", 11, 0, **market),
        sell(BRAVO, "b1", 3, 110),
        sell(ALPHA, "a6", 10, 0, self_match=w.SMP_AGGRESSING, **market),
        replace(ALPHA, "a7", "a1", 11, 100),
        replace(ALPHA, "a8", "a1", 10, 101),
        replace(ALPHA, "a9", "a1", 11, 90),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 10 r1 s1
            REJECTED @101 qty 10 r2 s1 ORDER_NOTIONAL_MAX
            REJECTED qty 10 r3 s1 ORDER_NOTIONAL_MAX
            ACCEPTED o2 qty 9 leaves 9 r4 s1
            CANCELLED o2 qty 9 of r4 s1 UNSOLICITED MARKET_BAND
            REJECTED qty 11 r5 s1 ORDER_NOTIONAL_MAX
            ACCEPTED o3 p2 @110 qty 3 leaves 3 shows 3 r6 s3
            ACCEPTED o4 qty 10 leaves 10 r7 s1
            CANCELLED o4 qty 10 of r7 s1 UNSOLICITED SELF_MATCH
            CANCEL_REJECTED o1 p1 @100 of 10 leaves 10 shows 10 r8 of r1 s1 ORDER_NOTIONAL_MAX
            CANCEL_REJECTED o1 p1 @100 of 10 leaves 10 shows 10 r9 of r1 s1 ORDER_NOTIONAL_MAX
            REPLACED o1 p3 @90 qty 11 leaves 11 shows 11 r10 s1
        """,
    )


def test_m64_notional_of_all_open_orders_of_a_currency() -> None:
    opens = {"instrument": 3, "position_effect": w.OPEN}
    check(
        limited(open_notional_max=10_000 * MILLION),
        buy(ALPHA, "a1", 6, 100),
        sell(ALPHA, "a2", 4, 101),
        sell(ALPHA, "a3", 3, 101, instrument=2),
        buy(ALPHA, "a4", 10, 100, **opens),
        sell(ALPHA_2, "a5", 4, 101),
        sell(BRAVO, "b1", 2, 100),
        sell(ALPHA, "a6", 3, 101, instrument=2),
        sell(ALPHA, "a7", 2, 101, instrument=2),
        replace(ALPHA, "a8", "a7", 3, 101, instrument=2),
        replace(ALPHA, "a9", "a1", 6, 92),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 6 leaves 6 shows 6 r1 s1
            REJECTED @101 qty 4 r2 s1 OPEN_NOTIONAL_MAX
            ACCEPTED o2 p2 @101 qty 3 leaves 3 shows 3 r3 s1
            ACCEPTED o3 p3 @100 qty 10 leaves 10 shows 10 r4 s1
            ACCEPTED o4 p4 @101 qty 4 leaves 4 shows 4 r5 s2
            ACCEPTED o5 @100 qty 2 leaves 2 r6 s3
            FILL o5 t1 @100 qty 2 cum 2 r6 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 6 leaves 4 cum 2 shows 4 of r1 s1 UNSOLICITED
            REJECTED @101 qty 3 r7 s1 OPEN_NOTIONAL_MAX
            ACCEPTED o6 p5 @101 qty 2 leaves 2 shows 2 r8 s1
            CANCEL_REJECTED o6 p5 @101 of 2 leaves 2 shows 2 r9 of r8 s1 OPEN_NOTIONAL_MAX
            REPLACED o1 p6 @92 qty 6 leaves 4 cum 2 shows 4 r10 s1
        """,
    )


def test_m65_orders_of_a_second() -> None:
    """The third of a second is refused and does not count; one refused later does."""
    second = START_NS + 100 * SECOND
    check(
        limited(orders_per_second_max=2),
        buy(ALPHA, "a1", 1, 99, time_ns=second),
        replace(ALPHA, "a2", "a1", 1, 98, time_ns=second + 1),
        buy(ALPHA, "a3", 1, 99, time_ns=second + SECOND - 1),
        replace(ALPHA, "a4", "a2", 1, 97, time_ns=second + SECOND - 1),
        cancel(ALPHA, "a5", "a2", time_ns=second + SECOND - 1),
        buy(ALPHA, "a6", 0, 99, time_ns=second + SECOND),
        sell(BRAVO, "b1", 5, 100, time_ns=second + SECOND),
        buy(ALPHA, "a7", 1, 100, exec_inst=1, time_ns=second + SECOND),
        buy(ALPHA, "a8", 1, 99, time_ns=second + SECOND),
        buy(ALPHA, "a9", 1, 99, time_ns=second + SECOND),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            REPLACED o1 p2 @98 qty 1 leaves 1 shows 1 r2 s1
            REJECTED @99 qty 1 r3 s1 ORDERS_PER_SECOND_MAX
            CANCEL_REJECTED o1 p2 @98 of 1 leaves 1 shows 1 r4 of r2 s1 ORDERS_PER_SECOND_MAX
            CANCELLED o1 p2 @98 qty 1 r5 of r2 s1
            REJECTED @99 r6 s1 QTY_NOT_POSITIVE
            ACCEPTED o2 p3 @100 qty 5 leaves 5 shows 5 r7 s3
            REJECTED @100 qty 1 r8 s1 POST_ONLY_WOULD_TRADE
            ACCEPTED o3 p4 @99 qty 1 leaves 1 shows 1 r9 s1
            REJECTED @99 qty 1 r10 s1 ORDERS_PER_SECOND_MAX
        """,
    )


def test_m66_what_leaves_the_book_gives_its_part_back() -> None:
    """At the order's own price, whatever the price of the trade was."""
    opens = {"instrument": 3, "position_effect": w.OPEN}
    limits = {"open_orders_max": 1, "position_long_max": 100}
    limits |= {"open_notional_max": 4_000 * MILLION}
    check(
        limited(**limits),
        buy(ALPHA, "a1", 4, 100, **opens),
        sell(BRAVO, "b1", 3, 95, **opens),
        replace(ALPHA, "a2", "a1", 7, 100, instrument=3),
        replace(ALPHA, "a3", "a2", 8, 100, instrument=3),
        sell(ALPHA_2, "a4", 2, 100, self_match=w.SMP_DECREMENT, **opens),
        replace(ALPHA, "a5", "a2", 8, 100, instrument=3),
        replace(ALPHA, "a6", "a2", 7, 100, instrument=3),
        cancel(ALPHA, "a8", "a6", instrument=3),
        buy(ALPHA, "a7", 4, 100, **opens),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @95 qty 3 leaves 3 r2 s3
            FILL o2 t1 @100 qty 3 cum 3 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 4 leaves 1 cum 3 shows 1 of r1 s1 UNSOLICITED
            REPLACED o1 p2 @100 qty 7 leaves 4 cum 3 shows 4 r3 s1
            CANCEL_REJECTED o1 p2 @100 of 7 leaves 4 cum 3 shows 4 r4 of r3 s1 OPEN_NOTIONAL_MAX
            ACCEPTED o3 @100 qty 2 leaves 2 r5 s2
            RESTATED o1 p2 @100 qty 2 of 5 leaves 2 cum 3 shows 2 of r3 s1 UNSOLICITED SELF_MATCH
            CANCELLED o3 @100 qty 2 of r5 s2 UNSOLICITED SELF_MATCH
            CANCEL_REJECTED o1 p2 @100 of 5 leaves 2 cum 3 shows 2 r6 of r3 s1 OPEN_NOTIONAL_MAX
            REPLACED o1 p3 @100 qty 7 leaves 4 cum 3 shows 4 r7 s1
            CANCELLED o1 p3 @100 qty 4 of 7 cum 3 r8 of r7 s1
            ACCEPTED o4 p4 @100 qty 4 leaves 4 shows 4 r9 s1
        """,
    )


def test_m60_checks_come_in_their_order() -> None:
    """Everything is exceeded at first; each next row of limits allows one thing more."""
    names = (
        "open_orders_max",
        "position_long_max",
        "position_short_max",
        "order_notional_max",
        "open_notional_max",
        "orders_per_second_max",
    )
    commands = []
    for allowed in range(len(names) + 1):
        limits = {name: PLENTY if i < allowed else 0 for i, name in enumerate(names)}
        commands.append(limited(**limits))
        commands.append(buy(ALPHA, f"b{allowed}", 1, 99))
        commands.append(sell(ALPHA, f"s{allowed}", 1, 101))
    check(
        *commands,
        events="""
            ACCOUNT_SET
            REJECTED @99 qty 1 r1 s1 OPEN_ORDERS_MAX
            REJECTED @101 qty 1 r2 s1 OPEN_ORDERS_MAX
            ACCOUNT_SET
            REJECTED @99 qty 1 r3 s1 POSITION_LONG_MAX
            REJECTED @101 qty 1 r4 s1 POSITION_SHORT_MAX
            ACCOUNT_SET
            REJECTED @99 qty 1 r5 s1 ORDER_NOTIONAL_MAX
            REJECTED @101 qty 1 r6 s1 POSITION_SHORT_MAX
            ACCOUNT_SET
            REJECTED @99 qty 1 r7 s1 ORDER_NOTIONAL_MAX
            REJECTED @101 qty 1 r8 s1 ORDER_NOTIONAL_MAX
            ACCOUNT_SET
            REJECTED @99 qty 1 r9 s1 OPEN_NOTIONAL_MAX
            REJECTED @101 qty 1 r10 s1 OPEN_NOTIONAL_MAX
            ACCOUNT_SET
            REJECTED @99 qty 1 r11 s1 ORDERS_PER_SECOND_MAX
            REJECTED @101 qty 1 r12 s1 ORDERS_PER_SECOND_MAX
            ACCOUNT_SET
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r13 s1
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 r14 s1
        """,
    )


def test_m64_products_of_one_currency_share_the_sum() -> None:
    venue = [product(1), gross_product(2, currency=1), *usual_venue()[2:], instrument(4, 2)]
    check(
        limited(open_notional_max=10_000 * MILLION),
        buy(ALPHA, "a1", 6, 100),
        buy(ALPHA, "a2", 5, 100, instrument=3, position_effect=w.OPEN),
        buy(ALPHA, "a3", 4, 100, instrument=4, position_effect=w.OPEN),
        buy(CHARLIE, "c1", 50, 100),
        events="""
            ACCOUNT_SET
            ACCEPTED o1 p1 @100 qty 6 leaves 6 shows 6 r1 s1
            REJECTED @100 qty 5 r2 s1 OPEN_NOTIONAL_MAX
            ACCEPTED o2 p2 @100 qty 4 leaves 4 shows 4 r3 s1
            ACCEPTED o3 p3 @100 qty 50 leaves 50 shows 50 r4 s4
        """,
        venue=venue,
    )
