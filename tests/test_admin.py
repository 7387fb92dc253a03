"""`sitex admin`: statistics, Logout, numbers, reload, in this process and against a running one."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np
import pytest

from gateway.administration import Administration
from gateway.assembly import Assembly
from gateway.message import Field
from gateway.operator import (
    SUN_PATH_MAX,
    Answer,
    Kill,
    LogOut,
    OperatorDesk,
    Release,
    Reload,
    Request,
    SetNumbers,
    Statistics,
    ask,
)
from gateway.statistics import Rates, VenueStatistics
from perf.venue import ROOT, Venue, free_port
from specs.credentials import hash_password
from specs.venue import VenueSource, load_venue
from tests.session_rig import parse_out
from tests.test_kill import RawMember
from tests.test_market_status import Member
from tests.test_operator import notes, open_at_evening, served
from tests.test_schedule import CATALOGUE, CONFIG

SECOND = 1_000_000_000
VENUE = "\n".join(
    f'[[member]]\nname = "{name}"\n[[member.account]]\nname = "{name}"'
    for name in ("ALPHA", "BRAVO", "CHARLIE", "DELTA", "MAKER1", "MAKER2")
)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    (tmp_path / "venue.toml").write_text(VENUE)
    opened = open_at_evening(tmp_path / "data")
    yield opened
    opened.sequencer.abandon()


@pytest.fixture
def admin(parts: Assembly, tmp_path: Path) -> Administration:
    return administration(parts, tmp_path)


def administration(parts: Assembly, folder: Path) -> Administration:
    source = VenueSource(folder / "venue.toml")
    return Administration(parts, load_venue(source.file), source, CATALOGUE, lambda: None)


@pytest.fixture
def alpha(parts: Assembly) -> Iterator[Member]:
    with socket.socket() as peer:
        yield Member(parts, peer)


def asked(admin: Administration, request: Request) -> Answer:
    return admin.act(request, time.time_ns())


def seen(admin: Administration) -> VenueStatistics:
    answer = asked(admin, Statistics())
    assert answer.done
    return msgspec.json.decode(answer.text, type=VenueStatistics)


@pytest.mark.kernels
def test_statistics_show_sessions_with_both_numbers(admin: Administration, alpha: Member):
    alpha.send(alpha.encode(b"1", [(112, "x")]))
    found = {one.session: one for one in seen(admin).sessions}
    assert list(found) == [member.name for member in CONFIG.members]
    here, away = found["ALPHA"], found["BRAVO"]
    assert (here.state, here.member, here.expected_in, here.next_out) == ("ACTIVE", "ALPHA", 3, 3)
    assert (away.state, away.expected_in, away.next_out) == ("AWAY", 1, 1)
    assert seen(admin).sessions_active == 1 and seen(admin).commands > 0


def test_rates_are_of_the_last_seconds_and_survive_a_reset():
    rows = numbers_of(100, 50)
    rates = Rates(rows)
    assert rates.of(0, 5 * SECOND) == (0.0, 0.0)
    for second in (10, 10.5, 11):
        rates.sample(round(second * SECOND))
        rows["expected_in"] += 20
        rows["next_out"] += 10
    assert rates.of(0, 12 * SECOND) == (30.0, 15.0)
    rows["expected_in"] = 5
    assert rates.of(0, 12 * SECOND)[0] == 2.0


def numbers_of(expected_in: int, next_out: int) -> np.ndarray:
    rows = np.zeros(1, [("expected_in", "<i8"), ("next_out", "<i8")])
    rows["expected_in"], rows["next_out"] = expected_in, next_out
    return rows


@pytest.mark.kernels
def test_statistics_show_kills_of_members_and_of_sessions(admin: Administration):
    def killed() -> list[str]:
        return [one.session for one in seen(admin).sessions if one.killed]

    assert asked(admin, Kill("BRAVO", "runaway")).done
    assert asked(admin, Kill("DELTA", "runaway", "DELTA")).done
    assert killed() == ["BRAVO", "DELTA"]
    assert asked(admin, Release("BRAVO", "fixed")).done
    assert killed() == ["DELTA"]


@pytest.mark.kernels
def test_o108_a_logout_by_an_operator(admin: Administration, alpha: Member):
    alpha.said.clear()
    assert asked(admin, LogOut("ALPHA", "maintenance")) == Answer(True, "logged out: ALPHA")
    (said,) = (dict(one) for one in parse_out(bytes(alpha.said)))
    assert (said["35"], said["58"]) == ("5", "maintenance")
    assert asked(admin, LogOut("BRAVO", "x")) == Answer(False, "BRAVO is not logged on")
    assert asked(admin, LogOut("NOBODY", "x")) == Answer(False, "NOBODY is no session")


@pytest.mark.kernels
def test_o107_numbers_of_a_session_that_is_away(tmp_path: Path):
    (tmp_path / "venue.toml").write_text(VENUE)
    parts = open_at_evening(tmp_path / "data")
    admin = administration(parts, tmp_path)
    with socket.socket() as peer:
        alpha = Member(parts, peer)
        alpha.send(alpha.encode(b"1", [(112, "x")]))
        here = asked(admin, SetNumbers("ALPHA", "x", 7, 0))
        assert here == Answer(False, "ALPHA is logged on: log it out first")
        alpha.line.connection_lost(None)
        assert asked(admin, SetNumbers("ALPHA", "agreed by telephone", 40, 900)) == Answer(
            True, "ALPHA: expects 40, sends 900 next"
        )
        assert asked(admin, SetNumbers("ALPHA", "one of them", 41, 0)).done
        assert asked(admin, SetNumbers("ALPHA", "x")) == Answer(False, "neither number is given")
        assert not asked(admin, SetNumbers("NOBODY", "x", 1, 1)).done
    parts.sequencer.abandon()
    assert notes(tmp_path / "data") == ["agreed by telephone", "one of them"]
    again = open_at_evening(tmp_path / "data")
    party = again.registry.directory.find(b"SITEX", b"ALPHA")
    assert party is not None and (party.expected_in, party.next_out) == (41, 900)
    with socket.socket() as peer:
        alpha = Resuming(again, peer)
        assert party.next_out == 901, "the Logon"
        alpha.send(alpha.encode(b"2", [(7, 1), (16, 0)], 42))
        (filled,) = (dict(one) for one in parse_out(bytes(alpha.said)))
        assert (filled["35"], filled["34"], filled["36"]) == ("4", "1", "901")
    again.sequencer.abandon()


class Resuming(Member):
    """ALPHA goes on with number 41."""

    def encode(self, kind: bytes, fields: list[Field], number: int = 0) -> bytes:
        if kind == b"A":
            return super().encode(kind, [(98, 0), (108, 30)], 41)
        return super().encode(kind, fields, number)


@pytest.mark.kernels
def test_o109_reload_takes_up_members(admin: Administration, tmp_path: Path, alpha: Member):
    file = tmp_path / "members.toml"
    parts = admin._parts
    commands = parts.sequencer.command_count
    file.write_text(
        '[[member]]\nname = "ALPHA"\ndisabled = true\n'
        f'[[member]]\nname = "BRAVO"\npassword_hash = "{hash_password("x", bytes(16))}"\n'
        '[[member]]\nname = "ECHO"\nsessions = ["E1", "E2"]\n'
    )
    alpha.said.clear()
    assert asked(admin, Reload()) == Answer(True, "members: 7, new ECHO")
    (said,) = (dict(one) for one in parse_out(bytes(alpha.said)))
    assert (said["35"], said["58"]) == ("5", "this session is disabled")
    found = {one.session: one for one in seen(admin).sessions}
    assert found["E2"].member == "ECHO" and found["ALPHA"].disabled
    bravo = parts.registry.directory.find(b"SITEX", b"BRAVO")
    assert bravo is not None and bravo.access.password_hash
    assert parts.sequencer.command_count == commands + 4, "member, account, two sessions"
    file.write_text("nonsense")
    answer = asked(admin, Reload())
    assert not answer.done and "members.toml" in answer.text
    assert parts.registry.directory.find(b"SITEX", b"E1") is not None
    file.unlink()
    (tmp_path / "venue.toml").write_text(VENUE + "\n[fix]\nport = 4711\n")
    answer = asked(admin, Reload())
    assert answer.text == "members: 6; other values of the file wait for a restart"
    gone = parts.registry.directory.find(b"SITEX", b"E1")
    assert gone is not None and gone.access.disabled, "who left cannot log on"


@pytest.mark.kernels
def test_o109_more_members_than_there_is_room_for(admin: Administration, tmp_path: Path):
    rows = "".join(f'[[member]]\nname = "M{n}"\n' for n in range(70))
    (tmp_path / "members.toml").write_text(rows)
    answer = asked(admin, Reload())
    assert not answer.done and "76 members" in answer.text
    assert len(seen(admin).sessions) == 6


def test_a_data_directory_with_a_long_path(tmp_path: Path):
    folder = tmp_path.joinpath(*["x" * 60] * 3)
    folder.mkdir(parents=True)
    assert len(os.fsencode(folder)) > SUN_PATH_MAX
    found = served(folder, lambda _: Answer(True, "here"), lambda: ask(folder, Statistics()))
    assert found == Answer(True, "here")
    assert OperatorDesk(folder, lambda _: Answer(True, "")).path.parent == folder


# -- a running venue


def sitex(*arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gateway.cli", *arguments],
        capture_output=True, text=True, cwd=ROOT, timeout=60,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done.stdout if code == 0 else done.stderr


def test_a_running_venue_is_asked_watched_and_logged(tmp_path: Path):
    for library in ("prometheus_client", "structlog"):
        pytest.importorskip(library, reason="needs the extra [operator]")
    port = free_port()
    settings = (f"operator.metrics_port={port}", "operator.log=venue.log")
    with Venue(settings=settings) as venue:
        data = ("--data", str(venue.directory))
        member = RawMember("ALPHA", venue.fix_port)
        member.connect()
        stranger = socket.create_connection(("127.0.0.1", venue.fix_port))
        stranger.sendall(b"8=FIX.4.4\x019=5\x0135=0\x0110=163\x01")
        assert stranger.recv(1) == b""
        table = sitex("admin", "sessions", *data)
        row = next(line.split() for line in table.splitlines() if line.startswith("ALPHA"))
        assert row[:6] == ["ALPHA", "ALPHA", "ACTIVE", "127.0.0.1", "2", "2"]
        told = json.loads(sitex("admin", "statistics", *data))
        assert told["sessions_active"] == 1 and told["connections"] == 1
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        for line in (
            'sitex_session_in_total{member="ALPHA",session="ALPHA"} 1.0',
            'sitex_session_active{member="BRAVO",session="BRAVO"} 0.0',
            "sitex_sessions_active 1.0", "sitex_halted 0.0", "sitex_connections_refused_total 0.0",
        ):  # fmt: skip
            assert line in metrics.splitlines(), line
        assert "logged out: ALPHA" in sitex("admin", "logout", "ALPHA", "--reason", "bye", *data)
        error = sitex("admin", "logout", "NOBODY", "--reason", "bye", *data, code=1)
        assert error == "sitex admin logout: NOBODY is no session\n"
        member.socket.close()
        deadline = time.monotonic() + 20
        while json.loads(sitex("admin", "statistics", *data))["connections"]:
            assert time.monotonic() < deadline
        done = sitex("admin", "numbers", "ALPHA", "--expect", "9", "--reason", "asked", *data)
        assert "expects 9" in done
        assert "members: 6" in sitex("admin", "reload", *data)
        venue.stop()
        lines = [json.loads(one) for one in (venue.directory / "venue.log").open()]
    assert all(one["session"] is not None and one["timestamp"] for one in lines)
    events = [(one["event"], one["session"]) for one in lines]
    assert ("logged on", "ALPHA") in events and ("ready", "venue") in events
    (refused,) = (one for one in lines if one["event"] == "refused")
    assert (refused["session"], refused["address"]) == ("", "127.0.0.1")
    assert "no Logon" in refused["text"]
    done = [json.loads(one["asked"])["do"] for one in lines if one["event"] == "operator"]
    assert done == ["logout", "logout", "numbers", "reload"]


def test_lines_of_the_log_are_bounded(tmp_path: Path):
    pytest.importorskip("structlog", reason="needs the extra [operator]")
    from gateway.event_log import LINES_PER_SECOND_MAX, EventLog
    from gateway.facts import Refused

    log = EventLog(tmp_path / "log")
    for number in range(LINES_PER_SECOND_MAX + 50):
        log.fact("", "192.0.2.1", Refused(f"number {number}"), SECOND)
    log.said("later", 2 * SECOND)
    log.close()
    lines = [json.loads(one) for one in (tmp_path / "log").open()]
    assert len(lines) == LINES_PER_SECOND_MAX + 2
    assert (lines[-2]["event"], lines[-2]["count"]) == ("lines left out", 50)
