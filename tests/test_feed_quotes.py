"""What the feed says of quotes and of requests for them. Source: specs/market_data.md F-60."""

from __future__ import annotations

import random

from feed.messages import OrderAdded, OrderRemoved, QuoteRequested
from feed.publish import Publisher
from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    TICK,
    number,
    quote,
    quote_cancel,
    quote_request,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.feed_market import TableDefinitions, published

LAST = 1
COMMANDS = [
    quote(ALPHA, "q1", (5, 99), (6, 101)),
    quote_request(BRAVO, side=w.BUY, qty=7),
    quote(ALPHA, "q2", (5, 100), (6, 101)),
    quote_cancel(ALPHA, "c", w.SCOPE_MEMBER),
]


def test_sides_are_orders_and_a_request_changes_no_book() -> None:
    """A side that keeps its place says nothing; answers to the maker are not public."""
    venue = usual_venue()
    numbered = number([*venue, *COMMANDS])
    events = EngineVenue().run_rows(numbered)
    publisher = Publisher(TableDefinitions(numbered))
    before = published(publisher, events)
    messages = [one for one in before if one.time_ns >= numbered[len(venue)]["time_ns"]]
    t1, t2, t3, t4 = (one["time_ns"] for one in numbered[len(venue) :])
    assert messages == [
        OrderAdded(t1, 1, w.BUY, 1, 99 * TICK, 5, 5, 1),
        OrderAdded(t1, 1, w.SELL, 2, 101 * TICK, 6, 6, 1, LAST),
        QuoteRequested(t2, 1, w.BUY, 7, LAST),
        messages[3],
        OrderAdded(t3, 1, w.BUY, 3, 100 * TICK, 5, 5, 1, LAST),
        messages[5],
        messages[6],
    ]
    assert [type(one) for one in messages[3:]] == [
        OrderRemoved,
        OrderAdded,
        OrderRemoved,
        OrderRemoved,
    ]
    assert [(one.time_ns, one.flags) for one in messages[5:]] == [(t4, 0), (t4, LAST)]


def test_rows_may_be_cut_anywhere() -> None:
    numbered = number([*usual_venue(), *COMMANDS])
    events = EngineVenue().run_rows(numbered)
    whole = published(Publisher(TableDefinitions(numbered)), events)
    for seed in range(20):
        source, publisher, rows, out = (
            random.Random(seed),
            Publisher(TableDefinitions(numbered)),
            events,
            [],
        )
        while len(rows):
            some = source.randint(1, len(rows))
            out += published(publisher, rows[:some])
            rows = rows[some:]
        assert out == whole
