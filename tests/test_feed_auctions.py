"""What the feed says of phases and auctions, and books that follow it through an uncross.

Source: specs/market_data.md F-31, F-35 to F-37.
"""

from __future__ import annotations

import numpy as np
import pytest

from feed.books import Books
from feed.messages import (
    Indicative,
    MarketMessage,
    OrderAdded,
    OrderRemoved,
    Status,
    Trade,
    TradingStatus,
    Uncrossed,
)
from feed.publish import Publisher
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    CHARLIE,
    SECOND,
    START_NS,
    TICK,
    buy,
    number,
    product,
    sell,
    set_phase,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.feed_market import TableDefinitions, published
from tests.twin import Twin

HIDDEN = [product(1, features=ALL_FEATURES | w.AUCTION_HIDDEN), *usual_venue()[1:]]
LAST = 1
END_NS = START_NS + SECOND


def said(venue: list[dict], *commands: dict) -> list[MarketMessage]:
    """The messages of the commands, those of the venue's definitions left out."""
    numbered = number([*venue, *commands])
    events = EngineVenue().run_rows(numbered)
    publisher = Publisher(TableDefinitions(numbered))
    first = int(np.argmax(events["kind"] == w.PHASE_CHANGED))
    published(publisher, events[:first])
    return published(publisher, events[first:])


def test_a_shown_call_and_its_uncross() -> None:
    messages = said(
        usual_venue(),
        set_phase(w.PRE_OPEN, scheduled_end_ns=END_NS),
        buy(ALPHA, "a1", 5, 101),
        sell(BRAVO, "b1", 3, 101),
        set_phase(w.CONTINUOUS, reason=7),
    )
    times = [message.time_ns for message in messages]
    price = 101 * TICK
    assert messages == [
        Status(times[0], 1, TradingStatus.PRE_OPEN, 0, LAST, END_NS),
        OrderAdded(times[1], 1, w.BUY, 1, price, 5, 5, 1, LAST),
        OrderAdded(times[2], 1, w.SELL, 2, price, 3, 3, 1),
        Indicative(times[2], 1, price, 3, 2, LAST),
        Status(times[4], 1, TradingStatus.AUCTION_MATCH, 7),
        messages[5],  # the buy's slice changes
        Trade(times[4], 1, 0, 1, price, 3, 2, price, 0, 0, 0),
        Uncrossed(times[4], 1, price, 3, 2),
        Status(times[4], 1, TradingStatus.TRADING, 7),
        messages[9],  # the statistics
    ]
    assert (messages[5].public_id, messages[5].qty) == (1, 2)
    assert (messages[9].volume, messages[9].flags) == (3, LAST)


def test_a_hidden_call_says_the_price_and_shows_what_is_left() -> None:
    messages = said(
        HIDDEN,
        set_phase(w.PRE_OPEN),
        buy(ALPHA, "a1", 5, 101),
        sell(BRAVO, "b1", 3, 101),
        set_phase(w.AUCTION_MATCH),
    )
    times = [message.time_ns for message in messages]
    price = 101 * TICK
    assert messages[:6] == [
        Status(times[0], 1, TradingStatus.PRE_OPEN, 0, LAST),
        Indicative(times[1], 1, price, 0, 0, LAST),
        Status(times[2], 1, TradingStatus.AUCTION_MATCH, 0),
        Trade(times[2], 1, 0, 1, price, 3, 0, 0, 0, 0, 0),
        OrderAdded(times[2], 1, w.BUY, 1, price, 2, 2, 1),
        Uncrossed(times[2], 1, price, 3, 2),
    ]
    assert len(messages) == 7 and messages[6].volume == 3


def test_a_slice_shown_before_a_hidden_call_is_removed_by_its_trade() -> None:
    messages = said(
        HIDDEN,
        set_phase(w.CONTINUOUS),
        buy(CHARLIE, "c1", 4, 100),
        set_phase(w.VOLATILITY_PAUSE),
        sell(BRAVO, "b1", 4, 100),
        set_phase(w.AUCTION_MATCH),
    )
    kinds = [type(message) for message in messages if type(message) is not Status]
    assert kinds[:4] == [OrderAdded, Indicative, OrderRemoved, Trade]


@pytest.mark.parametrize("seed", range(3))
def test_books_follow_the_feed_through_auctions(seed: int) -> None:
    """In and after each call of a random day: the engine's book without what the call hides."""
    twin = Twin(600 + seed)
    stops = []
    for phase in (w.PRE_OPEN, w.VOLATILITY_PAUSE):
        twin.call(phase, 150)
        stops += [len(twin.commands) - 20, len(twin.commands)]
        twin.grow(100)
    venue, books = EngineVenue(), Books()
    publisher = Publisher(TableDefinitions(twin.commands))
    done = 0
    for stop in [*stops, len(twin.commands)]:
        for message in published(publisher, venue.run_rows(twin.commands[done:stop])):
            books.apply(message)
        done = stop
        assert not publisher.in_command
        for instrument, book in books.by_instrument.items():
            orders = venue.engine.orders(instrument)
            orders = orders[orders["public_id"] > 0]
            for side in (w.BUY, w.SELL):
                wanted = orders[orders["side"] == side][["public_id", "price", "shown"]].tolist()
                told = book.orders_array(side)[["public_id", "price", "qty"]].tolist()
                assert told == wanted
            call = venue.engine.tables().calls[instrument]
            assert (book.indicative.price if book.indicative else 0) == call["price"]
