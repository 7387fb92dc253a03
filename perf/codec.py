"""What a FIX message costs in the codec alone: decoding orders, encoding reports.

Method: one call for a run of 4,096 messages (and one for a single message), best of many rounds by
CPU time, messages of equal layout and differing ids, prices and quantities; nothing is written to
a socket, no engine behind. Orders of about 180 bytes, reports of about 225.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from engine.cl_ord_id import pack_cl_ord_id
from engine.types import COMMAND, EVENT, REQUEST, CommandKind, EventKind
from gateway.arena import Bounds
from gateway.message import Field, Header, encode_message
from gateway.orders import decode_orders
from gateway.reports import encode_reports
from gateway.tables import Tables
from gateway.types import READ_SLACK_BYTES, REPORT_BYTES_MAX, STORE_ROW
from gateway.values import format_price, format_timestamp
from perf.rows import Row

BATCH = 4096
ROUNDS = 200
NOW_NS = 1_795_172_809_123_000_000


def decode(scale: float) -> list[Row]:
    """ns a NewOrderSingle, decoded and validated into its command row."""
    tables = small_tables()
    rounds = max(3, int(ROUNDS * scale))
    rows = []
    for count in (BATCH, 1):
        data = b"".join(one_order(seq) for seq in range(1, count + 1))
        buf = np.zeros(len(data) + READ_SLACK_BYTES, np.uint8)
        buf[: len(data)] = np.frombuffer(data, np.uint8)
        commands = np.zeros(count, COMMAND)

        def run(buf: np.ndarray = buf, end: int = len(data), rows: np.ndarray = commands) -> None:
            tables.sessions[1]["expected_in"] = 1
            _, written, _ = decode_orders(tables.arena, buf, 0, end, 1, rows, 0, NOW_NS)
            assert written == len(rows)

        value = best_ns(run, rounds if count > 1 else 50 * rounds) / count
        method = f"runs of {count}, {len(data) / count:.0f} bytes each, all checks"
        rows.append(Row(f"codec.decode_{count}", value, "ns/order", method=method))
    return rows


def encode(scale: float) -> list[Row]:
    """ns an ExecutionReport of a fill, written from its event with header and sums."""
    tables = small_tables()
    rounds = max(3, int(ROUNDS * scale))
    requests = _requests()
    rows = []
    for count in (BATCH, 1):
        events = _events(count)
        out = np.zeros(REPORT_BYTES_MAX * count, np.uint8)
        store = np.zeros(count, STORE_ROW)
        none = np.zeros(0, COMMAND)

        def run(
            events: np.ndarray = events,
            out: np.ndarray = out,
            store: np.ndarray = store,
            none: np.ndarray = none,
        ) -> None:
            tables.sessions[1]["next_out"] = 100_000
            taken, spans = encode_reports(
                tables.arena, events, 1_000_000, none, requests, out, store, NOW_NS
            )
            assert taken == len(events) and spans == 1

        value = best_ns(run, rounds if count > 1 else 50 * rounds) / count
        size = int(tables.spans[0]["out_end"]) / count
        method = f"runs of {count}, {size:.0f} bytes each, store rows too"
        rows.append(Row(f"codec.encode_{count}", value, "ns/report", method=method))
    return rows


def best_ns(run: Callable[[], None], rounds: int) -> float:
    """The shortest of so many runs, after one that does not count."""
    run()
    best = float("inf")
    for _ in range(rounds):
        start = time.perf_counter_ns()
        run()
        best = min(best, time.perf_counter_ns() - start)
    return best


def small_tables() -> Tables:
    """Tables of one session, one instrument and one account."""
    tables = Tables(Bounds(64, 64, 16, 16))
    tables.define_session(1, 1, b"ALPHA", b"SITEX", default_account=1)
    tables.define_instrument(5, b"SITB2612", 2)
    tables.define_account(1, b"ALPHA-1", 1)
    tables.sessions[1]["active"] = 1
    return tables


def one_order(seq: int) -> bytes:
    """A NewOrderSingle with the fields that members usually send."""
    time_text = format_timestamp(NOW_NS)
    fields: list[Field] = [
        (11, b"ORD-%012d" % seq), (1, "ALPHA-1"), (55, "SITB2612"), (54, 1 + seq % 2),
        (60, time_text), (38, 1 + seq % 50), (40, 2), (44, format_price(12 * 10**9 + seq * 10**6)),
        (59, 0), (77, "O"), (21, 1),
    ]  # fmt: skip
    return encode_message("D", fields, Header(b"ALPHA", b"SITEX"), seq, NOW_NS)


def _requests() -> np.ndarray:
    rows = np.zeros(BATCH + 1, REQUEST)
    for index in range(1, BATCH + 1):
        for word, value in enumerate(pack_cl_ord_id(b"ORD-%012d" % index)):
            rows[index][f"cl_ord_id_{word}"] = value
    rows["kind"] = CommandKind.NEW_ORDER
    rows["price"] = 12_345_000_000
    return rows


def _events(count: int) -> np.ndarray:
    events = np.zeros(count, EVENT)
    numbers = np.arange(1, count + 1)
    values = {
        "kind": EventKind.FILL, "session": 1, "member": 1, "account": 1, "instrument": 5,
        "product": 2, "side": ord("1"), "ord_type": ord("2"), "time_in_force": ord("0"),
        "ord_status": ord("1"), "order_qty": 50, "price": 12_344_000_000, "qty": 3,
        "cum_qty": 3, "leaves_qty": 47, "cum_value": 37_032_000_000,
    }  # fmt: skip
    for name, value in values.items():
        events[name] = value
    events["time_ns"] = NOW_NS + numbers * 1_000
    events["order_id"] = 1_000_000 + numbers
    events["trade_id"] = 2_000_000 + numbers
    events["request"] = events["order_request"] = numbers
    return events
