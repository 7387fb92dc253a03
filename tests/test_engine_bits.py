"""Bit scans, the hash of ids and the level bitmaps: the Python bodies and the kernels agree."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.bits import hash_id, highest_set, lowest_set, prefetch, prefetch_line
from engine.book import open_book
from engine.kernel import kernel
from engine.layout import ASK_NONE, new_arena
from engine.limits import EngineLimits
from engine.rest import clear_level, level_above, level_below, set_level
from engine.table_rows import LEVEL
from engine.types import EVENT, REQUEST

pytestmark = pytest.mark.kernels
LEVELS = 600_000  # three stages of the bitmap, the last of more than one word


@kernel
def scans(word):
    """Both scans of a word."""
    return lowest_set(word), highest_set(word)


@kernel
def hashed(word_0, word_1, word_2, member, key):
    """The compiled hash."""
    return hash_id(word_0, word_1, word_2, member, key)


@kernel
def hinted(rows):
    """A hint is no access."""
    prefetch(rows[0])
    prefetch_line(rows[1])
    return rows[0]["head"]


@kernel
def mark(arena, requests, events, level, is_set):
    """Set or clear a level."""
    book = open_book(arena, requests, events)
    if is_set:
        set_level(book, level)
    else:
        clear_level(book, level)


@kernel
def around(arena, requests, events, level):
    """The occupied levels next to one."""
    book = open_book(arena, requests, events)
    return level_above(book, level), level_below(book, level)


def test_scans_of_every_bit() -> None:
    for bit in range(64):
        word = np.int64(1) << np.int64(bit)
        assert scans(word) == (bit, bit)
        assert (lowest_set(word), highest_set(word)) == (bit, bit)
    for _ in range(200):
        word = np.int64(random.Random(7).getrandbits(63) - (1 << 62)) | np.int64(1)
        assert scans(word) == (lowest_set(word), highest_set(word))


def test_compiled_hash_is_the_python_hash() -> None:
    dice = random.Random(3)
    for _ in range(200):
        words = np.uint64(dice.getrandbits(64)), np.uint64(dice.getrandbits(64))
        rest = np.uint32(dice.getrandbits(32)), np.uint16(dice.getrandbits(16))
        key = dice.getrandbits(62)
        made = hashed(*words, *rest, key)
        assert made == hash_id(*words, *rest, key)
        assert 0 <= made < 1 << 63


def test_hash_depends_on_every_part() -> None:
    base = (1, 2, 3, 4, 1 << 40)
    made = {hash_id(*base)}
    for part in range(5):
        made.add(hash_id(*(value + (at == part) for at, value in enumerate(base))))
    assert len(made) == 6


def test_prefetch_changes_nothing() -> None:
    rows = np.ones(2, LEVEL)
    assert hinted(rows) == 1
    assert (rows == np.ones(2, LEVEL)).all()


def test_levels_next_to_one() -> None:
    limits = EngineLimits(
        orders_max=4, requests_max=8, instruments_max=1, accounts_max=1, levels_max=LEVELS
    )
    tables = new_arena(limits, 1), np.zeros(8, REQUEST), np.zeros(8, EVENT)
    dice = random.Random(11)
    occupied: set[int] = set()
    for step in range(400):
        wide = dice.random() < 0.5
        level = dice.randrange(LEVELS) if wide else dice.randrange(4_000, 4_300)
        if occupied and dice.random() < 0.4:
            level = dice.choice(sorted(occupied))
        is_set = level not in occupied
        mark(*tables, level, is_set)
        occupied ^= {level}
        asked = dice.choice((level, dice.randrange(LEVELS), 0, LEVELS - 1)) if step else 0
        above = min((one for one in occupied if one > asked), default=ASK_NONE)
        below = max((one for one in occupied if one < asked), default=-1)
        assert around(*tables, asked) == (above, below)
