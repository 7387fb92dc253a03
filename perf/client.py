"""The load client: pre-encoded FIX orders out, execution reports counted in a kernel.

It shares no code with the gateway, so that an error in the codec cannot hide itself. One blocking
socket a session, read eagerly (a receive low-water mark would stall servers that do not coalesce).
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
import zlib
from dataclasses import dataclass, field

import numpy as np

from engine.kernel import kernel
from specs.products import load_products
from specs.venue import DayConfig

SOH = b"\x01"
RECEIVE_BYTES = 1 << 20
SPIN_NS_MAX = 500_000  # between orders of an open loop

# indices of the counting kernel's state
NEWS, FILLS, OTHERS, REJECTS, MESSAGES = range(5)
COUNTERS = 5


def encode_message(msg_type: bytes, comp_id: bytes, seq: int, stamp: bytes, body: bytes) -> bytes:
    """A whole message with right sums."""
    inner = b"35=%b\x0149=%b\x0156=SITEX\x0134=%d\x0152=%b\x01%b" % (
        msg_type,
        comp_id,
        seq,
        stamp,
        body,
    )
    head = b"8=FIX.4.4\x019=%d\x01%b" % (len(inner), inner)
    # adler32 from 0 is the plain byte sum while that stays below 65,521
    total = zlib.adler32(head, 0) if len(head) < 500 else sum(head)
    checksum = total & 0xFF
    return b"%b10=%03d\x01" % (head, checksum)


def stamp_now() -> bytes:
    """UTCTimestamp with milliseconds of the real clock."""
    now = time.time()
    text = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(now))
    return f"{text}.{int(now * 1000) % 1000:03d}".encode()


@dataclass
class Orders:
    """Pre-encoded orders: `data[offsets[i]:offsets[i + 1]]` is order i."""

    data: np.ndarray  # uint8
    offsets: np.ndarray  # int64[count + 1]


def encode_orders(comp_id: str, count: int, first_seq: int, prefix: str = "") -> Orders:
    """Resting buys of SITB's front month on 100 price levels, 20-character ids."""
    stamp, sender = stamp_now(), comp_id.encode()
    symbol = front_symbol().encode()
    tail = [
        b"\x0155=%b\x0154=1\x0160=%b\x0138=1\x0140=2\x0144=%b\x0159=0\x01"
        % (symbol, stamp, b"1.%03d" % (850 + level))
        for level in range(100)
    ]
    lead = (prefix or comp_id)[:6].encode()
    width = 20 - len(lead)
    # the random walk over levels keeps the book from being filled in one direction
    levels = np.random.default_rng(7).integers(0, 100, count).tolist()
    parts = [
        encode_message(
            b"D", sender, first_seq + i, stamp, b"11=%b%0*d%b" % (lead, width, i, tail[level])
        )
        for i, level in enumerate(levels)
    ]
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum([len(p) for p in parts], out=offsets[1:])
    return Orders(np.frombuffer(b"".join(parts), np.uint8), offsets)


def front_symbol(month: int = 1) -> str:
    """SITB's second month of the default venue's day: it does not expire during a run.

    month: others, from 0.
    """
    day = DayConfig().venue_day().at(time.time_ns())
    contracts = load_products().contracts(day)
    return [contract.symbol for contract in contracts if contract.product.code == "SITB"][month]


@kernel
def count_reports(data, start, end, counters):
    """Counts the messages of data[start:end] into counters; returns the bytes used.

    Trusts BodyLength: it reads what the venue under test writes, and a wrong length shows as a
    count that does not come out.
    """
    at = start
    while True:
        # 8=FIX.4.4|9=NNN|
        p = at + 12
        if p + 8 > end:
            return at - start
        length = 0
        while p < end and data[p] != 1:
            length = length * 10 + (data[p] - 48)
            p += 1
        stop = p + 1 + length + 7
        if stop > end:
            return at - start
        counters[4] += 1
        kind = data[p + 4]
        if kind == 56:  # 35=8
            q = p + 6
            while not (
                data[q] == 1
                and data[q + 1] == 49
                and data[q + 2] == 53
                and data[q + 3] == 48
                and data[q + 4] == 61
            ):
                q += 1
            exec_type = data[q + 5]
            if exec_type == 48:
                counters[0] += 1
            elif exec_type == 70:
                counters[1] += 1
            elif exec_type == 56:
                counters[3] += 1
            else:
                counters[2] += 1
        elif kind == 98:  # 35=b: 297=0 the message is taken
            q = p + 6
            while not (data[q] == 1 and data[q + 1] == 50 and data[q + 2] == 57):
                q += 1
            counters[0 if data[q + 5] == 48 else 3] += 1
        elif kind == 51 or kind == 106 or kind == 57:  # Reject, BusinessMessageReject, 9
            counters[3] += 1
        at = stop


@dataclass
class Connection:
    """One logged-on session of the load client."""

    comp_id: str
    port: int
    heartbeat_s: int = 3600
    counters: np.ndarray = field(default_factory=lambda: np.zeros(COUNTERS, np.int64))

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = np.zeros(2 * RECEIVE_BYTES, np.uint8)
        self.view = memoryview(self.buffer)
        self.filled = 0
        count_reports(self.buffer, 0, 0, self.counters)  # loads the kernel before anything is timed

    def logon(self) -> None:
        """Logs on with both numbers reset; raises ConnectionError when refused."""
        body = b"98=0\x01108=%d\x01141=Y\x01" % self.heartbeat_s
        self.socket.sendall(encode_message(b"A", self.comp_id.encode(), 1, stamp_now(), body))
        answer = self.socket.recv(65536)
        if b"\x0135=A\x01" not in answer:
            raise ConnectionError(answer.decode(errors="replace"))

    def logout(self, seq: int) -> None:
        """Says goodbye and closes; the venue keeps the orders."""
        self.socket.sendall(encode_message(b"5", self.comp_id.encode(), seq, stamp_now(), b""))
        self.socket.settimeout(5)
        with contextlib.suppress(TimeoutError, ConnectionError):
            while self.socket.recv(65536):
                continue
        self.socket.close()

    def receive(self) -> None:
        """Reads once and counts."""
        got = self.socket.recv_into(self.view[self.filled :])
        if not got:
            raise ConnectionError(f"{self.comp_id}: closed by the venue")
        self.filled += got
        used = count_reports(self.buffer, 0, self.filled, self.counters)
        rest = self.filled - used
        if rest and used:
            self.buffer[:rest] = self.buffer[used : self.filled].copy()
        self.filled = rest

    @property
    def acknowledged(self) -> int:
        """Orders acknowledged so far (reports with 150=0)."""
        return int(self.counters[NEWS])


@dataclass
class LoadResult:
    """What a windowed run found."""

    orders: int
    seconds: float
    news: int
    fills: int
    rejects: int
    client_cpu_share: float

    @property
    def rate(self) -> float:
        """Orders acknowledged a second."""
        return self.news / self.seconds


def run_window(connections: list[Connection], orders: list[Orders], window: int) -> LoadResult:
    """Keeps `window` orders outstanding over all connections until all are acknowledged."""
    share = max(1, window // len(connections))
    views = [memoryview(o.data) for o in orders]
    counts = [len(o.offsets) - 1 for o in orders]
    sent = [0] * len(connections)
    poll = select.poll()
    by_fd = {c.socket.fileno(): i for i, c in enumerate(connections)}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    cpu, begin = time.process_time(), time.perf_counter()

    def refill(i: int) -> None:
        # a refill of less than a quarter window would send single orders and measure the client
        room = share - (sent[i] - connections[i].acknowledged)
        if sent[i] < counts[i] and (room * 4 >= share or sent[i] + room >= counts[i]):
            until = min(counts[i], sent[i] + room)
            connections[i].socket.sendall(
                views[i][orders[i].offsets[sent[i]] : orders[i].offsets[until]]
            )
            sent[i] = until

    for i in range(len(connections)):
        refill(i)
    left = sum(counts)
    while left:
        ready = [i for fd, _ in poll.poll(30_000) if (i := by_fd[fd]) >= 0]
        if not ready:
            raise TimeoutError(f"no report for 30 s, {left} orders open")
        for i in ready:
            before = connections[i].acknowledged
            connections[i].receive()
            left -= connections[i].acknowledged - before
            refill(i)
        if any(c.counters[REJECTS] for c in connections):
            raise RuntimeError("the venue rejected an order of the load")
    seconds, spent = time.perf_counter() - begin, time.process_time() - cpu
    totals = sum(c.counters for c in connections)
    return LoadResult(
        sum(counts),
        seconds,
        int(totals[NEWS]),
        int(totals[FILLS]),
        int(totals[REJECTS]),
        spent / seconds,
    )


def run_round_trips(connection: Connection, orders: Orders, first: int, count: int) -> np.ndarray:
    """Sends orders one at a time; nanoseconds from send to whole report, int64[count]."""
    taken = np.zeros(count, np.int64)
    view = memoryview(orders.data)
    clock = time.perf_counter_ns
    send, offsets = connection.socket.send, orders.offsets.tolist()
    for i in range(count):
        message = view[offsets[first + i] : offsets[first + i + 1]]
        target = connection.acknowledged + 1
        begin = clock()
        send(message)
        while connection.acknowledged < target:
            connection.receive()
        taken[i] = clock() - begin
    return taken


def run_echo_trips(port: int, orders: Orders, first: int, count: int) -> np.ndarray:
    """The same bytes through the echo; nanoseconds a round trip, int64[count]."""
    taken = np.zeros(count, np.int64)
    view = memoryview(orders.data)
    clock = time.perf_counter_ns
    offsets = orders.offsets.tolist()
    with socket.create_connection(("127.0.0.1", port)) as echo:
        echo.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = bytearray(RECEIVE_BYTES)
        for i in range(count):
            message = view[offsets[first + i] : offsets[first + i + 1]]
            left = len(message)
            begin = clock()
            echo.send(message)
            while left:
                left -= echo.recv_into(buffer)
            taken[i] = clock() - begin
    return taken


def run_open_loop(connection: Connection, orders: Orders, rate: float) -> np.ndarray:
    """Sends at a fixed rate whatever the answers do; latencies in ns from the due time."""
    count = len(orders.offsets) - 1
    taken = np.zeros(count, np.int64)
    view, offsets = memoryview(orders.data), orders.offsets
    sent = done = 0
    before = connection.acknowledged
    begin = time.perf_counter_ns()
    step = 1e9 / rate
    while done < count:
        elapsed = time.perf_counter_ns() - begin
        due = min(count, int(elapsed / step) + 1)
        if due > sent:
            connection.socket.sendall(view[offsets[sent] : offsets[due]])
            sent = due
        # a low rate leaves the core to others until the next order is due
        idle_s = max(0.0, sent * step - elapsed) / 1e9 if step > SPIN_NS_MAX else 0
        readable, _, _ = select.select([connection.socket], [], [], idle_s if sent < count else 5)
        if readable:
            connection.receive()
            now, acked = time.perf_counter_ns(), connection.acknowledged - before
            taken[done:acked] = now - begin - (np.arange(done, acked) * step).astype(np.int64)
            done = acked
    return taken
