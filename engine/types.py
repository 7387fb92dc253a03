"""Rows and enumerations of the engine: what a command, a request and an event are.

Rows are all that crosses a boundary. No implicit padding; 0 means "none"; prices int64 in 1e-9 of
the quote unit, quantities int64 lots, money int64 in millionths; FIX codes of a character as such.

Source: specs/matching.md (rules M-*), specs/order_entry.md (rules O-*).
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np

PRICE_SCALE = 1_000_000_000  # price units in one quote unit
MONEY_SCALE = 1_000_000  # money units in one currency unit
CL_ORD_ID_CHARS = 20


class CommandKind(IntEnum):
    """What a command asks of the engine."""

    NONE = 0
    DEFINE_PRODUCT = 1  # blob: PRODUCT
    DEFINE_INSTRUMENT = 2  # blob: INSTRUMENT
    DEFINE_MEMBER = 3  # blob: MEMBER
    DEFINE_ACCOUNT = 4  # blob: ACCOUNT; a known account: its limits change
    DEFINE_SESSION = 5  # session, member; blob: SESSION
    NEW_ORDER = 10
    CANCEL = 11
    REPLACE = 12
    MASS_CANCEL = 13
    REFUSED = 14  # refused by the gateway: takes the sequence number, changes nothing
    STATUS_REQUEST = 15  # answered outside the engine: takes the sequence number
    SESSION_LOST = 16  # cancels the session's DAY orders
    ROLL_PRODUCT = 20  # product, trading_date = the next one: expiry, settlement, limits
    ROLL_DAY = 21  # trading_date = the next venue day: request rows renumbered; alone in its batch
    HALT = 22  # the venue takes no new orders; reason
    RESUME = 23
    SET_PHASE = 24  # blob: PHASE; to AUCTION_MATCH: uncrosses
    SET_IMPLIED = 25  # product, qty 1: implied prices on, 0: off; reason
    KILL = 30  # member, session (0: all of them), reason: blocked, its orders cancelled
    RELEASE = 31  # ends a kill: the same fields
    MASS_QUOTE = 32  # one instrument's bid and ask of a MassQuote; scope: QuotePart bits
    QUOTE_CANCEL = 33
    QUOTE_REQUEST = 34  # instrument, side (0: both), qty (0: any): makers are asked
    OPERATOR_NOTE = 45  # blob: why, UTF-8, of the commands behind it; changes nothing
    BUST_TRADE = 46  # blob: AMENDMENT (engine/trade_rows.py)
    CORRECT_TRADE = 47  # blob: AMENDMENT; another price
    # side, qty, price, account, instrument; orig_cl_ord_id: link id, self_match_id: other member
    REPORT_BLOCK = 48


class EventKind(IntEnum):
    """What happened. Kinds up to TRIGGERED, and those that say so, are reports to a session."""

    NONE = 0
    ACCEPTED = 1  # ExecutionReport 150=0
    REJECTED = 2  # ExecutionReport 150=8
    FILL = 3  # ExecutionReport 150=F; two adjacent rows a trade: aggressor, resting
    CANCELLED = 4  # ExecutionReport 150=4
    REPLACED = 5  # ExecutionReport 150=5
    EXPIRED = 6  # ExecutionReport 150=C
    RESTATED = 7  # ExecutionReport 150=D: decremented by self-match prevention
    CANCEL_REJECTED = 8  # OrderCancelReject; the request's kind tells 434
    MASS_CANCELLED = 9  # OrderMassCancelReport; qty: orders cancelled
    MASS_CANCEL_REJECTED = 10  # OrderMassCancelReport 531=0
    TRIGGERED = 11  # ExecutionReport 150=L: a stop order comes in as a MARKET or LIMIT order
    BOOKED = 20  # what an aggressor had left now rests
    REFRESHED = 21  # an iceberg shows its next slice, behind its price's queue
    PRODUCT_DEFINED = 30
    INSTRUMENT_DEFINED = 31  # price: reference; low_limit in cum_value, high_limit in leaves_qty
    INSTRUMENT_EXPIRED = 32
    SETTLED = 33  # price; qty, cum_value, leaves_qty: volume, value, open interest; reason
    LIMITS_SET = 34  # price: reference; cum_value: low, leaves_qty: high; qty: locked days before
    DAY_ROLLED = 35
    HALTED = 36
    RESUMED = 37
    ACCOUNT_SET = 38
    MEMBER_SET = 39
    SESSION_SET = 40
    PHASE_CHANGED = 50  # qty: Phase; leaves_qty: the one before; cum_value: its scheduled end, ns
    INDICATIVE = 51  # price, qty: what an uncross would give; leaves_qty: surplus, buys positive
    UNCROSSED = 52  # price, qty: what the uncross gave (0: nothing); leaves_qty: surplus
    ALARM = 53  # reason: AlarmReason; the operator must look at the instrument
    KILLED = 60  # member; session: the one killed, 0: the whole member; reason as commanded
    RELEASED = 61
    QUOTES_TAKEN = 62  # MassQuoteAcknowledgement 297=0: the message came, its quotes follow
    QUOTE_REJECTED = 63  # MassQuoteAcknowledgement 297=5: a quote, or the message as a whole
    QUOTES_CANCELLED = 64  # MassQuoteAcknowledgement 297=1, 3 or 4; qty: orders taken off
    QUOTE_ASKED = 65  # QuoteRequest to the session of an account that quotes the instrument
    QUOTES_PULLED = 66  # account: its quotes traded too much, they are taken off
    QUOTES_RESET = 67  # account: its quotes are taken again
    QUOTE_REQUESTED = 68  # instrument, side, qty: somebody asks for quotes

    TRADE_BUSTED = 75  # ExecutionReport 150=H; two rows a trade; public_id: the event it revokes
    TRADE_CORRECTED = 76  # ExecutionReport 150=G; two rows; display_qty: the price before
    TRADE_KEPT = 77  # a bust or correction is refused: reason; nobody is told but readers
    BLOCK_REPORTED = 78  # TradeCaptureReportAck: waits for the other side, or refused
    BLOCK_TRADED = 79  # TradeCaptureReportAck 150=F; two rows: who confirmed, who waited
    IMPLIED = 80  # side, price: best implied price; qty 1, or 0 where there is none any more
    IMPLIED_SET = 81  # product; qty: 1 on, 0 off; reason as commanded


REPORT_KIND_MAX = EventKind.TRIGGERED
QUOTE_REPORTS = (EventKind.QUOTES_TAKEN, EventKind.QUOTE_ASKED)  # first and last: reports, too
AMENDED_KINDS = (EventKind.TRADE_BUSTED, EventKind.TRADE_CORRECTED)  # reports, too
BLOCK_KINDS = (EventKind.BLOCK_REPORTED, EventKind.BLOCK_TRADED)  # reports, too


class Phase(IntEnum):
    """What an instrument does at a time of its day (rules M-100, M-101)."""

    NONE = 0  # no schedule rules it: as CONTINUOUS
    CLOSED = 1
    PRE_OPEN = 2  # call: entry and cancel
    NO_CANCEL = 3  # call: entry only
    AUCTION_MATCH = 4  # uncrosses when it begins, takes nothing
    CONTINUOUS = 5
    VOLATILITY_PAUSE = 6  # call: entry and cancel
    HALTED = 7  # cancel only
    CLOSING = 8  # call of the closing auction: entry and cancel
    SETTLEMENT = 9
    EXPIRED = 10


class Side(IntEnum):
    """FIX 54."""

    NONE = 0
    BUY = ord("1")
    SELL = ord("2")


class OrdType(IntEnum):
    """FIX 40."""

    NONE = 0
    MARKET = ord("1")
    LIMIT = ord("2")
    STOP = ord("3")  # types above LIMIT wait outside the book (M-160)
    STOP_LIMIT = ord("4")


class TimeInForce(IntEnum):
    """FIX 59."""

    NONE = 0
    DAY = ord("0")
    GTC = ord("1")
    IOC = ord("3")
    FOK = ord("4")
    GTD = ord("6")


class OrdStatus(IntEnum):
    """FIX 39."""

    NONE = 0
    NEW = ord("0")
    PARTIALLY_FILLED = ord("1")
    FILLED = ord("2")
    CANCELED = ord("4")
    REJECTED = ord("8")
    EXPIRED = ord("C")


class PositionEffect(IntEnum):
    """FIX 77; T and Y are SHFE's close-today and close-yesterday in this dialect."""

    NONE = 0
    OPEN = ord("O")
    CLOSE = ord("C")
    CLOSE_TODAY = ord("T")
    CLOSE_YESTERDAY = ord("Y")


class SelfMatch(IntEnum):
    """FIX 8000 of this dialect: the aggressor's instruction (rule M-40)."""

    NONE = 0  # reads as CANCEL_RESTING
    CANCEL_RESTING = ord("O")
    CANCEL_AGGRESSING = ord("N")
    CANCEL_BOTH = ord("B")
    DECREMENT = ord("D")


class MassCancelScope(IntEnum):
    """FIX 530."""

    NONE = 0
    INSTRUMENT = ord("1")
    PRODUCT = ord("3")
    MEMBER = ord("7")


class ExecInst(IntFlag):
    """FIX 18, as bits."""

    NONE = 0
    POST_ONLY = 1  # 18=6


class QuotePart(IntFlag):
    """Bits of a MASS_QUOTE's scope (rule M-180)."""

    FIRST = 1  # of its message: takes the request row
    RESET = 2  # with FIRST: the account's protection begins anew


class Capacity(IntEnum):
    """FIX 528."""

    NONE = 0
    AGENCY = ord("A")
    PRINCIPAL = ord("P")


class HedgeFlag(IntEnum):
    """Dialect tag 5300 of this venue: the CTP hedge flag (domain: SHFE)."""

    NONE = 0
    SPECULATION = ord("1")
    ARBITRAGE = ord("2")
    HEDGE = ord("3")
    MARKET_MAKER = ord("5")


class EventFlag(IntFlag):
    """Bits of an event's flags."""

    NONE = 0
    AGGRESSOR = 1  # FILL: this row is the incoming side
    UNSOLICITED = 2  # no request of the order's owner caused it
    KEPT_PLACE = 4  # REPLACED: the order kept its place in the queue
    LAST_OF_COMMAND = 8  # the command's last event: a reader may show what it has
    IMPLIED = 128  # FILL: of a trade with an implied price, three orders of three books
    LEG = 32  # FILL: a leg of a spread's trade; instrument, side, price and quantity are the leg's
    QUOTE = 64  # ACCEPTED, REPLACED, CANCELLED: by a quote command, told to nobody
    AUCTION = 16  # FILL: a trade of an uncross, the buy's row first; neither is the aggressor's


class PriceRule(IntEnum):
    """Price of a trade (rules M-30, M-31)."""

    NONE = 0
    RESTING = 1
    MEDIAN3 = 2


class PositionMode(IntEnum):
    """How fills move positions (rules M-50, M-51)."""

    NONE = 0
    NETTING = 1
    GROSS = 2


class Currency(IntEnum):
    """Settlement currency."""

    NONE = 0
    USD = 1
    CNY = 2


class ProductFeature(IntFlag):
    """What orders of a product may ask for."""

    NONE = 0
    MARKET = 1
    GTC_GTD = 2
    MIN_QTY = 4
    POST_ONLY = 8
    ICEBERG = 16
    REPLACE_KEEPS_PLACE = 32
    POSITION_EFFECT_REQUIRED = 64
    AUCTION_HIDDEN = 128  # orders of a call are not shown, of the indicative terms the price only
    AUCTION_MIN_SURPLUS = 256  # of the prices of greatest volume, those of smallest surplus
    LISTING_LIMIT_DOUBLE = 512  # twice the daily limit on the first trading date
    PRICE_BANDS = 1024  # the row's bands hold
    PAUSES = 2048  # the row's velocity logic and circuit breaker hold
    PAUSE_PRODUCT = 4096  # they pause every instrument of the product that trades
    STOP = 8192
    IMPLIED = 1 << 20  # calendar spreads and their months trade with implied prices
    SETTLE_WINDOW = 1 << 14  # settled by the trades of the row's window before the close
    LOCKED_DAYS = 1 << 15  # limits widen after a day that ended locked at its limit
    CLOSING_FIRST = 1 << 16  # at a daily limit, who closes yesterday's position trades first


def packed_row(*fields: tuple[str, str]) -> np.dtype:
    """A row without padding, of whole words."""
    dtype = np.dtype(list(fields))
    assert dtype.itemsize % 8 == 0
    return dtype


_CL_ORD_ID = (("cl_ord_id_0", "<u8"), ("cl_ord_id_1", "<u8"))
_ORIG_CL_ORD_ID = (("orig_cl_ord_id_0", "<u8"), ("orig_cl_ord_id_1", "<u8"))

COMMAND = packed_row(
    ("time_ns", "<i8"),  # venue clock, non-decreasing
    ("price", "<i8"),  # 1e-9; MASS_QUOTE: the bid
    ("stop_price", "<i8"),  # 1e-9; MASS_QUOTE: the ask
    ("qty", "<i8"),  # lots; MASS_QUOTE: of the bid, 0: none
    ("display_qty", "<i8"),  # lots; 0: all; MASS_QUOTE: of the ask, 0: none
    ("min_qty", "<i8"),  # lots; 0: none
    *_CL_ORD_ID,  # bytes 0-15 of the id, little endian, zero padded
    *_ORIG_CL_ORD_ID,
    ("cl_ord_id_2", "<u4"),  # bytes 16-19
    ("orig_cl_ord_id_2", "<u4"),
    ("session", "<u4"),
    ("account", "<u4"),
    ("msg_seq_num", "<u4"),
    ("instrument", "<u4"),
    ("expire_date", "<u4"),  # yyyymmdd
    ("self_match_id", "<u4"),  # 0: the member
    ("quote_set", "<u4"),
    ("blob_offset", "<u4"),  # bytes into the batch's blobs
    ("blob_length", "<u4"),  # bytes
    ("member", "<u2"),
    ("kind", "u1"),  # CommandKind
    ("side", "u1"),  # Side
    ("ord_type", "u1"),  # OrdType
    ("time_in_force", "u1"),  # TimeInForce
    ("position_effect", "u1"),  # PositionEffect
    ("capacity", "u1"),  # Capacity
    ("hedge_flag", "u1"),  # HedgeFlag
    ("self_match", "u1"),  # SelfMatch
    ("exec_inst", "u1"),  # ExecInst bits
    ("scope", "u1"),  # MassCancelScope; MASS_QUOTE: QuotePart bits
    ("reason", "<u2"),  # REFUSED, HALT: Reject; KILL, RELEASE: the operator's, not 0
    ("product", "<u2"),
    ("trading_date", "<u4"),  # yyyymmdd
    ("transact_time_ns", "<i8"),  # FIX 60 as the member sent it
    ("order_id", "<u8"),  # FIX 37 where the member sent it; MASS_QUOTE: QuoteEntryID (299)
)
assert COMMAND.itemsize == 160

REQUEST = packed_row(  # COMMAND without its ends, so that a kernel copies it as a whole
    ("price", "<i8"),  # 1e-9
    ("stop_price", "<i8"),  # 1e-9
    ("qty", "<i8"),  # lots
    ("display_qty", "<i8"),  # lots
    ("min_qty", "<i8"),  # lots
    *_CL_ORD_ID,
    *_ORIG_CL_ORD_ID,
    ("cl_ord_id_2", "<u4"),
    ("orig_cl_ord_id_2", "<u4"),
    ("session", "<u4"),
    ("account", "<u4"),
    ("msg_seq_num", "<u4"),
    ("instrument", "<u4"),
    ("expire_date", "<u4"),  # yyyymmdd
    ("self_match_id", "<u4"),
    ("order_id", "<u8"),  # the order it made or named; 0: none
    ("order_index", "<u4"),  # row of the order pool while the order lives
    ("member", "<u2"),
    ("kind", "u1"),  # CommandKind
    ("side", "u1"),
    ("ord_type", "u1"),
    ("time_in_force", "u1"),
    ("position_effect", "u1"),
    ("capacity", "u1"),
    ("hedge_flag", "u1"),
    ("self_match", "u1"),
    ("exec_inst", "u1"),
    ("scope", "u1"),
)
assert REQUEST.itemsize == 128

EVENT = packed_row(
    ("time_ns", "<i8"),  # venue clock of the command
    ("order_id", "<u8"),
    ("trade_id", "<u8"),
    ("public_id", "<u8"),  # the feed's id of the resting slice; 0: not in the book
    ("price", "<i8"),  # 1e-9; FILL: last price, else the order's limit
    ("qty", "<i8"),  # lots; FILL: last quantity, CANCELLED/EXPIRED/RESTATED: taken off
    ("leaves_qty", "<i8"),  # lots
    ("cum_qty", "<i8"),  # lots
    ("cum_value", "<i8"),  # sum of price * qty, 1e-9 * lots
    ("order_qty", "<i8"),  # lots
    ("display_qty", "<i8"),  # lots the book shows of public_id after the event
    ("request", "<u4"),  # row of the request it answers; 0: none
    ("order_request", "<u4"),  # row of the order's own request (its ClOrdID)
    ("session", "<u4"),  # whom it is reported to; 0: nobody
    ("account", "<u4"),
    ("instrument", "<u4"),
    ("trading_date", "<u4"),  # yyyymmdd
    ("msg_seq_num", "<u4"),  # of the command that caused it
    ("member", "<u2"),
    ("reason", "<u2"),  # Reject, or CancelReason for CANCELLED/EXPIRED/RESTATED
    ("product", "<u2"),
    ("kind", "u1"),  # EventKind
    ("side", "u1"),
    ("ord_type", "u1"),
    ("time_in_force", "u1"),
    ("ord_status", "u1"),
    ("flags", "u1"),  # EventFlag
)
assert EVENT.itemsize == 128


PHASE = packed_row(
    ("scheduled_end_ns", "<i8"),  # venue clock; 0: none
    ("instrument", "<u4"),  # 0: every instrument of the product
    ("product", "<u2"),  # read where instrument is 0
    ("reason", "<u2"),  # the operator's; 0: the schedule's
    ("phase", "u1"),  # Phase, CLOSED to SETTLEMENT
    ("note", "S7"),
)
assert PHASE.itemsize == 24
