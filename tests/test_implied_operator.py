"""Implied prices as an operator switches them, and their trades in its hands (M-243, M-247)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace

from engine.cl_ord_id import pack_cl_ord_id
from engine.reasons import PhaseReason
from engine.replay import replay as replay_journal
from engine.sequencer import Sequencer
from engine.types import COMMAND, CommandKind, EventKind
from gateway.assembly import Assembly, assemble
from gateway.clock import VenueClock
from gateway.operator import Answer, Bust, SetImplied
from specs.products import Catalogue, load_products
from tests.test_operator import FROM_NS, TRADES_NS, at, notes
from tests.test_schedule import CONFIG, LIMITS, pass_time

pytestmark = pytest.mark.kernels
BUY, SELL = ord("1"), ord("2")
NEAR, FAR, BETWEEN = "SITB2701", "SITB2702", "SITB2701-2702"


def catalogue() -> Catalogue:
    """The catalogue with spreads of adjacent months of SITB and their implied prices."""
    every = load_products()
    terms = {"calendar_spreads": (1,), "implied_prices": True}
    products = [replace(p, **terms) if p.code == "SITB" else p for p in every.products]
    return replace(every, products=tuple(products))


def open_with_spreads(folder: Path) -> Assembly:
    now_ns = time.time_ns()
    sequencer = Sequencer.open(
        folder, new_limits=LIMITS, durability="os", now_ns=FROM_NS, venue_day=20261125,
        threaded=False,
    )  # fmt: skip
    opened = assemble(sequencer, CONFIG, catalogue(), now_ns, VenueClock(now_ns, FROM_NS, 1))
    pass_time(opened, TRADES_NS)
    return opened


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    opened = open_with_spreads(tmp_path)
    yield opened
    opened.sequencer.abandon()


def order(parts: Assembly, who: str, symbol: str, side: int, price: int) -> np.ndarray:
    """An order of a lot, LIMIT and DAY; the events that it makes."""
    known = parts.registry.known
    row = np.zeros(1, COMMAND)
    row["kind"], row["time_ns"], row["side"], row["qty"] = CommandKind.NEW_ORDER, TRADES_NS, side, 1
    row["session"], row["price"] = known.sessions[who]["session"], price
    row["member"], row["account"] = known.members[who]["member"], known.accounts[who]["account"]
    row["instrument"] = known.instruments[symbol]["instrument"]
    row["ord_type"], row["time_in_force"] = ord("2"), ord("0")
    for place, word in enumerate(pack_cl_ord_id(f"{who}{symbol}".encode())):
        row[f"cl_ord_id_{place}"] = word
    events = parts.sequencer.submit(row)
    parts.venue.report(events, time.time_ns())
    return np.concatenate([part.rows for part in events])


def test_m247_off_and_on_again(tmp_path: Path) -> None:
    """Off: nothing trades between the books; on again: what they cross trades at once."""
    parts = open_with_spreads(tmp_path)
    off = at(parts, TRADES_NS, SetImplied("SITB", False, "a price was wrong"))
    assert off == Answer(True, "implied prices of SITB: off")
    again = at(parts, TRADES_NS, SetImplied("SITB", False, "again"))
    assert again == Answer(False, "implied prices of SITB: off already")
    events = [
        order(parts, "ALPHA", NEAR, SELL, 2_010_000_000),
        order(parts, "BRAVO", FAR, BUY, 2_000_000_000),
        order(parts, "BRAVO", BETWEEN, BUY, 10_000_000),
    ]
    assert {int(kind) for part in events for kind in part["kind"]} == {EventKind.ACCEPTED}
    first = parts.sequencer.events_written() + 1
    on = at(parts, TRADES_NS, SetImplied("SITB", True, "corrected"))
    assert on == Answer(True, "implied prices of SITB: on")
    last = parts.sequencer.events_written()
    rows = np.concatenate(list(parts.sequencer.event_rows(first, last + 1 - first)))
    assert rows["kind"].tolist()[:2] == [EventKind.IMPLIED_SET, EventKind.FILL]
    assert rows["reason"][0] == PhaseReason.OPERATOR
    refused = at(parts, TRADES_NS, Bust(int(rows["trade_id"][1]), "an error"))
    assert refused.text == f"trade {rows['trade_id'][1]}: unknown trade"
    wanted = parts.sequencer.engine.state_hash()
    parts.sequencer.abandon()
    assert notes(tmp_path) == ["a price was wrong", "corrected", "an error"]
    assert replay_journal(tmp_path).state_hash == wanted


def test_m247_what_has_no_switch(parts: Assembly) -> None:
    last = parts.sequencer.events_written()
    for code, text in (("NOSUCH", "NOSUCH is no product"), ("GH1", "GH1: without implied prices")):
        assert at(parts, TRADES_NS, SetImplied(code, False, "x")) == Answer(False, text)
    on = at(parts, TRADES_NS, SetImplied("SITB", True, "x"))
    assert on == Answer(False, "implied prices of SITB: on already")
    assert parts.sequencer.events_written() == last, "what is refused journals nothing"
