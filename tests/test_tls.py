"""TLS 1.3, certificates and passwords against the running venue: Python's ssl and openssl."""

from __future__ import annotations

import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("cryptography", reason="needs the extra [signed]")

from gateway.message import Header, encode_message
from perf.client import front_symbol
from perf.venue import Venue
from specs.credentials import hash_password
from tests.session_rig import parse_out
from tests.tls_rig import Authority, client_context

WAIT_S = 20.0
SECRET, ROTATED = "correct horse battery", "a second password"
LOGON_SECONDS = 5
PER_ADDRESS = 12
FEED = """
[feed]
line_a = { group = "239.255.73.1", port = 30001 }
line_b = { group = "239.255.73.2", port = 30002 }
"""


class Place(NamedTuple):
    """A venue that speaks TLS, and who issued its certificate and its members'."""

    venue: Venue
    authority: Authority
    strangers: Authority
    shown: dict[str, tuple[str, str]]


def configuration(venue_pem: tuple[str, str], client_ca: Path) -> str:
    """ALPHA proves nothing, BRAVO a password, CHARLIE shows a certificate, DELTA comes from far."""
    members = "".join(
        f'[[member]]\nname = "{name}"\n{more}\n[[member.account]]\nname = "{name}"\n'
        for name, more in (
            ("ALPHA", ""),
            ("BRAVO", f'password_hash = "{hash_password(SECRET)}"'),
            ("CHARLIE", "certificate = true"),
            ("DELTA", 'addresses = ["127.0.0.2"]'),
        )
    )
    return (
        f"[fix]\nlogon_timeout_seconds = {LOGON_SECONDS}\n"
        f"connections_per_address_max = {PER_ADDRESS}\n[fix.tls]\n"
        f'certificate = "{venue_pem[0]}"\nkey = "{venue_pem[1]}"\nclient_ca = "{client_ca}"\n'
        + members
        + FEED
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("tls")
    authority, strangers = Authority(folder, "issuer"), Authority(folder, "stranger")
    shown = {
        "CHARLIE": authority.issue("CHARLIE"),
        "dns": authority.issue("desk", ("CHARLIE", "desk.example")),
        "stranger": strangers.issue("CHARLIE2"),
    }
    config = folder / "venue.toml"
    config.write_text(configuration(authority.issue("venue"), authority.file))
    with Venue(config=config) as running:
        yield Place(running, authority, strangers, shown)


class Peer:
    """A member by Python's own ssl module."""

    def __init__(
        self,
        place: Place,
        comp_id: str = "ALPHA",
        shown: str = "",
        source: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        context = client_context(place.authority, place.shown.get(shown))
        plain = socket.create_connection(
            ("127.0.0.1", port or place.venue.fix_port), WAIT_S, (source, 0)
        )
        self.line = context.wrap_socket(plain, server_hostname="127.0.0.1")
        self.header = Header(comp_id.encode(), b"SITEX")
        self.number = 1
        self.unread = b""

    def send(self, kind: bytes, *fields: tuple[int, bytes | str | int]) -> None:
        self.line.sendall(
            encode_message(kind, list(fields), self.header, self.number, time.time_ns())
        )
        self.number += 1

    def log_on(self, *more: tuple[int, bytes | str | int]) -> dict[str, str]:
        """What the venue answers to a Logon with both numbers begun again."""
        self.send(b"A", (98, 0), (108, 30), (141, "Y"), *more)
        return self.next()

    def next(self) -> dict[str, str]:
        """The next message; {} at the end of the line."""
        while b"\x0110=" not in self.unread or not self.unread.endswith(b"\x01"):
            data = self.line.recv(1 << 16)
            if not data:
                return {}
            self.unread += data
        end = self.unread.index(b"\x0110=") + 8
        raw, self.unread = self.unread[:end], self.unread[end:]
        (message,) = parse_out(raw)
        return dict(message)

    def ended(self) -> bool:
        """The venue closes the line, with nothing more to say."""
        try:
            return self.next() == {}
        except OSError:
            return True

    def close(self) -> None:
        self.line.close()


def is_turned_away(connect: Callable[[], Peer]) -> bool:
    """Whether the line ends without a message; in TLS 1.3 a client may learn it late."""
    try:
        return connect().log_on() == {}
    except OSError:
        return True


def test_o104_a_member_trades_over_tls(place: Place):
    peer = Peer(place)
    assert peer.line.version() == "TLSv1.3"
    assert peer.log_on()["35"] == "A"
    order = [(11, f"t{time.time_ns()}"), (55, front_symbol()), (54, "1"), (38, 3), (40, "2")]
    peer.send(b"D", *order, (44, "2.000"), (60, "20261120-10:00:00"))
    report = peer.next()
    assert (report["35"], report["150"], report["151"]) == ("8", "0", "3")
    for number in range(2_000):  # much more than a record of TLS
        peer.send(b"1", (112, f"T{number}"))
    assert [peer.next()["112"] for _ in range(2_000)] == [f"T{n}" for n in range(2_000)]
    peer.send(b"5")
    assert peer.next()["35"] == "5"
    peer.close()


def test_o104_nothing_older_and_nothing_plain(place: Place):
    with socket.create_connection(("127.0.0.1", place.venue.fix_port), WAIT_S) as plain:
        old = client_context(place.authority, old=True)
        with pytest.raises(OSError):
            old.wrap_socket(plain, server_hostname="127.0.0.1")
    with socket.create_connection(("127.0.0.1", place.venue.fix_port), WAIT_S) as plain:
        logon = encode_message(b"A", [(98, 0), (108, 30)], Header(b"ALPHA", b"SITEX"), 1, 0)
        plain.sendall(logon)
        said = b""
        try:
            while data := plain.recv(1 << 16):
                said += data
        except ConnectionError:
            said += b""
        assert b"8=FIX" not in said


def test_o104_the_venue_is_who_its_certificate_says(place: Place):
    with (
        socket.create_connection(("127.0.0.1", place.venue.fix_port), WAIT_S) as plain,
        pytest.raises(ssl.SSLCertVerificationError),
    ):
        client_context(place.strangers).wrap_socket(plain, server_hostname="127.0.0.1")


def test_o101_passwords(place: Place):
    wrong = Peer(place, "BRAVO")
    refused = wrong.log_on((553, "BRAVO"), (554, "wrong"))
    assert (refused["35"], refused["58"]) == ("5", "Username (553) or Password (554) wrong")
    assert wrong.ended()
    right = Peer(place, "BRAVO")
    assert right.log_on((553, "BRAVO"), (554, SECRET))["35"] == "A"
    right.close()


def test_o103_client_certificates(place: Place):
    for shown in ("CHARLIE", "dns"):
        peer = Peer(place, "CHARLIE", shown)
        assert peer.log_on()["35"] == "A"
        peer.send(b"5")
        assert peer.next()["35"] == "5" and peer.ended()
    for comp_id, shown in (("CHARLIE", ""), ("ALPHA", "CHARLIE")):
        refused = Peer(place, comp_id, shown).log_on()
        assert refused["58"] == f"a client certificate for {comp_id} is needed"
    assert is_turned_away(lambda: Peer(place, "CHARLIE", "stranger"))


def test_o105_addresses(place: Place):
    here = Peer(place, "DELTA").log_on()
    assert here["58"] == "DELTA does not log on from 127.0.0.1"
    there = Peer(place, "DELTA", source="127.0.0.2")
    assert there.log_on()["35"] == "A"
    there.close()


def test_o106_connections_of_an_address_handshakes_included(place: Place):
    """Nine say nothing at all: they count while they may, and end with the time of a Logon."""
    silent = [
        socket.create_connection(("127.0.0.1", place.venue.fix_port), WAIT_S, ("127.0.0.9", 0))
        for _ in range(PER_ADDRESS + 4)
    ]
    ends = [one for one in silent if one.recv(1) == b""]
    assert len(ends) == len(silent)
    peer = Peer(place, source="127.0.0.9")
    assert peer.log_on()["35"] == "A", "their places are free again"
    peer.close()


def test_o106_the_bound_of_an_address_is_nobody_else_s(place: Place):
    lines = [Peer(place, source="127.0.0.8") for _ in range(PER_ADDRESS)]
    assert is_turned_away(lambda: Peer(place, source="127.0.0.8"))
    other = Peer(place, source="127.0.0.7")
    assert other.log_on()["35"] == "A"
    for one in (*lines, other):
        one.close()


def test_o101_who_is_logged_on_does_not_wait_for_passwords(place: Place):
    """Logons whose check takes long are under way; the answer to a TestRequest overtakes them."""
    busy = Peer(place)
    assert busy.log_on()["35"] == "A"
    waiting = [Peer(place, "BRAVO", source=f"127.0.1.{n}") for n in range(1, 11)]
    for one in waiting:
        one.send(b"A", (98, 0), (108, 30), (141, "Y"), (554, "wrong"))
    busy.send(b"1", (112, "here"))
    assert busy.next()["112"] == "here"
    waiting[-1].line.setblocking(False)
    with pytest.raises(ssl.SSLWantReadError):
        waiting[-1].line.recv(1)
    waiting[-1].line.setblocking(True)
    waiting[-1].line.settimeout(WAIT_S)
    assert [one.next()["35"] for one in waiting] == ["5"] * len(waiting)
    busy.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs the openssl program")
@pytest.mark.parametrize(("option", "answered"), [("-tls1_3", True), ("-tls1_2", False)])
def test_o104_openssl_s_client(place: Place, option: str, answered: bool):
    logon = encode_message(
        b"A", [(98, 0), (108, 30), (141, "Y")], Header(b"ALPHA", b"SITEX"), 1, time.time_ns()
    )
    goodbye = encode_message(b"5", [], Header(b"ALPHA", b"SITEX"), 2, time.time_ns())
    done = subprocess.run(
        ["openssl", "s_client", option, "-quiet", "-verify_return_error",
         "-CAfile", str(place.authority.file), "-verify_ip", "127.0.0.1",
         "-connect", f"127.0.0.1:{place.venue.fix_port}"],
        input=logon + goodbye, capture_output=True, timeout=60,
    )  # fmt: skip
    assert (b"\x0135=A\x01" in done.stdout and b"\x0135=5\x01" in done.stdout) == answered


def test_o101_no_password_is_written_anywhere(tmp_path: Path):
    """Journal, session store, events, output: after right, wrong and garbled Logons."""
    authority = Authority(tmp_path, "issuer")
    config = tmp_path / "venue.toml"
    config.write_text(configuration(authority.issue("venue"), authority.file))
    with Venue(config=config) as venue:
        there = Place(venue, authority, authority, {})
        right = Peer(there, "BRAVO")
        assert right.log_on((553, "BRAVO"), (554, SECRET))["35"] == "A"
        right.send(b"A", (98, 0), (108, 30), (554, ROTATED))  # a Logon in a session: a Reject
        assert right.next()["35"] == "3"
        right.send(b"D", (554, ROTATED), (11, "x"))  # a field of another message
        assert right.next()["35"] == "3"
        right.close()
        wrong = Peer(there, "ALPHA")
        wrong.log_on((553, "ALPHA"), (554, ROTATED), (9999, ROTATED))
        wrong.close()
        venue.process.send_signal(signal.SIGTERM)
        assert venue.process.stdout
        said = venue.process.stdout.read().encode()
        venue.stop()
        written = [path.read_bytes() for path in venue.directory.rglob("*") if path.is_file()]
        assert any(b"BRAVO" in data for data in written)
        for data in (said, *written):
            assert SECRET.encode() not in data and ROTATED.encode() not in data
