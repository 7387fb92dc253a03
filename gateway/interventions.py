"""What an operator asks of a running venue: journaled commands, and the words for them.

A halt holds until an operator lets it go; then the instrument has the phase that its product's
hours give it at that moment. The kill switch blocks a member or a session until it is released. Why
stands in the journal in front of the commands.

Source: specs/matching.md M-117, M-170 to M-172, M-215, M-216, M-223, M-247.
"""

from __future__ import annotations

from typing import cast

import numpy as np

from engine.machine import Engine
from engine.reasons import CancelReason, PhaseReason
from engine.turn import EventRows, VenueHalted
from engine.types import COMMAND, PHASE, CommandKind, EventKind, Phase, ProductFeature
from gateway.amendments import amendment, outcome
from gateway.assembly import Assembly
from gateway.operator import (
    Answer,
    Bust,
    Correct,
    Halt,
    Kill,
    MarketRequest,
    Release,
    Resume,
    SetImplied,
)

ALL = "all"


class Interventions:
    """What operators may do to a running venue. Calls come between turns."""

    def __init__(self, parts: Assembly) -> None:
        self._parts = parts

    def act(self, request: MarketRequest, now_ns: int) -> Answer:
        """Does what is asked, journaled and durable; or says why not. Raises StorageFailed.

        now_ns: session clock.
        """
        try:
            self._parts.run_schedule(now_ns)
            venue_ns = self._parts.clock.at(now_ns)
            if isinstance(request, Kill | Release):
                return self._switch(request, venue_ns, now_ns)
            if isinstance(request, Bust | Correct):
                return self._amend(request, venue_ns, now_ns)
            if isinstance(request, SetImplied):
                return self._set_implied(request, venue_ns, now_ns)
            return self._halt(request, venue_ns, now_ns)
        except VenueHalted as halt:
            return Answer(False, f"the venue is halted: {halt}")

    def note(self, reason: str, now_ns: int) -> None:
        """Journals a reason by itself. Raises StorageFailed, VenueHalted."""
        self._journal(np.zeros(0, COMMAND), [], reason, self._parts.clock.at(now_ns), now_ns)

    def _halt(self, request: Halt | Resume, venue_ns: int, now_ns: int) -> Answer:
        """Halts or resumes what the request names (M-216)."""
        calls = self._engine.tables().calls
        halts = isinstance(request, Halt)
        numbers = self._targets(request.target)
        if not numbers:
            return Answer(False, f"{request.target} is no instrument, product, or {ALL!r}")
        numbers = [number for number in numbers if not calls[number]["suspended"]]
        if not numbers:
            return Answer(False, f"{request.target}: without trading on this date")
        rows = [row for n in numbers if (row := self._row(n, halts, venue_ns)) is not None]
        if not rows:
            state = "halted by an operator already" if halts else "not halted by an operator"
            return Answer(False, f"{request.target}: {state}")
        symbols = self._change_phases(rows, request.reason, venue_ns, now_ns)
        done = "halted" if halts else "resumed"
        self._tell_members(f"{request.target} {done} by the operator: {request.reason}", now_ns)
        return Answer(True, f"{done}: {' '.join(symbols)}")

    def _tell_members(self, text: str, now_ns: int) -> None:
        """News of what was done (O-155)."""
        parts = self._parts
        everybody = parts.registry.directory.parties()
        shown = "".join(one if " " <= one <= "~" else "?" for one in text)
        parts.tell_news(shown, [one for one in everybody if not one.access.disabled], now_ns)
        parts.sequencer.sync()
        parts.venue.release()

    def _switch(self, request: Kill | Release, venue_ns: int, now_ns: int) -> Answer:
        """Kills or releases the member, or the session of that member (M-117)."""
        known, tables = self._parts.registry.known, self._engine.tables()
        member, session = known.members.get(request.member), known.sessions.get(request.session)
        if member is None:
            return Answer(False, f"{request.member} is no member")
        if request.session and (session is None or session["member"] != member["member"]):
            return Answer(False, f"{request.session} is no session of {request.member}")
        kills = isinstance(request, Kill)
        command = np.zeros(1, COMMAND)
        command["kind"] = CommandKind.KILL if kills else CommandKind.RELEASE
        command["member"], command["reason"] = member["member"], PhaseReason.OPERATOR
        row, who = tables.members[int(member["member"])], request.member
        if session is not None:
            command["session"] = session["session"]
            row, who = tables.sessions[int(session["session"])], f"session {request.session}"
        if not kills and not row["killed"]:
            return Answer(False, f"{who}: not killed")
        events = self._journal(command, [], request.reason, venue_ns, now_ns)
        if not kills:
            return Answer(True, f"released: {who}")
        count = sum(int((part.rows["reason"] == CancelReason.KILLED).sum()) for part in events)
        return Answer(True, f"killed: {who}, orders cancelled: {count}")

    def _amend(self, request: Bust | Correct, venue_ns: int, now_ns: int) -> Answer:
        """Busts or corrects a trade (M-223)."""
        try:
            commands, blob = amendment(self._parts, request)
        except ValueError as error:
            return Answer(False, str(error))
        events = self._journal(commands, [blob], request.reason, venue_ns, now_ns)
        return outcome(self._parts, events)

    def _set_implied(self, request: SetImplied, venue_ns: int, now_ns: int) -> Answer:
        """Turns implied prices of a product on or off (M-247)."""
        product = self._parts.registry.known.products.get(request.product)
        if product is None:
            return Answer(False, f"{request.product} is no product")
        if not product["features"] & ProductFeature.IMPLIED:
            return Answer(False, f"{request.product}: without implied prices")
        number, state = int(product["product"]), "on" if request.on else "off"
        if bool(self._engine.tables().products[number]["implied_off"]) != request.on:
            return Answer(False, f"implied prices of {request.product}: {state} already")
        command = np.zeros(1, COMMAND)
        command["kind"], command["reason"] = CommandKind.SET_IMPLIED, PhaseReason.OPERATOR
        command["product"], command["qty"] = number, request.on
        self._journal(command, [], request.reason, venue_ns, now_ns)
        return Answer(True, f"implied prices of {request.product}: {state}")

    @property
    def _engine(self) -> Engine:
        return cast(Engine, self._parts.sequencer.engine)

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
        tables = self._engine.tables()
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

    def _change_phases(
        self, rows: list[np.ndarray], reason: str, venue_ns: int, now_ns: int
    ) -> list[str]:
        """The symbols whose phase PHASE rows of one instrument each changed."""
        commands = np.zeros(len(rows), COMMAND)
        commands["kind"] = CommandKind.SET_PHASE
        commands["blob_offset"] = np.arange(len(rows)) * PHASE.itemsize
        commands["blob_length"] = PHASE.itemsize
        for command, row in zip(commands, rows, strict=True):
            command["product"], command["instrument"] = row["product"][0], row["instrument"][0]
        blobs = [row.view(np.uint8) for row in rows]
        told = self._parts.reporter.inquiries.market.reasons
        told |= dict.fromkeys(commands["instrument"].tolist(), reason)
        events = self._journal(commands, blobs, reason, venue_ns, now_ns)
        known = self._parts.registry.known.instruments
        symbols = {int(row["instrument"]): symbol for symbol, row in known.items()}
        changed = [
            symbols[int(event["instrument"])]
            for part in events
            for event in part.rows[part.rows["kind"] == EventKind.PHASE_CHANGED]
        ]
        return list(dict.fromkeys(changed))

    def _journal(
        self,
        commands: np.ndarray,
        blobs: list[np.ndarray],
        reason: str,
        venue_ns: int,
        now_ns: int,
    ) -> list[EventRows]:
        """Why, then the commands (COMMAND[n], their blobs one after another), as one batch."""
        parts = self._parts
        text = np.frombuffer(reason.encode(), np.uint8)
        note = np.zeros(1, COMMAND)
        note["kind"], note["blob_length"] = CommandKind.OPERATOR_NOTE, len(text)
        commands["blob_offset"] += len(text)
        batch = np.concatenate([note, commands])
        batch["time_ns"] = venue_ns
        events = parts.sequencer.submit(batch, np.concatenate([text, *blobs]))
        parts.venue.report(events, now_ns)
        parts.venue.run_commands(now_ns)
        parts.sequencer.sync()
        parts.venue.release()
        return events
