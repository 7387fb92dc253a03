"""Session hours: the calendar of starts and ends, Logons, Logouts and numbers at the venue."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from gateway.assembly import Assembly
from specs.loading import SpecError
from specs.session_hours import SessionHours
from specs.venue import VenueConfig, load_venue
from tests.line_rig import Caller, configured, loaded, open_venue

SECOND, MINUTE, HOUR = 10**9, 60 * 10**9, 3_600 * 10**9
EVENING = """
[fix.schedule]
start_time = 18:00:00
end_time = 17:00:00
time_zone = "Asia/Shanghai"
"""
WEEKLY = EVENING + 'start_day = "sunday"\nend_day = "friday"\n'
ROUND = EVENING.replace("18:00", "17:00")


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def hours(folder: Path, head: str) -> SessionHours:
    found = loaded(folder, head=head).fix.schedule
    assert found is not None
    return found


# 2026-11-23 is a Monday
@pytest.mark.parametrize(
    ("head", "at", "is_open", "change"),
    [
        (EVENING, "2026-11-23T16:59:59+08:00", True, "2026-11-23T17:00:00+08:00"),
        (EVENING, "2026-11-23T17:00:00+08:00", False, "2026-11-23T18:00:00+08:00"),
        (EVENING, "2026-11-23T18:00:00+08:00", True, "2026-11-24T17:00:00+08:00"),
        (ROUND, "2026-11-23T16:59:59+08:00", True, "2026-11-23T17:00:00+08:00"),
        (ROUND, "2026-11-23T17:00:00+08:00", True, "2026-11-24T17:00:00+08:00"),
        (WEEKLY, "2026-11-22T17:59:59+08:00", False, "2026-11-22T18:00:00+08:00"),
        (WEEKLY, "2026-11-25T17:30:00+08:00", True, "2026-11-27T17:00:00+08:00"),
        (WEEKLY, "2026-11-27T17:00:00+08:00", False, "2026-11-29T18:00:00+08:00"),
        (
            EVENING + 'days = ["monday", "friday"]\n',
            "2026-11-25T12:00:00+08:00", False, "2026-11-27T18:00:00+08:00",
        ),
        (
            EVENING.replace("18:00", "09:00") + 'days = ["wednesday"]\n',
            "2026-11-25T12:00:00+08:00", True, "2026-11-25T17:00:00+08:00",
        ),
    ],
)  # fmt: skip
def test_o120_when_it_is_open(head: str, at: str, is_open: bool, change: str, tmp_path: Path):
    found = hours(tmp_path, head)
    assert found.is_open(ns(at)) == is_open
    assert found.next_change_ns(ns(at)) == ns(change)


def test_o120_a_whole_week_and_the_same_weekday():
    week = SessionHours(
        start_time=datetime(2026, 1, 1, 17).time(), end_time=datetime(2026, 1, 1, 17).time(),
        time_zone="+00:00", start_day="sunday", end_day="sunday",
    )  # fmt: skip
    period = week.latest(ns("2026-11-22T16:59:59+00:00"))
    assert period.end_ns - period.start_ns == 7 * 24 * HOUR
    assert period.end_ns == week.next_start_ns(ns("2026-11-22T16:59:59+00:00"))


def test_o120_local_time_over_a_change_of_clocks():
    found = SessionHours(
        start_time=datetime(2026, 1, 1, 2, 30).time(), end_time=datetime(2026, 1, 1, 2).time(),
        time_zone="Europe/Berlin",
    )  # fmt: skip
    period = found.latest(ns("2026-10-25T00:30:00+00:00"))  # 2:30 comes twice: the first
    assert period.start_ns == ns("2026-10-25T00:30:00+00:00")
    assert period.end_ns == ns("2026-10-26T01:00:00+00:00")


@pytest.mark.parametrize(
    ("line", "path", "allowed"),
    [
        ('time_zone = "Mars"', "time_zone", "Asia/Shanghai"),
        ("start_time = 25", "start_time", "17:00:00"),
        ("start_time = 17:00:00.5", "start_time", "17:00:00"),
        ("days = []", "days", "monday"),
        ('days = ["mon"]', "days[0]", "'monday'"),
        ('days = ["monday", "monday"]', "days", "each day once"),
        ('start_day = "sunday"', "end_day", "or neither"),
        ('end_day = "sunday"', "start_day", "or neither"),
        ('start_day = "sunday"\nend_day = "friday"\ndays = ["monday"]', "days", "not beside"),
        ("begin = 1", "", "start_time"),
    ],
)
def test_o120_bad_values_name_the_path_and_what_is_allowed(
    line: str, path: str, allowed: str, tmp_path: Path
):
    kept = [one for one in EVENING.splitlines() if not one.startswith(line.split(" ")[0])]
    for place, table in (("$.fix.schedule", ""), ("$.member[1].schedule", "member.schedule")):
        text = "\n".join([*kept, line])
        file = configured(tmp_path, "")
        file.write_text(file.read_text() + text.replace("fix.schedule", table or "fix.schedule"))
        with pytest.raises(SpecError) as caught:
            load_venue(file)
        assert caught.value.path == place + (f".{path}" if path else "")
        assert allowed in caught.value.allowed


def at_venue(parts: Assembly, text: str) -> None:
    """The venue clock is moved on, and what is due then is done."""
    now_ns = time.time_ns()
    parts.clock.venue_ns += ns(text) - parts.clock.at(now_ns)
    parts.keep_hours(now_ns)


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket() as found:
        yield found


@pytest.fixture
def config(tmp_path: Path) -> VenueConfig:
    return loaded(tmp_path, head=EVENING)


NOON, CLOSED, OPEN = (
    "2026-11-23T12:00:00+08:00", "2026-11-23T17:00:01+08:00", "2026-11-23T18:00:01+08:00"
)  # fmt: skip


@pytest.mark.kernels
def test_o120_logout_at_the_end_and_no_logon_until_the_start(
    tmp_path: Path, config: VenueConfig, peer: socket.socket
):
    parts = open_venue(tmp_path / "data", config, ns(NOON))
    alpha = Caller(parts, peer)
    assert [one["35"] for one in alpha.log_on()] == ["A"]
    at_venue(parts, CLOSED)
    (said,) = alpha.heard()
    assert (said["35"], said["34"]) == ("5", "2")
    shown = "next Logon Monday 2026-11-23 18:00:00 Asia/Shanghai"
    assert said["58"] == f"end of the session's hours, {shown}"
    alpha.log_out()
    assert alpha.closed
    (said,) = alpha.log_on()
    assert (said["35"], said["58"]) == ("5", f"outside the session's hours, {shown}")
    assert alpha.closed
    alpha.drop()
    at_venue(parts, OPEN)
    alpha.number = 1
    (said,) = alpha.log_on()
    assert (said["35"], said["34"]) == ("A", "1")
    parts.sequencer.abandon()


@pytest.mark.kernels
def test_o121_numbers_begin_again_once_connected_or_not(tmp_path: Path, peer: socket.socket):
    """Where one period ends as the next begins a member is logged out in between."""
    parts = open_venue(tmp_path / "data", loaded(tmp_path, head=ROUND), ns(NOON))
    alpha, bravo = Caller(parts, peer), Caller(parts, peer, "BRAVO")
    alpha.log_on()
    bravo.log_on()
    bravo.log_out()
    at_venue(parts, CLOSED)
    assert [one["35"] for one in alpha.heard()] == ["5"]
    assert (party(parts, "BRAVO").expected_in, party(parts, "BRAVO").next_out) == (1, 1)
    assert party(parts, "ALPHA").expected_in == 2, "not before its Logout is answered"
    alpha.log_out()
    at_venue(parts, CLOSED)
    assert (party(parts, "ALPHA").expected_in, party(parts, "ALPHA").next_out) == (1, 1)
    alpha.number = 1
    assert [one["34"] for one in alpha.log_on()] == ["1"]
    alpha.say(b"1", (112, "x"))
    at_venue(parts, "2026-11-24T16:00:00+08:00")
    assert party(parts, "ALPHA").expected_in == 3, "once a period"
    parts.sequencer.abandon()


def party(parts: Assembly, name: str):
    found = parts.registry.directory.find(b"SITEX", name.encode())
    assert found is not None
    return found


@pytest.mark.kernels
@pytest.mark.parametrize("clean", [True, False])
def test_o121_a_restart_over_a_start_begins_again_another_does_not(
    tmp_path: Path, config: VenueConfig, peer: socket.socket, clean: bool
):
    def again(at: str) -> Assembly:
        if clean:
            parts.save()
            parts.sequencer.close()
        else:
            parts.sequencer.abandon()
        return open_venue(tmp_path / "data", config, ns(at))

    parts = open_venue(tmp_path / "data", config, ns(NOON))
    alpha = Caller(parts, peer)
    alpha.log_on()
    alpha.drop()
    parts = again("2026-11-23T15:00:00+08:00")
    assert party(parts, "ALPHA").expected_in == 2, "the same day"
    parts = again(OPEN)
    assert (party(parts, "ALPHA").expected_in, party(parts, "ALPHA").next_out) == (1, 1)
    alpha = Caller(parts, peer)
    alpha.log_on()
    alpha.drop()
    parts = again("2026-11-23T19:00:00+08:00")
    assert (party(parts, "ALPHA").expected_in, party(parts, "ALPHA").next_out) == (2, 2)
    parts.sequencer.abandon()


@pytest.mark.kernels
def test_o120_a_member_s_own_hours_hold_in_place_of_the_venue_s(
    tmp_path: Path, peer: socket.socket
):
    own = EVENING.replace("fix.schedule", "member.schedule").replace("18:00", "08:00")
    config = loaded(tmp_path, own, EVENING)
    parts = open_venue(tmp_path / "data", config, ns("2026-11-23T20:00:00+08:00"))
    (refused,) = Caller(parts, peer).log_on()
    assert refused["58"].endswith("next Logon Tuesday 2026-11-24 08:00:00 Asia/Shanghai")
    assert [one["35"] for one in Caller(parts, peer, "BRAVO").log_on()] == ["A"]
    parts.sequencer.abandon()


@pytest.mark.kernels
def test_o122_what_was_reported_between_two_periods_is_not_resent(
    tmp_path: Path, config: VenueConfig, peer: socket.socket
):
    parts = open_venue(tmp_path / "data", config, ns(NOON))
    alpha = Caller(parts, peer)
    alpha.log_on()
    order = ((11, "o1"), (55, "SITB2701"), (54, "1"), (60, "20261123-04:00:00"), (38, 1))
    alpha.say(b"D", *order, (40, "2"), (44, "2.000"), (59, "1"))
    alpha.log_out()
    at_venue(parts, OPEN)
    alpha.number = 1
    alpha.log_on()
    assert [one["35"] for one in alpha.say(b"2", (7, 1), (16, 0))] == ["4"]
    said = alpha.say(b"AF", (584, "all"), (585, "7"))
    assert [(one["35"], one["11"]) for one in said] == [("8", "o1")], "the order lives"
    parts.sequencer.abandon()
