"""A venue end of a FIX session without socket or engine, driven by one-line messages.

A line such as `D 34=2 11=A1 52=@-5` is MsgType and fields; BeginString, CompIDs and SendingTime are
filled in unless given; `49=` gives an empty value, `49=-` leaves the field out; `@n` is a timestamp
n seconds from now. BodyLength and CheckSum are computed.
"""

from __future__ import annotations

import numpy as np

from engine.event_reader import EventsMissing
from engine.types import CommandKind
from gateway.acceptor import Acceptor
from gateway.arena import Bounds
from gateway.counterparty import Counterparty, Directory
from gateway.desk import Desk
from gateway.facts import Fact
from gateway.languages import Languages
from gateway.liveness import SECOND_NS
from gateway.message import encode_again, encode_message
from gateway.policy import Policy
from gateway.states import State
from gateway.store import SessionStore
from gateway.tables import Tables
from gateway.values import format_timestamp

START_NS = 1_790_000_000 * SECOND_NS
BOUNDS = Bounds(instruments_max=8, accounts_max=8, products_max=4, sessions_max=4)
ORDER = "D 34={} 11={} 55=SITB2612 54=1 38=5 40=2 44=14.00 60=@0"


def venue_tables() -> Tables:
    """Tables of a venue with two sessions, ALPHA (1) and BRAVO (2), and one instrument."""
    tables = Tables(BOUNDS)
    for session, peer in ((1, b"ALPHA"), (2, b"BRAVO")):
        tables.define_session(session, session, peer, b"SITEX", default_account=session)
        tables.sessions[session]["expected_in"] = tables.sessions[session]["next_out"] = 1
    tables.define_instrument(1, b"SITB2612", 1)
    tables.define_account(1, b"ALPHA", 1)
    tables.define_account(2, b"BRAVO", 2)
    tables.define_product(1, b"SITB")
    return tables


def encode_line(
    line: str, now_ns: int, own: str = "ALPHA", peer: str = "SITEX", begin: str = "FIX.4.4"
) -> bytes:
    """The bytes of a one-line message; a Logon of FIXT.1.1 says 1137=9 unless it says something."""
    msg_type, *parts = line.split(" ")
    given = [tuple(part.split("=", 1)) for part in parts]
    if begin == "FIXT.1.1" and msg_type == "A" and not any(tag == "1137" for tag, _ in given):
        given.append(("1137", "9"))
    tags = {tag for tag, _ in given}
    head = [("35", msg_type), ("49", own), ("56", peer), ("52", "@0")]
    fields = [(t, v) for t, v in head if t not in tags] + given
    # header fields first, whatever the line's order
    order = {
        "35": 0,
        "49": 1,
        "56": 2,
        "34": 3,
        "52": 4,
        "43": 5,
        "97": 6,
        "122": 7,
        "115": 8,
        "1128": 8,
    }
    if not any(t == "order" for t in tags):
        fields.sort(key=lambda field: order.get(field[0], 9))
    begin = next((v for t, v in given if t == "8"), begin)
    body = b"".join(
        t.encode() + b"=" + _value(v, now_ns) + b"\x01"
        for t, v in fields
        if v != "-" and t not in ("8", "order")
    )
    start = f"8={begin}\x019={len(body)}\x01".encode()
    return start + body + b"10=%03d\x01" % (sum(start + body) % 256)


def _value(text: str, now_ns: int) -> bytes:
    if text.startswith("@"):
        return format_timestamp(now_ns + round(float(text[1:]) * SECOND_NS))
    return text.replace("_", " ").encode()


def parse_out(data: bytes) -> list[list[tuple[str, str]]]:
    """Outgoing bytes as messages, each a list of (tag, value); checks lengths and sums."""
    messages = []
    while data:
        begin_end = data.index(b"\x01")
        length_end = data.index(b"\x01", begin_end + 1)
        end = length_end + 1 + int(data[begin_end + 3 : length_end]) + 7
        raw, data = data[:end], data[end:]
        assert raw[-7:] == b"10=%03d\x01" % (sum(raw[:-7]) % 256), raw
        parts = raw.decode().split("\x01")[:-1]
        messages.append([tuple(part.split("=", 1)) for part in parts])
    return messages


def _no_event(session: int, number: int, event: int, sent_ns: int, now_ns: int) -> bytes:
    raise EventsMissing(f"event {event}")


class Stream:
    """A journal's byte stream in memory, and the payloads put into it."""

    def __init__(self) -> None:
        self.data = bytearray(b"journal")
        self.records: list[tuple[int, bytes]] = []

    def append(self, payload: bytes) -> int:
        """As Sequencer.append_sessions."""
        position = len(self.data)
        self.data += payload + b"frame"
        self.records.append((position, payload))
        return position

    def read(self, position: int, length: int) -> bytes:
        """As Sequencer.read_journal."""
        return bytes(self.data[position : position + length])


class Rig:
    """One venue, one member's connection at a time."""

    def __init__(self, policy: Policy | None = None, rows_max: int = 64) -> None:
        self.now_ns = START_NS
        self.tables = venue_tables()
        self.stream = Stream()
        self.store = SessionStore(
            self.tables.sessions,
            _no_event,
            encode_again,
            self.stream.read,
        )
        self.directory = Directory()
        self.parties = []
        for session, peer in ((1, b"ALPHA"), (2, b"BRAVO")):
            row = self.tables.sessions[session]
            self.parties.append(Counterparty(b"SITEX", peer, row, self.store.log(session)))
            self.directory.add(self.parties[-1])
        self.party = self.parties[0]
        self.desk = Desk(self.tables, rows_max)
        self.languages = Languages(self.tables)
        self.policy = policy or Policy()
        self.credential: str | None = ""  # what Authenticate says
        self.facts: list[Fact] = []
        self.written = b""
        self.report_type = b"8"
        self.report_fields: tuple[tuple[int, bytes | str | int], ...] = ()
        self.rows: list[tuple[int, int, int]] = []
        self.reasons: list[int] = []
        self.connect()

    def connect(self) -> None:
        """A new connection; the one before is forgotten without being told."""
        self.unread = b""
        self.session: Acceptor = Acceptor(
            self.languages,
            self.desk,
            self.directory,
            lambda *_: self.credential,
            self.policy,
            self.now_ns,
        )

    def drop(self) -> None:
        """The line is lost."""
        self.keep()
        self.facts += self.session.connection_lost(self.now_ns)

    def receive(self, data: bytes) -> None:
        """Bytes from the member, after what was not consumed before."""
        self.unread += data
        self.receive_again()
        self.keep()

    def receive_again(self) -> None:
        """What was not consumed before."""
        while self.unread:
            buffer = np.zeros(len(self.unread) + 64, np.uint8)
            buffer[: len(self.unread)] = np.frombuffer(self.unread, np.uint8)
            consumed, facts = self.session.receive(buffer, 0, len(self.unread), self.now_ns)
            assert 0 <= consumed <= len(self.unread)
            self.unread = self.unread[consumed:]
            self.facts += facts
            self.submit()
            if self.session.unfinished:
                self.keep()  # the end of a turn
            elif not self.session.blocked:
                break

    def submit(self) -> None:
        """The batch goes to an engine that answers nothing: (session, MsgSeqNum, kind) is kept."""
        for row in self.desk.commands[: self.desk.count]:
            self.rows.append((int(row["session"]), int(row["msg_seq_num"]), int(row["kind"])))
            self.reasons.append(int(row["reason"]))
        self.desk.clear()

    def wait(self, seconds: float) -> None:
        """Time passes, deadlines are kept."""
        until_ns = self.now_ns + round(seconds * SECOND_NS)
        for _ in range(100_000):
            due_ns = max(self.session.next_deadline_ns, self.now_ns)
            if due_ns > until_ns or self.session.state == State.CLOSED:
                break
            self.now_ns = due_ns
            self.facts += self.session.on_deadline(self.now_ns)
            self.keep()
        self.now_ns = until_ns

    def report(self, text: str) -> None:
        """The venue reports something to the member, whether it is connected or not."""
        number = self.party.take_number()
        fields = (*self.report_fields, (58, text))
        raw = encode_message(self.report_type, fields, self.party.header, number, self.now_ns)
        self.party.sent.blob(number, raw, self.now_ns)
        if self.session.live and self.party.connection is self.session:
            self.session.outgoing += raw
        self.keep()

    def named_rows(self) -> list[tuple[int, int, str]]:
        """(session, MsgSeqNum, CommandKind's name) of every row so far."""
        return [(session, number, CommandKind(kind).name) for session, number, kind in self.rows]

    def taken_all(self) -> bytes:
        """What was written to the member since the last call; store rows are journaled first."""
        self.keep()
        data, self.written = self.written, b""
        return data

    def keep(self) -> None:
        """The end of a turn: what the store has goes to the journal, then bytes to the member."""
        self.store.save(self.stream.append, 0)
        self.written += self.session.take_outgoing(self.now_ns)
