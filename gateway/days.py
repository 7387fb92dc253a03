"""The venue day's end: products roll, then the day, then what is listed anew.

Called when the venue clock passes the roll time of venue.toml. Everything is a command: the engine
and every replay see the same roll.

Source: specs/matching.md M-70 to M-72; specs/calendar.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np

from engine.eventlog import EventRows
from engine.sequencer import Sequencer
from engine.types import COMMAND, CommandKind, EventKind
from gateway.definitions import Definitions, Known, missing
from specs.calendar import VenueDay, from_yyyymmdd, to_yyyymmdd
from specs.products import Catalogue
from specs.venue import VenueConfig


class Days:
    """When the venue day ends, and how."""

    def __init__(
        self, sequencer: Sequencer, catalogue: Catalogue, config: VenueConfig, known: Known
    ) -> None:
        self._sequencer = sequencer
        self._catalogue = catalogue
        self._config = config
        self._known = known
        self._venue_day: VenueDay = config.day.venue_day()

    def day_at(self, time_ns: int) -> date:
        """The venue day of an instant."""
        return self._venue_day.at(time_ns)

    @property
    def today(self) -> date:
        """The venue day that the journal is in."""
        return from_yyyymmdd(self._sequencer.venue_day)

    def is_over(self, time_ns: int) -> bool:
        """True once the venue clock has passed the roll."""
        return self.day_at(time_ns) > self.today

    def end_products(self, next_day: date, time_ns: int) -> list[EventRows]:
        """Expiry, settlement and limits of all products, one command each."""
        commands = np.zeros(len(self._known.products), COMMAND)
        for command, row in zip(commands, self._known.products.values(), strict=True):
            command["kind"] = CommandKind.ROLL_PRODUCT
            command["product"] = row["product"]
            command["trading_date"] = to_yyyymmdd(next_day)
            command["time_ns"] = time_ns
        return self._sequencer.submit(commands)

    def end_day(self, next_day: date) -> list[EventRows]:
        """The next day's files; request rows of live orders are copied over."""
        return self._sequencer.roll_day(to_yyyymmdd(next_day))

    def listings(self, day: date, time_ns: int, settled: Iterable[EventRows] = ()) -> Definitions:
        """What venue.toml, products.toml and the calendar of `day` define beyond the journal.

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
        return missing(self._known, self._catalogue, self._config, day, time_ns, references)
