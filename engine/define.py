"""Definitions: products, instruments, members, accounts, sessions arrive as blobs of commands.

What breaks a bound is ignored without event: it is the operator's row, and a venue that starts
without it says so by what is missing.

Source: specs/matching.md M-7, M-8, M-12, M-230, M-231.
"""

from __future__ import annotations

import numpy as np

from engine.admit import price_level
from engine.book import (
    account_at,
    call_at,
    event_at,
    header_of,
    instrument_at,
    member_at,
    product_at,
    session_at,
)
from engine.emit import clear_event
from engine.flags import (
    CLOSING_FIRST,
    HAS_GTC_GTD,
    HAS_SETTLE_WINDOW,
    LISTING_LIMIT_DOUBLE,
    POSITION_EFFECT_REQUIRED,
)
from engine.kernel import codec_kernel
from engine.layout import ASK_NONE, STOP_NONE
from engine.limits import (
    BAND_TICKS_MAX,
    BASIS_POINTS,
    BUST_SECONDS_MAX,
    DEPTH_ROWS,
    ID_COUNT_BITS,
    LEVELS_PER_INSTRUMENT_MAX,
    MOVE_SPANS,
    MULTIPLIER_MAX,
    NANOSECONDS,
    PAUSE_SECONDS_MAX,
    POSITION_MAX,
    PRICE_MAX,
    QTY_MAX,
    QUOTE_WINDOW_MS_MAX,
    SHARD_MAX,
    SUM_MAX,
    TICK_UNIT,
    TIME_NS_MAX,
    WINDOW_SPANS,
)
from engine.quote_fills import clear_fills
from engine.reference import ACCOUNT, INSTRUMENT, MEMBER, PRODUCT, SESSION
from engine.relations import relate
from engine.spreads import set_spread_limits, spread_in_bounds, spread_room
from engine.stops import clear_range
from engine.types import PHASE, CommandKind, Currency, EventKind, PositionMode, PriceRule


def _words(dtype: np.dtype) -> np.dtype:
    """The row without its text, and 64-bit words signed: what kernels read of a blob."""
    assert dtype.names is not None and dtype.fields is not None
    names = [name for name in dtype.names if dtype[name].kind != "S"]
    return np.dtype(
        {
            "names": names,
            "formats": ["<i8" if dtype[name] == np.uint64 else dtype[name] for name in names],
            "offsets": [dtype.fields[name][1] for name in names],
            "itemsize": dtype.itemsize,
        }
    )


PRODUCT_WORDS = _words(PRODUCT)
INSTRUMENT_WORDS = _words(INSTRUMENT)
MEMBER_WORDS = _words(MEMBER)
ACCOUNT_WORDS = _words(ACCOUNT)
SESSION_WORDS = _words(SESSION)
PHASE_WORDS = _words(PHASE)
_PRODUCT_BYTES = PRODUCT.itemsize
_INSTRUMENT_BYTES = INSTRUMENT.itemsize
_MEMBER_BYTES = MEMBER.itemsize
_ACCOUNT_BYTES = ACCOUNT.itemsize
_SESSION_BYTES = SESSION.itemsize


@codec_kernel
def blob_lies(command, blobs, size):
    """Whether the command's blob has this many bytes and lies in the batch's blobs."""
    first = np.int64(command["blob_offset"])
    return command["blob_length"] == size and first + size <= blobs.shape[0]


@codec_kernel
def define(book, at, command, blobs):
    """Any DEFINE_ command; returns the next event row."""
    kind = command["kind"]
    first = np.int64(command["blob_offset"])
    if kind == CommandKind.DEFINE_PRODUCT:
        if blob_lies(command, blobs, _PRODUCT_BYTES):
            row = blobs[first : first + _PRODUCT_BYTES].view(PRODUCT_WORDS)[0]
            return define_product(book, at, command, row)
    elif kind == CommandKind.DEFINE_INSTRUMENT:
        if blob_lies(command, blobs, _INSTRUMENT_BYTES):
            row = blobs[first : first + _INSTRUMENT_BYTES].view(INSTRUMENT_WORDS)[0]
            return define_instrument(book, at, command, row)
    elif kind == CommandKind.DEFINE_MEMBER:
        if blob_lies(command, blobs, _MEMBER_BYTES):
            row = blobs[first : first + _MEMBER_BYTES].view(MEMBER_WORDS)[0]
            return define_member(book, at, command, row)
    elif kind == CommandKind.DEFINE_ACCOUNT:
        if blob_lies(command, blobs, _ACCOUNT_BYTES):
            row = blobs[first : first + _ACCOUNT_BYTES].view(ACCOUNT_WORDS)[0]
            return define_account(book, at, command, row)
    elif blob_lies(command, blobs, _SESSION_BYTES):
        row = blobs[first : first + _SESSION_BYTES].view(SESSION_WORDS)[0]
        return define_session(book, at, command, row)
    return at


@codec_kernel
def product_in_bounds(book, row):
    """Whether every amount that can come of the row stays in int64, and its modes are known."""
    if row["product"] < 1 or row["product"] >= header_of(book)["products_rows"]:
        return False
    if row["tick"] < TICK_UNIT or row["tick"] > PRICE_MAX or row["tick"] % TICK_UNIT != 0:
        return False
    if row["multiplier"] < 1 or row["multiplier"] > MULTIPLIER_MAX:
        return False
    if row["qty_max"] < 1 or row["qty_max"] > QTY_MAX or row["limit_bp"] >= BASIS_POINTS:
        return False
    if row["band_ticks"] > BAND_TICKS_MAX or row["display_min_bp"] > BASIS_POINTS:
        return False
    if row["currency"] != Currency.USD and row["currency"] != Currency.CNY:
        return False
    if row["price_rule"] != PriceRule.RESTING and row["price_rule"] != PriceRule.MEDIAN3:
        return False
    if row["static_band_ticks"] > BAND_TICKS_MAX or row["dynamic_band_ticks"] > BAND_TICKS_MAX:
        return False
    if row["block_range_ticks"] > BAND_TICKS_MAX:
        return False
    if row["velocity_seconds"] > MOVE_SPANS or row["pause_seconds"] > PAUSE_SECONDS_MAX:
        return False
    if row["velocity_ticks"] != 0 and row["velocity_seconds"] == 0:
        return False
    if row["breaker_bp"] > BASIS_POINTS or row["bust_seconds"] > BUST_SECONDS_MAX:
        return False
    if not settlement_in_bounds(row):
        return False
    closes_first = row["features"] & CLOSING_FIRST != 0
    if closes_first and row["position_mode"] != PositionMode.GROSS:
        return False
    if row["shard"] > SHARD_MAX:
        return False
    for number in range(1, header_of(book)["products_rows"]):
        other = product_at(book, number)
        if other["defined"] != 0 and other["shard_bits"] != np.int64(row["shard"]) << ID_COUNT_BITS:
            return False
    if row["position_mode"] == PositionMode.NETTING:
        return True
    if row["position_mode"] != PositionMode.GROSS:
        return False
    required = row["features"] & POSITION_EFFECT_REQUIRED != 0
    return required and row["features"] & HAS_GTC_GTD == 0


@codec_kernel
def settlement_in_bounds(row):
    """Whether a window and the points of locked days are what M-201 and M-211 allow."""
    seconds = row["settle_window_seconds"]
    if seconds > WINDOW_SPANS and seconds % WINDOW_SPANS != 0:
        return False
    if seconds > WINDOW_SPANS * WINDOW_SPANS:
        return False
    if row["features"] & HAS_SETTLE_WINDOW != 0 and seconds == 0:
        return False
    return row["locked_1_bp"] <= row["locked_2_bp"] and row["locked_2_bp"] < BASIS_POINTS


@codec_kernel
def define_product(book, at, command, row):
    """PRODUCT_DEFINED, once."""
    if not product_in_bounds(book, row):
        return at
    product = product_at(book, row["product"])
    if product["defined"] != 0:
        return at
    tick = row["tick"]
    qty_max = row["qty_max"]
    price_max = min(PRICE_MAX, SUM_MAX // qty_max)
    notional_units = SUM_MAX // 2 // (row["multiplier"] * qty_max)
    price_max = min(price_max, min(notional_units, PRICE_MAX // TICK_UNIT) * TICK_UNIT)
    product["tick"] = tick
    product["multiplier"] = row["multiplier"]
    product["qty_max"] = qty_max
    product["price_max"] = price_max // tick * tick
    product["limit_bp"] = row["limit_bp"]
    product["ladder_bp"] = max(row["ladder_bp"], row["limit_bp"])
    product["band_ticks"] = row["band_ticks"]
    product["display_min_bp"] = row["display_min_bp"]
    product["features"] = row["features"]
    product["static_band"] = band_width(tick, row["static_band_ticks"])
    product["velocity_ticks"] = row["velocity_ticks"]
    product["velocity_seconds"] = row["velocity_seconds"]
    product["breaker_bp"] = row["breaker_bp"]
    product["pause_ns"] = np.int64(row["pause_seconds"]) * NANOSECONDS
    product["block_qty_min"] = row["block_qty_min"]
    product["block_range"] = band_width(tick, row["block_range_ticks"])
    product["bust_ns"] = np.int64(row["bust_seconds"]) * NANOSECONDS
    product["dynamic_band"] = band_width(tick, row["dynamic_band_ticks"])
    spans = min(np.int64(row["settle_window_seconds"]), WINDOW_SPANS)
    product["settle_spans"] = spans
    product["settle_span_ns"] = np.int64(row["settle_window_seconds"]) // max(spans, 1)
    product["settle_span_ns"] *= NANOSECONDS
    product["locked_1_bp"] = row["locked_1_bp"]
    product["locked_2_bp"] = row["locked_2_bp"]
    product["shard_bits"] = np.int64(row["shard"]) << ID_COUNT_BITS
    product["product"] = row["product"]
    product["price_rule"] = row["price_rule"]
    product["position_mode"] = row["position_mode"]
    product["currency"] = row["currency"]
    product["defined"] = 1
    clear_event(event_at(book, at), command, EventKind.PRODUCT_DEFINED)
    event_at(book, at)["product"] = row["product"]
    return at + 1


@codec_kernel
def band_width(tick, ticks):
    """A band in 1e-9, wider than any price where there is none (M-114)."""
    if ticks == 0:
        return PRICE_MAX
    return min(np.int64(ticks), PRICE_MAX // tick) * tick


@codec_kernel
def daily_limit(product, instrument):
    """The limit of the instrument's trading date, 1e-4 (M-12, M-113)."""
    is_listing = instrument["trading_date"] <= instrument["first_trading_date"]
    if is_listing and product["features"] & LISTING_LIMIT_DOUBLE != 0:
        return min(2 * product["limit_bp"], BASIS_POINTS - 1)
    return product["limit_bp"]


@codec_kernel
def set_limits(product, instrument, reference, limit):
    """Reference and daily limits (M-12) of `limit` 1e-4, inside what the product allows."""
    tick = product["tick"]
    reference = min(reference, product["price_max"])
    ticks = reference // tick
    low = -(-(ticks * (BASIS_POINTS - limit)) // BASIS_POINTS)
    high = ticks * (BASIS_POINTS + limit) // BASIS_POINTS
    instrument["reference"] = reference
    instrument["low"] = low * tick
    instrument["high"] = min(high * tick, product["price_max"])


@codec_kernel
def lay_ladder(book, product, instrument, limit):
    """Place the instrument's levels around its limits of `limit` 1e-4; False where no room is left.

    Levels and depths of a call's sells lie in the upper half of the room (see engine/depth.py).
    The book must have no order beyond the limits. Levels that lie inside both the old and the new
    ladder keep their queues; the orders of a moved ladder are given their new levels by the caller.
    """
    header = header_of(book)
    tick = product["tick"]
    if instrument["spread"] != 0:
        room = spread_room(book, instrument)
        first = instrument["low"] // tick - room // BASIS_POINTS
    else:
        room = max(0, product["ladder_bp"] - limit) * (instrument["reference"] // tick)
        first = max(1, instrument["low"] // tick - room // BASIS_POINTS)
    last = instrument["high"] // tick + room // BASIS_POINTS
    if last - first >= LEVELS_PER_INSTRUMENT_MAX:
        first = instrument["low"] // tick
        last = instrument["high"] // tick
    count = last - first + 1
    if count > LEVELS_PER_INSTRUMENT_MAX:
        return False
    if count + DEPTH_ROWS > instrument["level_room"] >> 1:
        wanted = -(-(count + DEPTH_ROWS) // 64) * 128
        if header["levels_used"] + 2 * wanted <= header_of(book)["levels_rows"]:
            wanted *= 2
        elif header["levels_used"] + wanted > header_of(book)["levels_rows"]:
            return False
        instrument["level_first"] = header["levels_used"]
        instrument["level_room"] = wanted
        header["levels_used"] += wanted
    instrument["level_count"] = count
    instrument["base_price"] = first * tick
    return True


@codec_kernel
def define_instrument(book, at, command, row):
    """INSTRUMENT_DEFINED and LIMITS_SET, once."""
    if row["instrument"] < 1 or row["instrument"] >= header_of(book)["instruments_rows"]:
        return at
    if row["product"] >= header_of(book)["products_rows"]:
        return at
    product = product_at(book, row["product"])
    instrument = instrument_at(book, row["instrument"])
    if product["defined"] == 0 or instrument["defined"] != 0:
        return at
    reference = row["reference_price"]
    if reference % product["tick"] != 0:
        return at
    is_spread = row["leg_1"] != 0 or row["leg_2"] != 0
    if is_spread:
        if not spread_in_bounds(book, row) or abs(reference) > product["price_max"]:
            return at
    elif reference < product["tick"] or reference > product["price_max"] // 2:
        return at
    instrument["trading_date"] = row["trading_date"]
    instrument["first_trading_date"] = row["first_trading_date"]
    instrument["product"] = row["product"]
    limit = np.int64(0)
    if is_spread:
        instrument["spread"] = 1
        instrument["leg_1"] = row["leg_1"]
        instrument["leg_2"] = row["leg_2"]
        instrument["lots_1"] = row["lots_1"]
        instrument["lots_2"] = row["lots_2"]
        set_spread_limits(book, instrument, reference)
        reference = instrument["reference"]
    else:
        limit = daily_limit(product, instrument)
        set_limits(product, instrument, reference, limit)
    if not lay_ladder(book, product, instrument, limit):
        instrument["spread"] = 0
        instrument["product"] = 0
        return at
    call_at(book, row["instrument"])["limit_bp"] = limit
    instrument["best_bid"] = -1
    instrument["best_ask"] = ASK_NONE
    instrument["stop_above"] = STOP_NONE
    instrument["stop_below"] = -STOP_NONE
    instrument["stop_high"] = -STOP_NONE
    instrument["stop_low"] = STOP_NONE
    clear_range(instrument)
    instrument["last"] = reference
    instrument["last_trading_date"] = row["last_trading_date"]
    instrument["maturity"] = row["maturity"]
    instrument["continuous_until_ns"] = TIME_NS_MAX
    instrument["defined"] = 1
    if is_spread:
        relate(book, np.int64(row["instrument"]))
    assert price_level(product, instrument, instrument["high"]) < (
        instrument["level_first"] + (instrument["level_room"] >> 1)
    ), "ladder"
    limits_event(
        event_at(book, at), command, row["instrument"], instrument, EventKind.INSTRUMENT_DEFINED
    )
    limits_event(
        event_at(book, at + 1), command, row["instrument"], instrument, EventKind.LIMITS_SET
    )
    return at + 2


@codec_kernel
def limits_event(event, command, number, instrument, kind):
    """INSTRUMENT_DEFINED or LIMITS_SET."""
    clear_event(event, command, kind)
    event["instrument"] = number
    event["product"] = instrument["product"]
    event["trading_date"] = instrument["trading_date"]
    event["price"] = instrument["reference"]
    event["cum_value"] = instrument["low"]
    event["leaves_qty"] = instrument["high"]


@codec_kernel
def define_member(book, at, command, row):
    """MEMBER_SET: quotas and products of a member."""
    if row["member"] < 1 or row["member"] >= header_of(book)["members_rows"]:
        return at
    member = member_at(book, row["member"])
    member["requests_max"] = row["requests_max"]
    member["orders_max"] = row["orders_max"]
    member["products"] = row["products"]
    member["defined"] = 1
    clear_event(event_at(book, at), command, EventKind.MEMBER_SET)
    event_at(book, at)["member"] = row["member"]
    return at + 1


@codec_kernel
def define_account(book, at, command, row):
    """ACCOUNT_SET: limits of an account; its member stays the first one."""
    if row["account"] < 1 or row["account"] >= header_of(book)["accounts_rows"]:
        return at
    if row["member"] < 1 or row["member"] >= header_of(book)["members_rows"]:
        return at
    if row["quote_window_ms"] < 0 or row["quote_window_ms"] > QUOTE_WINDOW_MS_MAX:
        return at
    account = account_at(book, row["account"])
    account["open_orders_max"] = row["open_orders_max"]
    account["position_long_max"] = min(row["position_long_max"], POSITION_MAX)
    account["position_short_max"] = min(row["position_short_max"], POSITION_MAX)
    account["order_notional_max"] = row["order_notional_max"]
    account["open_notional_max"] = min(row["open_notional_max"], SUM_MAX)
    account["orders_per_second_max"] = row["orders_per_second_max"]
    if account["quote_window_ms"] != row["quote_window_ms"]:
        clear_fills(book, np.int64(row["account"]))
    account["quote_window_ms"] = row["quote_window_ms"]
    account["quote_executions_max"] = row["quote_executions_max"]
    account["quote_qty_max"] = row["quote_qty_max"]
    account["quote_delta_max"] = row["quote_delta_max"]
    if account["defined"] == 0:
        account["member"] = row["member"]
        account["defined"] = 1
    clear_event(event_at(book, at), command, EventKind.ACCOUNT_SET)
    event_at(book, at)["account"] = row["account"]
    event_at(book, at)["member"] = account["member"]
    return at + 1


@codec_kernel
def define_session(book, at, command, row):
    """SESSION_SET; the session's member stays the first one."""
    if row["session"] < 1 or row["session"] >= header_of(book)["sessions_rows"]:
        return at
    if row["member"] < 1 or row["member"] >= header_of(book)["members_rows"]:
        return at
    session = session_at(book, row["session"])
    if session["defined"] == 0:
        session["member"] = row["member"]
        session["defined"] = 1
    session["cancel_on_disconnect"] = row["cancel_on_disconnect"]
    clear_event(event_at(book, at), command, EventKind.SESSION_SET)
    event_at(book, at)["session"] = row["session"]
    event_at(book, at)["member"] = session["member"]
    return at + 1
