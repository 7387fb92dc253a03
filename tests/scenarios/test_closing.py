"""Scenarios of orders that close first at a daily limit (M-213), and of a date's range (M-214)."""

from __future__ import annotations

import pytest

from engine.layout import STOP_NONE
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    CHARLIE,
    DAY_2,
    TICK,
    account,
    buy,
    cancel,
    gross_product,
    instrument,
    member,
    new,
    number,
    product,
    replace,
    roll_product,
    sell,
    session,
    set_phase,
    stop,
    usual_venue,
)
from tests.exchanges import EngineVenue, NaiveVenue
from tests.scenarios import check

WHO = (ALPHA, BRAVO, CHARLIE)
GROSS = int(w.POSITION_EFFECT_REQUIRED)
CLOSING = GROSS | w.CLOSING_FIRST
EFFECTS = (w.OPEN, w.CLOSE_TODAY, w.CLOSE, w.OPEN, w.CLOSE_YESTERDAY)


def venue(features: int = CLOSING) -> list[dict]:
    """One gross product with one instrument at 100, limits 90 to 110."""
    return [
        gross_product(1, features=features),
        instrument(1, 1),
        *(member(who.member) for who in WHO),
        *(account(who.account, who.member) for who in WHO),
        *(session(who.session, who.member) for who in WHO),
    ]


def positions() -> list[dict]:
    """ALPHA is short, BRAVO long, 9 lots of yesterday and 9 of today; the reference stays 100."""
    opens = {"position_effect": w.OPEN}
    made = []
    for day in "12":
        made.append(sell(ALPHA, f"o{day}", 9, 100, **opens))
        made.append(buy(BRAVO, f"o{day}", 9, 100, **opens))
        if day == "1":
            made.append(roll_product(1, DAY_2))
    return made


POSITIONS = """
    ACCEPTED o1 p1 @100 qty 9 leaves 9 shows 9 r1 s1
    ACCEPTED o2 @100 qty 9 leaves 9 r2 s3
    FILL o2 t1 @100 qty 9 cum 9 r2 s3 AGGRESSOR
    FILL o1 p1 t1 @100 qty 9 cum 9 of r1 s1 UNSOLICITED
    SETTLED @100 value 900 qty 9 open 9
    LIMITS_SET @100 from 90 to 110
    ACCEPTED o3 p2 @100 qty 9 leaves 9 shows 9 r3 s1
    ACCEPTED o4 @100 qty 9 leaves 9 r4 s3
    FILL o4 t2 @100 qty 9 cum 9 r4 s3 AGGRESSOR
    FILL o3 p2 t2 @100 qty 9 cum 9 of r3 s1 UNSOLICITED"""


def queue(side: int, ticks: int) -> list[dict]:
    """Five orders of a side at a price, with EFFECTS, and one that takes them all."""
    who, contra = (ALPHA, w.SELL) if side == w.BUY else (BRAVO, w.BUY)
    return [
        *(
            new(who, f"q{number}", side, 1, ticks, position_effect=effect)
            for number, effect in enumerate(EFFECTS)
        ),
        new(CHARLIE, "c1", contra, 5, ticks, position_effect=w.OPEN),
    ]


def queue_events(side: int, ticks: int, turns: tuple[int, ...]) -> str:
    """The events of `queue`; turns: in which the five trade."""
    s = ALPHA.session if side == w.BUY else BRAVO.session
    lines = [
        f"ACCEPTED o{n} p{n - 2} @{ticks} qty 1 leaves 1 shows 1 r{n} s{s}" for n in range(5, 10)
    ]
    lines.append(f"ACCEPTED o10 @{ticks} qty 5 leaves 5 r10 s4")
    for t, turn in enumerate(turns):
        n, left = 5 + turn, f" leaves {4 - t}" if t < 4 else ""
        own = f"qty 1 of 5{left} cum {t + 1} r10 s4 AGGRESSOR"
        lines.append(f"FILL o10 t{3 + t} @{ticks} {own}")
        lines.append(f"FILL o{n} p{n - 2} t{3 + t} @{ticks} qty 1 cum 1 of r{n} s{s} UNSOLICITED")
    return "\n".join([POSITIONS, *lines])


@pytest.mark.parametrize("side", [w.BUY, w.SELL])
@pytest.mark.parametrize("ticks", [90, 110])
def test_m213_at_a_limit_who_closes_yesterdays_position_trades_first(side: int, ticks: int) -> None:
    """CLOSE is CLOSE_YESTERDAY here (M-51); who closes today's waits for its time."""
    events = queue_events(side, ticks, (2, 4, 0, 1, 3))
    check(*positions(), *queue(side, ticks), venue=venue(), events=events)


@pytest.mark.parametrize(("ticks", "features"), [(109, CLOSING), (91, CLOSING), (110, GROSS)])
def test_m213_elsewhere_time_alone_counts(ticks: int, features: int) -> None:
    events = queue_events(w.BUY, ticks, (0, 1, 2, 3, 4))
    check(*positions(), *queue(w.BUY, ticks), venue=venue(features), events=events)


def test_m213_who_joins_again_joins_behind_those_that_close() -> None:
    """The last one that closes is cancelled, the first one replaced: the next joins behind it."""
    closes = {"position_effect": w.CLOSE}
    check(
        *positions(),
        buy(ALPHA, "a1", 1, 110, position_effect=w.OPEN),
        buy(ALPHA, "a2", 1, 110, **closes),
        buy(ALPHA, "a3", 1, 110, **closes),
        cancel(ALPHA, "a4", "a3"),
        replace(ALPHA, "a5", "a2", 2, 110, **closes),
        buy(ALPHA, "a6", 1, 110, **closes),
        sell(CHARLIE, "c1", 4, 110, position_effect=w.OPEN),
        venue=venue(),
        events=POSITIONS
        + """
            ACCEPTED o5 p3 @110 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 p4 @110 qty 1 leaves 1 shows 1 r6 s1
            ACCEPTED o7 p5 @110 qty 1 leaves 1 shows 1 r7 s1
            CANCELLED o7 p5 @110 qty 1 r8 of r7 s1
            REPLACED o6 p6 @110 qty 2 leaves 2 shows 2 r9 s1
            ACCEPTED o8 p7 @110 qty 1 leaves 1 shows 1 r10 s1
            ACCEPTED o9 @110 qty 4 leaves 4 r11 s4
            FILL o9 t3 @110 qty 2 of 4 leaves 2 cum 2 r11 s4 AGGRESSOR
            FILL o6 p6 t3 @110 qty 2 cum 2 of r9 s1 UNSOLICITED
            FILL o9 t4 @110 qty 1 of 4 leaves 1 cum 3 r11 s4 AGGRESSOR
            FILL o8 p7 t4 @110 qty 1 cum 1 of r10 s1 UNSOLICITED
            FILL o9 t5 @110 qty 1 of 4 cum 4 r11 s4 AGGRESSOR
            FILL o5 p3 t5 @110 qty 1 cum 1 of r5 s1 UNSOLICITED
        """,
    )


def test_m213_an_uncross_at_the_limit_meets_them_first() -> None:
    check(
        *positions(),
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 1, 110, position_effect=w.OPEN),
        buy(ALPHA, "a2", 1, 110, position_effect=w.CLOSE),
        sell(CHARLIE, "c1", 1, 110, position_effect=w.OPEN),
        set_phase(w.CONTINUOUS),
        venue=venue(),
        events=POSITIONS
        + """
            PHASE_CHANGED i1 PRE_OPEN from NONE
            ACCEPTED o5 p3 @110 qty 1 leaves 1 shows 1 r5 s1
            ACCEPTED o6 p4 @110 qty 1 leaves 1 shows 1 r6 s1
            ACCEPTED o7 p5 @110 qty 1 leaves 1 shows 1 r7 s4
            INDICATIVE i1 @110 qty 1 surplus 1
            PHASE_CHANGED i1 AUCTION_MATCH from PRE_OPEN
            FILL o6 p4 t3 @110 qty 1 cum 1 of r6 s1 AUCTION UNSOLICITED
            FILL o7 p5 t3 @110 qty 1 cum 1 of r7 s4 AUCTION UNSOLICITED
            UNCROSSED i1 @110 qty 1 surplus 1
            PHASE_CHANGED i1 CONTINUOUS from AUCTION_MATCH
        """,
    )


def test_m8_closing_first_is_for_gross_products() -> None:
    made = product(1, features=ALL_FEATURES | w.CLOSING_FIRST)
    check(made, instrument(1, 1), venue=[], events="")


def test_m214_high_and_low_are_of_the_dates_trades() -> None:
    """Stop orders and the range meet in one price; a roll begins anew."""
    opening: list[int | None] = []

    def date_range(*commands: dict) -> tuple[int, int]:
        naive, engine = NaiveVenue(), EngineVenue()
        made = number([*usual_venue(), *commands])
        wanted = [event for one in naive.run(made) for event in one]
        assert engine.run(made) == wanted
        row = engine.engine.tables().instruments[1]
        opening.append(engine.engine.opening_price(1))
        return int(row["day_low"]), int(row["day_high"])

    def trade(name: str, ticks: int) -> tuple[dict, dict]:
        return sell(BRAVO, f"s{name}", 1, ticks), buy(CHARLIE, f"b{name}", 1, ticks)

    none = (STOP_NONE, -STOP_NONE)
    waits = stop(ALPHA, "a1", w.BUY, 1, 103, ticks=104)
    above, below = trade("1", 101), trade("2", 98)
    reached, inside = trade("3", 103), trade("4", 100)
    assert date_range() == none
    assert date_range(*above) == (101 * TICK, 101 * TICK)
    assert date_range(waits, *above, *below, *inside) == (98 * TICK, 101 * TICK)
    assert date_range(waits, *above, *below, *reached) == (98 * TICK, 103 * TICK)
    call = (set_phase(w.PRE_OPEN), *trade("5", 95), set_phase(w.CONTINUOUS))
    assert date_range(*above, *call) == (95 * TICK, 101 * TICK)
    assert date_range(*above, roll_product(1, DAY_2)) == none
    assert date_range(*above, roll_product(1, DAY_2), *below) == (98 * TICK, 98 * TICK)
    first = (0, 101, 101, 101, 101, 0, 98)
    assert opening == [ticks * TICK or None for ticks in first]
