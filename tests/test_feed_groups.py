"""Lines of product groups: what they bring, and what they leave out. Source: F-160."""

from __future__ import annotations

import asyncio
import contextlib
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from feed.books import Books
from feed.checkpoint import encode_checkpoint, read_checkpoint, write_checkpoint
from feed.messages import ENCODER, DayRolled, MarketMessage, MessageFlag
from feed.publish import Publisher
from feed.recording import Recording
from feed.subscriber import Subscriber, subscriber_of
from perf.venue import Venue, free_port
from specs.loading import SpecError
from specs.products import load_products
from specs.venue import VENUE_FILE, load_venue
from tests.build import gross_product, product, usual_venue
from tests.feed_market import Market, assert_books_equal, published
from tests.feed_rig import FeedProcess, read_until
from tests.mqtt_rig import Broker, Command, reading

OF_ONE, OF_TWO = (1, 2), (3,)  # instruments
WAIT_S = 60.0


def market_of_two(seed: int, count: int = 400) -> Market:
    """A market whose products have the codes ONE and TWO."""
    named = [product(1, code=b"ONE"), gross_product(2, code=b"TWO")]
    return Market(seed, count, named + usual_venue()[2:])


def events_of(messages: list[MarketMessage], carried: tuple[int, ...]) -> list[list[bytes]]:
    """What each command did to the venue or to instruments that are carried, flags aside."""
    events: list[list[bytes]] = [[]]
    for message in messages:
        if getattr(message, "instrument", 0) in (0, *carried):
            fields = msgspec.structs.asdict(message)
            fields["flags"] = 0
            if isinstance(message, DayRolled):
                fields["next_session"] = 0
            events[-1].append(ENCODER.encode(type(message)(**fields)))
        if message.flags & MessageFlag.END_OF_EVENT:
            events.append([])
    return [event for event in events if event]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("code", "carried"), [("ONE", OF_ONE), ("TWO", OF_TWO)])
def test_a_group_has_the_events_of_its_products(
    seed: int, code: str, carried: tuple[int, ...]
) -> None:
    """Each command whole, however the rows are cut; other products leave no trace."""
    market = market_of_two(seed)
    publisher = Publisher(market.definitions, (code,))
    messages: list[MarketMessage] = []
    for at in range(0, len(market.events), 1 + seed):
        messages += published(publisher, market.events[at : at + 1 + seed])
    assert events_of(messages, carried) == events_of(market.messages(), carried)
    assert {getattr(message, "instrument", 0) for message in messages} <= {0, *carried}
    assert tuple(publisher.books.by_instrument) == carried
    assert_books_equal(publisher.books, market.exchange, carried)


def test_groups_have_sessions_of_their_own() -> None:
    """Numbers of other products are never taken for each other's."""
    market = market_of_two(3)
    sessions = {
        session
        for codes in ((), ("ONE",), ("TWO",), ("ONE", "TWO"))
        for session, *_ in Publisher(market.definitions, codes).publish_in_sessions(market.events)
    }
    assert len(sessions) == 8  # of two days


def test_a_group_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    """F-51: the rest of the messages is the same; another group's file is another file."""
    market = market_of_two(5)
    whole, part = (Publisher(market.definitions, ("ONE",)) for _ in range(2))
    expected = published(whole, market.events)
    published(part, market.events[:300])
    while part.in_command:
        published(part, market.events[part.next_event - 1 :][:1])
    last = market.events[part.next_event - 2].tobytes()
    write_checkpoint(tmp_path, encode_checkpoint(part, last), "feed-checkpoint-ONE")
    assert read_checkpoint(tmp_path) is None
    found = read_checkpoint(tmp_path, "feed-checkpoint-ONE")
    assert found is not None
    restored = Publisher(market.definitions, ("ONE",))
    found.restore(restored)
    rest = published(restored, market.events[restored.next_event - 1 :])
    assert rest == expected[len(expected) - len(rest) :] and len(rest) > 50
    assert restored.session == whole.session
    assert_books_equal(restored.books, market.exchange, OF_ONE)


async def test_the_feed_of_a_group_is_followed_and_goes_on_after_a_kill(
    data_dir: Path,
) -> None:
    """Its process, its lines, its recovery service, its files."""
    market = market_of_two(4, 500)
    ends = Publisher(market.definitions, ("ONE",))
    published(ends, market.events)
    feed = FeedProcess(data_dir, market)
    feed.more = ["--products", "ONE"]
    feed.notifier.start()
    await feed.start()
    try:
        feed.tell(150)
        async with feed.subscriber() as subscriber:
            await read_until(subscriber, (1, 0))
            await feed.kill()
            await feed.start()
            feed.tell(feed.event_count)
            await read_until(subscriber, (ends.session, ends.next_sequence - 1))
            assert_books_equal(subscriber.books, market.exchange, OF_ONE)
            assert tuple(subscriber.books.by_instrument) == OF_ONE
        assert (data_dir / "feed-position-ONE").exists()
        assert not (data_dir / "feed-position").exists()
    finally:
        feed.notifier.close()
        assert feed.process is not None
        await feed.kill()


GROUP = """
[[feed.groups]]
name = "gpu"
products = ["GH1", "GB2"]
line_a = {{ group = "239.255.73.11", port = {0} }}
line_b = {{ group = "239.255.73.12", port = {1} }}
snapshot_line = {{ group = "239.255.73.13", port = {2} }}
recovery_port = {3}
"""


def venue_file(folder: Path, *changes: tuple[str, str]) -> Path:
    """The default venue with a group."""
    group = GROUP.format(free_port(2), free_port(2), free_port(2), free_port())
    for old, new in changes:
        assert old in group
        group = group.replace(old, new)
    text = VENUE_FILE.read_text()
    lines = [line for line in text.splitlines() if not line.startswith("groups = []")]
    (folder / "venue.toml").write_text("\n".join(lines) + group)
    return folder / "venue.toml"


def products_of(books: Books) -> set[str]:
    """Codes of the products of the instruments that were described."""
    found = [book.definition for book in books.by_instrument.values()]
    return {one.product_code for one in found if one is not None}


async def first_picture(subscriber: Subscriber) -> set[str]:
    """Codes of the products of the first picture."""
    async with asyncio.timeout(WAIT_S), subscriber:
        async for _ in subscriber:
            return products_of(subscriber.books)
    raise AssertionError("no picture")


@pytest.fixture(scope="module")
def grouped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Venue, Path]]:
    """A venue with a product group, and its venue.toml."""
    file = venue_file(tmp_path_factory.mktemp("groups"))
    with Venue(config=file) as venue:
        yield venue, file


@pytest.mark.slow
def test_a_venue_has_the_lines_of_its_groups(grouped: tuple[Venue, Path]) -> None:
    """`sitex serve`: the group's feed brings its products, the other one everything."""
    venue, file = grouped
    assert "market data of GH1 GB2 on 239.255.73.11:" in "".join(venue.output)
    feed = load_venue(file).feed
    of_group = asyncio.run(first_picture(subscriber_of(feed.of_group("gpu"))))
    whole = msgspec.structs.replace(
        feed,
        recovery_port=venue.recovery_port,
        line_a=msgspec.structs.replace(feed.line_a, port=venue.line_a),
        line_b=msgspec.structs.replace(feed.line_b, port=venue.line_b),
    )
    of_all = asyncio.run(first_picture(subscriber_of(whole)))
    assert of_group == {"GH1", "GB2"}
    assert of_all == set(load_products().codes)


@pytest.mark.slow
async def test_a_group_is_recorded(grouped: tuple[Venue, Path], tmp_path: Path) -> None:
    _, file = grouped
    made = tmp_path / "gpu.rec"
    options = ("--config", str(file), "--group", "gpu", "--seconds", "3")
    async with Command("feed", "record", str(made), *options) as recorder:
        await recorder.says("recorded")
    recording = Recording(made)
    for _ in recording:
        pass
    assert products_of(recording.books) == {"GH1", "GB2"}


@pytest.mark.slow
async def test_a_group_is_published_to_a_broker(
    grouped: tuple[Venue, Path], tmp_path: Path
) -> None:
    _, file = grouped
    broker = Broker("mosquitto", tmp_path)
    try:
        broker.start()
        options = ("--config", str(file), "--group", "gpu")
        async with Command("mqtt", broker.address, *options) as publisher:
            await publisher.says("up")
            async with reading(broker) as reader:
                await reader.until(lambda: reader.state == "synchronized")
                topics = [topic.split("/") for topic in reader.latest]
        assert {parts[2] for parts in topics if len(parts) == 5} == {"GH1", "GB2"}
    finally:
        broker.kill()


@pytest.mark.slow
async def test_a_group_has_a_console(grouped: tuple[Venue, Path]) -> None:
    pytest.importorskip("starlette", reason="needs the extra [console]")
    pytest.importorskip("uvicorn", reason="needs the extra [console]")
    _, file = grouped
    port = free_port()
    options = ("--config", str(file), "--group", "gpu")
    async with Command("console", str(port), *options) as serving:
        await serving.says("up")
        async with asyncio.timeout(WAIT_S):
            while not (listed := await asyncio.to_thread(instruments_of, port)):
                await asyncio.sleep(0.05)
    assert {one["definition"]["product_code"] for one in listed} == {"GH1", "GB2"}


def instruments_of(port: int) -> list[dict[str, dict[str, str]]]:
    """What a console lists."""
    path = f"http://127.0.0.1:{port}/api/v1/instruments"
    with contextlib.suppress(urllib.error.HTTPError), urllib.request.urlopen(path) as answer:
        return json.loads(answer.read())
    return []


@pytest.mark.parametrize(
    "command",
    [("watch", "GH12612"), ("feed", "record", "never"), ("mqtt", "127.0.0.1:1"), ("console", "1")],
)
async def test_a_group_that_is_not_configured_is_refused(
    command: tuple[str, ...], tmp_path: Path
) -> None:
    file = venue_file(tmp_path)
    async with Command(*command, "--config", str(file), "--group", "cpu") as asked:
        _, said = await asked.process.communicate()
        assert asked.process.returncode == 2
        assert b"$.feed.groups: no product group 'cpu'; allowed: gpu" in said


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"GB2"', '"GB3"', r"\$\.feed\.groups\[0\]\.products\[1\]"),
        ("239.255.73.11", "239.255.73.300", "group"),
        ('"gpu"', '"g p u"', r"\$\.feed\.groups\[0\]\.name"),
        ("239.255.73.12", "239.255.73.11", "line"),
    ],
)
def test_wrong_groups_stop_the_start(tmp_path: Path, old: str, new: str, says: str) -> None:
    """With file, path and what is allowed."""
    changes = [(old, new)]
    file = venue_file(tmp_path, *changes)
    if old == "239.255.73.12":  # the port, too: then both lines are one
        text = file.read_text()
        port = text.split('line_a = { group = "239.255.73.11", port = ')[1].split(" ")[0]
        head, _, tail = text.partition('line_b = { group = "239.255.73.11", port = ')
        file.write_text(f'{head}line_b = {{ group = "239.255.73.11", port = {port}'
                        + tail[tail.index(" }"):])  # fmt: skip
    with pytest.raises(SpecError, match=says):
        load_venue(file, catalogue=load_products())


def test_ports_and_names_of_groups_differ(tmp_path: Path) -> None:
    """Also from those of the lines of everything."""
    file = venue_file(tmp_path)
    text = file.read_text()
    port = text.rpartition("recovery_port = ")[2].strip()
    with pytest.raises(SpecError, match="recovery_port"):
        load_venue(file, [f"feed.recovery_port={port}"])
    with pytest.raises(ValueError, match="no product group 'cpu'; allowed: gpu"):
        load_venue(file).feed.of_group("cpu")
