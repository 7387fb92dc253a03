"""A place in a queue, followed: what stands before one slice after every update.

Book.ahead counts it anew from all slices; this keeps it up from the messages, so that a page or a
strategy may follow its orders at the price of a comparison a message.

Source: specs/market_data.md (F-26, F-131).
"""

from __future__ import annotations

from engine.types import Side
from feed.books import Ahead, Books
from feed.handler import Update
from feed.messages import MarketMessage, OrderAdded, OrderChanged, OrderRemoved, Trade

_CONTRA = {int(Side.BUY): int(Side.SELL), int(Side.SELL): int(Side.BUY)}


class QueuePlace:
    """One slice's place; `ahead` is None once the slice has left the book, or was never there."""

    def __init__(self, books: Books, instrument: int, public_id: int) -> None:
        self.instrument = instrument
        self.public_id = public_id
        self.ahead: Ahead | None = None
        self._count(books)

    def update(self, books: Books, update: Update) -> Ahead | None:
        """The place after an update. Call it with every one, from the handler's `on_update`, where
        the books stand as after it.
        """
        if update.snapshot:
            self._count(books)
        elif self.ahead is not None:
            for message in update.messages:
                if isinstance(message, OrderAdded | OrderChanged | OrderRemoved | Trade):
                    self._take(message)
        return self.ahead

    def _count(self, books: Books) -> None:
        self.ahead = None
        book = books.by_instrument.get(self.instrument)
        if book is None or not books.slices.has(self.public_id, self.instrument):
            return
        level = books.slices.find(self.public_id, self.instrument)[0]
        self.ahead = book.ahead(self.public_id)
        self._side, self._price = level.side, level.price
        self._level = level.qty, level.orders

    def _take(self, message: OrderAdded | OrderChanged | OrderRemoved | Trade) -> None:
        if message.instrument != self.instrument or self.ahead is None:
            return
        if self._queue_of(message) != (self._side, self._price):
            return
        qty = self._level[0] - message.level_qty
        orders = self._level[1] - message.level_orders
        self._level = message.level_qty, message.level_orders
        if message.public_id < self.public_id:
            self.ahead = Ahead(self.ahead.qty - qty, self.ahead.orders - orders)
        elif message.public_id == self.public_id and orders:
            self.ahead = None

    def _queue_of(self, message: MarketMessage) -> tuple[int, int]:
        if not isinstance(message, Trade):
            return message.side, message.price  # type: ignore[union-attr]
        if message.public_id == 0:
            return 0, 0
        return _CONTRA.get(message.side, int(Side.SELL)), message.resting_price
