"""Scenarios of section 21: what a halted leg takes of implied prices (M-241)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import ALPHA, BRAVO, buy, sell, set_phase
from tests.scenarios import check
from tests.scenarios.test_implied import THREE


def test_m241_a_halted_leg_suspends_what_goes_over_it() -> None:
    """Month 2 is a leg of 6 and 7; 8 goes on, and so does the book of 7. Then it joins again."""
    halted = {"instrument": 2, "reason": w.OPERATOR}
    check(
        sell(ALPHA, "a1", 5, 103, instrument=1),
        buy(ALPHA, "a2", 5, 101, instrument=2),
        buy(ALPHA, "a3", 5, 100, instrument=5),
        sell(ALPHA, "a4", 5, 0, instrument=7),
        set_phase(w.PHASE_HALTED, **halted),
        buy(BRAVO, "b1", 1, 2, instrument=6),
        sell(BRAVO, "b2", 1, 101, instrument=5),
        buy(BRAVO, "b3", 1, 0, instrument=7),
        buy(BRAVO, "b4", 1, 3, instrument=8),
        set_phase(w.CONTINUOUS, **halted),
        venue=THREE,
        events="""
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 r1 s1
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 r2 s1
            IMPLIED i6 SELL @2
            ACCEPTED o3 p3 @100 qty 5 leaves 5 shows 5 r3 s1
            IMPLIED i8 SELL @3
            ACCEPTED o4 p4 qty 5 leaves 5 shows 5 r4 s1
            IMPLIED i5 BUY @101
            PHASE_CHANGED i2 HALTED from NONE OPERATOR
            IMPLIED i5 BUY none
            IMPLIED i6 SELL none
            ACCEPTED o5 p5 @2 qty 1 leaves 1 shows 1 r5 s3
            ACCEPTED o6 p6 @101 qty 1 leaves 1 shows 1 r6 s3
            ACCEPTED o7 qty 1 leaves 1 r7 s3
            FILL o7 t1 qty 1 cum 1 r7 s3 AGGRESSOR
            FILL o4 p4 t1 qty 1 of 5 leaves 4 cum 1 shows 4 of r4 s1 UNSOLICITED
            FILL o7 t1 @100 qty 1 cum 1 r7 s3 AGGRESSOR LEG i2 BUY
            FILL o7 t1 @100 qty 1 cum 1 r7 s3 AGGRESSOR LEG i5 SELL
            FILL o4 t1 @100 qty 1 of 5 leaves 4 cum 1 of r4 s1 UNSOLICITED LEG i2 SELL
            FILL o4 t1 @100 qty 1 of 5 leaves 4 cum 1 of r4 s1 UNSOLICITED LEG i5 BUY
            ACCEPTED o8 @3 qty 1 leaves 1 r8 s3
            FILL o8 t2 @3 qty 1 cum 1 r8 s3 IMPLIED AGGRESSOR
            FILL o1 p1 t2 @103 qty 1 of 5 leaves 4 cum 1 shows 4 of r1 s1 IMPLIED UNSOLICITED
            FILL o3 p3 t2 @100 qty 1 of 5 leaves 4 cum 1 shows 4 of r3 s1 IMPLIED UNSOLICITED
            FILL o8 t2 @103 qty 1 cum 1 r8 s3 IMPLIED AGGRESSOR LEG i1 BUY
            FILL o8 t2 @100 qty 1 cum 1 r8 s3 IMPLIED AGGRESSOR LEG i5 SELL
            PHASE_CHANGED i2 CONTINUOUS from HALTED OPERATOR
            FILL o5 p5 t3 @2 qty 1 cum 1 of r5 s3 IMPLIED UNSOLICITED
            FILL o1 p1 t3 @103 qty 1 of 5 leaves 3 cum 2 shows 3 of r1 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t3 @101 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s1 IMPLIED UNSOLICITED
            FILL o5 t3 @103 qty 1 cum 1 of r5 s3 IMPLIED UNSOLICITED LEG i1 BUY
            FILL o5 t3 @101 qty 1 cum 1 of r5 s3 IMPLIED UNSOLICITED LEG i2 SELL
            FILL o4 p4 t4 qty 1 of 5 leaves 3 cum 2 shows 3 of r4 s1 IMPLIED UNSOLICITED
            FILL o2 p2 t4 @101 qty 1 of 5 leaves 3 cum 2 shows 3 of r2 s1 IMPLIED UNSOLICITED
            FILL o6 p6 t4 @101 qty 1 cum 1 of r6 s3 IMPLIED UNSOLICITED
            FILL o4 t4 @101 qty 1 of 5 leaves 3 cum 2 of r4 s1 IMPLIED UNSOLICITED LEG i2 SELL
            FILL o4 t4 @101 qty 1 of 5 leaves 3 cum 2 of r4 s1 IMPLIED UNSOLICITED LEG i5 BUY
            IMPLIED i5 BUY @101
            IMPLIED i6 SELL @2
        """,
    )
