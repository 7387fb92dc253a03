"""Who is on the other side of FIX sessions, across connections: identity, numbers, what was sent.

A Counterparty lives as long as the venue; a Session is one of its connections. Numbers live in the
SESSION_ROW that the kernels advance, what was sent in a SentLog (gateway/store.py for the venue,
gateway/sent.py for an initiator).

Source: specs/order_entry.md O-1 to O-6; fix-session 1.1, 1.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from gateway.message import Header
from gateway.types import SESSION_ROW
from specs.credentials import Network
from specs.session_hours import SessionHours
from specs.session_options import SessionValues

if TYPE_CHECKING:
    from gateway.session import Session


class SentLog(Protocol):
    """What one counterparty was sent since the last reset, by outgoing number."""

    def admin(self, number: int, sending_time_ns: int) -> None:
        """`number` went to an administrative message: gap-filled in a resend."""

    def blob(self, number: int, raw: bytes, sending_time_ns: int) -> None:
        """`number` went to a message that is kept as it was first sent."""

    def reset(self) -> None:
        """Numbers begin again at 1; nothing sent before can be asked for."""

    def begin_at(self, number: int) -> None:
        """The next message has this number; nothing sent before can be asked for."""

    def next_resendable(self, begin: int, end: int) -> int:
        """The first number of begin..end (both included) that is sent again; end + 1: none."""

    def encode_again(self, number: int, now_ns: int) -> bytes:
        """The message of a resendable number with 43=Y, 122 and a new 52; empty: not kept."""

    def changed(self, urgent: bool) -> None:
        """Numbers moved; urgent: they must be kept before anything more is sent."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a Logon must prove (gateway/access.py); nothing, as it is made.

    password_hash: of specs/credentials.py; public_key: 32 bytes; empty: none is asked for.
    """

    password_hash: str = ""
    public_key: bytes = b""
    certificate: bool = False
    networks: tuple[Network, ...] = ()
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Rates:
    """Messages a second that a session may send; 0 forbids. burst: at once; 0: a second's.

    cancels: a second, of cancels beyond that.
    """

    messages: int = 10_000_000
    burst: int = 0
    cancels: int = 1_000


class Counterparty:
    """One pair of CompIDs as seen from here, with its numbers.

    own, peer: our CompID and theirs, ASCII. row: a SESSION_ROW scalar, a view into its table;
    session: its index there.
    rates: its throttle; throttled: messages refused by it. connection: the Session that is logged
    on, if any.
    """

    __slots__ = (
        "_active",
        "_clock_tolerance_ns",
        "_expected_in",
        "_next_out",
        "access",
        "connection",
        "credential",
        "header",
        "hours",
        "options",
        "options",
        "own",
        "peer",
        "rates",
        "row",
        "sent",
        "session",
        "throttled",
    )

    def __init__(self, own: bytes, peer: bytes, row: Any, sent: SentLog) -> None:
        assert row.dtype == SESSION_ROW
        self.own = own
        self.peer = peer
        self.row = row
        self.sent = sent
        self.header = Header(own, peer)
        self.session = int(row["session"])
        # views of one field are an order of magnitude faster than the row's items
        fields = np.asarray(row)
        self._active = fields["active"]
        self._clock_tolerance_ns = fields["clock_tolerance_ns"]
        self._expected_in = fields["expected_in"]
        self._next_out = fields["next_out"]
        self.connection: Session | None = None
        self.credential: tuple[bytes, bytes] | None = None  # 553, 554 that an initiator sends
        self.access = Access()
        self.rates = Rates()
        self.throttled = 0
        self.options = SessionValues()
        self.hours: SessionHours | None = None  # None: at any time

    @property
    def clock_tolerance_ns(self) -> int:
        """How far SendingTime (52) may lie from now."""
        return self._clock_tolerance_ns.item()

    @property
    def expected_in(self) -> int:
        """The MsgSeqNum expected next from the peer."""
        return self._expected_in.item()

    @expected_in.setter
    def expected_in(self, number: int) -> None:
        """Moves it: a message was taken, or a SequenceReset or a recovery says so."""
        self._expected_in[()] = number

    @property
    def next_out(self) -> int:
        """The MsgSeqNum our next message takes."""
        return self._next_out.item()

    def take_number(self) -> int:
        """The number of a message that is about to be sent; it is never given twice."""
        number = self._next_out.item()
        self._next_out[()] = number + 1
        return number

    def set_active(self, is_active: bool) -> None:
        """Whether the decoder may take the peer's messages without asking the session.

        Never where it trades nothing (O-147) or its orders are counted (O-131).
        """
        options = self.options
        self._active[()] = is_active and not (options.drop_copy or options.open_orders_max)

    def reset(self) -> None:
        """Both directions begin again at 1; nothing sent before can be asked for."""
        self._expected_in[()] = 1
        self._next_out[()] = 1
        self.sent.reset()

    def begin_at(self, number: int) -> None:
        """Our next message has this number, by an operator; the peer's stay as they are."""
        self._next_out[()] = number
        self.sent.begin_at(number)


class Directory:
    """Counterparties by (our CompID, their CompID)."""

    def __init__(self) -> None:
        self._by_ids: dict[tuple[bytes, bytes], Counterparty] = {}

    def add(self, party: Counterparty) -> None:
        """Adds one; a pair of CompIDs is there once."""
        key = (party.own, party.peer)
        assert key not in self._by_ids
        self._by_ids[key] = party

    def find(self, own: bytes, peer: bytes) -> Counterparty | None:
        """Who logs on as `peer` to `own`; None: nobody by that name."""
        return self._by_ids.get((own, peer))

    def parties(self) -> list[Counterparty]:
        """Everybody, in order of addition."""
        return list(self._by_ids.values())
