"""A stand-in for engine.machine.Engine: the same calls, a handful of rules, no kernels.

A NEW_ORDER takes a request row and makes 1 + qty % 4 events (rejected while halted); a MASS_CANCEL
makes qty events with a cursor in the state; price 666 asserts after it has changed the state.
"""

from __future__ import annotations

import hashlib

import msgspec
import numpy as np

from engine.limits import EVENT_ROWS_MIN, EngineLimits
from engine.types import COMMAND, CommandKind, EventKind

FREE_ROWS_MIN = EVENT_ROWS_MIN
SMALL_LIMITS = EngineLimits(
    orders_max=64, requests_max=255, instruments_max=7, products_max=3, members_max=3,
    accounts_max=3, sessions_max=3, levels_max=64,
)  # fmt: skip


class StandInEngine:
    """See the module."""

    def __init__(self, limits: EngineLimits, requests: np.ndarray | None = None) -> None:
        if requests is None:
            requests = np.zeros(limits.requests_max + 1, "V128")
        assert len(requests) == limits.requests_max + 1
        self.arena = np.zeros(0, np.uint8)
        self.requests = requests
        self.requests_next: np.ndarray | None = None
        self.command_count = self.event_count = self.request_count = 0
        self.volume = 0
        self.halted = False
        self.cursor = 0  # events a mass cancel still owes

    @classmethod
    def restore(cls, limits: EngineLimits, data: bytes, requests: np.ndarray) -> StandInEngine:
        engine = cls(limits, requests)
        for name, value in msgspec.json.decode(data).items():
            setattr(engine, name, value)
        return engine

    def snapshot(self) -> bytes:
        names = ("command_count", "event_count", "request_count", "volume", "halted", "cursor")
        return msgspec.json.encode({name: getattr(self, name) for name in names})

    def touch_ahead(self) -> None:
        """It has no tables."""

    def state_hash(self) -> bytes:
        rows = self.requests[: self.request_count + 1].tobytes()
        return hashlib.sha256(self.snapshot() + rows).digest()[:16]

    @property
    def busy(self) -> bool:
        return self.cursor > 0

    def roll_requests(self, requests_next: np.ndarray) -> None:
        assert not requests_next[1:].view(np.uint8).any()
        self.requests_next = requests_next

    def apply(self, commands: np.ndarray, blobs: np.ndarray, events: np.ndarray) -> tuple[int, int]:
        produced = consumed = 0
        while True:
            while self.cursor and len(events) - produced >= FREE_ROWS_MIN:
                self._emit(events, produced, EventKind.CANCELLED, self.cursor)
                produced += 1
                self.cursor -= 1
            if self.cursor or consumed == len(commands):
                return consumed, produced
            if len(events) - produced < FREE_ROWS_MIN:
                return consumed, produced
            produced = self._command(commands[consumed], blobs, events, produced)
            consumed += 1

    def _command(self, row: np.ndarray, blobs: np.ndarray, events: np.ndarray, at: int) -> int:
        kind = row["kind"]
        self.command_count += 1
        if kind == CommandKind.NEW_ORDER:
            self.request_count += 1
            self.requests[self.request_count]["qty"] = row["qty"]
            self.requests[self.request_count]["order_index"] = self.request_count
            self.requests[self.request_count // 2]["order_index"] = 0
            self.volume += int(row["qty"])
            assert row["price"] != 666, "price of the beast"
            count = 1 if self.halted else 1 + int(row["qty"]) % 4
            made = EventKind.REJECTED if self.halted else EventKind.ACCEPTED
            for index in range(count):
                self._emit(events, at + index, made, int(row["time_ns"]))
            return at + count
        if kind == CommandKind.MASS_CANCEL:
            self.cursor = int(row["qty"])
        elif kind in (CommandKind.HALT, CommandKind.RESUME):
            self.halted = bool(kind == CommandKind.HALT)
            self.volume += int(blobs[:4].sum())
            self._emit(events, at, EventKind.HALTED if self.halted else EventKind.RESUMED, 0)
            return at + 1
        elif kind == CommandKind.ROLL_DAY:
            assert self.requests_next is not None
            copied = min(self.request_count, 3)
            self.requests_next[1 : copied + 1] = self.requests[1 : copied + 1]
            self.requests, self.requests_next = self.requests_next, None
            self.request_count = copied
            self._emit(events, at, EventKind.DAY_ROLLED, 0)
            return at + 1
        return at

    def _emit(self, events: np.ndarray, at: int, kind: EventKind, value: int) -> None:
        self.event_count += 1
        events[at] = np.zeros((), events.dtype)
        events[at]["kind"] = kind
        events[at]["order_id"] = self.event_count
        events[at]["time_ns"] = value
        events[at]["request"] = self.request_count


def orders(first: int, count: int, **fields: int) -> np.ndarray:
    """`count` NEW_ORDER rows with times and quantities from `first` on."""
    rows = np.zeros(count, COMMAND)
    rows["kind"] = CommandKind.NEW_ORDER
    rows["time_ns"] = np.arange(first, first + count)
    rows["qty"] = np.arange(first, first + count)
    for name, value in fields.items():
        rows[name] = value
    return rows
