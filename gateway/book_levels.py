"""Price levels of one book as they are shown: what members without multicast are told.

Lots that an iceberg holds back, orders of a call that hides them and implied prices are not in it.

Source: specs/order_entry.md O-141; market_data.md F-25, F-27.
"""

from __future__ import annotations

import numpy as np

from engine.book import instrument_at, level_at, open_book, order_at
from engine.kernel import kernel
from engine.layout import ASK_NONE
from engine.machine import Engine
from engine.rest import level_above, level_below
from engine.types import EVENT

_NO_EVENTS = np.zeros(0, EVENT)


def shown_levels(engine: Engine, instrument: int, rows: np.ndarray) -> tuple[int, int]:
    """Write the best levels of both sides to `rows`; returns how many (bids, asks).

    rows: int64[2 * n, 3] of (price 1e-9, lots shown, orders): bids from row 0, asks from row n on,
    best first, at most n of each.
    """
    bids, asks = fill_shown(engine.arena, engine.requests, _NO_EVENTS, instrument, rows)
    return int(bids), int(asks)


@kernel
def fill_shown(arena, requests, events, number, rows):
    """As shown_levels. A level of which nothing is shown is none."""
    book = open_book(arena, requests, events)
    instrument = instrument_at(book, number)
    bids = 0
    asks = 0
    if instrument["defined"] == 0:
        return bids, asks
    room = rows.shape[0] // 2
    level = instrument["best_bid"]
    while level >= instrument["level_first"] and bids < room:
        bids += put_shown(book, level, rows, bids)
        level = level_below(book, level)
    level = instrument["best_ask"]
    end = instrument["level_first"] + instrument["level_count"]
    while level != ASK_NONE and level < end and asks < room:
        asks += put_shown(book, level, rows, room + asks)
        level = level_above(book, level)
    return bids, asks


@kernel
def put_shown(book, level, rows, at):
    """Write what a level shows to a row; returns 1, or 0 where it shows nothing."""
    index = np.int64(level_at(book, level)["head"])
    lots = 0
    orders = 0
    price = 0
    while index != 0:
        order = order_at(book, index)
        if order["shown"] != 0:
            price = order["price"]
            lots += order["shown"]
            orders += 1
        index = np.int64(order["queue_next"])
    if orders == 0:
        return 0
    rows[at, 0] = price
    rows[at, 1] = lots
    rows[at, 2] = orders
    return 1
