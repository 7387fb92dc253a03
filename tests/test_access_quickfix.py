"""QuickFIX comes in: user name and password, a signed Logon, plain and by TLS."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")
pytest.importorskip("cryptography", reason="needs the extra [signed]")

import quickfix as fix
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from perf.client import front_symbol
from perf.venue import Venue
from specs.credentials import hash_password, public_key_text
from tests.quickfix_client import Member
from tests.test_tls import FEED
from tests.tls_rig import Authority, Tunnel, client_context

SECRET = "correct horse battery"
KEY = Ed25519PrivateKey.generate()


class Place(NamedTuple):
    """Two venues with the same members: one plain, one with TLS."""

    plain: Venue
    tls: Venue
    authority: Authority


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("access")
    authority = Authority(folder, "issuer")
    pem, key = authority.issue("venue")
    proofs = {
        "ALPHA": f'password_hash = "{hash_password(SECRET)}"',
        "BRAVO": f'public_key = "{public_key_text(KEY.public_key().public_bytes_raw())}"',
    }
    members = "".join(
        f'[[member]]\nname = "{name}"\n{proof}\n[[member.account]]\nname = "{name}"\n'
        for name, proof in proofs.items()
    )
    plain, tls = folder / "plain.toml", folder / "tls.toml"
    plain.write_text(members + FEED)
    tls.write_text(members + f'{FEED}\n[fix.tls]\ncertificate = "{pem}"\nkey = "{key}"\n')
    with Venue(config=plain) as one, Venue(config=tls) as other:
        yield Place(one, other, authority)


@contextmanager
def way_in(place: Place, tls: bool) -> Iterator[int]:
    """A port for QuickFIX, whose wheel is built without TLS: a tunnel leads into the venue's."""
    if not tls:
        yield place.plain.fix_port
        return
    with Tunnel(client_context(place.authority), place.tls.fix_port) as tunnel:
        yield tunnel.port


class Proving(Member):
    """A QuickFIX member whose Logons prove something."""

    def __init__(
        self,
        comp_id: str,
        port: int,
        folder: Path,
        prove: Callable[[fix.Message], None],
    ) -> None:
        super().__init__(comp_id, port, folder, reset=True)
        self._prove = prove

    def connect(self) -> None:
        """Connects; what comes of it lies in `admin`."""
        self.open().start()

    def toAdmin(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        """A Logon is given what it proves."""
        if message.getHeader().getField(35) == "A":
            self._prove(message)


def with_password(password: str) -> Callable[[fix.Message], None]:
    def prove(message: fix.Message) -> None:
        message.setField(553, "ALPHA")
        message.setField(554, password)

    return prove


def sign(message: fix.Message) -> None:
    """RawData as O-102 wants it, of the header that QuickFIX has made."""
    nonce = secrets.token_urlsafe(16)
    header = message.getHeader()
    values = [header.getField(tag) for tag in (52, 35, 34, 49, 56)]
    signature = KEY.sign("\x01".join([*values, nonce]).encode())
    raw = f"{nonce}.{base64.b64encode(signature).decode()}"
    message.setField(95, str(len(raw)))
    message.setField(96, raw)


@pytest.mark.parametrize("tls", [False, True])
def test_o101_user_name_and_password(place: Place, tls: bool, tmp_path: Path):
    with way_in(place, tls) as port:
        alpha = Proving("ALPHA", port, tmp_path, with_password(SECRET))
        try:
            alpha.start()
            alpha.order("q1", "1", 5, "2.000", front_symbol())
            alpha.next(t35="8", t150="0", t11="q1")
        finally:
            alpha.stop()


@pytest.mark.parametrize("tls", [False, True])
def test_o102_a_signed_logon_again_and_again(place: Place, tls: bool, tmp_path: Path):
    with way_in(place, tls) as port:
        for number in range(2):
            bravo = Proving("BRAVO", port, tmp_path, sign)
            try:
                bravo.start()
                bravo.order(f"s{number}", "2", 5, "2.010", front_symbol())
                bravo.next(t35="8", t150="0", t11=f"s{number}")
            finally:
                bravo.stop()


def test_o106_a_wrong_password_is_told_and_waits(place: Place, tmp_path: Path):
    """QuickFIX tries again each second by itself: three failures, then it is told to wait."""
    alpha = Proving("ALPHA", place.plain.fix_port, tmp_path, with_password("wrong"))
    try:
        alpha.connect()
        alpha.wait_until(lambda: any("failed Logons" in one.get(58, "") for one in alpha.admin))
    finally:
        alpha.stop()
    told = [one[58] for one in alpha.admin if one[35] == "5"]
    assert told[:3] == ["Username (553) or Password (554) wrong"] * 3
    assert not alpha.logons
