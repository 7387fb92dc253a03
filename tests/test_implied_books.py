"""Implied trading against enumeration: all small books of months and their calendar spreads.

Up to three orders over three to five expiries, each in any book, on any side, at prices around
those that cross. Every book is entered in the engine and checked from its events alone, by code
that knows relations and prices and nothing of the matching. SITEX_IMPLIED_BOOKS is the count.

Source: specs/matching.md M-240 to M-246.
"""

from __future__ import annotations

import itertools
import os
import random
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest

from engine.types import EventFlag, EventKind, Side
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    CHARLIE,
    account,
    instrument,
    mass_cancel,
    member,
    new,
    number,
    product,
    session,
    set_phase,
    spread,
    unpack_events,
)
from tests.exchanges import EngineVenue, NaiveVenue, small_limits

pytestmark = pytest.mark.kernels
BOOKS = int(os.environ.get("SITEX_IMPLIED_BOOKS", "100000"))
WHO = (ALPHA, BRAVO, CHARLIE)
Book = tuple[tuple[int, int, int, int], ...]  # orders: instrument, side, price in ticks, lots


def months_of(expiries: int) -> dict[int, tuple[int, int]]:
    """Spreads of all pairs of months 1 to `expiries`, by number: leg 1, leg 2."""
    pairs = itertools.combinations(range(1, expiries + 1), 2)
    return dict(enumerate(pairs, expiries + 1))


def venue_of(expiries: int) -> list[dict]:
    """Product 1 with its months and all their calendar spreads."""
    spreads = months_of(expiries)
    return [
        product(1, features=ALL_FEATURES | w.IMPLIED_PRICES),
        *(instrument(month, 1) for month in range(1, expiries + 1)),
        *(spread(one, 1, *legs) for one, legs in spreads.items()),
        *(member(one, requests_max=10**6) for one in (1, 2, 3)),
        *(account(who.account, who.member) for who in WHO),
        *(session(who.session, who.member) for who in WHO),
    ]


def small_books(expiries: int, count: int) -> Iterator[Book]:
    """All triples of orders over two prices and one or two lots, or a sample of so many."""
    spreads = months_of(expiries)
    options = [
        (one, side, price, lots)
        for one in range(1, expiries + len(spreads) + 1)
        for side in (w.BUY, w.SELL)
        for price in ((100, 101) if one <= expiries else (0, -1))
        for lots in (1, 2)
    ]
    every = len(options) ** 3
    if every <= count:
        yield from itertools.product(options, repeat=3)
        return
    dice = random.Random(expiries)
    related = {one: {one, *legs} for one, legs in spreads.items()}
    for at in range(count):
        book = [dice.choice(options) for _ in range(3)]
        if at % 2:  # half of them in the books of one relation
            allowed = related[dice.choice(list(spreads))]
            book = [dice.choice([o for o in options if o[0] in allowed]) for _ in range(3)]
        yield tuple(book)


def commands_of(books: list[Book], called: bool, first: int) -> list[dict]:
    """Each book's orders one after another, or in a call of all books, then all is cancelled.

    first: a number that makes the ids of these books their own.
    """
    made = []
    for at, book in enumerate(books, first):
        made += [set_phase(w.PRE_OPEN, instrument=0, product=1)] if called else []
        for place, (one, side, price, lots) in enumerate(book):
            who = WHO[place]
            made.append(new(who, f"{at}-{place}", side, lots, price, instrument=one))
        made += [set_phase(w.CONTINUOUS, instrument=0, product=1)] if called else []
        made += [mass_cancel(who, f"{at}-c{who.member}", w.SCOPE_MEMBER) for who in WHO]
    return made


def check_book(events: list[dict], expiries: int) -> Counter:
    """The events of one book, to its last order's end: what counts is told."""
    spreads = months_of(expiries)
    seen: Counter = Counter()
    orders: dict[int, list[int]] = {}  # instrument, side, price, leaves
    moved: Counter = Counter()  # lots by month
    for event in events:
        kind, key = event["kind"], event["order_id"]
        leg = event["flags"] & EventFlag.LEG
        assert kind != EventKind.REJECTED
        if kind == EventKind.ACCEPTED:
            fields = ("instrument", "side", "price", "qty")
            orders[key] = [event[name] for name in fields]
        elif kind == EventKind.FILL:
            sign = 1 if event["side"] == Side.BUY else -1
            if leg or event["instrument"] <= expiries:
                moved[event["instrument"]] += sign * event["qty"]
                seen["outright"] += bool(not leg and not event["flags"] & EventFlag.IMPLIED)
            if not leg:
                orders[key][3] -= event["qty"]
                assert orders[key][3] == event["leaves_qty"] >= 0
                assert sign * event["price"] <= sign * orders[key][2], "beyond the order's limit"
                seen["implied"] += bool(event["flags"] & EventFlag.IMPLIED)
    assert not any(moved.values()), f"lots of a month appear or vanish: {moved}"
    best = best_prices([order for order in orders.values() if order[3]])
    for one, (leg_1, leg_2) in spreads.items():
        assert_no_arbitrage(best, one, leg_1, leg_2)
    for one in best:
        assert best[one][0] < best[one][1], "a book is crossed"
    return seen


def best_prices(orders: list[list[int]]) -> dict[int, tuple[float, float]]:
    """Best bid and ask of each book; endless where there is none."""
    best: dict[int, tuple[float, float]] = {}
    for one, side, price, _ in orders:
        bid, ask = best.get(one, (-np.inf, np.inf))
        best[one] = (max(bid, price), ask) if side == w.BUY else (bid, min(ask, price))
    return best


def assert_no_arbitrage(best: dict, one: int, leg_1: int, leg_2: int) -> None:
    """Nobody can buy and sell both months through three books and keep money."""
    none = (-np.inf, np.inf)
    (bid, ask), (bid_1, ask_1), (bid_2, ask_2) = (best.get(at, none) for at in (one, leg_1, leg_2))
    assert bid_1 < ask + ask_2, "arbitrage: sell month 1, buy it through the spread"
    assert bid + bid_2 < ask_1, "arbitrage: buy month 1, sell it through the spread"


def implied_now(best: dict, expiries: int) -> dict[tuple[int, int], float]:
    """Best implied prices of all books from the best direct ones (M-240, M-242)."""
    spreads = months_of(expiries)
    none = (-np.inf, np.inf)
    bids: dict[int, list[float]] = {}
    asks: dict[int, list[float]] = {}
    for one, (leg_1, leg_2) in spreads.items():
        (bid, ask), (bid_1, ask_1), (bid_2, ask_2) = (
            best.get(at, none) for at in (one, leg_1, leg_2)
        )
        for at, low, high in (
            (one, bid_1 - ask_2, ask_1 - bid_2),
            (leg_1, bid + bid_2, ask + ask_2),
            (leg_2, bid_1 - ask, ask_1 - bid),
        ):
            bids.setdefault(at, []).append(low)
            asks.setdefault(at, []).append(high)
    found = {(at, int(w.BUY)): max(low) for at, low in bids.items()}
    found |= {(at, int(w.SELL)): min(high) for at, high in asks.items()}
    return {key: price for key, price in found.items() if abs(price) != np.inf}


def check_told(events: list[dict], told: dict, expiries: int) -> None:
    """After each command what IMPLIED told is what follows from the books, changes only."""
    books: dict[int, list[int]] = {}
    for event in events:
        key, kind = event["order_id"], event["kind"]
        leg = event["flags"] & EventFlag.LEG
        if kind == EventKind.ACCEPTED:
            books[key] = [event[name] for name in ("instrument", "side", "price", "qty")]
        elif kind in (EventKind.FILL, EventKind.CANCELLED) and not leg:
            books[key][3] = event["leaves_qty"]
        elif kind == EventKind.IMPLIED:
            side = (event["instrument"], event["side"])
            now = event["price"] if event["qty"] else None
            assert told.get(side) != now, "told twice (M-246)"
            told[side] = now
        if event["flags"] & EventFlag.LAST_OF_COMMAND:
            best = best_prices([order for order in books.values() if order[3]])
            known = {side: price for side, price in told.items() if price is not None}
            assert known == implied_now(best, expiries), "not what the books imply (M-246)"


def run(expiries: int, count: int, called: bool) -> Counter:
    """Enters the books, a thousand at a time, and checks each; the first also by the twin."""
    limits = small_limits(requests_max=500_000, instruments_max=15)
    seen: Counter = Counter()
    told: dict = {}
    venue = EngineVenue(limits)
    venue.run_rows(number(venue_of(expiries)))
    first = len(venue_of(expiries)) + 1
    books = small_books(expiries, count)
    entered = 0
    while batch := list(itertools.islice(books, 1_000)):
        entered += len(batch)
        if first > 400_000:  # request rows of a day
            venue, first, told = EngineVenue(limits), len(venue_of(expiries)) + 1, {}
            venue.run_rows(number(venue_of(expiries)))
        made = number(commands_of(batch, called, first), first)
        rows = venue.run_rows(made)
        if not seen:
            naive = NaiveVenue(limits)
            naive.run(number(venue_of(expiries)))
            wanted = [event for one in naive.run(made[: 60 * 8]) for event in one]
            assert unpack_events(rows[: len(wanted)]) == wanted
        first += len(made)
        ends = np.flatnonzero(
            (rows["kind"] == EventKind.MASS_CANCELLED) & (rows["member"] == CHARLIE.member)
        )
        start = 0
        for end in ends.tolist():
            stop = end + 1
            while not rows[stop - 1]["flags"] & EventFlag.LAST_OF_COMMAND:
                stop += 1
            events = unpack_events(rows[start:stop])
            passing = (EventKind.CANCELLED, EventKind.IMPLIED)
            resting = [event for event in events if event["kind"] not in passing]
            seen.update(check_book(resting, expiries))
            if not called:
                check_told(events, told, expiries)
            seen["books"] += 1
            start = stop
    assert seen["books"] == entered
    return seen


@pytest.mark.slow
@pytest.mark.parametrize("called", [False, True], ids=["as they come", "in a call"])
@pytest.mark.parametrize("expiries", [3, 4, 5])
def test_small_books(expiries: int, called: bool) -> None:
    """SITEX_IMPLIED_BOOKS in all six runs together: conservation, no arbitrage, prices told."""
    seen = run(expiries, BOOKS // 6 + 1, called)
    assert seen["implied"] and seen["outright"]


@pytest.mark.parametrize("called", [False, True])
def test_quick_small_books(called: bool) -> None:
    """A few of them, for runs with the JIT off."""
    assert run(3, 300, called)["implied"]
