"""A turn of few ordinary messages in one crossing: decoded, applied and reported, then journaled.

Each crossing into compiled code, and the Python between two of them, costs about as much as the
work of one order. So what a member sends alone goes through `cross`, and where only that member is
told of it the rest is a straight line, too. Everything else, and whatever cross leaves, takes the
way of Venue.take. Both ways give the same events, reports and journal.

Source: docs/decisions/0122-short-turns.md; specs/order_entry.md O-10, O-14; specs/matching.md M-1.
"""

from __future__ import annotations

import numpy as np

from engine.eventlog import EventRows
from engine.kernel import kernel
from engine.layout import HEADER, Work
from engine.sequencer import Sequencer
from engine.step import step
from engine.types import COMMAND
from engine.venue_day import ENGINE_FAULTS, NO_BLOBS
from gateway.acceptor import Acceptor
from gateway.orders import decode_orders
from gateway.reporter import Reporter
from gateway.reports import encode_reports
from gateway.store import SessionStore
from gateway.types import READ_SLACK_BYTES

SHORT_BYTES_MAX = 2_048  # of a read
ROWS_MAX = 16  # commands of one crossing
_ROW = COMMAND.itemsize
_HEADER_BYTES = HEADER.itemsize


class ShortTurns:
    """Takes short reads of sessions that are logged on. arena: Tables.arena."""

    def __init__(
        self, arena: np.ndarray, sequencer: Sequencer, reporter: Reporter, store: SessionStore
    ) -> None:
        self._arena = arena
        self._sequencer = sequencer
        self._reporter = reporter
        self._store = store
        self._commands = np.zeros(ROWS_MAX, COMMAND)
        self._raw = memoryview(self._commands.data).cast("B")

    def load(self) -> None:
        """Loads the kernel's machine code, so that the first order does not wait for it."""
        self._cross(0, np.zeros(READ_SLACK_BYTES, np.uint8), 0, 0, 0)

    def take(
        self, session: Acceptor, buffer: np.ndarray, start: int, end: int, now_ns: int
    ) -> tuple[int, bytes]:
        """Takes ordinary messages from the start of buffer[start:end] through the whole venue.

        Returns (bytes consumed, bytes to send). With bytes to send the turn is journaled and these
        are all that is to be said; without, the caller finishes the turn. Raises as
        Sequencer.submit.
        """
        sequencer, reporter = self._sequencer, self._reporter
        party = session.ready(ROWS_MAX, now_ns)
        if (
            party is None
            or reporter.inquiries.market.watched
            or not sequencer.can_apply(ROWS_MAX, now_ns)
        ):
            return 0, b""
        try:
            consumed, rows, applied, produced, reported, spans, size = self._cross(
                party.session, buffer, start, end, now_ns
            )
        except ENGINE_FAULTS as error:
            raise sequencer.engine_failed(self._commands, error) from error
        if rows == 0:
            return consumed, b""
        session.took(rows, now_ns)
        if size and not self._store.urgent:
            through = sequencer.write_applied(self._raw[: rows * _ROW], rows, now_ns, produced)
            return consumed, reporter.put_plain(party.session, reported, size, through)
        self._report(rows, applied, produced, reported, spans, now_ns)
        return consumed, b""

    def _report(
        self, rows: int, applied: int, produced: int, reported: int, spans: int, now_ns: int
    ) -> None:
        """What several members are told, or more than one call writes."""
        batch = self._commands[:rows]
        parts = self._sequencer.applied(batch, applied, produced)
        first, events = parts[0]
        self._reporter.put(spans, first + reported)
        if reported < produced:
            parts[0] = EventRows(first + reported, events[reported:])
            self._reporter.report(parts, batch, now_ns)
        elif len(parts) > 1:
            self._reporter.report(parts[1:], batch, now_ns)

    def _cross(
        self, session: int, buffer: np.ndarray, start: int, end: int, now_ns: int
    ) -> tuple[int, int, int, int, int, int, int]:
        sequencer = self._sequencer
        engine, events = sequencer.engine, sequencer.venue.events
        out, store_rows, told = self._reporter.room
        return cross(  # type: ignore[no-any-return]
            self._arena, buffer, start, end, session, self._commands, engine.arena,
            engine.requests, NO_BLOBS, events.rows, events.cursor, events.next_number, out,
            store_rows, told, now_ns,
        )  # fmt: skip


@kernel
def cross(
    arena, buf, start, end, session, commands, tables, requests, blobs, events, cursor,
    first_number, out, store_rows, told, now_ns,
):  # fmt: skip
    """Decode buf[start:end] into COMMAND rows, apply them, write their reports.

    Arguments as of decode_orders, step (tables: Engine.arena) and encode_reports (told: its SPANs);
    events: the segment's rows, of which the first free one is events[cursor].
    Returns (bytes consumed, rows written, rows applied, events produced, events taken for reports,
    spans, bytes): where everything is applied and `session` alone is told of it, a report an event
    and by rows that follow, the bytes of its reports; else 0.
    """
    consumed, rows, _ = decode_orders(arena, buf, start, end, session, commands, 0, now_ns)
    if rows == 0:
        return consumed, 0, 0, 0, 0, 0, 0
    batch = commands[:rows]
    free = events[cursor:]
    applied, produced = step(tables, requests, batch, blobs, free)
    reported, spans = encode_reports(
        arena, free[:produced], first_number, batch, requests, out, store_rows, now_ns
    )
    size = 0
    if (
        applied == rows
        and tables[:_HEADER_BYTES].view(HEADER)[0]["work"] == Work.NONE
        and spans == 1
        and told[0]["session"] == session
        and told[0]["odd"] == 0
        and np.int64(told[0]["store_count"]) == produced
    ):
        size = np.int64(told[0]["out_end"])
    return consumed, rows, applied, produced, reported, spans, size
