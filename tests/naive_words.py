"""The words of specs/matching.md as numbers, written down a second time for the naive exchange."""

from __future__ import annotations

EVENT_FIELDS = (
    "time_ns",
    "order_id",
    "trade_id",
    "public_id",
    "price",
    "qty",
    "leaves_qty",
    "cum_qty",
    "cum_value",
    "order_qty",
    "display_qty",
    "request",
    "order_request",
    "session",
    "account",
    "instrument",
    "trading_date",
    "msg_seq_num",
    "member",
    "reason",
    "product",
    "kind",
    "side",
    "ord_type",
    "time_in_force",
    "ord_status",
    "flags",
)

# Command kinds
DEFINE_PRODUCT, DEFINE_INSTRUMENT, DEFINE_MEMBER, DEFINE_ACCOUNT, DEFINE_SESSION = range(1, 6)
NEW_ORDER, CANCEL, REPLACE, MASS_CANCEL, REFUSED, STATUS_REQUEST, SESSION_LOST = range(10, 17)
ROLL_PRODUCT, ROLL_DAY, HALT, RESUME, SET_PHASE = range(20, 25)

# Event kinds
ACCEPTED, REJECTED, FILL, CANCELLED, REPLACED, EXPIRED, RESTATED = range(1, 8)
CANCEL_REJECTED, MASS_CANCELLED, MASS_CANCEL_REJECTED = range(8, 11)
REPORT_KIND_MAX = MASS_CANCEL_REJECTED
BOOKED, REFRESHED = 20, 21
PRODUCT_DEFINED, INSTRUMENT_DEFINED, INSTRUMENT_EXPIRED, SETTLED, LIMITS_SET = range(30, 35)
DAY_ROLLED, HALTED, RESUMED, ACCOUNT_SET, MEMBER_SET, SESSION_SET = range(35, 41)
PHASE_CHANGED, INDICATIVE, UNCROSSED, ALARM = range(50, 54)

# FIX codes
BUY, SELL = ord("1"), ord("2")
MARKET, LIMIT = ord("1"), ord("2")
DAY, GTC, IOC, FOK, GTD = ord("0"), ord("1"), ord("3"), ord("4"), ord("6")
STATUS_NEW, STATUS_PARTIALLY_FILLED, STATUS_FILLED = ord("0"), ord("1"), ord("2")
STATUS_CANCELED, STATUS_REJECTED, STATUS_EXPIRED = ord("4"), ord("8"), ord("C")
OPEN, CLOSE, CLOSE_TODAY, CLOSE_YESTERDAY = ord("O"), ord("C"), ord("T"), ord("Y")
SMP_RESTING, SMP_AGGRESSING, SMP_BOTH, SMP_DECREMENT = ord("O"), ord("N"), ord("B"), ord("D")
SCOPE_INSTRUMENT, SCOPE_PRODUCT, SCOPE_MEMBER = ord("1"), ord("3"), ord("7")

# Bits of flags
AGGRESSOR, UNSOLICITED, KEPT_PLACE, LAST_OF_COMMAND, AUCTION = 1, 2, 4, 8, 16

# Why quantity left without a trade
IOC_REASON, FOK_REASON, MIN_QTY_REASON, MARKET_BAND, SELF_MATCH = range(1001, 1006)
MASS_CANCEL_REASON, SESSION_LOST_REASON, DAY_END, EXPIRE_DATE = range(1006, 1010)
INSTRUMENT_EXPIRED_REASON, BEYOND_LIMITS = 1010, 1011

# Products
RESTING, MEDIAN3 = 1, 2
NETTING, GROSS = 1, 2
HAS_MARKET, HAS_GTC_GTD, HAS_MIN_QTY, HAS_POST_ONLY, HAS_ICEBERG = 1, 2, 4, 8, 16
REPLACE_KEEPS_PLACE, POSITION_EFFECT_REQUIRED = 32, 64
AUCTION_HIDDEN, AUCTION_MIN_SURPLUS, LISTING_LIMIT_DOUBLE, PRICE_BANDS = 128, 256, 512, 1024

# Phases
NO_PHASE, CLOSED, PRE_OPEN, NO_CANCEL, AUCTION_MATCH, CONTINUOUS = range(6)
VOLATILITY_PAUSE, PHASE_HALTED, CLOSING, SETTLEMENT, PHASE_EXPIRED = range(6, 11)
SCHEDULE_ENDED, UNCROSS_FAILED = 2001, 1
CALLS = (PRE_OPEN, NO_CANCEL, VOLATILITY_PAUSE, CLOSING)
TAKE_NEW = (*CALLS, NO_PHASE, CONTINUOUS)
TAKE_REPLACE = (PRE_OPEN, VOLATILITY_PAUSE, CLOSING, NO_PHASE, CONTINUOUS)
TAKE_CANCEL = (*TAKE_REPLACE, PHASE_HALTED)
