"""Row engine.uncross: one SET_PHASE that uncrosses a call of 500,000 orders.

Method: both sides at 101 prices around the reference, half of the lots cross; tables and event rows
are touched before the clock starts, which runs over the one apply call (wall time), with all its
trades, events and the orders that go on to continuous trading. The baseline is what the same orders
took to enter, each with its indicative price.
"""

from __future__ import annotations

import time

import numpy as np

from engine.layout import aligned_zeros
from engine.limits import EngineLimits
from engine.machine import Engine
from engine.types import (
    COMMAND,
    EVENT,
    PHASE,
    CommandKind,
    EventKind,
    OrdType,
    Phase,
    Side,
    TimeInForce,
)
from perf.flow import REFERENCE_TICKS, START_NS, TICK, Flow
from perf.rows import Row

_ORDERS = 500_000
_REACH = 50  # ticks from the reference


def uncross(scale: float = 1.0) -> list[Row]:
    """Seconds of the uncross."""
    count = max(int(_ORDERS * scale), 1_000)
    limits = EngineLimits(
        orders_max=count,
        requests_max=count + 1_000,
        instruments_max=1,
        members_max=7,
        accounts_max=7,
        sessions_max=7,
        levels_max=65_536,
    )
    engine = Engine(limits)
    engine.touch()
    engine.requests.view(np.uint8)[::4096] |= 0
    events = aligned_zeros(3 * count * EVENT.itemsize).view(EVENT)
    events["kind"] = 0
    _apply(engine, events, *Flow(1, count).definitions(count + 1_000))
    _apply(engine, events, *_set_phase(Phase.PRE_OPEN))
    orders = _orders(count)
    entered = _apply(engine, events, orders, np.zeros(0, np.uint8))
    assert engine.orders_live == count, "an order was refused"
    seconds = _apply(engine, events, *_set_phase(Phase.AUCTION_MATCH))
    ends = events[events["kind"] == EventKind.UNCROSSED]
    assert len(ends) == 1 and engine.orders_live < count
    method = (
        f"{count:,} orders, {int(ends['qty'][0]):,} lots traded, {engine.orders_live:,} orders left"
        " and shown; baseline: their entry"
    )
    return [Row("engine.uncross", seconds, "s", entered, seconds / entered, method)]


def _orders(count: int) -> np.ndarray:
    source = np.random.default_rng(7)
    orders = np.zeros(count, COMMAND)
    orders["kind"] = CommandKind.NEW_ORDER
    orders["time_ns"] = START_NS
    orders["cl_ord_id_0"] = np.arange(count) + 1
    orders["session"] = orders["member"] = orders["account"] = 1 + np.arange(count) % 2
    orders["instrument"] = 1
    orders["ord_type"], orders["time_in_force"] = OrdType.LIMIT, TimeInForce.DAY
    orders["side"] = np.where(source.random(count) < 0.5, Side.BUY, Side.SELL)
    orders["qty"] = source.integers(1, 10, count)
    reach = source.integers(-_REACH, _REACH + 1, count)
    orders["price"] = (REFERENCE_TICKS + reach) * TICK
    return orders


def _set_phase(phase: Phase) -> tuple[np.ndarray, np.ndarray]:
    row = np.zeros(1, PHASE)
    row["instrument"], row["phase"] = 1, phase
    command = np.zeros(1, COMMAND)
    command["kind"], command["time_ns"] = CommandKind.SET_PHASE, START_NS
    command["blob_length"] = PHASE.itemsize
    return command, row.view(np.uint8)


def _apply(engine: Engine, events: np.ndarray, commands: np.ndarray, blobs: np.ndarray) -> float:
    """Seconds that all the commands took; their events begin at events[0]."""
    start = time.perf_counter()
    consumed, _ = engine.apply(commands, blobs, events)
    seconds = time.perf_counter() - start
    assert consumed == len(commands) and not engine.busy
    return seconds
