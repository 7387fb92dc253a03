"""What a running venue can say of itself, read when somebody asks; nothing is counted for it.

The one source of `sitex admin` and of the metrics. Rates come of the session numbers, of which the
service keeps a copy a second.

Source: docs/decisions/0161-operator.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
from msgspec import Struct

from engine.machine import Engine
from gateway.assembly import Assembly
from gateway.counterparty import Counterparty
from gateway.liveness import SECOND_NS
from gateway.server import Line, Listener
from gateway.states import State
from gateway.waits import Waits
from specs.venue import VenueConfig

AWAY = "AWAY"


class SessionStatistics(Struct, frozen=True):
    """One session; bytes and messages, rates a second over the last one or two seconds."""

    session: str
    member: str
    state: str  # AWAY, or of the connection (gateway/states.py)
    address: str
    tls: bool
    expected_in: int
    next_out: int
    messages_in_per_second: float
    messages_out_per_second: float
    unread_bytes: int  # received, not taken
    unsent_bytes: int  # written, not taken by the peer
    waits_for_disk: int  # writes
    throttled: int  # messages refused by the rate
    resending: bool
    killed: bool
    disabled: bool


class VenueStatistics(Struct, frozen=True):
    """The venue as a whole, and its sessions in order of definition."""

    time_ns: int
    venue_day: str
    halted: str  # why; empty: it is not
    commands: int
    events: int
    journal_bytes: int
    journal_durable_bytes: int
    connections: int
    connections_refused: int
    sessions_active: int
    logons_failed: int
    logons_turned_away: int
    cut_off: int  # connections that did not read
    venue_time_ns: int  # the venue clock
    clock_speed: int  # times real time
    feed_starts: int  # of the feed's process; 0: none was begun
    turn_wait_ms: float  # the longest that the event loop was late, over the last 10 s
    disk_wait_ms: float  # the longest that a turn took to be durable, over the last 10 s
    sessions: list[SessionStatistics]


class Health:
    """What the service alone knows of how it runs."""

    def __init__(self, feed_starts: Callable[[], int] = lambda: 0) -> None:
        self.feed_starts = feed_starts
        self.turns = Waits()
        self.disk = Waits()


class Rates:
    """Session numbers a second apart."""

    def __init__(self, sessions: np.ndarray) -> None:
        self._numbers = [sessions["expected_in"], sessions["next_out"]]
        self._older = self._newer = (0, [one.copy() for one in self._numbers])

    def sample(self, now_ns: int) -> None:
        """Copies the numbers, at most once a second."""
        if now_ns - self._newer[0] >= SECOND_NS:
            self._older = self._newer
            self._newer = (now_ns, [one.copy() for one in self._numbers])

    def of(self, session: int, now_ns: int) -> tuple[float, float]:
        """Messages in and out a second; numbers that began again count from 1."""
        since_ns, before = self._older
        seconds = (now_ns - since_ns) / SECOND_NS if since_ns else 0.0
        if seconds <= 0:
            return 0.0, 0.0
        moved = [
            _moved(one.item(session), old.item(session)) / seconds
            for one, old in zip(self._numbers, before, strict=True)
        ]
        return round(moved[0], 1), round(moved[1], 1)


def _moved(now: int, before: int) -> int:
    return now - before if now >= before else now - 1


def statistics(
    parts: Assembly,
    config: VenueConfig,
    listener: Listener | None,
    rates: Rates,
    health: Health,
    now_ns: int,
) -> VenueStatistics:
    """Everything, at this moment; between turns."""
    venue, sequencer = parts.venue, parts.sequencer
    tables = cast(Engine, sequencer.engine).tables()
    killed = tables.sessions["killed"] | tables.members["killed"][tables.sessions["member"]]
    of_session = {comp_id: one.name for one in config.members for comp_id in one.comp_ids}
    sessions = [
        _session(
            party,
            venue.lines.get(party.connection) if party.connection else None,
            of_session.get(party.peer.decode(), ""),
            bool(killed[party.session]),
            rates.of(party.session, now_ns),
        )
        for party in parts.registry.directory.parties()
    ]
    return VenueStatistics(
        time_ns=now_ns,
        venue_day=parts.days.today.isoformat(),
        halted=sequencer.halted,
        commands=sequencer.command_count,
        events=sequencer.events_written(),
        journal_bytes=sequencer.written,
        journal_durable_bytes=sequencer.durable,
        connections=listener.connections if listener else 0,
        connections_refused=listener.refused if listener else 0,
        sessions_active=sum(one.state == State.ACTIVE.name for one in sessions),
        logons_failed=parts.admission.failed,
        logons_turned_away=parts.admission.turned_away,
        cut_off=venue.cut_off,
        venue_time_ns=parts.clock.at(now_ns),
        clock_speed=parts.clock.speed,
        feed_starts=health.feed_starts(),
        turn_wait_ms=_milliseconds(health.turns.greatest_ns(now_ns)),
        disk_wait_ms=_milliseconds(health.disk.greatest_ns(now_ns)),
        sessions=sessions,
    )


def _milliseconds(time_ns: int) -> float:
    return round(time_ns / 1e6, 3)


def _session(
    party: Counterparty, line: Line | None, member: str, killed: bool, rates: tuple[float, float]
) -> SessionStatistics:
    session = party.connection
    return SessionStatistics(
        session=party.peer.decode(),
        member=member,
        state=AWAY if session is None else session.state.name,
        address="" if line is None else line.origin.address,
        tls=line is not None and line.origin.tls,
        expected_in=party.expected_in,
        next_out=party.next_out,
        messages_in_per_second=rates[0],
        messages_out_per_second=rates[1],
        unread_bytes=0 if line is None else line.filled,
        unsent_bytes=0 if line is None else line.unsent,
        waits_for_disk=0 if line is None else line.held,
        throttled=party.throttled,
        resending=session is not None and session.resending,
        killed=killed,
        disabled=party.access.disabled,
    )
