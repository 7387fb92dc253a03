"""What the recovery service answers: a replay of a range, a snapshot, or a refusal. No socket here.

Snapshots come from the publisher's books, which are kept by the code that subscribers use; replays
from the history of packets. Every answer is bounded and given in small parts, so that publishing
goes on in between.

Source: specs/market_data.md (F-40 to F-45).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from typing import Protocol

import numpy as np

from feed.books import Books
from feed.history import History
from feed.messages import (
    ENCODER,
    Message,
    OrderAdded,
    Refused,
    RefusedReason,
    ReplayRequest,
    Request,
    SnapshotEnd,
    SnapshotRequest,
    SnapshotStart,
)
from feed.packet import PacketKind, encode_packet, fill_packets
from feed.slices import Slices


@dataclass(frozen=True)
class RecoveryLimits:
    """Bounds of the recovery service; a client that passes one waits or is closed."""

    connections_max: int = 64
    client_connections_max: int = 16  # of one address
    client_messages_per_second: int = 2_000_000  # to one address, on the average
    client_burst_messages: int = 4_000_000  # at once
    replay_messages_max: int = 20_000  # of one request
    request_interval_s: float = 0.01  # between the requests of one connection
    snapshot_interval_s: float = 0.5  # between the snapshots of one connection
    snapshots_at_once: int = 2
    part_messages: int = 1_000  # of a snapshot encoded without a pause
    write_buffer_bytes: int = 262_144  # not taken by the client
    write_timeout_s: float = 10.0
    idle_timeout_s: float = 120.0
    history_bytes: int = 67_108_864

    def __post_init__(self) -> None:
        """No bound is zero."""
        assert self.client_connections_max > 0
        assert self.client_messages_per_second > 0 and self.client_burst_messages > 0
        assert self.connections_max > 0 and self.snapshots_at_once > 0
        assert self.replay_messages_max > 0 and self.part_messages > 0


class Published(Protocol):
    """What recovery needs of a publisher, or of a recording that is published again."""

    @property
    def session(self) -> int:
        """Names one sequence of numbers; 0 before there is one."""

    @property
    def next_sequence(self) -> int:
        """Number of the next message."""

    @property
    def books(self) -> Books:
        """The books after message `next_sequence` - 1."""

    @property
    def in_command(self) -> bool:
        """True while the books stand inside an event."""


class Recovery:
    """Answers requests from one publisher's books and history. Changes neither."""

    def __init__(self, publisher: Published, history: History, limits: RecoveryLimits) -> None:
        self.publisher = publisher
        self.history = history
        self.limits = limits

    def refusal(self, reason: RefusedReason, now_ns: int) -> bytes:
        """The packet that refuses a request (F-45)."""
        history = self.history
        refused = Refused(int(reason), history.first_available, history.next_sequence)
        return encode_packet(
            PacketKind.ANSWER,
            self.publisher.session,
            history.next_sequence,
            now_ns,
            [ENCODER.encode(refused)],
        )

    def cost(self, request: Request) -> int:
        """How many messages the answer may have (F-137)."""
        if isinstance(request, ReplayRequest):
            return max(min(request.count, self.limits.replay_messages_max), 1)
        return len(self.publisher.books.by_instrument) + self.publisher.books.slices.count()

    def answer(self, request: Request, now_ns: int) -> Iterator[bytes]:
        """The answer's packets, joined into parts of bounded size.

        What it says is settled by the first part; the rest may be taken at leisure.
        """
        if isinstance(request, ReplayRequest):
            return self._replay(request, now_ns)
        return self._snapshot(request, now_ns)

    def _replay(self, request: ReplayRequest, now_ns: int) -> Iterator[bytes]:
        history = self.history
        first = request.first
        if first < 1 or request.count < 1:
            yield self.refusal(RefusedReason.BAD_REQUEST, now_ns)
        elif first >= history.next_sequence:
            yield self.refusal(RefusedReason.NOT_YET, now_ns)
        elif first < history.first_available:
            yield self.refusal(RefusedReason.NOT_AVAILABLE, now_ns)
        else:
            count = min(request.count, self.limits.replay_messages_max)
            stop = min(first + count, history.next_sequence)
            end = encode_packet(PacketKind.MESSAGES, self.publisher.session, stop, now_ns, [])
            yield b"".join([*history.packets(first, count), end])

    def _snapshot(self, request: SnapshotRequest, now_ns: int) -> Iterator[bytes]:
        books = self.publisher.books
        if self.publisher.session == 0:
            yield self.refusal(RefusedReason.NOT_YET, now_ns)
            return
        if self.publisher.in_command:
            yield self.refusal(RefusedReason.OVERLOADED, now_ns)
            return
        if request.instrument == 0:
            chosen = list(books.by_instrument.values())
        elif request.instrument in books.by_instrument:
            chosen = [books.by_instrument[request.instrument]]
        else:
            yield self.refusal(RefusedReason.UNKNOWN_INSTRUMENT, now_ns)
            return
        sequence = self.publisher.next_sequence - 1
        facts: list[Message] = [SnapshotStart(sequence, request.instrument)]
        if books.status is not None:
            facts.append(books.status)
        for book in chosen:
            facts += book.facts()
        orders = FrozenOrders(books.slices, {book.instrument for book in chosen})
        end = SnapshotEnd(sequence, request.instrument, len(orders.rows))
        messages = chain(facts, orders.messages(self.limits.part_messages), [end])
        while part := list(islice(messages, self.limits.part_messages)):
            encoded = list(map(ENCODER.encode, part))
            yield b"".join(
                encode_packet(
                    PacketKind.SNAPSHOT,
                    self.publisher.session,
                    sequence,
                    now_ns,
                    encoded[start:stop],
                )
                for start, stop in fill_packets(encoded)
            )


class FrozenOrders:
    """The slices of some instruments as they stand now, in order of public id; a copy."""

    def __init__(self, slices: Slices, instruments: set[int]) -> None:
        self._levels = {
            level.slot: (level.instrument, level.side, level.price)
            for level in slices.levels
            if level.orders and level.instrument in instruments
        }
        chosen = np.zeros(len(slices.levels), np.bool_)
        chosen[list(self._levels)] = True
        rows = slices.rows()
        self.rows = rows[chosen[rows["slot"]]]  # SLICE rows

    def messages(self, rows_at_once: int) -> Iterator[OrderAdded]:
        """One OrderAdded per slice, with the levels as they grow from empty (F-43)."""
        return self.messages_of(self.rows, rows_at_once)

    def messages_of(self, rows: np.ndarray, rows_at_once: int) -> Iterator[OrderAdded]:
        """The same for some of the rows: all of each level that is among them."""
        totals: dict[int, list[int]] = {}
        for start in range(0, len(rows), rows_at_once):
            for public_id, slot, qty, time_ns in rows[start : start + rows_at_once].tolist():
                total = totals.setdefault(slot, [0, 0])
                total[0] += qty
                total[1] += 1
                instrument, side, price = self._levels[slot]
                yield OrderAdded(time_ns, instrument, side, public_id, price, qty, *total)
