"""Rows and codes shared by the FIX codec, the session and the service.

A session's numbers live in one SESSION_ROW, because the decoder advances `expected_in` and the
encoder `next_out` inside kernels; everything else of a session is the Session's own. What a session
sent is one STORE_ROW an outgoing number.

Source: specs/order_entry.md (rules O-*); design: two parts, kernels for the frequent messages and
Python for the rest, over the same tables.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import NamedTuple

import numpy as np

from engine.types import AMENDED_KINDS, BLOCK_KINDS, QUOTE_REPORTS, REPORT_KIND_MAX

BEGIN_STRING = b"FIX.4.4"
FIXT_BEGIN_STRING = b"FIXT.1.1"  # the other dialect's: FIX 5.0 SP2 (O-128)
BEGIN_STRINGS = (BEGIN_STRING, FIXT_BEGIN_STRING)  # by `dialect` of a SESSION_ROW
assert len(FIXT_BEGIN_STRING) == len(BEGIN_STRING) + 1  # reports are written with that shift
COMP_ID_CHARS = 16
ACCOUNT_CHARS = 18
SYMBOL_CHARS = 18
MESSAGE_BYTES_MAX = 8192  # one message, 8= to 10= included; more is garbled
FIELDS_MAX = 1024  # fields in one message
MESSAGE_ROWS_MAX = 512  # command rows of one message, which a batch takes beyond its bound
REPORT_BYTES_MAX = 768  # bytes one report may take in `out`
READ_SLACK_BYTES = 64  # spare bytes behind `end` in a read buffer: the decoder's fast path
TEMPLATE_BYTES = 96


class Stop(IntEnum):
    """Why decode_orders returned."""

    NEED_MORE = 0  # what is left is no whole message
    COMMANDS_FULL = 1  # no free command row
    PYTHON = 2  # the next message is not an in-sequence valid D, F, G, q, i, Z: see Tables.read


class Read(IntEnum):
    """What lies at the start of a buffer."""

    NEED_MORE = 0
    MESSAGE = 1
    GARBLED = 2  # skip `consumed` bytes, number not consumed (fix-session 1.4)


class StoreKind(IntEnum):
    """What an outgoing number was used for."""

    NONE = 0
    EVENT = 1  # reference: event number
    BLOB = 2  # reference: pack_blob(stream position, bytes) of the message as first sent
    ADMIN = 3  # administrative: gap-filled
    BLOB_PENDING = 4  # reference: pack_blob(offset in `out`, bytes); the caller makes it a BLOB


class Encode(IntFlag):
    """How a report is written."""

    LIVE = 0
    POSS_DUP = 1  # 43=Y and 122: sent before under this number
    POSS_RESEND = 2  # 97=Y: may have been sent before under another number
    STATUS = 4  # 150=I: answers an OrderStatusRequest from the order's last event


class Fault(NamedTuple):
    """Why a message is refused. Source: specs/order_entry.md O-20, O-21."""

    business: bool  # True: BusinessMessageReject (380), False: session Reject (373)
    reason: int  # 373 or 380
    tag: int  # 371; 0: none
    text: str


SESSION_ROW = np.dtype(
    [
        ("expected_in", "<u4"),  # next MsgSeqNum expected from the member
        ("next_out", "<u4"),  # next MsgSeqNum to be used by the venue
        ("session", "<u4"),  # its own index; 0: row not defined
        ("default_account", "<u4"),  # for orders without Account (1)
        ("member", "<u2"),
        ("active", "u1"),  # 1: logged on, decode_orders may take its messages
        ("peer_chars", "u1"),
        ("own_chars", "u1"),
        ("dialect", "u1"),  # of its connection: 0 FIX 4.4, 1 FIXT.1.1
        ("template_bytes", "<u2"),
        ("peer_0", "<u8"),  # the member's CompID (49 in, 56 out), zero padded
        ("peer_1", "<u8"),
        ("own_0", "<u8"),  # the venue's CompID (56 in, 49 out)
        ("own_1", "<u8"),
        ("clock_tolerance_ns", "<i8"),  # how far SendingTime (52) may lie from now
    ]
)
assert SESSION_ROW.itemsize == 64

STORE_ROW = np.dtype(
    [
        ("reference", "<u8"),  # bits 56-63: StoreKind; 0-55: see StoreKind
        ("sending_time_ns", "<i8"),  # original SendingTime
    ]
)
assert STORE_ROW.itemsize == 16

SPAN = np.dtype(
    [
        ("session", "<u4"),
        ("store_start", "<u4"),  # first row in `store_rows`
        ("store_count", "<u4"),
        ("first_out", "<u4"),  # MsgSeqNum of the span's first message
        ("out_start", "<u4"),  # bytes into `out`
        ("out_end", "<u4"),
        ("odd", "<u4"),  # 1: some row does not follow from its event (gateway/store.py)
        ("spare", "<u4"),
    ]
)
assert SPAN.itemsize == 32

_REFERENCE_BITS = 56
_BLOB_LENGTH_BITS = 14
assert 1 << _BLOB_LENGTH_BITS > MESSAGE_BYTES_MAX


def pack_reference(kind: StoreKind, reference: int) -> int:
    """The `reference` word of a STORE_ROW."""
    assert 0 <= reference < 1 << _REFERENCE_BITS
    return (int(kind) << _REFERENCE_BITS) | reference


def unpack_reference(word: int) -> tuple[StoreKind, int]:
    """Kind and reference of a STORE_ROW's word."""
    return StoreKind(int(word) >> _REFERENCE_BITS), int(word) & ((1 << _REFERENCE_BITS) - 1)


def pack_blob(position: int, length_bytes: int) -> int:
    """Reference of a message kept verbatim: 42 bits of position, 14 of length."""
    assert 0 < length_bytes < 1 << _BLOB_LENGTH_BITS
    return (position << _BLOB_LENGTH_BITS) | length_bytes


def unpack_blob(reference: int) -> tuple[int, int]:
    """Position and length of pack_blob."""
    return reference >> _BLOB_LENGTH_BITS, reference & ((1 << _BLOB_LENGTH_BITS) - 1)


def are_reports(kinds: np.ndarray) -> np.ndarray:
    """Which of these EventKinds (uint8[n]) are reports to a session, bool[n]."""
    of_quotes = (kinds >= QUOTE_REPORTS[0]) & (kinds <= QUOTE_REPORTS[1])
    return (kinds <= REPORT_KIND_MAX) | of_quotes | np.isin(kinds, (*AMENDED_KINDS, *BLOCK_KINDS))
