"""Phases and auctions of the naive exchange: the price of an uncross by trying prices out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_settle as settle
from tests import naive_spreads as spreads
from tests import naive_stops as stops
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange


def set_phase(venue: NaiveExchange, command: dict) -> None:
    """M-100."""
    row = command["row"]
    if row is None or not w.CLOSED <= row["phase"] <= w.SETTLEMENT:
        return
    if row["instrument"]:
        numbers = [row["instrument"]] if row["instrument"] in venue.instruments else []
    else:
        numbers = [
            number
            for number in sorted(venue.instruments)
            if venue.instruments[number].product["product"] == row["product"]
        ]
    for number in numbers:
        instrument = venue.instruments[number]
        if not instrument.expired and not instrument.suspended:
            change(venue, instrument, row)


def change(venue: NaiveExchange, instrument: Instrument, row: dict) -> None:
    """M-100, M-104: one instrument goes to a phase, through an uncross where a call ends."""
    phase, end, reason = row["phase"], row["scheduled_end_ns"], row["reason"]
    if instrument.held and reason != w.OPERATOR:
        return  # M-215
    held = reason == w.OPERATOR and phase == w.PHASE_HALTED
    taken_over, instrument.held = held and not instrument.held, held
    if instrument.calling and phase in (w.AUCTION_MATCH, w.CONTINUOUS):
        to_match = end if phase == w.AUCTION_MATCH else 0
        if (instrument.phase, instrument.phase_end) != (w.AUCTION_MATCH, to_match):
            enter(venue, instrument, w.AUCTION_MATCH, to_match, reason)
        uncross(venue, instrument)
    if (instrument.phase, instrument.phase_end) != (phase, end) or taken_over:
        enter(venue, instrument, phase, end, reason)
    if phase in w.CALLS and not instrument.calling:
        instrument.calling, instrument.prices = True, []


def enter(venue: NaiveExchange, instrument: Instrument, phase: int, end: int, reason: int) -> None:
    """PHASE_CHANGED."""
    if instrument.phase in w.TRADES and phase not in w.TRADES:
        settle.note_close(instrument, venue.command["time_ns"])
    before, instrument.phase, instrument.phase_end = instrument.phase, phase, end
    venue.emit(
        w.PHASE_CHANGED,
        instrument=instrument.number,
        qty=phase,
        leaves_qty=before,
        cum_value=end,
        reason=reason,
    )


def halt_late(venue: NaiveExchange, command: dict) -> None:
    """M-102."""
    instrument = venue.instruments.get(command["instrument"])
    if instrument is None or instrument.phase not in (*w.CALLS, w.CONTINUOUS):
        return
    if instrument.phase_end and command["time_ns"] > instrument.phase_end:
        enter(venue, instrument, w.PHASE_HALTED, 0, w.SCHEDULE_ENDED)


def refuse_mass_cancel(venue: NaiveExchange, number: int) -> int:
    """M-101."""
    phase = venue.instruments[number].phase
    return 0 if phase in w.TAKE_CANCEL else Reject.PHASE_TAKES_NO_CANCELS


def shown_for_place(order: Order) -> int:
    """What M-18 compares with: of an order that a call hides, what the book would show."""
    return order.shown if order.public_id else order.to_show()


def rest_in_call(venue: NaiveExchange, order: Order) -> None:
    """M-103, M-109: the order joins its queue, with a slice where the product shows it."""
    instrument = venue.instruments[order.instrument]
    if not instrument.product["features"] & w.AUCTION_HIDDEN:
        venue.rest(order)
        return
    instrument.orders[order.side].append(order)
    venue.live[order.order_id] = order


def demand(instrument: Instrument, price: int) -> tuple[int, int]:
    """Lots that would buy and lots that would sell at a price."""
    buys = sum(order.leaves for order in instrument.orders[w.BUY] if order.price >= price)
    sells = sum(order.leaves for order in instrument.orders[w.SELL] if order.price <= price)
    return buys, sells


def terms(instrument: Instrument, prices: list[int] | None = None) -> tuple[int, int, int]:
    """M-105: price, volume and surplus of an uncross; all 0 where nothing would trade.

    prices: those to try; without them the few at which the answer can change.
    """
    if prices is None:
        tick = instrument.product["tick"]
        queued = {order.price for side in instrument.orders.values() for order in side}
        near = {price + step for price in queued for step in (-tick, 0, tick)}
        prices = [*near, instrument.reference]
    found = []
    for price in prices:
        buys, sells = demand(instrument, price)
        volume = min(buys, sells)
        surplus = abs(buys - sells)
        if not instrument.product["features"] & w.AUCTION_MIN_SURPLUS:
            surplus = 0
        away = abs(price - instrument.reference)
        found.append((-volume, surplus, away, -price))
    if not found or not min(found)[0]:
        return 0, 0, 0
    volume, _, _, price = min(found)
    buys, sells = demand(instrument, -price)
    return -price, -volume, buys - sells


def note_price(venue: NaiveExchange, instrument: Instrument, price: int) -> None:
    """M-31, M-115: what trades is the last price, and is remembered."""
    instrument.last = price
    stops.mark(instrument, price)
    instrument.prices.append((venue.command["time_ns"], price))


def follow(venue: NaiveExchange, number: int) -> None:
    """The end of an order command: a pause that is due (M-115, M-116), a call's terms (M-108)."""
    instrument = venue.instruments[number]
    product = instrument.product
    reason = why_pause(instrument, venue.command["time_ns"])
    if reason and not instrument.calling:
        length = product["pause_seconds"] * 10**9
        row = {"phase": w.VOLATILITY_PAUSE, "reason": reason}
        row["scheduled_end_ns"] = venue.command["time_ns"] + length if length else 0
        for at, one in sorted(venue.instruments.items()):
            meant = at == number or product["features"] & w.PAUSE_PRODUCT
            trades = one.phase in (w.NO_PHASE, w.CONTINUOUS) and not one.expired
            if meant and trades and one.product is product:
                change(venue, one, row)
    indicate(venue, number)


def why_pause(instrument: Instrument, now_ns: int) -> int:
    """M-115: how far the last price lies from the prices of the windows."""
    product = instrument.product
    if not product["features"] & w.PAUSES:
        return 0
    second, minute = now_ns // 10**9, now_ns // (60 * 10**9)
    seconds = [
        abs(price - instrument.last)
        for time_ns, price in instrument.prices
        if time_ns // 10**9 > second - product["velocity_seconds"]
    ]
    minutes = [
        abs(price - instrument.last)
        for time_ns, price in instrument.prices
        if time_ns // (60 * 10**9) > minute - 60
    ]
    ticks, share = product["velocity_ticks"], product["breaker_bp"]
    if ticks and max(seconds, default=0) >= ticks * product["tick"]:
        return w.VELOCITY
    share = 0 if instrument.legs else share
    if share and max(minutes, default=0) * 10_000 >= instrument.reference * share:
        return w.CIRCUIT_BREAKER
    return 0


def indicate(venue: NaiveExchange, number: int) -> None:
    """M-108: INDICATIVE where a call's terms changed."""
    instrument = venue.instruments[number]
    if not instrument.calling:
        return
    price, volume, surplus = terms(instrument)
    if instrument.product["features"] & w.AUCTION_HIDDEN:
        volume = surplus = 0
    if (price, volume, surplus) != instrument.indicated:
        instrument.indicated = (price, volume, surplus)
        fields = {"price": price, "qty": volume, "leaves_qty": surplus}
        venue.emit(w.INDICATIVE, instrument=number, **fields)


def uncross(venue: NaiveExchange, instrument: Instrument) -> None:
    """M-106, M-107, M-109, M-110: the trades, then hidden orders are shown, then UNCROSSED."""
    price, volume, surplus = terms(instrument)
    left = volume
    while left:
        buy = instrument.in_priority(w.SELL)[0]
        sell = instrument.in_priority(w.BUY)[0]
        qty = min(buy.leaves, sell.leaves, left)
        left -= qty
        trade(venue, instrument, (buy, sell), qty, price)
    instrument.calling = False
    instrument.indicated = (0, 0, 0)
    for order in (*instrument.in_priority(w.SELL), *instrument.in_priority(w.BUY)):
        if not order.public_id:
            order.shown = order.to_show()
            order.public_id = venue.next_slice()
            venue.emit_order(w.BOOKED, order)
    fields = {"price": price, "qty": volume, "leaves_qty": surplus}
    venue.emit(w.UNCROSSED, instrument=instrument.number, **fields)


def trade(
    venue: NaiveExchange,
    instrument: Instrument,
    orders: tuple[Order, Order],
    qty: int,
    price: int,
) -> None:
    """M-107: two rows, the buy's first, neither the aggressor's."""
    venue.trades_made += 1
    note_price(venue, instrument, price)
    instrument.book_trade(venue.command["time_ns"], price, qty)
    trade_id = (instrument.product["shard"] << 56) | venue.trades_made
    first = len(venue.events)
    for order in orders:
        order.leaves -= qty
        order.cum_qty += qty
        order.cum_value += price * qty
        venue.move_position(order, qty)
        if not order.leaves:
            venue.leave_book(order)
        elif order.public_id:
            order.shown = order.to_show()
        status = w.STATUS_PARTIALLY_FILLED if order.leaves else w.STATUS_FILLED
        fields = {"qty": qty, "price": price, "trade_id": trade_id, "ord_status": status}
        venue.emit_order(w.FILL, order, flags=w.AUCTION, **fields)
    spreads.report_legs(venue, venue.events[first:], list(orders))
