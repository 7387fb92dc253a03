"""Orders that rest: a price's queue, the best prices, the pool's rows, lists of live orders.

Source: specs/matching.md M-14, M-20, M-24, M-213.
"""

from __future__ import annotations

import numpy as np

from engine.bits import highest_set, lowest_set
from engine.book import (
    account_at,
    bits_0_at,
    bits_1_at,
    bits_2_at,
    free_at,
    header_of,
    level_at,
    member_at,
    order_at,
    risk_at,
)
from engine.closing import go_ahead, leave_ahead
from engine.kernel import kernel
from engine.layout import ASK_NONE, Bucket
from engine.types import Side


@kernel
def set_level(book, level):
    """Mark a level as occupied in the three stages of the bitmap."""
    level = np.int64(level)
    bits_0_at(book, level >> 6)["word"] |= 1 << (level & 63)
    bits_1_at(book, level >> 12)["word"] |= 1 << ((level >> 6) & 63)
    bits_2_at(book, level >> 18)["word"] |= 1 << ((level >> 12) & 63)


@kernel
def clear_level(book, level):
    """Mark a level as empty."""
    level = np.int64(level)
    bits_0_at(book, level >> 6)["word"] &= ~(1 << (level & 63))
    if bits_0_at(book, level >> 6)["word"] == 0:
        bits_1_at(book, level >> 12)["word"] &= ~(1 << ((level >> 6) & 63))
        if bits_1_at(book, level >> 12)["word"] == 0:
            bits_2_at(book, level >> 18)["word"] &= ~(1 << ((level >> 12) & 63))


@kernel
def level_above(book, level):
    """The first occupied level above this one, of any instrument, or ASK_NONE."""
    at = np.int64(level) + 1
    word = at >> 6
    if word < header_of(book)["bits_0_rows"]:
        found = bits_0_at(book, word)["word"] & (-1 << (at & 63))
        if found != 0:
            return (word << 6) + lowest_set(found)
    at = word + 1
    word = at >> 6
    if word < header_of(book)["bits_1_rows"]:
        found = bits_1_at(book, word)["word"] & (-1 << (at & 63))
        if found != 0:
            word = (word << 6) + lowest_set(found)
            return (word << 6) + lowest_set(bits_0_at(book, word)["word"])
    at = word + 1
    word = at >> 6
    mask = -1 << (at & 63)
    while word < header_of(book)["bits_2_rows"]:
        found = bits_2_at(book, word)["word"] & mask
        if found != 0:
            word = (word << 6) + lowest_set(found)
            word = (word << 6) + lowest_set(bits_1_at(book, word)["word"])
            return (word << 6) + lowest_set(bits_0_at(book, word)["word"])
        mask = -1
        word += 1
    return ASK_NONE


@kernel
def level_below(book, level):
    """The first occupied level below this one, of any instrument, or -1."""
    at = np.int64(level) - 1
    if at < 0:
        return -1
    word = at >> 6
    found = bits_0_at(book, word)["word"] & ~((-1 << (at & 63)) << 1)
    if found != 0:
        return (word << 6) + highest_set(found)
    at = word - 1
    if at < 0:
        return -1
    word = at >> 6
    found = bits_1_at(book, word)["word"] & ~((-1 << (at & 63)) << 1)
    if found != 0:
        word = (word << 6) + highest_set(found)
        return (word << 6) + highest_set(bits_0_at(book, word)["word"])
    at = word - 1
    if at < 0:
        return -1
    word = at >> 6
    mask = ~((-1 << (at & 63)) << 1)
    while word >= 0:
        found = bits_2_at(book, word)["word"] & mask
        if found != 0:
            word = (word << 6) + highest_set(found)
            word = (word << 6) + highest_set(bits_1_at(book, word)["word"])
            return (word << 6) + highest_set(bits_0_at(book, word)["word"])
        mask = -1
        word -= 1
    return -1


@kernel
def slice_of(leaves, display_qty):
    """What the book shows of an order (M-24)."""
    if display_qty == 0:
        return leaves
    return min(leaves, display_qty)


@kernel
def show_order(book, order):
    """The order's next slice, with a new public id."""
    header = header_of(book)
    header["public_count"] += 1
    order["public_id"] = header["public_count"]
    order["shown"] = slice_of(order["leaves_qty"], order["display_qty"])


@kernel
def queue_order(book, index, order, instrument):
    """Put an order at the back of its level's queue, with its next slice and a new public id."""
    show_order(book, order)
    join_queue(book, index, order, instrument)


@kernel
def join_queue(book, index, order, instrument):
    """Put an order at the back of its level's queue, or where it stands first (M-213)."""
    level = np.int64(order["level"])
    queue = level_at(book, level)
    tail = queue["tail"]
    order["queue_prev"] = tail
    order["queue_next"] = 0
    queue["tail"] = index
    if tail != 0:
        order_at(book, tail)["queue_next"] = index
    else:
        queue["head"] = index
        set_level(book, level)
        if order["side"] == Side.BUY:
            instrument["best_bid"] = max(instrument["best_bid"], level)
        else:
            instrument["best_ask"] = min(instrument["best_ask"], level)
    if order["bucket"] == Bucket.CLOSE_YESTERDAY:
        go_ahead(book, index, order, instrument)


@kernel
def unqueue_order(book, order, instrument):
    """Take an order out of its level's queue; its shown quantity becomes 0."""
    if order["bucket"] == Bucket.CLOSE_YESTERDAY:
        leave_ahead(book, order, instrument)
    order["shown"] = 0
    level = np.int64(order["level"])
    prev_order = order["queue_prev"]
    next_order = order["queue_next"]
    queue = level_at(book, level)
    if prev_order != 0:
        order_at(book, prev_order)["queue_next"] = next_order
    else:
        queue["head"] = next_order
    if next_order != 0:
        order_at(book, next_order)["queue_prev"] = prev_order
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
    header = header_of(book)
    count = header["free_count"]
    if count != 0:
        header["free_count"] = count - 1
        return np.int64(free_at(book, count)["row"])
    header["orders_used"] += 1
    assert header["orders_used"] <= header["orders_max"], "order pool"
    return header["orders_used"]


@kernel
def free_row(book, index):
    """Give a row of the order pool back."""
    header = header_of(book)
    order_at(book, index)["order_id"] = 0
    header["free_count"] += 1
    free_at(book, header["free_count"])["row"] = index


@kernel
def link_order(book, index, order):
    """Enter a new resting order into the lists and counts of live orders."""
    order["linked"] = 1
    header_of(book)["orders_live"] += 1
    member_at(book, order["member"])["orders_live"] += 1
    account_at(book, order["account"])["orders_live"] += 1
    order["own_next"] = 0
    risk = risk_at(book, order["risk"])
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
    order["own_prev"] = last
    if last != 0:
        order_at(book, last)["own_next"] = index


@kernel
def unlink_order(book, index, order):
    """Take an order out of the lists and counts of live orders."""
    order["linked"] = 0
    header_of(book)["orders_live"] -= 1
    member_at(book, order["member"])["orders_live"] -= 1
    account_at(book, order["account"])["orders_live"] -= 1
    prev_order = order["own_prev"]
    next_order = order["own_next"]
    risk = risk_at(book, order["risk"])
    if prev_order != 0:
        order_at(book, prev_order)["own_next"] = next_order
    elif order["side"] == Side.BUY:
        risk["buy_first"] = next_order
    else:
        risk["sell_first"] = next_order
    if next_order != 0:
        order_at(book, next_order)["own_prev"] = prev_order
    elif order["side"] == Side.BUY:
        risk["buy_last"] = prev_order
    else:
        risk["sell_last"] = prev_order


@kernel
def move_level(book, level, target):
    """Move a queue to another level, which is empty."""
    index = level_at(book, level)["head"]
    level_at(book, target)["head"] = index
    level_at(book, target)["tail"] = level_at(book, level)["tail"]
    level_at(book, level)["head"] = 0
    level_at(book, level)["tail"] = 0
    clear_level(book, level)
    set_level(book, target)
    while index != 0:
        order_at(book, index)["level"] = target
        index = order_at(book, index)["queue_next"]


@kernel
def move_levels(book, first, count, shift):
    """Move the queues of levels first to first + count - 1 by `shift` levels."""
    if shift < 0:
        level = level_above(book, first - 1)
        while level < first + count:
            move_level(book, level, level + shift)
            level = level_above(book, level)
    elif shift > 0:
        level = level_below(book, first + count)
        while level >= first:
            move_level(book, level, level + shift)
            level = level_below(book, level)
