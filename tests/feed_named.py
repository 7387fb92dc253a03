"""A random market whose instruments have symbols of their own, and a feed that publishes it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from engine.reference import INSTRUMENT, PRODUCT
from feed.books import Books
from feed.handler import Update
from feed.market_view import MarketView
from feed.messages import MarketMessage, MessageFlag
from specs.venue import FeedConfig
from tests import naive_words as w
from tests.feed_market import Market
from tests.feed_rig import FeedProcess, feed_process

SYMBOLS = {1: "SITB2612", 2: "SIT+B/27#01", 3: "SITS2612"}  # as awkward as names may be
CODES = {1: "SITB", 2: "SITS"}
PRODUCTS = {1: "SITB", 2: "SITB", 3: "SITS"}  # codes by instrument
SESSION = 7


class NamedMarket(Market):
    """A market of SYMBOLS."""

    def _apply(self, commands: list[dict]) -> np.ndarray:
        for one in commands:
            if one["kind"] == w.DEFINE_PRODUCT:
                row = np.frombuffer(one["blob"], PRODUCT).copy()
                row["code"] = CODES[int(row["product"][0])].encode()
                one["blob"] = row.tobytes()
            if one["kind"] == w.DEFINE_INSTRUMENT:
                row = np.frombuffer(one["blob"], INSTRUMENT).copy()
                row["symbol"] = SYMBOLS[int(row["instrument"][0])].encode()
                one["blob"] = row.tobytes()
        return super()._apply(commands)


def updates_of(messages: list[MarketMessage], first: int = 1) -> list[Update]:
    """The updates that messages from number `first` on make."""
    updates: list[Update] = []
    opened: list[MarketMessage] = []
    for sequence, message in enumerate(messages, first):
        opened.append(message)
        if message.flags & MessageFlag.END_OF_EVENT:
            updates.append(Update(sequence - len(opened) + 1, opened, False))
            opened = []
    return updates


class Followed:
    """A view that takes a market update by update, without sockets."""

    def __init__(self, market: Market, **options: int) -> None:
        self.view = MarketView(**options)
        self.books = Books()
        self.updates = updates_of(market.messages())
        self.done = 0
        self.view.take(Update(0, [], True), self.books, SESSION)

    def step(self, count: int) -> list[Update]:
        """Takes so many updates, or what is left."""
        taken = self.updates[self.done : self.done + count]
        for update in taken:
            for message in update.messages:
                self.books.apply(message)
            self.view.take(update, self.books, SESSION)
        self.done += len(taken)
        return taken


def feed_config(feed: FeedProcess) -> FeedConfig:
    """What venue.toml would say of this feed."""
    return feed.config()


def feed_overrides(feed: FeedProcess) -> list[str]:
    """The same as arguments of `--set`."""
    a, b = feed.lines
    return [
        f"feed.line_a.port={a.port}",
        f"feed.line_b.port={b.port}",
        f"feed.recovery_port={feed.recovery[1]}",
    ]


@asynccontextmanager
async def named_feed(data_dir: Path, seed: int, count: int):
    """A feed of a NamedMarket, told of nothing yet."""
    async with feed_process(data_dir, NamedMarket(seed, count)) as feed:
        yield feed
