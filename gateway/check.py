"""Validation of a tokenised message by the dialect's tables.

Second pass of the decoder: every field known, in its section, once, with a value of its type and
enumeration; groups whole; what is required there. Leaves the parsed values in the slot tables.

Source: specs/order_entry.md O-20; fix-session facts 1.5 (SessionRejectReason, 373).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from engine.kernel import codec_kernel
from gateway.arena import (
    CELLS,
    ENUM_0,
    ENUM_1,
    FIELD_GROUP,
    FIELD_KIND,
    FIELD_TAG,
    LENGTH_TAG,
    PLACES,
    REQUIRED_BODY,
    REQUIRED_HEADER,
    SLOT_LENGTH,
    SLOT_OFFSET,
    SLOT_VALUE,
    TABLE_FIELD,
    TABLE_LENGTH,
    TABLE_OFFSET,
    TABLE_TAG,
    TAG_OF_SLOT,
)
from gateway.dialect import (
    DIALECT_FIELDS_MAX,
    GROUP_CELL,
    HEADER_CELL,
    SLOTS_MAX,
    TRAILER_CELL,
    Kind,
)
from gateway.fields import (
    BAD_FORMAT,
    OK,
    OUT_OF_RANGE,
    read_count,
    read_date,
    read_decimal,
    read_int,
    read_month,
    read_qty,
    read_timestamp,
)
from gateway.scan import digits8, load8, trailing_zeros

VALID = -1
_COUNT_MAX = 0xFFFFFFFF
_ASCII_MAX = 127


class SessionReject(IntEnum):
    """SessionRejectReason (373) as far as the codec finds it."""

    INVALID_TAG = 0
    REQUIRED_TAG_MISSING = 1
    TAG_NOT_FOR_MESSAGE = 2
    TAG_WITHOUT_VALUE = 4
    VALUE_INCORRECT = 5
    BAD_FORMAT = 6
    INVALID_MSG_TYPE = 11
    TAG_TWICE = 13
    TAG_OUT_OF_ORDER = 14
    GROUP_OUT_OF_ORDER = 15
    GROUP_COUNT_WRONG = 16
    OTHER = 99


assert OUT_OF_RANGE == SessionReject.VALUE_INCORRECT and BAD_FORMAT == SessionReject.BAD_FORMAT


@codec_kernel
def check_fields(views, buf, count, message):
    """Check the first `count` rows of the field table against a message of the dialect (its row).

    Returns (373 or VALID, tag, header seen, body seen): the bits tell which places of SLOT_VALUE,
    SLOT_OFFSET and SLOT_LENGTH are filled (body slot s at s, header slot s at 64 + s).
    """
    ints = views.ints
    header_seen = np.int64(0b111)  # 8, 9, 35: found by `frame`
    body_seen = np.int64(0)
    for slot in range(SLOTS_MAX):
        views.words[SLOT_VALUE + slot] = 0
    section = 0
    index = 3
    last = count - 1  # CheckSum
    while index < last:
        field = np.int64(ints[TABLE_FIELD + index])
        cell = np.int64(views.bytes[CELLS + message * DIALECT_FIELDS_MAX + field])
        length = np.int64(ints[TABLE_LENGTH + index])
        bit = np.int64(1) << (cell & (SLOTS_MAX - 1))
        if 0 < cell < SLOTS_MAX and section < 2 and length > 0 and body_seen & bit == 0:
            section = 1
            body_seen |= bit
        elif HEADER_CELL <= cell < TRAILER_CELL and section == 0 and length > 0:
            if header_seen & bit != 0:
                return SessionReject.TAG_TWICE, ints[TABLE_TAG + index], header_seen, body_seen
            header_seen |= bit
        elif cell == TRAILER_CELL and length > 0 and ints[TABLE_TAG + index] != 10:
            section = 2
        else:
            reason = _place_reason(field, cell, length, section)
            return reason, ints[TABLE_TAG + index], header_seen, body_seen
        kind = views.bytes[FIELD_KIND + field]
        offset = np.int64(ints[TABLE_OFFSET + index])
        code, value = OK, np.int64(0)
        if kind == Kind.CHAR:
            value = np.int64(buf[offset])
            code = _char_code(views.words, field, value, length)
        elif kind == Kind.TIMESTAMP:
            code, value = read_timestamp(views.words, buf, offset, length)
        elif kind == Kind.PRICE:
            code, value = read_decimal(buf, offset, length)
        elif kind != Kind.STRING:
            value = np.int64(-1)
            if (kind == Kind.COUNT or kind == Kind.QTY) and length <= 8:
                value = digits8(load8(buf, offset), length)
            if value < 0:
                code, value = check_value(views, buf, index)
        if code != OK:
            return code, ints[TABLE_TAG + index], header_seen, body_seen
        if cell < TRAILER_CELL:
            views.words[SLOT_VALUE + cell] = value
            ints[SLOT_OFFSET + cell] = offset
            ints[SLOT_LENGTH + cell] = length
        index += 1
        if kind == Kind.GROUP:
            reason, tag, index = _check_group(views, buf, index, last, message, field, value)
            if reason != VALID:
                return reason, tag, header_seen, body_seen
    reason, tag = _missing(views, message, header_seen, body_seen)
    return reason, tag, header_seen, body_seen


@codec_kernel
def _place_reason(field, cell, length, section):
    """Why a field may not stand where it stands."""
    if field == 0:
        return SessionReject.INVALID_TAG
    if cell == 0:
        return SessionReject.TAG_NOT_FOR_MESSAGE
    if length == 0:
        return SessionReject.TAG_WITHOUT_VALUE
    if cell == GROUP_CELL:
        return SessionReject.GROUP_OUT_OF_ORDER
    if cell < SLOTS_MAX and section < 2:
        return SessionReject.TAG_TWICE
    return SessionReject.TAG_OUT_OF_ORDER


@codec_kernel
def _missing(views, message, header_seen, body_seen):
    """The first required field that was not seen, header before body."""
    header = views.words[REQUIRED_HEADER + message] & ~header_seen
    if header != 0:
        tag = views.ints[TAG_OF_SLOT + trailing_zeros(header)]
        return SessionReject.REQUIRED_TAG_MISSING, tag
    body = views.words[REQUIRED_BODY + message] & ~body_seen
    if body != 0:
        tag = views.ints[TAG_OF_SLOT + message * SLOTS_MAX + trailing_zeros(body)]
        return SessionReject.REQUIRED_TAG_MISSING, tag
    return VALID, 0


@codec_kernel
def check_value(views, buf, index):
    """(OK, OUT_OF_RANGE or BAD_FORMAT; parsed value) of row `index`: format, then enumeration."""
    offset = np.int64(views.ints[TABLE_OFFSET + index])
    length = np.int64(views.ints[TABLE_LENGTH + index])
    field = np.int64(views.ints[TABLE_FIELD + index])
    kind = views.bytes[FIELD_KIND + field]
    if kind == Kind.STRING:
        return OK, 0
    if kind == Kind.CHAR or kind == Kind.BOOLEAN:
        value = np.int64(buf[offset])
        return _char_code(views.words, field, value, length), value
    if kind == Kind.PRICE:
        return read_decimal(buf, offset, length)
    if kind == Kind.QTY:
        return read_qty(buf, offset, length)
    if kind == Kind.TIMESTAMP:
        return read_timestamp(views.words, buf, offset, length)
    if kind == Kind.COUNT or kind == Kind.GROUP:
        code, value = read_count(buf, offset, length)
        return (OUT_OF_RANGE, 0) if code == OK and value > _COUNT_MAX else (code, value)
    return _check_rare_value(views, buf, index, field, offset, length)


@codec_kernel
def _check_rare_value(views, buf, index, field, offset, length):
    kind = views.bytes[FIELD_KIND + field]
    if kind == Kind.INT:
        return _check_int(views, field, buf, offset, length)
    if kind == Kind.DATE:
        return read_date(buf, offset, length)
    if kind == Kind.CHARS:
        return _check_chars(views, field, buf, offset, length)
    if kind == Kind.MONTH:
        return read_month(buf, offset, length)
    if kind == Kind.DATA:
        return _check_data(views, buf, index)
    return BAD_FORMAT, 0


@codec_kernel
def _char_code(words, field, byte, length):
    """Whether one character is a field's whole value and in its enumeration."""
    if length != 1:
        return BAD_FORMAT
    if byte > _ASCII_MAX:
        return OUT_OF_RANGE
    allowed = words[ENUM_0 + field] if byte < 64 else words[ENUM_1 + field]
    return OK if (allowed >> (byte & 63)) & 1 != 0 else OUT_OF_RANGE


@codec_kernel
def _check_int(views, field, buf, offset, length):
    code, value = read_int(buf, offset, length)
    if code != OK or views.words[ENUM_0 + field] == -1:
        return code, value
    if _char_code(views.words, field, np.int64(buf[offset]), length) != OK:
        return OUT_OF_RANGE, 0
    return OK, value


@codec_kernel
def _check_chars(views, field, buf, offset, length):
    """Single characters with spaces between; the value is the last one."""
    if length % 2 == 0:
        return BAD_FORMAT, 0
    byte = 0
    for index in range(offset, offset + length):
        if (index - offset) % 2 == 1:
            if buf[index] != ord(" "):
                return BAD_FORMAT, 0
        else:
            byte = np.int64(buf[index])
            if _char_code(views.words, field, byte, 1) != OK:
                return OUT_OF_RANGE, 0
    return OK, byte


@codec_kernel
def _check_data(views, buf, index):
    """Raw data stands behind the field that gives its length, and has that length."""
    ints = views.ints
    before = index - 1
    if ints[TABLE_TAG + before] != ints[LENGTH_TAG + ints[TABLE_FIELD + index]]:
        return OUT_OF_RANGE, 0
    offset, digits = np.int64(ints[TABLE_OFFSET + before]), np.int64(ints[TABLE_LENGTH + before])
    code, length = read_count(buf, offset, digits)
    if code != OK or length != ints[TABLE_LENGTH + index]:
        return OUT_OF_RANGE, 0
    return OK, 0


@codec_kernel
def _check_group(views, buf, index, last, message, count_field, instances):
    """Members of a repeating group from row `index` on, groups inside it included.

    An entry begins with the group's first member; the others stand in any order, each once (O-20).
    Returns (373 or VALID, tag, first row behind the group).
    """
    group = _group_of(views, message, count_field)
    count_tag = np.int64(views.ints[FIELD_TAG + count_field])
    for _ in range(instances):
        place, reason, tag = _member(views, buf, index, last, group, 0)
        if place == 0:
            return SessionReject.GROUP_COUNT_WRONG, count_tag, index
        seen = np.int64(0)
        while place != 0 and seen & (1 << place) == 0:
            if reason != VALID:
                return reason, tag, index
            field = np.int64(views.ints[TABLE_FIELD + index])
            index += 1
            seen |= 1 << place
            if views.bytes[FIELD_KIND + field] == Kind.GROUP:
                reason, tag, index = _check_inner(views, buf, index, last, message, field)
                if reason != VALID:
                    return reason, tag, index
            place, reason, tag = _member(views, buf, index, last, group, seen)
        if place > 1:
            return SessionReject.TAG_TWICE, tag, index
    place, _, tag = _member(views, buf, index, last, group, 0)
    if place == 1:
        return SessionReject.GROUP_COUNT_WRONG, count_tag, index
    if place > 1:
        return SessionReject.GROUP_OUT_OF_ORDER, tag, index
    return VALID, 0, index


@codec_kernel
def _group_of(views, message, count_field):
    """The layout of the group that a field counts in a message."""
    return np.int64(views.bytes[FIELD_GROUP + message * DIALECT_FIELDS_MAX + count_field])


@codec_kernel
def _check_inner(views, buf, index, last, message, count_field):
    """A group inside a group; its members hold no further group."""
    group = _group_of(views, message, count_field)
    count_tag = np.int64(views.ints[FIELD_TAG + count_field])
    _, instances = check_value(views, buf, index - 1)
    for _ in range(instances):
        place, reason, tag = _member(views, buf, index, last, group, 0)
        if place == 0:
            return SessionReject.GROUP_COUNT_WRONG, count_tag, index
        seen = np.int64(0)
        while place != 0 and seen & (1 << place) == 0:
            if reason != VALID:
                return reason, tag, index
            index += 1
            seen |= 1 << place
            place, reason, tag = _member(views, buf, index, last, group, seen)
        if place > 1:
            return SessionReject.TAG_TWICE, tag, index
    place, _, tag = _member(views, buf, index, last, group, 0)
    if place != 0:
        return SessionReject.GROUP_COUNT_WRONG, count_tag, index
    return VALID, 0, index


@codec_kernel
def _member(views, buf, index, last, group, seen):
    """(place of row `index` in a group, 0: no member; what is wrong with it; its tag).

    seen: bits of the places of its entry so far; the first of them is place 1.
    """
    if index >= last:
        return 0, VALID, 0
    tag = np.int64(views.ints[TABLE_TAG + index])
    field = np.int64(views.ints[TABLE_FIELD + index])
    place = np.int64(views.bytes[PLACES + group * DIALECT_FIELDS_MAX + field])
    if place == 0 or field == 0:
        return 0, VALID, tag
    if seen == 0 and place != 1:
        return place, SessionReject.GROUP_OUT_OF_ORDER, tag
    if views.ints[TABLE_LENGTH + index] == 0:
        return place, SessionReject.TAG_WITHOUT_VALUE, tag
    code, _ = check_value(views, buf, index)
    return place, code if code != OK else VALID, tag
