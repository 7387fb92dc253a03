"""What a venue tells of its makers when a venue day ends. Source: specs/matching.md M-192."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.files import EVENTS, numbered_files
from gateway.client import Client
from gateway.message import Field
from perf.venue import Venue
from specs.venue import load_venue
from tests.line_rig import open_venue

SYMBOL = "SITB2703"
HEARD_S = 60.0


def mass_quote(number: int) -> tuple[Field, ...]:
    """Both sides of one contract."""
    return (
        (117, f"Q{number}"), (296, 1), (302, 1), (304, 1), (295, 1),
        (299, 1), (55, SYMBOL), (132, "1.990"), (133, "2.010"), (134, 50), (135, 50),
    )  # fmt: skip


async def quote_until_told(venue: Venue) -> str:
    """Logs on, quotes, and waits for the line about the maker."""
    client = Client("127.0.0.1", venue.fix_port, "MAKER1")
    await client.connect()
    try:
        client.send(b"i", mass_quote(1))
        answer = await client.receive(HEARD_S)
        assert (answer.msg_type, answer.get(297)) == (b"b", b"0"), answer.raw
        assert venue.process.stdout
        while line := await asyncio.to_thread(venue.process.stdout.readline):
            if "obligations" in line:
                return line
    finally:
        await client.close()
    raise AssertionError("the venue ended")


@pytest.mark.slow
def test_m192_a_venue_tells_of_each_maker_when_its_day_ends():
    arguments = ("--clock", "fast:20000", "--date", "2026-11-25")
    with Venue(arguments=arguments) as venue:
        told = asyncio.run(asyncio.wait_for(quote_until_told(venue), HEARD_S))
    assert re.fullmatch(r"MAKER1 met [01] of 1 obligations on 2026-11-2\d\n", told)


def test_m192_where_the_first_events_are_gone_one_line_says_so(tmp_path: Path):
    config = load_venue(overrides=["durability=os"])
    open_venue(tmp_path, config, time.time_ns()).sequencer.abandon()
    number, first = numbered_files(next(tmp_path.glob("20*")), EVENTS)[0]
    assert number == 1
    first.unlink()
    command = [sys.executable, "-m", "gateway.day_report", str(tmp_path), "2026-11-25"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=HEARD_S)
    assert said.stdout.startswith("makers' obligations of 2026-11-25 are not counted: ")
    assert said.stdout.count("\n") == 1 and said.returncode == 0, said
