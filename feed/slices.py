"""Where the slices of all books lie: 20 bytes a slice, found by public id.

A dict of tuples took 300 bytes a slice, which at a million live orders is the feed's whole memory.
Public ids rise for ever and neighbours live at the same time, so slices lie in pages of 64 ids; a
page goes when its last slice does. Knows levels, no message.

Source: specs/market_data.md (F-20 to F-26).
"""

from __future__ import annotations

from array import array

import numpy as np

from feed.levels import Level

_PAGE_BITS = 6
_PAGE_IDS = 1 << _PAGE_BITS
_PAGE_MASK = _PAGE_IDS - 1
_ZEROS_I = bytes(array("i").itemsize * _PAGE_IDS)
_ZEROS_Q = bytes(array("q").itemsize * _PAGE_IDS)

SLICE = np.dtype(
    [
        ("public_id", "<i8"),
        ("slot", "<i4"),  # of its level
        ("qty", "<i8"),  # lots shown
        ("time_ns", "<i8"),  # venue clock when it joined its queue
    ]
)


class BookError(Exception):
    """A message that does not fit the book: a message was missed or the feed is wrong."""


class Page:
    """Slices of 64 neighbouring public ids; slot 0: no slice."""

    __slots__ = ("live", "qtys", "slots", "times")

    def __init__(self) -> None:
        self.slots = array("i", _ZEROS_I)
        self.qtys = array("q", _ZEROS_Q)
        self.times = array("q", _ZEROS_Q)
        self.live = 0


class Slices:
    """All slices, and the levels they are in, by slot."""

    __slots__ = ("_free", "_spare", "levels", "pages", "pages_max")

    def __init__(self, pages_max: int) -> None:
        self.pages: dict[int, Page] = {}
        self.pages_max = pages_max
        self.levels = [Level(0, 0, 0, 0)]  # by slot; slot 0 is none, empty ones are free
        self._free: list[Level] = []
        self._spare: Page | None = None  # an empty page, for orders that come and go at once

    def count(self) -> int:
        """How many slices there are."""
        return sum(page.live for page in self.pages.values())

    def add(self, public_id: int, level: Level, qty: int, time_ns: int) -> None:
        """A new slice; BookError if the id is taken or there is no room."""
        page = self.pages.get(public_id >> _PAGE_BITS)
        if page is None:
            page = self._open_page(public_id)
        place = public_id & _PAGE_MASK
        if page.slots[place]:
            raise BookError(f"slice {public_id} was added twice")
        page.qtys[place] = qty
        page.times[place] = time_ns
        page.slots[place] = level.slot
        page.live += 1

    def has(self, public_id: int, instrument: int) -> bool:
        """Whether `instrument` shows a slice of this id."""
        page = self.pages.get(public_id >> _PAGE_BITS)
        slot = 0 if page is None else page.slots[public_id & _PAGE_MASK]
        return slot != 0 and self.levels[slot].instrument == instrument

    def find(self, public_id: int, instrument: int) -> tuple[Level, Page, int]:
        """Level, page and place in the page of a slice of `instrument`; BookError if none."""
        page = self.pages.get(public_id >> _PAGE_BITS)
        place = public_id & _PAGE_MASK
        slot = 0 if page is None else page.slots[place]
        if page is None or not slot or self.levels[slot].instrument != instrument:
            raise BookError(f"instrument {instrument} has no slice {public_id}")
        return self.levels[slot], page, place

    def remove(self, public_id: int, instrument: int) -> Level:
        """Takes a slice off its page and its level, which it leaves open; BookError if none."""
        page = self.pages.get(public_id >> _PAGE_BITS)
        place = public_id & _PAGE_MASK
        slot = 0 if page is None else page.slots[place]
        if page is None or not slot or self.levels[slot].instrument != instrument:
            raise BookError(f"instrument {instrument} has no slice {public_id}")
        page.slots[place] = 0
        page.live -= 1
        if not page.live:
            del self.pages[public_id >> _PAGE_BITS]
            self._spare = page
        level = self.levels[slot]
        level.qty -= page.qtys[place]
        level.orders -= 1
        return level

    def ahead(self, public_id: int, instrument: int) -> tuple[int, int]:
        """(lots shown, slices) that stand before a slice at its price; BookError if none (F-26)."""
        level, _, own_place = self.find(public_id, instrument)
        own_key = public_id >> _PAGE_BITS
        before = [page for key, page in self.pages.items() if key < own_key]
        own = self.pages[own_key]
        qty = orders = 0
        if before:
            slots = np.frombuffer(b"".join([page.slots.tobytes() for page in before]), np.int32)
            found = np.flatnonzero(slots == level.slot).tolist()
            orders = len(found)
            qty = sum(before[at >> _PAGE_BITS].qtys[at & _PAGE_MASK] for at in found)
        for place in range(own_place):
            if own.slots[place] == level.slot:
                orders += 1
                qty += own.qtys[place]
        return qty, orders

    def _open_page(self, public_id: int) -> Page:
        if len(self.pages) >= self.pages_max:
            raise BookError(f"slices in more than {self.pages_max} pages")
        page = self._spare or Page()
        self._spare = None
        self.pages[public_id >> _PAGE_BITS] = page
        return page

    def open_level(self, instrument: int, side: int, price: int) -> Level:
        """A new empty level with a slot of its own."""
        if self._free:
            level = self._free.pop()
            level.instrument, level.side, level.price = instrument, side, price
        else:
            level = Level(instrument, side, price, len(self.levels))
            self.levels.append(level)
        return level

    def close_level(self, level: Level) -> None:
        """Takes an empty level back; it may be opened again for another price."""
        self._free.append(level)

    def rows(self) -> np.ndarray:
        """All slices as SLICE rows in order of public id; a copy."""
        keys = sorted(self.pages)
        pages = [self.pages[key] for key in keys]
        rows = np.empty(len(keys) * _PAGE_IDS, SLICE)
        if not keys:
            return rows
        firsts = np.array(keys, np.int64) << _PAGE_BITS
        rows["public_id"] = (firsts[:, None] + np.arange(_PAGE_IDS)).ravel()
        rows["slot"] = np.frombuffer(b"".join([page.slots.tobytes() for page in pages]), np.int32)
        rows["qty"] = np.frombuffer(b"".join([page.qtys.tobytes() for page in pages]), np.int64)
        rows["time_ns"] = np.frombuffer(
            b"".join([page.times.tobytes() for page in pages]), np.int64
        )
        return rows[rows["slot"] != 0]


class PublicIds:
    """order_id -> public id of the slice it shows, in pages of 64 order ids; 0: none."""

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[int, tuple[array[int], list[int]]] = {}  # ids, [how many are not 0]

    def get(self, order_id: int) -> int:
        """The order's public id; 0 if it shows nothing."""
        page = self._pages.get(order_id >> _PAGE_BITS)
        return 0 if page is None else page[0][order_id & _PAGE_MASK]

    def set(self, order_id: int, public_id: int) -> None:
        """The order shows this slice now; it showed none before, or another."""
        page = self._pages.get(order_id >> _PAGE_BITS)
        if page is None:
            page = self._pages[order_id >> _PAGE_BITS] = (array("q", _ZEROS_Q), [0])
        place = order_id & _PAGE_MASK
        if not page[0][place]:
            page[1][0] += 1
        page[0][place] = public_id

    def pop(self, order_id: int) -> int:
        """The order shows nothing from now on; what it showed, 0 if nothing."""
        page = self._pages.get(order_id >> _PAGE_BITS)
        if page is None:
            return 0
        place = order_id & _PAGE_MASK
        public_id = page[0][place]
        if public_id:
            page[0][place] = 0
            page[1][0] -= 1
            if not page[1][0]:
                del self._pages[order_id >> _PAGE_BITS]
        return public_id

    def items(self) -> list[tuple[int, int]]:
        """(order_id, public id) of all orders that show a slice."""
        return [
            ((key << _PAGE_BITS) + place, public_id)
            for key, (ids, _) in self._pages.items()
            for place, public_id in enumerate(ids)
            if public_id
        ]
