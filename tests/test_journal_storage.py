"""The file primitives: short writes, errors, what stands in where the system lacks a call."""

from __future__ import annotations

import errno
import os
import time

import numpy as np
import pytest

from engine import pages
from engine import storage as module
from engine.pages import drop_pages, fault_in
from engine.storage import NoRoom, Storage, StorageFailed
from engine.types import EVENT
from tests.journal_rig import FaultyStorage, facts, open_venue, turn


def test_short_writes_are_finished(tmp_path, monkeypatch):
    write, writev = os.write, os.writev
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:7]))
    monkeypatch.setattr(os, "writev", lambda fd, parts: writev(fd, [bytes(parts[0])[:3]]))
    storage = Storage()
    fd = storage.create(tmp_path / "file", 4096)
    storage.write(fd, b"a" * 40)
    storage.write_parts(fd, [b"b" * 10, b"c" * 20, memoryview(b"d" * 5)])
    os.close(fd)
    written = b"a" * 40 + b"b" * 10 + b"c" * 20 + b"d" * 5
    assert (tmp_path / "file").read_bytes() == written + bytes(4096 - len(written))


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_no_room_is_told_from_failure(tmp_path, monkeypatch, code):
    def full(fd: int, offset: int, length: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(module, "_allocate", full)
    with pytest.raises(NoRoom):
        Storage().create(tmp_path / "file", 4096)
    with pytest.raises(NoRoom):
        Storage().write_file(tmp_path / "whole", [b"x"])
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_an_error_is_storage_failed(tmp_path, monkeypatch):
    def broken(*_: object) -> None:
        raise OSError(errno.EIO, "input/output error")

    storage = Storage()
    fd = storage.create(tmp_path / "file", 4096)
    monkeypatch.setattr(os, "write", broken)
    monkeypatch.setattr(os, "writev", broken)
    monkeypatch.setattr(module, "_sync_data", broken)
    monkeypatch.setattr(module, "_allocate", broken)
    for step in (
        lambda: storage.write(fd, b"x"),
        lambda: storage.write_parts(fd, [b"x"]),
        lambda: storage.sync(fd),
        lambda: storage.allocate(fd, 0, 10),
        lambda: storage.open(tmp_path / "none"),
        lambda: storage.remove(tmp_path / "none"),
    ):
        with pytest.raises(StorageFailed):
            step()
    os.close(fd)


def test_a_venue_runs_without_the_calls_of_linux(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_allocate", module._zero_fill)
    monkeypatch.setattr(module, "_sync_data", os.fsync)
    monkeypatch.setattr(pages, "_LIBC", None)
    venue = open_venue(tmp_path, durability="fsync")
    for index in range(40):
        turn(venue, 10 * index, 5, b"store")
    venue.roll_day(20261123)
    turn(venue, 1000, 5)
    venue.sync()
    want = facts(venue)
    venue.abandon()
    venue = open_venue(tmp_path)
    assert facts(venue) == want
    venue.close()


def test_pages_are_touched_and_dropped_without_changing_them(tmp_path):
    storage = Storage()
    fd = storage.create(tmp_path / "file", 1 << 20)
    rows = storage.map_rows(fd, EVENT, (1 << 20) // EVENT.itemsize)
    fault_in(rows)
    rows["order_id"] = np.arange(len(rows))
    drop_pages(rows[3:-3])
    fault_in(rows[1:5])
    assert (rows["order_id"] == np.arange(len(rows))).all()
    os.close(fd)


def test_a_failure_of_the_thread_ahead_ends_the_venue(tmp_path):
    class Failing(FaultyStorage):
        def create(self, path, size):
            if size and len(list(tmp_path.glob("*/journal-*"))) > 0:
                raise StorageFailed("open: input/output error (injected)")
            return super().create(path, size)

    venue = open_venue(tmp_path, storage=Failing(), threaded=True)
    deadline = time.monotonic() + 10
    with pytest.raises(StorageFailed, match="injected"):
        while time.monotonic() < deadline:
            venue.poll()
            time.sleep(0.01)
    with pytest.raises(StorageFailed):
        turn(venue, 1, 1)
    venue.close()
