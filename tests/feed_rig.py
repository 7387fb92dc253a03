"""The feed's process on real sockets with a made-up market, and what asks its recovery service."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np

from engine.types import EVENT, EventFlag
from feed.handler import HandlerLimits, Update
from feed.messages import (
    ENCODER,
    DayRolled,
    Message,
    Refused,
    ReplayRequest,
    SnapshotEnd,
    SnapshotRequest,
)
from feed.multicast import Line
from feed.notify import Notifier
from feed.packet import (
    HEADER_BYTES,
    Header,
    PacketKind,
    decode_header,
    decode_messages,
    encode_packet,
)
from feed.subscriber import Subscriber
from perf.venue import free_port
from specs.venue import FeedConfig
from specs.venue import Line as FeedLine
from tests.feed_market import Market

ROOT = Path(__file__).resolve().parent.parent
WAIT_S = 30.0


class FeedProcess:
    """A data directory with a whole market in it, a notifier, and the feed's process."""

    def __init__(self, data_dir: Path, market: Market) -> None:
        self.data_dir = data_dir
        self.market = market
        self.lines = (
            Line("239.255.73.1", free_port(socket.SOCK_DGRAM)),
            Line("239.255.73.2", free_port(socket.SOCK_DGRAM)),
        )
        self.recovery = ("127.0.0.1", free_port(socket.SOCK_STREAM))
        self.notifier = Notifier(data_dir / "notify")
        self.more: list[str] = []
        self.process: asyncio.subprocess.Process | None = None
        market.write_definitions(data_dir)
        rows = np.zeros(len(market.events) + 100, EVENT)  # room behind, as the venue leaves it
        rows[: len(market.events)] = market.events
        (data_dir / "2026-12-01").mkdir()
        rows.tofile(data_dir / "2026-12-01" / f"events-{1:020d}")

    @property
    def event_count(self) -> int:
        """Events of the market."""
        return len(self.market.events)

    def tell(self, number: int) -> None:
        """Tells the feed of the events up to the end of the command that event `number` is of."""
        while not self.market.events[number - 1]["flags"] & EventFlag.LAST_OF_COMMAND:
            number += 1
        self.notifier.tell(number)

    async def start(self) -> None:
        """Starts the feed's process and waits until it is ready."""
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "feed.service", "--data", str(self.data_dir),
            "--notify", str(self.notifier.path),
            "--line-a", f"{self.lines[0].group}:{self.lines[0].port}",
            "--line-b", f"{self.lines[1].group}:{self.lines[1].port}",
            "--recovery-port", str(self.recovery[1]),
            "--heartbeat-seconds", "0.2", *self.more,
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), WAIT_S)
        assert line.startswith(b"feed ready"), line

    async def kill(self) -> None:
        """The process dies as by a power cut."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def ended(self) -> int:
        """Exit code, once it ends by itself."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), WAIT_S)

    def config(self) -> FeedConfig:
        """What venue.toml would say of this feed."""
        a, b = (FeedLine(group=line.group, port=line.port) for line in self.lines)
        return FeedConfig(line_a=a, line_b=b, recovery_port=self.recovery[1])

    def subscriber(self) -> Subscriber:
        """A subscriber of this feed."""
        return Subscriber(self.lines, self.recovery, limits=HandlerLimits(retry_ns=50_000_000))


@asynccontextmanager
async def feed_process(data_dir: Path, market: Market) -> AsyncIterator[FeedProcess]:
    """A feed that is running and told of nothing yet."""
    feed = FeedProcess(data_dir, market)
    feed.notifier.start()
    await feed.start()
    try:
        yield feed
    finally:
        feed.notifier.close()
        assert feed.process is not None
        if feed.process.returncode is None:
            await feed.kill()


async def read_until(subscriber: Subscriber, last: tuple[int, int]) -> list[Update]:
    """Updates up to a session's message of this number."""
    updates, session = [], 0
    async with asyncio.timeout(WAIT_S):
        async for update in subscriber:
            updates.append(update)
            if update.snapshot or not session:
                session = subscriber.handler.session
            if (session, update.sequence) >= last:
                break
            if update.messages and isinstance(update.messages[-1], DayRolled):
                session = update.messages[-1].next_session
    return updates


async def ask(address: tuple[str, int], data: bytes, count: int) -> list[tuple[Header, bytes]]:
    """Sends bytes to the recovery service and reads `count` packets, or all until it closes."""
    reader, writer = await asyncio.open_connection(*address)
    writer.write(data)
    packets: list[tuple[Header, bytes]] = []
    try:
        while len(packets) < count:
            head = await asyncio.wait_for(reader.readexactly(HEADER_BYTES), WAIT_S)
            header = decode_header(head)
            packets.append((header, head + await reader.readexactly(header.length - HEADER_BYTES)))
    except (asyncio.IncompleteReadError, ConnectionResetError):
        return packets
    finally:
        writer.close()
    return packets


async def has_said(feed: FeedProcess, sequence: int) -> None:
    """Waits until the feed has published the message of this number."""
    async with asyncio.timeout(WAIT_S):
        while True:
            [(header, data)] = await ask(feed.recovery, request(ReplayRequest(sequence, 1)), 1)
            if not isinstance(decode_messages(data, header)[0], Refused):
                return
            await asyncio.sleep(0.05)


async def read_snapshot(address: tuple[str, int], instrument: int) -> list[Message]:
    """The messages of a snapshot."""
    messages: list[Message] = []
    reader, writer = await asyncio.open_connection(*address)
    writer.write(request(SnapshotRequest(instrument)))
    while not messages or not isinstance(messages[-1], SnapshotEnd):
        head = await asyncio.wait_for(reader.readexactly(HEADER_BYTES), WAIT_S)
        header = decode_header(head)
        data = head + await reader.readexactly(header.length - HEADER_BYTES)
        messages += decode_messages(data, header)
    writer.close()
    return messages


def request(*asked: ReplayRequest | SnapshotRequest) -> bytes:
    """Request packets, one behind the other."""
    return b"".join(
        encode_packet(PacketKind.REQUEST, 0, 0, 0, [ENCODER.encode(one)]) for one in asked
    )
