"""Scenarios of section 10: the kill switch (M-170 to M-172)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    DAY_2,
    Who,
    buy,
    cancel,
    command,
    kill,
    mass_cancel,
    member,
    release,
    replace,
    roll_product,
    sell,
    session,
    stop,
)
from tests.scenarios import check

GTC = {"time_in_force": w.GTC}


def test_m170_a_killed_member_keeps_no_order() -> None:
    """Of all sessions and instruments, stop orders too, whatever their time in force."""
    check(
        buy(ALPHA, "a1", 1, 99, **GTC),
        sell(ALPHA_2, "a2", 2, 105, instrument=2),
        stop(ALPHA, "a3", w.SELL, 3, 95),
        buy(BRAVO, "b1", 4, 99),
        kill(ALPHA, reason=7),
        kill(ALPHA),
        events="""
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @105 qty 2 leaves 2 shows 2 r2 s2
            ACCEPTED o3 @95 qty 3 leaves 3 r3 s1
            ACCEPTED o4 p3 @99 qty 4 leaves 4 shows 4 r4 s3
            KILLED for 7
            CANCELLED o1 p1 @99 qty 1 of r1 s1 UNSOLICITED KILLED
            CANCELLED o2 p2 @105 qty 2 of r2 s2 UNSOLICITED KILLED
            CANCELLED o3 @95 qty 3 of r3 s1 UNSOLICITED KILLED
            KILLED for 1
        """,
    )


def test_m170_a_killed_session_loses_its_own_orders_only() -> None:
    check(
        buy(ALPHA, "a1", 1, 99, **GTC),
        buy(ALPHA_2, "a2", 2, 99),
        buy(ALPHA, "a3", 3, 98),
        kill(ALPHA, session_id=ALPHA.session),
        events="""
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @99 qty 2 leaves 2 shows 2 r2 s2
            ACCEPTED o3 p3 @98 qty 3 leaves 3 shows 3 r3 s1
            KILLED s1 for 1
            CANCELLED o1 p1 @99 qty 1 of r1 s1 UNSOLICITED KILLED
            CANCELLED o3 p3 @98 qty 3 of r3 s1 UNSOLICITED KILLED
        """,
    )


def test_m170_what_is_not_there_is_not_killed() -> None:
    """An unknown member or session, another member's session, no reason: nothing happens."""
    check(
        buy(ALPHA, "a1", 1, 99),
        kill(Who(0, 9, 0)),
        kill(Who(0, 99, 0)),
        kill(ALPHA, session_id=BRAVO.session),
        kill(ALPHA, session_id=30),
        kill(ALPHA, session_id=99),
        kill(ALPHA, reason=0),
        release(ALPHA, reason=0),
        replace(ALPHA, "a2", "a1", 2, 99),
        events="""
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s1
            REPLACED o1 p2 @99 qty 2 leaves 2 shows 2 r2 s1
        """,
    )


def test_m171_what_is_killed_may_cancel_but_not_enter() -> None:
    """Session 1 of ALPHA is killed: refused before the halt, through session 2 all goes on."""
    check(
        buy(ALPHA_2, "a1", 5, 99),
        kill(ALPHA, session_id=ALPHA.session),
        buy(ALPHA, "a2", 1, 99),
        command(w.HALT, reason=1),
        replace(ALPHA, "a3", "a1", 4, 99),
        replace(ALPHA_2, "a4", "a1", 4, 99),
        command(w.RESUME),
        replace(ALPHA_2, "a5", "a1", 4, 99),
        roll_product(1, DAY_2),
        member(1),
        session(1, 1),
        buy(ALPHA, "a6", 1, 99),
        buy(ALPHA_2, "a7", 2, 99),
        cancel(ALPHA, "a8", "a7"),
        mass_cancel(ALPHA, "a9", w.SCOPE_MEMBER),
        events="""
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 r1 s2
            KILLED s1 for 1
            REJECTED @99 qty 1 r2 s1 KILLED
            HALTED UNKNOWN_INSTRUMENT
            CANCEL_REJECTED o1 p1 @99 of 5 leaves 5 shows 5 r3 of r1 s1 KILLED
            CANCEL_REJECTED o1 p1 @99 of 5 leaves 5 shows 5 r4 of r1 s2 VENUE_HALTED
            RESUMED
            REPLACED o1 p1 @99 qty 4 leaves 4 shows 4 r5 s2 KEPT_PLACE
            EXPIRED o1 p1 @99 qty 4 of r5 s2 UNSOLICITED DAY_END
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            MEMBER_SET
            SESSION_SET s1
            REJECTED @99 qty 1 r6 s1 KILLED
            ACCEPTED o2 p2 @99 qty 2 leaves 2 shows 2 r7 s2
            CANCELLED o2 p2 @99 qty 2 r8 of r7 s1
            MASS_CANCELLED r9 s1
        """,
    )


def test_m171_a_session_is_blocked_for_its_own_member() -> None:
    """ALPHA has a kill of its own; what names BRAVO's killed session as ALPHA's is not meant."""
    check(
        kill(ALPHA, session_id=ALPHA_2.session),
        kill(BRAVO, session_id=BRAVO.session),
        buy(ALPHA, "a1", 1, 99, session=BRAVO.session),
        events="""
            KILLED s2 for 1
            KILLED s3 for 1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r1 s3
        """,
    )


def test_m171_which_session_is_killed_is_state() -> None:
    _, first = check(kill(ALPHA, session_id=ALPHA.session), events="KILLED s1 for 1")
    _, second = check(kill(ALPHA, session_id=ALPHA_2.session), events="KILLED s2 for 1")
    assert first.engine.state_hash() != second.engine.state_hash()


def test_m172_each_kill_needs_its_own_release() -> None:
    check(
        kill(ALPHA, session_id=ALPHA.session),
        kill(ALPHA, session_id=ALPHA.session),
        kill(ALPHA),
        release(ALPHA, session_id=ALPHA.session, reason=3),
        buy(ALPHA, "a1", 1, 99),
        release(ALPHA),
        release(ALPHA),
        buy(ALPHA, "a2", 1, 99),
        kill(ALPHA, session_id=ALPHA_2.session),
        buy(ALPHA, "a3", 1, 99),
        buy(ALPHA_2, "a4", 1, 99),
        kill(ALPHA),
        release(ALPHA),
        buy(ALPHA, "a5", 1, 99),
        buy(ALPHA_2, "a6", 1, 99),
        events="""
            KILLED s1 for 1
            KILLED s1 for 1
            KILLED for 1
            RELEASED s1 for 3
            REJECTED @99 qty 1 r1 s1 KILLED
            RELEASED for 1
            RELEASED for 1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 r2 s1
            KILLED s2 for 1
            ACCEPTED o2 p2 @99 qty 1 leaves 1 shows 1 r3 s1
            REJECTED @99 qty 1 r4 s2 KILLED
            KILLED for 1
            CANCELLED o1 p1 @99 qty 1 of r2 s1 UNSOLICITED KILLED
            CANCELLED o2 p2 @99 qty 1 of r3 s1 UNSOLICITED KILLED
            RELEASED for 1
            ACCEPTED o3 p3 @99 qty 1 leaves 1 shows 1 r5 s1
            REJECTED @99 qty 1 r6 s2 KILLED
        """,
    )
