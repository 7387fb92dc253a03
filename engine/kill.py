"""The kill switch: a member, or one of its sessions, enters nothing more and keeps no order.

Source: specs/matching.md M-170 to M-172.
"""

from __future__ import annotations

import numpy as np

from engine.book import (
    copy_row,
    event_at,
    header_of,
    member_at,
    pending_at,
    session_at,
)
from engine.emit import clear_event
from engine.kernel import kernel
from engine.layout import Work
from engine.mass import cancel_meant, push_member
from engine.reasons import CancelReason
from engine.types import CommandKind, EventKind


@kernel
def is_target(book, command):
    """Whether the command gives a reason and names a member, or a session of that member."""
    header = header_of(book)
    if command["reason"] == 0 or command["member"] >= header["members_rows"]:
        return False
    if member_at(book, command["member"])["defined"] == 0:
        return False
    if command["session"] == 0:
        return True
    if command["session"] >= header["sessions_rows"]:
        return False
    session = session_at(book, command["session"])
    return session["defined"] != 0 and session["member"] == command["member"]


@kernel
def set_killed(book, command, killed):
    """Kill (1) or release (0) what the command names; a member counts its kills in force."""
    member = member_at(book, command["member"])
    if command["session"] == 0:
        before = member["killed"]
        member["killed"] = killed
    else:
        session = session_at(book, command["session"])
        before = session["killed"]
        session["killed"] = killed
    member["kills"] += np.int64(killed) - np.int64(before)


@kernel
def intervene(book, at, command):
    """KILL, RELEASE; returns the next event row."""
    if not is_target(book, command):
        return at
    event = event_at(book, at)
    if command["kind"] == CommandKind.RELEASE:
        set_killed(book, command, 0)
        clear_event(event, command, EventKind.RELEASED)
    else:
        set_killed(book, command, 1)
        clear_event(event, command, EventKind.KILLED)
    event["member"] = command["member"]
    event["session"] = command["session"]
    event["reason"] = command["reason"]
    if command["kind"] == CommandKind.RELEASE:
        return at + 1
    push_member(book, command["member"])
    header_of(book)["work"] = Work.KILL
    copy_row(pending_at(book, 0), command)
    return kill_on(book, at + 1)


@kernel
def kill_on(book, at):
    """Go on with a kill."""
    header = header_of(book)
    at = cancel_meant(book, at, pending_at(book, 0), CancelReason.KILLED)
    if header["heap_count"] == 0:
        header["work"] = Work.NONE
    return at
