"""A venue under load: `sitex serve` in processes of its own, on free ports and an empty directory."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    """A port of 127.0.0.1 nobody uses at the moment."""
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def pinned(command: list[str], core: int | None) -> list[str]:
    """The command on one core, where the system can pin."""
    if core is None or not shutil.which("taskset"):
        return command
    return ["taskset", "-c", str(core), *command]


class Venue:
    """A running venue; a context manager that ends it and removes its directory."""

    def __init__(
        self, durability: str = "os", core: int | None = None, config: Path | None = None
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="sitex-perf-"))
        self.fix_port, self.recovery_port = free_port(), free_port()
        self.line_a, self.line_b = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        command = [sys.executable, "-m", "gateway.cli", "serve", "--data", str(self.directory),
                   "--durability", durability,
                   "--set", f"fix.port={self.fix_port}",
                   "--set", f"feed.recovery_port={self.recovery_port}",
                   "--set", f"feed.line_a.port={self.line_a}",
                   "--set", f"feed.line_b.port={self.line_b}"]
        if config:
            command += ["--config", str(config)]
        self.process = subprocess.Popen(pinned(command, core), stdout=subprocess.PIPE, text=True,
                                        start_new_session=True)

    def __enter__(self) -> Venue:
        assert self.process.stdout
        for line in self.process.stdout:
            if re.search(r"\bready\b", line):
                return self
        raise RuntimeError(f"the venue ended with {self.process.wait()}")

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self) -> None:
        """Ends the venue cleanly."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def processes(self) -> list[int]:
        """The venue's process and its children."""
        found = [self.process.pid]
        for pid in found:
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                found += [int(child) for child in task.read_text().split()]
        return found

    def pss_mb(self) -> float:
        """Sum of Pss of all processes, in MB."""
        total = 0
        for pid in self.processes():
            match = re.search(r"^Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M)
            total += int(match.group(1)) if match else 0
        return total / 1024

    def cpu_seconds(self) -> float:
        """User and system time of all processes."""
        tick = os.sysconf("SC_CLK_TCK")
        total = 0
        for pid in self.processes():
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += int(fields[11]) + int(fields[12])
        return total / tick
