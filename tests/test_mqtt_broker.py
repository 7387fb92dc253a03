"""`sitex mqtt` with real brokers that stop, restart and stand still; and nothing else notices."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from feed.messages import Trade
from feed.mqtt_conflation import topic_of
from feed.views import PRINTS_DECODER, VIEW_DECODER, Depth, Kind
from tests import naive_words as w
from tests.feed_market import assert_books_equal, naive_levels
from tests.feed_named import PRODUCTS, SYMBOLS, feed_overrides, named_feed
from tests.feed_rig import FeedProcess, read_until
from tests.mqtt_rig import Broker, Command, Reader, reading

SEED, COUNT = 3, 400


@pytest.fixture(params=["mosquitto", "embedded"])
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """Both kinds of broker, running."""
    made = Broker(request.param, tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """One that runs."""
    made = Broker("mosquitto", tmp_path)
    made.start()
    yield made
    made.kill()


def publisher(broker: Broker, feed: FeedProcess, *settings: str) -> Command:
    """`sitex mqtt` of a feed."""
    chosen = ["mqtt.interval_ms=20", "mqtt.timeout_seconds=1", *feed_overrides(feed), *settings]
    return Command("mqtt", broker.address, *(part for one in chosen for part in ("--set", one)))


def depths(feed: FeedProcess) -> dict[str, tuple[list, list]]:
    """The naive exchange's levels by topic."""
    exchange = feed.market.exchange
    return {
        topic_of(PRODUCTS[instrument], symbol, Kind.DEPTH, False): (
            naive_levels(exchange, instrument, w.BUY)[:10],
            naive_levels(exchange, instrument, w.SELL)[:10],
        )
        for instrument, symbol in SYMBOLS.items()
    }


def has_market(reader: Reader, feed: FeedProcess) -> bool:
    """Whether the reader's books are the exchange's."""
    for topic, (bids, asks) in depths(feed).items():
        payload = reader.latest.get(topic)
        if not payload:
            return False
        depth = VIEW_DECODER.decode(payload)
        assert isinstance(depth, Depth)
        if (depth.bids, depth.asks) != (bids, asks):
            return False
    return True


def trades_of(reader: Reader) -> dict[int, Trade]:
    """The trades that came, by number; a batch may have come twice."""
    return {
        one.trade_id: one
        for topic, payload, _ in reader.all
        if topic.endswith("/trades")
        for one in PRINTS_DECODER.decode(payload)
        if isinstance(one, Trade)
    }


async def test_the_broker_has_the_market_and_every_trade(broker: Broker, data_dir: Path) -> None:
    """F-90, F-91, F-93: a reader that comes first and one that comes last."""
    async with named_feed(data_dir, SEED, COUNT) as feed, publisher(broker, feed) as command:
        async with reading(broker) as reader:
            feed.tell(1)
            await command.says("up")
            await reader.until(lambda: reader.state == "synchronized")
            feed.tell(feed.event_count)
            trades = {m.trade_id for m in feed.market.messages() if isinstance(m, Trade)}
            await reader.until(
                lambda: has_market(reader, feed) and trades_of(reader).keys() == trades
            )
        async with reading(broker) as late:
            await late.until(lambda: has_market(late, feed) and late.state == "synchronized")
            assert all(retained for _, _, retained in late.all[: len(late.latest)])
            assert not trades_of(late)


async def test_a_broker_that_restarts_has_everything_again(broker: Broker, data_dir: Path) -> None:
    """F-92, F-95: it forgot all it had, and the market went on meanwhile."""
    async with named_feed(data_dir, SEED, COUNT) as feed, publisher(broker, feed) as command:
        feed.tell(feed.event_count // 2)
        await command.says("up")
        broker.kill()
        async with feed.subscriber() as subscriber:
            feed.tell(feed.event_count)
            await read_until(subscriber, feed.market.last)
            assert_books_equal(subscriber.books, feed.market.exchange)
        await command.says("MQTT broker")
        broker.start()
        await command.says("up")
        async with reading(broker) as reader:
            await reader.until(lambda: has_market(reader, feed) and reader.state == "synchronized")


async def test_a_broker_that_stands_still_delays_its_readers_alone(
    mosquitto: Broker, data_dir: Path
) -> None:
    """F-94, F-95: the connection is given up; another subscriber has the whole market."""
    async with named_feed(data_dir, SEED, COUNT) as feed, publisher(mosquitto, feed) as command:
        feed.tell(feed.event_count // 2)
        await command.says("up")
        mosquitto.pause()
        async with feed.subscriber() as subscriber:
            feed.tell(feed.event_count)
            await read_until(subscriber, feed.market.last)
            assert_books_equal(subscriber.books, feed.market.exchange)
        await command.says("MQTT broker")
        mosquitto.go_on()
        await command.says("up")
        async with reading(mosquitto) as reader:
            await reader.until(lambda: has_market(reader, feed) and reader.state == "synchronized")
        assert feed.process is not None and feed.process.returncode is None


@pytest.mark.parametrize("signal_name", ["terminate", "kill", "eof"])
async def test_a_publisher_that_ends_is_marked_as_gone(
    broker: Broker, data_dir: Path, signal_name: str
) -> None:
    """F-93: by itself when it can, by the last will when it cannot."""
    async with named_feed(data_dir, SEED, COUNT) as feed, reading(broker) as reader:
        feed.tell(feed.event_count)
        settings = ["--set", "mqtt.keep_alive_seconds=5"]
        for one in feed_overrides(feed):
            settings += ["--set", one]
        async with Command("mqtt", broker.address, "--child", *settings) as command:
            await reader.until(lambda: reader.state == "synchronized")
            assert command.process.stdin
            if signal_name == "eof":
                command.process.stdin.close()
            else:
                getattr(command.process, signal_name)()
            await reader.until(lambda: reader.state == "gone")
            await asyncio.wait_for(command.process.wait(), 10)


async def test_a_publisher_without_a_venue_says_so(mosquitto: Broker, data_dir: Path) -> None:
    """F-87: no packet is no market: stale when the feed has died."""
    async with named_feed(data_dir, SEED, COUNT) as feed, reading(mosquitto) as reader:
        feed.tell(feed.event_count)
        async with publisher(mosquitto, feed):
            await reader.until(lambda: reader.state == "synchronized")
            await feed.kill()
            await reader.until(lambda: reader.state == "stale")


async def test_json_by_configuration(mosquitto: Broker, data_dir: Path) -> None:
    """F-90: JSON alone, for those who have nothing else."""
    async with named_feed(data_dir, SEED, COUNT) as feed, reading(mosquitto) as reader:
        feed.tell(feed.event_count)
        async with publisher(mosquitto, feed, 'mqtt.encodings=["json"]', "mqtt.qos=0"):
            topic = topic_of("SITB", SYMBOLS[1], Kind.DEPTH, True)
            bids, asks = depths(feed)[topic.removesuffix(".json")]
            await reader.until(
                lambda: (
                    topic in reader.latest
                    and json.loads(reader.latest[topic])["bids"] == [list(row) for row in bids]
                )
            )
            assert json.loads(reader.latest[topic])["asks"] == [list(row) for row in asks]
            packed = [name for name in reader.latest if name.count("/") > 2]
            assert packed and all(name.endswith(".json") for name in packed)


async def test_tls_and_password(tmp_path: Path, data_dir: Path) -> None:
    """The broker's certificate is checked; a wrong password is said and tried again."""
    if shutil.which("openssl") is None or shutil.which("mosquitto_passwd") is None:
        pytest.skip("needs openssl and mosquitto (apt-get install openssl mosquitto)")
    certificate, key, passwords = tmp_path / "c.pem", tmp_path / "k.pem", tmp_path / "passwords"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key,
         "-out", certificate, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "sitex", "right"], check=True)
    for file in (certificate, key, passwords):
        file.chmod(0o644)  # mosquitto gives up root
    tmp_path.chmod(0o755)
    for parent in tmp_path.parents:
        if parent.name.startswith("pytest-"):
            parent.chmod(0o755)
    broker = Broker(
        "mosquitto", tmp_path,
        f"allow_anonymous false\npassword_file {passwords}\ncertfile {certificate}\nkeyfile {key}",
    )  # fmt: skip
    broker.start()
    secret = tmp_path / "secret"
    tls = ("mqtt.tls=true", f'mqtt.ca_file="{certificate}"')
    user = ('mqtt.user="sitex"', f'mqtt.password_file="{secret}"')
    try:
        async with named_feed(data_dir, SEED, COUNT) as feed:
            feed.tell(feed.event_count)
            secret.write_text("wrong\n")
            async with publisher(broker, feed, *tls, *user) as command:
                assert "up" not in await command.says("MQTT broker")
                secret.write_text("right\n")
                await command.says("up")
            async with publisher(broker, feed, "mqtt.tls=true", *user) as command:
                assert "certificate" in await command.says("MQTT broker")
    finally:
        broker.kill()


def test_no_broker_is_an_error_of_usage() -> None:
    """A refusal that says what is allowed."""
    for arguments in (["mqtt"], ["mqtt", "nowhere"], ["serve", "--mqtt", "host:0"]):
        done = subprocess.run(
            [sys.executable, "-m", "gateway.cli", *arguments], capture_output=True, text=True
        )
        assert done.returncode == 2 and "HOST:PORT" in done.stderr, done.stderr
