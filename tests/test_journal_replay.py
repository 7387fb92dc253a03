"""`sitex replay`: the engine from the journal alone, at the end or after command N."""

from __future__ import annotations

import threading

import pytest

from engine.limits import EngineLimits
from engine.replay import replay
from engine.stream import JournalDamaged
from tests.journal_rig import journal_files, open_venue, overwrite, turn, used_bytes
from tests.standin_engine import StandInEngine, orders


def test_replay_equals_the_venue(tmp_path):
    venue = open_venue(tmp_path)
    hashes = {}
    for index in range(30):
        turn(venue, 10 * index, index % 5 + 1, b"sessions")
        hashes[venue.command_count] = venue.engine.state_hash()
        if index == 15:
            venue.roll_day(20261123)
            hashes[venue.command_count] = venue.engine.state_hash()
    running = replay(tmp_path, make=StandInEngine)
    assert running.state_hash == venue.engine.state_hash() and running.torn is None
    events = venue.events_durable()
    venue.close()
    result = replay(tmp_path, make=StandInEngine)
    assert result.commands == result.commands_replayed == venue.command_count
    assert result.events == events and result.session_bytes == 30 * len(b"sessions")
    assert result.state_hash == hashes[result.commands] and result.day == 20261123
    assert result.commands_per_second > 0 and result.fault is None
    for number, state_hash in hashes.items():
        for from_start in (False, True):
            part = replay(tmp_path, number, make=StandInEngine, from_start=from_start)
            assert part.commands == number and part.state_hash == state_hash
    assert replay(tmp_path, 60, make=StandInEngine).commands_replayed < 60


def test_replay_without_the_first_day_starts_at_the_roll(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 9)
    venue.roll_day(20261123)
    turn(venue, 20, 2)
    want = venue.engine.state_hash()
    venue.close()
    for path in (tmp_path / "2026-11-20").iterdir():
        path.unlink()
    result = replay(tmp_path, make=StandInEngine)
    assert result.state_hash == want
    assert result.commands == 12 and result.commands_replayed == 2
    venue = open_venue(tmp_path)
    assert venue.engine.state_hash() == want
    turn(venue, 30, 2)
    venue.close()


def test_replay_stops_before_an_assert_and_says_so(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 5)
    want = venue.engine.state_hash()
    with pytest.raises(Exception, match="asserts at command 6"):
        venue.submit(orders(9, 1, price=666))
    venue.close()
    result = replay(tmp_path, make=StandInEngine)
    assert result.commands == 5 and result.state_hash == want
    assert result.fault is not None and result.fault.first == 6
    venue = open_venue(tmp_path)
    venue.skip_command()
    venue.close()
    result = replay(tmp_path, make=StandInEngine)
    assert result.commands == 6 and result.fault is None


def test_replay_leaves_a_torn_tail_and_names_damage(tmp_path):
    venue = open_venue(tmp_path)
    turn(venue, 1, 5)
    turn(venue, 6, 5)
    venue.abandon()
    (file,) = journal_files(tmp_path)
    end = used_bytes(file)
    overwrite(file, end - 30, bytes(30))
    before = file.read_bytes()
    result = replay(tmp_path, make=StandInEngine)
    assert result.commands == 5 and result.torn is not None and str(file) in result.torn
    assert file.read_bytes() == before
    overwrite(file, 400, b"\xff\xff")
    with pytest.raises(JournalDamaged):
        replay(tmp_path, make=StandInEngine)


def test_a_replay_beside_a_running_venue_sees_a_whole_journal(tmp_path):
    venue = open_venue(tmp_path, limits=EngineLimits(orders_max=64, requests_max=100_000))
    turn(venue, 1, 1)
    done = threading.Event()

    def trade() -> None:
        for index in range(300):
            turn(venue, index, index % 60 + 1, b"store" * 10)
        done.set()

    thread = threading.Thread(target=trade)
    thread.start()
    seen = [1]
    while not done.is_set():
        seen.append(replay(tmp_path, make=StandInEngine).commands)
    thread.join()
    assert seen == sorted(seen)
    assert replay(tmp_path, make=StandInEngine).commands == venue.command_count
    venue.close()


def test_nothing_to_replay(tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no journal"):
        replay(tmp_path, make=StandInEngine)
