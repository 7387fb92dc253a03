"""Recovery with the real engine: random flows, kills, clean stops and rolls, lost caches."""

from __future__ import annotations

import random

import pytest

from engine.files import FileSizes
from engine.machine import Engine
from engine.replay import replay
from engine.sequencer import Sequencer
from engine.types import CommandKind
from tests.build import DAY_1, START_NS, pack
from tests.exchanges import small_limits
from tests.flow import Flow, small_world
from tests.journal_rig import event_files, facts, files

SIZES = FileSizes(
    journal_bytes=1 << 17, journal_reserve_bytes=1 << 15, event_rows=512, event_reserve_rows=64,
    request_chunk_rows=1024, request_resident_rows=1024,
)  # fmt: skip


def start(path) -> Sequencer:
    return Sequencer.open(
        path, limits=small_limits(), durability="os", now_ns=START_NS, venue_day=DAY_1,
        sizes=SIZES, make=Engine, threaded=False,
    )  # fmt: skip


def trade(venue: Sequencer, flow: Flow, dice: random.Random, turns: int) -> None:
    """Turns of one to forty commands each; commands of control go alone."""
    for _ in range(turns):
        batch = [flow.next() for _ in range(dice.randint(1, 40))]
        plain: list[dict] = []
        for one in batch:
            if one["kind"] < CommandKind.ROLL_DAY:
                plain.append(one)
                continue
            if plain:
                venue.submit(*pack(plain))
            plain = []
            if one["kind"] != CommandKind.ROLL_DAY:
                venue.submit(*pack([one]))
            elif one["trading_date"] > venue.venue_day:
                venue.roll_day(one["trading_date"])
        if plain:
            venue.submit(*pack(plain))
        venue.append_sessions(b"store" * dice.randint(1, 20))
        venue.flush()


@pytest.mark.parametrize("seed", range(6))
def test_recovery_is_equal_after_kills_stops_and_rolls(tmp_path, seed):
    dice = random.Random(seed)
    flow = Flow(seed)
    venue = start(tmp_path)
    venue.submit(*pack(small_world()))
    venue.flush()
    for life in range(5):
        trade(venue, flow, dice, 12)
        if dice.random() < 0.5:
            venue.roll_day(flow.venue_day + 100 * life + 1)
            flow.venue_day = venue.venue_day
        trade(venue, flow, dice, dice.randint(0, 3))
        want = facts(venue)
        venue.close() if dice.random() < 0.4 else venue.abandon()
        if dice.random() < 0.3:
            dice.choice(event_files(tmp_path)).unlink()
        venue = start(tmp_path)
        assert facts(venue) == want
    venue.close()
    assert replay(tmp_path).state_hash == want[1]
    part = want[0] // 2
    assert replay(tmp_path, part).state_hash == replay(tmp_path, part, from_start=True).state_hash
    for kind in ("events", "snapshot"):
        for path in files(tmp_path, kind):
            path.unlink()
    venue = start(tmp_path)
    assert facts(venue) == want
    venue.close()
