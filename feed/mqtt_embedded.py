"""An MQTT broker for a first try: amqtt in a process of its own, on loopback.

    python -m feed.mqtt_embedded PORT

It has no password and keeps nothing on disk; a deployment has a broker of its own. Ends with
standard input. Needs the extra [mqtt].

Source: specs/market_data.md (F-95).
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig

from feed.child import when_parent_ends
from feed.outlet import print_line
from specs.outlets import EMBEDDED_HOST


async def serve(port: int) -> None:
    """Serves until SIGTERM or the end of standard input."""
    ended = asyncio.Event()
    when_parent_ends(ended.set)
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    config = BrokerConfig(
        listeners={"default": ListenerConfig(bind=f"{EMBEDDED_HOST}:{port}")},
        plugins={"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
    )
    broker = Broker(config)
    await broker.start()
    print_line(f"MQTT broker on {EMBEDDED_HOST}:{port} up")
    await ended.wait()
    await broker.shutdown()


def main() -> None:
    """The process."""
    logging.getLogger().setLevel(logging.ERROR)
    asyncio.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
