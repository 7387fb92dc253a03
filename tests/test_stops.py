"""Stop orders: cascades against the naive exchange, and the tree that holds those that wait.

Source: specs/matching.md M-160 to M-168.
"""

from __future__ import annotations

import itertools
import random

import numpy as np
import pytest

from engine.machine import Engine
from engine.types import EventKind
from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    TICK,
    buy,
    cancel,
    mass_cancel,
    member,
    number,
    replace,
    sell,
    stop,
    usual_venue,
)
from tests.exchanges import EngineVenue, small_limits
from tests.twin import ROWS_MIN, Twin, compare_state, drive

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]

SELL_STOPS = [(w.SELL, at, limit) for at in (97, 98, 99) for limit in (None, at - 1, at + 1)]
BUY_STOPS = [(w.BUY, at, limit) for at in (101, 102) for limit in (None, at + 1)]


def case(name: str, stops: tuple, depth: tuple[int, ...]) -> list[dict]:
    """Stops wait around 100, bids lie at 99 to 96: a sell starts it; then all is cleared again."""
    made = []
    for at, (side, price, limit) in enumerate(stops):
        who = (ALPHA, ALPHA_2)[at % 2]
        made.append(stop(who, f"{name}s{at}", side, 1 + at, price, ticks=limit))
    for at, qty in enumerate(depth):
        made.append(buy(BRAVO, f"{name}b{at}", qty, 99 - at))
    made.append(sell(BRAVO, f"{name}o", 4, 102, self_match_id=7))
    made.append(sell(CHARLIE, f"{name}x", 2, 98))
    for at, who in enumerate((ALPHA, BRAVO, CHARLIE)):
        made.append(mass_cancel(who, f"{name}m{at}", w.SCOPE_MEMBER))
    return [*made, sell(BRAVO, f"{name}y", 1, 100), buy(CHARLIE, f"{name}z", 1, 100)]


def duel(commands: list[dict], cuts: int = 1) -> Twin:
    """Every event, state and cut of the commands is the naive exchange's."""
    twin = Twin(0, limits=small_limits(requests_max=200_000), start=number(commands))
    drive(twin, cuts)
    return twin


def plentiful() -> list[dict]:
    """The usual venue with quotas for a hundred thousand commands."""
    return [
        *usual_venue(),
        *(member(one, requests_max=10**6, orders_max=10**6) for one in (1, 2, 3)),
    ]


def assert_triggered(twin: Twin, least: int) -> None:
    """The duel was about something."""
    triggered = sum(event["kind"] == EventKind.TRIGGERED for event in twin.events())
    assert triggered >= least, triggered


def test_all_triples_of_stops() -> None:
    """Three stops of 13 kinds in every order, on a book that the cascade sweeps: 2,197 cases."""
    kinds = [*SELL_STOPS, *BUY_STOPS]
    commands = plentiful()
    for at, stops in enumerate(itertools.product(kinds, repeat=3)):
        commands += case(f"{at}", stops, depth=(1, 2, 1, 9))
    assert_triggered(duel(commands, cuts=1), least=3_000)


@pytest.mark.parametrize("seed", range(4))
def test_quick_random_cascades(seed: int) -> None:
    """Up to eight stops on books that are thin or deep."""
    source = random.Random(seed)
    kinds = [*SELL_STOPS, *BUY_STOPS]
    commands = plentiful()
    for at in range(60):
        stops = tuple(source.choice(kinds) for _ in range(source.randint(1, 8)))
        depth = tuple(source.randint(1, 6) for _ in range(4))
        commands += case(f"{at}", stops, depth)
    assert_triggered(duel(commands), least=60)


@pytest.mark.parametrize("seed", range(2))
def test_quick_one_trade_starts_hundreds(seed: int) -> None:
    """A cascade through the whole book, in buffers of eight rows and in one wide one."""
    source = random.Random(seed)
    commands = plentiful()
    for at in range(300):
        price = source.randint(91, 99)
        who = source.choice((ALPHA, ALPHA_2, BRAVO))
        limit = source.choice((None, None, price - 1, price))
        commands.append(stop(who, f"s{at}", w.SELL, source.randint(1, 3), price, ticks=limit))
        commands.append(buy(source.choice((BRAVO, CHARLIE)), f"b{at}", 1, source.randint(90, 99)))
    commands.append(sell(CHARLIE, "x", 60, 99))
    twin = Twin(0, start=number(commands))
    twin.watch()
    assert_triggered(twin, least=150)
    venue = EngineVenue()
    rows = venue.run_rows(twin.commands)
    twin.compare(rows)
    compare_state(twin, venue)
    narrow = EngineVenue().run_rows(twin.commands, lambda: (50, ROWS_MIN))
    assert narrow.tobytes() == rows.tobytes()


def test_quick_the_tree_keeps_its_order_and_survives_a_snapshot() -> None:
    """Entered, replaced and cancelled at random: who waits is who should, before and after."""
    source = random.Random(5)
    commands = plentiful()
    alive: list[tuple[str, int]] = []
    for at in range(900):
        roll = source.random()
        if roll < 0.6 or not alive:
            side = source.choice((w.BUY, w.SELL))
            price = source.randint(101, 110) if side == w.BUY else source.randint(90, 99)
            commands.append(stop(ALPHA, f"{at}", side, 1, price))
            alive.append((f"{at}", side))
            continue
        name, side = alive.pop(source.randrange(len(alive)))
        if roll < 0.8:
            commands.append(cancel(ALPHA, f"{at}", name))
            continue
        price = source.randint(101, 110) if side == w.BUY else source.randint(90, 99)
        commands.append(replace(ALPHA, f"{at}", name, 2, 0, stop_price=price * TICK))
        alive.append((f"{at}", side))
    twin = duel(commands)
    first = EngineVenue(twin.limits)
    first.run_rows(twin.commands)
    requests = first.engine.requests.copy()
    wide = small_limits(requests_max=200_000, orders_max=5_000)
    second = Engine.restore(wide, first.engine.snapshot(), requests)
    assert second.state_hash() == first.engine.state_hash()
    assert np.array_equal(second.stops(1), first.engine.stops(1))
    assert len(second.stops(1)) == len(alive)
    second.tables().stops["price"][second.tables().stops["price"] != 0] += TICK
    assert second.state_hash() != first.engine.state_hash()
