"""MassQuote, QuoteCancel and QuoteRequest to command rows: of quotes one row an instrument.

Reads the field table of a message whose fields gateway/check.py has found good. Sets, entries and
their members stand there in order, so one walk over the rows finds them.

Source: specs/order_entry.md O-55, O-56, O-60.
"""

from __future__ import annotations

import numpy as np

from engine.book import copy_row
from engine.flags import FIRST_QUOTE, RESET_QUOTES
from engine.kernel import codec_kernel
from engine.types import CommandKind, MassCancelScope
from gateway.arena import TABLE_LENGTH, TABLE_OFFSET, TABLE_TAG, Section
from gateway.check import VALID, SessionReject
from gateway.fields import OK, read_count, read_decimal, read_qty
from gateway.fill import BUSINESS, CONDITIONALLY_REQUIRED, find_name_at

_SET, _ENTRIES, _ENTRY, _SYMBOL = 302, 295, 299, 55
_BID, _ASK, _BID_SIZE, _ASK_SIZE = 132, 133, 134, 135
_CANCEL_TYPE = 298
_RESET = 9773
_INSTRUMENTS, _SIDE, _QTY = 146, 54, 38
_SET_DIGITS_MAX = 9
_ENTRY_DIGITS_MAX = 18
_HAS_SYMBOL, _HAS_BID, _HAS_BID_SIZE, _HAS_ASK, _HAS_ASK_SIZE = 1, 2, 4, 8, 16
_FIRST_FIELD = 3  # behind 8, 9, 35


@codec_kernel
def check_quotes(views, buf, count, kind):
    """What the tables cannot say of a message of this kind; other kinds are one row.

    Returns (VALID, 373 or BUSINESS + 380; tag; command rows). Source: O-55, O-56, O-60.
    """
    if kind == CommandKind.MASS_QUOTE:
        return _check_mass_quote(views, buf, count)
    if kind == CommandKind.QUOTE_CANCEL:
        return _check_quote_cancel(views, buf, count)
    if kind == CommandKind.QUOTE_REQUEST:
        return _check_quote_request(views, count)
    return VALID, 0, 1


@codec_kernel
def _check_mass_quote(views, buf, count):
    rows = 0
    has = _HAS_SYMBOL
    for index in range(_FIRST_FIELD, count - 1):
        tag = np.int64(views.ints[TABLE_TAG + index])
        if tag == _SET and not _is_number(views, buf, index, _SET_DIGITS_MAX):
            return SessionReject.VALUE_INCORRECT, _SET, rows
        if tag == _ENTRY:
            reason, missing = _check_entry(has)
            if reason != VALID:
                return reason, missing, rows
            if not _is_number(views, buf, index, _ENTRY_DIGITS_MAX):
                return SessionReject.VALUE_INCORRECT, _ENTRY, rows
            rows += 1
            has = 0
        has |= _bit_of(tag)
    reason, missing = _check_entry(has)
    if reason == VALID and rows == 0:
        return SessionReject.REQUIRED_TAG_MISSING, _ENTRIES, 0
    return reason, missing, rows


@codec_kernel
def _bit_of(tag):
    if tag == _SYMBOL:
        return _HAS_SYMBOL
    if tag == _BID:
        return _HAS_BID
    if tag == _BID_SIZE:
        return _HAS_BID_SIZE
    if tag == _ASK:
        return _HAS_ASK
    if tag == _ASK_SIZE:
        return _HAS_ASK_SIZE
    return 0


@codec_kernel
def _check_entry(has):
    """An entry names its instrument; price and size of a side come together."""
    missing = BUSINESS + CONDITIONALLY_REQUIRED
    if has & _HAS_SYMBOL == 0:
        return SessionReject.REQUIRED_TAG_MISSING, _SYMBOL
    if (has & _HAS_BID == 0) != (has & _HAS_BID_SIZE == 0):
        return missing, _BID if has & _HAS_BID == 0 else _BID_SIZE
    if (has & _HAS_ASK == 0) != (has & _HAS_ASK_SIZE == 0):
        return missing, _ASK if has & _HAS_ASK == 0 else _ASK_SIZE
    return VALID, 0


@codec_kernel
def _is_number(views, buf, index, digits_max):
    """Whether the value of a row is digits only, at most so many."""
    length = np.int64(views.ints[TABLE_LENGTH + index])
    code, _ = read_count(buf, np.int64(views.ints[TABLE_OFFSET + index]), length)
    return code == OK and length <= digits_max


@codec_kernel
def _check_quote_cancel(views, buf, count):
    """One symbol where the type wants one."""
    symbols = 0
    kind = 0
    for index in range(_FIRST_FIELD, count - 1):
        tag = np.int64(views.ints[TABLE_TAG + index])
        if tag == _CANCEL_TYPE:
            kind = np.int64(buf[np.int64(views.ints[TABLE_OFFSET + index])])
        elif tag == _SYMBOL:
            symbols += 1
    if symbols == 0 and _scope_of(kind) != MassCancelScope.MEMBER:
        return BUSINESS + CONDITIONALLY_REQUIRED, _ENTRIES, 1
    if symbols > 1:
        return SessionReject.VALUE_INCORRECT, _ENTRIES, 1
    return VALID, 0, 1


@codec_kernel
def _check_quote_request(views, count):
    """One instrument."""
    symbols = 0
    for index in range(_FIRST_FIELD, count - 1):
        if views.ints[TABLE_TAG + index] == _SYMBOL:
            symbols += 1
    if symbols != 1:
        return SessionReject.VALUE_INCORRECT, _INSTRUMENTS, 1
    return VALID, 0, 1


@codec_kernel
def _scope_of(kind):
    """QuoteCancelType (298) as a MassCancelScope: 1 an instrument, 3 a product, 4 all."""
    if kind == ord("4"):
        return np.int64(MassCancelScope.MEMBER)
    if kind == ord("3"):
        return np.int64(MassCancelScope.PRODUCT)
    return np.int64(MassCancelScope.INSTRUMENT)


@codec_kernel
def fill_quotes(views, buf, count, kind, commands, first):
    """The rows of a message from `first` on, which holds what is common to them."""
    if kind == CommandKind.QUOTE_CANCEL:
        _fill_quote_cancel(views, buf, count, commands[first])
    if kind == CommandKind.QUOTE_REQUEST:
        _fill_quote_request(views, buf, count, commands[first])
    if kind != CommandKind.MASS_QUOTE:
        return
    row = first - 1
    scope = FIRST_QUOTE
    quote_set = np.int64(0)
    for index in range(_FIRST_FIELD, count - 1):
        tag = np.int64(views.ints[TABLE_TAG + index])
        offset = np.int64(views.ints[TABLE_OFFSET + index])
        length = np.int64(views.ints[TABLE_LENGTH + index])
        if tag == _RESET and buf[offset] == ord("Y"):
            scope |= RESET_QUOTES
        elif tag == _SET:
            _, quote_set = read_count(buf, offset, length)
        elif tag == _ENTRY:
            row += 1
            if row > first:
                copy_row(commands[row], commands[first])
            _, number = read_count(buf, offset, length)
            _begin_quote(commands[row], quote_set, number, scope if row == first else 0)
        elif row >= first:
            _fill_quote(views, buf, tag, offset, length, commands[row])


@codec_kernel
def _begin_quote(command, quote_set, number, scope):
    command["quote_set"] = quote_set
    command["order_id"] = number
    command["scope"] = scope
    command["instrument"] = 0
    command["price"] = 0
    command["qty"] = 0
    command["stop_price"] = 0
    command["display_qty"] = 0


@codec_kernel
def _fill_quote(views, buf, tag, offset, length, command):
    if tag == _SYMBOL:
        name = find_name_at(views, Section.INSTRUMENTS, buf, offset, length, 0)
        command["instrument"] = name
    elif tag == _BID:
        _, command["price"] = read_decimal(buf, offset, length)
    elif tag == _ASK:
        _, command["stop_price"] = read_decimal(buf, offset, length)
    elif tag == _BID_SIZE:
        _, command["qty"] = read_qty(buf, offset, length)
    elif tag == _ASK_SIZE:
        _, command["display_qty"] = read_qty(buf, offset, length)


@codec_kernel
def _fill_quote_cancel(views, buf, count, command):
    for index in range(_FIRST_FIELD, count - 1):
        tag = np.int64(views.ints[TABLE_TAG + index])
        offset = np.int64(views.ints[TABLE_OFFSET + index])
        if tag == _CANCEL_TYPE:
            command["scope"] = _scope_of(np.int64(buf[offset]))
    for index in range(_FIRST_FIELD, count - 1):
        if views.ints[TABLE_TAG + index] == _SYMBOL:
            offset = np.int64(views.ints[TABLE_OFFSET + index])
            length = np.int64(views.ints[TABLE_LENGTH + index])
            if command["scope"] == MassCancelScope.PRODUCT:
                name = find_name_at(views, Section.PRODUCTS, buf, offset, length, 0)
                command["product"] = name
            elif command["scope"] == MassCancelScope.INSTRUMENT:
                name = find_name_at(views, Section.INSTRUMENTS, buf, offset, length, 0)
                command["instrument"] = name


@codec_kernel
def _fill_quote_request(views, buf, count, command):
    for index in range(_FIRST_FIELD, count - 1):
        tag = np.int64(views.ints[TABLE_TAG + index])
        offset = np.int64(views.ints[TABLE_OFFSET + index])
        length = np.int64(views.ints[TABLE_LENGTH + index])
        if tag == _SYMBOL:
            name = find_name_at(views, Section.INSTRUMENTS, buf, offset, length, 0)
            command["instrument"] = name
        elif tag == _SIDE:
            command["side"] = buf[offset]
        elif tag == _QTY:
            _, command["qty"] = read_qty(buf, offset, length)
