"""A real feed while peers do harm (perf/fault_peers.py): whoever reads as usual has every message.

The peers are those of the benchmark feed.faults: readers that lose, double, reorder or stall, that
have one line or no recovery service, that ask for everything at once or take nothing, that talk
garbage, a broker that blocks, browsers that never read.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from feed.handler import FeedState, HandlerLimits
from feed.subscriber import Subscriber
from perf.fault_peers import KINDS, Ports, unreliable
from perf.venue import free_port
from tests.feed_market import Market, assert_books_equal
from tests.feed_named import feed_overrides
from tests.feed_rig import ROOT, WAIT_S, FeedProcess, feed_process, read_until
from tests.mqtt_rig import Command

SEED, COUNT = 17, 600
STEP = 40  # events told at once
LOSSES = (0.05, 0.15, 0.3)
SEEDS = 3  # markets of each loss


@contextlib.asynccontextmanager
async def peer(kind: str, ports: Ports) -> AsyncIterator[asyncio.subprocess.Process]:
    """A peer that does this harm, at work; killed in the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "perf.fault_peers", kind, *map(str, ports), cwd=ROOT,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout and process.stdin
        said = await asyncio.wait_for(process.stdout.readline(), WAIT_S)
        assert said == b"at it\n", kind
        yield process
        assert process.returncode is None, f"{kind} ended by itself"
        process.stdin.close()
        await asyncio.wait_for(process.wait(), WAIT_S)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def tell_all(feed: FeedProcess) -> None:
    """The whole market, step by step."""
    for number in range(STEP, feed.event_count, STEP):
        feed.tell(number)
        await asyncio.sleep(0.02)
    feed.tell(feed.event_count)


async def test_a_reader_among_all_of_them_at_once(data_dir: Path) -> None:
    """Its books are the exchange's, and the feed lives."""
    market = Market(SEED, COUNT)
    async with contextlib.AsyncExitStack() as stack:
        feed = await stack.enter_async_context(feed_process(data_dir, market))
        feed.tell(STEP)
        kinds = set(KINDS)
        console = 0
        if find_spec("uvicorn") and find_spec("websockets"):
            console = free_port(socket.SOCK_STREAM)
            settings = [part for one in feed_overrides(feed) for part in ("--set", one)]
            command = await stack.enter_async_context(Command("console", str(console), *settings))
            await command.says("up")
        else:
            kinds.remove("blind_browsers")
        reader = await stack.enter_async_context(feed.subscriber())
        await read_until(reader, (0, 0))
        ports = Ports(feed.lines[0].port, feed.lines[1].port, feed.recovery[1],
                      free_port(socket.SOCK_STREAM), console)  # fmt: skip
        for kind in sorted(kinds):
            await stack.enter_async_context(peer(kind, ports))
        telling = asyncio.create_task(tell_all(feed))
        await read_until(reader, market.last)
        await telling
        assert_books_equal(reader.books, market.exchange)
        assert reader.state == FeedState.SYNCHRONIZED
        assert feed.process is not None and feed.process.returncode is None


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(SEEDS))
async def test_an_unreliable_line_over_real_sockets(seed: int, loss: float, data_dir: Path) -> None:
    """Loss, duplication and reorder together: the books are the exchange's once it says so."""
    market = Market(SEED + 1 + seed, COUNT // 2)
    async with feed_process(data_dir, market) as feed:
        limits = HandlerLimits(retry_ns=20_000_000)
        async with Subscriber(feed.lines, feed.recovery, limits=limits) as reader:
            unreliable(reader, loss, 0.3, 0.3)
            telling = asyncio.create_task(tell_all(feed))
            await read_until(reader, market.last)
            await telling
            async with asyncio.timeout(WAIT_S):
                while reader.state != FeedState.SYNCHRONIZED:
                    await asyncio.sleep(0.02)
            assert_books_equal(reader.books, market.exchange)
