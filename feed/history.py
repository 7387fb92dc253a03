"""Packets already published, by message number, bounded in bytes: what a replay is served from.

Source: specs/market_data.md (F-42).
"""

from __future__ import annotations

from bisect import bisect_right

_COMPACT_AT = 4_096  # forgotten packets before the lists are cut
_OVERHEAD_BYTES = 96  # of keeping one packet, so that many small ones are bounded, too


class History:
    """The newest packets, oldest forgotten first when they pass `bytes_max` bytes."""

    def __init__(self, bytes_max: int) -> None:
        self.bytes_max = bytes_max
        self.bytes_kept = 0
        self.next_sequence = 1  # of the message after the last one kept
        self._firsts: list[int] = []  # first message number of each packet
        self._packets: list[bytes] = []
        self._start = 0  # packets forgotten and not yet cut

    @property
    def first_available(self) -> int:
        """Lowest message number that can be replayed; `next_sequence` if there is none."""
        if self._start == len(self._firsts):
            return self.next_sequence
        return self._firsts[self._start]

    def restart(self, next_sequence: int) -> None:
        """Forgets everything; the next packet starts at `next_sequence`."""
        self._firsts, self._packets, self._start = [], [], 0
        self.bytes_kept, self.next_sequence = 0, next_sequence

    def append(self, sequence: int, message_count: int, packet: bytes) -> None:
        """The next packet, whose first message is number `sequence`."""
        assert sequence == self.next_sequence and message_count > 0
        self._firsts.append(sequence)
        self._packets.append(packet)
        self.next_sequence = sequence + message_count
        self.bytes_kept += len(packet) + _OVERHEAD_BYTES
        while self.bytes_kept > self.bytes_max and self._start < len(self._packets) - 1:
            self.bytes_kept -= len(self._packets[self._start]) + _OVERHEAD_BYTES
            self._packets[self._start] = b""
            self._start += 1
        if self._start >= _COMPACT_AT:
            del self._firsts[: self._start], self._packets[: self._start]
            self._start = 0

    def packets(self, first: int, count: int) -> list[bytes]:
        """The packets that hold messages `first` to `first + count - 1`, as far as published.

        The first may start before `first` and the last end after. `first` is available.
        """
        assert self.first_available <= first < self.next_sequence and count > 0
        start = bisect_right(self._firsts, first) - 1
        stop = bisect_right(self._firsts, first + count - 1)
        return self._packets[start:stop]
