"""A record of the journal: how its header, payload and end are laid out and checked.

The journal is one logical stream of bytes; a record is a header, a payload padded to 8 bytes and an
end mark. Every header holds the hash of the header before it, its own hash and the CRC of its
payload, so a flipped bit, a lost record and a swapped record all show. Knows no file.

Source: docs/decisions/0101-journal-format.md (why the hash covers header and CRC).
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from enum import IntEnum
from typing import NamedTuple

from engine.types import COMMAND

RULES_VERSION = 5  # raised by hand when the same commands would give other events
MAGIC = b"\x89SXJ"
END_MARK = b"SITXEND\xa5"  # no byte of it is 0: a record cut short lacks its last one
# what follows a payload, by its length modulo 8: padding and end mark
ENDS = tuple(bytes(-length & 7) + END_MARK for length in range(8))
HASH_BYTES = 16
GENESIS = bytes(HASH_BYTES)  # the hash before the first record

_sha256 = hashlib.sha256
_FIELDS = struct.Struct("<4sHBBIQQQqIIIII16s")
_pack = _FIELDS.pack
FIELD_BYTES = _FIELDS.size  # what the hash covers
_HASH_AT = _FIELDS.size
HEADER_BYTES = _HASH_AT + HASH_BYTES
FRAME_BYTES = HEADER_BYTES + len(END_MARK)
RECORD_BYTES_MAX = 1 << 23
assert FIELD_BYTES == 80 and HEADER_BYTES % 8 == 0 and len(END_MARK) == 8


class RecordKind(IntEnum):
    """What a record's payload is."""

    BEGIN = 1  # JSON: the engine's limits and the first venue day; the first record of a stream
    COMMANDS = 2  # COMMAND rows, the batch's blobs, the turn's session-store bytes
    SESSIONS = 3  # session-store bytes alone; the engine passes over them
    SKIP = 4  # command `first_number` is passed over: the operator's answer to an assert
    END = 5  # the venue stopped cleanly
    NEXT = 6  # the stream goes on in the next file, which is there before this is written


class Header(NamedTuple):
    """A record's header.

    `position` is the stream position of the header, `promised` the position before which everything
    had been promised to stay when the record was written (durability fsync: synced; os: written).
    """

    kind: int
    epoch: int  # the venue's starts on this directory
    position: int
    promised: int
    first_number: int  # of the first command in it; else of the next command
    time_ns: int  # venue clock of the last command
    rows: int  # COMMAND rows
    blob_bytes: int
    payload_bytes: int
    crc: int  # of the payload without its padding
    segment: int  # number of the file it is in
    hash_before: bytes
    hash: bytes

    @property
    def is_turn(self) -> bool:
        """Whether it holds commands or session-store bytes."""
        return self.kind in (RecordKind.COMMANDS, RecordKind.SESSIONS)

    @property
    def record_bytes(self) -> int:
        """Bytes of the whole record in the stream."""
        return record_bytes(self.payload_bytes)

    @property
    def next_position(self) -> int:
        """Stream position of the record behind this one."""
        return self.position + record_bytes(self.payload_bytes)


def record_bytes(payload_bytes: int) -> int:
    """Bytes in the stream of a record with so many bytes of payload."""
    return FRAME_BYTES + payload_bytes + (-payload_bytes & 7)


def pack_header(kind: int, epoch: int, *fields: int | bytes) -> bytes:
    """The header of the fields of Header but the last, in their order, and its hash behind it."""
    text = _pack(MAGIC, RULES_VERSION, kind, 0, epoch, *fields)
    return text + _sha256(text).digest()[:HASH_BYTES]


def parse_header(data: memoryview | bytes, offset: int) -> Header | None:
    """The header at `offset`, or None where no valid one of any version stands."""
    stop = offset + HEADER_BYTES
    if stop > len(data) or data[offset : offset + len(MAGIC)] != MAGIC:
        return None
    own = bytes(data[stop - HASH_BYTES : stop])
    if _sha256(data[offset : stop - HASH_BYTES]).digest()[:HASH_BYTES] != own:
        return None
    _, _, kind, _, *fields = _FIELDS.unpack_from(data, offset)
    return Header._make((kind, *fields, own))


def sessions_at(header: Header) -> int:
    """Where in the payload the session-store bytes start, behind rows and blobs."""
    return header.rows * COMMAND.itemsize + header.blob_bytes


def version_at(data: memoryview | bytes, offset: int) -> int:
    """The rules version of the header at `offset`."""
    return int.from_bytes(data[offset + 4 : offset + 6], "little")


def payload_fault(header: Header, data: memoryview | bytes, offset: int) -> str | None:
    """What is wrong behind the header at `offset`; None for a whole record."""
    start = offset + HEADER_BYTES
    stop = start + header.payload_bytes
    ending = ENDS[header.payload_bytes & 7]
    if stop + len(ending) > len(data):
        return "record goes past the file's end"
    if zlib.crc32(data[start:stop]) != header.crc:
        return "checksum of the payload differs"
    if data[stop : stop + len(ending)] != ending:
        return "end mark is missing"
    if sessions_at(header) > header.payload_bytes:
        return "more rows and blobs than payload"
    return None
