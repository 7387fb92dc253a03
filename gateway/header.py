"""What is wrong with a message's header, before its sequence number is looked at.

Pure functions of a Message and the session's identity; the dialect's own checks are in
`Message.fault`. Source: fix-session 1.1-1.3, 1.5; specs/order_entry.md O-20.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from gateway.counterparty import Counterparty
from gateway.message import Field, Message
from gateway.states import Numbering
from gateway.types import BEGIN_STRING

SEQ_NUM_MAX = 999_999_999

# SessionRejectReason (373), FIX 4.4
REQUIRED_TAG_MISSING = 1
VALUE_INCORRECT = 5
FORMAT_INCORRECT = 6
COMP_ID_PROBLEM = 9
SENDING_TIME_PROBLEM = 10
OTHER = 99

# who a message is for, turned round in the answer (fix-session 1.5)
_ROUTING_ANSWER = {115: 128, 116: 129, 144: 145, 128: 115, 129: 116, 145: 144}


class Severity(IntEnum):
    """What a header fault ends."""

    MESSAGE = 1  # Reject, the session lives
    SESSION = 2  # Reject, Logout, close
    LOGOUT = 3  # Logout, close: the message cannot be named in a Reject


class HeaderFault(NamedTuple):
    """What is wrong: 373, 371 (0: none), a text."""

    severity: Severity
    reason: int
    tag: int
    text: str


class Identity(NamedTuple):
    """Whose messages are right here: 56 = own, 49 = peer; 52 within tolerance of now."""

    own: bytes
    peer: bytes
    clock_tolerance_ns: int
    begin_string: bytes = BEGIN_STRING


def sequence_number(message: Message) -> int | None:
    """MsgSeqNum from 1 to SEQ_NUM_MAX; None: missing or nothing of the kind."""
    number = message.seq_num
    return number if number is not None and 1 <= number <= SEQ_NUM_MAX else None


def check_header(message: Message, identity: Identity, now_ns: int) -> HeaderFault | None:
    """The first thing wrong with BeginString, MsgSeqNum, CompIDs, times; None: nothing."""
    if message.get(8) != identity.begin_string:
        text = f"BeginString (8) is not {identity.begin_string.decode()}"
        return HeaderFault(Severity.LOGOUT, 0, 8, text)
    if sequence_number(message) is None:
        return HeaderFault(Severity.LOGOUT, 0, 34, "MsgSeqNum (34) missing or not a number")
    for tag, name, right in (
        (49, "SenderCompID", identity.peer),
        (56, "TargetCompID", identity.own),
    ):
        value = message.get(tag)
        if value is None:
            return HeaderFault(
                Severity.MESSAGE, REQUIRED_TAG_MISSING, tag, f"{name} ({tag}) missing"
            )
        if value and value != right:
            return HeaderFault(
                Severity.SESSION, COMP_ID_PROBLEM, 0, f"{name} ({tag}) is not this session's"
            )
    return _check_times(message, identity.clock_tolerance_ns, now_ns)


def _check_times(message: Message, tolerance_ns: int, now_ns: int) -> HeaderFault | None:
    sent = message.get(52)
    if sent is None:
        return HeaderFault(Severity.MESSAGE, REQUIRED_TAG_MISSING, 52, "SendingTime (52) missing")
    sent_ns = message.sending_time_ns
    if sent_ns is None:
        if not sent:
            return None  # a tag without value: the dialect's check names it
        return HeaderFault(
            Severity.MESSAGE, FORMAT_INCORRECT, 52, "SendingTime (52) is not a UTCTimestamp"
        )
    if abs(sent_ns - now_ns) > tolerance_ns:
        return HeaderFault(
            Severity.SESSION, SENDING_TIME_PROBLEM, 0, "SendingTime (52) accuracy problem"
        )
    if message.poss_dup:
        return _check_original_time(message, sent_ns)
    return None


def _check_original_time(message: Message, sent_ns: int) -> HeaderFault | None:
    original_ns = message.orig_sending_time_ns
    if original_ns is not None and original_ns > sent_ns:
        return HeaderFault(
            Severity.SESSION,
            SENDING_TIME_PROBLEM,
            0,
            "OrigSendingTime (122) is later than SendingTime (52)",
        )
    # brokers leave 122 out of a SequenceReset, and nothing depends on it there
    if message.get(122) is None and message.msg_type != b"4":
        return HeaderFault(
            Severity.MESSAGE, REQUIRED_TAG_MISSING, 122, "OrigSendingTime (122) missing"
        )
    return None


def reversed_routing(message: Message) -> tuple[Field, ...]:
    """Routing fields of the answer to a message: 115 -> 128 and so on, empty ones left out."""
    return tuple(
        (answer, value) for tag, answer in _ROUTING_ANSWER.items() if (value := message.get(tag))
    )


def identity_of(party: Counterparty) -> Identity:
    """What check_header compares a message with."""
    return Identity(party.own, party.peer, party.clock_tolerance_ns, party.header.begin_string)


def numbering_of(number: int, expected: int) -> Numbering:
    """Where a MsgSeqNum lies against the expected one."""
    if number == expected:
        return Numbering.EXPECTED
    return Numbering.LOW if number < expected else Numbering.HIGH


def next_expected_fault(message: Message, next_out: int) -> str | None:
    """Why NextExpectedMsgSeqNum (789) of a Logon is refused; None: it may stand, or is not there.

    next_out: the highest it may be, the number of what we send next. Source: O-123.
    """
    if message.get(789) is None or 1 <= (message.number(789) or 0) <= next_out:
        return None
    asked = message.text(789)
    return f"NextExpectedMsgSeqNum (789) is {asked}, the next number is {next_out}"


def too_low_text(expected: int, received: int) -> str:
    """The Logout text that members' engines read the expected number from."""
    return f"MsgSeqNum too low, expecting {expected} but received {received}"
