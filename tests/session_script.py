"""Scripts of FIX sessions: who says what, what comes back, and the comparing of both.

Lines are those of tests/session_rig.py; expected fields are a subset of the message, `45=-` says a
field is absent, `58=abc*` gives the beginning, `_` is a space.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from gateway.states import State
from tests.session_rig import ORDER, Rig, encode_line, parse_out

LOGON = "A 34=1 98=0 108=30"
LOGON_BACK = "A 34=1 98=0 108=30 141=-"
NEW = ORDER.format
OPEN, CLOSED, LEAVING = State.ACTIVE, State.CLOSED, State.LOGOUT_ANSWERED


@dataclass(frozen=True)
class Wait:
    """Seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Report:
    """The venue reports something of its own accord (an application message)."""

    text: str


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, `|` for SOH."""

    text: str


@dataclass(frozen=True)
class Drop:
    """The line is lost and the member connects again."""


@dataclass(frozen=True)
class LogOut:
    """The venue logs the member out."""


Step = str | Wait | Report | Raw | Drop | LogOut


@dataclass(frozen=True)
class Case:
    """says: steps in order. shows: what the member gets. next_in: the number expected after it."""

    name: str
    says: list[Step]
    shows: list[str]
    state: State = OPEN
    next_in: int = 0  # 0: not looked at
    rows: list[tuple[int, str]] = field(default_factory=list)  # (MsgSeqNum, command kind)


def live(
    name: str,
    says: list[Step],
    shows: list[str],
    state: State = OPEN,
    next_in: int = 0,
    rows: list[tuple[int, str]] | None = None,
) -> Case:
    """A case that starts logged on, numbers 2 expected and 2 to send."""
    return Case(name, [LOGON, *says], [LOGON_BACK, *shows], state, next_in, rows or [])


def check(case: Case, mode: str, begin: str = "FIX.4.4") -> None:
    """Plays a case in a dialect and compares everything that came back."""
    rig = Rig()
    shown = b""
    waiting = b""
    for step in [*case.says, Wait(0)]:
        if isinstance(step, str | Raw):
            data = _bytes(step, rig, begin)
            if mode == "glued":
                waiting += data
            elif mode == "bytes":
                for at in range(len(data)):
                    rig.receive(data[at : at + 1])
            else:
                rig.receive(data)
            continue
        rig.receive(waiting)
        waiting = b""
        _act(rig, step)
    shown += rig.taken_all()
    said = parse_out(shown)
    assert all(message[0] == ("8", begin) for message in said)
    compare(said, case.shows)
    assert rig.session.state == case.state
    if case.next_in:
        assert rig.party.expected_in == case.next_in
    if case.rows:
        assert [(n, kind) for _, n, kind in rig.named_rows()] == case.rows


def _bytes(step: str | Raw, rig: Rig, begin: str) -> bytes:
    if isinstance(step, str):
        return encode_line(step, rig.now_ns, begin=begin)
    if step.text[:1] in "!~":
        return encode_line(step.text[1:], rig.now_ns, begin=begin)
    return step.text.replace("|", "\x01").replace("8=FIX.4.4\x01", f"8={begin}\x01").encode()


def _act(rig: Rig, step: Step) -> None:
    if isinstance(step, Wait):
        rig.wait(step.seconds)
    elif isinstance(step, Report):
        rig.report(step.text)
    elif isinstance(step, LogOut):
        rig.facts += rig.session.log_out("closing", rig.now_ns)
    elif isinstance(step, Drop):
        rig.drop()
        rig.connect()


def compare(shown: list[list[tuple[str, str]]], expected: list[str]) -> None:
    """Every message that came back, nothing missing and nothing extra."""
    texts = ["|".join(f"{t}={v}" for t, v in message) for message in shown]
    assert len(shown) == len(expected), texts
    for message, line, text in zip(shown, expected, texts, strict=True):
        fields = dict(message)
        msg_type, *parts = line.split(" ")
        assert fields["35"] == msg_type, text
        for part in parts:
            tag, value = part.split("=", 1)
            value = value.replace("_", " ")
            if value == "-":
                assert tag not in fields, text
            elif value.endswith("*"):
                assert fields[tag].startswith(value[:-1]) and fields[tag], text
            else:
                assert fields.get(tag) == value, f"{tag}={value} in {text}"
