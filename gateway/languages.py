"""Which dialect a connection speaks: FIX 4.4, or FIXT.1.1 with FIX 5.0 SP2.

The first message's BeginString (8) decides, within what the session may speak. From then on the
session's messages are read, decoded and written by that dialect's tables.

Source: specs/order_entry.md O-128; docs/decisions/0164-two-dialects.md.
"""

from __future__ import annotations

import numpy as np

from gateway.counterparty import Counterparty
from gateway.tables import Found, Tables
from gateway.types import BEGIN_STRINGS, FIXT_BEGIN_STRING

_FIXT_START = b"8=%b\x01" % FIXT_BEGIN_STRING
ANY = "any"


class Languages:
    """The tables of both dialects. Its `read` is for who has not logged on yet."""

    def __init__(self, tables: Tables) -> None:
        self._tables = (tables, tables.fixt())

    def read(self, buf: np.ndarray, start: int, end: int) -> Found:
        """As Tables.read, by the dialect that the bytes begin in."""
        first = buf[start : min(end, start + len(_FIXT_START))].tobytes()
        return self._tables[int(first == _FIXT_START)].read(buf, start, end)

    def speak(self, party: Counterparty, begin_string: bytes) -> Tables | None:
        """The party's messages are this dialect's from now on; None: it does not speak that.

        Only while nobody else is logged on as this party.
        """
        if begin_string not in BEGIN_STRINGS:
            return None
        if party.options.begin_string not in (ANY, begin_string.decode()):
            return None
        dialect = BEGIN_STRINGS.index(begin_string)
        party.header = party.header._replace(begin_string=begin_string)
        self._tables[0].speak(party.session, party.peer, party.own, dialect)
        return self._tables[dialect]
