"""Event rows of some products only: what a product group's lines are made of.

Source: specs/market_data.md (F-160).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable

import numpy as np

from engine.types import EventKind
from feed.sources import Definitions

_OTHER_NS = 10**9


class ProductFilter:
    """Blanks the rows of other products. The ends of commands stay, and rows of the whole venue."""

    def __init__(self, codes: Iterable[str], definitions: Definitions) -> None:
        self._codes = frozenset(codes)
        self._definitions = definitions
        self._carried = np.ones(1, np.bool_)  # by instrument; 0: the venue

    @property
    def session_offset(self) -> int:
        """Other products, other numbers: so their sessions have other names."""
        return zlib.crc32(" ".join(sorted(self._codes)).encode()) % _OTHER_NS

    def carry(self, instruments: Iterable[int]) -> None:
        """Instruments that were defined before."""
        for instrument in instruments:
            self._know(instrument, is_carried=True)

    def take(self, rows: np.ndarray) -> np.ndarray:
        """The next EVENT rows, as they are or copied."""
        for row in rows[rows["kind"] == EventKind.INSTRUMENT_DEFINED]:
            product = self._definitions.product(int(row["product"]))
            code = product["code"].decode("ascii")
            self._know(int(row["instrument"]), is_carried=code in self._codes)
        instruments = rows["instrument"]
        if len(rows):
            self._grow(int(instruments.max()))
        others = ~self._carried[instruments]
        if others.any():
            rows = rows.copy()
            rows["kind"][others] = 0
        return rows

    def _know(self, instrument: int, *, is_carried: bool) -> None:
        self._grow(instrument)
        self._carried[instrument] = is_carried

    def _grow(self, instrument: int) -> None:
        missing = instrument + 1 - len(self._carried)
        if missing > 0:
            self._carried = np.append(self._carried, np.zeros(missing, np.bool_))
