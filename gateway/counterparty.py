"""Who is on the other side of FIX sessions, across connections: identity, numbers, what was sent.

A Counterparty lives as long as the venue; a Session is one of its connections. Numbers live in the
SESSION_ROW that the kernels advance, what was sent in a SentLog (gateway/store.py for the venue,
gateway/sent.py for an initiator).

Source: specs/order_entry.md O-1 to O-6; fix-session 1.1, 1.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from gateway.message import Header
from gateway.types import SESSION_ROW

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

    def next_resendable(self, begin: int, end: int) -> int:
        """The first number of begin..end (both included) that is sent again; end + 1: none."""

    def encode_again(self, number: int, now_ns: int) -> bytes:
        """The message of a resendable number with 43=Y, 122 and a new 52."""

    def changed(self, urgent: bool) -> None:
        """Numbers moved; urgent: they must be kept before anything more is sent."""


class Counterparty:
    """One pair of CompIDs as seen from here, with its numbers.

    own, peer: our CompID and theirs, ASCII. row: a SESSION_ROW scalar, a view into its table;
    session: its index there.
    messages_per_second_max: throttle, 0 forbids. connection: the Session that is logged on, if any.
    """

    __slots__ = (
        "cancel_on_disconnect",
        "connection",
        "credential",
        "header",
        "messages_per_second_max",
        "own",
        "password_hash",
        "peer",
        "row",
        "sent",
        "session",
    )

    def __init__(self, own: bytes, peer: bytes, row: Any, sent: SentLog) -> None:
        assert row.dtype == SESSION_ROW
        self.own = own
        self.peer = peer
        self.row = row
        self.sent = sent
        self.header = Header(own, peer)
        self.session = int(row["session"])
        self.connection: Session | None = None
        self.credential: tuple[bytes, bytes] | None = None  # 553, 554 that an initiator sends
        self.password_hash = ""  # of specs/credentials.py; empty: none is asked for
        self.messages_per_second_max = 10_000_000
        self.cancel_on_disconnect = True

    @property
    def expected_in(self) -> int:
        """The MsgSeqNum expected next from the peer."""
        return int(self.row["expected_in"])

    @expected_in.setter
    def expected_in(self, number: int) -> None:
        self.row["expected_in"] = number

    @property
    def next_out(self) -> int:
        """The MsgSeqNum our next message takes."""
        return int(self.row["next_out"])

    def take_number(self) -> int:
        """The number of a message that is about to be sent; it is never given twice."""
        number = int(self.row["next_out"])
        self.row["next_out"] = number + 1
        return number

    def reset(self) -> None:
        """Both directions begin again at 1; nothing sent before can be asked for."""
        self.row["expected_in"] = 1
        self.row["next_out"] = 1
        self.sent.reset()


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
