"""`sitex replay` and `sitex book` on a small journal."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest

from engine.cl_ord_id import pack_cl_ord_id
from engine.definitions import DefinitionsWriter
from engine.files import JOURNAL, FileSizes
from engine.limits import EngineLimits
from engine.sequencer import Sequencer
from engine.types import COMMAND, CommandKind, OrdType, Side, TimeInForce
from gateway.cli_replay import run_book, run_replay
from gateway.definitions import Known, missing
from specs.products import load_products
from specs.venue import load_venue

START_NS = 1_795_000_000_000_000_000
LIMITS = EngineLimits(
    orders_max=64, requests_max=256, instruments_max=255, products_max=15, members_max=15,
    accounts_max=15, sessions_max=15, levels_max=1 << 18,
)  # fmt: skip
SIZES = FileSizes(
    journal_bytes=1 << 20, journal_reserve_bytes=1 << 18, event_rows=1 << 12,
    event_reserve_rows=1 << 10, request_chunk_rows=256, request_resident_rows=256,
)  # fmt: skip


class Journaled:
    """A data directory with definitions and three orders; `defined` commands come before them."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        known = Known()
        definitions = missing(known, load_products(), load_venue(), date(2026, 11, 20), START_NS)
        sequencer = Sequencer.open(
            data_dir, limits=LIMITS, sizes=SIZES, durability="os", now_ns=START_NS,
            venue_day=20261120, threaded=False,
        )  # fmt: skip
        with DefinitionsWriter(data_dir, 0) as writer:
            writer.add_commands(*definitions, 1)
        sequencer.submit(*definitions)
        self.defined = len(definitions.commands)
        orders = ((Side.BUY, 1_999), (Side.SELL, 2_001), (Side.BUY, 2_001))
        for number, (side, ticks) in enumerate(orders, 1):
            sequencer.submit(_order(known, f"T{number}", side, ticks))
        self.state_hash = sequencer.engine.state_hash()
        self.events = sequencer.engine.event_count
        sequencer.flush()
        sequencer.sync()
        sequencer.close()


def _order(known: Known, name: str, side: Side, ticks: int) -> np.ndarray:
    rows = np.zeros(1, COMMAND)
    rows["kind"], rows["time_ns"] = CommandKind.NEW_ORDER, START_NS
    rows["instrument"] = known.instruments["SITB2612"]["instrument"]
    for kind, column in ((known.sessions, "session"), (known.members, "member")):
        rows[column] = kind["ALPHA"][column]
    rows["account"] = known.accounts["ALPHA"]["account"]
    rows["self_match_id"] = 1 if side == Side.BUY else 2
    rows["side"], rows["price"], rows["qty"] = side, ticks * 1_000_000, 5
    rows["ord_type"], rows["time_in_force"] = OrdType.LIMIT, TimeInForce.DAY
    words = pack_cl_ord_id(name.encode())
    rows["cl_ord_id_0"], rows["cl_ord_id_1"], rows["cl_ord_id_2"] = words
    return rows


@pytest.fixture(scope="module")
def journaled(tmp_path_factory: pytest.TempPathFactory) -> Journaled:
    return Journaled(tmp_path_factory.mktemp("venue") / "data")


def test_replay_prints_counts_hash_and_rate(
    journaled: Journaled, capsys: pytest.CaptureFixture[str]
):
    assert run_replay(journaled.data_dir) == 0
    said = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines()}
    assert said["commands"] == [f"{journaled.defined + 3:,}"]
    assert said["events"] == [f"{journaled.events:,}"]
    assert said["state"] == [journaled.state_hash.hex()]
    assert said["rate"][1] == "commands/s"


def test_book_after_each_command(journaled: Journaled, capsys: pytest.CaptureFixture[str]):
    shown = []
    for more in range(4):
        assert run_book("SITB2612", journaled.data_dir, journaled.defined + more) == 0
        shown.append(capsys.readouterr().out)
    assert "empty" in shown[0]
    assert "1.999" in shown[1] and "2.001" not in shown[1]
    assert "1.999" in shown[2] and "2.001" in shown[2]
    assert "1.999" in shown[3] and "2.001" not in shown[3]
    assert run_book("SITB2612", journaled.data_dir, None) == 0
    assert capsys.readouterr().out == shown[3]


def test_what_cannot_be_shown_is_said(
    journaled: Journaled, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert run_book("SITB2613", journaled.data_dir, None) == 1
    assert "SITB2612" in capsys.readouterr().err
    beyond = journaled.defined + 4
    assert run_book("SITB2612", journaled.data_dir, beyond) == 1
    assert f"the journal ends with command {beyond - 1}" in capsys.readouterr().err
    assert run_replay(tmp_path) == 1
    assert "no journal" in capsys.readouterr().err
    assert run_book("SITB2612", tmp_path, None) == 1


def test_damage_names_file_and_offset(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    journaled = Journaled(tmp_path / "data")
    segment = next(journaled.data_dir.glob(f"*/{JOURNAL}-*"))
    data = bytearray(segment.read_bytes())
    data[300] ^= 1
    segment.write_bytes(data)
    assert run_replay(journaled.data_dir) == 1
    error = capsys.readouterr().err
    assert str(segment) in error and "offset" in error
