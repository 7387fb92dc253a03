"""What the venue's end of a FIX session shows, row by row of the acceptor's list.

A case is: who says what, and every message that comes back, nothing missing and nothing extra.
Lines are those of tests/session_rig.py; expected fields are a subset of the message, `45=-` says a
field is absent, `58=abc*` gives the beginning. Each case runs with the member's bytes whole, byte
by byte, and glued together. Sections 1.1 to 1.5 are those of the FIX session layer's list
(fix-session); 2B, 14E and the like number the FIX session test cases (ISO 3531-3).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from gateway.acceptor import Credential
from gateway.states import State
from tests.session_rig import ORDER, Rig, encode_line, parse_out

LOGON = "A 34=1 98=0 108=30"
LOGON_BACK = "A 34=1 98=0 108=30 141=-"
OPEN, CLOSED, LEAVING = State.ACTIVE, State.CLOSED, State.LOGOUT_ANSWERED


@dataclass(frozen=True)
class Wait:
    """Seconds pass."""

    seconds: float


@dataclass(frozen=True)
class Report:
    """The venue reports something of its own accord (an application message)."""

    text: str


@dataclass(frozen=True)
class Raw:
    """Bytes as they are, `|` for SOH."""

    text: str


@dataclass(frozen=True)
class Drop:
    """The line is lost and the member connects again."""


@dataclass(frozen=True)
class LogOut:
    """The venue logs the member out."""


Step = str | Wait | Report | Raw | Drop | LogOut


@dataclass(frozen=True)
class Case:
    """says: steps in order. shows: what the member gets. next_in: the number expected after it."""

    name: str
    says: list[Step]
    shows: list[str]
    state: State = OPEN
    next_in: int = 0  # 0: not looked at
    rows: list[tuple[int, str]] = field(default_factory=list)  # (MsgSeqNum, command kind)


def live(
    name: str,
    says: list[Step],
    shows: list[str],
    state: State = OPEN,
    next_in: int = 0,
    rows: list[tuple[int, str]] | None = None,
) -> Case:
    """A case that starts logged on, numbers 2 expected and 2 to send."""
    return Case(name, [LOGON, *says], [LOGON_BACK, *shows], state, next_in, rows or [])


NEW = ORDER.format

LOGONS = [
    Case("1B-valid", [LOGON], [LOGON_BACK], OPEN, 2),
    Case(
        "1B-number-too-high",
        ["A 34=5 98=0 108=30"],
        ["A 34=1 98=0 108=30", "2 34=2 7=1 16=0"],
        OPEN,
        1,
    ),
    Case(
        "1B-behind-the-gap-is-not-processed",
        ["A 34=5 98=0 108=30", NEW(6, "A1")],
        ["A 34=1", "2 34=2 7=1 16=0"],
        OPEN,
        1,
    ),
    Case(
        "1S-number-too-low",
        [LOGON, "0 34=2", Drop(), "A 34=2 98=0 108=30"],
        [LOGON_BACK, "5 34=2 58=MsgSeqNum_too_low,_expecting_3_but_received_2"],
        CLOSED,
        3,
    ),
    Case(
        "1-numbers-go-on-over-a-dropped-line",
        [LOGON, "0 34=2", Drop(), "A 34=3 98=0 108=30"],
        [LOGON_BACK, "A 34=2 141=-"],
        OPEN,
        4,
    ),
    Case(
        "1-reset",
        [LOGON, "0 34=2", Drop(), "A 34=1 98=0 108=30 141=Y"],
        [LOGON_BACK, "A 34=1 141=Y"],
        OPEN,
        2,
    ),
    Case(
        "1-reset-forgets-what-was-sent",
        [
            LOGON,
            Report("old"),
            Drop(),
            "A 34=1 98=0 108=30 141=Y",
            Report("new"),
            "2 34=2 7=1 16=0",
        ],
        [
            LOGON_BACK,
            "8 34=2 58=old",
            "A 34=1 141=Y",
            "8 34=2 58=new",
            "4 34=1 43=Y 123=Y 36=2",
            "8 34=2 43=Y 58=new",
        ],
        OPEN,
        3,
    ),
    Case(
        "1-reset-with-another-number-than-1",
        ["A 34=2 98=0 108=30 141=Y"],
        ["5 34=1 58=ResetSeqNumFlag_(141)_needs_MsgSeqNum_(34)_1"],
        CLOSED,
        1,
    ),
    live(
        "1-reset-in-a-live-session",
        ["0 34=2", "A 34=1 98=0 108=30 141=Y", "1 34=2 112=X"],
        ["A 34=1 141=Y", "0 34=2 112=X"],
        OPEN,
        3,
    ),
    live("1-logon-in-a-live-session", ["A 34=2 98=0 108=30"], ["3 34=2 45=2 373=99"], OPEN, 3),
    Case("1S-unknown-sender", ["A 34=1 98=0 108=30 49=NOBODY"], [], CLOSED, 1),
    Case("1S-unknown-target", ["A 34=1 98=0 108=30 56=OTHER"], [], CLOSED, 1),
    Case("1S-wrong-begin-string", ["A 34=1 98=0 108=30 8=FIX.4.2"], [], CLOSED, 1),
    Case("1S-first-message-no-logon", ["0 34=1"], [], CLOSED, 1),
    Case("1S-first-message-an-order", [NEW(1, "A1")], [], CLOSED, 1),
    Case("1S-sending-time-off", ["A 34=1 98=0 108=30 52=@-121"], ["5 34=1 58=*"], CLOSED, 1),
    Case("1S-sending-time-at-the-limit", ["A 34=1 98=0 108=30 52=@-119"], [LOGON_BACK], OPEN, 2),
    Case(
        "1S-garbled-logon",
        [Raw("8=FIX.4.4|9=40|35=A|49=ALPHA|56=SITEX|34=1|98=0|108=30|10=000|8=FIX.4.4|")],
        ["5 34=1 58=garbled_Logon"],
        CLOSED,
        1,
    ),
    Case("1S-no-heartbeat-interval", ["A 34=1 98=0"], ["5 34=1 58=*"], CLOSED, 1),
    Case("1S-negative-heartbeat-interval", ["A 34=1 98=0 108=-1"], ["5 34=1 58=*"], CLOSED, 1),
    Case("1S-long-heartbeat-interval", ["A 34=1 98=0 108=3601"], ["5 34=1 58=*"], CLOSED, 1),
    Case("17-encryption", ["A 34=1 98=1 108=30"], ["5 34=1 58=*"], CLOSED, 1),
    Case("1-no-number", ["A 98=0 108=30"], ["5 34=1 58=*"], CLOSED, 1),
    Case(
        "1-no-heartbeats",
        ["A 34=1 98=0 108=0", Wait(3600)],
        ["A 34=1 108=0"],
        OPEN,
        2,
    ),
    Case("1-silent-connection", [Wait(9.9)], [], State.AWAIT_LOGON, 1),
    Case("1-silent-connection-times-out", [Wait(10)], [], CLOSED, 1),
    Case(
        "1-raw-data-with-soh",
        [Raw("!A 34=1 98=0 108=30 95=7 96=a\x01b\x01108")],
        [LOGON_BACK],
        OPEN,
        2,
    ),
]

NUMBERS = [
    live("2B-too-high", ["0 34=5"], ["2 34=2 7=2 16=0"], OPEN, 2),
    live("2B-one-request-a-gap", ["0 34=5", "0 34=6", "0 34=7"], ["2 34=2 7=2 16=0"], OPEN, 2),
    live(
        "2B-gap-filled-by-resend",
        [
            NEW(4, "A3"),
            NEW(5, "A4"),
            NEW(2, "A1") + " 43=Y 122=@-1",
            NEW(3, "A2") + " 43=Y 122=@-1",
            NEW(4, "A3") + " 43=Y 122=@0",
            NEW(5, "A4") + " 43=Y 122=@0",
            NEW(6, "A5"),
        ],
        ["2 34=2 7=2 16=0"],
        OPEN,
        7,
        [(n, "NEW_ORDER") for n in range(2, 7)],
    ),
    live(
        "2B-a-second-gap-is-asked-for",
        ["0 34=4", "4 34=2 43=Y 122=@0 123=Y 36=5", "0 34=7"],
        ["2 34=2 7=2 16=0", "2 34=3 7=5 16=0"],
        OPEN,
        5,
    ),
    live(
        "2B-an-unanswered-request-is-repeated",
        ["0 34=4", Wait(29), "0 34=5", Wait(2), "0 34=6"],
        ["2 34=2 7=2 16=0", "0 34=3", "2 34=4 7=2 16=0"],
        OPEN,
        2,
    ),
    live(
        "2C-too-low",
        ["0 34=1"],
        ["5 34=2 58=MsgSeqNum_too_low,_expecting_2_but_received_1"],
        CLOSED,
        2,
    ),
    live("2E-low-possible-duplicate", ["0 34=1 43=Y 122=@-9"], [], OPEN, 2),
    live(
        "2E-expected-possible-duplicate",
        [NEW(2, "A1") + " 43=Y 122=@-9"],
        [],
        OPEN,
        3,
        [(2, "NEW_ORDER")],
    ),
    live(
        "2F-original-time-later",
        ["0 34=1 43=Y 122=@9"],
        ["3 34=2 45=1 373=10", "5 34=3 58=*"],
        CLOSED,
        2,
    ),
    live(
        "2F-original-time-later-in-order",
        [NEW(2, "A1") + " 43=Y 122=@9"],
        ["3 34=2 45=2 372=D 373=10", "5 34=3"],
        CLOSED,
        3,
        [(2, "REFUSED")],
    ),
    live("2G-no-original-time", ["0 34=1 43=Y"], ["3 45=1 371=122 372=0 373=1"], OPEN, 2),
    live("2G-no-original-time-in-order", ["0 34=2 43=Y"], ["3 45=2 371=122 373=1"], OPEN, 3),
    live("2-no-number", ["0 112=X"], ["5 34=2 58=MsgSeqNum_(34)_*"], CLOSED, 2),
    live("2-number-not-a-number", ["0 34=x"], ["5 34=2 58=MsgSeqNum_(34)_*"], CLOSED, 2),
    live("2-number-0", ["0 34=0"], ["5 34=2 58=MsgSeqNum_(34)_*"], CLOSED, 2),
    live(
        "8-resend-of-administrative-messages",
        ["1 34=2 112=X", "1 34=3 112=Y", "2 34=4 7=1 16=0"],
        ["0 34=2", "0 34=3", "4 34=1 43=Y 122=* 123=Y 36=4"],
        OPEN,
        5,
    ),
    live(
        "8-resend-of-reports",
        [
            Report("one"),
            "1 34=2 112=X",
            "1 34=3 112=Y",
            Report("two"),
            Report("three"),
            "2 34=4 7=1 16=0",
            Report("live"),
        ],
        [
            "8 34=2 58=one 43=-",
            "0 34=3",
            "0 34=4",
            "8 34=5 58=two",
            "8 34=6 58=three",
            "4 34=1 43=Y 123=Y 36=2",
            "8 34=2 43=Y 122=* 58=one",
            "4 34=3 43=Y 123=Y 36=5",
            "8 34=5 43=Y 58=two",
            "8 34=6 43=Y 58=three",
            "8 34=7 43=- 58=live",
        ],
        OPEN,
        5,
    ),
    live(
        "8-resend-of-a-part",
        [Report("one"), Report("two"), Report("three"), "2 34=2 7=2 16=3"],
        ["8 34=2", "8 34=3", "8 34=4", "8 34=2 43=Y 58=one", "8 34=3 43=Y 58=two"],
        OPEN,
        3,
    ),
    live(
        "8-resend-of-administrative-messages-ends-where-asked",
        ["1 34=2 112=X", "1 34=3 112=Y", "1 34=4 112=Z", "2 34=5 7=2 16=3"],
        ["0 34=2", "0 34=3", "0 34=4", "4 34=2 43=Y 123=Y 36=4"],
        OPEN,
        6,
    ),
    live(
        "8-resend-beyond-the-last-number",
        [Report("one"), "2 34=2 7=2 16=9999"],
        ["8 34=2", "8 34=2 43=Y 58=one"],
        OPEN,
        3,
    ),
    live("8-resend-of-nothing", ["2 34=2 7=2 16=0"], [], OPEN, 3),
    live("8-resend-end-below-begin", ["2 34=2 7=3 16=2"], ["3 45=2 371=16 373=5"], OPEN, 3),
    live(
        "20-resend-request-in-a-gap-is-answered",
        [Report("one"), "2 34=7 7=2 16=0"],
        ["8 34=2", "8 34=2 43=Y 58=one", "2 34=3 7=2 16=0"],
        OPEN,
        2,
    ),
    Case(
        "8-resend-of-an-earlier-connection",
        [LOGON, Report("one"), Drop(), "A 34=2 98=0 108=30", "2 34=3 7=2 16=2"],
        [LOGON_BACK, "8 34=2", "A 34=3", "8 34=2 43=Y 58=one"],
        OPEN,
        4,
    ),
    Case(
        "16-produced-while-away",
        [
            LOGON,
            "5 34=2",
            Drop(),
            Report("away"),
            "A 34=3 98=0 108=30",
            "2 34=4 7=3 16=0",
        ],
        [LOGON_BACK, "5 34=2", "A 34=4", "8 34=3 43=Y 58=away", "4 34=4 43=Y 123=Y 36=5"],
        OPEN,
        5,
    ),
    live("10-gap-fill", ["4 34=2 123=Y 36=9"], [], OPEN, 9),
    live("10-gap-fill-too-high", ["4 34=5 123=Y 36=9"], ["2 34=2 7=2 16=0"], OPEN, 2),
    live("10-gap-fill-low-possible-duplicate", ["4 34=1 43=Y 122=@0 123=Y 36=9"], [], OPEN, 2),
    live("10-gap-fill-without-original-time", ["4 34=1 43=Y 123=Y 36=9"], [], OPEN, 2),
    live("10-gap-fill-too-low", ["4 34=1 123=Y 36=9"], ["5 34=2 58=MsgSeqNum_too_low*"], CLOSED, 2),
    live("10-gap-fill-to-itself", ["4 34=2 123=Y 36=2"], ["3 45=2 371=36 373=5"], OPEN, 3),
    live("10-gap-fill-backwards", ["4 34=2 123=Y 36=1"], ["3 45=2 371=36 373=5"], OPEN, 3),
    live("11A-reset-higher", ["4 34=1 36=9"], [], OPEN, 9),
    live("11A-reset-higher-with-n", ["4 34=77 123=N 36=9"], [], OPEN, 9),
    live("11B-reset-equal", ["4 34=5 36=2", "0 34=2"], [], OPEN, 3),
    live("11C-reset-lower", ["4 34=2 36=1"], ["3 45=2 371=36 373=5"], OPEN, 2),
    live(
        "11-reset-closes-a-gap",
        ["0 34=5", "4 34=6 36=9", "1 34=9 112=X"],
        ["2 34=2 7=2 16=0", "0 34=3 112=X"],
        OPEN,
        10,
    ),
    live("7-reject-received", ["3 34=2 45=1 58=no", "0 34=3"], [], OPEN, 4),
    live("7-faulty-reject-is-not-rejected", ["3 34=2 58=no"], [], OPEN, 3),
]

LIVENESS = [
    live("4A-heartbeat", [Wait(30)], ["0 34=2 112=-"]),
    live("4A-no-heartbeat-before-its-time", [Wait(29.9)], []),
    live("4A-heartbeat-counts-from-the-last-message", [Wait(20), Report("x"), Wait(15)], ["8"]),
    live("4B-test-request", ["1 34=2 112=ping"], ["0 34=2 112=ping"], OPEN, 3),
    live("4B-long-id", ["1 34=2 112=" + "x" * 500], ["0 34=2 112=" + "x" * 500], OPEN, 3),
    live("5-heartbeat-received", ["0 34=2"], [], OPEN, 3),
    live("6-test-request-sent", [Wait(36)], ["0 34=2", "1 34=3 112=*"]),
    live(
        "6-not-answered",
        [Wait(73)],
        ["0 34=2", "1 34=3 112=*", "0 34=4", "5 34=5 58=TestRequest_not_answered"],
        CLOSED,
    ),
    live(
        "6-any-message-proves-life",
        [Wait(40), "3 34=2 45=1", Wait(35)],
        ["0 34=2", "1 34=3", "0 34=4"],
        OPEN,
    ),
    live(
        "6-a-message-in-a-gap-proves-life",
        [Wait(40), "0 34=9", Wait(35)],
        ["0 34=2", "1 34=3", "2 34=4", "0 34=5"],
        OPEN,
    ),
    live("13B-logout", ["5 34=2"], ["5 34=2"], LEAVING, 3),
    live("13B-close-after-the-peer-did-not", ["5 34=2", Wait(10)], ["5 34=2"], CLOSED, 3),
    live("13B-nothing-behind-a-logout", ["5 34=2", "1 34=3 112=X"], ["5 34=2"], LEAVING, 3),
    live("13B-logout-behind-a-gap", ["5 34=7"], ["5 34=2"], LEAVING, 2),
    live("13B-logout-too-low", ["5 34=1"], ["5 34=2 58=MsgSeqNum_too_low*"], CLOSED, 2),
    live("13A-own-logout-answered", [LogOut(), "5 34=2"], ["5 34=2 58=closing"], CLOSED, 3),
    live("12-own-logout-not-answered", [LogOut(), Wait(9)], ["5 34=2"], State.LOGOUT_SENT),
    live("12-own-logout-times-out", [LogOut(), Wait(10)], ["5 34=2"], CLOSED),
    live(
        "12-resend-while-logging-out",
        [Report("one"), LogOut(), "2 34=2 7=2 16=2", "5 34=3"],
        ["8 34=2", "5 34=3", "8 34=2 43=Y 58=one"],
        CLOSED,
        4,
    ),
    live(
        "12-order-while-logging-out-is-not-consumed",
        [LogOut(), NEW(2, "A1"), "5 34=3"],
        ["5 34=2"],
        CLOSED,
        2,
    ),
    live("2I-wrong-begin-string", ["0 34=2 8=FIX.4.2"], ["5 34=2 58=BeginString_(8)_*"], CLOSED, 2),
    live("2H-sending-time-off", ["0 34=2 52=@-121"], ["3 45=2 373=10", "5 34=3"], CLOSED, 3),
    live("2H-sending-time-ahead", ["0 34=2 52=@121"], ["3 45=2 373=10", "5 34=3"], CLOSED, 3),
    live("2K-wrong-sender", ["0 34=2 49=BRAVO"], ["3 45=2 373=9", "5 34=3"], CLOSED, 3),
    live("2K-wrong-target", ["0 34=2 56=OTHER"], ["3 45=2 373=9", "5 34=3"], CLOSED, 3),
    live(
        "2K-wrong-sender-of-an-order",
        [NEW(2, "A1") + " 49=BRAVO"],
        ["3 45=2 373=9", "5 34=3"],
        CLOSED,
        3,
        [(2, "REFUSED")],
    ),
]

_SUM_OFF = "8=FIX.4.4|9=5|35=0|10=000|"
GARBLED = [
    live("3B-wrong-checksum", [Raw(_SUM_OFF), "1 34=2 112=X"], ["0 34=2 112=X"], OPEN, 3),
    live(
        "2D-body-length-too-long",
        [Raw("8=FIX.4.4|9=900|35=0|49=ALPHA|10=000|"), "1 34=2 112=X"],
        ["0 34=2 112=X"],
        OPEN,
        3,
    ),
    live(
        "2D-body-length-too-short",
        [Raw("8=FIX.4.4|9=6|35=0|49=ALPHA|56=SITEX|10=000|"), "1 34=2 112=X"],
        ["0 34=2 112=X"],
        OPEN,
        3,
    ),
    live(
        "2D-body-length-not-a-number",
        [Raw("8=FIX.4.4|9=abc|35=0|49=ALPHA|10=000|"), "1 34=2 112=X"],
        ["0 34=2 112=X"],
        OPEN,
        3,
    ),
    live(
        "2T-first-three-fields-out-of-order",
        [Raw("8=FIX.4.4|35=0|9=20|49=ALPHA|10=000|"), "1 34=2 112=X"],
        ["0 34=2 112=X"],
        OPEN,
        3,
    ),
    live(
        "2D-four-garbled",
        [Raw("8=FIX.4.4|4garbled9=5|35=0|10=000|"), "1 34=2 112=X"],
        ["0 34=2 112=X"],
        OPEN,
        3,
    ),
    live("2D-tag-not-a-number", [Raw("~0 34=2 xx=1"), "1 34=2 112=X"], ["0 34=2 112=X"], OPEN, 3),
    live("2-junk-between", [Raw("junk|8=|=8"), "1 34=2 112=X"], ["0 34=2 112=X"], OPEN, 3),
]

REJECTS = [
    live("14A-unknown-tag", ["0 34=2 4999=1"], ["3 45=2 371=4999 372=0 373=0"], OPEN, 3),
    live("14A-user-tag", ["0 34=2 9999=1"], ["3 45=2 371=9999 373=0"], OPEN, 3),
    live("14A-tag-0", ["0 34=2 0=1"], ["3 45=2 373=0"], OPEN, 3),
    live("14A-tag-negative", ["0 34=2 -1=1"], ["3 45=2 373=0"], OPEN, 3),
    live(
        "14B-required-tag-missing",
        ["D 34=2 55=SITB2612 54=1 38=5 40=2 44=14 60=@0"],
        ["3 45=2 371=11 372=D 373=1"],
        OPEN,
        3,
        [(2, "REFUSED")],
    ),
    live("14B-sender-missing", ["0 34=2 49=-"], ["3 45=2 371=49 373=1"], OPEN, 3),
    live("14B-target-missing", ["0 34=2 56=-"], ["3 45=2 371=56 373=1"], OPEN, 3),
    live("14B-sending-time-missing", ["0 34=2 52=-"], ["3 45=2 371=52 373=1"], OPEN, 3),
    live("14C-tag-of-another-type", ["0 34=2 11=A"], ["3 45=2 371=11 373=2"], OPEN, 3),
    live("14D-tag-without-value", ["0 34=2 112="], ["3 45=2 371=112 373=4"], OPEN, 3),
    live("14E-value-outside-enumeration", ["4 34=2 123=X 36=9"], ["3 45=2 371=123"], OPEN),
    live(
        "14E-side-of-an-order",
        [NEW(2, "A1").replace("54=1", "54=9")],
        ["3 45=2 371=54 373=5"],
        OPEN,
        3,
        [(2, "REFUSED")],
    ),
    live(
        "14F-quantity-with-a-plus",
        [NEW(2, "A1").replace("38=5", "38=+200.00")],
        ["3 45=2 371=38 373=6"],
        OPEN,
        3,
    ),
    live(
        "14F-date-where-a-time-is-due",
        [NEW(2, "A1").replace("60=@0", "60=20260101")],
        ["3 45=2 371=60 373=6"],
        OPEN,
        3,
    ),
    live("14F-sending-time-no-time", ["0 34=2 52=now"], ["3 45=2 371=52 373=6"], OPEN, 3),
    live("2Q-unknown-type", ["zz 34=2"], ["3 45=2 372=zz 373=11"], OPEN, 3, [(2, "REFUSED")]),
    live("14H-tag-twice", ["0 34=2 112=a 112=b"], ["3 45=2 371=112 373=13"], OPEN, 3),
    live(
        "14G-header-field-behind-the-body",
        ["0 order=1 34=2 112=a 115=X"],
        ["3 45=2 373=14"],
        OPEN,
        3,
    ),
    live(
        "14I-group-count-wrong",
        [NEW(2, "A1") + " 453=2 448=X 447=D 452=1"],
        ["3 45=2 371=453 373=16"],
        OPEN,
        3,
    ),
    live(
        "14J-group-members-out-of-order",
        [NEW(2, "A1") + " 453=1 447=D 448=X 452=1"],
        ["3 45=2 373=15"],
        OPEN,
        3,
    ),
    live("14-group-of-none", [NEW(2, "A1") + " 453=0"], [], OPEN, 3, [(2, "NEW_ORDER")]),
    live(
        "18-routing-is-reversed",
        ["0 34=2 115=DESK 116=TRADER 144=LONDON 9999=1"],
        ["3 45=2 128=DESK 129=TRADER 145=LONDON 373=0"],
        OPEN,
        3,
    ),
    live(
        "2R-known-type-not-taken",
        ["B 34=2 148=news"],
        ["j 45=2 372=B 380=3"],
        OPEN,
        3,
        [(2, "REFUSED")],
    ),
    live("2R-report-from-a-member", ["8 34=2 11=A"], ["j 45=2 372=8 380=3"], OPEN, 3),
    live(
        "2R-conditionally-required",
        [NEW(2, "A1").replace(" 44=14.00", "")],
        ["j 45=2 372=D 379=A1 380=5"],
        OPEN,
        3,
        [(2, "REFUSED")],
    ),
    live(
        "15-fields-in-any-order",
        ["D 44=14.00 60=@0 40=2 38=5 54=1 55=SITB2612 11=A1 34=2"],
        [],
        OPEN,
        3,
        [(2, "NEW_ORDER")],
    ),
    live(
        "19-possible-resend",
        [NEW(2, "A1") + " 97=Y"],
        [],
        OPEN,
        3,
        [(2, "NEW_ORDER")],
    ),
    live(
        "timestamps-to-the-nanosecond",
        ["0 34=2 52=20260921-14:13:20", "0 34=3 52=20260921-14:13:20.123456789"],
        [],
        OPEN,
        4,
    ),
    live(
        "application-messages-become-rows",
        [
            NEW(2, "A1"),
            "F 34=3 11=A2 41=A1 55=SITB2612 54=1 60=@0",
            "G 34=4 11=A3 41=A1 55=SITB2612 54=1 38=4 40=2 44=14 60=@0",
            "q 34=5 11=A4 530=7 60=@0",
            "H 34=6 11=A1 55=SITB2612 54=1",
            "1 34=7 112=X",
            NEW(8, "A5"),
        ],
        ["0 34=2 112=X"],
        OPEN,
        9,
        [
            (2, "NEW_ORDER"),
            (3, "CANCEL"),
            (4, "REPLACE"),
            (5, "MASS_CANCEL"),
            (6, "STATUS_REQUEST"),
            (8, "NEW_ORDER"),
        ],
    ),
]

CASES = [
    pytest.param(case, id=f"{section}-{case.name}")
    for section, cases in (
        ("1.1", LOGONS),
        ("1.2", NUMBERS),
        ("1.3", LIVENESS),
        ("1.4", GARBLED),
        ("1.5", REJECTS),
    )
    for case in cases
]


def check(case: Case, mode: str) -> None:
    """Plays a case and compares everything that came back."""
    rig = Rig()
    shown = b""
    waiting = b""
    for step in [*case.says, Wait(0)]:
        if isinstance(step, str | Raw):
            data = _bytes(step, rig)
            if mode == "glued":
                waiting += data
            elif mode == "bytes":
                for at in range(len(data)):
                    rig.receive(data[at : at + 1])
            else:
                rig.receive(data)
            continue
        rig.receive(waiting)
        waiting = b""
        _act(rig, step)
    shown += rig.taken_all()
    _compare(parse_out(shown), case.shows)
    assert rig.session.state == case.state
    if case.next_in:
        assert rig.party.expected_in == case.next_in
    if case.rows:
        assert [(n, kind) for _, n, kind in rig.named_rows()] == case.rows


def _bytes(step: str | Raw, rig: Rig) -> bytes:
    if isinstance(step, str):
        return encode_line(step, rig.now_ns)
    if step.text[:1] in "!~":
        return encode_line(step.text[1:], rig.now_ns)
    return step.text.replace("|", "\x01").encode()


def _act(rig: Rig, step: Step) -> None:
    if isinstance(step, Wait):
        rig.wait(step.seconds)
    elif isinstance(step, Report):
        rig.report(step.text)
    elif isinstance(step, LogOut):
        rig.facts += rig.session.log_out("closing", rig.now_ns)
    elif isinstance(step, Drop):
        rig.drop()
        rig.connect()


def _compare(shown: list[list[tuple[str, str]]], expected: list[str]) -> None:
    texts = ["|".join(f"{t}={v}" for t, v in message) for message in shown]
    assert len(shown) == len(expected), texts
    for message, line, text in zip(shown, expected, texts, strict=True):
        fields = dict(message)
        msg_type, *parts = line.split(" ")
        assert fields["35"] == msg_type, text
        for part in parts:
            tag, value = part.split("=", 1)
            value = value.replace("_", " ")
            if value == "-":
                assert tag not in fields, text
            elif value.endswith("*"):
                assert fields[tag].startswith(value[:-1]) and fields[tag], text
            else:
                assert fields.get(tag) == value, f"{tag}={value} in {text}"


@pytest.mark.parametrize("mode", ["whole", "bytes", "glued"])
@pytest.mark.parametrize("case", CASES)
def test_conformance(case: Case, mode: str) -> None:
    check(case, mode)


def test_second_connection_is_closed_and_the_first_is_not_disturbed() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    first = rig.session
    rig.connect()
    rig.receive(encode_line("A 34=1 98=0 108=30 141=Y", rig.now_ns))
    assert rig.session.state == State.CLOSED and not rig.session.outgoing
    rig.session = first
    rig.receive(encode_line("1 34=2 112=X", rig.now_ns))
    _compare(parse_out(rig.taken_all()), [LOGON_BACK, "0 34=2 112=X"])


def test_wrong_password_is_refused_and_changes_no_expected_number() -> None:
    rig = Rig()
    rig.credential = Credential.WRONG
    rig.receive(encode_line(LOGON + " 553=u 554=p 141=Y", rig.now_ns))
    _compare(parse_out(rig.taken_all()), ["5 34=1 58=Username*"])
    assert rig.session.state == State.CLOSED and rig.party.expected_in == 1


@pytest.mark.parametrize("right", [True, False])
def test_password_that_takes_long_to_check_holds_what_comes_behind(right: bool) -> None:
    rig = Rig()
    rig.credential = Credential.LATER
    rig.receive(encode_line(LOGON, rig.now_ns) + encode_line("1 34=2 112=X", rig.now_ns))
    assert rig.session.waiting and not rig.session.outgoing
    rig.facts += rig.session.credential_checked(right, rig.now_ns)
    rig.receive(b"")
    rig.receive_again()
    expected = [LOGON_BACK, "0 34=2 112=X"] if right else ["5 34=1 58=Username*"]
    _compare(parse_out(rig.taken_all()), expected)


def test_password_checked_too_late_for_a_second_connection() -> None:
    rig = Rig()
    rig.credential = Credential.LATER
    rig.receive(encode_line(LOGON, rig.now_ns))
    slow = rig.session
    rig.connect()
    rig.credential = Credential.RIGHT
    rig.receive(encode_line(LOGON, rig.now_ns))
    slow.credential_checked(True, rig.now_ns)
    assert slow.state == State.CLOSED and rig.session.state == State.ACTIVE
    assert rig.party.connection is rig.session


def test_throttle_rejects_first_and_journals_the_number() -> None:
    rig = Rig()
    rig.party.messages_per_second_max = 2
    orders = [ORDER.format(n, f"A{n}") for n in range(2, 6)]
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.receive(b"".join(encode_line(order, rig.now_ns) for order in orders))
    rig.wait(1)
    rig.receive(encode_line(ORDER.format(6, "A6"), rig.now_ns))
    text = "more_than_2_messages_a_second"
    expected = [f"j 45={n} 372=D 379=A{n} 380=0 58={text}" for n in (4, 5)]
    _compare(parse_out(rig.taken_all()), [LOGON_BACK, *expected])
    kinds = [kind for _, _, kind in rig.named_rows()]
    assert kinds == ["NEW_ORDER", "NEW_ORDER", "REFUSED", "REFUSED", "NEW_ORDER"]


def test_full_batch_is_submitted_and_the_rest_taken_after_it() -> None:
    rig = Rig(rows_max=2)
    orders = [ORDER.format(n, f"A{n}") for n in range(2, 9)]
    lines = [LOGON, *orders, "1 34=9 112=X", "B 34=10 148=n", "B 34=11 148=n", "B 34=12 148=n"]
    rig.receive(b"".join(encode_line(line, rig.now_ns) for line in lines))
    assert [number for _, number, _ in rig.named_rows()] == [*range(2, 9), 10, 11, 12]
    shown = [dict(message)["35"] for message in parse_out(rig.taken_all())]
    assert shown == ["A", "0", "j", "j", "j"]


@pytest.mark.parametrize(("age_s", "stale"), [(59, False), (61, True)])
def test_old_possible_duplicate_of_a_new_order_is_marked_stale(age_s: int, stale: bool) -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.receive(encode_line(ORDER.format(2, "A1") + f" 43=Y 122=@-{age_s}", rig.now_ns))
    assert rig.reasons == [9 if stale else 0]


def test_a_long_resend_is_cut_into_chunks_with_live_messages_between() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    for index in range(200):
        rig.report(f"r{index}")
    rig.taken_all()
    rig.receive(encode_line("2 34=2 7=1 16=0", rig.now_ns))
    assert rig.session.next_deadline_ns == 0
    first = parse_out(rig.taken_all())
    assert len(first) < 100
    rig.report("live")
    rig.receive(encode_line("1 34=3 112=X", rig.now_ns))
    rig.wait(0)
    rest = parse_out(rig.taken_all())
    resent = [dict(m) for m in first + rest if ("43", "Y") in m]
    assert [int(m["34"]) for m in resent] == list(range(1, 202))
    fresh = [dict(m)["34"] for m in rest if ("43", "Y") not in m]
    assert fresh == ["202", "203"]


def test_a_flood_of_slow_messages_is_spread_over_turns() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    rig.taken_all()
    data = b"".join(encode_line(f"1 34={n} 112=T{n}", rig.now_ns) for n in range(2, 302))
    buffer = np.zeros(len(data) + 64, np.uint8)
    buffer[: len(data)] = np.frombuffer(data, np.uint8)
    start = turns = 0
    while start < len(data):
        consumed, _ = rig.session.receive(buffer, start, len(data), rig.now_ns)
        start += consumed
        turns += 1
        assert rig.session.unfinished == (start < len(data))
        assert len(parse_out(rig.taken_all())) <= 64
    assert turns == 5


def test_many_resend_requests_are_bounded() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns))
    for index in range(300):
        rig.report(f"r{index}")
    lines = [f"2 34={n} 7={1 + n % 50} 16=0" for n in range(2, 200)]
    rig.receive(b"".join(encode_line(line, rig.now_ns) for line in lines))
    rig.wait(0)
    resent = [m for m in parse_out(rig.taken_all()) if ("43", "Y") in m]
    assert len(resent) < 20 * 300


def test_facts_of_a_logout_of_a_drop_and_of_a_refusal() -> None:
    rig = Rig()
    rig.receive(encode_line(LOGON, rig.now_ns) + encode_line("5 34=2 58=bye", rig.now_ns))
    rig.drop()
    assert [type(fact).__name__ for fact in rig.facts] == ["LoggedOn", "LoggedOut"]
    rig.facts.clear()
    rig.connect()
    rig.receive(encode_line("A 34=3 98=0 108=30", rig.now_ns))
    rig.drop()
    assert [type(fact).__name__ for fact in rig.facts] == ["LoggedOn", "Lost"]
    rig.facts.clear()
    rig.connect()
    rig.receive(encode_line("A 34=1 98=0 108=30", rig.now_ns))
    rig.drop()
    assert [type(fact).__name__ for fact in rig.facts] == ["Refused"]
