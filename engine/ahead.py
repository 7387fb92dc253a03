"""The background thread that has files ready before a turn needs them.

Source: docs/decisions/0101-journal-format.md, section Room.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Sequence

from engine.storage import NoRoom, StorageFailed

_LOOK_SECONDS = 0.05
_NICE = 10  # turns and clients have the processor first


class Ahead:
    """Calls each job again and again: each makes its next file ready where that is not done.

    `no_room`: what the last round could not allocate, "" when all is ready. `failed`: an I/O error
    of a job, after which the thread has ended.
    """

    def __init__(self, jobs: Sequence[Callable[[], None]]) -> None:
        self._jobs = jobs
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.no_room = ""
        self.failed: StorageFailed | None = None

    def start(self) -> None:
        """Start the thread; without it, step() is to be called."""
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)
        self._thread.start()

    def step(self) -> bool:
        """One round by the caller; whether all is ready. Raises StorageFailed."""
        missing = ""
        for job in self._jobs:
            try:
                job()
            except NoRoom as error:
                missing = str(error)
        self.no_room = missing
        return not missing

    def stop(self) -> None:
        """End the thread and wait for it."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        if sys.platform == "linux":  # elsewhere a priority is a process's
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)
        # a look every 50 ms costs 20 wake-ups a second and keeps the turn free of a system call;
        # one segment lasts 100 ms at the highest rate measured
        while not self._stopping.wait(_LOOK_SECONDS):
            try:
                self.step()
            except StorageFailed as error:
                self.failed = error
                return
