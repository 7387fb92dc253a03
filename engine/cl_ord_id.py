"""ClOrdIDs as rows hold them: at most 20 bytes in three words, little endian, zero padded.

Source: specs/matching.md M-10; the fields of COMMAND and REQUEST in engine/types.py.
"""

from __future__ import annotations

from engine.types import CL_ORD_ID_CHARS


def pack_cl_ord_id(cl_ord_id: bytes) -> tuple[int, int, int]:
    """The three words of an id of 1 to 20 bytes, as command and request rows hold it."""
    assert len(cl_ord_id) <= CL_ORD_ID_CHARS
    padded = cl_ord_id.ljust(CL_ORD_ID_CHARS, b"\0")
    return (
        int.from_bytes(padded[:8], "little"),
        int.from_bytes(padded[8:16], "little"),
        int.from_bytes(padded[16:], "little"),
    )


def unpack_cl_ord_id(word_0: int, word_1: int, word_2: int) -> bytes:
    """The id of three words; the inverse of pack_cl_ord_id."""
    padded = (
        int(word_0).to_bytes(8, "little")
        + int(word_1).to_bytes(8, "little")
        + int(word_2).to_bytes(4, "little")
    )
    return padded.rstrip(b"\0")
