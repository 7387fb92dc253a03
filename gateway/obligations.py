"""What makers quoted over a trading date, from its events alone: presence, spread, size.

A fold over event rows in order; it knows neither engine nor commands. Times are those of the
commands, so a replay gives the same figures. Prices are 1e-9 of the quote unit, times ns.

Source: specs/matching.md M-192.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from engine.limits import BASIS_POINTS
from engine.types import EventFlag, EventKind, Phase, Side

_TRADES = (Phase.NONE, Phase.CONTINUOUS)
_LEAVES = (EventKind.FILL, EventKind.CANCELLED, EventKind.EXPIRED, EventKind.RESTATED)
_MARKET = (
    EventKind.INSTRUMENT_DEFINED, EventKind.PHASE_CHANGED, EventKind.SETTLED,
    EventKind.INSTRUMENT_EXPIRED,
)  # fmt: skip
_KINDS = (*_LEAVES, *_MARKET)


class Wanted(NamedTuple):
    """What a maker owes: both sides of at least so many lots, so near to each other, so long."""

    spread_bp_max: int  # of the middle
    size_min: int
    presence_bp_min: int  # of the time the instrument traded


class Made(NamedTuple):
    """What an account's quotes in an instrument were over a trading date."""

    trading_date: int
    account: int
    instrument: int
    trading_ns: int
    two_sided_ns: int
    present_ns: int  # two-sided, near and large enough
    spread_bp: int  # over the two-sided time, rounded down
    size: int  # of the smaller side, over the same
    wanted: Wanted

    @property
    def is_met(self) -> bool:
        """Whether the obligation is met."""
        return self.present_ns * BASIS_POINTS >= self.wanted.presence_bp_min * self.trading_ns


@dataclass
class _Quote:
    """An account's quote in an instrument: (price, lots) by side, and sums of the date."""

    since_ns: int
    sides: dict[int, tuple[int, int]] = field(default_factory=dict)
    two_sided_ns: int = 0
    present_ns: int = 0
    spread_bp_ns: int = 0
    size_ns: int = 0


@dataclass
class _Market:
    """An instrument: since when it trades (-1: it does not), and how long on this date."""

    since_ns: int
    trading_date: int
    wanted: Wanted
    trading_ns: int = 0
    quotes: dict[int, _Quote] = field(default_factory=dict)  # by account


class Obligations:
    """Takes event rows; `settled` has what makers did on dates that have ended.

    wanted: by product number.
    """

    def __init__(self, wanted: Mapping[int, Wanted]) -> None:
        self.settled: list[Made] = []
        self._wanted = wanted
        self._markets: dict[int, _Market] = {}
        self._orders: dict[int, tuple[int, int, int]] = {}  # account, instrument, side
        self._time_ns = 0

    def take(self, rows: np.ndarray) -> None:
        """The next EVENT rows."""
        meant = np.isin(rows["kind"], _KINDS) | (rows["flags"] & EventFlag.QUOTE != 0)
        for row in rows[meant]:
            kind = int(row["kind"])
            if kind in _MARKET:
                self._take_market(kind, row)
            else:
                self._take_order(kind, row)
        if len(rows):
            self._time_ns = int(rows["time_ns"][-1])

    def so_far(self) -> Iterator[Made]:
        """The dates that go on, up to the last event."""
        for number, market in sorted(self._markets.items()):
            self._pass(market, self._time_ns)
            yield from _made(number, market)

    def _take_market(self, kind: int, row: np.void) -> None:
        number, time_ns = int(row["instrument"]), int(row["time_ns"])
        if kind == EventKind.INSTRUMENT_DEFINED:
            wanted = self._wanted[int(row["product"])]
            self._markets[number] = _Market(time_ns, int(row["trading_date"]), wanted)
            return
        market = self._markets[number]
        self._pass(market, time_ns)
        if kind == EventKind.PHASE_CHANGED:
            market.since_ns = time_ns if int(row["qty"]) in _TRADES else -1
        elif kind == EventKind.INSTRUMENT_EXPIRED:
            market.since_ns = -1
        else:
            market.trading_date = int(row["trading_date"])
            self.settled += _made(number, market)
            market.trading_ns = 0
            market.quotes = {
                account: _Quote(time_ns, quote.sides)
                for account, quote in market.quotes.items()
                if quote.sides
            }

    def _take_order(self, kind: int, row: np.void) -> None:
        order_id = int(row["order_id"])
        if row["flags"] & EventFlag.QUOTE:
            place = (int(row["account"]), int(row["instrument"]), int(row["side"]))
            self._orders.setdefault(order_id, place)
        if order_id not in self._orders:
            return
        account, number, side = self._orders[order_id]
        if int(row["instrument"]) != number:  # a leg of a spread
            return
        market, time_ns = self._markets[number], int(row["time_ns"])
        self._pass(market, time_ns)
        sides = market.quotes.setdefault(account, _Quote(time_ns)).sides
        lots = int(row["leaves_qty"])
        if not lots:
            sides.pop(side, None)
            del self._orders[order_id]
        elif kind in _LEAVES:
            sides[side] = (sides[side][0], lots)
        else:
            sides[side] = (int(row["price"]), lots)

    def _pass(self, market: _Market, time_ns: int) -> None:
        """Time goes on to `time_ns` with everything as it stands."""
        if market.since_ns >= 0:
            market.trading_ns += time_ns - market.since_ns
            market.since_ns = time_ns
        for quote in market.quotes.values():
            if market.since_ns >= 0 and len(quote.sides) == 2:
                _count(quote, time_ns - quote.since_ns, market.wanted)
            quote.since_ns = time_ns


def _count(quote: _Quote, ns: int, wanted: Wanted) -> None:
    (bid, bids), (ask, asks) = quote.sides[Side.BUY], quote.sides[Side.SELL]
    quote.two_sided_ns += ns
    quote.size_ns += min(bids, asks) * ns
    twice_spread, twice_middle = 2 * (ask - bid) * BASIS_POINTS, ask + bid
    if twice_middle <= 0:
        return
    quote.spread_bp_ns += twice_spread * ns // twice_middle
    near = twice_spread <= wanted.spread_bp_max * twice_middle
    if near and min(bids, asks) >= wanted.size_min:
        quote.present_ns += ns


def _made(number: int, market: _Market) -> Iterator[Made]:
    for account, quote in sorted(market.quotes.items()):
        two_sided = max(quote.two_sided_ns, 1)
        yield Made(
            market.trading_date, account, number, market.trading_ns, quote.two_sided_ns,
            quote.present_ns, quote.spread_bp_ns // two_sided, quote.size_ns // two_sided,
            market.wanted,
        )  # fmt: skip
