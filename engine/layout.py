"""The tables of the engine in one arena of bytes, and the views that kernels carve from it.

No behaviour. The arena begins with a HEADER, which holds the counters, the cursor of long work and
where each section lies. Index 0 is "none" everywhere, so an empty table is all zeros. The order
pool is rows of 128 bytes: matching touches the first cache line, reports both. Levels of all
instruments share one table and one bitmap in three stages: a price level holds one side only, since
a book is never crossed, so best prices and one bitmap suffice. In an auction's call, where it may
be crossed, sells stand in the upper half of the instrument's levels.

Source: specs/matching.md; docs/decisions/0102-engine-tables.md, 0103-auction-calls.md.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from engine.limits import HINT_ROWS, MOVE_ROWS, EngineLimits
from engine.order_rows import LINK, ORDER, STOP
from engine.types import COMMAND, EVENT

ASK_NONE = 1 << 40  # best_ask of an empty side; best_bid of one is -1
STOP_NONE = 1 << 62  # stop_above where no stop buys; stop_below where none sells: minus this

SECTIONS = (
    "pending",
    "products",
    "instruments",
    "members",
    "accounts",
    "sessions",
    "risks",
    "levels",
    "bits_0",
    "bits_1",
    "bits_2",
    "orders",
    "links",
    "stops",
    "free",
    "heap",
    "hints",
    "slots",
    "calls",
    "depths",
    "moves",
)

HEADER = np.dtype(
    [(f"{name}_{edge}", "<i8") for name in SECTIONS for edge in ("at", "end", "rows")]
    + [(f"{name}_{edge}", "<i8") for name in ("requests", "events") for edge in ("at", "rows")]
    + [
        (name, "<i8")
        for name in (
            "command_count",
            "event_count",
            "order_count",  # ids given so far
            "trade_count",
            "public_count",
            "request_count",  # rows of this venue day
            "requests_max",
            "orders_max",
            "free_count",  # rows of the pool given back: the section "free" is their stack
            "orders_used",  # rows ever used; those above are fresh
            "orders_live",
            "levels_used",
            "risk_stride",  # risk row of (account, instrument): account * stride + instrument
            "hash_key",
            "venue_date",
            "halted",
            "work",  # Work: what goes on before the next command
            "work_phase",
            "work_order",
            "work_limit",  # level to which the incoming order may trade
            "work_request",
            "work_count",
            "work_instrument",
            "work_replaced",
            "work_target",  # SET_PHASE: the phase
            "work_end_ns",
            "work_reason",
            "work_product",  # 0: any
            "work_last",  # instrument
            "work_if_trading",  # change only instruments in continuous trading
            "work_price",  # of an uncross, 1e-9
            "work_surplus",
            "heap_count",
            "stop_instrument",  # its stops that trades have reached come in; 0: none
            "stops_due",  # instruments that trade again and had stops reached by an uncross
            "book_version",
        )
    ]
)

PRODUCT_STATE = np.dtype(
    [
        ("tick", "<i8"),
        ("multiplier", "<i8"),
        ("qty_max", "<i8"),
        ("price_max", "<i8"),  # 1e-9: what keeps an order's value and notional in bounds
        ("limit_bp", "<i8"),
        ("ladder_bp", "<i8"),
        ("band_ticks", "<i8"),
        ("display_min_bp", "<i8"),
        ("features", "<i8"),
        ("shard_bits", "<i8"),  # the shard in its place in an id
        ("product", "<u2"),
        ("price_rule", "u1"),
        ("position_mode", "u1"),
        ("currency", "u1"),
        ("defined", "u1"),
        ("pad", "<u2"),
        ("static_band", "<i8"),  # 1e-9; PRICE_MAX: none
        ("dynamic_band", "<i8"),
        ("velocity_ticks", "<i8"),
        ("velocity_seconds", "<i8"),
        ("breaker_bp", "<i8"),
        ("pause_ns", "<i8"),
    ]
)
assert PRODUCT_STATE.itemsize == 136

INSTRUMENT_STATE = np.dtype(
    [
        ("best_bid", "<i8"),  # level, -1: none
        ("best_ask", "<i8"),  # level, ASK_NONE: none
        ("low", "<i8"),  # 1e-9
        ("high", "<i8"),  # 1e-9
        ("base_price", "<i8"),  # 1e-9, of level_first
        ("level_first", "<i8"),
        ("last", "<i8"),  # 1e-9
        ("volume", "<i8"),  # lots of the day
        ("value_ticks", "<i8"),  # of the day: sum of price in ticks * lots
        ("reference", "<i8"),  # 1e-9
        ("level_count", "<i8"),
        ("continuous_until_ns", "<i8"),  # commands up to then find it trading; -1: another phase
        ("stop_above", "<i8"),  # 1e-9: the lowest stop price that buys, STOP_NONE: none
        ("stop_below", "<i8"),  # 1e-9: the highest stop price that sells, -STOP_NONE: none
        ("product", "<u2"),
        ("defined", "u1"),
        ("expired", "u1"),
        ("trading_date", "<u4"),
        ("last_trading_date", "<u4"),
        ("risk_first", "<u4"),  # chain of the instrument's risk rows
        ("first_trading_date", "<u4"),
        ("maturity", "<u4"),
        ("level_room", "<i8"),  # levels allocated: two halves, the upper for sells in a call
        ("stop_buys", "<u4"),  # root of the tree of stops that buy
        ("stop_sells", "<u4"),
        ("stop_high", "<i8"),  # 1e-9: highest trade that has reached stops which wait yet
        ("stop_low", "<i8"),  # -STOP_NONE and STOP_NONE: none has
        ("pad", "<i8", 11),
    ]
)
assert INSTRUMENT_STATE.itemsize == 256

CALL_STATE = np.dtype(
    [
        ("scheduled_end_ns", "<i8"),  # of the phase; 0: none
        ("price", "<i8"),  # 1e-9: what INDICATIVE said last
        ("qty", "<i8"),
        ("surplus", "<i8"),
        ("buy_qty", "<i8"),  # lots in the call
        ("sell_qty", "<i8"),
        ("phase", "u1"),  # Phase
        ("calling", "u1"),  # the book is laid out for a call: it may be crossed
        ("held", "u1"),  # an operator halted it: only an operator lets it go
        ("pad", "u1"),
        ("pad_1", "<u4"),
    ]
)
assert CALL_STATE.itemsize == 56

MEMBER_STATE = np.dtype(
    [
        ("requests_max", "<i8"),
        ("orders_max", "<i8"),
        ("products", "<i8"),  # bit p: may trade product p
        ("requests_used", "<i8"),
        ("orders_live", "<i8"),
        ("risk_first", "<u4"),  # chain of the member's risk rows
        ("kills", "<u2"),  # in force: of the member and of its sessions
        ("defined", "u1"),
        ("killed", "u1"),  # the member as a whole
    ]
)

ACCOUNT_STATE = np.dtype(
    [
        ("open_orders_max", "<i8"),
        ("position_long_max", "<i8"),
        ("position_short_max", "<i8"),
        ("order_notional_max", "<i8"),
        ("open_notional_max", "<i8"),
        ("orders_per_second_max", "<i8"),
        ("orders_live", "<i8"),
        ("notional_1", "<i8"),  # money of live orders, Currency.USD
        ("notional_2", "<i8"),  # Currency.CNY
        ("second", "<i8"),  # venue time, s
        ("second_orders", "<i8"),
        ("member", "<u4"),
        ("defined", "<u4"),
    ]
)

SESSION_STATE = np.dtype(
    [
        ("order_first", "<u4"),  # its DAY orders, in order of order_id
        ("order_last", "<u4"),
        ("member", "<u2"),
        ("defined", "u1"),
        ("cancel_on_disconnect", "u1"),
        ("killed", "<u4"),
    ]
)

RISK = np.dtype(
    [
        ("position", "<i8"),  # lots, long positive
        ("open_buys", "<i8"),  # leaves of live buys (GROSS: opening ones)
        ("open_sells", "<i8"),
        ("buy_first", "<u4"),  # live orders in order of order_id
        ("buy_last", "<u4"),
        ("sell_first", "<u4"),
        ("sell_last", "<u4"),
        ("account", "<u4"),  # 0: the row is not in use
        ("instrument", "<u4"),
        ("member_next", "<u4"),  # the member's next risk row
        ("instrument_next", "<u4"),
        ("pad", "<i8"),
        ("long_today", "<i8"),  # GROSS buckets
        ("long_yesterday", "<i8"),
        ("short_today", "<i8"),
        ("short_yesterday", "<i8"),
        ("closing_long_today", "<i8"),  # leaves of live orders that close the bucket
        ("closing_long_yesterday", "<i8"),
        ("closing_short_today", "<i8"),
        ("closing_short_yesterday", "<i8"),
    ]
)
assert RISK.itemsize == 128

LEVEL = np.dtype([("head", "<u4"), ("tail", "<u4")])

HEAP = np.dtype([("key", "<i8"), ("order", "<i8")])

MOVE = np.dtype([("span", "<i8"), ("low", "<i8"), ("high", "<i8")])  # of a second or minute

WORD = np.dtype([("word", "<i8")])

SLOT = np.dtype([("word", "<u4")])

FREE = np.dtype([("row", "<u4")])

HINT = np.dtype([("hash", "<i8"), ("orig_hash", "<i8"), ("named", "<i8"), ("order", "<i8")])


class Bucket(IntEnum):
    """What an order does to a GROSS position (M-51); NONE in NETTING products."""

    NONE = 0
    OPEN = 1
    CLOSE_TODAY = 2
    CLOSE_YESTERDAY = 3


class Work(IntEnum):
    """What long work goes on before the next command."""

    NONE = 0
    SWEEP = 1
    MASS_CANCEL = 2
    SESSION_LOST = 3
    ROLL = 4
    PHASES = 10
    PAUSE = 11  # a pause is due: goes on as PHASES in the same crossing
    STOPS = 20
    KILL = 21


class PhaseStep(IntEnum):
    """Where the change of an instrument's phase stands."""

    NEXT = 0
    TRADE = 1
    BOOK = 2


class Book(NamedTuple):
    """The tables as arrays: the arena's sections, the day's request rows, the event rows."""

    header: np.ndarray
    pending: np.ndarray
    products: np.ndarray
    instruments: np.ndarray
    members: np.ndarray
    accounts: np.ndarray
    sessions: np.ndarray
    risks: np.ndarray
    levels: np.ndarray
    bits_0: np.ndarray
    bits_1: np.ndarray
    bits_2: np.ndarray
    orders: np.ndarray
    links: np.ndarray
    stops: np.ndarray
    free: np.ndarray
    heap: np.ndarray
    hints: np.ndarray
    slots: np.ndarray
    calls: np.ndarray
    depths: np.ndarray
    moves: np.ndarray
    requests: np.ndarray
    events: np.ndarray


DTYPES = {
    "pending": COMMAND,
    "products": PRODUCT_STATE,
    "instruments": INSTRUMENT_STATE,
    "members": MEMBER_STATE,
    "accounts": ACCOUNT_STATE,
    "sessions": SESSION_STATE,
    "risks": RISK,
    "levels": LEVEL,
    "bits_0": WORD,
    "bits_1": WORD,
    "bits_2": WORD,
    "orders": ORDER,
    "links": LINK,
    "stops": STOP,
    "free": FREE,
    "heap": HEAP,
    "hints": HINT,
    "slots": SLOT,
    "calls": CALL_STATE,
    "depths": WORD,
    "moves": MOVE,
}
_HEADER_BYTES = HEADER.itemsize


def views(arena: np.ndarray, requests: np.ndarray) -> Book:
    """The sections of an arena as arrays, for what runs outside kernels."""
    h = arena[:_HEADER_BYTES].view(HEADER)[0]
    tables = [arena[h[f"{name}_at"] : h[f"{name}_end"]].view(DTYPES[name]) for name in SECTIONS]
    return Book._make([arena[:_HEADER_BYTES].view(HEADER), *tables, requests, np.zeros(0, EVENT)])


def section_rows(limits: EngineLimits) -> dict[str, int]:
    """Rows of every section; the extra row 0 of a table is "none"."""
    levels = -(-limits.levels_max // 64) * 64
    words = levels // 64 + 1
    summary = -(-words // 64) + 1
    risks = (limits.accounts_max + 1) * (limits.instruments_max + 1)
    return {
        "pending": 1,
        "products": limits.products_max + 1,
        "instruments": limits.instruments_max + 1,
        "members": limits.members_max + 1,
        "accounts": limits.accounts_max + 1,
        "sessions": limits.sessions_max + 1,
        "risks": risks,
        "levels": levels,
        "bits_0": words,
        "bits_1": summary,
        "bits_2": -(-summary // 64) + 1,
        "orders": limits.orders_max + 1,
        "links": limits.orders_max + 1,
        "stops": limits.orders_max + 1,
        "free": limits.orders_max + 1,
        "heap": 2 * risks + 1,
        "hints": HINT_ROWS,
        "slots": 1 << (3 * limits.requests_max // 2).bit_length(),  # at most two thirds full
        "calls": limits.instruments_max + 1,
        "depths": levels,
        "moves": (limits.instruments_max + 1) * MOVE_ROWS,
    }


def new_arena(limits: EngineLimits, hash_key: int) -> np.ndarray:
    """A zeroed arena, its header filled; sections begin on cache lines."""
    at = -(-_HEADER_BYTES // 128) * 128
    edges = {}
    for name, rows in section_rows(limits).items():
        edges[name] = (at, at + rows * DTYPES[name].itemsize)
        at = -(-edges[name][1] // 128) * 128
    arena = aligned_zeros(at)
    header = arena[:_HEADER_BYTES].view(HEADER)[0]
    for name, (first, end) in edges.items():
        header[f"{name}_at"], header[f"{name}_end"] = first, end
        header[f"{name}_rows"] = (end - first) // DTYPES[name].itemsize
    header["requests_max"] = limits.requests_max - 1  # row 0 is none
    header["orders_max"] = limits.orders_max
    header["risk_stride"] = limits.instruments_max + 1
    header["hash_key"] = hash_key
    return arena


def aligned_zeros(size: int) -> np.ndarray:
    """uint8[size] of zeros that begins on a row of 128 bytes.

    numpy's own arrays begin 16 bytes behind a cache line: each row would lie in three lines.
    """
    raw = np.zeros(size + 128, np.uint8)
    shift = -raw.ctypes.data % 128
    return raw[shift : shift + size]
