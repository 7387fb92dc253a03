"""Block trades against the naive exchange, among orders, busts and corrections.

Source: specs/matching.md M-224 to M-228.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from engine.limits import EngineLimits
from engine.machine import Engine
from tests import naive_words as w
from tests.exchanges import EngineVenue, small_limits
from tests.flow_blocks import block_flow
from tests.twin import RUNS, SEEDS, SPOILS, Twin, any_flow, drive, drive_once

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]


def blocking(seed: int, spoils: int = 40, limits: EngineLimits | None = None) -> Twin:
    return Twin(seed, limits=limits, spoils=spoils, make_flow=block_flow)


@pytest.mark.parametrize("seed", range(4))
def test_quick_flow_with_blocks(seed: int) -> None:
    twin = blocking(40_000 + seed).grow(1_500)
    drive(twin, cuts=1)
    kinds = Counter(event["kind"] for event in twin.events())
    assert kinds[w.BLOCK_TRADED] > 1 and kinds[w.BLOCK_REPORTED] > 50


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12 * RUNS))
def test_flow_with_blocks(seed: int) -> None:
    twin = blocking(41_000 + seed, spoils=3 if seed % 4 == 0 else 40).grow(800)
    twin.call(w.PRE_OPEN, 300).grow(1_500)
    drive(twin, cuts=2)


@pytest.mark.parametrize("seed", range(2))
def test_quick_snapshot_keeps_reports_that_wait(seed: int) -> None:
    twin = blocking(42_000 + seed).grow(500)
    rows = EngineVenue().run_rows(twin.commands)
    twin.compare(rows)
    at = 1 + max(
        place
        for place, one in enumerate(twin.wanted[:-40])
        if one and one[-1]["kind"] == w.BLOCK_REPORTED and not one[-1]["reason"]
    )
    first = EngineVenue()
    before = first.run_rows(twin.commands[:at])
    assert first.engine.tables().blocks["request"].any()
    second = EngineVenue(small_limits(members_max=20, accounts_max=20))
    requests = first.engine.requests.copy()
    second.engine = Engine.restore(second.limits, first.engine.snapshot(), requests)
    assert second.engine.state_hash() == first.engine.state_hash()
    after = second.run_rows(twin.commands[at:])
    assert np.concatenate([before, after]).tobytes() == rows.tobytes()


@any_flow(80, seeds=SEEDS, spoils=SPOILS)
def test_any_flow_with_blocks(seeds: list[int], cut: int, spoils: int) -> None:
    """Each command from a seed of its own: a failing flow shrinks by leaving commands out."""
    twin = blocking(0, spoils=spoils).grow_by(seeds)
    drive_once(twin, cut)
