"""What an operator does: the socket, the commands, the audit, the schedule, the kill switch."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.reasons import PhaseReason
from engine.replay import replay
from engine.sequencer import Sequencer
from engine.types import CommandKind, EventKind, Phase
from gateway import operator
from gateway.assembly import Assembly, assemble
from gateway.clock import VenueClock
from gateway.interventions import Interventions
from gateway.operator import Answer, Halt, Kill, OperatorDesk, Release, Request, Resume, ask
from gateway.values import format_timestamp
from tests.test_market_status import Member
from tests.test_schedule import CATALOGUE, CONFIG, LIMITS, MINUTE, ns, pass_time

OPENS_NS = ns("2026-11-24T20:55:00+08:00")
FROM_NS = OPENS_NS - 30 * MINUTE
TRADES_NS = OPENS_NS + 6 * MINUTE
FRONT = "SITB2701"


def open_at_evening(folder: Path) -> Assembly:
    now_ns = time.time_ns()
    sequencer = Sequencer.open(
        folder, new_limits=LIMITS, durability="os", now_ns=FROM_NS, venue_day=20261125,
        threaded=False,
    )  # fmt: skip
    return assemble(sequencer, CONFIG, CATALOGUE, now_ns, VenueClock(now_ns, FROM_NS, 1))


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    opened = open_at_evening(tmp_path)
    yield opened
    opened.sequencer.abandon()


def at(parts: Assembly, venue_ns: int, request: Request) -> Answer:
    pass_time(parts, venue_ns)
    return Interventions(parts).act(request, parts.clock.session_at(venue_ns))


def phase(parts: Assembly, symbol: str = FRONT) -> Phase:
    number = int(parts.registry.known.instruments[symbol]["instrument"])
    return parts.sequencer.engine.phase(number)[0]


def months(parts: Assembly, code: str) -> list[str]:
    known = parts.registry.known
    number = known.products[code]["product"]
    return [symbol for symbol, row in known.instruments.items() if row["product"] == number]


@pytest.mark.kernels
def test_m215_a_halt_holds_through_the_schedule_until_it_is_resumed(parts: Assembly):
    answer = at(parts, OPENS_NS, Halt(FRONT, "wrong listing price"))
    assert answer == Answer(True, f"halted: {FRONT}")
    assert phase(parts) == Phase.HALTED
    pass_time(parts, TRADES_NS)
    assert (phase(parts), phase(parts, "SITB2702")) == (Phase.HALTED, Phase.CONTINUOUS)
    again = at(parts, TRADES_NS, Halt(FRONT, "again"))
    assert again == Answer(False, f"{FRONT}: halted by an operator already")
    answer = at(parts, TRADES_NS + MINUTE, Resume(FRONT, "price corrected"))
    assert answer == Answer(True, f"resumed: {FRONT}")
    assert phase(parts) == Phase.CONTINUOUS
    ends = [parts.sequencer.engine.phase(n)[1] for n in numbers(parts, FRONT, "SITB2702")]
    assert ends[0] == ends[1], "it keeps the hours of its product"
    answer = at(parts, TRADES_NS + MINUTE, Resume(FRONT, "again"))
    assert answer == Answer(False, f"{FRONT}: not halted by an operator")


def numbers(parts: Assembly, *symbols: str) -> list[int]:
    return [int(parts.registry.known.instruments[symbol]["instrument"]) for symbol in symbols]


@pytest.mark.kernels
def test_m216_a_product_and_all_are_halted_in_order(parts: Assembly):
    at(parts, TRADES_NS, Halt("SITB2702", "first"))
    answer = at(parts, TRADES_NS, Halt("SITB", "the product"))
    halted = answer.text.removeprefix("halted: ").split()
    assert answer.done and halted == [s for s in months(parts, "SITB") if s != "SITB2702"]
    answer = at(parts, TRADES_NS, Halt("all", "everything"))
    assert answer.done and not set(answer.text.split()) & set(halted)
    assert {phase(parts, s) for s in parts.registry.known.instruments} == {Phase.HALTED}
    answer = at(parts, TRADES_NS, Resume("SITB", "done"))
    assert answer.text.removeprefix("resumed: ").split() == months(parts, "SITB")
    unknown = at(parts, TRADES_NS, Halt("NOSUCH", "why"))
    assert unknown == Answer(False, "NOSUCH is no instrument, product, or 'all'")


@pytest.mark.kernels
def test_m212_what_is_suspended_is_not_halted(parts: Assembly):
    """A SET_PHASE would pass it over; of a product the other months are halted."""
    calls = parts.sequencer.engine.tables().calls
    calls["suspended"][numbers(parts, FRONT)] = 1
    refused = at(parts, TRADES_NS, Halt(FRONT, "why"))
    assert refused == Answer(False, f"{FRONT}: without trading on this date")
    answer = at(parts, TRADES_NS, Halt("SITB", "why"))
    others = [symbol for symbol in months(parts, "SITB") if symbol != FRONT]
    assert answer == Answer(True, f"halted: {' '.join(others)}")


@pytest.mark.kernels
def test_m216_the_reason_stands_in_the_journal_and_replay_is_equal(tmp_path: Path):
    parts = open_at_evening(tmp_path)
    at(parts, TRADES_NS, Halt(FRONT, "Prüfung"))
    at(parts, TRADES_NS + MINUTE, Resume(FRONT, "fine"))
    wanted = parts.sequencer.engine.state_hash()
    last = parts.sequencer.events_written()
    events = parts.sequencer.event_rows(1, last)
    changed = [
        (Phase(row["qty"]), PhaseReason(row["reason"]))
        for rows in events
        for row in rows[(rows["kind"] == EventKind.PHASE_CHANGED) & (rows["reason"] != 0)]
    ]
    halted = (Phase.HALTED, PhaseReason.OPERATOR)
    assert changed == [halted, (Phase.CONTINUOUS, PhaseReason.OPERATOR)]
    parts.sequencer.abandon()
    assert notes(tmp_path) == ["Prüfung", "fine"]
    assert replay(tmp_path).state_hash == wanted


def notes(folder: Path) -> list[str]:
    """The reasons that stand in the journal."""
    again = Sequencer.open(folder, durability="os", threaded=False)
    found = [
        blobs[int(row["blob_offset"]) :][: int(row["blob_length"])].tobytes().decode()
        for _, _, rows, blobs in again.command_records(all_kept=True)
        for row in rows[rows["kind"] == CommandKind.OPERATOR_NOTE]
    ]
    again.abandon()
    return found


@pytest.mark.kernels
def test_m117_a_killed_member_is_told_blocked_and_released(tmp_path: Path):
    """Its order goes, the next one is refused; a session is killed and released apart from it."""
    parts = open_at_evening(tmp_path)
    pass_time(parts, OPENS_NS)

    def enter(member: Member, name: str) -> dict[int, str]:
        order = [(11, name), (55, FRONT), (54, "1"), (60, format_timestamp(FROM_NS))]
        order += [(38, 1), (40, "2"), (44, "2.000"), (59, "0"), (77, "O")]
        return member.ask(b"D", *order)[-1]

    with socket.socket() as peer:
        member = Member(parts, peer)
        assert enter(member, "k1")[150] == "0"
        killed = at(parts, OPENS_NS, Kill("ALPHA", "runaway algorithm"))
        assert killed == Answer(True, "killed: ALPHA, orders cancelled: 1")
        (said,) = member.heard()
        assert (said[11], said[150], said[58]) == ("k1", "4", "kill switch")
        assert "kill switch" in enter(member, "k2")[58]
        again = at(parts, OPENS_NS, Kill("ALPHA", "again"))
        assert again == Answer(True, "killed: ALPHA, orders cancelled: 0")
        both = at(parts, OPENS_NS, Kill("ALPHA", "its session, too", "ALPHA"))
        assert both == Answer(True, "killed: session ALPHA, orders cancelled: 0")
        assert at(parts, OPENS_NS, Release("ALPHA", "fixed")) == Answer(True, "released: ALPHA")
        assert "kill switch" in enter(member, "k3")[58]
        released = at(parts, OPENS_NS, Release("ALPHA", "fixed", "ALPHA"))
        assert released == Answer(True, "released: session ALPHA")
        assert enter(member, "k4")[150] == "0"
        last = parts.sequencer.events_written()
        for request, text in (
            (Release("ALPHA", "x"), "ALPHA: not killed"),
            (Release("ALPHA", "x", "ALPHA"), "session ALPHA: not killed"),
            (Kill("NOBODY", "x"), "NOBODY is no member"),
            (Kill("BRAVO", "x", "ALPHA"), "ALPHA is no session of BRAVO"),
            (Kill("BRAVO", "x", "NOSUCH"), "NOSUCH is no session of BRAVO"),
        ):
            assert at(parts, OPENS_NS, request) == Answer(False, text)
        assert parts.sequencer.events_written() == last, "what is refused journals nothing"
    rows = np.concatenate(list(parts.sequencer.event_rows(1, last)))
    switched = rows[(rows["kind"] == EventKind.KILLED) | (rows["kind"] == EventKind.RELEASED)]
    assert set(switched["reason"]) == {PhaseReason.OPERATOR} and len(switched) == 5
    wanted = parts.sequencer.engine.state_hash()
    parts.sequencer.abandon()
    assert notes(tmp_path) == ["runaway algorithm", "again", "its session, too", "fixed", "fixed"]
    assert replay(tmp_path).state_hash == wanted


# -- the socket


def served(folder: Path, act: Callable[[Request], Answer], use: Callable[[], object]) -> object:
    """What `use` gives, in a thread, while a desk listens in `folder`."""

    async def run() -> object:
        desk = OperatorDesk(folder, act)
        await desk.start()
        assert stat.S_IMODE(os.stat(desk.path).st_mode) == 0o600
        found = await asyncio.get_running_loop().run_in_executor(None, use)
        await desk.stop()
        assert not desk.path.exists()
        return found

    return asyncio.run(run())


def raw(folder: Path, data: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(10)
        line.connect(str(folder / operator.SOCKET_NAME))
        line.sendall(data)
        return line.makefile("rb").readline()


def test_a_request_is_answered_and_a_stale_socket_replaced(tmp_path: Path):
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(tmp_path / operator.SOCKET_NAME))
    seen: list[Request] = []

    def act(request: Request) -> Answer:
        seen.append(request)
        return Answer(True, "done")

    halt = Halt("SITB", "why")
    assert served(tmp_path, act, lambda: ask(tmp_path, halt)) == Answer(True, "done")
    assert seen == [halt]
    refused = ask(tmp_path, halt)
    assert not refused.done and "no venue answers" in refused.text


@pytest.mark.parametrize(
    "line",
    [
        b"\n", b"{}\n", b'{"do":"fly"}\n', b'{"do":"halt","target":"A"}\n',
        b'{"do":"halt","target":"A","reason":""}\n', b"\xff\n",
        b'{"do":"halt","target":"A","reason":"' + b"x" * 201 + b'"}\n',
        b'{"do":"halt","target":"A","reason":"x","more":1}\n',
        b'{"do":"kill","member":"","reason":"x"}\n', b'{"do":"release","member":"A"}\n',
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_in_words(line: bytes, tmp_path: Path):
    answer = served(tmp_path, lambda _: Answer(True, ""), lambda: raw(tmp_path, line))
    assert isinstance(answer, bytes) and b'"done":false,"text":"no request: ' in answer


def test_a_line_without_end_is_cut_off(tmp_path: Path):
    data = b"x" * (3 * operator.LINE_BYTES_MAX)
    assert served(tmp_path, lambda _: Answer(True, ""), lambda: raw(tmp_path, data)) == b""


def test_operators_are_bounded(tmp_path: Path):
    def use() -> bytes:
        lines = [socket.socket(socket.AF_UNIX) for _ in range(operator.CONNECTIONS_MAX)]
        for line in lines:
            line.connect(str(tmp_path / operator.SOCKET_NAME))
        answer = raw(tmp_path, b'{"do":"halt","target":"A","reason":"x"}\n')
        for line in lines:
            line.close()
        return answer

    answer = served(tmp_path, lambda _: Answer(True, ""), use)
    assert isinstance(answer, bytes) and b"operators at once" in answer
