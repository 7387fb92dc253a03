"""Block trades of the naive exchange: reports that wait, and what comes when two agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_checks as checks
from tests import naive_phases as phases
from tests import naive_words as w
from tests.naive_state import Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange

WAIT_NS = 900 * 10**9
WAITING_MAX = 16
TERMS = ("account", "instrument", "side", "price", "member")


@dataclass(eq=False)
class Report:
    """One side's word about a block; it waits for the other's."""

    command: dict
    request: int
    trading_date: int


def report(venue: NaiveExchange, command: dict) -> None:
    """M-224 to M-228."""
    phases.halt_late(venue, command)
    reason = venue.take_request(command) or refuse(venue, command)
    if not reason:
        other = find(venue, command)
        if other is None:
            reason = keep(venue, command)
        elif not agree(command, other.command):
            reason = Reject.BLOCK_SIDES_DIFFER
        else:
            venue.tape.waiting.remove(other)
            later = refuse_other(venue, other.command)
            if not later:
                trade(venue, command, other)
                return
            tell(venue, w.BLOCK_REPORTED, other, reason=later, ord_status=w.STATUS_REJECTED)
            reason = Reject.BLOCK_SIDES_DIFFER
    status = w.STATUS_REJECTED if reason else w.STATUS_NEW
    emit(venue, w.BLOCK_REPORTED, command, reason=reason, ord_status=status)


def emit(venue: NaiveExchange, kind: int, command: dict, **fields: int) -> dict:
    """An event of the report that came now, to the session that sent it."""
    event = venue.emit(
        kind,
        **{name: command[name] for name in TERMS},
        qty=command["qty"],
        order_qty=command["qty"],
        ord_type=w.LIMIT,
        time_in_force=w.DAY,
        session=command["session"],
        request=venue.request,
        order_request=venue.request,
        **fields,
    )
    event["msg_seq_num"] = command["msg_seq_num"]
    return event


def tell(venue: NaiveExchange, kind: int, other: Report, **fields: int) -> dict:
    """An event of a report that waited."""
    asked = {"order_request": other.request, "request": 0, "flags": w.UNSOLICITED}
    event = emit(venue, kind, other.command, **fields)
    event.update(asked)
    same = other.command["session"] == venue.command["session"]
    event["msg_seq_num"] = venue.command["msg_seq_num"] if same else 0
    return event


def refuse(venue: NaiveExchange, command: dict) -> int:
    """M-225: the first check that fails; 0: none."""
    reason = checks.refuse_access(venue, command)
    if reason:
        return reason
    instrument = venue.instruments[command["instrument"]]
    product = instrument.product
    if instrument.phase not in w.TAKE_NEW:
        return Reject.PHASE_TAKES_NO_ORDERS
    if not product["block_qty_min"] or instrument.legs:
        return Reject.BLOCK_NOT_TAKEN
    if command["side"] not in (w.BUY, w.SELL):
        return Reject.SIDE_INVALID
    if command["qty"] < 1:
        return Reject.QTY_NOT_POSITIVE
    if command["qty"] > product["qty_max"]:
        return Reject.QTY_ABOVE_MAX
    if command["qty"] < product["block_qty_min"]:
        return Reject.BLOCK_QTY_TOO_SMALL
    price = command["price"]
    if price % product["tick"]:
        return Reject.PRICE_OFF_TICK
    if price > instrument.high:
        return Reject.PRICE_ABOVE_LIMIT
    if price < instrument.low:
        return Reject.PRICE_BELOW_LIMIT
    room = product["block_range_ticks"] * product["tick"]
    if room and abs(price - instrument.last) > room:
        return Reject.BLOCK_PRICE_OUT_OF_RANGE
    other = command["self_match_id"]
    if other not in venue.members or other == command["member"]:
        return Reject.BLOCK_SIDES_DIFFER
    return refuse_means(venue, command)


def refuse_means(venue: NaiveExchange, report_: dict) -> int:
    """M-52, M-61 to M-64, as of an order that comes on top of all that live."""
    order = dict(report_, ord_type=w.LIMIT)
    instrument = venue.instruments[order["instrument"]]
    own = checks.orders_of(venue, order["account"])
    return checks.refuse_position_effect(venue, instrument, order) or checks.refuse_sums(
        venue, instrument, order, order["qty"], own
    )


def refuse_other(venue: NaiveExchange, other: dict) -> int:
    """M-226: what speaks by now against the side that waited."""
    if checks.is_killed(venue, other):
        return Reject.KILLED
    product = venue.instruments[other["instrument"]].product["product"]
    if not venue.members[other["member"]]["products"] >> product & 1:
        return Reject.NOT_PERMITTED
    return refuse_means(venue, other)


def living(venue: NaiveExchange) -> list[Report]:
    """Reports that may yet be met, oldest first (M-224)."""
    now_ns = venue.command["time_ns"]
    return [
        one
        for one in venue.tape.waiting
        if now_ns - one.command["time_ns"] < WAIT_NS
        and one.trading_date == venue.instruments[one.command["instrument"]].trading_date
    ]


def find(venue: NaiveExchange, command: dict) -> Report | None:
    """The first report of the other member that names this one and the link id."""
    for one in living(venue):
        linked = one.command["orig_cl_ord_id"] == command["orig_cl_ord_id"]
        named = one.command["self_match_id"] == command["member"]
        if linked and named and one.command["member"] == command["self_match_id"]:
            return one
    return None


def agree(command: dict, other: dict) -> bool:
    """M-226: the same trade, opposite sides."""
    same = ("instrument", "price", "qty")
    equal = all(command[name] == other[name] for name in same)
    return equal and command["side"] != other["side"]


def keep(venue: NaiveExchange, command: dict) -> int:
    """M-224: it waits, or its member has too many that do."""
    venue.tape.waiting = living(venue)
    mine = [one for one in venue.tape.waiting if one.command["member"] == command["member"]]
    if len(mine) >= WAITING_MAX:
        return Reject.ORDERS_FULL
    date = venue.instruments[command["instrument"]].trading_date
    venue.tape.waiting.append(Report(command, venue.request, date))
    return 0


def trade(venue: NaiveExchange, command: dict, other: Report) -> None:
    """M-227: positions and the day's volume, nothing else."""
    instrument = venue.instruments[command["instrument"]]
    qty, price = command["qty"], command["price"]
    venue.trades_made += 1
    instrument.block_volume += qty
    instrument.block_value += price * qty
    fields = {
        "trade_id": (instrument.product["shard"] << 56) | venue.trades_made,
        "cum_qty": qty,
        "cum_value": price * qty,
        "ord_status": w.STATUS_FILLED,
    }
    for one in (command, other.command):
        venue.move_position(side_of(one), qty)
    emit(venue, w.BLOCK_TRADED, command, **fields)
    tell(venue, w.BLOCK_TRADED, other, **fields)


def side_of(command: dict) -> Order:
    """One side of a block as an order that never was: order_id 0."""
    names = ("member", "session", "account", "instrument", "side", "price", "position_effect")
    return Order(
        order_id=0,
        request=0,
        ord_type=w.LIMIT,
        time_in_force=w.DAY,
        order_qty=command["qty"],
        leaves=0,
        display=0,
        expire_date=0,
        post_only=False,
        self_match=0,
        self_match_id=0,
        **{name: command[name] for name in names},
    )
