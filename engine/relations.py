"""Relations of implied trading: which spreads belong to a month, and which months to a spread.

Source: specs/matching.md M-240.
"""

from __future__ import annotations

import numpy as np

from engine.book import header_of, implied_at, instrument_at, product_at
from engine.flags import HAS_IMPLIED
from engine.kernel import kernel
from engine.limits import PRICE_NONE
from engine.types import PriceRule


@kernel
def relate(book, number):
    """Enter a new spread with its legs, where the three are a relation (M-240)."""
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    leg_1 = np.int64(instrument["leg_1"])
    leg_2 = np.int64(instrument["leg_2"])
    same = instrument_at(book, leg_1)["product"] == instrument["product"]
    same = same and instrument_at(book, leg_2)["product"] == instrument["product"]
    if not same or instrument["lots_1"] != 1 or instrument["lots_2"] != 1:
        return
    if product["features"] & HAS_IMPLIED == 0 or product["price_rule"] != PriceRule.RESTING:
        return
    header_of(book)["implied_count"] += 1
    row = implied_at(book, number)
    row["leg_1"] = leg_1
    row["leg_2"] = leg_2
    for one in (number, leg_1, leg_2):
        if instrument_at(book, one)["implied"] == 0:
            instrument_at(book, one)["implied"] = 1
            clear_prices(implied_at(book, one))
    chain(book, number, leg_1)
    chain(book, number, leg_2)


@kernel
def clear_prices(row):
    """A row that knows no price."""
    row["bid"] = -PRICE_NONE
    row["ask"] = PRICE_NONE
    row["implied_bid"] = -PRICE_NONE
    row["implied_ask"] = PRICE_NONE
    row["told_bid"] = -PRICE_NONE
    row["told_ask"] = PRICE_NONE


@kernel
def chain(book, number, leg):
    """Enter a spread among those of its leg, in order of number."""
    before = 0
    at = np.int64(implied_at(book, leg)["first"])
    while at != 0 and at < number:
        before = at
        at = next_of(book, at, leg)
    if implied_at(book, number)["leg_1"] == leg:
        implied_at(book, number)["next_1"] = at
    else:
        implied_at(book, number)["next_2"] = at
    if before == 0:
        implied_at(book, leg)["first"] = number
    elif implied_at(book, before)["leg_1"] == leg:
        implied_at(book, before)["next_1"] = number
    else:
        implied_at(book, before)["next_2"] = number


@kernel
def next_of(book, spread, leg):
    """The spread behind this one among those of a leg, or 0."""
    row = implied_at(book, spread)
    if row["leg_1"] == leg:
        return np.int64(row["next_1"])
    return np.int64(row["next_2"])
