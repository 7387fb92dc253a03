"""Order flow of a simulated day: seeded commands of all members, product by product.

A price walk per contract, orders around it, cancels and replaces of recent orders, of each at most
once. It knows no book: some of these are gone by then, as in life. In a call orders come from both
sides of the price, so that the auction has something to match. With makers some of the orders are
quotes of both sides, and spreads trade too. All draws come from one generator.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from engine.types import (
    COMMAND,
    Capacity,
    CommandKind,
    OrdType,
    PositionEffect,
    QuotePart,
    Side,
    TimeInForce,
)
from gateway.definitions import Known
from specs.products import Product
from specs.venue import Member

HOUR_NS = 3_600 * 10**9
WALK = 0.004  # standard deviation of a contract's price in an hour, against the reference price
DEPTH_TICKS = 12  # how far from the price passive orders lie
CALL_TICKS = 8  # how far beyond each other they lie in a call
REACH_TICKS = 3  # how far aggressive ones go
QTY_MAX = 20
FRONT = 0.35  # share of the nearest contract; of the rest the next one has the same share
RECENT = 200.0  # how many orders back a cancel reaches, on average
SENT_MAX = 4_000  # orders that may still be cancelled
_ROOM = 0.8  # of the daily limit, for the walk
_ID_DIGITS = 8
_OF_ORDER = (
    "member", "session", "account", "instrument", "side", "position_effect", "ord_type",
    "time_in_force", "price",
)  # fmt: skip

# Shares of what a member sends while a product trades; the rest are passive orders.
CANCELS, REPLACES, AGGRESSIVE, IMMEDIATE, MARKET = 0.38, 0.06, 0.10, 0.04, 0.02
CALL_CANCELS = 0.2
QUOTES, SPREADS = 0.08, 0.15  # with makers: shares of quotes, of the commands for spreads


class Party(NamedTuple):
    """Who sends: ids of member, session, account."""

    member: int
    session: int
    account: int


class ProductFlow:
    """The flow of one product of this number; begin_date() says what trades."""

    def __init__(
        self,
        product: Product,
        number: int,
        parties: list[Party],
        chance: np.random.Generator,
        makers: bool = False,
    ) -> None:
        self._quotes = makers and not product.implied_prices and not product.bought  # M-248
        self._product = product
        self._number = number
        self._chance = chance
        self._parties = np.array(parties, np.int64)
        self._sent = np.zeros(0, COMMAND)  # orders that may rest, for cancels and replaces

    def begin_date(self, instruments: np.ndarray, limits: np.ndarray, legs: np.ndarray) -> None:
        """A trading date of these contracts, nearest first, then their calendar spreads.

        limits: their DAY_ROWs; legs: int64[spreads, 2], places of the months among the instruments.
        """
        self._instruments, self._legs = instruments, legs
        months = len(instruments) - len(legs)
        self._shares = FRONT * (1 - FRONT) ** np.arange(months)
        self._shares /= self._shares.sum()
        if len(legs):
            of_spreads = np.full(len(legs), SPREADS / len(legs))
            self._shares = np.concatenate((self._shares * (1 - SPREADS), of_spreads))
        tick = self._product.tick_units
        self._reference = limits["reference"] / tick
        self._low, self._high = limits["low_limit"] // tick, limits["high_limit"] // tick
        self._mid = self._reference.copy()
        # what the walk is a share of: spreads of products have prices about 0
        self._scale = np.maximum(self._reference, (self._high - self._low) / 4)
        self._sent = self._sent[:0]

    def commands(
        self, phase: str, count: int, start_ns: int, end_ns: int, first_id: int
    ) -> np.ndarray:
        """COMMAND[count] in a phase from start_ns to end_ns; ids count from first_id."""
        chance = self._chance
        rows = np.zeros(count, COMMAND)
        rows["time_ns"] = np.sort(chance.integers(start_ns, end_ns, count))
        self._write_orders(rows, phase)
        _write_id(rows, "cl_ord_id", first_id + np.arange(count))
        draw = chance.random(count)
        if phase == "CONTINUOUS":
            self._write_aggression(rows, draw)
            if self._quotes:
                self._write_quotes(rows, draw)
            follow = draw < CANCELS + REPLACES
            replaces = follow & (draw >= CANCELS)
        else:
            follow = draw < (CALL_CANCELS if phase == "PRE_OPEN" else 0.0)
            replaces = np.zeros(count, bool)
        self._follow_up(rows, follow, replaces)
        self._walk(end_ns - start_ns)
        return rows

    def _write_orders(self, rows: np.ndarray, phase: str) -> None:
        """All rows as limit orders: passive, in a call on both sides of the price."""
        chance, count = self._chance, len(rows)
        who = self._parties[chance.integers(0, len(self._parties), count)]
        month = chance.choice(len(self._instruments), count, p=self._shares)
        buys = chance.random(count) < 0.5
        away = chance.integers(1, DEPTH_TICKS + 1, count)
        if phase != "CONTINUOUS":
            away -= CALL_TICKS
        ticks = np.rint(self._mid[month]).astype(np.int64) + np.where(buys, -away, away)
        ticks = np.clip(ticks, self._low[month], self._high[month])
        rows["kind"] = CommandKind.NEW_ORDER
        rows["ord_type"] = OrdType.LIMIT
        rows["time_in_force"] = TimeInForce.DAY
        rows["capacity"] = Capacity.PRINCIPAL
        rows["side"] = np.where(buys, int(Side.BUY), int(Side.SELL))
        rows["instrument"] = self._instruments[month]
        rows["product"] = self._number
        rows["price"] = ticks * self._product.tick_units
        rows["qty"] = np.minimum(chance.geometric(0.2, count), QTY_MAX)
        rows["transact_time_ns"] = rows["time_ns"]
        for column, name in enumerate(("member", "session", "account")):
            rows[name] = who[:, column]
        if self._product.position_effect == "required":
            closing = chance.random(count) < 0.1
            effects = np.where(closing, int(PositionEffect.CLOSE_TODAY), int(PositionEffect.OPEN))
            rows["position_effect"] = effects
        if "GTC" in self._product.times_in_force:
            rows["time_in_force"][chance.random(count) < 0.1] = TimeInForce.GTC

    def _write_aggression(self, rows: np.ndarray, draw: np.ndarray) -> None:
        """Some of the orders go over the price; some of these rest nowhere."""
        edge = 1.0 - AGGRESSIVE - IMMEDIATE - MARKET
        reach = self._chance.integers(0, DEPTH_TICKS + REACH_TICKS, len(rows))
        goes = draw >= edge
        towards = np.where(rows["side"] == Side.BUY, reach, -reach) * self._product.tick_units
        order = np.argsort(self._instruments)
        month = order[np.searchsorted(self._instruments[order], rows["instrument"])]
        tick = self._product.tick_units
        low, high = self._low[month] * tick, self._high[month] * tick
        rows["price"][goes] = np.clip(rows["price"] + towards, low, high)[goes]
        rows["time_in_force"][draw >= edge + AGGRESSIVE] = TimeInForce.IOC
        if "MARKET" in self._product.order_types:
            market = draw >= 1.0 - MARKET
            rows["ord_type"][market] = OrdType.MARKET
            rows["price"][market] = 0

    def _write_quotes(self, rows: np.ndarray, draw: np.ndarray) -> None:
        """Some of the passive orders of months become quotes, around the price, of as many lots."""
        order = np.argsort(self._instruments)
        place = order[np.searchsorted(self._instruments[order], rows["instrument"])]
        first = CANCELS + REPLACES
        at = np.flatnonzero(
            (draw >= first)
            & (draw < first + QUOTES)
            & (place < len(self._instruments) - len(self._legs))
        )
        place, tick = place[at], self._product.tick_units
        away = self._chance.integers(1, DEPTH_TICKS, len(at))
        middle = np.rint(self._mid[place]).astype(np.int64)
        rows["kind"][at] = CommandKind.MASS_QUOTE
        rows["scope"][at] = QuotePart.FIRST | QuotePart.RESET
        rows["price"][at] = np.maximum(middle - away, self._low[place]) * tick
        rows["stop_price"][at] = np.minimum(middle + away, self._high[place]) * tick
        rows["display_qty"][at] = rows["qty"][at]
        rows["quote_set"][at] = rows["order_id"][at] = 1
        for name in ("side", "ord_type", "time_in_force", "position_effect"):
            rows[name][at] = 0

    def _follow_up(self, rows: np.ndarray, follow: np.ndarray, replaces: np.ndarray) -> None:
        """Turns rows into cancels and replaces of resting orders sent a little before them."""
        rests = ~follow & (rows["ord_type"] == OrdType.LIMIT)
        rests &= rows["time_in_force"] != TimeInForce.IOC
        known = np.concatenate((self._sent, rows[rests]))
        at = np.flatnonzero(follow)
        before = len(self._sent) + np.cumsum(rests)[at]
        chosen = before - self._chance.geometric(1 / RECENT, len(at))
        _, first = np.unique(chosen, return_index=True)
        first = np.sort(first[chosen[first] >= 0])  # the others stay the orders they were made as
        at, chosen = at[first], chosen[first]
        for name in _OF_ORDER:
            rows[name][at] = known[name][chosen]
        for word in ("0", "1", "2"):
            rows[f"orig_cl_ord_id_{word}"][at] = known[f"cl_ord_id_{word}"][chosen]
        rows["kind"][at] = np.where(replaces[at], int(CommandKind.REPLACE), int(CommandKind.CANCEL))
        gone = at[~replaces[at]]
        rows["qty"][gone] = 0
        rows["price"][gone] = 0
        shift = self._chance.integers(-2, 3, len(at)) * self._product.tick_units
        rows["price"][at[replaces[at]]] += shift[replaces[at]]
        left = np.ones(len(known), bool)
        left[chosen] = False
        self._sent = known[left][-SENT_MAX:]

    def _walk(self, span_ns: int) -> None:
        """The price of every contract goes on: all together, and each a little for itself."""
        step = WALK * (span_ns / HOUR_NS) ** 0.5
        moves = self._chance.normal(0.0, step) + self._chance.normal(0.0, step / 4, len(self._mid))
        room = _ROOM * np.minimum(self._reference - self._low, self._high - self._reference)
        self._mid = np.clip(
            self._mid + moves * self._scale, self._reference - room, self._reference + room
        )
        if len(self._legs):
            near, far = self._mid[self._legs[:, 0]], self._mid[self._legs[:, 1]]
            first = len(self._mid) - len(self._legs)
            self._mid[first:] = np.clip(near - far, self._low[first:], self._high[first:])


def parties_of(members: Iterable[Member], known: Known, code: str) -> list[Party]:
    """The members that may trade a product, each with its first session and account."""
    return [
        Party(
            int(known.members[member.name]["member"]),
            int(known.sessions[member.comp_ids[0]]["session"]),
            int(known.accounts[member.default_account]["account"]),
        )
        for member in members
        if "*" in member.products or code in member.products
    ]


def _write_id(rows: np.ndarray, name: str, numbers: np.ndarray) -> None:
    """Decimal ids of eight digits."""
    word = np.zeros(len(rows), np.uint64)
    for digit in range(_ID_DIGITS):
        worth = numbers // 10 ** (_ID_DIGITS - 1 - digit) % 10 + ord("0")
        word |= worth.astype(np.uint64) << np.uint64(8 * digit)
    rows[f"{name}_0"] = word
