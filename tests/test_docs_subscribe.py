"""The guide for page, REST, WebSocket and MQTT, run as it stands against a venue with both."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from perf.venue import Venue, free_port
from tests.mqtt_rig import Broker, Reader, reading
from tests.test_docs import ROOT, _environment, blocks


@pytest.fixture(scope="module")
def front() -> str:
    """The nearest SITB contract."""
    listed = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "instruments", "--product", "SITB"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    found = re.search(r"^SITB\d{4}", listed.stdout, re.MULTILINE)
    assert found
    return found[0]


@pytest.fixture(scope="module")
def embedded() -> Iterator[tuple[Venue, int, int]]:
    """`sitex serve --mqtt embedded --console PORT`, the broker's port and the console's."""
    if find_spec("amqtt") is None:
        pytest.skip("needs the extra [mqtt]")
    for name in ("starlette", "uvicorn", "websockets"):
        pytest.importorskip(name, reason="needs the extra [console]")
    port, console = free_port(), free_port()
    arguments = ("--mqtt", "embedded", "--console", str(console))
    settings = (f"mqtt.embedded_port={port}", 'mqtt.encodings=["msgpack","json"]')
    with Venue("os", settings=settings, arguments=arguments) as venue:
        for taken in (port, console):
            _wait_for(taken)
        yield venue, port, console


def _wait_for(port: int) -> None:
    """The venue waits for neither of them."""
    for _ in range(1_200):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)


async def _first_line(program: str, *arguments: str) -> str:
    """What a program says first."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", program, *arguments,
        cwd=ROOT, env=_environment(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        return (await asyncio.wait_for(process.stdout.readline(), 60)).decode()
    finally:
        process.kill()
        await process.wait()


async def test_the_mqtt_program_shows_best_prices(embedded: tuple[Venue, int, int]) -> None:
    (program,) = blocks("subscribe.md", "python")
    line = await _first_line(program, "127.0.0.1", str(embedded[1]))
    assert line.startswith("sitex/v1/") and "Best(" in line


async def test_the_websocket_program_shows_depth(
    embedded: tuple[Venue, int, int],
    front: str,
) -> None:
    (program,) = blocks("subscribe.md", "py")
    line = await _first_line(program, str(embedded[2]), front)
    assert f" {front} " in line and "'type':" in line


def test_the_rest_addresses_answer(embedded: tuple[Venue, int, int], front: str) -> None:
    text = (ROOT / "docs" / "subscribe.md").read_text()
    addresses = re.findall(r"http://127.0.0.1:8080(/[^'\s]*[\w/])", text)
    assert len(addresses) == 4
    for path in addresses:
        asked = path.replace("SITB2612", front)
        with urllib.request.urlopen(f"http://127.0.0.1:{embedded[2]}{asked}", timeout=30) as found:
            assert found.status == 200 and found.read()


async def test_the_embedded_broker_lives_and_ends_with_the_venue(
    embedded: tuple[Venue, int, int],
) -> None:
    """Last test of the module: it stops the venue; broker and publisher end, too."""
    venue, port, _ = embedded
    broker = Broker.__new__(Broker)
    broker.port = port
    children = venue.processes()
    assert len(children) >= 5  # venue, feed, publisher, broker, console
    reader: Reader
    async with reading(broker) as reader:
        await reader.until(lambda: reader.state == "synchronized")
        assert "sitex/v1/SITB/_/curve.json" in reader.latest
        venue.stop()
        await asyncio.sleep(0)
    for pid in children:
        assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().split(")")[1].split()[0] != "Z"
    except FileNotFoundError:
        return False
