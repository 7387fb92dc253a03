"""Password hashes as venue.toml holds them: scrypt, salted, never the password itself."""

from __future__ import annotations

import hashlib
import hmac
import os
import re

_COST, _BLOCK, _PARALLEL = 16_384, 8, 1
_SALT_BYTES, _KEY_BYTES = 16, 32
_FORM = re.compile(r"^scrypt:(?P<salt>[0-9a-f]{32}):(?P<key>[0-9a-f]{64})$")


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
