"""Row engine.implied: what implied prices cost over 10 expiries and their 45 calendar spreads.

Method: two engines of the same tables get seeded flows of the same kind, one over 10 months alone,
the other over the months and their spreads with implied prices and their events on. Every month has
a price that walks, a spread the difference of its months'; orders lie around it, one of ten beyond
it. Every other command cancels the oldest order that was not cancelled yet; some of them are gone.
Commands lie ready in memory; by turns each engine takes a chunk in batches of 4,096, and the clock
runs over these apply calls alone (wall time). The row compares the cost of a command; it prints how
many events, implied trades and IMPLIED events there were; a test holds a prefix to the twin.
"""

from __future__ import annotations

import itertools
import time
from collections import Counter

import numpy as np

from engine.layout import aligned_zeros
from engine.limits import EngineLimits
from engine.machine import Engine
from engine.reference import ACCOUNT, INSTRUMENT, MEMBER, PRODUCT, SESSION
from engine.types import (
    COMMAND,
    EVENT,
    REQUEST,
    CommandKind,
    Currency,
    EventFlag,
    EventKind,
    OrdType,
    PositionMode,
    PriceRule,
    ProductFeature,
    Side,
    TimeInForce,
)
from perf.flow import COMMAND_NS, PLENTY, START_NS, TICK
from perf.rows import Row

EXPIRIES = 10
_COMMANDS = 4_000_000
_BATCH, _CHUNK = 4_096, 65_536
_REFERENCE_TICKS = 2_000
_DEPTH = 40  # orders of an instrument before the first is cancelled
_STEPS = 0.05  # share of commands before which the price of a month moves by a tick
_WALK_TICKS = 100  # how far from the reference price
_MEMBERS = 4
_DATE, _LAST_DATE = 20261120, 20271217
_NO_BLOBS = np.zeros(0, np.uint8)


def spreads_of(expiries: int) -> list[tuple[int, int]]:
    """Legs of all calendar spreads, in order of their number."""
    return list(itertools.combinations(range(1, expiries + 1), 2))


def definitions(expiries: int, with_spreads: bool) -> tuple[np.ndarray, np.ndarray]:
    """COMMAND rows and blobs: one product, its months and spreads, members of every permission."""
    product = np.zeros(1, PRODUCT)
    product["product"], product["tick"], product["multiplier"] = 1, TICK, 1_000
    product["qty_max"], product["limit_bp"], product["ladder_bp"] = 1_000, 1_000, 1_500
    product["features"] = ProductFeature.IMPLIED
    product["price_rule"], product["position_mode"] = PriceRule.RESTING, PositionMode.NETTING
    product["currency"], product["code"] = Currency.USD, b"PERF"
    rows: list[tuple[CommandKind, np.ndarray]] = [(CommandKind.DEFINE_PRODUCT, product)]
    legs = spreads_of(expiries) if with_spreads else []
    for number in range(1, expiries + len(legs) + 1):
        row = np.zeros(1, INSTRUMENT)
        row["instrument"], row["product"] = number, 1
        row["first_trading_date"] = row["trading_date"] = _DATE
        row["last_trading_date"], row["symbol"] = _LAST_DATE, b"PERF%d" % number
        if number <= expiries:
            row["reference_price"] = _REFERENCE_TICKS * TICK
        else:
            row["leg_1"], row["leg_2"] = legs[number - expiries - 1]
            row["lots_1"] = row["lots_2"] = 1
        rows.append((CommandKind.DEFINE_INSTRUMENT, row))
    for number in range(1, _MEMBERS + 1):
        member, account, session = np.zeros(1, MEMBER), np.zeros(1, ACCOUNT), np.zeros(1, SESSION)
        member["member"], member["products"], member["name"] = number, 2, b"M%d" % number
        member["requests_max"] = member["orders_max"] = 1 << 30
        for name in ACCOUNT.names or ():
            if name.endswith("_max"):
                account[name] = PLENTY
        account["account"], account["member"] = number, number
        session["session"], session["member"] = number, number
        rows.append((CommandKind.DEFINE_MEMBER, member))
        rows.append((CommandKind.DEFINE_ACCOUNT, account))
        rows.append((CommandKind.DEFINE_SESSION, session))
    commands = np.zeros(len(rows), COMMAND)
    at = 0
    for command, (kind, row) in zip(commands, rows, strict=True):
        command["kind"], command["time_ns"] = kind, START_NS
        command["blob_offset"], command["blob_length"] = at, row.dtype.itemsize
        at += row.dtype.itemsize
    return commands, np.frombuffer(b"".join(row.tobytes() for _, row in rows), np.uint8).copy()


class ImpliedFlow:
    """Orders and cancels over instruments 1 to `instruments`, months first."""

    def __init__(self, expiries: int, instruments: int, seed: int = 7) -> None:
        self.expiries, self.instruments = expiries, instruments
        self.dice = np.random.default_rng(seed)
        self.legs = np.array(spreads_of(expiries)) - 1
        self.walked = np.zeros(expiries, np.int64)
        self.made = 0
        self.orders = np.zeros(0, COMMAND)  # the last ones, which may be cancelled yet

    def next(self, count: int) -> np.ndarray:
        """The next COMMAND rows."""
        dice, commands = self.dice, np.zeros(count, COMMAND)
        numbers = self.made + 1 + np.arange(count)
        commands["time_ns"] = START_NS + numbers * COMMAND_NS
        commands["msg_seq_num"] = commands["cl_ord_id_0"] = commands["cl_ord_id_1"] = numbers
        commands["kind"] = CommandKind.NEW_ORDER
        prices = self._walk(count)
        commands["instrument"] = dice.integers(1, self.instruments + 1, count)
        commands["qty"] = dice.integers(1, 11, count)
        buys = dice.random(count) < 0.5
        commands["side"] = np.where(buys, Side.BUY, Side.SELL)
        away = 1 + dice.geometric(0.3, count)
        away[dice.random(count) < 0.1] = -2  # through the other side's best
        ticks = prices[np.arange(count), commands["instrument"] - 1]
        commands["price"] = (ticks + np.where(buys, -away, away)) * TICK
        commands["ord_type"], commands["time_in_force"] = OrdType.LIMIT, TimeInForce.DAY
        member = dice.integers(1, _MEMBERS + 1, count)
        for name in ("member", "session", "account"):
            commands[name] = member
        self._cancel(commands, numbers)
        self.made += count
        return commands

    def _walk(self, count: int) -> np.ndarray:
        """Ticks of all instruments before each command, int64[count, months and spreads]."""
        steps = np.zeros((count, self.expiries), np.int64)
        month = self.dice.integers(0, self.expiries, count)
        moves = np.where(self.dice.random(count) < 0.5, 1, -1)
        steps[np.arange(count), month] = moves * (self.dice.random(count) < _STEPS)
        far = self.walked + np.cumsum(steps, axis=0)
        self.walked = far[-1]
        round_trip = 4 * _WALK_TICKS  # it turns back at both ends
        away = np.abs((far + _WALK_TICKS) % round_trip - 2 * _WALK_TICKS) - _WALK_TICKS
        months = _REFERENCE_TICKS + away
        return np.hstack([months, months[:, self.legs[:, 0]] - months[:, self.legs[:, 1]]])

    def _cancel(self, commands: np.ndarray, numbers: np.ndarray) -> None:
        """Every other one becomes a cancel of the oldest order that was not cancelled yet."""
        places = np.flatnonzero(numbers % 2 == 0)
        waiting = np.concatenate([self.orders, commands[numbers % 2 == 1]])
        keep = _DEPTH * self.instruments
        count = min(len(places), max(len(self.orders) - keep, 0))
        places = places[len(places) - count :]
        named = waiting[:count]
        cancels = np.zeros(count, COMMAND)
        for name in ("instrument", "side", "member", "session"):
            cancels[name] = named[name]
        for word in (0, 1):
            cancels[f"orig_cl_ord_id_{word}"] = named[f"cl_ord_id_{word}"]
        for name in ("time_ns", "msg_seq_num", "cl_ord_id_0", "cl_ord_id_1"):
            cancels[name] = commands[name][places]
        cancels["kind"] = CommandKind.CANCEL
        commands[places] = cancels
        rest = np.setdiff1d(np.flatnonzero(numbers % 2 == 0), places)
        self.orders = np.concatenate([waiting[count:], commands[rest]])


class Market:
    """One engine, its flow, and what became of it."""

    def __init__(self, with_spreads: bool, count: int) -> None:
        instruments = EXPIRIES + (len(spreads_of(EXPIRIES)) if with_spreads else 0)
        requests_max = count + 2 * _CHUNK + 1_000
        limits = EngineLimits(
            orders_max=requests_max,
            requests_max=requests_max,
            instruments_max=EXPIRIES + len(spreads_of(EXPIRIES)),
            members_max=7,
            accounts_max=7,
            sessions_max=7,
            levels_max=1 << 18,
        )
        self.engine = Engine(limits, aligned_zeros(requests_max * REQUEST.itemsize).view(REQUEST))
        self.engine.touch()
        self.engine.requests.view(np.uint8)[::4096] |= 0
        self.events = aligned_zeros(16 * _CHUNK * EVENT.itemsize).view(EVENT)
        self.events.view(np.uint8)[::4096] = 0
        self.flow = ImpliedFlow(EXPIRIES, instruments)
        self.counts: Counter = Counter()
        self.spent = 0.0
        commands, blobs = definitions(EXPIRIES, with_spreads)
        self.run(commands, blobs)

    def run(self, commands: np.ndarray, blobs: np.ndarray = _NO_BLOBS) -> np.ndarray:
        """Applies the commands in batches and counts the events, which it returns."""
        at = 0
        start = time.perf_counter()
        for first in range(0, len(commands), _BATCH):
            batch = commands[first : first + _BATCH]
            consumed, produced = self.engine.apply(batch, blobs, self.events[at:])
            assert consumed == len(batch) and not self.engine.busy
            at += produced
        self.spent += time.perf_counter() - start
        events = self.events[:at]
        self.counts.update(count_events(events))
        return events


def count_events(events: np.ndarray) -> dict[str, int]:
    """What the row prints: events, implied trades, IMPLIED events, other trades."""
    fills = events[events["kind"] == EventKind.FILL]
    fills = fills[fills["flags"] & EventFlag.LEG == 0]
    implied = fills["flags"] & EventFlag.IMPLIED != 0
    return {
        "events": len(events),
        "trades": len(np.unique(fills["trade_id"][~implied])),
        "implied trades": len(np.unique(fills["trade_id"][implied])),
        "implied prices": int((events["kind"] == EventKind.IMPLIED).sum()),
    }


def implied(scale: float = 1.0) -> list[Row]:
    """Cost of a command with 45 spreads and implied prices, against 10 months alone."""
    chunks = max(int(_COMMANDS * scale) // _CHUNK, 1)
    alone, both = (Market(spreads, (chunks + 1) * _CHUNK) for spreads in (False, True))
    for market in (alone, both):
        market.run(market.flow.next(_CHUNK))  # machine code and the books, not counted
        market.spent, market.counts = 0.0, Counter()
    for _ in range(chunks):
        for market in (alone, both):
            market.run(market.flow.next(_CHUNK))
    commands = chunks * _CHUNK
    ns, alone_ns = (market.spent / commands * 1e9 for market in (both, alone))
    told = ", ".join(f"{count:,} {name}" for name, count in both.counts.items())
    method = f"{commands:,} commands: {told}; baseline: 10 months alone"
    return [Row("engine.implied", ns, "ns/command", alone_ns, ns / alone_ns, method)]
