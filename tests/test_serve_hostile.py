"""A whole venue and peers that mean it no good: nobody else notices."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from perf.client import Connection, encode_message, encode_orders, front_symbol, stamp_now
from perf.venue import Venue
from tests.test_kill import RawMember

SETTINGS = (
    "fix.send_buffer_bytes_max=1048576",
    "fix.logon_timeout_seconds=1",
    "fix.connections_max=8",
)
WAIT_S = 20.0


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue(settings=SETTINGS) as running:
        yield running


def ended(peer: socket.socket) -> bool:
    """Whether the venue ends the connection within WAIT_S; what it sends is read away."""
    deadline = time.monotonic() + WAIT_S
    peer.settimeout(1)
    while time.monotonic() < deadline:
        try:
            if not peer.recv(1 << 16):
                return True
        except TimeoutError:
            continue
        except ConnectionError:
            return True
    return False


def assert_trades(venue: Venue, comp_id: str) -> None:
    """A member logs on, and an order of its own is answered at once."""
    member = RawMember(comp_id, venue.fix_port)
    member.connect()
    order = f"{comp_id}{time.time_ns() % 10**9}".encode()
    member.order(order, b"1", b"1.801", front_symbol().encode())
    deadline = time.monotonic() + WAIT_S
    while order not in member.ledger.told:
        assert time.monotonic() < deadline
        member.pump(0.02)
    member.socket.close()


def test_a_member_that_does_not_read_is_cut_off_and_its_day_orders_go(venue: Venue) -> None:
    deaf = Connection("ALPHA", venue.fix_port)
    deaf.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 16)
    deaf.logon()
    orders = encode_orders("ALPHA", 60_000, first_seq=2)
    deaf.socket.settimeout(2)
    with pytest.raises((ConnectionError, TimeoutError)):
        for _ in range(5):
            deaf.socket.sendall(orders.data.tobytes())
    assert_trades(venue, "BRAVO")
    deaf.socket.settimeout(WAIT_S)
    assert ended(deaf.socket)
    taker = RawMember("CHARLIE", venue.fix_port)
    taker.connect()
    taker.send(
        b"D",
        b"11=T1\x0155=%b\x0154=2\x0160=%b\x0138=5\x0140=2\x0144=1.850\x0159=3\x01"
        % (front_symbol().encode(), stamp_now()),
    )
    taker.ledger.sent[b"T1"] = b"2"
    deadline = time.monotonic() + WAIT_S
    while b"4" not in taker.ledger.told.get(b"T1", []):
        assert time.monotonic() < deadline
        taker.pump(0.05)
    assert b"F" not in taker.ledger.told[b"T1"], "the deaf member's DAY orders are cancelled"


def test_silence_and_garbage_end_and_trading_goes_on(venue: Venue) -> None:
    chance = random.Random(5)
    silent = socket.create_connection(("127.0.0.1", venue.fix_port))
    noisy = socket.create_connection(("127.0.0.1", venue.fix_port))
    noisy.sendall(chance.randbytes(100_000))
    assert_trades(venue, "DELTA")
    assert ended(noisy)
    assert ended(silent)


def test_connections_beyond_the_bound_are_closed(venue: Venue) -> None:
    peers = [socket.create_connection(("127.0.0.1", venue.fix_port)) for _ in range(24)]
    assert all(ended(peer) for peer in peers)
    for peer in peers:
        peer.close()
    assert_trades(venue, "MAKER1")


def test_o172_a_burst_of_rare_messages_is_taken_bit_by_bit_and_whole(venue: Venue) -> None:
    """More than the line's buffer holds, each answered in order; other members are not kept."""
    member = Connection("ALPHA", venue.fix_port)
    member.logon()
    count = 6_000
    asks = [
        encode_message(b"1", b"ALPHA", 2 + at, stamp_now(), b"112=%05d%b\x01" % (at, b"x" * 40))
        for at in range(count)
    ]
    member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    member.socket.sendall(b"".join(asks))
    assert_trades(venue, "MAKER2")
    member.socket.settimeout(WAIT_S)
    data = b""
    while data.count(b"\x0110=") < count:
        got = member.socket.recv(1 << 20)
        assert got, "the venue ended the line"
        data += got
    found = [int(one[:5]) for one in data.split(b"\x01112=")[1:]]
    assert found == list(range(count))
    member.socket.close()


def order_ids(peer: Connection, count: int) -> list[int]:
    """OrderIDs (37) of the ExecutionReports among what comes, until there are so many."""
    peer.socket.settimeout(WAIT_S)
    data = b""
    while True:
        found = re.findall(rb"\x0135=8\x01[^\n]*?\x0137=(\d+)\x01[^\n]*?\x0110=", data)
        if len(found) >= count:
            return [int(one) for one in found]
        got = peer.socket.recv(1 << 20)
        assert got, "the venue ended the line"
        data += got


def test_o172_an_order_overtakes_a_burst_that_lay_there_before_it(venue: Venue) -> None:
    """Both have come when the venue looks, and one read takes more than lies before the burst's
    first order."""
    burst, other = Connection("DELTA", venue.fix_port), Connection("BRAVO", venue.fix_port)
    burst.logon()
    other.logon()
    terms = b"55=%b\x0154=1\x0160=%b\x0138=1\x0140=2\x0144=1.850\x01"
    terms %= (front_symbol().encode(), stamp_now())
    messages = []
    for number in range(2, 3_002):
        kind, body = b"1", b"112=%d\x01" % number
        if number in (502, 3_001):
            kind, body = b"D", b"11=burst%d\x01" % number + terms
        messages.append(encode_message(kind, b"DELTA", number, stamp_now(), body))
    burst.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    burst.socket.settimeout(WAIT_S)
    os.kill(venue.process.pid, signal.SIGSTOP)
    try:
        burst.socket.sendall(b"".join(messages))
        alone = encode_message(b"D", b"BRAVO", 2, stamp_now(), b"11=alone\x01" + terms)
        other.socket.sendall(alone)
    finally:
        os.kill(venue.process.pid, signal.SIGCONT)
    (mine,), (first, last) = order_ids(other, 1), order_ids(burst, 2)
    assert mine < first < last
    for one in (burst, other):
        one.socket.close()
