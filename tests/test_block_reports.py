"""Block trades over FIX: what a report must say, and what answers it. Source: O-66, O-67."""

from __future__ import annotations

import numpy as np
import pytest

from engine.cl_ord_id import pack_cl_ord_id
from engine.types import COMMAND, CommandKind, EventFlag, EventKind
from gateway.blocks import check_block, fill_block
from gateway.dialect import DICTIONARY
from gateway.message import Message
from gateway.tables import Tables
from specs.rejects import Reject
from tests.codec_bench import ACCOUNT, INSTRUMENT, MEMBER, NOW_NS, SESSION, header, make_tables, raw
from tests.test_reports import EVENT_TEXT, FIRST, body, check_message, event, put_ids, request_rows

ROWS = request_rows()
put_ids(ROWS[1], b"B-1", b"LINK-7")
ROWS["kind"][1] = CommandKind.REPORT_BLOCK
TERMS = {"order_id": 0, "price": 12_340_000_000, "qty": 100}
TOLD = "820=LINK-7|17=1001|1=ALPHA-1|55=SITB2612|54=1|32=100|31=12.34|"
CASES = {
    "waits": (
        event(EventKind.BLOCK_REPORTED, **TERMS),
        f"571=B-1|150=0|939=0|{TOLD}60={EVENT_TEXT}|",
    ),
    "refused": (
        event(
            EventKind.BLOCK_REPORTED, **TERMS, ord_status=ord("8"),
            reason=Reject.BLOCK_SIDES_DIFFER,
        ),
        f"571=B-1|150=8|939=1|751=99|{TOLD}60={EVENT_TEXT}|"
        "58=no such other side, or its report differs or no longer holds|",
    ),
    "traded": (
        event(
            EventKind.BLOCK_TRADED, **TERMS, request=0, trade_id=FIRST, ord_status=ord("2"),
            flags=EventFlag.UNSOLICITED,
        ),
        f"571=B-1|150=F|939=0|{TOLD}527={FIRST}|60={EVENT_TEXT}|",
    ),
    "busted": (
        event(
            EventKind.TRADE_BUSTED, **TERMS, request=0, trade_id=FIRST, public_id=998,
            ord_status=ord("4"), flags=EventFlag.UNSOLICITED,
        ),
        f"571=B-1|150=H|939=0|{TOLD}527={FIRST}|19=998|60={EVENT_TEXT}|",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


def encode(tables: Tables, row: np.ndarray) -> bytes:
    return tables.encode_one(SESSION, row, 1001, ROWS, 9, NOW_NS)


@pytest.mark.parametrize("name", CASES)
def test_every_answer(tables: Tables, name: str) -> None:
    row, expected = CASES[name]
    message = encode(tables, row)
    assert b"\x0135=AR\x01" in message and body(message) == expected
    check_message(make_tables(is_venue=False), message, "AR")


def test_quickfix_takes_every_answer(tables: Tables) -> None:
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    dictionary = quickfix.DataDictionary(str(DICTIONARY))
    for row, _ in CASES.values():
        dictionary.validate(quickfix.Message(encode(tables, row).decode(), dictionary, True))


FIELDS = {
    571: "B-1", 828: "1", 820: "LINK-7", 55: "SITB2612", 32: "100", 31: "12.34",
    60: "20261120-11:06:49.123", 552: "1", 54: "2", 453: "1", 448: "BRAVO", 447: "D", 452: "17",
    1: "ALPHA-1", 77: "O",
}  # fmt: skip


def read(tables: Tables, **changes: str | None) -> Message:
    fields = FIELDS | {int(name[1:]): value for name, value in changes.items()}
    text = "".join(f"{tag}={value}|" for tag, value in fields.items() if value is not None)
    message = tables.read_bytes(raw(header("AE") + text)).message
    assert message is not None and message.msg_type == b"AE"
    return message


def test_a_report_becomes_a_command(tables: Tables) -> None:
    message = read(tables)
    assert message.fault is None and check_block(message) is None
    row = np.zeros(1, COMMAND)
    members = {"BRAVO": np.array([(7,)], [("member", "<u2")])[0]}
    fill_block(tables, members, message, SESSION, row[0], False, NOW_NS)
    wanted = {
        "kind": CommandKind.REPORT_BLOCK, "session": SESSION, "member": MEMBER, "msg_seq_num": 1,
        "instrument": INSTRUMENT, "account": ACCOUNT, "side": ord("2"), "qty": 100,
        "price": 12_340_000_000, "position_effect": ord("O"), "self_match_id": 7, "reason": 0,
    }  # fmt: skip
    assert {name: int(row[0][name]) for name in wanted} == wanted
    for prefix, text in (("", b"B-1"), ("orig_", b"LINK-7")):
        words = [int(row[0][f"{prefix}cl_ord_id_{at}"]) for at in range(3)]
        assert words == [int(word) for word in pack_cl_ord_id(text)]
    stale = read(tables, t448="NOBODY", t1="OTHER", t55="NOSUCH")
    fill_block(tables, members, stale, SESSION, row[0], True, NOW_NS)
    assert row[0]["reason"] == Reject.STALE_POSS_DUP
    assert [int(row[0][name]) for name in ("self_match_id", "account", "instrument")] == [0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"t820": None}, (False, 1, 820)), ({"t828": "0"}, (False, 5, 828)),
        ({"t54": "3"}, (False, 5, 54)), ({"t32": "1.5"}, (False, 5, 32)),
        ({"t571": "x" * 21}, (False, 5, 571)), ({"t820": "x" * 21}, (False, 5, 820)),
        ({"t452": "1"}, (True, 5, 448)), ({"t552": "2"}, (False, 16, 552)),
    ],
)  # fmt: skip
def test_what_is_no_report(
    tables: Tables, changes: dict[str, str | None], fault: tuple[bool, int, int]
) -> None:
    message = read(tables, **changes)
    found = message.fault or check_block(message)
    assert found is not None and (found.business, found.reason, found.tag) == fault
