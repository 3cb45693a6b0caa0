import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import UID, AllTransferSyntaxes

from scp.dicom.defect import Defect, DefectKind
from scp.dicom.syntax import (
    COMPLETE_TRANSFER_SYNTAXES,
    DEFLATED,
    ENCAPSULATED,
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    KNOWN_TRANSFER_SYNTAXES,
    Encoding,
    encoding_of,
    inflate,
)

ELSEWHERE = {f"1.2.840.10008.1.2.{end}" for end in ("4.204", "4.205", "7.1", "7.2", "7.3")}


def inflated(stream: bytes | memoryview, limit: int = 1 << 20) -> bytes:
    found = inflate(stream, limit)
    assert isinstance(found, memoryview)
    return bytes(found)


def deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


@pytest.mark.parametrize("uid", AllTransferSyntaxes, ids=lambda uid: uid.keyword)
def test_every_transfer_syntax_of_pydicom_is_read_as_pydicom_does(uid: UID) -> None:
    encoding = encoding_of(uid)
    assert encoding is not None
    assert encoding.explicit is not uid.is_implicit_VR
    assert encoding.little is uid.is_little_endian
    if uid not in ELSEWHERE:
        assert encoding.encapsulated is uid.is_encapsulated
        assert encoding.deflated is uid.is_deflated


def test_those_are_known_that_a_data_set_of_the_standard_can_have() -> None:
    others = {"1.2.840.10008.1.2.1.98", "1.2.840.10008.1.2.4.53", "1.2.840.10008.1.2.4.94"}  # which pydicom leaves out
    assert {*map(str, AllTransferSyntaxes)} | others <= KNOWN_TRANSFER_SYNTAXES
    assert not KNOWN_TRANSFER_SYNTAXES & {"1.2.840.10008.1.2.6.1", "1.2.840.113619.5.2"}


def test_those_are_complete_whose_data_sets_hold_their_pixels() -> None:
    jpip = {"1.2.840.10008.1.2.4.94", "1.2.840.10008.1.2.4.95"}
    assert jpip | {*map(str, ELSEWHERE)} == KNOWN_TRANSFER_SYNTAXES - COMPLETE_TRANSFER_SYNTAXES
    assert COMPLETE_TRANSFER_SYNTAXES < KNOWN_TRANSFER_SYNTAXES


@pytest.mark.parametrize(
    ("uid", "encoding"),
    [
        ("1.2.840.10008.1.2", IMPLICIT_LITTLE),
        ("1.2.840.10008.1.2.1", EXPLICIT_LITTLE),
        ("1.2.840.10008.1.2.2", EXPLICIT_BIG),
        ("1.2.840.10008.1.2.1.99", DEFLATED),
        ("1.2.840.10008.1.2.1.98", ENCAPSULATED),
        ("1.2.840.10008.1.2.4.53", ENCAPSULATED),
        ("1.2.840.10008.1.2.4.94", EXPLICIT_LITTLE),
        ("1.2.840.10008.1.2.4.95", DEFLATED),
        ("1.2.840.10008.1.2.4.204", EXPLICIT_LITTLE),
        ("1.2.840.10008.1.2.4.205", DEFLATED),
        ("1.2.840.10008.1.2.7.1", EXPLICIT_LITTLE),
        ("1.2.840.10008.1.20", IMPLICIT_LITTLE),
        ("1.2.840.113619.5.2", IMPLICIT_LITTLE),
    ],
)
def test_how_data_sets_are_encoded(uid: str, encoding: Encoding) -> None:
    assert encoding_of(uid) == encoding


@pytest.mark.parametrize("uid", ["1.2.840.10008.1.2.8.1", "1.3.46.670589.33.1.4.1", "2.25.1"])
def test_private_and_future_transfer_syntaxes_are_explicit_little_endian_and_encapsulated(uid: str) -> None:
    assert encoding_of(uid) == ENCAPSULATED


@pytest.mark.parametrize(
    "uid",
    [
        "",
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.1.1",
        "1.2.840.10008.1.2.6.1",
        "1.2.840.10008.1.2.6.2",
        "../x",
        "1.02",
    ],
)
def test_what_cannot_be_the_transfer_syntax_of_a_data_set(uid: str) -> None:
    assert encoding_of(uid) is None


@given(st.binary(max_size=2000))
def test_what_was_deflated_is_inflated(data: bytes) -> None:
    assert inflated(deflate(data)) == data
    assert inflated(deflate(data) + b"\0") == data
    assert inflated(memoryview(deflate(data)), limit=len(data)) == data


def test_the_trailer_of_a_gzip_file_may_stay_behind_if_it_is_the_right_one() -> None:
    data = b"a Data Set" * 100
    trailer = zlib.crc32(data).to_bytes(4, "little") + len(data).to_bytes(4, "little")
    assert inflated(deflate(data) + trailer) == data
    assert inflate(deflate(data) + trailer[::-1]) == Defect(DefectKind.TRAILING, len(deflate(data)))


@pytest.mark.parametrize("rest", [b"\0\0", b"x", b"\0" * 100])
def test_other_bytes_after_the_stream_are_a_defect(rest: bytes) -> None:
    stream = deflate(b"a Data Set")
    assert inflate(stream + rest) == Defect(DefectKind.TRAILING, len(stream))


def test_a_stream_that_is_cut_off_is_a_defect() -> None:
    stream = deflate(bytes(range(256)) * 10)
    for end in range(len(stream)):
        assert inflate(stream[:end]) == Defect(DefectKind.TRUNCATED, end)


@pytest.mark.parametrize("data", [b"\x07", zlib.compress(b"a Data Set"), b"\xff" * 100], ids=["type 3", "zlib", "ones"])
def test_what_is_no_deflated_stream_is_a_defect(data: bytes) -> None:
    assert inflate(data) == Defect(DefectKind.NOT_INFLATABLE, 0)


@given(st.binary(max_size=300))
def test_inflating_never_raises(data: bytes) -> None:
    assert isinstance(inflate(data, limit=1000), memoryview | Defect)


def test_the_limit_is_exact() -> None:
    stream = deflate(bytes(1000))
    assert inflated(stream, limit=1000) == bytes(1000)
    assert inflate(stream, limit=999) == Defect(DefectKind.INFLATES_TOO_LARGE, 0)
    assert inflated(deflate(b""), limit=0) == b""


def test_a_bomb_never_gets_larger_than_the_limit() -> None:
    bomb = deflate(bytes(64 * 2**20))
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        assert inflate(bomb, limit=2**20) == Defect(DefectKind.INFLATES_TOO_LARGE, 0)
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()
