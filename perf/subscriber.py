"""A subscriber for the benchmarks: counts what the feed publishes, or waits for the next packet.

Counting runs in a process of its own and reads packet headers only, so that it costs the machine
little: both lines, gaps filled by replay over TCP, every message received in the end. The load's
orders all rest, so each is exactly one message. It shares the packet format with the feed and
nothing else.
"""

from __future__ import annotations

import argparse
import select
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from feed.messages import ENCODER, Refused, ReplayRequest, SnapshotEnd, SnapshotRequest
from feed.multicast import LINE_A, LINE_B, Line, open_receiver
from feed.packet import (
    HEADER_BYTES,
    Header,
    PacketKind,
    decode_datagram,
    decode_header,
    decode_messages,
    encode_packet,
)

if TYPE_CHECKING:
    from perf.venue import Venue

ROOT = Path(__file__).resolve().parent.parent
INTERFACE = "127.0.0.1"
PACKET_BYTES = 2_048
GAP_PATIENCE_S = 0.02
REPORT_INTERVAL_S = 0.02
REPLAY_MESSAGES = 20_000
WAIT_TIMEOUT_S = 120.0
DATAGRAMS_A_TURN = 512


class Subscriber:
    """A subscriber of a running venue; a context manager.

    counting: count messages in a process of its own (`wait_for_orders`); else this process listens
    to line A itself (`drain`, `receive_packet`).
    """

    def __init__(self, venue: Venue, counting: bool = True) -> None:
        self._venue = venue
        self._counting = counting
        self._process: subprocess.Popen[str] | None = None
        self._line_a: socket.socket | None = None

    def __enter__(self) -> Subscriber:
        venue = self._venue
        if not self._counting:
            self._line_a = open_receiver(Line(LINE_A.group, venue.line_a), INTERFACE)
            return self
        command = [sys.executable, "-m", "perf.subscriber", str(venue.line_a), str(venue.line_b),
                   str(venue.recovery_port)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        if self._read_count() != 0:
            raise RuntimeError("the subscriber did not join")
        return self

    def __exit__(self, *_: object) -> None:
        if self._line_a is not None:
            self._line_a.close()
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            assert self._process.stdout
            self._process.stdout.close()

    def wait_for_orders(self, count: int) -> None:
        """Until so many orders were received since the start."""
        while self._read_count() < count:
            pass

    def drain(self) -> None:
        """Reads what line A still holds."""
        assert self._line_a is not None
        while True:
            try:
                self._line_a.recv(PACKET_BYTES)
            except BlockingIOError:
                self._line_a.setblocking(True)
                return

    def receive_packet(self) -> bytes:
        """Waits for the next packet with messages; heartbeats do not count."""
        assert self._line_a is not None
        self._line_a.settimeout(WAIT_TIMEOUT_S)
        while True:
            data = self._line_a.recv(PACKET_BYTES)
            if data[4] or data[5]:  # message_count
                self._line_a.setblocking(False)
                return data

    def _read_count(self) -> int:
        assert self._process is not None and self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the subscriber ended with {self._process.wait()}")
        return int(line)


class Counter:
    """Counts messages by number: each once, in order, replayed where both lines lost it."""

    def __init__(self, recovery_port: int) -> None:
        self._recovery = socket.create_connection(("127.0.0.1", recovery_port), 10.0)
        self._stream = self._recovery.makefile("rb")
        self.next_sequence = self._join()
        self.replayed = 0
        self._highest = self.next_sequence
        self._progress_s = time.monotonic()
        self._waiting: dict[int, int] = {}  # first number -> one past the last

    def take(self, header: Header) -> None:
        """One packet of a line or a replay."""
        stop = header.sequence + header.message_count
        self._highest = max(self._highest, stop)
        if header.sequence > self.next_sequence:
            if header.message_count:
                self._waiting[header.sequence] = stop
            return
        if stop > self.next_sequence:
            self.next_sequence = stop
            self._progress_s = time.monotonic()
            while (further := self._waiting.pop(self.next_sequence, None)) is not None:
                self.next_sequence = further
            if self._waiting and min(self._waiting) < self.next_sequence:
                self._waiting = {
                    first: end for first, end in self._waiting.items() if end > self.next_sequence
                }

    def fill_gap(self) -> None:
        """Asks for what is missing once it has been missing for a while."""
        gap = self._highest > self.next_sequence
        if not gap or time.monotonic() - self._progress_s < GAP_PATIENCE_S:
            return
        upto = min(self._waiting, default=self._highest)
        count = min(upto - self.next_sequence, REPLAY_MESSAGES)
        before = self.next_sequence
        self._ask(ReplayRequest(self.next_sequence, count))
        while True:
            header, _ = self._read()
            if header.kind != PacketKind.MESSAGES:
                raise RuntimeError("the history is too short for this run")
            self.take(header)
            if header.message_count == 0:
                break
        self.replayed += self.next_sequence - before

    def _join(self) -> int:
        """Number of the message after a snapshot."""
        self._ask(SnapshotRequest(1))
        while True:
            header, data = self._read()
            for message in decode_messages(data, header):
                if isinstance(message, SnapshotEnd):
                    return message.sequence + 1
                if isinstance(message, Refused):
                    time.sleep(0.1)
                    self._ask(SnapshotRequest(1))

    def _ask(self, request: ReplayRequest | SnapshotRequest) -> None:
        encoded = [ENCODER.encode(request)]
        self._recovery.sendall(encode_packet(PacketKind.REQUEST, 0, 0, time.time_ns(), encoded))

    def _read(self) -> tuple[Header, bytes]:
        head = self._stream.read(HEADER_BYTES)
        header = decode_header(head)
        return header, head + self._stream.read(header.length - HEADER_BYTES)


def count_messages(line_a: int, line_b: int, recovery_port: int) -> None:
    """Prints how many messages have come since the start, until it is ended."""
    receivers = [
        open_receiver(Line(LINE_A.group, line_a), INTERFACE),
        open_receiver(Line(LINE_B.group, line_b), INTERFACE),
    ]
    counter = Counter(recovery_port)
    begin = counter.next_sequence
    print(0, flush=True)
    reported, report_s = begin, time.monotonic()
    while True:
        ready, _, _ = select.select(receivers, [], [], REPORT_INTERVAL_S)
        for receiver in ready:
            for _ in range(DATAGRAMS_A_TURN):
                try:
                    counter.take(decode_datagram(receiver.recv(PACKET_BYTES)))
                except BlockingIOError:
                    break
        counter.fill_gap()
        now_s = time.monotonic()
        if counter.next_sequence != reported and now_s - report_s >= REPORT_INTERVAL_S:
            reported, report_s = counter.next_sequence, now_s
            print(reported - begin, flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("line_a", "line_b", "recovery_port"):
        parser.add_argument(name, type=int)
    chosen = parser.parse_args()
    count_messages(chosen.line_a, chosen.line_b, chosen.recovery_port)
