"""A subscriber on asyncio: the thin shell around feed/handler.py.

    async with Subscriber() as feed:
        async for update in feed:
            book = feed.books.by_symbol["SITB2612"]
            print(update.sequence, book.bids.array()[:5], book.asks.array()[:5])

Joins both lines, keeps the books, recovers over TCP by itself. A reader that is slow loses packets
in the system's buffers, never memory, and recovers them. Who prefers callbacks gives `on_update`
and `on_state` and awaits `run()`.

Source: specs/market_data.md (F-1, F-40, F-130).
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from feed.books import Books
from feed.handler import FeedState, Handler, HandlerLimits, Update
from feed.handler_terms import LINES
from feed.messages import ENCODER, Request
from feed.multicast import LINE_A, LINE_B, Line, open_receiver
from feed.packet import (
    HEADER_BYTES,
    PACKET_BYTES_MAX,
    PacketError,
    PacketKind,
    decode_header,
    encode_packet,
)
from specs.venue import FeedConfig

_UPDATES_MAX = 65_536  # waiting for the reader; then the lines are not read
_DATAGRAMS_A_TURN = 256
_IDLE_WAIT_S = 1.0


class Subscriber:
    """Updates of the market in order, and the books as they stand after the last one received.

    `lines`: the two multicast lines, or one of them, or this machine's own address for unicast;
    `recovery`: address of the recovery service. Use it as an asynchronous context manager and
    iterator; it belongs to one task. With recovery=None it asks nothing and joins from
    `snapshot_line` alone. `on_update` is called with each Update while the books stand exactly as
    after it, `on_state` with each new state; what they raise comes out of the iterator, which ends.
    """

    def __init__(
        self,
        lines: tuple[Line, ...] = (LINE_A, LINE_B),
        recovery: tuple[str, int] | None = ("127.0.0.1", 30003),
        interface: str = "127.0.0.1",
        limits: HandlerLimits | None = None,
        on_update: Callable[[Update], None] | None = None,
        on_state: Callable[[FeedState], None] | None = None,
        snapshot_line: Line | None = None,
    ) -> None:
        assert recovery is not None or snapshot_line is not None
        assert 1 <= len(lines) <= LINES
        self._line_count = len(lines)
        self.handler = Handler(limits, on_update, on_state, asks=recovery is not None)
        self._lines = lines if snapshot_line is None else (*lines, snapshot_line)
        self._recovery = recovery
        self._interface = interface
        self._sockets: list[socket.socket] = []
        self._reading = False
        self._failure: Exception | None = None  # of a callback
        self._updates: deque[Update] = deque()
        self._arrived = asyncio.Event()
        self._recovering: asyncio.Task[None] | None = None
        self._requests: asyncio.Queue[Request] = asyncio.Queue(maxsize=4)

    @property
    def books(self) -> Books:
        """The books; a snapshot replaces them, so do not keep a Book over an update."""
        return self.handler.books

    @property
    def state(self) -> FeedState:
        """Whether the books may be believed now; STALE while the reader is too far behind."""
        if not self._reading:
            return FeedState.STALE
        return self.handler.state(time.monotonic_ns())

    async def run(self) -> None:
        """Follows the market for the callbacks' sake, until cancelled."""
        while True:
            await anext(self)
            self._updates.clear()  # the callback had them all

    async def __aenter__(self) -> Subscriber:
        self._sockets = [open_receiver(line, self._interface) for line in self._lines]
        self._read_lines()
        self._recovering = asyncio.create_task(self._recover())
        self._poll()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop_reading()
        for receiver in self._sockets:
            receiver.close()
        if self._recovering is not None:
            self._recovering.cancel()
            await asyncio.gather(self._recovering, return_exceptions=True)

    def __aiter__(self) -> Subscriber:
        return self

    async def __anext__(self) -> Update:
        """The next update; waits for it as long as it takes."""
        while not self._updates:
            if self._failure is not None:
                raise self._failure
            self._arrived.clear()
            if not self._reading:
                self._read_lines()
            await self._wait()
            if self._recovering is not None and self._recovering.done():
                self._recovering.result()  # only a fault of this library ends it
            self._poll()
        return self._updates.popleft()

    async def _wait(self) -> None:
        """Until something arrives or the handler has something to ask."""
        now_ns = time.monotonic_ns()
        deadline_ns = self.handler.next_deadline_ns(now_ns)
        wait_s = _IDLE_WAIT_S if deadline_ns is None else (deadline_ns - now_ns) / 1e9
        try:
            async with asyncio.timeout(min(max(wait_s, 0.0), _IDLE_WAIT_S)):
                await self._arrived.wait()
        except TimeoutError:
            return

    def _poll(self) -> None:
        request = self.handler.poll(time.monotonic_ns())
        if request is not None and not self._requests.full():
            self._requests.put_nowait(request)

    def _read_lines(self) -> None:
        loop = asyncio.get_running_loop()
        for line, receiver in enumerate(self._sockets):
            loop.add_reader(receiver, self._receive, line, receiver)
        self._reading = True

    def _stop_reading(self) -> None:
        if self._reading:
            loop = asyncio.get_running_loop()
            for receiver in self._sockets:
                loop.remove_reader(receiver)
            self._reading = False

    def _receive(self, line: int, receiver: socket.socket) -> None:
        now_ns = time.monotonic_ns()
        for _ in range(_DATAGRAMS_A_TURN):
            try:
                data = receiver.recv(PACKET_BYTES_MAX + 1)
            except BlockingIOError:
                break
            try:
                if line < self._line_count:
                    self._add(self.handler.receive(line, data, now_ns))
                else:
                    self._add(self.handler.receive_snapshot_line(data, now_ns))
            except Exception as error:  # a callback's: the event loop would swallow it
                self._failure = error
                self._stop_reading()
                break
        self._arrived.set()  # a deadline may have moved

    def _add(self, updates: list[Update]) -> None:
        self._updates.extend(updates)
        if len(self._updates) >= _UPDATES_MAX:
            self._stop_reading()
        if updates:
            self._arrived.set()

    async def _recover(self) -> None:
        """Sends requests and takes answers, over one connection at a time."""
        while True:
            request = await self._requests.get()
            try:
                await self._recover_connected(request)
            except (OSError, asyncio.IncompleteReadError, PacketError):
                self.handler.recovery_lost(time.monotonic_ns())
                self._arrived.set()

    async def _recover_connected(self, request: Request) -> None:
        assert self._recovery is not None
        reader, writer = await asyncio.open_connection(*self._recovery)
        asking = asyncio.create_task(self._ask(request, writer))
        try:
            while True:
                head = await reader.readexactly(HEADER_BYTES)
                header = decode_header(head)
                data = head + await reader.readexactly(header.length - HEADER_BYTES)
                self._add(self.handler.receive_recovery(data, time.monotonic_ns()))
                self._poll()
                while len(self._updates) >= _UPDATES_MAX:
                    await asyncio.sleep(0.001)
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
            writer.close()

    async def _ask(self, request: Request, writer: asyncio.StreamWriter) -> None:
        while True:
            encoded = [ENCODER.encode(request)]
            writer.write(encode_packet(PacketKind.REQUEST, 0, 0, time.time_ns(), encoded))
            await writer.drain()
            request = await self._requests.get()


def subscriber_of(
    feed: FeedConfig, on_update: Callable[[Update], None] | None = None
) -> Subscriber:
    """A subscriber of what venue.toml says of a feed."""
    a, b = feed.line_a, feed.line_b
    return Subscriber(
        (Line(a.group, a.port), Line(b.group, b.port)),
        (feed.recovery_host, feed.recovery_port),
        feed.interface,
        on_update=on_update,
    )
