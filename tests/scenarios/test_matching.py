"""Scenarios of section 3: matching (M-20 to M-32)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    CHARLIE,
    buy,
    cancel,
    gross_product,
    product,
    sell,
    usual_venue,
)
from tests.scenarios import check


def test_m20_best_price_first_then_the_longest_in_its_queue() -> None:
    check(
        sell(ALPHA, "a1", 5, 101),
        sell(ALPHA, "a2", 5, 100),
        sell(CHARLIE, "c1", 5, 100),
        buy(BRAVO, "b1", 12, 101),
        buy(BRAVO, "b2", 12, 100),
        events="""
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @100 qty 5 leaves 5 shows 5 r3 s4
            ACCEPTED o4 @101 qty 12 leaves 12 r4 s3
            FILL o4 t1 @100 qty 5 of 12 leaves 7 cum 5 r4 s3 AGGRESSOR
            FILL o2 p2 t1 @100 qty 5 cum 5 of r2 s1 UNSOLICITED
            FILL o4 t2 @100 qty 5 of 12 leaves 2 cum 10 r4 s3 AGGRESSOR
            FILL o3 p3 t2 @100 qty 5 cum 5 of r3 s4 UNSOLICITED
            FILL o4 t3 @101 qty 2 of 12 cum 12 r4 s3 AGGRESSOR
            FILL o1 p1 t3 @101 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 UNSOLICITED
            ACCEPTED o5 p4 @100 qty 12 leaves 12 shows 12 r5 s3
        """,
    )


def test_m20_sells_meet_the_highest_buy_first() -> None:
    check(
        buy(ALPHA, "a1", 5, 99),
        buy(ALPHA, "a2", 5, 100),
        sell(BRAVO, "b1", 7, 99),
        sell(BRAVO, "b2", 7, 100),
        events="""
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 @99 qty 7 leaves 7 r3 s3
            FILL o3 t1 @100 qty 5 of 7 leaves 2 cum 5 r3 s3 AGGRESSOR
            FILL o2 p2 t1 @100 qty 5 cum 5 of r2 s1 UNSOLICITED
            FILL o3 t2 @99 qty 2 of 7 cum 7 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @99 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 UNSOLICITED
            ACCEPTED o4 p3 @100 qty 7 leaves 7 shows 7 r4 s3
        """,
    )


def test_m21_fok_trades_all_or_nothing_and_counts_reserve() -> None:
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=2),
        sell(ALPHA, "a2", 5, 101),
        buy(BRAVO, "b1", 16, 101, time_in_force=w.FOK),
        buy(BRAVO, "b2", 11, 100, time_in_force=w.FOK),
        buy(BRAVO, "b3", 10, 100, time_in_force=w.FOK),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 2 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 @101 qty 16 leaves 16 r3 s3
            CANCELLED o3 @101 qty 16 of r3 s3 UNSOLICITED FOK
            ACCEPTED o4 @100 qty 11 leaves 11 r4 s3
            CANCELLED o4 @100 qty 11 of r4 s3 UNSOLICITED FOK
            ACCEPTED o5 @100 qty 10 leaves 10 r5 s3
            FILL o5 t1 @100 qty 2 of 10 leaves 8 cum 2 r5 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 10 leaves 8 cum 2 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @100 of 10 leaves 8 cum 2 shows 2 of r1
            FILL o5 t2 @100 qty 2 of 10 leaves 6 cum 4 r5 s3 AGGRESSOR
            FILL o1 p3 t2 @100 qty 2 of 10 leaves 6 cum 4 of r1 s1 UNSOLICITED
            REFRESHED o1 p4 @100 of 10 leaves 6 cum 4 shows 2 of r1
            FILL o5 t3 @100 qty 2 of 10 leaves 4 cum 6 r5 s3 AGGRESSOR
            FILL o1 p4 t3 @100 qty 2 of 10 leaves 4 cum 6 of r1 s1 UNSOLICITED
            REFRESHED o1 p5 @100 of 10 leaves 4 cum 6 shows 2 of r1
            FILL o5 t4 @100 qty 2 of 10 leaves 2 cum 8 r5 s3 AGGRESSOR
            FILL o1 p5 t4 @100 qty 2 of 10 leaves 2 cum 8 of r1 s1 UNSOLICITED
            REFRESHED o1 p6 @100 of 10 leaves 2 cum 8 shows 2 of r1
            FILL o5 t5 @100 qty 2 of 10 cum 10 r5 s3 AGGRESSOR
            FILL o1 p6 t5 @100 qty 2 of 10 cum 10 of r1 s1 UNSOLICITED
        """,
    )


def test_m21_fok_does_not_count_its_own_side_of_the_market() -> None:
    check(
        sell(BRAVO, "b1", 5, 100),
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b2", 6, 100, time_in_force=w.FOK),
        buy(BRAVO, "b3", 5, 100, time_in_force=w.FOK, self_match=w.SMP_AGGRESSING),
        buy(BRAVO, "b4", 5, 100, time_in_force=w.FOK, self_match=w.SMP_BOTH),
        buy(BRAVO, "b5", 5, 100, time_in_force=w.FOK),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s3
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 @100 qty 6 leaves 6 r3 s3
            CANCELLED o3 @100 qty 6 of r3 s3 UNSOLICITED FOK
            ACCEPTED o4 @100 qty 5 leaves 5 r4 s3
            CANCELLED o4 @100 qty 5 of r4 s3 UNSOLICITED FOK
            ACCEPTED o5 @100 qty 5 leaves 5 r5 s3
            CANCELLED o5 @100 qty 5 of r5 s3 UNSOLICITED FOK
            ACCEPTED o6 @100 qty 5 leaves 5 r6 s3
            CANCELLED o1 p1 @100 qty 5 of r1 s3 UNSOLICITED SELF_MATCH
            FILL o6 t1 @100 qty 5 cum 5 r6 s3 AGGRESSOR
            FILL o2 p2 t1 @100 qty 5 cum 5 of r2 s1 UNSOLICITED
        """,
    )


def test_m21_reserve_at_the_price_of_an_own_order_lies_behind_it() -> None:
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=2),
        sell(BRAVO, "b1", 5, 100),
        buy(BRAVO, "b2", 3, 100, time_in_force=w.FOK, self_match=w.SMP_AGGRESSING),
        buy(BRAVO, "b3", 2, 100, time_in_force=w.FOK, self_match=w.SMP_AGGRESSING),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 2 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s3
            ACCEPTED o3 @100 qty 3 leaves 3 r3 s3
            CANCELLED o3 @100 qty 3 of r3 s3 UNSOLICITED FOK
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s3
            FILL o4 t1 @100 qty 2 cum 2 r4 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 10 leaves 8 cum 2 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @100 of 10 leaves 8 cum 2 shows 2 of r1
        """,
    )


def test_m21_reserve_at_a_better_price_than_the_own_order_counts() -> None:
    check(
        sell(ALPHA, "a1", 10, 99, display_qty=2),
        sell(BRAVO, "b1", 5, 100),
        buy(BRAVO, "b2", 4, 100, time_in_force=w.FOK, self_match=w.SMP_BOTH),
        events="""
            ACCEPTED o1 p1 @99 qty 10 leaves 10 shows 2 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s3
            ACCEPTED o3 @100 qty 4 leaves 4 r3 s3
            FILL o3 t1 @99 qty 2 of 4 leaves 2 cum 2 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @99 qty 2 of 10 leaves 8 cum 2 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @99 of 10 leaves 8 cum 2 shows 2 of r1
            FILL o3 t2 @99 qty 2 of 4 cum 4 r3 s3 AGGRESSOR
            FILL o1 p3 t2 @99 qty 2 of 10 leaves 6 cum 4 of r1 s1 UNSOLICITED
            REFRESHED o1 p4 @99 of 10 leaves 6 cum 4 shows 2 of r1
        """,
    )


def test_m21_a_fok_sell_counts_bids_down_to_its_price() -> None:
    check(
        buy(ALPHA, "a1", 3, 100),
        buy(ALPHA, "a2", 3, 99),
        buy(ALPHA, "a3", 3, 98),
        sell(BRAVO, "b1", 7, 99, time_in_force=w.FOK),
        sell(BRAVO, "b2", 6, 99, time_in_force=w.FOK),
        events="""
            ACCEPTED o1 p1 @100 qty 3 leaves 3 shows 3 r1 s1
            ACCEPTED o2 p2 @99 qty 3 leaves 3 shows 3 r2 s1
            ACCEPTED o3 p3 @98 qty 3 leaves 3 shows 3 r3 s1
            ACCEPTED o4 @99 qty 7 leaves 7 r4 s3
            CANCELLED o4 @99 qty 7 of r4 s3 UNSOLICITED FOK
            ACCEPTED o5 @99 qty 6 leaves 6 r5 s3
            FILL o5 t1 @100 qty 3 of 6 leaves 3 cum 3 r5 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 cum 3 of r1 s1 UNSOLICITED
            FILL o5 t2 @99 qty 3 of 6 cum 6 r5 s3 AGGRESSOR
            FILL o2 p2 t2 @99 qty 3 cum 3 of r2 s1 UNSOLICITED
        """,
    )


def test_m22_min_qty_trades_at_least_that_or_nothing() -> None:
    check(
        sell(ALPHA, "a1", 4, 100),
        buy(BRAVO, "b1", 9, 100, time_in_force=w.IOC, min_qty=5),
        buy(BRAVO, "b2", 9, 100, time_in_force=w.IOC, min_qty=4),
        events="""
            ACCEPTED o1 p1 @100 qty 4 leaves 4 shows 4 r1 s1
            ACCEPTED o2 @100 qty 9 leaves 9 r2 s3
            CANCELLED o2 @100 qty 9 of r2 s3 UNSOLICITED MIN_QTY
            ACCEPTED o3 @100 qty 9 leaves 9 r3 s3
            FILL o3 t1 @100 qty 4 of 9 leaves 5 cum 4 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 4 cum 4 of r1 s1 UNSOLICITED
            CANCELLED o3 @100 qty 5 of 9 cum 4 of r3 s3 UNSOLICITED IOC
        """,
    )


def test_m23_market_orders_stop_at_their_band() -> None:
    check(
        sell(ALPHA, "a1", 1, 100),
        sell(ALPHA, "a2", 1, 103),
        sell(ALPHA, "a3", 1, 104),
        buy(BRAVO, "b1", 3, 0, ord_type=w.MARKET),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @103 qty 1 leaves 1 shows 1 r2 s1
            ACCEPTED o3 p3 @104 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 qty 3 leaves 3 r4 s3
            FILL o4 t1 @100 qty 1 of 3 leaves 2 cum 1 r4 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 cum 1 of r1 s1 UNSOLICITED
            FILL o4 t2 @103 qty 1 of 3 leaves 1 cum 2 r4 s3 AGGRESSOR
            FILL o2 p2 t2 @103 qty 1 cum 1 of r2 s1 UNSOLICITED
            CANCELLED o4 qty 1 of 3 cum 2 of r4 s3 UNSOLICITED MARKET_BAND
        """,
    )


def test_m23_market_orders_stop_at_the_daily_limit() -> None:
    """Limits 90 to 110; a band of 30 ticks would reach beyond what anybody may ask."""
    wide = [product(1, band_ticks=30), *usual_venue()[1:]]
    check(
        buy(ALPHA, "a1", 1, 100),
        buy(ALPHA, "a2", 1, 90),
        sell(BRAVO, "b1", 3, 0, ord_type=w.MARKET),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @90 qty 1 leaves 1 shows 1 r2 s1
            ACCEPTED o3 qty 3 leaves 3 r3 s3
            FILL o3 t1 @100 qty 1 of 3 leaves 2 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 cum 1 of r1 s1 UNSOLICITED
            FILL o3 t2 @90 qty 1 of 3 leaves 1 cum 2 r3 s3 AGGRESSOR
            FILL o2 p2 t2 @90 qty 1 cum 1 of r2 s1 UNSOLICITED
            CANCELLED o3 qty 1 of 3 cum 2 of r3 s3 UNSOLICITED MARKET_BAND
        """,
        venue=wide,
    )


def test_m23_market_orders_meet_an_empty_side() -> None:
    check(
        buy(BRAVO, "b1", 3, 0, ord_type=w.MARKET),
        sell(BRAVO, "b2", 3, 55, ord_type=w.MARKET, time_in_force=w.IOC),
        sell(BRAVO, "b3", 3, 0, ord_type=w.MARKET, time_in_force=w.FOK),
        buy(ALPHA, "a1", 2, 100),
        sell(BRAVO, "b4", 3, 0, ord_type=w.MARKET, time_in_force=w.FOK),
        sell(BRAVO, "b5", 2, 0, ord_type=w.MARKET, time_in_force=w.FOK),
        events="""
            ACCEPTED o1 qty 3 leaves 3 r1 s3
            CANCELLED o1 qty 3 of r1 s3 UNSOLICITED MARKET_BAND
            ACCEPTED o2 qty 3 leaves 3 r2 s3
            CANCELLED o2 qty 3 of r2 s3 UNSOLICITED MARKET_BAND
            ACCEPTED o3 qty 3 leaves 3 r3 s3
            CANCELLED o3 qty 3 of r3 s3 UNSOLICITED MARKET_BAND
            ACCEPTED o4 p1 @100 qty 2 leaves 2 shows 2 r4 s1
            ACCEPTED o5 qty 3 leaves 3 r5 s3
            CANCELLED o5 qty 3 of r5 s3 UNSOLICITED FOK
            ACCEPTED o6 qty 2 leaves 2 r6 s3
            FILL o6 t1 @100 qty 2 cum 2 r6 s3 AGGRESSOR
            FILL o4 p1 t1 @100 qty 2 cum 2 of r4 s1 UNSOLICITED
        """,
    )


def test_m24_an_iceberg_shows_slices_each_behind_the_queue() -> None:
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=4),
        sell(CHARLIE, "c1", 5, 100),
        buy(BRAVO, "b1", 3, 100),
        buy(BRAVO, "b2", 3, 100),
        buy(BRAVO, "b3", 8, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 4 r1 s1
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s4
            ACCEPTED o3 @100 qty 3 leaves 3 r3 s3
            FILL o3 t1 @100 qty 3 cum 3 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 10 leaves 7 cum 3 shows 1 of r1 s1 UNSOLICITED
            ACCEPTED o4 @100 qty 3 leaves 3 r4 s3
            FILL o4 t2 @100 qty 1 of 3 leaves 2 cum 1 r4 s3 AGGRESSOR
            FILL o1 p1 t2 @100 qty 1 of 10 leaves 6 cum 4 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @100 of 10 leaves 6 cum 4 shows 4 of r1
            FILL o4 t3 @100 qty 2 of 3 cum 3 r4 s3 AGGRESSOR
            FILL o2 p2 t3 @100 qty 2 of 5 leaves 3 cum 2 shows 3 of r2 s4 UNSOLICITED
            ACCEPTED o5 @100 qty 8 leaves 8 r5 s3
            FILL o5 t4 @100 qty 3 of 8 leaves 5 cum 3 r5 s3 AGGRESSOR
            FILL o2 p2 t4 @100 qty 3 of 5 cum 5 of r2 s4 UNSOLICITED
            FILL o5 t5 @100 qty 4 of 8 leaves 1 cum 7 r5 s3 AGGRESSOR
            FILL o1 p3 t5 @100 qty 4 of 10 leaves 2 cum 8 of r1 s1 UNSOLICITED
            REFRESHED o1 p4 @100 of 10 leaves 2 cum 8 shows 2 of r1
            FILL o5 t6 @100 qty 1 of 8 cum 8 r5 s3 AGGRESSOR
            FILL o1 p4 t6 @100 qty 1 of 10 leaves 1 cum 9 shows 1 of r1 s1 UNSOLICITED
        """,
    )


def test_m24_one_incoming_order_eats_slice_after_slice() -> None:
    check(
        sell(ALPHA, "a1", 5, 100, display_qty=2),
        buy(BRAVO, "b1", 6, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 2 r1 s1
            ACCEPTED o2 @100 qty 6 leaves 6 r2 s3
            FILL o2 t1 @100 qty 2 of 6 leaves 4 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 5 leaves 3 cum 2 of r1 s1 UNSOLICITED
            REFRESHED o1 p2 @100 of 5 leaves 3 cum 2 shows 2 of r1
            FILL o2 t2 @100 qty 2 of 6 leaves 2 cum 4 r2 s3 AGGRESSOR
            FILL o1 p2 t2 @100 qty 2 of 5 leaves 1 cum 4 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @100 of 5 leaves 1 cum 4 shows 1 of r1
            FILL o2 t3 @100 qty 1 of 6 leaves 1 cum 5 r2 s3 AGGRESSOR
            FILL o1 p3 t3 @100 qty 1 of 5 cum 5 of r1 s1 UNSOLICITED
            BOOKED o2 p4 @100 of 6 leaves 1 cum 5 shows 1 of r2
        """,
    )


def test_m24_an_incoming_iceberg_trades_with_all_of_it_and_shows_the_rest() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b1", 20, 100, display_qty=4),
        cancel(BRAVO, "b2", "b1"),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 20 leaves 20 r2 s3
            FILL o2 t1 @100 qty 5 of 20 leaves 15 cum 5 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 5 cum 5 of r1 s1 UNSOLICITED
            BOOKED o2 p2 @100 of 20 leaves 15 cum 5 shows 4 of r2
            CANCELLED o2 p2 @100 qty 15 of 20 cum 5 r3 of r2 s3
        """,
    )


def test_m24_the_least_share_shown() -> None:
    """A tenth of 95, rounded up: 10."""
    check(
        buy(ALPHA, "a1", 95, 100, display_qty=9),
        buy(ALPHA, "a2", 95, 100, display_qty=10),
        buy(ALPHA, "a3", 95, 100, display_qty=95),
        buy(ALPHA, "a4", 95, 100, display_qty=96),
        buy(ALPHA, "a5", 95, 100, display_qty=-1),
        buy(ALPHA, "a6", 95, 100, display_qty=20, time_in_force=w.IOC),
        buy(ALPHA, "a7", 95, 100, display_qty=95, time_in_force=w.IOC),
        events="""
            REJECTED @100 qty 95 r1 s1 DISPLAY_QTY_INVALID
            ACCEPTED o1 p1 @100 qty 95 leaves 95 shows 10 r2 s1
            ACCEPTED o2 p2 @100 qty 95 leaves 95 shows 95 r3 s1
            REJECTED @100 qty 95 r4 s1 DISPLAY_QTY_INVALID
            REJECTED @100 qty 95 r5 s1 DISPLAY_QTY_INVALID
            REJECTED @100 qty 95 r6 s1 DISPLAY_QTY_INVALID
            ACCEPTED o3 @100 qty 95 leaves 95 r7 s1
            CANCELLED o3 @100 qty 95 of r7 s1 UNSOLICITED IOC
        """,
    )


def test_m25_post_only_orders_never_take() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(BRAVO, "b1", 5, 100, exec_inst=1),
        buy(BRAVO, "b2", 5, 101, exec_inst=1),
        buy(BRAVO, "b3", 5, 99, exec_inst=1),
        sell(ALPHA, "a2", 5, 99, exec_inst=1),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            REJECTED @100 qty 5 r2 s3 POST_ONLY_WOULD_TRADE
            REJECTED @101 qty 5 r3 s3 POST_ONLY_WOULD_TRADE
            ACCEPTED o2 p2 @99 qty 5 leaves 5 shows 5 r4 s3
            REJECTED @99 qty 5 r5 s1 POST_ONLY_WOULD_TRADE
        """,
    )


def test_m30_trades_are_at_the_resting_price() -> None:
    check(
        sell(ALPHA, "a1", 5, 98),
        buy(BRAVO, "b1", 2, 102),
        sell(CHARLIE, "c1", 9, 97),
        buy(ALPHA, "a2", 5, 97),
        events="""
            ACCEPTED o1 p1 @98 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @102 qty 2 leaves 2 r2 s3
            FILL o2 t1 @98 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @98 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @97 qty 9 leaves 9 shows 9 r3 s4
            ACCEPTED o4 @97 qty 5 leaves 5 r4 s1
            FILL o4 t2 @97 qty 5 cum 5 r4 s1 AGGRESSOR
            FILL o3 p2 t2 @97 qty 5 of 9 leaves 4 cum 5 shows 4 of r3 s4 UNSOLICITED
        """,
    )


def test_m31_trades_are_at_the_middle_of_bid_ask_and_last() -> None:
    """last 100: bid 103, ask 101: 101. last 101: bid 102, ask 99: 101. ask 97, bid 99: 99."""
    median = [gross_product(1), *usual_venue()[2:]]
    median = [one for one in median if one["row"].get("product") != 2]
    opens = {"position_effect": w.OPEN}
    check(
        sell(ALPHA, "a1", 1, 101, **opens),
        buy(BRAVO, "b1", 1, 103, **opens),
        sell(ALPHA, "a2", 1, 99, **opens),
        buy(BRAVO, "b2", 1, 102, **opens),
        buy(ALPHA, "a3", 1, 99, **opens),
        sell(BRAVO, "b3", 1, 97, **opens),
        sell(BRAVO, "b4", 1, 96, **opens),
        sell(BRAVO, "b5", 1, 97, **opens),
        buy(ALPHA, "a4", 2, 105, **opens),
        events="""
            ACCEPTED o1 p1 @101 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @103 qty 1 leaves 1 r2 s3
            FILL o2 t1 @101 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @101 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @99 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @102 qty 1 leaves 1 r4 s3
            FILL o4 t2 @101 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @101 qty 1 cum 1 of r3 s1 UNSOLICITED
            ACCEPTED o5 p3 @99 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @97 qty 1 leaves 1 r6 s3
            FILL o6 t3 @99 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @99 qty 1 cum 1 of r5 s1 UNSOLICITED
            ACCEPTED o7 p4 @96 qty 1 leaves 1 shows 1 r7 s3
            ACCEPTED o8 p5 @97 qty 1 leaves 1 shows 1 r8 s3
            ACCEPTED o9 @105 qty 2 leaves 2 r9 s1
            FILL o9 t4 @99 qty 1 of 2 leaves 1 cum 1 r9 s1 AGGRESSOR
            FILL o7 p4 t4 @99 qty 1 cum 1 of r7 s3 UNSOLICITED
            FILL o9 t5 @99 qty 1 of 2 cum 2 r9 s1 AGGRESSOR
            FILL o8 p5 t5 @99 qty 1 cum 1 of r8 s3 UNSOLICITED
        """,
        venue=median,
    )


def test_m32_sums_grow_with_each_fill_of_both_orders() -> None:
    naive, engine = check(
        sell(ALPHA, "a1", 2, 100),
        sell(ALPHA, "a2", 3, 102),
        buy(BRAVO, "b1", 9, 102),
        sell(CHARLIE, "c1", 4, 102),
        events="""
            ACCEPTED o1 p1 @100 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @102 qty 3 leaves 3 shows 3 r2 s1
            ACCEPTED o3 @102 qty 9 leaves 9 r3 s3
            FILL o3 t1 @100 qty 2 of 9 leaves 7 cum 2 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 cum 2 of r1 s1 UNSOLICITED
            FILL o3 t2 @102 qty 3 of 9 leaves 4 cum 5 r3 s3 AGGRESSOR
            FILL o2 p2 t2 @102 qty 3 cum 3 of r2 s1 UNSOLICITED
            BOOKED o3 p3 @102 of 9 leaves 4 cum 5 shows 4 of r3
            ACCEPTED o4 @102 qty 4 leaves 4 r4 s4
            FILL o4 t3 @102 qty 4 cum 4 r4 s4 AGGRESSOR
            FILL o3 p3 t3 @102 qty 4 of 9 cum 9 of r3 s3 UNSOLICITED
        """,
    )
    assert naive.exchange.live == {}
    assert engine.engine.event_count > 0
