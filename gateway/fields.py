"""Values of FIX fields inside kernels: numbers, prices, times and dates, read exactly.

Every reader takes (buf, offset, length) of a value inside a framed message, so that eight bytes
from any of its characters exist, and returns (code, value). Python twins: gateway/values.py.

Source: FIX 4.4 volume 1, data types; specs/order_entry.md O-8.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel
from engine.types import PRICE_SCALE
from gateway.arena import CLOCK, Clock
from gateway.scan import byte_at, cut_byte, digits8, keep_bytes, load8

OK = 0
OUT_OF_RANGE = 5  # 373
BAD_FORMAT = 6  # 373

_POWERS = tuple(10**n for n in range(10))
_INT_DIGITS_MAX = 18
_WHOLE_MAX = (2**63 - 1) // PRICE_SCALE - 1  # quote units
_DAY_NS = 86_400_000_000_000
_SECOND_NS = 1_000_000_000


@codec_kernel
def read_count(buf, offset, length):
    """An unsigned integer of at most 18 digits."""
    if length <= 8:
        value = digits8(load8(buf, offset), length)
        return (BAD_FORMAT, 0) if value < 0 else (OK, value)
    value = 0
    for index in range(offset, offset + length):
        digit = np.int64(buf[index]) - ord("0")
        if digit < 0 or digit > 9:
            return BAD_FORMAT, 0
        if index - offset < _INT_DIGITS_MAX:
            value = value * 10 + digit
    return (OUT_OF_RANGE, 0) if length > _INT_DIGITS_MAX else (OK, value)


@codec_kernel
def read_int(buf, offset, length):
    """An integer of at most 18 digits, a minus sign allowed."""
    if buf[offset] != ord("-"):
        return read_count(buf, offset, length)
    if length == 1:
        return BAD_FORMAT, 0
    code, value = read_count(buf, offset + 1, length - 1)
    return code, -value


@codec_kernel
def read_decimal(buf, offset, length):
    """A decimal as int64 in 1e-9; more digits than that, unless zero, are OUT_OF_RANGE."""
    if length <= 8 and buf[offset] != ord("-"):
        word = keep_bytes(load8(buf, offset), length)
        dot = byte_at(word, ord("."))
        if dot >= length:
            value = digits8(word, length)
            return (BAD_FORMAT, 0) if value < 0 else (OK, value * PRICE_SCALE)
        if length == 1:
            return BAD_FORMAT, 0
        value = digits8(cut_byte(word, dot), length - 1)
        return (BAD_FORMAT, 0) if value < 0 else (OK, value * _POWERS[10 - length + dot])
    return _read_long_decimal(buf, offset, length)


@codec_kernel
def _read_long_decimal(buf, offset, length):
    negative = buf[offset] == ord("-")
    whole = 0
    fraction = 0
    digits = 0
    places = -1
    code = OK
    for index in range(offset + int(negative), offset + length):
        byte = np.int64(buf[index])
        if byte == ord(".") and places < 0:
            places = 0
            continue
        digit = byte - ord("0")
        if digit < 0 or digit > 9:
            return BAD_FORMAT, 0
        digits += 1
        if places < 0:
            whole = whole * 10 + digit
            if whole > _WHOLE_MAX:
                code = OUT_OF_RANGE
                whole = 0
        elif places < 9:
            fraction = fraction * 10 + digit
            places += 1
        elif digit != 0:
            code = OUT_OF_RANGE
    if digits == 0:
        return BAD_FORMAT, 0
    value = whole * PRICE_SCALE + fraction * _POWERS[9 - max(places, 0)]
    return code, -value if negative else value


@codec_kernel
def read_qty(buf, offset, length):
    """A number of lots: a decimal whose fraction is zero."""
    code, value = read_decimal(buf, offset, length)
    if code != OK:
        return code, 0
    lots = value // PRICE_SCALE
    return (OK, lots) if lots * PRICE_SCALE == value else (OUT_OF_RANGE, 0)


@codec_kernel
def read_date(buf, offset, length):
    """A date yyyymmdd of the years 1970 to 2199."""
    if length != 8:
        return BAD_FORMAT, 0
    value = digits8(load8(buf, offset), 8)
    if value < 0 or not is_date(value):
        return BAD_FORMAT, 0
    return OK, value


@codec_kernel
def is_date(date):
    """True when yyyymmdd is a day of the calendar, 1970 to 2199."""
    year, month, day = date // 10000, date // 100 % 100, date % 100
    if year < 1970 or year > 2199 or month < 1 or month > 12 or day < 1:
        return False
    if month == 2:
        leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
        return day <= 28 + int(leap)
    return day <= 30 + ((month + month // 8) & 1)


@codec_kernel
def days_of_date(date):
    """Days since 1970-01-01 of a date yyyymmdd."""
    year, month, day = date // 10000, date // 100 % 100, date % 100
    if month <= 2:
        year -= 1
        month += 12
    leaps = year // 4 - year // 100 + year // 400
    return 365 * year + leaps + (153 * (month - 3) + 2) // 5 + day - 719469


@codec_kernel
def read_timestamp(words, buf, offset, length):
    """A UTCTimestamp as ns since 1970; s, ms, us and ns are taken, and second 60."""
    if length < 17:
        return BAD_FORMAT, 0
    word_0 = np.int64(keep_bytes(load8(buf, offset), 7))
    word_1 = np.int64(keep_bytes(load8(buf, offset + 7), 7))
    word_2 = np.int64(keep_bytes(load8(buf, offset + 14), 3))
    if (
        word_0 != words[CLOCK + Clock.SECOND_IN_0]
        or word_1 != words[CLOCK + Clock.SECOND_IN_1]
        or word_2 != words[CLOCK + Clock.SECOND_IN_2]
    ):
        code, second_ns = _read_second(buf, offset)
        if code != OK:
            return BAD_FORMAT, 0
        words[CLOCK + Clock.SECOND_IN_0] = word_0
        words[CLOCK + Clock.SECOND_IN_1] = word_1
        words[CLOCK + Clock.SECOND_IN_2] = word_2
        words[CLOCK + Clock.SECOND_IN_NS] = second_ns
    fraction = 0
    if length != 17:
        digits = length - 18
        if buf[offset + 17] != ord(".") or (digits != 3 and digits != 6 and digits != 9):
            return BAD_FORMAT, 0
        code, fraction = read_count(buf, offset + 18, digits)
        if code != OK:
            return BAD_FORMAT, 0
        fraction *= _POWERS[9 - digits]
    return OK, words[CLOCK + Clock.SECOND_IN_NS] + fraction


@codec_kernel
def _read_second(buf, offset):
    """ns since 1970 of the seventeen characters of a date and second."""
    date = digits8(load8(buf, offset), 8)
    if date < 0 or not is_date(date):
        return BAD_FORMAT, 0
    if buf[offset + 8] != ord("-") or buf[offset + 11] != ord(":") or buf[offset + 14] != ord(":"):
        return BAD_FORMAT, 0
    time = digits8(cut_byte(cut_byte(load8(buf, offset + 9), 5), 2), 6)
    if time < 0 or time >= 240000 or time // 100 % 100 > 59 or time % 100 > 60:
        return BAD_FORMAT, 0
    seconds = time // 10000 * 3600 + time // 100 % 100 * 60 + time % 100
    return OK, days_of_date(date) * _DAY_NS + seconds * _SECOND_NS


@codec_kernel
def read_month(buf, offset, length):
    """yyyymm, yyyymmdd or yyyymmwN, as the number yyyymm."""
    if length != 6 and length != 8:
        return BAD_FORMAT, 0
    value = digits8(load8(buf, offset), 6)
    if value < 0 or not is_date(value * 100 + 1):
        return BAD_FORMAT, 0
    if length == 8:
        if buf[offset + 6] == ord("w"):
            if not ord("1") <= buf[offset + 7] <= ord("5"):
                return BAD_FORMAT, 0
        elif read_date(buf, offset, length)[0] != OK:
            return BAD_FORMAT, 0
    return OK, value


@codec_kernel
def date_of_days(days):
    """The date yyyymmdd that many days after 1970-01-01; the inverse of days_of_date."""
    shifted = days + 719468
    era = shifted // 146097
    of_era = shifted - era * 146097
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    shifted_month = (5 * of_year + 2) // 153
    day = of_year - (153 * shifted_month + 2) // 5 + 1
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return (year + era * 400 + int(month <= 2)) * 10000 + month * 100 + day
