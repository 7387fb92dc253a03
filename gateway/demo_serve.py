"""The demo's venue process: `sitex serve` with the demo's hours, circuit breaker and makers.

`python -m gateway.demo_serve DATA CLOCK DATE [NAME=VALUE ...]`; started by gateway.demo_venue.
"""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

from gateway.cli_serve import serve_config
from gateway.demo_day import OVERRIDES, demo_catalogue
from gateway.demo_maker import demo_venue
from specs.products import load_products
from specs.venue import VenueSource, load_venue


def main(arguments: list[str]) -> int:
    """Serves until a signal; the exit code."""
    data, clock, on, *overrides = arguments
    catalogue = demo_catalogue(load_products())
    source = VenueSource(overrides=("durability=os", *OVERRIDES, *overrides))
    config = demo_venue(load_venue(source.file, source.overrides))
    return serve_config(catalogue, config, source, Path(data), clock, date.fromisoformat(on))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
