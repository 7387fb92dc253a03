"""What the codec's tests share: message texts, a naive parser, a small venue's tables."""

from __future__ import annotations

import numpy as np

from engine.types import COMMAND
from gateway.arena import Bounds
from gateway.tables import Tables
from gateway.values import parse_timestamp

NOW_TEXT = "20261120-11:06:49.123"
NOW_NS = parse_timestamp(NOW_TEXT.encode()) or 0
SESSION, MEMBER, ACCOUNT, INSTRUMENT, PRODUCT = 3, 2, 4, 5, 6
BOUNDS = Bounds(instruments_max=50, accounts_max=50, products_max=10, sessions_max=8)


def raw(body: str) -> bytes:
    """A message of its fields from 35= on, written with | for SOH, with right sums."""
    text = body.replace("|", "\x01").encode("latin-1")
    start = b"8=FIX.4.4\x019=%d\x01" % len(text)
    return b"%b%b10=%03d\x01" % (start, text, sum(start + text) & 255)


def header(msg_type: str, seq: int = 1, extra: str = "") -> str:
    """The usual header of a message to the venue."""
    return f"35={msg_type}|49=ALPHA|56=SITEX|34={seq}|52={NOW_TEXT}|{extra}"


def new_order(seq: int = 1, extra: str = "", head: str = "", **changes: str | None) -> bytes:
    """A valid NewOrderSingle; tNN="value" changes tag NN, None leaves it out."""
    fields = {"11": f"ORD-{seq}", "1": "ALPHA-1", "55": "SITB2612", "54": "1", "60": NOW_TEXT}
    fields |= {"38": "10", "40": "2", "44": "12.345"}
    for name, value in changes.items():
        if value is None:
            fields.pop(name[1:], None)
        else:
            fields[name[1:]] = value
    body = "".join(f"{tag}={value}|" for tag, value in fields.items())
    return raw(header("D", seq, head) + body + extra)


def make_tables(*, is_venue: bool = True) -> Tables:
    """Tables of one session, logged on, with an instrument, an account and a product."""
    tables = Tables(BOUNDS, is_venue=is_venue)
    tables.define_session(SESSION, MEMBER, b"ALPHA", b"SITEX", default_account=ACCOUNT)
    tables.define_instrument(INSTRUMENT, b"SITB2612", PRODUCT)
    tables.define_account(ACCOUNT, b"ALPHA-1", MEMBER)
    tables.define_product(PRODUCT, b"SITB")
    tables.sessions[SESSION]["active"] = 1
    return tables


def buffer_of(data: bytes, slack: int = 64) -> np.ndarray:
    """A read buffer that holds data, with spare bytes behind."""
    buf = np.full(len(data) + slack, 0xA5, np.uint8)
    buf[: len(data)] = np.frombuffer(data, np.uint8)
    return buf


def command_rows(count: int) -> np.ndarray:
    """Command rows full of old bytes: a decoder must overwrite all of them."""
    return np.frombuffer(b"\xa5" * (COMMAND.itemsize * count), COMMAND).copy()


def naive_fields(message: bytes) -> list[tuple[int, bytes]]:
    """(tag, value) of a message without raw data."""
    pairs = (part.split(b"=", 1) for part in message.split(b"\x01")[:-1])
    return [(int(tag), value) for tag, value in pairs]
