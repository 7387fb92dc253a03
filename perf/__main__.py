"""`python -m perf [NAME ...] [--json FILE] [--smoke]`: prints benchmark rows with their method."""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Callable
from pathlib import Path

from perf import (
    auction,
    browsers,
    codec,
    console,
    day,
    engine_flow,
    engine_implied,
    engine_stops,
    feed,
    feed_faults,
    feed_load,
    journal_replay,
    quotes,
    sessions,
    validation,
    wire,
)
from perf.rows import Row, write_json

BENCHMARKS: dict[str, Callable[[float], list[Row]]] = {
    "engine.flow": engine_flow.flow,
    "engine.large": engine_flow.large,
    "engine.stops": engine_stops.stops,
    "engine.implied": engine_implied.implied,
    "engine.uncross": auction.uncross,
    "codec.decode": codec.decode,
    "codec.encode": codec.encode,
    "codec.validation": validation.validation,
    "journal.replay": journal_replay.replay_rate,
    "day.replay": day.day_replay,
    "wire.one_session": wire.one_session,
    "wire.eight_sessions": wire.eight_sessions,
    "wire.mass_quote": quotes.mass_quotes,
    "wire.idle_rtt": wire.idle_rtt,
    "wire.fsync_rtt": wire.fsync_rtt,
    "wire.fsync_throughput": wire.fsync_throughput,
    "sessions.idle": sessions.idle,
    "sessions.active": sessions.active,
    "resend": sessions.resend,
    "hostile": sessions.hostile,
    "feed.order_to_packet": wire.order_to_packet,
    "feed.publish": feed.publish,
    "feed.handler": feed.handle,
    "feed.late_join": feed.late_join,
    "feed.console_clients": console.console_clients,
    "feed.browsers": browsers.browsers,
    "feed.on_off": feed_load.on_off,
    "feed.every_message": feed_load.every_message,
    "feed.faults": feed_faults.faults,
}
SMOKE_SCALE = 0.01


def main() -> None:
    """Runs the named benchmarks (all where none is named); a name may be a prefix."""
    parser = argparse.ArgumentParser(prog="python -m perf", description=__doc__)
    parser.add_argument(
        "names", nargs="*", help="rows or their beginnings: " + " ".join(BENCHMARKS)
    )
    parser.add_argument("--json", type=Path, help="write the rows to this file")
    parser.add_argument("--smoke", action="store_true", help="tiny counts: does everything run?")
    chosen = parser.parse_args()
    unknown = [n for n in chosen.names if not any(b.startswith(n) for b in BENCHMARKS)]
    if unknown:
        parser.error(f"no benchmark is called {', '.join(unknown)}")
    scale = SMOKE_SCALE if chosen.smoke else 1.0
    print(
        f"# {platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.2f}"
    )
    rows: list[Row] = []
    for name, run in BENCHMARKS.items():
        if chosen.names and not any(name.startswith(n) for n in chosen.names):
            continue
        for row in run(scale):
            print(row.line(), flush=True)
            rows.append(row)
    if chosen.json:
        write_json(rows, chosen.json)


if __name__ == "__main__":
    main()
