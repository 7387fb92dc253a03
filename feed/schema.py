"""The messages as JSON Schema, for readers in other languages and for code generators.

What msgspec makes of the Structs, with the name of each field as the title of its place in the
array. Units and meanings are in specs/market_data.md.

Source: specs/market_data.md (F-10, F-133).
"""

from __future__ import annotations

from typing import Any

import msgspec

from feed.messages import SCHEMA_VERSION, Message, Request

STRUCTS = (*Message.__args__, *Request.__args__)  # type: ignore[attr-defined]


def json_schema() -> dict[str, Any]:
    """Schema of one message or request; a packet's payload is an array of them."""
    schemas, components = msgspec.json.schema_components(
        (Message, Request), ref_template="#/$defs/{name}"
    )
    for struct in STRUCTS:
        places = components[struct.__name__]["prefixItems"]
        names = ["tag", *struct.__struct_fields__]
        for place, name in zip(places, names, strict=True):
            place["title"] = name
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"sitex market data, schema version {SCHEMA_VERSION}",
        "description": "A MessagePack array a message; prices in 1e-9, quantities in lots, "
        "times in ns since 1970 UTC. Further items may be appended: pass over them.",
        "anyOf": [one for schema in schemas for one in schema["anyOf"]],
        "$defs": components,
    }
