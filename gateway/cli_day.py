"""`sitex day`: one trading day without sockets, its statistics, and its replay."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.files import day_folders
from engine.replay import replay
from engine.types import CommandKind, EventKind
from gateway.cli_makers import maker_lines
from gateway.cli_serve import USAGE_ERROR, print_line
from gateway.day import DayResult, DayTerms, simulate
from gateway.warmup import warm_up
from specs.loading import SpecError
from specs.products import (
    PRICE_UNITS,
    PRODUCTS_FILE,
    Catalogue,
    Product,
    format_price,
    load_products,
)
from specs.rejects import Reject
from specs.venue import load_venue

FAILED = 1
_PAD = 10
_WIDTH = 120  # of the table, where nobody looks at a terminal
_PRICES = ("open", "high", "low", "last", "settlement")
_SUMS = ("trades", "volume", "auction_volume", "open_interest")


def run_day(terms: DayTerms, code: str | None, data: Path | None) -> int:
    """Simulates the day, prints what it was, and replays its journal. The exit code.

    data: an empty directory that keeps the journal; None: a temporary one.
    """
    catalogue = load_products()
    if code is not None:
        if code not in catalogue.codes:
            allowed = ", ".join(catalogue.codes)
            raise SpecError(PRODUCTS_FILE, "$.product", f"no product {code!r}", allowed)
        product = catalogue.product(code)
        catalogue = catalogue.only({code, product.bought, product.sold})
    if data is not None and day_folders(data):
        return _refuse(f"{data} holds a journal; allowed: a directory without one")
    warm_up(print_line)
    with _directory(data) as folder:
        try:
            result = simulate(terms, catalogue, load_venue(), folder)
        except ValueError as error:
            return _refuse(str(error))
        console = Console(highlight=False)
        console.width = max(console.width, _WIDTH)
        _print_day(console, catalogue, result, terms)
        for line in maker_lines(folder, catalogue) if terms.makers else ():
            console.print(line, soft_wrap=True)
        again = replay(folder)
    agrees = result.settles
    equal = again.state_hash == result.state_hash and again.events == result.events
    lines = [
        ("settled", "as traded" if agrees else "NOT as traded"),
        ("state", result.state_hash.hex()),
        (
            "replayed",
            f"{again.commands:,} commands, {again.events:,} events in {again.seconds:.2f} s: "
            + ("the same state" if equal else f"ANOTHER state, {again.state_hash.hex()}"),
        ),
    ]
    for name, text in lines:
        console.print(f"{name:<{_PAD}}{text}", soft_wrap=True)
    return 0 if agrees and equal else FAILED


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    if data is not None:
        data.mkdir(parents=True, exist_ok=True)
        yield data
        return
    with tempfile.TemporaryDirectory(prefix="sitex-day-") as folder:
        yield Path(folder)


def _print_day(console: Console, catalogue: Catalogue, result: DayResult, terms: DayTerms) -> None:
    statistics = result.statistics
    console.print(_prices_table(catalogue, result), soft_wrap=True)
    for name, counts, kinds in (
        ("commands", result.command_kinds, CommandKind),
        ("events", statistics.kinds, EventKind),
        ("refused", statistics.reasons, Reject),
    ):
        shown = [f"{kind.name} {counts[kind]:,}" for kind in kinds if counts[kind]]
        console.print(f"{name:<{_PAD}}{', '.join(shown) or '-'}", soft_wrap=True)
    rate = terms.commands / result.seconds if result.seconds else 0.0
    console.print(
        f"{terms.day}: {result.commands:,} commands, {result.events:,} events, seed {terms.seed},"
        f" {rate:,.0f} commands/s journaled and applied",
        soft_wrap=True,
    )


def _prices_table(catalogue: Catalogue, result: DayResult) -> Table:
    """A row for each product that trades on the day, and one for each contract that traded."""
    rows, known = result.statistics.rows, result.known
    table = Table(box=None, pad_edge=False)
    table.add_column("", style="bold", no_wrap=True)
    for name in (*_PRICES, "trades", "lots", "in auctions", "open interest", "value", ""):
        table.add_column(name, justify="right", no_wrap=True)
    for product in catalogue.products:
        if product.code not in known.products:
            continue
        numbers = {
            symbol: int(row["instrument"])
            for symbol, row in known.instruments.items()
            if row["product"] == known.products[product.code]["product"]
        }
        whole = _sums(product, rows[list(numbers.values())])
        table.add_row(product.code, *[""] * len(_PRICES), *whole, product.currency, style="bold")
        for symbol, number in numbers.items():
            row = rows[number]
            if row["trades"]:
                prices = [format_price(int(row[name]), product.tick_units) for name in _PRICES]
                table.add_row(symbol, *prices, *_sums(product, row))
    return table


def _sums(product: Product, rows: np.ndarray) -> list[str]:
    """The sums of DAY_ROWs as text: _SUMS, then their value in whole currency units."""
    *counts, value = (int(np.sum(rows[name])) for name in (*_SUMS, "value"))
    return [f"{number:,}" for number in (*counts, value * product.multiplier // PRICE_UNITS)]


def _refuse(text: str) -> int:
    sys.stderr.write(f"sitex day: {text}\n")
    return USAGE_ERROR
