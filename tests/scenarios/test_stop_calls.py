"""Scenarios of stop orders and the kill switch around calls and uncrosses (M-163, M-170)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    START_NS,
    TICK,
    buy,
    cancel,
    instrument,
    kill,
    product,
    replace,
    roll_product,
    sell,
    set_phase,
    stop,
)
from tests.scenarios import check

GTC = {"time_in_force": w.GTC}


def test_m163_what_an_uncross_reaches_comes_in_when_its_instrument_trades() -> None:
    """The uncross at 102 reaches two orders; one of them is cancelled while the venue halts."""
    check(
        stop(ALPHA, "a1", w.BUY, 2, 102),
        stop(ALPHA, "a2", w.BUY, 2, 101, ticks=103),
        stop(ALPHA_2, "a3", w.BUY, 1, 103),
        set_phase(w.PRE_OPEN),
        stop(BRAVO, "b1", w.BUY, 2, 104),
        replace(ALPHA_2, "a4", "a3", 1, 0, stop_price=101 * TICK),
        sell(BRAVO, "b2", 3, 102),
        buy(CHARLIE, "c1", 2, 102),
        set_phase(w.AUCTION_MATCH),
        set_phase(w.PHASE_HALTED),
        cancel(ALPHA, "a5", "a1"),
        set_phase(w.CONTINUOUS),
        events="""
            ACCEPTED o1 @102 qty 2 leaves 2 r1 s1
            ACCEPTED o2 @103 qty 2 leaves 2 r2 s1
            ACCEPTED o3 @103 qty 1 leaves 1 r3 s2
            PHASE_CHANGED i1 PRE_OPEN from NONE
            REJECTED @104 qty 2 r4 s3 ORDER_NOT_FOR_CALL
            CANCEL_REJECTED o3 @103 of 1 leaves 1 r5 of r3 s2 ORDER_NOT_FOR_CALL
            ACCEPTED o4 p1 @102 qty 3 leaves 3 shows 3 r6 s3
            ACCEPTED o5 p2 @102 qty 2 leaves 2 shows 2 r7 s4
            INDICATIVE i1 @102 qty 2 surplus -1
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o5 p2 t1 @102 qty 2 cum 2 of r7 s4 AUCTION UNSOLICITED
            FILL o4 p1 t1 @102 qty 2 of 3 leaves 1 cum 2 shows 1 of r6 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @102 qty 2 surplus -1
            PHASE_CHANGED i1 HALTED from AUCTION_MATCH
            CANCELLED o1 @102 qty 2 r8 of r1 s1
            PHASE_CHANGED i1 CONTINUOUS from HALTED
            TRIGGERED o2 @103 of 2 leaves 2 of r2 s1 UNSOLICITED
            FILL o2 t2 @102 qty 1 of 2 leaves 1 cum 1 of r2 s1 AGGRESSOR UNSOLICITED
            FILL o4 p1 t2 @102 qty 1 of 3 cum 3 of r6 s3 UNSOLICITED
            BOOKED o2 p3 @103 of 2 leaves 1 cum 1 shows 1 of r2
        """,
    )


def test_m163_instruments_of_a_product_come_in_one_after_another() -> None:
    """Both uncross and open by one command: all changes of phase first, then 1, then 2."""
    second = {"instrument": 2}
    check(
        stop(ALPHA, "a1", w.SELL, 1, 99, **second),
        stop(ALPHA, "a2", w.SELL, 1, 99),
        stop(ALPHA, "a3", w.SELL, 1, 97),
        set_phase(w.PRE_OPEN, instrument=0, product=1),
        sell(BRAVO, "b1", 1, 98),
        buy(CHARLIE, "c1", 2, 98),
        sell(BRAVO, "b2", 1, 97, **second),
        buy(CHARLIE, "c2", 3, 97, **second),
        set_phase(w.CONTINUOUS, instrument=0, product=1),
        events="""
            ACCEPTED o1 @99 qty 1 leaves 1 r1 s1
            ACCEPTED o2 @99 qty 1 leaves 1 r2 s1
            ACCEPTED o3 @97 qty 1 leaves 1 r3 s1
            PHASE_CHANGED i1 PRE_OPEN from NONE
            PHASE_CHANGED i2 PRE_OPEN from NONE
            ACCEPTED o4 p1 @98 qty 1 leaves 1 shows 1 r4 s3
            ACCEPTED o5 p2 @98 qty 2 leaves 2 shows 2 r5 s4
            INDICATIVE i1 @98 qty 1 surplus 1
            ACCEPTED o6 p3 @97 qty 1 leaves 1 shows 1 r6 s3
            ACCEPTED o7 p4 @97 qty 3 leaves 3 shows 3 r7 s4
            INDICATIVE i2 @97 qty 1 surplus 2
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o5 p2 t1 @98 qty 1 of 2 leaves 1 cum 1 shows 1 of r5 s4 AUCTION UNSOLICITED
            FILL o4 p1 t1 @98 qty 1 cum 1 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @98 qty 1 surplus 1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            PHASE_CHANGED i2 AUCTION_MATCH from PRE_OPEN
            FILL o7 p4 t2 @97 qty 1 of 3 leaves 2 cum 1 shows 2 of r7 s4 AUCTION UNSOLICITED
            FILL o6 p3 t2 @97 qty 1 cum 1 of r6 s3 AUCTION UNSOLICITED
            UNCROSSED i2 @97 qty 1 surplus 2
            PHASE_CHANGED i2 CONTINUOUS from AUCTION_MATCH
            TRIGGERED o2 of 1 leaves 1 of r2 s1 UNSOLICITED
            FILL o2 t3 @98 qty 1 cum 1 of r2 s1 AGGRESSOR UNSOLICITED
            FILL o5 p2 t3 @98 qty 1 of 2 cum 2 of r5 s4 UNSOLICITED
            TRIGGERED o1 of 1 leaves 1 of r1 s1 UNSOLICITED
            FILL o1 t4 @97 qty 1 cum 1 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o7 p4 t4 @97 qty 1 of 3 leaves 1 cum 2 shows 1 of r7 s4 UNSOLICITED
        """,
    )


def test_m163_a_waiting_order_is_no_part_of_a_call() -> None:
    """It is cancelled without INDICATIVE, by its owner, a kill and a roll, and the book holds."""
    check(
        stop(ALPHA, "a1", w.BUY, 5, 101, ticks=105, **GTC),
        stop(ALPHA, "a2", w.BUY, 5, 102, **GTC),
        stop(BRAVO, "b1", w.SELL, 5, 91, ticks=91),
        set_phase(w.PRE_OPEN),
        sell(CHARLIE, "c1", 2, 100),
        buy(CHARLIE, "c2", 2, 100),
        cancel(ALPHA, "a3", "a1"),
        kill(ALPHA),
        roll_product(1, DAY_2),
        set_phase(w.CONTINUOUS),
        events="""
            ACCEPTED o1 @105 qty 5 leaves 5 r1 s1
            ACCEPTED o2 @102 qty 5 leaves 5 r2 s1
            ACCEPTED o3 @91 qty 5 leaves 5 r3 s3
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o4 p1 @100 qty 2 leaves 2 shows 2 r4 s4
            ACCEPTED o5 p2 @100 qty 2 leaves 2 shows 2 r5 s4
            INDICATIVE i1 @100 qty 2
            CANCELLED o1 @105 qty 5 r6 of r1 s1
            KILLED for 1
            CANCELLED o2 @102 qty 5 of r2 s1 UNSOLICITED KILLED
            EXPIRED o3 @91 qty 5 of r3 s3 UNSOLICITED DAY_END
            EXPIRED o4 p1 @100 qty 2 of r4 s4 UNSOLICITED DAY_END
            INDICATIVE i1
            EXPIRED o5 p2 @100 qty 2 of r5 s4 UNSOLICITED DAY_END
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
        """,
    )


def test_m163_a_cascade_that_moves_too_far_pauses_and_goes_on_after_the_call() -> None:
    """Three ticks within a second pause: the third stop waits on, reached, through the call."""
    there = {"instrument": 4, "time_ns": START_NS + 1}
    check(
        product(4, features=ALL_FEATURES | w.PAUSES, velocity_ticks=3, velocity_seconds=1),
        instrument(4, 4),
        *(stop(ALPHA, f"a{at}", w.SELL, 2, at, ticks=at - 3, **there) for at in (99, 98, 96)),
        *(
            buy(BRAVO, f"b{at}", 2, at, instrument=4, time_ns=START_NS + 1)
            for at in (99, 97, 96, 95)
        ),
        sell(CHARLIE, "c1", 2, 99, **there),
        set_phase(w.CONTINUOUS, instrument=4),
        events="""
            PRODUCT_DEFINED
            INSTRUMENT_DEFINED @100 from 90 to 110
            LIMITS_SET @100 from 90 to 110
            ACCEPTED o1 @96 qty 2 leaves 2 r1 s1
            ACCEPTED o2 @95 qty 2 leaves 2 r2 s1
            ACCEPTED o3 @93 qty 2 leaves 2 r3 s1
            ACCEPTED o4 p1 @99 qty 2 leaves 2 shows 2 r4 s3
            ACCEPTED o5 p2 @97 qty 2 leaves 2 shows 2 r5 s3
            ACCEPTED o6 p3 @96 qty 2 leaves 2 shows 2 r6 s3
            ACCEPTED o7 p4 @95 qty 2 leaves 2 shows 2 r7 s3
            ACCEPTED o8 @99 qty 2 leaves 2 r8 s4
            FILL o8 t1 @99 qty 2 cum 2 r8 s4 AGGRESSOR
            FILL o4 p1 t1 @99 qty 2 cum 2 of r4 s3 UNSOLICITED
            TRIGGERED o1 @96 of 2 leaves 2 of r1 s1 UNSOLICITED
            FILL o1 t2 @97 qty 2 cum 2 of r1 s1 AGGRESSOR UNSOLICITED
            FILL o5 p2 t2 @97 qty 2 cum 2 of r5 s3 UNSOLICITED
            TRIGGERED o2 @95 of 2 leaves 2 of r2 s1 UNSOLICITED
            FILL o2 t3 @96 qty 2 cum 2 of r2 s1 AGGRESSOR UNSOLICITED
            FILL o6 p3 t3 @96 qty 2 cum 2 of r6 s3 UNSOLICITED
            PHASE_CHANGED i4 VOLATILITY_PAUSE from NONE VELOCITY
            PHASE_CHANGED i4 AUCTION_MATCH from VOLATILITY_PAUSE
            UNCROSSED i4
            PHASE_CHANGED i4 CONTINUOUS from AUCTION_MATCH
            TRIGGERED o3 @93 of 2 leaves 2 of r3 s1 UNSOLICITED
            FILL o3 t4 @95 qty 2 cum 2 of r3 s1 AGGRESSOR UNSOLICITED
            FILL o7 p4 t4 @95 qty 2 cum 2 of r7 s3 UNSOLICITED
        """,
    )


def test_m170_a_kill_in_a_call_says_what_is_left() -> None:
    check(
        set_phase(w.PRE_OPEN),
        set_phase(w.NO_CANCEL, instrument=2),
        buy(ALPHA, "a1", 2, 101),
        sell(BRAVO, "b1", 2, 100),
        buy(ALPHA, "a2", 2, 101, instrument=2),
        kill(ALPHA),
        buy(ALPHA, "a3", 1, 100),
        replace(ALPHA, "a4", "a1", 1, 100),
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            PHASE_CHANGED i2 NO_CANCEL from NONE
            ACCEPTED o1 p1 @101 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @100 qty 2 leaves 2 shows 2 r2 s3
            INDICATIVE i1 @100 qty 2
            ACCEPTED o3 p3 @101 qty 2 leaves 2 shows 2 r3 s1
            KILLED for 1
            CANCELLED o1 p1 @101 qty 2 of r1 s1 UNSOLICITED KILLED
            INDICATIVE i1
            CANCELLED o3 p3 @101 qty 2 of r3 s1 UNSOLICITED KILLED
            REJECTED @100 qty 1 r4 s1 KILLED
            CANCEL_REJECTED r5 of r1 s1 KILLED
        """,
    )
