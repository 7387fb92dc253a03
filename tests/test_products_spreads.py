"""Spreads of the catalogue: which are listed, and the rows that define them.

Source: specs/matching.md M-230.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.reference import INSTRUMENT
from engine.types import CommandKind, ProductFeature
from gateway.definitions import Known, missing
from specs.loading import SpecError
from specs.products import PRODUCTS_FILE, load_products
from specs.venue import load_venue

DAY = date(2026, 11, 20)
SPREAD = """
calendar_spreads = [1, 3]
implied_prices = true
"""
TOKEN_GPU = """
bought = "SITB"
sold = "GH1"
"""


def catalogue_file(folder: Path, sitb: str = SPREAD, last: str = TOKEN_GPU) -> Path:
    """The catalogue with spreads of SITB, and INF: SITB against GH1."""
    parts = PRODUCTS_FILE.read_text().split("[[product]]\n")
    at = next(i for i, part in enumerate(parts) if 'code = "SITB"' in part)
    inf = parts[at].replace('code = "SITB"', 'code = "INF"')
    inf = inf.replace("multiplier = 1_000", "multiplier = 730")
    inf = inf.replace("tick = 0.001", "tick = 0.005")
    inf = inf.replace("reference_price = 2.000", "reference_price = -0.070")
    parts[at] = parts[at].rstrip() + sitb + "\n"
    file = folder / "products.toml"
    file.write_text("[[product]]\n".join([*parts, inf.rstrip() + last]))
    return file


def test_months_so_many_places_apart_and_months_of_both_products(tmp_path: Path) -> None:
    catalogue = load_products(catalogue_file(tmp_path))
    spreads = list(catalogue.spreads(catalogue.product("SITB"), DAY))
    symbols = [spread.symbol for spread in spreads]
    assert len(symbols) == 9 + 7
    assert symbols[0] == "SITB2612-2701" and "SITB2612-2703" in symbols
    assert all(one.last_trading_date == one.leg_1.last_trading_date for one in spreads)
    pairs = list(catalogue.spreads(catalogue.product("INF"), DAY))
    assert pairs[0].symbol == "INF2612"
    assert [pairs[0].leg_1.symbol, pairs[0].leg_2.symbol] == ["SITB2612", "GH12612"]
    assert not list(catalogue.spreads(catalogue.product("GH1"), DAY))
    assert "INF" not in {contract.product.code for contract in catalogue.contracts(DAY)}


def test_rows_that_define_them(tmp_path: Path) -> None:
    """Behind the instruments that are their legs, once; implied prices are the product's."""
    catalogue = load_products(catalogue_file(tmp_path))
    known = Known()
    made = missing(known, catalogue, load_venue(), DAY, 1)
    rows = [
        made.blobs[int(one["blob_offset"]) :][: INSTRUMENT.itemsize].view(INSTRUMENT)[0]
        for one in made.commands[made.commands["kind"] == CommandKind.DEFINE_INSTRUMENT]
    ]
    spreads = [row for row in rows if row["leg_1"]]
    assert len(spreads) == 16 + 10
    assert all(row["instrument"] > max(row["leg_1"], row["leg_2"]) for row in spreads)
    first = known.instruments["SITB2612-2701"]
    assert first["leg_1"] == known.instruments["SITB2612"]["instrument"]
    assert first["leg_2"] == known.instruments["SITB2701"]["instrument"]
    assert (first["lots_1"], first["lots_2"], first["reference_price"]) == (1, 1, 0)
    assert known.instruments["INF2612"]["reference_price"] == -70_000_000
    assert known.products["SITB"]["features"] & ProductFeature.IMPLIED
    assert not known.products["INF"]["features"] & ProductFeature.IMPLIED
    again = missing(known, catalogue, load_venue(), DAY, 2)
    assert not np.isin(again.commands["kind"], CommandKind.DEFINE_INSTRUMENT).any()


@pytest.mark.parametrize(
    ("sitb", "last", "said"),
    [
        (SPREAD, '\nbought = "SITB"\n', "both or neither"),
        (SPREAD, '\nbought = "SITB"\nsold = "XX"\n', "has a leg 'XX'"),
        (SPREAD, TOKEN_GPU + "implied_prices = true\n", "where nothing is bought"),
        ("\ncalendar_spreads = [0]\n", TOKEN_GPU, "calendar_spreads"),
    ],
)
def test_what_is_no_spread_stops_the_start(tmp_path: Path, sitb: str, last: str, said: str) -> None:
    with pytest.raises(SpecError, match=said):
        load_products(catalogue_file(tmp_path, sitb, last))
