"""The market page against a feed: values, trades, queues, keys, themes, a phone, restarts."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from feed.messages import Trade, TradingStatus
from feed.phases import CALLS, phase_words
from gateway.client import BUY, SELL, Client, member_reader
from perf.venue import Venue, free_port
from tests import naive_words as w
from tests.feed_market import naive_levels, naive_orders
from tests.feed_named import SYMBOLS, feed_overrides, named_feed
from tests.feed_rig import ROOT, FeedProcess
from tests.mqtt_rig import Command
from tests.page_rig import Shown, market_page, require_browser

SEED, COUNT = 3, 400
PAGE = ROOT / "feed" / "page"
OPERATOR_PAGE = ROOT / "gateway" / "page"


@pytest.fixture(autouse=True)
def browser_only(request: pytest.FixtureRequest) -> None:
    """Every test here but those of the text needs a browser."""
    if not request.node.name.startswith("test_text"):
        require_browser()


class Console(Command):
    """`sitex console` of a feed."""

    def __init__(self, feed: FeedProcess, port: int) -> None:
        settings = [part for one in feed_overrides(feed) for part in ("--set", one)]
        super().__init__("console", str(port), *settings)
        self.port = port

    async def __aenter__(self) -> Console:
        await super().__aenter__()
        await self.says("up")
        return self


def naive_ladder(feed: FeedProcess, instrument: int) -> tuple[list[list[str]], list[list[str]]]:
    """The naive exchange's ten best levels as the page writes them; a tick has two places."""
    bids, asks = (
        [
            [f"{price / 1e9:.2f}", f"{qty:,}", f"{orders:,}"]
            for price, qty, orders in naive_levels(feed.market.exchange, instrument, side)[:10]
        ]
        for side in (w.BUY, w.SELL)
    )
    return bids, asks


async def shows(shown: Shown, ladder: tuple[list[list[str]], list[list[str]]]) -> None:
    """Waits until the page's ladder is this one."""

    async def same() -> bool:
        return await shown.ladder() == ladder

    await shown.until(same)


async def test_the_page_shows_the_exchange(data_dir: Path) -> None:
    """Ladder, trades, statistics, candles, list: all from the exchange's own numbers."""
    async with named_feed(data_dir, SEED, COUNT) as feed, Console(feed, free_port()) as console:
        feed.tell(40)
        async with market_page(console.port, SYMBOLS[1]) as shown:
            await shown.page.wait_for_selector("#state.good")
            feed.tell(feed.event_count)
            await shows(shown, naive_ladder(feed, 1))
            made = [m for m in feed.market.messages() if isinstance(m, Trade) and m.instrument == 1]
            newest = [[f"{one.price / 1e9:.2f}", f"{one.qty:,}"] for one in reversed(made)]

            async def has_trades() -> bool:
                rows = await shown.rows("trades")
                return [row[1:3] for row in rows] == newest[: len(rows)] and len(rows) > 20

            await shown.until(has_trades)
            truth = feed.market.exchange.instruments[1]
            assert f"volume\n{truth.volume:,}" in await shown.text("#facts")
            average = f"average\n{truth.value / truth.volume / 1e9:.2f}"
            assert average in await shown.text("#facts")
            listed = {row[0] for row in await shown.rows("list")}
            assert set(SYMBOLS.values()) <= listed
            assert re.search(r"[\d,]+ lots, \d+ trades", await shown.text("#candle"))
            months = await shown.rows("months")
            assert {row[0] for row in months} <= {SYMBOLS[1], SYMBOLS[2]} and months
            truth = feed.market.exchange.instruments[3]
            assert truth.open_interest > 0
            await shown.page.click(f"#list tr[data-symbol='{SYMBOLS[3]}']")

            async def has_open_interest() -> bool:
                return f"open interest\n{truth.open_interest:,}" in await shown.text("#facts")

            await shown.until(has_open_interest)


async def test_the_queue_ahead_of_a_marked_order(data_dir: Path) -> None:
    """An order chosen in the queue at a price, followed while the market goes on."""
    async with named_feed(data_dir, SEED, COUNT) as feed, Console(feed, free_port()) as console:
        feed.tell(feed.event_count)
        orders = naive_orders(feed.market.exchange, 1, w.SELL)
        price = max({at for _, at, _ in orders}, key=lambda at: [o[1] for o in orders].count(at))
        queue = [(public_id, lots) for public_id, at, lots in orders if at == price]
        assert len(queue) > 1
        async with market_page(console.port, SYMBOLS[1]) as shown:
            await shown.page.click(f"#ladder tr.ask[data-price='{price}']")
            await shown.page.wait_for_selector("#queue-orders button")
            texts = await shown.page.locator("#queue-orders button").all_inner_texts()
            assert texts == [f"{public_id} · {lots:,}" for public_id, lots in queue]
            await shown.page.click("#queue-orders li:last-child button")
            ahead = sum(lots for _, lots in queue[:-1])
            words = f"{ahead:,} lots of {len(queue) - 1:,} orders ahead"
            await shown.page.wait_for_selector(f"#marks li:has-text('{words}')")
            assert "marked" in await shown.page.get_attribute(
                f"#ladder tr.ask[data-price='{price}']", "class"
            )
            await shown.page.fill("#public-id", str(queue[0][0]))
            await shown.page.press("#public-id", "Enter")
            await shown.page.wait_for_selector("#marks li:has-text('first in the queue')")
            await shown.page.click("#marks li:first-child button")
            await shown.page.wait_for_selector("#marks li:nth-child(2)", state="detached")


async def test_by_keyboard_alone(data_dir: Path) -> None:
    """Find a contract, choose it, walk the ladder, change the theme."""
    async with named_feed(data_dir, SEED, COUNT) as feed, Console(feed, free_port()) as console:
        feed.tell(feed.event_count)
        async with market_page(console.port, SYMBOLS[1], color_scheme="light") as shown:
            page = shown.page
            await page.wait_for_selector("#ladder tr.bid")
            await page.keyboard.press("/")
            await page.keyboard.type("sits")
            await page.keyboard.press("Enter")
            await page.wait_for_function(f"document.title.startsWith('{SYMBOLS[3]}')")
            await shows(shown, naive_ladder(feed, 3))
            assert quote(SYMBOLS[3]) in page.url
            await page.focus("#ladder tr.bid")
            await page.keyboard.press("Enter")
            await page.wait_for_selector("#queue-orders button")
            await page.keyboard.press("t")
            theme = "document.documentElement.dataset.theme"
            assert await page.evaluate(theme) == "dark"
            await page.reload()
            await page.wait_for_selector("#ladder tr.bid")
            assert await page.evaluate(theme) == "dark"


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_on_a_phone_nothing_sticks_out(data_dir: Path, scheme: str) -> None:
    """Every tab fits the width; the system's theme is taken."""
    async with named_feed(data_dir, SEED, COUNT) as feed, Console(feed, free_port()) as console:
        feed.tell(feed.event_count)
        size = {"width": 390, "height": 844}
        async with market_page(
            console.port, SYMBOLS[1], viewport=size, color_scheme=scheme, has_touch=True
        ) as shown:
            await shown.page.wait_for_selector("#ladder tr.bid")
            tabs = await shown.page.locator("#tabs button").all()
            assert len(tabs) == 5
            for tab in tabs:
                await tab.click()
                panel = await tab.get_attribute("data-tab")
                assert await shown.page.is_visible(f"#{panel}")
                wide = "document.documentElement.scrollWidth"
                assert await shown.page.evaluate(wide) <= size["width"]
            colour = await shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
            brightness = sum(map(int, re.findall(r"\d+", colour)[:3]))
            assert (brightness < 200) == (scheme == "dark")


async def test_a_feed_that_dies_and_comes_back(data_dir: Path) -> None:
    """The page says that the market is stale, and has the whole market again afterwards."""
    async with named_feed(data_dir, SEED, COUNT) as feed, Console(feed, free_port()) as console:
        feed.tell(feed.event_count // 2)
        async with market_page(console.port, SYMBOLS[1]) as shown:
            await shown.page.wait_for_selector("#state.good")
            await feed.kill()
            await shown.page.wait_for_selector("#state.bad:has-text('stale')")
            await feed.start()
            feed.tell(feed.event_count)
            await shown.page.wait_for_selector("#state.good")
            await shows(shown, naive_ladder(feed, 1))


def engine_ladder(symbol: str, data: Path) -> tuple[list[list[str]], list[list[str]]]:
    """The engine's book after the last command of the journal, as `sitex book` shows it."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "book", symbol, "--data", str(data)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    bids, asks = [], []
    for line in done.stdout.splitlines():
        if re.fullmatch(r"\s+\d[\d.]*\s+\d+\s+\d+", line):
            price, qty, orders = line.split()
            asks.append([price, qty, orders])
        elif re.fullmatch(r"\s+\d+\s+\d+\s+\d[\d.]*\s*", line):
            orders, qty, price = line.split()
            bids.append([price, qty, orders])
    return bids, asks[::-1]


async def trade(client: Client, symbol: str, base: int) -> None:
    """Rests bids and offers around `base` thousandths."""
    for step in range(1, 6):
        for side, price in ((BUY, base - step), (SELL, base + step)):
            client.send_order(symbol, side, 10 + step, f"{price / 1e3:.3f}")
    for _ in range(10):
        message = await client.receive(20)
        assert message.msg_type == b"8"


async def test_the_page_equals_the_engines_book_over_a_venue_restart() -> None:
    """`sitex serve --console`: orders over FIX, a kill, a restart, more orders."""
    port = free_port()
    with Venue("os", arguments=("--console", str(port))) as venue:
        reader = member_reader()
        await until_open(port)
        async with market_page(port) as shown:
            client = Client("127.0.0.1", venue.fix_port, "ALPHA", reader=reader)
            await client.connect()
            symbol = await choose_product(shown, "SITB")
            await trade(client, symbol, 2_000)
            first = engine_ladder(symbol, venue.directory)
            assert len(first[0]) == len(first[1]) == 5
            await shows(shown, first)
            shown.expected_away = True
            await asyncio.to_thread(venue.kill)
            await shown.page.wait_for_selector("#state.bad")
            await asyncio.to_thread(venue.start)
            await client.connect()
            await shown.page.wait_for_selector("#state.good")
            await shows(shown, first)
            shown.expected_away = False
            client.send_order(symbol, BUY, 77, "1.999")
            while (await client.receive(20)).msg_type != b"8":
                continue
            second = engine_ladder(symbol, venue.directory)
            assert second != first
            await shows(shown, second)
            await client.close()


async def until_open(port: int) -> None:
    """Until the console listens, which the venue does not wait for."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def choose_product(shown: Shown, product: str) -> str:
    """Chooses the first contract of a product in the list; its symbol."""
    row = shown.page.locator(f"#list tr[data-product='{product}'][data-symbol]").first
    symbol = await row.get_attribute("data-symbol")
    await row.click()
    await shown.page.wait_for_function(f"document.title.startsWith('{symbol}')")
    return str(symbol)


def test_text_of_phases_is_the_feeds() -> None:
    """format.js names phases and calls as feed/phases.py does."""
    text = (PAGE / "format.js").read_text()
    named = dict(re.findall(r'(\d+): "([^"]+)"', text.split("SHORT_PHASES")[0]))
    assert named == {str(int(one)): phase_words(one) for one in TradingStatus}
    calls = re.search(r"CALLS = new Set\(\[([\d, ]+)\]\)", text)
    assert calls and {int(one) for one in calls[1].split(",")} == {int(one) for one in CALLS}


def test_text_loads_nothing_from_elsewhere() -> None:
    """No other host and no inline script or style, which the headers forbid."""
    for file in (*PAGE.iterdir(), *OPERATOR_PAGE.iterdir()):
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), file.name
        if file.suffix == ".html":
            assert not re.search(r"<style|style=|<script>|\son\w+=", text)
