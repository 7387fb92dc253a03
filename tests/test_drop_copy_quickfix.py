"""A drop copy session with QuickFIX, over reconnects and kills of the venue: O-145, O-146."""

from __future__ import annotations

import queue
from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

from perf.client import front_symbol
from perf.venue import Venue
from specs.venue import VENUE_FILE
from tests.quickfix_client import FIXT11, Member

REPORTS = 6  # of what trade() does once
SESSION_FIELDS = {8, 9, 10, 34, 43, 49, 52, 56, 97, 122}
DESK = """name = "CHARLIE"
sessions = ["CHARLIE", "DESK"]
[member.session.DESK]
drop_copy = ["ALPHA", "BRAVO"]
"""


def config_with_desk(folder: Path) -> Path:
    text = VENUE_FILE.read_text().replace('name = "CHARLIE"\n', DESK, 1)
    place = folder / "venue.toml"
    place.write_text(text)
    return place


def taken(member: Member) -> list[dict[int, str]]:
    found = []
    while True:
        try:
            found.append(member.received.get_nowait())
        except queue.Empty:
            return found


def trade(alpha: Member, bravo: Member, names: str, count: int) -> None:
    """A bid of ALPHA that BRAVO sells to, and one that ALPHA takes back."""
    symbol = front_symbol()
    for number in range(count):
        name = f"{names}{number}"
        alpha.order(f"a{name}", "1", 2, "2.000", symbol)
        bravo.order(f"b{name}", "2", 2, "2.000", symbol)
        alpha.order(f"c{name}", "1", 1, "1.900", symbol)
        alpha.cancel(f"d{name}", f"c{name}", "1", symbol)
    seen = {11: ""}
    while not (seen[11] == f"d{names}{count - 1}" and seen.get(39) == "4"):
        seen = alpha.next()
        alpha_told.append(seen)
    while seen.get(11) != f"b{names}{count - 1}" or seen.get(39) != "2":
        seen = bravo.next()
        bravo_told.append(seen)


alpha_told: list[dict[int, str]] = []
bravo_told: list[dict[int, str]] = []


def test_each_execution_comes_once(tmp_path: Path) -> None:
    alpha_told.clear()
    bravo_told.clear()
    copies: list[dict[int, str]] = []

    def all_told(trades: int) -> bool:
        copies.extend(taken(desk))
        alpha_told.extend(taken(alpha))
        bravo_told.extend(taken(bravo))
        return len(copies) == len(alpha_told) + len(bravo_told) == REPORTS * trades

    with Venue(config=config_with_desk(tmp_path)) as venue:
        alpha = Member("ALPHA", venue.fix_port, tmp_path).start()
        bravo = Member("BRAVO", venue.fix_port, tmp_path).start()
        desk = Member("DESK", venue.fix_port, tmp_path, begin=FIXT11).start()
        everybody = [alpha, bravo, desk]
        try:
            trade(alpha, bravo, "x", 10)
            desk.wait_until(lambda: all_told(10))
            desk.stop()
            trade(alpha, bravo, "y", 30)
            desk.start()
            desk.wait_until(lambda: all_told(40))
            for life, trades in (("p", 55), ("q", 70)):
                trade(alpha, bravo, life, 10)
                venue.kill()
                venue.start()
                desk.wait_until(lambda: all(one.logged_on for one in everybody))
                trade(alpha, bravo, f"{life}r", 5)
                desk.wait_until(lambda trades=trades: all_told(trades))
            desk.send("D", {11: "no", 55: front_symbol(), 54: "1", 60: "20261120-10:00:00",
                            38: "1", 40: "2", 44: "2"})  # fmt: skip
            said = desk.next(t35="j", t380="6")
            assert "drop copy" in said[58]
        finally:
            for one in everybody:
                one.stop()
    numbers = [int(one[17]) for one in copies]
    assert numbers == sorted(set(numbers)), "in order, each once"
    wanted = {int(one[17]): body(one) for one in alpha_told + bravo_told}
    assert {int(one[17]): body(one) for one in copies} == wanted


def body(message: dict[int, str]) -> dict[int, str]:
    return {tag: value for tag, value in message.items() if tag not in SESSION_FIELDS}
