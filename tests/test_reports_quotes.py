"""Answers to quote messages and reports of quotes. Source: O-57, O-58."""

from __future__ import annotations

import numpy as np
import pytest

from engine.types import COMMAND, CommandKind, EventFlag, EventKind, QuotePart
from gateway.dialect import DICTIONARY
from gateway.tables import Tables
from gateway.types import STORE_ROW
from specs.rejects import Reject
from tests.codec_bench import MEMBER, NOW_NS, SESSION, make_tables
from tests.test_reports import (
    EVENT_TEXT,
    FIRST,
    body,
    check_message,
    event,
    put_ids,
    request_rows,
)

QUOTE_8, CANCEL_9 = 8, 9


def quote_requests() -> np.ndarray:
    """The usual rows and 8: a MassQuote, 9: a QuoteCancel of a product."""
    rows = np.zeros(10, request_rows().dtype)
    rows[:8] = request_rows()
    put_ids(rows[QUOTE_8], b"Q-8", b"")
    put_ids(rows[CANCEL_9], b"QC-9", b"")
    rows["kind"][[QUOTE_8, CANCEL_9]] = [CommandKind.MASS_QUOTE, CommandKind.QUOTE_CANCEL]
    rows["scope"][CANCEL_9] = ord("3")
    rows["price"][QUOTE_8], rows["display_qty"][QUOTE_8] = 7, 5
    return rows


def answer(kind: EventKind, **fields: int) -> np.ndarray:
    """An answer to request 8, as the engine fills it."""
    nothing = ("account", "instrument", "product", "side", "ord_type", "time_in_force", "order_id")
    nothing += ("ord_status", "order_qty", "leaves_qty", "price", "order_request")
    return event(kind, **(dict.fromkeys(nothing, 0) | {"request": QUOTE_8} | fields))


def encode(tables: Tables, row: np.ndarray, commands: np.ndarray | None = None) -> bytes:
    """The one message of an event."""
    out, store = np.zeros(2_000, np.uint8), np.zeros(1, STORE_ROW)
    batch = np.zeros(0, COMMAND) if commands is None else commands
    consumed, spans = tables.encode(row, 1001, batch, quote_requests(), out, store, NOW_NS)
    assert consumed == 1
    return out[: int(spans[0]["out_end"])].tobytes() if len(spans) else b""


CASES = {
    "taken": (answer(EventKind.QUOTES_TAKEN), "117=Q-8|297=0|"),
    "one refused": (
        answer(
            EventKind.QUOTE_REJECTED, order_id=71, qty=3, instrument=5, account=4,
            reason=Reject.QUOTE_CROSSED,
        ),
        "117=Q-8|297=5|1=ALPHA-1|58=bid of the quote at or above its ask|"
        "296=1|302=3|295=1|299=71|55=SITB2612|368=7|",
    ),
    "one refused for its symbol": (
        answer(EventKind.QUOTE_REJECTED, qty=3, reason=Reject.UNKNOWN_INSTRUMENT),
        "117=Q-8|297=5|58=unknown symbol|296=1|302=3|295=1|299=0|55=[N/A]|368=1|",
    ),
    "product cancelled": (
        answer(EventKind.QUOTES_CANCELLED, request=CANCEL_9, qty=4, product=6),
        "117=QC-9|297=3|",
    ),
    "cancel refused": (
        answer(EventKind.QUOTE_REJECTED, request=CANCEL_9, reason=Reject.PHASE_TAKES_NO_CANCELS),
        "117=QC-9|297=5|300=99|58=instrument's phase takes no cancels or replaces|",
    ),
}  # fmt: skip
FILL = event(
    EventKind.FILL, request=0, order_request=QUOTE_8, qty=4, price=12_300_000_000, leaves_qty=6,
    cum_qty=4, cum_value=49_200_000_000, trade_id=5, flags=EventFlag.UNSOLICITED,
    ord_status=ord("1"),
)  # fmt: skip
LOST = event(
    EventKind.CANCELLED, request=0, order_request=QUOTE_8, qty=10, leaves_qty=0, reason=1007,
    ord_status=ord("4"), flags=EventFlag.UNSOLICITED,
)  # fmt: skip
ASKED = answer(
    EventKind.QUOTE_ASKED, request=0, instrument=5, account=4, side=ord("1"), qty=7,
    flags=EventFlag.UNSOLICITED,
)  # fmt: skip
EXECUTIONS = {
    "a fill says no limit": (
        FILL,
        f"37={FIRST}|17=1001|150=F|39=1|11=Q-8|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|59=0|"
        f"32=4|31=12.3|527=5|851=1|151=6|14=4|6=12.3|60={EVENT_TEXT}|",
    ),
    "taken off by the venue": (
        LOST,
        f"37={FIRST}|17=1001|150=4|39=4|11=Q-8|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|44=12.345|"
        f"59=0|151=0|14=0|6=0|60={EVENT_TEXT}|58=session lost|",
    ),
}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


@pytest.mark.parametrize("name", CASES)
def test_acknowledgement(tables: Tables, name: str) -> None:
    row, expected = CASES[name]
    message = encode(tables, row)
    assert body(message) == expected
    check_message(make_tables(is_venue=False), message, "b")


@pytest.mark.parametrize("name", EXECUTIONS)
def test_reports_of_a_quote(tables: Tables, name: str) -> None:
    row, expected = EXECUTIONS[name]
    assert body(encode(tables, row)) == expected


def test_a_maker_is_asked(tables: Tables) -> None:
    message = encode(tables, ASKED)
    assert body(message) == "131=1001|146=1|55=SITB2612|54=1|38=7|"
    check_message(make_tables(is_venue=False), message, "R")
    any_side = answer(EventKind.QUOTE_ASKED, request=0, instrument=5)
    assert body(encode(tables, any_side)) == "131=1001|146=1|55=SITB2612|"


def test_a_refused_request_is_answered_from_itself(tables: Tables) -> None:
    commands = np.zeros(1, COMMAND)
    commands["session"], commands["msg_seq_num"] = SESSION, 9
    commands["kind"] = CommandKind.QUOTE_REQUEST
    put_ids(commands[0], b"R-1", b"")
    row = answer(EventKind.QUOTE_REJECTED, request=0, reason=Reject.UNKNOWN_INSTRUMENT)
    assert body(encode(tables, row, commands)) == "131=R-1|297=5|300=1|58=unknown symbol|"


def test_nothing_is_said_of_what_a_quote_message_does_to_orders(tables: Tables) -> None:
    quiet = {"session": 0, "request": 0, "order_request": QUOTE_8, "flags": EventFlag.QUOTE}
    for kind in (EventKind.ACCEPTED, EventKind.REPLACED, EventKind.CANCELLED):
        assert encode(tables, event(kind, **quiet)) == b""


def test_a_refused_message_is_answered_from_itself(tables: Tables) -> None:
    """No request row: the id comes from the first of its commands, the answer is kept."""
    commands = np.zeros(3, COMMAND)
    commands["session"], commands["member"], commands["msg_seq_num"] = SESSION, MEMBER, [8, 9, 9]
    commands["kind"] = CommandKind.MASS_QUOTE
    commands["scope"][1] = QuotePart.FIRST
    put_ids(commands[1], b"Q-AGAIN", b"")
    row = answer(EventKind.QUOTE_REJECTED, request=0, reason=Reject.DUPLICATE_CL_ORD_ID)
    expected = "117=Q-AGAIN|297=5|300=6|58=ClOrdID already used this venue day|"
    assert body(encode(tables, row, commands)) == expected


def test_quickfix_takes_every_answer(tables: Tables) -> None:
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    dictionary = quickfix.DataDictionary(str(DICTIONARY))
    for row, _ in (*CASES.values(), *EXECUTIONS.values(), (ASKED, "")):
        parsed = quickfix.Message(encode(tables, row).decode(), dictionary, True)
        dictionary.validate(parsed)
