"""Every SessionRejectReason (373) and BusinessRejectReason (380) the codec finds, with its tag.

Source: O-20, O-21; fix-session facts 1.5.
"""

from __future__ import annotations

import pytest

from gateway.tables import Tables
from gateway.types import Fault
from tests.codec_bench import NOW_TEXT, header, make_tables, new_order, raw

_CANCEL = f"11=C-1|41=ORD-1|55=SITB2612|54=1|60={NOW_TEXT}|"
_MASS = f"11=M-1|60={NOW_TEXT}|"
_LONG_ID = "X" * 21

# message -> (373, 371)
SESSION_REJECTS: dict[str, tuple[bytes, int, int]] = {
    "tag unknown": (new_order(extra="9999=1|"), 0, 9999),
    "tag of the user range unknown": (new_order(extra="6001=1|"), 0, 6001),
    "tag above the table": (new_order(extra="123456=1|"), 0, 123456),
    "tag zero": (new_order(extra="0=1|"), 0, 0),
    "tag negative": (new_order(extra="-5=1|"), 0, 0),
    "tag of nine digits": (new_order(extra="123456789=1|"), 0, 0),
    "tag with leading zero": (new_order(extra="058=1|"), 0, 0),
    "required in the body": (new_order(t11=None), 1, 11),
    "sending time in the body": (
        raw(f"35=0|49=ALPHA|56=SITEX|34=1|112=a|52={NOW_TEXT}|"),
        14,
        52,
    ),
    "sending time missing": (raw("35=0|49=ALPHA|56=SITEX|34=1|"), 1, 52),
    "target missing": (raw(f"35=0|49=ALPHA|34=1|52={NOW_TEXT}|"), 1, 56),
    "side missing": (new_order(t54=None), 1, 54),
    "heartbeat interval missing": (raw(header("A") + "98=0|"), 1, 108),
    "tag of another message": (new_order(extra="150=0|"), 2, 150),
    "tag without value": (new_order(t55=""), 4, 55),
    "header tag without value": (new_order(head="50=|"), 4, 50),
    "side outside the enumeration": (new_order(t54="7"), 5, 54),
    "time in force outside": (new_order(extra="59=9|"), 5, 59),
    "boolean outside": (new_order(head="43=X|"), 5, 43),
    "encryption": (raw(header("A") + "98=1|108=30|"), 5, 98),
    "fractional quantity": (new_order(t38="1.5"), 5, 38),
    "price of ten decimals": (new_order(t44="1.0000000001"), 5, 44),
    "price too large": (new_order(t44="9999999999999"), 5, 44),
    "ClOrdID too long": (new_order(t11=_LONG_ID), 5, 11),
    "OrigClOrdID too long": (raw(header("F") + _CANCEL.replace("ORD-1", _LONG_ID)), 5, 41),
    "ClOrdID of a status request too long": (
        raw(header("H") + f"11={_LONG_ID}|55=SITB2612|54=1|"),
        5,
        11,
    ),
    "self-match id negative": (new_order(extra="7928=-1|"), 5, 7928),
    "self-match id of five bytes": (new_order(extra="7928=4294967296|"), 5, 7928),
    "execution instruction outside": (new_order(extra="18=G|"), 5, 18),
    "not ASCII": (new_order(t54="\xb1"), 5, 54),
    "data length wrong": (raw(header("A") + "98=0|108=30|95=99|96=abc|"), 5, 96),
    "data without length": (raw(header("A") + "98=0|108=30|96=abc|"), 5, 96),
    "price with plus": (new_order(t44="+200.00"), 6, 44),
    "price of two points": (new_order(t44="2.0.0"), 6, 44),
    "price of a point": (new_order(t44="."), 6, 44),
    "price exponent": (new_order(t44="1e5"), 6, 44),
    "quantity letters": (new_order(t38="ten"), 6, 38),
    "side of two characters": (new_order(t54="11"), 6, 54),
    "date where a timestamp is due": (new_order(t60="20261120"), 6, 60),
    "timestamp of month 13": (new_order(t60="20261320-11:06:49"), 6, 60),
    "timestamp of hour 24": (new_order(t60="20261120-24:06:49"), 6, 60),
    "timestamp of two decimals": (new_order(t60="20261120-11:06:49.12"), 6, 60),
    "day 30 of February": (new_order(extra="432=20260230|"), 6, 432),
    "sequence number with sign": (raw(header("2") + "7=-1|16=0|"), 6, 7),
    "month of maturity": (new_order(extra="200=202613|"), 6, 200),
    "execution instructions unspaced": (new_order(extra="18=66|"), 6, 18),
    "message type unknown": (raw(header("?")), 11, 0),
    "message type of two characters unknown": (raw(header("ZZ")), 11, 0),
    "message type without value": (raw("35=|49=ALPHA|56=SITEX|34=1|"), 4, 35),
    "tag twice in the body": (new_order(extra="54=1|"), 13, 54),
    "tag twice in the header": (new_order(head="49=ALPHA|"), 13, 49),
    "message type twice": (new_order(head="35=D|"), 13, 35),
    "header field in the body": (new_order(extra="50=DESK|"), 14, 50),
    "body field behind the trailer": (new_order(extra="93=1|89=x|58=hi|"), 14, 58),
    "checksum in the body": (new_order(extra="10=000|"), 14, 10),
    "first member missing": (new_order(extra="453=1|447=D|448=X|"), 15, 447),
    "member twice in an entry": (new_order(extra="453=1|448=X|452=3|447=D|452=3|"), 13, 452),
    "member outside a group": (new_order(extra="447=D|"), 15, 447),
    "fewer members than counted": (new_order(extra="453=2|448=X|447=D|452=3|"), 16, 453),
    "more members than counted": (new_order(extra="453=1|448=X|447=D|448=Y|447=D|"), 16, 453),
    "members although zero": (new_order(extra="453=0|448=X|447=D|"), 16, 453),
    "member twice in an inner entry": (
        new_order(extra="453=1|448=X|802=1|523=a|803=1|803=1|"),
        13,
        803,
    ),
    "inner group short": (new_order(extra="453=1|448=X|802=2|523=a|803=1|"), 16, 802),
    "member without value": (new_order(extra="453=1|448=|447=D|"), 4, 448),
    "member of wrong format": (new_order(extra="453=1|448=X|447=DD|"), 6, 447),
    "too many fields": (new_order(extra="58=x|" * 1_100), 99, 0),
}

# message -> (380, tag)
BUSINESS_REJECTS: dict[str, tuple[bytes, int, int]] = {
    "type of FIX 4.4 that is not taken": (raw(header("S") + "117=1|"), 3, 0),
    "type of two characters that is not taken": (raw(header("AR")), 3, 0),
    "a report from a member": (raw(header("8") + "37=1|"), 3, 0),
    "limit order without price": (new_order(t44=None), 5, 44),
    "stop-limit order without price": (new_order(t40="4", t44=None, extra="99=2|"), 5, 44),
    "stop order without stop price": (new_order(t40="3"), 5, 99),
    "stop-limit order without stop price": (new_order(t40="4"), 5, 99),
    "order without quantity": (new_order(t38=None), 5, 38),
    "order without symbol": (new_order(t55=None), 5, 55),
    "GTD without date": (new_order(extra="59=6|"), 5, 432),
    "cancel without OrigClOrdID": (raw(header("F") + _CANCEL.replace("41=ORD-1|", "")), 5, 41),
    "cancel without symbol": (raw(header("F") + _CANCEL.replace("55=SITB2612|", "")), 5, 55),
    "replace without OrigClOrdID": (
        raw(header("G") + f"11=R|55=SITB2612|54=1|60={NOW_TEXT}|38=1|40=1|"),
        5,
        41,
    ),
    "status request without symbol": (raw(header("H") + "11=ORD-1|54=1|"), 5, 55),
    "mass cancel of an instrument": (raw(header("q") + _MASS + "530=1|"), 5, 55),
    "mass cancel of a product": (raw(header("q") + _MASS + "530=3|"), 5, 55),
}

TAKEN: dict[str, bytes] = {
    "order": new_order(),
    "market order without price": new_order(t40="1", t44=None),
    "GTD": new_order(extra="59=6|432=20261231|"),
    "quantity of zero fraction": new_order(t38="10.000"),
    "price .5": new_order(t44=".5"),
    "price 5.": new_order(t44="5."),
    "negative price": new_order(t44="-0.25"),
    "price of many zeros": new_order(t44="0012.34500000000000"),
    "seconds": new_order(t60="20261120-11:06:49"),
    "microseconds": new_order(t60="20261120-11:06:49.123456"),
    "nanoseconds": new_order(t60="20261120-11:06:49.123456789"),
    "leap second": new_order(t60="20261231-23:59:60"),
    "ClOrdID of 20 characters": new_order(t11="X" * 20),
    "header fields in any order": new_order(head="50=DESK|115=CLIENT|97=N|"),
    "empty group": new_order(extra="453=0|58=a|"),
    "groups": new_order(extra="453=2|448=X|447=D|452=3|802=1|523=a|803=1|448=Y|452=1|58=a|"),
    "members in any order behind the first": new_order(
        extra="453=2|448=X|452=3|802=1|523=a|803=1|447=D|448=Y|452=1|447=D|"
    ),
    "sessions group": new_order(extra="386=2|336=A|336=B|625=C|"),
    "what a desk sends": new_order(extra="21=1|18=6|15=USD|48=X|22=8|167=FUT|200=202612|528=P|"),
    "own tags": new_order(extra="8000=N|7928=77|5300=3|77=T|"),
    "encoded text": new_order(extra="354=3|355=a\x01b|"),
    "signature": new_order(extra="93=3|89=abc|"),
    "mass cancel of all": raw(header("q") + _MASS + "530=7|"),
    "mass cancel of an instrument": raw(header("q") + _MASS + "530=1|55=SITB2612|54=2|"),
    "status request": raw(header("H") + "11=ORD-1|55=SITB2612|54=1|790=S|"),
    "reset": raw(header("4") + "123=Y|36=9|"),
    "business reject": raw(header("j") + "372=8|380=4|45=3|"),
}


@pytest.fixture(scope="module")
def tables() -> Tables:
    return make_tables()


def fault_of(tables: Tables, data: bytes) -> Fault | None:
    message = tables.read_bytes(data).message
    assert message is not None, data
    return message.fault


@pytest.mark.parametrize("name", SESSION_REJECTS)
def test_session_reject(tables: Tables, name: str) -> None:
    data, reason, tag = SESSION_REJECTS[name]
    fault = fault_of(tables, data)
    assert fault is not None and fault.text
    assert (fault.business, fault.reason, fault.tag) == (False, reason, tag)


@pytest.mark.parametrize("name", BUSINESS_REJECTS)
def test_business_reject(tables: Tables, name: str) -> None:
    data, reason, tag = BUSINESS_REJECTS[name]
    fault = fault_of(tables, data)
    assert fault is not None and fault.text
    assert (fault.business, fault.reason, fault.tag) == (True, reason, tag)


@pytest.mark.parametrize("name", TAKEN)
def test_taken(tables: Tables, name: str) -> None:
    assert fault_of(tables, TAKEN[name]) is None


def test_every_reason_has_a_case() -> None:
    assert {reason for _, reason, _ in SESSION_REJECTS.values()} == {
        0, 1, 2, 4, 5, 6, 11, 13, 14, 15, 16, 99,
    }  # fmt: skip


def test_member_takes_reports() -> None:
    member = make_tables(is_venue=False)
    body = f"37=1|17=2|150=0|39=0|55=SITB2612|54=1|151=1|14=0|6=0|60={NOW_TEXT}|"
    assert fault_of(member, raw(header("8") + body)) is None
