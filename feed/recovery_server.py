"""The recovery service on TCP: a thin asyncio shell around feed/recovery.py.

One connection asks one thing at a time. A client that asks too often waits, one that does not read,
stays idle or sends what is no request is closed; none of it slows publishing. A client is an
address: many connections do not get it more.

Source: specs/market_data.md (F-40 to F-45, F-137).
"""

from __future__ import annotations

import asyncio
import time

from feed.bucket import TokenBucket
from feed.messages import RefusedReason, Request, SnapshotRequest
from feed.packet import (
    HEADER_BYTES,
    PacketError,
    PacketKind,
    decode_header,
    decode_request,
)
from feed.recovery import Recovery

_IN_COMMAND_PAUSE_S = 0.001
_IN_COMMAND_TRIES = 1_000


class RecoveryServer:
    """Serves one Recovery on one TCP port."""

    def __init__(self, recovery: Recovery) -> None:
        self.recovery = recovery
        self.refused_connections = 0
        self._limits = recovery.limits
        self._snapshots = asyncio.Semaphore(recovery.limits.snapshots_at_once)
        self._connections: dict[asyncio.Task[None], str] = {}  # and the client's address
        self._buckets: dict[str, TokenBucket] = {}  # by address, while any of it is used
        self._server: asyncio.Server | None = None

    async def start(self, host: str, port: int) -> int:
        """Listens; the port (the system's choice where `port` is 0)."""
        self._server = await asyncio.start_server(
            self._accept, host, port, limit=4_096, reuse_address=True
        )
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stops listening and closes every connection."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        address = str((writer.get_extra_info("peername") or ("",))[0])
        if (
            len(self._connections) >= self._limits.connections_max
            or list(self._connections.values()).count(address)
            >= self._limits.client_connections_max
        ):
            self.refused_connections += 1
            writer.write(self.recovery.refusal(RefusedReason.OVERLOADED, time.time_ns()))
            writer.close()
            return
        self._connections[task] = address
        writer.transport.set_write_buffer_limits(high=self._limits.write_buffer_bytes)
        try:
            await self._serve(reader, writer, address)
        except PacketError:
            writer.write(self.recovery.refusal(RefusedReason.BAD_REQUEST, time.time_ns()))
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            writer.transport.abort()  # gone, idle or not reading
        except asyncio.CancelledError:
            writer.transport.abort()  # the feed ends
        finally:
            self._connections.pop(task, None)
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: str
    ) -> None:
        limits = self._limits
        last_snapshot_s = -limits.snapshot_interval_s
        while True:
            request = await asyncio.wait_for(_read_request(reader), limits.idle_timeout_s)
            await asyncio.sleep(self._wait_s(address, self.recovery.cost(request)))
            if isinstance(request, SnapshotRequest):
                pause_s = last_snapshot_s + limits.snapshot_interval_s - time.monotonic()
                await asyncio.sleep(max(pause_s, 0.0))
                async with self._snapshots:
                    await self._answer(request, writer)
                last_snapshot_s = time.monotonic()
            else:
                await self._answer(request, writer)
            await asyncio.sleep(limits.request_interval_s)

    def _wait_s(self, address: str, count: int) -> float:
        """Takes an answer of so many messages from the client's bucket; what it has to wait."""
        now_s = time.monotonic()
        bucket = self._buckets.get(address)
        if bucket is None:
            limits = self._limits
            self._buckets = {
                other: used for other, used in self._buckets.items() if not used.full(now_s)
            }
            bucket = self._buckets[address] = TokenBucket(
                limits.client_messages_per_second, limits.client_burst_messages, now_s
            )
        return bucket.take(count, now_s)

    async def _answer(self, request: Request, writer: asyncio.StreamWriter) -> None:
        for _ in range(_IN_COMMAND_TRIES):
            if not self.recovery.publisher.in_command:
                break
            await asyncio.sleep(_IN_COMMAND_PAUSE_S)
        for part in self.recovery.answer(request, time.time_ns()):
            if writer.is_closing():  # uvloop's transport takes no more bytes then
                raise ConnectionResetError("the client has gone")
            writer.write(part)
            await asyncio.wait_for(writer.drain(), self._limits.write_timeout_s)
            await asyncio.sleep(0)  # publishing goes on between two parts


async def _read_request(reader: asyncio.StreamReader) -> Request:
    head = await reader.readexactly(HEADER_BYTES)
    header = decode_header(head)
    if header.kind != PacketKind.REQUEST:
        raise PacketError(f"packet kind {header.kind} is no request")
    return decode_request(head + await reader.readexactly(header.length - HEADER_BYTES), header)
