"""One trading day without sockets: the calendar's phases and a seeded flow through the sequencer.

What `sitex day` runs. Every product trades its own trading date of that day, from its beginning to
its settlement; commands and phases go through the real journal and engine.

Source: specs/calendar.md C-8, C-9; specs/matching.md section 9.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from engine.definitions import DefinitionsWriter
from engine.eventlog import EventRows
from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from engine.turn import COMMANDS_MAX
from engine.types import CommandKind
from gateway.clock import NEVER_NS, opening_ns
from gateway.day_flow import ProductFlow, parties_of
from gateway.day_statistics import DayStatistics
from gateway.days import Days
from gateway.definitions import Definitions, Known, missing
from gateway.timetable import Plan, Step, Timetable
from specs.calendar import to_yyyymmdd
from specs.products import Catalogue, Product
from specs.sessions import schedule
from specs.venue import VenueConfig

# How busy a phase is, a second, against CONTINUOUS; the others take no orders.
BUSY = {"PRE_OPEN": 8.0, "NO_CANCEL": 8.0, "CONTINUOUS": 1.0}
PIECE_MIN, PIECE, PIECE_NS = 50, 100_000, 600 * 10**9  # commands made at a time, in what span
ROWS_MIN = 1 << 16
SECOND_NS = 10**9


class DayTerms(NamedTuple):
    """What is asked for: trading date, seed of the flow, how many commands the members send.

    last: the last trading date of a longer run; `commands` are then those of each date.
    makers: members also quote months and trade spreads.
    """

    day: date
    seed: int
    commands: int
    last: date | None = None
    makers: bool = False


@dataclass
class DayResult:
    """What came of a day. `seconds`: of journaling and applying the members' commands.

    settles: every settlement has the volume and the value of the trades; `statistics`: of the last
    trading date of each product.
    """

    statistics: DayStatistics
    known: Known = field(default_factory=Known)
    settles: bool = True
    command_kinds: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))
    commands: int = 0
    events: int = 0
    seconds: float = 0.0
    state_hash: bytes = b""


def simulate(
    terms: DayTerms, catalogue: Catalogue, config: VenueConfig, data_dir: Path
) -> DayResult:
    """Runs the day into an empty directory and closes it. Raises ValueError for another date.

    Of `catalogue`, products that do not trade on the date are left out, and spreads of them.
    """
    trading = catalogue.only(
        [p.code for p in catalogue.products if p.hours.calendar.is_business_day(terms.day)]
    )
    if not trading.products:
        raise ValueError(f"{terms.day} is no trading date of any product; allowed: others")
    return _Simulation(terms, trading, config, data_dir).run()


class _Simulation:
    """The day under way."""

    def __init__(
        self, terms: DayTerms, catalogue: Catalogue, config: VenueConfig, data_dir: Path
    ) -> None:
        day, products = terms.day, catalogue.products
        self._last = terms.last or day
        config = _with_quotas(config, _rows(terms))
        start_ns = opening_ns(catalogue, day)
        self._start_ns = start_ns
        self._data_dir = data_dir
        self._end_ns = max(
            product.hours.end_ns(product.hours.calendar.on_or_before(self._last))
            for product in products
        )
        self._sequencer = Sequencer.open(
            data_dir,
            limits=_limits(_rows(terms)),
            durability="os",
            now_ns=start_ns,
            venue_day=to_yyyymmdd(config.day.venue_day().at(start_ns)),
        )
        self._result = DayResult(DayStatistics(self._sequencer.venue.limits.instruments_max))
        known = self._result.known
        self._days = Days(self._sequencer, catalogue, config, known)
        self._define(missing(known, catalogue, config, day, start_ns))
        plans = [Plan(product.code, product.hours, day) for product in products]
        self._timetable = Timetable(plans, start_ns)
        chance = np.random.default_rng(terms.seed)
        self._makers = terms.makers
        months = [product.code for product in products if terms.makers or not product.bought]
        shares = dict(zip(months, _shares(terms.commands, len(months)), strict=True))
        self._runs = {}
        for product in products:
            number = int(known.products[product.code]["product"])
            parties = parties_of(config.members, known, product.code)
            flow = ProductFlow(product, number, parties, chance, terms.makers)
            self._runs[product.code] = _Run(product, number, shares.get(product.code, 0), flow)
            self._begin_date(self._runs[product.code], day)
        pauses = [product.pause_seconds for product in products if product.pause_seconds]
        self._pause_ns = min(pauses) * SECOND_NS if pauses else NEVER_NS
        self._next_id = 1
        self._message_numbers = np.zeros(len(known.sessions) + 1, np.int64)

    def run(self) -> DayResult:
        """To the end of the last product's trading date."""
        sequencer, result = self._sequencer, self._result
        now_ns = self._start_ns
        while True:
            self._begin(now_ns)
            if now_ns == self._end_ns:
                break
            until_ns = min(self._timetable.next_ns, self._days.end_ns, self._end_ns)
            rate = sum(run.rate for run in self._runs.values())
            if rate:
                span = min(PIECE / rate, max(PIECE_NS, PIECE_MIN / rate))
                until_ns = min(until_ns, now_ns + max(1, int(span)))
            self._trade(now_ns, until_ns)
            now_ns = until_ns
        sequencer.flush()
        result.commands, result.events = sequencer.command_count, sequencer.engine.event_count
        result.state_hash = sequencer.engine.state_hash()
        sequencer.close()
        return result

    def _begin(self, now_ns: int) -> None:
        """Pauses that end, the venue day's roll, then what of the calendar begins now."""
        self._end_pauses(now_ns)
        if self._days.is_over(now_ns):
            self._note(CommandKind.ROLL_DAY, 1, self._days.end_day(self._days.day_at(now_ns)))
        while steps := self._timetable.due(now_ns):
            steps = [step for step in steps if not self._runs[step.code].is_over]
            if steps and steps[0].is_roll:
                self._roll(steps[0])
            elif steps:
                self._note(CommandKind.SET_PHASE, len(steps), self._days.begin_phases(steps))
            for step in steps:
                self._runs[step.code].phase = step.phase
            self._timetable.done()

    def _roll(self, step: Step) -> None:
        """The end of a product's trading date, and the next one, if the run goes on."""
        run = self._runs[step.code]
        rows = self._days.end_products(step.trading_date, step.time_ns, [step.code])
        self._note(CommandKind.ROLL_PRODUCT, 1, rows)
        result = self._result
        result.settles &= result.statistics.settles(run.instruments)
        run.is_over = step.trading_date > self._last
        if not run.is_over:
            self._define(self._days.listings(step.time_ns, rows))
            self._begin_date(run, step.trading_date)

    def _begin_date(self, run: _Run, day: date) -> None:
        """The months that members trade, with makers the spreads too."""
        listed = [
            row
            for row in self._result.known.instruments.values()
            if row["product"] == run.number
            and (self._makers or not row["leg_1"])
            and row["last_trading_date"] >= to_yyyymmdd(day)
        ]
        listed.sort(key=lambda row: (bool(row["leg_1"]), int(row["maturity"])))
        run.begin_date(day, np.array([row["instrument"] for row in listed], np.int64))
        places = {number: place for place, number in enumerate(run.instruments.tolist())}
        legs = [
            (places[int(row["leg_1"])], places[int(row["leg_2"])])
            for row in listed
            if int(row["leg_1"]) in places
        ]
        self._result.statistics.begin_date(run.instruments)
        limits = self._result.statistics.rows[run.instruments]
        run.flow.begin_date(run.instruments, limits, np.array(legs, np.int64).reshape(-1, 2))

    def _trade(self, now_ns: int, until_ns: int) -> None:
        """The members' commands of a span without a step."""
        parts = []
        for run in self._runs.values():
            count = run.count(until_ns - now_ns)
            if count:
                flow = run.flow
                parts.append(flow.commands(run.phase, count, now_ns, until_ns, self._next_id))
                self._next_id += count
        if not parts:
            return
        commands = np.concatenate(parts)
        commands = commands[np.argsort(commands["time_ns"], kind="stable")]
        for session in np.unique(commands["session"]):
            rows = commands["session"] == session
            first = self._message_numbers[session] + 1
            commands["msg_seq_num"][rows] = first + np.arange(rows.sum())
            self._message_numbers[session] += rows.sum()
        while len(commands):
            self._end_pauses(int(commands["time_ns"][0]))
            # a pause that begins in a batch must not end in it
            until_ns = min(self._days.next_pause()[0], int(commands["time_ns"][0]) + self._pause_ns)
            count = min(int(np.searchsorted(commands["time_ns"], until_ns)), COMMANDS_MAX)
            batch, commands = commands[:count], commands[count:]
            began = time.perf_counter()
            rows = self._sequencer.submit(batch)
            self._sequencer.flush()
            self._result.seconds += time.perf_counter() - began
            self._take(batch["kind"], rows)

    def _end_pauses(self, now_ns: int) -> None:
        """Volatility pauses that are over (C-11)."""
        while (pause := self._days.next_pause())[0] <= now_ns:
            self._note(CommandKind.SET_PHASE, 1, self._days.end_pause(pause[1], pause[0]))

    def _define(self, definitions: Definitions) -> None:
        if not len(definitions.commands):
            return
        first = self._sequencer.command_count + 1
        self._take(definitions.commands["kind"], self._sequencer.submit(*definitions))
        with DefinitionsWriter(self._data_dir, self._sequencer.command_count) as writer:
            writer.add_commands(*definitions, first)

    def _note(self, kind: CommandKind, count: int, rows: Iterable[EventRows]) -> None:
        self._take(np.full(count, kind, np.uint8), rows)

    def _take(self, kinds: np.ndarray, rows: Iterable[EventRows]) -> None:
        self._result.command_kinds += np.bincount(kinds, minlength=256)
        self._result.statistics.take(rows)


class _Run:
    """A product in its trading date: its phase, and how many commands it still owes."""

    def __init__(self, product: Product, number: int, commands: int, flow: ProductFlow) -> None:
        self._product = product
        self._commands = commands  # of a trading date
        self.number = number
        self.flow = flow
        self.phase = "CLOSED"
        self.is_over = False

    def begin_date(self, day: date, instruments: np.ndarray) -> None:
        """A trading date of these contracts."""
        rows = schedule(self._product.hours, day)
        busy = sum(BUSY.get(row.phase, 0.0) * (row.end_ns - row.time_ns) for row in rows)
        self.instruments = instruments
        self._per_ns = self._commands / busy
        self._due = 0.0
        self._made = 0

    @property
    def rate(self) -> float:
        """Commands a ns, as things stand."""
        return 0.0 if self.is_over else BUSY.get(self.phase, 0.0) * self._per_ns

    def count(self, span_ns: int) -> int:
        """How many commands the next span_ns bring; rounded so that the day's sum is exact."""
        self._due += self.rate * span_ns
        count = round(self._due) - self._made
        self._made += count
        return count


def _shares(commands: int, products: int) -> list[int]:
    """The commands of each product, as equal as can be."""
    return [commands // products + (index < commands % products) for index in range(products)]


def _rows(terms: DayTerms) -> int:
    """Request rows of a venue day: of a longer run it holds parts of two dates and older orders."""
    return max(terms.commands * (2 if terms.last else 1), ROWS_MIN)


def _limits(rows: int) -> EngineLimits:
    """Tables that hold the day."""
    least = EngineLimits()
    return replace(least, orders_max=min(rows, least.orders_max), requests_max=rows + 1)


def _with_quotas(config: VenueConfig, rows: int) -> VenueConfig:
    """The venue with hours, and with members that may send the whole day."""
    members = tuple(
        msgspec.structs.replace(member, requests_per_day_max=rows, live_orders_max=rows)
        for member in config.members
    )
    day = msgspec.structs.replace(config.day, schedule=True)
    return msgspec.structs.replace(config, members=members, day=day)
