"""Mass quotes: a bid and an ask a command, both or neither, and the cancel of quotes.

A side of a quote is an order of its account: it queues, trades and ends as any other. Its risk row
names it, so the quote it replaces is found without a search; an order that has ended leaves its
number there, and the pool's row says so.

Source: specs/matching.md M-180 to M-186; docs/decisions/0106-quotes.md.
"""

from __future__ import annotations

import numpy as np

from engine.admit import check_price, price_level, within_bands, would_trade
from engine.book import (
    account_at,
    copy_row,
    event_at,
    header_of,
    heap_at,
    instrument_at,
    member_at,
    order_at,
    pending_at,
    product_at,
    request_at,
    risk_at,
)
from engine.depth import leave_call
from engine.emit import answer, clear_event, living_status, order_event
from engine.enter import (
    book_order,
    check_access,
    come_in,
    is_killed,
    known_account,
    known_row,
    make_order,
    reaches,
)
from engine.flags import (
    HAS_PRICE_BANDS,
    KEPT_PLACE,
    POSITION_EFFECT_REQUIRED,
    QUOTE,
    REPLACE_KEEPS_PLACE,
)
from engine.kernel import kernel
from engine.layout import Bucket, Work
from engine.locked import may_be_locked, note_lock
from engine.mass import heap_next, mass_event, mass_scope_known, push_scope
from engine.match import leave_book
from engine.positions import bucket_of
from engine.reasons import CancelReason
from engine.rest import free_row, unqueue_order
from engine.risk import add_open, check_position, lot_notional
from engine.spreads import check_legs
from engine.types import (
    CommandKind,
    Currency,
    EventKind,
    OrdStatus,
    OrdType,
    PositionEffect,
    SelfMatch,
    Side,
    TimeInForce,
)
from specs.rejects import Reject


@kernel
def living_quote(book, risk_index, side):
    """Pool row of the quote of an account and instrument on a side; 0: none lives."""
    risk = risk_at(book, risk_index)
    index = risk["quote_bid"] if side == Side.BUY else risk["quote_ask"]
    order = order_at(book, index)
    is_other = order["risk"] != risk_index or order["side"] != side
    if order["order_id"] == 0 or order["quote"] == 0 or is_other:
        return 0
    return np.int64(index)


@kernel
def begin_quotes(book, at, command, request):
    """The first quote of a message: QUOTES_TAKEN, or what its request was refused for (M-181)."""
    header = header_of(book)
    event = event_at(book, at)
    header["quote_request"] = max(request, 0)
    if request > 0:
        clear_event(event, command, EventKind.QUOTES_TAKEN)
    else:
        clear_event(event, command, EventKind.QUOTE_REJECTED)
        event["reason"] = -request
    answer(event, command, header["quote_request"])
    event["member"] = command["member"]
    return at + 1


@kernel
def is_of_message(book, command):
    """Whether the quote belongs to the message that goes on."""
    row = header_of(book)["quote_request"]
    request = request_at(book, row)
    if row == 0 or request["kind"] != CommandKind.MASS_QUOTE:
        return False
    return request["member"] == command["member"] and request["session"] == command["session"]


@kernel
def enter_quote(book, at, command):
    """A quote of the message that goes on: refused, or both its sides come in (M-182, M-184)."""
    number = known_row(header_of(book)["instruments_rows"], command["instrument"])
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    reason = check_quote(book, command, instrument, product)
    if reason != 0:
        return reject_quote(book, at, command, instrument, reason)
    account_at(book, command["account"])["quote_session"] = command["session"]
    ask_first = False
    if command["qty"] != 0:
        level = price_level(product, instrument, command["price"])
        ask_first = would_trade(instrument, Side.BUY, level)
    if ask_first:
        at = enter_side(book, at, command, instrument, product, Side.SELL)
        return enter_side(book, at, command, instrument, product, Side.BUY)
    at = enter_side(book, at, command, instrument, product, Side.BUY)
    return enter_side(book, at, command, instrument, product, Side.SELL)


@kernel
def check_quote(book, command, instrument, product):
    """The checks of M-182 in order; 0 or the reject."""
    member = member_at(book, command["member"])
    account = known_account(book, command["account"])
    if is_killed(book, member, command):
        return np.int64(Reject.KILLED)
    reason = -check_access(header_of(book), command, member, product, instrument, account)
    if reason != 0:
        return np.int64(reason)
    if command["time_ns"] > instrument["continuous_until_ns"]:
        return np.int64(Reject.PHASE_TAKES_NO_QUOTES)
    if instrument["implied"] != 0:  # M-248
        return np.int64(Reject.PHASE_TAKES_NO_QUOTES)
    if account["quotes_frozen"] != 0:
        return np.int64(Reject.QUOTES_PULLED)
    bids = command["qty"]
    asks = command["display_qty"]
    most = product["qty_max"]
    if bids < 0 or bids > most or asks < 0 or asks > most:
        return np.int64(Reject.QUOTE_SIZE_INVALID)
    if bids != 0:
        reason = check_level(product, instrument, Side.BUY, command["price"])
    if reason == 0 and asks != 0:
        reason = check_level(product, instrument, Side.SELL, command["stop_price"])
    if reason != 0:
        return np.int64(reason)
    if bids != 0 and asks != 0 and command["price"] >= command["stop_price"]:
        return np.int64(Reject.QUOTE_CROSSED)
    return check_quote_means(book, command, instrument, product, account, member)


@kernel
def check_level(product, instrument, side, price):
    """The price of a side as M-11 has it; 0 or the reject."""
    level = check_price(product, instrument, price)
    if level >= 0 and product["features"] & HAS_PRICE_BANDS != 0:
        level = within_bands(product, instrument, side, price, level)
    return -min(level, 0)


@kernel
def check_quote_means(book, command, instrument, product, account, member):
    """Risk of both sides with the quote they replace taken out, then the rows; 0 or the reject."""
    header = header_of(book)
    risk_index = command["account"] * header["risk_stride"] + command["instrument"]
    risk = risk_at(book, risk_index)
    bids = command["qty"]
    asks = command["display_qty"]
    bid = order_at(book, living_quote(book, risk_index, Side.BUY))
    ask = order_at(book, living_quote(book, risk_index, Side.SELL))
    made = 0
    if bids != 0 and bid["order_id"] == 0:
        made += 1
    if asks != 0 and ask["order_id"] == 0:
        made += 1
    if made != 0 and account["orders_live"] + made > account["open_orders_max"]:
        return np.int64(Reject.OPEN_ORDERS_MAX)
    added = bids - bid["leaves_qty"]
    reason = check_exposure(book, command, instrument, product, account, risk, Side.BUY, added)
    if reason == 0:
        added = asks - ask["leaves_qty"]
        reason = check_exposure(book, command, instrument, product, account, risk, Side.SELL, added)
    if reason != 0:
        return reason
    bought = lot_notional(product, command["price"]) * bids
    sold = lot_notional(product, command["stop_price"]) * asks
    if max(bought, sold) > account["order_notional_max"]:
        return np.int64(Reject.ORDER_NOTIONAL_MAX)
    own = lot_notional(product, bid["price"]) * bid["leaves_qty"]
    own += lot_notional(product, ask["price"]) * ask["leaves_qty"]
    usd = product["currency"] == Currency.USD
    held = account["notional_1"] if usd else account["notional_2"]
    if held - own + bought + sold > account["open_notional_max"]:
        return np.int64(Reject.OPEN_NOTIONAL_MAX)
    if made != 0:
        if member["orders_live"] + made > member["orders_max"]:
            return np.int64(Reject.ORDERS_FULL)
        if header["orders_live"] + made > header["orders_max"]:
            return np.int64(Reject.ORDERS_FULL)
    return np.int64(0)


@kernel
def check_exposure(book, command, instrument, product, account, risk, side, added):
    """M-61, M-62 of a side that is given; 0 or the reject."""
    if (command["qty"] if side == Side.BUY else command["display_qty"]) == 0:
        return np.int64(0)
    bucket = bucket_of(product, instrument, PositionEffect.OPEN)
    if bucket == Bucket.SPREAD:
        return np.int64(check_legs(book, account, command["account"], instrument, side, added))
    return np.int64(check_position(account, risk, side, bucket, added))


@kernel
def reject_quote(book, at, command, instrument, reason):
    """QUOTE_REJECTED of one quote: order_id is its number in the message (M-181)."""
    event = event_at(book, at)
    clear_event(event, command, EventKind.QUOTE_REJECTED)
    answer(event, command, header_of(book)["quote_request"])
    event["member"] = command["member"]
    event["reason"] = reason
    event["order_id"] = command["order_id"]
    event["qty"] = command["quote_set"]
    event["account"] = command["account"]
    event["instrument"] = command["instrument"]
    event["product"] = instrument["product"]
    event["trading_date"] = instrument["trading_date"]
    return at + 1


@kernel
def enter_side(book, at, command, instrument, product, side):
    """One side of a quote that was taken: off, replaced in its place or anew, or a new order."""
    header = header_of(book)
    risk_index = command["account"] * header["risk_stride"] + command["instrument"]
    index = living_quote(book, risk_index, side)
    qty = command["qty"] if side == Side.BUY else command["display_qty"]
    if index != 0 and (qty == 0 or order_at(book, index)["cum_qty"] + qty > product["qty_max"]):
        at = cancel_quote(book, at, command, index)
        index = 0
    if qty == 0:
        return at
    price = command["price"] if side == Side.BUY else command["stop_price"]
    level = price_level(product, instrument, price)
    row = side_command(book, command, product, side, price, qty)
    request = header["quote_request"]
    if index != 0:
        if keeps_quote(order_at(book, index), product, price, qty):
            return keep_quote(book, at, row, index, request)
        kind = EventKind.REPLACED
        requote(book, row, index, request, level)
    else:
        kind = EventKind.ACCEPTED
        index = make_quote(book, row, product, request, risk_index, level)
    order = order_at(book, index)
    if reaches(book, row, instrument, side, level):
        quote_event(event_at(book, at), row, instrument, order, kind)
        return come_in(book, at + 1, row, 0, index, 0)
    account = account_at(book, order["account"])
    book_order(book, index, order, instrument, account, risk_at(book, risk_index), product)
    quote_event(event_at(book, at), row, instrument, order, kind)
    return at + 1


@kernel
def side_command(book, command, product, side, price, qty):
    """A side of a quote as the command of an order: LIMIT, DAY, opening where effects are asked."""
    row = pending_at(book, 1)
    copy_row(row, command)
    row["side"] = side
    row["price"] = price
    row["qty"] = qty
    row["stop_price"] = 0
    row["display_qty"] = 0
    row["min_qty"] = 0
    row["expire_date"] = 0
    row["ord_type"] = OrdType.LIMIT
    row["time_in_force"] = TimeInForce.DAY
    row["exec_inst"] = 0
    row["self_match"] = SelfMatch.NONE
    row["self_match_id"] = 0
    row["position_effect"] = PositionEffect.NONE
    if product["features"] & POSITION_EFFECT_REQUIRED != 0:
        row["position_effect"] = PositionEffect.OPEN
    return row


@kernel
def make_quote(book, row, product, request, risk_index, level):
    """A new order for a side; its request names many, so it names none of them (M-183)."""
    index = make_order(book, row, product, request, risk_index, level)
    order_at(book, index)["quote"] = 1
    request_at(book, request)["order_id"] = 0
    request_at(book, request)["order_index"] = 0
    risk = risk_at(book, risk_index)
    if row["side"] == Side.BUY:
        risk["quote_bid"] = index
    else:
        risk["quote_ask"] = index
    return index


@kernel
def keeps_quote(order, product, price, qty):
    """Whether a side stays where it is in its queue: same price, no more than it has (M-184)."""
    if product["features"] & REPLACE_KEEPS_PLACE == 0:
        return False
    return price == order["price"] and qty <= order["leaves_qty"]


@kernel
def keep_quote(book, at, row, index, request):
    """A side stays in its place with a smaller or equal size."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    risk = risk_at(book, order["risk"])
    fewer = row["qty"] - order["leaves_qty"]
    account = account_at(book, order["account"])
    add_open(book, account, risk, product_at(book, order["product"]), order, fewer)
    order["leaves_qty"] = row["qty"]
    order["shown"] = row["qty"]
    order["request"] = request
    quote_event(event_at(book, at), row, instrument, order, EventKind.REPLACED)
    event_at(book, at)["flags"] |= KEPT_PLACE
    return at + 1


@kernel
def requote(book, row, index, request, level):
    """A side leaves its queue and takes its new terms."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    account = account_at(book, order["account"])
    product = product_at(book, order["product"])
    add_open(book, account, risk_at(book, order["risk"]), product, order, -order["leaves_qty"])
    unqueue_order(book, order, instrument)
    order["public_id"] = 0
    order["price"] = row["price"]
    order["level"] = level
    order["leaves_qty"] = row["qty"]
    order["request"] = request


@kernel
def quote_event(event, row, instrument, order, kind):
    """ACCEPTED or REPLACED of a side: a fact for the book, told to nobody (M-185)."""
    order_event(event, row, instrument, order, kind, living_status(order))
    event["qty"] = event["order_qty"]
    event["flags"] = QUOTE


@kernel
def cancel_quote(book, at, command, index):
    """CANCELLED of a side, told to nobody; in a call two events."""
    order = order_at(book, index)
    instrument = instrument_at(book, order["instrument"])
    qty = order["leaves_qty"]
    level = order["level"]
    leave_book(book, index, order, instrument)
    event = event_at(book, at)
    order_event(event, command, instrument, order, EventKind.CANCELLED, OrdStatus.CANCELED)
    event["qty"] = qty
    event["order_qty"] += qty
    event["reason"] = CancelReason.QUOTE_CANCELLED
    event["flags"] = QUOTE
    free_row(book, index)
    if instrument["continuous_until_ns"] < 0:
        number = np.int64(order["instrument"])
        return leave_call(book, at + 1, command, number, order["side"], level, qty)
    return at + 1


@kernel
def cancel_quotes(book, at, command, request):
    """QUOTE_CANCEL: refused, or the member's quotes of its scope are taken off (M-186)."""
    header = header_of(book)
    reason = -min(request, 0)
    if reason == 0:
        reason = np.int64(mass_scope_known(book, command))
    if reason != 0:
        kind = EventKind.QUOTE_REJECTED
        mass_event(book, event_at(book, at), command, max(request, 0), kind, 0, reason)
        return at + 1
    push_scope(book, command)
    header["work"] = Work.QUOTES
    header["work_request"] = request
    header["work_count"] = 0
    copy_row(pending_at(book, 0), command)
    return cancel_quotes_on(book, at)


@kernel
def cancel_quotes_on(book, at):
    """Take off the quotes among the heap's orders as far as rows go; then QUOTES_CANCELLED."""
    header = header_of(book)
    command = pending_at(book, 0)
    while header["heap_count"] > 0:
        index = heap_at(book, 1)["order"]
        if order_at(book, index)["quote"] == 0:
            heap_next(book)
            continue
        if header["events_rows"] - at < 2:
            return at
        heap_next(book)
        number = np.int64(order_at(book, index)["instrument"])
        at = cancel_quote(book, at, command, index)
        if may_be_locked(header, instrument_at(book, number)):
            note_lock(book, number, command["time_ns"])
        header["work_count"] += 1
    if at == header["events_rows"]:
        return at
    kind = EventKind.QUOTES_CANCELLED
    request = header["work_request"]
    mass_event(book, event_at(book, at), command, request, kind, header["work_count"], 0)
    header["work"] = Work.NONE
    return at + 1
