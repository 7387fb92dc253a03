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
SITB_SPREADS = "calendar_spreads = [1, 3] "


def test_months_so_many_places_apart_and_months_of_both_products() -> None:
    catalogue = load_products()
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


def test_rows_that_define_them() -> None:
    """Behind the instruments that are their legs, once; implied prices are the product's."""
    catalogue = load_products()
    known = Known()
    made = missing(known, catalogue, load_venue(), DAY, 1)
    rows = [
        made.blobs[int(one["blob_offset"]) :][: INSTRUMENT.itemsize].view(INSTRUMENT)[0]
        for one in made.commands[made.commands["kind"] == CommandKind.DEFINE_INSTRUMENT]
    ]
    spreads = [row for row in rows if row["leg_1"]]
    assert len(spreads) == 16 + 20 + 10
    assert all(row["instrument"] > max(row["leg_1"], row["leg_2"]) for row in spreads)
    first = known.instruments["SITB2612-2701"]
    assert first["leg_1"] == known.instruments["SITB2612"]["instrument"]
    assert first["leg_2"] == known.instruments["SITB2701"]["instrument"]
    assert (first["lots_1"], first["lots_2"], first["reference_price"]) == (1, 1, 0)
    assert known.instruments["INF2612"]["reference_price"] == -70_000_000
    assert known.products["GH2"]["features"] & ProductFeature.IMPLIED
    assert not known.products["INF"]["features"] & ProductFeature.IMPLIED
    again = missing(known, catalogue, load_venue(), DAY, 2)
    assert not np.isin(again.commands["kind"], CommandKind.DEFINE_INSTRUMENT).any()


def test_a_part_of_the_catalogue_has_no_spread_without_both_legs() -> None:
    every = load_products()
    assert every.only(every.codes) == every
    assert every.only(["INF", "SITB", "GH1"]).codes == ("SITB", "GH1", "INF")
    assert every.only(["INF", "SITB"]).codes == ("SITB",)
    assert every.only(["INF"]).codes == ()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('sold = "GH1" ', 'sold = "" ', "both or neither"),
        ('sold = "GH1" ', 'sold = "XX" ', "has a leg 'XX'"),
        ('sold = "GH1" ', 'implied_prices = true\nsold = "GH1" ', "where nothing is bought"),
        (SITB_SPREADS, "calendar_spreads = [0]", "calendar_spreads"),
    ],
)
def test_what_is_no_spread_stops_the_start(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = PRODUCTS_FILE.read_text()
    assert old in text
    file = tmp_path / "products.toml"
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(SpecError, match=said):
        load_products(file)
