"""Credentials as venue.toml and members.toml hold them: never a secret itself.

Passwords as scrypt hashes with salts of their own, public keys of Ed25519 in hex, networks that a
member may come from. Source: specs/order_entry.md O-100 to O-103.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import re
from collections.abc import Iterable

_COST, _BLOCK, _PARALLEL = 16_384, 8, 1
_SALT_BYTES, _KEY_BYTES = 16, 32
_FORM = re.compile(r"^scrypt:(?P<salt>[0-9a-f]{32}):(?P<key>[0-9a-f]{64})$")
_KEY_FORM = re.compile(r"^ed25519:(?P<key>[0-9a-f]{64})$")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def hash_password(password: str, salt: bytes | None = None) -> str:
    """The hash of a password with a fresh salt (or the 16 bytes given), as text for venue.toml."""
    salt = os.urandom(_SALT_BYTES) if salt is None else salt
    assert len(salt) == _SALT_BYTES
    return f"scrypt:{salt.hex()}:{_key(password, salt).hex()}"


def is_password_hash(text: str) -> bool:
    """Whether the text has the form that hash_password gives."""
    return _FORM.match(text) is not None


def verify_password(password: str, password_hash: str) -> bool:
    """Whether the password gives this hash; takes about 50 ms whatever the answer."""
    found = _FORM.match(password_hash)
    if found is None:
        return False
    key = _key(password, bytes.fromhex(found["salt"]))
    return hmac.compare_digest(key, bytes.fromhex(found["key"]))


def _key(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=_COST, r=_BLOCK, p=_PARALLEL, dklen=_KEY_BYTES
    )


def public_key_bytes(text: str) -> bytes:
    """The 32 bytes of a public key such as `ed25519:<64 hex digits>`; empty: it is none."""
    found = _KEY_FORM.match(text)
    return bytes.fromhex(found["key"]) if found else b""


def public_key_text(key: bytes) -> str:
    """The 32 bytes of an Ed25519 public key as venue.toml writes them."""
    assert len(key) == _KEY_BYTES
    return f"ed25519:{key.hex()}"


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Networks such as 10.1.0.0/16 or single addresses; raises ValueError."""
    return tuple(ipaddress.ip_network(text) for text in texts)


def is_from(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of the networks; without networks every address does."""
    if not networks:
        return True
    place = ipaddress.ip_address(address)
    return any(place in network for network in networks)
