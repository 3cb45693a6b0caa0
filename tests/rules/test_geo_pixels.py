"""GEO-107, 123: whether Pixel Data and the attributes that describe them fit together."""

import zlib
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
    ParametricMapStorage,
    SecondaryCaptureImageStorage,
    SegmentationStorage,
)

from scp.audit.finding import Answer
from scp.audit.rule import Subject
from scp.audit.rules import geo_pixels
from scp.dicom import tags as t
from tests.rules.builders import Case, encoded, fires, image, quiet, raw, subject, subject_of_bytes
from tests.rules.tables import Maker, beside, by_code, check, outcome, problem

RULES = by_code(geo_pixels.RULES)


def pixels(length: int, transfer_syntax: str = ImplicitVRLittleEndian, **changes: Any) -> Subject:
    """A 4 x 4 CT slice of 16 bits, 32 bytes, unless changed, with this many bytes of Pixel Data."""
    return subject(raw(image(**changes), PixelData=bytes(length)), transfer_syntax)


def color(length: int, interpretation: str = "RGB", columns: int = 4, **changes: Any) -> Subject:
    """A colour picture of four rows, 8 bits."""
    described: dict[str, Any] = {
        "SOPClassUID": SecondaryCaptureImageStorage,
        "PhotometricInterpretation": interpretation,
        "SamplesPerPixel": 3,
        "Columns": columns,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
    }
    return pixels(length, **described | changes)


def mask(length: int, frames: int, rows: int = 3, columns: int = 3) -> Subject:
    """A segmentation with one bit for each pixel."""
    one_bit: dict[str, Any] = {"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}
    size: dict[str, Any] = {"Rows": rows, "Columns": columns, "NumberOfFrames": frames}
    return pixels(length, SOPClassUID=SegmentationStorage, **one_bit, **size)


def parametric(keyword: str, bits: int, length: int) -> Subject:
    """A parametric map of 4 x 4 pixels that are floating point numbers."""
    absent = dict.fromkeys(("PixelData", "BitsStored", "HighBit"))
    ds = image(SOPClassUID=ParametricMapStorage, BitsAllocated=bits, **absent)
    return subject(raw(ds, **{keyword: bytes(length)}))


def deflated(length: int) -> Subject:
    """The 4 x 4 slice with this many bytes of Pixel Data, in a deflated transfer syntax."""
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = stream.compress(encoded(raw(image(), PixelData=bytes(length)))) + stream.flush()
    return subject_of_bytes(data, DeflatedExplicitVRLittleEndian)


CASES = [
    fires("GEO-107", "two-bytes-short", lambda: pixels(30)),
    fires("GEO-107", "no-bytes-at-all", lambda: pixels(0)),
    fires("GEO-107", "big-endian", lambda: pixels(30, ExplicitVRBigEndian)),
    fires("GEO-107", "short-when-inflated", lambda: deflated(30)),
    fires("GEO-107", "a-frame-short", lambda: pixels(64, NumberOfFrames=3)),
    fires("GEO-107", "RGB", lambda: color(46)),
    fires("GEO-107", "YBR_FULL-counted-as-YBR_FULL_422", lambda: color(32, "YBR_FULL")),
    fires("GEO-107", "YBR_FULL_422", lambda: color(30, "YBR_FULL_422")),
    fires("GEO-107", "bits-of-three-frames", lambda: mask(2, frames=3)),
    fires("GEO-107", "float", lambda: parametric("FloatPixelData", 32, 60)),
    fires("GEO-107", "double-float", lambda: parametric("DoubleFloatPixelData", 64, 120)),
    quiet("GEO-107", "exact", lambda: pixels(32)),
    quiet("GEO-107", "exact-when-inflated", lambda: deflated(32)),
    quiet("GEO-107", "exact-in-three-frames", lambda: pixels(96, NumberOfFrames=3)),
    quiet("GEO-107", "RGB-exact", lambda: color(48)),
    quiet("GEO-107", "palette", lambda: color(16, "PALETTE COLOR", SamplesPerPixel=1)),
    quiet("GEO-107", "YBR_FULL-exact", lambda: color(48, "YBR_FULL")),
    quiet("GEO-107", "YBR_FULL_422-exact", lambda: color(32, "YBR_FULL_422")),
    quiet("GEO-107", "YBR_PARTIAL_422-exact", lambda: color(32, "YBR_PARTIAL_422")),
    quiet("GEO-107", "YBR_PARTIAL_420-exact", lambda: color(24, "YBR_PARTIAL_420")),
    quiet("GEO-107", "422-of-one-sample-is-not-subsampled", lambda: color(16, "YBR_FULL_422", SamplesPerPixel=1)),
    quiet("GEO-107", "bits-are-packed-over-frames", lambda: mask(4, frames=3)),
    quiet("GEO-107", "float-exact", lambda: parametric("FloatPixelData", 32, 64)),
    quiet("GEO-107", "double-float-exact", lambda: parametric("DoubleFloatPixelData", 64, 128)),
    quiet("GEO-107", "RGB-odd-and-padded", lambda: color(28, Rows=3, columns=3)),
    quiet("GEO-107", "one-byte-of-padding", lambda: color(10, Rows=3, columns=3, SamplesPerPixel=1), "long"),
    quiet("GEO-107", "padding-left-out", lambda: color(9, Rows=3, columns=3, SamplesPerPixel=1), "long"),
    fires("GEO-107", "three-bytes-of-padding", lambda: color(12, Rows=3, columns=3, SamplesPerPixel=1), "long"),
    fires("GEO-107", "two-bytes-long", lambda: pixels(34), "long"),
    fires("GEO-107", "YBR_FULL-written-as-YBR_FULL_422", lambda: color(48, "YBR_FULL_422"), "long"),
    fires("GEO-123", "stored-over-allocated", lambda: subject(image(BitsStored=17, HighBit=16))),
    fires("GEO-123", "high-bit-at-stored", lambda: subject(image(HighBit=12))),
    fires("GEO-123", "high-bit-below", lambda: subject(image(HighBit=10))),
    fires("GEO-123", "high-bit-unreadable", lambda: subject(raw(image(), HighBit=b"\1\0\0\0"))),
    fires("GEO-123", "no-bits-stored", lambda: subject(image(BitsStored=0, HighBit=0))),
    fires("GEO-123", "no-rows", lambda: subject(image(Rows=0))),
    fires("GEO-123", "no-columns", lambda: subject(image(Columns=0))),
    fires("GEO-123", "no-frames", lambda: subject(image(NumberOfFrames=0))),
    fires("GEO-123", "negative-frames", lambda: subject(image(NumberOfFrames=-1))),
    fires("GEO-123", "frames-unreadable", lambda: subject(raw(image(), NumberOfFrames=b"two "))),
    fires("GEO-123", "rows-unreadable", lambda: subject(raw(image(), Rows=b"\4\0\4\0"))),
    fires("GEO-123", "pixels-without-rows", lambda: subject(image(Rows=None))),
    fires("GEO-123", "pixels-without-samples", lambda: subject(image(SamplesPerPixel=None))),
    fires("GEO-123", "pixels-without-bits", lambda: subject(image(BitsAllocated=None, BitsStored=None))),
    quiet("GEO-123", "12-of-16-bits", lambda: subject(image())),
    quiet("GEO-123", "all-bits", lambda: subject(image(BitsStored=16, HighBit=15))),
    quiet("GEO-123", "frames", lambda: pixels(64, NumberOfFrames=2)),
    quiet("GEO-123", "one-bit", lambda: mask(4, frames=3)),
    quiet("GEO-123", "float-pixels-have-no-Bits-Stored", lambda: parametric("FloatPixelData", 32, 64)),
    quiet("GEO-123", "Bits-Stored-absent", lambda: subject(image(BitsStored=None))),
    quiet("GEO-123", "rows-missing-where-there-are-no-pixels", lambda: subject(image(Rows=None, PixelData=None))),
]
PIXEL_ATTRIBUTES = ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit")
NOT_APPLICABLE = [
    beside("GEO-107", "no-pixels", lambda: subject(image(PixelData=None))),
    beside("GEO-107", "encapsulated", lambda: pixels(8, JPEGBaseline8Bit)),
    beside("GEO-107", "rows-missing", lambda: pixels(32, Rows=None)),
    beside("GEO-107", "no-rows", lambda: pixels(32, Rows=0)),
    beside("GEO-107", "rows-unreadable", lambda: subject(raw(image(), Rows=b"\4\0\4\0"))),
    beside("GEO-107", "no-frames", lambda: pixels(32, NumberOfFrames=0)),
    beside("GEO-107", "frames-unreadable", lambda: subject(raw(image(), NumberOfFrames=b"1.5 "))),
    beside("GEO-123", "nothing", lambda: subject(image(PixelData=None, **dict.fromkeys(PIXEL_ATTRIBUTES)))),
]


@pytest.mark.parametrize("row", CASES)
def test_says_what_the_table_says(row: Case) -> None:
    check(RULES[row.code], row)


@pytest.mark.parametrize(("code", "make"), NOT_APPLICABLE)
def test_does_not_judge_what_it_cannot_know(code: str, make: Maker) -> None:
    assert outcome(RULES[code], make()) is Answer.NOT_APPLICABLE


def test_what_is_short_is_told_in_bytes() -> None:
    found = problem(RULES["GEO-107"], pixels(20))
    assert found.message == "Pixel Data 12 bytes short of 32"
    assert (found.expected, found.found, found.tags) == (32, 20, (t.PIXEL_DATA,))
    assert problem(RULES["GEO-107"], pixels(33)).message == "Pixel Data 1 byte longer than 32"


def test_the_element_that_holds_the_pixels_is_the_offending_one() -> None:
    found = problem(RULES["GEO-107"], parametric("FloatPixelData", 32, 4))
    assert found.tags == (t.FLOAT_PIXEL_DATA,)
    assert found.message.startswith("Float Pixel Data ")


def test_the_attribute_that_is_wrong_is_named() -> None:
    assert problem(RULES["GEO-123"], subject(image(Rows=None))).message == "Rows missing"
    assert problem(RULES["GEO-123"], subject(image(Columns=0))).message == "Columns 0"
    assert problem(RULES["GEO-123"], subject(raw(image(), Rows=b"\1\0\1\0"))).found == "more than one value"


sizes = st.integers(1, 9)


@given(sizes, sizes, st.sampled_from([1, 8, 16, 32]), st.sampled_from([1, 3]), sizes, st.integers(-3, 3))
def test_the_length_is_judged_to_the_byte(
    rows: int, columns: int, bits: int, samples: int, frames: int, off: int
) -> None:
    exact = ceil(rows * columns * bits * samples * frames / 8)
    described: dict[str, Any] = {"BitsAllocated": bits, "SamplesPerPixel": samples, "NumberOfFrames": frames}
    made = pixels(max(0, exact + off), Rows=rows, Columns=columns, **described)
    found = outcome(RULES["GEO-107"], made)
    if off < 0:
        assert found is not Answer.PASS
        assert problem(RULES["GEO-107"], made).case == ""
    elif off <= exact % 2:
        assert found is Answer.PASS
    else:
        assert problem(RULES["GEO-107"], made).case == "long"
