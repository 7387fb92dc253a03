"""Rows of an order: what matching and reports read with its place in lists, its wait for a stop.

Both have the order's number in the pool as index. Source: specs/matching.md;
docs/decisions/0102-engine-tables.md.
"""

from __future__ import annotations

import numpy as np

ORDER = np.dtype(
    [
        ("order_id", "<i8"),  # 0: the row is free
        ("price", "<i8"),  # 1e-9; MARKET: 0
        ("leaves_qty", "<i8"),
        ("shown", "<i8"),  # lots the book shows; 0: not in the book
        ("cum_qty", "<i8"),
        ("queue_next", "<u4"),
        ("queue_prev", "<u4"),
        ("own_next", "<u4"),  # live orders of (account, instrument, side)
        ("own_prev", "<u4"),
        ("level", "<u4"),
        ("risk", "<u4"),  # one cache line to here: all that neighbours of a change need
        ("public_id", "<i8"),
        ("cum_value", "<i8"),
        ("request", "<u4"),
        ("self_match_id", "<u4"),
        ("session", "<u4"),
        ("account", "<u4"),
        ("display_qty", "<i8"),  # lots of a slice; 0: all
        ("instrument", "<u4"),
        ("expire_date", "<u4"),
        ("member", "<u2"),
        ("product", "<u2"),
        ("side", "u1"),
        ("ord_type", "u1"),
        ("time_in_force", "u1"),
        ("position_effect", "u1"),
        ("exec_inst", "u1"),
        ("self_match", "u1"),
        ("bucket", "u1"),  # Bucket
        ("linked", "u1"),  # in the lists of live orders
        ("quote", "u1"),  # a side of a mass quote
        ("pad_0", "u1"),
        ("pad", "<u2"),
    ]
)
assert ORDER.itemsize == 128

STOP = np.dtype(
    [
        ("price", "<i8"),  # 1e-9: the stop price of a waiting order, else 0
        ("left", "<u4"),  # what triggers before it
        ("right", "<u4"),
    ]
)
