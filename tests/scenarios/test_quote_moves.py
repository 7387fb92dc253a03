"""Scenarios of section 14: how a quote replaces another, quote cancels (M-184 to M-186)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    SECOND,
    START_NS,
    buy,
    more_quote,
    number,
    product,
    quote,
    quote_cancel,
    sell,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.scenarios import check


def test_m184_a_quote_replaces_the_one_before() -> None:
    """Same price and no more lots: the side keeps its place. A side of 0 lots is taken off."""
    check(
        quote(ALPHA, "q1", (5, 99), (5, 101)),
        quote(ALPHA_2, "q2", (3, 99), (3, 101)),
        quote(ALPHA, "q3", (4, 99), (6, 101)),
        quote(ALPHA, "q4", (4, 99), (0, 0)),
        quote(ALPHA, "q5", (0, 0), (2, 102)),
        quote(ALPHA, "q6", (0, 0), (0, 0)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 5 leaves 5 shows 5 of r1 QUOTE
            QUOTES_TAKEN r2 s2
            ACCEPTED o3 p3 @99 qty 3 leaves 3 shows 3 of r2 QUOTE
            ACCEPTED o4 p4 @101 qty 3 leaves 3 shows 3 of r2 QUOTE
            QUOTES_TAKEN r3 s1
            REPLACED o1 p1 @99 qty 4 leaves 4 shows 4 of r3 KEPT_PLACE QUOTE
            REPLACED o2 p5 @101 qty 6 leaves 6 shows 6 of r3 QUOTE
            QUOTES_TAKEN r4 s1
            REPLACED o1 p1 @99 qty 4 leaves 4 shows 4 of r4 KEPT_PLACE QUOTE
            CANCELLED o2 p5 @101 qty 6 of r3 QUOTE QUOTE_CANCELLED
            QUOTES_TAKEN r5 s1
            CANCELLED o1 p1 @99 qty 4 of r4 QUOTE QUOTE_CANCELLED
            ACCEPTED o5 p6 @102 qty 2 leaves 2 shows 2 of r5 QUOTE
            QUOTES_TAKEN r6 s1
            CANCELLED o5 p6 @102 qty 2 of r5 QUOTE QUOTE_CANCELLED
        """,
    )


def test_m184_no_place_is_kept_where_the_product_keeps_none() -> None:
    plain = product(1, features=0)
    check(
        quote(ALPHA, "q1", (5, 99), (0, 0)),
        quote(ALPHA, "q2", (4, 99), (0, 0)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 5 leaves 5 shows 5 of r1 QUOTE
            QUOTES_TAKEN r2 s1
            REPLACED o1 p2 @99 qty 4 leaves 4 shows 4 of r2 QUOTE
        """,
        venue=[plain, *usual_venue()[1:]],
    )


def test_m184_a_size_is_what_is_left_and_a_full_total_begins_anew() -> None:
    check(
        quote(ALPHA, "q1", (900, 99), (0, 0)),
        sell(BRAVO, "s1", 500, 99),
        quote(ALPHA, "q2", (400, 99), (0, 0)),
        quote(ALPHA, "q3", (401, 99), (0, 0)),
        quote(ALPHA, "q4", (501, 99), (0, 0)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 900 leaves 900 shows 900 of r1 QUOTE
            ACCEPTED o2 @99 qty 500 leaves 500 r2 s3
            FILL o2 t1 @99 qty 500 cum 500 r2 s3 AGGRESSOR
            FILL o1 p1 t1 @99 qty 500 of 900 leaves 400 cum 500 shows 400 of r1 s1 UNSOLICITED
            QUOTES_TAKEN r3 s1
            REPLACED o1 p1 @99 qty 900 leaves 400 cum 500 shows 400 of r3 KEPT_PLACE QUOTE
            QUOTES_TAKEN r4 s1
            REPLACED o1 p2 @99 qty 901 leaves 401 cum 500 shows 401 of r4 QUOTE
            QUOTES_TAKEN r5 s1
            CANCELLED o1 p2 @99 qty 401 of 901 cum 500 of r4 QUOTE QUOTE_CANCELLED
            ACCEPTED o3 p3 @99 qty 501 leaves 501 shows 501 of r5 QUOTE
        """,
    )


def test_m184_sides_move_in_the_order_that_never_crosses() -> None:
    """Upwards the ask moves first, downwards the bid."""
    check(
        quote(ALPHA, "q1", (1, 99), (1, 101)),
        quote(ALPHA, "q2", (1, 102), (1, 104)),
        quote(ALPHA, "q3", (1, 98), (1, 100)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            QUOTES_TAKEN r2 s1
            REPLACED o2 p3 @104 qty 1 leaves 1 shows 1 of r2 QUOTE
            REPLACED o1 p4 @102 qty 1 leaves 1 shows 1 of r2 QUOTE
            QUOTES_TAKEN r3 s1
            REPLACED o1 p5 @98 qty 1 leaves 1 shows 1 of r3 QUOTE
            REPLACED o2 p6 @100 qty 1 leaves 1 shows 1 of r3 QUOTE
        """,
    )


def test_m184_a_side_that_trades_comes_in_last() -> None:
    """As the aggressor, its fills told unasked; orders of its own member are cancelled."""
    check(
        sell(BRAVO, "s1", 2, 101),
        sell(ALPHA_2, "s2", 4, 101),
        quote(ALPHA, "q1", (5, 102), (1, 103)),
        quote(CHARLIE, "q2", (2, 99), (3, 100)),
        events="""
            ACCEPTED o1 p1 @101 qty 2 leaves 2 shows 2 r1 s3
            ACCEPTED o2 p2 @101 qty 4 leaves 4 shows 4 r2 s2
            QUOTES_TAKEN r3 s1
            ACCEPTED o3 p3 @103 qty 1 leaves 1 shows 1 of r3 QUOTE
            ACCEPTED o4 @102 qty 5 leaves 5 of r3 QUOTE
            FILL o4 t1 @101 qty 2 of 5 leaves 3 cum 2 of r3 s1 AGGRESSOR UNSOLICITED
            FILL o1 p1 t1 @101 qty 2 cum 2 of r1 s3 UNSOLICITED
            CANCELLED o2 p2 @101 qty 4 of r2 s2 UNSOLICITED SELF_MATCH
            BOOKED o4 p4 @102 of 5 leaves 3 cum 2 shows 3 of r3
            QUOTES_TAKEN r4 s4
            ACCEPTED o5 p5 @99 qty 2 leaves 2 shows 2 of r4 QUOTE
            ACCEPTED o6 @100 qty 3 leaves 3 of r4 QUOTE
            FILL o6 t2 @102 qty 3 cum 3 of r4 s4 AGGRESSOR UNSOLICITED
            FILL o4 p4 t2 @102 qty 3 of 5 cum 5 of r3 s1 UNSOLICITED
        """,
    )


def test_m102_a_quote_after_the_end_of_its_phase_halts_the_instrument() -> None:
    ended = set_phase(w.CONTINUOUS, scheduled_end_ns=START_NS + SECOND)
    check(
        ended,
        quote(ALPHA, "q1", (1, 99), (1, 101), time_ns=START_NS + SECOND),
        quote(ALPHA, "q2", (1, 99), (1, 102), time_ns=START_NS + SECOND + 1),
        quote_cancel(ALPHA, "c1", w.SCOPE_INSTRUMENT, instrument=1),
        events="""
            PHASE_CHANGED i1 CONTINUOUS from NONE until 1 s
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            QUOTES_TAKEN r2 s1
            PHASE_CHANGED i1 HALTED from CONTINUOUS SCHEDULE_ENDED
            QUOTE_REJECTED q1 set 1 i1 r2 s1 PHASE_TAKES_NO_QUOTES
            CANCELLED o1 p1 @99 qty 1 of r1 QUOTE QUOTE_CANCELLED
            CANCELLED o2 p2 @101 qty 1 of r1 QUOTE QUOTE_CANCELLED
            QUOTES_CANCELLED qty 2 i1 r3 s1
        """,
    )


def test_m186_a_quote_cancel_takes_quotes_only() -> None:
    check(
        quote(ALPHA, "q1", (1, 99), (1, 101)),
        more_quote(ALPHA, (2, 99), (2, 101), instrument=3),
        buy(ALPHA, "a", 3, 98),
        quote(BRAVO, "q2", (4, 99), (0, 0)),
        quote_cancel(ALPHA, "c1", w.SCOPE_PRODUCT, product=2),
        quote_cancel(ALPHA, "c2", w.SCOPE_MEMBER),
        quote_cancel(ALPHA, "c3", w.SCOPE_MEMBER),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o3 p3 @99 qty 2 leaves 2 shows 2 of r1 QUOTE
            ACCEPTED o4 p4 @101 qty 2 leaves 2 shows 2 of r1 QUOTE
            ACCEPTED o5 p5 @98 qty 3 leaves 3 shows 3 r2 s1
            QUOTES_TAKEN r3 s3
            ACCEPTED o6 p6 @99 qty 4 leaves 4 shows 4 of r3 QUOTE
            CANCELLED o3 p3 @99 qty 2 of r1 QUOTE QUOTE_CANCELLED
            CANCELLED o4 p4 @101 qty 2 of r1 QUOTE QUOTE_CANCELLED
            QUOTES_CANCELLED qty 2 r4 s1
            CANCELLED o1 p1 @99 qty 1 of r1 QUOTE QUOTE_CANCELLED
            CANCELLED o2 p2 @101 qty 1 of r1 QUOTE QUOTE_CANCELLED
            QUOTES_CANCELLED qty 2 r5 s1
            QUOTES_CANCELLED qty 0 r6 s1
        """,
    )


def test_m186_a_refused_quote_cancel() -> None:
    check(
        quote(ALPHA, "q1", (1, 99), (0, 0)),
        quote_cancel(ALPHA, "q1", w.SCOPE_MEMBER),
        quote_cancel(ALPHA, "c1", ord("9")),
        quote_cancel(ALPHA, "c2", w.SCOPE_INSTRUMENT, instrument=9),
        quote_cancel(ALPHA, "c3", w.SCOPE_PRODUCT, product=9),
        set_phase(w.CLOSED),
        quote_cancel(ALPHA, "c4", w.SCOPE_INSTRUMENT, instrument=1),
        quote_cancel(ALPHA, "c5", w.SCOPE_MEMBER),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            QUOTE_REJECTED s1 DUPLICATE_CL_ORD_ID
            QUOTE_REJECTED r2 s1 MASS_CANCEL_SCOPE_INVALID
            QUOTE_REJECTED i9 r3 s1 UNKNOWN_INSTRUMENT
            QUOTE_REJECTED r4 s1 UNKNOWN_INSTRUMENT
            PHASE_CHANGED i1 CLOSED from NONE
            QUOTE_REJECTED i1 r5 s1 PHASE_TAKES_NO_CANCELS
            QUOTES_CANCELLED qty 0 r6 s1
        """,
    )


def test_m186_a_quote_leaves_a_call() -> None:
    """Quotes that rested before a call take part in it and may be cancelled there."""
    check(
        quote(ALPHA, "q1", (3, 99), (3, 101)),
        set_phase(w.VOLATILITY_PAUSE),
        sell(BRAVO, "s", 2, 98),
        quote_cancel(ALPHA, "c", w.SCOPE_MEMBER),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 3 leaves 3 shows 3 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 3 leaves 3 shows 3 of r1 QUOTE
            PHASE_CHANGED i1 VOLATILITY_PAUSE from NONE
            ACCEPTED o3 p3 @98 qty 2 leaves 2 shows 2 r2 s3
            INDICATIVE i1 @99 qty 2 surplus 1
            CANCELLED o1 p1 @99 qty 3 of r1 QUOTE QUOTE_CANCELLED
            INDICATIVE i1
            CANCELLED o2 p2 @101 qty 3 of r1 QUOTE QUOTE_CANCELLED
            QUOTES_CANCELLED qty 2 r3 s1
        """,
    )


def test_m185_quotes_of_a_wide_sweep_go_on_over_cuts() -> None:
    """A quote that trades through many orders, event rows cut at every place."""
    resting = [sell(BRAVO, f"s{at}", 1, 101 + at % 3) for at in range(30)]
    commands = [*usual_venue(), *resting, quote(ALPHA, "q", (25, 103), (5, 104))]
    commands += [quote_cancel(ALPHA, "c", w.SCOPE_MEMBER)]
    whole = EngineVenue().run_rows(number(commands))
    for rows in (8, 9, 10, 11):
        cut = EngineVenue().run_rows(number(commands), lambda rows=rows: (50, rows))
        assert cut.tobytes() == whole.tobytes()
