"""Packets: filled, whole, and nothing else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.history import History
from feed.messages import ENCODER, DayRolled, OrderAdded, ReplayRequest, SnapshotStart
from feed.packet import (
    HEADER_BYTES,
    PACKET_BYTES_MAX,
    PAYLOAD_BYTES_MAX,
    PacketError,
    PacketKind,
    decode_datagram,
    decode_header,
    decode_messages,
    decode_request,
    encode_packet,
    fill_packets,
)
from tests.feed_market import Market

sizes = st.lists(st.integers(1, 192), max_size=200)


@given(sizes=sizes, packet_bytes_max=st.sampled_from((512, 900, 1_400)))
def test_packets_are_as_full_as_they_can_be(sizes: list[int], packet_bytes_max: int) -> None:
    """F-6: all messages, in order, none too long, and no packet could take the next message."""
    encoded = [bytes(size) for size in sizes]
    room = packet_bytes_max - HEADER_BYTES - 3
    cuts = list(fill_packets(encoded, packet_bytes_max))
    assert [i for start, stop in cuts for i in range(start, stop)] == list(range(len(encoded)))
    for start, stop in cuts:
        used = sum(sizes[start:stop])
        assert used <= room
        assert stop == len(sizes) or used + sizes[stop] > room


def test_messages_come_back() -> None:
    """F-2, F-4, F-5."""
    messages = Market(1, 200).messages()[:30]
    packet = encode_packet(PacketKind.MESSAGES, 7, 100, 9, list(map(ENCODER.encode, messages)))
    header = decode_datagram(packet)
    assert header == (PacketKind.MESSAGES, 30, len(packet), 7, 100, 9)
    assert decode_messages(packet, header) == messages


def test_a_heartbeat_is_a_header() -> None:
    """F-2, F-9."""
    packet = encode_packet(PacketKind.MESSAGES, 7, 100, 9, [])
    assert len(packet) == HEADER_BYTES
    assert decode_messages(packet, decode_datagram(packet)) == []


def test_fields_appended_by_a_later_version_are_passed_over() -> None:
    """F-10."""
    message = DayRolled(5, 20261201, 1, 6)
    longer = ENCODER.encode([14, 5, 20261201, 1, 6, "new", [1, 2]])
    packet = encode_packet(PacketKind.MESSAGES, 7, 1, 9, [longer])
    assert decode_messages(packet, decode_datagram(packet)) == [message]


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 0), (1, 0), (2, 1), (3, 0), (3, 9), (4, 0), (4, 2), (6, 31), (6, 255), (7, 255)],
)
def test_wrong_header_fields(at: int, value: int) -> None:
    """F-7: each field of the header is checked."""
    packet = bytearray(encode_packet(PacketKind.MESSAGES, 7, 1, 9, [ENCODER.encode(_order(1))]))
    packet[at] = value
    with pytest.raises(PacketError):
        decode_messages(bytes(packet), decode_datagram(bytes(packet)))


def test_every_cut_of_a_packet_is_refused() -> None:
    """F-7: a datagram is one whole packet."""
    packet = encode_packet(PacketKind.MESSAGES, 7, 1, 9, [ENCODER.encode(_order(1))] * 3)
    for size in range(len(packet)):
        with pytest.raises(PacketError):
            decode_datagram(packet[:size])
    with pytest.raises(PacketError):
        decode_datagram(packet + b"\0")


@settings(max_examples=300)
@given(payload=st.binary(max_size=200), count=st.integers(0, 65_535), kind=st.integers(0, 5))
def test_any_payload_gives_messages_or_an_error(payload: bytes, count: int, kind: int) -> None:
    """The fuzz law: a fact or a PacketError."""
    head = b"SX" + bytes([1, kind]) + count.to_bytes(2, "little")
    packet = head + (HEADER_BYTES + len(payload)).to_bytes(2, "little") + bytes(24) + payload
    try:
        header = decode_datagram(packet)
        if kind == PacketKind.REQUEST:
            decode_request(packet, header)
        else:
            assert len(decode_messages(packet, header)) == count
    except PacketError:
        return


def test_recovery_messages_are_not_of_the_lines() -> None:
    """A MESSAGES packet holds numbered messages only; deep nesting is no way in."""
    for encoded in (ENCODER.encode(SnapshotStart(1, 0)), b"\x91" * 1_000 + b"\x90"):
        packet = encode_packet(PacketKind.MESSAGES, 7, 1, 9, [encoded])
        with pytest.raises(PacketError):
            decode_messages(packet, decode_datagram(packet))


def test_requests_are_short_and_single() -> None:
    """F-40."""
    one = ENCODER.encode(ReplayRequest(1, 2))
    packet = encode_packet(PacketKind.REQUEST, 0, 0, 0, [one])
    assert decode_request(packet, decode_header(packet)) == ReplayRequest(1, 2)
    long = ENCODER.encode([40, 1, 2, "x" * 60])
    for encoded, kind in (([one, one], 4), ([], 4), ([long], 4), ([one], 1)):
        packet = encode_packet(kind, 0, 0, 0, encoded)
        with pytest.raises(PacketError):
            decode_request(packet, decode_header(packet))


@pytest.mark.parametrize("seed", range(5))
def test_history_keeps_the_newest_within_its_bound(seed: int) -> None:
    """F-42: what is kept is found by any number in it, what is forgotten is said so."""
    rng = random.Random(seed)
    history = History(20_000)
    kept: dict[int, bytes] = {}
    sequence = 1
    for _ in range(10_000):
        count = rng.randint(1, 9)
        packet = bytes(rng.randint(40, 1_400))
        history.append(sequence, count, packet)
        kept.update(dict.fromkeys(range(sequence, sequence + count), packet))
        sequence += count
    assert history.next_sequence == sequence
    assert history.bytes_kept <= 20_000
    first = history.first_available
    assert first > 1
    for asked in range(first, sequence):
        count = rng.randint(1, 30)
        packets = history.packets(asked, count)
        assert packets[0] is kept[asked]
        assert packets[-1] is kept[min(asked + count, sequence) - 1]


def test_limits_of_a_packet() -> None:
    """F-2."""
    assert PACKET_BYTES_MAX == 1_400
    full = encode_packet(PacketKind.MESSAGES, 1, 1, 1, [bytes(PAYLOAD_BYTES_MAX)])
    assert len(full) == PACKET_BYTES_MAX
    with pytest.raises(AssertionError):
        encode_packet(PacketKind.MESSAGES, 1, 1, 1, [bytes(PAYLOAD_BYTES_MAX + 1)])


def _order(public_id: int) -> OrderAdded:
    return OrderAdded(1, 1, 49, public_id, 10, 1, 1, 1, 1)
