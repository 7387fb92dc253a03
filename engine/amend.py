"""Busts and corrections of trades: positions, the day's sums, what living orders have traded.

All that is moved comes from the table of trades; a command adds a new price and, for the reports of
orders that are gone, what their last events told. No order comes back to work, and nothing that
followed from the trade is undone.

Source: specs/matching.md M-217 to M-221; docs/decisions/0107-busts-and-blocks.md.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    account_at,
    event_at,
    header_of,
    instrument_at,
    order_at,
    product_at,
    risk_at,
    trade_at,
    trade_side_at,
)
from engine.define import blob_lies
from engine.emit import clear_event, living_status, notify, order_event
from engine.kernel import codec_kernel, kernel
from engine.layout import Bucket
from engine.limits import ID_COUNT_MASK, QTY_MAX, SUM_MAX
from engine.positions import move_position
from engine.settle import amend_trade
from engine.spreads import move_legs
from engine.trade_rows import AMENDMENT, ORDER_SUMS, SUMS_AT, TradeState
from engine.trades import trade_slot
from engine.types import CommandKind, EventKind, OrdStatus, Side
from specs.rejects import Reject

_AMENDMENT_BYTES = AMENDMENT.itemsize


@codec_kernel
def amend(book, at, command, blobs):
    """BUST_TRADE, CORRECT_TRADE: two rows, or TRADE_KEPT; ignored with another blob."""
    if not blob_lies(command, blobs, _AMENDMENT_BYTES):
        return at
    first = np.int64(command["blob_offset"])
    asked = blobs[first : first + _AMENDMENT_BYTES].view(AMENDMENT)[0]
    sums = blobs[first + SUMS_AT : first + _AMENDMENT_BYTES].view(ORDER_SUMS)
    slot = trade_slot(book, asked["trade_id"])
    reason = why_kept(book, command, asked, slot)
    if reason != Reject.NONE:
        keep_trade(event_at(book, at), command, asked, reason)
        return at + 1
    trade = trade_at(book, slot)
    instrument = instrument_at(book, trade["instrument"])
    product = product_at(book, instrument["product"])
    is_block = trade["state"] == TradeState.BLOCK
    before = trade["price"]
    told = trade["event"]
    lots = 0
    less = before
    if command["kind"] == CommandKind.BUST_TRADE:
        trade["state"] = TradeState.BUSTED
        lots = np.int64(trade["qty"])
    else:
        trade["price"] = asked["price"]
        less -= trade["price"]
    value_ticks = less // product["tick"] * trade["qty"]
    if is_block:
        instrument["block_volume"] -= lots
        instrument["block_ticks"] -= value_ticks
    else:
        instrument["volume"] -= lots
        instrument["value_ticks"] -= value_ticks
        amend_trade(book, np.int64(trade["instrument"]), trade["time_ns"], lots, value_ticks)
    trade["event"] = header_of(book)["event_count"] + at + 1
    for place in range(2):
        event = event_at(book, at + place)
        side = trade_side_at(book, 2 * slot + place)
        amend_side(book, event, command, trade, side, sums[place], before, lots)
        event["trade_id"] = asked["trade_id"]
        event["public_id"] = told + place
    return at + 2


@kernel
def why_kept(book, command, asked, slot):
    """Why a trade is neither busted nor corrected (M-218); 0: it is."""
    if slot < 0:
        return Reject.UNKNOWN_TRADE
    trade = trade_at(book, slot)
    instrument = instrument_at(book, trade["instrument"])
    product = product_at(book, instrument["product"])
    number = asked["trade_id"] & ID_COUNT_MASK
    if asked["trade_id"] - number != product["shard_bits"]:
        return Reject.UNKNOWN_TRADE
    if trade["state"] == TradeState.BUSTED:
        return Reject.TRADE_GONE
    if number <= instrument["trade_floor"]:
        return Reject.TRADE_TOO_OLD
    if command["time_ns"] - trade["time_ns"] >= product["bust_ns"]:
        return Reject.TRADE_TOO_OLD
    if command["kind"] == CommandKind.CORRECT_TRADE:
        price = asked["price"]
        if price == trade["price"] or price % product["tick"] != 0:
            return Reject.TRADE_PRICE_INVALID
        if price < instrument["low"] or price > instrument["high"]:
            return Reject.TRADE_PRICE_INVALID
    return Reject.NONE


@kernel
def keep_trade(event, command, asked, reason):
    """TRADE_KEPT: the trade stays as it is."""
    clear_event(event, command, EventKind.TRADE_KEPT)
    event["trade_id"] = asked["trade_id"]
    event["price"] = asked["price"]
    event["reason"] = reason


@kernel
def amend_side(book, event, command, trade, side, sums, before, lots):
    """One side's row: its position and, where its order lives, what that has traded (M-219).

    before: the price that holds no more; lots: of a bust those taken back, else 0.
    """
    kind = EventKind.TRADE_CORRECTED
    value = (trade["price"] - before) * trade["qty"]
    if lots != 0:
        kind = EventKind.TRADE_BUSTED
        value = -before * lots
        account = np.int64(side["account"])
        number = np.int64(trade["instrument"])
        if side["bucket"] == Bucket.SPREAD:
            move_legs(book, account, number, side["side"], -lots)
        else:
            index = account * header_of(book)["risk_stride"] + number
            move_position(risk_at(book, index), side, -lots)
    instrument = instrument_at(book, trade["instrument"])
    index = find_living(book, trade, side)
    if index != 0:
        order = order_at(book, index)
        order["cum_qty"] -= lots
        order["cum_value"] += value
        order_event(event, command, instrument, order, kind, living_status(order))
    else:
        member = account_at(book, side["account"])["member"]
        gone_event(event, command, trade, side, member, instrument, kind)
        tell_sums(event, sums, trade, before, lots, value)
    notify(event, command, side, trade["qty"], 0)
    event["price"] = trade["price"]
    event["display_qty"] = before


@kernel
def find_living(book, trade, side):
    """Pool row of a side's order among the account's living ones, 0: it is gone."""
    row = np.int64(side["account"]) * header_of(book)["risk_stride"] + trade["instrument"]
    risk = risk_at(book, row)
    index = np.int64(risk["buy_first"] if side["side"] == Side.BUY else risk["sell_first"])
    while index != 0 and order_at(book, index)["order_id"] != side["order_id"]:
        index = np.int64(order_at(book, index)["own_next"])
    return index


@kernel
def gone_event(event, command, trade, side, member, instrument, kind):
    """The row of an order that lives no more."""
    clear_event(event, command, kind)
    event["order_id"] = side["order_id"]
    event["order_request"] = side["request"]
    event["account"] = side["account"]
    event["instrument"] = trade["instrument"]
    event["trading_date"] = instrument["trading_date"]
    event["member"] = member
    event["product"] = instrument["product"]
    event["side"] = side["side"]
    event["ord_type"] = side["ord_type"]
    event["time_in_force"] = side["time_in_force"]


@kernel
def tell_sums(event, sums, trade, before, lots, value):
    """What a gone order came to, as the command tells; of the trade alone where it cannot be."""
    qty = np.int64(trade["qty"])
    order_qty = sums["order_qty"]
    cum_qty = sums["cum_qty"]
    cum_value = sums["cum_value"]
    sound = qty <= cum_qty and cum_qty <= order_qty and order_qty <= QTY_MAX
    if not sound or cum_value < -SUM_MAX or cum_value > SUM_MAX:
        order_qty = qty
        cum_qty = qty
        cum_value = before * qty
    event["order_qty"] = order_qty
    event["cum_qty"] = cum_qty - lots
    event["cum_value"] = cum_value + value
    event["ord_status"] = OrdStatus.CANCELED
    if cum_qty - lots == order_qty:
        event["ord_status"] = OrdStatus.FILLED
