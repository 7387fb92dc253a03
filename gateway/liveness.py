"""Heartbeats and silence of one FIX connection: when to speak, when to ask, when to give up.

Knows times only, on the session clock (real time), in nanoseconds. Source: FIX session layer,
fix-session 1.3: Heartbeat after HeartBtInt without sending, TestRequest after 1.2 times it without
hearing, the line is dead when 1.2 times more pass after it; any message proves life, not only the
asked-for answer. The answer is waited for from the asking on, so that a process that was held up
does not take its own delay for the peer's.
"""

from __future__ import annotations

from enum import IntEnum

NEVER_NS = (1 << 63) - 1
SECOND_NS = 1_000_000_000


class Due(IntEnum):
    """What a silence calls for."""

    NOTHING = 0
    HEARTBEAT = 1
    TEST_REQUEST = 2
    CLOSE = 3


class Liveness:
    """Times of one connection. With HeartBtInt 0 nothing is ever due."""

    __slots__ = ("_interval_ns", "_received_ns", "_sent_ns", "_tested_ns")

    def __init__(self) -> None:
        self._interval_ns = 0
        self._sent_ns = 0
        self._received_ns = 0
        self._tested_ns = 0

    def start(self, interval_s: int, now_ns: int) -> None:
        """Begins (or begins again) with HeartBtInt of `interval_s` seconds; 0: no heartbeats."""
        self._interval_ns = interval_s * SECOND_NS
        self._sent_ns = self._received_ns = now_ns
        self._tested_ns = 0

    def sent(self, now_ns: int) -> None:
        """Something was written to the peer."""
        self._sent_ns = now_ns

    def received(self, now_ns: int) -> None:
        """A well-framed message came from the peer."""
        self._received_ns = now_ns
        self._tested_ns = 0

    def exchanged(self, now_ns: int) -> None:
        """A message came and something was written in answer."""
        self._sent_ns = self._received_ns = now_ns
        self._tested_ns = 0

    def deadline_ns(self) -> int:
        """When `due` must be asked next; NEVER_NS without heartbeats."""
        if not self._interval_ns:
            return NEVER_NS
        silent_ns = (self._tested_ns or self._received_ns) + self._interval_ns * 12 // 10
        heartbeat_ns = self._sent_ns + self._interval_ns
        return silent_ns if silent_ns < heartbeat_ns else heartbeat_ns

    def due(self, now_ns: int) -> Due:
        """What must be done now; a TEST_REQUEST counts as asked. Ask again until NOTHING."""
        if not self._interval_ns:
            return Due.NOTHING
        patience_ns = self._interval_ns * 12 // 10
        if self._tested_ns:
            if now_ns - self._tested_ns >= patience_ns:
                return Due.CLOSE
        elif now_ns - self._received_ns >= patience_ns:
            self._tested_ns = now_ns
            return Due.TEST_REQUEST
        if now_ns - self._sent_ns >= self._interval_ns:
            return Due.HEARTBEAT
        return Due.NOTHING
