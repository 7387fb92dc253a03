"""The handler under loss, reorder and duplication: its books are the exchange's in the end."""

from __future__ import annotations

import random
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.handler import Handler, HandlerLimits, Update
from feed.messages import ENCODER, MessageFlag, OrderAdded, ReplayRequest, SnapshotRequest
from feed.packet import (
    PacketError,
    PacketKind,
    decode_datagram,
    decode_header,
    decode_messages,
    encode_packet,
)
from tests.feed_market import Market, assert_books_equal
from tests.feed_venue import MS, Venue, answer, settle


@cache
def market(seed: int = 1) -> Market:
    """One market for many tests; nothing changes it."""
    return Market(seed, 500)


def check_updates(updates: list[Update]) -> None:
    """Numbers go up without a gap between snapshots, and every update is whole commands."""
    last = None
    for update in updates:
        if update.snapshot:
            last = update.sequence
            continue
        assert last is None or update.sequence == last + len(update.messages)
        assert update.messages[-1].flags & MessageFlag.END_OF_EVENT
        assert not any(m.flags & MessageFlag.END_OF_EVENT for m in update.messages[:-1])
        last = update.sequence


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), loss=st.sampled_from((0.0, 0.1, 0.5, 0.95)))
def test_loss_reorder_and_duplication(seed: int, loss: float) -> None:
    """Whatever two lines do to packets, the books are equal and the updates in order."""
    rng = random.Random(seed)
    venue, handler = Venue(market()), Handler(HandlerLimits(pending_packets_max=50))
    now_ns = 0
    in_flight: list[tuple[int, bytes]] = []
    updates = []
    while not venue.done:
        for packet in venue.publish(rng.randint(1, 60), rng.choice((None, 1, 3))):
            for line in (0, 1):
                copies = rng.choice((1, 1, 1, 2))
                in_flight += [(line, packet)] * (copies if rng.random() >= loss else 0)
        rng.shuffle(in_flight)
        for _ in range(rng.randint(0, len(in_flight))):
            line, packet = in_flight.pop()
            now_ns += rng.randint(0, MS)
            updates += handler.receive(line, packet, now_ns)
            if rng.random() < 0.2:
                updates += answer(venue, handler, now_ns)
    updates += settle(venue, handler, now_ns)
    check_updates(updates)
    assert_books_equal(handler.books, venue.market.exchange)
    assert handler.counts.inconsistent == handler.counts.garbage == 0


@pytest.mark.parametrize("seed", range(5))
def test_short_history_falls_back_to_snapshots(seed: int) -> None:
    """A gap older than the history is bridged by a snapshot."""
    rng = random.Random(seed)
    venue, handler = Venue(market(), history_bytes=1_500), Handler()
    now_ns = 0
    updates = []
    while not venue.done:
        packets = venue.publish(40)
        if rng.random() < 0.3:
            for packet in packets:
                updates += handler.receive(0, packet, now_ns)
        now_ns += 20 * MS
        updates += answer(venue, handler, now_ns)
    updates += settle(venue, handler, now_ns)
    check_updates(updates)
    assert handler.counts.snapshots > 1
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_perfect_line_needs_one_snapshot_and_no_replay() -> None:
    """Line A alone, in order: nothing is asked beyond the first snapshot."""
    venue, handler = Venue(market()), Handler()
    venue.publish(100)
    answer(venue, handler, 0)
    while not venue.done:
        for packet in venue.publish(7):
            for line in (0, 1):
                handler.receive(line, packet, MS)
    assert handler.poll(2 * MS) is None
    assert handler.live
    assert handler.counts.snapshots_asked == 1 and handler.counts.replays_asked == 0
    assert handler.counts.duplicates == handler.counts.packets[1] == handler.counts.packets[0]
    assert_books_equal(handler.books, venue.market.exchange)


def test_lines_that_lose_different_packets_need_no_recovery() -> None:
    """A/B arbitration: what one line loses the other brings."""
    venue, handler = Venue(market()), Handler()
    venue.publish(20)
    answer(venue, handler, 0)
    for index, packet in enumerate(venue.publish(10**6, 2)):
        handler.receive(index % 2, packet, MS)
    assert handler.live and handler.counts.replays_asked == 0
    assert handler.counts.first[0] > 50 and handler.counts.first[1] > 50
    assert_books_equal(handler.books, venue.market.exchange)


def test_late_join_takes_the_snapshot_and_what_came_meanwhile() -> None:
    """Packets that arrive while the snapshot is under way are applied after it."""
    venue, handler = Venue(market()), Handler()
    venue.publish(500)
    request = handler.poll(0)
    assert request == SnapshotRequest(0)
    parts = list(venue.recovery.answer(request, 0))
    for packet in venue.publish(10**6):
        assert handler.receive(1, packet, MS) == []
    stream = b"".join(parts)
    updates = []
    while stream:
        header = decode_header(stream)
        updates += handler.receive_recovery(stream[: header.length], MS)
        stream = stream[header.length :]
    assert updates[0].snapshot and len(updates) > 1
    check_updates(updates)
    assert handler.live
    assert_books_equal(handler.books, venue.market.exchange)


def test_the_reorder_window_is_waited_for() -> None:
    """A gap asks for nothing before 5 ms, then for exactly what is missing (F-41)."""
    venue, handler = Venue(market()), Handler()
    venue.publish(100)
    answer(venue, handler, 0)
    packets = venue.publish(200, 1)
    for packet in packets[:10] + packets[13:]:
        handler.receive(0, packet, 10 * MS)
    assert handler.poll(14 * MS) is None
    missing = decode_datagram(packets[10]).sequence
    assert handler.next_deadline_ns(14 * MS) == 15 * MS
    assert handler.poll(15 * MS) == ReplayRequest(missing, 3)
    assert handler.poll(15 * MS) is None
    assert handler.poll(15 * MS + handler.limits.request_timeout_ns) == ReplayRequest(missing, 3)


def test_a_restarted_feed_with_other_packet_boundaries() -> None:
    """Numbers are the same after a restart, so packets cut elsewhere fit (F-6)."""
    venue, handler = Venue(market()), Handler()
    venue.publish(20)
    answer(venue, handler, 0)
    first = venue.publish(300, 5)
    again = Venue(market())
    second = again.publish(10**6, 7)
    for packet in first + second:
        handler.receive(0, packet, MS)
    assert handler.live and handler.counts.replays_asked == 0
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_new_session_is_believed_when_the_recovery_service_says_so() -> None:
    """Packets of another session alone change nothing (F-8)."""
    old, handler = Venue(market()), Handler()
    old.publish(10**6)
    answer(old, handler, 0)
    forged = bytearray(Venue(Market(2, 100)).publish(10**6)[0])
    forged[8:16] = (12345).to_bytes(8, "little")
    assert handler.receive(0, bytes(forged), 10**9) == []
    assert handler.counts.other_session == 1
    updates = answer(old, handler, 10**9)
    assert [update.snapshot for update in updates] == [True]
    assert_books_equal(handler.books, old.market.exchange)


def test_a_new_venue_on_the_same_lines_is_followed() -> None:
    """F-8: after a start on an empty directory numbers begin again, and so does the handler."""
    old, handler = Venue(market()), Handler()
    old.publish(10**6)
    answer(old, handler, 0)
    new = Venue(Market(2, 300))
    packets = new.publish(10**6)
    new.publisher.session += 1
    restarted = [packet[:8] + (new.publisher.session).to_bytes(8, "little") + packet[16:]
                 for packet in packets]  # fmt: skip
    for packet in restarted:
        handler.receive(0, packet, 10**9)
    settle(new, handler, 10**9)
    assert handler.session == new.publisher.session
    assert_books_equal(handler.books, new.market.exchange)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=1_500), line=st.integers(0, 1))
def test_garbage_datagrams_change_nothing(data: bytes, line: int) -> None:
    """F-7: random bytes are counted and dropped."""
    handler = Handler()
    assert handler.receive(line, data, 0) == []
    assert handler.counts.garbage == 1


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_damaged_packets_never_raise_and_the_books_come_right(seed: int) -> None:
    """Flipped bytes on the lines: garbage, or a message that does not fit, never an exception."""
    rng = random.Random(seed)
    venue, handler = Venue(market()), Handler(HandlerLimits(pending_packets_max=100))
    venue.publish(20)
    answer(venue, handler, 0)
    now_ns = 0
    for packet in venue.publish(10**6, 10):
        now_ns += MS
        if rng.random() < 0.2:
            damaged = bytearray(packet)
            for _ in range(rng.randint(1, 4)):
                damaged[rng.randrange(32, len(damaged))] = rng.randrange(256)
            handler.receive(0, bytes(damaged[: rng.choice((None, rng.randrange(1_400)))]), now_ns)
        else:
            handler.receive(0, packet, now_ns)
        answer(venue, handler, now_ns)
    settle(venue, handler, now_ns)
    # a flipped byte may have made another valid message: the next snapshot is the truth
    handler._distrust()
    settle(venue, handler, now_ns + 10**12)
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_forged_far_number_is_forgotten() -> None:
    """A heartbeat from the future: the service says NOT_YET, the handler is live again (F-45)."""
    venue, handler = Venue(market()), Handler()
    venue.publish(10**6)
    answer(venue, handler, 0)
    far = encode_packet(
        PacketKind.MESSAGES, venue.publisher.session, venue.publisher.next_sequence + 10**5, 0, []
    )
    handler.receive(0, far, MS)
    assert not handler.live
    answer(venue, handler, 20 * MS)
    assert handler.live and handler.counts.refused == 1


def test_pending_packets_are_bounded() -> None:
    """What waits behind a gap never grows past its bound."""
    venue, handler = Venue(market()), Handler(HandlerLimits(pending_packets_max=20))
    venue.publish(50)
    answer(venue, handler, 0)
    for packet in venue.publish(10**6, 1)[1:]:
        handler.receive(0, packet, 1)
    assert len(handler._pending) == 20
    assert handler.counts.pending_dropped > 100
    settle(venue, handler, MS)
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_message_that_does_not_fit_brings_a_snapshot() -> None:
    """A wrong level total is noticed at once (F-25)."""
    venue, handler = Venue(market()), Handler()
    venue.publish(10**6)
    answer(venue, handler, 0)
    wrong = OrderAdded(0, 1, 49, 10**9, 10**9, 5, 4, 1, 1)
    packet = encode_packet(
        PacketKind.MESSAGES, handler.session, handler.next_sequence, 0, [ENCODER.encode(wrong)]
    )
    handler.receive(0, packet, MS)
    assert handler.counts.inconsistent == 1 and not handler.live
    handler.poll(MS)


def test_before_the_first_event_there_is_no_snapshot() -> None:
    """A subscriber that is there before the venue's first event waits and then joins."""
    venue, handler = Venue(market()), Handler()
    assert answer(venue, handler, 0) == []
    assert handler.counts.refused == 1 and handler.poll(MS) is None
    venue.publish(10**6)
    settle(venue, handler, MS)
    assert_books_equal(handler.books, venue.market.exchange)


def test_silence_makes_the_handler_ask() -> None:
    """Three seconds without a packet: the recovery service is asked for what may be missing."""
    venue, handler = Venue(market()), Handler()
    venue.publish(100)
    answer(venue, handler, 0)
    handler.receive(0, venue.heartbeat(), MS)
    venue.publish(10**6)
    assert handler.poll(1_000 * MS) is None
    for step in range(1, 200):
        answer(venue, handler, MS + step * 3_100 * MS)
        if handler.next_sequence == venue.publisher.next_sequence:
            break
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_snapshot_cut_short_is_not_believed() -> None:
    """F-43: SnapshotEnd counts the orders."""
    venue, handler = Venue(market()), Handler()
    venue.publish(10**6)
    request = handler.poll(0)
    assert request is not None
    snapshot = b"".join(venue.recovery.answer(request, 0))
    header = decode_header(snapshot)
    messages = decode_messages(snapshot, header)
    assert header.length == len(snapshot) and isinstance(messages[-2], OrderAdded)
    del messages[-2]
    encoded = list(map(ENCODER.encode, messages))
    cut = encode_packet(PacketKind.SNAPSHOT, header.session, header.sequence, 0, encoded)
    with pytest.raises(PacketError):
        handler.receive_recovery(cut, 0)
    assert not handler.live
