"""`sitex admin sessions|statistics|logout|numbers|reload|news|page`: a running venue is asked."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(help="Sessions of a running venue, by its local socket.", no_args_is_help=True)

DONE, REFUSED = 0, 1
Data = Annotated[Path, typer.Option(help="The venue's data directory.", file_okay=False)]
Session = Annotated[str, typer.Argument(help="A CompID, such as ALPHA.")]
Why = Annotated[str, typer.Option("--reason", help="Kept in the journal, or told the member.")]
SeqNum = Annotated[int, typer.Option(min=0, max=999_999_999, help="0: as it is.")]


@app.command()
def sessions(data: Data = Path("data")) -> None:
    """Show each session: state, both next numbers, messages a second, what waits."""
    from gateway.operator import Statistics, ask

    answer = ask(data, Statistics())
    if answer.done:
        show_sessions(answer.text)
    raise typer.Exit(DONE if answer.done else _refused("sessions", answer.text))


@app.command()
def statistics(data: Data = Path("data")) -> None:
    """Print all statistics as JSON."""
    from gateway.operator import Statistics, ask

    answer = ask(data, Statistics())
    if answer.done:
        sys.stdout.write(answer.text + "\n")
    raise typer.Exit(DONE if answer.done else _refused("statistics", answer.text))


@app.command()
def logout(session: Session, reason: Why, data: Data = Path("data")) -> None:
    """Say Logout to a session; the reason is its text."""
    from gateway.operator import LogOut

    raise typer.Exit(_ask("logout", LogOut(session, reason), data))


@app.command()
def numbers(
    session: Session,
    reason: Why,
    expect: SeqNum = 0,
    send: SeqNum = 0,
    data: Data = Path("data"),
) -> None:
    """Set what a session that is away expects next, what it sends next, or both."""
    from gateway.operator import SetNumbers

    raise typer.Exit(_ask("numbers", SetNumbers(session, reason, expect, send), data))


@app.command()
def reload(data: Data = Path("data")) -> None:
    """Take up members, credentials and certificates that were changed."""
    from gateway.operator import Reload

    raise typer.Exit(_ask("reload", Reload(), data))


@app.command()
def news(
    text: Annotated[str, typer.Argument(help="What members are told.")],
    session: Annotated[str, typer.Option(help="One CompID; else all.")] = "",
    data: Data = Path("data"),
) -> None:
    """Tell all sessions something, or one; who is away hears it at the next Logon."""
    from gateway.operator import News

    raise typer.Exit(_ask("news", News(text, session), data))


@app.command()
def page(
    port: Annotated[
        int | None, typer.Argument(min=1, max=65_535, help="Else the configuration's, or 9880.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A venue.toml.", dir_okay=False)] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", metavar="NAME=VALUE")] = None,
    data: Data = Path("data"),
    child: Annotated[bool, typer.Option("--child", hidden=True)] = False,
) -> None:
    """Serve the operator's page of a venue that runs, on loopback, until SIGTERM or Ctrl-C."""
    from gateway.cli_outlets import run_operator_page

    raise typer.Exit(run_operator_page(config, overrides or [], data, port, child))


def _ask(command: str, request: Any, data: Path) -> int:
    import msgspec

    from gateway.operator import Request, ask

    try:
        checked: Request = msgspec.convert(msgspec.to_builtins(request), type(request))
    except msgspec.ValidationError as error:
        return _refused(command, str(error))
    answer = ask(data, checked)
    if not answer.done:
        return _refused(command, answer.text)
    sys.stdout.write(answer.text + "\n")
    return DONE


def _refused(command: str, text: str) -> int:
    sys.stderr.write(f"sitex admin {command}: {text}\n")
    return REFUSED


def show_sessions(text: str) -> None:
    """A table of the statistics' sessions."""
    import json

    from rich.console import Console
    from rich.table import Table

    seen = json.loads(text)
    table = Table(box=None, pad_edge=False)
    for name in ("session", "member", "state", "address", "expects", "sends", "in/s", "out/s",
                 "unread", "unsent", "also"):  # fmt: skip
        left = name in ("session", "member", "state", "address", "also")
        table.add_column(name, justify="left" if left else "right", no_wrap=True)
    for one in seen["sessions"]:
        also = [word for word in ("tls", "resending", "killed", "disabled") if one[word]]
        table.add_row(
            one["session"], one["member"], one["state"], one["address"],
            str(one["expected_in"]), str(one["next_out"]),
            str(one["messages_in_per_second"]), str(one["messages_out_per_second"]),
            str(one["unread_bytes"]), str(one["unsent_bytes"]), " ".join(also),
        )  # fmt: skip
    console = Console()
    if not console.is_terminal:
        console = Console(width=160)
    console.print(table)
    console.print(
        f"venue day {seen['venue_day']}, {seen['commands']} commands, {seen['connections']} "
        f"connections, logons failed {seen['logons_failed']}"
        + (f", halted: {seen['halted']}" if seen["halted"] else "")
    )
