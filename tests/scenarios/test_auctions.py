"""Scenarios of section 9: the uncross (M-105 to M-107, M-110 to M-112)."""

from __future__ import annotations

from engine.reasons import AlarmReason
from engine.types import EventKind, Phase
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    buy,
    number,
    product,
    sell,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.scenarios import check

LEAST = [product(1, features=ALL_FEATURES | w.AUCTION_MIN_SURPLUS), *usual_venue()[1:]]
CALL = set_phase(w.PRE_OPEN)
UNCROSS = set_phase(w.AUCTION_MATCH)


def test_m105_greatest_volume() -> None:
    check(
        CALL,
        buy(ALPHA, "a1", 5, 103),
        buy(ALPHA, "a2", 5, 102),
        sell(BRAVO, "b1", 3, 101),
        sell(BRAVO, "b2", 4, 102),
        sell(BRAVO, "b3", 9, 104),
        UNCROSS,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @102 qty 5 leaves 5 shows 5 r2 s1
            ACCEPTED o3 p3 @101 qty 3 leaves 3 shows 3 r3 s3
            INDICATIVE i1 @101 qty 3 surplus 7
            ACCEPTED o4 p4 @102 qty 4 leaves 4 shows 4 r4 s3
            INDICATIVE i1 @102 qty 7 surplus 3
            ACCEPTED o5 p5 @104 qty 9 leaves 9 shows 9 r5 s3
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 @102 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 AUCTION UNSOLICITED
            FILL o3 p3 t1 @102 qty 3 cum 3 of r3 s3 AUCTION UNSOLICITED
            FILL o1 p1 t2 @102 qty 2 of 5 cum 5 of r1 s1 AUCTION UNSOLICITED
            FILL o4 p4 t2 @102 qty 2 of 4 leaves 2 cum 2 shows 2 of r4 s3 AUCTION UNSOLICITED
            FILL o2 p2 t3 @102 qty 2 of 5 leaves 3 cum 2 shows 3 of r2 s1 AUCTION UNSOLICITED
            FILL o4 p4 t3 @102 qty 2 of 4 cum 4 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @102 qty 7 surplus 3
        """,
    )


def test_m105_nearest_to_the_reference_price() -> None:
    check(
        CALL,
        buy(ALPHA, "a1", 10, 105),
        sell(BRAVO, "b1", 5, 98),
        UNCROSS,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @105 qty 10 leaves 10 shows 10 r1 s1
            ACCEPTED o2 p2 @98 qty 5 leaves 5 shows 5 r2 s3
            INDICATIVE i1 @100 qty 5 surplus 5
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 @100 qty 5 of 10 leaves 5 cum 5 shows 5 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t1 @100 qty 5 cum 5 of r2 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @100 qty 5 surplus 5
        """,
    )


def test_m105_nearest_to_the_reference_whatever_the_surplus() -> None:
    check(
        CALL,
        buy(ALPHA, "a1", 2, 102),
        buy(CHARLIE, "c1", 5, 104),
        sell(BRAVO, "b1", 5, 101),
        UNCROSS,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @102 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @104 qty 5 leaves 5 shows 5 r2 s4
            ACCEPTED o3 p3 @101 qty 5 leaves 5 shows 5 r3 s3
            INDICATIVE i1 @101 qty 5 surplus 2
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o2 p2 t1 @101 qty 5 cum 5 of r2 s4 AUCTION UNSOLICITED
            FILL o3 p3 t1 @101 qty 5 cum 5 of r3 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @101 qty 5 surplus 2
        """,
    )


def test_m105_smallest_surplus_where_the_product_says_so() -> None:
    check(
        CALL,
        buy(ALPHA, "a1", 2, 102),
        buy(CHARLIE, "c1", 5, 104),
        sell(BRAVO, "b1", 5, 101),
        UNCROSS,
        venue=LEAST,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @102 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @104 qty 5 leaves 5 shows 5 r2 s4
            ACCEPTED o3 p3 @101 qty 5 leaves 5 shows 5 r3 s3
            INDICATIVE i1 @103 qty 5
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o2 p2 t1 @103 qty 5 cum 5 of r2 s4 AUCTION UNSOLICITED
            FILL o3 p3 t1 @103 qty 5 cum 5 of r3 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @103 qty 5
        """,
    )


def test_m105_orders_beyond_each_other_give_no_price() -> None:
    check(
        CALL,
        buy(ALPHA, "a1", 2, 99),
        sell(BRAVO, "b1", 5, 101),
        UNCROSS,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @99 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s3
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i1
        """,
    )


def test_m106_price_then_time_with_whole_leaves() -> None:
    check(
        buy(ALPHA, "a1", 9, 100, display_qty=2),
        CALL,
        buy(ALPHA_2, "a2", 4, 100),
        buy(CHARLIE, "c1", 3, 102),
        sell(BRAVO, "b1", 5, 99),
        sell(BRAVO, "b2", 4, 98),
        UNCROSS,
        set_phase(w.CONTINUOUS),
        sell(BRAVO, "b3", 5, 100),
        events="""
            ACCEPTED o1 p1 @100 qty 9 leaves 9 shows 2 r1 s1
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o2 p2 @100 qty 4 leaves 4 shows 4 r2 s2
            ACCEPTED o3 p3 @102 qty 3 leaves 3 shows 3 r3 s4
            ACCEPTED o4 p4 @99 qty 5 leaves 5 shows 5 r4 s3
            INDICATIVE i1 @100 qty 5 surplus 11
            ACCEPTED o5 p5 @98 qty 4 leaves 4 shows 4 r5 s3
            INDICATIVE i1 @100 qty 9 surplus 7
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o3 p3 t1 @100 qty 3 cum 3 of r3 s4 AUCTION UNSOLICITED
            FILL o5 p5 t1 @100 qty 3 of 4 leaves 1 cum 3 shows 1 of r5 s3 AUCTION UNSOLICITED
            FILL o1 p1 t2 @100 qty 1 of 9 leaves 8 cum 1 shows 2 of r1 s1 AUCTION UNSOLICITED
            FILL o5 p5 t2 @100 qty 1 of 4 cum 4 of r5 s3 AUCTION UNSOLICITED
            FILL o1 p1 t3 @100 qty 5 of 9 leaves 3 cum 6 shows 2 of r1 s1 AUCTION UNSOLICITED
            FILL o4 p4 t3 @100 qty 5 cum 5 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @100 qty 9 surplus 7
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            ACCEPTED o6 @100 qty 5 leaves 5 r6 s3
            FILL o6 t4 @100 qty 2 of 5 leaves 3 cum 2 r6 s3 AGGRESSOR
            FILL o1 p1 t4 @100 qty 2 of 9 leaves 1 cum 8 of r1 s1 UNSOLICITED
            REFRESHED o1 p6 @100 of 9 leaves 1 cum 8 shows 1 of r1
            FILL o6 t5 @100 qty 3 of 5 cum 5 r6 s3 AGGRESSOR
            FILL o2 p2 t5 @100 qty 3 of 4 leaves 1 cum 3 shows 1 of r2 s2 UNSOLICITED
        """,
    )


def test_m107_the_auction_price_is_last_and_counts_for_the_day() -> None:
    check(
        set_phase(w.PRE_OPEN, instrument=3),
        buy(ALPHA, "a1", 5, 104, instrument=3, position_effect=w.OPEN),
        sell(BRAVO, "b1", 5, 104, instrument=3, position_effect=w.OPEN),
        set_phase(w.CONTINUOUS, instrument=3),
        sell(BRAVO, "b2", 1, 102, instrument=3, position_effect=w.OPEN),
        buy(ALPHA, "a2", 1, 106, instrument=3, position_effect=w.OPEN),
        events="""
            PHASE_CHANGED i3 PRE_OPEN from NONE
            ACCEPTED o1 p1 @104 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @104 qty 5 leaves 5 shows 5 r2 s3
            INDICATIVE i3 @104 qty 5
            PHASE_CHANGED i3 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 @104 qty 5 cum 5 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t1 @104 qty 5 cum 5 of r2 s3 AUCTION UNSOLICITED
            UNCROSSED i3 @104 qty 5
            PHASE_CHANGED i3 CONTINUOUS from AUCTION_MATCH
            ACCEPTED o3 p3 @102 qty 1 leaves 1 shows 1 r3 s3
            ACCEPTED o4 @106 qty 1 leaves 1 r4 s1
            FILL o4 t2 @104 qty 1 cum 1 r4 s1 AGGRESSOR
            FILL o3 p3 t2 @104 qty 1 cum 1 of r3 s3 UNSOLICITED
        """,
    )


def test_m110_what_is_left_goes_on_in_its_order() -> None:
    check(
        buy(ALPHA, "a1", 2, 100),
        CALL,
        buy(CHARLIE, "c1", 2, 100),
        buy(ALPHA_2, "a2", 2, 100),
        sell(BRAVO, "b1", 1, 100),
        sell(BRAVO, "b2", 2, 103),
        set_phase(w.CONTINUOUS),
        sell(BRAVO, "b3", 4, 100),
        buy(CHARLIE, "c2", 1, 103),
        events="""
            ACCEPTED o1 p1 @100 qty 2 leaves 2 shows 2 r1 s1
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o2 p2 @100 qty 2 leaves 2 shows 2 r2 s4
            ACCEPTED o3 p3 @100 qty 2 leaves 2 shows 2 r3 s2
            ACCEPTED o4 p4 @100 qty 1 leaves 1 shows 1 r4 s3
            INDICATIVE i1 @100 qty 1 surplus 5
            ACCEPTED o5 p5 @103 qty 2 leaves 2 shows 2 r5 s3
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 @100 qty 1 of 2 leaves 1 cum 1 shows 1 of r1 s1 AUCTION UNSOLICITED
            FILL o4 p4 t1 @100 qty 1 cum 1 of r4 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @100 qty 1 surplus 5
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            ACCEPTED o6 @100 qty 4 leaves 4 r6 s3
            FILL o6 t2 @100 qty 1 of 4 leaves 3 cum 1 r6 s3 AGGRESSOR
            FILL o1 p1 t2 @100 qty 1 of 2 cum 2 of r1 s1 UNSOLICITED
            FILL o6 t3 @100 qty 2 of 4 leaves 1 cum 3 r6 s3 AGGRESSOR
            FILL o2 p2 t3 @100 qty 2 cum 2 of r2 s4 UNSOLICITED
            FILL o6 t4 @100 qty 1 of 4 cum 4 r6 s3 AGGRESSOR
            FILL o3 p3 t4 @100 qty 1 of 2 leaves 1 cum 1 shows 1 of r3 s2 UNSOLICITED
            ACCEPTED o7 @103 qty 1 leaves 1 r7 s4
            FILL o7 t5 @103 qty 1 cum 1 r7 s4 AGGRESSOR
            FILL o5 p5 t5 @103 qty 1 of 2 leaves 1 cum 1 shows 1 of r5 s3 UNSOLICITED
        """,
    )


def test_m111_self_match_prevention_does_not_act() -> None:
    check(
        CALL,
        buy(ALPHA, "a1", 2, 101, self_match=w.SMP_BOTH),
        sell(ALPHA_2, "a2", 2, 100, self_match=w.SMP_AGGRESSING),
        UNCROSS,
        events="""
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o1 p1 @101 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @100 qty 2 leaves 2 shows 2 r2 s2
            INDICATIVE i1 @100 qty 2
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o1 p1 t1 @100 qty 2 cum 2 of r1 s1 AUCTION UNSOLICITED
            FILL o2 p2 t1 @100 qty 2 cum 2 of r2 s2 AUCTION UNSOLICITED
            UNCROSSED i1 @100 qty 2
        """,
    )


def test_m112_an_uncross_that_does_not_add_up_raises_an_alarm_and_trades_nothing() -> None:
    """The lots by price of instrument 1 are spoiled; instrument 2 of the product goes on."""
    commands = number(
        [
            *usual_venue(),
            set_phase(w.PRE_OPEN, instrument=0, product=1),
            buy(ALPHA, "a1", 5, 101),
            sell(BRAVO, "b1", 4, 99),
            buy(ALPHA, "a2", 5, 101, instrument=2),
            sell(BRAVO, "b2", 4, 99, instrument=2),
        ]
    )
    again = number([set_phase(w.CONTINUOUS, instrument=0, product=1)], 100)
    venue = EngineVenue()
    venue.run(commands)
    tables = venue.engine.tables()
    first = int(tables.instruments[1]["level_first"])
    bought = tables.depths[first : first + 64]["word"].copy()
    tables.depths[first : first + 64]["word"] *= 3
    tables.calls[1]["buy_qty"] *= 3
    events = venue.run(again)
    kinds = [(event["instrument"], EventKind(event["kind"]).name) for event in events]
    assert kinds == [
        (1, "PHASE_CHANGED"),
        (1, "ALARM"),
        (2, "PHASE_CHANGED"),
        *[(2, "FILL")] * 2,
        (2, "UNCROSSED"),
        (2, "PHASE_CHANGED"),
    ]
    assert events[1]["reason"] == AlarmReason.UNCROSS_FAILED
    assert venue.engine.phase(1)[0] == Phase.AUCTION_MATCH
    assert len(venue.engine.orders(1)) == 2
    tables.depths[first : first + 64]["word"] = bought
    tables.calls[1]["buy_qty"] = 5
    kinds = [EventKind(event["kind"]).name for event in venue.run(number(again, 101))]
    assert kinds == ["FILL", "FILL", "UNCROSSED", "PHASE_CHANGED"]
    assert venue.engine.phase(1)[0] == Phase.CONTINUOUS
