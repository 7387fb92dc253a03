"""What `sitex watch` shows: prices as text, a line, a full screen, keys, an unknown symbol."""

from __future__ import annotations

import io
import re
from types import SimpleNamespace

import pytest
from rich.console import Console

from engine.types import PRICE_SCALE
from feed.candles import Candles
from feed.drawing import candle_lines, price_text
from feed.handler import HandlerCounts, Update
from feed.messages import Indicative, Status, TradeBusted, TradingStatus
from feed.views import Candle
from feed.watch import UnknownSymbolError, Watched, _require_symbol, line_of
from feed.watch_screen import Feed, render
from tests import naive_words as w
from tests.feed_market import naive_levels
from tests.feed_named import SYMBOLS, Followed, NamedMarket


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


def screen_of(followed: Followed, symbol: str, columns: int, rows: int) -> list[str]:
    """The lines of the full screen."""
    out = io.StringIO()
    console = Console(file=out, width=columns, height=rows)
    feed = Feed("synchronized", HandlerCounts(), 7)
    console.print(render(followed.view, symbol, feed, columns, rows), height=rows)
    return out.getvalue().splitlines()


def market(seed: int = 4, count: int = 250) -> Followed:
    """A random market that was followed to its end."""
    followed = Followed(NamedMarket(seed, count))
    followed.step(10**9)
    return followed


def test_the_line_shows_best_prices_and_trades() -> None:
    """What the book holds."""
    book = market().books.by_instrument[1]
    bid = book.bids.best()
    assert bid is not None
    line = line_of(book)
    assert f"bid {bid[1]}@{price_text(bid[0], 10_000_000)}" in line
    assert f"volume {book.statistics.volume} " in line


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (120, 40), (200, 60)])
def test_the_screen_shows_the_exchange(columns: int, rows: int) -> None:
    """Ladder, time and sales, statistics, limits, candles and curve; nothing sticks out."""
    named = NamedMarket(4, 250)
    followed = Followed(named)
    followed.step(10**9)
    lines = screen_of(followed, SYMBOLS[1], columns, rows)
    screen = "\n".join(lines)
    assert len(lines) == rows and max(map(len, lines)) <= columns
    book = followed.books.by_instrument[1]
    for side, shown in ((w.BUY, book.bids), (w.SELL, book.asks)):
        price, qty, orders = naive_levels(named.exchange, 1, side)[0]
        assert shown.best() == (price, qty, orders)
        assert re.search(rf"{price_text(price, book.definition.tick)} +{qty:,} +{orders} ", screen)
    statistics, limits = book.statistics, book.limits
    assert book.open_interest == named.exchange.instruments[1].open_interest > 0
    for text in (
        " live ", f"volume {statistics.volume:,}", "ladder", "time and sales", "candles",
        f"limits {price_text(limits.low, book.definition.tick)} to", "SITB curve",
        f"{SYMBOLS[1]} ", "lots ", f"open interest {book.open_interest:,}",
    ):  # fmt: skip
        assert text in screen, text
    assert screen.count("bought") + screen.count("sold") >= 4


def test_the_screen_strikes_out_busts() -> None:
    """A bust stands in time and sales."""
    followed = market()
    done = followed.view.prints_after(1, 0).prints[-1]
    bust = TradeBusted(done.time_ns, 1, done.trade_id, done.price, done.qty, 1)
    followed.books.apply(bust)
    followed.view.take(Update(10**6, [bust], False), followed.books, 7)
    assert f"busted: {done.trade_id}" in "\n".join(screen_of(followed, SYMBOLS[1], 120, 40))


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
    followed = market()
    books = followed.books
    book, end_ns = books.by_instrument[1], (9 * 3_600 + 36 * 60 + 12) * 10**9
    assert "  continuous trading  last" in line_of(book)
    books.apply(Status(1, 1, int(TradingStatus.VOLATILITY_PAUSE), 2002, 0, end_ns))
    if told is not None:
        books.apply(Indicative(2, 1, 2 * PRICE_SCALE, *told))
    assert text in line_of(book)
    assert text.strip() in "\n".join(screen_of(followed, SYMBOLS[1], 140, 40))


def test_keys_choose_the_contract_and_end() -> None:
    """Round the months of a product and back."""
    watched = Watched(SYMBOLS[1], market().view)
    months = {SYMBOLS[1], SYMBOLS[2]}
    seen = [watched.symbol]
    for key in (b"\x1b[C", b"n", b"\x1b[D", b"x", b"p"):
        watched.press(key)
        seen.append(watched.symbol)
    assert set(seen) == months and seen[0] == seen[2] == seen[5] and seen[3] == seen[4]
    assert not watched.ended
    watched.press(b"q")
    assert watched.ended


def test_candles_are_drawn_by_half_rows() -> None:
    """Body and wick where the prices are; the volume below; the newest at the right."""
    tick = 10_000_000
    rising = Candle(0, 1 * tick, 4 * tick, 1 * tick, 3 * tick, 10, 0, 1)
    falling = Candle(60, 3 * tick, 3 * tick, 1 * tick, 2 * tick, 5, 0, 1)
    lines = [line.plain[9:] for line in candle_lines([rising, falling], tick, 20, 3)]
    assert lines == ["╽╻", "┃╿", "█▄"]
    axis = [line.plain[:9].strip() for line in candle_lines([rising] * 99, tick, 20, 9)]
    assert axis[0] == "0.04" and axis[-1] == "lots"
    assert all(len(line.plain) == 20 for line in candle_lines([rising] * 99, tick, 20, 9))
    assert "no trades" in candle_lines(Candles(1).newest(60, 1), tick, 20, 9)[0].plain


def test_an_unknown_symbol_names_near_ones() -> None:
    """The error helps."""
    view = SimpleNamespace(by_symbol={"SITB2612": None, "GH12612": 1})
    with pytest.raises(UnknownSymbolError, match="SITB2612"):
        _require_symbol(view, "SITB261")  # type: ignore[arg-type]
