"""The level view: quantity and orders at each price of one side of one book.

Kept up by feed/books.py, for the publisher and for subscribers alike, so the two cannot differ. It
knows prices and quantities, no order and no message.

Source: specs/market_data.md (F-25).
"""

from __future__ import annotations

import numpy as np

LEVEL = np.dtype(
    [
        ("price", "<i8"),  # 1e-9
        ("qty", "<i8"),  # lots shown
        ("orders", "<i8"),  # slices
    ]
)


class Levels:
    """One side's levels: price -> [lots shown, slices]; an empty level is not kept."""

    __slots__ = ("by_price", "descending")

    def __init__(self, descending: bool) -> None:
        self.by_price: dict[int, list[int]] = {}
        self.descending = descending

    def add(self, price: int, qty: int) -> tuple[int, int]:
        """One slice more at `price`; the level's lots and slices after it."""
        level = self.by_price.get(price)
        if level is None:
            self.by_price[price] = [qty, 1]
            return qty, 1
        level[0] += qty
        level[1] += 1
        return level[0], level[1]

    def change(self, price: int, qty_difference: int) -> tuple[int, int]:
        """A slice at `price` shows another quantity; the level's lots and slices after it."""
        level = self.by_price[price]
        level[0] += qty_difference
        return level[0], level[1]

    def remove(self, price: int, qty: int) -> tuple[int, int]:
        """One slice of `qty` lots less at `price`; the level's lots and slices after it."""
        level = self.by_price[price]
        if level[1] == 1:
            del self.by_price[price]
            return 0, 0
        level[0] -= qty
        level[1] -= 1
        return level[0], level[1]

    def best(self) -> tuple[int, int, int] | None:
        """(price, lots, slices) of the best level; None if the side is empty."""
        if not self.by_price:
            return None
        price = max(self.by_price) if self.descending else min(self.by_price)
        qty, orders = self.by_price[price]
        return price, qty, orders

    def array(self) -> np.ndarray:
        """The side as LEVEL rows, best first; a copy."""
        rows = np.empty(len(self.by_price), LEVEL)
        if not self.by_price:
            return rows
        rows["price"] = list(self.by_price)
        totals = np.array(list(self.by_price.values()), np.int64)
        rows["qty"] = totals[:, 0]
        rows["orders"] = totals[:, 1]
        order = np.argsort(rows["price"])
        return rows[order[::-1]] if self.descending else rows[order]
