"""The feed's process on real sockets: loopback multicast, recovery, restarts, the venue's end."""

from __future__ import annotations

import asyncio
import io
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from feed.checkpoint import encode_checkpoint, read_checkpoint, write_checkpoint
from feed.market_view import Follower
from feed.messages import ENCODER, ReplayRequest, SnapshotRequest
from feed.multicast import open_receiver
from feed.packet import decode_datagram, decode_messages
from feed.watch import UnknownSymbolError, watch
from tests.feed_market import Market, assert_books_equal, published
from tests.feed_rig import (
    ROOT,
    WAIT_S,
    FeedProcess,
    ask,
    feed_process,
    has_said,
    read_snapshot,
    read_until,
    request,
)


async def test_subscribers_get_every_message_over_multicast(data_dir: Path) -> None:
    """Two subscribers on one machine see the whole market, live; their books are the exchange's."""
    market = Market(1, 500)
    last = market.last
    async with feed_process(data_dir, market) as feed:
        feed.tell(40)
        async with feed.subscriber() as one, feed.subscriber() as two:
            await asyncio.gather(read_until(one, market.early), read_until(two, market.early))
            for number in range(41, feed.event_count, 30):
                feed.tell(number)
                await asyncio.sleep(0.001)
            feed.tell(feed.event_count)
            await asyncio.gather(read_until(one, last), read_until(two, last))
            for subscriber in (one, two):
                assert_books_equal(subscriber.books, market.exchange)
                assert min(subscriber.handler.counts.packets) > 10
                assert subscriber.handler.counts.inconsistent == 0


async def test_both_lines_carry_the_same_packets_of_at_most_1400_bytes(data_dir: Path) -> None:
    """F-1, F-6, F-9: the same bytes on both, filled, and heartbeats when all is said."""
    market = Market(2, 300)
    async with feed_process(data_dir, market) as feed:
        receivers = [open_receiver(line, "127.0.0.1") for line in feed.lines]
        feed.tell(feed.event_count)
        received: list[list[bytes]] = [[], []]
        async with asyncio.timeout(WAIT_S):
            while min(_heartbeats(packets, market.last[1] + 1) for packets in received) < 3:
                await asyncio.sleep(0.05)
                for receiver, packets in zip(receivers, received, strict=True):
                    packets += _drain(receiver)
        for receiver in receivers:
            receiver.close()
        both = min(map(len, received))  # a heartbeat may have come on one of them only, by now
        assert received[0][:both] == received[1][:both]
        full = [packet for packet in received[0] if decode_datagram(packet).message_count]
        assert max(map(len, full)) <= 1_400 and len(full[0]) > 1_200
        messages = [m for packet in full for m in decode_messages(packet, decode_datagram(packet))]
        assert list(map(ENCODER.encode, messages)) == list(map(ENCODER.encode, market.messages()))


async def test_a_late_subscriber_joins_a_silent_venue(data_dir: Path) -> None:
    """Everything was said before it came: the snapshot is enough."""
    market = Market(3, 300)
    async with feed_process(data_dir, market) as feed:
        feed.tell(feed.event_count)
        await has_said(feed, market.last[1])
        async with feed.subscriber() as subscriber:
            updates = await read_until(subscriber, market.last)
            assert any(update.snapshot for update in updates)
            assert_books_equal(subscriber.books, market.exchange)


async def test_a_killed_feed_goes_on_with_the_same_numbers(data_dir: Path) -> None:
    """F-51: kill -9 three times under way; one subscriber misses nothing."""
    market = Market(4, 600)
    last = market.last
    async with feed_process(data_dir, market) as feed:
        feed.tell(60)
        async with feed.subscriber() as subscriber:
            await read_until(subscriber, market.early)
            for stop in (200, 350, 500):
                feed.tell(stop)
                await feed.kill()
                await feed.start()
            feed.tell(feed.event_count)
            updates = await read_until(subscriber, last)
            assert updates[-1].sequence == last[1]
            assert_books_equal(subscriber.books, market.exchange)
            assert subscriber.handler.counts.inconsistent == 0


async def test_the_feed_ends_with_the_venue_after_publishing_all(data_dir: Path) -> None:
    """F-50: the end of the stream is the end of the venue; what was told is published first."""
    market = Market(5, 300)
    async with feed_process(data_dir, market) as feed:
        receiver = open_receiver(feed.lines[0], "127.0.0.1")
        feed.tell(feed.event_count)
        feed.notifier.close()
        assert await feed.ended() == 0
        packets = [decode_datagram(packet) for packet in _drain(receiver)]
        receiver.close()
        assert sum(header.message_count for header in packets) == len(market.messages())


async def test_a_restarted_feed_goes_on_from_its_checkpoint(data_dir: Path) -> None:
    """F-51: a clean end leaves a checkpoint; the next start reads the log from there only."""
    market = Market(9, 400)
    last = market.last
    async with feed_process(data_dir, market) as feed:
        feed.tell(300)
        assert feed.process is not None
        await asyncio.sleep(0.3)
        feed.process.send_signal(signal.SIGTERM)
        assert await feed.ended() == 0
        checkpoint = read_checkpoint(data_dir)
        assert checkpoint is not None and checkpoint.next_event > 300
        receiver = open_receiver(feed.lines[0], "127.0.0.1")
        await feed.start()
        feed.tell(feed.event_count)
        async with feed.subscriber() as subscriber:
            await read_until(subscriber, last)
            assert_books_equal(subscriber.books, market.exchange)
        [(header, data)] = await ask(feed.recovery, request(ReplayRequest(1, 5)), 1)
        [refused] = decode_messages(data, header)
        assert (refused.reason, refused.first_available) == (1, checkpoint.next_sequence)
        packets = [decode_datagram(packet) for packet in _drain(receiver)]
        receiver.close()
        first = next(header for header in packets if header.message_count)
        assert first.sequence == checkpoint.next_sequence


async def test_a_checkpoint_of_another_log_is_not_used(data_dir: Path) -> None:
    """The last event it covers is not the log's: everything is read from event 1."""
    other, market = Market(10, 200), Market(11, 400)
    publisher = other.publisher()
    published(publisher, other.events)
    write_checkpoint(data_dir, encode_checkpoint(publisher, other.events[-1].tobytes()))
    async with feed_process(data_dir, market) as feed:
        feed.tell(feed.event_count)
        async with feed.subscriber() as subscriber:
            await read_until(subscriber, market.last)
            assert_books_equal(subscriber.books, market.exchange)


async def test_watch_shows_the_book_of_a_running_feed(data_dir: Path) -> None:
    """Without a terminal: a line now and then; an unknown symbol is an error that helps."""
    market = Market(12, 300)
    async with feed_process(data_dir, market) as feed:
        feed.tell(feed.event_count)
        out = io.StringIO()
        follower = Follower(feed.config(), 1_000)
        watched = await watch("INSTRUMENT", follower, 1.2, Console(file=out, width=200))
        lines = out.getvalue().splitlines()
        assert len(lines) >= 2 and all(line.startswith("INSTRUMENT  bid ") for line in lines)
        assert watched.view.sequence > 0
        with pytest.raises(UnknownSymbolError, match="INSTRUMENT"):
            await watch("INSTRUMNT", Follower(feed.config()), 1.0, Console(file=out))


async def test_recovery_answers_and_refuses(data_dir: Path) -> None:
    """F-41 to F-45: ranges, snapshots, and a reason for everything else."""
    market = Market(6, 300)
    count = market.last[1]
    async with feed_process(data_dir, market) as feed:
        feed.tell(feed.event_count)
        await has_said(feed, count)
        (header, data), (end, _) = await ask(feed.recovery, request(ReplayRequest(1, 5)), 2)
        assert header.sequence == 1 and end.sequence == 6 and end.message_count == 0
        assert len(decode_messages(data, header)) == header.message_count
        for asked, reason in (
            (ReplayRequest(count + 1, 5), 2),
            (ReplayRequest(0, 5), 4),
            (ReplayRequest(1, 0), 4),
            (ReplayRequest(-5, 2), 4),
            (SnapshotRequest(999), 3),
        ):
            [(header, data)] = await ask(feed.recovery, request(asked), 1)
            [refused] = decode_messages(data, header)
            assert (refused.reason, refused.next_sequence) == (reason, count + 1)
        messages = await read_snapshot(feed.recovery, 1)
        assert {m.instrument for m in messages} <= {0, 1}
        assert messages[0].sequence == messages[-1].sequence == count


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" + bytes(40),
        bytes(32),
        struct.pack("<HBBHHQQQ", 0x5853, 1, 4, 1, 0xFFFF, 0, 0, 0),
        struct.pack("<HBBHHQQQ", 0x5853, 1, 4, 1, 1_400, 0, 0, 0) + b"\xff" * 1_368,
        struct.pack("<HBBHHQQQ", 0x5853, 1, 1, 1, 40, 0, 0, 0) + bytes(8),
        struct.pack("<HBBHHQQQ", 0x5853, 1, 4, 1, 40, 0, 0, 0)
        + b"\xdc\x00\x01\x93\x28\xc0\xc0\xc0",
    ],
)
async def test_garbage_requests_are_refused_and_hurt_nobody(data_dir: Path, garbage: bytes) -> None:
    """A stray connection gets BAD_REQUEST and is closed; the next one is served."""
    market = Market(7, 60)
    async with feed_process(data_dir, market) as feed:
        feed.tell(feed.event_count)
        await has_said(feed, 1)
        [(header, data)] = await ask(feed.recovery, garbage, 9)
        assert decode_messages(data, header)[0].reason == 4
        assert (await ask(feed.recovery, request(ReplayRequest(1, 1)), 1))[0][0].sequence == 1


async def test_recovery_connections_are_bounded(data_dir: Path) -> None:
    """One connection too many is told OVERLOADED; when one leaves there is room again."""
    market = Market(8, 60)
    feed = FeedProcess(data_dir, market)
    feed.more = ["--recovery-connections-max", "2"]
    feed.notifier.start()
    await feed.start()
    feed.tell(feed.event_count)
    try:
        held = [await asyncio.open_connection(*feed.recovery) for _ in range(2)]
        [(header, data)] = await ask(feed.recovery, request(ReplayRequest(1, 1)), 1)
        assert decode_messages(data, header)[0].reason == 5
        for _, writer in held:
            writer.close()
        await has_said(feed, 1)
    finally:
        feed.notifier.close()
        await feed.ended()


def test_the_feed_loads_no_numba() -> None:
    """The feed's process starts fast and stays small."""
    code = "import sys, feed.service, feed.watch; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def _heartbeats(packets: list[bytes], sequence: int) -> int:
    """How many heartbeats say that this is the next number."""
    headers = map(decode_datagram, packets)
    return sum(one.message_count == 0 and one.sequence == sequence for one in headers)


def _drain(receiver: socket.socket) -> list[bytes]:
    packets = []
    while True:
        try:
            packets.append(receiver.recv(2_000))
        except BlockingIOError:
            return packets


def test_a_recovery_port_that_is_taken_is_one_line(data_dir: Path) -> None:
    feed = FeedProcess(data_dir, Market(4, 50))

    async def run() -> tuple[int | None, bytes]:
        feed.notifier.start()
        with socket.create_server(feed.recovery):
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "feed.service", "--data", str(data_dir),
                "--notify", str(feed.notifier.path), "--recovery-port", str(feed.recovery[1]),
                cwd=ROOT, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            _, said = await asyncio.wait_for(process.communicate(), WAIT_S)
        feed.notifier.close()
        return process.returncode, said

    host, port = feed.recovery
    why = f"sitex feed: recovery on {host}:{port}: Address already in use\n"
    assert asyncio.run(run()) == (1, why.encode())
