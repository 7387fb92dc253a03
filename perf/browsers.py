"""Row feed.browsers: the market page in 20 pages of a real Chromium while a market moves.

Method: as feed.console_clients, but the clients are pages that draw what they get. The figure is
processor time of the console's process alone; the browser's own is in the method. Needs the extras
[console] and [browser] and Debian's chromium.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import shutil
import time
from pathlib import Path

from perf.console import ORDERS_PER_SECOND, console_pid, moving_market
from perf.rows import Row
from perf.venue import Venue, cpu_ns, free_port

PAGES = 20
SECONDS = 20.0
JOIN_S = 5.0
_COUNT_FRAMES = """
const Real = window.WebSocket;
window.frames_heard = 0;
window.WebSocket = class extends Real {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", () => { window.frames_heard += 1; });
  }
};
"""


def browsers(scale: float) -> list[Row]:
    """20 pages at 10 updates a second; nothing where there is no browser."""
    chromium = shutil.which("chromium")
    wanted = ("websockets", "uvicorn", "playwright")
    if chromium is None or any(importlib.util.find_spec(name) is None for name in wanted):
        return []
    pages = max(1, round(PAGES * scale))
    port = free_port()
    with Venue("os", arguments=("--console", str(port))) as venue:
        return asyncio.run(_measure(venue, port, chromium, pages, max(SECONDS * scale, 2.0)))


async def _measure(venue: Venue, port: int, chromium: str, pages: int, seconds: float) -> list[Row]:
    from playwright.async_api import async_playwright

    async with moving_market(venue, port) as (symbol, _), async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            context = await browser.new_context(viewport={"width": 1280, "height": 800})
            await context.add_init_script(_COUNT_FRAMES)
            shown = [await context.new_page() for _ in range(pages)]
            for page in shown:
                await page.goto(f"http://127.0.0.1:{port}/#{symbol}")
                await page.wait_for_selector("#state.good", timeout=60_000)
            await asyncio.sleep(min(JOIN_S, seconds))
            pid, others = console_pid(venue), _browser_pids()
            before = (time.monotonic(), cpu_ns(pid), _cpu_of(others), await _frames(shown))
            await asyncio.sleep(seconds)
            passed_s = time.monotonic() - before[0]
            share = (cpu_ns(pid) - before[1]) / passed_s / 1e9
            drawn = (_cpu_of(others) - before[2]) / passed_s / 1e9
            rate = (await _frames(shown) - before[3]) / passed_s / pages
        finally:
            await browser.close()
    method = (
        f"processor time of the console, {pages} pages of Chromium, each {rate:.1f} frames/s,"
        f" {ORDERS_PER_SECOND} orders/s in one book, {seconds:.0f} s; the browser {drawn:.2f} cores"
    )
    return [Row("feed.browsers", share, "cores", None, None, method)]


async def _frames(pages: list) -> int:
    return sum([await page.evaluate("window.frames_heard") for page in pages])


def _browser_pids() -> list[int]:
    """The processes below this one that are of the browser."""
    found, pids = [], [os.getpid()]
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            pids += [int(child) for child in task.read_text().split()]
        if b"chrom" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]:
            found.append(pid)
    return found


def _cpu_of(pids: list[int]) -> int:
    return sum(cpu_ns(pid) for pid in pids if Path(f"/proc/{pid}/task").exists())
