"""One crossing into compiled code: long work first, then commands while event rows are free.

Source: specs/matching.md M-1, M-5, M-10, M-73, M-74, M-102, M-163, M-180.
"""

from __future__ import annotations

import numpy as np

from engine.amend import amend
from engine.bits import hash_id, prefetch
from engine.blocks import report_block
from engine.book import (
    event_at,
    header_of,
    hint_at,
    instrument_at,
    member_at,
    open_book,
    pending_at,
    request_at,
    slot_at,
)
from engine.call import change_in_phase, end_phase, new_in_phase
from engine.cascade import run_stops
from engine.change import cancel, refuse_change, replace
from engine.define import define
from engine.emit import clear_event, mark_last, reject_new
from engine.enter import go_on, known_row, new_order
from engine.flags import FIRST_QUOTE, RESET_QUOTES
from engine.hints import hint, start_hints
from engine.ids import fill_slot, find_request, find_slot, write_request
from engine.implied import refresh_all, set_implied, tell_implied
from engine.implied_trade import cross_books, watch_books
from engine.kernel import codec_kernel
from engine.kill import intervene, kill_on
from engine.layout import Work
from engine.limits import EVENT_ROWS_MIN, EVENTS_AHEAD, HINT_ROWS
from engine.locked import may_be_locked, note_lock
from engine.mass import mass_cancel, mass_cancel_on, mass_event, session_lost, session_lost_on
from engine.phases import phases_on, set_phase
from engine.protection import protect, protect_on, reset_quotes
from engine.quote_requests import ask_on, request_quotes
from engine.quotes import (
    begin_quotes,
    cancel_quotes,
    cancel_quotes_on,
    enter_quote,
    is_of_message,
)
from engine.roll import roll_on, roll_product
from engine.types import CommandKind, EventKind, MassCancelScope
from specs.rejects import Reject


@codec_kernel
def step(arena, requests, commands, blobs, events):
    """Apply commands; returns (consumed, produced). Stops before a ROLL_DAY (see roll_day)."""
    book = open_book(arena, requests, events)
    header = header_of(book)
    at = 0
    if header["work"] != Work.NONE:
        at = resume(book)
        at = follow(book, at, pending_at(book, 0))
        if header["work"] == Work.NONE:
            mark_last(book, at, 0)
            watch_lock(book, pending_at(book, 0))
    consumed = 0
    fetched = at
    ahead = min(EVENTS_AHEAD, commands.shape[0])
    start_hints(book, commands)
    while header["work"] == Work.NONE and consumed < commands.shape[0]:
        command = commands[consumed]
        if header["events_rows"] - at < EVENT_ROWS_MIN or command["kind"] == CommandKind.ROLL_DAY:
            break
        hint(book, commands, consumed)
        first = at
        while fetched < at + ahead and fetched < header["events_rows"]:
            prefetch(event_at(book, fetched))
            fetched += 1
        header["command_count"] += 1
        kind = command["kind"]
        if kind >= CommandKind.NEW_ORDER and kind <= CommandKind.MASS_CANCEL:
            at = order_command(book, at, command, hint_at(book, consumed & (HINT_ROWS - 1)))
        else:
            at = other_command(book, at, command, blobs)
        consumed += 1
        due = header["stop_instrument"] | header["quotes_due"] | header["implied_count"]
        if header["work"] == Work.PAUSE or due != 0:
            at = follow(book, at, command)
        if header["work"] == Work.NONE:
            mark_last(book, at, first)
            watch_lock(book, command)
    header["event_count"] += at
    return consumed, at


@codec_kernel
def follow(book, at, command):
    """What a command sets off: pauses, quotes to be taken off, stop orders, implied prices."""
    header = header_of(book)
    while True:
        if header["work"] == Work.PAUSE:
            at = phases_on(book, at)
        elif header["work"] != Work.NONE:
            return at
        elif header["moves_due"] != 0:
            watch_books(book, command)
        elif header["quotes_due"] != 0:
            at = protect(book, at, command)
        elif header["implied_cross"] != 0:
            at = cross_books(book, at, command)
        elif header["stop_instrument"] != 0:
            if header["implied_stale"] != 0:
                refresh_all(book)
            at = run_stops(book, at, command)
        elif header["implied_count"] != 0:
            return tell_implied(book, at, command)
        else:
            return at


@codec_kernel
def watch_lock(book, command):
    """At the end of a command: whether its instrument is locked at a limit (M-210)."""
    number = known_row(header_of(book)["instruments_rows"], command["instrument"])
    if may_be_locked(header_of(book), instrument_at(book, number)):
        note_lock(book, np.int64(number), command["time_ns"])


@codec_kernel
def resume(book):
    """Go on with long work; returns the next event row."""
    header = header_of(book)
    work = header["work"]
    if work == Work.SWEEP:
        return go_on(
            book,
            0,
            pending_at(book, 0),
            header["work_request"],
            header["work_order"],
            header["work_limit"],
        )
    if work == Work.MASS_CANCEL:
        return mass_cancel_on(book, 0)
    if work == Work.SESSION_LOST:
        return session_lost_on(book, 0)
    if work == Work.PHASES:
        return phases_on(book, 0)
    if work == Work.STOPS:
        return run_stops(book, 0, pending_at(book, 0))
    if work == Work.KILL:
        return kill_on(book, 0)
    if work == Work.QUOTES:
        return cancel_quotes_on(book, 0)
    if work == Work.PROTECT:
        return protect_on(book, 0)
    if work == Work.ASK:
        return ask_on(book, 0)
    if work == Work.CROSS:
        return cross_books(book, 0, pending_at(book, 0))
    if work == Work.TELL:
        header["work"] = Work.NONE  # follow goes on with it
        return 0
    assert work == Work.ROLL, "unknown work"
    return roll_on(book, 0)


@codec_kernel
def take_request(book, command, hashed):
    """The command's request row (M-10), or minus the reject."""
    header = header_of(book)
    number = known_row(header_of(book)["members_rows"], command["member"])
    member = member_at(book, number)
    if member["requests_used"] >= member["requests_max"]:
        return -Reject.REQUEST_ROWS_FULL
    if header["request_count"] >= header["requests_max"]:
        return -Reject.REQUEST_ROWS_FULL
    id_0 = command["cl_ord_id_0"]
    id_1 = command["cl_ord_id_1"]
    id_2 = command["cl_ord_id_2"]
    slot = find_slot(book, hashed, id_0, id_1, id_2, number)
    if slot_at(book, slot)["word"] != 0:
        return -Reject.DUPLICATE_CL_ORD_ID
    row = header["request_count"] + 1
    header["request_count"] = row
    member["requests_used"] += 1
    fill_slot(book, slot, hashed, row)
    write_request(request_at(book, row), command)
    return row


@codec_kernel
def order_command(book, at, command, hints):
    """NEW_ORDER, CANCEL, REPLACE, MASS_CANCEL."""
    kind = command["kind"]
    number = known_row(header_of(book)["instruments_rows"], command["instrument"])
    instrument = instrument_at(book, number)
    trades = command["time_ns"] <= instrument["continuous_until_ns"]
    if not trades:
        at = late_phase(book, at, command, number)
    row = take_request(book, command, hints["hash"])
    if kind == CommandKind.NEW_ORDER:
        if row < 0:
            reject_new(event_at(book, at), command, instrument, 0, -row)
            return at + 1
        if trades:
            return new_order(book, at, command, row)
        return new_in_phase(book, at, command, row, number)
    if kind == CommandKind.MASS_CANCEL:
        if row > 0:
            return mass_cancel(book, at, command, row)
        mass_event(book, event_at(book, at), command, 0, EventKind.MASS_CANCEL_REJECTED, 0, -row)
        return at + 1
    named = find_request(
        book,
        hints["orig_hash"],
        command["orig_cl_ord_id_0"],
        command["orig_cl_ord_id_1"],
        command["orig_cl_ord_id_2"],
        command["member"],
    )
    if row < 0:
        return refuse_change(book, at, command, 0, named, -row)
    if not trades:
        return change_in_phase(book, at, command, row, named, number)
    if kind == CommandKind.CANCEL:
        return cancel(book, at, command, row, named)
    return replace(book, at, command, row, named)


@codec_kernel
def block_command(book, at, command):
    """REPORT_BLOCK."""
    header = header_of(book)
    number = known_row(header["instruments_rows"], command["instrument"])
    at = end_phase(book, at, command, np.int64(number))
    return report_block(book, at, command, quote_request(book, command))


@codec_kernel
def late_phase(book, at, command, number):
    """Halt an instrument that the command names after its phase should have ended (M-102)."""
    kind = command["kind"]
    if kind != CommandKind.MASS_CANCEL and kind != CommandKind.QUOTE_CANCEL:
        return end_phase(book, at, command, np.int64(number))
    if command["scope"] != MassCancelScope.INSTRUMENT:
        return at
    return end_phase(book, at, command, np.int64(number))


@codec_kernel
def quote_command(book, at, command):
    """MASS_QUOTE, QUOTE_CANCEL, QUOTE_REQUEST."""
    number = np.int64(known_row(header_of(book)["instruments_rows"], command["instrument"]))
    if command["kind"] == CommandKind.QUOTE_REQUEST:
        at = late_phase(book, at, command, number)
        return request_quotes(book, at, command, number)
    if command["kind"] == CommandKind.QUOTE_CANCEL:
        at = late_phase(book, at, command, number)
        return cancel_quotes(book, at, command, quote_request(book, command))
    if command["scope"] & FIRST_QUOTE != 0:
        at = begin_quotes(book, at, command, np.int64(quote_request(book, command)))
        if command["scope"] & RESET_QUOTES != 0 and header_of(book)["quote_request"] != 0:
            at = reset_quotes(book, at, command)
    if not is_of_message(book, command):
        return at
    at = late_phase(book, at, command, number)
    return enter_quote(book, at, command)


@codec_kernel
def quote_request(book, command):
    """The request row of a quote message or a block report, or minus the reject."""
    hashed = hash_id(
        command["cl_ord_id_0"],
        command["cl_ord_id_1"],
        command["cl_ord_id_2"],
        command["member"],
        header_of(book)["hash_key"],
    )
    return np.int64(take_request(book, command, hashed))


@codec_kernel
def other_command(book, at, command, blobs):
    """Quotes, definitions, lost sessions, rolls, phases, interventions; any other does nothing."""
    header = header_of(book)
    kind = command["kind"]
    if kind >= CommandKind.MASS_QUOTE and kind <= CommandKind.QUOTE_REQUEST:
        return quote_command(book, at, command)
    if kind >= CommandKind.DEFINE_PRODUCT and kind <= CommandKind.DEFINE_SESSION:
        return define(book, at, command, blobs)
    if kind == CommandKind.SESSION_LOST:
        return session_lost(book, at, command)
    if kind == CommandKind.ROLL_PRODUCT:
        return roll_product(book, at, command)
    if kind == CommandKind.SET_PHASE:
        return set_phase(book, at, command, blobs)
    if kind == CommandKind.KILL or kind == CommandKind.RELEASE:
        return intervene(book, at, command)
    if kind == CommandKind.REPORT_BLOCK:
        return block_command(book, at, command)
    if kind == CommandKind.BUST_TRADE or kind == CommandKind.CORRECT_TRADE:
        return amend(book, at, command, blobs)
    if kind == CommandKind.SET_IMPLIED:
        return set_implied(book, at, command)
    if kind == CommandKind.HALT:
        header["halted"] = 1
        clear_event(event_at(book, at), command, EventKind.HALTED)
        event_at(book, at)["reason"] = command["reason"]
        return at + 1
    if kind == CommandKind.RESUME:
        header["halted"] = 0
        clear_event(event_at(book, at), command, EventKind.RESUMED)
        return at + 1
    return at
