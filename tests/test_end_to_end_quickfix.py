"""The whole venue as a process, traded by QuickFIX."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

from perf.client import front_symbol
from perf.venue import Venue
from tests.quickfix_client import FIX44, FIXT11, Member
from tests.relay import Relay


@pytest.fixture
def venue() -> Iterator[Venue]:
    with Venue() as running:
        yield running


@pytest.fixture(params=[FIX44, FIXT11])
def members(
    request: pytest.FixtureRequest, venue: Venue, tmp_path: Path
) -> Iterator[tuple[Member, Member]]:
    """In either dialect."""
    pair = [
        Member(name, venue.fix_port, tmp_path, begin=request.param) for name in ("ALPHA", "BRAVO")
    ]
    for member in pair:
        member.start()
    yield pair[0], pair[1]
    for member in pair:
        member.stop()


def test_trade_between_two_members(members: tuple[Member, Member]) -> None:
    alpha, bravo = members
    symbol = front_symbol()
    alpha.order("a1", "1", 5, "2.000", symbol)
    alpha.next(t35="8", t150="0", t39="0", t11="a1", t151="5", t14="0")
    bravo.order("b1", "2", 3, "1.990", symbol)
    bravo.next(t150="0", t11="b1")
    fill = bravo.next(t150="F", t39="2", t32="3", t151="0", t14="3", t6="2")
    assert float(fill[31]) == 2.0
    resting = alpha.next(t150="F", t39="1", t32="3", t151="2", t14="3", t11="a1")
    assert resting[17] != fill[17] and resting[55] == symbol
    alpha.replace("a2", "a1", "1", 4, "2.001", symbol)
    alpha.next(t150="5", t11="a2", t41="a1", t151="1", t38="4")
    alpha.cancel("a3", "a2", "1", symbol)
    alpha.next(t150="4", t39="4", t11="a3", t41="a2", t151="0")
    alpha.cancel("a4", "a2", "1", symbol)
    alpha.next(t35="9", t11="a4", t41="a2", t434="1", t102="0")


def test_rejects_carry_number_and_text(members: tuple[Member, Member]) -> None:
    alpha, _ = members
    alpha.order("r1", "1", 1, "2.0005", front_symbol())
    rejected = alpha.next(t150="8", t39="8", t11="r1")
    assert "tick" in rejected[58]
    alpha.order("r1", "1", 1, "2.000", front_symbol())
    alpha.next(t150="8", t11="r1", t103="6")
    alpha.order("r2", "1", 1, "2.000", "NOSUCH2612")
    alpha.next(t150="8", t11="r2", t103="1")
    alpha.send("q", {11: "mc1", 530: "7", 60: "20261120-10:00:00"})
    alpha.next(t35="r", t11="mc1", t530="7", t531="7")


def test_stop_orders_wait_and_are_triggered(members: tuple[Member, Member]) -> None:
    alpha, bravo = members
    symbol = front_symbol()
    alpha.order("w1", "1", 2, "1.000", symbol, t40="3", t99="1.990")
    alpha.next(t150="8", t11="w1", t99="1.99", t58="stop price on the wrong side of the last trade")
    alpha.order("w2", "1", 2, "1.000", symbol, t40="3", t99="2.010")
    assert 44 not in alpha.next(t150="0", t39="0", t11="w2", t40="3", t99="2.01", t151="2")
    alpha.order("w3", "1", 5, "2.013", symbol, t40="4", t99="2.010")
    alpha.next(t150="0", t11="w3", t40="4", t44="2.013", t99="2.01")
    alpha.send("H", {11: "w3", 55: symbol, 54: "1"})
    alpha.next(t150="I", t39="0", t40="4", t44="2.013", t99="2.01", t151="5")
    terms = {55: symbol, 54: "1", 60: "20261120-10:00:00", 38: "4", 40: "4", 44: "2.012"}
    alpha.send("G", {41: "w3", 11: "w4", **terms, 99: "2.010"})
    alpha.next(t150="5", t11="w4", t41="w3", t40="4", t44="2.012", t99="2.01", t151="4")
    alpha.send("G", {41: "w4", 11: "w5", **terms})
    alpha.next(t35="j", t380="5", t45="7")
    bravo.order("v1", "2", 5, "2.010", symbol)
    bravo.next(t150="0", t11="v1")
    alpha.order("w6", "1", 1, "2.010", symbol, t8000="N", t7928="9")
    alpha.next(t150="0", t11="w6")
    alpha.next(t150="F", t11="w6", t39="2")
    alpha.next(t150="L", t11="w2", t39="0", t40="1", t99="2.01", t151="2")
    alpha.next(t150="F", t11="w2", t39="2", t32="2", t31="2.01", t99="2.01")
    alpha.next(t150="L", t11="w4", t39="0", t40="2", t44="2.012", t99="2.01", t151="4")
    alpha.next(t150="F", t11="w4", t39="1", t32="2", t31="2.01", t151="2")
    alpha.cancel("w7", "w4", "1", symbol)
    alpha.next(t150="4", t11="w7", t41="w4", t39="4", t40="2")


def quoted(symbol: str, bid: str, ask: str, lots: str = "5") -> dict[int, str]:
    """An entry of a mass quote with both sides."""
    return {55: symbol, 132: bid, 133: ask, 134: lots, 135: lots}


def test_a_maker_quotes_and_is_hit(members: tuple[Member, Member]) -> None:
    """Mass quotes of three instruments, one refused; fills; cancels of one and of all."""
    alpha, bravo = members
    symbol, later = front_symbol(), front_symbol(2)
    alpha.mass_quote("q1", quoted(symbol, "1.990", "2.010"), quoted(later, "2.000", "2.000"),
                     quoted("NOSUCH", "1", "2"))  # fmt: skip
    assert 300 not in alpha.next(t35="b", t117="q1", t297="0")
    alpha.next(t35="b", t117="q1", t297="5", t302="1", t299="2", t55=later, t368="7")
    alpha.next(t35="b", t117="q1", t297="5", t299="3", t55="[N/A]", t368="1")
    bravo.order("b1", "1", 2, "2.010", symbol)
    bravo.next(t150="0", t11="b1")
    bravo.next(t150="F", t39="2", t11="b1", t31="2.01")
    hit = alpha.next(t35="8", t150="F", t39="1", t11="q1", t54="2", t32="2", t151="3")
    assert 44 not in hit
    alpha.mass_quote("q2", quoted(symbol, "1.991", "2.009"))
    alpha.next(t35="b", t117="q2", t297="0")
    bravo.order("b2", "2", 1, "1.991", symbol)
    bravo.next(t150="0", t11="b2")
    bravo.next(t150="F", t39="2", t11="b2", t31="1.991")
    alpha.next(t150="F", t39="1", t11="q2", t54="1", t32="1", t151="4")
    alpha.mass_quote("q2", quoted(symbol, "1.991", "2.009"))
    alpha.next(t35="b", t117="q2", t297="5", t300="6")
    alpha.quote_cancel("c1", "1", symbol)
    alpha.next(t35="b", t117="c1", t297="1")
    bravo.order("b3", "1", 1, "2.010", symbol)
    bravo.next(t150="0", t11="b3", t39="0")
    alpha.mass_quote("q3", {55: symbol, 133: "2.010", 135: "4"})
    alpha.next(t35="b", t117="q3", t297="0")
    alpha.next(t150="F", t39="1", t11="q3", t54="2", t851="2", t151="3")
    bravo.next(t150="F", t39="2", t11="b3")
    alpha.quote_cancel("c2", "4")
    alpha.next(t35="b", t117="c2", t297="4")
    bravo.quote_request("r1", symbol, t54="1")
    asked = alpha.next(t35="R", t146="1", t55=symbol, t54="1")
    alpha.mass_quote("q4", quoted(symbol, "1.990", "2.010"), t131=asked[131])
    alpha.next(t35="b", t117="q4", t297="0")
    bravo.quote_request("r2", "NOSUCH")
    bravo.next(t35="b", t131="r2", t297="5", t300="1")


def test_order_status(members: tuple[Member, Member]) -> None:
    alpha, _ = members
    symbol = front_symbol()
    alpha.order("s1", "1", 5, "1.950", symbol)
    alpha.next(t150="0")
    ask = {11: "s1", 55: symbol, 54: "1", 790: "ask-1"}
    alpha.send("H", ask)
    alpha.next(t35="8", t150="I", t39="0", t11="s1", t151="5", t790="ask-1")
    alpha.cancel("s2", "s1", "1", symbol)
    alpha.next(t150="4", t11="s2")
    alpha.send("H", ask)
    alpha.next(t150="I", t39="4", t151="0", t790="ask-1")
    alpha.send("H", {**ask, 11: "never"})
    unknown = alpha.next(t150="I", t39="8", t11="never")
    assert unknown[58] == "unknown order"


def test_fills_while_away_come_by_resend(members: tuple[Member, Member]) -> None:
    alpha, bravo = members
    symbol = front_symbol()
    alpha.order("g1", "1", 2, "1.950", symbol, t59="1")
    alpha.next(t150="0")
    alpha.stop()  # a Logout: the order stays
    bravo.order("h1", "2", 2, "1.950", symbol)
    bravo.next(t150="0")
    bravo.next(t150="F")
    alpha.start()
    filled = alpha.next(t150="F", t39="2", t11="g1", t32="2")
    assert filled.get(43) == "Y"


def test_a_dropped_line_cancels_day_orders_and_sequence_numbers_go_on(
    venue: Venue, tmp_path: Path
) -> None:
    relay = Relay(venue.fix_port)
    alpha = Member("ALPHA", relay.port, tmp_path).start()
    bravo = Member("BRAVO", venue.fix_port, tmp_path).start()
    try:
        symbol = front_symbol()
        alpha.order("d1", "1", 2, "1.940", symbol)
        alpha.order("d2", "1", 2, "1.930", symbol, t59="1")
        alpha.next(t150="0", t11="d1")
        alpha.next(t150="0", t11="d2")
        relay.cut()  # QuickFIX comes back by itself
        gone = alpha.next(t150="4", t39="4", t11="d1")
        assert gone.get(43) == "Y"
        bravo.order("e1", "2", 4, "1.930", symbol, t59="3")
        bravo.next(t150="0")
        bravo.next(t150="F", t32="2")
        bravo.next(t150="4", t11="e1")
        alpha.next(t150="F", t11="d2")
        assert alpha.logons == 2
    finally:
        alpha.stop()
        bravo.stop()
        relay.close()


def test_a_killed_venue_comes_back_and_the_member_recovers(venue: Venue, tmp_path: Path) -> None:
    alpha = Member("ALPHA", venue.fix_port, tmp_path).start()
    try:
        symbol = front_symbol()
        for i in range(20):
            alpha.order(f"k{i}", "1", 1, "1.900", symbol, t59="1")
        for i in range(20):
            alpha.next(t150="0", t11=f"k{i}")
        venue.kill()
        alpha.wait_until(lambda: not alpha.logged_on)
        venue.start()
        alpha.wait_until(lambda: alpha.logged_on)
        alpha.send("q", {11: "all", 530: "7", 60: "20261120-10:00:00"})
        cancelled = {alpha.next(t150="4")[11] for _ in range(20)}
        assert cancelled == {f"k{i}" for i in range(20)}
        alpha.next(t35="r", t533="20")
    finally:
        alpha.stop()


def test_status_of_an_instrument_and_of_trading_sessions(members: tuple[Member, Member]) -> None:
    alpha, _ = members
    symbol = front_symbol()
    alpha.send("e", {324: "s1", 55: symbol, 263: "1"})
    said = alpha.next(t35="f", t324="s1", t55=symbol, t326="17", t625="NONE")
    assert float(said[5301]) < float(said[5302])
    alpha.send("g", {335: "t1", 336: said[336], 263: "0"})
    alpha.next(t35="h", t335="t1", t336=said[336], t340="2")
    alpha.send("e", {324: "s2", 55: "NOSUCH", 263: "0"})
    alpha.next(t35="f", t324="s2", t326="20", t58="unknown Symbol (55)")


def operate(venue: Venue, *command: str) -> str:
    """What `sitex halt`, `resume`, `kill` or `release` prints."""
    asked = [sys.executable, "-m", "gateway.cli", *command, "--reason", "drill"]
    return subprocess.run(
        [*asked, "--data", str(venue.directory)], capture_output=True, text=True, check=True
    ).stdout


def test_an_operator_halts_and_resumes_what_members_trade(
    venue: Venue, members: tuple[Member, Member]
) -> None:
    alpha, _ = members
    symbol = front_symbol()
    alpha.order("o1", "1", 1, "1.900", symbol)
    alpha.next(t150="0", t11="o1")
    alpha.send("e", {324: "s1", 55: symbol, 263: "1"})
    alpha.next(t35="f", t326="17")
    assert operate(venue, "halt", symbol) == f"halted: {symbol}\n"
    alpha.next(t35="f", t324="s1", t325="Y", t326="2", t625="HALTED")
    for one in members:
        one.next(t35="B", t58=f"{symbol} halted by the operator: drill")
    alpha.order("o2", "1", 1, "1.900", symbol)
    assert "takes no orders" in alpha.next(t150="8", t11="o2")[58]
    alpha.cancel("o3", "o1", "1", symbol)
    alpha.next(t150="4", t11="o3")
    assert operate(venue, "resume", symbol) == f"resumed: {symbol}\n"
    alpha.next(t35="f", t324="s1", t325="Y", t326="17", t625="CONTINUOUS")
    for one in members:
        one.next(t35="B", t58=f"{symbol} resumed by the operator: drill")
    alpha.order("o4", "1", 1, "1.900", symbol)
    alpha.next(t150="0", t11="o4")


def test_an_operator_kills_and_releases_a_member(
    venue: Venue, members: tuple[Member, Member]
) -> None:
    alpha, bravo = members
    symbol = front_symbol()
    alpha.order("x1", "1", 1, "1.900", symbol)
    alpha.next(t150="0", t11="x1")
    said = operate(venue, "kill", "--member", "ALPHA")
    assert said.startswith("killed: ALPHA, orders cancelled: ")
    alpha.next(t150="4", t11="x1", t58="kill switch")
    alpha.order("x2", "1", 1, "1.900", symbol)
    assert "kill switch" in alpha.next(t150="8", t11="x2")[58]
    bravo.order("y1", "1", 1, "1.900", symbol)
    bravo.next(t150="0", t11="y1")
    assert operate(venue, "release", "--member", "ALPHA") == "released: ALPHA\n"
    alpha.order("x3", "1", 1, "1.900", symbol)
    alpha.next(t150="0", t11="x3")
