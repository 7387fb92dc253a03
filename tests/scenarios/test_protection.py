"""Scenarios of section 14: the protection of market makers' quotes (M-187 to M-189)."""

from __future__ import annotations

import pytest

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    SECOND,
    START_NS,
    account,
    buy,
    more_quote,
    number,
    quote,
    sell,
    set_phase,
    stop,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.scenarios import check

WINDOW = {"quote_window_ms": 1_600}  # slices of 100 ms
MS = 1_000_000


def protected(**limits: int) -> list[dict]:
    """The usual venue with a window for ALPHA's first account."""
    return [*usual_venue(), account(1, 1, **(WINDOW | limits))]


def at(one: dict, ms: int) -> dict:
    """A command so many milliseconds after a second that begins a slice."""
    return one | {"time_ns": START_NS + 10 * SECOND + ms * MS}


def test_m187_executions_in_the_window_take_all_quotes_off() -> None:
    """Of all instruments of the account; its orders and other accounts' quotes stay."""
    check(
        quote(ALPHA, "q", (9, 99), (9, 101)),
        more_quote(ALPHA, (5, 99), (0, 0), instrument=2),
        quote(ALPHA_2, "r", (4, 98), (0, 0)),
        buy(ALPHA, "a", 3, 97),
        at(buy(BRAVO, "b1", 1, 101), 0),
        at(sell(BRAVO, "b2", 1, 99), 0),
        at(quote(ALPHA, "q2", (1, 99), (1, 101)), 1),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 9 leaves 9 shows 9 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 9 leaves 9 shows 9 of r1 QUOTE
            ACCEPTED o3 p3 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            QUOTES_TAKEN r2 s2
            ACCEPTED o4 p4 @98 qty 4 leaves 4 shows 4 of r2 QUOTE
            ACCEPTED o5 p5 @97 qty 3 leaves 3 shows 3 r3 s1
            ACCEPTED o6 @101 qty 1 leaves 1 r4 s3
            FILL o6 t1 @101 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o2 p2 t1 @101 qty 1 of 9 leaves 8 cum 1 shows 8 of r1 s1 UNSOLICITED
            ACCEPTED o7 @99 qty 1 leaves 1 r5 s3
            FILL o7 t2 @99 qty 1 cum 1 r5 s3 AGGRESSOR
            FILL o1 p1 t2 @99 qty 1 of 9 leaves 8 cum 1 shows 8 of r1 s1 UNSOLICITED
            QUOTES_PULLED a1
            CANCELLED o1 p1 @99 qty 8 of 9 cum 1 of r1 s1 UNSOLICITED PROTECTION
            CANCELLED o2 p2 @101 qty 8 of 9 cum 1 of r1 s1 UNSOLICITED PROTECTION
            CANCELLED o3 p3 @99 qty 5 of r1 s1 UNSOLICITED PROTECTION
            QUOTES_TAKEN r6 s1
            QUOTE_REJECTED q1 set 1 i1 r6 s1 QUOTES_PULLED
        """,
        venue=protected(quote_executions_max=2),
    )


@pytest.mark.parametrize(
    ("limits", "hits", "pulled"),
    [
        ({"quote_executions_max": 2}, [(0, w.BUY, 1), (1_599, w.BUY, 1)], True),
        ({"quote_executions_max": 2}, [(0, w.BUY, 1), (1_600, w.BUY, 1)], False),
        ({"quote_executions_max": 2}, [(99, w.BUY, 1), (1_600, w.BUY, 1)], False),
        ({"quote_executions_max": 3}, [(0, w.BUY, 1), (1, w.SELL, 1)], False),
        ({"quote_qty_max": 5}, [(0, w.BUY, 3), (1, w.SELL, 2)], True),
        ({"quote_qty_max": 6}, [(0, w.BUY, 3), (1, w.SELL, 2)], False),
        ({"quote_delta_max": 5}, [(0, w.BUY, 3), (1, w.BUY, 2)], True),
        ({"quote_delta_max": 5}, [(0, w.SELL, 3), (1, w.SELL, 2)], True),
        ({"quote_delta_max": 3}, [(0, w.SELL, 2), (1, w.BUY, 2), (2, w.SELL, 2)], False),
        ({}, [(0, w.BUY, 9)], False),
        ({"quote_window_ms": 0, "quote_executions_max": 1}, [(0, w.BUY, 9)], False),
        ({"quote_executions_max": 1}, [], False),
    ],
)
def test_m187_what_counts_in_the_window(limits: dict, hits: list, pulled: bool) -> None:
    """Slices of a sixteenth of the window: the one of the fill and the fifteen before it."""
    commands = [quote(ALPHA, "q", (9, 99), (9, 101)), buy(ALPHA, "own", 5, 98)]
    for place, (ms, side, qty) in enumerate(hits):
        made = (
            buy(BRAVO, f"b{place}", qty, 101)
            if side == w.BUY
            else sell(BRAVO, f"b{place}", qty, 99)
        )
        commands.append(at(made, ms))
    done = number([*protected(**limits), *commands])
    kinds = [event["kind"] for event in EngineVenue().run(done)]
    assert (w.QUOTES_PULLED in kinds) == pulled


def test_m187_a_quote_that_comes_in_counts_too() -> None:
    check(
        sell(BRAVO, "s", 4, 101),
        quote(ALPHA, "q", (4, 101), (4, 102)),
        events="""
            ACCEPTED o1 p1 @101 qty 4 leaves 4 shows 4 r1 s3
            QUOTES_TAKEN r2 s1
            ACCEPTED o2 p2 @102 qty 4 leaves 4 shows 4 of r2 QUOTE
            ACCEPTED o3 @101 qty 4 leaves 4 of r2 QUOTE
            FILL o3 t1 @101 qty 4 cum 4 of r2 s1 AGGRESSOR UNSOLICITED
            FILL o1 p1 t1 @101 qty 4 cum 4 of r1 s3 UNSOLICITED
            QUOTES_PULLED a1
            CANCELLED o2 p2 @102 qty 4 of r2 s1 UNSOLICITED PROTECTION
        """,
        venue=protected(quote_delta_max=4),
    )


def test_m188_a_command_trades_to_its_end_and_stops_wait_for_it() -> None:
    """Two makers are hit in one sweep: by account, then the stop order that was reached."""
    both = [*protected(quote_qty_max=2), account(4, 3, **(WINDOW | {"quote_qty_max": 1}))]
    check(
        quote(CHARLIE, "c", (0, 0), (1, 101)),
        quote(ALPHA, "q", (7, 99), (2, 102)),
        stop(BRAVO, "w", w.BUY, 1, 102, ticks=103),
        buy(BRAVO, "b", 3, 102),
        events="""
            QUOTES_TAKEN r1 s4
            ACCEPTED o1 p1 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            QUOTES_TAKEN r2 s1
            ACCEPTED o2 p2 @99 qty 7 leaves 7 shows 7 of r2 QUOTE
            ACCEPTED o3 p3 @102 qty 2 leaves 2 shows 2 of r2 QUOTE
            ACCEPTED o4 @103 qty 1 leaves 1 r3 s3
            ACCEPTED o5 @102 qty 3 leaves 3 r4 s3
            FILL o5 t1 @101 qty 1 of 3 leaves 2 cum 1 r4 s3 AGGRESSOR
            FILL o1 p1 t1 @101 qty 1 cum 1 of r1 s4 UNSOLICITED
            FILL o5 t2 @102 qty 2 of 3 cum 3 r4 s3 AGGRESSOR
            FILL o3 p3 t2 @102 qty 2 cum 2 of r2 s1 UNSOLICITED
            QUOTES_PULLED a1
            CANCELLED o2 p2 @99 qty 7 of r2 s1 UNSOLICITED PROTECTION
            QUOTES_PULLED a4
            TRIGGERED o4 @103 of 1 leaves 1 of r3 s3 UNSOLICITED
            BOOKED o4 p4 @103 of 1 leaves 1 shows 1 of r3
        """,
        venue=both,
    )


def test_m188_between_stop_orders() -> None:
    """A stop order's trade takes the quotes off before the next stop order meets them."""
    check(
        quote(ALPHA, "q", (0, 0), (5, 103)),
        stop(BRAVO, "w1", w.BUY, 1, 101, ticks=103),
        stop(BRAVO, "w2", w.BUY, 1, 101, ticks=103),
        sell(CHARLIE, "s", 1, 101),
        buy(BRAVO, "b", 1, 101),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @103 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o2 @103 qty 1 leaves 1 r2 s3
            ACCEPTED o3 @103 qty 1 leaves 1 r3 s3
            ACCEPTED o4 p2 @101 qty 1 leaves 1 shows 1 r4 s4
            ACCEPTED o5 @101 qty 1 leaves 1 r5 s3
            FILL o5 t1 @101 qty 1 cum 1 r5 s3 AGGRESSOR
            FILL o4 p2 t1 @101 qty 1 cum 1 of r4 s4 UNSOLICITED
            TRIGGERED o2 @103 of 1 leaves 1 of r2 s3 UNSOLICITED
            FILL o2 t2 @103 qty 1 cum 1 of r2 s3 AGGRESSOR UNSOLICITED
            FILL o1 p1 t2 @103 qty 1 of 5 leaves 4 cum 1 shows 4 of r1 s1 UNSOLICITED
            QUOTES_PULLED a1
            CANCELLED o1 p1 @103 qty 4 of 5 cum 1 of r1 s1 UNSOLICITED PROTECTION
            TRIGGERED o3 @103 of 1 leaves 1 of r3 s3 UNSOLICITED
            BOOKED o3 p3 @103 of 1 leaves 1 shows 1 of r3
        """,
        venue=protected(quote_executions_max=1),
    )


def test_m188_an_uncross_counts() -> None:
    check(
        quote(ALPHA, "q", (5, 99), (5, 101)),
        set_phase(w.VOLATILITY_PAUSE),
        sell(BRAVO, "s", 2, 99),
        set_phase(w.CONTINUOUS),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 of r1 QUOTE
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE
            ACCEPTED o3 p3 @99 qty 2 leaves 2 shows 2 r2 s3
            INDICATIVE i1 @99 qty 2 surplus 3
            PHASE_CHANGED i1 AUCTION_MATCH from VOLATILITY_PAUSE
            FILL o1 p1 t1 @99 qty 2 of 5 leaves 3 cum 2 shows 3 of r1 s1 AUCTION UNSOLICITED
            FILL o3 p3 t1 @99 qty 2 cum 2 of r2 s3 AUCTION UNSOLICITED
            UNCROSSED i1 @99 qty 2 surplus 3
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            QUOTES_PULLED a1
            CANCELLED o1 p1 @99 qty 3 of 5 cum 2 of r1 s1 UNSOLICITED PROTECTION
            CANCELLED o2 p2 @101 qty 5 of r1 s1 UNSOLICITED PROTECTION
        """,
        venue=protected(quote_executions_max=1),
    )


def test_m189_a_reset_begins_the_window_anew() -> None:
    """Its quotes are taken; without a reset, or for another account, they are not."""
    reset = {"scope": w.FIRST_QUOTE | w.RESET_QUOTES}
    check(
        quote(ALPHA, "q1", (9, 99), (0, 0)),
        sell(BRAVO, "s1", 2, 99),
        quote(ALPHA, "q2", (0, 0), (0, 0), account=2, **reset),
        quote(BRAVO, "q3", (0, 0), (0, 0), account=1, **reset),
        quote(ALPHA, "q1", (0, 0), (0, 0), **reset),
        quote(ALPHA, "q4", (9, 99), (0, 0)),
        quote(ALPHA, "q5", (8, 99), (0, 0), **reset),
        sell(BRAVO, "s2", 1, 99),
        quote(ALPHA, "q6", (7, 99), (0, 0), **reset),
        sell(BRAVO, "s3", 1, 99),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 9 leaves 9 shows 9 of r1 QUOTE
            ACCEPTED o2 @99 qty 2 leaves 2 r2 s3
            FILL o2 t1 @99 qty 2 cum 2 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @99 qty 2 of 9 leaves 7 cum 2 shows 7 of r1 s1 UNSOLICITED
            QUOTES_PULLED a1
            CANCELLED o1 p1 @99 qty 7 of 9 cum 2 of r1 s1 UNSOLICITED PROTECTION
            QUOTES_TAKEN r3 s1
            QUOTES_TAKEN r4 s3
            QUOTE_REJECTED q1 set 1 i1 r4 s3 UNKNOWN_ACCOUNT
            QUOTE_REJECTED s1 DUPLICATE_CL_ORD_ID
            QUOTES_TAKEN r5 s1
            QUOTE_REJECTED q1 set 1 i1 r5 s1 QUOTES_PULLED
            QUOTES_TAKEN r6 s1
            QUOTES_RESET a1
            ACCEPTED o3 p2 @99 qty 8 leaves 8 shows 8 of r6 QUOTE
            ACCEPTED o4 @99 qty 1 leaves 1 r7 s3
            FILL o4 t2 @99 qty 1 cum 1 r7 s3 AGGRESSOR
            FILL o3 p2 t2 @99 qty 1 of 8 leaves 7 cum 1 shows 7 of r6 s1 UNSOLICITED
            QUOTES_TAKEN r8 s1
            REPLACED o3 p2 @99 qty 8 leaves 7 cum 1 shows 7 of r8 KEPT_PLACE QUOTE
            ACCEPTED o5 @99 qty 1 leaves 1 r9 s3
            FILL o5 t3 @99 qty 1 cum 1 r9 s3 AGGRESSOR
            FILL o3 p2 t3 @99 qty 1 of 8 leaves 6 cum 2 shows 6 of r8 s1 UNSOLICITED
        """,
        venue=protected(quote_qty_max=2),
    )


def test_m187_orders_do_not_count() -> None:
    """What the account's own orders trade with a quote, at once or in an uncross."""
    check(
        quote(CHARLIE, "c", (0, 0), (9, 101)),
        quote(ALPHA, "q", (1, 98), (0, 0)),
        buy(ALPHA, "a1", 2, 101),
        set_phase(w.VOLATILITY_PAUSE),
        buy(ALPHA, "a2", 2, 101),
        set_phase(w.CONTINUOUS),
        events="""
            QUOTES_TAKEN r1 s4
            ACCEPTED o1 p1 @101 qty 9 leaves 9 shows 9 of r1 QUOTE
            QUOTES_TAKEN r2 s1
            ACCEPTED o2 p2 @98 qty 1 leaves 1 shows 1 of r2 QUOTE
            ACCEPTED o3 @101 qty 2 leaves 2 r3 s1
            FILL o3 t1 @101 qty 2 cum 2 r3 s1 AGGRESSOR
            FILL o1 p1 t1 @101 qty 2 of 9 leaves 7 cum 2 shows 7 of r1 s4 UNSOLICITED
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE
            ACCEPTED o4 p3 @101 qty 2 leaves 2 shows 2 r4 s1
            INDICATIVE i1 @101 qty 2 surplus -5
            PHASE_CHANGED i1 AUCTION_MATCH from VOLATILITY_PAUSE
            FILL o4 p3 t2 @101 qty 2 cum 2 of r4 s1 AUCTION UNSOLICITED
            FILL o1 p1 t2 @101 qty 2 of 9 leaves 5 cum 4 shows 5 of r1 s4 AUCTION UNSOLICITED
            UNCROSSED i1 @101 qty 2 surplus -5
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
        """,
        venue=protected(quote_executions_max=1),
    )


def test_m187_another_window_begins_anew() -> None:
    """The same one goes on; one longer than an hour or negative is no definition."""
    wide = {"quote_qty_max": 2}
    check(
        quote(ALPHA, "q1", (9, 99), (0, 0)),
        at(sell(BRAVO, "s1", 1, 99), 500),
        account(1, 1, **(wide | {"quote_window_ms": 3_600_000})),
        sell(BRAVO, "s2", 1, 99),
        account(1, 1, **(wide | {"quote_window_ms": 3_600_001})),
        account(1, 1, **(wide | {"quote_window_ms": -1})),
        account(1, 1, **(wide | {"quote_window_ms": 3_600_000})),
        sell(BRAVO, "s3", 1, 99),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 9 leaves 9 shows 9 of r1 QUOTE
            ACCEPTED o2 @99 qty 1 leaves 1 r2 s3
            FILL o2 t1 @99 qty 1 cum 1 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @99 qty 1 of 9 leaves 8 cum 1 shows 8 of r1 s1 UNSOLICITED
            ACCOUNT_SET
            ACCEPTED o3 @99 qty 1 leaves 1 r3 s3
            FILL o3 t2 @99 qty 1 cum 1 r3 s3 AGGRESSOR
            FILL o1 p1 t2 @99 qty 1 of 9 leaves 7 cum 2 shows 7 of r1 s1 UNSOLICITED
            ACCOUNT_SET
            ACCEPTED o4 @99 qty 1 leaves 1 r4 s3
            FILL o4 t3 @99 qty 1 cum 1 r4 s3 AGGRESSOR
            FILL o1 p1 t3 @99 qty 1 of 9 leaves 6 cum 3 shows 6 of r1 s1 UNSOLICITED
            QUOTES_PULLED a1
            CANCELLED o1 p1 @99 qty 6 of 9 cum 3 of r1 s1 UNSOLICITED PROTECTION
        """,
        venue=protected(**wide),
    )


def test_m188_goes_on_over_cuts() -> None:
    """Many makers and quotes taken off by one sweep, event rows cut at every place."""
    both = [*protected(quote_qty_max=2), account(4, 3, **(WINDOW | {"quote_qty_max": 1}))]
    commands = [*both, quote(CHARLIE, "c", (3, 98), (1, 101)), quote(ALPHA, "q", (7, 99), (2, 102))]
    for place in (2, 3):
        commands.append(more_quote(ALPHA, (7, 99), (2, 104), instrument=place))
    commands += [buy(BRAVO, "b", 9, 102), quote(ALPHA, "q2", (7, 99), (2, 102))]
    whole = EngineVenue().run_rows(number(commands))
    assert (whole["kind"] == w.QUOTES_PULLED).sum() == 2
    for rows in range(8, 20):
        cut = EngineVenue().run_rows(number(commands), lambda rows=rows: (50, rows))
        assert cut.tobytes() == whole.tobytes()
