"""What makers quoted over a trading date. Source: specs/matching.md M-192."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from engine.definitions import DefinitionsWriter
from engine.reference import PRODUCT
from engine.sequencer import Sequencer
from gateway.cli_makers import Asked, run_makers, wanted_of
from gateway.definitions import Known
from gateway.obligations import Made, Obligations, Wanted
from specs.loading import SpecError
from specs.products import load_products
from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    DAY_1,
    DAY_2,
    SECOND,
    START_NS,
    account,
    instrument,
    member,
    number,
    pack,
    product,
    quote,
    roll_product,
    sell,
    session,
    session_lost,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue, small_limits

WANTED = Wanted(spread_bp_max=200, size_min=5, presence_bp_min=8_000)
HOUR = 3_600 * SECOND


def at(one: dict, hours: float) -> dict:
    """A command so many hours after the start."""
    return one | {"time_ns": START_NS + int(hours * HOUR)}


def figures(*commands: dict, cut: int = 0) -> tuple[list[Made], list[Made]]:
    """Of dates that have ended, and so far: of the usual venue defined at the start."""
    venue = [one | {"time_ns": START_NS} for one in usual_venue()]
    rows = EngineVenue().run_rows(number([*venue, *commands]))
    found = Obligations(dict.fromkeys(range(1, 8), WANTED))
    source = random.Random(cut)
    while len(rows):
        some = source.randint(1, len(rows)) if cut else len(rows)
        found.take(rows[:some])
        rows = rows[some:]
    return found.settled, list(found.so_far())


def test_m192_time_with_both_sides_counts() -> None:
    """Ten hours: two without a side, two too wide, one too small, five as owed."""
    ended, _ = figures(
        at(quote(ALPHA, "q1", (5, 99), (5, 100)), 1),
        at(quote(ALPHA, "q2", (5, 99), (5, 102)), 5),
        at(quote(ALPHA, "q3", (5, 99), (4, 100)), 7),
        at(quote(ALPHA, "q4", (9, 99), (7, 100)), 8),
        at(quote(ALPHA, "q5", (9, 99), (0, 0)), 9),
        at(roll_product(1, DAY_2), 10),
    )
    assert [(one.trading_date, one.account, one.instrument) for one in ended] == [(DAY_1, 1, 1)]
    made = ended[0]
    assert (made.trading_ns, made.two_sided_ns, made.present_ns) == (10 * HOUR, 8 * HOUR, 5 * HOUR)
    assert made.size == (5 * 6 + 4 + 7) // 8
    assert made.spread_bp == 150  # 100.5 for six hours, 298.5 for two
    assert made.wanted == WANTED and not made.is_met
    for presence, is_met in ((5_000, True), (5_001, False)):
        assert made._replace(wanted=WANTED._replace(presence_bp_min=presence)).is_met == is_met


def test_m192_fills_and_a_lost_session_end_it() -> None:
    """What a trade leaves counts; a cancel that nobody of the maker asked for, too."""
    _, so_far = figures(
        at(quote(ALPHA, "q1", (9, 99), (9, 100)), 0),
        at(sell(BRAVO, "s1", 4, 99), 2),
        at(sell(BRAVO, "s2", 1, 99), 3),
        at(session_lost(ALPHA), 5),
        at(quote(BRAVO, "q2", (9, 99), (0, 0)), 6),
    )
    alpha, bravo = so_far
    assert (alpha.trading_ns, alpha.two_sided_ns, alpha.present_ns) == (
        6 * HOUR,
        5 * HOUR,
        3 * HOUR,
    )
    assert (bravo.account, bravo.two_sided_ns) == (3, 0)


def test_m192_only_continuous_trading_counts() -> None:
    _, so_far = figures(
        at(quote(ALPHA, "q1", (9, 99), (9, 100)), 1),
        at(set_phase(w.VOLATILITY_PAUSE), 2),
        at(set_phase(w.CONTINUOUS), 5),
        at(set_phase(w.PHASE_HALTED), 6),
        at(set_phase(w.CLOSED), 9),
    )
    assert (so_far[0].trading_ns, so_far[0].present_ns) == (3 * HOUR, 2 * HOUR)


def test_m192_each_date_has_its_own_figures_however_rows_are_cut() -> None:
    commands = [
        at(quote(ALPHA, "q1", (9, 99), (9, 100)), 0),
        at(roll_product(1, DAY_2), 4),
        at(quote(ALPHA, "q2", (9, 99), (9, 100)), 5),
        at(sell(BRAVO, "s", 1, 105), 8),
    ]
    ended, so_far = figures(*commands)
    assert [one.present_ns for one in ended] == [4 * HOUR]
    assert [(one.trading_ns, one.present_ns) for one in so_far] == [(4 * HOUR, 3 * HOUR)]
    for cut in range(1, 6):
        assert figures(*commands, cut=cut) == (ended, so_far)


def test_m192_orders_are_no_quotes() -> None:
    ended, so_far = figures(
        at(sell(ALPHA, "s", 9, 101), 0), at(sell(BRAVO, "t", 9, 100), 1), at(session_lost(ALPHA), 2)
    )
    assert not ended and not so_far


def test_m192_the_command_prints_a_line_a_maker(
    tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    """From the files of a venue: names instead of numbers, met or missed.

    What is owed stands in products.toml, or is asked for.
    """
    names = {1: b"ALPHA-1", 3: b"BRAVO-1"}
    venue = [
        product(1, code=b"SITB"),
        instrument(1, 1, symbol=b"SITB2612"),
        *(member(who.member) for who in (ALPHA, BRAVO)),
        *(account(who.account, who.member, name=names[who.account]) for who in (ALPHA, BRAVO)),
        *(session(who.session, who.member) for who in (ALPHA, BRAVO)),
    ]
    commands = [
        *(one | {"time_ns": START_NS} for one in venue),
        at(quote(ALPHA, "q1", (50, 99), (50, 100)), 1),
        at(quote(BRAVO, "q2", (50, 98), (50, 101)), 3),
        at(roll_product(1, DAY_2), 5),
        at(quote(ALPHA, "q3", (50, 99), (50, 100)), 6),
    ]
    packed, blobs = pack(number(commands))
    sequencer = Sequencer.open(tmp_path, new_limits=small_limits(), venue_day=DAY_1, threaded=False)
    sequencer.submit(packed, blobs)
    with DefinitionsWriter(tmp_path, sequencer.command_count) as writer:
        writer.add_commands(packed, blobs, 1)
    sequencer.close()
    assert run_makers(tmp_path, Asked()) == 0
    printed = capsys.readouterr().out
    terms = load_products().product("SITB").maker
    assert (
        f"owed in SITB: at most {terms.spread_percent} % of the middle, at least {terms.qty} lots,"
        f" {terms.presence_percent} % of continuous trading"
    ) in printed
    lines = [line for line in printed.splitlines() if "2026120" in line]
    assert ["80.0%" in line and "met" in line for line in lines] == [True, False, False]
    assert "BRAVO-1" in lines[1] and "missed" in lines[1] and "SITB2612" in lines[1]
    assert "ALPHA-1" in lines[2] and "goes on" in lines[2]
    assert run_makers(tmp_path, Asked(4.5, 51, 10)) == 0
    printed = capsys.readouterr().out
    assert "at most 4.5 % of the middle, at least 51 lots, 10 % of" in printed
    assert "missed" in next(line for line in printed.splitlines() if "ALPHA-1" in line)
    assert run_makers(tmp_path / "nothing", Asked()) == 1


def test_a_product_that_owes_nothing_known_is_refused() -> None:
    known = Known()
    known.products["OTHER"] = known.products["SITB"] = np.zeros(1, PRODUCT)[0]
    with pytest.raises(SpecError, match=r"products.toml: \$\.product: no product 'OTHER'"):
        wanted_of(known, load_products(), Asked())
