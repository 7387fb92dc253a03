"""A thousand sessions at once; fifty hostile ones beside a member that behaves (O-112, O-171)."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import numpy as np

from gateway.server import Line, Listener
from perf.client import Connection, encode_orders, front_symbol, run_open_loop
from perf.hostile import KINDS, names
from perf.members import write_members
from perf.venue import Venue
from specs.venue import load_venue
from tests.fix_dialogue import FIX44, Play, Situation

SESSIONS = 1_000
ORDERS = 3
KB_A_SESSION_MAX = 256
FILES_AT_FIRST = 300  # fewer than the venue needs: it raises its limit
HOSTILE_S = 4.0
TRIPS, RATE = 500, 500.0  # orders, a second
GROWTH_MB_MAX = 400.0  # what 50 hostile peers may make the venue hold


@contextmanager
def open_files(soft: int) -> Iterator[None]:
    """This process's soft limit, which a venue started meanwhile inherits."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def member(play: Play, all_are_in: asyncio.Barrier) -> None:
    """Logs on, waits until everybody has, trades, and answers for itself."""
    await play.do("logon")
    await all_are_in.wait()
    for number in range(ORDERS):
        terms = f"55={play.known['SYMBOL']} 54=1 38={number + 1} 40=2 44=1.850 60=@0"
        await play.do(f"> D 11=A{number} {terms}")
    for number in range(ORDERS):
        await play.do(f"< 8 150=0 11=A{number} 38={number + 1}")
    await play.do("ping")
    await all_are_in.wait()


async def everybody(venue: Venue, comp_ids: list[str]) -> tuple[float, float]:
    """Memory in MB before anybody logs on, and with everybody logged on and answered."""
    before = venue.pss_mb()
    all_are_in = asyncio.Barrier(len(comp_ids) + 1)
    nothing = Situation("", "", "", [])
    plays = [Play(nothing, name, venue.fix_port, front_symbol(), FIX44) for name in comp_ids]
    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for play in plays:
            group.create_task(member(play, all_are_in))
        await all_are_in.wait()
        await all_are_in.wait()
        after = venue.pss_mb()
    for play in plays:
        await play.ends[""].drop()
    return before, after


def test_a_thousand_sessions_are_logged_on_at_once_and_trade(tmp_path: Path, capsys) -> None:
    comp_ids = [f"S{number}" for number in range(SESSIONS)]
    config = write_members(tmp_path / "venue.toml", ((name,) for name in comp_ids), 10)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 2 * SESSIONS, "this test needs more open files (ulimit -n)"
    with open_files(FILES_AT_FIRST):
        venue = Venue(config=config, settings=("fix.connections_max=1100",))
    with venue, open_files(max(soft, 2 * SESSIONS)):
        before, after = asyncio.run(everybody(venue, comp_ids))
    each_kb = (after - before) * 1_000 / SESSIONS
    with capsys.disabled():
        print(f"{SESSIONS} sessions, {each_kb:.0f} KB each")  # noqa: T201
    assert each_kb < KB_A_SESSION_MAX


def test_o171_all_who_may_come_wait_to_be_accepted() -> None:
    """In silence: a kernel without room would let them try again after 1, 3, 7, 15 seconds."""
    many = min(600, longest_queue())
    fix = msgspec.structs.replace(load_venue().fix, port=0, connections_max=many)
    listener = Listener(_no_line, fix)
    with open_files(2_000), ExitStack() as peers:
        listener.bind()  # accepts nobody yet
        peers.callback(listener.close)
        for _ in range(many):
            peers.enter_context(socket.create_connection(("127.0.0.1", listener.port), 5))


def longest_queue() -> int:
    """How many connections the system lets wait to be accepted."""
    told = Path("/proc/sys/net/core/somaxconn")
    return int(told.read_text()) if told.exists() else socket.SOMAXCONN


def _no_line() -> Line:
    raise AssertionError("nobody is accepted")


def written_with_hostiles(path: Path) -> Path:
    """ALPHA and fifty members with a rate."""
    everybody_there = [("ALPHA",), *((name,) for name in names())]
    return write_members(path, everybody_there, 100_000, dict.fromkeys(names(), 100))


def trips(connection: Connection, first: int) -> np.ndarray:
    """Microseconds of each order from when it was due, at a fixed rate."""
    orders = encode_orders("ALPHA", TRIPS, first_seq=first, prefix=f"A{first}x")
    done = connection.acknowledged
    taken = run_open_loop(connection, orders, RATE)
    assert connection.acknowledged == done + TRIPS
    return taken / 1000


def test_fifty_hostile_sessions_change_nothing_for_a_member(tmp_path: Path, capsys) -> None:
    """Every order of ALPHA is answered once and in order, memory stays bounded, kinds did harm."""
    config = written_with_hostiles(tmp_path / "venue.toml")
    settings = (
        "fix.send_buffer_bytes_max=1048576", "fix.logon_timeout_seconds=1",
        "fix.throttled_seconds_max=2", "fix.connections_max=200",
    )  # fmt: skip
    with Venue(config=config, settings=settings) as venue:
        alpha = Connection("ALPHA", venue.fix_port)
        alpha.logon()
        quiet = trips(alpha, 2)
        before = venue.pss_mb()
        command = [sys.executable, "-m", "perf.hostile", str(venue.fix_port), str(HOSTILE_S), "0"]
        crowd = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            beside, first, ends = [], 2 + TRIPS, time.monotonic() + HOSTILE_S
            while time.monotonic() < ends:
                beside.append(trips(alpha, first))
                first += TRIPS
            grown = venue.pss_mb() - before
            said, _ = crowd.communicate(timeout=60)
        finally:
            crowd.kill()
            crowd.communicate()
        assert alpha.acknowledged == first - 2  # each once; a wrong one is no 150=0
        after = trips(alpha, first)
        assert venue.process.poll() is None
    counts = json.loads(said)
    p99 = [
        round(float(np.percentile(taken, 99))) for taken in (quiet, np.concatenate(beside), after)
    ]
    with capsys.disabled():
        print(f"p99 us quiet, beside 50 hostile, after: {p99}; grown {grown:.0f} MB")  # noqa: T201
        print(counts)  # noqa: T201
    assert set(counts) == set(KINDS) and all(counts[kind]["connected"] for kind in KINDS)
    assert grown < GROWTH_MB_MAX
