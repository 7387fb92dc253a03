"""Rolls: the end of a product's trading date, and the venue day's new table of request rows.

Source: specs/matching.md M-70 to M-72, M-168, M-212, M-249.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from engine.bits import hash_id
from engine.book import (
    block_at,
    call_at,
    copy_row,
    event_at,
    header_of,
    heap_at,
    instrument_at,
    member_at,
    open_book,
    order_at,
    pending_at,
    product_at,
    risk_at,
    stop_at,
)
from engine.call import change_phase
from engine.define import lay_ladder, limits_event, set_limits
from engine.depth import clear_depth, enter_phase, fill_depth, indicate
from engine.emit import clear_event, mark_last
from engine.ids import clear_slots, index_request
from engine.kernel import kernel
from engine.layout import ASK_NONE, Work
from engine.limits import SUM_MAX
from engine.locked import (
    Suspended,
    count_locked_day,
    is_suspended_next,
    note_lock,
    widened_limit,
)
from engine.mass import heap_next, heap_push
from engine.match import remove_resting
from engine.moves import clear_moves
from engine.positions import join_yesterday, long_lots
from engine.reasons import CancelReason, PhaseReason, SettleReason
from engine.rest import move_levels
from engine.settle import clear_close, find_settlements
from engine.spreads import set_spread_limits, spread_settlement
from engine.stops import clear_range
from engine.types import EventKind, OrdStatus, OrdType, Phase, TimeInForce

SETTLE_ROWS = 4  # settlement, limits, a suspension, what a call indicates


class RollPhase(IntEnum):
    """Where the roll of a product stands."""

    EXPIRE = 0
    SETTLE = 1
    BEYOND = 2


@kernel
def heap_instrument(book, instrument):
    """Enter all live orders of an instrument into the heap."""
    index = instrument["risk_first"]
    while index != 0:
        risk = risk_at(book, index)
        heap_push(book, risk["buy_first"])
        heap_push(book, risk["sell_first"])
        index = risk["instrument_next"]


@kernel
def roll_product(book, at, command):
    """ROLL_PRODUCT: goes on as long work."""
    header = header_of(book)
    if command["product"] >= header_of(book)["products_rows"]:
        return at
    if product_at(book, command["product"])["defined"] == 0:
        return at
    for number in range(1, header_of(book)["instruments_rows"]):
        instrument = instrument_at(book, number)
        if instrument["defined"] != 0 and instrument["product"] == command["product"]:
            heap_instrument(book, instrument)
    find_settlements(book, command)
    header["work"] = Work.ROLL
    header["work_phase"] = RollPhase.EXPIRE
    header["work_instrument"] = 0
    copy_row(pending_at(book, 0), command)
    return roll_on(book, at)


@kernel
def roll_on(book, at):
    """Go on with a roll as far as event rows go."""
    header = header_of(book)
    command = pending_at(book, 0)
    while True:
        if header["work_phase"] != RollPhase.SETTLE:
            at = expire_orders(book, at, command)
            if header["heap_count"] > 0:
                return at
            if header["work_phase"] == RollPhase.BEYOND:
                open_date(book, header["work_instrument"])
            header["work_phase"] = RollPhase.SETTLE
        number = next_instrument(book, command["product"], header["work_instrument"])
        if number == 0:
            header["work"] = Work.NONE
            return at
        if header_of(book)["events_rows"] - at < SETTLE_ROWS:
            return at
        header["work_instrument"] = number
        at = settle(book, at, command, number)
        header["work_phase"] = RollPhase.BEYOND


@kernel
def next_instrument(book, product, after):
    """The product's next instrument that has not expired, or 0."""
    for number in range(after + 1, header_of(book)["instruments_rows"]):
        instrument = instrument_at(book, number)
        lives = instrument["defined"] != 0 and instrument["expired"] == 0
        if lives and instrument["product"] == product:
            return number
    return 0


@kernel
def why_expired(order, stop_price, instrument, next_date, beyond):
    """Why an order does not see the next date, NONE if it does."""
    if beyond:
        low = order["price"]
        high = order["price"]
        if order["ord_type"] > OrdType.LIMIT:
            low = min(low, stop_price)
            high = max(high, stop_price)
        if low < instrument["low"] or high > instrument["high"]:
            return CancelReason.BEYOND_LIMITS
        return CancelReason.NONE
    if instrument["last_trading_date"] < next_date:
        return CancelReason.INSTRUMENT_EXPIRED
    if order["time_in_force"] == TimeInForce.DAY:
        return CancelReason.DAY_END
    if order["time_in_force"] == TimeInForce.GTD and order["expire_date"] < next_date:
        return CancelReason.EXPIRE_DATE
    return CancelReason.NONE


@kernel
def expire_orders(book, at, command):
    """Expire those of the heap's orders that must go; stops with the heap unfinished for rows."""
    header = header_of(book)
    beyond = header["work_phase"] == RollPhase.BEYOND
    while header["heap_count"] > 0:
        index = heap_at(book, 1)["order"]
        order = order_at(book, index)
        instrument = instrument_at(book, order["instrument"])
        stop_price = stop_at(book, index)["price"]
        reason = why_expired(order, stop_price, instrument, command["trading_date"], beyond)
        if reason == CancelReason.NONE:
            heap_next(book)
            continue
        if header_of(book)["events_rows"] - at < 2:
            return at
        heap_next(book)
        at = remove_resting(book, at, command, index, EventKind.EXPIRED, OrdStatus.EXPIRED, reason)
    return at


@kernel
def open_interest(book, instrument):
    """Lots that all accounts together are long (M-249)."""
    product = product_at(book, instrument["product"])
    lots = 0
    index = instrument["risk_first"]
    while index != 0:
        risk = risk_at(book, index)
        lots += long_lots(product, risk)
        index = risk["instrument_next"]
    return lots


@kernel
def settle(book, at, command, number):
    """SETTLED, then the instrument's end or its next limits: up to SETTLE_ROWS rows."""
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    call = call_at(book, number)
    if instrument["spread"] != 0:
        call["settlement"] = spread_settlement(book, instrument)
        call["settled_by"] = SettleReason.NONE
    price = call["settlement"]
    event = event_at(book, at)
    clear_event(event, command, EventKind.SETTLED)
    event["instrument"] = number
    event["product"] = instrument["product"]
    event["trading_date"] = instrument["trading_date"]
    event["price"] = price
    value_ticks = instrument["value_ticks"] + instrument["block_ticks"]
    event["qty"] = instrument["volume"] + instrument["block_volume"]
    event["reason"] = call["settled_by"]
    event["cum_value"] = SUM_MAX
    if value_ticks <= SUM_MAX // product["tick"]:
        event["cum_value"] = value_ticks * product["tick"]
    instrument["open_interest"] = open_interest(book, instrument)
    event["leaves_qty"] = instrument["open_interest"]
    instrument["volume"] = 0
    instrument["value_ticks"] = 0
    clear_range(instrument)
    instrument["block_volume"] = 0
    instrument["block_ticks"] = 0
    instrument["trade_floor"] = header_of(book)["trade_count"]
    event = event_at(book, at + 1)
    if instrument["last_trading_date"] < command["trading_date"]:
        instrument["expired"] = 1
        instrument["open_interest"] = 0
        instrument["reference"] = price
        if call["phase"] != Phase.NONE:
            enter_phase(book, number, Phase.EXPIRED, 0)
        clear_event(event, command, EventKind.INSTRUMENT_EXPIRED)
        event["instrument"] = number
        event["product"] = instrument["product"]
        event["trading_date"] = instrument["trading_date"]
        return at + 2
    count_locked_day(book, number)
    clear_close(book, number)
    instrument["trading_date"] = command["trading_date"]
    if instrument["spread"] != 0:
        set_spread_limits(book, instrument, price)
    else:
        call["limit_bp"] = widened_limit(book, number)
        set_limits(product, instrument, price, np.int64(call["limit_bp"]))
    instrument["last"] = instrument["reference"]
    limits_event(event, command, number, instrument, EventKind.LIMITS_SET)
    event["qty"] = call["locked_days"]
    heap_instrument(book, instrument)
    clear_moves(book, number)
    at = suspend(book, at + 2, command, number)
    return indicate(book, at, command, number)


@kernel
def suspend(book, at, command, number):
    """The date after three locked days is without trading, and ends at the next roll (M-212)."""
    call = call_at(book, number)
    if call["suspended"] != 0:
        from_none = call["suspended"] == Suspended.FROM_NONE
        call["suspended"] = Suspended.NO
        if from_none:
            at = change_phase(book, at, command, number, Phase.NONE, 0, PhaseReason.LOCKED_DAYS)
        return at
    if not is_suspended_next(book, number):
        return at
    call["suspended"] = Suspended.FROM_PHASE
    if call["phase"] == Phase.NONE:
        call["suspended"] = Suspended.FROM_NONE
    if call["phase"] == Phase.CLOSED and call["scheduled_end_ns"] == 0:
        return at
    at = change_phase(book, at, command, number, Phase.CLOSED, 0, PhaseReason.LOCKED_DAYS)
    clear_close(book, number)
    return at


@kernel
def open_date(book, number):
    """The last step of an instrument's roll: gross positions age, the ladder moves."""
    instrument = instrument_at(book, number)
    index = instrument["risk_first"]
    while index != 0:
        join_yesterday(risk_at(book, index))
        index = risk_at(book, index)["instrument_next"]
    if instrument["expired"] != 0:
        return
    move_ladder(book, number, instrument, product_at(book, instrument["product"]))
    note_lock(book, number, pending_at(book, 0)["time_ns"])


@kernel
def move_ladder(book, number, instrument, product):
    """Lay the ladder around the new limits; its queues follow, in a call those of both halves."""
    calling = call_at(book, number)["calling"] != 0
    first = instrument["level_first"]
    half = instrument["level_room"] >> 1
    base = instrument["base_price"]
    if calling:
        clear_depth(book, number, instrument)
        instrument["level_count"] -= half
    count = instrument["level_count"]
    laid = lay_ladder(book, product, instrument, np.int64(call_at(book, number)["limit_bp"]))
    assert laid, "levels_max leaves no room for a ladder"
    moved = (instrument["base_price"] - base) // product["tick"]
    shift = instrument["level_first"] - first - moved
    ask_shift = shift
    if calling:
        ask_shift += (instrument["level_room"] >> 1) - half
        move_levels(book, first + half, count, ask_shift)
        instrument["level_count"] += instrument["level_room"] >> 1
    move_levels(book, first, count, shift)
    if instrument["best_bid"] >= 0:
        instrument["best_bid"] += shift
    if instrument["best_ask"] != ASK_NONE:
        instrument["best_ask"] += ask_shift
    if calling:
        fill_depth(book, number, instrument)


@kernel
def roll_day(arena, requests, requests_next, commands, events):
    """ROLL_DAY, commands[0]: live orders' request rows open the next day's table; one event.

    requests_next: REQUEST rows, zeroed, at least as many as live orders and one.
    """
    book = open_book(arena, requests, events)
    header = header_of(book)
    command = commands[0]
    for number in range(1, header_of(book)["instruments_rows"]):
        heap_instrument(book, instrument_at(book, number))
    for number in range(1, header_of(book)["members_rows"]):
        member_at(book, number)["requests_used"] = 0
    clear_slots(book)
    row = 0
    while header["heap_count"] > 0:
        index = heap_at(book, 1)["order"]
        heap_next(book)
        order = order_at(book, index)
        named = order["request"]
        if order["quote"] != 0 and requests[named]["order_index"] != 0:
            order["request"] = requests[named]["order_index"]  # copied for another of its quotes
            continue
        row += 1
        requests_next[row] = requests[named]
        request = requests_next[row]
        request["order_index"] = index
        if order["quote"] != 0:
            request["order_index"] = 0
            requests[named]["order_index"] = row
        order["request"] = row
        member_at(book, request["member"])["requests_used"] += 1
        hashed = hash_id(
            request["cl_ord_id_0"],
            request["cl_ord_id_1"],
            request["cl_ord_id_2"],
            request["member"],
            header["hash_key"],
        )
        index_request(book, hashed, row)
    header["request_count"] = row
    header["quote_request"] = 0
    header["venue_date"] = command["trading_date"]
    header["trades_from"] = header["trade_count"]
    for place in range(header["blocks_rows"]):
        block_at(book, place)["request"] = 0
    header["command_count"] += 1
    header["event_count"] += 1
    clear_event(event_at(book, 0), command, EventKind.DAY_ROLLED)
    event_at(book, 0)["trading_date"] = command["trading_date"]
    mark_last(book, 1, 0)
