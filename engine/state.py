"""The state as a whole: snapshot, restore, a hash of what is logical in it, and views of books.

A snapshot holds the used parts of the arena; the index of ClOrdIDs, the bitmaps and the depths of
calls are built anew from request rows and levels. The hash leaves out where things lie, so it does
not depend on the tables' sizes.

Source: specs/matching.md M-1.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable

import numpy as np

from engine.bits import hash_id
from engine.book import (
    call_at,
    header_of,
    instrument_at,
    level_at,
    open_book,
    order_at,
    request_at,
    stop_at,
)
from engine.depth import fill_depth
from engine.ids import find_request, index_request
from engine.kernel import kernel
from engine.layout import Book, Work, new_arena, views
from engine.limits import EngineLimits
from engine.rest import level_above, level_below, set_level
from engine.stops import root_of
from engine.table_rows import (
    ACCOUNT_STATE,
    CALL_STATE,
    INSTRUMENT_STATE,
    MEMBER_STATE,
    MOVE,
    QUOTE_FILL,
    RISK,
    WINDOW,
)
from engine.trade_rows import TRADE, TRADE_SIDE
from engine.types import EVENT, Side

_MAGIC = b"SITEXST6"
_COUNTERS = (
    "command_count",
    "event_count",
    "order_count",
    "trade_count",
    "trades_from",
    "public_count",
    "request_count",
    "venue_date",
    "halted",
    "quote_request",
)
_ROWS = ("free_count", "orders_used", "orders_live", "levels_used", "risk_stride")
_KEPT = (*_COUNTERS, *_ROWS, "implied_count")
_DEFINED = ("products", "instruments", "members", "accounts", "sessions")
_SMALL = (*_DEFINED, "calls", "blocks", "implieds")

LEVEL_VIEW = np.dtype([("price", "<i8"), ("qty", "<i8"), ("orders", "<i8")])

ORDER_VIEW = np.dtype(
    [
        ("order_id", "<i8"),
        ("public_id", "<i8"),
        ("price", "<i8"),  # 1e-9
        ("stop_price", "<i8"),  # 1e-9; 0: the order does not wait
        ("leaves_qty", "<i8"),  # lots, as all quantities
        ("shown", "<i8"),
        ("cum_qty", "<i8"),
        ("cum_value", "<i8"),  # 1e-9 * lots
        ("order_qty", "<i8"),
        ("display_qty", "<i8"),
        ("request", "<u4"),
        ("self_match_id", "<u4"),
        ("session", "<u4"),
        ("account", "<u4"),
        ("instrument", "<u4"),
        ("expire_date", "<u4"),
        ("member", "<u2"),
        ("product", "<u2"),
        ("side", "u1"),
        ("ord_type", "u1"),
        ("time_in_force", "u1"),
        ("position_effect", "u1"),
        ("exec_inst", "u1"),
        ("self_match", "u1"),
        ("bucket", "u1"),
        ("quote", "u1"),
    ]
)


@kernel
def queue_rows(arena, requests, events, number, out):
    """Pool rows of an instrument's orders, bids then asks, best first; returns how many.

    out: int64[orders live or more].
    """
    book = open_book(arena, requests, events)
    instrument = instrument_at(book, number)
    count = 0
    level = instrument["best_bid"]
    while instrument["defined"] != 0 and level >= instrument["level_first"]:
        index = np.int64(level_at(book, level)["head"])
        while index != 0:
            out[count] = index
            count += 1
            index = np.int64(order_at(book, index)["queue_next"])
        level = level_below(book, level)
    level = instrument["best_ask"]
    while level < instrument["level_first"] + instrument["level_count"]:
        index = np.int64(level_at(book, level)["head"])
        while index != 0:
            out[count] = index
            count += 1
            index = np.int64(order_at(book, index)["queue_next"])
        level = level_above(book, level)
    return count


@kernel
def waiting_rows(arena, requests, events, number, out):
    """Pool rows of an instrument's waiting stop orders, buys then sells, in order of triggering.

    out: int64[orders live or more]. The part not yet filled is the stack of the walk: an order on
    it is in the tree, and not yet in the part that is filled.
    """
    book = open_book(arena, requests, events)
    instrument = instrument_at(book, number)
    count = 0
    for side in (Side.BUY, Side.SELL):
        at = root_of(instrument, side)
        top = out.shape[0]
        while at != 0 or top < out.shape[0]:
            while at != 0:
                top -= 1
                out[top] = at
                at = np.int64(stop_at(book, at)["left"])
            at = out[top]
            top += 1
            out[count] = at
            count += 1
            at = np.int64(stop_at(book, at)["right"])
    return count


@kernel
def rebuild(arena, requests, events):
    """Bitmaps and the depths of calls from levels, the index of ClOrdIDs from request rows."""
    book = open_book(arena, requests, events)
    header = header_of(book)
    for level in range(header["levels_used"]):
        if level_at(book, level)["head"] != 0:
            set_level(book, level)
    for number in range(1, header["instruments_rows"]):
        if call_at(book, number)["lock_side"] != 0:
            header["locks"] += 1
        if call_at(book, number)["calling"] != 0:
            call_at(book, number)["buy_qty"] = 0
            call_at(book, number)["sell_qty"] = 0
            fill_depth(book, number, instrument_at(book, number))
    for row in range(1, header["request_count"] + 1):
        request = request_at(book, row)
        hashed = hash_id(
            request["cl_ord_id_0"],
            request["cl_ord_id_1"],
            request["cl_ord_id_2"],
            request["member"],
            header["hash_key"],
        )
        index_request(book, hashed, row)


@kernel
def request_row(arena, requests, events, word_0, word_1, word_2, member):
    """Row of the request that a member's ClOrdID of this venue day names, or 0."""
    book = open_book(arena, requests, events)
    hashed = hash_id(word_0, word_1, word_2, member, header_of(book)["hash_key"])
    return find_request(book, hashed, word_0, word_1, word_2, member)


def instrument_orders(arena: np.ndarray, requests: np.ndarray, number: int) -> np.ndarray:
    """ORDER_VIEW rows of an instrument's orders in the book: bids, then asks, in order of matching.

    Stop orders that wait are not among them.
    """
    return _order_rows(arena, requests, number, queue_rows)


def instrument_stops(arena: np.ndarray, requests: np.ndarray, number: int) -> np.ndarray:
    """ORDER_VIEW rows of an instrument's waiting stop orders: buys, then sells, as they trigger."""
    return _order_rows(arena, requests, number, waiting_rows)


def _order_rows(
    arena: np.ndarray, requests: np.ndarray, number: int, walk: Callable[..., int]
) -> np.ndarray:
    book = views(arena, requests)
    assert 0 < number < len(book.instruments)
    rows = np.zeros(int(book.header[0]["orders_live"]) + 1, np.int64)
    rows = rows[: walk(arena, requests, np.zeros(0, EVENT), number, rows)]
    view = np.zeros(len(rows), ORDER_VIEW)
    orders = book.orders[rows]
    for name in ORDER_VIEW.names or ():
        if name not in ("stop_price", "order_qty"):
            view[name] = orders[name]
    view["order_qty"] = orders["leaves_qty"] + orders["cum_qty"]
    view["stop_price"] = book.stops["price"][rows]
    return view


def instrument_book(
    arena: np.ndarray, requests: np.ndarray, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """LEVEL_VIEW rows of bids and of asks, best first; qty is what the book shows."""
    orders = instrument_orders(arena, requests, number)
    sides = []
    for side in (Side.BUY, Side.SELL):
        own = orders[orders["side"] == side]
        first = np.flatnonzero(np.diff(own["price"], prepend=own["price"][:1] - 1))
        view = np.zeros(len(first), LEVEL_VIEW)
        view["price"] = own["price"][first]
        if len(first):
            view["qty"] = np.add.reduceat(own["shown"], first)
        view["orders"] = np.diff(first, append=len(own))
        sides.append(view)
    return sides[0], sides[1]


def hash_state(arena: np.ndarray, requests: np.ndarray) -> bytes:
    """16 bytes of BLAKE2b over the logical state, between commands."""
    book = views(arena, requests)
    header = book.header[0]
    assert header["work"] == Work.NONE, "long work goes on"
    digest = hashlib.blake2b(digest_size=16)
    digest.update(struct.pack(f"<{len(_COUNTERS)}q", *(int(header[name]) for name in _COUNTERS)))
    digest.update(book.products[book.products["defined"] != 0].tobytes())
    places = ("level_first", "level_count", "level_room", "base_price", "best_bid", "best_ask")
    roots = ("risk_first", "stop_buys", "stop_sells")
    _update(digest, book.instruments, INSTRUMENT_STATE, "defined", (*places, *roots))
    known = book.instruments["defined"] != 0
    for name in CALL_STATE.names or ():
        if not name.startswith("closing_"):
            digest.update(book.calls[name][known].tobytes())
    digest.update(book.implieds[known].tobytes())
    _update(digest, book.moves, MOVE, "span", ())
    _update(digest, book.windows, WINDOW, "span", ())
    _update(digest, book.quote_fills, QUOTE_FILL, "span", ())
    _update(digest, book.members, MEMBER_STATE, "defined", ("risk_first",))
    _update(digest, book.accounts, ACCOUNT_STATE, "defined", ())
    sessions = np.flatnonzero(book.sessions["defined"])
    digest.update(sessions.astype("<i8").tobytes())
    digest.update(book.sessions["member"][sessions].tobytes())
    digest.update(book.sessions["killed"][sessions].tobytes())
    lists = (
        "buy_first",
        "buy_last",
        "sell_first",
        "sell_last",
        "member_next",
        "instrument_next",
        "quote_bid",
        "quote_ask",
    )
    used = np.flatnonzero(book.risks["account"])
    for name in RISK.names or ():
        if name not in lists:
            digest.update(book.risks[name][used].tobytes())
    for number in np.flatnonzero(book.instruments["defined"]):
        digest.update(instrument_orders(arena, requests, int(number)).tobytes())
        digest.update(instrument_stops(arena, requests, int(number)).tobytes())
    trades, sides = remembered_trades(book)
    digest.update(trades.tobytes() + sides.tobytes())
    waiting = np.flatnonzero(book.blocks["request"])
    digest.update(waiting.astype("<i8").tobytes() + book.blocks[waiting].tobytes())
    digest.update(requests[1 : int(header["request_count"]) + 1].data)
    return digest.digest()


def _update(
    digest: hashlib.blake2b, rows: np.ndarray, dtype: np.dtype, key: str, without: tuple[str, ...]
) -> None:
    used = np.flatnonzero(rows[key])
    digest.update(used.astype("<i8").tobytes())
    for name in dtype.names or ():
        if name not in without:
            digest.update(rows[name][used].tobytes())


def take_snapshot(arena: np.ndarray, requests: np.ndarray) -> bytes:
    """The used parts of the arena; request rows 1 to request_count are kept by the caller."""
    book = views(arena, requests)
    header = book.header[0]
    assert header["work"] == Work.NONE, "long work goes on"
    risks = book.risks[book.risks["account"] != 0]
    used = int(header["orders_used"]) + 1
    parts = [_MAGIC, struct.pack(f"<{len(_KEPT)}q", *(int(header[name]) for name in _KEPT))]
    tables = [getattr(book, name) for name in _SMALL]
    tables += [risks, book.levels[: int(header["levels_used"])]]
    tables += [book.orders[:used], book.stops[:used]]
    for table in (book.moves, book.windows, book.quote_fills):
        tables.append(table[: int(np.flatnonzero(table["span"]).max(initial=-1)) + 1])
    tables.append(book.free[: int(header["free_count"]) + 1])
    tables += remembered_trades(book)
    for table in tables:
        parts += [struct.pack("<q", len(table)), table.tobytes()]
    return b"".join(parts)


def remembered_trades(book: Book) -> tuple[np.ndarray, np.ndarray]:
    """The venue day's TRADE[n] that the table has, in order of number, and TRADE_SIDE[2 n]."""
    slots = _trade_slots(book, len(book.trades))
    sides = np.stack([2 * slots, 2 * slots + 1], axis=1).ravel()
    return book.trades[slots], book.trade_sides[sides]


def _trade_slots(book: Book, count: int) -> np.ndarray:
    """Where the last `count` trades of the venue day lie, as many as there are."""
    header = book.header[0]
    last = int(header["trade_count"])
    first = max(int(header["trades_from"]), last - count) + 1
    return np.arange(first, last + 1) & (len(book.trades) - 1)


def _place_trades(book: Book, trades: np.ndarray, sides: np.ndarray) -> None:
    """Put trades where their numbers lie in this table, the latest of them as far as it goes."""
    kept = min(len(trades), len(book.trades))
    slots = _trade_slots(book, kept)
    book.trades[slots] = trades[len(trades) - kept :]
    book.trade_sides[2 * slots] = sides[len(sides) - 2 * kept :: 2]
    book.trade_sides[2 * slots + 1] = sides[len(sides) - 2 * kept + 1 :: 2]


def restore_snapshot(
    limits: EngineLimits, data: bytes, requests: np.ndarray, hash_key: int
) -> np.ndarray:
    """An arena from a snapshot and the request rows of its moment; tables may be larger than
    they were, or smaller as far as what is used fits. Raises ValueError where it does not fit."""
    if data[: len(_MAGIC)] != _MAGIC:
        raise ValueError("not a snapshot of this version")
    arena = new_arena(limits, hash_key)
    book = views(arena, requests)
    header = book.header[0]
    stride = int(header["risk_stride"])
    at = len(_MAGIC) + 8 * len(_KEPT)
    for name, value in zip(
        _KEPT, struct.unpack_from(f"<{len(_KEPT)}q", data, len(_MAGIC)), strict=True
    ):
        header[name] = value
    for name in _SMALL:
        at = _fill(data, at, getattr(book, name), name)
    risks, at = _table(data, at, RISK)
    at = _fill(data, at, book.levels, "levels")
    at = _fill(data, at, book.orders, "orders")
    at = _fill(data, at, book.stops, "stops")
    at = _fill(data, at, book.moves, "price moves")
    at = _fill(data, at, book.windows, "settlement windows")
    at = _fill(data, at, book.quote_fills, "fills of quotes")
    at = _fill(data, at, book.free, "free rows")
    trades, at = _table(data, at, TRADE)
    sides, at = _table(data, at, TRADE_SIDE)
    _place_trades(book, trades, sides)
    if at != len(data) or int(header["request_count"]) >= limits.requests_max:
        raise ValueError("a snapshot of another length, or more requests than requests_max")
    _place_risks(book, risks, int(header["risk_stride"]), stride)
    header["risk_stride"] = stride
    rebuild(arena, requests, np.zeros(0, EVENT))
    return arena


def _table(data: bytes, at: int, dtype: np.dtype) -> tuple[np.ndarray, int]:
    (count,) = struct.unpack_from("<q", data, at)
    rows = np.frombuffer(data, dtype, count, at + 8)
    return rows, at + 8 + count * dtype.itemsize


def _fill(data: bytes, at: int, table: np.ndarray, name: str) -> int:
    rows, at = _table(data, at, table.dtype)
    kept = min(len(rows), len(table))
    if rows[kept:].tobytes().strip(b"\0"):
        raise ValueError(f"snapshot has more {name} than the limits allow")
    table[:kept] = rows[:kept]
    return at


def _place_risks(book: Book, risks: np.ndarray, old_stride: int, stride: int) -> None:
    """Put risk rows where the new stride wants them, and follow with all that points at them."""
    if len(risks) and int(risks["account"].max()) * stride >= len(book.risks):
        raise ValueError("snapshot has more accounts than the limits allow")

    def moved(index: np.ndarray) -> np.ndarray:
        return index // old_stride * stride + index % old_stride

    risks = risks.copy()
    for name in ("member_next", "instrument_next"):
        risks[name] = moved(risks[name].astype(np.int64))
    book.risks[risks["account"].astype(np.int64) * stride + risks["instrument"]] = risks
    for table in (book.members, book.instruments):
        table["risk_first"] = moved(table["risk_first"].astype(np.int64))
    used = book.orders[: int(book.header[0]["orders_used"]) + 1]  # the others stay untouched
    used["risk"] = moved(used["risk"].astype(np.int64))
