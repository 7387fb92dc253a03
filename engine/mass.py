"""Mass cancels and lost sessions: many orders taken off in order of order_id.

Live orders are chained per (account, instrument, side), each chain in order of order_id; a heap
merges the chains a mass cancel or a roll means. Its top is looked at before a row is written, so a
stop for want of event rows is always before one more event.

Source: specs/matching.md M-19, M-45, M-70.
"""

from __future__ import annotations

from engine.book import Work
from engine.emit import answer, clear_event
from engine.enter import known_row
from engine.kernel import kernel
from engine.match import cancel_resting
from engine.types import CancelReason, EventKind, MassCancelScope, OrdStatus, Side
from specs.rejects import Reject


@kernel
def heap_push(book, index):
    """Enter orders[index], the first of its chain; 0: the chain is at its end."""
    if index == 0:
        return
    header = book.header[0]
    heap = book.heap
    key = book.orders[index]["order_id"]
    at = header["heap_count"] + 1
    header["heap_count"] = at
    while at > 1 and heap[at >> 1]["key"] > key:
        heap[at] = heap[at >> 1]
        at >>= 1
    heap[at]["key"] = key
    heap[at]["order"] = index


@kernel
def heap_next(book):
    """Replace the top by the next order of its chain, before anything happens to the order."""
    header = book.header[0]
    heap = book.heap
    index = book.links[heap[1]["order"]]["own_next"]
    count = header["heap_count"]
    if index != 0:
        key = book.orders[index]["order_id"]
    else:
        key = heap[count]["key"]
        index = heap[count]["order"]
        count -= 1
        header["heap_count"] = count
    at = 1
    while 2 * at <= count:
        child = 2 * at
        if child < count and heap[child + 1]["key"] < heap[child]["key"]:
            child += 1
        if heap[child]["key"] >= key:
            break
        heap[at] = heap[child]
        at = child
    heap[at]["key"] = key
    heap[at]["order"] = index


@kernel
def mass_scope_known(book, command):
    """Checks of a mass cancel after M-10; 0 or the reject."""
    scope = command["scope"]
    if scope == MassCancelScope.INSTRUMENT:
        number = known_row(book.instruments, command["instrument"])
        if book.instruments[number]["defined"] == 0:
            return Reject.UNKNOWN_INSTRUMENT
    elif scope == MassCancelScope.PRODUCT:
        if book.products[known_row(book.products, command["product"])]["defined"] == 0:
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
        instrument = book.instruments[known_row(book.instruments, command["instrument"])]
        event["instrument"] = command["instrument"]
        event["product"] = instrument["product"]
        event["trading_date"] = instrument["trading_date"]
    elif command["scope"] == MassCancelScope.PRODUCT:
        event["product"] = command["product"]


@kernel
def mass_cancel(book, events, at, command, request):
    """MASS_CANCEL with its request row."""
    header = book.header[0]
    reason = mass_scope_known(book, command)
    if reason != Reject.NONE:
        kind = EventKind.MASS_CANCEL_REJECTED
        mass_event(book, events[at], command, request, kind, 0, reason)
        return at + 1
    scope = command["scope"]
    index = book.members[command["member"]]["risk_first"]
    while index != 0:
        risk = book.risks[index]
        meant = scope == MassCancelScope.MEMBER
        if scope == MassCancelScope.INSTRUMENT:
            meant = risk["instrument"] == command["instrument"]
        elif scope == MassCancelScope.PRODUCT:
            meant = book.instruments[risk["instrument"]]["product"] == command["product"]
        if meant:
            if command["side"] == Side.NONE or command["side"] == Side.BUY:
                heap_push(book, risk["buy_first"])
            if command["side"] == Side.NONE or command["side"] == Side.SELL:
                heap_push(book, risk["sell_first"])
        index = risk["member_next"]
    header["work"] = Work.MASS_CANCEL
    header["work_request"] = request
    header["work_count"] = 0
    book.pending[0] = command
    return mass_cancel_on(book, events, at)


@kernel
def mass_cancel_on(book, events, at):
    """Cancel the heap's orders as far as rows go; MASS_CANCELLED at the end."""
    header = book.header[0]
    command = book.pending[0]
    while header["heap_count"] > 0:
        if at == events.shape[0]:
            return at
        index = book.heap[1]["order"]
        heap_next(book)
        at = cancel_resting(
            book,
            events,
            at,
            command,
            index,
            EventKind.CANCELLED,
            OrdStatus.CANCELED,
            CancelReason.MASS_CANCEL,
        )
        header["work_count"] += 1
    if at == events.shape[0]:
        return at
    kind = EventKind.MASS_CANCELLED
    request = header["work_request"]
    mass_event(book, events[at], command, request, kind, header["work_count"], 0)
    header["work"] = Work.NONE
    return at + 1


@kernel
def session_lost(book, events, at, command):
    """SESSION_LOST: cancel the session's DAY orders as far as rows go."""
    header = book.header[0]
    header["work"] = Work.SESSION_LOST
    book.pending[0] = command
    return session_lost_on(book, events, at)


@kernel
def session_lost_on(book, events, at):
    """Go on with a lost session."""
    command = book.pending[0]
    session = book.sessions[known_row(book.sessions, command["session"])]
    if command["session"] >= book.sessions.shape[0]:
        book.header[0]["work"] = Work.NONE
        return at
    while session["order_first"] != 0:
        if at == events.shape[0]:
            return at
        at = cancel_resting(
            book,
            events,
            at,
            command,
            session["order_first"],
            EventKind.CANCELLED,
            OrdStatus.CANCELED,
            CancelReason.SESSION_LOST,
        )
    book.header[0]["work"] = Work.NONE
    return at
