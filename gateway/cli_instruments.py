"""`sitex instruments`: what trades on a date, without a venue. Imports neither numpy nor numba."""

from __future__ import annotations

import time
from datetime import date, datetime

from rich.console import Console
from rich.table import Table

from specs.loading import SpecError
from specs.products import (
    PRODUCTS_FILE,
    Contract,
    Product,
    SpreadContract,
    daily_limits,
    format_price,
    load_products,
)
from specs.sessions import NANOSECONDS, Hours, schedule
from specs.venue import DayConfig

_PRICE_RULES = {
    "RESTING": "the resting price",
    "MEDIAN3": "the median of bid, ask and last",
}


def run_instruments(code: str | None, on: date | None) -> int:
    """Prints the contracts of `on` (default: the venue day), of one product or all."""
    catalogue = load_products()
    if code is not None and code.upper() not in catalogue.codes:
        allowed = ", ".join(catalogue.codes)
        raise SpecError(PRODUCTS_FILE, "$.product", f"no product {code!r}", allowed)
    day = on or DayConfig().venue_day().at(time.time_ns())
    contracts = catalogue.contracts(day)
    spreads = {
        product.code: list(catalogue.spreads(product, day)) for product in catalogue.products
    }
    console = Console(highlight=False)
    for product in catalogue.products:
        if code is None or product.code == code.upper():
            listed = [contract for contract in contracts if contract.product == product]
            console.print(f"[bold]{product.code}[/]  {product.name}\n{_terms(product)}")
            console.print(hours_lines(product.hours, day))
            if listed:
                console.print(_table(product, listed))
            if spreads[product.code]:
                console.print(_spread_table(spreads[product.code]))
            console.print()
    count = sum(map(len, spreads.values()))
    what = f"{len(contracts)} contracts and {count} spreads of {len(catalogue.products)} products"
    console.print(f"{what} on {day}")
    return 0


def _table(product: Product, contracts: list[Contract]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("symbol", style="bold", min_width=10)
    table.add_column("last trading date")
    for name in ("reference", "low limit", "high limit"):
        table.add_column(name, justify="right")
    low, high = daily_limits(product, product.reference_units)
    prices = [
        format_price(price, product.tick_units) for price in (product.reference_units, low, high)
    ]
    for contract in contracts:
        table.add_row(contract.symbol, str(contract.last_trading_date), *prices)
    return table


def _spread_table(spreads: list[SpreadContract]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("spread", style="bold", min_width=10)
    for name in ("last trading date", "bought", "sold"):
        table.add_column(name)
    for spread in spreads:
        legs = (spread.leg_1.symbol, spread.leg_2.symbol)
        table.add_row(spread.symbol, str(spread.last_trading_date), *legs)
    return table


def _terms(product: Product) -> str:
    """What holds for all contracts, in lines of at most 80 characters."""
    tick_value = (product.tick * product.multiplier).normalize()
    return "\n".join(
        (
            f"  {product.quote_unit}, lot {product.lot_unit}, tick {product.tick}"
            f" ({tick_value:f} {product.currency} a lot)",
            f"  at most {product.qty_max:,} lots, trades at {_PRICE_RULES[product.price_rule]},"
            f" position effect {product.position_effect}",
            f"  {' '.join((*product.order_types, *product.times_in_force))}"
            f" {' '.join(product.order_features)}".rstrip(),
        )
    )


def hours_lines(hours: Hours, on: date) -> str:
    """The template, and when it trades on the trading date `on` or the next one, in local time."""
    day = hours.calendar.on_or_after(on)
    days: dict[str, list[str]] = {}
    call = ""
    for row in schedule(hours, day):
        start = _local(hours, row.time_ns)
        if row.phase in ("PRE_OPEN", "CLOSING") and not call:
            call = f"call {start:%H:%M}, "
        elif row.phase == "CONTINUOUS":
            open_time = f"{call}{start:%H:%M}-{_local(hours, row.end_ns):%H:%M}"
            days.setdefault(f"{start:%a}", []).append(open_time)
            call = ""
    zone = getattr(hours.zone, "key", hours.zone)
    lines = [f"    {weekday} {'; '.join(times)}" for weekday, times in days.items()]
    return "\n".join([f"  {hours.name}, trading date {day} in {zone}:", *lines])


def _local(hours: Hours, time_ns: int) -> datetime:
    return datetime.fromtimestamp(time_ns // NANOSECONDS, hours.zone)
