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
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from engine.definitions import DefinitionsReader
from engine.event_reader import EventReader, EventsMissing
from feed import checkpoint, position
from feed.checkpoint import encode_checkpoint, read_checkpoint, write_checkpoint
from feed.history import History
from feed.messages import ENCODER
from feed.multicast import (
    LINE_A,
    LINE_B,
    SNAPSHOT_LINE,
    Line,
    LineSender,
    parse_line,
    parse_unicast,
)
from feed.notify import NumberReader, connect, read_available
from feed.packet import PACKET_BYTES_MAX, PacketKind, encode_packet, fill_packets
from feed.position import Position
from feed.publish import Publisher
from feed.recovery import Recovery, RecoveryLimits
from feed.recovery_server import RecoveryServer
from feed.snapshot_line import SnapshotLine, SnapshotLineLimits

FAILED = 1
NICE_MAX = 19
_ROWS_A_TURN = 4_096  # events published without a look at anything else
_TAIL_HEARTBEAT_S = 0.05  # after the last packet, so that its loss shows at once
_CONNECT_TIMEOUT_S = 10.0
_CHECKPOINT_EVENTS = 1_000_000  # between two checkpoints, written when nothing else is to do


class CannotListenError(RuntimeError):
    """The recovery service's address cannot be had; the text says which."""


@dataclass(frozen=True)
class FeedSettings:
    """Where the feed reads and sends."""

    data_dir: Path
    notify: Path
    interface: str = "127.0.0.1"
    ttl: int = 0
    line_a: Line = LINE_A
    line_b: Line = LINE_B
    unicast: tuple[Line, ...] = ()  # these get the packets of line A, too
    snapshot_line: Line = SNAPSHOT_LINE
    snapshot_bytes_per_second: int = SnapshotLineLimits.bytes_per_second  # 0: no such line
    recovery_host: str = "127.0.0.1"
    recovery_port: int = 30003
    packet_bytes_max: int = PACKET_BYTES_MAX
    heartbeat_s: float = 1.0
    products: tuple[str, ...] = ()  # of a product group; none: all
    nice: int = NICE_MAX  # the matching has the processor first
    limits: RecoveryLimits = field(default_factory=RecoveryLimits)


class FeedService:
    """One feed on one event log."""

    def __init__(self, settings: FeedSettings) -> None:
        self.settings = settings
        self.publisher = Publisher(DefinitionsReader(settings.data_dir), settings.products)
        self.history = History(settings.limits.history_bytes)
        self.recovery = RecoveryServer(Recovery(self.publisher, self.history, settings.limits))
        self._events = EventReader(settings.data_dir)
        group = "".join(f"-{code}" for code in sorted(settings.products))
        self._checkpoint = f"{checkpoint.FILE_NAME}{group}"
        self._position = Position(settings.data_dir, f"{position.FILE_NAME}{group}")
        self._numbers = NumberReader()
        self._lines = [
            LineSender(line, settings.interface, settings.ttl)
            for line in (settings.line_a, settings.line_b, *settings.unicast)
        ]
        self._publish_soon = False
        self._started = False  # the first number has come
        self._checkpointed = 0  # number of the last event in the checkpoint file
        self._sent_s = 0.0
        self._tail_told = True
        self.ended = asyncio.Event()
        self.failure: BaseException | None = None

    async def run(self) -> None:
        """Publishes until the venue ends; raises what made it fail."""
        loop = asyncio.get_running_loop()
        stream = connect(self.settings.notify, _CONNECT_TIMEOUT_S)
        loop.add_reader(stream, self._receive_number, stream)
        host, port = self.settings.recovery_host, self.settings.recovery_port
        try:
            port = await self.recovery.start(host, port)
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else str(error)
            raise CannotListenError(f"recovery on {host}:{port}: {why}") from error
        sys.stdout.write(f"feed ready: recovery on {host}:{port}\n")
        sys.stdout.flush()
        tasks = [asyncio.create_task(self._heartbeat())]
        if self.settings.snapshot_bytes_per_second:
            tasks.append(asyncio.create_task(self._snapshots()))
        for task in tasks:
            task.add_done_callback(self._task_done)
        try:
            await self.ended.wait()
        finally:
            for task in tasks:
                task.cancel()
            loop.remove_reader(stream)
            stream.close()
            await self.recovery.close()
        if self.failure is None:
            while self.publisher.next_event <= self._numbers.number:
                self._publish_turn()
        for line in self._lines:
            line.close()
        if self.failure is None:
            self.write_checkpoint()
        self._position.close()
        if self.failure is not None:
            raise self.failure

    def _receive_number(self, stream: object) -> None:
        data = read_available(stream)  # type: ignore[arg-type]
        if data is None:
            self.ended.set()
            return
        self._numbers.receive(data)
        if not self._started and self._numbers.number:
            self._started = True
            self._restore()
        if not self._publish_soon:
            self._publish()

    def _restore(self) -> None:
        """Goes on from the checkpoint where it is of this event log (F-51)."""
        found = read_checkpoint(self.settings.data_dir, self._checkpoint)
        if found is None or found.next_event - 1 > self._numbers.number:
            return
        if self._event_bytes(found.next_event - 1) == found.last_event:
            found.restore(self.publisher)
            self.history.restart(self.publisher.next_sequence)
            self._checkpointed = self.publisher.next_event - 1

    def write_checkpoint(self) -> None:
        """Keeps the publisher's state for the next start; not inside a command."""
        last = self.publisher.next_event - 1
        if last > self._checkpointed and not self.publisher.in_command:
            data = encode_checkpoint(self.publisher, self._event_bytes(last))
            self._checkpointed = last
            try:
                write_checkpoint(self.settings.data_dir, data, self._checkpoint)
            except OSError as error:  # a full disk: the next start reads more of the log
                sys.stderr.write(f"sitex feed: no checkpoint: {error}\n")

    def _event_bytes(self, number: int) -> bytes:
        try:
            return b"".join(rows.tobytes() for rows in self._events.rows(number, 1))
        except EventsMissing:
            return b""

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
            for session, sequence, messages in publisher.publish_in_sessions(rows):
                if messages:
                    self._send(session, sequence, list(map(ENCODER.encode, messages)))
                if publisher.next_session:  # nobody may be told that old packets are new ones
                    self.history.restart(1)

    def _send(self, session: int, sequence: int, encoded: list[bytes]) -> None:
        """Fills packets; sends what was not yet sent before a restart; keeps all for replay."""
        published = self._position.next_sequence(session)
        lines = self._lines
        now_ns = time.time_ns()
        for start, stop in fill_packets(encoded, self.settings.packet_bytes_max):
            packet = encode_packet(
                PacketKind.MESSAGES, session, sequence + start, now_ns, encoded[start:stop]
            )
            if sequence + stop > published:
                for line in lines:
                    line.send(packet)
            self.history.append(sequence + start, stop - start, packet)
        self._position.move(session, sequence + len(encoded))
        self._sent_s = time.monotonic()
        self._tail_told = False

    async def _heartbeat(self) -> None:
        """A heartbeat on lines that have been silent (F-9)."""
        while True:
            await asyncio.sleep(_TAIL_HEARTBEAT_S)
            silent_s = time.monotonic() - self._sent_s
            if silent_s < _TAIL_HEARTBEAT_S or self._publish_soon:
                continue
            if self.publisher.next_event - self._checkpointed > _CHECKPOINT_EVENTS:
                self.write_checkpoint()
            if self._tail_told and silent_s < self.settings.heartbeat_s:
                continue
            self.send_heartbeat()

    async def _snapshots(self) -> None:
        """All instruments on the snapshot line, over and over (F-138)."""
        settings = self.settings
        sender = LineSender(settings.snapshot_line, settings.interface, settings.ttl)
        limits = SnapshotLineLimits(
            bytes_per_second=settings.snapshot_bytes_per_second,
            packet_bytes_max=settings.packet_bytes_max,
        )
        try:
            await SnapshotLine(self.publisher, sender, limits).run()
        finally:
            sender.close()

    def _task_done(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failure = task.exception()
            self.ended.set()

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
    parser.add_argument(
        "--unicast", type=parse_unicast, action="append", default=[], metavar="ADDRESS:PORT"
    )
    parser.add_argument(
        "--snapshot-line", type=parse_line, default=SNAPSHOT_LINE, metavar="GROUP:PORT"
    )
    parser.add_argument(
        "--snapshot-bytes-per-second",
        type=int,
        default=SnapshotLineLimits.bytes_per_second,
        help="0: no snapshot line",
    )
    parser.add_argument("--recovery-host", default="127.0.0.1")
    parser.add_argument("--recovery-port", type=int, default=30003)
    parser.add_argument("--recovery-connections-max", type=int, default=64)
    parser.add_argument("--packet-bytes-max", type=int, default=PACKET_BYTES_MAX)
    parser.add_argument("--heartbeat-seconds", type=float, default=1.0)
    parser.add_argument(
        "--nice", type=int, default=NICE_MAX, help="0 to 19: how far behind the venue"
    )
    parser.add_argument("--history-mb", type=int, default=64)
    parser.add_argument("--products", default="", help="CODE,CODE: only these")
    chosen = parser.parse_args(arguments)
    return FeedSettings(
        data_dir=chosen.data,
        notify=chosen.notify,
        interface=chosen.interface,
        ttl=chosen.ttl,
        line_a=chosen.line_a,
        line_b=chosen.line_b,
        unicast=tuple(chosen.unicast),
        snapshot_line=chosen.snapshot_line,
        snapshot_bytes_per_second=chosen.snapshot_bytes_per_second,
        recovery_host=chosen.recovery_host,
        recovery_port=chosen.recovery_port,
        packet_bytes_max=chosen.packet_bytes_max,
        heartbeat_s=chosen.heartbeat_seconds,
        products=tuple(filter(None, chosen.products.split(","))),
        nice=chosen.nice,
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


def stand_back(nice: int) -> None:
    """Let the venue have the processor first; at 19 run only when nobody else wants to."""
    os.setpriority(os.PRIO_PROCESS, 0, nice)
    if nice == NICE_MAX and hasattr(os, "SCHED_IDLE"):
        # a task of this class is preempted at once, where one of nice 19 finishes its slice
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def main(arguments: list[str] | None = None) -> None:
    """The process: SIGINT is the venue's to answer; garbage collection is rare, cycles are few."""
    settings = parse_settings(sys.argv[1:] if arguments is None else arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    stand_back(settings.nice)
    gc.freeze()
    gc.set_threshold(200_000, 20, 20)
    try:
        import uvloop
    except ImportError:
        run = asyncio.run
    else:
        run = uvloop.run
    try:
        run(serve(settings))
    except CannotListenError as error:
        sys.stderr.write(f"sitex feed: {error}\n")
        raise SystemExit(FAILED) from None


if __name__ == "__main__":
    main()
