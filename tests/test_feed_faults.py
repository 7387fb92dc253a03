"""The subscriber under every fault: its books are the venue's, or it says that they are not.

A virtual clock in steps of a millisecond. Packets of both lines are lost, doubled and delayed (so
also reordered), a line dies, the recovery service dies for good or for a while, the reader stalls
while the system's buffer overflows. Whenever the handler says SYNCHRONIZED its books are compared
with books that got every message up to the same number, and that number may not lie further back
than the silence a handler bears.
"""

from __future__ import annotations

import os
import random
from collections import deque
from dataclasses import dataclass
from functools import cache

import pytest

from feed.books import Books
from feed.handler import FeedState, Handler, HandlerLimits, Update
from feed.messages import MarketMessage
from feed.packet import decode_header
from tests import naive_words as w
from tests.feed_market import Market, assert_books_equal
from tests.feed_venue import MS, Venue

LIMITS = HandlerLimits(
    silence_ns=300 * MS, stale_ns=200 * MS, request_timeout_ns=100 * MS, retry_ns=20 * MS
)
LOSSES = (0.0, 0.05, 0.1, 0.2, 0.3)
SEEDS = 12  # of each fault and loss
MIXTURES = int(os.environ.get("SITEX_FAULT_SEEDS", "24"))
LATE_MS = 60  # a packet's delay, and losses in a row before the lines fall silent
END_MS = 1_500  # quiet after the last message


@dataclass
class Faults:
    """What goes wrong; times in ms."""

    loss: float = 0.0
    dead_line: bool = False  # line B never says anything
    both_dead_from: int = 10**9
    recovery_dead: tuple[int, int] = (10**9, 10**9)
    stalled: tuple[int, int] = (10**9, 10**9)
    buffer_packets: int = 40  # of the reader's socket


@cache
def market() -> Market:
    """One market for all runs."""
    return Market(21, 350)


@cache
def messages() -> list[MarketMessage]:
    """Its messages, of which number n is at n - 1."""
    return market().messages()


class Reference:
    """Books that got every message up to a number."""

    def __init__(self) -> None:
        self.books = Books()
        self._next = 1

    def check(self, handler: Handler) -> None:
        """The handler's books are these after the same message."""
        while self._next <= handler.sequence:
            self.books.apply(messages()[self._next - 1])
            self._next += 1
        assert self._next == handler.sequence + 1
        assert self.books.by_instrument.keys() == handler.books.by_instrument.keys()
        for instrument, book in self.books.by_instrument.items():
            own = handler.books.by_instrument[instrument]
            for side in (w.BUY, w.SELL):
                assert own.orders_array(side).tobytes() == book.orders_array(side).tobytes()
                assert own.levels(side).array().tobytes() == book.levels(side).array().tobytes()
            assert own.statistics == book.statistics and own.status == book.status


class Run:
    """One handler, one venue and what lies between them, from one seed."""

    def __init__(self, seed: int, faults: Faults) -> None:
        self.rng = random.Random(seed)
        self.faults = faults
        self.venue = Venue(market(), replay_max=300)
        self.states: list[FeedState] = []
        self.updates: list[Update] = []
        self.handler = Handler(LIMITS, self.updates.append, self.states.append)
        self.reference = Reference()
        self.checked = 0  # comparisons made while SYNCHRONIZED
        self._flight: list[tuple[int, int, bytes]] = []  # due ms, line, packet
        self._buffer: deque[tuple[int, bytes]] = deque()
        self._answer: deque[bytes] = deque()  # parts of an answer under way
        self._published: list[tuple[int, int]] = []  # ms, next number

    def run(self) -> FeedState:
        """All of the market and the quiet after it; the state in the end."""
        quiet_from = 0
        now_ms = 0
        while not quiet_from or now_ms < quiet_from + END_MS:
            self._publish(now_ms)
            self._deliver(now_ms)
            self._recover(now_ms)
            self._check(now_ms)
            if self.venue.done and not quiet_from:
                quiet_from = now_ms
            now_ms += 1
        return self.handler.state(now_ms * MS)

    def _publish(self, now_ms: int) -> None:
        packets = []
        if not self.venue.done and self.rng.random() < 0.3:
            packets = self.venue.publish(self.rng.randint(1, 12), self.rng.choice((None, 2)))
        elif now_ms % 50 == 0 and self.venue.publisher.session:
            packets = [self.venue.heartbeat()]
        self._published.append((now_ms, self.venue.publisher.next_sequence))
        for line in (0, 1):
            if (line and self.faults.dead_line) or now_ms >= self.faults.both_dead_from:
                continue
            for packet in packets:
                for _ in range(self.rng.choice((1, 1, 1, 2))):
                    if self.rng.random() >= self.faults.loss:
                        delay = self.rng.choice((0, 0, 0, 1, 2, 9))
                        self._flight.append((now_ms + delay, line, packet))

    def _deliver(self, now_ms: int) -> None:
        due = [one for one in self._flight if one[0] <= now_ms]
        self._flight = [one for one in self._flight if one[0] > now_ms]
        for _, line, packet in due:
            if len(self._buffer) < self.faults.buffer_packets:
                self._buffer.append((line, packet))
        if not self._stalled(now_ms):
            while self._buffer:
                self.handler.receive(*self._buffer.popleft(), now_ms * MS)

    def _recover(self, now_ms: int) -> None:
        if self._stalled(now_ms):
            return
        begin, end = self.faults.recovery_dead
        dead = begin <= now_ms < end
        if dead and self._answer:
            self._answer.clear()
            self.handler.recovery_lost(now_ms * MS)
        for _ in range(min(len(self._answer), 3)):
            self.handler.receive_recovery(self._answer.popleft(), now_ms * MS)
        request = self.handler.poll(now_ms * MS)
        if request is None:
            return
        if dead:
            self.handler.recovery_lost(now_ms * MS)
            return
        stream = b"".join(self.venue.recovery.answer(request, 0))
        while stream:
            length = decode_header(stream).length
            self._answer.append(stream[:length])
            stream = stream[length:]

    def _check(self, now_ms: int) -> None:
        if self._stalled(now_ms):
            return
        if self.handler.state(now_ms * MS) == FeedState.SYNCHRONIZED:
            old_ms = now_ms - LIMITS.silence_ns // MS - LATE_MS
            if self._stalled(old_ms) or self._stalled((now_ms + old_ms) // 2):
                return  # packets from before the stall are still read
            floor = self._published[old_ms][1] if old_ms >= 0 else 0
            assert self.handler.next_sequence >= floor
            if now_ms % 20 == 0 or (self.venue.done and now_ms % 5 == 0):
                self.reference.check(self.handler)
                self.checked += 1

    def _stalled(self, now_ms: int) -> bool:
        begin, end = self.faults.stalled
        return begin <= now_ms < end


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("dead_line", [False, True])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_loss_duplication_and_reorder(seed: int, loss: float, dead_line: bool) -> None:
    """F-130: with a recovery service the books are whole in the end and nothing is STALE then."""
    run = Run(seed, Faults(loss, dead_line))
    assert run.run() == FeedState.SYNCHRONIZED
    assert run.checked > 10
    assert_books_equal(run.handler.books, market().exchange)
    assert run.handler.line_silent(1, len(run._published) * MS) == dead_line
    assert run.states[-1] == FeedState.SYNCHRONIZED


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_recovery_service_that_dies(seed: int, loss: float) -> None:
    """F-130: dead for a while: whole in the end. Dead for good: whole, or STALE in the end."""
    begin = 20 * seed
    run = Run(100 + seed, Faults(loss, True, recovery_dead=(begin, begin + 900)))
    assert run.run() == FeedState.SYNCHRONIZED
    assert_books_equal(run.handler.books, market().exchange)
    run = Run(200 + seed, Faults(loss, seed % 2 == 0, recovery_dead=(begin, 10**9)))
    state = run.run()
    assert state in (FeedState.SYNCHRONIZED, FeedState.STALE)
    if state == FeedState.SYNCHRONIZED:
        assert_books_equal(run.handler.books, market().exchange)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_reader_that_stalls(seed: int, loss: float) -> None:
    """It reads nothing for a time while its buffer overflows, and is whole again afterwards."""
    begin = 40 + 10 * seed
    run = Run(300 + seed, Faults(loss, stalled=(begin, begin + 400), buffer_packets=20))
    assert run.run() == FeedState.SYNCHRONIZED
    assert_books_equal(run.handler.books, market().exchange)


@pytest.mark.parametrize("seed", range(MIXTURES))
def test_any_mixture_of_faults(seed: int) -> None:
    """All of them at once, from one seed: whole in the end, or STALE; more by SITEX_FAULT_SEEDS."""
    chance = random.Random(1_000 + seed)

    def window() -> tuple[int, int]:
        begin = chance.randrange(600) if chance.random() < 0.6 else 10**9
        return begin, begin + chance.randint(50, 900)

    faults = Faults(
        chance.uniform(0, 0.3), chance.random() < 0.4, 10**9, window(), window(),
        chance.choice((5, 40, 400)),
    )  # fmt: skip
    run = Run(2_000 + seed, faults)
    state = run.run()
    assert state in (FeedState.SYNCHRONIZED, FeedState.STALE), faults
    recovers = faults.recovery_dead[1] < 900 or faults.recovery_dead[0] == 10**9
    if recovers and faults.stalled[1] < 900:
        assert state == FeedState.SYNCHRONIZED, faults
    if state == FeedState.SYNCHRONIZED:
        assert_books_equal(run.handler.books, market().exchange)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_lines_that_both_die(seed: int) -> None:
    """F-130: nothing is heard, so the books are STALE, whatever the recovery service answers."""
    run = Run(400 + seed, Faults(0.1, both_dead_from=100))
    assert run.run() == FeedState.STALE
    assert run.states[-1] == FeedState.STALE
    assert run.handler.line_silent(0, len(run._published) * MS)


def test_states_in_their_order() -> None:
    """F-130: nothing yet, a snapshot, whole; a gap, asked for, whole; a gap that stays, STALE."""
    venue, states = Venue(market()), []
    handler = Handler(LIMITS, on_state=states.append)
    venue.publish(60)
    assert handler.state(0) == FeedState.STALE and not states
    _answer_all(venue, handler, 0)
    assert states == [FeedState.RECOVERING, FeedState.SYNCHRONIZED]
    packets = venue.publish(200, 1)
    for packet in packets[3:]:
        handler.receive(0, packet, 10 * MS)
    assert states[2:] == [FeedState.GAP] == [handler.state(14 * MS)]
    _answer_all(venue, handler, 16 * MS)
    assert states[3:] == [FeedState.RECOVERING, FeedState.SYNCHRONIZED]
    handler.receive(0, venue.publish(40, 1)[-1], 20 * MS)
    handler.poll(30 * MS)
    handler.recovery_lost(31 * MS)
    assert handler.state(100 * MS) == FeedState.GAP
    handler.poll(221 * MS)
    handler.recovery_lost(221 * MS)
    assert states[-1] == FeedState.STALE == handler.state(221 * MS)
    _answer_all(venue, handler, 250 * MS)
    assert states[-1] == FeedState.SYNCHRONIZED


def test_a_callback_sees_the_books_of_its_update_and_a_wrong_one_costs_a_snapshot() -> None:
    """on_update: the best price is the update's own; what it raises reaches the caller."""
    venue, seen = Venue(market()), []

    def look(update: Update) -> None:
        seen.append((update.sequence, handler.books.by_instrument[1].best))
        if update.sequence == bad:
            raise ValueError("mine")

    bad = 0
    handler = Handler(LIMITS, on_update=look)
    venue.publish(60)
    _answer_all(venue, handler, 0)
    for packet in venue.publish(300):
        handler.receive(0, packet, MS)
    reference = Books()
    at = 0
    for sequence, best in seen:
        while at < sequence:
            reference.apply(messages()[at])
            at += 1
        assert best == reference.by_instrument[1].best
    assert len(seen) > 50
    bad = handler.next_sequence
    rest = venue.publish(10**6)
    with pytest.raises(ValueError, match="mine"):
        for packet in rest:
            handler.receive(0, packet, 2 * MS)
            bad = max(bad, handler.next_sequence)
    assert handler.state(2 * MS) == FeedState.STALE
    bad = 0
    _answer_all(venue, handler, 3 * MS)
    assert handler.live
    assert_books_equal(handler.books, market().exchange)


def _answer_all(venue: Venue, handler: Handler, now_ns: int) -> None:
    """Asks and answers until nothing more is asked."""
    while (request := handler.poll(now_ns)) is not None:
        stream = b"".join(venue.recovery.answer(request, 0))
        while stream:
            length = decode_header(stream).length
            handler.receive_recovery(stream[:length], now_ns)
            stream = stream[length:]
