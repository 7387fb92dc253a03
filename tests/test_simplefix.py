"""simplefix, a second engine nobody here wrote: log on, trade, lose the line, recover by resend."""

from __future__ import annotations

import socket
import time
from collections import deque
from collections.abc import Iterator

import pytest
from simplefix import FixMessage, FixParser

from perf.client import front_symbol
from perf.venue import Venue

WAIT_S = 20.0


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue() as running:
        yield running


class Member:
    """A member whose messages simplefix writes and reads; it keeps numbers and what it sent."""

    def __init__(self, comp_id: str, port: int) -> None:
        self.comp_id, self.port = comp_id, port
        self.next_out = self.next_in = 1
        self.kept: dict[int, FixMessage] = {}
        self.reports: deque[FixMessage] = deque()
        self.resent: list[int] = []  # numbers that came with PossDupFlag
        self.asked = False

    def log_on(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=WAIT_S)
        self.parser = FixParser()
        self.asked = False
        self.send("A", (98, 0), (108, 30))
        assert self.next().get(35) == b"A"

    def message(self, kind: str, number: int, *pairs: tuple[int, object]) -> FixMessage:
        message = FixMessage()
        for tag, value in ((8, "FIX.4.4"), (35, kind), (49, self.comp_id), (56, "SITEX")):
            message.append_pair(tag, value, header=True)
        message.append_pair(34, number, header=True)
        message.append_utc_timestamp(52, precision=3, header=True)
        for tag, value in pairs:
            message.append_pair(tag, value)
        return message

    def send(self, kind: str, *pairs: tuple[int, object], lost: bool = False) -> None:
        """Sends under the next number; lost: it never reaches the line."""
        message = self.message(kind, self.next_out, *pairs)
        self.kept[self.next_out] = message
        self.next_out += 1
        if not lost:
            self.socket.sendall(message.encode())

    def order(
        self, cl_ord_id: str, side: int, qty: int, price: str, tif: int = 1, lost: bool = False
    ) -> None:
        now = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())
        self.send(
            "D", (11, cl_ord_id), (55, front_symbol(3)), (54, side), (60, now), (38, qty),
            (40, 2), (44, price), (59, tif), lost=lost,
        )  # fmt: skip

    def next(self) -> FixMessage:
        """The next message of the parser, whatever it is."""
        while (message := self.parser.get_message()) is None:
            got = self.socket.recv(65_536)
            assert got, "the venue ended the line"
            self.parser.append_buffer(got)
        return message

    def report(self) -> FixMessage:
        """The next ExecutionReport in order; what the session needs is done on the way."""
        while not self.reports:
            self.take(self.next())
        return self.reports.popleft()

    def take(self, message: FixMessage) -> None:
        number, kind = int(message.get(34)), message.get(35)
        if kind == b"2":
            self.resend(int(message.get(7)), int(message.get(16)))
        if number > self.next_in:
            if not self.asked:
                self.asked = True
                self.send("2", (7, self.next_in), (16, 0))
            return
        if number < self.next_in:
            assert message.get(43) == b"Y"
            return
        self.next_in = int(message.get(36)) if kind == b"4" else number + 1
        if message.get(43) == b"Y":
            assert message.get(122) is not None
            self.resent.append(number)
        if kind == b"8":
            self.reports.append(message)
        assert kind in (b"8", b"0", b"2", b"4"), message

    def resend(self, begin: int, end: int) -> None:
        """Orders again as possible duplicates, the rest as gap fills."""
        for number in range(begin, (end or self.next_out - 1) + 1):
            kept = self.kept[number]
            dup = ((43, "Y"), (122, kept.get(52).decode()))
            if kept.get(35) == b"D":
                body = [(int(tag), value) for tag, value in kept.pairs if int(tag) not in HEADER]
                raw = self.message("D", number, *dup, *body)
            else:
                raw = self.message("4", number, *dup, (123, "Y"), (36, number + 1))
            self.socket.sendall(raw.encode())


HEADER = (8, 9, 35, 49, 56, 34, 52, 10)


def wanted(report: FixMessage, **fields: str) -> FixMessage:
    for name, value in fields.items():
        assert report.get(int(name[1:])) == value.encode(), (name, value, report)
    return report


def test_simplefix_trades_and_recovers_by_resend_in_both_directions(venue: Venue) -> None:
    alpha, bravo = Member("ALPHA", venue.fix_port), Member("BRAVO", venue.fix_port)
    for member in (alpha, bravo):
        member.log_on()
        member.next_in = 2
    alpha.order("A1", 1, 10, "2.010")
    wanted(alpha.report(), t150="0", t11="A1", t151="10")
    bravo.order("B1", 2, 4, "2.010", tif=3)
    wanted(bravo.report(), t150="0")
    wanted(bravo.report(), t150="F", t32="4", t31="2.01", t39="2")
    wanted(alpha.report(), t150="F", t32="4", t14="4", t151="6", t39="1")

    alpha.socket.close()
    bravo.order("B2", 2, 6, "2.010", tif=3)
    wanted(bravo.report(), t150="0")
    fill = wanted(bravo.report(), t150="F", t32="6")
    alpha.order("A2", 1, 5, "2.000", lost=True)  # the venue finds this number missing

    alpha.socket = socket.create_connection(("127.0.0.1", venue.fix_port), timeout=WAIT_S)
    alpha.parser, alpha.asked = FixParser(), False
    alpha.send("A", (98, 0), (108, 30))
    missed = wanted(alpha.report(), t150="F", t32="6", t14="10", t39="2", t43="Y")
    assert missed.get(527) == fill.get(527)
    wanted(alpha.report(), t150="0", t11="A2", t151="5")
    assert alpha.resent == sorted(set(alpha.resent)) and int(missed.get(34)) in alpha.resent
    for member in (alpha, bravo):
        member.send("5")
        while (message := member.next()).get(35) != b"5":
            member.take(message)
        member.socket.close()
