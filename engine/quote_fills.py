"""What an account's quotes have traded in its rolling window, and when that is too much.

The window is the slice of venue time that the fill lies in and the fifteen before it; sums of each
slice lie in rows that are used again. A fill that brings a sum to its maximum freezes the account;
what follows from it is engine/protection.py's.

Source: specs/matching.md M-187, M-188.
"""

from __future__ import annotations

import numpy as np

from engine.book import account_at, header_of, quote_fill_at
from engine.kernel import kernel
from engine.limits import MILLISECOND_NS, QUOTE_SLICES
from engine.types import Side


@kernel
def note_fill(book, time_ns, order, qty):
    """Count a fill of an order that may be a quote."""
    account = account_at(book, order["account"])
    slice_ns = account["quote_window_ms"] * MILLISECOND_NS // QUOTE_SLICES
    if order["quote"] == 0 or slice_ns == 0:
        return
    first = np.int64(order["account"]) * QUOTE_SLICES
    span = time_ns // slice_ns
    row = quote_fill_at(book, first + span % QUOTE_SLICES)
    if row["span"] != span:
        row["span"] = span
        row["executions"] = 0
        row["qty"] = 0
        row["delta"] = 0
    row["executions"] += 1
    row["qty"] += qty
    row["delta"] += qty if order["side"] == Side.BUY else -qty
    if account["quotes_frozen"] == 0 and is_too_much(book, account, first, span):
        account["quotes_frozen"] = 1
        account["quotes_due"] = 1
        header_of(book)["quotes_due"] += 1


@kernel
def is_too_much(book, account, first, span):
    """Whether a sum of the window that ends with `span` has reached its maximum."""
    executions = 0
    qty = 0
    delta = 0
    for at in range(first, first + QUOTE_SLICES):
        row = quote_fill_at(book, at)
        if row["span"] > span - QUOTE_SLICES:
            executions += row["executions"]
            qty += row["qty"]
            delta += row["delta"]
    return (
        reaches(executions, account["quote_executions_max"])
        or reaches(qty, account["quote_qty_max"])
        or reaches(abs(delta), account["quote_delta_max"])
    )


@kernel
def reaches(value, most):
    """Whether a sum has reached its maximum; 0: there is none."""
    return most != 0 and value >= most


@kernel
def clear_fills(book, number):
    """Forget what an account's quotes have traded."""
    for at in range(number * QUOTE_SLICES, (number + 1) * QUOTE_SLICES):
        row = quote_fill_at(book, at)
        row["span"] = 0
        row["executions"] = 0
        row["qty"] = 0
        row["delta"] = 0
