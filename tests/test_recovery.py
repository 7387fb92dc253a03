"""Start-up after every kind of end: torn tails, damage, lost caches, rolls, asserts."""

from __future__ import annotations

import numpy as np
import pytest

from engine.limits import EngineLimits
from engine.recover import LimitsDiffer
from engine.replayer import EngineStopped
from engine.storage import DirectoryBusy
from engine.stream import JournalDamaged
from engine.turn import VenueHalted
from engine.types import COMMAND, CommandKind
from tests.journal_rig import (
    DAY,
    Crash,
    FaultyStorage,
    all_events,
    copy_of,
    event_files,
    facts,
    files,
    journal_files,
    open_venue,
    overwrite,
    turn,
    used_bytes,
)
from tests.standin_engine import orders


def traded(path, turns: int = 5):
    """A killed venue after some turns; its facts after each."""
    venue = open_venue(path)
    after = [facts(venue)]
    for index in range(turns):
        turn(venue, 10 * index + 1, index + 1, b"session %d" % index)
        after.append(facts(venue))
    venue.abandon()
    return after


def test_a_killed_venue_goes_on_where_it_was(tmp_path):
    after = traded(tmp_path)
    venue = open_venue(tmp_path)
    assert facts(venue) == after[-1]
    assert venue.torn is None and venue.halted == ""
    records = [bytes(payload) for _, payload in venue.session_records()]
    assert records == [b"session %d" % index for index in range(5)]
    position, payload = next(iter(venue.session_records()))
    assert venue.read_journal(position, len(payload)) == b"session 0"
    turn(venue, 99, 3)
    last = facts(venue)
    venue.close()
    venue = open_venue(tmp_path)
    assert facts(venue) == last
    venue.close()


def test_torn_at_every_byte_of_its_last_batch(tmp_path):
    after = traded(tmp_path / "whole", 3)
    venue = open_venue(tmp_path / "whole")
    turn(venue, 50, 2)
    venue.abandon()
    name = journal_files(tmp_path / "whole")[-1].name
    whole = journal_files(tmp_path / "whole")[-1].read_bytes()
    end = len(whole.rstrip(b"\0"))
    for cut in range(end):
        path = copy_of(tmp_path / "whole", tmp_path / "torn")
        (path / "2026-11-20" / name).write_bytes(whole[:cut] + bytes(len(whole) - cut))
        venue = open_venue(path)
        assert facts(venue) == after[-1], cut
        assert (venue.torn is not None) == (cut > 0)
        venue.abandon()


def test_any_flipped_bit_stops_the_start_with_file_and_offset(tmp_path):
    traded(tmp_path / "whole", 3)
    (whole,) = journal_files(tmp_path / "whole")
    data = whole.read_bytes()
    path = copy_of(tmp_path / "whole", tmp_path / "damaged")
    (file,) = journal_files(path)
    for at in range(0, used_bytes(whole), 7):
        overwrite(file, at, bytes([data[at] ^ 1 << at % 8]))
        with pytest.raises(JournalDamaged) as damaged:
            open_venue(path)
        overwrite(file, at, data[at : at + 1])
        assert damaged.value.file == file and damaged.value.offset <= at


def test_after_a_clean_stop_the_last_batch_is_guarded_too(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 3)
    venue.close()
    (file,) = journal_files(tmp_path)
    data = file.read_bytes()
    at = data.rindex(b"SITXEND\xa5", 0, len(data) - 8) - 20
    overwrite(file, at, bytes([data[at] ^ 1]))
    with pytest.raises(JournalDamaged):
        open_venue(tmp_path)


def test_a_journal_shorter_than_the_snapshot_is_damage(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 3)
    venue.close()
    (file,) = journal_files(tmp_path)
    file.write_bytes(file.read_bytes()[:-200])
    with pytest.raises(JournalDamaged, match="a snapshot is of"):
        open_venue(tmp_path)


def test_a_missing_segment_stops_the_start(tmp_path):
    venue = open_venue(tmp_path)
    for index in range(30):
        turn(venue, index, 6)
    venue.abandon()
    journal_files(tmp_path)[1].unlink()
    with pytest.raises(JournalDamaged, match="segment 2 behind it is missing"):
        open_venue(tmp_path)


def test_the_last_segment_may_not_be_missing_after_a_restart(tmp_path):
    traded(tmp_path)
    venue = open_venue(tmp_path)
    turn(venue, 100, 1)
    venue.abandon()
    journal_files(tmp_path)[-1].unlink()
    with pytest.raises(JournalDamaged, match="segment 2 behind it is missing"):
        open_venue(tmp_path)


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("harm", ["deleted", "first", "short", "empty", "long", "zeros", "garbage"])
def test_the_event_log_is_rebuilt_from_the_journal(tmp_path, harm, clean):
    venue = open_venue(tmp_path)
    for index in range(40):
        turn(venue, 10 * index + 1, 5)
    want = facts(venue)
    assert len(event_files(tmp_path)) > 1
    venue.close() if clean else venue.abandon()
    segments = event_files(tmp_path)
    data = segments[-1].read_bytes()
    if harm == "deleted":
        for segment in segments:
            segment.unlink()
    elif harm == "first":
        segments[0].unlink()
    elif harm == "short":
        segments[-1].write_bytes(data[: 128 * 11 + 5])
    elif harm == "empty":
        segments[0].write_bytes(b"")
    elif harm == "long":
        segments[-1].write_bytes(data + b"x" * 1000)
        segments[-1].with_name("events-00000000000000009999").write_bytes(data)
    elif harm == "zeros":
        overwrite(segments[0], 128 * 20, bytes(128 * 3))
    elif harm == "garbage" and not clean:
        overwrite(segments[0], 128 * 20, b"garbage!" * 100)
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    assert len(event_files(tmp_path)) == len(segments)
    turn(venue, 500, 5)
    want = facts(venue)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


def test_events_past_the_journal_are_cut_to_zeros(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 3)
    count = venue.events_durable()
    want = facts(venue)
    venue.submit(orders(50, 4))  # applied, never flushed: events in the log, nothing in the journal
    venue.abandon()
    rows = np.fromfile(event_files(tmp_path)[0], "V128").view("u1").reshape(-1, 128)
    assert rows[count].any()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    rows = np.fromfile(event_files(tmp_path)[0], "V128").view("u1").reshape(-1, 128)
    assert not rows[count:].any()
    venue.close()


def test_days_roll_and_restart(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 40)
    rows = venue.roll_day(20261123)
    assert [part.first for part in rows] == [venue.events_durable()]
    assert venue.venue_day == 20261123
    day_two_first = venue.events_durable() + 1
    turn(venue, 100, 7, b"two")
    want = facts(venue)
    old = venue.requests_of(1)[:41].tobytes()
    venue.abandon()
    for _ in range(2):
        venue = open_venue(tmp_path)
        assert facts(venue) == want
        assert venue.venue_day == 20261123
        assert venue.requests_of(1)[:41].tobytes() == old
        assert venue.requests_of(day_two_first)["qty"][4] == 100
        assert venue.event_rows(day_two_first, 1)[0]["time_ns"][0] == 100
        venue.close()
    assert len(files(tmp_path, "snapshot")) == 2


@pytest.mark.parametrize("harm", ["snapshots", "newest", "garbled", "requests", "old events"])
def test_snapshot_and_replay_equal_replay_from_the_start(tmp_path, harm):
    venue = open_venue(tmp_path)
    turn(venue, 1, 40)
    venue.roll_day(20261123)
    turn(venue, 100, 7)
    want = facts(venue)
    venue.close()
    snapshots = files(tmp_path, "snapshot")
    assert len(snapshots) == 2
    if harm == "snapshots":
        for path in snapshots:
            path.unlink()
    elif harm == "newest":
        snapshots[-1].unlink()
    elif harm == "garbled":
        for path in snapshots:
            overwrite(path, path.stat().st_size // 2, b"\xff\xff\xff")
    elif harm == "requests":
        for path in tmp_path.glob("*/requests"):
            path.unlink()
    else:
        event_files(tmp_path)[0].unlink()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


@pytest.mark.parametrize("kept", range(1, 12))
def test_a_crash_at_every_write_of_a_roll(tmp_path, kept):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage)
    turn(venue, 1, 9)
    before = venue.command_count
    storage.writes_left, storage.then = kept - 1, "crash"
    crashed = False
    try:
        venue.roll_day(20261123)
        turn(venue, 200, 2)
        turn(venue, 300, 2)
    except Crash:
        crashed = True
    assert crashed == (kept <= 8)
    storage.writes_left = None
    venue.abandon()
    venue = open_venue(tmp_path)
    assert venue.command_count >= before
    assert venue.venue_day == (DAY if kept == 1 else 20261123)
    turn(venue, 400, 2)
    want = facts(venue)
    venue.close()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


@pytest.mark.parametrize("torn", [0, 1, 50, 150, 250])
def test_a_crash_in_the_first_write_leaves_a_new_venue(tmp_path, torn):
    storage = FaultyStorage(writes_left=0, then="torn", torn=torn)
    with pytest.raises(Crash):
        open_venue(tmp_path, storage=storage)
    venue = open_venue(tmp_path, venue_day=DAY + 1)
    assert venue.command_count == 0 and venue.venue_day == DAY + 1
    turn(venue, 1, 3)
    want = facts(venue)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


def test_only_one_venue_on_a_directory(tmp_path):
    venue = open_venue(tmp_path)
    with pytest.raises(DirectoryBusy, match="is used by process"):
        open_venue(tmp_path)
    venue.close()
    open_venue(tmp_path).close()


def test_other_limits_are_refused_and_none_takes_those_of_the_directory(tmp_path):
    open_venue(tmp_path).close()
    with pytest.raises(LimitsDiffer, match="orders_max = 64, not 63"):
        open_venue(tmp_path, limits=EngineLimits(orders_max=63))
    venue = open_venue(tmp_path, limits=None)
    assert venue.venue.limits.orders_max == 64
    venue.close()


def test_an_assert_is_met_again_halts_and_is_skipped(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 5)
    turn(venue, 6, 1)
    before = facts(venue)
    bad = orders(10, 4)
    bad["price"][2] = 666
    with pytest.raises(EngineStopped, match="command 7 to 10"):
        venue.submit(bad)
    with pytest.raises(VenueHalted):
        venue.submit(orders(20, 1))
    assert venue.events_durable() == len(before[2]) // 128
    venue.close()

    for _ in range(2):
        venue = open_venue(tmp_path)
        assert "asserts at command 9" in venue.halted
        assert venue.command_count == 8
        with pytest.raises(VenueHalted, match="command 9"):
            venue.submit(orders(20, 1))
        assert venue.poll() == []
        assert venue.event_rows(1, 1)[0]["kind"][0] != 0
        skipping = venue
        if _ == 1:
            assert skipping.skip_command() == 9
        venue.close()

    venue = open_venue(tmp_path)
    assert venue.halted == "" and venue.command_count == 10
    assert venue.engine.volume == sum(range(1, 7)) + 10 + 11 + 13
    turn(venue, 30, 2)
    want = facts(venue)
    venue.close()
    for path in files(tmp_path, "snapshot"):
        path.unlink()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


def test_time_never_runs_back_over_a_restart(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1000, 3)
    venue.abandon()
    venue = open_venue(tmp_path, now_ns=500)
    (rows,) = venue.submit(orders(7, 1))
    assert rows.rows["time_ns"][0] == 1002
    venue.close()


def test_long_work_is_finished_when_it_is_replayed(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 3)
    sweep = np.zeros(1, COMMAND)
    sweep["kind"], sweep["qty"] = CommandKind.MASS_CANCEL, 1000
    parts = venue.submit(sweep)
    venue.flush()
    assert len(parts) > 3 and sum(len(part.rows) for part in parts) == 1000
    want = facts(venue)
    venue.abandon()
    for path in event_files(tmp_path):
        path.unlink()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    assert len(all_events(venue)) // 128 == venue.events_durable()
    venue.close()
