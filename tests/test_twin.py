"""Engine and naive exchange side by side: every event, field by field.

Source: specs/matching.md. SITEX_TWIN_RUNS makes it longer (1 is the default profile); what is
not marked slow is the part for runs with the JIT off.
"""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import strategies as st

from engine.machine import Engine
from engine.reasons import CancelReason
from engine.types import EventKind
from specs.rejects import Reject
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    DAY_3,
    buy,
    kill,
    mass_cancel,
    number,
    product,
    roll_day,
    roll_product,
    sell,
    session_lost,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue, small_limits
from tests.flow_blocks import block_flow
from tests.twin import (
    ROWS_MIN,
    RUNS,
    SEED,
    SEEDS,
    SPOILS,
    Twin,
    any_flow,
    compare_state,
    drive,
    drive_once,
)

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]
HIDDEN = [product(1, features=ALL_FEATURES | w.AUCTION_HIDDEN), *usual_venue()[1:]]
REJECTING = (w.REJECTED, w.CANCEL_REJECTED, w.MASS_CANCEL_REJECTED, w.QUOTE_REJECTED)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(48 * RUNS))
def test_seeded_flow(seed: int) -> None:
    twin = Twin(seed).grow(3_000)
    drive(twin, cuts=2)


@pytest.mark.parametrize("seed", range(6))
def test_quick_flow(seed: int) -> None:
    twin = Twin(1_000 + seed, spoils=2 if seed == 0 else 40).grow(1_500)
    drive(twin, cuts=1)


@pytest.mark.parametrize("seed", range(4))
def test_quick_auctions(seed: int) -> None:
    """Calls of all products, with their uncrosses, between continuous trading."""
    auction_day(7_000 + seed, 150)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24 * RUNS))
def test_auction_days(seed: int) -> None:
    auction_day(8_000 + seed, 700)


def auction_day(seed: int, count: int) -> None:
    """Opening, pause and closing call of so many commands each, and trading between them."""
    twin = Twin(seed).call(w.PRE_OPEN, count).grow(count)
    twin.call(w.VOLATILITY_PAUSE, count, (1, 2)).grow(count).call(w.CLOSING, count)
    trades = [event for event in twin.events() if event["flags"] & w.AUCTION]
    assert trades
    drive(twin, cuts=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12 * RUNS))
def test_hostile_flow(seed: int) -> None:
    """Every other command has nasty values in random fields."""
    twin = Twin(2_000 + seed, spoils=2).grow(3_000)
    drive(twin, cuts=2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_full_tables(seed: int) -> None:
    """Order pool and request rows of all members together run out: rejects, nothing else."""
    limits = small_limits(orders_max=12, requests_max=900)
    twin = Twin(3_000 + seed, limits=limits).grow(2_500)
    reasons = Counter(event["reason"] for event in twin.events() if event["kind"] in REJECTING)
    assert reasons[Reject.ORDERS_FULL]
    drive(twin, cuts=2)


@pytest.mark.parametrize("seed", range(2))
def test_quick_sizes_and_hash_keys_change_nothing(seed: int) -> None:
    """Wider tables and another spread of the index of ids: the same bytes and state hash (M-1)."""
    twin = Twin(5_000 + seed).grow(600)
    small = EngineVenue()
    rows = small.run_rows(twin.commands)
    twin.compare(rows)
    wide = EngineVenue(small_limits(orders_max=5_000, levels_max=262_144), hash_key=2**62 + 7)
    assert wide.run_rows(twin.commands).tobytes() == rows.tobytes()
    assert wide.engine.state_hash() == small.engine.state_hash()


@pytest.mark.parametrize("seed", range(4))
def test_quick_snapshot(seed: int) -> None:
    """An engine restored from a snapshot, into wider tables, goes on as if nothing had happened."""
    twin = Twin(4_000 + seed).grow(400)
    rows = EngineVenue().run_rows(twin.commands)
    twin.compare(rows)
    at = 60 + 90 * seed
    first = EngineVenue()
    before = first.run_rows(twin.commands[:at])
    second = EngineVenue(small_limits(orders_max=3_000, instruments_max=20 + seed))
    requests = first.engine.requests.copy()
    second.engine = Engine.restore(second.limits, first.engine.snapshot(), requests, hash_key=seed)
    assert second.engine.state_hash() == first.engine.state_hash()
    after = second.run_rows(twin.commands[at:])
    assert np.concatenate([before, after]).tobytes() == rows.tobytes()


@pytest.mark.parametrize("seed", range(3))
def test_quick_snapshot_in_a_call(seed: int) -> None:
    """The lots by price of a call are built anew: the restored engine indicates and uncrosses."""
    twin = Twin(9_000 + seed)
    twin.call(w.PRE_OPEN, 200)
    at = len(twin.commands) - 8 - 40 * seed
    rows = EngineVenue().run_rows(twin.commands)
    twin.compare(rows)
    first, second = EngineVenue(), EngineVenue(small_limits(levels_max=262_144))
    before = first.run_rows(twin.commands[:at])
    assert first.engine.tables().calls["calling"].any()
    requests = first.engine.requests.copy()
    second.engine = Engine.restore(second.limits, first.engine.snapshot(), requests)
    assert second.engine.state_hash() == first.engine.state_hash()
    after = second.run_rows(twin.commands[at:])
    assert np.concatenate([before, after]).tobytes() == rows.tobytes()


@pytest.mark.parametrize(
    "ending", ("sweep", "mass cancel", "session lost", "roll", "kill", "uncross")
)
def test_quick_long_work(ending: str) -> None:
    """One command with hundreds of events, in buffers of eight rows and in one wide one."""
    source = random.Random(ending)
    resting = []
    for at in range(400):
        who = source.choice((ALPHA, ALPHA_2, BRAVO))
        tif = source.choice((w.DAY, w.DAY, w.GTC))
        slices = {"display_qty": 2} if at % 7 == 0 else {}
        price = source.randint(101, 105)
        made = sell(who, f"s{at}", source.randint(3, 9), price, time_in_force=tif, **slices)
        resting.append(made | {"instrument": source.choice((1, 1, 2))})
    endings = {
        "sweep": [
            buy(CHARLIE, "c1", 900, 105),
            buy(CHARLIE, "c2", 1_000, 105, time_in_force=w.IOC),
        ],
        "mass cancel": [mass_cancel(ALPHA, "m1", w.SCOPE_MEMBER)],
        "session lost": [session_lost(ALPHA), session_lost(BRAVO)],
        "kill": [kill(ALPHA, session_id=ALPHA.session), kill(ALPHA), kill(BRAVO)],
        "roll": [roll_day(DAY_2), roll_product(1, DAY_2), roll_product(1, DAY_3)],
        "uncross": [set_phase(w.CONTINUOUS, instrument=0, product=1)],
    }
    before = usual_venue()
    if ending == "uncross":
        before = [*HIDDEN, set_phase(w.PRE_OPEN, instrument=0, product=1)]
        bought = [buy(CHARLIE, f"c{at}", source.randint(3, 9), 104) for at in range(200)]
        resting += bought
    twin = Twin(0, start=number([*before, *resting, *endings[ending]]))
    twin.watch()
    venue = EngineVenue()
    rows = venue.run_rows(twin.commands)
    twin.compare(rows)
    compare_state(twin, venue)
    narrow = EngineVenue().run_rows(twin.commands, lambda: (50, ROWS_MIN))
    assert narrow.tobytes() == rows.tobytes()


@any_flow(120, seeds=SEEDS, spoils=SPOILS)
def test_any_flow(seeds: list[int], cut: int, spoils: int) -> None:
    """Each command from a seed of its own: a failing flow shrinks by leaving commands out."""
    twin = Twin(0, spoils=spoils).grow_by(seeds)
    drive_once(twin, cut)


@any_flow(
    60,
    called=st.lists(SEED, min_size=1, max_size=120),
    traded=st.lists(SEED, max_size=30),
    phase=st.sampled_from((w.PRE_OPEN, w.NO_CANCEL, w.VOLATILITY_PAUSE, w.CLOSING)),
)
def test_any_call(called: list[int], traded: list[int], cut: int, phase: int) -> None:
    """The same with a call at the beginning, its uncross, and trading behind it."""
    twin = Twin(0).phase(phase).grow_by(called).phase(w.CONTINUOUS).grow_by(traded)
    drive_once(twin, cut)


def test_seeded_flows_reach_everything() -> None:
    """Every kind of event, every reject number, every reason for which quantity leaves."""
    kinds: Counter = Counter()
    rejects: Counter = Counter()
    reasons: Counter = Counter()
    twins = [*(Twin(seed) for seed in range(8)), Twin(8, make_flow=block_flow)]
    for twin in twins:
        for event in twin.grow(3_000).events():
            kinds[event["kind"]] += 1
            if event["kind"] in (*REJECTING, w.TRADE_KEPT, w.BLOCK_REPORTED):
                rejects[event["reason"]] += 1
            elif event["kind"] in (w.CANCELLED, w.EXPIRED, w.RESTATED):
                reasons[event["reason"]] += 1
    missing = {kind.name for kind in EventKind if kind and not kinds[kind]}
    assert missing == {
        "ALARM",  # a scenario of M-112 breaks the engine's tables for it
        "IMPLIED",  # tests/test_spreads.py
        "IMPLIED_SET",
    }
    assert {one.name for one in Reject if one and not rejects[one]} == set()
    assert {one.name for one in CancelReason if not reasons[one]} == set()
