"""Event rows to messages: equal books, one list of messages however the rows are cut."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.types import EVENT, EventKind
from feed.books import Books
from feed.messages import (
    ENCODER,
    MarketMessage,
    MessageFlag,
    OrderAdded,
    OrderChanged,
    OrderRemoved,
    Trade,
)
from tests import naive_words as w
from tests.build import ALPHA, BRAVO, buy, cancel, number, replace, sell, usual_venue
from tests.feed_market import BOUNDS, Market, TableDefinitions, assert_books_equal, published
from tests.naive import NaiveExchange


@pytest.mark.parametrize("seed", range(12))
def test_books_from_messages_are_the_exchanges(seed: int) -> None:
    """F-20 to F-26: messages applied one by one give the naive exchange's books."""
    market = Market(seed, 600)
    books = Books()
    for message in market.messages():
        books.apply(message)
    assert_books_equal(books, market.exchange)


@pytest.mark.parametrize("seed", range(6))
def test_the_publishers_own_books_are_the_subscribers(seed: int) -> None:
    """What snapshots are made from equals what messages build."""
    market = Market(seed, 400)
    publisher, books = market.publisher(), Books()
    for message in published(publisher, market.events):
        books.apply(message)
    assert publisher.books.by_instrument.keys() == books.by_instrument.keys()
    for instrument, book in books.by_instrument.items():
        own = publisher.books.by_instrument[instrument]
        for side in (w.BUY, w.SELL):
            assert own.orders_array(side).tobytes() == book.orders_array(side).tobytes()
            assert own.levels(side).array().tobytes() == book.levels(side).array().tobytes()
        assert own.statistics == book.statistics


@pytest.mark.parametrize("seed", range(6))
def test_messages_do_not_depend_on_how_rows_are_cut(seed: int) -> None:
    """F-11: cut anywhere, also inside a command, the messages and numbers are the same."""
    market = Market(seed, 300)
    whole = market.messages()
    rng = random.Random(seed)
    publisher = market.publisher()
    parts: list[MarketMessage] = []
    at = 0
    while at < len(market.events):
        size = rng.choice((1, 1, 2, 3, 17, 60))
        parts += published(publisher, market.events[at : at + size])
        at += size
    assert list(map(ENCODER.encode, parts)) == list(map(ENCODER.encode, whole))
    assert publisher.next_event == len(market.events) + 1
    assert not publisher.in_command


def test_a_command_ends_with_one_marked_message() -> None:
    """F-12: between two marks lie the messages of one command, all of one time."""
    market = Market(3, 400)
    times: list[int] = []
    marked = 0
    for message in market.messages():
        times.append(message.time_ns)
        if message.flags & MessageFlag.END_OF_EVENT:
            assert len(set(times)) <= 2  # statistics and limits carry their own
            times, marked = [], marked + 1
    assert times == []
    assert marked > 100


def test_hidden_quantity_never_appears() -> None:
    """F-27: of an iceberg of 30 showing 6 nobody sees more than 6 at once."""
    messages, _ = _run(
        buy(ALPHA, "I", 30, 100, display_qty=6),
        sell(BRAVO, "S", 14, 100),
        cancel(ALPHA, "C", "I"),
    )
    shown = [m for m in messages if isinstance(m, OrderAdded | OrderRemoved | Trade)]
    assert [type(m) for m in shown] == [
        OrderAdded,
        Trade,
        OrderAdded,
        Trade,
        OrderAdded,
        Trade,
        OrderRemoved,
    ]
    added = [m for m in shown if isinstance(m, OrderAdded)]
    assert [m.qty for m in added] == [6, 6, 6]
    assert len({m.public_id for m in added}) == 3
    assert [m.qty_left for m in shown if isinstance(m, Trade)] == [0, 0, 4]
    assert shown[-1].level_qty == 0


def test_a_replace_that_loses_its_place_is_a_removal_and_an_addition() -> None:
    """F-21, F-22: the old slice goes, a new one comes; a smaller quantity stays in place."""
    messages, _ = _run(
        buy(ALPHA, "A", 10, 100),
        replace(ALPHA, "A2", "A", 4, 100),
        replace(ALPHA, "A3", "A2", 9, 101),
    )
    book = [m for m in messages if isinstance(m, OrderAdded | OrderChanged | OrderRemoved)]
    assert [type(m) for m in book] == [OrderAdded, OrderChanged, OrderRemoved, OrderAdded]
    assert book[0].public_id == book[1].public_id == book[2].public_id != book[3].public_id
    assert [m.flags for m in book] == [1, 1, 0, 1]


def test_a_replace_that_trades_shows_removal_trades_and_rest() -> None:
    """The slice leaves before the trades it makes as an aggressor."""
    messages, _ = _run(
        sell(BRAVO, "S", 5, 102),
        buy(ALPHA, "A", 10, 100),
        replace(ALPHA, "A2", "A", 12, 102),
    )
    kinds = [type(m).__name__ for m in messages[-4:]]
    assert kinds == ["OrderRemoved", "Trade", "OrderAdded", "Statistics"]
    assert [m.flags for m in messages[-4:]] == [0, 0, 0, 1]
    trade = messages[-3]
    assert isinstance(trade, Trade)
    assert (trade.side, trade.qty, trade.qty_left, trade.level_qty) == (w.BUY, 5, 0, 0)


def test_rejects_and_unfilled_orders_say_nothing() -> None:
    """Reports to one member are nobody else's."""
    before, _ = _run()
    after, _ = _run(
        buy(ALPHA, "A", 10, 100, time_in_force=w.IOC),
        buy(ALPHA, "A", 10, 100),
        cancel(ALPHA, "C", "NONE"),
    )
    assert len(after) == len(before)


def test_an_unknown_event_kind_is_passed_over() -> None:
    """Kinds that concern no public fact (accounts, members, sessions) give no message."""
    rows = np.zeros(3, EVENT)
    rows["kind"] = [EventKind.MEMBER_SET, EventKind.ACCOUNT_SET, EventKind.SESSION_SET]
    rows["flags"] = 8
    assert Market(0, 0).publisher().publish(rows) == []


def _run(*commands: dict) -> tuple[list[MarketMessage], NaiveExchange]:
    numbered = number([*usual_venue(), *commands])
    exchange = NaiveExchange(BOUNDS)
    rows = [
        tuple(event[name] for name in EVENT.names)
        for one in numbered
        for event in exchange.apply(one)
    ]
    from feed.publish import Publisher

    return Publisher(TableDefinitions(numbered)).publish(np.array(rows, EVENT)), exchange
