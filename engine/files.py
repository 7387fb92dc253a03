"""Names and sizes of the files of a data directory.

    DIR/lock                                      who works on it
    DIR/2026-11-20/journal-00000001               segments of the stream, numbered over all days
    DIR/2026-11-20/events-00000000000000000001    EVENT rows from that number on, zeros behind them
    DIR/2026-11-20/requests                       REQUEST rows of the day, row 0 unused
    DIR/2026-11-20/snapshot-00000000000000000000  the engine after so many commands
    DIR/2026-11-20/sessions-00000000000000000000  the session store at that stream position

Imports no engine and no numba: the feed's process reads the same names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

JOURNAL, EVENTS, SNAPSHOT, SESSIONS = "journal", "events", "snapshot", "sessions"
REQUESTS = "requests"
_WIDTHS = {JOURNAL: 8, EVENTS: 20, SNAPSHOT: 20, SESSIONS: 20}
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)")


@dataclass(frozen=True)
class FileSizes:
    """Sizes of what is allocated ahead, and what is kept back for a halt."""

    journal_bytes: int = 1 << 25  # one segment
    journal_reserve_bytes: int = (
        1 << 23
    )  # of the last segment on a full disk: halted, cancels go on
    event_rows: int = 1 << 17  # one segment
    event_reserve_rows: int = 1 << 15  # the same
    request_chunk_rows: int = 1 << 16  # allocated ahead at a time
    request_resident_rows: int = 1 << 20  # newest rows kept in memory

    def __post_init__(self) -> None:
        assert 0 < 2 * self.journal_reserve_bytes <= self.journal_bytes
        assert self.journal_bytes % 8 == 0
        assert 0 < 2 * self.event_reserve_rows <= self.event_rows
        assert self.request_chunk_rows > 0 and self.request_resident_rows > 0


def file_name(kind: str, number: int) -> str:
    """The name of a numbered file."""
    return f"{kind}-{number:0{_WIDTHS[kind]}d}"


def day_name(day: int) -> str:
    """The folder of a venue day, yyyymmdd."""
    return f"{day // 10_000:04d}-{day // 100 % 100:02d}-{day % 100:02d}"


def day_folders(data_dir: Path) -> list[tuple[int, Path]]:
    """(day, folder) of all venue days in a data directory, oldest first; [] where it is missing."""
    if not data_dir.is_dir():
        return []
    days = []
    for path in data_dir.iterdir():
        found = _DAY.fullmatch(path.name)
        if found and path.is_dir():
            days.append((int("".join(found.groups())), path))
    return sorted(days)


def numbered_files(folder: Path, kind: str) -> list[tuple[int, Path]]:
    """(number, path) of a day's files of one kind, in order of number."""
    width = _WIDTHS[kind]
    found = []
    for path in folder.iterdir():
        digits = path.name.removeprefix(kind + "-")
        if len(digits) == width and digits.isdecimal() and path.name.startswith(kind + "-"):
            found.append((int(digits), path))
    return sorted(found)
