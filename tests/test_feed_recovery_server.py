"""The recovery service on a socket: clients that do not read, ask too often, stay or ask much."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from feed.history import History
from feed.messages import ENCODER, ReplayRequest, SnapshotRequest
from feed.packet import HEADER_BYTES, PacketKind, decode_datagram, decode_header, encode_packet
from feed.recovery import Recovery, RecoveryLimits
from feed.recovery_server import RecoveryServer
from tests.feed_market import Market, packets_of


@dataclass
class Served:
    """A running service on a market that is over."""

    server: RecoveryServer
    port: int
    count: int


@asynccontextmanager
async def served(limits: RecoveryLimits) -> AsyncIterator[Served]:
    """A service with these limits on a free port."""
    market = Market(1, 400)
    publisher, history = market.publisher(), History(1 << 24)
    encoded = list(map(ENCODER.encode, publisher.publish(market.events)))
    for packet in packets_of(encoded, publisher.session):
        header = decode_datagram(packet)
        history.append(header.sequence, header.message_count, packet)
    server = RecoveryServer(Recovery(publisher, history, limits))
    port = await server.start("127.0.0.1", 0)
    try:
        yield Served(server, port, len(encoded))
    finally:
        await server.close()


def request(asked: ReplayRequest | SnapshotRequest) -> bytes:
    """A request packet."""
    return encode_packet(PacketKind.REQUEST, 0, 0, 0, [ENCODER.encode(asked)])


async def read_answers(reader: asyncio.StreamReader, count: int) -> list[int]:
    """Sequences of the packets that end `count` replays."""
    ends = []
    while len(ends) < count:
        header = decode_header(await asyncio.wait_for(reader.readexactly(HEADER_BYTES), 10.0))
        await reader.readexactly(header.length - HEADER_BYTES)
        if header.message_count == 0:
            ends.append(header.sequence)
    return ends


async def test_a_range_is_cut_to_the_bound() -> None:
    """F-42: more than the bound gives the bound, and says where to go on."""
    async with served(RecoveryLimits(replay_messages_max=50)) as venue:
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        writer.write(request(ReplayRequest(1, 10**9)))
        assert await read_answers(reader, 1) == [51]
        writer.write(request(ReplayRequest(venue.count - 3, 2**62)))
        assert await read_answers(reader, 1) == [venue.count + 1]
        writer.close()


async def test_requests_too_often_wait() -> None:
    """F-44: 20 requests sent at once take at least 19 intervals."""
    async with served(RecoveryLimits(request_interval_s=0.01)) as venue:
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        begin = time.monotonic()
        writer.write(request(ReplayRequest(1, 1)) * 20)
        assert await read_answers(reader, 20) == [2] * 20
        assert time.monotonic() - begin >= 0.19
        writer.close()


async def test_a_client_that_does_not_read_is_closed() -> None:
    """F-44: its buffer is bounded and its time is, while another client is served."""
    limits = RecoveryLimits(request_interval_s=0.0, write_buffer_bytes=10_000, write_timeout_s=0.3)
    async with served(limits) as venue:
        _, deaf = await asyncio.open_connection("127.0.0.1", venue.port, limit=1_024)
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        flood = request(ReplayRequest(1, 20_000)) * 2_000
        deaf.write(flood)
        closed = False
        for _ in range(100):
            writer.write(request(ReplayRequest(1, 1)))
            assert await read_answers(reader, 1) == [2]
            await asyncio.sleep(0.05)
            if len(venue.server._connections) == 1:
                closed = True
                break
        assert closed
        deaf.close()
        writer.close()


async def test_an_idle_client_is_closed() -> None:
    """F-44: also one that has sent half a request."""
    async with served(RecoveryLimits(idle_timeout_s=0.1)) as venue:
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        writer.write(request(ReplayRequest(1, 1))[:20])
        try:
            assert await asyncio.wait_for(reader.read(), 10.0) == b""
        except ConnectionResetError:
            assert not venue.server._connections
        writer.close()


async def test_snapshots_of_one_connection_are_spaced() -> None:
    """F-44."""
    async with served(RecoveryLimits(snapshot_interval_s=0.2, request_interval_s=0.0)) as venue:
        reader, writer = await asyncio.open_connection("127.0.0.1", venue.port)
        begin = time.monotonic()
        writer.write(request(SnapshotRequest(1)) * 3 + request(ReplayRequest(1, 1)))
        await read_answers(reader, 1)
        assert time.monotonic() - begin >= 0.4
        writer.close()
