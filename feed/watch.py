"""What `sitex watch SYMBOL` does: one contract, live, from the public feed.

A subscriber like any other. With a terminal it fills the screen (feed/watch_screen.py) and takes
keys, without one it prints a line a second.
"""

from __future__ import annotations

import asyncio
import contextlib
import difflib
import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live

from feed.books import Book
from feed.drawing import price_text
from feed.market_view import Follower, MarketView, is_listed
from feed.watch_screen import Feed, definition_of, phase_of, render

_REFRESH_S = 0.1
_LINE_S = 1.0
_PATIENCE_S = 10.0
_QUIT, _NEXT, _BEFORE = (b"q", b"\x03"), (b"\x1b[C", b"n"), (b"\x1b[D", b"p")


class UnknownSymbolError(Exception):
    """The venue lists no such contract; the text says what it lists."""


class NoFeedError(Exception):
    """Neither lines nor recovery service gave a picture in time."""


@dataclass
class Watched:
    """One contract as it is watched."""

    symbol: str
    view: MarketView
    ended: bool = False  # by a key

    def press(self, keys: bytes) -> None:
        """What the keyboard says: the next contract of the product, the one before, or the end."""
        if keys.startswith(_QUIT):
            self.ended = True
        elif keys.startswith(_NEXT):
            self._move(1)
        elif keys.startswith(_BEFORE):
            self._move(-1)

    def _move(self, step: int) -> None:
        by_symbol = self.view.by_symbol
        product = definition_of(by_symbol[self.symbol]).product
        months = sorted(
            (definition.last_trading_date, symbol)
            for symbol, book in by_symbol.items()
            if (definition := book.definition) is not None
            and definition.product == product
            and (is_listed(book) or symbol == self.symbol)
        )
        names = [symbol for _, symbol in months]
        self.symbol = names[(names.index(self.symbol) + step) % len(names)]


def line_of(book: Book) -> str:
    """The contract in one line: best bid and ask, phase, last trade, volume."""
    definition = definition_of(book)
    bid, ask = book.bids.best(), book.asks.best()
    tick = definition.tick
    parts = [definition.symbol]
    parts.append(f"bid {bid[1]}@{price_text(bid[0], tick)}" if bid else "bid -")
    parts.append(f"ask {ask[1]}@{price_text(ask[0], tick)}" if ask else "ask -")
    statistics = book.statistics
    last = price_text(statistics.last, tick) if statistics.last_trade_id else "-"
    parts.append(phase_of(book))
    parts.append(f"last {last} volume {statistics.volume} trades {statistics.trades}")
    parts.append(f"orders {book.order_count}")
    return "  ".join(parts)


async def watch(
    symbol: str,
    follower: Follower,
    seconds: float | None = None,
    console: Console | None = None,
) -> Watched:
    """Shows one contract until cancelled, or for `seconds`; what was seen.

    Raises UnknownSymbolError and NoFeedError.
    """
    console = console or Console()
    watched = Watched(symbol, follower.view)
    async with follower.subscriber as subscriber:
        follow = asyncio.create_task(subscriber.run())
        try:
            await _first_picture(follower, follow)
            _require_symbol(follower.view, symbol)
            await _show(follower, watched, follow, seconds, console)
        finally:
            follow.cancel()
            await asyncio.gather(follow, return_exceptions=True)
    return watched


async def _first_picture(follower: Follower, follow: asyncio.Task[None]) -> None:
    deadline_s = time.monotonic() + _PATIENCE_S
    while not follower.view.session:
        if follow.done():
            follow.result()
        if time.monotonic() > deadline_s:
            raise NoFeedError(f"no market data within {_PATIENCE_S:.0f} s: is the venue running?")
        await asyncio.sleep(_REFRESH_S / 2)


def _require_symbol(view: MarketView, symbol: str) -> None:
    listed = sorted(view.by_symbol)
    if symbol in listed:
        return
    near = difflib.get_close_matches(symbol.upper(), listed, n=5, cutoff=0.4) or listed[:5]
    raise UnknownSymbolError(f"{symbol} is not listed; for example {', '.join(near)}")


async def _show(
    follower: Follower,
    watched: Watched,
    follow: asyncio.Task[None],
    seconds: float | None,
    console: Console,
) -> None:
    handler = follower.subscriber.handler
    ends_s = None if seconds is None else time.monotonic() + seconds
    if console.is_terminal:
        with _keys(watched) as keys, Live(console=console, auto_refresh=False, screen=True) as live:
            while not follow.done() and not watched.ended:
                feed = Feed(follower.state().state, handler.counts, watched.view.sequence)
                screen = render(watched.view, watched.symbol, feed, *console.size, keys)
                live.update(screen, refresh=True)
                if ends_s is not None and time.monotonic() >= ends_s:
                    return
                await asyncio.sleep(_REFRESH_S)
    while not follow.done() and not watched.ended:
        line = line_of(watched.view.by_symbol[watched.symbol])
        console.print(line, highlight=False, soft_wrap=True)
        sys.stdout.flush()
        if ends_s is not None and time.monotonic() >= ends_s:
            return
        await asyncio.sleep(_LINE_S)
    if follow.done():
        follow.result()


@contextlib.contextmanager
def _keys(watched: Watched) -> Iterator[bool]:
    """Keys go to `watched`, unseen and at once; False where there is no keyboard."""
    if not sys.stdin.isatty():
        yield False
        return
    import termios
    import tty

    keyboard, loop = sys.stdin.fileno(), asyncio.get_running_loop()
    before = termios.tcgetattr(keyboard)
    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, lambda: watched.press(os.read(keyboard, 64)))
    try:
        yield True
    finally:
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
