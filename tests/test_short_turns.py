"""Short turns: the one crossing gives what the long way gives, byte for byte.

Two venues take the same bytes at the same times, one of them never by the short way. What each
member is sent, live and again, the journaled commands and the engine's state are the same.
"""

from __future__ import annotations

import itertools
import random
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from engine.files import FileSizes
from engine.limits import EngineLimits
from engine.records import HEADER_BYTES, parse_header
from engine.replayer import EngineStopped
from engine.sequencer import Sequencer
from engine.types import COMMAND
from gateway import short_turns
from gateway.assembly import assemble
from gateway.message import Field, Header, encode_message
from gateway.server import Line
from gateway.values import format_timestamp
from specs.calendar import to_yyyymmdd
from specs.products import load_products
from specs.venue import load_venue
from tests.test_venue_fuzz import Sink, deliver

pytestmark = pytest.mark.kernels
TURNS = 1_500
ORDERS = 9_000
LIMITS = EngineLimits(orders_max=20_000, requests_max=50_000)
SIZES = FileSizes(
    journal_bytes=1 << 18, journal_reserve_bytes=1 << 15, event_rows=1 << 12,
    event_reserve_rows=1 << 10, request_chunk_rows=1 << 10, request_resident_rows=1 << 12,
)  # fmt: skip
NAMES = (b"ALPHA", b"BRAVO")
START_NS = time.time_ns()


class Recorder(Sink):
    """A connection that keeps what is written to it."""

    def __init__(self, peer: socket.socket) -> None:
        super().__init__(peer)
        self.data = bytearray()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.data += data


class Floor:
    """A venue in this process with two members on it; `now_ns` is its clock."""

    def __init__(self, folder: Path, peer: socket.socket, short: bool) -> None:
        self.now_ns = START_NS
        self.folder = folder
        config = load_venue(overrides=["durability=os"])
        self.sequencer = Sequencer.open(
            folder, limits=LIMITS, sizes=SIZES, durability="os", now_ns=START_NS,
            venue_day=to_yyyymmdd(config.day.venue_day().at(START_NS)), threaded=False,
        )  # fmt: skip
        self.parts = assemble(self.sequencer, config, load_products(), START_NS)
        self.parts.venue._clock = lambda: self.now_ns
        if not short:
            self.parts.venue._short_bytes_max = -1
        self.lines = [Line(self.parts.venue, config.fix) for _ in NAMES]
        self.sinks = [Recorder(peer) for _ in NAMES]
        for line, sink in zip(self.lines, self.sinks, strict=True):
            line.connection_made(sink)

    def send(self, who: int, raw: bytes) -> None:
        deliver(self.parts.venue, self.lines[who], raw)

    def send_all_again(self, who: int, number: int) -> None:
        """A ResendRequest for everything, served to its end."""
        raw = encode_message(
            b"2", ((7, 1), (16, 0)), Header(NAMES[who], b"SITEX"), number, self.now_ns
        )
        self.send(who, raw)
        while self.lines[who].session.resending:
            self.parts.venue.on_deadline(self.lines[who])

    def facts(self) -> tuple[list[bytes], bytes, bytes]:
        """What was sent, journaled, and became of the engine."""
        sent = [bytes(sink.data) for sink in self.sinks]
        return sent, b"".join(self.commands()), self.sequencer.engine.state_hash()

    def commands(self) -> Iterator[bytes]:
        """The journaled COMMAND rows."""
        for data in self.journal():
            at = 0
            while header := parse_header(data, at):
                first = at + HEADER_BYTES
                yield data[first : first + header.rows * COMMAND.itemsize]
                at += header.record_bytes

    def journal(self) -> list[bytes]:
        """The journal's files."""
        return [path.read_bytes() for path in sorted(self.folder.rglob("journal-*"))]


@contextmanager
def both_ways(folder: Path) -> Iterator[list[Floor]]:
    """A venue with short turns and one without, their members logged on."""
    with socket.socket() as peer:
        floors = [Floor(folder / str(short), peer, short) for short in (True, False)]
        for floor in floors:
            for who, name in enumerate(NAMES):
                logon = encode_message(
                    b"A", ((98, 0), (108, 30)), Header(name, b"SITEX"), 1, START_NS
                )
                floor.send(who, logon)
        yield floors
        for floor in floors:
            if not floor.sequencer.fault:
                floor.sequencer.abandon()


def message(
    chance: random.Random, who: int, number: int, made: int, now_ns: int
) -> tuple[bytes, int]:
    """A member's next message, and how many ids it has used then."""
    kind = chance.choice((b"D",) * 6 + (b"G", b"F", b"F", b"q", b"H", b"0", b"AE"))
    made += kind in (b"D", b"F", b"G", b"q", b"AE")
    last: list[Field] = [
        (55, "SITB2701"),
        (54, chance.choice("12")),
        (60, format_timestamp(now_ns)),
    ]
    order: list[Field] = [
        (38, chance.randrange(1, 9)), (40, "2"), (44, f"2.0{chance.randrange(10)}"),
        (59, chance.choice("0034")),
    ]  # fmt: skip
    named = (41, f"{who}-{chance.randrange(max(1, made - 20), made + 1)}")
    own = (11, f"{who}-{made if chance.random() < 0.97 else 1}")
    fields: list[Field] = {
        b"D": [own, *last, *order],
        b"G": [own, named, *last, *order[:3]],
        b"F": [own, named, *last],
        b"q": [own, (530, "7"), last[2]],
        b"H": [(11, named[1]), *last[:2]],
        b"0": [],
        b"AE": [
            (571, own[1]), (828, "1"), (820, "L"), last[0], (32, 500), (31, "2.000"), last[2],
            (552, 1), (54, "12"[who]), (453, 1), (448, NAMES[1 - who]), (447, "D"), (452, "17"),
        ],
    }[kind]  # fmt: skip
    return encode_message(kind, fields, Header(NAMES[who], b"SITEX"), number, now_ns), made


def blocks_traded(sent: bytes) -> int:
    """Blocks that have traded, of everything a member was sent."""
    answers = [one for one in sent.split(b"8=FIX.4.4\x01") if b"\x0135=AR\x01" in one]
    return sum(b"\x01150=F\x01" in one for one in answers)


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_give_the_same(seed: int, tmp_path: Path) -> None:
    """Any mix of turns, messages cut at any byte among them."""
    chance = random.Random(seed)
    numbers, made, waiting = [2, 2], [0, 0], [b"", b""]
    with both_ways(tmp_path) as floors:
        now_ns = START_NS
        for _ in range(TURNS):
            now_ns += chance.choice((0, 1_000, 40_000_000))
            who = chance.randrange(2)
            raw = waiting[who]
            for _ in range(chance.choice((1, 1, 1, 2, 5, 20))):
                one, made[who] = message(chance, who, numbers[who], made[who], now_ns)
                numbers[who] += 1
                raw += one
            cut = len(raw) - chance.choice((0, 0, 0, 7, 60))
            waiting[who] = raw[cut:]
            for floor in floors:
                floor.now_ns = now_ns
                floor.send(who, raw[:cut])
        for who, floor in itertools.product(range(2), floors):
            floor.send(who, waiting[who])
            floor.send_all_again(who, numbers[who])
        short, long = (floor.facts() for floor in floors)
        assert short == long
        assert sum(b"\x01150=F\x01" in sent for sent in short[0]) == 2, "both have traded"
        assert b"\x01150=5\x01" in short[0][0] and b"\x01150=4\x01" in short[0][0]
        traded = [blocks_traded(sent) for sent in short[0]]
        assert traded[0] == traded[1] > 10, "a block, which takes the long way, is told to both"


def test_one_order_after_another_gives_the_same_files(tmp_path: Path) -> None:
    """Where each turn is one order the journals are the same, too."""
    chance = random.Random(1)
    numbers, made = [2, 2], [0, 0]
    with both_ways(tmp_path) as floors:
        for turn in range(TURNS):
            who = turn % 2
            raw, made[who] = message(chance, who, numbers[who], made[who], START_NS)
            numbers[who] += 1
            for floor in floors:
                floor.send(who, raw)
        short, long = floors
        assert short.facts() == long.facts()
        assert short.journal() == long.journal() and len(short.journal()) > 1
        assert short.parts.store.snapshot() == long.parts.store.snapshot()


def test_one_message_with_more_events_than_one_call_reports(tmp_path: Path) -> None:
    """A mass cancel's reports fill more than one segment of the event log and one encode."""
    header = Header(NAMES[0], b"SITEX")
    with both_ways(tmp_path) as floors:
        for first in range(0, ORDERS, 500):
            fields = [(55, "SITB2701"), (54, "1"), (60, format_timestamp(START_NS))]
            fields += [(38, 1), (40, "2"), (44, "2.000"), (59, "0")]
            raw = b"".join(
                encode_message(b"D", ((11, f"o{n}"), *fields), header, n + 2, START_NS)
                for n in range(first, first + 500)
            )
            for floor in floors:
                floor.send(0, raw)
        mass = ((11, "all"), (530, "7"), (60, format_timestamp(START_NS)))
        for floor in floors:
            floor.send(0, encode_message(b"q", mass, header, ORDERS + 2, START_NS))
        short, long = (floor.facts() for floor in floors)
        assert short == long
        assert short[0][0].count(b"\x01150=4\x01") == ORDERS
        assert len(short[1]) > ORDERS * COMMAND.itemsize


def test_an_engine_that_asserts_stops_the_venue_with_its_command_journaled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in the long way: the command is in the journal, nothing is sent."""
    cross = short_turns.cross

    def failing(arena: np.ndarray, buffer: np.ndarray, start: int, end: int, *rest: object) -> None:
        cross(arena, buffer, start, end, *rest)
        raise AssertionError("tables differ")

    order = ((11, "1"), (55, "SITB2701"), (54, "1"), (60, format_timestamp(START_NS)))
    order += ((38, 1), (40, "2"), (44, "2.000"), (59, "0"))
    with both_ways(tmp_path) as (floor, _):
        first = encode_message(b"D", order, Header(NAMES[0], b"SITEX"), 2, START_NS)
        floor.send(0, first)
        sent, before = bytes(floor.sinks[0].data), floor.sequencer.command_count
        monkeypatch.setattr(short_turns, "cross", failing)
        second = encode_message(
            b"D", ((11, "2"), *order[1:]), Header(NAMES[0], b"SITEX"), 3, START_NS
        )
        with pytest.raises(EngineStopped, match="tables differ"):
            floor.send(0, second)
        assert bytes(floor.sinks[0].data) == sent
        assert floor.sequencer.command_count == before + 1
        floor.sequencer.abandon()
        again = Sequencer.open(floor.folder, durability="os", now_ns=START_NS, threaded=False)
        assert again.command_count == before + 1
        again.abandon()
        monkeypatch.undo()


def test_a_fault_before_the_first_command_stops_no_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the decoder's, not a command's: nothing is journaled and no command is blamed."""

    def failing(*arguments: object) -> None:
        raise IndexError("out of the arena")

    order = ((11, "1"), (55, "SITB2701"), (54, "1"), (60, format_timestamp(START_NS)))
    order += ((38, 1), (40, "2"), (44, "2.000"), (59, "0"))
    with both_ways(tmp_path) as (floor, _):
        before, journaled = floor.sequencer.command_count, floor.journal()
        monkeypatch.setattr(short_turns, "cross", failing)
        with pytest.raises(IndexError, match="out of the arena"):
            floor.send(0, encode_message(b"D", order, Header(NAMES[0], b"SITEX"), 2, START_NS))
        monkeypatch.undo()
        assert (floor.sequencer.command_count, floor.journal()) == (before, journaled)
        assert floor.sequencer.fault is None
