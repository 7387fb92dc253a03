"""The operator's page: one port of loopback, nothing without the token, nothing that changes.

A process of its own that asks the venue by the operator's socket and hears the feed like any
subscriber, so that it costs the venue one answer a second, whoever looks. Needs the extra
[operator].

Source: specs/market_data.md (F-150 to F-152); docs/decisions/0183-operator-page.md.
"""

from __future__ import annotations

import asyncio
import hmac
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from feed.outlet import first_of, print_line
from feed.subscriber import Subscriber
from feed.web import SafeHeaders, serve_web
from gateway.operator import Statistics, ask, keep_token
from gateway.operator_view import OperatorView, Picture
from gateway.statistics import VenueStatistics

HOST = "127.0.0.1"
PORT = 9_880  # of `sitex admin page` where nothing else is said
INTERVAL_S = 1.0
CONNECTIONS_MAX = 32
_LOOPBACK = {"127.0.0.1", "localhost"}
_OWN, _SHARED = Path(__file__).with_name("page"), Path(__file__).parent.parent / "feed" / "page"
_FILES = {
    "/": _OWN / "operator.html",
    "/operator.js": _OWN / "operator.js",
    "/operator.css": _OWN / "operator.css",
    **{f"/{name}": _SHARED / name for name in ("style.css", "theme.js", "format.js", "icon.svg")},
}
_NO_TOKEN = "This page needs the token of the address that the venue printed at its start.\n"


class OnlyWithToken:
    """Passes on what shows the token and names loopback as its host; all else is refused (F-150).

    The token comes as a bearer, as a cookie, or once in the address, which then sets the cookie.
    """

    def __init__(self, app: ASGIApp, token: str, cookie: str) -> None:
        self._app = app
        self._token = token.encode()
        self._cookie = cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        await (self._refusal(request) or self._app)(scope, receive, send)

    def _refusal(self, request: Request) -> Response | None:
        host = urlsplit(f"//{request.headers.get('host', '')}").hostname
        if host not in _LOOPBACK:  # a name of elsewhere that leads here
            return Response("not of this host\n", 403)
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and self._is_token(bearer):
            return None
        if self._is_token(request.cookies.get(self._cookie, "")):
            return None
        given = parse_qs(request.url.query).get("token", [""])[0]
        if request.url.path == "/" and self._is_token(given):
            answer = RedirectResponse("/", 303)
            answer.set_cookie(self._cookie, given, httponly=True, samesite="strict")
            return answer
        return Response(_NO_TOKEN, 401, {"www-authenticate": "Bearer"}, "text/plain")

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token)


class Watcher:
    """Keeps the newest picture; `run` makes one a second."""

    def __init__(self, data_dir: Path, subscriber: Subscriber) -> None:
        self._data_dir = data_dir
        self._subscriber = subscriber
        self._view = OperatorView()
        self._picture: Picture | None = None
        handler, latencies = subscriber.handler, self._view.latencies
        handler.on_update = lambda update: (
            latencies.update(update.messages[-1].time_ns) if update.messages else None
        )
        handler.on_packet = lambda data: latencies.packet(data, time.time_ns())

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            venue, problem = await asyncio.to_thread(self._ask)
            self._picture = self._view.picture(
                venue, problem, self._subscriber.handler, self._subscriber.state,
                time.time_ns(), time.monotonic_ns(),
            )  # fmt: skip
            await asyncio.sleep(INTERVAL_S)

    def _ask(self) -> tuple[VenueStatistics | None, str]:
        answer = ask(self._data_dir, Statistics())
        if not answer.done:
            return None, answer.text
        return msgspec.json.decode(answer.text, type=VenueStatistics), ""

    async def answer(self, request: Request) -> Response:
        """The newest picture as JSON."""
        if self._picture is None:
            return Response("no picture yet\n", 503)
        return Response(msgspec.json.encode(self._picture), media_type="application/json")


def application(watcher: Watcher, token: str, port: int) -> Starlette:
    """The ASGI application."""

    def file(path: Path) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return FileResponse(path)

        return answer

    routes = [Route(name, file(path)) for name, path in _FILES.items()]
    return Starlette(
        routes=[*routes, Route("/picture", watcher.answer)],
        middleware=[
            Middleware(SafeHeaders),
            Middleware(OnlyWithToken, token=token, cookie=f"sitex_operator_{port}"),
        ],
    )


async def serve_page(data_dir: Path, port: int, token: str, subscriber: Subscriber) -> None:
    """Serves until cancelled; says where. OSError where the port is taken."""
    chosen = token or keep_token(data_dir)
    listening = socket.create_server((HOST, port))
    async with subscriber:
        watcher = Watcher(data_dir, subscriber)
        port = listening.getsockname()[1]
        print_line(f"operator's page on http://{HOST}:{port}/?token={chosen} up")
        app = application(watcher, chosen, port)
        await first_of(subscriber.run(), watcher.run(), serve_web(app, listening, CONNECTIONS_MAX))
