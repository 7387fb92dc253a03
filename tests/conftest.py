"""Shared by all tests. SITEX_SKIPS_FAIL=1 makes a skipped test fail the run."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fails a run that skipped something where nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or not os.environ.get("SITEX_SKIPS_FAIL"):
        return
    if reporter.stats.get("skipped") and exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A folder with a short path: those of unix sockets have a hundred characters at most."""
    with tempfile.TemporaryDirectory(prefix="sitex-test-", dir="/tmp") as made:
        yield Path(made)
