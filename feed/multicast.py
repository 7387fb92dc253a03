"""The sockets of the lines, to send on and to receive from: multicast or unicast, IPv4 or IPv6.

Linux and macOS. An interface is an address of it (IPv4 only) or its name.

Source: specs/market_data.md (F-1, F-139).
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
import sys
from typing import NamedTuple

SEND_BUFFER_BYTES = 4_194_304
RECEIVE_BUFFER_BYTES = 4_194_304  # what the system grants may be less
_LOST = (errno.ENOBUFS, errno.EAGAIN, errno.ECONNREFUSED)


class Line(NamedTuple):
    """One line: a multicast group, or for unicast the address of the one subscriber."""

    group: str
    port: int


LINE_A = Line("239.255.73.1", 30001)
LINE_B = Line("239.255.73.2", 30002)
SNAPSHOT_LINE = Line("239.255.73.3", 30004)


def parse_line(text: str) -> Line:
    """GROUP:PORT, IPv4 or IPv6, multicast; ValueError if it is none."""
    line = parse_unicast(text)
    if not ipaddress.ip_address(line.group).is_multicast:
        raise ValueError(f"{text!r} is no multicast GROUP:PORT")
    return line


def parse_unicast(text: str) -> Line:
    """ADDRESS:PORT, IPv4 or IPv6 (in brackets or not); ValueError if it is none."""
    address, _, port = text.rpartition(":")
    try:
        group = str(ipaddress.ip_address(address.strip("[]")))
        if not 1 <= int(port) <= 65_535:
            raise ValueError(port)
    except ValueError as error:
        raise ValueError(f"{text!r} is no ADDRESS:PORT") from error
    return Line(group, int(port))


def _family(line: Line) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in line.group else socket.AF_INET


def _is_multicast(line: Line) -> bool:
    return ipaddress.ip_address(line.group).is_multicast


def _interface_index(interface: str) -> int:
    """Index of an interface by its name; OSError if there is none of that name."""
    try:
        return socket.if_nametoindex(interface)
    except OSError as error:
        raise OSError(
            error.errno, f"no interface {interface!r}: an IPv6 group needs the name of one"
        ) from error


def _interface_4(interface: str) -> bytes:
    """An interface for IPv4, by its address or its name: the end of an ip_mreqn."""
    try:
        return socket.inet_aton(interface) + struct.pack("@i", 0)
    except OSError:
        return bytes(4) + struct.pack("@i", socket.if_nametoindex(interface))


class LineSender:
    """Sends packets on one line; one the system has no room for is lost and counted."""

    def __init__(self, line: Line, interface: str, ttl: int) -> None:
        self.lost = 0
        self._socket = socket.socket(_family(line), socket.SOCK_DGRAM)
        try:
            _set_buffer(self._socket, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            self._connect(line, interface, ttl)
        except OSError:
            self._socket.close()
            raise

    def _connect(self, line: Line, interface: str, ttl: int) -> None:
        chosen = self._socket
        if not _is_multicast(line):
            chosen.connect(line)
        elif _family(line) == socket.AF_INET6:
            index = _interface_index(interface)
            chosen.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            chosen.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
            chosen.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 1)
            chosen.connect((line.group, line.port, 0, index))
        else:
            where = bytes(4) + _interface_4(interface)
            chosen.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, where)
            chosen.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)
            chosen.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_LOOP, 1)
            chosen.connect(line)

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
    """A non-blocking socket on the line; of a multicast one several on one machine."""
    receiver = socket.socket(_family(line), socket.SOCK_DGRAM)
    try:
        receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if sys.platform == "darwin":  # Linux needs no more than SO_REUSEADDR
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        _set_buffer(receiver, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        _bind(receiver, line, interface)
        receiver.setblocking(False)
    except OSError:
        receiver.close()
        raise
    return receiver


def _bind(receiver: socket.socket, line: Line, interface: str) -> None:
    if not _is_multicast(line):
        receiver.bind(line)
    elif _family(line) == socket.AF_INET6:
        index = _interface_index(interface)
        receiver.bind((line.group, line.port, 0, index))
        membership = socket.inet_pton(socket.AF_INET6, line.group) + struct.pack("@I", index)
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, membership)
    else:
        receiver.bind(line)
        membership = socket.inet_aton(line.group) + _interface_4(interface)
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def _set_buffer(chosen: socket.socket, option: int, size_bytes: int) -> None:
    """As large as the system grants: macOS refuses what passes its maximum."""
    while size_bytes >= 65_536:
        try:
            chosen.setsockopt(socket.SOL_SOCKET, option, size_bytes)
        except OSError:
            size_bytes //= 2
        else:
            return
