"""Prometheus metrics on a loopback port: read of the venue when they are asked for.

The library's server answers in a thread of its own; `look` brings it the venue's statistics from
the event loop, so that nothing is read in the middle of a turn. Needs the extra [operator].

Source: docs/decisions/0161-operator.md; the names follow Prometheus' own advice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from gateway.states import State
from gateway.statistics import VenueStatistics

HOST = "127.0.0.1"
_VENUE = (  # name, kind, help, field
    ("sitex_commands", CounterMetricFamily, "Commands journaled.", "commands"),
    ("sitex_events", CounterMetricFamily, "Events of them.", "events"),
    ("sitex_journal_bytes", CounterMetricFamily, "Bytes journaled.", "journal_bytes"),
    ("sitex_journal_durable_bytes", CounterMetricFamily, "Of them on the disk.",
     "journal_durable_bytes"),
    ("sitex_connections", GaugeMetricFamily, "Open FIX connections.", "connections"),
    ("sitex_connections_refused", CounterMetricFamily, "Connections beyond a bound.",
     "connections_refused"),
    ("sitex_sessions_active", GaugeMetricFamily, "Sessions logged on.", "sessions_active"),
    ("sitex_logons_failed", CounterMetricFamily, "Logons without proof.", "logons_failed"),
    ("sitex_logons_turned_away", CounterMetricFamily, "Logons tried too often.",
     "logons_turned_away"),
    ("sitex_connections_cut_off", CounterMetricFamily, "Connections that did not read.",
     "cut_off"),
)  # fmt: skip
_SESSION = (
    ("sitex_session_in", CounterMetricFamily, "Messages taken since the numbers began.",
     lambda one: one.expected_in - 1),
    ("sitex_session_out", CounterMetricFamily, "Messages sent since the numbers began.",
     lambda one: one.next_out - 1),
    ("sitex_session_active", GaugeMetricFamily, "1: logged on.",
     lambda one: int(one.state == State.ACTIVE.name)),
    ("sitex_session_unread_bytes", GaugeMetricFamily, "Received, not taken.",
     lambda one: one.unread_bytes),
    ("sitex_session_unsent_bytes", GaugeMetricFamily, "Written, not taken by the peer.",
     lambda one: one.unsent_bytes),
    ("sitex_session_throttled", CounterMetricFamily, "Messages refused by the rate.",
     lambda one: one.throttled),
    ("sitex_session_killed", GaugeMetricFamily, "1: by the kill switch.",
     lambda one: int(one.killed)),
)  # fmt: skip


class VenueCollector:
    """What a scrape gives. look: the statistics of this moment."""

    def __init__(self, look: Callable[[], VenueStatistics]) -> None:
        self._look = look

    def collect(self) -> Iterator[Metric]:
        """See prometheus_client: every metric of the venue, then of its sessions."""
        seen = self._look()
        for name, kind, text, field in _VENUE:
            yield kind(name, text, value=getattr(seen, field))
        yield GaugeMetricFamily("sitex_halted", "1: no command is taken.", int(bool(seen.halted)))
        for name, kind, text, value in _SESSION:
            metric = kind(name, text, labels=("session", "member"))
            for one in seen.sessions:
                metric.add_metric((one.session, one.member), value(one))
            yield metric


def start_metrics(port: int, look: Callable[[], VenueStatistics]) -> Callable[[], None]:
    """Serves http://127.0.0.1:port/metrics; returns what ends it. Raises OSError."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(VenueCollector(look))  # type: ignore[arg-type]
    server, thread = start_http_server(port, HOST, registry)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
