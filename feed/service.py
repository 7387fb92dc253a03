"""The feed's process: follows the event log, publishes on two lines, serves recovery.

    python -m feed.service --data DIR --notify SOCKET

Wiring only, in data-flow order: durable event number -> event rows -> messages -> packets -> lines
and history. Loads no numba. Ends when the venue's stream ends or on SIGTERM; started again it goes
on where it stopped, with the same message numbers.

Source: specs/market_data.md (F-6, F-9, F-50, F-51).
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from engine.definitions import DefinitionsReader
from engine.event_reader import EventReader
from feed.history import History
from feed.messages import ENCODER
from feed.multicast import LINE_A, LINE_B, Line, LineSender, parse_line
from feed.notify import NumberReader, connect, read_available
from feed.packet import PACKET_BYTES_MAX, PacketKind, encode_packet, fill_packets
from feed.position import Position
from feed.publish import Publisher
from feed.recovery import Recovery, RecoveryLimits
from feed.recovery_server import RecoveryServer

_ROWS_A_TURN = 4_096  # events published without a look at anything else
_TAIL_HEARTBEAT_S = 0.05  # after the last packet, so that its loss shows at once
_CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class FeedSettings:
    """Where the feed reads and sends."""

    data_dir: Path
    notify: Path
    interface: str = "127.0.0.1"
    ttl: int = 0
    line_a: Line = LINE_A
    line_b: Line = LINE_B
    recovery_host: str = "127.0.0.1"
    recovery_port: int = 30003
    packet_bytes_max: int = PACKET_BYTES_MAX
    heartbeat_s: float = 1.0
    limits: RecoveryLimits = field(default_factory=RecoveryLimits)


class FeedService:
    """One feed on one event log."""

    def __init__(self, settings: FeedSettings) -> None:
        self.settings = settings
        self.publisher = Publisher(DefinitionsReader(settings.data_dir))
        self.history = History(settings.limits.history_bytes)
        self.recovery = RecoveryServer(Recovery(self.publisher, self.history, settings.limits))
        self._events = EventReader(settings.data_dir)
        self._position = Position(settings.data_dir)
        self._numbers = NumberReader()
        self._lines = [
            LineSender(line, settings.interface, settings.ttl)
            for line in (settings.line_a, settings.line_b)
        ]
        self._publish_soon = False
        self._sent_s = 0.0
        self._tail_told = True
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None

    async def run(self) -> None:
        """Publishes until the venue ends; raises what made it fail."""
        loop = asyncio.get_running_loop()
        stream = connect(self.settings.notify, _CONNECT_TIMEOUT_S)
        loop.add_reader(stream, self._receive_number, stream)
        port = await self.recovery.start(self.settings.recovery_host, self.settings.recovery_port)
        print(f"feed ready: recovery on {self.settings.recovery_host}:{port}", flush=True)  # noqa: T201
        heartbeat = asyncio.create_task(self._heartbeat())
        try:
            await self.ended.wait()
        finally:
            heartbeat.cancel()
            loop.remove_reader(stream)
            stream.close()
            await self.recovery.close()
        if self.failure is None:
            while self.publisher.next_event <= self._numbers.number:
                self._publish_turn()
        for line in self._lines:
            line.close()
        self._position.close()
        if self.failure is not None:
            raise self.failure

    def _receive_number(self, stream: object) -> None:
        data = read_available(stream)  # type: ignore[arg-type]
        if data is None:
            self.ended.set()
            return
        self._numbers.receive(data)
        if not self._publish_soon:
            self._publish()

    def _publish(self) -> None:
        """One turn's worth of events; the rest after other work had its turn."""
        self._publish_soon = False
        try:
            self._publish_turn()
        except Exception as error:  # a wrong feed must end, whatever made it wrong
            self.failure = error
            self.ended.set()
            return
        if self.publisher.next_event <= self._numbers.number and not self.ended.is_set():
            self._publish_soon = True
            asyncio.get_running_loop().call_soon(self._publish)

    def _publish_turn(self) -> None:
        publisher = self.publisher
        count = min(self._numbers.number + 1 - publisher.next_event, _ROWS_A_TURN)
        if count <= 0:
            return
        for rows in self._events.rows(publisher.next_event, count):
            sequence = publisher.next_sequence
            messages = publisher.publish(rows)
            if messages:
                self._send(sequence, list(map(ENCODER.encode, messages)))

    def _send(self, sequence: int, encoded: list[bytes]) -> None:
        """Fills packets; sends what was not yet sent before a restart; keeps all for replay."""
        session = self.publisher.session
        published = self._position.next_sequence(session)
        line_a, line_b = self._lines
        now_ns = time.time_ns()
        for start, stop in fill_packets(encoded, self.settings.packet_bytes_max):
            packet = encode_packet(
                PacketKind.MESSAGES, session, sequence + start, now_ns, encoded[start:stop]
            )
            if sequence + stop > published:
                line_a.send(packet)
                line_b.send(packet)
            self.history.append(sequence + start, stop - start, packet)
        self._position.move(session, max(published, sequence + len(encoded)))
        self._sent_s = time.monotonic()
        self._tail_told = False

    async def _heartbeat(self) -> None:
        """A heartbeat on lines that have been silent (F-9)."""
        while True:
            await asyncio.sleep(_TAIL_HEARTBEAT_S)
            silent_s = time.monotonic() - self._sent_s
            if silent_s < _TAIL_HEARTBEAT_S or self._publish_soon:
                continue
            if self._tail_told and silent_s < self.settings.heartbeat_s:
                continue
            self.send_heartbeat()

    def send_heartbeat(self) -> None:
        """The number of the next message, on both lines."""
        publisher = self.publisher
        if publisher.session == 0:
            return
        packet = encode_packet(
            PacketKind.MESSAGES,
            publisher.session,
            publisher.next_sequence,
            time.time_ns(),
            [],
        )
        for line in self._lines:
            line.send(packet)
        self._sent_s = time.monotonic()
        self._tail_told = True


def parse_settings(arguments: list[str]) -> FeedSettings:
    """The settings of a command line."""
    parser = argparse.ArgumentParser(prog="python -m feed.service", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="the venue's data directory")
    parser.add_argument("--notify", type=Path, required=True, help="the venue's unix socket")
    parser.add_argument("--interface", default="127.0.0.1", help="where multicast leaves")
    parser.add_argument("--ttl", type=int, default=0)
    parser.add_argument("--line-a", type=parse_line, default=LINE_A, metavar="GROUP:PORT")
    parser.add_argument("--line-b", type=parse_line, default=LINE_B, metavar="GROUP:PORT")
    parser.add_argument("--recovery-host", default="127.0.0.1")
    parser.add_argument("--recovery-port", type=int, default=30003)
    parser.add_argument("--recovery-connections-max", type=int, default=64)
    parser.add_argument("--packet-bytes-max", type=int, default=PACKET_BYTES_MAX)
    parser.add_argument("--heartbeat-seconds", type=float, default=1.0)
    parser.add_argument("--history-mb", type=int, default=64)
    chosen = parser.parse_args(arguments)
    return FeedSettings(
        data_dir=chosen.data,
        notify=chosen.notify,
        interface=chosen.interface,
        ttl=chosen.ttl,
        line_a=chosen.line_a,
        line_b=chosen.line_b,
        recovery_host=chosen.recovery_host,
        recovery_port=chosen.recovery_port,
        packet_bytes_max=chosen.packet_bytes_max,
        heartbeat_s=chosen.heartbeat_seconds,
        limits=RecoveryLimits(
            connections_max=chosen.recovery_connections_max,
            history_bytes=chosen.history_mb << 20,
        ),
    )


async def serve(settings: FeedSettings) -> None:
    """Runs the feed until the venue ends or SIGTERM comes."""
    service = FeedService(settings)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, service.ended.set)
    await service.run()


def main(arguments: list[str] | None = None) -> None:
    """The process: SIGINT is the venue's to answer; garbage collection is rare, cycles are few."""
    settings = parse_settings(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    try:
        import uvloop
    except ImportError:
        asyncio.run(serve(settings))
    else:
        uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
