"""The catalogue: the values of the domain facts, the issue's table, and refusals of bad files."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specs.loading import SpecError, parse_toml
from specs.products import (
    PRODUCTS_FILE,
    Catalogue,
    format_price,
    load_products,
    price_units,
)

FILE = Path("products.toml")
TEXT = PRODUCTS_FILE.read_text()
ALL_TIMES = {"DAY", "GTC", "GTD", "IOC", "FOK"}


def test_codes_in_the_order_of_the_issue():
    assert load_products().codes == (
        "SIT", "SITB", "SITP", "SITE", "SITS", "GH1", "GH2", "GB2", "INF",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "multiplier", "tick", "reference", "limit"),
    [
        ("SIT", 1, "0.01", "2.00", 15),
        ("SITB", 1000, "0.001", "2.000", 10),
        ("SITP", 500, "0.005", "6.000", 12),
        ("SITE", 5000, "0.0001", "0.3000", 12),
        ("SITS", 1000, "0.01", "14.00", 10),
        ("GH1", 730, "0.01", "2.81", 15),
        ("GH2", 730, "0.01", "3.25", 15),
        ("GB2", 730, "0.01", "5.87", 15),
    ],
)
def test_terms_of_the_domain_facts(
    code: str, multiplier: int, tick: str, reference: str, limit: int
):
    product = load_products().product(code)
    assert product.multiplier == multiplier
    assert (product.tick, product.reference_price) == (Decimal(tick), Decimal(reference))
    assert product.limit_bp == limit * 100
    assert product.ladder_bp >= product.limit_bp + 500
    assert format_price(product.reference_units, product.tick_units) == reference


def test_sit_keeps_room_for_its_second_tier():
    assert load_products().product("SIT").ladder_bp >= 2_500


def test_shanghai_profile():
    product = load_products().product("SITS")
    assert product.currency == "CNY"
    assert product.order_types == ("LIMIT",)
    assert set(product.times_in_force) == {"DAY", "IOC", "FOK"}
    assert product.order_features == ()
    assert product.auction_features == ("HIDDEN",)
    assert product.qty_max == 500
    assert (product.price_rule, product.position_mode) == ("MEDIAN3", "GROSS")
    assert product.position_effect == "required"
    assert not product.replace_keeps_place


def test_every_other_product_takes_everything():
    others = [
        product for product in load_products().products if product.code not in ("SITS", "INF")
    ]
    assert len(others) == 7
    for product in others:
        assert product.order_types == ("LIMIT", "MARKET")
        assert set(product.times_in_force) == ALL_TIMES
        assert set(product.order_features) == {"MIN_QTY", "POST_ONLY", "ICEBERG", "STOP"}
        assert (product.price_rule, product.position_mode) == ("RESTING", "NETTING")
        assert product.position_effect == "optional"
        assert product.replace_keeps_place


def test_contracts_of_a_day():
    contracts = load_products().contracts(date(2026, 11, 20))
    by_code = {
        code: [c for c in contracts if c.product.code == code] for code in load_products().codes
    }
    assert {code: len(listed) for code, listed in by_code.items()} == {
        "SIT": 10, "SITB": 10, "SITP": 10, "SITE": 10, "SITS": 10, "GH1": 36, "GH2": 12, "GB2": 36,
        "INF": 0,
    }  # fmt: skip
    first = by_code["SITB"][0]
    assert (first.symbol, first.month.yyyymm) == ("SITB2612", 202612)
    assert first.last_trading_date == date(2026, 12, 16)
    assert [c.symbol for c in by_code["GB2"][:2]] == ["GB22611", "GB22612"]
    symbols = [contract.symbol for contract in contracts]
    assert len(set(symbols)) == len(symbols)
    assert all(len(symbol) <= 18 for symbol in symbols)


@given(st.integers(-(10**15), 10**15), st.sampled_from([1_000, 100_000, 5_000_000, 10**9]))
def test_prices_written_and_read_are_equal(ticks: int, tick_units: int):
    units = ticks * tick_units
    assert price_units(Decimal(format_price(units, tick_units))) == units


@pytest.mark.parametrize(
    ("old", "new", "path", "allowed"),
    [
        ("tick = 0.001 ", "tick = 0.0000005 ", "$.product[1].tick", "a multiple of 0.000001"),
        ("tick = 0.001 ", "tick = 0 ", "$.product[1].tick", "a multiple of 0.000001"),
        ("tick = 0.001 ", 'tick = "x" ', "$.product[1].tick", "a number such as 0.005"),
        ("reference_price = 2.000 ", "reference_price = 2.0005 ",
         "$.product[1].reference_price", "a multiple of the tick"),
        ('price_rule = "MEDIAN3"', 'price_rule = "MEDIAN"',
         "$.product[4].price_rule", "'MEDIAN3', 'RESTING'"),
        ('order_types = ["LIMIT"] ', 'order_types = ["STOP"] ',
         "$.product[4].order_types[0]", "'LIMIT', 'MARKET'"),
        ('order_types = ["LIMIT"] ', 'order_types = ["MARKET"] ',
         "$.product[4].order_types", "'LIMIT'"),
        ('times_in_force = ["DAY", "IOC", "FOK"]', 'times_in_force = ["DAY"]',
         "$.product[4].times_in_force", "'DAY', 'IOC', 'FOK'"),
        ('times_in_force = ["DAY", "IOC", "FOK"]', 'times_in_force = ["DAY", "IOC", "FOK", "GTD"]',
         "$.product[4].times_in_force", "both or neither"),
        ('auction_features = ["HIDDEN"]', 'auction_features = ["SECRET"]',
         "$.product[4].auction_features[0]", "'HIDDEN', 'MIN_SURPLUS'"),
        ("settlement_window_seconds = 0 ", "settlement_window_seconds = 90 ",
         "$.product[0].settlement_window_seconds", "whole minutes"),
        ("settlement_window_seconds = 0 ", "settlement_window_seconds = 3601 ",
         "$.product[0].settlement_window_seconds", "from 0 to 3,600"),
        ("locked_limit_points = [3, 5]", "locked_limit_points = [5, 3]",
         "$.product[1].locked_limit_points", "rising"),
        ("locked_limit_points = [3, 5]", "locked_limit_points = [3]",
         "$.product[1].locked_limit_points", "two values"),
        ("locked_limit_points = [3, 5]", "locked_limit_points = [3, 90]",
         "$.product[1].locked_limit_points", "below 100"),
        ("locked_limit_points = [3, 5]", "locked_limit_points = [3, 6]",
         "$.product[1].ladder_percent", "the limit with locked_limit_points"),
        ("velocity_ticks = 0 ", "velocity_ticks = 9 ", "$.product[0].velocity_seconds", "1 to 60"),
        ("velocity_seconds = 0", "velocity_seconds = 61",
         "$.product[0].velocity_seconds", "from 0 to 60"),
        ("breaker_percent = 0 ", "breaker_percent = 101 ",
         "$.product[0].breaker_percent", "0 to 100"),
        ("qty_max = 500 ", "qty_max = 0 ", "$.product[4].qty_max", "from 1 to 1,000,000"),
        ('position_mode = "GROSS"', 'position_mode = "NETTING"',
         "$.product[4].position_effect", "'required' with GROSS"),
        ("closing_first = false", "closing_first = true",
         "$.product[0].closing_first", "with GROSS only"),
        ("ladder_percent = 30 ", "ladder_percent = 10 ",
         "$.product[0].daily_limit_percent", "up to ladder_percent 10"),
        ("daily_limit_percent = 15 ", "daily_limit_percent = 15.001 ",
         "$.product[0].daily_limit_percent", "two decimals"),
        ("{ consecutive = 12 }", "{ consecutive = 0 }",
         "$.product[6].months.consecutive", "from 1 to 60"),
        ("spread_percent = 2,", "spread_percent = 101,",
         "$.product[0].maker.spread_percent", "0 to 100"),
        ("qty = 50, presence", "qty = 0, presence",
         "$.product[0].maker.qty", "from 1 to 1,000,000"),
        ("display_min_percent = 10 ", "display_min_percent = 0 ",
         "$.product[0].display_min_percent", "above 0"),
        ('code = "SITB"', 'code = "SIT"', "$.product", "each code once"),
        ('code = "SITB"', 'code = "sitb"', "$.product[1].code", "text matching"),
        ("tick = 0.001 ", "tack = 0.001 ", "$.product[1]", "a table with code, name"),
        ("multiplier = 730 ", 'multiplier = "730" ', "$.product[5].multiplier", "a whole number"),
    ],
)  # fmt: skip
def test_bad_values_name_file_path_and_what_is_allowed(old: str, new: str, path: str, allowed: str):
    assert old in TEXT
    with pytest.raises(SpecError) as caught:
        parse_toml(TEXT.replace(old, new, 1), Catalogue, FILE)
    assert caught.value.file == FILE
    assert caught.value.path == path
    assert allowed in caught.value.allowed
    assert all(part in str(caught.value) for part in ("products.toml", path, allowed))


def test_a_template_that_is_not_in_the_calendar_is_refused(tmp_path: Path):
    file = tmp_path / "products.toml"
    file.write_text(TEXT.replace('"CME_23X5"', '"CME"', 1))
    with pytest.raises(SpecError) as caught:
        load_products(file)
    assert caught.value.path == "$.product[5].session_template"
    assert caught.value.allowed == "'SHFE_0230', 'CME_23X5', '24X5', 'DEMO' of calendar.toml"


def test_what_is_no_toml_or_no_file_is_refused(tmp_path: Path):
    with pytest.raises(SpecError, match="not TOML"):
        parse_toml("[[product]\n", Catalogue, FILE)
    with pytest.raises(SpecError, match="cannot be read"):
        load_products(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SpecError, match="cannot be read"):
        load_products(tmp_path / "bytes.toml")


@given(st.text(max_size=200))
def test_arbitrary_text_is_refused_and_nothing_else(text: str):
    with pytest.raises(SpecError):
        parse_toml(text, Catalogue, FILE)
