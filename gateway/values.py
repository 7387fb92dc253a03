"""Values of FIX fields as Python reads and writes them; the kernels' twins are in gateway/scan.py.

Source: FIX 4.4 volume 1, data types; specs/order_entry.md O-8.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from datetime import date

from engine.types import PRICE_SCALE

SECOND_NS = 1_000_000_000
_TIMESTAMP = re.compile(
    rb"(\d{4})(\d\d)(\d\d)-(\d\d):(\d\d):(\d\d)(?:\.(\d{3}|\d{6}|\d{9}))?\Z", re.ASCII
)


def format_timestamp(time_ns: int, digits: int = 3) -> bytes:
    """UTCTimestamp with 0, 3, 6 or 9 digits of the second; what is finer is cut off."""
    assert digits in (0, 3, 6, 9)
    seconds, rest = divmod(time_ns, SECOND_NS)
    text = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(seconds)).encode()
    return text if digits == 0 else b"%b.%b" % (text, (b"%09d" % rest)[:digits])


def parse_timestamp(text: bytes) -> int | None:
    """ns since 1970 of a UTCTimestamp (s, ms, us or ns); None: malformed. Second 60 is allowed."""
    match = _TIMESTAMP.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(match[i]) for i in range(1, 7))
    if hour > 23 or minute > 59 or second > 60 or not 1970 <= year <= 2199:
        return None
    if not is_date(year, month, day):
        return None
    fraction = int((match[7] or b"").ljust(9, b"0"))
    seconds = timegm((year, month, day, hour, minute, 0)) + second
    return seconds * SECOND_NS + fraction


def is_date(year: int, month: int, day: int) -> bool:
    """True when the calendar has that day."""
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


def format_price(price: int) -> str:
    """A price of 1e-9 as decimal text without trailing zeros."""
    whole, rest = divmod(abs(price), PRICE_SCALE)
    sign = "-" if price < 0 else ""
    fraction = f"{rest:09d}".rstrip("0")
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def format_average(cum_value: int, cum_qty: int) -> str:
    """cum_value / cum_qty (1e-9 x lots, lots) rounded half away from zero; O-14."""
    if cum_qty == 0:
        return "0"
    whole, rest = divmod(abs(cum_value), cum_qty)
    average = whole + (1 if 2 * rest >= cum_qty else 0)
    return format_price(-average if cum_value < 0 else average)
