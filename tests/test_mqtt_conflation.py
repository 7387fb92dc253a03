"""What an MQTT broker is told, without one: a dict of retained topics in its place."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.books import Books
from feed.handler import Update
from feed.messages import Trade
from feed.mqtt_conflation import Conflation, topic_of
from feed.views import PRINTS_DECODER, VIEW_DECODER, Kind, encode_json, encode_msgpack
from tests.feed_named import PRODUCTS, SYMBOLS, Followed, NamedMarket


class Broker:
    """Retained topics and the prints that came, as a broker and its reader have them."""

    def __init__(self) -> None:
        self.retained: dict[str, bytes] = {}
        self.prints: list[tuple[str, bytes]] = []

    def take_all(self, conflation: Conflation) -> int:
        """Everything that is new; how many messages that was."""
        count = 0
        for publication, version in conflation.states():
            assert publication.retain
            if publication.payload:
                self.retained[publication.topic] = publication.payload
            else:
                del self.retained[publication.topic]
            conflation.told_state(publication, version)
            count += 1
        for publications, instrument, seen in conflation.prints():
            for publication in publications:
                assert not publication.retain
                self.prints.append((publication.topic, publication.payload))
            conflation.told_prints(instrument, seen)
            count += 1
        return count


def expected_states(followed: Followed, as_json: bool) -> dict[str, bytes]:
    """All retained topics as they are to be, but for the times of what did not change."""
    encode = encode_json if as_json else encode_msgpack
    found = {}
    for instrument, book in followed.books.by_instrument.items():
        assert book.definition is not None
        for kind in Kind:
            if kind is Kind.TRADES:
                continue
            view = followed.view.view(kind, instrument)
            if view is not None:
                code = book.definition.product_code
                found[topic_of(code, SYMBOLS[instrument], kind, as_json)] = encode(view)
    return found


def without_time(payload: bytes) -> list[object]:
    """The fields of a view but its time."""
    view = VIEW_DECODER.decode(payload)
    return [getattr(view, name) for name in view.__struct_fields__ if name != "time_ns"]


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000), st.integers(1, 40))
def test_whatever_was_missed_the_broker_ends_with_the_market(seed: int, pace: int) -> None:
    """F-91: told at any pace, the newest state is there and every print came once, in order."""
    market = NamedMarket(seed, 100)
    followed, broker = Followed(market), Broker()
    conflation = Conflation(followed.view, ("msgpack",), 3)
    while followed.step(random.Random(seed).randint(1, pace)):
        broker.take_all(conflation)
    expected = expected_states(followed, False)
    curves = {topic for topic in broker.retained if topic.endswith("/curve")}
    assert broker.retained.keys() - curves == expected.keys()
    for topic, payload in expected.items():
        assert without_time(broker.retained[topic]) == without_time(payload)
    for instrument, symbol in SYMBOLS.items():
        topic = topic_of(PRODUCTS[instrument], symbol, Kind.TRADES, False)
        batches = [PRINTS_DECODER.decode(data) for name, data in broker.prints if name == topic]
        assert all(0 < len(batch) <= 3 for batch in batches)
        told = [one for batch in batches for one in batch]
        assert told == [
            m for m in market.messages() if isinstance(m, Trade) and m.instrument == instrument
        ]
    assert broker.take_all(conflation) == 0  # nothing is said twice


def test_json_lies_beside_messagepack() -> None:
    """F-90: the same views under topics that end in .json."""
    followed, broker = Followed(NamedMarket(5, 200)), Broker()
    followed.step(10**9)
    broker.take_all(Conflation(followed.view, ("msgpack", "json"), 100))
    packed = {topic for topic in broker.retained if not topic.endswith(".json")}
    assert {topic + ".json" for topic in packed} == broker.retained.keys() - packed
    for topic, payload in expected_states(followed, True).items():
        assert broker.retained[topic] == payload
    assert {topic.endswith(".json") for topic, _ in broker.prints} == {True, False}


def test_names_are_encoded_in_topics() -> None:
    """F-90: no wildcard and no level comes from a name."""
    assert topic_of("SITB", "SITB2612", Kind.BEST, False) == "sitex/v1/SITB/SITB2612/best"
    assert topic_of("a/b", "x+y#z", Kind.BEST, True) == "sitex/v1/a%2Fb/x%2By%23z/best.json"


def test_another_connection_is_told_all_state_and_no_print_twice() -> None:
    """F-92."""
    followed, first, second = Followed(NamedMarket(5, 200)), Broker(), Broker()
    conflation = Conflation(followed.view, ("msgpack",), 100)
    followed.step(10**9)
    first.take_all(conflation)
    conflation.forget()
    second.take_all(conflation)
    assert second.retained == first.retained and first.prints and not second.prints


def test_what_was_not_acknowledged_is_said_again() -> None:
    """A connection that broke between saying and hearing."""
    followed, broker = Followed(NamedMarket(5, 200)), Broker()
    conflation = Conflation(followed.view, ("msgpack",), 100)
    followed.step(10**9)
    unheard = [publication.topic for publication, _ in conflation.states()]
    _, instrument, _ = next(iter(conflation.prints()))
    conflation.forget()
    broker.take_all(conflation)
    assert set(unheard) == broker.retained.keys()
    told = [PRINTS_DECODER.decode(data) for _, data in broker.prints]
    trades = [one for batch in told for one in batch if one.instrument == instrument]
    assert len(trades) == followed.view.print_count(instrument)


@pytest.mark.parametrize("kept", [1, 20])
def test_prints_that_found_no_room_are_counted(kept: int) -> None:
    """F-94: full, then drained, then whole again."""
    followed, broker = Followed(NamedMarket(3, 400), prints_max=kept), Broker()
    conflation = Conflation(followed.view, ("msgpack",), 100)
    followed.step(len(followed.updates) // 2)  # the broker is away
    broker.take_all(conflation)
    dropped = conflation.trades_dropped
    assert dropped == sum(
        max(followed.view.print_count(instrument) - kept, 0)
        for instrument in followed.books.by_instrument
    )
    assert dropped > 0
    while followed.step(1):
        broker.take_all(conflation)
    told = sum(len(PRINTS_DECODER.decode(data)) for _, data in broker.prints)
    total = sum(followed.view.print_count(number) for number in followed.books.by_instrument)
    assert told + conflation.trades_dropped == total
    assert kept == 1 or conflation.trades_dropped == dropped


def test_a_new_venue_empties_the_topics_of_what_it_does_not_list() -> None:
    """F-92: no broker keeps the state of instruments that are gone."""
    followed, broker = Followed(NamedMarket(5, 200)), Broker()
    conflation = Conflation(followed.view, ("msgpack", "json"), 100)
    followed.step(10**9)
    broker.take_all(conflation)
    other = Books()
    definition = followed.books.book(1).definition
    assert definition is not None
    other.apply(definition)
    followed.view.take(Update(0, [], True), other, 99)
    broker.take_all(conflation)
    gone = topic_of("SITB", SYMBOLS[2], "", False)
    assert not [topic for topic in broker.retained if topic.startswith(gone)]
    kept = topic_of("SITB", SYMBOLS[1], Kind.BEST, False)
    assert without_time(broker.retained[kept])[1:] == [0] * 6
