"""The dialogues of tests/fix/, each by a member of its own, all at once against one venue over TCP.

Source: fix-session 1.1 to 1.5; names begin with the scenario of the FIX session test cases.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.service import engine_limits
from perf.client import front_symbol
from perf.members import write_members
from perf.venue import Venue
from specs.venue import load_venue
from tests.fix_dialogue import DIALECTS, Dialect, Play, Situation, load_situations, play_all

SITUATIONS = [(situation, dialect) for dialect in DIALECTS for situation in load_situations()]
SITUATIONS_MIN = 120
SETTINGS = (
    "fix.connections_max=4000",
    "fix.logon_timeout_seconds=6",
    "fix.logout_timeout_seconds=1",
)


def comp_id(number: int, dialect: Dialect) -> str:
    return f"M{number}{dialect.suffix}"


def written(folder: Path) -> Path:
    """A configuration with a member of two sessions for each situation."""
    names = [comp_id(number, dialect) for number, (_, dialect) in enumerate(SITUATIONS)]
    return write_members(folder / "venue.toml", ((name, name + "x") for name in names))


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What went wrong in each situation; empty: nothing."""
    config = written(tmp_path_factory.mktemp("members"))
    symbol = front_symbol()
    with Venue(config=config, settings=SETTINGS) as venue:
        plays = [
            Play(situation, comp_id(number, dialect), venue.fix_port, symbol, dialect)
            for number, (situation, dialect) in enumerate(SITUATIONS)
        ]
        return asyncio.run(play_all(plays))


def _name(number: int) -> str:
    situation, dialect = SITUATIONS[number]
    return f"{dialect.begin}-{situation.name}"


@pytest.mark.parametrize("number", range(len(SITUATIONS)), ids=_name)
def test_dialogue(found: list[str], number: int) -> None:
    assert not found[number], found[number]


def test_there_are_enough_situations_and_each_has_a_name_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names: list[Situation] = load_situations()
    assert len(SITUATIONS) >= SITUATIONS_MIN
    assert len({situation.name for situation in names}) == len(names)
    assert all(situation.shows and situation.steps for situation in names)
    with capsys.disabled():
        print(f"{len(SITUATIONS)} dialogues, {len(DIALECTS)} dialect(s)")  # noqa: T201


def test_the_tables_hold_everybody_who_is_configured(tmp_path: Path) -> None:
    """More accounts and sessions than the least tables have."""
    names = [tuple(f"M{number}s{serial}" for serial in range(9)) for number in range(130)]
    limits = engine_limits(load_venue(write_members(tmp_path / "venue.toml", names)))
    assert (limits.members_max, limits.accounts_max, limits.sessions_max) == (130, 130, 1_170)
