"""The session store: what is journaled comes back, whatever was lost behind it.

Source: specs/order_entry.md O-6; design: session store.
"""

from __future__ import annotations

import random

import numpy as np
import pytest

from gateway.message import Header, encode_again, encode_message
from gateway.store import (
    RESERVE,
    ROWS_FIRST,
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
        self.sessions = np.zeros(5, SESSION_ROW)
        self.sessions["expected_in"] = self.sessions["next_out"] = 1
        self.store = SessionStore(
            self.sessions,
            lambda *asked: repr(asked).encode(),
            encode_again,
            self.stream.read,
        )

    def restart(self, taken: tuple[tuple[int, int], ...] = (), records: int | None = None) -> Venue:
        """The venue after a crash that kept the first `records` payloads (None: all)."""
        kept = Stream()
        kept.data = self.stream.data
        kept.records = self.stream.records[:records]
        after = Venue(kept)
        after.store.recover(kept.records, taken)
        return after

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

    def events(self, first_event: int, count: int, session: int = 1) -> None:
        """Reports of events, as encode_reports leaves them."""
        rows = np.zeros(count, STORE_ROW)
        for index in range(count):
            rows[index] = (pack_reference(StoreKind.EVENT, first_event + index), 77)
        first = int(self.sessions[session]["next_out"])
        self.sessions[session]["next_out"] += count
        self.store.log(session).reports(first, rows, np.zeros(0, np.uint8))

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
    assert after.kinds() == "aeeb" + "a" * RESERVE
    assert after.sessions[1]["next_out"] == 5 + RESERVE
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


def test_administrative_numbers_need_no_payload_until_the_reserve_is_used_up() -> None:
    venue = Venue()
    venue.admin()
    assert venue.store.urgent
    venue.save()
    for _ in range(RESERVE):
        venue.admin()
    assert not venue.store.urgent
    venue.admin()
    assert venue.store.urgent


@pytest.mark.parametrize("sent_after", [0, 1, RESERVE])
def test_no_number_is_used_twice_over_a_crash(sent_after: int) -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.save(3)
    used = {venue.admin() for _ in range(sent_after)}
    after = venue.restart()
    first = after.admin()
    assert first not in used and first > max(used, default=3)
    after.save(3)
    again = after.restart()
    assert again.sessions[1]["next_out"] > first
    assert set(again.kinds()[3:]) == {"a"}


def test_a_lost_payload_leaves_events_without_rows_and_the_expected_number_right() -> None:
    venue = Venue()
    venue.sessions[1]["expected_in"] = 7
    venue.events(1, 3)
    venue.save(3)
    venue.sessions[1]["expected_in"] = 12
    venue.events(4, 5)
    venue.save(8)
    after = venue.restart(taken=((1, 9), (1, 11), (2, 4)), records=1)
    assert after.store.events_through == 3
    assert after.sessions[1]["expected_in"] == 12
    assert after.sessions[2]["expected_in"] == 5
    assert after.sessions[1]["next_out"] == 4 + RESERVE


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
    assert after.kinds() == "ae" + "a" * RESERVE
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
    after.store.recover([(999, snapshot)], ())
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
    venue.admin()  # covered by the reserve, in no payload
    snapshot = venue.store.snapshot()
    position = len(venue.stream.data)
    venue.admin()
    assert venue.store.urgent
    venue.events(4, 2)
    venue.save(5)
    records = [(position, snapshot), venue.stream.records[-1]]
    after = Venue(venue.stream)
    after.store.recover(records, ())
    assert after.kinds() == "eeeaaee" + "a" * RESERVE
    only = Venue(venue.stream)
    only.store.recover(records[:1], ())
    assert only.kinds() == "eeea" and only.sessions[1]["next_out"] == 5
    older = venue.restart()
    assert older.kinds() == "eeeaaee" + "a" * RESERVE


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
    venue.store.log(1).reports(1, rows, out)
    out[:] = 0
    assert b"58=duplicate" in venue.store.log(1).encode_again(1, 2 * 10**9)
    venue.save(1)
    assert b"58=duplicate" in venue.store.log(1).encode_again(1, 2 * 10**9)
    assert b"58=duplicate" in venue.restart().store.log(1).encode_again(1, 2 * 10**9)


def test_rows_are_bounded_and_older_numbers_are_gap_filled(monkeypatch) -> None:
    monkeypatch.setattr("gateway.store.ROWS_MAX", 4 * ROWS_FIRST)
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
    assert after.store.log(1).next == 12_001 + RESERVE


def test_nothing_changed_writes_nothing() -> None:
    venue = Venue()
    assert not venue.save()
    venue.admin()
    assert venue.save() and not venue.save()
    venue.admin()
    venue.store.log(1).changed(urgent=False)
    assert not venue.save(), "the reserve covers it"
    venue.events(1, 1)
    assert venue.save(1)
    assert venue.restart().kinds().startswith("aae")


@pytest.mark.parametrize("cut", [3, 20, 40, 60])
def test_damaged_payload_is_named(cut: int) -> None:
    venue = Venue()
    venue.events(1, 3)
    venue.save(3)
    position, payload = venue.stream.records[0]
    with pytest.raises(StoreDamagedError, match=str(position)):
        Venue().store.recover([(position, payload[:cut])], ())
    with pytest.raises(StoreDamagedError, match="kind"):
        Venue().store.recover([(position, b"\0" * len(payload))], ())


@pytest.mark.parametrize("seed", range(12))
def test_any_history_survives_a_crash_at_any_payload(seed: int) -> None:
    chance = random.Random(seed)
    venue = Venue()
    known: list[tuple[str, str, int]] = [("", "", 0)]
    event = 1
    for _ in range(60):
        for _ in range(chance.randrange(4)):
            session = chance.choice([1, 2])
            happens = chance.randrange(10)
            if happens < 4:
                venue.events(event, 3, session)
                event += 3
            elif happens < 6:
                venue.keep(f"k{event}", session)
            elif happens < 9:
                venue.admin(session)
            else:
                venue.sessions[session]["expected_in"] = venue.sessions[session]["next_out"] = 1
                venue.store.log(session).reset()
        if venue.save(event - 1):
            known.append((venue.kinds(1), venue.kinds(2), event - 1))
    for records, (one, two, through) in enumerate(known):
        after = venue.restart(records=records)
        assert after.kinds(1).startswith(one) and after.kinds(2).startswith(two)
        assert set(after.kinds(1)[len(one) :] + after.kinds(2)[len(two) :]) <= {"a"}
        assert after.store.events_through == through
