"""One crossing into compiled code: long work first, then commands while event rows are free.

Source: specs/matching.md M-1, M-5, M-10, M-73, M-74.
"""

from __future__ import annotations

from engine.bits import hash_id, prefetch
from engine.book import Work, open_book
from engine.change import cancel, refuse_change, replace
from engine.define import define
from engine.emit import clear_event, mark_last, reject_new
from engine.enter import go_on, known_row, new_order
from engine.ids import find_request, hint_row, index_request, write_request
from engine.kernel import kernel
from engine.limits import EVENT_ROWS_MIN, HINT_CHUNK
from engine.mass import mass_cancel, mass_cancel_on, mass_event, session_lost, session_lost_on
from engine.roll import roll_on, roll_product
from engine.types import CommandKind, EventKind
from specs.rejects import Reject


@kernel
def step(arena, requests, commands, blobs, events):
    """Apply commands; returns (consumed, produced). Stops before a ROLL_DAY (see roll_day)."""
    book = open_book(arena, requests)
    header = book.header[0]
    at = 0
    if header["work"] != Work.NONE:
        at = resume(book, events)
        if header["work"] == Work.NONE:
            mark_last(events, at, 0)
    consumed = 0
    hinted = 0
    while header["work"] == Work.NONE and consumed < commands.shape[0]:
        command = commands[consumed]
        if events.shape[0] - at < EVENT_ROWS_MIN or command["kind"] == CommandKind.ROLL_DAY:
            break
        if consumed == hinted:
            hint(book, commands, consumed)
            hinted += HINT_CHUNK
        first = at
        header["command_count"] += 1
        kind = command["kind"]
        if kind >= CommandKind.NEW_ORDER and kind <= CommandKind.MASS_CANCEL:
            at = order_command(book, events, at, command, book.hints[consumed % HINT_CHUNK])
        else:
            at = other_command(book, events, at, command, blobs)
        consumed += 1
        if header["work"] == Work.NONE:
            mark_last(events, at, first)
    header["event_count"] += at
    return consumed, at


@kernel
def resume(book, events):
    """Go on with long work; returns the next event row."""
    header = book.header[0]
    work = header["work"]
    if work == Work.SWEEP:
        return go_on(
            book,
            events,
            0,
            book.pending[0],
            header["work_request"],
            header["work_order"],
            header["work_limit"],
        )
    if work == Work.MASS_CANCEL:
        return mass_cancel_on(book, events, 0)
    if work == Work.SESSION_LOST:
        return session_lost_on(book, events, 0)
    assert work == Work.ROLL, "unknown work"
    return roll_on(book, events, 0)


@kernel
def hint(book, commands, first):
    """Hash the ids of the next commands and ask for the memory they will touch."""
    key = book.header[0]["hash_key"]
    mask = book.slots.shape[0] - 1
    last = min(first + HINT_CHUNK, commands.shape[0])
    for i in range(first, last):
        command = commands[i]
        if command["kind"] < CommandKind.NEW_ORDER or command["kind"] > CommandKind.MASS_CANCEL:
            continue
        row = book.hints[i - first]
        hashed = hash_id(
            command["cl_ord_id_0"],
            command["cl_ord_id_1"],
            command["cl_ord_id_2"],
            command["member"],
            key,
        )
        row["hash"] = hashed
        prefetch(book.slots, hashed & mask)
        if command["kind"] == CommandKind.CANCEL or command["kind"] == CommandKind.REPLACE:
            hashed = hash_id(
                command["orig_cl_ord_id_0"],
                command["orig_cl_ord_id_1"],
                command["orig_cl_ord_id_2"],
                command["member"],
                key,
            )
            row["orig_hash"] = hashed
            prefetch(book.slots, hashed & mask)
    for i in range(first, last):
        kind = commands[i]["kind"]
        if kind == CommandKind.CANCEL or kind == CommandKind.REPLACE:
            row = book.hints[i - first]
            named = hint_row(book.slots, row["orig_hash"])
            prefetch(book.requests, named)


@kernel
def take_request(book, command, hashed):
    """The command's request row (M-10), or minus the reject."""
    header = book.header[0]
    number = known_row(book.members, command["member"])
    member = book.members[number]
    if member["requests_used"] >= member["requests_max"]:
        return -Reject.REQUEST_ROWS_FULL
    if header["request_count"] >= header["requests_max"]:
        return -Reject.REQUEST_ROWS_FULL
    id_0 = command["cl_ord_id_0"]
    id_1 = command["cl_ord_id_1"]
    id_2 = command["cl_ord_id_2"]
    if find_request(book.slots, book.requests, hashed, id_0, id_1, id_2, number) != 0:
        return -Reject.DUPLICATE_CL_ORD_ID
    row = header["request_count"] + 1
    header["request_count"] = row
    member["requests_used"] += 1
    index_request(book.slots, hashed, row)
    write_request(book.requests[row], command)
    return row


@kernel
def order_command(book, events, at, command, hints):
    """NEW_ORDER, CANCEL, REPLACE, MASS_CANCEL."""
    kind = command["kind"]
    row = take_request(book, command, hints["hash"])
    if kind == CommandKind.NEW_ORDER:
        if row > 0:
            return new_order(book, events, at, command, row)
        instrument = book.instruments[known_row(book.instruments, command["instrument"])]
        reject_new(events[at], command, instrument, 0, -row)
        return at + 1
    if kind == CommandKind.MASS_CANCEL:
        if row > 0:
            return mass_cancel(book, events, at, command, row)
        mass_event(book, events[at], command, 0, EventKind.MASS_CANCEL_REJECTED, 0, -row)
        return at + 1
    named = find_request(
        book.slots,
        book.requests,
        hints["orig_hash"],
        command["orig_cl_ord_id_0"],
        command["orig_cl_ord_id_1"],
        command["orig_cl_ord_id_2"],
        command["member"],
    )
    if row < 0:
        return refuse_change(book, events, at, command, 0, named, -row)
    if kind == CommandKind.CANCEL:
        return cancel(book, events, at, command, row, named)
    return replace(book, events, at, command, row, named)


@kernel
def other_command(book, events, at, command, blobs):
    """Definitions, lost sessions, rolls, halts; any other kind does nothing."""
    header = book.header[0]
    kind = command["kind"]
    if kind >= CommandKind.DEFINE_PRODUCT and kind <= CommandKind.DEFINE_SESSION:
        return define(book, events, at, command, blobs)
    if kind == CommandKind.SESSION_LOST:
        return session_lost(book, events, at, command)
    if kind == CommandKind.ROLL_PRODUCT:
        return roll_product(book, events, at, command)
    if kind == CommandKind.HALT:
        header["halted"] = 1
        clear_event(events[at], command, EventKind.HALTED)
        events[at]["reason"] = command["reason"]
        return at + 1
    if kind == CommandKind.RESUME:
        header["halted"] = 0
        clear_event(events[at], command, EventKind.RESUMED)
        return at + 1
    return at
