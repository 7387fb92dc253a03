"""A member's line to a venue in this process: numbers outlive it, nothing is done unasked."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from engine.sequencer import Sequencer
from gateway.assembly import Assembly, assemble
from gateway.clock import VenueClock
from gateway.message import Field, Header, encode_message
from gateway.server import Line
from specs.calendar import to_yyyymmdd
from specs.products import load_products
from specs.venue import VenueConfig, load_venue
from tests.session_rig import parse_out
from tests.test_venue_fuzz import LIMITS, Sink, deliver

CATALOGUE = load_products()
SECOND_NS = 1_000_000_000


def open_venue(folder: Path, config: VenueConfig, from_ns: int) -> Assembly:
    """A venue whose clock stands at `from_ns` and runs; abandon its sequencer for a kill."""
    now_ns = time.time_ns()
    day = to_yyyymmdd(config.day.venue_day().at(from_ns))
    sequencer = Sequencer.open(
        folder, new_limits=LIMITS, durability="os", now_ns=from_ns, venue_day=day, threaded=False
    )
    return assemble(sequencer, config, CATALOGUE, now_ns, VenueClock(now_ns, from_ns, 1))


def configured(folder: Path, text: str, members: tuple[str, ...] = ("ALPHA", "BRAVO")) -> Path:
    """A venue.toml of these members; `text` comes after the first one's table."""
    tables = [f'[[member]]\nname = "{name}"\n' for name in members]
    accounts = [f'[[member.account]]\nname = "{name}"\n' for name in members]
    first, *others = zip(tables, accounts, strict=True)
    file = folder / "venue.toml"
    rest = "".join(table + account for table, account in others)
    file.write_text(f'durability = "os"\n{first[0]}{text}\n{first[1]}{rest}')
    return file


def loaded(folder: Path, text: str = "", head: str = "") -> VenueConfig:
    """The configuration of `configured`; `head`: tables of the venue itself."""
    file = configured(folder, text)
    file.write_text(file.read_text() + head)
    return load_venue(file)


class Caller:
    """One session of a member. what the venue says is in `said` as tag -> value."""

    def __init__(self, parts: Assembly, peer: socket.socket, comp_id: str = "ALPHA") -> None:
        self.parts, self.peer = parts, peer
        self.header = Header(comp_id.encode(), b"SITEX")
        self.number = 1
        self.line: Line | None = None
        self.data, self.written = bytearray(), bytearray()

    def connect(self) -> Caller:
        """A new connection; the one before must be gone."""
        self.line = Line(self.parts.venue, load_venue().fix)
        self.sink = Sink(self.peer)
        self.sink.write = self.data.extend  # type: ignore[assignment]
        self.line.connection_made(self.sink)
        return self

    def log_on(self, *fields: Field) -> list[dict[str, str]]:
        """Connects and says Logon; what the venue says to it."""
        self.connect()
        return self.say(b"A", (98, 0), (108, 30), *fields)

    def say(self, kind: bytes, *fields: Field) -> list[dict[str, str]]:
        """Sends one message under the next number; what the venue says then."""
        self.send(encode_message(kind, list(fields), self.header, self.number, time.time_ns()))
        self.number += 1
        return self.heard()

    def send(self, raw: bytes) -> None:
        """Bytes as they are."""
        assert self.line is not None
        deliver(self.parts.venue, self.line, raw)

    def heard(self) -> list[dict[str, str]]:
        """What the venue has said since the last call, resends to their end included."""
        while self.line is not None and self.line.session.resending:
            self.parts.venue.on_deadline(self.line)
        said = [dict(one) for one in parse_out(bytes(self.data))]
        self.written += self.data
        self.data.clear()
        return said

    def drop(self) -> None:
        """The line is lost."""
        if self.line is not None:
            self.line.connection_lost(None)
            self.line = None

    def log_out(self) -> None:
        """An orderly end."""
        self.say(b"5")
        self.drop()

    @property
    def closed(self) -> bool:
        """Whether the venue has closed the line."""
        return self.sink.closed
