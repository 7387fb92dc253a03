"""Other languages: the JSON Schema fits the Structs, a reader in JavaScript has the same book."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.reference import INSTRUMENT
from feed.messages import ENCODER
from feed.schema import STRUCTS, json_schema
from tests import naive_words as w
from tests.feed_market import Market, naive_levels
from tests.feed_rig import WAIT_S, feed_process

ROOT = Path(__file__).resolve().parent.parent
READER = ROOT / "docs" / "subscribe.js"
SYMBOL = "S1"


def named_market(seed: int, count: int) -> Market:
    """A market whose instruments are called S1, S2, S3."""
    market = Market(seed, count)
    for one in market.commands:
        if one["kind"] == w.DEFINE_INSTRUMENT:
            row = np.frombuffer(one["blob"], INSTRUMENT).copy()
            row["symbol"] = f"S{row['instrument'][0]}".encode()
            one["blob"] = row.tobytes()
    return market


def test_schema_names_every_field_in_its_place() -> None:
    """F-133: tag, names in order, types, and how many must be there."""
    schema = json_schema()
    assert {one["$ref"].rsplit("/")[-1] for one in schema["anyOf"]} == set(schema["$defs"])
    for struct in STRUCTS:
        told = schema["$defs"][struct.__name__]
        info = msgspec.inspect.type_info(struct)
        assert isinstance(info, msgspec.inspect.StructType)
        assert [place["title"] for place in told["prefixItems"]] == [
            "tag",
            *(field.name for field in info.fields),
        ]
        assert told["prefixItems"][0]["enum"] == [info.tag]
        kinds = {msgspec.inspect.IntType: "integer", msgspec.inspect.StrType: "string"}
        for place, field in zip(told["prefixItems"][1:], info.fields, strict=True):
            assert place["type"] == kinds[type(field.type)]
        assert told["minItems"] == 1 + sum(field.required for field in info.fields)


def test_messages_of_a_market_fit_the_schema() -> None:
    """By hand: as many items as places, each of the type its place has."""
    places = {
        one["prefixItems"][0]["enum"][0]: one["prefixItems"]
        for one in json_schema()["$defs"].values()
    }
    types = {"integer": int, "string": str}
    for message in Market(3, 300).messages():
        items = msgspec.msgpack.decode(ENCODER.encode(message))
        assert len(items) == len(places[items[0]])
        for item, place in zip(items[1:], places[items[0]][1:], strict=True):
            assert type(item) is types[place["type"]]


def test_the_command_prints_it() -> None:
    """`sitex feed schema`."""
    out = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "feed", "schema"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert json.loads(out.stdout) == json_schema()


def test_the_reader_in_javascript_has_sixty_lines() -> None:
    """What is called sixty lines has no more than ten over it, comments and all."""
    assert len(READER.read_text().splitlines()) <= 70


@pytest.mark.parametrize("seed", range(3))
async def test_a_reader_in_javascript_has_the_same_book(
    data_dir: Path,
    seed: int,
) -> None:
    """It joins in the middle: snapshot over TCP, then line A of a running feed, to the end."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    market = named_market(seed, 500)
    last = "{}:{}".format(*market.last)
    third = len(market.events) // 3
    async with feed_process(data_dir, market) as feed:
        feed.tell(third)
        line = f"{feed.lines[0].group}:{feed.lines[0].port}"
        recovery = f"{feed.recovery[0]}:{feed.recovery[1]}"
        reader = await asyncio.create_subprocess_exec(
            node, str(READER), SYMBOL, line, recovery, last, stdout=asyncio.subprocess.PIPE
        )
        try:
            for number in range(third, feed.event_count, 20):
                feed.tell(number)
                await asyncio.sleep(0.02)
            feed.tell(feed.event_count)
            out, _ = await asyncio.wait_for(reader.communicate(), WAIT_S)
        finally:
            if reader.returncode is None:
                reader.kill()
                await reader.wait()
    read = json.loads(out)
    for side, name in ((49, "bids"), (50, "asks")):
        expected = [list(level) for level in naive_levels(market.exchange, 1, side)]
        assert read[name] == expected
