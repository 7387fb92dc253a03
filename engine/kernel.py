"""How kernels are compiled: one decorator, one cache folder that notices every change.

numba's own cache does not notice a constant changed in another file, so the folder's name is a hash
of all kernel sources, numba's version, the processor and the flags. Importing this module imports
numba; `engine/__init__` and the feed do not import it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from pathlib import Path

import numba
from llvmlite import binding as llvm

_ROOT = Path(__file__).resolve().parent.parent


def cache_dir() -> Path:
    """The folder of compiled kernels: below SITEX_CACHE_DIR, else the user's cache folder."""
    return _cache_base() / _cache_key()


def _cache_base() -> Path:
    chosen = os.environ.get("SITEX_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sitex"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sitex"


def _cache_key() -> str:
    digest = hashlib.sha256()
    for package in ("specs", "engine", "gateway", "perf"):
        for source in sorted((_ROOT / package).glob("*.py")):
            digest.update(source.name.encode() + source.read_bytes())
    parts = (
        numba.__version__,
        platform.python_version(),
        platform.machine(),
        llvm.get_host_cpu_name(),
        f"boundscheck={numba.config.BOUNDSCHECK}",
    )
    digest.update("|".join(parts).encode())
    return digest.hexdigest()[:24]


numba.config.CACHE_DIR = str(cache_dir())

kernel = numba.njit(cache=True, nogil=True, error_model="numpy")
