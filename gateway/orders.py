"""FIX application messages to command rows: D, F, G and q, many in one call.

`decode_orders` takes what needs no thought: a logged-on session's valid messages in sequence. It
stops in front of everything else, which `read_message` hands to Python over the same tables.

Data path: bytes -> codec.frame -> codec.tokenise -> check.check_fields -> here -> COMMAND rows.
Source: specs/order_entry.md O-10 to O-13, O-20 to O-23.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from engine.kernel import kernel
from engine.types import CL_ORD_ID_CHARS, CommandKind, ExecInst, OrdType, TimeInForce
from gateway.arena import FILL_MAX, HASH_MULTIPLIER, open_decode
from gateway.check import VALID, SessionReject, check_fields
from gateway.codec import TOO_MANY_FIELDS, frame, tokenise
from gateway.dialect import HEADER_CELL
from gateway.scan import keep_bytes, load8
from gateway.types import Read, Stop

CONDITIONALLY_REQUIRED = 5  # BusinessRejectReason 380
BUSINESS = 1000  # added to a 380 reason where 373 and 380 share a number
_SOH = 1
_POST_ONLY = int(ExecInst.POST_ONLY)
_NAME_CHARS_MAX = 24
_FOUR_BYTES_MAX = 0xFFFFFFFF
_BEGIN_WORD = int.from_bytes(b"FIX.4.4\x01", "little")


class Fill(IntEnum):
    """Fields that a command row takes; `FILL_TAGS` gives each its tag."""

    CL_ORD_ID = 0
    ORIG_CL_ORD_ID = 1
    ORDER_ID = 2
    ACCOUNT = 3
    SYMBOL = 4
    SIDE = 5
    ORDER_QTY = 6
    ORD_TYPE = 7
    PRICE = 8
    STOP_PX = 9
    TIME_IN_FORCE = 10
    EXPIRE_DATE = 11
    MIN_QTY = 12
    MAX_FLOOR = 13
    EXEC_INST = 14
    POSITION_EFFECT = 15
    CAPACITY = 16
    SELF_MATCH = 17
    SELF_MATCH_ID = 18
    HEDGE_FLAG = 19
    TRANSACT_TIME = 20
    SCOPE = 21


FILL_TAGS = {
    Fill.CL_ORD_ID: 11,
    Fill.ORIG_CL_ORD_ID: 41,
    Fill.ORDER_ID: 37,
    Fill.ACCOUNT: 1,
    Fill.SYMBOL: 55,
    Fill.SIDE: 54,
    Fill.ORDER_QTY: 38,
    Fill.ORD_TYPE: 40,
    Fill.PRICE: 44,
    Fill.STOP_PX: 99,
    Fill.TIME_IN_FORCE: 59,
    Fill.EXPIRE_DATE: 432,
    Fill.MIN_QTY: 110,
    Fill.MAX_FLOOR: 111,
    Fill.EXEC_INST: 18,
    Fill.POSITION_EFFECT: 77,
    Fill.CAPACITY: 528,
    Fill.SELF_MATCH: 8000,
    Fill.SELF_MATCH_ID: 7928,
    Fill.HEDGE_FLAG: 5300,
    Fill.TRANSACT_TIME: 60,
    Fill.SCOPE: 530,
}
assert len(Fill) <= FILL_MAX

# Header slots in the order of FIX44.xml, as indices of the slot tables (asserted by Tables).
SENDER_SLOT = HEADER_CELL + 3
TARGET_SLOT = HEADER_CELL + 4
SEQ_NUM_SLOT = HEADER_CELL + 5
SENDING_TIME_SLOT = HEADER_CELL + 6
POSS_DUP_SLOT = HEADER_CELL + 7
HEADER_SLOT_TAGS = {
    SENDER_SLOT: 49,
    TARGET_SLOT: 56,
    SEQ_NUM_SLOT: 34,
    SENDING_TIME_SLOT: 52,
    POSS_DUP_SLOT: 43,
}


@kernel
def decode_orders(arena, buf, start, end, session, commands, first_free, now_ns):
    """Decode consecutive in-sequence messages D, F, G, q of a session into command rows.

    arena: Tables.arena. buf: uint8[], the session's bytes at start:end; READ_SLACK_BYTES behind
    end make it faster. commands: COMMAND[], rows from first_free are written. now_ns: both clocks.
    Returns (bytes consumed, rows written, Stop). Advances the session's expected_in.
    Source: O-10.
    """
    tables = open_decode(arena)
    row = tables.sessions[session]
    at = start
    free = first_free
    stop = Stop.PYTHON
    while row["active"] == 1:
        if free >= commands.size:
            stop = Stop.COMMANDS_FULL
            break
        status, size, body = frame(buf, at, end)
        if status == Read.NEED_MORE:
            stop = Stop.NEED_MORE
            break
        if status != Read.MESSAGE or buf[body + 4] != _SOH:
            break
        kind = _kind_of_type(buf[body + 3])
        if kind == CommandKind.NONE:
            break
        count = tokenise(tables, buf, at, at + size)
        if count < 0:
            break
        message = np.int64(tables.message_of_type[buf[body + 3]])
        reason, _, header_seen, seen = check_fields(tables, buf, count, message)
        if reason != VALID or not _is_in_sequence(tables, buf, at, row, header_seen, now_ns):
            break
        reason, _ = check_conditions(tables, buf, message, kind, seen)
        if reason != VALID:
            break
        _fill(tables, buf, message, kind, seen, row, commands, free, now_ns)
        row["expected_in"] += np.uint32(1)
        free += 1
        at += size
    return at - start, free - first_free, stop


@kernel
def decode_one(arena, buf, start, size, session, commands, index, now_ns):
    """Decode one whole valid message D, F, G or q, whatever its number, into commands[index].

    For messages that Python has looked at (PossDup). Returns False where it is none of these or
    invalid; expected_in stays as it is. Source: O-10, O-12.
    """
    tables = open_decode(arena)
    status, found, body = frame(buf, start, start + size)
    if status != Read.MESSAGE or found != size or buf[body + 4] != _SOH:
        return False
    kind = _kind_of_type(buf[body + 3])
    count = tokenise(tables, buf, start, start + size)
    if kind == CommandKind.NONE or count < 0:
        return False
    message = np.int64(tables.message_of_type[buf[body + 3]])
    reason, _, _, seen = check_fields(tables, buf, count, message)
    if reason == VALID:
        reason, _ = check_conditions(tables, buf, message, kind, seen)
    if reason != VALID:
        return False
    _fill(tables, buf, message, kind, seen, tables.sessions[session], commands, index, now_ns)
    return True


@kernel
def read_message(arena, buf, start, end):
    """The message at buf[start:end] for Python: its fields in the arena's table, and its fault.

    Returns (Read, bytes, fields, reason, tag): reason VALID, 373, or BUSINESS + 380; a message
    type outside the dialect is INVALID_MSG_TYPE.
    """
    tables = open_decode(arena)
    status, size, body = frame(buf, start, end)
    if status != Read.MESSAGE:
        return status, size, 0, VALID, 0
    count = tokenise(tables, buf, start, start + size)
    if count == TOO_MANY_FIELDS:
        return Read.MESSAGE, size, 0, SessionReject.OTHER, 0
    if count < 0:
        return Read.GARBLED, size, 0, VALID, 0
    message = np.int64(tables.message_of_type[buf[body + 3]])
    if buf[body + 3] == _SOH:
        return Read.MESSAGE, size, count, SessionReject.TAG_WITHOUT_VALUE, 35
    if message == 0 or buf[body + 4] != _SOH:
        return Read.MESSAGE, size, count, SessionReject.INVALID_MSG_TYPE, 0
    reason, tag, _, seen = check_fields(tables, buf, count, message)
    if reason == VALID:
        kind = _kind_of_type(buf[body + 3])
        if buf[body + 3] == ord("H"):
            kind = CommandKind.STATUS_REQUEST
        if kind != CommandKind.NONE:
            reason, tag = check_conditions(tables, buf, message, kind, seen)
    return Read.MESSAGE, size, count, reason, tag


@kernel
def _kind_of_type(msg_type):
    if msg_type == ord("D"):
        return CommandKind.NEW_ORDER
    if msg_type == ord("F"):
        return CommandKind.CANCEL
    if msg_type == ord("G"):
        return CommandKind.REPLACE
    if msg_type == ord("q"):
        return CommandKind.MASS_CANCEL
    return CommandKind.NONE


@kernel
def _is_in_sequence(tables, buf, start, row, header_seen, now_ns):
    """True where the message is the session's next, fresh, and not a possible duplicate."""
    if tables.slot_value[SEQ_NUM_SLOT] != np.int64(row["expected_in"]):
        return False
    if header_seen >> np.uint64(POSS_DUP_SLOT - HEADER_CELL) & np.uint64(1) != 0:
        return False
    if load8(buf, start + 2) != _BEGIN_WORD:
        return False
    late_ns = now_ns - tables.slot_value[SENDING_TIME_SLOT]
    if late_ns > row["clock_tolerance_ns"] or -late_ns > row["clock_tolerance_ns"]:
        return False
    sender = tables.slot_length[SENDER_SLOT]
    target = tables.slot_length[TARGET_SLOT]
    if sender != row["peer_chars"] or target != row["own_chars"]:
        return False
    word_0, word_1, _ = _words(buf, tables.slot_offset[SENDER_SLOT], sender)
    if word_0 != row["peer_0"] or word_1 != row["peer_1"]:
        return False
    word_0, word_1, _ = _words(buf, tables.slot_offset[TARGET_SLOT], target)
    return word_0 == row["own_0"] and word_1 == row["own_1"]


@kernel
def check_conditions(tables, buf, message, kind, seen):
    """What the tables cannot say: fields required by others, and bounds of ids.

    Returns (VALID, 373 or BUSINESS + 380; tag). Source: O-21.
    """
    fill = tables.fill[message * FILL_MAX : (message + 1) * FILL_MAX]
    for which, tag in ((Fill.CL_ORD_ID, 11), (Fill.ORIG_CL_ORD_ID, 41)):
        if _has(fill, seen, which) and tables.slot_length[fill[which]] > CL_ORD_ID_CHARS:
            return SessionReject.VALUE_INCORRECT, tag
    if _has(fill, seen, Fill.SELF_MATCH_ID):
        self_match_id = tables.slot_value[fill[Fill.SELF_MATCH_ID]]
        if self_match_id < 0 or self_match_id > _FOUR_BYTES_MAX:
            return SessionReject.VALUE_INCORRECT, 7928
    missing = BUSINESS + CONDITIONALLY_REQUIRED
    if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
        if not _has(fill, seen, Fill.ORIG_CL_ORD_ID):
            return missing, 41
    if not _has(fill, seen, Fill.SYMBOL):
        if kind != CommandKind.MASS_CANCEL:
            return missing, 55
        if tables.slot_value[fill[Fill.SCOPE]] != ord("7"):
            return missing, 55
    if kind == CommandKind.NEW_ORDER or kind == CommandKind.REPLACE:
        if not _has(fill, seen, Fill.ORDER_QTY):
            return missing, 38
        is_limit = tables.slot_value[fill[Fill.ORD_TYPE]] == OrdType.LIMIT
        if is_limit and not _has(fill, seen, Fill.PRICE):
            return missing, 44
        is_gtd = _value(tables, fill, seen, Fill.TIME_IN_FORCE) == TimeInForce.GTD
        if is_gtd and not _has(fill, seen, Fill.EXPIRE_DATE):
            return missing, 432
    return VALID, 0


@kernel
def _has(fill, seen, which):
    return (seen >> np.uint64(fill[which])) & np.uint64(1) != 0


@kernel
def _value(tables, fill, seen, which):
    return tables.slot_value[fill[which]] if _has(fill, seen, which) else 0


@kernel
def _words(buf, offset, length):
    """A value of at most 24 bytes as three zero-padded words."""
    word_0 = keep_bytes(load8(buf, offset), length)
    word_1 = np.uint64(0)
    word_2 = np.uint64(0)
    if length > 8:
        word_1 = keep_bytes(load8(buf, offset + 8), length - 8)
    if length > 16:
        word_2 = keep_bytes(load8(buf, offset + 16), length - 16)
    return np.uint64(word_0), np.uint64(word_1), np.uint64(word_2)


@kernel
def _fill(tables, buf, message, kind, seen, row, commands, index, now_ns):
    """Write one command row; zeroed first, so that equal messages are equal bytes."""
    words = commands[index : index + 1].view(np.int64)
    for word in range(words.size):
        words[word] = 0
    command = commands[index]
    fill = tables.fill[message * FILL_MAX : (message + 1) * FILL_MAX]
    command["time_ns"] = now_ns
    command["session"] = row["session"]
    command["member"] = row["member"]
    command["kind"] = kind
    command["msg_seq_num"] = tables.slot_value[SEQ_NUM_SLOT]
    command["transact_time_ns"] = tables.slot_value[fill[Fill.TRANSACT_TIME]]
    command["side"] = _value(tables, fill, seen, Fill.SIDE)
    _fill_ids(tables, buf, kind, fill, seen, command)
    _fill_names(tables, buf, kind, fill, seen, row, command)
    if kind == CommandKind.NEW_ORDER or kind == CommandKind.REPLACE:
        _fill_terms(tables, kind, fill, seen, command)


@kernel
def _fill_ids(tables, buf, kind, fill, seen, command):
    slot = fill[Fill.CL_ORD_ID]
    word_0, word_1, word_2 = _words(buf, tables.slot_offset[slot], tables.slot_length[slot])
    command["cl_ord_id_0"] = word_0
    command["cl_ord_id_1"] = word_1
    command["cl_ord_id_2"] = word_2
    if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
        slot = fill[Fill.ORIG_CL_ORD_ID]
        word_0, word_1, word_2 = _words(buf, tables.slot_offset[slot], tables.slot_length[slot])
        command["orig_cl_ord_id_0"] = word_0
        command["orig_cl_ord_id_1"] = word_1
        command["orig_cl_ord_id_2"] = word_2
        if _has(fill, seen, Fill.ORDER_ID):
            slot = fill[Fill.ORDER_ID]
            command["order_id"] = _order_id(buf, tables.slot_offset[slot], tables.slot_length[slot])


@kernel
def _order_id(buf, offset, length):
    """OrderID (37) as a number; 0 where the member sent something else."""
    value = 0
    if length > 18:
        return 0
    for at in range(offset, offset + length):
        digit = np.int64(buf[at]) - ord("0")
        if digit < 0 or digit > 9:
            return 0
        value = value * 10 + digit
    return value


@kernel
def _fill_names(tables, buf, kind, fill, seen, row, command):
    if _has(fill, seen, Fill.ACCOUNT):
        slot = fill[Fill.ACCOUNT]
        command["account"] = find_name(
            tables.accounts,
            tables.account_hash,
            buf,
            tables.slot_offset[slot],
            tables.slot_length[slot],
            np.int64(row["member"]),
        )
    elif kind == CommandKind.NEW_ORDER:
        command["account"] = row["default_account"]
    scope = 0
    if kind == CommandKind.MASS_CANCEL:
        scope = tables.slot_value[fill[Fill.SCOPE]]
        command["scope"] = scope
    if not _has(fill, seen, Fill.SYMBOL) or scope == ord("7"):
        return
    slot = fill[Fill.SYMBOL]
    offset, length = tables.slot_offset[slot], tables.slot_length[slot]
    if scope == ord("3"):
        command["product"] = find_name(tables.products, tables.product_hash, buf, offset, length, 0)
        return
    instrument = find_name(tables.instruments, tables.instrument_hash, buf, offset, length, 0)
    command["instrument"] = instrument
    command["product"] = tables.instruments[instrument]["owner"]


@kernel
def _fill_terms(tables, kind, fill, seen, command):
    command["qty"] = tables.slot_value[fill[Fill.ORDER_QTY]]
    ord_type = tables.slot_value[fill[Fill.ORD_TYPE]]
    command["ord_type"] = ord_type
    if ord_type != OrdType.MARKET:
        command["price"] = _value(tables, fill, seen, Fill.PRICE)
    time_in_force = _value(tables, fill, seen, Fill.TIME_IN_FORCE)
    if time_in_force == 0 and kind == CommandKind.NEW_ORDER:
        time_in_force = TimeInForce.DAY
    command["time_in_force"] = time_in_force
    command["stop_price"] = _value(tables, fill, seen, Fill.STOP_PX)
    command["expire_date"] = _value(tables, fill, seen, Fill.EXPIRE_DATE)
    command["min_qty"] = _value(tables, fill, seen, Fill.MIN_QTY)
    command["display_qty"] = _value(tables, fill, seen, Fill.MAX_FLOOR)
    command["position_effect"] = _value(tables, fill, seen, Fill.POSITION_EFFECT)
    command["capacity"] = _value(tables, fill, seen, Fill.CAPACITY)
    command["self_match"] = _value(tables, fill, seen, Fill.SELF_MATCH)
    command["self_match_id"] = _value(tables, fill, seen, Fill.SELF_MATCH_ID)
    command["hedge_flag"] = _value(tables, fill, seen, Fill.HEDGE_FLAG)
    if _has(fill, seen, Fill.EXEC_INST):
        command["exec_inst"] = _POST_ONLY


@kernel
def hash_words(word_0, word_1, word_2, owner, places):
    """Where a name is looked for first in a hash table of `places`, a power of two."""
    mixed = np.uint64(word_0) ^ (np.uint64(word_1) << np.uint64(1)) ^ np.uint64(word_2)
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed ^ np.uint64(owner)) & np.uint64(_FOUR_BYTES_MAX)
    mixed = mixed * np.uint64(HASH_MULTIPLIER >> 32)
    return np.int64((mixed >> np.uint64(20)) & np.uint64(places - 1))


@kernel
def find_name(names, places, buf, offset, length, owner):
    """Id of a name of `length` bytes at buf[offset]; 0: unknown. owner 0: names have no owner."""
    if length > _NAME_CHARS_MAX:
        return 0
    word_0, word_1, word_2 = _words(buf, offset, length)
    at = hash_words(word_0, word_1, word_2, owner, places.size)
    while places[at] != 0:
        found = np.int64(places[at])
        row = names[found]
        if row["word_0"] == word_0 and row["word_1"] == word_1 and row["word_2"] == word_2:
            if owner == 0 or row["owner"] == owner:
                return found
        at = (at + 1) & (places.size - 1)
    return 0
