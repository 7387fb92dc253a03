"""The asyncio client against a venue's end on loopback: trading, drops, resends, refusals."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import pytest

from gateway.access import WRONG_PASSWORD
from gateway.client import BUY, Client, Disconnected, LogonRefused, Member, member_reader
from gateway.message import Message
from gateway.states import State
from gateway.tables import Tables
from tests.session_rig import ORDER, Rig, encode_line

SYMBOL = "SITB2612"


@pytest.fixture(scope="module")
def reader() -> Tables:
    rig = Rig()  # compiles what is not compiled yet, before any timeout runs
    for line in ("A 34=1 98=0 108=30", ORDER.format(2, "A1")):
        rig.receive(encode_line(line, rig.now_ns))
    return member_reader()


class Server:
    """A Rig behind a socket: every order is answered with a report, kept for resends."""

    def __init__(self) -> None:
        self.rig = Rig()
        self.seen = 0
        self.serving = 0
        self.writers: list[asyncio.StreamWriter] = []

    async def start(self) -> None:
        """Listens on a free port of loopback."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Ends everything."""
        self._server.close()
        for writer in self.writers:
            writer.transport.abort()
        while self.serving:
            await asyncio.sleep(0.005)
        await self._server.wait_closed()

    async def _serve(self, lines: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rig = self.rig
        self.writers.append(writer)
        self.serving += 1
        rig.now_ns = time.time_ns()
        rig.connect()
        session = rig.session
        try:
            while session.state != State.CLOSED:
                data = await lines.read(1 << 16)
                if not data:
                    break
                rig.now_ns = time.time_ns()
                rig.session = session
                rig.receive(data)
                self.answer()
                rig.wait(0)
                writer.write(rig.taken_all())
                await writer.drain()
        except ConnectionError:
            return
        finally:
            rig.session = session
            rig.facts += session.connection_lost(time.time_ns())
            writer.close()
            self.serving -= 1

    def answer(self) -> None:
        """A report an order, as 35=j because that has few fields."""
        rig = self.rig
        while self.seen < len(rig.rows):
            _, number, kind = rig.rows[self.seen]
            self.seen += 1
            rig.report_type, rig.report_fields = b"j", ((372, "D"), (380, 0), (45, number))
            rig.report(f"row {kind}")

    def push(self, text: str) -> None:
        """A report of the venue's own accord."""
        self.rig.now_ns = time.time_ns()
        self.rig.report_type, self.rig.report_fields = b"j", ((372, "D"), (380, 0))
        self.rig.report(text)
        if self.writers:
            self.writers[-1].write(self.rig.taken_all())


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.start()
    yield made
    await made.stop()


def client_of(
    server: Server, reader: Tables, on_message: Callable[[Message], None] | None = None
) -> Client:
    return Client("127.0.0.1", server.port, "ALPHA", reader=reader, on_message=on_message)


async def test_logs_on_trades_and_logs_out(server: Server, reader: Tables) -> None:
    client = client_of(server, reader)
    await client.connect()
    assert client.connected
    first = client.send_order(SYMBOL, BUY, 5, "14.00")
    second = client.send_replace(SYMBOL, BUY, first, 6, "14.01")
    client.send_cancel(SYMBOL, BUY, second)
    client.send_mass_cancel()
    client.send_mass_cancel(SYMBOL, BUY)
    client.send_status_request(SYMBOL, BUY, first)
    client.send_order(SYMBOL, BUY, 5, None)
    texts = [(await client.receive(5)).text(58) for _ in range(7)]
    assert texts == [f"row {kind}" for kind in (10, 12, 11, 13, 13, 15, 10)]
    await client.close("done")
    assert not client.connected
    with pytest.raises(Disconnected):
        await client.receive(1)


async def test_orders_and_reports_of_an_absence_arrive_after_it(
    server: Server, reader: Tables
) -> None:
    client = client_of(server, reader)
    await client.connect()
    client.send_order(SYMBOL, BUY, 1, "14.00")
    assert (await client.receive(5)).text(58) == "row 10"
    client.drop()
    with pytest.raises(Disconnected):
        await client.receive(5)
    await asyncio.sleep(0.05)
    server.push("while away")
    client.send_order(SYMBOL, BUY, 2, "14.00")
    await client.connect()
    client.send_order(SYMBOL, BUY, 3, "14.00")
    texts = [(await client.receive(5)).text(58) for _ in range(3)]
    assert texts == ["while away", "row 10", "row 10"]
    numbers = [number for _, number, _ in server.rig.rows]
    assert numbers == sorted(set(numbers)) and len(numbers) == 3
    await client.close()


async def test_reset_and_many_messages_by_callback(server: Server, reader: Tables) -> None:
    got: list[str] = []
    client = client_of(server, reader, on_message=lambda message: got.append(message.text(58)))
    await client.connect(reset=True)
    for _ in range(500):
        client.send_order(SYMBOL, BUY, 1, "14.00")
    async with asyncio.timeout(10):
        while len(got) < 500:
            await asyncio.sleep(0.01)
    await client.close()
    await client.connect(reset=True)
    assert client.party.next_out == 2
    await client.close()


async def test_async_iterator_ends_with_the_session(server: Server, reader: Tables) -> None:
    client = client_of(server, reader)
    await client.connect()
    server.push("one")
    server.push("two")
    seen = []
    async for message in client:
        seen.append(message.text(58))
        if len(seen) == 2:
            client.drop()
    assert seen == ["one", "two"]


async def test_refusal_carries_the_venue_s_text(server: Server, reader: Tables) -> None:
    server.rig.credential = WRONG_PASSWORD
    member = Member("ALPHA", username="ALPHA", password="wrong")
    client = Client("127.0.0.1", server.port, member, reader=reader)
    with pytest.raises(LogonRefused, match="Password"):
        await client.connect()
    server.rig.credential = ""
    await client.connect()
    await client.close()


async def test_connects_again_at_once_after_a_drop_and_after_a_timeout(
    server: Server, reader: Tables
) -> None:
    client = client_of(server, reader)
    for _ in range(5):
        await client.connect()
        client.drop()
        assert not client.connected
        await asyncio.sleep(0.02)  # the venue must see the end before it sees the next Logon
    server.rig.credential = None
    await asyncio.sleep(0.05)
    with pytest.raises(TimeoutError):
        await client.connect(timeout_s=0.1)
    server.rig.credential = ""
    await client.connect()
    assert client.connected
    await client.close()


async def test_unknown_member_is_told_nothing(server: Server, reader: Tables) -> None:
    client = Client("127.0.0.1", server.port, "NOBODY", reader=reader)
    with pytest.raises(LogonRefused, match="line"):
        await client.connect(timeout_s=5)


async def test_nobody_listens(reader: Tables) -> None:
    client = Client("127.0.0.1", 1, "ALPHA", reader=reader)
    with pytest.raises(OSError):
        await client.connect(timeout_s=5)


async def test_heartbeats_keep_a_quiet_session(server: Server, reader: Tables) -> None:
    client = Client("127.0.0.1", server.port, Member("ALPHA", heartbeat_s=1), reader=reader)
    await client.connect()
    await asyncio.sleep(2.2)
    assert client.connected and client.party.next_out >= 3
    await client.close()
