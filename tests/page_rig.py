"""The market page in a real Chromium: what it shows, read from the page."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium")
WAIT_MS = 30_000


def require_browser() -> None:
    """Skips a test where there is none."""
    for name in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(name, reason="needs the extra [console]")
    pytest.importorskip("playwright", reason="needs the extra [browser]")
    if CHROMIUM is None:
        pytest.skip("needs chromium (apt-get install chromium)")


class Shown:
    """One page; `faults` holds what it complained of and what it asked of other hosts."""

    def __init__(self, page: Any, port: int) -> None:
        self.page = page
        self.port = port
        self.faults: list[str] = []
        self.expected_away = False  # the venue is: what fails meanwhile is no fault
        page.on("pageerror", lambda error: self.faults.append(str(error)))
        page.on("console", self._complain)
        page.on("request", self._request)

    async def text(self, selector: str) -> str:
        """What an element shows."""
        return str(await self.page.inner_text(selector)).strip()

    async def ladder(self) -> tuple[list[list[str]], list[list[str]]]:
        """(price, lots, orders) of bids and of offers as they are shown, best first."""
        found = await self.page.evaluate(
            """() => ["bid", "ask"].map((side) =>
                 [...document.querySelectorAll(`#ladder tr.${side}`)].map((row) => {
                   const cells = [...row.cells].map((cell) => cell.textContent);
                   return side === "bid" ? [cells[2], cells[1], cells[0]]
                                         : [cells[2], cells[3], cells[4]];
                 }))"""
        )
        return found[0], found[1][::-1]

    async def rows(self, table: str) -> list[list[str]]:
        """The cells of a table's body."""
        found = await self.page.evaluate(
            "(id) => [...document.getElementById(id).tBodies[0].rows]"
            ".map((row) => [...row.cells].map((cell) => cell.textContent))",
            table,
        )
        return list(found)

    async def until(self, done: Callable[[], Any]) -> None:
        """Waits until `await done()` is true."""
        async with asyncio.timeout(WAIT_MS / 1e3):
            while not await done():
                await asyncio.sleep(0.05)

    def _complain(self, message: Any) -> None:
        if message.type in ("error", "warning") and not self.expected_away:
            self.faults.append(message.text)

    def _request(self, request: Any) -> None:
        if f"://127.0.0.1:{self.port}/" not in request.url:
            self.faults.append(request.url)


@contextlib.asynccontextmanager
async def market_page(
    port: int, symbol: str = "", query: str = "", **options: Any
) -> AsyncIterator[Shown]:
    """A page in a browser of its own; its faults fail the test at the end."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            context = await browser.new_context(**options)
            shown = Shown(await context.new_page(), port)
            shown.page.set_default_timeout(WAIT_MS)
            await shown.page.goto(f"http://127.0.0.1:{port}/{query}#{symbol}")
            yield shown
            assert not shown.faults, shown.faults
        finally:
            await browser.close()
