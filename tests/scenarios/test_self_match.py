"""Scenarios of section 4: self-match prevention (M-40 to M-44)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import ALPHA, ALPHA_2, BRAVO, CHARLIE, buy, cancel, replace, sell
from tests.scenarios import check


def test_m40_the_scope_is_the_member_unless_ids_are_given() -> None:
    """Same member stops; an id on one side alone does not; the same id stops other members too."""
    check(
        sell(ALPHA_2, "a1", 5, 100),
        buy(ALPHA, "a2", 5, 100, self_match=w.SMP_AGGRESSING),
        buy(ALPHA, "a3", 2, 100, self_match=w.SMP_AGGRESSING, self_match_id=7),
        sell(BRAVO, "b1", 5, 99, self_match_id=7),
        buy(CHARLIE, "c1", 5, 99, self_match=w.SMP_AGGRESSING, self_match_id=7),
        buy(CHARLIE, "c2", 5, 99, self_match=w.SMP_AGGRESSING, self_match_id=8),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s2
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s1
            CANCELLED o2 @100 qty 5 of r2 s1 UNSOLICITED SELF_MATCH
            ACCEPTED o3 @100 qty 2 leaves 2 r3 s1
            FILL o3 t1 @100 qty 2 cum 2 r3 s1 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s2 UNSOLICITED
            ACCEPTED o4 p2 @99 qty 5 leaves 5 shows 5 r4 s3
            ACCEPTED o5 @99 qty 5 leaves 5 r5 s4
            CANCELLED o5 @99 qty 5 of r5 s4 UNSOLICITED SELF_MATCH
            ACCEPTED o6 @99 qty 5 leaves 5 r6 s4
            FILL o6 t2 @99 qty 5 cum 5 r6 s4 AGGRESSOR
            FILL o4 p2 t2 @99 qty 5 cum 5 of r4 s3 UNSOLICITED
        """,
    )


def test_m40_no_instruction_reads_as_cancel_resting() -> None:
    check(
        sell(ALPHA, "a1", 5, 100, self_match=w.SMP_AGGRESSING),
        buy(ALPHA, "a2", 5, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s1
            CANCELLED o1 p1 @100 qty 5 of r1 s1 UNSOLICITED SELF_MATCH
            BOOKED o2 p2 @100 of 5 leaves 5 shows 5 of r2
        """,
    )


def test_m41_cancel_resting_goes_on_matching() -> None:
    check(
        sell(ALPHA_2, "a1", 10, 100, display_qty=3),
        sell(BRAVO, "b1", 5, 100),
        buy(ALPHA, "a2", 5, 100, self_match=w.SMP_RESTING),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 3 r1 s2
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s3
            ACCEPTED o3 @100 qty 5 leaves 5 r3 s1
            CANCELLED o1 p1 @100 qty 10 of r1 s2 UNSOLICITED SELF_MATCH
            FILL o3 t1 @100 qty 5 cum 5 r3 s1 AGGRESSOR
            FILL o2 p2 t1 @100 qty 5 cum 5 of r2 s3 UNSOLICITED
        """,
    )


def test_m41_an_order_that_only_cancelled_its_own_is_booked_last() -> None:
    check(
        sell(ALPHA, "a1", 5, 100),
        buy(ALPHA, "a2", 5, 100, self_match=w.SMP_RESTING),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 @100 qty 5 leaves 5 r2 s1
            CANCELLED o1 p1 @100 qty 5 of r1 s1 UNSOLICITED SELF_MATCH
            BOOKED o2 p2 @100 of 5 leaves 5 shows 5 of r2
        """,
    )


def test_m42_cancel_aggressing_ends_the_incoming_order() -> None:
    check(
        sell(BRAVO, "b1", 2, 100),
        sell(ALPHA, "a1", 5, 100),
        buy(ALPHA, "a2", 5, 100, self_match=w.SMP_AGGRESSING),
        cancel(ALPHA, "a3", "a1"),
        events="""
            ACCEPTED o1 p1 @100 qty 2 leaves 2 shows 2 r1 s3
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 @100 qty 5 leaves 5 r3 s1
            FILL o3 t1 @100 qty 2 of 5 leaves 3 cum 2 r3 s1 AGGRESSOR
            FILL o1 p1 t1 @100 qty 2 cum 2 of r1 s3 UNSOLICITED
            CANCELLED o3 @100 qty 3 of 5 cum 2 of r3 s1 UNSOLICITED SELF_MATCH
            CANCELLED o2 p2 @100 qty 5 r4 of r2 s1
        """,
    )


def test_m43_cancel_both_resting_first() -> None:
    check(
        sell(ALPHA_2, "a1", 10, 100, display_qty=3),
        sell(BRAVO, "b1", 5, 100),
        buy(ALPHA, "a2", 6, 100, self_match=w.SMP_BOTH),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 3 r1 s2
            ACCEPTED o2 p2 @100 qty 5 leaves 5 shows 5 r2 s3
            ACCEPTED o3 @100 qty 6 leaves 6 r3 s1
            CANCELLED o1 p1 @100 qty 10 of r1 s2 UNSOLICITED SELF_MATCH
            CANCELLED o3 @100 qty 6 of r3 s1 UNSOLICITED SELF_MATCH
        """,
    )


def test_m44_decrement_takes_the_smaller_off_both() -> None:
    check(
        sell(ALPHA_2, "a1", 5, 100),
        buy(ALPHA, "a2", 8, 100, self_match=w.SMP_DECREMENT),
        sell(ALPHA_2, "a3", 1, 100, self_match=w.SMP_DECREMENT),
        sell(ALPHA_2, "a4", 2, 100, self_match=w.SMP_DECREMENT),
        events="""
            ACCEPTED o1 p1 @100 qty 5 leaves 5 shows 5 r1 s2
            ACCEPTED o2 @100 qty 8 leaves 8 r2 s1
            CANCELLED o1 p1 @100 qty 5 of r1 s2 UNSOLICITED SELF_MATCH
            RESTATED o2 @100 qty 5 of 3 leaves 3 of r2 s1 UNSOLICITED SELF_MATCH
            BOOKED o2 p2 @100 of 3 leaves 3 shows 3 of r2
            ACCEPTED o3 @100 qty 1 leaves 1 r3 s2
            RESTATED o2 p2 @100 qty 1 of 2 leaves 2 shows 2 of r2 s1 UNSOLICITED SELF_MATCH
            CANCELLED o3 @100 qty 1 of r3 s2 UNSOLICITED SELF_MATCH
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s2
            CANCELLED o2 p2 @100 qty 2 of r2 s1 UNSOLICITED SELF_MATCH
            CANCELLED o4 @100 qty 2 of r4 s2 UNSOLICITED SELF_MATCH
        """,
    )


def test_m44_a_decremented_iceberg_keeps_its_place_and_shows_what_it_may() -> None:
    """Of 10 with 4 shown, 3 traded and 2 decremented: leaves 5, shows 4 again, same public id."""
    check(
        sell(ALPHA, "a1", 10, 100, display_qty=4),
        sell(CHARLIE, "c1", 1, 100),
        buy(BRAVO, "b1", 3, 100),
        buy(ALPHA_2, "a2", 2, 100, self_match=w.SMP_DECREMENT),
        buy(BRAVO, "b2", 4, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 4 r1 s1
            ACCEPTED o2 p2 @100 qty 1 leaves 1 shows 1 r2 s4
            ACCEPTED o3 @100 qty 3 leaves 3 r3 s3
            FILL o3 t1 @100 qty 3 cum 3 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @100 qty 3 of 10 leaves 7 cum 3 shows 1 of r1 s1 UNSOLICITED
            ACCEPTED o4 @100 qty 2 leaves 2 r4 s2
            RESTATED o1 p1 @100 qty 2 of 8 leaves 5 cum 3 shows 4 of r1 s1 UNSOLICITED SELF_MATCH
            CANCELLED o4 @100 qty 2 of r4 s2 UNSOLICITED SELF_MATCH
            ACCEPTED o5 @100 qty 4 leaves 4 r5 s3
            FILL o5 t2 @100 qty 4 cum 4 r5 s3 AGGRESSOR
            FILL o1 p1 t2 @100 qty 4 of 8 leaves 1 cum 7 of r1 s1 UNSOLICITED
            REFRESHED o1 p3 @100 of 8 leaves 1 cum 7 shows 1 of r1
        """,
    )


def test_m44_a_later_replace_states_the_total_again() -> None:
    check(
        sell(ALPHA, "a1", 10, 100),
        buy(ALPHA_2, "a2", 4, 100, self_match=w.SMP_DECREMENT),
        replace(ALPHA, "a3", "a1", 6, 100),
        replace(ALPHA, "a4", "a3", 7, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 10 leaves 10 shows 10 r1 s1
            ACCEPTED o2 @100 qty 4 leaves 4 r2 s2
            RESTATED o1 p1 @100 qty 4 of 6 leaves 6 shows 6 of r1 s1 UNSOLICITED SELF_MATCH
            CANCELLED o2 @100 qty 4 of r2 s2 UNSOLICITED SELF_MATCH
            REPLACED o1 p1 @100 qty 6 leaves 6 shows 6 r3 s1 KEPT_PLACE
            REPLACED o1 p2 @100 qty 7 leaves 7 shows 7 r4 s1
        """,
    )
