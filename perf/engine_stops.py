"""Rows engine.stops and engine.stops.cascade: what waiting stop orders cost.

Method: two engines of the same tables get the same commands, one of them with 100,000 stop orders
that wait, half on each side, the nearest 20 ticks from where it trades. By turns each engine takes
a chunk of passive orders, which is not timed, and then a chunk of orders that trade with one of
them each, in batches of 4,096: the clock runs over these apply calls alone (wall time). No trade
triggers; the row compares the two. Then one trade at the lowest stop price triggers all that sell:
the cascade is the cost of one of them, TRIGGERED and both FILL rows, until the last one is done.
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
    REQUEST,
    CommandKind,
    EventKind,
    OrdType,
    Side,
    TimeInForce,
)
from perf.flow import COMMAND_NS, REFERENCE_TICKS, START_NS, TICK, Flow
from perf.rows import Row

_STOPS, _TRADES = 100_000, 2_000_000
_CHUNK = 4_096
_AWAY, _LEVELS = 20, 100  # ticks from the last trade to the nearest stop, and levels of stops
_EACH_QTY = 1
_BID_QTY = 5_000
_TAKER = 4
_NO_BLOBS = np.zeros(0, np.uint8)


def stops(scale: float = 1.0) -> list[Row]:
    """100,000 resting stops: cost of a trade that triggers none, against no stops."""
    waiting = max(int(_STOPS * scale), 2_000)
    chunks = max(int(_TRADES * scale) // _CHUNK, 4)
    without, with_stops = _Market(chunks, 0), _Market(chunks, waiting)
    for market in (without, with_stops):
        market.run()  # machine code and the first pages, not counted
        market.spent = 0.0
    for _ in range(chunks):
        without.run()
        with_stops.run()
    trades = chunks * _CHUNK
    ns, bare_ns = with_stops.spent / trades * 1e9, without.spent / trades * 1e9
    method = f"{trades:,} trades, {waiting:,} stops wait; baseline: the same without stops"
    row = Row("engine.stops", ns, "ns/trade", bare_ns, ns / bare_ns, method)
    triggered = waiting // 2
    each_ns = with_stops.cascade(triggered) / triggered * 1e9
    method = f"one trade triggers {triggered:,} stops, each trades one lot"
    return [row, Row("engine.stops.cascade", each_ns, "ns/stop", method=method)]


class _Market:
    """One engine with its stops, and the commands it gets."""

    def __init__(self, chunks: int, waiting: int) -> None:
        requests_max = waiting + (chunks + 2) * 2 * _CHUNK + 10_000
        self.engine = Engine(
            EngineLimits(
                orders_max=waiting + 2 * _CHUNK + 1_000,
                requests_max=requests_max,
                instruments_max=1,
                members_max=7,
                accounts_max=7,
                sessions_max=7,
                levels_max=4_096,
            ),
            aligned_zeros(requests_max * REQUEST.itemsize).view(REQUEST),
        )
        self.engine.touch()
        self.engine.requests.view(np.uint8)[::4096] |= 0
        self.events = np.zeros(4 * _CHUNK, EVENT)
        self.made = 0
        self.spent = 0.0  # seconds of the trades
        commands, blobs = Flow(1, 1).definitions(requests_max)
        self._apply(commands, blobs)
        for first in range(0, waiting, _CHUNK):
            self._apply(self._stops(first, min(_CHUNK, waiting - first)), _NO_BLOBS)
        assert len(self.engine.stops(1)) == waiting

    def run(self) -> None:
        """A chunk of passive orders, then a chunk of trades, which is timed."""
        passive = self._orders(_CHUNK, Side.SELL, 1)
        self._apply(passive, _NO_BLOBS)
        taking = self._orders(_CHUNK, Side.BUY, _TAKER)
        start = time.perf_counter()
        produced = self._apply(taking, _NO_BLOBS)
        self.spent += time.perf_counter() - start
        assert produced == 3 * _CHUNK, "each takes one: ACCEPTED and two fills"

    def cascade(self, triggered: int) -> float:
        """Seconds from the trade that reaches every selling stop to the last one's end."""
        low = REFERENCE_TICKS - _AWAY - _LEVELS + 1
        bids = self._orders(triggered * _EACH_QTY // _BID_QTY + 1, Side.BUY, _TAKER)
        bids["price"], bids["qty"] = low * TICK, _BID_QTY
        self._apply(bids, _NO_BLOBS)
        first = self._orders(1, Side.SELL, 1)
        first["price"] = low * TICK
        start = time.perf_counter()
        produced = self.engine.apply(first, _NO_BLOBS, self.events)[1]
        while self.engine.busy:
            produced += self.engine.apply(first[:0], _NO_BLOBS, self.events)[1]
        spent = time.perf_counter() - start
        assert produced == 3 * (triggered + 1), "ACCEPTED or TRIGGERED, and two fills each"
        return spent

    def _apply(self, commands: np.ndarray, blobs: np.ndarray) -> int:
        consumed, produced = self.engine.apply(commands, blobs, self.events)
        assert consumed == len(commands) and not self.engine.busy
        assert not (self.events["kind"][:produced] == EventKind.REJECTED).any()
        return produced

    def _orders(self, count: int, side: Side, member: int) -> np.ndarray:
        """COMMAND rows of limit orders at the reference price, each with an id of its own."""
        commands = np.zeros(count, COMMAND)
        numbers = self.made + 1 + np.arange(count)
        self.made += count
        commands["kind"], commands["side"] = CommandKind.NEW_ORDER, side
        commands["ord_type"], commands["time_in_force"] = OrdType.LIMIT, TimeInForce.DAY
        for name in ("member", "session", "account"):
            commands[name] = member
        commands["instrument"], commands["qty"] = 1, _EACH_QTY
        commands["price"] = REFERENCE_TICKS * TICK
        commands["time_ns"] = START_NS + numbers * COMMAND_NS
        commands["msg_seq_num"] = numbers
        commands["cl_ord_id_0"] = commands["cl_ord_id_1"] = numbers
        return commands

    def _stops(self, first: int, count: int) -> np.ndarray:
        """Stop orders of three members, by turns above and below, spread over the levels."""
        commands = self._orders(count, Side.BUY, 1)
        number = first + np.arange(count)
        above = number % 2 == 0
        away = _AWAY + number // 2 * 37 % _LEVELS
        commands["side"] = np.where(above, int(Side.BUY), int(Side.SELL))
        commands["ord_type"], commands["price"] = OrdType.STOP, 0
        commands["stop_price"] = (REFERENCE_TICKS + np.where(above, away, -away)) * TICK
        for name in ("member", "session", "account"):
            commands[name] = 1 + number % 3
        return commands
