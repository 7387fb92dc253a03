"""Rows feed.publish, feed.bytes, feed.handler, feed.late_join: what market data costs a core.

Method: events of the engine's own flow (perf/flow.py: 55 % adds, 38 % cancels, 7 % orders that
sweep), 100 instruments and 50,000 live orders, lie ready in memory. feed.publish turns them into
messages, packets and two sends a packet, and keeps the packets for replays, 512 events a turn, as
the feed's process does; multicast on loopback, nobody listening. feed.bytes is what of that goes on
one line, headers and all. feed.handler takes every packet from both lines and keeps all books by
order and by level. The clock of these is CPU time of the process, the system's part included: one
core. feed.late_join: 1,000 instruments, 1 M live orders, recovery service in a process of its own;
wall time from the subscriber's start to SYNCHRONIZED with every order, median of three.
"""

from __future__ import annotations

import asyncio
import socket
import statistics
import subprocess
import sys
import time
from functools import cache
from typing import NamedTuple

import numpy as np

from engine.limits import EngineLimits
from engine.machine import Engine
from engine.reference import INSTRUMENT, PRODUCT
from engine.types import COMMAND, EVENT, REQUEST, CommandKind
from feed.handler import FeedState, Handler
from feed.history import History
from feed.messages import ENCODER
from feed.multicast import LINE_A, LINE_B, Line, LineSender
from feed.packet import HEADER_BYTES, PacketKind, decode_header, encode_packet, fill_packets
from feed.publish import Publisher
from feed.recovery import Recovery, RecoveryLimits
from feed.recovery_server import RecoveryServer
from feed.subscriber import Subscriber
from perf.flow import Flow
from perf.rows import Row

_EVENTS = 1_000_000
_INSTRUMENTS, _LIVE = 100, 50_000
_INSTRUMENTS_JOIN, _LIVE_JOIN, _JOINS = 1_000, 1_000_000, 3
_TURN = 512
_JOIN_TIMEOUT_S = 120.0
_NO_BLOBS = np.zeros(0, np.uint8)
_INTERFACE = "127.0.0.1"


class FlowDefinitions:
    """Products and instruments of a flow, from its definition commands."""

    def __init__(self, commands: np.ndarray, blobs: np.ndarray) -> None:
        self._products: dict[int, np.void] = {}
        self._instruments: dict[int, np.void] = {}
        for command in commands:
            at = int(command["blob_offset"])
            blob = blobs[at : at + int(command["blob_length"])].tobytes()
            if command["kind"] == CommandKind.DEFINE_PRODUCT:
                product = np.frombuffer(blob, PRODUCT)[0]
                self._products[int(product["product"])] = product
            elif command["kind"] == CommandKind.DEFINE_INSTRUMENT:
                instrument = np.frombuffer(blob, INSTRUMENT)[0]
                self._instruments[int(instrument["instrument"])] = instrument

    def product(self, product: int) -> np.void:
        """PRODUCT row."""
        return self._products[product]

    def instrument(self, instrument: int) -> np.void:
        """INSTRUMENT row."""
        return self._instruments[instrument]


class Events(NamedTuple):
    """Events of a flow: those that set the books up, then those that are measured."""

    definitions: FlowDefinitions
    before: np.ndarray
    measured: np.ndarray


@cache
def flow_events(instruments: int, live: int, count: int) -> Events:
    """EVENT rows of a flow with about `live` orders alive."""
    requests_max = 2 * live + 2 * count + 100_000
    limits = EngineLimits(
        orders_max=2 * live + 1_000,
        requests_max=requests_max,
        instruments_max=instruments,
        members_max=7,
        accounts_max=7,
        sessions_max=7,
        levels_max=4_000 * max(instruments, 16),
    )
    engine = Engine(limits, np.zeros(requests_max, REQUEST))
    flow = Flow(instruments, live)
    commands, blobs = flow.definitions(requests_max)
    before = [_apply(engine, commands, blobs), _apply(engine, flow.fill(live), _NO_BLOBS)]
    measured: list[np.ndarray] = []
    while sum(map(len, measured)) < count:
        rows = np.zeros(65_536, COMMAND)
        flow.next(rows)
        measured.append(_apply(engine, rows, _NO_BLOBS))
    definitions = FlowDefinitions(commands, blobs)
    return Events(definitions, np.concatenate(before), np.concatenate(measured)[:count])


def _apply(engine: Engine, commands: np.ndarray, blobs: np.ndarray) -> np.ndarray:
    events = np.zeros(8 * len(commands) + 16, EVENT)
    consumed, produced = engine.apply(commands, blobs, events)
    assert consumed == len(commands)
    return events[:produced]


class Published(NamedTuple):
    """What publishing gave and took."""

    packets: list[bytes]
    messages: int
    cpu_s: float


def publish_all(publisher: Publisher, rows: np.ndarray) -> Published:
    """Publishes EVENT rows as the feed's process does."""
    senders = [LineSender(line, _INTERFACE, 0) for line in (LINE_A, LINE_B)]
    history = History(RecoveryLimits().history_bytes)
    history.restart(publisher.next_sequence)
    packets: list[bytes] = []
    first = publisher.next_sequence
    begin_s = time.process_time()
    for start in range(0, len(rows), _TURN):
        sequence = publisher.next_sequence
        encoded = list(map(ENCODER.encode, publisher.publish(rows[start : start + _TURN])))
        now_ns = time.time_ns()
        for at, stop in fill_packets(encoded):
            packet = encode_packet(
                PacketKind.MESSAGES, publisher.session, sequence + at, now_ns, encoded[at:stop]
            )
            for sender in senders:
                sender.send(packet)
            history.append(sequence + at, stop - at, packet)
            packets.append(packet)
    cpu_s = time.process_time() - begin_s
    for sender in senders:
        sender.close()
    return Published(packets, publisher.next_sequence - first, cpu_s)


def _ready(scale: float) -> tuple[Events, Publisher]:
    events = flow_events(_INSTRUMENTS, _LIVE, max(int(_EVENTS * scale), 20_000))
    publisher = Publisher(events.definitions)
    publisher.publish(events.before)
    return events, publisher


def publish(scale: float = 1.0) -> list[Row]:
    """Events a second of one core, both lines; bytes a message on one line."""
    events, publisher = _ready(scale)
    done = publish_all(publisher, events.measured)
    size = sum(map(len, done.packets))
    method = (
        f"{len(events.measured):,} events, {done.messages:,} messages by order with their level's"
        f" totals, trades, statistics; {len(done.packets):,} packets on each of two lines, CPU time"
    )
    return [
        Row("feed.publish", len(events.measured) / done.cpu_s, "events/s", method=method),
        Row(
            "feed.bytes",
            size / done.messages,
            "bytes/message",
            method=f"{size:,} bytes of packets on one line, {done.messages:,} messages",
        ),
    ]


def handle(scale: float = 1.0) -> list[Row]:
    """Events a second of one core, both lines read, all books kept."""
    events, publisher = _ready(scale)
    handler = Handler()
    join(handler, publisher)
    done = publish_all(publisher, events.measured)
    begin_s = time.process_time()
    for packet in done.packets:
        handler.receive(0, packet, 0)
        handler.receive(1, packet, 0)
    cpu_s = time.process_time() - begin_s
    if handler.sequence != publisher.next_sequence - 1 or handler.counts.replays_asked:
        raise RuntimeError(f"the books are not whole: {handler.counts}")
    method = (
        f"{len(events.measured):,} events, {done.messages:,} messages, {2 * len(done.packets):,}"
        f" packets of two lines; {done.messages / cpu_s:,.0f} messages/s; CPU time"
    )
    return [Row("feed.handler", len(events.measured) / cpu_s, "events/s", method=method)]


def join(handler: Handler, publisher: Publisher) -> None:
    """Brings a handler to where the publisher is."""
    request = handler.poll(0)
    assert request is not None
    limits = RecoveryLimits()
    for part in Recovery(publisher, History(limits.history_bytes), limits).answer(request, 0):
        at = 0
        while at < len(part):
            length = decode_header(part[at : at + HEADER_BYTES]).length
            handler.receive_recovery(part[at : at + length], 0)
            at += length
    assert handler.live


def late_join(scale: float = 1.0) -> list[Row]:
    """Seconds until a new subscriber of a full venue is SYNCHRONIZED."""
    instruments = max(int(_INSTRUMENTS_JOIN * scale), 2)
    live = max(int(_LIVE_JOIN * scale), 2_000)
    server = subprocess.Popen(
        [sys.executable, "-m", "perf.feed", str(instruments), str(live)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin and server.stdout
    try:
        port, line_a, line_b, orders = map(int, server.stdout.readline().split())
        lines = Line(LINE_A.group, line_a), Line(LINE_B.group, line_b)
        spent = [asyncio.run(_join(lines, port, orders)) for _ in range(_JOINS)]
    finally:
        server.stdin.close()
        server.wait(_JOIN_TIMEOUT_S)
        server.stdout.close()
    method = (
        f"{instruments:,} instruments, {orders:,} live orders; recovery service in its own process;"
        f" median of {', '.join(f'{one:.2f}' for one in spent)} s"
    )
    return [Row("feed.late_join", statistics.median(spent), "s", method=method)]


async def _join(lines: tuple[Line, Line], port: int, orders: int) -> float:
    begin_s = time.perf_counter()
    async with asyncio.timeout(_JOIN_TIMEOUT_S), Subscriber(lines, (_INTERFACE, port)) as feed:
        async for update in feed:
            if update.snapshot and feed.state == FeedState.SYNCHRONIZED:
                break
        spent_s = time.perf_counter() - begin_s
        if feed.books.slices.count() != orders:
            raise RuntimeError(f"{feed.books.slices.count():,} orders, not {orders:,}")
    return spent_s


async def serve_full_venue(instruments: int, live: int) -> None:
    """A recovery service on a venue full of orders, heartbeats on its lines, until stdin ends."""
    events = flow_events(instruments, live, 1)
    publisher = Publisher(events.definitions)
    publisher.publish(events.before)
    orders = publisher.books.slices.count()
    limits = RecoveryLimits()
    history = History(limits.history_bytes)
    history.restart(publisher.next_sequence)
    server = RecoveryServer(Recovery(publisher, history, limits))
    port = await server.start(_INTERFACE, 0)
    lines = [Line(group, free_port()) for group in (LINE_A.group, LINE_B.group)]
    senders = [LineSender(line, _INTERFACE, 0) for line in lines]
    print(port, *(line.port for line in lines), orders, flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, ended.set)
    heartbeat = encode_packet(
        PacketKind.MESSAGES, publisher.session, publisher.next_sequence, time.time_ns(), []
    )
    while not ended.is_set():
        for sender in senders:
            sender.send(heartbeat)
        try:
            await asyncio.wait_for(ended.wait(), 0.2)
        except TimeoutError:
            continue
    await server.close()


def free_port() -> int:
    """A UDP port that nobody uses at the moment."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind((_INTERFACE, 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    asyncio.run(serve_full_venue(*map(int, sys.argv[1:])))
