"""Months of trading days with all templates: replays in another process, cut into other batches.

Members trade months and spreads of all products, and quote months.

The first has a contract's last day, two public holidays of Shanghai and one of no other market; the
second the change of the clocks in Chicago and New York.
"""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.event_reader import EventReader
from engine.journal import Tail
from engine.limits import EVENT_ROWS_MIN, EngineLimits
from engine.machine import Engine
from engine.reasons import SettleReason
from engine.records import GENESIS, RecordKind
from engine.recover import read_begin
from engine.stream import Stream, list_segments
from engine.types import COMMAND, EVENT, REQUEST, CommandKind, EventFlag, EventKind
from engine.venue_day import ScratchEvents, apply_batch
from gateway.day import DayResult, DayTerms, simulate
from specs.calendar import from_yyyymmdd, to_yyyymmdd
from specs.products import load_products
from specs.venue import load_venue
from tests.checkers import Watcher, closing_first
from tests.tape_settlement import Tape

pytestmark = [pytest.mark.kernels, pytest.mark.slow]
CATALOGUE = load_products()
MONTHS = {
    "autumn": DayTerms(date(2026, 9, 14), 1, 400, date(2026, 10, 14), makers=True),
    "clocks": DayTerms(date(2026, 10, 20), 2, 400, date(2026, 11, 20), makers=True),
}


def replayed(folder: Path, seed: int) -> dict[str, str]:
    """The journal through a new engine, cut at random: digest of its events, hash of its state."""
    chance, digest = random.Random(seed), hashlib.sha256()
    segments = list_segments(folder)
    begin = read_begin(segments)
    assert begin is not None
    limits = EngineLimits(**begin.limits)
    engine = Engine(limits, np.zeros(limits.requests_max + 1, REQUEST))
    for record in Stream(segments, Tail(0, GENESIS, 0, 0)).records():
        if record.header.kind != RecordKind.COMMANDS:
            continue
        size = record.header.rows * COMMAND.itemsize
        rows = np.frombuffer(record.payload[:size], COMMAND)
        blobs = np.frombuffer(record.payload[size : size + record.header.blob_bytes], np.uint8)
        while len(rows):
            room = np.zeros(chance.randrange(EVENT_ROWS_MIN, 200), EVENT)
            sink = ScratchEvents(room, lambda part: digest.update(part.rows.tobytes()))
            count = chance.randrange(1, 300)
            if rows["kind"][0] == CommandKind.ROLL_DAY:
                engine.roll_requests(np.zeros(limits.requests_max + 1, REQUEST))
            apply_batch(engine, sink, rows[:count], blobs)
            rows = rows[count:]
    return {"events": digest.hexdigest(), "state": engine.state_hash().hex()}


@pytest.fixture(scope="module", params=MONTHS)
def month(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp(request.param)
    terms = MONTHS[request.param]
    return terms, simulate(terms, CATALOGUE, load_venue(), folder), folder


def tape(folder: Path, result: DayResult) -> np.ndarray:
    return np.concatenate(EventReader(folder).rows(1, result.events))


def test_a_second_process_that_cuts_otherwise_gives_equal_events_and_state(month) -> None:
    _, result, folder = month
    code = (
        "import json, sys; from pathlib import Path; from tests.test_month import replayed; "
        "print(json.dumps(replayed(Path(sys.argv[1]), 5)))"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        cwd=root, check=True, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    digest = hashlib.sha256(tape(folder, result).tobytes()).hexdigest()
    assert json.loads(done.stdout) == {"events": digest, "state": result.state_hash.hex()}


def test_every_product_has_its_trading_dates_and_settles_each(month) -> None:
    terms, result, folder = month
    rows = tape(folder, result)
    assert result.settles
    settled = rows[rows["kind"] == EventKind.SETTLED]
    for number, product in enumerate(CATALOGUE.products, 1):
        dates, day = [], terms.day
        while day <= terms.last:
            if product.hours.calendar.is_business_day(day):
                dates.append(to_yyyymmdd(day))
            day = date.fromordinal(day.toordinal() + 1)
        mine = settled[settled["product"] == number]
        assert np.unique(mine["trading_date"]).tolist() == dates, product.code
        ends = {product.hours.end_ns(from_yyyymmdd(day)) for day in dates}
        assert set(mine["time_ns"].tolist()) == ends
    expired = rows[rows["kind"] == EventKind.INSTRUMENT_EXPIRED]
    ends = set(expired["trading_date"].tolist())
    assert ends == ({20260916, 20260930} if terms.seed == 1 else {20261021, 20261030, 20261118})


def test_spreads_and_quotes_trade_in_it(month) -> None:
    """Of months and of two products, also at implied prices."""
    _, result, folder = month
    rows = tape(folder, result)
    fills = rows[rows["kind"] == EventKind.FILL]
    traded = set(fills["instrument"].tolist())
    spreads = {int(one["instrument"]) for one in legs_of(result)}
    assert len(traded & spreads) > 20
    flags = fills["flags"]
    quotes = rows[rows["flags"] & EventFlag.QUOTE != 0]["order_id"]
    assert np.isin(fills["order_id"], quotes).sum() > 100
    assert (flags & EventFlag.IMPLIED != 0).sum() > 30 and (flags & EventFlag.LEG != 0).sum() > 100


def legs_of(result: DayResult) -> list[np.void]:
    """The rows of all spreads."""
    return [row for row in result.known.instruments.values() if row["leg_1"]]


def test_every_settlement_of_the_month_is_that_of_the_tape(month) -> None:
    """Months by trades, windows, quotes, spreads and neighbours (M-200 to M-205)."""
    _, result, folder = month
    rows = tape(folder, result)
    months = {
        int(row["instrument"]): int(row["maturity"])
        for row in result.known.instruments.values()
        if not row["leg_1"]
    }
    calendar = {
        int(row["instrument"]): (int(row["leg_1"]), int(row["leg_2"]))
        for row in legs_of(result)
        if CATALOGUE.products[int(row["product"]) - 1].calendar_spreads
    }
    seen = Tape(CATALOGUE.products, maturities=months, spreads=calendar)
    names = EVENT.names or ()
    seen.read(dict(zip(names, row, strict=True)) for row in rows.tolist())
    ended = rows["instrument"][rows["kind"] == EventKind.SETTLED]
    assert sum(seen.settled.values()) == int(np.isin(ended, list(months)).sum())
    assert seen.settled[SettleReason.SPREAD, False] > 5


def test_the_tape_of_a_month_keeps_the_rules_of_an_exchange(month) -> None:
    _, result, folder = month
    names = EVENT.names or ()
    watcher = Watcher(closing_first=closing_first())
    watcher.see(dict(zip(names, row, strict=True)) for row in tape(folder, result).tolist())
    watcher.assert_zero_sum()
