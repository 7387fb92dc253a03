"""Spreads: what an instrument with two legs does in the tables of its legs.

A spread has a book of its own, which knows no leg. Its orders count in the risk sums of the legs,
its trades move the positions of the legs and are reported leg by leg, at prices found from the
price of the spread; all values are exact, as the definition sees to.

Source: specs/matching.md M-230 to M-236; docs/decisions/0105-spreads-and-implied.md.
"""

from __future__ import annotations

import numpy as np

from engine.book import event_at, header_of, instrument_at, product_at, risk_at
from engine.emit import answer, notify, order_event
from engine.flags import LEG
from engine.kernel import kernel
from engine.limits import LEG_LOTS_MAX, SUM_MAX, TICK_UNIT
from engine.reasons import CancelReason
from engine.types import EventKind, PositionMode, Side
from specs.rejects import Reject


@kernel
def weights(book, instrument):
    """What a quote unit is worth in a lot of the spread, and in its lots of leg 1 and of leg 2."""
    product = product_at(book, instrument["product"])
    leg_1 = instrument_at(book, instrument["leg_1"])
    leg_2 = instrument_at(book, instrument["leg_2"])
    return (
        product["multiplier"],
        product_at(book, leg_1["product"])["multiplier"] * np.int64(instrument["lots_1"]),
        product_at(book, leg_2["product"])["multiplier"] * np.int64(instrument["lots_2"]),
    )


@kernel
def value_room(product):
    """How often any price of a product, in units of 1,000, fits twice into a sum."""
    return SUM_MAX // 4 // max(1, product["price_max"] // TICK_UNIT)


@kernel
def is_leg(book, number, row, lots):
    """Whether an instrument can be a leg of the spread that a row defines (M-230)."""
    if number < 1 or number >= row["instrument"] or lots < 1 or lots > LEG_LOTS_MAX:
        return False
    leg = instrument_at(book, number)
    if leg["defined"] == 0 or leg["spread"] != 0 or leg["expired"] != 0:
        return False
    if row["last_trading_date"] > leg["last_trading_date"]:
        return False
    product = product_at(book, leg["product"])
    if product["position_mode"] != PositionMode.NETTING:
        return False
    if product["currency"] != product_at(book, row["product"])["currency"]:
        return False
    return product["multiplier"] * np.int64(lots) <= value_room(product)


@kernel
def spread_in_bounds(book, row):
    """Whether a row with legs defines a spread all of whose prices are exact (M-230)."""
    leg_1 = np.int64(row["leg_1"])
    leg_2 = np.int64(row["leg_2"])
    if leg_1 == leg_2:
        return False
    if not is_leg(book, leg_1, row, row["lots_1"]) or not is_leg(book, leg_2, row, row["lots_2"]):
        return False
    product = product_at(book, row["product"])
    if product["position_mode"] != PositionMode.NETTING:
        return False
    if product["multiplier"] > value_room(product) or product["price_max"] == 0:
        return False
    product_1 = product_at(book, instrument_at(book, leg_1)["product"])
    product_2 = product_at(book, instrument_at(book, leg_2)["product"])
    weight_1 = product_1["multiplier"] * np.int64(row["lots_1"])
    weight_2 = product_2["multiplier"] * np.int64(row["lots_2"])
    step = product["multiplier"] * (product["tick"] // TICK_UNIT)
    step_2 = weight_2 * (product_2["tick"] // TICK_UNIT)
    exact = step % weight_1 * TICK_UNIT % weight_1 == 0
    return exact and step_2 % weight_1 * TICK_UNIT % weight_1 == 0


@kernel
def set_spread_limits(book, instrument, reference):
    """Reference and limits of a spread: what the limits of its legs leave room for (M-231)."""
    product = product_at(book, instrument["product"])
    leg_1 = instrument_at(book, instrument["leg_1"])
    leg_2 = instrument_at(book, instrument["leg_2"])
    own, weight_1, weight_2 = weights(book, instrument)
    tick = product["tick"]
    unit = own * (tick // TICK_UNIT)
    least = weight_1 * (leg_1["low"] // TICK_UNIT) - weight_2 * (leg_2["high"] // TICK_UNIT)
    most = weight_1 * (leg_1["high"] // TICK_UNIT) - weight_2 * (leg_2["low"] // TICK_UNIT)
    low = -(-least // unit) * tick
    high = most // unit * tick
    instrument["low"] = max(low, -product["price_max"])
    instrument["high"] = min(high, product["price_max"])
    instrument["reference"] = max(instrument["low"], min(reference, instrument["high"]))


@kernel
def spread_room(book, instrument):
    """Ticks that the ladder of a spread keeps beyond each limit for limits widened later."""
    product = product_at(book, instrument["product"])
    own, weight_1, weight_2 = weights(book, instrument)
    value = weight_1 * (instrument_at(book, instrument["leg_1"])["reference"] // TICK_UNIT)
    value += weight_2 * (instrument_at(book, instrument["leg_2"])["reference"] // TICK_UNIT)
    ticks = value // (own * (product["tick"] // TICK_UNIT))
    return (product["ladder_bp"] - product["limit_bp"]) * ticks


@kernel
def spread_settlement(book, instrument):
    """The settlement price of a spread: the difference of its legs' (M-236)."""
    own, weight_1, weight_2 = weights(book, instrument)
    tick = product_at(book, instrument["product"])["tick"]
    unit = own * (tick // TICK_UNIT)
    value = weight_1 * (instrument_at(book, instrument["leg_1"])["reference"] // TICK_UNIT)
    value -= weight_2 * (instrument_at(book, instrument["leg_2"])["reference"] // TICK_UNIT)
    ticks = abs(value) // unit
    if abs(value) % unit >= unit - unit // 2:
        ticks += 1
    if value < 0:
        ticks = -ticks
    return ticks * tick


@kernel
def leg_prices(book, instrument, price):
    """Prices of both legs in a trade of the spread at `price` (M-235)."""
    leg_1 = instrument_at(book, instrument["leg_1"])
    leg_2 = instrument_at(book, instrument["leg_2"])
    tick = product_at(book, leg_2["product"])["tick"]
    own, weight_1, weight_2 = weights(book, instrument)
    unit = weight_2 * (tick // TICK_UNIT)
    value = own * (price // TICK_UNIT)
    low = -((value - weight_1 * (leg_1["low"] // TICK_UNIT)) // unit) * tick
    high = (weight_1 * (leg_1["high"] // TICK_UNIT) - value) // unit * tick
    price_2 = max(low, min(high, leg_2["reference"]))
    price_2 = max(leg_2["low"], min(leg_2["high"], price_2))
    value += weight_2 * (price_2 // TICK_UNIT)
    return value // weight_1 * TICK_UNIT + value % weight_1 * TICK_UNIT // weight_1, price_2


@kernel
def leg_of(instrument, leg):
    """Number and lots of leg 1 or 2."""
    if leg == 1:
        return np.int64(instrument["leg_1"]), np.int64(instrument["lots_1"])
    return np.int64(instrument["leg_2"]), np.int64(instrument["lots_2"])


@kernel
def buys_leg(side, leg):
    """Whether an order of the spread buys this leg."""
    return (side == Side.BUY) == (leg == 1)


@kernel
def leg_risk(book, account, number):
    """The risk row of an account in a leg."""
    return risk_at(book, np.int64(account) * header_of(book)["risk_stride"] + number)


@kernel
def add_open_legs(book, order, lots):
    """Add lots (negative: give back) of a live spread order to the sums of its legs (M-233)."""
    for leg in (1, 2):
        number, leg_lots = leg_of(instrument_at(book, order["instrument"]), leg)
        risk = leg_risk(book, order["account"], number)
        if buys_leg(order["side"], leg):
            risk["open_buys"] += lots * leg_lots
        else:
            risk["open_sells"] += lots * leg_lots


@kernel
def check_legs(book, account, number, instrument, side, added):
    """M-61 and M-62 in the legs, the bought one first or second as they are numbered (M-233).

    number: of the account; added: lots of the spread beyond what the sums hold already.
    """
    for leg in (1, 2):
        leg_number, lots = leg_of(instrument, leg)
        risk = leg_risk(book, number, leg_number)
        more = added * lots
        if buys_leg(side, leg):
            if risk["position"] + risk["open_buys"] + more > account["position_long_max"]:
                return Reject.POSITION_LONG_MAX
        elif risk["open_sells"] - risk["position"] + more > account["position_short_max"]:
            return Reject.POSITION_SHORT_MAX
    return Reject.NONE


@kernel
def move_legs(book, account, number, side, lots):
    """Move an account's positions in the legs by lots of the spread, as its side trades them."""
    for leg in (1, 2):
        leg_number, leg_lots = leg_of(instrument_at(book, number), leg)
        risk = leg_risk(book, account, leg_number)
        if buys_leg(side, leg):
            risk["position"] += lots * leg_lots
        else:
            risk["position"] -= lots * leg_lots


@kernel
def report_legs(book, at, command, request, order, fill):
    """Two FILL rows of a spread order's legs behind the row `fill` of its trade (M-234).

    The positions of the legs move; request: of the order that came in, 0 where nobody asked.
    """
    source = event_at(book, fill)
    instrument = instrument_at(book, order["instrument"])
    price_1, price_2 = leg_prices(book, instrument, source["price"])
    at = report_leg(book, at, command, request, order, fill, 1, price_1)
    return report_leg(book, at, command, request, order, fill, 2, price_2)


@kernel
def report_leg(book, at, command, request, order, fill, leg, price):
    """One leg at its price: position and row."""
    source = event_at(book, fill)
    number, leg_lots = leg_of(instrument_at(book, order["instrument"]), leg)
    instrument = instrument_at(book, number)
    lots = source["qty"] * leg_lots
    risk = leg_risk(book, order["account"], number)
    side = Side.SELL
    if buys_leg(order["side"], leg):
        side = Side.BUY
        risk["position"] += lots
    else:
        risk["position"] -= lots
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.FILL, source["ord_status"])
    if request != 0:
        answer(event, command, request)
    else:
        notify(event, command, order, 0, CancelReason.NONE)
    event["instrument"] = number
    event["product"] = instrument["product"]
    event["side"] = side
    event["qty"] = lots
    event["price"] = price
    event["trade_id"] = source["trade_id"]
    event["public_id"] = 0
    event["display_qty"] = 0
    event["flags"] = source["flags"] | LEG
    return at + 1
