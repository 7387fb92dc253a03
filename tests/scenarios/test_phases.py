"""Scenarios of section 9: phases (M-100 to M-104) and a call's orders (M-103, M-108, M-109)."""

from __future__ import annotations

import pytest

from engine.types import Phase
from specs.rejects import Reject
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    ALPHA_2,
    BRAVO,
    DAY_2,
    DAY_3,
    SECOND,
    START_NS,
    buy,
    cancel,
    mass_cancel,
    number,
    product,
    replace,
    roll_product,
    sell,
    session_lost,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue, NaiveVenue
from tests.scenarios import check

HIDDEN = [product(1, features=ALL_FEATURES | w.AUCTION_HIDDEN), *usual_venue()[1:]]


def test_m100_phases_of_a_product_change_in_order_of_instrument() -> None:
    _, engine = check(
        set_phase(w.PRE_OPEN, instrument=2, scheduled_end_ns=START_NS + 60 * SECOND),
        set_phase(w.PRE_OPEN, instrument=0, product=1, reason=7),
        set_phase(w.PRE_OPEN, instrument=0, product=1),
        set_phase(w.PRE_OPEN, scheduled_end_ns=START_NS + 90 * SECOND),
        events="""
            PHASE_CHANGED i2 PRE_OPEN from NONE until 60 s
            PHASE_CHANGED i1 PRE_OPEN from NONE reason 7
            PHASE_CHANGED i2 PRE_OPEN from PRE_OPEN reason 7
            PHASE_CHANGED i1 PRE_OPEN from PRE_OPEN until 90 s
        """,
    )
    assert engine.engine.phase(1) == (Phase.PRE_OPEN, START_NS + 90 * SECOND)
    assert engine.engine.phase(2) == (Phase.PRE_OPEN, 0)
    assert engine.engine.phase(3) == (Phase.NONE, 0)


def test_m100_what_names_nothing_is_ignored() -> None:
    short = set_phase(w.CLOSED)
    check(
        set_phase(w.NO_PHASE),
        set_phase(w.PHASE_EXPIRED),
        set_phase(w.CLOSED, instrument=9),
        set_phase(w.CLOSED, instrument=99),
        set_phase(w.CLOSED, instrument=0, product=5),
        set_phase(w.CLOSED, instrument=0, product=99),
        short | {"row": None, "blob": short["blob"][:-1]},
        events="",
    )


def test_m100_an_expired_instrument_changes_no_more() -> None:
    _, engine = check(
        set_phase(w.CLOSED, instrument=2),
        roll_product(1, DAY_2),
        roll_product(1, DAY_3),
        set_phase(w.CONTINUOUS, instrument=0, product=1),
        buy(ALPHA, "a1", 1, 100, instrument=2),
        events="""
            PHASE_CHANGED i2 CLOSED from NONE
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            INSTRUMENT_EXPIRED
            PHASE_CHANGED i1 CONTINUOUS from NONE
            REJECTED @100 qty 1 r1 s1 INSTRUMENT_NOT_TRADING
        """,
    )
    assert engine.engine.phase(2) == (Phase.EXPIRED, 0)


NEW, REPLACE, CANCEL, MASS = "new", "replace", "cancel", "mass cancel"
TABLE = {
    w.CLOSED: (),
    w.PRE_OPEN: (NEW, REPLACE, CANCEL, MASS),
    w.NO_CANCEL: (NEW,),
    w.AUCTION_MATCH: (),
    w.CONTINUOUS: (NEW, REPLACE, CANCEL, MASS),
    w.VOLATILITY_PAUSE: (NEW, REPLACE, CANCEL, MASS),
    w.PHASE_HALTED: (CANCEL, MASS),
    w.CLOSING: (NEW, REPLACE, CANCEL, MASS),
    w.SETTLEMENT: (),
}


@pytest.mark.parametrize("phase", TABLE, ids=lambda one: Phase(one).name)
def test_m101_every_phase_takes_what_the_table_says(phase: int) -> None:
    tried = {
        NEW: buy(ALPHA, "a3", 1, 99),
        REPLACE: replace(ALPHA, "a4", "a1", 9, 98),
        CANCEL: cancel(ALPHA, "a5", "a2"),
        MASS: mass_cancel(BRAVO, "b1", w.SCOPE_INSTRUMENT, instrument=1),
    }
    before = [*usual_venue(), buy(ALPHA, "a1", 5, 99), buy(ALPHA, "a2", 5, 99), set_phase(phase)]
    commands = number([*before, *tried.values()])
    wanted = NaiveVenue().run(commands)
    assert EngineVenue().run(commands) == [event for one in wanted for event in one]
    for (name, _), events in zip(tried.items(), wanted[len(before) :], strict=True):
        refusal = Reject.PHASE_TAKES_NO_ORDERS if name == NEW else Reject.PHASE_TAKES_NO_CANCELS
        assert events[0]["reason"] == (0 if name in TABLE[phase] else refusal), name


def test_m101_mass_cancels_leave_orders_of_phases_that_take_no_cancel() -> None:
    check(
        buy(ALPHA, "a1", 1, 99),
        buy(ALPHA, "a2", 1, 99, instrument=2),
        set_phase(w.NO_CANCEL),
        mass_cancel(ALPHA, "a3", w.SCOPE_MEMBER),
        mass_cancel(ALPHA, "a4", w.SCOPE_PRODUCT, product=1),
        mass_cancel(ALPHA, "a5", w.SCOPE_INSTRUMENT, instrument=1),
        session_lost(ALPHA),
        events="""
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 1 leaves 1 shows 1 r2 s1
            PHASE_CHANGED i1 NO_CANCEL from NONE
            CANCELLED o2 p2 @99 qty 1 of r2 s1 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 1 r3 s1
            MASS_CANCELLED r4 s1
            MASS_CANCEL_REJECTED r5 s1 PHASE_TAKES_NO_CANCELS
            CANCELLED o1 p1 @99 qty 1 of r1 s1 UNSOLICITED SESSION_LOST
        """,
    )


def test_m102_a_command_after_the_scheduled_end_halts_its_instrument_first() -> None:
    end_ns = START_NS + 10 * SECOND
    check(
        set_phase(w.CONTINUOUS, scheduled_end_ns=end_ns),
        set_phase(w.PRE_OPEN, instrument=2, scheduled_end_ns=end_ns),
        buy(ALPHA, "a1", 1, 99),
        buy(ALPHA, "a2", 1, 99, time_ns=end_ns),
        mass_cancel(ALPHA, "a3", w.SCOPE_PRODUCT, product=2, time_ns=end_ns + 1, instrument=1),
        buy(ALPHA, "a1", 1, 99, time_ns=end_ns + 1),
        buy(ALPHA, "a4", 1, 99, time_ns=end_ns + 2),
        cancel(ALPHA, "a5", "a1", time_ns=end_ns + 2),
        mass_cancel(BRAVO, "b1", w.SCOPE_INSTRUMENT, instrument=2, time_ns=end_ns + 3),
        set_phase(w.CONTINUOUS, time_ns=end_ns + 4),
        buy(ALPHA, "a6", 1, 99, time_ns=end_ns + 5),
        events="""
            PHASE_CHANGED i1 CONTINUOUS from NONE until 10 s
            PHASE_CHANGED i2 PRE_OPEN from NONE until 10 s
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 1 leaves 1 shows 1 r2 s1
            MASS_CANCELLED r3 s1
            PHASE_CHANGED i1 HALTED from CONTINUOUS SCHEDULE_ENDED
            REJECTED @99 qty 1 s1 DUPLICATE_CL_ORD_ID
            REJECTED @99 qty 1 r4 s1 PHASE_TAKES_NO_ORDERS
            CANCELLED o1 p1 @99 qty 1 r5 of r1 s1
            PHASE_CHANGED i2 HALTED from PRE_OPEN SCHEDULE_ENDED
            MASS_CANCELLED r6 s3
            PHASE_CHANGED i1 CONTINUOUS from HALTED
            ACCEPTED o3 p3 @99 qty 1 leaves 1 shows 1 r7 s1
        """,
    )


def test_m102_set_phase_after_the_end_halts_nothing() -> None:
    end_ns = START_NS + 10 * SECOND
    check(
        set_phase(w.CONTINUOUS, scheduled_end_ns=end_ns),
        set_phase(w.CLOSED, time_ns=end_ns + SECOND),
        buy(ALPHA, "a1", 1, 99),
        events="""
            PHASE_CHANGED i1 CONTINUOUS from NONE until 10 s
            PHASE_CHANGED i1 CLOSED from CONTINUOUS
            REJECTED @99 qty 1 r1 s1 PHASE_TAKES_NO_ORDERS
        """,
    )


def test_m103_a_call_takes_limit_orders_that_rest_and_trades_nothing() -> None:
    check(
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 103),
        sell(BRAVO, "b1", 8, 97, time_in_force=w.GTC),
        buy(ALPHA, "a2", 9, 101, display_qty=3),
        sell(BRAVO, "b2", 1, 97, time_in_force=w.IOC),
        sell(BRAVO, "b3", 1, 97, time_in_force=w.FOK),
        sell(BRAVO, "b4", 1, 97, ord_type=w.MARKET),
        sell(BRAVO, "b5", 1, 97, exec_inst=1),
        replace(BRAVO, "b6", "b1", 6, 97),
        replace(BRAVO, "b7", "b6", 6, 98),
        cancel(ALPHA, "a3", "a1"),
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @97 qty 8 leaves 8 shows 8 r2 s3
            INDICATIVE i1 @100 qty 5 surplus -3
            ACCEPTED o3 p3 @101 qty 9 leaves 9 shows 3 r3 s1
            INDICATIVE i1 @100 qty 8 surplus 6
            REJECTED @97 qty 1 r4 s3 ORDER_NOT_FOR_CALL
            REJECTED @97 qty 1 r5 s3 ORDER_NOT_FOR_CALL
            REJECTED qty 1 r6 s3 ORDER_NOT_FOR_CALL
            REJECTED @97 qty 1 r7 s3 ORDER_NOT_FOR_CALL
            REPLACED o2 p2 @97 qty 6 leaves 6 shows 6 r8 s3 KEPT_PLACE
            INDICATIVE i1 @100 qty 6 surplus 8
            REPLACED o2 p4 @98 qty 6 leaves 6 shows 6 r9 s3
            CANCELLED o1 p1 @103 qty 5 r10 of r1 s1
            INDICATIVE i1 @100 qty 6 surplus 3
        """,
    )


def test_m103_a_post_only_order_from_before_may_be_moved_across() -> None:
    check(
        sell(BRAVO, "b1", 1, 105, exec_inst=1),
        buy(ALPHA, "a1", 1, 100),
        set_phase(w.VOLATILITY_PAUSE),
        replace(BRAVO, "b2", "b1", 1, 99),
        replace(BRAVO, "b3", "b2", 1, 104),
        events="""
            ACCEPTED o1 p1 @105 qty 1 leaves 1 shows 1 r1 s3
            ACCEPTED o2 p2 @100 qty 1 leaves 1 shows 1 r2 s1
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE
            REPLACED o1 p3 @99 qty 1 leaves 1 shows 1 r3 s3
            INDICATIVE i1 @100 qty 1
            REPLACED o1 p4 @104 qty 1 leaves 1 shows 1 r4 s3
            INDICATIVE i1
        """,
    )


def test_m104_a_call_outlives_other_phases_and_ends_by_its_uncross() -> None:
    check(
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 101),
        set_phase(w.CLOSED),
        set_phase(w.PHASE_HALTED),
        sell(BRAVO, "b1", 5, 101),
        set_phase(w.NO_CANCEL),
        sell(BRAVO, "b2", 3, 100),
        set_phase(w.CONTINUOUS, reason=4),
        sell(BRAVO, "b3", 1, 101),
        set_phase(w.AUCTION_MATCH),
        set_phase(w.CONTINUOUS),
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            PHASE_CHANGED i1 CLOSED from PRE_OPEN
            PHASE_CHANGED i1 HALTED from CLOSED
            REJECTED @101 qty 5 r2 s3 PHASE_TAKES_NO_ORDERS
            PHASE_CHANGED i1 NO_CANCEL from HALTED
            ACCEPTED o2 p2 @100 qty 3 leaves 3 shows 3 r3 s3
            INDICATIVE i1 @100 qty 3 surplus 2
            PHASE_CHANGED i1 AUCTION_MATCH from NO_CANCEL reason 4
            FILL o1 p1 t1 @100 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t1 @100 qty 3 cum 3 of r3 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @100 qty 3 surplus 2
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH reason 4
            ACCEPTED o3 @101 qty 1 leaves 1 r4 s3
            FILL o3 t2 @101 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o1 p1 t2 @101 qty 1 of 5 leaves 1 cum 4 shows 1 of r1 s1 UNSOLICITED
            PHASE_CHANGED i1 AUCTION_MATCH from CONTINUOUS
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
        """,
    )


def test_m104_a_products_instruments_uncross_one_after_another() -> None:
    check(
        set_phase(w.PRE_OPEN, instrument=0, product=1),
        buy(ALPHA, "a1", 5, 101, instrument=2),
        sell(BRAVO, "b1", 4, 101, instrument=2),
        buy(ALPHA, "a2", 2, 99),
        sell(BRAVO, "b2", 2, 98),
        set_phase(w.AUCTION_MATCH, instrument=0, product=1, scheduled_end_ns=START_NS + SECOND),
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            PHASE_CHANGED i2 PRE_OPEN from NONE
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 4 leaves 4 shows 4 r2 s3
            INDICATIVE i2 @101 qty 4 surplus 1
            ACCEPTED o3 p3 @99 qty 2 leaves 2 shows 2 r3 s1
            ACCEPTED o4 p4 @98 qty 2 leaves 2 shows 2 r4 s3
            INDICATIVE i1 @99 qty 2
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN until 1 s
            FILL o3 p3 t1 @99 qty 2 cum 2 of r3 s1 AUCTION UNSOLICITED
            FILL o4 p4 t1 @99 qty 2 cum 2 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @99 qty 2
            PHASE_CHANGED i2 AUCTION_MATCH from PRE_OPEN until 1 s
            FILL o1 p1 t2 @101 qty 4 of 5 leaves 1 cum 4 shows 1 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t2 @101 qty 4 cum 4 of r2 s3 AUCTION UNSOLICITED
            UNCROSSED i2 @101 qty 4 surplus 1
        """,
    )


def test_m108_indicative_terms_come_when_they_change() -> None:
    check(
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 101),
        sell(BRAVO, "b1", 3, 99),
        sell(BRAVO, "b2", 4, 105),
        sell(BRAVO, "b3", 4, 101),
        replace(ALPHA, "a2", "a1", 4, 101),
        mass_cancel(BRAVO, "b4", w.SCOPE_MEMBER, side=w.SELL),
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @101 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @99 qty 3 leaves 3 shows 3 r2 s3
            INDICATIVE i1 @100 qty 3 surplus 2
            ACCEPTED o3 p3 @105 qty 4 leaves 4 shows 4 r3 s3
            ACCEPTED o4 p4 @101 qty 4 leaves 4 shows 4 r4 s3
            INDICATIVE i1 @101 qty 5 surplus -2
            REPLACED o1 p1 @101 qty 4 leaves 4 shows 4 r5 s1 KEPT_PLACE
            INDICATIVE i1 @101 qty 4 surplus -3
            CANCELLED o2 p2 @99 qty 3 of r2 s3 UNSOLICITED MASS_CANCEL
            INDICATIVE i1 @101 qty 4
            CANCELLED o3 p3 @105 qty 4 of r3 s3 UNSOLICITED MASS_CANCEL
            CANCELLED o4 p4 @101 qty 4 of r4 s3 UNSOLICITED MASS_CANCEL
            INDICATIVE i1
            MASS_CANCELLED qty 3 r6 s3
        """,
    )


def test_m108_a_roll_in_a_call_indicates_around_the_new_reference() -> None:
    check(
        buy(ALPHA, "a0", 1, 104),
        sell(BRAVO, "b0", 1, 104),
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 105, time_in_force=w.GTC),
        sell(BRAVO, "b1", 5, 97, time_in_force=w.GTC),
        sell(BRAVO, "b2", 5, 114, time_in_force=w.GTC),
        buy(ALPHA, "a2", 5, 101),
        roll_product(1, DAY_2),
        set_phase(w.AUCTION_MATCH),
        events="""
            ACCEPTED o1 p1 @104 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @104 qty 1 leaves 1 r2 s3
            FILL o2 t1 @104 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @104 qty 1 cum 1 of r1 s1 UNSOLICITED
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o3 p2 @105 qty 5 leaves 5 shows 5 r3 s1
            ACCEPTED o4 p3 @97 qty 5 leaves 5 shows 5 r4 s3
            INDICATIVE i1 @100 qty 5
            REJECTED @114 qty 5 r5 s3 PRICE_ABOVE_LIMIT
            ACCEPTED o5 p4 @101 qty 5 leaves 5 shows 5 r6 s1
            INDICATIVE i1 @100 qty 5 surplus 5
            EXPIRED o5 p4 @101 qty 5 of r6 s1 UNSOLICITED DAY_END
            INDICATIVE i1 @100 qty 5
            SETTLED @104 value 104 qty 1 open 1
            LIMITS_SET @104 from 94 to 114
            INDICATIVE i1 @104 qty 5
            SETTLED @104 NEIGHBOUR
            LIMITS_SET @104 from 94 to 114
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o3 p2 t2 @104 qty 5 cum 5 of r3 s1 AUCTION UNSOLICITED
            FILL o4 p3 t2 @104 qty 5 cum 5 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @104 qty 5
        """,
    )


def test_m108_a_hidden_call_says_the_price_alone() -> None:
    check(
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 101),
        sell(BRAVO, "b1", 3, 101),
        sell(BRAVO, "b2", 1, 101),
        sell(BRAVO, "b3", 2, 100),
        venue=HIDDEN,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 @101 qty 5 leaves 5 r1 s1
            ACCEPTED o2 @101 qty 3 leaves 3 r2 s3
            INDICATIVE i1 @101
            ACCEPTED o3 @101 qty 1 leaves 1 r3 s3
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s3
        """,
    )


def test_m109_hidden_orders_are_shown_after_the_trades() -> None:
    check(
        buy(ALPHA, "a0", 2, 98),
        set_phase(w.VOLATILITY_PAUSE),
        buy(ALPHA, "a1", 5, 99),
        buy(ALPHA, "a2", 5, 101, display_qty=2),
        buy(ALPHA_2, "a3", 5, 99),
        sell(BRAVO, "b1", 4, 101),
        sell(BRAVO, "b2", 5, 103),
        sell(BRAVO, "b3", 5, 102),
        replace(ALPHA, "a4", "a1", 3, 99),
        replace(ALPHA, "a5", "a0", 3, 98),
        replace(BRAVO, "b4", "b2", 6, 103),
        set_phase(w.CONTINUOUS),
        sell(BRAVO, "b5", 1, 101),
        venue=HIDDEN,
        events="""
            ACCEPTED o1 p1 @98 qty 2 leaves 2 shows 2 r1 s1
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE
            ACCEPTED o2 @99 qty 5 leaves 5 r2 s1
            ACCEPTED o3 @101 qty 5 leaves 5 r3 s1
            ACCEPTED o4 @99 qty 5 leaves 5 r4 s2
            ACCEPTED o5 @101 qty 4 leaves 4 r5 s3
            INDICATIVE i1 @101
            ACCEPTED o6 @103 qty 5 leaves 5 r6 s3
            ACCEPTED o7 @102 qty 5 leaves 5 r7 s3
            REPLACED o2 @99 qty 3 leaves 3 r8 s1 KEPT_PLACE
            REPLACED o1 @98 qty 3 leaves 3 r9 s1
            REPLACED o6 @103 qty 6 leaves 6 r10 s3
            PHASE_CHANGED i1 AUCTION_MATCH from VOLATILITY_PAUSE
            FILL o3 t1 @101 qty 4 of 5 leaves 1 cum 4 of r3 s1 AUCTION UNSOLICITED
            FILL o5 t1 @101 qty 4 cum 4 of r5 s3 AUCTION UNSOLICITED
            BOOKED o3 p2 @101 of 5 leaves 1 cum 4 shows 1 of r3
            BOOKED o2 p3 @99 of 3 leaves 3 shows 3 of r8
            BOOKED o4 p4 @99 of 5 leaves 5 shows 5 of r4
            BOOKED o1 p5 @98 of 3 leaves 3 shows 3 of r9
            BOOKED o7 p6 @102 of 5 leaves 5 shows 5 of r7
            BOOKED o6 p7 @103 of 6 leaves 6 shows 6 of r10
            UNCROSSED i1 @101 qty 4 surplus 1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            ACCEPTED o8 @101 qty 1 leaves 1 r11 s3
            FILL o8 t2 @101 qty 1 cum 1 r11 s3 AGGRESSOR
            FILL o3 p2 t2 @101 qty 1 of 5 cum 5 of r3 s1 UNSOLICITED
        """,
    )
