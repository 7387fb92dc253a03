"""What the venue's end of a FIX session shows, row by row of the acceptor's list.

Each case of session_cases*.py runs with the member's bytes whole, byte by byte, and glued together.
Sections 1.1 to 1.5 are those of the FIX session layer's list (fix-session); 2B, 14E and the like
number the FIX session test cases (ISO 3531-3).
"""

from __future__ import annotations

import numpy as np
import pytest

from gateway.acceptor import GARBLED_BYTES_MAX
from gateway.access import WRONG_PASSWORD
from gateway.counterparty import Rates
from gateway.liveness import SECOND_NS
from gateway.session import SLOW_MESSAGES_MAX
from gateway.states import State
from gateway.types import StoreKind, pack_reference
from tests.session_cases import LOGONS, NUMBERS
from tests.session_cases_messages import GARBLED, LIVENESS, REJECTS
from tests.session_rig import ORDER, Rig, encode_line, parse_out
from tests.session_script import LOGON, LOGON_BACK, Case, check, compare

CASES = [
    pytest.param(case, id=f"{section}-{case.name}")
    for section, cases in (
        ("1.1", LOGONS),
        ("1.2", NUMBERS),
        ("1.3", LIVENESS),
        ("1.4", GARBLED),
        ("1.5", REJECTS),
    )
    for case in cases
]


@pytest.mark.parametrize("mode", ["whole", "bytes", "glued"])
@pytest.mark.parametrize("case", CASES)
def test_conformance(case: Case, mode: str) -> None:
    check(case, mode)


@pytest.mark.parametrize("mode", ["whole", "bytes"])
@pytest.mark.parametrize("case", CASES)
def test_o128_conformance_in_fixt(case: Case, mode: str) -> None:
    check(case, mode, "FIXT.1.1")


def test_second_connection_is_closed_and_the_first_is_not_disturbed() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    first = rig.session
    rig.connect()
    rig.receive(encode_line("A 34=1 98=0 108=30 141=Y", rig.now_ns))
    assert rig.session.state == State.CLOSED and not rig.session.outgoing
    rig.session = first
    rig.receive(encode_line("1 34=2 112=X", rig.now_ns))
    compare(parse_out(rig.taken_all()), [LOGON_BACK, "0 34=2 112=X"])


def test_wrong_password_is_refused_and_changes_no_expected_number() -> None:
    rig = Rig()
    rig.credential = WRONG_PASSWORD
    rig.receive(encode_line(LOGON + " 553=u 554=p 141=Y", rig.now_ns))
    compare(parse_out(rig.taken_all()), ["5 34=1 58=Username*"])
    assert rig.session.state == State.CLOSED and rig.party.expected_in == 1


@pytest.mark.parametrize("right", [True, False])
def test_password_that_takes_long_to_check_holds_what_comes_behind(right: bool) -> None:
    rig = Rig()
    rig.credential = None
    rig.receive(encode_line(LOGON, rig.now_ns) + encode_line("1 34=2 112=X", rig.now_ns))
    assert rig.session.waiting and not rig.session.outgoing
    rig.facts += rig.session.credential_checked("" if right else WRONG_PASSWORD, rig.now_ns)
    rig.receive(b"")
    rig.receive_again()
    expected = [LOGON_BACK, "0 34=2 112=X"] if right else ["5 34=1 58=Username*"]
    compare(parse_out(rig.taken_all()), expected)


def test_password_checked_too_late_for_a_second_connection() -> None:
    rig = Rig()
    rig.credential = None
    rig.receive(encode_line(LOGON, rig.now_ns))
    slow = rig.session
    rig.connect()
    rig.credential = ""
    rig.receive(encode_line(LOGON, rig.now_ns))
    slow.credential_checked("", rig.now_ns)
    assert slow.state == State.CLOSED and rig.session.state == State.ACTIVE
    assert rig.party.connection is rig.session


def test_throttle_rejects_first_and_journals_the_number() -> None:
    rig = Rig()
    rig.party.rates = Rates(2)
    orders = [ORDER.format(n, f"A{n}") for n in range(2, 6)]
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.receive(b"".join(encode_line(order, rig.now_ns) for order in orders))
    rig.wait(1)
    rig.receive(encode_line(ORDER.format(6, "A6"), rig.now_ns))
    text = "more_than_2_messages_a_second"
    expected = [f"j 45={n} 372=D 379=A{n} 380=0 58={text}" for n in (4, 5)]
    compare(parse_out(rig.taken_all()), [LOGON_BACK, *expected])
    kinds = [kind for _, _, kind in rig.named_rows()]
    assert kinds == ["NEW_ORDER", "NEW_ORDER", "REFUSED", "REFUSED", "NEW_ORDER"]


def test_full_batch_is_submitted_and_the_rest_taken_after_it() -> None:
    rig = Rig(rows_max=2)
    orders = [ORDER.format(n, f"A{n}") for n in range(2, 9)]
    lines = [LOGON, *orders, "1 34=9 112=X", "B 34=10 148=n", "B 34=11 148=n", "B 34=12 148=n"]
    rig.receive(b"".join(encode_line(line, rig.now_ns) for line in lines))
    assert [number for _, number, _ in rig.named_rows()] == [*range(2, 9), 10, 11, 12]
    shown = [dict(message)["35"] for message in parse_out(rig.taken_all())]
    assert shown == ["A", "0", "j", "j", "j"]


@pytest.mark.parametrize(("age_s", "stale"), [(59, False), (61, True)])
def test_old_possible_duplicate_of_a_new_order_is_marked_stale(age_s: int, stale: bool) -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.receive(encode_line(ORDER.format(2, "A1") + f" 43=Y 122=@-{age_s}", rig.now_ns))
    assert rig.reasons == [9 if stale else 0]


def test_a_long_resend_is_cut_into_chunks_with_live_messages_between() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    for index in range(200):
        rig.report(f"r{index}")
    rig.taken_all()
    rig.receive(encode_line("2 34=2 7=1 16=0", rig.now_ns))
    assert rig.session.next_deadline_ns == 0
    first = parse_out(rig.taken_all())
    assert len(first) < 100
    rig.report("live")
    rig.receive(encode_line("1 34=3 112=X", rig.now_ns))
    rig.wait(0)
    rest = parse_out(rig.taken_all())
    resent = [dict(m) for m in first + rest if ("43", "Y") in m]
    assert [int(m["34"]) for m in resent] == list(range(1, 202))
    fresh = [dict(m)["34"] for m in rest if ("43", "Y") not in m]
    assert fresh == ["202", "203"]


def test_a_flood_of_slow_messages_is_spread_over_turns() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.taken_all()
    data = b"".join(encode_line(f"1 34={n} 112=T{n}", rig.now_ns) for n in range(2, 302))
    buffer = np.zeros(len(data) + 64, np.uint8)
    buffer[: len(data)] = np.frombuffer(data, np.uint8)
    start = turns = 0
    while start < len(data):
        consumed, _ = rig.session.receive(buffer, start, len(data), rig.now_ns)
        start += consumed
        turns += 1
        assert rig.session.unfinished == (start < len(data))
        assert len(parse_out(rig.taken_all())) <= SLOW_MESSAGES_MAX
    assert turns == -(-300 // SLOW_MESSAGES_MAX)


def test_o186_garbage_is_read_past_but_not_for_ever() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    garbage = b"8=FIX.4.4\x01" + b"x" * (GARBLED_BYTES_MAX // 4)
    for number in (2, 3):  # a message in between begins the count again
        for _ in range(3):
            rig.receive(garbage)
        rig.receive(encode_line(f"1 34={number} 112=T", rig.now_ns))
    rig.taken_all()
    for _ in range(4):
        assert rig.session.state == State.ACTIVE
        rig.receive(garbage)
    compare(parse_out(rig.taken_all()), ["5 58=65,536_bytes_without_a_message"])
    assert rig.session.state == State.CLOSED


def test_a_venue_that_was_held_up_asks_before_it_gives_a_member_up() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.now_ns += 500 * SECOND_NS
    rig.wait(0)
    assert rig.session.state == State.ACTIVE
    rig.receive(encode_line("0 34=2", rig.now_ns))
    rig.wait(20)
    assert rig.session.state == State.ACTIVE


def test_numbers_whose_files_are_gone_are_gap_filled() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    for text in ("one", "two", "three"):
        rig.report(text)
    rig.taken_all()
    row = rig.store.log(1).rows(3, 4)
    row["reference"] = pack_reference(StoreKind.EVENT, 77)
    rig.receive(encode_line("2 34=2 7=2 16=0", rig.now_ns))
    shows = ["8 34=2 43=Y 58=one", "4 34=3 43=Y 123=Y 36=4", "8 34=4 43=Y 58=three"]
    compare(parse_out(rig.taken_all()), shows)


def test_many_resend_requests_are_bounded() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    for index in range(300):
        rig.report(f"r{index}")
    lines = [f"2 34={n} 7={1 + n % 50} 16=0" for n in range(2, 200)]
    rig.receive(b"".join(encode_line(line, rig.now_ns) for line in lines))
    rig.wait(0)
    resent = [m for m in parse_out(rig.taken_all()) if ("43", "Y") in m]
    assert len(resent) < 20 * 300


def test_facts_of_a_logout_of_a_drop_and_of_a_refusal() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns) + encode_line("5 34=2 58=bye", rig.now_ns))
    rig.drop()
    assert [type(fact).__name__ for fact in rig.facts] == ["LoggedOn", "LoggedOut"]
    rig.facts.clear()
    rig.connect()
    rig.receive(encode_line("A 34=3 98=0 108=30", rig.now_ns))
    rig.drop()
    assert [type(fact).__name__ for fact in rig.facts] == ["LoggedOn", "Lost"]
    rig.facts.clear()
    rig.connect()
    rig.receive(encode_line("A 34=1 98=0 108=30", rig.now_ns))
    rig.drop()
    assert [type(fact).__name__ for fact in rig.facts] == ["Refused"]
