"""Fifty peers that mean the venue no good: `python -m perf.hostile PORT SECONDS NICE` runs them.

HOSTILE0 to HOSTILE49 are members of the venue; their kinds take turns. Each goes on until its time
is over and connects again when it is thrown out. NICE 19 leaves the processor to who is measured,
since such peers are on machines of their own. The end prints one line of JSON: by kind how often
peers connected, what they sent and what they read, in bytes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import socket
import sys
import time
from collections import Counter

from feed.service import stand_back
from perf.client import encode_message, front_symbol, stamp_now

COUNT = 50
AGAIN_S = 0.2  # after the venue ended a line
RESENDS = 20  # requests in one write
FLOOD = 200  # orders in one write


def names() -> list[str]:
    """The members that are hostile."""
    return [f"HOSTILE{number}" for number in range(COUNT)]


class Peer:
    """One of them. counts: shared by its kind."""

    def __init__(self, number: int, port: int, ends: float, counts: Counter[str]) -> None:
        self.name = f"HOSTILE{number}".encode()
        self.port, self.ends, self.counts = port, ends, counts
        self.chance = random.Random(number)
        self.number = 1

    async def connect(self, room: int = 0) -> None:
        """A new line; room: bytes of its receive buffer, 0 as the system has it."""
        line = socket.socket()
        if room:
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, ("127.0.0.1", self.port))
        self.reader, self.writer = await asyncio.open_connection(sock=line)
        self.over = asyncio.Event()
        if not room:
            self.reading = asyncio.ensure_future(self.drain(self.reader, self.over))
        self.counts["connected"] += 1

    def message(self, kind: bytes, body: bytes) -> bytes:
        """The next message in order."""
        self.number += 1
        return encode_message(kind, self.name, self.number - 1, stamp_now(), body)

    async def send(self, data: bytes) -> None:
        """Writes and waits until the system has it."""
        if self.over.is_set():
            raise ConnectionResetError
        self.writer.write(data)
        await self.writer.drain()
        self.counts["sent"] += len(data)

    async def drain(self, reader: asyncio.StreamReader, over: asyncio.Event) -> None:
        """Reads everything until the line ends."""
        with contextlib.suppress(OSError):
            while got := await reader.read(1 << 16):
                self.counts["read"] += len(got)
        over.set()

    async def log_on(self, room: int = 0) -> None:
        """Connects and logs on from 1."""
        await self.connect(room)
        self.number = 1
        await self.send(self.message(b"A", b"98=0\x01108=30\x01141=Y\x01"))
        await asyncio.sleep(0.1)

    async def garbage(self) -> None:
        """Random bytes, after a Logon or without one."""
        if self.chance.random() < 0.5:
            await self.log_on()
        else:
            await self.connect()
        while time.time() < self.ends:
            await self.send(self.chance.randbytes(4_096))
            await asyncio.sleep(0)

    async def flood(self) -> None:
        """Orders as fast as they are taken."""
        await self.log_on()
        symbol = front_symbol().encode()
        while time.time() < self.ends:
            stamp = stamp_now()
            terms = b"55=%b\x0154=1\x0160=%b\x0138=1\x0140=2\x0144=1.850\x0159=3\x01"
            body = terms % (symbol, stamp)
            ids = (b"11=%b-%d\x01" % (self.name[7:], self.number + at) for at in range(FLOOD))
            await self.send(b"".join(self.message(b"D", one + body) for one in ids))
            await asyncio.sleep(0)

    async def drip(self) -> None:
        """A byte a second of a message that never ends."""
        await self.log_on()
        message = self.message(b"1", b"112=" + b"x" * 4_000 + b"\x01")
        for at in range(len(message)):
            if time.time() >= self.ends:
                break
            await self.send(message[at : at + 1])
            await asyncio.sleep(1)

    async def deaf(self) -> None:
        """Asks and never reads."""
        await self.log_on(room=4_096)
        while time.time() < self.ends:
            await self.send(b"".join(self.message(b"1", b"112=x\x01") for _ in range(50)))

    async def resend(self) -> None:
        """Asks for everything again and again."""
        await self.log_on()
        while time.time() < self.ends:
            asks = (self.message(b"2", b"7=1\x0116=0\x01") for _ in range(RESENDS))
            await self.send(b"".join(asks))
            await asyncio.sleep(0)

    async def duplicate(self) -> None:
        """Logons of a session that is logged on."""
        await self.log_on()
        first = self.writer
        while time.time() < self.ends:
            self.number = 1
            await self.connect()
            await self.send(self.message(b"A", b"98=0\x01108=30\x01141=Y\x01"))
            async with asyncio.timeout(5):
                await self.over.wait()
            self.counts["refused"] += 1
            self.writer.close()
        self.writer = first

    async def run(self, kind: str) -> None:
        """Until its time is over."""
        while time.time() < self.ends:
            try:
                await getattr(self, kind)()
            except OSError:
                self.counts["ended"] += 1
                await asyncio.sleep(AGAIN_S)
            finally:
                if hasattr(self, "writer"):
                    self.writer.close()


KINDS = ("garbage", "flood", "drip", "deaf", "resend", "duplicate")


async def run(port: int, seconds: float) -> dict[str, Counter[str]]:
    """All of them; what each kind did."""
    counts = {kind: Counter[str]() for kind in KINDS}
    ends = time.time() + seconds
    peers = []
    for number in range(COUNT):
        kind = KINDS[number % len(KINDS)]
        peers.append(Peer(number, port, ends, counts[kind]).run(kind))
    running = [asyncio.ensure_future(peer) for peer in peers]
    await asyncio.wait(running, timeout=seconds + 5)  # who waits to be heard is given up
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    return counts


if __name__ == "__main__":
    stand_back(int(sys.argv[3]))
    print(json.dumps(asyncio.run(run(int(sys.argv[1]), float(sys.argv[2])))), flush=True)
