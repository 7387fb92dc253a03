"""Busts and corrections of trades as an operator asks for them: the command, and what came of it.

The engine knows the trade and decides. What it no longer knows, the sums of orders that are gone,
is read from the event log and goes along in the command.

Source: specs/matching.md M-217 to M-223.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import cast

import numpy as np

from engine.eventlog import EventRows
from engine.machine import Engine
from engine.trade_rows import AMENDMENT, ORDER_SUMS
from engine.types import AMENDED_KINDS, COMMAND, CommandKind, EventKind
from gateway.assembly import Assembly
from gateway.operator import Answer, Bust, Correct
from gateway.values import format_price
from specs.products import price_units
from specs.rejects import REJECT_TEXTS, Reject

PRICE_MAX = 1 << 53  # 1e-9: more than any limit allows
SCAN_ROWS = 65_536


def amendment(parts: Assembly, request: Bust | Correct) -> tuple[np.ndarray, np.ndarray]:
    """COMMAND[1] and its blob. Raises ValueError where the price is none."""
    row = np.zeros(1, AMENDMENT)
    row["trade_id"] = request.trade_id
    kind = CommandKind.BUST_TRADE
    if isinstance(request, Correct):
        kind = CommandKind.CORRECT_TRADE
        row["price"] = _units(request.price)
    found = cast(Engine, parts.sequencer.engine).trade(request.trade_id)
    if found is not None:
        trade, sides = found
        for side, order in zip(("first", "second"), sides, strict=True):
            told = last_told(parts, int(order["order_id"]), int(trade["event"]))
            for name in ORDER_SUMS.names or ():
                row[f"{side}_{name}"] = told[name]
    command = np.zeros(1, COMMAND)
    command["kind"], command["blob_length"] = kind, AMENDMENT.itemsize
    return command, row.view(np.uint8)


def last_told(parts: Assembly, order_id: int, first: int) -> np.void:
    """The last EVENT of an order among those from number `first` on, which is one of them."""
    last = parts.sequencer.events_written()
    found = []
    while first <= last:
        for rows in parts.sequencer.event_rows(first, min(SCAN_ROWS, last + 1 - first)):
            found += list(rows[rows["order_id"] == order_id][-1:])
            first += len(rows)
    return found[-1]


def outcome(parts: Assembly, events: list[EventRows]) -> Answer:
    """What the operator is told: the trade and its two accounts, or why it stays as it is."""
    rows = np.concatenate([part.rows for part in events])
    kept = rows[rows["kind"] == EventKind.TRADE_KEPT]
    if len(kept):
        reason = Reject(int(kept["reason"][0]))
        return Answer(False, f"trade {kept['trade_id'][0]}: {REJECT_TEXTS[reason].text}")
    known = parts.registry.known
    first, second = rows[np.isin(rows["kind"], AMENDED_KINDS)]
    symbols = {int(row["instrument"]): symbol for symbol, row in known.instruments.items()}
    names = {int(row["account"]): name for name, row in known.accounts.items()}
    traded = f"{first['qty']} {symbols[int(first['instrument'])]}"
    between = f"{names[int(first['account'])]} and {names[int(second['account'])]}"
    price, before = format_price(int(first["price"])), format_price(int(first["display_qty"]))
    if first["kind"] == EventKind.TRADE_BUSTED:
        return Answer(True, f"busted: trade {first['trade_id']}, {traded} at {price}, {between}")
    text = f"corrected: trade {first['trade_id']}, {traded} at {price} instead of {before}"
    return Answer(True, f"{text}, {between}")


def _units(text: str) -> int:
    try:
        price = Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text} is no price") from None
    if not price.is_finite() or abs(price) > PRICE_MAX // 10**9:
        raise ValueError(f"{text} is no price")
    return price_units(price)
