"""Leaf operations on FIX bytes: 8 and 64 bytes at a time inside kernels, plainly in Python.

Each function has a Python body (used with the JIT off, and the definition of what is meant) and a
numba overload that loads words without alignment. A test holds the two together. Loads and stores
are not bounds-checked: each docstring says how many bytes must exist.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic, overload
from numba.np.arrayobj import populate_array

_ONES = np.uint64(0x0101010101010101)
_HIGH = np.uint64(0x8080808080808080)
_EQUALS = np.uint64(0x3D3D3D3D3D3D3D3D)
_ZEROS = np.uint64(0x3030303030303030)
_NIBBLE = np.uint64(0xF0F0F0F0F0F0F0F0)
_SIXES = np.uint64(0x0606060606060606)
_LOW = np.uint64(0x0F0F0F0F0F0F0F0F)
_LANES = np.uint64(0x000000FF000000FF)
_MUL_1 = np.uint64(0x000F424000000064)
_MUL_2 = np.uint64(0x0000271000000001)
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_0, _3, _8, _10, _16, _32, _64 = (np.uint64(n) for n in (0, 3, 8, 10, 16, 32, 64))


def load8(buf, offset):
    """Bytes offset to offset + 8 as a little-endian u64; all eight must exist."""
    return int.from_bytes(buf[offset : offset + 8].tobytes(), "little")


def store8(buf, offset, word):
    """Write a u64 as eight little-endian bytes; all eight must exist."""
    buf[offset : offset + 8] = np.frombuffer(int(word).to_bytes(8, "little"), np.uint8)


def borrow(buf, start, count, dtype):
    """`count` elements of a dtype from byte `start` of a uint8 array.

    Inside a kernel the view holds no reference (numba counts references atomically at each call):
    it must not outlive the call that was given `buf`.
    """
    return buf[start : start + count * np.dtype(dtype).itemsize].view(dtype)


def trailing_zeros(word):
    """Number of zero bits below the lowest set bit of a u64; 64 for 0."""
    word = int(word)
    return (word & -word).bit_length() - 1 if word else 64


def scan64(buf, offset, count):
    """(bit i set where byte offset + i is SOH, sum of the bytes mod 256) of the first `count`
    bytes, 1 to 64; 64 bytes must exist."""
    part = buf[offset : offset + count].tobytes()
    mask = 0
    for index, byte in enumerate(part):
        mask |= int(byte == 1) << index
    return mask, sum(part) & 255


def keep_bytes(word, count):
    """The first `count` (0 to 8 or more) bytes of a word, the rest zero."""
    return int(word) & ((1 << (8 * count)) - 1) if count < 8 else int(word)


def digits8(word, count):
    """The number that the first `count` (1 to 8) bytes of a word spell; -1: not all digits."""
    text = int(word).to_bytes(8, "little")[:count]
    return int(text) if text.isdigit() else -1


def tag8(word):
    """tag * 8 + digits of "tag=..." in a word; -1: not one to seven digits and an equals sign."""
    text, equals, _ = int(word).to_bytes(8, "little").partition(b"=")
    return int(text) * 8 + len(text) if equals and text.isdigit() else -1


def byte_at(word, byte):
    """Position (0 to 7) of the first byte equal to `byte` in a word; 8: none."""
    at = int(word).to_bytes(8, "little").find(bytes([int(byte)]))
    return at if at >= 0 else 8


def cut_byte(word, at):
    """A word without its byte `at` (0 to 7): the bytes behind it move up, a zero byte comes in."""
    text = int(word).to_bytes(8, "little")
    return int.from_bytes(text[: int(at)] + text[int(at) + 1 :] + b"\0", "little")


def spell8(value):
    """(word, digits) of 0 <= value < 10**8 in decimal, without leading zeros."""
    text = b"%d" % int(value)
    return int.from_bytes(text.ljust(8, b"0"), "little"), len(text)


def spell8_full(value):
    """The word of 0 <= value < 10**8 as exactly eight digits."""
    return int.from_bytes(b"%08d" % int(value), "little")


def _pointer(context, builder, array_type, array, offset, element):
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [offset]), element.as_pointer())


@intrinsic
def _load8(typingctx, buf, offset):
    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], ir.IntType(64))
        return builder.load(pointer, align=1)

    return types.uint64(buf, types.int64), codegen


@intrinsic
def _store8(typingctx, buf, offset, word):
    def codegen(context, builder, signature, args):
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], ir.IntType(64))
        builder.store(args[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(buf, types.int64, types.uint64), codegen


@intrinsic
def _borrow(typingctx, buf, start, count, dtype):
    result = types.Array(dtype.dtype, 1, "C")

    def codegen(context, builder, signature, args):
        element = context.get_data_type(result.dtype)
        itemsize = context.get_constant(types.intp, context.get_abi_sizeof(element))
        view = context.make_array(result)(context, builder)
        populate_array(
            view,
            data=_pointer(context, builder, signature.args[0], args[0], args[1], element),
            shape=cgutils.pack_array(builder, [args[2]]),
            strides=cgutils.pack_array(builder, [itemsize]),
            itemsize=itemsize,
            meminfo=None,
        )
        return view._getvalue()

    return result(buf, types.int64, types.int64, dtype), codegen


@overload(borrow)
def _borrow_overload(buf, start, count, dtype):
    return lambda buf, start, count, dtype: _borrow(buf, start, count, dtype)


@intrinsic
def _trailing_zeros(typingctx, word):
    def codegen(context, builder, signature, args):
        found = builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))
        return found

    return types.int64(types.uint64), codegen


@intrinsic
def _scan64(typingctx, buf, offset, keep):
    def codegen(context, builder, signature, args):
        lanes = ir.VectorType(ir.IntType(8), 64)
        bits = ir.VectorType(ir.IntType(1), 64)
        pointer = _pointer(context, builder, signature.args[0], args[0], args[1], lanes)
        loaded = builder.load(pointer, align=1)
        zero = ir.Constant(lanes, [0] * 64)
        kept = builder.select(builder.bitcast(args[2], bits), loaded, zero)
        found = builder.icmp_unsigned("==", kept, ir.Constant(lanes, [1] * 64))
        mask = builder.bitcast(found, ir.IntType(64))
        reduce_type = ir.FunctionType(ir.IntType(8), [lanes])
        reduce = cgutils.get_or_insert_function(
            builder.module, reduce_type, "llvm.vector.reduce.add.v64i8"
        )
        total = builder.zext(builder.call(reduce, [kept]), ir.IntType(64))
        return context.make_tuple(builder, signature.return_type, (mask, total))

    result = types.Tuple((types.uint64, types.int64))
    return result(buf, types.int64, types.uint64), codegen


@overload(load8, inline="always")
def _load8_overload(buf, offset):
    return lambda buf, offset: _load8(buf, offset)


@overload(store8, inline="always")
def _store8_overload(buf, offset, word):
    return lambda buf, offset, word: _store8(buf, offset, word)


@overload(trailing_zeros, inline="always")
def _trailing_zeros_overload(word):
    return lambda word: _trailing_zeros(word)


@overload(scan64)
def _scan64_overload(buf, offset, count):
    def scan(buf, offset, count):
        return _scan64(buf, offset, _ALL >> np.uint64(64 - count))

    return scan


@overload(keep_bytes)
def _keep_bytes_overload(word, count):
    def keep(word, count):
        if count >= 8:
            return np.uint64(word)
        return np.uint64(word) & ((np.uint64(1) << np.uint64(8 * count)) - np.uint64(1))

    return keep


@overload(digits8)
def _digits8_overload(word, count):
    def digits(word, count):
        fill = np.uint64(64 - 8 * count)
        aligned = np.uint64(word) << fill
        if count < 8:
            aligned |= _ZEROS >> (_64 - fill)
        wrong = (aligned & _NIBBLE) ^ _ZEROS
        wrong |= ((aligned + _SIXES) & _NIBBLE) ^ _ZEROS
        if wrong != _0:
            return np.int64(-1)
        pairs = aligned & _LOW
        pairs = pairs * _10 + (pairs >> _8)
        high = (pairs & _LANES) * _MUL_1
        low = ((pairs >> _16) & _LANES) * _MUL_2
        return np.int64((high + low) >> _32)

    return digits


@overload(byte_at)
def _byte_at_overload(word, byte):
    def find(word, byte):
        mixed = np.uint64(word) ^ (_ONES * np.uint64(byte))
        found = (mixed - _ONES) & ~mixed & _HIGH
        return _trailing_zeros(found) >> 3

    return find


@overload(cut_byte)
def _cut_byte_overload(word, at):
    def cut(word, at):
        below = (np.uint64(1) << np.uint64(8 * at)) - np.uint64(1)
        return (np.uint64(word) & below) | ((np.uint64(word) >> _8) & ~below)

    return cut


@overload(tag8)
def _tag8_overload(word):
    def tag(word):
        width = byte_at(word, 0x3D)
        if width == 0 or width > 7:
            return np.int64(-1)
        number = digits8(word, width)
        return np.int64(-1) if number < 0 else number * 8 + width

    return tag


@overload(spell8_full)
def _spell8_full_overload(value):
    def spell(value):
        return _spread8(value) | _ZEROS

    return spell


@overload(spell8)
def _spell8_overload(value):
    def spell(value):
        word = _spread8(value)
        leading = _trailing_zeros(word | (np.uint64(1) << np.uint64(56))) >> 3
        return (word | _ZEROS) >> np.uint64(8 * leading), np.int64(8 - leading)

    return spell


def _spread8(value):
    raise NotImplementedError("only inside kernels")


@overload(_spread8)
def _spread8_overload(value):
    def spread(value):
        number = np.uint64(value)
        high = number // np.uint64(10000)
        halves = high | ((number - high * np.uint64(10000)) << _32)
        tens = ((halves * np.uint64(10486)) >> np.uint64(20)) & np.uint64(0x7F0000007F)
        pairs = tens | ((halves - tens * np.uint64(100)) << _16)
        tens = ((pairs * np.uint64(103)) >> _10) & np.uint64(0x000F000F000F000F)
        return tens | ((pairs - tens * _10) << _8)

    return spread
