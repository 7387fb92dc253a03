"""Market data over FIX: the book that a member keeps from W and X is the engine's."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.limits import EngineLimits
from gateway import book_levels, venue
from gateway.assembly import Assembly
from gateway.market_data import ENTRIES_MAX, KINDS, REFRESH_ENTRIES_MAX, WATCHED_MAX
from gateway.market_tape import TRADES_MAX
from gateway.message import Field
from gateway.values import format_price, format_timestamp
from tests.member_rig import FROM_NS, OPENS_NS, Member, Second, opened, trading
from tests.test_schedule import MINUTE, pass_time

pytestmark = pytest.mark.kernels
SYMBOL, OTHER = "SITB2701", "SITB2702"
SHANGHAI = "SITS2701"
BOOK = (b"0", b"1")
Book = dict[tuple[str, str], tuple[str, str]]  # (type, price) -> (lots, orders)


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    yield from opened(tmp_path, FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    yield from trading(parts)


@pytest.fixture
def other(parts: Assembly, member: Member) -> Iterator[Member]:
    with socket.socket() as peer:
        yield Second(parts, peer)


class Watcher:
    """What a member without multicast keeps of one request."""

    def __init__(self, member: Member, name: str = "m") -> None:
        self.member, self.name = member, name
        self.books: dict[str, Book] = {}
        self.trades: list[tuple[str, str, str]] = []
        self.messages: list[str] = []
        self.turns = 0  # that it took to tell what is owed
        self.now_ns = 10**18

    def ask(
        self, how: str, depth: int, kinds: tuple[bytes, ...], symbols: tuple[str, ...], *more: Field
    ) -> None:
        fields: list[Field] = [(262, self.name), (263, how), (264, depth), *more]
        fields += [(267, len(kinds)), *((269, kind) for kind in kinds)]
        fields += [(146, len(symbols)), *((55, symbol) for symbol in symbols)]
        self.member.send(self.member.encode(b"V", fields))
        self._hear_all()

    @property
    def session(self) -> int:
        party = self.member.line.session.party
        assert party is not None
        return party.session

    def update(self) -> None:
        """The time of an update has come."""
        self.now_ns += 10**9
        self.member.parts.venue.tell_market(self.now_ns)
        self._hear_all()

    def levels(self, symbol: str) -> Book:
        """Bids and offers alone."""
        return {key: value for key, value in self.books[symbol].items() if key[0] in "01"}

    def _hear_all(self) -> None:
        while self.member.parts.reporter.inquiries.owes(self.session):
            self.turns += 1
            self.member.parts.venue.on_deadline(self.member.line)
        self.listen()

    def listen(self) -> None:
        raw = bytes(self.member.said)
        self.member.said.clear()
        for one in raw.split(b"8=FIX.4.4\x01")[1:]:
            fields = [part.decode().split("=", 1) for part in one.split(b"\x01")[:-1]]
            kind = next(value for tag, value in fields if tag == "35")
            self.messages.append(kind)
            if kind == "W":
                self._refresh(fields)
            elif kind == "X":
                self._change(fields)

    def _refresh(self, fields: list[list[str]]) -> None:
        symbol = next(value for tag, value in fields if tag == "55")
        book = self.books[symbol] = {}
        groups = _groups(fields, "269")
        assert len(groups) <= REFRESH_ENTRIES_MAX
        for entry in groups:
            if entry["269"] == "2":
                self.trades.append((entry.get("278", ""), entry["270"], entry.get("271", "")))
            else:
                price = entry.get("270", "") if entry["269"] in "01" else ""
                assert (entry["269"], price) not in book
                book[entry["269"], price] = (
                    entry.get("271", entry.get("270", "")), entry.get("346", ""),
                )  # fmt: skip

    def _change(self, fields: list[list[str]]) -> None:
        groups = _groups(fields, "279")
        assert 0 < len(groups) <= ENTRIES_MAX
        for entry in groups:
            book = self.books[entry["55"]]
            if entry["269"] == "2":
                self.trades.append((entry["278"], entry["270"], entry["271"]))
                continue
            key = (entry["269"], entry.get("270", "") if entry["269"] in "01" else "")
            assert (key in book) == (entry["279"] != "0"), "new exactly where it was not there"
            if entry["279"] == "2":
                del book[key]
            else:
                value = (entry.get("271", entry.get("270", "")), entry.get("346", ""))
                assert book.get(key) != value, "only what has changed"
                book[key] = value


def _groups(fields: list[list[str]], first: str) -> list[dict[str, str]]:
    start = next(index for index, (tag, _) in enumerate(fields) if tag == "268") + 1
    groups: list[dict[str, str]] = []
    for tag, value in fields[start:]:
        if tag == first:
            groups.append({})
        if groups and tag != "10":
            groups[-1][tag] = value
    return groups


def number_of(parts: Assembly, symbol: str) -> int:
    return int(parts.registry.known.instruments[symbol]["instrument"])


def engine_book(parts: Assembly, symbol: str, depth: int) -> Book:
    """The engine's own view, in the form of Watcher.books."""
    book: Book = {}
    sides = parts.sequencer.engine.book(number_of(parts, symbol))
    for kind, side in zip("01", sides, strict=True):
        shown = side[side["qty"] > 0]
        for price, qty, orders in shown[:depth].tolist():
            book[kind, format_price(price)] = (str(qty), str(orders))
    return book


def enter(member: Member, name: str, side: str, price: str, qty: int, *more: Field) -> None:
    order: list[Field] = [(11, name), (55, SYMBOL), (54, side), (60, format_timestamp(FROM_NS))]
    fields = [*order, (38, qty), (40, "2"), (44, price), (59, "0"), (77, "O"), *more]
    member.send(member.encode(b"D", fields))


class Flow:
    """Seeded orders and cancels of two members, in one instrument."""

    def __init__(self, members: list[Member], seed: int) -> None:
        self.members, self.dice = members, random.Random(seed)
        self.live: list[tuple[Member, str, str]] = []
        self.count = 0

    def step(self) -> None:
        dice, self.count = self.dice, self.count + 1
        name = f"o{self.count}"
        if self.live and dice.random() < 0.3:
            member, orig, side = self.live.pop(dice.randrange(len(self.live)))
            cancel: list[Field] = [(11, name), (41, orig), (55, SYMBOL), (54, side)]
            member.send(member.encode(b"F", [*cancel, (60, format_timestamp(FROM_NS))]))
            return
        member, side = dice.choice(self.members), dice.choice("12")
        ticks = dice.randrange(-60, 12) if side == "1" else dice.randrange(-12, 60)
        qty = dice.randrange(1, 30)
        more: list[Field] = [(111, max(1, qty // 2))] if dice.random() < 0.3 else []
        enter(member, name, side, format_price((2_000 + ticks) * 10**6), qty, *more)
        self.live.append((member, name, side))


# -- books


@pytest.mark.parametrize("incremental", ["0", "1"])
@pytest.mark.parametrize(("depth", "levels"), [(0, 999), (1, 1), (5, 5), (10**17, 999)])
def test_o140_o142_the_book_kept_is_the_engines(
    parts: Assembly, member: Member, other: Member, depth: int, levels: int, incremental: str
):
    flow = Flow([member, other], 7 * levels + int(incremental))
    for _ in range(60):
        flow.step()
    member.said.clear()
    watcher = Watcher(member)
    watcher.ask("1", depth, BOOK, (SYMBOL, OTHER), (265, incremental))
    assert watcher.messages == ["W", "W"] and watcher.books[OTHER] == {}
    assert watcher.books[SYMBOL] == engine_book(parts, SYMBOL, levels) != {}
    for _ in range(60):
        for _ in range(flow.dice.randrange(12)):
            flow.step()
        watcher.update()
        assert watcher.books[SYMBOL] == engine_book(parts, SYMBOL, levels)
    assert set(watcher.messages) - {"8", "9"} == {"W", "X"} if incremental == "1" else {"W"}


def test_o141_icebergs_show_their_slice_alone(parts: Assembly, member: Member):
    enter(member, "a", "1", "1.99", 50, (111, 5))
    enter(member, "b", "1", "1.99", 7)
    watcher = Watcher(member)
    watcher.ask("0", 0, BOOK, (SYMBOL,))
    assert watcher.books[SYMBOL] == {("0", "1.99"): ("12", "2")}


def test_o141_a_call_that_hides_its_orders_shows_none(tmp_path: Path, parts: Assembly):
    with socket.socket() as peer:
        alpha = Member(parts, peer)  # before the opening call's end
        pass_time(parts, OPENS_NS)
        watcher = Watcher(alpha)
        watcher.ask("1", 0, BOOK, (SHANGHAI, SYMBOL), (265, "1"))
        order: list[Field] = [(11, "a"), (55, SHANGHAI), (54, "1"), (60, format_timestamp(FROM_NS))]
        row = parts.sequencer.engine.tables().instruments[number_of(parts, SHANGHAI)]
        price = format_price(int(row["reference"]))
        alpha.send(
            alpha.encode(b"D", [*order, (38, 3), (40, "2"), (44, price), (59, "0"), (77, "O")])
        )
        levels = parts.sequencer.engine.book(number_of(parts, SHANGHAI))[0]
        assert len(levels) == 1 and levels["qty"].sum() == 0, "there, and hidden"
        watcher.update()
        assert watcher.books[SHANGHAI] == {}
        pass_time(parts, OPENS_NS + 6 * MINUTE)
        watcher.update()
        assert watcher.books[SHANGHAI] == {("0", price): ("3", "1")}


def test_shown_levels_is_the_engines_book(parts: Assembly, member: Member, other: Member):
    import numpy as np

    flow = Flow([member, other], 3)
    engine, number = parts.sequencer.engine, number_of(parts, SYMBOL)
    for _ in range(300):
        flow.step()
        for room in (1, 4):
            rows = np.full((2 * room, 3), -1, np.int64)
            bids, asks = book_levels.shown_levels(engine, number, rows)
            for side, first, count in zip(
                engine.book(number), (0, room), (bids, asks), strict=True
            ):
                wanted = side[side["qty"] > 0][:room]
                assert rows[first : first + count].tolist() == [
                    list(one) for one in wanted.tolist()
                ]


# -- trades and statistics


def test_o141_o142_trades_are_told_each_with_their_numbers(member: Member, other: Member):
    watcher = Watcher(member)
    watcher.ask("1", 1, (b"2", b"4", b"7", b"8", b"B", b"6"), (SYMBOL,), (265, "1"))
    assert watcher.trades == [] and set(watcher.books[SYMBOL]) == {("6", ""), ("B", "")}
    assert watcher.books[SYMBOL]["B", ""][0] == "0"
    for number, price in enumerate(("1.99", "2.01", "2")):
        enter(other, f"s{number}", "2", price, 3)
        enter(member, f"b{number}", "1", price, 3)
    watcher.update()
    assert [one[1:] for one in watcher.trades] == [("1.99", "3"), ("2.01", "3"), ("2", "3")]
    assert len({one[0] for one in watcher.trades}) == 3
    book = watcher.books[SYMBOL]
    assert (book["7", ""][0], book["8", ""][0], book["B", ""][0]) == ("2.01", "1.99", "9")
    assert book["4", ""][0] == "1.99", "the first trade, once and for all"
    fresh = Watcher(member, "again")
    fresh.ask("0", 1, (b"2",), (SYMBOL,))
    assert fresh.trades == [("", "2", "")]


def test_o142_of_many_trades_the_last_are_told_and_the_volume_tells_the_rest(
    member: Member, other: Member
):
    watcher = Watcher(member)
    watcher.ask("1", 1, (b"2", b"B"), (SYMBOL,), (265, "1"))
    for number in range(TRADES_MAX + 5):
        enter(other, f"s{number}", "2", "2", 1)
        enter(member, f"b{number}", "1", "2", 1)
        member.parts.reporter.inquiries.market_data.due(0)  # each time it is looked at
    watcher.update()
    numbers = [int(one[0]) for one in watcher.trades]
    assert len(numbers) == TRADES_MAX and numbers == sorted(numbers)
    assert watcher.books[SYMBOL]["B", ""][0] == str(TRADES_MAX + 5)
    watcher.update()
    assert len(watcher.trades) == TRADES_MAX, "each once"


def test_o141_the_volume_counts_blocks(member: Member, other: Member):
    watcher = Watcher(member)
    watcher.ask("1", 1, (b"B",), (SYMBOL,), (265, "1"))
    for line, side, contra in ((other, "2", "ALPHA"), (member, "1", "BRAVO")):
        fields: list[Field] = [(571, "block"), (828, 1), (820, "L"), (55, SYMBOL), (32, 1_000)]
        fields += [(31, "2"), (60, format_timestamp(FROM_NS)), (552, 1), (54, side), (453, 1)]
        line.send(line.encode(b"AE", [*fields, (448, contra), (447, "D"), (452, 17)]))
    watcher.update()
    assert watcher.books[SYMBOL] == {("B", ""): ("1000", "")}


# -- updates


def test_o142_a_slow_reader_has_fewer_updates(
    parts: Assembly, member: Member, other: Member, monkeypatch: pytest.MonkeyPatch
):
    watcher = Watcher(member)
    watcher.ask("1", 0, BOOK, (SYMBOL,), (265, "1"))
    unread = [venue.UNREAD_BYTES_MAX + 1]
    monkeypatch.setattr(member.sink, "get_write_buffer_size", lambda: unread[0])
    for number in range(20):
        enter(other, f"a{number}", "1", "1.9", 1)
        watcher.update()
    assert watcher.books[SYMBOL] == {} and "X" not in watcher.messages
    unread[0] = 0
    watcher.update()
    assert watcher.messages.count("X") == 1
    assert watcher.books[SYMBOL] == {("0", "1.9"): ("20", "20")}


def test_o142_updates_keep_their_interval_and_come_only_where_something_changed(
    parts: Assembly, member: Member, other: Member
):
    watcher = Watcher(member)
    watcher.ask("1", 0, BOOK, (SYMBOL,), (265, "1"))
    interval_ns = 100 * 10**6
    enter(other, "a", "1", "1.9", 1)
    watcher.update()
    enter(other, "b", "1", "1.9", 1)
    parts.venue.tell_market(watcher.now_ns + interval_ns - 1)
    watcher.listen()
    assert watcher.messages == ["W", "X"]
    parts.venue.tell_market(watcher.now_ns + interval_ns)
    watcher.listen()
    assert watcher.messages == ["W", "X", "X"]
    watcher.update()
    assert watcher.messages == ["W", "X", "X"]


def test_o140_subscriptions_end_by_request_and_with_the_connection(
    parts: Assembly, member: Member, other: Member
):
    data = parts.reporter.inquiries.market_data
    one, two = Watcher(member, "one"), Watcher(member, "two")
    one.ask("1", 0, BOOK, (SYMBOL,), (265, "1"))
    two.ask("1", 0, BOOK, (SYMBOL,), (265, "1"))
    one.ask("2", 0, BOOK, (SYMBOL,))
    enter(other, "a", "1", "1.9", 1)
    two.update()
    assert two.messages == ["W", "X"]
    enter(other, "b", "1", "1.9", 1)
    assert data.due(2 * 10**18) == [two.session]
    session = two.session
    member.line.connection_lost(None)
    assert data.due(3 * 10**18) == [] and not parts.reporter.inquiries.owes(session)


# -- refusals, resends


def refused(member: Member, *fields: Field) -> dict[int, str]:
    (said,) = member.ask(b"V", *fields)
    assert said[35] == "Y" and said[58]
    return said


def request(
    how: str = "1", depth: Field = (264, 1), kind: str = "0", symbol: str = SYMBOL, *more: Field
) -> list[Field]:
    base: list[Field] = [(262, "x"), (263, how), depth, *more]
    return [*base, (267, 1), (269, kind), (146, 1), (55, symbol)]


def test_o143_what_is_not_taken(parts: Assembly, member: Member):
    update: Field = (265, "1")
    assert refused(member, *request("1", (264, 1), "0", "NOSUCH", update))[281] == "0"
    assert refused(member, *request("1", (264, -1), "0", SYMBOL, update))[281] == "5"
    assert refused(member, *request())[281] == "6"
    assert refused(member, *request("1", (264, 1), "0", SYMBOL, update, (266, "N")))[281] == "7"
    for kind in "359A":
        assert refused(member, *request("1", (264, 1), kind, SYMBOL, update))[281] == "8"
    assert b"5" not in KINDS
    assert 281 not in refused(member, *request("2"))
    watcher = Watcher(member, "x")
    watcher.ask("1", 1, BOOK, (SYMBOL,), update)
    assert watcher.messages == ["W"]
    assert refused(member, *request("1", (264, 1), "0", SYMBOL, update))[281] == "1"
    assert parts.reporter.inquiries.market_data.due(0) == []
    (said,) = member.ask(b"V", *[(tag, "x" * 65 if tag == 262 else v) for tag, v in request("0")])
    assert (said[35], said[372], said[380]) == ("j", "V", "0")


def test_o143_a_session_watches_a_bounded_number(parts: Assembly, member: Member):
    names = sorted(parts.registry.known.instruments)
    watcher, count = Watcher(member), 0
    while count + len(names) <= WATCHED_MAX:
        watcher.name = f"m{count}"
        watcher.ask("1", 1, BOOK, tuple(names), (265, "1"))
        count += len(names)
        assert watcher.messages.count("W") == count
    watcher.name = "more"
    watcher.ask("1", 1, BOOK, tuple(names), (265, "1"))
    assert watcher.messages[-1] == "Y"
    some = tuple(names[: WATCHED_MAX - count])
    watcher.name = "rest"
    watcher.ask("1", 1, BOOK, some, (265, "1"))
    assert watcher.messages[-1] == "W"
    assert EngineLimits().instruments_max >= len(names)


def test_o144_what_was_told_is_not_told_again(parts: Assembly, member: Member, other: Member):
    watcher = Watcher(member)
    watcher.ask("1", 0, BOOK, (SYMBOL,), (265, "1"))
    first = member.line.session.party.next_out - 1
    enter(other, "a", "1", "1.9", 1)
    watcher.update()
    enter(member, "mine", "1", "1.8", 1)
    watcher.update()
    assert watcher.messages == ["W", "X", "8", "X"]
    again = member.ask(b"2", (7, first), (16, 0))
    assert [(one[35], one[34], one.get(36)) for one in again] == [
        ("4", str(first), str(first + 2)),
        ("8", str(first + 2), None),
        ("4", str(first + 3), str(first + 4)),
    ]
