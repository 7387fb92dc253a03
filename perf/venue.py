"""A venue under load: `sitex serve` as a process, on free ports and an empty directory."""

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

ROOT = Path(__file__).resolve().parent.parent


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


def cpu_ns(pid: int) -> int:
    """Nanoseconds that all threads of a process have run."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks)


class Venue:
    """A running venue; a context manager that ends it and removes its directory."""

    def __init__(
        self,
        durability: str = "os",
        core: int | None = None,
        config: Path | None = None,
        settings: tuple[str, ...] = (),
        arguments: tuple[str, ...] = (),
        module: str = "gateway.cli",
    ) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="sitex-perf-"))
        self.fix_port, self.recovery_port = free_port(), free_port()
        self.line_a, self.line_b = free_port(socket.SOCK_DGRAM), free_port(socket.SOCK_DGRAM)
        chosen = (
            f"fix.port={self.fix_port}",
            f"feed.recovery_port={self.recovery_port}",
            f"feed.line_a.port={self.line_a}",
            f"feed.line_b.port={self.line_b}",
            *settings,
        )
        command = [
            sys.executable,
            "-m",
            module,
            "serve",
            "--data",
            str(self.directory),
            "--durability",
            durability,
            *arguments,
        ]
        for setting in chosen:
            command += ["--set", setting]
        if config:
            command += ["--config", str(config)]
        self._command = pinned(command, core)
        try:
            self.start()
        except BaseException:
            shutil.rmtree(self.directory, ignore_errors=True)
            raise

    def start(self) -> None:
        """Starts the venue (again) on its directory and waits until it is ready."""
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
        )
        assert self.process.stdout
        self.output: list[str] = []
        for line in self.process.stdout:
            self.output.append(line)
            if re.search(r"\bready\b", line):
                return
        raise RuntimeError(f"the venue ended with {self.process.wait()}: {self.output}")

    def __enter__(self) -> Venue:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def stop(self) -> int:
        """Ends the venue cleanly; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()
        self._close()
        return self.process.returncode

    def kill(self) -> None:
        """Kills the venue's process as a power cut would; its feed ends by itself."""
        self.process.kill()
        self.process.wait()
        self._close()

    def _close(self) -> None:
        if self.process.stdout:
            self.process.stdout.close()

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
