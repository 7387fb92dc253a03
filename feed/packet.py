"""Packets: a fixed header, then messages as one msgpack array. Bytes in, messages out.

The same packet goes over multicast and over the recovery connection, where packets simply follow
each other. It knows no book and no socket. The header carries the number of the first message and
the count, so boundaries may differ from run to run while numbers do not.

Source: specs/market_data.md (F-1 to F-8).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from itertools import accumulate
from typing import Any, NamedTuple

import msgspec

from feed.messages import (
    MARKET_DECODER,
    MESSAGE_BYTES_MAX,
    MESSAGES_DECODER,
    REQUEST_BYTES_MAX,
    REQUEST_DECODER,
    SCHEMA_VERSION,
    Request,
)

MAGIC = 0x5853  # "SX"
PACKET_BYTES_MAX = 1_400
_HEADER = struct.Struct("<HBBHHQQQ")
HEADER_BYTES = _HEADER.size
_ARRAY_PREFIX = struct.Struct(">BH")  # msgpack array 16
_ARRAY_16 = 0xDC
PAYLOAD_BYTES_MAX = PACKET_BYTES_MAX - HEADER_BYTES - _ARRAY_PREFIX.size

assert HEADER_BYTES == 32
assert MESSAGE_BYTES_MAX <= PAYLOAD_BYTES_MAX
assert REQUEST_BYTES_MAX <= PAYLOAD_BYTES_MAX


class PacketKind(IntEnum):
    """What a packet holds (F-3)."""

    NONE = 0
    MESSAGES = 1  # numbered messages, live or replayed; count 0: a heartbeat
    SNAPSHOT = 2  # messages of a snapshot; sequence: the last message it holds
    ANSWER = 3  # Refused; sequence: the next new message's number
    REQUEST = 4  # from a subscriber; sequence 0


_KINDS = frozenset(PacketKind) - {PacketKind.NONE}


class PacketError(Exception):
    """Bytes that are no packet of this version; the text says why."""


class Header(NamedTuple):
    """A packet's first 32 bytes (F-2)."""

    kind: int  # PacketKind
    message_count: int
    length: int  # bytes of the whole packet
    session: int  # time_ns of the venue's first event
    sequence: int  # number of the first message; heartbeat: of the next one
    sending_time_ns: int  # wall clock


def encode_packet(
    kind: int, session: int, sequence: int, sending_time_ns: int, encoded: Sequence[bytes]
) -> bytes:
    """One packet of messages already encoded; at most PAYLOAD_BYTES_MAX bytes of them (F-2)."""
    count = len(encoded)
    if count == 0:
        return _HEADER.pack(
            MAGIC, SCHEMA_VERSION, kind, 0, HEADER_BYTES, session, sequence, sending_time_ns
        )
    payload = b"".join(encoded)
    length = HEADER_BYTES + _ARRAY_PREFIX.size + len(payload)
    assert length <= PACKET_BYTES_MAX
    return (
        _HEADER.pack(MAGIC, SCHEMA_VERSION, kind, count, length, session, sequence, sending_time_ns)
        + _ARRAY_PREFIX.pack(_ARRAY_16, count)
        + payload
    )


def fill_packets(
    encoded: Sequence[bytes], packet_bytes_max: int = PACKET_BYTES_MAX
) -> Iterator[tuple[int, int]]:
    """Cuts encoded messages into packets as full as they can be: (start, stop) of each (F-6)."""
    payload_bytes_max = packet_bytes_max - HEADER_BYTES - _ARRAY_PREFIX.size
    assert payload_bytes_max >= MESSAGE_BYTES_MAX
    start = 0
    start_bytes = 0
    previous_bytes = 0
    for index, total_bytes in enumerate(accumulate(map(len, encoded))):
        if total_bytes - start_bytes > payload_bytes_max:
            yield start, index
            start, start_bytes = index, previous_bytes
        previous_bytes = total_bytes
    if start < len(encoded):
        yield start, len(encoded)


def decode_header(data: bytes | memoryview) -> Header:
    """Header of the packet that starts `data`, checked; PacketError if it is none (F-2, F-7).

    `data` may be longer than the packet (a stream) but holds at least its header.
    """
    if len(data) < HEADER_BYTES:
        raise PacketError(f"{len(data)} bytes are no header")
    magic, version, kind, count, length, session, sequence, sent = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise PacketError("wrong magic")
    if version != SCHEMA_VERSION:
        raise PacketError(f"schema version {version}, not {SCHEMA_VERSION}")
    if kind not in _KINDS:
        raise PacketError(f"packet kind {kind} unknown")
    if not HEADER_BYTES <= length <= PACKET_BYTES_MAX or (count == 0) != (length == HEADER_BYTES):
        raise PacketError(f"length {length} impossible for {count} messages")
    return Header(kind, count, length, session, sequence, sent)


def decode_datagram(data: bytes | memoryview) -> Header:
    """Header of a datagram, which is exactly one packet; PacketError if it is none (F-7)."""
    header = decode_header(data)
    if header.length != len(data):
        raise PacketError(f"length {header.length} in a datagram of {len(data)} bytes")
    return header


def decode_messages(data: bytes | memoryview, header: Header) -> list[Any]:
    """Messages of a packet, as many as its header says; PacketError otherwise (F-5).

    A MESSAGES packet holds MarketMessage only, another one any Message.
    """
    if header.message_count == 0:
        return []
    decoder = MARKET_DECODER if header.kind == PacketKind.MESSAGES else MESSAGES_DECODER
    try:
        messages: list[Any] = decoder.decode(memoryview(data)[HEADER_BYTES : header.length])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PacketError(f"payload is no list of messages: {error}") from error
    if len(messages) != header.message_count:
        raise PacketError(f"{len(messages)} messages where the header says {header.message_count}")
    return messages


def decode_request(data: bytes | memoryview, header: Header) -> Request:
    """The one request of a REQUEST packet; PacketError otherwise (F-40)."""
    if header.kind != PacketKind.REQUEST or header.message_count != 1:
        raise PacketError("not a request")
    if header.length > HEADER_BYTES + _ARRAY_PREFIX.size + REQUEST_BYTES_MAX:
        raise PacketError("request too long")
    try:
        requests = REQUEST_DECODER.decode(memoryview(data)[HEADER_BYTES : header.length])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PacketError(f"payload is no request: {error}") from error
    if len(requests) != 1:
        raise PacketError(f"{len(requests)} requests in one packet")
    return requests[0]
