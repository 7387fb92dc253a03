"""Word-level helpers: bit scans, the hash of a ClOrdID, and a hint to fetch memory ahead.

Each is a plain Python function, which runs with the JIT off, and an overload of the same meaning
for kernels; tests hold the two equal. Bitmaps are words of int64.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload

_LINE_BYTES = 64
_WORD = (1 << 64) - 1
_MIX_0 = 0x9E3779B97F4A7C15
_MIX_1 = 0xC2B2AE3D27D4EB4F
_MIX_2 = 0x165667B19E3779F9


def lowest_set(word: int) -> int:
    """Index of the lowest set bit of an int64 that is not 0."""
    return (int(word) & -int(word)).bit_length() - 1


def highest_set(word: int) -> int:
    """Index of the highest set bit of an int64 that is not 0, taken as 64 bits."""
    return (int(word) & _WORD).bit_length() - 1


def hash_id(word_0: int, word_1: int, word_2: int, member: int, key: int) -> int:
    """A keyed hash of a member's ClOrdID, 0 <= hash < 2**63."""
    mixed = (int(word_0) ^ int(key)) * _MIX_0 & _WORD
    mixed ^= mixed >> 32
    mixed = (mixed ^ int(word_1)) * _MIX_1 & _WORD
    mixed ^= mixed >> 29
    mixed = (mixed ^ (int(word_2) | int(member) << 32)) * _MIX_2 & _WORD
    mixed ^= mixed >> 32
    mixed = mixed * _MIX_0 & _WORD
    return int(np.int64(mixed >> 1))


def prefetch(row: np.void) -> None:
    """Ask for the memory of a row; changes nothing."""


def prefetch_line(row: np.void) -> None:
    """Ask for the first cache line of a row; changes nothing."""


@intrinsic
def _cttz(typingctx, word):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@intrinsic
def _ctlz(typingctx, word):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


def _call_prefetch(builder, row, lines):  # type: ignore[no-untyped-def]
    address = builder.bitcast(row, ir.IntType(8).as_pointer())
    word = ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [address.type, word, word, word])
    hint = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
    for line in lines:
        place = builder.gep(address, [word(line)])
        builder.call(hint, [place, word(1), word(3), word(1)])


@intrinsic
def _prefetch(typingctx, row):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        _call_prefetch(builder, args[0], range(0, signature.args[0].size, _LINE_BYTES))
        return context.get_dummy_value()

    return types.void(row), codegen


@intrinsic
def _prefetch_line(typingctx, row):  # type: ignore[no-untyped-def]
    def codegen(context, builder, signature, args):  # type: ignore[no-untyped-def]
        _call_prefetch(builder, args[0], (0,))
        return context.get_dummy_value()

    return types.void(row), codegen


@overload(lowest_set, inline="always")
def _lowest_set(word):  # type: ignore[no-untyped-def]
    return lambda word: _cttz(np.int64(word))


@overload(highest_set, inline="always")
def _highest_set(word):  # type: ignore[no-untyped-def]
    return lambda word: 63 - _ctlz(np.int64(word))


@overload(prefetch, inline="always")
def _prefetch_row(row):  # type: ignore[no-untyped-def]
    return lambda row: _prefetch(row)


@overload(prefetch_line, inline="always")
def _prefetch_line_row(row):  # type: ignore[no-untyped-def]
    return lambda row: _prefetch_line(row)


@overload(hash_id)
def _hash_id(word_0, word_1, word_2, member, key):  # type: ignore[no-untyped-def]
    mix_0, mix_1, mix_2 = np.uint64(_MIX_0), np.uint64(_MIX_1), np.uint64(_MIX_2)
    s1, s29, s32 = np.uint64(1), np.uint64(29), np.uint64(32)

    def compiled(word_0, word_1, word_2, member, key):  # type: ignore[no-untyped-def]
        mixed = (np.uint64(word_0) ^ np.uint64(key)) * mix_0
        mixed ^= mixed >> s32
        mixed = (mixed ^ np.uint64(word_1)) * mix_1
        mixed ^= mixed >> s29
        mixed = (mixed ^ (np.uint64(word_2) | (np.uint64(member) << s32))) * mix_2
        mixed ^= mixed >> s32
        mixed = mixed * mix_0
        return np.int64(mixed >> s1)

    return compiled
