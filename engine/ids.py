"""The index of ClOrdIDs: which request row of the venue day a member's id names.

Open addressing over words of four bytes, so that many lie in a page: 5 bits of the hash, and the
row. At most two thirds full, never deleted from within a day. The request rows hold the ids, so a
hit is checked against them.

Source: specs/matching.md M-10, M-15.
"""

from __future__ import annotations

import numpy as np

from engine.book import copy_command, header_of, request_at, slot_at
from engine.kernel import kernel
from engine.limits import REQUESTS_BOUND

_ROW_BITS = REQUESTS_BOUND.bit_length()
_ROW_MASK = REQUESTS_BOUND
_TAG_SHIFT = 63 - (32 - _ROW_BITS)  # the hash's highest bits; its lowest are the place
assert REQUESTS_BOUND == (1 << _ROW_BITS) - 1


@kernel
def find_request(book, hashed, word_0, word_1, word_2, member):
    """Row of the request with this id, or 0."""
    at = find_slot(book, hashed, word_0, word_1, word_2, member)
    return np.int64(slot_at(book, at)["word"]) & _ROW_MASK


@kernel
def find_slot(book, hashed, word_0, word_1, word_2, member):
    """The slot of the request with this id, or the free one where it would be entered."""
    mask = header_of(book)["slots_rows"] - 1
    at = hashed & mask
    tag = hashed >> _TAG_SHIFT
    word = np.int64(slot_at(book, at)["word"])
    while word != 0:
        if word >> _ROW_BITS == tag:
            request = request_at(book, word & _ROW_MASK)
            if (
                request["cl_ord_id_0"] == word_0
                and request["cl_ord_id_1"] == word_1
                and request["cl_ord_id_2"] == word_2
                and request["member"] == member
            ):
                return at
        at = (at + 1) & mask
        word = np.int64(slot_at(book, at)["word"])
    return at


@kernel
def hint_row(book, hashed):
    """A row that probably has this id, or 0; reads no request."""
    mask = header_of(book)["slots_rows"] - 1
    at = hashed & mask
    tag = hashed >> _TAG_SHIFT
    word = np.int64(slot_at(book, at)["word"])
    while word != 0 and word >> _ROW_BITS != tag:
        at = (at + 1) & mask
        word = np.int64(slot_at(book, at)["word"])
    return word & _ROW_MASK


@kernel
def index_request(book, hashed, row):
    """Enter a row whose id is not yet known."""
    mask = header_of(book)["slots_rows"] - 1
    at = hashed & mask
    while slot_at(book, at)["word"] != 0:
        at = (at + 1) & mask
    fill_slot(book, at, hashed, row)


@kernel
def fill_slot(book, at, hashed, row):
    """Enter a row in the free slot that find_slot gave."""
    slot_at(book, at)["word"] = (hashed >> _TAG_SHIFT) << _ROW_BITS | row


@kernel
def write_request(request, command):
    """The request row of a command; the order it makes is entered later."""
    copy_command(request, command)
    request["order_id"] = 0
    request["order_index"] = 0


@kernel
def clear_slots(book):
    """Forget all ids."""
    for at in range(header_of(book)["slots_rows"]):
        slot_at(book, at)["word"] = 0
