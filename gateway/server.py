"""Sockets of the FIX gateway: the only file that touches the network for FIX.

A Line is one connection: bytes in a numpy buffer for its session, bytes out through the transport,
bounded in both directions. What the bytes mean is the session's and the venue's business.

Source: fix-session 1.1 (timeouts), 1.4; specs/order_entry.md.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Protocol, cast

import numpy as np

from gateway.acceptor import Acceptor
from gateway.types import READ_SLACK_BYTES
from specs.venue import FixConfig

KEEPALIVE_IDLE_S = 30
USER_TIMEOUT_MS = 30_000  # a dead peer frees its CompID after this


class Floor(Protocol):
    """What lines report to: gateway/venue.py."""

    @property
    def connections(self) -> int:
        """How many lines are open."""

    def open_session(self, line: Line) -> Acceptor:
        """A session for a new connection."""

    def take(self, line: Line, start: int, end: int) -> int:
        """Takes line.buffer[start:end]; returns where what is left begins."""

    def lost(self, line: Line) -> None:
        """The line has ended."""

    def writable(self, line: Line) -> None:
        """The peer takes bytes again."""


class Line(asyncio.BufferedProtocol):
    """One connection. `filled`: bytes of `buffer` that hold unread input; `held`: writes that wait
    for the disk."""

    def __init__(self, floor: Floor, config: FixConfig) -> None:
        self._floor = floor
        self._send_max = config.send_buffer_bytes_max
        self._connections_max = config.connections_max
        self.buffer = np.zeros(config.turn_bytes_max + READ_SLACK_BYTES, np.uint8)
        self._view = memoryview(self.buffer.data)[: config.turn_bytes_max]
        self.filled = 0
        self.held = 0
        self.open = False
        self.paused = False
        self.session: Acceptor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if self._floor.connections >= self._connections_max:
            self._transport.abort()
            return
        self._transport.set_write_buffer_limits(high=self._send_max // 4)
        set_socket_options(transport.get_extra_info("socket"))
        self.session = self._floor.open_session(self)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self.open:
            self.open = False
            self._floor.lost(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio: the free part of the buffer."""
        return self._view[self.filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio: nbytes more lie in the buffer."""
        if not self.open:
            return
        end = self.filled + nbytes
        start = self._floor.take(self, 0, end)
        left = end - start
        if left and start:
            self.buffer[:left] = self.buffer[start:end].copy()
        self.filled = left

    def eof_received(self) -> bool:
        """See asyncio: the peer has ended; so do we."""
        return False

    def pause_writing(self) -> None:
        """See asyncio."""
        self.paused = True

    def resume_writing(self) -> None:
        """See asyncio."""
        self.paused = False
        if self.open:
            self._floor.writable(self)

    def write(self, data: bytes) -> None:
        """Sends; a peer that does not read what was sent before is cut off."""
        if not self.open or self._transport.is_closing():
            return
        self._transport.write(data)
        if self.paused and self._transport.get_write_buffer_size() > self._send_max:
            self._transport.abort()

    def close(self) -> None:
        """Ends the connection once everything is sent."""
        if self.open:
            self._transport.close()


def set_socket_options(connection: socket.socket) -> None:
    """No Nagle; a silent dead peer is found by keepalive, a deaf one by the user timeout."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (
        ("TCP_KEEPIDLE", KEEPALIVE_IDLE_S),
        ("TCP_KEEPALIVE", KEEPALIVE_IDLE_S),
        ("TCP_USER_TIMEOUT", USER_TIMEOUT_MS),
    ):
        option = getattr(socket, name, None)
        if option is not None:
            connection.setsockopt(socket.IPPROTO_TCP, option, value)


async def listen(
    loop: asyncio.AbstractEventLoop, make_line: Callable[[], Line], config: FixConfig
) -> asyncio.Server:
    """Accepts FIX connections from now on; raises OSError where the address is taken."""
    return await loop.create_server(make_line, config.host, config.port, backlog=128)
