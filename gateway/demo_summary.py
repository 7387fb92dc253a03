"""The demo's last word: what journal and event log hold, beside what members and feed counted.

Reads the data directory after the venue has stopped; every number under "journal" comes from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.table import Table

from engine.files import EVENTS, day_folders, numbered_files
from engine.records import RecordKind
from engine.stream import Stream, list_segments
from engine.types import COMMAND, EVENT, CommandKind, EventFlag, EventKind
from gateway.demo_desk import Desk

_KINDS = 256


class JournalCounts(NamedTuple):
    """What a data directory holds."""

    commands: int
    orders: int
    replaces: int
    cancels: int
    quotes: int
    quote_cancels: int
    events: int
    trades: int
    lots: int  # traded, each trade once
    rejects: int
    journal_bytes: int


def count_journal(data_dir: Path) -> JournalCounts:
    """Counts commands from the journal and events from the event log; raises JournalDamaged."""
    commands = np.zeros(_KINDS, np.int64)
    journal_bytes = 0
    for record in Stream(list_segments(data_dir), None).records():
        journal_bytes += record.header.record_bytes
        if record.header.kind == RecordKind.COMMANDS:
            size = record.header.rows * COMMAND.itemsize
            rows = np.frombuffer(record.payload[:size], COMMAND)
            commands += np.bincount(rows["kind"], minlength=_KINDS)
    events = np.zeros(_KINDS, np.int64)
    trades = lots = 0
    for rows in event_rows(data_dir):
        events += np.bincount(rows["kind"], minlength=_KINDS)
        fills = rows[(rows["kind"] == EventKind.FILL) & (rows["flags"] & EventFlag.LEG == 0)]
        trades += len(fills) // 2
        lots += int(fills["qty"].sum()) // 2
    return JournalCounts(
        commands=int(commands[1:].sum()),
        orders=int(commands[CommandKind.NEW_ORDER]),
        replaces=int(commands[CommandKind.REPLACE]),
        cancels=int(commands[CommandKind.CANCEL]),
        quotes=int(commands[CommandKind.MASS_QUOTE]),
        quote_cancels=int(commands[CommandKind.QUOTE_CANCEL]),
        events=int(events[1:].sum()),
        trades=trades,
        lots=lots,
        rejects=int(events[EventKind.REJECTED]),
        journal_bytes=journal_bytes,
    )


def event_rows(data_dir: Path) -> Iterable[np.ndarray]:
    """The rows of the event log, file by file."""
    for _, folder in day_folders(data_dir):
        for _, path in numbered_files(folder, EVENTS):
            rows = np.fromfile(path, EVENT)
            yield rows[rows["kind"] != EventKind.NONE]


class Summary(NamedTuple):
    """What one demo came to."""

    seconds: float
    desks: list[Desk]
    feed_trades: int
    feed_lots: int
    journal: JournalCounts
    makers: list[str]  # what came of their obligations

    @property
    def agrees(self) -> bool:
        """Whether the journal holds exactly what members sent and what the feed showed."""
        return all(row[1] == row[2] for row in self._rows())

    def table(self) -> Table:
        """Members and feed beside the journal."""
        table = Table(title=f"{self.seconds:.1f} s of trading", title_justify="left", box=None)
        table.add_column("")
        table.add_column("members, feed", justify="right")
        table.add_column("journal", justify="right", style="bold")
        for name, counted, journaled in self._rows():
            table.add_row(name, f"{counted:,}", f"{journaled:,}")
        return table

    def lines(self) -> list[str]:
        """What stands below the table."""
        journal = self.journal
        verdict = "all counts agree" if self.agrees else "COUNTS DIFFER"
        rejects: dict[str, int] = {}
        for desk in self.desks:
            for text, count in desk.counts.reject_texts.items():
                rejects[text] = rejects.get(text, 0) + count
        return [
            f"{journal.commands:,} commands and {journal.events:,} events in the journal,"
            f" {journal.journal_bytes / 1e6:.1f} MB; {verdict}",
            *(f"  {line}" for line in self.makers),
            *(f"  {count:,} rejected: {text}" for text, count in sorted(rejects.items())),
        ]

    def _rows(self) -> list[tuple[str, int, int]]:
        journal = self.journal
        counts = [desk.counts for desk in self.desks]
        return [
            ("new orders", sum(one.orders for one in counts), journal.orders),
            ("replaces", sum(one.replaces for one in counts), journal.replaces),
            ("cancels", sum(one.cancels for one in counts), journal.cancels),
            ("quotes", sum(one.quotes for one in counts), journal.quotes),
            ("quote cancels", sum(one.quote_cancels for one in counts), journal.quote_cancels),
            ("trades", self.feed_trades, journal.trades),
            ("fills", sum(one.fills for one in counts), 2 * journal.trades),
            ("lots", self.feed_lots, journal.lots),
        ]
