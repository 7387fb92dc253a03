"""A QuickFIX member changes its password and hears news; no plain word of it is kept. O-154."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

import quickfix as fix

from gateway.operator import News, ask
from perf.venue import Venue
from specs.credentials import hash_password
from tests.quickfix_client import FIX44, FIXT11, Member

OLD, NEW = "correct horse battery", "staple-of-the-new-kind"
PROOF = f'name = "ALPHA"\npassword_hash = "{hash_password(OLD)}"\n'


class Proving(Member):
    """Logs on with a password."""

    password = OLD

    def toAdmin(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        if message.getHeader().getField(35) == "A":
            message.setField(554, self.password)


def config(folder: Path) -> Path:
    text = (Path(__file__).resolve().parent.parent / "specs" / "venue.toml").read_text()
    text = text.replace('password_hash = ""\n', "", 1).replace('name = "ALPHA"\n', PROOF, 1)
    text = text.replace('log = "" ', 'log = "log.json" ', 1)
    folder.mkdir()
    (folder / "venue.toml").write_text(text)
    return folder / "venue.toml"


def change(member: Member, old: str, new: str) -> dict[int, str]:
    member.send("BE", {923: "u", 924: "3", 553: "ALPHA", 554: old, 925: new})
    return member.next(t35="BF", t923="u", t553="ALPHA")


@pytest.mark.parametrize("begin", [FIX44, FIXT11])
def test_a_password_is_changed_and_news_are_heard(tmp_path: Path, begin: str) -> None:
    members = tmp_path / "members"
    members.mkdir()
    with Venue(config=config(tmp_path / "venue")) as venue:
        alpha = Proving("ALPHA", venue.fix_port, members, begin=begin).start()
        try:
            assert change(alpha, "no idea at all", NEW)[926] == "4"
            assert change(alpha, OLD, "short")[926] == "6"
            assert change(alpha, OLD, NEW)[926] == "5"
            alpha.send("BE", {923: "s", 924: "4", 553: "ALPHA"})
            alpha.next(t35="BF", t923="s", t926="1")
            alpha.send("BE", {923: "n", 924: "4", 553: "NOBODY"})
            alpha.next(t35="BF", t923="n", t926="3")
            assert ask(venue.directory, News("lunch at noon")).done
            alpha.next(t35="B", t148="venue", t33="1", t58="lunch at noon")
            alpha.stop()
            assert ask(venue.directory, News("you were away", "ALPHA")).done
            alpha.password = NEW
            alpha.start()
            alpha.next(t35="B", t58="you were away")
            alpha.stop()
            for _ in range(2):  # also after a restart, which reads the files again
                venue.stop()
                venue.start()
                alpha.start()
                alpha.stop()
            assert [one for one in alpha.admin if one[35] == "3"] == []
        finally:
            alpha.stop()
        for folder in (venue.directory, tmp_path / "venue"):
            for path in folder.rglob("*"):
                if path.is_file():
                    content = path.read_bytes()
                    assert OLD.encode() not in content and NEW.encode() not in content, path
        assert (tmp_path / "venue" / "members.toml").exists()
        assert any(path.name == "log.json" for path in venue.directory.rglob("*"))
