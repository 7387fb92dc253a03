"""The demo's members against codec and engine: every order is a valid one, every count agrees."""

from __future__ import annotations

from collections import Counter
from datetime import date

import numpy as np
import pytest

from engine.types import EventFlag, EventKind
from gateway.demo_market import Market
from gateway.demo_members import traders
from specs.products import load_products
from tests.demo_rig import Rig

DAY = date(2026, 11, 20)
TURN_S = 0.05
TURNS = 160


@pytest.fixture(scope="module", params=["SITB", "SITS", "GB2"])
def rig(request: pytest.FixtureRequest) -> Rig:
    market, rig = Market(load_products(), DAY, 7), Rig(DAY)
    everyone = list(traders(market, request.param, 7, rig.desk_of))
    for turn in range(TURNS):
        market.step(TURN_S)
        rig.now_ns += int(TURN_S * 1e9)
        for trader in everyone:
            trader.act(turn * TURN_S)
    return rig


def test_nothing_is_rejected(rig: Rig):
    for desk in rig.desks.values():
        assert desk.counts.reject_texts == {}
        assert desk.counts.rejects == 0


def test_members_trade(rig: Rig):
    assert all(desk.counts.fills > 0 for desk in rig.desks.values())
    assert sum(desk.counts.sent for desk in rig.desks.values()) > 1_000


def test_desks_know_what_the_engine_did(rig: Rig):
    events = np.concatenate(rig.events)
    fills = events[events["kind"] == EventKind.FILL]
    assert sum(desk.counts.fills for desk in rig.desks.values()) == len(fills)
    taking = fills["flags"] & EventFlag.AGGRESSOR != 0
    assert int(taking.sum()) * 2 == len(fills)
    live = {order for desk in rig.desks.values() for order in desk.orders.values()}
    assert all(not order.pending and order.leaves > 0 for order in live)
    booked = events[events["leaves_qty"] > 0]
    assert len(live) <= len(np.unique(booked["order_id"]))


def test_positions_of_all_members_add_up_to_nothing(rig: Rig):
    held: Counter[str] = Counter()
    for desk in rig.desks.values():
        held.update(desk.positions)
    assert set(held.values()) == {0}
