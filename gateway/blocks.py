"""A member's report of a block trade: TradeCaptureReport (35=AE) to a command row.

It is rare, so it is read in Python from the fields that the codec has checked; names that are not
known become 0, which the engine refuses.

Source: specs/order_entry.md O-66, O-67.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import numpy as np

from engine.cl_ord_id import pack_cl_ord_id
from engine.types import CL_ORD_ID_CHARS, PRICE_SCALE, CommandKind
from gateway.arena import Section
from gateway.header import sequence_number
from gateway.message import Message
from gateway.tables import Tables
from gateway.types import Fault
from specs.rejects import Reject

VALUE_INCORRECT, OTHER, CONDITIONALLY_REQUIRED = 5, 0, 5  # 373; 380
CONTRA_FIRM = b"17"  # PartyRole (452)
BLOCK_TRADE = b"1"  # TrdType (828)
_IDS = {571: "cl_ord_id", 820: "orig_cl_ord_id"}


def check_block(message: Message) -> Fault | None:
    """What the dialect's tables cannot say of a report."""
    for tag in _IDS:
        if len(message.get(tag) or b"") > CL_ORD_ID_CHARS:
            text = f"value incorrect {tag}: at most {CL_ORD_ID_CHARS} characters"
            return Fault(False, VALUE_INCORRECT, tag, text)
    if message.get(828) != BLOCK_TRADE:
        return Fault(False, VALUE_INCORRECT, 828, "value incorrect 828: 1 block trade")
    if message.get(552) != b"1":
        return Fault(True, OTHER, 552, "NoSides (552) is 1: the reporter's side")
    if not other_side(message):
        text = "conditionally required field missing 448: the party of role 17"
        return Fault(True, CONDITIONALLY_REQUIRED, 448, text)
    return None


def other_side(message: Message) -> bytes:
    """The member named as contra firm; empty: none."""
    party = b""
    for tag, value in message.items():
        if tag == 448:
            party = value
        elif tag == 452 and value == CONTRA_FIRM:
            return party
    return b""


def fill_block(
    tables: Tables,
    members: Mapping[str, np.void],
    message: Message,
    session: int,
    row: np.void,
    stale: bool,
    now_ns: int,
) -> None:
    """Writes the command of a report that check_block passes into `row`, a zeroed COMMAND."""
    known = tables.sessions[session]
    member = int(known["member"])
    row["kind"], row["time_ns"], row["session"] = CommandKind.REPORT_BLOCK, now_ns, session
    row["member"], row["msg_seq_num"] = member, sequence_number(message) or 0
    for tag, name in _IDS.items():
        for at, word in enumerate(pack_cl_ord_id(message.get(tag) or b"")):
            row[f"{name}_{at}"] = word
    row["instrument"] = tables.find(Section.INSTRUMENTS, message.get(55) or b"")
    account = message.get(1)
    row["account"] = known["default_account"]
    if account is not None:
        row["account"] = tables.find(Section.ACCOUNTS, account, member)
    row["side"] = (message.get(54) or b"\0")[0]
    row["position_effect"] = (message.get(77) or b"\0")[0]
    row["qty"] = int(Decimal(message.text(32)))
    row["price"] = int(Decimal(message.text(31)) * PRICE_SCALE)
    row["transact_time_ns"] = message.time_ns(60) or 0
    other = members.get(other_side(message).decode("ascii", "replace"))
    row["self_match_id"] = 0 if other is None else other["member"]
    row["reason"] = Reject.STALE_POSS_DUP if stale else 0
