"""The codec's memory: one block of bytes that holds every table a kernel needs.

A kernel call pays for each array argument, and a call inside a kernel for each array it hands on,
so the dialect, the names, the sessions and the scratch space lie in one arena, and kernels see it
three times: as bytes, as uint32 and as int64 (`Views`). Places of fixed size lie at constants of
this file, in units of their view; the tables whose size the venue chooses start where the directory
(the first words) says.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from engine.kernel import kernel
from engine.types import REQUEST
from gateway.dialect import (
    DIALECT_FIELDS_MAX,
    GROUPS_MAX,
    MESSAGES_MAX,
    SLOTS_MAX,
    TAGS_MAX,
    TYPES_MAX,
)
from gateway.scan import borrow
from gateway.types import BEGIN_STRINGS, FIELDS_MAX, SESSION_ROW, SPAN, TEMPLATE_BYTES

FILL_MAX = 32  # command fields a message may fill
CANCEL_REASONS = 128  # where cancel reasons begin: 1001-1063 at 129; rejects 1-127 before them
REASONS_MAX = CANCEL_REASONS + 64
TEXTS_BYTES = 16_384
REPORTS_MAX = 8192  # reports of one encode call
NAME_BYTES = 24  # longest name, zero padded
NAME_WORDS = 4  # int64 of a name: 24 bytes, then owner and characters
_ALIGN_BYTES = 64
_SESSION_BYTES = SESSION_ROW.itemsize
_SPAN_BYTES = SPAN.itemsize


class Section(IntEnum):
    """Tables sized by the venue: start and end, in bytes, at directory words 2k and 2k + 1."""

    INSTRUMENTS = 1  # NAME_ROW; owner: product
    INSTRUMENT_HASH = 2  # uint32, a power of two of places; 0: free
    ACCOUNTS = 3  # NAME_ROW; owner: member
    ACCOUNT_HASH = 4
    PRODUCTS = 5  # NAME_ROW
    PRODUCT_HASH = 6
    SESSIONS = 7  # SESSION_ROW
    TEMPLATES = 8  # TEMPLATE_BYTES a session
    SPANS = 9  # SPAN
    COUNTS = 10  # uint32 a session: scratch of the encoder
    ORDER = 11  # uint32[REPORTS_MAX]: scratch of the encoder


_DIRECTORY_WORDS = 2 * (len(Section) + 1)


class Clock(IntEnum):
    """Words of the clock: what was computed last for a time."""

    SECOND_SENDING = 0  # second since 1970 of the text at word 4
    SECOND_EVENT = 1  # the same for event times, text at word 8
    SECOND_IN_NS = 2  # second of the last timestamp read, in ns
    TEXT_SENDING = 4  # 17 characters of a timestamp
    TEXT_EVENT = 8
    SECOND_IN_0 = 12  # characters 0-6 of the last timestamp read
    SECOND_IN_1 = 13  # 7-13
    SECOND_IN_2 = 14  # 14-16
    WORDS = 16


# Places in the view of int64.
ENUM_0 = _DIRECTORY_WORDS  # a field's allowed characters 0-63, as bits; both -1: any
ENUM_1 = ENUM_0 + DIALECT_FIELDS_MAX  # characters 64-127
REQUIRED_HEADER = ENUM_1 + DIALECT_FIELDS_MAX  # a message's header slots, as bits
REQUIRED_BODY = REQUIRED_HEADER + MESSAGES_MAX
SLOT_VALUE = REQUIRED_BODY + MESSAGES_MAX  # body slot s at s (0: absent), header slot at 64 + s
CLOCK = SLOT_VALUE + 2 * SLOTS_MAX
REASON = CLOCK + Clock.WORDS  # offset in TEXTS | bytes << 16 | 103 << 32 | 102 << 40
COMMAND_REQUEST = REASON + REASONS_MAX  # a REQUEST row made from a command
TABLE_WORD = COMMAND_REQUEST + REQUEST.itemsize // 8  # `tag=` of the row as bytes; -1: not kept
TABLE_MASK = TABLE_WORD + FIELDS_MAX  # ones under those bytes
BEGIN_WORD = TABLE_MASK + FIELDS_MAX  # bytes 2 to 9 of every message
BEGIN_NEXT = BEGIN_WORD + 1  # byte 10
_WORDS_END = BEGIN_WORD + 2

# Places in the view of uint32.
FIELD_TAG = 2 * _WORDS_END  # a field's tag
LENGTH_TAG = FIELD_TAG + DIALECT_FIELDS_MAX  # the tag that gives the bytes of a data field
TAG_OF_SLOT = LENGTH_TAG + DIALECT_FIELDS_MAX  # header slots in the row of message 0
TABLE_TAG = TAG_OF_SLOT + MESSAGES_MAX * SLOTS_MAX  # the field table of the message just read
TABLE_OFFSET = TABLE_TAG + FIELDS_MAX  # bytes from the buffer's start to the value
TABLE_LENGTH = TABLE_OFFSET + FIELDS_MAX  # bytes of the value
TABLE_FIELD = TABLE_LENGTH + FIELDS_MAX  # row of the dialect's fields; 0: unknown tag
TABLE_WIDTH = TABLE_FIELD + FIELDS_MAX  # bytes of `tag=`
SLOT_OFFSET = TABLE_WIDTH + FIELDS_MAX
SLOT_LENGTH = SLOT_OFFSET + 2 * SLOTS_MAX
_INTS_END = SLOT_LENGTH + 2 * SLOTS_MAX

# Places in the view of bytes.
FIELD_OF_TAG = 4 * _INTS_END  # row of the dialect's fields; 0: unknown tag
MESSAGE_OF_TYPE = FIELD_OF_TAG + TAGS_MAX
FIELD_KIND = MESSAGE_OF_TYPE + TYPES_MAX  # Kind
FIELD_GROUP = FIELD_KIND + DIALECT_FIELDS_MAX  # of a field in a message
CELLS = FIELD_GROUP + MESSAGES_MAX * DIALECT_FIELDS_MAX
PLACES = CELLS + MESSAGES_MAX * DIALECT_FIELDS_MAX
FILL = PLACES + GROUPS_MAX * DIALECT_FIELDS_MAX  # slot of each orders.Fill in a message
TEXTS = FILL + MESSAGES_MAX * FILL_MAX
_BYTES_END = TEXTS + TEXTS_BYTES
BLOCK_BYTES = -(-_BYTES_END // _ALIGN_BYTES) * _ALIGN_BYTES  # the tables of one dialect

NAME_ROW = np.dtype(
    [
        ("word_0", "<u8"),  # the name, zero padded to 24 bytes
        ("word_1", "<u8"),
        ("word_2", "<u8"),
        ("owner", "<u4"),
        ("chars", "<u4"),  # 0: not defined
    ]
)
assert NAME_ROW.itemsize == 8 * NAME_WORDS


class Bounds(NamedTuple):
    """How many ids of each kind exist: 1 to the bound."""

    instruments_max: int
    accounts_max: int
    products_max: int
    sessions_max: int


class Views(NamedTuple):
    """The arena three times."""

    bytes: np.ndarray  # uint8
    ints: np.ndarray  # uint32: no index of it can be negative, which kernels need not check
    words: np.ndarray  # int64


def make_arena(bounds: Bounds) -> np.ndarray:
    """A zeroed arena with its directories filled: a block for each dialect, then the sections.

    From BLOCK_BYTES on it is the other dialect's arena, with the same sections.
    """
    directory = np.zeros(_DIRECTORY_WORDS, np.int64)
    at = len(BEGIN_STRINGS) * BLOCK_BYTES
    for section, (dtype, count) in _layout(bounds).items():
        directory[2 * section] = at
        directory[2 * section + 1] = at + dtype.itemsize * count
        at = _aligned(at + dtype.itemsize * count)
    arena = np.zeros(at + _ALIGN_BYTES, np.uint8)
    first = -arena.ctypes.data % _ALIGN_BYTES
    arena = arena[first : first + at]
    for block in range(len(BEGIN_STRINGS)):
        start = block * BLOCK_BYTES
        arena[start : start + directory.nbytes] = (directory - start).view(np.uint8)
    return arena


def section_of(arena: np.ndarray, which: Section, bounds: Bounds) -> np.ndarray:
    """A section as a typed view, for Python."""
    directory = arena[: 8 * _DIRECTORY_WORDS].view(np.int64)
    dtype, _ = _layout(bounds)[which]
    return arena[directory[2 * which] : directory[2 * which + 1]].view(dtype)


def hash_size(names_max: int) -> int:
    """Places of a hash table of that many names: a power of two, at most half full."""
    return 1 << (2 * (names_max + 1) - 1).bit_length()


def _aligned(offset: int) -> int:
    return -(-offset // _ALIGN_BYTES) * _ALIGN_BYTES


def _layout(bounds: Bounds) -> dict[Section, tuple[np.dtype, int]]:
    u1, u4 = np.dtype("u1"), np.dtype("<u4")
    instruments, accounts, products, sessions = (bound + 1 for bound in bounds)
    return {
        Section.INSTRUMENTS: (NAME_ROW, instruments),
        Section.INSTRUMENT_HASH: (u4, hash_size(instruments)),
        Section.ACCOUNTS: (NAME_ROW, accounts),
        Section.ACCOUNT_HASH: (u4, hash_size(accounts)),
        Section.PRODUCTS: (NAME_ROW, products),
        Section.PRODUCT_HASH: (u4, hash_size(products)),
        Section.SESSIONS: (SESSION_ROW, sessions),
        Section.TEMPLATES: (u1, sessions * TEMPLATE_BYTES),
        Section.SPANS: (SPAN, sessions),
        Section.COUNTS: (u4, sessions),
        Section.ORDER: (u4, REPORTS_MAX),
    }


@kernel
def open_views(arena):
    """The arena as its three views. They hold no reference: for use inside one kernel call."""
    return Views(
        borrow(arena, 0, arena.size, np.uint8),
        borrow(arena, 0, arena.size // 4, np.uint32),
        borrow(arena, 0, arena.size // 8, np.int64),
    )


@kernel
def open_dialect(arena, row):
    """The views of a session's dialect: those of open_views where it is FIX 4.4."""
    start = BLOCK_BYTES * np.int64(row["dialect"])
    size = arena.size - start
    return Views(
        borrow(arena, start, size, np.uint8),
        borrow(arena, start, size // 4, np.uint32),
        borrow(arena, start, size // 8, np.int64),
    )


@kernel
def open_session(arena, words, session):
    """The SESSION_ROW of a session."""
    start = words[2 * Section.SESSIONS] + session * _SESSION_BYTES
    return borrow(arena, start, 1, SESSION_ROW)[0]


@kernel
def open_spans(arena, words):
    """The SPANs of the encoder."""
    start, end = words[2 * Section.SPANS], words[2 * Section.SPANS + 1]
    return borrow(arena, start, (end - start) // _SPAN_BYTES, SPAN)


@kernel
def open_request(arena):
    """A spare REQUEST row."""
    return borrow(arena, 8 * COMMAND_REQUEST, 1, REQUEST)[0]
