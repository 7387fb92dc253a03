"""Brokers to publish to: mosquitto or the embedded one, as processes; and a reader of a broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from importlib.util import find_spec
from pathlib import Path

import aiomqtt
import pytest

from perf.venue import free_port
from tests.feed_rig import ROOT

WAIT_S = 30.0
MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class Broker:
    """A broker's process on a free port of 127.0.0.1."""

    def __init__(self, kind: str, folder: Path, more: str = "") -> None:
        if kind == "mosquitto" and MOSQUITTO is None:
            pytest.skip("needs mosquitto (apt-get install mosquitto)")
        if kind == "embedded" and find_spec("amqtt") is None:
            pytest.skip("needs the extra [mqtt]")
        self.port = free_port(socket.SOCK_STREAM)
        self.address = f"127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._command = [sys.executable, "-m", "feed.mqtt_embedded", str(self.port)]
        if kind == "mosquitto":
            file = folder / "mosquitto.conf"
            file.write_text(f"listener {self.port} 127.0.0.1\n{more or 'allow_anonymous true'}\n")
            self._command = [str(MOSQUITTO), "-c", str(file)]

    def start(self) -> None:
        """Starts it (again, without memory) and waits until it listens."""
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            with contextlib.suppress(subprocess.TimeoutExpired):
                raise RuntimeError(f"the broker ended with {self._process.wait(0.05)}")

    def pause(self) -> None:
        """It takes nothing any more, and its connections stay."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """After pause."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        """It is gone at once."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class Reader:
    """Whatever a broker retains and brings, by topic."""

    def __init__(self) -> None:
        self.latest: dict[str, bytes] = {}
        self.all: list[tuple[str, bytes, bool]] = []

    @property
    def state(self) -> str:
        """What the publisher says of itself."""
        told = self.latest.get("sitex/v1/publisher")
        return json.loads(told)["state"] if told else ""

    def take(self, message: aiomqtt.Message) -> None:
        """One message."""
        topic, payload = str(message.topic), bytes(message.payload)  # type: ignore[arg-type]
        self.latest[topic] = payload
        self.all.append((topic, payload, message.retain))

    async def until(self, done: Callable[[], bool]) -> None:
        """Waits until what came satisfies `done`."""
        async with asyncio.timeout(WAIT_S):
            while not done():
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def reading(broker: Broker) -> AsyncIterator[Reader]:
    """A reader of everything below sitex/v1."""
    reader = Reader()
    async with aiomqtt.Client("127.0.0.1", broker.port) as client:
        await client.subscribe("sitex/v1/#", qos=1)

        async def take_all() -> None:
            async for message in client.messages:
                reader.take(message)

        task = asyncio.create_task(take_all())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


class Command:
    """`sitex ...` as a child process that is always cleaned up."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Command:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.cli", *self._arguments, cwd=ROOT,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    async def says(self, text: str) -> str:
        """The next line of standard output that holds `text`."""
        assert self.process.stdout
        async with asyncio.timeout(WAIT_S):
            async for line in self.process.stdout:
                if text in line.decode():
                    return line.decode().strip()
        assert self.process.stderr
        raise AssertionError((await self.process.stderr.read()).decode())
