"""Closing first at the daily limits, engine and naive exchange side by side over short dates.

Few prices, mostly the limits, positions of yesterday and today, queues that lose their first, last
and only closing order. Source: specs/matching.md M-213.
"""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    CHARLIE,
    SECOND,
    START_NS,
    account,
    cancel,
    gross_product,
    instrument,
    mass_cancel,
    member,
    new,
    number,
    replace,
    roll_product,
    session,
    set_phase,
)
from tests.test_settlement import drive, yyyymmdd
from tests.twin import Twin

pytestmark = [pytest.mark.kernels, pytest.mark.filterwarnings("error::RuntimeWarning")]
WHO = (ALPHA, BRAVO, CHARLIE)
EFFECTS = (w.OPEN, w.CLOSE, w.CLOSE_YESTERDAY, w.CLOSE_TODAY)
FEATURES = w.POSITION_EFFECT_REQUIRED | w.CLOSING_FIRST | w.HAS_ICEBERG | w.REPLACE_KEEPS_PLACE


def venue(hidden: bool) -> list[dict]:
    """Limits 97 to 103; a second instrument of a product without the rule."""
    features = FEATURES | (w.AUCTION_HIDDEN if hidden else 0)
    usual = {"limit_bp": 300, "ladder_bp": 300, "display_min_bp": 2_000}
    last = {"last_trading_date": 20991231}
    return [
        gross_product(1, features=features, **usual),
        gross_product(2, features=FEATURES & ~w.CLOSING_FIRST, **usual),
        instrument(1, 1, **last),
        instrument(2, 2, **last),
        *(member(who.member, requests_max=10**6) for who in WHO),
        *(account(who.account, who.member) for who in WHO),
        *(session(who.session, who.member) for who in WHO),
    ]


class Queues:
    """Grows a twin by dates whose orders crowd at the limits."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.twin = Twin(0, start=number(venue(seed % 2 == 1)))
        self.time_ns, self.sent = START_NS + SECOND, 0
        self.mood = w.BUY
        for sells, buys in zip(WHO, (*WHO[1:], WHO[0]), strict=True):
            for who, side in ((sells, w.SELL), (buys, w.BUY)):
                opens = {"position_effect": w.OPEN}
                self.add(new(who, f"o{side}", side, 60, 100, **opens))
        self.add(roll_product(1, yyyymmdd(0)))

    def add(self, command: dict) -> None:
        """One command, a moment later."""
        self.sent, self.time_ns = self.sent + 1, self.time_ns + SECOND
        self.twin._take([command | {"time_ns": self.time_ns, "msg_seq_num": self.sent}])

    def grow(self, dates: int, commands: int = 60) -> Queues:
        """So many trading dates of so many commands, a call in each."""
        for date in range(1, dates + 1):
            calls = self.chance.randrange(commands)
            for at in range(commands):
                if at == calls:
                    self.add(set_phase(w.PRE_OPEN, instrument=1))
                if at == calls + 20:
                    self.add(set_phase(w.CONTINUOUS, instrument=1))
                self.command()
            self.add(set_phase(w.CONTINUOUS, instrument=1))
            for product in (1, 2):
                self.add(roll_product(product, yyyymmdd(date)))
        return self

    def command(self) -> None:
        """An order, or something that ends or moves one."""
        roll, exchange = self.chance.random(), self.twin.naive.exchange
        alive = list(exchange.live.values())
        if roll < 0.7 or not alive:
            self.order()
            return
        order = self.chance.choice(alive)
        who = next(one for one in WHO if one.member == order.member)
        named = exchange.requests[order.request]["cl_ord_id"]
        terms = {"instrument": order.instrument}
        if roll < 0.82:
            self.add(cancel(who, f"n{self.sent}", "", **terms) | {"orig_cl_ord_id": named})
        elif roll < 0.97:
            terms |= {"price": order.price, "position_effect": order.position_effect}
            qty = max(1, order.order_qty + self.chance.randint(-1, 1))
            made = replace(who, f"n{self.sent}", "", qty, 0, **terms)
            self.add(made | {"orig_cl_ord_id": named})
        else:
            self.add(mass_cancel(who, f"n{self.sent}", w.SCOPE_MEMBER))

    def order(self) -> None:
        """A limit order, mostly at a limit."""
        book = self.chance.choice((1, 1, 1, 2))
        known = self.twin.naive.exchange.instruments[book]
        price = self.chance.choice((known.low, known.high, known.high, known.low, known.reference))
        qty = self.chance.randint(1, 4)
        fields = {"instrument": book, "price": price, "display_qty": self.chance.choice((0, 0, 1))}
        fields["position_effect"] = self.chance.choice(EFFECTS)
        if self.chance.random() < 0.05:
            self.mood = self.chance.choice((w.BUY, w.SELL))
        side = self.mood if self.chance.random() < 0.8 else self.chance.choice((w.BUY, w.SELL))
        self.add(new(self.chance.choice(WHO), f"n{self.sent}", side, qty, 0, **fields))


@pytest.mark.parametrize("seed", range(4))
def test_quick_queues(seed: int) -> None:
    drive(Queues(seed).grow(6).twin, seed)


@pytest.mark.slow
def test_closing_orders_pass_others() -> None:
    """What the rule is for comes up: a closing order stands before one that joined earlier."""
    passed = 0
    for seed in range(100, 130):
        queues = Queues(seed)
        for _ in range(150):
            queues.command()
            for contra in (w.BUY, w.SELL):
                queue = queues.twin.naive.exchange.instruments[1].in_priority(contra)
                joined = [order.public_id for order in queue if order.price == queue[0].price]
                passed += joined != sorted(joined)
            if queues.sent % 60 == 0:
                queues.add(roll_product(1, yyyymmdd(queues.sent // 60)))
        drive(queues.twin, seed)
    assert passed > 300, passed


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32 - 1), dates=st.integers(1, 8), commands=st.integers(5, 90))
def test_any_queues(seed: int, dates: int, commands: int) -> None:
    drive(Queues(seed).grow(dates, commands).twin, seed)
