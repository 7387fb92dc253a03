"""A checked message to a command row: what the dialect's tables cannot say, names, and the fields.

Third pass of the decoder; reads the slots that gateway/check.py filled. Names become ids by the
hash tables of the arena; an unknown one becomes 0, which the engine refuses.

Source: specs/order_entry.md O-11, O-21.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from engine.kernel import codec_kernel
from engine.types import (
    CL_ORD_ID_CHARS,
    CommandKind,
    ExecInst,
    MassCancelScope,
    OrdType,
    TimeInForce,
)
from gateway.arena import (
    FILL,
    FILL_MAX,
    NAME_BYTES,
    NAME_WORDS,
    SLOT_LENGTH,
    SLOT_OFFSET,
    SLOT_VALUE,
    Section,
)
from gateway.check import VALID, SessionReject
from gateway.dialect import HEADER_CELL
from gateway.fields import OK, read_count
from gateway.scan import keep_bytes, load8

CONDITIONALLY_REQUIRED = 5  # BusinessRejectReason 380
BUSINESS = 1000  # added to a 380 reason where 373 and 380 share a number
_POST_ONLY = int(ExecInst.POST_ONLY)
_FOUR_BYTES_MAX = 0xFFFFFFFF
_HASH_MULTIPLIER = 0x9E3779B9


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
QUOTE_ID = 117  # the id of quote messages: where others have ClOrdID
QUOTE_REQ_ID = 131  # of a QuoteRequest
HEADER_SLOT_TAGS = {
    SENDER_SLOT: 49,
    TARGET_SLOT: 56,
    SEQ_NUM_SLOT: 34,
    SENDING_TIME_SLOT: 52,
    POSS_DUP_SLOT: 43,
}


@codec_kernel
def check_conditions(views, buf, message, kind, seen):
    """What the tables cannot say: fields required by others, and bounds of ids.

    Returns (VALID, 373 or BUSINESS + 380; tag). Source: O-21.
    """
    fill = FILL + message * FILL_MAX
    for which, tag in ((Fill.CL_ORD_ID, 11), (Fill.ORIG_CL_ORD_ID, 41)):
        chars = views.ints[SLOT_LENGTH + np.int64(views.bytes[fill + which])]
        if _has(views, fill, seen, which) and chars > CL_ORD_ID_CHARS:
            return SessionReject.VALUE_INCORRECT, _id_tag(kind, tag)
    if is_quote(kind):
        return VALID, 0
    self_match_id = _value(views, fill, Fill.SELF_MATCH_ID)
    if self_match_id < 0 or self_match_id > _FOUR_BYTES_MAX:
        return SessionReject.VALUE_INCORRECT, 7928
    return _check_presence(views, fill, kind, seen)


@codec_kernel
def is_quote(kind):
    """Whether a message is a MassQuote or of its kin: gateway/quotes.py knows the rest."""
    return kind >= CommandKind.MASS_QUOTE and kind <= CommandKind.QUOTE_REQUEST


@codec_kernel
def _id_tag(kind, tag):
    """Where a message has its id: quotes have no ClOrdID."""
    if kind == CommandKind.QUOTE_REQUEST:
        return QUOTE_REQ_ID
    return QUOTE_ID if is_quote(kind) else tag


@codec_kernel
def _check_presence(views, fill, kind, seen):
    missing = BUSINESS + CONDITIONALLY_REQUIRED
    amends = kind == CommandKind.CANCEL or kind == CommandKind.REPLACE
    if amends and not _has(views, fill, seen, Fill.ORIG_CL_ORD_ID):
        return missing, 41
    if not _has(views, fill, seen, Fill.SYMBOL):
        if kind != CommandKind.MASS_CANCEL:
            return missing, 55
        if _value(views, fill, Fill.SCOPE) != MassCancelScope.MEMBER:
            return missing, 55
    if kind == CommandKind.NEW_ORDER or kind == CommandKind.REPLACE:
        if not _has(views, fill, seen, Fill.ORDER_QTY):
            return missing, 38
        ord_type = _value(views, fill, Fill.ORD_TYPE)
        is_limit = ord_type == OrdType.LIMIT or ord_type == OrdType.STOP_LIMIT
        if is_limit and not _has(views, fill, seen, Fill.PRICE):
            return missing, 44
        if ord_type > OrdType.LIMIT and not _has(views, fill, seen, Fill.STOP_PX):
            return missing, 99
        is_gtd = _value(views, fill, Fill.TIME_IN_FORCE) == TimeInForce.GTD
        if is_gtd and not _has(views, fill, seen, Fill.EXPIRE_DATE):
            return missing, 432
    return VALID, 0


@codec_kernel
def _has(views, fill, seen, which):
    return (seen >> np.int64(views.bytes[fill + which])) & 1 != 0


@codec_kernel
def _value(views, fill, which):
    """The value of a field, 0 where it is absent (slot 0 is never filled)."""
    return views.words[SLOT_VALUE + np.int64(views.bytes[fill + which])]


@codec_kernel
def words_of_slot(views, buf, slot):
    """The value in a slot, at most 24 bytes, as three zero-padded words."""
    offset, length = views.ints[SLOT_OFFSET + slot], views.ints[SLOT_LENGTH + slot]
    return _words(buf, np.int64(offset), np.int64(length))


@codec_kernel
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


@codec_kernel
def fill_command(views, buf, message, kind, seen, row, command, now_ns):
    """Write one command row, every field, so that equal messages are equal bytes."""
    fill = FILL + message * FILL_MAX
    command["time_ns"] = now_ns
    command["session"] = row["session"]
    command["member"] = row["member"]
    command["kind"] = kind
    command["msg_seq_num"] = views.words[SLOT_VALUE + SEQ_NUM_SLOT]
    command["transact_time_ns"] = _value(views, fill, Fill.TRANSACT_TIME)
    command["side"] = _value(views, fill, Fill.SIDE)
    command["quote_set"] = 0
    command["blob_offset"] = 0
    command["blob_length"] = 0
    command["reason"] = 0
    command["trading_date"] = 0
    _fill_ids(views, buf, fill, seen, command)
    _fill_names(views, buf, kind, fill, seen, row, command)
    _fill_terms(views, kind, fill, seen, command)


@codec_kernel
def _fill_ids(views, buf, fill, seen, command):
    slot = np.int64(views.bytes[fill + Fill.CL_ORD_ID])
    word_0, word_1, word_2 = words_of_slot(views, buf, slot)
    command["cl_ord_id_0"] = word_0
    command["cl_ord_id_1"] = word_1
    command["cl_ord_id_2"] = word_2
    command["orig_cl_ord_id_0"] = 0
    command["orig_cl_ord_id_1"] = 0
    command["orig_cl_ord_id_2"] = 0
    command["order_id"] = 0
    if _has(views, fill, seen, Fill.ORIG_CL_ORD_ID):
        slot = np.int64(views.bytes[fill + Fill.ORIG_CL_ORD_ID])
        word_0, word_1, word_2 = words_of_slot(views, buf, slot)
        command["orig_cl_ord_id_0"] = word_0
        command["orig_cl_ord_id_1"] = word_1
        command["orig_cl_ord_id_2"] = word_2
    if _has(views, fill, seen, Fill.ORDER_ID):
        slot = np.int64(views.bytes[fill + Fill.ORDER_ID])
        length = np.int64(views.ints[SLOT_LENGTH + slot])
        code, value = read_count(buf, np.int64(views.ints[SLOT_OFFSET + slot]), length)
        if code == OK:
            command["order_id"] = value


@codec_kernel
def _fill_names(views, buf, kind, fill, seen, row, command):
    account = np.int64(0)
    if _has(views, fill, seen, Fill.ACCOUNT):
        slot = np.int64(views.bytes[fill + Fill.ACCOUNT])
        account = find_name(views, Section.ACCOUNTS, buf, slot, np.int64(row["member"]))
    elif kind == CommandKind.NEW_ORDER or kind == CommandKind.MASS_QUOTE:
        account = np.int64(row["default_account"])
    scope = _value(views, fill, Fill.SCOPE)
    instrument = np.int64(0)
    product = np.int64(0)
    if _has(views, fill, seen, Fill.SYMBOL) and scope != MassCancelScope.MEMBER:
        slot = np.int64(views.bytes[fill + Fill.SYMBOL])
        if scope == MassCancelScope.PRODUCT:
            product = find_name(views, Section.PRODUCTS, buf, slot, 0)
        else:
            instrument = find_name(views, Section.INSTRUMENTS, buf, slot, 0)
            start = views.words[2 * Section.INSTRUMENTS] // 8
            product = views.words[start + NAME_WORDS * instrument + 3] & 0xFFFF
    command["account"] = account
    command["scope"] = scope
    command["instrument"] = instrument
    command["product"] = product


@codec_kernel
def _fill_terms(views, kind, fill, seen, command):
    ord_type = _value(views, fill, Fill.ORD_TYPE)
    price = _value(views, fill, Fill.PRICE)
    time_in_force = _value(views, fill, Fill.TIME_IN_FORCE)
    if time_in_force == 0 and kind == CommandKind.NEW_ORDER:
        time_in_force = np.int64(ord("0"))
    command["ord_type"] = ord_type
    is_limit = ord_type == OrdType.LIMIT or ord_type == OrdType.STOP_LIMIT
    command["price"] = price if is_limit else 0
    command["time_in_force"] = time_in_force
    command["qty"] = 0
    if kind != CommandKind.CANCEL:
        command["qty"] = _value(views, fill, Fill.ORDER_QTY)
    command["stop_price"] = _value(views, fill, Fill.STOP_PX)
    command["expire_date"] = _value(views, fill, Fill.EXPIRE_DATE)
    command["min_qty"] = _value(views, fill, Fill.MIN_QTY)
    command["display_qty"] = _value(views, fill, Fill.MAX_FLOOR)
    command["position_effect"] = _value(views, fill, Fill.POSITION_EFFECT)
    command["capacity"] = _value(views, fill, Fill.CAPACITY)
    command["self_match"] = _value(views, fill, Fill.SELF_MATCH)
    command["self_match_id"] = _value(views, fill, Fill.SELF_MATCH_ID)
    command["hedge_flag"] = _value(views, fill, Fill.HEDGE_FLAG)
    has_exec_inst = _has(views, fill, seen, Fill.EXEC_INST)
    command["exec_inst"] = _POST_ONLY if has_exec_inst else 0


@codec_kernel
def hash_words(word_0, word_1, word_2, owner, places):
    """Where a name is looked for first in a hash table of `places`, a power of two."""
    mixed = np.uint64(word_0) ^ (np.uint64(word_1) << np.uint64(1)) ^ np.uint64(word_2)
    mixed ^= mixed >> np.uint64(29)
    mixed = (mixed ^ np.uint64(owner)) & np.uint64(_FOUR_BYTES_MAX)
    mixed = mixed * np.uint64(_HASH_MULTIPLIER)
    return np.int64((mixed >> np.uint64(20)) & np.uint64(places - 1))


@codec_kernel
def find_name(views, which, buf, slot, owner):
    """Id of the name in a slot, in a section of names; 0: unknown. owner 0: any."""
    offset, length = views.ints[SLOT_OFFSET + slot], views.ints[SLOT_LENGTH + slot]
    return find_name_at(views, which, buf, np.int64(offset), np.int64(length), owner)


@codec_kernel
def find_name_at(views, which, buf, offset, length, owner):
    """The same of a name at an offset."""
    if length > NAME_BYTES:
        return 0
    word_0, word_1, word_2 = _words(buf, offset, length)
    names = views.words[2 * which] // 8
    first = views.words[2 * which + 2] // 4
    places = views.words[2 * which + 3] // 4 - first
    at = hash_words(word_0, word_1, word_2, owner, places)
    while views.ints[first + at] != 0:
        found = np.int64(views.ints[first + at])
        name = names + NAME_WORDS * found
        same = views.words[name] == np.int64(word_0) and views.words[name + 1] == np.int64(word_1)
        same = same and views.words[name + 2] == np.int64(word_2)
        if same and (owner == 0 or views.words[name + 3] & _FOUR_BYTES_MAX == owner):
            return found
        at = (at + 1) & (places - 1)
    return 0
