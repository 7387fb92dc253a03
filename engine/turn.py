"""A turn of the venue: commands get their place, are journaled and applied, and written once.

    submit -> (journal record staged, engine applies, event rows in the mapped log)
    append_sessions -> flush (one write: commands and session store) -> sync (durability fsync)

Nothing of a turn may be sent, and no reader told of it, before flush() has returned, in durability
fsync before sync() has. What to do where room, disk or engine fail is decided here.

Source: docs/decisions/0101-journal-format.md; specs/matching.md M-1, M-3, M-73.
"""

from __future__ import annotations

import struct

import numpy as np

from engine.ahead import Ahead
from engine.eventlog import EventRows
from engine.journal import STAGED_PART_MAX, Bytes, Journal
from engine.records import FRAME_BYTES, RecordKind
from engine.replayer import EngineStopped, halt_text
from engine.storage import NoRoom, StorageFailed
from engine.types import COMMAND, CommandKind
from engine.venue_day import ENGINE_FAULTS, KIND_AT, NO_BLOBS, VenueDay, apply_batch
from specs.rejects import Reject

DISK_FULL = "disk full"
COMMANDS_MAX = 16_384  # in one submit
BLOB_BYTES_MAX = 1 << 20  # in one submit
_ROW = COMMAND.itemsize
_KIND_AT = KIND_AT
_COMMANDS = RecordKind.COMMANDS  # looked up once: an enumeration's members cost 50 ns each time
_ROLL_DAY, _RESUME = int(CommandKind.ROLL_DAY), int(CommandKind.RESUME)
_unpack_time = struct.Struct("<q").unpack_from  # the row's first field
_SMALL = STAGED_PART_MAX // _ROW  # commands that may be staged: their bytes are copied
_PAD = FRAME_BYTES + 8
_REQUEST_CHUNKS_AHEAD = 4
assert COMMAND.names is not None and COMMAND.names[0] == "time_ns"


class VenueHalted(Exception):
    """Input is refused: nothing was journaled. The text says why."""


class Turn:
    """Engine, journal and event log at work. `torn`: why recovery cut a tail, None: it did not.

    One thread calls everything save sync(), which may run in another beside it.
    """

    def __init__(
        self, venue: VenueDay, journal: Journal, *, durability: str, threaded: bool
    ) -> None:
        """Go on where `venue` and `journal` stand. threaded: files are made ready in a thread."""
        self.venue = venue
        self.engine = venue.engine
        self.journal = journal
        self.torn: str | None = None
        self._fsync = durability == "fsync"
        self._events = venue.events
        self._time_ns = 0
        self._count = self.engine.command_count
        self._halt_reason = ""
        self._refusal: Exception | None = None
        self._backlog: tuple[np.ndarray, np.ndarray] | None = None
        self._kept: list[EventRows] = []  # of the turn's own commands, for poll
        self._requests_left = 0
        self._events_written = self._events_durable = venue.events.next_number - 1
        self._ahead = Ahead(
            (journal.prepare, self._prepare_events, self._prepare_requests, self.engine.touch_ahead)
        )
        if threaded:
            self._ahead.start()

    def submit(self, commands: np.ndarray, blobs: np.ndarray = NO_BLOBS) -> list[EventRows]:
        """Journal and apply COMMAND rows; the event rows they produce, views into the event log.

        `time_ns` of the rows is raised where it runs back (M-3). At most COMMANDS_MAX rows and
        BLOB_BYTES_MAX bytes of uint8 blobs; HALT and RESUME alone; ROLL_DAY only by roll_day.
        Small batches are staged: see flush(). Raises VenueHalted (nothing journaled),
        EngineStopped (journaled, the process must end) or StorageFailed (the process must end).
        """
        if self._refusal is not None or self._backlog is not None:
            self._refuse()
        count = len(commands)
        if count == 1:
            raw: Bytes = commands.tobytes()
            (time_ns,) = _unpack_time(raw)
            if time_ns < self._time_ns:
                commands["time_ns"] = self._time_ns
                raw = commands.tobytes()
            else:
                self._time_ns = time_ns
            kind = raw[_KIND_AT]
        elif count == 0:
            return []
        else:
            kind, raw = self._order(commands, count)
        if kind >= _ROLL_DAY and _has_control(commands):
            return self._submit_control(kind, commands, raw, blobs)
        return self._append(commands, raw, blobs)

    def _submit_control(
        self, kind: int, commands: np.ndarray, raw: Bytes, blobs: np.ndarray
    ) -> list[EventRows]:
        if len(commands) > 1 or kind == _ROLL_DAY:
            raise ValueError("HALT and RESUME go alone, ROLL_DAY by roll_day")
        out = self._append(commands, raw, blobs)
        self._halt_reason = halt_text(blobs) if kind == CommandKind.HALT else ""
        return out

    def _order(self, commands: np.ndarray, count: int) -> tuple[int, Bytes]:
        """Make time non-decreasing; the highest command kind and the rows as bytes."""
        assert count <= COMMANDS_MAX
        times = commands["time_ns"]
        if times[0] < self._time_ns or (times[1:] < times[:-1]).any():
            times[0] = max(int(times[0]), self._time_ns)
            np.maximum.accumulate(times, out=times)
        self._time_ns = int(times[-1])
        if count <= _SMALL:
            raw = commands.tobytes()
            return max(raw[_KIND_AT::_ROW]), raw
        rows = np.ascontiguousarray(commands).view(np.uint8)
        return int(commands["kind"].max()), rows.data

    def _append(self, commands: np.ndarray, raw: Bytes, blobs: np.ndarray) -> list[EventRows]:
        count = len(commands)
        blob_bytes = len(blobs)
        size = len(raw) + blob_bytes + _PAD
        journal, events = self.journal, self._events
        before: list[EventRows] = []
        number = self._count + 1
        try:
            if (
                journal.position + size > journal.soft_end
                or events.cursor > events.soft_end
                or self._requests_left < count
            ):
                before = self._make_room(size, count)
                number = self._count + 1
            self._requests_left -= count
            copied = blobs.tobytes() if blob_bytes else b""
            journal.append(_COMMANDS, raw, number, self._time_ns, count, copied)
        except StorageFailed as error:
            self._refusal = error
            raise
        self._count = number + count - 1
        try:
            out, rest = apply_batch(self.engine, events, commands, blobs)
        except ENGINE_FAULTS as error:
            raise self._stopped(number, error) from error
        if rest is not None:
            self._backlog = (rest.copy(), blobs.copy())
        return before + out if before else out

    def can_apply(self, count: int, time_ns: int) -> bool:
        """Whether a caller may apply up to `count` commands of `time_ns` itself, see applied()."""
        return (
            self._refusal is None
            and self._backlog is None
            and time_ns >= self._time_ns
            and self._requests_left >= count
            and self.journal.position + count * _ROW + _PAD <= self.journal.soft_end
            and self._events.cursor <= self._events.soft_end
        )

    def applied(self, commands: np.ndarray, consumed: int, produced: int) -> list[EventRows]:
        """Journal COMMAND rows of which a caller has applied `consumed`, then apply the rest.

        For batches that can_apply() allowed, without blobs or controls: their events, `produced`
        of them, stand in the event log's next rows. Returns these rows, then those of what was
        left. Staged and raises as submit().
        """
        number, count = self._journal_applied(commands)
        events = self._events
        done = events.take(produced)
        if consumed == count and not self.engine.busy:
            return [done]
        try:
            out, rest = apply_batch(self.engine, events, commands[consumed:], NO_BLOBS)
        except ENGINE_FAULTS as error:
            raise self._stopped(number, error) from error
        if rest is not None:
            self._backlog = (rest.copy(), NO_BLOBS)
        return [done, *out]

    def write_applied(self, raw: Bytes, count: int, time_ns: int, produced: int) -> int:
        """As applied(), for a batch of which nothing is left, and written before return.

        raw: its COMMAND rows. Returns the number of its last event.
        """
        number = self._count + 1
        self._count += count
        self._time_ns = time_ns
        self._requests_left -= count
        try:
            self.journal.write_commands(raw, number, time_ns, count)
        except StorageFailed as error:
            self._refusal = error
            raise
        through = self._events.advance(produced)
        self._events_written = through
        return through

    def engine_failed(self, commands: np.ndarray, error: Exception) -> EngineStopped:
        """Journals COMMAND rows up to the one at which the engine asserted in a caller's hands.

        Raises `error` again where no command was begun.
        """
        begun = self.engine.command_count - self._count
        if begun == 0:
            raise error
        number, _ = self._journal_applied(commands[:begun])
        return self._stopped(number, error)

    def _journal_applied(self, commands: np.ndarray) -> tuple[int, int]:
        """Stage the record; (number of the first command, commands)."""
        number, count = self._count + 1, len(commands)
        raw = commands.tobytes()
        (self._time_ns,) = _unpack_time(raw)
        self._requests_left -= count
        self._count += count
        try:
            self.journal.append(_COMMANDS, raw, number, self._time_ns, count)
        except StorageFailed as failure:
            self._refusal = failure
            raise
        return number, count

    def append_sessions(self, payload: Bytes) -> int:
        """Journal session-store bytes behind this turn's commands; their stream position.

        Staged with them: see flush(). At most RECORD_BYTES_MAX bytes with the record's frame.
        """
        if self._refusal is not None:
            self._refuse()
        journal = self.journal
        size = len(payload) + _PAD
        try:
            if journal.position + size > journal.soft_end:
                self._make_room_for_sessions(size)
            return journal.append_sessions(bytes(payload), self._count + 1, self._time_ns)
        except StorageFailed as error:
            self._refusal = error
            raise

    def _make_room_for_sessions(self, size: int) -> None:
        try:
            self.journal.make_room(size)
        except NoRoom as error:
            # the reserve is for this: what the engine did must not lose its answers
            if self.journal.room_left < size:
                raise StorageFailed(f"disk full, reserve used up: {error}") from error

    def flush(self) -> None:
        """Write what the turn has staged: after it, in durability os, answers may go out."""
        try:
            self.journal.flush()
        except StorageFailed as error:
            self._refusal = error
            raise
        self._events_written = self._events.next_number - 1

    def sync(self) -> int:
        """Bring what is flushed to the disk; the last durable event number. For any thread."""
        events = self._events_written
        try:
            self.journal.sync()
        except StorageFailed as error:
            self._refusal = error
            raise
        self._events_durable = max(self._events_durable, events)
        return events

    def events_written(self) -> int:
        """The last event number whose command is in the files."""
        return self._events_written

    def events_durable(self) -> int:
        """The last event number that may be shown to anybody."""
        return self._events_durable if self._fsync else self._events_written

    @property
    def fault(self) -> EngineStopped | None:
        """The command before which the engine stands since a start; skip_command passes over it."""
        return self._refusal if isinstance(self._refusal, EngineStopped) else None

    @property
    def halted(self) -> str:
        """Why the venue takes no new orders, "" when it does."""
        if self._refusal is not None:
            return str(self._refusal)
        return DISK_FULL if self._backlog is not None else self._halt_reason

    def poll(self) -> list[EventRows]:
        """To be called some ten times a second: ends a halt of a full disk when space is back.

        Returns event rows that no submit returned. Raises StorageFailed.
        """
        if self._ahead.failed is not None:
            self._refusal = self._ahead.failed
        if isinstance(self._refusal, StorageFailed):
            raise self._refusal
        if self._refusal is not None:
            return []
        out, self._kept = self._kept, []
        try:
            if self.halted == DISK_FULL and self._ahead.step():
                out += self._drain()
                if self._backlog is None and self._halt_reason == DISK_FULL:
                    out += self._control(CommandKind.RESUME)
        except StorageFailed as error:
            self._refusal = error
            raise
        except ENGINE_FAULTS as error:
            raise self._stopped(self._count, error) from error
        if out:
            self.flush()
        return out

    # -- helpers

    def _make_room(self, size: int, count: int) -> list[EventRows]:
        """Room for a batch; where there is none the venue halts and lives on the reserve."""
        sizes, requests = self.venue.sizes, self.venue.requests
        used = self.engine.request_count
        try:
            self.journal.make_room(size)
            self._events.make_room()
            if requests.left(used) < count:
                requests.make_room(used + count)
        except NoRoom as error:
            out = [] if self._halt_reason else self._control(CommandKind.HALT, DISK_FULL)
            if (
                self.journal.room_left < size + sizes.journal_reserve_bytes // 2
                or self._events.rows_left < sizes.event_reserve_rows // 2
                or requests.left(used) < count
            ):
                self._kept += out
                raise VenueHalted(f"{DISK_FULL}: {error}") from error
            self._requests_left = requests.left(used)
            return out
        self._requests_left = requests.left(used)
        return []

    def _control(self, kind: CommandKind, text: str = "") -> list[EventRows]:
        """Journal and apply a HALT or RESUME of the sequencer's own, within the reserve."""
        command = self._command(kind)
        blobs = np.frombuffer(text.encode(), np.uint8)
        command["blob_length"] = len(blobs)
        self._halt_reason = text
        self._count += 1
        self.journal.append(
            RecordKind.COMMANDS, command.tobytes(), self._count, self._time_ns, 1, text.encode()
        )
        rows, rest = apply_batch(self.engine, self._events, command, blobs)
        if rest is not None:
            self._backlog = (rest, blobs)
        return rows

    def _command(self, kind: CommandKind) -> np.ndarray:
        command = np.zeros(1, COMMAND)
        command["kind"] = kind
        command["time_ns"] = self._time_ns
        if kind == CommandKind.HALT:
            command["reason"] = Reject.VENUE_HALTED
        return command

    def _drain(self) -> list[EventRows]:
        if self._backlog is None:
            return []
        commands, blobs = self._backlog
        rows, rest = apply_batch(self.engine, self._events, commands, blobs)
        self._backlog = None if rest is None else (rest, blobs)
        return rows

    def _refuse(self) -> None:
        if isinstance(self._refusal, StorageFailed):
            raise self._refusal
        raise VenueHalted(self.halted)

    def _stopped(self, first: int, error: Exception) -> EngineStopped:
        """The engine asserted: its command must be in the journal, then nothing more is done."""
        stopped = EngineStopped(first, self._count, str(error))
        self._refusal = stopped
        self.journal.flush()
        self.journal.sync()
        return stopped

    def _prepare_events(self) -> None:
        self._events.prepare()

    def _prepare_requests(self) -> None:
        self.venue.requests.make_room(self.engine.request_count, _REQUEST_CHUNKS_AHEAD)


def _has_control(commands: np.ndarray) -> bool:
    """Whether a ROLL_DAY, HALT or RESUME is among COMMAND rows."""
    kinds = commands["kind"]
    return bool(((kinds >= _ROLL_DAY) & (kinds <= _RESUME)).any())
