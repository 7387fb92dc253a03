"""Views of one log: best, top and full levels, queue places, average price, from the same books."""

from __future__ import annotations

import random

import pytest

from feed.ahead import QueuePlace
from feed.books import Ahead, Best, Book, Books
from feed.handler import Handler, Update
from feed.slices import BookError
from tests import naive_words as w
from tests.feed_market import INSTRUMENTS, Market
from tests.feed_venue import MS, Venue, answer


def _counted(book: Book, public_id: int) -> Ahead | None:
    """What stands before a slice, counted in the list of all orders."""
    for side in (w.BUY, w.SELL):
        rows = book.orders_array(side)
        for own in rows[rows["public_id"] == public_id]:
            level = rows[rows["price"] == own["price"]]
            before = level[: level["public_id"].tolist().index(public_id)]
            return Ahead(int(before["qty"].sum()), len(before))
    return None


@pytest.mark.parametrize("seed", range(8))
def test_views_are_cuts_of_the_book(seed: int) -> None:
    """F-132: top N is the first N levels, best is the first of both."""
    books = Books()
    for message in Market(seed, 300).messages():
        books.apply(message)
    for instrument in INSTRUMENTS:
        book = books.by_instrument[instrument]
        for levels in (book.bids, book.asks):
            full = levels.array()
            assert full["qty"].sum() == sum(level.qty for level in levels.by_price.values())
            for depth in (1, 2, 10, 1_000):
                assert levels.array(depth).tobytes() == full[:depth].tobytes()
        bid, ask = (levels.array(1).tolist() or [(0, 0, 0)] for levels in (book.bids, book.asks))
        assert book.best == Best(*bid[0], *ask[0])


@pytest.mark.parametrize("seed", range(10))
def test_queue_places_follow_every_update(seed: int) -> None:
    """F-131: kept up from messages as a count of the book says, also over a snapshot."""
    rng = random.Random(seed)
    venue = Venue(Market(seed, 600))
    places: list[QueuePlace] = []

    def follow(update: Update) -> None:
        for place in places:
            place.update(handler.books, update)

    handler = Handler(on_update=follow)
    compared = now_ns = 0
    while not venue.done:
        now_ns += 300 * MS
        packets = venue.publish(9)
        if rng.random() < 0.1:
            handler._distrust()
        answer(venue, handler, now_ns)
        for packet in packets:
            handler.receive(0, packet, now_ns)
        if not handler.live:
            continue
        for place in places:
            book = handler.books.by_instrument[place.instrument]
            assert place.ahead == _counted(book, place.public_id)
            if place.ahead is not None:
                assert book.ahead(place.public_id) == place.ahead
            else:
                with pytest.raises(BookError):
                    book.ahead(place.public_id)
            compared += place.ahead is not None and place.ahead.orders > 0
        places = [place for place in places if place.ahead is not None]
        for instrument in INSTRUMENTS:
            rows = handler.books.by_instrument[instrument].orders_array(rng.choice((w.BUY, w.SELL)))
            if len(rows):
                public_id = int(rng.choice(rows["public_id"].tolist()))
                places.append(QueuePlace(handler.books, instrument, public_id))
    assert compared > 20


def test_a_queue_place_of_nothing() -> None:
    """A slice that is not there has no place; nor one of an instrument that is not."""
    books = Books()
    assert QueuePlace(books, 1, 7).ahead is None
    for message in Market(1, 100).messages():
        books.apply(message)
    assert QueuePlace(books, 1, 10**9).ahead is None


@pytest.mark.parametrize(
    ("value", "volume", "average"),
    [(0, 0, None), (10, 4, 3), (-10, 4, -3), (9, 4, 2), (-9, 4, -2), (12, 4, 3)],
)
def test_average_price_is_rounded_half_away_from_zero(
    value: int, volume: int, average: int | None
) -> None:
    """F-24: value / volume; negative prices too."""
    books = Books()
    for message in Market(1, 0).messages():
        books.apply(message)
    book = books.by_instrument[1]
    book.statistics.value, book.statistics.volume = value, volume
    assert book.average_price == average
