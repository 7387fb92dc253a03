"""Spreads and implied trading: engine and naive exchange side by side.

Source: specs/matching.md section 20. SITEX_TWIN_RUNS makes it longer.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import strategies as st

from engine.machine import Engine
from tests import naive_words as w
from tests.build import number
from tests.exchanges import EngineVenue, small_limits
from tests.flow_spreads import SPREADS, SpreadFlow, spread_world
from tests.twin import RUNS, SEED, SEEDS, Twin, any_flow, drive, drive_once

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]


def spread_twin(seed: int, **fields: int) -> Twin:
    """A twin whose flow trades spreads."""
    return Twin(seed, start=number(spread_world()), flow_type=SpreadFlow, **fields)


@pytest.mark.parametrize("seed", range(4))
def test_quick_spread_flow(seed: int) -> None:
    """Months and their spreads trade beside all else; legs are told of every trade."""
    twin = spread_twin(seed).grow(900)
    legs = [event for event in twin.events() if event["flags"] & w.LEG]
    assert {event["instrument"] for event in legs} <= {1, 7, 8, 9}
    assert len(legs) > 20
    drive(twin)


@pytest.mark.slow
def test_seeded_flows_reach_implied_trading() -> None:
    """Trades of all kinds of orders, both ways of a switch, stops and pauses behind such trades."""
    seen: Counter = Counter()
    for seed in range(6):
        for one in spread_twin(seed).grow(1_500).wanted:
            kinds = {event["kind"] for event in one}
            seen.update((event["kind"], event["qty"]) for event in one if event["kind"] > w.IMPLIED)
            seen[w.IMPLIED] += w.IMPLIED in kinds
            traded = [event for event in one if event["flags"] & w.IMPLIED_TRADE]
            aggressors = {one["instrument"] for one in traded if one["flags"] & w.AGGRESSOR}
            seen.update("spread" if number in SPREADS else "month" for number in aggressors)
            seen["stop"] += bool(traded) and w.TRIGGERED in kinds
            seen["pause"] += bool(traded) and w.PHASE_CHANGED in kinds
    wanted = [w.IMPLIED, (w.IMPLIED_SET, 0), (w.IMPLIED_SET, 1), "spread", "month", "stop", "pause"]
    assert all(seen[one] for one in wanted), seen


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24 * RUNS))
def test_spread_flow(seed: int) -> None:
    drive(spread_twin(100 + seed).grow(3_000), cuts=2)


@pytest.mark.parametrize("seed", range(2))
def test_quick_spread_auctions(seed: int) -> None:
    """Calls of months and spreads, with their uncrosses."""
    twin = spread_twin(200 + seed).call(w.PRE_OPEN, 400, (5, 6, 7)).grow(150)
    trades = [event for event in twin.events() if event["flags"] & w.AUCTION]
    assert trades
    drive(twin)


@pytest.mark.parametrize("seed", range(2))
def test_quick_spread_snapshot(seed: int) -> None:
    """An engine restored from a snapshot goes on as if nothing had happened."""
    twin = spread_twin(300 + seed).grow(500)
    rows = EngineVenue().run_rows(twin.commands)
    twin.compare(rows)
    at = len(twin.commands) - 200
    first = EngineVenue()
    head = first.run_rows(twin.commands[:at])
    venue = EngineVenue()
    data = first.engine.snapshot()
    venue.engine = Engine.restore(small_limits(), data, first.engine.requests.copy())
    assert venue.engine.state_hash() == first.engine.state_hash()
    tail = venue.run_rows(twin.commands[at:])
    assert head.tobytes() + tail.tobytes() == rows.tobytes()


@any_flow(80, seeds=SEEDS, called=st.lists(SEED, max_size=60))
def test_any_spread_flow(seeds: list[int], called: list[int], cut: int) -> None:
    """Each command from a seed of its own, a call in the middle; cut at random."""
    twin = spread_twin(0).grow_by(seeds).phase(w.PRE_OPEN, (5, 6, 7))
    twin.grow_by(called).phase(w.CONTINUOUS, (5, 6, 7)).grow_by(seeds[:20])
    drive_once(twin, cut)
