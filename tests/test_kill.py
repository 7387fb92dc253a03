"""A venue killed again and again under load: every order accounted for as its client saw it.

The client keeps a ledger of what it sent and what it was told; after each kill -9 and restart it
logs on, has everything it missed sent again, and asks for what was never acknowledged. At the end
the ledger, the journal and the book must say the same.
"""

from __future__ import annotations

import random
import socket
import time
from dataclasses import dataclass, field

from perf.client import front_symbol, stamp_now
from perf.venue import Venue

KILLS = 20
SOH = b"\x01"


@dataclass
class Ledger:
    """What one member knows of its orders."""

    sent: dict[bytes, bytes] = field(default_factory=dict)  # ClOrdID -> side
    told: dict[bytes, list[bytes]] = field(default_factory=dict)  # ClOrdID -> ExecTypes
    exec_ids: set[bytes] = field(default_factory=set)
    open_qty: dict[bytes, int] = field(default_factory=dict)


class RawMember:
    """A FIX client of forty lines that keeps its numbers over connections."""

    def __init__(self, comp_id: str, port: int) -> None:
        self.comp_id, self.port = comp_id.encode(), port
        self.next_out = self.next_in = 1
        self.ledger = Ledger()
        self.answered: set[int] = set()
        self.sent_messages: dict[int, tuple[bytes, bytes, bytes]] = {}
        self.data = b""

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=10)
        self.data = b""
        self.asked = False
        self.ahead: dict[int, bytes] = {}
        self.send(b"A", b"98=0\x01108=30\x01")

    def send(self, kind: bytes, body: bytes, number: int = 0, extra: bytes = b"") -> None:
        if not number:
            number, self.next_out = self.next_out, self.next_out + 1
            self.sent_messages[number] = (kind, body, stamp_now())
        inner = b"35=%b\x0149=%b\x0156=SITEX\x0134=%d\x0152=%b\x01%b%b" % (
            kind, self.comp_id, number, stamp_now(), extra, body,
        )  # fmt: skip
        raw = b"8=FIX.4.4\x019=%d\x01%b" % (len(inner), inner)
        self.socket.sendall(raw + b"10=%03d\x01" % (sum(raw) & 255))

    def order(self, cl_ord_id: bytes, side: bytes, price: bytes, symbol: bytes) -> None:
        self.ledger.sent[cl_ord_id] = side
        self.send(b"D", b"11=%b\x0155=%b\x0154=%b\x0160=%b\x0138=2\x0140=2\x0144=%b\x0159=1\x01"
                  % (cl_ord_id, symbol, side, stamp_now(), price))  # fmt: skip

    def pump(self, seconds: float) -> None:
        """Reads for so long; raises ConnectionError when the venue is gone."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                got = self.socket.recv(65536)
            except TimeoutError:
                return
            if not got:
                raise ConnectionError("closed")
            self.data += got
            while (end := self.data.find(b"\x0110=")) >= 0 and len(self.data) >= end + 8:
                raw, self.data = self.data[: end + 8], self.data[end + 8 :]
                self.take(raw)

    def take(self, raw: bytes) -> None:
        """One message, and what came behind a gap that it closes."""
        self.take_one(raw)
        while self.next_in in self.ahead:
            self.take_one(self.ahead.pop(self.next_in))

    def take_one(self, raw: bytes) -> None:
        fields = dict(part.split(b"=", 1) for part in raw.split(SOH) if part)
        kind, number = fields[b"35"], int(fields[b"34"])
        if kind == b"4" and fields.get(b"123") == b"Y":
            if number == self.next_in:
                self.next_in = int(fields[b"36"])
            return
        if kind == b"2" and number not in self.answered:
            self.answered.add(number)
            self.resend(int(fields[b"7"]), int(fields[b"16"]))
        if number > self.next_in:
            self.ahead[number] = raw
            if kind != b"2" and not self.asked:
                self.asked = True
                self.send(b"2", b"7=%d\x0116=0\x01" % self.next_in)
            return
        if number < self.next_in:
            assert fields.get(b"43") == b"Y", raw
            return
        self.next_in = number + 1
        if kind == b"5":
            raise AssertionError(raw)
        if kind == b"8":
            self.take_report(fields)
        assert kind not in (b"3", b"j"), raw

    def take_report(self, fields: dict[bytes, bytes]) -> None:
        exec_id = fields[b"17"]
        if exec_id in self.ledger.exec_ids:  # PossResend: seen under another number
            assert fields.get(b"97") == b"Y", fields
            return
        self.ledger.exec_ids.add(exec_id)
        cl_ord_id = fields[b"11"]
        self.ledger.told.setdefault(cl_ord_id, []).append(fields[b"150"])
        self.ledger.open_qty[cl_ord_id] = int(fields[b"151"])

    def resend(self, begin: int, end: int) -> None:
        """Orders again with PossDup, the rest as gap fills."""
        last = self.next_out - 1 if end == 0 else end
        for number in range(begin, last + 1):
            kind, body, stamp = self.sent_messages[number]
            dup = b"43=Y\x01122=%b\x01" % stamp
            if kind == b"D":
                self.send(kind, body, number, dup)
            else:
                self.send(b"4", b"123=Y\x0136=%d\x01" % (number + 1), number, dup)


def test_kill_9_under_load() -> None:
    """20 kills: each acknowledged order is there once, none appears that was not sent."""
    chance, symbol = random.Random(73), front_symbol().encode()
    with Venue("os") as venue:
        members = [RawMember("ALPHA", venue.fix_port), RawMember("BRAVO", venue.fix_port)]
        serial = 0
        for _ in range(KILLS):
            for member in members:
                member.connect()
            kill_at = time.monotonic() + chance.uniform(0.05, 0.6)
            while time.monotonic() < kill_at:
                for member in members:
                    for _ in range(chance.randrange(1, 40)):
                        serial += 1
                        side = chance.choice([b"1", b"2"])
                        price = b"2.%03d" % chance.randrange(0, 40)
                        member.order(b"%b%d" % (member.comp_id[:1], serial), side, price, symbol)
                    member.pump(0.002)
            venue.kill()
            venue.start()
        settle(members)
        for member in members:
            assert not set(member.ledger.told) - set(member.ledger.sent)
            for cl_ord_id in member.ledger.sent:
                told = member.ledger.told[cl_ord_id]
                assert told.count(b"0") == 1 and b"8" not in told, (cl_ord_id, told)
        assert_same_as_journal(venue, members)


def settle(members: list[RawMember]) -> None:
    """Logs on a last time and reads until every order sent is answered."""
    for member in members:
        member.connect()
    deadline = time.monotonic() + 30
    while any(set(m.ledger.sent) - set(m.ledger.told) for m in members):
        assert time.monotonic() < deadline, [
            sorted(set(m.ledger.sent) - set(m.ledger.told))[:5] for m in members
        ]
        for member in members:
            member.pump(0.05)
    for member in members:
        member.pump(0.3)


def assert_same_as_journal(venue: Venue, members: list[RawMember]) -> None:
    """The replayed book holds exactly what the members believe to be open."""
    from engine.replay import replay

    venue.stop()
    result = replay(venue.directory)
    open_lots = sum(
        int(result.engine.orders(instrument)["leaves_qty"].sum())
        for instrument in range(1, result.engine.limits.instruments_max)
        if result.engine.tables().instruments[instrument]["defined"]
    )
    assert open_lots == sum(sum(m.ledger.open_qty.values()) for m in members)
