"""Framing: each case whole, byte by byte and glued to the next message. Source: O-1, O-2."""

from __future__ import annotations

import random

import pytest

from gateway.tables import Found, Tables
from gateway.types import MESSAGE_BYTES_MAX, Read
from tests.codec_bench import buffer_of, header, make_tables, naive_fields, new_order, raw

HEARTBEAT = raw(header("0", 7))


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


def read_all(tables: Tables, data: bytes, slack: int = 64) -> list[Found]:
    """Everything that a whole buffer holds."""
    buf = buffer_of(data, slack)
    found: list[Found] = []
    at = 0
    while True:
        next_found = tables.read(buf, at, len(data))
        if next_found.status == Read.NEED_MORE:
            return found
        assert next_found.consumed > 0
        at += next_found.consumed
        found.append(next_found)


def read_bytewise(tables: Tables, data: bytes) -> list[Found]:
    """The same with one byte a segment."""
    buf = buffer_of(data)
    found: list[Found] = []
    at = 0
    for end in range(len(data) + 1):
        next_found = tables.read(buf, at, end)
        while next_found.status != Read.NEED_MORE:
            at += next_found.consumed
            found.append(next_found)
            next_found = tables.read(buf, at, end)
    return found


def messages(found: list[Found]) -> list[bytes]:
    return [one.message.raw for one in found if one.message is not None]


VALID = {
    "order": new_order(),
    "heartbeat": raw(header("0")),
    "test request": raw(header("1") + "112=hello|"),
    "logon with raw data": raw(header("A") + "98=0|108=30|95=5|96=a\x01b=c|141=Y|"),
    "text with equals signs": raw(header("5") + "58=a=b==c|"),
    "group": new_order(extra="453=1|448=X|447=D|452=3|"),
    "long text": raw(header("5") + f"58={'x' * 3000}|"),
}


@pytest.mark.parametrize("name", VALID)
def test_valid_message_is_read_whole_bytewise_and_glued(tables: Tables, name: str) -> None:
    data = VALID[name]
    assert messages(read_all(tables, data)) == [data]
    assert messages(read_all(tables, data, slack=0)) == [data]
    assert messages(read_bytewise(tables, data)) == [data]
    glued = data + HEARTBEAT + data
    assert messages(read_all(tables, glued)) == [data, HEARTBEAT, data]
    assert messages(read_bytewise(tables, glued)) == [data, HEARTBEAT, data]


def test_fields_are_those_of_a_naive_parser(tables: Tables) -> None:
    message = read_all(tables, new_order(extra="58=hi|"))[0].message
    assert message is not None and message.fault is None
    assert list(message.items()) == naive_fields(message.raw)


def test_layouts_that_alternate_are_read_as_alone(tables: Tables) -> None:
    """The decoder keeps the last layout of tags: no message may see another's."""
    cases = [
        *VALID.values(),
        new_order(t11=None),
        new_order(extra="0=1|"),
        new_order(extra="-5=1|"),
    ]
    rng = random.Random(7)
    for data in rng.choices(cases, k=200):
        message = tables.read_bytes(data).message
        alone = make_tables().read_bytes(data).message if rng.random() < 0.1 else message
        assert message is not None and alone is not None
        assert (message.fields, message.fault) == (alone.fields, alone.fault)
        if b"95=" not in data and b"-5=" not in data:
            assert list(message.items()) == naive_fields(data)


def test_raw_data_may_hold_soh(tables: Tables) -> None:
    message = read_all(tables, VALID["logon with raw data"])[0].message
    assert message is not None and message.fault is None
    assert message.get(96) == b"a\x01b=c"
    assert message.get(141) == b"Y"


def with_sum(data: bytes) -> bytes:
    """Bytes of a message without trailer, with the right CheckSum behind."""
    return b"%b10=%03d\x01" % (data, sum(data) & 255)


_GOOD = new_order()
_HEAD = _GOOD.index(b"35=")
GARBLED = {
    "wrong checksum": _GOOD[:-4] + b"%03d\x01" % ((int(_GOOD[-4:-1]) + 1) % 256),
    "checksum of two digits": _GOOD[:-4] + b"12\x01",
    "checksum no number": _GOOD[:-4] + b"abc\x01",
    "length too short": with_sum(b"8=FIX.4.4\x019=5\x01" + _GOOD[_HEAD:-7]),
    "length one too long": with_sum(
        b"8=FIX.4.4\x019=%d\x01" % (len(_GOOD) - _HEAD - 6) + _GOOD[_HEAD:-7]
    ),
    "length no number": b"8=FIX.4.4\x019=abc\x01" + _GOOD[_HEAD:],
    "length negative": b"8=FIX.4.4\x019=-5\x01" + _GOOD[_HEAD:],
    "length zero": b"8=FIX.4.4\x019=0\x01" + _GOOD[_HEAD:],
    "length empty": b"8=FIX.4.4\x019=\x01" + _GOOD[_HEAD:],
    "length huge": b"8=FIX.4.4\x019=999999\x01" + _GOOD[_HEAD:],
    "length of seven digits": b"8=FIX.4.4\x019=0000161\x01" + _GOOD[_HEAD:],
    "no begin string": _GOOD[2:],
    "no length": b"8=FIX.4.4\x01" + _GOOD[_HEAD:],
    "type not third": raw("49=ALPHA|35=0|56=SITEX|34=1|52=20261120-11:06:49|"),
    "garbled length tag": b"8=FIX.4.4\x014garbled9=161\x01" + _GOOD[_HEAD:],
    "tag not numeric": raw(header("0") + "11x=5|"),
    "field without equals sign": raw(header("0") + "112|"),
    "field without tag": raw(header("0") + "=5|"),
    "empty field": raw(header("0") + "|"),
    "junk": b"junk\x01more=junk\x01",
}


@pytest.mark.parametrize("name", GARBLED)
def test_garbled_message_is_skipped_and_the_next_one_read(tables: Tables, name: str) -> None:
    data = GARBLED[name]
    assert messages(read_all(tables, data + HEARTBEAT)) == [HEARTBEAT]
    assert messages(read_bytewise(tables, data + HEARTBEAT)) == [HEARTBEAT]


def test_too_long_length_does_not_wait_for_ever(tables: Tables) -> None:
    data = b"8=FIX.4.4\x019=%d\x01" % (MESSAGE_BYTES_MAX - 100) + _GOOD[_HEAD:]
    assert tables.read_bytes(data).status == Read.NEED_MORE
    found = read_all(tables, data + HEARTBEAT)
    assert [one.status for one in found] == [Read.GARBLED, Read.MESSAGE]


def test_message_above_the_bound_is_garbled(tables: Tables) -> None:
    data = raw(header("5") + f"58={'x' * MESSAGE_BYTES_MAX}|")
    assert messages(read_all(tables, data + HEARTBEAT)) == [HEARTBEAT]


def test_other_begin_string_is_a_message(tables: Tables) -> None:
    body = _GOOD[_HEAD:-7]
    data = with_sum(b"8=FIX.4.2\x019=%d\x01" % len(body) + body)
    message = read_all(tables, data)[0].message
    assert message is not None and message.get(8) == b"FIX.4.2"


def test_fuzz_never_raises_and_always_moves_on(tables: Tables) -> None:
    """The fuzz law: a fact, "need data", or a protocol error; no bytes leave the buffer."""
    seed = 20261120
    rng = random.Random(seed)
    corpus = [*VALID.values(), *GARBLED.values()]
    alphabet = b"8=FIX.4\x01910=\x01\x01==35D0123456789-.:ABYN \x00\xff"
    for _ in range(3000):
        data = bytearray(rng.choice(corpus))
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(data))
            choice = rng.randrange(4)
            if choice == 0:
                data[at] = rng.choice(alphabet)
            elif choice == 1:
                del data[at : at + rng.randrange(1, 9)]
            elif choice == 2:
                data[at:at] = bytes(rng.choices(alphabet, k=rng.randrange(1, 9)))
            else:
                data = data[:at] + bytearray(rng.choice(corpus))[at:]
            data = data or bytearray(b"8")
        if rng.random() < 0.5 and data.rfind(b"35=") > 0:
            data = bytearray(raw(data[data.find(b"35=") : -7].decode("latin-1")))
        for found in read_all(tables, bytes(data), slack=rng.choice((0, 3, 64))):
            assert found.consumed <= len(data), (seed, bytes(data))
            if found.message is not None:
                assert found.message.raw in bytes(data)
