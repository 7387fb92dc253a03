"""The definitions file: rows of products and instruments beside the event log.

An INSTRUMENT_DEFINED event carries no symbol and no tick, so readers of the event log take them
from here: `definitions.bin` in the data directory, append-only, one record per product and
instrument, in the order in which they were defined, never changed. It is implied by the journal's
definition commands. Written by the sequencer before the events become durable. Imports numpy and
engine.types only.

A record is 8 bytes (CommandKind as u4, CRC-32 of kind and row as u4, little endian) and then the
PRODUCT or INSTRUMENT row. A torn last record is cut by the writer and passed over by readers.

Source: specs/matching.md M-7; docs/decisions/0140-definitions-file.md.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from types import TracebackType

import numpy as np

from engine.types import INSTRUMENT, PRODUCT, CommandKind

FILE_NAME = "definitions.bin"
_HEAD = struct.Struct("<II")
_DTYPES = {
    int(CommandKind.DEFINE_PRODUCT): PRODUCT,
    int(CommandKind.DEFINE_INSTRUMENT): INSTRUMENT,
}
_ID_FIELDS = {
    int(CommandKind.DEFINE_PRODUCT): "product",
    int(CommandKind.DEFINE_INSTRUMENT): "instrument",
}
Definition = tuple[int, np.void]  # CommandKind, PRODUCT or INSTRUMENT row


def read_definitions(data: bytes) -> tuple[list[Definition], int]:
    """All whole records at the start of `data`, and how many bytes they take."""
    found: list[Definition] = []
    at = 0
    while at + _HEAD.size <= len(data):
        kind, crc = _HEAD.unpack_from(data, at)
        dtype = _DTYPES.get(kind)
        if dtype is None:
            break
        row = data[at + _HEAD.size : at + _HEAD.size + dtype.itemsize]
        if len(row) < dtype.itemsize or crc != _crc(kind, row):
            break
        found.append((kind, np.frombuffer(row, dtype)[0]))
        at += _HEAD.size + dtype.itemsize
    return found, at


class DefinitionsWriter:
    """Appends definitions to a data directory's file; each product and instrument once."""

    def __init__(self, data_dir: Path) -> None:
        path = data_dir / FILE_NAME
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        with path.open("rb") as existing:
            found, whole_bytes = read_definitions(existing.read())
        os.ftruncate(self._file, whole_bytes)
        os.lseek(self._file, 0, os.SEEK_END)
        self._known = {(kind, int(row[_ID_FIELDS[kind]])) for kind, row in found}

    def __enter__(self) -> DefinitionsWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def add_commands(self, commands: np.ndarray, blobs: np.ndarray) -> int:
        """Writes the definitions among COMMAND[n] (blobs: uint8[]) and syncs; how many were new.

        Call it before the events of these commands are told to readers. An id that is already
        there keeps its first row, as in the engine (M-7); a blob of another length is ignored.
        """
        added = 0
        for kind, dtype in _DTYPES.items():
            for command in commands[commands["kind"] == kind]:
                offset, length = int(command["blob_offset"]), int(command["blob_length"])
                row = blobs[offset : offset + length].tobytes()
                if len(row) == dtype.itemsize:
                    added += self._add(kind, row)
        if added:
            os.fsync(self._file)
        return added

    def close(self) -> None:
        """Closes the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _add(self, kind: int, row: bytes) -> int:
        key = (kind, int(np.frombuffer(row, _DTYPES[kind])[0][_ID_FIELDS[kind]]))
        if key in self._known:
            return 0
        os.write(self._file, _HEAD.pack(kind, _crc(kind, row)) + row)
        self._known.add(key)
        return 1


class DefinitionsReader:
    """Products and instruments by id, from a file that may still grow."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE_NAME
        self._rows: dict[tuple[int, int], np.void] = {}

    def product(self, product: int) -> np.void:
        """PRODUCT row; KeyError if the file has none."""
        return self._row(int(CommandKind.DEFINE_PRODUCT), product)

    def instrument(self, instrument: int) -> np.void:
        """INSTRUMENT row; KeyError if the file has none."""
        return self._row(int(CommandKind.DEFINE_INSTRUMENT), instrument)

    def _row(self, kind: int, number: int) -> np.void:
        if (kind, number) not in self._rows and self._path.exists():
            for found_kind, row in read_definitions(self._path.read_bytes())[0]:
                self._rows.setdefault((found_kind, int(row[_ID_FIELDS[found_kind]])), row)
        if (kind, number) not in self._rows:
            raise KeyError(f"{self._path}: no {CommandKind(kind).name} {number}")
        return self._rows[kind, number]


def _crc(kind: int, row: bytes) -> int:
    return zlib.crc32(row, zlib.crc32(kind.to_bytes(4, "little")))
