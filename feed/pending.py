"""Packets of the lines that came before what they follow, by the number of their first message.

Source: specs/market_data.md (F-5, F-41).
"""

from __future__ import annotations

import heapq

from feed.packet import Header

Packet = tuple[Header, bytes]


class Pending:
    """Waiting packets, the lowest number first; the caller bounds how many."""

    def __init__(self) -> None:
        self._packets: dict[int, Packet] = {}
        self._order: list[int] = []  # heap of its keys

    def __len__(self) -> int:
        return len(self._packets)

    def __contains__(self, first: int) -> bool:
        return first in self._packets

    def add(self, header: Header, data: bytes) -> None:
        """Keeps a packet; none with its first number waits."""
        self._packets[header.sequence] = (header, bytes(data))
        heapq.heappush(self._order, header.sequence)

    def pop(self, upto: int) -> Packet | None:
        """Takes out the lowest one, if its first number is at most `upto`."""
        if not self._order or self._order[0] > upto:
            return None
        return self._packets.pop(heapq.heappop(self._order))

    def first(self, default: int) -> int:
        """The lowest first number; `default` if nothing waits."""
        return self._order[0] if self._order else default

    def in_order(self) -> list[Packet]:
        """All of them, which go on waiting."""
        return [self._packets[first] for first in sorted(self._packets)]

    def forget_from(self, first: int) -> None:
        """Forgets packets whose first number is `first` or higher."""
        self._packets = {at: packet for at, packet in self._packets.items() if at < first}
        self._order = sorted(self._packets)
