"""Reports of stop orders: waiting, triggered, filled. Source: O-19."""

from __future__ import annotations

import pytest

from engine.types import EventFlag, EventKind
from gateway.dialect import DICTIONARY
from gateway.tables import Tables
from tests.codec_bench import make_tables
from tests.test_reports import EVENT_TEXT, FIRST, body, check_message, encode, event

CASES = {
    "stop accepted": (
        event(
            EventKind.ACCEPTED, request=6, order_request=6, ord_type=ord("3"), price=12_300_000_000
        ),
        f"37={FIRST}|17=1001|150=0|39=0|11=STOP-6|1=ALPHA-1|55=SITB2612|54=1|38=10|40=3|"
        f"99=12.3|59=0|151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "stop-limit accepted": (
        event(
            EventKind.ACCEPTED, request=7, order_request=7, ord_type=ord("4"), price=12_250_000_000
        ),
        f"37={FIRST}|17=1001|150=0|39=0|11=STOP-7|1=ALPHA-1|55=SITB2612|54=1|38=10|40=4|"
        f"44=12.25|99=12.2|59=0|151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "stop triggered": (
        event(EventKind.TRIGGERED, request=0, order_request=6, ord_type=ord("1"), price=0),
        f"37={FIRST}|17=1001|150=L|39=0|11=STOP-6|1=ALPHA-1|55=SITB2612|54=1|38=10|40=1|"
        f"99=12.3|59=0|151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "stop-limit triggered": (
        event(EventKind.TRIGGERED, request=0, order_request=7, price=12_250_000_000),
        f"37={FIRST}|17=1001|150=L|39=0|11=STOP-7|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        f"44=12.25|99=12.2|59=0|151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "fill of a triggered stop": (
        event(
            EventKind.FILL, request=0, order_request=7, qty=10, price=12_240_000_000,
            leaves_qty=0, cum_qty=10, cum_value=122_400_000_000, trade_id=5,
            flags=EventFlag.AGGRESSOR | EventFlag.UNSOLICITED, ord_status=ord("2"),
        ),
        f"37={FIRST}|17=1001|150=F|39=2|11=STOP-7|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        f"44=12.25|99=12.2|59=0|32=10|31=12.24|527=5|851=2|151=0|14=10|6=12.24|60={EVENT_TEXT}|",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


@pytest.fixture(scope="module")
def member() -> Tables:
    return make_tables(is_venue=False)


@pytest.mark.parametrize("name", CASES)
def test_execution_report(tables: Tables, member: Tables, name: str) -> None:
    row, expected = CASES[name]
    messages, _, _ = encode(tables, row)
    assert body(messages[0]) == expected
    check_message(member, messages[0], "8")


def test_quickfix_takes_every_report(tables: Tables) -> None:
    """With the dialect: ExecType L is not among the standard's values of FIX 4.4."""
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    dictionary = quickfix.DataDictionary(str(DICTIONARY))
    for message in encode(tables, *(case[0] for case in CASES.values()))[0]:
        parsed = quickfix.Message(message.decode(), dictionary, True)
        dictionary.validate(parsed)
