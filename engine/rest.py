"""Orders that rest: a price's queue, the best prices, the pool's rows, lists of live orders.

Source: specs/matching.md M-14, M-20, M-24.
"""

from __future__ import annotations

import numpy as np

from engine.bits import highest_set, lowest_set
from engine.book import ASK_NONE
from engine.kernel import kernel
from engine.types import Side, TimeInForce


@kernel
def set_level(book, level):
    """Mark a level as occupied in the three stages of the bitmap."""
    book.bits_0[level >> 6] |= 1 << (level & 63)
    book.bits_1[level >> 12] |= 1 << ((level >> 6) & 63)
    book.bits_2[level >> 18] |= 1 << ((level >> 12) & 63)


@kernel
def clear_level(book, level):
    """Mark a level as empty."""
    book.bits_0[level >> 6] &= ~(1 << (level & 63))
    if book.bits_0[level >> 6] == 0:
        book.bits_1[level >> 12] &= ~(1 << ((level >> 6) & 63))
        if book.bits_1[level >> 12] == 0:
            book.bits_2[level >> 18] &= ~(1 << ((level >> 12) & 63))


@kernel
def level_above(book, level):
    """The first occupied level above this one, of any instrument, or ASK_NONE."""
    at = level + 1
    word = at >> 6
    if word < book.bits_0.shape[0]:
        found = book.bits_0[word] & (-1 << (at & 63))
        if found != 0:
            return (word << 6) + lowest_set(found)
    at = word + 1
    word = at >> 6
    if word < book.bits_1.shape[0]:
        found = book.bits_1[word] & (-1 << (at & 63))
        if found != 0:
            word = (word << 6) + lowest_set(found)
            return (word << 6) + lowest_set(book.bits_0[word])
    at = word + 1
    word = at >> 6
    mask = -1 << (at & 63)
    while word < book.bits_2.shape[0]:
        found = book.bits_2[word] & mask
        if found != 0:
            word = (word << 6) + lowest_set(found)
            word = (word << 6) + lowest_set(book.bits_1[word])
            return (word << 6) + lowest_set(book.bits_0[word])
        mask = -1
        word += 1
    return ASK_NONE


@kernel
def level_below(book, level):
    """The first occupied level below this one, of any instrument, or -1."""
    at = level - 1
    if at < 0:
        return -1
    word = at >> 6
    found = book.bits_0[word] & ~((-1 << (at & 63)) << 1)
    if found != 0:
        return (word << 6) + highest_set(found)
    at = word - 1
    if at < 0:
        return -1
    word = at >> 6
    found = book.bits_1[word] & ~((-1 << (at & 63)) << 1)
    if found != 0:
        word = (word << 6) + highest_set(found)
        return (word << 6) + highest_set(book.bits_0[word])
    at = word - 1
    if at < 0:
        return -1
    word = at >> 6
    mask = ~((-1 << (at & 63)) << 1)
    while word >= 0:
        found = book.bits_2[word] & mask
        if found != 0:
            word = (word << 6) + highest_set(found)
            word = (word << 6) + highest_set(book.bits_1[word])
            return (word << 6) + highest_set(book.bits_0[word])
        mask = -1
        word -= 1
    return -1


@kernel
def queue_order(book, index, order, instrument):
    """Put an order at the back of its level's queue, with its next slice and a new public id."""
    header = book.header[0]
    header["public_count"] += 1
    order["public_id"] = header["public_count"]
    shown = order["leaves_qty"]
    if order["display_qty"] != 0:
        shown = min(shown, order["display_qty"])
    order["shown"] = shown
    level = np.int64(order["level"])
    queue = book.levels[level]
    tail = queue["tail"]
    order["queue_prev"] = tail
    order["queue_next"] = 0
    queue["tail"] = index
    if tail != 0:
        book.orders[tail]["queue_next"] = index
        return
    queue["head"] = index
    set_level(book, level)
    if order["side"] == Side.BUY:
        instrument["best_bid"] = max(instrument["best_bid"], level)
    else:
        instrument["best_ask"] = min(instrument["best_ask"], level)


@kernel
def unqueue_order(book, order, instrument):
    """Take an order out of its level's queue; its shown quantity becomes 0."""
    order["shown"] = 0
    level = np.int64(order["level"])
    prev_order = order["queue_prev"]
    next_order = order["queue_next"]
    queue = book.levels[level]
    if prev_order != 0:
        book.orders[prev_order]["queue_next"] = next_order
    else:
        queue["head"] = next_order
    if next_order != 0:
        book.orders[next_order]["queue_prev"] = prev_order
    else:
        queue["tail"] = prev_order
    if prev_order == 0 and next_order == 0:
        clear_level(book, level)
        if order["side"] == Side.BUY:
            if instrument["best_bid"] == level:
                best = level_below(book, level)
                if best < instrument["level_first"]:
                    best = -1
                instrument["best_bid"] = best
        elif instrument["best_ask"] == level:
            best = level_above(book, level)
            if best >= instrument["level_first"] + instrument["level_count"]:
                best = ASK_NONE
            instrument["best_ask"] = best


@kernel
def take_row(book):
    """A free row of the order pool; the caller knows that there is one."""
    header = book.header[0]
    index = header["order_free"]
    if index != 0:
        header["order_free"] = book.orders[index]["queue_next"]
        return index
    header["orders_used"] += 1
    assert header["orders_used"] <= header["orders_max"], "order pool"
    return header["orders_used"]


@kernel
def free_row(book, index):
    """Give a row of the order pool back."""
    header = book.header[0]
    order = book.orders[index]
    order["order_id"] = 0
    order["queue_next"] = header["order_free"]
    header["order_free"] = index


@kernel
def link_order(book, index, order):
    """Enter a new resting order into the lists and counts of live orders."""
    order["linked"] = 1
    book.header[0]["orders_live"] += 1
    book.members[order["member"]]["orders_live"] += 1
    book.accounts[order["account"]]["orders_live"] += 1
    link = book.links[index]
    link["own_next"] = 0
    risk = book.risks[order["risk"]]
    if order["side"] == Side.BUY:
        last = risk["buy_last"]
        risk["buy_last"] = index
        if last == 0:
            risk["buy_first"] = index
    else:
        last = risk["sell_last"]
        risk["sell_last"] = index
        if last == 0:
            risk["sell_first"] = index
    link["own_prev"] = last
    if last != 0:
        book.links[last]["own_next"] = index
    if order["time_in_force"] == TimeInForce.DAY and order["session"] < book.sessions.shape[0]:
        session = book.sessions[order["session"]]
        last = session["order_last"]
        link["session_next"] = 0
        link["session_prev"] = last
        session["order_last"] = index
        if last == 0:
            session["order_first"] = index
        else:
            book.links[last]["session_next"] = index


@kernel
def unlink_order(book, index, order):
    """Take an order out of the lists and counts of live orders."""
    order["linked"] = 0
    book.header[0]["orders_live"] -= 1
    book.members[order["member"]]["orders_live"] -= 1
    book.accounts[order["account"]]["orders_live"] -= 1
    link = book.links[index]
    prev_order = link["own_prev"]
    next_order = link["own_next"]
    risk = book.risks[order["risk"]]
    if prev_order != 0:
        book.links[prev_order]["own_next"] = next_order
    elif order["side"] == Side.BUY:
        risk["buy_first"] = next_order
    else:
        risk["sell_first"] = next_order
    if next_order != 0:
        book.links[next_order]["own_prev"] = prev_order
    elif order["side"] == Side.BUY:
        risk["buy_last"] = prev_order
    else:
        risk["sell_last"] = prev_order
    if order["time_in_force"] == TimeInForce.DAY and order["session"] < book.sessions.shape[0]:
        unlink_session(book, link, order["session"])


@kernel
def unlink_session(book, link, session_id):
    """Take an order out of its session's list."""
    prev_order = link["session_prev"]
    next_order = link["session_next"]
    session = book.sessions[session_id]
    if prev_order != 0:
        book.links[prev_order]["session_next"] = next_order
    else:
        session["order_first"] = next_order
    if next_order != 0:
        book.links[next_order]["session_prev"] = prev_order
    else:
        session["order_last"] = prev_order
