"""The codec's memory: one block of bytes that holds every table a kernel needs.

A kernel call pays for each array argument, so the dialect, the names, the sessions and the scratch
space lie in one uint8 arena; `open_decode` and `open_encode` carve typed views inside the kernel.
The first 64 words are the directory: start and end of section k at words 2k and 2k + 1.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np

from engine.kernel import kernel
from gateway.dialect import (
    DIALECT_FIELDS_MAX,
    FIELD_DEF,
    GROUPS_MAX,
    MESSAGE_DEF,
    MESSAGES_MAX,
    SLOTS_MAX,
    TAGS_MAX,
)
from gateway.types import FIELD_ROW, FIELDS_MAX, SESSION_ROW, SPAN, TEMPLATE_BYTES

FILL_MAX = 32  # command fields a message may fill
REASONS_MAX = 128  # rejects 1-63; cancel reasons 1001-1063 at 64 less 1000
TEXTS_BYTES = 8192
REPORTS_MAX = 8192  # reports of one encode call
HASH_MULTIPLIER = 0x9E3779B97F4A7C15
_DIRECTORY_WORDS = 64
_ALIGN = 64

NAME_ROW = np.dtype(
    [
        ("word_0", "<u8"),  # the name, zero padded to 24 bytes
        ("word_1", "<u8"),
        ("word_2", "<u8"),
        ("owner", "<u4"),  # accounts: member; instruments: product
        ("chars", "<u4"),  # 0: not defined
    ]
)
assert NAME_ROW.itemsize == 32

REASON_ROW = np.dtype(
    [
        ("offset", "<u4"),  # bytes into the texts
        ("length", "<u2"),  # bytes; 0: no text
        ("ord_rej_reason", "u1"),
        ("cxl_rej_reason", "u1"),
    ]
)
assert REASON_ROW.itemsize == 8


class Clock(IntEnum):
    """Words of the clock section: what was computed last for a time."""

    DATE_IN = 0  # yyyymmdd of the last timestamp read
    DATE_IN_NS = 1  # its first ns
    SECOND_OUT = 2  # second since 1970 of the text at bytes 64-80
    SECOND_EVENT = 3  # the same for event times, text at bytes 96-112
    WORDS = 16


class Section(IntEnum):
    """Order of the sections in the arena."""

    FIELDS = 1
    FIELD_OF_TAG = 2
    MESSAGES = 3
    MESSAGE_OF_TYPE = 4
    CELLS = 5
    PLACES = 6
    FILL = 7
    TAG_OF_SLOT = 8
    TABLE = 9
    SLOT_VALUE = 10
    SLOT_OFFSET = 11
    SLOT_LENGTH = 12
    INSTRUMENTS = 13
    INSTRUMENT_HASH = 14
    ACCOUNTS = 15
    ACCOUNT_HASH = 16
    PRODUCTS = 17
    PRODUCT_HASH = 18
    SESSIONS = 19
    TEMPLATES = 20
    SPANS = 21
    COUNTS = 22
    ORDER = 23
    CLOCK = 24
    REASONS = 25
    TEXTS = 26


class Bounds(NamedTuple):
    """How many ids of each kind exist: 1 to the bound."""

    instruments_max: int
    accounts_max: int
    products_max: int
    sessions_max: int


class DecodeTables(NamedTuple):
    """Views for reading; see dialect.Dialect, types.FIELD_ROW, NAME_ROW."""

    fields: np.ndarray
    field_of_tag: np.ndarray
    messages: np.ndarray
    message_of_type: np.ndarray
    cells: np.ndarray
    places: np.ndarray
    fill: np.ndarray
    tag_of_slot: np.ndarray
    table: np.ndarray
    slot_value: np.ndarray  # int64[128]: parsed value of body slot s, header slot at 64 + s
    slot_offset: np.ndarray  # int32[128]: bytes from the buffer's start
    slot_length: np.ndarray  # int32[128]: bytes
    instruments: np.ndarray
    instrument_hash: np.ndarray  # uint32, power of two; 0: free
    accounts: np.ndarray
    account_hash: np.ndarray
    products: np.ndarray
    product_hash: np.ndarray
    sessions: np.ndarray
    clock: np.ndarray


class EncodeTables(NamedTuple):
    """Views for writing."""

    instruments: np.ndarray
    accounts: np.ndarray
    products: np.ndarray
    sessions: np.ndarray
    templates: np.ndarray
    spans: np.ndarray
    counts: np.ndarray  # uint32[sessions + 1]: scratch
    order: np.ndarray  # uint32[REPORTS_MAX]: scratch
    clock: np.ndarray
    clock_text: np.ndarray  # the clock section as bytes
    reasons: np.ndarray
    texts: np.ndarray


def make_arena(bounds: Bounds) -> np.ndarray:
    """A zeroed arena with its directory filled."""
    directory = np.zeros(_DIRECTORY_WORDS, np.int64)
    at = directory.nbytes
    for section, (dtype, count) in _layout(bounds).items():
        directory[2 * section] = at
        directory[2 * section + 1] = at + dtype.itemsize * count
        at = -(-(at + dtype.itemsize * count) // _ALIGN) * _ALIGN
    arena = np.zeros(at + _ALIGN, np.uint8)
    first = -arena.ctypes.data % _ALIGN
    arena = arena[first : first + at]
    arena[: directory.nbytes] = directory.view(np.uint8)
    return arena


def section(arena: np.ndarray, which: Section, bounds: Bounds) -> np.ndarray:
    """A section of the arena as a typed view, for Python."""
    directory = arena[: 8 * _DIRECTORY_WORDS].view(np.int64)
    dtype, _ = _layout(bounds)[which]
    return arena[directory[2 * which] : directory[2 * which + 1]].view(dtype)


def hash_size(names_max: int) -> int:
    """Places of a hash table of that many names: a power of two, at most half full."""
    return 1 << (2 * (names_max + 1) - 1).bit_length()


def _layout(bounds: Bounds) -> dict[Section, tuple[np.dtype, int]]:
    u1, u4, i4, i8 = (np.dtype(code) for code in ("u1", "<u4", "<i4", "<i8"))
    instruments, accounts, products, sessions = (bound + 1 for bound in bounds)
    return {
        Section.FIELDS: (FIELD_DEF, DIALECT_FIELDS_MAX),
        Section.FIELD_OF_TAG: (u1, TAGS_MAX),
        Section.MESSAGES: (MESSAGE_DEF, MESSAGES_MAX),
        Section.MESSAGE_OF_TYPE: (u1, 256),
        Section.CELLS: (u1, MESSAGES_MAX * DIALECT_FIELDS_MAX),
        Section.PLACES: (u1, GROUPS_MAX * DIALECT_FIELDS_MAX),
        Section.FILL: (u1, MESSAGES_MAX * FILL_MAX),
        Section.TAG_OF_SLOT: (i4, (MESSAGES_MAX + 1) * SLOTS_MAX),
        Section.TABLE: (FIELD_ROW, FIELDS_MAX),
        Section.SLOT_VALUE: (i8, 2 * SLOTS_MAX),
        Section.SLOT_OFFSET: (i4, 2 * SLOTS_MAX),
        Section.SLOT_LENGTH: (i4, 2 * SLOTS_MAX),
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
        Section.CLOCK: (i8, Clock.WORDS),
        Section.REASONS: (REASON_ROW, REASONS_MAX),
        Section.TEXTS: (u1, TEXTS_BYTES),
    }


@kernel
def part(arena, which):
    """The bytes of a section."""
    directory = arena[:512].view(np.int64)
    return arena[directory[2 * which] : directory[2 * which + 1]]


@kernel
def open_decode(arena):
    """The views for reading."""
    return DecodeTables(
        part(arena, Section.FIELDS).view(FIELD_DEF),
        part(arena, Section.FIELD_OF_TAG),
        part(arena, Section.MESSAGES).view(MESSAGE_DEF),
        part(arena, Section.MESSAGE_OF_TYPE),
        part(arena, Section.CELLS),
        part(arena, Section.PLACES),
        part(arena, Section.FILL),
        part(arena, Section.TAG_OF_SLOT).view(np.int32),
        part(arena, Section.TABLE).view(FIELD_ROW),
        part(arena, Section.SLOT_VALUE).view(np.int64),
        part(arena, Section.SLOT_OFFSET).view(np.int32),
        part(arena, Section.SLOT_LENGTH).view(np.int32),
        part(arena, Section.INSTRUMENTS).view(NAME_ROW),
        part(arena, Section.INSTRUMENT_HASH).view(np.uint32),
        part(arena, Section.ACCOUNTS).view(NAME_ROW),
        part(arena, Section.ACCOUNT_HASH).view(np.uint32),
        part(arena, Section.PRODUCTS).view(NAME_ROW),
        part(arena, Section.PRODUCT_HASH).view(np.uint32),
        part(arena, Section.SESSIONS).view(SESSION_ROW),
        part(arena, Section.CLOCK).view(np.int64),
    )


@kernel
def open_encode(arena):
    """The views for writing."""
    return EncodeTables(
        part(arena, Section.INSTRUMENTS).view(NAME_ROW),
        part(arena, Section.ACCOUNTS).view(NAME_ROW),
        part(arena, Section.PRODUCTS).view(NAME_ROW),
        part(arena, Section.SESSIONS).view(SESSION_ROW),
        part(arena, Section.TEMPLATES),
        part(arena, Section.SPANS).view(SPAN),
        part(arena, Section.COUNTS).view(np.uint32),
        part(arena, Section.ORDER).view(np.uint32),
        part(arena, Section.CLOCK).view(np.int64),
        part(arena, Section.CLOCK),
        part(arena, Section.REASONS).view(REASON_ROW),
        part(arena, Section.TEXTS),
    )
