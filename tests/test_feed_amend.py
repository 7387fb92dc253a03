"""What the feed says of busts, corrections and blocks, and statistics that follow.

Source: specs/market_data.md F-62 to F-64.
"""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest

from engine.types import EVENT
from feed.books import Books
from feed.messages import BlockTrade, MarketMessage, TradeBusted, TradeCorrected
from feed.publish import Publisher
from tests import naive_words as w
from tests.build import ALPHA, BRAVO, TICK, block, bust, buy, correct, number, sell, usual_venue
from tests.exchanges import EngineVenue
from tests.feed_market import TableDefinitions, published
from tests.flow_blocks import block_flow
from tests.twin import Twin

LAST = 1
TRADED = (sell(ALPHA, "a1", 5, 100), buy(BRAVO, "b1", 3, 101))


def publish(*commands: dict) -> tuple[list[MarketMessage], Publisher]:
    """What is said of the commands behind a trade of 3 lots at 100, and the publisher after it."""
    numbered = number([*usual_venue(), *TRADED, *commands])
    events = EngineVenue().run_rows(numbered)
    publisher = Publisher(TableDefinitions(numbered))
    traded = int(np.flatnonzero(events["kind"] == w.FILL)[-1]) + 1
    published(publisher, events[:traded])
    return published(publisher, events[traded:]), publisher


@pytest.mark.kernels
def test_a_bust_takes_the_trade_out_of_the_statistics() -> None:
    messages, publisher = publish(bust(1))
    (message,) = messages
    time_ns = message.time_ns
    assert message == TradeBusted(time_ns, 1, 1, 100 * TICK, 3, LAST)
    found = publisher.books.book(1).statistics
    assert (found.volume, found.value, found.trades) == (0, 0, 0)
    assert (found.last, found.high, found.last_trade_id) == (100 * TICK, 100 * TICK, 1)
    assert publisher.books.book(1).bids.best() is None
    assert publisher.books.book(1).asks.best() == (100 * TICK, 2, 1)


@pytest.mark.kernels
def test_a_correction_moves_the_value_and_a_refused_one_says_nothing() -> None:
    messages, publisher = publish(correct(1, 98), correct(2, 98))
    (message,) = messages
    assert message == TradeCorrected(message.time_ns, 1, 1, 98 * TICK, 3, 100 * TICK, LAST)
    found = publisher.books.book(1).statistics
    assert (found.volume, found.value, found.trades) == (3, 294 * TICK, 1)
    assert found.last == 100 * TICK


@pytest.mark.kernels
def test_a_block_counts_in_volume_and_value_alone() -> None:
    sides = block(ALPHA, "k1", w.BUY, 9, 103, BRAVO), block(BRAVO, "k2", w.SELL, 9, 103, ALPHA)
    messages, publisher = publish(*sides)
    (message,) = messages
    assert message == BlockTrade(message.time_ns, 1, 2, 103 * TICK, 9, LAST)
    found = publisher.books.book(1).statistics
    assert (found.volume, found.value, found.trades) == (12, 1_227 * TICK, 1)
    assert (found.last, found.high, found.last_trade_id) == (100 * TICK, 100 * TICK, 1)
    messages, publisher = publish(*sides, bust(2))
    assert messages[-1] == TradeBusted(messages[-1].time_ns, 1, 2, 103 * TICK, 9, LAST, block=1)
    found = publisher.books.book(1).statistics
    assert (found.volume, found.value, found.trades) == (3, 300 * TICK, 1)


@pytest.mark.parametrize("seed", range(4))
def test_books_follow_amended_trades_however_events_are_cut(seed: int) -> None:
    """The messages alone rebuild the publisher's statistics, which are the exchange's."""
    twin = Twin(30_000 + seed, spoils=10**9, make_flow=block_flow).grow(900)
    rows = np.array([tuple(event[name] for name in EVENT.names) for event in twin.events()], EVENT)
    sound = [one for one in twin.commands if one["row"] is None or one["row"].get("product") != 9]
    definitions = TableDefinitions(sound[::-1])  # of an id defined again the first counts (M-7)
    whole = Publisher(definitions)
    messages = published(whole, rows)
    cut, parts = Publisher(definitions), []
    source, at = random.Random(seed), 0
    while at < len(rows):
        size = source.randint(1, 30)
        parts += published(cut, rows[at : at + size])
        at += size
    assert parts == messages
    followed = Books()
    for message in messages:
        followed.apply(message)
    assert {type(message) for message in messages} >= {TradeBusted, TradeCorrected, BlockTrade}
    volumes, values = sums(twin.events())
    for at in twin.naive.exchange.instruments:
        statistics = followed.book(at).statistics
        assert statistics == whole.books.book(at).statistics
        assert (statistics.volume, statistics.value) == (volumes[at], values[at])


def sums(events: list[dict]) -> tuple[Counter, Counter]:
    """Volume and value of each instrument's trading date, from both rows of each trade."""
    lots: Counter = Counter()
    money: Counter = Counter()
    dates: dict[int, int] = {}
    for event in events:
        at, qty, price = event["instrument"], event["qty"], event["price"]
        if event["kind"] in (w.FILL, w.BLOCK_TRADED) and not event["flags"] & w.LEG:
            lots[at] += qty
            money[at] += price * qty
        elif event["kind"] == w.TRADE_BUSTED:
            lots[at] -= qty
            money[at] -= price * qty
        elif event["kind"] == w.TRADE_CORRECTED:
            money[at] += (price - event["display_qty"]) * qty
        elif event["kind"] == w.LIMITS_SET and dates.get(at) != event["trading_date"]:
            dates[at] = event["trading_date"]
            lots[at] = money[at] = 0
    halves = (Counter({at: sum_ // 2 for at, sum_ in one.items()}) for one in (lots, money))
    return next(halves), next(halves)
