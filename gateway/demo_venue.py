"""The demo's venue: a fast `sitex serve` as a child process on loopback ports nobody has.

Whatever happens to the demo (end, Ctrl-C, a failure), `__aexit__` ends the child: first by SIGTERM,
which is the venue's clean stop, then by SIGKILL.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import socket
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from specs.venue import VenueConfig

HOST = "127.0.0.1"
READY_TIMEOUT_S = 600.0  # compiling every kernel on a slow machine
STOP_TIMEOUT_S = 20.0
_ERROR_LINES = 15
_READY = re.compile(r"\bready\b")


class VenueEndedError(RuntimeError):
    """The venue ended by itself; the text holds the end of what it said."""


class PortTakenError(VenueEndedError):
    """It ended because somebody listens where it was to listen."""


class Ports(NamedTuple):
    """Where the demo's venue listens and sends."""

    fix: int
    recovery: int
    line_a: int
    line_b: int
    snapshot: int


def choose_ports(config: VenueConfig, fix_port: int | None) -> Ports:
    """The default ports, or free ones where another venue seems to have them."""
    feed = config.feed
    defaults = Ports(
        fix_port or config.fix.port,
        feed.recovery_port,
        feed.line_a.port,
        feed.line_b.port,
        feed.snapshot_line.port,
    )
    if _is_free(config.fix.port) and _is_free(feed.recovery_port) and _is_free(defaults.fix):
        return defaults
    return free_ports(fix_port)


def free_ports(fix_port: int | None) -> Ports:
    """Ports that nobody has now; fix_port: asked for."""
    udp = socket.SOCK_DGRAM
    free = Ports(_free_port(), _free_port(), _free_port(udp), _free_port(udp), _free_port(udp))
    return free._replace(fix=fix_port) if fix_port else free


class DemoVenue:
    """The child process, as an asynchronous context manager; on entry the venue is ready."""

    def __init__(
        self,
        data_dir: Path,
        config: VenueConfig,
        fix_port: int | None,
        clock: str,
        on: date,
        say: Callable[[str], None],
    ) -> None:
        self.ports: Ports  # from entry on
        self._config = config
        self._fix_port = fix_port
        self._arguments = [str(data_dir), clock, str(on)]
        self._say = say
        self._said: list[str] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reading: list[asyncio.Task[None]] = []
        self._ready = asyncio.Event()

    async def __aenter__(self) -> DemoVenue:
        self.ports = choose_ports(self._config, self._fix_port)
        try:
            await self._start()
        except PortTakenError:
            if self._fix_port is not None:
                raise
            # by a venue that was started at the same moment
            self._said.clear()
            self.ports = free_ports(None)
            await self._start()
        return self

    async def _start(self) -> None:
        command = [sys.executable, "-m", "gateway.demo_serve", *self._arguments]
        for name, port in (
            ("fix.port", self.ports.fix),
            ("feed.recovery_port", self.ports.recovery),
            ("feed.line_a.port", self.ports.line_a),
            ("feed.line_b.port", self.ports.line_b),
            ("feed.snapshot_line.port", self.ports.snapshot),
        ):
            command.append(f"{name}={port}")
        if self._config.console.port:
            command.append(f"console.port={self._config.console.port}")
        pipe = asyncio.subprocess.PIPE
        # a session of its own: Ctrl-C reaches the demo alone, which ends members before the venue
        self._process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe,
            start_new_session=True,
        )  # fmt: skip
        assert self._process.stdout and self._process.stderr
        self._reading = [
            asyncio.create_task(self._read(self._process.stdout, self._hear)),
            asyncio.create_task(self._read(self._process.stderr, self._keep)),
        ]
        try:
            await self._wait_ready()
        except BaseException:
            await self._stop()
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def ended(self) -> None:
        """Returns never: raises VenueEndedError when the venue ends by itself."""
        assert self._process
        code = await self._process.wait()
        await asyncio.gather(*self._reading)
        said = "\n  ".join(["it said last:", *self._said])
        is_taken = os.strerror(errno.EADDRINUSE).lower() in said.lower()
        kind = PortTakenError if is_taken and not self._ready.is_set() else VenueEndedError
        raise kind(f"the venue ended with {code}; {said}")

    async def _wait_ready(self) -> None:
        ready = asyncio.create_task(self._ready.wait())
        ended = asyncio.create_task(self.ended())
        try:
            done, _ = await asyncio.wait(
                (ready, ended), timeout=READY_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            for task in (ready, ended):
                task.cancel()
        if ended in done:
            ended.result()
        if ready not in done:
            raise VenueEndedError(f"the venue was not ready after {READY_TIMEOUT_S:.0f} s")

    async def _stop(self) -> None:
        process = self._process
        if process is not None and process.returncode is None:
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                self._keep(f"the venue did not stop in {STOP_TIMEOUT_S:.0f} s and was killed")
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        await asyncio.gather(*self._reading, return_exceptions=True)

    async def _read(self, stream: asyncio.StreamReader, take: Callable[[str], None]) -> None:
        while line := await stream.readline():
            take(line.decode("utf-8", "replace").rstrip())

    def _hear(self, line: str) -> None:
        self._keep(line)
        if _READY.search(line):
            self._ready.set()
        elif not self._ready.is_set():
            self._say(line)

    def _keep(self, line: str) -> None:
        self._said = [*self._said, line][-_ERROR_LINES:]


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
