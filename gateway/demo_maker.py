"""The demo's market makers: mass quotes while a contract trades, plain orders in its auctions.

A maker quotes several levels of a contract, each from an account of its own, since an account has
one bid and one ask of an instrument (matching.md M-183).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import NamedTuple

import msgspec

from gateway.demo_day import Taking
from gateway.demo_desk import BUY, DAY, OPEN, SELL, Desk, Quote, QuoteSide, Working
from gateway.demo_market import Market
from gateway.message import Field
from specs.products import Contract
from specs.venue import Member, VenueConfig

MAKERS = ("MAKER1", "MAKER2")
LEVELS_MAX = 5
ENTRIES_MAX = 40  # of a MassQuote
MAKER_MESSAGES_MAX = 24  # of one turn, beside a MassQuote an account

# What a contract's phase takes now; members ask before each message.
Takes = Callable[[str], Taking]


def always(symbol: str) -> Taking:
    """A market that trades at any hour."""
    return Taking.ALL


class QuoteTerms(NamedTuple):
    """How a maker quotes one contract: levels a side, ticks from fair price, lots."""

    symbol: str
    levels: int
    half_spread_ticks: int
    step_ticks: int
    qty_lots: int


def level_account(member: str, level: int) -> str:
    """The account that quotes a level: the member's first one is level 0."""
    return f"{member}-{level + 1}" if level else member


def demo_venue(config: VenueConfig) -> VenueConfig:
    """The venue with an account of its makers for each level."""
    members = tuple(
        _with_accounts(member) if member.name in MAKERS else member for member in config.members
    )
    return msgspec.structs.replace(config, members=members)


def _with_accounts(member: Member) -> Member:
    first = member.accounts[0]
    names = [level_account(first.name, level) for level in range(LEVELS_MAX)]
    accounts = tuple(msgspec.structs.replace(first, name=name) for name in names)
    return msgspec.structs.replace(member, accounts=accounts)


def opening(contract: Contract) -> tuple[Field, ...]:
    """The position effect of an opening order where the product wants one."""
    return ((77, OPEN),) if contract.product.position_effect == "required" else ()


class Maker:
    """Quotes both sides of its contracts around the fair price, leaning against its position."""

    def __init__(
        self, desk: Desk, market: Market, terms: list[QuoteTerms], seed: str, takes: Takes
    ) -> None:
        self.desk = desk
        self._market = market
        self._takes = takes
        self._random = random.Random(seed)
        self._terms = terms
        self._levels = max(one.levels for one in terms)
        assert self._levels <= LEVELS_MAX
        self._orders: dict[tuple[str, str], Working] = {}  # of calls, by symbol and side

    def act(self, now_s: float) -> None:
        """Moves what stands too far from its place."""
        taking = {terms.symbol: self._takes(terms.symbol) for terms in self._terms}
        left = MAKER_MESSAGES_MAX
        for terms in self._terms:
            if left > 0 and taking[terms.symbol] != Taking.NOTHING:
                left -= self._prepare(terms, taking[terms.symbol])
        trading = [terms for terms in self._terms if taking[terms.symbol] == Taking.ALL]
        for level in reversed(range(self._levels)):  # the widest first: own sides seldom meet
            self._quote(level, trading)

    def _quote(self, level: int, trading: list[QuoteTerms]) -> None:
        """One MassQuote of an account: the contracts whose quote must move."""
        account = level_account(self.desk.name, level)
        wanted: list[tuple[Contract, QuoteSide, QuoteSide]] = []
        for terms in trading:
            if level >= terms.levels or len(wanted) == ENTRIES_MAX:
                continue
            quote = self.desk.quotes.get((account, terms.symbol))
            bid, ask = self._target_ticks(terms, level, BUY), self._target_ticks(terms, level, SELL)
            if bid < ask and (quote is None or _must_move(quote, bid, ask, level // 2)):
                contract = self._market.contracts[terms.symbol]
                lots = self._qty(terms, level), self._qty(terms, level)
                wanted.append((contract, QuoteSide(bid, lots[0]), QuoteSide(ask, lots[1])))
        if wanted:
            self.desk.quote(account, wanted)

    def _prepare(self, terms: QuoteTerms, takes: Taking) -> int:
        """Plain orders for a call, none while it trades; returns the messages it took."""
        sent = 0
        quotes = [quote for (_, name), quote in self.desk.quotes.items() if name == terms.symbol]
        stands = any(any(quote.leaves.values()) and not quote.asked_id for quote in quotes)
        if takes == Taking.CALL and stands:
            self.desk.cancel_quotes(self._market.contracts[terms.symbol])
            sent += 1
        for side in (BUY, SELL):
            order = self._orders.get((terms.symbol, side))
            if order is not None and order.pending:
                continue
            if takes == Taking.ALL:
                if order is not None and not order.done:
                    self.desk.cancel(order)
                    sent += 1
            else:
                sent += self._keep(terms, side, order, takes)
        return sent

    def _keep(self, terms: QuoteTerms, side: str, order: Working | None, takes: Taking) -> bool:
        """An order of a call at its place."""
        target, qty = self._target_ticks(terms, 0, side), self._qty(terms, 0)
        if order is None or order.done:
            contract = self._market.contracts[terms.symbol]
            self._orders[terms.symbol, side] = self.desk.new(
                contract, side, qty, target, DAY, opening(contract)
            )
            return True
        if takes == Taking.CALL and order.price_ticks != target:
            self.desk.replace(order, target, qty)
            return True
        return False

    def _target_ticks(self, terms: QuoteTerms, level: int, side: str) -> int:
        away = terms.half_spread_ticks + level * terms.step_ticks
        lean = round(-self.desk.position(terms.symbol) / (terms.qty_lots * 8))
        lean = max(-terms.half_spread_ticks, min(terms.half_spread_ticks, lean))
        fair = self._market.fair_ticks(terms.symbol) + lean
        return max(1, fair - away if side == BUY else fair + away)

    def _qty(self, terms: QuoteTerms, level: int) -> int:
        base = terms.qty_lots * (2 + level) // 2
        return max(1, round(base * self._random.uniform(0.6, 1.4)))


def _must_move(quote: Quote, bid: int, ask: int, tolerance: int) -> bool:
    """Whether a quote is too far from its place, or half of a side is gone."""
    if quote.asked_id:
        return False
    for side, ticks in ((BUY, bid), (SELL, ask)):
        told = quote.sides[side]
        if abs(told.ticks - ticks) > tolerance or 2 * quote.leaves.get(side, 0) < told.lots:
            return True
    return False
