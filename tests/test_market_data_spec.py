"""specs/market_data.md and feed/messages.py say the same."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from engine.types import Currency, PriceRule, Side
from feed import messages as m
from feed import packet
from feed.handler import HandlerLimits
from feed.multicast import LINE_A, LINE_B, SNAPSHOT_LINE
from feed.recovery import RecoveryLimits
from feed.snapshot_line import SnapshotLineLimits

ROOT = Path(__file__).resolve().parent.parent
SPEC = (ROOT / "specs" / "market_data.md").read_text()
TABLE_HEAD = "| field | type | unit | meaning |"
STRUCTS = {
    struct.__name__: struct
    for struct in (*m.Message.__args__, *m.Request.__args__)  # type: ignore[attr-defined]
}
INT64_MAX = 2**63 - 1


def _tables() -> dict[str, tuple[int, list[tuple[str, str]]]]:
    """name -> (tag, [(field, type)]) of every message table of the text."""
    found = {}
    name, tag = "", 0
    lines = SPEC.splitlines()
    for index, line in enumerate(lines):
        match = re.search(r"(?:\*\*F-\d+ )?(\w+)(?:\*\*)? \(tag (\d+)\)", line)
        if match:
            name, tag = match[1], int(match[2])
        if line == TABLE_HEAD:
            rows = []
            for row in lines[index + 2 :]:
                if not row.startswith("|"):
                    break
                cells = [cell.strip() for cell in row.strip("|").split("|")]
                rows.append((cells[0], cells[1]))
            found[name] = (tag, rows)
    return found


def test_every_message_has_a_table_and_every_table_a_message() -> None:
    """Nothing is sent that is not described."""
    assert _tables().keys() == STRUCTS.keys()


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_tag_fields_and_types(name: str) -> None:
    """Order, names and types of the fields, and the tag."""
    tag, rows = _tables()[name]
    info = msgspec.inspect.type_info(STRUCTS[name])
    assert isinstance(info, msgspec.inspect.StructType)
    assert tag == info.tag and info.array_like
    kinds = {msgspec.inspect.IntType: "int", msgspec.inspect.StrType: "str"}
    assert rows == [(field.name, kinds[type(field.type)]) for field in info.fields]


@pytest.mark.parametrize("name", sorted(STRUCTS))
def test_no_message_is_longer_than_stated(name: str) -> None:
    """F-10, F-40: the widest values of every field."""
    info = msgspec.inspect.type_info(STRUCTS[name])
    assert isinstance(info, msgspec.inspect.StructType)
    widest = [
        "X" * (field.type.max_length or 0)
        if isinstance(field.type, msgspec.inspect.StrType)
        else -INT64_MAX
        for field in info.fields
    ]
    size = len(m.ENCODER.encode(STRUCTS[name](*widest)))
    bound = m.REQUEST_BYTES_MAX if "Request" in name else m.MESSAGE_BYTES_MAX
    assert size <= bound
    assert f"{bound} bytes" in SPEC


def test_header_table_is_the_header() -> None:
    """F-2: offsets and sizes, by packing a header whose fields are all different."""
    sizes = re.findall(r"^\| (\d+) \| (\d) \| (\w+) \|", SPEC, re.M)
    data = packet.encode_packet(
        packet.PacketKind.ANSWER, 7, 8, 9, [m.ENCODER.encode(m.Refused(1, 2, 3))]
    )
    expected = {
        "magic": 0x5853,
        "version": m.SCHEMA_VERSION,
        "kind": 3,
        "message_count": 1,
        "length": len(data),
        "session": 7,
        "sequence": 8,
        "sending_time_ns": 9,
    }
    read = {
        name: int.from_bytes(data[int(at) : int(at) + int(size)], "little")
        for at, size, name in sizes
    }
    assert read == expected
    assert sum(int(size) for _, size, _ in sizes) == packet.HEADER_BYTES == 32
    assert data[32] == 0xDC and "prefix 0xdc" in SPEC


def test_enumerations() -> None:
    """Numbers in the text are those of the enumerations."""
    for kind in packet.PacketKind:
        assert kind == 0 or f"{int(kind)} {kind.name}" in SPEC
    for reason in m.RefusedReason:
        assert reason == 0 or f"{int(reason)} {reason.name}" in SPEC
    for status in m.TradingStatus:
        assert status == 0 or f"{int(status)} {status.name.lower()}" in SPEC
    for currency in Currency:
        assert currency == 0 or f"{int(currency)} {currency.name}" in SPEC
    assert (PriceRule.RESTING, PriceRule.MEDIAN3) == (1, 2)
    assert (Side.BUY, Side.SELL) == (49, 50)
    assert m.MessageFlag.END_OF_EVENT == 1


def test_bounds_and_defaults() -> None:
    """Numbers in the text are those of the limits."""
    recovery, handler = RecoveryLimits(), HandlerLimits()
    assert f"at most {packet.PACKET_BYTES_MAX:,}" in SPEC
    assert f"{LINE_A.group}:{LINE_A.port}" in SPEC and f"{LINE_B.group}:{LINE_B.port}" in SPEC
    assert f"{SNAPSHOT_LINE.group}:{SNAPSHOT_LINE.port}" in SPEC
    assert f"at {SnapshotLineLimits.bytes_per_second:,} bytes a second" in SPEC
    assert f"at most {recovery.replay_messages_max:,} messages" in SPEC
    assert handler.replay_messages_max == recovery.replay_messages_max
    assert f"{recovery.history_bytes >> 20} MiB" in SPEC
    assert f"{recovery.connections_max} connections" in SPEC
    assert f"{recovery.client_connections_max} connections of it" in SPEC
    assert f"a bucket of {recovery.client_burst_messages:,} messages" in SPEC
    assert f"fills by {recovery.client_messages_per_second:,} a second" in SPEC
    assert f"{recovery.request_interval_s * 1000:.0f} ms between two requests" in SPEC
    assert f"{recovery.snapshot_interval_s} s between two snapshots" in SPEC
    assert f"no bytes for {recovery.write_timeout_s:.0f} s" in SPEC
    assert f"nothing for {recovery.idle_timeout_s:.0f} s" in SPEC
    assert f"wait {handler.reorder_window_ns // 1_000_000} ms" in SPEC
    assert f"nothing for {handler.silence_ns // 1_000_000_000} s asks" in SPEC
    assert f"spoken within {handler.silence_ns // 1_000_000_000} s" in SPEC
    assert f"has come for {handler.stale_ns // 1_000_000_000} s" in SPEC


def test_every_rule_cited_exists() -> None:
    """Code and tests cite rules that are in the text, and rules are numbered once."""
    rules = re.findall(r"^- \*\*(F-\d+)", SPEC, re.M)
    assert len(rules) == len(set(rules))
    for folder, pattern in (("feed", "*.py"), ("tests", "*feed*.py")):
        for path in (ROOT / folder).glob(pattern):
            for cited in re.findall(r"\bF-\d+\b", path.read_text()):
                assert cited in rules, f"{path.name}: {cited}"
