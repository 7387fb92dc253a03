"""What the event log says since it was last looked at: whose market changed, and its last trades.

One reading serves all subscribers of gateway/market_data.py; nothing is read while there are none.

Source: specs/order_entry.md O-141, O-142; market_data.md F-23, F-37.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.sequencer import Sequencer
from engine.types import EventFlag, EventKind, Side

TRADES_MAX = 32  # of an instrument that are told at once
SCAN_ROWS = 65_536
_LEG, _AUCTION = int(EventFlag.LEG), int(EventFlag.AUCTION)
_AGGRESSOR, _IMPLIED = int(EventFlag.AGGRESSOR), int(EventFlag.IMPLIED)


class Trade(NamedTuple):
    """A trade of one book. event: number of the row that tells it; price 1e-9, qty lots."""

    event: int
    trade_id: int
    price: int
    qty: int
    time_ns: int


class Tape:
    """`through`: the event up to which the log was read; changed: int64[instruments], the last
    event of each."""

    def __init__(self, sequencer: Sequencer) -> None:
        self._sequencer = sequencer
        self.through = 0
        self.changed = np.zeros(sequencer.venue.limits.instruments_max + 1, np.int64)
        self._trades: dict[int, list[Trade]] = {}

    def begin(self) -> None:
        """Reads from the present on."""
        self.through = self._sequencer.event_count
        self._trades.clear()

    def read_on(self) -> None:
        """Takes what was written since the last call."""
        sequencer = self._sequencer
        last = sequencer.event_count
        while self.through < last:
            count = min(SCAN_ROWS, last - self.through)
            for rows in sequencer.event_rows(self.through + 1, count):
                self._take(rows)
                self.through += len(rows)

    def trades(self, instrument: int, after: int) -> list[Trade]:
        """The last TRADES_MAX trades behind event `after`, oldest first."""
        return [trade for trade in self._trades.get(instrument, ()) if trade.event > after]

    def _take(self, rows: np.ndarray) -> None:
        instruments = rows["instrument"]
        self.changed[instruments] = np.arange(self.through + 1, self.through + 1 + len(rows))
        places = np.flatnonzero(_are_trades(rows))
        traded = instruments[places]
        for number in np.unique(traded).tolist():
            kept = self._trades.setdefault(number, [])
            for place in places[traded == number][-TRADES_MAX:].tolist():
                row = rows[place]
                kept.append(
                    Trade(
                        self.through + 1 + place,
                        *(int(row[name]) for name in ("trade_id", "price", "qty", "time_ns")),
                    )
                )
            del kept[:-TRADES_MAX]


def _are_trades(rows: np.ndarray) -> np.ndarray:
    """Of each trade of a book one row: the resting side's, of an uncross the sell's (F-23, F-37).

    A trade with an implied price is one of each of its three books.
    """
    flags = rows["flags"]
    in_auction = (flags & _AUCTION != 0) & (rows["side"] != Side.BUY)
    resting = (flags & _AUCTION == 0) & (flags & (_AGGRESSOR | _IMPLIED) != _AGGRESSOR)
    fills = (rows["kind"] == EventKind.FILL) & (flags & _LEG == 0)
    return np.asarray(fills & (in_auction | resting))
