"""The catalogue of products and the contracts that trade on a given date.

Typed, validated reading of specs/products.toml; knows no engine row (gateway/definitions.py makes
those). Prices leave here as int64 in 1e-9 of the quote unit, shares as 1e-4.
Source: domain facts section 5.1, issue table of products.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta, Struct

from specs.calendar import Calendar, Month, contract_months, last_trading_date
from specs.loading import SpecError, load_toml
from specs.sessions import CALENDAR_FILE, CalendarFile, Hours, default_calendar

PRODUCTS_FILE = Path(__file__).with_name("products.toml")
PRODUCTS_MAX = 63  # a member's permissions are bits 1 to 63 of one word
PRICE_UNITS = 1_000_000_000  # price units in one quote unit
TICK_UNITS = 1_000  # a tick is a multiple of this many price units
_BASE_TIMES_IN_FORCE = ("DAY", "IOC", "FOK")

Percent = Annotated[Decimal, Meta(description="0 to 100, at most two decimals")]
Count = Annotated[int, Meta(ge=0, le=1_000_000)]
Places = Annotated[int, Meta(ge=1, le=20)]
Lots = Annotated[int, Meta(ge=1, le=1_000)]
OrderTypeName = Literal["LIMIT", "MARKET"]
TimeInForceName = Literal["DAY", "GTC", "GTD", "IOC", "FOK"]
FeatureName = Literal["MIN_QTY", "POST_ONLY", "ICEBERG", "STOP"]
AuctionFeatureName = Literal["HIDDEN", "MIN_SURPLUS"]


class ContractMonths(Struct, frozen=True, forbid_unknown_fields=True):
    """How many consecutive months are listed, and how many quarterlies beyond them."""

    consecutive: Annotated[int, Meta(ge=1, le=60)]
    quarterly: Annotated[int, Meta(ge=0, le=20)] = 0


class MakerTerms(Struct, frozen=True, forbid_unknown_fields=True):
    """What market makers owe: nearness, size and presence of their quotes (matching.md M-192)."""

    spread_percent: Percent
    qty: Annotated[int, Meta(ge=1, le=1_000_000)]
    presence_percent: Percent

    def __post_init__(self) -> None:
        """Shares are shares."""
        for name in ("spread_percent", "presence_percent"):
            _check_percent(name, getattr(self, name))


class Product(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all contracts of one product have in common. Fields are those of products.toml."""

    code: Annotated[str, Meta(pattern="^[A-Z][A-Z0-9]{1,7}$")]
    name: str
    group: Literal["token", "gpu"]
    currency: Literal["USD", "CNY"]
    quote_unit: str
    lot_unit: str
    multiplier: Annotated[int, Meta(ge=1, le=1_000_000)]
    tick: Decimal
    reference_price: Decimal
    daily_limit_percent: Percent
    ladder_percent: Percent
    locked_limit_points: tuple[Percent, ...]
    initial_margin_percent: Percent
    qty_max: Annotated[int, Meta(ge=1, le=1_000_000)]
    market_band_ticks: Count
    static_band_ticks: Count
    dynamic_band_ticks: Count
    listing_limit_double: bool
    velocity_ticks: Count
    velocity_seconds: Annotated[int, Meta(ge=0, le=60)]
    breaker_percent: Percent
    pause_seconds: Annotated[int, Meta(ge=0, le=86_400)]
    pause_product: bool
    bust_seconds: Annotated[int, Meta(ge=0, le=86_400)]
    block_qty_min: Count
    block_range_ticks: Count
    display_min_percent: Percent
    maker: MakerTerms
    months: ContractMonths
    last_trading_day: Literal["third_wednesday", "last_business_day"]
    settlement_window_seconds: Annotated[int, Meta(ge=0, le=3_600)]
    price_rule: Literal["RESTING", "MEDIAN3"]
    position_mode: Literal["NETTING", "GROSS"]
    position_effect: Literal["optional", "required"]
    closing_first: bool
    order_types: tuple[OrderTypeName, ...]
    times_in_force: tuple[TimeInForceName, ...]
    order_features: tuple[FeatureName, ...]
    auction_features: tuple[AuctionFeatureName, ...]
    replace_keeps_place: bool
    session_template: str
    calendar_spreads: tuple[Places, ...] = ()
    implied_prices: bool = False
    bought: str = ""
    bought_lots: Lots = 1
    sold: str = ""
    sold_lots: Lots = 1

    def __post_init__(self) -> None:
        """Relations between fields; msgspec adds the path to what is raised here."""
        units = self.tick * PRICE_UNITS
        if units <= 0 or units % TICK_UNITS != 0:
            raise ValueError(f"tick {self.tick}; allowed: a multiple of 0.000001 above 0")
        if self.reference_price % self.tick != 0 or (self.reference_price <= 0 and not self.bought):
            raise ValueError(
                f"reference_price {self.reference_price}; allowed: a multiple of the tick above 0"
            )
        for name in (
            "daily_limit_percent",
            "ladder_percent",
            "initial_margin_percent",
            "display_min_percent",
            "breaker_percent",
        ):
            _check_percent(name, getattr(self, name))
        if not 0 < self.daily_limit_percent <= self.ladder_percent:
            raise ValueError(
                f"daily_limit_percent {self.daily_limit_percent}; allowed: above 0, up to"
                f" ladder_percent {self.ladder_percent}"
            )
        if self.block_qty_min > self.qty_max:
            raise ValueError(
                f"block_qty_min {self.block_qty_min}; allowed: 0 to qty_max {self.qty_max}"
            )
        if self.velocity_ticks and not self.velocity_seconds:
            raise ValueError("velocity_seconds 0; allowed: 1 to 60 where velocity_ticks is above 0")
        _check_settlement(self)
        _check_order_terms(self)
        _check_spread_terms(self)

    @property
    def hours(self) -> Hours:
        """When it trades, by its template of specs/calendar.toml; its trading dates."""
        return default_calendar().hours(self.session_template)

    @property
    def tick_units(self) -> int:
        """The tick in 1e-9 of the quote unit."""
        return price_units(self.tick)

    @property
    def reference_units(self) -> int:
        """The first previous settlement price in 1e-9 of the quote unit."""
        return price_units(self.reference_price)

    @property
    def limit_bp(self) -> int:
        """The daily limit in 1e-4 of the previous settlement price."""
        return int(self.daily_limit_percent * 100)

    @property
    def ladder_bp(self) -> int:
        """The room of the price ladder in 1e-4 of the previous settlement price."""
        return int(self.ladder_percent * 100)

    @property
    def locked_bp(self) -> tuple[int, int]:
        """What the limit widens by after one and after two locked days, 1e-4; zeros: nothing."""
        points = [int(value * 100) for value in self.locked_limit_points]
        return (points[0], points[1]) if points else (0, 0)

    @property
    def breaker_bp(self) -> int:
        """The move that pauses trading, in 1e-4 of the previous settlement price; 0: none."""
        return int(self.breaker_percent * 100)

    @property
    def display_min_bp(self) -> int:
        """The least share of an order that an iceberg shows, in 1e-4."""
        return int(self.display_min_percent * 100)


def _check_percent(name: str, value: Decimal) -> None:
    if not 0 <= value <= 100 or value * 100 % 1 != 0:
        raise ValueError(f"{name} {value}; allowed: 0 to 100 with at most two decimals")


def _check_settlement(product: Product) -> None:
    seconds = product.settlement_window_seconds
    if seconds > 60 and seconds % 60:
        raise ValueError(
            f"settlement_window_seconds {seconds}; allowed: 0 to 60, or whole minutes up to 3,600"
        )
    points = product.locked_limit_points
    if not points:
        return
    if len(points) != 2 or not 0 < points[0] <= points[1]:
        raise ValueError("locked_limit_points; allowed: [] or two values above 0, rising")
    for value in points:
        _check_percent("locked_limit_points", value)
    widest = product.daily_limit_percent * (2 if product.listing_limit_double else 1) + points[1]
    if widest >= 100:
        raise ValueError(f"locked_limit_points; allowed: limits stay below 100, not {widest}")
    if product.daily_limit_percent + points[1] > product.ladder_percent:
        raise ValueError(
            f"ladder_percent {product.ladder_percent}; allowed: from"
            f" {product.daily_limit_percent + points[1]}, the limit with locked_limit_points"
        )


def _check_order_terms(product: Product) -> None:
    if "LIMIT" not in product.order_types:
        raise ValueError("order_types; allowed: a list with 'LIMIT', and 'MARKET' if taken")
    if any(name not in product.times_in_force for name in _BASE_TIMES_IN_FORCE):
        raise ValueError("times_in_force; allowed: 'DAY', 'IOC', 'FOK', and 'GTC' with 'GTD'")
    if ("GTC" in product.times_in_force) != ("GTD" in product.times_in_force):
        raise ValueError("times_in_force; allowed: 'GTC' and 'GTD' both or neither")
    if "ICEBERG" in product.order_features and product.display_min_percent == 0:
        raise ValueError("display_min_percent 0; allowed: above 0 where order_features has ICEBERG")
    if (product.position_mode == "GROSS") != (product.position_effect == "required"):
        raise ValueError("position_effect; allowed: 'required' with GROSS, 'optional' with NETTING")
    if product.closing_first and product.position_mode != "GROSS":
        raise ValueError("closing_first; allowed: true with GROSS only")


def _check_spread_terms(product: Product) -> None:
    if bool(product.bought) != bool(product.sold):
        raise ValueError("bought, sold; allowed: both or neither")
    if product.bought and (product.calendar_spreads or product.implied_prices):
        raise ValueError("calendar_spreads, implied_prices; allowed: where nothing is bought")
    if product.implied_prices and product.price_rule != "RESTING":
        raise ValueError("implied_prices; allowed: with the price rule 'RESTING'")
    legs = product.calendar_spreads or product.bought
    if legs and product.position_mode != "NETTING":
        raise ValueError("calendar_spreads, bought; allowed: with the position mode 'NETTING'")


class Contract(Struct, frozen=True):
    """One listed future."""

    product: Product
    month: Month
    symbol: str
    first_trading_date: date
    last_trading_date: date


class SpreadContract(Struct, frozen=True):
    """One listed spread: its buyer buys leg 1 and sells leg 2."""

    product: Product
    symbol: str
    leg_1: Contract
    leg_2: Contract
    lots_1: int
    lots_2: int
    first_trading_date: date
    last_trading_date: date


class Catalogue(Struct, frozen=True, forbid_unknown_fields=True, rename={"products": "product"}):
    """All products, in the order of the file."""

    products: Annotated[tuple[Product, ...], Meta(min_length=1, max_length=PRODUCTS_MAX)]

    def __post_init__(self) -> None:
        """Codes are unique."""
        codes = [product.code for product in self.products]
        for code in codes:
            if codes.count(code) > 1:
                raise ValueError(f"product code {code} stands twice; allowed: each code once")
        outright = [product.code for product in self.products if not product.bought]
        for product in self.products:
            for leg in (product.bought, product.sold):
                if leg and leg not in outright:
                    allowed = ", ".join(outright)
                    raise ValueError(f"{product.code} has a leg {leg!r}; allowed: {allowed}")

    @property
    def codes(self) -> tuple[str, ...]:
        """The products' codes."""
        return tuple(product.code for product in self.products)

    def product(self, code: str) -> Product:
        """The product of a code; raises KeyError."""
        for product in self.products:
            if product.code == code:
                return product
        raise KeyError(code)

    def contracts(self, trading_date: date, calendar: Calendar | None = None) -> list[Contract]:
        """What is listed on `trading_date`: by product, nearest month first.

        calendar: business days; None: each product's own, those of its template.
        """
        return [
            contract
            for product in self.products
            for contract in product_contracts(product, trading_date, calendar)
        ]

    def only(self, codes: Collection[str]) -> Catalogue:
        """The products of these codes, without spreads of two products that are not both there."""
        kept = {product.code for product in self.products if product.code in codes}
        return Catalogue(
            products=tuple(
                product
                for product in self.products
                if product.code in kept and {product.bought, product.sold} <= kept | {""}
            )
        )

    def spreads(
        self, product: Product, trading_date: date, calendar: Calendar | None = None
    ) -> Iterator[SpreadContract]:
        """What spreads of a product are listed on `trading_date`; calendar as above.

        Of months: pairs so many places apart, near less far. Of two products: every month that both
        have. Source: specs/matching.md M-230.
        """
        if product.bought:
            sold = product_contracts(self.product(product.sold), trading_date, calendar)
            months = {contract.month: contract for contract in sold}
            for one in product_contracts(self.product(product.bought), trading_date, calendar):
                if one.month in months:
                    symbol = f"{product.code}{one.month.yymm}"
                    yield _spread(product, symbol, one, months[one.month], trading_date)
            return
        listed = list(product_contracts(product, trading_date, calendar))
        for places in product.calendar_spreads:
            for near, far in zip(listed, listed[places:], strict=False):
                symbol = f"{near.symbol}-{far.month.yymm}"
                yield _spread(product, symbol, near, far, trading_date)


def _spread(
    product: Product, symbol: str, leg_1: Contract, leg_2: Contract, day: date
) -> SpreadContract:
    last = min(leg_1.last_trading_date, leg_2.last_trading_date)
    lots = (product.bought_lots, product.sold_lots)
    return SpreadContract(product, symbol, leg_1, leg_2, *lots, day, last)


def load_products(file: Path = PRODUCTS_FILE, calendar: CalendarFile | None = None) -> Catalogue:
    """The catalogue of `file`, with templates of `calendar`; raises specs.loading.SpecError."""
    catalogue = load_toml(file, Catalogue)
    names = (calendar or default_calendar()).names
    for row, product in enumerate(catalogue.products):
        if product.session_template not in names:
            raise SpecError(
                file,
                f"$.product[{row}].session_template",
                f"unknown template {product.session_template!r}",
                f"{', '.join(repr(name) for name in names)} of {CALENDAR_FILE.name}",
            )
    return catalogue


def product_contracts(
    product: Product, trading_date: date, calendar: Calendar | None = None
) -> Iterator[Contract]:
    """What of a product is listed on `trading_date`, nearest month first; calendar as above."""
    if product.bought:
        return
    calendar = calendar or product.hours.calendar
    rule = product.last_trading_day
    counts = product.months
    for month in contract_months(
        trading_date, rule, counts.consecutive, counts.quarterly, calendar
    ):
        yield Contract(
            product,
            month,
            symbol=f"{product.code}{month.yymm}",
            first_trading_date=trading_date,
            last_trading_date=last_trading_date(rule, month, calendar),
        )


def daily_limits(
    product: Product, reference_units: int, is_listing: bool = False
) -> tuple[int, int]:
    """Low and high limit around a reference price, all in 1e-9: on the tick, towards the reference.

    is_listing: on a contract's first trading date. Source: specs/matching.md M-12, M-113.
    """
    tick, whole, limit_bp = product.tick_units, 10_000, product.limit_bp
    if is_listing and product.listing_limit_double:
        limit_bp = min(2 * limit_bp, whole - 1)
    low = -(-reference_units * (whole - limit_bp) // (whole * tick)) * tick
    high = reference_units * (whole + limit_bp) // (whole * tick) * tick
    return low, high


def price_units(price: Decimal) -> int:
    """A price in 1e-9 of its quote unit; raises ValueError where that is no whole number."""
    units = price * PRICE_UNITS
    if units % 1 != 0:
        raise ValueError(f"price {price} has more than 9 decimals")
    return int(units)


def format_price(units: int, tick_units: int = 1) -> str:
    """A price of 1e-9 units with the decimals of its tick: (2_000_000_000, 1_000_000) is 2.000."""
    decimals = 9
    while decimals and tick_units % 10 == 0:
        tick_units //= 10
        decimals -= 1
    sign = "-" if units < 0 else ""
    whole, fraction = divmod(abs(units), PRICE_UNITS)
    if not decimals:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{fraction:09d}"[: len(sign) + len(str(whole)) + 1 + decimals]
