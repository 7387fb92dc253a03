"""The operator's guide, step by step as it stands; only ports are replaced."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from perf.venue import free_port
from tests.test_docs import ROOT, blocks

GUIDE = "operate.md"
WAIT_S = 120


@pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("curl") is None,
    reason="needs the programs openssl and curl",
)
def test_the_operator_s_guide(tmp_path: Path):
    for library in ("prometheus_client", "structlog", "uvicorn", "cryptography"):
        pytest.importorskip(library, reason="needs the extras [operator] and [signed]")
    (configuration,) = blocks(GUIDE, "toml")
    steps = blocks(GUIDE, "bash")
    kinds = (
        (9878, socket.SOCK_STREAM), (9879, socket.SOCK_STREAM),
        (9880, socket.SOCK_STREAM), (30001, socket.SOCK_DGRAM),
        (30002, socket.SOCK_DGRAM), (30003, socket.SOCK_STREAM),
    )  # fmt: skip
    ports = {str(port): str(free_port(kind)) for port, kind in kinds}

    def placed(text: str) -> str:
        return re.sub("|".join(ports), lambda found: ports[found[0]], text)

    (tmp_path / "venue.toml").write_text(placed(configuration))
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "sitex").write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway.cli "$@"\n')
    (programs / "sitex").chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{programs}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)
    }  # fmt: skip
    said: list[str] = []
    venue: subprocess.Popen[str] | None = None
    try:
        for step in steps:
            if step.startswith("sitex serve"):
                venue = subprocess.Popen(
                    ["bash", "-c", f"exec {step}"], cwd=tmp_path, env=environment, text=True,
                    stdout=subprocess.PIPE,
                )  # fmt: skip
                assert venue.stdout
                assert any(line == "ready\n" for line in venue.stdout)
                continue
            if step.startswith("sitex replay") and venue is not None:
                venue.send_signal(signal.SIGTERM)
                assert venue.wait(WAIT_S) == 0
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", placed(step)], cwd=tmp_path, env=environment,
                text=True, capture_output=True, timeout=WAIT_S,
            )  # fmt: skip
            assert done.returncode == 0, (step, done.stderr)
            said.append(done.stdout)
    finally:
        if venue is not None:
            venue.kill()
            venue.wait()
            if venue.stdout:
                venue.stdout.close()
    everything = "".join(said)
    for text in (
        "CHARLIE; sessions CHARLIE; proves signature; from anywhere",
        "BRAVO; sessions BRAVO1 BRAVO2; proves password; from 127.0.0.0/8",
        'sitex_session_active{member="BRAVO",session="BRAVO1"} 0.0', "sitex_halted 0.0",
        "BRAVO: disabled", "members: 3\n", "CHARLIE: expects 1, sends 1 next", "halted: SITB",
        "resumed: SITB", "killed: ALPHA", "released: ALPHA", "\nstate      ",
        '"snapshots":',
    ):  # fmt: skip
        assert text in everything, text
