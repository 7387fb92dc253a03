"""What became of an order: the state that answers a request for the status of one or of all.

A living order is read from the engine's pool. What a dead one came to stands in its last event of
the venue day: an index of the last event of each request row is brought up to date only when
somebody asks, so that trading pays nothing for it.

Source: specs/order_entry.md O-31, O-70; matching.md M-72 (days).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, cast

import numpy as np

from engine.machine import Engine
from engine.sequencer import Sequencer
from engine.types import AMENDED_KINDS, CL_ORD_ID_CHARS, EVENT, EventKind, OrdStatus

SCAN_ROWS = 65_536


class Living(NamedTuple):
    """An order that lives: its row of the pool while it does."""

    row: int
    order_id: int


class OrderStates:
    """Looks up orders by member and ClOrdID."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self._day = 0
        self._first_event = 0  # of the venue day
        self._indexed_to = 0  # last event number in the index
        self._last_event = np.zeros(0, np.uint32)  # by request row: event - _first_event + 1

    def find(self, member: int, cl_ord_id: bytes, time_ns: int) -> np.ndarray | None:
        """The order's state as one EVENT row (kind ACCEPTED), EVENT[1]; None: unknown."""
        if not 0 < len(cl_ord_id) <= CL_ORD_ID_CHARS:
            return None
        engine = cast(Engine, self._sequencer.engine)
        row = engine.find_request(member, cl_ord_id)
        request = engine.requests[row]
        if row == 0 or request["order_id"] == 0:
            return None
        order = engine.tables().orders[int(request["order_index"])]
        if int(order["order_id"]) == int(request["order_id"]):
            return _living(order, time_ns)
        return self._dead(row)

    def live(self, member: int, wanted: Mapping[str, int]) -> list[Living]:
        """A member's live orders that are no quotes and have the `wanted` values, by order_id."""
        engine = cast(Engine, self._sequencer.engine)
        rows = engine.live_orders(member)
        orders = engine.tables().orders[rows]
        kept = np.ones(len(rows), bool)
        for name, value in wanted.items():
            kept &= orders[name] == value
        pairs = zip(rows[kept].tolist(), orders["order_id"][kept].tolist(), strict=True)
        return [Living(*pair) for pair in pairs]

    def open_orders(self, session: int, member: int) -> int:
        """How many live orders of a session there are, quotes apart."""
        engine = cast(Engine, self._sequencer.engine)
        rows = engine.live_orders(member)
        return int(np.count_nonzero(engine.tables().orders["session"][rows] == session))

    def lives(self, living: Living) -> bool:
        """Whether an order that lived when it was listed still does."""
        return int(self._order(living)["order_id"]) == living.order_id

    def now(self, living: Living, time_ns: int) -> np.ndarray:
        """The state of an order that lives, EVENT[1]."""
        return _living(self._order(living), time_ns)

    def _order(self, living: Living) -> np.void:
        return cast(Engine, self._sequencer.engine).tables().orders[living.row]

    def _dead(self, row: int) -> np.ndarray | None:
        self._bring_up_to_date()
        offset = int(self._last_event[row])
        if offset == 0:
            return None
        number = self._first_event + offset - 1
        return self._sequencer.event_rows(number, 1)[0].copy()

    def _bring_up_to_date(self) -> None:
        sequencer = self._sequencer
        if self._day != sequencer.venue_day:
            self._day = sequencer.venue_day
            self._first_event = sequencer.day_first_event
            self._indexed_to = self._first_event - 1
            self._last_event = np.zeros(sequencer.venue.limits.requests_max + 1, np.uint32)
        last = sequencer.event_count  # the turn's own among them: the answer leaves behind them
        while self._indexed_to < last:
            first = self._indexed_to + 1
            for rows in sequencer.event_rows(first, min(SCAN_ROWS, last - self._indexed_to)):
                numbers = np.arange(len(rows), dtype=np.uint32) + np.uint32(
                    first - self._first_event + 1
                )
                kinds = rows["kind"]
                of_order = (kinds <= EventKind.RESTATED) | np.isin(kinds, AMENDED_KINDS)
                mine = (rows["order_request"] > 0) & of_order
                self._last_event[rows["order_request"][mine]] = numbers[mine]
                first += len(rows)
            self._indexed_to = first - 1


def _living(order: np.void, time_ns: int) -> np.ndarray:
    state = np.zeros(1, EVENT)
    event = state[0]
    for name in (
        "order_id", "price", "leaves_qty", "cum_qty", "cum_value", "session",
        "account", "instrument", "member", "product", "side", "ord_type", "time_in_force",
    ):  # fmt: skip
        event[name] = order[name]
    event["kind"] = EventKind.ACCEPTED
    event["time_ns"] = time_ns
    event["qty"] = event["order_qty"] = order["leaves_qty"] + order["cum_qty"]
    event["order_request"] = event["request"] = order["request"]
    filled = int(order["cum_qty"]) > 0
    event["ord_status"] = OrdStatus.PARTIALLY_FILLED if filled else OrdStatus.NEW
    return state
