"""Certification: situations that a member's client is taken through, and what it must do in each.

The examiner tells what to do next, waits for the client's messages and judges them; what the client
must do by itself (answer, ask for what is missing, come back) is told as such. A situation fails by
the first thing that is wrong; the next one begins afresh. Besides, in every situation: the client
rejects nothing of the venue's, and the venue's session rejects nothing of the client's.

Source: specs/order_entry.md O-173, O-174, O-177; fix-session 1.1 to 1.3.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from gateway.certify_venue import CertifyVenue, Fields, Tap
from gateway.client import BUY, SELL
from gateway.values import format_price

QTY = 10
PART = 4
HEARTBEAT_MAX_S = 60  # of the client's HeartBtInt, or the silent situations take too long
TESTS_MAX = 3  # TestRequests until one is answered
LOGON, ORDER, CANCEL, REPLACE, LOGOUT, WAIT, CUT = (
    "log_on", "new_order", "cancel", "replace", "log_out", "wait", "cut_the_line",
)  # fmt: skip


@dataclass(frozen=True)
class Instruction:
    """What the tester does next. number: counts over all situations."""

    number: int
    situation: str
    do: str
    text: str
    terms: dict[str, str]


@dataclass
class Result:
    """Of one situation; problem: empty where it is passed. heard: what the client sent."""

    situation: str
    shows: str
    passed: bool = False
    problem: str = ""
    told: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


class NotAsItMustBe(Exception):
    """The client did something else; the text says what was due."""


class Examiner:
    """Takes one client through situations. tell: shows an instruction to who drives the client.

    dialects: the BeginStrings (8) of the client's Logons, which decide in what it is examined.
    """

    def __init__(
        self,
        venue: CertifyVenue,
        symbol: str,
        tell: Callable[[Instruction], None],
        timeout_s: float,
    ) -> None:
        self.venue, self.symbol, self.timeout_s = venue, symbol, timeout_s
        self._tell = tell
        self._told = 0
        self._heard: list[tuple[Tap, Fields]] = []
        self._sent: list[Fields] = []
        self._wake = asyncio.Event()
        self._result = Result("", "")
        self.complaint = ""
        self.dialects: set[str] = set()
        venue.heard = self._hear
        low, high, tick = venue.price_limits(symbol)
        self.middle = (low + high) // 2 // tick * tick
        self.above = high + tick  # beyond the daily limit

    async def run(self, situations: list[Situation]) -> list[Result]:
        """Every situation; what came of each."""
        results = []
        for name, shows, play in situations:
            self._result = result = Result(name, shows)
            self.complaint = ""
            try:
                await self.come_in()
                await play(self)
                await self.answers_a_test()
                result.passed = True
            except NotAsItMustBe as error:
                result.problem = str(error)
            except (TimeoutError, OSError) as error:
                result.problem = f"{type(error).__name__}: {error}"
            results.append(result)
            await self._clean_up()
        return results

    # -- what happens

    def _hear(self, tap: Tap, fields: Fields, inbound: bool) -> None:
        kind = fields.get(35, "?")
        if inbound:
            self._heard.append((tap, fields))
            if kind == "A":
                self.dialects.add(fields.get(8, ""))
            self._result.heard.append("|".join(f"{tag}={text}" for tag, text in fields.items()
                                               if tag not in (8, 9, 10, 554, 96)))  # fmt: skip
            if kind in ("3", "j"):
                text = fields.get(58, "")
                self.complaint = f"the client rejects message {fields.get(45)}: {text}"
        else:
            self._sent.append(fields)
            if kind == "3":
                text = f"a message of the client is rejected: {fields.get(58)}"
                self.complaint = f"{text} (371={fields.get(371)}, 373={fields.get(373)})"
        self._wake.set()

    def tell(self, do: str, text: str, **terms: str) -> None:
        """What the tester has to do now."""
        self._told += 1
        self._result.told.append(text)
        self._tell(Instruction(self._told, self._result.situation, do, text, terms))

    async def until(self, what: str, found: Callable[[], bool], wait_s: float = 0) -> None:
        """Waits until it is so; NotAsItMustBe when it does not come to be, or on a reject."""
        try:
            async with asyncio.timeout(wait_s or self.timeout_s):
                while not found():
                    if self.complaint:
                        raise NotAsItMustBe(self.complaint)
                    self._wake.clear()
                    try:
                        await asyncio.wait_for(self._wake.wait(), 0.1)
                    except TimeoutError:
                        continue
        except TimeoutError:
            raise NotAsItMustBe(f"due and did not come: {what}") from None

    async def message(self, what: str, kind: str, wait_s: float = 0, **wanted: str) -> Fields:
        """The client's next message of this type with these fields (t41="..."); others pass."""
        found: list[Fields] = []

        def look() -> bool:
            while self._heard and not found:
                _, fields = self._heard.pop(0)
                if fields.get(35) == kind and _fits(fields, wanted):
                    found.append(fields)
            return bool(found)

        await self.until(what, look, wait_s)
        return found[0]

    async def report(self, what: str, **wanted: str) -> Fields:
        """The venue's next message with these fields."""
        found: list[Fields] = []

        def look() -> bool:
            while self._sent and not found:
                fields = self._sent.pop(0)
                if _fits(fields, wanted):
                    found.append(fields)
            return bool(found)

        await self.until(what, look)
        return found[0]

    def tap(self) -> Tap:
        """The client's line."""
        tap = self.venue.tap
        if tap is None:
            raise NotAsItMustBe("the client is not logged on")
        return tap

    def forget(self) -> None:
        """What was heard and sent so far is not looked at."""
        self._heard.clear()
        self._sent.clear()

    def unread(self) -> list[Fields]:
        """What the client sent and nobody waited for."""
        return [fields for _, fields in self._heard]

    # -- what situations are made of

    async def come_in(self) -> None:
        """The client is logged on, or logs on now."""
        self.forget()
        if self.venue.tap is None:
            self.tell(LOGON, "Log on (numbers go on where they were)")
            await self.until("a Logon that is taken", lambda: self.venue.tap is not None)

    async def answers_a_test(self) -> None:
        """TestRequest, Heartbeat: nothing is left under way, numbers are as they must be."""
        if self.venue.tap is None:
            return
        for attempt in range(1, TESTS_MAX + 1):
            ident = f"CERTIFY{self._told}-{attempt}"
            self.venue.ask_test(ident)
            what = f"Heartbeat with 112={ident}"
            try:
                await self.message(what, "0", self.timeout_s / TESTS_MAX, t112=ident)
                break
            except NotAsItMustBe:
                # one that is sent while the client waits for a resend may be gap-filled by it
                if self.complaint or attempt == TESTS_MAX or self.venue.tap is None:
                    raise
        if self.complaint:
            raise NotAsItMustBe(self.complaint)

    async def order(self, qty: int = QTY, price: int = 0, tif: str = "0") -> Fields:
        """Tells the tester to buy, and waits for the order."""
        terms = {"side": BUY, "symbol": self.symbol, "qty": str(qty), "time_in_force": tif,
                 "price": text_of(price or self.middle)}  # fmt: skip
        how = {"0": "for the day (59=0)", "1": "good till cancel (59=1)"}[tif]
        text = f"Buy {qty} {self.symbol} at {terms['price']}, limit, {how}"
        self.tell(ORDER, text, **terms)
        fields = await self.message(f"NewOrderSingle: {text}", "D", t55=self.symbol, t54=BUY)
        for tag, value in ((38, qty), (44, price or self.middle)):
            if _number(fields.get(tag, "")) != (value if tag == 38 else value / 10**9):
                raise NotAsItMustBe(f"{tag}={fields.get(tag)} in the order; asked for: {text}")
        if fields.get(59, "0") != tif:
            raise NotAsItMustBe(f"59={fields.get(59)} in the order; asked for: {text}")
        return fields

    async def resting(self, qty: int = QTY, tif: str = "0") -> Fields:
        """An order that is taken and rests."""
        order = await self.order(qty, tif=tif)
        await self.report("the order is taken", t35="8", t150="0", t11=order[11])
        return order

    async def trade(self, qty: int) -> None:
        """The counterparty sells into the client's order."""
        self.venue.other.send_order(self.symbol, SELL, qty, text_of(self.middle), ((59, "3"),))
        while True:
            message = await self.venue.other.receive(self.timeout_s)
            if message.get(150) == b"F":
                return
            if message.get(150) in (b"8", b"4", b"C"):
                raise NotAsItMustBe(f"no order to trade with: {message.text(58)}")

    async def cancel(self, order: Fields) -> Fields:
        """Tells the tester to cancel, and waits for the request."""
        self.tell(CANCEL, f"Cancel the order {order[11]}", orig_cl_ord_id=order[11])
        return await self.message("OrderCancelRequest", "F", t41=order[11])

    async def replace(self, order: Fields, qty: int) -> Fields:
        """Tells the tester to change the quantity, and waits for the request."""
        text = f"Change the order {order[11]} to a quantity of {qty} in all"
        self.tell(REPLACE, text, orig_cl_ord_id=order[11], qty=str(qty), symbol=self.symbol,
                  side=BUY, price=text_of(self.middle))  # fmt: skip
        return await self.message("OrderCancelReplaceRequest", "G", t41=order[11], t38=str(qty))

    async def is_gone(self, what: str) -> None:
        """The client's line ends."""
        await self.until(what, lambda: self.venue.tap is None)

    async def is_gone_within(self, what: str, wait_s: float) -> None:
        """The client's line ends by then."""
        await self.until(what, lambda: self.venue.tap is None, wait_s)

    async def comes_back(self) -> Fields:
        """The client logs on again, with numbers that go on."""
        self.tell(LOGON, "Reconnect and log on; do not reset the numbers")
        logon = await self.message("Logon", "A")
        if logon.get(141) == "Y":
            raise NotAsItMustBe("the Logon resets the numbers (141=Y): what was missed is lost")
        await self.until("a Logon that is taken", lambda: self.venue.tap is not None)
        return logon

    async def _clean_up(self) -> None:
        """Nothing of a situation is left for the next one."""
        tap = self.venue.tap
        if tap is not None:
            tap.muted = False
            if tap.holds:
                tap.release()
            if not self._result.passed:  # a fresh start
                self.venue.log_out()
                for _ in range(20):
                    if self.venue.tap is None and self.venue.party.connection is None:
                        break
                    await asyncio.sleep(0.1)
                else:
                    tap.cut()
                    await asyncio.sleep(0.1)


Play = Callable[[Examiner], Awaitable[None]]
Situation = tuple[str, str, Play]


def text_of(price: int) -> str:
    """A price of 1e-9 as FIX has it."""
    return format_price(price)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _fits(fields: Fields, wanted: dict[str, str]) -> bool:
    return all(fields.get(int(name[1:])) == value for name, value in wanted.items())
