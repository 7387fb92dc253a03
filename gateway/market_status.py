"""What a member is told of instruments and trading sessions: snapshots, and updates as they change.

Answers are read from the engine's tables when they are asked for. Subscriptions belong to a logged
on session and are looked at only where events that can change a status came, so that trading pays
nothing for them while there are none.

Data path: Reporter -> here -> fields of SecurityStatus and TradingSessionStatus.
Source: specs/order_entry.md O-40 to O-44; matching.md M-73, M-100, M-108.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np

from engine.machine import Engine
from engine.sequencer import Sequencer
from engine.types import EventKind, Phase
from gateway.definitions import Known
from gateway.message import Field, Message
from gateway.values import format_price, format_timestamp

SUBSCRIPTIONS_MAX = 256  # of a session
REQUEST_ID_CHARS = 64  # of SecurityStatusReqID (324) and TradSesReqID (335)
SECURITY, TRADING_SESSION = b"e", b"g"
REQUEST_IDS = {SECURITY: 324, TRADING_SESSION: 335}
SNAPSHOT, SUBSCRIBE, STOP = b"0", b"1", b"2"  # SubscriptionRequestType (263)
UNKNOWN_SECURITY = 20  # SecurityTradingStatus (326)
REFUSED_SESSION = 6  # TradSesStatus (340)
UNKNOWN_SESSION, OTHER = 1, 99  # TradSesStatusRejReason (567)
HALTED_SECURITY, HALTED_SESSION = 2, 1

# phase: SecurityTradingStatus (326), TradSesStatus (340)
STATUSES: dict[Phase, tuple[int, int]] = {
    Phase.NONE: (17, 2),
    Phase.CLOSED: (18, 3),
    Phase.PRE_OPEN: (21, 4),
    Phase.NO_CANCEL: (21, 4),
    Phase.AUCTION_MATCH: (22, 4),
    Phase.CONTINUOUS: (17, 2),
    Phase.VOLATILITY_PAUSE: (HALTED_SECURITY, HALTED_SESSION),
    Phase.HALTED: (HALTED_SECURITY, HALTED_SESSION),
    Phase.CLOSING: (21, 5),
    Phase.SETTLEMENT: (18, 3),
    Phase.EXPIRED: (18, 3),
}


class State(NamedTuple):
    """What an update is about: another state is told, the same is not."""

    phase: Phase
    end_ns: int  # scheduled, venue clock; 0: none
    venue_halted: bool


class Said(NamedTuple):
    """A message to a session. kept: sent again as it was; else a resend fills its gap."""

    session: int
    msg_type: bytes
    fields: list[Field]
    kept: bool = True


@dataclass
class Subscription:
    """What one request asked for. told: the state last sent, by instrument or product number."""

    msg_type: bytes
    request_id: bytes
    names: dict[int, str]  # symbols by instrument, or codes by product; those watched
    told: dict[int, State] = field(default_factory=dict)


class MarketStatus:
    """Answers requests and keeps subscriptions. `watched`: whether there are any.

    reasons: why the operator halted instruments, as far as this run of the venue was told.
    """

    def __init__(self, sequencer: Sequencer, known: Known) -> None:
        self._sequencer = sequencer
        self._known = known
        self.reasons: dict[int, str] = {}
        self._sessions: dict[int, dict[tuple[bytes, bytes], Subscription]] = {}

    @property
    def watched(self) -> bool:
        """Whether any session has a subscription."""
        return bool(self._sessions)

    def forget(self, session: int) -> None:
        """The session logged out or was lost: its subscriptions are gone (O-42)."""
        self._sessions.pop(session, None)

    def answer(self, session: int, message: Message, venue_ns: int) -> list[Said]:
        """What a valid request of type e or g is answered; venue_ns: its venue time."""
        kind = message.msg_type
        wanted = Subscription(kind, message.get(REQUEST_IDS[kind]) or b"", self._names(message))
        key = (kind, wanted.request_id)
        kept = self._sessions.get(session, {})
        how = message.get(263)
        if how == STOP:
            if key not in kept:
                return [self._refusal(session, message, OTHER, "no subscription of this id")]
            del kept[key]
            if not kept:
                self.forget(session)
            return []
        if not wanted.names:
            what = "Symbol (55)" if kind == SECURITY else "TradingSessionID (336)"
            return [self._refusal(session, message, UNKNOWN_SESSION, f"unknown {what}")]
        if how == SUBSCRIBE:
            if key not in kept and len(kept) >= SUBSCRIPTIONS_MAX:
                text = f"more than {SUBSCRIPTIONS_MAX} subscriptions"
                return [self._refusal(session, message, OTHER, text)]
            self._sessions.setdefault(session, kept)[key] = wanted
        return list(self._tell(session, wanted, venue_ns, update=False))

    def updates(self, rows: np.ndarray) -> Iterator[Said]:
        """What subscribers are told after EVENT[n] of a turn, in order of their subscriptions."""
        kinds = rows["kind"]
        if not len(kinds) or kinds.max() < EventKind.INSTRUMENT_EXPIRED:
            return
        changing = (
            EventKind.PHASE_CHANGED, EventKind.INSTRUMENT_EXPIRED, EventKind.HALTED,
            EventKind.RESUMED,
        )  # fmt: skip
        if not np.isin(kinds, changing).any():
            return
        time_ns = int(rows["time_ns"][-1])
        for session, kept in self._sessions.items():
            for subscription in kept.values():
                yield from self._tell(session, subscription, time_ns, update=True)

    # -- helpers

    @property
    def _engine(self) -> Engine:
        return cast(Engine, self._sequencer.engine)

    def _names(self, message: Message) -> dict[int, str]:
        """What the request names; empty: nothing that is known."""
        if message.msg_type == SECURITY:
            symbol = message.text(55)
            row = self._known.instruments.get(symbol)
            return {} if row is None else {int(row["instrument"]): symbol}
        asked = message.get(336)
        return {
            int(row["product"]): code
            for code, row in self._known.products.items()
            if asked is None or asked == code.encode()
        }

    def _tell(
        self, session: int, subscription: Subscription, time_ns: int, *, update: bool
    ) -> Iterator[Said]:
        """A message for each name, of an update for each whose state is another than was told."""
        is_security = subscription.msg_type == SECURITY
        tag = REQUEST_IDS[subscription.msg_type]
        for number, name in subscription.names.items():
            state = self._instrument(number) if is_security else self._product(number)
            if update and subscription.told.get(number) == state:
                continue
            subscription.told[number] = state
            fields: list[Field] = [(tag, subscription.request_id)]
            if is_security:
                fields += self._security_fields(number, name, state, time_ns, update)
                yield Said(session, b"f", fields)
            else:
                fields += _session_fields(name, state, update)
                yield Said(session, b"h", fields)

    def _instrument(self, number: int) -> State:
        engine = self._engine
        phase, end_ns = engine.phase(number)
        if engine.tables().instruments[number]["expired"]:
            phase, end_ns = Phase.EXPIRED, 0
        return State(phase, end_ns, engine.halted)

    def _product(self, number: int) -> State:
        """The phase of the product's instruments that neither pause nor are halted, if any (O-41).

        They differ only while a product's change of phase goes on; the first one speaks for all.
        """
        tables = self._engine.tables()
        rows = tables.instruments
        lives = (rows["defined"] != 0) & (rows["expired"] == 0) & (rows["product"] == number)
        states = [self._instrument(int(index)) for index in np.flatnonzero(lives)]
        apart = (Phase.VOLATILITY_PAUSE, Phase.HALTED)
        usual = [state for state in states if state.phase not in apart]
        found = usual or states
        return found[0] if found else State(Phase.CLOSED, 0, self._engine.halted)

    def _security_fields(
        self, number: int, symbol: str, state: State, time_ns: int, update: bool
    ) -> list[Field]:
        tables = self._engine.tables()
        row, call = tables.instruments[number], tables.calls[number]
        code, _ = self._known.product_of(row)
        status = STATUSES[state.phase][0]
        fields: list[Field] = [(55, symbol), (336, code), *_phase_fields(state, update)]
        fields.append((326, HALTED_SECURITY if state.venue_halted and status != 18 else status))
        if row["volume"]:
            for tag, name in ((332, "day_high"), (333, "day_low"), (31, "last")):
                fields.append((tag, format_price(int(row[name]))))
        fields.append((60, format_timestamp(time_ns, 9)))
        if call["held"] and not state.venue_halted:
            fields.append((58, _halt_text(self.reasons.get(number, ""))))
        fields += _venue_fields(state)
        fields += [
            (5301, format_price(int(row["low"]))),
            (5302, format_price(int(row["high"]))),
        ]
        if call["calling"] and (call["price"] or call["qty"]):
            fields.append((5303, format_price(int(call["price"]))))
            if call["qty"]:
                fields += [(5304, int(call["qty"])), (5305, int(call["surplus"]))]
        return fields + _end_fields(state)

    @staticmethod
    def _refusal(session: int, message: Message, reason: int, text: str) -> Said:
        """The request is not taken: SecurityTradingStatus 20 or TradSesStatus 6, and why."""
        kind = message.msg_type
        fields: list[Field] = [(REQUEST_IDS[kind], message.get(REQUEST_IDS[kind]) or b"")]
        if kind == SECURITY:
            fields += [(55, message.get(55) or b""), (326, UNKNOWN_SECURITY), (58, text)]
            return Said(session, b"f", fields)
        fields += [(336, message.get(336) or b"[N/A]"), (340, REFUSED_SESSION), (567, reason)]
        return Said(session, b"h", [*fields, (58, text)])


def _session_fields(code: str, state: State, update: bool) -> list[Field]:
    status = STATUSES[state.phase][1]
    fields: list[Field] = [(336, code), *_phase_fields(state, update)]
    fields.append((340, HALTED_SESSION if state.venue_halted and status != 3 else status))
    return fields + _venue_fields(state) + _end_fields(state)


def _phase_fields(state: State, update: bool) -> list[Field]:
    fields: list[Field] = [(625, state.phase.name)]
    if update:
        fields.append((325, "Y"))
    return fields


def _venue_fields(state: State) -> list[Field]:
    return [(58, "venue halted")] if state.venue_halted else []


def _halt_text(reason: str) -> str:
    """Text (58) of an instrument that the operator halted: printable ASCII."""
    shown = "".join(one if " " <= one <= "~" else "?" for one in reason)
    return f"halted by the operator: {shown}" if shown else "halted by the operator"


def _end_fields(state: State) -> list[Field]:
    return [(5306, format_timestamp(state.end_ns, 9))] if state.end_ns else []
