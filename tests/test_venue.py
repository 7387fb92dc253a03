"""venue.toml: the default venue, overrides, and refusals of bad values."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.credentials import hash_password, is_password_hash, verify_password
from specs.loading import SpecError
from specs.products import load_products
from specs.venue import (
    VENUE_FILE,
    Account,
    DayConfig,
    FeedConfig,
    FixConfig,
    Member,
    OperatorConfig,
    load_venue,
    permits,
)

HASH = hash_password("secret", bytes(16))


def refusal(text: str, tmp_path: Path, overrides: tuple[str, ...] = ()) -> SpecError:
    file = tmp_path / "venue.toml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_venue(file, overrides, load_products())
    return caught.value


def test_default_venue_is_that_of_the_issue():
    config = load_venue(catalogue=load_products())
    names = ["ALPHA", "BRAVO", "CHARLIE", "DELTA", "MAKER1", "MAKER2"]
    assert config.target_comp_id == "SITEX"
    assert (config.fix.host, config.fix.port) == ("127.0.0.1", 9878)
    assert (config.feed.line_a.group, config.feed.line_a.port) == ("239.255.73.1", 30001)
    assert (config.feed.line_b.group, config.feed.line_b.port) == ("239.255.73.2", 30002)
    assert (config.feed.ttl, config.feed.interface) == (0, "127.0.0.1")
    assert [member.name for member in config.members] == names
    assert [member.comp_ids for member in config.members] == [(name,) for name in names]
    assert config.durability == "fsync"
    assert config.fix.possdup_stale_seconds == 60
    assert config.fix.reconnect_grace_seconds == 30


def test_default_quotas_admit_a_million_orders_of_one_member():
    for member in load_venue().members:
        account = member.accounts[0]
        assert member.requests_per_day_max > 1_000_000
        assert member.live_orders_max > 1_000_000
        assert member.messages_per_second_max > 1_000_000
        assert account.open_orders_max > 1_000_000
        assert account.orders_per_second_max > 1_000_000


def test_the_file_says_what_the_code_takes_when_it_is_silent():
    config = load_venue()
    assert (config.fix, config.feed, config.day) == (FixConfig(), FeedConfig(), DayConfig())
    assert config.operator == OperatorConfig()
    for member in config.members:
        silent = Member(name=member.name, accounts=(Account(name=member.name),))
        written = Member(
            name=member.name,
            accounts=member.accounts,
            requests_per_day_max=member.requests_per_day_max,
            live_orders_max=member.live_orders_max,
            messages_per_second_max=member.messages_per_second_max,
            cancels_per_second_max=member.cancels_per_second_max,
            cancel_on_disconnect=member.cancel_on_disconnect,
            disconnect_grace_seconds=member.disconnect_grace_seconds,
            next_expected=member.next_expected,
            begin_string=member.begin_string,
            open_orders_max=member.open_orders_max,
        )
        assert written == silent


def test_overrides():
    config = load_venue(overrides=["fix.port=9900", "durability=os", "feed.line_b.port = 31002"])
    assert (config.fix.port, config.durability) == (9900, "os")
    assert (config.feed.line_a.port, config.feed.line_b.port) == (30001, 31002)


@pytest.mark.parametrize(
    ("override", "path", "allowed"),
    [
        ("fix.port=x", "$.fix.port", "from 1 to 65,535"),
        ("fix.port=0", "$.fix.port", "from 1 to 65,535"),
        ("fix.host=localhost", "$.fix.host", "an IP address"),
        ("fix.prt=1", "$.fix", "port (optional)"),
        ("fix=1", "$.fix", "a table with"),
        ("fix.turn_bytes_max=1_000", "$.fix.turn_bytes_max", "from 65,536 to 16,777,216"),
        ("durability=disk", "$.durability", "'fsync', 'os'"),
        ("target_comp_id=", "$.target_comp_id", "text matching"),
        ("target_comp_id=MAKER1", "$.member[4].sessions", "each name once"),
        ("feed.ttl=256", "$.feed.ttl", "from 0 to 255"),
        ("feed.packet_bytes_max=1500", "$.feed.packet_bytes_max", "from 512 to 1,400"),
        ("feed.line_a.group=10.0.0.1", "$.feed.line_a.group", "224.0.0.0 to 239.255.255.255"),
        ('feed.line_b={group="239.255.73.1", port=30001}', "$.feed.line_b", "another group"),
        ("day.time_zone=Mars", "$.day.time_zone", "an offset such as"),
        ("day.roll_time=25:00:00", "$.day.roll_time", "17:00:00"),
        ("member=[]", "$.member", "a list of"),
        ("fix.host=0.0.0.0", "$.member[0].password_hash", "while every address is loopback"),
        ("feed.interface=10.1.2.3", "$.member[0].password_hash", "loopback"),
        ("feed.recovery_host=::", "$.member[0].password_hash", "loopback"),
        ("nonsense", "$", "NAME=VALUE"),
        ("=1", "$", "NAME=VALUE"),
        ("durability.x=1", "$.durability.x", "T.NAME=VALUE"),
    ],
)
def test_bad_values_name_the_path_and_what_is_allowed(override: str, path: str, allowed: str):
    with pytest.raises(SpecError) as caught:
        load_venue(overrides=[override])
    assert caught.value.path == path
    assert allowed in caught.value.allowed
    assert str(VENUE_FILE) in str(caught.value) or "--set" in str(caught.value)


def test_members_are_checked(tmp_path: Path):
    member = '[[member]]\nname = "A"\n[[member.account]]\nname = "A"\n'
    assert refusal('[[member]]\nname = "A"\n', tmp_path).path == "$.member[0]"
    assert refusal(member * 2, tmp_path).path == "$.member[1].name"
    account = '[[member]]\nname = "B"\n[[member.account]]\nname = "A"\n'
    assert refusal(member + account, tmp_path).path == "$.member[1].account[0].name"
    error = refusal(member.replace('"A"\n[', '"A"\nproducts = ["SITB", "SITX"]\n[', 1), tmp_path)
    assert (error.path, "'SITB'" in error.allowed) == ("$.member[0].products[1]", True)
    error = refusal(member.replace('"A"\n[', '"A"\npassword_hash = "x"\n[', 1), tmp_path)
    assert error.path == "$.member[0].password_hash"
    for value, path in (
        ('public_key = "x"', "public_key"),
        ('addresses = ["10.0.0.1/8"]', "addresses"),
    ):
        error = refusal(member.replace('"A"\n[', f'"A"\n{value}\n[', 1), tmp_path)
        assert error.path == f"$.member[0].{path}"
    assert refusal("fix = {}\n", tmp_path).problem.startswith("Object missing required field")


def test_o100_members_with_credentials_may_listen_anywhere_with_tls(tmp_path: Path):
    file = tmp_path / "venue.toml"
    venue = (
        f'[[member]]\nname = "A"\nproducts = ["SITB"]\npassword_hash = "{HASH}"\n'
        '[[member.account]]\nname = "A1"\n[[member.account]]\nname = "A2"\n'
        '[fix]\nhost = "0.0.0.0"\n'
    )
    error = refusal(venue, tmp_path)
    assert (error.file, error.path) == (file, "$.fix.host")
    assert "'0.0.0.0'" in error.problem and "fix.tls" in error.allowed
    tls = '[fix.tls]\ncertificate = "v.pem"\nkey = "v.key"\n'
    error = refusal(venue + tls, tmp_path)
    assert (error.path, error.problem) == ("$.fix.tls.certificate", "'v.pem' is no file")
    for name in ("v.pem", "v.key"):
        (tmp_path / name).touch()
    file.write_text(venue + tls)
    config = load_venue(file)
    assert config.fix.tls is not None and config.fix.tls.key == str(tmp_path / "v.key")
    open_door = venue.replace(HASH, "")
    assert refusal(open_door + tls, tmp_path).path == "$.member[0].password_hash"
    key = f'public_key = "ed25519:{"ab" * 32}"'
    file.write_text(open_door.replace('password_hash = ""', key) + tls)
    assert load_venue(file).members[0].has_credential
    shown = open_door.replace('password_hash = ""', "certificate = true")
    error = refusal(shown + tls, tmp_path)
    assert error.path == "$.member[0].certificate" and "client_ca" in error.allowed
    file.write_text(shown + tls + 'client_ca = "v.pem"\n')
    member = load_venue(file).members[0]
    assert member.default_account == "A1"
    assert permits(member, "SITB") and not permits(member, "GH1")


def test_passwords():
    assert is_password_hash(HASH)
    assert verify_password("secret", HASH)
    assert not verify_password("Secret", HASH)
    assert not verify_password("secret", "")
    assert hash_password("secret") != hash_password("secret")
