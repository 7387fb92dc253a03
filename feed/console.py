"""The console: WebSocket, REST and the market page on one port, by a process of its own.

Needs the extra [console]. Without a configuration it listens on loopback; it serves public market
data and takes nothing but subscriptions.

Source: specs/market_data.md (F-100 to F-107).
"""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from feed.market_view import Follower
from feed.outlet import print_line
from feed.rest import Rest
from feed.websocket import Clients
from specs.outlets import ConsoleConfig

PAGE = Path(__file__).with_name("page")
PORT = 8_080  # of `sitex console` where nothing else is said
REQUEST_BYTES_MAX = 65_536  # of a client's message
_HEADERS = {
    "content-security-policy": "default-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-cache",
}


class _SafeHeaders:
    """Adds the headers that keep a page to itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_HEADERS)
            await send(message)

        await self._app(scope, receive, send_with)


def application(config: ConsoleConfig, follower: Follower) -> tuple[Starlette, Clients]:
    """The ASGI application, and its WebSocket clients."""
    clients = Clients(config, follower)
    routes = [
        WebSocketRoute("/ws", clients.serve),
        *Rest(follower).routes(),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(_SafeHeaders)]), clients


async def tell_console(config: ConsoleConfig, follower: Follower) -> None:
    """Serves until a signal. OSError where the address is taken."""
    listening = socket.create_server((config.host, config.port or PORT))
    app, _ = application(config, follower)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_level="warning",
            access_log=False,
            ws_max_size=REQUEST_BYTES_MAX,
            ws_max_queue=8,
            ws_per_message_deflate=False,
            limit_concurrency=2 * config.clients_max,
            timeout_graceful_shutdown=1,
        )
    )
    host, port = listening.getsockname()[:2]
    print_line(f"console on http://{host}:{port} up")
    serving = asyncio.ensure_future(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    except asyncio.CancelledError:
        server.should_exit = True  # browsers are told, instead of being dropped
        await serving
        raise
