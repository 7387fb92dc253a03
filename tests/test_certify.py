"""`sitex certify`: QuickFIX passes every situation; a client that errs is told what was wrong."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from gateway.certify import Examiner, Instruction, Result, text_of
from gateway.certify_situations import SITUATIONS
from gateway.certify_venue import CertifyVenue, messages_of, with_counterparty
from gateway.cli_certify import report_text
from perf.venue import free_port
from specs.products import load_products
from specs.venue import DEFAULT_VENUE, load_venue
from tests.fix_dialogue import DIALECTS, FIX44, FIXT, Dialect, Play, Situation


@pytest.mark.parametrize("begin", ["FIX.4.4", "FIXT.1.1"])
def test_o173_o177_quickfix_passes_every_situation(tmp_path: Path, begin: str) -> None:
    pytest.importorskip("quickfix", reason="needs the extra [quickfix]")
    from tests.certify_driver import drive

    code, results = drive(tmp_path, "--timeout", "30", begin=begin)
    problems = {one["situation"]: one["problem"] for one in results if not one["passed"]}
    assert (code, problems) == (0, {})
    assert [one["situation"] for one in results] == [name for name, _, _ in SITUATIONS]
    report = json.loads((tmp_path / "report.json").read_bytes())
    assert report["passed"] and report["session"] == "ALPHA" and report["dialects"] == [begin]
    verdict = f"ALPHA in {begin}: {len(SITUATIONS)} of {len(SITUATIONS)} situations, passed"
    assert verdict in (tmp_path / "report.txt").read_text()


@pytest.mark.parametrize(
    ("name", "answers", "problem"),
    [
        ("accepted", {"new_order": "> D 11=A1 55=$S 54=1 38=9 40=2 44=$P 60=@0"}, "38=9 in the"),
        ("accepted", {"new_order": "> D 11=A1 55=$S 54=1 38=10 40=2 44=$P"}, "rejected: "),
        ("accepted", {"new_order": "> 3 45=1 58=why"}, "the client rejects message 1: why"),
        ("accepted", {}, "due and did not come: NewOrderSingle"),
        ("resend", {
            "new_order": "> D 11=A1 55=$S 54=1 38=10 40=2 44=$P 59=1 60=@0",
            "wait": "> D 34=2 43=Y 122=@-1 11=A9 55=$S 54=1 38=10 40=2 44=$P 59=1 60=@-1",
        }, "another ClOrdID"),
        ("gap", {"wait": "> 2 7=1 16=0"}, "due and did not come: ResendRequest"),
        ("heartbeats", {}, "due and did not come: Heartbeat"),
    ],
)  # fmt: skip
def test_o174_a_client_that_errs_fails_and_is_told_why(
    tmp_path: Path, name: str, answers: dict[str, str], problem: str
) -> None:
    (result,), _ = asyncio.run(examined(tmp_path, name, answers))
    assert not result.passed and problem in result.problem, result
    text = report_text("ALPHA", ["FIX.4.4"], [result])
    assert f"FAIL  {name}" in text and problem in text and "0 of 1 situations, NOT passed" in text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_o177_the_logon_decides_in_what_a_client_is_examined(
    tmp_path: Path, dialect: Dialect
) -> None:
    order = "> D 11=A1 55=$S 54=1 38=10 40=2 44=$P 60=@0"
    cancel = "> F 11=A2 41=A1 55=$S 54=1 60=@0; ignore A; ignore 8; < 1 112=$test; > 0 112=$test"
    answers = {"new_order": order, "cancel": cancel}
    (result,), dialects = asyncio.run(examined(tmp_path, "accepted", answers, dialect))
    assert result.passed and dialects == {dialect.begin}, result


def test_o177_what_a_dialect_asks_for_is_asked_for(tmp_path: Path) -> None:
    answers = {"new_order": "> D 1128=7 11=A1 55=$S 54=1 38=10 40=2 44=$P 60=@0"}
    (result,), _ = asyncio.run(examined(tmp_path, "accepted", answers, FIXT))
    assert not result.passed and "(371=1128, 373=18)" in result.problem, result


async def examined(
    folder: Path, name: str, answers: dict[str, str], dialect: Dialect = FIX44
) -> tuple[list[Result], set[str]]:
    """One situation with a client that answers instructions by these lines, whatever is right.

    Returns the results and the dialects that the examiner heard.
    """
    config = load_venue(overrides=[f"fix.port={free_port()}"])
    venue = CertifyVenue("ALPHA", config, DEFAULT_VENUE, load_products(), folder / "venue")
    symbol = next(one for one in venue.parts.registry.known.instruments if one.startswith("SITB"))
    told: asyncio.Queue[Instruction] = asyncio.Queue()
    examiner = Examiner(venue, symbol, told.put_nowait, 1.5)
    await venue.start()
    play = Play(Situation("", "", "", []), "ALPHA", venue.port, symbol, dialect)
    play.known |= {"S": symbol, "P": text_of(examiner.middle)}

    async def client() -> None:
        while True:
            instruction = await told.get()
            if instruction.do == "log_on":
                await play.do("> A 98=0 108=1")
            elif instruction.do in answers:
                for step in answers[instruction.do].split("; "):
                    await play.do(step)

    driving = asyncio.ensure_future(client())
    try:
        results = await examiner.run([one for one in SITUATIONS if one[0] == name])
        return results, examiner.dialects
    finally:
        driving.cancel()
        await asyncio.gather(driving, return_exceptions=True)
        await play.ends[""].drop()
        await venue.stop()


def test_o173_only_the_member_and_its_counterparty_are_there() -> None:
    config = with_counterparty(load_venue(), "ALPHA", "")
    assert [member.name for member in config.members] == ["ALPHA", "CERTIFIER"]
    with pytest.raises(LookupError, match="NOBODY is no session of this venue: ALPHA BRAVO"):
        with_counterparty(load_venue(), "NOBODY", "")


def test_messages_are_seen_as_they_are() -> None:
    raw = b"8=FIX.4.4\x019=5\x0135=0\x0110=163\x018=FIXT.1.1\x019=5\x0135=1\x01112=x\x0110=1\x01"
    assert [one[35] for one in messages_of(raw)] == ["0", "1"]


def test_the_command_refuses_what_it_cannot_do(tmp_path: Path) -> None:
    from tests.certify_driver import certify

    for arguments, code in ((("--session", "NOBODY"), 2), (("--only", "nothing"), 2)):
        running = certify(tmp_path, *arguments)
        try:
            assert running.wait(120) == code
        finally:
            running.kill()
            running.communicate()
