"""The venue's end of a FIX session, without a socket: who logs on, and orders into command rows.

Logon: an unknown or busy identity and a first message that is no Logon are closed without a word,
every other refusal is a Logout with a text. Application messages go to a Desk in the order of their
numbers: the fast decoder takes runs of them, the rest come one by one.

Source: fix-session 1.1; specs/order_entry.md O-20 to O-31.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

import numpy as np

from gateway.access import Origin
from gateway.counterparty import Counterparty, Directory
from gateway.facts import Fact, Refused, no_facts
from gateway.header import (
    check_header,
    identity_of,
    next_expected_fault,
    numbering_of,
    sequence_number,
    too_low_text,
)
from gateway.languages import Languages
from gateway.message import Message
from gateway.policy import Policy
from gateway.session import Session
from gateway.states import Happened, Numbering, State
from gateway.throttle import Bucket, Patience
from gateway.types import BEGIN_STRING, FIXT_BEGIN_STRING, Fault, Stop

_GARBLED_LOGON = re.compile(
    rb"\x0135=A\x01(?:.*?\x01)?49=(\w+)\x01(?:.*?\x01)?56=(\w+)\x01", re.DOTALL
)
_ACTIVE = State.ACTIVE
_NEED_MORE = int(Stop.NEED_MORE)
_LOOK_BYTES = 256  # of a garbled Logon
GARBLED_BYTES_MAX = 65_536  # in a row
_CANCELS = (b"F", b"q", b"Z")
_BUSINESS_REJECT = b"j"
_THROTTLED = 0  # BusinessRejectReason (380): other


# (the connection, party, Logon, now) -> why it is refused; empty: it is taken; None: it takes long
# to check, credential_checked() tells
Authenticate = Callable[["Acceptor", Counterparty, Message, int], str | None]


class Orders(Protocol):
    """Where application messages become command rows, in order: gateway/desk.py."""

    count: int  # rows taken

    def room(self) -> int:
        """Free command rows, 0 or less: none."""

    def decode(
        self,
        party: Counterparty,
        buffer: np.ndarray,
        start: int,
        end: int,
        rows_max: int,
        now_ns: int,
    ) -> tuple[int, int, int]:
        """Decodes a run of ordinary messages; returns (bytes consumed, rows written, Stop)."""

    def take(self, party: Counterparty, message: Message, stale: bool, now_ns: int) -> Fault | None:
        """One valid message becomes its rows; a Fault where it is refused."""

    def refuse(
        self, party: Counterparty, message: Message, fault: Fault | None, now_ns: int
    ) -> None:
        """A message that was rejected takes a REFUSED row: its number is journaled."""


class Acceptor(Session):
    """One connection to the venue."""

    def __init__(
        self,
        languages: Languages,
        desk: Orders,
        directory: Directory,
        authenticate: Authenticate,
        policy: Policy,
        now_ns: int,
    ) -> None:
        super().__init__(languages, policy, State.AWAIT_LOGON, now_ns)
        self._languages = languages
        self._desk = desk
        self._directory = directory
        self._authenticate = authenticate
        self.origin = Origin()
        self._logon: Message | None = None  # waits for its credential
        self._budget = Bucket(0)  # the party's, once it is logged on
        self._cancels = Bucket(0)
        self._patience = Patience()
        self._garbled_bytes = 0  # since the message before this number
        self._garbled_before = 0

    # -- Logon

    def credential_checked(self, fault: str, now_ns: int) -> list[Fact]:
        """What Authenticate left for later; bytes behind the Logon may be passed again then."""
        self._facts = facts = no_facts()
        message, self._logon = self._logon, None
        self.waiting = False
        if message is not None and self.state == State.AWAIT_LOGON:
            self._decide(message, fault, now_ns)
        return facts

    def _take_logon(self, message: Message, now_ns: int) -> None:
        if self.state == State.ACTIVE:
            self._reset_live(message, now_ns)
            return
        party = self._directory.find(message.get(56) or b"", message.get(49) or b"")
        if party is not None and party.connection is not None:
            self._end(Happened.GONE, Refused("already connected"))
            return
        if party is None or not self._speaks(party, message.get(8) or b""):
            self._end(Happened.GONE, Refused("unknown CompIDs or BeginString"))
            return
        self.party = party
        text = self._logon_fault(party, message, now_ns)
        if text is not None:
            self._refuse(text, now_ns)
            return
        fault = self._authenticate(self, party, message, now_ns)
        if fault is None:
            self._logon = message
            self.waiting = True
        else:
            self._decide(message, fault, now_ns)

    def _decide(self, message: Message, fault: str, now_ns: int) -> None:
        party = self._known()
        if party.connection is not None:  # another was faster
            self._end(Happened.GONE, Refused("already connected"))
            return
        self._speaks(party, message.get(8) or b"")  # another may have tried since
        text = fault or _sequence_fault(party, message)
        if text is not None:
            self._refuse(text, now_ns)
        else:
            self._welcome(party, message, now_ns)

    def _speaks(self, party: Counterparty, begin_string: bytes) -> bool:
        """Whether the party may speak this dialect, which it does from now on (O-128)."""
        tables = self._languages.speak(party, begin_string)
        if tables is not None:
            self._reader = tables
        return tables is not None

    def _logon_fault(self, party: Counterparty, message: Message, now_ns: int) -> str | None:
        """Why a Logon is refused; None: it is taken."""
        header = check_header(message, identity_of(party), now_ns)
        if header is not None:
            return header.text
        if message.fault is not None:
            return message.fault.text
        if message.get(98) != b"0":
            return "EncryptMethod (98) must be 0"
        interval_s = message.number(108)
        if interval_s is None or not 0 <= interval_s <= self._policy.heartbeat_seconds_max:
            return f"HeartBtInt (108) must be 0 to {self._policy.heartbeat_seconds_max}"
        return None

    def _welcome(self, party: Counterparty, message: Message, now_ns: int) -> None:
        reset = message.flag(141)
        if reset:
            self._begin_again(party)
        number = sequence_number(message) or 0
        numbering = numbering_of(number, party.expected_in)
        if numbering == Numbering.EXPECTED:
            self._consume(party)
        interval_s = message.number(108) or 0
        rates = party.rates
        self._budget = Bucket(rates.messages, rates.burst)
        self._cancels = Bucket(rates.cancels)
        self._start(interval_s, reset, now_ns)
        wanted, sends = message.number(789), party.options.next_expected
        tells = sends == "always" or (sends == "echo" and wanted is not None)
        misses = wanted is not None and wanted < party.next_out
        self._answer_logon(interval_s, reset, tells, now_ns)
        if numbering == Numbering.HIGH:
            self._request_missing(number, now_ns, tells and wanted is not None)
        if wanted is not None and misses:
            self._owe(wanted, party.next_out - 1, now_ns)  # our Logon too: it came too early

    def _reset_live(self, message: Message, now_ns: int) -> None:
        """141=Y in a live session: numbers begin again, the connection stays."""
        party = self._known()
        text = self._logon_fault(party, message, now_ns) or _sequence_fault(party, message)
        if text is not None:
            self._refuse(text, now_ns)
            return
        if self._reset_sent:  # the answer to ours
            self._reset_sent = False
            party.expected_in = 1
            self._consume(party)
            self._start(message.number(108) or 0, True, now_ns)
        else:
            self._welcome(party, message, now_ns)

    def _answer_logon(self, interval_s: int, reset: bool, tells: bool, now_ns: int) -> None:
        fields = self._logon_fields(interval_s)
        if reset:
            fields.append((141, "Y"))
        if tells:
            fields.append((789, self._known().expected_in))
        self._send(b"A", tuple(fields), now_ns)

    def _take_garbled(self, skipped: bytes, now_ns: int) -> None:
        """A garbled Logon ends the connection, with a Logout where it says whose it was (1.1)."""
        if self.state != State.AWAIT_LOGON:
            if self.state == State.ACTIVE:
                self._count_garbled(len(skipped), now_ns)
            return
        ids = _GARBLED_LOGON.search(skipped[:_LOOK_BYTES])
        party = self._directory.find(ids[2], ids[1]) if ids else None
        is_fixt = skipped.startswith(b"8=" + FIXT_BEGIN_STRING)
        begin_string = FIXT_BEGIN_STRING if is_fixt else BEGIN_STRING
        if party is not None and party.connection is None and self._speaks(party, begin_string):
            self.party = party
        self._refuse("garbled Logon", now_ns)

    def _count_garbled(self, size: int, now_ns: int) -> None:
        """Garbage without a message in between is read past, but not for ever (O-186)."""
        expected = self._known().expected_in
        if expected != self._garbled_before:
            self._garbled_before, self._garbled_bytes = expected, 0
        self._garbled_bytes += size
        if self._garbled_bytes > GARBLED_BYTES_MAX:
            self._refuse(f"{GARBLED_BYTES_MAX:,} bytes without a message", now_ns)

    # -- orders

    def ready(self, rows: int, now_ns: int) -> Counterparty | None:
        """Whose ordinary messages, up to `rows`, may be taken without receive(); None: nobody's.

        Only where nothing else is under way, in either direction.
        """
        party = self.party
        if (
            self.state is not _ACTIVE
            or party is None
            or self.unfinished
            or self.waiting
            or self._resend.pending
            or self.outgoing
            or self._budget.allowed(now_ns) < rows
        ):
            return None
        return party

    def took(self, rows: int, now_ns: int) -> None:
        """Told after ready() that so many messages were taken, and answered."""
        budget = self._budget
        budget.since_ns += rows * budget.message_ns
        self._liveness.exchanged(now_ns)

    def _take_fast(self, buffer: np.ndarray, start: int, end: int, now_ns: int) -> tuple[int, bool]:
        party, desk = self.party, self._desk
        assert party is not None
        budget = self._budget
        rows_max, allowed = desk.room(), budget.allowed(now_ns)
        if allowed < rows_max:
            rows_max = allowed
        if rows_max <= 0:
            return 0, False  # the next message decides: it may need no row
        consumed, rows, stop = desk.decode(party, buffer, start, end, rows_max, now_ns)
        budget.since_ns += rows * budget.message_ns
        return consumed, stop == _NEED_MORE

    def _has_room(self) -> bool:
        if self._desk.count and self._known().options.open_orders_max:
            return False  # its open orders are known when the batch is through
        return self._desk.room() > 0

    def _take_application(self, message: Message, now_ns: int) -> None:
        party = self._known()
        budget = self._budget
        if not budget.allowed(now_ns) and message.msg_type in _CANCELS:
            budget = self._cancels
        if not budget.allowed(now_ns):
            self._throttle(party, message, now_ns)
            return
        room = self._desk.room()
        fault = self._desk.take(party, message, self._is_stale(message, now_ns), now_ns)
        budget.since_ns += (room - self._desk.room()) * budget.message_ns
        if fault is None or message.msg_type == _BUSINESS_REJECT:  # O-170
            return
        if fault.business:
            self._reject_business(message, fault.reason, fault.text, now_ns)
        else:
            self._reject(message, fault.reason, fault.tag, fault.text, now_ns)

    def _refuse_application(self, message: Message, fault: Fault, now_ns: int) -> None:
        self._desk.refuse(self._known(), message, fault, now_ns)

    def _throttle(self, party: Counterparty, message: Message, now_ns: int) -> None:
        """Refuses a message beyond the budget; who goes on for too long is thrown out (O-112)."""
        cancels = message.msg_type in _CANCELS
        rate = party.rates.cancels if cancels else party.rates.messages
        text = f"more than {rate} {'cancels' if cancels else 'messages'} a second"
        self._desk.refuse(party, message, Fault(True, _THROTTLED, 0, text), now_ns)
        self._reject_business(message, _THROTTLED, text, now_ns)
        self._left = 0  # a refusal takes longer than an order: one in a turn (O-172)
        party.throttled += 1
        seconds = self._patience.refused(now_ns)
        if seconds >= self._policy.throttled_seconds_max:
            self._refuse(f"{text}, for {seconds} seconds", now_ns)

    def _is_stale(self, message: Message, now_ns: int) -> bool:
        """A possible duplicate that was first sent too long ago to come alive now."""
        if not message.poss_dup:
            return False
        original_ns = message.orig_sending_time_ns
        return original_ns is not None and now_ns - original_ns > self._policy.stale_ns


def _sequence_fault(party: Counterparty, message: Message) -> str | None:
    """Why a Logon's number is refused; None: it is taken."""
    number = sequence_number(message) or 0
    if message.flag(141):
        if number != 1:
            return "ResetSeqNumFlag (141) needs MsgSeqNum (34) 1"
        return next_expected_fault(message, 1)
    if number < party.expected_in:
        return too_low_text(party.expected_in, number)
    return next_expected_fault(message, party.next_out)
