"""A venue in one process for the demo's desks: codec and engine, no socket, no journal.

Every order goes through the real decoder and engine, every report through the real encoder.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from engine.limits import EngineLimits
from engine.machine import Engine
from engine.types import COMMAND, EVENT, PHASE, CommandKind, Phase
from gateway.arena import REPORTS_MAX, Bounds
from gateway.definitions import Known, missing
from gateway.demo_desk import Desk
from gateway.demo_maker import demo_venue
from gateway.message import Field, Header, encode_message
from gateway.tables import Tables
from gateway.types import READ_SLACK_BYTES, REPORT_BYTES_MAX, STORE_ROW
from specs.products import load_products
from specs.venue import load_venue

START_NS = 1_795_000_000_000_000_000
EVENTS_MAX = 4_096
LIMITS = EngineLimits(
    orders_max=8_192, requests_max=1 << 17, instruments_max=255, products_max=15, members_max=15,
    accounts_max=15, sessions_max=15, levels_max=1 << 18,
)  # fmt: skip


class Rig:
    """Orders of desks in, reports back at once. `events` keeps all event rows."""

    def __init__(self, day: date) -> None:
        self.now_ns = START_NS
        self.events: list[np.ndarray] = []
        self.desks: dict[str, Desk] = {}
        self._known = Known()
        self._engine = Engine(LIMITS)
        self._tables = Tables(Bounds(255, 15, 15, 15))
        self._reader = Tables(Bounds(1, 1, 1, 1), is_venue=False)
        self._commands = np.zeros(64, COMMAND)
        self._out = np.zeros(REPORTS_MAX * REPORT_BYTES_MAX, np.uint8)
        self._stored = np.zeros(REPORTS_MAX, STORE_ROW)
        self._rows = np.zeros(EVENTS_MAX, EVENT)
        self._numbers: dict[str, int] = {}
        self._names: dict[int, str] = {}
        definitions = missing(self._known, load_products(), demo_venue(load_venue()), day, START_NS)
        self._engine.apply(definitions.commands, definitions.blobs, self._rows)
        self._define()

    def desk_of(self, name: str) -> Desk:
        """The desk of a member."""
        if name not in self.desks:
            self.desks[name] = Desk(name, self._sender(name), lambda: self.now_ns)
        return self.desks[name]

    def set_phase(self, phase: Phase) -> None:
        """All products enter a phase."""
        codes = self._known.products
        phases = np.zeros(len(codes), PHASE)
        phases["product"] = [row["product"] for row in codes.values()]
        phases["phase"] = phase
        commands = np.zeros(len(codes), COMMAND)
        commands["kind"], commands["time_ns"] = CommandKind.SET_PHASE, self.now_ns
        commands["product"] = phases["product"]
        commands["blob_length"] = PHASE.itemsize
        commands["blob_offset"] = np.arange(len(codes)) * PHASE.itemsize
        blobs = phases.view(np.uint8)
        done = 0
        while done < len(commands) or self._engine.busy:
            consumed, first, rows = self._apply(commands[done:], blobs)
            self._report(rows, first, commands[done : done + consumed])
            done += consumed

    def _define(self) -> None:
        known, tables = self._known, self._tables
        for code, row in known.products.items():
            tables.define_product(int(row["product"]), code.encode())
        for symbol, row in known.instruments.items():
            tables.define_instrument(int(row["instrument"]), symbol.encode(), int(row["product"]))
        for name, row in known.accounts.items():
            tables.define_account(int(row["account"]), name.encode(), int(row["member"]))
        for name, row in known.sessions.items():
            session = int(row["session"])
            account = int(known.accounts[name]["account"])
            tables.define_session(session, int(row["member"]), name.encode(), b"SITEX", account)
            tables.sessions[session]["active"] = 1
            self._names[session] = name

    def _sender(self, name: str):
        session = int(self._known.sessions[name]["session"])
        header = Header(name.encode(), b"SITEX")

        def send(msg_type: bytes, fields: tuple[Field, ...]) -> None:
            number = self._numbers[name] = self._numbers.get(name, 0) + 1
            raw = encode_message(msg_type, fields, header, number, self.now_ns)
            self._take(raw, session)

        return send

    def _take(self, raw: bytes, session: int) -> None:
        buffer = np.zeros(len(raw) + READ_SLACK_BYTES, np.uint8)
        buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
        consumed, count, stop = self._tables.decode(
            buffer, 0, len(raw), session, self._commands, 0, self.now_ns
        )
        assert consumed == len(raw) and count, (stop, self._tables.read(buffer, 0, len(raw)))
        consumed, first, rows = self._apply(self._commands[:count], np.zeros(0, np.uint8))
        assert consumed == count and not self._engine.busy
        self._report(rows, first, self._commands[:count])

    def _apply(self, commands: np.ndarray, blobs: np.ndarray) -> tuple[int, int, np.ndarray]:
        """(commands consumed, number of the first event, events)."""
        first = self._engine.event_count + 1
        consumed, produced = self._engine.apply(commands, blobs, self._rows)
        rows = self._rows[:produced].copy()
        self.events.append(rows)
        return consumed, first, rows

    def _report(self, rows: np.ndarray, first: int, commands: np.ndarray) -> None:
        while len(rows):
            consumed, spans = self._tables.encode(
                rows, first, commands, self._engine.requests, self._out, self._stored, self.now_ns
            )
            for span in spans.copy():
                data = self._out[int(span["out_start"]) : int(span["out_end"])].tobytes()
                self._deliver(self.desks[self._names[int(span["session"])]], data)
            rows, first = rows[consumed:], first + consumed

    def _deliver(self, desk: Desk, data: bytes) -> None:
        buffer = np.zeros(len(data) + READ_SLACK_BYTES, np.uint8)
        buffer[: len(data)] = np.frombuffer(data, np.uint8)
        at = 0
        while at < len(data):
            found = self._reader.read(buffer, at, len(data))
            assert found.message is not None and found.message.fault is None, found
            desk.take(found.message)
            at += found.consumed
