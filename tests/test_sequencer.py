"""Turns of the venue: numbers, time, one write a turn, durability, readers, session store."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest

from engine.event_reader import EventReader, EventsMissing
from engine.eventlog import EventLog, RequestFile
from engine.files import FileSizes
from engine.sequencer import Sequencer
from engine.storage import NoRoom, Storage
from engine.types import COMMAND, EVENT, CommandKind, EventKind
from tests.journal_rig import (
    DAY,
    SIZES,
    FaultyStorage,
    all_events,
    event_files,
    facts,
    journal_files,
    open_venue,
    rows_of,
    turn,
)
from tests.standin_engine import SMALL_LIMITS, StandInEngine, orders


class CountingStorage(Storage):
    """Counts the writes."""

    def __init__(self) -> None:
        self.writes = 0

    def write(self, fd, data):
        self.writes += 1
        super().write(fd, data)

    def write_parts(self, fd, parts):
        self.writes += 1
        super().write_parts(fd, parts)


def control(kind: CommandKind, blob: bytes = b"") -> tuple[np.ndarray, np.ndarray]:
    row = np.zeros(1, COMMAND)
    row["kind"], row["blob_length"] = kind, len(blob)
    return row, np.frombuffer(blob, np.uint8)


def test_a_turn_is_one_write_and_shows_nothing_before_it(tmp_path):
    storage = CountingStorage()
    venue = open_venue(tmp_path, storage=storage)
    storage.writes = 0
    (rows,) = venue.submit(orders(1, 2))
    place = venue.append_sessions(b"store")
    assert rows.first == 1 and len(rows.rows) == 5
    assert storage.writes == 0 and venue.events_durable() == 0
    venue.flush()
    assert storage.writes == 1 and venue.events_durable() == 5
    assert venue.written == venue.journal.position and venue.durable < venue.written
    assert venue.read_journal(place, 5) == b"store"
    venue.flush()
    assert storage.writes == 1
    venue.close()


@pytest.mark.parametrize("count", [1, 2, 48, 49, 50, 51, 52, 60])
def test_the_rows_may_be_overwritten_before_the_flush(tmp_path, count):
    venue = open_venue(tmp_path)
    rows = orders(1, count)
    venue.submit(rows)
    rows[:] = np.zeros(1, COMMAND)
    halt, blob = control(CommandKind.HALT, b"drill")
    blob = blob.copy()
    venue.submit(halt, blob)
    blob[:] = 0
    venue.flush()
    want = facts(venue)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want and venue.halted == "drill"
    venue.close()


def test_a_large_batch_is_journaled_before_it_is_applied(tmp_path):
    storage = CountingStorage()
    venue = open_venue(tmp_path, storage=storage)
    storage.writes = 0
    venue.submit(orders(1, 60))
    assert storage.writes == 1
    venue.close()


def test_fsync_durability_waits_for_sync(tmp_path):
    venue = open_venue(tmp_path, durability="fsync")
    turn(venue, 1, 2)
    assert venue.events_durable() == 0
    thread = threading.Thread(target=venue.sync)
    thread.start()
    thread.join()
    assert venue.events_durable() == 5 and venue.durable == venue.written
    turn(venue, 3, 1)
    assert venue.events_durable() == 5
    assert venue.sync() == 9
    venue.close()


def test_syncs_beside_many_turns(tmp_path):
    venue = open_venue(tmp_path, durability="fsync", threaded=True, sizes=SIZES)
    done = threading.Event()
    seen = []

    def sync_again_and_again():
        while not done.is_set():
            seen.append(venue.sync())

    thread = threading.Thread(target=sync_again_and_again)
    thread.start()
    for index in range(250):
        turn(venue, 10 * index, 1, b"x" * 200)
    done.set()
    thread.join()
    assert seen == sorted(seen)
    assert venue.sync() == venue.events_durable() == len(all_events(venue)) // EVENT.itemsize
    want = facts(venue)
    assert len(journal_files(tmp_path)) > 5
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


def test_time_never_runs_back(tmp_path):
    venue = open_venue(tmp_path, now_ns=5)
    commands = orders(1, 4)
    commands["time_ns"] = (3, 9, 7, 8)
    rows = rows_of([part.rows for part in venue.submit(commands)])
    assert sorted(set(rows["time_ns"].tolist())) == [5, 9]
    (part,) = venue.submit(orders(2, 1))
    assert set(part.rows["time_ns"].tolist()) == {9}
    venue.close()


def test_rows_straddle_segments_and_stay_the_same_however_cut(tmp_path):
    sizes = replace(SIZES, journal_bytes=1 << 17)
    one = open_venue(tmp_path / "one", sizes=sizes)
    whole = one.submit(orders(1, 200))
    one.flush()
    assert len(whole) > 1
    assert [part.first for part in whole[1:]] == [
        part.first + len(part.rows) for part in whole[:-1]
    ]
    two = open_venue(tmp_path / "two", sizes=sizes)
    for index in range(200):
        turn(two, 1 + index, 1)
    assert facts(one) == facts(two)
    assert [path.name for path in event_files(tmp_path / "one")] == [
        path.name for path in event_files(tmp_path / "two")
    ]
    one.close()
    two.close()


def test_what_may_not_be_submitted(tmp_path):
    venue = open_venue(tmp_path)
    assert venue.submit(orders(1, 0)) == []
    with pytest.raises(ValueError, match="go alone"):
        venue.submit(control(CommandKind.ROLL_DAY)[0])
    pair = orders(1, 2)
    for later in (CommandKind.NEW_ORDER, CommandKind.SET_PHASE):
        pair["kind"] = CommandKind.HALT, later
        with pytest.raises(ValueError, match="go alone"):
            venue.submit(pair)
    assert venue.command_count == 0
    venue.close()


def test_phases_go_like_any_command_and_end_no_halt(tmp_path):
    venue = open_venue(tmp_path)
    venue.submit(*control(CommandKind.HALT, b"drill"))
    venue.submit(control(CommandKind.SET_PHASE)[0])
    pair = orders(1, 2)
    pair["kind"][0] = CommandKind.SET_PHASE
    venue.submit(pair)
    assert (venue.halted, venue.command_count) == ("drill", 4)
    venue.flush()
    venue.abandon()
    venue = open_venue(tmp_path)
    assert (venue.halted, venue.command_count) == ("drill", 4)
    venue.close()


def test_the_operator_halts_with_a_reason_and_resumes(tmp_path):
    venue = open_venue(tmp_path)
    venue.submit(*control(CommandKind.HALT, b"drill"))
    venue.flush()
    assert venue.halted == "drill" and venue.poll() == []
    (rows,) = venue.submit(orders(1, 1))
    assert rows.rows["kind"][0] == EventKind.REJECTED
    venue.flush()
    venue.abandon()
    venue = open_venue(tmp_path)
    assert venue.halted == "drill"
    venue.close()
    venue = open_venue(tmp_path)
    assert venue.halted == "drill"
    venue.submit(*control(CommandKind.RESUME))
    assert venue.halted == ""
    venue.close()


# -- readers and the session store


def test_a_reader_follows_segments_and_days(tmp_path):
    venue = open_venue(tmp_path)
    reader = EventReader(tmp_path)
    with pytest.raises(EventsMissing):
        reader.rows(1, 1)
    seen = b""
    count = 0
    for index in range(60):
        if index in (20, 40):
            venue.roll_day(DAY + index)
        turn(venue, index, 5)
        behind = venue.events_durable()
        parts = reader.rows(count + 1, behind - count)
        assert sum(len(part) for part in parts) == behind - count
        assert not parts[0].flags.writeable
        seen += b"".join(part.tobytes() for part in parts)
        count = behind
    assert seen == all_events(venue)
    with pytest.raises(EventsMissing):
        reader.rows(count + 1, 1)
    assert reader.requests_of(count)["qty"][4] == 40
    venue.abandon()
    venue = open_venue(tmp_path)
    turn(venue, 70, 100)
    reader.rows(count + 1, venue.events_durable() - count)
    venue.close()


def test_session_records_go_on_from_what_was_saved(tmp_path):
    venue = open_venue(tmp_path)
    assert venue.sessions_saved() == b""
    turn(venue, 1, 1, b"one")
    venue.save_sessions(b"STORE 1")
    turn(venue, 2, 1, b"two")
    turn(venue, 3, 1, b"three" * 3000)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert venue.sessions_saved() == b"STORE 1"
    records = list(venue.session_records())
    assert [bytes(payload) for _, payload in records] == [b"two", b"three" * 3000]
    assert venue.read_journal(*[records[0][0], 3]) == b"two"
    turn(venue, 4, 1, b"four")
    assert len(list(venue.session_records())) == 2, "as open() found them"
    venue.save_sessions(b"STORE 2")
    venue.close()
    venue = open_venue(tmp_path)
    assert venue.sessions_saved() == b"STORE 2" and list(venue.session_records()) == []
    venue.close()


def test_without_saved_sessions_all_records_come(tmp_path):
    venue = open_venue(tmp_path)
    for index in range(30):
        turn(venue, index, 1, b"session %d" % index * 50)
        if index == 15:
            venue.roll_day(20261123)
    venue.close()
    venue = open_venue(tmp_path)
    found = [bytes(payload) for _, payload in venue.session_records()]
    assert found == [b"session %d" % index * 50 for index in range(30)]
    position, payload = list(venue.session_records())[3]
    assert venue.read_journal(position, len(payload)) == found[3]
    venue.close()


def test_command_records_come_with_their_numbers(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 2)
    venue.save_sessions(b"STORE")
    turn(venue, 3, 3)
    venue.submit(*control(CommandKind.HALT, b"drill"))
    venue.close()
    venue = open_venue(tmp_path)
    found = list(venue.command_records())
    assert [number for _, number, _, _ in found] == [3, 6]
    assert found[0][2]["qty"].tolist() == [3, 4, 5] and found[1][3].tobytes() == b"drill"
    assert [number for _, number, _, _ in venue.command_records(all_kept=True)] == [1, 3, 6]
    venue.close()


def test_requests_are_allocated_a_chunk_at_a_time(tmp_path):
    sizes = FileSizes(request_chunk_rows=64, request_resident_rows=64)
    storage = FaultyStorage()
    requests = RequestFile(storage, tmp_path, sizes, 1000)
    assert len(requests.rows) == 1001 and requests.ready_rows == 128
    requests.make_room(500)
    assert requests.ready_rows >= 500
    storage.full = True
    with pytest.raises(NoRoom):
        requests.make_room(900)
    requests.rows["qty"][:300] = 7
    requests.close()
    storage.full = False
    kept = RequestFile(storage, tmp_path, sizes, 1000, used=100)
    assert kept.rows["qty"].sum() == 101 * 7
    kept.close()


def test_the_event_log_goes_on_in_the_middle_of_a_segment(tmp_path):
    log = EventLog(Storage(), tmp_path, SIZES, 1)
    log.window["kind"][:10] = 1
    log.take(10)
    log.close()
    log = EventLog(Storage(), tmp_path, SIZES, 6)
    assert len(log.window) == SIZES.event_rows - 5 and log.window["kind"][0] == 1
    log.cut()
    assert not log.window["kind"].any()
    log.close()


def test_neither_the_reader_nor_the_sequencer_loads_numba():
    for name in ("engine.event_reader", "engine.sequencer", "engine.replay"):
        code = f"import sys, {name}; sys.exit('numba' in sys.modules)"
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0, name
    code = "import sys, engine.event_reader; sys.exit('msgspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_defaults_open_and_close(tmp_path):
    venue = Sequencer.open(tmp_path, limits=SMALL_LIMITS, now_ns=1_795_000_000 * 10**9,
                           make=StandInEngine)  # fmt: skip
    assert venue.venue_day == 20261118
    turn(venue, 1, 3)
    venue.sync()
    assert venue.events_durable() == 9
    venue.close()
