"""Busts and corrections of the naive exchange: it reads what traded from its own events."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_blocks as blocks
from tests import naive_spreads as spreads
from tests import naive_words as w

if TYPE_CHECKING:
    from tests.naive import NaiveExchange
    from tests.naive_state import Instrument, Order

COUNT = (1 << 56) - 1
LOTS_MAX, VALUE_MAX = 10**9, 2**62


@dataclass(eq=False)
class Trade:
    """A trade of the venue day: its two FILL events, and which event told of it last."""

    orders: list[Order]
    fills: list[dict]
    told: list[int]
    price: int
    busted: bool = False
    settled: bool = False  # the trading date has ended


@dataclass
class Tape:
    """All trades of the venue day by number, all orders, and how many events there were ever."""

    trades: dict[int, Trade] = field(default_factory=dict)
    events_made: int = 0
    waiting: list[blocks.Report] = field(default_factory=list)  # blocks without their other side
    orders: dict[int, Order] = field(default_factory=dict)

    def keep(self, order: Order) -> Order:
        """An order that was made; trades name it when it may be gone."""
        self.orders[order.order_id] = order
        return order


def remember(venue: NaiveExchange) -> None:
    """M-217: what a command's events say of trades."""
    tape = venue.tape
    for event in venue.events:
        tape.events_made += 1
        number = event["trade_id"] & COUNT
        is_fill = event["kind"] == w.FILL and not event["flags"] & (w.LEG | w.IMPLIED_TRADE)
        if is_fill or event["kind"] == w.BLOCK_TRADED:
            trade = tape.trades.setdefault(number, Trade([], [], [], event["price"]))
            if is_fill:
                trade.orders.append(tape.orders[event["order_id"]])
            else:
                trade.orders.append(blocks.side_of(venue.requests[event["order_request"]]))
            trade.fills.append(event)
            trade.told.append(tape.events_made)
        elif event["kind"] in (w.TRADE_BUSTED, w.TRADE_CORRECTED):
            trade = tape.trades[number]
            trade.told = [*trade.told[1:], tape.events_made]
        elif event["kind"] == w.SETTLED:
            for trade in tape.trades.values():
                same = trade.fills[0]["instrument"] == event["instrument"]
                trade.settled = trade.settled or same
        elif event["kind"] == w.DAY_ROLLED:
            tape.trades.clear()


def amend(venue: NaiveExchange, command: dict) -> None:
    """M-218 to M-221."""
    row = command["row"]
    if row is None:
        return
    reason = why_kept(venue, command, row)
    if reason:
        asked = {"trade_id": row["trade_id"] & ((1 << 64) - 1), "price": row["price"]}
        venue.emit(w.TRADE_KEPT, reason=reason, **asked)
        return
    trade = venue.tape.trades[row["trade_id"] & COUNT]
    busts = command["kind"] == w.BUST_TRADE
    before, qty = trade.price, trade.fills[0]["qty"]
    after = before if busts else row["price"]
    trade.busted, trade.price = busts, after
    lots = qty if busts else 0
    value = -before * qty if busts else (after - before) * qty
    instrument = venue.instruments[trade.fills[0]["instrument"]]
    if trade.fills[0]["kind"] == w.BLOCK_TRADED:
        instrument.block_volume -= lots
        instrument.block_value += value
    else:
        take_back(instrument, trade, before, lots, value)
    for side, order in enumerate(trade.orders):
        if busts:
            venue.move_position(order, -qty)
            for leg, one in enumerate(instrument.legs):
                move_leg(venue, order, leg, one, qty)
        fields = {
            "trade_id": row["trade_id"],
            "public_id": trade.told[side],
            "price": after,
            "display_qty": before,
            "qty": qty,
            "session": order.session,
            "flags": w.UNSOLICITED,
        }
        if order.session == command["session"]:
            fields["msg_seq_num"] = command["msg_seq_num"]
        kind = w.TRADE_BUSTED if busts else w.TRADE_CORRECTED
        if order.order_id in venue.live:
            order.order_qty -= lots
            order.cum_qty -= lots
            order.cum_value += value
            venue.emit_order(kind, order, **fields)
        else:
            told = sums(row, ("first", "second")[side], qty, before)
            fields |= {"cum_qty": told["cum_qty"] - lots, "cum_value": told["cum_value"] + value}
            fields["order_qty"] = told["order_qty"]
            whole = fields["cum_qty"] == told["order_qty"]
            fields["ord_status"] = w.STATUS_FILLED if whole else w.STATUS_CANCELED
            emit_gone(venue, kind, order, trade.fills[side], fields)


def move_leg(
    venue: NaiveExchange, order: Order, at: int, leg: tuple[Instrument, int], qty: int
) -> None:
    """M-219, M-234: what an order of a spread did in a leg never was."""
    buys = spreads.leg_side(order, at) == w.BUY
    bucket = venue.buckets(order.account, leg[0].number)
    bucket["net"] -= leg[1] * qty if buys else -leg[1] * qty


def take_back(instrument: Instrument, trade: Trade, before: int, lots: int, value: int) -> None:
    """M-219, M-221: the sums of the day and of the settlement window."""
    instrument.volume -= lots
    instrument.value += value
    time_ns, qty = trade.fills[0]["time_ns"], trade.fills[0]["qty"]
    at = instrument.trades.index((time_ns, before, qty))
    instrument.trades[at : at + 1] = [] if lots else [(time_ns, trade.price, qty)]


def why_kept(venue: NaiveExchange, command: dict, row: dict) -> int:
    """M-218: the first check that fails; 0: none."""
    number = row["trade_id"] & COUNT
    trade = venue.tape.trades.get(number)
    if trade is None or number <= venue.trades_made - venue.bounds.trades:
        return Reject.UNKNOWN_TRADE
    if row["trade_id"] != trade.fills[0]["trade_id"]:
        return Reject.UNKNOWN_TRADE
    if trade.busted:
        return Reject.TRADE_GONE
    instrument = venue.instruments[trade.fills[0]["instrument"]]
    age_ns = command["time_ns"] - trade.fills[0]["time_ns"]
    if trade.settled or age_ns >= instrument.product["bust_seconds"] * 10**9:
        return Reject.TRADE_TOO_OLD
    if command["kind"] == w.CORRECT_TRADE:
        price, tick = row["price"], instrument.product["tick"]
        within = instrument.low <= price <= instrument.high
        if price == trade.price or price % tick or not within:
            return Reject.TRADE_PRICE_INVALID
    return 0


def sums(row: dict, side: str, qty: int, price: int) -> dict[str, int]:
    """M-220: what a gone order came to, as told; where that cannot be, the trade alone."""
    names = ("order_qty", "cum_qty", "cum_value")
    told = {name: row[f"{side}_{name}"] for name in names}
    sound = qty <= told["cum_qty"] <= told["order_qty"] <= LOTS_MAX
    if sound and -VALUE_MAX <= told["cum_value"] <= VALUE_MAX:
        return told
    return {"order_qty": qty, "cum_qty": qty, "cum_value": price * qty}


def emit_gone(
    venue: NaiveExchange, kind: int, order: Order, fill: dict, fields: dict[str, int]
) -> None:
    """The row of an order that lives no more: as its fill told it, with nothing left."""
    names = ("order_id", "order_request", "account", "instrument", "member", "side")
    kept = {name: fill[name] for name in (*names, "ord_type", "time_in_force")}
    venue.emit(kind, **kept, **fields)
