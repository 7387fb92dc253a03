"""Prints of before a follower's start (F-140): the same as of one that was there all along."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from feed.backfill import PRINTS, read_earlier
from feed.candles import BASE_NS
from feed.handler import Update
from feed.history import History
from feed.market_view import Follower, MarketView
from feed.messages import ENCODER, ReplayRequest
from feed.packet import PacketKind, decode_header, decode_request, encode_packet, fill_packets
from feed.recovery import Recovery, RecoveryLimits
from feed.recovery_server import RecoveryServer
from feed.views import Kind, Print
from perf.venue import free_port
from tests.feed_named import SESSION, SYMBOLS, Followed, NamedMarket, feed_config, named_feed

SEED, COUNT = 6, 400  # a seed without a roll: one session
ROLLS = 3  # a day ends in its course


def assert_same_prints(found: MarketView, truth: MarketView) -> None:
    """Prints, last trades and candles of every instrument."""
    for instrument in SYMBOLS:
        assert found.prints_after(instrument, 0) == truth.prints_after(instrument, 0)
        for interval in (BASE_NS, 15 * BASE_NS):
            mine, others = found.candles(instrument), truth.candles(instrument)
            assert mine.newest(interval, 99) == others.newest(interval, 99)
        trades = truth.prints_after(instrument, 0).prints
        if trades:
            assert found.view(Kind.LAST, instrument) == truth.view(Kind.LAST, instrument)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_f140_earlier_prints_make_the_same_view(seed: int, share: float) -> None:
    """Wherever the picture was taken: what came before and after it gives the whole."""
    truth, late = (Followed(NamedMarket(seed, 120)) for _ in range(2))
    truth.step(10**9)
    cut = round(share * len(late.updates))
    before = [m for u in late.updates[:cut] for m in u.messages if isinstance(m, PRINTS)]
    for update in late.updates[:cut]:
        for message in update.messages:
            late.books.apply(message)
    late.done = cut
    late.view = MarketView()
    late.view.take(Update(cut, [], True), late.books, SESSION)
    late.view.take_prints(before)
    late.step(10**9)
    assert_same_prints(late.view, truth.view)


async def follow_until(follower: Follower, last: tuple[int, int]) -> None:
    """Runs a follower until its view has a message."""
    async with follower.subscriber as subscriber:
        running = asyncio.ensure_future(subscriber.run())
        async with asyncio.timeout(30):
            while (follower.view.session, follower.view.sequence) < last:
                await asyncio.sleep(0.02)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_f140_a_follower_that_comes_late(data_dir: Path) -> None:
    """It has what one has that was there from the first message on; without asking, nothing."""
    async with named_feed(data_dir, SEED, COUNT) as feed:
        truth = Followed(feed.market)
        truth.step(10**9)
        feed.tell(feed.event_count)
        for asked, whole in ((2_000_000, True), (0, False)):
            follower = Follower(feed_config(feed), asked)
            await follow_until(follower, feed.market.last)
            if whole:
                assert_same_prints(follower.view, truth.view)
            else:
                assert all(not follower.view.print_count(one) for one in SYMBOLS)


@pytest.mark.parametrize("seed", [SEED, ROLLS])
async def test_f140_prints_that_come_meanwhile_follow(data_dir: Path, seed: int) -> None:
    """The market goes on while its past is read; the state says so, and nothing is lost."""
    async with named_feed(data_dir, seed, COUNT) as feed:
        truth = Followed(feed.market)
        truth.step(10**9)
        feed.tell(feed.event_count // 8)
        real = feed.recovery
        gate, port = asyncio.Event(), free_port()
        asked = 0

        async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            asked += 1
            if asked == 2:  # the first one is the subscriber's own
                await gate.wait()
            other_reader, other_writer = await asyncio.open_connection(*real)

            async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65_536):
                    sink.write(data)
                sink.close()

            await asyncio.gather(
                pump(reader, other_writer), pump(other_reader, writer), return_exceptions=True
            )

        server = await asyncio.start_server(relay, "127.0.0.1", port)
        feed.recovery = ("127.0.0.1", port)
        follower = Follower(feed_config(feed), 2_000_000)
        async with server, asyncio.timeout(30):
            following = asyncio.ensure_future(follow_until(follower, feed.market.last))
            while asked < 2:
                await asyncio.sleep(0.02)
            feed.tell(feed.event_count)
            handler = follower.subscriber.handler
            while (handler.session, handler.sequence) < feed.market.last:
                await asyncio.sleep(0.02)
            assert follower.state().state == "recovering" and follower.view.sequence == 0
            gate.set()
            await following
        if seed == SEED:
            assert_same_prints(follower.view, truth.view)
        for instrument in SYMBOLS:  # of a session that is over nobody can be asked
            found = follower.view.prints_after(instrument, 0).prints
            whole = truth.view.prints_after(instrument, 0).prints
            assert found == whole[len(whole) - len(found) :] and len(found) > len(whole) / 2


class _Publisher:
    """What recovery needs: a session, and how far it is."""

    def __init__(self, next_sequence: int) -> None:
        self.session, self.next_sequence, self.in_command = SESSION, next_sequence, False


async def serve(messages: list, history_bytes: int) -> tuple[RecoveryServer, tuple[str, int]]:
    """A recovery service of these messages, with a history so long."""
    history, encoded = History(history_bytes), [ENCODER.encode(one) for one in messages]
    for start, stop in fill_packets(encoded):
        packet = encode_packet(PacketKind.MESSAGES, SESSION, start + 1, 1, encoded[start:stop])
        history.append(start + 1, stop - start, packet)
    publisher = _Publisher(len(messages) + 1)
    recovery = Recovery(publisher, history, RecoveryLimits())  # type: ignore[arg-type]
    server = RecoveryServer(recovery)
    return server, ("127.0.0.1", await server.start("127.0.0.1", 0))


def prints_of(messages: list, first: int, upto: int) -> list[Print]:
    """The prints among the messages with these numbers."""
    return [one for one in messages[first - 1 : upto] if isinstance(one, PRINTS)]


async def test_f140_reads_backwards_in_ranges() -> None:
    """More than one request; bounded by the number asked for, the history, another session."""
    once = NamedMarket(SEED, COUNT).messages()
    messages = once * (45_000 // len(once))
    count = len(messages)
    server, address = await serve(messages, 1 << 26)
    try:
        assert await read_earlier(address, SESSION, count, 10**7) == prints_of(messages, 1, count)
        some = await read_earlier(address, SESSION, count - 7, 25_000)
        assert some == prints_of(messages, count - 7 - 24_999, count - 7)
        assert await read_earlier(address, SESSION + 1, count, 10**7) == []
        assert await read_earlier(address, SESSION, 0, 10**7) == []
    finally:
        await server.close()
    short, address = await serve(messages, 1_000_000)
    first = short.recovery.history.first_available
    try:
        assert 20_000 < count - first < count - 1_000
        assert await read_earlier(address, SESSION, count, 10**7) == prints_of(
            messages, first, count
        )
    finally:
        await short.close()


async def test_f140_a_service_that_is_away_or_silent_holds_nobody() -> None:
    """What came before it fell silent is kept."""
    port = free_port()
    assert await read_earlier(("127.0.0.1", port), SESSION, 10, 10) == []
    messages = NamedMarket(SEED, COUNT).messages() * 60
    count, asked = len(messages), 0
    assert count > 20_000

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while data := await reader.read(65_536):
            asked += 1
            request = decode_request(data, decode_header(data))
            assert isinstance(request, ReplayRequest)
            if asked > 1:
                continue
            encoded = [ENCODER.encode(one) for one in messages[request.first - 1 :]]
            for start, stop in fill_packets(encoded):
                number = request.first + start
                writer.write(
                    encode_packet(PacketKind.MESSAGES, SESSION, number, 1, encoded[start:stop])
                )
            writer.write(encode_packet(PacketKind.MESSAGES, SESSION, count + 1, 1, []))
        writer.close()

    async with await asyncio.start_server(once, "127.0.0.1", port, family=socket.AF_INET):
        found = await read_earlier(("127.0.0.1", port), SESSION, count, 10**7, 1.0)
    assert asked == 2 and found == prints_of(messages, count - 19_999, count)
