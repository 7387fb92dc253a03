"""Commands out of journal records into an engine: the loop that recovery and replay share.

Small batches are joined, because events do not depend on how commands are cut (M-1) and a call into
the kernels for one command costs as much as fifty commands. Knows no file.

Source: specs/matching.md M-1, M-3; docs/decisions/0101-journal-format.md.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.records import RecordKind
from engine.stream import Record
from engine.types import COMMAND, CommandKind
from engine.venue_day import ENGINE_FAULTS, KIND_AT, NO_BLOBS

_JOINED_MAX = 4096  # commands
_DIRECT_MIN = 1024  # commands of a record that is applied from where it lies


class EngineStopped(AssertionError):
    """The engine asserts on a command between `first` and `last`, counted from 1 since ever."""

    def __init__(self, first: int, last: int, why: str) -> None:
        number = str(first) if first == last else f"{first} to {last}"
        super().__init__(f"the engine asserts at command {number}: {why or 'assert'}")
        self.first = first
        self.last = last
        self.why = why


class Replayer:
    """Feeds records to an engine. `count`: commands so far; `time_ns`, `halt_reason`: of the last.

    apply(commands, blobs) applies all of them or raises; roll(command) is given ROLL_DAY alone.
    """

    def __init__(
        self,
        apply: Callable[[np.ndarray, np.ndarray], None],
        roll: Callable[[np.ndarray], None],
        count: int,
        *,
        stop_at: int | None = None,
        single_from: int | None = None,
        skips: frozenset[int] = frozenset(),
    ) -> None:
        """Go on after `count` commands; nothing after command `stop_at` is applied.

        From command `single_from` on they are applied one at a time, to find the one that asserts.
        Commands in `skips` are passed over: they count, and change nothing.
        """
        self._apply = apply
        self._roll = roll
        self.count = count
        self._stop_at = stop_at
        self._single_from = single_from
        self._skips = skips
        self._joined = np.zeros(_JOINED_MAX, COMMAND)
        self._waiting = 0
        self.time_ns = 0
        self.halt_reason = ""
        self.at_roll = False  # the last command was ROLL_DAY

    @property
    def stopped(self) -> bool:
        """Whether `stop_at` has been reached."""
        return self._stop_at is not None and self.count + self._waiting >= self._stop_at

    def feed(self, record: Record) -> None:
        """Apply a record's commands, now or with the next ones; raises EngineStopped."""
        header = record.header
        if header.kind != RecordKind.COMMANDS or self.stopped:
            return
        behind = header.first_number + header.rows - 1
        seen = self.count + self._waiting
        if behind <= seen:
            return
        assert header.first_number <= seen + 1, "commands are missing between records"
        size = header.rows * COMMAND.itemsize
        rows = np.frombuffer(record.payload[:size], COMMAND)[seen + 1 - header.first_number :]
        blobs = np.frombuffer(record.payload[size : size + header.blob_bytes], np.uint8)
        if self._stop_at is not None:
            rows = rows[: self._stop_at - seen]
        if self._skips:
            rows = _without(rows, seen + 1, self._skips)
        self.at_roll = False
        if header.rows == 1 and record.payload[KIND_AT] >= CommandKind.ROLL_DAY:
            self._control(rows, blobs)
        elif len(blobs) or len(rows) >= _DIRECT_MIN:
            self.finish()
            self._apply_rows(rows, blobs)
        else:
            self._join(rows)
        self.time_ns = header.time_ns

    def finish(self) -> None:
        """Apply what waits to be joined; raises EngineStopped."""
        waiting, self._waiting = self._waiting, 0
        if waiting:
            self._apply_rows(self._joined[:waiting], NO_BLOBS)

    def _join(self, rows: np.ndarray) -> None:
        if self._waiting + len(rows) > _JOINED_MAX:
            self.finish()
        stop = self._waiting + len(rows)
        self._joined[self._waiting : stop] = rows
        self._waiting = stop

    def _control(self, rows: np.ndarray, blobs: np.ndarray) -> None:
        self.finish()
        kind = rows["kind"][0]
        if kind == CommandKind.ROLL_DAY:
            self._guarded(self._roll, rows)
            self.at_roll = True
        else:
            self._apply_rows(rows, blobs)
            if kind == CommandKind.HALT:
                self.halt_reason = halt_text(blobs)
            elif kind == CommandKind.RESUME:
                self.halt_reason = ""

    def _apply_rows(self, rows: np.ndarray, blobs: np.ndarray) -> None:
        if self._single_from is None or self.count + len(rows) < self._single_from:
            self._guarded(self._apply, rows, blobs)
            return
        for index in range(len(rows)):
            self._guarded(self._apply, rows[index : index + 1], blobs)

    def _guarded(self, step: Callable[..., None], rows: np.ndarray, *blobs: np.ndarray) -> None:
        try:
            step(rows, *blobs)
        except ENGINE_FAULTS as error:
            raise EngineStopped(self.count + 1, self.count + len(rows), str(error)) from error
        self.count += len(rows)


def halt_text(blobs: np.ndarray) -> str:
    """Why the venue is halted: a HALT command's blob."""
    return blobs.tobytes().decode("utf-8", "replace") or "halted"


def _without(rows: np.ndarray, first: int, skips: frozenset[int]) -> np.ndarray:
    chosen = [number - first for number in skips if first <= number < first + len(rows)]
    if not chosen:
        return rows
    rows = rows.copy()
    # takes its sequence number and changes nothing, so that later commands keep their numbers
    rows["kind"][chosen] = CommandKind.REFUSED
    return rows
