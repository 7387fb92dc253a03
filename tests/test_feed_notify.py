"""The notification stream: the newest number gets through, whatever the reader does."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from feed.multicast import Line, LineSender, open_receiver, parse_line
from feed.notify import READERS_MAX, Notifier, NumberReader, connect, read_available


@pytest.fixture
def path() -> Iterator[Path]:
    """A short path: unix sockets allow a hundred characters."""
    with tempfile.TemporaryDirectory(prefix="feed-", dir="/tmp") as made:
        yield Path(made) / "notify"


@pytest.mark.parametrize("seed", range(5))
def test_numbers_cut_anywhere(seed: int) -> None:
    """The newest whole number counts, a half one waits."""
    rng = random.Random(seed)
    data = b"".join(struct.pack("<Q", number) for number in range(1, 500))
    reader, at = NumberReader(), 0
    while at < len(data):
        size = rng.randint(1, 40)
        assert reader.receive(data[at : at + size]) == min(at + size, len(data)) // 8
        at += size
    assert reader.number == 499


async def test_a_reader_is_told_at_once_and_then_of_every_number(path: Path) -> None:
    """A reader that comes late knows where the log stands."""
    notifier = Notifier(path)
    notifier.start()
    notifier.tell(41)
    stream, numbers = connect(path, 1.0), NumberReader()
    assert await _read(stream, numbers, 41) == 41
    for number in (42, 43, 50):
        notifier.tell(number)
    assert await _read(stream, numbers, 50) == 50
    notifier.close()
    await asyncio.sleep(0.01)
    assert read_available(stream) is None
    stream.close()
    assert not path.exists()


async def test_a_reader_that_sleeps_gets_the_newest_number(path: Path) -> None:
    """The socket fills up; the venue goes on, and the last number is not lost."""
    notifier = Notifier(path)
    notifier.start()
    stream, numbers = connect(path, 1.0), NumberReader()
    await asyncio.sleep(0.01)
    for number in range(1, 200_001):
        notifier.tell(number)
    assert notifier._behind
    assert await _read(stream, numbers, 200_000) == 200_000
    stream.close()
    notifier.close()


async def test_readers_that_go_and_too_many_readers(path: Path) -> None:
    """A dead reader is forgotten; beyond the bound a reader is closed."""
    notifier = Notifier(path)
    notifier.start()
    streams = [connect(path, 1.0) for _ in range(READERS_MAX)]
    await asyncio.sleep(0.05)
    one_more = connect(path, 1.0)
    await asyncio.sleep(0.05)
    assert read_available(one_more) is None
    for stream in [*streams, one_more]:
        stream.close()
    await asyncio.sleep(0.05)
    notifier.tell(5)
    assert not notifier._readers
    notifier.close()


def test_nobody_listens(path: Path) -> None:
    """The error names the path."""
    with pytest.raises(ConnectionError, match="notify"):
        connect(path, 0.05)


def test_lines_are_multicast_groups() -> None:
    """GROUP:PORT."""
    assert parse_line("239.255.73.1:30001") == Line("239.255.73.1", 30001)
    for wrong in ("127.0.0.1:5", "239.1.1.1", "239.1.1.1:0", "239.1.1.1:70000", "x:5", ""):
        with pytest.raises(ValueError):
            parse_line(wrong)


def test_two_receivers_of_one_line_on_one_machine() -> None:
    """F-1: both get every packet; a receiver of another group gets none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    line, other = Line("239.255.73.1", port), Line("239.255.73.9", port)
    receivers = [open_receiver(one, "127.0.0.1") for one in (line, line, other)]
    sender = LineSender(line, "127.0.0.1", 0)
    for number in range(50):
        sender.send(bytes([number]))
    sender.close()
    received = []
    for receiver in receivers:
        received.append([])
        receiver.settimeout(0.2)
        try:
            while True:
                received[-1].append(receiver.recv(10)[0])
        except TimeoutError:
            receiver.close()
    assert received == [list(range(50)), list(range(50)), []]
    assert sender.lost == 0


async def _read(stream: socket.socket, numbers: NumberReader, until: int) -> int:
    for _ in range(5_000):
        data = read_available(stream)
        if numbers.receive(data or b"") == until:
            break
        await asyncio.sleep(0.001)
    return numbers.number
