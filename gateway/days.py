"""Days and phases as commands: what the venue's roll time and the products' hours ask for.

Without `schedule` in venue.toml every product trades continuously and rolls with the venue day;
with it each product follows its template. Everything is a command: the engine and every replay see
the same phases and the same rolls.

Source: specs/matching.md M-70 to M-72; specs/calendar.md C-1, C-8, C-9, C-11.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np

from engine.eventlog import EventRows
from engine.sequencer import Sequencer
from engine.types import COMMAND, PHASE, CommandKind, EventKind, Phase
from gateway.clock import NEVER_NS
from gateway.definitions import Definitions, Known, missing
from gateway.timetable import Plan, Step, Timetable
from specs.calendar import VenueDay, from_yyyymmdd, to_yyyymmdd
from specs.products import Catalogue
from specs.sessions import schedule
from specs.venue import VenueConfig


class Days:
    """When the venue day ends, and how; phases and trading dates of the products."""

    def __init__(
        self, sequencer: Sequencer, catalogue: Catalogue, config: VenueConfig, known: Known
    ) -> None:
        self._sequencer = sequencer
        self._catalogue = catalogue
        self._config = config
        self._known = known
        self._venue_day: VenueDay = config.day.venue_day()
        self._phase_ends: dict[int, int] = {}  # by product; none without a schedule
        self.is_scheduled = config.day.schedule

    def take(self, config: VenueConfig) -> None:
        """Other members: listings() defines what is new of them."""
        self._config = config

    # -- the venue day

    def day_at(self, time_ns: int) -> date:
        """The venue day of an instant."""
        return self._venue_day.at(time_ns)

    @property
    def today(self) -> date:
        """The venue day that the journal is in."""
        return from_yyyymmdd(self._sequencer.venue_day)

    @property
    def end_ns(self) -> int:
        """When it ends, on the venue clock."""
        return self._venue_day.end_ns(self.today)

    def is_over(self, time_ns: int) -> bool:
        """True once the venue clock has passed the roll."""
        return self.day_at(time_ns) > self.today

    def end_day(self, next_day: date) -> list[EventRows]:
        """The next day's files; request rows of live orders are copied over."""
        return self._sequencer.roll_day(to_yyyymmdd(next_day))

    # -- products

    def end_products(self, next_date: date, time_ns: int, codes: Iterable[str]) -> list[EventRows]:
        """Expiry, settlement and limits of products, one command each."""
        numbers = [self._known.products[code]["product"] for code in codes]
        commands = np.zeros(len(numbers), COMMAND)
        commands["kind"] = CommandKind.ROLL_PRODUCT
        commands["product"] = numbers
        commands["trading_date"] = to_yyyymmdd(next_date)
        commands["time_ns"] = time_ns
        return self._sequencer.submit(commands)

    def begin_phases(self, steps: Sequence[Step]) -> list[EventRows]:
        """The phases that begin with these steps, one command each."""
        phases = np.zeros(len(steps), PHASE)
        for row, step in zip(phases, steps, strict=True):
            row["product"] = self._known.products[step.code]["product"]
            row["phase"] = Phase[step.phase]
            row["scheduled_end_ns"] = step.end_ns
            self._phase_ends[int(row["product"])] = step.end_ns
        return self._set_phases(phases, [step.time_ns for step in steps])

    def phase_at(self, product: int, time_ns: int) -> tuple[Phase, int]:
        """Phase and scheduled end that a product's hours give it; without hours CONTINUOUS, 0."""
        if not self.is_scheduled:
            return Phase.CONTINUOUS, 0
        terms = next(
            p
            for p in self._catalogue.products
            if self._known.products[p.code]["product"] == product
        )
        day = terms.hours.calendar.on_or_after(self._dates(time_ns)[terms.code])
        rows = schedule(terms.hours, day)
        begun = [row for row in rows if row.time_ns <= time_ns]
        if not begun:
            return Phase.CLOSED, rows[0].time_ns
        return Phase[begun[-1].phase], begun[-1].end_ns

    def next_pause(self) -> tuple[int, int]:
        """(end on the venue clock, instrument) of the volatility pause that ends first."""
        pauses = self._sequencer.engine.pauses()
        return pauses[0] if pauses else (NEVER_NS, 0)

    def end_pause(self, instrument: int, time_ns: int) -> list[EventRows]:
        """An instrument trades again, until its product's phase ends (C-11)."""
        row = next(r for r in self._known.instruments.values() if r["instrument"] == instrument)
        phases = np.zeros(1, PHASE)
        phases["instrument"], phases["product"] = instrument, row["product"]
        phases["phase"] = Phase.CONTINUOUS
        phases["scheduled_end_ns"] = self._phase_ends.get(int(row["product"]), 0)
        return self._set_phases(phases, [time_ns])

    def _set_phases(self, phases: np.ndarray, times_ns: list[int]) -> list[EventRows]:
        commands = np.zeros(len(phases), COMMAND)
        commands["kind"] = CommandKind.SET_PHASE
        commands["time_ns"] = times_ns
        commands["product"] = phases["product"]
        commands["instrument"] = phases["instrument"]
        commands["blob_length"] = PHASE.itemsize
        commands["blob_offset"] = np.arange(len(phases)) * PHASE.itemsize
        return self._sequencer.submit(commands, phases.view(np.uint8))

    def timetable(self, now_ns: int) -> Timetable:
        """The steps from where the journal stands (C-8); of what is new, from `now_ns`."""
        since_ns = self._sequencer.found_ns or now_ns
        dates = self._dates(now_ns)
        plans = []
        for product in self._catalogue.products:
            number = int(self._known.products[product.code]["product"])
            until_ns = self._sequencer.engine.scheduled_end(number)
            if until_ns is None:
                plans.append(Plan(product.code, product.hours, dates[product.code]))
                continue
            self._phase_ends[number] = until_ns
            plans.append(
                Plan(product.code, product.hours, dates[product.code], until_ns or since_ns)
            )
        return Timetable(plans, since_ns)

    def open_all(self, time_ns: int) -> list[EventRows]:
        """Products that an earlier run gave hours trade at any hour again (C-8)."""
        phases = np.zeros(len(self._known.products), PHASE)
        phases["product"] = [row["product"] for row in self._known.products.values()]
        phases["phase"] = Phase.CONTINUOUS
        engine = self._sequencer.engine
        phases = phases[[bool(engine.scheduled_end(int(row["product"]))) for row in phases]]
        return self._set_phases(phases, [time_ns] * len(phases)) if len(phases) else []

    def _dates(self, now_ns: int) -> dict[str, date]:
        """The trading dates of the products: the engine's, of a new product the calendar's."""
        found = {}
        for product in self._catalogue.products:
            row = self._known.products.get(product.code)
            number = self._sequencer.engine.trading_date(int(row["product"])) if row else 0
            code = product.code
            found[code] = from_yyyymmdd(number) if number else product.hours.trading_date_at(now_ns)
        return found

    def listings(self, time_ns: int, settled: Iterable[EventRows] = ()) -> Definitions:
        """What venue.toml, products.toml and the calendar define beyond the journal.

        A new month begins at the settlement price of its product's farthest month.
        """
        references: dict[str, int] = {}
        codes = {int(row["product"]): code for code, row in self._known.products.items()}
        maturities = {
            int(row["instrument"]): int(row["maturity"]) for row in self._known.instruments.values()
        }
        farthest: dict[str, int] = {}
        for part in settled:
            for event in part.rows[part.rows["kind"] == EventKind.SETTLED]:
                code = codes[int(event["product"])]
                maturity = maturities[int(event["instrument"])]
                if maturity > farthest.get(code, 0):
                    farthest[code] = maturity
                    references[code] = int(event["price"])
        dates = self._dates(time_ns) if self.is_scheduled else None
        return missing(
            self._known, self._catalogue, self._config, self.today, time_ns, references, dates
        )
