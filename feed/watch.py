"""What `sitex watch SYMBOL` shows: one contract's book and trades, live, from the public feed.

A subscriber like any other. With a terminal it draws a ladder with rich, without one it prints a
line a second. `render` and `line_of` are pure.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import sys
import time
from collections import deque
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from engine.types import PRICE_SCALE, Currency, Side
from feed.books import Book
from feed.handler import HandlerCounts
from feed.messages import InstrumentDefined, Trade, TradingStatus
from feed.phases import CALLS, clock_text, phase_words, surplus_words
from feed.subscriber import Subscriber

_LEVELS_SHOWN = 10
_TRADES_SHOWN = 12
_REFRESH_S = 0.1
_LINE_S = 1.0
_PATIENCE_S = 10.0
_SECOND_NS = 1_000_000_000


class UnknownSymbolError(Exception):
    """The venue lists no such contract; the text says what it lists."""


class NoFeedError(Exception):
    """Neither lines nor recovery service gave a picture in time."""


@dataclass
class Watched:
    """One contract as it is watched: newest trades first."""

    symbol: str
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=_TRADES_SHOWN))
    trade_count: int = 0
    update_count: int = 0

    def take(self, trade: Trade) -> None:
        """One more trade of this contract."""
        self.trades.appendleft(trade)
        self.trade_count += 1


def price_text(price: int, tick: int) -> str:
    """A price in 1e-9 as decimal text with as many places as the tick has."""
    places = len(f"{tick % PRICE_SCALE:09d}".rstrip("0")) if tick % PRICE_SCALE else 0
    whole, fraction = divmod(abs(price), PRICE_SCALE)
    sign = "-" if price < 0 else ""
    digits = f"{fraction:09d}"
    kept = max(places, len(digits.rstrip("0")))
    return f"{sign}{whole}.{digits[:kept]}" if kept else f"{sign}{whole}"


def time_text(time_ns: int) -> str:
    """A venue time as UTC time of day with milliseconds."""
    seconds, rest_ns = divmod(time_ns, _SECOND_NS)
    return time.strftime("%H:%M:%S", time.gmtime(seconds)) + f".{rest_ns // 1_000_000:03d}"


def line_of(book: Book, watched: Watched) -> str:
    """The contract in one line: best bid and ask, phase, last trade, volume."""
    definition = _definition(book)
    bid, ask = book.bids.best(), book.asks.best()
    tick = definition.tick
    parts = [watched.symbol]
    parts.append(f"bid {bid[1]}@{price_text(bid[0], tick)}" if bid else "bid -")
    parts.append(f"ask {ask[1]}@{price_text(ask[0], tick)}" if ask else "ask -")
    statistics = book.statistics
    last = price_text(statistics.last, tick) if statistics.last_trade_id else "-"
    parts.append(_phase(book))
    parts.append(f"last {last} volume {statistics.volume} trades {statistics.trades}")
    parts.append(f"orders {book.order_count}")
    return "  ".join(parts)


def render(book: Book, watched: Watched, counts: HandlerCounts) -> Group:
    """The screen: header, ladder, trades, health of the lines."""
    return Group(
        _header(book), _ladder(book), _trade_table(book, watched), _health(watched, counts)
    )


def _header(book: Book) -> Text:
    definition, statistics = _definition(book), book.statistics
    text = Text()
    text.append(definition.symbol, style="bold")
    currency = Currency(definition.currency).name
    text.append(f"  {definition.product_code}  {currency}  x{definition.multiplier:,}")
    text.append(f"  {_phase(book)}\n", style="bold yellow" if _in_call(book) else "")
    tick = definition.tick
    if book.limits is not None:
        low, high = (price_text(p, tick) for p in (book.limits.low, book.limits.high))
        reference = price_text(book.limits.reference, tick)
        text.append(f"reference {reference}  limits {low} - {high}\n", style="dim")
    if statistics.trades:
        chosen = (statistics.open, statistics.high, statistics.low, statistics.last)
        texts = [price_text(price, tick) for price in chosen]
        average = price_text(statistics.value // statistics.volume // tick * tick, tick)
        text.append("open {} high {} low {} last {}".format(*texts))
        text.append(f"  average {average}  volume {statistics.volume:,} lots")
    return text


def _phase(book: Book) -> str:
    """The phase with its end, and in a call what an uncross would give."""
    status, told = book.status, book.indicative
    if status is None:
        return "-"
    words = phase_words(status.status)
    if status.scheduled_end_ns:
        words += f" until {clock_text(status.scheduled_end_ns)}"
    if not _in_call(book):
        return words
    if told is None:
        return f"{words}  indicative -"
    lots = f" {told.qty:,} lots, {surplus_words(told.surplus)}" if told.qty else ""
    return f"{words}  indicative {price_text(told.price, _definition(book).tick)}{lots}"


def _in_call(book: Book) -> bool:
    return book.status is not None and TradingStatus(book.status.status) in CALLS


def _ladder(book: Book) -> Table:
    tick = _definition(book).tick
    table = Table(expand=False)
    for name, justify in (("orders", "right"), ("bid lots", "right"), ("price", "center")):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]
    table.add_column("ask lots", justify="left")
    table.add_column("orders", justify="left")
    for price, qty, orders in reversed(book.asks.array()[:_LEVELS_SHOWN].tolist()):
        table.add_row("", "", price_text(price, tick), str(qty), str(orders), style="red")
    for price, qty, orders in book.bids.array()[:_LEVELS_SHOWN].tolist():
        table.add_row(str(orders), str(qty), price_text(price, tick), "", "", style="green")
    return table


def _trade_table(book: Book, watched: Watched) -> Table:
    tick = _definition(book).tick
    table = Table(title="trades", expand=False)
    for name in ("time", "price", "lots", "aggressor"):
        table.add_column(name, justify="right")
    for trade in watched.trades:
        bought = trade.side == Side.BUY
        aggressor = {int(Side.BUY): "buy", int(Side.SELL): "sell"}.get(trade.side, "auction")
        table.add_row(
            time_text(trade.time_ns),
            price_text(trade.price, tick),
            str(trade.qty),
            aggressor,
            style="green" if bought else "red",
        )
    return table


def _health(watched: Watched, counts: HandlerCounts) -> Text:
    packets_a, packets_b = counts.packets
    return Text(
        f"line A {packets_a:,} packets, line B {packets_b:,}, gaps {counts.gaps},"
        f" snapshots {counts.snapshots}, updates {watched.update_count:,}",
        style="dim",
    )


def _definition(book: Book) -> InstrumentDefined:
    assert book.definition is not None
    return book.definition


async def watch(
    symbol: str,
    subscriber: Subscriber,
    seconds: float | None = None,
    console: Console | None = None,
) -> Watched:
    """Shows one contract until cancelled, or for `seconds`; what was seen.

    Raises UnknownSymbolError and NoFeedError.
    """
    console = console or Console()
    watched = Watched(symbol)
    async with subscriber:
        follow = asyncio.create_task(_follow(subscriber, watched))
        try:
            await _first_picture(subscriber, follow)
            _require_symbol(subscriber, symbol)
            await _show(subscriber, watched, follow, seconds, console)
        finally:
            follow.cancel()
            await asyncio.gather(follow, return_exceptions=True)
    return watched


async def _follow(subscriber: Subscriber, watched: Watched) -> None:
    async for update in subscriber:
        watched.update_count += 1
        book = subscriber.books.by_symbol.get(watched.symbol)
        if book is None:
            continue
        for message in update.messages:
            if isinstance(message, Trade) and message.instrument == book.instrument:
                watched.take(message)


async def _first_picture(subscriber: Subscriber, follow: asyncio.Task[None]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not subscriber.handler.counts.snapshots:
        if follow.done():
            follow.result()
        if time.monotonic() > deadline_s:
            raise NoFeedError(f"no market data within {_PATIENCE_S:.0f} s: is the venue running?")
        await asyncio.sleep(_REFRESH_S / 2)


def _require_symbol(subscriber: Subscriber, symbol: str) -> None:
    listed = sorted(subscriber.books.by_symbol)
    if symbol in listed:
        return
    near = difflib.get_close_matches(symbol.upper(), listed, n=5, cutoff=0.4) or listed[:5]
    raise UnknownSymbolError(f"{symbol} is not listed; for example {', '.join(near)}")


async def _show(
    subscriber: Subscriber,
    watched: Watched,
    follow: asyncio.Task[None],
    seconds: float | None,
    console: Console,
) -> None:
    ends_s = None if seconds is None else time.monotonic() + seconds
    terminal = console.is_terminal
    interval_s = _REFRESH_S if terminal else _LINE_S
    live = Live(console=console, auto_refresh=False, screen=False) if terminal else None
    with live or contextlib.nullcontext():
        while not follow.done():
            book = subscriber.books.by_symbol[watched.symbol]
            if live is not None:
                live.update(render(book, watched, subscriber.handler.counts), refresh=True)
            else:
                console.print(line_of(book, watched), highlight=False, soft_wrap=True)
                sys.stdout.flush()
            if ends_s is not None and time.monotonic() >= ends_s:
                return
            await asyncio.sleep(interval_s)
    follow.result()
