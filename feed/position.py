"""How far the feed has published, kept over a crash of its process: 16 bytes in a mapped file.

Written after the packets are sent, so after a crash a few packets may be sent twice, none never.

Source: specs/market_data.md (F-51).
"""

from __future__ import annotations

import mmap
import os
import struct
from pathlib import Path

FILE_NAME = "feed-position"
ALL_SENT = 2**64 - 1
_FIELDS = struct.Struct("<QQ")  # session, number of the next message to send


class Position:
    """The number of the next message to send, per session."""

    def __init__(self, data_dir: Path, name: str = FILE_NAME) -> None:
        descriptor = os.open(data_dir / name, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            if os.fstat(descriptor).st_size < _FIELDS.size:
                os.pwrite(descriptor, bytes(_FIELDS.size), 0)  # its block, not a hole
            self._mapped = mmap.mmap(descriptor, _FIELDS.size)
        finally:
            os.close(descriptor)

    def next_sequence(self, session: int) -> int:
        """1 in a session of which nothing was sent; ALL_SENT in one that a later one followed."""
        kept_session, next_sequence = _FIELDS.unpack_from(self._mapped)
        if session < kept_session:
            return ALL_SENT
        return next_sequence if kept_session == session else 1

    def move(self, session: int, next_sequence: int) -> None:
        """Everything before `next_sequence` has been sent; what was sent before stays so."""
        if next_sequence > self.next_sequence(session):
            _FIELDS.pack_into(self._mapped, 0, session, next_sequence)

    def close(self) -> None:
        """Unmaps the file."""
        self._mapped.close()
