"""FIXT.1.1 with FIX 5.0 SP2: dictionaries, who speaks it, and that its messages are the same."""

from __future__ import annotations

import re
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.dialect import FIXT_DICTIONARIES, load_dialect
from gateway.states import State
from specs.session_options import SessionValues
from tests.fixt_dictionaries import derived
from tests.line_rig import Caller, loaded, open_venue
from tests.session_rig import ORDER, Rig, encode_line, parse_out
from tests.session_script import LOGON, compare

FIXT = "FIXT.1.1"
# have fields of this venue or elsewhere than the standard, or product codes for TradingSessionID
VENUE_S = ("AR", "y", "d", "f", "h")
LOGON_FIXT = "A 34=1 8=FIXT.1.1 98=0 108=30 1137=9"


def test_o130_the_dictionaries_are_fix44_s_in_another_form() -> None:
    """After a change of FIX44.xml: python -m tests.fixt_dictionaries."""
    for path, text in derived().items():
        assert path.read_text() == text, path.name


def test_o130_both_dialects_have_the_same_messages() -> None:
    own, other = load_dialect(), load_dialect(*FIXT_DICTIONARIES)
    assert other.begin_string == FIXT.encode() and own.begin_string == b"FIX.4.4"
    assert own.layouts.keys() == other.layouts.keys()
    more = {
        msg_type: set(other.layouts[msg_type]) - set(layout)
        for msg_type, layout in own.layouts.items()
        if other.layouts[msg_type] != layout
    }
    assert more == {"A": {1137}, "3": {1130}, "j": {1130}, "r": {1369}, "W": {779}}


@pytest.mark.parametrize("path", FIXT_DICTIONARIES, ids=lambda path: path.name)
def test_o130_quickfix_loads_them(path: Path) -> None:
    quickfix = pytest.importorskip("quickfix", reason="needs the extra [quickfix]")
    assert quickfix.DataDictionary(str(path)).isField(1128 if "T11" in path.name else 1369)


def said(rig: Rig) -> list[dict[str, str]]:
    return [dict(one) for one in parse_out(rig.taken_all())]


def take(rig: Rig, line: str) -> list[dict[str, str]]:
    rig.receive(encode_line(line, rig.now_ns, begin=FIXT))
    return said(rig)


def test_o128_the_first_message_decides_for_the_connection() -> None:
    rig = Rig()
    (logon,) = take(rig, LOGON)
    assert (logon["8"], logon["1137"], logon["34"]) == (FIXT, "9", "1")
    (beat,) = take(rig, "1 34=2 112=X")
    assert beat["8"] == FIXT and "1137" not in beat
    (logout,) = take(rig, "0 34=3 8=FIX.4.4")
    assert (logout["35"], logout["58"]) == ("5", "BeginString (8) is not FIXT.1.1")
    rig.connect()
    rig.receive(encode_line("A 34=4 98=0 108=30", rig.now_ns))
    assert said(rig)[0]["8"] == "FIX.4.4"
    rig.receive(encode_line("0 34=5 8=FIXT.1.1", rig.now_ns))
    assert said(rig)[0]["58"] == "BeginString (8) is not FIX.4.4"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (LOGON + " 1137=-", "required tag missing 1137 (DefaultApplVerID)"),
        (LOGON + " 1137=7", "value out of range for this tag 1137 (DefaultApplVerID)"),
    ],
)
def test_o128_a_logon_names_the_application_version(line: str, text: str) -> None:
    rig = Rig()
    (logout,) = take(rig, line)
    assert (logout["8"], logout["35"], logout["58"]) == (FIXT, "5", text)
    assert rig.session.state == State.CLOSED


def test_o128_fix44_knows_no_application_version() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON + " 1137=9", rig.now_ns))
    (logout,) = said(rig)
    assert logout["58"] == "tag not defined 1137"


@pytest.mark.parametrize(("version", "reason"), [("9", ""), ("8", "18"), ("10", "18")])
def test_o129_application_version_of_a_message(version: str, reason: str) -> None:
    rig = Rig()
    take(rig, LOGON)
    answers = take(rig, ORDER.format(2, "A1") + f" 1128={version}")
    assert [one.get("373", "") for one in answers] == ([reason] if reason else [])
    assert [kind for _, _, kind in rig.named_rows()] == ["REFUSED" if reason else "NEW_ORDER"]
    if reason:
        assert answers[0]["371"] == "1128"


@pytest.mark.parametrize(
    ("option", "begin", "taken"),
    [("any", FIXT, True), ("any", "FIX.4.4", True), ("any", "FIX.4.2", False),
     (FIXT, FIXT, True), (FIXT, "FIX.4.4", False), ("FIX.4.4", FIXT, False),
     ("FIX.4.4", "FIX.4.4", True)],
)  # fmt: skip
def test_o128_what_a_session_may_speak(option, begin: str, taken: bool) -> None:
    """Another BeginString is closed without a word, as any wrong one is."""
    rig = Rig()
    rig.party.options = SessionValues(begin_string=option)
    rig.receive(encode_line(LOGON, rig.now_ns, begin=begin))
    assert [one["8"] for one in said(rig)] == ([begin] if taken else [])
    assert rig.party.expected_in == (2 if taken else 1)


def test_o128_a_second_connection_does_not_change_the_first_one_s_dialect() -> None:
    rig = Rig()
    take(rig, LOGON)
    first = rig.session
    rig.connect()
    rig.receive(encode_line(LOGON, rig.now_ns))
    assert rig.session.state == State.CLOSED
    rig.session = first
    rig.receive(encode_line("1 34=2 112=X", rig.now_ns, begin=FIXT))
    compare(parse_out(rig.taken_all()), ["0 34=2 112=X 8=FIXT.1.1"])


def test_o128_what_was_sent_in_one_dialect_is_sent_again_in_the_other() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.report("one")
    rig.drop()
    rig.connect()
    rig.taken_all()
    take(rig, "A 34=2 98=0 108=30")
    again = take(rig, "2 34=3 7=1 16=0")
    assert [(one["8"], one["35"], one["34"]) for one in again] == [
        (FIXT, "4", "1"), (FIXT, "8", "2"), (FIXT, "4", "3"),
    ]  # fmt: skip
    assert (again[1]["58"], again[1]["43"]) == ("one", "Y")


def test_o130_types_of_fix50sp2_are_known() -> None:
    rig = Rig()
    take(rig, LOGON)
    answers = [take(rig, f"{kind} 34={2 + n}")[0] for n, kind in enumerate(("CA", "BX", "ZZ"))]
    assert [one["35"] for one in answers] == ["j", "j", "3"]
    assert (answers[0]["380"], answers[2]["373"]) == ("3", "11")


@pytest.fixture
def peer() -> Iterator[socket.socket]:
    with socket.socket() as found:
        yield found


def check_with_quickfix(written: bytes) -> None:
    """Every message against the dictionaries, and against QuickFIX's own where it came with them.

    Fields that are this venue's in a message of the standard are left out of the latter (O-130).
    """
    quickfix = pytest.importorskip("quickfix", reason="needs the extra [quickfix]")
    own = FIXT_DICTIONARIES
    standard = tuple(Path(sys.prefix) / "share" / "quickfix" / path.name for path in own)
    for pair in (own, standard):
        if not pair[1].exists():
            continue
        transport, application = (quickfix.DataDictionary(str(path)) for path in pair)
        for one in (transport, application):
            one.checkUserDefinedFields(pair == own)
        for raw in re.findall(rb"8=FIXT.*?\x0110=...\x01", written, re.DOTALL):
            kind = dict(part.split(b"=", 1) for part in raw.split(b"\x01")[:-1])[b"35"].decode()
            if pair == own or kind not in VENUE_S:
                body = transport if kind in "012345A" else application
                message = quickfix.Message(raw.decode(), transport, body, True)
                quickfix.DataDictionary.validate(message, transport, body)


@pytest.mark.kernels
def test_o130_reports_are_those_of_fix44_but_for_what_the_standard_asks(
    tmp_path: Path, peer: socket.socket
) -> None:
    """The same orders of two members, one in each dialect: the same fields in the answers."""
    parts = open_venue(tmp_path / "data", loaded(tmp_path), time.time_ns())
    answers: list[list[dict[str, str]]] = []
    written = b""
    for comp_id, begin in (("ALPHA", "FIX.4.4"), ("BRAVO", FIXT)):
        caller = Caller(parts, peer, comp_id)
        caller.header = caller.header._replace(begin_string=begin.encode())
        other = "BRAVO" if comp_id == "ALPHA" else "ALPHA"
        version = ((1137, 9),) if begin == FIXT else ()
        heard = caller.log_on(*version)
        order = ((11, "o1"), (55, "SITB2701"), (54, "1"), (60, "20261123-04:00:00"))
        heard += caller.say(b"D", *order, (38, 3), (40, "2"), (44, "2.000"), (18, "6"))
        heard += caller.say(b"F", (41, "none"), *((11, "o2"), *order[1:]))
        heard += caller.say(b"H", *order[:3])
        heard += caller.say(b"AF", (584, "all"), (585, "7"))
        heard += caller.say(b"x", (320, "L"), (559, "0"), (55, "SITB2701"))
        heard += caller.say(b"e", (324, "S"), (55, "SITB2701"), (263, "0"))
        heard += caller.say(b"g", (335, "T"), (336, "SITB"), (263, "0"))
        heard += caller.say(b"q", (11, "q1"), (530, "7"), (60, "20261123-04:00:00"))
        heard += caller.say(b"q", (11, "q1"), (530, "7"), (60, "20261123-04:00:00"))
        block = ((571, "b1"), (828, 1), (820, comp_id), (55, "SITB2701"), (32, 600), (31, "2.0"))
        sides = ((552, 1), (54, "1"), (453, 1), (448, other), (447, "D"), (452, 17))
        heard += caller.say(b"AE", *block, (60, "20261123-04:00:00"), *sides)
        quote = ((299, "1"), (55, "SITB2701"), (132, "1.9"), (133, "1.9"), (134, 5), (135, 5))
        heard += caller.say(b"i", (117, "Q1"), (296, 1), (302, "1"), (295, 1), *quote)
        heard += caller.say(b"Z", (117, "Q2"), (298, "4"))
        heard += caller.say(b"R", (131, "R1"), (146, 1), (55, "NOSUCH"))
        heard += caller.say(b"c", (320, "C"), (321, "0"), (55, "SITB2701"))
        heard += caller.say(b"V", (262, "M"), (263, "0"), (264, "0"), (267, 1), (269, "0"),
                            (146, 1), (55, "SITB2701"))  # fmt: skip
        heard += caller.say(b"AD", (568, "T"), (569, "1"), (55, "SITB2701"))
        heard += caller.say(b"BE", (923, "U"), (924, "4"), (553, comp_id))
        heard += caller.say(b"S", (117, "Q3"))
        heard += caller.say(b"D", *order, (38, "x"), (40, "2"), (44, "2.000"))
        heard += caller.say(b"2", (7, 2), (16, 0))
        assert {one["8"] for one in heard} == {begin}
        answers.append(heard)
        written = bytes(caller.written)
    parts.sequencer.abandon()
    check_with_quickfix(written)
    own, theirs = ([one["35"] for one in heard] for heard in answers)
    assert own == theirs and set(own) >= {
        "A", "8", "9", "r", "y", "f", "h", "AR", "b", "d", "W", "AQ", "BF", "j", "3", "4",
    }  # fmt: skip

    for one, two in zip(*answers, strict=True):
        more = set(two) - set(one)
        assert more == {"A": {"1137"}, "r": {"1369"}, "W": {"779"}}.get(one["35"], set()), (
            one,
            two,
        )
        assert set(one) <= set(two)
        if "1369" in two:
            assert two["1369"] == two["37"]
