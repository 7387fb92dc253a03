"""Every reject of the venue: its number, its text, and what FIX calls it.

Numbers never change meaning and are never used again. specs/order_entry.md lists the same table
(a test holds them together); each number has a test that fails when its check is removed.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple


class Reject(IntEnum):
    """The reason in a rejecting event; 0 is no reject."""

    NONE = 0
    UNKNOWN_INSTRUMENT = 1
    UNKNOWN_ACCOUNT = 2
    DUPLICATE_CL_ORD_ID = 3
    REQUEST_ROWS_FULL = 4
    ORDERS_FULL = 5
    NOT_PERMITTED = 6
    VENUE_HALTED = 7
    INSTRUMENT_NOT_TRADING = 8
    STALE_POSS_DUP = 9
    SIDE_INVALID = 10
    QTY_NOT_POSITIVE = 11
    QTY_ABOVE_MAX = 12
    ORD_TYPE_NOT_SUPPORTED = 13
    TIME_IN_FORCE_NOT_SUPPORTED = 14
    PRICE_OFF_TICK = 15
    PRICE_ABOVE_LIMIT = 16
    PRICE_BELOW_LIMIT = 17
    EXPIRE_DATE_INVALID = 18
    MIN_QTY_INVALID = 19
    DISPLAY_QTY_INVALID = 20
    POST_ONLY_INVALID = 21
    POST_ONLY_WOULD_TRADE = 22
    POSITION_EFFECT_REQUIRED = 23
    POSITION_EFFECT_INVALID = 24
    CLOSE_EXCEEDS_POSITION = 25
    SELF_MATCH_INVALID = 26
    OPEN_ORDERS_MAX = 30
    POSITION_LONG_MAX = 31
    POSITION_SHORT_MAX = 32
    ORDER_NOTIONAL_MAX = 33
    OPEN_NOTIONAL_MAX = 34
    ORDERS_PER_SECOND_MAX = 35
    UNKNOWN_ORDER = 40
    ORDER_MISMATCH = 41
    TOO_LATE = 42
    NOT_AMENDABLE = 43
    MASS_CANCEL_SCOPE_INVALID = 44
    PHASE_TAKES_NO_ORDERS = 45
    PHASE_TAKES_NO_CANCELS = 46
    ORDER_NOT_FOR_CALL = 47
    PRICE_OUTSIDE_BAND = 48
    STOP_PRICE_INVALID = 60
    STOP_WRONG_SIDE = 61
    KILLED = 62
    QUOTE_CROSSED = 67
    PHASE_TAKES_NO_QUOTES = 68
    QUOTE_SIZE_INVALID = 69
    QUOTES_PULLED = 70
    UNKNOWN_TRADE = 77
    TRADE_GONE = 78
    TRADE_TOO_OLD = 79
    TRADE_PRICE_INVALID = 80
    BLOCK_NOT_TAKEN = 81
    BLOCK_QTY_TOO_SMALL = 82
    BLOCK_PRICE_OUT_OF_RANGE = 83
    BLOCK_SIDES_DIFFER = 84


class RejectText(NamedTuple):
    """What a member reads: text (58), OrdRejReason (103), CxlRejReason (102)."""

    text: str
    ord_rej_reason: int
    cxl_rej_reason: int


REJECT_TEXTS: dict[Reject, RejectText] = {
    Reject.UNKNOWN_INSTRUMENT: RejectText("unknown symbol", 1, 99),
    Reject.UNKNOWN_ACCOUNT: RejectText("unknown account", 15, 99),
    Reject.DUPLICATE_CL_ORD_ID: RejectText("ClOrdID already used this venue day", 6, 6),
    Reject.REQUEST_ROWS_FULL: RejectText("member's request quota of the day is used up", 99, 99),
    Reject.ORDERS_FULL: RejectText("member's quota of live orders is used up", 99, 99),
    Reject.NOT_PERMITTED: RejectText("member may not trade this product", 99, 99),
    Reject.VENUE_HALTED: RejectText("venue is halted", 2, 99),
    Reject.INSTRUMENT_NOT_TRADING: RejectText("instrument is not trading", 2, 99),
    Reject.STALE_POSS_DUP: RejectText("possible duplicate is too old", 4, 99),
    Reject.SIDE_INVALID: RejectText("side is neither buy nor sell", 11, 99),
    Reject.QTY_NOT_POSITIVE: RejectText("quantity must be at least 1 lot", 13, 99),
    Reject.QTY_ABOVE_MAX: RejectText("quantity above the product's maximum", 13, 99),
    Reject.ORD_TYPE_NOT_SUPPORTED: RejectText("order type not taken by this product", 11, 99),
    Reject.TIME_IN_FORCE_NOT_SUPPORTED: RejectText(
        "time in force not taken by this product", 11, 99
    ),
    Reject.PRICE_OFF_TICK: RejectText("price is not a multiple of the tick", 99, 99),
    Reject.PRICE_ABOVE_LIMIT: RejectText("price above the daily limit", 3, 99),
    Reject.PRICE_BELOW_LIMIT: RejectText("price below the daily limit", 3, 99),
    Reject.EXPIRE_DATE_INVALID: RejectText(
        "expire date missing, past, or beyond last trading day", 99, 99
    ),
    Reject.MIN_QTY_INVALID: RejectText(
        "minimum quantity only on IOC, from 1 lot to the order's quantity", 11, 99
    ),
    Reject.DISPLAY_QTY_INVALID: RejectText(
        "display quantity outside the allowed share, or not allowed", 11, 99
    ),
    Reject.POST_ONLY_INVALID: RejectText("post-only not allowed on this order", 11, 99),
    Reject.POST_ONLY_WOULD_TRADE: RejectText("post-only order would trade", 99, 99),
    Reject.POSITION_EFFECT_REQUIRED: RejectText("position effect (77) is required", 11, 99),
    Reject.POSITION_EFFECT_INVALID: RejectText("position effect not taken by this product", 11, 99),
    Reject.CLOSE_EXCEEDS_POSITION: RejectText("closes more than the open position", 3, 99),
    Reject.SELF_MATCH_INVALID: RejectText("self-match instruction unknown", 11, 99),
    Reject.OPEN_ORDERS_MAX: RejectText("account's open orders limit", 3, 99),
    Reject.POSITION_LONG_MAX: RejectText("account's long position limit", 3, 99),
    Reject.POSITION_SHORT_MAX: RejectText("account's short position limit", 3, 99),
    Reject.ORDER_NOTIONAL_MAX: RejectText("account's limit on one order's notional", 3, 99),
    Reject.OPEN_NOTIONAL_MAX: RejectText("account's limit on open notional", 3, 99),
    Reject.ORDERS_PER_SECOND_MAX: RejectText("account's orders per second limit", 3, 99),
    Reject.UNKNOWN_ORDER: RejectText("unknown order", 5, 1),
    Reject.ORDER_MISMATCH: RejectText("symbol or side differs from the order's", 99, 99),
    Reject.TOO_LATE: RejectText("too late: nothing left of the order", 99, 0),
    Reject.NOT_AMENDABLE: RejectText("field cannot be amended", 99, 99),
    Reject.MASS_CANCEL_SCOPE_INVALID: RejectText("mass cancel scope unknown", 99, 99),
    Reject.PHASE_TAKES_NO_ORDERS: RejectText("instrument's phase takes no orders", 2, 99),
    Reject.PHASE_TAKES_NO_CANCELS: RejectText(
        "instrument's phase takes no cancels or replaces", 99, 99
    ),
    Reject.ORDER_NOT_FOR_CALL: RejectText(
        "market, IOC, FOK and post-only orders are not taken in an auction call", 11, 99
    ),
    Reject.PRICE_OUTSIDE_BAND: RejectText("price too far through the market", 99, 99),
    Reject.STOP_PRICE_INVALID: RejectText("stop price off the tick or beyond the limits", 99, 99),
    Reject.STOP_WRONG_SIDE: RejectText("stop price on the wrong side of the last trade", 99, 99),
    Reject.KILLED: RejectText("member or session is blocked by the kill switch", 0, 2),
    Reject.QUOTE_CROSSED: RejectText("bid of the quote at or above its ask", 99, 99),
    Reject.PHASE_TAKES_NO_QUOTES: RejectText("quotes are taken in continuous trading only", 2, 99),
    Reject.QUOTE_SIZE_INVALID: RejectText("size of a quote negative or above the maximum", 99, 99),
    Reject.QUOTES_PULLED: RejectText("protection took the quotes off: reset it first", 99, 99),
    Reject.UNKNOWN_TRADE: RejectText("unknown trade", 99, 99),
    Reject.TRADE_GONE: RejectText("trade is busted already", 99, 99),
    Reject.TRADE_TOO_OLD: RejectText("trade is too old to be busted or corrected", 99, 99),
    Reject.TRADE_PRICE_INVALID: RejectText(
        "price is the trade's own, off the tick or beyond the limits", 99, 99
    ),
    Reject.BLOCK_NOT_TAKEN: RejectText("no block trades in this product", 99, 99),
    Reject.BLOCK_QTY_TOO_SMALL: RejectText("quantity below the product's least block", 99, 99),
    Reject.BLOCK_PRICE_OUT_OF_RANGE: RejectText(
        "price too far from the last trade for a block", 99, 99
    ),
    Reject.BLOCK_SIDES_DIFFER: RejectText(
        "no such other side, or its report differs or no longer holds", 99, 99
    ),
}


QUOTE_REJECT_OTHER = 99  # QuoteRejectReason (300) and QuoteEntryRejectReason (368)
QUOTE_REJECT_REASONS: dict[int, int] = {
    Reject.UNKNOWN_INSTRUMENT: 1,
    Reject.VENUE_HALTED: 2,
    Reject.INSTRUMENT_NOT_TRADING: 2,
    Reject.PHASE_TAKES_NO_QUOTES: 2,
    Reject.OPEN_ORDERS_MAX: 3,
    Reject.POSITION_LONG_MAX: 3,
    Reject.POSITION_SHORT_MAX: 3,
    Reject.ORDER_NOTIONAL_MAX: 3,
    Reject.OPEN_NOTIONAL_MAX: 3,
    Reject.DUPLICATE_CL_ORD_ID: 6,
    Reject.QUOTE_CROSSED: 7,
    Reject.PRICE_OFF_TICK: 8,
    Reject.PRICE_ABOVE_LIMIT: 8,
    Reject.PRICE_BELOW_LIMIT: 8,
    Reject.PRICE_OUTSIDE_BAND: 8,
    Reject.NOT_PERMITTED: 9,
}
