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


def run_outlet(
    feed: FeedConfig, nice: int, tell: Tell, *, is_child: bool, earlier_messages: int = 0
) -> None:
    """Runs `tell` beside a follower of the feed until SIGTERM, SIGINT or `tell` itself ends.

    is_child: also until standard input ends.
    """

    async def work() -> None:
        follower = Follower(feed, earlier_messages)
        async with follower.subscriber as subscriber:
            await first_of(subscriber.run(), tell(follower))

    run_process(work, nice, is_child=is_child)


def run_process(work: Callable[[], Awaitable[None]], nice: int, *, is_child: bool) -> None:
    """Runs `work` behind the venue in priority, until a signal or its own end."""
    stand_back(nice)
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    main = _until_ended(work, is_child)
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _until_ended(work: Callable[[], Awaitable[None]], is_child: bool) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    if is_child:
        when_parent_ends(ended.set)
    await first_of(work(), ended.wait())


async def first_of(*works: Awaitable[object]) -> None:
    """Awaits them until one ends or fails; the others are cancelled."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def print_line(text: str) -> None:
    """Says something on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
