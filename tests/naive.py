"""An obvious exchange in plain Python: what the kernels must equal, event by event.

Written from specs/matching.md alone, with lists, dicts and exact integers: no array or kernel, no
import from `engine`. A command is a dict with the fields of a COMMAND row (0 where none is given;
an id is a tuple of three words); a definition carries its decoded blob under `row` (None: of the
wrong length). An event is a dict with every field of an EVENT row. Parts: the files `naive_*.py`.
"""

from __future__ import annotations

from specs.rejects import Reject
from tests import naive_amend as amend
from tests import naive_checks as checks
from tests import naive_days as days
from tests import naive_implied as implied
from tests import naive_mass as mass
from tests import naive_phases as phases
from tests import naive_quotes as quotes
from tests import naive_spreads as spreads
from tests import naive_stops as stops
from tests import naive_words as w
from tests.naive_state import Bounds, Instrument, Order

AS_ASKED = ("session", "member", "instrument", "account", "side", "ord_type", "time_in_force")


class NaiveExchange:
    """Commands in, events out, as specs/matching.md says."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.products: dict[int, dict] = {}
        self.instruments: dict[int, Instrument] = {}
        self.members: dict[int, dict] = {}
        self.accounts: dict[int, dict] = {}
        self.session_members: dict[int, int] = {}
        self.live: dict[int, Order] = {}
        self.positions: dict[tuple[int, int], dict[str, int]] = {}
        self.rates: dict[int, tuple[int, int]] = {}
        self.requests: list[dict] = [{}]
        self.request_orders: dict[int, Order] = {}
        self.request_ids: dict[tuple, int] = {}
        self.requests_used: dict[int, int] = {}
        self.halted, self.frozen = False, set()
        self.killed: set[tuple[int, int]] = set()  # member, session (0: the whole member)
        self.request = self.orders_made = self.trades_made = self.slices_made = self.quoting = 0
        self.makers, self.quote_sessions, self.quote_fills, self.quotes_due = set(), {}, [], []
        self.tape, self.implied, self.command, self.events = amend.Tape(), implied.Memory(), {}, []

    def apply(self, command: dict) -> list[dict]:
        """The full list of the command's events (M-1); the last one is marked (M-5)."""
        self.command, self.request, self.events = command, 0, []
        HANDLERS.get(command["kind"], days.ignore)(self, command)
        stops.run(self)
        implied.tell(self)
        amend.remember(self)
        if self.events:
            self.events[-1]["flags"] |= w.LAST_OF_COMMAND
        return self.events

    # ---- events -----------------------------------------------------------------------------

    def emit(self, kind: int, **fields: int) -> dict:
        """One more event; M-4, M-8."""
        event = dict.fromkeys(w.EVENT_FIELDS, 0)
        event.update(fields, kind=kind, time_ns=self.command["time_ns"])
        instrument = self.instruments.get(event["instrument"])
        if instrument is not None:
            event["product"] = instrument.product["product"]
            event["trading_date"] = instrument.trading_date
        if kind <= w.REPORT_KIND_MAX and event["session"] == self.command["session"]:
            event["msg_seq_num"] = self.command["msg_seq_num"]
        self.events.append(event)
        return event

    def emit_order(self, kind: int, order: Order, answers: bool = False, **fields: int) -> dict:
        """An event of an order: its fields are the order's after the event (M-4, M-8)."""
        flags = fields.pop("flags", 0)
        if kind > w.REPORT_KIND_MAX:
            session = request = 0
        elif answers:
            session, request = self.command["session"], self.request
        else:
            session, request, flags = order.session, 0, flags | w.UNSOLICITED
        every = {
            "order_id": order.order_id,
            "public_id": order.public_id,
            "price": 0 if order.ord_type == w.MARKET else order.price,
            "leaves_qty": order.leaves,
            "cum_qty": order.cum_qty,
            "cum_value": order.cum_value,
            "order_qty": order.order_qty,
            "display_qty": order.shown,
            "request": request,
            "order_request": order.request,
            "session": session,
            "account": order.account,
            "instrument": order.instrument,
            "member": order.member,
            "side": order.side,
            "ord_type": order.ord_type,
            "time_in_force": order.time_in_force,
            "ord_status": order.status(),
            "flags": flags,
        }
        return self.emit(kind, **(every | fields))

    # ---- requests -----------------------------------------------------------------------------

    def take_request(self, command: dict) -> int:
        """M-10: a row and the id, or the number that refuses both."""
        member = command["member"]
        used = self.requests_used.get(member, 0)
        quota = self.members[member]["requests_max"] if member in self.members else 0
        if used >= quota or len(self.requests) - 1 >= self.bounds.requests:
            return Reject.REQUEST_ROWS_FULL
        key = (member, *command["cl_ord_id"])
        if key in self.request_ids:
            return Reject.DUPLICATE_CL_ORD_ID
        self.request = len(self.requests)
        self.requests.append(command)
        self.request_ids[key] = self.request
        self.requests_used[member] = used + 1
        return 0

    def named_request(self, command: dict) -> int:
        """The row OrigClOrdID names; 0: none."""
        return self.request_ids.get((command["member"], *command["orig_cl_ord_id"]), 0)

    def named_order(self, command: dict) -> Order | None:
        """The living order whose current request OrigClOrdID names (M-16)."""
        row = self.named_request(command)
        order = self.request_orders.get(row)
        if order is None or order.order_id not in self.live or order.request != row:
            return None
        return order

    # ---- orders -----------------------------------------------------------------------------

    def new_order(self, command: dict) -> None:
        """M-11, M-13."""
        phases.halt_late(self, command)
        reason = self.take_request(command) or checks.refuse_new(self, command)
        if reason:
            self.emit(
                w.REJECTED,
                reason=reason,
                request=self.request,
                order_request=self.request,
                price=stops.own_price(command),
                qty=command["qty"],
                order_qty=command["qty"],
                ord_status=w.STATUS_REJECTED,
                **{name: command[name] for name in AS_ASKED},
            )
            return
        order = self.make_order(command)
        self.request_orders[self.request] = order
        self.emit_order(w.ACCEPTED, order, answers=True, qty=order.order_qty)
        if order.stop_price is not None:
            stops.wait(self, order)
            return
        self.come_in(order, command["min_qty"])
        phases.follow(self, command["instrument"])

    def make_order(self, command: dict) -> Order:
        """The order of a request that passed every check (M-2)."""
        self.orders_made += 1
        product = self.instruments[command["instrument"]].product
        kept = ("member", "session", "account", "instrument", "side", "ord_type", "time_in_force")
        kept += ("expire_date", "position_effect", "self_match", "self_match_id")
        return self.tape.keep(
            Order(
                order_id=(product["shard"] << 56) | self.orders_made,
                request=self.request,
                price=stops.own_price(command),
                stop_price=command["stop_price"] if stops.is_stop(command["ord_type"]) else None,
                order_qty=command["qty"],
                leaves=command["qty"],
                display=command["display_qty"],
                post_only=bool(command["exec_inst"] & 1),
                **{name: command[name] for name in kept},
            )
        )

    def come_in(self, order: Order, min_qty: int) -> None:
        """Section 3, then what becomes of the rest (M-14); in a call it rests (M-103)."""
        if self.instruments[order.instrument].calling:
            phases.rest_in_call(self, order)
            return
        reason = self.why_not_at_once(order, min_qty)
        if reason:
            self.take_off(order, w.CANCELLED, w.STATUS_CANCELED, reason)
            return
        self.match(order)
        if not order.leaves:
            return
        if order.ord_type == w.MARKET:
            self.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.MARKET_BAND)
        elif order.time_in_force in (w.IOC, w.FOK):
            self.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.IOC_REASON)
        else:
            self.rest(order)

    def why_not_at_once(self, order: Order, min_qty: int) -> int:
        """M-21, M-22, M-23: the reason for which nothing may trade; 0: none."""
        contra = self.instruments[order.instrument].contra(order.side)
        if order.ord_type == w.MARKET and not contra:
            return w.MARKET_BAND
        if order.time_in_force == w.FOK and self.available(order) < order.leaves:
            return w.FOK_REASON
        if min_qty and self.available(order) < min_qty:
            return w.MIN_QTY_REASON
        return 0

    def rest(self, order: Order) -> None:
        """M-14: the order joins its queue; alone, its ACCEPTED or REPLACED says so."""
        order.shown = order.to_show()
        order.public_id = self.next_slice()
        self.instruments[order.instrument].orders[order.side].append(order)
        self.live[order.order_id] = order
        if len(self.events) == 1:
            self.events[0].update(public_id=order.public_id, display_qty=order.shown)
        else:
            self.emit_order(w.BOOKED, order)

    def next_slice(self) -> int:
        """M-2: public ids count from 1."""
        self.slices_made += 1
        return self.slices_made

    def leave_book(self, order: Order) -> None:
        """The order no longer lives in the book."""
        del self.live[order.order_id]
        instrument = self.instruments[order.instrument]
        waits = order in instrument.stops
        (instrument.stops if waits else instrument.orders[order.side]).remove(order)
        order.shown = 0

    def take_off(
        self, order: Order, kind: int, status: int, reason: int, answers: bool = False
    ) -> None:
        """The order ends without a trade: CANCELLED or EXPIRED (M-8)."""
        if order.order_id in self.live:
            self.leave_book(order)
        taken, order.leaves = order.leaves, 0
        self.emit_order(kind, order, answers, qty=taken, ord_status=status, reason=reason)
        phases.indicate(self, order.instrument)

    # ---- cancel and replace --------------------------------------------------------------

    def cancel(self, command: dict) -> None:
        """M-15."""
        phases.halt_late(self, command)
        reason = self.take_request(command) or checks.refuse_cancel(self, command)
        if reason:
            self.reject_cancel(command, reason)
            return
        self.take_off(self.named_order(command), w.CANCELLED, w.STATUS_CANCELED, 0, answers=True)

    def reject_cancel(self, command: dict, reason: int) -> None:
        """M-16."""
        order = self.named_order(command)
        asked = {
            "instrument": command["instrument"],
            "order_request": self.named_request(command),
            "reason": reason,
        }
        if order is not None:
            self.emit_order(w.CANCEL_REJECTED, order, answers=True, **asked)
            return
        self.emit(
            w.CANCEL_REJECTED,
            member=command["member"],
            session=command["session"],
            request=self.request,
            ord_status=w.STATUS_REJECTED,
            **asked,
        )

    def replace(self, command: dict) -> None:
        """M-17, M-18."""
        phases.halt_late(self, command)
        reason = self.take_request(command) or checks.refuse_replace(self, command)
        if reason:
            self.reject_cancel(command, reason)
            return
        order = self.named_order(command)
        if order.stop_price is not None:
            stops.replace(self, order, command)
            return
        instrument = self.instruments[order.instrument]
        shown = phases.shown_for_place(order)
        same_price, smaller = command["price"] == order.price, command["qty"] <= order.order_qty
        order.price, order.order_qty = command["price"], command["qty"]
        order.display, order.expire_date = command["display_qty"], command["expire_date"]
        order.leaves = order.order_qty - order.cum_qty
        order.request = self.request
        self.request_orders[self.request] = order
        keeps = instrument.product["features"] & w.REPLACE_KEEPS_PLACE
        if keeps and same_price and smaller and order.to_show() <= shown:
            order.shown = order.to_show() if order.public_id else 0
            kept = {"qty": order.order_qty, "flags": w.KEPT_PLACE}
            self.emit_order(w.REPLACED, order, answers=True, **kept)
        else:
            self.leave_book(order)
            order.public_id = 0
            self.emit_order(w.REPLACED, order, answers=True, qty=order.order_qty)
            self.come_in(order, min_qty=0)
        phases.follow(self, order.instrument)

    # ---- matching -----------------------------------------------------------------------------

    def bound(self, order: Order) -> int:
        """The worst price the order may trade at: its limit, or a market order's band (M-23)."""
        if order.ord_type != w.MARKET:
            return order.price
        instrument = self.instruments[order.instrument]
        room = instrument.product["band_ticks"] * instrument.product["tick"]
        if order.side == w.BUY:
            best = min(resting.price for resting in instrument.orders[w.SELL])
            return min(best + room, instrument.high)
        best = max(resting.price for resting in instrument.orders[w.BUY])
        return max(best - room, instrument.low)

    def reachable(self, order: Order, bound: int) -> list[Order]:
        """Contra orders within the bound, in priority (M-20)."""
        sign = 1 if order.side == w.BUY else -1
        queue = self.instruments[order.instrument].in_priority(order.side)
        return [resting for resting in queue if sign * resting.price <= sign * bound]

    def available(self, order: Order) -> int:
        """M-21: how much the order could trade at once."""
        queue = self.reachable(order, self.bound(order))
        own = [resting for resting in queue if resting.same_scope(order)]
        if own and order.self_match in (w.SMP_AGGRESSING, w.SMP_BOTH):
            ahead = queue[: queue.index(own[0])]
            return sum(
                resting.shown if resting.price == own[0].price else resting.leaves
                for resting in ahead
            )
        return sum(resting.leaves for resting in queue if resting not in own)

    def match(self, order: Order) -> None:
        """M-20, M-40 to M-44."""
        if order.ord_type == w.MARKET and not self.instruments[order.instrument].contra(order.side):
            return
        bound = self.bound(order)
        while order.leaves:
            queue = self.reachable(order, bound)
            if implied.step(self, order, bound, queue):
                continue
            if not queue:
                return
            resting = queue[0]
            if resting.same_scope(order):
                self.prevent(order, resting)
            else:
                self.trade(order, resting, bound)

    def prevent(self, order: Order, resting: Order) -> None:
        """M-41 to M-44: what the aggressor's instruction does instead of a trade."""
        if order.self_match == w.SMP_DECREMENT:
            taken = min(order.leaves, resting.leaves)
            self.decrement(resting, taken)
            self.decrement(order, taken)
            return
        if order.self_match != w.SMP_AGGRESSING:
            self.take_off(resting, w.CANCELLED, w.STATUS_CANCELED, w.SELF_MATCH)
        if order.self_match in (w.SMP_AGGRESSING, w.SMP_BOTH):
            self.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.SELF_MATCH)

    def decrement(self, order: Order, taken: int) -> None:
        """M-44: quantity taken off without a trade."""
        if order.leaves == taken:
            self.take_off(order, w.CANCELLED, w.STATUS_CANCELED, w.SELF_MATCH)
            return
        order.leaves -= taken
        order.order_qty -= taken
        if order.order_id in self.live:
            order.shown = order.to_show()
        self.emit_order(w.RESTATED, order, qty=taken, reason=w.SELF_MATCH)

    def trade(self, order: Order, resting: Order, bound: int) -> None:
        """M-6, M-30 to M-32: one trade with the best resting order."""
        instrument = self.instruments[order.instrument]
        qty = min(order.leaves, resting.shown)
        price = resting.price
        if instrument.product["price_rule"] == w.MEDIAN3:
            price = sorted((bound, resting.price, instrument.last))[1]
        self.trades_made += 1
        phases.note_price(self, instrument, price)
        instrument.book_trade(self.command["time_ns"], price, qty)
        trade_id = (instrument.product["shard"] << 56) | self.trades_made
        for one in (order, resting):
            one.leaves -= qty
            one.cum_qty += qty
            one.cum_value += price * qty
            self.move_position(one, qty)
        resting.shown -= qty
        if not resting.leaves:
            self.leave_book(resting)
        for one, flags in ((order, w.AGGRESSOR), (resting, 0)):
            status = w.STATUS_PARTIALLY_FILLED if one.leaves else w.STATUS_FILLED
            answers = one is order and self.request == one.request
            fields = {"qty": qty, "price": price, "trade_id": trade_id, "ord_status": status}
            self.emit_order(w.FILL, one, answers, flags=flags, **fields)
        spreads.report_legs(self, self.events[-2:], [order, resting])
        if resting.leaves and not resting.shown:
            self.refresh(instrument, resting)

    def refresh(self, instrument: Instrument, resting: Order) -> None:
        """M-24: the next slice joins the back of its price's queue."""
        queue = instrument.orders[resting.side]
        queue.append(queue.pop(queue.index(resting)))
        resting.shown = resting.to_show()
        resting.public_id = self.next_slice()
        self.emit_order(w.REFRESHED, resting)

    def move_position(self, order: Order, qty: int) -> None:
        """M-50, M-51; a spread's moves leg by leg (M-234)."""
        quotes.note_fill(self, order, qty)
        if self.instruments[order.instrument].legs:
            return
        buckets = self.buckets(order.account, order.instrument)
        if self.instruments[order.instrument].product["position_mode"] != w.GROSS:
            buckets["net"] += qty if order.side == w.BUY else -qty
        elif order.position_effect == w.OPEN:
            buckets["long_today" if order.side == w.BUY else "short_today"] += qty
        else:
            buckets[checks.closed_bucket(order.side, order.position_effect)] -= qty

    def buckets(self, account: int, instrument: int) -> dict[str, int]:
        """The account's position in an instrument."""
        names = ("net", "long_today", "long_before", "short_today", "short_before")
        return self.positions.setdefault((account, instrument), dict.fromkeys(names, 0))

    def position(self, account: int, instrument: int) -> int:
        """Net lots."""
        b = self.buckets(account, instrument)
        return b["net"] + b["long_today"] + b["long_before"] - b["short_today"] - b["short_before"]


HANDLERS = quotes.HANDLERS | mass.HANDLERS | days.HANDLERS | implied.HANDLERS
HANDLERS |= {
    w.NEW_ORDER: NaiveExchange.new_order,
    w.CANCEL: NaiveExchange.cancel,
    w.REPLACE: NaiveExchange.replace,
    w.SET_PHASE: phases.set_phase,
}
