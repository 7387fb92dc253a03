"""The publisher's state in a file, so that a restart need not read the event log from its start.

A cache of what the event log implies: where it is missing, torn or of another log, the feed reads
the log from event 1. It holds the last event row it covers, which must equal the log's.

Source: specs/market_data.md (F-51).
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import msgspec
import numpy as np

from engine.types import EVENT
from feed.messages import ENCODER, MARKET_DECODER, SCHEMA_VERSION, MarketMessage
from feed.publish import Publisher
from feed.slices import SLICE

FILE_NAME = "feed-checkpoint"
_HEAD = struct.Struct("<8sIIQQQIIII")
_MAGIC = b"SITEXFC1"
_LEVEL = np.dtype(
    [("slot", "<i8"), ("instrument", "<i8"), ("side", "<i8"), ("price", "<i8")]  # price: 1e-9
)
_PAIR = np.dtype([("order_id", "<u8"), ("public_id", "<u8")])


class CheckpointError(Exception):
    """The file is no whole checkpoint of this version; the text says why."""


class Checkpoint:
    """A checkpoint that was read; `restore` gives the state to a publisher."""

    def __init__(self, data: bytes) -> None:
        """Parses and checks; CheckpointError if it is none."""
        if len(data) < _HEAD.size + 4:
            raise CheckpointError("too short")
        if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
            raise CheckpointError("checksum")
        magic, version, facts, self.session, self.next_event, self.next_sequence, *counts = (
            _HEAD.unpack_from(data)
        )
        if magic != _MAGIC or version != SCHEMA_VERSION:
            raise CheckpointError("of another version")
        self._parts = data[_HEAD.size : -4]
        self._facts_bytes = facts
        self._counts = counts
        self.last_event = self._parts[: EVENT.itemsize]

    def restore(self, publisher: Publisher) -> None:
        """Brings a publisher that has seen nothing to the state of the checkpoint."""
        assert publisher.next_event == 1
        at = EVENT.itemsize
        facts = self._parts[at : at + self._facts_bytes]
        at += self._facts_bytes
        tables = []
        for dtype, count in zip((_LEVEL, SLICE, _PAIR), self._counts, strict=False):
            tables.append(np.frombuffer(self._parts, dtype, count, at))
            at += count * dtype.itemsize
        levels, slices, pairs = tables
        publisher.session = self.session
        publisher.next_event = self.next_event
        publisher.next_sequence = self.next_sequence
        for message in MARKET_DECODER.decode(facts):
            publisher.books.apply(message)
        if publisher.filter is not None:
            publisher.filter.carry(publisher.books.by_instrument)
        places = {
            slot: (instrument, side, price) for slot, instrument, side, price in levels.tolist()
        }
        books = publisher.books.by_instrument
        for public_id, slot, qty, time_ns in slices.tolist():
            instrument, side, price = places[slot]
            books[instrument].add(side, public_id, price, qty, time_ns)
        for order_id, public_id in pairs.tolist():
            publisher.shown.set(order_id, public_id)


def encode_checkpoint(publisher: Publisher, last_event: bytes) -> bytes:
    """The publisher's state between two commands; last_event: row `next_event` - 1."""
    assert not publisher.in_command and len(last_event) == EVENT.itemsize
    books = publisher.books
    facts: list[MarketMessage] = []
    for book in books.by_instrument.values():
        facts += book.facts()
    if books.status is not None:
        facts.append(books.status)
    encoded = ENCODER.encode(facts)
    rows = [
        (level.slot, level.instrument, level.side, level.price)
        for level in books.slices.levels
        if level.orders
    ]
    levels = np.array(rows, _LEVEL)
    slices = books.slices.rows()
    pairs = np.array(publisher.shown.items(), _PAIR)
    head = _HEAD.pack(
        _MAGIC,
        SCHEMA_VERSION,
        len(encoded),
        publisher.session,
        publisher.next_event,
        publisher.next_sequence,
        len(levels),
        len(slices),
        len(pairs),
        0,
    )
    data = b"".join(
        (head, last_event, encoded, levels.tobytes(), slices.tobytes(), pairs.tobytes())
    )
    return data + zlib.crc32(data).to_bytes(4, "little")


def write_checkpoint(data_dir: Path, data: bytes, name: str = FILE_NAME) -> None:
    """Replaces the checkpoint of a data directory, whole or not at all."""
    beside = data_dir / (name + ".new")
    beside.write_bytes(data)
    os.replace(beside, data_dir / name)


def read_checkpoint(data_dir: Path, name: str = FILE_NAME) -> Checkpoint | None:
    """The checkpoint of a data directory; None if there is no good one."""
    try:
        return Checkpoint((data_dir / name).read_bytes())
    except (FileNotFoundError, CheckpointError, msgspec.DecodeError):
        return None
