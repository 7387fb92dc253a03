"""The journal's writer and stream: records, torn tails at every byte, damage at every bit."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.files import FileSizes
from engine.journal import Journal, Tail
from engine.records import (
    FRAME_BYTES,
    GENESIS,
    HEADER_BYTES,
    MAGIC,
    RULES_VERSION,
    RecordKind,
    parse_header,
    record_bytes,
)
from engine.storage import Storage
from engine.stream import JournalDamaged, Stream, first_positions, list_segments, session_payloads
from tests.journal_rig import SIZES, copy_of, journal_files, overwrite, used_bytes

PAYLOADS = [bytes([65 + index]) * (index * 37 % 300 + 1) for index in range(12)]


def write_stream(path: Path, sizes: FileSizes = SIZES, payloads=PAYLOADS, promise=True) -> Journal:
    folder = path / "2026-11-20"
    folder.mkdir(parents=True)
    journal = Journal(Storage(), folder, Tail(0, GENESIS, 0, 0), sizes, promise_written=promise)
    for number, payload in enumerate(payloads):
        journal.make_room(record_bytes(len(payload)))
        journal.append(RecordKind.SESSIONS, payload, number + 1, number)
        journal.flush()
    return journal


def read_stream(path: Path) -> tuple[list[bytes], Stream]:
    stream = Stream(list_segments(path), Tail(0, GENESIS, 0, 0))
    return [bytes(record.payload) for record in stream.records()], stream


def test_what_is_written_is_read_over_segments(tmp_path):
    many = [bytes([index % 250 + 1]) * (index * 91 % 9000) for index in range(60)]
    journal = write_stream(tmp_path, payloads=many)
    journal.finish(61, 0)
    position = journal.position
    journal.abandon()
    found, stream = read_stream(tmp_path)
    assert [payload for payload in found if payload] == [payload for payload in many if payload]
    assert len(journal_files(tmp_path)) > 10
    assert stream.tail.position == position and stream.torn is None
    assert stream.tail.epoch == 1


def test_a_journal_that_is_abandoned_twice_leaves_other_files_alone(tmp_path):
    journal = write_stream(tmp_path)
    journal.abandon()
    with open(tmp_path / "other", "w") as other:  # takes the number of a descriptor of the journal
        journal.abandon()
        other.write("it is open")


def test_a_large_payload_goes_with_what_is_staged_before_it(tmp_path):
    folder = tmp_path / "2026-11-20"
    folder.mkdir()
    journal = Journal(Storage(), folder, Tail(0, GENESIS, 0, 0), FileSizes(), promise_written=True)
    first = journal.append(RecordKind.SESSIONS, b"small", 1, 0)
    assert journal.written == 0
    large = journal.append(RecordKind.SESSIONS, b"L" * 100_000, 1, 0, blobs=b"end")
    assert journal.written == journal.position
    assert journal.read(first, 5) == b"small"
    assert journal.read(large + 99_999, 4) == b"Lend"
    journal.abandon()
    assert read_stream(tmp_path)[0] == [b"small", b"L" * 100_000 + b"end"]


def test_reading_a_position_flushes_what_is_staged(tmp_path):
    journal = write_stream(tmp_path)
    position = journal.append(RecordKind.SESSIONS, b"staged", 1, 0)
    assert journal.written < journal.position
    assert journal.read(position, 6) == b"staged"
    journal.abandon()


@pytest.mark.parametrize("how", ["cut", "zeros"])
def test_torn_at_every_byte_of_the_last_record(tmp_path, how):
    write_stream(tmp_path / "whole").abandon()
    (whole,) = journal_files(tmp_path / "whole")
    end = used_bytes(whole)
    start = end - record_bytes(len(PAYLOADS[-1]))
    path = copy_of(tmp_path / "whole", tmp_path / "torn")
    (file,) = journal_files(path)
    data = whole.read_bytes()
    for cut in range(start, end):
        kept = data[:cut] + (bytes(len(data) - cut) if how == "zeros" else b"")
        file.write_bytes(kept)
        found, stream = read_stream(path)
        assert found == PAYLOADS[:-1], cut
        assert (stream.torn is None) == (cut == start), cut
        assert stream.end is not None and stream.end[1] == start


def test_every_flipped_bit_is_found_with_file_and_offset(tmp_path):
    write_stream(tmp_path / "whole", payloads=PAYLOADS[:4]).abandon()
    (whole,) = journal_files(tmp_path / "whole")
    path = copy_of(tmp_path / "whole", tmp_path / "damaged")
    (file,) = journal_files(path)
    data = whole.read_bytes()
    end = used_bytes(whole)
    starts = [0]
    for payload in PAYLOADS[:4]:
        starts.append(starts[-1] + record_bytes(len(payload)))
    assert starts[-1] == end
    for bit in range(end * 8):
        at = bit // 8
        overwrite(file, at, bytes([data[at] ^ 1 << bit % 8]))
        with pytest.raises(JournalDamaged) as damaged:
            read_stream(path)
        overwrite(file, at, data[at : at + 1])
        assert damaged.value.file == file
        assert damaged.value.offset == max(start for start in starts if start <= at), bit
        assert str(file) in str(damaged.value) and str(damaged.value.offset) in str(damaged.value)


def test_a_sector_that_never_reached_the_disk_is_a_torn_tail_when_it_was_not_promised(tmp_path):
    payloads = [b"a" * 100, b"b" * 3000, b"c" * 100]
    write_stream(tmp_path / "fsync", payloads=payloads, promise=False).abandon()
    write_stream(tmp_path / "os", payloads=payloads, promise=True).abandon()
    hole = 1024
    for name in ("fsync", "os"):
        (file,) = journal_files(tmp_path / name)
        overwrite(file, hole, bytes(512))
    found, stream = read_stream(tmp_path / "fsync")
    assert found == payloads[:1] and stream.torn is not None
    with pytest.raises(JournalDamaged, match="later records need it"):
        read_stream(tmp_path / "os")


def test_a_missing_a_swapped_and_a_foreign_segment_are_damage(tmp_path):
    many = [bytes([index % 250 + 1]) * 5000 for index in range(12)]
    write_stream(tmp_path / "whole", payloads=many).abandon()
    path = copy_of(tmp_path / "whole", tmp_path / "missing")
    journal_files(path)[1].unlink()
    with pytest.raises(JournalDamaged, match="segment 2 before it is missing"):
        read_stream(path)
    path = copy_of(tmp_path / "whole", tmp_path / "swapped")
    one, two = journal_files(path)[1:3]
    data = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(data)
    with pytest.raises(JournalDamaged) as damaged:
        read_stream(path)
    assert damaged.value.file == journal_files(path)[0]
    path = copy_of(tmp_path / "whole", tmp_path / "foreign")
    other = [b"x" * 5000] * 12
    write_stream(tmp_path / "other", payloads=other).abandon()
    journal_files(path)[1].write_bytes(journal_files(tmp_path / "other")[1].read_bytes())
    with pytest.raises(JournalDamaged, match="hash of the record before differs"):
        read_stream(path)


def test_garbage_behind_the_tail_is_damage(tmp_path):
    write_stream(tmp_path).abandon()
    (file,) = journal_files(tmp_path)
    end = used_bytes(file)
    overwrite(file, end, b"garbage!" * 100)
    with pytest.raises(JournalDamaged) as damaged:
        read_stream(tmp_path)
    assert damaged.value.offset == end


def test_another_rules_version_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("engine.records.RULES_VERSION", RULES_VERSION + 1)
    write_stream(tmp_path).abandon()
    with pytest.raises(JournalDamaged, match=f"written by rules version {RULES_VERSION + 1}"):
        read_stream(tmp_path)


def test_session_payloads_by_position(tmp_path):
    write_stream(tmp_path).abandon()
    starts = first_positions(list_segments(tmp_path))
    places = list(session_payloads(starts, 0, _end(tmp_path)))
    assert [bytes(payload) for _, payload in places] == PAYLOADS
    late = places[5][0] - HEADER_BYTES
    again = list(session_payloads(starts, late, _end(tmp_path)))
    assert [position for position, _ in again] == [position for position, _ in places[5:]]
    assert list(session_payloads(starts, 0, places[3][0])) == places[:4]


def _end(path: Path) -> int:
    stream = read_stream(path)[1]
    return stream.tail.position


def test_a_header_is_not_found_in_the_wrong_place():
    assert parse_header(memoryview(bytes(FRAME_BYTES)), 0) is None
    assert parse_header(memoryview(MAGIC + bytes(HEADER_BYTES)), 0) is None
    assert parse_header(memoryview(MAGIC), 0) is None


def test_sync_makes_all_segments_durable(tmp_path):
    many = [bytes([index % 250 + 1]) * 5000 for index in range(12)]
    journal = write_stream(tmp_path, payloads=many, promise=False)
    assert journal.durable == 0
    assert journal.sync() == journal.written == journal.durable == journal.position
    journal.abandon()
    sizes = {path.stat().st_size for path in journal_files(tmp_path)}
    assert sizes == {SIZES.journal_bytes}, "a reader may have mapped all of a file"
