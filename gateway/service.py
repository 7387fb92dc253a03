"""The running venue: its parts wired in data-flow order, its clocks, its start and its end.

The composition root. Nothing here knows what a message means: lines bring bytes to Venue, Venue
turns them, and this file calls what is due by time.

Source: docs/decisions/0101-journal-format.md (recovery), specs/venue.toml.
"""

from __future__ import annotations

import asyncio
import gc
import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from engine.limits import ORDERS_BOUND, REQUESTS_BOUND, EngineLimits
from engine.sequencer import Sequencer
from engine.storage import NoRoom, StorageFailed
from engine.turn import VenueHalted
from gateway.administration import Administration
from gateway.assembly import Assembly, assemble
from gateway.clock import start_clock
from gateway.day_report import DayReports
from gateway.feed_process import FeedProcesses
from gateway.liveness import SECOND_NS
from gateway.operator import OperatorDesk
from gateway.server import Line, Listener
from gateway.statistics import Health
from gateway.tls import server_context
from gateway.watch import Watch
from specs.calendar import parse_zone, to_yyyymmdd
from specs.products import Catalogue
from specs.venue import DEFAULT_VENUE, VenueConfig, VenueSource

TICK_S = 0.05
TICK_NS = round(TICK_S * SECOND_NS)
GOODBYE_S = 2.0  # for the answers to our Logouts
EXIT_OK, EXIT_STORAGE = 0, 3

Say = Callable[[str], None]


def print_line(text: str) -> None:
    """Says something on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def serve(
    config: VenueConfig,
    data_dir: Path,
    catalogue: Catalogue,
    say: Say = print_line,
    *,
    source: VenueSource = DEFAULT_VENUE,
    start_ns: int | None = None,
    speed: int = 1,
) -> int:
    """Runs a venue until SIGTERM or SIGINT; returns the process's exit code.

    Recovers what is in data_dir, says where it listens, then "ready". source: where `config` came
    from. start_ns: where the venue clock begins, None: now; speed: how many times as fast as real
    time it runs. Raises what Sequencer.open raises, SpecError for certificates that cannot be used,
    and OSError where an address is taken.
    """
    now_ns = time.time_ns()
    asked_ns = now_ns if start_ns is None else start_ns
    day = config.day.venue_day().at(asked_ns)
    data_dir.mkdir(parents=True, exist_ok=True)
    sequencer = Sequencer.open(
        data_dir,
        new_limits=engine_limits(config),
        durability=config.durability,
        now_ns=asked_ns,
        venue_day=to_yyyymmdd(day),
    )
    clock = start_clock(now_ns, asked_ns, sequencer.found_ns, speed)
    service: Service | None = None
    try:
        parts = assemble(sequencer, config, catalogue, now_ns, clock)
        service = Service(parts, config, data_dir, source, catalogue)
        await service.start(service.logged(say))
        return await service.run(service.logged(say))
    finally:
        if service is None:
            sequencer.abandon()
        else:
            await service.stop()


def engine_limits(config: VenueConfig) -> EngineLimits:
    """Tables that hold every member's quota at once, so that none can use up another's rows."""
    orders = sum(member.live_orders_max for member in config.members)
    requests = sum(member.requests_per_day_max for member in config.members)
    least = EngineLimits()
    orders_max = min(max(orders, least.orders_max), ORDERS_BOUND)
    return replace(
        least,
        orders_max=orders_max,
        requests_max=min(max(requests, least.requests_max, orders_max), REQUESTS_BOUND),
        members_max=max(least.members_max, len(config.members)),
        accounts_max=max(least.accounts_max, sum(len(one.accounts) for one in config.members)),
        sessions_max=max(least.sessions_max, sum(len(one.comp_ids) for one in config.members)),
    )


class Turns:
    """Goes on with lines that have more to say or to take: one in each round of the event loop.

    So what has come from all other lines is read before the next one goes on (O-172), however many
    of them there are and however often each asks.
    """

    def __init__(self, go_on: Callable[[Line], None]) -> None:
        self._go_on = go_on
        self._asked: dict[Line, None] = {}  # in order

    def __call__(self, line: Line) -> None:
        if not self._asked:
            asyncio.get_running_loop().call_soon(self._next)
        self._asked[line] = None

    def _next(self) -> None:
        line = next(iter(self._asked))
        del self._asked[line]
        if self._asked:
            asyncio.get_running_loop().call_soon(self._next)
        if line.open:
            self._go_on(line)


class Service:
    """One venue on the running event loop."""

    def __init__(
        self,
        parts: Assembly,
        config: VenueConfig,
        data_dir: Path,
        source: VenueSource,
        catalogue: Catalogue,
    ) -> None:
        self._source = source
        self._parts = parts
        self._config = config
        self._venue = parts.venue
        self._sequencer = parts.sequencer
        self._feed = FeedProcesses(config.feed, data_dir)
        self._day_reports = DayReports(data_dir)
        self._ended = asyncio.Event()
        self._sync_wanted = asyncio.Event()
        self._health = Health(lambda: self._feed.starts)
        self._administration = Administration(
            parts, config, source, catalogue, lambda: self._listener, self._health
        )
        self._watch = Watch(parts, config.operator, data_dir, self._administration)
        self._operators = OperatorDesk(data_dir, self._watch.act)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="sync")
        self._listener: Listener | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._failure: BaseException | None = None
        self._grace_ends_ns = time.time_ns() + config.fix.reconnect_grace_seconds * SECOND_NS
        self._said_halt = ""

    def logged(self, say: Say) -> Say:
        """`say`, and a line in the log."""

        def both(text: str) -> None:
            say(text)
            self._watch.say(text)

        return both

    async def start(self, say: Say) -> None:
        """Feed first, then FIX; says where they listen.

        Only the FIX address is taken before the feed starts: of two venues that were given the
        same addresses one goes on alone.
        """
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(self._take_exception)
        config, venue = self._config, self._venue
        venue.on_sync = self._sync_wanted.set
        venue.on_due = Turns(venue.on_deadline)
        venue.tell = self._feed.notifier.tell
        self._feed.notifier.number = self._sequencer.events_durable()
        if self._sequencer.fault is None:
            tls = config.fix.tls
            context = None if tls is None else server_context(tls, self._source.file)
            listener = Listener(lambda: Line(venue, config.fix), config.fix, context)
            listener.bind()
            self._listener = listener
        if not await self._feed.start():
            say("feed: not ready yet")
        if self._listener is not None:
            self._listener.start()
            try:
                await self._operators.start()
            except OSError as error:
                say(f"no operator can be heard at {self._operators.path}: {error}")
        self._watch.start(loop)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ended.set)
        if self._sequencer.fault is None:
            self._tasks = [loop.create_task(self._tick(say))]
        if config.durability == "fsync":
            self._tasks.append(loop.create_task(self._sync(loop)))
        gc.collect()
        gc.freeze()
        self._parts.clock.start(time.time_ns())
        for text in self._welcome():
            say(text)

    def _welcome(self) -> list[str]:
        config = self._config
        feed = config.feed
        port = self._listener.port if self._listener else config.fix.port
        protocol = "FIX 4.4" if config.fix.tls is None else "FIX 4.4 over TLS 1.3"
        torn = [f"journal: {self._sequencer.torn}"] if self._sequencer.torn else []
        if self._sequencer.fault is not None:
            return [
                f"halted: {self._sequencer.halted}",
                "no member is served; the feed is. `sitex skip` passes over the command",
                "ready",
            ]
        return [
            *torn,
            f"venue day {self._parts.days.today}, {self._sequencer.command_count} commands so far, "
            f"durability {config.durability}",
            *self._hours(),
            f"{protocol} on {config.fix.host}:{port}, TargetCompID {config.target_comp_id}, "
            "members " + " ".join(member.name for member in config.members),
            f"market data on {feed.line_a.group}:{feed.line_a.port} and "
            f"{feed.line_b.group}:{feed.line_b.port} via {feed.interface}, recovery on "
            f"{feed.recovery_host}:{feed.recovery_port}",
            *(
                f"market data of {' '.join(group.products)} on {group.line_a.group}:"
                f"{group.line_a.port} and {group.line_b.group}:{group.line_b.port}, recovery on "
                f"{feed.recovery_host}:{group.recovery_port}"
                for group in feed.groups
            ),
            "ready",
        ]

    def _hours(self) -> list[str]:
        """What is not as usual of the venue's clock and hours."""
        said = ["products keep the hours of the calendar"] if self._config.day.schedule else []
        clock = self._parts.clock
        if not clock.is_real:
            zone = parse_zone(self._config.day.time_zone)
            shown = datetime.fromtimestamp(clock.at(time.time_ns()) // SECOND_NS, zone)
            said.append(
                f"venue clock {shown:%Y-%m-%d %H:%M:%S %z}, {clock.speed:,} times real time"
            )
        return said

    async def run(self, say: Say) -> int:
        """Until a signal or a failure; the exit code."""
        await self._ended.wait()
        if self._failure is not None:
            say(f"the venue stops: {self._failure}")
            return EXIT_STORAGE if isinstance(self._failure, StorageFailed) else 1
        say("stopping: members are logged out")
        return EXIT_OK

    async def stop(self) -> None:
        """Members are logged out, the journal is closed, the feed publishes the rest."""
        if self._listener:
            self._listener.close()
        await self._operators.stop()
        await self._day_reports.stop()
        await self._watch.stop_metrics()
        failed = self._failure is not None or self._sequencer.fault is not None
        if not failed:
            await self._say_goodbye()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._pool.shutdown(wait=True)
        if failed:
            self._sequencer.abandon()
        else:
            self._parts.save()
            self._sequencer.sync()
            self._venue.release()
            self._feed.notifier.tell(self._sequencer.events_durable())
            self._sequencer.close()
        self._watch.close()
        await self._feed.stop()

    async def _say_goodbye(self) -> None:
        venue = self._venue
        venue.log_out("venue closes")
        deadline = time.monotonic() + GOODBYE_S
        while venue.lines and time.monotonic() < deadline:
            await asyncio.sleep(TICK_S / 5)
        for line in list(venue.lines.values()):
            line.close()

    def _fail(self, error: BaseException) -> None:
        self._failure = self._failure or error
        self._ended.set()

    def _take_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """An exception nobody took: a programmer's error or a dead disk stops the venue."""
        loop.default_exception_handler(context)
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, ConnectionError):
            self._fail(error)

    async def _sync(self, loop: asyncio.AbstractEventLoop) -> None:
        """Brings turns to the disk, one fdatasync for all that gathered, and releases answers."""
        while True:
            await self._sync_wanted.wait()
            self._sync_wanted.clear()
            began_ns = time.time_ns()
            try:
                await loop.run_in_executor(self._pool, self._sequencer.sync)
                self._venue.release()
                now_ns = time.time_ns()
                self._health.disk.take(now_ns - began_ns, now_ns)
            except StorageFailed as error:
                self._fail(error)
                return

    async def _tick(self, say: Say) -> None:
        """Deadlines of lines, the end of the day, a halt that ends, sessions that stay away."""
        while True:
            due_ns = time.time_ns() + TICK_NS
            await asyncio.sleep(TICK_S)
            now_ns = time.time_ns()
            self._health.turns.take(now_ns - due_ns, now_ns)
            try:
                self._turn_of_clock(now_ns, say)
            except (StorageFailed, AssertionError) as error:
                self._fail(error)
                return
            except (NoRoom, VenueHalted):
                continue  # a full disk: said by then, and tried again

    def _turn_of_clock(self, now_ns: int, say: Say) -> None:
        venue = self._venue
        for line in list(venue.lines.values()):
            deadline_ns = line.session.next_deadline_ns
            if deadline_ns == 0:
                venue.on_due(line)
            elif deadline_ns <= now_ns:
                venue.on_deadline(line)
        self._administration.rates.sample(now_ns)
        venue.tell_market(now_ns)
        venue_ns = self._parts.clock.at(now_ns)
        rows = self._sequencer.poll()
        if rows:
            venue.report(rows, now_ns)
        if self._sequencer.halted != self._said_halt:
            self._said_halt = self._sequencer.halted
            say(f"halted: {self._said_halt}" if self._said_halt else "resumed")
        self._parts.run_schedule(now_ns)
        self._parts.keep_hours(now_ns)
        venue.end_graces(now_ns)
        if self._parts.days.is_over(venue_ns) and not self._said_halt:
            ended = self._parts.days.today
            self._parts.end_day(now_ns)
            say(f"venue day {self._parts.days.today}")
            self._day_reports.begin(ended, say)
        if self._grace_ends_ns and now_ns > self._grace_ends_ns:
            self._grace_ends_ns = 0
            self._parts.end_grace(now_ns)
