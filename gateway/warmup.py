"""Compiles every kernel once, so that the venue never compiles while it trades.

Drives a tiny exchange in a temporary directory through the same calls as the venue. Machine code is
kept in the cache folder of engine/kernel.py; a marker there says that this was done for these
sources, and later starts return at once.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np

from engine.files import FileSizes
from engine.kernel import cache_dir
from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from engine.types import COMMAND, CommandKind, OrdType, Side, TimeInForce, pack_cl_ord_id
from gateway.arena import Bounds
from gateway.definitions import Known, missing
from gateway.message import Field, Header, encode_message
from gateway.tables import Tables
from gateway.types import READ_SLACK_BYTES
from gateway.values import format_timestamp
from specs.calendar import to_yyyymmdd
from specs.products import Catalogue, load_products
from specs.venue import Account, Member, VenueConfig

MARKER = "warm"
_DAY, _NEXT_DAY = date(2026, 11, 20), date(2026, 11, 23)
_START_NS = 1_795_000_000_000_000_000
_PRICE = 2_000_000_000
_LIMITS = EngineLimits(
    orders_max=64, requests_max=256, instruments_max=63, products_max=7, members_max=7,
    accounts_max=7, sessions_max=7, levels_max=65_536,
)  # fmt: skip
_SIZES = FileSizes(
    journal_bytes=1 << 20, journal_reserve_bytes=1 << 18, event_rows=1 << 12,
    event_reserve_rows=1 << 10, request_chunk_rows=256, request_resident_rows=256,
)  # fmt: skip


def warm_up(say: Callable[[str], None]) -> None:
    """Compiles what is not compiled yet, telling `say` of each part; returns at once if all is."""
    marker = cache_dir("gateway") / MARKER
    if os.environ.get("NUMBA_DISABLE_JIT", "0") != "0" or marker.exists():
        return
    steps = (("matching engine", _warm_engine), ("FIX decoder and encoder", _warm_codec))
    started_s = time.monotonic()
    for number, (name, step) in enumerate(steps, 1):
        say(f"compiling, on the first start only ({number} of {len(steps)}): {name} ...")
        step()
    say(f"compiled in {time.monotonic() - started_s:.0f} s")
    try:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    except OSError as error:
        say(f"compiled code cannot be kept in {marker.parent}: {error}")


def _warm_engine() -> None:
    """Definitions, orders, rolls, snapshot, and a replay of them all."""
    with tempfile.TemporaryDirectory(prefix="sitex-warm-") as folder:
        known = Known()
        config = VenueConfig(members=(Member(name="A", accounts=(Account(name="A"),)),))
        catalogue = Catalogue(products=load_products().products[1:2])
        sequencer = _open(folder)
        sequencer.submit(*missing(known, catalogue, config, _DAY, _START_NS))
        instrument = int(known.instruments["SITB2612"]["instrument"])
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


def _open(folder: str) -> Sequencer:
    return Sequencer.open(
        Path(folder), limits=_LIMITS, sizes=_SIZES, durability="os", now_ns=_START_NS,
        venue_day=to_yyyymmdd(_DAY), threaded=False,
    )  # fmt: skip


def _orders(instrument: int) -> np.ndarray:
    rows = np.zeros(5, COMMAND)
    rows["time_ns"], rows["session"], rows["member"], rows["account"] = _START_NS, 1, 1, 1
    rows["instrument"], rows["price"], rows["qty"] = instrument, _PRICE, 2
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


def _warm_codec() -> None:
    """One order in, decoded both ways."""
    tables = Tables(Bounds(8, 8, 8, 8))
    tables.define_product(1, b"SITB")
    tables.define_instrument(1, b"SITB2612", 1)
    tables.define_account(1, b"A", 1)
    tables.define_session(1, 1, b"A", b"SITEX", 1)
    tables.sessions[1]["active"] = 1
    fields: tuple[Field, ...] = (
        (11, "1"), (55, "SITB2612"), (54, "1"), (60, format_timestamp(_START_NS)), (38, 1),
        (40, "2"), (44, "2.000"),
    )  # fmt: skip
    raw = encode_message(b"D", fields, Header(b"A", b"SITEX"), 1, _START_NS)
    buffer = np.zeros(len(raw) + READ_SLACK_BYTES, np.uint8)
    buffer[: len(raw)] = np.frombuffer(raw, np.uint8)
    commands = np.zeros(4, COMMAND)
    consumed, written, _ = tables.decode(buffer, 0, len(raw), 1, commands, 0, _START_NS)
    assert (consumed, written) == (len(raw), 1)
    message = tables.read(buffer, 0, len(raw)).message
    assert message is not None
    tables.decode_message(message, 1, commands, 1, _START_NS)
