"""The feed as child processes: started, watched, started again when they die.

The venue never waits for them: they follow the event log and are told event numbers over a
notification socket (feed/notify.py).
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from feed.notify import Notifier
from gateway.operator import SUN_PATH_MAX
from specs.venue import FeedConfig

SOCKET_NAME = "events.sock"
FIRST_PAUSE_S = 0.2
PAUSE_MAX_S = 10.0
END_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 20.0


class FeedProcesses:
    """The socket that tells of events, and who listens: the feed, and one more a product group."""

    def __init__(self, config: FeedConfig, data_dir: Path) -> None:
        self._elsewhere = ExitStack()
        folder = data_dir
        if len(os.fsencode(data_dir / SOCKET_NAME)) > SUN_PATH_MAX:
            temporary = tempfile.TemporaryDirectory(prefix="sitex-")
            folder = Path(self._elsewhere.enter_context(temporary))
        self.notifier = Notifier(folder / SOCKET_NAME)
        products = [(), *(group.products for group in config.groups)]
        self._feeds = [
            FeedProcess(one, data_dir, self.notifier.path, carried)
            for one, carried in zip((config, *config.of_groups), products, strict=True)
        ]

    @property
    def starts(self) -> int:
        """How often any of them was started."""
        return sum(feed.starts for feed in self._feeds)

    async def start(self) -> bool:
        """Starts them; False when one was not ready in time (it goes on trying)."""
        self.notifier.start()
        return all(await asyncio.gather(*(feed.start() for feed in self._feeds)))

    async def stop(self) -> None:
        """Lets them publish what is left, then ends them."""
        self.notifier.close()
        await asyncio.gather(*(feed.stop() for feed in self._feeds))
        self._elsewhere.close()


class FeedProcess:
    """A child process, of all products or of some."""

    def __init__(
        self, config: FeedConfig, data_dir: Path, notify: Path, products: tuple[str, ...]
    ) -> None:
        self._arguments = [
            *("--data", str(data_dir)),
            *("--notify", str(notify)),
            *("--products", ",".join(products)),
            *("--interface", config.interface),
            *("--ttl", str(config.ttl)),
            *("--line-a", f"{config.line_a.group}:{config.line_a.port}"),
            *("--line-b", f"{config.line_b.group}:{config.line_b.port}"),
            *(f"--unicast={one.host}:{one.port}" for one in config.unicast),
            *("--snapshot-line", f"{config.snapshot_line.group}:{config.snapshot_line.port}"),
            *("--snapshot-bytes-per-second", str(config.snapshot_bytes_per_second)),
            *("--recovery-host", config.recovery_host),
            *("--recovery-port", str(config.recovery_port)),
            *("--recovery-connections-max", str(config.recovery_connections_max)),
            *("--packet-bytes-max", str(config.packet_bytes_max)),
            *("--heartbeat-seconds", str(config.heartbeat_seconds)),
            *("--nice", str(config.nice)),
        ]
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.starts = 0

    async def start(self) -> bool:
        """Starts it; False when it was not ready in time (it goes on trying)."""
        self._task = asyncio.create_task(self._keep_running())
        try:
            await asyncio.wait_for(self._ready.wait(), READY_TIMEOUT_S)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Waits until it has published what is left, but not for ever."""
        if self._task:
            self._task.cancel()
        process = self._process
        if process and process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), END_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _keep_running(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self.starts += 1
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "feed.service", *self._arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            assert self._process.stdout
            async for line in self._process.stdout:
                if b"ready" in line:
                    self._ready.set()
                    pause_s = FIRST_PAUSE_S
            code = await self._process.wait()
            sys.stderr.write(f"sitex: the feed ended with {code}; starting it again\n")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)
