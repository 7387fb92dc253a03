"""The floor under every round trip: a TCP echo on uvloop, in a process of its own.

Run as `python -m perf.echo PORT`; says when it listens, ends when its standard input closes.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast

try:
    from uvloop import new_event_loop
except ImportError:  # a platform without uvloop
    from asyncio import new_event_loop


class Echo(asyncio.BufferedProtocol):
    """Writes back what it reads, as the gateway would: one write a read."""

    def __init__(self) -> None:
        self._buffer = bytearray(1 << 18)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass

    def get_buffer(self, sizehint: int) -> bytearray:
        """See asyncio."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        self._transport.write(bytes(memoryview(self._buffer)[:nbytes]))


async def serve(port: int) -> None:
    """Echoes on 127.0.0.1:port until standard input closes."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", port)
    print("listening", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
