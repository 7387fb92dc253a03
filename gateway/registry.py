"""Names of the venue: what is defined in the journal, as the codec's tables and the parties.

Definitions are journaled commands whose rows lie beside the event log (engine/definitions.py).
Here they become lookups: symbol -> instrument, account name -> account, CompIDs -> counterparty.

Source: specs/matching.md M-7; specs/order_entry.md O-4.
"""

from __future__ import annotations

import numpy as np

from gateway.counterparty import Access, Counterparty, Directory, Rates
from gateway.definitions import Known
from gateway.liveness import SECOND_NS
from gateway.reporter import Reporter
from gateway.store import SessionStore
from gateway.tables import Tables
from specs.credentials import parse_networks, public_key_bytes
from specs.venue import Member, VenueConfig


class Registry:
    """Known definitions, applied to the codec's tables and to the directory of parties."""

    def __init__(
        self,
        known: Known,
        tables: Tables,
        store: SessionStore,
        reporter: Reporter,
        config: VenueConfig,
    ) -> None:
        self.known = known
        self.directory = Directory()
        self._met: dict[str, Counterparty] = {}  # by CompID
        self._tables = tables
        self._store = store
        self._reporter = reporter
        self._config = config
        self._members: dict[str, Member] = {member.name: member for member in config.members}

    def apply(self) -> None:
        """Brings tables and parties to what is known; again after every definition."""
        known, tables = self.known, self._tables
        for name, row in known.products.items():
            tables.define_product(int(row["product"]), name.encode())
        for name, row in known.instruments.items():
            tables.define_instrument(int(row["instrument"]), name.encode(), int(row["product"]))
        for name, row in known.accounts.items():
            tables.define_account(int(row["account"]), name.encode(), int(row["member"]))
        for name, row in known.sessions.items():
            self._define_session(name, row)

    def _define_session(self, comp_id: str, row: np.void) -> None:
        """A session's party; one whose member left venue.toml is reported to, but cannot log on."""
        session = int(row["session"])
        if comp_id in self._met:
            return
        member = self._member_of(comp_id)
        own, peer = self._config.target_comp_id.encode(), comp_id.encode()
        account = 0
        if member is not None:
            account = int(self.known.accounts[member.default_account]["account"])
        self._tables.define_session(
            session,
            int(row["member"]),
            peer,
            own,
            account,
            self._config.fix.sending_time_seconds * SECOND_NS,
        )
        log = self._store.log(session)
        party = Counterparty(own, peer, self._tables.sessions[session], log)
        self._met[comp_id] = party
        self._reporter.meet(party, log)
        self._admit(party, member)

    def take(self, config: VenueConfig) -> list[Counterparty]:
        """Takes up other members and other values of them; the parties that may not log on now.

        What is new is defined after that (Assembly.take_members).
        """
        self._config = config
        self._members = {member.name: member for member in config.members}
        for comp_id, party in self._met.items():
            self._admit(party, self._member_of(comp_id))
        return [party for party in self._met.values() if party.access.disabled]

    def _admit(self, party: Counterparty, member: Member | None) -> None:
        """What the member's table says of a party, which is in the directory from then on."""
        known = self.directory.find(party.own, party.peer) is not None
        if member is None:
            if known:
                party.access = Access(disabled=True)
            return
        party.rates = Rates(
            member.messages_per_second_max,
            member.messages_burst_max,
            member.cancels_per_second_max,
        )
        party.options = member.values_of(party.peer.decode())
        if party.options.drop_copy:
            party.set_active(False)  # also one that is logged on trades no more (O-147)
        party.access = access_of(member)
        party.hours = party.options.schedule or self._config.fix.schedule
        if not known:
            self.directory.add(party)

    def _member_of(self, comp_id: str) -> Member | None:
        """The member whose session it is; None: it left venue.toml."""
        for member in self._members.values():
            if comp_id in member.comp_ids:
                return member
        return None


def access_of(member: Member) -> Access:
    """What the member's Logons must prove."""
    return Access(
        member.password_hash,
        public_key_bytes(member.public_key),
        member.certificate,
        parse_networks(member.addresses),
        member.disabled,
    )
