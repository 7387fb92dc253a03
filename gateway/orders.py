"""FIX application messages to command rows: D, F, G, q, i, Z and R, many in one call.

`decode_orders` takes what needs no thought: a logged-on session's valid messages in sequence. It
stops in front of everything else, which `read_message` hands to Python over the same tables.

Data path: bytes -> codec.frame -> codec.tokenise -> check.check_fields -> here -> COMMAND rows.
Source: specs/order_entry.md O-10 to O-13, O-20 to O-23, O-55, O-56.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel, kernel
from engine.types import CommandKind
from gateway.arena import (
    BEGIN_NEXT,
    BEGIN_WORD,
    MESSAGE_OF_TYPE,
    SLOT_LENGTH,
    SLOT_VALUE,
    open_dialect,
    open_session,
    open_views,
)
from gateway.check import VALID, SessionReject, check_fields
from gateway.codec import GARBLED, MESSAGE, NEED_MORE, TOO_MANY_FIELDS, frame, tokenise
from gateway.dialect import HEADER_CELL
from gateway.fill import (
    POSS_DUP_SLOT,
    SENDER_SLOT,
    SENDING_TIME_SLOT,
    SEQ_NUM_SLOT,
    TARGET_SLOT,
    check_conditions,
    fill_command,
    is_quote,
    words_of_slot,
)
from gateway.quotes import check_quotes, fill_quotes
from gateway.scan import load8
from gateway.types import Stop

_STOP_NEED_MORE = int(Stop.NEED_MORE)
_STOP_FULL = int(Stop.COMMANDS_FULL)
_STOP_PYTHON = int(Stop.PYTHON)
_SOH = 1


@kernel
def decode_orders(arena, buf, start, end, session, commands, first_free, now_ns):
    """Decode consecutive in-sequence messages D, F, G, q, i, Z, R of a session into command rows.

    arena: Tables.arena. buf: uint8[], the session's bytes at start:end; READ_SLACK_BYTES behind
    end make it faster. commands: COMMAND[], rows from first_free are written. now_ns: both clocks.
    Returns (bytes consumed, rows written, Stop). Advances the session's expected_in.
    Source: O-10.
    """
    views = open_views(arena)
    row = open_session(arena, views.words, session)
    if row["dialect"] != 0:
        views = open_dialect(arena, row)
    return _decode_orders(views, buf, start, end, row, commands, first_free, now_ns)


@codec_kernel
def _decode_orders(views, buf, start, end, row, commands, first_free, now_ns):
    at = start
    free = first_free
    stop = _STOP_PYTHON
    while row["active"] == 1:
        if free >= commands.size:
            stop = _STOP_FULL
            break
        status, size, body = frame(buf, at, end)
        if status == NEED_MORE:
            stop = _STOP_NEED_MORE
            break
        if status != MESSAGE or buf[body + 4] != _SOH:
            break
        kind = _kind_of_type(buf[body + 3])
        if kind == CommandKind.NONE:
            break
        count = tokenise(views, buf, at, at + size)
        if count < 0:
            break
        message = np.int64(views.bytes[MESSAGE_OF_TYPE + np.int64(buf[body + 3])])
        reason, _, header_seen, seen = check_fields(views, buf, count, message)
        if reason != VALID or not _is_in_sequence(views, buf, at, row, header_seen, now_ns):
            break
        reason, _, rows = _check_body(views, buf, count, message, kind, seen)
        if reason != VALID:
            break
        if free + rows > commands.size:
            stop = _STOP_FULL
            break
        fill_command(views, buf, message, kind, seen, row, commands[free], now_ns)
        if is_quote(kind):
            fill_quotes(views, buf, count, kind, commands, free)
        row["expected_in"] += np.uint32(1)
        free += rows
        at += size
    return at - start, free - first_free, stop


@kernel
def decode_one(arena, buf, start, size, session, commands, index, now_ns):
    """Decode one valid message D, F, G, q, i, Z, R, whatever its number, from commands[index] on.

    For messages that Python has looked at (PossDup). Returns the rows written, 0 where it is none
    of these, invalid, or has no room; expected_in stays as it is. Source: O-10, O-12.
    """
    views = open_views(arena)
    row = open_session(arena, views.words, session)
    if row["dialect"] != 0:
        views = open_dialect(arena, row)
    return _decode_one(views, buf, start, size, row, commands, index, now_ns)


@codec_kernel
def _decode_one(views, buf, start, size, row, commands, index, now_ns):
    status, found, body = frame(buf, start, start + size)
    if status != MESSAGE or found != size or buf[body + 4] != _SOH:
        return 0
    kind = _kind_of_type(buf[body + 3])
    count = tokenise(views, buf, start, start + size)
    if kind == CommandKind.NONE or count < 0:
        return 0
    message = np.int64(views.bytes[MESSAGE_OF_TYPE + np.int64(buf[body + 3])])
    reason, _, _, seen = check_fields(views, buf, count, message)
    if reason != VALID:
        return 0
    reason, _, rows = _check_body(views, buf, count, message, kind, seen)
    if reason != VALID or index + rows > commands.size:
        return 0
    fill_command(views, buf, message, kind, seen, row, commands[index], now_ns)
    if is_quote(kind):
        fill_quotes(views, buf, count, kind, commands, index)
    return rows


@codec_kernel
def _check_body(views, buf, count, message, kind, seen):
    """What the tables cannot say: (VALID, 373 or BUSINESS + 380; tag; command rows)."""
    reason, tag = check_conditions(views, buf, message, kind, seen)
    if reason != VALID or not is_quote(kind):
        return reason, tag, 1
    return check_quotes(views, buf, count, kind)


@kernel
def read_message(arena, buf, start, end):
    """The message at buf[start:end] for Python: its fields in the arena's table, and its fault.

    Returns (Read, bytes, fields, reason, tag): reason VALID, 373, or BUSINESS + 380; a message
    type outside the dialect is INVALID_MSG_TYPE.
    """
    return _read_message(open_views(arena), buf, start, end)


@codec_kernel
def _read_message(views, buf, start, end):
    status, size, body = frame(buf, start, end)
    if status != MESSAGE:
        return status, size, 0, VALID, 0
    count = tokenise(views, buf, start, start + size)
    if count == TOO_MANY_FIELDS:
        return MESSAGE, size, 0, SessionReject.OTHER, 0
    if count < 0:
        return GARBLED, size, 0, VALID, 0
    if buf[body + 3] == _SOH:
        return MESSAGE, size, count, SessionReject.TAG_WITHOUT_VALUE, 35
    place = np.int64(buf[body + 3])
    is_long = buf[body + 4] != _SOH
    if is_long:
        place = 128 * (place - 64) + (np.int64(buf[body + 4]) & 127)
        if not ord("A") <= buf[body + 3] <= ord("B") or buf[body + 5] != _SOH:
            return MESSAGE, size, count, SessionReject.INVALID_MSG_TYPE, 0
    message = np.int64(views.bytes[MESSAGE_OF_TYPE + place])
    if message == 0:
        return MESSAGE, size, count, SessionReject.INVALID_MSG_TYPE, 0
    reason, tag, _, seen = check_fields(views, buf, count, message)
    if reason == VALID and not is_long:
        kind = _kind_of_type(buf[body + 3])
        if buf[body + 3] == ord("H"):
            kind = CommandKind.STATUS_REQUEST
        if kind != CommandKind.NONE:
            reason, tag, _ = _check_body(views, buf, count, message, kind, seen)
    return MESSAGE, size, count, reason, tag


@codec_kernel
def _kind_of_type(msg_type):
    if msg_type == ord("D"):
        return CommandKind.NEW_ORDER
    if msg_type == ord("F"):
        return CommandKind.CANCEL
    if msg_type == ord("G"):
        return CommandKind.REPLACE
    if msg_type == ord("q"):
        return CommandKind.MASS_CANCEL
    if msg_type == ord("i"):
        return CommandKind.MASS_QUOTE
    if msg_type == ord("Z"):
        return CommandKind.QUOTE_CANCEL
    if msg_type == ord("R"):
        return CommandKind.QUOTE_REQUEST
    return CommandKind.NONE


@codec_kernel
def _is_in_sequence(views, buf, start, row, header_seen, now_ns):
    """True where the message is the session's next, fresh, and not a possible duplicate."""
    if views.words[SLOT_VALUE + SEQ_NUM_SLOT] != row["expected_in"]:
        return False
    if (header_seen >> (POSS_DUP_SLOT - HEADER_CELL)) & 1 != 0:
        return False
    if np.int64(load8(buf, start + 2)) != views.words[BEGIN_WORD]:
        return False
    if np.int64(buf[start + 10]) != views.words[BEGIN_NEXT]:
        return False
    late_ns = now_ns - views.words[SLOT_VALUE + SENDING_TIME_SLOT]
    if abs(late_ns) > row["clock_tolerance_ns"]:
        return False
    if (
        views.ints[SLOT_LENGTH + SENDER_SLOT] != row["peer_chars"]
        or views.ints[SLOT_LENGTH + TARGET_SLOT] != row["own_chars"]
    ):
        return False
    word_0, word_1, _ = words_of_slot(views, buf, SENDER_SLOT)
    if word_0 != row["peer_0"] or word_1 != row["peer_1"]:
        return False
    word_0, word_1, _ = words_of_slot(views, buf, TARGET_SLOT)
    return word_0 == row["own_0"] and word_1 == row["own_1"]
