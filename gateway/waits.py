"""How long things waited lately: the greatest wait of the last seconds, for an operator to see.

Source: docs/decisions/0183-operator-page.md.
"""

from __future__ import annotations

from gateway.liveness import SECOND_NS

KEPT_S = 10


class Waits:
    """The greatest of the waits taken in the last KEPT_S seconds."""

    def __init__(self) -> None:
        self._greatest_ns = [0] * KEPT_S  # by second, modulo KEPT_S
        self._second = 0

    def take(self, waited_ns: int, now_ns: int) -> None:
        """One wait that ended now; now_ns: any clock that does not go back."""
        self._forget(now_ns)
        at = self._second % KEPT_S
        self._greatest_ns[at] = max(self._greatest_ns[at], waited_ns)

    def greatest_ns(self, now_ns: int) -> int:
        """Of the last seconds; 0: nothing waited."""
        self._forget(now_ns)
        return max(self._greatest_ns)

    def _forget(self, now_ns: int) -> None:
        second = now_ns // SECOND_NS
        for gone in range(max(self._second + 1, second - KEPT_S + 1), second + 1):
            self._greatest_ns[gone % KEPT_S] = 0
        self._second = max(self._second, second)
