"""What the dialect's checks cost a message: codec.validation, in nanoseconds, within one decode.

Three loops over the same 4,096 orders as codec.decode, in turn: framing and splitting into fields;
the same with the checks of the data dictionary; the whole decode into command rows. The checks are
the second less the first; decoding alone is the third less the checks.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import kernel
from engine.types import COMMAND
from gateway.arena import open_views
from gateway.check import VALID, check_fields
from gateway.codec import frame, tokenise
from gateway.orders import MESSAGE_OF_TYPE, decode_orders
from gateway.types import READ_SLACK_BYTES
from perf.codec import BATCH, NOW_NS, ROUNDS, best_ns, one_order, small_tables
from perf.rows import Row


@kernel
def split(arena, buf, end, checks):
    """Frames and tokenises the messages of buf[:end]; checks 1: and checks them. Their number."""
    views = open_views(arena)
    at = 0
    count = 0
    while at < end:
        _, size, body = frame(buf, at, end)
        fields = tokenise(views, buf, at, at + size)
        if fields < 0:
            break
        if checks == 1:
            message = np.int64(views.bytes[MESSAGE_OF_TYPE + np.int64(buf[body + 3])])
            reason, _, _, _ = check_fields(views, buf, fields, message)
            if reason != VALID:
                break
        at += size
        count += 1
    return count


def validation(scale: float) -> list[Row]:
    """codec.validation: the checks against decoding alone."""
    tables = small_tables()
    rounds = max(3, int(ROUNDS * scale))
    data = b"".join(one_order(seq) for seq in range(1, BATCH + 1))
    buf = np.zeros(len(data) + READ_SLACK_BYTES, np.uint8)
    buf[: len(data)] = np.frombuffer(data, np.uint8)
    commands = np.zeros(BATCH, COMMAND)

    def halves(checks: int) -> None:
        assert split(tables.arena, buf, len(data), checks) == BATCH

    def whole() -> None:
        tables.sessions[1]["expected_in"] = 1
        _, written, _ = decode_orders(tables.arena, buf, 0, len(data), 1, commands, 0, NOW_NS)
        assert written == BATCH

    plain = best_ns(lambda: halves(0), rounds) / BATCH
    checked = best_ns(lambda: halves(1), rounds) / BATCH
    decoded = best_ns(whole, rounds) / BATCH
    checks = checked - plain
    alone = decoded - checks
    method = (
        f"checks of the dictionary a NewOrderSingle of {len(data) / BATCH:.0f} bytes against "
        f"decoding without them ({plain:.0f} ns framing and fields, {decoded:.0f} ns in all)"
    )
    return [Row("codec.validation", checks, "ns/order", alone, checks / alone, method)]
