"""The member's end of a FIX session, without a socket: logs on, sends, receives in order.

On the same Session as the venue's end. Application messages come out as Delivered facts, each once
and in order. Source: fix-session 1.1-1.3 as seen from the side that connects.
"""

from __future__ import annotations

from gateway.counterparty import Counterparty
from gateway.facts import Delivered, Refused
from gateway.header import (
    check_header,
    identity_of,
    next_expected_fault,
    numbering_of,
    sequence_number,
    too_low_text,
)
from gateway.message import Field, Message
from gateway.policy import Policy, Reader
from gateway.session import Session
from gateway.states import Happened, MessageClass, Numbering, State, message_class


class Initiator(Session):
    """One connection of a member. heartbeat_s: HeartBtInt (108) it asks for, 0 is none."""

    def __init__(self, reader: Reader, party: Counterparty, heartbeat_s: int, now_ns: int) -> None:
        super().__init__(reader, Policy(), State.LOGON_SENT, now_ns)
        self.party = party
        self._heartbeat_s = heartbeat_s
        self._tells = False  # our Logon had 789

    def log_on(self, now_ns: int, reset: bool = False, next_expected: bool = False) -> None:
        """Writes the Logon; reset: both sides begin again at 1. Call it once, first.

        next_expected: it says what it misses (789), so that nobody has to ask.
        """
        self._tells = next_expected
        party = self._known()
        fields = self._logon_fields(self._heartbeat_s)
        if reset:
            party.reset()
            self._reset_sent = True
            fields.append((141, "Y"))
        if next_expected:
            fields.append((789, party.expected_in))
        if party.credential is not None:
            fields += [(553, party.credential[0]), (554, party.credential[1])]
        self._send(b"A", tuple(fields), now_ns)

    def send(self, msg_type: bytes, fields: tuple[Field, ...], now_ns: int) -> int:
        """Sends an application message, kept for resends; returns its MsgSeqNum.

        While logged out it is only kept: the venue asks for it after the next Logon.
        """
        unsent = len(self.outgoing)
        number = self._send_kept(msg_type, fields, now_ns)
        if not self.live:
            del self.outgoing[unsent:]
        return number

    def _take(self, message: Message, now_ns: int) -> bool:
        kind = message_class(message.msg_type, message.flag(123))
        if self.state == State.LOGON_SENT and kind == MessageClass.LOGOUT:
            # refused: its number is no use, its text is
            number = sequence_number(message)
            if number == self._known().expected_in:
                self._consume(self._known())
            self._end(Happened.LOGOUT_RECEIVED, Refused(message.text(58, "refused")))
            return True
        return super()._take(message, now_ns)

    def _take_logon(self, message: Message, now_ns: int) -> None:
        party = self._known()
        fault = check_header(message, identity_of(party), now_ns)
        number = sequence_number(message)
        text = fault.text if fault else (message.fault.text if message.fault else None)
        if text is not None or number is None:
            self._refuse(text or "MsgSeqNum (34) missing", now_ns)
            return
        asked, self._reset_sent = self._reset_sent, False
        reset = message.flag(141)
        if reset and number != 1:
            self._refuse("ResetSeqNumFlag (141) with MsgSeqNum (34) other than 1", now_ns)
            return
        if reset and not asked:
            self._answer_reset(party, now_ns)
        elif reset:
            party.expected_in = 1
        numbering = numbering_of(number, party.expected_in)
        text = next_expected_fault(message, party.next_out)
        if numbering == Numbering.LOW:
            text = too_low_text(party.expected_in, number)
        if text is not None:
            self._refuse(text, now_ns)
            return
        if numbering == Numbering.EXPECTED:
            self._consume(party)
        interval_s = message.number(108)
        self._start(self._heartbeat_s if interval_s is None else interval_s, reset, now_ns)
        wanted = message.number(789)
        if numbering == Numbering.HIGH:
            self._request_missing(number, now_ns, self._tells and wanted is not None)
        if wanted is not None and not reset:
            self._owe(wanted, party.next_out - 1, now_ns)

    def _answer_reset(self, party: Counterparty, now_ns: int) -> None:
        """The venue began again by itself: so do we, and say so with 34=1."""
        self._begin_again(party)
        self._send(b"A", (*self._logon_fields(self._heartbeat_s), (141, "Y")), now_ns)

    def _take_application(self, message: Message, now_ns: int) -> None:
        self._facts.append(Delivered(message))
