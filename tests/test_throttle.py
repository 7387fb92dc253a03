"""Rates of a session: the bucket, and what a session over its rate is told."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.counterparty import Rates
from gateway.facts import Lost
from gateway.liveness import SECOND_NS
from gateway.policy import Policy
from gateway.states import State
from gateway.throttle import Bucket, Patience
from tests.session_rig import ORDER, START_NS, Rig, encode_line, parse_out
from tests.session_script import LOGON

CANCEL = "F 34={} 11={} 41=A1 55=SITB2612 54=1 60=@0"


class Member:
    """ALPHA's line over a rate; what the venue says, as MsgType and Text."""

    def __init__(self, rates: Rates, policy: Policy | None = None) -> None:
        self.rig = Rig(policy)
        self.rig.party.rates = rates
        self.number = 1
        self.say(LOGON)

    def say(self, line: str) -> list[tuple[str, str]]:
        self.rig.receive(encode_line(line, self.rig.now_ns))
        self.number += 1
        said = [dict(one) for one in parse_out(self.rig.taken_all())]
        return [(one["35"], one.get("58", "")) for one in said]

    def order(self) -> list[tuple[str, str]]:
        return self.say(ORDER.format(self.number, f"A{self.number}"))

    def cancel(self) -> list[tuple[str, str]]:
        return self.say(CANCEL.format(self.number, f"C{self.number}"))


def test_o110_a_burst_and_then_evenly():
    member = Member(Rates(messages=2, burst=5))
    refused = [("j", "more than 2 messages a second")]
    assert [member.order() for _ in range(6)] == [[]] * 5 + [refused]
    member.rig.wait(0.4)
    assert member.order() == refused
    member.rig.wait(0.1)
    assert (member.order(), member.order()) == ([], refused)
    member.rig.wait(20)
    assert [member.order() for _ in range(6)] == [[]] * 5 + [refused]
    assert member.rig.party.throttled == 4


def test_o172_of_what_is_beyond_the_rate_one_is_refused_in_a_turn():
    rig = Member(Rates(messages=2, burst=3)).rig
    burst = b"".join(encode_line(ORDER.format(n, f"A{n}"), rig.now_ns) for n in range(2, 9))
    buffer = np.zeros(len(burst) + 64, np.uint8)
    buffer[: len(burst)] = np.frombuffer(burst, np.uint8)
    start, refused = 0, []
    while start < len(burst):
        start += rig.session.receive(buffer, start, len(burst), rig.now_ns)[0]
        refused.append([dict(one)["45"] for one in parse_out(rig.taken_all())])
    assert refused == [["5"], ["6"], ["7"], ["8"]]


def test_o110_zero_forbids():
    assert Member(Rates(messages=0)).order() == [("j", "more than 0 messages a second")]


def test_o111_cancels_have_a_budget_of_their_own():
    member = Member(Rates(messages=2, cancels=3))
    assert [member.order() for _ in range(2)] == [[]] * 2
    assert member.order() == [("j", "more than 2 messages a second")]
    assert [member.cancel() for _ in range(3)] == [[]] * 3
    assert member.cancel() == [("j", "more than 3 cancels a second")]
    kinds = [kind for _, _, kind in member.rig.named_rows()]
    assert kinds == ["NEW_ORDER"] * 2 + ["REFUSED"] + ["CANCEL"] * 3 + ["REFUSED"]
    member.rig.wait(1)
    assert member.cancel() == [] and member.order() == []


def test_o112_who_goes_on_is_logged_out():
    member = Member(Rates(messages=1), Policy(throttled_seconds_max=3))
    text = "more than 1 messages a second"
    for second in range(3):
        assert member.order() == []
        said = member.order()
        assert said[0] == ("j", text)
        member.rig.wait(1)
        assert len(said) == (2 if second == 2 else 1)
    assert said[1] == ("5", f"{text}, for 3 seconds")
    assert member.rig.session.state == State.CLOSED
    assert isinstance(member.rig.facts[-1], Lost)


def test_o112_a_quiet_second_ends_the_count():
    member = Member(Rates(messages=1), Policy(throttled_seconds_max=3))
    for _ in range(8):
        member.order()
        member.order()
        member.rig.wait(1 if member.number % 4 else 2)
    assert member.rig.session.state == State.ACTIVE


def test_patience_counts_seconds_in_a_row():
    patience = Patience()
    at = [5.0, 5.9, 6.0, 7.5, 9.0, 10.0]
    assert [patience.refused(round(one * SECOND_NS)) for one in at] == [1, 1, 2, 3, 1, 2]


@given(
    rate=st.integers(1, 50_000_000),
    burst=st.integers(0, 100_000),
    turns=st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 200)), max_size=60),
)
def test_o110_never_more_than_rate_and_burst(rate: int, burst: int, turns: list[tuple[int, int]]):
    """Over any time, what is taken is at most a burst and what the time brings."""
    bucket, now_ns, taken = Bucket(rate, burst), START_NS, 0
    message_ns = max(SECOND_NS // rate, 1)
    for pause_ns, wanted in turns:
        now_ns += pause_ns
        allowed = bucket.allowed(now_ns)
        assert 0 <= allowed <= (burst or rate)
        count = min(wanted, allowed)
        bucket.since_ns += count * bucket.message_ns
        taken += count
        assert taken <= (burst or rate) + (now_ns - START_NS) // message_ns


@pytest.mark.parametrize("step_s", [-3_600, -1, 0])
def test_o5_debt_and_a_clock_set_back_cost_one_burst_at_most(step_s: int):
    bucket = Bucket(10, 5)
    now_ns = START_NS
    assert bucket.allowed(now_ns) == 5
    bucket.since_ns += 500 * bucket.message_ns
    now_ns += step_s * SECOND_NS
    assert bucket.allowed(now_ns) == 0
    assert bucket.allowed(now_ns + SECOND_NS // 2) == 0
    assert bucket.allowed(now_ns + SECOND_NS // 2 + SECOND_NS // 10) == 1
