"""What the naive exchange remembers: orders and instruments with their books."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    volume: int = 0
    value: int = 0
    expired: bool = False
    phase: int = w.NO_PHASE
    phase_end: int = 0
    held: bool = False  # halted by an operator
    calling: bool = False  # a call has begun and not been uncrossed
    indicated: tuple[int, int, int] = (0, 0, 0)
    prices: list[tuple[int, int]] = field(default_factory=list)  # time and price of each trade
    orders: dict[int, list[Order]] = field(default_factory=lambda: {w.BUY: [], w.SELL: []})
    stops: list[Order] = field(default_factory=list)

    def set_reference(self, reference: int) -> None:
        """M-12, M-113: the daily limits around a reference, rounded towards it."""
        tick, limit = self.product["tick"], self.product["limit_bp"]
        doubles = self.product["features"] & w.LISTING_LIMIT_DOUBLE
        if doubles and self.trading_date <= self.first_trading_date:
            limit = min(2 * limit, 9_999)
        self.reference = reference
        self.low = -(-reference * (10_000 - limit) // (10_000 * tick)) * tick
        self.high = reference * (10_000 + limit) // (10_000 * tick) * tick

    def contra(self, side: int) -> list[Order]:
        """The living orders against which a side trades, in order of arrival."""
        return self.orders[w.SELL if side == w.BUY else w.BUY]

    def in_priority(self, side: int) -> list[Order]:
        """The contra orders of a side, best price first, inside a price by time (M-20)."""
        sign = 1 if side == w.BUY else -1
        return sorted(self.contra(side), key=lambda order: sign * order.price)

    def settlement(self) -> int:
        """M-71."""
        if not self.volume:
            return self.reference
        tick = self.product["tick"]
        sign = 1 if self.value >= 0 else -1
        return (
            sign * ((2 * abs(self.value) + self.volume * tick) // (2 * self.volume * tick)) * tick
        )
