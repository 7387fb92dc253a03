"""The operator's page: who gets in, what the picture says, and the page in a real Chromium."""

from __future__ import annotations

import asyncio
import http.client
import json
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from feed.books import Books
from feed.handler import FeedState, Handler
from feed.messages import InstrumentDefined, Status, TradingStatus
from feed.packet import PacketKind, encode_packet
from gateway.client import Client, member_reader
from gateway.operator import Halt, Resume, Statistics, ask, keep_token
from gateway.operator_view import OperatorView, groups_of, rates_of
from gateway.statistics import SessionStatistics, VenueStatistics
from gateway.waits import KEPT_S, Waits
from perf.venue import Venue, free_port
from specs.loading import SpecError
from specs.venue import VENUE_FILE, load_venue
from tests.page_rig import market_page, require_browser

SECOND = 1_000_000_000
PATHS = ("/", "/picture", "/operator.js", "/style.css", "/nothing")


class PageVenue(Venue):
    """A venue with the operator's page; `token` is the one it printed."""

    def __init__(self, *settings: str) -> None:
        for library in ("starlette", "uvicorn"):
            pytest.importorskip(library, reason="needs the extra [operator]")
        self.page_port = free_port()
        super().__init__("fsync", settings=(f"operator.page_port={self.page_port}", *settings))
        assert self.process.stdout
        while not any("?token=" in line for line in self.output):
            self.output.append(self.process.stdout.readline())
        self.token = re.findall(r"\?token=([\w-]+) up", "".join(self.output))[0]


def get(
    port: int, path: str, token: str = "", host: str = "127.0.0.1", **headers: str
) -> http.client.HTTPResponse:
    """One answer of the page's process, read whole."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    bearer = {"Authorization": f"Bearer {token}"} if token else {}
    line.request("GET", path, headers={"Host": f"{host}:{port}", **bearer, **headers})
    answer = line.getresponse()
    answer.text = answer.read().decode()  # type: ignore[attr-defined]
    line.close()
    return answer


@pytest.fixture(scope="module")
def venue() -> Iterator[PageVenue]:
    with PageVenue() as opened:
        yield opened


def test_f150_nothing_without_the_token(venue: PageVenue) -> None:
    """Every path refuses; the token opens them as a bearer or as a cookie."""
    port, token = venue.page_port, venue.token
    for path in PATHS:
        for wrong in ("", "x", token[:-1], token + "x"):
            answer = get(port, path, wrong)
            assert (answer.status, answer.text) == (401, get(port, "/").text), path
    assert get(port, f"/?token={token}x").status == 401
    assert get(port, f"/picture?token={token}").status == 401, "only / takes it in the address"
    assert [get(port, path, token).status for path in PATHS] == [200, 200, 200, 200, 404]
    first = get(port, f"/?token={token}")
    cookie = first.headers["set-cookie"]
    assert (first.status, first.headers["location"]) == (303, "/")
    assert "httponly" in cookie.lower() and "samesite=strict" in cookie.lower()
    assert get(port, "/picture", Cookie=cookie.split(";")[0]).status == 200
    assert get(port, "/picture", Cookie=cookie.split("=")[0] + "=x").status == 401


def test_f150_only_loopback_and_its_owner(venue: PageVenue) -> None:
    """A foreign name is refused even with the token; the file is the owner's alone."""
    assert get(venue.page_port, "/", venue.token, host="venue.example").status == 403
    assert get(venue.page_port, "/", venue.token, host="localhost").status == 200
    other = http.client.HTTPConnection("127.0.0.2", venue.page_port, timeout=5)
    with pytest.raises(ConnectionRefusedError):
        other.request("GET", "/")
    file = venue.directory / "operator.token"
    assert file.read_text() == venue.token and len(venue.token) >= 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    headers = get(venue.page_port, "/", venue.token).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]


def test_f150_a_token_of_the_configuration() -> None:
    """It is asked for instead of one that is made; a short one is no token."""
    with pytest.raises(SpecError, match=r"page_token"):
        load_venue(VENUE_FILE, ['operator.page_token="short"'])
    chosen = "a-token-of-our-own"
    with PageVenue(f'operator.page_token="{chosen}"') as venue:
        assert venue.token == chosen
        assert get(venue.page_port, "/", chosen).status == 200
        assert not (venue.directory / "operator.token").exists()


def test_f151_the_picture_is_what_the_venue_says(venue: PageVenue) -> None:
    """Sessions and phases of the venue's own answer; the feed is heard."""
    picture = json.loads(get(venue.page_port, "/picture", venue.token).text)
    answer = ask(venue.directory, Statistics())
    said = msgspec.json.decode(answer.text, type=VenueStatistics)
    shown = msgspec.convert(picture["venue"], VenueStatistics)
    assert [one.session for one in shown.sessions] == [one.session for one in said.sessions]
    assert shown.feed_starts == 1 and shown.clock_speed == 1 and not picture["problem"]
    assert picture["feed"]["state"] in ("synchronized", "recovering", "stale")
    assert {one["phase"] for one in picture["groups"]} <= {"continuous trading"}


async def test_f151_the_page_in_a_browser() -> None:
    """Sessions with both numbers, a halt, a kill and a restart: the page follows."""
    require_browser()
    with PageVenue() as venue:
        async with market_page(venue.page_port, query=f"?token={venue.token}") as shown:
            page = shown.page
            await page.wait_for_selector("#state.good:has-text('running')")
            assert "token" not in page.url
            await page.wait_for_selector("#feed-state.good:has-text('synchronized')")
            client = Client("127.0.0.1", venue.fix_port, "ALPHA", reader=member_reader())
            await client.connect()
            await page.wait_for_selector("#sessions tr:has-text('active')")
            rows = {row[0]: row for row in await shown.rows("sessions")}
            assert rows["ALPHA"][3:5] == ["2", "2"] and rows["BRAVO"][2] == "away"
            assert next(iter(rows)) == "ALPHA", "who is here stands first"
            assert ask(venue.directory, Halt("SITB", "price under review")).done
            await page.wait_for_selector("#market td.halted:has-text('by the operator')")
            assert ask(venue.directory, Resume("SITB", "confirmed")).done
            await page.wait_for_selector("#market td.halted", state="detached")
            await page.fill("#filter", "brav")
            await page.wait_for_function(
                "document.querySelectorAll('#sessions tbody tr').length === 1"
            )
            await asyncio.to_thread(venue.kill)
            shown.expected_away = True
            await page.wait_for_selector("#problem:visible")
            await asyncio.to_thread(venue.start)
            await page.wait_for_selector("#state.good:has-text('running')")
            assert not await page.is_visible("#problem")
            shown.expected_away = False


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_f151_on_a_phone_nothing_sticks_out(venue: PageVenue, scheme: str) -> None:
    """Width of a phone, in the system's theme."""
    require_browser()
    size = {"width": 390, "height": 844}
    query = f"?token={venue.token}"
    async with market_page(
        venue.page_port, query=query, viewport=size, color_scheme=scheme
    ) as shown:
        await shown.page.wait_for_selector("#market tbody tr")
        wide = await shown.page.evaluate("document.documentElement.scrollWidth")
        assert wide <= size["width"]
        colour = await shown.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", colour)[:3])) < 200) == (scheme == "dark")


def test_f152_waits_are_of_the_last_seconds() -> None:
    """The greatest of ten seconds, whatever lay between."""
    waits = Waits()
    for second, waited in ((100, 7), (100, 9), (103, 4), (104, 5)):
        waits.take(waited, second * SECOND)
    assert waits.greatest_ns(104 * SECOND) == 9
    assert waits.greatest_ns((100 + KEPT_S) * SECOND) == 5
    assert waits.greatest_ns((104 + KEPT_S) * SECOND) == 0
    waits.take(3, 10**6 * SECOND)
    assert waits.greatest_ns(10**6 * SECOND) == 3


def statistics_at(second: int, **values: object) -> VenueStatistics:
    """Statistics of a venue that stood at `second`; what is not given is 0."""
    fields: dict[str, object] = dict.fromkeys(VenueStatistics.__struct_fields__, 0)
    fields |= {"venue_day": "2026-11-24", "halted": "", "sessions": [], "clock_speed": 1}
    fields |= {"time_ns": second * SECOND, "venue_time_ns": second * SECOND, **values}
    return msgspec.convert(fields, VenueStatistics)


def test_f151_rates_are_of_two_answers() -> None:
    """A venue that began again, or did not answer, has none."""
    one = msgspec.convert(
        dict.fromkeys(SessionStatistics.__struct_fields__, 0)
        | {"session": "A", "member": "A", "state": "ACTIVE", "address": "", "tls": False}
        | {"resending": False, "killed": False, "disabled": False}
        | {"messages_in_per_second": 2.5, "messages_out_per_second": 4.0},
        SessionStatistics,
    )
    before = statistics_at(10, commands=100, events=300, journal_bytes=1_000)
    after = statistics_at(12, commands=150, events=500, journal_bytes=9_000, sessions=[one, one])
    assert rates_of(before, after) == {
        "commands": 25.0, "events": 100.0, "journal_bytes": 4_000.0, "messages_in": 5.0,
        "messages_out": 8.0,
    }  # fmt: skip
    assert rates_of(None, after) == rates_of(before, None) == {}
    assert rates_of(after, statistics_at(13)) == {}, "its numbers began again"


def test_f152_latencies_need_a_clock_that_runs_as_time_does() -> None:
    """From the first command of a packet; the venue clock may be ahead, but not fast."""
    view, handler = OperatorView(), Handler()

    def look(venue: VenueStatistics | None, second: int):
        return view.picture(venue, "", handler, FeedState.STALE, second * SECOND, second * SECOND)

    def packet(taken_ns: int, sent_ns: int, heard_ns: int) -> None:
        view.latencies.update(taken_ns)
        view.latencies.update(taken_ns + 5)
        data = encode_packet(PacketKind.MESSAGES, 7, 1, sent_ns, [])
        view.latencies.packet(data, heard_ns)

    ahead = 86_400 * SECOND
    look(statistics_at(1, venue_time_ns=SECOND + ahead), 1)
    for number in range(100):
        at = (2 + number // 10) * SECOND + number % 10 * 20_000_000
        packet(at + ahead, at + 1_000 * (number + 1), at + 200_000)
    feed = look(None, 12).feed
    assert (feed.sent.samples, feed.sent.p50_us, feed.sent.p99_us) == (100, 51.0, 100.0)
    assert feed.heard.p50_us == 200.0
    assert look(None, 100).feed.sent.samples == 0
    look(statistics_at(101, clock_speed=60), 101)
    packet(101 * SECOND, 101 * SECOND, 101 * SECOND)
    assert look(None, 101).feed.sent.samples == 0


def test_f151_groups_tell_phases_and_who_halted() -> None:
    """By product, the most first; what has expired is left out."""
    books = Books()
    for number, status, reason in (
        (1, TradingStatus.TRADING, 0), (2, TradingStatus.TRADING, 0),
        (3, TradingStatus.HALTED, 2004), (4, TradingStatus.EXPIRED, 0),
    ):  # fmt: skip
        fields: dict[str, Any] = dict.fromkeys(InstrumentDefined.__struct_fields__, 0)
        fields |= {"instrument": number, "symbol": f"SITB{number}", "product_code": "SITB"}
        books.apply(InstrumentDefined(**fields))
        books.apply(Status(0, number, int(status), reason))
    groups = groups_of(books.by_instrument.values())
    found = [(one.phase, one.instruments, one.halted, one.symbols) for one in groups]
    assert found == [
        ("continuous trading", 2, False, ["SITB1", "SITB2"]), ("halted", 1, True, ["SITB3"]),
    ]  # fmt: skip


def test_the_token_is_kept_over_restarts(tmp_path: Path) -> None:
    """Made once, then read."""
    first = keep_token(tmp_path / "a")
    assert keep_token(tmp_path / "a") == first != keep_token(tmp_path / "b")
