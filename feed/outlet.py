"""A process that tells others what it hears on the lines: the frame that MQTT and console share.

A subscriber like any other. The venue cannot notice it: it runs behind it in priority, reads the
lines, asks the recovery service, and writes to nobody upstream.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable

from feed.child import when_parent_ends
from feed.market_view import Follower
from feed.service import stand_back
from specs.venue import FeedConfig

Tell = Callable[[Follower], Awaitable[None]]


def run_outlet(feed: FeedConfig, nice: int, tell: Tell, *, is_child: bool) -> None:
    """Runs `tell` beside a follower of the feed until SIGTERM, SIGINT or `tell` itself ends.

    is_child: also until standard input ends.
    """
    stand_back(nice)
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    main = _run(feed, tell, is_child)
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _run(feed: FeedConfig, tell: Tell, is_child: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if is_child:
        when_parent_ends(ended.set)
    follower = Follower(feed)
    async with follower.subscriber as subscriber:
        tasks = [
            asyncio.ensure_future(work) for work in (subscriber.run(), tell(follower), ended.wait())
        ]
        done, others = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        for task in done:
            task.result()


def print_line(text: str) -> None:
    """Says something on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
