"""What an initiator sent, in memory and bounded: a SentLog of the member's side.

Source: gateway/counterparty.py (SentLog). An initiator's process that ends forgets it, and logs on
again with ResetSeqNumFlag or gap-fills.
"""

from __future__ import annotations

from gateway.message import encode_again

MESSAGES_MAX = 100_000


class SentMessages:
    """The last messages_max application messages by number; all other numbers are gap-filled."""

    def __init__(self, messages_max: int = MESSAGES_MAX) -> None:
        assert messages_max > 0
        self._messages_max = messages_max
        self._kept: dict[int, tuple[bytes, int]] = {}

    def admin(self, number: int, sending_time_ns: int) -> None:
        """See SentLog."""

    def blob(self, number: int, raw: bytes, sending_time_ns: int) -> None:
        """See SentLog."""
        if len(self._kept) >= self._messages_max:
            del self._kept[next(iter(self._kept))]
        self._kept[number] = (raw, sending_time_ns)

    def reset(self) -> None:
        """See SentLog."""
        self._kept.clear()

    def begin_at(self, number: int) -> None:
        """See SentLog."""
        self._kept.clear()

    def next_resendable(self, begin: int, end: int) -> int:
        """See SentLog."""
        for number in range(begin, end + 1):
            if number in self._kept:
                return number
        return end + 1

    def encode_again(self, number: int, now_ns: int) -> bytes:
        """See SentLog."""
        raw, sent_ns = self._kept[number]
        return encode_again(raw, now_ns, sent_ns)

    def changed(self, urgent: bool) -> None:
        """See SentLog: nothing is kept beyond the process."""
