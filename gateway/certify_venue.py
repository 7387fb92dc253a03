"""The venue of `sitex certify`: the real session, engine and journal, with hands on one line.

A Tap is the member's line: it shows both directions' messages, and can hold what comes, keep quiet
or be cut. The counterparty trades over a session of its own. Nothing here knows the situations
(gateway/certify.py).

Source: specs/order_entry.md O-173; docs/decisions/0172-certification.md.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import UNSET

from engine.limits import EngineLimits
from engine.machine import Engine
from engine.sequencer import Sequencer
from gateway.assembly import Assembly, assemble
from gateway.client import Client
from gateway.client import Member as Login
from gateway.message import SOH
from gateway.server import Line, Listener
from gateway.service import TICK_S, Turns
from gateway.states import State
from gateway.tls import server_context
from specs.calendar import to_yyyymmdd
from specs.credentials import hash_password
from specs.products import Catalogue
from specs.venue import Account, FixConfig, Member, VenueConfig, VenueSource

COUNTERPARTY = "CERTIFIER"
LIMITS = EngineLimits(orders_max=20_000, requests_max=50_000)
Fields = dict[int, str]


def messages_of(data: bytes) -> list[Fields]:
    """Whole messages as tag to value; of a tag that comes twice the first."""
    found = []
    for part in data.split(b"8=FIX")[1:]:
        fields: Fields = {}
        for field in (b"8=FIX" + part).split(SOH):
            tag, equals, value = field.partition(b"=")
            if equals and tag.isdigit():
                fields.setdefault(int(tag), value.decode("utf-8", "replace"))
        found.append(fields)
    return found


class Tap(Line):
    """The member's line, watched. heard: told each message and whether the member sent it."""

    def __init__(self, venue: CertifyVenue) -> None:
        super().__init__(venue.parts.venue, venue.config.fix)
        self._venue = venue
        self._seen = b""
        self.muted = False  # what the venue says is lost
        self.holds = False  # what the member says waits

    def buffer_updated(self, nbytes: int) -> None:
        """See asyncio."""
        new = bytes(self.buffer[self.filled : self.filled + nbytes])
        if nbytes:
            self._see(new)
        if self.holds:
            self.filled += nbytes
        else:
            super().buffer_updated(nbytes)

    def _see(self, new: bytes) -> None:
        self._seen += new
        end = self._seen.rfind(b"\x0110=")
        stop = self._seen.find(SOH, end + 4) if end >= 0 else -1
        if stop >= 0:
            whole, self._seen = self._seen[: stop + 1], self._seen[stop + 1 :]
            for fields in messages_of(whole):
                self._venue.heard(self, fields, True)
        self._seen = self._seen[-(1 << 16) :]

    def release(self) -> None:
        """What waited is taken."""
        self.holds = False
        super().buffer_updated(0)

    def write(self, data: bytes) -> None:
        """See Line."""
        if self.muted:
            return
        for fields in messages_of(data):
            self._venue.heard(self, fields, False)
        super().write(data)

    def cut(self) -> None:
        """Ends the connection without a word."""
        if self.open:
            self._transport.abort()


class CertifyVenue:
    """A venue of two members: the one that is examined and its counterparty."""

    def __init__(
        self,
        comp_id: str,
        config: VenueConfig,
        source: VenueSource,
        catalogue: Catalogue,
        folder: Path,
    ) -> None:
        self.comp_id, self._source = comp_id, source
        self._password = secrets.token_urlsafe(12)
        self.config = with_counterparty(config, comp_id, hash_password(self._password))
        now_ns = time.time_ns()
        day = to_yyyymmdd(config.day.venue_day().at(now_ns))
        self.sequencer = Sequencer.open(
            folder, new_limits=LIMITS, durability="os", now_ns=now_ns, venue_day=day, threaded=False
        )
        self.parts: Assembly = assemble(self.sequencer, self.config, catalogue, now_ns)
        own = config.target_comp_id.encode()
        party = self.parts.registry.directory.find(own, comp_id.encode())
        assert party is not None
        self.party = party
        self.heard: Callable[[Tap, Fields, bool], None] = lambda tap, fields, inbound: None
        self._listeners: list[Listener] = []
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listens for the member, and brings the counterparty in. Raises OSError."""
        fix, venue = self.config.fix, self.parts.venue
        venue.on_due = Turns(venue.on_deadline)
        context = None if fix.tls is None else server_context(fix.tls, self._source.file)
        inside = FixConfig(port=0)  # the system chooses one
        self._listeners = [
            Listener(lambda: Tap(self), fix, context),
            Listener(lambda: Line(venue, inside), inside),
        ]
        for listener in self._listeners:
            listener.bind()
            listener.start()
        self._ticking = asyncio.get_running_loop().create_task(self._tick())
        login = Login(COUNTERPARTY, self.config.target_comp_id, COUNTERPARTY, self._password)
        self.other = Client("127.0.0.1", self._listeners[1].port, login)
        await self.other.connect()

    @property
    def port(self) -> int:
        """Where the member connects."""
        return self._listeners[0].port

    async def stop(self) -> None:
        """Ends everything; the folder is the caller's."""
        await self.other.close()
        for listener in self._listeners:
            listener.close()
        for line in list(self.parts.venue.lines.values()):
            line.close()
        await asyncio.sleep(TICK_S)
        if self._ticking is not None:
            self._ticking.cancel()
            await asyncio.gather(self._ticking, return_exceptions=True)
        self.sequencer.abandon()

    @property
    def tap(self) -> Tap | None:
        """The line on which the member is logged on; None: it is not."""
        session = self.party.connection
        line = self.parts.venue.lines.get(session) if session is not None else None
        if isinstance(line, Tap) and line.session.state == State.ACTIVE:
            return line
        return None

    def price_limits(self, symbol: str) -> tuple[int, int, int]:
        """Lowest and highest price of the day and the tick, in 1e-9."""
        known = self.parts.registry.known
        row = known.instruments[symbol]
        engine = self.sequencer.engine
        assert isinstance(engine, Engine)
        state = engine.tables().instruments[int(row["instrument"])]
        _, product = known.product_of(row)
        return int(state["low"]), int(state["high"]), int(product["tick"])

    # -- what a counterparty may do to a member's session

    def ask_test(self, ident: str) -> None:
        """TestRequest."""
        self._say(b"1", ((112, ident),))

    def ask_resend(self, begin: int, end: int) -> None:
        """ResendRequest."""
        self._say(b"2", ((7, begin), (16, end)))

    def lose_message(self) -> int:
        """A Heartbeat takes its number and never arrives; its number."""
        tap = self.tap
        assert tap is not None
        number = self.party.next_out
        tap.muted = True
        self._say(b"0", ())
        tap.muted = False
        return number

    def reset_higher(self, by: int) -> int:
        """SequenceReset without GapFillFlag; the number that comes next."""
        number = self.party.next_out + by
        self._say(b"4", ((123, "N"), (36, number)))
        self.party.begin_at(number)
        return number

    def log_out(self) -> None:
        """Logout, by the venue."""
        self.parts.venue.log_out_party(self.party, "certification: log on again")

    def _say(self, kind: bytes, fields: tuple[tuple[int, bytes | str | int], ...]) -> None:
        tap = self.tap
        assert tap is not None
        tap.session.say(kind, fields, time.time_ns())
        self.parts.venue.flush(tap)

    async def _tick(self) -> None:
        venue = self.parts.venue
        while True:
            await asyncio.sleep(TICK_S)
            now_ns = time.time_ns()
            for line in list(venue.lines.values()):
                if line.session.next_deadline_ns <= now_ns:
                    venue.on_deadline(line)
            self.parts.run_schedule(now_ns)


def with_counterparty(config: VenueConfig, comp_id: str, password_hash: str) -> VenueConfig:
    """The configuration with the member of this CompID and its counterparty alone.

    Products trade at any hour. Raises LookupError where nobody has this CompID.
    """
    for member in config.members:
        if comp_id in member.comp_ids:
            break
    else:
        names = " ".join(one for member in config.members for one in member.comp_ids)
        raise LookupError(f"{comp_id} is no session of this venue: {names}")
    other = Member(
        name=COUNTERPARTY, accounts=(Account(name=COUNTERPARTY),), password_hash=password_hash,
        requests_per_day_max=10_000, live_orders_max=10_000,
    )  # fmt: skip
    replace = msgspec.structs.replace
    options = {
        name: replace(one, schedule=UNSET, drop_copy=UNSET) for name, one in member.session.items()
    }
    examined = replace(member, schedule=None, drop_copy=(), session=options)
    return replace(
        config, members=(examined, other), durability="os",
        day=replace(config.day, schedule=False), fix=replace(config.fix, schedule=None),
    )  # fmt: skip
