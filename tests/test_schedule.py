"""A venue that keeps the hours of the calendar: what it journals, over kills, rolls and speeds."""

from __future__ import annotations

import socket
import time
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.event_reader import EventReader
from engine.limits import EngineLimits
from engine.replay import replay
from engine.sequencer import Sequencer
from engine.turn import VenueHalted
from engine.types import COMMAND, PHASE, CommandKind, EventKind, Phase
from gateway.assembly import Assembly, assemble
from gateway.clock import VenueClock, opening_ns
from gateway.timetable import Plan, Timetable
from gateway.values import format_timestamp
from perf.venue import Venue
from specs.calendar import from_yyyymmdd, to_yyyymmdd
from specs.products import load_products
from specs.rejects import Reject
from specs.venue import load_venue
from tests.test_venue_fuzz import Fuzzed

pytestmark = pytest.mark.kernels
SECOND, MINUTE, HOUR = 10**9, 60 * 10**9, 3_600 * 10**9
CATALOGUE = load_products()
CONFIG = load_venue(overrides=["durability=os", "day.schedule=true"])
LIMITS = EngineLimits(orders_max=5_000, requests_max=20_000)
START_NS = opening_ns(CATALOGUE, date(2026, 11, 25))  # Tuesday, 20:54 in Shanghai


def ns(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * SECOND


def open_venue(folder: Path, now_ns: int, config=CONFIG) -> Assembly:
    """A venue whose session clock began at 0 and whose venue clock stands at `now_ns`."""
    day = to_yyyymmdd(config.day.venue_day().at(now_ns))
    sequencer = Sequencer.open(
        folder, new_limits=LIMITS, durability="os", now_ns=now_ns, venue_day=day, threaded=False
    )
    return assemble(sequencer, config, CATALOGUE, 0, VenueClock(0, now_ns, 1))


def pass_time(parts: Assembly, until_ns: int) -> None:
    """As the service does it: what is due, then the roll of the venue day."""
    now_ns = parts.clock.session_at(until_ns)
    parts.run_schedule(now_ns)
    while parts.days.is_over(until_ns):
        parts.end_day(now_ns)


def journaled(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """SET_PHASE, ROLL_PRODUCT and ROLL_DAY commands of a closed directory, and the PHASE rows."""
    sequencer = Sequencer.open(folder, durability="os", threaded=False)
    commands, phases = [np.zeros(0, COMMAND)], [np.zeros(0, PHASE)]
    for _, _, rows, blobs in sequencer.command_records(all_kept=True):
        kinds = (CommandKind.SET_PHASE, CommandKind.ROLL_PRODUCT, CommandKind.ROLL_DAY)
        commands.append(rows[np.isin(rows["kind"], kinds)])
        for row in rows[rows["kind"] == CommandKind.SET_PHASE]:
            start = int(row["blob_offset"])
            phases.append(blobs[start : start + int(row["blob_length"])].view(PHASE))
    sequencer.abandon()
    return np.concatenate(commands), np.concatenate(phases)


def expected(from_ns: int, until_ns: int) -> list[tuple[int, str, str, int]]:
    """(time, product, phase or next date, scheduled end) that the timetable asks for."""
    plans = [Plan(p.code, p.hours, p.hours.trading_date_at(from_ns)) for p in CATALOGUE.products]
    timetable = Timetable(plans, from_ns)
    found = []
    while steps := timetable.due(until_ns):
        found += [
            (max(s.time_ns, from_ns), s.code, s.phase or str(s.trading_date), s.end_ns)
            for s in steps
        ]
        timetable.done()
    return found


def found_in(folder: Path) -> list[tuple[int, str, str, int]]:
    """The same of a journal, without the rolls of the venue day."""
    commands, phases = journaled(folder)
    codes = {number: product.code for number, product in enumerate(CATALOGUE.products, 1)}
    rest = iter(phases)
    found = []
    for row in commands[commands["kind"] != CommandKind.ROLL_DAY]:
        code, time_ns = codes[int(row["product"])], int(row["time_ns"])
        if row["kind"] == CommandKind.ROLL_PRODUCT:
            found.append((time_ns, code, str(from_yyyymmdd(int(row["trading_date"]))), 0))
            continue
        phase = next(rest)
        assert phase["product"] == row["product"] and phase["instrument"] == 0
        assert phase["reason"] == 0
        found.append((time_ns, code, Phase(phase["phase"]).name, int(phase["scheduled_end_ns"])))
    return found


def test_c8_c9_two_days_are_journaled_step_by_step(tmp_path: Path):
    until_ns = START_NS + 48 * HOUR
    parts = open_venue(tmp_path, START_NS)
    for minute in range(0, 48 * 60 + 1, 7):
        pass_time(parts, START_NS + minute * MINUTE)
    pass_time(parts, until_ns)
    assert parts.sequencer.engine.trading_date(2) == 20261127
    parts.sequencer.abandon()
    assert found_in(tmp_path) == expected(START_NS, until_ns)
    commands, _ = journaled(tmp_path)
    rolls = commands[commands["kind"] == CommandKind.ROLL_DAY]
    assert [int(day) for day in rolls["trading_date"]] == [20261126, 20261127]
    assert (np.diff(commands["time_ns"]) >= 0).all()
    sits = commands[(commands["kind"] == CommandKind.ROLL_PRODUCT) & (commands["product"] == 5)]
    assert [int(at) for at in sits["time_ns"]] == [
        ns("2026-11-25T15:30:00+08:00"), ns("2026-11-26T15:30:00+08:00"),
    ]  # fmt: skip


def test_c8_a_venue_that_starts_in_the_middle_of_a_day_journals_the_phase_that_holds(
    tmp_path: Path,
):
    now_ns = ns("2026-11-25T10:00:00+08:00")
    parts = open_venue(tmp_path, now_ns)
    parts.sequencer.abandon()
    phases = {code: phase for _, code, phase, _ in found_in(tmp_path)}
    assert phases == dict.fromkeys(CATALOGUE.codes, "CONTINUOUS")
    assert {at for at, *_ in found_in(tmp_path)} == {now_ns}


@pytest.mark.parametrize("clean", [True, False])
def test_c8_a_restart_journals_what_it_missed(clean: bool, tmp_path: Path):
    """Stopped in the night, away over the morning's auction, the roll and the next night."""
    stop_ns = ns("2026-11-24T22:10:00+08:00")
    until_ns = ns("2026-11-26T21:30:00+08:00")
    parts = open_venue(tmp_path, START_NS)
    pass_time(parts, stop_ns)
    if clean:
        parts.save()
        parts.sequencer.close()
    else:
        parts.sequencer.abandon()
    first = found_in(tmp_path)
    assert first == expected(START_NS, stop_ns)
    parts = open_venue(tmp_path, until_ns)
    pass_time(parts, until_ns)
    assert parts.sequencer.engine.trading_date(5) == 20261127
    parts.sequencer.abandon()
    missed = expected(START_NS, until_ns)[len(first) :]
    found = found_in(tmp_path)
    assert found[: len(first)] == first
    assert [row[1:] for row in found[len(first) :]] == [row[1:] for row in missed]
    assert {row[0] for row in found[len(first) :]} == {until_ns}, "the journal never runs back"
    assert replay(tmp_path).fault is None


def pause(parts: Assembly, symbol: str, end_ns: int, phase: Phase = Phase.VOLATILITY_PAUSE) -> int:
    """Sets a phase as the engine's own pauses or an operator would; the instrument."""
    number = int(parts.registry.known.instruments[symbol]["instrument"])
    row, command = np.zeros(1, PHASE), np.zeros(1, COMMAND)
    row["instrument"], row["phase"], row["scheduled_end_ns"] = number, phase, end_ns
    command["kind"], command["blob_length"] = CommandKind.SET_PHASE, PHASE.itemsize
    parts.sequencer.submit(command, row.view(np.uint8))
    parts.sequencer.flush()
    return number


def changes_of(folder: Path, number: int) -> list[tuple[int, Phase, int]]:
    """(time, phase, scheduled end) of an instrument's PHASE_CHANGED events."""
    sequencer = Sequencer.open(folder, durability="os", threaded=False)
    rows = np.concatenate(EventReader(folder).rows(1, sequencer.engine.event_count))
    sequencer.abandon()
    rows = rows[(rows["kind"] == EventKind.PHASE_CHANGED) & (rows["instrument"] == number)]
    return [(int(row["time_ns"]), Phase(row["qty"]), int(row["cum_value"])) for row in rows]


@pytest.mark.parametrize("restarts", [False, True])
def test_c11_a_pause_ends_by_an_auction_at_its_time(restarts: bool, tmp_path: Path):
    opens_ns, closes_ns = ns("2026-11-25T09:00:00+08:00"), ns("2026-11-25T10:15:00+08:00")
    parts = open_venue(tmp_path, START_NS)
    pass_time(parts, opens_ns + HOUR)
    number = pause(parts, "SITB2612", opens_ns + HOUR + 2 * MINUTE)
    late = pause(parts, "SITB2701", closes_ns + MINUTE)
    pass_time(parts, opens_ns + HOUR + MINUTE)
    if restarts:
        parts.sequencer.abandon()
        parts = open_venue(tmp_path, opens_ns + HOUR + MINUTE)
    pass_time(parts, closes_ns + 16 * MINUTE)
    parts.sequencer.abandon()
    end_ns = opens_ns + HOUR + 2 * MINUTE
    at = [time_ns for time_ns, *_ in changes_of(tmp_path, number)].index(end_ns)
    assert changes_of(tmp_path, number)[at - 1][1] == Phase.VOLATILITY_PAUSE
    assert changes_of(tmp_path, number)[at:][:3] == [
        (end_ns, Phase.AUCTION_MATCH, 0), (end_ns, Phase.CONTINUOUS, closes_ns),
        (closes_ns, Phase.CLOSED, closes_ns + 15 * MINUTE),
    ]  # fmt: skip
    assert [phase for _, phase, _ in changes_of(tmp_path, late)][-4:] == [
        Phase.VOLATILITY_PAUSE, Phase.CLOSED, Phase.AUCTION_MATCH, Phase.CONTINUOUS,
    ]  # fmt: skip


def test_c8_a_restart_ends_no_halt(tmp_path: Path):
    parts = open_venue(tmp_path, ns("2026-11-25T09:10:00+08:00"))
    number = pause(parts, "SITB2612", 0, Phase.HALTED)
    parts.sequencer.abandon()
    parts = open_venue(tmp_path, ns("2026-11-25T09:20:00+08:00"))
    parts.sequencer.abandon()
    assert changes_of(tmp_path, number)[-1][1] == Phase.HALTED


def test_c8_c11_without_a_schedule_pauses_end_and_hours_of_an_earlier_run_are_gone(tmp_path: Path):
    always = load_venue(overrides=["durability=os"])
    night_ns = ns("2026-11-25T03:00:00+08:00")
    parts = open_venue(tmp_path, night_ns)  # SITB is closed
    parts.sequencer.abandon()
    parts = open_venue(tmp_path, night_ns + MINUTE, always)
    number = pause(parts, "SITB2612", night_ns + 5 * MINUTE)
    pass_time(parts, night_ns + 6 * MINUTE)
    parts.sequencer.abandon()
    assert changes_of(tmp_path, number) == [
        (night_ns, Phase.CLOSED, ns("2026-11-25T08:55:00+08:00")),
        (night_ns + MINUTE, Phase.CONTINUOUS, 0),
        (night_ns + MINUTE, Phase.VOLATILITY_PAUSE, night_ns + 5 * MINUTE),
        (night_ns + 5 * MINUTE, Phase.AUCTION_MATCH, 0),
        (night_ns + 5 * MINUTE, Phase.CONTINUOUS, 0),
    ]
    parts = open_venue(tmp_path, night_ns + HOUR, always)
    parts.sequencer.abandon()
    assert len(changes_of(tmp_path, number)) == 5


def test_c9_new_months_are_listed_by_the_products_own_trading_date(tmp_path: Path):
    """SITB2612 trades until 15:30 of 16 December in Shanghai; GH1's November until the 30th."""
    start_ns = ns("2026-11-30T09:30:00+08:00")
    parts = open_venue(tmp_path, start_ns)
    known = parts.registry.known.instruments
    assert "GH12611" in known and "GH12911" not in known
    assert int(known["GH12611"]["trading_date"]) == 20261130
    pass_time(parts, ns("2026-11-30T17:30:00+08:00"))  # the venue's day has rolled
    assert "GH12911" not in known
    pass_time(parts, ns("2026-12-01T06:31:00+08:00"))
    assert int(known["GH12911"]["trading_date"]) == 20261201
    parts.sequencer.abandon()


def order(member: Fuzzed, name: str, time_in_force: str = "0") -> bytes:
    fields = [(11, name), (55, "SITB2612"), (54, "1"), (60, format_timestamp(time.time_ns())),
              (38, 1), (40, "2"), (44, "1.990"), (59, time_in_force)]  # fmt: skip
    return member.encode(b"D", fields)


def test_c8_no_command_overtakes_a_phase_and_all_carry_the_venue_clock(tmp_path: Path):
    """Some seconds before the call of the night ends an order of it; behind the end one more.

    Nothing but the members' own turns runs here: no tick of the service.
    """
    now_ns, matches_ns = time.time_ns(), ns("2026-11-24T20:59:00+08:00")
    clock = VenueClock(now_ns, matches_ns - 3 * SECOND, 1)
    sequencer = Sequencer.open(
        tmp_path, new_limits=LIMITS, durability="os", now_ns=clock.venue_ns, venue_day=20261125,
        threaded=False,
    )  # fmt: skip
    parts = assemble(sequencer, CONFIG, CATALOGUE, now_ns, clock)
    with socket.socket() as peer:
        member = Fuzzed(parts, peer)
        member.send(order(member, "called") + order(member, "at once", "3"))
        assert clock.at(time.time_ns()) < matches_ns, "a machine this slow cannot run the test"
        while clock.at(time.time_ns()) < matches_ns:
            time.sleep(0.05)
        member.send(order(member, "later", "3"))
    sequencer.abandon()
    rows = np.concatenate(EventReader(tmp_path).rows(1, sequencer.engine.event_count))
    orders = rows[np.isin(rows["kind"], (EventKind.ACCEPTED, EventKind.REJECTED))]
    assert orders["kind"].tolist() == [EventKind.ACCEPTED, EventKind.REJECTED, EventKind.REJECTED]
    assert orders["reason"].tolist() == [
        0, Reject.ORDER_NOT_FOR_CALL, Reject.PHASE_TAKES_NO_ORDERS,
    ]  # fmt: skip
    assert (orders["time_ns"][:2] < matches_ns).all() and orders["time_ns"][2] >= matches_ns
    assert (orders["time_ns"][:2] > clock.venue_ns).all()
    changes = rows[rows["kind"] == EventKind.PHASE_CHANGED]
    assert Phase.HALTED not in changes["qty"]
    front = changes[changes["instrument"] == orders["instrument"][0]]
    assert front["qty"].tolist() == [Phase.PRE_OPEN, Phase.AUCTION_MATCH]
    assert front["time_ns"].tolist()[1:] == [matches_ns]


def test_c8_a_step_that_cannot_be_journaled_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On a full disk the member's turn goes on; the phases follow when there is room again."""
    now_ns = time.time_ns()
    opens_ns = ns("2026-11-24T20:55:00+08:00")
    sequencer = Sequencer.open(
        tmp_path, new_limits=LIMITS, durability="os", now_ns=START_NS, venue_day=20261125,
        threaded=False,
    )  # fmt: skip
    parts = assemble(sequencer, CONFIG, CATALOGUE, now_ns, VenueClock(now_ns, START_NS, 1))

    def refuse(*_: object) -> None:
        raise VenueHalted("disk full")

    with socket.socket() as peer, monkeypatch.context() as patched:
        member = Fuzzed(parts, peer)
        parts.clock.venue_ns, parts.venue.due_ns = opens_ns, now_ns
        patched.setattr(sequencer, "submit", refuse)
        member.send(member.encode(b"0", []))
        assert parts.venue.due_ns > time.time_ns() - SECOND, "not at every turn"
    assert parts.sequencer.engine.scheduled_end(2) == opens_ns
    pass_time(parts, opens_ns + MINUTE)
    assert parts.sequencer.engine.scheduled_end(2) == opens_ns + 4 * MINUTE
    sequencer.abandon()
    assert found_in(tmp_path)[-4:] == expected(START_NS, opens_ns)[-4:]


def test_without_a_schedule_no_phase_is_set_and_products_roll_with_the_venue_day(tmp_path: Path):
    parts = open_venue(tmp_path, START_NS, load_venue(overrides=["durability=os"]))
    pass_time(parts, START_NS + 24 * HOUR)
    parts.sequencer.abandon()
    commands, phases = journaled(tmp_path)
    assert not len(phases)
    kinds = [CommandKind(kind) for kind in commands["kind"]]
    assert kinds == [CommandKind.ROLL_PRODUCT] * len(CATALOGUE.products) + [CommandKind.ROLL_DAY]


def test_c10_a_fast_venue_runs_a_day_in_seconds_and_goes_on_where_it_stood():
    """`sitex serve --clock fast:N --date D`, killed and started again; sessions keep real time."""
    arguments = ("--clock", "fast:7200", "--date", "2026-11-25")
    began = time.monotonic()
    with Venue(settings=("day.schedule=true",), arguments=arguments) as venue:
        said = "".join(venue.output)
        assert "products keep the hours of the calendar" in said
        assert "venue clock 2026-11-24 " in said and "7,200 times real time" in said
        time.sleep(2)
        venue.kill()
        first = found_in(venue.directory)
        venue.start()  # where the last command was, the auction of 21:00
        time.sleep(4)
        assert venue.stop() == 0
        passed_s = time.monotonic() - began
        rows = found_in(venue.directory)
    assert rows[: len(first)] == first
    times = [time_ns for time_ns, *_ in rows]
    assert times == sorted(times)
    assert times[0] == START_NS
    assert 5 * HOUR < times[-1] - START_NS < passed_s * 7_200 * SECOND
    wanted = [row for row in expected(START_NS, times[-1]) if row[0] <= first[-1][0]]
    assert [row for row in first if row in wanted] == first
    assert len(rows) > len(first)


def test_a_date_without_trading_and_a_wrong_clock_are_refused(capfd: pytest.CaptureFixture[str]):
    for arguments, says in (
        (("--date", "2026-11-22"), "no trading date of any product"),
        (("--clock", "slow:5"), "allowed: real, or fast:N"),
    ):
        with pytest.raises(RuntimeError, match="ended with 2"):
            Venue(arguments=arguments)
        assert says in capfd.readouterr().err
