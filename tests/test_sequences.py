"""Every short sequence of orders, engine and naive exchange side by side.

All sequences of one to three orders over three prices, two sides and the order types, and samples
of sequences of five; of two mirror images (buys for sells, 101 for 99) the one whose first order
buys. SITEX_SEQUENCES=4 adds all of four, SITEX_SAMPLED says how many of five. Each begins on an
empty book whose last trade was at 100. Counts are printed. Source: specs/matching.md.
"""

from __future__ import annotations

import itertools
import os
import random
import sys
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from engine.types import COMMAND, EVENT, EventKind
from tests import naive_words as w
from tests.build import (
    ALPHA,
    START_NS,
    TICK,
    mass_cancel,
    member,
    new,
    number,
    pack,
    usual_venue,
)
from tests.exchanges import EngineVenue, NaiveVenue, small_limits

pytestmark = [pytest.mark.kernels]
PRICES = (99, 100, 101)
LENGTH = int(os.environ.get("SITEX_SEQUENCES", "3"))
SAMPLED = int(os.environ.get("SITEX_SAMPLED", "20000"))
MIRRORED, CHUNK = 1_000_000, 10_000
ROWS = 50_000  # commands of a venue before another begins

Order = tuple[str, int, int]  # name of its kind, side, ticks
Sequence = tuple[Order, ...]
KINDS: dict[str, dict] = {
    "limit": {},
    "iceberg": {"display_qty": 1},
    "post only": {"exec_inst": 1},
    "immediate": {"time_in_force": w.IOC},
    "fill or kill": {"time_in_force": w.FOK},
    "stop": {"ord_type": w.STOP},
    "stop limit": {"ord_type": w.STOP_LIMIT},
}
BUYS: list[Order] = [(kind, w.BUY, price) for kind in KINDS for price in PRICES]
BUYS.append(("market", w.BUY, 0))
EVERY: list[Order] = [  # the second half mirrors the first
    *BUYS,
    *((kind, w.SELL, 200 - price if price else 0) for kind, _, price in BUYS),
]
LOTS = (3, 2, 4, 1, 3)  # of the first order, the second and so on
TOLD = (EventKind.ACCEPTED, EventKind.REJECTED, EventKind.FILL, EventKind.TRIGGERED)


def order(name: str, place: int, one: Order) -> dict:
    """The command: its own self-match id, so that all of them trade with each other."""
    kind, side, price = one
    fields: dict = {"self_match_id": place + 1}
    if kind == "market":
        fields |= {"ord_type": w.MARKET, "time_in_force": w.IOC}
        return new(ALPHA, name, side, LOTS[place], 0, **fields)
    fields |= KINDS[kind]
    if kind.startswith("stop"):
        fields["stop_price"] = price * TICK
    ticks = 0 if kind == "stop" else price
    return new(ALPHA, name, side, LOTS[place], ticks, **fields)


def anchor(name: str, sides: tuple[int, int] = (w.BUY, w.SELL)) -> list[dict]:
    """A trade at 100, on an empty book."""
    return [
        new(ALPHA, f"{name}a{at}", side, 1, 100, self_match_id=at)
        for at, side in enumerate(sides, 1)
    ]


def plentiful() -> list[dict]:
    """A venue with quotas for a million commands, whose last trade was at 100."""
    quota = member(1, requests_max=10**9, orders_max=10**9)
    return [*usual_venue(), quota, *anchor("first")]


def tell(capsys: pytest.CaptureFixture[str], counts: str) -> None:
    """Counts, also where output is captured."""
    with capsys.disabled():
        sys.stdout.write(f" {counts} ")


def every(length: int) -> Iterator[Sequence]:
    """All sequences of a length whose first order buys."""
    return itertools.product(BUYS, *[EVERY] * (length - 1))


class Duel:
    """Both exchanges; sequences are gathered, then run and compared."""

    def __init__(self) -> None:
        self.seen: Counter = Counter()
        self.begin()

    def begin(self) -> None:
        """A venue, as new."""
        limits = small_limits(requests_max=2 * ROWS)
        self.naive, self.engine = NaiveVenue(limits), EngineVenue(limits)
        self.commands: list[dict] = []
        self.wanted: list[tuple] = []
        self.sent = 0
        for one in plentiful():
            self.send(one)

    def send(self, command: dict) -> None:
        """One command, by the naive exchange at once."""
        self.sent += 1
        made = number([command], self.sent)[0]
        self.commands.append(made)
        events = self.naive.exchange.apply(made)
        self.seen.update(event["kind"] for event in events)
        self.wanted += [tuple(event.values()) for event in events]

    def play(self, sequence: Sequence) -> None:
        """A sequence on an empty book, which it leaves empty."""
        for place, one in enumerate(sequence):
            self.send(order(f"{self.sent}", place, one))
        if self.naive.exchange.live:
            self.send(mass_cancel(ALPHA, f"{self.sent}", w.SCOPE_MEMBER))
        if self.naive.exchange.instruments[1].last != 100 * TICK:
            for one in anchor(f"{self.sent}"):
                self.send(one)
        self.seen["sequences"] += 1
        if len(self.commands) > ROWS:
            self.compare()
            self.begin()

    def compare(self) -> None:
        """The engine's events of all that was sent are the naive exchange's."""
        rows = self.engine.run_rows(self.commands)
        wanted = np.array(self.wanted, EVENT)
        if rows.tobytes() != wanted.tobytes():
            place = int(np.flatnonzero(rows[: len(wanted)] != wanted[: len(rows)])[0])
            names = ("msg_seq_num", "kind", "order_id", "price", "qty", "reason")
            raise AssertionError(f"event {place}: {rows[place][[*names]]}, {wanted[place]}")


def run(sequences: Iterator[Sequence]) -> Counter:
    """All of them; what counts is told."""
    duel = Duel()
    for one in sequences:
        duel.play(one)
    duel.compare()
    return duel.seen


def told(seen: Counter) -> str:
    """Counts in words."""
    counts = ", ".join(f"{seen[kind]:,} {kind.name}" for kind in TOLD)
    return f"{seen['sequences']:,} sequences: {counts}."


def test_quick_sequences_of_two() -> None:
    """Also where the kernels run without the JIT."""
    seen = run(itertools.chain(every(1), every(2)))
    assert seen["sequences"] == 22 + 22 * 44


@pytest.mark.slow
def test_all_sequences_up_to_three(capsys: pytest.CaptureFixture[str]) -> None:
    """Those of four too where SITEX_SEQUENCES says so."""
    seen = run(itertools.chain.from_iterable(every(length) for length in range(1, LENGTH + 1)))
    tell(capsys, told(seen))
    assert seen["sequences"] == sum(22 * 44 ** (length - 1) for length in range(1, LENGTH + 1))
    assert min(seen[kind] for kind in TOLD) > 100


@pytest.mark.slow
def test_sampled_sequences_of_five(capsys: pytest.CaptureFixture[str]) -> None:
    """SITEX_SAMPLED of them, twenty thousand unless told otherwise."""
    dice = random.Random(5)
    sample = ((dice.choice(BUYS), *(dice.choice(EVERY) for _ in range(4))) for _ in range(SAMPLED))
    seen = run(sample)
    tell(capsys, told(seen))
    assert seen["sequences"] == SAMPLED


def played(choices: np.ndarray, sides: tuple[int, int]) -> np.ndarray:
    """The engine's EVENT rows of sequences, int[count, length] of EVERY, an anchor behind each."""
    length = choices.shape[1]
    table = [pack([order("x", place, one) for one in EVERY])[0] for place in range(length)]
    rows = np.zeros((len(choices), length + 3), COMMAND)
    for place in range(length):
        rows[:, place] = table[place][choices[:, place]]
    rows[:, length:] = pack([mass_cancel(ALPHA, "x", w.SCOPE_MEMBER), *anchor("x", sides)])[0]
    rows = rows.reshape(-1)
    numbers = 1_000 + np.arange(len(rows))
    rows["time_ns"] = START_NS + numbers
    rows["msg_seq_num"] = rows["cl_ord_id_0"] = numbers
    rows["cl_ord_id_1"] = rows["cl_ord_id_2"] = 0
    venue = EngineVenue(small_limits(requests_max=len(rows) + 1_000))
    venue.run(number(plentiful()))
    events = np.zeros(6 * len(rows), EVENT)
    consumed, produced = venue.engine.apply(rows, np.zeros(0, np.uint8), events)
    assert consumed == len(rows) and not venue.engine.busy
    return events[:produced]


def mirrored(events: np.ndarray) -> np.ndarray:
    """Buys for sells, and every price as far on the other side of 100."""
    seen, around = events.copy(), 200 * TICK
    seen["side"] = np.where(events["side"] == 0, 0, w.BUY + w.SELL - events["side"].astype(int))
    seen["price"] = np.where(events["price"] == 0, 0, around - events["price"])
    seen["cum_value"] = around * events["cum_qty"] - events["cum_value"]
    return seen


@pytest.mark.slow
def test_a_million_of_five_and_their_mirror_images(capsys: pytest.CaptureFixture[str]) -> None:
    """Why images may be left out: the engine does to them what it does to the sequences.

    Only stops of both sides that one order reaches tell buys from sells (M-164), with five orders
    at the least: sequences with stops of both sides are not among these.
    """
    dice, half, seen = np.random.default_rng(5), len(BUYS), Counter[str]()
    stops = np.array([one[0].startswith("stop") for one in EVERY])
    for _ in range(MIRRORED // CHUNK):
        choices = dice.integers(0, len(EVERY), (2 * CHUNK, 5))
        choices[:, 0] %= half
        bought, sold = (stops[choices] & way for way in (choices < half, choices >= half))
        choices = choices[~(bought.any(axis=1) & sold.any(axis=1))][:CHUNK]
        one = played(choices, (w.BUY, w.SELL))
        other = played((choices + half) % len(EVERY), (w.SELL, w.BUY))
        assert mirrored(one).tobytes() == other.tobytes()
        fills = one[one["kind"] == EventKind.FILL]
        assert (fills["cum_qty"] + fills["leaves_qty"] == fills["order_qty"]).all()
        first, second = fills[::2], fills[1::2]
        for name in ("trade_id", "qty", "price"):
            assert (first[name] == second[name]).all()
        assert (first["side"] != second["side"]).all()
        seen.update({"sequences": CHUNK, "trades": len(first), "events": len(one)})
    tell(capsys, ", ".join(f"{count:,} {name}" for name, count in seen.items()))
    assert seen["sequences"] == MIRRORED
