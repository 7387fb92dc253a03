"""Mass quotes and their cancel in the naive exchange: both sides of a quote, or neither."""

from __future__ import annotations

from typing import TYPE_CHECKING

from specs.rejects import Reject
from tests import naive_checks as checks
from tests import naive_implied as implied
from tests import naive_mass as mass
from tests import naive_phases as phases
from tests import naive_words as w
from tests.naive_state import Instrument, Order

if TYPE_CHECKING:
    from tests.naive import NaiveExchange


def mass_quote(venue: NaiveExchange, command: dict) -> None:
    """M-180 to M-184: one quote of a message."""
    if command["scope"] & w.FIRST_QUOTE:
        begin(venue, command)
    asked = venue.requests[venue.quoting]
    own = [asked.get(name) == command[name] for name in ("member", "session")]
    if not venue.quoting or not all(own):
        return
    phases.halt_late(venue, command)
    reason = refuse(venue, command)
    if reason:
        known = ("instrument", "account", "order_id")
        venue.emit(
            w.QUOTE_REJECTED,
            reason=reason,
            qty=command["quote_set"],
            **told(venue, command, venue.quoting),
            **{name: command[name] for name in known},
        )
        return
    venue.request = 0
    venue.quote_sessions[command["account"]] = command["session"]
    instrument = venue.instruments[command["instrument"]]
    sides = [w.BUY, w.SELL]
    bid, qty = terms(command, w.BUY)
    if qty and any(order.price <= bid for order in instrument.orders[w.SELL]):
        sides.reverse()
    for side in sides:
        enter_side(venue, instrument, command, side)
    phases.follow(venue, instrument.number)


def told(venue: NaiveExchange, command: dict, request: int) -> dict:
    """The fields of an answer to a quote message."""
    return {
        "member": command["member"],
        "session": command["session"],
        "msg_seq_num": command["msg_seq_num"],
        "request": request,
    }


def begin(venue: NaiveExchange, command: dict) -> None:
    """M-181: the message takes its request row, or is refused as a whole."""
    reason = venue.take_request(command)
    venue.quoting = 0 if reason else venue.request
    kind = w.QUOTE_REJECTED if reason else w.QUOTES_TAKEN
    venue.emit(kind, reason=reason, **told(venue, command, venue.quoting))
    if venue.quoting and command["scope"] & w.RESET_QUOTES:
        reset(venue, command)


def terms(command: dict, side: int) -> tuple[int, int]:
    """Price and size of a side."""
    names = ("price", "qty") if side == w.BUY else ("stop_price", "display_qty")
    return command[names[0]], command[names[1]]


def living(venue: NaiveExchange, command: dict, side: int) -> Order | None:
    """The order that a side of the quote replaces."""
    key = (command["account"], command["instrument"], side)
    for order in venue.live.values():
        if order.quote and (order.account, order.instrument, order.side) == key:
            return order
    return None


def refuse(venue: NaiveExchange, c: dict) -> int:
    """M-182."""
    reason = checks.refuse_access(venue, c)
    if reason:
        return reason
    instrument = venue.instruments[c["instrument"]]
    if instrument.phase not in (w.NO_PHASE, w.CONTINUOUS):
        return Reject.PHASE_TAKES_NO_QUOTES
    if any(instrument in relation for relation in implied.relations(venue)):
        return Reject.PHASE_TAKES_NO_QUOTES  # M-248
    if c["account"] in venue.frozen:
        return Reject.QUOTES_PULLED
    sides = [(side, *terms(c, side)) for side in (w.BUY, w.SELL)]
    if any(not 0 <= qty <= instrument.product["qty_max"] for _, _, qty in sides):
        return Reject.QUOTE_SIZE_INVALID
    quoted = [one for one in sides if one[2]]
    for side, price, _ in quoted:
        reason = checks.refuse_price(instrument, price)
        reason = reason or checks.refuse_bands(instrument, side, price)
        if reason:
            return reason
    if len(quoted) == 2 and quoted[0][1] >= quoted[1][1]:
        return Reject.QUOTE_CROSSED
    return refuse_means(venue, instrument, c, quoted)


def refuse_means(
    venue: NaiveExchange, instrument: Instrument, c: dict, quoted: list[tuple[int, int, int]]
) -> int:
    """Risk and rows of both sides together, without the quote they replace."""
    limits, product = venue.accounts[c["account"]], instrument.product
    replaced = [one for side in (w.BUY, w.SELL) if (one := living(venue, c, side))]
    made = sum(living(venue, c, side) is None for side, _, _ in quoted)
    every = [order for order in venue.live.values() if order.account == c["account"]]
    if made and len(every) + made > limits["open_orders_max"]:
        return Reject.OPEN_ORDERS_MAX
    rest = [order for order in every if order not in replaced]
    for side, price, qty in quoted:
        asked = c | {"side": side, "price": price, "position_effect": w.OPEN}
        reason = checks.refuse_exposure(venue, instrument, asked, qty, rest)
        if reason:
            return reason
    notionals = [abs(price) * product["multiplier"] * qty for _, price, qty in quoted]
    if any(one > limits["order_notional_max"] * 1_000 for one in notionals):
        return Reject.ORDER_NOTIONAL_MAX
    total = sum(notionals)
    for order in rest:
        other = venue.instruments[order.instrument].product
        if other["currency"] == product["currency"]:
            total += abs(order.price) * other["multiplier"] * order.leaves
    if total > limits["open_notional_max"] * 1_000:
        return Reject.OPEN_NOTIONAL_MAX
    own = sum(order.member == c["member"] for order in venue.live.values())
    quota = venue.members[c["member"]]["orders_max"]
    if made and (len(venue.live) + made > venue.bounds.orders or own + made > quota):
        return Reject.ORDERS_FULL
    return 0


def enter_side(venue: NaiveExchange, instrument: Instrument, command: dict, side: int) -> None:
    """M-184: a side is taken off, replaced or made; then it comes in."""
    price, qty = terms(command, side)
    order = living(venue, command, side)
    if order and (not qty or order.cum_qty + qty > instrument.product["qty_max"]):
        take_off(venue, order)
        order = None
    if not qty:
        return
    if order is None:
        come_in(venue, w.ACCEPTED, make_order(venue, instrument, command, side))
        return
    keeps = instrument.product["features"] & w.REPLACE_KEEPS_PLACE
    keeps = keeps and price == order.price and qty <= order.leaves
    order.request, order.price, order.leaves = venue.quoting, price, qty
    order.order_qty = order.cum_qty + qty
    if keeps:
        order.shown = qty
        quiet(venue.emit_order(w.REPLACED, order, qty=order.order_qty), w.KEPT_PLACE)
        return
    venue.leave_book(order)
    order.public_id = 0
    come_in(venue, w.REPLACED, order)


def come_in(venue: NaiveExchange, kind: int, order: Order) -> None:
    """M-14 for a side: where it rests at once this event says so, else BOOKED is its last."""
    before, venue.events = venue.events, []
    quiet(venue.emit_order(kind, order, qty=order.order_qty))
    venue.come_in(order, min_qty=0)
    venue.events = before + venue.events


def make_order(venue: NaiveExchange, instrument: Instrument, command: dict, side: int) -> Order:
    """M-183: a limit order of the day whose request names many."""
    price, qty = terms(command, side)
    effect = w.OPEN if instrument.product["features"] & w.POSITION_EFFECT_REQUIRED else 0
    plain = {"side": side, "price": price, "qty": qty, "ord_type": w.LIMIT, "time_in_force": w.DAY}
    plain |= {"display_qty": 0, "expire_date": 0, "exec_inst": 0, "position_effect": effect}
    plain |= {"self_match": 0, "self_match_id": 0, "stop_price": 0}
    order = venue.make_order(command | plain)
    order.quote, order.request = True, venue.quoting
    venue.makers.add((order.account, order.instrument))
    return order


def quiet(event: dict, flags: int = 0) -> None:
    """M-185: a fact for the book, told to nobody."""
    event.update(session=0, request=0, msg_seq_num=0, flags=flags | w.QUOTE)


def take_off(venue: NaiveExchange, order: Order) -> None:
    """CANCELLED, told to nobody."""
    at = len(venue.events)
    venue.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.QUOTE_CANCELLED)
    quiet(venue.events[at])


def quote_cancel(venue: NaiveExchange, command: dict) -> None:
    """M-186."""
    scope = command["scope"]
    if scope == w.SCOPE_INSTRUMENT:
        phases.halt_late(venue, command)
    reason = venue.take_request(command) or mass.refuse_scope(venue, command)
    fields = mass.scope_fields(venue, command) | told(venue, command, venue.request)
    if reason:
        venue.emit(w.QUOTE_REJECTED, reason=reason, **fields)
        return
    meant = [
        order
        for order in mass.by_order_id(venue)
        if order.quote and mass.in_scope(venue, order, command)
    ]
    for order in meant:
        take_off(venue, order)
    venue.emit(w.QUOTES_CANCELLED, qty=len(meant), **fields)


def note_fill(venue: NaiveExchange, order: Order, qty: int) -> None:
    """M-187: a quote's fill counts in its account's window; where that is too much, M-188."""
    limits, now_ns = venue.accounts[order.account], venue.command["time_ns"]
    slice_ns = limits["quote_window_ms"] * 1_000_000 // 16
    if not order.quote or not slice_ns or qty < 0:  # a bust is no fill
        return
    signed = qty if order.side == w.BUY else -qty
    venue.quote_fills.append((order.account, now_ns, signed))
    window = [
        lots
        for account, time_ns, lots in venue.quote_fills
        if account == order.account and time_ns // slice_ns > now_ns // slice_ns - 16
    ]
    sums = {"executions": len(window), "qty": sum(map(abs, window)), "delta": abs(sum(window))}
    most = {name: limits[f"quote_{name}_max"] for name in sums}
    if order.account not in venue.frozen and any(
        most[name] and sums[name] >= most[name] for name in sums
    ):
        venue.frozen.add(order.account)
        venue.quotes_due.append(order.account)


def protect(venue: NaiveExchange) -> None:
    """M-188: the quotes of accounts that traded too much are taken off."""
    due, venue.quotes_due = sorted(venue.quotes_due), []
    for account in due:
        member = venue.accounts[account]["member"]
        venue.emit(w.QUOTES_PULLED, account=account, member=member)
        for order in mass.by_order_id(venue):
            if order.quote and order.account == account:
                venue.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.PROTECTION)


def forget_fills(venue: NaiveExchange, account: int) -> None:
    """The window of an account begins anew."""
    venue.quote_fills = [one for one in venue.quote_fills if one[0] != account]


def reset(venue: NaiveExchange, command: dict) -> None:
    """M-189."""
    account = command["account"]
    if account not in venue.accounts or venue.accounts[account]["member"] != command["member"]:
        return
    forget_fills(venue, account)
    if account in venue.frozen:
        venue.frozen.discard(account)
        venue.emit(w.QUOTES_RESET, account=account, member=command["member"])


def quote_request(venue: NaiveExchange, command: dict) -> None:
    """M-190, M-191."""
    phases.halt_late(venue, command)
    reason = refuse_request(venue, command)
    number = command["instrument"]
    if reason:
        fields = told(venue, command, 0) | {"instrument": number}
        venue.emit(w.QUOTE_REJECTED, reason=reason, **fields)
        return
    asked = {"instrument": number, "side": command["side"], "qty": command["qty"]}
    venue.emit(w.QUOTE_REQUESTED, member=command["member"], **asked)
    for account, instrument in sorted(venue.makers):
        member = venue.accounts[account]["member"]
        if instrument == number and member != command["member"]:
            last = venue.quote_sessions[account]
            fields = {"account": account, "member": member, "session": last}
            venue.emit(w.QUOTE_ASKED, flags=w.UNSOLICITED, **fields, **asked)


def refuse_request(venue: NaiveExchange, c: dict) -> int:
    """The checks of M-190."""
    instrument = venue.instruments.get(c["instrument"])
    if checks.is_killed(venue, c) or venue.halted:
        return Reject.KILLED if checks.is_killed(venue, c) else Reject.VENUE_HALTED
    if instrument is None:
        return Reject.UNKNOWN_INSTRUMENT
    if instrument.expired or instrument.trading_date > instrument.last_trading_date:
        return Reject.INSTRUMENT_NOT_TRADING
    member = venue.members.get(c["member"], {"products": 0})
    if not member["products"] >> instrument.product["product"] & 1:
        return Reject.NOT_PERMITTED
    if instrument.phase not in (w.NO_PHASE, w.CONTINUOUS):
        return Reject.PHASE_TAKES_NO_QUOTES
    if c["side"] not in (0, w.BUY, w.SELL):
        return Reject.SIDE_INVALID
    return 0 if 0 <= c["qty"] <= instrument.product["qty_max"] else Reject.QUOTE_SIZE_INVALID


HANDLERS = {
    w.MASS_QUOTE: mass_quote,
    w.QUOTE_CANCEL: quote_cancel,
    w.QUOTE_REQUEST: quote_request,
}
