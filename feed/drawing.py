"""Market data drawn in characters: bars, the futures curve, candles; for the demo and `watch`.

Pure: numbers in, lines of rich text out. Prices are in 1e-9.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from rich.text import Text

from engine.types import PRICE_SCALE
from feed.views import Candle
from specs.products import format_price

AXIS_COLUMNS = 9
BID, ASK, FAINT, TITLE = "green", "red", "bright_black", "bold cyan"
_BAR = "▏▎▍▌▋▊▉█"
_VOLUME = "▁▂▃▄▅▆▇█"
# what a candle shows in a cell by its upper and its lower half: nothing, wick, body
_HALVES = (" ╷╻", "╵│╽", "╹╿┃")
_NOTHING, _WICK, _BODY = range(3)


class CurvePoint(NamedTuple):
    """One contract of the curve: price and previous settlement, 1e-9; 0: none.

    price: the middle of the market, in a call that would trade the indicative price.
    """

    month: str
    price: int
    settlement: int


def price_text(price: int, tick: int) -> str:
    """A price with as many places as the tick has; what lies off the tick is shown whole."""
    places = len(f"{tick % PRICE_SCALE:09d}".rstrip("0")) if tick % PRICE_SCALE else 0
    whole, fraction = divmod(abs(price), PRICE_SCALE)
    sign = "-" if price < 0 else ""
    digits = f"{fraction:09d}"
    kept = max(places, len(digits.rstrip("0")))
    return f"{sign}{whole}.{digits[:kept]}" if kept else f"{sign}{whole}"


def share_bar(share: float, columns: int) -> str:
    """A bar of a share of `columns`, to an eighth of a column."""
    eighths = max(1, round(share * columns * 8))
    whole, rest = divmod(eighths, 8)
    return "█" * whole + (_BAR[rest - 1] if rest else "")


def curve_lines(curve: list[CurvePoint], tick: int, columns: int, rows: int) -> list[Text]:
    """The curve as `rows` lines of text, drawn; the last two name months and prices."""
    priced = [point for point in curve if point.price]
    if not priced:
        return [Text("waiting for the market", style=FAINT)]
    values = [p for point in priced for p in (point.price, point.settlement) if p]
    low, high = min(values), max(values)
    room = max(tick * 2, (high - low) // 12)
    low, high = low - room, high + room
    height = max(2, rows - 2)
    step = max(6, (columns - AXIS_COLUMNS) // len(curve))
    grid = [[(" ", "")] * (step * len(curve)) for _ in range(height)]

    def row_of(price: float) -> int:
        return round((high - price) / (high - low) * (height - 1))

    for index, point in enumerate(curve):
        left = index * step
        if point.settlement:
            grid[row_of(point.settlement)][left : left + step] = [("─", FAINT)] * step
    for column, price in _between(curve, step):
        grid[row_of(price)][column] = ("·", "cyan")
    for index, point in enumerate(curve):
        if point.price:
            style = BID if point.price >= point.settlement else ASK
            grid[row_of(point.price)][index * step + step // 2] = ("●", f"bold {style}")
    lines = [_curve_line(cells, row, (low, high), height, tick) for row, cells in enumerate(grid)]
    months = "".join(f"{point.month:^{step}}" for point in curve)
    prices = "".join(
        f"{format_price(point.price, tick) if point.price else '-':^{step}}" for point in curve
    )
    axis = " " * AXIS_COLUMNS
    return [*lines, Text(axis + months, style=FAINT), Text(axis + prices, style="bold")]


def _between(curve: list[CurvePoint], step: int) -> list[tuple[int, float]]:
    """(column, price) of the straight lines between neighbouring priced points."""
    found = []
    for index, (near, far) in enumerate(pairwise(curve)):
        if near.price and far.price:
            start = index * step + step // 2
            found += [
                (start + part, near.price + (far.price - near.price) * part / step)
                for part in range(1, step)
            ]
    return found


def _curve_line(
    cells: list[tuple[str, str]], row: int, bounds: tuple[int, int], height: int, tick: int
) -> Text:
    low, high = bounds
    price = high - (high - low) * row // (height - 1)
    shown = row in (0, height - 1) or (height > 6 and row == height // 2)
    axis = f"{format_price(price, tick):>{AXIS_COLUMNS - 1}} " if shown else " " * AXIS_COLUMNS
    return Text.assemble((axis, FAINT), *cells, no_wrap=True, overflow="crop")


def candle_lines(candles: Sequence[Candle], tick: int, columns: int, rows: int) -> list[Text]:
    """The newest candles, one a column, with an axis; the last line is their volume."""
    shown = list(candles)[-max(1, columns - AXIS_COLUMNS) :]
    if not shown:
        return [Text("no trades yet", style=FAINT)]
    low, high = min(one.low for one in shown), max(one.high for one in shown)
    height = max(2, rows - 1)
    step = (high - low) // (2 * height) + 1  # of half a row

    def half_rows(upper: int, lower: int) -> tuple[int, int]:
        return (high - upper) // step, (high - lower) // step

    def drawn(one: Candle, row: int) -> str:
        wick = half_rows(one.high, one.low)
        body = half_rows(max(one.open, one.close), min(one.open, one.close))
        upper, lower = (
            _BODY if body[0] <= half <= body[1] else _WICK if wick[0] <= half <= wick[1] else 0
            for half in (2 * row, 2 * row + 1)
        )
        return _HALVES[upper][lower]

    lines = []
    for row in range(height):
        axis = (
            format_price(high - 2 * row * step, tick) if row in (0, height // 2, height - 1) else ""
        )
        cells = [(drawn(one, row), BID if one.close >= one.open else ASK) for one in shown]
        lines.append(Text.assemble((f"{axis:>{AXIS_COLUMNS - 1}} ", FAINT), *cells, no_wrap=True))
    most = max(max(one.volume for one in shown), 1)
    volumes = "".join(_VOLUME[max(0, one.volume) * 7 // most] for one in shown)
    lines.append(Text.assemble((f"{'lots':>{AXIS_COLUMNS - 1}} ", FAINT), volumes, no_wrap=True))
    return lines
