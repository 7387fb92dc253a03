"""Views against the naive exchange and the messages they come of; the text against types."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.types import Side
from feed import views
from feed.books import Books
from feed.candles import BASE_NS, Candles
from feed.curve import annual_roll_ppm, curve_of
from feed.handler import Update
from feed.market_view import MarketView
from feed.marks import Marks
from feed.messages import (
    BlockTrade,
    Indicative,
    InstrumentDefined,
    Limits,
    OrderAdded,
    Settlement,
    Statistics,
    Status,
    Trade,
    TradeBusted,
    TradeCorrected,
    TradingStatus,
)
from feed.views import Kind
from tests import naive_words as w
from tests.feed_market import naive_levels, naive_orders
from tests.feed_named import SYMBOLS, Followed, NamedMarket

ROOT = Path(__file__).resolve().parent.parent
SPEC = (ROOT / "specs" / "market_data.md").read_text()
PRICE = 1_000_000_000


def test_the_table_of_views_is_the_types() -> None:
    """F-80: tags, names and order of the fields."""
    rows = re.findall(r"^\| (\w+) \| (\d+|-) \| ([\w, ]+) \|$", SPEC, re.M)
    types = [*views.View.__args__, views.CurvePoint]  # type: ignore[attr-defined]
    assert {name for name, _, _ in rows} == {one.__name__ for one in types}
    for name, tag, fields in rows:
        info = msgspec.inspect.type_info(getattr(views, name))
        assert isinstance(info, msgspec.inspect.StructType) and info.array_like
        assert fields.split(", ") == [field.name for field in info.fields]
        assert info.tag == (None if tag == "-" else int(tag))
    for kind in Kind:
        assert f"`{kind}`" in SPEC


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000))
def test_views_are_the_exchange(seed: int) -> None:
    """F-81, F-82, F-24: best, depth and statistics of a whole random market."""
    market = NamedMarket(seed, 120)
    followed = Followed(market)
    followed.step(10**9)
    for instrument, symbol in SYMBOLS.items():
        truth = market.exchange.instruments[instrument]
        bids, asks = (naive_levels(market.exchange, instrument, side) for side in (w.BUY, w.SELL))
        depth = followed.view.view(Kind.DEPTH, instrument)
        assert isinstance(depth, views.Depth)
        assert (depth.bids, depth.asks) == (bids[:10], asks[:10])
        best = followed.view.view(Kind.BEST, instrument)
        none = (0, 0, 0)
        assert isinstance(best, views.Best)
        assert (best.bid, best.bid_qty, best.bid_orders) == (bids[0] if bids else none)
        assert (best.ask, best.ask_qty, best.ask_orders) == (asks[0] if asks else none)
        definition = followed.view.view(Kind.DEFINITION, instrument)
        assert isinstance(definition, InstrumentDefined) and definition.symbol == symbol
        if not truth.expired:
            statistics = followed.view.view(Kind.STATISTICS, instrument)
            assert isinstance(statistics, Statistics)
            assert (statistics.volume, statistics.value) == (truth.volume, truth.value)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000))
def test_bytes_change_when_the_view_does_and_only_then(seed: int) -> None:
    """A reader that keeps versions has every change; nothing but a time is none."""
    followed = Followed(NamedMarket(seed, 80))
    seen: dict[tuple[Kind, int], tuple[int, object]] = {}
    while followed.step(3):
        for instrument in followed.books.by_instrument:
            for kind in Kind:
                if kind is Kind.TRADES:
                    continue
                encoded = followed.view.encoded(kind, instrument, False)
                truth = followed.view.view(kind, instrument)
                if truth is None:
                    assert encoded is None
                    continue
                assert encoded is not None
                fields = list(msgspec.structs.astuple(truth)[1:])
                told = list(msgspec.structs.astuple(views.VIEW_DECODER.decode(encoded.data))[1:])
                assert told == fields
                before = seen.get((kind, instrument))
                if before is not None:
                    assert (before[0] == encoded.version) == (before[1] == fields)
                seen[kind, instrument] = (encoded.version, fields)


def test_prints_are_kept_in_order_and_bounded() -> None:
    """A reader gets each once; what is no longer kept is counted."""
    market = NamedMarket(3, 400)
    followed = Followed(market, prints_max=20)
    all_trades = [m for m in market.messages() if isinstance(m, Trade) and m.instrument == 1]
    got: list[object] = []
    upto = missed = 0
    while followed.step(5):
        if 1 in followed.books.by_instrument:
            new = followed.view.prints_after(1, upto)
            got, upto, missed = got + new.prints, new.upto, missed + new.missed
    assert got == all_trades and missed == 0
    late = followed.view.prints_after(1, 0)
    assert late.prints == all_trades[-20:] and late.missed == len(all_trades) - 20


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 10_000))
def test_the_queue_ahead_is_the_exchange(seed: int) -> None:
    """F-86: marked early, followed message by message; also marked late, counted at once."""
    market = NamedMarket(seed, 150)
    followed = Followed(market)
    followed.step(60)
    marked = [
        (instrument, int(public_id))
        for instrument in followed.books.by_instrument
        for side in (w.BUY, w.SELL)
        for public_id in followed.books.by_instrument[instrument].orders_array(side)["public_id"]
    ]
    marks = followed.view.marks
    for instrument, public_id in marked:
        assert marks.add(followed.books, instrument, public_id)
    followed.step(10**9)
    for instrument, public_id in marked:
        found = marks.view(followed.books, public_id, 0)
        late = Marks(1)
        late.add(followed.books, instrument, public_id)
        assert late.view(followed.books, public_id, 0) == found
        truth = _naive_queue(market, instrument, public_id)
        assert (found.orders_ahead, found.lots_ahead, found.qty) == truth
        assert bool(found.side) == (found.qty > 0)


def _naive_queue(market: NamedMarket, instrument: int, public_id: int) -> tuple[int, int, int]:
    for side in (w.BUY, w.SELL):
        orders = naive_orders(market.exchange, instrument, side)
        for at, (found, price, qty) in enumerate(orders):
            if found == public_id:
                ahead = [lots for _, other, lots in orders[:at] if other == price]
                return len(ahead), sum(ahead), qty
    return 0, 0, 0


def test_marks_are_bounded_and_shared() -> None:
    """Two viewers of one slice take one place; the last to leave frees it."""
    followed = Followed(NamedMarket(3, 200), marks_max=1)
    followed.step(10**9)
    first, second = (
        int(row["public_id"]) for row in followed.books.book(1).orders_array(w.SELL)[:2]
    )
    marks = followed.view.marks
    assert marks.add(followed.books, 1, first) and marks.add(followed.books, 1, first)
    assert not marks.add(followed.books, 1, second)
    marks.remove(first)
    assert len(marks) == 1
    marks.remove(first)
    assert len(marks) == 0 and marks.add(followed.books, 1, second)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(-50, 50), st.integers(1, 9)), max_size=120),
    st.sampled_from((1, 5, 60)),
)
def test_candles_are_the_trades_of_their_intervals(
    trades: list[tuple[int, int, int]], minutes: int
) -> None:
    """F-85: against trades put together by hand."""
    trades = sorted(trades, key=lambda trade: trade[0])
    candles = Candles(10_000)
    by_start: dict[int, list[tuple[int, int]]] = {}
    for minute, price, qty in trades:
        candles.take(minute * BASE_NS + 17, price, qty)
        by_start.setdefault(minute // minutes * minutes * BASE_NS, []).append((price, qty))
    expected = []
    for start_ns, inside in by_start.items():
        prices = [price for price, _ in inside]
        value = sum(price * qty for price, qty in inside)
        volume = sum(qty for _, qty in inside)
        expected.append(
            views.Candle(
                start_ns,
                prices[0],
                max(prices),
                min(prices),
                prices[-1],
                volume,
                value,
                len(inside),
            )
        )
    assert candles.newest(minutes * BASE_NS, 10_000) == expected
    assert candles.newest(minutes * BASE_NS, 2) == expected[-2:]


def test_candles_forget_the_oldest() -> None:
    candles = Candles(20)
    for minute in range(55):
        candles.take(minute * BASE_NS, minute, 1)
    starts = [candle.start_ns // BASE_NS for candle in candles.newest(BASE_NS, 100)]
    assert starts == list(range(35, 55))


def test_busts_and_corrections_change_volume_and_value_only() -> None:
    """F-85, F-62, F-63: prices stay as printed."""
    books, view = _one_market()
    trade = Trade(BASE_NS, 1, Side.BUY, 5, 3 * PRICE, 4, 0, 0, 0, 0, 0, 1)
    corrected = TradeCorrected(3 * BASE_NS, 1, 5, 2 * PRICE, 4, 3 * PRICE, 1)
    busted = TradeBusted(4 * BASE_NS, 1, 5, 2 * PRICE, 4, 1)
    volumes = []
    for message in (trade, corrected, busted):
        books.apply(message)
        view.take(Update(1, [message], False), books, 1)
        (candle,) = view.candles(1).newest(BASE_NS, 9)
        volumes.append((candle.volume, candle.value, candle.trades))
        assert (candle.start_ns, candle.open, candle.close) == (BASE_NS, 3 * PRICE, 3 * PRICE)
    assert volumes == [(4, 12 * PRICE, 1), (4, 8 * PRICE, 1), (0, 0, 0)]
    assert view.prints_after(1, 0).prints == [trade, corrected, busted]


def test_a_block_is_printed_and_in_no_candle() -> None:
    """F-64, F-85: it counts in the date's volume; its bust finds no candle either."""
    books, view = _one_market()
    trade = Trade(BASE_NS, 1, Side.BUY, 5, 3 * PRICE, 4, 0, 0, 0, 0, 0, 1)
    block = BlockTrade(2 * BASE_NS, 1, 6, 2 * PRICE, 500, 1)
    busted = TradeBusted(3 * BASE_NS, 1, 6, 2 * PRICE, 500, 1, 1)
    volumes = []
    for message in (trade, block, busted):
        books.apply(message)
        view.take(Update(1, [message], False), books, 1)
        (candle,) = view.candles(1).newest(BASE_NS, 9)
        assert (candle.start_ns, candle.volume) == (BASE_NS, 4)
        statistics = books.by_instrument[1].statistics
        volumes.append((statistics.volume, statistics.last, statistics.trades))
    assert volumes == [(4, 3 * PRICE, 1), (504, 3 * PRICE, 1), (4, 3 * PRICE, 1)]
    assert view.prints_after(1, 0).prints == [trade, block, busted]


def _definition(instrument: int, last_date: int, leg: int = 0) -> InstrumentDefined:
    return InstrumentDefined(
        1, instrument, f"SITB{instrument}", 1, "SITB", 1, 1, 1, 1, 1, 202612, 20261101, last_date,
        leg, leg, 1, 1, 1,
    )  # fmt: skip


def _one_market() -> tuple[Books, MarketView]:
    books, view = Books(), MarketView()
    books.apply(_definition(1, 20261220))
    view.take(Update(0, [], True), books, 1)
    return books, view


def test_a_curve_takes_the_first_price_there_is() -> None:
    """F-84: auction, middle, last, settlement, reference; and what is left out."""
    books = Books()
    for instrument, last_date in ((3, 20270301), (1, 20261201), (2, 20270101)):
        books.apply(_definition(instrument, last_date))
        books.apply(Limits(1, instrument, 20261120, 9 * PRICE, 1, 2, 1))
    books.apply(_definition(4, 20270301, leg=1))  # a spread

    def sources() -> list[tuple[str, int]]:
        points = curve_of(books.by_instrument.values(), 0).points
        return [(point.source, point.price // PRICE) for point in points]

    assert sources() == [("reference", 9)] * 3
    books.apply(Settlement(1, 1, 20261119, 8 * PRICE, 0, 0, 1))
    assert sources()[0] == ("settlement", 8)
    books.apply(Trade(1, 1, Side.BUY, 5, 7 * PRICE, 4, 0, 0, 0, 0, 0, 1))
    assert sources()[0] == ("last", 7)
    books.apply(OrderAdded(1, 1, Side.BUY, 11, 5 * PRICE, 1, 1, 1, 1))
    assert sources()[0] == ("last", 7)
    books.apply(OrderAdded(1, 1, Side.SELL, 12, 7 * PRICE, 1, 1, 1, 1))
    assert sources()[0] == ("middle", 6)
    books.apply(Status(1, 1, TradingStatus.PRE_OPEN, 0, 1))
    assert sources()[0] == ("last", 7)  # bids may stand above offers now
    books.apply(Indicative(1, 1, 4 * PRICE, 3, 0, 1))
    assert sources()[0] == ("auction", 4)
    books.apply(Status(1, 1, TradingStatus.EXPIRED, 0, 1))
    assert len(sources()) == 2


@pytest.mark.parametrize(
    ("far", "shape"), [(105, "contango"), (95, "backwardation"), (100, "flat")]
)
def test_the_shape_in_words_and_the_roll(far: int, shape: str) -> None:
    """F-84: 73 days are a fifth of a year."""
    books = Books()
    books.apply(_definition(1, 20261001))
    books.apply(_definition(2, 20261213))
    books.apply(Limits(1, 1, 20261120, 100 * PRICE, 1, 2, 1))
    books.apply(Limits(1, 2, 20261120, far * PRICE, 1, 2, 1))
    curve = curve_of(books.by_instrument.values(), 0)
    roll = (far - 100) * 10_000 * 5
    assert (curve.shape, curve.roll_ppm, curve.points[1].roll_ppm) == (shape, roll, roll)
    assert curve.points[0].roll_ppm is None and curve.product_code == "SITB"


def test_rolls_that_mean_nothing() -> None:
    """F-84: no positive price, or no time between."""
    assert annual_roll_ppm(0, 20261201, 5, 20270101) is None
    assert annual_roll_ppm(-5, 20261201, 5, 20270101) is None
    assert annual_roll_ppm(5, 20261201, 5, 20261201) is None
    one = Books()
    one.apply(_definition(1, 20261201))
    curve = curve_of(one.by_instrument.values(), 0)
    assert (curve.shape, curve.roll_ppm) == ("", None)


def test_json_is_an_object_with_the_same_numbers() -> None:
    """F-88."""
    followed = Followed(NamedMarket(3, 300))
    followed.step(10**9)
    for kind in (Kind.DEPTH, Kind.STATISTICS):
        encoded = followed.view.encoded(kind, 1, True)
        view = followed.view.view(kind, 1)
        assert encoded is not None and view is not None
        told = json.loads(encoded.data)
        assert told.pop("type") == type(view).__name__
        assert told == json.loads(msgspec.json.encode(msgspec.structs.asdict(view)))
    curve = followed.view.encoded_curve(1, True)
    assert curve is not None
    assert json.loads(curve.data)["points"][0]["type"] == "CurvePoint"


def test_a_new_session_starts_everything_anew() -> None:
    followed = Followed(NamedMarket(3, 300))
    followed.step(10**9)
    assert followed.view.print_count(1)
    books, _ = _one_market()
    followed.view.take(Update(0, [], True), books, 99)
    assert followed.view.print_count(1) == 0
    assert not followed.view.candles(1).newest(BASE_NS, 9)
    assert set(followed.view.by_symbol) == {"SITB1"}
