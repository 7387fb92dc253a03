"""The demo's members: who quotes, who hedges, who speculates, and what each does next.

Each trader looks at the simulated market and at its own desk and sends orders through the desk;
all chance comes from one seed. Called a few times a second; a bounded number of messages each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from gateway.demo_day import Taking
from gateway.demo_desk import (
    BUY,
    CLOSE_TODAY,
    DAY,
    FOK,
    GTC,
    IOC,
    OPEN,
    SELL,
    Desk,
    Working,
)
from gateway.demo_maker import MAKERS, Maker, QuoteTerms, Takes, always, opening
from gateway.demo_market import Market
from gateway.message import Field
from specs.products import Contract, Product

SPECULATOR_POSITION_MAX = 150  # lots, then it only reduces
HEDGER_POSITION_MAX = 3_000
_ICEBERG_SHARE = 5  # an iceberg shows a fifth


class Speculator:
    """Takes liquidity at random moments, mostly with the move, and closes what it holds."""

    def __init__(
        self, desk: Desk, market: Market, symbols: list[str], seed: str, takes: Takes
    ) -> None:
        self.desk = desk
        self._market = market
        self._takes = takes
        self._symbols = symbols
        self._random = random.Random(seed)
        self._next_s = 0.0
        self._seen = {symbol: float(market.fair_ticks(symbol)) for symbol in symbols}
        self._resting: list[Working] = []

    def act(self, now_s: float) -> None:
        """Sends at most one order and one cancel."""
        for symbol in self._symbols:
            self._seen[symbol] += 0.05 * (self._market.fair_ticks(symbol) - self._seen[symbol])
        self._drop_stale(now_s)
        if now_s < self._next_s:
            return
        self._next_s = now_s + self._random.expovariate(7.0)
        first = self._random.random() < 0.6
        symbol = self._symbols[0] if first else self._random.choice(self._symbols)
        self._trade(self._market.contracts[symbol], now_s)

    def _trade(self, contract: Contract, now_s: float) -> None:
        symbol, fair = contract.symbol, self._market.fair_ticks(contract.symbol)
        takes = self._takes(symbol)
        if takes == Taking.NOTHING:
            return
        position = self.desk.position(symbol)
        trend = fair - self._seen[symbol]
        side = BUY if trend + self._random.gauss(0, 4) > 0 else SELL
        if abs(position) > SPECULATOR_POSITION_MAX:
            side = SELL if position > 0 else BUY
        toward = 1 if side == BUY else -1
        qty = min(1 + int(self._random.expovariate(1 / 9)), 60)
        style = self._random.random()
        effect = self._effect(contract, side, qty)
        if takes < Taking.ALL:  # a call takes what rests
            price = max(1, fair + toward * self._random.randint(-2, 6))
            self._rest(self.desk.new(contract, side, qty, price, DAY, effect), now_s)
        elif style < 0.15 and "MARKET" in contract.product.order_types:
            self.desk.new(contract, side, qty, 0, IOC, effect)
        elif style < 0.75:
            self.desk.new(contract, side, qty, max(1, fair + 4 * toward), IOC, effect)
        elif style < 0.85:
            self.desk.new(contract, side, qty, max(1, fair + 3 * toward), FOK, effect)
        else:
            price = max(1, fair - toward)
            self._rest(self.desk.new(contract, side, qty, price, DAY, effect), now_s)

    def _rest(self, order: Working, now_s: float) -> None:
        order.entered_s = now_s
        self._resting.append(order)

    def _effect(self, contract: Contract, side: str, qty: int) -> tuple[Field, ...]:
        """Position effect: closes today's position where that is large enough, else opens."""
        if contract.product.position_effect != "required":
            return ()
        position = self.desk.traded.get(contract.symbol, 0)
        closes = position >= qty if side == SELL else -position >= qty
        return ((77, CLOSE_TODAY if closes and not self.desk.orders else OPEN),)

    def _drop_stale(self, now_s: float) -> None:
        self._resting = [order for order in self._resting if not order.done]
        for order in self._resting:
            if now_s - order.entered_s > 3.0 and not order.pending:
                if self._takes(order.contract.symbol) == Taking.ALL:
                    self.desk.cancel(order)
                return


class Hedger:
    """Works one large order at a time with an iceberg near the market, along the curve."""

    def __init__(
        self, desk: Desk, market: Market, symbols: list[str], side: str, seed: str, takes: Takes
    ) -> None:
        self.desk = desk
        self._market = market
        self._takes = takes
        self._symbols = symbols
        self._side = side
        self._random = random.Random(seed)
        self._order: Working | None = None
        self._until_s = 0.0
        self._next_s = self._random.uniform(0.5, 3.0)

    def act(self, now_s: float) -> None:
        """Starts, follows the market with, or ends its order."""
        order = self._order
        if now_s < self._next_s or (order is not None and order.pending):
            return
        self._next_s = now_s + self._random.uniform(0.4, 0.9)
        if order is None or order.done:
            self._start(now_s)
        elif self._takes(order.contract.symbol) < Taking.CALL:
            return
        elif now_s >= self._until_s:
            self.desk.cancel(order)
        else:
            target = self._price_ticks(order.contract.symbol, order.side)
            if target != order.price_ticks:
                more = _shown(order.contract.product, order.qty)
                self.desk.replace(order, target, order.leaves, more)

    def _start(self, now_s: float) -> None:
        symbol = self._random.choice(self._symbols)
        if self._takes(symbol) == Taking.NOTHING:
            return
        position = self.desk.position(symbol)
        side = self._side
        if abs(position) > HEDGER_POSITION_MAX:
            side = SELL if position > 0 else BUY
        contract = self._market.contracts[symbol]
        product = contract.product
        qty = min(self._random.randrange(100, 600, 20), product.qty_max)
        self._until_s = now_s + self._random.uniform(6, 15)
        self._order = self.desk.new(
            contract,
            side,
            qty,
            self._price_ticks(symbol, side),
            GTC if "GTC" in product.times_in_force else DAY,
            (*_shown(product, qty), *opening(contract)),
        )

    def _price_ticks(self, symbol: str, side: str) -> int:
        """Now and then across the spread, else at the fair price."""
        across = 2 if self._random.random() < 0.15 else 0
        return max(1, self._market.fair_ticks(symbol) + (across if side == BUY else -across))


def _shown(product: Product, qty: int) -> tuple[Field, ...]:
    """What an iceberg of `qty` lots shows, where the product takes icebergs."""
    return ((111, qty // _ICEBERG_SHARE),) if "ICEBERG" in product.order_features else ()


Trader = Maker | Speculator | Hedger


def traders(
    market: Market,
    product: str,
    seed: int,
    desk_of: Callable[[str], Desk],
    takes: Takes = always,
) -> Iterator[Trader]:
    """All traders of the demo: two makers, two hedgers, two speculators; `product` is shown."""
    curve = market.symbols(product)[:10]
    fronts = [market.symbols(code)[0] for code in ("SITS", "SITP", "SITE", "GH1", "GB2")]
    others = [symbol for symbol in fronts if symbol not in curve]
    first = [QuoteTerms(s, 4 if s == curve[0] else 2, 1, 1, 20) for s in curve]
    second = [QuoteTerms(s, 5 if s == curve[0] else 2, 2, 2, 35) for s in curve]
    second += [QuoteTerms(symbol, 2, 1, 1, 10) for symbol in others]
    for name, terms in zip(MAKERS, (first, second), strict=True):
        yield Maker(desk_of(name), market, terms, f"{seed}-{name}", takes)
    yield Hedger(desk_of("CHARLIE"), market, curve, BUY, f"{seed}-CHARLIE", takes)
    yield Hedger(desk_of("DELTA"), market, curve, SELL, f"{seed}-DELTA", takes)
    yield Speculator(desk_of("ALPHA"), market, [curve[0], *curve], f"{seed}-ALPHA", takes)
    yield Speculator(desk_of("BRAVO"), market, [curve[0], *others], f"{seed}-BRAVO", takes)
