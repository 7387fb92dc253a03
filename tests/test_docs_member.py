"""The member's guide, step by step as it stands; only ports are replaced."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

from gateway.certify_situations import SITUATIONS
from perf.venue import free_port
from specs.venue import FixConfig
from tests.test_docs import ROOT, blocks

GUIDE = "member.md"
WAIT_S = 200


def test_the_first_try_of_the_member_s_guide(tmp_path: Path) -> None:
    (program,) = blocks(GUIDE, "python")
    (steps,) = blocks(GUIDE, "bash")
    (tmp_path / "first.py").write_text(program)
    programs = tmp_path / "bin"
    programs.mkdir()
    udp = socket.SOCK_DGRAM
    ports = {
        "fix.port": free_port(), "feed.recovery_port": free_port(),
        "feed.line_a.port": free_port(udp), "feed.line_b.port": free_port(udp),
        "feed.snapshot_line.port": free_port(udp),
    }  # fmt: skip
    assert f" {FixConfig().port} " in steps
    chosen = " ".join(f"--set {name}={port}" for name, port in ports.items())
    for name, command in (("sitex", f'-m gateway.cli "$@" {chosen}'), ("python", '"$@"')):
        (programs / name).write_text(f"#!/bin/sh\nexec {sys.executable} {command}\n")
        (programs / name).chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)
    }  # fmt: skip
    steps = steps.replace(str(FixConfig().port), str(ports["fix.port"]))
    shell = subprocess.Popen(
        ["bash", "-c", steps], cwd=tmp_path, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        out, error = shell.communicate(timeout=WAIT_S)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(shell.pid, signal.SIGKILL)  # the venue, where a step failed
        shell.communicate()
    assert "35=A" in out and "112=hello" in out and "35=5" in out, (out, error)


def test_the_guide_names_every_situation() -> None:
    text = (ROOT / "docs" / GUIDE).read_text()
    table = re.findall(r"^\| ([a-z-]+(?:, [a-z-]+)*) \|", text, re.MULTILINE)
    named = [name for cell in table for name in cell.split(", ")]
    assert set(named) - {"situation"} == {name for name, _, _ in SITUATIONS}
    assert f"{len(SITUATIONS)} situations for ALPHA" in text
