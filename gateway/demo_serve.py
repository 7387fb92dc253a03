"""The demo's venue process: `sitex serve` with the demo's hours and circuit breaker.

`python -m gateway.demo_serve DATA CLOCK DATE [NAME=VALUE ...]`; started by gateway.demo_venue.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from gateway.cli_serve import serve_catalogue
from gateway.demo_day import OVERRIDES, demo_catalogue
from specs.products import load_products


def main(arguments: list[str]) -> int:
    """Serves until a signal; the exit code."""
    data, clock, on, *overrides = arguments
    catalogue = demo_catalogue(load_products())
    overrides = ["durability=os", *OVERRIDES, *overrides]
    return serve_catalogue(catalogue, None, Path(data), overrides, clock, date.fromisoformat(on))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
