"""The guides' programs, run as they stand against a venue; only ports are replaced."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from perf.venue import Venue
from specs.venue import FeedConfig, FixConfig

ROOT = Path(__file__).resolve().parent.parent
WORDS_MAX = 1_000  # two pages
WAIT_S = 60


def blocks(guide: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    text = (ROOT / "docs" / guide).read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def venue() -> Iterator[Venue]:
    with Venue("os") as running:
        yield running


@pytest.fixture(scope="module")
def front(venue: Venue) -> str:
    """The nearest SITB contract."""
    listed = subprocess.run(
        [sys.executable, "-m", "gateway.cli", "instruments", "--product", "SITB"],
        capture_output=True, text=True, check=True, cwd=ROOT,
    )  # fmt: skip
    found = re.search(r"^SITB\d{4}", listed.stdout, re.MULTILINE)
    assert found
    return found[0]


def start(folder: Path, name: str, program: str, symbol: str) -> subprocess.Popen[str]:
    (folder / name).write_text(program)
    return subprocess.Popen(
        [sys.executable, "-u", name, symbol], cwd=folder, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(),
    )  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def subscriber_program(venue: Venue) -> str:
    (program,) = blocks("subscribe-python.md", "python")
    a, b = FeedConfig().line_a.group, FeedConfig().line_b.group
    lines = f"(Line({a!r}, {venue.line_a}), Line({b!r}, {venue.line_b}))"
    chosen = f"Subscriber({lines}, ('127.0.0.1', {venue.recovery_port}))"
    assert program.count("Subscriber()") == 1
    return "from feed.multicast import Line\n" + program.replace("Subscriber()", chosen)


def test_the_subscriber_shows_what_the_quickfix_client_did(
    venue: Venue, front: str, tmp_path: Path
):
    pytest.importorskip("quickfix", reason="needs the extra [quickfix]")
    (settings,) = blocks("connect-quickfix.md", "ini")
    (program,) = blocks("connect-quickfix.md", "python")
    assert str(FixConfig().port) in settings
    settings = settings.replace(str(FixConfig().port), str(venue.fix_port))
    settings = settings.replace("specs/fix", str(ROOT / "specs" / "fix"))
    (tmp_path / "alpha.cfg").write_text(settings)
    subscriber = start(tmp_path, "subscriber.py", subscriber_program(venue), front)
    try:
        client = start(tmp_path, "client.py", program, front)
        out, error = client.communicate(timeout=WAIT_S)
        assert client.returncode == 0, error
        assert "|150=0|" in out and f"|55={front}|" in out
        assert subscriber.stdout
        for line in subscriber.stdout:
            if "bid (2000000000, 10, 1)" in line:
                break
        else:
            raise AssertionError("the subscriber ended")
    finally:
        subscriber.kill()
        subscriber.communicate()


def test_the_subscriber_joins_an_empty_market(venue: Venue, front: str, tmp_path: Path):
    subscriber = start(tmp_path, "subscriber.py", subscriber_program(venue), front)
    try:
        assert subscriber.stdout
        assert "bid" in subscriber.stdout.readline()
    finally:
        subscriber.kill()
        subscriber.communicate()


def test_both_guides_fit_on_two_pages():
    guides = ("connect-quickfix.md", "subscribe-python.md")
    words = sum(len((ROOT / "docs" / guide).read_text().split()) for guide in guides)
    assert words < WORDS_MAX


def test_guides_name_the_default_addresses():
    fix, feed = FixConfig(), FeedConfig()
    connect = (ROOT / "docs" / "connect-quickfix.md").read_text()
    subscribe = (ROOT / "docs" / "subscribe-python.md").read_text()
    assert f"{fix.host}:{fix.port}" in connect
    for line in (feed.line_a, feed.line_b):
        assert f"{line.group}:{line.port}" in subscribe
    assert f"{feed.recovery_host}:{feed.recovery_port}" in subscribe


def test_links_of_the_guides_and_the_readme_lead_somewhere():
    guides = ("connect-quickfix", "subscribe-python", "subscribe", "operate", "member")
    for guide in ("README.md", *(f"docs/{name}.md" for name in guides)):
        file = ROOT / guide
        for target in re.findall(r"\]\(([^)#]+)\)", file.read_text()):
            assert (file.parent / target).exists(), f"{guide}: {target}"
