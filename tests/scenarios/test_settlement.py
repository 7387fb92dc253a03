"""Scenarios of section 13: settlement prices and locked days (M-200 to M-212)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    DAY_2,
    DAY_3,
    DAY_4,
    SECOND,
    START_NS,
    account,
    buy,
    instrument,
    member,
    product,
    roll_product,
    sell,
    session,
    session_lost,
    set_phase,
    stop,
)
from tests.scenarios import check

WINDOW = {"features": ALL_FEATURES | w.SETTLE_WINDOW, "settle_window_seconds": 120}
LOCKING = {"features": ALL_FEATURES | w.LOCKED_DAYS, "locked_1_bp": 300, "locked_2_bp": 500}
LOCKED = 300


def one(made: dict, *instruments: dict) -> list[dict]:
    """A venue of one product, with one instrument unless others are given."""
    return [
        made,
        *(instruments or (instrument(1, 1, 1_000),)),
        *(member(who.member) for who in (ALPHA, BRAVO)),
        *(account(who.account, who.member) for who in (ALPHA, BRAVO)),
        *(session(who.session, who.member) for who in (ALPHA, BRAVO)),
    ]


def at(seconds: float, made: dict) -> dict:
    """The command so many seconds after the venue's start."""
    return made | {"time_ns": START_NS + int(seconds * SECOND)}


def test_m200_the_close_is_the_end_of_trading_not_the_roll() -> None:
    """The bid of the close counts, though its session is lost before the roll."""
    check(
        at(10, set_phase(w.CONTINUOUS, scheduled_end_ns=START_NS + 60 * SECOND)),
        at(20, buy(ALPHA, "a1", 1, 1_002)),
        at(20, sell(BRAVO, "b1", 1, 1_004)),
        at(60, set_phase(w.CLOSED)),
        at(70, session_lost(ALPHA)),
        at(90, roll_product(1, DAY_2)),
        at(95, roll_product(1, DAY_3)),
        venue=one(product(1)),
        events="""
            PHASE_CHANGED i1 CONTINUOUS from NONE until 60 s
            ACCEPTED o1 p1 @1002 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 p2 @1004 qty 1 leaves 1 shows 1 r2 s3
            PHASE_CHANGED i1 CLOSED from CONTINUOUS
            CANCELLED o1 p1 @1002 qty 1 of r1 s1 UNSOLICITED SESSION_LOST
            EXPIRED o2 p2 @1004 qty 1 of r2 s3 UNSOLICITED DAY_END
            SETTLED @1002 QUOTED
            LIMITS_SET @1002 from 902 to 1102
            SETTLED @1002
            LIMITS_SET @1002 from 902 to 1102
        """,
    )


def test_m201_a_window_before_the_close() -> None:
    """Spans of two seconds: the one of second 100 to the one of the close at 221."""
    trades = [
        at(second, make(who, f"{who.member}x{second}", 2, ticks))
        for second, ticks in ((99, 900), (100, 1_000), (160, 1_001), (221, 1_005))
        for make, who in ((sell, ALPHA), (buy, BRAVO))
    ]
    check(
        *trades,
        at(221, set_phase(w.CLOSED)),
        at(400, roll_product(1, DAY_2)),
        venue=one(product(1, **WINDOW)),
        events="""
            ACCEPTED o1 p1 @900 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 @900 qty 2 leaves 2 r2 s3
            FILL o2 t1 @900 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @900 qty 2 cum 2 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @1000 qty 2 leaves 2 shows 2 r3 s1
            ACCEPTED o4 @1000 qty 2 leaves 2 r4 s3
            FILL o4 t2 @1000 qty 2 cum 2 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @1000 qty 2 cum 2 of r3 s1 UNSOLICITED
            ACCEPTED o5 p3 @1001 qty 2 leaves 2 shows 2 r5 s1
            ACCEPTED o6 @1001 qty 2 leaves 2 r6 s3
            FILL o6 t3 @1001 qty 2 cum 2 r6 s3 AGGRESSOR
            FILL o5 p3 t3 @1001 qty 2 cum 2 of r5 s1 UNSOLICITED
            ACCEPTED o7 p4 @1005 qty 2 leaves 2 shows 2 r7 s1
            ACCEPTED o8 @1005 qty 2 leaves 2 r8 s3
            FILL o8 t4 @1005 qty 2 cum 2 r8 s3 AGGRESSOR
            FILL o7 p4 t4 @1005 qty 2 cum 2 of r7 s1 UNSOLICITED
            PHASE_CHANGED i1 CLOSED from NONE
            SETTLED @1002 value 7812 qty 8 open 8
            LIMITS_SET @1002 from 902 to 1102
        """,
    )


def test_m201_no_trade_in_the_window_settles_at_the_last_inside_the_quotes() -> None:
    check(
        at(10, sell(ALPHA, "a1", 2, 1_000)),
        at(10, buy(BRAVO, "b1", 2, 1_000)),
        at(500, buy(BRAVO, "b2", 2, 1_003)),
        at(600, roll_product(1, DAY_2)),
        at(700, roll_product(1, DAY_3)),
        venue=one(product(1, **WINDOW)),
        events="""
            ACCEPTED o1 p1 @1000 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 @1000 qty 2 leaves 2 r2 s3
            FILL o2 t1 @1000 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @1000 qty 2 cum 2 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @1003 qty 2 leaves 2 shows 2 r3 s3
            EXPIRED o3 p2 @1003 qty 2 of r3 s3 UNSOLICITED DAY_END
            SETTLED @1003 value 2000 qty 2 open 2 LAST
            LIMITS_SET @1003 from 903 to 1103
            SETTLED @1003 open 2
            LIMITS_SET @1003 from 903 to 1103
        """,
    )


def test_m202_without_trades_a_locked_contract_settles_at_its_limit() -> None:
    """Locked for five minutes; the next date a second less."""
    check(
        at(10, buy(ALPHA, "a1", 2, 1_100)),
        at(10 + LOCKED, roll_product(1, DAY_2)),
        at(400, sell(ALPHA, "a2", 2, 990)),
        at(399 + LOCKED, roll_product(1, DAY_3)),
        at(1_000, sell(ALPHA, "a3", 2, 990)),
        at(1_000 + LOCKED, roll_product(1, DAY_4)),
        venue=one(product(1)),
        events="""
            ACCEPTED o1 p1 @1100 qty 2 leaves 2 shows 2 r1 s1
            EXPIRED o1 p1 @1100 qty 2 of r1 s1 UNSOLICITED DAY_END
            SETTLED @1100 LOCKED
            LIMITS_SET @1100 from 990 to 1210
            ACCEPTED o2 p2 @990 qty 2 leaves 2 shows 2 r2 s1
            EXPIRED o2 p2 @990 qty 2 of r2 s1 UNSOLICITED DAY_END
            SETTLED @1100
            LIMITS_SET @1100 from 990 to 1210
            ACCEPTED o3 p3 @990 qty 2 leaves 2 shows 2 r3 s1
            EXPIRED o3 p3 @990 qty 2 of r3 s1 UNSOLICITED DAY_END
            SETTLED @990 LOCKED
            LIMITS_SET @990 from 891 to 1089
        """,
    )


def test_m203_without_trades_the_middle_of_the_quotes_and_the_reference() -> None:
    check(
        at(10, buy(ALPHA, "a1", 2, 1_010)),
        at(10, sell(ALPHA, "a2", 2, 1_020)),
        at(20, roll_product(1, DAY_2)),
        at(30, buy(ALPHA, "a3", 2, 1_000)),
        at(30, sell(ALPHA, "a4", 2, 1_020)),
        at(40, roll_product(1, DAY_3)),
        at(50, buy(ALPHA, "a5", 2, 1_030)),
        at(60, roll_product(1, DAY_4)),
        venue=one(product(1)),
        events="""
            ACCEPTED o1 p1 @1010 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 p2 @1020 qty 2 leaves 2 shows 2 r2 s1
            EXPIRED o1 p1 @1010 qty 2 of r1 s1 UNSOLICITED DAY_END
            EXPIRED o2 p2 @1020 qty 2 of r2 s1 UNSOLICITED DAY_END
            SETTLED @1010 QUOTED
            LIMITS_SET @1010 from 909 to 1111
            ACCEPTED o3 p3 @1000 qty 2 leaves 2 shows 2 r3 s1
            ACCEPTED o4 p4 @1020 qty 2 leaves 2 shows 2 r4 s1
            EXPIRED o3 p3 @1000 qty 2 of r3 s1 UNSOLICITED DAY_END
            EXPIRED o4 p4 @1020 qty 2 of r4 s1 UNSOLICITED DAY_END
            SETTLED @1010 QUOTED
            LIMITS_SET @1010 from 909 to 1111
            ACCEPTED o5 p5 @1030 qty 2 leaves 2 shows 2 r5 s1
            EXPIRED o5 p5 @1030 qty 2 of r5 s1 UNSOLICITED DAY_END
            SETTLED @1010
            LIMITS_SET @1010 from 909 to 1111
        """,
    )


def test_m204_without_quotes_the_change_of_the_nearest_month_that_traded() -> None:
    """1 follows 3, the earlier of two; 2 and 5 follow 4; 302 would be beyond 5's limit."""
    months = [
        instrument(1, 1, 500, maturity=202701),
        instrument(2, 1, 500, maturity=202705),
        instrument(3, 1, 1_000, maturity=202612),
        instrument(4, 1, 1_000, maturity=202702),
        instrument(5, 1, 336, maturity=202704),
    ]
    traded = [
        at(10, make(who, f"{who.member}x{number}", 1, ticks, instrument=number))
        for number, ticks in ((3, 1_050), (4, 900))
        for make, who in ((sell, ALPHA), (buy, BRAVO))
    ]
    check(
        *traded,
        at(20, roll_product(1, DAY_2)),
        venue=one(product(1), *months),
        events="""
            ACCEPTED o1 p1 @1050 qty 1 leaves 1 shows 1 r1 s1
            ACCEPTED o2 @1050 qty 1 leaves 1 r2 s3
            FILL o2 t1 @1050 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @1050 qty 1 cum 1 of r1 s1 UNSOLICITED
            ACCEPTED o3 p2 @900 qty 1 leaves 1 shows 1 r3 s1
            ACCEPTED o4 @900 qty 1 leaves 1 r4 s3
            FILL o4 t2 @900 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o3 p2 t2 @900 qty 1 cum 1 of r3 s1 UNSOLICITED
            SETTLED @525 NEIGHBOUR
            LIMITS_SET @525 from 473 to 577
            SETTLED @450 NEIGHBOUR
            LIMITS_SET @450 from 405 to 495
            SETTLED @1050 value 1050 qty 1 open 1
            LIMITS_SET @1050 from 945 to 1155
            SETTLED @900 value 900 qty 1 open 1
            LIMITS_SET @900 from 810 to 990
            SETTLED @303 NEIGHBOUR
            LIMITS_SET @303 from 273 to 333
        """,
    )


def test_m210_aggressors_at_the_limit_leave_it_locked() -> None:
    """A sell that comes to rest ends it, though the next buy fills it."""
    check(
        at(10, buy(ALPHA, "a1", 9, 1_100)),
        at(100, sell(BRAVO, "b1", 1, 1_100)),
        at(200, sell(BRAVO, "b2", 1, 1_050)),
        at(10 + LOCKED, roll_product(1, DAY_2)),
        at(1_000, buy(ALPHA, "a2", 1, 1_230)),
        at(1_100, sell(BRAVO, "b3", 2, 1_230)),
        at(1_101, buy(ALPHA, "a3", 2, 1_230)),
        at(1_000 + LOCKED, roll_product(1, DAY_3)),
        venue=one(product(1, ladder_bp=1_500, **LOCKING)),
        events="""
            ACCEPTED o1 p1 @1100 qty 9 leaves 9 shows 9 r1 s1
            ACCEPTED o2 @1100 qty 1 leaves 1 r2 s3
            FILL o2 t1 @1100 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @1100 qty 1 of 9 leaves 8 cum 1 shows 8 of r1 s1 UNSOLICITED
            ACCEPTED o3 @1050 qty 1 leaves 1 r3 s3
            FILL o3 t2 @1100 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @1100 qty 1 of 9 leaves 7 cum 2 shows 7 of r1 s1 UNSOLICITED
            EXPIRED o1 p1 @1100 qty 7 of 9 cum 2 of r1 s1 UNSOLICITED DAY_END
            SETTLED @1100 value 2200 qty 2 open 2
            LIMITS_SET @1100 from 957 to 1243 qty 1
            ACCEPTED o4 p2 @1230 qty 1 leaves 1 shows 1 r4 s1
            ACCEPTED o5 @1230 qty 2 leaves 2 r5 s3
            FILL o5 t3 @1230 qty 1 of 2 leaves 1 cum 1 r5 s3 AGGRESSOR
            FILL o4 p2 t3 @1230 qty 1 cum 1 of r4 s1 UNSOLICITED
            BOOKED o5 p3 @1230 of 2 leaves 1 cum 1 shows 1 of r5
            ACCEPTED o6 @1230 qty 2 leaves 2 r6 s1
            FILL o6 t4 @1230 qty 1 of 2 leaves 1 cum 1 r6 s1 AGGRESSOR
            FILL o5 p3 t4 @1230 qty 1 of 2 cum 2 of r5 s3 UNSOLICITED
            BOOKED o6 p4 @1230 of 2 leaves 1 cum 1 shows 1 of r6
            EXPIRED o6 p4 @1230 qty 1 of 2 cum 1 of r6 s1 UNSOLICITED DAY_END
            SETTLED @1230 value 2460 qty 2 open 4
            LIMITS_SET @1230 from 1107 to 1353
        """,
    )


def test_m210_triggered_stops_count_as_their_command_does() -> None:
    """The sell takes the last buy; the stop order it reaches comes to rest in the same command."""
    check(
        at(10, buy(ALPHA, "a1", 2, 1_100)),
        at(20, stop(ALPHA, "a2", w.BUY, 3, 1_050, ticks=1_100)),
        at(200, sell(BRAVO, "b1", 2, 1_100)),
        at(10 + LOCKED, roll_product(1, DAY_2)),
        venue=one(product(1, ladder_bp=1_500, **LOCKING)),
        events="""
            ACCEPTED o1 p1 @1100 qty 2 leaves 2 shows 2 r1 s1
            ACCEPTED o2 @1100 qty 3 leaves 3 r2 s1
            ACCEPTED o3 @1100 qty 2 leaves 2 r3 s3
            FILL o3 t1 @1100 qty 2 cum 2 r3 s3 AGGRESSOR
            FILL o1 p1 t1 @1100 qty 2 cum 2 of r1 s1 UNSOLICITED
            TRIGGERED o2 @1100 of 3 leaves 3 of r2 s1 UNSOLICITED
            BOOKED o2 p2 @1100 of 3 leaves 3 shows 3 of r2
            EXPIRED o2 p2 @1100 qty 3 of r2 s1 UNSOLICITED DAY_END
            SETTLED @1100 value 2200 qty 2 open 2
            LIMITS_SET @1100 from 957 to 1243 qty 1
        """,
    )


def test_m210_what_an_uncross_triggers_locks_with_it() -> None:
    """The uncross empties the book; the stop order that comes in behind it is locked from then."""
    check(
        at(10, stop(ALPHA, "a1", w.BUY, 3, 1_050, ticks=1_100)),
        at(20, set_phase(w.PRE_OPEN)),
        at(30, buy(ALPHA, "a2", 2, 1_100)),
        at(40, sell(BRAVO, "b1", 2, 1_100)),
        at(200, set_phase(w.CONTINUOUS)),
        at(200 + LOCKED, roll_product(1, DAY_2)),
        venue=one(product(1, ladder_bp=1_500, **LOCKING)),
        events="""
            ACCEPTED o1 @1100 qty 3 leaves 3 r1 s1
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o2 p1 @1100 qty 2 leaves 2 shows 2 r2 s1
            ACCEPTED o3 p2 @1100 qty 2 leaves 2 shows 2 r3 s3
            INDICATIVE i1 @1100 qty 2
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o2 p1 t1 @1100 qty 2 cum 2 of r2 s1 AUCTION UNSOLICITED
            FILL o3 p2 t1 @1100 qty 2 cum 2 of r3 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @1100 qty 2
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            TRIGGERED o1 @1100 of 3 leaves 3 of r1 s1 UNSOLICITED
            BOOKED o1 p3 @1100 of 3 leaves 3 shows 3 of r1
            EXPIRED o1 p3 @1100 qty 3 of r1 s1 UNSOLICITED DAY_END
            SETTLED @1100 value 2200 qty 2 open 2
            LIMITS_SET @1100 from 957 to 1243 qty 1
        """,
    )


def test_m211_limits_widen_day_by_day_and_a_turn_starts_again() -> None:
    """Locked up twice, then down, then free."""
    check(
        at(10, buy(ALPHA, "a1", 1, 1_100)),
        at(1_000, roll_product(1, DAY_2)),
        at(1_010, buy(ALPHA, "a2", 1, 1_243)),
        at(2_000, roll_product(1, DAY_3)),
        at(2_010, sell(ALPHA, "a3", 1, 1_057)),
        at(3_000, roll_product(1, DAY_4)),
        at(4_000, roll_product(1, DAY_4 + 1)),
        venue=one(product(1, ladder_bp=1_500, **LOCKING)),
        events="""
            ACCEPTED o1 p1 @1100 qty 1 leaves 1 shows 1 r1 s1
            EXPIRED o1 p1 @1100 qty 1 of r1 s1 UNSOLICITED DAY_END
            SETTLED @1100 LOCKED
            LIMITS_SET @1100 from 957 to 1243 qty 1
            ACCEPTED o2 p2 @1243 qty 1 leaves 1 shows 1 r2 s1
            EXPIRED o2 p2 @1243 qty 1 of r2 s1 UNSOLICITED DAY_END
            SETTLED @1243 LOCKED
            LIMITS_SET @1243 from 1057 to 1429 qty 2
            ACCEPTED o3 p3 @1057 qty 1 leaves 1 shows 1 r3 s1
            EXPIRED o3 p3 @1057 qty 1 of r3 s1 UNSOLICITED DAY_END
            SETTLED @1057 LOCKED
            LIMITS_SET @1057 from 920 to 1194 qty 1
            SETTLED @1057
            LIMITS_SET @1057 from 952 to 1162
        """,
    )


def test_m212_three_locked_days_suspend_the_fourth() -> None:
    check(
        at(10, sell(ALPHA, "a1", 1, 900)),
        at(1_000, roll_product(1, DAY_2)),
        at(1_010, sell(ALPHA, "a2", 1, 783)),
        at(2_000, roll_product(1, DAY_3)),
        at(2_010, sell(ALPHA, "a3", 1, 666)),
        at(3_000, roll_product(1, DAY_4)),
        at(3_010, sell(ALPHA, "a4", 1, 666)),
        at(3_020, set_phase(w.CONTINUOUS)),
        at(4_000, roll_product(1, DAY_4 + 1)),
        at(4_010, sell(ALPHA, "a5", 1, 567)),
        at(5_000, roll_product(1, DAY_4 + 2)),
        venue=one(product(1, ladder_bp=1_500, **LOCKING)),
        events="""
            ACCEPTED o1 p1 @900 qty 1 leaves 1 shows 1 r1 s1
            EXPIRED o1 p1 @900 qty 1 of r1 s1 UNSOLICITED DAY_END
            SETTLED @900 LOCKED
            LIMITS_SET @900 from 783 to 1017 qty 1
            ACCEPTED o2 p2 @783 qty 1 leaves 1 shows 1 r2 s1
            EXPIRED o2 p2 @783 qty 1 of r2 s1 UNSOLICITED DAY_END
            SETTLED @783 LOCKED
            LIMITS_SET @783 from 666 to 900 qty 2
            ACCEPTED o3 p3 @666 qty 1 leaves 1 shows 1 r3 s1
            EXPIRED o3 p3 @666 qty 1 of r3 s1 UNSOLICITED DAY_END
            SETTLED @666 LOCKED
            LIMITS_SET @666 from 567 to 765 qty 3
            PHASE_CHANGED i1 CLOSED from NONE LOCKED_DAYS
            REJECTED @666 qty 1 r4 s1 PHASE_TAKES_NO_ORDERS
            SETTLED @666
            LIMITS_SET @666 from 567 to 765 qty 4
            PHASE_CHANGED i1 NONE from CLOSED LOCKED_DAYS
            ACCEPTED o4 p4 @567 qty 1 leaves 1 shows 1 r5 s1
            EXPIRED o4 p4 @567 qty 1 of r5 s1 UNSOLICITED DAY_END
            SETTLED @567 LOCKED
            LIMITS_SET @567 from 494 to 640 qty 1
        """,
    )


def test_m212_the_last_trading_date_is_not_suspended() -> None:
    check(
        at(10, sell(ALPHA, "a1", 1, 900)),
        at(1_000, roll_product(1, DAY_2)),
        at(1_010, sell(ALPHA, "a2", 1, 783)),
        at(2_000, roll_product(1, DAY_3)),
        at(2_010, sell(ALPHA, "a3", 1, 666)),
        at(3_000, roll_product(1, DAY_4)),
        at(3_010, sell(ALPHA, "a4", 1, 567)),
        at(4_000, roll_product(1, DAY_4 + 1)),
        venue=one(
            product(1, ladder_bp=1_500, **LOCKING),
            instrument(1, 1, 1_000, last_trading_date=DAY_4),
        ),
        events="""
            ACCEPTED o1 p1 @900 qty 1 leaves 1 shows 1 r1 s1
            EXPIRED o1 p1 @900 qty 1 of r1 s1 UNSOLICITED DAY_END
            SETTLED @900 LOCKED
            LIMITS_SET @900 from 783 to 1017 qty 1
            ACCEPTED o2 p2 @783 qty 1 leaves 1 shows 1 r2 s1
            EXPIRED o2 p2 @783 qty 1 of r2 s1 UNSOLICITED DAY_END
            SETTLED @783 LOCKED
            LIMITS_SET @783 from 666 to 900 qty 2
            ACCEPTED o3 p3 @666 qty 1 leaves 1 shows 1 r3 s1
            EXPIRED o3 p3 @666 qty 1 of r3 s1 UNSOLICITED DAY_END
            SETTLED @666 LOCKED
            LIMITS_SET @666 from 567 to 765 qty 3
            ACCEPTED o4 p4 @567 qty 1 leaves 1 shows 1 r4 s1
            EXPIRED o4 p4 @567 qty 1 of r4 s1 UNSOLICITED INSTRUMENT_EXPIRED
            SETTLED @567 LOCKED
            INSTRUMENT_EXPIRED
        """,
    )
