"""Recordings: the packets a subscriber's books were made of, one behind the other in a file.

The form is the recovery connection's, so there is no second format: SNAPSHOT packets, then MESSAGES
packets in order, without a gap; where the subscriber had to take a new snapshot, that follows. A
message may come twice, as everywhere: go by numbers.

    for update in Recording(path):
        ...  # as a live subscriber has them; recording.books stand as after it

Source: specs/market_data.md (F-5, F-40, F-134).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from feed.books import Books
from feed.handler import Handler
from feed.handler_terms import Update
from feed.packet import HEADER_BYTES, Header, PacketError, decode_header

_BUFFER_BYTES = 1 << 20


class RecordingError(Exception):
    """The file is no recording; the text says where and why."""


class RecordingWriter:
    """Appends packets to a new file; FileExistsError where there is one already."""

    def __init__(self, path: Path) -> None:
        self.packets = 0
        self.bytes_written = 0
        self._file: BinaryIO = path.open("xb", buffering=_BUFFER_BYTES)

    def write(self, packet: bytes) -> None:
        """One packet; OSError when the disk is full."""
        self._file.write(packet)
        self.packets += 1
        self.bytes_written += len(packet)

    def flush(self) -> None:
        """Gives the system what is buffered."""
        self._file.flush()

    def close(self) -> None:
        """Ends the recording."""
        self._file.close()


def read_packets(path: Path) -> Iterator[tuple[Header, bytes]]:
    """Packets of a recording in order; a last one that was cut short is left out.

    RecordingError where something else lies in between.
    """
    with path.open("rb", buffering=_BUFFER_BYTES) as file:
        at = 0
        while len(head := file.read(HEADER_BYTES)) == HEADER_BYTES:
            try:
                header = decode_header(head)
            except PacketError as error:
                raise RecordingError(f"{path}, byte {at}: {error}") from error
            rest = file.read(header.length - HEADER_BYTES)
            if len(rest) < header.length - HEADER_BYTES:
                return
            yield header, head + rest
            at += header.length


class Recording:
    """A recording read back: updates and books as the subscriber had them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.handler = Handler()
        self.sending_time_ns = 0  # of the packet that made the last update; wall clock

    @property
    def books(self) -> Books:
        """The books after the last packet read."""
        return self.handler.books

    def __iter__(self) -> Iterator[Update]:
        """Every update; RecordingError where the packets do not fit each other."""
        for _, updates in self.packets():
            yield from updates

    def packets(self) -> Iterator[tuple[int, list[Update]]]:
        """(sending time in ns of the wall clock, its updates) a packet."""
        self.handler = Handler()
        for header, packet in read_packets(self.path):
            self.sending_time_ns = max(self.sending_time_ns, header.sending_time_ns)
            try:
                updates = self.handler.receive_recovery(packet, 0)
            except PacketError as error:
                raise RecordingError(f"{self.path}: {error}") from error
            if self.handler.counts.inconsistent:
                raise RecordingError(f"{self.path}: message {header.sequence} does not fit")
            yield self.sending_time_ns, updates
