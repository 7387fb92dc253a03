"""What an MQTT broker has to be told next: newest state of each instrument, prints in batches.

Sans I/O. State that changed while the broker was slow or away is told once, as it stands then; so
nothing waits but prints, of which the view keeps the newest and the rest is counted as dropped.

Source: specs/market_data.md (F-90 to F-94).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from feed.market_view import STATE_KINDS, MarketView
from feed.messages import InstrumentDefined
from feed.views import Kind, PublisherState, encode_json, encode_msgpack

PREFIX = "sitex/v1"
PUBLISHER_TOPIC = f"{PREFIX}/publisher"
CURVE = "curve"
JSON_SUFFIX = ".json"
ALL = "_"  # in the place of a symbol: of all the product's instruments
_UNRESERVED = "~-._"


class Publication(NamedTuple):
    """One message for the broker."""

    topic: str
    payload: bytes
    retain: bool


def topic_of(product: str, symbol: str, kind: str, as_json: bool) -> str:
    """Where a view is published; `/ + #` in names are percent-encoded (F-90)."""
    names = "/".join(quote(name, safe=_UNRESERVED) for name in (product, symbol))
    return f"{PREFIX}/{names}/{kind}{JSON_SUFFIX if as_json else ''}"


def state_publication(state: PublisherState) -> Publication:
    """How the publisher does; always JSON (F-93)."""
    return Publication(PUBLISHER_TOPIC, encode_json(state), True)


class Conflation:
    """What the broker was told of a view, and what is new to it."""

    def __init__(self, view: MarketView, encodings: tuple[str, ...], trades_batch_max: int) -> None:
        self.view = view
        self.trades_dropped = 0
        self.told = 0  # messages ever
        self._json = tuple(encoding == "json" for encoding in encodings)
        self._batch_max = trades_batch_max
        self._beginnings = 0
        self._changes: dict[int, int] = {}  # of an instrument, when it was looked at last
        self._curves: dict[int, int] = {}
        self._versions: dict[str, int] = {}  # by topic, of what the broker has
        self._prints: dict[int, int] = {}  # by instrument, prints told or dropped

    def forget(self) -> None:
        """Another connection, perhaps another broker: all state is to be told again (F-92)."""
        self._changes.clear()
        self._curves.clear()
        self._versions.clear()

    def told_state(self, publication: Publication, version: int) -> None:
        """The broker has it."""
        self.told += 1
        self._versions[publication.topic] = version

    def states(self) -> Iterator[tuple[Publication, int]]:
        """New state with its versions; say told_state when the broker has it."""
        view = self.view
        if view.beginnings != self._beginnings:
            yield from self._begin_session()
        for instrument, book in list(view.books.by_instrument.items()):
            changes = view.changes_of(instrument)
            if self._changes.get(instrument) == changes or book.definition is None:
                continue
            for kind in STATE_KINDS:
                yield from self._new_state(book.definition, kind, instrument)
            self._changes[instrument] = changes
        for product, code in view.products().items():
            version = view.curve_version(product)
            if self._curves.get(product) == version:
                continue
            yield from self._new_curve(product, code)
            self._curves[product] = version

    def prints(self) -> Iterator[tuple[list[Publication], int, int]]:
        """Batches of new prints: publications, instrument, and what to say to told_prints."""
        view = self.view
        for instrument, book in list(view.books.by_instrument.items()):
            definition = book.definition
            if definition is None:
                continue
            seen = self._prints.get(instrument, 0)
            while seen < view.print_count(instrument):
                new = view.prints_after(instrument, seen)
                if new.missed:
                    self.trades_dropped += new.missed
                    seen = self._prints[instrument] = seen + new.missed
                batch = new.prints[: self._batch_max]
                seen += len(batch)
                names = (definition.product_code, definition.symbol, Kind.TRADES)
                publications = [
                    Publication(
                        topic_of(*names, as_json),
                        encode_json(batch) if as_json else encode_msgpack(batch),
                        False,
                    )
                    for as_json in self._json
                ]
                yield publications, instrument, seen

    def told_prints(self, instrument: int, seen: int) -> None:
        """The broker has the first `seen` prints of an instrument, but for those dropped."""
        self.told += 1
        self._prints[instrument] = seen

    def _begin_session(self) -> Iterator[tuple[Publication, int]]:
        """Another venue: what the broker holds of instruments it does not list is taken away."""
        self._beginnings = self.view.beginnings
        self._prints.clear()
        self._changes.clear()
        self._curves.clear()
        listed = {
            "/".join(topic_of(d.product_code, d.symbol, "", False).split("/")[:-1])
            for d in (book.definition for book in self.view.books.by_instrument.values())
            if d is not None
        }
        for topic in list(self._versions):
            if "/".join(topic.split("/")[:-1]) not in listed:
                yield Publication(topic, b"", True), 0
                del self._versions[topic]

    def _new_state(
        self, definition: InstrumentDefined, kind: Kind, instrument: int
    ) -> Iterator[tuple[Publication, int]]:
        for as_json in self._json:
            encoded = self.view.encoded(kind, instrument, as_json)
            topic = topic_of(definition.product_code, definition.symbol, kind, as_json)
            if encoded is not None and self._versions.get(topic) != encoded.version:
                yield Publication(topic, encoded.data, True), encoded.version

    def _new_curve(self, product: int, code: str) -> Iterator[tuple[Publication, int]]:
        for as_json in self._json:
            encoded = self.view.encoded_curve(product, as_json)
            topic = topic_of(code, ALL, CURVE, as_json)
            if encoded is not None and self._versions.get(topic) != encoded.version:
                yield Publication(topic, encoded.data, True), encoded.version
