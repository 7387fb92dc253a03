"""TradeCaptureReports of a member's own trades, against its execution reports."""

from __future__ import annotations

import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import trade_reports, trade_updates, venue
from gateway.assembly import Assembly
from gateway.inquiries import CHUNK_MESSAGES
from gateway.interventions import Interventions
from gateway.message import Field
from gateway.operator import Bust, Correct
from gateway.trade_updates import SUBSCRIPTIONS_MAX
from gateway.values import format_price, format_timestamp
from tests.member_rig import FROM_NS, OPENS_NS, Member, Second, opened, trading
from tests.test_schedule import HOUR, MINUTE, pass_time

pytestmark = pytest.mark.kernels
SYMBOL, OTHER = "SITB2701", "SITB2702"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    yield from opened(tmp_path, FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    yield from trading(parts)


@pytest.fixture
def other(parts: Assembly, member: Member) -> Iterator[Member]:
    with socket.socket() as peer:
        bravo = Second(parts, peer)
        bravo.heard()
        yield bravo


def enter(member: Member, name: str, side: str, price: str, qty: int, symbol: str = SYMBOL) -> None:
    order: list[Field] = [(11, name), (55, symbol), (54, side), (60, format_timestamp(FROM_NS))]
    member.send(
        member.encode(b"D", [*order, (38, qty), (40, "2"), (44, price), (59, "0"), (77, "O")])
    )


def trade(member: Member, other: Member, count: int, seed: int = 1) -> None:
    dice = random.Random(seed)
    for number in range(count):
        symbol = dice.choice((SYMBOL, OTHER))
        price = format_price((2_000 + dice.randrange(-5, 6)) * 10**6)
        sides = dice.choice(("12", "21"))
        enter(other, f"b{seed}-{number}", sides[0], price, dice.randrange(1, 9), symbol)
        enter(member, f"a{seed}-{number}", sides[1], price, dice.randrange(1, 9), symbol)


def ask(member: Member, *fields: Field, kind: str = "1") -> list[dict[int, str]]:
    said = member.ask(b"AD", (568, "t"), (569, kind), *fields)
    parts = member.parts
    while parts.reporter.owes(member.line.session.party):
        parts.venue.on_deadline(member.line)
        said += member.heard()
    assert [one[35] for one in said[1:-1]] == ["AE"] * (len(said) - 2)
    assert {one[568] for one in said} == {"t"}
    assert (said[0][35], said[0][749], said[0][750]) == ("AQ", "0", "0")
    assert (said[-1][35], said[-1][750], said[-1][748]) == ("AQ", "1", str(len(said) - 2))
    assert [one[912] for one in said[1:-1]] == ["N"] * (len(said) - 3) + ["Y"] * (len(said) > 2)
    return said[1:-1]


def told(member: Member) -> list[dict[int, str]]:
    """Execution reports of trades."""
    return [one for one in member.heard() if one[35] == "8" and one[150] in "FGH"]


def same(reports: list[dict[int, str]], executions: list[dict[int, str]]) -> bool:
    tags = (17, 19, 150, 527, 442, 55, 54, 32, 31, 1, 37)
    return [[one.get(tag) for tag in tags] for one in reports] == [
        [one.get(tag) for tag in tags] for one in executions
    ]


def test_o150_o151_the_reports_are_the_executions(parts: Assembly, member: Member, other: Member):
    trade(member, other, 60)
    executions = told(member)
    assert len(executions) > 60 > CHUNK_MESSAGES // 2
    reports = ask(member)
    assert same(reports, executions)
    for report, execution in zip(reports, executions, strict=True):
        assert (report[571], report[828], report[820]) == (report[17], "0", report[527])
        assert report[11] == execution[11] and report[60] == execution[60]
    assert same(ask(member, kind="0"), executions)
    executions = told(other)
    assert same(ask(other), executions)


def test_o150_symbol_account_and_side_narrow_it_down(member: Member, other: Member):
    trade(member, other, 30)
    executions = told(member)
    for tag, value in ((55, SYMBOL), (54, "1"), (54, "2"), (1, "ALPHA")):
        wanted = [one for one in executions if one[tag] == value]
        assert wanted and same(ask(member, (tag, value)), wanted)
    assert ask(member, (1, "BRAVO")) == [] == ask(member, (1, "NO"))


def test_o150_dates_and_times(parts: Assembly, member: Member, other: Member):
    trade(member, other, 5)
    early = told(member)
    pass_time(parts, OPENS_NS + 24 * HOUR + 6 * MINUTE)
    member.heard()
    trade(member, other, 5, seed=2)
    late = told(member)
    assert early and late and same(ask(member), late), "of this venue day"
    (first,), (second,) = ({one[75] for one in ask(member, *date)} for date in (
        [(580, 2), (75, 20260101), (75, 20261125)], [(580, 1), (75, 20261126)],
    ))  # fmt: skip
    assert (first, second) == ("20261125", "20261126")
    assert same(ask(member, (580, 1), (75, first)), early + late)
    assert same(ask(member, (580, 2), (75, first), (75, first)), early)
    at = early[2][60]
    since = [one for one in early if one[60] >= at]
    assert same(ask(member, (580, 1), (75, first), (60, at)), since + late)
    both = ask(member, (580, 2), (75, first), (60, at), (75, first), (60, at))
    assert same(both, [one for one in early if one[60] == at])
    upto = ask(member, (580, 2), (75, first), (75, second), (60, early[-1][60]))
    assert same(upto, early)


def test_o151_busts_and_corrections_are_reports_of_their_own(
    parts: Assembly, member: Member, other: Member
):
    trade(member, other, 4)
    executions = told(member)
    operator = Interventions(parts)
    now_ns = time.time_ns()
    for request in (
        Bust(int(executions[0][527]), "wrong"), Correct(int(executions[1][527]), "2.1", "wrong")
    ):  # fmt: skip
        assert operator.act(request, now_ns).done
    amended = told(member)
    assert [one[150] for one in amended] == ["H", "G"]
    reports = ask(member)
    assert same(reports, executions + amended)
    assert [one.get(19) for one in reports[-2:]] == [executions[0][17], executions[1][17]]


def test_o151_legs_and_blocks(parts: Assembly, member: Member, other: Member):
    spread = f"{SYMBOL}-{OTHER}"
    if spread not in parts.registry.known.instruments:
        spread = next(
            name for name, row in parts.registry.known.instruments.items()
            if row["leg_1"] and name.startswith("SITB")
        )  # fmt: skip
    enter(other, "b", "2", "0.1", 2, spread)
    enter(member, "a", "1", "0.1", 2, spread)
    executions = told(member)
    assert [one.get(442) for one in executions] == [None, "2", "2"]
    reports = ask(member)
    assert same(reports, executions) and len({one[820] for one in reports}) == 1
    for line, side, contra in ((other, "2", "ALPHA"), (member, "1", "BRAVO")):
        line.send(
            line.encode(
                b"AE",
                [
                    (571, "block"),
                    (828, 1),
                    (820, "LINK"),
                    (55, SYMBOL),
                    (32, 1000),
                    (31, "2"),
                    (60, format_timestamp(FROM_NS)),
                    (552, 1),
                    (54, side),
                    (453, 1),
                    (448, contra),
                    (447, "D"),
                    (452, 17),
                ],
            )
        )
    (block,) = [one for one in member.heard() if one.get(35) == "AR" and one[150] == "F"]
    report = ask(member)[-1]
    assert (report[828], report[820], report[150]) == ("1", "LINK", "F")
    assert [report[tag] for tag in (17, 527, 55, 54, 32, 31)] == [
        block[tag] for tag in (17, 527, 55, 54, 32, 31)
    ]
    assert 37 not in report


def test_o150_a_long_log_is_read_in_pieces(
    parts: Assembly, member: Member, other: Member, monkeypatch: pytest.MonkeyPatch
):
    trade(member, other, 40)
    executions = told(member)
    monkeypatch.setattr(trade_reports, "SCAN_ROWS", 16)
    said = member.ask(b"AD", (568, "t"), (569, "0"))
    assert len(said) < 20, "one piece a turn"
    turns = 0
    while parts.reporter.owes(member.line.session.party):
        parts.venue.on_deadline(member.line)
        new = member.heard()
        assert len(new) <= 17
        said += new
        turns += 1
    assert turns >= parts.sequencer.event_count // 16 - 40
    assert same(said[1:-1], executions)


def test_o152_what_is_not_taken(member: Member):
    for fields, result in (
        ([(55, "NOSUCH")], "1"),
        ([(263, "2")], "99"),
        ([(580, 3), (75, 20261125), (75, 20261125), (75, 20261125)], "99"),
    ):
        (said,) = member.ask(b"AD", (568, "t"), (569, "0"), *fields)
        assert (said[35], said[749], said[750]) == ("AQ", result, "2") and said[58]
    (said,) = member.ask(b"AD", (568, "x" * 65), (569, "0"))
    assert (said[35], said[372], said[380]) == ("j", "AD", "0")


# -- updates


class Following:
    """A subscription and what it was told."""

    def __init__(self, member: Member, name: str, *fields: Field, go_on: bool = True) -> None:
        self.member, self.name = member, name
        self.reports: list[dict[int, str]] = []
        self.acks: list[tuple[str, str, str]] = []
        self.send("1", *fields)
        if go_on:
            self.go_on()

    def send(self, how: str, *fields: Field) -> None:
        request: list[Field] = [(568, self.name), (569, "1"), (263, how)]
        self.take(self.member.ask(b"AD", *request, *fields))

    def go_on(self) -> None:
        parts, line = self.member.parts, self.member.line
        while parts.reporter.owes(line.session.party):
            parts.venue.on_deadline(line)
            self.take(self.member.heard())

    def update(self) -> None:
        """As update_all, of this one alone."""
        update_all(self)

    def take(self, said: list[dict[int, str]]) -> None:
        for one in said:
            if one.get(568) == self.name:
                if one[35] == "AQ":
                    self.acks.append((one[749], one[750], one.get(748, "")))
                else:
                    self.reports.append(one)


def update_all(*following: Following) -> None:
    """The venue looks whether there is something to tell; all that a session follows, at once."""
    member = following[0].member
    member.parts.venue.tell_market(10**18)
    said = member.heard()
    while member.parts.reporter.owes(member.line.session.party):
        member.parts.venue.on_deadline(member.line)
        said += member.heard()
    for one in following:
        one.take(said)


@pytest.mark.parametrize("before", [0, 20])
def test_o176_trades_are_told_as_they_come(
    parts: Assembly, member: Member, other: Member, before: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trade_reports, "SCAN_ROWS", 16)
    monkeypatch.setattr(trade_updates, "SCAN_ROWS", 16)
    trade(member, other, before)
    executions = told(member)
    following = Following(member, "f")
    assert following.acks == [("0", "0", "")] and same(following.reports, executions)
    assert [one[912] for one in following.reports[-1:]] == ["Y"] * (before > 0)
    snapshot = len(executions)
    for seed in range(2, 8):
        trade(member, other, 15, seed)
        executions += told(member)
        following.update()
        assert same(following.reports, executions)
        following.update()
        assert len(following.reports) == len(executions), "each once"
    updates = following.reports[snapshot:]
    assert updates and all(one[325] == "Y" and 912 not in one for one in updates)
    bust_of_first = Bust(int(executions[0][527]), "wrong")
    assert Interventions(parts).act(bust_of_first, time.time_ns()).done
    (bust,) = told(member)
    following.update()
    assert following.reports[-1][150] == "H" and following.reports[-1][17] == bust[17]
    following.send("2")
    assert following.acks[1:] == [("0", "1", str(len(executions) + 1))]
    trade(member, other, 5, 9)
    following.update()
    assert len(following.reports) == len(executions) + 1, "it has ended"
    assert parts.reporter.inquiries.trades.updates.due() == []


def test_o176_each_subscription_is_told_what_it_asked_for(
    parts: Assembly, member: Member, other: Member
):
    trade(member, other, 10)
    executions = told(member)
    asked: list[Field] = [(55, SYMBOL), (54, "1"), (1, "ALPHA")]
    following = [Following(member, f"f{one[0]}", one) for one in asked]
    theirs = Following(other, "theirs")
    for seed in (2, 3):
        trade(member, other, 20, seed)
        executions += told(member)
        late = Following(member, f"late{seed}")
        trade(member, other, 3, seed + 10)
        executions += told(member)
        update_all(*following, late)
        theirs.update()
    others = ask(other)
    for (tag, value), one in zip(asked, following, strict=True):
        assert same(one.reports, [row for row in executions if row[tag] == value])
    assert same(late.reports, executions) and same(theirs.reports, others)


def test_o176_what_comes_while_a_snapshot_is_read_is_told_behind_it(
    parts: Assembly, member: Member, other: Member, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trade_reports, "SCAN_ROWS", 16)
    theirs = Following(other, "theirs")  # for which the log is read on
    trade(member, other, 30)
    executions = told(member)
    mine = Following(member, "mine", go_on=False)
    assert len(mine.reports) < len(executions), "not read to its end"
    trade(member, other, 10, 2)
    executions += told(member)
    theirs.update()
    mine.take(member.heard())
    mine.go_on()
    mine.update()
    assert same(mine.reports, executions)
    others = [one for one in theirs.reports if one.get(325) == "Y"]
    theirs.update()
    assert theirs.reports == others, "each once"


def test_o176_who_reads_slowly_is_told_later(
    parts: Assembly, member: Member, other: Member, monkeypatch: pytest.MonkeyPatch
):
    following = Following(member, "f")
    unread = [venue.UNREAD_BYTES_MAX + 1]
    monkeypatch.setattr(member.sink, "get_write_buffer_size", lambda: unread[0])
    trade(member, other, 30)
    executions = told(member)
    following.update()
    assert following.reports == []
    unread[0] = 0
    following.update()
    assert same(following.reports, executions)


def test_o176_subscriptions_are_bounded_and_end_with_the_connection(
    parts: Assembly, member: Member, other: Member
):
    made = [Following(member, f"f{number}") for number in range(SUBSCRIPTIONS_MAX)]
    assert {tuple(one.acks) for one in made} == {(("0", "0", ""),)}
    for name in ("f0", "one more"):
        assert Following(member, name).acks == [("99", "2", "")]
    made[0].send("2")
    assert Following(member, "one more").acks == [("0", "0", "")]
    trade(member, other, 3)
    updates = parts.reporter.inquiries.trades.updates
    assert updates.due() == [member.line.session.party.session]
    member.line.connection_lost(None)
    assert updates.due() == []


def test_o151_they_are_gap_filled(member: Member, other: Member):
    trade(member, other, 3)
    told(member)
    first = member.line.session.party.next_out
    ask(member)
    (said,) = member.ask(b"2", (7, first), (16, 0))
    assert (said[35], said[34]) == ("4", str(first))
