"""Compiles every kernel once, so that the venue never compiles while it trades.

Drives a tiny exchange in a temporary directory through the same calls as the venue, the engine and
the codec in a process each. Machine code is kept in the cache folder of engine/kernel.py; a marker
there says that this was done for these sources, and later starts return at once.

    python -m gateway.warmup [PART]
"""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from engine import kernel as kernels
from engine.cl_ord_id import pack_cl_ord_id
from engine.files import FileSizes
from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from engine.types import (
    COMMAND,
    EVENT,
    REQUEST,
    CommandKind,
    EventKind,
    OrdType,
    Side,
    TimeInForce,
)
from gateway.arena import Bounds
from gateway.assembly import assemble
from gateway.definitions import Known, missing
from gateway.message import Field, Header, encode_message
from gateway.server import Line
from gateway.tables import Tables
from gateway.types import READ_SLACK_BYTES, REPORT_BYTES_MAX, STORE_ROW
from gateway.values import format_timestamp
from specs.calendar import to_yyyymmdd
from specs.products import Catalogue, load_products
from specs.venue import Account, Member, VenueConfig

MARKER = "warm"
_ROOT = Path(__file__).resolve().parent.parent
_DAY, _NEXT_DAY = date(2026, 11, 20), date(2026, 11, 23)
_START_NS = 1_795_000_000_000_000_000
_TICK = 1_000_000
_POLL_S = 0.1
_LIMITS = EngineLimits(
    orders_max=64, requests_max=256, instruments_max=63, products_max=7, members_max=7,
    accounts_max=7, sessions_max=7, levels_max=65_536,
)  # fmt: skip
_CONFIG = VenueConfig(members=(Member(name="A", accounts=(Account(name="A"),)),), durability="os")
_SYMBOL = "SITB2612"
_SIZES = FileSizes(
    journal_bytes=1 << 20, journal_reserve_bytes=1 << 18, event_rows=1 << 12,
    event_reserve_rows=1 << 10, request_chunk_rows=256, request_resident_rows=256,
)  # fmt: skip


def warm_up(say: Callable[[str], None]) -> None:
    """Compiles what is not compiled yet, telling `say` of each part; returns at once if all is."""
    marker = kernels.cache_dir("gateway") / MARKER
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" or marker.exists():
        return
    started_s = time.monotonic()
    say(f"compiling {len(PARTS) + 1} parts, on the first start only; it takes a minute or two")
    running = {name: _start(name) for name in PARTS}
    done = 0
    try:
        while running:
            time.sleep(_POLL_S)
            for name in [name for name, process in running.items() if process.poll() is not None]:
                if running.pop(name).returncode:
                    raise RuntimeError(f"compiling the {name} failed; see above")
                done += 1
                say(_progress(done, name, started_s))
    finally:
        for process in running.values():
            process.kill()
            process.wait()
    _warm_gateway()
    say(_progress(done + 1, "gateway", started_s))
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError as error:
        say(f"compiled code cannot be kept in {marker.parent}: {error}")


def _progress(done: int, name: str, started_s: float) -> str:
    return f"compiled {done} of {len(PARTS) + 1}: {name}, {time.monotonic() - started_s:.0f} s"


def _start(name: str) -> subprocess.Popen[bytes]:
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.Popen([sys.executable, "-m", "gateway.warmup", name], env=environment)


def _warm_engine() -> None:
    """Definitions, orders, rolls, and a replay of them all."""
    with tempfile.TemporaryDirectory(prefix="sitex-warm-") as folder:
        known = Known()
        sequencer = _open(folder)
        sequencer.submit(*missing(known, _catalogue(), _CONFIG, _DAY, _START_NS))
        instrument = int(known.instruments[_SYMBOL]["instrument"])
        sequencer.submit(_orders(instrument))
        roll = np.zeros(1, COMMAND)
        roll["kind"], roll["product"] = CommandKind.ROLL_PRODUCT, 1
        roll["trading_date"] = to_yyyymmdd(_NEXT_DAY)
        sequencer.submit(roll)
        sequencer.roll_day(to_yyyymmdd(_NEXT_DAY))
        sequencer.submit(_orders(instrument))
        sequencer.engine.state_hash()
        sequencer.abandon()
        reopened = _open(folder)  # replays from the journal
        reopened.close()


def _warm_codec() -> None:
    """One order in, decoded both ways; one report out, live and again."""
    tables = Tables(Bounds(8, 8, 8, 8))
    tables.define_product(1, b"SITB")
    tables.define_instrument(1, _SYMBOL.encode(), 1)
    tables.define_account(1, b"A", 1)
    tables.define_session(1, 1, b"A", b"SITEX", 1)
    tables.sessions[1]["active"] = 1
    fields = (*_ORDER, (60, format_timestamp(_START_NS)))
    raw = encode_message(b"D", fields, _HEADER, 1, _START_NS)
    buffer = np.zeros(len(raw) + READ_SLACK_BYTES, np.uint8)
    buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
    commands = np.zeros(4, COMMAND)
    consumed, written, _ = tables.decode(buffer, 0, len(raw), 1, commands, 0, _START_NS)
    assert (consumed, written) == (len(raw), 1)
    message = tables.read(buffer, 0, len(raw)).message
    assert message is not None
    tables.decode_message(message, 1, commands, 1, _START_NS)
    _warm_reports(tables, commands)


def _warm_reports(tables: Tables, commands: np.ndarray) -> None:
    events, requests = np.zeros(1, EVENT), np.zeros(2, REQUEST)
    events["kind"], events["session"], events["request"] = EventKind.ACCEPTED, 1, 1
    out = np.zeros(REPORT_BYTES_MAX, np.uint8)
    tables.encode(events, 1, commands, requests, out, np.zeros(1, STORE_ROW), _START_NS)
    for event_writable, requests_writable in ((False, True), (True, True), (False, False)):
        # as read back from the event log, as made for a status, as of an earlier day
        events.flags.writeable, requests.flags.writeable = event_writable, requests_writable
        tables.encode_one(1, events, 1, requests, 1, _START_NS)


PARTS: dict[str, Callable[[], None]] = {"engine": _warm_engine, "codec": _warm_codec}


def _warm_gateway() -> None:
    """A member logs on, trades, asks, cancels, and has all of it sent again."""
    with tempfile.TemporaryDirectory(prefix="sitex-warm-") as folder:
        sequencer = _open(folder)
        parts = assemble(sequencer, _CONFIG, _catalogue(), _START_NS)
        line = Line(parts.venue, _CONFIG.fix)
        transport = _Sink()
        line.connection_made(transport)
        for number, (msg_type, fields) in enumerate(_CONVERSATION, 1):
            now_ns = time.time_ns()
            stamped = [(60, format_timestamp(now_ns))] if fields[0][0] == 11 else []
            raw = encode_message(msg_type, (*fields, *stamped), _HEADER, number, now_ns)
            line.get_buffer(-1)[: len(raw)] = raw
            line.buffer_updated(len(raw))
        line.connection_lost(None)
        transport.pair.close()
        sequencer.abandon()
        assert b"\x01150=F\x01" in transport.written, transport.written


class _Sink(asyncio.Transport):
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.pair = socket.socket()

    def get_extra_info(self, name: str, default: object = None) -> object:
        """See asyncio."""
        return self.pair

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """See asyncio."""

    def is_closing(self) -> bool:
        """See asyncio."""
        return False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """See asyncio."""
        self.written += data

    def close(self) -> None:
        """See asyncio."""


_HEADER = Header(b"A", b"SITEX")
_ORDER: tuple[Field, ...] = (
    (11, "1"), (55, _SYMBOL), (54, 1), (38, 5), (40, 2), (44, "2.000"), (7928, 1),
)  # fmt: skip
_CONVERSATION: tuple[tuple[bytes, tuple[Field, ...]], ...] = (
    (b"A", ((98, 0), (108, 30))),
    (b"D", _ORDER),
    (b"D", ((11, "2"), (55, _SYMBOL), (54, 2), (38, 1), (40, 2), (44, "2.000"), (7928, 2))),
    (b"D", ((11, "2"), (55, _SYMBOL), (54, 2), (38, 1), (40, 2), (44, "2.000"))),
    (b"G", ((11, "3"), (41, "1"), (55, _SYMBOL), (54, 1), (38, 4), (40, 2), (44, "1.990"))),
    (b"H", ((11, "3"), (55, _SYMBOL), (54, 1))),
    (b"H", ((11, "2"), (55, _SYMBOL), (54, 2))),
    (b"F", ((11, "4"), (41, "3"), (55, _SYMBOL), (54, 1))),
    (b"q", ((11, "5"), (530, 7))),
    (b"D", ((11, "6"),)),
    (b"2", ((7, 1), (16, 0))),
)


def _catalogue() -> Catalogue:
    return Catalogue(products=load_products().products[1:2])


def _open(folder: str) -> Sequencer:
    return Sequencer.open(
        Path(folder), limits=_LIMITS, sizes=_SIZES, durability="os", now_ns=_START_NS,
        venue_day=to_yyyymmdd(_DAY), threaded=False,
    )  # fmt: skip


def _orders(instrument: int) -> np.ndarray:
    rows = np.zeros(5, COMMAND)
    rows["time_ns"], rows["session"], rows["member"], rows["account"] = _START_NS, 1, 1, 1
    rows["instrument"], rows["price"], rows["qty"] = instrument, 2_000 * _TICK, 2
    rows["ord_type"], rows["time_in_force"] = OrdType.LIMIT, TimeInForce.GTC
    rows["kind"] = [
        CommandKind.NEW_ORDER, CommandKind.NEW_ORDER, CommandKind.REPLACE, CommandKind.CANCEL,
        CommandKind.NEW_ORDER,
    ]  # fmt: skip
    rows["side"] = [Side.BUY, Side.SELL, Side.BUY, Side.BUY, Side.BUY]
    for row, name in zip(rows, (b"1", b"2", b"3", b"4", b"5"), strict=True):
        words = pack_cl_ord_id(name)
        row["cl_ord_id_0"], row["cl_ord_id_1"], row["cl_ord_id_2"] = words
        row["orig_cl_ord_id_0"] = pack_cl_ord_id(b"1")[0]
    return rows


if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
