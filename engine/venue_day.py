"""The engine with the files of its venue day, and how a batch of commands goes through both.

Shared by the sequencer (commands as they come), recovery (from the journal) and replay, so that all
three cut the event log at the same rows and roll the day in the same steps.

Source: specs/matching.md M-72; docs/decisions/0101-journal-format.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from engine.eventlog import EventLog, EventRows, RequestFile
from engine.files import FileSizes, day_name
from engine.journal import Tail
from engine.limits import EVENT_ROWS_MIN, EngineLimits
from engine.snapshots import write_snapshot
from engine.storage import NoRoom, Storage
from engine.types import COMMAND, CommandKind

NO_BLOBS = np.zeros(0, np.uint8)
KIND_AT: int = COMMAND.fields["kind"][1]  # type: ignore[index]
ENGINE_FAULTS = (AssertionError, ArithmeticError, LookupError, ValueError)


class EngineLike(Protocol):
    """What of engine.machine.Engine is used here; tests hand in a small stand-in."""

    arena: np.ndarray
    requests: np.ndarray

    @property
    def command_count(self) -> int:
        """Number of the last command."""

    @property
    def event_count(self) -> int:
        """Number of the last event."""

    @property
    def request_count(self) -> int:
        """Request rows in use this venue day."""

    @property
    def busy(self) -> bool:
        """Long work goes on at the next apply."""

    def apply(self, commands: np.ndarray, blobs: np.ndarray, events: np.ndarray) -> tuple[int, int]:
        """(commands consumed, events produced)."""

    def roll_requests(self, requests_next: np.ndarray) -> None:
        """The request rows of the next day, before its ROLL_DAY."""

    def touch_ahead(self) -> None:
        """Have memory for what the next commands will use; for a background thread."""

    def trading_date(self, product: int) -> int:
        """Of a product's living instruments, yyyymmdd; 0: there are none."""

    def scheduled_end(self, product: int) -> int | None:
        """Of the phase of a product's instruments; None: one never had a phase."""

    def pauses(self) -> list[tuple[int, int]]:
        """(scheduled end, instrument) of each volatility pause, in order."""

    def snapshot(self) -> bytes:
        """The state, without request rows."""

    def state_hash(self) -> bytes:
        """16 bytes, equal for equal states."""


class EngineMaker(Protocol):
    """The engine's class: makes one anew or from a snapshot."""

    def __call__(self, limits: EngineLimits, requests: np.ndarray | None = None) -> EngineLike:
        """An engine before its first command."""

    def restore(self, limits: EngineLimits, data: bytes, requests: np.ndarray) -> EngineLike:
        """An engine in a snapshot's state."""


class EventSink(Protocol):
    """Where events go: the event log, or a scratch array of a replay."""

    @property
    def window(self) -> np.ndarray:
        """The rows to write to next."""

    def take(self, produced: int) -> EventRows:
        """Count rows written at the window's start."""

    def next_segment(self) -> None:
        """Give a window with room; raises NoRoom."""


def apply_batch(
    engine: EngineLike, sink: EventSink, commands: np.ndarray, blobs: np.ndarray
) -> tuple[list[EventRows], np.ndarray | None]:
    """Apply commands and drain the engine's long work; (event rows, commands left over).

    Nothing is left over (None) unless no room for events can be had: then the commands not yet
    consumed, which may be none while the engine is still busy with the last one.
    Raises one of ENGINE_FAULTS when the engine asserts.
    """
    out: list[EventRows] = []
    while True:
        window = sink.window
        if len(window) < EVENT_ROWS_MIN:
            try:
                sink.next_segment()
            except NoRoom:
                return out, commands
            window = sink.window
        consumed, produced = engine.apply(commands, blobs, window)
        if produced:
            out.append(sink.take(produced))
        # long work is only left over where the rows ran out
        if consumed == len(commands) and (
            len(window) - produced >= EVENT_ROWS_MIN or not engine.busy
        ):
            return out, None
        assert consumed or produced, "the engine makes no progress with rows to write to"
        commands = commands[consumed:]


class VenueDay:
    """Engine, event log and request file of the current venue day."""

    def __init__(
        self, storage: Storage, data_dir: Path, sizes: FileSizes, limits: EngineLimits, day: int
    ) -> None:
        self.storage = storage
        self.data_dir = data_dir
        self.sizes = sizes
        self.limits = limits
        self.day = day
        self.engine: EngineLike
        self.events: EventLog
        self.requests: RequestFile

    @property
    def folder(self) -> Path:
        """The folder of the day."""
        return self.data_dir / day_name(self.day)

    def start(self, make: EngineMaker) -> None:
        """A new engine before its first command."""
        self.storage.make_dir(self.folder)
        self.requests = RequestFile(self.storage, self.folder, self.sizes, self.limits.requests_max)
        self.engine = make(self.limits, self.requests.rows)
        self.events = EventLog(self.storage, self.folder, self.sizes, 1)

    def next_requests(self, next_day: int, copied_max: int) -> RequestFile:
        """The empty request file of the next day with room for copied rows; raises NoRoom."""
        folder = self.data_dir / day_name(next_day)
        self.storage.make_dir(folder)
        requests = RequestFile(self.storage, folder, self.sizes, self.limits.requests_max)
        try:
            requests.make_room(copied_max)
        except NoRoom:
            requests.close()
            raise
        return requests

    def roll(self, command: np.ndarray, requests: RequestFile) -> list[EventRows]:
        """Apply ROLL_DAY, alone in its batch, and go on in the next day's files (M-72)."""
        assert len(command) == 1 and command["kind"][0] == CommandKind.ROLL_DAY
        next_day = int(command["trading_date"][0])
        assert next_day > self.day, "the next venue day comes after this one"
        self.engine.roll_requests(requests.rows)
        rows, rest = apply_batch(self.engine, self.events, command, NO_BLOBS)
        if rest is not None:
            raise NoRoom("no room for the events of the roll")
        self.requests.close()
        self.requests = requests
        self.day = next_day
        self.events.roll_folder(self.folder)
        return rows

    def write_snapshot(self, place: Tail, time_ns: int, halt_reason: str, *, of_roll: bool) -> Path:
        """Write the engine's snapshot at a stream position.

        Event log and request rows are not synced: a start checks them before it counts on them.
        """
        engine = self.engine
        facts: dict[str, Any] = {
            "day": self.day,
            "position": place.position,
            "hash": place.hash,
            "epoch": place.epoch,
            "command_count": engine.command_count,
            "event_count": engine.event_count,
            "time_ns": time_ns,
            "limits": asdict(self.limits),
            "halt_reason": halt_reason,
        }
        rows = self.requests.rows[: engine.request_count + 1]
        return write_snapshot(
            self.storage, self.folder, facts, engine.snapshot(), rows, requests_inside=of_roll
        )

    def close(self) -> None:
        """Close the files."""
        self.events.close()
        self.requests.close()


class ScratchEvents:
    """A sink that keeps nothing but counts: for replays beside a venue's files."""

    def __init__(self, rows: np.ndarray, seen: Callable[[EventRows], None] | None = None) -> None:
        """`rows`: EVENT rows to write to again and again; `seen` is shown them each time."""
        self.window = rows
        self._seen = seen
        self.next_number = 1

    def take(self, produced: int) -> EventRows:
        """Count rows."""
        rows = EventRows(self.next_number, self.window[:produced])
        self.next_number += produced
        if self._seen is not None:
            self._seen(rows)
        return rows

    def next_segment(self) -> None:
        """The whole array is free again at any time."""
