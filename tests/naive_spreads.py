"""Spreads of the naive exchange: legs looked up one by one, prices found by trying them (M-230)."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange

AMOUNT_MAX = 1 << 62  # the bound of every sum


def legs_of(venue: NaiveExchange, row: dict) -> tuple[tuple[Instrument, int], ...] | None:
    """The legs that a definition names; (): none are named; None: they make no spread (M-230)."""
    if not row["leg_1"] and not row["leg_2"]:
        return ()
    product = venue.products[row["product"]]
    legs = []
    for number, lots in ((row["leg_1"], row["lots_1"]), (row["leg_2"], row["lots_2"])):
        leg = venue.instruments.get(number)
        if leg is None or leg.legs or leg.expired or number >= row["instrument"]:
            return None
        if not 1 <= lots <= 1_000 or row["last_trading_date"] > leg.last_trading_date:
            return None
        if leg.product["position_mode"] != w.NETTING or product["position_mode"] != w.NETTING:
            return None
        if leg.product["currency"] != product["currency"]:
            return None
        legs.append((leg, lots))
    (one, lots_1), (two, lots_2) = legs
    weight_1 = one.product["multiplier"] * lots_1
    weight_2 = two.product["multiplier"] * lots_2
    exact = product["multiplier"] * product["tick"] % weight_1 == 0
    exact = exact and weight_2 * two.product["tick"] % weight_1 == 0
    return tuple(legs) if one is not two and exact else None


def weights(instrument: Instrument) -> tuple[Fraction, Fraction]:
    """By what the prices of the legs count in the price of the spread (M-230)."""
    own = instrument.product["multiplier"]
    (one, lots_1), (two, lots_2) = instrument.legs
    return (
        Fraction(one.product["multiplier"] * lots_1, own),
        Fraction(two.product["multiplier"] * lots_2, own),
    )


def set_reference(instrument: Instrument, reference: int) -> None:
    """M-231: the limits that those of the legs leave, the reference inside them."""
    one, two = (leg for leg, _ in instrument.legs)
    weight_1, weight_2 = weights(instrument)
    tick = instrument.product["tick"]
    instrument.low = -((weight_2 * two.high - weight_1 * one.low) // tick) * tick
    instrument.high = (weight_1 * one.high - weight_2 * two.low) // tick * tick
    instrument.reference = sorted((instrument.low, reference, instrument.high))[1]


def settlement(instrument: Instrument) -> int:
    """M-236: the difference of the legs' settlement prices, on the tick, half away from zero."""
    one, two = (leg.reference for leg, _ in instrument.legs)
    weight_1, weight_2 = weights(instrument)
    tick = instrument.product["tick"]
    value = weight_1 * one - weight_2 * two
    ticks = (abs(value) / tick + Fraction(1, 2)) // 1
    return int(ticks if value >= 0 else -ticks) * tick


def leg_prices(instrument: Instrument, price: int) -> tuple[int, int]:
    """M-235: leg 2 as near to its reference as leg 1 lies within its limits."""
    one, two = (leg for leg, _ in instrument.legs)
    weight_1, weight_2 = weights(instrument)
    tick = two.product["tick"]
    least = (weight_1 * one.low - price) / weight_2
    start = sorted((two.low, -(-least // tick) * tick, two.high))[1]

    def first(price_2: int) -> Fraction:
        return (price + weight_2 * price_2) / weight_1

    fitting = [
        price_2
        for price_2 in range(two.low, two.high + tick, tick)
        if one.low <= first(price_2) <= one.high
    ]
    price_2 = min(fitting, key=lambda at: abs(at - two.reference), default=start)
    price_1 = first(int(price_2))
    assert price_1.denominator == 1
    return int(price_1), int(price_2)


def leg_side(order: Order, at: int) -> int:
    """What an order does in leg 1 (at 0) or leg 2 (at 1)."""
    return w.BUY if (order.side == w.BUY) == (at == 0) else w.SELL


def report_legs(venue: NaiveExchange, fills: list[dict], orders: list[Order]) -> None:
    """M-234: behind the rows of a trade two for each order of a spread; positions move."""
    for fill, order in zip(fills, orders, strict=True):
        instrument = venue.instruments[order.instrument]
        if not instrument.legs:
            continue
        prices = leg_prices(instrument, fill["price"])
        for at, (leg, lots) in enumerate(instrument.legs):
            qty, side = fill["qty"] * lots, leg_side(order, at)
            buckets = venue.buckets(order.account, leg.number)
            buckets["net"] += qty if side == w.BUY else -qty
            row = dict(fill)
            row.update(instrument=leg.number, side=side, qty=qty, price=prices[at])
            row.update(public_id=0, display_qty=0, flags=fill["flags"] | w.LEG)
            row.update(product=leg.product["product"], trading_date=leg.trading_date)
            venue.events.append(row)


def open_in(venue: NaiveExchange, order: Order) -> list[tuple[int, int, int]]:
    """Where a living order counts: instrument, side and lots; a spread's in its legs (M-233)."""
    instrument = venue.instruments[order.instrument]
    if not instrument.legs:
        return [(order.instrument, order.side, order.leaves)]
    return [
        (leg.number, leg_side(order, at), order.leaves * lots)
        for at, (leg, lots) in enumerate(instrument.legs)
    ]


def refuse_legs(
    venue: NaiveExchange, instrument: Instrument, c: dict, leaves: int, own: list[Order]
) -> int:
    """M-233: M-61 and M-62 in both legs."""
    limits = venue.accounts[c["account"]]
    opened = [one for order in own for one in open_in(venue, order)]
    for at, (leg, lots) in enumerate(instrument.legs):
        buys = (c["side"] == w.BUY) == (at == 0)
        side = w.BUY if buys else w.SELL
        total = leaves * lots
        total += sum(qty for number, one, qty in opened if (number, one) == (leg.number, side))
        net = venue.buckets(c["account"], leg.number)["net"]
        if buys and net + total > limits["position_long_max"]:
            return Reject.POSITION_LONG_MAX
        if not buys and total - net > limits["position_short_max"]:
            return Reject.POSITION_SHORT_MAX
    return 0
