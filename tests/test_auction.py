"""The uncross against brute force over all prices, and of 500,000 orders at once.

Source: specs/matching.md M-105 to M-110. SITEX_TWIN_RUNS makes it longer.
"""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from typing import NamedTuple

import numpy as np
import pytest

from engine.machine import Engine
from engine.types import EVENT
from perf.auction import uncross
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    TICK,
    account,
    instrument,
    mass_cancel,
    member,
    new,
    number,
    pack,
    product,
    session,
    set_phase,
)
from tests.exchanges import small_limits

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]
BOOKS = 20_000 * int(os.environ.get("SITEX_TWIN_RUNS", "1"))
REFERENCES = {1: 100, 2: 95, 3: 104, 4: 100, 5: 93, 6: 107}  # ticks; 1 to 3 plain, 4 to 6 least
LOW, HIGH = 80, 120  # ticks: wider than any order here


class Call(NamedTuple):
    """The orders of one call: side, price in ticks, lots; in order of arrival."""

    instrument: int
    orders: list[tuple[int, int, int]]


def venue() -> list[dict]:
    """Two products, one of them of least surplus, six instruments, two members."""
    wide = {"limit_bp": 2_500}
    least = ALL_FEATURES | w.AUCTION_MIN_SURPLUS
    return [
        product(1, **wide),
        product(2, features=least, **wide),
        *(instrument(at, 1 + at // 4, ticks) for at, ticks in REFERENCES.items()),
        *(member(who.member, requests_max=10**8, orders_max=10**8) for who in (ALPHA, BRAVO)),
        *(account(who.account, who.member) for who in (ALPHA, BRAVO)),
        *(session(who.session, who.member) for who in (ALPHA, BRAVO)),
    ]


def random_call(source: random.Random) -> Call:
    """Few orders at few prices, so that ties of every kind come up."""
    middle, width = source.randint(94, 108), source.choice((1, 2, 4, 8))
    orders = [
        (
            source.choice((w.BUY, w.SELL)),
            middle + source.randint(-width, width),
            source.choice((1, 2, 2, 3, 5, source.randint(1, 20))),
        )
        for _ in range(source.randint(1, 14))
    ]
    return Call(source.choice(list(REFERENCES)), orders)


def best_terms(call: Call) -> tuple[int, int, int]:
    """M-105 word by word: every price of the limits is tried."""
    found = []
    for price in range(LOW, HIGH + 1):
        bid = sum(qty for side, limit, qty in call.orders if side == w.BUY and limit >= price)
        offered = sum(qty for side, limit, qty in call.orders if side == w.SELL and limit <= price)
        surplus = abs(bid - offered) if call.instrument > 3 else 0
        away = abs(price - REFERENCES[call.instrument])
        found.append((-min(bid, offered), surplus, away, -price, bid - offered))
    lots, _, _, price, surplus = min(found)
    return (-price, -lots, surplus) if lots else (0, 0, 0)


def filled(call: Call, lots: int) -> list[int]:
    """M-106: lots each order trades, by price, then time, whatever the other side."""
    traded = [0] * len(call.orders)
    for side, sign in ((w.BUY, -1), (w.SELL, 1)):
        left = lots
        ranked = [at for at, order in enumerate(call.orders) if order[0] == side]
        for at in sorted(ranked, key=lambda at: sign * call.orders[at][1]):
            traded[at] = min(left, call.orders[at][2])
            left -= traded[at]
    return traded


def rows_of(calls: list[Call]) -> tuple[np.ndarray, np.ndarray]:
    """COMMAND rows and blobs: each call from PRE_OPEN to the cancel of what is left."""
    numbers = sorted(REFERENCES)
    opens = [set_phase(w.PRE_OPEN, instrument=at) for at in numbers]
    matches = [set_phase(w.AUCTION_MATCH, instrument=at) for at in numbers]
    halts = [set_phase(w.PHASE_HALTED, instrument=at) for at in numbers]
    order = new(ALPHA, "", w.BUY, 1, 100)
    ends = [mass_cancel(who, "", w.SCOPE_MEMBER) for who in (ALPHA, BRAVO)]
    made, blobs = pack(number([*venue(), *opens, *matches, *halts, order, *ends]))
    count = len(venue())
    plan: list[int] = [*range(count)]
    changes: list[tuple[int, int, int, int]] = []  # row, and of an order side, price, lots
    for call in calls:
        at = count + numbers.index(call.instrument)
        plan.append(at)
        for one in call.orders:
            changes.append((len(plan), *one))
            plan.append(count + 18)
        plan += [at + 6, at + 12, count + 19, count + 20]
    rows = made[plan]
    rows["time_ns"][count:] = rows["time_ns"].max()
    rows["cl_ord_id_0"] = np.arange(len(rows)) + 1
    where, sides, prices, lots = np.array(changes).T
    rows["side"][where], rows["price"][where], rows["qty"][where] = sides, prices * TICK, lots
    sells = where[sides == w.SELL]
    rows["member"][sells], rows["session"][sells] = BRAVO.member, BRAVO.session
    rows["account"][sells] = BRAVO.account
    instruments = [call.instrument for call in calls for _ in call.orders]
    rows["instrument"][where] = instruments
    return rows, blobs


def run(engine: Engine, rows: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    """All events of the commands."""
    parts = []
    buffer = np.zeros(1 << 16, EVENT)
    done = 0
    while done < len(rows) or engine.busy:
        consumed, produced = engine.apply(rows[done:], blobs, buffer)
        parts.append(buffer[:produced].copy())
        done += consumed
    return np.concatenate(parts)


@pytest.mark.slow
def test_auction_against_brute_force_over_all_prices(capsys: pytest.CaptureFixture) -> None:
    """Price, volume, surplus and what each order trades, of 20,000 random books."""
    source = random.Random(20261121)
    calls = [random_call(source) for _ in range(BOOKS)]
    rows, blobs = rows_of(calls)
    events = run(Engine(small_limits(requests_max=len(rows) + 2)), rows, blobs)
    assert not np.isin(events["kind"], (w.REJECTED, w.ALARM)).any()
    ends = events[events["kind"] == w.UNCROSSED]
    assert len(ends) == len(calls)
    fills = events[events["kind"] == w.FILL]
    traded: Counter = Counter()
    for order_id, lots in zip(fills["order_id"].tolist(), fills["qty"].tolist(), strict=True):
        traded[order_id] += lots
    crossed = order_id = 0
    for call, end in zip(calls, ends, strict=True):
        price, lots, surplus = best_terms(call)
        told = (int(end["price"]) // TICK, int(end["qty"]), int(end["leaves_qty"]))
        assert told == (price, lots, surplus), call
        got = [traded[order_id + at] for at in range(1, len(call.orders) + 1)]
        assert got == filled(call, lots), call
        order_id += len(call.orders)
        crossed += lots > 0
    with capsys.disabled():
        said = f" {len(calls):,} books, {crossed:,} crossed, {len(fills) // 2:,} trades"
        sys.stdout.write(said)


@pytest.mark.slow
def test_half_a_million_orders_uncross_within_the_budget(capsys: pytest.CaptureFixture) -> None:
    """The benchmark's own row; a loaded machine gets room beyond the budget of 1 s."""
    (row,) = uncross()
    with capsys.disabled():
        sys.stdout.write(f" {row.value:.3f} s: {row.method}")
    assert row.value < 5
