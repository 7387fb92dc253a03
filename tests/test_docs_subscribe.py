"""The guide for MQTT, run as it stands against a venue with the embedded broker."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from perf.venue import Venue, free_port
from tests.mqtt_rig import Broker, Reader, reading
from tests.test_docs import ROOT, _environment, blocks


@pytest.fixture(scope="module")
def embedded() -> Iterator[tuple[Venue, int]]:
    """`sitex serve --mqtt embedded`, and the broker's port."""
    if find_spec("amqtt") is None:
        pytest.skip("needs the extra [mqtt]")
    port = free_port()
    settings = (f"mqtt.embedded_port={port}", 'mqtt.encodings=["msgpack","json"]')
    with Venue("os", settings=settings, arguments=("--mqtt", "embedded")) as venue:
        for _ in range(600):  # the venue does not wait for the broker
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.05)
        yield venue, port


async def test_the_program_of_the_guide_shows_best_prices(embedded: tuple[Venue, int]) -> None:
    (program,) = blocks("subscribe.md", "python")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-u", "-c", program, "127.0.0.1", str(embedded[1]),
        cwd=ROOT, env=_environment(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        assert line.startswith(b"sitex/v1/") and b"Best(" in line
    finally:
        process.kill()
        await process.wait()


async def test_the_embedded_broker_lives_and_ends_with_the_venue(
    embedded: tuple[Venue, int],
) -> None:
    """Last test of the module: it stops the venue; broker and publisher end, too."""
    venue, port = embedded
    broker = Broker.__new__(Broker)
    broker.port = port
    children = venue.processes()
    assert len(children) >= 4  # venue, feed, publisher, broker
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
