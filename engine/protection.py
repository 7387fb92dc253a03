"""Market-maker protection: the quotes of an account that traded too much are taken off.

Long work between commands: of each account that is due, its event, then its quotes in order of
order_id. It stops for want of event rows only where one more event is certain.

Source: specs/matching.md M-188, M-189.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    account_at,
    copy_row,
    event_at,
    header_of,
    member_at,
    pending_at,
    risk_at,
)
from engine.emit import clear_event
from engine.enter import known_row
from engine.kernel import kernel
from engine.layout import Work
from engine.mass import cancel_meant, heap_push
from engine.quote_fills import clear_fills
from engine.reasons import CancelReason
from engine.types import EventKind


@kernel
def protect(book, at, command):
    """Take off the quotes of all accounts that are due; returns the next event row."""
    header_of(book)["work"] = Work.PROTECT
    copy_row(pending_at(book, 0), command)
    return protect_on(book, at)


@kernel
def protect_on(book, at):
    """Go on with it as far as rows go."""
    header = header_of(book)
    command = pending_at(book, 0)
    while True:
        at = cancel_meant(book, at, command, CancelReason.PROTECTION)
        if header["heap_count"] > 0:
            return at
        if header["quotes_due"] == 0:
            header["work"] = Work.NONE
            return at
        if header["events_rows"] == at:
            return at
        pull(book, at, command)
        at += 1


@kernel
def pull(book, at, command):
    """QUOTES_PULLED of the first account that is due; its orders are entered into the heap."""
    header = header_of(book)
    number = 1
    while account_at(book, number)["quotes_due"] == 0:
        number += 1
    account = account_at(book, number)
    account["quotes_due"] = 0
    header["quotes_due"] -= 1
    header["implied_stale"] = 1
    account_event(book, at, command, number, EventKind.QUOTES_PULLED)
    index = member_at(book, account["member"])["risk_first"]
    while index != 0:
        risk = risk_at(book, index)
        if risk["account"] == number:
            heap_push(book, risk["buy_first"])
            heap_push(book, risk["sell_first"])
        index = risk["member_next"]


@kernel
def account_event(book, at, command, number, kind):
    """A fact of an account."""
    event = event_at(book, at)
    clear_event(event, command, kind)
    event["account"] = number
    event["member"] = account_at(book, number)["member"]


@kernel
def reset_quotes(book, at, command):
    """The window begins anew, and quotes are taken again: QUOTES_RESET if they were not (M-189)."""
    number = np.int64(known_row(header_of(book)["accounts_rows"], command["account"]))
    account = account_at(book, number)
    if account["defined"] == 0 or account["member"] != command["member"]:
        return at
    clear_fills(book, number)
    if account["quotes_frozen"] == 0:
        return at
    account["quotes_frozen"] = 0
    account_event(book, at, command, number, EventKind.QUOTES_RESET)
    return at + 1
