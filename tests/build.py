"""Commands written readably, and their rows: what scenarios and twins feed both exchanges with.

A command here is a dict (see `naive.py`); `pack` makes the COMMAND rows and blobs of many, and
`unpack_events` the dicts of EVENT rows. Times and message numbers left at 0 are set by `number`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine import reference, trade_rows
from engine import types as t
from engine.cl_ord_id import pack_cl_ord_id
from tests import naive_words as w

TICK = 10_000_000  # 0.01 in 1e-9
SECOND = 1_000_000_000
START_NS = 1_800_000_000 * SECOND
DAY_1, DAY_2, DAY_3, DAY_4 = 20261201, 20261202, 20261203, 20261204
LAST_DAY = 20261220
PLENTY = 10**12

_IDS = ("cl_ord_id", "orig_cl_ord_id")
PLAIN_FIELDS = tuple(
    name for name in t.COMMAND.names if not name.startswith(_IDS) and not name.startswith("blob_")
)
ROW_DTYPES = {
    w.DEFINE_PRODUCT: reference.PRODUCT,
    w.DEFINE_INSTRUMENT: reference.INSTRUMENT,
    w.DEFINE_MEMBER: reference.MEMBER,
    w.DEFINE_ACCOUNT: reference.ACCOUNT,
    w.DEFINE_SESSION: reference.SESSION,
    w.SET_PHASE: t.PHASE,
    w.BUST_TRADE: trade_rows.AMENDMENT,
    w.CORRECT_TRADE: trade_rows.AMENDMENT,
}


@dataclass(frozen=True)
class Who:
    """On whose behalf a command comes: a session, its member, an account."""

    session: int
    member: int
    account: int


ALPHA, ALPHA_2 = Who(1, 1, 1), Who(2, 1, 2)  # one member: two sessions, two accounts
BRAVO, CHARLIE = Who(3, 2, 3), Who(4, 3, 4)


def command(kind: int, **fields: object) -> dict:
    """A command with every field; ids are given as text or as three words."""
    made: dict = dict.fromkeys(PLAIN_FIELDS, 0)
    made.update(cl_ord_id=(0, 0, 0), orig_cl_ord_id=(0, 0, 0), row=None, blob=b"")
    for name in _IDS:
        if isinstance(fields.get(name), str):
            fields[name] = pack_cl_ord_id(fields[name].encode())
    assert set(fields) <= set(made), set(fields) - set(made)
    made.update(fields, kind=kind)
    return made


def _of(who: Who) -> dict:
    return {"session": who.session, "member": who.member}


def new(who: Who, name: str, side: int, qty: int, ticks: int, **fields: object) -> dict:
    """A new order, LIMIT and DAY in instrument 1 unless told otherwise."""
    usual = {
        "account": who.account,
        "instrument": 1,
        "ord_type": w.LIMIT,
        "time_in_force": w.DAY,
        "price": ticks * TICK,
    }
    every = usual | _of(who) | fields
    return command(w.NEW_ORDER, cl_ord_id=name, side=side, qty=qty, **every)


def buy(who: Who, name: str, qty: int, ticks: int, **fields: object) -> dict:
    """A new order that buys."""
    return new(who, name, w.BUY, qty, ticks, **fields)


def sell(who: Who, name: str, qty: int, ticks: int, **fields: object) -> dict:
    """A new order that sells."""
    return new(who, name, w.SELL, qty, ticks, **fields)


def cancel(who: Who, name: str, orig: str, **fields: object) -> dict:
    """A cancel of the order whose current id is `orig`."""
    every = {"instrument": 1} | _of(who) | fields
    return command(w.CANCEL, cl_ord_id=name, orig_cl_ord_id=orig, **every)


def stop(who: Who, name: str, side: int, qty: int, at: int, **fields: object) -> dict:
    """A stop order that waits for a trade at `at` ticks; with `ticks` a stop-limit order."""
    limit = fields.pop("ticks", None)
    kind = w.STOP if limit is None else w.STOP_LIMIT
    every = {"ord_type": kind, "stop_price": at * TICK} | fields
    return new(who, name, side, qty, int(str(limit or 0)), **every)


def replace(who: Who, name: str, orig: str, qty: int, ticks: int, **fields: object) -> dict:
    """A replace; `qty` is the new total."""
    every = {"instrument": 1, "price": ticks * TICK} | _of(who) | fields
    return command(w.REPLACE, cl_ord_id=name, orig_cl_ord_id=orig, qty=qty, **every)


def mass_cancel(who: Who, name: str, scope: int, **fields: object) -> dict:
    """A mass cancel."""
    return command(w.MASS_CANCEL, cl_ord_id=name, scope=scope, **(_of(who) | fields))


def session_lost(who: Who) -> dict:
    """The connection of a session broke."""
    return command(w.SESSION_LOST, **_of(who))


def kill(who: Who, session_id: int = 0, reason: int = 1) -> dict:
    """The kill switch for a member, or for one of its sessions."""
    return command(w.KILL, member=who.member, session=session_id, reason=reason)


def release(who: Who, session_id: int = 0, reason: int = 1) -> dict:
    """The end of a kill."""
    return command(w.RELEASE, member=who.member, session=session_id, reason=reason)


def set_implied(product_number: int, on: int, reason: int = 1) -> dict:
    """The switch of a product's implied prices."""
    return command(w.SET_IMPLIED, product=product_number, qty=on, reason=reason)


def roll_product(product: int, date: int) -> dict:
    """The product's next trading date begins."""
    return command(w.ROLL_PRODUCT, product=product, trading_date=date)


def roll_day(date: int) -> dict:
    """The next venue day begins."""
    return command(w.ROLL_DAY, trading_date=date)


def define(kind: int, **row: object) -> dict:
    """A command whose blob is a row; what is not given of the row is 0."""
    dtype = ROW_DTYPES[kind]
    made = {name: row.get(name, b"" if dtype[name].kind == "S" else 0) for name in dtype.names}
    assert set(row) <= set(made), set(row) - set(made)
    packed = np.zeros(1, dtype)
    for name, value in made.items():
        packed[0][name] = value
    return command(kind, row=made, blob=packed.tobytes())


def set_phase(phase: int, time_ns: int = 0, **row: object) -> dict:
    """SET_PHASE of instrument 1 unless told otherwise."""
    made = define(w.SET_PHASE, phase=phase, **({"instrument": 1} | row))
    return made | {"time_ns": time_ns}


def bust(trade_id: int, **sums: object) -> dict:
    """BUST_TRADE; sums: what its orders that are gone told last."""
    return define(w.BUST_TRADE, trade_id=trade_id, **sums)


def correct(trade_id: int, ticks: int, **sums: object) -> dict:
    """CORRECT_TRADE to another price."""
    return define(w.CORRECT_TRADE, trade_id=trade_id, price=ticks * TICK, **sums)


def block(
    who: Who,
    name: str,
    side: int,
    qty: int,
    ticks: int,
    other: Who,
    link: str = "L",
    **more: object,
) -> dict:
    """REPORT_BLOCK of instrument 1 with the other member, under a link id."""
    usual = {"account": who.account, "instrument": 1, "price": ticks * TICK}
    usual |= {"self_match_id": other.member, "orig_cl_ord_id": link}
    every = usual | _of(who) | more
    return command(w.REPORT_BLOCK, cl_ord_id=name, side=side, qty=qty, **every)


ALL_FEATURES = sum(t.ProductFeature) & ~int(
    t.ProductFeature.POSITION_EFFECT_REQUIRED
    | t.ProductFeature.AUCTION_HIDDEN
    | t.ProductFeature.AUCTION_MIN_SURPLUS
    | t.ProductFeature.LISTING_LIMIT_DOUBLE
    | t.ProductFeature.PRICE_BANDS
    | t.ProductFeature.PAUSES
    | t.ProductFeature.PAUSE_PRODUCT
    | t.ProductFeature.IMPLIED
    | t.ProductFeature.SETTLE_WINDOW
    | t.ProductFeature.LOCKED_DAYS
    | t.ProductFeature.CLOSING_FIRST
)


def product(number: int, **fields: object) -> dict:
    """A netting product with every feature, tick 0.01, limit 10 %."""
    usual = {
        "tick": TICK,
        "multiplier": 1_000,
        "qty_max": 1_000,
        "limit_bp": 1_000,
        "ladder_bp": 4_000,
        "band_ticks": 3,
        "display_min_bp": 1_000,
        "bust_seconds": 1_800,
        "block_qty_min": 8,
        "block_range_ticks": 5,
        "features": ALL_FEATURES,
        "price_rule": w.RESTING,
        "position_mode": w.NETTING,
        "currency": int(t.Currency.USD),
        "code": b"PRODUCT",
    }
    return define(w.DEFINE_PRODUCT, product=number, **(usual | fields))


def gross_product(number: int, **fields: object) -> dict:
    """A product of SITS's kind: gross positions, median price, no options."""
    usual = {
        "qty_max": 500,
        "features": int(t.ProductFeature.POSITION_EFFECT_REQUIRED),
        "price_rule": w.MEDIAN3,
        "position_mode": w.GROSS,
        "currency": int(t.Currency.CNY),
    }
    return product(number, **(usual | fields))


def instrument(number: int, product_number: int, ticks: int = 100, **fields: object) -> dict:
    """An instrument at a reference of `ticks`, on DAY_1."""
    usual = {
        "maturity": 202612,
        "first_trading_date": DAY_1,
        "last_trading_date": LAST_DAY,
        "trading_date": DAY_1,
        "symbol": b"INSTRUMENT",
    }
    every = usual | {"reference_price": ticks * TICK} | fields
    return define(w.DEFINE_INSTRUMENT, instrument=number, product=product_number, **every)


def spread(number: int, product_number: int, *legs: int, ticks: int = 0, **fields: object) -> dict:
    """A spread of two instruments, one lot of each unless told otherwise."""
    usual = {"leg_1": legs[0], "leg_2": legs[1], "lots_1": 1, "lots_2": 1, "symbol": b"SPREAD"}
    return instrument(number, product_number, ticks, **(usual | fields))


def member(number: int, **fields: object) -> dict:
    """A member that may trade every product."""
    usual = {"requests_max": 1_000, "orders_max": 1_000, "products": 2**63 - 1, "name": b"MEMBER"}
    return define(w.DEFINE_MEMBER, member=number, **(usual | fields))


def account(number: int, member_number: int, **fields: object) -> dict:
    """An account without narrow limits."""
    limits = (
        "open_orders_max",
        "position_long_max",
        "position_short_max",
        "order_notional_max",
        "open_notional_max",
        "orders_per_second_max",
    )
    usual = dict.fromkeys(limits, PLENTY) | {"name": b"ACCOUNT"}
    return define(w.DEFINE_ACCOUNT, account=number, member=member_number, **(usual | fields))


def session(number: int, member_number: int) -> dict:
    """A session of a member."""
    row = {"cancel_on_disconnect": 1, "name": b"MEMBER"}
    return define(w.DEFINE_SESSION, session=number, member=member_number, **row)


def usual_venue() -> list[dict]:
    """Products 1 (netting, all features) and 2 (gross, median); instruments 1, 2 of 1 and 3 of 2;
    members 1 to 3 behind ALPHA, ALPHA_2, BRAVO, CHARLIE."""
    return [
        product(1),
        gross_product(2),
        instrument(1, 1),
        instrument(2, 1, last_trading_date=DAY_2),
        instrument(3, 2),
        *(member(number) for number in (1, 2, 3)),
        *(account(who.account, who.member) for who in (ALPHA, ALPHA_2, BRAVO, CHARLIE)),
        *(session(who.session, who.member) for who in (ALPHA, ALPHA_2, BRAVO, CHARLIE)),
    ]


def number(commands: list[dict], first: int = 1) -> list[dict]:
    """Sets what was left at 0: times a millisecond apart, message numbers by position."""
    made, time_ns = [], START_NS
    for position, one in enumerate(commands, first):
        time_ns = one["time_ns"] or max(time_ns, START_NS + position * 1_000_000)
        seq = one["msg_seq_num"] or position
        made.append(one | {"time_ns": time_ns, "msg_seq_num": seq})
    return made


def pack(commands: list[dict]) -> tuple[np.ndarray, np.ndarray]:
    """COMMAND rows and the uint8 blobs of one batch."""
    rows = np.zeros(len(commands), t.COMMAND)
    blobs = b""
    for row, one in zip(rows, commands, strict=True):
        for name in PLAIN_FIELDS:
            row[name] = one[name]
        for name in _IDS:
            for word in range(3):
                row[f"{name}_{word}"] = one[name][word]
        row["blob_offset"], row["blob_length"] = len(blobs), len(one["blob"])
        blobs += one["blob"]
    return rows, np.frombuffer(blobs, np.uint8).copy()


def unpack_events(rows: np.ndarray) -> list[dict]:
    """EVENT rows as dicts of Python integers."""
    return [dict(zip(t.EVENT.names, row, strict=True)) for row in rows.tolist()]


def quote(
    who: Who, name: str, bid: tuple[int, int], ask: tuple[int, int], **fields: object
) -> dict:
    """A mass quote of one instrument: (lots, ticks) of both sides; 0 lots: no such side."""
    usual = {"account": who.account, "instrument": 1, "scope": w.FIRST_QUOTE, "order_id": 1}
    usual |= {"qty": bid[0], "price": bid[1] * TICK, "display_qty": ask[0]}
    every = usual | {"stop_price": ask[1] * TICK, "quote_set": 1} | _of(who) | fields
    return command(w.MASS_QUOTE, cl_ord_id=name, **every)


def more_quote(who: Who, bid: tuple[int, int], ask: tuple[int, int], **fields: object) -> dict:
    """A further instrument of the mass quote before."""
    return quote(who, "", bid, ask, **({"scope": 0} | fields))


def quote_request(who: Who, **fields: object) -> dict:
    """A request for quotes of instrument 1 unless told otherwise."""
    return command(w.QUOTE_REQUEST, **({"instrument": 1} | _of(who) | fields))


def quote_cancel(who: Who, name: str, scope: int, **fields: object) -> dict:
    """A quote cancel."""
    return command(w.QUOTE_CANCEL, cl_ord_id=name, scope=scope, **(_of(who) | fields))
