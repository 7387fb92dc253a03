"""Stop orders that trades have reached come in, one after another, before the next command.

Source: specs/matching.md M-163 to M-167, M-210.
"""

from __future__ import annotations

import numpy as np

from engine.book import copy_row, header_of, instrument_at, pending_at
from engine.enter import come_in
from engine.implied import mark
from engine.kernel import kernel
from engine.layout import STOP_NONE, Work
from engine.limits import TRIGGER_ROWS
from engine.locked import may_be_locked, note_lock
from engine.stops import forget_prints, next_reached, trigger


@kernel
def run_stops(book, at, command):
    """Bring in every stop order reached, an instrument after the other; returns the next event row.

    Stops between two orders, as work STOPS, when event rows run low and another order is certain to
    come in; inside one as the sweep that it is. What its trades reach comes in, too.
    Where they end in a pause what is left waits on, reached, until the instrument trades again.
    """
    header = header_of(book)
    instrument = instrument_at(book, header["stop_instrument"])
    header["work"] = Work.NONE
    while True:
        if header["stop_scan"] != 0:
            instrument = instrument_at(book, turn_to(book))
            if header["stop_instrument"] == 0:
                return at
        trades = instrument["continuous_until_ns"] >= 0
        index = next_reached(book, instrument) if trades else 0
        if index == 0:
            if trades:
                forget_prints(instrument)
            if may_be_locked(header, instrument):
                note_lock(book, np.int64(header["stop_instrument"]), command["time_ns"])
            number = next_due(book, header["stop_instrument"])
            header["stop_instrument"] = number
            if number == 0:
                return at
            instrument = instrument_at(book, number)
            continue
        if header["events_rows"] - at < TRIGGER_ROWS:
            header["work"] = Work.STOPS
            copy_row(pending_at(book, 0), command)
            return at
        at = trigger(book, at, command, index)
        at = come_in(book, at, command, 0, index, 0)
        if header["work"] != Work.NONE or header["moves_due"] | header["quotes_due"] != 0:
            return at


@kernel
def turn_to(book):
    """The lowest instrument that trades and has a stop reached becomes the current one; 0: none.

    Trades with implied prices reach stops of several instruments at once.
    """
    header = header_of(book)
    mark(book, header["stop_instrument"])  # its lock is noted at the end of the command
    header["stop_instrument"] = 0
    for number in range(1, header["instruments_rows"]):
        instrument = instrument_at(book, number)
        if instrument["stop_high"] != -STOP_NONE and instrument["continuous_until_ns"] >= 0:
            if next_reached(book, instrument) != 0:
                header["stop_instrument"] = number
                return number
            forget_prints(instrument)
    header["stop_scan"] = 0
    header["stops_due"] = 0
    return 0


@kernel
def next_due(book, after):
    """The next instrument that trades again and had stops reached by its uncross; 0: none."""
    header = header_of(book)
    if header["stops_due"] == 0:
        return 0
    header["stops_due"] -= 1
    if header["stops_due"] == 0:
        return 0
    for number in range(after + 1, header["instruments_rows"]):
        instrument = instrument_at(book, number)
        if instrument["stop_high"] != -STOP_NONE and instrument["continuous_until_ns"] >= 0:
            return number
    return 0
