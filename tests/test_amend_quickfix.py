"""Busts and corrections as QuickFIX members see them, over a restart too. Source: O-65, O-6."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

from perf.client import front_symbol
from perf.venue import Venue
from tests.quickfix_client import FIX44, FIXT11, Member


def operate(venue: Venue, *arguments: str, code: int = 0) -> str:
    """What `sitex` prints; it must exit with the code."""
    asked = [sys.executable, "-m", "gateway.cli", *arguments, "--reason", "drill"]
    done = subprocess.run(
        [*asked, "--data", str(venue.directory)], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done
    return done.stdout + done.stderr


def test_a_trade_is_corrected_and_busted(tmp_path: Path) -> None:
    with Venue() as venue:
        alpha, bravo = (
            Member(name, venue.fix_port, tmp_path).start() for name in ("ALPHA", "BRAVO")
        )
        try:
            amend(venue, alpha, bravo)
        finally:
            alpha.stop()
            bravo.stop()


def amend(venue: Venue, alpha: Member, bravo: Member) -> None:
    symbol = front_symbol()
    alpha.order("a1", "1", 5, "2.000", symbol, t59="1")
    alpha.next(t150="0", t11="a1")
    bravo.order("b1", "2", 3, "2.000", symbol)
    bravo.next(t150="0", t11="b1")
    sold = bravo.next(t150="F", t39="2", t32="3")
    bought = alpha.next(t150="F", t39="1", t32="3", t151="2")
    number = sold[527]
    said = operate(venue, "correct", number, "--price", "2.001")
    assert said == f"corrected: trade {number}, 3 {symbol} at 2.001 instead of 2, BRAVO and ALPHA\n"
    alpha.next(t150="G", t19=bought[17], t527=number, t39="1", t31="2.001", t6="2.001", t14="3")
    fixed = bravo.next(t150="G", t19=sold[17], t39="2", t31="2.001", t32="3", t14="3", t151="0")
    said = operate(venue, "bust", number)
    assert said == f"busted: trade {number}, 3 {symbol} at 2.001, BRAVO and ALPHA\n"
    alpha.next(t150="H", t527=number, t39="0", t38="2", t14="0", t151="2", t6="0")
    gone = bravo.next(t150="H", t19=fixed[17], t39="4", t38="3", t14="0", t151="0", t6="0")
    said = operate(venue, "bust", number, code=1)
    assert said == f"sitex bust: trade {number}: trade is busted already\n"
    bravo.send("H", {11: "b1", 55: symbol, 54: "2"})
    bravo.next(t150="I", t39="4", t14="0")
    alpha.cancel("a2", "a1", "1", symbol)
    alpha.next(t150="4", t11="a2", t14="0", t38="2")
    alpha.order("a3", "1", 1, "1.990", symbol)
    alpha.next(t150="0", t11="a3")
    alpha.stop()  # a Logout: the next bust is told by resend
    bravo.order("b2", "2", 1, "1.990", symbol)
    bravo.next(t150="0", t11="b2")
    operate(venue, "bust", bravo.next(t150="F")[527])
    assert bravo.next(t150="H", t11="b2")[17] > gone[17]
    venue.kill()
    venue.start()
    alpha.start()
    alpha.next(t150="F", t11="a3")
    assert alpha.next(t150="H", t11="a3", t39="4", t14="0").get(43) == "Y"


@pytest.mark.parametrize("begin", [FIX44, FIXT11])
def test_a_block_is_reported_by_both_sides(tmp_path: Path, begin: str) -> None:
    with Venue() as venue:
        alpha, bravo = (
            Member(name, venue.fix_port, tmp_path, begin=begin).start()
            for name in ("ALPHA", "BRAVO")
        )
        try:
            symbol = front_symbol()
            alpha.block("k1", "1", symbol, "BRAVO")
            alpha.next(t35="AR", t571="k1", t150="0", t939="0", t820="LINK")
            bravo.block("k2", "2", symbol, "ALPHA", t31="2.011")
            refused = bravo.next(t35="AR", t571="k2", t150="8", t939="1", t751="99")
            assert "report differs" in refused[58]
            bravo.block("k3", "2", symbol, "ALPHA")
            sold = bravo.next(t35="AR", t571="k3", t150="F", t32="600", t31="2.01")
            bought = alpha.next(t35="AR", t571="k1", t150="F", t527=sold[527])
            bravo.block("k3", "2", symbol, "ALPHA")
            bravo.next(t35="AR", t571="k3", t150="8", t58="ClOrdID already used this venue day")
            said = operate(venue, "bust", sold[527])
            assert said.startswith(f"busted: trade {sold[527]}, 600 {symbol} at 2.01")
            alpha.next(t35="AR", t571="k1", t150="H", t19=bought[17])
            bravo.next(t35="AR", t571="k3", t150="H", t19=sold[17])
        finally:
            alpha.stop()
            bravo.stop()
