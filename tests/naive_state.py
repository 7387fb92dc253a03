"""What the naive exchange remembers: orders and instruments with their books."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from tests import naive_words as w


@dataclass(frozen=True)
class Bounds:
    """Highest id of each table, most rows of the pools; nothing is allocated ahead."""

    products: int
    instruments: int
    members: int
    accounts: int
    sessions: int
    requests: int
    orders: int
    trades: int  # the last ones, that are remembered


@dataclass(eq=False)
class Order:
    """A living (or just filled, cancelled, expired) order."""

    order_id: int
    request: int
    member: int
    session: int
    account: int
    instrument: int
    side: int
    ord_type: int
    time_in_force: int
    price: int
    order_qty: int
    display: int
    expire_date: int
    position_effect: int
    post_only: bool
    self_match: int
    self_match_id: int
    leaves: int
    cum_qty: int = 0
    cum_value: int = 0
    public_id: int = 0
    shown: int = 0
    stop_price: int | None = None  # None: it does not wait for one
    reached: bool = False  # a trade was there, the order has not come in yet
    quote: bool = False  # a side of a mass quote

    def status(self) -> int:
        """ord_status of a living order (M-8)."""
        return w.STATUS_PARTIALLY_FILLED if self.cum_qty else w.STATUS_NEW

    def to_show(self) -> int:
        """What the book shows of it when a slice begins (M-24)."""
        return min(self.display, self.leaves) if self.display else self.leaves

    def same_scope(self, other: Order) -> bool:
        """M-40."""
        if self.self_match_id or other.self_match_id:
            return self.self_match_id == other.self_match_id
        return self.member == other.member


class Close(NamedTuple):
    """What M-200 takes of an instrument when its trading ends."""

    time_ns: int
    bid: int | None
    ask: int | None
    locked: int


@dataclass(eq=False)
class Instrument:
    """An instrument with its book: both sides in order of arrival."""

    number: int
    product: dict
    trading_date: int
    last_trading_date: int
    first_trading_date: int
    reference: int = 0
    low: int = 0
    high: int = 0
    last: int = 0
    maturity: int = 0
    volume: int = 0
    value: int = 0
    trades: list[tuple[int, int, int]] = field(default_factory=list)  # time, price, qty of the date
    printed: list[int] = field(default_factory=list)  # the same prices, whatever is amended
    lock: tuple[int, int] = (0, 0)  # the side that is locked at its limit, since when
    close: Close | None = None
    locked_days: int = 0
    locked_side: int = 0
    locked_bp: int = 0
    suspended: bool = False
    was_none: bool = False  # the phase before the suspension
    block_volume: int = 0
    block_value: int = 0
    open_interest: int = 0
    expired: bool = False
    phase: int = w.NO_PHASE
    phase_end: int = 0
    held: bool = False  # halted by an operator
    calling: bool = False  # a call has begun and not been uncrossed
    indicated: tuple[int, int, int] = (0, 0, 0)
    prices: list[tuple[int, int]] = field(default_factory=list)  # time and price of each trade
    orders: dict[int, list[Order]] = field(default_factory=lambda: {w.BUY: [], w.SELL: []})
    stops: list[Order] = field(default_factory=list)
    legs: tuple[tuple[Instrument, int], ...] = ()  # of a spread: what its buyer buys, what he sells

    def daily_limit(self) -> int:
        """M-12, M-113."""
        doubles = self.product["features"] & w.LISTING_LIMIT_DOUBLE
        if doubles and self.trading_date <= self.first_trading_date:
            return min(2 * self.product["limit_bp"], 9_999)
        return self.product["limit_bp"]

    def set_reference(self, reference: int) -> None:
        """M-12, M-211: the limits around a reference, rounded towards it."""
        tick, limit = self.product["tick"], self.daily_limit()
        if self.locked_days:
            points = "locked_1_bp" if self.locked_days == 1 else "locked_2_bp"
            limit = max(limit, min(self.locked_bp + self.product[points], 9_999))
        self.reference = reference
        self.low = -(-reference * (10_000 - limit) // (10_000 * tick)) * tick
        self.high = reference * (10_000 + limit) // (10_000 * tick) * tick

    def book_trade(self, time_ns: int, price: int, qty: int) -> None:
        """A trade of the date (M-71, M-201)."""
        self.volume += qty
        self.value += price * qty
        self.trades.append((time_ns, price, qty))
        self.printed.append(price)

    def contra(self, side: int) -> list[Order]:
        """The living orders against which a side trades, in order of arrival."""
        return self.orders[w.SELL if side == w.BUY else w.BUY]

    def in_priority(self, side: int) -> list[Order]:
        """The contra orders of a side, best price first, inside a price by time (M-20, M-213)."""
        sign = 1 if side == w.BUY else -1
        return sorted(
            self.contra(side), key=lambda order: (sign * order.price, not self.closes_first(order))
        )

    def closes_first(self, order: Order) -> bool:
        """M-213."""
        takes_part = self.product["features"] & w.CLOSING_FIRST
        closes = order.position_effect in (w.CLOSE, w.CLOSE_YESTERDAY)
        return bool(takes_part and closes and order.price in (self.low, self.high))
