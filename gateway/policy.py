"""What a session is given from outside: its times and limits, and who reads messages for it.

Source: specs/venue.toml, section fix; gateway/tables.py.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from gateway.liveness import SECOND_NS
from gateway.message import Message
from gateway.types import Read


@dataclass(frozen=True, slots=True)
class Policy:
    """What venue.toml sets for all sessions; times in ns or as named."""

    logon_timeout_ns: int = 10 * SECOND_NS
    logout_timeout_ns: int = 10 * SECOND_NS
    heartbeat_seconds_max: int = 3_600
    throttled_seconds_max: int = 10  # in a row, with refusals; then the session is thrown out
    stale_ns: int = 60 * SECOND_NS  # a new order with PossDup first sent longer ago is refused


class Reader(Protocol):
    """Framing and dialect: gateway/tables.py."""

    def read(self, buf: np.ndarray, start: int, end: int) -> tuple[Read, int, Message | None]:
        """What lies at the start of buf[start:end]: kind, bytes it takes, the message."""
