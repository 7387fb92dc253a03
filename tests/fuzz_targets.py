"""What is fuzzed: the decoder, a session, a member's whole connection to a venue in this process.

An input is text of records, one a line. `~bytes` goes in as it stands; `TYPE|tag=value|...` becomes
a message with right BodyLength and CheckSum, in which 49, 56, 34 and 52 are filled in unless given.
`|` is SOH, `@` the time. So a changed byte changes a field and seldom only the CheckSum.

The fuzz law: a fact, an answer or nothing; no exception, no endless loop, no growth.
"""

from __future__ import annotations

import re
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from gateway.assembly import assemble
from gateway.states import State
from gateway.types import READ_SLACK_BYTES, Read
from gateway.values import format_timestamp
from specs.calendar import to_yyyymmdd
from specs.products import load_products
from specs.venue import load_venue
from tests.fix_dialogue import load_situations
from tests.session_rig import START_NS, Rig, encode_line
from tests.test_venue_fuzz import Fuzzed

INPUT_BYTES_MAX = 512
RECORDS_MAX = 16
RESET_AFTER = 100  # inputs; then numbers begin again, so that what was sent stays small
OUT_BYTES_MAX = 1 << 22  # answers to one input
LIMITS = EngineLimits(orders_max=5_000, requests_max=20_000)
Target = Callable[[bytes], None]


def records_of(data: bytes) -> list[bytes]:
    """The records of an input."""
    return data[:INPUT_BYTES_MAX].split(b"\n", RECORDS_MAX - 1)


def frame(record: bytes, number: int, now_ns: int) -> bytes:
    """The bytes of one record."""
    record = record.replace(b"|", b"\x01")
    if record[:1] == b"~":
        return record[1:]
    kind, _, body = record.partition(b"\x01")
    stamp = format_timestamp(now_ns)
    head = b"35=%b\x01" % kind
    for tag, value in ((b"49", b"ALPHA"), (b"56", b"SITEX"), (b"34", b"%d" % number),
                       (b"52", stamp)):  # fmt: skip
        if tag + b"=" not in body:
            head += b"%b=%b\x01" % (tag, value)
    body = head + body.replace(b"@", stamp)
    if not body.endswith(b"\x01"):
        body += b"\x01"
    start = b"8=FIX.4.4\x019=%d\x01%b" % (len(body), body)
    return start + b"10=%03d\x01" % (sum(start) & 255)


def seeds() -> list[bytes]:
    """The members' side of every dialogue, as inputs."""
    found = []
    for situation in load_situations():
        records = []
        for step in situation.steps:
            verb, _, rest = step.partition(" ")
            if verb in (">", ">>"):
                kind, *fields = rest.split(" ")
                fields = [one for one in fields if not one.startswith(("34=", "as=", "raw="))]
                fields = [re.sub(r"@[-\d.a-z]+", "@", one) for one in fields]
                records.append("|".join([kind, *fields, ""]))
            elif verb in ("~", "~~"):
                records.append("~" + rest)
            elif verb == "ping":
                records.append("1|112=PING|")
        text = "\n".join(records).replace("$SYMBOL", "SITB2612").replace("$BEGIN", "FIX.4.4")
        found.append(text.replace("$ME", "ALPHA").replace("$LONG", "x" * 50).encode())
    return sorted({seed for seed in found if seed})


class Decoder:
    """Framing, the dialect's checks, and orders into rows: the kernels, with no session's state."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.rig.receive(encode_line("A 34=1 98=0 108=30", self.rig.now_ns))
        self.rows = np.zeros(64, self.rig.desk.commands.dtype)

    def __call__(self, data: bytes) -> None:
        records = records_of(data)
        raw = b"".join(frame(one, 2 + at, START_NS) for at, one in enumerate(records))
        end = len(raw)
        buffer = np.zeros(end + READ_SLACK_BYTES, np.uint8)
        buffer[:end] = np.frombuffer(raw, np.uint8)
        start = 0
        while start < end:
            kind, size, message = self.rig.tables.read(buffer, start, end)
            if kind == Read.NEED_MORE:
                break
            assert 0 < size <= end - start
            if message is not None:
                assert message.raw == raw[start : start + size]
            start += size
        desk, party = self.rig.desk, self.rig.party
        party.expected_in = 2
        desk.clear()
        consumed, rows, _ = desk.decode(party, buffer, 0, end, 64, START_NS)
        assert 0 <= consumed <= end and 0 <= rows <= 64 and party.expected_in == 2 + rows
        desk.clear()


class Member:
    """The venue's end of a session, without a socket and with an engine that answers nothing."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.inputs = 0

    def __call__(self, data: bytes) -> None:
        rig = self.rig
        self.inputs += 1
        rig.drop()
        rig.connect()
        if self.inputs % RESET_AFTER == 0:
            rig.stream.data.clear()
            rig.stream.records.clear()
            rig.party.reset()
        begin = f"A 34={rig.party.expected_in} 98=0 108=30"
        rig.receive(encode_line(begin, rig.now_ns))
        if self.inputs % 4 == 0:
            rig.report("something")
        for record in records_of(data):
            if rig.session.state in (State.CLOSED, State.LOGOUT_ANSWERED):
                break
            rig.receive(frame(record, rig.party.expected_in, rig.now_ns))
            assert len(rig.unread) <= 2 * INPUT_BYTES_MAX + 9_000
        rig.wait(len(data) % 3)
        assert len(rig.taken_all()) < OUT_BYTES_MAX
        for kept in (rig.facts, rig.rows, rig.reasons):
            kept.clear()


class Connection:
    """A member's line to a venue: the whole turn, journal, engine and reports included."""

    def __init__(self, folder: Path, peer: socket.socket) -> None:
        now_ns = time.time_ns()
        config = load_venue(overrides=("durability=os", "fix.logons_per_minute_max=1000000"))
        day = to_yyyymmdd(config.day.venue_day().at(now_ns))
        self.sequencer = Sequencer.open(
            folder, limits=LIMITS, durability="os", now_ns=now_ns, venue_day=day, threaded=False
        )
        self.parts = assemble(self.sequencer, config, load_products(), now_ns)
        self.member = Fuzzed(self.parts, peer)
        self.inputs = 0

    def __call__(self, data: bytes) -> None:
        member = self.member
        self.inputs += 1
        if self.inputs % RESET_AFTER == 0 or member.line.session.state != State.ACTIVE:
            member.sink.close()
            member.send(b"")  # it logs on again, from 1
        before = member.sink.written
        now_ns = time.time_ns()
        for record in records_of(data):
            member.catch_up()
            member.send(frame(record, member.number, now_ns))
        self.parts.venue.on_deadline(member.line)
        assert member.sink.written - before < OUT_BYTES_MAX


@contextmanager
def opened(name: str) -> Iterator[Target]:
    """The target of this name: decoder, session or connection."""
    if name == "decoder":
        yield Decoder()
    elif name == "session":
        yield Member()
    elif name == "connection":
        with tempfile.TemporaryDirectory(prefix="sitex-fuzz-") as folder, socket.socket() as peer:
            connection = Connection(Path(folder), peer)
            yield connection
            connection.sequencer.abandon()
    else:
        raise ValueError(f"no target {name!r}")


SHARES = {"decoder": 0.75, "session": 0.15, "connection": 0.1}  # of the inputs
