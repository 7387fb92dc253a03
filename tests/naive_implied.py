"""Implied prices of the naive exchange: every relation looked at anew, whenever it matters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests import naive_phases as phases
from tests import naive_settle as settle
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange

Relation = tuple[Instrument, Instrument, Instrument]  # a spread, its leg 1, its leg 2


@dataclass
class Memory:
    """What the venue remembers of implied prices."""

    off: set[int] = field(default_factory=set)  # products whose switch is off
    moved: set[int] = field(default_factory=set)  # instruments that traded at implied prices
    told: dict[tuple[int, int], int | None] = field(default_factory=dict)  # by instrument, side


def relations(venue: NaiveExchange) -> list[Relation]:
    """M-240: the spreads that trade with implied prices, by number, each with its legs."""
    found = []
    for _, spread in sorted(venue.instruments.items()):
        product = spread.product
        rules = product["features"] & w.IMPLIED_PRICES and product["price_rule"] == w.RESTING
        if spread.legs and rules:
            (one, lots_1), (two, lots_2) = spread.legs
            if one.product is two.product is product and lots_1 == lots_2 == 1:
                found.append((spread, one, two))
    return found


def takes_part(venue: NaiveExchange, instrument: Instrument) -> bool:
    """M-241: it trades continuously, and its product's implied prices are on."""
    trades = instrument.phase in (w.NO_PHASE, w.CONTINUOUS) and not instrument.expired
    return trades and instrument.product["product"] not in venue.implied.off


def in_time(venue: NaiveExchange, relation: Relation) -> bool:
    """M-241: the scheduled end of none of the three is past."""
    now_ns = venue.command["time_ns"]
    return all(not one.phase_end or now_ns <= one.phase_end for one in relation)


def other(side: int) -> int:
    """The contra side."""
    return w.SELL if side == w.BUY else w.BUY


def cycle(relation: Relation, spread_side: int, own: Order | None) -> list[Order] | None:
    """The first orders of a spread and its legs that fit each other; `own` where it came in."""
    sides = (spread_side, other(spread_side), spread_side)
    orders = []
    for instrument, side in zip(relation, sides, strict=True):
        if own is not None and own.instrument == instrument.number:
            orders.append(own)
        elif instrument.orders[side]:
            orders.append(instrument.in_priority(other(side))[0])
        else:
            return None
    return orders


def implied_price(number: int, relation: Relation, orders: list[Order]) -> int:
    """What the other two orders make of the price of one instrument."""
    spread, one, two = (order.price for order in orders)
    if number == relation[0].number:
        return one - two
    return spread + two if number == relation[1].number else one - spread


def tradable(instrument: Instrument, side: int, price: int) -> int | None:
    """M-242: an implied price for an order of a side, within the limits."""
    if side == w.BUY:
        return None if price > instrument.high else max(price, instrument.low)
    return None if price < instrument.low else min(price, instrument.high)


def best(
    venue: NaiveExchange, instrument: Instrument, own: Order, late: bool = False
) -> tuple[int, Relation, list[Order]] | None:
    """M-242: the best implied price for an order, and the orders that imply it."""
    found = []
    for relation in relations(venue):
        if instrument not in relation or not all(takes_part(venue, one) for one in relation):
            continue
        if not late and not in_time(venue, relation):
            continue
        side = other(own.side) if instrument is relation[1] else own.side
        orders = cycle(relation, side, own)
        if orders:
            price = implied_price(instrument.number, relation, orders)
            sign = 1 if own.side == w.BUY else -1
            found.append((sign * price, relation[0].number, relation, orders))
    if not found:
        return None
    price, _, relation, orders = min(found, key=lambda one: one[:2])
    price = price if own.side == w.BUY else -price
    allowed = tradable(instrument, own.side, price)
    return None if allowed is None else (allowed, relation, orders)


def probe(number: int, side: int) -> Order:
    """An order that asks for a price and nothing else."""
    return Order(*(0,) * 5, number, side, *(0,) * 7, False, 0, 0, 0)


def step(venue: NaiveExchange, order: Order, bound: int, queue: list[Order]) -> bool:
    """M-242, M-243: a trade at an implied price that is better than the book's."""
    found = best(venue, venue.instruments[order.instrument], order)
    if found is None:
        return False
    price, relation, orders = found
    sign = 1 if order.side == w.BUY else -1
    if sign * price > sign * bound or (queue and sign * price >= sign * queue[0].price):
        return False
    trade(venue, relation, orders, order, price)
    return True


def would_trade(venue: NaiveExchange, instrument: Instrument, side: int, price: int) -> bool:
    """M-25, M-242: whether an implied price is at or better than this one."""
    found = best(venue, instrument, probe(instrument.number, side))
    sign = 1 if side == w.BUY else -1
    return found is not None and sign * found[0] <= sign * price


def trade(
    venue: NaiveExchange, relation: Relation, orders: list[Order], own: Order | None, price: int
) -> None:
    """M-243, M-244: one trade of three orders; a spread's price is the difference of its legs'."""
    one, two = orders[1].price, orders[2].price
    if own is orders[1]:
        one = price
    elif own is orders[2]:
        two = price
    qty = min(order.leaves if order is own else order.shown for order in orders)
    venue.trades_made += 1
    rows = []
    for instrument, order, at in zip(relation, orders, (one - two, one, two), strict=True):
        phases.note_price(venue, instrument, at)
        venue.implied.moved.add(instrument.number)
        instrument.book_trade(venue.command["time_ns"], at, qty)
        order.leaves -= qty
        order.cum_qty += qty
        order.cum_value += at * qty
        venue.move_position(order, qty)
        if order is not own:
            order.shown -= qty
            if not order.leaves:
                venue.leave_book(order)
        rows.append((order is not own, order, at))
    rows.sort(key=lambda row: row[0])
    trade_id = (relation[0].product["shard"] << 56) | venue.trades_made
    for rests, order, at in rows:
        status = w.STATUS_PARTIALLY_FILLED if order.leaves else w.STATUS_FILLED
        fields = {"qty": qty, "price": at, "trade_id": trade_id, "ord_status": status}
        answers = not rests and venue.request == order.request
        flags = w.IMPLIED_TRADE if rests else w.IMPLIED_TRADE | w.AGGRESSOR
        row = venue.emit_order(w.FILL, order, answers, flags=flags, **fields)
        if order is orders[0]:
            spread_row = dict(row)
    legs = ((relation[1], one, orders[0].side), (relation[2], two, other(orders[0].side)))
    for leg, at, side in legs:
        buckets = venue.buckets(orders[0].account, leg.number)
        buckets["net"] += qty if side == w.BUY else -qty
        row = spread_row | {"instrument": leg.number, "side": side, "price": at}
        row |= {"public_id": 0, "display_qty": 0, "flags": spread_row["flags"] | w.LEG}
        venue.events.append(row)
    for instrument, order in zip(relation, orders, strict=True):
        if order is not own and order.leaves and not order.shown:
            venue.refresh(instrument, order)


def uncross(venue: NaiveExchange) -> None:
    """M-245: what spreads and their legs cross is traded out, by number of the spread."""
    for relation in relations(venue):
        if not all(takes_part(venue, one) for one in relation) or not in_time(venue, relation):
            continue
        while True:
            orders = crossing(relation)
            if orders is None:
                break
            trade(venue, relation, orders, None, 0)
    watch(venue)


def crossing(relation: Relation) -> list[Order] | None:
    """The first orders of three books that cross, those of the spread's buy first."""
    for side in (w.BUY, w.SELL):
        orders = cycle(relation, side, None)
        if orders:
            sign = 1 if side == w.BUY else -1
            if sign * (orders[1].price - orders[2].price) <= sign * orders[0].price:
                return orders
    return None


def watch(venue: NaiveExchange) -> None:
    """M-116: pauses that trades at implied prices have made due."""
    while venue.implied.moved:
        number = min(venue.implied.moved)
        venue.implied.moved.remove(number)
        phases.follow(venue, number)


def tell(venue: NaiveExchange) -> None:
    """M-246: the best implied prices that are others than were told last; locks are noted."""
    settle.note_locks(venue)
    numbers = {one.number for relation in relations(venue) for one in relation}
    for number in sorted(numbers):
        instrument = venue.instruments[number]
        for side in (w.BUY, w.SELL):
            asking = probe(number, other(side))
            found = best(venue, instrument, asking, late=True)
            price = None if found is None else found[0]
            if price != venue.implied.told.get((number, side)):
                venue.implied.told[number, side] = price
                known = {"price": price or 0, "qty": int(price is not None)}
                venue.emit(w.IMPLIED, instrument=number, side=side, **known)


def set_implied(venue: NaiveExchange, command: dict) -> None:
    """M-247."""
    number, on = command["product"], command["qty"]
    known = venue.products.get(number)
    if known is None or on not in (0, 1) or not known["features"] & w.IMPLIED_PRICES:
        return
    if (number not in venue.implied.off) != on:
        (venue.implied.off.discard if on else venue.implied.off.add)(number)
        venue.emit(w.IMPLIED_SET, product=number, qty=on, reason=command["reason"])


HANDLERS = {w.SET_IMPLIED: set_implied}
