"""A recording as a Parquet file, one row a message: for pandas, polars, DuckDB.

Columns: session, sequence, sending_time_ns, snapshot (true: part of a picture, not something that
happened), message (its name), symbol (of the row's instrument), and every field of every message,
null where a message has none of that name. Needs pyarrow, which is the extra [parquet].

Source: specs/market_data.md (F-134, F-136).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from feed.messages import DayRolled, InstrumentDefined, MarketMessage, SnapshotEnd, SnapshotStart
from feed.packet import PacketKind, decode_messages
from feed.recording import read_packets

_ROWS = 65_536  # a row group
_STRUCTS = MarketMessage.__args__  # type: ignore[attr-defined]
_TEXTS = ("symbol", "product_code")
_FIRST = {
    "session": pa.int64(),
    "sequence": pa.int64(),
    "sending_time_ns": pa.int64(),
    "snapshot": pa.bool_(),
    "message": pa.dictionary(pa.int8(), pa.string()),
    "symbol": pa.string(),
}
_FIELDS = list(dict.fromkeys(name for one in _STRUCTS for name in one.__struct_fields__))
SCHEMA = pa.schema(
    [
        *_FIRST.items(),
        *(
            (name, pa.string() if name in _TEXTS else pa.int64())
            for name in _FIELDS
            if name not in _FIRST
        ),
    ]
)


class _Rows:
    """Messages of one row group to be."""

    def __init__(self) -> None:
        self.messages: list[Any] = []
        self.sequences: list[int] = []
        self.times: list[int] = []
        self.sessions: list[int] = []
        self.snapshots: list[bool] = []

    def batch(self, symbols: dict[int, str]) -> pa.RecordBatch:
        """The rows as a batch of SCHEMA."""
        count = len(self.messages)
        values = {name: np.zeros(count, np.int64) for name in _FIELDS if name not in _TEXTS}
        absent = {name: np.ones(count, np.bool_) for name in values}
        codes: list[str | None] = [None] * count
        kinds = [_STRUCTS.index(type(message)) for message in self.messages]
        for kind in set(kinds):
            at = np.flatnonzero(np.array(kinds) == kind)
            columns = zip(*(msgspec.structs.astuple(self.messages[i]) for i in at), strict=True)
            for name, column in zip(_STRUCTS[kind].__struct_fields__, columns, strict=True):
                if name == "product_code":
                    for i, code in zip(at, column, strict=True):
                        codes[i] = code
                elif name != "symbol":
                    values[name][at], absent[name][at] = column, False
        arrays = {name: pa.array(values[name], mask=absent[name]) for name in values}
        names = pa.array([one.__name__ for one in _STRUCTS])
        return pa.record_batch(
            {
                **arrays,
                "session": self.sessions,
                "sequence": self.sequences,
                "sending_time_ns": self.times,
                "snapshot": self.snapshots,
                "message": pa.DictionaryArray.from_arrays(pa.array(kinds, pa.int8()), names),
                "symbol": pa.array(
                    [symbols.get(getattr(one, "instrument", 0)) for one in self.messages],
                    pa.string(),
                ),
                "product_code": pa.array(codes, pa.string()),
            },
            schema=SCHEMA,
        )


def convert(recording: Path, parquet: Path) -> int:
    """Writes a recording as Parquet; how many rows. RecordingError, PacketError, OSError."""
    symbols: dict[int, str] = {}
    count = next_sequence = ended = 0
    rows = _Rows()
    with pq.ParquetWriter(parquet, SCHEMA, compression="zstd") as writer:
        for header, packet in read_packets(recording):
            snapshot = header.kind == PacketKind.SNAPSHOT
            for place, message in enumerate(decode_messages(packet, header)):
                if isinstance(message, SnapshotStart):
                    continue
                if isinstance(message, SnapshotEnd):
                    next_sequence = message.sequence + 1
                    continue
                sequence = header.sequence if snapshot else header.sequence + place
                if not snapshot and (sequence < next_sequence or header.session == ended):
                    continue  # came twice
                if isinstance(message, InstrumentDefined):
                    symbols[message.instrument] = message.symbol
                rows.messages.append(message)
                rows.sequences.append(sequence)
                rows.times.append(header.sending_time_ns)
                rows.snapshots.append(snapshot)
                rows.sessions.append(header.session)
                if not snapshot:
                    next_sequence = sequence + 1
                if isinstance(message, DayRolled) and message.next_session:
                    next_sequence, ended = 1, header.session
            if len(rows.messages) >= _ROWS:
                count += len(rows.messages)
                writer.write_batch(rows.batch(symbols))
                rows = _Rows()
        if rows.messages:
            count += len(rows.messages)
            writer.write_batch(rows.batch(symbols))
    return count
