"""The console's REST answers: the market as JSON, and the document that describes them.

Answers come from the same views as frames; nothing here changes anything. Needs the extra
[console].

Source: specs/market_data.md (F-105, F-106).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from engine.types import Side
from feed import messages, views
from feed.books import Book
from feed.candles import BASE_NS
from feed.market_view import PRINTS_KEPT, Follower
from feed.phases import phase_words

API = "/api/v1"
DEPTH_MAX, CANDLES_MAX, ORDERS_MAX = 1_000, 1_440, 1_000
_JSON = msgspec.json.Encoder()
_SIDES = {"buy": Side.BUY, "sell": Side.SELL}


def _object(struct: type, name: str = "", /, **also: Any) -> type:
    """The object that a view is as JSON (F-88), as a type for the document.

    name: where it has `also` fields of other types, or more of them.
    """
    fields = {field.name: field.type for field in msgspec.structs.fields(struct)} | also
    return msgspec.defstruct(
        name or struct.__name__, list(fields.items()), tag_field="type", tag=struct.__name__
    )


Definition = _object(messages.InstrumentDefined)
Status = _object(messages.Status)
Limits = _object(messages.Limits)
Settlement = _object(messages.Settlement)
Statistics = _object(messages.Statistics)
DateStatistics = _object(
    messages.Statistics, "DateStatistics", average_price=int | None, open_interest=int
)
Indicative = _object(messages.Indicative)
Trade = _object(messages.Trade)
TradeBusted = _object(messages.TradeBusted)
TradeCorrected = _object(messages.TradeCorrected)
BlockTrade = _object(messages.BlockTrade)
Depth = _object(views.Depth)
Candle = _object(views.Candle)
CurvePoint = _object(views.CurvePoint)
Curve = _object(views.Curve, points=list[CurvePoint])  # type: ignore[valid-type]
PublisherState = _object(views.PublisherState)


class Listed(msgspec.Struct, tag_field="type", tag="Listed"):
    """An instrument: what it is, its phase in words, its limits and newest prices."""

    symbol: str
    product: str
    phase: str
    definition: Definition  # type: ignore[valid-type]
    status: Status | None  # type: ignore[valid-type]
    limits: Limits | None  # type: ignore[valid-type]
    indicative: Indicative | None  # type: ignore[valid-type]
    settlement: Settlement | None  # type: ignore[valid-type]
    statistics: Statistics  # type: ignore[valid-type]
    average_price: int | None  # of the trading date, 1e-9
    open_interest: int  # lots, when the trading date before ended


class Order(msgspec.Struct, tag_field="type", tag="Order"):
    """One slice of a book."""

    public_id: int
    price: int
    qty: int
    time_ns: int


class Problem(msgspec.Struct, tag_field="type", tag="Problem"):
    """Why there is no answer."""

    error: str


class _RefusedError(Exception):
    """An answer that is none: status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


# path, what it answers, its type, query parameters with their bounds
PATHS: tuple[tuple[str, str, Any, dict[str, tuple[int, int, int]]], ...] = (
    ("/state", "Whether the market data may be believed", PublisherState, {}),
    ("/instruments", "All instruments", list[Listed], {}),
    ("/instruments/{symbol}", "One instrument", Listed, {}),
    ("/books/{symbol}", "Price levels of both sides, best first", Depth,
     {"depth": (10, 1, DEPTH_MAX)}),
    ("/orders/{symbol}", "Slices of one side in priority, all or at one price",
     list[Order], {"limit": (100, 1, ORDERS_MAX), "price": (0, -(1 << 62), 1 << 62)}),
    ("/trades/{symbol}", "Newest trades, blocks, busts and corrections, oldest first",
     list[Trade | BlockTrade | TradeBusted | TradeCorrected],  # type: ignore[valid-type]
     {"limit": (100, 1, PRINTS_KEPT)}),
    ("/candles/{symbol}", "Newest candles of so many minutes, oldest first",
     list[Candle],  # type: ignore[valid-type]
     {"minutes": (1, 1, 1_440), "limit": (300, 1, CANDLES_MAX)}),
    ("/statistics/{symbol}", "Open, high, low, last, volume, value and average price of the date,"
     " and the open interest", DateStatistics, {}),
    ("/curves/{product}", "The futures curve of a product", Curve, {}),
)  # fmt: skip


class Rest:
    """The handlers of PATHS."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._view = follower.view
        self._document = _JSON.encode(document())

    def routes(self) -> list[Route]:
        """For the application."""
        made = [
            Route(API + path.replace("}", ":path}"), self._handler(path, bounds), methods=["GET"])
            for path, _, _, bounds in PATHS
        ]
        return [*made, Route("/openapi.json", self._openapi, methods=["GET"])]

    async def _openapi(self, request: Request) -> Response:
        return Response(self._document, media_type="application/json")

    def _handler(self, path: str, bounds: dict[str, tuple[int, int, int]]) -> Callable[..., Any]:
        name = path.strip("/").split("/")[0]
        answer = getattr(self, f"_{name}" if "{" in path else f"_all_{name}")

        async def handle(request: Request) -> Response:
            try:
                numbers = {key: _number(request, key, *bound) for key, bound in bounds.items()}
                found = answer(request, **numbers)
            except _RefusedError as refused:
                problem = _JSON.encode(Problem(str(refused)))
                return Response(problem, refused.status, media_type="application/json")
            return Response(_JSON.encode(views.as_object(found)), media_type="application/json")

        return handle

    def _all_state(self, request: Request) -> msgspec.Struct:
        return self._follower.state()

    def _all_instruments(self, request: Request) -> list[object]:
        return [_listed(book) for book in self._view.by_symbol.values()]

    def _instruments(self, request: Request) -> object:
        return _listed(self._book(request))

    def _books(self, request: Request, depth: int) -> msgspec.Struct:
        book = self._book(request)
        return views.depth_of(book, self._view.time_ns(book.instrument), depth)

    def _orders(self, request: Request, limit: int, price: int) -> list[object]:
        side = _SIDES.get(request.query_params.get("side", ""))
        if side is None:
            raise _RefusedError(400, "side; allowed: buy, sell")
        rows = self._book(request).orders_array(side)
        if "price" in request.query_params:
            rows = rows[rows["price"] == price]
        return [views.as_object(Order(*row)) for row in rows[:limit].tolist()]

    def _trades(self, request: Request, limit: int) -> list[Any]:
        instrument = self._book(request).instrument
        count = self._view.print_count(instrument)
        return list(self._view.prints_after(instrument, max(count - limit, 0)).prints)

    def _candles(self, request: Request, minutes: int, limit: int) -> list[Any]:
        candles = self._view.candles(self._book(request).instrument)
        return list(candles.newest(minutes * BASE_NS, limit))

    def _statistics(self, request: Request) -> object:
        book = self._book(request)
        found: Any = views.as_object(book.statistics)
        return found | _figures(book)

    def _curves(self, request: Request) -> msgspec.Struct:
        code = request.path_params["product"]
        for product, listed in self._view.products().items():
            curve = self._view.curve(product) if listed == code else None
            if curve is not None:
                return curve
        raise _RefusedError(404, f"no product {code} with months")

    def _book(self, request: Request) -> Book:
        symbol = request.path_params["symbol"]
        book = self._view.by_symbol.get(symbol)
        if book is None or book.definition is None:
            raise _RefusedError(404, f"no instrument {symbol}")
        return book


def _listed(book: Book) -> object:
    definition = book.definition
    assert definition is not None
    phase = phase_words(book.status.status) if book.status is not None else ""
    return {
        "type": "Listed",
        "symbol": definition.symbol,
        "product": definition.product_code,
        "phase": phase,
        "definition": views.as_object(definition),
        "status": views.as_object(book.status),
        "limits": views.as_object(book.limits),
        "indicative": views.as_object(book.indicative),
        "settlement": views.as_object(book.settlement),
        "statistics": views.as_object(book.statistics),
        **_figures(book),
    }


def _figures(book: Book) -> dict[str, int | None]:
    """What follows from a book's messages."""
    return {"average_price": book.average_price, "open_interest": book.open_interest}


def _number(request: Request, name: str, usual: int, least: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return usual
    if len(text) < 20 and text.removeprefix("-").isdecimal() and least <= int(text) <= most:
        return int(text)
    raise _RefusedError(400, f"{name}; allowed: {least} to {most}")


def document() -> dict[str, Any]:
    """The OpenAPI document of PATHS."""
    types = [answer for _, _, answer, _ in PATHS]
    answers, components = msgspec.json.schema_components(
        [*types, Problem], ref_template="#/components/schemas/{name}"
    )
    problem = {"application/json": {"schema": answers[-1]}}
    paths = {}
    for (path, text, _, bounds), schema in zip(PATHS, answers[:-1], strict=True):
        parameters: list[dict[str, Any]] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("symbol", "product")
            if f"{{{name}}}" in path
        ]
        parameters += [
            {
                "name": name,
                "in": "query",
                "schema": {"type": "integer", "default": usual, "minimum": least, "maximum": most},
            }
            for name, (usual, least, most) in bounds.items()
        ]
        if path.startswith("/orders"):
            side = {"type": "string", "enum": list(_SIDES)}
            parameters.append({"name": "side", "in": "query", "required": True, "schema": side})
        responses: dict[str, Any] = {
            "200": {"description": text, "content": {"application/json": {"schema": schema}}}
        }
        for status, why in (("400", "A parameter is wrong"), ("404", "There is none")):
            if parameters:
                responses[status] = {"description": why, "content": problem}
        paths[API + path] = {
            "get": {"summary": text, "parameters": parameters, "responses": responses}
        }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sitex market data",
            "version": "1",
            "description": "Prices are integers in 1e-9 of the quote unit, quantities lots, times"
            " nanoseconds since 1970 UTC of the venue clock. Source: specs/market_data.md.",
        },
        "paths": paths,
        "components": {"schemas": components},
    }
