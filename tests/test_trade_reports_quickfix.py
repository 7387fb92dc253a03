"""A QuickFIX member asks for its own trades, and hears of new ones. Source: O-150, O-151, O-176."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

from perf.client import front_symbol
from perf.venue import Venue
from tests.quickfix_client import FIX44, FIXT11, Member

TRADES = 70  # more than a chunk


@pytest.mark.parametrize("begin", [FIX44, FIXT11])
def test_a_member_reads_its_trades(tmp_path: Path, begin: str) -> None:
    with Venue() as venue:
        alpha = Member("ALPHA", venue.fix_port, tmp_path, begin=begin).start()
        bravo = Member("BRAVO", venue.fix_port, tmp_path).start()
        try:
            ask(alpha, bravo)
        finally:
            alpha.stop()
            bravo.stop()


def ask(alpha: Member, bravo: Member) -> None:
    symbol = front_symbol()
    fills = []
    for number in range(TRADES):
        alpha.order(f"a{number}", "1", 2, "2.000", symbol)
        alpha.next(t150="0")
        bravo.order(f"b{number}", "2", 2, "2.000", symbol)
        fills.append(alpha.next(t150="F"))
    alpha.send("AD", {568: "trades", 569: "1", 55: symbol})
    alpha.next(t35="AQ", t568="trades", t749="0", t750="0")
    for number, fill in enumerate(fills):
        last = "Y" if number == TRADES - 1 else "N"
        report = alpha.next(t35="AE", t568="trades", t912=last, t828="0", t150="F")
        for tag in (17, 527, 55, 54, 32, 31, 1, 37, 11, 60):
            assert report[tag] == fill[tag], tag
    alpha.next(t35="AQ", t750="1", t748=str(TRADES))
    alpha.send("AD", {568: "none", 569: "1", 55: "NOSUCH"})
    alpha.next(t35="AQ", t749="1", t750="2")
    follow(alpha, bravo, symbol)
    assert [one for one in alpha.admin if one[35] == "3"] == []


def follow(alpha: Member, bravo: Member, symbol: str) -> None:
    """A snapshot, then each trade besides its execution reports, until it is ended."""
    alpha.send("AD", {568: "live", 569: "1", 263: "1", 55: symbol})
    alpha.next(t35="AQ", t568="live", t749="0", t750="0")
    for number in range(TRADES):
        alpha.next(t35="AE", t568="live", t912="Y" if number == TRADES - 1 else "N")
    for number in range(3):
        alpha.order(f"c{number}", "1", 2, "2.000", symbol)
        alpha.next(t35="8", t150="0")
        bravo.order(f"d{number}", "2", 2, "2.000", symbol)
        fill = alpha.next(t35="8", t150="F")
        report = alpha.next(t35="AE", t568="live", t325="Y", t150="F")
        assert [report[tag] for tag in (17, 527, 37)] == [fill[tag] for tag in (17, 527, 37)]
    alpha.send("AD", {568: "live", 569: "1", 263: "2"})
    alpha.next(t35="AQ", t568="live", t749="0", t750="1", t748=str(TRADES + 3))
