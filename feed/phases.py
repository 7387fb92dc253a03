"""The phases of an instrument in words, for people who watch it."""

from __future__ import annotations

import time

from engine.reasons import PhaseReason
from feed.messages import Status, TradingStatus

_PHASES = {
    TradingStatus.NONE: "-",
    TradingStatus.TRADING: "continuous trading",
    TradingStatus.HALTED: "halted",
    TradingStatus.EXPIRED: "expired",
    TradingStatus.CLOSED: "closed",
    TradingStatus.PRE_OPEN: "pre-open",
    TradingStatus.NO_CANCEL: "pre-open, no cancels",
    TradingStatus.AUCTION_MATCH: "auction",
    TradingStatus.VOLATILITY_PAUSE: "volatility pause",
    TradingStatus.CLOSING: "closing call",
    TradingStatus.SETTLEMENT: "settlement",
}
_REASONS = {
    PhaseReason.VELOCITY: "velocity",
    PhaseReason.CIRCUIT_BREAKER: "circuit breaker",
    PhaseReason.SCHEDULE_ENDED: "its phase had ended",
    PhaseReason.OPERATOR: "by the operator",
    PhaseReason.LOCKED_DAYS: "locked at the limit for three days",
}
CALLS = frozenset(
    {
        TradingStatus.PRE_OPEN,
        TradingStatus.NO_CANCEL,
        TradingStatus.VOLATILITY_PAUSE,
        TradingStatus.CLOSING,
    }
)


def phase_words(status: int) -> str:
    """A TradingStatus in words."""
    return _PHASES[TradingStatus(status)]


def reason_words(status: Status) -> str:
    """Why the status is what it is: of the engine's own reasons the words, of others the number."""
    if status.reason in _REASONS:
        return _REASONS[PhaseReason(status.reason)]
    return f"reason {status.reason}"


def clock_text(time_ns: int) -> str:
    """A venue time as UTC time of day."""
    return time.strftime("%H:%M:%S", time.gmtime(time_ns // 1_000_000_000))


def surplus_words(surplus: int) -> str:
    """Lots that an uncross leaves at its price, and on which side."""
    if not surplus:
        return "no surplus"
    return f"{abs(surplus):,} more {'bid' if surplus > 0 else 'offered'}"
