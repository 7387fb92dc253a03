"""Scenarios: one or more a numbered rule of specs/matching.md, named with its number.

Each lists its commands and the full list of the events they cause, on the venue of
`build.usual_venue`. `check` runs it through the naive exchange, whose events must be the listed
ones, and through the engine, whose events must equal the naive exchange's in every field.
"""

from __future__ import annotations

from engine.limits import EngineLimits
from engine.reasons import AlarmReason, CancelReason, PhaseReason, SettleReason
from engine.types import EventKind, Phase, Side
from specs.rejects import Reject
from tests import naive_words as w
from tests.build import SECOND, START_NS, TICK, number, usual_venue
from tests.exchanges import EngineVenue, NaiveVenue


def check(
    *commands: dict,
    events: str,
    venue: list[dict] | None = None,
    limits: EngineLimits | None = None,
) -> tuple[NaiveVenue, EngineVenue]:
    """Runs the commands after the venue's definitions; `events` is one line an event.

    Returns both exchanges for what a scenario asks beyond events.
    """
    definitions = usual_venue() if venue is None else venue
    numbered = number([*definitions, *commands])
    naive, engine = NaiveVenue(limits), EngineVenue(limits)
    wanted = naive.run(numbered)
    assert_last_marked(wanted)
    got = engine.run(numbered)
    flat = [event for one in wanted for event in one]
    for position, (left, right) in enumerate(zip(flat, got, strict=False)):
        assert right == left, f"event {position}: {differences(left, right)}"
    assert len(got) == len(flat)
    lines = [render(event) for one in wanted[len(definitions) :] for event in one]
    listed = [line.strip() for line in events.strip().splitlines()]
    assert lines == listed, "\n".join(["events are", *lines])
    return naive, engine


def assert_last_marked(events: list[list[dict]]) -> None:
    """M-5: of each command's events the last one, and only it, is marked."""
    for one in events:
        marks = [bool(event["flags"] & w.LAST_OF_COMMAND) for event in one]
        assert marks == [False] * (len(one) - 1) + [True] * bool(one)


def differences(wanted: dict, got: dict) -> str:
    """Which fields differ, for the message of a failed test."""
    wrong = [name for name in wanted if wanted[name] != got[name]]
    shown = ", ".join(f"{name} {got[name]} not {wanted[name]}" for name in wrong)
    return f"{render(wanted)}: {shown}"


def render(event: dict) -> str:
    """One event in a line: what is 0 is left out, prices are in ticks.

    o order, p public id, t trade, @ price, r request, of r the order's own request where
    it is another one, s session; flags as words, a leg with its instrument and side.
    """
    words = [EventKind(event["kind"]).name]
    if event["kind"] == EventKind.IMPLIED:
        words.append(f"i{event['instrument']} {Side(event['side']).name}")
        return " ".join([*words, f"@{event['price'] / TICK:g}" if event["qty"] else "none"])
    if EventKind.PHASE_CHANGED <= event["kind"] < EventKind.KILLED:
        return " ".join(words + phase_words(event))
    if EventKind.QUOTES_TAKEN <= event["kind"] <= EventKind.QUOTE_REQUESTED:
        return " ".join(words + quote_words(event))
    amended = EventKind.TRADE_BUSTED <= event["kind"] <= EventKind.BLOCK_TRADED
    market = event["kind"] > EventKind.REFRESHED and not amended
    slice_mark = "e" if amended else "p"
    for mark, name in (("o", "order_id"), (slice_mark, "public_id"), ("t", "trade_id")):
        words += [f"{mark}{event[name] & (1 << 56) - 1}"] * bool(event[name])
    if event["price"]:
        words.append(f"@{event['price'] / TICK:g}")
    if event["kind"] == EventKind.TRADE_CORRECTED:
        words.append(f"was @{event['display_qty'] / TICK:g}")
    if event["kind"] == EventKind.SETTLED:
        words += [f"value {event['cum_value'] / TICK:g}"] * bool(event["cum_value"])
        words += [f"qty {event['qty']}"] * bool(event["qty"])
        words += [f"open {event['leaves_qty']}"] * bool(event["leaves_qty"])
    elif market and (event["leaves_qty"] or event["cum_value"]):
        words.append(f"from {event['cum_value'] / TICK:g} to {event['leaves_qty'] / TICK:g}")
        words += [f"qty {event['qty']}"] * bool(event["qty"])
    else:
        shown = (
            ("qty", event["qty"]),
            ("of", 0 if event["order_qty"] == event["qty"] else event["order_qty"]),
            ("leaves", event["leaves_qty"]),
            ("cum", event["cum_qty"]),
            ("shows", 0 if amended else event["display_qty"]),
        )
        words += [f"{name} {value}" for name, value in shown if value]
    words += [f"r{event['request']}"] * bool(event["request"])
    if event["order_request"] not in (0, event["request"]):
        words.append(f"of r{event['order_request']}")
    words += [f"s{event['session']}"] * bool(event["session"])
    marks = (
        (w.AUCTION, "AUCTION"),
        (w.IMPLIED_TRADE, "IMPLIED"),
        (w.AGGRESSOR, "AGGRESSOR"),
        (w.UNSOLICITED, "UNSOLICITED"),
    )
    for flag, word in marks:
        words += [word] * bool(event["flags"] & flag)
    if event["flags"] & w.LEG:
        words.append(f"LEG i{event['instrument']} {Side(event['side']).name}")
    words += ["KEPT_PLACE"] * bool(event["flags"] & w.KEPT_PLACE)
    words += ["QUOTE"] * bool(event["flags"] & w.QUOTE)
    if event["kind"] in (EventKind.KILLED, EventKind.RELEASED, EventKind.IMPLIED_SET):
        words.append(f"for {event['reason']}")
    elif event["reason"]:
        name = CancelReason if event["reason"] > 1_000 else Reject
        if event["kind"] == EventKind.SETTLED:
            name = SettleReason
        words.append(name(event["reason"]).name)
    return " ".join(words)


def quote_words(event: dict) -> list[str]:
    """What an answer to a quote message says: q the quote's number in it, i instrument."""
    words = []
    if event["kind"] == EventKind.QUOTE_REJECTED and event["order_id"]:
        words = [f"q{event['order_id']}", f"set {event['qty']}"]
    elif event["kind"] == EventKind.QUOTES_CANCELLED:
        words = [f"qty {event['qty']}"]
    if event["kind"] in (EventKind.QUOTES_PULLED, EventKind.QUOTES_RESET):
        return [f"a{event['account']}"]
    if event["kind"] in (EventKind.QUOTE_ASKED, EventKind.QUOTE_REQUESTED):
        words = [f"a{event['account']}"] * bool(event["account"])
        words += [f"side {chr(event['side'])}"] * bool(event["side"])
        words += [f"qty {event['qty']}"] * bool(event["qty"])
    for mark, name in (("i", "instrument"), ("r", "request"), ("s", "session")):
        words += [f"{mark}{event[name]}"] * bool(event[name])
    return words + [Reject(event["reason"]).name] * bool(event["reason"])


def phase_words(event: dict) -> list[str]:
    """What an event of a phase or an auction says: i instrument, surplus of buys positive."""
    words = [f"i{event['instrument']}"]
    if event["kind"] == EventKind.PHASE_CHANGED:
        words += [Phase(event["qty"]).name, "from", Phase(event["leaves_qty"]).name]
        end_ns = event["cum_value"]
        words += [f"until {(end_ns - START_NS) / SECOND:g} s"] * bool(end_ns)
        if event["reason"]:
            own = event["reason"] > 2_000
            words.append(PhaseReason(event["reason"]).name if own else f"reason {event['reason']}")
        return words
    if event["kind"] == EventKind.ALARM:
        return [*words, AlarmReason(event["reason"]).name]
    shown = (("qty", event["qty"]), ("surplus", event["leaves_qty"]))
    words += [f"@{event['price'] / TICK:g}"] * bool(event["price"])
    return words + [f"{name} {value}" for name, value in shown if value]
