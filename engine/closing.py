"""Closing first: at a daily limit, orders that close yesterday's positions stand first in a queue.

Of each limit and side the instrument remembers the last such order, so that the next one finds its
place at once, however long the queue of a locked market is. Only orders of that bucket come here.

Source: specs/matching.md M-213.
"""

from __future__ import annotations

import numpy as np

from engine.book import call_at, level_at, order_at, product_at
from engine.flags import CLOSING_FIRST
from engine.kernel import kernel
from engine.types import Side


@kernel
def stands_first(book, order, instrument):
    """Whether an order that closes yesterday's position goes before those that do not."""
    if order["price"] != instrument["high"] and order["price"] != instrument["low"]:
        return False
    return product_at(book, order["product"])["features"] & CLOSING_FIRST != 0


@kernel
def last_closing(book, order, instrument):
    """The last closing order of the order's queue, 0: none."""
    call = call_at(book, order["instrument"])
    buys = order["side"] == Side.BUY
    if order["price"] == instrument["high"]:
        return np.int64(call["closing_high_buy"] if buys else call["closing_high_sell"])
    return np.int64(call["closing_low_buy"] if buys else call["closing_low_sell"])


@kernel
def note_closing(book, order, instrument, index):
    """Remember orders[index] as the last closing one of the order's queue."""
    call = call_at(book, order["instrument"])
    buys = order["side"] == Side.BUY
    if order["price"] == instrument["high"]:
        if buys:
            call["closing_high_buy"] = index
        else:
            call["closing_high_sell"] = index
    elif buys:
        call["closing_low_buy"] = index
    else:
        call["closing_low_sell"] = index


@kernel
def go_ahead(book, index, order, instrument):
    """An order at the back of its queue moves behind the closing ones, before all others."""
    if not stands_first(book, order, instrument):
        return
    last = last_closing(book, order, instrument)
    note_closing(book, order, instrument, index)
    before = np.int64(order["queue_prev"])
    if before == last:
        return
    queue = level_at(book, order["level"])
    queue["tail"] = before
    order_at(book, before)["queue_next"] = 0
    follower = np.int64(queue["head"])
    if last == 0:
        queue["head"] = index
    else:
        follower = np.int64(order_at(book, last)["queue_next"])
        order_at(book, last)["queue_next"] = index
    order["queue_prev"] = last
    order["queue_next"] = follower
    order_at(book, follower)["queue_prev"] = index


@kernel
def leave_ahead(book, order, instrument):
    """A closing order is about to leave its queue: the one before it may be the last one now."""
    if not stands_first(book, order, instrument):
        return
    last = last_closing(book, order, instrument)
    if last != 0 and order_at(book, last)["order_id"] == order["order_id"]:
        note_closing(book, order, instrument, np.int64(order["queue_prev"]))
