"""`sitex mqtt`, `console` and `admin page`, alone or beside `sitex serve`: who tells others.

Each is a process of its own that knows the venue by its market data; the operator's page also asks
by the operator's socket.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Coroutine
from functools import partial
from pathlib import Path

from feed.child import Child
from feed.outlet import print_line, run_outlet, run_process
from gateway.operator import keep_token
from specs.loading import SpecError
from specs.outlets import EMBEDDED, MqttConfig
from specs.venue import VENUE_FILE, VenueConfig, VenueSource, load_reader, load_venue

FAILED = 1
OPERATOR_NICE = 10  # behind the venue, before what the public may load


def run_mqtt(
    config_file: Path | None, overrides: list[str], is_child: bool, group: str = ""
) -> int:
    """Publishes the market to an MQTT broker until a signal; the exit code. group: whose lines."""
    from feed.mqtt import tell_mqtt

    config = load_reader(config_file or VENUE_FILE, overrides, group)
    require_broker(config.mqtt)
    try:
        run_outlet(
            config.feed, config.mqtt.nice, partial(tell_mqtt, config.mqtt), is_child=is_child
        )
    except OSError as error:
        sys.stderr.write(f"sitex mqtt: {error}\n")
        return FAILED
    return 0


def require_broker(config: MqttConfig) -> None:
    """Raises SpecError where there is no broker, or the embedded one is not installed."""
    if not config.broker:
        raise SpecError(Path("--set"), "$.mqtt.broker", "no broker", "HOST:PORT or 'embedded'")
    if config.broker == EMBEDDED and importlib.util.find_spec("amqtt") is None:
        problem = "the embedded broker is not installed: pip install 'sitex[mqtt]'"
        raise SpecError(Path("--set"), "$.mqtt.broker", problem)


def run_console(
    config_file: Path | None, overrides: list[str], is_child: bool, group: str = ""
) -> int:
    """Serves the market to browsers and scripts until a signal; the exit code. group: see above."""
    config = load_reader(config_file or VENUE_FILE, overrides, group)
    require_console()

    from feed.console import tell_console

    tell = partial(tell_console, config.console)
    try:
        run_outlet(
            config.feed, config.console.nice, tell, is_child=is_child,
            earlier_messages=config.console.backfill_messages,
        )  # fmt: skip
    except OSError as error:
        sys.stderr.write(f"sitex console: {error}\n")
        return FAILED
    return 0


def require_console() -> None:
    """Raises SpecError where the console's libraries are not installed."""
    for name in ("starlette", "uvicorn", "websockets"):
        if importlib.util.find_spec(name) is None:
            problem = f"the console needs {name}: pip install 'sitex[console]'"
            raise SpecError(Path("--set"), "$.console.port", problem)


def run_operator_page(
    config_file: Path | None,
    overrides: list[str],
    data_dir: Path,
    port: int | None,
    is_child: bool,
) -> int:
    """Serves the operator's page until a signal; port None: the configuration's; the exit code."""
    file = config_file or VENUE_FILE
    config = load_venue(file, overrides)
    for name in ("starlette", "uvicorn"):
        if importlib.util.find_spec(name) is None:
            problem = f"the page needs {name}: pip install 'sitex[operator]'"
            raise SpecError(file, "$.operator.page_port", problem)

    from feed.subscriber import subscriber_of
    from gateway.operator_page import PORT, serve_page

    asked = config.operator
    chosen = port or asked.page_port or PORT

    async def work() -> None:
        await serve_page(data_dir, chosen, asked.page_token, subscriber_of(config.feed))

    try:
        run_process(work, OPERATOR_NICE, is_child=is_child)
    except OSError as error:
        sys.stderr.write(f"sitex admin page: {error}\n")
        return FAILED
    return 0


async def beside_outlets(
    main: Coroutine[object, object, int], config: VenueConfig, source: VenueSource, data_dir: Path
) -> int:
    """Awaits `main` with the outlets that the configuration asks for as child processes."""
    chosen = [["mqtt"]] if config.mqtt.broker else []
    chosen += [["console"]] if config.console.port else []
    if config.operator.page_port:
        chosen.append(["admin", "page", "--data", str(data_dir)])
        if not config.operator.page_token:
            keep_token(data_dir)  # there once the venue is ready
    options = ["--child", "--config", str(source.file)]
    for override in source.overrides:
        options += ["--set", override]
    children = [
        Child(f"`sitex {name[0]}`", ["-m", "gateway.cli", *name, *options], print_line)
        for name in chosen
    ]
    for child in children:
        child.start()
    try:
        return await main
    finally:
        for child in children:
            await child.stop()
