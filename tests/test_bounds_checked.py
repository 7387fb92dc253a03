"""A deliberate access out of range raises in the bounds-checked run.

Without NUMBA_BOUNDSCHECK=1 it would corrupt memory in silence, and a cache of compiled kernels that
was filled without the flag would be used again with it, were the flag not part of the cache's key.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from engine.kernel import kernel

pytestmark = pytest.mark.kernels
ROOT = Path(__file__).resolve().parent.parent

PROGRAM = """
import sys
import numpy as np
from engine.kernel import kernel

@kernel
def read(values, at):
    return values[at]

values = np.arange(6)[:3]  # what lies behind it is ours, so the unchecked run is harmless
try:
    print(read(values, int(sys.argv[1])))
except IndexError as error:
    print("IndexError")
"""


def run(tmp_path: Path, at: int, boundscheck: str) -> str:
    """What the program says of element `at`; both kinds of run share one cache folder."""
    program = tmp_path / "read_kernel.py"
    program.write_text(PROGRAM)
    environment = os.environ | {
        "NUMBA_BOUNDSCHECK": boundscheck,
        "NUMBA_DISABLE_JIT": "0",
        "PYTHONPATH": str(ROOT),
        "SITEX_CACHE_DIR": str(tmp_path / "cache"),
    }
    done = subprocess.run(
        [sys.executable, str(program), str(at)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout.strip()


def test_out_of_range_raises_even_after_an_unchecked_run_filled_the_cache(tmp_path: Path) -> None:
    assert run(tmp_path, 4, boundscheck="0") == "4"
    assert run(tmp_path, 4, boundscheck="1") == "IndexError"
    assert run(tmp_path, 2, boundscheck="1") == "2"


@kernel
def _read(values, at):
    return values[at]


def test_this_run_is_checked_where_it_says_so() -> None:
    """In a bounds-checked run and in one without JIT the access raises in this process too."""
    if os.environ.get("SITEX_BOUNDSCHECKED"):
        assert numba.config.BOUNDSCHECK, "the run was meant to be bounds-checked"
    values = np.arange(6)[:3]
    checked = bool(numba.config.BOUNDSCHECK) or bool(numba.config.DISABLE_JIT)
    if checked:
        with pytest.raises(IndexError):
            _read(values, 4)
    else:
        assert _read(values, 4) == 4
