"""What the operator's page shows: the venue's statistics, the market's phases, the feed's health.

Pure: answers of the operator's socket and a handler of the feed in, a Picture out, once a second.
What is a rate is made here of two answers; the venue counts nothing for it.

Source: specs/market_data.md (F-151, F-152); docs/decisions/0183-operator-page.md.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable

from msgspec import Struct

from feed.books import Book
from feed.handler import FeedState, Handler
from feed.messages import TradingStatus
from feed.packet import decode_header
from feed.phases import CALLS, phase_words, reason_words
from gateway.liveness import SECOND_NS
from gateway.statistics import VenueStatistics

SERIES = ("commands", "events", "journal_bytes", "messages_in", "messages_out", "turn_wait_ms",
          "disk_wait_ms", "sent_p99_us")  # fmt: skip
SYMBOLS_SHOWN = 4  # of a group
SERIES_MAX = 120  # pictures that lines are drawn of: two minutes
SAMPLES_MAX = 2_000  # latencies kept
SAMPLE_NS = 10_000_000  # at most one latency in so long
LATENCY_S = 60  # that a percentile is of
_NANOSECONDS_A_MICROSECOND = 1_000


class Group(Struct, frozen=True):
    """Instruments of one product that are in one phase, most first."""

    product: str
    phase: str
    call: bool  # orders gather for an auction
    halted: bool
    reason: str
    until_ns: int  # venue clock; 0: no end is known
    instruments: int
    symbols: list[str]  # the first few


class Latency(Struct, frozen=True):
    """Percentiles in microseconds over the last minute; nothing while there is no sample."""

    p50_us: float | None
    p99_us: float | None
    samples: int


class FeedHealth(Struct, frozen=True):
    """The feed as this subscriber has it."""

    state: str
    session: int
    sequence: int
    packets: list[int]  # lines A and B
    first: list[int]  # updates that each line brought first
    silent: list[bool]
    duplicates: int
    gaps: int
    snapshots: int
    garbage: int
    inconsistent: int
    starts: int  # of the feed's process
    sent: Latency  # venue took the command to packet sent
    heard: Latency  # venue took the command to packet here


class Picture(Struct, frozen=True):
    """Everything at one moment; `problem`: why the venue does not answer, else empty."""

    time_ns: int
    problem: str
    venue: VenueStatistics | None  # the last one there was
    rates: dict[str, float]  # a second, since the picture before
    series: dict[str, list[float | None]]  # oldest first
    groups: list[Group]
    feed: FeedHealth


class Latencies:
    """What passed between a command's time and the packets that tell of it.

    Only where the venue clock runs as real time does: `offset_ns` is what it is ahead.
    """

    def __init__(self) -> None:
        self.offset_ns: int | None = 0  # None: the venue clock is fast
        self._taken_ns = 0  # command of the newest update, venue clock
        self._sampled_ns = 0
        self._samples: deque[tuple[int, int, int]] = deque(maxlen=SAMPLES_MAX)

    def update(self, time_ns: int) -> None:
        """An update of a command of this venue time; the first of a packet counts."""
        self._taken_ns = self._taken_ns or time_ns

    def packet(self, data: bytes, now_ns: int) -> None:
        """The packet that brought it came now (wall clock)."""
        taken_ns, self._taken_ns = self._taken_ns, 0
        if not taken_ns or self.offset_ns is None or now_ns - self._sampled_ns < SAMPLE_NS:
            return
        taken_ns -= self.offset_ns
        self._sampled_ns = now_ns
        sent_ns = decode_header(data).sending_time_ns
        self._samples.append((now_ns, sent_ns - taken_ns, now_ns - taken_ns))

    def of(self, now_ns: int) -> tuple[Latency, Latency]:
        """Of the sending and of the arrival."""
        recent = [one for one in self._samples if now_ns - one[0] <= LATENCY_S * SECOND_NS]
        return _latency(one[1] for one in recent), _latency(one[2] for one in recent)


def _latency(found: Iterable[int]) -> Latency:
    ordered = sorted(found)
    if not ordered:
        return Latency(None, None, 0)
    p50, p99 = (ordered[len(ordered) * share // 100] for share in (50, 99))
    return Latency(
        round(p50 / _NANOSECONDS_A_MICROSECOND, 1),
        round(p99 / _NANOSECONDS_A_MICROSECOND, 1),
        len(ordered),
    )


class OperatorView:
    """Pictures of one venue, each made from the one before."""

    def __init__(self) -> None:
        self.latencies = Latencies()
        self._before: VenueStatistics | None = None
        self._series: dict[str, deque[float | None]] = {
            name: deque(maxlen=SERIES_MAX) for name in SERIES
        }

    def picture(
        self,
        venue: VenueStatistics | None,
        problem: str,
        handler: Handler,
        state: FeedState,
        now_ns: int,
        monotonic_ns: int,
    ) -> Picture:
        """The next picture; venue: None where nobody answers, and `problem` says why."""
        if venue is not None:
            ahead_ns = venue.venue_time_ns - venue.time_ns
            self.latencies.offset_ns = ahead_ns if venue.clock_speed == 1 else None
        rates = rates_of(self._before, venue)
        sent, heard = self.latencies.of(now_ns)
        values: dict[str, float | None] = {**rates, "sent_p99_us": sent.p99_us}
        if venue is not None:
            values |= {"turn_wait_ms": venue.turn_wait_ms, "disk_wait_ms": venue.disk_wait_ms}
        for name, line in self._series.items():
            line.append(values.get(name))
        self._before = venue or self._before
        counts = handler.counts
        feed = FeedHealth(
            state=state.name.lower(),
            session=handler.session,
            sequence=handler.sequence,
            packets=list(counts.packets),
            first=list(counts.first),
            silent=[handler.line_silent(line, monotonic_ns) for line in (0, 1)],
            duplicates=counts.duplicates,
            gaps=counts.gaps,
            snapshots=counts.snapshots,
            garbage=counts.garbage,
            inconsistent=counts.inconsistent,
            starts=0 if self._before is None else self._before.feed_starts,
            sent=sent,
            heard=heard,
        )
        return Picture(
            now_ns, problem, self._before, rates,
            {name: list(line) for name, line in self._series.items()},
            groups_of(handler.books.by_instrument.values()), feed,
        )  # fmt: skip


def rates_of(before: VenueStatistics | None, venue: VenueStatistics | None) -> dict[str, float]:
    """Commands, events and bytes a second between two answers, messages of all sessions now."""
    if venue is None or before is None or venue.time_ns <= before.time_ns:
        return {}
    seconds = (venue.time_ns - before.time_ns) / SECOND_NS
    rates = {
        name: round((getattr(venue, name) - getattr(before, name)) / seconds, 1)
        for name in ("commands", "events", "journal_bytes")
    }
    if min(rates.values()) < 0:
        return {}  # another venue, or one whose numbers began again
    sessions = venue.sessions
    rates["messages_in"] = round(sum(one.messages_in_per_second for one in sessions), 1)
    rates["messages_out"] = round(sum(one.messages_out_per_second for one in sessions), 1)
    return rates


def groups_of(books: Iterable[Book]) -> list[Group]:
    """Instruments that have not expired, by product and phase; in a product the most first."""
    counted: Counter[tuple[str, int, str, int]] = Counter()
    symbols: dict[tuple[str, int, str, int], list[str]] = {}
    for book in books:
        status, definition = book.status, book.definition
        if definition is None or status is None or status.status == TradingStatus.EXPIRED:
            continue
        reason = reason_words(status) if status.reason else ""
        key = (definition.product_code, status.status, reason, status.scheduled_end_ns)
        counted[key] += 1
        shown = symbols.setdefault(key, [])
        if len(shown) < SYMBOLS_SHOWN:
            shown.append(definition.symbol)
    return [
        Group(
            product, phase_words(status), TradingStatus(status) in CALLS,
            status == TradingStatus.HALTED, reason, until_ns, count,
            symbols[product, status, reason, until_ns],
        )
        for (product, status, reason, until_ns), count in sorted(
            counted.items(), key=lambda one: (one[0][0], -one[1], one[0])
        )
    ]  # fmt: skip
