"""The futures curve of a product: prices by month, the word for its shape, the annualised roll.

Analytics on integers: prices in 1e-9, rolls in millionths a year. Spreads are no part of a curve.

Source: specs/market_data.md (F-84).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from feed.books import Book
from feed.messages import InstrumentDefined, TradingStatus
from feed.phases import CALLS
from feed.views import Curve, CurvePoint

CONTANGO, BACKWARDATION, FLAT = "contango", "backwardation", "flat"
PPM = 1_000_000
_YEAR_DAYS = 365


def curve_of(books: Iterable[Book], time_ns: int) -> Curve:
    """The curve of the books of one product, at least one; those that expired are left out."""
    months = sorted(
        (
            (definition.last_trading_date, definition, book)
            for book in books
            if (definition := book.definition) is not None and _is_month(definition, book)
        ),
        key=lambda month: month[0],
    )
    points: list[CurvePoint] = []
    for _, definition, book in months:
        price, source = price_of(book)
        points.append(_point(definition, book, price, source, points))
    first, last = (points[0], points[-1]) if len(points) > 1 else (None, None)
    shape, roll = "", None
    if first is not None and last is not None:
        shape = _shape(first.price, last.price)
        roll = annual_roll_ppm(
            first.price, first.last_trading_date, last.price, last.last_trading_date
        )
    named = months[0][1] if months else None
    return Curve(
        time_ns,
        named.product if named else 0,
        named.product_code if named else "",
        shape,
        roll,
        points,
    )


def price_of(book: Book) -> tuple[int, str]:
    """A contract's price now, in 1e-9, and what it comes from; (0, "") if nothing tells."""
    if book.status is not None and book.status.status in CALLS:
        if book.indicative is not None:
            return book.indicative.price, "auction"
    else:
        bid, ask = book.bids.best(), book.asks.best()
        if bid and ask:
            return (bid[0] + ask[0]) // 2, "middle"
    if book.statistics.last_trade_id:
        return book.statistics.last, "last"
    if book.settlement is not None:
        return book.settlement.price, "settlement"
    if book.limits is not None:
        return book.limits.reference, "reference"
    return 0, ""


def annual_roll_ppm(near: int, near_date: int, far: int, far_date: int) -> int | None:
    """Change from a near month's price to a far one's, a year of 365 days, in millionths.

    Positive in contango. None where the near price is not positive or the dates do not rise.
    """
    days = (_date(far_date) - _date(near_date)).days
    if near <= 0 or days <= 0:
        return None
    return (far - near) * PPM * _YEAR_DAYS // (near * days)


def _is_month(definition: InstrumentDefined, book: Book) -> bool:
    expired = book.status is not None and book.status.status == TradingStatus.EXPIRED
    return not definition.leg_1 and not expired


def _point(
    definition: InstrumentDefined, book: Book, price: int, source: str, before: list[CurvePoint]
) -> CurvePoint:
    roll = None
    if before:
        near = before[-1]
        roll = annual_roll_ppm(
            near.price, near.last_trading_date, price, definition.last_trading_date
        )
    return CurvePoint(
        definition.instrument,
        definition.symbol,
        definition.maturity,
        definition.last_trading_date,
        price,
        source,
        book.limits.reference if book.limits else 0,
        roll,
    )


def _shape(near: int, far: int) -> str:
    if far > near:
        return CONTANGO
    return BACKWARDATION if far < near else FLAT


def _date(yyyymmdd: int) -> date:
    return date(yyyymmdd // 10_000, yyyymmdd // 100 % 100, yyyymmdd % 100)
