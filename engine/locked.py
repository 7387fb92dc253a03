"""Limits that lock: since when, how many days in a row, and the wider limits that follow.

Source: specs/matching.md M-210 to M-212.
"""

from __future__ import annotations

from enum import IntEnum

from engine.book import call_at, header_of, instrument_at, product_at
from engine.define import daily_limit
from engine.flags import HAS_LOCKED_DAYS
from engine.kernel import kernel
from engine.layout import ASK_NONE
from engine.limits import BASIS_POINTS
from engine.types import Side


class Suspended(IntEnum):
    """Whether a trading date is without trading (M-212), and what the phase was before it."""

    NO = 0
    FROM_NONE = 1  # goes back to it
    FROM_PHASE = 2


DAYS_TO_SUSPEND = 3
AFTER_SUSPENSION = 4  # locked_days of the date after the suspended one


@kernel
def may_be_locked(header, instrument):
    """Whether note_lock could have something to note: a side is empty, or an instrument locked.

    One of three words is negative then: orders mostly meet a book with both sides, in one branch.
    """
    return instrument["best_bid"] | (ASK_NONE - 1 - instrument["best_ask"]) | -header["locks"] < 0


@kernel
def lock_side(book, number):
    """The side that alone has orders, the best of them at its limit; NONE: not locked (M-210)."""
    instrument = instrument_at(book, number)
    if instrument["defined"] == 0:
        return Side.NONE
    tick = product_at(book, instrument["product"])["tick"]
    bids = instrument["best_bid"] >= instrument["level_first"]
    asks = instrument["best_ask"] < instrument["level_first"] + instrument["level_count"]
    if bids == asks:
        return Side.NONE
    if bids:
        level = instrument["best_bid"] - instrument["level_first"]
        at_limit = instrument["base_price"] + level * tick == instrument["high"]
        return Side.BUY if at_limit else Side.NONE
    level = instrument["best_ask"] - instrument["level_first"]
    if call_at(book, number)["calling"] != 0:
        level -= instrument["level_room"] >> 1
    at_limit = instrument["base_price"] + level * tick == instrument["low"]
    return Side.SELL if at_limit else Side.NONE


@kernel
def note_lock(book, number, time_ns):
    """Remember since when an instrument is locked; at the end of what changed its book."""
    call = call_at(book, number)
    side = lock_side(book, number)
    if side == call["lock_side"]:
        return
    header = header_of(book)
    if call["lock_side"] != 0:
        header["locks"] -= 1
    if side != 0:
        header["locks"] += 1
    call["lock_side"] = side
    call["locked_since_ns"] = time_ns if side != 0 else 0


@kernel
def unlock(book, number):
    """Forget that an instrument is locked: its limits become others."""
    call = call_at(book, number)
    if call["lock_side"] != 0:
        header_of(book)["locks"] -= 1
    call["lock_side"] = 0
    call["locked_since_ns"] = 0


@kernel
def count_locked_day(book, number):
    """At the end of a trading date, which the row still has: the locked days so far (M-211)."""
    call = call_at(book, number)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    if product["features"] & HAS_LOCKED_DAYS == 0 or instrument["spread"] != 0:
        return
    days = call["locked_days"]
    side = call["close_locked"]
    if call["suspended"] != Suspended.NO:
        call["locked_days"] = AFTER_SUSPENSION
    elif side == 0:
        call["locked_days"] = 0
        call["locked_side"] = 0
    elif side == call["locked_side"] and days < DAYS_TO_SUSPEND:
        call["locked_days"] += 1
    else:
        call["locked_days"] = 1
        call["locked_side"] = side
        call["locked_bp"] = daily_limit(product, instrument)


@kernel
def widened_limit(book, number):
    """The limit of the trading date that begins, 1e-4 (M-211)."""
    call = call_at(book, number)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    limit = daily_limit(product, instrument)
    if call["locked_days"] == 0:
        return limit
    points = product["locked_1_bp"] if call["locked_days"] == 1 else product["locked_2_bp"]
    return max(limit, min(call["locked_bp"] + points, BASIS_POINTS - 1))


@kernel
def is_suspended_next(book, number):
    """Whether the date that begins is without trading: the fourth, but not the last (M-212)."""
    instrument = instrument_at(book, number)
    if instrument["trading_date"] >= instrument["last_trading_date"]:
        return False
    return call_at(book, number)["locked_days"] == DAYS_TO_SUSPEND
