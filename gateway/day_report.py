"""What makers kept of their obligations, told when a venue day has ended.

Counting means reading the day's events, so a process of its own does it, behind everybody else.

Source: specs/matching.md M-192.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

from engine.event_reader import EventsMissing
from feed.service import NICE_MAX, stand_back
from gateway.cli_makers import maker_lines
from gateway.cli_serve import print_line
from specs.products import load_products


class DayReports:
    """The reports under way."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, day: date, say: Callable[[str], None]) -> None:
        """Count the venue day that has just ended, and say a line for each maker."""
        task = asyncio.create_task(self._report(day, say))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def stop(self) -> None:
        """End what is still counted: `sitex makers` has it later."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _report(self, day: date, say: Callable[[str], None]) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.day_report", str(self._data_dir), day.isoformat(),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout
        try:
            async for line in process.stdout:
                say(line.decode().rstrip())
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


def main() -> None:
    """The process: prints the lines of the trading dates that end with this venue day."""
    stand_back(NICE_MAX)
    data_dir, day = Path(sys.argv[1]), date.fromisoformat(sys.argv[2])
    try:
        lines = maker_lines(data_dir, load_products(), day)
    except EventsMissing as error:
        lines = [f"makers' obligations of {day} are not counted: {error}"]
    for line in lines:
        print_line(line)


if __name__ == "__main__":
    main()
