"""The recovery service on a socket: clients that do not read, ask too often, stay or ask much."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from feed.bucket import TokenBucket
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


def test_a_bucket_fills_and_is_overdrawn() -> None:
    """F-137: a burst at once, then the rate; never more than a burst is saved up."""
    bucket = TokenBucket(10, 100, 5.0)
    assert bucket.full(5.0)
    assert bucket.take(100, 5.0) == 0.0 and not bucket.full(5.0)
    assert bucket.take(5, 5.0) == 0.5
    assert bucket.take(5, 5.0) == 1.0
    assert bucket.take(0, 6.0) == 0.0
    assert not bucket.full(15.9) and bucket.full(16.0)
    assert bucket.take(150, 10**6) == 5.0


async def connect(venue: Served, address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A client of an address of its own; all of 127.0.0.0/8 are this machine's."""
    return await asyncio.open_connection("127.0.0.1", venue.port, local_addr=(address, 0))


async def test_a_client_that_used_up_its_bucket_waits_and_others_do_not() -> None:
    """F-137: also with several connections; nobody else notices."""
    limits = RecoveryLimits(
        request_interval_s=0.0, client_messages_per_second=1, client_burst_messages=50
    )
    async with served(limits) as venue:
        greedy = [await connect(venue, "127.0.0.2") for _ in range(5)]
        for _, writer in greedy:
            writer.write(request(ReplayRequest(1, 40)) * 3)
        answered = asyncio.gather(*(read_answers(reader, 1) for reader, _ in greedy))
        for number in range(3, 9):
            reader, writer = await connect(venue, f"127.0.0.{number}")
            writer.write(request(ReplayRequest(1, 10)) * 5)
            assert await read_answers(reader, 5) == [11] * 5
            writer.close()
        assert not answered.done()
        answered.cancel()
        for _, writer in greedy:
            writer.close()


async def test_connections_of_one_client_are_bounded() -> None:
    """F-137: one address has no more than its share; another one still comes in."""
    async with served(RecoveryLimits(client_connections_max=3)) as venue:
        held = [await connect(venue, "127.0.0.2") for _ in range(3)]
        for reader, writer in held:
            writer.write(request(ReplayRequest(1, 1)))
            assert await read_answers(reader, 1) == [2]
        reader, writer = await connect(venue, "127.0.0.2")
        header = decode_header(await asyncio.wait_for(reader.readexactly(HEADER_BYTES), 10.0))
        assert header.kind == PacketKind.ANSWER and venue.server.refused_connections == 1
        writer.close()
        reader, other = await connect(venue, "127.0.0.3")
        other.write(request(ReplayRequest(1, 1)))
        assert await read_answers(reader, 1) == [2]
        for _, writer in held:
            writer.close()
        other.close()


async def test_hostile_clients_hurt_nobody() -> None:
    """Bytes one by one, resets, half requests, floods behind good ones, and no end of snapshots."""
    rng = random.Random(7)
    limits = RecoveryLimits(request_interval_s=0.0, snapshot_interval_s=0.01, idle_timeout_s=1.0)
    good = request(ReplayRequest(1, 20_000))
    async with served(limits) as venue:

        async def attack(kind: int, address: str) -> None:
            _, writer = await connect(venue, address)
            try:
                if kind == 0:
                    for byte in good * 3:
                        writer.write(bytes([byte]))
                        await asyncio.sleep(0)
                elif kind == 1:
                    writer.write(good * 50 + rng.randbytes(3_000))
                elif kind == 2:
                    writer.write(good[: rng.randrange(len(good))])
                elif kind == 3:
                    writer.write(request(SnapshotRequest(0)) * 100)
                elif kind == 4:
                    writer.write(request(ReplayRequest(-(2**63), 2**63 - 1)) * 200)
                await asyncio.sleep(0.05)
                writer.transport.abort() if kind % 2 else writer.close()
            except ConnectionError:
                writer.close()

        attacks = [attack(index % 5, f"127.0.1.{1 + index % 10}") for index in range(60)]
        attacking = asyncio.gather(*attacks)
        reader, writer = await connect(venue, "127.0.0.1")
        for _ in range(30):
            writer.write(request(ReplayRequest(1, 5)))
            assert await read_answers(reader, 1) == [6]
        await attacking
        writer.write(good)
        assert await read_answers(reader, 1) == [venue.count + 1]
        writer.close()


async def test_several_clients_at_once_get_everything() -> None:
    """Forty connections of ten clients, each its own ranges, all of them whole."""
    async with served(RecoveryLimits(replay_messages_max=100)) as venue:

        async def replay_all(address: str) -> None:
            reader, writer = await connect(venue, address)
            at = 1
            while at <= venue.count:
                writer.write(request(ReplayRequest(at, 100)))
                (end,) = await read_answers(reader, 1)
                assert end == min(at + 100, venue.count + 1)
                at = end
            writer.close()

        await asyncio.gather(*(replay_all(f"127.0.0.{2 + index % 10}") for index in range(40)))
