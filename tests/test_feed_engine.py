"""Books of a subscriber whose lines lose, double and reorder packets equal the engine's."""

from __future__ import annotations

import random

import pytest

from feed.handler import Handler
from feed.history import History
from feed.packet import decode_header
from feed.publish import Publisher
from feed.recovery import Recovery, RecoveryLimits
from tests import naive_words as w
from tests.build import number, usual_venue
from tests.exchanges import EngineVenue
from tests.feed_market import INSTRUMENTS, TableDefinitions, random_commands
from tests.feed_venue import published_packets

MS = 1_000_000


@pytest.mark.parametrize("seed", range(4))
def test_books_of_a_lossy_subscriber_are_the_engines(seed: int) -> None:
    """From commands through the kernels, the event rows and the packets to the subscriber."""
    rng = random.Random(seed)
    commands = number(usual_venue() + random_commands(rng, 800))
    venue = EngineVenue()
    events = venue.run_rows(commands, lambda: (rng.randint(1, 90), 2_048))
    publisher, history = Publisher(TableDefinitions(commands)), History(1 << 24)
    recovery = Recovery(publisher, history, RecoveryLimits())
    handler, now_ns = Handler(), 0
    for start in range(0, len(events), 100):
        taken = events[start : start + 100]
        packets = published_packets(publisher, history, taken, rng.choice((None, 2)))
        delivered = [(line, p) for p in packets * 2 for line in (0, 1) if rng.random() < 0.4]
        rng.shuffle(delivered)
        for line, packet in delivered:
            handler.receive(line, packet, now_ns)
        now_ns += 10 * MS
        _recover(handler, recovery, now_ns)
    for _ in range(50):
        now_ns += 3_100 * MS
        _recover(handler, recovery, now_ns)
    assert handler.next_sequence == publisher.next_sequence
    for instrument in INSTRUMENTS:
        _assert_equal(handler, venue, instrument)


def _recover(handler: Handler, recovery: Recovery, now_ns: int) -> None:
    request = handler.poll(now_ns)
    stream = b"" if request is None else b"".join(recovery.answer(request, 0))
    while stream:
        length = decode_header(stream).length
        handler.receive_recovery(stream[:length], now_ns)
        stream = stream[length:]


def _assert_equal(handler: Handler, venue: EngineVenue, instrument: int) -> None:
    book = handler.books.by_instrument[instrument]
    orders = venue.engine.orders(instrument)
    levels = venue.engine.book(instrument)
    for index, side in enumerate((w.BUY, w.SELL)):
        own = orders[orders["side"] == side]
        expected = own[["public_id", "price", "shown"]].tolist()
        assert book.orders_array(side)[["public_id", "price", "qty"]].tolist() == expected
        assert book.levels(side).array().tolist() == levels[index].tolist()
