"""Ed25519-signed Logons: what is signed, and whether a signature holds.

RawData (96) is `nonce.signature`: 16 to 64 letters, digits, - or _ that are used once, and the 64
bytes of the signature in base64. Signed are SendingTime, MsgType, MsgSeqNum, SenderCompID,
TargetCompID as they stand in the Logon, and the nonce, joined by SOH. Needs the extra [signed].

Source: specs/order_entry.md O-102; RFC 8032.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from gateway.message import Message

_FORM = re.compile(rb"^(?P<nonce>[A-Za-z0-9_-]{16,64})\.(?P<signature>[A-Za-z0-9+/]{86}==)$")
_SIGNED_TAGS = (52, 35, 34, 49, 56)


class Signed(NamedTuple):
    """A nonce, a signature of 64 bytes, and the text that it is a signature of."""

    nonce: bytes
    signature: bytes
    text: bytes


def signed_part(logon: Message) -> Signed | None:
    """What a Logon brings as a signature; None: RawData (96) is missing or of another form."""
    found = _FORM.match(logon.get(96) or b"")
    if found is None:
        return None
    try:
        signature = base64.b64decode(found["signature"], validate=True)
    except binascii.Error:
        return None
    values = [logon.get(tag) or b"" for tag in _SIGNED_TAGS]
    return Signed(found["nonce"], signature, b"\x01".join([*values, found["nonce"]]))


def is_signature(public_key: bytes, signed: Signed) -> bool:
    """Whether the holder of the key (its public half, 32 bytes) signed the text."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signed.signature, signed.text)
    except InvalidSignature:
        return False
    return True
