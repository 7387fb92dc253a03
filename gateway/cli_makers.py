"""`sitex makers`: what makers quoted on each trading date, against what they owe."""

from __future__ import annotations

import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from engine.definitions import definition_commands
from engine.event_reader import EventReader, EventsMissing
from gateway.definitions import Known
from gateway.obligations import Made, Obligations, Wanted

FAILED = 1
_COLUMNS = ("date", "account", "contract", "hours", "both", "as owed", "spread", "lots", "")
_HOUR_NS = 3_600_000_000_000


def run_makers(data_dir: Path, wanted: Wanted) -> int:
    """Prints a line for each date, account and instrument that was quoted. The exit code."""
    found = Obligations(wanted)
    try:
        for rows in EventReader(data_dir).written():
            found.take(rows)
    except EventsMissing as error:
        sys.stderr.write(f"sitex makers: {error}\n")
        return FAILED
    known = Known()
    known.learn(*definition_commands(data_dir))
    accounts = {int(row["account"]): name for name, row in known.accounts.items()}
    symbols = {int(row["instrument"]): name for name, row in known.instruments.items()}
    console = Console(highlight=False)
    console.print(
        f"owed: at most {wanted.spread_bp_max / 100:g} % of the middle, at least "
        f"{wanted.size_min} lots, {wanted.presence_bp_min / 100:g} % of continuous trading",
        soft_wrap=True,
    )
    table = Table(box=None, padding=(0, 1, 0, 0))
    for name in _COLUMNS:
        table.add_column(name, no_wrap=True)
    for ended, made in [(True, one) for one in found.settled] + [
        (False, one) for one in found.so_far()
    ]:
        table.add_row(*_cells(made, accounts, symbols), _verdict(made, wanted, ended))
    console.print(table)
    return 0


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


def _verdict(made: Made, wanted: Wanted, ended: bool) -> str:
    if not ended:
        return "goes on"
    return "met" if made.meets(wanted) else "missed"
