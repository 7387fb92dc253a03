"""The parts of a venue put together from its journal: definitions, tables, parties, session store.

What a start does, in order: learn the definitions the journal has, bring names into the codec's
tables, read the session store back, and journal the definitions that are missing.

Source: specs/matching.md M-7; design: session store, restart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from engine.definitions import FILE_NAME, DefinitionsWriter, definition_commands
from engine.eventlog import EventRows
from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from gateway.acceptor import Acceptor
from gateway.access import Admission, Origin, Proof
from gateway.arena import Bounds
from gateway.clock import NEVER_NS, VenueClock
from gateway.counterparty import Counterparty
from gateway.days import Days
from gateway.definitions import Definitions, Known
from gateway.desk import Desk
from gateway.languages import Languages
from gateway.liveness import SECOND_NS
from gateway.logon_hours import LogonHours
from gateway.market_status import Said
from gateway.message import Field, Message, encode_again
from gateway.policy import Policy
from gateway.registry import Registry
from gateway.reporter import Reporter
from gateway.short_turns import ShortTurns
from gateway.status import OrderStates
from gateway.store import SessionStore
from gateway.tables import Tables
from gateway.timetable import Timetable
from gateway.users import PASSWORD_WRONG, Change, Keep, Outcome
from gateway.values import format_timestamp
from gateway.venue import Venue
from specs.products import Catalogue
from specs.venue import FixConfig, VenueConfig

BATCH_ROWS_MAX = 4_096
NEWS_HEADLINE = "venue"
MILLISECOND_NS = 1_000_000
LOOKS_EACH_TURN = 50  # times real time, from which on every turn looks for pauses that end
EVENT_ROWS_MAX = 65_536  # read back in one piece


class Assembly:
    """A venue's parts, recovered and ready for lines."""

    def __init__(
        self,
        sequencer: Sequencer,
        config: VenueConfig,
        catalogue: Catalogue,
        known: Known,
        clock: VenueClock,
    ) -> None:
        self.sequencer = sequencer
        self.clock = clock
        limits: EngineLimits = sequencer.venue.limits
        self.tables = Tables(
            Bounds(
                limits.instruments_max, limits.accounts_max, limits.products_max,
                limits.sessions_max,
            )
        )  # fmt: skip
        self._languages = Languages(self.tables)
        self.reporter = Reporter(
            self.tables, sequencer, known, config.fix.market_data_interval_ms * MILLISECOND_NS
        )
        self.store = SessionStore(
            self.tables.sessions,
            self.reporter.encode_event,
            encode_again,
            sequencer.read_journal,
        )
        self.registry = Registry(known, self.tables, self.store, self.reporter, config)
        users = self.reporter.inquiries.users
        users.directory, users.start = self.registry.directory, self._change_password
        self.keep_password: Keep = _keep_nowhere
        self.password_kept: Keep = _keep_nowhere  # told in the loop behind that
        self.desk = Desk(self.tables, BATCH_ROWS_MAX, known.members)
        self.desk.open_orders = OrderStates(sequencer).open_orders
        self.days = Days(sequencer, catalogue, config, known)
        self._timetable: Timetable | None = None
        self._policy = policy_of(config.fix)
        self.admission = Admission(config.fix.logons_per_minute_max, time.time_ns())
        self._verifier = ThreadPoolExecutor(1, thread_name_prefix="credentials")
        self._short_turns = ShortTurns(self.tables.arena, sequencer, self.reporter, self.store)
        self.venue = Venue(
            sequencer,
            self.desk,
            self.reporter,
            self.store,
            self._open_session,
            time.time_ns,
            clock,
            self._short_turns,
            waits_for_disk=config.durability == "fsync",
        )
        self._logon_hours = LogonHours(
            self.registry.directory, self.store, clock, self.venue.log_out_party
        )

    def _open_session(self, now_ns: int) -> Acceptor:
        return Acceptor(
            self._languages, self.desk, self.registry.directory, self._authenticate, self._policy,
            now_ns,
        )  # fmt: skip

    def _authenticate(
        self, session: Acceptor, party: Counterparty, logon: Message, now_ns: int
    ) -> str | None:
        """What takes long is checked beside the loop."""
        found = self.admission.judge(party, session.origin, logon, now_ns)
        if found == "":
            return self._logon_hours.judge(party, now_ns)
        if isinstance(found, str):
            return found
        loop = asyncio.get_running_loop()
        check = loop.run_in_executor(self._verifier, found.check)
        check.add_done_callback(lambda done: self._proved(session, party, found, done.result()))
        return None

    def _change_password(self, change: Change) -> str:
        """Begins a change beside the loop; why not, where it does not begin (O-154)."""
        connection = change.party.connection
        assert isinstance(connection, Acceptor)
        origin = connection.origin
        text = self.admission.may_try(change.party, origin, time.time_ns())
        if not text:
            loop = asyncio.get_running_loop()
            work = loop.run_in_executor(self._verifier, change.carry_out, self.keep_password)
            work.add_done_callback(lambda one: self._changed(change, origin, one.result()))
        return text

    def _changed(self, change: Change, origin: Origin, outcome: Outcome) -> None:
        now_ns, reporter = time.time_ns(), self.reporter
        reporter.inquiries.users.done(change)
        is_right = outcome.status != PASSWORD_WRONG
        self.admission.tried(change.party, origin, is_right=is_right, now_ns=now_ns)
        if outcome.password_hash:
            self.password_kept(int(change.party.row["member"]), outcome.password_hash)
        reporter.say(change.told(outcome), now_ns)
        self.venue.run_commands(now_ns)

    def _proved(self, session: Acceptor, party: Counterparty, proof: Proof, fault: str) -> None:
        now_ns = time.time_ns()
        text = self.admission.proved(party, session.origin, proof, fault, now_ns)
        text = text or self._logon_hours.judge(party, now_ns)
        self.venue.credential_checked(session, text)

    # -- start and end

    def recover(self, now_ns: int) -> None:
        """Brings everything to where the journal stands; what it lacks is journaled."""
        sequencer = self.sequencer
        self.tables.load_kernels(sequencer.requests_of(sequencer.events_written() + 1))
        self._short_turns.load()
        self.reporter.inquiries.market_data.load()
        saved = sequencer.sessions_saved()
        records = [(0, saved)] if saved else []
        records += [(at, bytes(payload)) for at, payload in sequencer.session_records()]
        taken = self._learn_definitions(records[-1][0] if records else 0)
        self.registry.apply()
        self.store.recover(records, taken, self._events, sequencer.events_durable())
        self.reporter.events_through = self.store.events_through
        if sequencer.fault is None:
            venue_ns = self.clock.at(now_ns)
            self._define(self.days.listings(venue_ns))
            self.venue.run_commands(now_ns)
            if self.days.is_scheduled:
                self._timetable = self.days.timetable(venue_ns)
            else:
                self.venue.report(self.days.open_all(venue_ns), now_ns)
            self._prepare_copies()
            self.venue.on_schedule = self.run_schedule
            self.run_schedule(now_ns)
            self.keep_hours(now_ns)

    def _events(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        """Event rows `first` to `last`, in pieces."""
        while first <= last:
            for rows in self.sequencer.event_rows(first, min(EVENT_ROWS_MAX, last + 1 - first)):
                yield first, rows
                first += len(rows)

    def _learn_definitions(self, stored_to: int) -> list[tuple[int, int]]:
        """What the journal defines; (session, MsgSeqNum) of messages behind the last store record.

        Those before it are in the store, and a reset may have followed them.
        """
        sequencer = self.sequencer
        data_dir = sequencer.venue.data_dir
        whole = not (data_dir / FILE_NAME).exists()
        taken: list[tuple[int, int]] = []
        with DefinitionsWriter(data_dir, sequencer.command_count) as writer:
            for at, number, commands, blobs in sequencer.command_records(all_kept=whole):
                writer.add_commands(commands, blobs, number)
                if at > stored_to:
                    taken += last_numbers(commands)
        self.registry.known.learn(*definition_commands(data_dir))
        return taken

    def _define(self, definitions: Definitions) -> None:
        commands, blobs = definitions
        if not len(commands):
            return
        first_number = self.sequencer.command_count + 1
        self.sequencer.submit(commands, blobs)
        self.sequencer.flush()
        data_dir = self.sequencer.venue.data_dir
        with DefinitionsWriter(data_dir, self.sequencer.command_count) as writer:
            writer.add_commands(commands, blobs, first_number)
        self.registry.apply()

    def _prepare_copies(self) -> None:
        parties = self.registry.directory.parties()
        self.reporter.copies.prepare(
            [self.store.log(party.session) for party in parties if party.options.drop_copy]
        )

    def tell_news(self, text: str, parties: list[Counterparty], now_ns: int) -> None:
        """News (35=B) to parties, kept for those that are away (O-155); text: printable ASCII."""
        stamp = format_timestamp(self.clock.at(now_ns), 9)
        fields: list[Field] = [(42, stamp), (61, 0), (148, NEWS_HEADLINE), (33, 1), (58, text)]
        for party in parties:
            self.reporter.say(Said(party.session, b"B", fields), now_ns)
        self.venue.run_commands(now_ns)

    def take_members(self, config: VenueConfig, now_ns: int) -> None:
        """Members as the configuration has them now; who is disabled is logged out."""
        self.days.take(config)
        barred = self.registry.take(config)
        self._logon_hours.look_again()
        self._define(self.days.listings(self.clock.at(now_ns)))
        self._prepare_copies()
        self.venue.run_commands(now_ns)
        for party in barred:
            self.venue.log_out_party(party, "this session is disabled")

    def end_day(self, now_ns: int) -> None:
        """The roll of the venue day: products that keep no hours, day, listings.

        The session store is saved.
        """
        venue_ns = self.clock.at(now_ns)
        next_day = self.days.day_at(venue_ns)
        settled: list[EventRows] = []
        if self._timetable is None:
            codes = self.registry.known.products
            settled = self.days.end_products(next_day, venue_ns, codes)
            self.venue.report(settled, now_ns)
        self.venue.report(self.days.end_day(next_day), now_ns)
        self._define(self.days.listings(venue_ns, settled))
        self.venue.run_commands(now_ns)
        self.save()
        self.run_schedule(now_ns)

    def keep_hours(self, now_ns: int) -> None:
        """Sessions' hours: who must go now, whose numbers begin again (O-120, O-121)."""
        if self._logon_hours.keep(now_ns):
            self.venue.run_commands(now_ns)

    def run_schedule(self, now_ns: int) -> None:
        """Journals what the timetable and pauses ask for up to now, each at its time (C-8 to C-11).

        What lies behind the end of the venue day waits for its roll.
        """
        timetable = self._timetable
        until_ns = min(self.clock.at(now_ns), self.days.end_ns - 1)
        while True:
            pause_ns, instrument = self.days.next_pause()
            step_ns = NEVER_NS if timetable is None else timetable.next_ns
            next_ns = min(pause_ns, step_ns)
            if next_ns > until_ns:
                break
            if timetable is None or pause_ns < step_ns:
                rows = self.days.end_pause(instrument, pause_ns)
                assert rows, "a pause that ends is an event"
                self.venue.report(rows, now_ns)
            else:
                self._step(timetable, now_ns)
        # on a fast clock a pause may be over before the next tick
        looks = self.clock.speed > LOOKS_EACH_TURN
        self.venue.due_ns = now_ns if looks else self.clock.session_at(next_ns)

    def _step(self, timetable: Timetable, now_ns: int) -> None:
        """The timetable's next step, which is due."""
        steps = timetable.due(timetable.next_ns)
        first = steps[0]
        if first.is_roll:
            rows = self.days.end_products(first.trading_date, first.time_ns, [first.code])
        else:
            rows = self.days.begin_phases(steps)
        timetable.done()
        self.venue.report(rows, now_ns)
        if first.is_roll:
            self._define(self.days.listings(first.time_ns, rows))
        self.venue.run_commands(now_ns)

    def end_grace(self, now_ns: int) -> None:
        """Sessions that were there before a restart and did not come back are lost (M-45)."""
        for party in self.registry.directory.parties():
            if party.connection is not None or party in self.venue.away:
                continue
            if self.store.log(party.session).connected:
                self.store.connected(party.session, False)
                self.venue.session_lost(party, now_ns)
        self.venue.run_commands(now_ns)

    def save(self) -> None:
        """Saves the session store: the next start reads on from here."""
        self.venue.run_commands(time.time_ns())
        self.sequencer.save_sessions(self.store.snapshot())


def assemble(
    sequencer: Sequencer,
    config: VenueConfig,
    catalogue: Catalogue,
    now_ns: int,
    clock: VenueClock | None = None,
) -> Assembly:
    """The parts of a venue on an open sequencer, recovered. Raises DefinitionConflictError.

    clock: the venue clock; None: it is the session clock.
    """
    parts = Assembly(sequencer, config, catalogue, Known(), clock or VenueClock())
    parts.recover(now_ns)
    return parts


def _keep_nowhere(member: int, password_hash: str) -> None:
    raise OSError(f"member {member}: no file to keep a password in")


def policy_of(config: FixConfig) -> Policy:
    """What venue.toml says of sessions."""
    return Policy(
        logon_timeout_ns=config.logon_timeout_seconds * SECOND_NS,
        logout_timeout_ns=config.logout_timeout_seconds * SECOND_NS,
        heartbeat_seconds_max=config.heartbeat_seconds_max,
        throttled_seconds_max=config.throttled_seconds_max,
        stale_ns=config.possdup_stale_seconds * SECOND_NS,
    )


def last_numbers(commands: np.ndarray) -> list[tuple[int, int]]:
    """(session, highest MsgSeqNum) of the sessions that COMMAND[n] came from."""
    sessions, numbers = commands["session"], commands["msg_seq_num"]
    return [
        (int(session), int(numbers[sessions == session].max()))
        for session in np.unique(sessions)
        if session
    ]
