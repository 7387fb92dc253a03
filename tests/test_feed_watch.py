"""What `sitex watch` shows: prices as text, a line, a screen, an unknown symbol."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from engine.types import PRICE_SCALE
from feed.books import Books
from feed.handler import HandlerCounts
from feed.messages import Indicative, Status, Trade, TradingStatus
from feed.watch import (
    UnknownSymbolError,
    Watched,
    _require_symbol,
    line_of,
    price_text,
    render,
    time_text,
)
from tests.feed_market import Market


@pytest.mark.parametrize(
    ("price", "tick", "text"),
    [
        (2_001_000_000, 1_000_000, "2.001"),
        (2_000_000_000, 1_000_000, "2.000"),
        (-70_000_000, 5_000_000, "-0.070"),
        (5 * PRICE_SCALE, PRICE_SCALE, "5"),
        (14_003_333_333, 10_000_000, "14.003333333"),
        (-PRICE_SCALE // 2, PRICE_SCALE, "-0.5"),
    ],
)
def test_prices_have_the_ticks_places(price: int, tick: int, text: str) -> None:
    """Exact: what lies off the tick is shown whole."""
    assert price_text(price, tick) == text


def test_times_are_utc_with_milliseconds() -> None:
    """Venue time."""
    assert time_text(1_763_600_000_123_456_789) == "00:53:20.123"


def test_line_and_screen_show_best_prices_and_trades() -> None:
    """Both say what the book holds."""
    market = Market(4, 250)
    books, watched = Books(), Watched("INSTRUMENT")
    for message in market.messages():
        books.apply(message)
        if isinstance(message, Trade) and message.instrument == 1:
            watched.take(message)
    book = books.by_instrument[1]
    bid = book.bids.best()
    assert bid is not None
    line = line_of(book, watched)
    assert f"bid {bid[1]}@{price_text(bid[0], 10_000_000)}" in line
    assert f"volume {book.statistics.volume} " in line
    out = io.StringIO()
    Console(file=out, width=120).print(render(book, watched, HandlerCounts()))
    screen = out.getvalue()
    assert "bid lots" in screen and "reference" in screen
    assert f" {price_text(watched.trades[0].price, 10_000_000)} " in screen


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (None, "volatility pause until 09:36:12  indicative -"),
        ((412, 14), "volatility pause until 09:36:12  indicative 2.00 412 lots, 14 more bid"),
        ((412, 0), "indicative 2.00 412 lots, no surplus"),
        ((0, 0), "volatility pause until 09:36:12  indicative 2.00 "),  # a call that hides orders
    ],
)
def test_line_and_screen_show_the_phase_and_the_indicative_price(
    told: tuple[int, int] | None, text: str
) -> None:
    """Of a call also what an uncross would give."""
    books, watched = Books(), Watched("INSTRUMENT")
    for message in Market(4, 250).messages():
        books.apply(message)
    book, end_ns = books.by_instrument[1], (9 * 3_600 + 36 * 60 + 12) * 10**9
    assert "  continuous trading  last" in line_of(book, watched)
    books.apply(Status(1, 1, int(TradingStatus.VOLATILITY_PAUSE), 2002, 0, end_ns))
    if told is not None:
        books.apply(Indicative(2, 1, 2 * PRICE_SCALE, *told))
    assert text in line_of(book, watched)
    out = io.StringIO()
    Console(file=out, width=140).print(render(book, watched, HandlerCounts()))
    assert text.strip() in out.getvalue()


def test_an_unknown_symbol_names_near_ones() -> None:
    """The error helps."""
    subscriber = SimpleNamespace(books=SimpleNamespace(by_symbol={"SITB2612": None, "GH12612": 1}))
    with pytest.raises(UnknownSymbolError, match="SITB2612"):
        _require_symbol(subscriber, "SITB261")  # type: ignore[arg-type]
