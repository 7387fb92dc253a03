"""Busts and corrections against the naive exchange, among all that orders do.

Source: specs/matching.md M-217 to M-222.
"""

from __future__ import annotations

import numpy as np
import pytest

from engine.limits import EngineLimits
from engine.machine import Engine
from tests import naive_words as w
from tests.build import number
from tests.exchanges import EngineVenue, small_limits
from tests.flow_amend import amend_flow, amend_spread_flow
from tests.flow_spreads import spread_world
from tests.twin import RUNS, SEEDS, SPOILS, Twin, any_flow, drive, drive_once

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]
AMENDED = (w.TRADE_BUSTED, w.TRADE_CORRECTED)


def amending(seed: int, spoils: int = 40, limits: EngineLimits | None = None) -> Twin:
    return Twin(seed, limits=limits, spoils=spoils, make_flow=amend_flow)


@pytest.mark.parametrize("seed", range(4))
def test_quick_amended_flow(seed: int) -> None:
    twin = amending(20_000 + seed).grow(1_200)
    drive(twin, cuts=1)
    kinds = [event["kind"] for event in twin.events()]
    assert min(kinds.count(kind) for kind in (*AMENDED, w.TRADE_KEPT)) > 10


def amending_spreads(seed: int) -> Twin:
    return Twin(seed, start=number(spread_world()), make_flow=amend_spread_flow)


@pytest.mark.parametrize("seed", range(2))
def test_quick_amended_spreads(seed: int) -> None:
    """Positions of the legs move back with a spread's trade (M-219, M-234)."""
    twin = amending_spreads(25_000 + seed).grow(1_200)
    drive(twin, cuts=1)
    spreads = [event for event in twin.events() if event["kind"] in AMENDED]
    assert {event["instrument"] for event in spreads} & {10, 11, 12, 13, 14}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8 * RUNS))
def test_amended_spreads(seed: int) -> None:
    drive(amending_spreads(26_000 + seed).grow(2_500), cuts=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(16 * RUNS))
def test_amended_flow(seed: int) -> None:
    twin = amending(21_000 + seed, spoils=3 if seed % 4 == 0 else 40).grow(800)
    twin.call(w.PRE_OPEN, 300).grow(1_500)
    drive(twin, cuts=2)


@pytest.mark.parametrize("rows", [1, 8])
def test_quick_trades_pushed_out(rows: int) -> None:
    """A table of few trades: those before them are unknown, in both exchanges."""
    drive(amending(22_000, limits=small_limits(trades_max=rows)).grow(600), cuts=2)


@pytest.mark.parametrize("seed", range(3))
def test_quick_snapshot_keeps_trades(seed: int) -> None:
    """A restored engine busts what traded before, also with another table of trades."""
    twin = amending(23_000 + seed).grow(500)
    rows = EngineVenue().run_rows(twin.commands)
    twin.compare(rows)
    at = len(twin.commands) - 200
    first = EngineVenue()
    before = first.run_rows(twin.commands[:at])
    wide = {"trades_max": 2_048, "instruments_max": 20, "accounts_max": 20}
    second = EngineVenue(small_limits(**wide))
    requests = first.engine.requests.copy()
    second.engine = Engine.restore(second.limits, first.engine.snapshot(), requests)
    assert second.engine.state_hash() == first.engine.state_hash()
    after = second.run_rows(twin.commands[at:])
    assert np.concatenate([before, after]).tobytes() == rows.tobytes()
    assert np.isin(after["kind"], AMENDED).any()


def test_quick_snapshot_into_a_smaller_table_keeps_the_last_trades() -> None:
    twin = amending(24_000).grow(400)
    first = EngineVenue()
    first.run_rows(twin.commands)
    limits = small_limits(trades_max=16)
    second = Engine.restore(limits, first.engine.snapshot(), first.engine.requests.copy())
    last = int(first.engine.tables().header[0]["trade_count"])
    assert last > 32 and len(second.tables().trades) == 16
    first_kept = max(last - 15, int(first.engine.tables().header[0]["trades_from"]) + 1)
    for one in range(first_kept, last + 1):
        kept, given_up = second.tables().trades, first.engine.tables().trades
        assert kept[one & 15] == given_up[one & 1_023]
        sides = second.tables().trade_sides, first.engine.tables().trade_sides
        for place in range(2):
            left, right = 2 * (one & 15) + place, 2 * (one & 1_023) + place
            assert sides[0][left] == sides[1][right]


@any_flow(80, seeds=SEEDS, spoils=SPOILS)
def test_any_amended_flow(seeds: list[int], cut: int, spoils: int) -> None:
    """Each command from a seed of its own: a failing flow shrinks by leaving commands out."""
    twin = amending(0, spoils=spoils).grow_by(seeds)
    drive_once(twin, cut)
