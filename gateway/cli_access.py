"""`sitex member`: its arguments (gateway/cli_member.py does the work)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

members = typer.Typer(
    help="Who may log on: members.toml beside a venue.toml.", no_args_is_help=True
)

Name = Annotated[str, typer.Argument(help="Such as ALPHA.")]
Config = Annotated[Path, typer.Option(help="The venue.toml.", dir_okay=False, exists=True)]
Key = Annotated[Path | None, typer.Option(help="PEM of an Ed25519 public key: Logons are signed.")]
Ask = Annotated[bool, typer.Option("--ask", help="Ask for the password; else one is made.")]


@members.command()
def add(
    name: Name,
    config: Config,
    session: Annotated[
        list[str] | None, typer.Option(help="A CompID; several may be given. Else the name.")
    ] = None,
    product: Annotated[
        list[str] | None, typer.Option(help="A code; several may be given. Else all.")
    ] = None,
    address: Annotated[
        list[str] | None, typer.Option(help="A network it comes from, such as 10.1.0.0/16.")
    ] = None,
    public_key: Key = None,
    certificate: Annotated[
        bool, typer.Option("--certificate", help="It shows a client certificate.")
    ] = False,
    ask: Ask = False,
) -> None:
    """Add a member with one account; its password is made and shown once."""
    from gateway.cli_member import Terms, run_add

    terms = Terms(
        tuple(session or ()), tuple(product or ()), tuple(address or ()), public_key, certificate,
        _password(ask),
    )  # fmt: skip
    raise typer.Exit(run_add(name, terms, config))


@members.command("list")
def list_members(config: Config) -> None:
    """List members, their sessions, and what each must prove."""
    from gateway.cli_member import run_list

    raise typer.Exit(run_list(config))


@members.command()
def disable(name: Name, config: Config) -> None:
    """Let a member log on no more; orders and positions stay."""
    from gateway.cli_member import run_disable

    raise typer.Exit(run_disable(name, True, config))


@members.command()
def enable(name: Name, config: Config) -> None:
    """Let a member log on again that `disable` kept out."""
    from gateway.cli_member import run_disable

    raise typer.Exit(run_disable(name, False, config))


@members.command()
def rotate(name: Name, config: Config, public_key: Key = None, ask: Ask = False) -> None:
    """Give a member another password, shown once, or another public key."""
    from gateway.cli_member import Terms, run_rotate

    terms = Terms(public_key=public_key, password=_password(ask))
    raise typer.Exit(run_rotate(name, terms, config))


def _password(ask: bool) -> str:
    if not ask:
        return ""
    return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
