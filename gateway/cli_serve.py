"""`sitex serve`: configuration, compiled kernels, then the venue on its event loop."""

from __future__ import annotations

import sys
from collections.abc import Coroutine
from datetime import date
from importlib.util import find_spec
from pathlib import Path

from gateway.cli_outlets import beside_outlets, require_broker, require_console
from gateway.clock import opening_ns, parse_speed
from specs.loading import SpecError
from specs.products import Catalogue, load_products
from specs.venue import VENUE_FILE, VenueConfig, VenueSource, load_venue

CANNOT_SERVE, USAGE_ERROR = 1, 2
FILES_BESIDE = 256  # open files that are no connections


def run_venue(
    config_file: Path | None, data_dir: Path, overrides: list[str], clock: str, on: date | None
) -> int:
    """Serves until a signal; returns the process's exit code. Raises SpecError before it starts.

    clock: "real" or "fast:N"; on: the trading date before whose opening the venue clock starts.
    """
    source = VenueSource(config_file or VENUE_FILE, tuple(overrides))
    catalogue = load_products()
    config = load_venue(source.file, source.overrides, catalogue)
    return serve_config(catalogue, config, source, data_dir, clock, on)


def serve_config(
    catalogue: Catalogue,
    config: VenueConfig,
    source: VenueSource,
    data_dir: Path,
    clock: str,
    on: date | None,
) -> int:
    """run_venue with these products and this venue, which came from `source`."""
    check_means(config, source.file)
    try:
        speed = parse_speed(clock)
        start_ns = None if on is None else opening_ns(catalogue, on)
    except ValueError as error:
        sys.stderr.write(f"sitex serve: {error}\n")
        return USAGE_ERROR

    if config.mqtt.broker:
        require_broker(config.mqtt)
    if config.console.port:
        require_console()

    from engine.recover import LimitsDiffer
    from engine.storage import DirectoryBusy, StorageFailed
    from engine.stream import JournalDamaged
    from gateway.definitions import DefinitionConflictError
    from gateway.service import serve
    from gateway.warmup import warm_up

    warm_up(print_line)
    may_have, needed = open_files(config)
    if may_have < needed:
        print_line(f"open files: {may_have} of {needed} for all connections (ulimit -n)")
    try:
        main = serve(config, data_dir, catalogue, source=source, start_ns=start_ns, speed=speed)
        return run_on_loop(beside_outlets(main, config, source, data_dir))
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


def check_means(config: VenueConfig, file: Path) -> None:
    """What the configuration asks for can be had, told before minutes of work; raises SpecError."""
    if config.fix.tls is not None:
        from gateway.tls import server_context

        server_context(config.fix.tls, file)
    for name, library in (
        ("metrics_port", "prometheus_client"),
        ("log", "structlog"),
        ("page_port", "uvicorn"),
    ):
        if getattr(config.operator, name) and find_spec(library) is None:
            raise SpecError(
                file, f"$.operator.{name}", "needs the extra [operator]",
                "after pip install 'sitex[operator]', or none",
            )  # fmt: skip
    signing = next((row for row, one in enumerate(config.members) if one.public_key), None)
    if signing is not None and find_spec("cryptography") is None:
        raise SpecError(
            file, f"$.member[{signing}].public_key", "needs the extra [signed]",
            "after pip install 'sitex[signed]', or '' for no public key",
        )  # fmt: skip


def open_files(config: VenueConfig) -> tuple[int, int]:
    """Asks the system for as many open files as connections need; (may have, needed). O-171."""
    needed = config.fix.connections_max + config.feed.recovery_connections_max + FILES_BESIDE
    try:
        import resource
    except ImportError:  # no such limit here
        return needed, needed
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return needed, needed
    allowed = needed if hard == resource.RLIM_INFINITY else min(hard, needed)
    if soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        soft = allowed
    return soft, needed


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
