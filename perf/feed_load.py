"""Rows feed.on_off and feed.every_message: what the feed costs the venue, and how far it is behind.

Method of feed.on_off: processor time of the venue's own process (not the feed's) an order, from the
kernel's account in nanoseconds, over a windowed run; with its feed and without one in turn, median
of each. Once on both cores and once with everything on one: the time of a process on a virtual core
depends on what the other core runs, which is the client alone or the feed, too.
feed.every_message: after a windowed run at full rate, wall time from the last report to the moment
when a subscriber's books have every order; all processes share the machine.
"""

from __future__ import annotations

import statistics
from pathlib import Path

from perf.client import Connection, encode_orders, run_window
from perf.rows import Row
from perf.venue import Venue, cpu_ns
from perf.wire import CORE, load_run, on_core

ORDERS, ROUNDS = 200_000, 3
EVERY_MESSAGE_ORDERS, WINDOW = 1_000_000, 4_096
_MODULES = {"on": "gateway.cli", "off": "perf.no_feed"}


def on_off(scale: float) -> list[Row]:
    """Microseconds an order with the feed, against without."""
    if not Path("/proc/self/schedstat").exists():
        return []
    count = max(2_000, int(ORDERS * scale))
    shared = _on_off("feed.on_off", count, None, "two cores for venue, feed and client")
    with on_core(CORE):
        alone = _on_off("feed.on_off_one_core", count, CORE, "venue, feed and client on one core")
    return [shared, alone]


def _on_off(name: str, count: int, core: int | None, where: str) -> Row:
    spent: dict[str, list[float]] = {"off": [], "on": []}
    for _ in range(ROUNDS):
        for kind, found in spent.items():
            found.append(_cpu_an_order(_MODULES[kind], count, core))
    value, floor = statistics.median(spent["on"]), statistics.median(spent["off"])
    told = ", ".join(f"{a:.2f}/{b:.2f}" for a, b in zip(spent["on"], spent["off"], strict=True))
    method = (
        f"CPU time of the gateway's process an order, feed on against off, {count:,} orders, window"
        f" {WINDOW}, os, {where}, {ROUNDS} rounds in turn, medians of {told}"
    )
    return Row(name, value, "us", floor, value / floor, method)


def _cpu_an_order(module: str, count: int, core: int | None) -> float:
    with Venue("os", core, module=module) as venue:
        connection = Connection("ALPHA", venue.fix_port)
        orders = encode_orders("ALPHA", 2 * count, first_seq=2)
        connection.logon()
        half = [orders.offsets[: count + 1], orders.offsets[count:]]
        spent_us = 0.0
        for offsets in half:  # the first half warms
            before = cpu_ns(venue.process.pid)
            connection.counters[:] = 0
            run_window([connection], [type(orders)(orders.data, offsets)], WINDOW)
            spent_us = (cpu_ns(venue.process.pid) - before) / count / 1e3
        connection.logout(2 * count + 2)
    return spent_us


def every_message(scale: float) -> list[Row]:
    """Seconds until a subscriber has every message of a run."""
    count = max(2_000, int(EVERY_MESSAGE_ORDERS * scale))
    result, extra = load_run("os", count, WINDOW)
    method = (
        f"from the last report of {count:,} orders at {result.rate:,.0f}/s to a subscriber's books"
        f" with all of them; window {WINDOW}, os, two cores for venue, feed, client and subscriber"
    )
    return [Row("feed.every_message", extra["feed_behind_s"], "s", method=method)]
