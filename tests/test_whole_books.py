"""Whole books over FIX: one message where that holds them, increments behind it (O-175)."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import market_data
from gateway.assembly import Assembly
from gateway.level_changes import changes
from gateway.values import format_price
from tests.member_rig import FROM_NS, Member, Second, opened, trading
from tests.test_market_data import BOOK, SYMBOL, Watcher, engine_book, enter

pytestmark = pytest.mark.kernels
SIDES = st.dictionaries(
    st.integers(-9, 9), st.tuples(st.integers(1, 3), st.integers(1, 2)), max_size=12
)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    yield from opened(tmp_path, FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    yield from trading(parts)


@pytest.fixture
def other(parts: Assembly, member: Member) -> Iterator[Member]:
    with socket.socket() as peer:
        yield Second(parts, peer)


@given(SIDES, SIDES, st.booleans())
def test_o142_changes_lead_from_one_side_to_the_next(
    before: dict[int, tuple[int, int]], now: dict[int, tuple[int, int]], rising: bool
):
    """Each level is in what it belongs to, once, and best first."""

    def rows(side: dict[int, tuple[int, int]]) -> np.ndarray:
        levels = [(price, *side[price]) for price in sorted(side, reverse=not rising)]
        return np.array(levels, np.int64).reshape(-1, 3)

    found = changes(rows(before), rows(now))
    wanted = [one for one in rows(now).tolist() if one[0] not in before]
    assert found.new.tolist() == wanted
    assert sorted(found.gone.tolist()) == sorted(before.keys() - now.keys())
    both = [one for one in rows(now).tolist() if one[0] in before]
    assert found.other.tolist() == [one for one in both if before[one[0]] != tuple(one[1:])]


def deep_book(member: Member, other: Member, count: int) -> None:
    """So many levels a side."""
    for number in range(1, count + 1):
        for line, side, ticks in ((member, "1", -number), (other, "2", number)):
            enter(line, f"{side}-{number}", side, format_price((2_000 + ticks) * 10**6), number)
    member.said.clear()


def test_o175_a_whole_book_is_one_message(parts: Assembly, member: Member, other: Member):
    deep_book(member, other, 150)
    for depth, levels in ((0, 150), (70, 70)):
        watcher = Watcher(member)
        watcher.ask("0", depth, BOOK, (SYMBOL,))
        assert watcher.messages == ["W"] and len(watcher.books[SYMBOL]) == 2 * levels
        assert watcher.books[SYMBOL] == engine_book(parts, SYMBOL, levels)


@pytest.mark.parametrize("how", ["0", "1"])
@pytest.mark.parametrize("incremental", ["0", "1"])
def test_o175_what_goes_beyond_a_refresh_follows_it(
    parts: Assembly,
    member: Member,
    other: Member,
    how: str,
    incremental: str,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(market_data, "REFRESH_ENTRIES_MAX", 70)
    monkeypatch.setattr(market_data, "TURN_REFRESHES_MAX", 1)
    deep_book(member, other, 90)
    watcher = Watcher(member)
    kinds = (*BOOK, b"6", b"B")
    watcher.ask(how, 0, kinds, (SYMBOL,), (265, incremental))
    assert watcher.messages == ["W", "X", "X"], "68 levels, then 64 and 48"
    assert watcher.turns > 2, "others have had theirs"
    book = watcher.books[SYMBOL]
    assert (book["6", ""], book["B", ""]) == (("2", ""), ("0", ""))
    assert watcher.levels(SYMBOL) == engine_book(parts, SYMBOL, 90)
    if how == "0":
        return
    enter(member, "far", "1", "1.9", 5)
    enter(member, "near", "1", "2.05", 1_000)
    watcher.update()
    assert watcher.levels(SYMBOL) == engine_book(parts, SYMBOL, 100)
    told = [one for one in watcher.messages[3:] if one in "WX"]
    assert told == (["X"] if incremental == "1" else ["W", "X", "X"])
