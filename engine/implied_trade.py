"""Trades with implied prices: three orders of three books that buy and sell two months once.

An order that comes in takes the better of its own book and what the others imply; books that join
the others, after a call or a switch, trade out what they cross.

Source: specs/matching.md M-242 to M-245; docs/decisions/0105-spreads-and-implied.md.
"""

from __future__ import annotations

import numpy as np

from engine.bits import lowest_set
from engine.book import (
    account_at,
    copy_row,
    event_at,
    header_of,
    implied_at,
    instrument_at,
    level_at,
    moved_bits_at,
    order_at,
    pending_at,
    product_at,
    risk_at,
)
from engine.emit import answer, living_status, notify, order_event
from engine.flags import AGGRESSOR, HAS_PAUSES, IMPLIED
from engine.implied import mark, out_ask, out_bid, refresh, refresh_all, within_limits
from engine.kernel import kernel
from engine.layout import ASK_NONE, Work
from engine.limits import PRICE_NONE, SPREAD_ROWS, SUM_MAX
from engine.match import fill, prevent, same_scope, trade
from engine.moves import note_price, watch_moves
from engine.positions import move_position
from engine.quote_fills import note_fill
from engine.reasons import CancelReason
from engine.relations import next_of
from engine.rest import free_row, queue_order, unlink_order, unqueue_order
from engine.risk import add_open
from engine.settle import note_trade
from engine.spreads import report_leg
from engine.stops import note_print
from engine.trades import skip_trade
from engine.types import EventKind, OrdStatus, Side


@kernel
def on_time(book, number, time_ns):
    """Whether the scheduled end of an instrument's trading lies not before (M-241)."""
    return instrument_at(book, number)["continuous_until_ns"] >= time_ns


@kernel
def in_time(book, spread, time_ns):
    """Whether a spread and both its legs trade at this time."""
    row = implied_at(book, spread)
    if not on_time(book, row["leg_1"], time_ns) or not on_time(book, row["leg_2"], time_ns):
        return False
    return on_time(book, spread, time_ns)


@kernel
def best_source(book, number, side, time_ns):
    """The spread through which a price for an order of `side` is implied best, and the price.

    Of equal ones the spread of the lowest number; spread 0 where nothing is implied (M-242).
    """
    instrument = instrument_at(book, number)
    row = implied_at(book, number)
    buys = side == Side.BUY
    found = 0
    best = PRICE_NONE if buys else -PRICE_NONE
    if row["leg_1"] != 0:
        leg_1 = implied_at(book, row["leg_1"])
        leg_2 = implied_at(book, row["leg_2"])
        if in_time(book, number, time_ns):
            found = number
            best = leg_1["ask"] - leg_2["bid"] if buys else leg_1["bid"] - leg_2["ask"]
    else:
        spread = np.int64(row["first"])
        while spread != 0:
            price = out_ask(book, spread, number) if buys else out_bid(book, spread, number)
            is_better = price < best if buys else price > best
            if is_better and in_time(book, spread, time_ns):
                found = spread
                best = price
            spread = next_of(book, spread, number)
    if abs(best) > PRICE_NONE // 2:
        return np.int64(0), best
    best = within_limits(instrument, best, Side.SELL if buys else Side.BUY)
    if abs(best) == PRICE_NONE:
        return np.int64(0), best
    return np.int64(found), best


@kernel
def sweep_implied(book, at, command, request, index, limit):
    """As `match.sweep`, of an instrument with implied prices: a step takes the better price.

    At equal prices the orders of the book come first (M-242).
    """
    header = header_of(book)
    order = order_at(book, index)
    number = np.int64(order["instrument"])
    instrument = instrument_at(book, number)
    tick = product_at(book, order["product"])["tick"]
    zero = instrument["base_price"] - instrument["level_first"] * tick
    buys = order["side"] == Side.BUY
    header["work"] = Work.NONE
    while order["leaves_qty"] > 0:
        level = instrument["best_ask"] if buys else instrument["best_bid"]
        price = PRICE_NONE if buys else -PRICE_NONE
        if level >= 0 and level != ASK_NONE:
            price = zero + level * tick
        spread, implied = best_source(book, number, order["side"], command["time_ns"])
        takes_implied = spread != 0 and ((implied < price) if buys else (implied > price))
        if takes_implied:
            price = implied
        bound = zero + limit * tick
        if (price > bound) if buys else (price < bound):
            break
        if header["events_rows"] - at < SPREAD_ROWS:
            header["work"] = Work.SWEEP
            header["work_order"] = index
            header["work_limit"] = limit
            header["work_request"] = request
            copy_row(pending_at(book, 0), command)
            break
        if takes_implied:
            at = trade_implied(book, at, command, request, index, spread, implied)
        else:
            at = step_direct(book, at, command, request, index, limit)
    return at


@kernel
def step_direct(book, at, command, request, index, limit):
    """One step against the best order of the own book."""
    order = order_at(book, index)
    number = np.int64(order["instrument"])
    instrument = instrument_at(book, number)
    level = instrument["best_ask"] if order["side"] == Side.BUY else instrument["best_bid"]
    resting_index = level_at(book, level)["head"]
    if same_scope(order, order_at(book, resting_index)):
        return prevent(book, at, command, order, instrument, resting_index)
    leaves = order["leaves_qty"]
    at = trade(book, at, command, request, order, instrument, resting_index, limit)
    note_price(book, number, command["time_ns"], instrument["last"])
    lots = leaves - order["leaves_qty"]
    note_trade(book, number, command["time_ns"], instrument["last"], lots)
    return at


@kernel
def trade_implied(book, at, command, request, index, spread, price):
    """An order that came in trades at a price that two others imply."""
    order = order_at(book, index)
    number = order["instrument"]
    side = np.int64(order["side"])
    row = implied_at(book, spread)
    if number == row["leg_1"]:
        side = contra(side)
    leg_1 = order_for(book, row["leg_1"], contra(side), number, index)
    leg_2 = order_for(book, row["leg_2"], side, number, index)
    between = order_for(book, spread, side, number, index)
    price_1 = order_at(book, leg_1)["price"]
    price_2 = order_at(book, leg_2)["price"]
    if number == row["leg_1"]:
        price_1 = price
    elif number == row["leg_2"]:
        price_2 = price
    return trade_cycle(
        book, at, command, request, index, (between, leg_1, leg_2), (price_1, price_2)
    )


@kernel
def contra(side):
    """The other side."""
    if side == Side.BUY:
        return np.int64(Side.SELL)
    return np.int64(Side.BUY)


@kernel
def order_for(book, number, side, own, index):
    """The first order of a side of an instrument; of `own` the order that came in."""
    if number == own:
        return np.int64(index)
    instrument = instrument_at(book, number)
    level = instrument["best_bid"] if side == Side.BUY else instrument["best_ask"]
    return np.int64(level_at(book, level)["head"])


@kernel
def lots_of(book, number, index):
    """What an order may trade in one trade: all that came in, of others what they show."""
    order = order_at(book, number)
    if number == index:
        return order["leaves_qty"]
    return order["shown"]


@kernel
def trade_cycle(book, at, command, request, index, orders, prices):
    """One trade of three orders: of a spread, of its leg 1, of its leg 2 (M-243, M-244).

    index: the order that came in, 0: none. prices: of leg 1 and leg 2; the spread's is their
    difference. Rows: the order that came in, the others in this order, the two legs of the spread's
    order, then a REFRESHED for each iceberg that shows its next slice.
    """
    header = header_of(book)
    between, leg_1, leg_2 = orders
    price_1, price_2 = prices
    qty = min(lots_of(book, between, index), lots_of(book, leg_1, index))
    qty = min(qty, lots_of(book, leg_2, index))
    header["trade_count"] += 1
    skip_trade(book)
    first = at
    if index != 0:
        at += 1
    spread_row = at
    for one, price in ((between, price_1 - price_2), (leg_1, price_1), (leg_2, price_2)):
        row = at
        if one == index:
            row = first
        else:
            at += 1
        if one == between:
            spread_row = row
        book_fill(book, row, command, request, one, one == index, price, qty)
    order = order_at(book, between)
    asked = request if between == index else 0
    at = report_leg(book, at, command, asked, order, spread_row, 1, price_1)
    at = report_leg(book, at, command, asked, order, spread_row, 2, price_2)
    for one in (between, leg_1, leg_2):
        number = np.int64(order_at(book, one)["instrument"])
        if one != index:
            at = end_fill(book, at, command, one)
        refresh(book, number)
        mark(book, number)
    return at


@kernel
def book_fill(book, at, command, request, index, comes_in, price, qty):
    """One order's part of the trade: quantities, sums, what the instrument remembers, the row."""
    header = header_of(book)
    order = order_at(book, index)
    number = np.int64(order["instrument"])
    instrument = instrument_at(book, number)
    product = product_at(book, order["product"])
    instrument["last"] = price
    passes = price >= instrument["print_above"] or price <= instrument["print_below"]
    if passes and note_print(product, instrument, price):
        header["stop_instrument"] = number
        header["stop_scan"] = 1
    if abs(instrument["value_ticks"]) < SUM_MAX:
        instrument["volume"] += qty
        instrument["value_ticks"] += price // product["tick"] * qty
    note_trade(book, number, command["time_ns"], price, qty)
    note_price(book, number, command["time_ns"], price)
    if product["features"] & HAS_PAUSES != 0:
        moved_bits_at(book, number >> 6)["word"] |= 1 << (number & 63)
        header["moves_due"] = 1
    fill(order, qty, price)
    risk = risk_at(book, order["risk"])
    move_position(risk, order, qty)
    if order["quote"] != 0:
        note_fill(book, command["time_ns"], order, qty)
    if not comes_in:
        add_open(book, account_at(book, order["account"]), risk, product, order, -qty)
        order["shown"] -= qty
        if order["shown"] == 0:
            unqueue_order(book, order, instrument)
    event = event_at(book, at)
    status = OrdStatus.PARTIALLY_FILLED if order["leaves_qty"] > 0 else OrdStatus.FILLED
    order_event(event, command, instrument, order, EventKind.FILL, status)
    if comes_in and request != 0:
        answer(event, command, request)
    else:
        notify(event, command, order, 0, CancelReason.NONE)
    event["qty"] = qty
    event["price"] = price
    event["trade_id"] = product["shard_bits"] | header["trade_count"]
    event["flags"] |= IMPLIED
    if comes_in:
        event["flags"] |= AGGRESSOR


@kernel
def end_fill(book, at, command, index):
    """What becomes of a resting order after its part: it is gone, or shows its next slice."""
    order = order_at(book, index)
    if order["shown"] != 0:
        return at
    if order["leaves_qty"] == 0:
        unlink_order(book, index, order)
        free_row(book, index)
        return at
    instrument = instrument_at(book, order["instrument"])
    queue_order(book, index, order, instrument)
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.REFRESHED, living_status(order))
    return at + 1


@kernel
def cross_books(book, at, command):
    """Trade out what the books of spreads and their legs cross, by number (M-245).

    Stops, as work CROSS, only before a trade that is certain.
    """
    header = header_of(book)
    header["work"] = Work.NONE
    if header["implied_stale"] != 0:
        refresh_all(book)
    for number in range(1, header["instruments_rows"]):
        spread = np.int64(number)
        if implied_at(book, spread)["leg_1"] == 0 or not in_time(book, spread, command["time_ns"]):
            continue
        side = crossed_side(book, spread)
        while side != Side.NONE:
            if header["events_rows"] - at < SPREAD_ROWS:
                header["work"] = Work.CROSS
                copy_row(pending_at(book, 0), command)
                return at
            row = implied_at(book, spread)
            between = order_for(book, spread, side, 0, 0)
            leg_1 = order_for(book, row["leg_1"], contra(side), 0, 0)
            leg_2 = order_for(book, row["leg_2"], side, 0, 0)
            prices = (order_at(book, leg_1)["price"], order_at(book, leg_2)["price"])
            at = trade_cycle(book, at, command, 0, 0, (between, leg_1, leg_2), prices)
            side = crossed_side(book, spread)
    header["implied_cross"] = 0
    return at


@kernel
def crossed_side(book, spread):
    """The side of a spread's best order that its legs' best orders cross, NONE without one."""
    row = implied_at(book, spread)
    leg_1 = implied_at(book, row["leg_1"])
    leg_2 = implied_at(book, row["leg_2"])
    if row["bid"] != -PRICE_NONE and leg_1["ask"] - leg_2["bid"] <= row["bid"]:
        return np.int64(Side.BUY)
    if row["ask"] != PRICE_NONE and leg_1["bid"] - leg_2["ask"] >= row["ask"]:
        return np.int64(Side.SELL)
    return np.int64(Side.NONE)


@kernel
def watch_books(book, command):
    """The next pause that is due for trades at implied prices (M-116), instruments by number."""
    header = header_of(book)
    for word in range(header["moved_bits_rows"]):
        moved = moved_bits_at(book, word)["word"]
        while moved != 0:
            number = np.int64(word * 64 + lowest_set(moved))
            moved &= moved - 1
            moved_bits_at(book, word)["word"] = moved
            watch_moves(book, command, number)
            if header["work"] != Work.NONE:
                return
    header["moves_due"] = 0
