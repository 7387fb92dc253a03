"""Busts and corrections by an operator: from the request to events, journal and replay (M-223)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.cl_ord_id import pack_cl_ord_id
from engine.replay import replay
from engine.sequencer import Sequencer
from engine.types import AMENDED_KINDS, COMMAND, CommandKind, EventKind, OrdStatus
from gateway.assembly import Assembly
from gateway.interventions import Interventions
from gateway.operator import Answer, Bust, Correct, Request
from tests.test_operator import FRONT, TRADES_NS, open_at_evening
from tests.test_schedule import MINUTE, pass_time

pytestmark = pytest.mark.kernels
PRICE = 2_000_000_000
BUY, SELL = ord("1"), ord("2")


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    opened = open_at_evening(tmp_path)
    pass_time(opened, TRADES_NS)
    yield opened
    opened.sequencer.abandon()


def send(parts: Assembly, kind: CommandKind, who: str, name: str, **fields: int | bytes) -> None:
    """A command of a member about the front month, LIMIT and DAY at 2.000."""
    known = parts.registry.known
    row = np.zeros(1, COMMAND)
    row["kind"], row["time_ns"] = kind, TRADES_NS
    row["session"] = known.sessions[who]["session"]
    row["member"], row["account"] = known.members[who]["member"], known.accounts[who]["account"]
    row["instrument"] = known.instruments[FRONT]["instrument"]
    row["ord_type"], row["time_in_force"], row["price"] = ord("2"), ord("0"), PRICE
    for prefix, text in (("", name.encode()), ("orig_", fields.pop("orig", b""))):
        assert isinstance(text, bytes)
        for at, word in enumerate(pack_cl_ord_id(text)):
            row[f"{prefix}cl_ord_id_{at}"] = word
    for field, value in fields.items():
        row[field] = value
    parts.venue.report(parts.sequencer.submit(row), time.time_ns())


def trade(parts: Assembly) -> None:
    """ALPHA's replaced order of 10 is filled by BRAVO: 4 lots, then 6. Trades 1 and 2."""
    send(parts, CommandKind.NEW_ORDER, "ALPHA", "a1", side=SELL, qty=8)
    send(parts, CommandKind.REPLACE, "ALPHA", "a2", side=SELL, qty=10, orig=b"a1")
    send(parts, CommandKind.NEW_ORDER, "BRAVO", "b1", side=BUY, qty=4)
    send(parts, CommandKind.NEW_ORDER, "BRAVO", "b2", side=BUY, qty=9)


def act(parts: Assembly, request: Request, venue_ns: int = TRADES_NS) -> Answer:
    return Interventions(parts).act(request, parts.clock.session_at(venue_ns))


def amended(parts: Assembly) -> np.ndarray:
    rows = parts.sequencer.event_rows(1, parts.sequencer.events_written())
    return np.concatenate([part[np.isin(part["kind"], AMENDED_KINDS)] for part in rows])


def test_m223_orders_that_are_gone_are_told_with_all_they_traded(parts: Assembly):
    trade(parts)
    answer = act(parts, Bust(1, "fat finger"))
    assert answer == Answer(True, f"busted: trade 1, 4 {FRONT} at 2, BRAVO and ALPHA")
    bravo, alpha = amended(parts)
    assert (bravo["order_qty"], bravo["cum_qty"], bravo["ord_status"]) == (4, 0, OrdStatus.CANCELED)
    assert (alpha["order_qty"], alpha["cum_qty"]) == (10, 6)
    assert alpha["cum_value"] == 6 * PRICE and alpha["ord_status"] == OrdStatus.CANCELED
    act(parts, Correct(2, "2.001", "wrong price"))
    bravo, alpha = amended(parts)[2:]
    assert (bravo["order_qty"], bravo["cum_qty"], bravo["leaves_qty"]) == (9, 6, 3)
    assert bravo["ord_status"] == OrdStatus.PARTIALLY_FILLED
    assert (alpha["order_qty"], alpha["cum_qty"]) == (10, 6), "the bust before is counted"
    assert alpha["cum_value"] == 6 * (PRICE + 1_000_000)
    answer = act(parts, Bust(2, "after all"))
    assert answer == Answer(True, f"busted: trade 2, 6 {FRONT} at 2.001, BRAVO and ALPHA")
    assert [int(row["cum_qty"]) for row in amended(parts)[4:]] == [0, 0]
    number = int(parts.registry.known.instruments[FRONT]["instrument"])
    for who in ("ALPHA", "BRAVO"):
        account = int(parts.registry.known.accounts[who]["account"])
        assert parts.sequencer.engine.position(account, number) == 0


def test_m223_a_refused_bust_says_why_and_leaves_its_trace(parts: Assembly):
    trade(parts)
    assert act(parts, Bust(3, "what")) == Answer(False, "trade 3: unknown trade")
    far = "trade 1: price is the trade's own, off the tick or beyond the limits"
    assert act(parts, Correct(1, "3", "what")) == Answer(False, far)
    act(parts, Bust(1, "once"))
    assert act(parts, Bust(1, "twice")) == Answer(False, "trade 1: trade is busted already")
    late = act(parts, Bust(2, "late"), TRADES_NS + 30 * MINUTE)
    assert late == Answer(False, "trade 2: trade is too old to be busted or corrected")
    rows = parts.sequencer.event_rows(1, parts.sequencer.events_written())
    assert sum(int((part["kind"] == EventKind.TRADE_KEPT).sum()) for part in rows) == 4


@pytest.mark.parametrize("text", ["x", "nan", "inf", "1e30", "2.0000000001", "1_0,0"])
def test_m223_a_price_that_is_none_asks_the_engine_nothing(parts: Assembly, text: str):
    trade(parts)
    before = parts.sequencer.command_count
    answer = act(parts, Correct(1, text, "why"))
    assert not answer.done and text in answer.text
    assert parts.sequencer.command_count == before


def test_m223_the_reason_stands_in_front_and_replay_is_equal(tmp_path: Path):
    parts = open_at_evening(tmp_path)
    pass_time(parts, TRADES_NS)
    trade(parts)
    act(parts, Correct(1, "2.002", "müsste 2.002 sein"))
    act(parts, Bust(1, "both agree"))
    wanted = parts.sequencer.engine.state_hash()
    parts.sequencer.abandon()
    again = Sequencer.open(tmp_path, durability="os", threaded=False)
    notes = []
    for _, _, rows, blobs in again.command_records(all_kept=True):
        for at in np.flatnonzero(rows["kind"] == CommandKind.OPERATOR_NOTE):
            text = blobs[int(rows[at]["blob_offset"]) :][: int(rows[at]["blob_length"])]
            notes.append((text.tobytes().decode(), CommandKind(int(rows[at + 1]["kind"]))))
    assert notes == [
        ("müsste 2.002 sein", CommandKind.CORRECT_TRADE), ("both agree", CommandKind.BUST_TRADE),
    ]  # fmt: skip
    again.abandon()
    assert replay(tmp_path).state_hash == wanted
