"""Halts and resumptions as an operator asks for them: journaled commands, and the words for both.

A halt holds until an operator lets it go; then the instrument has the phase that its product's
hours give it at that moment. Why stands in the journal in front of the commands.

Source: specs/matching.md M-215, M-216.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from engine.machine import Engine
from engine.turn import VenueHalted
from engine.types import COMMAND, PHASE, CommandKind, EventKind, Phase, PhaseReason
from gateway.assembly import Assembly
from gateway.operator import Answer, Halt, Request

ALL = "all"


class Interventions:
    """What operators may do to a running venue. Calls come between turns."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts

    def act(self, request: Request, now_ns: int) -> Answer:
        """Does what is asked, journaled and durable; or says why not. Raises StorageFailed.

        now_ns: session clock.
        """
        numbers = self._targets(request.target)
        if not numbers:
            return Answer(False, f"{request.target} is no instrument, product, or {ALL!r}")
        try:
            self._parts.run_schedule(now_ns)
            venue_ns = self._parts.clock.at(now_ns)
            halts = isinstance(request, Halt)
            rows = [row for n in numbers if (row := self._row(n, halts, venue_ns)) is not None]
            if not rows:
                state = "halted by an operator already" if halts else "not halted by an operator"
                return Answer(False, f"{request.target}: {state}")
            symbols = self._submit(rows, request.reason, venue_ns, now_ns)
        except VenueHalted as halt:
            return Answer(False, f"the venue is halted: {halt}")
        done = "halted" if halts else "resumed"
        return Answer(True, f"{done}: {' '.join(symbols)}")

    def _targets(self, target: str) -> list[int]:
        """Instruments that a symbol, a product code or `all` names, in order."""
        known = self._parts.registry.known
        instruments = known.instruments
        product = known.products.get(target)
        if target in instruments:
            return [int(instruments[target]["instrument"])]
        return sorted(
            int(row["instrument"])
            for row in instruments.values()
            if target == ALL or (product is not None and row["product"] == product["product"])
        )

    def _row(self, instrument: int, halts: bool, venue_ns: int) -> np.ndarray | None:
        """PHASE[1] that halts or resumes an instrument; None: it is so already, or expired."""
        tables = cast(Engine, self._parts.sequencer.engine).tables()
        held = tables.calls[instrument]["held"] != 0
        if tables.instruments[instrument]["expired"] or held == halts:
            return None
        made = np.zeros(1, PHASE)
        made["instrument"], made["reason"] = instrument, PhaseReason.OPERATOR
        product = int(tables.instruments[instrument]["product"])
        made["product"], made["phase"] = product, Phase.HALTED
        if not halts:
            phase, end_ns = self._parts.days.phase_at(product, venue_ns)
            made["phase"], made["scheduled_end_ns"] = phase, end_ns
        return made

    def _submit(self, rows: list[np.ndarray], reason: str, venue_ns: int, now_ns: int) -> list[str]:
        """The reason and the phases as one batch; the symbols whose phase changed."""
        parts = self._parts
        text = np.frombuffer(reason.encode(), np.uint8)
        commands = np.zeros(1 + len(rows), COMMAND)
        commands["kind"] = CommandKind.SET_PHASE
        commands["time_ns"] = venue_ns
        commands["blob_offset"][1:] = len(text) + np.arange(len(rows)) * PHASE.itemsize
        commands["blob_length"] = PHASE.itemsize
        commands[0]["kind"], commands[0]["blob_length"] = CommandKind.OPERATOR_NOTE, len(text)
        for command, row in zip(commands[1:], rows, strict=True):
            command["product"], command["instrument"] = row["product"][0], row["instrument"][0]
        blobs = np.concatenate([text, *(row.view(np.uint8) for row in rows)])
        events = parts.sequencer.submit(commands, blobs)
        parts.venue.report(events, now_ns)
        parts.venue.run_commands(now_ns)
        parts.sequencer.sync()
        parts.venue.release()
        symbols = {int(r["instrument"]): s for s, r in parts.registry.known.instruments.items()}
        changed = [
            symbols[int(event["instrument"])]
            for part in events
            for event in part.rows[part.rows["kind"] == EventKind.PHASE_CHANGED]
        ]
        return list(dict.fromkeys(changed))
