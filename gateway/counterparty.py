"""Who is on the other side of FIX sessions, across connections: identity, numbers, what was sent.

A Counterparty lives as long as the venue; a Session is one of its connections. Numbers live in the
SESSION_ROW that the kernels advance, what was sent in a SentLog (gateway/store.py for the venue,
gateway/sent.py for an initiator).

Source: specs/order_entry.md O-1 to O-6; fix-session 1.1, 1.2.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from gateway.message import Header
from gateway.types import SESSION_ROW


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

    own, peer: our CompID and theirs, ASCII. row: a SESSION_ROW scalar, a view into its table.
    messages_per_second_max: throttle, 0 forbids. connection: the Session that is logged on, if any.
    """

    __slots__ = (
        "connection",
        "credential",
        "header",
        "messages_per_second_max",
        "own",
        "peer",
        "row",
        "sent",
    )

    def __init__(self, own: bytes, peer: bytes, row: Any, sent: SentLog) -> None:
        assert row.dtype == SESSION_ROW
        self.own = own
        self.peer = peer
        self.row = row
        self.sent = sent
        self.header = Header(own, peer)
        self.connection: object | None = None
        self.credential: tuple[bytes, bytes] | None = None  # Username (553), Password (554)
        self.messages_per_second_max = 10_000_000

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


def new_row(own: bytes, peer: bytes, clock_tolerance_ns: int) -> np.ndarray:
    """SESSION_ROW[1] of a session that begins: numbers at 1, not logged on."""
    row = np.zeros(1, SESSION_ROW)
    fill_row(row[0], own, peer, clock_tolerance_ns)
    return row


def fill_row(row: Any, own: bytes, peer: bytes, clock_tolerance_ns: int) -> None:
    """Writes identity and first numbers into a SESSION_ROW scalar; member and account are kept."""
    row["expected_in"] = row["next_out"] = 1
    row["active"] = 0
    row["peer_chars"], row["own_chars"] = len(peer), len(own)
    row["peer_0"], row["peer_1"] = comp_id_words(peer)
    row["own_0"], row["own_1"] = comp_id_words(own)
    row["clock_tolerance_ns"] = clock_tolerance_ns


def comp_id_words(comp_id: bytes) -> tuple[int, int]:
    """A CompID of at most 16 bytes as the two words of a SESSION_ROW."""
    assert 0 < len(comp_id) <= 16
    padded = comp_id.ljust(16, b"\0")
    return int.from_bytes(padded[:8], "little"), int.from_bytes(padded[8:], "little")


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
