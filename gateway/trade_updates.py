"""Who is told of a member's trades as they come, and how far each subscription has been told.

The event log is the queue: it is read once for all subscribers, and says from where on each has
something to hear. Who reads slowly is told later and of every trade. Nothing is looked at while
nobody subscribes.

Data path: Inquiries -> here -> event log -> fields of AE.
Source: specs/order_entry.md O-176; docs/decisions/0195-trades-as-they-come.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.sequencer import Sequencer
from engine.types import AMENDED_KINDS, EventKind
from gateway.market_status import Said
from gateway.message import Field

SUBSCRIPTIONS_MAX = 8  # of a session
SCAN_ROWS = 16_384  # looked at in one turn
_KINDS = (EventKind.FILL, *AMENDED_KINDS, EventKind.BLOCK_TRADED)


class Wanted(NamedTuple):
    """What a request asks for. members: their numbers; values: EVENT fields that trades have."""

    members: list[int]
    values: dict[str, int]
    dates: tuple[int, int]  # first and last trading date, yyyymmdd
    times_ns: tuple[int, int]  # venue clock, both included
    first_event: int


def are_wanted(rows: np.ndarray, wanted: Wanted) -> np.ndarray:
    """Which EVENT rows are trades, busts or corrections that are asked for; bool[n]."""
    found = np.isin(rows["kind"], _KINDS) & np.isin(rows["member"], wanted.members)
    for name, value in wanted.values.items():
        found &= rows[name].astype(np.int64) == value
    dates, times_ns = rows["trading_date"], rows["time_ns"]
    found &= (dates >= wanted.dates[0]) & (dates <= wanted.dates[1])
    found &= (times_ns >= wanted.times_ns[0]) & (times_ns <= wanted.times_ns[1])
    return np.asarray(found)


@dataclass
class Subscription:
    """through: the last event that it is told of or has nothing to do with; count: reports so far.

    due: an event before which there is none that it has to be told of; 0: there is none at all.
    """

    wanted: Wanted
    through: int
    count: int
    due: int = 0


# fields of the reports of events first..last that are wanted; None after each piece of the log
Reports = Callable[[Wanted, int, int], Iterator[list[Field] | None]]


class TradeUpdates:
    """Subscriptions of sessions, by TradeRequestID."""

    def __init__(self, sequencer: Sequencer, reports: Reports) -> None:
        self._sequencer = sequencer
        self._reports = reports
        self._sessions: dict[int, dict[bytes, Subscription]] = {}
        self._through = 0  # the event up to which the log was read

    def forget(self, session: int) -> None:
        """The session logged out or was lost: its subscriptions are gone."""
        self._sessions.pop(session, None)

    def fault(self, session: int, request_id: bytes) -> str:
        """Why there can be no subscription of this id; empty: there can."""
        kept = self._sessions.get(session, {})
        if request_id in kept:
            return "TradeRequestID (568) has a subscription already"
        if len(kept) >= SUBSCRIPTIONS_MAX:
            return f"more than {SUBSCRIPTIONS_MAX} subscriptions"
        return ""

    def begin(
        self, session: int, request_id: bytes, wanted: Wanted, through: int, count: int
    ) -> None:
        """A snapshot of `count` reports went to event `through`: what comes behind it is told."""
        if not self._sessions:
            self._through = through
        behind = through + 1 if through < self._through else 0
        subscription = Subscription(wanted, through, count, behind)
        self._sessions.setdefault(session, {})[request_id] = subscription

    def end(self, session: int, request_id: bytes) -> int | None:
        """Ends a subscription; the number of its reports, None: there is none."""
        kept = self._sessions.get(session, {})
        ended = kept.pop(request_id, None)
        if not kept:
            self.forget(session)
        return None if ended is None else ended.count

    def due(self) -> list[int]:
        """Sessions that have something to hear."""
        if not self._sessions:
            return []
        last = self._sequencer.event_count
        while self._through < last:
            for rows in self._sequencer.event_rows(
                self._through + 1, min(SCAN_ROWS, last - self._through)
            ):
                self._look(rows, self._through + 1)
                self._through += len(rows)
        return [
            session
            for session, kept in self._sessions.items()
            if any(one.due for one in kept.values())
        ]

    def tell(self, session: int) -> Iterator[Said | None]:
        """What a session has to hear, one report at a time; None: more in another turn."""
        for request_id, one in list(self._sessions.get(session, {}).items()):
            if not one.due:
                continue
            first, last = max(one.due, one.through + 1), self._through
            one.due, one.through = 0, last
            for fields in self._reports(one.wanted, first, last):
                if fields is None:
                    yield None
                    continue
                one.count += 1
                head: list[Field] = [(568, request_id), (325, "Y")]
                yield Said(session, b"AE", head + fields, False)

    def _look(self, rows: np.ndarray, first: int) -> None:
        """Who has something to hear of these rows, the first of which has number `first`."""
        trades = rows[np.isin(rows["kind"], _KINDS)]  # few of all: found once for everybody
        for one in [one for kept in self._sessions.values() for one in kept.values()]:
            if not one.due and are_wanted(trades, one.wanted).any():
                one.due = first
