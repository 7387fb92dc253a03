"""Drives the engine and the naive exchange side by side and compares every event.

The naive exchange goes first (the flow asks it which orders live), then the engine runs the same
commands, as often as wanted: whole, cut at random into batches and small event buffers, through a
snapshot in the middle. Bytes and state hashes of all runs must be equal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import numpy as np

from engine.limits import EngineLimits
from engine.types import EVENT
from tests import naive_words as w
from tests.build import number
from tests.checkers import Watcher
from tests.exchanges import EngineVenue, NaiveVenue
from tests.flow import Flow, small_world
from tests.scenarios import assert_last_marked, differences

ROWS_MIN = 8  # the smallest event buffer the engine takes


@dataclass
class Twin:
    """A flow of commands with the events the rules want."""

    seed: int
    limits: EngineLimits | None = None
    spoils: int = 40
    commands: list[dict] = field(default_factory=list)
    wanted: list[list[dict]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.naive = NaiveVenue(self.limits)
        self.flow = Flow(self.seed, spoils=self.spoils, alive=self.naive.alive)
        self._take(number(small_world()))

    def _take(self, commands: list[dict]) -> None:
        self.commands += commands
        self.wanted += self.naive.run(commands)

    def grow(self, count: int) -> Twin:
        """So many more commands."""
        for _ in range(count):
            self._take([self.flow.next()])
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
        watcher = Watcher()
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


def compare_state(twin: Twin, venue: EngineVenue) -> None:
    """Positions and books of the engine are the naive exchange's."""
    exchange, engine = twin.naive.exchange, venue.engine
    for account, instrument in exchange.positions:
        if account <= exchange.bounds.accounts:
            wanted = exchange.position(account, instrument)
            assert engine.position(account, instrument) == wanted
    for instrument in exchange.instruments.values():
        for side, levels in zip((w.BUY, w.SELL), engine.book(instrument.number), strict=True):
            sign = -1 if side == w.BUY else 1
            wanted = []
            for price in sorted({o.price for o in instrument.orders[side]}, key=lambda p: sign * p):
                here = [order for order in instrument.orders[side] if order.price == price]
                wanted.append((price, sum(order.shown for order in here), len(here)))
            assert [tuple(level) for level in levels.tolist()] == wanted
