"""The feed as a child process: started, watched, started again when it dies.

The venue never waits for it: the feed follows the event log and is told event numbers over a
notification socket (feed/notify.py).
"""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from feed.notify import Notifier
from specs.venue import FeedConfig

FIRST_PAUSE_S = 0.2
PAUSE_MAX_S = 10.0
END_TIMEOUT_S = 10.0
READY_TIMEOUT_S = 20.0


class FeedProcess:
    """The child process and the socket that tells it of events."""

    def __init__(self, config: FeedConfig, data_dir: Path) -> None:
        # a unix socket's path has about 100 characters at most: not below the data directory
        self._folder = Path(tempfile.mkdtemp(prefix="sitex-"))
        self.notifier = Notifier(self._folder / "events.sock")
        self._arguments = [
            *("--data", str(data_dir)),
            *("--notify", str(self.notifier.path)),
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
        self.notifier.start()
        self._task = asyncio.create_task(self._keep_running())
        try:
            await asyncio.wait_for(self._ready.wait(), READY_TIMEOUT_S)
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        """Lets it publish what is left, then ends it."""
        if self._task:
            self._task.cancel()
        self.notifier.close()
        process = self._process
        if process and process.returncode is None:
            try:
                await asyncio.wait_for(process.wait(), END_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

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
