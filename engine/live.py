"""The live orders of a member, found over its own lists: what a mass status request asks for.

Source: specs/order_entry.md O-70; docs/decisions/0102-engine-tables.md (lists of live orders).
"""

from __future__ import annotations

import numpy as np

from engine.book import member_at, open_book, order_at, risk_at
from engine.kernel import kernel
from engine.layout import views
from engine.types import EVENT

_NO_EVENTS = np.zeros(0, EVENT)


def live_orders(arena: np.ndarray, requests: np.ndarray, member: int) -> np.ndarray:
    """Rows of the pool, int64[n], of a member's live orders that are no quotes, by order_id."""
    book = views(arena, requests)
    rows = np.zeros(int(book.members[member]["orders_live"]), np.int64)
    rows = rows[: fill_live(arena, requests, _NO_EVENTS, member, rows)]
    return rows[np.argsort(book.orders["order_id"][rows])]


@kernel
def fill_live(arena, requests, events, member, out):
    """Write the rows of a member's live orders to `out`, which has room; returns their number."""
    book = open_book(arena, requests, events)
    count = 0
    chain = np.int64(member_at(book, member)["risk_first"])
    while chain != 0:
        risk = risk_at(book, chain)
        for first in (np.int64(risk["buy_first"]), np.int64(risk["sell_first"])):
            index = first
            while index != 0:
                order = order_at(book, index)
                if order["quote"] == 0:
                    out[count] = index
                    count += 1
                index = np.int64(order["own_next"])
        chain = np.int64(risk["member_next"])
    return count
