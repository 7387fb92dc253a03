"""Row wire.mass_quote: mass quotes of 100 instruments, both sides, over one FIX session.

Method: pre-encoded MassQuotes, each of the same 100 instruments, whose prices lie a tick or more
beside those of the message before, so that both sides of every instrument are replaced. So many
messages are outstanding at a time; the clock runs from the first byte to the last acknowledgement.
A quote is one side, a bid or an ask. Behind it the journal is replayed: its events must say that
every side came in, and that none was refused.
"""

from __future__ import annotations

import time

import numpy as np

from engine.event_reader import EventReader
from engine.replay import replay
from engine.types import PRICE_SCALE, EventFlag, EventKind
from perf.client import Connection, Orders, encode_message, run_window, stamp_now
from perf.rows import Row
from perf.venue import Venue
from specs.products import Contract, load_products
from specs.venue import DayConfig

_MESSAGES, _INSTRUMENTS, _WINDOW = 5_000, 100, 16
_STEPS = 8  # prices that a side goes through
_COUNT_ROWS = 65_536


def mass_quotes(scale: float = 1.0) -> list[Row]:
    """wire.mass_quote: sides of quotes a second."""
    count = max(int(_MESSAGES * scale), 50)
    contracts = quoted_contracts()
    with Venue("os") as venue:
        connection = Connection("ALPHA", venue.fix_port)
        messages = encode_quotes("ALPHA", contracts, count, first_seq=2)
        connection.logon()
        cpu = venue.cpu_seconds()
        result = run_window([connection], [messages], _WINDOW)
        sides = 2 * len(contracts) * count
        each_us = (venue.cpu_seconds() - cpu) / sides * 1e6
        connection.logout(count + 2)
        venue.stop()
        came, refused = count_quotes(venue)
    if (came, refused) != (sides, 0):
        raise RuntimeError(f"journal says {came} sides, {refused} refused, client {sides}")
    size = int(messages.offsets[-1]) // count
    method = (
        f"{count:,} messages of {len(contracts)} instruments, both sides replaced, {size:,} bytes "
        f"each, {_WINDOW} outstanding, os, feed on; a quote is a side; client CPU "
        f"{result.client_cpu_share:.0%} of a core, venue {each_us:.2f} us CPU a quote (all "
        f"processes)"
    )
    return [Row("wire.mass_quote", sides / result.seconds, "quotes/s", method=method)]


def quoted_contracts() -> list[Contract]:
    """The first 100 contracts of the default venue's day that outlive a run."""
    day = DayConfig().venue_day().at(time.time_ns())
    living = [
        one
        for one in load_products().contracts(day)
        if one.last_trading_date > day and not one.product.implied_prices  # M-248
    ]
    return living[:_INSTRUMENTS]


def encode_quotes(comp_id: str, contracts: list[Contract], count: int, first_seq: int) -> Orders:
    """MassQuotes of these contracts: both prices move away from the reference and back."""
    stamp, sender = stamp_now(), comp_id.encode()
    bodies = [_entries(contracts, step) for step in (*range(_STEPS), *range(_STEPS - 2, 0, -1))]
    parts = [
        encode_message(b"i", sender, first_seq + i, stamp,
                       b"117=%b%d\x01%b" % (sender, i, bodies[i % len(bodies)]))
        for i in range(count)
    ]  # fmt: skip
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum([len(part) for part in parts], out=offsets[1:])
    return Orders(np.frombuffer(b"".join(parts), np.uint8), offsets)


def _entries(contracts: list[Contract], step: int) -> bytes:
    entries = []
    for number, contract in enumerate(contracts, 1):
        product = contract.product
        away = (step + 2) * product.tick_units
        entries.append(
            f"299={number}\x0155={contract.symbol}\x01132={_price(product.reference_units - away)}"
            f"\x01133={_price(product.reference_units + away)}\x01134=5\x01135=5\x01"
        )
    return f"296=1\x01302=1\x01295={len(entries)}\x01{''.join(entries)}".encode()


def _price(units: int) -> str:
    whole, rest = divmod(units, PRICE_SCALE)
    return f"{whole}.{rest:09}".rstrip("0").rstrip(".")


def count_quotes(venue: Venue) -> tuple[int, int]:
    """Sides that came in or were replaced, and quotes refused, of a venue that has stopped."""
    events = replay(venue.directory, from_start=True).events
    came = refused = 0
    reader = EventReader(venue.directory)
    for first in range(1, events + 1, _COUNT_ROWS):
        for rows in reader.rows(first, min(_COUNT_ROWS, events + 1 - first)):
            kinds = rows["kind"]
            entered = (kinds == EventKind.ACCEPTED) | (kinds == EventKind.REPLACED)
            came += int((entered & (rows["flags"] & EventFlag.QUOTE != 0)).sum())
            refused += int((kinds == EventKind.QUOTE_REJECTED).sum())
    return came, refused
