"""The fields of EVENT rows that the publisher reads, as tuples of int."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import numpy as np

from engine.types import EVENT

_FIELDS = (
    "time_ns",
    "order_id",
    "trade_id",
    "public_id",
    "price",
    "qty",
    "display_qty",
    "instrument",
    "kind",
    "side",
    "flags",
)
_LONE_ROWS_MAX = 8  # up to here one struct.unpack a row is faster than a list per column
_CODES = {"<i8": "q", "<u8": "Q", "<u4": "I", "<u2": "H", "|u1": "B"}


def _row_struct() -> struct.Struct:
    codes = (
        _CODES[EVENT[name].str] if name in _FIELDS else f"{EVENT[name].itemsize}x"
        for name in EVENT.names or ()
    )
    compiled = struct.Struct("<" + "".join(codes))
    assert compiled.size == EVENT.itemsize
    return compiled


_ROW = _row_struct()
assert [name for name in EVENT.names or () if name in _FIELDS] == list(_FIELDS)


def row_fields(rows: np.ndarray) -> Iterable[tuple[int, ...]]:
    """The fields the publisher reads of each EVENT row, as tuples of int."""
    if len(rows) <= _LONE_ROWS_MAX:
        return _ROW.iter_unpack(rows.view(np.uint8).data)
    return zip(*[rows[name].tolist() for name in _FIELDS], strict=True)
