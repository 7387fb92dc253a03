"""A simulated trading day: its tape checked from outside, its numbers recomputed, its replay."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.event_reader import EventReader
from engine.files import day_folders
from engine.reasons import SettleReason
from engine.replay import replay
from engine.types import EVENT, CommandKind, EventFlag, EventKind, Phase, Side
from gateway.cli_day import run_day
from gateway.day import BUSY, DayResult, DayTerms, simulate
from specs.loading import SpecError
from specs.products import Catalogue, Product, load_products
from specs.sessions import schedule
from specs.venue import load_venue
from tests.checkers import Watcher, closing_first
from tests.tape_settlement import Tape

pytestmark = pytest.mark.kernels
TERMS = DayTerms(date(2026, 11, 25), seed=7, commands=20_000)
CATALOGUE, CONFIG = load_products(), load_venue()


@dataclass
class Day:
    """A day and its tape."""

    folder: Path
    result: DayResult
    events: list[dict]

    def product(self, event: dict) -> Product:
        """The product of an event's instrument."""
        return CATALOGUE.products[event["product"] - 1]


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Day:
    folder = tmp_path_factory.mktemp("day")
    result = simulate(TERMS, CATALOGUE, CONFIG, folder)
    rows = np.concatenate(EventReader(folder).rows(1, result.events))
    names = EVENT.names or ()
    events = [dict(zip(names, row, strict=True)) for row in rows.tolist()]
    assert len(events) == result.events
    return Day(folder, result, events)


def test_the_journal_replays_to_the_same_state(day: Day):
    again = replay(day.folder)
    assert (again.state_hash, again.events) == (day.result.state_hash, day.result.events)
    assert again.commands == day.result.commands == day.result.command_kinds.sum()


def test_the_members_send_what_was_asked_and_the_calendar_the_rest(day: Day):
    counts = {kind: int(day.result.command_kinds[kind]) for kind in CommandKind}
    sent = (CommandKind.NEW_ORDER, CommandKind.CANCEL, CommandKind.REPLACE)
    assert sum(counts[kind] for kind in sent) == TERMS.commands
    assert all(counts[kind] for kind in sent)
    assert counts[CommandKind.ROLL_PRODUCT] == len(CATALOGUE.products)
    assert counts[CommandKind.ROLL_DAY] == 1
    steps = 0
    for product in CATALOGUE.products:
        rows = schedule(product.hours, TERMS.day)
        steps += len(rows)
    assert counts[CommandKind.SET_PHASE] in range(steps, steps + len(CATALOGUE.products))
    assert len(day_folders(day.folder)) == 2


def test_the_tape_keeps_the_rules_of_an_exchange(day: Day):
    """FIFO inside a price, never crossed while trading, no order beyond its phase."""
    watcher = Watcher(closing_first=closing_first())
    watcher.see(day.events)
    watcher.assert_zero_sum()


def test_orders_are_taken_only_in_phases_that_take_them(day: Day):
    windows = {
        product.code: [
            (row.time_ns, row.end_ns)
            for row in schedule(product.hours, TERMS.day)
            if row.phase in BUSY
        ]
        for product in CATALOGUE.products
    }
    phases: dict[int, Phase] = {}
    seen = Counter()
    for event in day.events:
        if event["kind"] == EventKind.PHASE_CHANGED:
            phases[event["instrument"]] = Phase(event["qty"])
        elif event["kind"] == EventKind.ACCEPTED:
            at = event["time_ns"]
            assert any(low <= at < high for low, high in windows[day.product(event).code])
            seen[phases[event["instrument"]]] += 1
        elif event["kind"] == EventKind.FILL:
            auction = bool(event["flags"] & EventFlag.AUCTION)
            assert auction == (phases[event["instrument"]] == Phase.AUCTION_MATCH)
    assert set(seen) == {Phase.PRE_OPEN, Phase.NO_CANCEL, Phase.CONTINUOUS}
    assert not any(
        event["reason"] for event in day.events if event["kind"] == EventKind.PHASE_CHANGED
    )


def test_every_auction_trades_at_one_price_inside_the_limits(day: Day):
    limits, auctions = {}, defaultdict(set)
    for number, event in enumerate(day.events):
        if event["kind"] in (EventKind.LIMITS_SET, EventKind.INSTRUMENT_DEFINED):
            limits[event["instrument"]] = event["cum_value"], event["leaves_qty"]
        elif event["kind"] == EventKind.FILL:
            low, high = limits[event["instrument"]]
            assert low <= event["price"] <= high, number
            if event["flags"] & EventFlag.AUCTION:
                auctions[event["instrument"], event["time_ns"]].add(event["price"])
    assert len(auctions) > 20
    assert all(len(prices) == 1 for prices in auctions.values())


def test_settlement_and_statistics_are_those_of_the_tape(day: Day):
    """Open, high, low, last, volumes and the average, in plain Python (M-71)."""
    trades: dict[int, list[tuple[int, int]]] = defaultdict(list)
    auction: Counter = Counter()
    once = set()
    settled = {}
    for event in day.events:
        number = event["instrument"]
        if event["kind"] == EventKind.FILL and event["trade_id"] not in once:
            once.add(event["trade_id"])
            trades[number].append((event["price"], event["qty"]))
            if event["flags"] & EventFlag.AUCTION:
                assert event["side"] == Side.BUY
                auction[number] += event["qty"]
        elif event["kind"] == EventKind.SETTLED:
            settled[number] = event["price"]
    assert len(once) > 500 and sum(auction.values()) > 100
    assert day.result.settles
    assert int(day.result.statistics.kinds.sum()) == len(day.events)
    for number, price in settled.items():
        row = day.result.statistics.rows[number]
        prices = [traded for traded, _ in trades[number]]
        volume = sum(qty for _, qty in trades[number])
        value = sum(traded * qty for traded, qty in trades[number])
        assert (row["trades"], row["volume"], row["value"]) == (len(prices), volume, value)
        assert row["auction_volume"] == auction[number]
        assert row["settlement"] == price
        if prices:
            assert (row["open"], row["high"], row["low"], row["last"]) == (
                prices[0], max(prices), min(prices), prices[-1],
            )  # fmt: skip
    tape = Tape(CATALOGUE.products, maturities=maturities(day.result))
    tape.read(day.events)
    assert sum(tape.settled.values()) == len(settled.keys() & tape.maturities.keys())


def maturities(result: DayResult) -> dict[int, int]:
    """The month of each instrument that is no spread, yyyymm."""
    rows = result.known.instruments.values()
    return {int(row["instrument"]): int(row["maturity"]) for row in rows if not row["leg_1"]}


def test_every_settlement_of_a_week_is_that_of_the_tape(tmp_path: Path):
    """Windows and whole days, quotes and neighbours where nothing traded (M-200 to M-204)."""
    terms = DayTerms(date(2026, 11, 23), 11, 1_500, date(2026, 11, 27))
    result = simulate(terms, CATALOGUE, CONFIG, tmp_path)
    rows = np.concatenate(EventReader(tmp_path).rows(1, result.events))
    names = EVENT.names or ()
    tape = Tape(CATALOGUE.products, maturities=maturities(result))
    tape.read(dict(zip(names, row, strict=True)) for row in rows.tolist())
    ended = rows["instrument"][rows["kind"] == EventKind.SETTLED]
    assert sum(tape.settled.values()) == int(np.isin(ended, list(tape.maturities)).sum())
    assert set(tape.settled) == {
        (SettleReason.NONE, True), (SettleReason.LAST, True),
        (SettleReason.QUOTED, False), (SettleReason.NEIGHBOUR, False),
    }  # fmt: skip


def test_a_day_is_its_seed(tmp_path: Path):
    terms, one = TERMS._replace(commands=500), Catalogue(products=CATALOGUE.products[4:5])
    hashes = [
        simulate(terms._replace(seed=seed), one, CONFIG, tmp_path / str(n)).state_hash
        for n, seed in enumerate((1, 1, 2))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize("when", [date(2026, 11, 23), date(2026, 10, 8), date(2026, 11, 2)])
def test_days_after_a_weekend_a_holiday_and_a_change_of_the_clock(when: date, tmp_path: Path):
    result = simulate(DayTerms(when, 3, 800), CATALOGUE, CONFIG, tmp_path)
    assert result.settles and replay(tmp_path).state_hash == result.state_hash


def test_pauses_reopen_by_auction_and_halt_nothing(tmp_path: Path):
    """A product with a narrow velocity rule: it pauses often, and each pause ends at its time."""
    sitb = msgspec.structs.replace(
        CATALOGUE.product("SITB"), velocity_ticks=8, velocity_seconds=60, pause_seconds=120
    )
    one = Catalogue(products=(sitb,))
    result = simulate(DayTerms(date(2026, 11, 25), 5, 6_000), one, CONFIG, tmp_path)
    rows = np.concatenate(EventReader(tmp_path).rows(1, result.events))
    changes = rows[rows["kind"] == EventKind.PHASE_CHANGED]
    assert Phase.HALTED not in changes["qty"]
    ends = []
    for number in np.unique(changes["instrument"]):
        mine = changes[changes["instrument"] == number]
        for pause, after in pairwise(mine):
            if pause["qty"] == Phase.VOLATILITY_PAUSE:
                assert pause["cum_value"] == pause["time_ns"] + 120 * 10**9
                assert after["time_ns"] <= pause["cum_value"]
                ends.append(Phase(after["qty"]))
                assert after["time_ns"] == pause["cum_value"] or ends[-1] != Phase.AUCTION_MATCH
    assert ends.count(Phase.AUCTION_MATCH) >= 4
    assert result.settles and replay(tmp_path).state_hash == result.state_hash


def test_a_holiday_of_one_market_leaves_its_products_out(tmp_path: Path):
    result = simulate(DayTerms(date(2026, 10, 1), 1, 300), CATALOGUE, CONFIG, tmp_path)
    assert set(result.known.products) == {"SIT", "GH1", "GH2", "GB2"}
    assert result.command_kinds[CommandKind.ROLL_PRODUCT] == 4


def test_what_makers_owed_is_told_of_a_day(capsys: pytest.CaptureFixture):
    terms = DayTerms(date(2026, 11, 25), 1, 300, makers=True)
    assert run_day(terms, "SITB", None) == 0
    told = r"^\w+ met [\d,]+ of [\d,]+ obligations on 2026-11-25$"
    assert re.search(told, capsys.readouterr().out, re.MULTILINE)


def test_open_interest_is_what_the_tapes_buyers_and_sellers_hold(day: Day):
    """M-249: of netting products, whose reports tell all of it."""
    held: Counter[tuple[int, int]] = Counter()
    for event in day.events:
        if event["kind"] == EventKind.FILL and day.product(event).position_mode == "NETTING":
            sign = 1 if event["side"] == Side.BUY else -1
            held[event["instrument"], event["account"]] += sign * event["qty"]
    numbers = {number for number, _ in held}
    told = {n: int(day.result.statistics.rows[n]["open_interest"]) for n in numbers}
    for number in numbers:
        lots = sum(max(one, 0) for (instrument, _), one in held.items() if instrument == number)
        assert told[number] == lots
    assert sum(lots > 0 for lots in told.values()) > 5


def test_the_command_prints_the_day_and_its_replay(tmp_path: Path, capsys: pytest.CaptureFixture):
    terms = DayTerms(date(2026, 11, 25), 1, 400)
    assert run_day(terms, "SITS", tmp_path / "kept") == 0
    said = capsys.readouterr().out
    for part in ("SITS2612", "NEW_ORDER", "UNCROSSED", "settled   as traded", "the same state"):
        assert part in said
    assert re.search(r"in auctions +open interest +value", said)
    assert run_day(terms, "SITS", tmp_path / "kept") == 2
    assert "allowed: a directory without one" in capsys.readouterr().err
    assert run_day(terms._replace(day=date(2026, 11, 22)), None, None) == 2
    assert "2026-11-22 is no trading date of any product" in capsys.readouterr().err
    with pytest.raises(SpecError, match=r"no product 'NONE'; allowed: SIT, SITB"):
        run_day(terms, "NONE", None)
