"""What a handler is told and tells: its bounds, states, counts and updates.

Source: specs/market_data.md (F-12, F-41, F-130).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

from feed.messages import MarketMessage

LINES = 2


class FeedState(IntEnum):
    """Whether the books may be believed (F-130)."""

    NONE = 0
    SYNCHRONIZED = 1  # the books hold all that is known to have been published
    GAP = 2  # messages are missing, perhaps only late
    RECOVERING = 3  # an answer of the recovery service is awaited
    STALE = 4  # what is missing does not come, or no line says anything


@dataclass(frozen=True)
class HandlerLimits:
    """Bounds and waits of one handler."""

    reorder_window_ns: int = 5_000_000  # how long a gap may be mere disorder or the other line
    request_timeout_ns: int = 2_000_000_000  # without progress; then the request is made again
    retry_ns: int = 250_000_000  # after a refusal or a lost connection
    silence_ns: int = 3_000_000_000  # without any packet; then the recovery service is asked
    stale_ns: int = 1_000_000_000  # behind without progress; then the books are STALE
    pending_packets_max: int = 16_384
    replay_messages_max: int = 20_000  # of one request; the service's bound (F-42)
    replay_gap_max: int = 4_000_000  # a wider gap is bridged by a snapshot
    open_messages_max: int = 4_000_000  # of one command
    instruments_max: int = 65_536
    pages_max: int = 1 << 20  # 64 neighbouring public ids each, 1.6 kB

    def __post_init__(self) -> None:
        """A request may always make progress."""
        assert 0 < self.replay_messages_max <= self.replay_gap_max
        assert self.pending_packets_max > 0
        assert 0 < self.reorder_window_ns <= self.request_timeout_ns


@dataclass
class HandlerCounts:
    """What a handler saw; for people and tests."""

    packets: list[int] = field(default_factory=lambda: [0] * LINES)  # by line, whole ones
    first: list[int] = field(default_factory=lambda: [0] * LINES)  # packets this line brought first
    duplicates: int = 0
    garbage: int = 0  # datagrams that are no packet
    other_session: int = 0
    pending_dropped: int = 0
    gaps: int = 0  # that outlasted the reorder window
    replays_asked: int = 0
    snapshots_asked: int = 0
    snapshots: int = 0
    refused: int = 0
    inconsistent: int = 0  # messages that did not fit the book


class Update(NamedTuple):
    """What one command did to the market, or a whole new picture after a snapshot."""

    sequence: int  # number of the last message it holds
    messages: list[MarketMessage]  # empty for a snapshot
    snapshot: bool
