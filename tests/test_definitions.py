"""Definition commands: a fresh venue, a restart, a roll, changed members."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from engine.limits import EngineLimits
from engine.machine import Engine
from engine.reference import INSTRUMENT, PRODUCT
from engine.types import COMMAND, EVENT, CommandKind, EventKind, ProductFeature
from gateway.definitions import DefinitionConflictError, Definitions, Known, missing
from specs.loading import parse_toml
from specs.products import PRODUCTS_FILE, Catalogue, daily_limits, load_products
from specs.venue import VenueConfig, load_venue

DAY = date(2026, 11, 20)
CATALOGUE = load_products()
CONFIG = load_venue()


def define(
    known: Known, day: date = DAY, config: VenueConfig = CONFIG, catalogue: Catalogue = CATALOGUE
) -> Definitions:
    return missing(known, catalogue, config, day, 7)


def kinds(definitions: Definitions) -> list[int]:
    return [int(kind) for kind in definitions.commands["kind"]]


def test_a_fresh_venue_defines_everything_in_order():
    definitions = define(Known())
    found = kinds(definitions)
    counts = {kind: found.count(kind) for kind in sorted(set(found))}
    assert counts == {
        CommandKind.DEFINE_PRODUCT: 9,
        CommandKind.DEFINE_INSTRUMENT: 134 + 46,
        CommandKind.DEFINE_MEMBER: 6,
        CommandKind.DEFINE_ACCOUNT: 6,
        CommandKind.DEFINE_SESSION: 6,
    }
    last_product = max(i for i, kind in enumerate(found) if kind == CommandKind.DEFINE_PRODUCT)
    assert last_product < found.index(CommandKind.DEFINE_INSTRUMENT)
    assert (definitions.commands["time_ns"] == 7).all()
    ends = definitions.commands["blob_offset"] + definitions.commands["blob_length"]
    assert int(ends[-1]) == len(definitions.blobs)


def test_rows_carry_the_catalogue():
    known = Known()
    define(known)
    sits = known.products["SITS"]
    assert sits.dtype == PRODUCT
    assert (int(sits["tick"]), int(sits["limit_bp"]), int(sits["qty_max"])) == (10**7, 1000, 500)
    hidden, doubled = ProductFeature.AUCTION_HIDDEN, ProductFeature.LISTING_LIMIT_DOUBLE
    own = ProductFeature.POSITION_EFFECT_REQUIRED | ProductFeature.LOCKED_DAYS
    own |= ProductFeature.CLOSING_FIRST
    assert int(sits["features"]) == own | hidden | doubled
    assert (int(sits["locked_1_bp"]), int(sits["locked_2_bp"])) == (300, 500)
    gpu = known.products["GH1"]
    assert int(gpu["features"]) & ProductFeature.SETTLE_WINDOW
    assert (int(gpu["settle_window_seconds"]), int(gpu["locked_2_bp"])) == (120, 0)
    sitb = known.products["SITB"]
    left_out = ProductFeature.POSITION_EFFECT_REQUIRED | ProductFeature.PRICE_BANDS
    left_out |= ProductFeature.PAUSES | ProductFeature.PAUSE_PRODUCT | ProductFeature.SETTLE_WINDOW
    left_out |= ProductFeature.CLOSING_FIRST | ProductFeature.IMPLIED
    everything = sum(ProductFeature) - (left_out | hidden | doubled)
    assert int(sitb["features"]) == everything
    front = known.instruments["SITB2612"]
    assert front.dtype == INSTRUMENT
    assert int(front["reference_price"]) == 2 * 10**9
    assert int(front["product"]) == int(sitb["product"])
    assert (int(front["maturity"]), int(front["last_trading_date"])) == (202612, 20261216)
    assert (int(front["first_trading_date"]), int(front["trading_date"])) == (20261120, 20261120)
    alpha = known.accounts["ALPHA"]
    assert int(alpha["order_notional_max"]) == 10**9 * 10**6
    assert int(known.members["ALPHA"]["products"]) == 0b11_1111_1110


def test_learning_the_commands_gives_what_was_defined_and_leaves_nothing_to_define():
    known, learned = Known(), Known()
    definitions = define(known)
    other = np.zeros(1, COMMAND)
    other["kind"] = CommandKind.NEW_ORDER
    learned.learn(np.concatenate([other, definitions.commands, other]), definitions.blobs)
    assert learned == known
    assert len(define(learned).commands) == 0


def test_a_roll_defines_only_new_listings_and_ids_go_on():
    known = Known()
    define(known)
    highest = max(int(row["instrument"]) for row in known.instruments.values())
    definitions = missing(known, CATALOGUE, CONFIG, date(2026, 12, 17), 9, {"SITB": 1_900_000_000})
    assert set(kinds(definitions)) == {CommandKind.DEFINE_INSTRUMENT}
    new = [row for row in known.instruments.values() if int(row["instrument"]) > highest]
    assert len(new) == len(definitions.commands) == 8 + 5
    assert int(known.instruments["SITB2806"]["reference_price"]) == 1_900_000_000
    assert int(known.instruments["SITP2806"]["reference_price"]) == 6_000_000_000
    ids = [int(row["instrument"]) for row in known.instruments.values()]
    assert len(set(ids)) == len(ids)


def test_changed_members_are_the_only_difference(tmp_path):
    known = Known()
    define(known)
    old = {name: int(row["member"]) for name, row in known.members.items()}
    file = tmp_path / "venue.toml"
    file.write_text(
        '[[member]]\nname="BRAVO"\nproducts=["SITB"]\n'
        '[[member.account]]\nname="BRAVO"\nopen_orders_max=5\n'
        '[[member.account]]\nname="BRAVO2"\n'
        '[[member]]\nname="ECHO"\nsessions=["ECHO-1","ECHO-2"]\n[[member.account]]\nname="ECHO"\n'
    )
    definitions = define(known, config=load_venue(file))
    assert int(known.members["BRAVO"]["products"]) == 1 << int(known.products["SITB"]["product"])
    assert int(known.members["BRAVO"]["member"]) == old["BRAVO"]
    assert int(known.accounts["BRAVO"]["open_orders_max"]) == 5
    assert int(known.members["ECHO"]["member"]) == 7
    assert {"ECHO-1", "ECHO-2"} <= set(known.sessions)
    for gone in ("ALPHA", "CHARLIE", "DELTA", "MAKER1", "MAKER2"):
        assert int(known.members[gone]["products"]) == 0
    found = kinds(definitions)
    assert found.count(CommandKind.DEFINE_MEMBER) == 7
    assert found.count(CommandKind.DEFINE_ACCOUNT) == 3
    assert found.count(CommandKind.DEFINE_SESSION) == 2
    assert CommandKind.DEFINE_PRODUCT not in found


def test_changed_terms_of_a_defined_product_are_refused():
    known = Known()
    define(known)
    known.products["SITB"]["tick"] = 2_000_000
    with pytest.raises(DefinitionConflictError, match="SITB: tick differ"):
        define(known)


def test_a_new_product_takes_the_next_id_and_members_may_trade_it():
    known = Known()
    missing(known, Catalogue(products=CATALOGUE.products[:2]), CONFIG, DAY, 7)
    assert int(known.members["ALPHA"]["products"]) == 0b110
    define(known)
    assert int(known.products["SITP"]["product"]) == 3
    assert int(known.members["ALPHA"]["products"]) == 0b11_1111_1110


def test_the_engine_takes_them_all_and_sets_the_limits_of_the_catalogue():
    known = Known()
    definitions = define(known)
    engine = Engine(
        EngineLimits(orders_max=64, requests_max=256, members_max=7, accounts_max=7, sessions_max=7)
    )
    events = np.zeros(1_024, EVENT)
    consumed, produced = engine.apply(definitions.commands, definitions.blobs, events)
    assert consumed == len(definitions.commands)
    counts = np.bincount(events["kind"][:produced], minlength=64)
    assert counts[EventKind.PRODUCT_DEFINED] == 9
    assert counts[EventKind.INSTRUMENT_DEFINED] == counts[EventKind.LIMITS_SET] == 134 + 46
    assert counts[EventKind.MEMBER_SET] == counts[EventKind.SESSION_SET] == 6
    symbols = {int(row["instrument"]): symbol for symbol, row in known.instruments.items()}
    for event in events[:produced][events["kind"][:produced] == EventKind.LIMITS_SET]:
        symbol = symbols[int(event["instrument"])]
        if known.instruments[symbol]["leg_1"]:
            continue  # M-231
        code = symbol[:-4]
        product = CATALOGUE.product(code)
        low, high = daily_limits(product, product.reference_units, is_listing=True)
        assert (int(event["cum_value"]), int(event["leaves_qty"])) == (low, high)
        assert int(event["price"]) == product.reference_units


def test_bands_and_pauses_of_the_catalogue_become_the_rows():
    """Their values, and the features where there are any."""
    text = PRODUCTS_FILE.read_text()
    for name, value in (("dynamic_band_ticks", "7"), ("breaker_percent", "2.5")):
        text = text.replace(f"{name} = 0", f"{name} = {value}", 1)
    known = Known()
    define(known, catalogue=parse_toml(text, Catalogue, PRODUCTS_FILE))
    sit, sitb = known.products["SIT"], known.products["SITB"]
    assert (int(sit["static_band_ticks"]), int(sit["dynamic_band_ticks"])) == (0, 7)
    assert int(sit["breaker_bp"]) == 250
    both = ProductFeature.PRICE_BANDS | ProductFeature.PAUSES
    assert int(sit["features"]) & both == both
    assert not int(sitb["features"]) & both
