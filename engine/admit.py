"""Admission: what an order must be before risk sees it. Each check returns 0 or its reject.

Source: specs/matching.md M-11, M-12, M-17, M-22, M-24, M-25, M-114, M-160.
"""

from __future__ import annotations

from engine.flags import (
    HAS_GTC_GTD,
    HAS_ICEBERG,
    HAS_MARKET,
    HAS_MIN_QTY,
    HAS_POST_ONLY,
    HAS_STOP,
    POST_ONLY,
)
from engine.kernel import kernel
from engine.layout import ASK_NONE
from engine.limits import BASIS_POINTS
from engine.types import OrdType, SelfMatch, Side, TimeInForce
from specs.rejects import Reject


@kernel
def rests(ord_type, time_in_force):
    """Whether what is left of such an order stays in the book."""
    return ord_type == OrdType.LIMIT and (
        time_in_force == TimeInForce.DAY
        or time_in_force == TimeInForce.GTC
        or time_in_force == TimeInForce.GTD
    )


@kernel
def check_qty(product, qty):
    """Size of an order."""
    if qty < 1:
        return Reject.QTY_NOT_POSITIVE
    if qty > product["qty_max"]:
        return Reject.QTY_ABOVE_MAX
    return Reject.NONE


@kernel
def check_type(product, ord_type, time_in_force):
    """Order type and time in force against the product's features."""
    features = product["features"]
    market = ord_type == OrdType.MARKET and features & HAS_MARKET != 0
    if ord_type != OrdType.LIMIT and not market:
        return check_stop_type(features, ord_type, time_in_force)
    if (
        time_in_force == TimeInForce.DAY
        or time_in_force == TimeInForce.IOC
        or time_in_force == TimeInForce.FOK
    ):
        return Reject.NONE
    dated = time_in_force == TimeInForce.GTC or time_in_force == TimeInForce.GTD
    if dated and not market and features & HAS_GTC_GTD != 0:
        return Reject.NONE
    return Reject.TIME_IN_FORCE_NOT_SUPPORTED


@kernel
def check_stop_type(features, ord_type, time_in_force):
    """M-160: stop orders wait, so IOC and FOK say nothing; a STOP comes in as a MARKET order."""
    market = ord_type == OrdType.STOP and features & HAS_MARKET != 0
    if features & HAS_STOP == 0 or not (market or ord_type == OrdType.STOP_LIMIT):
        return Reject.ORD_TYPE_NOT_SUPPORTED
    if time_in_force == TimeInForce.DAY:
        return Reject.NONE
    dated = time_in_force == TimeInForce.GTC or time_in_force == TimeInForce.GTD
    if dated and features & HAS_GTC_GTD != 0:
        return Reject.NONE
    return Reject.TIME_IN_FORCE_NOT_SUPPORTED


@kernel
def check_expiry(instrument, time_in_force, expire_date):
    """Expiry date of a GTD order; none on any other."""
    if time_in_force == TimeInForce.GTD:
        if expire_date < instrument["trading_date"]:
            return Reject.EXPIRE_DATE_INVALID
        if expire_date > instrument["last_trading_date"]:
            return Reject.EXPIRE_DATE_INVALID
    elif expire_date != 0:
        return Reject.EXPIRE_DATE_INVALID
    return Reject.NONE


@kernel
def check_price(product, instrument, price):
    """Level of a limit price, or minus the reject."""
    if price % product["tick"] != 0:
        return -Reject.PRICE_OFF_TICK
    if price > instrument["high"]:
        return -Reject.PRICE_ABOVE_LIMIT
    if price < instrument["low"]:
        return -Reject.PRICE_BELOW_LIMIT
    return price_level(product, instrument, price)


@kernel
def within_bands(product, instrument, side, price, level):
    """How far a limit may lie through the market (M-114): its level, or minus the reject."""
    through = price - instrument["reference"]
    through_last = price - instrument["last"]
    if side == Side.SELL:
        through = -through
        through_last = -through_last
    if through > product["static_band"]:
        return -Reject.PRICE_OUTSIDE_BAND
    if instrument["continuous_until_ns"] >= 0 and through_last > product["dynamic_band"]:
        return -Reject.PRICE_OUTSIDE_BAND
    return level


@kernel
def price_level(product, instrument, price):
    """Level of a price on the tick inside the ladder."""
    return instrument["level_first"] + (price - instrument["base_price"]) // product["tick"]


@kernel
def check_display(product, ord_type, time_in_force, qty, display_qty):
    """Iceberg (M-24): the slice is a sufficient share of an order that rests."""
    if display_qty == 0 or display_qty == qty:
        return Reject.NONE
    if display_qty < 0 or display_qty > qty:
        return Reject.DISPLAY_QTY_INVALID
    if product["features"] & HAS_ICEBERG == 0 or not rests(ord_type, time_in_force):
        return Reject.DISPLAY_QTY_INVALID
    if display_qty * BASIS_POINTS < qty * product["display_min_bp"]:
        return Reject.DISPLAY_QTY_INVALID
    return Reject.NONE


@kernel
def check_conditions(product, command):
    """Minimum quantity, display, post-only and the self-match instruction of a new order."""
    ord_type = command["ord_type"]
    time_in_force = command["time_in_force"]
    if command["min_qty"] != 0:
        if product["features"] & HAS_MIN_QTY == 0:
            return Reject.MIN_QTY_INVALID
        if ord_type != OrdType.LIMIT or time_in_force != TimeInForce.IOC:
            return Reject.MIN_QTY_INVALID
        if command["min_qty"] < 1 or command["min_qty"] > command["qty"]:
            return Reject.MIN_QTY_INVALID
    if command["display_qty"] != 0:
        reason = check_display(
            product, ord_type, time_in_force, command["qty"], command["display_qty"]
        )
        if reason != Reject.NONE:
            return reason
    if command["exec_inst"] & POST_ONLY != 0:
        if product["features"] & HAS_POST_ONLY == 0:
            return Reject.POST_ONLY_INVALID
        if not rests(ord_type, time_in_force):
            return Reject.POST_ONLY_INVALID
    return check_self_match(command["self_match"])


@kernel
def check_self_match(self_match):
    """The instruction is one of the four, or none."""
    if (
        self_match == SelfMatch.NONE
        or self_match == SelfMatch.CANCEL_RESTING
        or self_match == SelfMatch.CANCEL_AGGRESSING
        or self_match == SelfMatch.CANCEL_BOTH
        or self_match == SelfMatch.DECREMENT
    ):
        return Reject.NONE
    return Reject.SELF_MATCH_INVALID


@kernel
def would_trade(instrument, side, level):
    """Whether the best contra price is at this level or better (M-25)."""
    if side == Side.BUY:
        return instrument["best_ask"] <= level
    return instrument["best_bid"] >= level


@kernel
def market_level(product, instrument, side):
    """Level to which a market order may trade (M-23), or -1 with an empty contra side."""
    if side == Side.BUY:
        if instrument["best_ask"] == ASK_NONE:
            return -1
        high = price_level(product, instrument, instrument["high"])
        return min(instrument["best_ask"] + product["band_ticks"], high)
    if instrument["best_bid"] < 0:
        return -1
    low = price_level(product, instrument, instrument["low"])
    return max(instrument["best_bid"] - product["band_ticks"], low)
