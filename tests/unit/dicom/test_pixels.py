"""Whether two copies show the same image, whatever compressed them."""

import struct
import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydicom.pixels import get_decoder
from pydicom.pixels.decoders.base import DecodeRunner
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    RLELossless,
)

from scp.dicom import pixels as module
from scp.dicom.difference import Pixels
from scp.dicom.pixel_source import Source
from scp.dicom.pixels import Likeness, compare_pixels
from scp.dicom.syntax import encoding_of
from scp.dicom.walk import walk
from tests.rules.builders import encoded, image
from tests.unit.dicom.encode import explicit, item, open_sequence
from tests.unit.dicom.test_rle import frame_of

LOSSY = str(JPEGBaseline8Bit)
EXPLICIT, BIG, RLE, J2K, LOSSLESS = map(
    str, (ExplicitVRLittleEndian, ExplicitVRBigEndian, RLELossless, JPEG2000Lossless, JPEGLosslessSV1)
)
PLANAR, DERIVATION, PHOTOMETRIC = 0x00280006, 0x00082111, 0x00280004

DECODER_DEPENDENCIES: dict[str, tuple[str, ...]] = {}  # what pydicom asks a plug-in for


def is_available(uid: str) -> bool:
    return bool(uid)


def decode(source: bytes, runner: DecodeRunner) -> bytes:
    """Stand in for a decoder of the JPEG family: its codestreams are the samples, after a marker."""
    if not source.startswith(b"CODE"):
        raise ValueError("no codestream")
    return source[4 : 4 + int(runner.frame_length(unit="bytes"))]


@pytest.fixture(params=[J2K, LOSSLESS])
def plugin(request: pytest.FixtureRequest) -> Iterator[str]:
    """A Transfer Syntax for which a decoder is installed."""
    decoder = get_decoder(request.param)
    decoder.add_plugin("of the tests", (__name__, "decode"))
    yield request.param
    decoder.remove_plugin("of the tests")


def source(data: bytes, syntax: str) -> Source:
    encoding = encoding_of(syntax)
    assert encoding is not None
    scan = walk(data, encoding)
    assert scan.defect is None
    return Source(data, scan.elements, encoding.little, syntax)


def native(data: bytes, syntax: str = EXPLICIT, vr: str = "OW", **changes: Any) -> Source:
    little = syntax != BIG
    written = encoded(image(PixelData=None, **changes), syntax)
    return source(written + explicit(0x7FE00010, vr, data, little=little), syntax)


def coded(*fragments: bytes, syntax: str = RLE, table: bytes = b"", **changes: Any) -> Source:
    value = item(table) + b"".join(item(fragment + b"\0" * (len(fragment) % 2)) for fragment in fragments)
    return source(encoded(image(PixelData=None, **changes)) + open_sequence(0x7FE00010, "OB", value), syntax)


def rle(samples: bytes, width: int = 2) -> bytes:
    """One frame of up to 128 pixels of one sample, as literals."""
    bytes_of = [samples[start::width] for start in reversed(range(width))]
    return frame_of(*(bytes([len(part) - 1]) + part for part in bytes_of))


SLICE = bytes(range(32))
COLOUR: dict[str, Any] = {
    "SamplesPerPixel": 3, "PhotometricInterpretation": "RGB", "PlanarConfiguration": 0, "BitsAllocated": 8,
    "BitsStored": 8, "HighBit": 7, "Rows": 2, "Columns": 2,
}  # fmt: skip
BY_PIXEL, BY_PLANE = b"rgbRGBstuSTU", b"rRsSgGtTbBuU"


def test_equal_bytes_are_equal() -> None:
    assert compare_pixels(native(SLICE), native(SLICE)) == Likeness(Pixels.EQUAL)


def test_other_bytes_are_different_without_any_description() -> None:
    nothing: dict[str, Any] = {"Rows": None, "Columns": None, "BitsAllocated": None}
    assert compare_pixels(native(SLICE, **nothing), native(SLICE[::-1], **nothing)).pixels is Pixels.DIFFERENT


def test_words_are_compared_in_the_order_of_the_transfer_syntax() -> None:
    swapped = np.frombuffer(SLICE, ">u2").astype("<u2").tobytes()
    assert compare_pixels(native(SLICE), native(swapped, BIG)).pixels is Pixels.EQUAL
    assert compare_pixels(native(SLICE), native(SLICE, BIG)).pixels is Pixels.DIFFERENT
    assert compare_pixels(native(SLICE), native(SLICE, BIG, "OB")).pixels is Pixels.EQUAL


@pytest.mark.parametrize("word", [2, 4])
def test_long_samples_in_big_endian_are_read_either_way(word: int) -> None:
    """DCMTK changes the order in words of 16 bits, pydicom in samples of 32."""
    long: dict[str, Any] = {"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31, "Rows": 2}
    swapped = np.frombuffer(SLICE, f">u{word}").astype(f"<u{word}").tobytes()
    assert compare_pixels(native(SLICE, **long), native(swapped, BIG, **long)).pixels is Pixels.EQUAL
    assert compare_pixels(coded(rle(SLICE, 4), **long), native(swapped, BIG, **long)).pixels is Pixels.EQUAL
    assert compare_pixels(native(SLICE[::-1], **long), native(swapped, BIG, **long)).pixels is Pixels.DIFFERENT


def test_padding_after_the_last_frame_does_not_count() -> None:
    assert compare_pixels(native(SLICE), native(SLICE + bytes(16))).pixels is Pixels.EQUAL


@pytest.mark.parametrize("data", [SLICE[:-2], SLICE + SLICE], ids=["a pixel is missing", "a frame more"])
def test_pixel_data_that_do_not_fit_are_unreadable(data: bytes) -> None:
    assert compare_pixels(native(SLICE), native(data)).pixels is Pixels.UNREADABLE
    assert compare_pixels(native(data), native(SLICE)).pixels is Pixels.UNREADABLE


def test_an_rle_copy_is_decoded() -> None:
    assert compare_pixels(native(SLICE), coded(rle(SLICE))) == Likeness(Pixels.EQUAL, frozenset({PLANAR, DERIVATION}))
    assert compare_pixels(coded(rle(SLICE)), native(SLICE[::-1])) == Likeness(Pixels.DIFFERENT)


def test_two_rle_copies_may_be_encoded_differently() -> None:
    first, second = frame_of(b"\x0f" + bytes(16), b"\x0f" + bytes(16)), frame_of(b"\xf1\0", b"\xf1\0")
    assert compare_pixels(coded(first), coded(second)).pixels is Pixels.EQUAL


def test_colours_may_be_by_pixel_or_by_plane() -> None:
    by_plane = COLOUR | {"PlanarConfiguration": 1}
    assert compare_pixels(native(BY_PIXEL, **COLOUR), native(BY_PLANE, **by_plane)) == Likeness(
        Pixels.EQUAL, frozenset({PLANAR, DERIVATION})
    )
    planes = frame_of(*(b"\3" + BY_PLANE[start : start + 4] for start in (0, 4, 8)))
    assert compare_pixels(native(BY_PIXEL, **COLOUR), coded(planes, **COLOUR)).pixels is Pixels.EQUAL
    assert compare_pixels(native(BY_PIXEL, **COLOUR), native(BY_PIXEL, **by_plane)).pixels is Pixels.EQUAL
    assert compare_pixels(native(BY_PLANE, **COLOUR), coded(planes, **COLOUR)).pixels is Pixels.DIFFERENT


TWO: dict[str, Any] = {"NumberOfFrames": "2"}
PARTS = (rle(SLICE), rle(SLICE[::-1]))
HALVES = tuple(part[start:end] for part in PARTS for start, end in ((0, 70), (70, None)))


@pytest.mark.parametrize(
    ("fragments", "table"),
    [
        pytest.param(PARTS, b"", id="a fragment for each frame"),
        pytest.param(HALVES, struct.pack("<2I", 0, len(PARTS[0]) + 16), id="by the offset table"),
        pytest.param((b"", *HALVES), struct.pack("<2I", 8, len(PARTS[0]) + 24), id="after what the table leaves out"),
    ],
)
def test_frames_are_put_together_of_their_fragments(fragments: tuple[bytes, ...], table: bytes) -> None:
    several = coded(*fragments, table=table, **TWO)
    assert compare_pixels(native(SLICE + SLICE[::-1], **TWO), several).pixels is Pixels.EQUAL
    assert compare_pixels(native(SLICE + SLICE, **TWO), several).pixels is Pixels.DIFFERENT


def test_the_fragments_of_a_single_frame_belong_together() -> None:
    assert compare_pixels(native(SLICE), coded(*HALVES[:2])).pixels is Pixels.EQUAL


@pytest.mark.parametrize(
    "table", [b"", struct.pack("<I", 0), struct.pack("<2I", 8, 0)], ids=["none", "too short", "not in order"]
)
def test_fragments_that_cannot_be_told_apart_are_unreadable(table: bytes) -> None:
    several = coded(*HALVES, table=table, **TWO)
    assert compare_pixels(native(SLICE + SLICE[::-1], **TWO), several).pixels is Pixels.UNREADABLE
    assert compare_pixels(coded(*PARTS[::-1], b"", **TWO), several).pixels is Pixels.UNREADABLE


def test_two_copies_whose_fragments_cannot_be_told_apart_are_not_the_same() -> None:
    first, second = coded(*HALVES, **TWO), coded(b"", *HALVES, **TWO)
    assert compare_pixels(first, second).pixels is Pixels.EQUAL  # of one syntax, codestreams are compared as they are
    second = coded(*HALVES[::-1], **TWO)
    assert compare_pixels(first, second).pixels is Pixels.UNREADABLE


def test_no_fragments_at_all_are_unreadable() -> None:
    nothing = source(encoded(image(PixelData=None)) + open_sequence(0x7FE00010, "OB"), RLE)
    assert compare_pixels(native(SLICE), nothing).pixels is Pixels.UNREADABLE


@pytest.mark.parametrize(
    "changes",
    [
        {"Rows": None}, {"Columns": 0}, {"BitsAllocated": 12}, {"BitsAllocated": 24}, {"BitsAllocated": None},
        {"NumberOfFrames": "0"}, {"Rows": 65535, "Columns": 65535},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_not_described_is_unreadable(changes: dict[str, Any]) -> None:
    assert compare_pixels(native(SLICE, **changes), coded(rle(SLICE), **changes)).pixels is Pixels.UNREADABLE


def test_a_number_of_frames_that_is_no_number_is_unreadable() -> None:
    good = encoded(image(PixelData=None, NumberOfFrames="1"))
    bad = good.replace(b"IS\x02\x001 ", b"IS\x02\x001A")
    ours, theirs = (source(data + explicit(0x7FE00010, "OW", SLICE), EXPLICIT) for data in (good, bad))
    assert compare_pixels(ours, theirs).pixels is Pixels.EQUAL
    theirs = source(bad + explicit(0x7FE00010, "OW", SLICE * 2), EXPLICIT)
    assert compare_pixels(ours, theirs).pixels is Pixels.UNREADABLE


def test_images_of_other_size_are_different() -> None:
    assert compare_pixels(native(SLICE), coded(rle(SLICE[:16]), Rows=2)).pixels is Pixels.DIFFERENT


def test_one_sample_is_meant_where_their_number_is_missing() -> None:
    assert compare_pixels(native(SLICE), coded(rle(SLICE), SamplesPerPixel=None)).pixels is Pixels.EQUAL


def test_a_lossy_codestream_is_lossy_only_if_there_is_one() -> None:
    lossy = coded(b"\xff\xd8", syntax=str(JPEGBaseline8Bit))
    assert compare_pixels(native(SLICE), lossy).pixels is Pixels.LOSSY
    assert compare_pixels(lossy, coded(rle(SLICE))).pixels is Pixels.LOSSY
    uncompressed = native(SLICE)._replace(transfer_syntax=str(JPEGBaseline8Bit))
    assert compare_pixels(uncompressed, coded(rle(SLICE))).pixels is Pixels.EQUAL


# ---------------------------------------------------------------------------------------------------- by a plug-in


def test_a_plugin_decodes_what_we_do_not(plugin: str) -> None:
    assert compare_pixels(native(SLICE), coded(b"CODE" + SLICE, syntax=plugin)).pixels is Pixels.EQUAL
    assert compare_pixels(native(SLICE), coded(b"CODE" + SLICE[::-1], syntax=plugin)).pixels is Pixels.DIFFERENT
    frames = coded(b"CODE" + SLICE, b"CODE" + SLICE[::-1], syntax=plugin, **TWO)
    assert compare_pixels(coded(*PARTS, **TWO), frames).pixels is Pixels.EQUAL


def test_what_a_plugin_fails_on_is_unreadable(plugin: str) -> None:
    assert compare_pixels(native(SLICE), coded(b"NOTHING!", syntax=plugin)).pixels is Pixels.UNREADABLE


def test_bits_that_are_not_stored_do_not_count_beside_a_codestream(plugin: str) -> None:
    """A codestream of the JPEG family has no room for what old equipment kept in the bits above Bits Stored."""
    overlay = bytes(byte | (0xF0 if at % 2 else 0) for at, byte in enumerate(SLICE))
    plain = bytes(byte & (0x0F if at % 2 else 0xFF) for at, byte in enumerate(SLICE))
    stream = coded(b"CODE" + plain, syntax=plugin)
    assert compare_pixels(native(overlay), stream).pixels is Pixels.EQUAL
    assert compare_pixels(native(overlay), coded(rle(plain))).pixels is Pixels.DIFFERENT


@pytest.mark.parametrize("stored", [None, 0])
def test_where_one_does_not_say_how_many_bits_are_stored_those_of_the_other_count(
    plugin: str, stored: int | None
) -> None:
    first = native(SLICE, BitsStored=stored)
    same, other = (coded(b"CODE" + data, syntax=plugin) for data in (SLICE, SLICE[::-1]))
    assert compare_pixels(first, same).pixels is Pixels.EQUAL
    assert compare_pixels(first, other).pixels is Pixels.DIFFERENT


def test_colour_is_decoded_only_where_the_colour_space_is_certain(plugin: str) -> None:
    transformed = COLOUR | {"PhotometricInterpretation": "YBR_RCT"}
    found = compare_pixels(native(BY_PIXEL, **COLOUR), coded(b"CODE" + BY_PIXEL, syntax=plugin, **transformed))
    if plugin == J2K:
        assert found == Likeness(Pixels.EQUAL, frozenset({PLANAR, DERIVATION, PHOTOMETRIC}))
    else:
        assert found.pixels is Pixels.UNREADABLE


@pytest.mark.parametrize("syntax", [J2K, "1.2.840.10008.1.2.4.92"])
def test_without_a_plugin_it_is_unreadable(syntax: str, monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = get_decoder(J2K)
    for name in decoder.available_plugins:
        monkeypatch.delitem(decoder._available, name)
    assert compare_pixels(native(SLICE), coded(b"CODE" + SLICE, syntax=syntax)).pixels is Pixels.UNREADABLE


def test_so_many_bytes_are_decoded_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_DECODED", 31)
    assert compare_pixels(native(SLICE), coded(rle(SLICE))).pixels is Pixels.UNREADABLE
    assert compare_pixels(native(SLICE), native(SLICE)).pixels is Pixels.EQUAL


def test_the_bytes_of_a_film_are_not_copied_to_be_compared() -> None:
    """Two of 4 GiB are compared in no more memory than two of 8 MiB are here."""
    film = bytes(8 << 20)
    other = film[:-1] + b"\1"
    pairs = [
        (native(film), native(film), Pixels.EQUAL),
        (native(film), native(other), Pixels.DIFFERENT),
        (coded(film, film), coded(film + film), Pixels.EQUAL),
        (coded(film, other, syntax=LOSSY), coded(film + film, syntax=LOSSY), Pixels.LOSSY),
    ]
    tracemalloc.start()
    try:
        for first, second, verdict in pairs:
            assert compare_pixels(first, second).pixels is verdict
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 << 20


def test_codestreams_that_are_far_too_long_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_DECODED", 1000)
    assert compare_pixels(coded(rle(SLICE)), native(SLICE)).pixels is Pixels.EQUAL
    assert compare_pixels(coded(rle(SLICE) + bytes(1000)), native(SLICE)).pixels is Pixels.UNREADABLE
