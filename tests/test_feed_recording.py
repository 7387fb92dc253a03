"""Recordings: what a subscriber got, read back, published again, and as a table."""

from __future__ import annotations

import asyncio
import contextlib
import random
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from feed.handler import Handler, Update
from feed.messages import ENCODER, DayRolled, InstrumentDefined, MarketMessage, OrderAdded
from feed.packet import PacketKind
from feed.record import record
from feed.recording import Recording, RecordingError, RecordingWriter, read_packets
from feed.subscriber import Subscriber
from tests.feed_market import Market, assert_books_equal
from tests.feed_rig import ROOT, WAIT_S, FeedProcess, feed_process, read_until
from tests.feed_venue import MS, Venue, answer, settle


def write_recording(path: Path, seed: int, loss: float) -> tuple[Venue, list[Update]]:
    """A market recorded over lossy lines, with a snapshot in the middle; what the recorder saw."""
    rng = random.Random(seed)
    venue, updates = Venue(Market(seed, 400)), []
    handler = Handler(on_update=updates.append)
    writer = RecordingWriter(path)
    handler.on_packet = writer.write
    now_ns = 0
    while not venue.done:
        now_ns += 20 * MS
        packets = venue.publish(rng.randint(1, 40))
        for packet in packets * 2:
            if rng.random() >= loss:
                handler.receive(0, packet, now_ns)
        if rng.random() < 0.03:
            handler._distrust()
        answer(venue, handler, now_ns)
    settle(venue, handler, now_ns)
    writer.close()
    assert writer.bytes_written == path.stat().st_size and writer.packets > 10
    return venue, updates


def encoded(updates: list[Update]) -> list[tuple[int, bool, list[bytes]]]:
    """Updates as they may be compared."""
    return [
        (one.sequence, one.snapshot, list(map(ENCODER.encode, one.messages))) for one in updates
    ]


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("seed", range(6))
def test_a_recording_gives_the_same_updates_and_books(
    tmp_path: Path, seed: int, loss: float
) -> None:
    """F-134: read back it is what the recorder saw, snapshots in between and all."""
    venue, seen = write_recording(tmp_path / "r", seed, loss)
    recording = Recording(tmp_path / "r")
    read = list(recording)
    assert encoded(read) == encoded(seen)
    assert_books_equal(recording.books, venue.market.exchange)
    assert encoded(list(recording)) == encoded(seen)  # a second time, too


def test_a_recording_cut_anywhere_is_read_up_to_there(tmp_path: Path) -> None:
    """F-134: the packet that was not written whole is nothing; garbage in between is an error."""
    write_recording(tmp_path / "r", 1, 0.1)
    data = (tmp_path / "r").read_bytes()
    whole = list(read_packets(tmp_path / "r"))
    for cut in random.Random(1).sample(range(len(data)), 60):
        (tmp_path / "cut").write_bytes(data[:cut])
        packets = list(read_packets(tmp_path / "cut"))
        assert packets == whole[: len(packets)]
        assert sum(len(packet) for _, packet in packets) <= cut < len(data)
        list(Recording(tmp_path / "cut"))
    middle = len(whole[0][1])
    (tmp_path / "bad").write_bytes(data[:middle] + b"?" * 40 + data[middle:])
    with pytest.raises(RecordingError, match=f"byte {middle}"):
        list(Recording(tmp_path / "bad"))
    with pytest.raises(FileExistsError):
        RecordingWriter(tmp_path / "r")


def command(feed: FeedProcess, *arguments: str) -> list[str]:
    """A `sitex feed` command with this feed's addresses."""
    a, b = feed.lines
    chosen = {
        "feed.line_a.port": a.port, "feed.line_b.port": b.port,
        "feed.recovery_port": feed.recovery[1],
    }  # fmt: skip
    sets = [word for name, value in chosen.items() for word in ("--set", f"{name}={value}")]
    return [sys.executable, "-m", "gateway.cli", "feed", *arguments, *sets]


def last_of(path: Path) -> int:
    """The last number of a recording that is being written."""
    last = 0
    with contextlib.suppress(RecordingError):  # a packet of which a part is written
        for update in Recording(path):
            last = update.sequence
    return last


async def test_a_running_feed_is_recorded_and_published_again(
    data_dir: Path,
    tmp_path: Path,
) -> None:
    """`sitex feed record` beside a subscriber; `replay` without the venue gives the same books."""
    market, path = Market(31, 500), tmp_path / "day"
    async with feed_process(data_dir, market) as feed:
        feed.tell(feed.event_count // 4)
        recorder = await asyncio.create_subprocess_exec(
            *command(feed, "record", str(path)), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(WAIT_S):
                while not path.exists():
                    await asyncio.sleep(0.05)
            for number in range(feed.event_count // 4, feed.event_count, 25):
                feed.tell(number)
                await asyncio.sleep(0.02)
            feed.tell(feed.event_count)
            async with asyncio.timeout(WAIT_S):
                while last_of(path) != market.last[1]:
                    await asyncio.sleep(0.1)
            recorder.terminate()
            out, _ = await asyncio.wait_for(recorder.communicate(), WAIT_S)
        finally:
            if recorder.returncode is None:
                recorder.kill()
                await recorder.wait()
        assert recorder.returncode == 0 and b"SYNCHRONIZED" in out, out
        again = Recording(path)
        assert list(again)[-1].sequence == market.last[1]
        assert_books_equal(again.books, market.exchange)
        assert feed.process is not None
        await feed.kill()
        replaying = await asyncio.create_subprocess_exec(
            *command(feed, "replay", str(path), "--speed", "0"),
            cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with feed.subscriber() as subscriber:
                await read_until(subscriber, market.last)
                assert_books_equal(subscriber.books, market.exchange)
            out, _ = await asyncio.wait_for(replaying.communicate(), WAIT_S)
        finally:
            if replaying.returncode is None:
                replaying.kill()
                await replaying.wait()
        assert replaying.returncode == 0 and out.startswith(b"published "), out


async def test_nothing_to_record_is_said(tmp_path: Path) -> None:
    """Without a feed the recording is empty; a file that is there is never written over."""
    subscriber = Subscriber(recovery=("127.0.0.1", 1))
    done = await record(subscriber, tmp_path / "none", 0.3)
    assert (done.messages, done.snapshots, done.state.name) == (0, 0, "STALE")
    with pytest.raises(FileExistsError):
        await record(Subscriber(recovery=("127.0.0.1", 1)), tmp_path / "none", 0.1)


def test_parquet_has_one_row_a_message(tmp_path: Path) -> None:
    """F-136: read back by pyarrow, every field of every message; those of no message are null."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra [parquet]")
    path, out = tmp_path / "r", tmp_path / "r.parquet"
    venue, seen = write_recording(path, 4, 0.1)
    run = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "feed", "parquet", str(path), str(out)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = parquet.read_table(out).to_pylist()
    assert run.stdout == f"{len(rows):,} rows\n"
    events = [row for row in rows if not row["snapshot"]]
    begins = [session for session, *_ in venue.market.publisher().publish_in_sessions(
        venue.market.events)]  # fmt: skip

    def session_of(message: MarketMessage) -> int:
        ends = isinstance(message, DayRolled)  # one session, when the next one begins
        return max(one for one in begins if one <= message.time_ns - ends)

    assert len(begins) > 1
    messages = {
        (session_of(message), update.sequence + 1 - len(update.messages) + place): message
        for update in seen
        for place, message in enumerate(update.messages)
    }
    assert len(events) > 300
    symbols = {
        row["instrument"]: row["symbol"] for row in rows if row["message"] == "InstrumentDefined"
    }
    for row in events:
        message = messages.get((row["session"], row["sequence"]))
        if message is None:
            continue  # came again in a packet of which the recorder needed only the rest
        fields = msgspec.structs.asdict(message)
        assert row["message"] == type(message).__name__
        symbol = row.pop("symbol")
        assert symbol == symbols.get(fields.get("instrument", 0)) or isinstance(
            message, InstrumentDefined
        )
        fields.pop("symbol", None)
        for name in row.keys() - {"session", "sequence", "sending_time_ns", "snapshot", "message"}:
            assert row[name] == fields.get(name), (name, row)
    pictures = [row for row in rows if row["snapshot"]]
    assert {row["message"] for row in pictures} >= {"InstrumentDefined", OrderAdded.__name__}


def test_what_came_twice_is_one_row(tmp_path: Path) -> None:
    """F-134, F-136: packets that overlap, as after a replay, give each message once."""
    parquet = pytest.importorskip("pyarrow.parquet", reason="needs the extra [parquet]")
    from feed.parquet import convert

    path, twice = tmp_path / "r", tmp_path / "twice"
    write_recording(path, 5, 0.0)
    with twice.open("wb") as file:
        for header, packet in read_packets(path):
            file.write(packet * (1 if header.kind == PacketKind.SNAPSHOT else 2))
    assert convert(path, tmp_path / "a") == convert(twice, tmp_path / "b")
    rows = parquet.read_table(tmp_path / "b").to_pylist()
    assert rows == parquet.read_table(tmp_path / "a").to_pylist()
    assert encoded(list(Recording(twice))) == encoded(list(Recording(path)))
