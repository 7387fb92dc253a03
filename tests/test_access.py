"""Who may come in: proofs, tries and nonces, judged without a socket and without a clock."""

from __future__ import annotations

import base64
from typing import NamedTuple

import numpy as np
import pytest

from gateway.access import (
    FREE_FAILURES,
    PROOFS_MAX,
    WAIT_MAX_S,
    WRONG_PASSWORD,
    WRONG_SIGNATURE,
    Admission,
    Origin,
    Proof,
)
from gateway.counterparty import Access
from gateway.liveness import SECOND_NS
from gateway.message import Message
from gateway.values import format_timestamp
from specs.credentials import hash_password, parse_networks
from tests.session_rig import Rig, encode_line

HASH = hash_password("right", bytes(16))
HOME = Origin("192.0.2.7")
LOGON = "A 34=1 98=0 108=30"
PASSWORD = Access(password_hash=HASH)
NONCE = "nonce-0123456789"


class Outcome(NamedTuple):
    """Whether a credential was looked at, and what came of it."""

    checked: bool
    text: str


class Gate:
    """ALPHA's Logons to an Admission; the long check is done at once."""

    def __init__(self, access: Access = PASSWORD, logons_max: int = 1_000) -> None:
        self.rig = Rig()
        self.party = self.rig.party
        self.party.access = access
        self.start_ns = self.now_ns = self.rig.now_ns
        self.admission = Admission(logons_max, self.start_ns - 3_600 * SECOND_NS)

    def logon(self, line: str) -> Message:
        data = np.frombuffer(encode_line(line, self.now_ns) + bytes(64), np.uint8).copy()
        _, _, message = self.rig.tables.read(data, 0, len(data) - 64)
        assert message is not None
        return message

    def tries(self, more: str = "", origin: Origin = HOME) -> Outcome:
        found = self.admission.judge(self.party, origin, self.logon(LOGON + more), self.now_ns)
        if isinstance(found, str):
            return Outcome(False, found)
        text = self.admission.proved(self.party, origin, found, found.check(), self.now_ns)
        return Outcome(True, text)

    def wait(self, seconds: float) -> None:
        self.now_ns += round(seconds * SECOND_NS)


RIGHT, REFUSED = " 553=ALPHA 554=right", Outcome(True, WRONG_PASSWORD)
TAKEN, TAKEN_UNCHECKED = Outcome(True, ""), Outcome(False, "")


def test_o100_without_anything_set_the_comp_ids_are_enough():
    gate = Gate(Access())
    assert gate.tries() == TAKEN_UNCHECKED
    assert gate.tries(" 553=whoever 554=whatever") == TAKEN_UNCHECKED


def test_o100_a_disabled_member_is_told_so_before_any_proof():
    gate = Gate(Access(password_hash=HASH, disabled=True))
    assert gate.tries(RIGHT) == Outcome(False, "this session is disabled")


@pytest.mark.parametrize(
    ("more", "outcome"),
    [
        (RIGHT, TAKEN),
        (" 554=right", TAKEN),
        (" 553=ALPHA 554=Right", REFUSED),
        (" 553=BRAVO 554=right", Outcome(False, WRONG_PASSWORD)),
        (" 553=ALPHA", Outcome(False, WRONG_PASSWORD)),
        ("", Outcome(False, WRONG_PASSWORD)),
    ],
)
def test_o101_a_password_is_checked_beside_the_loop(more: str, outcome: Outcome):
    assert Gate().tries(more) == outcome


def test_o101_a_credential_that_changes_during_the_check_is_not_enough():
    gate = Gate()
    proof = gate.admission.judge(gate.party, HOME, gate.logon(LOGON + RIGHT), gate.now_ns)
    assert isinstance(proof, Proof)
    gate.party.access = Access(password_hash=hash_password("other"))
    text = gate.admission.proved(gate.party, HOME, proof, proof.check(), gate.now_ns)
    assert "credentials were changed" in text


def test_o101_what_waits_to_be_checked_is_bounded():
    gate = Gate()
    logon = gate.logon(LOGON + RIGHT)
    waiting = []
    for _ in range(PROOFS_MAX):
        found = gate.admission.judge(gate.party, HOME, logon, gate.now_ns)
        assert isinstance(found, Proof)
        waiting.append(found)
    assert "too many Logons wait" in gate.tries(RIGHT).text
    gate.admission.proved(gate.party, HOME, waiting[0], "", gate.now_ns)
    assert gate.tries(RIGHT) == TAKEN


def test_o103_a_certificate_is_bound_to_the_comp_id():
    needed = "a client certificate for ALPHA is needed"
    shown = Origin("192.0.2.7", frozenset({"ALPHA", "alpha.example"}), True)
    other = Origin("192.0.2.7", frozenset({"BRAVO"}), True)
    must = Gate(Access(certificate=True))
    assert must.tries(origin=shown) == TAKEN_UNCHECKED
    assert must.tries(origin=other).text == must.tries().text == needed
    may = Gate(PASSWORD)
    assert may.tries(RIGHT, shown) == TAKEN
    assert may.tries(RIGHT, other) == Outcome(False, needed), "one that is shown must be its own"
    both = Gate(Access(password_hash=HASH, certificate=True))
    assert both.tries(" 553=ALPHA 554=wrong", shown) == REFUSED
    assert both.tries(RIGHT, shown) == TAKEN
    assert both.tries(RIGHT) == Outcome(False, needed)


@pytest.mark.parametrize(
    ("address", "comes_in"),
    [("10.1.255.9", True), ("192.0.2.7", True), ("10.2.0.1", False), ("2001:db8::1", True),
     ("2001:db9::1", False)],
)  # fmt: skip
def test_o105_addresses(address: str, comes_in: bool):
    networks = parse_networks(("10.1.0.0/16", "192.0.2.7", "2001:db8::/32"))
    found = Gate(Access(networks=networks)).tries(origin=Origin(address))
    assert found.text == ("" if comes_in else f"ALPHA does not log on from {address}")


def test_o106_failed_logons_wait_longer_and_longer_and_a_success_ends_it():
    gate = Gate()
    for _ in range(FREE_FAILURES):
        assert gate.tries(" 554=wrong") == REFUSED
    waited = []
    for _ in range(11):
        found = gate.tries(RIGHT)
        assert not found.checked and "failed Logons, the next one in" in found.text
        seconds = int(found.text.split()[-2])
        waited.append(seconds)
        gate.wait(seconds - 0.001)
        assert not gate.tries(RIGHT).checked, "a Logon that is not looked at changes nothing"
        gate.wait(0.001)
        assert gate.tries(" 554=wrong") == REFUSED
    assert waited == [1, 2, 4, 8, 16, 32, 64, 128, 256, WAIT_MAX_S, WAIT_MAX_S]
    elsewhere = gate.tries(RIGHT, Origin("192.0.2.8"))
    assert elsewhere == TAKEN, "nobody is locked out from another address"
    gate.wait(WAIT_MAX_S)
    assert gate.tries(RIGHT) == TAKEN
    assert gate.tries(" 554=wrong") == REFUSED == gate.tries(" 554=wrong")


def test_o106_other_members_of_an_address_do_not_wait():
    gate = Gate()
    for _ in range(FREE_FAILURES):
        gate.tries(" 554=wrong")
    assert not gate.tries(RIGHT).checked
    gate.party = gate.rig.parties[1]
    assert gate.tries() == TAKEN_UNCHECKED


def test_o106_logons_of_a_minute():
    gate = Gate(Access(), logons_max=3)
    gate.now_ns -= gate.now_ns % (60 * SECOND_NS)
    assert [gate.tries().text for _ in range(4)] == ["", "", "", "more than 3 Logons a minute"]
    assert gate.admission.turned_away == 1
    gate.wait(60)
    assert gate.tries() == TAKEN_UNCHECKED


def test_o106_tries_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gateway.access.ENTRIES_MAX", 4)
    gate = Gate()
    for number in range(9):
        gate.tries(" 554=wrong", Origin(f"192.0.2.{number}"))
    assert len(gate.admission._tries) <= 5


# -- signatures


class Signer:
    """A member's private key."""

    def __init__(self) -> None:
        reason = "needs the extra [signed]"
        ed25519 = pytest.importorskip(
            "cryptography.hazmat.primitives.asymmetric.ed25519", reason=reason
        )
        self.key = ed25519.Ed25519PrivateKey.generate()
        self.access = Access(public_key=self.key.public_key().public_bytes_raw())

    def fields(self, time: bytes, nonce: str = NONCE, number: str = "1", to: str = "SITEX") -> str:
        """52, 95 and 96 of a Logon."""
        text = b"\x01".join([time, b"A", number.encode(), b"ALPHA", to.encode(), nonce.encode()])
        value = f"{nonce}.{base64.b64encode(self.key.sign(text)).decode()}"
        return f" 52={time.decode()} 95={len(value)} 96={value}"


def stamp(gate: Gate, seconds: float = 0) -> bytes:
    return bytes(format_timestamp(gate.now_ns + round(seconds * SECOND_NS)))


def test_o102_a_signed_logon_is_taken_once():
    signer = Signer()
    gate = Gate(signer.access)
    fields = signer.fields(stamp(gate))
    assert gate.tries(fields) == TAKEN
    assert gate.tries(fields).text == "the nonce of RawData (96) was used before"
    assert gate.tries(signer.fields(stamp(gate), "another-nonce-17")) == TAKEN


def test_o102_two_connections_with_one_nonce_at_once():
    signer = Signer()
    gate = Gate(signer.access)
    message = gate.logon(LOGON + signer.fields(stamp(gate)))
    first, second = (gate.admission.judge(gate.party, HOME, message, gate.now_ns) for _ in range(2))
    assert isinstance(first, Proof) and isinstance(second, Proof)
    assert gate.admission.proved(gate.party, HOME, first, first.check(), gate.now_ns) == ""
    text = gate.admission.proved(gate.party, HOME, second, second.check(), gate.now_ns)
    assert text == "the nonce of RawData (96) was used before"


def test_o102_what_was_signed_is_what_stands_in_the_logon():
    signer, other = Signer(), Signer()
    gate = Gate(signer.access)
    now = stamp(gate)
    assert gate.tries(other.fields(now)) == Outcome(True, WRONG_SIGNATURE)
    assert gate.tries(signer.fields(now, number="2")) == Outcome(True, WRONG_SIGNATURE)
    gate = Gate(signer.access)
    assert gate.tries(signer.fields(now, to="OTHER")) == Outcome(True, WRONG_SIGNATURE)
    moved = signer.fields(now).replace(NONCE, "nonce-0123456780")
    assert gate.tries(moved) == Outcome(True, WRONG_SIGNATURE)


@pytest.mark.parametrize(
    ("seconds", "taken"), [(-29.9, True), (29.9, True), (-30.1, False), (30.1, False)]
)
def test_o102_the_window(seconds: float, taken: bool):
    signer = Signer()
    gate = Gate(signer.access)
    found = gate.tries(signer.fields(stamp(gate, seconds)))
    assert found.checked == taken and ("within 30 s" in found.text) != taken


def test_o102_a_replay_meets_the_window_when_the_nonce_is_forgotten():
    signer = Signer()
    gate = Gate(signer.access)
    fields = signer.fields(stamp(gate, 29.5))
    for _ in range(13):
        found = gate.tries(fields)
        assert (found == TAKEN) == (gate.now_ns == gate.start_ns)
        gate.wait(5)
        gate.tries(signer.fields(stamp(gate), f"other-nonce-{gate.now_ns}"))
        gate.party.access = signer.access
        gate.admission._tries.clear()


def test_o102_a_signature_from_before_the_start_of_the_venue():
    signer = Signer()
    gate = Gate(signer.access)
    gate.admission = Admission(100, gate.now_ns - SECOND_NS)
    assert "within 30 s" in gate.tries(signer.fields(stamp(gate, -2))).text
    assert gate.tries(signer.fields(stamp(gate))) == TAKEN


@pytest.mark.parametrize("raw", ["", "x", "short." + "A" * 86 + "==", NONCE + "." + "A" * 88])
def test_o102_what_is_no_signature(raw: str):
    signer = Signer()
    gate = Gate(signer.access)
    more = f" 95={len(raw)} 96={raw}" if raw else ""
    assert "is no signed Logon" in gate.tries(more).text


def test_o102_password_and_signature_must_both_hold():
    signer = Signer()
    gate = Gate(Access(password_hash=HASH, public_key=signer.access.public_key))
    fields = signer.fields(stamp(gate))
    assert gate.tries(fields + " 554=wrong") == REFUSED
    assert gate.tries(fields + " 554=right") == TAKEN, "a wrong password uses no nonce up"
