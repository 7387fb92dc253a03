"""`journal.replay`: commands a second from a journal into a fresh engine, everything checked.

A venue's sequencer writes the journal of the engine benchmark's flow into an empty directory; then
`engine.replay.replay` reads it from the first record: header hashes, payload checksums, engine. The
files are in the page cache; the kernels are compiled before; tables are those of a new engine, not
touched before. The state hash must equal the sequencer's. The median of RUNS is the row.
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np

from engine.limits import EngineLimits
from engine.replay import replay
from engine.sequencer import Sequencer
from engine.types import COMMAND
from perf.flow import Flow
from perf.rows import Row

COMMANDS = 3_000_000
LIVE = 4_000
RUNS = 5
BATCHES = (4_096, 64)
_START_NS = 1_795_000_000 * 10**9


def replay_rate(scale: float = 1.0) -> list[Row]:
    """The rows `journal.replay` (batches of 4,096) and `journal.replay.batch_64`."""
    rows = []
    for batch in BATCHES:
        count = max(2 * LIVE, int(COMMANDS * scale * (1.0 if batch >= 1_024 else 0.2)))
        directory = Path(tempfile.mkdtemp(prefix="sitex-perf-"))
        try:
            write_rate, state_hash = _write(directory, count, batch)
            rates = []
            for _ in range(RUNS):
                result = replay(directory)
                assert result.state_hash == state_hash, "the replay is not what was journaled"
                rates.append(result.commands_per_second)
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        name = "journal.replay" if batch == BATCHES[0] else f"journal.replay.batch_{batch}"
        method = (
            f"{result.commands:,} commands in batches of {batch:,}, {LIVE:,} live orders, median of"
            f" {RUNS} (best {max(rates):,.0f}); journaled and applied at {write_rate:,.0f}/s"
        )
        rows.append(Row(name, statistics.median(rates), "commands/s", method=method))
    return rows


def _write(directory: Path, count: int, batch: int) -> tuple[float, bytes]:
    """Journal the flow; (commands a second through the sequencer, the engine's state hash)."""
    limits = EngineLimits(orders_max=1 << 16, requests_max=count + (1 << 17))
    venue = Sequencer.open(directory, limits=limits, durability="os", now_ns=_START_NS)
    flow = Flow(1, LIVE)
    venue.submit(*flow.definitions(limits.requests_max))
    venue.submit(flow.fill(LIVE))
    venue.flush()
    started_with = venue.command_count
    commands = np.zeros(batch, COMMAND)
    busy = 0.0
    while venue.command_count < count:
        commands[:] = np.zeros(1, COMMAND)
        flow.next(commands)
        started = time.perf_counter()
        venue.submit(commands)
        venue.flush()
        busy += time.perf_counter() - started
    state_hash = venue.engine.state_hash()
    written = venue.command_count - started_with
    venue.abandon()
    return written / busy, state_hash
