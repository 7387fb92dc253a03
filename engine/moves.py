"""Price moves: what is remembered of the last minute and hour, and when they call for a pause.

Of each second and each minute of venue time the lowest and the highest price, in rows that are
used again after 60 of them. Only products with PAUSES come here.

Source: specs/matching.md M-115, M-116.
"""

from __future__ import annotations

from engine.book import copy_row, header_of, instrument_at, move_at, pending_at, product_at
from engine.flags import HAS_PAUSES, PAUSE_PRODUCT
from engine.kernel import kernel
from engine.layout import PhaseStep, Work
from engine.limits import BASIS_POINTS, MINUTE_NS, MOVE_ROWS, MOVE_SPANS, NANOSECONDS
from engine.reasons import PhaseReason
from engine.types import Phase


@kernel
def note_price(book, number, time_ns, price):
    """Remember the price of a trade."""
    product = product_at(book, instrument_at(book, number)["product"])
    if product["features"] & HAS_PAUSES == 0:
        return
    first = number * MOVE_ROWS
    note_span(book, first, time_ns // NANOSECONDS, price)
    note_span(book, first + MOVE_SPANS, time_ns // MINUTE_NS, price)


@kernel
def note_span(book, first, span, price):
    """Widen the low and high of a second or a minute."""
    row = move_at(book, first + span % MOVE_SPANS)
    if row["span"] != span:
        row["span"] = span
        row["low"] = price
        row["high"] = price
    row["low"] = min(row["low"], price)
    row["high"] = max(row["high"], price)


@kernel
def clear_moves(book, number):
    """Forget an instrument's moves: its windows start again."""
    product = product_at(book, instrument_at(book, number)["product"])
    if product["features"] & HAS_PAUSES == 0:
        return
    for row in range(number * MOVE_ROWS, (number + 1) * MOVE_ROWS):
        move_at(book, row)["span"] = 0
        move_at(book, row)["low"] = 0
        move_at(book, row)["high"] = 0


@kernel
def moved(book, first, after, last):
    """The farthest that `last` lies from a price remembered of spans behind `after`, 1e-9."""
    away = 0
    for at in range(first, first + MOVE_SPANS):
        row = move_at(book, at)
        if row["span"] > max(after, 0):
            away = max(away, max(last - row["low"], row["high"] - last))
    return away


@kernel
def why_pause(book, number, time_ns):
    """The reason for a pause of the instrument, NONE without one (M-115)."""
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    first = number * MOVE_ROWS
    last = instrument["last"]
    if product["velocity_ticks"] != 0:
        after = time_ns // NANOSECONDS - product["velocity_seconds"]
        if moved(book, first, after, last) >= product["velocity_ticks"] * product["tick"]:
            return PhaseReason.VELOCITY
    if product["breaker_bp"] != 0 and instrument["spread"] == 0:
        after = time_ns // MINUTE_NS - MOVE_SPANS
        ticks = moved(book, first + MOVE_SPANS, after, last) // product["tick"]
        reference_ticks = instrument["reference"] // product["tick"]
        if ticks * BASIS_POINTS >= reference_ticks * product["breaker_bp"]:
            return PhaseReason.CIRCUIT_BREAKER
    return PhaseReason.NONE


@kernel
def watch_moves(book, command, number):
    """At the end of a command that may have traded: a pause that is due becomes long work."""
    reason = why_pause(book, number, command["time_ns"])
    if reason == PhaseReason.NONE:
        return
    header = header_of(book)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    header["work"] = Work.PAUSE
    header["work_phase"] = PhaseStep.NEXT
    header["work_target"] = Phase.VOLATILITY_PAUSE
    header["work_end_ns"] = 0
    if product["pause_ns"] != 0:
        header["work_end_ns"] = command["time_ns"] + product["pause_ns"]
    header["work_reason"] = reason
    header["work_if_trading"] = 1
    header["work_instrument"] = number - 1
    header["work_last"] = number
    header["work_product"] = 0
    if product["features"] & PAUSE_PRODUCT != 0:
        header["work_instrument"] = 0
        header["work_last"] = header["instruments_rows"] - 1
        header["work_product"] = instrument["product"]
    copy_row(pending_at(book, 0), command)
