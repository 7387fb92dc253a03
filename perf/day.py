"""`day.replay`: a whole simulated trading day, all products and phases, from its journal.

`gateway.day.simulate` writes the day into an empty directory (auctions, rolls and the venue day's
roll included); then `engine.replay.replay` reads it from the first record into a fresh engine. The
state must be the one the day ended in. The median of RUNS is the row; the day itself, generator
and all, is the row `day.simulate`.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from datetime import date
from pathlib import Path

from engine.replay import replay
from gateway.day import DayTerms, simulate
from perf.rows import Row
from specs.products import load_products
from specs.venue import load_venue

COMMANDS = 10_000_000
RUNS = 3
DAY = date(2026, 11, 25)


def day_replay(scale: float = 1.0) -> list[Row]:
    """The rows `day.replay` and `day.simulate`."""
    count = max(10_000, int(COMMANDS * scale))
    directory = Path(tempfile.mkdtemp(prefix="sitex-perf-"))
    try:
        started = time.perf_counter()
        day = simulate(DayTerms(DAY, 1, count), load_products(), load_venue(), directory)
        made = time.perf_counter() - started
        results = [replay(directory) for _ in range(RUNS)]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    assert all(result.state_hash == day.state_hash for result in results), "another state"
    contracts = len(day.known.instruments)
    method = (
        f"{day.commands:,} commands and {day.events:,} events over {contracts} contracts of"
        f" {DAY}, median of {RUNS}"
    )
    seconds = statistics.median(result.seconds for result in results)
    through = f"generator included; journaled and applied in {day.seconds:.2f} s"
    return [
        Row("day.replay", seconds, "s", method=method),
        Row("day.simulate", made, "s", method=through),
    ]
