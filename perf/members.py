"""A venue.toml of many members, each with an account of its name."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

_LINES = """[feed]
line_a = { group = "239.255.73.1", port = 30001 }
line_b = { group = "239.255.73.2", port = 30002 }
"""


def write_members(
    path: Path,
    members: Iterable[tuple[str, ...]],
    requests_max: int = 1_000,
    rates: dict[str, int] | None = None,
) -> Path:
    """Writes the file; a member's CompIDs, the first of which is its name.

    requests_max: of each member and venue day, and its live orders. rates: messages a second of
    members by name.
    """
    tables = [
        f'[[member]]\nname = "{comp_ids[0]}"\nsessions = {list(comp_ids)}\n'
        f"requests_per_day_max = {requests_max}\nlive_orders_max = {requests_max}\n"
        f"messages_per_second_max = {(rates or {}).get(comp_ids[0], 10_000_000)}\n"
        f'[[member.account]]\nname = "{comp_ids[0]}"\n'
        for comp_ids in members
    ]
    path.write_text("\n".join([_LINES, *tables]))
    return path
