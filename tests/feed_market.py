"""A market for the feed's tests: random commands, their events by the naive exchange, its books."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np

from engine.definitions import DefinitionsWriter
from engine.reference import INSTRUMENT, PRODUCT
from engine.types import EVENT
from feed.books import Books
from feed.messages import ENCODER, MarketMessage, TradingStatus
from feed.packet import PacketKind, encode_packet, fill_packets
from feed.publish import Publisher
from tests import naive_words as w
from tests.build import (
    ALPHA,
    ALPHA_2,
    BRAVO,
    CHARLIE,
    DAY_2,
    DAY_3,
    Who,
    cancel,
    command,
    mass_cancel,
    new,
    number,
    pack,
    replace,
    roll_day,
    roll_product,
    session_lost,
    usual_venue,
)
from tests.naive import NaiveExchange
from tests.naive_state import Bounds

PEOPLE = (ALPHA, ALPHA_2, BRAVO, CHARLIE)
INSTRUMENTS = (1, 2, 3)
BOUNDS = Bounds(
    products=7,
    instruments=15,
    members=15,
    accounts=15,
    sessions=31,
    requests=60_000,
    orders=2_000,
    trades=1_024,
)
SMP = (0, w.SMP_RESTING, w.SMP_AGGRESSING, w.SMP_BOTH, w.SMP_DECREMENT)


class TableDefinitions:
    """Products and instruments from the definition commands themselves."""

    def __init__(self, commands: list[dict]) -> None:
        self._rows: dict[tuple[int, int], np.void] = {}
        for one in commands:
            if one["kind"] == w.DEFINE_PRODUCT:
                row = np.frombuffer(one["blob"], PRODUCT)[0]
                self._rows[1, int(row["product"])] = row
            elif one["kind"] == w.DEFINE_INSTRUMENT:
                row = np.frombuffer(one["blob"], INSTRUMENT)[0]
                self._rows[2, int(row["instrument"])] = row

    def product(self, product: int) -> np.void:
        """PRODUCT row."""
        return self._rows[1, product]

    def instrument(self, instrument: int) -> np.void:
        """INSTRUMENT row."""
        return self._rows[2, instrument]


class Market:
    """Commands and events of one random market, and the naive exchange after them."""

    def __init__(self, seed: int, count: int, venue: list[dict] | None = None) -> None:
        """venue: other commands than usual_venue()."""
        begins = usual_venue() if venue is None else venue
        self.commands = number(begins + random_commands(random.Random(seed), count))
        self.exchange = NaiveExchange(BOUNDS)
        self.events = self._apply(self.commands)
        self.definitions = TableDefinitions(self.commands)

    def _apply(self, commands: list[dict]) -> np.ndarray:
        rows = [
            tuple(event[name] for name in EVENT.names)
            for one in commands
            for event in self.exchange.apply(one)
        ]
        return np.array(rows, EVENT)

    def publisher(self) -> Publisher:
        """A publisher that has seen nothing."""
        return Publisher(self.definitions)

    @property
    def early(self) -> tuple[int, int]:
        """Session and number of the third message."""
        return int(self.events[0]["time_ns"]), 3

    @property
    def last(self) -> tuple[int, int]:
        """Session and number of the last message."""
        publisher = self.publisher()
        published(publisher, self.events)
        return publisher.session, publisher.next_sequence - 1

    def messages(self) -> list[MarketMessage]:
        """All messages of the market."""
        return published(self.publisher(), self.events)

    def packets(self, messages_a_packet: int | None = None) -> list[bytes]:
        """All packets of the market, full ones or of so many messages."""
        return [
            packet
            for session, first, messages in self.publisher().publish_in_sessions(self.events)
            for packet in packets_of(
                list(map(ENCODER.encode, messages)), session, messages_a_packet, first
            )
        ]

    def write_definitions(self, data_dir: Path) -> None:
        """The definitions file, as the sequencer writes it."""
        rows, blobs = pack(self.commands)
        with DefinitionsWriter(data_dir, len(rows)) as writer:
            writer.add_commands(rows, blobs, 1)


def published(publisher: Publisher, rows: np.ndarray) -> list[MarketMessage]:
    """All messages of event rows, whatever sessions they are of."""
    parts = publisher.publish_in_sessions(rows)
    return [message for _, _, messages in parts for message in messages]


def packets_of(
    encoded: list[bytes], session: int, messages_a_packet: int | None = None, first: int = 1
) -> list[bytes]:
    """Packets of encoded messages, the first of which is number `first`."""
    if messages_a_packet is None:
        cuts = list(fill_packets(encoded))
    else:
        cuts = [
            (start, min(start + messages_a_packet, len(encoded)))
            for start in range(0, len(encoded), messages_a_packet)
        ]
    return [
        encode_packet(PacketKind.MESSAGES, session, first + start, 0, encoded[start:stop])
        for start, stop in cuts
    ]


def naive_orders(exchange: NaiveExchange, instrument: int, side: int) -> list[tuple[int, int, int]]:
    """(public_id, price, lots shown) of one side as the public may see it, in priority."""
    contra = w.SELL if side == w.BUY else w.BUY
    return [
        (order.public_id, order.price, order.shown)
        for order in exchange.instruments[instrument].in_priority(contra)
    ]


def naive_levels(exchange: NaiveExchange, instrument: int, side: int) -> list[tuple[int, int, int]]:
    """(price, lots shown, orders) of one side, best first."""
    levels: dict[int, list[int]] = {}
    for _, price, shown in naive_orders(exchange, instrument, side):
        level = levels.setdefault(price, [0, 0])
        level[0] += shown
        level[1] += 1
    return [(price, qty, orders) for price, (qty, orders) in levels.items()]


def assert_books_equal(
    books: Books, exchange: NaiveExchange, instruments: tuple[int, ...] = INSTRUMENTS
) -> None:
    """Every book, by order and by level, as the exchange has it."""
    for instrument in instruments:
        book = books.by_instrument[instrument]
        for side in (w.BUY, w.SELL):
            orders = book.orders_array(side)[["public_id", "price", "qty"]].tolist()
            assert orders == naive_orders(exchange, instrument, side)
            levels = book.levels(side).array().tolist()
            assert levels == naive_levels(exchange, instrument, side)
        truth = exchange.instruments[instrument]
        assert book.open_interest == truth.open_interest  # F-161
        if truth.expired:
            assert book.status.status == TradingStatus.EXPIRED
            continue  # the statistics stay those of its last date
        assert (book.statistics.volume, book.statistics.value) == (truth.volume, truth.value)
        assert book.statistics.trading_date == truth.trading_date
        assert (book.limits.reference, book.limits.low, book.limits.high) == (
            truth.reference,
            truth.low,
            truth.high,
        )


def random_commands(rng: random.Random, count: int) -> list[dict]:
    """So many commands of every kind, mostly orders around one price."""
    made: list[dict] = []
    names: dict[int, list[tuple[str, int]]] = {1: [], 2: [], 3: []}  # by member
    rolls = [
        roll_product(1, DAY_2),
        roll_product(2, DAY_2),
        roll_day(DAY_2),
        roll_product(1, DAY_3),
    ]
    for index in range(count):
        who = rng.choice(PEOPLE)
        draw = rng.random()
        if draw < 0.55:
            made.append(_random_order(rng, who, f"N{index}"))
            names[who.member].append((f"N{index}", made[-1]["instrument"]))
        elif draw < 0.75 and names[who.member]:
            orig, instrument = rng.choice(names[who.member][-30:])
            made.append(cancel(who, f"C{index}", orig, instrument=instrument))
        elif draw < 0.95 and names[who.member]:
            made.append(_random_replace(rng, who, index, names[who.member]))
        elif draw < 0.97:
            scope = rng.choice((w.SCOPE_INSTRUMENT, w.SCOPE_PRODUCT, w.SCOPE_MEMBER))
            made.append(mass_cancel(who, f"M{index}", scope, instrument=1, product=1))
        elif draw < 0.975:
            made.append(session_lost(who))
        elif draw < 0.985:
            made += [command(w.HALT, reason=7), command(w.RESUME)]
        elif draw < 0.99 and rolls:
            made.append(rolls.pop(0))
    return made


def _random_order(rng: random.Random, who: Who, name: str) -> dict:
    instrument = rng.choice((1, 1, 1, 2, 3))
    side = rng.choice((w.BUY, w.SELL))
    qty = rng.randint(1, 30)
    ticks = 100 + (rng.randint(-6, 2) if side == w.BUY else rng.randint(-2, 6))
    if instrument == 3:
        return new(
            who, name, side, qty, ticks, instrument=3, position_effect=w.OPEN,
            time_in_force=rng.choice((w.DAY, w.DAY, w.IOC)),
        )  # fmt: skip
    more: dict = {"self_match": rng.choice(SMP), "time_in_force": rng.choice((w.DAY, w.GTC, w.IOC))}
    if rng.random() < 0.3 and more["time_in_force"] != w.IOC:
        more["display_qty"] = max(qty // 5, 1)
    elif rng.random() < 0.1:
        more |= {"ord_type": w.MARKET, "time_in_force": w.DAY, "price": 0}
    return new(who, name, side, qty, ticks, instrument=instrument, **more)


def _random_replace(rng: random.Random, who: Who, index: int, names: list[tuple[str, int]]) -> dict:
    orig, instrument = rng.choice(names[-30:])
    name = f"R{index}"
    names.append((name, instrument))
    return replace(
        who,
        name,
        orig,
        rng.randint(1, 30),
        rng.randint(96, 104),
        instrument=instrument,
        display_qty=rng.choice((0, 0, 3)),
    )
