"""What a member is told of the instruments that are listed: SecurityList and SecurityDefinition.

Read from the engine's tables and the definitions when somebody asks. A list goes out in fragments
of a bounded size, so that a member with a small message limit can read it.

Source: specs/order_entry.md O-71 to O-73.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np

from engine.machine import Engine
from engine.sequencer import Sequencer
from engine.types import Currency
from gateway.definitions import Known
from gateway.market_status import Said
from gateway.message import Field, Message
from gateway.values import format_price

SECURITY_LIST, SECURITY_DEFINITION = b"x", b"c"
BY_SYMBOL, BY_TYPE, BY_SESSION, ALL = b"0", b"1", b"3", b"4"  # SecurityListRequestType (559)
VALID, UNSUPPORTED, NONE_FOUND = 0, 1, 2  # SecurityRequestResult (560)
IDENTITY, IDENTITY_AS_GIVEN = b"0", b"1"  # SecurityRequestType (321)
ACCEPTED, REJECTED, NO_MATCH = 1, 5, 6  # SecurityResponseType (323)
FUTURE, SPREAD = b"FUT", b"MLEG"  # SecurityType (167)
FRAGMENT_SYMBOLS = 24


class ReferenceData:
    """Answers SecurityListRequest and SecurityDefinitionRequest."""

    def __init__(self, sequencer: Sequencer, known: Known) -> None:
        self._sequencer = sequencer
        self._known = known

    def securities(self, session: int, message: Message) -> Iterator[Said]:
        """SecurityList in fragments, one at a time (O-71); the last has 893=Y."""
        head: list[Field] = [(320, message.get(320) or b""), (322, message.seq_num or 0)]
        symbols = self._asked(message)
        if not symbols:
            result = UNSUPPORTED if symbols is None else NONE_FOUND
            yield Said(session, b"y", [*head, (560, result)])
            return
        for first in range(0, len(symbols), FRAGMENT_SYMBOLS):
            part = symbols[first : first + FRAGMENT_SYMBOLS]
            fields = [*head, (560, VALID), (393, len(symbols))]
            fields.append((893, "Y" if first + len(part) == len(symbols) else "N"))
            fields.append((146, len(part)))
            for symbol in part:
                fields += self._instrument(symbol)
            yield Said(session, b"y", fields)

    def definition(self, session: int, message: Message) -> Said:
        """SecurityDefinition of one instrument (O-72)."""
        head: list[Field] = [(320, message.get(320) or b""), (322, message.seq_num or 0)]
        symbol = message.get(55)
        if message.get(321) not in (IDENTITY, IDENTITY_AS_GIVEN) or symbol is None:
            text = "SecurityRequestType (321) 0 or 1 with a Symbol (55) is taken"
            return Said(session, b"d", [*head, (323, REJECTED), (58, text)])
        if symbol.decode("ascii", "replace") not in self._listed():
            return Said(
                session, b"d", [*head, (323, NO_MATCH), (55, symbol), (58, "unknown symbol")]
            )
        return Said(session, b"d", [*head, (323, ACCEPTED), *self._instrument(symbol.decode())])

    # -- helpers

    def _listed(self) -> dict[str, np.void]:
        """Definitions by symbol of the instruments that have not expired."""
        rows = cast(Engine, self._sequencer.engine).tables().instruments
        return {
            symbol: row
            for symbol, row in self._known.instruments.items()
            if not rows[int(row["instrument"])]["expired"]
        }

    def _asked(self, message: Message) -> list[str] | None:
        """Symbols in order; None: a kind of request that is not taken."""
        how = message.get(559)
        if message.get(263) not in (None, b"0"):
            return None
        listed = self._listed()
        if how == ALL:
            return sorted(listed)
        if how == BY_SYMBOL and message.get(55) is not None:
            return [symbol for symbol in listed if symbol.encode() == message.get(55)]
        if how == BY_TYPE and message.get(167) is not None:
            wanted = message.get(167)
            return sorted(name for name, row in listed.items() if _type_of(row) == wanted)
        if how == BY_SESSION and message.get(336) is not None:
            product = self._known.products.get(message.text(336))
            number = -1 if product is None else int(product["product"])
            return sorted(name for name, row in listed.items() if row["product"] == number)
        return None

    def _instrument(self, symbol: str) -> list[Field]:
        """What describes one instrument, in the order of the dialect's group."""
        row = self._known.instruments[symbol]
        code, product = self._known.product_of(row)
        state = cast(Engine, self._sequencer.engine).tables().instruments[int(row["instrument"])]
        fields: list[Field] = [(55, symbol), (167, _type_of(row))]
        if row["maturity"]:
            fields.append((200, int(row["maturity"])))
        fields += [
            (541, int(row["last_trading_date"])),
            (231, int(product["multiplier"])),
            (15, Currency(int(product["currency"])).name),
            (336, code),
            (969, format_price(int(product["tick"]))),
            (562, 1),
            (1140, int(product["qty_max"])),
            (5301, format_price(int(state["low"]))),
            (5302, format_price(int(state["high"]))),
            (5307, format_price(int(state["reference"]))),
        ]
        return fields + self._legs(row)

    def _legs(self, row: np.void) -> list[Field]:
        if not row["leg_1"]:
            return []
        names = {int(one["instrument"]): name for name, one in self._known.instruments.items()}
        fields: list[Field] = [(555, 2)]
        for leg, side in ((1, "1"), (2, "2")):
            fields += [
                (600, names[int(row[f"leg_{leg}"])]),
                (624, side),
                (623, int(row[f"lots_{leg}"])),
            ]
        return fields


def _type_of(row: np.void) -> bytes:
    return SPREAD if row["leg_1"] else FUTURE
