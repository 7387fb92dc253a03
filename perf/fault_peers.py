"""A peer that does harm, as a process: `python -m perf.fault_peers KIND PORTS`.

It runs behind the venue in priority, since it would have a machine of its own, prints "at it" once
it is at work, and ends with its standard input. PORTS: line A, line B, recovery, FIX, console.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from feed.handler import HandlerLimits, Update
from feed.messages import ENCODER, ReplayRequest, Request, SnapshotRequest
from feed.multicast import LINE_A, LINE_B, Line
from feed.packet import PacketKind, encode_packet
from feed.service import NICE_MAX, stand_back
from feed.subscriber import Subscriber

HOST = "127.0.0.1"
AT_ONCE = 16  # connections of the recovery service that one address may have (F-137)
_SEED = 7
_GARBAGE_BYTES = 65_536


class Ports(NamedTuple):
    """Where the venue is."""

    line_a: int
    line_b: int
    recovery: int
    fix: int
    console: int

    @property
    def lines(self) -> tuple[Line, Line]:
        """Both lines."""
        return Line(LINE_A.group, self.line_a), Line(LINE_B.group, self.line_b)


def unreliable(feed: Subscriber, loss: float, twice: float, late: float) -> None:
    """Loses, doubles and delays what the lines bring, before the handler has it."""
    chance, receive = random.Random(_SEED), feed.handler.receive
    held: list[tuple[int, bytes]] = []

    def receive_some(line: int, data: bytes, now_ns: int) -> list[Update]:
        came = [*held, (line, data)] if chance.random() >= late else []
        if not came:
            held.append((line, data))
            return []
        held.clear()
        updates = []
        for one in came:
            for _ in range(1 + (chance.random() < twice)):
                if chance.random() >= loss:
                    updates += receive(*one, now_ns)
        return updates

    feed.handler.receive = receive_some  # type: ignore[method-assign]


async def follow(
    ports: Ports, loss: float = 0.0, twice: float = 0.0, late: float = 0.0, *,
    lines: int = 2, recovery: int = 0, stalls: bool = False,
) -> None:  # fmt: skip
    """A subscriber to whom this happens; stalls: it reads nothing for most of the time."""
    limits = HandlerLimits(retry_ns=50_000_000)
    asked = (HOST, recovery or ports.recovery)
    async with Subscriber(ports.lines[:lines], asked, limits=limits) as feed:
        if loss or twice or late:
            unreliable(feed, loss, twice, late)
        say_ready()
        async for _ in feed:
            if stalls:
                time.sleep(0.5)  # the loop stands still: nothing is read


async def ask_everything(ports: Ports) -> None:
    """As many connections as one address may have ask for all there is, again and again."""

    async def ask(number: int) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(HOST, ports.recovery)
                request: Request = SnapshotRequest(0) if number % 2 else ReplayRequest(1, 20_000)
                for _ in range(1_000):
                    writer.write(request_packet(request))
                    await writer.drain()
                    if not await reader.read(1 << 20):
                        break
                writer.close()
            await asyncio.sleep(0.01)

    say_ready()
    await asyncio.gather(*[ask(number) for number in range(AT_ONCE)])


async def never_read(ports: Ports) -> None:
    """Asks the recovery service for everything and takes nothing of it."""
    writers = []
    say_ready()
    while True:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection(HOST, ports.recovery, limit=1)
            writers.append(writer)
            writer.write(200 * request_packet(ReplayRequest(1, 20_000)))
        if len(writers) == AT_ONCE:
            await asyncio.sleep(1)
            for writer in writers:
                writer.close()
            writers.clear()


async def be_hostile(ports: Ports) -> None:
    """Garbage, halves of packets and connections that say nothing, to recovery and FIX."""
    chance = random.Random(_SEED)
    say_ready()
    while True:
        for port in (ports.recovery, ports.fix):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection(HOST, port)
                half = request_packet(SnapshotRequest(0))[: chance.randint(1, 40)]
                said = (chance.randbytes(_GARBAGE_BYTES), half, b"", b"8=FIX.4.4\x019=9999\x01")
                writer.write(chance.choice(said))
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(writer.drain(), 0.05)
                writer.close()
        await asyncio.sleep(0.002)


async def block_broker(ports: Ports) -> None:
    """A broker that takes a connection and says nothing, and `sitex mqtt` that talks to it."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3_600)

    server = await asyncio.start_server(silent, HOST, 0)
    broker = f"{HOST}:{server.sockets[0].getsockname()[1]}"
    settings = {
        "feed.line_a.port": ports.line_a, "feed.line_b.port": ports.line_b,
        "feed.recovery_port": ports.recovery, "mqtt.timeout_seconds": 1,
    }  # fmt: skip
    options = [part for name, value in settings.items() for part in ("--set", f"{name}={value}")]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.cli", "mqtt", broker, *options, "--child",
        stdin=asyncio.subprocess.PIPE,
    )  # fmt: skip
    say_ready()
    await process.wait()


async def browse_blindly(ports: Ports) -> None:
    """Browsers' WebSockets that ask for everything and read nothing."""
    request = {"op": "subscribe", "symbols": ["*"], "kinds": ["depth", "trades", "best", "last"]}
    text = json.dumps(request).encode()
    frame = b"\x81\xfe" + len(text).to_bytes(2, "big") + bytes(4) + text  # masked by zeros
    upgrade = (
        f"GET /ws?interval_ms=20 HTTP/1.1\r\nHost: {HOST}:{ports.console}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    lines = []
    for _ in range(AT_ONCE):
        reader, writer = await asyncio.open_connection(HOST, ports.console, limit=1)
        writer.write(upgrade.encode())
        answer = await reader.readexactly(12)
        if answer != b"HTTP/1.1 101":
            raise ConnectionError(f"the console said {answer!r}")
        writer.write(frame)
        lines.append((reader, writer))
    say_ready()
    await asyncio.sleep(3_600)


def request_packet(request: Request) -> bytes:
    """A packet of kind REQUEST."""
    return encode_packet(PacketKind.REQUEST, 0, 0, time.time_ns(), [ENCODER.encode(request)])


def say_ready() -> None:
    """The harm begins."""
    print("at it", flush=True)


KINDS: dict[str, Callable[[Ports], Awaitable[None]]] = {
    "healthy_reader": follow,  # no harm: what any reader costs
    "loss_10": lambda ports: follow(ports, 0.1),
    "loss_30": lambda ports: follow(ports, 0.3),
    "duplication": lambda ports: follow(ports, twice=0.5),
    "reorder": lambda ports: follow(ports, late=0.3),
    "dead_line": lambda ports: follow(ports, 0.05, lines=1),
    "dead_recovery": lambda ports: follow(ports, 0.1, lines=1, recovery=1),
    "stalled_reader": lambda ports: follow(ports, stalls=True),
    "never_read": never_read,
    "everything_at_once": ask_everything,
    "hostile_tcp": be_hostile,
    "blocking_broker": block_broker,
    "blind_browsers": browse_blindly,
}


async def main(kind: str, ports: Ports) -> None:
    """Does harm until standard input ends."""
    stand_back(NICE_MAX)
    harm = asyncio.ensure_future(KINDS[kind](ports))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    waiting = asyncio.ensure_future(ended.wait())
    await asyncio.wait([harm, waiting], return_when=asyncio.FIRST_COMPLETED)
    if harm.done():
        harm.result()
    os._exit(0)  # a stalled loop takes no farewell


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Ports(*map(int, sys.argv[2:]))))
