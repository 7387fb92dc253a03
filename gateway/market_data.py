"""Market data over FIX for members without multicast: snapshots, and updates by comparison.

An update is the difference between what a session was told last and what the book shows now, so
that a session that takes little is told less often and never a growing queue. Nothing is looked at
while nobody subscribes.

Data path: Inquiries -> here -> fields of W, X and Y.
Source: specs/order_entry.md O-140 to O-144, O-175;
docs/decisions/0165-market-data-over-fix.md, 0194-whole-books-over-fix.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import cast

import numpy as np

from engine.machine import Engine
from engine.sequencer import Sequencer
from gateway.book_levels import shown_levels
from gateway.definitions import Known
from gateway.level_changes import NO_LEVELS, changes
from gateway.market_status import Said
from gateway.market_tape import Tape, Trade
from gateway.message import Field, Message
from gateway.values import format_price, format_timestamp

MARKET_DATA = b"V"
WATCHED_MAX = 256  # instruments of a session, over all its subscriptions
ENTRIES_MAX = 64  # of one incremental refresh
REFRESH_ENTRIES_MAX = 1_000  # of one full refresh: what is more follows incrementally
TURN_REFRESHES_MAX = 16  # incremental ones in a row; then others have a turn
SUBSCRIBE, STOP = b"1", b"2"  # SubscriptionRequestType (263)
FULL_REFRESH, INCREMENTAL = b"0", b"1"  # MDUpdateType (265)
NEW, CHANGE, DELETE = 0, 1, 2  # MDUpdateAction (279)
BID, OFFER, TRADE, OPENING, SETTLEMENT = b"0", b"1", b"2", b"4", b"6"  # MDEntryType (269)
HIGH, LOW, VOLUME, OPEN_INTEREST = b"7", b"8", b"B", b"C"
KINDS = frozenset((BID, OFFER, TRADE, OPENING, SETTLEMENT, HIGH, LOW, VOLUME, OPEN_INTEREST))

# MDReqRejReason (281)
UNKNOWN_SYMBOL, DUPLICATE, TOO_MUCH = 0, 1, 2
DEPTH_NOT_TAKEN, UPDATES_NOT_TAKEN, NOT_AGGREGATED, KIND_NOT_TAKEN = 5, 6, 7, 8

Levels = dict[bytes, np.ndarray]  # of BID and OFFER: int64[n, 3], as shown_levels has them
Entries = dict[bytes, int]  # of the other types: price 1e-9, or lots


@dataclass
class Watched:
    """An instrument of a request. told: what was told last, None: nothing yet; through: event."""

    number: int
    symbol: str
    told: Entries | None = None
    levels: Levels = field(default_factory=dict)  # told last
    through: int = 0


@dataclass
class Request:
    """What a MarketDataRequest asks for."""

    request_id: bytes
    depth: int  # levels, 0: all
    kinds: frozenset[bytes]
    incremental: bool
    watched: list[Watched]


class MarketData:
    """Answers MarketDataRequests and keeps subscriptions. interval_ns: between two updates."""

    def __init__(self, sequencer: Sequencer, known: Known, interval_ns: int) -> None:
        self._sequencer = sequencer
        self._known = known
        self._interval_ns = interval_ns
        self._tape = Tape(sequencer)
        self._rows = np.zeros((2, 3), np.int64)  # as many as a book had at most
        self._sessions: dict[int, dict[bytes, Request]] = {}
        self._told_ns: dict[int, int] = {}

    def load(self) -> None:
        """Loads the kernel's machine code, so that the first request does not wait for it."""
        shown_levels(self._engine, 0, self._rows)

    def forget(self, session: int) -> None:
        """The session logged out or was lost: its subscriptions are gone."""
        self._sessions.pop(session, None)
        self._told_ns.pop(session, None)

    def answer(self, session: int, message: Message) -> Iterator[Said | None]:
        """What a valid request is answered, one message at a time; subscribes at once.

        None: more in another turn.
        """
        request_id = message.get(262) or b""
        kept = self._sessions.get(session, {})
        how = message.get(263)
        if how == STOP:
            if kept.pop(request_id, None) is None:
                return iter((_refused(session, request_id, None, "no subscription of this id"),))
            if not kept:
                self.forget(session)
            return iter(())
        fault = self._fault(message, kept)
        if fault is not None:
            return iter((_refused(session, request_id, *fault),))
        request = self._request(message)
        if not self._sessions:
            self._tape.begin()
        if how == SUBSCRIBE:
            self._sessions.setdefault(session, kept)[request_id] = request
        return self._snapshots(session, request, how == SUBSCRIBE)

    def due(self, now_ns: int) -> list[int]:
        """Sessions whose last update is long enough ago and who have something new to hear."""
        if not self._sessions:
            return []
        self._tape.read_on()
        return [session for session in self._sessions if self.is_due(session, now_ns)]

    def is_due(self, session: int, now_ns: int) -> bool:
        """Whether a session is one of due(), as far as that has looked."""
        kept = self._sessions.get(session, {})
        return now_ns - self._told_ns.get(session, 0) >= self._interval_ns and any(
            self._is_new(one) for request in kept.values() for one in request.watched
        )

    def updates(self, session: int, now_ns: int) -> Iterator[Said | None]:
        """What has changed since a session was told last (O-142), one message at a time."""
        self._told_ns[session] = now_ns
        for request in list(self._sessions.get(session, {}).values()):
            for watched in request.watched:
                if self._sessions.get(session, {}).get(request.request_id) is not request:
                    break
                if self._is_new(watched):
                    yield from self._update(session, request, watched)

    # -- helpers

    def _is_new(self, watched: Watched) -> bool:
        return watched.told is not None and self._tape.changed[watched.number] > watched.through

    def _fault(self, message: Message, kept: dict[bytes, Request]) -> tuple[int | None, str] | None:
        """MDReqRejReason and text of a request that is not taken; None: it is (O-143)."""
        depth, symbols = message.number(264), message.all(55)
        subscribes = message.get(263) == SUBSCRIBE
        refused = sorted(set(message.all(269)) - KINDS)
        unknown = [one for one in symbols if one.decode("latin-1") not in self._known.instruments]
        watched = sum(len(request.watched) for request in kept.values())
        if refused:
            return KIND_NOT_TAKEN, f"MDEntryType (269) {refused[0].decode()} is not kept"
        if depth is None or depth < 0:
            return DEPTH_NOT_TAKEN, "MarketDepth (264) is a number of levels, 0: all"
        if message.get(266) == b"N":
            return NOT_AGGREGATED, "levels only: AggregatedBook (266) Y"
        if subscribes and message.get(265) is None:
            return UPDATES_NOT_TAKEN, "MDUpdateType (265) is 0 or 1 in a subscription"
        if unknown:
            return UNKNOWN_SYMBOL, f"unknown symbol {unknown[0].decode('ascii', 'replace')}"
        if subscribes and message.get(262) in kept:
            return DUPLICATE, "MDReqID (262) has a subscription already"
        if len(symbols) + (watched if subscribes else 0) > WATCHED_MAX:
            return TOO_MUCH, f"more than {WATCHED_MAX} instruments"
        return None

    def _request(self, message: Message) -> Request:
        names = list(dict.fromkeys(one.decode() for one in message.all(55)))
        rows = self._known.instruments
        return Request(
            message.get(262) or b"",
            message.number(264) or 0,
            frozenset(message.all(269)),
            message.get(265) == INCREMENTAL,
            [Watched(int(rows[name]["instrument"]), name) for name in names],
        )

    def _snapshots(self, session: int, request: Request, subscribed: bool) -> Iterator[Said | None]:
        for watched in request.watched:
            if subscribed and request is not self._sessions.get(session, {}).get(
                request.request_id
            ):
                return
            self._tape.read_on()
            levels, entries = self._levels(request, watched), self._entries(request, watched)
            yield from self._refresh(session, request, watched, levels, entries, [])

    def _update(self, session: int, request: Request, watched: Watched) -> Iterator[Said | None]:
        levels, entries = self._levels(request, watched), self._entries(request, watched)
        told, told_levels = watched.told or {}, watched.levels
        self._tape.read_on()
        trades = []
        if TRADE in request.kinds:
            trades = self._tape.trades(watched.number, watched.through)
        if not request.incremental:
            is_same = all(np.array_equal(told_levels[kind], levels[kind]) for kind in levels)
            if trades or entries != told or not is_same:
                yield from self._refresh(session, request, watched, levels, entries, trades)
            watched.through = self._tape.through
            return
        parts = [*_level_differences(told_levels, levels, watched.symbol)]
        parts += _differences(told, entries, watched.symbol)
        parts += [_trade_fields(trade, watched.symbol) for trade in trades]
        watched.levels, watched.told, watched.through = levels, entries, self._tape.through
        yield from _increments(session, request.request_id, parts)

    def _refresh(
        self,
        session: int,
        request: Request,
        watched: Watched,
        levels: Levels,
        entries: Entries,
        trades: list[Trade],
    ) -> Iterator[Said | None]:
        """A full refresh, and what goes beyond it behind it (O-175).

        Without a new trade it tells the price of the date's last one.
        """
        watched.levels, watched.told, watched.through = levels, entries, self._tape.through
        parts = [[(269, kind), *_entry_fields(kind, value)] for kind, value in entries.items()]
        parts += [_trade_fields(trade, "")[1:] for trade in trades]
        row = self._engine.tables().instruments[watched.number]
        if TRADE in request.kinds and not trades and row["volume"]:
            parts.append([(269, TRADE), (270, format_price(int(row["last"])))])
        each = (REFRESH_ENTRIES_MAX - len(parts)) // max(len(levels), 1)
        shown = {kind: rows[:each] for kind, rows in levels.items()}
        best = [
            [(269, kind), *_level_fields(one)] for kind in shown for one in shown[kind].tolist()
        ]
        parts = [*best, *parts]
        fields: list[Field] = [(262, request.request_id), (55, watched.symbol), (268, len(parts))]
        yield Said(session, b"W", fields + [one for part in parts for one in part], False)
        rest = [*_level_differences(shown, levels, watched.symbol)]
        if len(parts) > ENTRIES_MAX:
            yield None
        yield from _increments(session, request.request_id, rest)

    @property
    def _engine(self) -> Engine:
        return cast(Engine, self._sequencer.engine)

    def _levels(self, request: Request, watched: Watched) -> Levels:
        """The levels of the sides asked for, as they are now."""
        wanted = [kind for kind in (BID, OFFER) if kind in request.kinds]
        if not wanted:
            return {}
        count = int(self._engine.tables().instruments[watched.number]["level_count"])
        depth = min(request.depth or count, count)
        if len(self._rows) < 2 * depth:
            self._rows = np.zeros((2 * depth, 3), np.int64)
        rows = self._rows[: 2 * depth]
        bids, asks = shown_levels(self._engine, watched.number, rows)
        found = {BID: rows[:bids].copy(), OFFER: rows[depth : depth + asks].copy()}
        return {kind: found[kind] for kind in wanted}

    def _entries(self, request: Request, watched: Watched) -> Entries:
        """What there is to tell now besides levels and trades (O-141)."""
        entries: Entries = {}
        kinds = request.kinds
        row = self._engine.tables().instruments[watched.number]
        opening = self._engine.opening_price(watched.number) if OPENING in kinds else None
        if opening is not None:
            entries[OPENING] = opening
        if SETTLEMENT in kinds:
            entries[SETTLEMENT] = int(row["reference"])
        if row["volume"]:
            for kind, name in ((HIGH, "day_high"), (LOW, "day_low")):
                if kind in kinds:
                    entries[kind] = int(row[name])
        if VOLUME in kinds:
            entries[VOLUME] = int(row["volume"]) + int(row["block_volume"])
        if OPEN_INTEREST in kinds and not row["spread"]:
            entries[OPEN_INTEREST] = int(row["open_interest"])
        return entries


def _increments(session: int, request_id: bytes, parts: list[list[Field]]) -> Iterator[Said | None]:
    """Incremental refreshes of these entries; None: others have a turn."""
    for count, first in enumerate(range(0, len(parts), ENTRIES_MAX), 1):
        some = parts[first : first + ENTRIES_MAX]
        fields: list[Field] = [(262, request_id), (268, len(some))]
        yield Said(session, b"X", fields + [one for part in some for one in part], False)
        if count % TURN_REFRESHES_MAX == 0:
            yield None


def _level_differences(told: Levels, now: Levels, symbol: str) -> Iterator[list[Field]]:
    """Levels of an incremental refresh: what is gone, then what is new or another (O-142)."""
    found = {kind: changes(told.get(kind, NO_LEVELS), rows) for kind, rows in now.items()}
    for kind, one in found.items():
        for price in one.gone.tolist():
            yield [(279, DELETE), (269, kind), (55, symbol), (270, format_price(price))]
    for kind, one in found.items():
        for action, rows in ((NEW, one.new), (CHANGE, one.other)):
            for level in rows.tolist():
                yield [(279, action), (269, kind), (55, symbol), *_level_fields(level)]


def _differences(told: Entries, now: Entries, symbol: str) -> Iterator[list[Field]]:
    """The same of the other types but trades."""
    for kind in [one for one in told if one not in now]:
        yield [(279, DELETE), (269, kind), (55, symbol)]
    for kind, value in now.items():
        before = told.get(kind)
        if before != value:
            action = NEW if before is None else CHANGE
            yield [(279, action), (269, kind), (55, symbol), *_entry_fields(kind, value)]


def _level_fields(level: list[int]) -> list[Field]:
    price, lots, orders = level
    return [(270, format_price(price)), (271, lots), (346, orders)]


def _entry_fields(kind: bytes, value: int) -> list[Field]:
    lots = kind in (VOLUME, OPEN_INTEREST)
    return [(271, value)] if lots else [(270, format_price(value))]


def _trade_fields(trade: Trade, symbol: str) -> list[Field]:
    date, _, time = format_timestamp(trade.time_ns, 9).partition(b"-")
    fields: list[Field] = [(279, NEW), (269, TRADE), (278, trade.trade_id)]
    if symbol:
        fields.append((55, symbol))
    return [*fields, (270, format_price(trade.price)), (271, trade.qty), (272, date), (273, time)]


def _refused(session: int, request_id: bytes, reason: int | None, text: str) -> Said:
    fields: list[Field] = [(262, request_id)]
    if reason is not None:
        fields.append((281, reason))
    return Said(session, b"Y", [*fields, (58, text)])
