"""A venue process killed with SIGKILL in the middle of its turns loses nothing it had flushed."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from engine.replay import replay
from tests.journal_rig import facts, open_venue
from tests.standin_engine import StandInEngine

ROOT = Path(__file__).resolve().parent.parent
LIVES = 8

CHILD = """
import os, sys
from dataclasses import replace
from tests.journal_rig import DAY, open_venue, turn
from tests.standin_engine import SMALL_LIMITS
limits = replace(SMALL_LIMITS, requests_max=200_000)
venue = open_venue(sys.argv[1], threaded=True, durability=sys.argv[2], limits=limits)
number = venue.command_count
while True:
    number += 3
    turn(venue, number, number % 90 + 1, b"x" * (number % 700))
    if sys.argv[2] == "fsync":
        venue.sync()
    if number % 20 == 0:
        venue.roll_day(venue.venue_day + 1)
    os.write(1, b"%d %d\\n" % (venue.command_count, venue.events_durable()))
"""


def live_and_die(path: Path, durability: str, seconds: float) -> tuple[int, int]:
    """What the last whole line of a killed venue said: commands and durable events."""
    said = path.with_suffix(".out")
    with said.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(path), durability], stdout=out, cwd=ROOT
        )
        deadline = time.monotonic() + 30
        while said.stat().st_size == 0 and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(seconds)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    commands, events = said.read_bytes().splitlines()[-2].split()
    return int(commands), int(events)


def test_nothing_flushed_is_lost(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    dice = random.Random(1)
    for life in range(LIVES):
        durability = "fsync" if life % 2 else "os"
        commands, events = live_and_die(path, durability, dice.random() * 0.3)
        venue = open_venue(path, limits=None)
        assert venue.command_count >= commands
        assert venue.events_durable() >= events
        want = facts(venue)
        assert len(want[2]) // 128 == venue.events_durable()
        venue.close() if life % 3 == 0 else venue.abandon()
    assert replay(path, make=StandInEngine).state_hash == want[1]
