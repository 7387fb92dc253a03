"""Random flows of commands in a small world.

Few prices, members, accounts and narrow limits, so that every kind of event and every reject
number comes up. Each choice asks a `random.Random`, so a run is a seed, and a command of hypothesis
is one. It knows no exchange; it remembers the ids it gave and may ask which orders live.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from engine import types as t
from specs.rejects import Reject
from tests import naive_words as w
from tests.build import (
    ALL_FEATURES,
    ALPHA,
    DAY_1,
    SECOND,
    START_NS,
    TICK,
    Who,
    account,
    cancel,
    command,
    gross_product,
    instrument,
    kill,
    mass_cancel,
    member,
    new,
    product,
    release,
    replace,
    roll_day,
    roll_product,
    session,
    session_lost,
    set_phase,
)
from tests.flow_quotes import QUOTE_MAKERS

TRADERS = (Who(1, 1, 1), Who(2, 1, 2), Who(3, 2, 3), Who(4, 3, 4))
FAR_DAY = 20991231
PHASES = (
    *(w.PRE_OPEN,) * 4,
    *(w.VOLATILITY_PAUSE,) * 3,
    *(w.CLOSING, w.NO_CANCEL) * 2,
    *(w.AUCTION_MATCH,) * 4,
    *(w.CONTINUOUS,) * 3,
    *(w.CLOSED, w.PHASE_HALTED, w.SETTLEMENT, w.NO_PHASE, w.PHASE_EXPIRED),
)
WIDE_INSTRUMENT = 6  # its ladder has 10,000 levels
FINE_TICK = TICK // 1_000
OUTSIDER = Who(5, 4, 5)  # may trade product 1 only
WIDE = {
    "open_orders_max": 60,
    "position_long_max": 10**6,
    "position_short_max": 10**6,
    "order_notional_max": 10**15,
    "open_notional_max": 10**15,
    "orders_per_second_max": 10**6,
}
MEMBER_ROW = {"requests_max": 10**6, "orders_max": 40, "products": 0b11110}
NARROW = {
    "open_orders_max": (0, 2, 5),
    "position_long_max": (0, 5, 20),
    "position_short_max": (0, 5, 20),
    "order_notional_max": (0, 5_000 * 10**6, 15_000 * 10**6),
    "open_notional_max": (0, 20_000 * 10**6, 60_000 * 10**6),
    "orders_per_second_max": (0, 1, 3),
}
NASTY = (
    *(0, 1, 2, -1, 7, 8, 9, 16, 32, 49, 50, 255, 256, 65_535),
    *(2**31 - 1, 2**32 - 1, 2**63 - 1, -(2**63)),
)


class Dice:
    """Choices of a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.source = random.Random(seed)

    def pick(self, options: Sequence[Any]) -> Any:
        """One of the options."""
        return options[int(self.source.random() * len(options))]

    def number(self, low: int, high: int) -> int:
        """A number from low to high, both included."""
        return low + int(self.source.random() * (high - low + 1))


def small_world() -> list[dict]:
    """Four products, six instruments, four members, five accounts."""
    moved = ALL_FEATURES & ~w.REPLACE_KEEPS_PLACE | w.AUCTION_MIN_SURPLUS | w.PRICE_BANDS
    gross = w.POSITION_EFFECT_REQUIRED | w.AUCTION_HIDDEN | w.AUCTION_MIN_SURPLUS
    gross |= w.LISTING_LIMIT_DOUBLE | w.PAUSES | w.PAUSE_PRODUCT | w.LOCKED_DAYS
    pauses = {"velocity_ticks": 4, "velocity_seconds": 3, "breaker_bp": 500, "pause_seconds": 5}
    usual = {"qty_max": 40, "limit_bp": 500, "band_ticks": 2, "display_min_bp": 2_000}
    usual |= {"ladder_bp": 500, "locked_1_bp": 300, "locked_2_bp": 500, "bust_seconds": 60}
    banded = usual | {"static_band_ticks": 4, "dynamic_band_ticks": 2, "settle_window_seconds": 2}
    wide = usual | {"tick": FINE_TICK, "band_ticks": 1_500, "ladder_bp": 700, "block_qty_min": 0}
    return [
        product(1, features=ALL_FEATURES | w.LOCKED_DAYS, **usual),
        gross_product(2, **(usual | {"qty_max": 30, "features": gross | w.CLOSING_FIRST} | pauses)),
        product(3, price_rule=w.MEDIAN3, features=moved | w.SETTLE_WINDOW, currency=2, **banded),
        product(4, features=ALL_FEATURES | w.AUCTION_HIDDEN, **wide),
        instrument(1, 1, last_trading_date=FAR_DAY),
        instrument(2, 1, last_trading_date=DAY_1 + 2),
        instrument(3, 2, last_trading_date=FAR_DAY),
        instrument(4, 2, last_trading_date=DAY_1 + 3),
        instrument(5, 3, last_trading_date=FAR_DAY),
        instrument(6, 4, last_trading_date=FAR_DAY),
        *(member(number, **MEMBER_ROW) for number in (1, 2, 3)),
        member(4, **(MEMBER_ROW | {"products": 1 << 1})),
        *(account(who.account, who.member, **WIDE) for who in (*TRADERS, OUTSIDER)),
        *(session(who.session, who.member) for who in (*TRADERS, OUTSIDER)),
    ]


@dataclass
class Flow:
    """Makes one command after another; `made` counts them, `names` remembers (member, id)."""

    seed: int
    spoils: int = 40  # one command of so many gets nasty values
    made: int = 0
    time_ns: int = START_NS + SECOND
    date: int = DAY_1
    venue_day: int = DAY_1
    instruments: int = 6
    names: dict[int, list[tuple[str, int]]] = field(default_factory=dict)  # all of a member
    alive: Callable[[int], list[tuple[Any, int]]] = lambda member: []  # ids, instruments
    around: Callable[[int], int] = lambda instrument: 100  # ticks of its last trade
    quoter: Who = ALPHA  # of the last mass quote, which may go on
    repairs: list[dict] = field(default_factory=list)  # what ends a halt or a narrow limit

    def __post_init__(self) -> None:
        self.dice = Dice(self.seed)
        self.calm = self.dice.pick((0, 2, 3))  # how many of four aggressive orders stay passive

    def next(self) -> dict:
        """The next command, with its time and message number."""
        self.made += 1
        self.time_ns += self.dice.pick((0, 0, 1, 10_000_000, SECOND // 3))
        if self.repairs and self.dice.number(1, 10) == 1:
            made = self.repairs.pop(0)
        else:
            made = self._choose()(self)
        if self.dice.number(1, self.spoils) == 1 and made["kind"] >= w.NEW_ORDER:
            made = self._spoil(made)
        made["time_ns"], made["msg_seq_num"] = self.time_ns, self.made
        return made

    def _choose(self) -> Callable[[Flow], dict]:
        roll = self.dice.number(0, 999)
        for share, maker in MAKERS:
            if roll < share:
                spared = maker in SWEEPS and self.dice.number(1, 4) <= self.calm
                return Flow._new if spared else maker
            roll -= share
        return Flow._new

    def _who(self) -> Who:
        return OUTSIDER if self.dice.number(1, 40) == 1 else self.dice.pick(TRADERS)

    def _name(self, who: Who, instrument_id: int) -> Any:
        """A new id of the member, seldom one it used before."""
        given = self.names.setdefault(who.member, [])
        if given and self.dice.number(1, 50) == 1:
            return self.dice.pick(given[-20:])[0]
        if self.dice.number(1, 30) == 1:  # ids that differ in one word only, or are empty
            words = [0, 0, 0]
            words[self.dice.number(0, 2)] = self.dice.pick((0, self.made, self.made))
            return tuple(words)
        given.append((f"{self.made}", instrument_id))
        return given[-1][0]

    def _orig(self, who: Who) -> tuple[Any, int]:
        """The id and instrument of a living order of the member, sometimes of any request."""
        given = self.alive(who.member)
        if not given or self.dice.number(1, 8) == 1:
            given = (self.names.get(who.member) or [("none", 1)])[-15:]
        return self.dice.pick(given)

    def _price(self, side: int, number: int) -> int:
        """Some ticks from the last trade, mostly passive; seldom at the limits or beyond."""
        away = self.dice.number(-2, 3)
        if away < 2 and self.dice.number(1, 4) <= self.calm:
            away += 3
        if self.dice.number(1, 25) == 1:
            away = self.dice.pick((-20, -6, -5, -4, 4, 5, 6, 20))
        price = (self.around(number) + (-away if side == w.BUY else away)) * TICK
        if number == WIDE_INSTRUMENT:
            price += self.dice.pick((0, 0, FINE_TICK, self.dice.number(-2_000, 2_000) * FINE_TICK))
        return price

    def _qty(self) -> int:
        if self.dice.number(1, 40) == 1:
            return self.dice.pick((0, -1, 30, 31, 40, 41))
        return self.dice.number(1, 12)

    def _new(self) -> dict:
        dice, who = self.dice, self._who()
        number = dice.pick(
            (1, 1, 1, 1, 2, 3, 3, 3, 4, 5, 5, 6, 6, dice.number(1, self.instruments))
        )
        if dice.number(1, 60) == 1:
            number = 14
        qty = self._qty()
        side = dice.pick((w.BUY, w.SELL))
        name = self._name(who, number)
        made = new(who, name, side, qty, 0, instrument=number, price=self._price(side, number))
        gross = number in (3, 4)
        kinds = (w.DAY,) * 5 + (w.IOC, w.FOK) + (() if gross else (w.GTC, w.GTC, w.GTD))
        made["time_in_force"] = dice.pick(kinds)
        if made["time_in_force"] == w.GTD:
            made["expire_date"] = self.date + dice.pick((0, 1, 1, 2, 3, -1))
        closing = (w.CLOSE, w.CLOSE_TODAY, w.CLOSE_TODAY, w.CLOSE_YESTERDAY)
        effects = (w.OPEN,) * 5 + closing if gross else (0,)
        made["position_effect"] = dice.pick(effects)
        made["self_match"] = dice.pick((0, 0, ord("O"), ord("N"), ord("B"), ord("D"), ord("D")))
        made["self_match_id"] = dice.pick((0, 0, 0, 0, 1, 2))
        if not gross:
            self._options(made, qty)
            if dice.number(1, 6) == 1:
                self._make_stop(made)
        if dice.number(1, 12) == 1:
            made.update(self._flaw())
        return made

    def _options(self, made: dict, qty: int) -> None:
        """Icebergs, post-only, minimum quantity, market orders."""
        roll = self.dice.number(1, 10)
        resting = made["time_in_force"] in (w.DAY, w.GTC, w.GTD)
        if roll <= 3 and resting and qty > 1:
            made["display_qty"] = max(1, qty // self.dice.pick((2, 3, 4, 5, 7)))
        elif roll == 4 and resting:
            made["exec_inst"] = 1
        elif roll <= 7 and made["time_in_force"] == w.IOC:
            made["min_qty"] = self.dice.number(1, 12)
        elif roll == 8 and made["time_in_force"] in (w.DAY, w.IOC, w.FOK):
            made["ord_type"] = w.MARKET

    def _make_stop(self, made: dict) -> None:
        """A stop order near the last trade; seldom on its wrong side."""
        dice, number = self.dice, made["instrument"]
        away = dice.pick((1, 1, 1, 2, 2, 3, 4, 0, -1)) * (1 if made["side"] == w.BUY else -1)
        made["ord_type"] = dice.pick((w.STOP, w.STOP_LIMIT))
        made["stop_price"] = (self.around(number) + away) * TICK
        made["price"] = made["stop_price"] + dice.number(-1, 2) * TICK
        if made["time_in_force"] in (w.IOC, w.FOK):
            made["time_in_force"] = w.DAY
        made["display_qty"] = made["exec_inst"] = made["min_qty"] = 0

    def _flaw(self) -> dict:
        """One thing that is often wrong."""
        return self.dice.pick(
            (
                {"side": 53},
                {"ord_type": ord("K")},
                {"ord_type": w.STOP},
                {"ord_type": w.STOP_LIMIT, "time_in_force": w.IOC},
                {"stop_price": self.dice.pick((0, TICK // 2, 60 * TICK, 101 * TICK))},
                {"ord_type": w.MARKET},
                {"time_in_force": ord("7")},
                {"time_in_force": w.GTC},
                {"price": 100 * TICK + 5},
                {"expire_date": self.date},
                {"min_qty": 3},
                {"display_qty": 1},
                {"exec_inst": 1},
                {"position_effect": 0},
                {"position_effect": ord("X")},
                {"position_effect": w.CLOSE},
                {"self_match": 1},
                {"account": self.dice.number(0, 16)},
                {"reason": int(Reject.STALE_POSS_DUP)},
            )
        )

    def _cancel(self) -> dict:
        who = self._who()
        orig, number = self._orig(who)
        made = cancel(who, self._name(who, number), orig, instrument=number)
        if self.dice.number(1, 10) == 1:
            made["instrument"] = self.dice.number(1, 6)
        made["side"] = self.dice.pick((0, 0, 0, 0, w.BUY, w.SELL))
        return made

    def _replace(self) -> dict:
        dice, who = self.dice, self._who()
        orig, number = self._orig(who)
        name = self._name(who, number)
        price = self._price(dice.pick((w.BUY, w.SELL)), number)
        made = replace(who, name, orig, self._qty(), 0, instrument=number, price=price)
        made["stop_price"] = self._price(dice.pick((w.BUY, w.SELL)), number)
        made["display_qty"] = dice.pick((0, 0, 0, 0, 2, made["qty"] // 2, made["qty"] // 3))
        if dice.number(1, 10) == 1:
            made["expire_date"] = self.date + dice.number(0, 3)
        if dice.number(1, 8) == 1:
            made.update(self._flaw())
        return made

    def _mass_cancel(self) -> dict:
        dice, who = self.dice, self._who()
        scope = dice.pick((w.SCOPE_INSTRUMENT, w.SCOPE_PRODUCT, w.SCOPE_MEMBER, ord("2")))
        name = self._name(who, 1)
        made = mass_cancel(who, name, scope, side=dice.pick((0, 0, w.BUY, w.SELL)))
        made["instrument"], made["product"] = dice.number(1, 7), dice.number(1, 5)
        return made

    def _session_lost(self) -> dict:
        return session_lost(self._who())

    def _account(self) -> dict:
        """One limit becomes narrow for a while."""
        who = self._who()
        name = self.dice.pick(tuple(NARROW))
        self.repairs.append(account(who.account, who.member, **WIDE))
        return account(who.account, who.member, **(WIDE | {name: self.dice.pick(NARROW[name])}))

    def _member(self) -> dict:
        """Quotas or permissions become narrow for a while."""
        who = self._who()
        usual = MEMBER_ROW | ({"products": 1 << 1} if who is OUTSIDER else {})
        self.repairs.append(member(who.member, **usual))
        narrow = ({"requests_max": 5}, {"orders_max": 0}, {"orders_max": 5}, {"products": 1 << 1})
        return member(who.member, **(usual | self.dice.pick(narrow)))

    def _halt(self) -> dict:
        self.repairs.insert(0, command(w.RESUME))
        return command(w.HALT, reason=int(Reject.VENUE_HALTED))

    def _phase(self) -> dict:
        """Another phase for an instrument or a product; later it trades again."""
        dice = self.dice
        scope = {"instrument": dice.number(1, self.instruments)}
        if dice.number(1, 3) == 1:
            scope = {"instrument": 0, "product": dice.number(1, 4)}
        if dice.number(1, 12) == 1:
            scope = {"instrument": dice.pick((0, 14, 99)), "product": dice.pick((0, 5, 9, 99))}
        phase = dice.pick(PHASES)
        end_ns = dice.pick((0, 0, 0, 0, self.time_ns + SECOND, self.time_ns + 10 * SECOND))
        reason = dice.pick((0, 0, 7, w.OPERATOR))
        let_go = w.OPERATOR if reason == w.OPERATOR else 0
        self.repairs.append(set_phase(w.CONTINUOUS, reason=let_go, **scope))
        self.repairs.append(set_phase(w.CONTINUOUS, instrument=0, product=2))  # it pauses by itself
        row = {"scheduled_end_ns": end_ns, "reason": reason}
        made = set_phase(phase, **scope, **row)
        if dice.number(1, 40) == 1:
            made["row"], made["blob"] = None, made["blob"][:-1]
        return made

    def _kill(self) -> dict:
        """A member or a session is blocked for a while; seldom one that is not there."""
        dice, who = self.dice, self._who()
        session_id = dice.pick((0, who.session, who.session, 1, 99))
        if dice.number(1, 6) == 1:
            return release(who, session_id, reason=dice.number(0, 1))
        self.repairs.insert(0, release(who, session_id))
        return kill(who, session_id, reason=dice.pick((0, 1, 7)))

    def _silent(self) -> dict:
        who = self._who()
        kind = self.dice.pick((w.REFUSED, w.STATUS_REQUEST, 0, 9, 24, 255))
        return command(kind, session=who.session, member=who.member)

    def _roll_product(self) -> dict:
        number = self.dice.pick((1, 2, 3, 4, 5))
        if number == 1:
            self.date += 1
        return roll_product(number, self.date)

    def _roll_day(self) -> dict:
        self.venue_day += 1
        return roll_day(self.venue_day)

    def _instrument(self) -> dict:
        """A fresh instrument of product 1 or 3, or a definition that is ignored."""
        if self.instruments < 12:
            self.instruments += 1
        number = self.dice.pick((self.instruments, self.instruments, 1, 0, 99))
        ends = self.date + self.dice.number(0, 6)
        dates = {"trading_date": self.date, "last_trading_date": ends}
        return instrument(number, self.dice.pick((1, 1, 3, 9)), **dates)

    def _spoil(self, made: dict) -> dict:
        """Random values in a few fields, seldom in all: what a broken gateway might write."""
        spoiled = dict(made)
        names = [self.dice.pick(SPOILED) for _ in range(self.dice.number(1, 3))]
        rolls = made["kind"] in (w.ROLL_PRODUCT, w.ROLL_DAY)
        if not rolls and self.dice.number(1, 8) == 1:
            names = list(SPOILED)
            spoiled["kind"] = self.dice.pick((*range(1, 6), *range(10, 17), 99))
            spoiled["blob"], spoiled["row"] = b"", None
        for name in names:
            if not (rolls and name == "trading_date"):
                spoiled[name] = self._nasty(t.COMMAND[name])
        return spoiled

    def _nasty(self, dtype: np.dtype) -> int:
        """A value near a bound, of a field's size and sign."""
        bits = dtype.itemsize * 8
        value = self.dice.pick(NASTY) & (1 << bits) - 1
        return value - (1 << bits) if dtype.kind == "i" and value >= 1 << bits - 1 else value


SPOILED = tuple(
    name
    for name in t.COMMAND.names
    if not name.startswith(("cl_ord_id", "orig_cl_ord_id", "blob_", "time_ns", "msg_seq", "kind"))
)

# parts of a thousand; the rest are new orders
MAKERS: tuple[tuple[int, Callable[[Flow], dict]], ...] = (
    (120, Flow._cancel),
    (200, Flow._replace),
    (8, Flow._mass_cancel),
    (5, Flow._session_lost),
    (12, Flow._account),
    (4, Flow._member),
    (3, Flow._halt),
    (3, Flow._kill),
    (6, Flow._silent),
    (6, Flow._roll_product),
    (3, Flow._roll_day),
    (3, Flow._instrument),
    (8, Flow._phase),
    *QUOTE_MAKERS,
)
SWEEPS = (Flow._mass_cancel, Flow._session_lost, Flow._roll_product)  # they empty the books
