"""`sitex makers`: what makers quoted on each trading date, against what they owe."""

from __future__ import annotations

import sys
from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from engine.definitions import definition_commands
from engine.event_reader import EventReader, EventsMissing
from gateway.definitions import Known
from gateway.obligations import Made, Obligations, Wanted
from specs.calendar import from_yyyymmdd
from specs.loading import SpecError
from specs.products import PRODUCTS_FILE, Catalogue, load_products

FAILED = 1
_COLUMNS = ("date", "account", "contract", "hours", "both", "as owed", "spread", "lots", "")
_HOUR_NS = 3_600_000_000_000


class Asked(NamedTuple):
    """What the command line says instead of products.toml; None: nothing."""

    spread_percent: float | None = None
    qty: int | None = None
    presence_percent: float | None = None


def run_makers(data_dir: Path, asked: Asked) -> int:
    """Prints a line for each date, account and instrument that was quoted. The exit code.

    Raises SpecError where products.toml lacks a product of the journal.
    """
    known = Known()
    known.learn(*definition_commands(data_dir))
    wanted = wanted_of(known, load_products(), asked)
    found = Obligations(wanted)
    try:
        for rows in EventReader(data_dir).written():
            found.take(rows)
    except EventsMissing as error:
        sys.stderr.write(f"sitex makers: {error}\n")
        return FAILED
    accounts = {int(row["account"]): name for name, row in known.accounts.items()}
    symbols = {int(row["instrument"]): name for name, row in known.instruments.items()}
    console = Console(highlight=False)
    for line in _owed_lines(known, wanted):
        console.print(line, soft_wrap=True)
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in _COLUMNS:
        table.add_column(name, no_wrap=True)
    for ended, made in [(True, one) for one in found.settled] + [
        (False, one) for one in found.so_far()
    ]:
        table.add_row(*_cells(made, accounts, symbols), _verdict(made, ended))
    console.print(table)
    return 0


def maker_lines(data_dir: Path, catalogue: Catalogue, on: date | None = None) -> list[str]:
    """How many of its quotes each maker kept as it owes, on each trading date that ended.

    on: that date alone.
    """
    known = Known()
    known.learn(*definition_commands(data_dir))
    found = Obligations(wanted_of(known, catalogue, Asked()))
    for rows in EventReader(data_dir).written():
        found.take(rows)
    members = {int(row["member"]): name for name, row in known.members.items()}
    names = {int(row["account"]): members[int(row["member"])] for row in known.accounts.values()}
    kept: dict[tuple[int, str], list[bool]] = defaultdict(list)
    for made in found.settled:
        kept[made.trading_date, names[made.account]].append(made.is_met)
    return [
        f"{name} met {sum(met):,} of {len(met):,} obligations on {from_yyyymmdd(ended)}"
        for (ended, name), met in sorted(kept.items())
        if on is None or from_yyyymmdd(ended) == on
    ]


def wanted_of(known: Known, catalogue: Catalogue, asked: Asked) -> dict[int, Wanted]:
    """What is owed, by product number: as in products.toml where nothing else is asked."""
    wanted = {}
    for code, row in known.products.items():
        if code not in catalogue.codes:
            problem = f"no product {code!r}, which the journal has"
            raise SpecError(PRODUCTS_FILE, "$.product", problem)
        terms = catalogue.product(code).maker
        spread = asked.spread_percent
        presence = asked.presence_percent
        wanted[int(row["product"])] = Wanted(
            _points(terms.spread_percent if spread is None else spread),
            terms.qty if asked.qty is None else asked.qty,
            _points(terms.presence_percent if presence is None else presence),
        )
    return wanted


def _points(percent: Decimal | float) -> int:
    return round(percent * 100)


def _owed_lines(known: Known, wanted: dict[int, Wanted]) -> list[str]:
    """A line for all products that owe the same."""
    codes: dict[Wanted, list[str]] = defaultdict(list)
    for code, row in known.products.items():
        codes[wanted[int(row["product"])]].append(code)
    return [
        f"owed in {', '.join(names)}: at most {terms.spread_bp_max / 100:g} % of the middle,"
        f" at least {terms.size_min} lots, {terms.presence_bp_min / 100:g} % of continuous trading"
        for terms, names in codes.items()
    ]


def _cells(made: Made, accounts: dict[int, str], symbols: dict[int, str]) -> list[str]:
    trading_ns = max(made.trading_ns, 1)
    return [
        str(made.trading_date),
        accounts[made.account],
        symbols[made.instrument],
        f"{made.trading_ns / _HOUR_NS:.2f}",
        f"{made.two_sided_ns / trading_ns:.1%}",
        f"{made.present_ns / trading_ns:.1%}",
        f"{made.spread_bp / 100:.2f} %",
        f"{made.size:,}",
    ]


def _verdict(made: Made, ended: bool) -> str:
    if not ended:
        return "goes on"
    return "met" if made.is_met else "missed"
