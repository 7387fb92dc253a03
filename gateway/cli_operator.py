"""`sitex halt`, `resume`, `kill`, `release`, `bust`, `correct`, `implied`: an operator asks."""

from __future__ import annotations

import sys
from pathlib import Path

from gateway.operator import (
    REASON_CHARS_MAX,
    Bust,
    Correct,
    Halt,
    Kill,
    MarketRequest,
    Release,
    Resume,
    SetImplied,
    ask,
)

DONE, REFUSED, USAGE_ERROR = 0, 1, 2


def run_halt(target: str, reason: str, data_dir: Path) -> int:
    """Halts what `target` names; the exit code."""
    return _run("halt", Halt(_name(target), reason), data_dir)


def run_resume(target: str, reason: str, data_dir: Path) -> int:
    """Lets go what `target` names; the exit code."""
    return _run("resume", Resume(_name(target), reason), data_dir)


def run_kill(member: str, session: str, reason: str, data_dir: Path) -> int:
    """Blocks a member, or one session of it ("": all), and cancels its orders; the exit code."""
    return _run("kill", Kill(member, reason, session), data_dir)


def run_release(member: str, session: str, reason: str, data_dir: Path) -> int:
    """Ends a kill; the exit code."""
    return _run("release", Release(member, reason, session), data_dir)


def run_bust(trade_id: int, reason: str, data_dir: Path) -> int:
    """Takes a trade back; the exit code."""
    return _run("bust", Bust(trade_id, reason), data_dir)


def run_correct(trade_id: int, price: str, reason: str, data_dir: Path) -> int:
    """Gives a trade another price; the exit code."""
    return _run("correct", Correct(trade_id, price, reason), data_dir)


def run_implied(product: str, on: bool, reason: str, data_dir: Path) -> int:
    """Turns a product's implied prices on or off; the exit code."""
    return _run("implied", SetImplied(product.upper(), on, reason), data_dir)


def _name(target: str) -> str:
    return target if target == "all" else target.upper()


def _run(command: str, request: MarketRequest, data_dir: Path) -> int:
    if not 1 <= len(request.reason) <= REASON_CHARS_MAX:
        text = f"--reason has 1 to {REASON_CHARS_MAX} characters"
        sys.stderr.write(f"sitex {command}: {text}\n")
        return USAGE_ERROR
    answer = ask(data_dir, request)
    stream = sys.stdout if answer.done else sys.stderr
    stream.write(f"{answer.text}\n" if answer.done else f"sitex {command}: {answer.text}\n")
    return DONE if answer.done else REFUSED
