"""Block trades: agreed outside the book, reported by both members, matched on what both say.

The first report waits, as a request row that a short list of its member names; the other side's
report meets it there. Nothing of a block touches the book, `last`, stops or bands.

Source: specs/matching.md M-224 to M-228; docs/decisions/0107-busts-and-blocks.md.
"""

from __future__ import annotations

import numpy as np

from engine.admit import check_price, check_qty
from engine.book import (
    account_at,
    block_at,
    call_at,
    event_at,
    header_of,
    instrument_at,
    member_at,
    product_at,
    request_at,
    risk_at,
)
from engine.depth import in_phases
from engine.emit import answer, clear_event
from engine.enter import check_access, is_killed, known_account, known_row, open_risk
from engine.flags import TAKES_NEW, UNSOLICITED
from engine.kernel import kernel
from engine.limits import BLOCK_WAIT_NS, BLOCKS_OF_MEMBER, SUM_MAX
from engine.positions import bucket_of, check_closing, check_effect, move_position
from engine.risk import check_notional, check_position, lot_notional
from engine.trade_rows import TradeState
from engine.trades import open_trade, trade_side
from engine.types import EventKind, OrdStatus, OrdType, Side, TimeInForce
from specs.rejects import Reject


@kernel
def report_block(book, at, command, row):
    """REPORT_BLOCK with its request row, or minus what M-10 says; returns the next event row."""
    number = known_row(header_of(book)["instruments_rows"], command["instrument"])
    instrument = instrument_at(book, number)
    reason = Reject.NONE
    request = row
    if row < 0:
        reason = -row
        request = 0
    else:
        reason = refuse_block(book, command, number, instrument)
    if reason == Reject.NONE:
        place = find_other(book, command)
        if place < 0:
            reason = keep_report(book, command, row, instrument)
        else:
            other = request_at(book, block_at(book, place)["request"])
            reason = refuse_match(command, other)
            if reason == Reject.NONE:
                later = refuse_other(book, other)
                if later == Reject.NONE:
                    return trade_block(book, at, command, row, place, number)
                at = drop_report(book, at, command, place, instrument, later)
                reason = Reject.BLOCK_SIDES_DIFFER
    event = event_at(book, at)
    block_event(event, command, instrument, command, request, EventKind.BLOCK_REPORTED)
    answer(event, command, request)
    event["reason"] = reason
    event["ord_status"] = OrdStatus.NEW if reason == Reject.NONE else OrdStatus.REJECTED
    return at + 1


@kernel
def refuse_block(book, command, number, instrument):
    """What speaks against a report by itself (M-225); 0: nothing."""
    header = header_of(book)
    member = member_at(book, known_row(header["members_rows"], command["member"]))
    product = product_at(book, instrument["product"])
    account = known_account(book, command["account"])
    if is_killed(book, member, command):
        return Reject.KILLED
    level = check_access(header, command, member, product, instrument, account)
    if level < 0:
        return -level
    if not in_phases(TAKES_NEW, call_at(book, number)["phase"]):
        return Reject.PHASE_TAKES_NO_ORDERS
    if product["block_qty_min"] == 0 or instrument["spread"] != 0:
        return Reject.BLOCK_NOT_TAKEN
    if command["side"] != Side.BUY and command["side"] != Side.SELL:
        return Reject.SIDE_INVALID
    reason = check_qty(product, command["qty"])
    if reason != Reject.NONE:
        return reason
    if command["qty"] < product["block_qty_min"]:
        return Reject.BLOCK_QTY_TOO_SMALL
    level = check_price(product, instrument, command["price"])
    if level < 0:
        return -level
    if abs(command["price"] - instrument["last"]) > product["block_range"]:
        return Reject.BLOCK_PRICE_OUT_OF_RANGE
    other = known_row(header["members_rows"], command["self_match_id"])
    if member_at(book, other)["defined"] == 0 or other == command["member"]:
        return Reject.BLOCK_SIDES_DIFFER
    return check_means_of_block(book, command, product, account)


@kernel
def check_means_of_block(book, report, product, account):
    """Position effect and risk of one side (M-52, M-61 to M-64); report: command or request row."""
    reason = check_effect(product, report["position_effect"])
    if reason != Reject.NONE:
        return reason
    stride = header_of(book)["risk_stride"]
    risk = risk_at(book, np.int64(report["account"]) * stride + report["instrument"])
    instrument = instrument_at(book, report["instrument"])
    bucket = bucket_of(product, instrument, report["position_effect"])
    reason = check_closing(risk, report["side"], bucket, report["qty"])
    if reason == Reject.NONE:
        reason = check_position(account, risk, report["side"], bucket, report["qty"])
    if reason == Reject.NONE:
        notional = lot_notional(product, report["price"]) * report["qty"]
        reason = check_notional(account, product, notional, 0)
    return reason


@kernel
def waits(book, place, time_ns):
    """Whether a report waits at a place of the list, and may yet be met."""
    block = block_at(book, place)
    if block["request"] == 0 or time_ns - block["time_ns"] >= BLOCK_WAIT_NS:
        return False
    number = np.int64(request_at(book, block["request"])["instrument"])
    return instrument_at(book, number)["trading_date"] == block["trading_date"]


@kernel
def find_other(book, command):
    """Where the other member's report with the same link id waits, the first of them; -1: none."""
    first = np.int64(command["self_match_id"]) * BLOCKS_OF_MEMBER
    found = -1
    for place in range(first, first + BLOCKS_OF_MEMBER):
        if not waits(book, place, command["time_ns"]):
            continue
        other = request_at(book, block_at(book, place)["request"])
        linked = (
            other["self_match_id"] == command["member"]
            and other["orig_cl_ord_id_0"] == command["orig_cl_ord_id_0"]
            and other["orig_cl_ord_id_1"] == command["orig_cl_ord_id_1"]
            and other["orig_cl_ord_id_2"] == command["orig_cl_ord_id_2"]
        )
        if linked and (
            found < 0 or block_at(book, place)["request"] < block_at(book, found)["request"]
        ):
            found = place
    return found


@kernel
def refuse_match(command, other):
    """Both sides say the same of the trade, and opposite sides (M-226)."""
    same = (
        command["instrument"] == other["instrument"]
        and command["price"] == other["price"]
        and command["qty"] == other["qty"]
        and command["side"] != other["side"]
    )
    return Reject.NONE if same else Reject.BLOCK_SIDES_DIFFER


@kernel
def refuse_other(book, other):
    """What speaks by now against the report that waits; 0: nothing."""
    member = member_at(book, other["member"])
    if is_killed(book, member, other):
        return Reject.KILLED
    product = product_at(book, instrument_at(book, other["instrument"])["product"])
    if member["products"] >> product["product"] & 1 == 0:
        return Reject.NOT_PERMITTED
    return check_means_of_block(book, other, product, account_at(book, other["account"]))


@kernel
def keep_report(book, command, row, instrument):
    """The report waits for the other side; 0, or the reject where its member's list is full."""
    first = np.int64(command["member"]) * BLOCKS_OF_MEMBER
    for place in range(first, first + BLOCKS_OF_MEMBER):
        if not waits(book, place, command["time_ns"]):
            block = block_at(book, place)
            block["time_ns"] = command["time_ns"]
            block["request"] = row
            block["trading_date"] = instrument["trading_date"]
            return Reject.NONE
    return Reject.ORDERS_FULL


@kernel
def drop_report(book, at, command, place, instrument, reason):
    """A report that waited no longer holds: its member is told."""
    row = np.int64(block_at(book, place)["request"])
    block_at(book, place)["request"] = 0
    other = request_at(book, row)
    event = event_at(book, at)
    block_event(event, command, instrument, other, row, EventKind.BLOCK_REPORTED)
    address(event, command, other)
    event["reason"] = reason
    event["ord_status"] = OrdStatus.REJECTED
    return at + 1


@kernel
def trade_block(book, at, command, row, place, number):
    """Both sides agree: positions and the day's volume move, nothing else (M-227)."""
    header = header_of(book)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    other_row = np.int64(block_at(book, place)["request"])
    block_at(book, place)["request"] = 0
    header["trade_count"] += 1
    trade = open_trade(book, at, command["time_ns"], number, command["price"], command["qty"])
    trade["state"] = TradeState.BLOCK
    if instrument["block_ticks"] < SUM_MAX:
        instrument["block_volume"] += command["qty"]
        instrument["block_ticks"] += command["price"] // product["tick"] * command["qty"]
    block_side(book, at, command, row, number, 0)
    answer(event_at(book, at), command, row)
    block_side(book, at + 1, command, other_row, number, 1)
    address(event_at(book, at + 1), command, request_at(book, other_row))
    return at + 2


@kernel
def block_side(book, at, command, row, number, place):
    """One side of a block: its position, its row of the table, its event."""
    header = header_of(book)
    report = request_at(book, row)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    index = np.int64(report["account"]) * header["risk_stride"] + number
    risk = risk_at(book, index)
    open_risk(book, report, number, index)
    side = trade_side(book, place)
    side["account"] = report["account"]
    side["request"] = row
    side["session"] = report["session"]
    side["side"] = report["side"]
    side["bucket"] = bucket_of(product, instrument, report["position_effect"])
    side["ord_type"] = OrdType.LIMIT
    side["time_in_force"] = TimeInForce.DAY
    move_position(risk, side, report["qty"])
    event = event_at(book, at)
    block_event(event, command, instrument, report, row, EventKind.BLOCK_TRADED)
    event["trade_id"] = product["shard_bits"] | header["trade_count"]
    event["cum_qty"] = report["qty"]
    event["cum_value"] = report["price"] * report["qty"]
    event["ord_status"] = OrdStatus.FILLED


@kernel
def block_event(event, command, instrument, report, request, kind):
    """A row of a report; report: command or request row."""
    clear_event(event, command, kind)
    event["order_request"] = request
    event["price"] = report["price"]
    event["qty"] = report["qty"]
    event["order_qty"] = report["qty"]
    event["account"] = report["account"]
    event["instrument"] = report["instrument"]
    event["trading_date"] = instrument["trading_date"]
    event["product"] = instrument["product"]
    event["member"] = report["member"]
    event["side"] = report["side"]
    event["ord_type"] = OrdType.LIMIT
    event["time_in_force"] = TimeInForce.DAY


@kernel
def address(event, command, report):
    """To the session that reported, which did not ask now."""
    event["session"] = report["session"]
    if report["session"] == command["session"]:
        event["msg_seq_num"] = command["msg_seq_num"]
    event["flags"] = UNSOLICITED
