"""What a session says: every message takes its number, its bytes and its row of the store at once.

The base of Session (gateway/session.py); knows nothing of states. Source: fix-session 1.2, 1.5.
"""

from __future__ import annotations

from gateway.counterparty import Counterparty
from gateway.header import reversed_routing, sequence_number
from gateway.liveness import Liveness
from gateway.message import Field, Message, encode_message
from gateway.types import BEGIN_STRING

APPL_VER_ID = b"9"  # FIX 5.0 SP2, the one application version of FIXT.1.1 here (O-128)


class Speaker:
    """The sending half of a session. outgoing: bytes for the line, in order of their numbers."""

    def __init__(self) -> None:
        self.party: Counterparty | None = None
        self.outgoing = bytearray()
        self._liveness = Liveness()

    def take_outgoing(self, now_ns: int) -> bytes:
        """All bytes for the line, which the caller writes now or as soon as they may go."""
        data = bytes(self.outgoing)
        self.outgoing.clear()
        if data:
            self._liveness.sent(now_ns)
        return data

    def say(self, msg_type: bytes, fields: tuple[Field, ...], now_ns: int) -> None:
        """An administrative message that nothing asked for; the caller flushes the line."""
        self._send(msg_type, fields, now_ns)

    def _known(self) -> Counterparty:
        assert self.party is not None
        return self.party

    def _logon_fields(self, interval_s: int) -> list[Field]:
        """What every Logon of ours has."""
        fields: list[Field] = [(98, 0), (108, interval_s)]
        if self._known().header.begin_string != BEGIN_STRING:
            fields.append((1137, APPL_VER_ID))
        return fields

    def _send(
        self,
        msg_type: bytes,
        fields: tuple[Field, ...],
        now_ns: int,
        routing: tuple[Field, ...] = (),
    ) -> None:
        """An administrative message: takes a number, is gap-filled in a resend."""
        party = self._known()
        number = party.take_number()
        header = party.header._replace(routing=routing) if routing else party.header
        self.outgoing += encode_message(msg_type, fields, header, number, now_ns)
        party.sent.admin(number, now_ns)
        self._liveness.sent(now_ns)

    def _send_kept(
        self,
        msg_type: bytes,
        fields: tuple[Field, ...],
        now_ns: int,
        routing: tuple[Field, ...] = (),
    ) -> int:
        """An application message that is sent again as it was; returns its number."""
        party = self._known()
        number = party.take_number()
        header = party.header._replace(routing=routing) if routing else party.header
        raw = encode_message(msg_type, fields, header, number, now_ns)
        party.sent.blob(number, raw, now_ns)
        self.outgoing += raw
        self._liveness.sent(now_ns)
        return number

    def _reject(self, message: Message, reason: int, tag: int, text: str, now_ns: int) -> None:
        """Session Reject (3). Source: fix-session 1.5."""
        fields: list[Field] = [(45, sequence_number(message) or 0)]
        if tag:
            fields.append((371, tag))
        if message.msg_type:
            fields.append((372, message.msg_type))
        fields += [(373, reason), (58, text)]
        self._send(b"3", tuple(fields), now_ns, reversed_routing(message))

    def _reject_business(self, message: Message, reason: int, text: str, now_ns: int) -> None:
        """BusinessMessageReject (j); kept, because it answers an application message."""
        fields: list[Field] = [(45, sequence_number(message) or 0), (372, message.msg_type)]
        reference = message.get(11)
        if reference:
            fields.append((379, reference))
        fields += [(380, reason), (58, text)]
        self._send_kept(b"j", tuple(fields), now_ns, reversed_routing(message))
