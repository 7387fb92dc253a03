"""What the feed says of settlement prices and locked days.

Source: specs/market_data.md F-31 to F-33, F-161.
"""

from __future__ import annotations

from engine.reasons import PhaseReason, SettleReason
from feed.books import Books
from feed.messages import Limits, Settlement, Status, TradingStatus
from feed.publish import Publisher
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    DAY_2,
    DAY_3,
    DAY_4,
    SECOND,
    START_NS,
    TICK,
    buy,
    number,
    product,
    roll_product,
    sell,
    spread,
    usual_venue,
)
from tests.exchanges import EngineVenue
from tests.feed_market import TableDefinitions, published

LOCKING = {"features": ALL_FEATURES | w.LOCKED_DAYS, "locked_1_bp": 300, "locked_2_bp": 500}


def test_a_subscriber_sees_why_limits_widen_and_trading_stops() -> None:
    """Instrument 1 is locked at its low three dates, 2 follows it; the fourth date is suspended."""
    dates = ((90, DAY_2), (79, DAY_3), (68, DAY_4))
    commands = [product(1, ladder_bp=1_500, **LOCKING), *usual_venue()[1:]]
    for at, (low, date) in enumerate(dates):
        time_ns = START_NS + (at + 1) * 1_000 * SECOND
        commands.append(sell(ALPHA, f"a{at}", 1, low) | {"time_ns": time_ns})
        commands.append(roll_product(1, date) | {"time_ns": time_ns + 300 * SECOND})
    events = EngineVenue().run_rows(number(commands))
    messages = published(Publisher(TableDefinitions(number(commands))), events)
    settled = [one for one in messages if isinstance(one, Settlement) and one.instrument == 1]
    prices = [(one.price // TICK, one.reason) for one in settled]
    assert prices == [(low, SettleReason.LOCKED) for low, _ in dates]
    limits = [one for one in messages if isinstance(one, Limits) and one.instrument == 1]
    assert [one.locked_days for one in limits] == [0, 1, 2, 3]
    stopped = [one for one in messages if isinstance(one, Status) and one.instrument == 1][-1]
    assert (stopped.status, stopped.reason) == (TradingStatus.CLOSED, PhaseReason.LOCKED_DAYS)


def test_f161_open_interest_is_that_of_the_last_settlement() -> None:
    """Month 2 ends on DAY_2, spread 4 with it; whoever comes later learns the same."""
    second, of_spread = {"instrument": 2}, {"instrument": 4}
    commands = [
        *usual_venue(),
        spread(4, 1, 1, 2, last_trading_date=DAY_2),
        sell(BRAVO, "b1", 5, 100),
        buy(ALPHA, "a1", 5, 100),
        roll_product(1, DAY_2),
        sell(BRAVO, "b2", 7, 100, **second),
        buy(ALPHA, "a2", 7, 100, **second),
        sell(BRAVO, "b3", 1, 0, **of_spread),
        buy(ALPHA, "a3", 1, 0, **of_spread),
        sell(ALPHA, "a4", 2, 100),
        buy(BRAVO, "b4", 2, 100),
        roll_product(1, DAY_3),
    ]
    events = EngineVenue().run_rows(number(commands))
    publisher = Publisher(TableDefinitions(number(commands)))
    messages = published(publisher, events)
    told = [(one.instrument, one.open_interest) for one in messages if isinstance(one, Settlement)]
    assert told == [(1, 5), (2, 0), (4, 0), (1, 4), (2, 6), (4, 0)]
    follower, joiner = Books(), Books()
    for message in messages:
        follower.apply(message)
    for book in publisher.books.by_instrument.values():
        for fact in book.facts():
            joiner.apply(fact)
    for books in (publisher.books, follower, joiner):
        found = {number: one.open_interest for number, one in books.by_instrument.items()}
        assert found == {1: 4, 2: 0, 3: 0, 4: 0}
