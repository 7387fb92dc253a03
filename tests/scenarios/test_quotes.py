"""Scenarios of section 14: mass quotes, what refuses them, what they become (M-180 to M-183)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    TICK,
    account,
    buy,
    cancel,
    command,
    kill,
    mass_cancel,
    member,
    more_quote,
    product,
    quote,
    roll_day,
    roll_product,
    sell,
    session_lost,
    set_phase,
    usual_venue,
)
from tests.exchanges import small_limits
from tests.scenarios import check


def test_m180_a_message_is_as_many_commands_as_it_has_quotes() -> None:
    check(
        quote(ALPHA, "q", (5, 99), (6, 101)),
        more_quote(ALPHA, (7, 98), (8, 102), instrument=2),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 6 leaves 6 shows 6 of r1 QUOTE
            ACCEPTED o3 p3 @98 qty 7 leaves 7 shows 7 of r1 QUOTE
            ACCEPTED o4 p4 @102 qty 8 leaves 8 shows 8 of r1 QUOTE
        """,
    )


def test_m180_what_follows_another_message_is_nothing() -> None:
    """Of another session or member, or behind a quote cancel's row or none at all."""
    check(
        more_quote(ALPHA, (1, 99), (1, 101)),
        quote(ALPHA, "q", (0, 0), (0, 0)),
        more_quote(BRAVO, (1, 99), (1, 101)),
        more_quote(ALPHA_2, (1, 99), (1, 101)),
        more_quote(ALPHA, (1, 99), (1, 101)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
        """,
    )


def test_m181_a_message_refused_as_a_whole() -> None:
    venue = [*usual_venue(), member(1, requests_max=2)]
    check(
        quote(ALPHA, "q", (1, 99), (1, 101)),
        quote(ALPHA, "q", (2, 99), (2, 101)),
        more_quote(ALPHA, (1, 99), (1, 101), instrument=2),
        buy(ALPHA, "a", 1, 98),
        quote(ALPHA, "q2", (2, 99), (2, 101)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            QUOTE_REJECTED s1 DUPLICATE_CL_ORD_ID
            ACCEPTED o3 p3 @98 qty 1 leaves 1 shows 1 r2 s1
            QUOTE_REJECTED s1 REQUEST_ROWS_FULL
        """,
        venue=venue,
    )


def test_m181_a_refused_quote_says_which_it_was() -> None:
    """Its number and set come back; the quotes beside it are taken."""
    naive, _ = check(
        quote(ALPHA, "q", (1, 99), (1, 99), order_id=71, quote_set=5),
        more_quote(ALPHA, (1, 99), (1, 101), instrument=2),
        events="""
            QUOTES_TAKEN r1 s1
            QUOTE_REJECTED q71 set 5 i1 r1 s1 QUOTE_CROSSED
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
        """,
    )
    assert not naive.exchange.instruments[1].orders[w.BUY]


def test_m182_order_of_the_checks() -> None:
    """Each command repairs what the one before it was refused for."""
    bad = {"instrument": 9, "account": 9, "reason": 9}
    crossed = ((1_001, 0), (1, 0))
    check(
        kill(ALPHA),
        command(w.HALT, reason=7),
        quote(ALPHA, "q1", *crossed, **bad),
        command(w.RELEASE, member=1, session=0, reason=1),
        quote(ALPHA, "q2", *crossed, **bad),
        command(w.RESUME),
        quote(ALPHA, "q3", *crossed, **bad),
        quote(ALPHA, "q4", *crossed, **(bad | {"instrument": 1})),
        quote(ALPHA, "q5", *crossed, reason=9),
        set_phase(w.PHASE_HALTED),
        quote(ALPHA, "q6", *crossed),
        set_phase(w.CONTINUOUS),
        quote(ALPHA, "q7", *crossed),
        quote(ALPHA, "q8", (-1, 99), (1, 101)),
        quote(ALPHA, "q9", (1, 99), (-1, 101)),
        quote(ALPHA, "qa", (1, 99), (1_001, 101)),
        quote(ALPHA, "qb", (1, 120), (1, 120), price=99 * TICK + 1),
        quote(ALPHA, "qc", (1, 120), (1, 120)),
        quote(ALPHA, "qd", (1, 80), (1, 120)),
        quote(ALPHA, "qe", (1, 105), (1, 80)),
        quote(ALPHA, "qf", (1, 105), (1, 104)),
        events="""
            KILLED for 1
            HALTED VENUE_HALTED
            QUOTES_TAKEN r1 s1
            QUOTE_REJECTED q1 set 1 i9 r1 s1 KILLED
            RELEASED for 1
            QUOTES_TAKEN r2 s1
            QUOTE_REJECTED q1 set 1 i9 r2 s1 VENUE_HALTED
            RESUMED
            QUOTES_TAKEN r3 s1
            QUOTE_REJECTED q1 set 1 i9 r3 s1 UNKNOWN_INSTRUMENT
            QUOTES_TAKEN r4 s1
            QUOTE_REJECTED q1 set 1 i1 r4 s1 UNKNOWN_ACCOUNT
            QUOTES_TAKEN r5 s1
            QUOTE_REJECTED q1 set 1 i1 r5 s1 STALE_POSS_DUP
            PHASE_CHANGED i1 HALTED from NONE
            QUOTES_TAKEN r6 s1
            QUOTE_REJECTED q1 set 1 i1 r6 s1 PHASE_TAKES_NO_QUOTES
            PHASE_CHANGED i1 CONTINUOUS from HALTED
            QUOTES_TAKEN r7 s1
            QUOTE_REJECTED q1 set 1 i1 r7 s1 QUOTE_SIZE_INVALID
            QUOTES_TAKEN r8 s1
            QUOTE_REJECTED q1 set 1 i1 r8 s1 QUOTE_SIZE_INVALID
            QUOTES_TAKEN r9 s1
            QUOTE_REJECTED q1 set 1 i1 r9 s1 QUOTE_SIZE_INVALID
            QUOTES_TAKEN r10 s1
            QUOTE_REJECTED q1 set 1 i1 r10 s1 QUOTE_SIZE_INVALID
            QUOTES_TAKEN r11 s1
            QUOTE_REJECTED q1 set 1 i1 r11 s1 PRICE_OFF_TICK
            QUOTES_TAKEN r12 s1
            QUOTE_REJECTED q1 set 1 i1 r12 s1 PRICE_ABOVE_LIMIT
            QUOTES_TAKEN r13 s1
            QUOTE_REJECTED q1 set 1 i1 r13 s1 PRICE_BELOW_LIMIT
            QUOTES_TAKEN r14 s1
            QUOTE_REJECTED q1 set 1 i1 r14 s1 PRICE_BELOW_LIMIT
            QUOTES_TAKEN r15 s1
            QUOTE_REJECTED q1 set 1 i1 r15 s1 QUOTE_CROSSED
        """,
    )


def test_m182_bands_hold_for_both_sides() -> None:
    banded = product(1, features=w.PRICE_BANDS, static_band_ticks=3)
    check(
        quote(ALPHA, "q1", (1, 104), (1, 106)),
        quote(ALPHA, "q2", (1, 95), (1, 96)),
        quote(ALPHA, "q3", (1, 95), (1, 97)),
        events="""
            QUOTES_TAKEN r1 s1
            QUOTE_REJECTED q1 set 1 i1 r1 s1 PRICE_OUTSIDE_BAND
            QUOTES_TAKEN r2 s1
            QUOTE_REJECTED q1 set 1 i1 r2 s1 PRICE_OUTSIDE_BAND
            QUOTES_TAKEN r3 s1
            ACCEPTED o1 p1 @95 qty 1 leaves 1 shows 1 of r3 QUOTE
            ACCEPTED o2 p2 @97 qty 1 leaves 1 shows 1 of r3 QUOTE
        """,
        venue=[banded, *usual_venue()[1:]],
    )


def test_m182_risk_of_both_sides_without_the_quote_they_replace() -> None:
    """Open orders, both positions, the notional of a side, of both; then rows."""
    lots = TICK // 1_000 * 1_000  # notional of one lot at one tick
    loose = {"open_orders_max": 2, "position_long_max": 5, "position_short_max": 5}
    money = {"order_notional_max": 549 * lots, "open_notional_max": 1_000 * lots}
    check(
        account(1, 1, **(loose | {"open_orders_max": 1})),
        quote(ALPHA, "q1", (6, 99), (6, 101)),
        account(1, 1, **loose),
        quote(ALPHA, "q2", (6, 99), (6, 101)),
        quote(ALPHA, "q3", (5, 99), (6, 101)),
        quote(ALPHA, "q4", (5, 99), (5, 101)),
        quote(ALPHA, "q5", (5, 98), (5, 102)),
        account(1, 1, **(loose | money)),
        quote(ALPHA, "q6", (1, 90), (6, 110), display_qty=5),
        quote(ALPHA, "q7", (5, 98), (5, 105)),
        quote(ALPHA, "q8", (4, 100), (5, 109)),
        member(1, orders_max=1),
        quote(ALPHA, "q9", (0, 0), (5, 109)),
        quote(ALPHA, "qa", (1, 100), (5, 109)),
        events="""
            ACCOUNT_SET
            QUOTES_TAKEN r1 s1
            QUOTE_REJECTED q1 set 1 i1 r1 s1 OPEN_ORDERS_MAX
            ACCOUNT_SET
            QUOTES_TAKEN r2 s1
            QUOTE_REJECTED q1 set 1 i1 r2 s1 POSITION_LONG_MAX
            QUOTES_TAKEN r3 s1
            QUOTE_REJECTED q1 set 1 i1 r3 s1 POSITION_SHORT_MAX
            QUOTES_TAKEN r4 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r4 QUOTE
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 of r4 QUOTE
            QUOTES_TAKEN r5 s1
            REPLACED o1 p3 @98 qty 5 leaves 5 shows 5 of r5 QUOTE
            REPLACED o2 p4 @102 qty 5 leaves 5 shows 5 of r5 QUOTE
            ACCOUNT_SET
            QUOTES_TAKEN r6 s1
            QUOTE_REJECTED q1 set 1 i1 r6 s1 ORDER_NOTIONAL_MAX
            QUOTES_TAKEN r7 s1
            QUOTE_REJECTED q1 set 1 i1 r7 s1 OPEN_NOTIONAL_MAX
            QUOTES_TAKEN r8 s1
            REPLACED o1 p5 @100 qty 4 leaves 4 shows 4 of r8 QUOTE
            REPLACED o2 p6 @109 qty 5 leaves 5 shows 5 of r8 QUOTE
            MEMBER_SET
            QUOTES_TAKEN r9 s1
            CANCELLED o1 p5 @100 qty 4 of r8 QUOTE QUOTE_CANCELLED
            REPLACED o2 p6 @109 qty 5 leaves 5 shows 5 of r9 KEPT_PLACE QUOTE
            QUOTES_TAKEN r10 s1
            QUOTE_REJECTED q1 set 1 i1 r10 s1 ORDERS_FULL
        """,
    )


def test_m182_the_pool_is_full() -> None:
    check(
        quote(ALPHA, "q1", (1, 99), (1, 101)),
        buy(BRAVO, "b", 1, 98),
        quote(ALPHA, "q2", (1, 99), (1, 101), instrument=2),
        quote(ALPHA, "q3", (1, 98), (2, 101)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o3 p3 @98 qty 1 leaves 1 shows 1 r2 s3
            QUOTES_TAKEN r3 s1
            QUOTE_REJECTED q1 set 1 i2 r3 s1 ORDERS_FULL
            QUOTES_TAKEN r4 s1
            REPLACED o1 p4 @98 qty 1 leaves 1 shows 1 of r4 QUOTE
            REPLACED o2 p5 @101 qty 2 leaves 2 shows 2 of r4 QUOTE
        """,
        limits=small_limits(orders_max=4),
    )


def test_m183_a_side_is_an_order_that_opens() -> None:
    """In a gross product both sides open; no cancel or replace names a quote by its QuoteID."""
    _, engine = check(
        quote(ALPHA, "q", (5, 99), (6, 101), instrument=3),
        buy(BRAVO, "b", 2, 101, instrument=3, position_effect=w.OPEN),
        sell(BRAVO, "s", 3, 99, instrument=3, position_effect=w.OPEN),
        cancel(ALPHA, "c", "q", instrument=3),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 6 leaves 6 shows 6 of r1 QUOTE
            ACCEPTED o3 @101 qty 2 leaves 2 r2 s3
            FILL o3 t1 @101 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o2 p2 t1 @101 qty 2 of 6 leaves 4 cum 2 shows 4 of r1 s1 UNSOLICITED
            ACCEPTED o4 @99 qty 3 leaves 3 r3 s3
            FILL o4 t2 @99 qty 3 cum 3 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @99 qty 3 of 5 leaves 2 cum 3 shows 2 of r1 s1 UNSOLICITED
            CANCEL_REJECTED r4 of r1 s1 UNKNOWN_ORDER
        """,
    )
    assert engine.engine.buckets(1, 3)["long_today"] == 3
    assert engine.engine.buckets(1, 3)["short_today"] == 2


def test_m183_orders_end_quotes_as_any_other() -> None:
    """A mass cancel, a lost session, a kill and the roll take them off, told to their session."""
    check(
        quote(ALPHA, "q1", (1, 99), (0, 0)),
        mass_cancel(ALPHA, "m", w.SCOPE_MEMBER),
        quote(ALPHA, "q2", (2, 99), (0, 0)),
        session_lost(ALPHA),
        quote(ALPHA, "q3", (3, 99), (0, 0)),
        roll_product(1, DAY_2),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            CANCELLED o1 p1 @99 qty 1 of r1 s1 UNSOLICITED MASS_CANCEL
            MASS_CANCELLED qty 1 r2 s1
            QUOTES_TAKEN r3 s1
            ACCEPTED o2 p2 @99 qty 2 leaves 2 shows 2 of r3 QUOTE
            CANCELLED o2 p2 @99 qty 2 of r3 s1 UNSOLICITED SESSION_LOST
            QUOTES_TAKEN r4 s1
            ACCEPTED o3 p3 @99 qty 3 leaves 3 shows 3 of r4 QUOTE
            EXPIRED o3 p3 @99 qty 3 of r4 s1 UNSOLICITED DAY_END
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
            SETTLED @100
            LIMITS_SET @100 from 90 to 110
        """,
    )


def test_m183_a_request_that_many_name_is_copied_once_at_the_roll() -> None:
    _, engine = check(
        quote(ALPHA, "q", (1, 99), (1, 101)),
        buy(BRAVO, "b", 1, 98),
        more_quote(ALPHA, (1, 99), (1, 101), instrument=2),
        roll_day(DAY_2),
        more_quote(ALPHA, (1, 99), (1, 101), instrument=2),
        buy(CHARLIE, "c", 1, 101, instrument=2),
        quote(ALPHA, "q", (1, 99), (1, 101)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o3 p3 @98 qty 1 leaves 1 shows 1 r2 s3
            ACCEPTED o4 p4 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o5 p5 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            DAY_ROLLED
            ACCEPTED o6 @101 qty 1 leaves 1 r3 s4
            FILL o6 t1 @101 qty 1 cum 1 r3 s4 AGGRESSOR
            FILL o5 p5 t1 @101 qty 1 cum 1 of r1 s1 UNSOLICITED
            QUOTE_REJECTED s1 DUPLICATE_CL_ORD_ID
        """,
    )
    assert engine.engine.request_count == 3
