"""Many orders of the naive exchange taken off at once: mass cancels, lost sessions, kills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_phases as phases
from tests import naive_words as w
from tests.naive_state import Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange


def mass_cancel(venue: NaiveExchange, command: dict) -> None:
    """M-19."""
    if command["scope"] == w.SCOPE_INSTRUMENT:
        phases.halt_late(venue, command)
    reason = venue.take_request(command) or refuse_scope(venue, command)
    fields = scope_fields(venue, command)
    if reason:
        venue.emit(w.MASS_CANCEL_REJECTED, reason=reason, **fields)
        return
    meant = [order for order in by_order_id(venue) if in_scope(venue, order, command)]
    for order in meant:
        venue.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.MASS_CANCEL_REASON)
    venue.emit(w.MASS_CANCELLED, qty=len(meant), **fields)


def scope_fields(venue: NaiveExchange, command: dict) -> dict:
    """What an answer to a mass cancel says of it (M-8)."""
    fields = {name: command[name] for name in ("member", "session", "side")}
    if command["scope"] == w.SCOPE_INSTRUMENT:
        fields["instrument"] = command["instrument"]
    elif command["scope"] == w.SCOPE_PRODUCT:
        fields["product"] = command["product"]
    return fields | {"request": venue.request}


def refuse_scope(venue: NaiveExchange, command: dict) -> int:
    """The checks of M-19 after M-10."""
    scope = command["scope"]
    if scope == w.SCOPE_INSTRUMENT:
        if command["instrument"] not in venue.instruments:
            return Reject.UNKNOWN_INSTRUMENT
        return phases.refuse_mass_cancel(venue, command["instrument"])
    if scope == w.SCOPE_PRODUCT:
        return 0 if command["product"] in venue.products else Reject.UNKNOWN_INSTRUMENT
    return 0 if scope == w.SCOPE_MEMBER else Reject.MASS_CANCEL_SCOPE_INVALID


def in_scope(venue: NaiveExchange, order: Order, command: dict) -> bool:
    """Whether a mass cancel means the order; M-101 leaves out what its phase does not cancel."""
    if venue.instruments[order.instrument].phase not in w.TAKE_CANCEL:
        return False
    if order.member != command["member"] or command["side"] not in (0, order.side):
        return False
    if command["scope"] == w.SCOPE_INSTRUMENT:
        return order.instrument == command["instrument"]
    if command["scope"] == w.SCOPE_PRODUCT:
        return venue.instruments[order.instrument].product["product"] == command["product"]
    return True


def by_order_id(venue: NaiveExchange) -> list[Order]:
    """All living orders, as mass cancels and rolls go through them."""
    return [venue.live[order_id] for order_id in sorted(venue.live)]


def session_lost(venue: NaiveExchange, command: dict) -> None:
    """M-45."""
    if command["session"] > venue.bounds.sessions:
        return
    for order in by_order_id(venue):
        is_meant = (order.session, order.member) == (command["session"], command["member"])
        if is_meant and order.time_in_force == w.DAY:
            venue.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.SESSION_LOST_REASON)


def kill(venue: NaiveExchange, command: dict) -> None:
    """M-170."""
    if emit_intervention(venue, w.KILLED, command):
        venue.killed.add((command["member"], command["session"]))
        for order in by_order_id(venue):
            meant = command["session"] in (0, order.session)
            if order.member == command["member"] and meant:
                venue.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.KILLED_REASON)


def release(venue: NaiveExchange, command: dict) -> None:
    """M-172."""
    if emit_intervention(venue, w.RELEASED, command):
        venue.killed.discard((command["member"], command["session"]))


def emit_intervention(venue: NaiveExchange, kind: int, command: dict) -> bool:
    """The event of a kill or its end, unless the command is ignored."""
    member, session = command["member"], command["session"]
    known = member in venue.members if not session else venue.session_members.get(session) == member
    if known and member in venue.members and command["reason"]:
        venue.emit(kind, member=member, session=session, reason=command["reason"])
        return True
    return False


HANDLERS = {
    w.MASS_CANCEL: mass_cancel,
    w.SESSION_LOST: session_lost,
    w.KILL: kill,
    w.RELEASE: release,
}
