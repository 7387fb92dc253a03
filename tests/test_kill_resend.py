"""A venue killed in the middle of a resend, and after it: what is resent stays what was sent."""

from __future__ import annotations

import random
import socket
import time

from perf.client import encode_message, encode_orders, stamp_now
from perf.venue import Venue

ORDERS = 4_000
KILLS = 3  # in the middle of a resend
WAIT_S = 30.0
SOH = b"\x01"
CHANGES = (b"8", b"9", b"10", b"43", b"52", b"122")  # what a resend may change


class Reader:
    """ALPHA's line; messages as lists of (tag, value)."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        self.data = b""

    def send(self, kind: bytes, number: int, body: bytes) -> None:
        self.socket.sendall(encode_message(kind, b"ALPHA", number, stamp_now(), body))

    def next(self) -> dict[bytes, bytes]:
        while (end := self.data.find(b"\x0110=")) < 0 or len(self.data) < end + 8:
            got = self.socket.recv(65_536)
            if not got:
                raise ConnectionError("closed")
            self.data += got
        raw, self.data = self.data[: end + 8], self.data[end + 8 :]
        return dict(part.split(b"=", 1) for part in raw.split(SOH) if part)

    def until(self, *kinds: bytes) -> dict[bytes, bytes]:
        while (message := self.next())[b"35"] not in kinds:
            continue
        return message


def body_of(message: dict[bytes, bytes]) -> dict[bytes, bytes]:
    return {tag: value for tag, value in message.items() if tag not in CHANGES}


def ask_for_all(line: Reader, number: int) -> None:
    """Logs on again under the member's next number and asks for every report."""
    line.send(b"A", number, b"98=0\x01108=30\x01")
    line.until(b"A")
    line.send(b"2", number + 1, b"7=2\x0116=%d\x01" % (ORDERS + 1))


def test_kill_9_in_the_middle_of_a_resend_and_after_it() -> None:
    chance = random.Random(9)
    with Venue() as venue:
        line = Reader(venue.fix_port)
        line.send(b"A", 1, b"98=0\x01108=30\x01")
        line.until(b"A")
        line.socket.sendall(encode_orders("ALPHA", ORDERS, first_seq=2).data.tobytes())
        first = [line.next() for _ in range(ORDERS)]
        sent = {message[b"34"]: body_of(message) for message in first}
        assert len({message[b"17"] for message in first}) == ORDERS
        number = ORDERS + 2
        for _ in range(KILLS):
            line.socket.close()
            line = Reader(venue.fix_port)
            ask_for_all(line, number)
            number += 2
            for _ in range(chance.randrange(1, ORDERS // 2)):
                check_resent(line.until(b"8"), sent)
            venue.kill()
            venue.start()
            number = expected_by(venue, number)
        line = Reader(venue.fix_port)
        ask_for_all(line, number)
        got = [check_resent(line.until(b"8"), sent) for _ in range(ORDERS)]
        assert got == sorted(got) and len(set(got)) == ORDERS
        venue.kill()  # after the resend: the next one is the same
        venue.start()
        line = Reader(venue.fix_port)
        ask_for_all(line, expected_by(venue, number + 2))
        again = [check_resent(line.until(b"8"), sent) for _ in range(ORDERS)]
        assert again == got


def check_resent(message: dict[bytes, bytes], sent: dict[bytes, dict[bytes, bytes]]) -> int:
    """A possible duplicate with the body it had; its number."""
    assert message[b"43"] == b"Y" and b"122" in message, message
    assert body_of(message) == sent[message[b"34"]]
    return int(message[b"34"])


def expected_by(venue: Venue, number: int) -> int:
    """The number a killed venue expects: administrative ones may be lost, so at most this one."""
    line = Reader(venue.fix_port)
    line.send(b"A", number, b"98=0\x01108=30\x01")
    line.until(b"A")
    line.send(b"1", number + 1, b"112=x\x01")
    said = line.until(b"2", b"0")
    if said[b"35"] == b"2":
        body = b"43=Y\x01122=%b\x01123=Y\x0136=%d\x01" % (stamp_now(), number + 1)
        line.send(b"4", int(said[b"7"]), body)
        line.send(b"1", number + 1, b"112=x\x01")  # the first one lay behind the gap
        line.until(b"0")
    number += 1
    line.send(b"5", number + 1, b"")
    line.until(b"5")
    line.socket.close()
    time.sleep(0.1)  # the line's end has come before the next Logon
    return number + 2
