"""Market data as a QuickFIX member without multicast reads it. Source: O-140 to O-143, O-175."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("quickfix", reason="needs the extra [quickfix] (compiles for minutes)")

import quickfix as fix

from perf.client import front_symbol
from perf.venue import Venue
from tests.quickfix_client import FIX44, FIXT11, Member, fields

Levels = dict[tuple[str, str], str]  # (type, price) -> lots
LEVELS = 150  # of a side: more than 8,192 bytes
ENTRY = {"W": fix.Group(268, 269), "X": fix.Group(268, 279)}


class Watcher(Member):
    """Keeps the levels and trades of one instrument."""

    def __init__(self, comp_id: str, port: int, folder: Path, begin: str) -> None:
        super().__init__(comp_id, port, folder, begin=begin)
        self.levels: Levels = {}
        self.trades: list[tuple[str, str]] = []
        self.refreshes: list[str] = []
        self.longest = 0  # bytes of a message

    def watch(self, how: str, symbol: str, depth: str = "0") -> None:
        message = fix.Message()
        message.getHeader().setField(35, "V")
        for kind in "012":
            one = fix.Group(267, 269)
            one.setField(269, kind)
            message.addGroup(one)
        one = fix.Group(146, 55)
        one.setField(55, symbol)
        message.addGroup(one)
        self._send(message, {262: "watch", 263: how, 264: depth, 265: "1"})

    def fromApp(self, message: fix.Message, session_id: fix.SessionID) -> None:  # noqa: N802
        kind = fields(message)[35]
        if kind in ENTRY:
            self.refreshes.append(kind)
            self.longest = max(self.longest, len(message.toString()))
            for number in range(1, int(message.getField(268)) + 1):
                message.getGroup(number, ENTRY[kind])
                self._take(ENTRY[kind])
        else:
            super().fromApp(message, session_id)

    def _take(self, entry: fix.Group) -> None:
        kind = entry.getField(269)
        if kind == "2":
            self.trades.append((entry.getField(270), entry.getField(271)))
        elif entry.isSetField(279) and entry.getField(279) == "2":
            del self.levels[kind, entry.getField(270)]
        else:
            self.levels[kind, entry.getField(270)] = entry.getField(271)


@pytest.mark.parametrize("begin", [FIX44, FIXT11])
def test_a_member_watches_the_book(tmp_path: Path, begin: str) -> None:
    with Venue() as venue:
        watcher = Watcher("ALPHA", venue.fix_port, tmp_path, begin).start()
        bravo = Member("BRAVO", venue.fix_port, tmp_path).start()
        try:
            follow(watcher, bravo)
        finally:
            watcher.stop()
            bravo.stop()


def follow(watcher: Watcher, bravo: Member) -> None:
    symbol = front_symbol()
    bravo.order("b1", "1", 5, "1.990", symbol)
    bravo.next(t150="0")
    watcher.watch("1", symbol)
    watcher.wait_until(lambda: watcher.levels == {("0", "1.99"): "5"})
    bravo.order("b2", "2", 7, "2.010", symbol)
    wanted = {("0", "1.99"): "5", ("1", "2.01"): "7"}
    watcher.wait_until(lambda: watcher.levels == wanted)
    watcher.order("a1", "1", 7, "2.010", symbol, t77="O")
    watcher.wait_until(lambda: watcher.trades == [("2.01", "7")])
    assert watcher.levels == {("0", "1.99"): "5"}
    assert watcher.refreshes == ["W", "X", "X"]
    watcher.watch("1", symbol)
    while (said := watcher.next())[35] == "8":
        pass
    assert (said[35], said[281]) == ("Y", "1")
    watcher.watch("2", symbol)
    bravo.cancel("c1", "b1", "1", symbol)
    bravo.next(t150="0", t11="b2")
    bravo.next(t150="F")
    bravo.next(t150="4")
    watcher.watch("0", symbol)
    watcher.wait_until(lambda: watcher.refreshes == ["W", "X", "X", "W"])
    deep = {}
    for number in range(1, LEVELS + 1):
        for kind, side, price in (("0", "1", 2 - number / 1000), ("1", "2", 2 + number / 1000)):
            deep[kind, f"{price:.10g}"] = "1"
            bravo.order(f"{side}-{number}", side, 1, f"{price:.3f}", symbol)
            bravo.next(t150="0")
    watcher.levels.clear()
    watcher.watch("0", symbol)
    watcher.wait_until(lambda: watcher.levels == deep)
    assert watcher.refreshes[4:] == ["W"] and watcher.longest > 8_192
    assert [one for one in watcher.admin if one[35] == "3"] == []
