"""A venue's feed without sockets, driven by hand: publisher, history, recovery service."""

from __future__ import annotations

import numpy as np

from feed.handler import Handler, Update
from feed.history import History
from feed.messages import ENCODER
from feed.packet import PacketKind, decode_datagram, decode_header, encode_packet
from feed.publish import Publisher
from feed.recovery import Recovery, RecoveryLimits
from tests.feed_market import Market, packets_of

MS = 1_000_000


class Venue:
    """A publisher with history and recovery service, driven by hand."""

    def __init__(self, source: Market, history_bytes: int = 1 << 24, replay_max: int = 500) -> None:
        self.market = source
        self.publisher = source.publisher()
        self.history = History(history_bytes)
        limits = RecoveryLimits(replay_messages_max=replay_max)
        self.recovery = Recovery(self.publisher, self.history, limits)
        self._at = 0

    @property
    def done(self) -> bool:
        """All events are published."""
        return self._at == len(self.market.events)

    def publish(self, rows: int, messages_a_packet: int | None = None) -> list[bytes]:
        """The packets of the next event rows."""
        taken = self.market.events[self._at : self._at + rows]
        self._at = min(self._at + rows, len(self.market.events))
        return published_packets(self.publisher, self.history, taken, messages_a_packet)

    def heartbeat(self) -> bytes:
        """The packet of a silent line."""
        return encode_packet(
            PacketKind.MESSAGES, self.publisher.session, self.publisher.next_sequence, 0, []
        )


def published_packets(
    publisher: Publisher, history: History, rows: np.ndarray, messages_a_packet: int | None
) -> list[bytes]:
    """The packets of the next event rows, kept in `history` as the feed does."""
    packets = []
    for session, first, messages in publisher.publish_in_sessions(rows):
        encoded = list(map(ENCODER.encode, messages))
        for packet in packets_of(encoded, session, messages_a_packet, first):
            header = decode_datagram(packet)
            history.append(header.sequence, header.message_count, packet)
            packets.append(packet)
        if publisher.next_session:
            history.restart(1)
    return packets


def answer(venue: Venue, handler: Handler, now_ns: int) -> list[Update]:
    """Asks the recovery service what the handler wants, if anything, and gives it the answer."""
    request = handler.poll(now_ns)
    if request is None:
        return []
    stream = b"".join(venue.recovery.answer(request, 0))
    updates = []
    while stream:
        header = decode_header(stream)
        updates += handler.receive_recovery(stream[: header.length], now_ns)
        stream = stream[header.length :]
    return updates


def settle(venue: Venue, handler: Handler, now_ns: int) -> list[Update]:
    """Heartbeats and recovery until the handler has everything."""
    updates = []
    for _ in range(2_000):
        now_ns += 300 * MS
        updates += handler.receive(0, venue.heartbeat(), now_ns)
        updates += answer(venue, handler, now_ns)
        if handler.live and handler.next_sequence == venue.publisher.next_sequence:
            return updates
    raise AssertionError(f"never settled: {handler.counts}")
