"""What a message is answered that the codec finds fault with: reason, tag and text.

Source: specs/order_entry.md O-20, O-21, O-129; fix-session 1.5.
"""

from __future__ import annotations

from gateway.check import VALID, SessionReject
from gateway.dialect import FIX44_TYPES, FIX50SP2_TYPES
from gateway.fill import BUSINESS, QUOTE_ID, QUOTE_REQ_ID
from gateway.types import Fault

_SESSION_TEXTS = {
    SessionReject.INVALID_TAG: "tag not defined",
    SessionReject.REQUIRED_TAG_MISSING: "required tag missing",
    SessionReject.TAG_NOT_FOR_MESSAGE: "tag not defined for this message type",
    SessionReject.TAG_WITHOUT_VALUE: "tag without a value",
    SessionReject.VALUE_INCORRECT: "value out of range for this tag",
    SessionReject.BAD_FORMAT: "incorrect data format for value",
    SessionReject.INVALID_MSG_TYPE: "message type unknown",
    SessionReject.TAG_TWICE: "tag appears more than once",
    SessionReject.TAG_OUT_OF_ORDER: "tag outside its section of header, body, trailer",
    SessionReject.GROUP_OUT_OF_ORDER: "repeating group fields out of order",
    SessionReject.GROUP_COUNT_WRONG: "number of group members differs from its count",
    SessionReject.OTHER: "too many fields",
}
APPL_VER_ID, APPL_VER_ID_REASON = 1128, 18  # 373: a version that is not taken (O-129)
_BUSINESS_TEXTS = {
    3: "message type not supported",
    5: "conditionally required field missing",
}
_SHORT_IDS = (11, 41, QUOTE_ID, QUOTE_REQ_ID)


def fault_of(
    msg_type: bytes, reason: int, tag: int, name: str, is_fixt: bool, is_inbound: bool
) -> Fault | None:
    """The fault of a message; None: it has none.

    reason, tag: as read_message returns them; name: the tag's, empty: unknown. is_inbound: a member
    may send this type, or nobody knows it.
    """
    if reason == SessionReject.INVALID_MSG_TYPE:
        if msg_type in (FIX50SP2_TYPES if is_fixt else FIX44_TYPES):
            return Fault(True, 3, 0, _BUSINESS_TEXTS[3])
        return Fault(False, reason, 0, _SESSION_TEXTS[SessionReject(reason)])
    if not is_inbound:
        return Fault(True, 3, 0, _BUSINESS_TEXTS[3])
    if reason == VALID:
        return None
    label = f" {tag} ({name})" if name else (f" {tag}" if tag else "")
    if reason >= BUSINESS:
        return Fault(True, reason - BUSINESS, tag, _BUSINESS_TEXTS[reason - BUSINESS] + label)
    if tag == APPL_VER_ID and reason in (SessionReject.VALUE_INCORRECT, SessionReject.BAD_FORMAT):
        return Fault(False, APPL_VER_ID_REASON, tag, "application version not supported" + label)
    text = _SESSION_TEXTS[SessionReject(reason)] + label
    if reason == SessionReject.VALUE_INCORRECT and tag in _SHORT_IDS:
        text += ": at most 20 characters"
    return Fault(False, reason, tag, text)
