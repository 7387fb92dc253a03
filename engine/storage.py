"""File primitives of the journal and the event log, chosen once for the operating system.

Everything that touches the disk goes through one Storage object, so that a test can hand in one
that fails: no room, an I/O error, a torn write, a crash at write k. Knows no record and no row.
Where Linux has posix_fallocate and fdatasync, macOS gets zero-filled files and F_FULLFSYNC.

Source: docs/decisions/0101-journal-format.md.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

_ZEROS = bytes(1 << 20)
_FULLFSYNC = getattr(fcntl, "F_FULLFSYNC", None)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class StorageFailed(Exception):
    """A write or sync failed: nothing may be acknowledged any more, the process must end."""


class NoRoom(Exception):
    """Room ahead could not be had: the disk or the quota is full."""


class DirectoryBusy(Exception):
    """Another venue works on the data directory."""


class Storage:
    """What the operating system does for the venue's files. Holds no state.

    `allocate` raises NoRoom when the disk is full; every other failed call raises StorageFailed.
    """

    def create(self, path: Path, size: int) -> int:
        """A new file of `size` bytes of zeros with its room reserved; the descriptor, at 0."""
        fd = self._call(os.open, path, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            self.allocate(fd, 0, size)
        except (NoRoom, StorageFailed):
            os.close(fd)
            path.unlink(missing_ok=True)
            raise
        return fd

    def open(self, path: Path) -> int:
        """The descriptor of an existing file, to read and write."""
        return self._call(os.open, path, os.O_RDWR | os.O_CLOEXEC)

    def allocate(self, fd: int, offset: int, length: int) -> None:
        """Reserve room for bytes offset to offset + length, which hold nothing yet: zeros."""
        if length == 0:
            return
        try:
            _allocate(fd, offset, length)
        except OSError as error:
            if error.errno in _NO_ROOM:
                raise NoRoom(str(error)) from error
            raise StorageFailed(str(error)) from error

    def write(self, fd: int, data: bytes | bytearray | memoryview) -> None:
        """Write all of `data` at the descriptor's place."""
        # without _call: this is on the way of every turn
        try:
            written = os.write(fd, data)
            while written < len(data):
                data = memoryview(data)[written:]
                written = os.write(fd, data)
        except OSError as error:
            raise StorageFailed(f"write: {error}") from error

    def write_parts(self, fd: int, parts: Sequence[bytes | bytearray | memoryview]) -> None:
        """Write all parts, each of bytes, one behind the other, in one call where it can be."""
        size = sum(len(part) for part in parts)
        written = self._call(os.writev, fd, parts)
        if written < size:
            self.write(fd, memoryview(b"".join(parts))[written:])

    def write_file(self, path: Path, parts: Sequence[bytes | memoryview]) -> None:
        """Write a whole file, so that after a crash it is there entirely or not at all.

        Raises NoRoom where the disk is full: such a file can be done without.
        """
        beside = path.with_name(path.name + ".new")
        fd = self._call(os.open, beside, os.O_CREAT | os.O_RDWR | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            self.allocate(fd, 0, max(1, sum(len(part) for part in parts)))
            for part in parts:
                self.write(fd, part)
            self.sync(fd)
        except (NoRoom, StorageFailed):
            beside.unlink(missing_ok=True)
            raise
        finally:
            os.close(fd)
        self.rename(beside, path)
        self.sync_dir(path.parent)

    def sync(self, fd: int) -> None:
        """Return once the file's data is on the disk."""
        self._call(_sync_data, fd)

    def sync_dir(self, path: Path) -> None:
        """Return once the names in a folder are on the disk."""
        fd = self._call(os.open, path, os.O_RDONLY)
        try:
            self._call(os.fsync, fd)
        finally:
            os.close(fd)

    def truncate(self, fd: int, size: int) -> None:
        """Cut or extend a file to `size` bytes."""
        self._call(os.ftruncate, fd, size)

    def rename(self, path: Path, to: Path) -> None:
        """Give a file another name in the same file system, replacing what had it."""
        self._call(os.replace, path, to)

    def remove(self, path: Path) -> None:
        """Remove a file's name; who has it open or mapped keeps it."""
        self._call(os.unlink, path)

    def make_dir(self, path: Path) -> None:
        """A folder, with those above it; on the disk when this returns."""
        self._call(os.makedirs, path, 0o755, True)
        self.sync_dir(path.parent)

    def fill_cache(self, fd: int, size: int) -> None:
        """Have the first `size` bytes of a file in memory, so that a write only copies."""
        for place in range(0, size, len(_ZEROS)):
            self._call(os.pread, fd, len(_ZEROS), place)

    def map_rows(self, fd: int, dtype: np.dtype, rows: int) -> np.ndarray:
        """Rows 0 to `rows` of a file, mapped shared and writable."""
        return np.frombuffer(mmap.mmap(fd, rows * dtype.itemsize), dtype)

    @staticmethod
    def _call(function, *arguments):
        try:
            return function(*arguments)
        except OSError as error:
            raise StorageFailed(f"{function.__name__}: {error}") from error


def lock_directory(path: Path) -> int:
    """Hold DIR/lock until the descriptor is closed; raises DirectoryBusy."""
    fd = os.open(path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        owner = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
        os.close(fd)
        raise DirectoryBusy(f"{path} is used by process {owner or 'unknown'}") from error
    os.ftruncate(fd, 0)
    os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _zero_fill(fd: int, offset: int, length: int) -> None:
    place = offset
    while place < offset + length:
        place += os.pwrite(fd, _ZEROS[: offset + length - place], place)


def _full_fsync(fd: int) -> None:
    fcntl.fcntl(fd, _FULLFSYNC or 0)


_allocate = getattr(os, "posix_fallocate", _zero_fill)
_sync_data = _full_fsync if _FULLFSYNC is not None else getattr(os, "fdatasync", os.fsync)
