"""What has changed between two views of a side of a book: which levels are gone, which are another.

Whole books are compared, so it is array work: only levels that changed cost a member's message
anything.

Source: specs/order_entry.md O-142.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NO_LEVELS = np.zeros((0, 3), np.int64)  # (price 1e-9, lots shown, orders)


class Changes(NamedTuple):
    """gone: int64[n] prices; new, other: int64[n, 3] levels as they are now, best first."""

    gone: np.ndarray
    new: np.ndarray
    other: np.ndarray


def changes(before: np.ndarray, now: np.ndarray) -> Changes:
    """From one view of a side to the next; both int64[n, 3], a price once in each."""
    if len(before) == 0:
        return Changes(before[:, 0], now, NO_LEVELS)
    order = np.argsort(before[:, 0])
    places = np.searchsorted(before[:, 0], now[:, 0], sorter=order)
    matches = before[order[np.minimum(places, len(before) - 1)]]
    was_there = matches[:, 0] == now[:, 0]
    is_same = (matches == now).all(axis=1)
    gone = before[~np.isin(before[:, 0], now[:, 0]), 0]
    return Changes(gone, now[~was_there], now[was_there & ~is_same])
