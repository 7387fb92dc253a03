"""Settlement prices: the average of the day or of a window, and what stands in for trades.

All of a product's prices are found when its roll begins, before its orders expire: a contract
without trades follows its calendar spreads, or else the nearest one that has some.

Source: specs/matching.md M-71, M-200 to M-205; docs/decisions/0111-settled-by-spreads.md.
"""

from __future__ import annotations

import numpy as np

from engine.book import call_at, header_of, instrument_at, product_at, window_at
from engine.depth import in_phases
from engine.flags import HAS_SETTLE_WINDOW, TRADES
from engine.kernel import kernel
from engine.limits import LOCKED_CLOSE_NS, SUM_MAX, WINDOW_ROWS
from engine.locked import lock_side, note_lock, unlock
from engine.reasons import SettleReason
from engine.types import Side

CLOSE_BID, CLOSE_ASK = 1, 2  # bits of close_quotes
_QUOTED_AWAY = 1 << 40  # farther than any month: traded spreads come first


@kernel
def note_trade(book, number, time_ns, price, qty):
    """Count a trade in its span of the window's length (M-201)."""
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    if product["features"] & HAS_SETTLE_WINDOW == 0 or instrument["value_ticks"] >= SUM_MAX:
        return
    span = time_ns // product["settle_span_ns"]
    row = window_at(book, number * WINDOW_ROWS + span % WINDOW_ROWS)
    if row["span"] != span:
        row["span"] = span
        row["volume"] = 0
        row["value_ticks"] = 0
    row["volume"] += qty
    row["value_ticks"] += price // product["tick"] * qty


@kernel
def amend_trade(book, number, time_ns, lots, value_ticks):
    """Take lots and value of a trade out of its span, where the window has it (M-201, M-219)."""
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    if product["features"] & HAS_SETTLE_WINDOW == 0:
        return
    span = time_ns // product["settle_span_ns"]
    row = window_at(book, number * WINDOW_ROWS + span % WINDOW_ROWS)
    if row["span"] == span:
        row["volume"] -= lots
        row["value_ticks"] -= value_ticks


@kernel
def note_close(book, number, time_ns):
    """Trading ends, perhaps for the date: its time, the best quotes, the lock (M-200)."""
    note_lock(book, number, time_ns)
    call = call_at(book, number)
    instrument = instrument_at(book, number)
    tick = product_at(book, instrument["product"])["tick"]
    end_ns = call["scheduled_end_ns"]
    call["close_ns"] = min(time_ns, end_ns) if end_ns != 0 else time_ns
    call["close_quotes"] = 0
    call["close_locked"] = 0
    side = lock_side(book, number)
    if side != 0 and call["close_ns"] - call["locked_since_ns"] >= LOCKED_CLOSE_NS:
        call["close_locked"] = side
    if call["calling"] != 0:
        return
    first = instrument["level_first"]
    if instrument["best_bid"] >= first:
        call["close_bid"] = instrument["base_price"] + (instrument["best_bid"] - first) * tick
        call["close_quotes"] = CLOSE_BID
    if instrument["best_ask"] < first + instrument["level_count"]:
        call["close_ask"] = instrument["base_price"] + (instrument["best_ask"] - first) * tick
        call["close_quotes"] |= CLOSE_ASK


@kernel
def clear_close(book, number):
    """A trading date begins: it has no close, no trades and no lock."""
    unlock(book, number)
    call = call_at(book, number)
    call["close_ns"] = 0
    call["close_quotes"] = 0
    call["close_locked"] = 0
    product = product_at(book, instrument_at(book, number)["product"])
    if product["features"] & HAS_SETTLE_WINDOW == 0:
        return
    for at in range(number * WINDOW_ROWS, (number + 1) * WINDOW_ROWS):
        row = window_at(book, at)
        row["span"] = 0
        row["volume"] = 0
        row["value_ticks"] = 0


@kernel
def find_settlements(book, command):
    """The settlement prices of all of the roll's months: own ones, by spreads, by neighbours."""
    rows = header_of(book)["instruments_rows"]
    spreads = 0
    for number in range(1, rows):
        instrument = instrument_at(book, number)
        if rolls(instrument, command["product"]):
            spreads += instrument["spread"] != 0
            if in_phases(TRADES, call_at(book, number)["phase"]):
                note_close(book, number, command["time_ns"])
            settle_alone(book, number)
    found = spreads
    while found != 0:
        found = 0
        for number in range(1, rows):
            if settles(book, number, command["product"]) and not has_price(book, number):
                found += settle_by_spread(book, number)
    for number in range(1, rows):
        if settles(book, number, command["product"]) and not has_price(book, number):
            settle_by_neighbour(book, number)


@kernel
def rolls(instrument, product):
    """Whether a roll of the product settles the instrument."""
    lives = instrument["defined"] != 0 and instrument["expired"] == 0
    return lives and instrument["product"] == product


@kernel
def settles(book, number, product):
    """Whether a roll of the product settles the instrument by its trades, as no spread is."""
    instrument = instrument_at(book, number)
    return instrument["spread"] == 0 and rolls(instrument, product)


@kernel
def has_price(book, number):
    """Whether something made a settlement price of the roll; a suspended date has none (M-212)."""
    call = call_at(book, number)
    traded = instrument_at(book, number)["volume"] != 0
    return traded or call["settled_by"] != SettleReason.NONE or call["suspended"] != 0


@kernel
def settle_alone(book, number):
    """M-71, M-201 to M-203: the price by what the instrument itself did."""
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    call = call_at(book, number)
    call["settled_by"] = SettleReason.NONE
    call["settlement"] = instrument["reference"]
    if instrument["volume"] != 0:
        volume = instrument["volume"]
        value = instrument["value_ticks"]
        if product["features"] & HAS_SETTLE_WINDOW != 0:
            volume, value = window_sums(book, number)
        if volume == 0:
            call["settlement"] = last_inside_quotes(call, instrument["last"])
            call["settled_by"] = SettleReason.LAST
        else:
            call["settlement"] = average_ticks(volume, value) * product["tick"]
    elif call["close_locked"] == Side.BUY:
        call["settlement"] = instrument["high"]
        call["settled_by"] = SettleReason.LOCKED
    elif call["close_locked"] == Side.SELL:
        call["settlement"] = instrument["low"]
        call["settled_by"] = SettleReason.LOCKED
    elif call["close_quotes"] == CLOSE_BID | CLOSE_ASK:
        call["settlement"] = last_inside_quotes(call, instrument["reference"])
        call["settled_by"] = SettleReason.QUOTED


@kernel
def average_ticks(volume, value):
    """value / volume, half away from zero."""
    ticks = abs(value) // volume
    if abs(value) % volume >= volume - volume // 2:
        ticks += 1
    return ticks if value >= 0 else -ticks


@kernel
def window_sums(book, number):
    """Volume and value of the trades in the window before the close (M-201)."""
    product = product_at(book, instrument_at(book, number)["product"])
    last = call_at(book, number)["close_ns"] // product["settle_span_ns"]
    volume = 0
    value = 0
    for at in range(number * WINDOW_ROWS, (number + 1) * WINDOW_ROWS):
        row = window_at(book, at)
        if row["span"] >= last - product["settle_spans"] and row["span"] <= last:
            volume += row["volume"]
            value += row["value_ticks"]
    return volume, value


@kernel
def last_inside_quotes(call, price):
    """A price, brought to the nearer quote of the close where it lies outside of them."""
    if call["close_quotes"] & CLOSE_BID != 0:
        price = max(price, call["close_bid"])
    if call["close_quotes"] & CLOSE_ASK != 0:
        price = min(price, call["close_ask"])
    return price


@kernel
def settle_by_spread(book, number):
    """M-205: another month's price and the spread between them, inside the limits; 1: found."""
    spread = nearest_spread(book, number)
    if spread == 0:
        return 0
    instrument = instrument_at(book, number)
    call = call_at(book, number)
    row = instrument_at(book, spread)
    if row["leg_1"] == number:
        price = call_at(book, row["leg_2"])["settlement"] + call_at(book, spread)["settlement"]
    else:
        price = call_at(book, row["leg_1"])["settlement"] - call_at(book, spread)["settlement"]
    call["settlement"] = min(max(price, instrument["low"]), instrument["high"])
    call["settled_by"] = SettleReason.SPREAD
    return 1


@kernel
def nearest_spread(book, number):
    """The calendar spread that prices a month best: traded, then near, early, low id; 0: none."""
    instrument = instrument_at(book, number)
    found = 0
    found_away = 0
    for spread in range(1, header_of(book)["instruments_rows"]):
        row = instrument_at(book, spread)
        if row["spread"] == 0 or not rolls(row, instrument["product"]):
            continue
        if row["leg_1"] != number and row["leg_2"] != number:
            continue
        other = np.int64(row["leg_1"]) + np.int64(row["leg_2"]) - number
        leg = instrument_at(book, other)
        same = leg["product"] == instrument["product"]
        if not same or row["lots_1"] != 1 or row["lots_2"] != 1:
            continue
        traded = row["volume"] != 0
        quoted = call_at(book, spread)["settled_by"] == SettleReason.QUOTED
        settled = call_at(book, other)["suspended"] == 0 and has_price(book, other)
        if not settled or not (traded or quoted):
            continue
        away = away_from(instrument, leg)
        if not traded:
            away += _QUOTED_AWAY
        if found == 0 or away < found_away:
            found = spread
            found_away = away
    return found


@kernel
def settle_by_neighbour(book, number):
    """M-204: the change of the nearest month that traded, inside the limits."""
    call = call_at(book, number)
    instrument = instrument_at(book, number)
    other = nearest_traded(book, number)
    if other == 0:
        return
    tick = product_at(book, instrument["product"])["tick"]
    ticks = share_of(
        instrument["reference"] // tick,
        call_at(book, other)["settlement"] // tick,
        instrument_at(book, other)["reference"] // tick,
    )
    call["settlement"] = min(max(ticks * tick, instrument["low"]), instrument["high"])
    call["settled_by"] = SettleReason.NEIGHBOUR


@kernel
def month_of(instrument):
    """Its maturity in months."""
    maturity = np.int64(instrument["maturity"])
    return maturity // 100 * 12 + maturity % 100


@kernel
def away_from(instrument, other):
    """How far another month is; of two equally near ones the earlier is less."""
    months = month_of(other) - month_of(instrument)
    return 2 * abs(months) + (1 if months > 0 else 0)


@kernel
def nearest_traded(book, number):
    """The instrument of the product, next in months, that traded; the earlier of two; 0: none."""
    instrument = instrument_at(book, number)
    found = 0
    found_away = 0
    for other in range(1, header_of(book)["instruments_rows"]):
        if not settles(book, other, instrument["product"]):
            continue
        if instrument_at(book, other)["volume"] == 0:
            continue
        away = away_from(instrument, instrument_at(book, other))
        if found == 0 or away < found_away:
            found = other
            found_away = away
    return found


@kernel
def share_of(ticks, price, reference):
    """ticks x price / reference, half up, without a product that leaves int64.

    Long multiplication from the highest bit of `ticks` down; a term stays below the reference.
    """
    whole = price // reference
    rest = price % reference
    result = 0
    left = 0
    for bit in range(62, -1, -1):
        result *= 2
        left *= 2
        if ticks >> bit & 1 != 0:
            left += rest
        result += left // reference
        left %= reference
    result += ticks * whole
    if 2 * left >= reference:
        result += 1
    return result
