"""The table of the last trades: a row written for each, found again when one is busted.

Source: specs/matching.md M-217; docs/decisions/0107-busts-and-blocks.md.
"""

from __future__ import annotations

import numpy as np

from engine.bits import prefetch
from engine.book import header_of, trade_at, trade_side_at
from engine.kernel import kernel
from engine.limits import ID_COUNT_MASK, TRADES_AHEAD
from engine.trade_rows import TradeState


@kernel
def remember_trade(book, at, command, first, second, price, qty):
    """Remember the trade just counted, whose rows go to events at and at + 1.

    first, second: the rows of the orders, in the order of their events.
    """
    number = first["instrument"]
    open_trade(book, at, command["time_ns"], number, price, qty)["state"] = TradeState.STANDS
    note_side(trade_side(book, 0), first)
    note_side(trade_side(book, 1), second)


@kernel
def open_trade(book, at, time_ns, number, price, qty):
    """The row of the trade just counted, its state yet to be written."""
    header = header_of(book)
    mask = header["trades_rows"] - 1
    ahead = (header["trade_count"] + TRADES_AHEAD) & mask
    prefetch(trade_at(book, ahead))
    prefetch(trade_side_at(book, 2 * ahead))
    trade = trade_at(book, header["trade_count"] & mask)
    trade["time_ns"] = time_ns
    trade["price"] = price
    trade["event"] = header["event_count"] + at + 1
    trade["qty"] = qty
    trade["instrument"] = number
    return trade


@kernel
def trade_side(book, place):
    """The row of side 0 or 1 of the trade just counted."""
    header = header_of(book)
    slot = header["trade_count"] & (header["trades_rows"] - 1)
    return trade_side_at(book, 2 * slot + place)


@kernel
def skip_trade(book):
    """The trade just counted, one of three orders, is not remembered (M-243)."""
    header = header_of(book)
    trade_at(book, header["trade_count"] & (header["trades_rows"] - 1))["state"] = TradeState.NONE


@kernel
def note_side(side, order):
    """One order's part of a trade."""
    side["order_id"] = order["order_id"]
    side["account"] = order["account"]
    side["request"] = order["request"]
    side["session"] = order["session"]
    side["side"] = order["side"]
    side["bucket"] = order["bucket"]
    side["ord_type"] = order["ord_type"]
    side["time_in_force"] = order["time_in_force"]


@kernel
def trade_slot(book, trade_id):
    """Where the table has the trade of an id, -1 where it has none of this venue day."""
    header = header_of(book)
    number = np.int64(trade_id) & ID_COUNT_MASK
    oldest = max(header["trades_from"], header["trade_count"] - header["trades_rows"]) + 1
    if number < oldest or number > header["trade_count"]:
        return -1
    slot = number & (header["trades_rows"] - 1)
    return -1 if trade_at(book, slot)["state"] == TradeState.NONE else slot
