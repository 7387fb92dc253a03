"""The definitions file: read back, torn, ahead of the journal, written twice."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.definitions import (
    FILE_NAME,
    DefinitionsReader,
    DefinitionsWriter,
    definition_commands,
    read_definitions,
)
from engine.reference import PRODUCT
from engine.types import CommandKind
from tests.build import ALPHA, buy, instrument, number, pack, product, usual_venue


def write(data_dir: Path, commands: list[dict], first_number: int = 1) -> int:
    """Adds the commands as the venue would."""
    rows, blobs = pack(number(commands))
    with DefinitionsWriter(data_dir, first_number - 1 + len(rows)) as writer:
        return writer.add_commands(rows, blobs, first_number)


def test_definitions_are_read_back_as_the_same_commands(tmp_path: Path) -> None:
    """Every definition, in order, with its row; orders are passed over."""
    commands = [*usual_venue(), buy(ALPHA, "A", 1, 100)]
    assert write(tmp_path, commands) == len(commands) - 1
    rows, blobs = definition_commands(tmp_path)
    raw = [
        blobs[row["blob_offset"] : row["blob_offset"] + row["blob_length"]].tobytes()
        for row in rows
    ]
    assert raw == [one["blob"] for one in commands[:-1]]
    assert rows["kind"].tolist() == [one["kind"] for one in commands[:-1]]


def test_the_first_definition_of_an_id_counts(tmp_path: Path) -> None:
    """M-7."""
    write(tmp_path, [product(1, code=b"ONE"), product(1, code=b"TWO"), instrument(4, 1)])
    reader = DefinitionsReader(tmp_path)
    assert reader.product(1)["code"] == b"ONE"
    assert reader.instrument(4)["product"] == 1
    with pytest.raises(KeyError):
        reader.instrument(5)


def test_a_reader_sees_what_is_added_later(tmp_path: Path) -> None:
    """The feed is running when a new month is listed."""
    reader = DefinitionsReader(tmp_path)
    with pytest.raises(KeyError):
        reader.product(1)
    write(tmp_path, [product(1)])
    assert reader.product(1)["product"] == 1
    write(tmp_path, [product(2)], first_number=2)
    assert reader.product(2)["product"] == 2


def test_torn_at_every_byte(tmp_path: Path) -> None:
    """A record that is not whole is passed over by readers and cut by the writer."""
    path = tmp_path / FILE_NAME
    write(tmp_path, [product(1), instrument(1, 1)])
    whole = path.read_bytes()
    first = 16 + PRODUCT.itemsize
    for size in range(first, len(whole)):
        path.write_bytes(whole[:size])
        assert [one.kind for one in read_definitions(tmp_path)] == [CommandKind.DEFINE_PRODUCT]
        write(tmp_path, [instrument(1, 1)], first_number=2)
        assert path.read_bytes() == whole


def test_a_flipped_bit_ends_the_file(tmp_path: Path) -> None:
    """A damaged record and what follows it are not believed."""
    path = tmp_path / FILE_NAME
    write(tmp_path, [product(1), product(2), product(3)])
    data = bytearray(path.read_bytes())
    data[16 + PRODUCT.itemsize + 40] ^= 1
    path.write_bytes(data)
    assert len(read_definitions(tmp_path)) == 1


def test_records_beyond_the_journal_are_cut(tmp_path: Path) -> None:
    """A power cut took commands that were in the file already."""
    write(tmp_path, [product(1), product(2), product(3)])
    DefinitionsWriter(tmp_path, 2).close()
    assert [one.command_number for one in read_definitions(tmp_path)] == [1, 2]


def test_commands_are_not_added_twice(tmp_path: Path) -> None:
    """A replay adds what is missing and nothing else."""
    assert write(tmp_path, [product(1), product(2)]) == 2
    assert write(tmp_path, [product(1), product(2), product(3)]) == 1
    assert [one.command_number for one in read_definitions(tmp_path)] == [1, 2, 3]


def test_a_blob_of_the_wrong_length_is_ignored(tmp_path: Path) -> None:
    """As the engine ignores the command (M-8)."""
    rows, blobs = pack(number([product(1)]))
    rows["blob_length"] -= 1
    with DefinitionsWriter(tmp_path, 1) as writer:
        assert writer.add_commands(rows, blobs, 1) == 0
        assert writer.add_commands(np.zeros(0, rows.dtype), blobs, 2) == 0
    assert read_definitions(tmp_path) == []
