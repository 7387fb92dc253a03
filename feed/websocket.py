"""The console's WebSocket: one reader and one writer a client, and a bound on each of them.

A client that takes nothing for `send_timeout_seconds` is cut off; one that takes too little is told
less often. Needs the extra [console].

Source: specs/market_data.md (F-100 to F-104).
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.websockets import WebSocket, WebSocketDisconnect

from feed.frames import ClientFrames
from feed.market_view import Follower
from specs.outlets import ConsoleConfig

INTERVAL_MS = 100
INTERVAL_MS_MIN, INTERVAL_MS_MAX = 20, 60_000
HEARTBEAT_S = 1.0
POLICY_VIOLATION, TRY_AGAIN_LATER = 1008, 1013


@dataclass
class ConsoleCounts:
    """What the console did; for people and tests."""

    clients: int = 0  # now
    served: int = 0  # ever
    refused: int = 0  # for want of room
    cut_off: int = 0  # took nothing for too long
    frames: int = 0
    bytes_sent: int = 0


class Clients:
    """All WebSockets of one console."""

    def __init__(self, config: ConsoleConfig, follower: Follower) -> None:
        self.config = config
        self.counts = ConsoleCounts()
        self._follower = follower

    async def serve(self, socket: WebSocket) -> None:
        """One client, until it is gone or cut off."""
        if _is_foreign(socket):
            await socket.close(POLICY_VIOLATION, "another site's page")
            return
        if self.counts.clients >= self.config.clients_max:
            self.counts.refused += 1
            await socket.close(TRY_AGAIN_LATER, "no room")
            return
        self.counts.clients += 1
        self.counts.served += 1
        try:
            await self._serve(socket)
        finally:
            self.counts.clients -= 1

    async def _serve(self, socket: WebSocket) -> None:
        asked = socket.query_params
        as_json = asked.get("format", "json") != "msgpack"
        interval_ms = _between(asked.get("interval_ms", ""), INTERVAL_MS)
        await socket.accept()
        frames = ClientFrames(self._follower.view, as_json, self.config.frame_bytes_max)
        tasks = [
            asyncio.create_task(_read(socket, frames)),
            asyncio.create_task(self._write(socket, frames, interval_ms / 1e3)),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                with contextlib.suppress(WebSocketDisconnect):
                    task.result()
        except TimeoutError:
            self.counts.cut_off += 1
            with contextlib.suppress(RuntimeError, TimeoutError):
                async with asyncio.timeout(1):
                    await socket.close(POLICY_VIOLATION, "nothing was taken")
        finally:
            frames.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _write(self, socket: WebSocket, frames: ClientFrames, interval_s: float) -> None:
        """Frames no faster than the interval and the client's bytes a second allow."""
        config, loop, sent_s = self.config, asyncio.get_running_loop(), 0.0
        while True:
            state = self._follower.state().state
            frame = frames.frame(state)
            if frame is None and loop.time() - sent_s >= HEARTBEAT_S:
                frame = frames.empty_frame(state)
            pause_s = interval_s
            if frame is not None:
                async with asyncio.timeout(config.send_timeout_seconds):
                    if frames.as_json:
                        await socket.send_text(frame.decode())
                    else:
                        await socket.send_bytes(frame)
                sent_s = loop.time()
                self.counts.frames += 1
                self.counts.bytes_sent += len(frame)
                pause_s = max(pause_s, len(frame) / config.client_bytes_per_second)
            await asyncio.sleep(pause_s)


async def _read(socket: WebSocket, frames: ClientFrames) -> None:
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        data = message.get("text")
        frames.receive(message["bytes"] if data is None else data)


def _is_foreign(socket: WebSocket) -> bool:
    """Whether a page of another site opened it, which a browser says."""
    origin = socket.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != socket.headers.get("host")


def _between(text: str, usual: int) -> int:
    chosen = int(text) if text.isdecimal() and len(text) < 9 else usual
    return min(max(chosen, INTERVAL_MS_MIN), INTERVAL_MS_MAX)
