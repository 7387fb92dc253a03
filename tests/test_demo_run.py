"""The demo as a user starts it: a venue, members over FIX, the feed, and counts that agree."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.reasons import PhaseReason
from engine.types import EventKind, Phase
from gateway.demo_summary import event_rows
from gateway.demo_venue import DemoVenue, Ports
from specs.venue import load_venue

READY_S = 600.0  # the first start compiles
COMMAND = [sys.executable, "-u", "-m", "gateway.cli", "demo"]


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip


def wait_for_trading(demo: subprocess.Popen[str]) -> None:
    assert demo.stdout
    for line in demo.stdout:
        if "requests/s" in line:
            return
    raise AssertionError(f"it ended: {demo.communicate()[1]}")


def venues(tmp_path: Path) -> list[int]:
    """Processes that name a demo's data directory below tmp_path."""
    listed = subprocess.run(
        ["ps", "-eww", "-o", "pid,args"], capture_output=True, text=True, check=True
    )
    rows = [line.split(None, 1) for line in listed.stdout.splitlines()[1:]]
    return [int(pid) for pid, text in rows if f"{tmp_path}/sitex-demo-" in text]


def assert_nothing_left(tmp_path: Path) -> None:
    deadline_s = time.monotonic() + 20
    while venues(tmp_path) and time.monotonic() < deadline_s:
        time.sleep(0.1)
    assert venues(tmp_path) == []
    assert list(tmp_path.glob("sitex-demo-*")) == []


def test_ends_by_itself_and_every_count_agrees_with_the_journal(tmp_path: Path):
    picture = str(tmp_path / "demo.svg")
    demo = start(tmp_path, "--seconds", "6", "--clock", "fast:5760", "--picture", picture)
    out, error = demo.communicate(timeout=READY_S)
    assert demo.returncode == 0, (out, error)
    assert "all counts agree" in out
    lines = [line for line in out.splitlines() if "requests/s" in line]
    assert 4 <= len(lines) <= 7
    assert "pre-open" in lines[0] and "continuous trading" in lines[-1]
    rows = {line[:12].strip(): line[12:].split() for line in out.splitlines()}
    for name in ("new orders", "replaces", "trades", "lots"):
        counted, journaled = rows[name]
        assert counted == journaled != "0"
    assert (tmp_path / "demo.svg").read_text().startswith("<svg")
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_with_its_summary(tmp_path: Path, number: signal.Signals):
    demo = start(tmp_path)
    try:
        wait_for_trading(demo)
        demo.send_signal(number)
        out, error = demo.communicate(timeout=60)
        assert demo.returncode == 0, (out, error)
        assert "all counts agree" in out
    finally:
        demo.kill()
        demo.wait()
    assert_nothing_left(tmp_path)


def test_a_venue_that_dies_ends_it_with_the_reason(tmp_path: Path):
    demo = start(tmp_path, "--seconds", "60")
    try:
        wait_for_trading(demo)
        venue = min(venues(tmp_path))
        os.kill(venue, signal.SIGKILL)
        _, error = demo.communicate(timeout=60)
        assert demo.returncode == 1
        assert "the venue ended with -9" in error and "Traceback" not in error
    finally:
        demo.kill()
        demo.wait()
    assert_nothing_left(tmp_path)


def test_an_unknown_product_is_refused(tmp_path: Path):
    demo = start(tmp_path, "--product", "SITX")
    _, error = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "SITX" in error and "SIT, SITB" in error


def test_a_directory_that_holds_something_is_refused(tmp_path: Path):
    (tmp_path / "kept").write_text("")
    demo = start(tmp_path, "--data", str(tmp_path))
    _, error = demo.communicate(timeout=60)
    assert demo.returncode == 2
    assert "allowed: an empty directory" in error


def test_a_day_goes_through_every_phase_and_into_the_next(tmp_path: Path):
    data = tmp_path / "data"
    demo = start(tmp_path, "--seconds", "26", "--clock", "fast:3600", "--data", str(data))
    out, error = demo.communicate(timeout=READY_S)
    assert demo.returncode == 0, (out, error)
    events = np.concatenate(list(event_rows(data)))
    listed = events[events["kind"] == EventKind.INSTRUMENT_DEFINED]
    paused = events[
        (events["kind"] == EventKind.PHASE_CHANGED)
        & (events["qty"] == Phase.VOLATILITY_PAUSE)
        & (events["reason"] == PhaseReason.CIRCUIT_BREAKER)
    ]
    assert len(listed) and len(paused)
    own = events[events["instrument"] == paused["instrument"][0]]
    phases = own["qty"][own["kind"] == EventKind.PHASE_CHANGED].tolist()
    opening = [Phase.PRE_OPEN, Phase.NO_CANCEL, Phase.AUCTION_MATCH, Phase.CONTINUOUS]
    reopening = [Phase.VOLATILITY_PAUSE, Phase.AUCTION_MATCH, Phase.CONTINUOUS]
    assert phases[1:5] == opening and phases[5:8] == reopening
    closing = phases.index(Phase.SETTLEMENT)
    assert phases[closing : closing + 3] == [Phase.SETTLEMENT, Phase.CLOSED, Phase.PRE_OPEN]
    uncrossed = own["qty"][own["kind"] == EventKind.UNCROSSED]
    assert (uncrossed[:2] > 0).all()
    assert (own["kind"] == EventKind.SETTLED).any()
    for words in ("pre-open  indicative", "continuous trading", "volatility pause  indicative"):
        assert words in out


def test_two_demos_that_start_at_the_same_moment_both_run(tmp_path: Path):
    """Both saw the default ports free; who comes second takes others."""
    config = load_venue(overrides=[f"{name}={port}" for name, port in default_ports()])

    async def run() -> list[Ports]:
        venues = [
            DemoVenue(tmp_path / name, config, None, "real", date(2026, 11, 23), lambda text: None)
            for name in ("one", "two")
        ]
        async with contextlib.AsyncExitStack() as stack:
            await asyncio.gather(*(stack.enter_async_context(venue) for venue in venues))
            return [venue.ports for venue in venues]

    found = asyncio.run(run())
    assert sum(ports.fix == config.fix.port for ports in found) == 1
    assert not set(found[0]) & set(found[1])


def test_a_port_that_was_asked_for_and_is_taken_ends_it(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = start(tmp_path, "--port", str(port))
        _, error = demo.communicate(timeout=READY_S)
    assert demo.returncode == 1 and "address already in use" in error.lower()
    assert "Traceback" not in error
    assert_nothing_left(tmp_path)


def default_ports() -> Iterator[tuple[str, int]]:
    """Free ports in place of the default ones."""
    for name in (
        "fix.port", "feed.recovery_port", "feed.line_a.port", "feed.line_b.port",
        "feed.snapshot_line.port",
    ):  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as probe:
            yield name, probe.getsockname()[1]
