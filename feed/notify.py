"""How the venue tells its readers how far the event log is durable.

The writer listens on a unix stream socket; a reader connects, is told the last durable event number
at once and after every batch: 8 bytes, little endian u64. Only the newest number matters, so a
reader that is behind skips the older ones, and a number that found no room is sent when there is
room again. The end of the stream is the end of the venue.

Source: specs/market_data.md (F-50).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from pathlib import Path

_NUMBER = struct.Struct("<Q")
_READ_BYTES = 65_536
_CONNECT_PAUSE_S = 0.05
READERS_MAX = 16


class Notifier:
    """The writer's side, on the running event loop; `tell` never blocks and never raises."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.number = 0
        self._listener: socket.socket | None = None
        self._readers: dict[socket.socket, bytes] = {}  # bytes of a number half sent
        self._behind: set[socket.socket] = set()

    def start(self) -> None:
        """Listens; what a dead venue left at the path is removed."""
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(self.path))
        os.chmod(self.path, 0o600)
        self._listener.listen(READERS_MAX)
        self._listener.setblocking(False)
        asyncio.get_running_loop().add_reader(self._listener, self._accept)

    def tell(self, number: int) -> None:
        """The events up to `number` are durable."""
        self.number = number
        for reader in list(self._readers):
            if reader not in self._behind:
                self._send(reader)

    def close(self) -> None:
        """Ends the stream of every reader."""
        for reader in list(self._readers):
            self._drop(reader)
        if self._listener is not None:
            asyncio.get_running_loop().remove_reader(self._listener)
            self._listener.close()
            self._listener = None
            self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            reader, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        if len(self._readers) >= READERS_MAX:
            reader.close()
            return
        reader.setblocking(False)
        self._readers[reader] = b""
        asyncio.get_running_loop().add_reader(reader, self._drop, reader)  # it only ever ends
        self._send(reader)

    def _send(self, reader: socket.socket) -> None:
        data = self._readers[reader] + _NUMBER.pack(self.number)
        try:
            sent = reader.send(data)
        except BlockingIOError:
            self._wait(reader)
        except OSError:
            self._drop(reader)
        else:
            self._readers[reader] = data[sent : sent + -sent % _NUMBER.size]
            if sent < len(data):
                self._wait(reader)

    def _wait(self, reader: socket.socket) -> None:
        self._behind.add(reader)
        asyncio.get_running_loop().add_writer(reader, self._room_again, reader)

    def _room_again(self, reader: socket.socket) -> None:
        self._behind.discard(reader)
        asyncio.get_running_loop().remove_writer(reader)
        self._send(reader)

    def _drop(self, reader: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        loop.remove_reader(reader)
        if reader in self._behind:
            self._behind.discard(reader)
            loop.remove_writer(reader)
        self._readers.pop(reader, None)
        reader.close()


class NumberReader:
    """The reader's side: bytes of the stream in, the newest number out."""

    def __init__(self) -> None:
        self.number = 0
        self._half = b""

    def receive(self, data: bytes) -> int:
        """The newest whole number after `data`; the one before if there is none in it."""
        data = self._half + data
        whole = len(data) // _NUMBER.size * _NUMBER.size
        self._half = data[whole:]
        if whole:
            self.number = max(self.number, _NUMBER.unpack_from(data, whole - _NUMBER.size)[0])
        return self.number


def connect(path: Path, timeout_s: float) -> socket.socket:
    """A non-blocking socket on the writer's stream; waits for the writer to listen.

    ConnectionError when it does not within `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            stream.connect(str(path))
        except OSError as error:
            stream.close()
            if time.monotonic() >= deadline:
                raise ConnectionError(f"nobody listens at {path}: {error}") from error
            time.sleep(_CONNECT_PAUSE_S)
        else:
            stream.setblocking(False)
            return stream


def read_available(stream: socket.socket) -> bytes | None:
    """What the stream holds now; None at its end."""
    with contextlib.suppress(BlockingIOError):
        data = stream.recv(_READ_BYTES)
        return data or None
    return b""
