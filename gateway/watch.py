"""An operator's view of a running venue: metrics, the log of sessions, what operators did.

Both are off unless venue.toml asks for them; then they cost a call a fact (a Logon, a lost line)
and nothing in a turn of orders.

Source: docs/decisions/0161-operator.md; specs/venue.toml, section operator.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from gateway.acceptor import Acceptor
from gateway.administration import Administration
from gateway.assembly import Assembly
from gateway.facts import Fact
from gateway.operator import Answer, Request
from gateway.operator import Statistics as AskStatistics
from gateway.session import Session
from gateway.statistics import VenueStatistics
from specs.venue import OperatorConfig

if TYPE_CHECKING:
    from gateway.event_log import EventLog

LOOK_S = 5.0  # that a scrape waits for the event loop


class Watch:
    """Metrics and log of one venue; `act` passes operators' requests on and logs them."""

    def __init__(
        self,
        parts: Assembly,
        config: OperatorConfig,
        data_dir: Path,
        administration: Administration,
    ) -> None:
        self._config = config
        self._administration = administration
        self._stop_metrics: Callable[[], None] | None = None
        self._log: EventLog | None = None
        if config.log:
            from gateway.event_log import EventLog

            self._log = EventLog(data_dir / config.log)
            parts.venue.on_fact = self._take_fact

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Serves metrics from now on, where there is a port for them; raises OSError."""
        if self._config.metrics_port:
            from gateway.metrics import start_metrics

            async def look() -> VenueStatistics:
                return self._administration.statistics(time.time_ns())

            self._stop_metrics = start_metrics(
                self._config.metrics_port,
                lambda: asyncio.run_coroutine_threadsafe(look(), loop).result(LOOK_S),
            )

    async def stop_metrics(self) -> None:
        """No more metrics; a scrape under way is answered."""
        if self._stop_metrics is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._stop_metrics)

    def close(self) -> None:
        """No more lines."""
        if self._log is not None:
            self._log.close()

    def act(self, request: Request) -> Answer:
        """Does what an operator asks; what is no mere question is logged."""
        now_ns = time.time_ns()
        answer = self._administration.act(request, now_ns)
        if self._log is not None and not isinstance(request, AskStatistics):
            asked = msgspec.json.encode(request).decode()
            session = getattr(request, "session", "")
            self._log.operator(session, asked, answer.done, answer.text, now_ns)
        return answer

    def say(self, text: str) -> None:
        """What the venue says on standard output stands in the log, too."""
        if self._log is not None:
            self._log.said(text, time.time_ns())

    def _take_fact(self, session: Session, fact: Fact) -> None:
        party = session.party
        address = session.origin.address if isinstance(session, Acceptor) else ""
        assert self._log is not None
        self._log.fact(party.peer.decode() if party else "", address, fact, time.time_ns())
