"""Rows engine.flow and engine.large: commands through Engine.apply, events into the event log.

Method: tables are touched before the clock starts; the event log is the venue's own, its segments
of 32 MB allocated, mapped and touched by prepare() and entered between two spans of the clock (in a
venue the thread ahead does that beside), and removed behind it. Commands lie ready in memory; the
clock runs over the apply calls alone (wall time). All checks and risk are on, ids have 20 bytes,
nothing is refused. The baseline is a bare loop in the same process over the same commands that
reads each command, writes its request row and as many event rows, and does nothing else: what
memory traffic alone costs on this machine at this moment.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.eventlog import EventLog
from engine.files import EVENTS, FileSizes, numbered_files
from engine.kernel import kernel
from engine.layout import aligned_zeros
from engine.limits import EngineLimits
from engine.machine import Engine
from engine.storage import Storage
from engine.types import COMMAND, EVENT, REQUEST, EventKind
from perf.flow import Flow
from perf.rows import Row

_COMMANDS = 10_000_000
_LIVE, _LIVE_LARGE, _INSTRUMENTS_LARGE = 4_000, 1_000_000, 1_000
_CHUNK = 131_072  # commands made at a time, and a segment of the event log
_EVENTS_A_COMMAND = 2  # room
_NO_BLOBS = np.zeros(0, np.uint8)
_REFUSED = (EventKind.REJECTED, EventKind.CANCEL_REJECTED)


def flow(scale: float = 1.0) -> list[Row]:
    """One instrument, 4,000 live orders; batches of 4,096, then of 64 and of 1."""
    rows = []
    for batch, share in ((4_096, 1.0), (64, 0.2), (1, 0.02)):
        count = max(int(_COMMANDS * scale * share), 10_000)
        ns, bare_ns = _measure(1, _LIVE, count, batch)
        name = "engine.flow" if batch == 4_096 else f"engine.flow.batch_{batch}"
        method = f"{count:,} commands, batches of {batch}; baseline: bare loop over the same rows"
        rows.append(Row(name, 1e9 / ns, "commands/s", 1e9 / bare_ns, bare_ns / ns, method))
    return rows


def large(scale: float = 1.0) -> list[Row]:
    """1,000 instruments, 1 M live orders; cost of a command."""
    live = max(int(_LIVE_LARGE * scale), 20_000)
    count = max(int(_COMMANDS * scale * 0.4), 20_000)
    ns, bare_ns = _measure(_INSTRUMENTS_LARGE, live, count, 4_096)
    method = f"{count:,} commands, {live:,} live orders; baseline: bare loop over the same rows"
    return [Row("engine.large", ns, "ns/command", bare_ns, ns / bare_ns, method)]


@contextmanager
def _event_log(rows: int) -> Iterator[tuple[EventLog, Path]]:
    """A real event log in a folder of its own; the log and the folder."""
    with tempfile.TemporaryDirectory(prefix="sitex-perf-") as folder:
        log = EventLog(Storage(), Path(folder), FileSizes(event_rows=rows), 1)
        try:
            yield log, Path(folder)
        finally:
            log.close()


def _measure(instruments: int, live: int, count: int, batch: int) -> tuple[float, float]:
    """Nanoseconds a command, and of the bare loop."""
    chunk = min(_CHUNK, count)
    requests_max = live + count + chunk + 1_000
    limits = EngineLimits(
        orders_max=2 * live + 1_000,
        requests_max=requests_max,
        instruments_max=instruments,
        members_max=7,
        accounts_max=7,
        sessions_max=7,
        levels_max=4_000 * max(instruments, 16),
    )
    requests = _touched(requests_max, REQUEST)
    engine = Engine(limits, requests)
    engine.touch()
    source = Flow(instruments, live)
    commands, blobs = source.definitions(requests_max)
    _apply_all(engine, commands, blobs)
    _apply_all(engine, source.fill(live), _NO_BLOBS)
    commands, scratch = _touched(chunk, COMMAND), _touched(chunk, REQUEST)
    _bare(commands[:1], scratch, np.zeros(1, EVENT))
    spent = bare = 0.0
    done = 0
    with _event_log(_EVENTS_A_COMMAND * _CHUNK) as (log, folder):
        while done < count:
            commands.view(np.uint8)[:] = 0
            source.next(commands)
            before = engine.event_count
            log.prepare()
            log.next_segment()
            for _, path in numbered_files(folder, EVENTS)[:-1]:
                path.unlink()
            spent += _timed(engine, log.window, commands, batch)
            rows = log.take(engine.event_count - before).rows
            assert not np.isin(rows["kind"], _REFUSED).any()
            start = time.perf_counter()
            _bare(commands, scratch, rows)
            bare += time.perf_counter() - start
            done += chunk
    assert engine.command_count >= done + live
    return spent / done * 1e9, bare / done * 1e9


def _touched(count: int, dtype: np.dtype) -> np.ndarray:
    """Rows of zeros on cache lines, every page written."""
    rows = aligned_zeros(count * dtype.itemsize)
    rows[:] = 0
    return rows.view(dtype)


def _apply_all(engine: Engine, commands: np.ndarray, blobs: np.ndarray) -> None:
    events = np.zeros(2 * len(commands) + 16, EVENT)
    consumed, produced = engine.apply(commands, blobs, events)
    assert consumed == len(commands) and produced >= consumed
    assert not (events["kind"] == EventKind.REJECTED).any()


def _timed(engine: Engine, window: np.ndarray, commands: np.ndarray, batch: int) -> float:
    """Seconds to apply the commands in batches, events into the window."""
    at = 0
    start = time.perf_counter()
    for first in range(0, len(commands), batch):
        at += engine.apply(commands[first : first + batch], _NO_BLOBS, window[at:])[1]
    return time.perf_counter() - start


@kernel
def _bare(commands, requests, events):
    """Read every command, write its request row and all event rows."""
    each = events.shape[0] / commands.shape[0]
    at = 0
    for i in range(commands.shape[0]):
        command = commands[i]
        request = requests[i]
        request["cl_ord_id_0"] = command["cl_ord_id_0"]
        request["price"] = command["price"]
        request["member"] = command["member"]
        while at < (i + 1) * each and at < events.shape[0]:
            event = events[at]
            event["time_ns"] = command["time_ns"]
            event["qty"] = command["qty"]
            event["member"] = command["member"]
            at += 1
