"""`sitex feed record` and `sitex feed replay`: a live feed to a file, and a file to live lines.

A replay is a feed like the venue's: the same two lines, heartbeats, and a recovery service, so that
every subscriber takes it for one. Numbers and session are the recorded ones, sending times are new.

Source: specs/market_data.md (F-9, F-134, F-135).
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from feed.books import Books
from feed.handler_terms import FeedState, Update
from feed.history import History
from feed.messages import ENCODER, DayRolled
from feed.multicast import LineSender
from feed.packet import PacketKind, encode_packet, fill_packets
from feed.recording import Recording, RecordingWriter
from feed.recovery import Recovery, RecoveryLimits
from feed.recovery_server import RecoveryServer
from feed.subscriber import Subscriber

_FLUSH_S = 1.0
_HEARTBEAT_S = 0.2
_LINGER_S = 2.0  # recovery is served so long after the last message


@dataclass
class Recorded:
    """What came of a recording."""

    packets: int = 0
    messages: int = 0
    bytes_written: int = 0
    snapshots: int = 0
    state: FeedState = FeedState.STALE


async def record(subscriber: Subscriber, path: Path, seconds: float | None) -> Recorded:
    """Records until cancelled, or for `seconds`; FileExistsError, OSError of the disk."""
    done = Recorded()
    writer = RecordingWriter(path)
    subscriber.handler.on_packet = writer.write
    flushing = asyncio.create_task(_flush(writer))
    try:
        async with subscriber:
            following = asyncio.create_task(_follow(subscriber, done))
            with contextlib.suppress(TimeoutError, asyncio.CancelledError):
                await asyncio.wait_for(following, seconds)
            done.state = subscriber.state
    finally:
        flushing.cancel()
        writer.close()
    done.packets, done.bytes_written = writer.packets, writer.bytes_written
    for task in (following, flushing):
        if task.done() and not task.cancelled():
            task.result()  # only an error ends it
    return done


async def _follow(subscriber: Subscriber, done: Recorded) -> None:
    async for update in subscriber:
        done.messages += len(update.messages)
        done.snapshots += update.snapshot


async def _flush(writer: RecordingWriter) -> None:
    """Whoever reads the file meanwhile, or a kill, finds all but the last second."""
    while True:
        await asyncio.sleep(_FLUSH_S)
        writer.flush()


class Replay:
    """A recording published again; what recovery needs of a publisher."""

    def __init__(self, path: Path, lines: list[LineSender], limits: RecoveryLimits) -> None:
        self.recording = Recording(path)
        self.history = History(limits.history_bytes)
        self.recovery = RecoveryServer(Recovery(self, self.history, limits))
        self.messages = 0
        self._session = 0  # of what is sent
        self._lines = lines

    @property
    def books(self) -> Books:
        """The books after what was published."""
        return self.recording.books

    @property
    def session(self) -> int:
        """The recorded session; 0 before its first snapshot is whole."""
        return self.recording.handler.session

    @property
    def next_sequence(self) -> int:
        """Number of the next message."""
        return self.recording.handler.next_sequence

    @property
    def in_command(self) -> bool:
        """True while half an event is read."""
        return self.recording.handler.in_event

    async def run(self, speed: float) -> None:
        """Publishes all of it, `speed` times as fast as it was; 0: as fast as it can be read."""
        begin_s, first_ns = time.monotonic(), 0
        for sent_ns, updates in self.recording.packets():
            first_ns = first_ns or sent_ns
            if speed:
                due_s = begin_s + (sent_ns - first_ns) / 1e9 / speed
                while (pause_s := due_s - time.monotonic()) > 0:
                    await asyncio.sleep(min(pause_s, _HEARTBEAT_S))
                    if pause_s > _HEARTBEAT_S:
                        self._send_heartbeat()
            for update in updates:
                self._send(update)
            await asyncio.sleep(0)
        for _ in range(round(_LINGER_S / _HEARTBEAT_S)):
            self._send_heartbeat()
            await asyncio.sleep(_HEARTBEAT_S)

    def _send(self, update: Update) -> None:
        if update.snapshot:
            self._begin(self.session, update.sequence + 1)
            self._send_heartbeat()
            return
        encoded = list(map(ENCODER.encode, update.messages))
        first = update.sequence + 1 - len(encoded)
        for start, stop in fill_packets(encoded):
            packet = encode_packet(
                PacketKind.MESSAGES,
                self._session,
                first + start,
                time.time_ns(),
                encoded[start:stop],
            )
            self.history.append(first + start, stop - start, packet)
            for line in self._lines:
                line.send(packet)
        self.messages += len(encoded)
        last = update.messages[-1]
        if isinstance(last, DayRolled) and last.next_session:
            self._begin(last.next_session, 1)

    def _begin(self, session: int, sequence: int) -> None:
        self._session = session
        self.history.restart(sequence)

    def _send_heartbeat(self) -> None:
        heartbeat = encode_packet(
            PacketKind.MESSAGES, self._session, self.history.next_sequence, time.time_ns(), []
        )
        for line in self._lines:
            line.send(heartbeat)
