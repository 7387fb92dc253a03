"""New orders: admitted or refused, matched, and what becomes of the rest.

Source: specs/matching.md M-11, M-13, M-14, M-21 to M-25, M-160, M-171.
"""

from __future__ import annotations

import numpy as np

from engine.admit import (
    check_conditions,
    check_expiry,
    check_price,
    check_qty,
    check_type,
    market_level,
    rests,
    within_bands,
    would_trade,
)
from engine.book import (
    account_at,
    event_at,
    header_of,
    instrument_at,
    member_at,
    order_at,
    product_at,
    request_at,
    risk_at,
    session_at,
)
from engine.emit import answer, living_status, order_event, reject_new
from engine.flags import HAS_PAUSES, HAS_PRICE_BANDS, POST_ONLY
from engine.implied import reaches_implied, refresh
from engine.implied_trade import best_source, sweep_implied
from engine.kernel import kernel
from engine.layout import Bucket, Work
from engine.match import available_qty, cancel_incoming, sweep
from engine.moves import watch_moves
from engine.positions import bucket_of, check_closing, check_effect
from engine.reasons import CancelReason
from engine.rest import free_row, link_order, queue_order, take_row, unlink_order
from engine.risk import (
    add_open,
    check_notional,
    check_open_orders,
    check_position,
    check_rate,
    lot_notional,
    risk_price,
)
from engine.spreads import check_legs
from engine.stops import check_stop, own_price, wait
from engine.types import EventKind, OrdStatus, OrdType, Side, TimeInForce
from specs.rejects import Reject


@kernel
def new_order(book, at, command, request):
    """NEW_ORDER with its request row: REJECTED, or ACCEPTED and what follows from it."""
    instrument = instrument_at(
        book, known_row(header_of(book)["instruments_rows"], command["instrument"])
    )
    account = known_account(book, command["account"])
    product = product_at(book, instrument["product"])
    header = header_of(book)
    risk_index = 0
    if account["defined"] != 0 and instrument["defined"] != 0:
        risk_index = command["account"] * header["risk_stride"] + command["instrument"]
    risk = risk_at(book, risk_index)
    member = member_at(book, command["member"])
    if is_killed(book, member, command):
        level = -Reject.KILLED
    else:
        level = check_access(header, command, member, product, instrument, account)
    if level == 0:
        level = check_order(command, product, instrument)
    if level >= 0:
        reason = check_means(
            book, header, command, member, product, instrument, account, risk, level
        )
        if reason != Reject.NONE:
            level = -reason
    if level < 0:
        reject_new(event_at(book, at), command, instrument, request, -level)
        return at + 1
    index = make_order(book, command, product, request, risk_index, level)
    order = order_at(book, index)
    if rests(order["ord_type"], order["time_in_force"]) and not reaches(
        book, command, instrument, order["side"], level
    ):
        book_order(book, index, order, instrument, account, risk, product)
        accept(event_at(book, at), command, instrument, order, request)
        return at + 1
    accept(event_at(book, at), command, instrument, order, request)
    if order["ord_type"] > OrdType.LIMIT:
        wait(book, index, order, instrument, command["stop_price"])
        return at + 1
    return come_in(book, at + 1, command, request, index, command["min_qty"])


@kernel
def reaches(book, command, instrument, side, level):
    """Whether a limit order would trade at once, with an order or at an implied price (M-242)."""
    if would_trade(instrument, side, level):
        return True
    if instrument["implied"] == 0:
        return False
    number = np.int64(command["instrument"])
    if not reaches_implied(book, number, side, command["price"]):
        return False
    spread, price = best_source(book, number, side, command["time_ns"])
    if spread == 0:
        return False
    return price <= command["price"] if side == Side.BUY else price >= command["price"]


@kernel
def known_row(rows, number):
    """The row of a number in a table of `rows`, 0 where it lies out of the table."""
    if number >= rows:
        return 0
    return number


@kernel
def known_instrument(book, number):
    """The instrument's row, row 0 (not defined) where the number lies out of the table."""
    return instrument_at(book, known_row(header_of(book)["instruments_rows"], number))


@kernel
def known_account(book, number):
    """The account's row, row 0 where the number lies out of the table."""
    return account_at(book, known_row(header_of(book)["accounts_rows"], number))


@kernel
def known_product(book, number):
    """The product's row, row 0 where the number lies out of the table."""
    return product_at(book, known_row(header_of(book)["products_rows"], number))


@kernel
def known_session(book, number):
    """The session's row, row 0 where the number lies out of the table."""
    return session_at(book, known_row(header_of(book)["sessions_rows"], number))


@kernel
def is_killed(book, member, command):
    """Whether the member, or the session of the command, is blocked (M-171)."""
    if member["kills"] == 0:
        return False
    if member["killed"] != 0:
        return True
    session = known_session(book, command["session"])
    return session["killed"] != 0 and session["member"] == command["member"]


@kernel
def check_access(header, command, member, product, instrument, account):
    """Who may trade what, now: 0 or minus the reject."""
    if header["halted"] != 0:
        return -Reject.VENUE_HALTED
    if instrument["defined"] == 0:
        return -Reject.UNKNOWN_INSTRUMENT
    if instrument["expired"] != 0:
        return -Reject.INSTRUMENT_NOT_TRADING
    if instrument["trading_date"] > instrument["last_trading_date"]:
        return -Reject.INSTRUMENT_NOT_TRADING
    if account["defined"] == 0 or account["member"] != command["member"]:
        return -Reject.UNKNOWN_ACCOUNT
    if member["products"] >> instrument["product"] & 1 == 0:
        return -Reject.NOT_PERMITTED
    if command["reason"] == Reject.STALE_POSS_DUP:
        return -Reject.STALE_POSS_DUP
    return 0


@kernel
def check_order(command, product, instrument):
    """What the order is: its level (LIMIT, else 0) or minus the reject."""
    if command["side"] != Side.BUY and command["side"] != Side.SELL:
        return -Reject.SIDE_INVALID
    reason = check_qty(product, command["qty"])
    if reason == Reject.NONE:
        reason = check_type(product, command["ord_type"], command["time_in_force"])
    if reason == Reject.NONE:
        reason = check_expiry(instrument, command["time_in_force"], command["expire_date"])
    if reason != Reject.NONE:
        return -reason
    level = 0
    if command["ord_type"] == OrdType.LIMIT:
        level = check_price(product, instrument, command["price"])
        if level >= 0 and product["features"] & HAS_PRICE_BANDS != 0:
            level = within_bands(product, instrument, command["side"], command["price"], level)
    elif command["ord_type"] > OrdType.LIMIT:
        level = check_stop(command, command["ord_type"], command["side"], product, instrument)
    if level < 0:
        return level
    reason = check_conditions(product, command)
    if reason == Reject.NONE:
        reason = check_effect(product, command["position_effect"])
    if reason != Reject.NONE:
        return -reason
    return level


@kernel
def check_means(book, header, command, member, product, instrument, account, risk, level):
    """What the member has for it: position to close, risk limits, a row; post-only last."""
    qty = command["qty"]
    side = command["side"]
    bucket = bucket_of(product, instrument, command["position_effect"])
    reason = check_closing(risk, side, bucket, qty)
    if reason == Reject.NONE:
        reason = check_open_orders(account)
    if reason == Reject.NONE:
        reason = check_position(account, risk, side, bucket, qty)
        if bucket == Bucket.SPREAD:
            reason = check_legs(book, account, command["account"], instrument, side, qty)
    if reason == Reject.NONE:
        notional = lot_notional(product, risk_price(command, instrument)) * qty
        reason = check_notional(account, product, notional, 0)
    if reason == Reject.NONE:
        reason = check_rate(account, command["time_ns"])
    if reason != Reject.NONE:
        return reason
    if member["orders_live"] >= member["orders_max"]:
        return Reject.ORDERS_FULL
    if header["orders_live"] >= header["orders_max"]:
        return Reject.ORDERS_FULL
    if command["exec_inst"] & POST_ONLY != 0 and reaches(book, command, instrument, side, level):
        return Reject.POST_ONLY_WOULD_TRADE
    return Reject.NONE


@kernel
def make_order(book, command, product, request_index, risk_index, level):
    """A row of the pool for an accepted order; returns its index."""
    header = header_of(book)
    index = take_row(book)
    header["order_count"] += 1
    order_id = product["shard_bits"] | header["order_count"]
    request = request_at(book, request_index)
    request["order_id"] = order_id
    request["order_index"] = index
    instrument = instrument_at(book, command["instrument"])
    bucket = bucket_of(product, instrument, command["position_effect"])
    open_risk(book, command, command["instrument"], risk_index)
    if bucket == Bucket.SPREAD:
        first = risk_index - command["instrument"]
        open_risk(book, command, instrument["leg_1"], first + instrument["leg_1"])
        open_risk(book, command, instrument["leg_2"], first + instrument["leg_2"])
    order = order_at(book, index)
    order["bucket"] = bucket
    order["order_id"] = order_id
    order["public_id"] = 0
    order["price"] = own_price(command, command["ord_type"])
    order["leaves_qty"] = command["qty"]
    order["shown"] = 0
    order["cum_qty"] = 0
    order["cum_value"] = 0
    order["level"] = level
    order["queue_next"] = 0
    order["queue_prev"] = 0
    order["request"] = request_index
    order["risk"] = risk_index
    order["self_match_id"] = command["self_match_id"]
    order["session"] = command["session"]
    order["account"] = command["account"]
    order["display_qty"] = command["display_qty"]
    order["instrument"] = command["instrument"]
    order["expire_date"] = command["expire_date"]
    order["member"] = command["member"]
    order["product"] = product["product"]
    order["side"] = command["side"]
    order["ord_type"] = command["ord_type"]
    order["time_in_force"] = command["time_in_force"]
    order["position_effect"] = command["position_effect"]
    order["exec_inst"] = command["exec_inst"] & POST_ONLY
    order["self_match"] = command["self_match"]
    order["linked"] = 0
    order["quote"] = 0
    return index


@kernel
def open_risk(book, command, number, risk_index):
    """Chain the risk row of an account in an instrument, with its first order there."""
    risk = risk_at(book, risk_index)
    if risk["account"] != 0:
        return
    risk["account"] = command["account"]
    risk["instrument"] = number
    member = member_at(book, command["member"])
    instrument = instrument_at(book, number)
    risk["member_next"] = member["risk_first"]
    member["risk_first"] = risk_index
    risk["instrument_next"] = instrument["risk_first"]
    instrument["risk_first"] = risk_index


@kernel
def accept(event, command, instrument, order, request):
    """ACCEPTED, with public id and display quantity where the order rests already."""
    order_event(event, command, instrument, order, EventKind.ACCEPTED, OrdStatus.NEW)
    answer(event, command, request)
    event["qty"] = event["order_qty"]


@kernel
def book_order(book, index, order, instrument, account, risk, product):
    """An order comes to rest: queue, sums, and the lists if it is new."""
    queue_order(book, index, order, instrument)
    add_open(book, account, risk, product, order, order["leaves_qty"])
    if order["linked"] == 0:
        link_order(book, index, order)


@kernel
def come_in(book, at, command, request, index, min_qty):
    """An incoming order that its ACCEPTED or REPLACED did not settle: trade, then the rest."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    product = product_at(book, order["product"])
    limit = np.int64(order["level"])
    if order["ord_type"] == OrdType.MARKET:
        limit = market_level(product, instrument, order["side"])
        if limit < 0:
            at = cancel_incoming(book, at, command, order, instrument, CancelReason.MARKET_BAND)
            free_row(book, index)
            return at
    reason = CancelReason.NONE
    if order["time_in_force"] == TimeInForce.FOK:
        if available_qty(book, order, instrument, limit) < order["leaves_qty"]:
            reason = CancelReason.FOK
    elif min_qty != 0 and available_qty(book, order, instrument, limit) < min_qty:
        reason = CancelReason.MIN_QTY
    if reason != CancelReason.NONE:
        at = cancel_incoming(book, at, command, order, instrument, reason)
        free_row(book, index)
        return at
    return go_on(book, at, command, request, index, limit)


@kernel
def go_on(book, at, command, request, index, limit):
    """Sweep, or go on with it; then the rest and a pause that is due, unless rows ran out."""
    header = header_of(book)
    number = np.int64(order_at(book, index)["instrument"])
    is_implied = instrument_at(book, number)["implied"] != 0
    if is_implied:
        at = sweep_implied(book, at, command, request, index, limit)
    else:
        at = sweep(book, at, command, request, index, limit)
    if header["work"] != Work.NONE:
        return at
    order = order_at(book, index)
    product = product_at(book, order["product"])
    at = settle_rest(book, at, command, index)
    if is_implied:
        refresh(book, number)
    if product["features"] & HAS_PAUSES != 0:
        watch_moves(book, command, number)
    return at


@kernel
def settle_rest(book, at, command, index):
    """What becomes of the rest of an order that has traded what it could (M-14)."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    if order["leaves_qty"] == 0:
        if order["linked"] != 0:
            unlink_order(book, index, order)
        free_row(book, index)
        return at
    if rests(order["ord_type"], order["time_in_force"]):
        account = account_at(book, order["account"])
        risk = risk_at(book, order["risk"])
        book_order(
            book, index, order, instrument, account, risk, product_at(book, order["product"])
        )
        status = living_status(order)
        order_event(event_at(book, at), command, instrument, order, EventKind.BOOKED, status)
        return at + 1
    reason = CancelReason.IOC
    if order["ord_type"] == OrdType.MARKET:
        reason = CancelReason.MARKET_BAND
    at = cancel_incoming(book, at, command, order, instrument, reason)
    free_row(book, index)
    return at
