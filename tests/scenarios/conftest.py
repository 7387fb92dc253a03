"""Every scenario runs the engine's kernels: marked so. An overflow with the JIT off is an error."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks the tests of this folder."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.kernels)
            item.add_marker(pytest.mark.filterwarnings("error::RuntimeWarning"))
