"""Wire to wire: FIX orders in over TCP, execution reports out, through a whole venue.

Round trips are ratios to a uvloop echo of the same bytes in the same run, blocks in turn, both ends
and the venue pinned to one core: the only regime that repeats on a small virtual machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.event_reader import EventReader
from engine.replay import replay
from engine.types import EventKind
from perf.client import (
    Connection,
    LoadResult,
    Orders,
    encode_orders,
    run_echo_trips,
    run_open_loop,
    run_round_trips,
    run_window,
)
from perf.rows import Row
from perf.subscriber import Subscriber
from perf.venue import Venue, free_port, pinned

CORE = 0
COUNT_ROWS = 65_536
EIGHT = Path(__file__).parent / "eight_members.toml"


@contextmanager
def echo_server(core: int | None) -> Iterator[int]:
    """A uvloop echo in a process of its own; yields its port."""
    port = free_port()
    process = subprocess.Popen(
        pinned([sys.executable, "-m", "perf.echo", str(port)], core),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    try:
        process.stdout.readline()
        yield port
    finally:
        process.stdin.close()
        process.wait(10)


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Pins this process for the duration, where the system can."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def percentile(taken: np.ndarray, share: float) -> float:
    """A percentile in microseconds of latencies in nanoseconds."""
    return float(np.percentile(taken, share)) / 1000


def load_run(
    durability: str,
    count: int,
    window: int,
    config: Path | None = None,
    members: tuple[str, ...] = ("ALPHA",),
) -> tuple[LoadResult, dict[str, float]]:
    """One run into a fresh venue; raises when its journal and the client count differently."""
    each = count // len(members)
    with (
        Venue(durability, config=config) as venue,
        Subscriber(venue, orders=each * len(members)) as subscriber,
    ):
        connections = [Connection(member, venue.fix_port) for member in members]
        orders = [encode_orders(member, each, first_seq=2) for member in members]
        for connection in connections:
            connection.logon()
        cpu = venue.cpu_seconds()
        result = run_window(connections, orders, window)
        last = time.perf_counter()
        extra = {"venue_cpu_us": (venue.cpu_seconds() - cpu) / result.orders * 1e6}
        subscriber.wait_until_complete()
        extra["feed_behind_s"] = time.perf_counter() - last
        extra["pss_mb"] = venue.pss_mb()
        for connection in connections:
            connection.logout(each + 2)
        venue.stop()
        journaled = count_journal(venue.directory)
    if journaled != (result.news, result.fills):
        raise RuntimeError(f"journal says {journaled}, client {result.news, result.fills}")
    return result, extra


def count_journal(directory: Path) -> tuple[int, int]:
    """Orders accepted and fills of a venue that has stopped.

    The journal is replayed from its first command; the event log must have as many events.
    """
    events = replay(directory, from_start=True).events
    kinds = np.zeros(256, np.int64)
    reader = EventReader(directory)
    for first in range(1, events + 1, COUNT_ROWS):
        for rows in reader.rows(first, min(COUNT_ROWS, events + 1 - first)):
            kinds += np.bincount(rows["kind"], minlength=256)
    assert int(kinds.sum()) == events
    return int(kinds[EventKind.ACCEPTED]), int(kinds[EventKind.FILL])


def _load_rows(
    name: str,
    durability: str,
    count: int,
    windows: tuple[int, ...],
    config: Path | None = None,
    members: tuple[str, ...] = ("ALPHA",),
) -> list[Row]:
    rows = []
    for window in windows:
        result, extra = load_run(durability, count, window, config, members)
        suffix = "" if window == windows[0] else f".window_{window}"
        method = (
            f"{count:,} orders, window {window}, {durability}, feed on; client CPU "
            f"{result.client_cpu_share:.0%} of a core, venue {extra['venue_cpu_us']:.2f} us CPU an "
            f"order (all processes); subscriber complete {extra['feed_behind_s']:.1f} s after the "
            f"last report"
        )
        rows.append(Row(name + suffix, result.rate, "orders/s", method=method))
        if name == "wire.one_session" and window == windows[0]:
            rows.append(
                Row(
                    "serve.rss",
                    extra["pss_mb"],
                    "MB",
                    method=f"sum of Pss of all processes after {count:,} orders",
                )
            )
    return rows


def one_session(scale: float) -> list[Row]:
    """wire.one_session and serve.rss, then an open loop at half the rate."""
    count = int(1_000_000 * scale)
    rows = _load_rows("wire.one_session", "os", count, (4096, 256))
    return rows + open_loop(rows[0].value / 2, min(count, 300_000))


def open_loop(rate: float, count: int) -> list[Row]:
    """Latency from the due time of each order at a fixed rate."""
    with Venue("os") as venue:
        connection = Connection("ALPHA", venue.fix_port)
        orders = encode_orders("ALPHA", count, first_seq=2)
        connection.logon()
        taken = run_open_loop(connection, orders, rate)
        connection.logout(count + 2)
    return [
        Row(
            f"wire.open_loop_p{share:g}",
            percentile(taken, share),
            "us",
            method=f"{count:,} orders at {rate:,.0f}/s, from the due time",
        )
        for share in (50, 99, 99.9, 99.99)
    ]


def eight_sessions(scale: float) -> list[Row]:
    """wire.eight_sessions: the same number of orders over eight sessions."""
    members = tuple(f"LOAD{i}" for i in range(1, 9))
    return _load_rows(
        "wire.eight_sessions", "os", int(1_000_000 * scale), (4096, 256), EIGHT, members
    )


def fsync_throughput(scale: float) -> list[Row]:
    """wire.fsync_throughput."""
    return _load_rows("wire.fsync_throughput", "fsync", int(1_000_000 * scale), (4096,))


def idle_rtt(scale: float) -> list[Row]:
    """wire.idle_rtt_p50 and p99 against the echo, everything on one core."""
    trips, echoes = _round_trips("os", int(20_000 * scale))
    rows = []
    for share, name in ((50, "wire.idle_rtt_p50"), (99, "wire.idle_rtt_p99")):
        value, floor = _block_median(trips, share), _block_median(echoes, share)
        rows.append(
            Row(
                name,
                value,
                "us",
                floor,
                value / floor,
                "one order at a time, os, venue, feed, client and echo on one core; median "
                f"of {len(trips)} blocks of {len(trips[0]):,} in turn",
            )
        )
    return rows


def fsync_rtt(scale: float) -> list[Row]:
    """wire.fsync_rtt against echo plus a bare write and fdatasync."""
    trips, echoes = _round_trips("fsync", int(4_000 * scale))
    with on_core(CORE):  # where the venue's were
        syncs = bare_syncs(max(200, int(2_000 * scale)), len(trips[0]))
    value = _block_median(trips, 50)
    floor = _block_median(echoes, 50) + percentile(syncs, 50)
    return [
        Row(
            "wire.fsync_rtt",
            value,
            "us",
            floor,
            value / floor,
            "as wire.idle_rtt, fsync, against echo p50 plus write and fdatasync p50 on that core",
        )
    ]


def _block_median(blocks: list[np.ndarray], share: float) -> float:
    return statistics.median(percentile(block, share) for block in blocks)


def _round_trips(durability: str, count: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    blocks = 10
    size = max(50, count // blocks)
    with on_core(CORE), echo_server(CORE) as echo, Venue(durability, CORE) as venue:
        connection = Connection("ALPHA", venue.fix_port)
        orders = encode_orders("ALPHA", (blocks + 1) * size, first_seq=2)
        connection.logon()
        run_round_trips(connection, orders, 0, size)  # warm
        trips, echoes = [], []
        for block in range(1, blocks + 1):
            trips.append(run_round_trips(connection, orders, block * size, size))
            echoes.append(run_echo_trips(echo, orders, block * size, size))
        connection.logout((blocks + 1) * size + 2)
    return trips, echoes


def bare_syncs(count: int, size: int) -> np.ndarray:
    """Nanoseconds of a write of `size` bytes and fdatasync into an allocated file, int64[count]."""
    sync = getattr(os, "fdatasync", os.fsync)
    taken = np.zeros(count, np.int64)
    data = bytes(192)
    with tempfile.NamedTemporaryFile(dir=tempfile.gettempdir()) as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, count * len(data))
        for i in range(count):
            begin = time.perf_counter_ns()
            os.write(file.fileno(), data)
            sync(file.fileno())
            taken[i] = time.perf_counter_ns() - begin
    return taken


def order_to_packet(scale: float) -> list[Row]:
    """feed.order_to_packet: order sent to multicast packet received, against the echo."""
    count = int(3_000 * scale)
    with on_core(CORE), echo_server(CORE) as echo, Venue("os", CORE) as venue:
        connection = Connection("ALPHA", venue.fix_port)
        orders = encode_orders("ALPHA", 2 * count, first_seq=2)
        connection.logon()
        with Subscriber(venue, counting=False) as subscriber:
            taken = _order_to_packet(connection, subscriber, orders, count)
        echoes = run_echo_trips(echo, orders, count, count)
        connection.logout(2 * count + 2)
    value, floor = percentile(taken, 50), percentile(echoes, 50)
    return [
        Row(
            "feed.order_to_packet",
            value,
            "us",
            floor,
            value / floor,
            "order sent to multicast packet received, idle, everything on one core, p50",
        )
    ]


def _order_to_packet(
    connection: Connection, subscriber: Subscriber, orders: Orders, count: int
) -> np.ndarray:
    taken = np.zeros(count, np.int64)
    view = memoryview(orders.data)
    for i in range(count):
        subscriber.drain()
        message = view[orders.offsets[i] : orders.offsets[i + 1]]
        target = connection.acknowledged + 1
        begin = time.perf_counter_ns()
        connection.socket.send(message)
        subscriber.receive_packet()
        taken[i] = time.perf_counter_ns() - begin
        while connection.acknowledged < target:
            connection.receive()
    return taken
