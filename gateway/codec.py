"""Framing and fields: where a FIX message ends, and its (tag, offset, length) rows.

First pass of the decoder. Knows the byte layout of FIX and which tags hold raw data, nothing else:
what the fields mean is checked in gateway/check.py. Garbled input is never an error, only a length
to skip.

Source: specs/order_entry.md O-1, O-2; FIX 4.4 volume 2, "Message format", "garbled message".
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel
from gateway.arena import (
    FIELD_KIND,
    FIELD_OF_TAG,
    LENGTH_TAG,
    TABLE_FIELD,
    TABLE_LENGTH,
    TABLE_MASK,
    TABLE_OFFSET,
    TABLE_TAG,
    TABLE_WIDTH,
    TABLE_WORD,
)
from gateway.dialect import TAGS_MAX, Kind
from gateway.scan import byte_at, digits8, keep_bytes, load8, scan64, tag8, trailing_zeros
from gateway.types import FIELDS_MAX, MESSAGE_BYTES_MAX, Read

# Plain numbers: an enumeration's member costs 0.7 us to hand to Python.
NEED_MORE, MESSAGE, GARBLED = int(Read.NEED_MORE), int(Read.MESSAGE), int(Read.GARBLED)
GARBLED_FIELDS = -1  # a field without number or equals sign
TOO_MANY_FIELDS = -2
_SOH = 1
_EQUALS = ord("=")
_BEGIN_CHARS_MAX = 16
_LENGTH_DIGITS_MAX = 6
_USUAL_BEGIN = int.from_bytes(b"8=FIX.4.", "little")
_USUAL_BYTES = 24
_KEPT_BYTES = 7  # of `tag=`
_TRAILER_BYTES = 7  # 10=ddd and SOH


@codec_kernel
def frame(buf, start, end):
    """The message at buf[start:end].

    Returns (Read, bytes, body): MESSAGE with its whole length and the offset of its 35=; GARBLED
    with the bytes to skip; NEED_MORE. CheckSum is checked by `tokenise`. Source: O-1.
    """
    if end - start > _USUAL_BYTES and load8(buf, start) == _USUAL_BEGIN:
        word = load8(buf, start + 12)
        digits = byte_at(word, _SOH)
        length = digits8(word, digits) if 0 < digits <= _LENGTH_DIGITS_MAX else -1
        is_usual = buf[start + 10] == ord("9") and buf[start + 11] == _EQUALS
        if is_usual and 5 <= length <= MESSAGE_BYTES_MAX - 40 and buf[start + 9] == _SOH:
            return _frame_body(buf, start, end, start + 13 + digits, length)
    return _frame_slowly(buf, start, end)


@codec_kernel
def _frame_slowly(buf, start, end):
    at = start
    for expected in (ord("8"), _EQUALS):
        if at >= end:
            return NEED_MORE, 0, 0
        if buf[at] != expected:
            return GARBLED, _next_begin(buf, start + 1, end) - start, 0
        at += 1
    limit = min(end, at + _BEGIN_CHARS_MAX + 1)
    while at < limit and buf[at] != _SOH:
        at += 1
    if at == end:
        return NEED_MORE, 0, 0
    if at == limit:
        return GARBLED, _next_begin(buf, start + 1, end) - start, 0
    at += 1
    for expected in (ord("9"), _EQUALS):
        if at >= end:
            return NEED_MORE, 0, 0
        if buf[at] != expected:
            return GARBLED, _next_begin(buf, start + 1, end) - start, 0
        at += 1
    length = 0
    first = at
    while at < end and buf[at] != _SOH:
        if not ord("0") <= buf[at] <= ord("9") or at - first >= _LENGTH_DIGITS_MAX:
            return GARBLED, _next_begin(buf, start + 1, end) - start, 0
        length = length * 10 + np.int64(buf[at]) - ord("0")
        at += 1
    if at >= end:
        return NEED_MORE, 0, 0
    if at == first or length < 5 or length > MESSAGE_BYTES_MAX - 40:
        return GARBLED, _next_begin(buf, start + 1, end) - start, 0
    return _frame_body(buf, start, end, at + 1, length)


@codec_kernel
def _frame_body(buf, start, end, body, length):
    total_end = body + length + _TRAILER_BYTES
    if total_end > end:
        return _short(buf, start, end, body)
    tail = body + length
    whole = (
        buf[tail - 1] == _SOH
        and buf[tail] == ord("1")
        and buf[tail + 1] == ord("0")
        and buf[tail + 2] == _EQUALS
        and buf[tail + 6] == _SOH
    )
    for index in range(tail + 3, tail + 6):
        whole = whole and ord("0") <= buf[index] <= ord("9")
    if not whole:
        return GARBLED, _next_begin(buf, body, end) - start, 0
    if buf[body] != ord("3") or buf[body + 1] != ord("5") or buf[body + 2] != _EQUALS:
        return GARBLED, total_end - start, 0
    return MESSAGE, total_end - start, body


@codec_kernel
def _short(buf, start, end, searched_from):
    """Not all there: garbled when a further message begins before the announced end."""
    for at in range(searched_from, end - 5):
        if buf[at] == _SOH and buf[at + 1] == ord("8") and _is_begin(buf, at + 1, end):
            return GARBLED, at + 1 - start, 0
    return NEED_MORE, 0, 0


@codec_kernel
def _next_begin(buf, start, end):
    """Offset of the next "8=FIX", or of what may become one at the end, or end."""
    for at in range(start, end):
        if buf[at] == ord("8") and _is_begin(buf, at, end):
            return at
    return end


@codec_kernel
def _is_begin(buf, at, end):
    for index, expected in enumerate((ord("8"), _EQUALS, ord("F"), ord("I"), ord("X"))):
        if at + index >= end:
            return True
        if buf[at + index] != expected:
            return False
    return True


@codec_kernel
def tokenise(views, buf, start, total_end):
    """Fill the arena's field table with the fields of a framed message, 8= first and 10= last.

    Returns the number of fields; GARBLED_FIELDS where a field has no tag or the CheckSum is wrong;
    TOO_MANY_FIELDS. Source: O-1, O-2.
    """
    stop = total_end - _TRAILER_BYTES
    ints = views.ints
    words = views.words
    base = start
    field_start = start
    skip_to = start
    count = 0
    total = 0
    while base < stop:
        size = min(64, stop - base)
        if base + 64 <= buf.size:
            mask, part_sum = scan64(buf, base, size)
        else:
            mask, part_sum = _scan_tail(buf, base, size)
        total += part_sum
        while mask != 0:
            at = base + trailing_zeros(mask)
            mask &= mask - np.uint64(1)
            if at < skip_to:
                continue
            if count >= FIELDS_MAX - 1:
                return TOO_MANY_FIELDS
            word = np.int64(keep_bytes(load8(buf, field_start), _KEPT_BYTES))
            if word & words[TABLE_MASK + count] == words[TABLE_WORD + count]:
                offset = field_start + np.int64(ints[TABLE_WIDTH + count])
                field_start = at + 1
            else:
                offset, field = _read_tag(views, buf, field_start, at, count)
                if offset < 0:
                    return GARBLED_FIELDS
                field_start = at + 1
                if views.bytes[FIELD_KIND + field] == Kind.DATA:
                    ints[TABLE_OFFSET + count] = offset
                    field_start = _data_end(views, buf, count, at, stop) + 1
                    skip_to = field_start
            ints[TABLE_OFFSET + count] = offset
            ints[TABLE_LENGTH + count] = field_start - 1 - offset
            count += 1
        base += 64
    return _finish(views, buf, stop, count, total & 255)


@codec_kernel
def _read_tag(views, buf, start, at, row):
    """Write tag and field of a row; (offset of the value, field), offset -1: garbled.

    The text of the tag is kept with the row: messages of one layout follow each other, and the next
    one's tags are then known by one comparison. Raw data is never kept.
    """
    packed = tag8(load8(buf, start))
    if packed < 0:
        packed = _odd_tag(buf, start, at)
        if packed < 0:
            return np.int64(-1), np.int64(0)
    tag = packed >> 3 if buf[start] != ord("0") else np.int64(0)
    width = (packed & 7) + 1
    field = np.int64(views.bytes[FIELD_OF_TAG + tag]) if tag < TAGS_MAX else np.int64(0)
    views.ints[TABLE_TAG + row] = tag
    views.ints[TABLE_FIELD + row] = field
    views.ints[TABLE_WIDTH + row] = width
    is_kept = field != 0 and width <= _KEPT_BYTES and views.bytes[FIELD_KIND + field] != Kind.DATA
    views.words[TABLE_WORD + row] = -1
    if is_kept:
        views.words[TABLE_WORD + row] = np.int64(keep_bytes(load8(buf, start), width))
    views.words[TABLE_MASK + row] = (np.int64(1) << (8 * width)) - 1 if is_kept else 0
    return start + width, field


@codec_kernel
def _finish(views, buf, stop, count, total):
    stated = 0
    for index in range(stop + 3, stop + 6):
        stated = stated * 10 + np.int64(buf[index]) - ord("0")
    if stated != total:
        return GARBLED_FIELDS
    views.words[TABLE_WORD + count] = -1
    views.words[TABLE_MASK + count] = 0
    views.ints[TABLE_TAG + count] = 10
    views.ints[TABLE_OFFSET + count] = stop + 3
    views.ints[TABLE_LENGTH + count] = 3
    views.ints[TABLE_FIELD + count] = views.bytes[FIELD_OF_TAG + 10]
    return count + 1


@codec_kernel
def _scan_tail(buf, base, size):
    """scan64 where fewer than 64 bytes exist."""
    mask = np.uint64(0)
    total = 0
    for index in range(size):
        byte = buf[base + index]
        total += np.int64(byte)
        if byte == _SOH:
            mask |= np.uint64(1) << np.uint64(index)
    return mask, total & 255


@codec_kernel
def _odd_tag(buf, start, at):
    """tag8 of what is a number and yet no tag: negative or too long reads as tag 0; else -1.

    The width fits three bits only below eight digits, so the value is taken to be empty then.
    """
    index = start
    if index < at and buf[index] == ord("-"):
        index += 1
    first = index
    while index < at and ord("0") <= buf[index] <= ord("9"):
        index += 1
    if index == first or index >= at or buf[index] != _EQUALS:
        return -1
    return min(index - start, 7)


@codec_kernel
def _data_end(views, buf, count, at, stop):
    """Offset of the SOH behind raw data whose length stands in the field before; `at`, its first
    SOH, where that length does not fit."""
    ints = views.ints
    field = ints[TABLE_FIELD + count]
    if count == 0 or ints[TABLE_TAG + count - 1] != ints[LENGTH_TAG + field]:
        return at
    first, digits = ints[TABLE_OFFSET + count - 1], ints[TABLE_LENGTH + count - 1]
    if digits < 1 or digits > _LENGTH_DIGITS_MAX:
        return at
    length = 0
    for index in range(first, first + digits):
        if not ord("0") <= buf[index] <= ord("9"):
            return at
        length = length * 10 + np.int64(buf[index]) - ord("0")
    data_end = ints[TABLE_OFFSET + count] + length
    if data_end < at or data_end >= stop or buf[data_end] != _SOH:
        return at
    return data_end
