"""The two exchanges behind one face: commands as dicts in, events as dicts out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.limits import EngineLimits
from engine.machine import Engine
from engine.types import EVENT, REQUEST
from tests import naive_words as w
from tests.build import TICK, pack, unpack_events
from tests.naive import NaiveExchange
from tests.naive_state import Bounds

Cut = Callable[[], tuple[int, int]]  # gives (commands in the next batch, event rows of its buffer)


def small_limits(**over: int) -> EngineLimits:
    """Tables that are made in a moment and still leave room for every scenario."""
    usual = {
        "orders_max": 2_000,
        "requests_max": 60_000,
        "instruments_max": 15,
        "products_max": 7,
        "members_max": 15,
        "accounts_max": 15,
        "sessions_max": 31,
        "levels_max": 65_536,
        "trades_max": 1_024,
    }
    return EngineLimits(**(usual | over))


def bounds(limits: EngineLimits) -> Bounds:
    """The same bounds for the naive exchange."""
    return Bounds(
        products=limits.products_max,
        instruments=limits.instruments_max,
        members=limits.members_max,
        accounts=limits.accounts_max,
        sessions=limits.sessions_max,
        requests=limits.requests_max - 1,  # row 0 is none
        orders=limits.orders_max,
        trades=limits.trades_max,
    )


def whole() -> tuple[int, int]:
    """One batch, one wide buffer."""
    return 1 << 20, 4_096


class NaiveVenue:
    """The naive exchange with bounds as small as the engine's."""

    def __init__(self, limits: EngineLimits | None = None) -> None:
        self.exchange = NaiveExchange(bounds(limits or small_limits()))

    def run(self, commands: list[dict]) -> list[list[dict]]:
        """The events of each command."""
        return [self.exchange.apply(one) for one in commands]

    def alive(self, member: int) -> list[tuple[tuple, int]]:
        """Current ids and instruments of the member's living orders."""
        requests = self.exchange.requests
        return [
            (requests[order.request]["cl_ord_id"], order.instrument)
            for order in self.exchange.live.values()
            if order.member == member
        ]

    def around(self, instrument: int) -> int:
        """Its last price in whole ticks of 0.01, 100 if there is no such instrument."""
        known = self.exchange.instruments.get(instrument)
        return known.last // TICK if known else 100


class EngineVenue:
    """The engine, fed in batches and event buffers cut as the caller likes."""

    def __init__(self, limits: EngineLimits | None = None, hash_key: int = 1) -> None:
        self.limits = limits or small_limits()
        self.engine = Engine(self.limits, hash_key=hash_key)
        self.dirt = 0

    def run(self, commands: list[dict], cut: Cut = whole) -> list[dict]:
        """The events of all commands, one after another."""
        return unpack_events(self.run_rows(commands, cut))

    def run_rows(self, commands: list[dict], cut: Cut = whole, dirt: int = 0) -> np.ndarray:
        """The same as EVENT rows; a ROLL_DAY stands alone in its batch (M-72).

        Buffers are filled with `dirt` before the engine gets them.
        """
        self.dirt = dirt
        parts: list[np.ndarray] = []
        at = 0
        while at < len(commands):
            size, rows = cut()
            batch = commands[at : at + max(size, 1)]
            rolls = [i for i, one in enumerate(batch) if one["kind"] == w.ROLL_DAY]
            if rolls:
                batch = batch[: rolls[0] or 1]
            if batch[0]["kind"] == w.ROLL_DAY:
                self.engine.roll_requests(np.zeros(self.limits.requests_max, REQUEST))
            self._run_batch(batch, rows, cut, parts)
            at += len(batch)
        return np.concatenate(parts) if parts else np.zeros(0, EVENT)

    def _run_batch(self, batch: list[dict], rows: int, cut: Cut, parts: list[np.ndarray]) -> None:
        packed, blobs = pack(batch)
        done = 0
        while done < len(packed) or self.engine.busy:
            buffer = np.zeros(rows, EVENT)
            buffer.view(np.uint8)[:] = self.dirt
            consumed, produced = self.engine.apply(packed[done:], blobs, buffer)
            assert consumed or produced, "the engine stands still"
            parts.append(buffer[:produced].copy())
            done += consumed
            rows = cut()[1]
