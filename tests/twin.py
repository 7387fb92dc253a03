"""Drives the engine and the naive exchange side by side and compares every event.

The naive exchange goes first (the flow asks it which orders live), then the engine runs the same
commands, as often as wanted: whole, cut at random into batches and small event buffers, through a
snapshot in the middle. Bytes and state hashes of all runs must be equal.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.layout import STOP_NONE
from engine.limits import EngineLimits
from engine.types import EVENT, REQUEST
from tests import naive_stops as stops
from tests import naive_words as w
from tests.build import number, set_phase
from tests.checkers import Watcher, assert_open_sums
from tests.exchanges import EngineVenue, NaiveVenue
from tests.flow import Flow, small_world
from tests.scenarios import assert_last_marked, differences

ROWS_MIN = 8  # the smallest event buffer the engine takes
RUNS = int(os.environ.get("SITEX_TWIN_RUNS", "1"))  # 1: the default profile; more: longer
SEED = st.integers(0, 2**32 - 1)
SEEDS = st.lists(SEED, min_size=1, max_size=150)
SPOILS = st.sampled_from((3, 40))


@dataclass
class Twin:
    """A flow of commands with the events the rules want."""

    seed: int
    limits: EngineLimits | None = None
    spoils: int = 40
    flow_type: type[Flow] = Flow
    start: list[dict] | None = None  # commands at the beginning instead of the small world's
    make_flow: Callable[[int, int, NaiveVenue], Flow] | None = None  # instead of flow_type
    commands: list[dict] = field(default_factory=list)
    wanted: list[list[dict]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.naive = NaiveVenue(self.limits)
        asks = {"alive": self.naive.alive, "around": self.naive.around}
        self.flow = self.flow_type(self.seed, spoils=self.spoils, **asks)
        if self.make_flow is not None:
            self.flow = self.make_flow(self.seed, self.spoils, self.naive)
        self._take(number(small_world()) if self.start is None else self.start)

    def _take(self, commands: list[dict]) -> None:
        self.commands += commands
        self.wanted += self.naive.run(commands)

    def grow(self, count: int) -> Twin:
        """So many more commands."""
        for _ in range(count):
            self._take([self.flow.next()])
        return self

    def call(self, phase: int, count: int, products: tuple[int, ...] = (1, 2, 3, 4)) -> Twin:
        """A call of so many commands in all books of these products, then its uncross."""
        self.phase(phase, products)
        self.grow(count)
        self.phase(w.AUCTION_MATCH, products)
        return self.phase(w.CONTINUOUS, products)

    def phase(self, phase: int, products: tuple[int, ...] = (1, 2, 3, 4)) -> Twin:
        """These products go to a phase."""
        for product in products:
            made = set_phase(phase, instrument=0, product=product)
            self._take([made | {"time_ns": self.flow.time_ns}])
        return self

    def grow_by(self, seeds: list[int]) -> Twin:
        """A command for each seed, so that leaving one out leaves the others' choices alone."""
        for seed in seeds:
            self.flow.dice.source.seed(seed)
            self.grow(1)
        return self

    def events(self) -> list[dict]:
        """All wanted events, one after another."""
        return [event for one in self.wanted for event in one]

    def watch(self) -> Watcher:
        """The invariants over all wanted events."""
        assert_last_marked(self.wanted)
        products = self.naive.exchange.products.values()
        closing = [row["product"] for row in products if row["features"] & w.CLOSING_FIRST]
        watcher = Watcher(closing_first=frozenset(closing))
        watcher.see(self.events())
        watcher.assert_zero_sum()
        return watcher

    def compare(self, rows: np.ndarray) -> None:
        """The rows are the wanted events, or an AssertionError names the first that differs."""
        events = self.events()
        wanted = np.array([tuple(event[name] for name in EVENT.names) for event in events], EVENT)
        if wanted.tobytes() == rows.tobytes():
            return
        position = 0
        for made, one in zip(self.commands, self.wanted, strict=True):
            for event in one:
                assert position < len(rows), f"no event {event} for {made}"
                got = dict(zip(EVENT.names, rows[position].tolist(), strict=True))
                shown = {name: value for name, value in made.items() if value}
                assert got == event, f"{differences(event, got)}\nfor {shown}"
                position += 1
        raise AssertionError(f"{len(rows)} events instead of {position}: {rows[position:]}")


def random_cut(seed: int, batch_max: int = 60, rows_max: int = 40):
    """Batches of 1 to batch_max commands, buffers of ROWS_MIN to rows_max event rows."""
    source = random.Random(seed)

    def cut() -> tuple[int, int]:
        return source.randint(1, batch_max), source.randint(ROWS_MIN, rows_max)

    return cut


def drive(twin: Twin, cuts: int = 1) -> None:
    """The engine's events and state are the naive exchange's, however its input is cut."""
    twin.watch()
    whole = EngineVenue(twin.limits)
    rows = whole.run_rows(twin.commands)
    twin.compare(rows)
    compare_state(twin, whole)
    for seed in range(cuts):
        venue = EngineVenue(twin.limits)
        assert venue.run_rows(twin.commands, random_cut(seed)).tobytes() == rows.tobytes()
        assert venue.engine.state_hash() == whole.engine.state_hash()


def drive_once(twin: Twin, cut: int) -> None:
    """The same with one engine, its input cut at random from a seed."""
    twin.watch()
    venue = EngineVenue(twin.limits)
    twin.compare(venue.run_rows(twin.commands, random_cut(cut)))
    compare_state(twin, venue)


def any_flow(examples: int, **drawn: st.SearchStrategy) -> Callable[[Callable], Callable]:
    """A slow test of flows made from what is drawn, and a `cut` for drive_once."""

    def decorate(test: Callable) -> Callable:
        profile = settings(
            max_examples=examples * RUNS,
            deadline=None,
            derandomize=RUNS == 1,
            suppress_health_check=list(HealthCheck),
        )
        return pytest.mark.slow(profile(given(cut=st.integers(0, 2**16), **drawn)(test)))

    return decorate


def compare_state(twin: Twin, venue: EngineVenue) -> None:
    """Positions, queues, levels, sums and request rows of the engine are the naive exchange's."""
    exchange, engine = twin.naive.exchange, venue.engine
    for account, instrument in exchange.positions:
        wanted = exchange.position(account, instrument)
        assert engine.position(account, instrument) == wanted
        held, told = exchange.buckets(account, instrument), engine.buckets(account, instrument)
        for side in ("long", "short"):
            assert told[f"{side}_today"] == held[f"{side}_today"]
            assert told[f"{side}_yesterday"] == held[f"{side}_before"]
    for at, instrument in exchange.instruments.items():
        queue = [*instrument.in_priority(w.SELL), *instrument.in_priority(w.BUY)]
        orders = engine.orders(at)
        assert [tuple(order) for order in orders[list(ORDER_FIELDS)].tolist()] == [
            tuple(getattr(order, name) for name in ORDER_FIELDS.values()) for order in queue
        ]
        waiting = engine.stops(at)
        assert [tuple(order) for order in waiting[[*ORDER_FIELDS, "stop_price"]].tolist()] == [
            (*(getattr(order, name) for name in ORDER_FIELDS.values()), order.stop_price)
            for order in stops.in_order(instrument)
        ]
        call = engine.tables().calls[at]
        assert (int(call["lock_side"]), int(call["locked_since_ns"])) == instrument.lock
        assert int(call["locked_days"]) == instrument.locked_days
        row = engine.tables().instruments[at]
        prices = instrument.printed if not instrument.expired else []
        wanted = (max(prices, default=-STOP_NONE), min(prices, default=STOP_NONE))
        assert (int(row["day_high"]), int(row["day_low"])) == wanted
        assert instrument.expired or engine.opening_price(at) == next(iter(prices), None)
    assert_open_sums(engine, exchange.instruments)
    assert engine.request_count == len(exchange.requests) - 1
    for row, command in enumerate(exchange.requests[1:], 1):
        request = engine.requests[row]
        wanted = {name: command[name] for name in REQUEST_FIELDS}
        assert {name: int(request[name]) for name in REQUEST_FIELDS} == wanted
        words = tuple(int(request[f"cl_ord_id_{word}"]) for word in range(3))
        assert words == command["cl_ord_id"]


ORDER_FIELDS = {
    "order_id": "order_id",
    "public_id": "public_id",
    "price": "price",
    "leaves_qty": "leaves",
    "shown": "shown",
    "cum_qty": "cum_qty",
    "cum_value": "cum_value",
    "order_qty": "order_qty",
    "request": "request",
    "self_match_id": "self_match_id",
    "session": "session",
    "account": "account",
    "expire_date": "expire_date",
    "member": "member",
    "side": "side",
    "ord_type": "ord_type",
    "time_in_force": "time_in_force",
}
REQUEST_FIELDS = tuple(
    name
    for name in REQUEST.names
    if not name.startswith(("cl_ord_id", "orig_cl_ord_id", "order_i"))
)
