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

from engine.limits import (
    BLOCKS_OF_MEMBER,
    HINT_ROWS,
    MOVE_ROWS,
    QUOTE_SLICES,
    WINDOW_ROWS,
    EngineLimits,
)
from engine.order_rows import ORDER, STOP
from engine.table_rows import (
    ACCOUNT_STATE,
    BLOCK,
    CALL_STATE,
    FREE,
    HEAP,
    HINT,
    IMPLIED_STATE,
    INSTRUMENT_STATE,
    LEVEL,
    MEMBER_STATE,
    MOVE,
    PRODUCT_STATE,
    QUOTE_FILL,
    RISK,
    SESSION_STATE,
    SLOT,
    WINDOW,
    WORD,
)
from engine.trade_rows import TRADE, TRADE_SIDE
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
    "stops",
    "free",
    "heap",
    "hints",
    "slots",
    "calls",
    "depths",
    "moves",
    "quote_fills",
    "implieds",
    "implied_bits",
    "moved_bits",
    "windows",
    "trades",
    "trade_sides",
    "blocks",
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
            "trades_from",  # trades up to this number are of an earlier venue day
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
            "locks",  # instruments locked at a limit now
            "stops_due",  # instruments that trade again and had stops reached by an uncross
            "quotes_due",  # accounts whose quotes protection takes off yet
            "quote_request",  # row of the mass quote that goes on; 0: none was taken
            "stop_scan",  # stops of several instruments may be reached: the lowest number first
            "implied_count",  # spreads that take part in implied trading
            "implied_marks",  # instruments whose implied prices may have to be told
            "moves_due",  # instruments that traded at implied prices: a pause may be due
            "implied_stale",  # any of the books may have changed
            "implied_cross",  # a book joined the others: they may cross
            "book_version",
        )
    ]
)


class Bucket(IntEnum):
    """What an order does to a GROSS position (M-51); NONE in NETTING products; SPREAD: M-233."""

    NONE = 0
    OPEN = 1
    CLOSE_TODAY = 2
    CLOSE_YESTERDAY = 3
    SPREAD = 4


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
    QUOTES = 22  # a quote cancel
    PROTECT = 23
    ASK = 24  # makers are told of a request for quotes
    TELL = 40
    CROSS = 41


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
    stops: np.ndarray
    free: np.ndarray
    heap: np.ndarray
    hints: np.ndarray
    slots: np.ndarray
    calls: np.ndarray
    depths: np.ndarray
    moves: np.ndarray
    quote_fills: np.ndarray
    implieds: np.ndarray
    implied_bits: np.ndarray
    moved_bits: np.ndarray
    windows: np.ndarray
    trades: np.ndarray
    trade_sides: np.ndarray
    blocks: np.ndarray
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
    "stops": STOP,
    "free": FREE,
    "heap": HEAP,
    "hints": HINT,
    "slots": SLOT,
    "calls": CALL_STATE,
    "depths": WORD,
    "moves": MOVE,
    "quote_fills": QUOTE_FILL,
    "implieds": IMPLIED_STATE,
    "implied_bits": WORD,
    "moved_bits": WORD,
    "windows": WINDOW,
    "trades": TRADE,
    "trade_sides": TRADE_SIDE,
    "blocks": BLOCK,
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
        "pending": 2,  # the command of long work; a side of a quote as a command
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
        "stops": limits.orders_max + 1,
        "free": limits.orders_max + 1,
        "heap": 2 * risks + 1,
        "hints": HINT_ROWS,
        "slots": 1 << (3 * limits.requests_max // 2).bit_length(),  # at most two thirds full
        "calls": limits.instruments_max + 1,
        "depths": levels,
        "implieds": limits.instruments_max + 1,
        "implied_bits": limits.instruments_max // 64 + 1,
        "moved_bits": limits.instruments_max // 64 + 1,
        "moves": (limits.instruments_max + 1) * MOVE_ROWS,
        "quote_fills": (limits.accounts_max + 1) * QUOTE_SLICES,
        "windows": (limits.instruments_max + 1) * WINDOW_ROWS,
        "trades": limits.trades_max,
        "trade_sides": 2 * limits.trades_max,
        "blocks": (limits.members_max + 1) * BLOCKS_OF_MEMBER,
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
