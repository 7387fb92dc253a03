"""`sitex watch SYMBOL`: configuration to a subscriber, and its refusals to text. Loads no numba."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from feed.market_view import Follower
from feed.watch import NoFeedError, UnknownSymbolError, watch
from specs.venue import VENUE_FILE, FeedConfig, load_reader

EARLIER_MESSAGES = 200_000  # that trades and candles are made of at the start


def run_watch(
    symbol: str,
    config_file: Path | None,
    overrides: list[str],
    seconds: float | None,
    group: str = "",
) -> int:
    """Shows one contract until Ctrl-C, or for `seconds`; the exit code. group: whose lines."""
    feed = load_reader(config_file or VENUE_FILE, overrides, group).feed
    try:
        asyncio.run(_watch(symbol.upper(), feed, seconds))
    except (NoFeedError, UnknownSymbolError, OSError) as error:
        sys.stderr.write(f"sitex watch: {error}\n")
        return 1
    return 0


async def _watch(symbol: str, feed: FeedConfig, seconds: float | None) -> None:
    task = asyncio.create_task(watch(symbol, Follower(feed, EARLIER_MESSAGES), seconds))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
