"""The uncross of a call: one price, price-time on both sides, two event rows a trade.

Source: specs/matching.md M-105 to M-107, M-109, M-110, M-112.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    account_at,
    event_at,
    header_of,
    instrument_at,
    level_at,
    order_at,
    product_at,
    risk_at,
)
from engine.depth import level_lots
from engine.emit import living_status, notify, order_event
from engine.flags import AUCTION, AUCTION_HIDDEN
from engine.kernel import kernel
from engine.layout import Bucket
from engine.limits import SUM_MAX
from engine.match import fill
from engine.positions import move_position
from engine.quote_fills import note_fill
from engine.rest import (
    free_row,
    level_above,
    level_below,
    show_order,
    slice_of,
    unlink_order,
    unqueue_order,
)
from engine.risk import add_open
from engine.settle import note_trade
from engine.spreads import report_legs
from engine.stops import note_print
from engine.trades import remember_trade
from engine.types import EventKind, OrdStatus

TRADE_ROWS = 2
SPREAD_TRADE_ROWS = 6


@kernel
def check_uncross(book, number, price, lots, surplus):
    """Whether the orders themselves add up to what the trees say would trade (M-112).

    Counted order by order: buys at the price or above, sells at it or below.
    """
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    if lots == 0:
        half = instrument["level_room"] >> 1
        return instrument["best_ask"] - half > instrument["best_bid"]
    at = instrument["level_first"] + (price - instrument["base_price"]) // product["tick"]
    bid = 0
    level = instrument["best_bid"]
    while level >= at:
        bid += level_lots(book, level)
        level = level_below(book, level)
    offered = 0
    level = instrument["best_ask"]
    while level <= at + (instrument["level_room"] >> 1):
        offered += level_lots(book, level)
        level = level_above(book, level)
    return min(bid, offered) == lots and bid - offered == surplus


@kernel
def uncross(book, at, command, number):
    """Trade what the header says is left of the volume, as far as event rows go."""
    header = header_of(book)
    instrument = instrument_at(book, number)
    rows = TRADE_ROWS
    if instrument["spread"] != 0:
        rows = SPREAD_TRADE_ROWS
    while header["work_count"] > 0:
        if header["events_rows"] - at < rows:
            return at
        bid = np.int64(level_at(book, instrument["best_bid"])["head"])
        ask = np.int64(level_at(book, instrument["best_ask"])["head"])
        qty = min(order_at(book, bid)["leaves_qty"], order_at(book, ask)["leaves_qty"])
        qty = min(qty, header["work_count"])
        header["work_count"] -= qty
        header["trade_count"] += 1
        price = header["work_price"]
        product = product_at(book, instrument["product"])
        instrument["last"] = price
        if price >= instrument["print_above"] or price <= instrument["print_below"]:
            note_print(product, instrument, price)
        if abs(instrument["value_ticks"]) < SUM_MAX:
            instrument["volume"] += qty
            instrument["value_ticks"] += price // product["tick"] * qty
        note_trade(book, number, command["time_ns"], price, qty)
        remember_trade(book, at, command, order_at(book, bid), order_at(book, ask), price, qty)
        trade_id = product["shard_bits"] | header["trade_count"]
        fill_resting(book, at, at + 2, command, instrument, bid, qty, trade_id)
        fill_resting(book, at + 1, at + 4, command, instrument, ask, qty, trade_id)
        at += rows
    return at


@kernel
def fill_resting(book, at, legs_at, command, instrument, index, qty, trade_id):
    """One side of a trade: an order of the book, its whole leaves at its place (M-106).

    legs_at: the event row from which a spread order reports its legs.
    """
    order = order_at(book, index)
    product = product_at(book, order["product"])
    risk = risk_at(book, order["risk"])
    price = header_of(book)["work_price"]
    fill(order, qty, price)
    move_position(risk, order, qty)
    note_fill(book, command["time_ns"], order, qty)
    add_open(book, account_at(book, order["account"]), risk, product, order, -qty)
    status = OrdStatus.PARTIALLY_FILLED
    if order["leaves_qty"] == 0:
        status = OrdStatus.FILLED
        unqueue_order(book, order, instrument)
    elif order["public_id"] != 0:
        order["shown"] = slice_of(order["leaves_qty"], order["display_qty"])
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.FILL, status)
    notify(event, command, order, qty, 0)
    event["price"] = price
    event["trade_id"] = trade_id
    event["flags"] |= AUCTION
    if order["bucket"] == Bucket.SPREAD:
        report_legs(book, legs_at, command, 0, order, at)
    if order["leaves_qty"] == 0:
        unlink_order(book, index, order)
        free_row(book, index)


@kernel
def first_hidden(book, number):
    """The first order that show_hidden looks at, 0 where nothing was hidden."""
    instrument = instrument_at(book, number)
    if product_at(book, instrument["product"])["features"] & AUCTION_HIDDEN == 0:
        return 0
    if instrument["best_bid"] >= 0:
        return np.int64(level_at(book, instrument["best_bid"])["head"])
    return first_ask(book, instrument)


@kernel
def first_ask(book, instrument):
    """The first order of the best ask, or 0."""
    if instrument["best_ask"] >= instrument["level_first"] + instrument["level_count"]:
        return 0
    return np.int64(level_at(book, instrument["best_ask"])["head"])


@kernel
def show_hidden(book, at, command, number):
    """BOOKED for each order that the call hid (M-109): bids, then asks, best first, in queue order.

    The cursor is the order that comes next, 0 at the end.
    """
    header = header_of(book)
    instrument = instrument_at(book, number)
    while header["work_order"] != 0:
        order = order_at(book, header["work_order"])
        if order["public_id"] == 0:
            if at == header["events_rows"]:
                return at
            show_order(book, order)
            status = living_status(order)
            order_event(event_at(book, at), command, instrument, order, EventKind.BOOKED, status)
            at += 1
        header["work_order"] = order_behind(book, instrument, order)
    return at


@kernel
def order_behind(book, instrument, order):
    """The order that comes after this one: in its queue, on its side, on the other; 0: none."""
    if order["queue_next"] != 0:
        return np.int64(order["queue_next"])
    level = np.int64(order["level"])
    if level <= instrument["best_bid"]:
        level = level_below(book, level)
        if level < instrument["level_first"]:
            return first_ask(book, instrument)
        return np.int64(level_at(book, level)["head"])
    level = level_above(book, level)
    if level >= instrument["level_first"] + instrument["level_count"]:
        return 0
    return np.int64(level_at(book, level)["head"])
