"""SET_PHASE: what the instruments of a product do from now on, one after another.

Long work: its cursor is the instrument at hand and where its uncross stands. It stops for want of
event rows only where another event is certain.

Source: specs/matching.md M-100, M-104, M-110 to M-112, M-215.
"""

from __future__ import annotations

import numpy as np

from engine.auction import check_uncross, first_hidden, show_hidden, uncross
from engine.book import call_at, copy_row, event_at, header_of, instrument_at, pending_at
from engine.call import change_phase
from engine.define import PHASE_WORDS, blob_lies
from engine.depth import call_terms, close_call, in_phases, market_event, open_call
from engine.enter import known_instrument, known_product
from engine.flags import IS_CALL
from engine.kernel import codec_kernel, kernel
from engine.layout import PhaseStep, Work
from engine.locked import note_lock
from engine.moves import note_price
from engine.reasons import AlarmReason, PhaseReason
from engine.types import PHASE, EventKind, Phase

_PHASE_BYTES = PHASE.itemsize
STEP_ROWS = 2  # event rows the change of an instrument takes besides its uncross


@codec_kernel
def set_phase(book, at, command, blobs):
    """SET_PHASE: goes on as long work."""
    first = np.int64(command["blob_offset"])
    if not blob_lies(command, blobs, _PHASE_BYTES):
        return at
    row = blobs[first : first + _PHASE_BYTES].view(PHASE_WORDS)[0]
    if row["phase"] < Phase.CLOSED or row["phase"] > Phase.SETTLEMENT:
        return at
    header = header_of(book)
    header["work_instrument"] = 0
    header["work_last"] = header["instruments_rows"] - 1
    header["work_product"] = row["product"]
    if row["instrument"] != 0:
        if known_instrument(book, row["instrument"])["defined"] == 0:
            return at
        header["work_instrument"] = np.int64(row["instrument"]) - 1
        header["work_last"] = row["instrument"]
        header["work_product"] = 0
    elif known_product(book, row["product"])["defined"] == 0:
        return at
    header["work"] = Work.PHASES
    header["work_phase"] = PhaseStep.NEXT
    header["work_target"] = row["phase"]
    header["work_end_ns"] = row["scheduled_end_ns"]
    header["work_reason"] = row["reason"]
    header["work_if_trading"] = 0
    copy_row(pending_at(book, 0), command)
    return phases_on(book, at)


@kernel
def phases_on(book, at):
    """Go on with a SET_PHASE or a pause as far as event rows go."""
    header = header_of(book)
    command = pending_at(book, 0)
    header["work"] = Work.PHASES
    while True:
        number = header["work_instrument"]
        if header["work_phase"] == PhaseStep.TRADE:
            at = uncross(book, at, command, number)
            if header["work_count"] > 0:
                return at
            close_call(book, number)
            header["work_phase"] = PhaseStep.BOOK
            header["work_order"] = first_hidden(book, number)
        if header["work_phase"] == PhaseStep.BOOK:
            at = show_hidden(book, at, command, number)
            if header["work_order"] != 0 or header["events_rows"] - at < STEP_ROWS:
                return at
            at = end_uncross(book, at, command, number)
            header["work_phase"] = PhaseStep.NEXT
        number = next_to_change(book, number)
        if number == 0:
            header["work"] = Work.NONE
            return at
        if header["events_rows"] - at < STEP_ROWS:
            return at
        at = change_next(book, at, command, number)


@kernel
def next_to_change(book, after):
    """The next instrument that the command changes, or 0."""
    header = header_of(book)
    product = header["work_product"]
    for number in range(after + 1, header["work_last"] + 1):
        meant = product == 0 or instrument_at(book, number)["product"] == product
        if meant and changes(book, number):
            return number
    return 0


@kernel
def changes(book, number):
    """Whether the command changes an instrument, or tries again an uncross that failed."""
    header = header_of(book)
    instrument = instrument_at(book, number)
    call = call_at(book, number)
    if instrument["defined"] == 0 or instrument["expired"] != 0:
        return False
    if call["suspended"] != 0:
        return False
    if header["work_if_trading"] != 0 and instrument["continuous_until_ns"] < 0:
        return False
    by_operator = header["work_reason"] == PhaseReason.OPERATOR
    if call["held"] != 0 and not by_operator:
        return False
    if by_operator and call["held"] != holds(header):
        return True
    if call["phase"] != header["work_target"] or call["scheduled_end_ns"] != header["work_end_ns"]:
        return True
    return call["phase"] == Phase.AUCTION_MATCH and call["calling"] != 0


@kernel
def holds(header):
    """1 where the command is an operator's halt, else 0 (M-215)."""
    if header["work_target"] != Phase.HALTED or header["work_reason"] != PhaseReason.OPERATOR:
        return 0
    return 1


@kernel
def change_next(book, at, command, number):
    """PHASE_CHANGED of an instrument; a call opens, or an uncross begins."""
    header = header_of(book)
    call = call_at(book, number)
    target = header["work_target"]
    end_ns = header["work_end_ns"]
    header["work_instrument"] = number
    call["held"] = holds(header)
    ends_call = target == Phase.AUCTION_MATCH or target == Phase.CONTINUOUS
    if call["calling"] == 0 or not ends_call:
        at = change_phase(book, at, command, number, target, end_ns, header["work_reason"])
        if call["calling"] == 0 and in_phases(IS_CALL, target):
            open_call(book, number)
        return at
    if target == Phase.CONTINUOUS:
        end_ns = 0
    target = np.int64(Phase.AUCTION_MATCH)
    if call["phase"] != target or call["scheduled_end_ns"] != end_ns:
        at = change_phase(book, at, command, number, target, end_ns, header["work_reason"])
    return begin_uncross(book, at, command, number)


@kernel
def begin_uncross(book, at, command, number):
    """The terms of the uncross, or an ALARM where they do not pass its check (M-112)."""
    header = header_of(book)
    price, lots, surplus = call_terms(book, number)
    if not check_uncross(book, number, price, lots, surplus):
        market_event(book, at, command, number, EventKind.ALARM)
        event_at(book, at)["reason"] = AlarmReason.UNCROSS_FAILED
        return at + 1
    header["work_phase"] = PhaseStep.TRADE
    header["work_price"] = price
    header["work_limit"] = lots
    header["work_count"] = lots
    header["work_surplus"] = surplus
    return at


@kernel
def end_uncross(book, at, command, number):
    """UNCROSSED; then the change to CONTINUOUS where the command asks for that."""
    header = header_of(book)
    market_event(book, at, command, number, EventKind.UNCROSSED)
    event = event_at(book, at)
    event["price"] = header["work_price"]
    event["qty"] = header["work_limit"]
    event["leaves_qty"] = header["work_surplus"]
    note_lock(book, number, command["time_ns"])
    if header["work_limit"] > 0:
        note_price(book, number, command["time_ns"], header["work_price"])
    if header["work_target"] != Phase.CONTINUOUS:
        return at + 1
    target = header["work_target"]
    end_ns = header["work_end_ns"]
    return change_phase(book, at + 1, command, number, target, end_ns, header["work_reason"])
