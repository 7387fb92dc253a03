"""Matching: an incoming order against the resting ones, a step at a time.

A sweep stops between two steps when event rows run low; its cursor stays in the header and the next
apply goes on. It stops only where another step is certain, so the last event of a command is always
written in the call that knows it to be the last.

Source: specs/matching.md M-20 to M-23, M-30 to M-32, M-40 to M-44, M-163.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    account_at,
    copy_row,
    event_at,
    header_of,
    instrument_at,
    level_at,
    order_at,
    pending_at,
    product_at,
    risk_at,
)
from engine.depth import leave_call
from engine.emit import answer, living_status, notify, order_event
from engine.flags import AGGRESSOR, NOTES_TRADES
from engine.kernel import kernel
from engine.layout import Bucket, Work
from engine.limits import SPREAD_ROWS, SUM_MAX, SWEEP_ROWS
from engine.locked import may_be_locked, note_lock
from engine.moves import note_price
from engine.positions import move_position
from engine.quote_fills import note_fill
from engine.reasons import CancelReason
from engine.rest import free_row, level_above, level_below, queue_order, unlink_order, unqueue_order
from engine.risk import add_open
from engine.settle import note_trade
from engine.spreads import report_legs
from engine.stops import leave_tree, note_print
from engine.trades import remember_trade
from engine.types import EventKind, OrdStatus, OrdType, PriceRule, SelfMatch, Side


@kernel
def same_scope(order, resting):
    """Self-match prevention holds between the two (M-40)."""
    if order["self_match_id"] != 0 or resting["self_match_id"] != 0:
        return order["self_match_id"] == resting["self_match_id"]
    return order["member"] == resting["member"]


@kernel
def available_qty(book, order, instrument, limit):
    """Lots the order could trade at once (M-21); counts no further than its leaves."""
    buys = order["side"] == Side.BUY
    instruction = order["self_match"]
    stops = instruction == SelfMatch.CANCEL_AGGRESSING or instruction == SelfMatch.CANCEL_BOTH
    level = instrument["best_ask"] if buys else instrument["best_bid"]
    available = 0
    while (level <= limit) if buys else (level >= limit):
        shown = 0
        leaves = 0
        index = level_at(book, level)["head"]
        while index != 0:
            resting = order_at(book, index)
            if not same_scope(order, resting):
                shown += resting["shown"]
                leaves += resting["leaves_qty"]
                if available + (shown if stops else leaves) >= order["leaves_qty"]:
                    return order["leaves_qty"]
            elif stops:
                return available + shown
            index = resting["queue_next"]
        available += leaves
        if available >= order["leaves_qty"]:
            return order["leaves_qty"]
        level = level_above(book, level) if buys else level_below(book, level)
    return available


@kernel
def sweep(book, at, command, request, index, limit):
    """Match orders[index] as far as level `limit`; returns the next event row.

    Leaves header work as SWEEP when it has to go on with more event rows, else NONE.
    """
    header = header_of(book)
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    buys = order["side"] == Side.BUY
    rows = SWEEP_ROWS
    if instrument["spread"] != 0:
        rows = SPREAD_ROWS
    notes = product_at(book, order["product"])["features"] & NOTES_TRADES != 0
    header["work"] = Work.NONE
    while order["leaves_qty"] > 0:
        level = instrument["best_ask"] if buys else instrument["best_bid"]
        if (level > limit) if buys else (level < limit):
            break
        if header_of(book)["events_rows"] - at < rows:
            header["work"] = Work.SWEEP
            header["work_order"] = index
            header["work_limit"] = limit
            header["work_request"] = request
            copy_row(pending_at(book, 0), command)
            break
        resting_index = level_at(book, level)["head"]
        if same_scope(order, order_at(book, resting_index)):
            at = prevent(book, at, command, order, instrument, resting_index)
        else:
            leaves = order["leaves_qty"]
            at = trade(book, at, command, request, order, instrument, resting_index, limit)
            if notes:
                number = np.int64(order["instrument"])
                note_price(book, number, command["time_ns"], instrument["last"])
                qty = leaves - order["leaves_qty"]
                note_trade(book, number, command["time_ns"], instrument["last"], qty)
    return at


@kernel
def trade_price(product, instrument, order, resting, limit):
    """Price of a trade (M-30, M-31); limit: the level to which the incoming order may trade."""
    price = resting["price"]
    if product["price_rule"] != PriceRule.MEDIAN3:
        return price
    bound = instrument["base_price"] + (limit - instrument["level_first"]) * product["tick"]
    low = min(price, bound)
    high = max(price, bound)
    return max(low, min(high, instrument["last"]))


@kernel
def trade(book, at, command, request, order, instrument, resting_index, limit):
    """One trade: two rows, then a spread's legs, and one when an iceberg shows its next slice."""
    header = header_of(book)
    resting = order_at(book, resting_index)
    product = product_at(book, order["product"])
    risk = risk_at(book, resting["risk"])
    qty = min(order["leaves_qty"], resting["shown"])
    price = trade_price(product, instrument, order, resting, limit)
    header["trade_count"] += 1
    trade_id = product["shard_bits"] | header["trade_count"]
    instrument["last"] = price
    passes = price >= instrument["print_above"] or price <= instrument["print_below"]
    if passes and note_print(product, instrument, price):
        header["stop_instrument"] = order["instrument"]
    if abs(instrument["value_ticks"]) < SUM_MAX:
        instrument["volume"] += qty
        instrument["value_ticks"] += price // product["tick"] * qty
    remember_trade(book, at, command, order, resting, price, qty)
    fill(order, qty, price)
    fill(resting, qty, price)
    move_position(risk_at(book, order["risk"]), order, qty)
    move_position(risk, resting, qty)
    if order["quote"] | resting["quote"] != 0:
        note_fill(book, command["time_ns"], order, qty)
        note_fill(book, command["time_ns"], resting, qty)
    add_open(book, account_at(book, resting["account"]), risk, product, resting, -qty)
    shown = resting["shown"] - qty
    resting["shown"] = shown
    if shown == 0:
        unqueue_order(book, resting, instrument)
    event = event_at(book, at)
    status = OrdStatus.PARTIALLY_FILLED if order["leaves_qty"] > 0 else OrdStatus.FILLED
    order_event(event, command, instrument, order, EventKind.FILL, status)
    if request != 0:
        answer(event, command, request)
    else:
        notify(event, command, order, 0, CancelReason.NONE)
    event["qty"] = qty
    event["price"] = price
    event["trade_id"] = trade_id
    event["flags"] |= AGGRESSOR
    event = event_at(book, at + 1)
    status = OrdStatus.PARTIALLY_FILLED if resting["leaves_qty"] > 0 else OrdStatus.FILLED
    order_event(event, command, instrument, resting, EventKind.FILL, status)
    notify(event, command, resting, qty, 0)
    event["price"] = price
    event["trade_id"] = trade_id
    at += 2
    if order["bucket"] == Bucket.SPREAD:
        at = report_legs(book, at, command, request, order, at - 2)
        at = report_legs(book, at, command, 0, resting, at - 3)
    if shown != 0:
        return at
    if resting["leaves_qty"] == 0:
        unlink_order(book, resting_index, resting)
        free_row(book, resting_index)
        return at
    queue_order(book, resting_index, resting, instrument)
    order_event(
        event_at(book, at),
        command,
        instrument,
        resting,
        EventKind.REFRESHED,
        living_status(resting),
    )
    return at + 1


@kernel
def fill(order, qty, price):
    """Book a fill on an order (M-32)."""
    order["leaves_qty"] -= qty
    order["cum_qty"] += qty
    order["cum_value"] += price * qty


@kernel
def cancel_resting(book, at, command, index, kind, ord_status, reason):
    """Take a resting order off the book without its owner asking: one event, in a call two."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    qty = order["leaves_qty"]
    level = order["level"]
    leave_book(book, index, order, instrument)
    order_event(event_at(book, at), command, instrument, order, kind, ord_status)
    taken_off(event_at(book, at), command, order, qty, reason)
    free_row(book, index)
    if instrument["continuous_until_ns"] < 0 and order["ord_type"] <= OrdType.LIMIT:
        number = np.int64(order["instrument"])
        return leave_call(book, at + 1, command, number, order["side"], level, qty)
    return at + 1


@kernel
def remove_resting(book, at, command, index, kind, ord_status, reason):
    """cancel_resting where no order comes in; it may lock or unlock its instrument (M-210)."""
    number = np.int64(order_at(book, index)["instrument"])
    at = cancel_resting(book, at, command, index, kind, ord_status, reason)
    if may_be_locked(header_of(book), instrument_at(book, number)):
        note_lock(book, number, command["time_ns"])
    return at


@kernel
def leave_book(book, index, order, instrument):
    """End a resting order: queue or tree, sums, lists; nothing is left of it but its row."""
    if order["ord_type"] <= OrdType.LIMIT:
        unqueue_order(book, order, instrument)
    else:
        leave_tree(book, index, order, instrument)
    add_open(
        book,
        account_at(book, order["account"]),
        risk_at(book, order["risk"]),
        product_at(book, order["product"]),
        order,
        -order["leaves_qty"],
    )
    unlink_order(book, index, order)
    order["leaves_qty"] = 0


@kernel
def cancel_incoming(book, at, command, order, instrument, reason):
    """What is left of an incoming order is taken off: one event."""
    qty = order["leaves_qty"]
    order["leaves_qty"] = 0
    order_event(
        event_at(book, at), command, instrument, order, EventKind.CANCELLED, OrdStatus.CANCELED
    )
    taken_off(event_at(book, at), command, order, qty, reason)
    return at + 1


@kernel
def taken_off(event, command, order, qty, reason):
    """Tell the owner of an order that ends; the lots left still count as entered (M-8)."""
    event["order_qty"] += qty
    notify(event, command, order, qty, reason)


@kernel
def prevent(book, at, command, order, instrument, resting_index):
    """Self-match prevention: what the aggressor's instruction does instead of a trade."""
    instruction = order["self_match"]
    reason = CancelReason.SELF_MATCH
    if instruction == SelfMatch.DECREMENT:
        return decrement(book, at, command, order, instrument, resting_index)
    if instruction != SelfMatch.CANCEL_AGGRESSING:
        at = cancel_resting(
            book,
            at,
            command,
            resting_index,
            EventKind.CANCELLED,
            OrdStatus.CANCELED,
            reason,
        )
    if instruction == SelfMatch.CANCEL_AGGRESSING or instruction == SelfMatch.CANCEL_BOTH:
        at = cancel_incoming(book, at, command, order, instrument, reason)
    return at


@kernel
def decrement(book, at, command, order, instrument, resting_index):
    """M-44: the smaller leaves is taken off both, the resting order's event first."""
    resting = order_at(book, resting_index)
    reason = CancelReason.SELF_MATCH
    qty = min(order["leaves_qty"], resting["leaves_qty"])
    if qty == resting["leaves_qty"]:
        at = cancel_resting(
            book,
            at,
            command,
            resting_index,
            EventKind.CANCELLED,
            OrdStatus.CANCELED,
            reason,
        )
    else:
        resting["leaves_qty"] -= qty
        shown = resting["leaves_qty"]
        if resting["display_qty"] != 0:
            shown = min(shown, resting["display_qty"])
        resting["shown"] = shown
        product = product_at(book, resting["product"])
        account = account_at(book, resting["account"])
        add_open(book, account, risk_at(book, resting["risk"]), product, resting, -qty)
        at = restate(book, at, command, resting, instrument, qty)
    if qty == order["leaves_qty"]:
        return cancel_incoming(book, at, command, order, instrument, reason)
    order["leaves_qty"] -= qty
    return restate(book, at, command, order, instrument, qty)


@kernel
def restate(book, at, command, order, instrument, qty):
    """RESTATED: quantity taken off a living order by self-match prevention."""
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.RESTATED, living_status(order))
    notify(event, command, order, qty, CancelReason.SELF_MATCH)
    return at + 1
