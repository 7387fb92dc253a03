"""What an operator asks about sessions and members: statistics, numbers, a Logout, a reload.

What it changes goes through the session store, with the reason in the journal in front of it.

Source: specs/order_entry.md O-107 to O-109, O-154, O-155; docs/decisions/0161-operator.md.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from gateway.assembly import Assembly
from gateway.counterparty import Counterparty
from gateway.interventions import Interventions
from gateway.operator import Answer, LogOut, News, Reload, Request, SetNumbers, Statistics
from gateway.server import Listener
from gateway.statistics import Health, Rates, VenueStatistics, statistics
from gateway.tls import load_certificate
from specs.loading import SpecError
from specs.members import members_beside, with_password, write_members
from specs.products import Catalogue
from specs.venue import VenueConfig, VenueSource, load_venue


class Administration:
    """What operators may ask of a running venue. Calls come between turns."""

    def __init__(
        self,
        parts: Assembly,
        config: VenueConfig,
        source: VenueSource,
        catalogue: Catalogue,
        listener: Callable[[], Listener | None],
        health: Health | None = None,
    ) -> None:
        self.health = health or Health()
        self.rates = Rates(parts.tables.sessions)
        self.config = config
        self._parts = parts
        self._source = source
        self._catalogue = catalogue
        self._listener = listener
        self._interventions = Interventions(parts)
        parts.keep_password, parts.password_kept = self._keep_password, self._password_kept

    def act(self, request: Request, now_ns: int) -> Answer:
        """Does what is asked, or says why not. Raises StorageFailed. now_ns: session clock."""
        if isinstance(request, Statistics):
            return Answer(True, msgspec.json.encode(self.statistics(now_ns)).decode())
        if isinstance(request, LogOut):
            return self._log_out(request)
        if isinstance(request, SetNumbers):
            return self._set_numbers(request, now_ns)
        if isinstance(request, Reload):
            return self._reload(now_ns)
        if isinstance(request, News):
            return self._news(request, now_ns)
        return self._interventions.act(request, now_ns)

    def statistics(self, now_ns: int) -> VenueStatistics:
        """What the venue says of itself."""
        return statistics(
            self._parts, self.config, self._listener(), self.rates, self.health, now_ns
        )

    def _party(self, comp_id: str) -> Counterparty | None:
        own = self.config.target_comp_id.encode()
        return self._parts.registry.directory.find(own, comp_id.encode())

    def _log_out(self, request: LogOut) -> Answer:
        party = self._party(request.session)
        if party is None:
            return Answer(False, f"{request.session} is no session")
        if not self._parts.venue.log_out_party(party, request.reason):
            return Answer(False, f"{request.session} is not logged on")
        return Answer(True, f"logged out: {request.session}")

    def _set_numbers(self, request: SetNumbers, now_ns: int) -> Answer:
        """Sets the next number in, out, or both, of a session that is away (O-107)."""
        parts, party = self._parts, self._party(request.session)
        if party is None:
            return Answer(False, f"{request.session} is no session")
        if party.connection is not None:
            return Answer(False, f"{request.session} is logged on: log it out first")
        if not request.expected_in and not request.next_out:
            return Answer(False, "neither number is given")
        self._interventions.note(request.reason, now_ns)
        if request.expected_in:
            party.expected_in = request.expected_in
            party.sent.changed(urgent=True)
        if request.next_out:
            party.begin_at(request.next_out)
        parts.venue.run_commands(now_ns)
        parts.sequencer.sync()
        parts.venue.release()
        text = f"{request.session}: expects {party.expected_in}, sends {party.next_out} next"
        return Answer(True, text)

    def _reload(self, now_ns: int) -> Answer:
        """Takes up members, their credentials and limits, and certificates (O-109)."""
        source, before = self._source, self.config
        try:
            config = load_venue(source.file, source.overrides, self._catalogue)
            self._check_room(config)
            listener = self._listener()
            if listener is not None and listener.context is not None:
                tls = config.fix.tls or before.fix.tls
                assert tls is not None
                load_certificate(listener.context, tls, source.file)
        except SpecError as error:
            return Answer(False, f"nothing is taken up: {error}")
        self.config = msgspec.structs.replace(before, members=config.members)
        self._parts.take_members(self.config, now_ns)
        names = {member.name for member in before.members}
        added = [member.name for member in config.members if member.name not in names]
        text = f"members: {len(config.members)}" + "".join(f", new {name}" for name in added)
        if msgspec.structs.replace(config, members=before.members) != before:
            text += "; other values of the file wait for a restart"
        return Answer(True, text)

    def _name(self, member: int) -> str:
        rows = self._parts.registry.known.members
        return next(name for name, row in rows.items() if row["member"] == member)

    def _keep_password(self, member: int, password_hash: str) -> None:
        """Writes a member's new hash to members.toml; raises OSError, SpecError. Takes long."""
        file = self._source.file
        entries = with_password(members_beside(file), self._name(member), password_hash)
        write_members(file, entries)

    def _password_kept(self, member: int, password_hash: str) -> None:
        """Its next Logon proves the new one; nothing else of the files is taken up."""
        name = self._name(member)
        members = tuple(
            msgspec.structs.replace(one, password_hash=password_hash) if one.name == name else one
            for one in self.config.members
        )
        self.config = msgspec.structs.replace(self.config, members=members)
        self._parts.registry.take(self.config)

    def _news(self, request: News, now_ns: int) -> Answer:
        """Tells all sessions, or one (O-155)."""
        parts, everybody = self._parts, self._parts.registry.directory.parties()
        told = [self._party(request.session)] if request.session else everybody
        parties = [one for one in told if one is not None and not one.access.disabled]
        if not parties:
            return Answer(False, f"{request.session or 'nobody'} is no session that may log on")
        if not request.text.isascii() or not request.text.isprintable():
            return Answer(False, "only printable ASCII fits into Text (58)")
        self._interventions.note(f"news: {request.text}", now_ns)
        parts.tell_news(request.text, parties, now_ns)
        parts.sequencer.sync()
        parts.venue.release()
        return Answer(True, f"told: {' '.join(one.peer.decode() for one in parties)}")

    def _check_room(self, config: VenueConfig) -> None:
        """Raises SpecError where the tables of this data directory hold no more members."""
        known, limits = self._parts.registry.known, self._parts.sequencer.venue.limits
        for what, found, bound in (
            ("members", known.members.keys() | {one.name for one in config.members},
             limits.members_max),
            ("accounts", known.accounts.keys()
             | {one.name for member in config.members for one in member.accounts},
             limits.accounts_max),
            ("sessions", known.sessions.keys()
             | {one for member in config.members for one in member.comp_ids},
             limits.sessions_max),
        ):  # fmt: skip
            if len(found) > bound:
                problem = f"{len(found)} {what} with those that were there before"
                raise SpecError(self._source.file, "$.member", problem, f"{bound} {what}")
