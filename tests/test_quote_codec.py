"""MassQuote and QuoteCancel to command rows, and what they are answered.

Source: specs/order_entry.md O-55 to O-57.
"""

from __future__ import annotations

import pytest

from engine.types import CommandKind, MassCancelScope, QuotePart
from gateway.check import SessionReject
from gateway.types import Stop
from tests.codec_bench import (
    ACCOUNT,
    INSTRUMENT,
    MEMBER,
    NOW_NS,
    PRODUCT,
    SESSION,
    buffer_of,
    command_rows,
    header,
    make_tables,
    raw,
)

ENTRY = "299=7|55=SITB2612|132=12.34|133=12.36|134=5|135=6|"


def mass_quote(body: str, seq: int = 1, quote_id: str = "Q-1") -> bytes:
    """A MassQuote of these sets."""
    return raw(header("i", seq) + f"117={quote_id}|" + body)


def test_a_row_for_each_quote() -> None:
    tables = make_tables()
    body = f"1=ALPHA-1|296=2|302=3|295=2|{ENTRY}299=8|55=NONE|"
    body += "302=4|295=1|299=9|55=SITB2612|133=-1|135=2|"
    data = mass_quote(body) + mass_quote(f"296=1|302=1|295=1|{ENTRY}", 2, "Q-2")
    rows = command_rows(8)
    assert tables.decode(buffer_of(data), 0, len(data), SESSION, rows, 1, NOW_NS) == (
        len(data),
        4,
        Stop.NEED_MORE,
    )
    made = rows[1:5]
    names = ("quote_set", "order_id", "instrument", "price", "qty", "stop_price", "display_qty")
    assert made[list(names)].tolist() == [
        (3, 7, INSTRUMENT, 12_340_000_000, 5, 12_360_000_000, 6),
        (3, 8, 0, 0, 0, 0, 0),
        (4, 9, INSTRUMENT, 0, 0, -1_000_000_000, 2),
        (1, 7, INSTRUMENT, 12_340_000_000, 5, 12_360_000_000, 6),
    ]
    assert made["scope"].tolist() == [QuotePart.FIRST, 0, 0, QuotePart.FIRST]
    assert made["cl_ord_id_0"].tolist() == [int.from_bytes(b"Q-1", "little")] * 3 + [
        int.from_bytes(b"Q-2", "little")
    ]
    for name, value in {
        "kind": CommandKind.MASS_QUOTE, "session": SESSION, "member": MEMBER, "time_ns": NOW_NS,
        "account": ACCOUNT, "side": 0, "min_qty": 0, "reason": 0, "self_match": 0,
    }.items():  # fmt: skip
        assert (made[name] == value).all(), name
    assert made["msg_seq_num"].tolist() == [1, 1, 1, 2]
    assert (rows[0].tobytes() + rows[5].tobytes()).count(b"\xa5") == 320


def test_an_entry_in_another_order_gives_the_same_row() -> None:
    """QuickFIX for Python sorts the fields of an entry by tag (O-20)."""
    tables, rows = make_tables(), command_rows(3)
    data = mass_quote(f"296=1|302=1|295=1|{ENTRY}")
    data += mass_quote("296=1|302=1|295=1|299=7|135=6|133=12.36|55=SITB2612|134=5|132=12.34|", 2)
    decoded = tables.decode(buffer_of(data), 0, len(data), SESSION, rows, 0, NOW_NS)
    assert decoded == (len(data), 2, Stop.NEED_MORE)
    rows["msg_seq_num"] = 1
    assert rows[0] == rows[1]


def test_a_message_without_room_for_all_its_quotes_waits() -> None:
    tables = make_tables()
    data = mass_quote(f"296=1|302=3|295=2|{ENTRY}{ENTRY}")
    buf = buffer_of(data)
    assert tables.decode(buf, 0, len(data), SESSION, command_rows(1), 0, NOW_NS)[1:] == (
        0,
        Stop.COMMANDS_FULL,
    )
    assert tables.sessions[SESSION]["expected_in"] == 1
    assert tables.decode(buf, 0, len(data), SESSION, command_rows(2), 0, NOW_NS)[1] == 2


def test_a_hundred_instruments_fit_into_a_message() -> None:
    tables = make_tables()
    data = mass_quote("296=1|302=1|295=100|" + ENTRY * 100)
    assert len(data) < 8_192
    rows = command_rows(100)
    assert tables.decode(buffer_of(data), 0, len(data), SESSION, rows, 0, NOW_NS)[1] == 100
    assert (rows["qty"] == 5).all() and rows["scope"].sum() == QuotePart.FIRST


def test_the_first_quote_resets_protection() -> None:
    tables = make_tables()
    data = mass_quote(f"9773=Y|296=1|302=3|295=2|{ENTRY}{ENTRY}")
    data += mass_quote(f"9773=N|296=1|302=3|295=1|{ENTRY}", 2)
    rows = command_rows(3)
    assert tables.decode(buffer_of(data), 0, len(data), SESSION, rows, 0, NOW_NS)[1] == 3
    assert rows["scope"].tolist() == [QuotePart.FIRST | QuotePart.RESET, 0, QuotePart.FIRST]


BAD = {
    "no group": ("", SessionReject.REQUIRED_TAG_MISSING, 296),
    "no sets": ("296=0|", SessionReject.REQUIRED_TAG_MISSING, 295),
    "no entries": ("296=1|302=1|295=0|", SessionReject.REQUIRED_TAG_MISSING, 295),
    "set is no number": (f"296=1|302=A|295=1|{ENTRY}", SessionReject.VALUE_INCORRECT, 302),
    "set too long": (f"296=1|302=1234567890|295=1|{ENTRY}", SessionReject.VALUE_INCORRECT, 302),
    "entry is no number": ("296=1|302=1|295=1|299=x|55=A|", SessionReject.VALUE_INCORRECT, 299),
    "no symbol": ("296=1|302=1|295=2|299=1|299=2|55=A|", SessionReject.REQUIRED_TAG_MISSING, 55),
    "no bid": ("296=1|302=1|295=1|299=1|55=A|134=1|", 1005, 132),
    "no bid size": ("296=1|302=1|295=1|299=1|55=A|132=1|", 1005, 134),
    "no offer": ("296=1|302=1|295=1|299=1|55=A|135=1|", 1005, 133),
    "no offer size": ("296=1|302=1|295=1|299=1|55=A|133=1|", 1005, 135),
    "too few entries": (f"296=1|302=1|295=2|{ENTRY}", SessionReject.GROUP_COUNT_WRONG, 295),
    "price": ("296=1|302=1|295=1|299=1|55=A|132=x|134=1|", SessionReject.BAD_FORMAT, 132),
    "an answer's field": ("296=1|302=1|295=1|299=1|55=A|368=1|", 2, 368),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_message_is_not_taken(name: str) -> None:
    body, reason, tag = BAD[name]
    tables = make_tables()
    data = mass_quote(body)
    buf = buffer_of(data)
    assert tables.decode(buf, 0, len(data), SESSION, command_rows(9), 0, NOW_NS)[1] == 0
    fault = tables.read_bytes(data).message.fault  # type: ignore[union-attr]
    assert fault is not None
    assert (fault.reason + 1000 * fault.business, fault.tag) == (reason, tag)


def test_a_long_quote_id_is_refused() -> None:
    data = mass_quote(f"296=1|302=1|295=1|{ENTRY}", quote_id="Q" * 21)
    fault = make_tables().read_bytes(data).message.fault  # type: ignore[union-attr]
    assert fault is not None and (fault.reason, fault.tag) == (5, 117)


@pytest.mark.parametrize(
    ("body", "scope", "instrument", "product"),
    [
        ("298=4|", MassCancelScope.MEMBER, 0, 0),
        ("298=1|295=1|55=SITB2612|", MassCancelScope.INSTRUMENT, INSTRUMENT, 0),
        ("298=3|295=1|55=SITB|", MassCancelScope.PRODUCT, 0, PRODUCT),
        ("298=1|295=1|55=NONE|", MassCancelScope.INSTRUMENT, 0, 0),
    ],
)
def test_quote_cancel(body: str, scope: int, instrument: int, product: int) -> None:
    tables = make_tables()
    data = raw(header("Z") + "117=C-1|" + body)
    rows = command_rows(1)
    assert tables.decode(buffer_of(data), 0, len(data), SESSION, rows, 0, NOW_NS)[1] == 1
    row = rows[0]
    assert (row["kind"], row["scope"]) == (CommandKind.QUOTE_CANCEL, scope)
    assert (row["instrument"], row["product"]) == (instrument, product)


@pytest.mark.parametrize(
    ("body", "reason", "tag"),
    [
        ("298=1|", 1005, 295),
        ("298=3|295=2|55=SITB|55=SITA|", 5, 295),
        ("298=2|295=1|55=SITB|", 5, 298),
    ],
)
def test_a_wrong_quote_cancel(body: str, reason: int, tag: int) -> None:
    data = raw(header("Z") + "117=C-1|" + body)
    fault = make_tables().read_bytes(data).message.fault  # type: ignore[union-attr]
    assert fault is not None
    assert (fault.reason + 1000 * fault.business, fault.tag) == (reason, tag)


def test_quote_request() -> None:
    tables = make_tables()
    data = raw(header("R") + "131=R-1|146=1|55=SITB2612|54=2|38=7|")
    rows = command_rows(1)
    assert tables.decode(buffer_of(data), 0, len(data), SESSION, rows, 0, NOW_NS)[1] == 1
    row = rows[0]
    assert (row["kind"], row["instrument"]) == (CommandKind.QUOTE_REQUEST, INSTRUMENT)
    assert (row["side"], row["qty"]) == (ord("2"), 7)
    assert row["cl_ord_id_0"] == int.from_bytes(b"R-1", "little")


@pytest.mark.parametrize(
    ("body", "reason", "tag"),
    [
        ("131=R-1|146=0|", 5, 146),
        ("131=R-1|146=2|55=SITB2612|55=SITB2612|", 5, 146),
        ("131=R-2345678901234567890|146=1|55=SITB2612|", 5, 131),
        ("146=1|55=SITB2612|", 1, 131),
    ],
)
def test_a_wrong_quote_request(body: str, reason: int, tag: int) -> None:
    data = raw(header("R") + body)
    fault = make_tables().read_bytes(data).message.fault  # type: ignore[union-attr]
    assert fault is not None and (fault.reason, fault.tag) == (reason, tag)
