"""Session hours at work: no Logon outside them, Logout at their end, numbers anew at their start.

Sits beside the data path: Assembly asks it at every Logon, the service's tick calls `keep`. Hours
are of the venue clock. That numbers began again is journaled with them, so that a start after a
restart neither forgets it nor does it twice.

Source: specs/order_entry.md O-120 to O-122; docs/decisions/0162-session-hours.md.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway.clock import NEVER_NS, VenueClock
from gateway.counterparty import Counterparty, Directory
from gateway.states import State
from gateway.store import SessionStore

MINUTE_NS = 60_000_000_000


class LogonHours:
    """The hours of all parties. log_out: Venue.log_out_party."""

    def __init__(
        self,
        directory: Directory,
        store: SessionStore,
        clock: VenueClock,
        log_out: Callable[[Counterparty, str], bool],
    ) -> None:
        self._directory = directory
        self._store = store
        self._clock = clock
        self._log_out = log_out
        self._look_ns = 0  # on the venue clock

    def judge(self, party: Counterparty, now_ns: int) -> str:
        """Why a Logon is refused now, empty: it is not; brings the party's numbers up to date."""
        hours = party.hours
        if hours is None:
            return ""
        venue_ns = self._clock.at(now_ns)
        self._begin_again(party, venue_ns)
        if hours.is_open(venue_ns):
            return ""
        return (
            f"outside the session's hours, next Logon {hours.shown(hours.next_start_ns(venue_ns))}"
        )

    def look_again(self) -> None:
        """Hours have changed."""
        self._look_ns = 0

    def keep(self, now_ns: int) -> bool:
        """Ends sessions whose hours are over, begins numbers again; cheap while nothing is due.

        Returns True where numbers began again: the caller has them journaled.
        """
        venue_ns = self._clock.at(now_ns)
        if venue_ns < self._look_ns:
            return False
        begun = False
        look_ns = NEVER_NS
        for party in self._directory.parties():
            hours = party.hours
            if hours is None:
                continue
            look_ns = min(look_ns, hours.next_change_ns(venue_ns))
            connection = party.connection
            if connection is None:
                begun = self._begin_again(party, venue_ns) or begun
            elif self._is_stale(party, venue_ns) or not hours.is_open(venue_ns):
                look_ns = venue_ns  # until it is gone
                if connection.state == State.ACTIVE:
                    next_ns = hours.latest(venue_ns).start_ns
                    if not hours.is_open(venue_ns):
                        next_ns = hours.next_start_ns(venue_ns)
                    text = f"end of the session's hours, next Logon {hours.shown(next_ns)}"
                    self._log_out(party, text)
        self._look_ns = look_ns
        return begun

    def _is_stale(self, party: Counterparty, venue_ns: int) -> bool:
        """Whether the party's numbers began before the latest start."""
        hours = party.hours
        if hours is None:
            return False
        began_minute = self._store.log(party.session).began_minute
        return began_minute < hours.latest(venue_ns).start_ns // MINUTE_NS

    def _begin_again(self, party: Counterparty, venue_ns: int) -> bool:
        hours = party.hours
        if hours is None or party.connection is not None or not self._is_stale(party, venue_ns):
            return False
        minute = hours.latest(venue_ns).start_ns // MINUTE_NS
        self._store.log(party.session).began_minute = minute
        party.reset()
        return True
