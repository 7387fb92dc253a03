"""Bodies of a MassQuoteAcknowledgement, what became of a quote message, and of a QuoteRequest.

Source: specs/order_entry.md O-57, O-61.
"""

from __future__ import annotations

import numpy as np

from engine.kernel import codec_kernel
from engine.types import CommandKind, EventKind, MassCancelScope
from gateway.put import put_byte, put_id, put_uint, tag_word
from gateway.report_body import put_account, put_reason_text, put_symbol, reason_word
from gateway.scan import store8

_T117, _T297, _T300, _T296 = (tag_word(tag) for tag in (117, 297, 300, 296))
_T131, _T146, _T54, _T38 = (tag_word(tag) for tag in (131, 146, 54, 38))
_T302, _T295, _T299, _T368 = (tag_word(tag) for tag in (302, 295, 299, 368))
_REJECTED = ord("5")


@codec_kernel
def put_quote_answer(views, event, asked, out, at):
    """The body at out[at:]; returns its end. Source: O-57."""
    store8(out, at, _T131 if asked["kind"] == CommandKind.QUOTE_REQUEST else _T117)
    at = put_id(out, at + 5, asked["cl_ord_id_0"], asked["cl_ord_id_1"], asked["cl_ord_id_2"])
    store8(out, at, _T297)
    at = put_byte(out, at + 5, _status(event, asked))
    is_one = event["request"] != 0 and asked["kind"] == CommandKind.MASS_QUOTE
    is_refused = event["kind"] == EventKind.QUOTE_REJECTED
    code = (reason_word(views, event) >> 48) & 255
    if is_refused and not is_one:
        store8(out, at, _T300)
        at = put_uint(out, at + 5, code)
    at = put_account(views, event, out, at)
    at = put_reason_text(views, event, out, at)
    if not is_refused or not is_one:
        return at
    store8(out, at, _T296)
    at = put_byte(out, at + 5, ord("1"))
    store8(out, at, _T302)
    at = put_uint(out, at + 5, event["qty"])
    store8(out, at, _T295)
    at = put_byte(out, at + 5, ord("1"))
    store8(out, at, _T299)
    at = put_uint(out, at + 5, np.int64(event["order_id"]))
    at = put_symbol(views, event, out, at)
    store8(out, at, _T368)
    return put_uint(out, at + 5, code)


@codec_kernel
def _status(event, asked):
    """QuoteStatus (297)."""
    if event["kind"] == EventKind.QUOTE_REJECTED:
        return _REJECTED
    if event["kind"] == EventKind.QUOTES_TAKEN:
        return ord("0")
    if asked["scope"] == MassCancelScope.INSTRUMENT:
        return ord("1")
    if asked["scope"] == MassCancelScope.PRODUCT:
        return ord("3")
    return ord("4")


@codec_kernel
def put_quote_request(views, event, number, out, at):
    """The body of a QuoteRequest to a maker; QuoteReqID is the event's number. Source: O-61."""
    store8(out, at, _T131)
    at = put_uint(out, at + 5, number)
    store8(out, at, _T146)
    at = put_byte(out, at + 5, ord("1"))
    at = put_symbol(views, event, out, at)
    if event["side"] != 0:
        store8(out, at, _T54)
        at = put_byte(out, at + 4, event["side"])
    if event["qty"] != 0:
        store8(out, at, _T38)
        at = put_uint(out, at + 4, event["qty"])
    return at
