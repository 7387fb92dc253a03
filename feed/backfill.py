"""The prints of before a follower's start, asked of the recovery service, the newest first.

Backwards, so that whatever ends it early (time, the bound, a history that is over) leaves no hole
between what was read and the present.

Source: specs/market_data.md (F-42, F-140).
"""

from __future__ import annotations

import asyncio
import contextlib
import time

from feed.messages import (
    ENCODER,
    BlockTrade,
    Refused,
    ReplayRequest,
    Trade,
    TradeBusted,
    TradeCorrected,
)
from feed.packet import (
    HEADER_BYTES,
    PacketError,
    PacketKind,
    decode_header,
    decode_messages,
    encode_packet,
)
from feed.views import Print

PRINTS = (Trade, BlockTrade, TradeBusted, TradeCorrected)
PATIENCE_S = 10.0
_PART = 20_000  # messages of one request (F-42)


class _OtherSessionError(Exception):
    """The service tells of another venue than the one that was asked about."""


async def read_earlier(
    recovery: tuple[str, int],
    session: int,
    upto: int,
    messages_max: int,
    patience_s: float = PATIENCE_S,
) -> list[Print]:
    """The prints among messages `upto` and before it, as far as can be had; oldest first.

    Of `messages_max` messages at most, and of what comes in `patience_s`.
    """
    parts: list[list[Print]] = []
    with contextlib.suppress(
        TimeoutError, OSError, asyncio.IncompleteReadError, PacketError, _OtherSessionError
    ):
        async with asyncio.timeout(patience_s):
            reader, writer = await asyncio.open_connection(*recovery)
            try:
                await _read_parts(reader, writer, session, upto, messages_max, parts)
            finally:
                writer.close()
    return [one for part in reversed(parts) for one in part]


async def _read_parts(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    session: int,
    upto: int,
    messages_max: int,
    parts: list[list[Print]],
) -> None:
    stop, last = upto + 1, max(1, upto + 1 - messages_max)
    while stop > last:
        first = max(last, stop - _PART)
        asked = ENCODER.encode(ReplayRequest(first, stop - first))
        writer.write(encode_packet(PacketKind.REQUEST, 0, 0, time.time_ns(), [asked]))
        found = await _read_part(reader, session, first, stop)
        if isinstance(found, Refused):
            if found.first_available >= stop or found.first_available <= first:
                return
            last = found.first_available  # the history begins here
        else:
            parts.append(found)
            stop = first


async def _read_part(
    reader: asyncio.StreamReader, session: int, first: int, stop: int
) -> list[Print] | Refused:
    """The prints of messages `first` to `stop` - 1, in order."""
    prints: list[Print] = []
    while True:
        head = await reader.readexactly(HEADER_BYTES)
        header = decode_header(head)
        data = head + await reader.readexactly(header.length - HEADER_BYTES)
        if header.session != session:
            raise _OtherSessionError
        messages = decode_messages(data, header)
        if header.kind == PacketKind.ANSWER:
            refused = messages[0]
            if not isinstance(refused, Refused):
                raise PacketError("an answer that is no refusal")
            return refused
        if not messages:
            return prints
        chosen = messages[max(0, first - header.sequence) : stop - header.sequence]
        prints += [one for one in chosen if isinstance(one, PRINTS)]
