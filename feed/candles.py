"""Candles of one instrument, made of its trades as they come; bounded.

One-minute candles of the venue clock are kept in a ring of rows; longer intervals are sums of them.

Source: specs/market_data.md (F-85).
"""

from __future__ import annotations

import numpy as np

from feed.views import Candle

BASE_NS = 60_000_000_000
_START, _OPEN, _HIGH, _LOW, _CLOSE, _VOLUME, _VALUE, _TRADES = range(8)
_ROWS_AT_FIRST = 16


class Candles:
    """The newest `rows_max` one-minute candles in which something traded."""

    __slots__ = ("_count", "_rows", "rows_max")

    def __init__(self, rows_max: int) -> None:
        self.rows_max = rows_max
        self._rows = np.zeros((min(_ROWS_AT_FIRST, rows_max), 8), np.int64)
        self._count = 0  # ever begun

    def take(self, time_ns: int, price: int, qty: int) -> None:
        """One more trade; trades come in order of time."""
        start_ns = time_ns - time_ns % BASE_NS
        row = self._last_row()
        if row is None or row[_START] != start_ns:
            row = self._begin(start_ns, price)
        row[_HIGH] = max(row[_HIGH], price)
        row[_LOW] = min(row[_LOW], price)
        row[_CLOSE] = price
        row[_VOLUME] += qty
        row[_VALUE] += price * qty
        row[_TRADES] += 1

    def amend(self, time_ns: int, lots: int, value: int, trades: int) -> None:
        """Takes lots, value and trades off the candle of a time; prices stay as printed."""
        start_ns = time_ns - time_ns % BASE_NS
        found = np.flatnonzero(self._rows[:, _START] == start_ns)
        for at in found:
            self._rows[at, _VOLUME] -= lots
            self._rows[at, _VALUE] -= value
            self._rows[at, _TRADES] -= trades

    def newest(self, interval_ns: int, count: int) -> list[Candle]:
        """The newest `count` candles of an interval, a multiple of BASE_NS; oldest first."""
        made: list[Candle] = []
        enough = (count + 1) * (interval_ns // BASE_NS)  # the first of them is perhaps not whole
        for row in self._in_order()[-enough:]:
            start_ns = row[_START] - row[_START] % interval_ns
            if made and made[-1].start_ns == start_ns:
                candle = made[-1]
                candle.high = max(candle.high, row[_HIGH])
                candle.low = min(candle.low, row[_LOW])
                candle.close = row[_CLOSE]
                candle.volume += row[_VOLUME]
                candle.value += row[_VALUE]
                candle.trades += row[_TRADES]
            else:
                made.append(Candle(start_ns, *row[1:]))
        return made[-count:]

    def _last_row(self) -> np.ndarray | None:
        return self._rows[(self._count - 1) % len(self._rows)] if self._count else None

    def _begin(self, start_ns: int, price: int) -> np.ndarray:
        if self._count == len(self._rows) < self.rows_max:
            grown = np.zeros((min(2 * self._count, self.rows_max), 8), np.int64)
            grown[: self._count] = self._rows
            self._rows = grown
        row: np.ndarray = self._rows[self._count % len(self._rows)]
        row[:] = (start_ns, price, price, price, price, 0, 0, 0)
        self._count += 1
        return row

    def _in_order(self) -> list[list[int]]:
        if self._count <= len(self._rows):
            rows: list[list[int]] = self._rows[: self._count].tolist()
            return rows
        cut = self._count % len(self._rows)
        return [*self._rows[cut:].tolist(), *self._rows[:cut].tolist()]
