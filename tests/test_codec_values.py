"""Values read and written by kernels against exact Python: prices, times, averages, words.

Source: O-8, O-14.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from engine.cl_ord_id import pack_cl_ord_id
from engine.kernel import codec_kernel
from gateway import scan
from gateway.fields import (
    date_of_days,
    days_of_date,
    is_date,
    read_decimal,
    read_int,
    read_timestamp,
)
from gateway.put import put_average, put_id, put_nanoseconds, put_price, put_uint
from gateway.values import format_average, format_price, format_timestamp, parse_timestamp
from gateway.values import is_date as is_date_plain
from tests.codec_bench import buffer_of

_WORDS = np.zeros(4096, np.int64)


def value_buffer(text: bytes) -> np.ndarray:
    return buffer_of(text + b"\x0110=000\x01")


@codec_kernel
def _scan_all(buf, offset, count, value):
    word = scan.load8(buf, offset)
    mask, total = scan.scan64(buf, offset, count)
    spelled, digits = scan.spell8(value)
    short = min(count, 8)
    return (
        word,
        mask,
        total,
        scan.keep_bytes(spelled, digits),
        digits,
        scan.spell8_full(value),
        scan.tag8(word),
        scan.digits8(word, short),
        scan.byte_at(word, 0x2E),
        scan.keep_bytes(word, count),
        scan.trailing_zeros(mask),
        scan.cut_byte(word, short - 1),
    )


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from(b"0123456789=.\x01\xff\x00"), min_size=100, max_size=100),
    st.integers(0, 30),
    st.integers(1, 64),
    st.integers(0, 10**8 - 1),
)
def test_words_in_kernels_are_those_of_python(
    data: list[int], offset: int, count: int, value: int
) -> None:
    buf = np.array(data, np.uint8)
    word = scan.load8(buf, offset)
    mask, total = scan.scan64(buf, offset, count)
    spelled, digits = scan.spell8(value)
    short = min(count, 8)
    expected = (
        word,
        mask,
        total,
        scan.keep_bytes(spelled, digits),
        digits,
        scan.spell8_full(value),
        scan.tag8(word),
        scan.digits8(word, short),
        scan.byte_at(word, 0x2E),
        scan.keep_bytes(word, count),
        scan.trailing_zeros(mask),
        scan.cut_byte(word, short - 1),
    )
    assert tuple(int(x) for x in _scan_all(buf, offset, count, value)) == expected


@settings(max_examples=500, deadline=None)
@given(st.integers(-(10**18), 10**18))
@example(-1)
@example(10**9)
@example(123_456_789_012_345_678)
def test_price_is_written_and_read_exactly(price: int) -> None:
    out = np.zeros(64, np.uint8)
    text = out[: put_price(out, 0, price)].tobytes()
    assert text.decode() == format_price(price)
    assert Decimal(text.decode()) * 10**9 == price
    assert read_decimal(value_buffer(text), 0, len(text)) == (0, price)


@settings(max_examples=500, deadline=None)
@given(st.from_regex(r"-?[0-9]{0,12}(\.[0-9]{0,12})?", fullmatch=True).filter(bool))
@example("9223372035.999999999")
@example("9223372037")
@example("-")
@example("-.5")
def test_decimal_is_that_of_python(text: str) -> None:
    code, value = read_decimal(value_buffer(text.encode()), 0, len(text))
    if not any(c.isdigit() for c in text):
        assert code == 6
        return
    exact = Decimal(text) * 10**9
    if exact != exact.to_integral_value() or abs(exact) >= 9_223_372_036 * 10**9:
        assert code == 5
    else:
        assert (code, value) == (0, int(exact))


@settings(max_examples=300, deadline=None)
@given(st.text("0123456789-+. x", min_size=1, max_size=25))
def test_int_is_that_of_python(text: str) -> None:
    code, value = read_int(value_buffer(text.encode()), 0, len(text))
    digits = text.removeprefix("-")
    if not digits.isdigit():
        assert code == 6
    elif len(digits) > 18:
        assert code == 5
    else:
        assert (code, value) == (0, int(text))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 10**18 - 1))
@example(0)
@example(10**8)
@example(10**16)
def test_number_is_written(value: int) -> None:
    out = np.zeros(64, np.uint8)
    assert out[: put_uint(out, 0, value)].tobytes() == b"%d" % value


@settings(max_examples=500, deadline=None)
@given(st.integers(-(10**18), 10**18), st.integers(1, 10**6))
@example(-3, 2)
@example(1, 2)
@example(2, 3)
def test_average_is_the_exact_fraction_rounded_once(cum_value: int, cum_qty: int) -> None:
    out = np.zeros(64, np.uint8)
    text = out[: put_average(out, 0, cum_value, cum_qty)].tobytes().decode()
    assert text == format_average(cum_value, cum_qty)
    exact = Fraction(cum_value, cum_qty)
    error = abs(Fraction(Decimal(text) * 10**9) - exact)
    assert error <= Fraction(1, 2)
    if error == Fraction(1, 2):
        assert abs(Decimal(text) * 10**9) > abs(exact)
    assert not (text.endswith("0") and "." in text)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 7_258_118_399_999_999_999 // 1), st.sampled_from((0, 3, 6, 9)))
def test_timestamp_is_written_and_read(time_ns: int, digits: int) -> None:
    text = format_timestamp(time_ns, digits)
    expected = time_ns - time_ns % 10 ** (9 - digits)
    assert parse_timestamp(text) == expected
    assert read_timestamp(_WORDS, value_buffer(text), 0, len(text)) == (0, expected)
    out = np.zeros(64, np.uint8)
    nanoseconds = out[: put_nanoseconds(out, 0, time_ns)].tobytes()
    assert nanoseconds == format_timestamp(time_ns, 9)[17:]


@settings(max_examples=500, deadline=None)
@given(st.from_regex(r"[0-9]{8}-[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?", fullmatch=True))
@example("20261120-11:06:49.12")
@example("20240229-23:59:60")
@example("20230229-00:00:00")
def test_timestamp_is_refused_as_in_python(text: str) -> None:
    expected = parse_timestamp(text.encode())
    code, value = read_timestamp(_WORDS, value_buffer(text.encode()), 0, len(text))
    assert (code == 0) == (expected is not None)
    if expected is not None:
        assert value == expected


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 84_000))
@example(11_016)
def test_dates_are_the_calendar(days: int) -> None:
    date = date_of_days(days)
    assert is_date(date) and is_date_plain(date // 10000, date // 100 % 100, date % 100)
    assert days_of_date(date) == days


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 99_999_999))
def test_is_date_is_the_calendar(date: int) -> None:
    year, month, day = date // 10000, date // 100 % 100, date % 100
    expected = 1970 <= year <= 2199 and is_date_plain(year, month, day)
    assert bool(is_date(date)) == expected


@settings(max_examples=200, deadline=None)
@given(st.text("ABC-0123", min_size=1, max_size=20))
def test_id_is_written(text: str) -> None:
    out = np.zeros(64, np.uint8)
    words = (np.uint64(word) for word in pack_cl_ord_id(text.encode()))
    assert out[: put_id(out, 0, *words)].tobytes() == text.encode()
