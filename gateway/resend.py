"""Both sides of a ResendRequest: what is still owed to the peer, and what was asked of it.

Bounded both ways: ranges that wait, and messages made at once, so that a request for everything
neither grows memory nor keeps other members waiting; live messages may go out between two chunks.
Source: fix-session 1.2 (ResendRequest rows).
"""

from __future__ import annotations

from gateway.counterparty import Counterparty
from gateway.liveness import SECOND_NS
from gateway.message import encode_message, in_dialect

RANGES_MAX = 8
CHUNK_MESSAGES = 64
GAP_TIMEOUT_NS = 30 * SECOND_NS  # an unanswered ResendRequest is sent again after this


class Resend:
    """Ranges of outgoing numbers that the peer asked for and has not been sent yet."""

    __slots__ = ("_ranges",)

    def __init__(self) -> None:
        self._ranges: list[tuple[int, int]] = []

    @property
    def pending(self) -> bool:
        """True while something is owed."""
        return bool(self._ranges)

    def clear(self) -> None:
        """Nothing is owed any more."""
        self._ranges.clear()

    def ask(self, begin: int, end: int) -> None:
        """Owes begin..end, both included. Past RANGES_MAX, the last range grows instead."""
        if self._ranges and self._ranges[-1][1] == end and begin >= self._ranges[-1][0]:
            return  # asked again out of impatience: it is on its way
        if len(self._ranges) < RANGES_MAX:
            self._ranges.append((begin, end))
        else:
            last = self._ranges[-1]
            self._ranges[-1] = (min(begin, last[0]), max(end, last[1]))

    def next_chunk(self, party: Counterparty, now_ns: int) -> bytes:
        """At most CHUNK_MESSAGES messages as bytes; each keeps its number."""
        chunk = bytearray()
        messages = 0
        while self._ranges and messages < CHUNK_MESSAGES:
            begin, end = self._ranges[0]
            number = party.sent.next_resendable(begin, end)
            if number > begin:
                chunk += _gap_fill(party, begin, number, now_ns)
            else:
                again = party.sent.encode_again(number, now_ns)
                number += 1
                # it may have gone out before in another dialect
                again = again and in_dialect(again, party.header.begin_string)
                chunk += again or _gap_fill(party, begin, number, now_ns)
            messages += 1
            if number > end:
                self._ranges.pop(0)
            else:
                self._ranges[0] = (number, end)
        return bytes(chunk)


def _gap_fill(party: Counterparty, begin: int, new_number: int, now_ns: int) -> bytes:
    """SequenceReset-GapFill in place of begin..new_number - 1."""
    fields = ((123, "Y"), (36, new_number))
    return encode_message(b"4", fields, party.header, begin, now_ns, orig_sending_time_ns=now_ns)


class Gap:
    """What is missing from the peer, and whether it was asked for.

    Messages behind a gap are dropped: they come again by the resend, each once and in order.
    """

    __slots__ = ("_asked_expected", "_asked_ns", "_through")

    def __init__(self) -> None:
        self._through = 0  # a ResendRequest covers the numbers up to this; 0: no gap
        self._asked_expected = 0
        self._asked_ns = 0

    def must_ask(self, number: int, expected: int, now_ns: int) -> bool:
        """True when a ResendRequest from `expected` is due because `number` came; counts as sent.

        One a gap, however many messages come behind it; again when nothing came of it for
        GAP_TIMEOUT_NS.
        """
        stalled = self._asked_expected == expected and now_ns - self._asked_ns >= GAP_TIMEOUT_NS
        if expected <= self._through and not stalled:
            return False
        self._through = max(number, self._through)
        self._asked_expected, self._asked_ns = expected, now_ns
        return True

    def expects(self, expected: int) -> None:
        """The next expected number moved."""
        if expected > self._through:
            self._through = 0

    def reset(self) -> None:
        """Numbers begin again."""
        self._through = 0
