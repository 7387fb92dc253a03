"""The catalogue and the members as engine rows: what must be defined, and what already is.

Composition only: specs on one side, COMMAND rows with blobs on the other. `missing` compares and
gives the differences, so a fresh venue, a restart with changed members and a roll with new listings
are one case. Ids are given once and stay: what is new takes the next free one.
Source: specs/matching.md M-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np

from engine.reference import ACCOUNT, INSTRUMENT, MEMBER, PRODUCT, SESSION
from engine.types import (
    COMMAND,
    MONEY_SCALE,
    CommandKind,
    Currency,
    PositionMode,
    PriceRule,
    ProductFeature,
)
from specs.calendar import to_yyyymmdd
from specs.products import Catalogue, Contract, Product, SpreadContract, product_contracts
from specs.venue import Account, Member, VenueConfig, permits

SHARD = 0
_FEATURES = {
    "MARKET": ProductFeature.MARKET,
    "GTC": ProductFeature.GTC_GTD,
    "GTD": ProductFeature.GTC_GTD,
    "MIN_QTY": ProductFeature.MIN_QTY,
    "POST_ONLY": ProductFeature.POST_ONLY,
    "ICEBERG": ProductFeature.ICEBERG,
    "STOP": ProductFeature.STOP,
}
_BLOB_TYPES = {
    CommandKind.DEFINE_PRODUCT: PRODUCT,
    CommandKind.DEFINE_INSTRUMENT: INSTRUMENT,
    CommandKind.DEFINE_MEMBER: MEMBER,
    CommandKind.DEFINE_ACCOUNT: ACCOUNT,
    CommandKind.DEFINE_SESSION: SESSION,
}


class DefinitionConflictError(ValueError):
    """products.toml says something else than the journal about a product that trades already."""


class Definitions(NamedTuple):
    """Definition commands, COMMAND[n], and the blobs they point into, uint8[m]."""

    commands: np.ndarray
    blobs: np.ndarray


@dataclass
class Known:
    """What is defined, by name: one row (numpy void) each. `learn` is a fold over the journal."""

    products: dict[str, np.void] = field(default_factory=dict)
    instruments: dict[str, np.void] = field(default_factory=dict)
    members: dict[str, np.void] = field(default_factory=dict)
    accounts: dict[str, np.void] = field(default_factory=dict)
    sessions: dict[str, np.void] = field(default_factory=dict)

    def learn(self, commands: np.ndarray, blobs: np.ndarray) -> None:
        """Takes the definitions among `commands` (COMMAND[n]; others are passed over)."""
        kinds = commands["kind"]
        last = int(CommandKind.DEFINE_SESSION)
        for index in np.flatnonzero((kinds > CommandKind.NONE) & (kinds <= last)):
            command = commands[int(index)]
            start, length = int(command["blob_offset"]), int(command["blob_length"])
            kind = CommandKind(int(command["kind"]))
            row = blobs[start : start + length].view(_BLOB_TYPES[kind])[0].copy()
            name = row[_NAME_FIELDS[kind]].decode()
            known = self.table(kind)
            known.setdefault(name, row)
            if kind not in (CommandKind.DEFINE_PRODUCT, CommandKind.DEFINE_INSTRUMENT):
                known[name] = row

    def product_of(self, instrument: np.void) -> tuple[str, np.void]:
        """Code and row of an instrument's product; instrument: any row that has its number."""
        return next(
            one for one in self.products.items() if one[1]["product"] == instrument["product"]
        )

    def table(self, kind: CommandKind) -> dict[str, np.void]:
        """The rows that commands of `kind` define."""
        return {
            CommandKind.DEFINE_PRODUCT: self.products,
            CommandKind.DEFINE_INSTRUMENT: self.instruments,
            CommandKind.DEFINE_MEMBER: self.members,
            CommandKind.DEFINE_ACCOUNT: self.accounts,
            CommandKind.DEFINE_SESSION: self.sessions,
        }[kind]


_NAME_FIELDS = {
    CommandKind.DEFINE_PRODUCT: "code",
    CommandKind.DEFINE_INSTRUMENT: "symbol",
    CommandKind.DEFINE_MEMBER: "name",
    CommandKind.DEFINE_ACCOUNT: "name",
    CommandKind.DEFINE_SESSION: "name",
}
_ID_FIELDS = {
    CommandKind.DEFINE_PRODUCT: "product",
    CommandKind.DEFINE_INSTRUMENT: "instrument",
    CommandKind.DEFINE_MEMBER: "member",
    CommandKind.DEFINE_ACCOUNT: "account",
    CommandKind.DEFINE_SESSION: "session",
}


def missing(
    known: Known,
    catalogue: Catalogue,
    config: VenueConfig,
    trading_date: date,
    time_ns: int,
    references: Mapping[str, int] | None = None,
    dates: Mapping[str, date] | None = None,
) -> Definitions:
    """The commands that bring `known` to what the files say, and `known` brought there.

    Products first, then instruments listed on `trading_date`, members, accounts, sessions. A member
    that left venue.toml keeps its id and may trade nothing. `references` gives new listings a
    reference price (1e-9) by product code; without one it is the catalogue's; `dates` the trading
    dates of products that are in another one. Raises DefinitionConflictError where a product's
    terms differ from those defined. Source: M-7.
    """
    batch = _Batch(known, time_ns)
    for product in catalogue.products:
        _define_product(batch, product)
    for product in catalogue.products:
        day = (dates or {}).get(product.code, trading_date)
        price = (references or {}).get(product.code, product.reference_units)
        for contract in product_contracts(product, day):
            if contract.symbol not in known.instruments:
                _define_instrument(batch, contract, price)
    for product in catalogue.products:
        day = (dates or {}).get(product.code, trading_date)
        for spread in catalogue.spreads(product, day):
            if spread.symbol not in known.instruments:
                _define_spread(batch, spread)
    for member in config.members:
        _define_member(batch, member)
    gone = set(known.members) - {member.name for member in config.members}
    for name in sorted(gone):
        row = known.members[name].copy()
        row["products"] = 0
        batch.add(CommandKind.DEFINE_MEMBER, row)
    return batch.definitions()


class _Batch:
    """Definition commands under construction; skips rows that are known as they are."""

    def __init__(self, known: Known, time_ns: int) -> None:
        self.known = known
        self.time_ns = time_ns
        self.commands: list[np.void] = []
        self.blobs: list[bytes] = []
        self.blob_bytes = 0

    def id_of(self, kind: CommandKind, name: str) -> int:
        """The id of a name: the known one, else the next free one."""
        rows = self.known.table(kind)
        if name in rows:
            return int(rows[name][_ID_FIELDS[kind]])
        return 1 + max((int(row[_ID_FIELDS[kind]]) for row in rows.values()), default=0)

    def add(self, kind: CommandKind, row: np.void) -> None:
        """Appends the command that defines `row`, unless it is known already."""
        name = row[_NAME_FIELDS[kind]].decode()
        rows = self.known.table(kind)
        if name in rows and rows[name].tobytes() == row.tobytes():
            return
        rows[name] = row
        command = np.zeros(1, COMMAND)[0]
        command["kind"] = kind
        command["time_ns"] = self.time_ns
        command["blob_offset"] = self.blob_bytes
        command["blob_length"] = row.dtype.itemsize
        for id_field in (_ID_FIELDS[kind], "member", "product", "trading_date"):
            if id_field in (row.dtype.names or ()) and id_field in (COMMAND.names or ()):
                command[id_field] = row[id_field]
        self.commands.append(command)
        self.blobs.append(row.tobytes())
        self.blob_bytes += row.dtype.itemsize

    def definitions(self) -> Definitions:
        """What was added."""
        commands = np.zeros(len(self.commands), COMMAND)
        for index, command in enumerate(self.commands):
            commands[index] = command
        return Definitions(commands, np.frombuffer(b"".join(self.blobs), np.uint8).copy())


def _define_product(batch: _Batch, product: Product) -> None:
    row = np.zeros(1, PRODUCT)[0]
    row["tick"] = product.tick_units
    row["multiplier"] = product.multiplier
    row["qty_max"] = product.qty_max
    row["limit_bp"] = product.limit_bp
    row["ladder_bp"] = product.ladder_bp
    row["band_ticks"] = product.market_band_ticks
    row["display_min_bp"] = product.display_min_bp
    row["static_band_ticks"] = product.static_band_ticks
    row["dynamic_band_ticks"] = product.dynamic_band_ticks
    row["velocity_ticks"] = product.velocity_ticks
    row["velocity_seconds"] = product.velocity_seconds
    row["breaker_bp"] = product.breaker_bp
    row["pause_seconds"] = product.pause_seconds
    row["settle_window_seconds"] = product.settlement_window_seconds
    row["locked_1_bp"], row["locked_2_bp"] = product.locked_bp
    row["bust_seconds"] = product.bust_seconds
    row["block_qty_min"] = product.block_qty_min
    row["block_range_ticks"] = product.block_range_ticks
    row["features"] = _features(product)
    row["product"] = batch.id_of(CommandKind.DEFINE_PRODUCT, product.code)
    row["price_rule"] = PriceRule[product.price_rule]
    row["position_mode"] = PositionMode[product.position_mode]
    row["currency"] = Currency[product.currency]
    row["shard"] = SHARD
    row["code"] = product.code.encode()
    known = batch.known.products.get(product.code)
    if known is None:
        batch.add(CommandKind.DEFINE_PRODUCT, row)
    elif known.tobytes() != row.tobytes():
        changed = [name for name in PRODUCT.names or () if known[name] != row[name]]
        raise DefinitionConflictError(
            f"product {product.code}: {', '.join(changed)} differ from the journal's definition;"
            " a product that trades keeps its terms: restore them, or give it a new code"
        )


def _features(product: Product) -> int:
    taken = (*product.order_types, *product.times_in_force, *product.order_features)
    features = ProductFeature.NONE
    for auction_feature in product.auction_features:
        features |= ProductFeature[f"AUCTION_{auction_feature}"]
    for name in taken:
        features |= _FEATURES.get(name, ProductFeature.NONE)
    if product.replace_keeps_place:
        features |= ProductFeature.REPLACE_KEEPS_PLACE
    if product.listing_limit_double:
        features |= ProductFeature.LISTING_LIMIT_DOUBLE
    if product.static_band_ticks or product.dynamic_band_ticks:
        features |= ProductFeature.PRICE_BANDS
    if product.velocity_ticks or product.breaker_percent:
        features |= ProductFeature.PAUSES
    if product.implied_prices:
        features |= ProductFeature.IMPLIED
    if product.pause_product:
        features |= ProductFeature.PAUSE_PRODUCT
    if product.settlement_window_seconds:
        features |= ProductFeature.SETTLE_WINDOW
    if product.locked_limit_points:
        features |= ProductFeature.LOCKED_DAYS
    if product.closing_first:
        features |= ProductFeature.CLOSING_FIRST
    if product.position_effect == "required":
        features |= ProductFeature.POSITION_EFFECT_REQUIRED
    return int(features)


def _define_instrument(batch: _Batch, contract: Contract, reference_price: int) -> None:
    row = np.zeros(1, INSTRUMENT)[0]
    row["reference_price"] = reference_price
    row["instrument"] = batch.id_of(CommandKind.DEFINE_INSTRUMENT, contract.symbol)
    row["maturity"] = contract.month.yyyymm
    row["first_trading_date"] = to_yyyymmdd(contract.first_trading_date)
    row["last_trading_date"] = to_yyyymmdd(contract.last_trading_date)
    row["trading_date"] = to_yyyymmdd(contract.first_trading_date)
    row["product"] = batch.known.products[contract.product.code]["product"]
    row["symbol"] = contract.symbol.encode()
    batch.add(CommandKind.DEFINE_INSTRUMENT, row)


def _define_spread(batch: _Batch, spread: SpreadContract) -> None:
    """A spread of two legs that are defined, at the catalogue's reference, 0 between months."""
    rows = batch.known.instruments
    if spread.leg_1.symbol not in rows or spread.leg_2.symbol not in rows:
        return
    row = np.zeros(1, INSTRUMENT)[0]
    row["reference_price"] = spread.product.reference_units if spread.product.bought else 0
    row["instrument"] = batch.id_of(CommandKind.DEFINE_INSTRUMENT, spread.symbol)
    row["maturity"] = spread.leg_1.month.yyyymm
    row["first_trading_date"] = to_yyyymmdd(spread.first_trading_date)
    row["last_trading_date"] = to_yyyymmdd(spread.last_trading_date)
    row["trading_date"] = to_yyyymmdd(spread.first_trading_date)
    row["product"] = batch.known.products[spread.product.code]["product"]
    row["symbol"] = spread.symbol.encode()
    row["leg_1"] = rows[spread.leg_1.symbol]["instrument"]
    row["leg_2"] = rows[spread.leg_2.symbol]["instrument"]
    row["lots_1"], row["lots_2"] = spread.lots_1, spread.lots_2
    batch.add(CommandKind.DEFINE_INSTRUMENT, row)


def _define_member(batch: _Batch, member: Member) -> None:
    row = np.zeros(1, MEMBER)[0]
    number = batch.id_of(CommandKind.DEFINE_MEMBER, member.name)
    row["member"] = number
    row["requests_max"] = member.requests_per_day_max
    row["orders_max"] = member.live_orders_max
    row["products"] = sum(
        1 << int(product["product"])
        for code, product in batch.known.products.items()
        if permits(member, code)
    )
    row["name"] = member.name.encode()
    batch.add(CommandKind.DEFINE_MEMBER, row)
    for account in member.accounts:
        _define_account(batch, account, number)
    for comp_id in member.comp_ids:
        session = np.zeros(1, SESSION)[0]
        session["session"] = batch.id_of(CommandKind.DEFINE_SESSION, comp_id)
        session["member"] = number
        cancel_on = member.values_of(comp_id).cancel_on_disconnect
        session["cancel_on_disconnect"] = cancel_on != "off"
        session["name"] = comp_id.encode()
        batch.add(CommandKind.DEFINE_SESSION, session)


def _define_account(batch: _Batch, account: Account, member: int) -> None:
    row = np.zeros(1, ACCOUNT)[0]
    row["open_orders_max"] = account.open_orders_max
    row["position_long_max"] = account.position_long_max
    row["position_short_max"] = account.position_short_max
    row["order_notional_max"] = account.order_notional_max * MONEY_SCALE
    row["open_notional_max"] = account.open_notional_max * MONEY_SCALE
    row["orders_per_second_max"] = account.orders_per_second_max
    row["quote_window_ms"] = account.quote_window_ms
    row["quote_executions_max"] = account.quote_executions_max
    row["quote_qty_max"] = account.quote_qty_max
    row["quote_delta_max"] = account.quote_delta_max
    row["account"] = batch.id_of(CommandKind.DEFINE_ACCOUNT, account.name)
    row["member"] = member
    row["name"] = account.name.encode()
    batch.add(CommandKind.DEFINE_ACCOUNT, row)
