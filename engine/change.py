"""Cancel and replace: what a member does to an order it names by OrigClOrdID.

Source: specs/matching.md M-15 to M-18, M-166, M-171.
"""

from __future__ import annotations

import numpy as np

from engine.admit import (
    check_display,
    check_expiry,
    check_price,
    check_qty,
    within_bands,
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
)
from engine.emit import answer, living_status, order_event, reject_cancel
from engine.enter import book_order, come_in, is_killed, known_row, reaches
from engine.flags import HAS_PRICE_BANDS, KEPT_PLACE, POST_ONLY, REPLACE_KEEPS_PLACE
from engine.kernel import kernel
from engine.layout import Bucket
from engine.match import leave_book
from engine.positions import check_closing
from engine.rest import free_row, slice_of, unqueue_order
from engine.risk import add_open, check_notional, check_position, check_rate, lot_notional
from engine.spreads import check_legs
from engine.stops import check_stop, leave_tree, own_price, wait
from engine.types import EventKind, OrdStatus, OrdType
from specs.rejects import Reject


@kernel
def living_order(book, named):
    """Pool row of the order whose current request is the row `named`; 0: none lives."""
    index = request_at(book, named)["order_index"]
    if index == 0:
        return 0
    order = order_at(book, index)
    if (
        order["order_id"] != np.int64(request_at(book, named)["order_id"])
        or order["request"] != named
    ):
        return 0
    return index


@kernel
def check_named(book, command, instrument, named, index):
    """The checks of M-15; 0 or the reject."""
    if instrument["defined"] == 0:
        return Reject.UNKNOWN_INSTRUMENT
    if named == 0:
        return Reject.UNKNOWN_ORDER
    if index == 0:
        request = request_at(book, named)
        if request["order_index"] == 0:
            return Reject.UNKNOWN_ORDER
        if order_at(book, request["order_index"])["order_id"] == np.int64(request["order_id"]):
            return Reject.UNKNOWN_ORDER
        return Reject.TOO_LATE
    order = order_at(book, index)
    if order["instrument"] != command["instrument"]:
        return Reject.ORDER_MISMATCH
    if command["side"] != 0 and command["side"] != order["side"]:
        return Reject.ORDER_MISMATCH
    return Reject.NONE


@kernel
def refuse_change(book, at, command, request, named, reason):
    """CANCEL_REJECTED with what M-16 says of the order named."""
    instrument = instrument_at(
        book, known_row(header_of(book)["instruments_rows"], command["instrument"])
    )
    order = order_at(book, living_order(book, named))
    reject_cancel(event_at(book, at), command, instrument, order, request, named, reason)
    return at + 1


@kernel
def cancel(book, at, command, request, named):
    """CANCEL with its request row; named: the row OrigClOrdID names."""
    instrument = instrument_at(
        book, known_row(header_of(book)["instruments_rows"], command["instrument"])
    )
    index = living_order(book, named)
    reason = check_named(book, command, instrument, named, index)
    if reason != Reject.NONE:
        return refuse_change(book, at, command, request, named, reason)
    order = order_at(book, index)
    request_at(book, request)["order_id"] = order["order_id"]
    qty = order["leaves_qty"]
    leave_book(book, index, order, instrument)
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.CANCELLED, OrdStatus.CANCELED)
    answer(event, command, request)
    event["qty"] = qty
    event["order_qty"] += qty
    free_row(book, index)
    return at + 1


@kernel
def check_amendable(command, order):
    """Fields that a replace may not change (M-17)."""
    if command["account"] != 0 and command["account"] != order["account"]:
        return Reject.NOT_AMENDABLE
    if command["ord_type"] != 0 and command["ord_type"] != order["ord_type"]:
        return Reject.NOT_AMENDABLE
    if command["time_in_force"] != 0 and command["time_in_force"] != order["time_in_force"]:
        return Reject.NOT_AMENDABLE
    if command["position_effect"] != 0 and command["position_effect"] != order["position_effect"]:
        return Reject.NOT_AMENDABLE
    if command["min_qty"] > 0:
        return Reject.NOT_AMENDABLE
    if command["exec_inst"] & POST_ONLY & ~order["exec_inst"] != 0:
        return Reject.NOT_AMENDABLE
    return Reject.NONE


@kernel
def check_replace(book, command, order, product, instrument, account, risk):
    """The new terms of a living order, post-only apart: its new level or minus the reject."""
    reason = check_amendable(command, order)
    if reason == Reject.NONE:
        reason = check_qty(product, command["qty"])
    if reason != Reject.NONE:
        return -reason
    if command["qty"] <= order["cum_qty"]:
        return -Reject.TOO_LATE
    tif = order["time_in_force"]
    reason = check_expiry(instrument, tif, command["expire_date"])
    if reason != Reject.NONE:
        return -reason
    if order["ord_type"] <= OrdType.LIMIT:
        level = check_price(product, instrument, command["price"])
        if level >= 0 and product["features"] & HAS_PRICE_BANDS != 0:
            level = within_bands(product, instrument, order["side"], command["price"], level)
    else:
        level = check_stop(command, order["ord_type"], order["side"], product, instrument)
    if level < 0:
        return level
    reason = check_display(product, order["ord_type"], tif, command["qty"], command["display_qty"])
    leaves = command["qty"] - order["cum_qty"]
    added = leaves - order["leaves_qty"]
    if reason == Reject.NONE:
        reason = check_closing(risk, order["side"], order["bucket"], added)
    if reason == Reject.NONE:
        reason = check_position(account, risk, order["side"], order["bucket"], added)
        if order["bucket"] == Bucket.SPREAD:
            side = order["side"]
            reason = check_legs(book, account, order["account"], instrument, side, added)
    if reason == Reject.NONE:
        notional = lot_notional(product, own_price(command, order["ord_type"])) * leaves
        own_notional = lot_notional(product, order["price"]) * order["leaves_qty"]
        reason = check_notional(account, product, notional, own_notional)
    if reason == Reject.NONE:
        reason = check_rate(account, command["time_ns"])
    if reason != Reject.NONE:
        return -reason
    return level


@kernel
def replace(book, at, command, request, named):
    """REPLACE with its request row; named: the row OrigClOrdID names."""
    instrument = instrument_at(
        book, known_row(header_of(book)["instruments_rows"], command["instrument"])
    )
    index = living_order(book, named)
    reason = Reject.NONE
    if is_killed(book, member_at(book, command["member"]), command):
        reason = Reject.KILLED
    elif header_of(book)["halted"] != 0:
        reason = Reject.VENUE_HALTED
    if reason == Reject.NONE:
        reason = check_named(book, command, instrument, named, index)
    if reason != Reject.NONE:
        return refuse_change(book, at, command, request, named, reason)
    order = order_at(book, index)
    product = product_at(book, order["product"])
    account = account_at(book, order["account"])
    risk = risk_at(book, order["risk"])
    level = check_replace(book, command, order, product, instrument, account, risk)
    if (
        level >= 0
        and order["exec_inst"] != 0
        and reaches(book, command, instrument, order["side"], level)
    ):
        level = -Reject.POST_ONLY_WOULD_TRADE
    if level < 0:
        return refuse_change(book, at, command, request, named, -level)
    request_at(book, request)["order_id"] = order["order_id"]
    request_at(book, request)["order_index"] = index
    if order["ord_type"] > OrdType.LIMIT:
        return replace_stop(book, at, command, request, index)
    kept = keeps_place(command, order, product, order["shown"])
    add_open(book, account, risk, product, order, -order["leaves_qty"])
    if not kept:
        unqueue_order(book, order, instrument)
        order["public_id"] = 0
    amend(command, order, request, level)
    if kept:
        add_open(book, account, risk, product, order, order["leaves_qty"])
        order["shown"] = slice_of(order["leaves_qty"], order["display_qty"])
        replaced(event_at(book, at), command, instrument, order, request)
        event_at(book, at)["flags"] = KEPT_PLACE
        return at + 1
    if not reaches(book, command, instrument, order["side"], level):
        book_order(book, index, order, instrument, account, risk, product)
        replaced(event_at(book, at), command, instrument, order, request)
        return at + 1
    replaced(event_at(book, at), command, instrument, order, request)
    return come_in(book, at + 1, command, request, index, 0)


@kernel
def replace_stop(book, at, command, request, index):
    """An order that waits goes on waiting, on its new terms (M-166)."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    account = account_at(book, order["account"])
    risk = risk_at(book, order["risk"])
    leave_tree(book, index, order, instrument)
    add_open(book, account, risk, product_at(book, order["product"]), order, -order["leaves_qty"])
    amend(command, order, request, 0)
    wait(book, index, order, instrument, command["stop_price"])
    replaced(event_at(book, at), command, instrument, order, request)
    return at + 1


@kernel
def keeps_place(command, order, product, shown):
    """Whether the order stays where it is in its queue (M-18); shown: what the book shows of it."""
    if product["features"] & REPLACE_KEEPS_PLACE == 0:
        return False
    leaves = command["qty"] - order["cum_qty"]
    if command["price"] != order["price"] or leaves > order["leaves_qty"]:
        return False
    return slice_of(leaves, command["display_qty"]) <= shown


@kernel
def amend(command, order, request, level):
    """Write the new terms into the order's row."""
    order["price"] = own_price(command, order["ord_type"])
    order["level"] = level
    order["leaves_qty"] = command["qty"] - order["cum_qty"]
    order["display_qty"] = command["display_qty"]
    order["expire_date"] = command["expire_date"]
    order["request"] = request


@kernel
def replaced(event, command, instrument, order, request):
    """REPLACED: the order with its new terms."""
    order_event(event, command, instrument, order, EventKind.REPLACED, living_status(order))
    answer(event, command, request)
    event["qty"] = event["order_qty"]
