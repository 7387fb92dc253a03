"""`sitex feed ...`: what a subscriber wants from the command line. Loads no numba."""

from __future__ import annotations

import json
import sys

import typer

app = typer.Typer(help="Market data: schema, record, replay.", no_args_is_help=True)


@app.command()
def schema() -> None:
    """Print the JSON Schema of all messages of the feed."""
    from feed.schema import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")
