"""What the calendar asks of the venue, step by step: phases begin, trading dates end.

Pure: it knows hours and trading dates, neither engine nor clock. A step that is due stays until it
is done, so one that could not be journaled comes again.

Source: specs/calendar.md C-8, C-9.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from datetime import date
from typing import NamedTuple

from specs.sessions import Hours, schedule


class Step(NamedTuple):
    """A phase of a product begins; or, without a phase, its `trading_date` does."""

    time_ns: int  # venue clock
    order: int  # of the product: steps of one instant come in the order of the products
    code: str
    trading_date: date
    phase: str
    end_ns: int  # of the phase

    @property
    def is_roll(self) -> bool:
        """Whether the trading date before ends."""
        return not self.phase


class Plan(NamedTuple):
    """A product's hours and the trading date it is in.

    set_until_ns: when the phase that is set ends, 0: none was ever set.
    """

    code: str
    hours: Hours
    trading_date: date
    set_until_ns: int = 0


class Timetable:
    """The steps of all products: from where their phases end, or, the first time, `since_ns` (C-8).

    The first time a product's first step is the phase that holds then.
    """

    def __init__(self, plans: Iterable[Plan], since_ns: int) -> None:
        runs = [_steps(order, plan, since_ns) for order, plan in enumerate(plans)]
        self._rest = heapq.merge(*runs)
        self._head: Step | None = next(self._rest, None)
        self._batch = self._gather()

    @property
    def next_ns(self) -> int:
        """When the next step is due."""
        return self._batch[0].time_ns

    def due(self, now_ns: int) -> list[Step]:
        """What is to be done next, if it is due: phases that begin together, or one end of a date.

        The same again until done() is called.
        """
        return self._batch if self._batch[0].time_ns <= now_ns else []

    def done(self) -> None:
        """What due() gave is journaled."""
        self._batch = self._gather()

    def _gather(self) -> list[Step]:
        batch: list[Step] = []
        while self._head is not None:
            if batch and (self._head.is_roll or self._head.time_ns != batch[0].time_ns):
                break
            batch.append(self._head)
            self._head = next(self._rest, None)
            if batch[0].is_roll:
                break
        assert batch, "a catalogue has products, and their days have no end"
        return batch


def _steps(order: int, plan: Plan, since_ns: int) -> Iterator[Step]:
    """A product's steps, trading date after trading date."""
    code, hours = plan.code, plan.hours
    day = hours.calendar.on_or_after(plan.trading_date)
    rows = schedule(hours, day)
    if plan.set_until_ns:
        rows = [row for row in rows if row.time_ns >= plan.set_until_ns]
    else:
        rows = [row for row in rows if row.end_ns > since_ns or row.time_ns >= since_ns]
        if rows and rows[0].time_ns > since_ns:
            # a trading date that has not begun: a venue without a schedule was further on
            yield Step(since_ns, order, code, day, "CLOSED", rows[0].time_ns)
    while True:
        for row in rows:
            yield Step(row.time_ns, order, code, day, row.phase, row.end_ns)
        end_ns = hours.end_ns(day)
        day = hours.calendar.next_business_day(day)
        yield Step(end_ns, order, code, day, "", 0)
        rows = schedule(hours, day)
