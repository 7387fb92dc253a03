"""FIXT11.xml and FIX50SP2.xml from FIX44.xml: one dialect, two forms, and what differs.

`python -m tests.fixt_dictionaries` writes both after a change of FIX44.xml; a test holds them.
Source: specs/order_entry.md O-128 to O-130.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from copy import deepcopy
from pathlib import Path

from gateway.dialect import DICTIONARY

Element = ElementTree.Element
FIXT11, FIX50SP2 = (DICTIONARY.with_name(name) for name in ("FIXT11.xml", "FIX50SP2.xml"))
VERSION = ("9", "FIX50SP2")
NEW_FIELDS = (
    ("779", "LastUpdateTime", "UTCTIMESTAMP", ()),
    ("1128", "ApplVerID", "CHAR", (VERSION,)),
    ("1130", "RefApplVerID", "CHAR", (VERSION,)),
    ("1137", "DefaultApplVerID", "CHAR", (VERSION,)),
    ("1369", "MassActionReportID", "STRING", ()),
)
# (message, field, required) that FIXT.1.1 and FIX 5.0 SP2 have beyond FIX 4.4's; "": the header
ADDED = (
    ("", "ApplVerID", "N"),
    ("A", "DefaultApplVerID", "Y"),
    ("3", "RefApplVerID", "N"),
    ("j", "RefApplVerID", "N"),
    ("r", "MassActionReportID", "Y"),
    ("W", "LastUpdateTime", "Y"),
)
NAMES = {"b": "MassQuoteAck"}
TYPES = {
    "ExecInst": "MULTIPLECHARVALUE", "OrderRestrictions": "MULTIPLECHARVALUE",
    "SettlType": "STRING", "XmlData": "XMLDATA", "ContractMultiplier": "FLOAT",
    "MassCancelRejectReason": "INT", "MassStatusReqType": "INT", "LegRatioQty": "FLOAT",
    "MinPriceIncrement": "FLOAT",
}  # fmt: skip
NOTE = """ {} of sitex's dialect in FIXT.1.1: FIX44.xml in another form,
     written by tests/fixt_dictionaries.py. Rules in specs/order_entry.md, O-128 to O-130. """


def derived() -> dict[Path, str]:
    """The text of both files."""
    source = ElementTree.parse(DICTIONARY).getroot()
    messages = {one.attrib["msgtype"]: deepcopy(one) for one in part(source, "messages")}
    header, trailer = deepcopy(part(source, "header")), deepcopy(part(source, "trailer"))
    for msg_type, name, required in ADDED:
        place = messages[msg_type] if msg_type else header
        ElementTree.SubElement(place, "field", name=name, required=required)
    for msg_type, name in NAMES.items():
        messages[msg_type].set("name", name)
    session = [one for one in messages.values() if one.attrib["msgcat"] == "admin"]
    application = [one for one in messages.values() if one.attrib["msgcat"] == "app"]
    fields = fields_of(source)
    transport = ("FIXT", "1", "1", "0"), header, session, trailer
    version = ("FIX", "5", "0", "2"), Element("header"), application, Element("trailer")
    return {
        FIXT11: text_of("Session layer", *transport, fields),
        FIX50SP2: text_of("Application messages, FIX 5.0 SP2,", *version, fields),
    }


def part(root: Element, name: str) -> Element:
    """A child of the dictionary."""
    found = root.find(name)
    assert found is not None, name
    return found


def fields_of(source: Element) -> list[Element]:
    """The fields of both, as FIX 5.0 SP2 has them, in order of their tags."""
    fields = {one.attrib["name"]: deepcopy(one) for one in part(source, "fields")}
    for name, kind in TYPES.items():
        fields[name].set("type", kind)
    for number, name, kind, values in NEW_FIELDS:
        fields[name] = Element("field", number=number, name=name, type=kind)
        for value, description in values:
            ElementTree.SubElement(fields[name], "value", enum=value, description=description)
    return sorted(fields.values(), key=lambda one: int(one.attrib["number"]))


def text_of(
    what: str,
    version: tuple[str, str, str, str],
    header: Element,
    messages: list[Element],
    trailer: Element,
    fields: list[Element],
) -> str:
    """A dictionary with the fields that its own parts name."""
    kind, major, minor, pack = version
    root = Element("fix", major=major, type=kind, servicepack=pack, minor=minor)
    body = ElementTree.SubElement(root, "messages")
    body.extend(messages)
    root.insert(0, header)
    root.append(trailer)
    ElementTree.SubElement(root, "components")
    used = {one.attrib["name"] for one in root.iter() if one.tag in ("field", "group")}
    ElementTree.SubElement(root, "fields").extend(
        one for one in fields if one.attrib["name"] in used
    )
    ElementTree.indent(root, " ")
    text = ElementTree.tostring(root, encoding="unicode", short_empty_elements=True)
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return f"{head}<!--{NOTE.format(what)}-->\n{text.replace(' />', '/>')}\n"


if __name__ == "__main__":
    for path, text in derived().items():
        path.write_text(text)
