"""The bodies of FIX reports: fields of one event and its request rows, in order, into `out`.

Each function writes SOH, tag, equals sign and value of its fields at out[at:] and returns the
position behind them. What stands in front of and behind a body is gateway/reports.py's.

Source: specs/order_entry.md O-14 to O-18, O-65.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel
from engine.types import CommandKind, EventFlag, EventKind, OrdStatus, OrdType
from gateway.arena import CANCEL_REASONS, NAME_WORDS, REASON, REASONS_MAX, Clock, Section
from gateway.put import (
    put_average,
    put_byte,
    put_date,
    put_id,
    put_int,
    put_nanoseconds,
    put_price,
    put_second,
    put_text,
    put_uint,
    put_words,
    tag_word,
)
from gateway.scan import store8
from gateway.types import Encode

_EXEC_TYPES = tuple(b"?08F45CD???L")  # by EventKind, 150
_AGGRESSOR = int(EventFlag.AGGRESSOR)
_AUCTION = int(EventFlag.AUCTION)
_LEG = int(EventFlag.LEG)
_STATUS = int(Encode.STATUS)
_NONE_WORD = int.from_bytes(b"NONE", "little")
_NO_SYMBOL_WORD = int.from_bytes(b"[N/A]", "little")
_LEG_WORD = int.from_bytes(b"\x01442=2", "little")
_POST_ONLY_WORD = int.from_bytes(b"\x0118=6", "little")
_RESTATED_WORD = int.from_bytes(b"\x01378=5", "little")
_T1, _T6, _T11, _T14, _T17, _T19 = (tag_word(tag) for tag in (1, 6, 11, 14, 17, 19))
_T31, _T32, _T37, _T38, _T39 = (tag_word(tag) for tag in (31, 32, 37, 38, 39))
_T40, _T41, _T44, _T54, _T55 = (tag_word(tag) for tag in (40, 41, 44, 54, 55))
_T58, _T59, _T60, _T77, _T99 = (tag_word(tag) for tag in (58, 59, 60, 77, 99))
_T102, _T103, _T110, _T111, _T150 = (tag_word(tag) for tag in (102, 103, 110, 111, 150))
_T151, _T432, _T434, _T527, _T530 = (tag_word(tag) for tag in (151, 432, 434, 527, 530))
_T531, _T532, _T533, _T851 = (tag_word(tag) for tag in (531, 532, 533, 851))
_T571, _T751, _T820, _T939 = (tag_word(tag) for tag in (571, 751, 820, 939))
_T1369 = tag_word(1369)


@codec_kernel
def put_execution(views, event, number, asked, order, mode, out, at):
    """The body of an ExecutionReport; with the bit STATUS of mode that of a status report, O-31."""
    kind = np.int64(event["kind"])
    is_status = mode & _STATUS != 0
    at = _put_order_id(event, out, at)
    store8(out, at, _T17)
    at = put_uint(out, at + 4, 0 if is_status else number)
    store8(out, at, _T150)
    at = put_byte(out, at + 5, ord("I") if is_status else _exec_type(kind))
    store8(out, at, _T39)
    at = put_byte(out, at + 4, event["ord_status"])
    has_changed = kind == EventKind.CANCELLED or kind == EventKind.REPLACED
    has_orig = has_changed and event["request"] != 0 and not is_status
    at = _put_ids(asked, has_orig, out, at)
    at = put_account(views, event, out, at)
    at = put_symbol(views, event, out, at)
    store8(out, at, _T54)
    at = put_byte(out, at + 4, event["side"])
    store8(out, at, _T38)
    at = put_int(out, at + 4, event["order_qty"])
    at = _put_terms(event, order, out, at)
    if (kind == EventKind.FILL or is_amended(event)) and not is_status:
        at = _put_fill(event, out, at)
    store8(out, at, _T151)
    at = put_uint(out, at + 5, event["leaves_qty"])
    store8(out, at, _T14)
    at = put_uint(out, at + 4, event["cum_qty"])
    store8(out, at, _T6)
    at = put_average(out, at + 3, event["cum_value"], event["cum_qty"])
    at = _put_time(views, event, out, at)
    if is_status:
        return at
    if kind == EventKind.RESTATED:
        store8(out, at, _RESTATED_WORD)
        at += 6
    if kind == EventKind.REJECTED:
        store8(out, at, _T103)
        at = put_uint(out, at + 5, (reason_word(views, event) >> 32) & 255)
    return put_reason_text(views, event, out, at)


@codec_kernel
def is_amended(event):
    """Whether the event takes back a trade or corrects it (O-65)."""
    return event["kind"] == EventKind.TRADE_BUSTED or event["kind"] == EventKind.TRADE_CORRECTED


@codec_kernel
def is_block(event):
    """Whether the event is told to who reported a block (O-67)."""
    return event["kind"] == EventKind.BLOCK_REPORTED or event["kind"] == EventKind.BLOCK_TRADED


@codec_kernel
def _exec_type(kind):
    """ExecType (150) of an EventKind."""
    if kind == EventKind.TRADE_BUSTED:
        return ord("H")
    if kind == EventKind.TRADE_CORRECTED:
        return ord("G")
    return _EXEC_TYPES[kind]


@codec_kernel
def _put_order_id(event, out, at):
    store8(out, at, _T37)
    if event["order_id"] == 0:
        store8(out, at + 4, _NONE_WORD)
        return at + 8
    return put_uint(out, at + 4, np.int64(event["order_id"]))


@codec_kernel
def _put_ids(asked, has_orig, out, at):
    store8(out, at, _T11)
    at = put_id(out, at + 4, asked["cl_ord_id_0"], asked["cl_ord_id_1"], asked["cl_ord_id_2"])
    if not has_orig or asked["orig_cl_ord_id_0"] == 0:
        return at
    store8(out, at, _T41)
    word_0, word_1 = asked["orig_cl_ord_id_0"], asked["orig_cl_ord_id_1"]
    return put_id(out, at + 4, word_0, word_1, asked["orig_cl_ord_id_2"])


@codec_kernel
def _put_name(views, which, index, out, at):
    name = views.words[2 * which] // 8 + NAME_WORDS * index
    chars = views.words[name + 3] >> 32
    return put_words(
        out, at, views.words[name], views.words[name + 1], views.words[name + 2], chars
    )


@codec_kernel
def put_account(views, event, out, at):
    """Account (1), where there is one."""
    if event["account"] == 0:
        return at
    store8(out, at, _T1)
    return _put_name(views, Section.ACCOUNTS, np.int64(event["account"]), out, at + 3)


@codec_kernel
def put_symbol(views, event, out, at):
    """Symbol (55)."""
    store8(out, at, _T55)
    if event["instrument"] == 0:
        store8(out, at + 4, _NO_SYMBOL_WORD)
        return at + 9
    return _put_name(views, Section.INSTRUMENTS, np.int64(event["instrument"]), out, at + 4)


@codec_kernel
def _put_terms(event, order, out, at):
    """The order as it was asked for: type, price, time in force and what else was set."""
    store8(out, at, _T40)
    at = put_byte(out, at + 4, event["ord_type"])
    if order["kind"] == CommandKind.MASS_QUOTE:
        return _put_quote_terms(event, out, at)
    if event["ord_type"] == OrdType.LIMIT or event["ord_type"] == OrdType.STOP_LIMIT:
        store8(out, at, _T44)
        is_trade = event["kind"] == EventKind.FILL or is_amended(event)
        price = order["price"] if is_trade else event["price"]
        at = put_price(out, at + 4, price)
    if order["ord_type"] > OrdType.LIMIT:
        store8(out, at, _T99)
        at = put_price(out, at + 4, order["stop_price"])
    store8(out, at, _T59)
    at = put_byte(out, at + 4, event["time_in_force"])
    if order["expire_date"] != 0:
        store8(out, at, _T432)
        at = put_date(out, at + 5, np.int64(order["expire_date"]))
    if order["exec_inst"] != 0:
        store8(out, at, _POST_ONLY_WORD)
        at += 5
    if order["min_qty"] > 0:
        store8(out, at, _T110)
        at = put_uint(out, at + 5, order["min_qty"])
    if order["display_qty"] > 0:
        store8(out, at, _T111)
        at = put_uint(out, at + 5, order["display_qty"])
    if order["position_effect"] != 0:
        store8(out, at, _T77)
        at = put_byte(out, at + 4, order["position_effect"])
    return at


@codec_kernel
def _put_quote_terms(event, out, at):
    """A side of a quote: its request says nothing of it, and a fill not what its limit was."""
    if event["kind"] != EventKind.FILL:
        store8(out, at, _T44)
        at = put_price(out, at + 4, event["price"])
    store8(out, at, _T59)
    return put_byte(out, at + 4, event["time_in_force"])


@codec_kernel
def _put_fill(event, out, at):
    store8(out, at, _T32)
    at = put_uint(out, at + 4, event["qty"])
    store8(out, at, _T31)
    at = put_price(out, at + 4, event["price"])
    store8(out, at, _T527)
    at = put_uint(out, at + 5, np.int64(event["trade_id"]))
    if event["flags"] & _LEG != 0:
        store8(out, at, _LEG_WORD)
        at += 6
    if is_amended(event):
        store8(out, at, _T19)
        return put_uint(out, at + 4, np.int64(event["public_id"]))
    store8(out, at, _T851)
    liquidity = ord("2") if event["flags"] & _AGGRESSOR != 0 else ord("1")
    if event["flags"] & _AUCTION != 0:
        liquidity = ord("4")
    return put_byte(out, at + 5, liquidity)


@codec_kernel
def _put_time(views, event, out, at):
    store8(out, at, _T60)
    time_ns = event["time_ns"]
    at = put_second(views, out, at + 4, time_ns, Clock.SECOND_EVENT, Clock.TEXT_EVENT)
    return put_nanoseconds(out, at, time_ns)


@codec_kernel
def reason_word(views, event):
    """The REASON word of an event."""
    reason = np.int64(event["reason"])
    if reason >= 1000:
        reason -= 1000 - CANCEL_REASONS
    if reason >= REASONS_MAX:
        reason = 0
    return views.words[REASON + reason]


@codec_kernel
def put_reason_text(views, event, out, at):
    """Text (58) of the event's reason, where it has one."""
    reason = reason_word(views, event)
    length = (reason >> 16) & 0xFFFF
    if length == 0:
        return at
    store8(out, at, _T58)
    return put_text(views, out, at + 4, reason & 0xFFFF, length)


@codec_kernel
def put_block(views, event, number, report, out, at):
    """The body of a TradeCaptureReportAck. Source: O-67."""
    is_refused = event["ord_status"] == OrdStatus.REJECTED
    exec_type = ord("F")
    if is_amended(event):
        exec_type = _exec_type(np.int64(event["kind"]))
    elif event["kind"] == EventKind.BLOCK_REPORTED:
        exec_type = ord("8") if is_refused else ord("0")
    store8(out, at, _T571)
    word_0, word_1 = report["cl_ord_id_0"], report["cl_ord_id_1"]
    at = put_id(out, at + 5, word_0, word_1, report["cl_ord_id_2"])
    store8(out, at, _T150)
    at = put_byte(out, at + 5, exec_type)
    store8(out, at, _T939)
    at = put_byte(out, at + 5, ord("1") if is_refused else ord("0"))
    if is_refused:
        store8(out, at, _T751)
        at = put_uint(out, at + 5, 99)
    if report["orig_cl_ord_id_0"] != 0:
        store8(out, at, _T820)
        word_0, word_1 = report["orig_cl_ord_id_0"], report["orig_cl_ord_id_1"]
        at = put_id(out, at + 5, word_0, word_1, report["orig_cl_ord_id_2"])
    store8(out, at, _T17)
    at = put_uint(out, at + 4, number)
    at = put_account(views, event, out, at)
    at = put_symbol(views, event, out, at)
    store8(out, at, _T54)
    at = put_byte(out, at + 4, event["side"])
    store8(out, at, _T32)
    at = put_int(out, at + 4, event["qty"])
    store8(out, at, _T31)
    at = put_price(out, at + 4, event["price"])
    if event["trade_id"] != 0:
        store8(out, at, _T527)
        at = put_uint(out, at + 5, np.int64(event["trade_id"]))
    if is_amended(event):
        store8(out, at, _T19)
        at = put_uint(out, at + 4, np.int64(event["public_id"]))
    at = _put_time(views, event, out, at)
    return put_reason_text(views, event, out, at)


@codec_kernel
def put_cancel_reject(views, event, asked, out, at):
    """The body of an OrderCancelReject. Source: O-18."""
    at = _put_order_id(event, out, at)
    at = _put_ids(asked, True, out, at)
    store8(out, at, _T39)
    at = put_byte(out, at + 4, event["ord_status"])
    at = put_account(views, event, out, at)
    at = _put_time(views, event, out, at)
    store8(out, at, _T434)
    at = put_byte(out, at + 5, ord("2") if asked["kind"] == CommandKind.REPLACE else ord("1"))
    store8(out, at, _T102)
    at = put_uint(out, at + 5, (reason_word(views, event) >> 40) & 255)
    return put_reason_text(views, event, out, at)


@codec_kernel
def put_mass_cancel(views, event, number, asked, dialect, out, at):
    """The body of an OrderMassCancelReport; dialect: 1 is FIXT.1.1's. Source: O-18, O-130."""
    store8(out, at, _T11)
    at = put_id(out, at + 4, asked["cl_ord_id_0"], asked["cl_ord_id_1"], asked["cl_ord_id_2"])
    store8(out, at, _T37)
    at = put_uint(out, at + 4, number)
    if dialect != 0:
        store8(out, at, _T1369)
        at = put_uint(out, at + 6, number)
    scope = asked["scope"] if asked["scope"] != 0 else ord("7")
    store8(out, at, _T530)
    at = put_byte(out, at + 5, scope)
    store8(out, at, _T531)
    if event["kind"] == EventKind.MASS_CANCELLED:
        at = put_byte(out, at + 5, scope)
        store8(out, at, _T533)
        at = put_uint(out, at + 5, event["qty"])
    else:
        at = put_byte(out, at + 5, ord("0"))
        store8(out, at, _T532)
        at = put_uint(out, at + 5, (reason_word(views, event) >> 40) & 255)
    if event["instrument"] != 0:
        at = put_symbol(views, event, out, at)
    if event["side"] != 0:
        store8(out, at, _T54)
        at = put_byte(out, at + 4, event["side"])
    at = _put_time(views, event, out, at)
    return put_reason_text(views, event, out, at)
