"""The feed's checkpoint: the same messages go on from it, and a bad one is no checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from feed.checkpoint import (
    FILE_NAME,
    Checkpoint,
    CheckpointError,
    encode_checkpoint,
    read_checkpoint,
    write_checkpoint,
)
from feed.messages import ENCODER
from feed.publish import Publisher
from tests.feed_market import Market, published


def _publish_until(market: Market, event: int) -> Publisher:
    publisher = market.publisher()
    published(publisher, market.events[:event])
    while publisher.in_command:
        published(publisher, market.events[publisher.next_event - 1 :][:1])
    return publisher


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.05, 0.5, 0.9, 1.0])
def test_messages_go_on_the_same(seed: int, share: float, tmp_path: Path) -> None:
    """F-51: restored in the middle, the rest of the list is byte-equal, and so are the books."""
    market = Market(seed, 400)
    whole = market.publisher()
    expected = list(map(ENCODER.encode, published(whole, market.events)))
    before = _publish_until(market, int(len(market.events) * share))
    last = market.events[before.next_event - 2].tobytes()
    write_checkpoint(tmp_path, encode_checkpoint(before, last))
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint is not None and checkpoint.last_event == last
    restored = market.publisher()
    checkpoint.restore(restored)
    assert restored.next_sequence == before.next_sequence and restored.session == before.session
    rest = published(restored, market.events[restored.next_event - 1 :])
    assert list(map(ENCODER.encode, rest)) == expected[len(expected) - len(rest) :]
    assert restored.session == whole.session
    assert restored.next_sequence == whole.next_sequence
    for instrument, book in whole.books.by_instrument.items():
        again = restored.books.by_instrument[instrument]
        assert again.facts() == book.facts()
        for side in (49, 50):
            assert again.orders_array(side).tobytes() == book.orders_array(side).tobytes()


def test_a_torn_or_flipped_checkpoint_is_none(tmp_path: Path) -> None:
    """Every cut and every flipped byte is noticed; the feed then reads the log from its start."""
    market = Market(1, 60)
    publisher = _publish_until(market, 10**6)
    data = encode_checkpoint(publisher, market.events[-1].tobytes())
    for size in range(0, len(data), 37):
        with pytest.raises(CheckpointError):
            Checkpoint(data[:size])
    for at in range(0, len(data), 41):
        with pytest.raises(CheckpointError):
            Checkpoint(data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :])
    assert read_checkpoint(tmp_path) is None
    (tmp_path / FILE_NAME).write_bytes(data[:-1])
    assert read_checkpoint(tmp_path) is None
