"""How many messages a session may send now: a bucket that fills with time, as integers.

A bucket is the instant from which its tokens count: `since_ns` moves on by a message's share of a
second with each message, and is never further back than a burst. A message that counts for many (a
MassQuote) may run it into debt, by one burst at most; a clock that is set back costs no more.

Source: specs/order_entry.md O-5, O-110 to O-112.
"""

from __future__ import annotations

from gateway.liveness import SECOND_NS

_FORBIDDEN_NS = 1 << 62  # what a message costs where none is allowed


class Bucket:
    """rate: messages a second, 0 forbids; burst: at once, 0: a second's. Full at the beginning.

    Who takes messages adds `messages * message_ns` to since_ns.
    """

    __slots__ = ("_burst_ns", "message_ns", "since_ns")

    def __init__(self, rate: int, burst: int = 0) -> None:
        self.message_ns = max(SECOND_NS // rate, 1) if rate else _FORBIDDEN_NS
        self._burst_ns = self.message_ns * (burst or rate)
        self.since_ns = 0

    def allowed(self, now_ns: int) -> int:
        """Messages that may be taken now, 0 or more."""
        passed_ns = now_ns - self.since_ns
        if passed_ns > self._burst_ns:
            self.since_ns = now_ns - self._burst_ns
            passed_ns = self._burst_ns
        if passed_ns >= 0:
            return passed_ns // self.message_ns
        self.since_ns = min(self.since_ns, now_ns + self._burst_ns)
        return 0


class Patience:
    """Seconds in a row in which something was refused; the first is 1."""

    __slots__ = ("_second", "_seconds")

    def __init__(self) -> None:
        self._second = self._seconds = 0

    def refused(self, now_ns: int) -> int:
        """Something is refused now: in how many seconds in a row."""
        second = now_ns // SECOND_NS
        if second != self._second:
            self._seconds = self._seconds + 1 if second == self._second + 1 else 1
            self._second = second
        return self._seconds
