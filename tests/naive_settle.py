"""Settlement prices and locked days of the naive exchange."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from tests import naive_words as w
from tests.naive_state import Close, Instrument

if TYPE_CHECKING:
    from tests.naive import NaiveExchange

FIVE_MINUTES = 300 * 10**9


def is_locked(instrument: Instrument) -> int:
    """M-210: the side that alone has orders, the best of them at the limit; 0: none."""
    buys, sells = instrument.orders[w.BUY], instrument.orders[w.SELL]
    if buys and not sells and max(order.price for order in buys) == instrument.high:
        return w.BUY
    if sells and not buys and min(order.price for order in sells) == instrument.low:
        return w.SELL
    return 0


def note_locks(venue: NaiveExchange) -> None:
    """M-210: at the end of a command, since when each instrument is locked."""
    for instrument in venue.instruments.values():
        note_lock(instrument, venue.command["time_ns"])


def note_lock(instrument: Instrument, time_ns: int) -> None:
    """One instrument."""
    side = is_locked(instrument)
    if side != instrument.lock[0]:
        instrument.lock = (side, time_ns if side else 0)


def note_close(instrument: Instrument, time_ns: int) -> None:
    """M-200."""
    note_lock(instrument, time_ns)
    if instrument.phase_end:
        time_ns = min(time_ns, instrument.phase_end)
    side, since = instrument.lock
    bids = [order.price for order in instrument.orders[w.BUY] if not instrument.calling]
    asks = [order.price for order in instrument.orders[w.SELL] if not instrument.calling]
    locked = side if side and time_ns - since >= FIVE_MINUTES else 0
    instrument.close = Close(time_ns, max(bids, default=None), min(asks, default=None), locked)


def settlements(venue: NaiveExchange, product: int) -> dict[int, tuple[int, int]]:
    """M-71, M-200: price and reason of each instrument of a product that rolls."""
    rolled = [
        one
        for _, one in sorted(venue.instruments.items())
        if one.product["product"] == product and not one.expired
    ]
    for one in rolled:
        if one.phase in w.TRADES:
            note_close(one, venue.command["time_ns"])
    alone = {one.number: by_itself(one) for one in rolled}
    months = [one for one in rolled if not one.legs]
    traded = [one for one in months if one.volume]
    found = {one.number: alone[one.number] for one in months if one.volume or alone[one.number][1]}
    by_spreads(rolled, alone, found)
    for one in months:
        if one.number in found:
            continue
        found[one.number] = one.reference, 0
        if not one.suspended and traded:
            near = min(traded, key=lambda other: distance(one, other))
            change = Fraction(alone[near.number][0], near.reference)
            price = on_tick(one.reference * change, one.product["tick"])
            found[one.number] = min(max(price, one.low), one.high), w.BY_NEIGHBOUR
    return found


def by_spreads(
    rolled: list[Instrument],
    alone: dict[int, tuple[int, int]],
    found: dict[int, tuple[int, int]],
) -> None:
    """M-205: fills `found` month by month, until no calendar spread leads to another."""
    before = -1
    while len(found) > before:
        before = len(found)
        for one in rolled:
            if not (one.legs or one.suspended or one.number in found):
                ways = [way for spread in rolled for way in leads(spread, one, alone, found)]
                if ways:
                    price = min(max(min(ways)[3], one.low), one.high)
                    found[one.number] = price, w.BY_SPREAD


def leads(
    spread: Instrument,
    one: Instrument,
    alone: dict[int, tuple[int, int]],
    found: dict[int, tuple[int, int]],
) -> list[tuple[bool, tuple[int, int], int, int]]:
    """M-205: what a spread makes of a month's price, behind what decides between several."""
    told = spread.volume or alone[spread.number][1] == w.BY_QUOTES
    if not told or [lots for _, lots in spread.legs] != [1, 1]:
        return []
    legs, price = [leg for leg, _ in spread.legs], alone[spread.number][0]
    return [
        (
            not spread.volume,
            distance(one, other)[:2],
            spread.number,
            found[other.number][0] + (price if one is legs[0] else -price),
        )
        for other in legs
        if any(leg is one for leg in legs) and other is not one and other.number in found
    ]


def by_itself(instrument: Instrument) -> tuple[int, int]:
    """M-71, M-201 to M-203."""
    tick = instrument.product["tick"]
    trades = instrument.trades
    close = instrument.close or Close(0, None, None, 0)
    quotes = [price for price in (close.bid, close.ask) if price is not None]
    if trades:
        if instrument.product["features"] & w.SETTLE_WINDOW:
            trades = in_window(instrument, close.time_ns)
        if not trades:
            price = instrument.last if close.bid is None else max(instrument.last, close.bid)
            return (price if close.ask is None else min(price, close.ask)), w.BY_LAST
        volume = sum(qty for _, _, qty in trades)
        value = sum(price * qty for _, price, qty in trades)
        return on_tick(Fraction(value, volume), tick), 0
    if close.locked:
        return (instrument.high if close.locked == w.BUY else instrument.low), w.BY_LOCK
    if len(quotes) == 2:
        return sorted((*quotes, instrument.reference))[1], w.BY_QUOTES
    return instrument.reference, 0


def in_window(instrument: Instrument, close_ns: int) -> list[tuple[int, int, int]]:
    """M-201."""
    seconds = instrument.product["settle_window_seconds"]
    span_ns = (1 if seconds <= 60 else seconds // 60) * 10**9
    first = close_ns // span_ns - seconds * 10**9 // span_ns
    last = close_ns // span_ns
    return [trade for trade in instrument.trades if first <= trade[0] // span_ns <= last]


def on_tick(price: Fraction | int, tick: int) -> int:
    """The nearest price on the tick, the middle away from zero."""
    size = int((abs(Fraction(price)) / tick * 2 + 1) // 2) * tick
    return size if price >= 0 else -size


def distance(one: Instrument, other: Instrument) -> tuple[int, int, int]:
    """M-204: how far another month is, the earlier and then the lower id first."""
    months = [part.maturity // 100 * 12 + part.maturity % 100 for part in (one, other)]
    return abs(months[0] - months[1]), int(months[1] > months[0]), other.number


def end_date(instrument: Instrument) -> None:
    """M-211: the locked days so far; the date's close and trades are forgotten."""
    side = instrument.close.locked if instrument.close else 0
    instrument.close, instrument.trades, instrument.lock = None, [], (0, 0)
    instrument.printed = []
    if not instrument.product["features"] & w.LOCKED_DAYS or instrument.legs:
        return
    if instrument.suspended:
        instrument.locked_days = 4
    elif not side:
        instrument.locked_days = instrument.locked_side = 0
    elif side == instrument.locked_side and instrument.locked_days < 3:
        instrument.locked_days += 1
    else:
        instrument.locked_days, instrument.locked_side = 1, side
        instrument.locked_bp = instrument.daily_limit()
