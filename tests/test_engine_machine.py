"""The engine's shell and its edges: definitions out of bounds, long work, moving ladders."""

from __future__ import annotations

import numpy as np
import pytest

from engine.limits import EVENT_ROWS_MIN, EngineLimits
from engine.machine import Engine
from engine.types import COMMAND, EVENT, EventKind
from tests import naive_words as w
from tests.build import (
    ALPHA,
    BRAVO,
    DAY_1,
    DAY_2,
    TICK,
    account,
    buy,
    gross_product,
    instrument,
    mass_cancel,
    member,
    number,
    pack,
    product,
    roll_day,
    roll_product,
    sell,
    usual_venue,
)
from tests.exchanges import EngineVenue, small_limits

pytestmark = pytest.mark.kernels

OUT_OF_BOUNDS = {
    "tick below 1,000": product(3, tick=999),
    "tick no multiple of 1,000": product(3, tick=1_500),
    "no multiplier": product(3, multiplier=0),
    "no quantity": product(3, qty_max=0),
    "limit of all": product(3, limit_bp=10_000),
    "no currency": product(3, currency=0),
    "no price rule": product(3, price_rule=0),
    "no position mode": product(3, position_mode=0),
    "another shard": product(3, shard=1),
    "gross without effect": gross_product(3, features=0),
    "product beyond its table": product(8),
    "instrument beyond its table": instrument(16, 1),
    "instrument of no product": instrument(5, 6),
    "reference off tick": instrument(5, 1, reference_price=TICK + 1),
    "reference of nothing": instrument(5, 1, reference_price=0),
    "reference beyond all bounds": instrument(5, 1, reference_price=2**62 // TICK * TICK),
    "member beyond its table": member(16),
    "account beyond its table": account(16, 1),
    "account of no member": account(5, 0),
}


@pytest.mark.parametrize("name", OUT_OF_BOUNDS)
def test_m8_rows_out_of_bounds_are_ignored(name: str) -> None:
    venue = EngineVenue()
    venue.run(number(usual_venue()))
    before = venue.engine.event_count
    assert venue.run(number([OUT_OF_BOUNDS[name]], first=100)) == []
    assert venue.engine.event_count == before


def test_blobs_that_do_not_lie_in_the_batch_are_ignored() -> None:
    engine = Engine(small_limits())
    rows, blobs = pack([product(1)])
    events = np.zeros(EVENT_ROWS_MIN, EVENT)
    for offset, length in ((1, 64), (2**32 - 1, 64), (0, 63), (0, 0)):
        rows["blob_offset"], rows["blob_length"] = offset, length
        assert engine.apply(rows, blobs, events) == (1, 0)


def test_m7_an_account_keeps_its_member() -> None:
    venue = EngineVenue()
    venue.run(number(usual_venue()))
    events = venue.run(number([account(1, 2)], first=100))
    assert [(one["kind"], one["member"]) for one in events] == [(EventKind.ACCOUNT_SET, 1)]


def test_a_narrow_buffer_stops_between_steps_and_goes_on_with_no_commands() -> None:
    venue = EngineVenue()
    venue.run(number(usual_venue() + [sell(BRAVO, f"b{i}", 1, 101) for i in range(40)]))
    rows, blobs = pack(number([buy(ALPHA, "a1", 40, 101)], first=200))
    whole: list[np.ndarray] = []
    consumed, calls = 0, 0
    while consumed == 0 or venue.engine.busy:
        events = np.zeros(EVENT_ROWS_MIN, EVENT)
        taken, produced = venue.engine.apply(rows[consumed:], blobs, events)
        consumed, calls = consumed + taken, calls + 1
        whole.append(events[:produced])
    events = np.concatenate(whole)
    assert calls > 10
    assert len(events) == 1 + 2 * 40
    marked = events["flags"] & w.LAST_OF_COMMAND != 0
    assert marked[-1] and not marked[:-1].any()


def test_fewer_rows_than_a_command_needs_are_refused() -> None:
    engine = Engine(small_limits())
    with pytest.raises(AssertionError, match="too few event rows"):
        engine.apply(np.zeros(0, COMMAND), np.zeros(0, np.uint8), np.zeros(7, EVENT))


def test_a_roll_without_request_rows_names_the_command() -> None:
    engine = Engine(small_limits())
    rows, blobs = pack(number([product(1), roll_day(DAY_2)]))
    with pytest.raises(AssertionError, match="command 1: ROLL_DAY without"):
        engine.apply(rows, blobs, np.zeros(16, EVENT))


def test_m70_ladders_follow_the_price_and_queues_stay() -> None:
    """Thirty days at the upper limit: levels move, widen and are laid anew; orders keep places."""
    venue = EngineVenue(small_limits(levels_max=1 << 15))
    last = DAY_1 + 60
    venue.run(number([*usual_venue()[:2], instrument(1, 1, last_trading_date=last)]))
    venue.run(number(usual_venue()[5:], first=50))
    reference, day, at = 100, DAY_1, 1_000
    for turn in range(30):
        high = reference * 11 // 10
        good = {"time_in_force": w.GTC}
        commands = [
            sell(BRAVO, f"s{turn}", 2, high),
            buy(ALPHA, f"t{turn}", 2, high),
            buy(ALPHA, f"x{turn}", 1, high - 1, **good),
            buy(ALPHA, f"y{turn}", 1, high - 1, **good),
            sell(BRAVO, f"z{turn}", 3, high, **good),
        ]
        venue.run(number(commands, first=at))
        before = venue.engine.orders(1)
        day += 1
        events = venue.run(number([roll_product(1, day)], first=at + 10))
        limits = next(one for one in events if one["kind"] == EventKind.LIMITS_SET)
        low, high_limit = limits["cum_value"], limits["leaves_qty"]
        inside = (before["price"] >= low) & (before["price"] <= high_limit)
        inside &= before["time_in_force"] != w.DAY
        after = venue.engine.orders(1)
        assert after.tobytes() == before[inside].tobytes()
        bids, asks = venue.engine.book(1)
        assert (np.diff(bids["price"]) < 0).all() and (np.diff(asks["price"]) > 0).all()
        reference, at = limits["price"] // TICK, at + 100
    assert reference > 300


def test_mass_cancel_of_many_orders_in_order_of_id() -> None:
    venue = EngineVenue()
    venue.run(number(usual_venue()))
    orders = [
        (buy if i % 3 else sell)(ALPHA, f"o{i}", 1, 95 if i % 3 else 105, instrument=1 + i % 2)
        for i in range(600)
    ]
    venue.run(number(orders, first=100))
    events = venue.run(number([mass_cancel(ALPHA, "m", w.SCOPE_MEMBER)], 900), lambda: (1, 8))
    ids = [one["order_id"] for one in events[:-1]]
    assert ids == sorted(ids) and len(ids) == 600
    assert events[-1]["kind"] == EventKind.MASS_CANCELLED and events[-1]["qty"] == 600
    assert venue.engine.orders_live == 0 and len(venue.engine.orders(1)) == 0


def test_snapshot_into_tables_too_small_says_so() -> None:
    venue = EngineVenue()
    venue.run(number([*usual_venue(), *(buy(ALPHA, f"o{i}", 1, 95) for i in range(20))]))
    data = venue.engine.snapshot()
    for narrow in ({"orders_max": 10}, {"requests_max": 16, "orders_max": 16}, {"accounts_max": 2}):
        limits = small_limits(**narrow)
        with pytest.raises(ValueError, match="snapshot"):
            Engine.restore(limits, data, np.zeros_like(venue.engine.requests))
    with pytest.raises(ValueError, match="not a snapshot"):
        Engine.restore(venue.limits, b"x" * 200, venue.engine.requests)


def test_limits_hold_their_relations() -> None:
    with pytest.raises(AssertionError):
        EngineLimits(orders_max=10, requests_max=5)
    with pytest.raises(AssertionError):
        EngineLimits(products_max=64)
    limits = EngineLimits()
    assert limits.orders_max >= 1_000_000 and limits.requests_max > 1_000_000
