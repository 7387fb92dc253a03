"""A venue day's end on the feed: another session, and readers that follow it (F-34)."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.types import EventKind
from feed.handler import Handler, Update
from feed.messages import DayRolled
from feed.packet import decode_datagram, decode_messages
from feed.position import ALL_SENT, Position
from tests.feed_market import Market, assert_books_equal, published
from tests.feed_venue import MS, Venue, answer, settle

S = 1_000 * MS


@pytest.fixture(params=[3, 4])
def venue(request: pytest.FixtureRequest) -> Venue:
    """A venue whose market goes over a day's end, joined by nobody yet."""
    market = Market(request.param, 500)
    rolls = (market.events["kind"] == EventKind.DAY_ROLLED).nonzero()[0]
    assert len(rolls) and 100 < rolls[0] < len(market.events) - 100
    return Venue(market)


def joined(venue: Venue) -> Handler:
    """A subscriber that has the first events."""
    handler = Handler()
    venue.publish(50)
    while venue.publisher.in_command:
        venue.publish(1)
    answer(venue, handler, 0)
    assert handler.live
    return handler


def ends_day(packet: bytes) -> bool:
    """Whether it holds DayRolled."""
    messages = decode_messages(packet, decode_datagram(packet))
    return any(isinstance(message, DayRolled) for message in messages)


def test_numbers_begin_again_and_the_books_go_on(venue: Venue) -> None:
    """Line A brings everything, line B brings it again later, the old session's packets too."""
    handler = joined(venue)
    first, packets, updates = handler.session, [], list[Update]()
    while not venue.done:
        for packet in venue.publish(7):
            packets.append(packet)
            updates += handler.receive(0, packet, MS)
    numbers = [update.sequence + 1 - len(update.messages) for update in updates]
    assert numbers.count(1) == 1 and handler.session > first
    assert [handler.receive(1, packet, 2 * MS) for packet in packets] == [[]] * len(packets)
    assert handler.live and handler.poll(2 * MS) is None
    assert (handler.counts.snapshots, handler.counts.other_session) == (1, 0)
    assert (handler.session, handler.sequence) == venue.market.last
    assert_books_equal(handler.books, venue.market.exchange)


def test_who_missed_the_end_takes_a_picture_of_the_next_day(venue: Venue) -> None:
    """On no line; the packets behind it are of another session."""
    handler = joined(venue)
    while not venue.done:
        for packet in venue.publish(7, 1):
            if not ends_day(packet):
                handler.receive(0, packet, S)
    settle(venue, handler, S)
    assert handler.counts.snapshots == 2
    assert_books_equal(handler.books, venue.market.exchange)


def test_an_end_that_nobody_heard_is_told_by_the_recovery_service(venue: Venue) -> None:
    """Lines that are dead from then on: the replay that is asked for is of another session."""
    handler, is_dead = joined(venue), False
    while not venue.done:
        for packet in venue.publish(7, 1):
            is_dead |= ends_day(packet)
            if not is_dead:
                handler.receive(0, packet, S)
    for second in range(10, 30, 4):
        answer(venue, handler, second * S)
    assert (handler.session, handler.sequence) == venue.market.last
    assert_books_equal(handler.books, venue.market.exchange)


def test_a_day_that_begins_holds_nothing_of_the_old_one(venue: Venue) -> None:
    """F-42: right behind the roll no number can be replayed, so no old packet is taken for new."""
    roll = int((venue.market.events["kind"] == EventKind.DAY_ROLLED).nonzero()[0][0])
    venue.publish(roll + 1)
    assert (venue.publisher.next_sequence, venue.history.next_sequence) == (1, 1)
    assert venue.history.first_available == 1


def test_sessions_that_are_over_are_not_sent_again(tmp_path: Path) -> None:
    """F-51: a feed that reads the log from its start is silent up to where it was."""
    position = Position(tmp_path)
    position.move(100, 7)
    position.move(100, 5)
    assert position.next_sequence(100) == 7
    position.move(200, 2)
    position.move(100, 9)
    assert (position.next_sequence(100), position.next_sequence(200)) == (ALL_SENT, 2)
    assert position.next_sequence(300) == 1
    position.move(200, 3)
    assert position.next_sequence(200) == 3
    position.close()


def test_rows_cut_anywhere_give_the_same_sessions(venue: Venue) -> None:
    """F-11, over a day's end."""
    market = venue.market
    one = market.publisher()
    for at in range(len(market.events)):
        published(one, market.events[at : at + 1])
    assert (one.session, one.next_sequence - 1) == market.last
