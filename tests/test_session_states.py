"""The tables of the FIX session are whole: no state, class or number relation is left out."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.dialect import load_dialect
from gateway.liveness import NEVER_NS, SECOND_NS, Due, Liveness
from gateway.resend import GAP_TIMEOUT_NS, RANGES_MAX, Gap, Resend
from gateway.states import (
    CLASS_OF_TYPE,
    MESSAGE_RULES,
    SEQUENCE_RULES,
    TRANSITIONS,
    Happened,
    MessageClass,
    Numbering,
    SequenceAction,
    State,
    Taking,
    message_class,
)


def test_every_state_answers_for_every_class() -> None:
    for state in State:
        assert set(MESSAGE_RULES[state]) == set(MessageClass)


def test_every_class_answers_for_every_number() -> None:
    cases = set(product(Numbering, (False, True)))
    for kind in MessageClass:
        assert set(SEQUENCE_RULES[kind]) == cases


def test_only_the_closed_state_is_final_and_every_state_can_get_there() -> None:
    for state in State:
        assert TRANSITIONS[state, Happened.GONE] == State.CLOSED
    leaving_closed = {to for (state, _), to in TRANSITIONS.items() if state == State.CLOSED}
    assert leaving_closed == {State.CLOSED}


def test_what_a_state_takes_it_can_survive() -> None:
    for state in State:
        if MESSAGE_RULES[state][MessageClass.LOGOUT] == Taking.TAKE:
            assert (state, Happened.LOGOUT_RECEIVED) in TRANSITIONS
        if MESSAGE_RULES[state][MessageClass.LOGON] == Taking.TAKE:
            assert (state, Happened.LOGON_TAKEN) in TRANSITIONS
        if Taking.TAKE in MESSAGE_RULES[state].values():
            assert (state, Happened.REFUSED) in TRANSITIONS


def test_no_message_behind_a_gap_is_taken_as_if_in_order() -> None:
    for kind in MessageClass:
        for poss_dup in (False, True):
            high = SEQUENCE_RULES[kind][Numbering.HIGH, poss_dup]
            assert high != SequenceAction.PROCESS


def test_administrative_types_are_those_of_the_dialect() -> None:
    dialect = load_dialect()
    administrative = {
        bytes([row["msg_type"]])
        for row in dialect.messages
        if row["msg_type"] and not row["application"]
    }
    assert administrative == set(CLASS_OF_TYPE)
    assert message_class(b"4", True) == MessageClass.GAP_FILL
    assert message_class(b"4", False) == MessageClass.RESET
    assert message_class(b"D", True) == MessageClass.APPLICATION


def test_liveness_without_heartbeats_is_never_due() -> None:
    liveness = Liveness()
    liveness.start(0, 5)
    assert liveness.deadline_ns() == NEVER_NS
    assert liveness.due(1 << 60) == Due.NOTHING


@pytest.mark.parametrize("interval_s", [1, 10, 30, 3600])
def test_liveness_times(interval_s: int) -> None:
    liveness = Liveness()
    liveness.start(interval_s, 0)
    step = interval_s * SECOND_NS // 10
    assert liveness.deadline_ns() == 10 * step
    assert liveness.due(10 * step - 1) == Due.NOTHING
    assert liveness.due(10 * step) == Due.HEARTBEAT
    liveness.sent(10 * step)
    assert liveness.deadline_ns() == 12 * step
    assert liveness.due(12 * step) == Due.TEST_REQUEST
    liveness.sent(23 * step)
    assert liveness.deadline_ns() == 24 * step
    assert liveness.due(24 * step - 1) == Due.NOTHING
    assert liveness.due(24 * step) == Due.CLOSE
    liveness.received(24 * step)
    assert liveness.due(24 * step) == Due.NOTHING


def test_gap_is_asked_for_once_until_it_is_closed_or_stalls() -> None:
    gap = Gap()
    assert gap.must_ask(10, 5, 0)
    assert not gap.must_ask(11, 5, 1)
    gap.expects(8)
    assert not gap.must_ask(12, 8, GAP_TIMEOUT_NS)
    gap.expects(11)
    assert gap.must_ask(13, 11, GAP_TIMEOUT_NS)
    assert not gap.must_ask(14, 11, GAP_TIMEOUT_NS + 1)
    assert gap.must_ask(14, 11, 2 * GAP_TIMEOUT_NS)


def test_ranges_that_are_owed_are_bounded() -> None:
    resend = Resend()
    for begin in range(100, 0, -1):
        resend.ask(begin, begin + 1000)
    assert resend.pending and len(resend._ranges) <= RANGES_MAX
    assert resend._ranges[-1][0] == 1
    resend.clear()
    assert not resend.pending
