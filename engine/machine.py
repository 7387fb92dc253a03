"""Engine: the fold of the exchange, commands in, events out. No clock, no I/O, no randomness.

The shell around the kernels: it owns the arena, crosses into compiled code once per batch, and
shows books, orders and positions. Who may write commands, and what becomes of events, it does not
know.

Source: specs/matching.md M-1.
"""

from __future__ import annotations

import numpy as np

from engine.cl_ord_id import pack_cl_ord_id
from engine.layout import HEADER, STOP_NONE, Book, Work, aligned_zeros, new_arena, views
from engine.limits import (
    EVENT_ROWS_MIN,
    ID_COUNT_MASK,
    ORDER_ROWS_AHEAD,
    ORDER_ROWS_STEP,
    EngineLimits,
)
from engine.live import live_orders
from engine.pages import fault_in
from engine.roll import roll_day
from engine.state import (
    hash_state,
    instrument_book,
    instrument_orders,
    instrument_stops,
    request_row,
    restore_snapshot,
    take_snapshot,
)
from engine.step import step
from engine.trade_rows import TradeState
from engine.types import COMMAND, EVENT, REQUEST, CommandKind, Phase

_DEFAULT_HASH_KEY = 0x5EED_17E8_0F51_7E00 >> 2


class Engine:
    """State of all books; `apply` is its only way to change, `roll_requests` apart.

    requests: REQUEST[requests_max], zeroed, row 0 unused (it may map a file); None: in memory.
    hash_key: any number below 2**63; spreads the index of ClOrdIDs, changes no event.
    """

    def __init__(
        self,
        limits: EngineLimits,
        requests: np.ndarray | None = None,
        hash_key: int = _DEFAULT_HASH_KEY,
    ) -> None:
        assert 0 <= hash_key < 1 << 63
        self.limits = limits
        self.requests = self._checked(requests)
        self._own(new_arena(limits, hash_key))

    def _own(self, arena: np.ndarray) -> None:
        self.arena = arena  # for step() and what calls it
        self._header = arena[: HEADER.itemsize].view(HEADER)[0]
        self._requests_next: np.ndarray | None = None
        self._touched = 0  # order rows

    def _checked(self, requests: np.ndarray | None) -> np.ndarray:
        if requests is None:
            size = self.limits.requests_max * REQUEST.itemsize
            return aligned_zeros(size).view(REQUEST)
        assert requests.dtype == REQUEST and len(requests) >= self.limits.requests_max
        return np.asarray(requests)

    def apply(self, commands: np.ndarray, blobs: np.ndarray, events: np.ndarray) -> tuple[int, int]:
        """Apply COMMAND[n] with their blobs; returns (commands consumed, events produced).

        Writes events[:produced]. Stops early when rows run out; what is begun goes on in the next
        call, which may bring no commands (`busy`). Raises AssertionError with the command's number
        on a programmer's error.
        """
        assert commands.dtype == COMMAND and events.dtype == EVENT
        assert len(events) >= EVENT_ROWS_MIN, "too few event rows"
        try:
            consumed, produced = step(self.arena, self.requests, commands, blobs, events)
            while consumed < len(commands) and commands[consumed]["kind"] == CommandKind.ROLL_DAY:
                if self.busy or produced == len(events):
                    break
                self._roll_day(commands[consumed : consumed + 1], events[produced:])
                more = step(
                    self.arena,
                    self.requests,
                    commands[consumed + 1 :],
                    blobs,
                    events[produced + 1 :],
                )
                consumed, produced = consumed + 1 + more[0], produced + 1 + more[1]
        except AssertionError as error:
            raise AssertionError(f"command {self.command_count}: {error}") from error
        return consumed, produced

    def roll_requests(self, requests_next: np.ndarray) -> None:
        """The zeroed request rows of the next venue day; before the apply of its ROLL_DAY."""
        self._requests_next = self._checked(requests_next)

    def touch(self) -> None:
        """Have memory for all tables, so that no command pays for a page's first use."""
        fault_in(self.arena)

    def touch_ahead(self) -> None:
        """Have memory for the index of ClOrdIDs and, step by step, for the next orders.

        For a background thread, beside apply; a call does one step.
        """
        used = int(self._header["orders_used"])
        wanted = min(used + ORDER_ROWS_AHEAD, self.limits.orders_max)
        if self._touched >= wanted:
            return
        tables = self.tables()
        if self._touched == 0:
            fault_in(tables.slots)
        stop = min(max(self._touched, used) + ORDER_ROWS_STEP, wanted)
        fault_in(tables.orders[self._touched : stop])
        self._touched = stop

    def snapshot(self) -> bytes:
        """The state between commands; the caller keeps request rows 1 to request_count with it."""
        return take_snapshot(self.arena, self.requests)

    @classmethod
    def restore(
        cls,
        limits: EngineLimits,
        data: bytes,
        requests: np.ndarray,
        hash_key: int = _DEFAULT_HASH_KEY,
    ) -> Engine:
        """An engine in the state of a snapshot. Raises ValueError where it does not fit."""
        engine = cls.__new__(cls)
        engine.limits = limits
        engine.requests = engine._checked(requests)
        engine._own(restore_snapshot(limits, data, engine.requests, hash_key))
        return engine

    def state_hash(self) -> bytes:
        """16 bytes that are equal for equal states, whatever the tables' sizes."""
        return hash_state(self.arena, self.requests)

    def book(self, instrument: int) -> tuple[np.ndarray, np.ndarray]:
        """Bids and asks, LEVEL_VIEW (price 1e-9, qty shown in lots, orders), best first."""
        return instrument_book(self.arena, self.requests, instrument)

    def orders(self, instrument: int) -> np.ndarray:
        """Orders in the book, ORDER_VIEW: bids, then asks, best price first, as they queue."""
        return instrument_orders(self.arena, self.requests, instrument)

    def stops(self, instrument: int) -> np.ndarray:
        """Waiting stop orders, ORDER_VIEW: buys, then sells, in the order in which they trigger."""
        return instrument_stops(self.arena, self.requests, instrument)

    def find_request(self, member: int, cl_ord_id: bytes) -> int:
        """Row of `requests` that a member's ClOrdID of this venue day names, or 0."""
        words = np.array(pack_cl_ord_id(cl_ord_id), np.uint64)
        return int(
            request_row(
                self.arena, self.requests, np.zeros(0, EVENT), words[0], words[1], words[2], member
            )
        )

    def live_orders(self, member: int) -> np.ndarray:
        """Rows of the order pool, int64[n], of a member's live orders but quotes, by order_id."""
        return live_orders(self.arena, self.requests, member)

    def phase(self, instrument: int) -> tuple[Phase, int]:
        """Phase of an instrument and its scheduled end, ns of the venue clock (0: none)."""
        call = self.tables().calls[instrument]
        return Phase(int(call["phase"])), int(call["scheduled_end_ns"])

    def position(self, account: int, instrument: int) -> int:
        """Net lots of an account in an instrument, long positive."""
        return int(self._risk(account, instrument)["position"])

    def trade(self, trade_id: int) -> tuple[np.void, np.ndarray] | None:
        """A remembered trade (M-217): its TRADE and TRADE_SIDE[2]; None: there is none."""
        number, last = trade_id & ID_COUNT_MASK, int(self._header["trade_count"])
        rows = self.limits.trades_max
        if not max(int(self._header["trades_from"]), last - rows) < number <= last:
            return None
        slot, tables = number & (rows - 1), self.tables()
        if tables.trades[slot]["state"] == TradeState.NONE:
            return None
        return tables.trades[slot], tables.trade_sides[2 * slot : 2 * slot + 2]

    def trading_date(self, product: int) -> int:
        """Of a product's instruments that have not expired, yyyymmdd; 0: there are none."""
        rows = self.tables().instruments
        lives = (rows["defined"] != 0) & (rows["expired"] == 0) & (rows["product"] == product)
        return int(rows["trading_date"][lives].max(initial=0))

    def scheduled_end(self, product: int) -> int | None:
        """Of the phase of a product's instruments, apart from those that pause or are halted.

        None: one of them never had a phase, or there are none; 0: the phase has no end.
        """
        tables = self.tables()
        rows = tables.instruments
        lives = (rows["defined"] != 0) & (rows["expired"] == 0) & (rows["product"] == product)
        calls = tables.calls[lives]
        if not len(calls) or (calls["phase"] == Phase.NONE).any():
            return None
        apart = np.isin(calls["phase"], (Phase.VOLATILITY_PAUSE, Phase.HALTED))
        return int(calls["scheduled_end_ns"][~apart].max(initial=0))

    def pauses(self) -> list[tuple[int, int]]:
        """(scheduled end, instrument) of those in a VOLATILITY_PAUSE that has an end, in order."""
        calls = self.tables().calls
        waits = (calls["phase"] == Phase.VOLATILITY_PAUSE) & (calls["scheduled_end_ns"] != 0)
        return sorted((int(calls["scheduled_end_ns"][i]), int(i)) for i in np.flatnonzero(waits))

    def buckets(self, account: int, instrument: int) -> dict[str, int]:
        """GROSS positions (M-51): lots long and short, of today and of yesterday."""
        risk = self._risk(account, instrument)
        names = ("long_today", "long_yesterday", "short_today", "short_yesterday")
        return {name: int(risk[name]) for name in names}

    def _risk(self, account: int, instrument: int) -> np.void:
        assert 0 < account <= self.limits.accounts_max
        assert 0 < instrument <= self.limits.instruments_max
        return self.tables().risks[account * int(self._header["risk_stride"]) + instrument]

    def _roll_day(self, commands: np.ndarray, events: np.ndarray) -> None:
        assert self._requests_next is not None, "ROLL_DAY without roll_requests"
        roll_day(self.arena, self.requests, self._requests_next, commands, events)
        self.requests, self._requests_next = self._requests_next, None

    @property
    def busy(self) -> bool:
        """Long work goes on at the next apply, before any command."""
        return bool(self._header["work"] != Work.NONE)

    @property
    def command_count(self) -> int:
        """Number of the last command applied (or begun)."""
        return int(self._header["command_count"])

    @property
    def event_count(self) -> int:
        """Number of the last event."""
        return int(self._header["event_count"])

    @property
    def request_count(self) -> int:
        """Request rows in use this venue day: rows 1 to this."""
        return int(self._header["request_count"])

    @property
    def orders_live(self) -> int:
        """Orders that rest, stop orders that wait included."""
        return int(self._header["orders_live"])

    @property
    def halted(self) -> bool:
        """Whether new orders and replaces are refused (M-73)."""
        return bool(self._header["halted"])

    def opening_price(self, instrument: int) -> int | None:
        """Price (1e-9) of the trading date's first trade, None without one (M-214)."""
        tables = self.tables()
        row = tables.instruments[instrument]
        if row["day_high"] == -STOP_NONE:
            return None
        tick = tables.products[int(row["product"])]["tick"]
        return int(row["low"] + row["open_ticks"] * tick)

    def tables(self) -> Book:
        """Views of all tables; to look at, not to write."""
        return views(self.arena, self.requests)
