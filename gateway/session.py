"""A FIX session over one connection, without any socket: bytes and time in, facts and bytes out.

Place on the data path: server.py (sockets) -> Session -> command rows. How a service uses one, per
turn of its loop:

1. For each readable connection `consumed, facts = session.receive(buffer, start, end, now_ns)`.
   Administrative answers (Logon, Heartbeat, Reject, resends) are appended to `session.outgoing` at
   once, and take their outgoing numbers at once. Orders become rows of the shared command batch
   (gateway/acceptor.py). When the batch is full receive() stops early: `session.blocked` is True,
   and what was not consumed is passed again after the batch is submitted. It also stops after
   SLOW_MESSAGES_MAX messages of the slow path, so that a flood of them keeps nobody waiting:
   `session.unfinished` is True and the rest is passed again in a later turn.
2. The batch is submitted, its events are encoded for each counterparty. These reports come after
   step 1, so their numbers are higher than those of the turn's administrative answers. Bytes of a
   counterparty whose `connection` is None or not `live` are dropped, not their numbers: the store
   has the rows, and the next Logon finds a gap that it asks for.
3. SessionStore.payload() is journaled behind the batch; in `fsync` mode all bytes wait for it.
4. One write per connection, of what take_outgoing() gives.
5. When `next_deadline_ns` has passed, `facts = session.on_deadline(now_ns)`, unless the line does
   not take bytes: a deadline of 0 means that more of a resend can be made.
6. When `state` is CLOSED the line is closed once `outgoing` is written. When the line ends,
   `facts = session.connection_lost(now_ns)`.

Of the facts, one of LoggedOut and Lost ends what LoggedOn began (a reset in a live session tells
LoggedOn again); Lost is what cancel on disconnect is for. Every input gives a fact, an answer or
nothing: no exception, no growth.

Source: fix-session 1.1-1.5; states and sequence rules in gateway/states.py.
"""

from __future__ import annotations

import numpy as np

from gateway.counterparty import Counterparty
from gateway.facts import Fact, LoggedOn, LoggedOut, Lost, PeerRejected, Refused, no_facts
from gateway.header import (
    FORMAT_INCORRECT,
    OTHER,
    REQUIRED_TAG_MISSING,
    SEQ_NUM_MAX,
    VALUE_INCORRECT,
    HeaderFault,
    Severity,
    check_header,
    identity_of,
    numbering_of,
    sequence_number,
    too_low_text,
)
from gateway.liveness import NEVER_NS, Due
from gateway.message import Message
from gateway.outgoing import Speaker
from gateway.policy import Policy, Reader
from gateway.resend import Gap, Resend
from gateway.states import (
    MESSAGE_RULES,
    SEQUENCE_RULES,
    TRANSITIONS,
    Happened,
    MessageClass,
    Numbering,
    SequenceAction,
    State,
    Taking,
    message_class,
)
from gateway.types import Fault, Read

# looked up once: a member of an Enum costs more than the comparison
_ACTIVE = State.ACTIVE
_CLOSED = State.CLOSED
_LEAVING = State.LOGOUT_ANSWERED
SLOW_MESSAGES_MAX = 4  # administrative and odd messages handled in one receive()


class Session(Speaker):
    """What an acceptor's and an initiator's end of a connection have in common.

    Subclasses: gateway/acceptor.py, gateway/initiator.py. party is None until an acceptor knows
    who it is. Times are ns of the session clock.
    """

    def __init__(self, reader: Reader, policy: Policy, state: State, now_ns: int) -> None:
        super().__init__()
        self.state = state
        self._policy = policy
        self.blocked = False  # no room in the batch
        self.unfinished = False  # enough for one turn
        self.waiting = False  # nothing is read until a credential is checked
        self._reader = reader
        self._facts = no_facts()
        self._limit_ns = now_ns + policy.logon_timeout_ns  # of logon, logout
        self._resend = Resend()
        self._pumped = False
        self._gap = Gap()
        self._reset_sent = False  # our Logon with 141=Y waits for its answer
        self._logged_on = False
        self._told = False  # how it ended is told once
        self._test_requests = 0
        self.interval_s = 0

    # -- what the service calls

    @property
    def live(self) -> bool:
        """True while messages may be written to the peer."""
        return self.state in (_ACTIVE, State.LOGOUT_SENT)

    @property
    def resending(self) -> bool:
        """More of a resend can be made, as soon as the line takes bytes."""
        return self._resend.pending

    @property
    def next_deadline_ns(self) -> int:
        """When on_deadline, or receive where `unfinished`, is due; 0: once the line takes bytes."""
        if self.state == _CLOSED:
            return NEVER_NS
        if self._resend.pending or self.unfinished:
            return 0
        if self.state == _ACTIVE:
            return self._liveness.deadline_ns()
        return self._limit_ns

    def receive(
        self, buffer: np.ndarray, start: int, end: int, now_ns: int
    ) -> tuple[int, list[Fact]]:
        """Takes what buffer[start:end] (uint8) holds; returns (bytes consumed, facts).

        What is not consumed is the beginning of a message, waits for a free batch (`blocked`) or
        for the next turn (`unfinished`).
        """
        self._facts = facts = no_facts()
        self.blocked = self.unfinished = self._pumped = False
        position = start
        self._left = SLOW_MESSAGES_MAX
        while position < end and self.state < _LEAVING and not self.waiting:
            if self.state == _ACTIVE:
                fast, rest_is_part = self._take_fast(buffer, position, end, now_ns)
                if fast:
                    self._liveness.received(now_ns)
                    position += fast
                if position >= end or rest_is_part:
                    break
            if self._left == 0:
                self.unfinished = True
                break
            self._left -= 1
            kind, consumed, message = self._reader.read(buffer, position, end)
            if kind == Read.NEED_MORE:
                break
            if kind == Read.GARBLED:
                self._take_garbled(bytes(buffer[position : position + consumed]), now_ns)
            elif message is not None and not self._take(message, now_ns):
                self.blocked = True
                break
            position += consumed
        if self.state >= _LEAVING:
            position = end  # what comes behind a Logout is not read
        return position - start, facts

    def log_out(self, text: str, now_ns: int) -> list[Fact]:
        """Says Logout and waits for the answer, for the policy's time at most."""
        self._facts = facts = no_facts()
        if self.state == _ACTIVE:
            self._send(b"5", ((58, text),) if text else (), now_ns)
            self._limit_ns = now_ns + self._policy.logout_timeout_ns
            self._move(Happened.LOGOUT_SENT)
        elif self.state not in (State.LOGOUT_SENT, _CLOSED):
            self._end(Happened.GONE, Refused(text))
        return facts

    def reset(self, now_ns: int) -> None:
        """Begins both numbers again at 1 in a live session; what the peer has under way is lost."""
        if self.state != _ACTIVE:
            return
        party = self._known()
        self._begin_again(party)
        self._reset_sent = True
        party.set_active(False)  # until it is answered only the answer is taken
        self._send(b"A", (*self._logon_fields(self.interval_s), (141, "Y")), now_ns)

    def on_deadline(self, now_ns: int) -> list[Fact]:
        """Does what is due: a chunk of a resend, Heartbeat, TestRequest, or the end."""
        self._facts = facts = no_facts()
        if self._resend.pending:
            self._pump(now_ns)
        if self.state == _ACTIVE:
            self._take_silence(now_ns)
        elif self.state != _CLOSED and now_ns >= self._limit_ns:
            if self.state == State.LOGOUT_SENT:
                self._end(Happened.GONE, LoggedOut("Logout not answered"))
            else:
                self._end(Happened.GONE, Refused("no Logon in time"))
        return facts

    def connection_lost(self, now_ns: int) -> list[Fact]:
        """The line ended, by whoever."""
        self._facts = facts = no_facts()
        if self.state == State.LOGOUT_SENT:
            self._end(Happened.GONE, LoggedOut("line closed before the Logout was answered"))
        elif self.state != _CLOSED:
            self._end(Happened.GONE, Lost("line lost"))
        return facts

    # -- for subclasses

    def _take_fast(self, buffer: np.ndarray, start: int, end: int, now_ns: int) -> tuple[int, bool]:
        """Takes ordinary application messages from the start of buffer[start:end].

        Returns (bytes consumed, True where the rest is only a part of a message).
        """
        return 0, False

    def _take_logon(self, message: Message, now_ns: int) -> None:
        """A Logon that starts a session, or resets one."""
        raise NotImplementedError

    def _take_application(self, message: Message, now_ns: int) -> None:
        """A valid application message in order, its number consumed."""
        raise NotImplementedError

    def _refuse_application(self, message: Message, fault: Fault, now_ns: int) -> None:
        """An application message in order was answered with a reject, its number consumed."""

    def _has_room(self) -> bool:
        """False when an application message cannot be taken now."""
        return True

    def _take_garbled(self, skipped: bytes, now_ns: int) -> None:
        """Bytes that are no message: read past (1.4)."""

    # -- one message

    def _take(self, message: Message, now_ns: int) -> bool:
        """Handles one message; False: not taken, there is no room for it."""
        kind = message_class(message.msg_type, message.flag(123))
        taking = MESSAGE_RULES[self.state][kind]
        if taking == Taking.IGNORE:
            return True
        if taking == Taking.CLOSE_SILENTLY:
            self._end(Happened.GONE, Refused("the first message is no Logon"))
        elif taking == Taking.REFUSE:
            self._refuse("a Logon was due", now_ns)
        elif kind == MessageClass.LOGON and (self.state != _ACTIVE or message.flag(141)):
            self._take_logon(message, now_ns)
        elif self.party is not None and not self._reset_sent:
            return self._take_numbered(message, kind, self.party, now_ns)
        return True

    def _take_numbered(
        self, message: Message, kind: MessageClass, party: Counterparty, now_ns: int
    ) -> bool:
        self._liveness.received(now_ns)
        fault = check_header(message, identity_of(party), now_ns)
        number = sequence_number(message)
        if number is None or (fault is not None and fault.severity == Severity.LOGOUT):
            self._refuse(fault.text if fault else "MsgSeqNum (34) missing", now_ns)
            return True
        numbering = numbering_of(number, party.expected_in)
        action = SEQUENCE_RULES[kind][numbering, message.poss_dup]
        counted = action == SequenceAction.PROCESS
        if kind == MessageClass.APPLICATION and counted and not self._has_room():
            return False
        if fault is not None and fault.severity == Severity.SESSION:
            self._throw_out(message, kind, fault, numbering, now_ns)
        elif counted:
            self._consume(party)
            self._process(message, kind, fault, now_ns)
        elif action == SequenceAction.TOO_LOW:
            self._refuse(too_low_text(party.expected_in, number), now_ns)
        elif action == SequenceAction.IGNORE:
            if fault is not None and fault.tag == 122:
                self._reject(message, fault.reason, fault.tag, fault.text, now_ns)
        elif action == SequenceAction.REQUEST:
            self._request_missing(number, now_ns)
        else:  # PROCESS_UNCOUNTED, ANSWER_AND_REQUEST
            self._process(message, kind, fault, now_ns)
            if action == SequenceAction.ANSWER_AND_REQUEST:
                self._request_missing(number, now_ns)
        return True

    def _process(
        self, message: Message, kind: MessageClass, header: HeaderFault | None, now_ns: int
    ) -> None:
        fault = Fault(False, *header[1:]) if header is not None else message.fault
        if fault is None:
            if kind == MessageClass.APPLICATION:
                self._take_application(message, now_ns)
            else:
                self._process_administrative(message, kind, now_ns)
            return
        if kind == MessageClass.APPLICATION:
            self._refuse_application(message, fault, now_ns)
        if kind == MessageClass.REJECT or message.msg_type == b"j":
            return  # a reject is never answered by a reject
        if fault.business:
            self._reject_business(message, fault.reason, fault.text, now_ns)
        else:
            self._reject(message, fault.reason, fault.tag, fault.text, now_ns)

    def _process_administrative(self, message: Message, kind: MessageClass, now_ns: int) -> None:
        if kind == MessageClass.TEST_REQUEST:
            self._send(b"0", ((112, message.get(112) or b""),), now_ns)
        elif kind == MessageClass.RESEND_REQUEST:
            self._answer_resend_request(message, now_ns)
        elif kind == MessageClass.GAP_FILL or kind == MessageClass.RESET:
            self._take_sequence_reset(message, kind, now_ns)
        elif kind == MessageClass.LOGOUT:
            self._take_logout(message, now_ns)
        elif kind == MessageClass.REJECT:
            self._facts.append(PeerRejected(message))
        elif kind == MessageClass.LOGON:
            self._reject(message, OTHER, 0, "already logged on", now_ns)
        else:
            assert kind == MessageClass.HEARTBEAT

    def _take_logout(self, message: Message, now_ns: int) -> None:
        answered = self.state == State.LOGOUT_SENT
        if not answered:
            self._send(b"5", (), now_ns)
        self._limit_ns = now_ns + self._policy.logout_timeout_ns
        text = message.text(58, "Logout received")
        self._end(Happened.LOGOUT_RECEIVED, LoggedOut(text, by_peer=not answered))

    def _answer_resend_request(self, message: Message, now_ns: int) -> None:
        party = self._known()
        begin, end = message.number(7), message.number(16)
        if begin is None or end is None or begin < 0 or end < 0:
            tag = 7 if begin is None or begin < 0 else 16
            self._reject(message, VALUE_INCORRECT, tag, "not a sequence number", now_ns)
            return
        if 0 < end < begin:
            text = "EndSeqNo (16) is below BeginSeqNo (7)"
            self._reject(message, VALUE_INCORRECT, 16, text, now_ns)
            return
        last = party.next_out - 1  # never past what was sent
        end = last if end == 0 else min(end, last)
        self._owe(max(begin, 1), end, now_ns)

    def _owe(self, begin: int, end: int, now_ns: int) -> None:
        """Sends begin..end, both included, again: now and whenever the line takes more."""
        if begin <= end:
            self._resend.ask(begin, end)
            if not self._pumped:  # one chunk a read, however many requests it holds
                self._pump(now_ns)

    def _pump(self, now_ns: int) -> None:
        """The next chunk of what the peer asked to be sent again."""
        self._pumped = True
        self.outgoing += self._resend.next_chunk(self._known(), now_ns)
        self._liveness.sent(now_ns)

    def _take_sequence_reset(self, message: Message, kind: MessageClass, now_ns: int) -> None:
        party = self._known()
        number, new_number = sequence_number(message), message.number(36)
        if new_number is None:
            reason = REQUIRED_TAG_MISSING if message.get(36) is None else FORMAT_INCORRECT
            self._reject(message, reason, 36, "NewSeqNo (36) is no number", now_ns)
            return
        lowest = party.expected_in if kind == MessageClass.RESET else (number or 0) + 1
        if not lowest <= new_number <= SEQ_NUM_MAX:
            text = f"NewSeqNo (36) must be at least {lowest}"
            self._reject(message, VALUE_INCORRECT, 36, text, now_ns)
            return
        party.expected_in = new_number
        party.sent.changed(urgent=kind == MessageClass.RESET)
        self._gap.expects(party.expected_in)

    def _consume(self, party: Counterparty) -> None:
        party.expected_in += 1
        party.sent.changed(urgent=False)
        self._gap.expects(party.expected_in)

    def _request_missing(self, number: int, now_ns: int, on_its_way: bool = False) -> None:
        """Asks for what lies before `number`, or is on its way by our 789 (O-124): once a gap,
        again only when nothing came of it."""
        expected = self._known().expected_in
        must_ask = self.state == _ACTIVE and self._gap.must_ask(number, expected, now_ns)
        if must_ask and not on_its_way:
            self._send(b"2", ((7, expected), (16, 0)), now_ns)

    def _take_silence(self, now_ns: int) -> None:
        while (due := self._liveness.due(now_ns)) != Due.NOTHING:
            if due == Due.HEARTBEAT:
                self._send(b"0", (), now_ns)
            elif due == Due.TEST_REQUEST:
                self._test_requests += 1
                self._send(b"1", ((112, f"TEST{self._test_requests}"),), now_ns)
            elif due == Due.CLOSE:
                self._refuse("TestRequest not answered", now_ns)
                return

    def _throw_out(
        self,
        message: Message,
        kind: MessageClass,
        fault: HeaderFault,
        numbering: Numbering,
        now_ns: int,
    ) -> None:
        """Reject, Logout, close."""
        if numbering == Numbering.EXPECTED and kind != MessageClass.RESET:
            self._consume(self._known())
            if kind == MessageClass.APPLICATION:
                self._refuse_application(message, Fault(False, *fault[1:]), now_ns)
        self._reject(message, fault.reason, fault.tag, fault.text, now_ns)
        self._refuse(fault.text, now_ns)

    def _refuse(self, text: str, now_ns: int) -> None:
        """Logout with the reason, then close without waiting for an answer."""
        if self.party is not None:
            self._send(b"5", ((58, text),), now_ns)
        self._end(Happened.REFUSED if self.party else Happened.GONE, Refused(text))

    def _begin_again(self, party: Counterparty) -> None:
        party.reset()
        self._gap.reset()
        self._resend.clear()

    def _start(self, interval_s: int, reset: bool, now_ns: int) -> None:
        """The Logon was taken."""
        party = self._known()
        self._move(Happened.LOGON_TAKEN)
        party.connection = self
        party.set_active(True)
        self._logged_on = True
        self._limit_ns = NEVER_NS
        self.interval_s = interval_s
        self._liveness.start(interval_s, now_ns)
        self._facts.append(LoggedOn(reset))

    def _move(self, happened: Happened) -> None:
        self.state = TRANSITIONS[self.state, happened]
        if self.party is not None and self.party.connection is self:
            self.party.set_active(self.state == _ACTIVE)

    def _end(self, happened: Happened, fact: LoggedOut | Lost | Refused) -> None:
        """Leaves the session; how is told once, as Lost where it was up and not orderly."""
        self._move(happened)
        self._resend.clear()
        if not self._told:
            self._told = True
            orderly = isinstance(fact, LoggedOut)
            ending = (fact if orderly else Lost(fact.text)) if self._logged_on else None
            self._facts.append(ending or Refused(fact.text))
        party = self.party
        if self.state == _CLOSED and party is not None and party.connection is self:
            party.connection = None
