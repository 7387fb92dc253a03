"""What a Session tells its service: past facts, each a value of its own type.

Source: gateway/session.py says which fact follows which.
"""

from __future__ import annotations

from typing import NamedTuple

from gateway.message import Message


class LoggedOn(NamedTuple):
    """The session is up; reset: both numbers began again at 1."""

    reset: bool


class LoggedOut(NamedTuple):
    """The session ended by Logout; by_peer: it was the peer that wanted to leave."""

    text: str
    by_peer: bool = False


class Lost(NamedTuple):
    """The session ended without a Logout: lost line, silence, or thrown out for a fault."""

    text: str


class Refused(NamedTuple):
    """A connection ends that was never logged on."""

    text: str


class PeerRejected(NamedTuple):
    """The peer answered a message of ours with a Reject (3)."""

    message: Message


class Delivered(NamedTuple):
    """An application message, in order and once (initiator)."""

    message: Message


Fact = LoggedOn | LoggedOut | Lost | Refused | PeerRejected | Delivered


def no_facts() -> list[Fact]:
    """A fresh list for the facts of one call."""
    return []
