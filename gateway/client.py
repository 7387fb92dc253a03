"""A FIX member over asyncio: connects, logs on, sends orders, receives reports once and in order.

The shell around gateway/initiator.py: the socket, the clock and the timer are here, the protocol is
there. Used by the demo's members and the tests; numbers survive reconnects of one Client.

    client = Client("127.0.0.1", 9878, "ALPHA")
    await client.connect()
    order = client.send_order("SITB2612", BUY, 5, "14.00")
    async for message in client: ...
    await client.close()

Source: specs/order_entry.md; docs: how to connect a Python member.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from gateway.arena import Bounds
from gateway.counterparty import Counterparty
from gateway.facts import Delivered, Fact, LoggedOn, LoggedOut, Lost, Refused
from gateway.initiator import Initiator
from gateway.liveness import NEVER_NS, SECOND_NS
from gateway.message import Field, Message
from gateway.policy import Reader
from gateway.sent import SentMessages
from gateway.states import State
from gateway.tables import Tables
from gateway.types import MESSAGE_BYTES_MAX, SESSION_ROW
from gateway.values import format_timestamp

BUY, SELL = "1", "2"
MARKET, LIMIT = "1", "2"
BUFFER_BYTES = 1 << 18
INBOX_MAX = 100_000  # messages not yet taken; then nothing more is read from the line
_CLOCK_TOLERANCE_NS = 120 * SECOND_NS
_RETRY_S = 0.01  # a resend goes on when the line takes bytes again
assert BUFFER_BYTES > 2 * MESSAGE_BYTES_MAX


class LogonRefused(ConnectionError):
    """The venue did not take the Logon; the text is the venue's."""


class Disconnected(ConnectionError):
    """There is no session; the text says how it ended."""


@dataclass(frozen=True, slots=True)
class Member:
    """Who logs on. heartbeat_s: HeartBtInt (108)."""

    comp_id: str
    venue_comp_id: str = "SITEX"
    username: str = ""
    password: str = ""
    heartbeat_s: int = 30


def member_reader() -> Tables:
    """Framing and dialect for Clients; one serves all Clients of a thread."""
    return Tables(Bounds(1, 1, 1, 1), is_venue=False)


class Client:
    """One member's session at one venue, over as many connections as it takes.

    on_message: called with each application message; without it they are taken with `receive` or
    `async for`. tls: how the venue's certificate is checked; None: plain TCP. All from one event
    loop's thread.
    """

    def __init__(
        self,
        host: str,
        port: int,
        member: Member | str,
        *,
        on_message: Callable[[Message], None] | None = None,
        reader: Reader | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.host = host
        self._tls = tls
        self.port = port
        self.member = Member(member) if isinstance(member, str) else member
        self._on_message = on_message
        self._reader = reader or member_reader()
        row = np.zeros(1, SESSION_ROW)[0]
        row["expected_in"] = row["next_out"] = 1
        row["clock_tolerance_ns"] = _CLOCK_TOLERANCE_NS
        own, peer = self.member.comp_id.encode(), self.member.venue_comp_id.encode()
        self.party = Counterparty(own, peer, row, SentMessages())
        if self.member.username or self.member.password:
            self.party.credential = (self.member.username.encode(), self.member.password.encode())
        self.ended = "not connected"  # how the last session ended; empty while there is one
        self._line: _Line | None = None
        self._inbox: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._id_base = f"{time.time_ns() // 1_000_000 % 36**8:x}"
        self._ids = 0

    # -- connection

    @property
    def connected(self) -> bool:
        """True between Logon and the end of the session."""
        return self._line is not None and self._line.session.state == State.ACTIVE

    async def connect(self, *, reset: bool = False, timeout_s: float = 10.0) -> None:
        """Connects and logs on; reset: both sides' numbers begin again at 1.

        Raises LogonRefused, OSError, TimeoutError. Missed reports come by resend, in order.
        """
        assert not self.connected
        if self._line is not None and not self._line.closed.is_set():
            self._line.abort()  # what is left of an earlier connection
            await self._line.closed.wait()
        loop = asyncio.get_running_loop()
        session = Initiator(self._reader, self.party, self.member.heartbeat_s, time.time_ns())
        line = _Line(self, session, loop)
        async with asyncio.timeout(timeout_s):
            try:
                await loop.create_connection(lambda: line, self.host, self.port, ssl=self._tls)
                self._line = line
                session.log_on(time.time_ns(), reset)
                line.flush()
                await line.answered.wait()
            except BaseException:
                line.abort()
                raise
        if self.ended:
            raise LogonRefused(self.ended)

    async def close(self, text: str = "", timeout_s: float = 10.0) -> None:
        """Logs out and waits for the end; without a session it does nothing."""
        line = self._line
        if line is None:
            return
        line.take(line.session.log_out(text, time.time_ns()))
        try:
            async with asyncio.timeout(timeout_s):
                await line.closed.wait()
        except TimeoutError:
            line.abort()

    def drop(self) -> None:
        """Cuts the line without a Logout, as a crash would."""
        if self._line is not None:
            self._line.abort()
            self._line.take(self._line.session.connection_lost(time.time_ns()))

    # -- messages out

    def send(self, msg_type: bytes, fields: tuple[Field, ...]) -> int:
        """Sends an application message; returns its MsgSeqNum.

        Without a session it is kept, and resent after the next Logon when the venue asks for it.
        """
        line = self._line
        if line is None:
            session = Initiator(self._reader, self.party, self.member.heartbeat_s, time.time_ns())
            session.state = State.CLOSED
            return session.send(msg_type, fields, time.time_ns())
        number = line.session.send(msg_type, fields, time.time_ns())
        line.flush_soon()
        return number

    def next_cl_ord_id(self) -> str:
        """An id that no Client of this member used before on this day, as far as clocks go."""
        self._ids += 1
        return f"{self._id_base}-{self._ids:x}"

    def send_order(
        self,
        symbol: str,
        side: str,
        qty: int,
        price: str | None,
        more: tuple[Field, ...] = (),
        cl_ord_id: str = "",
    ) -> str:
        """NewOrderSingle; price None: a market order. Returns its ClOrdID."""
        cl_ord_id = cl_ord_id or self.next_cl_ord_id()
        fields = (*_order(cl_ord_id, symbol, side), *_terms(qty, price), *more)
        self.send(b"D", fields)
        return cl_ord_id

    def send_cancel(self, symbol: str, side: str, orig: str, cl_ord_id: str = "") -> str:
        """OrderCancelRequest of the order with ClOrdID `orig`; returns its own ClOrdID."""
        cl_ord_id = cl_ord_id or self.next_cl_ord_id()
        self.send(b"F", ((41, orig), *_order(cl_ord_id, symbol, side)))
        return cl_ord_id

    def send_replace(
        self,
        symbol: str,
        side: str,
        orig: str,
        qty: int,
        price: str | None,
        more: tuple[Field, ...] = (),
    ) -> str:
        """OrderCancelReplaceRequest; qty is the new total. Returns its ClOrdID."""
        cl_ord_id = self.next_cl_ord_id()
        terms = _terms(qty, price)
        self.send(b"G", ((41, orig), *_order(cl_ord_id, symbol, side), *terms, *more))
        return cl_ord_id

    def send_mass_cancel(self, symbol: str = "", side: str = "") -> str:
        """OrderMassCancelRequest: of one instrument, or all; of one side, or both."""
        cl_ord_id = self.next_cl_ord_id()
        fields: list[Field] = [(11, cl_ord_id), (530, "1" if symbol else "7")]
        fields += [(55, symbol)] if symbol else []
        fields += [(54, side)] if side else []
        self.send(b"q", (*fields, (60, format_timestamp(time.time_ns()))))
        return cl_ord_id

    def send_status_request(self, symbol: str, side: str, cl_ord_id: str) -> int:
        """OrderStatusRequest; returns its MsgSeqNum."""
        return self.send(b"H", ((11, cl_ord_id), (55, symbol), (54, side)))

    # -- messages in

    async def receive(self, timeout_s: float | None = None) -> Message:
        """The next application message; Disconnected when there is none and no session."""
        async with asyncio.timeout(timeout_s):
            while not self._inbox:
                if self.ended:
                    raise Disconnected(self.ended)
                self._wake.clear()
                await self._wake.wait()
        message = self._inbox.popleft()
        if self._line is not None and len(self._inbox) < INBOX_MAX // 2:
            self._line.resume()
        return message

    def __aiter__(self) -> Client:
        return self

    async def __anext__(self) -> Message:
        try:
            return await self.receive()
        except Disconnected:
            raise StopAsyncIteration from None

    def take(self, fact: Fact) -> None:
        """A fact of the session: for _Line."""
        if isinstance(fact, Delivered):
            if self._on_message is not None:
                self._on_message(fact.message)
            else:
                self._inbox.append(fact.message)
        elif isinstance(fact, LoggedOn):
            self.ended = ""
        elif isinstance(fact, LoggedOut | Lost | Refused):
            self.ended = fact.text or "logged out"
        self._wake.set()

    @property
    def inbox_full(self) -> bool:
        """True when the line must not be read."""
        return len(self._inbox) >= INBOX_MAX


class _Line(asyncio.BufferedProtocol):
    """One connection of a Client."""

    def __init__(self, client: Client, session: Initiator, loop: asyncio.AbstractEventLoop) -> None:
        self.session = session
        self.answered = asyncio.Event()  # the Logon was taken or refused
        self.closed = asyncio.Event()
        self._client = client
        self._loop = loop
        self._buffer = np.zeros(BUFFER_BYTES + 64, np.uint8)
        self._view = self._buffer.data[:BUFFER_BYTES]
        self._filled = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = NEVER_NS
        self._flush_due = False
        self._writable = True
        self._reading = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        # uvloop's transport is no asyncio.Transport by class
        self._transport = cast(asyncio.Transport, transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """See asyncio."""
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        end = self._filled + nbytes
        consumed, facts = self.session.receive(self._buffer, 0, end, time.time_ns())
        left = end - consumed
        if consumed and left:
            self._buffer[:left] = self._buffer[consumed:end].copy()
        self._filled = left
        self.take(facts)
        if self._client.inbox_full and self._transport is not None and self._reading:
            self._reading = False
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        if self._timer is not None:
            self._timer.cancel()
        self.take(self.session.connection_lost(time.time_ns()))
        self.closed.set()

    def pause_writing(self) -> None:
        """See asyncio."""
        self._writable = False

    def resume_writing(self) -> None:
        """See asyncio."""
        self._writable = True
        self.flush()

    def resume(self) -> None:
        """The inbox takes messages again."""
        if not self._reading and self._transport is not None and not self.closed.is_set():
            self._reading = True
            self._transport.resume_reading()

    def take(self, facts: list[Fact]) -> None:
        """Passes facts on, writes what there is to write, keeps the timer."""
        for fact in facts:
            self._client.take(fact)
            if not isinstance(fact, Delivered):
                self.answered.set()
        self.flush()

    def flush_soon(self) -> None:
        """Writes once for all that is sent in this turn of the loop."""
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Writes what the session has to say, and closes when it is over."""
        self._flush_due = False
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self.session.outgoing and self._writable:
            transport.write(bytes(self.session.outgoing))
            self.session.outgoing.clear()
        if self.session.state == State.CLOSED:
            transport.close()
        else:
            self._set_timer()

    def abort(self) -> None:
        """Ends the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def _set_timer(self) -> None:
        deadline_ns = self.session.next_deadline_ns
        if self._timer is not None:
            if self._timer_ns <= deadline_ns:
                return  # it fires too early at worst
            self._timer.cancel()
            self._timer = None
        if deadline_ns != NEVER_NS:
            self._timer_ns = deadline_ns
            delay_s = (deadline_ns - time.time_ns()) / SECOND_NS if deadline_ns else 0.0
            if deadline_ns == 0 and not self._writable:
                delay_s = _RETRY_S
            self._timer = self._loop.call_later(max(0.0, delay_s), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        if self.session.unfinished:
            self.buffer_updated(0)
            return
        now_ns = time.time_ns()
        deadline_ns = self.session.next_deadline_ns
        if deadline_ns <= now_ns and (deadline_ns or self._writable):
            self.take(self.session.on_deadline(now_ns))
        else:
            self.flush()


def _order(cl_ord_id: str, symbol: str, side: str) -> tuple[Field, ...]:
    return (
        (11, cl_ord_id),
        (55, symbol),
        (54, side),
        (60, format_timestamp(time.time_ns())),
    )


def _terms(qty: int, price: str | None) -> tuple[Field, ...]:
    if price is None:
        return ((38, qty), (40, MARKET))
    return ((38, qty), (40, LIMIT), (44, price))
