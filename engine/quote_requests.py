"""Requests for quotes: the market is told, and so is every maker of the instrument.

Source: specs/matching.md M-190, M-191.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    account_at,
    copy_row,
    event_at,
    header_of,
    instrument_at,
    member_at,
    pending_at,
    product_at,
    risk_at,
)
from engine.depth import market_event
from engine.emit import answer, clear_event
from engine.enter import is_killed, known_row
from engine.flags import UNSOLICITED
from engine.kernel import kernel
from engine.layout import Work
from engine.types import EventKind, Side
from specs.rejects import Reject


@kernel
def request_quotes(book, at, command, number):
    """QUOTE_REQUEST: refused, or QUOTE_REQUESTED and a QUOTE_ASKED a maker."""
    reason = check_request(book, command, number)
    if reason != 0:
        event = event_at(book, at)
        clear_event(event, command, EventKind.QUOTE_REJECTED)
        answer(event, command, 0)
        event["member"] = command["member"]
        event["reason"] = reason
        event["instrument"] = command["instrument"]
        event["product"] = instrument_at(book, number)["product"]
        event["trading_date"] = instrument_at(book, number)["trading_date"]
        return at + 1
    market_event(book, at, command, number, EventKind.QUOTE_REQUESTED)
    event = event_at(book, at)
    event["member"] = command["member"]
    event["side"] = command["side"]
    event["qty"] = command["qty"]
    header = header_of(book)
    header["work_order"] = next_maker(book, command, number, 1)
    if header["work_order"] == 0:
        return at + 1
    header["work"] = Work.ASK
    copy_row(pending_at(book, 0), command)
    return ask_on(book, at + 1)


@kernel
def check_request(book, command, number):
    """The checks of M-190 in order; 0 or the reject."""
    header = header_of(book)
    instrument = instrument_at(book, number)
    product = product_at(book, instrument["product"])
    member = member_at(book, known_row(header["members_rows"], command["member"]))
    if is_killed(book, member, command):
        return np.int64(Reject.KILLED)
    if header["halted"] != 0:
        return np.int64(Reject.VENUE_HALTED)
    if instrument["defined"] == 0:
        return np.int64(Reject.UNKNOWN_INSTRUMENT)
    gone = instrument["trading_date"] > instrument["last_trading_date"]
    if instrument["expired"] != 0 or gone:
        return np.int64(Reject.INSTRUMENT_NOT_TRADING)
    if member["products"] >> instrument["product"] & 1 == 0:
        return np.int64(Reject.NOT_PERMITTED)
    if command["time_ns"] > instrument["continuous_until_ns"]:
        return np.int64(Reject.PHASE_TAKES_NO_QUOTES)
    side = command["side"]
    if side != Side.NONE and side != Side.BUY and side != Side.SELL:
        return np.int64(Reject.SIDE_INVALID)
    if command["qty"] < 0 or command["qty"] > product["qty_max"]:
        return np.int64(Reject.QUOTE_SIZE_INVALID)
    return np.int64(0)


@kernel
def next_maker(book, command, number, account):
    """The first account from this one on that has quoted the instrument, not the asker's; or 0."""
    header = header_of(book)
    while account < header["accounts_rows"]:
        risk = risk_at(book, account * header["risk_stride"] + number)
        quoted = risk["quote_bid"] | risk["quote_ask"]
        if quoted != 0 and account_at(book, account)["member"] != command["member"]:
            return np.int64(account)
        account += 1
    return np.int64(0)


@kernel
def ask_on(book, at):
    """Tell makers as far as rows go."""
    header = header_of(book)
    command = pending_at(book, 0)
    number = np.int64(command["instrument"])
    while header["work_order"] != 0:
        if header["events_rows"] == at:
            return at
        account = account_at(book, header["work_order"])
        market_event(book, at, command, number, EventKind.QUOTE_ASKED)
        event = event_at(book, at)
        event["session"] = account["quote_session"]
        event["account"] = header["work_order"]
        event["member"] = account["member"]
        event["side"] = command["side"]
        event["qty"] = command["qty"]
        event["flags"] = UNSOLICITED
        header["work_order"] = next_maker(book, command, number, header["work_order"] + 1)
        at += 1
    header["work"] = Work.NONE
    return at
