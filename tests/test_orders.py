"""Orders to command rows: fields, sequence, stops, names. Source: O-10 to O-13, O-22, O-23."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.cl_ord_id import unpack_cl_ord_id
from engine.types import COMMAND, CommandKind
from gateway.arena import Section
from gateway.tables import Tables, refused_reason
from gateway.types import Fault, Stop
from gateway.values import parse_timestamp
from tests.codec_bench import (
    ACCOUNT,
    INSTRUMENT,
    MEMBER,
    NOW_NS,
    NOW_TEXT,
    PRODUCT,
    SESSION,
    buffer_of,
    command_rows,
    header,
    make_tables,
    naive_fields,
    new_order,
    raw,
)

Row = dict[str, int]


@pytest.fixture(scope="module")
def shared_tables() -> Tables:
    return make_tables()


@pytest.fixture
def tables(shared_tables: Tables) -> Tables:
    shared_tables.sessions[SESSION]["expected_in"] = 1
    shared_tables.sessions[SESSION]["active"] = 1
    return shared_tables


def decode(tables: Tables, data: bytes, rows: int = 8, slack: int = 64) -> tuple[list[Row], Stop]:
    commands = command_rows(rows)
    buf = buffer_of(data, slack)
    _, count, stop = tables.decode(buf, 0, len(data), SESSION, commands, 0, NOW_NS)
    return [as_dict(commands[index]) for index in range(count)], stop


def as_dict(row: np.void) -> Row:
    return {name: int(row[name]) for name in COMMAND.names or () if row[name]}


def cl_ord_id(row: Row, prefix: str = "") -> bytes:
    return unpack_cl_ord_id(*(row.get(f"{prefix}cl_ord_id_{n}", 0) for n in range(3)))


def without_ids(row: Row) -> Row:
    return {name: value for name, value in row.items() if "cl_ord_id" not in name}


HEAD = {"time_ns": NOW_NS, "session": SESSION, "member": MEMBER, "msg_seq_num": 1}
HEAD |= {"transact_time_ns": NOW_NS}


def test_new_order_fills_its_row_and_nothing_else(tables: Tables) -> None:
    rows, stop = decode(tables, new_order(t11="ORD-45678901234567"))
    assert stop == Stop.NEED_MORE
    assert cl_ord_id(rows[0]) == b"ORD-45678901234567"
    assert without_ids(rows[0]) == HEAD | {
        "kind": CommandKind.NEW_ORDER,
        "account": ACCOUNT,
        "instrument": INSTRUMENT,
        "product": PRODUCT,
        "side": ord("1"),
        "qty": 10,
        "ord_type": ord("2"),
        "price": 12_345_000_000,
        "time_in_force": ord("0"),
    }


def test_every_optional_field_reaches_the_row(tables: Tables) -> None:
    extra = "59=6|432=20261231|110=2|111=3|18=6|77=T|528=P|8000=N|7928=4294967295|5300=3|99=-1.5|"
    rows, _ = decode(tables, new_order(extra=extra, t40="4"))
    expected = {"time_in_force": ord("6"), "expire_date": 20261231, "min_qty": 2}
    expected |= {"display_qty": 3, "exec_inst": 1, "position_effect": ord("T")}
    expected |= {"capacity": ord("P"), "self_match": ord("N"), "self_match_id": 4294967295}
    expected |= {"hedge_flag": ord("3"), "stop_price": -1_500_000_000, "ord_type": ord("4")}
    assert rows[0].items() >= expected.items()


def test_price_of_a_market_order_is_not_read(tables: Tables) -> None:
    rows, _ = decode(tables, new_order(t40="1"))
    assert "price" not in rows[0]


def test_stop_orders_have_a_stop_price_and_a_stop_has_no_other(tables: Tables) -> None:
    """40=3 reads 99 alone; a replace of 40=4 reads both (O-21)."""
    body = f"41=ORD-1|11=R-1|55=SITB2612|54=2|60={NOW_TEXT}|38=7|40=4|44=9|99=.5|"
    rows, _ = decode(tables, new_order(extra="99=12.5|", t40="3") + raw(header("G", seq=2) + body))
    assert rows[0].items() >= {"ord_type": ord("3"), "stop_price": 12_500_000_000}.items()
    assert "price" not in rows[0]
    assert (rows[1]["price"], rows[1]["stop_price"]) == (9_000_000_000, 500_000_000)


def test_cancel(tables: Tables) -> None:
    body = f"41=ORD-1|37=72057594037927937|11=C-1|55=SITB2612|54=2|60={NOW_TEXT}|38=7|"
    rows, _ = decode(tables, raw(header("F") + body))
    assert (cl_ord_id(rows[0]), cl_ord_id(rows[0], "orig_")) == (b"C-1", b"ORD-1")
    assert without_ids(rows[0]) == HEAD | {
        "kind": CommandKind.CANCEL,
        "instrument": INSTRUMENT,
        "product": PRODUCT,
        "side": ord("2"),
        "order_id": 72057594037927937,
    }


def test_replace_gives_no_defaults(tables: Tables) -> None:
    body = f"41=ORD-1|11=R-1|55=SITB2612|54=2|60={NOW_TEXT}|38=7|40=2|44=9|37=not a number|"
    rows, _ = decode(tables, raw(header("G") + body))
    assert without_ids(rows[0]) == HEAD | {
        "kind": CommandKind.REPLACE,
        "instrument": INSTRUMENT,
        "product": PRODUCT,
        "side": ord("2"),
        "qty": 7,
        "ord_type": ord("2"),
        "price": 9_000_000_000,
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("530=7|", {"scope": ord("7")}),
        ("530=7|55=SITB2612|54=1|", {"scope": ord("7"), "side": ord("1")}),
        ("530=3|55=SITB|", {"scope": ord("3"), "product": PRODUCT}),
        ("530=3|55=NONE|", {"scope": ord("3")}),
        (
            "530=1|55=SITB2612|",
            {"scope": ord("1"), "instrument": INSTRUMENT, "product": PRODUCT},
        ),
    ],
)
def test_mass_cancel(tables: Tables, fields: str, expected: Row) -> None:
    rows, _ = decode(tables, raw(header("q") + f"11=M-1|60={NOW_TEXT}|" + fields))
    assert without_ids(rows[0]) == HEAD | {"kind": CommandKind.MASS_CANCEL} | expected


def test_unknown_names_go_to_the_engine_as_zero(tables: Tables) -> None:
    rows, _ = decode(tables, new_order(t55="SITB9999", t1="NOBODY"))
    assert "instrument" not in rows[0] and "account" not in rows[0]
    tables.sessions[SESSION]["expected_in"] = 1
    rows, _ = decode(tables, new_order(t55="X" * 40, t1="Y" * 40))
    assert "instrument" not in rows[0] and "account" not in rows[0]


def test_account_of_another_member_is_unknown(tables: Tables) -> None:
    tables.define_account(9, b"BRAVO-1", MEMBER + 1)
    rows, _ = decode(tables, new_order(t1="BRAVO-1"))
    assert "account" not in rows[0]


def test_order_without_account_takes_the_default(tables: Tables) -> None:
    rows, _ = decode(tables, new_order(t1=None))
    assert rows[0]["account"] == ACCOUNT


def test_names_are_found_while_they_grow() -> None:
    tables = make_tables()
    for index in range(6, 50):
        tables.define_instrument(index, b"GH%d" % index, 1)
        tables.define_account(index, b"ACC", index)
        for known in range(6, index + 1):
            assert tables.find(Section.INSTRUMENTS, b"GH%d" % known) == known
            assert tables.find(Section.ACCOUNTS, b"ACC", known) == known
    assert tables.find(Section.INSTRUMENTS, b"GH50") == 0
    assert tables.name_of(Section.INSTRUMENTS, 17) == b"GH17"


def test_many_messages_of_one_segment(tables: Tables) -> None:
    data = b"".join(new_order(seq) for seq in range(1, 6))
    rows, stop = decode(tables, data + new_order(6)[:-1])
    assert [row["msg_seq_num"] for row in rows] == [1, 2, 3, 4, 5]
    assert stop == Stop.NEED_MORE
    assert tables.sessions[SESSION]["expected_in"] == 6


def test_rows_run_out(tables: Tables) -> None:
    data = b"".join(new_order(seq) for seq in range(1, 6))
    rows, stop = decode(tables, data, rows=3)
    assert (len(rows), stop) == (3, Stop.COMMANDS_FULL)
    assert tables.sessions[SESSION]["expected_in"] == 4


FOR_PYTHON = {
    "too high": new_order(2),
    "too low": new_order(0),
    "possible duplicate": new_order(head="43=Y|122=20261120-11:06:49|"),
    "stale clock": new_order().replace(b"52=20261120-11:06", b"52=20261120-11:02"),
    "wrong sender": new_order().replace(b"49=ALPHA", b"49=ALPHB"),
    "longer sender": new_order().replace(b"49=ALPHA", b"49=ALPHAS"),
    "wrong target": new_order().replace(b"SITEX", b"SITEY"),
    "heartbeat": raw(header("0")),
    "status request": raw(header("H") + "11=ORD-1|55=SITB2612|54=1|"),
    "invalid": new_order(t54="7"),
    "business": new_order(t44=None),
    "other type": raw(header("AE")),
    "garbled": new_order()[:-2] + b"x\x01",
    "junk": b"junk",
}


@pytest.mark.parametrize("name", FOR_PYTHON)
def test_stops_in_front_of_what_needs_thought(tables: Tables, name: str) -> None:
    data = FOR_PYTHON[name]
    if name in ("stale clock", "wrong sender", "longer sender", "wrong target"):
        data = raw(data[data.index(b"35=") : -7].decode().replace("\x01", "|"))
    commands = command_rows(2)
    consumed, count, stop = tables.decode(
        buffer_of(data), 0, len(data), SESSION, commands, 0, NOW_NS
    )
    assert (consumed, count, stop) == (0, 0, Stop.PYTHON)
    assert tables.sessions[SESSION]["expected_in"] == 1


def test_session_that_is_not_active_decodes_nothing(tables: Tables) -> None:
    tables.sessions[SESSION]["active"] = 0
    assert decode(tables, new_order()) == ([], Stop.PYTHON)


def test_possible_resend_is_an_order(tables: Tables) -> None:
    rows, _ = decode(tables, new_order(head="97=Y|"))
    assert len(rows) == 1


def test_message_that_python_holds_gives_the_same_row(tables: Tables) -> None:
    rows, _ = decode(tables, new_order())
    message = tables.read_bytes(new_order(head="43=Y|122=20261120-11:06:49|")).message
    assert message is not None
    commands = command_rows(2)
    tables.decode_message(message, SESSION, commands, 1, NOW_NS)
    assert as_dict(commands[1]) == rows[0]
    assert tables.sessions[SESSION]["expected_in"] == 2


def test_refused_message_takes_its_number(tables: Tables) -> None:
    commands = command_rows(1)
    fault = Fault(False, 5, 54, "side")
    tables.note(CommandKind.REFUSED, SESSION, 77, commands, 0, NOW_NS, fault)
    expected = {"time_ns": NOW_NS, "session": SESSION, "member": MEMBER, "msg_seq_num": 77}
    assert as_dict(commands[0]) == expected | {"kind": CommandKind.REFUSED, "reason": 2005}
    assert refused_reason(Fault(True, 5, 44, "")) == 3005 and refused_reason(None) == 0


def test_fuzz_takes_only_what_is_valid(tables: Tables) -> None:
    """What the fast path takes, the whole check takes; the rest it leaves where it is."""
    seed = 4711
    rng = random.Random(seed)
    alphabet = b"\x01=0123456789.-:ABYN8FIX\x00\xff"
    full = new_order(extra="59=6|432=20261231|110=2|18=6|77=T|8000=N|453=1|448=X|447=D|452=3|")
    taken = 0
    for _ in range(3000):
        fields = bytearray(rng.choice((new_order(), full))[:-7])
        for _ in range(rng.randrange(0, 3)):
            at = rng.randrange(20, len(fields))
            fields[at : at + rng.randrange(2)] = bytes(rng.choices(alphabet, k=rng.randrange(3)))
        text = bytes(fields)[bytes(fields).index(b"35=") :].decode("latin-1")
        data = raw(text.replace("\x01", "|")) if text.endswith("\x01") else bytes(fields)
        tables.sessions[SESSION]["expected_in"] = 1
        rows, stop = decode(tables, data, slack=rng.choice((0, 1, 64)))
        found = tables.read_bytes(data)
        if rows:
            taken += 1
            assert found.message is not None and found.message.fault is None, (seed, data)
            assert cl_ord_id(rows[0]).ljust(20, b"\0") == (found.message.get(11) or b"").ljust(
                20, b"\0"
            )
        else:
            assert stop in (Stop.PYTHON, Stop.NEED_MORE)
    assert taken > 500


_TEXT = st.text("ABCxyz019-_/ ", min_size=1, max_size=20)


@settings(max_examples=150, deadline=None)
@given(
    _TEXT,
    st.sampled_from("12"),
    st.integers(-(10**6), 10**9),
    st.decimals(-(10**9), 10**9, places=9),
    st.permutations(["11", "54", "38", "44", "55", "60", "40"]),
    st.sampled_from((0, 64)),
)
def test_row_is_that_of_a_naive_parser(
    shared_tables: Tables,
    order_id: str,
    side: str,
    qty: int,
    price: object,
    order: list[str],
    slack: int,
) -> None:
    shared_tables.sessions[SESSION]["expected_in"] = 1
    values = {"11": order_id, "54": side, "38": str(qty), "44": f"{price:f}", "55": "SITB2612"}
    values |= {"60": NOW_TEXT, "40": "2"}
    data = raw(header("D") + "".join(f"{tag}={values[tag]}|" for tag in order))
    rows, _ = decode(shared_tables, data, slack=slack)
    fields = dict(naive_fields(data))
    assert cl_ord_id(rows[0]) == fields[11]
    assert rows[0].get("qty", 0) == int(fields[38])
    assert rows[0]["side"] == fields[54][0]
    assert rows[0]["transact_time_ns"] == parse_timestamp(fields[60])
    whole, _, rest = fields[44].decode().lstrip("-").partition(".")
    expected = int(whole) * 10**9 + int(rest.ljust(9, "0"))
    assert rows[0].get("price", 0) == (-expected if fields[44][:1] == b"-" else expected)
