"""`sitex halt` and `sitex resume`: an operator asks the venue that runs on a data directory."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from gateway.operator import REASON_CHARS_MAX, Answer, Halt, Resume, ask

DONE, REFUSED, USAGE_ERROR = 0, 1, 2


def run_halt(target: str, reason: str, data_dir: Path) -> int:
    """Halts what `target` names; the exit code."""
    return _run("halt", target, reason, lambda name: ask(data_dir, Halt(name, reason)))


def run_resume(target: str, reason: str, data_dir: Path) -> int:
    """Lets go what `target` names; the exit code."""
    return _run("resume", target, reason, lambda name: ask(data_dir, Resume(name, reason)))


def _run(command: str, target: str, reason: str, asks: Callable[[str], Answer]) -> int:
    if not 1 <= len(reason) <= REASON_CHARS_MAX:
        text = f"--reason has 1 to {REASON_CHARS_MAX} characters"
        sys.stderr.write(f"sitex {command}: {text}\n")
        return USAGE_ERROR
    answer = asks(target if target == "all" else target.upper())
    stream = sys.stdout if answer.done else sys.stderr
    stream.write(f"{answer.text}\n" if answer.done else f"sitex {command}: {answer.text}\n")
    return DONE if answer.done else REFUSED
