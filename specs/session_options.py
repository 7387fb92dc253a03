"""What may be set for one session of a member: its hours, its end, what its Logon says.

A member's table holds these values for all of its sessions, a table [member.session.COMPID] for
one of them. Source: specs/order_entry.md O-120 to O-131, O-145; specs/venue.toml.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from specs.session_hours import SessionHours

CancelOn = Literal["off", "drop", "drop_and_logout"]
NextExpected = Literal["echo", "always", "never"]
BeginString = Literal["any", "FIX.4.4", "FIXT.1.1"]
Grace = Annotated[int, Meta(ge=0, le=86_400)]
Orders = Annotated[int, Meta(ge=0, le=100_000_000)]


class SessionValues(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of them, as they hold for a session."""

    cancel_on_disconnect: CancelOn = "drop"
    disconnect_grace_seconds: Grace = 0
    next_expected: NextExpected = "echo"
    begin_string: BeginString = "any"
    open_orders_max: Orders = 0
    schedule: SessionHours | None = None
    drop_copy: tuple[str, ...] = ()  # members whose executions it is told; it trades nothing


class SessionOptions(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Those that one session has of its own."""

    cancel_on_disconnect: CancelOn | UnsetType = UNSET
    disconnect_grace_seconds: Grace | UnsetType = UNSET
    next_expected: NextExpected | UnsetType = UNSET
    begin_string: BeginString | UnsetType = UNSET
    open_orders_max: Orders | UnsetType = UNSET
    schedule: SessionHours | UnsetType = UNSET
    drop_copy: tuple[str, ...] | UnsetType = UNSET


assert SessionOptions.__struct_fields__ == SessionValues.__struct_fields__


def values_of(member: SessionValues, own: SessionOptions | None) -> SessionValues:
    """The values of a session: its own, where it has some, in place of the member's."""
    found = {name: getattr(member, name) for name in SessionValues.__struct_fields__}
    if own is not None:
        set_here = {name: getattr(own, name) for name in found}
        found |= {name: value for name, value in set_here.items() if value is not UNSET}
    return SessionValues(**found)
