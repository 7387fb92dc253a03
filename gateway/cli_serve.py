"""`sitex serve`: configuration, compiled kernels, then the venue on its event loop."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from pathlib import Path

from specs.products import load_products
from specs.venue import VENUE_FILE, load_venue

CANNOT_SERVE = 1


def run_venue(config_file: Path | None, data_dir: Path, overrides: list[str]) -> int:
    """Serves until a signal; returns the process's exit code. Raises SpecError before it starts."""
    catalogue = load_products()
    config = load_venue(config_file or VENUE_FILE, overrides, catalogue)

    from engine.recover import LimitsDiffer
    from engine.storage import DirectoryBusy, StorageFailed
    from engine.stream import JournalDamaged
    from gateway.definitions import DefinitionConflictError
    from gateway.service import serve
    from gateway.warmup import warm_up

    warm_up(print_line)
    try:
        return run_on_loop(serve(config, data_dir, catalogue))
    except (
        DefinitionConflictError,
        DirectoryBusy,
        JournalDamaged,
        LimitsDiffer,
        StorageFailed,
        OSError,
    ) as error:
        sys.stderr.write(f"sitex serve: {error}\n")
        return CANNOT_SERVE


def run_on_loop(main: Coroutine[object, object, int]) -> int:
    """Runs a coroutine on uvloop, where it is to be had, else on asyncio."""
    try:
        import uvloop
    except ImportError:
        import asyncio

        return asyncio.run(main)
    return uvloop.run(main)


def print_line(text: str) -> None:
    """Says something on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
