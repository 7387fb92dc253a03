"""The FIX session as tables: states, what each message class does in each, sequence numbers.

A connection lives once through the states and is thrown away; numbers outlive it in the store.

    AWAIT_LOGON --Logon taken--> ACTIVE --Logout received--> LOGOUT_ANSWERED --peer closes--> CLOSED
         |                         |  \\--own Logout--> LOGOUT_SENT --its answer--> CLOSED
    LOGON_SENT --Logon taken-------+   any state --refusal, silence, lost line--> CLOSED

An acceptor starts in AWAIT_LOGON, an initiator in LOGON_SENT. Three questions are asked of a
message, in this order, one table each:
1. MESSAGE_RULES: does this state take this class at all?
2. SEQUENCE_RULES: is its number the expected one, below, or above, and what follows from that?
3. TRANSITIONS: what state comes next, once the handler has said what happened?

A missing key is a KeyError, never a default. This file knows neither bytes nor time.

Source: FIX session layer (ISO 3531-3), sections named beside the rows; order_entry.md O-*.
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """Where a connection is in its life."""

    AWAIT_LOGON = 1
    LOGON_SENT = 2
    ACTIVE = 3
    LOGOUT_SENT = 4  # ours is out, its answer is awaited
    LOGOUT_ANSWERED = 5  # theirs is answered, their close is awaited
    CLOSED = 6  # what is in `outgoing` may still be written, then the line is closed


class MessageClass(IntEnum):
    """What the session layer tells apart."""

    LOGON = 1
    LOGOUT = 2
    HEARTBEAT = 3
    TEST_REQUEST = 4
    RESEND_REQUEST = 5
    REJECT = 6
    GAP_FILL = 7  # SequenceReset with 123=Y
    RESET = 8  # SequenceReset without it
    APPLICATION = 9


class Numbering(IntEnum):
    """A message's MsgSeqNum against the expected one."""

    LOW = 1
    EXPECTED = 2
    HIGH = 3


class Taking(IntEnum):
    """Answer of MESSAGE_RULES."""

    TAKE = 1
    IGNORE = 2  # read past; its number is not consumed
    CLOSE_SILENTLY = 3
    REFUSE = 4  # Logout with a text, close


class SequenceAction(IntEnum):
    """Answer of SEQUENCE_RULES."""

    PROCESS = 1  # in order: handle it, consume its number
    PROCESS_UNCOUNTED = 2  # handle it, the expected number stays
    ANSWER_AND_REQUEST = 3  # handle it uncounted, and ask for what is missing
    REQUEST = 4  # drop it and ask once for what is missing; it comes again by the resend
    IGNORE = 5
    TOO_LOW = 6  # Logout saying what was expected, close


class Happened(IntEnum):
    """What moves a connection to another state."""

    LOGON_TAKEN = 1
    LOGOUT_RECEIVED = 2
    LOGOUT_SENT = 3
    REFUSED = 4  # a Logout with the reason went out, nothing more is read
    GONE = 5  # closed by the peer, by a deadline or without a message


CLASS_OF_TYPE: dict[bytes, MessageClass] = {
    b"A": MessageClass.LOGON,
    b"5": MessageClass.LOGOUT,
    b"0": MessageClass.HEARTBEAT,
    b"1": MessageClass.TEST_REQUEST,
    b"2": MessageClass.RESEND_REQUEST,
    b"3": MessageClass.REJECT,
    b"4": MessageClass.RESET,  # GAP_FILL where 123=Y
}


def message_class(msg_type: bytes, gap_fill: bool) -> MessageClass:
    """The class of a MsgType (35); `gap_fill` is GapFillFlag (123) of a SequenceReset."""
    found = CLASS_OF_TYPE.get(msg_type, MessageClass.APPLICATION)
    if found == MessageClass.RESET and gap_fill:
        return MessageClass.GAP_FILL
    return found


def _same(taking: Taking) -> dict[MessageClass, Taking]:
    return dict.fromkeys(MessageClass, taking)


MESSAGE_RULES: dict[State, dict[MessageClass, Taking]] = {
    # 1.1: the first message is a Logon, or the line is closed without a word
    State.AWAIT_LOGON: _same(Taking.CLOSE_SILENTLY) | {MessageClass.LOGON: Taking.TAKE},
    State.LOGON_SENT: _same(Taking.REFUSE)
    | {MessageClass.LOGON: Taking.TAKE, MessageClass.LOGOUT: Taking.TAKE},
    State.ACTIVE: _same(Taking.TAKE),
    # FIX TC 12: after our Logout a ResendRequest is still answered; what else comes is not
    # consumed, so that it is asked for again after the next Logon
    State.LOGOUT_SENT: _same(Taking.IGNORE)
    | {
        MessageClass.LOGOUT: Taking.TAKE,
        MessageClass.RESEND_REQUEST: Taking.TAKE,
    },
    State.LOGOUT_ANSWERED: _same(Taking.IGNORE),
    State.CLOSED: _same(Taking.IGNORE),
}

_ORDINARY = {
    (Numbering.EXPECTED, False): SequenceAction.PROCESS,
    (Numbering.EXPECTED, True): SequenceAction.PROCESS,
    (Numbering.HIGH, False): SequenceAction.REQUEST,
    (Numbering.HIGH, True): SequenceAction.REQUEST,
    (Numbering.LOW, False): SequenceAction.TOO_LOW,
    (Numbering.LOW, True): SequenceAction.IGNORE,
}
_ANSWERED_IN_A_GAP = _ORDINARY | {
    # 1.2: else both sides wait for each other (FIX TC 20)
    (Numbering.HIGH, False): SequenceAction.ANSWER_AND_REQUEST,
    (Numbering.HIGH, True): SequenceAction.ANSWER_AND_REQUEST,
}
_LEAVING = _ORDINARY | {
    # who leaves will not resend: the gap is asked for after the next Logon
    (Numbering.HIGH, False): SequenceAction.PROCESS_UNCOUNTED,
    (Numbering.HIGH, True): SequenceAction.PROCESS_UNCOUNTED,
}

# (number, 43=Y) -> action. 1.2
SEQUENCE_RULES: dict[MessageClass, dict[tuple[Numbering, bool], SequenceAction]] = {
    MessageClass.LOGON: _ORDINARY,
    MessageClass.LOGOUT: _LEAVING,
    MessageClass.HEARTBEAT: _ORDINARY,
    MessageClass.TEST_REQUEST: _ORDINARY,
    MessageClass.RESEND_REQUEST: _ANSWERED_IN_A_GAP,
    MessageClass.REJECT: _ORDINARY,
    MessageClass.GAP_FILL: _ORDINARY,
    # its own 34 means nothing
    MessageClass.RESET: dict.fromkeys(_ORDINARY, SequenceAction.PROCESS_UNCOUNTED),
    MessageClass.APPLICATION: _ORDINARY,
}

TRANSITIONS: dict[tuple[State, Happened], State] = {
    (State.AWAIT_LOGON, Happened.LOGON_TAKEN): State.ACTIVE,
    (State.AWAIT_LOGON, Happened.REFUSED): State.CLOSED,
    (State.AWAIT_LOGON, Happened.LOGOUT_SENT): State.CLOSED,  # nobody there to answer it
    (State.LOGON_SENT, Happened.LOGON_TAKEN): State.ACTIVE,
    (State.LOGON_SENT, Happened.LOGOUT_RECEIVED): State.CLOSED,  # our Logon was refused
    (State.LOGON_SENT, Happened.LOGOUT_SENT): State.LOGOUT_SENT,
    (State.LOGON_SENT, Happened.REFUSED): State.CLOSED,
    (State.ACTIVE, Happened.LOGON_TAKEN): State.ACTIVE,  # 141=Y in a live session
    (State.ACTIVE, Happened.LOGOUT_RECEIVED): State.LOGOUT_ANSWERED,
    (State.ACTIVE, Happened.LOGOUT_SENT): State.LOGOUT_SENT,
    (State.ACTIVE, Happened.REFUSED): State.CLOSED,
    (State.LOGOUT_SENT, Happened.LOGOUT_RECEIVED): State.CLOSED,  # its answer: no answer to that
    (State.LOGOUT_SENT, Happened.LOGOUT_SENT): State.LOGOUT_SENT,
    (State.LOGOUT_SENT, Happened.REFUSED): State.CLOSED,
    (State.LOGOUT_ANSWERED, Happened.LOGOUT_SENT): State.LOGOUT_ANSWERED,
    **{(state, Happened.GONE): State.CLOSED for state in State},
}
