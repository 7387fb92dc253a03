"""`sitex replay`, `sitex book`, `sitex skip`: what an operator does with a journal."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from engine.definitions import definition_commands
from engine.event_reader import EventsMissing
from engine.replay import ReplayResult, replay
from engine.sequencer import Sequencer
from engine.stream import JournalDamaged
from gateway.cli_serve import print_line
from gateway.definitions import Known
from gateway.warmup import warm_up
from specs.products import format_price

LEVELS_SHOWN = 10
FAILED = 1
_PAD = 9


def run_replay(data_dir: Path) -> int:
    """Replays the whole journal; prints counts, state hash and rate. The exit code."""
    result = _replay(data_dir, None)
    if result is None:
        return FAILED
    console = Console(highlight=False)
    for name, value in _facts(result):
        console.print(f"{name:<{_PAD}}  {value}", soft_wrap=True)
    return FAILED if result.fault else 0


def run_skip(data_dir: Path) -> int:
    """Journals that the command before which the venue stands is passed over. The exit code."""
    if not any(data_dir.glob("*")):
        return _fail(f"{data_dir} has no journal")
    sequencer = Sequencer.open(data_dir)
    try:
        fault = sequencer.fault
        if fault is None:
            return _fail("the venue stands before no command: nothing to skip")
        print_line(f"{fault}")
        print_line(f"command {sequencer.skip_command():,} is passed over from now on")
    finally:
        sequencer.abandon()
    return 0


def run_book(symbol: str, data_dir: Path, at: int | None) -> int:
    """Shows the book of a contract after command `at` (None: the last). The exit code."""
    known = Known()
    known.learn(*definition_commands(data_dir))
    row = known.instruments.get(symbol)
    if row is None:
        near = difflib.get_close_matches(symbol, known.instruments, n=5, cutoff=0.4)
        return _fail(f"{symbol} is not defined in {data_dir}; near it: {', '.join(near) or '-'}")
    result = _replay(data_dir, at)
    if result is None:
        return FAILED
    if at is not None and result.commands < at:
        return _fail(f"the journal ends with command {result.commands:,}, before {at:,}")
    instrument = int(row["instrument"])
    tick = next(
        int(product["tick"])
        for product in known.products.values()
        if product["product"] == row["product"]
    )
    console = Console(highlight=False)
    bids, asks = result.engine.book(instrument)
    console.print(f"{symbol} after command {result.commands:,}")
    console.print(_ladder(bids, asks, tick))
    return 0


def _replay(data_dir: Path, at: int | None) -> ReplayResult | None:
    """The replay, or None with its reason on standard error."""
    warm_up(print_line)
    try:
        return replay(data_dir, at)
    except (FileNotFoundError, JournalDamaged, EventsMissing) as error:
        _fail(str(error))
        return None


def _facts(result: ReplayResult) -> list[tuple[str, str]]:
    facts = [
        ("commands", f"{result.commands:,}"),
        ("events", f"{result.events:,}"),
        ("journal", f"{result.journal_bytes:,} bytes in {result.records:,} records"),
        ("day", f"{result.day // 10_000}-{result.day // 100 % 100:02d}-{result.day % 100:02d}"),
        ("state", result.state_hash.hex()),
        (
            "rate",
            f"{result.commands_per_second:,.0f} commands/s"
            f" ({result.commands_replayed:,} in {result.seconds:.3f} s)",
        ),
    ]
    if result.torn:
        facts.append(("torn", result.torn))
    if result.fault:
        facts.append(("fault", str(result.fault)))
    return facts


def _ladder(bids: np.ndarray, asks: np.ndarray, tick: int) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("orders", "bid lots", "price", "ask lots", "orders"):
        table.add_column(name, justify="right")
    for level in asks[:LEVELS_SHOWN][::-1]:
        price = format_price(int(level["price"]), tick)
        table.add_row("", "", price, f"{level['qty']:,}", f"{level['orders']:,}", style="red")
    for level in bids[:LEVELS_SHOWN]:
        price = format_price(int(level["price"]), tick)
        table.add_row(f"{level['orders']:,}", f"{level['qty']:,}", price, "", "", style="green")
    hidden = max(0, len(bids) - LEVELS_SHOWN) + max(0, len(asks) - LEVELS_SHOWN)
    if hidden:
        table.caption = f"and {hidden} levels more"
    if not len(bids) and not len(asks):
        table.add_row("", "", "empty", "", "")
    return table


def _fail(text: str) -> int:
    sys.stderr.write(f"sitex: {text}\n")
    return FAILED
