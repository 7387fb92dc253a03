"""Full disks and failing ones: what halts, what resumes, what ends the process."""

from __future__ import annotations

import numpy as np
import pytest

from engine.storage import NoRoom, StorageFailed
from engine.turn import DISK_FULL, VenueHalted
from engine.types import COMMAND, CommandKind, EventKind
from tests.journal_rig import (
    DAY,
    Crash,
    FaultyStorage,
    facts,
    open_venue,
    rows_of,
    turn,
)
from tests.standin_engine import StandInEngine, orders

# -- a full disk


@pytest.mark.parametrize("sessions", [0, 300])
def test_a_full_disk_halts_visibly_and_resumes_by_itself(tmp_path, sessions):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage)
    turn(venue, 1, 3)
    storage.full = True
    seen = []
    number = 10
    while venue.halted == "":
        seen += venue.submit(orders(number, 1))
        if sessions:
            venue.append_sessions(b"s" * sessions)
        venue.flush()
        number += 1
        assert number < 300
    assert venue.halted == DISK_FULL
    kinds = rows_of([part.rows for part in seen])["kind"].tolist()
    assert EventKind.HALTED in kinds and kinds[-1] == EventKind.REJECTED
    assert venue.poll() == [], "still full"
    refused = False
    for number in range(300, 600):
        try:
            venue.submit(orders(number, 1))
            if sessions:
                venue.append_sessions(b"s" * sessions)
            venue.flush()
        except VenueHalted:
            refused = True
            break
    assert refused, "the reserve is not endless"
    storage.full = False
    rows = rows_of([part.rows for part in venue.poll()])
    assert rows["kind"].tolist() == [EventKind.RESUMED]
    assert venue.halted == ""
    (part,) = venue.submit(orders(700, 1))
    assert part.rows["kind"][0] == EventKind.ACCEPTED
    venue.flush()
    want = facts(venue)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want and venue.halted == ""
    venue.close()


def test_a_venue_killed_on_a_full_disk_resumes_at_the_start(tmp_path):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage)
    storage.full = True
    while venue.halted == "":
        turn(venue, 1, 1)
    venue.abandon()
    with pytest.raises(StorageFailed, match="disk full"):
        open_venue(tmp_path, storage=storage)
    venue = open_venue(tmp_path)
    assert venue.halted == ""
    (part,) = venue.submit(orders(700, 1))
    assert part.rows["kind"][0] == EventKind.ACCEPTED
    venue.close()


def test_long_work_waits_where_its_events_have_no_room(tmp_path):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage)
    turn(venue, 1, 3)
    storage.full = True
    sweep = np.zeros(1, COMMAND)
    sweep["kind"], sweep["qty"] = CommandKind.MASS_CANCEL, 1000
    parts = venue.submit(sweep)
    venue.flush()
    assert 0 < sum(len(part.rows) for part in parts) < 1000
    assert venue.halted == DISK_FULL
    with pytest.raises(VenueHalted, match=DISK_FULL):
        venue.submit(orders(5, 1))
    assert venue.poll() == []
    storage.full = False
    parts += venue.poll()
    assert sum(len(part.rows) for part in parts) == 1000
    assert venue.halted == ""
    turn(venue, 6, 1)
    want = facts(venue)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


def test_a_roll_on_a_full_disk_changes_nothing(tmp_path):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage)
    turn(venue, 1, 3)
    want = facts(venue)
    storage.full = True
    with pytest.raises(NoRoom):
        venue.roll_day(20261123)
    assert facts(venue) == want and venue.venue_day == DAY
    storage.full = False
    venue.roll_day(20261123)
    assert venue.venue_day == 20261123
    turn(venue, 5, 1)
    want = facts(venue)
    storage.full = True
    venue.close()
    storage.full = False
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


# -- failing disks


@pytest.mark.parametrize("then", ["eio", "crash", "torn"])
@pytest.mark.parametrize("kept", range(6))
def test_a_failed_write_ends_everything_and_the_next_start_recovers(tmp_path, then, kept):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage)
    storage.writes_left, storage.then, storage.torn = kept, then, 150
    written = [facts(venue)]
    with pytest.raises((StorageFailed, Crash)) as ended:
        for index in range(9):
            turn(venue, 10 * index + 1, index * 40 % 70 + 1, b"s")
            written.append(facts(venue))
    durable = venue.events_durable()
    if ended.type is StorageFailed:
        for step in (
            lambda: venue.submit(orders(1, 1)),
            venue.poll,
            lambda: venue.append_sessions(b"x"),
            lambda: venue.roll_day(20270101),
        ):
            with pytest.raises(StorageFailed):
                step()
    assert venue.events_durable() == durable
    storage.writes_left = None
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == written[-1]
    assert venue.events_durable() == durable
    venue.close()


def test_a_failed_sync_ends_everything(tmp_path):
    storage = FaultyStorage()
    venue = open_venue(tmp_path, storage=storage, durability="fsync")
    turn(venue, 1, 1)
    venue.sync()
    durable = venue.events_durable()
    turn(venue, 2, 1)
    storage.syncs_left = 0
    with pytest.raises(StorageFailed):
        venue.sync()
    assert venue.events_durable() == durable
    with pytest.raises(StorageFailed):
        venue.submit(orders(3, 1))
    with pytest.raises(StorageFailed):
        venue.poll()
    venue.close()
    venue = open_venue(tmp_path)
    assert venue.command_count == 2
    venue.close()


def test_a_kill_between_write_and_apply_loses_nothing_written(tmp_path):
    class Killed(StandInEngine):
        def apply(self, commands, blobs, events):
            if len(commands) == 60:
                raise Crash
            return super().apply(commands, blobs, events)

    venue = open_venue(tmp_path, make=Killed)
    turn(venue, 1, 2)
    with pytest.raises(Crash):
        venue.submit(orders(10, 60))
    venue.abandon()
    venue = open_venue(tmp_path)
    assert venue.command_count == 62
    assert venue.event_rows(venue.events_durable(), 1)[0]["order_id"][0] == venue.events_durable()
    venue.close()
