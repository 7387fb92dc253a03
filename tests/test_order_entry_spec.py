"""specs/order_entry.md against the dictionary, the reject table and the codec."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.dialect import load_dialect
from specs.rejects import REJECT_TEXTS
from tests.codec_bench import make_tables

TEXT = (Path(__file__).resolve().parent.parent / "specs" / "order_entry.md").read_text()
DIALECT = load_dialect()
SECTIONS = {
    match[1]: match[2]
    for match in re.finditer(r"^### \w+ \(35=(\w+)\)\n(.*?)(?=^###|\Z)", TEXT, re.M | re.S)
}
INBOUND = (*"A501243DFGHqegiZRxcV", "AD", "AE", "AF", "BE")


def listed_fields(section: str) -> dict[int, tuple[str, str]]:
    """tag -> (name, presence) of a message's table and of the list below it."""
    rows = re.findall(r"^\| (\d+) \| (\w+) \| ([YCN]) \|", section, re.M)
    fields = {int(tag): (name, presence) for tag, name, presence in rows}
    for name, tag in re.findall(r"(\w+) \((\d+)\)[,.]", section):
        assert int(tag) not in fields
        fields[int(tag)] = (name, "N")
    return fields


def test_every_message_has_its_section() -> None:
    assert set(SECTIONS) == set(DIALECT.layouts)


@pytest.mark.parametrize("msg_type", sorted(DIALECT.layouts))
def test_message_table_is_the_dictionary(msg_type: str) -> None:
    fields = listed_fields(SECTIONS[msg_type])
    layout = DIALECT.layouts[msg_type]
    assert set(fields) == set(layout)
    for tag, (name, presence) in fields.items():
        assert name == DIALECT.names[tag]
        assert (presence == "Y") == layout[tag], (tag, presence)


@pytest.mark.parametrize("msg_type", sorted(DIALECT.layouts))
def test_example_is_a_valid_message(msg_type: str) -> None:
    examples = re.findall(r"^8=FIX\.4\.4\|.*\|$", SECTIONS[msg_type], re.M)
    assert len(examples) == 1
    tables = make_tables(is_venue=msg_type in INBOUND)
    raw = examples[0].replace("|", "\x01").encode()
    found = tables.read_bytes(raw)
    assert found.message is not None and found.consumed == len(raw)
    assert found.message.fault is None and found.message.msg_type == msg_type.encode()


def test_conditionally_required_fields_are_those_of_the_rule() -> None:
    conditional = {
        msg_type: {tag for tag, (_, presence) in listed_fields(section).items() if presence == "C"}
        for msg_type, section in SECTIONS.items()
    }
    assert {msg_type: tags for msg_type, tags in conditional.items() if tags} == {
        "D": {55, 38, 44, 99, 432},
        "F": {41, 55},
        "G": {41, 55, 38, 44, 99, 432},
        "H": {55},
        "q": {55},
        "Z": {295},
        "AF": {55, 336},
    }


def test_reject_table_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| (\d+) \| ([A-Z_]+) \| (.+?) \| (\d+) \| (\d+) \|$", TEXT, re.M)
    assert [
        (int(number), name, text, int(order), int(cancel))
        for number, name, text, order, cancel in rows
    ] == [
        (int(reject), reject.name, entry.text, entry.ord_rej_reason, entry.cxl_rej_reason)
        for reject, entry in REJECT_TEXTS.items()
    ]


def test_header_and_trailer_are_listed() -> None:
    listed = re.search(r"^Header: (.*)\nTrailer: (.*)$", TEXT, re.M)
    assert listed is not None
    message = int(DIALECT.message_of_type[ord("0")])
    tags = {tag for tag in DIALECT.names if DIALECT.cells[message, DIALECT.field_of_tag[tag]] >= 64}
    assert {int(tag) for tag in re.findall(r"\d+", listed[0])} == tags
