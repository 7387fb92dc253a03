"""The turn of the venue: bytes of a line -> commands -> events -> reports -> bytes to lines.

All that came from a line in one read goes through in one turn: decoded, journaled, matched,
reported. Nothing leaves before the journal has it: in `os` mode it is written, in `fsync` mode it
is on the disk, and bytes wait in `_held` for that while further turns run ahead. A line that speaks
alone waits in its turn: the way over another thread takes longer than the disk.

Data path: server.Line -> Session -> Desk -> Sequencer -> Reporter -> SessionStore -> server.Line.
Source: gateway/session.py (steps of a turn); docs/decisions/0101-journal-format.md.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.eventlog import EventRows
from engine.sequencer import Sequencer
from engine.turn import VenueHalted
from engine.types import CommandKind
from gateway.acceptor import Acceptor
from gateway.clock import NEVER_NS, VenueClock
from gateway.counterparty import Counterparty
from gateway.desk import Desk
from gateway.facts import Fact, LoggedOn, LoggedOut, Lost
from gateway.liveness import SECOND_NS
from gateway.reporter import Reporter
from gateway.server import Line
from gateway.session import Session
from gateway.short_turns import SHORT_BYTES_MAX, ShortTurns
from gateway.states import State
from gateway.store import SessionStore

REPORT_ROWS_MAX = 16_384  # of a roll, in one payload of the session store
ALONE_BYTES_MAX = 4_096  # of the journal, that a turn may bring to the disk itself
ALONE_NS = 5_000_000  # no other line has spoken for so long
RETRY_NS = 50_000_000
UNREAD_BYTES_MAX = 65_536  # of a peer that is told of the market


class Held(NamedTuple):
    """Bytes that wait until the journal is durable up to `position`."""

    position: int
    line: Line
    data: bytes


class Venue:
    """The lines of a running venue and what happens to their bytes.

    clock: ns of the session clock; venue_clock: what commands carry. on_sync: called when bytes
    begin to wait for the disk. tell: told the last event number that readers may see. on_schedule:
    called before a turn at or after `due_ns` (session clock), so that no command overtakes a phase.
    """

    def __init__(
        self,
        sequencer: Sequencer,
        desk: Desk,
        reporter: Reporter,
        store: SessionStore,
        open_session: Callable[[int], Acceptor],
        clock: Callable[[], int],
        venue_clock: VenueClock,
        short_turns: ShortTurns,
        *,
        waits_for_disk: bool,
    ) -> None:
        self.sequencer = sequencer
        self.desk = desk
        self.lines: dict[Session, Line] = {}
        self.on_schedule: Callable[[int], None] = _no_number
        self.due_ns = NEVER_NS
        self.cut_off = 0  # lines whose peers did not read
        self.on_sync: Callable[[], None] = _nothing
        self.on_due: Callable[[Line], None] = _no_line
        self.tell: Callable[[int], None] = _no_number
        self.on_fact: Callable[[Session, Fact], None] = _no_fact
        self._reporter = reporter
        self._store = store
        self._open_session = open_session
        self._clock = clock
        self._venue_clock = None if venue_clock.is_real else venue_clock
        # the one crossing knows the session clock only
        self._short_turns = short_turns
        self._short_bytes_max = SHORT_BYTES_MAX if venue_clock.is_real else 0
        self._waits_for_disk = waits_for_disk
        self._held: deque[Held] = deque()
        self.away: dict[Counterparty, int] = {}  # whose orders wait for it, until (session clock)
        self._losing: list[Counterparty] = []  # whose loss is in the batch
        self._told = 0
        self._copying: list[Line] = []  # of drop copy sessions: told of each event
        self._speaker: Line | None = None  # of the last turn, which ended at _spoke_ns
        self._spoke_ns = 0

    # -- what lines call (server.Floor)

    def open_session(self, line: Line) -> Acceptor:
        """A session for a new connection."""
        session = self._open_session(self._clock())
        session.origin = line.origin
        self.lines[session] = line
        return session

    def take(self, line: Line, start: int, end: int) -> int:
        """One turn with line.buffer[start:end]; where what is left begins."""
        now_ns = self._clock()
        if now_ns >= self.due_ns:
            self._keep_schedule(now_ns)
        session = line.session
        if end - start <= self._short_bytes_max and not self.desk.count:
            consumed, data = self._short_turns.take(session, line.buffer, start, end, now_ns)
            start += consumed
            if data:
                wait = self._waits_for_disk and self._must_wait(line, now_ns)
                self._write(line, data, wait)
                self._end_turn(wait)
                if start == end:
                    return start
        while True:
            consumed, facts = session.receive(line.buffer, start, end, now_ns)
            start += consumed
            for fact in facts:
                self._note(session, fact)
            if self.desk.count:
                self._submit(now_ns)
            if not session.blocked:
                break
        self._finish_turn(now_ns, line)
        return start

    def lost(self, line: Line) -> None:
        """The line has ended."""
        now_ns = self._clock()
        for fact in line.session.connection_lost(now_ns):
            self._note(line.session, fact)
        del self.lines[line.session]
        self.run_commands(now_ns)

    def writable(self, line: Line) -> None:
        """The peer takes bytes again: goes on with a resend."""
        self.on_deadline(line)

    def deaf(self) -> None:
        """A line is cut off: its peer does not read."""
        self.cut_off += 1

    # -- what the service calls

    def on_deadline(self, line: Line) -> None:
        """What is due for a line: heartbeat, timeout, a further chunk of a resend or of a list."""
        now_ns = self._clock()
        party = line.session.party
        if party is not None and not line.paused and self._owes(line.session):
            self._reporter.go_on(party, now_ns)
            self._finish_turn(now_ns, line, speaks=not party.options.drop_copy)
        if line.session.unfinished:  # the rest of what it sent; who does not read is found out so
            line.go_on()
            return
        deadline_ns = line.session.next_deadline_ns
        if deadline_ns > now_ns or (deadline_ns == 0 and line.paused):
            return
        for fact in line.session.on_deadline(now_ns):
            self._note(line.session, fact)
        self._finish_turn(now_ns, line)

    def tell_market(self, now_ns: int) -> None:
        """Updates of market data that are due, to peers that read what they are sent (O-142)."""
        told = self._reporter.due(now_ns)
        for party in told:
            line = self.lines.get(party.connection) if party.connection is not None else None
            if line is None or line.held or line.unsent > UNREAD_BYTES_MAX:
                continue
            if not self._owes(line.session) and not line.session.resending:
                self._reporter.update(party, now_ns)
        if told:
            self._finish_turn(now_ns)  # the disk once for all, and no member waits for it

    def credential_checked(self, session: Acceptor, fault: str) -> None:
        """A credential that took long to check; goes on with what waited behind the Logon."""
        line = self.lines.get(session)
        if line is None:
            return
        now_ns = self._clock()
        for fact in session.credential_checked(fault, now_ns):
            self._note(session, fact)
        self._finish_turn(now_ns, line)
        line.go_on()

    def flush(self, line: Line) -> None:
        """Sends what the line's session has said outside a turn."""
        self._finish_turn(self._clock(), line)

    def run_commands(self, now_ns: int) -> None:
        """Submits what the desk holds from the venue itself, and sends what comes of it."""
        self._finish_turn(now_ns)

    def report(self, parts: list[EventRows], now_ns: int) -> None:
        """Events that no line's turn produced: rolls, halts."""
        for first, rows in parts:
            for start in range(0, len(rows), REPORT_ROWS_MAX):
                piece = EventRows(first + start, rows[start : start + REPORT_ROWS_MAX])
                self._reporter.report([piece], None, now_ns)
                self._finish_turn(now_ns)

    def log_out(self, text: str) -> None:
        """Says Logout to everybody."""
        now_ns = self._clock()
        for session, line in list(self.lines.items()):
            for fact in session.log_out(text, now_ns):
                self._note(session, fact)
            self._finish_turn(now_ns, line)

    def log_out_party(self, party: Counterparty, text: str) -> bool:
        """Says Logout to one that is connected; False: it is not."""
        line = self.lines.get(party.connection) if party.connection is not None else None
        if line is None:
            return False
        now_ns = self._clock()
        for fact in line.session.log_out(text, now_ns):
            self._note(line.session, fact)
        self._finish_turn(now_ns, line)
        return True

    def release(self) -> None:
        """Sends what waited for the disk, and tells the readers."""
        durable = self.sequencer.durable
        while self._held and self._held[0].position <= durable:
            held = self._held.popleft()
            held.line.write(held.data)
            held.line.held -= 1
            self._close_if_done(held.line)
        self._tell()

    def session_lost(self, party: Counterparty, now_ns: int) -> None:
        """A drop, not a Logout: the session's DAY orders go, where it is set so (M-45)."""
        if party.options.cancel_on_disconnect != "off":
            if self.desk.room() <= 0:
                self._submit(now_ns)
            self.desk.add(CommandKind.SESSION_LOST, party.session, now_ns)
            self._losing.append(party)

    def end_graces(self, now_ns: int) -> None:
        """Those whose grace is over are lost now (O-126)."""
        over = [party for party, until_ns in self.away.items() if until_ns <= now_ns]
        for party in over:
            del self.away[party]
            self._leave(party, 0, is_lost=True)
        if over:
            self.run_commands(now_ns)

    # -- one turn

    def _submit(self, now_ns: int) -> None:
        """The desk's batch through journal and engine, and its reports to the parties' sessions."""
        desk = self.desk
        commands = desk.commands[: desk.count]
        if self._venue_clock is not None:
            commands["time_ns"] = self._venue_clock.at(now_ns)
        try:
            parts = self.sequencer.submit(commands)
        except VenueHalted as halt:
            self._turn_away(commands, str(halt), now_ns)
            for party in self._losing:  # tried again until the venue takes commands
                self._store.connected(party.session, True)
                self.away[party] = now_ns + RETRY_NS
        else:
            self._reporter.report(parts, commands, now_ns)
            for question in desk.questions:
                venue_ns = int(commands["time_ns"][question.row])
                self._reporter.answer(question, venue_ns, now_ns)
        desk.clear()
        self._losing.clear()

    def _keep_schedule(self, now_ns: int) -> None:
        """What the timetable asks for goes first; a venue that takes no command tries again."""
        try:
            self.on_schedule(now_ns)
        except VenueHalted:
            self.due_ns = now_ns + RETRY_NS

    def _turn_away(self, commands: np.ndarray, text: str, now_ns: int) -> None:
        """Nothing can be journaled: the messages count as not received, their senders log out.

        Their numbers are expected again, so nothing is lost when the members come back.
        """
        for session, line in list(self.lines.items()):
            party = session.party
            if party is None:
                continue
            numbers = commands["msg_seq_num"][commands["session"] == party.session]
            if len(numbers) and numbers.any():
                party.expected_in = int(numbers[numbers > 0].min())
                session.log_out(f"venue halted: {text}", now_ns)
                self._send(line, now_ns, wait=False)

    def _note(self, session: Session, fact: Fact) -> None:
        self.on_fact(session, fact)
        party = session.party
        if party is None:
            return
        options = party.options
        if isinstance(fact, LoggedOn):
            self.away.pop(party, None)
            self._store.connected(party.session, True)
            if options.drop_copy:
                self._reporter.follow(party)
                self._copying = [*self._others_copying(party), self.lines[session]]
        elif isinstance(fact, LoggedOut):
            leaves = options.cancel_on_disconnect == "drop_and_logout" and fact.by_peer
            self._leave(party, options.disconnect_grace_seconds, is_lost=leaves)
        elif isinstance(fact, Lost):
            self._leave(party, options.disconnect_grace_seconds, is_lost=True)

    def _leave(self, party: Counterparty, grace_seconds: int, *, is_lost: bool) -> None:
        """A session's end; one that is lost counts as connected until its grace is over."""
        self._reporter.forget(party.session)
        self._copying = self._others_copying(party)
        if is_lost and grace_seconds:
            self.away[party] = self._clock() + grace_seconds * SECOND_NS
            return
        self._store.connected(party.session, False)
        if is_lost:
            self.session_lost(party, self._clock())

    def _others_copying(self, party: Counterparty) -> list[Line]:
        return [line for line in self._copying if line.session.party is not party]

    def _finish_turn(self, now_ns: int, line: Line | None = None, *, speaks: bool = True) -> None:
        """Journals what the turn sent, then sends it, or holds it for the disk.

        speaks: the line has said something, and is not merely told.
        """
        if self.desk.count:
            self._submit(now_ns)
        sequencer, reporter = self.sequencer, self._reporter
        self._store.save(sequencer.append_sessions, reporter.events_through)
        sequencer.flush()
        wait = self._waits_for_disk and self._must_wait(line if speaks else None, now_ns)
        reported = reporter.reported
        if line is not None:
            self._send(line, now_ns, wait)
        if reported:
            for session in dict.fromkeys(reported):
                other = self.lines.get(session)
                if other is not None and other is not line:
                    self._send(other, now_ns, wait)
            reported.clear()
        self._end_turn(wait)

    def _end_turn(self, wait: bool) -> None:
        if wait:
            self.on_sync()
        else:
            self._tell()

    def _must_wait(self, line: Line | None, now_ns: int) -> bool:
        """Whether what the turn wrote goes to the disk in the sync's thread, not at once here."""
        sequencer = self.sequencer
        waiting = sequencer.written - sequencer.durable
        if waiting == 0:
            return False
        if line is None:  # who is speaking stays so
            return True
        alone = line is self._speaker or now_ns - self._spoke_ns > ALONE_NS
        self._speaker, self._spoke_ns = line, now_ns
        if not alone or self._held or waiting > ALONE_BYTES_MAX:
            return True
        sequencer.sync()
        return False

    def _send(self, line: Line, now_ns: int, wait: bool) -> None:
        session = line.session
        data = session.take_outgoing(now_ns)
        if data:
            self._write(line, data, wait)
        if session.state != State.ACTIVE:
            self._close_if_done(line)
        elif session.resending or session.unfinished or self._owes(session):
            self.on_due(line)

    def _owes(self, session: Session) -> bool:
        party = session.party
        if party is None:
            return False
        reporter, number = self._reporter, party.session
        return reporter.inquiries.owes(number) or (
            bool(self._copying) and reporter.copies.owes(number)
        )

    def _write(self, line: Line, data: bytes, wait: bool) -> None:
        if wait or line.held:
            line.held += 1
            self._held.append(Held(self.sequencer.written, line, data))
        else:
            line.write(data)

    def _close_if_done(self, line: Line) -> None:
        if line.session.state == State.CLOSED and not line.held and not line.session.outgoing:
            line.close()

    def _tell(self) -> None:
        durable = self.sequencer.events_durable()
        if durable != self._told:
            self._told = durable
            self.tell(durable)
            if self._copying:
                for line in self._copying:
                    self.on_due(line)


def _nothing() -> None:
    """Until the service says what waiting for the disk does."""


def _no_line(line: Line) -> None:
    """Until the service says what a resend that goes on does."""


def _no_number(number: int) -> None:
    """Until there are readers, or a schedule."""


def _no_fact(session: Session, fact: Fact) -> None:
    """Nobody keeps a log of sessions."""
