"""Mass cancels and lost sessions: many orders taken off in order of order_id.

Live orders are chained per (account, instrument, side), each chain in order of order_id; a heap
merges the chains a mass cancel or a roll means. Its top is looked at before a row is written, so a
stop for want of event rows is always before one more event.

Source: specs/matching.md M-19, M-45, M-70.
"""

from __future__ import annotations

from engine.book import (
    call_at,
    copy_row,
    event_at,
    header_of,
    heap_at,
    instrument_at,
    member_at,
    order_at,
    pending_at,
    risk_at,
)
from engine.depth import in_phases
from engine.emit import answer, clear_event
from engine.enter import known_product, known_row
from engine.flags import TAKES_CANCEL
from engine.kernel import kernel
from engine.layout import Work
from engine.match import remove_resting
from engine.reasons import CancelReason
from engine.types import EventKind, MassCancelScope, OrdStatus, Side, TimeInForce
from specs.rejects import Reject


@kernel
def heap_push(book, index):
    """Enter orders[index], the first of its chain; 0: the chain is at its end."""
    if index == 0:
        return
    header = header_of(book)
    key = order_at(book, index)["order_id"]
    at = header["heap_count"] + 1
    header["heap_count"] = at
    while at > 1 and heap_at(book, at >> 1)["key"] > key:
        copy_row(heap_at(book, at), heap_at(book, at >> 1))
        at >>= 1
    heap_at(book, at)["key"] = key
    heap_at(book, at)["order"] = index


@kernel
def heap_next(book):
    """Replace the top by the next order of its chain, before anything happens to the order."""
    header = header_of(book)
    index = order_at(book, heap_at(book, 1)["order"])["own_next"]
    count = header["heap_count"]
    if index != 0:
        key = order_at(book, index)["order_id"]
    else:
        key = heap_at(book, count)["key"]
        index = heap_at(book, count)["order"]
        count -= 1
        header["heap_count"] = count
    at = 1
    while 2 * at <= count:
        child = 2 * at
        if child < count and heap_at(book, child + 1)["key"] < heap_at(book, child)["key"]:
            child += 1
        if heap_at(book, child)["key"] >= key:
            break
        copy_row(heap_at(book, at), heap_at(book, child))
        at = child
    heap_at(book, at)["key"] = key
    heap_at(book, at)["order"] = index


@kernel
def mass_scope_known(book, command):
    """Checks of a mass cancel after M-10; 0 or the reject."""
    scope = command["scope"]
    if scope == MassCancelScope.INSTRUMENT:
        number = known_row(header_of(book)["instruments_rows"], command["instrument"])
        if instrument_at(book, number)["defined"] == 0:
            return Reject.UNKNOWN_INSTRUMENT
        if not in_phases(TAKES_CANCEL, call_at(book, number)["phase"]):
            return Reject.PHASE_TAKES_NO_CANCELS
    elif scope == MassCancelScope.PRODUCT:
        if known_product(book, command["product"])["defined"] == 0:
            return Reject.UNKNOWN_INSTRUMENT
    elif scope != MassCancelScope.MEMBER:
        return Reject.MASS_CANCEL_SCOPE_INVALID
    return Reject.NONE


@kernel
def mass_event(book, event, command, request, kind, qty, reason):
    """MASS_CANCELLED or MASS_CANCEL_REJECTED (M-8)."""
    clear_event(event, command, kind)
    answer(event, command, request)
    event["member"] = command["member"]
    event["side"] = command["side"]
    event["qty"] = qty
    event["reason"] = reason
    if command["scope"] == MassCancelScope.INSTRUMENT:
        instrument = instrument_at(
            book, known_row(header_of(book)["instruments_rows"], command["instrument"])
        )
        event["instrument"] = command["instrument"]
        event["product"] = instrument["product"]
        event["trading_date"] = instrument["trading_date"]
    elif command["scope"] == MassCancelScope.PRODUCT:
        event["product"] = command["product"]


@kernel
def mass_cancel(book, at, command, request):
    """MASS_CANCEL with its request row."""
    header = header_of(book)
    reason = mass_scope_known(book, command)
    if reason != Reject.NONE:
        kind = EventKind.MASS_CANCEL_REJECTED
        mass_event(book, event_at(book, at), command, request, kind, 0, reason)
        return at + 1
    push_scope(book, command)
    header["work"] = Work.MASS_CANCEL
    header["work_request"] = request
    header["work_count"] = 0
    copy_row(pending_at(book, 0), command)
    return mass_cancel_on(book, at)


@kernel
def push_scope(book, command):
    """Enter the chains of orders that a mass cancel or quote cancel means."""
    scope = command["scope"]
    index = member_at(book, command["member"])["risk_first"]
    while index != 0:
        risk = risk_at(book, index)
        meant = scope == MassCancelScope.MEMBER
        if scope == MassCancelScope.INSTRUMENT:
            meant = risk["instrument"] == command["instrument"]
        elif scope == MassCancelScope.PRODUCT:
            meant = instrument_at(book, risk["instrument"])["product"] == command["product"]
        if meant and in_phases(TAKES_CANCEL, call_at(book, risk["instrument"])["phase"]):
            if command["side"] == Side.NONE or command["side"] == Side.BUY:
                heap_push(book, risk["buy_first"])
            if command["side"] == Side.NONE or command["side"] == Side.SELL:
                heap_push(book, risk["sell_first"])
        index = risk["member_next"]


@kernel
def is_meant(order, command, work):
    """Whether an order of the heap is among those that the work takes off."""
    if work == Work.SESSION_LOST:
        is_day = order["time_in_force"] == TimeInForce.DAY
        return is_day and order["session"] == command["session"]
    if work == Work.KILL:
        return command["session"] == 0 or order["session"] == command["session"]
    if work == Work.PROTECT:
        return order["quote"] != 0
    return True


@kernel
def cancel_meant(book, at, command, reason):
    """Cancel the orders of the heap that the work under way means, as far as rows go."""
    header = header_of(book)
    while header["heap_count"] > 0:
        index = heap_at(book, 1)["order"]
        if is_meant(order_at(book, index), command, header["work"]):
            if header_of(book)["events_rows"] - at < 2:
                return at
            heap_next(book)
            at = remove_resting(
                book,
                at,
                command,
                index,
                EventKind.CANCELLED,
                OrdStatus.CANCELED,
                reason,
            )
            header["work_count"] += 1
        else:
            heap_next(book)
    return at


@kernel
def mass_cancel_on(book, at):
    """Go on with a mass cancel; MASS_CANCELLED at the end."""
    header = header_of(book)
    command = pending_at(book, 0)
    at = cancel_meant(book, at, command, CancelReason.MASS_CANCEL)
    if header["heap_count"] > 0 or at == header_of(book)["events_rows"]:
        return at
    kind = EventKind.MASS_CANCELLED
    request = header["work_request"]
    mass_event(book, event_at(book, at), command, request, kind, header["work_count"], 0)
    header["work"] = Work.NONE
    return at + 1


@kernel
def push_member(book, member):
    """Enter the first orders of all chains of a member."""
    index = member_at(book, member)["risk_first"]
    while index != 0:
        risk = risk_at(book, index)
        heap_push(book, risk["buy_first"])
        heap_push(book, risk["sell_first"])
        index = risk["member_next"]


@kernel
def session_lost(book, at, command):
    """SESSION_LOST: cancel the member's DAY orders of the session as far as rows go."""
    header = header_of(book)
    if command["session"] >= header["sessions_rows"] or command["member"] >= header["members_rows"]:
        return at
    push_member(book, command["member"])
    header["work"] = Work.SESSION_LOST
    copy_row(pending_at(book, 0), command)
    return session_lost_on(book, at)


@kernel
def session_lost_on(book, at):
    """Go on with a lost session."""
    header = header_of(book)
    at = cancel_meant(book, at, pending_at(book, 0), CancelReason.SESSION_LOST)
    if header["heap_count"] == 0:
        header["work"] = Work.NONE
    return at
