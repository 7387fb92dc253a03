"""Settlement and locked days, engine and naive exchange side by side over many short dates.

Few orders, mostly at the limits, minutes between commands: locks that hold, days in a row, windows
with and without trades, contracts without any. Source: specs/matching.md M-200 to M-212.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.machine import Engine
from engine.reasons import SettleReason
from engine.settle import share_of
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    BRAVO,
    CHARLIE,
    SECOND,
    START_NS,
    account,
    instrument,
    mass_cancel,
    member,
    new,
    number,
    product,
    roll_product,
    session,
    session_lost,
    set_phase,
    spread,
)
from tests.exchanges import EngineVenue, small_limits
from tests.twin import Twin, compare_state, random_cut

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]
WHO = (ALPHA, BRAVO, CHARLIE)
SPREADS, BOOKS = 6, 9  # the first spread and the last one
MOODS = ("up", "down", "calm", "none", "quoted")
OF_SPREADS = ("calm", "quoted", "quoted", "none", "up")
FIRST = date(2026, 12, 1)
LOCKING = {"features": ALL_FEATURES | w.LOCKED_DAYS, "locked_1_bp": 300, "locked_2_bp": 500}
WINDOWED = {"features": ALL_FEATURES | w.SETTLE_WINDOW, "settle_window_seconds": 120}
JUMPS = (0, 1, 30, 60, 100, 299, 300, 301, 900)


def venue() -> list[dict]:
    """A product whose limits widen and one with a window; months that expire on the way, with
    calendar spreads of both."""
    last = {"last_trading_date": 20991231}
    return [
        product(1, limit_bp=400, ladder_bp=900, **LOCKING),
        product(2, limit_bp=400, ladder_bp=400, **WINDOWED),
        instrument(1, 1, 200, maturity=202611, **last),
        instrument(2, 1, 220, maturity=202701, **last),
        instrument(3, 1, 180, maturity=202702, last_trading_date=yyyymmdd(9)),
        instrument(4, 2, 300, maturity=202612, **last),
        instrument(5, 2, 250, maturity=202703, last_trading_date=yyyymmdd(5)),
        spread(6, 1, 1, 2, ticks=-20, **last),
        spread(7, 1, 2, 3, ticks=40, last_trading_date=yyyymmdd(9)),
        spread(8, 1, 1, 3, last_trading_date=yyyymmdd(9)),
        spread(9, 2, 4, 5, ticks=50, last_trading_date=yyyymmdd(5)),
        *(member(who.member, requests_max=10**6) for who in WHO),
        *(account(who.account, who.member) for who in WHO),
        *(session(who.session, who.member) for who in WHO),
    ]


def yyyymmdd(days: int) -> int:
    """The trading date so many days after the first."""
    return int((FIRST + timedelta(days)).strftime("%Y%m%d"))


class Dates:
    """Grows a twin by dates of a few commands each."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.twin = Twin(0, start=number(venue()))
        self.time_ns, self.date, self.sent = START_NS + SECOND, 0, 0
        self.mood: dict[int, str] = {}
        self.phased = seed % 2 == 1  # else every instrument stays in NONE

    def add(self, command: dict) -> None:
        """One command, now."""
        self.sent += 1
        self.twin._take([command | {"time_ns": self.time_ns, "msg_seq_num": self.sent}])

    def grow(self, dates: int) -> Dates:
        """So many trading dates."""
        for _ in range(dates):
            for book in range(1, BOOKS + 1):
                if self.chance.random() < 0.3 or book not in self.mood:
                    moods = MOODS if book < SPREADS else OF_SPREADS
                    self.mood[book] = self.chance.choice(moods)
            for _ in range(self.chance.randrange(14)):
                self.command()
            for book in range(1, BOOKS + 1):
                self.lean(book)
            self.time_ns += self.chance.choice(JUMPS) * SECOND
            if self.phased and self.chance.random() < 0.5:
                self.add(set_phase(w.CLOSED, instrument=0, product=self.chance.choice((1, 2))))
                self.time_ns += self.chance.choice(JUMPS) * SECOND
            if self.chance.random() < 0.3:
                self.add(session_lost(self.chance.choice(WHO)))
            self.date += 1
            for one in (1, 2):
                self.add(roll_product(one, yyyymmdd(self.date)))
            for one in (1, 2) if self.phased else ():
                self.add(set_phase(w.CONTINUOUS, instrument=0, product=one))
        return self

    def order(self, book: int, side: int, price: int) -> None:
        """A limit order at a price."""
        who, tif = self.chance.choice(WHO), self.chance.choice((w.DAY, w.DAY, w.GTC, w.IOC))
        fields = {"instrument": book, "price": price, "time_in_force": tif}
        qty = self.chance.randint(1, 5)
        if self.chance.random() < 0.25:
            known = self.twin.naive.exchange.instruments[book]
            away = self.chance.choice((1, 2, 5)) * known.product["tick"]
            stop_price = known.last + (away if side == w.BUY else -away)
            fields |= {"ord_type": w.STOP_LIMIT, "stop_price": stop_price, "time_in_force": w.DAY}
        self.add(new(who, f"n{self.sent}", side, qty, 0, **fields))

    def lean(self, book: int) -> None:
        """An order at the limit to which the book leans, none on the other side; or both sides."""
        known = self.twin.naive.exchange.instruments[book]
        away = self.chance.randrange(1, 9) * known.product["tick"]
        if self.mood[book] == "up":
            self.order(book, w.BUY, known.high)
        elif self.mood[book] == "down":
            self.order(book, w.SELL, known.low)
        elif self.mood[book] == "quoted":
            self.order(book, w.BUY, known.reference - away)
            self.order(book, w.SELL, known.reference + away + known.product["tick"])

    def command(self) -> None:
        """An order near a limit or the reference, a mass cancel, or a phase."""
        self.time_ns += self.chance.choice(JUMPS[:5]) * SECOND
        book, roll = self.chance.randint(1, BOOKS), self.chance.random()
        known = self.twin.naive.exchange.instruments[book]
        if roll < 0.7 and self.mood[book] != "none":
            price = self.chance.choice((known.high, known.low, known.reference, known.last))
            self.order(book, self.chance.choice((w.BUY, w.SELL)), price)
        elif roll < 0.85:
            scope = self.chance.choice((w.SCOPE_INSTRUMENT, w.SCOPE_MEMBER, w.SCOPE_PRODUCT))
            fields = {"instrument": book, "product": 1}
            self.add(mass_cancel(self.chance.choice(WHO), f"m{self.sent}", scope, **fields))
        elif self.phased:
            phase = self.chance.choice((w.PRE_OPEN, w.CLOSED, w.CONTINUOUS, w.AUCTION_MATCH))
            self.add(set_phase(phase, instrument=book, scheduled_end_ns=self.end()))

    def end(self) -> int:
        """A scheduled end, sometimes."""
        return self.time_ns + 200 * SECOND if self.chance.random() < 0.3 else 0


def drive(twin: Twin, seed: int) -> None:
    """The engine's events are the wanted ones, however its input is cut, also when restored."""
    twin.watch()
    whole = EngineVenue()
    rows = whole.run_rows(twin.commands)
    twin.compare(rows)
    compare_state(twin, whole)
    cut = EngineVenue()
    assert cut.run_rows(twin.commands, random_cut(seed)).tobytes() == rows.tobytes()
    assert cut.engine.state_hash() == whole.engine.state_hash()
    at = random.Random(seed).randrange(len(twin.commands))
    first, second = EngineVenue(), EngineVenue(small_limits(instruments_max=20))
    before = first.run_rows(twin.commands[:at])
    requests = first.engine.requests.copy()
    second.engine = Engine.restore(second.limits, first.engine.snapshot(), requests, hash_key=seed)
    assert second.engine.state_hash() == first.engine.state_hash()
    after = second.run_rows(twin.commands[at:])
    assert before.tobytes() + after.tobytes() == rows.tobytes()
    assert second.engine.state_hash() == whole.engine.state_hash()


def seen(events: list[dict]) -> tuple[Counter, Counter]:
    """How often each settlement reason came up, and each count of locked days."""
    reasons = Counter(event["reason"] for event in events if event["kind"] == w.SETTLED)
    days = Counter(event["qty"] for event in events if event["kind"] == w.LIMITS_SET)
    return reasons, days


@pytest.mark.parametrize("seed", range(3))
def test_quick_dates(seed: int) -> None:
    twin = Dates(seed).grow(25).twin
    drive(twin, seed)


@pytest.mark.slow
def test_many_dates_show_every_case() -> None:
    """Each way to a settlement price, each count of locked days, suspensions of both kinds."""
    events = []
    for seed in range(100, 124):
        twin = Dates(seed).grow(60).twin
        drive(twin, seed)
        events += twin.events()
    reasons, days = seen(events)
    assert min(reasons[reason] for reason in SettleReason) > 10, reasons
    assert min(days[count] for count in range(5)) > 5, days
    passed = Counter(event["qty"] for event in events if event["reason"] == w.LOCKED_DAYS_REASON)
    assert min(passed[w.CLOSED], passed[w.NO_PHASE]) > 2, passed


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), dates=st.integers(1, 12))
def test_any_dates(seed: int, dates: int) -> None:
    drive(Dates(seed).grow(dates).twin, seed)


@given(ticks=st.integers(1, 2**44), price=st.integers(1, 2**44), reference=st.integers(1, 2**44))
@settings(max_examples=300, deadline=None)
def test_a_share_is_exact_to_int64(ticks: int, price: int, reference: int) -> None:
    """Half up, like whole numbers without bounds (M-204)."""
    wanted = (2 * ticks * price + reference) // (2 * reference)
    if wanted < 2**62:
        assert share_of(ticks, price, reference) == wanted
