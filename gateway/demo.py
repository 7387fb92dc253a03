"""`sitex demo`: a venue on a fast day, six members trading over FIX, the market in the terminal.

Wiring only. The venue is a child process, almost a `sitex serve`; members, subscriber and view live
here, on one event loop. Ends by itself, by Ctrl-C, SIGTERM or a closed terminal, or by a failure;
in each case members log out, the venue stops cleanly, and the temporary data directory goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import tempfile
import time
from collections import deque
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.live import Live

from engine.types import PRICE_SCALE, Side
from feed.multicast import Line
from feed.subscriber import Subscriber
from gateway.cli_makers import maker_lines
from gateway.cli_outlets import require_console
from gateway.cli_serve import USAGE_ERROR, print_line, run_on_loop
from gateway.client import Client, member_reader
from gateway.clock import NEVER_NS, opening_ns, parse_speed
from gateway.demo_day import (
    CLOCK,
    DAYS_AHEAD,
    SHOCK_SHARE,
    Taking,
    VenueTime,
    demo_catalogue,
    first_date,
    shock_ns,
)
from gateway.demo_desk import Desk
from gateway.demo_feed import MarketWatch
from gateway.demo_market import Market
from gateway.demo_members import Trader, traders
from gateway.demo_summary import Summary, count_journal
from gateway.demo_venue import HOST, DemoVenue, Ports, VenueEndedError
from gateway.demo_view import Rates, Screen, plain_line, render, save_picture
from gateway.warmup import warm_up
from specs.calendar import from_yyyymmdd
from specs.loading import SpecError
from specs.products import PRODUCTS_FILE, Catalogue, load_products
from specs.venue import VenueConfig, load_venue

TURN_S = 0.05  # traders act this often
FRAME_S = 0.2  # the view is drawn this often
LINE_S = 1.0  # without a terminal
SETTLE_S = 10.0  # at the end, for answers and the feed to arrive
DYING_S = 2.0  # between a broken line and the end of the process behind it
_RATE_WINDOW_S = 2.0


class DemoTerms(NamedTuple):
    """What was asked on the command line.

    seconds None: until Ctrl-C; port None: any free one; clock: of the venue, fast:N or real;
    data: an empty directory that keeps the journal; picture: an SVG of the last frame; console: the
    port of the market page.
    """

    seconds: float | None
    seed: int
    product: str
    port: int | None
    clock: str = CLOCK
    data: Path | None = None
    picture: Path | None = None
    console: int | None = None


def run_demo(terms: DemoTerms) -> int:
    """Runs the demo; returns the exit code: 0 when every count agrees with the journal."""
    try:
        speed = parse_speed(terms.clock)
    except ValueError as error:
        sys.stderr.write(f"sitex demo: {error}\n")
        return USAGE_ERROR
    console_port = [f"console.port={terms.console}"] if terms.console else []
    catalogue, config = demo_catalogue(load_products()), load_venue(overrides=console_port)
    if terms.product not in catalogue.codes:
        allowed = ", ".join(catalogue.codes)
        raise SpecError(PRODUCTS_FILE, "$.product", f"no product {terms.product!r}", allowed)
    if terms.console is not None:
        require_console()
    if terms.data is not None and terms.data.exists() and any(terms.data.iterdir()):
        sys.stderr.write(f"sitex demo: {terms.data} holds something; allowed: an empty directory\n")
        return USAGE_ERROR
    console = Console(highlight=False)
    warm_up(print_line)
    return run_on_loop(_run(terms, speed, catalogue, config, console))


async def _run(
    terms: DemoTerms, speed: int, catalogue: Catalogue, config: VenueConfig, console: Console
) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    day = first_date(catalogue.product(terms.product).hours, datetime.now(UTC).date())
    clock = VenueTime(speed, opening_ns(catalogue, day))
    with tempfile.TemporaryDirectory(prefix="sitex-demo-") as folder:
        data_dir = terms.data or Path(folder)
        try:
            venue = DemoVenue(data_dir, config, terms.port, terms.clock, day, print_line)
            async with venue:
                demo = Demo(terms, catalogue, day, clock, venue.ports, config)
                await demo.run(venue, stop, console)
        except (VenueEndedError, OSError) as error:
            sys.stderr.write(f"sitex demo: {error or type(error).__name__}\n")
            return 1
        summary = demo.summary(data_dir, maker_lines(data_dir, catalogue))
    console.print(summary.table())
    for line in summary.lines():
        console.print(line, soft_wrap=True)
    return 0 if summary.agrees else 1


class Demo:
    """Members, market and view of one demo."""

    def __init__(
        self,
        terms: DemoTerms,
        catalogue: Catalogue,
        day: date,
        clock: VenueTime,
        ports: Ports,
        config: VenueConfig,
    ) -> None:
        self._terms = terms
        self._product = catalogue.product(terms.product)
        self._market = Market(catalogue, day, terms.seed, DAYS_AHEAD)
        self._clock = clock
        self._trading_date = day
        self._shock_ns = shock_ns(self._product.hours, day)
        self._ports = ports
        self._config = config
        self._clients: list[Client] = []
        self._desks: list[Desk] = []
        self._traders: list[Trader] = []
        self._watch: MarketWatch
        self._started_s = 0.0
        self._seconds = 0.0
        self._history: deque[tuple[float, int, int, int, int]] = deque()

    async def run(self, venue: DemoVenue, stop: asyncio.Event, console: Console) -> None:
        """Trades until `stop` or the time is over; raises VenueEndedError, ConnectionError."""
        feed = self._config.feed
        lines = (
            Line(feed.line_a.group, self._ports.line_a),
            Line(feed.line_b.group, self._ports.line_b),
        )
        curve = self._market.symbols(self._terms.product)[:10]
        async with Subscriber(lines, (HOST, self._ports.recovery), feed.interface) as subscriber:
            self._watch = MarketWatch(
                subscriber, curve[0], curve, self._clock, self._product.tick_units
            )
            ended = asyncio.create_task(venue.ended())
            tasks = [asyncio.create_task(self._watch.run()), ended]
            try:
                await self._connect()
                await self._trade(stop, tasks, console)
                if self._terms.picture is not None:
                    save_picture(self._screen(), self._terms.picture)
                await self._settle()
            except ConnectionError:
                # a venue that died says more than the line that broke
                await asyncio.wait([ended], timeout=DYING_S)
                if ended.done():
                    ended.result()
                raise
            finally:
                for client in self._clients:
                    with contextlib.suppress(OSError):
                        await client.close("the demo is over")
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def summary(self, data_dir: Path, makers: list[str]) -> Summary:
        """What was counted here, beside the journal of the stopped venue."""
        watch = self._watch
        return Summary(
            self._seconds,
            self._desks,
            watch.trade_count,
            watch.lots,
            count_journal(data_dir),
            makers,
        )

    async def _connect(self) -> None:
        reader = member_reader()
        desks: dict[str, Desk] = {}

        def desk_of(name: str) -> Desk:
            client = Client(
                HOST,
                self._ports.fix,
                name,
                reader=reader,
                on_message=lambda message: desk.take(message),
            )
            desk = Desk(name, client.send, time.time_ns)
            self._clients.append(client)
            desks[name] = desk
            return desk

        market, terms = self._market, self._terms
        self._traders = list(traders(market, terms.product, terms.seed, desk_of, self._watch.takes))
        self._desks = list(desks.values())
        for client in self._clients:
            await client.connect()

    async def _trade(
        self, stop: asyncio.Event, tasks: list[asyncio.Task[None]], console: Console
    ) -> None:
        self._started_s = last_s = time.monotonic()
        shown = contextlib.ExitStack()
        live = None
        if console.is_terminal:
            live = shown.enter_context(
                Live(console=console, screen=True, auto_refresh=False, transient=True)
            )
        next_frame_s = 0.0
        with shown:
            while not stop.is_set():
                now_s = time.monotonic()
                elapsed_s = self._seconds = now_s - self._started_s
                if self._terms.seconds is not None and elapsed_s >= self._terms.seconds:
                    return
                self._act(now_s - last_s, elapsed_s, tasks)
                last_s = now_s
                if elapsed_s >= next_frame_s:
                    next_frame_s = elapsed_s + (FRAME_S if live else LINE_S)
                    self._show(live, console)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), TURN_S)

    def _act(self, passed_s: float, elapsed_s: float, tasks: list[asyncio.Task[None]]) -> None:
        for task in tasks:
            if task.done():
                task.result()
        for client in self._clients:
            if client.ended:
                raise ConnectionError(f"{client.member.comp_id}: {client.ended}")
        self._follow_day()
        self._market.step(passed_s)
        for trader in self._traders:
            trader.act(elapsed_s)

    def _follow_day(self) -> None:
        """News once a trading date; prices around the last settlement; positions of today."""
        watch, market = self._watch, self._market
        shown = watch.limits(watch.symbol)
        if shown is not None and from_yyyymmdd(shown.trading_date) != self._trading_date:
            self._trading_date = from_yyyymmdd(shown.trading_date)
            self._shock_ns = shock_ns(self._product.hours, self._trading_date)
            for desk in self._desks:
                desk.begin_date()
            for symbol in market.contracts:
                limits = watch.limits(symbol)
                if limits is not None:
                    market.set_reference(symbol, limits.reference / PRICE_SCALE)
        now_ns = self._clock.at(time.monotonic_ns())
        if now_ns >= self._shock_ns and watch.takes(watch.symbol) == Taking.ALL:
            self._shock_ns = NEVER_NS
            share = market.jump(self._product.group, SHOCK_SHARE)
            watch.events.say(now_ns, f"news: {self._product.group} prices {share:+.0%}")

    async def _settle(self) -> None:
        """Waits for the last answers and for the feed; traders send nothing any more."""
        until_s = time.monotonic() + SETTLE_S
        while time.monotonic() < until_s:
            fills = sum(desk.counts.fills for desk in self._desks)
            waits = any(desk.waits for desk in self._desks)
            if not waits and fills == 2 * self._watch.trade_count:
                return
            await asyncio.sleep(TURN_S)

    def _show(self, live: Live | None, console: Console) -> None:
        screen = self._screen()
        if live is None:
            if screen.elapsed_s >= LINE_S:
                console.print(plain_line(screen), soft_wrap=True)
            return
        width, height = console.size
        live.update(render(screen, width, height), refresh=True)

    def _screen(self) -> Screen:
        watch, product = self._watch, self._product
        return Screen(
            symbol=watch.symbol,
            title="AI-token futures, simulated members over FIX",
            unit=product.quote_unit,
            tick=product.tick_units,
            bids=watch.levels(Side.BUY),
            asks=watch.levels(Side.SELL),
            trades=list(watch.trades),
            curve=watch.curve(),
            curve_name=product.code,
            rates=self._rates(),
            members=[(desk.name, desk.counts.sent) for desk in self._desks],
            elapsed_s=self._seconds,
            moment=watch.moment(),
            events=list(watch.events.lines),
            note=f"seed {self._terms.seed}{self._page()}",
        )

    def _page(self) -> str:
        port = self._terms.console
        return "" if port is None else f"  market page http://{HOST}:{port}"

    def _rates(self) -> Rates:
        watch = self._watch
        sent = sum(desk.counts.sent for desk in self._desks)
        reports = sum(desk.counts.reports for desk in self._desks)
        now = (self._seconds, sent, reports, watch.trade_count, watch.packets)
        history = self._history
        history.append(now)
        while len(history) > 2 and history[1][0] <= now[0] - _RATE_WINDOW_S:
            history.popleft()
        then = history[0]
        passed_s = max(now[0] - then[0], 1e-9) if len(history) > 1 else 1.0
        requests, got, trades, packets = (
            (new - old) / passed_s for new, old in zip(now[1:], then[1:], strict=True)
        )
        return Rates(requests, got, trades, packets, sent, watch.trade_count, watch.lots)
