"""What happens to sessions, as lines of JSON: who came, who was turned away and why, who was lost.

Never a message: no order, no password. Lines a second are bounded, and what is left out is counted,
so that no member can fill the disk. Needs the extra [operator].

Source: docs/decisions/0161-operator.md.
"""

from __future__ import annotations

from pathlib import Path

import structlog

from gateway.facts import Delivered, Fact, LoggedOn, LoggedOut, Lost, PeerRejected, Refused
from gateway.liveness import SECOND_NS

LINES_PER_SECOND_MAX = 200
VENUE = "venue"  # `session` of a line that is no session's
_NAMES = {
    LoggedOn: "logged on",
    LoggedOut: "logged out",
    Lost: "lost",
    Refused: "refused",
    PeerRejected: "rejected by the member",
    Delivered: "delivered",
}


class EventLog:
    """Appends to one file; every line has time, event and session."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._log = structlog.wrap_logger(
            structlog.WriteLogger(self._file),
            processors=[
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(ensure_ascii=False),
            ],
        )
        self._second = 0
        self._lines = 0
        self.left_out = 0

    def fact(self, session: str, address: str, fact: Fact, now_ns: int) -> None:
        """Something happened to a session, or to a connection that is none ("")."""
        if self._may_write(now_ns):
            values: dict[str, object] = {"session": session, "address": address}
            if isinstance(fact, LoggedOn):
                values["reset"] = fact.reset
            elif isinstance(fact, LoggedOut | Lost | Refused):
                values["text"] = fact.text
            else:
                values["text"] = fact.message.text(58)
            self._log.info(_NAMES[type(fact)], **values)

    def said(self, text: str, now_ns: int) -> None:
        """Something that the venue says."""
        if self._may_write(now_ns):
            self._log.info(text, session=VENUE)

    def operator(self, session: str, asked: str, done: bool, text: str, now_ns: int) -> None:
        """Something that an operator asked for, and what came of it."""
        if self._may_write(now_ns):
            self._log.info("operator", session=session or VENUE, asked=asked, done=done, text=text)

    def close(self) -> None:
        """No more lines."""
        self._file.close()

    def _may_write(self, now_ns: int) -> bool:
        second = now_ns // SECOND_NS
        if second != self._second:
            left_out, self.left_out = self.left_out, 0
            self._second, self._lines = second, 0
            if left_out:
                self._log.info("lines left out", session=VENUE, count=left_out)
        self._lines += 1
        if self._lines > LINES_PER_SECOND_MAX:
            self.left_out += 1
            return False
        return True
