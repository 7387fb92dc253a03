"""What a day was, from its events alone: prices, volumes, settlements, counts.

A fold over event rows in order; it knows neither engine nor commands. Prices are 1e-9 of the quote
unit, values price times lots.

Source: specs/matching.md M-6, M-71, M-107, M-249.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.eventlog import EventRows
from engine.types import EventFlag, EventKind, Side

_REFUSALS = (EventKind.REJECTED, EventKind.CANCEL_REJECTED, EventKind.MASS_CANCEL_REJECTED)

DAY_ROW = np.dtype(
    [
        ("open", "<i8"), ("high", "<i8"), ("low", "<i8"), ("last", "<i8"),
        ("trades", "<i8"), ("volume", "<i8"), ("value", "<i8"), ("auction_volume", "<i8"),
        ("settlement", "<i8"), ("settled_volume", "<i8"), ("settled_value", "<i8"),
        ("open_interest", "<i8"),
        ("reference", "<i8"), ("low_limit", "<i8"), ("high_limit", "<i8"),
    ]
)  # fmt: skip
_LIMITS = ("reference", "low_limit", "high_limit")  # they outlive a trading date


class DayStatistics:
    """Counts by kind, refusals by reason, and a DAY_ROW per instrument id."""

    def __init__(self, instruments_max: int) -> None:
        self.rows = np.zeros(instruments_max + 1, DAY_ROW)
        self.kinds = np.zeros(256, np.int64)
        self.reasons = np.zeros(65_536, np.int64)

    def take(self, parts: Iterable[EventRows]) -> None:
        """The next events."""
        for _, rows in parts:
            kinds = rows["kind"]
            self.kinds += np.bincount(kinds, minlength=256)
            refused = np.isin(kinds, _REFUSALS)
            if refused.any():
                np.add.at(self.reasons, rows["reason"][refused], 1)
            self._trades(rows[(kinds == EventKind.FILL) & (rows["flags"] & EventFlag.LEG == 0)])
            for event in rows[kinds == EventKind.SETTLED]:
                day = self.rows[event["instrument"]]
                day["settlement"] = event["price"]
                day["settled_volume"] = event["qty"]
                day["settled_value"] = event["cum_value"]
                day["open_interest"] = event["leaves_qty"]
            limits = rows[kinds == EventKind.LIMITS_SET]
            for name, of_event in zip(_LIMITS, ("price", "cum_value", "leaves_qty"), strict=True):
                self.rows[name][limits["instrument"]] = limits[of_event]

    def _trades(self, fills: np.ndarray) -> None:
        """One row of each trade: the aggressor's, in an auction the buy's.

        Of a trade at an implied price each row is the trade of another instrument (M-243).
        """
        auction = fills["flags"] & EventFlag.AUCTION != 0
        first = np.where(auction, fills["side"] == Side.BUY, fills["flags"] & EventFlag.AGGRESSOR)
        first = (first != 0) | (fills["flags"] & EventFlag.IMPLIED != 0)
        trades, auction = fills[first], auction[first]
        at, price, qty = trades["instrument"], trades["price"], trades["qty"]
        days = self.rows
        for number in np.unique(at[days["trades"][at] == 0]):
            for name in ("open", "high", "low"):
                days[number][name] = price[at == number][0]
        np.maximum.at(days["high"], at, price)
        np.minimum.at(days["low"], at, price)
        days["last"][at] = price  # of several to one place the last one stays
        np.add.at(days["trades"], at, 1)
        np.add.at(days["volume"], at, qty)
        np.add.at(days["value"], at, price * qty)
        np.add.at(days["auction_volume"], at[auction], qty[auction])

    def settles(self, instruments: np.ndarray) -> bool:
        """Whether volume and value of these settlements are those of the trades."""
        rows = self.rows[instruments]
        return bool(
            (rows["volume"] == rows["settled_volume"]).all()
            and (rows["value"] == rows["settled_value"]).all()
        )

    def begin_date(self, instruments: np.ndarray) -> None:
        """These begin another trading date."""
        for name in DAY_ROW.names or ():
            if name not in _LIMITS:
                self.rows[name][instruments] = 0
