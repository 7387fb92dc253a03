"""Scenarios of section 13: months without trades that calendar spreads settle (M-205)."""

from __future__ import annotations

from tests.build import ALPHA, BRAVO, DAY_2, buy, instrument, product, roll_product, sell, spread
from tests.scenarios import check
from tests.scenarios.test_settlement import at, one

MONTHS = [instrument(at, 1, 1_000, maturity=202700 + at) for at in range(1, 5)]
CALENDARS = [spread(5, 1, 1, 2), spread(6, 1, 2, 3), spread(7, 1, 1, 3), spread(8, 1, 3, 4)]


def trades(second: float, *made: tuple[int, int]) -> list[dict]:
    """A lot each, at an instrument and a price in ticks."""
    return [
        at(second, make(who, f"{who.member}x{second}x{place}", 1, ticks, instrument=number))
        for place, (number, ticks) in enumerate(made)
        for make, who in ((sell, ALPHA), (buy, BRAVO))
    ]


def test_m205_calendar_spreads_lead_from_month_to_month() -> None:
    """2 by the spread that traded; 3 from there by quotes at zero, 4 not beyond its limit."""
    quotes = [
        at(15, make(ALPHA, f"q{number}{make.__name__}", 1, ticks, instrument=number))
        for number, ticks, make in ((6, 0, buy), (6, 2, sell), (7, -50, buy), (7, -48, sell))
    ]
    check(
        *trades(10, (1, 1_050), (5, -10), (8, -60)),
        *quotes,
        at(20, roll_product(1, DAY_2)),
        venue=one(product(1), *MONTHS, *CALENDARS),
        events="""
            ACCEPTED o1 p1 @1050 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @1050 qty 1 leaves 1 r2 s3
            FILL o2 t1 @1050 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @1050 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @-10 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @-10 qty 1 leaves 1 r4 s3
            FILL o4 t2 @-10 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @-10 qty 1 cum 1 of r3 s1 UNSOLICITED
            FILL o4 t2 @990 qty 1 cum 1 r4 s3 AGGRESSOR LEG i1 BUY
            FILL o4 t2 @1000 qty 1 cum 1 r4 s3 AGGRESSOR LEG i2 SELL
            FILL o3 t2 @990 qty 1 cum 1 of r3 s1 UNSOLICITED LEG i1 SELL
            FILL o3 t2 @1000 qty 1 cum 1 of r3 s1 UNSOLICITED LEG i2 BUY
            ACCEPTED o5 p3 @-60 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @-60 qty 1 leaves 1 r6 s3
            FILL o6 t3 @-60 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @-60 qty 1 cum 1 of r5 s1 UNSOLICITED
            FILL o6 t3 @940 qty 1 cum 1 r6 s3 AGGRESSOR LEG i3 BUY
            FILL o6 t3 @1000 qty 1 cum 1 r6 s3 AGGRESSOR LEG i4 SELL
            FILL o5 t3 @940 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i3 SELL
            FILL o5 t3 @1000 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i4 BUY
            ACCEPTED o7 p4 qty 1 leaves 1 shows 1 r7 s1
            ACCEPTED o8 p5 @2 qty 1 leaves 1 shows 1 r8 s1
            ACCEPTED o9 p6 @-50 qty 1 leaves 1 shows 1 r9 s1
            ACCEPTED o10 p7 @-48 qty 1 leaves 1 shows 1 r10 s1
            EXPIRED o7 p4 qty 1 of r7 s1 UNSOLICITED DAY_END
            EXPIRED o8 p5 @2 qty 1 of r8 s1 UNSOLICITED DAY_END
            EXPIRED o9 p6 @-50 qty 1 of r9 s1 UNSOLICITED DAY_END
            EXPIRED o10 p7 @-48 qty 1 of r10 s1 UNSOLICITED DAY_END
            SETTLED @1050 value 1050 qty 1 open 2
            LIMITS_SET @1050 from 945 to 1155
            SETTLED @1060 open 1 SPREAD
            LIMITS_SET @1060 from 954 to 1166
            SETTLED @1060 open 1 SPREAD
            LIMITS_SET @1060 from 954 to 1166
            SETTLED @1100 open 1 SPREAD
            LIMITS_SET @1100 from 990 to 1210
            SETTLED @-10 value -10 qty 1
            LIMITS_SET @-10 from -221 to 201
            SETTLED
            LIMITS_SET from -212 to 212
            SETTLED @-10
            LIMITS_SET @-10 from -221 to 201
            SETTLED @-40 value -60 qty 1
            LIMITS_SET @-40 from -256 to 176
        """,
    )


def test_m205_the_average_of_a_spread_rounds_away_from_zero() -> None:
    """1 by trades at -1 and -2, then 2 by quotes; no spread of 4 has either: M-204."""
    check(
        *trades(10, (3, 1_010), (7, -1), (7, -2)),
        at(15, buy(ALPHA, "q1", 1, 7, instrument=5)),
        at(15, sell(ALPHA, "q2", 1, 9, instrument=5)),
        at(20, roll_product(1, DAY_2)),
        venue=one(product(1), *MONTHS, *CALENDARS),
        events="""
            ACCEPTED o1 p1 @1010 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @1010 qty 1 leaves 1 r2 s3
            FILL o2 t1 @1010 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @1010 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @-1 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @-1 qty 1 leaves 1 r4 s3
            FILL o4 t2 @-1 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @-1 qty 1 cum 1 of r3 s1 UNSOLICITED
            FILL o4 t2 @999 qty 1 cum 1 r4 s3 AGGRESSOR LEG i1 BUY
            FILL o4 t2 @1000 qty 1 cum 1 r4 s3 AGGRESSOR LEG i3 SELL
            FILL o3 t2 @999 qty 1 cum 1 of r3 s1 UNSOLICITED LEG i1 SELL
            FILL o3 t2 @1000 qty 1 cum 1 of r3 s1 UNSOLICITED LEG i3 BUY
            ACCEPTED o5 p3 @-2 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @-2 qty 1 leaves 1 r6 s3
            FILL o6 t3 @-2 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @-2 qty 1 cum 1 of r5 s1 UNSOLICITED
            FILL o6 t3 @998 qty 1 cum 1 r6 s3 AGGRESSOR LEG i1 BUY
            FILL o6 t3 @1000 qty 1 cum 1 r6 s3 AGGRESSOR LEG i3 SELL
            FILL o5 t3 @998 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i1 SELL
            FILL o5 t3 @1000 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i3 BUY
            ACCEPTED o7 p4 @7 qty 1 leaves 1 shows 1 r7 s1
            ACCEPTED o8 p5 @9 qty 1 leaves 1 shows 1 r8 s1
            EXPIRED o7 p4 @7 qty 1 of r7 s1 UNSOLICITED DAY_END
            EXPIRED o8 p5 @9 qty 1 of r8 s1 UNSOLICITED DAY_END
            SETTLED @1008 open 2 SPREAD
            LIMITS_SET @1008 from 908 to 1108
            SETTLED @1001 SPREAD
            LIMITS_SET @1001 from 901 to 1101
            SETTLED @1010 value 1010 qty 1 open 1
            LIMITS_SET @1010 from 909 to 1111
            SETTLED @1010 NEIGHBOUR
            LIMITS_SET @1010 from 909 to 1111
            SETTLED @7
            LIMITS_SET @7 from -193 to 207
            SETTLED @-9
            LIMITS_SET @-9 from -210 to 192
            SETTLED @-2 value -3 qty 2
            LIMITS_SET @-2 from -203 to 199
            SETTLED
            LIMITS_SET from -202 to 202
        """,
    )


def test_m205_a_spread_that_traded_comes_before_a_nearer_one_with_quotes() -> None:
    """3 by the trade of 7, not by the quotes of 6; 4 by the change of 2, which traded."""
    check(
        *trades(10, (1, 1_050), (2, 1_060), (7, -20)),
        at(15, buy(ALPHA, "q1", 1, 0, instrument=6)),
        at(15, sell(ALPHA, "q2", 1, 2, instrument=6)),
        at(20, roll_product(1, DAY_2)),
        venue=one(product(1), *MONTHS, *CALENDARS),
        events="""
            ACCEPTED o1 p1 @1050 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @1050 qty 1 leaves 1 r2 s3
            FILL o2 t1 @1050 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @1050 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @1060 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @1060 qty 1 leaves 1 r4 s3
            FILL o4 t2 @1060 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @1060 qty 1 cum 1 of r3 s1 UNSOLICITED
            ACCEPTED o5 p3 @-20 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 @-20 qty 1 leaves 1 r6 s3
            FILL o6 t3 @-20 qty 1 cum 1 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @-20 qty 1 cum 1 of r5 s1 UNSOLICITED
            FILL o6 t3 @980 qty 1 cum 1 r6 s3 AGGRESSOR LEG i1 BUY
            FILL o6 t3 @1000 qty 1 cum 1 r6 s3 AGGRESSOR LEG i3 SELL
            FILL o5 t3 @980 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i1 SELL
            FILL o5 t3 @1000 qty 1 cum 1 of r5 s1 UNSOLICITED LEG i3 BUY
            ACCEPTED o7 p4 qty 1 leaves 1 shows 1 r7 s1
            ACCEPTED o8 p5 @2 qty 1 leaves 1 shows 1 r8 s1
            EXPIRED o7 p4 qty 1 of r7 s1 UNSOLICITED DAY_END
            EXPIRED o8 p5 @2 qty 1 of r8 s1 UNSOLICITED DAY_END
            SETTLED @1050 value 1050 qty 1 open 2
            LIMITS_SET @1050 from 945 to 1155
            SETTLED @1060 value 1060 qty 1 open 1
            LIMITS_SET @1060 from 954 to 1166
            SETTLED @1070 open 1 SPREAD
            LIMITS_SET @1070 from 963 to 1177
            SETTLED @1060 NEIGHBOUR
            LIMITS_SET @1060 from 954 to 1166
            SETTLED @-10
            LIMITS_SET @-10 from -221 to 201
            SETTLED @-10
            LIMITS_SET @-10 from -223 to 203
            SETTLED @-20 value -20 qty 1
            LIMITS_SET @-20 from -232 to 192
            SETTLED @10
            LIMITS_SET @10 from -203 to 223
        """,
    )
