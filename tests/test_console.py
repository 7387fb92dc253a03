"""`sitex console` as a process: WebSocket and REST of a real feed, and clients that do harm."""

from __future__ import annotations

import asyncio
import json
import socket
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

pytest.importorskip("starlette", reason="needs the extra [console]")
pytest.importorskip("uvicorn", reason="needs the extra [console]")
pytest.importorskip("websockets", reason="needs the extra [console]")

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from feed import rest
from feed.messages import Trade
from feed.views import VIEW_DECODER, Depth, Kind
from perf.venue import free_port
from tests import naive_words as w
from tests.feed_market import assert_books_equal, naive_levels, naive_orders
from tests.feed_named import SYMBOLS, feed_overrides, named_feed
from tests.feed_rig import FeedProcess, read_until
from tests.mqtt_rig import Command

SEED, COUNT = 3, 400
ONE_DAY = 6  # a seed without a roll
ALL = {"op": "subscribe", "symbols": list(SYMBOLS.values()), "kinds": [str(k) for k in Kind]}


@asynccontextmanager
async def console(feed: FeedProcess, *settings: str) -> AsyncIterator[int]:
    """A console of a feed; its port."""
    port = free_port(socket.SOCK_STREAM)
    chosen = [*feed_overrides(feed), *settings]
    arguments = [part for one in chosen for part in ("--set", one)]
    async with Command("console", str(port), *arguments) as command:
        await command.says("up")
        yield port


def open_socket(port: int, query: str = "", **options: Any) -> connect:
    """A WebSocket client."""
    return connect(f"ws://127.0.0.1:{port}/ws?interval_ms=20{query}", **options)


async def get(port: int, path: str) -> tuple[int, Any]:
    """Status and JSON of a path."""

    def fetch() -> tuple[int, Any]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=20) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    return await asyncio.to_thread(fetch)


async def console_has(port: int, last: tuple[int, int]) -> None:
    """Waits until the console has a picture, with this message in it."""
    async with asyncio.timeout(30):
        while True:
            _, state = await get(port, "/api/v1/state")
            if state["session"] and (state["session"], state["sequence"]) >= last:
                return
            await asyncio.sleep(0.02)


async def views_until(client: ClientConnection, done: Any) -> dict[tuple[str, str], Any]:
    """Newest views of a JSON client until `done(views)`; trades are gathered."""
    found: dict[tuple[str, str], Any] = {}
    async with asyncio.timeout(30):
        while not done(found):
            frame = json.loads(await client.recv())
            for name, kind, view in frame["views"]:
                if kind == "trades":
                    found.setdefault((name, kind), []).extend(view)
                else:
                    found[name, kind] = view
    return found


def levels(feed: FeedProcess, instrument: int) -> tuple[list[list[int]], list[list[int]]]:
    """The naive exchange's best levels."""
    exchange = feed.market.exchange
    bids, asks = (naive_levels(exchange, instrument, side)[:10] for side in (w.BUY, w.SELL))
    return [list(row) for row in bids], [list(row) for row in asks]


def is_market(feed: FeedProcess, views: dict[tuple[str, str], Any]) -> bool:
    """Whether all depths are the exchange's."""
    return all(
        (view := views.get((symbol, "depth")))
        and (view["bids"], view["asks"]) == levels(feed, instrument)
        for instrument, symbol in SYMBOLS.items()
    )


async def test_snapshot_then_updates(data_dir: Path) -> None:
    """F-101: what stood before the subscription, then what changed, to the exchange's books."""
    async with named_feed(data_dir, SEED, COUNT) as feed, console(feed) as port:
        feed.tell(feed.event_count // 2)
        async with open_socket(port) as client:
            await client.send(json.dumps(ALL))
            await views_until(client, lambda views: (SYMBOLS[1], "depth") in views)
            feed.tell(feed.event_count)
            await views_until(client, lambda views: is_market(feed, views))


async def test_messagepack_is_what_the_types_decode(data_dir: Path) -> None:
    """F-100, F-103."""
    async with named_feed(data_dir, SEED, COUNT) as feed, console(feed) as port:
        feed.tell(feed.event_count)
        async with open_socket(port, "&format=msgpack") as client:
            request = {"op": "subscribe", "symbols": [SYMBOLS[1]], "kinds": ["depth"]}
            await client.send(msgspec.msgpack.encode(request))
            async with asyncio.timeout(30):
                while True:
                    frame = msgspec.msgpack.decode(
                        await client.recv(),
                        type=tuple[int, str, list[tuple[str, str, msgspec.Raw]]],
                    )
                    if not frame[2]:
                        continue
                    ((name, kind, raw),) = frame[2]
                    depth = VIEW_DECODER.decode(raw)
                    assert (name, kind) == (SYMBOLS[1], "depth") and isinstance(depth, Depth)
                    told = [list(row) for row in depth.bids], [list(row) for row in depth.asks]
                    if told == levels(feed, 1):
                        return


async def test_rest_answers_are_the_exchange_and_fit_the_document(data_dir: Path) -> None:
    """F-105, F-106: every path, decoded by the types that the document is made of."""
    async with named_feed(data_dir, SEED, COUNT) as feed, console(feed) as port:
        feed.tell(1)
        await console_has(port, (0, 0))
        feed.tell(feed.event_count)
        await console_has(port, feed.market.last)
        status, described = await get(port, "/openapi.json")
        assert status == 200 and described["openapi"].startswith("3.1")
        symbol = quote(SYMBOLS[2], safe="")
        for path, _, answer, _ in rest.PATHS:
            assert f"/api/v1{path}" in described["paths"]
            asked = path.replace("{symbol}", symbol).replace("{product}", "SITB")
            query = "?side=buy" if path.startswith("/orders") else ""
            status, found = await get(port, f"/api/v1{asked}{query}")
            assert status == 200, path
            msgspec.convert(found, answer, strict=True)
        for instrument, name in SYMBOLS.items():
            _, depth = await get(port, f"/api/v1/books/{quote(name, safe='')}?depth=10")
            assert (depth["bids"], depth["asks"]) == levels(feed, instrument)
            for side, word in ((w.BUY, "buy"), (w.SELL, "sell")):
                path = f"/api/v1/orders/{quote(name, safe='')}?side={word}&limit=1000"
                _, orders = await get(port, path)
                told = [(one["public_id"], one["price"], one["qty"]) for one in orders]
                assert told == naive_orders(feed.market.exchange, instrument, side)
            truth = feed.market.exchange.instruments[instrument]
            for path in ("instruments", "statistics"):
                _, listed = await get(port, f"/api/v1/{path}/{quote(name, safe='')}")
                assert listed["open_interest"] == truth.open_interest
                average = listed["average_price"] if truth.volume else 0
                assert abs(average * truth.volume - truth.value) <= truth.volume / 2
        assert any(one.open_interest for one in feed.market.exchange.instruments.values())
        _, trades = await get(port, f"/api/v1/trades/{SYMBOLS[1]}?limit=1000")
        made = [m for m in feed.market.messages() if isinstance(m, Trade) and m.instrument == 1]
        assert [one["trade_id"] for one in trades] == [one.trade_id for one in made][-len(trades) :]
        _, candles = await get(port, f"/api/v1/candles/{SYMBOLS[1]}?minutes=1")
        assert sum(one["volume"] for one in candles) == sum(one["qty"] for one in trades)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/v1/books/NONE", 404),
        ("/api/v1/curves/NONE", 404),
        ("/api/v1/books/SITB2612?depth=0", 400),
        ("/api/v1/books/SITB2612?depth=x", 400),
        ("/api/v1/books/SITB2612?depth=99999999999999999999", 400),
        ("/api/v1/orders/SITB2612", 400),
        ("/api/v1/candles/SITB2612?minutes=-1", 400),
    ],
)
async def test_rest_refuses_with_a_reason(data_dir: Path, path: str, status: int) -> None:
    """F-105."""
    async with named_feed(data_dir, SEED, 20) as feed, console(feed) as port:
        feed.tell(feed.event_count)
        await console_has(port, (0, 0))
        found, problem = await get(port, path)
        assert found == status and problem["type"] == "Problem" and problem["error"]


async def test_a_browser_that_never_reads_is_cut_off(data_dir: Path) -> None:
    """F-104: whoever else is connected has the market; the one that slept is gone."""
    settings = ("console.send_timeout_seconds=1", "console.client_bytes_per_second=100000000")
    async with named_feed(data_dir, SEED, COUNT) as feed, console(feed, *settings) as port:
        feed.tell(feed.event_count // 4)
        asleep = await _asleep(port)
        with asleep:
            async with open_socket(port) as client:
                await client.send(json.dumps(ALL))
                feed.tell(feed.event_count)
                await views_until(client, lambda views: is_market(feed, views))
                asleep.settimeout(30)
                await asyncio.to_thread(_read_to_the_end, asleep)
        async with feed.subscriber() as subscriber:
            await read_until(subscriber, feed.market.last)
            assert_books_equal(subscriber.books, feed.market.exchange)


async def _asleep(port: int) -> socket.socket:
    """A raw WebSocket that asks for all of it again and again and reads nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    raw.connect(("127.0.0.1", port))
    raw.sendall(
        f"GET /ws?interval_ms=20 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    again = [{"op": "unsubscribe", "symbols": ALL["symbols"]}, ALL]
    await asyncio.to_thread(_ask_until_it_blocks, raw, [json.dumps(one) for one in again])
    return raw


def _ask_until_it_blocks(raw: socket.socket, requests: list[str]) -> None:
    raw.settimeout(2)
    for _ in range(4_000):
        for text in requests:
            data = text.encode()
            head = bytes([0x81, 0xFE, len(data) >> 8, len(data) & 255, 0, 0, 0, 0])
            try:
                raw.sendall(head + data)
            except (TimeoutError, OSError):
                return


def _read_to_the_end(raw: socket.socket) -> None:
    try:
        while raw.recv(65_536):
            pass
    except ConnectionResetError:
        return


async def test_clients_are_bounded(data_dir: Path) -> None:
    """F-104: one too many is refused; when one leaves there is room again."""
    async with (
        named_feed(data_dir, SEED, 20) as feed,
        console(feed, "console.clients_max=1") as port,
    ):
        feed.tell(feed.event_count)
        async with open_socket(port) as client:
            await client.recv()
            with pytest.raises((InvalidStatus, ConnectionClosed)):
                async with open_socket(port) as second:
                    await second.recv()
        async with asyncio.timeout(30):
            while True:
                try:
                    async with open_socket(port) as third:
                        await third.recv()
                        return
                except (InvalidStatus, ConnectionClosed):
                    await asyncio.sleep(0.05)


async def test_pages_of_other_sites_and_long_requests_are_refused(data_dir: Path) -> None:
    """F-100, F-104."""
    async with named_feed(data_dir, SEED, 20) as feed, console(feed) as port:
        feed.tell(feed.event_count)
        with pytest.raises((InvalidStatus, ConnectionClosed)):
            async with open_socket(port, origin="http://evil.example") as foreign:
                await foreign.recv()
        async with open_socket(port, origin=f"http://127.0.0.1:{port}") as own:
            await own.recv()
            await own.send("x" * 70_000)
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(30):
                    while True:
                        await own.recv()
        async with open_socket(port) as other:
            await other.recv()


async def test_the_page_may_not_load_from_elsewhere(data_dir: Path) -> None:
    """The headers that keep it to itself."""
    async with named_feed(data_dir, SEED, 20) as feed, console(feed) as port:

        def headers() -> Any:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=20) as answer:
                return answer.headers

        found = await asyncio.to_thread(headers)
        assert "default-src 'self'" in found["content-security-policy"]
        assert found["x-content-type-options"] == "nosniff"


async def test_a_taken_port_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        async with Command("console", str(taken.getsockname()[1])) as second:
            assert await asyncio.wait_for(second.process.wait(), 30) == 1
            assert second.process.stderr
            assert b"in use" in await second.process.stderr.read()


async def test_f140_a_console_that_starts_again_has_what_it_had(data_dir: Path) -> None:
    """Trades and candles over REST, before and after; a console that asks for none has none."""
    async with named_feed(data_dir, ONE_DAY, COUNT) as feed:
        last = feed.market.last
        async with console(feed) as port:
            feed.tell(40)
            await console_has(port, (0, 0))
            feed.tell(feed.event_count)
            await console_has(port, last)
            paths = [f"/api/v1/{what}/{quote(SYMBOLS[1])}" for what in ("trades", "candles")]
            before = [await get(port, path) for path in paths]
            assert len(before[0][1]) > 20 and before[1][1]
        async with console(feed) as port:
            await console_has(port, last)
            assert [await get(port, path) for path in paths] == before
        async with console(feed, "console.backfill_messages=0") as port:
            await console_has(port, last)
            assert [await get(port, path) for path in paths] == [(200, []), (200, [])]
