"""Reports of busted and corrected trades. Source: O-65."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.types import EventFlag, EventKind
from gateway.dialect import DICTIONARY
from gateway.tables import Tables
from tests.codec_bench import make_tables
from tests.test_reports import EVENT_TEXT, FIRST, STANDARD, body, check_message, encode, event

TOLD = {
    "request": 0, "trade_id": FIRST, "public_id": 998, "qty": 3, "flags": EventFlag.UNSOLICITED,
}  # fmt: skip
CASES = {
    "bust of an order that works": (
        event(
            EventKind.TRADE_BUSTED, price=12_340_000_000, display_qty=12_340_000_000,
            order_qty=7, leaves_qty=5, cum_qty=2, cum_value=24_690_000_000, ord_status=ord("1"),
            **TOLD,
        ),
        f"37={FIRST}|17=1001|150=H|39=1|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=7|40=2|44=12.345|"
        f"59=0|32=3|31=12.34|527={FIRST}|19=998|151=5|14=2|6=12.345|60={EVENT_TEXT}|",
    ),
    "bust of all a gone order had": (
        event(
            EventKind.TRADE_BUSTED, price=-1, display_qty=-1, leaves_qty=0, ord_status=ord("4"),
            **TOLD,
        ),
        f"37={FIRST}|17=1001|150=H|39=4|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|44=12.345|"
        f"59=0|32=3|31=-0.000000001|527={FIRST}|19=998|151=0|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "correction": (
        event(
            EventKind.TRADE_CORRECTED, price=12_350_000_000, display_qty=12_340_000_000,
            order_qty=3, leaves_qty=0, cum_qty=3, cum_value=37_050_000_000, ord_status=ord("2"),
            **TOLD,
        ),
        f"37={FIRST}|17=1001|150=G|39=2|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=3|40=2|44=12.345|"
        f"59=0|32=3|31=12.35|527={FIRST}|19=998|151=0|14=3|6=12.35|60={EVENT_TEXT}|",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


@pytest.mark.parametrize("name", CASES)
def test_execution_report(tables: Tables, name: str) -> None:
    row, expected = CASES[name]
    messages, _, _ = encode(tables, row)
    assert body(messages[0]) == expected
    check_message(make_tables(is_venue=False), messages[0], "8")


def test_a_refused_bust_is_told_to_no_session(tables: Tables) -> None:
    messages, _, _ = encode(tables, event(EventKind.TRADE_KEPT))
    assert not messages


@pytest.mark.parametrize("dictionary", [DICTIONARY, STANDARD])
def test_quickfix_takes_every_report(tables: Tables, dictionary: Path) -> None:
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    loaded = quickfix.DataDictionary(str(dictionary))
    for message in encode(tables, *(case[0] for case in CASES.values()))[0]:
        loaded.validate(quickfix.Message(message.decode(), loaded, True))
