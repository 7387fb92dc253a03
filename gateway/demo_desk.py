"""One demo member's order entry: FIX orders out, reports in, what works and what is held.

Sans-I/O: `send` is the client's, reports come in through `take`. Prices are ticks of the contract.
Source: specs/order_entry.md (messages D, F, G, i, Z, 8, 9, b).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.message import Field, Message
from gateway.values import format_timestamp
from specs.products import Contract, format_price

BUY, SELL = "1", "2"
MARKET, LIMIT = "1", "2"
DAY, GTC, IOC, FOK = "0", "1", "3", "4"
OPEN, CLOSE_TODAY = "O", "T"
_DONE_STATUSES = (b"2", b"4", b"8", b"C")
_ONE_INSTRUMENT = "1"  # QuoteCancelType (298)
_REFUSED = b"5"  # QuoteStatus (297)

Send = Callable[[bytes, tuple[Field, ...]], object]


@dataclass(eq=False)
class Working:
    """One order: as asked, and as the venue last reported it. pending: an answer is due."""

    contract: Contract
    side: str
    price_ticks: int
    qty: int
    cl_ord_id: str
    leaves: int
    cum: int = 0
    pending: bool = True
    done: bool = False
    asked_ticks: int = 0
    entered_s: float = 0.0


class QuoteSide(NamedTuple):
    """One side of a quote: price in ticks, lots."""

    ticks: int
    lots: int


@dataclass(eq=False)
class Quote:
    """An account's quote in a contract, by side as last sent. asked_id: an answer is due.

    leaves: lots by side that stand in the book, as far as the venue has said.
    """

    contract: Contract
    sides: dict[str, QuoteSide]
    leaves: dict[str, int]
    asked_id: str


@dataclass
class DeskCounts:
    """What a desk sent and got."""

    orders: int = 0  # new orders
    replaces: int = 0
    cancels: int = 0
    quotes: int = 0  # both sides of an instrument, many in a message
    quote_cancels: int = 0
    reports: int = 0
    fills: int = 0
    rejects: int = 0
    reject_texts: dict[str, int] = field(default_factory=dict)

    @property
    def sent(self) -> int:
        """Requests sent to the venue; each quote of a message is one."""
        requests = self.orders + self.replaces + self.cancels
        return requests + self.quotes + self.quote_cancels


class Desk:
    """One member's orders. A desk without `send` (venue away) keeps nothing and asks nothing."""

    def __init__(self, name: str, send: Send, clock_ns: Callable[[], int]) -> None:
        self.name = name
        self.counts = DeskCounts()
        self.positions: dict[str, int] = {}  # lots by symbol
        self.traded: dict[str, int] = {}  # the same of this trading date alone
        self.orders: dict[str, Working] = {}  # by every ClOrdID that may still be answered
        self.quotes: dict[tuple[str, str], Quote] = {}  # by account and symbol
        self._send = send
        self._clock_ns = clock_ns
        self._last_id = 0

    def new(
        self,
        contract: Contract,
        side: str,
        qty: int,
        price_ticks: int,
        time_in_force: str = DAY,
        more: tuple[Field, ...] = (),
    ) -> Working:
        """Sends a NewOrderSingle; price_ticks 0 is a market order. `more`: further fields."""
        order = Working(contract, side, price_ticks, qty, self._next_id(), qty)
        self.orders[order.cl_ord_id] = order
        self.counts.orders += 1
        price: tuple[Field, ...] = ((40, MARKET),)
        if price_ticks:
            price = ((40, LIMIT), (44, _price(contract, price_ticks)))
        self._send(b"D", (*self._order_fields(order), *price, (59, time_in_force), *more))
        return order

    def replace(
        self, order: Working, price_ticks: int, leaves: int, more: tuple[Field, ...] = ()
    ) -> None:
        """Asks for another price and open quantity; the total is what was filled besides."""
        assert not order.pending and not order.done
        cl_ord_id = self._next_id()
        self.orders[cl_ord_id] = order
        order.pending, order.asked_ticks = True, price_ticks
        self.counts.replaces += 1
        order.qty = order.cum + leaves
        self._send(
            b"G",
            (
                (41, order.cl_ord_id),
                *self._order_fields(order, cl_ord_id),
                (40, LIMIT),
                (44, _price(order.contract, price_ticks)),
                *more,
            ),
        )

    def cancel(self, order: Working) -> None:
        """Asks to take the order off."""
        assert not order.pending and not order.done
        cl_ord_id = self._next_id()
        self.orders[cl_ord_id] = order
        order.pending, order.asked_ticks = True, 0
        self.counts.cancels += 1
        self._send(b"F", ((41, order.cl_ord_id), *self._order_fields(order, cl_ord_id)))

    def quote(self, account: str, wanted: list[tuple[Contract, QuoteSide, QuoteSide]]) -> None:
        """One MassQuote: bids and asks of an account, in place of what it quoted there."""
        quote_id = self._next_quote_id()
        entries: list[Field] = []
        for number, (contract, bid, ask) in enumerate(wanted, 1):
            sides = {BUY: bid, SELL: ask}
            lots = {side: one.lots for side, one in sides.items()}
            self.quotes[account, contract.symbol] = Quote(contract, sides, lots, quote_id)
            entries += [(299, number), (55, contract.symbol)]
            entries += [(132, _price(contract, bid.ticks)), (133, _price(contract, ask.ticks))]
            entries += [(134, bid.lots), (135, ask.lots)]
        self.counts.quotes += len(wanted)
        quote_set: tuple[Field, ...] = ((296, 1), (302, 1), (295, len(wanted)))
        self._send(b"i", ((117, quote_id), (1, account), *quote_set, *entries))

    def cancel_quotes(self, contract: Contract) -> None:
        """One QuoteCancel: all accounts' quotes of a contract."""
        quote_id = self._next_quote_id()
        for (_account, symbol), quote in self.quotes.items():
            if symbol == contract.symbol:
                quote.asked_id, quote.leaves = quote_id, {}
        self.counts.quote_cancels += 1
        kind: tuple[Field, ...] = ((298, _ONE_INSTRUMENT), (295, 1), (55, contract.symbol))
        self._send(b"Z", ((117, quote_id), *kind))

    @property
    def waits(self) -> bool:
        """Whether an answer is due."""
        return any(order.pending for order in self.orders.values()) or any(
            quote.asked_id for quote in self.quotes.values()
        )

    def take(self, message: Message) -> None:
        """One application message of the venue."""
        self.counts.reports += 1
        if message.msg_type == b"8" and message.text(11).startswith(self._quote_ids):
            self._take_quote_report(message)
        elif message.msg_type == b"b":
            self._take_quote_answer(message)
        elif message.msg_type == b"8":
            self._take_report(message)
        elif message.msg_type == b"9":
            self._take_cancel_reject(message)
        else:
            self._count_reject(message)

    def position(self, symbol: str) -> int:
        """Lots held of a contract; negative: short."""
        return self.positions.get(symbol, 0)

    def begin_date(self) -> None:
        """A new trading date: what was opened before it is no position of today."""
        self.traded.clear()

    def _take_report(self, message: Message) -> None:
        exec_type = message.get(150)
        order = self.orders.get(message.text(11))
        if exec_type == b"8":
            self._count_reject(message)
        if order is None:
            return
        order.leaves = message.number(151) or 0
        order.cum = message.number(14) or 0
        if exec_type == b"F":
            self._fill(order.contract.symbol, order.side, message.number(32) or 0)
        elif exec_type == b"5":
            self.orders.pop(message.text(41), None)
            order.cl_ord_id, order.price_ticks = message.text(11), order.asked_ticks
            order.pending = False
        elif exec_type == b"0":
            order.pending = False
        if message.get(39) in _DONE_STATUSES:
            self._end(order, message)

    def _take_quote_report(self, message: Message) -> None:
        """A side of a quote has traded, or is gone without having been asked to."""
        side, symbol = message.text(54), message.text(55)
        if message.get(150) == b"F":
            self._fill(symbol, side, message.number(32) or 0)
        quote = self.quotes[message.text(1), symbol]
        if not quote.asked_id:  # else it is of the quote before
            quote.leaves[side] = message.number(151) or 0

    def _take_quote_answer(self, message: Message) -> None:
        quote_id, status = message.text(117), message.get(297)
        meant = [quote for quote in self.quotes.values() if quote.asked_id == quote_id]
        if status == _REFUSED:
            self._count_reject(message)
            one = self.quotes.get((message.text(1), message.text(55)))
            meant += [one] if one is not None else []
        for quote in meant:
            quote.asked_id = ""
            if status == _REFUSED:
                quote.leaves = {}

    def _fill(self, symbol: str, side: str, qty: int) -> None:
        self.counts.fills += 1
        signed = qty if side == BUY else -qty
        self.positions[symbol] = self.positions.get(symbol, 0) + signed
        self.traded[symbol] = self.traded.get(symbol, 0) + signed

    def _take_cancel_reject(self, message: Message) -> None:
        self.counts.rejects += message.get(102) not in (b"0", b"1")
        order = self.orders.pop(message.text(11), None)
        if order is not None:
            order.pending = False
            if message.get(39) in _DONE_STATUSES:
                self._end(order, message)

    def _end(self, order: Working, message: Message) -> None:
        order.done, order.pending, order.leaves = True, False, 0
        for cl_ord_id in (order.cl_ord_id, message.text(11), message.text(41)):
            self.orders.pop(cl_ord_id, None)

    def _count_reject(self, message: Message) -> None:
        self.counts.rejects += 1
        text = message.text(58, "no text")
        self.counts.reject_texts[text] = self.counts.reject_texts.get(text, 0) + 1

    def _order_fields(self, order: Working, cl_ord_id: str = "") -> tuple[Field, ...]:
        return (
            (11, cl_ord_id or order.cl_ord_id),
            (55, order.contract.symbol),
            (54, order.side),
            (60, format_timestamp(self._clock_ns())),
            (38, order.qty),
        )

    def _next_id(self) -> str:
        self._last_id += 1
        return f"{self.name}-{self._last_id}"

    @property
    def _quote_ids(self) -> str:
        """How ids of quote messages begin."""
        return f"{self.name}-Q"

    def _next_quote_id(self) -> str:
        self._last_id += 1
        return f"{self._quote_ids}{self._last_id}"


def _price(contract: Contract, ticks: int) -> str:
    tick = contract.product.tick_units
    return format_price(ticks * tick, tick)
