"""Snapshot files: the engine's state at a stream position, and the session store's.

A snapshot is a cache: one that is missing or damaged is passed over and an older one, or the whole
journal, takes its place. The file is written beside its name and renamed, so a crash leaves none or
a whole one. A snapshot of a roll holds the request rows too; that of a clean stop only their
checksum, because the day's file has them (1.28 GB on the largest day).

Source: docs/decisions/0101-journal-format.md, section Snapshots.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from engine.files import SESSIONS, SNAPSHOT, file_name, numbered_files
from engine.records import RULES_VERSION
from engine.storage import Storage
from engine.types import REQUEST

_MAGIC = b"\x89SITEXS1"
_HEAD = struct.Struct("<8sII")  # magic, bytes and crc of what describes the rest
_SESSIONS_MAGIC = b"\x89SITEXT1"
_SESSIONS_HEAD = struct.Struct("<8sQII")  # magic, bytes, crc, zero


class SnapshotMeta(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a snapshot is of. Counts are since ever save `request_count` (of the day)."""

    rules_version: int
    day: int  # yyyymmdd
    position: int  # stream position behind the last command it holds
    hash: bytes  # of the record header before `position`
    epoch: int
    command_count: int
    event_count: int
    request_count: int
    time_ns: int
    limits: dict[str, int]
    halt_reason: str
    engine_bytes: int
    engine_crc: int
    requests_crc: int  # of rows 0 to request_count
    requests_inside: bool


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot as read: `requests` are its rows 0 to request_count, None: in the day's file."""

    meta: SnapshotMeta
    engine: bytes
    requests: np.ndarray | None


def write_snapshot(
    storage: Storage, folder: Path, facts: dict[str, Any], engine: bytes, requests: np.ndarray,
    *, requests_inside: bool,
) -> Path:  # fmt: skip
    """Write the snapshot of `facts` (the fields of SnapshotMeta that its parts do not tell).

    `requests` are rows 0 to request_count. Older snapshots of the folder but the first (the roll's)
    are removed. Returns the file's path.
    """
    rows = np.ascontiguousarray(requests).view(np.uint8).data
    meta = SnapshotMeta(
        rules_version=RULES_VERSION,
        engine_bytes=len(engine),
        engine_crc=zlib.crc32(engine),
        request_count=len(requests) - 1,
        requests_crc=zlib.crc32(rows),
        requests_inside=requests_inside,
        **facts,
    )
    text = msgspec.msgpack.encode(meta)
    path = folder / file_name(SNAPSHOT, meta.command_count)
    parts = [_HEAD.pack(_MAGIC, len(text), zlib.crc32(text)), text, engine]
    storage.write_file(path, parts + ([rows] if requests_inside else []))
    for _, older in numbered_files(folder, SNAPSHOT)[1:-1]:
        storage.remove(older)
    return path


def read_snapshot(path: Path) -> Snapshot | None:
    """The snapshot of a file; None where it is damaged."""
    data = path.read_bytes()
    if len(data) < _HEAD.size:
        return None
    magic, length, crc = _HEAD.unpack_from(data)
    text = data[_HEAD.size : _HEAD.size + length]
    if magic != _MAGIC or len(text) != length or zlib.crc32(text) != crc:
        return None
    meta = msgspec.msgpack.decode(text, type=SnapshotMeta)
    start = _HEAD.size + length
    engine = data[start : start + meta.engine_bytes]
    if len(engine) != meta.engine_bytes or zlib.crc32(engine) != meta.engine_crc:
        return None
    if not meta.requests_inside:
        return Snapshot(meta, engine, None)
    rows = data[start + meta.engine_bytes :]
    if len(rows) != (meta.request_count + 1) * REQUEST.itemsize:
        return None
    if zlib.crc32(rows) != meta.requests_crc:
        return None
    return Snapshot(meta, engine, np.frombuffer(rows, REQUEST))


def write_sessions(storage: Storage, folder: Path, position: int, payload: bytes) -> None:
    """Write the session store as it stands at a stream position; older ones of the folder go."""
    head = _SESSIONS_HEAD.pack(_SESSIONS_MAGIC, len(payload), zlib.crc32(payload), 0)
    storage.write_file(folder / file_name(SESSIONS, position), [head, payload])
    for _, older in numbered_files(folder, SESSIONS)[:-2]:
        storage.remove(older)


def read_sessions(path: Path) -> bytes | None:
    """The session store of a file; None where it is damaged."""
    data = path.read_bytes()
    if len(data) < _SESSIONS_HEAD.size:
        return None
    magic, length, crc, _ = _SESSIONS_HEAD.unpack_from(data)
    payload = data[_SESSIONS_HEAD.size :]
    if magic != _SESSIONS_MAGIC or len(payload) != length or zlib.crc32(payload) != crc:
        return None
    return payload
