"""`sitex feed ...`: what a subscriber wants from the command line. Loads no numba."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from specs.venue import FeedConfig

app = typer.Typer(help="Market data: schema, record, replay, Parquet.", no_args_is_help=True)

Config = Annotated[
    Path | None, typer.Option(help="A venue.toml; without one, the default venue.", dir_okay=False)
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Another value, such as feed.ttl=1."),
]
Group = Annotated[str, typer.Option(help="From the lines of a product group.")]
RecordingFile = Annotated[Path, typer.Argument(metavar="FILE", help="A recording.", exists=True)]


@app.command()
def schema() -> None:
    """Print the JSON Schema of all messages of the feed."""
    from feed.schema import json_schema

    sys.stdout.write(json.dumps(json_schema(), indent=1) + "\n")


@app.command()
def record(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.")],
    config: Config = None,
    overrides: Overrides = None,
    group: Group = "",
    seconds: Annotated[
        float | None, typer.Option(min=0, help="End by itself; else until Ctrl-C.")
    ] = None,
) -> None:
    """Record the market data of a running venue: a snapshot, then every message in order."""
    from feed.record import record as record_feed
    from feed.subscriber import subscriber_of

    subscriber = subscriber_of(_feed(config, overrides, group))
    try:
        done = asyncio.run(_until_signal(record_feed(subscriber, file, seconds)))
    except OSError as error:
        sys.stderr.write(f"sitex feed record: {error}\n")
        raise typer.Exit(1) from None
    sys.stdout.write(
        f"recorded {done.messages:,} messages and {done.snapshots} snapshots in {done.packets:,}"
        f" packets, {done.bytes_written:,} bytes; the books were {done.state.name}\n"
    )
    raise typer.Exit(0 if done.snapshots else 1)


@app.command()
def replay(
    file: RecordingFile,
    speed: Annotated[
        float, typer.Option(min=0, help="So many times as fast as it was; 0: as fast as it goes.")
    ] = 1.0,
    config: Config = None,
    overrides: Overrides = None,
) -> None:
    """Publish a recording on the feed's lines, with a recovery service, as if it were the venue."""
    from feed.packet import PacketError
    from feed.recording import RecordingError

    try:
        count = asyncio.run(_until_signal(_replay(file, speed, config, overrides)))
    except (OSError, PacketError, RecordingError) as error:
        sys.stderr.write(f"sitex feed replay: {error}\n")
        raise typer.Exit(1) from None
    sys.stdout.write(f"published {count or 0:,} messages\n")


@app.command()
def parquet(
    file: RecordingFile,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The Parquet file.")],
) -> None:
    """Write a recording as Parquet, one row a message (needs the extra [parquet])."""
    from feed.packet import PacketError
    from feed.recording import RecordingError

    try:
        from feed.parquet import convert
    except ImportError:
        sys.stderr.write("sitex feed parquet: needs pyarrow: pip install 'sitex[parquet]'\n")
        raise typer.Exit(1) from None
    try:
        count = convert(file, out)
    except (OSError, PacketError, RecordingError) as error:
        sys.stderr.write(f"sitex feed parquet: {error}\n")
        raise typer.Exit(1) from None
    sys.stdout.write(f"{count:,} rows\n")


def _feed(config: Path | None, overrides: list[str] | None, group: str = "") -> FeedConfig:
    """The feed of the configuration, or of one of its product groups."""
    from specs.venue import VENUE_FILE, load_reader

    return load_reader(config or VENUE_FILE, overrides or [], group).feed


async def _replay(
    file: Path, speed: float, config: Path | None, overrides: list[str] | None
) -> int:
    from feed.multicast import Line, LineSender
    from feed.record import Replay
    from feed.recovery import RecoveryLimits

    feed = _feed(config, overrides)
    lines = [Line(line.group, line.port) for line in (feed.line_a, feed.line_b)]
    senders = [LineSender(line, feed.interface, feed.ttl) for line in lines]
    replaying = Replay(file, senders, RecoveryLimits())
    await replaying.recovery.start(feed.recovery_host, feed.recovery_port)
    try:
        await replaying.run(speed)
    finally:
        await replaying.recovery.close()
        for sender in senders:
            sender.close()
    return replaying.messages


async def _until_signal(work: Coroutine[Any, Any, Any]) -> Any:
    """The work's result; Ctrl-C and SIGTERM cancel it, which it may answer with a result."""
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    try:
        return await task
    except asyncio.CancelledError:
        return None
