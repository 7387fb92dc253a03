"""What a member asks about its users: whether one is logged on, and another password for it.

A user is a CompID; the password is its member's. What takes long (scrypt, twice, and the disk) is
done beside the loop by `Change.carry_out`, which touches nothing else. No password is kept here, in
a log or in the journal, where a UserRequest leaves its number alone.

Source: specs/order_entry.md O-153 to O-155, O-101, O-106.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from gateway.counterparty import Counterparty, Directory
from gateway.market_status import Said
from gateway.message import Field, Message
from specs.credentials import hash_password, verify_password
from specs.loading import SpecError

USER_REQUEST = b"BE"
CHANGE, STATUS = b"3", b"4"  # UserRequestType (924)
LOGGED_IN, NOT_LOGGED_IN, NOT_RECOGNISED = 1, 2, 3  # UserStatus (926)
PASSWORD_WRONG, PASSWORD_CHANGED, OTHER = 4, 5, 6
PASSWORD_CHARS_MIN, PASSWORD_CHARS_MAX = 12, 128
CHANGES_MAX = 16  # under way at once

Keep = Callable[[int, str], None]  # (member, hash) -> kept on the disk; raises OSError, SpecError


class Outcome(NamedTuple):
    """What came of a change. password_hash: the one that holds from now on, "" for the old one."""

    status: int
    text: str
    password_hash: str = ""


class Change(NamedTuple):
    """Another password that a party asks for."""

    party: Counterparty
    request_id: bytes
    user: bytes
    old: str
    new: str

    def carry_out(self, keep: Keep) -> Outcome:
        """Checks the old password and keeps the new one; takes long."""
        if not verify_password(self.old, self.party.access.password_hash):
            return Outcome(PASSWORD_WRONG, "Password (554) wrong")
        password_hash = hash_password(self.new)
        try:
            keep(int(self.party.row["member"]), password_hash)
        except (OSError, SpecError):
            return Outcome(OTHER, "the new password could not be kept: the old one holds")
        return Outcome(PASSWORD_CHANGED, "password changed", password_hash)

    def told(self, outcome: Outcome) -> Said:
        """The answer."""
        return _response(self.party, self.request_id, self.user, outcome.status, outcome.text)


class Users:
    """Answers UserRequests. directory: who there is; start: begins a change, or says why not."""

    def __init__(self) -> None:
        self.directory = Directory()
        self.start: Callable[[Change], str] = _nowhere
        self._under_way: set[int] = set()  # members whose password is being changed

    def answer(self, party: Counterparty, message: Message) -> list[Said]:
        """What a UserRequest is answered at once; nothing where a change has begun."""
        user, request_id = message.get(553) or b"", message.get(923) or b""
        found = self.directory.find(party.own, user)
        if found is None or found.row["member"] != party.row["member"]:
            status, text = NOT_RECOGNISED, "no user of this member"
        elif message.get(924) == STATUS:
            is_there = found.connection is not None
            status, text = (LOGGED_IN, "logged on") if is_there else (NOT_LOGGED_IN, "away")
        elif message.get(924) == CHANGE:
            status, text = OTHER, self._begin(party, message, user, request_id)
            if not text:
                return []
        else:
            status, text = OTHER, "Logon (35=A) and Logout (35=5) do that"
        return [_response(party, request_id, user, status, text)]

    def done(self, change: Change) -> None:
        """A change has ended."""
        self._under_way.discard(int(change.party.row["member"]))

    def _begin(self, party: Counterparty, message: Message, user: bytes, request_id: bytes) -> str:
        """Why a change does not begin; empty: it has begun."""
        member = int(party.row["member"])
        old, new = message.get(554), (message.get(925) or b"").decode("utf-8", "replace")
        if not party.access.password_hash:
            return "this member has no password"
        if old is None:
            return "Password (554) is needed"
        if not PASSWORD_CHARS_MIN <= len(new) <= PASSWORD_CHARS_MAX:
            return f"NewPassword (925) has {PASSWORD_CHARS_MIN} to {PASSWORD_CHARS_MAX} characters"
        if member in self._under_way or len(self._under_way) >= CHANGES_MAX:
            return "another change is under way"
        change = Change(party, request_id, user, old.decode("utf-8", "replace"), new)
        text = self.start(change)
        if not text:
            self._under_way.add(member)
        return text


def _response(party: Counterparty, request_id: bytes, user: bytes, status: int, text: str) -> Said:
    fields: list[Field] = [(923, request_id), (553, user), (926, status), (927, text)]
    return Said(party.session, b"BF", fields)


def _nowhere(change: Change) -> str:
    """Until the service says where passwords are kept."""
    return "passwords are not changed here"
