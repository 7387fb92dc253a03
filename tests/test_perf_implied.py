"""The flow of the row engine.implied: on a prefix the twin has the same events, all of them.

Source: specs/matching.md M-240 to M-246.
"""

from __future__ import annotations

import numpy as np
import pytest

from engine.limits import EngineLimits
from engine.machine import Engine
from engine.types import COMMAND, EVENT, EventKind
from perf.engine_implied import EXPIRIES, ImpliedFlow, count_events, definitions, spreads_of
from tests.build import PLAIN_FIELDS, ROW_DTYPES
from tests.exchanges import NaiveVenue

PREFIX = 1_500


def as_dict(command: np.void, blobs: np.ndarray) -> dict:
    """A COMMAND row as the naive exchange takes it."""
    made = {name: int(command[name]) for name in PLAIN_FIELDS}
    for name in ("cl_ord_id", "orig_cl_ord_id"):
        made[name] = tuple(int(command[f"{name}_{word}"]) for word in range(3))
    dtype = ROW_DTYPES.get(made["kind"])
    made["row"], made["blob"] = None, b""
    if dtype is not None:
        first = int(command["blob_offset"])
        row = blobs[first : first + dtype.itemsize].view(dtype)[0]
        made["row"] = dict(zip(dtype.names or (), row.tolist(), strict=True))
    return made


@pytest.mark.kernels
def test_counts_are_the_twins() -> None:
    instruments = EXPIRIES + len(spreads_of(EXPIRIES))
    limits = EngineLimits(
        orders_max=10_000,
        requests_max=10_000,
        instruments_max=instruments,
        members_max=7,
        accounts_max=7,
        sessions_max=7,
        levels_max=1 << 18,
    )
    naive = NaiveVenue(limits)
    defined, blobs = definitions(EXPIRIES, with_spreads=True)
    orders = ImpliedFlow(EXPIRIES, instruments).next(PREFIX)
    commands = [as_dict(one, blobs) for one in np.concatenate([defined, orders])]
    wanted = [event for one in naive.run(commands) for event in one]
    engine = Engine(limits)
    rows = np.zeros(64 * PREFIX, EVENT)
    first = engine.apply(defined, blobs, rows)[1]
    produced = first + engine.apply(orders, blobs[:0], rows[first:])[1]
    assert orders.dtype == COMMAND
    told = np.array([tuple(event[name] for name in EVENT.names) for event in wanted], EVENT)
    assert count_events(rows[:produced]) == count_events(told)
    assert rows[:produced].tobytes() == told.tobytes()
    assert count_events(told)["implied trades"] > 20
    assert (told["kind"] == EventKind.IMPLIED).sum() > 100
