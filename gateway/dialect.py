"""A FIX dialect as tables: dictionaries of specs/fix in, numpy rows for the kernels out.

Knows the format of the dictionary and nothing of sessions, orders or bytes on a wire. The tables
are built once at start and never change.

Source: specs/fix/FIX44.xml; FIXT11.xml with FIX50SP2.xml; specs/order_entry.md O-20, O-128.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np

DICTIONARY = Path(__file__).resolve().parent.parent / "specs" / "fix" / "FIX44.xml"
FIXT_DICTIONARIES = tuple(DICTIONARY.with_name(f"{name}.xml") for name in ("FIXT11", "FIX50SP2"))
TAGS_MAX = 10_000  # tags lie below
DIALECT_FIELDS_MAX = 256  # fields of the dictionary, 0 unused
MESSAGES_MAX = 64  # message types, 0 unused
TYPES_MAX = 3 * 128  # places of message types: of one character, of two after A, after B
GROUPS_MAX = 32  # layouts of repeating groups, 0 unused
SLOTS_MAX = 64  # single fields of one message's header or body; bits of a word

HEADER_CELL = 64  # cells of header fields: 64 + slot
TRAILER_CELL = 128
ANY_CHARACTER = 2**64 - 1
GROUP_CELL = 255  # only inside a repeating group

# Message types of FIX 4.4 that this venue does not take: BusinessMessageReject 380=3, not 373=11.
FIX44_TYPES = frozenset(
    b"0 1 2 3 4 5 6 7 8 9 A B C D E F G H J K L M N P Q R S T V W X Y Z a b c d e f g h i j k l m n"
    b" o p q r s t u v w x y z AA AB AC AD AE AF AG AH AI AJ AK AL AM AN AO AP AQ AR AS AT AU AV AW"
    b" AX AY AZ BA BB BC BD BE BF BG BH".split()
)
# FIX 5.0 SP2 has all of them and BI to BZ, CA to CZ, DA to DZ, EA, EB
FIX50SP2_TYPES = FIX44_TYPES | {
    bytes((first, second))
    for first, letters in zip(b"BCDE", (b"IZ", b"AZ", b"AZ", b"AB"), strict=True)
    for second in range(letters[0], letters[1] + 1)
}


class Kind(IntEnum):
    """Formats of a value, as the kernels check them."""

    STRING = 0
    CHAR = 1
    INT = 2
    COUNT = 3  # SEQNUM, LENGTH: digits only
    GROUP = 4  # NUMINGROUP: digits only
    PRICE = 5
    QTY = 6
    TIMESTAMP = 7
    BOOLEAN = 8
    DATE = 9
    DATA = 10
    CHARS = 11  # characters with spaces between
    MONTH = 12


_KINDS = {
    "STRING": Kind.STRING,
    "CHAR": Kind.CHAR,
    "INT": Kind.INT,
    "SEQNUM": Kind.COUNT,
    "LENGTH": Kind.COUNT,
    "NUMINGROUP": Kind.GROUP,
    "PRICE": Kind.PRICE,
    "QTY": Kind.QTY,
    "UTCTIMESTAMP": Kind.TIMESTAMP,
    "BOOLEAN": Kind.BOOLEAN,
    "LOCALMKTDATE": Kind.DATE,
    "UTCDATEONLY": Kind.DATE,
    "UTCTIMEONLY": Kind.STRING,
    "DATA": Kind.DATA,
    "MULTIPLEVALUESTRING": Kind.CHARS,
    "MULTIPLECHARVALUE": Kind.CHARS,
    "FLOAT": Kind.PRICE,
    "XMLDATA": Kind.DATA,
    "MONTHYEAR": Kind.MONTH,
    "CURRENCY": Kind.STRING,
    "EXCHANGE": Kind.STRING,
}

FIELD_DEF = np.dtype(
    [
        ("enum_0", "<u8"),  # bit c: character c is allowed, 0 to 63; both all ones: any
        ("enum_1", "<u8"),  # characters 64 to 127
        ("tag", "<i4"),
        ("length_tag", "<i4"),  # DATA: the tag that must stand before it and gives its bytes
        ("kind", "u1"),  # Kind
        ("spare_1", "u1"),
        ("spare", "<u2"),
        ("spare_4", "<u4"),
    ]
)
assert FIELD_DEF.itemsize == 32

MESSAGE_DEF = np.dtype(
    [
        ("required_header", "<u8"),  # bit s: header slot s
        ("required_body", "<u8"),
        ("msg_type", "<u2"),  # its place, see type_place
        ("application", "u1"),
        ("inbound", "u1"),  # 1: a member may send it
        ("spare_4", "<u4"),
    ]
)
assert MESSAGE_DEF.itemsize == 24

_INBOUND = frozenset((*"012345ADFGHqegjiZRxcV", "AD", "AE", "AF", "BE"))
_DATA_LENGTH_TAGS = {91: 90, 213: 212, 89: 93, 355: 354, 96: 95}


class DialectError(ValueError):
    """The dictionary cannot be used; the text names file and element."""


@dataclass(frozen=True)
class Dialect:
    """The dialect's tables.

    fields: FIELD_DEF[fields + 1], 0 unused. field_of_tag: uint8[TAGS_MAX], 0: unknown tag.
    messages: MESSAGE_DEF[MESSAGES_MAX]. message_of_type: uint8[TYPES_MAX], 0: not in the dialect.
    cells: uint8[MESSAGES_MAX, DIALECT_FIELDS_MAX]: 0 not in this message, 1-63 body slot, 64 + slot
    header, TRAILER_CELL, GROUP_CELL. groups: uint8[MESSAGES_MAX, DIALECT_FIELDS_MAX]: the layout of
    the group that a field counts in a message. group_places: uint8[GROUPS_MAX, DIALECT_FIELDS_MAX]:
    place of a member in its group from 1, 0 none. names, enums, layouts: for people and tests.
    begin_string: of its messages.
    """

    fields: np.ndarray
    field_of_tag: np.ndarray
    messages: np.ndarray
    message_of_type: np.ndarray
    cells: np.ndarray
    groups: np.ndarray
    group_places: np.ndarray
    names: dict[int, str]
    enums: dict[int, tuple[str, ...]]
    layouts: dict[str, dict[int, bool]]  # msg type -> tag -> required, single fields of the body
    begin_string: bytes

    def slot(self, msg_type: str, tag: int) -> int:
        """Slot of a field in a message: body 1-63, header 0-63 by its cell less HEADER_CELL."""
        message = self.message_of_type[type_place(msg_type.encode())]
        cell = int(self.cells[message, self.field_of_tag[tag]])
        if cell in (0, GROUP_CELL, TRAILER_CELL):
            raise DialectError(f"message {msg_type}: no slot for tag {tag}")
        return cell - HEADER_CELL if cell >= HEADER_CELL else cell


def type_place(msg_type: bytes) -> int:
    """Where a message type stands in message_of_type: its byte; 128 or 256 + the one after A or B.

    0: no type of this dialect can be written so.
    """
    if len(msg_type) == 1:
        return msg_type[0] & 127
    if len(msg_type) == 2 and msg_type[:1] in (b"A", b"B"):
        return 128 * (msg_type[0] - 64) + (msg_type[1] & 127)
    return 0


def load_dialect(path: Path = DICTIONARY, *more: Path) -> Dialect:
    """Read a data dictionary; DialectError where it breaks a bound or names an unknown field.

    more: of application messages, where `path` has the session layer alone.
    """
    return _Builder(path, [ElementTree.parse(one).getroot() for one in (path, *more)]).build()


class _Builder:
    def __init__(self, path: Path, roots: list[ElementTree.Element]) -> None:
        self.path = path
        self.roots = roots
        self.fields = np.zeros(DIALECT_FIELDS_MAX, FIELD_DEF)
        self.field_of_tag = np.zeros(TAGS_MAX, np.uint8)
        self.messages = np.zeros(MESSAGES_MAX, MESSAGE_DEF)
        self.message_of_type = np.zeros(TYPES_MAX, np.uint8)
        self.cells = np.zeros((MESSAGES_MAX, DIALECT_FIELDS_MAX), np.uint8)
        self.places = np.zeros((GROUPS_MAX, DIALECT_FIELDS_MAX), np.uint8)
        self.names: dict[int, str] = {}
        self.enums: dict[int, tuple[str, ...]] = {}
        self.layouts: dict[str, dict[int, bool]] = {}
        self.tag_of_name: dict[str, int] = {}
        self.groups = np.zeros((MESSAGES_MAX, DIALECT_FIELDS_MAX), np.uint8)
        self.group_layouts: dict[tuple[int, ...], int] = {}  # count tag and members -> number

    def build(self) -> Dialect:
        self._read_fields()
        header, required = self._read_section("header", HEADER_CELL)
        trailer, _ = self._read_section("trailer", TRAILER_CELL)
        messages = self._part("messages")
        for index, element in enumerate(messages, 1):
            self._need(index < MESSAGES_MAX, "too many messages")
            self._read_message(index, element)
            self.messages[index]["required_header"] = required
            for field, cell in header.items():
                self.cells[index, field] = cell
            for field in trailer:
                self.cells[index, field] = TRAILER_CELL
        return Dialect(
            self.fields,
            self.field_of_tag,
            self.messages,
            self.message_of_type,
            self.cells,
            self.groups,
            self.places,
            self.names,
            self.enums,
            self.layouts,
            "{type}.{major}.{minor}".format_map(self.roots[0].attrib).encode(),
        )

    def _need(self, condition: bool, text: str) -> None:
        if not condition:
            raise DialectError(f"{self.path}: {text}")

    def _part(self, name: str) -> list[ElementTree.Element]:
        """What a part holds, in all dictionaries together."""
        parts = [root.find(name) for root in self.roots]
        self._need(None not in parts, f"no element {name}")
        return [element for part in parts if part is not None for element in part]

    def _read_fields(self) -> None:
        elements = list({one.attrib["number"]: one for one in self._part("fields")}.values())
        self._need(len(elements) < DIALECT_FIELDS_MAX, "too many fields")
        for index, element in enumerate(elements, 1):
            tag, name = int(element.attrib["number"]), element.attrib["name"]
            kind = element.attrib["type"]
            self._need(0 < tag < TAGS_MAX, f"field {name}: tag outside 1 to {TAGS_MAX - 1}")
            self._need(kind in _KINDS, f"field {name}: unknown type {kind}")
            row = self.fields[index]
            row["tag"], row["kind"] = tag, _KINDS[kind]
            row["length_tag"] = _DATA_LENGTH_TAGS[tag] if _KINDS[kind] == Kind.DATA else 0
            enum = tuple(value.attrib["enum"] for value in element)
            if not enum and _KINDS[kind] != Kind.BOOLEAN:
                row["enum_0"] = row["enum_1"] = ANY_CHARACTER
            for value in enum or ("Y", "N") * (_KINDS[kind] == Kind.BOOLEAN):
                self._need(len(value) == 1, f"field {name}: enumeration value {value}")
                word, bit = divmod(ord(value), 64)
                row[f"enum_{word}"] |= np.uint64(1 << bit)
            self.field_of_tag[tag] = index
            self.names[tag], self.tag_of_name[name] = name, tag
            if enum:
                self.enums[tag] = enum

    def _tag(self, element: ElementTree.Element) -> int:
        name = element.attrib["name"]
        self._need(name in self.tag_of_name, f"unknown field {name}")
        return self.tag_of_name[name]

    def _read_section(self, name: str, first_cell: int) -> tuple[dict[int, int], int]:
        cells: dict[int, int] = {}
        required = 0
        for slot, element in enumerate(self._part(name)):
            self._need(slot < SLOTS_MAX, f"{name}: too many fields")
            cells[int(self.field_of_tag[self._tag(element)])] = first_cell + slot
            required |= int(element.attrib["required"] == "Y") << slot
        return cells, required

    def _read_message(self, index: int, element: ElementTree.Element) -> None:
        msg_type = element.attrib["msgtype"]
        place = type_place(msg_type.encode())
        self._need(place != 0, f"message {msg_type}: one character, or two that begin with A or B")
        layout: dict[int, bool] = {}
        required = 0
        for slot, part in enumerate(element, 1):
            self._need(slot < SLOTS_MAX, f"message {msg_type}: too many fields")
            tag = self._tag(part)
            layout[tag] = part.attrib["required"] == "Y"
            required |= int(layout[tag]) << slot
            self.cells[index, self.field_of_tag[tag]] = slot
            if part.tag == "group":
                self._read_group(index, tag, part)
        row = self.messages[index]
        row["required_body"] = required
        row["msg_type"] = place
        row["application"] = element.attrib["msgcat"] == "app"
        row["inbound"] = msg_type in _INBOUND
        self.message_of_type[place] = index
        self.layouts[msg_type] = layout

    def _read_group(self, index: int, count_tag: int, element: ElementTree.Element) -> None:
        layout = (count_tag, *(self._tag(part) for part in element))
        group = self.group_layouts.setdefault(layout, len(self.group_layouts) + 1)
        self._need(group < GROUPS_MAX, "too many groups")
        self._need(len(layout) < 64, "a group of too many fields")  # a bit each
        self.groups[index, self.field_of_tag[count_tag]] = group
        for place, part in enumerate(element, 1):
            tag = self._tag(part)
            field = self.field_of_tag[tag]
            self.places[group, field] = place
            self.cells[index, field] = GROUP_CELL
            if part.tag == "group":
                self._read_group(index, tag, part)
