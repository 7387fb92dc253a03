"""Drop copies against the members' own reports: the same executions, each exactly once."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from engine.sequencer import Sequencer
from gateway.assembly import Assembly, assemble
from gateway.clock import VenueClock
from gateway.message import Field, Header
from gateway.server import Line
from gateway.values import format_price, format_timestamp
from specs.loading import SpecError
from specs.session_options import SessionOptions
from specs.venue import VENUE_FILE, load_venue
from tests.member_rig import Member
from tests.session_rig import parse_out
from tests.test_schedule import CATALOGUE, CONFIG, LIMITS, MINUTE, ns, pass_time
from tests.test_venue_fuzz import Sink

pytestmark = pytest.mark.kernels
SYMBOL = "SITB2701"
OPENS_NS = ns("2026-11-24T20:55:00+08:00")
TRADES_NS = OPENS_NS + 6 * MINUTE
DUPLICATE = "6"  # OrdRejReason (103)
NOT_COPIED = {9, 10, 34, 43, 49, 52, 56, 122}  # header and sums


def with_desk(*members: str):
    """The configuration with a session DESK of CHARLIE that copies `members`."""
    rows = list(CONFIG.members)
    at = next(index for index, member in enumerate(rows) if member.name == "CHARLIE")
    rows[at] = msgspec.structs.replace(
        rows[at],
        sessions=("CHARLIE", "DESK"),
        session={"DESK": SessionOptions(drop_copy=members)},
    )
    return msgspec.structs.replace(CONFIG, members=tuple(rows))


class Trader(Member):
    """Keeps every report."""

    name = "ALPHA"

    def __init__(self, parts: Assembly, peer: socket.socket) -> None:
        self.header = Header(self.name.encode(), b"SITEX")
        self.told: list[dict[int, str]] = []
        self.reset = True
        super().__init__(parts, peer)

    def listen(self) -> list[dict[int, str]]:
        new = [one for one in self.heard() if one[35] in ("8", "AR")]
        self.told += new
        return new


class Bravo(Trader):
    """The other one."""

    name = "BRAVO"


class Desk(Trader):
    """The drop copy session; logs on with its numbers as they are, unless it resets them."""

    name = "DESK"

    def log_on(self) -> None:
        super().log_on()
        self.pump()

    def come_back(self, *, reset: bool) -> None:
        """A new connection."""
        if reset:
            self.log_on()
            return
        party = self.parts.registry.directory.find(b"SITEX", b"DESK")
        self.line, self.sink = Line(self.parts.venue, load_venue().fix), Sink(self.peer)
        self.line.connection_made(self.sink)
        self.said = bytearray()
        self.sink.write = self.said.extend  # type: ignore[method-assign, assignment]
        self.number = party.expected_in
        self.send(self.encode(b"A", [(98, 0), (108, 30)]))
        self.pump()

    def pump(self) -> None:
        """As the loop does: goes on while something is owed."""
        party = self.line.session.party
        while self.parts.reporter.owes(party):
            self.parts.venue.on_deadline(self.line)


class Day:
    """A venue that can be killed and opened again, and what its members do."""

    def __init__(self, folder: Path, seed: int, *copied: str) -> None:
        self.folder, self.config = folder, with_desk(*copied)
        self.dice = random.Random(seed)
        self.count = 0
        self.stack = ExitStack()
        self.told: dict[str, list[dict[int, str]]] = {"ALPHA": [], "BRAVO": [], "DESK": []}
        self.desk: Desk | None = None
        self.now_ns = TRADES_NS
        self.open()

    def open(self) -> None:
        self.now_ns += MINUTE
        sequencer = Sequencer.open(
            self.folder, new_limits=LIMITS, durability="os", now_ns=self.now_ns,
            venue_day=20261125, threaded=False,
        )  # fmt: skip
        now_ns = time.time_ns()
        clock = VenueClock(now_ns, self.now_ns, 1)
        self.parts = assemble(sequencer, self.config, CATALOGUE, now_ns, clock)
        pass_time(self.parts, self.now_ns)
        self.members: list[Trader] = [self._made(Trader), self._made(Bravo)]

    def _made(self, kind: type[Trader]) -> Trader:
        trader = kind(self.parts, self.stack.enter_context(socket.socket()))
        trader.told = self.told[trader.name]
        trader.live = []  # type: ignore[attr-defined]
        return trader

    def kill(self) -> None:
        self.keep()
        self.parts.sequencer.abandon()

    def keep(self) -> None:
        for one in (*self.members, self.desk):
            if one is not None:
                one.listen()

    def desk_is_there(self, *, reset: bool = False) -> None:
        if self.desk is None or self.desk.parts is not self.parts:
            peer = self.stack.enter_context(socket.socket())
            self.desk = desk = Desk.__new__(Desk)
            desk.header, desk.told = Header(b"DESK", b"SITEX"), self.told["DESK"]
            desk.parts, desk.peer, desk.logons, desk.number = self.parts, peer, 0, 1
        self.desk.come_back(reset=reset)

    def desk_goes(self) -> None:
        assert self.desk is not None
        self.desk.listen()
        self.desk.line.connection_lost(None)

    def trade(self, steps: int) -> None:
        for _ in range(steps):
            self._step()
            if self.desk is not None and self.desk.line.open and self.desk.parts is self.parts:
                self.desk.pump()
        self.keep()

    def _step(self) -> None:
        dice, self.count = self.dice, self.count + 1
        member, name = dice.choice(self.members), f"o{self.count}"
        live: list[tuple[str, str]] = member.live  # type: ignore[attr-defined]
        order: list[Field] = [(11, name), (55, SYMBOL), (60, format_timestamp(TRADES_NS))]
        if live and dice.random() < 0.3:
            orig, side = live.pop(dice.randrange(len(live)))
            member.send(member.encode(b"F", [*order, (41, orig), (54, side)]))
            return
        if dice.random() < 0.1:
            quote: list[Field] = [(117, name), (296, 1), (302, 1), (295, 1), (299, 1), (55, SYMBOL)]
            member.send(
                member.encode(b"i", [*quote, (132, "1.997"), (133, "2.003"), (134, 5), (135, 5)])
            )
            return
        if self.count > 9 and dice.random() < 0.05:
            order[0] = (11, "o3")  # used: a refusal without a request row, which is no execution
        side = dice.choice("12")
        price = format_price((2_000 + dice.randrange(-4, 5)) * 10**6)
        if dice.random() < 0.05:
            price = "999999"  # refused
        order += [(54, side), (38, dice.randrange(1, 9)), (40, "2"), (44, price), (59, "0")]
        member.send(member.encode(b"D", order))
        if order[0] == (11, name):
            live.append((name, side))


def bodies(reports: list[dict[int, str]]) -> dict[int, dict[int, str]]:
    """By ExecID; the same one twice must be the same."""
    found: dict[int, dict[int, str]] = {}
    for report in reports:
        body = {tag: value for tag, value in report.items() if tag not in NOT_COPIED}
        assert found.setdefault(int(report[17]), body) == body
    return found


def executions(reports: list[dict[int, str]]) -> list[dict[int, str]]:
    return [one for one in reports if one[35] == "8" and one.get(103) != DUPLICATE]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[Day]:
    made = Day(tmp_path, 5, "ALPHA", "BRAVO")
    yield made
    made.parts.sequencer.abandon()
    made.stack.close()


def check(day: Day, *names: str) -> None:
    """What the desk was told is what the members were, once and in order."""
    day.keep()
    copies = [one for one in day.told["DESK"] if one.get(43) != "Y"]
    numbers = [int(one[17]) for one in copies]
    assert numbers == sorted(set(numbers)), "in order, each once"
    wanted = bodies([one for name in names for one in executions(day.told[name])])
    assert bodies(copies) == wanted and len(wanted) > 20


def test_o145_live_copies_are_the_members_reports(day: Day):
    day.desk_is_there(reset=True)
    day.trade(120)
    check(day, "ALPHA", "BRAVO")
    said = {one[1] for one in day.told["DESK"]}
    assert said == {"ALPHA", "BRAVO"} and {one[56] for one in day.told["DESK"]} == {"DESK"}


def test_o145_one_member_alone(tmp_path: Path):
    day = Day(tmp_path, 6, "BRAVO")
    day.desk_is_there(reset=True)
    day.trade(120)
    check(day, "BRAVO")
    day.parts.sequencer.abandon()
    day.stack.close()


def test_o146_what_happened_while_it_was_away_comes_behind_the_logon(day: Day):
    day.trade(40)
    day.desk_is_there(reset=True)
    day.trade(30)
    day.desk_goes()
    day.trade(150)  # more than a chunk
    day.desk_is_there()
    day.trade(5)
    check(day, "ALPHA", "BRAVO")


def test_o146_over_kills_resets_and_reconnects_each_comes_once(day: Day):
    dice = random.Random(9)
    day.desk_is_there(reset=True)
    for life in range(8):
        day.trade(dice.randrange(40))
        if dice.random() < 0.6:
            day.desk_goes()
            day.trade(dice.randrange(40))
            if dice.random() < 0.5:
                day.desk_is_there(reset=dice.random() < 0.4)
                day.trade(dice.randrange(10))
        if life % 2:
            day.kill()
            day.open()
            day.desk_is_there(reset=dice.random() < 0.3)
        elif day.desk is None or not day.desk.line.open:
            day.desk_is_there()
    day.trade(20)
    check(day, "ALPHA", "BRAVO")


def test_o146_a_reset_leaves_its_place_also_where_nothing_follows_it(day: Day):
    day.desk_is_there(reset=True)
    day.trade(30)
    day.desk_goes()
    day.desk_is_there(reset=True)
    day.kill()
    day.open()
    day.desk_is_there()
    check(day, "ALPHA", "BRAVO")


def test_o146_a_clean_stop_keeps_its_place(day: Day):
    day.desk_is_there(reset=True)
    day.trade(30)
    day.desk_goes()
    day.trade(10)
    day.keep()
    day.parts.save()
    day.parts.sequencer.close()
    day.open()
    day.trade(10)
    day.desk_is_there()
    check(day, "ALPHA", "BRAVO")


def test_o146_copies_are_sent_again_as_they_were(day: Day):
    day.desk_is_there(reset=True)
    day.trade(60)
    desk = day.desk
    assert desk is not None
    first = list(day.told["DESK"])
    desk.said.clear()
    desk.send(desk.encode(b"2", [(7, 1), (16, 0)]))
    while desk.line.session.resending:
        day.parts.venue.on_deadline(desk.line)
    again = [{int(t): v for t, v in one} for one in parse_out(bytes(desk.said))]
    again = [one for one in again if one[35] == "8"]
    assert [one[34] for one in again] == [one[34] for one in first]
    assert all(one[43] == "Y" and one[122] for one in again)
    assert bodies(again) == bodies(first) and len(again) > 20


@pytest.mark.parametrize("kind", [b"D", b"F", b"G", b"q", b"i", b"Z", b"R", b"AE"])
def test_o147_it_trades_nothing(kind: bytes, day: Day):
    day.desk_is_there(reset=True)
    desk = day.desk
    assert desk is not None
    now = format_timestamp(TRADES_NS)
    order: list[Field] = [(11, "x"), (55, SYMBOL), (54, "1"), (60, now)]
    rest: dict[bytes, list[Field]] = {
        b"D": [*order, (38, 1), (40, "2"), (44, "2"), (59, "0")],
        b"F": [(41, "o1"), *order],
        b"G": [(41, "o1"), *order, (38, 1), (40, "2"), (44, "2")],
        b"q": [(11, "x"), (530, "7"), (60, now)],
        b"i": [
            (117, "q"),
            (296, 1),
            (302, 1),
            (295, 1),
            (299, 1),
            (55, SYMBOL),
            (132, "1.9"),
            (134, 2),
        ],
        b"Z": [(117, "q"), (298, "4")],
        b"R": [(131, "r"), (146, 1), (55, SYMBOL)],
        b"AE": [
            (571, "t"),
            (828, 1),
            (820, "L"),
            (55, SYMBOL),
            (32, 600),
            (31, "2"),
            (60, now),
            (552, 1),
            (54, "1"),
            (453, 1),
            (448, "BRAVO"),
            (447, "D"),
            (452, 17),
        ],
    }
    before = day.parts.sequencer.engine.request_count
    (said,) = desk.ask(kind, *rest[kind])
    assert (said[35], said[372], said[380]) == ("j", kind.decode(), "6")
    assert "drop copy" in said[58]
    assert day.parts.sequencer.engine.request_count == before
    (said,) = desk.ask(b"e", (324, "s"), (55, SYMBOL), (263, "0"))
    assert said[35] == "f", "it may ask"


def test_o145_the_members_must_be_there(tmp_path: Path):
    text = VENUE_FILE.read_text().replace(
        'name = "BRAVO"\n', 'name = "BRAVO"\ndrop_copy = ["NO"]\n', 1
    )
    (tmp_path / "venue.toml").write_text(text)
    with pytest.raises(SpecError, match="drop_copy 'NO'"):
        load_venue(tmp_path / "venue.toml")


def test_o146_numbers_begun_again_while_it_is_away_leave_its_place(day: Day):
    day.desk_is_there(reset=True)
    day.trade(30)
    day.desk_goes()
    party = day.parts.registry.directory.find(b"SITEX", b"DESK")
    assert party is not None
    party.begin_at(1)  # as an operator or the session's hours do
    party.reset()
    day.parts.venue.run_commands(time.time_ns())
    day.kill()
    day.open()
    day.trade(5)
    day.desk_is_there(reset=True)
    check(day, "ALPHA", "BRAVO")


def test_o146_its_first_venue_day_is_not_passed_over(day: Day):
    day.trade(30)
    first = {one: len(day.told[one]) for one in ("ALPHA", "BRAVO")}
    day.parts.end_day(day.parts.clock.session_at(ns("2026-11-25T17:00:01+08:00")))
    day.keep()
    for _ in range(2):  # it stays so when the venue starts again
        day.kill()
        day.open()
    day.desk_is_there(reset=True)
    day.keep()
    numbers = [int(one[17]) for one in day.told["DESK"]]
    assert numbers == sorted(set(numbers))
    early = [one for name in first for one in executions(day.told[name][: first[name]])]
    assert set(numbers) >= {int(one[17]) for one in early}, "it was there from the first day on"


def test_o147_a_session_that_becomes_one_trades_no_more(day: Day):
    alpha = day.members[0]
    rows = [
        msgspec.structs.replace(one, drop_copy=("BRAVO",)) if one.name == "ALPHA" else one
        for one in day.config.members
    ]
    day.parts.take_members(msgspec.structs.replace(day.config, members=tuple(rows)), time.time_ns())
    order: list[Field] = [(11, "x"), (55, SYMBOL), (54, "1"), (60, format_timestamp(TRADES_NS))]
    (said,) = alpha.ask(b"D", *order, (38, 1), (40, "2"), (44, "2"), (59, "0"))
    assert (said[35], said[380]) == ("j", "6")
