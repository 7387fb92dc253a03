"""Access to the tables from kernels: a book is one pointer, and rows are found from it.

In compiled code a book is the arena's header, a record; `order_at(book, index)` is the address of a
row, computed from the section's place in the header. A NamedTuple of nineteen arrays would be
copied (126 words) at every call that is not inlined; one pointer stays in a register. With the JIT
off a book is the NamedTuple of views and the accessors index it. In a bounds-checked process every
access compares with the section's rows.

No behaviour; the rows are in `engine/layout.py`. Source: docs/decisions/0102-engine-tables.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from engine.layout import DTYPES, HEADER, Book, views
from engine.types import COMMAND, EVENT, REQUEST


def _offset(dtype: np.dtype, field: str) -> int:
    assert dtype.fields is not None
    return dtype.fields[field][1]


_HEADER_TYPE = from_dtype(HEADER)
_HEADER_BYTES = HEADER.itemsize
_COPIED = [name for name in REQUEST.names or () if not name.startswith("order_")]
_COPIED_AT = _offset(COMMAND, _COPIED[0]) - _offset(REQUEST, _COPIED[0])
assert all(_offset(COMMAND, name) - _offset(REQUEST, name) == _COPIED_AT for name in _COPIED)
_BYTE = ir.IntType(8)
_WORD = ir.IntType(64)


def open_book(arena: np.ndarray, requests: np.ndarray, events: np.ndarray) -> Book:
    """The book of an arena with the day's request rows and the rows to write events to."""
    book = views(arena, requests)._replace(events=events)
    book.header[0]["events_rows"] = len(events)
    return book


@overload(open_book)
def _open_book(arena, requests, events):  # type: ignore[no-untyped-def]
    def compiled(arena, requests, events):  # type: ignore[no-untyped-def]
        header = arena[:_HEADER_BYTES].view(HEADER)[0]
        header["requests_at"] = requests.ctypes.data
        header["requests_rows"] = requests.shape[0]
        header["events_at"] = events.ctypes.data
        header["events_rows"] = events.shape[0]
        return header

    return compiled


def header_of(book: Any) -> Any:
    """The arena's header: counters, and the cursor of long work."""
    return book.header[0]


@overload(header_of, inline="always")
def _header_of(book):  # type: ignore[no-untyped-def]
    return lambda book: book


def _load(builder: ir.IRBuilder, header: ir.Value, field: str) -> ir.Value:
    """A field of the header as int64."""
    place = builder.gep(header, [_WORD(_offset(HEADER, field))])
    return builder.load(builder.bitcast(place, _WORD.as_pointer()))


def _accessor(name: str, dtype: np.dtype, is_outside: bool = False) -> Callable[[Any, Any], Any]:
    """A function (book, index) -> row of the section; outside: the header has its address."""
    record = from_dtype(dtype)

    def row_at(book: Any, index: Any) -> Any:
        return getattr(book, name)[index]

    @intrinsic
    def address(typingctx, book, index):  # type: ignore[no-untyped-def]
        def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
            header = builder.bitcast(args[0], _BYTE.as_pointer())
            if numba.config.BOUNDSCHECK:
                rows = _load(builder, header, f"{name}_rows")
                beyond = builder.icmp_unsigned(">=", args[1], rows)
                with builder.if_then(beyond, likely=False):
                    text = f"row out of the table {name}"
                    context.call_conv.return_user_exc(builder, IndexError, (text,))
            place = _load(builder, header, f"{name}_at")
            offset = builder.mul(args[1], _WORD(dtype.itemsize))
            if is_outside:
                place = builder.inttoptr(builder.add(place, offset), _BYTE.as_pointer())
            else:
                place = builder.gep(header, [builder.add(place, offset)])
            return builder.bitcast(place, context.get_value_type(record))

        return record(_HEADER_TYPE, types.int64), codegen

    @overload(row_at, inline="always")
    def compiled(book, index):  # type: ignore[no-untyped-def]
        return lambda book, index: address(book, np.int64(index))

    return row_at


pending_at = _accessor("pending", DTYPES["pending"])
product_at = _accessor("products", DTYPES["products"])
instrument_at = _accessor("instruments", DTYPES["instruments"])
member_at = _accessor("members", DTYPES["members"])
account_at = _accessor("accounts", DTYPES["accounts"])
session_at = _accessor("sessions", DTYPES["sessions"])
risk_at = _accessor("risks", DTYPES["risks"])
level_at = _accessor("levels", DTYPES["levels"])
bits_0_at = _accessor("bits_0", DTYPES["bits_0"])
bits_1_at = _accessor("bits_1", DTYPES["bits_1"])
bits_2_at = _accessor("bits_2", DTYPES["bits_2"])
order_at = _accessor("orders", DTYPES["orders"])
stop_at = _accessor("stops", DTYPES["stops"])
free_at = _accessor("free", DTYPES["free"])
heap_at = _accessor("heap", DTYPES["heap"])
hint_at = _accessor("hints", DTYPES["hints"])
slot_at = _accessor("slots", DTYPES["slots"])
call_at = _accessor("calls", DTYPES["calls"])
depth_at = _accessor("depths", DTYPES["depths"])
implied_at = _accessor("implieds", DTYPES["implieds"])
implied_bits_at = _accessor("implied_bits", DTYPES["implied_bits"])
moved_bits_at = _accessor("moved_bits", DTYPES["moved_bits"])
move_at = _accessor("moves", DTYPES["moves"])
quote_fill_at = _accessor("quote_fills", DTYPES["quote_fills"])
window_at = _accessor("windows", DTYPES["windows"])
trade_at = _accessor("trades", DTYPES["trades"])
block_at = _accessor("blocks", DTYPES["blocks"])
trade_side_at = _accessor("trade_sides", DTYPES["trade_sides"])
request_at = _accessor("requests", REQUEST, is_outside=True)
event_at = _accessor("events", EVENT, is_outside=True)


def copy_row(target: Any, source: Any) -> None:
    """Copy a row onto another of the same dtype."""
    for name in source.dtype.names:
        target[name] = source[name]


@intrinsic
def _copy(typingctx, target, source):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        size = signature.args[0].size
        pointers = [builder.bitcast(one, _BYTE.as_pointer()) for one in args]
        cgutils.raw_memcpy(builder, pointers[0], pointers[1], _WORD(size), 1)
        return context.get_dummy_value()

    return types.void(target, source), codegen


@overload(copy_row, inline="always")
def _copy_row(target, source):  # type: ignore[no-untyped-def]
    return lambda target, source: _copy(target, source)


def copy_command(request: Any, command: Any) -> None:
    """Copy a command into its request row; order_id and order_index are not the order's yet."""
    for name in _COPIED:
        request[name] = command[name]


@intrinsic
def _copy_command(typingctx, request, command):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        target, source = (builder.bitcast(one, _BYTE.as_pointer()) for one in args)
        source = builder.gep(source, [_WORD(_COPIED_AT)])
        cgutils.raw_memcpy(builder, target, source, _WORD(REQUEST.itemsize), 1)
        return context.get_dummy_value()

    return types.void(request, command), codegen


@overload(copy_command, inline="always")
def _copy_command_row(request, command):  # type: ignore[no-untyped-def]
    return lambda request, command: _copy_command(request, command)
