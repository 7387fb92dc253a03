"""The operator's way in: requests to a running venue through a socket in its data directory.

One line of JSON asks, one line answers. Only the owner of the directory may connect (mode 0600).
What is asked for is done by gateway/administration.py and interventions.py; nothing here knows how.

Source: specs/matching.md M-117, M-215, M-216, M-223, M-247; specs/order_entry.md O-107 to O-109.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

SOCKET_NAME = "operator.sock"
TOKEN_FILE, TOKEN_BYTES = "operator.token", 24  # of the page
LINE_BYTES_MAX = 4_096
ANSWER_BYTES_MAX = 1 << 24
SUN_PATH_MAX = 100  # bytes that every system takes for a socket's path
REASON_CHARS_MAX = 200
CONNECTIONS_MAX = 4
WAIT_S = 5.0
_OWNER_ONLY = 0o177  # what the socket's mode is without

Target = Annotated[str, Meta(min_length=1, max_length=32)]
Session = Annotated[str, Meta(max_length=32)]
Reason = Annotated[str, Meta(min_length=1, max_length=REASON_CHARS_MAX)]
TradeId = Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
SeqNum = Annotated[int, Meta(ge=0, le=999_999_999)]
Price = Annotated[str, Meta(min_length=1, max_length=32)]


class Halt(Struct, frozen=True, tag_field="do", tag="halt", forbid_unknown_fields=True):
    """Halt an instrument, a product, or all; why."""

    target: Target
    reason: Reason


class Resume(Struct, frozen=True, tag_field="do", tag="resume", forbid_unknown_fields=True):
    """Let go what an operator halted."""

    target: Target
    reason: Reason


class Kill(Struct, frozen=True, tag_field="do", tag="kill", forbid_unknown_fields=True):
    """The kill switch for a member, or for one of its sessions; why."""

    member: Target
    reason: Reason
    session: Session = ""  # "": all of them


class Release(Struct, frozen=True, tag_field="do", tag="release", forbid_unknown_fields=True):
    """End a kill: of the member as a whole, or of the one session."""

    member: Target
    reason: Reason
    session: Session = ""


class Bust(Struct, frozen=True, tag_field="do", tag="bust", forbid_unknown_fields=True):
    """Take a trade back; why."""

    trade_id: TradeId
    reason: Reason


class Correct(Struct, frozen=True, tag_field="do", tag="correct", forbid_unknown_fields=True):
    """Give a trade another price; why."""

    trade_id: TradeId
    price: Price
    reason: Reason


class SetImplied(Struct, frozen=True, tag_field="do", tag="implied", forbid_unknown_fields=True):
    """Turn a product's implied prices on or off; why."""

    product: Target
    on: bool
    reason: Reason


class Statistics(Struct, frozen=True, tag_field="do", tag="statistics", forbid_unknown_fields=True):
    """Everything the venue says of itself, as JSON (gateway/statistics.py)."""


class LogOut(Struct, frozen=True, tag_field="do", tag="logout", forbid_unknown_fields=True):
    """Say Logout to a session; why is its text."""

    session: Target
    reason: Reason


class SetNumbers(Struct, frozen=True, tag_field="do", tag="numbers", forbid_unknown_fields=True):
    """Set the next numbers of a session that is away; why. 0: as it is."""

    session: Target
    reason: Reason
    expected_in: SeqNum = 0
    next_out: SeqNum = 0


class Reload(Struct, frozen=True, tag_field="do", tag="reload", forbid_unknown_fields=True):
    """Read members and certificates again."""


class News(Struct, frozen=True, tag_field="do", tag="news", forbid_unknown_fields=True):
    """Tell members something."""

    text: Reason
    session: Session = ""  # "": all of them


class Answer(Struct, frozen=True):
    """What came of it: done, or the text says why not."""

    done: bool
    text: str


MarketRequest = Halt | Resume | Kill | Release | Bust | Correct | SetImplied  # journaled commands
Request = MarketRequest | Statistics | LogOut | SetNumbers | Reload | News
_encode = msgspec.json.encode
_requests = msgspec.json.Decoder(Request)
_answers = msgspec.json.Decoder(Answer)


class OperatorDesk:
    """Listens for operators and hands what they ask to `act`."""

    def __init__(self, data_dir: Path, act: Callable[[Request], Answer]) -> None:
        self.path = data_dir / SOCKET_NAME
        self._act = act
        self._server: asyncio.Server | None = None
        self._connections = 0

    async def start(self) -> None:
        """Listens from now on; a socket that a killed venue left is replaced. Raises OSError."""
        self.path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        mask = os.umask(_OWNER_ONLY)
        try:
            with short_path(self.path.parent) as place:
                listener.bind(place)
        except OSError:
            listener.close()
            raise
        finally:
            os.umask(mask)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=LINE_BYTES_MAX
        )

    async def stop(self) -> None:
        """Listens no more."""
        if self._server is not None:
            self._server.close()
            self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer; who is silent or says too much is cut off."""
        self._connections += 1
        try:
            if self._connections > CONNECTIONS_MAX:
                answer = Answer(False, f"more than {CONNECTIONS_MAX} operators at once")
            else:
                answer = self._answer(await asyncio.wait_for(reader.readline(), WAIT_S))
            writer.write(_encode(answer) + b"\n")
            await asyncio.wait_for(writer.drain(), WAIT_S)
        except (TimeoutError, ValueError, ConnectionError):
            return  # no line in time, or one that is too long: nothing was asked
        finally:
            self._connections -= 1
            writer.close()

    def _answer(self, line: bytes) -> Answer:
        try:
            request = _requests.decode(line)
        except msgspec.MsgspecError as error:
            return Answer(False, f"no request: {error}")
        return self._act(request)


def keep_token(data_dir: Path) -> str:
    """The token of a data directory, made where there is none; its file is the owner's alone."""
    data_dir.mkdir(parents=True, exist_ok=True)
    path = data_dir / TOKEN_FILE
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(file, "w") as made:
        token = secrets.token_urlsafe(TOKEN_BYTES)
        made.write(token)
    return token


@contextmanager
def short_path(data_dir: Path) -> Iterator[str]:
    """The socket's path as short as a system takes it: by an open folder where it is too long."""
    path = str(data_dir / SOCKET_NAME)
    if len(os.fsencode(path)) <= SUN_PATH_MAX:
        yield path
        return
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{SOCKET_NAME}"
    finally:
        os.close(folder)


def ask(data_dir: Path, request: Request) -> Answer:
    """Asks the venue that runs on a data directory; an Answer also where there is none."""
    path = data_dir / SOCKET_NAME
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(2 * WAIT_S)
        try:
            with short_path(data_dir) as place:
                line.connect(place)
            line.sendall(_encode(request) + b"\n")
            with line.makefile("rb") as answers:
                return _answers.decode(answers.readline(ANSWER_BYTES_MAX))
        except (OSError, msgspec.MsgspecError) as error:
            return Answer(False, f"no venue answers at {path}: {error}")
