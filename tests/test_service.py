"""How the running venue shares its time between lines."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import cast

import pytest

from gateway.feed_process import FeedProcesses
from gateway.server import Line
from gateway.service import Turns
from specs.venue import load_venue


class Open:
    """A line, as far as turns look at it."""

    open = True


def test_o172_lines_that_have_more_to_say_have_one_turn_after_the_other_however_often_they_ask():
    resending, other = (cast(Line, Open()) for _ in range(2))
    taken: list[Line] = []

    async def rounds() -> list[Line]:
        def go_on(line: Line) -> None:
            taken.append(line)
            later(line)  # its resend is not done

        later = Turns(go_on)
        for line in (resending, resending, other, resending):  # reads that came meanwhile
            later(line)
        for _ in range(6):
            await asyncio.sleep(0)
        return list(taken)

    assert asyncio.run(rounds()) == 3 * [resending, other]


@pytest.mark.parametrize(("folder", "lies_there"), [("d", True), ("d" * 100, False)])
async def test_the_feeds_socket_lies_in_the_data_directory_where_a_system_takes_so_long_a_path(
    folder: str, lies_there: bool, monkeypatch: pytest.MonkeyPatch
):
    """What a killed venue leaves is found, and replaced, by the next one on its directory."""
    with tempfile.TemporaryDirectory() as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        data_dir = Path(short, folder)
        data_dir.mkdir()
        processes = FeedProcesses(load_venue().feed, data_dir)
        path = processes.notifier.path
        processes.notifier.start()
        assert path.is_socket() and (path.parent == data_dir) is lies_there
        await processes.stop()
        assert list(Path(short).rglob("*")) == [data_dir]
