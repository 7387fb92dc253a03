"""Events to reports: every kind, its fields, store, resends, groups. Source: O-6, O-14 to O-18."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cl_ord_id import pack_cl_ord_id
from engine.reasons import CancelReason
from engine.types import COMMAND, EVENT, REQUEST, CommandKind, EventFlag, EventKind
from gateway.dialect import DICTIONARY
from gateway.message import Header, encode_again, encode_message
from gateway.tables import Tables
from gateway.types import STORE_ROW, Encode, StoreKind, unpack_blob, unpack_reference
from gateway.values import format_timestamp
from specs.rejects import REJECT_TEXTS, Reject
from tests.codec_bench import (
    ACCOUNT,
    INSTRUMENT,
    MEMBER,
    NOW_NS,
    NOW_TEXT,
    PRODUCT,
    SESSION,
    make_tables,
    naive_fields,
)

EVENT_NS = NOW_NS + 456_789
EVENT_TEXT = format_timestamp(EVENT_NS, 9).decode()
FIRST = 72_057_594_037_927_937  # an order id with a shard byte
STANDARD = Path(sys.prefix) / "share" / "quickfix" / "FIX44.xml"


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


@pytest.fixture(scope="module")
def member() -> Tables:
    return make_tables(is_venue=False)


@cache
def shared_tables() -> Tables:
    return make_tables()


def request_rows() -> np.ndarray:
    """Rows 1: the order, 2: its cancel, 3: its replace, 4: mass cancel, 5: an order with all, 6: a
    stop, 7: a stop-limit order."""
    rows = np.zeros(8, REQUEST)
    put_ids(rows[1], b"ORD-1", b"")
    put_ids(rows[2], b"C-2345678901234567890"[:20], b"ORD-1")
    put_ids(rows[3], b"R-34567890123", b"ORD-1")
    put_ids(rows[4], b"M-4", b"")
    put_ids(rows[5], b"ORD-5678", b"")
    put_ids(rows[6], b"STOP-6", b"")
    put_ids(rows[7], b"STOP-7", b"")
    rows["ord_type"][[1, 5, 6, 7]] = [ord("2"), ord("2"), ord("3"), ord("4")]
    rows["stop_price"][[1, 6, 7]] = [9, 12_300_000_000, 12_200_000_000]
    rows["price"][7] = 12_250_000_000
    kind = CommandKind
    kinds = (kind.NEW_ORDER, kind.CANCEL, kind.REPLACE, kind.MASS_CANCEL, kind.NEW_ORDER)
    rows["kind"][1:6] = kinds
    rows["price"][[1, 3, 5]] = [12_345_000_000, -500_000_000, 7]
    rows["scope"][4] = ord("3")
    full = rows[5]
    full["expire_date"], full["exec_inst"], full["min_qty"] = 20261231, 1, 2
    full["display_qty"], full["position_effect"] = 3, ord("O")
    return rows


def put_ids(row: np.void, cl_ord_id: bytes, orig: bytes) -> None:
    for prefix, text in (("", cl_ord_id), ("orig_", orig)):
        for index, word in enumerate(pack_cl_ord_id(text)):
            row[f"{prefix}cl_ord_id_{index}"] = word


def event(kind: EventKind, **fields: int) -> np.ndarray:
    """One event of the order of request 1."""
    row = np.zeros(1, EVENT)
    values = {
        "kind": kind, "session": SESSION, "member": MEMBER, "account": ACCOUNT,
        "instrument": INSTRUMENT, "product": PRODUCT, "side": ord("1"), "ord_type": ord("2"),
        "time_in_force": ord("0"), "ord_status": ord("0"), "time_ns": EVENT_NS,
        "order_id": FIRST, "order_qty": 10, "leaves_qty": 10, "price": 12_345_000_000,
        "request": 1, "order_request": 1, "msg_seq_num": 9,
    }  # fmt: skip
    for name, value in (values | fields).items():
        row[name] = value
    return row


Encoded = tuple[list[bytes], np.ndarray, np.ndarray]


def encode(tables: Tables, *events: np.ndarray, commands: np.ndarray | None = None) -> Encoded:
    """(messages, store rows, spans) of events numbered from 1001."""
    rows = np.concatenate(events)
    out = np.zeros(1000 * (len(rows) + 1), np.uint8)
    store = np.zeros(len(rows), STORE_ROW)
    batch = np.zeros(0, COMMAND) if commands is None else commands
    consumed, spans = tables.encode(rows, 1001, batch, request_rows(), out, store, NOW_NS)
    assert consumed == len(rows)
    spans = spans.copy()
    end = int(spans[-1]["out_end"]) if len(spans) else 0
    whole = out[:end].tobytes()
    messages = [b"8=FIX" + part for part in whole.split(b"8=FIX")[1:]]
    return messages, store, spans


def body(message: bytes) -> str:
    """Fields behind SendingTime, written with |."""
    text = message.decode().replace("\x01", "|")
    return text[text.index("|52=") + 26 : text.index("|10=") + 1]


EXECUTIONS = {
    "accepted": (
        event(EventKind.ACCEPTED),
        f"37={FIRST}|17=1001|150=0|39=0|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        f"44=12.345|59=0|151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "accepted with everything": (
        event(EventKind.ACCEPTED, request=5, order_request=5, time_in_force=ord("6"), price=7),
        f"37={FIRST}|17=1001|150=0|39=0|11=ORD-5678|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        "44=0.000000007|59=6|432=20261231|18=6|110=2|111=3|77=O|151=10|14=0|6=0|"
        f"60={EVENT_TEXT}|",
    ),
    "market order": (
        event(EventKind.ACCEPTED, ord_type=ord("1"), price=0, account=0),
        f"37={FIRST}|17=1001|150=0|39=0|11=ORD-1|55=SITB2612|54=1|38=10|40=1|59=0|"
        f"151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "rejected": (
        event(
            EventKind.REJECTED, order_id=0, leaves_qty=0, ord_status=ord("8"), instrument=0,
            reason=Reject.UNKNOWN_INSTRUMENT,
        ),
        "37=NONE|17=1001|150=8|39=8|11=ORD-1|1=ALPHA-1|55=[N/A]|54=1|38=10|40=2|44=12.345|59=0|"
        f"151=0|14=0|6=0|60={EVENT_TEXT}|103=1|58=unknown symbol|",
    ),
    "rejected for its negative quantity": (
        event(
            EventKind.REJECTED, order_id=0, leaves_qty=0, order_qty=-5, ord_status=ord("8"),
            reason=Reject.QTY_NOT_POSITIVE,
        ),
        "37=NONE|17=1001|150=8|39=8|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=-5|40=2|44=12.345|"
        f"59=0|151=0|14=0|6=0|60={EVENT_TEXT}|103=13|58=quantity must be at least 1 lot|",
    ),
    "fill of the aggressor": (
        event(
            EventKind.FILL, qty=3, price=12_340_000_000, leaves_qty=7, cum_qty=3, trade_id=FIRST,
            cum_value=37_020_000_001, flags=EventFlag.AGGRESSOR, ord_status=ord("1"),
        ),
        f"37={FIRST}|17=1001|150=F|39=1|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        f"44=12.345|59=0|32=3|31=12.34|527={FIRST}|851=2|151=7|14=3|6=12.34|60={EVENT_TEXT}|",
    ),
    "fill of the resting order": (
        event(
            EventKind.FILL, request=0, qty=3, price=-1, leaves_qty=0, cum_qty=3, trade_id=5,
            cum_value=-5, ord_status=ord("2"),
        ),
        f"37={FIRST}|17=1001|150=F|39=2|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        "44=12.345|59=0|32=3|31=-0.000000001|527=5|851=1|151=0|14=3|6=-0.000000002|"
        f"60={EVENT_TEXT}|",
    ),
    "cancelled by its owner": (
        event(EventKind.CANCELLED, request=2, leaves_qty=0, ord_status=ord("4")),
        f"37={FIRST}|17=1001|150=4|39=4|11=C-234567890123456789|41=ORD-1|1=ALPHA-1|55=SITB2612|"
        f"54=1|38=10|40=2|44=12.345|59=0|151=0|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "cancelled by self-match prevention": (
        event(
            EventKind.CANCELLED, request=0, leaves_qty=0, ord_status=ord("4"),
            reason=CancelReason.SELF_MATCH,
        ),
        f"37={FIRST}|17=1001|150=4|39=4|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        f"44=12.345|59=0|151=0|14=0|6=0|60={EVENT_TEXT}|58=self-match prevention|",
    ),
    "replaced": (
        event(EventKind.REPLACED, request=3, order_request=3, price=-500_000_000),
        f"37={FIRST}|17=1001|150=5|39=0|11=R-34567890123|41=ORD-1|1=ALPHA-1|55=SITB2612|54=1|"
        f"38=10|40=2|44=-0.5|59=0|151=10|14=0|6=0|60={EVENT_TEXT}|",
    ),
    "expired": (
        event(
            EventKind.EXPIRED, request=0, leaves_qty=0, ord_status=ord("C"),
            reason=CancelReason.DAY_END,
        ),
        f"37={FIRST}|17=1001|150=C|39=C|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=10|40=2|"
        f"44=12.345|59=0|151=0|14=0|6=0|60={EVENT_TEXT}|58=end of the trading day|",
    ),
    "restated": (
        event(
            EventKind.RESTATED, request=0, qty=4, order_qty=6, leaves_qty=6,
            reason=CancelReason.SELF_MATCH,
        ),
        f"37={FIRST}|17=1001|150=D|39=0|11=ORD-1|1=ALPHA-1|55=SITB2612|54=1|38=6|40=2|"
        f"44=12.345|59=0|151=6|14=0|6=0|60={EVENT_TEXT}|378=5|58=self-match prevention|",
    ),
}  # fmt: skip
ANSWERS = {
    "cancel rejected": (
        event(EventKind.CANCEL_REJECTED, request=2, reason=Reject.TOO_LATE, ord_status=ord("8"),
              order_id=0, account=0),
        "9",
        f"37=NONE|11=C-234567890123456789|41=ORD-1|39=8|60={EVENT_TEXT}|434=1|102=0|"
        "58=too late: nothing left of the order|",
    ),
    "replace rejected": (
        event(EventKind.CANCEL_REJECTED, request=3, reason=Reject.NOT_AMENDABLE),
        "9",
        f"37={FIRST}|11=R-34567890123|41=ORD-1|39=0|1=ALPHA-1|60={EVENT_TEXT}|434=2|102=99|"
        "58=field cannot be amended|",
    ),
    "mass cancelled": (
        event(EventKind.MASS_CANCELLED, request=4, qty=12, instrument=0, side=0),
        "r",
        f"11=M-4|37=1001|530=3|531=3|533=12|60={EVENT_TEXT}|",
    ),
    "mass cancel rejected": (
        event(EventKind.MASS_CANCEL_REJECTED, request=4, side=0,
              reason=Reject.UNKNOWN_INSTRUMENT),
        "r",
        f"11=M-4|37=1001|530=3|531=0|532=99|55=SITB2612|60={EVENT_TEXT}|58=unknown symbol|",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXECUTIONS)
def test_execution_report(tables: Tables, member: Tables, name: str) -> None:
    row, expected = EXECUTIONS[name]
    messages, _, _ = encode(tables, row)
    assert body(messages[0]) == expected
    check_message(member, messages[0], "8")


@pytest.mark.parametrize("name", ANSWERS)
def test_answer(tables: Tables, member: Tables, name: str) -> None:
    row, msg_type, expected = ANSWERS[name]
    messages, _, _ = encode(tables, row)
    assert body(messages[0]) == expected
    check_message(member, messages[0], msg_type)


def check_message(member: Tables, message: bytes, msg_type: str) -> None:
    """Right sums, header and fields, by the member's own decoder."""
    read = member.read_bytes(message).message
    assert read is not None and read.raw == message
    assert read.fault is None
    assert read.msg_type == msg_type.encode()
    assert (read.get(49), read.get(56)) == (b"SITEX", b"ALPHA")
    assert read.get(52) == NOW_TEXT.encode()


@pytest.mark.parametrize("path", [DICTIONARY, STANDARD], ids=["dialect", "standard FIX 4.4"])
def test_quickfix_takes_every_report(tables: Tables, path: Path) -> None:
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    if not path.exists():
        pytest.skip("QuickFIX came without its dictionaries")
    dictionary = quickfix.DataDictionary(str(path))
    rows = [case[0] for case in EXECUTIONS.values()] + [case[0] for case in ANSWERS.values()]
    for message in encode(tables, *rows)[0]:
        parsed = quickfix.Message(message.decode(), dictionary, True)
        dictionary.validate(parsed)


def test_every_reject_has_its_codes_and_text(tables: Tables) -> None:
    for reason, entry in REJECT_TEXTS.items():
        (order, cancel), _, _ = encode(
            tables,
            event(EventKind.REJECTED, reason=reason, order_id=0),
            event(EventKind.CANCEL_REJECTED, request=2, reason=reason),
        )
        fields = dict(naive_fields(order))
        assert fields[103] == b"%d" % entry.ord_rej_reason and fields[58] == entry.text.encode()
        assert dict(naive_fields(cancel))[102] == b"%d" % entry.cxl_rej_reason


def test_numbers_and_store_rows(tables: Tables) -> None:
    tables.sessions[SESSION]["next_out"] = 99_999_998
    messages, store, spans = encode(tables, *(event(EventKind.ACCEPTED) for _ in range(3)))
    numbers = [int(dict(naive_fields(message))[34]) for message in messages]
    assert numbers == [99_999_998, 99_999_999, 100_000_000]
    assert tables.sessions[SESSION]["next_out"] == 100_000_001
    assert int(spans[0]["first_out"]) == 99_999_998
    references = [unpack_reference(word) for word in store["reference"]]
    assert references == [(StoreKind.EVENT, number) for number in (1001, 1002, 1003)]
    assert set(store["sending_time_ns"].tolist()) == {NOW_NS}
    tables.sessions[SESSION]["next_out"] = 1


def test_reports_are_grouped_by_session() -> None:
    tables = make_tables()
    tables.define_session(1, MEMBER, b"B", b"SITEX")
    rows = [
        event(EventKind.ACCEPTED, session=session)
        for session in (SESSION, 1, 0, SESSION, 7, 1, 999, SESSION)
    ]
    rows.append(event(EventKind.BOOKED))
    rows.append(event(EventKind.NONE))
    messages, store, spans = encode(tables, *rows)
    assert spans["session"].tolist() == [SESSION, 1]
    assert spans["store_count"].tolist() == [3, 2]
    targets = [(dict(naive_fields(m))[56], dict(naive_fields(m))[34]) for m in messages]
    assert targets == [
        (b"ALPHA", b"1"),
        (b"ALPHA", b"2"),
        (b"ALPHA", b"3"),
        (b"B", b"1"),
        (b"B", b"2"),
    ]
    numbers = [unpack_reference(word)[1] for word in store["reference"][:5]]
    assert numbers == [1001, 1004, 1008, 1002, 1006]
    assert encode(tables, rows[1])[2]["session"].tolist() == [1]


def test_encoder_takes_what_fits(tables: Tables) -> None:
    rows = np.concatenate([event(EventKind.ACCEPTED) for _ in range(5)])
    out, store = np.zeros(2000, np.uint8), np.zeros(9, STORE_ROW)
    none = np.zeros(0, COMMAND)
    assert tables.encode(rows, 1, none, request_rows(), out, store, NOW_NS)[0] == 2


def test_refusal_without_request_row_is_answered_from_its_command(tables: Tables) -> None:
    commands = np.zeros(3, COMMAND)
    commands["session"], commands["msg_seq_num"] = SESSION, [8, 9, 10]
    commands["kind"] = [CommandKind.NEW_ORDER, CommandKind.NEW_ORDER, CommandKind.CANCEL]
    for row, text in zip(commands, (b"A", b"DUPLICATE-1", b"C"), strict=True):
        put_ids(row, text, b"")
    put_ids(commands[2], b"DUPLICATE-2", b"ORD-1")
    commands["position_effect"][1] = ord("C")
    rejected = {"request": 0, "order_request": 0, "order_id": 0, "ord_status": ord("8"),
                "reason": Reject.DUPLICATE_CL_ORD_ID, "leaves_qty": 0}  # fmt: skip
    messages, store, _ = encode(
        tables,
        event(EventKind.ACCEPTED, msg_seq_num=8),
        event(EventKind.REJECTED, msg_seq_num=9, **rejected),
        event(EventKind.CANCEL_REJECTED, msg_seq_num=10, **rejected),
        commands=commands,
    )
    assert "|11=DUPLICATE-1|" in body(messages[1]) and "|77=C|" in body(messages[1])
    assert "|11=DUPLICATE-2|41=ORD-1|" in body(messages[2]) and "|102=6|" in body(messages[2])
    for index in (1, 2):
        kind, reference = unpack_reference(store[index]["reference"])
        assert kind == StoreKind.BLOB_PENDING
        position, length = unpack_blob(reference)
        whole = b"".join(messages)
        assert whole[position : position + length] == messages[index]


def test_refusal_without_request_row_and_command_says_none(tables: Tables) -> None:
    row = event(EventKind.REJECTED, request=0, order_request=0, reason=3)
    messages, _, _ = encode(tables, row)
    assert "|11=NONE|" in body(messages[0])


def resent(message: bytes, orig_ns: int, now_ns: int, seq_num: int) -> bytes:
    """What a resend must look like, from the first sending's bytes."""
    fields = naive_fields(message)[6:-1]
    return encode_message(
        dict(naive_fields(message))[35],
        fields[1:] if fields[0][0] == 52 else fields,
        Header(b"SITEX", b"ALPHA"),
        seq_num,
        now_ns,
        orig_sending_time_ns=orig_ns,
    )


@pytest.mark.parametrize("name", [*EXECUTIONS, *ANSWERS])
def test_resend_has_the_same_body(tables: Tables, name: str) -> None:
    row = (EXECUTIONS | ANSWERS)[name][0]
    (first,), _, _ = encode(tables, row)
    seq_num = int(dict(naive_fields(first))[34])
    later = NOW_NS + 7_000_000_000
    again = tables.encode_one(
        SESSION, row, 1001, request_rows(), seq_num, later, NOW_NS, Encode.POSS_DUP
    )
    assert again == resent(first, NOW_NS, later, seq_num)
    assert again == encode_again(first, later, NOW_NS)


def test_possible_resend_carries_97(tables: Tables) -> None:
    row = event(EventKind.ACCEPTED)
    message = tables.encode_one(
        SESSION, row, 1001, request_rows(), 55, NOW_NS, 0, Encode.POSS_RESEND
    )
    fields = dict(naive_fields(message))
    assert (fields[97], fields[34], fields[17]) == (b"Y", b"55", b"1001")
    assert 43 not in fields and 122 not in fields


@pytest.mark.parametrize("name", EXECUTIONS)
def test_status_report_has_no_event_of_its_own(tables: Tables, member: Tables, name: str) -> None:
    row, expected = EXECUTIONS[name]
    rows = request_rows()
    message = tables.encode_one(SESSION, row, 1001, rows, 5, NOW_NS, 0, Encode.STATUS)
    left_out = ("31", "32", "41", "527", "851", "58", "103", "378")
    fields = [part.split("=") for part in expected.split("|")[:-1]]
    changed = {"17": "0", "150": "I"}
    assert body(message) == "".join(
        f"{tag}={changed.get(tag, value)}|" for tag, value in fields if tag not in left_out
    )
    check_message(member, message, "8")


@settings(max_examples=150, deadline=None)
@given(
    st.integers(-(10**15), 10**15),
    st.integers(0, 10**9),
    st.integers(0, 10**9),
    st.integers(1, 2**56),
    st.integers(1, 4_294_967_000),
    st.integers(0, 4_102_444_800 * 10**9),
)
def test_fill_of_any_numbers(
    price: int, qty: int, cum: int, trade: int, seq_num: int, time_ns: int
) -> None:
    tables = shared_tables()
    tables.sessions[SESSION]["next_out"] = seq_num
    value = max(-(10**9), min(price, 10**9)) * cum
    row = event(
        EventKind.FILL, price=price, qty=qty, cum_qty=cum, cum_value=value,
        trade_id=trade, time_ns=time_ns,
    )  # fmt: skip
    (message,), _, _ = encode(tables, row)
    fields = dict(naive_fields(message))
    assert message == encode_message(
        "8", naive_fields(message)[7:-1], Header(b"SITEX", b"ALPHA"), seq_num, NOW_NS
    )
    assert (fields[32], fields[14]) == (b"%d" % qty, b"%d" % cum)
    assert fields[527] == b"%d" % trade
    assert fields[60] == format_timestamp(time_ns, 9)
