"""One subscriber of the feed for the benchmarks: a process that counts, or a socket to wait on.

Run as `python -m perf.subscriber LINE_A LINE_B RECOVERY_PORT COUNT`: follows the feed with the
subscriber's library until COUNT orders were added to the books, prints "complete" and ends.
"""

from __future__ import annotations

import asyncio
import select
import socket
import subprocess
import sys

from feed.handler_terms import Update
from feed.messages import OrderAdded
from feed.multicast import LINE_A, LINE_B, Line, open_receiver
from feed.outlet import first_of
from feed.packet import HEADER_BYTES
from feed.service import NICE_MAX, stand_back
from feed.subscriber import Subscriber as FeedSubscriber
from perf.venue import Venue

PACKET_TIMEOUT_S = 5.0
COMPLETE_TIMEOUT_S = 120.0


class Subscriber:
    """A counting process (counting=True), or the bare line A (counting=False)."""

    def __init__(self, venue: Venue, counting: bool = True, orders: int = 0) -> None:
        self._lines = (Line(LINE_A.group, venue.line_a), Line(LINE_B.group, venue.line_b))
        self._process: subprocess.Popen[str] | None = None
        self._socket: socket.socket | None = None
        if counting:
            self._process = subprocess.Popen(
                [
                    sys.executable, "-m", "perf.subscriber", str(venue.line_a), str(venue.line_b),
                    str(venue.recovery_port), str(orders),
                ],
                stdout=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            assert self._process.stdout
            self._process.stdout.readline()  # it has joined
        else:
            self._socket = open_receiver(self._lines[0], "127.0.0.1")

    def __enter__(self) -> Subscriber:
        return self

    def __exit__(self, *_: object) -> None:
        if self._socket:
            self._socket.close()
        if self._process:
            self._process.kill()
            self._process.wait()
            if self._process.stdout:
                self._process.stdout.close()

    def wait_until_complete(self) -> None:
        """Waits until the process has seen all orders; TimeoutError after COMPLETE_TIMEOUT_S."""
        assert self._process and self._process.stdout
        readable, _, _ = select.select([self._process.stdout], [], [], COMPLETE_TIMEOUT_S)
        if not readable or "complete" not in self._process.stdout.readline():
            raise TimeoutError("the subscriber did not see every order")

    def drain(self) -> None:
        """Reads away what lies in the socket."""
        assert self._socket
        while select.select([self._socket], [], [], 0)[0]:
            self._socket.recv(65536)

    def receive_packet(self) -> None:
        """Waits for a packet with messages; heartbeats are passed over."""
        assert self._socket
        while True:
            if not select.select([self._socket], [], [], PACKET_TIMEOUT_S)[0]:
                raise TimeoutError("no packet")
            if len(self._socket.recv(65536)) > HEADER_BYTES:
                return


async def count(line_a: int, line_b: int, recovery_port: int, orders: int) -> None:
    """Follows the feed until so many orders were added."""
    stand_back(NICE_MAX)  # the cores are the venue's: a subscriber would have its own
    lines = (Line(LINE_A.group, line_a), Line(LINE_B.group, line_b))
    added, complete = 0, asyncio.Event()

    def take(update: Update) -> None:
        nonlocal added
        if update.snapshot:  # orders of a load only ever rest
            added = sum(book.order_count for book in feed.books.by_symbol.values())
        else:
            added += sum(isinstance(message, OrderAdded) for message in update.messages)
        if added >= orders:
            complete.set()

    feed = FeedSubscriber(lines, ("127.0.0.1", recovery_port), on_update=take)
    async with feed:
        print("joined", flush=True)
        await first_of(feed.run(), complete.wait())
    print("complete", flush=True)


if __name__ == "__main__":
    asyncio.run(count(*map(int, sys.argv[1:])))
