"""What the publisher reads: event rows by number, definitions by id.

Two narrow interfaces, so that the publisher runs on arrays in a test and on the venue's files in
the service. The implementations are engine/eventlog's EventReader and engine/definitions.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

import numpy as np


class Definitions(Protocol):
    """Rows of products and instruments."""

    def product(self, product: int) -> np.void:
        """PRODUCT row of an id; KeyError if there is none."""

    def instrument(self, instrument: int) -> np.void:
        """INSTRUMENT row of an id; KeyError if there is none."""


class Events(Protocol):
    """The event log."""

    def rows(self, first: int, count: int) -> Iterable[np.ndarray]:
        """EVENT rows `first` to `first + count - 1`, as one array per file they lie in."""
