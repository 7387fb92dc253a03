"""The dictionary and its tables. Source: specs/fix/FIX44.xml."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gateway.dialect import (
    ANY_CHARACTER,
    DICTIONARY,
    GROUP_CELL,
    HEADER_CELL,
    TRAILER_CELL,
    DialectError,
    Kind,
    load_dialect,
    type_place,
)

DIALECT = load_dialect()


def cell(msg_type: str, tag: int) -> int:
    message = int(DIALECT.message_of_type[type_place(msg_type.encode())])
    return int(DIALECT.cells[message, DIALECT.field_of_tag[tag]])


def test_message_types_are_those_sitex_speaks() -> None:
    assert set(DIALECT.layouts) == {
        *"012345ADFGHq89rjefghibZRxycdVWXYB",
        "AD",
        "AE",
        "AQ",
        "AR",
        "AF",
        "BE",
        "BF",
    }


def test_cells_tell_header_body_trailer_and_groups() -> None:
    assert cell("D", 49) == HEADER_CELL + 3
    assert cell("D", 11) == DIALECT.slot("D", 11) == 1
    assert cell("D", 10) == TRAILER_CELL
    assert cell("D", 448) == GROUP_CELL
    assert cell("D", 150) == 0
    assert cell("q", 336) == DIALECT.slot("q", 336)  # a plain field there, a member in D


def test_places_of_message_types_differ() -> None:
    types = [b"A", b"B", b"E", b"AE", b"BE", b"AB", b"BA"]
    assert len({type_place(msg_type) for msg_type in types} - {0}) == len(types)
    assert [type_place(msg_type) for msg_type in (b"", b"CA", b"ABC")] == [0, 0, 0]


def test_slots_of_a_message_differ() -> None:
    for msg_type, layout in DIALECT.layouts.items():
        slots = [DIALECT.slot(msg_type, tag) for tag in layout]
        assert len(set(slots)) == len(slots) and min(slots, default=1) >= 1


def test_required_fields() -> None:
    required = {
        t: {tag for tag, need in layout.items() if need} for t, layout in DIALECT.layouts.items()
    }
    assert required["D"] == {11, 54, 60, 40}
    assert required["F"] == {11, 54, 60}
    assert required["A"] == {98, 108}
    assert required["2"] == {7, 16}


def test_enumerations_are_bits() -> None:
    side = DIALECT.fields[DIALECT.field_of_tag[54]]
    assert side["enum_0"] == np.uint64(1 << ord("1") | 1 << ord("2"))
    boolean = DIALECT.fields[DIALECT.field_of_tag[43]]
    assert boolean["kind"] == Kind.BOOLEAN
    assert boolean["enum_1"] == np.uint64(1 << (ord("Y") - 64) | 1 << (ord("N") - 64))
    text = DIALECT.fields[DIALECT.field_of_tag[58]]
    assert text["enum_0"] == np.uint64(ANY_CHARACTER)


def test_own_tags_are_named() -> None:
    assert DIALECT.names[8000] == "SelfMatchPreventionInstruction"
    assert DIALECT.names[7928] == "SelfMatchPreventionID"
    assert DIALECT.names[5300] == "HedgeFlag"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('number="11"', 'number="10011"', "tag outside"),
        ('type="QTY"', 'type="QUANTITY"', "unknown type"),
        ('<field name="ClOrdID" required="Y"/>', '<field name="ClOrd" required="Y"/>', "ClOrd"),
        ('enum="1" description="BUY"', 'enum="11" description="BUY"', "enumeration"),
        ('msgtype="D"', 'msgtype="DD"', "one character"),
    ],
)
def test_broken_dictionary_is_named(tmp_path: Path, old: str, new: str, text: str) -> None:
    broken = tmp_path / "broken.xml"
    whole = DICTIONARY.read_text()
    assert old in whole
    broken.write_text(whole.replace(old, new))
    with pytest.raises(DialectError, match=text) as raised:
        load_dialect(broken)
    assert str(broken) in str(raised.value)


def test_quickfix_loads_the_dictionary() -> None:
    quickfix = pytest.importorskip("quickfix", reason="extra [quickfix] not installed")
    dictionary = quickfix.DataDictionary(str(DICTIONARY))
    assert dictionary.getVersion() == "FIX.4.4"
