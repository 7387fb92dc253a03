"""The MQTT publisher: the only file that knows aiomqtt, so that its next version is one change.

Connects with back-off, publishes what feed/mqtt_conflation.py says is new, a bounded number of
messages at a time, each of which the broker has to take within a timeout. A broker that is slow,
stopped or gone costs its readers fresh data and nobody else anything.

Source: specs/market_data.md (F-90 to F-95).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from pathlib import Path

import aiomqtt

from feed.child import Child
from feed.market_view import Follower
from feed.mqtt_conflation import Conflation, Publication, state_publication
from feed.outlet import print_line
from feed.views import PublisherState
from specs.outlets import EMBEDDED, MqttConfig

FIRST_PAUSE_S = 0.2
GOODBYE_S = 2.0  # for the broker to take the last word
STATE_S = 1.0  # between two words of how the publisher does
GONE = PublisherState("gone", 0, 0, 0)


@dataclass
class MqttCounts:
    """What a publisher did; for people and tests."""

    connections: int = 0
    failures: int = 0  # connections that could not be made or broke


class MqttPublisher:
    """Publishes one follower's view to one broker."""

    def __init__(self, config: MqttConfig, follower: Follower) -> None:
        self.config = config
        self.counts = MqttCounts()
        self.conflation = Conflation(follower.view, config.encodings, config.trades_batch_max)
        self._follower = follower
        self._said = ""
        self._state_s = 0.0
        self._state = ""

    async def run(self) -> None:
        """Until cancelled; then the broker is told that the publisher is gone."""
        pause_s = FIRST_PAUSE_S
        while True:
            connected = self.counts.connections
            try:
                await self._publish_connected()
            except (aiomqtt.MqttError, OSError) as error:
                self.counts.failures += 1
                self._say(f"MQTT broker {self.config.broker}: {error or type(error).__name__}")
            if self.counts.connections > connected:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # not all at once
            pause_s = min(2 * pause_s, self.config.retry_seconds_max)

    async def _publish_connected(self) -> None:
        """Over one connection, until it fails."""
        async with client_of(self.config) as client:
            self.counts.connections += 1
            self.conflation.forget()
            self._state_s = 0.0
            self._say(f"MQTT publisher to {self.config.broker} up")
            try:
                while True:
                    await self._publish_new(client)
                    await asyncio.sleep(self.config.interval_ms / 1e3)
            except asyncio.CancelledError:
                # a will is published for a connection that breaks, not for one that is closed
                with contextlib.suppress(TimeoutError, aiomqtt.MqttError):
                    async with asyncio.timeout(GOODBYE_S):
                        await self._publish(client, state_publication(GONE))
                raise

    async def _publish_new(self, client: aiomqtt.Client) -> None:
        conflation = self.conflation
        if self._follower.view.session:  # else there is no picture yet
            await self._in_turns(self._publish_state(client, *new) for new in conflation.states())
            for publications, instrument, seen in conflation.prints():
                await self._in_turns(self._publish(client, one) for one in publications)
                conflation.told_prints(instrument, seen)
        now_s = asyncio.get_running_loop().time()
        state = self._follower.state()
        if state.state != self._state or now_s >= self._state_s:
            state.trades_dropped = conflation.trades_dropped
            await self._publish(client, state_publication(state))
            self._state, self._state_s = state.state, now_s + STATE_S

    async def _in_turns(self, publishing: Iterable[Awaitable[None]]) -> None:
        """Awaits all, `in_flight_max` at a time."""
        batch: list[Awaitable[None]] = []
        for one in publishing:
            batch.append(one)
            if len(batch) == self.config.in_flight_max:
                await _all(batch)
                batch = []
        await _all(batch)

    async def _publish_state(
        self, client: aiomqtt.Client, publication: Publication, version: int
    ) -> None:
        await self._publish(client, publication)
        self.conflation.told_state(publication, version)

    async def _publish(self, client: aiomqtt.Client, publication: Publication) -> None:
        topic, payload, retain = publication
        await client.publish(topic, payload, qos=self.config.qos, retain=retain)

    def _say(self, text: str) -> None:
        if text != self._said:  # not at every attempt
            self._said = text
            print_line(text)


async def _all(publishing: list[Awaitable[None]]) -> None:
    """Waits for all of them, also when one fails; then raises the first failure."""
    results = await asyncio.gather(*publishing, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result


def client_of(config: MqttConfig) -> aiomqtt.Client:
    """A client that is not yet connected; OSError where a file cannot be read."""
    host, port = config.address
    password = None
    if config.password_file:
        password = Path(config.password_file).read_text(encoding="utf-8").strip()
    will = state_publication(GONE)
    client = aiomqtt.Client(
        host,
        port,
        username=config.user or None,
        password=password,
        protocol=aiomqtt.ProtocolVersion.V311,  # every broker speaks it
        will=aiomqtt.Will(will.topic, will.payload, qos=1, retain=will.retain),
        keepalive=config.keep_alive_seconds,
        timeout=config.timeout_seconds,
        max_inflight_messages=config.in_flight_max,
        max_concurrent_outgoing_calls=config.in_flight_max,
        tls_context=_tls_of(config) if config.tls else None,
    )
    client.pending_calls_threshold = config.in_flight_max  # below it nothing is to be warned of
    return client


def _tls_of(config: MqttConfig) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=config.ca_file or None)
    if config.certificate_file:
        context.load_cert_chain(config.certificate_file, config.key_file)
    return context


async def tell_mqtt(config: MqttConfig, follower: Follower) -> None:
    """Publishes until cancelled; with the embedded broker as a process of its own."""
    broker = None
    if config.broker == EMBEDDED:
        arguments = ["-m", "feed.mqtt_embedded", str(config.embedded_port)]
        broker = Child("the embedded MQTT broker", arguments, print_line)
        broker.start()
        await broker.up.wait()
    try:
        await MqttPublisher(config, follower).run()
    finally:
        if broker is not None:
            await broker.stop()
