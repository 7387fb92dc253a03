"""Reports and messages of a spread's trade: the member is told of each leg, the feed is not.

Source: O-50, specs/market_data.md F-23, F-30.
"""

from __future__ import annotations

import pytest

from engine.limits import PRICE_NONE
from engine.types import EventFlag, EventKind
from feed.books import Books
from feed.messages import InstrumentDefined, OrderAdded, Statistics, Trade
from feed.publish import Publisher
from gateway.dialect import DICTIONARY
from tests import naive_words as w
from tests.build import ALPHA, BRAVO, buy, number, sell, spread, usual_venue
from tests.codec_bench import make_tables
from tests.exchanges import EngineVenue
from tests.feed_market import TableDefinitions, published
from tests.flow_spreads import SpreadFlow, spread_world
from tests.test_reports import EVENT_TEXT, FIRST, body, check_message, encode, event
from tests.twin import Twin

LEG = event(
    EventKind.FILL, request=0, order_request=5, qty=3, price=-12_340_000_000, side=ord("2"),
    leaves_qty=7, cum_qty=3, cum_value=-150_000_000, trade_id=5, ord_status=ord("1"),
    flags=EventFlag.LEG | EventFlag.UNSOLICITED,
)  # fmt: skip


def test_a_leg_is_a_report_of_its_own() -> None:
    message = encode(make_tables(), LEG)[0][0]
    text = body(message)
    assert "|150=F|39=1|" in text and "|54=2|" in text
    assert "|32=3|31=-12.34|527=5|442=2|851=1|151=7|14=3|6=-0.05|" in text
    assert text.startswith(f"37={FIRST}|") and text.endswith(f"60={EVENT_TEXT}|")
    check_message(make_tables(is_venue=False), message, "8")


def test_quickfix_takes_a_leg() -> None:
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    dictionary = quickfix.DataDictionary(str(DICTIONARY))
    message = encode(make_tables(), LEG)[0][0]
    dictionary.validate(quickfix.Message(message.decode(), dictionary, True))


def test_the_feed_tells_legs_with_the_definition_and_trades_once() -> None:
    legs = spread(4, 1, 1, 2, last_trading_date=20261202)
    commands = number(
        [
            *usual_venue(),
            legs,
            buy(ALPHA, "a1", 2, 0, instrument=4),
            sell(BRAVO, "b1", 1, -3, instrument=4),
        ]
    )
    messages = published(Publisher(TableDefinitions(commands)), EngineVenue().run_rows(commands))
    defined = [one for one in messages if isinstance(one, InstrumentDefined)][-1]
    assert (defined.leg_1, defined.leg_2, defined.lots_1, defined.lots_2) == (1, 2, 1, 1)
    added, traded, statistics = messages[-3:]
    assert isinstance(added, OrderAdded) and added.price == 0
    assert isinstance(traded, Trade) and isinstance(statistics, Statistics)
    assert (traded.instrument, traded.side, traded.price, traded.qty) == (4, w.SELL, 0, 1)
    assert (statistics.volume, statistics.low) == (1, 0)


@pytest.mark.parametrize("seed", range(2))
def test_books_follow_the_feed_through_implied_trades(seed: int) -> None:
    """Slices, volume and implied prices of every book are the engine's; a late joiner has them."""
    twin = Twin(40 + seed, start=number(spread_world()), flow_type=SpreadFlow, spoils=10**9)
    twin.grow(700)
    assert any(event["flags"] & EventFlag.IMPLIED for event in twin.events())
    venue, books, joined = EngineVenue(), Books(), Books()
    publisher = Publisher(TableDefinitions(number(spread_world())))
    for message in published(publisher, venue.run_rows(twin.commands)):
        books.apply(message)
    tables = venue.engine.tables()
    rolled = {event["instrument"] for event in twin.events() if event["kind"] == w.SETTLED}
    for instrument, book in books.by_instrument.items():
        orders = venue.engine.orders(instrument)
        for side in (w.BUY, w.SELL):
            shown = orders[(orders["public_id"] > 0) & (orders["side"] == side)]
            told = book.orders_array(side)[["public_id", "price", "qty"]].tolist()
            assert told == shown[["public_id", "price", "shown"]].tolist()
        known = tables.instruments[instrument]
        assert instrument in rolled or book.statistics.volume == known["volume"]
        if not known["implied"]:
            continue
        row = tables.implieds[instrument]
        for side, name in ((w.BUY, "told_bid"), (w.SELL, "told_ask")):
            price = book.implied[side].price if side in book.implied else None
            assert price == (int(row[name]) if abs(row[name]) < PRICE_NONE else None)
        for fact in book.facts():
            joined.apply(fact)
        assert joined.by_instrument[instrument].implied == book.implied
