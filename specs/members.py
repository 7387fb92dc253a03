"""members.toml beside venue.toml: what `sitex member` writes, so that venue.toml stays a person's.

A table names a member; its values stand in place of those that venue.toml has for that member, and
a name that is not in venue.toml is a further member, with one account of its name. No secret is in
it: hashes, public keys and networks only. Knows nothing of sockets and sessions.

Source: docs/decisions/0160-who-may-come-in.md; specs/order_entry.md O-100 to O-103.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from specs.loading import load_toml

MEMBERS_FILE = "members.toml"
_OWNER_ONLY = 0o600
_HEAD = (
    "# Written by `sitex member`; a comment made here is lost. Values stand in place of those\n"
    "# that venue.toml has for a member of this name; another name is a further member.\n"
)


class MemberEntry(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One member of members.toml; what is not set is as in venue.toml, or the default."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,14}$")]
    sessions: tuple[str, ...] | UnsetType = UNSET
    products: tuple[str, ...] | UnsetType = UNSET
    password_hash: str | UnsetType = UNSET
    public_key: str | UnsetType = UNSET
    certificate: bool | UnsetType = UNSET
    addresses: tuple[str, ...] | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class _File(Struct, frozen=True, forbid_unknown_fields=True, rename={"members": "member"}):
    members: tuple[MemberEntry, ...] = ()

    def __post_init__(self) -> None:
        """Each name once."""
        seen: set[str] = set()
        for row, entry in enumerate(self.members):
            if entry.name in seen:
                raise ValueError(f"member[{row}].name {entry.name!r} stands twice; allowed: once")
            seen.add(entry.name)


def members_beside(file: Path) -> tuple[MemberEntry, ...]:
    """The entries of members.toml in the folder of `file`; none where there is no such file.

    Raises SpecError.
    """
    place = file.parent / MEMBERS_FILE
    return load_toml(place, _File).members if place.exists() else ()


def overlay(raw: dict[str, Any], entries: tuple[MemberEntry, ...]) -> None:
    """Brings entries into the tables of venue.toml as they were read; changes `raw`."""
    members = raw.get("member", [])
    if not entries or not isinstance(members, list):
        return  # a list of another form is refused where types are
    rows = {row.get("name"): row for row in members if isinstance(row, dict)}
    for entry in entries:
        row = rows.get(entry.name)
        if row is None:
            row = {"account": [{"name": entry.name}]}
            members.append(row)
        row.update(msgspec.to_builtins(entry))
    raw["member"] = members


def with_password(
    entries: tuple[MemberEntry, ...], name: str, password_hash: str
) -> tuple[MemberEntry, ...]:
    """The entries with another hash for a member, whose entry is made where there is none."""
    found = next((one for one in entries if one.name == name), MemberEntry(name=name))
    changed = msgspec.structs.replace(found, password_hash=password_hash)
    if found not in entries:
        return (*entries, changed)
    return tuple(changed if one is found else one for one in entries)


def write_members(file: Path, entries: tuple[MemberEntry, ...]) -> None:
    """Replaces members.toml beside `file`, whole or not at all, for its owner's eyes only."""
    place = file.parent / MEMBERS_FILE
    fresh = place.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with open(descriptor, "w", encoding="utf-8") as out:
        out.write(_HEAD)
        for entry in entries:
            out.write("\n[[member]]\n")
            for key, value in msgspec.to_builtins(entry).items():
                out.write(f"{key} = {json.dumps(value)}\n")  # these values are the same in TOML
        out.flush()
        os.fsync(out.fileno())
    os.replace(fresh, place)
