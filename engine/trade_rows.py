"""Rows of trades: what the engine remembers of one, and what a bust or correction says of it.

A trade has one TRADE and two TRADE_SIDE rows, those of its two event rows in their order. Number n
lies at n modulo the table's rows, a power of two. Source: specs/matching.md M-217, M-218;
docs/decisions/0107-busts-and-blocks.md.
"""

from __future__ import annotations

from enum import IntEnum

from engine.types import packed_row


class TradeState(IntEnum):
    """What has become of a trade."""

    NONE = 0
    STANDS = 1
    BUSTED = 2
    BLOCK = 3  # stands, and never was in the book


TRADE = packed_row(
    ("time_ns", "<i8"),
    ("price", "<i8"),  # 1e-9, as corrected
    ("event", "<i8"),  # number of the first of the two rows that told of it last
    ("qty", "<u4"),
    ("instrument", "<u2"),
    ("state", "u1"),  # TradeState
    ("pad", "u1"),
)
assert TRADE.itemsize == 32

TRADE_SIDE = packed_row(
    ("order_id", "<i8"),
    ("account", "<u4"),
    ("request", "<u4"),  # the order's own when it traded
    ("session", "<u4"),  # the order's
    ("side", "u1"),
    ("bucket", "u1"),  # Bucket
    ("ord_type", "u1"),
    ("time_in_force", "u1"),
)
assert TRADE_SIDE.itemsize == 24

ORDER_SUMS = packed_row(
    ("order_qty", "<i8"),  # lots
    ("cum_qty", "<i8"),
    ("cum_value", "<i8"),  # 1e-9 * lots
)

# blob of BUST_TRADE and CORRECT_TRADE; the sums are what an order that is gone told last
AMENDMENT = packed_row(
    ("trade_id", "<i8"),
    ("price", "<i8"),  # 1e-9; CORRECT_TRADE: the new one
    *((f"first_{name}", "<i8") for name in ORDER_SUMS.names or ()),
    *((f"second_{name}", "<i8") for name in ORDER_SUMS.names or ()),
)
SUMS_AT = 16  # ORDER_SUMS of both sides in an AMENDMENT
assert AMENDMENT.itemsize == SUMS_AT + 2 * ORDER_SUMS.itemsize
