"""The definitions file: the rows of definition commands beside the event log.

An INSTRUMENT_DEFINED event carries no symbol and no tick, so readers of the event log take them
from here: `definitions.bin` in the data directory, append-only, one record per row in the order of
its command. It is implied by the journal and saves reading the whole of it. Whoever submits
definitions adds them after the journal has them and before readers are told of their events.
Imports numpy and engine.types only.

A record is 16 bytes (CommandKind u4, CRC-32 u4 of what follows, command number u8, little endian)
and then the row of that kind. A torn last record is cut by the writer and passed over by readers.

Source: specs/matching.md M-7; docs/decisions/0140-definitions-file.md.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import numpy as np

from engine.reference import ACCOUNT, INSTRUMENT, MEMBER, PRODUCT, SESSION
from engine.types import COMMAND, CommandKind

FILE_NAME = "definitions.bin"
_HEAD = struct.Struct("<II")
_NUMBER = struct.Struct("<Q")
_DTYPES = {
    CommandKind.DEFINE_PRODUCT: PRODUCT,
    CommandKind.DEFINE_INSTRUMENT: INSTRUMENT,
    CommandKind.DEFINE_MEMBER: MEMBER,
    CommandKind.DEFINE_ACCOUNT: ACCOUNT,
    CommandKind.DEFINE_SESSION: SESSION,
}
_FIRST = int(min(_DTYPES))
_LAST = int(max(_DTYPES))
assert sorted(_DTYPES) == list(range(_FIRST, _LAST + 1))


class Definition(NamedTuple):
    """One record: which command defined what."""

    kind: CommandKind
    command_number: int
    row: np.void  # of the kind's dtype


def parse_definitions(data: bytes) -> tuple[list[Definition], list[int]]:
    """All whole records at the start of `data`, and the byte behind each."""
    found: list[Definition] = []
    ends: list[int] = []
    at = 0
    while at + _HEAD.size <= len(data):
        kind, crc = _HEAD.unpack_from(data, at)
        if not _FIRST <= kind <= _LAST:
            break
        dtype = _DTYPES[CommandKind(kind)]
        start = at + _HEAD.size
        stop = start + _NUMBER.size + dtype.itemsize
        if stop > len(data) or crc != zlib.crc32(data[start:stop]):
            break
        (command_number,) = _NUMBER.unpack_from(data, start)
        row = np.frombuffer(data[start + _NUMBER.size : stop], dtype)[0]
        found.append(Definition(CommandKind(kind), command_number, row))
        at = stop
        ends.append(at)
    return found, ends


def read_definitions(data_dir: Path) -> list[Definition]:
    """The records of a data directory, oldest first; none where there is no file."""
    path = data_dir / FILE_NAME
    return parse_definitions(path.read_bytes())[0] if path.exists() else []


def definition_commands(data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """The same as COMMAND[n] with kind and blob fields set, and their blobs, uint8[]."""
    found = read_definitions(data_dir)
    commands = np.zeros(len(found), COMMAND)
    blobs = bytearray()
    for command, definition in zip(commands, found, strict=True):
        raw = definition.row.tobytes()
        command["kind"] = definition.kind
        command["blob_offset"], command["blob_length"] = len(blobs), len(raw)
        blobs += raw
    return commands, np.frombuffer(bytes(blobs), np.uint8)


class DefinitionsWriter:
    """Appends definitions to a data directory's file."""

    def __init__(self, data_dir: Path, command_count: int) -> None:
        """Cuts a torn record, and records of commands beyond the journal's `command_count`.

        The second happens after a power cut that took commands which were not yet durable.
        """
        self._file = os.open(data_dir / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        found, ends = parse_definitions((data_dir / FILE_NAME).read_bytes())
        kept_bytes = 0
        self._last_number = 0
        for definition, end in zip(found, ends, strict=True):
            if definition.command_number > command_count:
                break
            kept_bytes, self._last_number = end, definition.command_number
        os.ftruncate(self._file, kept_bytes)
        os.lseek(self._file, 0, os.SEEK_END)

    def __enter__(self) -> DefinitionsWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add_commands(self, commands: np.ndarray, blobs: np.ndarray, first_number: int) -> int:
        """Writes the definitions among COMMAND[n] and syncs; how many there were.

        blobs: uint8[], those of the batch. first_number: number of commands[0]; commands that the
        file has already are passed over. A blob of the wrong length is ignored, as in the engine.
        """
        records = bytearray()
        count = 0
        kinds = commands["kind"]
        for index in np.flatnonzero((kinds >= _FIRST) & (kinds <= _LAST)).tolist():
            kind = CommandKind(int(kinds[index]))
            offset = int(commands[index]["blob_offset"])
            row = blobs[offset : offset + int(commands[index]["blob_length"])].tobytes()
            number = first_number + index
            if number > self._last_number and len(row) == _DTYPES[kind].itemsize:
                body = _NUMBER.pack(number) + row
                records += _HEAD.pack(kind, zlib.crc32(body)) + body
                self._last_number = number
                count += 1
        if records:
            os.write(self._file, records)
            os.fsync(self._file)
        return count

    def close(self) -> None:
        """Closes the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


class DefinitionsReader:
    """Products and instruments by id, from a file that may still grow.

    The first definition of an id counts, as in the engine (M-7).
    """

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._products: dict[int, np.void] = {}
        self._instruments: dict[int, np.void] = {}

    def product(self, product: int) -> np.void:
        """PRODUCT row; KeyError if the file has none."""
        if product not in self._products:
            self._read()
        if product not in self._products:
            raise KeyError(f"product {product} is not in {self._data_dir / FILE_NAME}")
        return self._products[product]

    def instrument(self, instrument: int) -> np.void:
        """INSTRUMENT row; KeyError if the file has none."""
        if instrument not in self._instruments:
            self._read()
        if instrument not in self._instruments:
            raise KeyError(f"instrument {instrument} is not in {self._data_dir / FILE_NAME}")
        return self._instruments[instrument]

    def _read(self) -> None:
        for kind, _, row in read_definitions(self._data_dir):
            if kind == CommandKind.DEFINE_PRODUCT:
                self._products.setdefault(int(row["product"]), row)
            elif kind == CommandKind.DEFINE_INSTRUMENT:
                self._instruments.setdefault(int(row["instrument"]), row)
