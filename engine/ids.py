"""The index of ClOrdIDs: which request row of the venue day a member's id names.

Open addressing over words of (31 bits of the hash, row); at most half full, never deleted from
within a day. The request rows hold the ids, so a hit is checked against them.

Source: specs/matching.md M-10, M-15.
"""

from __future__ import annotations

from engine.book import header_of, request_at, slot_at
from engine.kernel import kernel

_ROW_BITS = 32
_ROW_MASK = (1 << _ROW_BITS) - 1


@kernel
def find_request(book, hashed, word_0, word_1, word_2, member):
    """Row of the request with this id, or 0."""
    mask = header_of(book)["slots_rows"] - 1
    at = hashed & mask
    tag = hashed >> _ROW_BITS
    while slot_at(book, at)["word"] != 0:
        if slot_at(book, at)["word"] >> _ROW_BITS == tag:
            row = slot_at(book, at)["word"] & _ROW_MASK
            request = request_at(book, row)
            if (
                request["cl_ord_id_0"] == word_0
                and request["cl_ord_id_1"] == word_1
                and request["cl_ord_id_2"] == word_2
                and request["member"] == member
            ):
                return row
        at = (at + 1) & mask
    return 0


@kernel
def hint_row(book, hashed):
    """A row that probably has this id, or 0; reads no request."""
    mask = header_of(book)["slots_rows"] - 1
    at = hashed & mask
    tag = hashed >> _ROW_BITS
    while slot_at(book, at)["word"] != 0:
        if slot_at(book, at)["word"] >> _ROW_BITS == tag:
            return slot_at(book, at)["word"] & _ROW_MASK
        at = (at + 1) & mask
    return 0


@kernel
def index_request(book, hashed, row):
    """Enter a row whose id is not yet known."""
    mask = header_of(book)["slots_rows"] - 1
    at = hashed & mask
    while slot_at(book, at)["word"] != 0:
        at = (at + 1) & mask
    slot_at(book, at)["word"] = ((hashed >> _ROW_BITS) << _ROW_BITS) | row


@kernel
def write_request(request, command):
    """The request row of a command; the order it makes is entered later."""
    request["cl_ord_id_0"] = command["cl_ord_id_0"]
    request["cl_ord_id_1"] = command["cl_ord_id_1"]
    request["cl_ord_id_2"] = command["cl_ord_id_2"]
    request["orig_cl_ord_id_2"] = command["orig_cl_ord_id_2"]
    request["orig_cl_ord_id_0"] = command["orig_cl_ord_id_0"]
    request["orig_cl_ord_id_1"] = command["orig_cl_ord_id_1"]
    request["order_id"] = 0
    request["price"] = command["price"]
    request["stop_price"] = command["stop_price"]
    request["qty"] = command["qty"]
    request["display_qty"] = command["display_qty"]
    request["min_qty"] = command["min_qty"]
    request["account"] = command["account"]
    request["instrument"] = command["instrument"]
    request["session"] = command["session"]
    request["msg_seq_num"] = command["msg_seq_num"]
    request["expire_date"] = command["expire_date"]
    request["order_index"] = 0
    request["self_match_id"] = command["self_match_id"]
    request["member"] = command["member"]
    request["kind"] = command["kind"]
    request["side"] = command["side"]
    request["ord_type"] = command["ord_type"]
    request["time_in_force"] = command["time_in_force"]
    request["position_effect"] = command["position_effect"]
    request["capacity"] = command["capacity"]
    request["hedge_flag"] = command["hedge_flag"]
    request["exec_inst"] = command["exec_inst"]
    request["self_match"] = command["self_match"]
    request["scope"] = command["scope"]


@kernel
def clear_slots(book):
    """Forget all ids."""
    for at in range(header_of(book)["slots_rows"]):
        slot_at(book, at)["word"] = 0
