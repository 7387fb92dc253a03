"""Scenarios of block trades (M-224 to M-228)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    SECOND,
    START_NS,
    TICK,
    account,
    block,
    bust,
    buy,
    correct,
    instrument,
    kill,
    product,
    roll_day,
    roll_product,
    sell,
    set_phase,
    spread,
    stop,
    usual_venue,
)
from tests.scenarios import check

BOUGHT = block(ALPHA, "a1", w.BUY, 10, 103, BRAVO)
SOLD = block(BRAVO, "b1", w.SELL, 10, 103, ALPHA)


def test_m227_two_reports_make_a_trade_that_the_book_never_sees() -> None:
    naive, engine = check(
        stop(CHARLIE, "w1", w.BUY, 1, 102),
        sell(CHARLIE, "c1", 5, 101),
        BOUGHT,
        SOLD,
        stop(CHARLIE, "w2", w.BUY, 1, 102),
        sell(CHARLIE, "c2", 2, 101),
        buy(ALPHA_2, "a2", 1, 101),
        roll_product(1, DAY_2),
        events="""
            ACCEPTED o1 @102 qty 1 leaves 1 r1 s4
            ACCEPTED o2 p1 @101 qty 5 leaves 5 shows 5 r2 s4
            BLOCK_REPORTED @103 qty 10 r3 s1
            BLOCK_TRADED t1 @103 qty 10 cum 10 r4 s3
            BLOCK_TRADED t1 @103 qty 10 cum 10 of r3 s1 UNSOLICITED
            ACCEPTED o3 @102 qty 1 leaves 1 r5 s4
            ACCEPTED o4 p2 @101 qty 2 leaves 2 shows 2 r6 s4
            ACCEPTED o5 @101 qty 1 leaves 1 r7 s2
            FILL o5 t2 @101 qty 1 cum 1 r7 s2 AGGRESSOR
            FILL o2 p1 t2 @101 qty 1 of 5 leaves 4 cum 1 shows 4 of r2 s4 UNSOLICITED
            EXPIRED o1 @102 qty 1 of r1 s4 UNSOLICITED DAY_END
            EXPIRED o2 p1 @101 qty 4 of 5 cum 1 of r2 s4 UNSOLICITED DAY_END
            EXPIRED o3 @102 qty 1 of r5 s4 UNSOLICITED DAY_END
            EXPIRED o4 p2 @101 qty 2 of r6 s4 UNSOLICITED DAY_END
            SETTLED @101 value 1131 qty 11 open 11
            LIMITS_SET @101 from 91 to 111
            SETTLED @101 NEIGHBOUR
            LIMITS_SET @101 from 91 to 111
        """,
    )
    held = [engine.engine.position(who.account, 1) for who in (ALPHA, BRAVO)]
    assert held == [naive.exchange.position(who.account, 1) for who in (ALPHA, BRAVO)] == [10, -10]


def test_m227_the_last_trade_and_the_range_of_the_date_stay() -> None:
    opens = {"instrument": 3, "position_effect": w.OPEN}
    naive, engine = check(
        sell(CHARLIE, "c1", 1, 101) | opens,
        buy(ALPHA, "a0", 1, 101) | opens,
        BOUGHT | opens,
        SOLD | opens,
        events="""
            ACCEPTED o1 p1 @101 qty 1 leaves 1 shows 1 r1 s4
            ACCEPTED o2 @101 qty 1 leaves 1 r2 s1
            FILL o2 t1 @101 qty 1 cum 1 r2 s1 AGGRESSOR
            FILL o1 p1 t1 @101 qty 1 cum 1 of r1 s4 UNSOLICITED
            BLOCK_REPORTED @103 qty 10 r3 s1
            BLOCK_TRADED t2 @103 qty 10 cum 10 r4 s3
            BLOCK_TRADED t2 @103 qty 10 cum 10 of r3 s1 UNSOLICITED
        """,
    )
    told = engine.engine.tables().instruments[3]
    assert {int(told[name]) for name in ("last", "day_high", "day_low")} == {101 * TICK}
    assert naive.exchange.instruments[3].last == 101 * TICK


def test_m224_a_report_waits_for_its_link_id_and_member() -> None:
    check(
        BOUGHT,
        block(BRAVO, "b0", w.SELL, 10, 103, ALPHA, link="M"),
        block(BRAVO, "b2", w.SELL, 10, 103, CHARLIE),
        block(CHARLIE, "c1", w.SELL, 10, 103, ALPHA),
        SOLD,
        SOLD | {"cl_ord_id": (9, 9, 9)},
        BOUGHT,
        events="""
            BLOCK_REPORTED @103 qty 10 r1 s1
            BLOCK_REPORTED @103 qty 10 r2 s3
            BLOCK_REPORTED @103 qty 10 r3 s3
            BLOCK_REPORTED @103 qty 10 r4 s4
            BLOCK_TRADED t1 @103 qty 10 cum 10 r5 s3
            BLOCK_TRADED t1 @103 qty 10 cum 10 of r1 s1 UNSOLICITED
            BLOCK_REPORTED @103 qty 10 r6 s3
            BLOCK_REPORTED @103 qty 10 s1 DUPLICATE_CL_ORD_ID
        """,
    )


def test_m224_a_report_waits_so_long_and_for_its_trading_date() -> None:
    at = START_NS + SECOND
    check(
        BOUGHT | {"time_ns": at},
        SOLD | {"time_ns": at + 900 * SECOND},
        block(ALPHA, "a2", w.BUY, 10, 103, BRAVO, link="K") | {"time_ns": at + 900 * SECOND},
        block(BRAVO, "b2", w.SELL, 10, 103, ALPHA, link="K") | {"time_ns": at + 1_800 * SECOND - 1},
        block(ALPHA, "a3", w.BUY, 10, 103, BRAVO, link="J"),
        roll_product(1, DAY_2),
        block(BRAVO, "b3", w.SELL, 10, 103, ALPHA, link="J"),
        block(BRAVO, "b4", w.SELL, 10, 103, ALPHA, link="I"),
        roll_day(DAY_2),
        block(ALPHA, "a4", w.BUY, 10, 103, BRAVO, link="I"),
        events="""
            BLOCK_REPORTED @103 qty 10 r1 s1
            BLOCK_REPORTED @103 qty 10 r2 s3
            BLOCK_REPORTED @103 qty 10 r3 s1
            BLOCK_TRADED t1 @103 qty 10 cum 10 r4 s3
            BLOCK_TRADED t1 @103 qty 10 cum 10 of r3 s1 UNSOLICITED
            BLOCK_REPORTED @103 qty 10 r5 s1
            SETTLED @100 value 1030 qty 10 open 10
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            BLOCK_REPORTED @103 qty 10 r6 s3
            BLOCK_REPORTED @103 qty 10 r7 s3
            DAY_ROLLED
            BLOCK_REPORTED @103 qty 10 r1 s1
        """,
    )


def test_m224_sixteen_reports_of_a_member_wait() -> None:
    made = [block(ALPHA, f"a{at}", w.BUY, 10, 100, BRAVO, link=f"{at}") for at in range(17)]
    check(
        *made,
        block(BRAVO, "b", w.SELL, 10, 100, ALPHA, link="3"),
        made[16],
        events="""
            BLOCK_REPORTED @100 qty 10 r1 s1
            BLOCK_REPORTED @100 qty 10 r2 s1
            BLOCK_REPORTED @100 qty 10 r3 s1
            BLOCK_REPORTED @100 qty 10 r4 s1
            BLOCK_REPORTED @100 qty 10 r5 s1
            BLOCK_REPORTED @100 qty 10 r6 s1
            BLOCK_REPORTED @100 qty 10 r7 s1
            BLOCK_REPORTED @100 qty 10 r8 s1
            BLOCK_REPORTED @100 qty 10 r9 s1
            BLOCK_REPORTED @100 qty 10 r10 s1
            BLOCK_REPORTED @100 qty 10 r11 s1
            BLOCK_REPORTED @100 qty 10 r12 s1
            BLOCK_REPORTED @100 qty 10 r13 s1
            BLOCK_REPORTED @100 qty 10 r14 s1
            BLOCK_REPORTED @100 qty 10 r15 s1
            BLOCK_REPORTED @100 qty 10 r16 s1
            BLOCK_REPORTED @100 qty 10 r17 s1 ORDERS_FULL
            BLOCK_TRADED t1 @100 qty 10 cum 10 r18 s3
            BLOCK_TRADED t1 @100 qty 10 cum 10 of r4 s1 UNSOLICITED
            BLOCK_REPORTED @100 qty 10 s1 DUPLICATE_CL_ORD_ID
        """,
    )


def test_m225_what_speaks_against_a_report() -> None:
    check(
        BOUGHT | {"instrument": 9},
        BOUGHT | {"cl_ord_id": (1, 0, 0), "account": BRAVO.account},
        BOUGHT | {"cl_ord_id": (2, 0, 0), "side": 53},
        block(ALPHA, "a2", w.BUY, 7, 103, BRAVO),
        block(ALPHA, "a3", w.BUY, 1_001, 103, BRAVO),
        block(ALPHA, "a4", w.BUY, 10, 106, BRAVO),
        block(ALPHA, "a5", w.BUY, 10, 105, BRAVO),
        block(ALPHA, "a6", w.BUY, 10, 111, BRAVO),
        block(ALPHA, "a7", w.BUY, 10, 89, BRAVO),
        block(ALPHA, "a8", w.BUY, 10, 100, BRAVO, price=100 * TICK + 1_000),
        block(ALPHA, "a9", w.BUY, 10, 100, ALPHA_2),
        BOUGHT | {"cl_ord_id": (3, 0, 0), "self_match_id": 9},
        block(ALPHA, "b1", w.BUY, 10, 100, BRAVO, instrument=3),
        block(ALPHA, "b2", w.BUY, 10, 100, BRAVO, instrument=3, position_effect=w.CLOSE_TODAY),
        account(ALPHA.account, ALPHA.member, position_long_max=9),
        block(ALPHA, "b3", w.BUY, 10, 100, BRAVO),
        set_phase(w.CLOSED, instrument=2),
        block(ALPHA, "b4", w.BUY, 10, 100, BRAVO, instrument=2),
        kill(ALPHA),
        block(ALPHA, "b5", w.BUY, 10, 100, BRAVO),
        events="""
            BLOCK_REPORTED @103 qty 10 r1 s1 UNKNOWN_INSTRUMENT
            BLOCK_REPORTED @103 qty 10 r2 s1 UNKNOWN_ACCOUNT
            BLOCK_REPORTED @103 qty 10 r3 s1 SIDE_INVALID
            BLOCK_REPORTED @103 qty 7 r4 s1 BLOCK_QTY_TOO_SMALL
            BLOCK_REPORTED @103 qty 1001 r5 s1 QTY_ABOVE_MAX
            BLOCK_REPORTED @106 qty 10 r6 s1 BLOCK_PRICE_OUT_OF_RANGE
            BLOCK_REPORTED @105 qty 10 r7 s1
            BLOCK_REPORTED @111 qty 10 r8 s1 PRICE_ABOVE_LIMIT
            BLOCK_REPORTED @89 qty 10 r9 s1 PRICE_BELOW_LIMIT
            BLOCK_REPORTED @100 qty 10 r10 s1 PRICE_OFF_TICK
            BLOCK_REPORTED @100 qty 10 r11 s1 BLOCK_SIDES_DIFFER
            BLOCK_REPORTED @103 qty 10 r12 s1 BLOCK_SIDES_DIFFER
            BLOCK_REPORTED @100 qty 10 r13 s1 POSITION_EFFECT_REQUIRED
            BLOCK_REPORTED @100 qty 10 r14 s1 CLOSE_EXCEEDS_POSITION
            ACCOUNT_SET
            BLOCK_REPORTED @100 qty 10 r15 s1 POSITION_LONG_MAX
            PHASE_CHANGED i2 CLOSED from NONE
            BLOCK_REPORTED @100 qty 10 r16 s1 PHASE_TAKES_NO_ORDERS
            KILLED for 1
            BLOCK_REPORTED @100 qty 10 r17 s1 KILLED
        """,
    )


def test_m225_spreads_and_products_without_blocks() -> None:
    calendar = spread(4, 1, 1, 2, ticks=1, last_trading_date=DAY_2)
    none = product(4, block_qty_min=0)
    free = product(5, block_range_ticks=0)
    check(
        block(ALPHA, "a1", w.BUY, 10, 1, BRAVO, instrument=4),
        block(ALPHA, "a2", w.BUY, 10, 100, BRAVO, instrument=5),
        block(ALPHA, "a3", w.BUY, 10, 110, BRAVO, instrument=6),
        events="""
            BLOCK_REPORTED @1 qty 10 r1 s1 BLOCK_NOT_TAKEN
            BLOCK_REPORTED @100 qty 10 r2 s1 BLOCK_NOT_TAKEN
            BLOCK_REPORTED @110 qty 10 r3 s1
        """,
        venue=[*usual_venue(), calendar, none, instrument(5, 4), free, instrument(6, 5)],
    )


def test_m226_sides_that_differ() -> None:
    check(
        BOUGHT,
        block(BRAVO, "b2", w.SELL, 11, 103, ALPHA),
        block(BRAVO, "b3", w.SELL, 10, 102, ALPHA),
        block(BRAVO, "b4", w.BUY, 10, 103, ALPHA),
        block(BRAVO, "b5", w.SELL, 10, 103, ALPHA, instrument=2),
        SOLD,
        events="""
            BLOCK_REPORTED @103 qty 10 r1 s1
            BLOCK_REPORTED @103 qty 11 r2 s3 BLOCK_SIDES_DIFFER
            BLOCK_REPORTED @102 qty 10 r3 s3 BLOCK_SIDES_DIFFER
            BLOCK_REPORTED @103 qty 10 r4 s3 BLOCK_SIDES_DIFFER
            BLOCK_REPORTED @103 qty 10 r5 s3 BLOCK_SIDES_DIFFER
            BLOCK_TRADED t1 @103 qty 10 cum 10 r6 s3
            BLOCK_TRADED t1 @103 qty 10 cum 10 of r1 s1 UNSOLICITED
        """,
    )


def test_m226_the_side_that_waited_no_longer_may() -> None:
    check(
        BOUGHT,
        account(ALPHA.account, ALPHA.member, position_long_max=9),
        SOLD,
        block(BRAVO, "b2", w.SELL, 10, 103, ALPHA),
        kill(BRAVO),
        block(ALPHA_2, "a2", w.BUY, 10, 103, BRAVO),
        events="""
            BLOCK_REPORTED @103 qty 10 r1 s1
            ACCOUNT_SET
            BLOCK_REPORTED @103 qty 10 of r1 s1 UNSOLICITED POSITION_LONG_MAX
            BLOCK_REPORTED @103 qty 10 r2 s3 BLOCK_SIDES_DIFFER
            BLOCK_REPORTED @103 qty 10 r3 s3
            KILLED for 1
            BLOCK_REPORTED @103 qty 10 of r3 s3 UNSOLICITED KILLED
            BLOCK_REPORTED @103 qty 10 r4 s2 BLOCK_SIDES_DIFFER
        """,
    )


def test_m228_a_block_is_corrected_and_busted() -> None:
    naive, engine = check(
        BOUGHT,
        SOLD,
        block(ALPHA, "a2", w.BUY, 8, 101, BRAVO),
        block(BRAVO, "b2", w.SELL, 8, 101, ALPHA),
        correct(1, 104),
        bust(1),
        correct(2, 99),
        roll_product(1, DAY_2),
        events="""
            BLOCK_REPORTED @103 qty 10 r1 s1
            BLOCK_TRADED t1 @103 qty 10 cum 10 r2 s3
            BLOCK_TRADED t1 @103 qty 10 cum 10 of r1 s1 UNSOLICITED
            BLOCK_REPORTED @101 qty 8 r3 s1
            BLOCK_TRADED t2 @101 qty 8 cum 8 r4 s3
            BLOCK_TRADED t2 @101 qty 8 cum 8 of r3 s1 UNSOLICITED
            TRADE_CORRECTED e21 t1 @104 was @103 qty 10 cum 10 of r2 s3 UNSOLICITED
            TRADE_CORRECTED e22 t1 @104 was @103 qty 10 cum 10 of r1 s1 UNSOLICITED
            TRADE_BUSTED e26 t1 @104 qty 10 of r2 s3 UNSOLICITED
            TRADE_BUSTED e27 t1 @104 qty 10 of r1 s1 UNSOLICITED
            TRADE_CORRECTED e24 t2 @99 was @101 qty 8 cum 8 of r4 s3 UNSOLICITED
            TRADE_CORRECTED e25 t2 @99 was @101 qty 8 cum 8 of r3 s1 UNSOLICITED
            SETTLED @100 value 792 qty 8 open 8
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
        """,
    )
    assert (
        engine.engine.position(ALPHA.account, 1) == naive.exchange.position(ALPHA.account, 1) == 8
    )


def test_m227_the_settlement_window_is_without_blocks() -> None:
    window = product(1, features=ALL_FEATURES | w.SETTLE_WINDOW, settle_window_seconds=10)
    check(
        sell(CHARLIE, "c1", 1, 100),
        buy(ALPHA, "a0", 1, 100),
        BOUGHT,
        SOLD,
        roll_product(1, DAY_2),
        events="""
            ACCEPTED o1 p1 @100 qty 1 leaves 1 shows 1 r1 s4
            ACCEPTED o2 @100 qty 1 leaves 1 r2 s1
            FILL o2 t1 @100 qty 1 cum 1 r2 s1 AGGRESSOR
            FILL o1 p1 t1 @100 qty 1 cum 1 of r1 s4 UNSOLICITED
            BLOCK_REPORTED @103 qty 10 r3 s1
            BLOCK_TRADED t2 @103 qty 10 cum 10 r4 s3
            BLOCK_TRADED t2 @103 qty 10 cum 10 of r3 s1 UNSOLICITED
            SETTLED @100 value 1130 qty 11 open 11
            LIMITS_SET @100 from 90 to 110
            SETTLED @100 NEIGHBOUR
            LIMITS_SET @100 from 90 to 110
        """,
        venue=[window, *usual_venue()[1:]],
    )
