"""Settlement prices recomputed from the events alone, in plain Python: specs/matching.md M-200 on.

Keeps living orders by instrument from their reports, so it knows quotes and locks at each close;
it knows neither the engine nor the naive exchange.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction

from engine.reasons import SettleReason
from engine.types import EventFlag, EventKind, Phase, Side
from specs.products import Product

TRADES = (Phase.NONE, Phase.CONTINUOUS, Phase.AUCTION_MATCH)
OF_ORDERS = (*range(EventKind.ACCEPTED, EventKind.CANCEL_REJECTED), EventKind.BOOKED)
LOCKED_NS = 300 * 10**9


@dataclass
class Month:
    """One instrument's date."""

    orders: dict[int, dict] = field(default_factory=dict)  # living ones: their last event
    prices: dict[int, int] = field(default_factory=dict)  # limits of all orders
    trades: list[tuple[int, int, int]] = field(default_factory=list)  # time, price, lots
    reference: int = 0
    low: int = 0
    high: int = 0
    phase: int = 0
    end_ns: int = 0
    lock: tuple[int, int] = (0, 0)
    close: tuple[int, int | None, int | None, int] = (0, None, None, 0)  # bid, ask, locked side

    def quotes(self) -> tuple[int | None, int | None]:
        """Best bid and ask."""
        sides = defaultdict(list)
        for order_id, event in self.orders.items():
            sides[event["side"]].append(self.prices[order_id])
        return max(sides[Side.BUY], default=None), min(sides[Side.SELL], default=None)

    def watch(self, time_ns: int) -> None:
        """The lock at the end of a command."""
        bid, ask = self.quotes()
        side = Side.BUY if bid == self.high and ask is None else 0
        side = Side.SELL if ask == self.low and bid is None else side
        if side != self.lock[0]:
            self.lock = (side, time_ns)

    def ends(self, time_ns: int) -> None:
        """Trading ends."""
        time_ns = min(time_ns, self.end_ns or time_ns)
        side, since = self.lock
        self.close = (time_ns, *self.quotes(), side if time_ns - since >= LOCKED_NS else 0)


@dataclass
class Tape:
    """Reads events; `settled` counts months' settlements that were as recomputed, by reason."""

    products: tuple[Product, ...]  # in the order of their ids
    months: dict[int, Month] = field(default_factory=lambda: defaultdict(Month))
    maturities: dict[int, int] = field(default_factory=dict)  # of months
    spreads: dict[int, tuple[int, int]] = field(default_factory=dict)  # calendar spreads: legs
    settled: Counter = field(default_factory=Counter)

    def read(self, events: Iterable[dict]) -> None:
        """All events of whole commands."""
        command: list[dict] = []
        for event in events:
            command.append(event)
            if event["flags"] & EventFlag.LAST_OF_COMMAND:
                self.read_command(command)
                command = []

    def read_command(self, command: list[dict]) -> None:
        """The events of one command."""
        rolled = [event for event in command if event["kind"] == EventKind.SETTLED]
        for event in rolled:
            month = self.months[event["instrument"]]
            if month.phase in TRADES:
                month.ends(event["time_ns"])
        rolled = [event for event in rolled if event["instrument"] in self.maturities]
        by_spreads = self.by_spreads(rolled)
        for event in rolled:
            found = by_spreads.get(event["instrument"]) or self.settlement(event, rolled)
            assert (event["price"], event["reason"]) == found, (event, found)
            volume = sum(qty for _, _, qty in self.months[event["instrument"]].trades)
            assert event["qty"] == volume
            self.settled[SettleReason(found[1]), bool(volume)] += 1
        for event in command:
            self.take(event)
        for number in {event["instrument"] for event in command if event["instrument"]}:
            self.months[number].watch(command[0]["time_ns"])

    def take(self, event: dict) -> None:
        """One event."""
        month, kind, order_id = self.months[event["instrument"]], event["kind"], event["order_id"]
        if kind in (EventKind.ACCEPTED, EventKind.REPLACED):
            month.prices[order_id] = event["price"]
        if event["flags"] & EventFlag.LEG:
            return
        once = event["side"] == Side.BUY or event["flags"] & EventFlag.IMPLIED
        if kind == EventKind.FILL and once:
            month.trades.append((event["time_ns"], event["price"], event["qty"]))
        if kind in OF_ORDERS and order_id:
            month.orders[order_id] = event
            if not event["leaves_qty"]:
                del month.orders[order_id]
        elif kind == EventKind.PHASE_CHANGED:
            if month.phase in TRADES and event["qty"] not in TRADES:
                month.ends(event["time_ns"])
            month.phase, month.end_ns = event["qty"], event["cum_value"]
        elif kind == EventKind.LIMITS_SET:
            month.reference = event["price"]
            month.low, month.high = event["cum_value"], event["leaves_qty"]
            month.trades, month.close, month.lock = [], (0, None, None, 0), (0, 0)

    def by_spreads(self, rolled: list[dict]) -> dict[int, tuple[int, int]]:
        """M-205: prices and reasons that months have from calendar spreads."""
        found = {}
        known = {}  # prices from which spreads lead on
        for event in rolled:
            number, product = event["instrument"], self.products[event["product"] - 1]
            price, reason = alone(self.months[number], product)
            if self.months[number].trades or reason:
                known[number] = price
        while True:
            count = len(known)
            for event in rolled:
                number, product = event["instrument"], self.products[event["product"] - 1]
                ways = [
                    way for one in self.spreads for way in self.way(one, number, known, product)
                ]
                if ways and number not in known:
                    month = self.months[number]
                    known[number] = min(max(min(ways)[-1], month.low), month.high)
                    found[number] = known[number], SettleReason.SPREAD
            if len(known) == count:
                return found

    def way(self, spread: int, number: int, known: dict[int, int], product: Product) -> list[tuple]:
        """What one spread makes of a month's price, behind the order of several; or nothing."""
        legs, month = self.spreads[spread], self.months[spread]
        price, reason = alone(month, product)
        if number not in legs or not (month.trades or reason == SettleReason.QUOTED):
            return []
        other = legs[0] if number == legs[1] else legs[1]
        if other not in known:
            return []
        price = known[other] + (price if number == legs[0] else -price)
        return [(not month.trades, *self.away(number, other)[:2], spread, price)]

    def away(self, number: int, other: int) -> tuple[int, int, int]:
        """How far another month is, the earlier of two first."""
        left, right = self.maturities[number], self.maturities[other]
        months = right // 100 * 12 + right % 100 - left // 100 * 12 - left % 100
        return abs(months), months, other

    def settlement(self, event: dict, rolled: list[dict]) -> tuple[int, int]:
        """Price and reason of a SETTLED."""
        number, product = event["instrument"], self.products[event["product"] - 1]
        month, tick = self.months[number], product.tick_units
        price, reason = alone(month, product)
        others = [one["instrument"] for one in rolled if self.months[one["instrument"]].trades]
        if month.trades or reason or not others:
            return price, reason
        near = self.months[min(others, key=lambda other: self.away(number, other))]
        changed = month.reference * Fraction(alone(near, product)[0], near.reference)
        return min(max(on_tick(changed, tick), month.low), month.high), SettleReason.NEIGHBOUR


def alone(month: Month, product: Product) -> tuple[int, int]:
    """What a month's own trades, lock and quotes give."""
    trades, (close_ns, bid, ask, locked) = month.trades, month.close
    if trades:
        seconds = product.settlement_window_seconds
        if seconds:
            span_ns = 10**9 if seconds <= 60 else seconds // 60 * 10**9
            first = close_ns // span_ns - seconds * 10**9 // span_ns
            trades = [one for one in trades if first <= one[0] // span_ns <= close_ns // span_ns]
        if not trades:
            last = month.trades[-1][1] if bid is None else max(month.trades[-1][1], bid)
            return (last if ask is None else min(last, ask)), SettleReason.LAST
        value = sum(price * qty for _, price, qty in trades)
        volume = sum(qty for _, _, qty in trades)
        return on_tick(Fraction(value, volume), product.tick_units), 0
    if locked:
        return (month.high if locked == Side.BUY else month.low), SettleReason.LOCKED
    if bid is not None and ask is not None:
        return sorted((bid, ask, month.reference))[1], SettleReason.QUOTED
    return month.reference, 0


def on_tick(price: Fraction, tick: int) -> int:
    """The nearest price on the tick, the middle away from zero."""
    size = int((2 * abs(price) / tick + 1) // 2) * tick
    return size if price >= 0 else -size
