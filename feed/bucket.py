"""A token bucket: what a client may ask for, on the average and at once. Reads no clock.

Source: specs/market_data.md (F-137).
"""

from __future__ import annotations


class TokenBucket:
    """Fills by `rate` tokens a second up to `burst`; may be overdrawn, then its owner waits."""

    def __init__(self, rate: float, burst: float, now_s: float) -> None:
        assert rate > 0 and burst > 0
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._filled_s = now_s

    def take(self, count: float, now_s: float) -> float:
        """Takes so many tokens; seconds to wait until they are all there, 0.0 when they are."""
        grown = self._tokens + (now_s - self._filled_s) * self.rate
        self._tokens = min(grown, self.burst) - count
        self._filled_s = now_s
        return max(-self._tokens / self.rate, 0.0)

    def full(self, now_s: float) -> bool:
        """True when nothing of it is used: it may as well be forgotten."""
        return self._tokens + (now_s - self._filled_s) * self.rate >= self.burst
