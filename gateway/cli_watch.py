"""`sitex watch SYMBOL`: configuration to a subscriber, and its refusals to text. Loads no numba."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from feed.multicast import Line
from feed.subscriber import Subscriber
from feed.watch import NoFeedError, UnknownSymbolError, watch
from specs.venue import VENUE_FILE, load_venue


def run_watch(
    symbol: str, config_file: Path | None, overrides: list[str], seconds: float | None
) -> int:
    """Shows one contract until Ctrl-C, or for `seconds`; the exit code."""
    feed = load_venue(config_file or VENUE_FILE, overrides).feed
    lines = (
        Line(feed.line_a.group, feed.line_a.port),
        Line(feed.line_b.group, feed.line_b.port),
    )
    recovery = (feed.recovery_host, feed.recovery_port)
    try:
        asyncio.run(_watch(symbol.upper(), lines, recovery, feed.interface, seconds))
    except (NoFeedError, UnknownSymbolError, OSError) as error:
        sys.stderr.write(f"sitex watch: {error}\n")
        return 1
    return 0


async def _watch(
    symbol: str,
    lines: tuple[Line, Line],
    recovery: tuple[str, int],
    interface: str,
    seconds: float | None,
) -> None:
    task = asyncio.create_task(watch(symbol, Subscriber(lines, recovery, interface), seconds))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
