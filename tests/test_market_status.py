"""SecurityStatus and TradingSessionStatus: the real session, desk, engine and reporter."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.types import COMMAND, CommandKind, Phase, ProductFeature
from gateway.assembly import Assembly
from gateway.interventions import Interventions
from gateway.market_status import REQUEST_ID_CHARS, STATUSES, SUBSCRIPTIONS_MAX
from gateway.message import Field
from gateway.operator import Halt, Resume
from gateway.values import format_timestamp
from tests.member_rig import FROM_NS, OPENS_NS, Member, opened
from tests.test_schedule import MINUTE, pass_time

pytestmark = pytest.mark.kernels
SYMBOL, OTHER = "SITB2701", "SITB2702"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    yield from opened(tmp_path, FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    with socket.socket() as peer:
        yield Member(parts, peer)


def security(symbol: str, how: int, request_id: str = "s1") -> tuple[bytes, *tuple[Field, ...]]:
    return b"e", (324, request_id), (55, symbol), (263, how)


def test_o40_every_phase_has_its_statuses():
    assert set(STATUSES) == set(Phase)


def test_o40_a_snapshot_tells_phase_limits_and_scheduled_end(parts: Assembly, member: Member):
    (said,) = member.ask(*security(SYMBOL, 0))
    assert (said[35], said[324], said[55], said[336]) == ("f", "s1", SYMBOL, "SITB")
    assert (said[625], said[326]) == ("CLOSED", "18")
    assert said[5306] == format_timestamp(OPENS_NS, 9).decode()
    row = parts.sequencer.engine.tables().instruments[
        int(parts.registry.known.instruments[SYMBOL]["instrument"])
    ]
    assert round(float(said[5301]) * 10**9) == row["low"]
    assert round(float(said[5302]) * 10**9) == row["high"]
    assert not {31, 332, 333, 325, 58, 5303, 5304, 5305} & set(said)


def test_o40_a_call_tells_its_indicative_terms_and_trades_tell_the_last_price(
    parts: Assembly, member: Member
):
    pass_time(parts, OPENS_NS)
    member.heard()
    hidden = parts.registry.known.products["SITB"]["features"] & ProductFeature.AUCTION_HIDDEN
    for number, side in enumerate("12"):
        order = [(11, f"c{number}"), (55, SYMBOL), (54, side), (60, format_timestamp(FROM_NS))]
        order += [(38, 3 + number), (40, "2"), (44, "2.000"), (59, "0"), (77, "O")]
        assert member.ask(b"D", *order)[0][39] == "0"
    (said,) = member.ask(*security(SYMBOL, 0))
    assert (said[625], said[326], said[5303]) == ("PRE_OPEN", "21", "2")
    assert (said.get(5304), said.get(5305)) == ((None, None) if hidden else ("3", "-1"))
    pass_time(parts, OPENS_NS + 6 * MINUTE)
    member.heard()
    (said,) = member.ask(*security(SYMBOL, 0))
    assert (said[625], said[326], said[31]) == ("CONTINUOUS", "17", "2")
    assert 5303 not in said


def test_o44_high_and_low_of_the_trading_date(parts: Assembly, member: Member):
    """An uncross at 2, then a trade above and one below; the next date begins without."""

    def trade(name: str, price: str) -> None:
        for scope, side in enumerate("12", 1):
            order = [
                (11, f"{name}{side}"),
                (55, SYMBOL),
                (54, side),
                (60, format_timestamp(FROM_NS)),
            ]
            order += [(38, 1), (40, "2"), (44, price), (59, "0"), (77, "O"), (7928, scope)]
            assert member.ask(b"D", *order)[0][39] == "0"

    def told() -> tuple[str | None, ...]:
        (said,) = member.ask(*security(SYMBOL, 0))
        return said.get(332), said.get(333), said.get(31)

    pass_time(parts, OPENS_NS)
    member.heard()
    trade("a", "2.000")
    assert told() == (None, None, None)
    pass_time(parts, OPENS_NS + 6 * MINUTE)
    member.heard()
    assert told() == ("2", "2", "2")
    trade("b", "2.005")
    trade("c", "1.995")
    trade("d", "2.001")
    assert told() == ("2.005", "1.995", "2.001")
    pass_time(parts, OPENS_NS + 24 * 60 * MINUTE)
    member.heard()
    assert told() == (None, None, None)


def test_o42_a_subscription_has_updates_until_it_is_stopped(parts: Assembly, member: Member):
    member.ask(*security(SYMBOL, 1))
    member.ask(*security(OTHER, 0, "s2"))
    pass_time(parts, OPENS_NS)
    (said,) = member.heard()
    assert (said[35], said[324], said[325], said[625]) == ("f", "s1", "Y", "PRE_OPEN")
    pass_time(parts, OPENS_NS + MINUTE)
    assert member.heard() == [], "nothing is told twice"
    assert member.ask(*security(SYMBOL, 2)) == []
    pass_time(parts, OPENS_NS + 6 * MINUTE)
    assert member.heard() == []
    (said,) = member.ask(*security(SYMBOL, 2))
    assert (said[326], said[58]) == ("20", "no subscription of this id")


def test_o41_trading_sessions_are_products(parts: Assembly, member: Member):
    said = member.ask(b"g", (335, "t1"), (263, 1))
    codes = list(parts.registry.known.products)
    assert [one[336] for one in said] == codes
    assert {(one[35], one[335], one[340]) for one in said} <= {("h", "t1", "3"), ("h", "t1", "2")}
    pass_time(parts, OPENS_NS)
    said = member.heard()
    assert said and {one[325] for one in said} == {"Y"}
    told = {one[336]: (one[625], one[340]) for one in said}
    assert told["SITB"] == ("PRE_OPEN", "4")
    (said,) = member.ask(b"g", (335, "t2"), (336, "SITB"), (263, 0))
    assert (said[336], said[625]) == ("SITB", "PRE_OPEN") and 325 not in said


def test_o43_what_is_unknown_is_told_in_the_answer(member: Member):
    (said,) = member.ask(*security("NOSUCH", 1))
    assert (said[35], said[55], said[326], said[58]) == ("f", "NOSUCH", "20", "unknown Symbol (55)")
    (said,) = member.ask(b"g", (335, "t"), (336, "NOSUCH"), (263, 0))
    assert (said[340], said[567], said[58]) == ("6", "1", "unknown TradingSessionID (336)")
    (said,) = member.ask(b"e", (324, "s"), (55, SYMBOL), (263, 7))
    assert (said[35], said[373], said[371]) == ("3", "5", "263")
    (said,) = member.ask(b"e", (324, "s"), (55, SYMBOL))
    assert (said[35], said[373], said[371]) == ("3", "1", "263")


def test_o42_ids_and_subscriptions_are_bounded(parts: Assembly, member: Member):
    (said,) = member.ask(*security(SYMBOL, 0, "x" * (REQUEST_ID_CHARS + 1)))
    assert (said[35], said[380], said[372]) == ("j", "0", "e") and "324" in said[58]
    for number in range(SUBSCRIPTIONS_MAX):
        (said,) = member.ask(*security(SYMBOL, 1, f"s{number}"))
        assert said[326] == "18"
    (said,) = member.ask(*security(SYMBOL, 1, "one more"))
    assert (said[326], said[58]) == ("20", f"more than {SUBSCRIPTIONS_MAX} subscriptions")
    (said,) = member.ask(*security(SYMBOL, 1, "s0"))
    assert said[326] == "18", "an id in use begins anew"


@pytest.mark.parametrize("how", ["logout", "drop"])
def test_o42_subscriptions_end_with_the_connection(how: str, parts: Assembly, member: Member):
    member.ask(*security(SYMBOL, 1))
    assert parts.reporter.inquiries.market.watched
    if how == "logout":
        member.send(member.encode(b"5", []))
    else:
        member.line.connection_lost(None)
        member.log_on()
    assert not parts.reporter.inquiries.market.watched
    member.heard()
    pass_time(parts, OPENS_NS)
    assert [one for one in member.heard() if one[35] == "f"] == []


def test_o42_a_halt_of_the_venue_is_an_update(parts: Assembly, member: Member):
    pass_time(parts, OPENS_NS + 6 * MINUTE)
    member.ask(*security(SYMBOL, 1))
    halt = np.zeros(1, COMMAND)
    halt["kind"] = CommandKind.HALT
    parts.venue.report(parts.sequencer.submit(halt), time.time_ns())
    (said,) = member.heard()
    assert (said[625], said[326], said[58]) == ("CONTINUOUS", "2", "venue halted")


def test_answers_and_updates_are_sent_again_as_they_were(parts: Assembly, member: Member):
    (first,) = member.ask(*security(SYMBOL, 1))
    pass_time(parts, OPENS_NS)
    (second,) = member.heard()
    again = member.ask(b"2", (7, int(first[34])), (16, 0))
    for sent, resent in zip((first, second), again, strict=True):
        body = {tag: value for tag, value in resent.items() if tag not in (9, 10, 43, 52, 122)}
        assert body == {tag: value for tag, value in sent.items() if tag not in (9, 10, 52)}
        assert resent[43] == "Y"


def test_o40_a_halt_by_the_operator_is_told_with_its_reason(parts: Assembly, member: Member):
    asked = security(SYMBOL, 1)
    assert 58 not in member.ask(*asked)[0]
    act = Interventions(parts).act
    act(Halt(SYMBOL, "index late\x01\u00e9"), time.time_ns())
    told, _ = member.heard()  # the other is news
    assert (told[325], told[326]) == ("Y", "2")
    assert told[58] == "halted by the operator: index late??"
    parts.reporter.inquiries.market.reasons.clear()  # as after a restart
    assert member.ask(*security(SYMBOL, 0, "s2"))[0][58] == "halted by the operator"
    act(Resume(SYMBOL, "index is there"), time.time_ns())
    assert 58 not in member.heard()[0]
