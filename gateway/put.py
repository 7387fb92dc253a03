"""Values written into FIX messages inside kernels; each returns the position behind what it wrote.

Words of eight bytes are stored whole, so eight bytes behind the position must exist: the caller
leaves room (types.REPORT_BYTES_MAX). Python twins: gateway/values.py.

Source: specs/order_entry.md O-8, O-14.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel
from engine.types import PRICE_SCALE
from gateway.arena import CLOCK, TEXTS
from gateway.fields import date_of_days
from gateway.scan import byte_at, load8, spell8, spell8_full, store8

_TEN_8 = 100_000_000
_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_DAY_SECONDS = 86_400
_MILLI = PRICE_SCALE // 1000


def tag_word(tag: int) -> int:
    """SOH, tag and equals sign as a word: what stands in front of a value."""
    return int.from_bytes(b"\x01%d=" % tag, "little")


@codec_kernel
def put_byte(out, at, byte):
    """One character."""
    out[at] = byte
    return at + 1


@codec_kernel
def put_uint(out, at, value):
    """A number of at most 19 digits, not negative."""
    if value >= _TEN_8:
        high = value // _TEN_8
        if high >= _TEN_8:
            top = high // _TEN_8
            word, digits = spell8(top)
            store8(out, at, word)
            store8(out, at + digits, spell8_full(high - top * _TEN_8))
            at += digits + 8
        else:
            word, digits = spell8(high)
            store8(out, at, word)
            at += digits
        store8(out, at, spell8_full(value - high * _TEN_8))
        return at + 8
    word, digits = spell8(value)
    store8(out, at, word)
    return at + digits


@codec_kernel
def put_int(out, at, value):
    """A number of at most 18 digits, a minus sign in front of it where it is negative."""
    if value < 0:
        out[at] = ord("-")
        return put_uint(out, at + 1, -value)
    return put_uint(out, at, value)


@codec_kernel
def put_price(out, at, price):
    """A price of 1e-9 without trailing zeros."""
    if price < 0:
        out[at] = ord("-")
        at += 1
        price = -price
    whole = price // PRICE_SCALE
    rest = price - whole * PRICE_SCALE
    at = put_uint(out, at, whole)
    if rest == 0:
        return at
    out[at] = ord(".")
    at += 1
    places = 9
    if rest % _MILLI == 0:
        rest //= _MILLI
        places = 3
    else:
        store8(out, at, spell8_full(rest // 10))
        at += 8
        rest %= 10
        places = 1
        if rest == 0:
            while out[at - 1] == ord("0"):
                at -= 1
            return at
    while rest % 10 == 0:
        rest //= 10
        places -= 1
    for place in range(places - 1, -1, -1):
        digit = rest % 10
        out[at + place] = ord("0") + digit
        rest //= 10
    return at + places


@codec_kernel
def put_average(out, at, cum_value, cum_qty):
    """cum_value / cum_qty rounded half away from zero to 9 decimals. Source: O-14."""
    if cum_qty == 0:
        return put_byte(out, at, ord("0"))
    size = abs(cum_value)
    average = size // cum_qty
    if (size - average * cum_qty) * 2 >= cum_qty:
        average += 1
    return put_price(out, at, -average if cum_value < 0 else average)


@codec_kernel
def put_words(out, at, word_0, word_1, word_2, chars):
    """A zero-padded name of at most 24 characters."""
    store8(out, at, word_0)
    store8(out, at + 8, word_1)
    store8(out, at + 16, word_2)
    return at + chars


@codec_kernel
def put_id(out, at, word_0, word_1, word_2):
    """A ClOrdID of three words; the zero bytes behind it tell its length."""
    store8(out, at, word_0)
    if word_1 == 0:
        return at + byte_at(word_0, 0)
    store8(out, at + 8, word_1)
    if word_2 == 0:
        return at + 8 + byte_at(word_1, 0)
    store8(out, at + 16, word_2)
    return at + 16 + byte_at(word_2, 0)


@codec_kernel
def put_text(views, out, at, offset, length):
    """A text of the arena."""
    for done in range(0, length, 8):
        store8(out, at + done, load8(views.bytes, TEXTS + offset + done))
    return at + length


@codec_kernel
def put_second(views, out, at, time_ns, second_place, text_place):
    """Seventeen characters of a UTCTimestamp; the text of the last second is kept."""
    second = time_ns // _SECOND_NS
    text = CLOCK + text_place
    if views.words[CLOCK + second_place] != second or second == 0:
        views.words[CLOCK + second_place] = second
        _spell_second(views.bytes, 8 * text, second)
    store8(out, at, load8(views.bytes, 8 * text))
    store8(out, at + 8, load8(views.bytes, 8 * text + 8))
    out[at + 16] = views.bytes[8 * text + 16]
    return at + 17


@codec_kernel
def _spell_second(text, at, second):
    day = second // _DAY_SECONDS
    rest = second - day * _DAY_SECONDS
    store8(text, at, spell8_full(date_of_days(day)))
    text[at + 8] = ord("-")
    place = at + 9
    for value in (rest // 3600, rest // 60 % 60, rest % 60):
        text[place] = ord("0") + value // 10
        text[place + 1] = ord("0") + value % 10
        text[place + 2] = ord(":")
        place += 3


@codec_kernel
def put_milliseconds(out, at, time_ns):
    """The point and three digits behind the second."""
    value = time_ns % _SECOND_NS // _MILLISECOND_NS
    out[at] = ord(".")
    out[at + 1] = ord("0") + value // 100
    out[at + 2] = ord("0") + value // 10 % 10
    out[at + 3] = ord("0") + value % 10
    return at + 4


@codec_kernel
def put_nanoseconds(out, at, time_ns):
    """The point and nine digits behind the second."""
    value = time_ns % _SECOND_NS
    out[at] = ord(".")
    store8(out, at + 1, spell8_full(value // 10))
    out[at + 9] = ord("0") + value % 10
    return at + 10


@codec_kernel
def put_date(out, at, date):
    """A date yyyymmdd."""
    store8(out, at, spell8_full(date))
    return at + 8


@codec_kernel
def put_sum(out, at, total):
    """Three digits of a CheckSum and the last SOH."""
    value = np.int64(total) & 255
    out[at] = ord("0") + value // 100
    out[at + 1] = ord("0") + value // 10 % 10
    out[at + 2] = ord("0") + value % 10
    out[at + 3] = 1
    return at + 4
