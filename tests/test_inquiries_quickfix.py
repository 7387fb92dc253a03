"""Lists of orders and instruments as a QuickFIX member reads them. Source: O-70 to O-73."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

from perf.client import front_symbol
from perf.venue import Venue
from tests.quickfix_client import FIX44, FIXT11, Member

ORDERS = 150  # more than two chunks


@pytest.mark.parametrize("begin", [FIX44, FIXT11])
def test_orders_and_instruments_are_listed(tmp_path: Path, begin: str) -> None:
    with Venue() as venue:
        alpha = Member("ALPHA", venue.fix_port, tmp_path, begin=begin).start()
        try:
            ask(alpha)
        finally:
            alpha.stop()


def ask(alpha: Member) -> None:
    symbol = front_symbol()
    for number in range(ORDERS):
        alpha.order(f"a{number}", "1", 1, "1.990", symbol)
        alpha.next(t150="0", t11=f"a{number}")
    alpha.send("AF", {584: "s", 585: "1", 55: symbol})
    for number in range(ORDERS):
        last = "Y" if number == ORDERS - 1 else "N"
        alpha.next(t150="I", t11=f"a{number}", t584="s", t911=str(ORDERS), t912=last)
    alpha.send("c", {320: "c", 321: "0", 55: symbol})
    said = alpha.next(t35="d", t320="c", t323="1", t55=symbol, t167="FUT")
    assert float(said[5301]) < float(said[5307]) < float(said[5302])
    alpha.send("x", {320: "x", 559: "3", 336: "SITB"})
    listed = 0
    while True:
        said = alpha.next(t35="y", t560="0")
        listed += int(said[146])
        if said[893] == "Y":
            break
    assert listed == int(said[393]) > 0
    alpha.send("x", {320: "x", 559: "0", 55: "NOSUCH"})
    alpha.next(t35="y", t560="2")
