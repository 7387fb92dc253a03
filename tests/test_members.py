"""members.toml and `sitex member`."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.cli import app
from specs.credentials import verify_password
from specs.loading import SpecError
from specs.members import MEMBERS_FILE, MemberEntry, members_beside, write_members
from specs.venue import load_venue

VENUE = """
[[member]]
name = "ALPHA"
messages_per_second_max = 7
[[member.account]]
name = "ALPHA"
[[member.account]]
name = "A2"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "venue.toml"
    written.write_text(VENUE)
    return written


def member(*arguments: str, file: Path, code: int = 0, asked: str = "") -> str:
    """What `sitex member` says, errors too."""
    done = CliRunner().invoke(app, ["member", *arguments, "--config", str(file)], input=asked)
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def test_entries_stand_in_place_of_values_and_add_members(file: Path):
    entries = (
        MemberEntry(name="ALPHA", addresses=("10.0.0.0/8",), disabled=True),
        MemberEntry(name="BRAVO", sessions=("B1", "B2"), certificate=False),
    )
    write_members(file, entries)
    assert members_beside(file) == entries
    assert stat.S_IMODE((file.parent / MEMBERS_FILE).stat().st_mode) == 0o600
    alpha, bravo = load_venue(file).members
    assert (alpha.addresses, alpha.disabled) == (("10.0.0.0/8",), True)
    assert alpha.messages_per_second_max == 7
    assert [account.name for account in alpha.accounts] == ["ALPHA", "A2"]
    assert bravo.comp_ids == ("B1", "B2") and bravo.default_account == "BRAVO"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('[[member]]\nname = "A"\n[[member]]\nname = "A"\n', "$.member[1].name"),
        ('[[member]]\nname = "A"\npasswort = "x"\n', "$.member[0]"),
        ('[[member]]\nname = "A"\ndisabled = 1\n', "$.member[0].disabled"),
        ("[[member]\n", "$"),
    ],
)
def test_a_bad_file_is_named(file: Path, text: str, path: str):
    (file.parent / MEMBERS_FILE).write_text(text)
    with pytest.raises(SpecError) as caught:
        load_venue(file)
    assert caught.value.file.name == MEMBERS_FILE and caught.value.path == path


def test_add_makes_a_password_and_shows_it_once(file: Path):
    said = member("add", "BRAVO", "--session", "B1", "--address", "10.1.0.0/16", file=file)
    password = re.search(r"^password (\S+) \(shown once\)$", said, re.MULTILINE)
    assert password and len(password[1]) == 24 and "sitex admin reload" in said
    (bravo,) = (one for one in load_venue(file).members if one.name == "BRAVO")
    assert verify_password(password[1], bravo.password_hash)
    assert (bravo.comp_ids, bravo.addresses) == (("B1",), ("10.1.0.0/16",))
    assert password[1] not in (file.parent / MEMBERS_FILE).read_text()
    assert "is a member already" in member("add", "BRAVO", file=file, code=1)
    listed = member("list", file=file).splitlines()
    assert listed[0] == "ALPHA; sessions ALPHA; proves nothing; from anywhere"
    assert listed[1] == "BRAVO; sessions B1; proves password; from 10.1.0.0/16"


def test_rotate_gives_another_password(file: Path):
    member("rotate", "ALPHA", "--ask", file=file, asked="first\nfirst\n")
    first = load_venue(file).members[0].password_hash
    assert verify_password("first", first)
    said = member("rotate", "ALPHA", file=file)
    second = load_venue(file).members[0].password_hash
    assert "shown once" in said and not verify_password("first", second)
    error = CliRunner().invoke(app, ["member", "rotate", "NOBODY", "--config", str(file)])
    assert isinstance(error.exception, SpecError) and "'NOBODY'" in str(error.exception)


def test_disable_and_enable(file: Path):
    assert "ALPHA: disabled" in member("disable", "ALPHA", file=file)
    assert load_venue(file).members[0].disabled
    assert "; disabled" in member("list", file=file)
    assert "ALPHA: enabled" in member("enable", "ALPHA", file=file)
    assert not load_venue(file).members[0].disabled


def test_what_cannot_be_used_is_not_written(file: Path):
    for arguments in (("--address", "10.0.0.1/8"), ("--certificate",), ("--session", "ALPHA")):
        done = CliRunner().invoke(app, ["member", "add", "X", "--config", str(file), *arguments])
        assert isinstance(done.exception, SpecError), arguments
        assert not (file.parent / MEMBERS_FILE).exists()
    member("disable", "ALPHA", file=file)
    before = (file.parent / MEMBERS_FILE).read_text()
    done = CliRunner().invoke(app, ["member", "add", "bad name", "--config", str(file)])
    assert isinstance(done.exception, SpecError)
    assert (file.parent / MEMBERS_FILE).read_text() == before


def test_a_public_key_by_its_pem(file: Path, tmp_path: Path):
    reason = "needs the extra [signed]"
    ed25519 = pytest.importorskip(
        "cryptography.hazmat.primitives.asymmetric.ed25519", reason=reason
    )
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = tmp_path / "alpha.pub"
    public = ed25519.Ed25519PrivateKey.generate().public_key()
    pem.write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    said = member("rotate", "ALPHA", "--public-key", str(pem), file=file)
    assert f"ed25519:{public.public_bytes_raw().hex()}" in said
    (alpha,) = load_venue(file).members
    assert alpha.public_key in said and not alpha.password_hash
    other = X25519PrivateKey.generate().public_key()
    pem.write_bytes(other.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    for name in (str(pem), str(file)):
        member("rotate", "ALPHA", "--public-key", name, file=file, code=1)
