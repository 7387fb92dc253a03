"""Orders of an instrument that is not in continuous trading: what its phase takes, and a call.

Nothing here matches. In a call an order joins its queue at once, sells half a room above their
level; a hidden one is given its slice and public id by the uncross. Continuous trading never comes
here.

Source: specs/matching.md M-101 to M-104, M-108, M-109.
"""

from __future__ import annotations

from engine.admit import rests
from engine.book import (
    account_at,
    call_at,
    event_at,
    header_of,
    instrument_at,
    member_at,
    order_at,
    product_at,
    request_at,
    risk_at,
)
from engine.change import (
    amend,
    cancel,
    check_named,
    check_replace,
    keeps_place,
    living_order,
    refuse_change,
    replaced,
)
from engine.depth import (
    add_depth,
    enter_phase,
    in_phases,
    indicate,
    leave_call,
    market_event,
)
from engine.emit import reject_new
from engine.enter import (
    accept,
    check_access,
    check_means,
    check_order,
    is_killed,
    known_account,
    make_order,
)
from engine.flags import (
    AUCTION_HIDDEN,
    IS_OPEN,
    KEPT_PLACE,
    POST_ONLY,
    TAKES_CANCEL,
    TAKES_NEW,
    TAKES_REPLACE,
    TRADES,
)
from engine.kernel import kernel
from engine.reasons import PhaseReason
from engine.rest import join_queue, link_order, show_order, slice_of, unqueue_order
from engine.risk import add_open
from engine.settle import note_close
from engine.types import CommandKind, EventKind, OrdType, Phase, Side
from specs.rejects import Reject


@kernel
def end_phase(book, at, command, number):
    """A command after the scheduled end of an open phase: PHASE_CHANGED to HALTED (M-102)."""
    call = call_at(book, number)
    end_ns = call["scheduled_end_ns"]
    if not in_phases(IS_OPEN, call["phase"]) or end_ns == 0 or command["time_ns"] <= end_ns:
        return at
    return change_phase(book, at, command, number, Phase.HALTED, 0, PhaseReason.SCHEDULE_ENDED)


@kernel
def change_phase(book, at, command, number, phase, end_ns, reason):
    """PHASE_CHANGED (M-100)."""
    before = call_at(book, number)["phase"]
    if in_phases(TRADES, before) and not in_phases(TRADES, phase):
        note_close(book, number, command["time_ns"])
    enter_phase(book, number, phase, end_ns)
    market_event(book, at, command, number, EventKind.PHASE_CHANGED)
    event = event_at(book, at)
    event["qty"] = phase
    event["leaves_qty"] = before
    event["cum_value"] = end_ns
    event["reason"] = reason
    return at + 1


@kernel
def check_phase(phase, command):
    """Whether the phase takes the new order (M-101, M-103); 0 or the reject."""
    if not in_phases(TAKES_NEW, phase):
        return Reject.PHASE_TAKES_NO_ORDERS
    if not rests(command["ord_type"], command["time_in_force"]):
        return Reject.ORDER_NOT_FOR_CALL
    if command["exec_inst"] & POST_ONLY != 0:
        return Reject.ORDER_NOT_FOR_CALL
    return Reject.NONE


@kernel
def new_in_phase(book, at, command, request, number):
    """NEW_ORDER with its request row, of an instrument that does not trade continuously."""
    header = header_of(book)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    account = known_account(book, command["account"])
    member = member_at(book, command["member"])
    if is_killed(book, member, command):
        level = -Reject.KILLED
    else:
        level = check_access(header, command, member, product, instrument, account)
    if level == 0:
        level = -check_phase(call_at(book, number)["phase"], command)
    risk_index = 0
    if level == 0:
        risk_index = command["account"] * header["risk_stride"] + number
        level = check_order(command, product, instrument)
    if level >= 0:
        risk = risk_at(book, risk_index)
        reason = check_means(
            book, header, command, member, product, instrument, account, risk, level
        )
        if reason != Reject.NONE:
            level = -reason
    if level < 0:
        reject_new(event_at(book, at), command, instrument, request, -level)
        return at + 1
    level = level_in_call(instrument, command["side"], level)
    index = make_order(book, command, product, request, risk_index, level)
    order = order_at(book, index)
    join_call(book, index, order, number)
    link_order(book, index, order)
    accept(event_at(book, at), command, instrument, order, request)
    return indicate(book, at + 1, command, number)


@kernel
def level_in_call(instrument, side, level):
    """Where an order of a level stands in a call."""
    if side == Side.SELL:
        return level + (instrument["level_room"] >> 1)
    return level


@kernel
def join_call(book, index, order, number):
    """An order comes to rest in a call, with its slice where the product shows it (M-109)."""
    instrument = instrument_at(book, number)
    product = product_at(book, order["product"])
    lots = order["leaves_qty"]
    if product["features"] & AUCTION_HIDDEN == 0:
        show_order(book, order)
    join_queue(book, index, order, instrument)
    account = account_at(book, order["account"])
    add_open(book, account, risk_at(book, order["risk"]), product, order, lots)
    add_depth(book, number, order["side"], order["level"], lots)


@kernel
def change_in_phase(book, at, command, request, named, number):
    """CANCEL or REPLACE with its request row, of an instrument not in continuous trading."""
    instrument = instrument_at(book, number)
    phase = call_at(book, number)["phase"]
    replaces = command["kind"] == CommandKind.REPLACE
    index = living_order(book, named)
    reason = Reject.NONE
    if replaces and is_killed(book, member_at(book, command["member"]), command):
        reason = Reject.KILLED
    elif replaces and header_of(book)["halted"] != 0:
        reason = Reject.VENUE_HALTED
    if reason == Reject.NONE:
        reason = check_named(book, command, instrument, named, index)
    takes = TAKES_REPLACE if replaces else TAKES_CANCEL
    if reason == Reject.NONE and not in_phases(takes, phase):
        reason = Reject.PHASE_TAKES_NO_CANCELS
    waits = order_at(book, index)["ord_type"] > OrdType.LIMIT
    if reason == Reject.NONE and replaces and waits:
        reason = Reject.ORDER_NOT_FOR_CALL
    if reason != Reject.NONE:
        return refuse_change(book, at, command, request, named, reason)
    if replaces:
        return replace_in_call(book, at, command, request, named, number)
    order = order_at(book, index)
    lots = order["leaves_qty"]
    level = order["level"]
    at = cancel(book, at, command, request, named)
    if waits:
        return at
    return leave_call(book, at, command, number, order["side"], level, lots)


@kernel
def replace_in_call(book, at, command, request, named, number):
    """REPLACE that its phase takes: M-17 and M-18 without matching."""
    instrument = instrument_at(book, number)
    index = living_order(book, named)
    order = order_at(book, index)
    product = product_at(book, order["product"])
    account = account_at(book, order["account"])
    risk = risk_at(book, order["risk"])
    level = check_replace(book, command, order, product, instrument, account, risk)
    if level < 0:
        return refuse_change(book, at, command, request, named, -level)
    request_at(book, request)["order_id"] = order["order_id"]
    request_at(book, request)["order_index"] = index
    lots = order["leaves_qty"]
    shown = order["shown"]
    if order["public_id"] == 0:
        shown = slice_of(lots, order["display_qty"])
    kept = keeps_place(command, order, product, shown)
    side = order["side"]
    add_open(book, account, risk, product, order, -lots)
    add_depth(book, number, side, order["level"], -lots)
    if not kept:
        unqueue_order(book, order, instrument)
        order["public_id"] = 0
    amend(command, order, request, level_in_call(instrument, side, level))
    if not kept:
        join_call(book, index, order, number)
        replaced(event_at(book, at), command, instrument, order, request)
        return indicate(book, at + 1, command, number)
    lots = order["leaves_qty"]
    add_open(book, account, risk, product, order, lots)
    add_depth(book, number, side, order["level"], lots)
    if order["public_id"] != 0:
        order["shown"] = slice_of(lots, order["display_qty"])
    replaced(event_at(book, at), command, instrument, order, request)
    event_at(book, at)["flags"] = KEPT_PLACE
    return indicate(book, at + 1, command, number)
