"""Implied prices of calendar spreads: what two books make in a third, kept current and told.

Months a and b and their spread a-b are one relation: orders in two of the books are a price in the
third. A row an instrument remembers its best direct prices, and the best ones implied by others,
so that an order which reaches none pays a compare, and a command that moves no best price nothing.
First generation: implied prices come from orders alone.

Source: specs/matching.md M-240 to M-247; docs/decisions/0105-spreads-and-implied.md.
"""

from __future__ import annotations

import numpy as np

from engine.bits import lowest_set
from engine.book import (
    copy_row,
    event_at,
    header_of,
    implied_at,
    implied_bits_at,
    instrument_at,
    pending_at,
    product_at,
)
from engine.depth import market_event
from engine.emit import clear_event
from engine.flags import HAS_IMPLIED
from engine.kernel import kernel
from engine.layout import ASK_NONE, Work
from engine.limits import PRICE_NONE
from engine.locked import may_be_locked, note_lock
from engine.relations import next_of
from engine.types import CommandKind, EventKind, Side

_FAR = PRICE_NONE // 2  # beyond it a sum has a part that is none


@kernel
def takes_part(book, instrument):
    """Whether an instrument trades continuously and its product's implied prices are on (M-241)."""
    if instrument["continuous_until_ns"] < 0 or instrument["expired"] != 0:
        return False
    return product_at(book, instrument["product"])["implied_off"] == 0


@kernel
def direct_prices(book, instrument):
    """Best bid and ask of the book, beyond any price where there are none or it takes no part."""
    bid = -PRICE_NONE
    ask = PRICE_NONE
    if takes_part(book, instrument):
        tick = product_at(book, instrument["product"])["tick"]
        zero = instrument["base_price"] - instrument["level_first"] * tick
        if instrument["best_bid"] >= 0:
            bid = zero + instrument["best_bid"] * tick
        if instrument["best_ask"] != ASK_NONE:
            ask = zero + instrument["best_ask"] * tick
    return bid, ask


@kernel
def out_bid(book, spread, leg):
    """What the other two books of a spread bid for one of its legs."""
    row = implied_at(book, spread)
    if row["leg_1"] == leg:
        return row["bid"] + implied_at(book, row["leg_2"])["bid"]
    return implied_at(book, row["leg_1"])["bid"] - row["ask"]


@kernel
def out_ask(book, spread, leg):
    """At what the other two books of a spread offer one of its legs."""
    row = implied_at(book, spread)
    if row["leg_1"] == leg:
        return row["ask"] + implied_at(book, row["leg_2"])["ask"]
    return implied_at(book, row["leg_1"])["ask"] - row["bid"]


@kernel
def refresh(book, number):
    """Follow the best prices of a book: the prices it implies elsewhere become current."""
    instrument = instrument_at(book, number)
    row = implied_at(book, number)
    bid, ask = direct_prices(book, instrument)
    if instrument["continuous_until_ns"] < 0:
        mark(book, number)
    old_bid = row["bid"]
    old_ask = row["ask"]
    if bid == old_bid and ask == old_ask:
        return
    row["bid"] = bid
    row["ask"] = ask
    if row["leg_1"] != 0:
        leg_1 = np.int64(row["leg_1"])
        leg_2 = np.int64(row["leg_2"])
        other = implied_at(book, leg_2)
        move_out(book, number, leg_1, old_bid + other["bid"], old_ask + other["ask"])
        other = implied_at(book, leg_1)
        move_out(book, number, leg_2, other["bid"] - old_ask, other["ask"] - old_bid)
        return
    spread = np.int64(row["first"])
    while spread != 0:
        imply_in(book, spread)
        between = implied_at(book, spread)
        if between["leg_1"] == number:
            other_leg = np.int64(between["leg_2"])
            bid = old_bid - between["ask"]
            ask = old_ask - between["bid"]
        else:
            other_leg = np.int64(between["leg_1"])
            bid = between["bid"] + old_bid
            ask = between["ask"] + old_ask
        move_out(book, spread, other_leg, bid, ask)
        spread = next_of(book, spread, number)


@kernel
def imply_in(book, spread):
    """The prices that its legs imply in a spread."""
    row = implied_at(book, spread)
    leg_1 = implied_at(book, row["leg_1"])
    leg_2 = implied_at(book, row["leg_2"])
    settle_prices(book, spread, leg_1["bid"] - leg_2["ask"], leg_1["ask"] - leg_2["bid"])


@kernel
def move_out(book, spread, leg, bid_before, ask_before):
    """What a spread implies in a month moved: better than all, or the best one, which is worse now.

    bid_before, ask_before: what it implied until now.
    """
    row = implied_at(book, leg)
    best_bid = row["implied_bid"]
    best_ask = row["implied_ask"]
    bid = out_bid(book, spread, leg)
    ask = out_ask(book, spread, leg)
    if bid >= best_bid:
        best_bid = bid
    elif bid_before == best_bid:
        best_bid = best_out_bid(book, leg)
    if ask <= best_ask:
        best_ask = ask
    elif ask_before == best_ask:
        best_ask = best_out_ask(book, leg)
    settle_prices(book, leg, best_bid, best_ask)


@kernel
def best_out_bid(book, leg):
    """The best bid that spreads imply in a month."""
    best = -PRICE_NONE
    spread = np.int64(implied_at(book, leg)["first"])
    while spread != 0:
        best = max(best, out_bid(book, spread, leg))
        spread = next_of(book, spread, leg)
    return best


@kernel
def best_out_ask(book, leg):
    """The best offer that spreads imply in a month."""
    best = PRICE_NONE
    spread = np.int64(implied_at(book, leg)["first"])
    while spread != 0:
        best = min(best, out_ask(book, spread, leg))
        spread = next_of(book, spread, leg)
    return best


@kernel
def settle_prices(book, number, bid, ask):
    """Write the implied prices of an instrument, none where a part of them is none."""
    if bid < -_FAR:
        bid = -PRICE_NONE
    if ask > _FAR:
        ask = PRICE_NONE
    row = implied_at(book, number)
    if row["implied_bid"] != bid or row["implied_ask"] != ask:
        row["implied_bid"] = bid
        row["implied_ask"] = ask
        mark(book, number)


@kernel
def mark(book, number):
    """The instrument's implied prices may be others than were told last."""
    implied_bits_at(book, number >> 6)["word"] |= 1 << (number & 63)
    header_of(book)["implied_marks"] = 1


@kernel
def within_limits(instrument, price, side):
    """An implied price as it may trade: moved to the near limit, none beyond the far one."""
    if side == Side.BUY:
        if price < instrument["low"]:
            return -PRICE_NONE
        return min(price, instrument["high"])
    if price > instrument["high"]:
        return PRICE_NONE
    return max(price, instrument["low"])


@kernel
def reaches_implied(book, number, side, price):
    """Whether an order at this price would trade with an implied price (M-242)."""
    instrument = instrument_at(book, number)
    row = implied_at(book, number)
    if side == Side.BUY:
        return within_limits(instrument, row["implied_ask"], Side.SELL) <= price
    return within_limits(instrument, row["implied_bid"], Side.BUY) >= price


@kernel
def refresh_all(book):
    """Follow every book that takes part: after a command that may have changed any."""
    header = header_of(book)
    for number in range(1, header["instruments_rows"]):
        if instrument_at(book, number)["implied"] != 0:
            refresh(book, np.int64(number))
            mark(book, np.int64(number))
    header["implied_stale"] = 0


@kernel
def follow_books(book, command):
    """Bring implied prices up to what the command did: one book, or all where it may be any."""
    header = header_of(book)
    kind = command["kind"]
    if kind == CommandKind.REFUSED or kind == CommandKind.STATUS_REQUEST:
        return
    is_of_one = kind >= CommandKind.NEW_ORDER and kind <= CommandKind.REPLACE
    is_of_one = is_of_one or kind == CommandKind.MASS_QUOTE
    if not is_of_one or header["implied_stale"] != 0:
        refresh_all(book)
        return
    number = np.int64(command["instrument"])
    if number < header["instruments_rows"] and instrument_at(book, number)["implied"] != 0:
        refresh(book, number)


@kernel
def tell_implied(book, at, command):
    """IMPLIED for each best implied price that is another than was told last (M-246).

    Stops, as work TELL, only before an event that is certain.
    """
    header = header_of(book)
    follow_books(book, command)
    header["work"] = Work.NONE
    if header["implied_marks"] == 0:
        return at
    for word in range(header["implied_bits_rows"]):
        marks = implied_bits_at(book, word)["word"]
        while marks != 0:
            number = word * 64 + lowest_set(marks)
            at = tell(book, at, command, number)
            if header["work"] != Work.NONE:
                copy_row(pending_at(book, 0), command)
                return at
            marks &= marks - 1
            implied_bits_at(book, word)["word"] = marks
    header["implied_marks"] = 0
    return at


@kernel
def tell(book, at, command, number):
    """The implied bid, then the implied ask of an instrument, where they changed."""
    header = header_of(book)
    instrument = instrument_at(book, number)
    if may_be_locked(header, instrument):
        note_lock(book, number, command["time_ns"])
    if instrument["implied"] == 0:
        return at
    row = implied_at(book, number)
    bid = -PRICE_NONE
    ask = PRICE_NONE
    if takes_part(book, instrument):
        bid = within_limits(instrument, row["implied_bid"], Side.BUY)
        ask = within_limits(instrument, row["implied_ask"], Side.SELL)
    if bid != row["told_bid"]:
        if at == header["events_rows"]:
            header["work"] = Work.TELL
            return at
        row["told_bid"] = bid
        at = implied_event(book, at, command, number, Side.BUY, bid)
    if ask != row["told_ask"]:
        if at == header["events_rows"]:
            header["work"] = Work.TELL
            return at
        row["told_ask"] = ask
        at = implied_event(book, at, command, number, Side.SELL, ask)
    return at


@kernel
def implied_event(book, at, command, number, side, price):
    """IMPLIED: a price, or that there is none any more."""
    market_event(book, at, command, number, EventKind.IMPLIED)
    event = event_at(book, at)
    event["side"] = side
    if abs(price) != PRICE_NONE:
        event["price"] = price
        event["qty"] = 1
    return at + 1


@kernel
def set_implied(book, at, command):
    """SET_IMPLIED: a product's implied prices go on or off while it trades (M-247)."""
    header = header_of(book)
    number = np.int64(command["product"])
    if number >= header["products_rows"] or command["qty"] < 0 or command["qty"] > 1:
        return at
    product = product_at(book, number)
    if product["features"] & HAS_IMPLIED == 0 or product["implied_off"] != command["qty"]:
        return at
    product["implied_off"] = 1 - command["qty"]
    header["implied_stale"] = 1
    header["implied_cross"] = 1
    clear_event(event_at(book, at), command, EventKind.IMPLIED_SET)
    event = event_at(book, at)
    event["product"] = number
    event["qty"] = command["qty"]
    event["reason"] = command["reason"]
    return at + 1
