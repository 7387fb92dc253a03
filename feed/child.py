"""A child process that is kept running: started again when it ends, after ever longer pauses.

The child reads its standard input, which says nothing: its end says that the parent is gone,
however that died, and then the child ends, too. A line it prints that ends in "up" says that it
does its work.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable

FIRST_PAUSE_S = 0.2
PAUSE_MAX_S = 10.0
END_TIMEOUT_S = 5.0

Say = Callable[[str], None]


class Child:
    """`python ARGUMENTS` as a child process; what it prints is said."""

    def __init__(self, name: str, arguments: list[str], say: Say) -> None:
        self.name = name
        self.starts = 0
        self.up = asyncio.Event()  # it does its work
        self._arguments = arguments
        self._say = say
        self._process: asyncio.subprocess.Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Of the process that runs now."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    def start(self) -> None:
        """Starts it; does not wait."""
        self._task = asyncio.create_task(self._keep_running())

    async def stop(self) -> None:
        """Ends it: its input ends, and if it does not follow it is killed."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        process = self._process
        if process and process.returncode is None:
            assert process.stdin
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), END_TIMEOUT_S)
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _keep_running(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            self.starts += 1
            # a session of its own: Ctrl-C is for the parent, which ends its children
            process = self._process = await asyncio.create_subprocess_exec(
                sys.executable, *self._arguments,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
            assert process.stdout
            async for line in process.stdout:
                text = line.decode(errors="replace").rstrip()
                self._say(text)
                if text.endswith(" up"):
                    self.up.set()
                    pause_s = FIRST_PAUSE_S
            code = await process.wait()
            self.up.clear()
            sys.stderr.write(f"sitex: {self.name} ended with {code}; starting it again\n")
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, PAUSE_MAX_S)


def when_parent_ends(end: Callable[[], None]) -> None:
    """Calls `end` on the running loop once standard input ends."""
    loop = asyncio.get_running_loop()

    def wait() -> None:
        while os.read(0, 4_096):
            pass
        try:
            loop.call_soon_threadsafe(end)
        except RuntimeError as error:  # the loop has ended before
            sys.stderr.write(f"sitex: {error}\n")

    threading.Thread(target=wait, daemon=True, name="parent").start()
