"""Scenarios of section 9: stop orders that come in (M-163 to M-168)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    TICK,
    account,
    buy,
    cancel,
    replace,
    roll_product,
    sell,
    stop,
)
from tests.scenarios import check

GTC = {"time_in_force": w.GTC}


def test_m163_a_trade_at_the_stop_price_or_beyond_reaches_it() -> None:
    """An order in the book at the stop price does not; one tick short does not."""
    check(
        stop(ALPHA, "a1", w.BUY, 1, 102, ticks=102),
        buy(BRAVO, "b1", 1, 102),
        cancel(BRAVO, "b2", "b1"),
        sell(BRAVO, "b3", 1, 101),
        buy(CHARLIE, "c1", 1, 101),
        sell(BRAVO, "b4", 1, 102),
        buy(CHARLIE, "c2", 1, 102),
        events="""
            ACCEPTED o1 @102 qty 1 leaves 1 r1 s1
            ACCEPTED o2 p1 @102 qty 1 leaves 1 shows 1 r2 s3
            CANCELLED o2 p1 @102 qty 1 r3 of r2 s3
            ACCEPTED o3 p2 @101 qty 1 leaves 1 shows 1 r4 s3
            ACCEPTED o4 @101 qty 1 leaves 1 r5 s4
            FILL o4 t1 @101 qty 1 cum 1 r5 s4 AGGRESSOR
            FILL o3 p2 t1 @101 qty 1 cum 1 of r4 s3 UNSOLICITED
            ACCEPTED o5 p3 @102 qty 1 leaves 1 shows 1 r6 s3
            ACCEPTED o6 @102 qty 1 leaves 1 r7 s4
            FILL o6 t2 @102 qty 1 cum 1 r7 s4 AGGRESSOR
            FILL o5 p3 t2 @102 qty 1 cum 1 of r6 s3 UNSOLICITED
            TRIGGERED o1 @102 of 1 leaves 1 of r1 s1 UNSOLICITED
            BOOKED o1 p4 @102 of 1 leaves 1 shows 1 of r1
        """,
    )


def test_m163_every_trade_of_the_command_counts() -> None:
    """A buy trades at 100 and 106 after a last trade at 105: a sell at 101 and a buy at 106."""
    check(
        buy(BRAVO, "b1", 1, 105),
        sell(CHARLIE, "c1", 1, 105),
        stop(ALPHA, "a1", w.SELL, 1, 101, ticks=101),
        stop(ALPHA, "a2", w.BUY, 1, 106, ticks=106),
        sell(BRAVO, "b2", 1, 100),
        sell(BRAVO, "b3", 1, 106),
        buy(CHARLIE, "c2", 2, 106),
        events="""
            ACCEPTED o1 p1 @105 qty 1 leaves 1 shows 1 r1 s3
            ACCEPTED o2 @105 qty 1 leaves 1 r2 s4
            FILL o2 t1 @105 qty 1 cum 1 r2 s4 AGGRESSOR
            FILL o1 p1 t1 @105 qty 1 cum 1 of r1 s3 UNSOLICITED
            ACCEPTED o3 @101 qty 1 leaves 1 r3 s1
            ACCEPTED o4 @106 qty 1 leaves 1 r4 s1
            ACCEPTED o5 p2 @100 qty 1 leaves 1 shows 1 r5 s3
            ACCEPTED o6 p3 @106 qty 1 leaves 1 shows 1 r6 s3
            ACCEPTED o7 @106 qty 2 leaves 2 r7 s4
            FILL o7 t2 @100 qty 1 of 2 leaves 1 cum 1 r7 s4 AGGRESSOR
            FILL o5 p2 t2 @100 qty 1 cum 1 of r5 s3 UNSOLICITED
            FILL o7 t3 @106 qty 1 of 2 cum 2 r7 s4 AGGRESSOR
            FILL o6 p3 t3 @106 qty 1 cum 1 of r6 s3 UNSOLICITED
            TRIGGERED o4 @106 of 1 leaves 1 of r4 s1 UNSOLICITED
            BOOKED o4 p4 @106 of 1 leaves 1 shows 1 of r4
            TRIGGERED o3 @101 of 1 leaves 1 of r3 s1 UNSOLICITED
            CANCELLED o4 p4 @106 qty 1 of r4 s1 UNSOLICITED SELF_MATCH
            BOOKED o3 p5 @101 of 1 leaves 1 shows 1 of r3
        """,
    )


def test_m164_the_nearest_stop_price_first_then_the_oldest() -> None:
    """A sweep down to 97: the sells come in from 99 down, at 99 the older one first."""
    check(
        stop(ALPHA, "a1", w.SELL, 1, 98),
        stop(ALPHA, "a2", w.SELL, 1, 99),
        stop(ALPHA, "a3", w.SELL, 1, 99),
        stop(ALPHA, "a4", w.SELL, 1, 97),
        stop(ALPHA_2, "a5", w.BUY, 1, 101),
        buy(BRAVO, "b1", 1, 99),
        buy(BRAVO, "b2", 1, 98),
        buy(BRAVO, "b3", 9, 96),
        sell(CHARLIE, "c1", 3, 97),
        events="""
            ACCEPTED o1 @98 qty 1 leaves 1 r1 s1
            ACCEPTED o2 @99 qty 1 leaves 1 r2 s1
            ACCEPTED o3 @99 qty 1 leaves 1 r3 s1
            ACCEPTED o4 @97 qty 1 leaves 1 r4 s1
            ACCEPTED o5 @101 qty 1 leaves 1 r5 s2
            ACCEPTED o6 p1 @99 qty 1 leaves 1 shows 1 r6 s3
            ACCEPTED o7 p2 @98 qty 1 leaves 1 shows 1 r7 s3
            ACCEPTED o8 p3 @96 qty 9 leaves 9 shows 9 r8 s3
            ACCEPTED o9 @97 qty 3 leaves 3 r9 s4
            FILL o9 t1 @99 qty 1 of 3 leaves 2 cum 1 r9 s4 AGGRESSOR
            FILL o6 p1 t1 @99 qty 1 cum 1 of r6 s3 UNSOLICITED
            FILL o9 t2 @98 qty 1 of 3 leaves 1 cum 2 r9 s4 AGGRESSOR
            FILL o7 p2 t2 @98 qty 1 cum 1 of r7 s3 UNSOLICITED
            BOOKED o9 p4 @97 of 3 leaves 1 cum 2 shows 1 of r9
            TRIGGERED o2 of 1 leaves 1 of r2 s1 UNSOLICITED
            FILL o2 t3 @96 qty 1 cum 1 of r2 s1 AGGRESSOR UNSOLICITED
            FILL o8 p3 t3 @96 qty 1 of 9 leaves 8 cum 1 shows 8 of r8 s3 UNSOLICITED
            TRIGGERED o3 of 1 leaves 1 of r3 s1 UNSOLICITED
            FILL o3 t4 @96 qty 1 cum 1 of r3 s1 AGGRESSOR UNSOLICITED
            FILL o8 p3 t4 @96 qty 1 of 9 leaves 7 cum 2 shows 7 of r8 s3 UNSOLICITED
            TRIGGERED o1 of 1 leaves 1 of r1 s1 UNSOLICITED
            FILL o1 t5 @96 qty 1 cum 1 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o8 p3 t5 @96 qty 1 of 9 leaves 6 cum 3 shows 6 of r8 s3 UNSOLICITED
            TRIGGERED o4 of 1 leaves 1 of r4 s1 UNSOLICITED
            FILL o4 t6 @96 qty 1 cum 1 of r4 s1 AGGRESSOR UNSOLICITED
            FILL o8 p3 t6 @96 qty 1 of 9 leaves 5 cum 4 shows 5 of r8 s3 UNSOLICITED
        """,
    )


def test_m164_what_a_triggered_order_reaches_is_chosen_anew() -> None:
    """The first buy lifts the price to 105: the buy at 104 comes before the one at 106."""
    check(
        stop(ALPHA, "a1", w.BUY, 2, 102),
        stop(ALPHA, "a2", w.BUY, 1, 104, ticks=106),
        stop(ALPHA_2, "a3", w.BUY, 1, 106),
        stop(ALPHA_2, "a4", w.BUY, 1, 103, ticks=103),
        sell(BRAVO, "b1", 1, 102),
        sell(BRAVO, "b2", 1, 103),
        sell(BRAVO, "b3", 1, 105),
        sell(BRAVO, "b4", 1, 106),
        buy(CHARLIE, "c1", 2, 102),
        events="""
            ACCEPTED o1 @102 qty 2 leaves 2 r1 s1
            ACCEPTED o2 @106 qty 1 leaves 1 r2 s1
            ACCEPTED o3 @106 qty 1 leaves 1 r3 s2
            ACCEPTED o4 @103 qty 1 leaves 1 r4 s2
            ACCEPTED o5 p1 @102 qty 1 leaves 1 shows 1 r5 s3
            ACCEPTED o6 p2 @103 qty 1 leaves 1 shows 1 r6 s3
            ACCEPTED o7 p3 @105 qty 1 leaves 1 shows 1 r7 s3
            ACCEPTED o8 p4 @106 qty 1 leaves 1 shows 1 r8 s3
            ACCEPTED o9 @102 qty 2 leaves 2 r9 s4
            FILL o9 t1 @102 qty 1 of 2 leaves 1 cum 1 r9 s4 AGGRESSOR
            FILL o5 p1 t1 @102 qty 1 cum 1 of r5 s3 UNSOLICITED
            BOOKED o9 p5 @102 of 2 leaves 1 cum 1 shows 1 of r9
            TRIGGERED o1 of 2 leaves 2 of r1 s1 UNSOLICITED
            FILL o1 t2 @103 qty 1 of 2 leaves 1 cum 1 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o6 p2 t2 @103 qty 1 cum 1 of r6 s3 UNSOLICITED
            FILL o1 t3 @105 qty 1 of 2 cum 2 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o7 p3 t3 @105 qty 1 cum 1 of r7 s3 UNSOLICITED
            TRIGGERED o4 @103 of 1 leaves 1 of r4 s2 UNSOLICITED
            BOOKED o4 p6 @103 of 1 leaves 1 shows 1 of r4
            TRIGGERED o2 @106 of 1 leaves 1 of r2 s1 UNSOLICITED
            FILL o2 t4 @106 qty 1 cum 1 of r2 s1 AGGRESSOR UNSOLICITED
            FILL o8 p4 t4 @106 qty 1 cum 1 of r8 s3 UNSOLICITED
            TRIGGERED o3 of 1 leaves 1 of r3 s2 UNSOLICITED
            CANCELLED o3 qty 1 of r3 s2 UNSOLICITED MARKET_BAND
        """,
    )


def test_m165_a_triggered_order_is_a_market_or_limit_order_from_then_on() -> None:
    """MARKET: what is left is cancelled; LIMIT: it rests, is replaced as LIMIT, and trades."""
    check(
        stop(ALPHA, "a1", w.BUY, 5, 101),
        stop(ALPHA, "a2", w.BUY, 5, 101, ticks=103),
        stop(ALPHA_2, "a3", w.SELL, 5, 99),
        sell(BRAVO, "b1", 1, 101),
        sell(BRAVO, "b2", 2, 102),
        buy(CHARLIE, "c1", 1, 101),
        replace(ALPHA, "a4", "a2", 6, 103, ord_type=w.STOP_LIMIT, stop_price=104 * TICK),
        replace(ALPHA, "a5", "a2", 6, 104, ord_type=w.LIMIT),
        cancel(ALPHA, "a6", "a1"),
        sell(BRAVO, "b3", 6, 104),
        events="""
            ACCEPTED o1 @101 qty 5 leaves 5 r1 s1
            ACCEPTED o2 @103 qty 5 leaves 5 r2 s1
            ACCEPTED o3 @99 qty 5 leaves 5 r3 s2
            ACCEPTED o4 p1 @101 qty 1 leaves 1 shows 1 r4 s3
            ACCEPTED o5 p2 @102 qty 2 leaves 2 shows 2 r5 s3
            ACCEPTED o6 @101 qty 1 leaves 1 r6 s4
            FILL o6 t1 @101 qty 1 cum 1 r6 s4 AGGRESSOR
            FILL o4 p1 t1 @101 qty 1 cum 1 of r4 s3 UNSOLICITED
            TRIGGERED o1 of 5 leaves 5 of r1 s1 UNSOLICITED
            FILL o1 t2 @102 qty 2 of 5 leaves 3 cum 2 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o5 p2 t2 @102 qty 2 cum 2 of r5 s3 UNSOLICITED
            CANCELLED o1 qty 3 of 5 cum 2 of r1 s1 UNSOLICITED MARKET_BAND
            TRIGGERED o2 @103 of 5 leaves 5 of r2 s1 UNSOLICITED
            BOOKED o2 p3 @103 of 5 leaves 5 shows 5 of r2
            CANCEL_REJECTED o2 p3 @103 of 5 leaves 5 shows 5 r7 of r2 s1 NOT_AMENDABLE
            REPLACED o2 p4 @104 qty 6 leaves 6 shows 6 r8 s1
            CANCEL_REJECTED r9 of r1 s1 TOO_LATE
            ACCEPTED o7 @104 qty 6 leaves 6 r10 s3
            FILL o7 t3 @104 qty 6 cum 6 r10 s3 AGGRESSOR
            FILL o2 p4 t3 @104 qty 6 cum 6 of r8 s1 UNSOLICITED
        """,
    )


def test_m165_nothing_is_checked_again_and_the_sums_are_given_back() -> None:
    """Limits that became narrow while it waited do not stop it; its quantity counts once."""
    check(
        stop(ALPHA, "a1", w.BUY, 5, 101, ticks=101),
        account(1, 1, position_long_max=5, open_orders_max=0, order_notional_max=1),
        sell(BRAVO, "b1", 3, 101),
        buy(CHARLIE, "c1", 1, 101),
        account(1, 1, position_long_max=5),
        buy(ALPHA, "a2", 1, 100),
        cancel(ALPHA, "a3", "a1"),
        buy(ALPHA, "a4", 3, 100),
        buy(ALPHA, "a5", 1, 100),
        events="""
            ACCEPTED o1 @101 qty 5 leaves 5 r1 s1
            ACCOUNT_SET
            ACCEPTED o2 p1 @101 qty 3 leaves 3 shows 3 r2 s3
            ACCEPTED o3 @101 qty 1 leaves 1 r3 s4
            FILL o3 t1 @101 qty 1 cum 1 r3 s4 AGGRESSOR
            FILL o2 p1 t1 @101 qty 1 of 3 leaves 2 cum 1 shows 2 of r2 s3 UNSOLICITED
            TRIGGERED o1 @101 of 5 leaves 5 of r1 s1 UNSOLICITED
            FILL o1 t2 @101 qty 2 of 5 leaves 3 cum 2 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o2 p1 t2 @101 qty 2 of 3 cum 3 of r2 s3 UNSOLICITED
            BOOKED o1 p2 @101 of 5 leaves 3 cum 2 shows 3 of r1
            ACCOUNT_SET
            REJECTED @100 qty 1 r4 s1 POSITION_LONG_MAX
            CANCELLED o1 p2 @101 qty 3 of 5 cum 2 r5 of r1 s1
            ACCEPTED o4 p3 @100 qty 3 leaves 3 shows 3 r6 s1
            REJECTED @100 qty 1 r7 s1 POSITION_LONG_MAX
        """,
    )


def test_m167_self_match_prevention_and_fok_know_no_waiting_order() -> None:
    """ALPHA's own waiting sell does not stop its FOK; triggered it is the aggressor."""
    check(
        stop(ALPHA, "a1", w.SELL, 2, 99, ticks=97, self_match=w.SMP_AGGRESSING),
        sell(BRAVO, "b1", 2, 99),
        buy(ALPHA, "a2", 2, 99, time_in_force=w.FOK),
        events="""
            ACCEPTED o1 @97 qty 2 leaves 2 r1 s1
            ACCEPTED o2 p1 @99 qty 2 leaves 2 shows 2 r2 s3
            ACCEPTED o3 @99 qty 2 leaves 2 r3 s1
            FILL o3 t1 @99 qty 2 cum 2 r3 s1 AGGRESSOR
            FILL o2 p1 t1 @99 qty 2 cum 2 of r2 s3 UNSOLICITED
            TRIGGERED o1 @97 of 2 leaves 2 of r1 s1 UNSOLICITED
            BOOKED o1 p2 @97 of 2 leaves 2 shows 2 of r1
        """,
    )
    check(
        stop(ALPHA, "a1", w.SELL, 2, 99, ticks=97, self_match=w.SMP_AGGRESSING),
        buy(ALPHA, "a2", 2, 98),
        buy(BRAVO, "b1", 1, 99),
        sell(CHARLIE, "c1", 1, 99),
        events="""
            ACCEPTED o1 @97 qty 2 leaves 2 r1 s1
            ACCEPTED o2 p1 @98 qty 2 leaves 2 shows 2 r2 s1
            ACCEPTED o3 p2 @99 qty 1 leaves 1 shows 1 r3 s3
            ACCEPTED o4 @99 qty 1 leaves 1 r4 s4
            FILL o4 t1 @99 qty 1 cum 1 r4 s4 AGGRESSOR
            FILL o3 p2 t1 @99 qty 1 cum 1 of r3 s3 UNSOLICITED
            TRIGGERED o1 @97 of 2 leaves 2 of r1 s1 UNSOLICITED
            CANCELLED o1 @97 qty 2 of r1 s1 UNSOLICITED SELF_MATCH
        """,
    )


def test_m168_limits_that_fall_take_buys() -> None:
    """Settlement 96: limits 87 to 105; a stop price at 106 goes though its limit price may stay."""
    check(
        stop(ALPHA, "a1", w.BUY, 1, 106, ticks=105, **GTC),
        stop(ALPHA, "a2", w.BUY, 1, 105, ticks=106, **GTC),
        stop(ALPHA, "a3", w.BUY, 1, 105, ticks=105, **GTC),
        sell(BRAVO, "b1", 1, 96),
        buy(CHARLIE, "c1", 1, 96),
        roll_product(1, DAY_2),
        events="""
            ACCEPTED o1 @105 qty 1 leaves 1 r1 s1
            ACCEPTED o2 @106 qty 1 leaves 1 r2 s1
            ACCEPTED o3 @105 qty 1 leaves 1 r3 s1
            ACCEPTED o4 p1 @96 qty 1 leaves 1 shows 1 r4 s3
            ACCEPTED o5 @96 qty 1 leaves 1 r5 s4
            FILL o5 t1 @96 qty 1 cum 1 r5 s4 AGGRESSOR
            FILL o4 p1 t1 @96 qty 1 cum 1 of r4 s3 UNSOLICITED
            SETTLED @96 value 96 qty 1 open 1
            LIMITS_SET @96 from 87 to 105
            EXPIRED o1 @105 qty 1 of r1 s1 UNSOLICITED BEYOND_LIMITS
            EXPIRED o2 @106 qty 1 of r2 s1 UNSOLICITED BEYOND_LIMITS
            SETTLED @96 NEIGHBOUR
            LIMITS_SET @96 from 87 to 105
        """,
    )


def test_m168_the_roll_takes_what_lies_beyond_and_triggers_nothing() -> None:
    """Settlement 104: limits 94 to 114, and `last` passes the buy at 101, which a trade brings in.

    A sell above the trade comes in, too, but behind the buy (M-164).
    """
    check(
        sell(BRAVO, "b1", 10, 104),
        buy(CHARLIE, "c1", 10, 104),
        sell(BRAVO, "b2", 1, 100),
        buy(CHARLIE, "c2", 1, 100),
        stop(ALPHA, "a1", w.BUY, 1, 101, ticks=101, **GTC),
        stop(ALPHA, "a2", w.SELL, 1, 93, **GTC),
        stop(ALPHA, "a3", w.SELL, 1, 94, ticks=93, **GTC),
        stop(ALPHA, "a4", w.SELL, 1, 93, ticks=94, **GTC),
        stop(ALPHA, "a5", w.SELL, 1, 94, ticks=94, **GTC),
        roll_product(1, DAY_2),
        stop(ALPHA_2, "a6", w.SELL, 1, 103, ticks=103),
        sell(BRAVO, "b3", 1, 102),
        buy(CHARLIE, "c3", 1, 102),
        events="""
            ACCEPTED o1 p1 @104 qty 10 leaves 10 shows 10 r1 s3
            ACCEPTED o2 @104 qty 10 leaves 10 r2 s4
            FILL o2 t1 @104 qty 10 cum 10 r2 s4 AGGRESSOR
            FILL o1 p1 t1 @104 qty 10 cum 10 of r1 s3 UNSOLICITED
            ACCEPTED o3 p2 @100 qty 1 leaves 1 shows 1 r3 s3
            ACCEPTED o4 @100 qty 1 leaves 1 r4 s4
            FILL o4 t2 @100 qty 1 cum 1 r4 s4 AGGRESSOR
            FILL o3 p2 t2 @100 qty 1 cum 1 of r3 s3 UNSOLICITED
            ACCEPTED o5 @101 qty 1 leaves 1 r5 s1
            ACCEPTED o6 @93 qty 1 leaves 1 r6 s1
            ACCEPTED o7 @93 qty 1 leaves 1 r7 s1
            ACCEPTED o8 @94 qty 1 leaves 1 r8 s1
            ACCEPTED o9 @94 qty 1 leaves 1 r9 s1
            SETTLED @104 value 1140 qty 11 open 11
            LIMITS_SET @104 from 94 to 114
            EXPIRED o6 @93 qty 1 of r6 s1 UNSOLICITED BEYOND_LIMITS
            EXPIRED o7 @93 qty 1 of r7 s1 UNSOLICITED BEYOND_LIMITS
            EXPIRED o8 @94 qty 1 of r8 s1 UNSOLICITED BEYOND_LIMITS
            SETTLED @104 NEIGHBOUR
            LIMITS_SET @104 from 94 to 114
            ACCEPTED o10 @103 qty 1 leaves 1 r10 s2
            ACCEPTED o11 p3 @102 qty 1 leaves 1 shows 1 r11 s3
            ACCEPTED o12 @102 qty 1 leaves 1 r12 s4
            FILL o12 t3 @102 qty 1 cum 1 r12 s4 AGGRESSOR
            FILL o11 p3 t3 @102 qty 1 cum 1 of r11 s3 UNSOLICITED
            TRIGGERED o5 @101 of 1 leaves 1 of r5 s1 UNSOLICITED
            BOOKED o5 p4 @101 of 1 leaves 1 shows 1 of r5
            TRIGGERED o10 @103 of 1 leaves 1 of r10 s2 UNSOLICITED
            BOOKED o10 p5 @103 of 1 leaves 1 shows 1 of r10
        """,
    )
