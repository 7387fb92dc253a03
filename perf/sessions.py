"""Many sessions, long resends and hostile peers: what one session costs, and what others notice.

Other members' latencies are from the due time of orders at a fixed rate, so that a stall counts for
every order that was due in it. Source: specs/order_entry.md O-172.
"""

from __future__ import annotations

import contextlib
import resource
import selectors
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from feed.service import NICE_MAX
from perf.client import (
    Connection,
    encode_message,
    encode_orders,
    run_open_loop,
    run_window,
    stamp_now,
)
from perf.hostile import names
from perf.members import write_members
from perf.rows import Row
from perf.venue import Venue
from perf.wire import CORE, on_core

IDLE, ACTIVE = 1_000, 100
RATE = 500.0  # of the member whose latency is looked at
HOSTILE_RATE = 100  # messages a second that the venue grants a hostile member


@contextlib.contextmanager
def members(
    comp_ids: list[str], *settings: str, requests_max: int = 1_100_000, core: int | None = None
) -> Iterator[Venue]:
    """A venue of these members."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4_096)), hard))
    with tempfile.TemporaryDirectory() as folder:
        rates = dict.fromkeys(names(), HOSTILE_RATE)
        file = write_members(
            Path(folder) / "venue.toml", ((c,) for c in comp_ids), requests_max, rates
        )
        allowed = ("fix.connections_max=2000", *settings)
        with Venue(config=file, settings=allowed, core=core) as venue:
            yield venue


def idle(scale: float) -> list[Row]:
    """sessions.idle_memory, sessions.heartbeat: a thousand sessions that only say Heartbeat."""
    count, seconds = max(20, int(IDLE * scale)), max(3.0, 20 * scale)
    comp_ids = [f"S{number}" for number in range(count)]
    with members(comp_ids, requests_max=10) as venue:
        before = venue.pss_mb()
        lines = [Connection(comp_id, venue.fix_port, heartbeat_s=1) for comp_id in comp_ids]
        poll = selectors.DefaultSelector()
        for line in lines:
            line.logon()
            poll.register(line.socket, selectors.EVENT_READ, line)
        each_kb = (venue.pss_mb() - before) * 1_000 / count
        cpu, begin, said = venue.cpu_seconds(), time.monotonic(), 0
        while time.monotonic() - begin < seconds:
            said += 1
            for line in lines:
                name = line.comp_id.encode()
                line.socket.sendall(encode_message(b"0", name, 1 + said, stamp_now(), b""))
            until = begin + said
            while (left := until - time.monotonic()) > 0:
                for key, _ in poll.select(left):
                    key.fileobj.recv(65_536)  # type: ignore[union-attr]
        spent = venue.cpu_seconds() - cpu
    each_us = spent / (said * count) * 1e6
    return [
        Row("sessions.idle_memory", each_kb, "KB/session", method=f"Pss, {count:,} logged on"),
        Row("sessions.heartbeat", each_us, "us/exchange", method=(
            f"CPU of the venue for a Heartbeat each way, {count:,} sessions, HeartBtInt 1 s, "
            f"{seconds:.0f} s; at 30 s a thousand sessions take {each_us / 300:.2f} % of a core")),
    ]  # fmt: skip


def active(scale: float) -> list[Row]:
    """sessions.active_100: a hundred sessions that trade, against one, same orders in all."""
    count = int(500_000 * scale) // ACTIVE * ACTIVE or ACTIVE
    rates = []
    for lines in (1, ACTIVE):
        comp_ids = [f"S{number}" for number in range(lines)]
        with members(comp_ids, requests_max=count // lines + 1_000) as venue:
            connections = [Connection(comp_id, venue.fix_port) for comp_id in comp_ids]
            orders = [encode_orders(one, count // lines, first_seq=2) for one in comp_ids]
            for connection in connections:
                connection.logon()
            rates.append(run_window(connections, orders, 4_096).rate)
    method = (
        f"{count:,} orders over {ACTIVE} sessions, window 4096 in all, os; baseline one session"
    )
    ratio = rates[1] / rates[0]
    return [Row("sessions.active_100", rates[1], "orders/s", rates[0], ratio, method)]


def p99_us(connection: Connection, first: int, count: int) -> float:
    """The 99th percentile of orders at RATE, from their due times."""
    orders = encode_orders(connection.comp_id, count, first, prefix=f"P{first}x")
    return float(np.percentile(run_open_loop(connection, orders, RATE), 99)) / 1_000


def resend(scale: float) -> list[Row]:
    """resend.100k and resend.p99_beside: 100,000 reports again, and another member meanwhile."""
    count, probe = max(1_000, int(100_000 * scale)), max(100, int(2_000 * scale))
    with members(["S0", "S1"]) as venue:
        reader, other = (Connection(one, venue.fix_port) for one in ("S0", "S1"))
        reader.logon()
        other.logon()
        run_window([reader], [encode_orders("S0", count, first_seq=2)], 4_096)
        quiet = p99_us(other, 2, probe)
        taken: list[float] = []

        def again() -> None:
            done = reader.acknowledged
            body = b"7=2\x0116=%d\x01" % (count + 1)
            begin = time.perf_counter()
            reader.socket.sendall(encode_message(b"2", b"S0", count + 2, stamp_now(), body))
            while reader.acknowledged < done + count:
                reader.receive()
            taken.append(time.perf_counter() - begin)

        thread = threading.Thread(target=again)
        thread.start()
        beside = p99_us(other, 2 + probe, probe)
        thread.join()
    first = f"{count:,} reports, from the ResendRequest to the last of them"
    second = f"another member's {probe:,} orders at {RATE:,.0f}/s, from when the resend begins"
    return [
        Row("resend.100k", taken[0], "s", method=first),
        Row("resend.p99_beside", beside, "us", quiet, beside / quiet, second),
    ]


def hostile(scale: float) -> list[Row]:
    """hostile.p99: a member beside fifty hostile sessions, against its quiet value.

    The venue and its feed have one core, the member the other; the peers, who are on machines of
    their own elsewhere, what the member leaves of it.
    """
    probe = max(200, int(4_000 * scale))
    with members(["ALPHA", *names()], "fix.send_buffer_bytes_max=1048576",
                 "fix.throttled_seconds_max=2", requests_max=100_000, core=CORE) as venue, \
         on_core(1 - CORE):  # fmt: skip
        member = Connection("ALPHA", venue.fix_port)
        member.logon()
        p99_us(member, 2, probe)
        quiet = p99_us(member, 2 + probe, probe)
        seconds = str(probe / RATE + 2)
        command = [
            sys.executable,
            "-m",
            "perf.hostile",
            str(venue.fix_port),
            seconds,
            str(NICE_MAX),
        ]
        crowd = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            time.sleep(1)
            beside = p99_us(member, 2 + 2 * probe, probe)
        finally:
            crowd.kill()
            crowd.wait()
    method = (
        f"{probe:,} orders at {RATE:,.0f}/s beside 50 hostile sessions; quiet before; venue and "
        "feed on one core, the peers with what the member leaves of the other"
    )
    return [Row("hostile.p99", beside, "us", quiet, beside / quiet, method)]
