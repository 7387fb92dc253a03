r"""Dialogues of tests/fix/*.fix: read from text, and played over TCP against a running venue.

A situation is a line `name: what it shows` and its steps, indented:

    > TYPE tag=value ...   the member sends; 8, 9, 49, 56, 34, 52 and 10 are filled in unless given
    < TYPE tag=value ...   the venue's next message has these fields (and any others)
    >> ...                 as >, held back to go out in one segment with the next > or ~
    ~ text, ~~ text        bytes as they stand, `|` for SOH, \x00, \r and \n
    logon                  a Logon with 108=30, answered
    ping                   a TestRequest, answered by its Heartbeat: nothing else was on its way
    quiet S                nothing comes for S seconds
    closed                 nothing more comes, the venue ends the line
    drop, connect          the member cuts its line and connects anew; connects anew
    number N               the member's next number
    ignore TYPE            messages of this type may come between others from now on
    bytewise               from now on every byte is a segment of its own

A step that begins with `other` is of another session of the same member, with `twin` of a second
connection of the same session. A value `@n` is a time n seconds from now (`.s`, `.us`, `.ns`: that
precise), `_` a space, `-` no such field, `*` any, `abc*` one that begins so; `$name` is what the
first `<` with it had; $ME, $BEGIN, $SYMBOL and $LONG are given. `as=written` keeps the order of
fields, `raw=` is put into the body as it stands. Who sends counts its numbers: 34 that is given
does not count. 34 that is expected says where the venue's numbers go on.

Checked without being written: numbers of what comes (those with 43=Y apart), BodyLength, CheckSum,
CompIDs, SendingTime; and that a line which is not closed answers a last `ping`.
"""

from __future__ import annotations

import asyncio
import calendar
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "fix"
WAIT_S = 60.0  # of a machine that does much else
VENUE = "SITEX"
_HEADER = ("35", "49", "56", "34", "52", "43", "97", "122", "115", "116", "144")
_HELD = (">>", "~~")
Fields = list[tuple[str, str]]


class Dialect(NamedTuple):
    """BeginString and what every Logon has besides."""

    begin: str
    logon: Fields
    suffix: str  # of the CompIDs of its members


FIX44 = Dialect("FIX.4.4", [], "")
FIXT = Dialect("FIXT.1.1", [("1137", "9")], "T")
DIALECTS = (FIX44, FIXT)


class Situation(NamedTuple):
    """One dialogue. place: file and line."""

    name: str
    shows: str
    place: str
    steps: list[str]


def load_situations() -> list[Situation]:
    """Every situation of the folder, in order of files and lines."""
    found: list[Situation] = []
    for path in sorted(FOLDER.glob("*.fix")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            if line.startswith("  "):
                found[-1].steps.append(line.strip())
                continue
            name, _, shows = line.partition(": ")
            found.append(Situation(f"{path.stem}-{name}", shows, f"{path.name}:{number}", []))
    return found


class Mismatch(AssertionError):
    """What came is not what the situation says."""


@dataclass
class End:
    """A member's end of a session over its connections."""

    comp_id: str
    port: int
    dialect: Dialect
    next_out: int = 1
    next_in: int = 1
    bytewise: bool = False
    held: bytes = b""
    data: bytes = b""
    ignored: set[str] = field(default_factory=set)
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    async def connect(self) -> None:
        """A new line; what was unread of the one before is gone."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.data = b""

    async def drop(self) -> None:
        """Cuts the line."""
        if self.writer is not None:
            self.writer.close()
            self.reader = self.writer = None

    async def send(self, data: bytes, hold: bool) -> None:
        """Sends what was held and this, or holds it, too."""
        self.held += data
        if hold:
            return
        if self.writer is None:
            await self.connect()
        assert self.writer is not None
        pieces = [self.held]
        if self.bytewise:
            pieces = [self.held[at : at + 1] for at in range(len(self.held))]
        self.held = b""
        for piece in pieces:
            self.writer.write(piece)
            await asyncio.sleep(0)

    async def receive(self, wait_s: float) -> Fields | None:
        """The next message; None: the venue has ended the line."""
        async with asyncio.timeout(wait_s):
            while True:
                message = self._cut()
                if message is None:
                    if self.reader is None:
                        await self.connect()
                    assert self.reader is not None
                    try:
                        got = await self.reader.read(1 << 16)
                    except ConnectionError:
                        got = b""
                    if not got:
                        return None
                    self.data += got
                    continue
                self._check(message)
                return message

    def _cut(self) -> Fields | None:
        found = re.match(rb"8=[^\x01]+\x019=(\d+)\x01", self.data)
        if not found:
            return None
        end = found.end() + int(found[1])
        if len(self.data) < end + 7:
            return None
        raw, self.data = self.data[: end + 7], self.data[end + 7 :]
        assert raw[end:] == b"10=%03d\x01" % (sum(raw[:end]) % 256), raw
        parts = raw.decode().split("\x01")[:-1]
        return [(tag, value) for tag, _, value in (part.partition("=") for part in parts)]

    def _check(self, message: Fields) -> None:
        fields = dict(message)
        assert [tag for tag, _ in message[:3]] == ["8", "9", "35"], message
        ids = (fields["8"], fields["49"], fields["56"])
        assert ids == (self.dialect.begin, VENUE, self.comp_id), ids
        sent = calendar.timegm(time.strptime(fields["52"][:17], "%Y%m%d-%H:%M:%S"))
        assert abs(time.time() - sent) < WAIT_S, fields["52"]
        if fields.get("43") == "Y":
            return
        if fields["35"] == "A" and fields.get("141") == "Y":
            self.next_in = 1
        if int(fields["34"]) != self.next_in:
            raise Mismatch(f"34={self.next_in} is due, not {shown(message)}")
        self.next_in += 1


def shown(message: Fields) -> str:
    """A message in one line."""
    return "|".join(f"{tag}={value}" for tag, value in message)


class Play:
    """One situation with its members' ends."""

    def __init__(
        self, situation: Situation, comp_id: str, port: int, symbol: str, dialect: Dialect
    ):
        self.situation = situation
        self.dialect = dialect
        self.ends = {
            "": End(comp_id, port, dialect),
            "twin": End(comp_id, port, dialect),
            "other": End(comp_id + "x", port, dialect),
        }
        self.known = {"SYMBOL": symbol, "BEGIN": dialect.begin, "ME": comp_id, "LONG": "x" * 500}

    async def run(self) -> str:
        """What went wrong, and at which step; empty: nothing."""
        step = "the last ping"
        try:
            for step in self.situation.steps:
                await self.do(step)
            if self.situation.steps[-1] != "closed":
                step = "the last ping"
                await self.do("ping")
        except (AssertionError, OSError, TimeoutError, KeyError, ValueError) as error:
            why = f"{type(error).__name__} {error}"
            return f"{self.situation.place} {self.situation.name}, at `{step}`: {why}"
        finally:
            for end in self.ends.values():
                await end.drop()
        return ""

    async def do(self, text: str) -> None:
        """One step; raises Mismatch, OSError, TimeoutError."""
        who, _, rest = text.partition(" ")
        if who in ("twin", "other"):
            end, text = self.ends[who], rest
        else:
            end = self.ends[""]
        verb, _, rest = text.partition(" ")
        if verb in (">", ">>"):
            await end.send(self._encode(end, rest), verb in _HELD)
        elif verb in ("~", "~~"):
            raw = self._filled(rest).replace("|", "\x01").encode("latin-1")
            raw = raw.decode("unicode_escape").encode("latin-1")
            await end.send(raw, verb in _HELD)
        elif verb == "<":
            await self._expect(end, rest)
        elif verb == "logon":
            await end.send(self._encode(end, "A 98=0 108=30"), False)
            await self._expect(end, "A 98=0 108=30 141=-")
        elif verb == "ping":
            ident = f"PING{end.next_out}"
            await end.send(self._encode(end, f"1 112={ident}"), False)
            await self._expect(end, f"0 112={ident}")
        elif verb == "closed":
            while (message := await end.receive(WAIT_S)) is not None:
                if dict(message)["35"] not in end.ignored:
                    raise Mismatch(f"the line lives: {shown(message)}")
            await end.drop()
        elif verb == "quiet":
            await _nothing_comes(end, float(rest))
        elif verb == "drop":
            await end.drop()
        elif verb == "connect":
            await end.connect()
        elif verb == "number":
            end.next_out = int(rest)
        elif verb == "ignore":
            end.ignored.add(rest)
        elif verb == "bytewise":
            end.bytewise = True
        else:
            raise ValueError(f"no step {verb!r}")

    def _filled(self, text: str) -> str:
        return re.sub(r"\$([A-Za-z]+)", lambda found: self.known[found[1]], text)

    def _encode(self, end: End, line: str) -> bytes:
        msg_type, *parts = line.split(" ")
        given: Fields = []
        for part in parts:
            tag, _, value = part.partition("=")
            given.append((tag, self._filled(value)))
        said = dict(given)
        if msg_type == "A":
            given += [pair for pair in self.dialect.logon if pair[0] not in said]
            if said.get("141") == "Y" and "34" not in said:
                end.next_out = 1
        if "34" not in said:
            given.append(("34", str(end.next_out)))
            end.next_out += 1
        head = [("35", msg_type), ("49", end.comp_id), ("56", VENUE), ("52", "@0")]
        fields = [pair for pair in head if pair[0] not in said] + given
        if "as" not in said:
            fields.sort(key=lambda pair: _HEADER.index(pair[0]) if pair[0] in _HEADER else 99)
        now_ns = time.time_ns()
        body = "".join(
            value.replace("|", "\x01") if tag == "raw" else f"{tag}={_sent(value, now_ns)}\x01"
            for tag, value in fields
            if value != "-" and tag not in ("8", "as")
        )
        text = f"8={said.get('8', end.dialect.begin)}\x019={len(body)}\x01{body}".encode()
        return text + b"10=%03d\x01" % (sum(text) % 256)

    async def _expect(self, end: End, line: str) -> None:
        msg_type, *parts = line.split(" ")
        wanted = [("35", msg_type), *((t, v) for t, _, v in (p.partition("=") for p in parts))]
        if msg_type == "A":
            wanted += [pair for pair in self.dialect.logon if pair[0] not in dict(wanted)]
        if "34" in dict(wanted) and ("43", "Y") not in wanted:
            end.next_in = int(dict(wanted)["34"])  # what went to numbers before is not looked at
        while True:
            try:
                message = await end.receive(WAIT_S)
            except TimeoutError:
                raise Mismatch("nothing comes") from None
            if message is None:
                raise Mismatch("the line is closed")
            fields = dict(message)
            unfit = [
                f"{tag}={value}"
                for tag, value in wanted
                if not self._fits(fields.get(tag), value.replace("_", " "))
            ]
            if not unfit:
                return
            if fields["35"] not in end.ignored:
                raise Mismatch(f"{' '.join(unfit)} is due in {shown(message)}")

    def _fits(self, value: str | None, wanted: str) -> bool:
        if wanted == "-" or value is None:
            return wanted == "-" and value is None
        if wanted.startswith("$"):
            return self.known.setdefault(wanted[1:], value) == value
        if wanted.endswith("*"):
            return value.startswith(wanted[:-1]) and value != ""
        return value == wanted


async def _nothing_comes(end: End, seconds: float) -> None:
    try:
        message = await end.receive(seconds)
    except TimeoutError:
        return
    raise Mismatch(f"something comes: {shown(message) if message else 'the end of the line'}")


def _sent(value: str, now_ns: int) -> str:
    if not value.startswith("@"):
        return value.replace("_", " ").replace("|", "\x01")
    number, _, unit = value[1:].partition(".")
    now_ns += int(number) * 1_000_000_000
    digits = {"": 3, "s": 0, "us": 6, "ns": 9}[unit]
    text = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime(now_ns // 1_000_000_000))
    return text + (f".{now_ns % 1_000_000_000:09d}"[: digits + 1] if digits else "")


async def play_all(plays: list[Play]) -> list[str]:
    """All at the same time; what went wrong in each."""
    return await asyncio.gather(*(play.run() for play in plays))
