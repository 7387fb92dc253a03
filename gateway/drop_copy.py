"""Drop copies: sessions that are told every execution of some members, and trade nothing.

A copy is the report of an event under a number of the copying session, made from the event log
when the session takes it: what happened while it was away comes when it is back. How far it was
told stands in its part of the session store (gateway/store.py), so that a restart, a kill or a
reset of numbers neither loses an execution nor tells it twice.

Data path: event log -> here -> Reporter -> Session.outgoing and SessionStore.
Source: specs/order_entry.md O-145 to O-147; docs/decisions/0166-drop-copies.md.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.event_reader import EventsMissing
from engine.sequencer import Sequencer
from engine.types import AMENDED_KINDS, EventKind
from gateway.counterparty import Counterparty
from gateway.definitions import Known
from gateway.sent_rows import SentRows
from gateway.states import State

CHUNK_MESSAGES = 64
SCAN_ROWS = 16_384  # looked at in one turn
_TOLD = (*range(EventKind.ACCEPTED, EventKind.CANCEL_REJECTED), EventKind.TRIGGERED)
_KINDS = (*_TOLD, *AMENDED_KINDS, EventKind.BLOCK_TRADED)


class DropCopies:
    """What copying sessions that are logged on are told yet."""

    def __init__(self, sequencer: Sequencer, known: Known) -> None:
        self._sequencer = sequencer
        self._known = known
        self._parties: dict[int, tuple[Counterparty, SentRows]] = {}  # by session, logged on

    def prepare(self, logs: Iterable[SentRows]) -> None:
        """Logs of copying sessions go on where they were; a new one begins with the venue day."""
        for log in logs:
            if not log.copied:
                log.copied = max(self._sequencer.day_first_event - 1, 1)
                log.changed(urgent=True)

    def join(self, party: Counterparty, log: SentRows) -> None:
        """A copying session is logged on."""
        self._parties[party.session] = (party, log)

    def leave(self, session: int) -> None:
        """It is gone."""
        self._parties.pop(session, None)

    def owes(self, session: int) -> bool:
        """Whether there are events that a session has not been told of."""
        found = self._parties.get(session)
        if found is None:
            return False
        party, log = found
        is_there = party.connection is not None and party.connection.state == State.ACTIVE
        return is_there and log.copied < self._sequencer.events_durable()

    def take(self, session: int) -> list[tuple[int, np.ndarray]]:
        """The next (event number, EVENT[1]) to be told, a bounded number; moves on behind them."""
        party, log = self._parties[session]
        first = log.copied + 1
        count = min(SCAN_ROWS, self._sequencer.events_durable() - log.copied)
        try:
            rows = np.concatenate(self._sequencer.event_rows(first, count))
        except EventsMissing:  # of days whose files are no longer kept
            log.copied = max(log.copied, self._sequencer.day_first_event - 1)
            return []
        places = np.flatnonzero(self._are_copied(rows, party))
        if len(places) > CHUNK_MESSAGES:
            places = places[:CHUNK_MESSAGES]
            log.copied = first + int(places[-1])
        else:
            log.copied += len(rows)
        return [(first + place, rows[place : place + 1]) for place in places.tolist()]

    def _are_copied(self, rows: np.ndarray, party: Counterparty) -> np.ndarray:
        """Executions that the members were told; refusals without a request row are none (O-30)."""
        names = party.options.drop_copy
        known = self._known.members
        members = [int(known[name]["member"]) for name in names if name in known]
        told = np.isin(rows["kind"], _KINDS) & (rows["session"] != 0)
        bare = (rows["kind"] == EventKind.REJECTED) & (rows["request"] == 0)
        return np.asarray(told & ~bare & np.isin(rows["member"], members))
