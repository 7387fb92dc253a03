"""Rows feed.faults.*: what the matching's p99 is while somebody at the feed does harm.

Method: one venue with a console, one member at a fixed rate, open loop; latency from the time an
order was due to its report. Blocks without and with the fault in turn, so that both see the same
machine; the figure is the median of the blocks' p99, the baseline the same without. The peer that
does harm is a process behind the venue in priority (perf/fault_peers.py); healthy_reader does none.
"""

from __future__ import annotations

import contextlib
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

from perf.client import Connection, Orders, encode_orders, run_open_loop
from perf.fault_peers import KINDS
from perf.rows import Row
from perf.venue import Venue, free_port
from perf.wire import percentile

RATE = 2_000.0
BLOCK_S = 1.0
BLOCKS = 3  # without and with each fault
SETTLE_S = 0.3
_LOAD = "ALPHA"


def faults(scale: float) -> list[Row]:
    """A row a fault: p99 with it, and without it as the baseline."""
    console = free_port() if find_spec("uvicorn") and find_spec("websockets") else 0
    size = max(200, int(RATE * BLOCK_S * scale))
    rounds = max(1, round(BLOCKS * scale))
    kinds = [kind for kind in KINDS if console or kind != "blind_browsers"]
    arguments = ("--console", str(console)) if console else ()
    with Venue("os", arguments=arguments) as venue:
        count = (2 * rounds * len(kinds) + 1) * size
        connection = Connection(_LOAD, venue.fix_port)
        orders = encode_orders(_LOAD, count, first_seq=2)
        connection.logon()
        _wait_for(console)
        blocks = _Blocks(connection, orders, size)
        blocks.p99()  # warm
        rows = [_row(kind, venue, console, blocks, rounds) for kind in kinds]
        connection.logout(count + 2)
    return rows


class _Blocks:
    """The next orders of one stream, block by block."""

    def __init__(self, connection: Connection, orders: Orders, size: int) -> None:
        self._connection, self._orders, self.size = connection, orders, size
        self._at = 0

    def p99(self) -> float:
        """Microseconds, of one block."""
        orders = self._orders
        part = Orders(orders.data, orders.offsets[self._at : self._at + self.size + 1])
        self._at += self.size
        self._connection.counters[:] = 0
        return percentile(run_open_loop(self._connection, part, RATE), 99)


def _row(kind: str, venue: Venue, console: int, blocks: _Blocks, rounds: int) -> Row:
    without, having = [], []
    for _ in range(rounds):
        time.sleep(SETTLE_S)
        without.append(blocks.p99())
        with _fault(kind, venue, console):
            having.append(blocks.p99())
    value, floor = statistics.median(having), statistics.median(without)
    method = (
        f"p99 from due time to report at {RATE:,.0f} orders/s with the fault, baseline without;"
        f" {rounds} blocks each of {blocks.size:,} in turn, median"
    )
    return Row(f"feed.faults.{kind}", value, "us", floor, value / floor, method)


@contextlib.contextmanager
def _fault(kind: str, venue: Venue, console: int) -> Iterator[None]:
    ports = (venue.line_a, venue.line_b, venue.recovery_port, venue.fix_port, console)
    peer = subprocess.Popen(
        [sys.executable, "-m", "perf.fault_peers", kind, *map(str, ports)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert peer.stdin and peer.stdout
    try:
        if peer.stdout.readline() != "at it\n":
            raise RuntimeError(f"{kind}: the peer ended with {peer.wait()}")
        time.sleep(SETTLE_S)
        yield
        if peer.poll() is not None:
            raise RuntimeError(f"{kind}: the peer ended with {peer.returncode} in mid-block")
    finally:
        peer.stdin.close()
        try:
            peer.wait(5)
        except subprocess.TimeoutExpired:
            peer.kill()
            peer.wait()
        peer.stdout.close()


def _wait_for(port: int) -> None:
    """Until the console listens."""
    deadline = time.monotonic() + 30
    while port and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.1)
