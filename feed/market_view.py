"""The market as views: what MQTT, the WebSocket and REST tell, from a subscriber's books.

One MarketView follows one subscriber. It keeps what books do not (the last prints, candles, the
queue before marked slices) and a version of each view, so that any number of readers can ask what
is new to them; a view is encoded once, whoever reads it. Everything is bounded.

Source: specs/market_data.md (F-80 to F-88).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from feed.backfill import PRINTS, read_earlier
from feed.books import Book, Books
from feed.candles import Candles
from feed.curve import curve_of
from feed.handler import FeedState, Update
from feed.marks import Marks
from feed.messages import (
    BlockTrade,
    Indicative,
    InstrumentDefined,
    Limits,
    MarketMessage,
    OrderAdded,
    OrderChanged,
    OrderRemoved,
    Settlement,
    Statistics,
    Status,
    Trade,
    TradeBusted,
    TradeCorrected,
    TradingStatus,
    Uncrossed,
)
from feed.subscriber import subscriber_of
from feed.views import (
    Curve,
    Kind,
    Last,
    Print,
    PublisherState,
    best_of,
    depth_of,
    encode_json,
    encode_msgpack,
)
from specs.venue import FeedConfig

PRINTS_KEPT = 1_000  # of one instrument
CANDLES_KEPT = 1_440  # one-minute candles of one instrument
MARKS_MAX = 256
_BOOK = (Kind.BEST, Kind.DEPTH)
_CHANGES: dict[type, tuple[Kind, ...]] = {
    OrderAdded: _BOOK,
    OrderChanged: _BOOK,
    OrderRemoved: _BOOK,
    Trade: (*_BOOK, Kind.LAST, Kind.STATISTICS, Kind.TRADES),
    TradeBusted: (Kind.STATISTICS, Kind.TRADES),
    TradeCorrected: (Kind.STATISTICS, Kind.TRADES),
    BlockTrade: (Kind.STATISTICS, Kind.TRADES),
    Statistics: (Kind.STATISTICS,),
    InstrumentDefined: (Kind.DEFINITION, Kind.STATUS),
    Status: (Kind.STATUS,),
    Limits: (Kind.LIMITS, Kind.STATISTICS),
    Settlement: (Kind.SETTLEMENT,),
    Indicative: (Kind.INDICATIVE,),
    Uncrossed: (Kind.INDICATIVE,),
}
STATE_KINDS = tuple(kind for kind in Kind if kind != Kind.TRADES)


class Encoded(NamedTuple):
    """A view as bytes; the version rises when the bytes change."""

    version: int
    data: bytes


class Prints(NamedTuple):
    """The prints a reader has not had."""

    prints: list[Print]  # oldest first
    upto: int  # how many there ever were
    missed: int  # that are no longer kept


class _Instrument:
    """What is kept of one instrument beside its book."""

    __slots__ = ("candles", "changes", "count", "last", "prints", "time_ns", "versions")

    def __init__(self, prints_max: int) -> None:
        self.versions: dict[Kind, int] = {}
        self.changes = 0  # messages ever, snapshots too
        self.time_ns = 0  # venue clock of the last message
        self.prints: deque[Print] = deque(maxlen=prints_max)
        self.count = 0  # prints ever
        self.last: Last | None = None
        self.candles: Candles | None = None


class MarketView:
    """Views of all instruments, as after the last update taken."""

    def __init__(self, prints_max: int = PRINTS_KEPT, marks_max: int = MARKS_MAX) -> None:
        self.books = Books()  # the subscriber's, once it has a picture
        self.session = 0
        self.beginnings = 0  # how often everything was forgotten, for another venue's sake
        self.sequence = 0
        self.marks = Marks(marks_max)
        self._prints_max = prints_max
        self._kept: dict[int, _Instrument] = {}
        # by kind, instrument and encoding: version of the view, bytes, its time_ns
        self._encoded: dict[tuple[object, ...], tuple[int, Encoded, int]] = {}
        self._version = 0
        self._curves: dict[int, int] = {}  # product -> version
        self._products: dict[int, list[Book]] = {}

    @property
    def by_symbol(self) -> dict[str, Book]:
        """The books of all instruments ever listed."""
        return self.books.by_symbol

    def take(self, update: Update, books: Books, session: int) -> None:
        """One update, while `books` stand as after it."""
        self.sequence = update.sequence + max(len(update.messages) - 1, 0)
        if update.snapshot:
            self._take_snapshot(books, session)
        self.session = session  # a venue day's end begins another
        for message in update.messages:
            kinds = _CHANGES.get(type(message))
            if kinds is not None:
                self._take_message(message, kinds)
        self.marks.update(books, update)

    def take_prints(self, prints: Iterable[Print]) -> None:
        """Prints of before the picture that was taken just now, oldest first (F-140)."""
        for one in prints:
            if one.instrument in self.books.by_instrument:
                kept = self._keep(one.instrument)
                kept.time_ns = one.time_ns
                self._add_print(one, kept)

    def encoded(self, kind: Kind, instrument: int, as_json: bool) -> Encoded | None:
        """The newest view of a kind, but no prints; None if there is nothing to tell."""
        seen = self._kept[instrument].versions.get(kind, 0)
        return self._encode(
            (kind, instrument, as_json), seen, lambda: self.view(kind, instrument), as_json
        )

    def encoded_curve(self, product: int, as_json: bool) -> Encoded | None:
        """The newest curve of a product; None if it has no months."""
        seen = self._curves.get(product, 0)
        return self._encode(("curve", product, as_json), seen, lambda: self.curve(product), as_json)

    def view(self, kind: Kind, instrument: int) -> msgspec.Struct | None:
        """The newest view of a kind, but no prints."""
        book, kept = self.books.by_instrument[instrument], self._kept[instrument]
        if kind is Kind.BEST:
            return best_of(book, kept.time_ns)
        if kind is Kind.DEPTH:
            return depth_of(book, kept.time_ns)
        if kind is Kind.LAST:
            return kept.last or _last_of(book)
        if kind is Kind.INDICATIVE:
            return book.indicative or Indicative(kept.time_ns, instrument, 0, 0, 0)
        if kind is Kind.TRADES:
            raise ValueError("prints are a list")
        facts: dict[Kind, msgspec.Struct | None] = {
            Kind.DEFINITION: book.definition,
            Kind.STATUS: book.status,
            Kind.LIMITS: book.limits,
            Kind.SETTLEMENT: book.settlement,
            Kind.STATISTICS: book.statistics,
        }
        return facts[kind]

    def curve(self, product: int) -> Curve | None:
        """The curve of a product; None if it has no months."""
        books = self._products.get(product, [])
        time_ns = max((self._kept[book.instrument].time_ns for book in books), default=0)
        curve = curve_of(books, time_ns)
        return curve if curve.points else None

    def products(self) -> dict[int, str]:
        """Codes by product id."""
        return {
            product: books[0].definition.product_code
            for product, books in self._products.items()
            if books[0].definition is not None
        }

    def prints_after(self, instrument: int, seen: int) -> Prints:
        """The prints after the first `seen` of an instrument."""
        kept = self._kept[instrument]
        new = kept.count - seen
        if new <= 0:
            return Prints([], kept.count, 0)
        chosen = list(kept.prints)[-new:]
        return Prints(chosen, kept.count, new - len(chosen))

    def print_count(self, instrument: int) -> int:
        """How many prints of an instrument there ever were."""
        return self._kept[instrument].count

    def changes_of(self, instrument: int) -> int:
        """A number that rises with every change of an instrument."""
        return self._kept[instrument].changes

    def curve_version(self, product: int) -> int:
        """A number that rises with every change of a product's instruments."""
        return self._curves.get(product, 0)

    def candles(self, instrument: int) -> Candles:
        """The candles of an instrument, empty ones if nothing traded."""
        return self._kept[instrument].candles or Candles(1)

    def time_ns(self, instrument: int) -> int:
        """Venue clock of the instrument's last message."""
        return self._kept[instrument].time_ns

    def _encode(
        self,
        key: tuple[object, ...],
        seen: int,
        view: Callable[[], msgspec.Struct | None],
        as_json: bool,
    ) -> Encoded | None:
        before = self._encoded.get(key)
        if before is not None and before[0] == seen:
            return before[1]
        built = view()
        if built is None:
            return None
        encode = encode_json if as_json else encode_msgpack
        time_ns = getattr(built, "time_ns", 0)
        if before is not None:
            same = msgspec.structs.replace(built, time_ns=before[2])
            if encode(same) == before[1].data:  # nothing but the time is new
                self._encoded[key] = (seen, before[1], before[2])
                return before[1]
        self._version += 1  # of all views: none comes again, whatever is forgotten
        found = Encoded(self._version, encode(built))
        self._encoded[key] = (seen, found, time_ns)
        return found

    def _take_snapshot(self, books: Books, session: int) -> None:
        if session != self.session:
            self._kept.clear()
            self._encoded.clear()
            self.beginnings += 1
        self.books = books
        self._products = {}
        for instrument, book in books.by_instrument.items():
            self._keep(instrument).changes += 1
            self._list(book)
            for kind in STATE_KINDS:
                self._touch(instrument, kind)
        for product in self._products:
            self._curves[product] = self._curves.get(product, 0) + 1

    def _take_message(self, message: MarketMessage, kinds: Sequence[Kind]) -> None:
        instrument: int = getattr(message, "instrument", 0)
        if instrument == 0:
            return  # of the venue
        kept = self._keep(instrument)
        kept.changes += 1
        kept.time_ns = message.time_ns
        for kind in kinds:
            kept.versions[kind] = kept.versions.get(kind, 0) + 1
        if isinstance(message, Trade | TradeBusted | TradeCorrected | BlockTrade):
            self._add_print(message, kept)
        elif isinstance(message, InstrumentDefined):
            self._list(self.books.by_instrument[instrument])
        definition = self.books.by_instrument[instrument].definition
        if definition is not None:
            self._curves[definition.product] = self._curves.get(definition.product, 0) + 1

    def _add_print(self, message: Print, kept: _Instrument) -> None:
        kept.prints.append(message)
        kept.count += 1
        self._take_print(message, kept)

    def _take_print(self, message: Print, kept: _Instrument) -> None:
        if isinstance(message, Trade):
            if kept.candles is None:
                kept.candles = Candles(CANDLES_KEPT)
            kept.candles.take(message.time_ns, message.price, message.qty)
            kept.last = Last(
                message.time_ns,
                message.instrument,
                message.price,
                message.qty,
                message.side,
                message.trade_id,
            )
            return
        if isinstance(message, BlockTrade):
            return  # no price of the market: neither last nor in a candle
        printed = _printed(kept.prints, message.trade_id)
        if printed is None or kept.candles is None:
            return
        if isinstance(message, TradeBusted):
            value = message.price * message.qty
            kept.candles.amend(printed.time_ns, message.qty, value, 1)
        else:
            value = (message.price_before - message.price) * message.qty
            kept.candles.amend(printed.time_ns, 0, value, 0)

    def _keep(self, instrument: int) -> _Instrument:
        kept = self._kept.get(instrument)
        if kept is None:
            kept = self._kept[instrument] = _Instrument(self._prints_max)
        return kept

    def _list(self, book: Book) -> None:
        if book.definition is not None:
            books = self._products.setdefault(book.definition.product, [])
            if book not in books:
                books.append(book)

    def _touch(self, instrument: int, kind: Kind) -> None:
        versions = self._kept[instrument].versions
        versions[kind] = versions.get(kind, 0) + 1


class Follower:
    """A subscriber whose every update a MarketView takes.

    earlier_messages: how many messages before its first picture of a session are asked for, for
    the prints among them (F-140); until they are there the view has nothing.
    """

    def __init__(self, feed: FeedConfig, earlier_messages: int = 0) -> None:
        self.view = MarketView()
        self.subscriber = subscriber_of(feed, self._take)
        self._recovery = (feed.recovery_host, feed.recovery_port)
        self._earlier_messages = earlier_messages
        self._since: list[Print] = []  # prints since the picture, while earlier ones are read
        self._adjoins = True  # no other picture came since
        self._reading: asyncio.Task[None] | None = None

    def state(self) -> PublisherState:
        """Whether the view may be believed (F-130)."""
        state = self.subscriber.state if self._reading is None else FeedState.RECOVERING
        return PublisherState(state.name.lower(), self.view.session, self.view.sequence, 0)

    def _take(self, update: Update) -> None:
        handler = self.subscriber.handler
        if self._reading is not None:
            self._adjoins = self._adjoins and not update.snapshot
            self._since += [one for one in update.messages if isinstance(one, PRINTS)]
            return
        begins = update.snapshot and handler.session != self.view.session
        if begins and self._earlier_messages:
            self._since, self._adjoins = [], True
            reading = self._read_earlier(handler.session, update.sequence)
            self._reading = asyncio.ensure_future(reading)
            return
        self.view.take(update, handler.books, handler.session)

    async def _read_earlier(self, session: int, upto: int) -> None:
        prints: list[Print] = []
        try:
            count = self._earlier_messages
            prints = await read_earlier(self._recovery, session, upto, count)
        finally:
            self._reading = None
            handler = self.subscriber.handler
            self.view.take(Update(handler.sequence, [], True), handler.books, handler.session)
            if self._adjoins:
                self.view.take_prints([*prints, *self._since])
            self._since = []


def is_listed(book: Book) -> bool:
    """Whether the instrument has not expired."""
    return book.status is None or book.status.status != TradingStatus.EXPIRED


def _last_of(book: Book) -> Last:
    """What statistics tell of the last trade: its price and number."""
    statistics = book.statistics
    return Last(
        statistics.time_ns, book.instrument, statistics.last, 0, 0, statistics.last_trade_id
    )


def _printed(prints: deque[Print], trade_id: int) -> Trade | None:
    for one in reversed(prints):
        if isinstance(one, Trade) and one.trade_id == trade_id:
            return one
    return None
