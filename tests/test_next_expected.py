"""NextExpectedMsgSeqNum (789) in Logons: both ends resend unasked, what cannot be is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.client import member_reader
from gateway.states import State
from gateway.tables import Tables
from specs.session_options import SessionValues
from tests.session_rig import Rig, encode_line, parse_out
from tests.session_script import LOGON, NEW, OPEN, Case, Drop, Report, Step, check
from tests.test_session_pair import Pair

TOO_HIGH = "5 58=NextExpectedMsgSeqNum_(789)_is_{},_the_next_number_is_{}"
AWAY: list[Step] = [LOGON, Report("one"), Report("two"), Drop(), Report("three")]
SEEN = ["A 34=1", "8 34=2", "8 34=3"]
RESENT = ["8 34=3 43=Y 58=two", "8 34=4 43=Y 58=three"]
CASES = [
    Case(
        "o123-missed-is-sent-unasked",
        [*AWAY, "A 34=2 98=0 108=30 789=3"],
        [*SEEN, "A 34=5 789=3 43=-", *RESENT, "4 34=5 36=6 123=Y 43=Y"],
        OPEN,
        3,
    ),
    Case(
        "o123-all-of-it",
        [*AWAY, "A 34=2 98=0 108=30 789=1"],
        [*SEEN, "A 34=5 789=3", "4 34=1 36=2 123=Y", "8 34=2 43=Y", *RESENT, "4 34=5 36=6"],
        OPEN,
        3,
    ),
    Case(
        "o123-nothing-missed",
        [*AWAY, "A 34=2 98=0 108=30 789=5", Report("four")],
        [*SEEN, "A 34=5 789=3", "8 34=6 58=four"],
    ),
    Case(
        "o123-asked-all-the-same",
        [*AWAY, "A 34=2 98=0 108=30 789=4", "2 34=3 7=4 16=0"],
        [*SEEN, "A 34=5 789=3", *[RESENT[1], "4 34=5 36=6"] * 2],
    ),
    Case(
        "o123-too-high",
        [*AWAY, "A 34=2 98=0 108=30 789=6"],
        [*SEEN, TOO_HIGH.format(6, 5)],
        State.CLOSED,
        2,
    ),
    Case("o123-zero", ["A 34=1 98=0 108=30 789=0"], [TOO_HIGH.format(0, 1)], State.CLOSED, 1),
    Case("o123-negative", ["A 34=1 98=0 108=30 789=-1"], ["5 58=*"], State.CLOSED, 1),
    Case(
        "o123-reset",
        [*AWAY, "A 34=1 98=0 108=30 141=Y 789=1", Report("four")],
        [*SEEN, "A 34=1 141=Y 789=2", "8 34=2 58=four"],
        OPEN,
        2,
    ),
    Case(
        "o123-reset-and-too-high",
        [*AWAY, "A 34=1 98=0 108=30 141=Y 789=2"],
        [*SEEN, TOO_HIGH.format(2, 1)],
        State.CLOSED,
        2,
    ),
    Case(
        "o124-the-member-resends-by-our-789",
        ["A 34=4 98=0 108=30 789=1", "4 34=1 36=3 123=Y 43=Y 122=@0", NEW(3, "A3") + " 43=Y 122=@0",
         "4 34=4 36=5 123=Y 43=Y 122=@0", NEW(5, "A5")],
        ["A 34=1 789=1 43=-"],
        OPEN,
        6,
        [(3, "NEW_ORDER"), (5, "NEW_ORDER")],
    ),
    Case(
        "o124-behind-the-gap-nothing-is-asked-either",
        ["A 34=4 98=0 108=30 789=1", NEW(5, "A5")],
        ["A 34=1 789=1"],
        OPEN,
        1,
    ),
    Case("o124-no-789-no-echo", ["A 34=4 98=0 108=30"], ["A 34=1 789=-", "2 34=2 7=1 16=0"]),
]  # fmt: skip


@pytest.mark.parametrize("begin", ["FIX.4.4", "FIXT.1.1"])
@pytest.mark.parametrize("mode", ["whole", "bytes"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_o123_o124_logons_with_789(case: Case, mode: str, begin: str) -> None:
    check(case, mode, begin)


@pytest.mark.parametrize(
    ("option", "asked", "told"),
    [("always", "", True), ("always", " 789=1", True), ("never", " 789=1", False),
     ("echo", "", False), ("echo", " 789=1", True)],
)  # fmt: skip
def test_o124_whether_our_logon_has_it(option, asked: str, told: bool) -> None:
    rig = Rig()
    rig.party.options = SessionValues(next_expected=option)
    rig.receive(encode_line(f"A 34=3 98=0 108=30{asked}", rig.now_ns))
    said = [dict(one) for one in parse_out(rig.taken_all())]
    assert said[0].get("789") == ("1" if told else None)
    asks = not (told and asked)
    assert [one["35"] for one in said] == (["A", "2"] if asks else ["A"])


def test_o124_a_member_that_does_not_resend_is_asked_after_all() -> None:
    rig = Rig()
    rig.receive(encode_line("A 34=4 98=0 108=0 789=1", rig.now_ns))
    rig.wait(29)
    rig.receive(encode_line("0 34=5", rig.now_ns))
    assert [dict(one)["35"] for one in parse_out(rig.taken_all())] == ["A"]
    rig.wait(2)
    rig.receive(encode_line("0 34=6", rig.now_ns))
    (said,) = (dict(one) for one in parse_out(rig.taken_all()))
    assert (said["35"], said["7"], said["16"]) == ("2", "1", "0")


@pytest.fixture(scope="module")
def reader() -> Tables:
    return member_reader()


class Telling(Pair):
    """A member whose Logons have 789; what either side writes is kept."""

    next_expected = True
    written = b""

    def move(self) -> None:
        self.written += bytes(self.member.outgoing)
        super().move()
        self.written += self.to_member


@pytest.mark.parametrize("seed", range(8))
def test_o123_two_ends_that_tell_never_ask(reader: Tables, seed: int) -> None:
    """Orders and reports made while away arrive once and in order, without a ResendRequest."""
    pair = Telling(reader, seed)
    for _ in range(100):
        happens = pair.chance.random()
        if happens < 0.3:
            pair.order()
        elif happens < 0.6:
            pair.report()
        elif happens < 0.65:
            pair.connect()
        else:
            pair.move()
    pair.settle()
    assert pair.member.state == State.ACTIVE and pair.rig.session.state == State.ACTIVE
    assert pair.received == pair.reported
    assert len(pair.rig.rows) == len(pair.ordered)
    assert b"\x0135=2\x01" not in pair.written


def test_o123_quickfix_says_what_it_misses(tmp_path: Path) -> None:
    """A fill while QuickFIX is away comes behind the Logon; it never asks."""
    pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")
    from perf.client import front_symbol
    from perf.venue import Venue
    from tests.quickfix_client import Member

    with Venue() as venue:
        alpha, bravo = (Member(name, venue.fix_port, tmp_path) for name in ("ALPHA", "BRAVO"))
        try:
            for member in (alpha, bravo):
                member.set("SendNextExpectedMsgSeqNum", "Y").start()
            symbol = front_symbol()
            alpha.order("n1", "1", 5, "2.000", symbol, t59="1")
            alpha.next(t150="0", t11="n1")
            alpha.stop()
            for number in range(3):
                bravo.order(f"m{number}", "2", 1, "2.000", symbol)
                bravo.next(t150="0")
                bravo.next(t150="F")
            alpha.start()
            for cum in ("1", "2", "3"):
                assert alpha.next(t150="F", t11="n1", t14=cum)[43] == "Y"
            alpha.cancel("n2", "n1", "1", symbol)
            alpha.next(t150="4", t11="n2")
            logons = [one for one in alpha.admin if one[35] == "A"]
            assert [one[789] for one in logons] == ["2", "5"]
            assert not [one for one in alpha.admin if one[35] == "2"]
        finally:
            alpha.stop()
            bravo.stop()
