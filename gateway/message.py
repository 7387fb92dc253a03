"""One FIX message as Python sees it: the administrative and the rare ones.

`Message` is a read-only view over a tokenised message; `encode_message` writes one. Neither knows
a session's state. The frequent messages never come here (gateway/orders.py, gateway/reports.py).

Source: specs/order_entry.md O-1 to O-9; FIX 4.4 volume 2, standard header and trailer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gateway.types import BEGIN_STRING, Fault
from gateway.values import format_timestamp, parse_timestamp

SOH = b"\x01"

Field = tuple[int, "bytes | str | int"]


class Message:
    """A whole message with right BodyLength and CheckSum.

    raw: the message's bytes, 8= to 10= included. fields: (tag, offset in raw, length in bytes) in
    order of appearance. fault: the first thing wrong with it by the dialect, or None; a caller
    checks the sequence number before it answers a fault.
    """

    __slots__ = ("_first", "fault", "fields", "msg_type", "raw")

    def __init__(
        self, raw: bytes, fields: Sequence[tuple[int, int, int]], fault: Fault | None
    ) -> None:
        self.raw = raw
        self.fields = fields
        self.fault = fault
        first: dict[int, tuple[int, int]] = {}
        for tag, offset, length in fields:
            first.setdefault(tag, (offset, length))
        self._first = first
        self.msg_type = self.get(35) or b""

    def get(self, tag: int) -> bytes | None:
        """The first value of a tag, None where it is absent."""
        at = self._first.get(tag)
        return None if at is None else self.raw[at[0] : at[0] + at[1]]

    def all(self, tag: int) -> list[bytes]:
        """Every value of a tag, in order."""
        return [self.raw[o : o + n] for t, o, n in self.fields if t == tag]

    def items(self) -> Iterator[tuple[int, bytes]]:
        """All fields in order."""
        return ((t, self.raw[o : o + n]) for t, o, n in self.fields)

    def text(self, tag: int, default: str = "") -> str:
        """A value as text; bytes that are no UTF-8 are replaced."""
        value = self.get(tag)
        return default if value is None else value.decode("utf-8", "replace")

    def number(self, tag: int) -> int | None:
        """A value of ASCII digits (sign allowed) as int; None: absent or no number."""
        value = self.get(tag)
        if value is None:
            return None
        digits = value[1:] if value[:1] == b"-" else value
        return int(value) if digits.isdigit() and len(digits) <= 18 else None

    def flag(self, tag: int) -> bool:
        """True when the value is Y."""
        return self.get(tag) == b"Y"

    def time_ns(self, tag: int) -> int | None:
        """A UTCTimestamp in ns since 1970; None: absent or malformed."""
        value = self.get(tag)
        return None if value is None else parse_timestamp(value)

    @property
    def seq_num(self) -> int | None:
        """MsgSeqNum (34); None: absent or no number."""
        return self.number(34)

    @property
    def poss_dup(self) -> bool:
        """PossDupFlag (43) is Y."""
        return self.flag(43)

    @property
    def sending_time_ns(self) -> int | None:
        """SendingTime (52)."""
        return self.time_ns(52)

    @property
    def orig_sending_time_ns(self) -> int | None:
        """OrigSendingTime (122)."""
        return self.time_ns(122)

    def __repr__(self) -> str:
        return f"Message({self.raw.replace(SOH, b'|').decode('latin-1')})"


class Header(NamedTuple):
    """What every outgoing message of a session carries."""

    sender: bytes  # 49
    target: bytes  # 56
    routing: tuple[Field, ...] = ()  # e.g. 128 answering 115
    begin_string: bytes = BEGIN_STRING


def encode_message(
    msg_type: bytes | str,
    fields: Iterable[Field],
    header: Header,
    seq_num: int,
    sending_time_ns: int,
    *,
    orig_sending_time_ns: int | None = None,
    poss_resend: bool = False,
) -> bytes:
    """A whole message: header, fields as given, CheckSum.

    orig_sending_time_ns given: 43=Y and 122. Times in ns since 1970, written in milliseconds.
    Source: specs/order_entry.md O-3.
    """
    head: list[Field] = [(35, msg_type), (49, header.sender), (56, header.target), (34, seq_num)]
    head.append((52, format_timestamp(sending_time_ns)))
    if orig_sending_time_ns is not None:
        head.append((43, "Y"))
    if poss_resend:
        head.append((97, "Y"))
    if orig_sending_time_ns is not None:
        head.append((122, format_timestamp(orig_sending_time_ns)))
    body = _join(head) + _join(header.routing) + _join(fields)
    return _frame(header.begin_string, body)


def encode_again(
    raw: bytes, sending_time_ns: int, orig_sending_time_ns: int, seq_num: int | None = None
) -> bytes:
    """A message kept verbatim, for a resend: same body and number, 43=Y, 122, new 52, new sums.

    raw must be a message that encode_message or encode_reports wrote. Source: O-6.
    """
    fields = [part.split(b"=", 1) for part in raw.split(SOH)[2:-2]]
    head = {int(tag): value for tag, value in fields[:5]}
    start = 5
    while fields[start][0] in (b"43", b"97", b"122"):
        start += 1
    poss_resend = [b"97", b"Y"] in fields[5:start]
    return encode_message(
        head[35],
        ((int(tag), value) for tag, value in fields[start:]),
        Header(head[49], head[56], (), raw[2 : raw.index(SOH)]),
        int(head[34]) if seq_num is None else seq_num,
        sending_time_ns,
        orig_sending_time_ns=orig_sending_time_ns,
        poss_resend=poss_resend,
    )


def with_fields(raw: bytes, fields: Iterable[Field]) -> bytes:
    """A whole message with more fields at the end of its body."""
    return _frame(raw[2 : raw.index(SOH)], _body_of(raw) + _join(fields))


def in_dialect(raw: bytes, begin_string: bytes) -> bytes:
    """A whole message under this BeginString (8); the same bytes where it has that one."""
    if raw[2 : len(begin_string) + 3] == begin_string + SOH:
        return raw
    return _frame(begin_string, _body_of(raw))


def _body_of(raw: bytes) -> bytes:
    return raw[raw.index(SOH, raw.index(SOH) + 1) + 1 : raw.rindex(b"10=")]


def _join(fields: Iterable[Field]) -> bytes:
    return b"".join(b"%d=%b\x01" % (tag, _value(value)) for tag, value in fields)


def _value(value: bytes | str | int) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).encode()


def _frame(begin_string: bytes, body: bytes) -> bytes:
    start = b"8=%b\x019=%d\x01" % (begin_string, len(body))
    total = (sum(start) + sum(body)) & 255
    return b"%b%b10=%03d\x01" % (start, body, total)
