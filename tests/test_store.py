"""The session store: what is journaled comes back, whatever was lost behind it.

Source: specs/order_entry.md O-6; design: session store.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest

from engine.types import EVENT, EventKind
from gateway.message import Header, encode_again, encode_message
from gateway.sent_rows import ROWS_FIRST
from gateway.store import (
    SessionStore,
    StoreDamagedError,
)
from gateway.types import SESSION_ROW, STORE_ROW, StoreKind, pack_blob, pack_reference
from tests.session_rig import Stream

HEADER = Header(b"SITEX", b"ALPHA")


class Venue:
    """A store over a stream in memory; encode_event tells what it was asked."""

    def __init__(self, stream: Stream | None = None) -> None:
        self.stream = stream or Stream()
        self.event_log: dict[int, int] = {}  # number -> session reported to
        self.sessions = np.zeros(5, SESSION_ROW)
        self.sessions["expected_in"] = self.sessions["next_out"] = 1
        self.store = SessionStore(
            self.sessions,
            lambda *asked: repr(asked).encode(),
            encode_again,
            self.stream.read,
        )

    def restart(
        self,
        taken: tuple[tuple[int, int], ...] = (),
        records: int | None = None,
        events: int | None = None,
    ) -> Venue:
        """The venue after a crash that kept the first `records` payloads (None: all)."""
        kept = Stream()
        kept.data = self.stream.data
        kept.records = self.stream.records[:records]
        after = Venue(kept)
        through = self.event_count if events is None else events
        after.event_log = self.event_log
        after.store.recover(kept.records, taken, self.read_events, through)
        return after

    def read_events(self, first: int, last: int) -> Iterator[tuple[int, np.ndarray]]:
        """EVENT rows in pieces of three."""
        while first <= last:
            count = min(3, last + 1 - first)
            rows = np.zeros(count, EVENT)
            for index in range(count):
                session = self.event_log.get(first + index, 0)
                rows[index]["session"], rows[index]["time_ns"] = session, 77
                rows[index]["kind"] = EventKind.ACCEPTED
            yield first, rows
            first += count

    def number(self, session: int) -> int:
        """Takes the next outgoing number."""
        number = int(self.sessions[session]["next_out"])
        self.sessions[session]["next_out"] = number + 1
        return number

    def admin(self, session: int = 1) -> int:
        """An administrative message."""
        number = self.number(session)
        self.store.log(session).admin(number, 1000 + number)
        return number

    def keep(self, text: str, session: int = 1) -> int:
        """A message kept verbatim."""
        number = self.number(session)
        raw = encode_message(b"j", ((58, text),), HEADER, number, 5 * 10**9)
        self.store.log(session).blob(number, raw, 5 * 10**9)
        return number

    def events(self, first_event: int, count: int, session: int = 1, follow: bool = False) -> None:
        """Reports of events, as encode_reports leaves them."""
        rows = np.zeros(count, STORE_ROW)
        for index in range(count):
            rows[index] = (pack_reference(StoreKind.EVENT, first_event + index), 77)
        first = int(self.sessions[session]["next_out"])
        self.sessions[session]["next_out"] += count
        self.event_log |= {first_event + index: session for index in range(count)}
        self.store.log(session).reports(first, rows, np.zeros(0, np.uint8), follow)

    @property
    def event_count(self) -> int:
        """Number of the last event."""
        return max(self.event_log, default=0)

    def save(self, events_through: int = 0) -> bool:
        """The end of a turn."""
        return self.store.save(self.stream.append, events_through)

    def kinds(self, session: int = 1) -> str:
        """One letter a number: e event, b kept, a administrative."""
        log = self.store.log(session)
        rows = log.rows(log.first, log.next)
        letters = {StoreKind.EVENT: "e", StoreKind.BLOB: "b", StoreKind.ADMIN: "a"}
        return "".join(letters[StoreKind(int(word) >> 56)] for word in rows["reference"])


def test_rows_come_back_after_a_crash_and_unused_numbers_are_skipped() -> None:
    venue = Venue()
    venue.admin()
    venue.events(500, 2)
    venue.keep("refused")
    venue.save(501)
    after = venue.restart()
    assert after.kinds() == "aeeb"
    assert after.sessions[1]["next_out"] == 5
    assert after.store.events_through == 501
    again = after.store.log(1).encode_again(4, 9 * 10**9)
    assert b"\x0134=4\x01" in again and b"58=refused" in again and b"43=Y" in again
    asked = after.store.log(1).encode_again(2, 9 * 10**9)
    assert asked == repr((1, 2, 500, 77, 9 * 10**9)).encode()


def test_resendable_numbers_skip_administrative_runs() -> None:
    venue = Venue()
    for _ in range(ROWS_FIRST * 5):
        venue.admin()
    kept = venue.keep("far")
    log = venue.store.log(1)
    assert log.next_resendable(1, kept) == kept
    assert log.next_resendable(1, kept - 1) == kept
    assert log.next_resendable(kept + 1, kept + 9) == kept + 10
    assert log.encode_again(kept, 1).count(b"58=far") == 1


def test_turns_of_reports_alone_need_no_payload_and_come_back_from_the_events() -> None:
    venue = Venue()
    venue.admin()
    assert venue.save(0)
    venue.events(1, 5, follow=True)
    venue.events(6, 2, session=2, follow=True)
    assert not venue.save(7)
    venue.events(8, 3, follow=True)
    venue.sessions[1]["expected_in"] = 9
    assert not venue.save(10)
    venue.keep("refused", session=2)
    assert venue.save(10)
    venue.events(11, 4, follow=True)
    assert not venue.save(14)
    after = venue.restart()
    assert after.kinds(1) == "a" + "e" * 12 and after.kinds(2) == "eeb"
    assert after.sessions[1]["next_out"] == 14 and after.sessions[1]["expected_in"] == 9
    asked = after.store.log(1).encode_again(7, 5)
    assert asked == repr((1, 7, 8, 77, 5)).encode()
    assert after.store.events_through == 14
    assert after.restart().kinds(1) == venue.kinds(1)


@pytest.mark.parametrize("sent_after", [0, 1, 40])
def test_no_number_is_used_twice_over_a_crash(sent_after: int) -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.save(3)
    used = set()
    for _ in range(sent_after):
        used.add(venue.admin())
        assert venue.save(3), "an administrative message is journaled before it is sent"
    after = venue.restart()
    first = after.admin()
    assert first not in used and first == max(used, default=3) + 1


def test_a_lost_payload_leaves_events_without_rows_and_the_expected_number_right() -> None:
    venue = Venue()
    venue.sessions[1]["expected_in"] = 7
    venue.events(1, 3)
    venue.save(3)
    venue.sessions[1]["expected_in"] = 12
    venue.events(4, 5)
    venue.save(8)
    after = venue.restart(taken=((1, 9), (1, 11), (2, 4)), records=1, events=3)
    assert after.store.events_through == 3
    assert after.sessions[1]["expected_in"] == 12
    assert after.sessions[2]["expected_in"] == 5
    assert after.sessions[1]["next_out"] == 4


def test_reset_is_kept() -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.save(3)
    venue.sessions[1]["expected_in"] = venue.sessions[1]["next_out"] = 1
    venue.store.log(1).reset()
    venue.admin()
    venue.events(4, 1)
    assert venue.store.urgent
    venue.save(4)
    after = venue.restart()
    assert after.kinds() == "ae"
    assert after.sessions[1]["expected_in"] == 1


def test_snapshot_takes_the_place_of_all_before_it_and_skips_nothing() -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.keep("one")
    venue.store.connected(1, True)
    venue.sessions[1]["expected_in"] = 40
    venue.save(3)
    venue.store.connected(1, False)
    venue.save(3)
    snapshot = venue.store.snapshot()
    after = Venue(venue.stream)
    after.store.recover([(999, snapshot)], (), venue.read_events, 3)
    assert after.kinds() == "eeeb" and after.sessions[1]["next_out"] == 5
    assert after.sessions[1]["expected_in"] == 40 and after.store.events_through == 3
    assert b"58=one" in after.store.log(1).encode_again(4, 1)
    assert not after.store.log(1).connected
    number = after.admin()
    assert number == 5 and after.store.urgent


def test_a_venue_goes_on_behind_its_snapshot_without_using_a_number_twice() -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.save(3)
    venue.admin()
    venue.save(3)
    snapshot = venue.store.snapshot()
    position = len(venue.stream.data)
    venue.admin()
    assert venue.store.urgent
    venue.events(4, 2)
    venue.save(5)
    records = [(position, snapshot), venue.stream.records[-1]]
    after = Venue(venue.stream)
    after.store.recover(records, (), venue.read_events, 5)
    assert after.kinds() == "eeeaaee"
    only = Venue(venue.stream)
    only.store.recover(records[:1], (), venue.read_events, 3)
    assert only.kinds() == "eeea" and only.sessions[1]["next_out"] == 5
    older = venue.restart()
    assert older.kinds() == "eeeaaee"


def test_connected_survives_a_crash() -> None:
    venue = Venue()
    venue.admin()
    venue.store.connected(1, True)
    venue.save()
    assert venue.restart().store.log(1).connected
    assert not venue.restart().store.log(2).connected


def test_reports_answered_from_the_message_are_copied_out_of_the_encoder() -> None:
    venue = Venue()
    raw = encode_message(b"8", ((58, "duplicate"),), HEADER, 1, 10**9)
    out = np.zeros(4096, np.uint8)
    out[100 : 100 + len(raw)] = np.frombuffer(raw, np.uint8)
    rows = np.zeros(1, STORE_ROW)
    rows[0] = (pack_reference(StoreKind.BLOB_PENDING, pack_blob(100, len(raw))), 10**9)
    venue.number(1)
    venue.store.log(1).reports(1, rows, out, follow=False)
    out[:] = 0
    assert b"58=duplicate" in venue.store.log(1).encode_again(1, 2 * 10**9)
    venue.save(1)
    assert b"58=duplicate" in venue.store.log(1).encode_again(1, 2 * 10**9)
    assert b"58=duplicate" in venue.restart().store.log(1).encode_again(1, 2 * 10**9)


def test_rows_are_bounded_and_older_numbers_are_gap_filled(monkeypatch) -> None:
    monkeypatch.setattr("gateway.sent_rows.ROWS_MAX", 4 * ROWS_FIRST)
    venue = Venue()
    for turn in range(40):
        venue.events(1 + turn * 300, 300)
        venue.save(turn * 300 + 300)
    log = venue.store.log(1)
    assert log.next == 12_001 and log.first > 7_000
    assert len(log.rows(log.first, log.next)) <= 4 * ROWS_FIRST
    assert log.next_resendable(1, 12_000) == log.first
    asked = log.encode_again(12_000, 5)
    assert asked == repr((1, 12_000, 12_000, 77, 5)).encode()
    after = venue.restart()
    assert after.store.log(1).next == 12_001


def test_nothing_changed_writes_nothing() -> None:
    venue = Venue()
    assert not venue.save()
    venue.admin()
    assert venue.save() and not venue.save()
    venue.store.log(1).changed(urgent=False)
    assert not venue.save(), "a number received goes with the next payload"
    venue.events(1, 1)
    assert venue.save(1)
    assert venue.restart().kinds() == "ae"


@pytest.mark.parametrize("cut", [3, 20, 40, 60])
def test_damaged_payload_is_named(cut: int) -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.save(3)
    position, payload = venue.stream.records[0]
    with pytest.raises(StoreDamagedError, match=str(position)):
        Venue().store.recover([(position, payload[:cut])], (), venue.read_events, 3)
    with pytest.raises(StoreDamagedError, match="kind"):
        Venue().store.recover([(position, b"\0" * len(payload))], (), venue.read_events, 3)


@pytest.mark.parametrize("seed", range(12))
def test_any_history_survives_a_crash_at_any_payload(seed: int) -> None:
    chance = random.Random(seed)
    venue = Venue()
    known: list[tuple[str, str, int, int]] = []
    event = 1
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            session = chance.choice([1, 2])
            happens = chance.randrange(10)
            if happens < 4:
                venue.events(event, 3, session, follow=happens < 3)
                event += 3
            elif happens < 6:
                venue.keep(f"k{event}", session)
            elif happens < 9:
                venue.admin(session)
            else:
                venue.sessions[session]["expected_in"] = venue.sessions[session]["next_out"] = 1
                venue.store.log(session).reset()
        venue.save(event - 1)
        known.append((venue.kinds(1), venue.kinds(2), event - 1, len(venue.stream.records)))
    for one, two, through, records in known:
        after = venue.restart(records=records, events=through)
        assert (after.kinds(1), after.kinds(2)) == (one, two)
        assert after.store.events_through == through
