"""Validation of a tokenised message by the dialect's tables.

Second pass of the decoder: every field known, in its section, once, with a value of its type and
enumeration; groups whole; what is required there. Leaves the parsed values in the slot tables.

Source: specs/order_entry.md O-20; fix-session facts 1.5 (SessionRejectReason, 373).
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from engine.kernel import kernel
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
from gateway.scan import trailing_zeros

VALID = -1


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


@kernel
def check_fields(tables, buf, count, message):
    """Check the first `count` rows of tables.table against a message of the dialect (its row).

    Returns (373 or VALID, tag, header seen, body seen): the bits tell which slots of slot_value,
    slot_offset and slot_length are filled (body slot s at s, header slot s at 64 + s).
    """
    table = tables.table
    cells = tables.cells[message * DIALECT_FIELDS_MAX : (message + 1) * DIALECT_FIELDS_MAX]
    header_seen = np.uint64(0b111)  # 8, 9, 35: found by `frame`
    body_seen = np.uint64(0)
    section = 0
    index = 3
    last = count - 1  # CheckSum
    while index < last:
        row = table[index]
        field = np.int64(row["field"])
        tag = np.int64(row["tag"])
        cell = np.int64(cells[field])
        if cell < SLOTS_MAX:
            section = max(section, 1)
        elif cell >= TRAILER_CELL and cell != GROUP_CELL:
            section = 2
        reason = _place_reason(row, field, cell, section)
        if reason != VALID:
            return reason, tag, header_seen, body_seen
        bit = np.uint64(1) << np.uint64(cell & (SLOTS_MAX - 1))
        if cell < SLOTS_MAX:
            if body_seen & bit != 0:
                return SessionReject.TAG_TWICE, tag, header_seen, body_seen
            body_seen |= bit
        elif cell < TRAILER_CELL:
            if header_seen & bit != 0:
                return SessionReject.TAG_TWICE, tag, header_seen, body_seen
            header_seen |= bit
        code, value = check_value(tables, buf, index)
        if code != OK:
            return code, tag, header_seen, body_seen
        if cell < TRAILER_CELL:
            tables.slot_value[cell] = value
            tables.slot_offset[cell] = row["offset"]
            tables.slot_length[cell] = row["length"]
        index += 1
        if tables.fields[field]["kind"] == Kind.GROUP:
            reason, tag, index = _check_group(tables, buf, index, last, field, value)
            if reason != VALID:
                return reason, tag, header_seen, body_seen
    reason, tag = _missing(tables, message, header_seen, body_seen)
    return reason, tag, header_seen, body_seen


@kernel
def _place_reason(row, field, cell, section):
    if field == 0:
        return SessionReject.INVALID_TAG
    if cell == 0:
        return SessionReject.TAG_NOT_FOR_MESSAGE
    if row["length"] == 0:
        return SessionReject.TAG_WITHOUT_VALUE
    if cell == GROUP_CELL:
        return SessionReject.GROUP_OUT_OF_ORDER
    if cell < SLOTS_MAX and section > 1:
        return SessionReject.TAG_OUT_OF_ORDER
    if HEADER_CELL <= cell < TRAILER_CELL and section > 0:
        return SessionReject.TAG_OUT_OF_ORDER
    if cell >= TRAILER_CELL and row["tag"] == 10:
        return SessionReject.TAG_OUT_OF_ORDER
    return VALID


@kernel
def _missing(tables, message, header_seen, body_seen):
    """The first required field that was not seen, header before body."""
    definition = tables.messages[message]
    header = definition["required_header"] & ~header_seen
    if header != 0:
        return SessionReject.REQUIRED_TAG_MISSING, tables.tag_of_slot[trailing_zeros(header)]
    body = definition["required_body"] & ~body_seen
    if body != 0:
        slot = message * SLOTS_MAX + trailing_zeros(body)
        return SessionReject.REQUIRED_TAG_MISSING, tables.tag_of_slot[slot]
    return VALID, 0


@kernel
def check_value(tables, buf, index):
    """(OK, OUT_OF_RANGE or BAD_FORMAT; parsed value) of row `index`: format, then enumeration."""
    row = tables.table[index]
    definition = tables.fields[row["field"]]
    offset = np.int64(row["offset"])
    length = np.int64(row["length"])
    kind = definition["kind"]
    if kind == Kind.STRING:
        return OK, 0
    if kind == Kind.CHAR or kind == Kind.BOOLEAN:
        return _check_char(definition, buf, offset, length)
    if kind == Kind.PRICE:
        return read_decimal(buf, offset, length)
    if kind == Kind.QTY:
        return read_qty(buf, offset, length)
    if kind == Kind.TIMESTAMP:
        return read_timestamp(tables.clock, buf, offset, length)
    if kind == Kind.COUNT or kind == Kind.GROUP:
        code, value = read_count(buf, offset, length)
        return (OUT_OF_RANGE, 0) if code == OK and value > 0xFFFFFFFF else (code, value)
    if kind == Kind.INT:
        return _check_int(definition, buf, offset, length)
    if kind == Kind.DATE:
        return read_date(buf, offset, length)
    if kind == Kind.CHARS:
        return _check_chars(definition, buf, offset, length)
    if kind == Kind.MONTH:
        return read_month(buf, offset, length)
    if kind == Kind.DATA:
        return _check_data(tables, buf, index)
    return BAD_FORMAT, 0


@kernel
def _is_allowed(definition, byte):
    if definition["enum_0"] == 0 and definition["enum_1"] == 0:
        return True
    if byte > 127:
        return False
    word = definition["enum_0"] if byte < 64 else definition["enum_1"]
    return (word >> np.uint64(byte & 63)) & np.uint64(1) != 0


@kernel
def _check_char(definition, buf, offset, length):
    byte = np.int64(buf[offset])
    if length != 1:
        return BAD_FORMAT, 0
    if definition["kind"] == Kind.BOOLEAN and byte != ord("Y") and byte != ord("N"):
        return OUT_OF_RANGE, 0
    return (OK, byte) if _is_allowed(definition, byte) else (OUT_OF_RANGE, 0)


@kernel
def _check_int(definition, buf, offset, length):
    code, value = read_int(buf, offset, length)
    if code != OK or (definition["enum_0"] == 0 and definition["enum_1"] == 0):
        return code, value
    if length == 1 and _is_allowed(definition, np.int64(buf[offset])):
        return OK, value
    return OUT_OF_RANGE, 0


@kernel
def _check_chars(definition, buf, offset, length):
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
            if not _is_allowed(definition, byte):
                return OUT_OF_RANGE, 0
    return OK, byte


@kernel
def _check_data(tables, buf, index):
    """Raw data stands behind the field that gives its length, and has that length."""
    row = tables.table[index]
    before = tables.table[index - 1]
    if before["tag"] != tables.fields[row["field"]]["length_tag"]:
        return OUT_OF_RANGE, 0
    code, length = read_count(buf, np.int64(before["offset"]), np.int64(before["length"]))
    if code != OK or length != row["length"]:
        return OUT_OF_RANGE, 0
    return OK, 0


@kernel
def _check_group(tables, buf, index, last, count_field, instances):
    """Members of a repeating group from row `index` on, groups inside it included.

    Returns (373 or VALID, tag, first row behind the group).
    """
    group = np.int64(tables.fields[count_field]["group"])
    count_tag = np.int64(tables.fields[count_field]["tag"])
    for _ in range(instances):
        place, reason, tag = _member(tables, buf, index, last, group, 0)
        if place == 0:
            return SessionReject.GROUP_COUNT_WRONG, count_tag, index
        if reason != VALID:
            return reason, tag, index
        before = 0
        while place > before:
            if reason != VALID:
                return reason, tag, index
            field = np.int64(tables.table[index]["field"])
            index += 1
            before = place
            if tables.fields[field]["kind"] == Kind.GROUP:
                reason, tag, index = _check_inner(tables, buf, index, last, field)
                if reason != VALID:
                    return reason, tag, index
            place, reason, tag = _member(tables, buf, index, last, group, before)
        if place > 1:
            return SessionReject.GROUP_OUT_OF_ORDER, tag, index
    place, _, tag = _member(tables, buf, index, last, group, 0)
    if place == 1:
        return SessionReject.GROUP_COUNT_WRONG, count_tag, index
    if place > 1:
        return SessionReject.GROUP_OUT_OF_ORDER, tag, index
    return VALID, 0, index


@kernel
def _check_inner(tables, buf, index, last, count_field):
    """A group inside a group; its members hold no further group."""
    group = np.int64(tables.fields[count_field]["group"])
    count_tag = np.int64(tables.fields[count_field]["tag"])
    _, instances = check_value(tables, buf, index - 1)
    for _ in range(instances):
        place, reason, tag = _member(tables, buf, index, last, group, 0)
        if place == 0:
            return SessionReject.GROUP_COUNT_WRONG, count_tag, index
        before = 0
        while place > before:
            if reason != VALID:
                return reason, tag, index
            index += 1
            before = place
            place, reason, tag = _member(tables, buf, index, last, group, before)
        if place > 1:
            return SessionReject.GROUP_OUT_OF_ORDER, tag, index
    place, _, tag = _member(tables, buf, index, last, group, 0)
    if place != 0:
        return SessionReject.GROUP_COUNT_WRONG, count_tag, index
    return VALID, 0, index


@kernel
def _member(tables, buf, index, last, group, before):
    """(place of row `index` in a group, 0: no member; what is wrong with it; its tag)."""
    if index >= last:
        return 0, VALID, 0
    row = tables.table[index]
    tag = np.int64(row["tag"])
    place = np.int64(tables.places[group * DIALECT_FIELDS_MAX + row["field"]])
    if place == 0 or row["field"] == 0:
        return 0, VALID, tag
    if before == 0 and place != 1:
        return place, SessionReject.GROUP_OUT_OF_ORDER, tag
    if row["length"] == 0:
        return place, SessionReject.TAG_WITHOUT_VALUE, tag
    code, _ = check_value(tables, buf, index)
    return place, code if code != OK else VALID, tag
