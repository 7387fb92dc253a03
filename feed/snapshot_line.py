"""The snapshot line: all instruments in a loop, for who joins without asking. A shell over UDP.

The books are copied at a moment between two events and sent from the copy, at a bounded rate; a
copy is used for a second, or for twenty times as long as making it took. Publishing goes on in
between.

Source: specs/market_data.md (F-43, F-138).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from feed.bucket import TokenBucket
from feed.messages import ENCODER, Message, SnapshotEnd, SnapshotStart
from feed.multicast import LineSender
from feed.packet import PACKET_BYTES_MAX, PacketKind, encode_packet, fill_packets
from feed.recovery import FrozenOrders, Published

_PART_MESSAGES = 200  # encoded without a pause
_BURST_BYTES = 65_536


@dataclass(frozen=True)
class SnapshotLineLimits:
    """How fast the loop may be."""

    bytes_per_second: int = 2_000_000
    loop_s: float = 1.0  # at least, from start to start
    copy_s: float = 1.0  # a copy of the books is used so long
    copy_share: float = 0.05  # of the time, at most, goes into copies
    pause_s: float = 0.01  # while there is nothing to copy
    packet_bytes_max: int = PACKET_BYTES_MAX


class FrozenBooks:
    """All books as they stand now, instrument by instrument."""

    def __init__(self, published: Published) -> None:
        assert not published.in_command
        books = published.books
        self.session = published.session
        self.sequence = published.next_sequence - 1
        self.instruments = list(books.by_instrument)
        status = [] if books.status is None else [books.status]
        self._facts = [[*status, *book.facts()] for book in books.by_instrument.values()]
        self._orders = FrozenOrders(books.slices, set(self.instruments))
        rows = self._orders.rows
        of_slot = np.array([level.instrument for level in books.slices.levels], np.int64)
        owners = of_slot[rows["slot"]]
        order = np.argsort(owners, kind="stable")
        self._rows = rows[order]
        self._starts = np.searchsorted(owners[order], self.instruments, "left").tolist()
        self._stops = np.searchsorted(owners[order], self.instruments, "right").tolist()

    def messages(self, place: int) -> Iterator[Message]:
        """The snapshot of the instrument at a place of the loop (F-43)."""
        instrument = self.instruments[place]
        start, stop = self._starts[place], self._stops[place]
        yield SnapshotStart(self.sequence, instrument, place, len(self.instruments))
        yield from self._facts[place]
        yield from self._orders.messages_of(self._rows[start:stop], _PART_MESSAGES)
        yield SnapshotEnd(self.sequence, instrument, stop - start)


class SnapshotLine:
    """Sends the books of `published` on one line, over and over."""

    def __init__(
        self, published: Published, sender: LineSender, limits: SnapshotLineLimits
    ) -> None:
        self.loops = 0
        self._published = published
        self._sender = sender
        self._limits = limits
        self._bucket = TokenBucket(limits.bytes_per_second, _BURST_BYTES, time.monotonic())

    async def run(self) -> None:
        """Until cancelled."""
        place, begun_s = 0, 0.0
        while True:
            published = self._published
            if not published.session or published.in_command or not published.books.by_instrument:
                await asyncio.sleep(self._limits.pause_s)
                continue
            copied_s = time.monotonic()
            begun_s = begun_s if place else copied_s
            frozen = FrozenBooks(published)
            spent_s = time.monotonic() - copied_s
            until_s = copied_s + max(self._limits.copy_s, spent_s / self._limits.copy_share)
            place = await self._send(frozen, place, until_s)
            if place == len(frozen.instruments):
                self.loops += 1
                place = 0
                await asyncio.sleep(max(begun_s + self._limits.loop_s - time.monotonic(), 0.0))

    async def _send(self, frozen: FrozenBooks, place: int, until_s: float) -> int:
        """Sends instruments from `place` on until the time is up; the next place."""
        encoded: list[bytes] = []
        # parts of a session that is over would help nobody
        while place < len(frozen.instruments) and frozen.session == self._published.session:
            for message in frozen.messages(place):
                encoded.append(ENCODER.encode(message))
                if len(encoded) == _PART_MESSAGES:
                    await self._flush(frozen, encoded)
                    encoded = []
            place += 1
            if time.monotonic() > until_s:
                break
        await self._flush(frozen, encoded)
        return place

    async def _flush(self, frozen: FrozenBooks, encoded: list[bytes]) -> None:
        wait_s = 0.0
        for start, stop in fill_packets(encoded, self._limits.packet_bytes_max):
            packet = encode_packet(
                PacketKind.SNAPSHOT,
                frozen.session,
                frozen.sequence,
                time.time_ns(),
                encoded[start:stop],
            )
            self._sender.send(packet)
            wait_s = self._bucket.take(len(packet), time.monotonic())
        await asyncio.sleep(wait_s)
