"""Pre-trade risk of an account: the checks, and the sums that live orders add to and give back.

Source: specs/matching.md M-60 to M-66, M-233.
"""

from __future__ import annotations

from engine.kernel import kernel
from engine.layout import Bucket
from engine.limits import NANOSECONDS, TICK_UNIT
from engine.spreads import add_open_legs
from engine.types import Currency, OrdType, Side
from specs.rejects import Reject


@kernel
def lot_notional(product, price):
    """Money (millionths) of one lot at a price (1e-9): exact, as ticks are multiples of 1,000."""
    return abs(price) // TICK_UNIT * product["multiplier"]


@kernel
def risk_price(command, instrument):
    """The price a new order counts at (M-63)."""
    if command["ord_type"] == OrdType.STOP:
        return command["stop_price"]
    if command["ord_type"] != OrdType.MARKET:
        return command["price"]
    if command["side"] == Side.BUY:
        return instrument["high"]
    return instrument["reference"]


@kernel
def check_open_orders(account):
    """M-60; 0 or the reject."""
    if account["orders_live"] + 1 > account["open_orders_max"]:
        return Reject.OPEN_ORDERS_MAX
    return Reject.NONE


@kernel
def check_position(account, risk, side, bucket, added):
    """M-61, M-62; added: lots beyond what the sums hold already."""
    if side == Side.BUY:
        if bucket == Bucket.NONE:
            held = risk["position"]
        elif bucket == Bucket.OPEN:
            held = risk["long_today"] + risk["long_yesterday"]
        else:
            return Reject.NONE
        if held + risk["open_buys"] + added > account["position_long_max"]:
            return Reject.POSITION_LONG_MAX
    else:
        if bucket == Bucket.NONE:
            held = -risk["position"]
        elif bucket == Bucket.OPEN:
            held = risk["short_today"] + risk["short_yesterday"]
        else:
            return Reject.NONE
        if held + risk["open_sells"] + added > account["position_short_max"]:
            return Reject.POSITION_SHORT_MAX
    return Reject.NONE


@kernel
def check_notional(account, product, notional, own_notional):
    """M-63, M-64; own_notional: the order's part of the open sum, for a replace."""
    if notional > account["order_notional_max"]:
        return Reject.ORDER_NOTIONAL_MAX
    usd = product["currency"] == Currency.USD
    held = account["notional_1"] if usd else account["notional_2"]
    if held - own_notional + notional > account["open_notional_max"]:
        return Reject.OPEN_NOTIONAL_MAX
    return Reject.NONE


@kernel
def check_rate(account, time_ns):
    """M-65: counts the order where it passes."""
    second = time_ns // NANOSECONDS
    if account["second"] != second:
        account["second"] = second
        account["second_orders"] = 0
    if account["second_orders"] + 1 > account["orders_per_second_max"]:
        return Reject.ORDERS_PER_SECOND_MAX
    account["second_orders"] += 1
    return Reject.NONE


@kernel
def add_open(book, account, risk, product, order, lots):
    """Add lots (negative: give back) of a live order to the sums, at its own price (M-66)."""
    notional = lot_notional(product, order["price"]) * lots
    if product["currency"] == Currency.USD:
        account["notional_1"] += notional
    else:
        account["notional_2"] += notional
    bucket = order["bucket"]
    if bucket <= Bucket.OPEN:
        if order["side"] == Side.BUY:
            risk["open_buys"] += lots
        else:
            risk["open_sells"] += lots
    elif bucket == Bucket.CLOSE_TODAY:
        if order["side"] == Side.BUY:
            risk["closing_short_today"] += lots
        else:
            risk["closing_long_today"] += lots
    elif bucket == Bucket.SPREAD:
        add_open_legs(book, order, lots)
    elif order["side"] == Side.BUY:
        risk["closing_short_yesterday"] += lots
    else:
        risk["closing_long_yesterday"] += lots
