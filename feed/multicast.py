"""Multicast sockets: the two lines, to send on and to receive from. Linux and macOS.

Source: specs/market_data.md (F-1).
"""

from __future__ import annotations

import errno
import socket
import sys
from typing import NamedTuple

SEND_BUFFER_BYTES = 4_194_304
RECEIVE_BUFFER_BYTES = 4_194_304  # what the system grants may be less
_LOST = (errno.ENOBUFS, errno.EAGAIN, errno.ECONNREFUSED)


class Line(NamedTuple):
    """One multicast line."""

    group: str
    port: int


LINE_A = Line("239.255.73.1", 30001)
LINE_B = Line("239.255.73.2", 30002)
SNAPSHOT_LINE = Line("239.255.73.3", 30004)


def parse_line(text: str) -> Line:
    """GROUP:PORT; ValueError if it is none."""
    group, _, port = text.rpartition(":")
    try:
        packed = socket.inet_aton(group)
    except OSError as error:
        raise ValueError(f"{text!r} is no multicast GROUP:PORT") from error
    if packed[0] >> 4 != 0xE or not 1 <= int(port) <= 65_535:
        raise ValueError(f"{text!r} is no multicast GROUP:PORT")
    return Line(group, int(port))


class LineSender:
    """Sends packets on one line; one the system has no room for is lost and counted."""

    def __init__(self, line: Line, interface: str, ttl: int) -> None:
        self.lost = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(
            socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface)
        )
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
        self._socket.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
        _set_buffer(self._socket, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._socket.connect(line)

    def send(self, packet: bytes) -> None:
        """Sends one packet, or counts it as lost: subscribers recover it."""
        try:
            self._socket.send(packet)
        except OSError as error:
            if error.errno not in _LOST:
                raise
            self.lost += 1

    def close(self) -> None:
        """Closes the socket."""
        self._socket.close()


def open_receiver(line: Line, interface: str) -> socket.socket:
    """A non-blocking socket that has joined the line; several may on one machine."""
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "darwin":  # Linux needs no more than SO_REUSEADDR
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _set_buffer(receiver, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        receiver.bind(line)
        membership = socket.inet_aton(line.group) + socket.inet_aton(interface)
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        receiver.setblocking(False)
    except OSError:
        receiver.close()
        raise
    return receiver


def _set_buffer(chosen: socket.socket, option: int, size_bytes: int) -> None:
    """As large as the system grants: macOS refuses what passes its maximum."""
    while size_bytes >= 65_536:
        try:
            chosen.setsockopt(socket.SOL_SOCKET, option, size_bytes)
        except OSError:
            size_bytes //= 2
        else:
            return
