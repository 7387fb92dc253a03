"""How kernels are compiled: one decorator, one cache folder that notices every change.

numba's own cache does not notice a constant changed in another file, so the folder's name is a hash
of the sources a kernel can see, numba's version, the processor and the flags. Kernel modules take
constants only from each other, from the files of _CONSTANTS and specs/rejects.py (a test holds them
to it). Importing this module imports numba; `engine/__init__` and the feed do not import it.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba
from llvmlite import binding as llvm

_ROOT = Path(__file__).resolve().parent.parent
_SEEN_BY = {  # packages whose kernels a package's kernels may call
    "engine": ("engine",),
    "gateway": ("engine", "gateway"),
    "perf": ("engine", "gateway", "perf"),
    "tests": ("engine", "gateway", "tests"),
}
_CONSTANTS = (
    "types.py",
    "limits.py",
    "layout.py",
    "order_rows.py",
    "trade_rows.py",
    "flags.py",
    "reference.py",
    "dialect.py",
    "scan.py",
)


def kernel(function: Callable[..., Any]) -> Any:
    """Compiles `function` when first called; the machine code is kept between processes."""
    return _compile(function)


def codec_kernel(function: Callable[..., Any]) -> Any:
    """A kernel that never counts references, and so cannot allocate.

    For kernels of many small functions that hand views on: counting took most of their time.
    """
    return _compile(function, _nrt=False)


def _compile(function: Callable[..., Any], **flags: Any) -> Any:
    package = function.__module__.partition(".")[0]
    # numba reads the folder when it decorates
    numba.config.CACHE_DIR = str(cache_dir(package))  # type: ignore[attr-defined]
    flags.update(cache=package in _SEEN_BY, nogil=True, error_model="numpy")
    return numba.njit(**flags)(function)


@cache
def cache_dir(package: str) -> Path:
    """The folder of a package's compiled kernels: below SITEX_CACHE_DIR, else the user's cache."""
    return _cache_base() / f"{package}-{_cache_key(_SEEN_BY.get(package, ()))}"


def _cache_base() -> Path:
    chosen = os.environ.get("SITEX_CACHE_DIR")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "sitex"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sitex"


def _cache_key(packages: tuple[str, ...]) -> str:
    digest = hashlib.sha256((_ROOT / "specs" / "rejects.py").read_bytes())
    for package in packages:
        for source in sorted((_ROOT / package).glob("*.py")):
            text = source.read_bytes()
            if source.name in _CONSTANTS or b"engine.kernel import" in text:
                digest.update(source.name.encode() + text)
    parts = (
        numba.__version__,
        platform.python_version(),
        platform.machine(),
        llvm.get_host_cpu_name(),
        f"boundscheck={numba.config.BOUNDSCHECK}",  # type: ignore[attr-defined]
    )
    digest.update("|".join(parts).encode())
    return digest.hexdigest()[:24]
