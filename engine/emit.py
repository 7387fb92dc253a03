"""Event rows: one function for a report of an order, one for a refusal, one for a market fact.

Each writes every field of the row it is given, so that equal runs are equal bytes. Rows are
records, not arrays: a kernel hands over a pointer.

Source: specs/matching.md M-3, M-4, M-8.
"""

from __future__ import annotations

from engine.book import event_at
from engine.flags import LAST_OF_COMMAND, UNSOLICITED
from engine.kernel import kernel
from engine.types import EventKind, OrdStatus, OrdType


@kernel
def clear_event(event, command, kind):
    """A row of this command with everything else 0."""
    event["time_ns"] = command["time_ns"]
    event["order_id"] = 0
    event["trade_id"] = 0
    event["public_id"] = 0
    event["price"] = 0
    event["qty"] = 0
    event["leaves_qty"] = 0
    event["cum_qty"] = 0
    event["cum_value"] = 0
    event["order_qty"] = 0
    event["display_qty"] = 0
    event["request"] = 0
    event["order_request"] = 0
    event["session"] = 0
    event["account"] = 0
    event["instrument"] = 0
    event["trading_date"] = 0
    event["msg_seq_num"] = 0
    event["member"] = 0
    event["reason"] = 0
    event["product"] = 0
    event["kind"] = kind
    event["side"] = 0
    event["ord_type"] = 0
    event["time_in_force"] = 0
    event["ord_status"] = 0
    event["flags"] = 0


@kernel
def living_status(order):
    """Status of an order that lives (M-8)."""
    if order["cum_qty"] == 0:
        return OrdStatus.NEW
    return OrdStatus.PARTIALLY_FILLED


@kernel
def order_event(event, command, instrument, order, kind, ord_status):
    """A row of an order as it stands, addressed to nobody, quantity 0."""
    event["time_ns"] = command["time_ns"]
    event["order_id"] = order["order_id"]
    event["trade_id"] = 0
    event["public_id"] = order["public_id"]
    event["price"] = order["price"]
    event["qty"] = 0
    event["leaves_qty"] = order["leaves_qty"]
    event["cum_qty"] = order["cum_qty"]
    event["cum_value"] = order["cum_value"]
    event["order_qty"] = order["cum_qty"] + order["leaves_qty"]
    event["display_qty"] = order["shown"]
    event["request"] = 0
    event["order_request"] = order["request"]
    event["session"] = 0
    event["account"] = order["account"]
    event["instrument"] = order["instrument"]
    event["trading_date"] = instrument["trading_date"]
    event["msg_seq_num"] = 0
    event["member"] = order["member"]
    event["reason"] = 0
    event["product"] = order["product"]
    event["kind"] = kind
    event["side"] = order["side"]
    event["ord_type"] = order["ord_type"]
    event["time_in_force"] = order["time_in_force"]
    event["ord_status"] = ord_status
    event["flags"] = 0


@kernel
def answer(event, command, request):
    """Address a report to the session that asked."""
    event["request"] = request
    event["session"] = command["session"]
    event["msg_seq_num"] = command["msg_seq_num"]


@kernel
def notify(event, command, order, qty, reason):
    """Address a report that nobody asked for to the order's session."""
    event["session"] = order["session"]
    if order["session"] == command["session"]:
        event["msg_seq_num"] = command["msg_seq_num"]
    event["flags"] = UNSOLICITED
    event["qty"] = qty
    event["reason"] = reason


@kernel
def reject_new(event, command, instrument, request, reason):
    """REJECTED: the order's fields as asked; instrument: row 0 where it is unknown."""
    clear_event(event, command, EventKind.REJECTED)
    answer(event, command, request)
    event["order_request"] = request
    event["reason"] = reason
    event["ord_status"] = OrdStatus.REJECTED
    if command["ord_type"] == OrdType.STOP:
        event["price"] = command["stop_price"]
    elif command["ord_type"] != OrdType.MARKET:
        event["price"] = command["price"]
    event["qty"] = command["qty"]
    event["order_qty"] = command["qty"]
    event["account"] = command["account"]
    event["instrument"] = command["instrument"]
    event["trading_date"] = instrument["trading_date"]
    event["product"] = instrument["product"]
    event["member"] = command["member"]
    event["side"] = command["side"]
    event["ord_type"] = command["ord_type"]
    event["time_in_force"] = command["time_in_force"]


@kernel
def reject_cancel(event, command, instrument, order, request, order_request, reason):
    """CANCEL_REJECTED; order: the living order's row, or row 0 where none lives (M-16)."""
    if order["order_id"] != 0:
        order_event(
            event, command, instrument, order, EventKind.CANCEL_REJECTED, living_status(order)
        )
    else:
        clear_event(event, command, EventKind.CANCEL_REJECTED)
        event["ord_status"] = OrdStatus.REJECTED
    answer(event, command, request)
    event["member"] = command["member"]
    event["order_request"] = order_request
    event["reason"] = reason
    event["instrument"] = command["instrument"]
    event["trading_date"] = instrument["trading_date"]
    event["product"] = instrument["product"]


@kernel
def mark_last(book, at, first):
    """The command's last event, if it has one among event rows first to at - 1 (M-5)."""
    if at > first:
        event_at(book, at - 1)["flags"] |= LAST_OF_COMMAND
