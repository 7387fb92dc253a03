"""UserRequests and News: another password over FIX, kept nowhere in plain; what operators tell."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.acceptor import Acceptor
from gateway.access import FREE_FAILURES, Origin
from gateway.administration import Administration
from gateway.assembly import Assembly
from gateway.counterparty import Access
from gateway.operator import Halt, News, Resume
from gateway.users import (
    CHANGES_MAX,
    PASSWORD_CHARS_MAX,
    PASSWORD_CHARS_MIN,
    Change,
    Outcome,
)
from specs.credentials import hash_password, verify_password
from specs.members import MEMBERS_FILE, members_beside
from specs.venue import VENUE_FILE, VenueSource, load_venue
from tests.member_rig import FROM_NS, Member, opened, trading
from tests.test_schedule import CATALOGUE

pytestmark = pytest.mark.kernels
OLD, NEW = "the old password", "a-new-password-1"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    yield from opened(tmp_path / "data", FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    yield from trading(parts)


@pytest.fixture
def desk(parts: Assembly, tmp_path: Path) -> Administration:
    """The operator's side, with a venue.toml of its own."""
    file = tmp_path / "venue.toml"
    file.write_text(VENUE_FILE.read_text())
    return Administration(parts, load_venue(file), VenueSource(file, ()), CATALOGUE, lambda: None)


def has_password(member: Member) -> None:
    party = member.line.session.party
    assert party is not None
    party.access = Access(password_hash=hash_password(OLD))


def ask(member: Member, kind: str, *more: tuple[int, str], user: str = "ALPHA") -> dict[int, str]:
    (said,) = member.ask(b"BE", (923, "u"), (924, kind), (553, user), *more)
    assert (said[35], said[923], said[553]) == ("BF", "u", user) and said[927]
    return said


def changed_at_once(parts: Assembly) -> list[Change]:
    """Changes are carried out where they begin."""
    begun: list[Change] = []

    def start(change: Change) -> str:
        begun.append(change)
        return ""

    parts.reporter.inquiries.users.start = start
    return begun


def finish(parts: Assembly, change: Change) -> Outcome:
    outcome = change.carry_out(parts.keep_password)
    parts._changed(change, Origin("192.0.2.7"), outcome)
    return outcome


def test_o153_the_status_of_users(member: Member):
    assert ask(member, "4")[926] == "1"
    assert ask(member, "4", user="NOSUCH")[926] == "3"
    assert ask(member, "4", user="BRAVO")[926] == "3", "of another member"
    for kind in "12":
        assert ask(member, kind)[926] == "6"


def test_o153_a_user_that_is_away(parts: Assembly, member: Member):
    other = parts.registry.directory.find(b"SITEX", b"BRAVO")
    assert other is not None
    other.row["member"] = member.line.session.party.row["member"]
    assert ask(member, "4", user="BRAVO")[926] == "2"


def test_o154_a_change_holds_from_the_next_logon(
    parts: Assembly, member: Member, desk: Administration, tmp_path: Path
):
    begun = changed_at_once(parts)
    has_password(member)
    assert member.ask(b"BE", (923, "u"), (924, "3"), (553, "ALPHA"), (554, OLD), (925, NEW)) == []
    assert ask(member, "3", (554, OLD), (925, NEW))[926] == "6", "another one is under way"
    outcome = finish(parts, begun[0])
    (said,) = member.heard()
    assert (said[35], said[923], said[553], said[926]) == ("BF", "u", "ALPHA", "5")
    (entry,) = members_beside(tmp_path / "venue.toml")
    assert entry.name == "ALPHA" and entry.password_hash == outcome.password_hash
    party = member.line.session.party
    assert party.access.password_hash == entry.password_hash and party.connection is not None
    assert verify_password(NEW, entry.password_hash)
    assert (tmp_path / MEMBERS_FILE).stat().st_mode & 0o077 == 0
    assert desk.config.members[0].password_hash == entry.password_hash
    member.ask(b"BE", (923, "u"), (924, "3"), (553, "ALPHA"), (554, NEW), (925, OLD))
    assert len(begun) == 2, "the first one is over"


def test_o154_a_wrong_password_changes_nothing_and_is_counted(
    parts: Assembly, member: Member, desk: Administration, tmp_path: Path
):
    begun = changed_at_once(parts)
    has_password(member)
    party = member.line.session.party
    before = party.access
    for number in range(FREE_FAILURES):
        assert parts.admission.may_try(party, Origin("192.0.2.7"), 10**18) == ""
        member.ask(b"BE", (923, "u"), (924, "3"), (553, "ALPHA"), (554, NEW), (925, NEW))
        assert finish(parts, begun[number]).status == 4
        assert member.heard()[0][926] == "4"
    assert party.access == before and not (tmp_path / MEMBERS_FILE).exists()
    text = parts.admission.may_try(party, Origin("192.0.2.7"), 0)
    assert "failed Logons" in text


def test_o154_what_is_not_taken(parts: Assembly, member: Member):
    assert ask(member, "3", (554, OLD), (925, NEW))[926] == "6", "it has no password"
    has_password(member)
    begun = changed_at_once(parts)
    assert ask(member, "3", (925, NEW))[926] == "6"
    for length in (0, PASSWORD_CHARS_MIN - 1, PASSWORD_CHARS_MAX + 1):
        more = ((925, "x" * length),) if length else ()
        assert ask(member, "3", (554, OLD), *more)[926] == "6"
    parts.reporter.inquiries.users._under_way |= set(range(100, 100 + CHANGES_MAX))
    assert ask(member, "3", (554, OLD), (925, NEW))[926] == "6"
    assert begun == []
    (said,) = member.ask(b"BE", (923, "x" * 65), (924, "4"), (553, "ALPHA"))
    assert (said[35], said[372], said[380]) == ("j", "BE", "0")


def test_o154_a_password_that_cannot_be_kept_is_not_changed(parts: Assembly, member: Member):
    begun = changed_at_once(parts)
    has_password(member)
    party = member.line.session.party
    before = party.access
    member.ask(b"BE", (923, "u"), (924, "3"), (553, "ALPHA"), (554, OLD), (925, NEW))
    assert finish(parts, begun[0]).status == 6, "there is no file"
    assert party.access == before and "could not be kept" in member.heard()[0][927]


def test_o154_other_entries_of_the_file_stay(parts: Assembly, desk: Administration, tmp_path: Path):
    place = tmp_path / MEMBERS_FILE
    place.write_text(
        '[[member]]\nname = "ALPHA"\naddresses = ["192.0.2.7"]\n[[member]]\nname = "Z"\n'
    )
    parts.keep_password(int(parts.registry.known.members["ALPHA"]["member"]), hash_password(NEW))
    first, second = members_beside(tmp_path / "venue.toml")
    assert (first.name, first.addresses, second.name) == ("ALPHA", ("192.0.2.7",), "Z")
    assert isinstance(first.password_hash, str) and verify_password(NEW, first.password_hash)
    assert second.password_hash is msgspec.UNSET


def test_o155_a_halt_is_news(parts: Assembly, member: Member, desk: Administration):
    now_ns = time.time_ns()
    assert desk.act(Halt("SITB", "index l\u00e4te"), now_ns).done
    (said,) = member.heard()
    assert (said[35], said[58]) == ("B", "SITB halted by the operator: index l?te")
    assert not desk.act(Halt("SITB", "again"), now_ns).done and member.heard() == []
    assert desk.act(Resume("SITB", "it is there"), now_ns).done
    assert member.heard()[0][58] == "SITB resumed by the operator: it is there"
    assert parts.registry.directory.find(b"SITEX", b"BRAVO").next_out == 3


def test_o155_news_reach_who_is_there_and_wait_for_who_is_not(
    parts: Assembly, member: Member, desk: Administration
):
    assert desk.act(News("all is well"), 10**18).done
    (said,) = member.heard()
    assert (said[35], said[148], said[33], said[58]) == ("B", "venue", "1", "all is well")
    bravo = parts.registry.directory.find(b"SITEX", b"BRAVO")
    assert bravo is not None and bravo.next_out == 2, "kept for it"
    assert bravo.sent.next_resendable(1, 1) == 1
    assert b"all is well" in bravo.sent.encode_again(1, 10**18)
    assert desk.act(News("for one", "BRAVO"), 10**18).done and member.heard() == []
    assert bravo.next_out == 3
    for wrong in (News("x", "NOSUCH"), News("gr\u00fcn")):
        assert not desk.act(wrong, 10**18).done
    again = member.ask(b"2", (7, int(said[34])), (16, 0))
    assert (again[0][35], again[0][58], again[0][43]) == ("B", "all is well", "Y")
    assert isinstance(member.line.session, Acceptor)
