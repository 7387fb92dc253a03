"""What the console costs: browsers' worth of WebSocket clients while a market moves.

The clients subscribe as the market page does; a member's orders move one book all the time. The
figure is processor time of the console's process alone. Needs the extra [console].
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path

from gateway.client import BUY, SELL, Client, member_reader
from perf.rows import Row
from perf.venue import Venue, cpu_ns, free_port

CLIENTS = 20
INTERVAL_MS = 100
ORDERS_PER_SECOND = 200
SECONDS = 20.0
SYMBOL_OF = "SITB"
_LISTED = ["definition", "status", "limits", "best", "last"]
_WATCHED = [*_LISTED, "depth", "statistics", "settlement", "indicative", "trades"]


def console_clients(scale: float) -> list[Row]:
    """20 clients at 10 updates a second; nothing where the extra is not installed."""
    if importlib.util.find_spec("websockets") is None or not Path("/proc/self/stat").exists():
        return []
    port = free_port()
    with Venue("os", arguments=("--console", str(port))) as venue:
        return asyncio.run(_measure(venue, port, max(SECONDS * scale, 2.0)))


async def _measure(venue: Venue, port: int, seconds: float) -> list[Row]:
    counts = [0] * CLIENTS
    async with moving_market(venue, port) as (symbol, tasks):
        tasks += [
            asyncio.create_task(_watch(port, symbol, counts, number)) for number in range(CLIENTS)
        ]
        await asyncio.sleep(min(3.0, seconds))  # snapshots are taken
        pid = console_pid(venue)
        started_s, before_ns, frames = time.monotonic(), cpu_ns(pid), sum(counts)
        await asyncio.sleep(seconds)
        passed_s = time.monotonic() - started_s
        share = (cpu_ns(pid) - before_ns) / passed_s / 1e9
        rate = (sum(counts) - frames) / passed_s / CLIENTS
        failed = [task for task in tasks if task.done()]
        for task in failed:
            task.result()
    method = (
        f"processor time of the console, {CLIENTS} clients as the market page subscribes, each"
        f" {rate:.1f} frames/s, {ORDERS_PER_SECOND} orders/s in one book, {seconds:.0f} s"
    )
    return [Row("feed.console_clients", share, "cores", None, None, method)]


@contextlib.asynccontextmanager
async def moving_market(
    venue: Venue, port: int
) -> AsyncIterator[tuple[str, list[asyncio.Task[None]]]]:
    """The nearest contract, while a member moves it, and the tasks that end with the block."""
    symbol = await front(port)
    client = Client("127.0.0.1", venue.fix_port, "ALPHA", reader=member_reader())
    await client.connect()
    tasks = [asyncio.create_task(move(client, symbol)), asyncio.create_task(drain(client))]
    try:
        yield symbol, tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def front(port: int) -> str:
    """The nearest contract, once the console has the market."""
    from websockets.asyncio.client import connect

    while True:
        with contextlib.suppress(OSError):
            async with connect(f"ws://127.0.0.1:{port}/ws", max_size=None) as socket:
                await socket.send('{"op":"subscribe","symbols":["*"],"kinds":["definition"]}')
                async for text in socket:
                    names = [name for name, _, _ in json.loads(text)["views"]]
                    found = sorted(name for name in names if name.startswith(SYMBOL_OF))
                    if found:
                        return found[0]
        await asyncio.sleep(0.1)


async def _watch(port: int, symbol: str, counts: list[int], number: int) -> None:
    from websockets.asyncio.client import connect

    address = f"ws://127.0.0.1:{port}/ws?interval_ms={INTERVAL_MS}"
    async with connect(address, max_size=None, compression=None) as socket:
        for symbols, kinds, more in (
            (["*"], _LISTED, {}),
            ([symbol], _WATCHED, {"candle_minutes": 1, "products": [SYMBOL_OF]}),
        ):
            request = {"op": "subscribe", "symbols": symbols, "kinds": kinds, **more}
            await socket.send(json.dumps(request))
        async for _ in socket:
            counts[number] += 1


async def move(client: Client, symbol: str) -> None:
    """Bids and offers that meet now and then, in bursts of a twentieth of a second."""
    step = 0
    while True:
        for _ in range(ORDERS_PER_SECOND // 20):
            step += 1
            price = 2_000 + step * 7 % 11 - 5
            client.send_order(symbol, BUY if step % 2 else SELL, 1 + step % 9, f"{price / 1e3:.3f}")
        await asyncio.sleep(0.05)


async def drain(client: Client) -> None:
    """Reads away what the venue says."""
    while True:
        await client.receive()


def console_pid(venue: Venue) -> int:
    """The process of the venue's console."""
    for pid in venue.processes():
        if b"\0console\0" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return pid
    raise RuntimeError("the venue has no console")
