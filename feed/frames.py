"""One client of the console: what it subscribed to, and the next frame of what is new to it.

Sans I/O. A client has no queue: a frame holds the newest of each view that changed since the
client's last frame, however long ago that was, and never more bytes than a bound; what found no
room comes first in the next one.

Source: specs/market_data.md (F-100 to F-104).
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from feed.candles import BASE_NS
from feed.market_view import Encoded, MarketView
from feed.views import Kind, QueueAhead, encode_json, encode_msgpack

PRINTS_AT_FIRST = 50
PRINTS_A_FRAME = 200
ALL = "*"
CANDLES_PUSHED = 2  # the one that has just ended, and the newest
SUBSCRIPTIONS_MAX = 2_048  # symbols of one client
MARKS_OF_CLIENT = 16

Symbols = Annotated[list[Annotated[str, msgspec.Meta(max_length=32)]], msgspec.Meta(max_length=512)]
Minutes = Annotated[int, msgspec.Meta(ge=0, le=1_440)]


class Subscribe(msgspec.Struct, tag_field="op", tag="subscribe", forbid_unknown_fields=True):
    """More views: of symbols, of the curves of products, candles of so many minutes (F-101)."""

    symbols: Symbols = []
    kinds: Annotated[list[Kind], msgspec.Meta(max_length=16)] = []
    products: Symbols = []  # their curves
    candle_minutes: Minutes = 0  # of the symbols; 0: none


class Unsubscribe(msgspec.Struct, tag_field="op", tag="unsubscribe", forbid_unknown_fields=True):
    """No more of these symbols, whatever the kind, and of these curves (F-101)."""

    symbols: Symbols = []
    products: Symbols = []


class Mark(msgspec.Struct, tag_field="op", tag="mark", forbid_unknown_fields=True):
    """Follow the queue before one slice (F-102)."""

    symbol: str
    public_id: int


class Unmark(msgspec.Struct, tag_field="op", tag="unmark", forbid_unknown_fields=True):
    """Follow it no longer (F-102)."""

    public_id: int


Request = Subscribe | Unsubscribe | Mark | Unmark
_JSON_REQUESTS = msgspec.json.Decoder(Request)
_MSGPACK_REQUESTS = msgspec.msgpack.Decoder(Request)
_JSON, _MSGPACK = msgspec.json.Encoder(), msgspec.msgpack.Encoder()

Entry = tuple[str, str, msgspec.Raw]  # symbol or product, kind, view


class _Symbol:
    """What one client has of one symbol."""

    __slots__ = ("candle_minutes", "candles", "changes", "kinds", "prints", "versions")

    def __init__(self) -> None:
        self.kinds: set[Kind] = set()
        self.candle_minutes = 0
        self.changes = -1  # of the instrument, when all had been told
        self.versions: dict[Kind, int] = {}
        self.prints = -1  # told; -1: none yet
        self.candles = -1  # prints when candles were told


class ClientFrames:
    """One client's subscriptions and what it was told."""

    def __init__(self, view: MarketView, as_json: bool, frame_bytes_max: int) -> None:
        self.as_json = as_json
        self._view = view
        self._bytes_max = frame_bytes_max
        self._symbols: dict[str, _Symbol] = {}
        self._products: dict[str, int] = {}  # code -> version of the curve told
        self._marks: dict[int, tuple[str, QueueAhead | None]] = {}  # symbol, what was told
        self._errors: list[str] = []
        self._every: Subscribe | None = None  # asked for all symbols
        self._listed = 0  # symbols there were when they were subscribed to

    def receive(self, data: bytes | str) -> None:
        """One request; what is wrong with it is said in the next frame."""
        decoder = _MSGPACK_REQUESTS if isinstance(data, bytes) else _JSON_REQUESTS
        try:
            request = decoder.decode(data)  # type: ignore[arg-type]
        except (msgspec.DecodeError, ValueError) as error:
            self._refuse(str(error))
            return
        if isinstance(request, Subscribe):
            self._subscribe(request)
        elif isinstance(request, Unsubscribe):
            for symbol in request.symbols:
                self._symbols.pop(symbol, None)
            for code in request.products:
                self._products.pop(code, None)
        elif isinstance(request, Mark):
            self._mark(request)
        elif isinstance(request, Unmark):
            self._unmark(request.public_id)

    def close(self) -> None:
        """The client is gone."""
        for public_id in list(self._marks):
            self._unmark(public_id)

    def frame(self, state: str) -> bytes | None:
        """The next frame; None if nothing is new."""
        self._subscribe_new()
        entries: list[Entry] = []
        left = self._bytes_max
        for text in self._errors:
            entries.append(("", "error", msgspec.Raw(self._encode(text))))
        self._errors.clear()
        left = self._add_marks(entries, left)
        left = self._add_curves(entries, left)
        for symbol in list(self._symbols):
            if left <= 0:
                break
            left = self._add_symbol(entries, left, symbol)
        return self._encode_frame(state, entries) if entries else None

    def empty_frame(self, state: str) -> bytes:
        """A frame that says how the feed does, and nothing else."""
        return self._encode_frame(state, [])

    def _encode_frame(self, state: str, entries: list[Entry]) -> bytes:
        sequence = self._view.sequence
        if self.as_json:
            return _JSON.encode({"sequence": sequence, "state": state, "views": entries})
        return _MSGPACK.encode((sequence, state, entries))

    def _encode(self, value: object) -> bytes:
        return _JSON.encode(value) if self.as_json else _MSGPACK.encode(value)

    def _refuse(self, text: str) -> None:
        if len(self._errors) < 16:
            self._errors.append(text)

    def _subscribe(self, request: Subscribe) -> None:
        if request.symbols == [ALL]:
            self._every = request
            self._listed = 0  # all there are, at the next frame
        else:
            for symbol in request.symbols:
                self._subscribe_symbol(symbol, request)
        for code in request.products[:SUBSCRIPTIONS_MAX]:
            self._products.setdefault(code, 0)

    def _subscribe_symbol(self, symbol: str, request: Subscribe) -> None:
        if symbol not in self._symbols and len(self._symbols) >= SUBSCRIPTIONS_MAX:
            self._refuse(f"more than {SUBSCRIPTIONS_MAX} symbols")
            return
        mine = self._symbols.setdefault(symbol, _Symbol())
        mine.kinds.update(request.kinds)
        if request.candle_minutes:
            mine.candle_minutes, mine.candles = request.candle_minutes, -1
        mine.changes = -1

    def _subscribe_new(self) -> None:
        """Whoever wants all gets what has been listed since, too."""
        by_symbol = self._view.by_symbol
        if self._every is not None and self._listed != len(by_symbol):
            self._listed = len(by_symbol)
            for symbol in by_symbol:
                self._subscribe_symbol(symbol, self._every)

    def _mark(self, request: Mark) -> None:
        view, public_id = self._view, request.public_id
        book = view.by_symbol.get(request.symbol)
        if book is None:
            self._refuse(f"no instrument {request.symbol}")
        elif public_id in self._marks:
            return
        elif len(self._marks) >= MARKS_OF_CLIENT or not view.marks.add(
            view.books, book.instrument, public_id
        ):
            self._refuse("too many marks")
        else:
            self._marks[public_id] = (request.symbol, None)

    def _unmark(self, public_id: int) -> None:
        if self._marks.pop(public_id, None) is not None:
            self._view.marks.remove(public_id)

    def _add_marks(self, entries: list[Entry], left: int) -> int:
        encode = encode_json if self.as_json else encode_msgpack
        view = self._view
        for public_id, (symbol, told) in self._marks.items():
            queue = view.marks.view(view.books, public_id, 0)
            if queue != told:
                self._marks[public_id] = (symbol, queue)
                time_ns = view.time_ns(queue.instrument)
                data = encode(msgspec.structs.replace(queue, time_ns=time_ns))
                entries.append((symbol, "queue", msgspec.Raw(data)))
                left -= len(data)
        return left

    def _add_curves(self, entries: list[Entry], left: int) -> int:
        if not self._products:
            return left
        codes = {code: product for product, code in self._view.products().items()}
        for code, told in self._products.items():
            if code not in codes:
                continue
            encoded = self._view.encoded_curve(codes[code], self.as_json)
            if encoded is not None and encoded.version != told:
                self._products[code] = encoded.version
                left -= _add(entries, code, "curve", encoded)
        return left

    def _add_symbol(self, entries: list[Entry], left: int, symbol: str) -> int:
        mine, book = self._symbols[symbol], self._view.by_symbol.get(symbol)
        if book is None:
            return left
        instrument = book.instrument
        changes = self._view.changes_of(instrument)
        if mine.changes == changes:
            return left
        for kind in mine.kinds:
            if kind is Kind.TRADES:
                left -= self._add_prints(entries, symbol, mine, instrument)
                continue
            encoded = self._view.encoded(kind, instrument, self.as_json)
            if encoded is not None and mine.versions.get(kind) != encoded.version:
                mine.versions[kind] = encoded.version
                left -= _add(entries, symbol, kind, encoded)
        if mine.candle_minutes:
            left -= self._add_candles(entries, symbol, mine, instrument)
        if mine.prints in (-1, self._view.print_count(instrument)) or (
            Kind.TRADES not in mine.kinds
        ):
            mine.changes = changes
        del self._symbols[symbol]  # behind those that have not been looked at
        self._symbols[symbol] = mine
        return left

    def _add_prints(self, entries: list[Entry], symbol: str, mine: _Symbol, instrument: int) -> int:
        first = mine.prints < 0
        if first:
            mine.prints = max(self._view.print_count(instrument) - PRINTS_AT_FIRST, 0)
        new = self._view.prints_after(instrument, mine.prints)
        chosen = new.prints[:PRINTS_A_FRAME]
        mine.prints = new.upto - len(new.prints) + len(chosen)
        if new.missed and not first:
            entries.append((symbol, "missed", msgspec.Raw(self._encode(new.missed))))
        if not chosen:
            return 0
        data = encode_json(chosen) if self.as_json else encode_msgpack(chosen)
        entries.append((symbol, Kind.TRADES, msgspec.Raw(data)))
        return len(data)

    def _add_candles(
        self, entries: list[Entry], symbol: str, mine: _Symbol, instrument: int
    ) -> int:
        count = self._view.print_count(instrument)
        if mine.candles == count:
            return 0
        mine.candles = count
        candles = self._view.candles(instrument)
        newest = candles.newest(mine.candle_minutes * BASE_NS, CANDLES_PUSHED)
        data = encode_json(newest) if self.as_json else encode_msgpack(newest)
        entries.append((symbol, "candles", msgspec.Raw(data)))
        return len(data)


def _add(entries: list[Entry], symbol: str, kind: str, encoded: Encoded) -> int:
    entries.append((symbol, kind, msgspec.Raw(encoded.data)))
    return len(encoded.data)
