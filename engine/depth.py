"""The call of an auction: lots by price, what an uncross would give, and the layout of the book.

In a call both sides may stand at one price. The instrument's levels have two halves: buys keep
theirs, sells stand half a room higher, so that every buy is below every sell and all that queues,
finds best prices and asks "would it trade" works as ever. Beside the levels lie two Fenwick trees
of the lots of both sides, so an order changes and finds the auction's terms in the logarithm of the
ladder's length.

Source: specs/matching.md M-103 to M-111; docs/decisions/0103-auction-calls.md.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    call_at,
    depth_at,
    event_at,
    header_of,
    instrument_at,
    level_at,
    order_at,
    product_at,
)
from engine.emit import clear_event
from engine.flags import AUCTION_HIDDEN, AUCTION_MIN_SURPLUS
from engine.kernel import kernel
from engine.layout import ASK_NONE, STOP_NONE
from engine.limits import TIME_NS_MAX
from engine.moves import clear_moves
from engine.rest import level_above, level_below, move_levels
from engine.types import EventKind, Phase, Side


@kernel
def in_phases(phases, phase):
    """Whether a phase is of the set, one of the phase table's."""
    return phases >> np.int64(phase) & 1 != 0


@kernel
def enter_phase(book, number, phase, end_ns):
    """Write the phase of an instrument, and until when commands find it in continuous trading.

    Stops that an uncross has reached come in when it trades again (M-163).
    """
    instrument = instrument_at(book, number)
    call = call_at(book, number)
    call["phase"] = phase
    call["scheduled_end_ns"] = end_ns
    instrument["continuous_until_ns"] = -1
    header = header_of(book)
    if instrument["implied"] != 0:
        header["implied_stale"] = 1
    if phase == Phase.CONTINUOUS or phase == Phase.NONE:
        instrument["continuous_until_ns"] = end_ns if end_ns != 0 else TIME_NS_MAX
        if instrument["implied"] != 0:
            header["implied_cross"] = 1
        if instrument["stop_high"] != -STOP_NONE:
            header["stops_due"] += 1
            if header["stop_instrument"] == 0:
                header["stop_instrument"] = number


@kernel
def open_call(book, number):
    """Lay the book out for a call: sells move to the upper half, the trees are filled."""
    instrument = instrument_at(book, number)
    half = instrument["level_room"] >> 1
    if instrument["best_ask"] != ASK_NONE:
        ask = instrument["best_ask"]
        count = instrument["level_first"] + instrument["level_count"] - ask
        move_levels(book, ask, count, half)
        instrument["best_ask"] += half
    instrument["level_count"] += half
    call_at(book, number)["calling"] = 1
    fill_depth(book, number, instrument)
    clear_moves(book, number)


@kernel
def close_call(book, number):
    """Lay the book out for continuous trading again; it must not be crossed."""
    instrument = instrument_at(book, number)
    call = call_at(book, number)
    clear_depth(book, number, instrument)
    half = instrument["level_room"] >> 1
    instrument["level_count"] -= half
    if instrument["best_ask"] != ASK_NONE:
        assert instrument["best_ask"] - half > instrument["best_bid"], "crossed after an uncross"
        move_levels(book, instrument["level_first"] + half, instrument["level_count"], -half)
        instrument["best_ask"] -= half
    call["calling"] = 0
    call["price"] = 0
    call["qty"] = 0
    call["surplus"] = 0


@kernel
def tree_rows(instrument):
    """Rows of each tree of an instrument in a call: one a price, one beyond."""
    return instrument["level_count"] - (instrument["level_room"] >> 1) + 1


@kernel
def add_depth(book, number, side, level, lots):
    """Lots more (fewer: negative) at a level of the call.

    Row i of the sells' tree sums up to price i - 1, of the buys' tree up to price i - 2: at one row
    the two say what is offered at a price and what is bid below it.
    """
    instrument = instrument_at(book, number)
    call = call_at(book, number)
    tree = instrument["level_first"]
    row = np.int64(level) - tree + 2
    if side == Side.SELL:
        tree += instrument["level_room"] >> 1
        row = np.int64(level) - tree + 1
        call["sell_qty"] += lots
    else:
        call["buy_qty"] += lots
    rows = tree_rows(instrument)
    while row <= rows:
        depth_at(book, tree + row)["word"] += lots
        row += row & -row


@kernel
def level_lots(book, level):
    """Lots of all orders of a level, reserve included."""
    lots = 0
    index = level_at(book, level)["head"]
    while index != 0:
        order = order_at(book, index)
        lots += order["leaves_qty"]
        index = order["queue_next"]
    return lots


@kernel
def fill_depth(book, number, instrument):
    """Build the trees, which are empty, from the levels of a call."""
    level = instrument["best_bid"]
    while level >= instrument["level_first"]:
        add_depth(book, number, Side.BUY, level, level_lots(book, level))
        level = level_below(book, level)
    level = instrument["best_ask"]
    while level < instrument["level_first"] + instrument["level_count"]:
        add_depth(book, number, Side.SELL, level, level_lots(book, level))
        level = level_above(book, level)


@kernel
def clear_depth(book, number, instrument):
    """Empty the trees."""
    call = call_at(book, number)
    first = instrument["level_first"]
    half = instrument["level_room"] >> 1
    for row in range(1, tree_rows(instrument) + 1):
        depth_at(book, first + row)["word"] = 0
        depth_at(book, first + half + row)["word"] = 0
    call["buy_qty"] = 0
    call["sell_qty"] = 0


@kernel
def sum_to(book, tree, row):
    """Sum of a tree up to a row."""
    lots = 0
    while row > 0:
        lots += depth_at(book, tree + row)["word"]
        row -= row & -row
    return lots


@kernel
def last_below(book, buys, sells, rows, lots):
    """The last row up to which the trees (0: not this one) sum to less than `lots`; 0: none."""
    step = 1
    while 2 * step <= rows:
        step *= 2
    row = 0
    while step > 0:
        if row + step <= rows:
            held = 0
            if buys >= 0:
                held += depth_at(book, buys + row + step)["word"]
            if sells >= 0:
                held += depth_at(book, sells + row + step)["word"]
            if held < lots:
                lots -= held
                row += step
        step >>= 1
    return row


@kernel
def call_terms(book, number):
    """(price, lots, surplus) of an uncross now (M-105), surplus of buys positive; all 0: no cross.

    `turn` is the first price at which no more is bid than offered. Below it the volume is what is
    offered, from it on what is bid, so the prices of greatest volume are neighbours, `low` to
    `high`.
    """
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    call = call_at(book, number)
    rows = tree_rows(instrument)
    buys = instrument["level_first"]
    sells = buys + (instrument["level_room"] >> 1)
    bid_in_all = call["buy_qty"]
    turn = last_below(book, buys, sells, rows, bid_in_all)
    bid = bid_in_all - sum_to(book, buys, turn + 1)  # at turn
    offered = sum_to(book, sells, turn)  # below it
    lots = max(bid, offered)
    if lots == 0:
        return 0, 0, 0
    low = last_below(book, -1, sells, rows, lots)
    high = last_below(book, buys, -1, rows, bid_in_all - lots + 1) - 1
    if product["features"] & AUCTION_MIN_SURPLUS != 0:
        low, high = least_surplus(book, call, instrument, turn, low, high)
    wanted = (instrument["reference"] - instrument["base_price"]) // product["tick"]
    at = min(max(wanted, low), high)
    surplus = bid_in_all - sum_to(book, buys, at + 1) - sum_to(book, sells, at + 1)
    return instrument["base_price"] + at * product["tick"], lots, surplus


@kernel
def least_surplus(book, call, instrument, turn, low, high):
    """Of the prices of greatest volume `low` to `high` those of smallest surplus (M-105)."""
    rows = tree_rows(instrument)
    buys = instrument["level_first"]
    sells = buys + (instrument["level_room"] >> 1)
    bid_below = sum_to(book, buys, turn)  # below the price under turn
    bid = call["buy_qty"] - bid_below
    offered = sum_to(book, sells, turn + 1)  # at turn
    left_of_buys = bid - sum_to(book, sells, turn)
    left_of_sells = offered - (call["buy_qty"] - sum_to(book, buys, turn + 1))
    first = max(low, last_below(book, buys, -1, rows, bid_below))
    last = min(high, last_below(book, -1, sells, rows, offered + 1) - 1)
    if high < turn or (low < turn and left_of_buys < left_of_sells):
        return first, min(high, turn - 1)
    if low >= turn or left_of_sells < left_of_buys:
        return max(low, turn), last
    return first, last


@kernel
def indicate(book, at, command, number):
    """INDICATIVE if the terms of a call are others than were said last (M-108)."""
    call = call_at(book, number)
    if call["calling"] == 0:
        return at
    instrument = instrument_at(book, number)
    price, lots, surplus = call_terms(book, number)
    if product_at(book, instrument["product"])["features"] & AUCTION_HIDDEN != 0:
        lots = 0
        surplus = 0
    if call["price"] == price and call["qty"] == lots and call["surplus"] == surplus:
        return at
    call["price"] = price
    call["qty"] = lots
    call["surplus"] = surplus
    market_event(book, at, command, number, EventKind.INDICATIVE)
    event = event_at(book, at)
    event["price"] = price
    event["qty"] = lots
    event["leaves_qty"] = surplus
    return at + 1


@kernel
def market_event(book, at, command, number, kind):
    """A market fact of an instrument, all else 0."""
    instrument = instrument_at(book, number)
    event = event_at(book, at)
    clear_event(event, command, kind)
    event["instrument"] = number
    event["product"] = instrument["product"]
    event["trading_date"] = instrument["trading_date"]


@kernel
def leave_call(book, at, command, number, side, level, lots):
    """Lots have left a level of an instrument that is in a call or another quiet phase."""
    if call_at(book, number)["calling"] == 0:
        return at
    add_depth(book, number, side, level, -lots)
    return indicate(book, at, command, number)
