"""The console: WebSocket, REST and the market page on one port, by a process of its own.

Needs the extra [console]. Without a configuration it listens on loopback; it serves public market
data and takes nothing but subscriptions.

Source: specs/market_data.md (F-100 to F-107).
"""

from __future__ import annotations

import socket
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles

from feed.market_view import Follower
from feed.outlet import print_line
from feed.rest import Rest
from feed.web import SafeHeaders, serve_web
from feed.websocket import Clients
from specs.outlets import ConsoleConfig

PAGE = Path(__file__).with_name("page")
PORT = 8_080  # of `sitex console` where nothing else is said


def application(config: ConsoleConfig, follower: Follower) -> tuple[Starlette, Clients]:
    """The ASGI application, and its WebSocket clients."""
    clients = Clients(config, follower)
    routes = [
        WebSocketRoute("/ws", clients.serve),
        *Rest(follower).routes(),
        Mount("/", StaticFiles(directory=PAGE, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(SafeHeaders)]), clients


async def tell_console(config: ConsoleConfig, follower: Follower) -> None:
    """Serves until a signal. OSError where the address is taken."""
    listening = socket.create_server((config.host, config.port or PORT))
    app, _ = application(config, follower)
    host, port = listening.getsockname()[:2]
    print_line(f"console on http://{host}:{port} up")
    await serve_web(app, listening, 2 * config.clients_max)
