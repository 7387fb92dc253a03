"""Event rows to FIX reports: 35=8, 9, r and b, the answers to quotes.

A report is a function of its event and of two request rows (the request it answers, the order's
own), so that it can be written again at any time with the same body. Knows nothing of sockets or of
what became of a message.

Data path: EVENT rows -> here -> bytes for each session and its STORE_ROWs.
Source: specs/order_entry.md O-6, O-14 to O-18, O-30.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel, kernel
from engine.types import QUOTE_REPORTS, REPORT_KIND_MAX, CommandKind, EventKind
from gateway.arena import (
    REPORTS_MAX,
    Clock,
    Section,
    open_request,
    open_session,
    open_spans,
    open_views,
)
from gateway.put import put_milliseconds, put_second, put_sum, put_uint, tag_word
from gateway.quote_body import put_quote_answer, put_quote_request
from gateway.report_body import (
    is_amended,
    is_block,
    put_block,
    put_cancel_reject,
    put_execution,
    put_mass_cancel,
)
from gateway.scan import load8, scan64, store8
from gateway.types import REPORT_BYTES_MAX, SESSION_ROW, TEMPLATE_BYTES, Encode, StoreKind

_TYPES = tuple(b"?88888889rr8")  # by EventKind, 35
_LAST_KIND = int(REPORT_KIND_MAX)
_FIRST_QUOTE, _LAST_QUOTE = (int(kind) for kind in QUOTE_REPORTS)  # 35=b
_EXECUTION = ord("8")
_BLOCK = 0  # AR
_POSS_DUP, _POSS_RESEND = int(Encode.POSS_DUP), int(Encode.POSS_RESEND)
_STORE_EVENT = int(StoreKind.EVENT) << 56
_STORE_PENDING = int(StoreKind.BLOB_PENDING) << 56
_MSG_TYPE_AT = 19  # 8=FIX.4.4|9=000|35=8; one more in FIXT.1.1, as all that stands behind it
_LENGTH_AT = 12
_SESSION_INTS = SESSION_ROW.itemsize // 4
_SESSION_INT = 2  # place of its own index in a SESSION_ROW
_BODY_AT = 16
_NONE_WORD = int.from_bytes(b"NONE", "little")
_POSS_DUP_WORD = int.from_bytes(b"\x0143=Y", "little")
_POSS_RESEND_WORD = int.from_bytes(b"\x0197=Y", "little")
_T52, _T122 = tag_word(52), tag_word(122)
_CHECKSUM_WORD = int.from_bytes(b"\x0110=", "little")


@kernel
def encode_reports(arena, events, first_number, commands, requests, out, store_rows, now_ns):
    """Write the reports of all sessions for a run of events, grouped by session.

    arena: Tables.arena. events: EVENT[], numbers from first_number on. commands: COMMAND[], the
    batch that caused them (for answers without request row, O-30; may be empty). requests:
    REQUEST[], of the events' day. out: uint8[]. store_rows: STORE_ROW[], at least as many as
    events. now_ns: session clock, SendingTime.
    Returns (events consumed, spans): Tables.spans[:spans] tells each session's part of `out` and
    `store_rows`. Advances next_out. Call again with the rest while consumed < len(events).
    Source: O-14 to O-18.
    """
    views = open_views(arena)
    spans = open_spans(arena, views.words)
    limit = min(min(events.size, REPORTS_MAX), out.size // REPORT_BYTES_MAX)
    limit = min(limit, store_rows.size)
    count = _group(views, spans, events, limit)
    at = 0
    for index in range(count):
        span = spans[index]
        span["out_start"] = at
        span["odd"] = 0
        row = open_session(arena, views.words, span["session"])
        span["first_out"] = row["next_out"]
        at = _encode_span(
            views,
            span,
            row,
            events,
            first_number,
            commands,
            requests,
            open_request(arena),
            out,
            at,
            store_rows,
            now_ns,
        )
        span["out_end"] = at
    return limit, count


@kernel
def encode_report(arena, session, event, number, requests, out, seq_num, now_ns, orig_ns, mode):
    """Write one report again, or under a number of its own; returns its bytes in out[0:].

    event: EVENT[1]. out: at least REPORT_BYTES_MAX bytes. mode: bits of Encode; POSS_DUP writes
    43=Y and 122 = orig_ns. next_out stays. Source: O-6.
    """
    assert out.size >= REPORT_BYTES_MAX
    views = open_views(arena)
    row = open_session(arena, views.words, session)
    return _encode(
        views,
        row,
        event[0],
        number,
        requests,
        open_request(arena),
        out,
        0,
        seq_num,
        now_ns,
        orig_ns,
        mode,
    )


@codec_kernel
def _group(views, spans, events, limit):
    """Sort the reports among `events` by session: spans and, in ORDER, the events of each."""
    counts = views.words[2 * Section.COUNTS] // 4
    sessions_max = views.words[2 * Section.COUNTS + 1] // 4 - counts - 1
    order = views.words[2 * Section.ORDER] // 4
    found = 0
    for index in range(limit):
        session = np.int64(events[index]["session"])
        if not _is_report(views, events[index], session, sessions_max):
            continue
        place = np.int64(views.ints[counts + session])
        if place == 0:
            place = found + 1
            found = place
            views.ints[counts + session] = place
            spans[place - 1]["session"] = session
            spans[place - 1]["store_count"] = 0
        spans[place - 1]["store_count"] += np.uint32(1)
    start = 0
    for place in range(found):
        spans[place]["store_start"] = start
        start += np.int64(spans[place]["store_count"])
        spans[place]["store_count"] = 0
    for index in range(limit):
        session = np.int64(events[index]["session"])
        if not _is_report(views, events[index], session, sessions_max):
            continue
        span = spans[np.int64(views.ints[counts + session]) - 1]
        views.ints[order + span["store_start"] + span["store_count"]] = index
        span["store_count"] += np.uint32(1)
    for place in range(found):
        views.ints[counts + np.int64(spans[place]["session"])] = 0
    return found


@codec_kernel
def _is_report(views, event, session, sessions_max):
    """True for an event that a defined session is told of."""
    kind = event["kind"]
    is_quote = kind >= _FIRST_QUOTE and kind <= _LAST_QUOTE
    if kind > _LAST_KIND and not is_quote and not is_amended(event) and not is_block(event):
        return False
    if kind == 0 or session == 0 or session > sessions_max:
        return False
    first = views.words[2 * Section.SESSIONS] // 4
    return views.ints[first + session * _SESSION_INTS + _SESSION_INT] == session


@codec_kernel
def _encode_span(
    views, span, row, events, first_number, commands, requests, spare, out, at, store_rows, now_ns
):
    order = views.words[2 * Section.ORDER] // 4
    cursor = 0
    first = np.int64(span["store_start"])
    for place in range(first, first + np.int64(span["store_count"])):
        index = np.int64(views.ints[order + place])
        event = events[index]
        number = first_number + index
        reference = _STORE_EVENT | number
        is_spare = event["request"] == 0 and _is_answer(event)
        if is_spare:
            cursor = _find_command(commands, cursor, event)
            _copy_command(commands, cursor, spare)
        if is_spare or event["time_ns"] != now_ns:
            span["odd"] = 1
        end = _encode(
            views, row, event, number, requests, spare, out, at, row["next_out"], now_ns, 0, 0
        )
        if is_spare:
            reference = _STORE_PENDING | (at << 14) | (end - at)
        store_rows[place]["reference"] = reference
        store_rows[place]["sending_time_ns"] = now_ns
        row["next_out"] += np.uint32(1)
        at = end
    return at


@codec_kernel
def _is_answer(event):
    """A refusal: the one kind of event that may answer a message without a request row (M-10)."""
    kind = event["kind"]
    return (
        kind == EventKind.REJECTED
        or kind == EventKind.CANCEL_REJECTED
        or kind == EventKind.MASS_CANCEL_REJECTED
        or kind == EventKind.QUOTE_REJECTED
        or (kind == EventKind.BLOCK_REPORTED and event["order_request"] == 0)
    )


@codec_kernel
def _find_command(commands, cursor, event):
    """The command that an event answers, from `cursor` on; commands.size: not among them."""
    for index in range(cursor, commands.size):
        command = commands[index]
        if (
            command["session"] == event["session"]
            and command["msg_seq_num"] == event["msg_seq_num"]
            and _takes_request(command["kind"])
        ):
            return index
    return commands.size


@codec_kernel
def _takes_request(kind):
    if kind >= CommandKind.MASS_QUOTE and kind <= CommandKind.QUOTE_REQUEST:
        return True
    if kind == CommandKind.REPORT_BLOCK:
        return True
    return kind >= CommandKind.NEW_ORDER and kind <= CommandKind.MASS_CANCEL


@codec_kernel
def _copy_command(commands, index, spare):
    """The request row that the command would have made."""
    if index >= commands.size:
        spare["cl_ord_id_0"] = _NONE_WORD
        spare["cl_ord_id_1"] = 0
        spare["cl_ord_id_2"] = 0
        spare["orig_cl_ord_id_0"] = _NONE_WORD
        spare["orig_cl_ord_id_1"] = 0
        spare["orig_cl_ord_id_2"] = 0
        spare["kind"] = 0
        spare["ord_type"] = 0
        return
    command = commands[index]
    spare["cl_ord_id_0"] = command["cl_ord_id_0"]
    spare["cl_ord_id_1"] = command["cl_ord_id_1"]
    spare["cl_ord_id_2"] = command["cl_ord_id_2"]
    spare["orig_cl_ord_id_0"] = command["orig_cl_ord_id_0"]
    spare["orig_cl_ord_id_1"] = command["orig_cl_ord_id_1"]
    spare["orig_cl_ord_id_2"] = command["orig_cl_ord_id_2"]
    spare["price"] = command["price"]
    spare["stop_price"] = command["stop_price"]
    spare["qty"] = command["qty"]
    spare["display_qty"] = command["display_qty"]
    spare["min_qty"] = command["min_qty"]
    spare["expire_date"] = command["expire_date"]
    spare["kind"] = command["kind"]
    spare["ord_type"] = command["ord_type"]
    spare["position_effect"] = command["position_effect"]
    spare["exec_inst"] = command["exec_inst"]
    spare["scope"] = command["scope"]


@codec_kernel
def _encode(views, row, event, number, requests, spare, out, start, seq_num, now_ns, orig_ns, mode):
    """One message at out[start:]; returns its end."""
    kind = np.int64(event["kind"])
    asked = spare
    if event["request"] != 0:
        asked = requests[event["request"]]
    elif not _is_answer(event):
        asked = requests[event["order_request"]]
    order = requests[event["order_request"]] if event["order_request"] != 0 else asked
    msg_type = _EXECUTION
    is_quote = kind >= _FIRST_QUOTE and kind <= _LAST_QUOTE
    if is_quote:
        msg_type = ord("b")
        if kind == EventKind.QUOTE_ASKED:
            msg_type = ord("R")
    elif kind <= _LAST_KIND:
        msg_type = _TYPES[kind]
    elif is_block(event) or order["kind"] == CommandKind.REPORT_BLOCK:
        msg_type = _BLOCK
    at = _put_header(views, row, msg_type, out, start, seq_num, now_ns, orig_ns, mode)
    if kind == EventKind.QUOTE_ASKED:
        at = put_quote_request(views, event, number, out, at)
    elif is_quote:
        at = put_quote_answer(views, event, asked, out, at)
    elif msg_type == _BLOCK:
        at = put_block(views, event, number, order, out, at)
    elif msg_type == _EXECUTION:
        at = put_execution(views, event, number, asked, order, mode, out, at)
    elif kind == EventKind.CANCEL_REJECTED:
        at = put_cancel_reject(views, event, asked, out, at)
    else:
        at = put_mass_cancel(views, event, number, asked, np.int64(row["dialect"]), out, at)
    return _put_trailer(out, start, np.int64(row["dialect"]), at)


@codec_kernel
def _put_header(views, row, msg_type, out, start, seq_num, now_ns, orig_ns, mode):
    template = views.words[2 * Section.TEMPLATES] + np.int64(row["session"]) * TEMPLATE_BYTES
    length = np.int64(row["template_bytes"])
    type_at = start + _MSG_TYPE_AT + np.int64(row["dialect"])
    for done in range(0, length, 8):
        store8(out, start + done, load8(views.bytes, template + done))
    if msg_type == _BLOCK:  # one character more: what stands behind the type moves
        for done in range(0, length, 8):
            store8(out, start + 1 + done, load8(views.bytes, template + done))
        for done in range(type_at - start):
            out[start + done] = views.bytes[template + done]
        out[type_at] = ord("A")
        out[type_at + 1] = ord("R")
        length += 1
    else:
        out[type_at] = msg_type
    at = put_uint(out, start + length, np.int64(seq_num))
    store8(out, at, _T52)
    at = put_second(views, out, at + 4, now_ns, Clock.SECOND_SENDING, Clock.TEXT_SENDING)
    at = put_milliseconds(out, at, now_ns)
    if mode & _POSS_DUP != 0:
        store8(out, at, _POSS_DUP_WORD)
        at += 5
    if mode & _POSS_RESEND != 0:
        store8(out, at, _POSS_RESEND_WORD)
        at += 5
    if mode & _POSS_DUP != 0:
        store8(out, at, _T122)
        at = put_second(views, out, at + 5, orig_ns, Clock.SECOND_SENDING, Clock.TEXT_SENDING)
        at = put_milliseconds(out, at, orig_ns)
    return at


@codec_kernel
def _put_trailer(out, start, dialect, at):
    out[at] = 1
    length_at = start + _LENGTH_AT + dialect
    body = at + 1 - start - _BODY_AT - dialect
    out[length_at] = ord("0") + body // 100
    out[length_at + 1] = ord("0") + body // 10 % 10
    out[length_at + 2] = ord("0") + body % 10
    total = 0
    for base in range(start, at + 1, 64):
        _, part = scan64(out, base, min(64, at + 1 - base))
        total += part
    store8(out, at, _CHECKSUM_WORD)
    return put_sum(out, at + 4, total)
