"""A member with QuickFIX, the engine nobody here wrote: log on, trade, lose the line, recover."""

from __future__ import annotations

import queue
import time
from pathlib import Path

import quickfix as fix

ROOT = Path(__file__).resolve().parent.parent
DICTIONARIES = ROOT / "specs" / "fix"
FIX44, FIXT11 = "FIX.4.4", "FIXT.1.1"
SPOKEN = {  # what QuickFIX is told of a dialect
    FIX44: f"DataDictionary={DICTIONARIES / 'FIX44.xml'}",
    FIXT11: f"TransportDataDictionary={DICTIONARIES / 'FIXT11.xml'}\n"
    f"AppDataDictionary={DICTIONARIES / 'FIX50SP2.xml'}\nDefaultApplVerID=FIX.5.0SP2",
}
WAIT_S = 15.0


def fields(message: fix.Message) -> dict[int, str]:
    """Tag to value of a QuickFIX message, groups left out."""
    pairs = (part.split("=", 1) for part in message.toString().split("\x01") if part)
    return {int(tag): value for tag, value in pairs}


class Member(fix.Application):
    """One QuickFIX initiator. What arrives from the application layer lies in `received`."""

    def __init__(
        self, comp_id: str, port: int, folder: Path, reset: bool = False, begin: str = FIX44
    ) -> None:
        super().__init__()
        self.comp_id = comp_id
        self.received: queue.Queue[dict[int, str]] = queue.Queue()
        self.admin: list[dict[int, str]] = []
        self.logons = 0
        self.logged_on = False
        self.session_id: fix.SessionID | None = None
        settings = folder / f"{comp_id}.cfg"
        settings.write_text(
            "[DEFAULT]\nConnectionType=initiator\nReconnectInterval=1\nStartTime=00:00:00\n"
            "EndTime=00:00:00\nHeartBtInt=5\nUseDataDictionary=Y\n"
            f"{SPOKEN[begin]}\nFileStorePath={folder / 'store'}\n"
            f"FileLogPath={folder / 'log'}\nSocketConnectHost=127.0.0.1\n"
            f"SocketConnectPort={port}\nSocketNodelay=Y\nResetOnLogon={'Y' if reset else 'N'}\n"
            f"[SESSION]\nBeginString={begin}\nSenderCompID={comp_id}\nTargetCompID=SITEX\n"
        )
        self._file = settings
        self._initiator: fix.SocketInitiator | None = None

    def set(self, name: str, value: str) -> Member:
        """One more setting of the session."""
        self._file.write_text(f"{self._file.read_text()}{name}={value}\n")
        return self

    def start(self) -> Member:
        """Connects and waits for the logon."""
        before = self.logons
        self.open().start()
        self.wait_until(lambda: self.logons > before and self.logged_on)
        return self

    def open(self) -> fix.SocketInitiator:
        """QuickFIX's initiator, with the settings as they are now."""
        self._settings = fix.SessionSettings(str(self._file))
        self._store = fix.FileStoreFactory(self._settings)
        self._log = fix.FileLogFactory(self._settings)
        self._initiator = fix.SocketInitiator(self, self._store, self._settings, self._log)
        return self._initiator

    def stop(self) -> None:
        """Logs out and ends QuickFIX's thread."""
        if self._initiator:
            self._initiator.stop()
            self._initiator = None

    def wait_until(self, done: object) -> None:
        """Polls until done() holds; AssertionError after WAIT_S."""
        deadline = time.monotonic() + WAIT_S
        while not done():  # type: ignore[operator]
            assert time.monotonic() < deadline, f"{self.comp_id}: waited {WAIT_S} s"
            time.sleep(0.01)

    def next(self, **wanted: str) -> dict[int, str]:
        """The next application message; its tags (t39="2") must be as wanted."""
        message = self.received.get(timeout=WAIT_S)
        for name, value in wanted.items():
            assert message.get(int(name[1:])) == value, (name, value, message)
        return message

    def order(
        self, cl_ord_id: str, side: str, qty: int, price: str, symbol: str, **extra: str
    ) -> None:
        """Sends a limit order; extra tags as t59="3"."""
        message = fix.Message()
        message.getHeader().setField(35, "D")
        now = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())
        tags = {
            11: cl_ord_id,
            55: symbol,
            54: side,
            60: now,
            38: str(qty),
            40: "2",
            44: price,
            **{int(name[1:]): value for name, value in extra.items()},
        }
        self._send(message, tags)

    def cancel(self, cl_ord_id: str, orig: str, side: str, symbol: str) -> None:
        """Sends an OrderCancelRequest."""
        message = fix.Message()
        message.getHeader().setField(35, "F")
        now = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())
        self._send(message, {41: orig, 11: cl_ord_id, 55: symbol, 54: side, 60: now})

    def replace(
        self, cl_ord_id: str, orig: str, side: str, qty: int, price: str, symbol: str
    ) -> None:
        """Sends an OrderCancelReplaceRequest."""
        message = fix.Message()
        message.getHeader().setField(35, "G")
        now = time.strftime("%Y%m%d-%H:%M:%S", time.gmtime())
        self._send(
            message,
            {
                41: orig,
                11: cl_ord_id,
                55: symbol,
                54: side,
                60: now,
                38: str(qty),
                40: "2",
                44: price,
            },
        )

    def send(self, msg_type: str, tags: dict[int, str]) -> None:
        """Sends any message."""
        message = fix.Message()
        message.getHeader().setField(35, msg_type)
        self._send(message, tags)

    def block(self, report_id: str, side: str, symbol: str, other: str, **extra: str) -> None:
        """Sends a TradeCaptureReport of a block of 600 lots at 2.010 under the link id LINK.

        QuickFIX sorts a group's fields by tag: Account (1) stands in front of the parties (O-20).
        """
        message = fix.Message()
        message.getHeader().setField(35, "AE")
        sides, party = fix.Group(552, 54), fix.Group(453, 448)
        sides.setField(54, side)
        sides.setField(1, self.comp_id)
        for tag, value in ((448, other), (447, "D"), (452, "17")):
            party.setField(tag, value)
        sides.addGroup(party)
        message.addGroup(sides)
        terms = {571: report_id, 828: "1", 820: "LINK", 55: symbol, 32: "600", 31: "2.010"}
        terms |= {60: "20261120-10:00:00"}
        self._send(message, terms | {int(name[1:]): value for name, value in extra.items()})

    def mass_quote(self, quote_id: str, *entries: dict[int, str], **extra: str) -> None:
        """Sends a MassQuote of one set; an entry's QuoteEntryID is its place from 1."""
        message = fix.Message()
        message.getHeader().setField(35, "i")
        quotes = fix.Group(296, 302)
        quotes.setField(302, "1")
        for number, entry in enumerate(entries, 1):
            one = fix.Group(295, 299)
            one.setField(299, str(number))
            for tag, value in entry.items():
                one.setField(tag, value)
            quotes.addGroup(one)
        message.addGroup(quotes)
        self._send(message, {117: quote_id, **{int(n[1:]): v for n, v in extra.items()}})

    def quote_cancel(self, quote_id: str, kind: str, symbol: str = "") -> None:
        """Sends a QuoteCancel of a type (298), of one symbol where that is given."""
        message = fix.Message()
        message.getHeader().setField(35, "Z")
        if symbol:
            one = fix.Group(295, 55)
            one.setField(55, symbol)
            message.addGroup(one)
        self._send(message, {117: quote_id, 298: kind})

    def quote_request(self, request_id: str, symbol: str, **extra: str) -> None:
        """Sends a QuoteRequest of one symbol; extra tags of it as t54="1"."""
        message = fix.Message()
        message.getHeader().setField(35, "R")
        one = fix.Group(146, 55)
        one.setField(55, symbol)
        for name, value in extra.items():
            one.setField(int(name[1:]), value)
        message.addGroup(one)
        self._send(message, {131: request_id})

    def _send(self, message: fix.Message, tags: dict[int, str]) -> None:
        for tag, value in tags.items():
            message.setField(tag, value)
        assert fix.Session.sendToTarget(message, self.session_id)

    # QuickFIX calls these
    def onCreate(self, session_id: fix.SessionID) -> None:  # noqa: N802
        """QuickFIX made the session."""
        self.session_id = session_id

    def onLogon(self, session_id: fix.SessionID) -> None:  # noqa: N802
        """Logged on."""
        self.logons += 1
        self.logged_on = True

    def onLogout(self, session_id: fix.SessionID) -> None:  # noqa: N802
        """Logged out or lost."""
        self.logged_on = False

    def toAdmin(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        """Nothing is added to administrative messages."""

    def toApp(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        """Nothing is added to orders."""

    def fromAdmin(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        """Keeps administrative messages."""
        self.admin.append(fields(message))

    def fromApp(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        """Keeps application messages."""
        self.received.put(fields(message))
