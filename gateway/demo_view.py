"""The demo's terminal view: phase, ladder, trades, futures curve, events and rates of one moment.

Pure: a Screen in, a rich renderable or one line of text out. It is made from the feed's public
messages and the members' own counts, and knows neither sockets nor the venue. Made for 80x24 up.
"""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, Group
from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text

from feed.drawing import ASK, BID, FAINT, TITLE, CurvePoint, curve_lines, share_bar
from feed.phases import surplus_words
from specs.products import format_price

HEADER_ROWS, MOMENT_ROWS, CURVE_ROWS_MIN, FOOTER_ROWS = 1, 1, 8, 3
TALL_ROWS = 30  # below: a footer of two rows
EVENT_ROWS_MIN, EVENT_ROWS_MAX = 3, 7
LADDER_COLUMNS = 42
LEVELS_MAX = 12
PICTURE_SIZE = (110, 36)  # columns, rows
_FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)
_TAKERS = {True: ("▲ bought", BID), False: ("▼ sold", ASK), None: ("■ auction", "yellow")}


class Level(NamedTuple):
    """A price level: price in 1e-9, lots, orders."""

    price: int
    qty: int
    orders: int


class TradePrint(NamedTuple):
    """One trade: when (HH:MM:SS of the venue clock), price in 1e-9, lots, whether a buyer took.

    bought: None in an auction.
    """

    clock: str
    symbol: str
    price: int
    qty: int
    bought: bool | None


class Call(NamedTuple):
    """What an uncross would give now: price in 1e-9 (0: nothing), lots and surplus, 0 if hidden."""

    price: int
    qty: int
    surplus: int


class Moment(NamedTuple):
    """The venue clock and the phase of the contract, in words; `call`: in a call alone."""

    clock: str
    phase: str
    until: str  # HH:MM:SS, of a day further on with its name; empty: no end is known
    call: Call | None
    auction: int  # price of the last auction, 1e-9; 0: none yet


class Rates(NamedTuple):
    """What happened a second, lately, and in all."""

    requests: float  # orders, quotes, replaces and cancels
    reports: float
    trades: float
    packets: float
    requests_total: int
    trades_total: int
    lots_total: int


class Screen(NamedTuple):
    """All that is shown. Bids and asks best first, trades and events newest first."""

    symbol: str
    title: str
    unit: str
    tick: int
    bids: list[Level]
    asks: list[Level]
    trades: list[TradePrint]
    curve: list[CurvePoint]
    curve_name: str
    rates: Rates
    members: list[tuple[str, int]]
    elapsed_s: float
    moment: Moment
    events: list[str]
    note: str = ""


def render(screen: Screen, columns: int, rows: int) -> Layout:
    """The whole terminal of `columns` x `rows` characters."""
    footer_rows = FOOTER_ROWS if rows >= TALL_ROWS else FOOTER_ROWS - 1
    event_rows = max(EVENT_ROWS_MIN, min(EVENT_ROWS_MAX, (rows - 18) // 3))
    middle = rows - HEADER_ROWS - MOMENT_ROWS - event_rows - footer_rows
    curve_rows = max(CURVE_ROWS_MIN, middle * 2 // 5)
    book_rows = middle - curve_rows
    layout = Layout()
    layout.split_column(
        Layout(_header(screen, columns), size=HEADER_ROWS),
        Layout(_moment(screen, columns), size=MOMENT_ROWS),
        Layout(name="book", size=book_rows),
        Layout(_curve_panel(screen, columns - 4, curve_rows - 2), size=curve_rows),
        Layout(_events(screen, event_rows), size=event_rows),
        Layout(_footer(screen, footer_rows), size=footer_rows),
    )
    ladder_columns = LADDER_COLUMNS if columns < 110 else columns // 2
    layout["book"].split_row(
        Layout(_ladder_panel(screen, ladder_columns - 4, book_rows - 2), size=ladder_columns),
        Layout(_trades_panel(screen, book_rows - 2)),
    )
    return layout


def save_picture(screen: Screen, file: Path) -> None:
    """Writes the view as an SVG picture."""
    columns, rows = PICTURE_SIZE
    console = Console(width=columns, height=rows, record=True, file=io.StringIO())
    console.print(render(screen, columns, rows), height=rows)
    picture = console.export_svg(title="sitex demo")
    # rich names fonts on the web; a picture in a README fetches nothing
    file.write_text(_FONT_FACE.sub("", picture), encoding="utf-8")


def plain_line(screen: Screen) -> str:
    """One line of text, for an output that is no terminal."""
    bid, ask = (_best(levels, screen.tick) for levels in (screen.bids, screen.asks))
    last = format_price(screen.trades[0].price, screen.tick) if screen.trades else "-"
    rates, moment = screen.rates, screen.moment
    call = f"  {_call_words(moment.call, screen.tick)}" if moment.call else ""
    return (
        f"{screen.elapsed_s:6.1f} s  {moment.clock}  {moment.phase}{call}"
        f"  {screen.symbol} {bid} / {ask}  last {last}"
        f"  {shape(screen.curve)}  {rates.requests:,.0f} requests/s  {rates.trades:,.0f} trades/s"
        f"  {rates.requests_total:,} requests  {rates.trades_total:,} trades"
    )


def shape(curve: list[CurvePoint]) -> str:
    """Contango or backwardation with the far month's distance to the near one in percent."""
    priced = [point.price for point in curve if point.price]
    if len(priced) < 2:
        return "no curve yet"
    percent = (priced[-1] / priced[0] - 1) * 100
    if abs(percent) < 0.05:
        return "flat"
    return f"{'contango' if percent > 0 else 'backwardation'} {percent:+.1f} %"


def _best(levels: list[Level], tick: int) -> str:
    return format_price(levels[0].price, tick) if levels else "-"


def _header(screen: Screen, columns: int) -> Text:
    minutes, seconds = divmod(int(screen.elapsed_s), 60)
    left = Text.assemble((" sitex demo ", "bold black on cyan"), ("  ", ""), (screen.title, "bold"))
    right = Text(f"{screen.note}  {minutes:02d}:{seconds:02d} ", style=FAINT)
    gap = columns - left.cell_len - right.cell_len
    return Text.assemble(left, " " * max(1, gap), right, no_wrap=True, overflow="ellipsis")


def _moment(screen: Screen, columns: int) -> Text:
    """The phase, the auction that it leads to, and the venue clock."""
    moment = screen.moment
    calm = moment.phase == "continuous trading"
    style = f"bold black on {'green' if calm else 'yellow' if moment.call else 'white'}"
    phase = Text(f" {moment.phase} ", style=style)
    until = Text(f" until {moment.until}" if moment.until else "", style=FAINT)
    auction = Text()
    if moment.call is not None:
        auction = Text(f"  {_call_words(moment.call, screen.tick)}", style="bold yellow")
    elif moment.auction:
        auction = Text(f"  last auction {format_price(moment.auction, screen.tick)}")
    clock = Text(f"{moment.clock} UTC ", style="bold")
    gap = columns - sum(part.cell_len for part in (phase, until, auction, clock))
    if gap < 1:  # narrow: the events say until when, the time of day is enough
        until, clock = Text(), Text(f"{moment.clock[-8:]} ", style="bold")
        auction.truncate(max(1, columns - phase.cell_len - clock.cell_len - 1), overflow="ellipsis")
        gap = columns - sum(part.cell_len for part in (phase, auction, clock))
    left = Text.assemble(phase, until, auction)
    return Text.assemble(left, " " * max(1, gap), clock, no_wrap=True, overflow="crop")


def _call_words(call: Call, tick: int) -> str:
    if not call.price:
        return "indicative -"
    lots = f", {call.qty:,} lots, {surplus_words(call.surplus)}" if call.qty else ""
    return f"indicative {format_price(call.price, tick)}{lots}"


def _events(screen: Screen, rows: int) -> Group:
    lines = [
        Text.assemble((f" {text[:8]} ", FAINT), text[9:], no_wrap=True, overflow="ellipsis")
        for text in screen.events[:rows]
    ]
    return Group(*lines)


def _ladder_panel(screen: Screen, columns: int, rows: int) -> Panel:
    depth = max(1, min(LEVELS_MAX, (rows - 1) // 2))
    asks, bids = screen.asks[:depth], screen.bids[:depth]
    largest = max([level.qty for level in (*asks, *bids)], default=1)
    bar_columns = columns - 26
    lines = [Text()] * (depth - len(asks))
    lines += [_level(level, screen.tick, largest, bar_columns, ASK) for level in reversed(asks)]
    lines.append(_spread(screen))
    lines += [_level(level, screen.tick, largest, bar_columns, BID) for level in bids]
    title = f"[{TITLE}]{screen.symbol}[/]  {screen.unit}"
    return Panel(Group(*lines), title=title, title_align="left", border_style=FAINT)


def _level(level: Level, tick: int, largest: int, columns: int, style: str) -> Text:
    return Text.assemble(
        (f"{format_price(level.price, tick):>9} ", f"bold {style}"),
        (f"{level.qty:>7,} ", ""),
        (f"{level.orders:>4}  ", FAINT),
        (share_bar(level.qty / largest, columns), style),
        no_wrap=True,
    )


def _spread(screen: Screen) -> Text:
    call = screen.moment.call
    if call is not None:
        price = format_price(call.price, screen.tick) if call.price else "-"
        note = ""
        if call.price and not screen.bids and not screen.asks:
            note = "   orders are hidden"
        elif screen.bids and screen.asks and screen.bids[0].price >= screen.asks[0].price:
            note = "   bids below cross asks above"
        return Text(f"{price:>9}  indicative{note}", style="bold yellow")
    if not screen.bids or not screen.asks:
        return Text("     one side is empty", style=FAINT)
    ticks = (screen.asks[0].price - screen.bids[0].price) // screen.tick
    last = format_price(screen.trades[0].price, screen.tick) if screen.trades else "-"
    return Text(f"{last:>9}  last   spread {ticks} tick{'s' * (ticks != 1)}", style="bold yellow")


def _trades_panel(screen: Screen, rows: int) -> Panel:
    lines = [
        Text.assemble(
            (f"{trade.clock} ", FAINT),
            (f"{format_price(trade.price, screen.tick):>9} ", _TAKERS[trade.bought][1]),
            (f"{trade.qty:>6,} ", ""),
            _TAKERS[trade.bought],
            no_wrap=True,
        )
        for trade in screen.trades[:rows]
    ]
    title = f"[{TITLE}]trades[/]"
    return Panel(Group(*lines), title=title, title_align="left", border_style=FAINT)


def _curve_panel(screen: Screen, columns: int, rows: int) -> Panel:
    body = Group(*curve_lines(screen.curve, screen.tick, columns, rows))
    title = f"[{TITLE}]{screen.curve_name} curve[/]  {shape(screen.curve)}"
    note = f"[{FAINT}]● market   ─ previous settlement[/]"
    return Panel(
        body, title=title, title_align="left", subtitle=note, subtitle_align="right",
        border_style=FAINT,
    )  # fmt: skip


def _footer(screen: Screen, rows: int) -> Group:
    rates = screen.rates
    now = Text.assemble(
        (" a second  ", FAINT),
        (f"{rates.requests:,.0f}", "bold"), (" requests  ", ""),
        (f"{rates.reports:,.0f}", "bold"), (" reports  ", ""),
        (f"{rates.trades:,.0f}", "bold"), (" trades  ", ""),
        (f"{rates.packets:,.0f}", "bold"), (" packets", ""),
        no_wrap=True, overflow="ellipsis",
    )  # fmt: skip
    total = Text.assemble(
        (" in all    ", FAINT),
        (f"{rates.requests_total:,}", "bold"), (" requests  ", ""),
        (f"{rates.trades_total:,}", "bold"), (" trades  ", ""),
        (f"{rates.lots_total:,}", "bold"), (" lots", ""),
        no_wrap=True, overflow="ellipsis",
    )  # fmt: skip
    members = Text(" sent  ", style=FAINT, no_wrap=True, overflow="ellipsis")
    for name, sent in screen.members:
        members.append(f"{name} ", "default").append(f"{_short(sent)}  ", "bold")
    return Group(*(now, total, members)[:rows])


def _short(count: int) -> str:
    """A count in at most five characters."""
    if count < 10_000:
        return str(count)
    return f"{count / 1000:.0f}k" if count < 10_000_000 else f"{count / 1_000_000:.0f}M"
