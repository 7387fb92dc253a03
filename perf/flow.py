"""Order flow for the engine benchmarks: adds, cancels of living orders, aggressive limit orders.

A small book model runs beside the generator, so that every cancel names an order that lives and
every aggressive order trades in full. Bids lie in the lower half of a band of 40 ticks, asks in the
upper half. Ids are 20 bytes. Making the flow is not timed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from engine.kernel import kernel
from engine.reference import ACCOUNT, INSTRUMENT, MEMBER, PRODUCT, SESSION
from engine.types import (
    COMMAND,
    CommandKind,
    Currency,
    OrdType,
    PositionMode,
    PriceRule,
    ProductFeature,
    Side,
    TimeInForce,
)

BAND_TICKS = 40
TICK = 1_000_000  # 0.001
REFERENCE_TICKS = 2_000
QTY_MAX = 10
MAKERS = 3  # members 1 to 3 add and cancel, member 4 takes
START_NS = 1_800_000_000_000_000_000
COMMAND_NS = 100  # venue time between commands
ORDER_FEATURES = (
    ProductFeature.MARKET,
    ProductFeature.GTC_GTD,
    ProductFeature.MIN_QTY,
    ProductFeature.POST_ONLY,
    ProductFeature.ICEBERG,
    ProductFeature.REPLACE_KEEPS_PLACE,
    ProductFeature.STOP,
)
PLENTY = 1 << 61
_TRADING_DATE, _LAST_DATE = 20261120, 20271217
_HALF = BAND_TICKS // 2
_ADDS, _CANCELS = 0.55, 0.38

MODEL_ORDER = np.dtype(
    [
        ("number", "<i8"),
        ("qty", "<i4"),
        ("next", "<i4"),
        ("prev", "<i4"),
        ("level", "<i4"),
        ("live_at", "<i4"),
        ("member", "<i4"),
    ]
)
MODEL_LEVEL = np.dtype([("head", "<i4"), ("tail", "<i4")])


class Model(NamedTuple):
    """The generator's own book; counts: [number of the last id, live orders, rows used, free]."""

    orders: np.ndarray
    levels: np.ndarray
    live: np.ndarray
    counts: np.ndarray


class Flow:
    """A flow over `instruments` instruments that holds about `live` orders alive."""

    def __init__(self, instruments: int, live: int, seed: int = 1) -> None:
        room = live + live // 2 + 1_000
        self.instruments = instruments
        self.live_target = live
        self.model = Model(
            np.zeros(room, MODEL_ORDER),
            np.zeros((instruments + 1) * BAND_TICKS, MODEL_LEVEL),
            np.zeros(room, np.int64),
            np.zeros(4, np.int64),
        )
        _seed(seed)

    def definitions(self, requests_max: int) -> tuple[np.ndarray, np.ndarray]:
        """COMMAND rows and blobs that define product, instruments, members, accounts, sessions."""
        return _definitions(self.instruments, requests_max)

    def fill(self, count: int) -> np.ndarray:
        """COMMAND rows that only add."""
        commands = np.zeros(count, COMMAND)
        _generate(commands, self.model, self.instruments, self.live_target, True)
        return commands

    def next(self, commands: np.ndarray) -> None:
        """The next commands of the flow, into COMMAND[n] zeroed before."""
        _generate(commands, self.model, self.instruments, self.live_target, False)


@kernel
def _seed(seed):
    np.random.seed(seed)


@kernel
def _id_word(number, first, count):
    """Bytes first to first + count of the 20-digit id of a number, little endian."""
    digits = number // 10 ** (20 - first - count)
    word = np.uint64(0)
    for _ in range(count):
        word = (word << np.uint64(8)) | np.uint64(48 + digits % 10)
        digits //= 10
    return word


@kernel
def _write_id(command, number, orig):
    """The ids of a command: its own, and the one it names (0: none)."""
    command["cl_ord_id_0"] = _id_word(number // 10**12, 12, 8)
    command["cl_ord_id_1"] = _id_word(number // 10**4, 12, 8)
    command["cl_ord_id_2"] = _id_word(number, 16, 4)
    if orig != 0:
        command["orig_cl_ord_id_0"] = _id_word(orig // 10**12, 12, 8)
        command["orig_cl_ord_id_1"] = _id_word(orig // 10**4, 12, 8)
        command["orig_cl_ord_id_2"] = _id_word(orig, 16, 4)


@kernel
def _generate(commands, model, instruments, live_target, only_adds):
    """Fill command rows from the model."""
    for i in range(commands.shape[0]):
        command = commands[i]
        model.counts[0] += 1
        number = model.counts[0]
        command["time_ns"] = START_NS + number * COMMAND_NS
        command["transact_time_ns"] = command["time_ns"]
        command["msg_seq_num"] = number & 0xFFFFFFFF
        draw = np.random.random()
        if only_adds or draw < _ADDS or model.counts[1] < live_target // 2:
            _add(command, model, instruments, number)
        elif draw < _ADDS + _CANCELS:
            _cancel(command, model, number)
        else:
            _take(command, model, instruments, number, live_target)


@kernel
def _order_fields(command, instrument, member, level, qty):
    """Fields of a new limit order; level: 0 to BAND_TICKS - 1, lower half bids."""
    command["kind"] = CommandKind.NEW_ORDER
    command["ord_type"] = OrdType.LIMIT
    command["time_in_force"] = TimeInForce.DAY
    command["instrument"] = instrument
    command["member"] = member
    command["session"] = member
    command["account"] = member
    command["qty"] = qty
    command["price"] = (REFERENCE_TICKS - _HALF + level) * TICK


@kernel
def _add(command, model, instruments, number):
    """A passive order."""
    instrument = np.random.randint(1, instruments + 1)
    member = np.random.randint(1, MAKERS + 1)
    level = np.random.randint(0, BAND_TICKS)
    qty = np.random.randint(1, QTY_MAX + 1)
    _order_fields(command, instrument, member, level, qty)
    command["side"] = Side.BUY if level < _HALF else Side.SELL
    _write_id(command, number, 0)
    counts = model.counts
    index = counts[3]
    if index != 0:
        counts[3] = model.orders[index]["next"]
    else:
        counts[2] += 1
        index = counts[2]
    order = model.orders[index]
    order["number"] = number
    order["qty"] = qty
    order["level"] = instrument * BAND_TICKS + level
    order["member"] = member
    order["live_at"] = counts[1]
    model.live[counts[1]] = index
    counts[1] += 1
    queue = model.levels[order["level"]]
    order["prev"] = queue["tail"]
    order["next"] = 0
    if queue["tail"] != 0:
        model.orders[queue["tail"]]["next"] = index
    else:
        queue["head"] = index
    queue["tail"] = index


@kernel
def _remove(model, index):
    """Take an order out of the model."""
    order = model.orders[index]
    queue = model.levels[order["level"]]
    if order["prev"] != 0:
        model.orders[order["prev"]]["next"] = order["next"]
    else:
        queue["head"] = order["next"]
    if order["next"] != 0:
        model.orders[order["next"]]["prev"] = order["prev"]
    else:
        queue["tail"] = order["prev"]
    model.counts[1] -= 1
    last = model.live[model.counts[1]]
    model.live[order["live_at"]] = last
    model.orders[last]["live_at"] = order["live_at"]
    order["next"] = model.counts[3]
    model.counts[3] = index


@kernel
def _cancel(command, model, number):
    """A cancel of a random living order."""
    index = model.live[np.random.randint(0, model.counts[1])]
    order = model.orders[index]
    command["kind"] = CommandKind.CANCEL
    command["instrument"] = order["level"] // BAND_TICKS
    command["member"] = order["member"]
    command["session"] = order["member"]
    command["side"] = Side.BUY if order["level"] % BAND_TICKS < _HALF else Side.SELL
    _write_id(command, number, order["number"])
    _remove(model, index)


@kernel
def _take(command, model, instruments, number, live_target):
    """An order that trades in full at once, or an add where there is nothing to take."""
    instrument = np.random.randint(1, instruments + 1)
    buys = np.random.randint(0, 2) == 1
    most = 32 if model.counts[1] > live_target else 20
    wanted = np.random.randint(1, most + 1)
    taken = 0
    step = 1 if buys else -1
    level = _HALF if buys else _HALF - 1
    while taken < wanted and 0 <= level < BAND_TICKS:
        index = model.levels[instrument * BAND_TICKS + level]["head"]
        while index != 0 and taken < wanted:
            order = model.orders[index]
            following = order["next"]
            part = min(wanted - taken, order["qty"])
            taken += part
            order["qty"] -= part
            if order["qty"] == 0:
                _remove(model, index)
            index = following
        level += step
    if taken == 0:
        _add(command, model, instruments, number)
        return
    _order_fields(command, instrument, MAKERS + 1, BAND_TICKS - 1 if buys else 0, taken)
    command["side"] = Side.BUY if buys else Side.SELL
    _write_id(command, number, 0)


def _definitions(instruments: int, requests_max: int) -> tuple[np.ndarray, np.ndarray]:
    rows: list[tuple[CommandKind, np.ndarray]] = []
    product = np.zeros(1, PRODUCT)
    product["product"], product["tick"], product["multiplier"] = 1, TICK, 1_000
    product["qty_max"], product["limit_bp"], product["ladder_bp"] = 5_000, 1_000, 2_000
    product["band_ticks"], product["display_min_bp"] = 20, 1_000
    product["features"] = sum(ORDER_FEATURES)
    product["price_rule"], product["position_mode"] = PriceRule.RESTING, PositionMode.NETTING
    product["currency"] = Currency.USD
    rows.append((CommandKind.DEFINE_PRODUCT, product))
    for number in range(1, instruments + 1):
        instrument = np.zeros(1, INSTRUMENT)
        instrument["instrument"], instrument["product"] = number, 1
        instrument["reference_price"] = REFERENCE_TICKS * TICK
        instrument["trading_date"] = instrument["first_trading_date"] = _TRADING_DATE
        instrument["last_trading_date"] = _LAST_DATE
        rows.append((CommandKind.DEFINE_INSTRUMENT, instrument))
    for number in range(1, MAKERS + 2):
        member, account = np.zeros(1, MEMBER), np.zeros(1, ACCOUNT)
        member["member"], member["requests_max"] = number, requests_max
        member["orders_max"], member["products"] = requests_max, 2
        account["account"] = account["member"] = number
        for name in ACCOUNT.names or ():
            if name.endswith("_max"):
                account[name] = PLENTY
        session = np.zeros(1, SESSION)
        session["session"] = session["member"] = number
        rows += [
            (CommandKind.DEFINE_MEMBER, member),
            (CommandKind.DEFINE_ACCOUNT, account),
            (CommandKind.DEFINE_SESSION, session),
        ]
    commands = np.zeros(len(rows), COMMAND)
    offset = 0
    for command, (kind, row) in zip(commands, rows, strict=True):
        command["kind"], command["time_ns"] = kind, START_NS
        command["blob_offset"], command["blob_length"] = offset, row.nbytes
        offset += row.nbytes
    return commands, np.frombuffer(b"".join(row.tobytes() for _, row in rows), np.uint8)
