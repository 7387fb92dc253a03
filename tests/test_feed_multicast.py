"""Lines on sockets: IPv4 and IPv6 groups, interfaces by address and name, unicast."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from feed.handler import FeedState
from feed.multicast import Line, LineSender, open_receiver, parse_line, parse_unicast
from feed.subscriber import Subscriber
from perf.venue import free_port
from specs.loading import SpecError
from specs.venue import load_venue
from tests.feed_market import Market, assert_books_equal
from tests.feed_rig import FeedProcess, read_until

LOOPBACK = "lo0" if socket.if_nameindex()[0][1] == "lo0" else "lo"
GROUP_6 = "ff12::5358:1"


def received(receiver: socket.socket, count: int) -> list[bytes]:
    """So many datagrams."""
    receiver.settimeout(5.0)
    try:
        return [receiver.recv(100) for _ in range(count)]
    finally:
        receiver.close()


def interface_6() -> str | None:
    """An interface that takes IPv6 multicast; None: this machine has no such network."""
    for _, name in socket.if_nameindex():
        try:
            LineSender(Line(GROUP_6, 30_001), name, 0).close()
        except OSError:
            continue
        return name
    return None


def test_what_a_line_is() -> None:
    """F-139: both kinds of address, IPv6 with brackets or without."""
    assert parse_line("239.1.1.1:5") == Line("239.1.1.1", 5)
    assert parse_line("[ff12::1]:5") == parse_line("ff12::1:5") == Line("ff12::1", 5)
    assert parse_unicast("10.0.0.7:30001") == Line("10.0.0.7", 30001)
    assert parse_unicast("[fd00::7]:30001") == Line("fd00::7", 30001)
    for wrong in (
        "10.0.0.7:5",
        "fd00::7:5",
        "ff12::1",
        "[ff12::1]:0",
        "eth0:5",
        ":5",
        "239.1.1.1:",
    ):
        with pytest.raises(ValueError):
            parse_line(wrong)


@pytest.mark.parametrize("interface", ["127.0.0.1", LOOPBACK])
def test_an_interface_by_address_or_name(interface: str) -> None:
    """F-139: IPv4 takes both, and sender and receiver may name it differently."""
    line = Line("239.255.73.1", free_port(socket.SOCK_DGRAM))
    receiver, sender = open_receiver(line, "127.0.0.1"), LineSender(line, interface, 0)
    other = open_receiver(line, interface)
    sender.send(b"one")
    sender.close()
    assert received(receiver, 1) == received(other, 1) == [b"one"]


def test_a_group_of_ipv6() -> None:
    """F-139: where the machine has no IPv6 network, opening the line says so."""
    name = interface_6()
    line = Line(GROUP_6, free_port(socket.SOCK_DGRAM))
    if name is None:
        with pytest.raises(OSError):
            LineSender(line, LOOPBACK, 0)
        return
    receivers = [open_receiver(line, name) for _ in range(2)]
    other = open_receiver(Line("ff12::5358:2", line.port), name)
    sender = LineSender(line, name, 0)
    for number in range(20):
        sender.send(bytes([number]))
    sender.close()
    for receiver in receivers:
        assert received(receiver, 20) == [bytes([number]) for number in range(20)]
    with pytest.raises(BlockingIOError):
        other.recv(100)
    other.close()


def test_ipv6_needs_the_name_of_an_interface() -> None:
    """The error says what is wanted."""
    with pytest.raises(OSError, match="needs the name of one"):
        LineSender(Line(GROUP_6, 30_001), "127.0.0.1", 0)
    with pytest.raises(OSError):
        open_receiver(Line("239.255.73.1", 30_001), "no-such-if0")


async def test_unicast_brings_everything(data_dir: Path) -> None:
    """F-139: a subscriber on its own address alone, beside multicast ones."""
    market = Market(17, 300)
    own = Line("127.0.0.1", free_port(socket.SOCK_DGRAM))
    feed = FeedProcess(data_dir, market)
    feed.more = ["--unicast", f"{own.group}:{own.port}"]
    feed.notifier.start()
    await feed.start()
    try:
        feed.tell(100)
        async with Subscriber((own,), feed.recovery) as subscriber:
            await read_until(subscriber, market.early)
            feed.tell(feed.event_count)
            await read_until(subscriber, market.last)
            assert subscriber.state == FeedState.SYNCHRONIZED
            assert_books_equal(subscriber.books, market.exchange)
            counts = subscriber.handler.counts
            assert counts.packets[0] > 0 and counts.packets[1] == 0
    finally:
        feed.notifier.close()
        assert feed.process is not None
        await feed.kill()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["feed.line_a.group=10.0.0.1"], "or ff00::/8"),
        (["feed.line_a.group=ff12::1"], "with an IPv6 group the name"),
        (["feed.interface=no interface"], "a name such as eth0"),
        (["feed.unicast=[{host='239.1.1.1',port=5}]"], "the address of one host"),
        (["feed.unicast=[{host='10.0.0.7',port=5}]"], "password_hash"),
        (["feed.interface=eth0"], "password_hash"),
        (
            ["feed.snapshot_line.group=239.255.73.1", "feed.snapshot_line.port=30001"],
            "snapshot_line",
        ),
    ],
)
def test_wrong_networks_are_refused(overrides: list[str], message: str) -> None:
    """What leaves the machine needs members' passwords; what cannot work is told by its path."""
    with pytest.raises(SpecError, match=message):
        load_venue(overrides=overrides)


def test_networks_that_are_taken() -> None:
    """Loopback by name, IPv6 groups on it, unicast on this machine."""
    feed = load_venue(
        overrides=[
            "feed.interface=lo",
            "feed.line_a.group=ff12::1",
            "feed.unicast=[{host='127.0.0.1',port=5}]",
        ]
    ).feed
    assert (feed.interface, feed.line_a.group, feed.unicast[0].port) == ("lo", "ff12::1", 5)
