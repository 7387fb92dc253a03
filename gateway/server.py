"""Sockets of the FIX gateway: the only file that touches the network for FIX.

A Line is one connection: bytes in a numpy buffer for its session, bytes out through the transport,
bounded in both directions. What the bytes mean is the session's and the venue's business.

Source: fix-session 1.1 (timeouts), 1.4; specs/order_entry.md.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable
from typing import Protocol, cast

import numpy as np

from gateway.acceptor import Acceptor
from gateway.access import Origin
from gateway.tls import names_of
from gateway.types import READ_SLACK_BYTES
from specs.venue import FixConfig

KEEPALIVE_IDLE_S = 30
USER_TIMEOUT_MS = 30_000  # a dead peer frees its CompID after this
ACCEPT_AGAIN_S = 0.1


class Floor(Protocol):
    """What lines report to: gateway/venue.py."""

    def open_session(self, line: Line) -> Acceptor:
        """A session for a new connection."""

    def take(self, line: Line, start: int, end: int) -> int:
        """Takes line.buffer[start:end]; returns where what is left begins."""

    def lost(self, line: Line) -> None:
        """The line has ended."""

    def writable(self, line: Line) -> None:
        """The peer takes bytes again."""

    def deaf(self) -> None:
        """A line is cut off: its peer does not read."""


class Line(asyncio.BufferedProtocol):
    """One connection. `filled`: bytes of `buffer` that hold unread input; `held`: writes that wait
    for the disk."""

    def __init__(self, floor: Floor, config: FixConfig) -> None:
        self._floor = floor
        self._send_max = config.send_buffer_bytes_max
        self.buffer = np.zeros(config.turn_bytes_max + READ_SLACK_BYTES, np.uint8)
        self._view = memoryview(self.buffer.data)[: config.turn_bytes_max]
        self.filled = 0
        self.held = 0
        self.open = False
        self.paused = False
        self.resting = False  # not read, what has come is more than enough
        self.origin = Origin()
        self.on_end: Callable[[Line], None] = _nothing
        self.session: Acceptor

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio; with TLS, after the handshake."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.set_write_buffer_limits(high=self._send_max // 4)
        set_socket_options(transport.get_extra_info("socket"))
        tls = transport.get_extra_info("ssl_object")
        if isinstance(tls, ssl.SSLObject):
            self.origin = Origin(self.origin.address, names_of(tls.getpeercert()), True)
        self.session = self._floor.open_session(self)
        self.open = True

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self.open:
            self.open = False
            self._floor.lost(self)
        self.on_end(self)

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
        self.filled = left
        if left:
            if start:
                self.buffer[:left] = self.buffer[start:end].copy()
            if self.session.unfinished or left == len(self._view):
                self._rest()

    def _rest(self) -> None:
        """Nothing more is read until what has come is taken (O-172)."""
        if not self.resting and not self._transport.is_closing():
            self.resting = True
            self._transport.pause_reading()

    def go_on(self) -> None:
        """Takes more of what has come; where all of it is taken the line is read again."""
        self.buffer_updated(0)
        if self.resting and not self.session.unfinished and self.filled < len(self._view):
            self.resting = False
            if not self._transport.is_closing():
                self._transport.resume_reading()

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
            self._floor.deaf()
            self._transport.abort()

    @property
    def unsent(self) -> int:
        """Bytes that the peer has not taken yet."""
        return self._transport.get_write_buffer_size() if self.open else 0

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


class Listener:
    """Accepts FIX connections: bounded in all and by address, before anything is read of them.

    With a context they speak TLS, whose handshakes count as connections and end in time.
    refused: connections that were beyond a bound.
    """

    def __init__(
        self,
        make_line: Callable[[], Line],
        config: FixConfig,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self.context = context
        self.refused = 0
        self._make_line = make_line
        self._config = config
        self._addresses: dict[Line, str] = {}  # of what is open
        self._counts: dict[str, int] = {}
        self._opening: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    def bind(self) -> None:
        """Has the address from now on; raises OSError where somebody else has it."""
        config = self._config
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        place = (config.host, config.port)
        # who waits here in silence is found again by the kernel's slow retries only: all have room
        backlog = config.connections_max
        self._socket = socket.create_server(place, family=family, backlog=backlog)
        self._socket.setblocking(False)

    def start(self) -> None:
        """Accepts from now on, also who has come since bind()."""
        self._accepting = asyncio.get_running_loop().create_task(self._accept())

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._socket.getsockname()[1])

    def close(self) -> None:
        """Accepts no more; what is open stays."""
        if self._accepting is not None:
            self._accepting.cancel()
        self._socket.close()

    @property
    def connections(self) -> int:
        """How many are open, handshakes included."""
        return len(self._addresses)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, place = await loop.sock_accept(self._socket)
            except OSError:  # no descriptor is free, or the peer is gone already
                await asyncio.sleep(ACCEPT_AGAIN_S)
                continue
            address = plain_address(place[0])
            if self._is_full(address):
                self.refused += 1
                connection.close()
                continue
            line = self._make_line()
            line.origin = Origin(address)
            line.on_end = self._ended
            self._addresses[line] = address
            self._counts[address] = self._counts.get(address, 0) + 1
            task = loop.create_task(self._hand_over(connection, line))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)

    def _is_full(self, address: str) -> bool:
        config = self._config
        each = config.connections_per_address_max or config.connections_max
        everywhere = len(self._addresses)
        return everywhere >= config.connections_max or self._counts.get(address, 0) >= each

    async def _hand_over(self, connection: socket.socket, line: Line) -> None:
        """Hands a connection to a line; one whose handshake fails was never there."""
        limits = {}
        if self.context is not None:
            limits["ssl_handshake_timeout"] = float(self._config.logon_timeout_seconds)
            limits["ssl_shutdown_timeout"] = float(self._config.logout_timeout_seconds)
        loop = asyncio.get_running_loop()
        try:
            await loop.connect_accepted_socket(lambda: line, connection, ssl=self.context, **limits)
        except (OSError, TimeoutError):
            connection.close()
            self._ended(line)

    def _ended(self, line: Line) -> None:
        address = self._addresses.pop(line, None)
        if address is not None:
            self._counts[address] -= 1
            if not self._counts[address]:
                del self._counts[address]


def plain_address(text: str) -> str:
    """An address as members.toml writes it: no zone, IPv4 also where it came by an IPv6 socket."""
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _nothing(line: Line) -> None:
    """Nobody counts this line."""
