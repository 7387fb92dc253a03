"""The full screen of `sitex watch`: what the market page shows of one contract, in characters.

Pure: a MarketView and the counts of a handler in, a rich Layout out. Made for 80x24 up.

Source: specs/market_data.md (F-80 to F-87).
"""

from __future__ import annotations

from typing import NamedTuple

from rich.console import Group
from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text

from engine.types import Currency, Side
from feed.books import Book
from feed.candles import BASE_NS
from feed.drawing import (
    ASK,
    BID,
    FAINT,
    TITLE,
    CurvePoint,
    candle_lines,
    curve_lines,
    price_text,
    share_bar,
)
from feed.handler import FeedState, HandlerCounts
from feed.market_view import CANDLES_KEPT, MarketView
from feed.messages import BlockTrade, InstrumentDefined, Trade, TradeBusted, TradeCorrected
from feed.phases import CALLS, clock_text, phase_words, surplus_words
from feed.views import Curve, Print

TOP_ROWS, BOTTOM_ROWS = 4, 1
LADDER_COLUMNS = 44
LEVELS_MAX = 20
AXIS, MONTH_COLUMNS = 9, 7
CANDLE_MINUTES = (1, 5, 15, 60, 240, 1_440)
_PPM_A_PERCENT = 10_000


class Feed(NamedTuple):
    """How the lines do."""

    state: str  # F-87
    counts: HandlerCounts
    sequence: int  # of the last message


def render(
    view: MarketView, symbol: str, feed: Feed, columns: int, rows: int, keys: bool = False
) -> Layout:
    """The whole terminal of `columns` x `rows`; `keys`: there is a keyboard."""
    book = view.by_symbol[symbol]
    middle = rows - TOP_ROWS - BOTTOM_ROWS
    lower_rows = max(8, middle * 2 // 5)
    ladder_columns = min(LADDER_COLUMNS, columns // 2)
    layout = Layout()
    layout.split_column(
        Layout(_top(view, book, feed, columns), size=TOP_ROWS),
        Layout(name="upper", size=middle - lower_rows),
        Layout(name="lower", size=lower_rows),
        Layout(_bottom(feed, keys), size=BOTTOM_ROWS),
    )
    inner = middle - lower_rows - 2
    layout["upper"].split_row(
        Layout(_ladder(book, ladder_columns - 4, inner), size=ladder_columns),
        Layout(_prints(view, book, inner)),
    )
    candle_columns = columns // 2
    layout["lower"].split_row(
        Layout(_candles(view, book, candle_columns - 4, lower_rows - 2), size=candle_columns),
        Layout(_curve(view, book, columns - candle_columns - 4, lower_rows - 2)),
    )
    return layout


def definition_of(book: Book) -> InstrumentDefined:
    """The definition of a book that has one."""
    assert book.definition is not None
    return book.definition


def phase_of(book: Book) -> str:
    """The phase with its end, and in a call what an uncross would give."""
    status, told = book.status, book.indicative
    if status is None:
        return "-"
    words = phase_words(status.status)
    if status.scheduled_end_ns:
        words += f" until {clock_text(status.scheduled_end_ns)}"
    if not in_call(book):
        return words
    if told is None:
        return f"{words}  indicative -"
    lots = f" {told.qty:,} lots, {surplus_words(told.surplus)}" if told.qty else ""
    return f"{words}  indicative {price_text(told.price, definition_of(book).tick)}{lots}"


def in_call(book: Book) -> bool:
    """Whether orders gather for an auction."""
    return book.status is not None and book.status.status in CALLS


def _top(view: MarketView, book: Book, feed: Feed, columns: int) -> Group:
    definition = definition_of(book)
    good = feed.state == FeedState.SYNCHRONIZED.name.lower()
    currency = Currency(definition.currency).name
    left = Text.assemble(
        (f" {definition.symbol} ", "bold black on cyan"),
        f"  {definition.product_code}  {currency} x{definition.multiplier:,}  ",
    )
    clock = clock_text(max(view.time_ns(book.instrument), book.statistics.time_ns))
    state = " live " if good else f" {feed.state} "
    right = Text.assemble(
        (f"{clock} UTC ", "bold"), (state, f"bold black on {'green' if good else 'red'}")
    )
    gap = max(1, columns - left.cell_len - right.cell_len)
    first = Text.assemble(left, " " * gap, right, no_wrap=True, overflow="crop")
    phase = Text(f" {phase_of(book)}", style="bold yellow" if in_call(book) else "bold")
    phase.no_wrap, phase.overflow = True, "ellipsis"
    facts = [Text(f" {line}", no_wrap=True, overflow="ellipsis") for line in _facts(book)]
    return Group(first, phase, *facts)


def _facts(book: Book) -> tuple[str, str]:
    """Statistics of the date; reference, limits, settlement."""
    tick, statistics, limits = definition_of(book).tick, book.statistics, book.limits
    traded = []
    if statistics.last_trade_id:
        change = ""
        if limits is not None and limits.reference > 0:
            change = f" ({(statistics.last / limits.reference - 1) * 100:+.2f} %)"
        traded.append(f"last {price_text(statistics.last, tick)}{change}")
    if statistics.trades:
        for name in ("open", "high", "low"):
            traded.append(f"{name} {price_text(getattr(statistics, name), tick)}")
    if statistics.volume:
        average = statistics.value // statistics.volume // tick * tick
        traded.append(f"average {price_text(average, tick)}")
    traded.append(f"volume {statistics.volume:,}")
    fixed = []
    if limits is not None:
        low, high = (price_text(price, tick) for price in (limits.low, limits.high))
        fixed.append(f"reference {price_text(limits.reference, tick)}")
        fixed.append(f"limits {low} to {high}")
    if book.settlement is not None:
        fixed.append(f"settled {price_text(book.settlement.price, tick)}")
        if not definition_of(book).leg_1:
            fixed.append(f"open interest {book.open_interest:,}")
    return "  ".join(traded), "  ".join(fixed)


def _panel(body: Group, title: str, note: str = "") -> Panel:
    return Panel(body, title=f"[{TITLE}]{title}[/]{note}", title_align="left", border_style=FAINT)


def _ladder(book: Book, columns: int, rows: int) -> Panel:
    tick = definition_of(book).tick
    depth = max(1, min(LEVELS_MAX, (rows - 1) // 2))
    asks, bids = (side.array(depth).tolist() for side in (book.asks, book.bids))
    most = max((qty for _, qty, _ in (*asks, *bids)), default=1)

    def level(row: tuple[int, int, int], style: str) -> Text:
        price, qty, orders = row
        return Text.assemble(
            (f"{price_text(price, tick):>9} ", f"bold {style}"), f"{qty:>8,} ",
            (f"{orders:>4}  ", FAINT), (share_bar(qty / most, columns - 26), style), no_wrap=True,
        )  # fmt: skip

    lines = [Text()] * (depth - len(asks))
    lines += [level(row, ASK) for row in reversed(asks)]
    lines.append(_between(book, tick))
    lines += [level(row, BID) for row in bids]
    return _panel(Group(*lines), "ladder", f"  {book.order_count:,} orders")


def _between(book: Book, tick: int) -> Text:
    if in_call(book):
        told = book.indicative
        price = price_text(told.price, tick) if told is not None and told.price else "-"
        return Text(f"{price:>9}  indicative", style="bold yellow")
    bid, ask = book.bids.best(), book.asks.best()
    if not bid or not ask:
        return Text("     one side is empty", style=FAINT)
    ticks = (ask[0] - bid[0]) // tick
    return Text(f"{'':>9}  spread {ticks} tick{'s' * (ticks != 1)}", style="yellow")


def _prints(view: MarketView, book: Book, rows: int) -> Panel:
    tick, instrument = definition_of(book).tick, book.instrument
    count = view.print_count(instrument)
    newest = reversed(view.prints_after(instrument, max(0, count - rows)).prints)
    return _panel(Group(*[_print(one, tick) for one in newest]), "time and sales")


def _print(one: Print, tick: int) -> Text:
    """One line: when, price, lots, and who took or what became of it."""
    if isinstance(one, Trade):
        by = {int(Side.BUY): ("▲ bought", BID), int(Side.SELL): ("▼ sold", ASK)}
        words, style = by.get(one.side, ("■ auction", "yellow"))
    elif isinstance(one, BlockTrade):
        words, style = "block", "magenta"
    elif isinstance(one, TradeBusted):
        words, style = f"busted: {one.trade_id}", f"strike {FAINT}"
    else:
        assert isinstance(one, TradeCorrected)
        words, style = f"corrected: {one.trade_id}", "magenta"
    return Text.assemble(
        (f"{clock_text(one.time_ns)} ", FAINT), (f"{price_text(one.price, tick):>9} ", style),
        f"{one.qty:>7,} ", (words, style), no_wrap=True, overflow="ellipsis",
    )  # fmt: skip


def _candles(view: MarketView, book: Book, columns: int, rows: int) -> Panel:
    """The shortest interval whose candles all fit."""
    candles, room = view.candles(book.instrument), max(1, columns - AXIS)
    for minutes in CANDLE_MINUTES:
        made = candles.newest(minutes * BASE_NS, CANDLES_KEPT)
        if len(made) <= room:
            break
    note = f"  {minutes} min" if minutes < 60 else f"  {minutes // 60} h"
    tick = definition_of(book).tick
    return _panel(Group(*candle_lines(made, tick, columns, rows)), "candles", note)


def _curve(view: MarketView, book: Book, columns: int, rows: int) -> Panel:
    definition = definition_of(book)
    curve = view.curve(definition.product)
    if curve is None:
        return _panel(Group(Text("no months", style=FAINT)), "curve")
    months = curve.points[: max(1, (columns - AXIS) // MONTH_COLUMNS)]
    points = [CurvePoint(str(one.maturity)[2:], one.price, one.settlement) for one in months]
    body = Group(*curve_lines(points, definition.tick, columns, rows))
    return _panel(body, f"{curve.product_code} curve", f"  {shape_words(curve)}")


def shape_words(curve: Curve) -> str:
    """The shape and its annualised roll, such as `contango +4.1 % a year`."""
    if curve.roll_ppm is None:
        return curve.shape
    return f"{curve.shape} {curve.roll_ppm / _PPM_A_PERCENT:+.1f} % a year"


def _bottom(feed: Feed, keys: bool) -> Text:
    a, b = feed.counts.packets
    told = (
        f" line A {a:,} packets, line B {b:,}, gaps {feed.counts.gaps}, message {feed.sequence:,}"
    )
    hint = "   ← → contract, q ends" if keys else ""
    return Text(told + hint, style=FAINT, no_wrap=True, overflow="ellipsis")
