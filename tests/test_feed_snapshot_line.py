"""Joining from the snapshot line alone: parts of instruments, lost packets, gaps, sessions."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from feed.handler import FeedState, Handler, HandlerLimits
from feed.messages import ENCODER, OrderAdded, SnapshotRequest, SnapshotStart
from feed.multicast import Line
from feed.packet import PacketKind, decode_header, decode_messages, encode_packet, fill_packets
from feed.recovery import FrozenOrders
from feed.snapshot_line import FrozenBooks
from feed.subscriber import Subscriber
from perf.venue import free_port
from tests.feed_market import INSTRUMENTS, Market, assert_books_equal
from tests.feed_rig import WAIT_S, FeedProcess, read_until
from tests.feed_venue import MS, Venue

LIMITS = HandlerLimits(silence_ns=300 * MS, stale_ns=200 * MS)
SMALL_BYTES = 512  # of a packet, so that an instrument needs several


def loop(venue: Venue, rng: random.Random) -> Iterator[bytes]:
    """Packets of the snapshot line without end; a new copy after some instruments."""
    place = 0
    while True:
        while venue.publisher.in_command or not venue.publisher.books.by_instrument:
            yield b""
        frozen = FrozenBooks(venue.publisher)
        for _ in range(rng.randint(1, 4)):
            encoded = list(map(ENCODER.encode, frozen.messages(place)))
            for start, stop in fill_packets(encoded, SMALL_BYTES):
                yield encode_packet(
                    PacketKind.SNAPSHOT, frozen.session, frozen.sequence, 0, encoded[start:stop]
                )
            place = (place + 1) % len(frozen.instruments)


def run(seed: int, loss: float, handler: Handler, venue: Venue, now_ms: int = 0) -> int:
    """Publishes all of a market and some quiet time over lossy lines; the time in the end."""
    rng = random.Random(seed)
    parts = loop(venue, rng)
    quiet = 0
    while quiet < 3_000:
        now_ms += 1
        quiet += venue.done
        packets: list[bytes] = []
        if not venue.done and rng.random() < 0.2:
            packets = venue.publish(rng.randint(1, 8))
        elif now_ms % 50 == 0 and venue.publisher.session:
            packets = [venue.heartbeat()]
        for packet in packets:
            for line in (0, 1):
                if rng.random() >= loss:
                    handler.receive(line, packet, now_ms * MS)
        for _ in range(4):
            part = next(parts)
            if part and rng.random() >= loss:
                handler.receive_snapshot_line(part, now_ms * MS)
        assert handler.poll(now_ms * MS) is None
    return now_ms


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.1, 0.2, 0.3])
@pytest.mark.parametrize("seed", range(10))
def test_books_from_the_snapshot_line_alone(seed: int, loss: float) -> None:
    """F-138: joins in the middle, bridges gaps by joining again, asks nothing."""
    venue, handler = Venue(Market(seed % 3, 300)), Handler(LIMITS, asks=False)
    now_ms = run(seed, loss, handler, venue)
    assert handler.state(now_ms * MS) == FeedState.SYNCHRONIZED
    assert_books_equal(handler.books, venue.market.exchange)
    assert handler.counts.snapshots >= 1 and handler.counts.inconsistent == 0
    assert handler.counts.snapshots_asked == handler.counts.replays_asked == 0


def test_without_loss_one_picture_is_enough() -> None:
    """F-138: nothing of the line is used once the books are whole."""
    venue, handler = Venue(Market(1, 300)), Handler(LIMITS, asks=False)
    run(1, 0.0, handler, venue)
    assert handler.counts.snapshots == 1


def test_a_new_venue_is_followed_without_asking() -> None:
    """F-8, F-138: when the old session is silent the snapshot line's session is believed."""
    old, new = Venue(Market(1, 200)), Venue(Market(2, 250))
    handler = Handler(LIMITS, asks=False)
    now_ms = run(1, 0.1, handler, old)
    new.publish(1)
    new.publisher.session += 1
    run(2, 0.1, handler, new, now_ms)
    assert handler.session == new.publisher.session
    assert_books_equal(handler.books, new.market.exchange)


def test_a_part_is_the_snapshot_of_its_instrument() -> None:
    """F-43: the same messages as the recovery service's, with the place in the loop."""
    venue = Venue(Market(4, 400))
    venue.publish(10**6)
    frozen = FrozenBooks(venue.publisher)
    assert set(frozen.instruments) >= set(INSTRUMENTS)
    for place, instrument in enumerate(frozen.instruments):
        part = list(frozen.messages(place))
        stream = b"".join(venue.recovery.answer(SnapshotRequest(instrument), 0))
        asked = []
        while stream:
            header = decode_header(stream)
            asked += decode_messages(stream[: header.length], header)
            stream = stream[header.length :]
        assert part[0] == SnapshotStart(
            asked[0].sequence, instrument, place, len(frozen.instruments)
        )
        assert part[1:] == asked[1:]
    everything = FrozenOrders(venue.publisher.books.slices, set(frozen.instruments))
    assert len(everything.rows) == venue.publisher.books.slices.count()


def test_a_copy_stays_what_it_was() -> None:
    """The market goes on while a copy is sent; the copy does not."""
    venue = Venue(Market(4, 400))
    venue.publish(300)
    while venue.publisher.in_command:
        venue.publish(1)
    frozen = FrozenBooks(venue.publisher)
    before = [ENCODER.encode(one) for one in frozen.messages(0)]
    venue.publish(10**6)
    assert [ENCODER.encode(one) for one in frozen.messages(0)] == before


@pytest.mark.parametrize("data", [b"", bytes(40), b"x" * 1_400])
def test_garbage_on_the_snapshot_line_changes_nothing(data: bytes) -> None:
    """F-7: also a packet of the other lines."""
    venue, handler = Venue(Market(1, 50)), Handler(LIMITS, asks=False)
    assert handler.receive_snapshot_line(data, 0) == []
    assert handler.receive_snapshot_line(venue.publish(20)[0], 0) == []
    assert handler.counts.garbage == 2


async def test_a_subscriber_without_recovery_joins_a_running_feed(
    data_dir: Path,
) -> None:
    """F-138 on sockets: in the middle of a market, to its end; the recovery port is never asked."""
    market = Market(13, 500)
    line = Line("239.255.73.3", free_port(socket.SOCK_DGRAM))
    feed = FeedProcess(data_dir, market)
    feed.more = ["--snapshot-line", f"{line.group}:{line.port}"]
    feed.notifier.start()
    await feed.start()
    try:
        feed.tell(feed.event_count // 3)
        async with Subscriber(feed.lines, None, snapshot_line=line) as subscriber:
            await asyncio.wait_for(subscriber.__anext__(), WAIT_S)
            for number in range(feed.event_count // 3, feed.event_count, 40):
                feed.tell(number)
                await asyncio.sleep(0.01)
            feed.tell(feed.event_count)
            await read_until(subscriber, market.last)
            assert subscriber.state == FeedState.SYNCHRONIZED
            assert_books_equal(subscriber.books, market.exchange)
    finally:
        feed.notifier.close()
        assert feed.process is not None
        await feed.kill()


@pytest.mark.parametrize("seed", range(5))
def test_parts_of_different_moments_are_brought_to_the_newest(seed: int) -> None:
    """F-138: in one pass of the loop, with what the lines said in between, and not without."""
    venue, handler = Venue(Market(seed, 400)), Handler(LIMITS, asks=False)
    venue.publish(60)
    count, sequences = 1, set()
    for place in range(10):
        while venue.publisher.in_command:
            for packet in venue.publish(1):
                handler.receive(0, packet, MS)
        frozen = FrozenBooks(venue.publisher)
        count = len(frozen.instruments)
        if place == count:
            break
        sequences.add(frozen.sequence)
        encoded = list(map(ENCODER.encode, frozen.messages(place)))
        for start, stop in fill_packets(encoded):
            part = encode_packet(
                PacketKind.SNAPSHOT, frozen.session, frozen.sequence, 0, encoded[start:stop]
            )
            handler.receive_snapshot_line(part, MS)
        assert handler.counts.snapshots == (place + 1 == count)
        for packet in venue.publish(40):
            handler.receive(0, packet, MS)
    assert len(sequences) == count > 1
    for packet in venue.publish(10**6):
        handler.receive(0, packet, MS)
    assert handler.counts.snapshots == 1
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_part_without_all_of_its_orders_is_nothing() -> None:
    """F-138: orders at the end of a part are lost, which only SnapshotEnd tells."""
    venue, handler = Venue(Market(4, 400)), Handler(LIMITS, asks=False)
    venue.publish(10**6)
    frozen = FrozenBooks(venue.publisher)
    for cut in (True, False):
        for place in range(len(frozen.instruments)):
            messages = list(frozen.messages(place))
            if cut and isinstance(messages[-2], OrderAdded):
                del messages[-2]
            encoded = list(map(ENCODER.encode, messages))
            for start, stop in fill_packets(encoded):
                part = encode_packet(
                    PacketKind.SNAPSHOT, frozen.session, frozen.sequence, 0, encoded[start:stop]
                )
                handler.receive_snapshot_line(part, MS)
        assert handler.counts.snapshots == (not cut)
    assert_books_equal(handler.books, venue.market.exchange)
