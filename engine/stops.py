"""Stop orders: they wait outside the book until a trade reaches their stop price.

Those of an instrument's side are a treap in the order in which they trigger; the first price of
each side stands in the instrument's row. There stand the date's high and low, too, so that a trade
which passes none of these pays two compares. A trade that reaches a stop notes its price; when the
command's own order is done, the stops reached come in one after another, which is long work: it
stops between two orders when event rows run low.

Source: specs/matching.md M-160 to M-168, M-214.
"""

from __future__ import annotations

import numpy as np

from engine.admit import check_price, price_level
from engine.book import (
    account_at,
    event_at,
    instrument_at,
    order_at,
    product_at,
    risk_at,
    stop_at,
)
from engine.emit import living_status, notify, order_event
from engine.kernel import kernel
from engine.layout import STOP_NONE
from engine.reasons import CancelReason
from engine.rest import link_order, unlink_order
from engine.risk import add_open
from engine.types import EventKind, OrdType, Side
from specs.rejects import Reject


@kernel
def check_stop(command, ord_type, side, product, instrument):
    """The prices of a stop order (M-161): 0 or minus the reject."""
    stop_price = command["stop_price"]
    if stop_price % product["tick"] != 0:
        return -Reject.STOP_PRICE_INVALID
    if stop_price > instrument["high"] or stop_price < instrument["low"]:
        return -Reject.STOP_PRICE_INVALID
    if side == Side.BUY and stop_price <= instrument["last"]:
        return -Reject.STOP_WRONG_SIDE
    if side == Side.SELL and stop_price >= instrument["last"]:
        return -Reject.STOP_WRONG_SIDE
    if ord_type == OrdType.STOP_LIMIT:
        return min(0, check_price(product, instrument, command["price"]))
    return 0


@kernel
def own_price(command, ord_type):
    """The price an order goes by (M-160): its limit, a STOP order's stop price, MARKET: 0."""
    if ord_type == OrdType.MARKET:
        return 0
    if ord_type == OrdType.STOP:
        return command["stop_price"]
    return command["price"]


@kernel
def wait(book, index, order, instrument, stop_price):
    """An order begins to wait for its stop price: tree, sums, and the lists if it is new."""
    stop_at(book, index)["price"] = stop_price
    enter_tree(book, np.int64(index), order, instrument)
    add_open(
        book,
        account_at(book, order["account"]),
        risk_at(book, order["risk"]),
        product_at(book, order["product"]),
        order,
        order["leaves_qty"],
    )
    if order["linked"] == 0:
        link_order(book, index, order)


@kernel
def note_print(product, instrument, price):
    """A trade at a price that may be the date's high or low (M-214), or reach stop orders (M-163).

    The date's first trade is always one of these. Returns whether it has reached some stop orders.
    """
    if instrument["day_high"] == -STOP_NONE:
        instrument["open_ticks"] = (price - instrument["low"]) // product["tick"]
    instrument["day_high"] = max(instrument["day_high"], price)
    instrument["day_low"] = min(instrument["day_low"], price)
    watch_prints(instrument)
    if price < instrument["stop_above"] and price > instrument["stop_below"]:
        return False
    instrument["stop_high"] = max(instrument["stop_high"], price)
    instrument["stop_low"] = min(instrument["stop_low"], price)
    return True


@kernel
def watch_prints(instrument):
    """From which prices on a trade is for note_print; so that others pay two compares."""
    instrument["print_above"] = min(instrument["stop_above"], instrument["day_high"] + 1)
    instrument["print_below"] = max(instrument["stop_below"], instrument["day_low"] - 1)


@kernel
def clear_range(instrument):
    """A trading date begins: it has neither opening price, high nor low."""
    instrument["open_ticks"] = 0
    instrument["day_high"] = -STOP_NONE
    instrument["day_low"] = STOP_NONE
    watch_prints(instrument)


@kernel
def forget_prints(instrument):
    """Nothing that waits has been reached."""
    instrument["stop_high"] = -STOP_NONE
    instrument["stop_low"] = STOP_NONE


@kernel
def next_reached(book, instrument):
    """The next stop order that comes in (M-164), or 0."""
    if instrument["stop_above"] <= instrument["stop_high"]:
        return first_of(book, instrument["stop_buys"])
    if instrument["stop_below"] >= instrument["stop_low"]:
        return first_of(book, instrument["stop_sells"])
    return 0


@kernel
def trigger(book, at, command, index):
    """TRIGGERED (M-165): the order leaves the tree as a MARKET or LIMIT order, not yet matched."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    product = product_at(book, order["product"])
    leave_tree(book, index, order, instrument)
    account = account_at(book, order["account"])
    add_open(book, account, risk_at(book, order["risk"]), product, order, -order["leaves_qty"])
    if order["ord_type"] == OrdType.STOP:
        order["ord_type"] = OrdType.MARKET
        order["price"] = 0
        unlink_order(book, index, order)
    else:
        order["ord_type"] = OrdType.LIMIT
        order["level"] = price_level(product, instrument, order["price"])
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.TRIGGERED, living_status(order))
    notify(event, command, order, 0, CancelReason.NONE)
    return at + 1


@kernel
def triggers_before(book, index, other, side):
    """Whether one waiting order triggers before another of its side (M-164)."""
    price = stop_at(book, index)["price"]
    other_price = stop_at(book, other)["price"]
    if price == other_price:
        return order_at(book, index)["order_id"] < order_at(book, other)["order_id"]
    if side == Side.BUY:
        return price < other_price
    return price > other_price


@kernel
def weight_of(index):
    """A number that looks random: no row of the tree lies below a lighter one."""
    mixed = (np.int64(index) * 0x9E3779B1) & 0xFFFFFFFF
    mixed ^= mixed >> 15
    mixed = (mixed * 0x5BD1E995) & 0xFFFFFFFF
    return mixed ^ (mixed >> 13)


@kernel
def hang(book, instrument, side, parent, goes_right, index):
    """Make orders[index] (0: nothing) a child of `parent`, or the root where that is 0."""
    if parent == 0:
        if side == Side.BUY:
            instrument["stop_buys"] = index
        else:
            instrument["stop_sells"] = index
    elif goes_right:
        stop_at(book, parent)["right"] = index
    else:
        stop_at(book, parent)["left"] = index


@kernel
def root_of(instrument, side):
    """The tree of a side; 0: no order waits."""
    if side == Side.BUY:
        return np.int64(instrument["stop_buys"])
    return np.int64(instrument["stop_sells"])


@kernel
def enter_tree(book, index, order, instrument):
    """Put orders[index] into its side's tree; its stop price is set."""
    side = order["side"]
    weight = weight_of(index)
    parent = np.int64(0)
    goes_right = False
    at = root_of(instrument, side)
    while at != 0 and weight_of(at) >= weight:
        parent = at
        goes_right = not triggers_before(book, index, at, side)
        at = np.int64(stop_at(book, at)["right"] if goes_right else stop_at(book, at)["left"])
    hang(book, instrument, side, parent, goes_right, index)
    # the subtree that was here is cut in two: what triggers before the order and what after
    before = np.int64(index)
    after = np.int64(index)
    while at != 0:
        if triggers_before(book, at, index, side):
            hang(book, instrument, side, before, before != index, at)
            before = at
            at = np.int64(stop_at(book, at)["right"])
        else:
            hang(book, instrument, side, after, after == index, at)
            after = at
            at = np.int64(stop_at(book, at)["left"])
    hang(book, instrument, side, before, before != index, 0)
    hang(book, instrument, side, after, after == index, 0)
    note_first(book, instrument, side)


@kernel
def leave_tree(book, index, order, instrument):
    """Take orders[index] out of its side's tree."""
    side = order["side"]
    parent = np.int64(0)
    goes_right = False
    at = root_of(instrument, side)
    while at != index:
        assert at != 0, "a stop order that is not in its tree"
        parent = at
        goes_right = not triggers_before(book, index, at, side)
        at = np.int64(stop_at(book, at)["right"] if goes_right else stop_at(book, at)["left"])
    before = np.int64(stop_at(book, index)["left"])
    after = np.int64(stop_at(book, index)["right"])
    while before != 0 and after != 0:
        if weight_of(before) >= weight_of(after):
            hang(book, instrument, side, parent, goes_right, before)
            parent = before
            goes_right = True
            before = np.int64(stop_at(book, before)["right"])
        else:
            hang(book, instrument, side, parent, goes_right, after)
            parent = after
            goes_right = False
            after = np.int64(stop_at(book, after)["left"])
    hang(book, instrument, side, parent, goes_right, before if before != 0 else after)
    stop_at(book, index)["price"] = 0
    stop_at(book, index)["left"] = 0
    stop_at(book, index)["right"] = 0
    note_first(book, instrument, side)


@kernel
def first_of(book, root):
    """The order of a tree that triggers first; 0: the tree is empty."""
    at = np.int64(root)
    if at == 0:
        return at
    while stop_at(book, at)["left"] != 0:
        at = np.int64(stop_at(book, at)["left"])
    return at


@kernel
def note_first(book, instrument, side):
    """Write the first stop price of a side into the instrument's row."""
    first = first_of(book, root_of(instrument, side))
    if side == Side.BUY:
        instrument["stop_above"] = STOP_NONE if first == 0 else stop_at(book, first)["price"]
    else:
        instrument["stop_below"] = -STOP_NONE if first == 0 else stop_at(book, first)["price"]
    watch_prints(instrument)
