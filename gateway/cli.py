"""The `sitex` command: arguments in, one function call out.

Heavy modules (numba, numpy, uvloop) are imported inside the commands that need them, so that
`sitex --help` and `sitex instruments` answer at once.
"""

from __future__ import annotations

import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gateway import cli_admin, cli_feed
from gateway.cli_access import members
from specs.loading import SpecError

app = typer.Typer(
    name="sitex",
    help="An exchange for AI-token and GPU-compute futures that a member can trade over FIX.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.add_typer(cli_feed.app, name="feed")
app.add_typer(members, name="member")
app.add_typer(cli_admin.app, name="admin")

USAGE_ERROR, FAILED = 2, 1


class Switch(StrEnum):
    """Which way a switch goes."""

    ON = "on"
    OFF = "off"


class Durability(StrEnum):
    """When an order is acknowledged."""

    OS = "os"
    FSYNC = "fsync"


Config = Annotated[
    Path | None, typer.Option(help="A venue.toml; without one, the default venue.", dir_okay=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another value, such as fix.port=9900."),
]
TradingDate = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="Start before this trading date opens."),
]
Data = Annotated[Path, typer.Option(help="The venue's data directory.", file_okay=False)]


Broker = Annotated[
    str | None,
    typer.Option("--mqtt", metavar="HOST:PORT|embedded", help="Publish to an MQTT broker, too."),
]
ConsolePort = Annotated[
    int | None,
    typer.Option(
        "--console", metavar="PORT", min=1, max=65_535, help="Market page, WebSocket and REST, too."
    ),
]
Group = cli_feed.Group
IsChild = Annotated[bool, typer.Option("--child", hidden=True, help="End with standard input.")]


@app.command()
def serve(
    config: Config = None,
    data: Data = Path("data"),
    durability: Annotated[
        Durability | None,
        typer.Option(help="fsync: acknowledged orders survive a power cut; os: a kill."),
    ] = None,
    clock: Annotated[
        str, typer.Option(metavar="real|fast:N", help="How fast the venue clock runs.")
    ] = "real",
    on: TradingDate = None,
    mqtt: Broker = None,
    console: ConsolePort = None,
    overrides: Overrides = None,
) -> None:
    """Run the venue until SIGTERM or Ctrl-C."""
    from gateway.cli_serve import run_venue

    chosen = [*(overrides or []), *([f"durability={durability.value}"] if durability else [])]
    chosen += [f'mqtt.broker="{mqtt}"'] if mqtt else []
    chosen += [f"console.port={console}"] if console else []
    raise typer.Exit(run_venue(config, data, chosen, clock, on.date() if on else None))


@app.command()
def certify(
    session: Annotated[str, typer.Option(help="The CompID of the client that is examined.")],
    config: Config = None,
    overrides: Overrides = None,
    only: Annotated[
        list[str] | None, typer.Option(help="This situation (or its beginning); may be repeated.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write the report: NAME.txt and NAME.json.", dir_okay=False)
    ] = None,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for each step.")] = 60.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="Instructions as JSON, for a client that is driven.")
    ] = False,
) -> None:
    """Take a member's FIX client through situations and say which of them it passes."""
    from gateway.cli_certify import Terms, run_certify

    terms = Terms(session, tuple(only or ()), report, timeout, as_json)
    raise typer.Exit(run_certify(config, overrides or [], terms))


@app.command()
def day(
    on: Annotated[datetime, typer.Option("--date", formats=["%Y-%m-%d"], help="The trading date.")],
    product: Annotated[str | None, typer.Option(help="Only this product.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the simulated flow.")] = 1,
    commands: Annotated[
        int, typer.Option(min=1, max=50_000_000, help="How many the members send.")
    ] = 200_000,
    data: Annotated[
        Path | None, typer.Option(help="Keep the journal in this directory.", file_okay=False)
    ] = None,
    makers: Annotated[
        bool, typer.Option("--makers", help="Members also quote months and trade spreads.")
    ] = False,
) -> None:
    """Simulate a whole trading day, print what it was, and replay its journal."""
    from gateway.cli_day import run_day
    from gateway.day import DayTerms

    code = product.upper() if product else None
    terms = DayTerms(on.date(), seed, commands, makers=makers)
    raise typer.Exit(run_day(terms, code, data))


@app.command()
def demo(
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself; else until Ctrl-C.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulated market and members.")] = 1,
    product: Annotated[str, typer.Option(help="Whose ladder and curve are shown.")] = "SITB",
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="FIX port; else a free one.")
    ] = None,
    clock: Annotated[
        str, typer.Option(metavar="fast:N", help="How fast the venue clock runs.")
    ] = "fast:1440",
    data: Annotated[
        Path | None, typer.Option(help="Keep the journal in this directory.", file_okay=False)
    ] = None,
    console: ConsolePort = None,
    picture: Annotated[
        Path | None, typer.Option(help="Write the last frame as an SVG.", dir_okay=False)
    ] = None,
) -> None:
    """Run a fast trading day with simulated members on loopback and show its market."""
    from gateway.demo import DemoTerms, run_demo

    terms = DemoTerms(seconds, seed, product.upper(), port, clock, data, picture, console)
    raise typer.Exit(run_demo(terms))


@app.command()
def watch(
    symbol: Annotated[str, typer.Argument(help="Such as SITB2612.")],
    config: Config = None,
    overrides: Overrides = None,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End by itself; else until Ctrl-C.")
    ] = None,
    group: Group = "",
) -> None:
    """Show book and trades of one contract, from the multicast feed."""
    from gateway.cli_watch import run_watch

    raise typer.Exit(run_watch(symbol, config, overrides or [], seconds, group))


@app.command()
def mqtt(
    broker: Annotated[
        str | None, typer.Argument(metavar="HOST:PORT|embedded", help="Else the configuration's.")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    group: Group = "",
    child: IsChild = False,
) -> None:
    """Publish the market that the lines bring to an MQTT broker, until SIGTERM or Ctrl-C."""
    from gateway.cli_outlets import run_mqtt

    chosen = [*(overrides or []), *([f'mqtt.broker="{broker}"'] if broker else [])]
    raise typer.Exit(run_mqtt(config, chosen, child, group))


@app.command()
def console(
    port: Annotated[
        int | None, typer.Argument(min=1, max=65_535, help="Else the configuration's, or 8080.")
    ] = None,
    config: Config = None,
    overrides: Overrides = None,
    group: Group = "",
    child: IsChild = False,
) -> None:
    """Serve the market page, WebSocket and REST of a venue that runs, until SIGTERM or Ctrl-C."""
    from gateway.cli_outlets import run_console

    chosen = [*(overrides or []), *([f"console.port={port}"] if port else [])]
    raise typer.Exit(run_console(config, chosen, child, group))


@app.command()
def replay(
    directory: Annotated[Path, typer.Argument(help="A venue's data directory.", exists=True)],
) -> None:
    """Rebuild the state from the journal; print counts, state hash and commands a second."""
    from gateway.cli_replay import run_replay

    raise typer.Exit(run_replay(directory))


@app.command()
def book(
    symbol: Annotated[str, typer.Argument(help="Such as SITB2612.")],
    data: Data = Path("data"),
    at: Annotated[
        int | None, typer.Option(min=0, help="After which command; else after the last one.")
    ] = None,
) -> None:
    """Show the book of one contract after command N of the journal."""
    from gateway.cli_replay import run_book

    raise typer.Exit(run_book(symbol.upper(), data, at))


@app.command()
def skip(data: Data = Path("data")) -> None:
    """Pass over the command before which a venue stands halted, for good (the venue is stopped)."""
    from gateway.cli_replay import run_skip

    raise typer.Exit(run_skip(data))


@app.command()
def makers(
    data: Data = Path("data"),
    spread: Annotated[
        float | None, typer.Option(min=0, max=100, help="Percent of the middle, at most.")
    ] = None,
    size: Annotated[int | None, typer.Option(min=1, help="Lots a side, at least.")] = None,
    presence: Annotated[
        float | None, typer.Option(min=0, max=100, help="Percent of continuous trading, at least.")
    ] = None,
) -> None:
    """Show what market makers quoted on each trading date, against what products.toml says."""
    from gateway.cli_makers import Asked, run_makers

    raise typer.Exit(run_makers(data, Asked(spread, size, presence)))


Why = Annotated[str, typer.Option("--reason", help="Kept in the journal.")]
Target = Annotated[str, typer.Argument(help="A symbol, a product code, or all.")]


@app.command()
def halt(target: Target, reason: Why, data: Data = Path("data")) -> None:
    """Halt instruments of the running venue until `resume`: they take cancels only."""
    from gateway.cli_operator import run_halt

    raise typer.Exit(run_halt(target, reason, data))


@app.command()
def resume(target: Target, reason: Why, data: Data = Path("data")) -> None:
    """Let instruments go that `halt` halted: they have the phase of their hours again."""
    from gateway.cli_operator import run_resume

    raise typer.Exit(run_resume(target, reason, data))


Member = Annotated[str, typer.Option("--member", help="Such as ALPHA.")]
Session = Annotated[str, typer.Option("--session", help="One CompID; else all of the member.")]


@app.command()
def kill(member: Member, reason: Why, session: Session = "", data: Data = Path("data")) -> None:
    """Block a member of the running venue, or one session, and cancel its orders; cancels work."""
    from gateway.cli_operator import run_kill

    raise typer.Exit(run_kill(member, session, reason, data))


@app.command()
def release(member: Member, reason: Why, session: Session = "", data: Data = Path("data")) -> None:
    """Let a member or session go that `kill` blocked; its orders do not come back."""
    from gateway.cli_operator import run_release

    raise typer.Exit(run_release(member, session, reason, data))


TradeNumber = Annotated[
    int, typer.Argument(metavar="TRADE", min=1, max=(1 << 63) - 1, help="Its number: FIX tag 527.")
]


@app.command()
def bust(trade: TradeNumber, reason: Why, data: Data = Path("data")) -> None:
    """Take back a trade of the running venue: positions, volume, reports; no order comes back."""
    from gateway.cli_operator import run_bust

    raise typer.Exit(run_bust(trade, reason, data))


@app.command()
def correct(
    trade: TradeNumber,
    price: Annotated[str, typer.Option(help="The price that holds.")],
    reason: Why,
    data: Data = Path("data"),
) -> None:
    """Give a trade of the running venue another price."""
    from gateway.cli_operator import run_correct

    raise typer.Exit(run_correct(trade, price, reason, data))


@app.command()
def implied(
    switch: Annotated[Switch, typer.Argument(help="Which way.")],
    product: Annotated[str, typer.Option(help="Whose months and calendar spreads.")],
    reason: Why,
    data: Data = Path("data"),
) -> None:
    """Turn implied prices of a product of the running venue on or off."""
    from gateway.cli_operator import run_implied

    raise typer.Exit(run_implied(product, switch == Switch.ON, reason, data))


@app.command()
def instruments(
    product: Annotated[str | None, typer.Option(help="Only this product.")] = None,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Trading date; else today's.")
    ] = None,
) -> None:
    """List what trades."""
    from gateway.cli_instruments import run_instruments

    raise typer.Exit(run_instruments(product, on.date() if on else None))


@app.command()
def password() -> None:
    """Ask for a password and print its hash for venue.toml."""
    from specs.credentials import hash_password

    typer.echo(hash_password(typer.prompt("Password", hide_input=True, confirmation_prompt=True)))


def main() -> None:
    """Runs the command line; a specification that cannot be used is an error of usage."""
    try:
        app()
    except SpecError as error:
        sys.stderr.write(f"sitex: {error}\n")
        raise SystemExit(USAGE_ERROR) from None


if __name__ == "__main__":
    main()
