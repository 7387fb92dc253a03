"""The level view: quantity and orders at each price of one side of one book.

Kept up by feed/books.py, for the publisher and for subscribers alike, so the two cannot differ. It
knows prices and quantities, no order and no message.

Source: specs/market_data.md (F-25).
"""

from __future__ import annotations

import heapq

import numpy as np

LEVEL = np.dtype(
    [
        ("price", "<i8"),  # 1e-9
        ("qty", "<i8"),  # lots shown
        ("orders", "<i8"),  # slices
    ]
)


class Level:
    """What a side of a book shows at one price."""

    __slots__ = ("instrument", "orders", "price", "qty", "side", "slot")

    def __init__(self, instrument: int, side: int, price: int, slot: int) -> None:
        self.instrument = instrument
        self.side = side
        self.price = price  # 1e-9
        self.slot = slot  # names the level among all of the venue
        self.qty = 0  # lots shown
        self.orders = 0  # slices


class Levels:
    """One side's levels by price; an empty level is not kept."""

    __slots__ = ("by_price", "descending")

    def __init__(self, descending: bool) -> None:
        self.by_price: dict[int, Level] = {}
        self.descending = descending

    def best(self) -> tuple[int, int, int] | None:
        """(price, lots, slices) of the best level; None if the side is empty."""
        if not self.by_price:
            return None
        price = max(self.by_price) if self.descending else min(self.by_price)
        level = self.by_price[price]
        return price, level.qty, level.orders

    def array(self, depth: int | None = None) -> np.ndarray:
        """The side as LEVEL rows, best first, all or the `depth` best ones; a copy."""
        if depth is None:
            prices = sorted(self.by_price, reverse=self.descending)
        else:
            nearest = heapq.nlargest if self.descending else heapq.nsmallest
            prices = nearest(depth, self.by_price)
        by_price = self.by_price
        return np.array(
            [(price, by_price[price].qty, by_price[price].orders) for price in prices], LEVEL
        )
