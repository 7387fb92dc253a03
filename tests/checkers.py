"""Invariants of an exchange, checked from its events alone; they know no implementation.

`Watcher.see` takes the events one after another (dicts of EVENT fields) and raises AssertionError
with the event that breaks a rule: numbers without gaps, rows complete, quantity conserved, price
and time kept, books never crossed after a command, positions that sum to zero. Twins, replays and
the simulation share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from engine.machine import Engine
from engine.types import (
    EventFlag,
    EventKind,
    OrdStatus,
    Phase,
    PositionEffect,
    PositionMode,
    Side,
)
from specs.products import load_products

_MASK = (1 << 56) - 1
CALLS = {Phase.PRE_OPEN, Phase.NO_CANCEL, Phase.VOLATILITY_PAUSE, Phase.CLOSING}
TAKE_NEW = {*CALLS, Phase.NONE, Phase.CONTINUOUS}
_ENDS = {EventKind.CANCELLED: OrdStatus.CANCELED, EventKind.EXPIRED: OrdStatus.EXPIRED}
_OF_ORDER = {
    EventKind.ACCEPTED,
    EventKind.FILL,
    EventKind.CANCELLED,
    EventKind.REPLACED,
    EventKind.EXPIRED,
    EventKind.RESTATED,
    EventKind.BOOKED,
    EventKind.REFRESHED,
    EventKind.TRIGGERED,
}


@dataclass
class Watched:
    """What the events so far say of one order."""

    instrument: int
    account: int
    side: int
    price: int
    order_qty: int
    leaves_qty: int
    cum_qty: int = 0
    cum_value: int = 0
    public_id: int = 0
    shown: int = 0
    hidden: bool = False  # in its queue, but a call does not show it (M-109)

    def place(self, order_id: int) -> int:
        """What stands for it in its queue; 0: nothing."""
        return -order_id if self.hidden else self.public_id


@dataclass
class AuctionWatcher:
    """Phases and auctions: who may do what when, and one price for all an uncross trades."""

    phases: dict[int, Phase] = field(default_factory=dict)
    calling: set[int] = field(default_factory=set)  # instruments whose call was not uncrossed
    indicated: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    traded: Counter = field(default_factory=Counter)  # lots of the uncross by (instrument, price)

    def see(self, kind: EventKind, event: dict) -> None:
        """An event of any kind."""
        number = event["instrument"]
        phase = self.phases.get(number, Phase.NONE)
        terms = (event["price"], event["qty"], event["leaves_qty"])
        if kind == EventKind.PHASE_CHANGED:
            assert event["leaves_qty"] == phase, "the phase before is another one (M-100)"
            self.phases[number] = Phase(event["qty"])
            if self.phases[number] in CALLS:
                self.calling.add(number)
        elif kind == EventKind.INDICATIVE:
            assert number in self.calling, "indicative price outside a call (M-108)"
            assert self.indicated.get(number, (0, 0, 0)) != terms, "nothing changed (M-108)"
            self.indicated[number] = terms
        elif kind == EventKind.UNCROSSED:
            assert phase == Phase.AUCTION_MATCH
            assert self.indicated.pop(number, (0, 0, 0))[0] == terms[0], "not what was indicated"
            assert self.traded.pop((number, terms[0]), 0) == terms[1], "traded another quantity"
            assert not any(number == one for one, _ in self.traded), "two prices in an uncross"
            self.calling.discard(number)
        elif kind == EventKind.FILL:
            in_auction = bool(event["flags"] & EventFlag.AUCTION)
            assert in_auction == (number in self.calling), "a trade in a call"
            if in_auction and event["side"] == Side.BUY:
                self.traded[number, event["price"]] += event["qty"]
        elif kind in (EventKind.ACCEPTED, EventKind.REPLACED):
            assert phase in TAKE_NEW, "no order is taken in this phase (M-101)"


@dataclass
class Watcher:
    """Sees every event from the first of a venue on."""

    orders: dict[int, Watched] = field(default_factory=dict)
    queues: dict[tuple[int, int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    positions: Counter = field(default_factory=Counter)
    orders_made: int = 0
    trades_made: int = 0
    slices_made: int = 0
    seen: int = 0
    time_ns: int = 0
    spreads: dict[int, dict] = field(default_factory=dict)  # the last fill of each order
    awaited: dict | None = None  # the aggressor's row whose resting row must follow
    command_open: bool = False
    touched: set[int] = field(default_factory=set)
    auctions: AuctionWatcher = field(default_factory=lambda: AuctionWatcher())
    closing_first: frozenset[int] = frozenset()  # products with M-213: at a limit any may trade
    limits: dict[int, tuple[int, int]] = field(default_factory=dict)

    def see(self, events: Iterable[dict]) -> None:
        """Checks each event against all before it."""
        for event in events:
            self.seen += 1
            try:
                self._see(event)
            except AssertionError as broken:
                kind = EventKind(event["kind"]).name
                raise AssertionError(f"event {self.seen} {kind} {event}: {broken}") from broken

    def _see(self, event: dict) -> None:
        assert event["time_ns"] >= self.time_ns, "time runs back (M-3)"
        assert not self.command_open or event["time_ns"] == self.time_ns, "two times in a command"
        self.time_ns = event["time_ns"]
        kind = EventKind(event["kind"])
        if event["flags"] & EventFlag.IMPLIED and not event["flags"] & EventFlag.LEG:
            assert kind == EventKind.FILL
        elif self.awaited is not None:
            resting = not event["flags"] & EventFlag.AGGRESSOR
            assert kind == EventKind.FILL and resting, "a trade is two adjacent rows (M-6)"
        if event["flags"] & EventFlag.LEG:
            self._see_leg(kind, event)
        else:
            self.auctions.see(kind, event)
        if kind in _OF_ORDER and not event["flags"] & EventFlag.LEG:
            self._see_order(kind, event)
        elif kind in (EventKind.INSTRUMENT_DEFINED, EventKind.LIMITS_SET):
            self.limits[event["instrument"]] = (event["cum_value"], event["leaves_qty"])
        elif kind == EventKind.BLOCK_TRADED:
            self._see_block(event)
        elif kind in (EventKind.TRADE_BUSTED, EventKind.TRADE_CORRECTED):
            self._see_amended(kind, event)
        self.command_open = not event["flags"] & EventFlag.LAST_OF_COMMAND
        if not self.command_open:
            assert self.awaited is None, "half a trade (M-6)"
            for instrument in self.touched - self.auctions.calling:
                assert not self.crossed(instrument), "book crossed"
            self.touched.clear()

    def _see_leg(self, kind: EventKind, event: dict) -> None:
        """A leg of a spread's trade: part of the trade before it, and it moves a position."""
        assert kind == EventKind.FILL and self.awaited is None, "a leg without a trade (M-234)"
        assert event["trade_id"] & _MASK == self.trades_made, "a leg of another trade (M-234)"
        sign = 1 if event["side"] == Side.BUY else -1
        self.positions[event["account"], event["instrument"]] += sign * event["qty"]
        for key, lots in self.spreads.pop(event["order_id"], {}).items():
            self.positions[key] -= lots  # a spread has no position (M-234)

    def _see_order(self, kind: EventKind, event: dict) -> None:
        order_id = event["order_id"]
        self.touched.add(event["instrument"])
        if kind == EventKind.ACCEPTED:
            self.orders_made += 1
            assert order_id & _MASK == self.orders_made, "order ids have a gap (M-2)"
            self.orders[order_id] = Watched(
                instrument=event["instrument"],
                account=event["account"],
                side=event["side"],
                price=event["price"],
                order_qty=event["qty"],
                leaves_qty=event["qty"],
            )
        order = self.orders.get(order_id)
        assert order is not None, "an order that was never accepted or is gone"
        assert (order.instrument, order.account, order.side) == (
            event["instrument"],
            event["account"],
            event["side"],
        ), "an order changed instrument, account or side"
        self._move_quantity(kind, order, event)
        self._move_slice(kind, order, event)
        if not event["leaves_qty"]:
            assert not order.public_id, "an order with nothing left is in the book"
            del self.orders[order_id]

    def _see_block(self, event: dict) -> None:
        """A side of a block: its position moves; both sides make one trade."""
        if event["flags"] & EventFlag.UNSOLICITED:
            assert event["trade_id"] & _MASK == self.trades_made, "half a block (M-227)"
        else:
            self.trades_made += 1
            assert event["trade_id"] & _MASK == self.trades_made, "trade ids have a gap (M-2)"
        sign = 1 if event["side"] == Side.BUY else -1
        self.positions[event["account"], event["instrument"]] += sign * event["qty"]

    def _see_amended(self, kind: EventKind, event: dict) -> None:
        """A trade is taken back, or had another price: what a living order has traded follows."""
        sign = 1 if event["side"] == Side.BUY else -1
        lots = event["qty"] if kind == EventKind.TRADE_BUSTED else 0
        self.positions[event["account"], event["instrument"]] -= sign * lots
        order = self.orders.get(event["order_id"])
        if order is None:
            assert not event["leaves_qty"], "an order came back (M-222)"
            return
        order.order_qty -= lots
        order.cum_qty -= lots
        before = event["display_qty"] * event["qty"]
        order.cum_value += -before if lots else event["price"] * event["qty"] - before
        now = (order.order_qty, order.leaves_qty, order.cum_qty, order.cum_value)
        told = (event["order_qty"], event["leaves_qty"], event["cum_qty"], event["cum_value"])
        assert now == told, f"quantity not conserved: {now} became {told}"

    def _move_quantity(self, kind: EventKind, order: Watched, event: dict) -> None:
        """What an order was, less what the event took, is what it is."""
        qty = event["qty"]
        if kind == EventKind.FILL:
            self._trade(order, event)
            order.leaves_qty -= qty
            order.cum_qty += qty
            order.cum_value += qty * event["price"]
        elif kind in _ENDS:
            assert event["ord_status"] == _ENDS[kind]
            assert qty == order.leaves_qty > 0, "cancels something else than what was left"
            order.leaves_qty = 0
        elif kind == EventKind.RESTATED:
            assert 0 < qty < order.leaves_qty
            order.leaves_qty -= qty
            order.order_qty -= qty
        elif kind == EventKind.REPLACED:
            assert qty > order.cum_qty
            order.order_qty, order.leaves_qty = qty, qty - order.cum_qty
            if event["flags"] & EventFlag.KEPT_PLACE:
                assert event["price"] == order.price, "another price in the same place (M-18)"
        now = (order.order_qty, order.leaves_qty, order.cum_qty, order.cum_value)
        told = (event["order_qty"], event["leaves_qty"], event["cum_qty"], event["cum_value"])
        assert now == told, f"quantity not conserved: {now} became {told}"
        assert order.leaves_qty >= 0

    def _trade(self, order: Watched, event: dict) -> None:
        """Both rows of a trade mirror each other; positions move against each other."""
        sign = 1 if order.side == Side.BUY else -1
        self.positions[order.account, order.instrument] += sign * event["qty"]
        lots = {(order.account, order.instrument): sign * event["qty"]}
        self.spreads[event["order_id"]] = lots
        in_auction = event["flags"] & EventFlag.AUCTION
        if event["flags"] & EventFlag.IMPLIED:
            if event["trade_id"] & _MASK != self.trades_made:
                self.trades_made += 1
                assert event["trade_id"] & _MASK == self.trades_made, "trade ids have a gap (M-2)"
            if event["flags"] & EventFlag.AGGRESSOR:
                return
        elif self.awaited is None:
            self.trades_made += 1
            assert event["trade_id"] & _MASK == self.trades_made, "trade ids have a gap (M-2)"
            assert in_auction or event["flags"] & EventFlag.AGGRESSOR, "a resting row alone (M-6)"
            self.awaited = event
            if not in_auction:
                return
        else:
            first, self.awaited = self.awaited, None
            for name in ("trade_id", "price", "qty", "instrument"):
                assert first[name] == event[name], f"the rows of a trade differ in {name}"
            assert first["side"] != event["side"], "a trade of one side with itself"
        assert not self._better(order), "a better price was passed over (M-20, M-106)"
        queue = self.queues[order.instrument, order.side, order.price]
        at_limit = order.price in self.limits[order.instrument]
        if event["product"] not in self.closing_first or not at_limit:
            assert queue[0] == order.place(event["order_id"]), "not the first of its queue"
        assert event["public_id"] == order.public_id
        assert in_auction or event["qty"] <= order.shown, "trades more than it shows (M-20)"

    def _better(self, order: Watched) -> bool:
        """Whether a level of the order's side has a better price."""
        sign = 1 if order.side == Side.BUY else -1
        return any(
            queue and sign * price > sign * order.price
            for (instrument, side, price), queue in self.queues.items()
            if (instrument, side) == (order.instrument, order.side)
        )

    def _move_slice(self, kind: EventKind, order: Watched, event: dict) -> None:
        """Which slice of the order the book shows, and where it stands."""
        shown, public_id = event["display_qty"], event["public_id"]
        queue = self.queues[order.instrument, order.side, order.price]
        stays = public_id == order.public_id
        if order.hidden:
            self._move_hidden(kind, order, event, queue)
            return
        if order.public_id and not (stays and shown):
            assert stays or kind in (EventKind.REPLACED, EventKind.REFRESHED), "wrong public id"
            queue.remove(order.public_id)
            order.public_id = order.shown = 0
        if kind == EventKind.FILL and stays and shown and not event["flags"] & EventFlag.AUCTION:
            assert shown == order.shown - event["qty"], "a slice shrinks by what it traded"
        if kind in (EventKind.REPLACED, EventKind.TRIGGERED):
            order.price = event["price"]
        if shown and not order.public_id:
            self.slices_made += 1
            assert public_id == self.slices_made, "public ids have a gap (M-2)"
            self.queues[order.instrument, order.side, order.price].append(public_id)
        if shown:
            assert 0 < shown <= order.leaves_qty
            order.public_id, order.shown = public_id, shown
        elif order.leaves_qty and event["instrument"] in self.auctions.calling:
            order.hidden = True
            self.queues[order.instrument, order.side, order.price].append(-event["order_id"])

    def _move_hidden(self, kind: EventKind, order: Watched, event: dict, queue: list[int]) -> None:
        """An order that a call hides: it moves, goes, or is shown where it stands (M-109)."""
        place = queue.index(-event["order_id"])
        if kind == EventKind.BOOKED:
            self.slices_made += 1
            assert event["public_id"] == self.slices_made, "public ids have a gap (M-2)"
            order.hidden, order.public_id = False, event["public_id"]
            order.shown = event["display_qty"]
            queue[place] = order.public_id
            return
        assert not event["public_id"] and not event["display_qty"], "a hidden order shown (M-109)"
        moves = kind == EventKind.REPLACED and not event["flags"] & EventFlag.KEPT_PLACE
        if moves or not order.leaves_qty:
            del queue[place]
            order.hidden = moves
        if moves:
            order.price = event["price"]
            self.queues[order.instrument, order.side, order.price].append(-event["order_id"])

    def crossed(self, instrument: int) -> bool:
        """Whether the best bid is at or above the best ask."""
        bids, asks = self.prices(instrument, Side.BUY), self.prices(instrument, Side.SELL)
        return bool(bids and asks) and max(bids) >= min(asks)

    def prices(self, instrument: int, side: int) -> list[int]:
        """Prices at which the side has orders."""
        return [
            price
            for (one, other, price), queue in self.queues.items()
            if queue and (one, other) == (instrument, side)
        ]

    def levels(self, instrument: int, side: int) -> list[tuple[int, int, int]]:
        """Price, shown lots and orders of each level, best first."""
        sign = -1 if side == Side.BUY else 1
        shown: Counter = Counter()
        count: Counter = Counter()
        for order in self.orders.values():
            if order.public_id and (order.instrument, order.side) == (instrument, side):
                shown[order.price] += order.shown
                count[order.price] += 1
        return [(p, shown[p], count[p]) for p in sorted(shown, key=lambda p: sign * p)]

    def assert_zero_sum(self) -> None:
        """Positions of all accounts in an instrument sum to zero."""
        sums: Counter = Counter()
        for (_account, instrument), lots in self.positions.items():
            sums[instrument] += lots
        assert not any(sums.values()), f"positions do not sum to zero: {sums}"


def closing_first() -> frozenset[int]:
    """Products of the catalogue whose closing orders trade first at a limit (M-213)."""
    products = enumerate(load_products().products, 1)
    return frozenset(number for number, product in products if product.closing_first)


def assert_open_sums(engine: Engine, instruments: Iterable[int]) -> None:
    """What risk adds up of open orders is what lives (M-60 to M-66, M-52); levels are too."""
    tables = engine.tables()
    lots: Counter = Counter()
    counts: Counter = Counter()
    money: Counter = Counter()
    closing: Counter = Counter()
    for number in instruments:
        for order in [*engine.orders(number), *engine.stops(number)]:
            product = tables.products[order["product"]]
            gross = product["position_mode"] == PositionMode.GROSS
            key = (int(order["account"]), number, int(order["side"]))
            if tables.instruments[number]["spread"]:
                lots.update(_leg_lots(tables.instruments[number], order))
            elif not gross or order["position_effect"] == PositionEffect.OPEN:
                lots[key] += int(order["leaves_qty"])
            elif gross:
                today = order["position_effect"] == PositionEffect.CLOSE_TODAY
                closing[(*key, today)] += int(order["leaves_qty"])
            counts["account", key[0]] += 1
            counts["member", int(order["member"])] += 1
            notional = abs(int(order["price"])) // 1_000 * int(product["multiplier"])
            money[key[0], int(product["currency"])] += notional * int(order["leaves_qty"])
        call = tables.calls[number]
        for side, name in ((Side.BUY, "buy_qty"), (Side.SELL, "sell_qty")):
            held = engine.orders(number)
            left = int(held["leaves_qty"][held["side"] == side].sum())
            assert call[name] == (left if call["calling"] else 0), "lots of a call"
        assert [tuple(level) for side in engine.book(number) for level in side] == [
            level for side in (Side.BUY, Side.SELL) for level in _levels(engine, number, side)
        ], "levels are not the sums of their orders"
    for risk in tables.risks[tables.risks["account"] != 0]:
        key = (int(risk["account"]), int(risk["instrument"]))
        assert risk["open_buys"] == lots[(*key, Side.BUY)], "open buys"
        assert risk["open_sells"] == lots[(*key, Side.SELL)], "open sells"
        assert risk["closing_short_today"] == closing[(*key, Side.BUY, True)], "closing buys"
        assert risk["closing_short_yesterday"] == closing[(*key, Side.BUY, False)]
        assert risk["closing_long_today"] == closing[(*key, Side.SELL, True)], "closing sells"
        assert risk["closing_long_yesterday"] == closing[(*key, Side.SELL, False)]
    for number, account in enumerate(tables.accounts):
        assert account["orders_live"] == counts["account", number], "open orders of an account"
        assert account["notional_1"] == money[number, 1], "open notional in USD"
        assert account["notional_2"] == money[number, 2], "open notional in CNY"
    for number, member in enumerate(tables.members):
        assert member["orders_live"] == counts["member", number], "live orders of a member"


def _leg_lots(spread: np.void, order: np.void) -> dict[tuple[int, int, int], int]:
    """What an order of a spread counts in its legs, by account, leg and side (M-233)."""
    account, leaves = int(order["account"]), int(order["leaves_qty"])
    sides = (Side.BUY, Side.SELL) if order["side"] == Side.BUY else (Side.SELL, Side.BUY)
    return {
        (account, int(spread["leg_1"]), sides[0]): leaves * int(spread["lots_1"]),
        (account, int(spread["leg_2"]), sides[1]): leaves * int(spread["lots_2"]),
    }


def _levels(engine: Engine, number: int, side: int) -> list[tuple[int, int, int]]:
    """Price, shown lots and count of each level, from the orders in their order."""
    levels: dict[int, list[int]] = {}
    for order in engine.orders(number):
        if order["side"] == side:
            level = levels.setdefault(int(order["price"]), [0, 0])
            level[0] += int(order["shown"])
            level[1] += 1
    return [(price, *level) for price, level in levels.items()]
