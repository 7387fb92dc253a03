"""Stop orders of the naive exchange: lists that are searched anew after every trade (M-160)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_implied as implied
from tests import naive_phases as phases
from tests import naive_quotes as quotes
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange


def is_stop(ord_type: int) -> bool:
    """Whether orders of the type wait for a trade."""
    return ord_type in (w.STOP, w.STOP_LIMIT)


def own_price(c: dict) -> int:
    """The price an order goes by (M-160)."""
    if c["ord_type"] == w.MARKET:
        return 0
    return c["stop_price"] if c["ord_type"] == w.STOP else c["price"]


def is_taken(product: dict, ord_type: int) -> bool:
    """Whether the product takes stop orders of the type."""
    features = product["features"]
    if ord_type == w.STOP and not features & w.HAS_MARKET:
        return False
    return bool(is_stop(ord_type) and features & w.HAS_STOP)


def refuse_stop_price(instrument: Instrument, side: int, stop_price: int) -> int:
    """M-161."""
    if stop_price % instrument.product["tick"]:
        return Reject.STOP_PRICE_INVALID
    if not instrument.low <= stop_price <= instrument.high:
        return Reject.STOP_PRICE_INVALID
    beyond = stop_price > instrument.last if side == w.BUY else stop_price < instrument.last
    return 0 if beyond else Reject.STOP_WRONG_SIDE


def wait(venue: NaiveExchange, order: Order) -> None:
    """M-162: the order lives outside the book."""
    venue.instruments[order.instrument].stops.append(order)
    venue.live[order.order_id] = order


def replace(venue: NaiveExchange, order: Order, c: dict) -> None:
    """M-166: the order waits on, on its new terms."""
    order.price = own_price(c | {"ord_type": order.ord_type})
    order.stop_price = c["stop_price"]
    order.order_qty, order.leaves = c["qty"], c["qty"]
    order.display, order.expire_date = c["display_qty"], c["expire_date"]
    order.request = venue.request
    venue.request_orders[order.request] = order
    venue.emit_order(w.REPLACED, order, answers=True, qty=order.order_qty)


def in_order(instrument: Instrument) -> list[Order]:
    """Waiting orders as they trigger (M-164): buys from the lowest, then sells from the highest."""

    def place(order: Order) -> tuple[int, int, int]:
        assert order.stop_price is not None
        sells = order.side == w.SELL
        return (sells, -order.stop_price if sells else order.stop_price, order.order_id)

    return sorted(instrument.stops, key=place)


def mark(instrument: Instrument, price: int) -> None:
    """M-163: a trade reaches who waits for its price or one before it."""
    for order in instrument.stops:
        assert order.stop_price is not None
        sign = 1 if order.side == w.BUY else -1
        order.reached = order.reached or sign * price >= sign * order.stop_price


def run(venue: NaiveExchange) -> None:
    """M-163 to M-165: whoever is reached comes in where its instrument trades, the first first."""
    implied.watch(venue)
    quotes.protect(venue)
    implied.uncross(venue)
    quotes.protect(venue)
    while True:
        reached = [
            order
            for number in sorted(venue.instruments)
            for order in in_order(venue.instruments[number])
            if order.reached and venue.instruments[number].phase in (w.NO_PHASE, w.CONTINUOUS)
        ]
        if not reached:
            return
        order = reached[0]
        venue.leave_book(order)
        order.stop_price = None
        order.ord_type = w.MARKET if order.ord_type == w.STOP else w.LIMIT
        venue.emit_order(w.TRIGGERED, order)
        venue.come_in(order, min_qty=0)
        phases.follow(venue, order.instrument)
        implied.watch(venue)
        quotes.protect(venue)
