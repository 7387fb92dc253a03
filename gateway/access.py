"""Who may come in: what a Logon must prove, how often it may be tried, what was proved before.

No clock, no thread: a Proof is what takes long to check (scrypt takes 50 ms) and is checked beside
the loop; `proved` says then whether the session begins. All that is set for a member must hold.

Source: specs/order_entry.md O-100 to O-106; docs/decisions/0160-who-may-come-in.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from gateway.counterparty import Access, Counterparty
from gateway.liveness import SECOND_NS
from gateway.message import Message
from specs.credentials import is_from, verify_password

if TYPE_CHECKING:
    from gateway.signatures import Signed

WRONG_PASSWORD = "Username (553) or Password (554) wrong"
WRONG_SIGNATURE = "RawData (96) is no signature of this Logon by this member"
WINDOW_S = 30  # how far SendingTime (52) of a signed Logon may be from the venue's clock
FREE_FAILURES = 3  # in a row, before a further Logon has to wait
WAIT_MAX_S = 300
ENTRIES_MAX = 10_000  # of (address, CompID) that are remembered
PROOFS_MAX = 64  # that wait to be checked
_MINUTE_NS = 60 * SECOND_NS


class Origin(NamedTuple):
    """Where a connection comes from: its address; names of its client certificate, if any."""

    address: str = ""
    names: frozenset[str] = frozenset()
    tls: bool = False


class Proof(NamedTuple):
    """What a Logon offers and what it must match; check() takes long and touches nothing else."""

    access: Access
    password: str
    signed: Signed | None

    def check(self) -> str:
        """Why it does not hold; empty: it does."""
        access = self.access
        if access.password_hash and not verify_password(self.password, access.password_hash):
            return WRONG_PASSWORD
        if access.public_key:
            from gateway.signatures import is_signature

            if self.signed is None or not is_signature(access.public_key, self.signed):
                return WRONG_SIGNATURE
        return ""


@dataclass(slots=True)
class _Tries:
    """Of one address with one CompID."""

    minute: int = 0
    logons: int = 0  # in that minute
    failures: int = 0  # in a row
    free_ns: int = 0  # when the next Logon is looked at


class Admission:
    """Judges Logons. Times are ns of the session clock. started_ns: when the venue did.

    failed: credentials that were wrong; turned_away: Logons that were not looked at.
    """

    def __init__(self, logons_per_minute_max: int, started_ns: int) -> None:
        self._logons_max = logons_per_minute_max
        self._started_ns = started_ns
        self._tries: dict[tuple[str, int], _Tries] = {}
        self._nonces: dict[tuple[int, bytes], int] = {}  # until when each is remembered
        self._waiting = 0
        self.failed = 0
        self.turned_away = 0

    def judge(
        self, party: Counterparty, origin: Origin, logon: Message, now_ns: int
    ) -> Proof | str:
        """What has to be checked yet, or why the Logon is refused; empty: it is taken."""
        tries = self._tries_of(party, origin)
        text = self._too_often(tries, now_ns)
        if text:
            self.turned_away += 1
            return text
        text = _identity_fault(party, origin, logon)
        signed: Signed | None = None
        if not text and party.access.public_key:
            from gateway.signatures import signed_part

            signed = signed_part(logon)
            text = self._signature_fault(party, signed, logon, now_ns)
        if text:
            return self._fail(tries, text, now_ns)
        access = party.access
        if not access.password_hash and not access.public_key:
            tries.failures = 0
            return ""
        if self._waiting >= PROOFS_MAX:
            self.turned_away += 1
            return "too many Logons wait to be checked, try again"
        self._waiting += 1
        return Proof(access, (logon.get(554) or b"").decode("utf-8", "replace"), signed)

    def proved(
        self, party: Counterparty, origin: Origin, proof: Proof, fault: str, now_ns: int
    ) -> str:
        """After proof.check() gave `fault`: why the Logon is refused; empty: it is taken."""
        self._waiting -= 1
        tries = self._tries_of(party, origin)
        if not fault and party.access != proof.access:
            fault = "this session's credentials were changed, log on again"
        if not fault and proof.signed is not None:
            fault = self._use_nonce(party, proof.signed.nonce, now_ns)
        if fault:
            return self._fail(tries, fault, now_ns)
        tries.failures = 0
        return ""

    def may_try(self, party: Counterparty, origin: Origin, now_ns: int) -> str:
        """Why a password is not looked at outside of a Logon now; empty: it is."""
        tries = self._tries_of(party, origin)
        return self._too_often(tries, now_ns)

    def tried(self, party: Counterparty, origin: Origin, *, is_right: bool, now_ns: int) -> None:
        """What came of that: wrong ones count as failed Logons do (O-106)."""
        tries = self._tries_of(party, origin)
        if is_right:
            tries.failures = 0
        else:
            self._fail(tries, "", now_ns)

    def _tries_of(self, party: Counterparty, origin: Origin) -> _Tries:
        key = (origin.address, party.session)
        found = self._tries.pop(key, None) or _Tries()
        if len(self._tries) >= ENTRIES_MAX:
            del self._tries[next(iter(self._tries))]
        self._tries[key] = found  # the latest last
        return found

    def _too_often(self, tries: _Tries, now_ns: int) -> str:
        minute = now_ns // _MINUTE_NS
        if minute != tries.minute:
            tries.minute, tries.logons = minute, 0
        tries.logons += 1
        if tries.logons > self._logons_max:
            return f"more than {self._logons_max} Logons a minute"
        if now_ns < tries.free_ns:
            wait_s = -((now_ns - tries.free_ns) // SECOND_NS)
            return f"{tries.failures} failed Logons, the next one in {wait_s} s"
        return ""

    def _fail(self, tries: _Tries, text: str, now_ns: int) -> str:
        self.failed += 1
        tries.failures += 1
        beyond = tries.failures - FREE_FAILURES
        if beyond >= 0:
            wait_s = min(1 << min(beyond, 30), WAIT_MAX_S)
            tries.free_ns = now_ns + wait_s * SECOND_NS
        return text

    def _signature_fault(
        self, party: Counterparty, signed: Signed | None, logon: Message, now_ns: int
    ) -> str:
        sent_ns = logon.sending_time_ns
        if signed is None or sent_ns is None:
            return "RawData (96) is no signed Logon: nonce.signature"
        if abs(sent_ns - now_ns) > WINDOW_S * SECOND_NS or sent_ns < self._started_ns:
            return f"SendingTime (52) of a signed Logon is not within {WINDOW_S} s of now"
        if (party.session, signed.nonce) in self._nonces:
            return "the nonce of RawData (96) was used before"
        return ""

    def _use_nonce(self, party: Counterparty, nonce: bytes, now_ns: int) -> str:
        key = (party.session, nonce)
        while self._nonces:
            first = next(iter(self._nonces))
            if self._nonces[first] >= now_ns:
                break
            del self._nonces[first]
        if key in self._nonces:
            return "the nonce of RawData (96) was used before"
        self._nonces[key] = now_ns + 2 * WINDOW_S * SECOND_NS  # 52 may be ahead of now by one
        return ""


def _identity_fault(party: Counterparty, origin: Origin, logon: Message) -> str:
    """What is wrong without any secret: the member, where it comes from, its certificate, 553."""
    access, comp_id = party.access, party.peer.decode()
    if access.disabled:
        return "this session is disabled"
    if access.networks and not is_from(origin.address, access.networks):
        return f"{comp_id} does not log on from {origin.address}"
    if (origin.names or access.certificate) and comp_id not in origin.names:
        return f"a client certificate for {comp_id} is needed"
    if not access.password_hash:
        return ""
    username = logon.get(553)
    if username not in (None, party.peer) or logon.get(554) is None:
        return WRONG_PASSWORD
    return ""
