"""What members ask: all their orders, the instruments that are listed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.assembly import Assembly
from gateway.inquiries import CHUNK_MESSAGES, OWED_MAX
from gateway.message import Field
from gateway.reference_data import FRAGMENT_SYMBOLS
from gateway.values import format_timestamp
from tests.member_rig import FROM_NS, Member, opened, trading
from tests.test_schedule import CATALOGUE

pytestmark = pytest.mark.kernels
SYMBOL, OTHER, THIRD = "SITB2701", "SITB2702", "GH12701"


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Assembly]:
    yield from opened(tmp_path, FROM_NS)


@pytest.fixture
def member(parts: Assembly) -> Iterator[Member]:
    yield from trading(parts)


def enter(member: Member, name: str, symbol: str = SYMBOL, side: str = "1") -> dict[int, str]:
    price = ("1.9" if side == "1" else "2.1") if symbol.startswith("SITB") else "2.5"
    order: list[Field] = [(11, name), (55, symbol), (54, side), (60, format_timestamp(FROM_NS))]
    order += [(38, 3), (40, "2"), (44, price), (59, "0"), (77, "O")]
    return member.ask(b"D", *order)[0]


def ask_orders(member: Member, how: str, *fields: Field) -> list[dict[int, str]]:
    return member.ask(b"AF", (584, "all"), (585, how), *fields)


def ids(reports: list[dict[int, str]]) -> list[str | None]:
    return [one.get(11) for one in reports]


# -- orders


def test_o70_every_live_order_is_reported_once_in_order(member: Member):
    for name, symbol, side in (("a", SYMBOL, "1"), ("b", OTHER, "2"), ("c", SYMBOL, "1")):
        assert enter(member, name, symbol, side)[39] == "0"
    cancel = [(11, "d"), (41, "a"), (55, SYMBOL), (54, "1"), (60, format_timestamp(FROM_NS))]
    assert member.ask(b"F", *cancel)[0][39] == "4"
    said = ask_orders(member, "7")
    assert ids(said) == ["b", "c"]
    assert {(one[35], one[150], one[39], one[584], one[911]) for one in said} == {
        ("8", "I", "0", "all", "2")
    }
    assert [one[912] for one in said] == ["N", "Y"]
    assert [(one[17], one[38], one[151], one[14]) for one in said] == [("0", "3", "3", "0")] * 2


def test_o70_symbol_product_account_and_side_narrow_it_down(member: Member):
    for number, (symbol, side) in enumerate(
        ((SYMBOL, "1"), (OTHER, "1"), (OTHER, "2"), (THIRD, "1"))
    ):
        assert enter(member, f"n{number}", symbol, side)[39] == "0"
    assert ids(ask_orders(member, "1", (55, OTHER))) == ["n1", "n2"]
    assert ids(ask_orders(member, "6", (336, "SITB"))) == ["n0", "n1", "n2"]
    assert ids(ask_orders(member, "7", (54, "2"))) == ["n2"]
    assert ids(ask_orders(member, "7", (1, "ALPHA"))) == ["n0", "n1", "n2", "n3"]
    for how, named in (("1", (55, "NOSUCH")), ("6", (336, "NO")), ("7", (1, "NO"))):
        (said,) = ask_orders(member, how, named)
        assert (said[39], said[103], said[911], said[912]) == ("8", "5", "0", "Y")


def test_o70_no_order_is_one_report(member: Member):
    (said,) = ask_orders(member, "7")
    assert (said[150], said[39], said[103], said[58]) == ("I", "8", "5", "unknown order")
    assert (said[584], said[911], said[912]) == ("all", "0", "Y") and 11 not in said


def test_o70_quotes_and_orders_of_others_are_not_among_them(parts: Assembly, member: Member):
    assert enter(member, "mine")[39] == "0"
    quote: list[Field] = [(117, "q"), (296, 1), (302, 1), (295, 1), (299, 1), (55, SYMBOL)]
    quote += [(132, "1.9"), (133, "2.1"), (134, 2), (135, 2)]
    assert member.ask(b"i", *quote)[0][297] == "0"
    known = parts.registry.known
    row = parts.sequencer.engine.live_orders(int(known.members["BRAVO"]["member"]))
    assert len(row) == 0
    assert ids(ask_orders(member, "7")) == ["mine"]


@pytest.mark.parametrize(("how", "needed"), [("1", 55), ("6", 336)])
def test_o70_what_it_asks_by_must_be_there(how: str, needed: int, member: Member):
    (said,) = ask_orders(member, how)
    assert (said[35], said[372], said[380]) == ("j", "AF", "5") and str(needed) in said[58]
    (said,) = ask_orders(member, "3")
    assert (said[35], said[373], said[371]) == ("3", "5", "585")


def test_o70_a_list_goes_on_in_chunks_and_leaves_out_what_ended(parts: Assembly, member: Member):
    names = [f"n{number}" for number in range(2 * CHUNK_MESSAGES + 3)]
    for name in names:
        enter(member, name)
    first = ask_orders(member, "7")
    assert ids(first) == names[:CHUNK_MESSAGES]
    gone = [CHUNK_MESSAGES, CHUNK_MESSAGES + 5, len(names) - 1]
    for number in gone:
        cancel: list[Field] = [(11, f"x{number}"), (41, names[number]), (55, SYMBOL), (54, "1")]
        told = member.ask(b"F", *cancel, (60, format_timestamp(FROM_NS)))
        assert ids(told)[0] == f"x{number}"
    rest: list[dict[int, str]] = []
    for _ in range(3):
        parts.venue.on_deadline(member.line)
        rest += member.heard()
    wanted = [n for i, n in enumerate(names) if i >= CHUNK_MESSAGES and i not in gone]
    assert [one[11] for one in rest] == wanted
    assert {one[911] for one in first + rest} == {str(len(names))}
    assert [one[912] for one in first + rest] == ["N"] * (len(first + rest) - 1) + ["Y"]
    parts.venue.on_deadline(member.line)
    assert member.heard() == []


def test_o70_where_the_rest_of_a_list_ended_its_end_is_told(parts: Assembly, member: Member):
    for number in range(CHUNK_MESSAGES + 1):
        enter(member, f"n{number}")
    assert len(ask_orders(member, "7")) == CHUNK_MESSAGES
    cancel: list[Field] = [(11, "x"), (530, "7"), (60, format_timestamp(FROM_NS))]
    member.ask(b"q", *cancel)
    parts.venue.on_deadline(member.line)
    (last,) = member.heard()
    assert (last[39], last[584], last[912]) == ("8", "all", "Y")


def test_o73_lists_are_bounded_and_end_with_the_connection(parts: Assembly, member: Member):
    for number in range(CHUNK_MESSAGES + 1):
        enter(member, f"n{number}")
    said: list[dict[int, str]]
    for _ in range(OWED_MAX):
        said = ask_orders(member, "7")
    assert said == [], "it waits its turn"
    (refused,) = ask_orders(member, "7")
    assert (refused[35], refused[372], refused[380]) == ("j", "AF", "0")
    assert str(OWED_MAX) in refused[58]
    session = member.line.session.party.session
    assert parts.reporter.inquiries.owes(session)
    member.line.connection_lost(None)
    assert not parts.reporter.inquiries.owes(session)


# -- instruments


def ask_list(member: Member, how: str, *fields: Field) -> list[dict[int, str]]:
    return member.ask(b"x", (320, "list"), (559, how), *fields)


def symbols(parts: Assembly, member: Member, how: str, *fields: Field) -> list[str]:
    """Of all fragments; each but the last is full, and says so."""
    start = len(member.said)
    assert start == 0
    member.send(member.encode(b"x", [(320, "list"), (559, how), *fields]))
    raw = bytes(member.said)
    member.said.clear()
    found = [part[3:].decode() for part in raw.split(b"\x01") if part.startswith(b"55=")]
    last = [part[4:] for part in raw.split(b"\x01") if part.startswith(b"893=")]
    assert last == [b"N"] * ((len(found) - 1) // FRAGMENT_SYMBOLS) + [b"Y"]
    total = {part[4:] for part in raw.split(b"\x01") if part.startswith(b"393=")}
    assert total == {b"%d" % len(found)}
    return found


def test_o71_all_by_product_by_type_and_one(parts: Assembly, member: Member):
    known = parts.registry.known
    everything = sorted(known.instruments)
    assert len(everything) > 2 * FRAGMENT_SYMBOLS
    assert symbols(parts, member, "4") == everything
    number = known.products["SITB"]["product"]
    of_product = [name for name in everything if known.instruments[name]["product"] == number]
    assert symbols(parts, member, "3", (336, "SITB")) == of_product
    futures = [name for name in everything if not known.instruments[name]["leg_1"]]
    assert symbols(parts, member, "1", (167, "FUT")) == futures
    assert symbols(parts, member, "0", (55, SYMBOL)) == [SYMBOL]


def test_o71_what_is_not_found_or_not_taken(member: Member):
    for how, named in (("0", (55, "NOSUCH")), ("3", (336, "NO")), ("1", (167, "OPT"))):
        (said,) = ask_list(member, how, named)
        assert (said[35], said[320], said[560]) == ("y", "list", "2")
    for fields in ((), ((263, "1"), (55, SYMBOL))):
        (said,) = ask_list(member, "0", *fields)
        assert said[560] == "1"
    (said,) = ask_list(member, "2", (55, SYMBOL))
    assert said[560] == "1"


def test_o71_expired_instruments_are_not_listed(parts: Assembly, member: Member):
    before = symbols(parts, member, "4")
    parts.sequencer.engine.tables().instruments["expired"][
        int(parts.registry.known.instruments[SYMBOL]["instrument"])
    ] = 1
    assert symbols(parts, member, "4") == [name for name in before if name != SYMBOL]
    (said,) = ask_definition(member, "0", (55, SYMBOL))
    assert said[323] == "6"


def ask_definition(member: Member, how: str, *fields: Field) -> list[dict[int, str]]:
    return member.ask(b"c", (320, "one"), (321, how), *fields)


def test_o72_o73_one_instrument_as_the_catalogue_has_it(parts: Assembly, member: Member):
    product = CATALOGUE.product("SITB")
    (said,) = ask_definition(member, "0", (55, SYMBOL))
    assert (said[35], said[320], said[323], said[55]) == ("d", "one", "1", SYMBOL)
    assert (said[167], said[200], said[15], said[336]) == ("FUT", "202701", "USD", "SITB")
    assert (said[231], said[1140]) == (str(product.multiplier), str(product.qty_max))
    assert float(said[969]) == float(product.tick) and said[562] == "1"
    row = parts.sequencer.engine.tables().instruments[
        int(parts.registry.known.instruments[SYMBOL]["instrument"])
    ]
    for tag, name in ((5301, "low"), (5302, "high"), (5307, "reference")):
        assert round(float(said[tag]) * 10**9) == row[name]
    assert said[541] == "20270120", "the third Wednesday"
    assert 555 not in said


def test_o72_unknown_symbols_and_other_requests(member: Member):
    (said,) = ask_definition(member, "1", (55, "NOSUCH"))
    assert (said[323], said[55], said[58]) == ("6", "NOSUCH", "unknown symbol")
    for how, fields in (("0", ()), ("3", ((55, SYMBOL),))):
        (said,) = ask_definition(member, how, *fields)
        assert said[323] == "5" and "321" in said[58]


@pytest.mark.parametrize(
    ("kind", "tag", "rest"),
    [(b"AF", 584, (585, "7")), (b"x", 320, (559, "4")), (b"c", 320, (321, "0"))],
)
def test_o73_ids_are_short(kind: bytes, tag: int, rest: Field, member: Member):
    (said,) = member.ask(kind, (tag, "x" * 65), rest)
    assert (said[35], said[372], said[380]) == ("j", kind.decode(), "0") and str(tag) in said[58]


def test_answers_are_sent_again_as_they_were(member: Member):
    enter(member, "a")
    first = [*ask_orders(member, "7"), *ask_definition(member, "0", (55, SYMBOL))]
    again = member.ask(b"2", (7, int(first[0][34])), (16, 0))
    for sent, resent in zip(first, again, strict=True):
        body = {tag: value for tag, value in resent.items() if tag not in (9, 10, 43, 52, 122)}
        assert body == {tag: value for tag, value in sent.items() if tag not in (9, 10, 52)}
