"""What a browser, a script or an MQTT client is told: state of one instrument, always the newest.

Where the lines carry every change, a view is a whole picture of one kind (best prices, depth, last
trade, ...), so a reader may miss any number of them. Kinds that the feed has as a message are that
message; the others are defined here, encoded alike. As JSON a view is an object with the fields'
names and the name of its type.

Source: specs/market_data.md (F-80 to F-88).
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from feed.books import Book
from feed.messages import AmendmentMessage, MarketMessage, Trade

LEVELS_SHOWN = 10

LevelRow = tuple[int, int, int]  # price in 1e-9, lots shown, slices
Print = Trade | AmendmentMessage  # what the time and sales list holds


class Kind(StrEnum):
    """The kinds of view of an instrument (F-80)."""

    DEFINITION = "definition"
    STATUS = "status"
    LIMITS = "limits"
    SETTLEMENT = "settlement"
    INDICATIVE = "indicative"
    STATISTICS = "statistics"
    BEST = "best"
    DEPTH = "depth"
    LAST = "last"
    TRADES = "trades"


class _View(msgspec.Struct, array_like=True, gc=False):
    """Base of all views: encoded as [tag, field, ...]."""


class Best(_View, tag=60):
    """Best bid and offer (F-81)."""

    time_ns: int  # venue clock, of the instrument's last message
    instrument: int
    bid: int  # 1e-9; nothing while bid_qty is 0
    bid_qty: int  # lots shown
    bid_orders: int  # slices
    ask: int  # 1e-9; nothing while ask_qty is 0
    ask_qty: int  # lots shown
    ask_orders: int  # slices


class Depth(_View, tag=61):
    """The best ten levels of both sides, best first (F-82)."""

    time_ns: int  # venue clock, of the instrument's last message
    instrument: int
    bids: list[LevelRow]
    asks: list[LevelRow]


class Last(_View, tag=62):
    """The last trade that this publisher saw (F-83)."""

    time_ns: int  # venue clock
    instrument: int
    price: int  # 1e-9
    qty: int  # lots; 0: before this publisher's start
    side: int  # Side of the aggressor; 0: of an uncross
    trade_id: int  # 0: there never was one


class CurvePoint(msgspec.Struct, array_like=True, gc=False):
    """One month of a futures curve (F-84)."""

    instrument: int
    symbol: str
    maturity: int  # yyyymm
    last_trading_date: int  # yyyymmdd
    price: int  # 1e-9
    source: str  # of the price: auction, middle, last, settlement or reference
    settlement: int  # 1e-9, the settlement before; 0: none
    roll_ppm: int | None  # a year, from the month before; millionths


class Curve(_View, tag=63):
    """The months of a product, nearest first (F-84)."""

    time_ns: int  # venue clock
    product: int
    product_code: str
    shape: str  # contango, backwardation or flat; empty with fewer than two months
    roll_ppm: int | None  # a year, from the first month to the last; millionths
    points: list[CurvePoint]


class Candle(_View, tag=64):
    """Trades of one interval (F-85)."""

    start_ns: int  # venue clock
    open: int  # 1e-9
    high: int  # 1e-9
    low: int  # 1e-9
    close: int  # 1e-9
    volume: int  # lots
    value: int  # 1e-9 lots
    trades: int


class QueueAhead(_View, tag=65):
    """What stands before one slice in its price's queue (F-86)."""

    time_ns: int  # venue clock
    instrument: int
    public_id: int
    side: int  # Side; 0: there is no such slice, or no longer
    price: int  # 1e-9
    qty: int  # lots the slice shows
    orders_ahead: int  # slices
    lots_ahead: int
    level_qty: int  # lots of the price
    level_orders: int


class PublisherState(_View, tag=66):
    """How the publisher of these views does (F-87)."""

    state: str  # FeedState in lower case, or gone
    session: int  # of the feed; 0: none yet
    sequence: int  # of the last message taken
    trades_dropped: int  # prints that found no room since the publisher's start


View = Best | Depth | Last | Curve | Candle | QueueAhead | PublisherState
VIEW_DECODER = msgspec.msgpack.Decoder(MarketMessage | View)
PRINTS_DECODER = msgspec.msgpack.Decoder(list[Print])
_MSGPACK = msgspec.msgpack.Encoder()
_JSON = msgspec.json.Encoder()


def best_of(book: Book, time_ns: int) -> Best:
    """Best bid and offer of a book."""
    return Best(time_ns, book.instrument, *book.best)


def depth_of(book: Book, time_ns: int, levels_max: int = LEVELS_SHOWN) -> Depth:
    """The best levels of a book."""
    return Depth(
        time_ns,
        book.instrument,
        book.bids.array(levels_max).tolist(),
        book.asks.array(levels_max).tolist(),
    )


def encode_msgpack(view: msgspec.Struct | Sequence[msgspec.Struct]) -> bytes:
    """A view, or a list of prints, as msgpack arrays."""
    return _MSGPACK.encode(view)


def encode_json(view: msgspec.Struct | Sequence[msgspec.Struct]) -> bytes:
    """A view, or a list of prints, as JSON objects (F-88)."""
    return _JSON.encode(as_object(view))


def as_object(view: object) -> object:
    """Structs as dicts that begin with the name of their type; all else as it is (F-88)."""
    if isinstance(view, msgspec.Struct):
        fields = {name: as_object(getattr(view, name)) for name in view.__struct_fields__}
        return {"type": type(view).__name__, **fields}
    if isinstance(view, list):
        return [as_object(one) for one in view]
    return view
