"""Scenarios of what operators do: halts that hold (M-215), kills, and why (M-117, M-216)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import ALPHA, SECOND, START_NS, buy, command, kill, release, set_phase
from tests.scenarios import check


def test_m215_what_an_operator_halted_no_schedule_reopens() -> None:
    end_ns = START_NS + 60 * SECOND
    check(
        set_phase(w.CONTINUOUS, instrument=0, product=1, scheduled_end_ns=end_ns),
        set_phase(w.PHASE_HALTED, reason=w.OPERATOR),
        set_phase(w.PHASE_HALTED, instrument=2),
        set_phase(w.PHASE_HALTED, instrument=2, reason=w.OPERATOR),
        set_phase(w.PHASE_HALTED, instrument=2, reason=w.OPERATOR),
        set_phase(w.CLOSED, instrument=0, product=1),
        set_phase(w.PRE_OPEN, instrument=0, product=1),
        set_phase(w.CONTINUOUS, instrument=0, product=1, reason=7),
        set_phase(w.CONTINUOUS),
        set_phase(w.CONTINUOUS, reason=w.OPERATOR),
        set_phase(w.PRE_OPEN, instrument=0, product=1),
        set_phase(w.CONTINUOUS, instrument=0, product=1, reason=w.OPERATOR),
        events="""
            PHASE_CHANGED i1 CONTINUOUS from NONE until 60 s
            PHASE_CHANGED i2 CONTINUOUS from NONE until 60 s
            PHASE_CHANGED i1 HALTED from CONTINUOUS OPERATOR
            PHASE_CHANGED i2 HALTED from CONTINUOUS
            PHASE_CHANGED i2 HALTED from HALTED OPERATOR
            PHASE_CHANGED i1 CONTINUOUS from HALTED OPERATOR
            PHASE_CHANGED i1 PRE_OPEN from CONTINUOUS
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN OPERATOR
            UNCROSSED i1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH OPERATOR
            PHASE_CHANGED i2 CONTINUOUS from HALTED OPERATOR
        """,
    )


def test_m216_a_note_changes_nothing() -> None:
    check(
        command(w.OPERATOR_NOTE, blob=b"wrong price"),
        set_phase(w.PHASE_HALTED, reason=w.OPERATOR),
        command(w.OPERATOR_NOTE),
        buy(ALPHA, "a1", 1, 100),
        events="""
            PHASE_CHANGED i1 HALTED from NONE OPERATOR
            REJECTED @100 qty 1 r1 s1 PHASE_TAKES_NO_ORDERS
        """,
    )


def test_m117_an_operators_kill_has_its_reason_before_it() -> None:
    check(
        buy(ALPHA, "a1", 1, 100),
        command(w.OPERATOR_NOTE, blob=b"runaway algorithm"),
        kill(ALPHA, reason=w.OPERATOR),
        buy(ALPHA, "a2", 1, 100),
        command(w.OPERATOR_NOTE, blob=b"fixed"),
        release(ALPHA, reason=w.OPERATOR),
        buy(ALPHA, "a3", 1, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s1
            KILLED for 2045
            CANCELLED o1 p1 @100 qty 1 of r1 s1 UNSOLICITED KILLED
            REJECTED @100 qty 1 r2 s1 KILLED
            RELEASED for 2045
            ACCEPTED o2 p2 @100 qty 1 leaves 1 shows 1 r3 s1
        """,
    )
