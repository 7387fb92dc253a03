"""Scenarios of section 14: requests for quotes (M-190, M-191)."""

from __future__ import annotations

from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    SECOND,
    START_NS,
    Who,
    command,
    kill,
    member,
    number,
    quote,
    quote_cancel,
    quote_request,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.scenarios import check


def test_m190_the_market_is_told() -> None:
    check(
        quote_request(BRAVO),
        quote_request(BRAVO, instrument=2, side=w.SELL, qty=1_000),
        events="""
            QUOTE_REQUESTED i1
            QUOTE_REQUESTED side 2 qty 1000 i2
        """,
    )


def test_m190_order_of_the_checks() -> None:
    """Each command repairs what the one before it was refused for; nobody is told of these."""
    bad = {"instrument": 9, "side": 53, "qty": 1_001}
    known = bad | {"instrument": 1}
    check(
        quote(ALPHA, "q", (1, 99), (1, 101)),
        kill(BRAVO),
        command(w.HALT, reason=7),
        quote_request(BRAVO, **bad),
        command(w.RELEASE, member=2, session=0, reason=1),
        quote_request(BRAVO, **bad),
        command(w.RESUME),
        quote_request(BRAVO, **bad),
        member(2, products=1 << 2),
        set_phase(w.PRE_OPEN),
        quote_request(BRAVO, **known),
        member(2),
        quote_request(BRAVO, **known),
        set_phase(w.CONTINUOUS),
        quote_request(BRAVO, **known),
        quote_request(BRAVO, qty=1_001),
        quote_request(BRAVO, qty=-1),
        quote_request(Who(3, 99, 3)),
        events="""
            QUOTES_TAKEN r1 s1
            ACCEPTED o1 p1 @99 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @101 qty 1 leaves 1 shows 1 of r1 QUOTE
            KILLED for 1
            HALTED VENUE_HALTED
            QUOTE_REJECTED i9 s3 KILLED
            RELEASED for 1
            QUOTE_REJECTED i9 s3 VENUE_HALTED
            RESUMED
            QUOTE_REJECTED i9 s3 UNKNOWN_INSTRUMENT
            MEMBER_SET
            PHASE_CHANGED i1 PRE_OPEN from NONE
            QUOTE_REJECTED i1 s3 NOT_PERMITTED
            MEMBER_SET
            QUOTE_REJECTED i1 s3 PHASE_TAKES_NO_QUOTES
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            UNCROSSED i1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
            QUOTE_REJECTED i1 s3 SIDE_INVALID
            QUOTE_REJECTED i1 s3 QUOTE_SIZE_INVALID
            QUOTE_REJECTED i1 s3 QUOTE_SIZE_INVALID
            QUOTE_REJECTED i1 s3 NOT_PERMITTED
        """,
    )


def test_m102_a_request_after_the_end_of_its_phase_halts_the_instrument() -> None:
    check(
        set_phase(w.CONTINUOUS, scheduled_end_ns=START_NS + SECOND),
        quote_request(BRAVO, time_ns=START_NS + SECOND + 1),
        events="""
            PHASE_CHANGED i1 CONTINUOUS from NONE until 1 s
            PHASE_CHANGED i1 HALTED from CONTINUOUS SCHEDULE_ENDED
            QUOTE_REJECTED i1 s3 PHASE_TAKES_NO_QUOTES
        """,
    )


def test_m191_accounts_that_have_quoted_are_asked() -> None:
    """By account, at the session they quoted from last; the asker's own member is not asked."""
    check(
        quote(CHARLIE, "c", (1, 98), (1, 102)),
        quote(ALPHA, "q1", (1, 99), (1, 101)),
        quote(ALPHA_2, "q2", (0, 0), (0, 0), account=1, instrument=2),
        quote(ALPHA_2, "q3", (1, 99), (1, 99)),
        quote_cancel(ALPHA, "x", w.SCOPE_MEMBER),
        quote_request(BRAVO, side=w.BUY, qty=7),
        quote_request(CHARLIE),
        quote_request(BRAVO, instrument=2),
        events="""
            QUOTES_TAKEN r1 s4
            ACCEPTED o1 p1 @98 qty 1 leaves 1 shows 1 of r1 QUOTE
            ACCEPTED o2 p2 @102 qty 1 leaves 1 shows 1 of r1 QUOTE
            QUOTES_TAKEN r2 s1
            ACCEPTED o3 p3 @99 qty 1 leaves 1 shows 1 of r2 QUOTE
            ACCEPTED o4 p4 @101 qty 1 leaves 1 shows 1 of r2 QUOTE
            QUOTES_TAKEN r3 s2
            QUOTES_TAKEN r4 s2
            QUOTE_REJECTED q1 set 1 i1 r4 s2 QUOTE_CROSSED
            CANCELLED o3 p3 @99 qty 1 of r2 QUOTE QUOTE_CANCELLED
            CANCELLED o4 p4 @101 qty 1 of r2 QUOTE QUOTE_CANCELLED
            QUOTES_CANCELLED qty 2 r5 s1
            QUOTE_REQUESTED side 1 qty 7 i1
            QUOTE_ASKED a1 side 1 qty 7 i1 s2
            QUOTE_ASKED a4 side 1 qty 7 i1 s4
            QUOTE_REQUESTED i1
            QUOTE_ASKED a1 i1 s2
            QUOTE_REQUESTED i2
        """,
    )


def test_m191_goes_on_over_cuts() -> None:
    """More requests than event rows, cut at every place."""
    commands = [
        *usual_venue(),
        quote(ALPHA, "q", (1, 99), (0, 0)),
        quote(CHARLIE, "c", (1, 98), (0, 0)),
    ]
    commands += [quote(ALPHA_2, "r", (1, 97), (0, 0)), *(quote_request(BRAVO) for _ in range(9))]
    whole = EngineVenue().run_rows(number(commands))
    assert (whole["kind"] == w.QUOTE_ASKED).sum() == 27
    for rows in range(8, 14):
        cut = EngineVenue().run_rows(number(commands), lambda rows=rows: (50, rows))
        assert cut.tobytes() == whole.tobytes()
