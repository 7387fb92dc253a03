"""Open interest over FIX, over a settlement and a restart: specs/order_entry.md O-141."""

from __future__ import annotations

import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gateway.assembly import Assembly
from tests.member_rig import FROM_NS, Member, Second, opened, trading
from tests.test_market_data import SYMBOL, Watcher, enter
from tests.test_schedule import HOUR, ns, pass_time

pytestmark = pytest.mark.kernels
SPREAD = "SITB2701-2702"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    """A venue."""
    yield from opened(tmp_path, FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    """ALPHA."""
    yield from trading(parts)


def test_o141_open_interest_is_that_of_the_last_settlement(
    tmp_path: Path, parts: Assembly, member: Member
) -> None:
    """Told when the product settles, and by a venue that starts again."""
    watcher, ended_ns = Watcher(member), ns("2026-11-25T15:00:00+08:00") + HOUR
    watcher.ask("1", 1, (b"C",), (SYMBOL, SPREAD), (265, "1"))
    with socket.socket() as peer:
        enter(Second(parts, peer), "s", "2", "2", 7)
        enter(member, "b", "1", "2", 7)
    watcher.update()
    assert watcher.books == {SYMBOL: {("C", ""): ("0", "")}, SPREAD: {}}
    pass_time(parts, ended_ns)
    watcher.update()
    told = {SYMBOL: {("C", ""): ("7", "")}, SPREAD: {}}
    assert watcher.books == told
    copy = shutil.copytree(tmp_path, tmp_path.with_name("again"))
    with contextmanager(opened)(copy, ended_ns) as restarted, socket.socket() as peer:
        again = Watcher(Member(restarted, peer))
        again.ask("0", 1, (b"C",), (SYMBOL, SPREAD))
        assert again.books == told
