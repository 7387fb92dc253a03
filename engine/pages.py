"""Pages of memory: had before they are needed, and given back.

A page's first use is a page fault, and on a virtual machine the host may have to find the memory,
too (9 us for 4 KB was measured): that belongs in a background thread, not in a turn.

Source: docs/decisions/0101-journal-format.md, section Room.
"""

from __future__ import annotations

import ctypes
import mmap
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

_POPULATE_WRITE = 23  # MADV_POPULATE_WRITE, Linux 5.14
_ROWS_AHEAD = 1 << 18
_STEP_ROWS = 1 << 15
_LOOK_SECONDS = 0.005
_DONTNEED = getattr(mmap, "MADV_DONTNEED", 4)


@contextmanager
def had_ahead(table: Callable[[], np.ndarray], used: Callable[[], int]) -> Iterator[None]:
    """Has the pages of table() up to _ROWS_AHEAD behind row used(), in a thread, for the block.

    table() may be another one from some moment on: that is begun with.
    """
    ended = threading.Event()

    def run() -> None:
        rows, had = table(), 0
        while not ended.is_set():
            if table() is not rows:
                rows, had = table(), 0
            if had >= len(rows) or had - used() > _ROWS_AHEAD:
                ended.wait(_LOOK_SECONDS)
            else:
                fault_in(rows[had : had + _STEP_ROWS])
                had += _STEP_ROWS

    thread = threading.Thread(target=run, name="pages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def fault_in(rows: np.ndarray) -> None:
    """Have the pages of rows, so that writing them later takes no page fault; for any thread.

    Runs without the interpreter's lock where the system can populate by itself.
    """
    start, length = _whole_pages(rows)
    if length <= 0 or (_LIBC is not None and _LIBC.madvise(start, length, _POPULATE_WRITE) == 0):
        return
    # reading only: a write here could undo what another thread writes to the same page
    rows.view(np.uint8)[:: mmap.PAGESIZE].max(initial=0)


def drop_pages(rows: np.ndarray) -> None:
    """Take the whole pages of mapped rows out of this process; the file keeps their content."""
    start, length = _whole_pages(rows)
    if length > 0 and _LIBC is not None:
        _LIBC.madvise(start, length, _DONTNEED)


def _whole_pages(rows: np.ndarray) -> tuple[int, int]:
    address = rows.ctypes.data
    start = -(-address // mmap.PAGESIZE) * mmap.PAGESIZE
    stop = (address + rows.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    return start, stop - start


def _load_libc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    libc.madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    libc.madvise.restype = ctypes.c_int
    return libc


_LIBC = _load_libc()
