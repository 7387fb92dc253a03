"""`sitex member add|list|disable|enable|rotate`: members.toml beside a venue.toml.

A password that is made here is printed once and kept nowhere.

Source: specs/order_entry.md O-100 to O-103; specs/members.py.
"""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import UNSET

from specs.credentials import hash_password, public_key_text
from specs.loading import SpecError
from specs.members import MEMBERS_FILE, MemberEntry, members_beside, write_members
from specs.venue import Member, VenueConfig, load_venue

DONE, REFUSED, USAGE_ERROR = 0, 1, 2
PASSWORD_BYTES = 18


@dataclass(frozen=True)
class Terms:
    """What a new member is given; password: one that somebody chose, else one is made."""

    sessions: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    public_key: Path | None = None
    certificate: bool = False
    password: str = ""


def run_add(name: str, terms: Terms, file: Path) -> int:
    """Adds a member; the exit code."""
    if name in {member.name for member in load_venue(file).members}:
        return _refuse("add", f"{name} is a member already")
    entry = MemberEntry(
        name=name,
        sessions=terms.sessions or UNSET,
        products=terms.products or UNSET,
        addresses=terms.addresses or UNSET,
        certificate=terms.certificate or UNSET,
    )
    return _give_credential("add", entry, terms, file)


def run_rotate(name: str, terms: Terms, file: Path) -> int:
    """Gives a member another password, or another public key; the exit code."""
    return _give_credential("rotate", _entry(name, file), terms, file)


def run_disable(name: str, disabled: bool, file: Path) -> int:
    """Lets a member log on no more, or again; the exit code."""
    entry = msgspec.structs.replace(_entry(name, file), disabled=disabled)
    _write(entry, file)
    sys.stdout.write(f"{name}: {'disabled' if disabled else 'enabled'}\n{_TAKEN_UP}")
    return DONE


def run_list(file: Path) -> int:
    """Prints who is a member and what each must prove; the exit code."""
    for member in load_venue(file).members:
        words = [
            member.name,
            "sessions " + " ".join(member.comp_ids),
            "proves " + (_proofs(member) or "nothing"),
            "from " + (" ".join(member.addresses) or "anywhere"),
            *(["disabled"] if member.disabled else []),
        ]
        sys.stdout.write("; ".join(words) + "\n")
    return DONE


_TAKEN_UP = "A running venue takes it up at `sitex admin reload`.\n"


def _proofs(member: Member) -> str:
    found = {
        "password": member.password_hash,
        "signature": member.public_key,
        "certificate": member.certificate,
    }
    return " and ".join(name for name, is_set in found.items() if is_set)


def _give_credential(command: str, entry: MemberEntry, terms: Terms, file: Path) -> int:
    if terms.public_key is not None:
        try:
            text = public_key_text(read_public_key(terms.public_key))
        except (OSError, ValueError, ImportError) as error:
            return _refuse(command, f"{terms.public_key}: {error}")
        _write(msgspec.structs.replace(entry, public_key=text), file)
        sys.stdout.write(f"{entry.name}: public key {text}\n{_TAKEN_UP}")
        return DONE
    if terms.certificate and not terms.password:
        _write(entry, file)
        sys.stdout.write(f"{entry.name}: proves itself by its certificate\n{_TAKEN_UP}")
        return DONE
    password = terms.password or secrets.token_urlsafe(PASSWORD_BYTES)
    _write(msgspec.structs.replace(entry, password_hash=hash_password(password)), file)
    shown = "" if terms.password else f"password {password} (shown once)\n"
    sys.stdout.write(f"{entry.name}: has a new password\n{shown}{_TAKEN_UP}")
    return DONE


def read_public_key(path: Path) -> bytes:
    """The 32 bytes of the Ed25519 public key in a PEM file; raises OSError, ValueError."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    key = load_pem_public_key(path.read_bytes())
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError("no Ed25519 key")
    return key.public_bytes_raw()


def _entry(name: str, file: Path) -> MemberEntry:
    """The member's entry as it stands; raises SpecError where there is no such member."""
    for entry in members_beside(file):
        if entry.name == name:
            return entry
    names = [member.name for member in load_venue(file).members]
    if name not in names:
        raise SpecError(file, "$.member", f"no member {name!r}", ", ".join(names))
    return MemberEntry(name=name)


def _write(entry: MemberEntry, file: Path) -> None:
    """Writes the entry and reads everything back; what cannot be used is undone. SpecError."""
    before = members_beside(file)
    others = tuple(one for one in before if one.name != entry.name)
    write_members(file, (*others, entry))
    try:
        _: VenueConfig = load_venue(file)
    except SpecError:
        if before:
            write_members(file, before)
        else:
            (file.parent / MEMBERS_FILE).unlink()
        raise


def _refuse(command: str, text: str) -> int:
    sys.stderr.write(f"sitex member {command}: {text}\n")
    return REFUSED
