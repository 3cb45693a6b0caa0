"""VR fields without a VR: what is read all the same, and what is not."""

import struct

import pytest

from scp.dicom.defect import Defect, DefectKind
from scp.dicom.syntax import EXPLICIT_BIG, EXPLICIT_LITTLE, Encoding
from scp.dicom.walk import Scan, Span, walk
from tests.unit.dicom.encode import UNDEFINED, explicit, implicit, item, item_end, open_sequence, sequence_end, tag

UID = explicit(0x00080018, "UI", b"1.2.3\0")
NUMBER = explicit(0x00200013, "IS", b"1 ")
SQ = 0x00081140
SYNTAX = {True: EXPLICIT_LITTLE, False: EXPLICIT_BIG}


def short(number: int, field: bytes, value: bytes = b"", *, little: bool = True) -> bytes:
    """An element with a VR field of any two bytes and a 16-bit length."""
    length = struct.pack("<H" if little else ">H", len(value))
    return tag(number, little=little) + field + length + value


def long(number: int, field: bytes, value: bytes = b"", *, little: bool = True) -> bytes:
    """An element with a VR field of any two bytes, two reserved bytes and a 32-bit length."""
    length = struct.pack("<I" if little else ">I", len(value))
    return tag(number, little=little) + field + b"\0\0" + length + value


def read(data: bytes, syntax: Encoding = EXPLICIT_LITTLE) -> Scan:
    scan = walk(data, syntax)
    assert scan.defect is None
    return scan


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("value", [b"CS", b"12345678", b""])
def test_a_vr_to_come_has_a_32_bit_length(value: bytes, little: bool) -> None:
    after = explicit(0x00200013, "IS", b"1 ", little=little)
    elements = read(long(0x00080068, b"XY", value, little=little) + after, SYNTAX[little]).elements
    assert elements[0x00080068] == Span("XY", 12, len(value))
    assert list(elements) == [0x00080068, 0x00200013]
    assert read(long(0x00080068, b"XY", value, little=little), SYNTAX[little]).elements == {
        0x00080068: Span("XY", 12, len(value))
    }


@pytest.mark.parametrize("little", [True, False])
@pytest.mark.parametrize("field", [b"UK", b"??", b"  ", b"--", b"\0\0", b"cs", b"U1"])
@pytest.mark.parametrize("value", [b"FOR PRESENTATION", b"ab", b""])
def test_an_illegal_vr_with_a_16_bit_length_is_read_if_the_next_element_fits(
    field: bytes, value: bytes, little: bool
) -> None:
    data = short(0x00080068, field, value, little=little) + explicit(0x00200013, "IS", b"1 ", little=little)
    elements = read(data, SYNTAX[little]).elements
    assert elements[0x00080068] == Span("UK" if field == b"UK" else "UN", 8, len(value))
    assert list(elements) == [0x00080068, 0x00200013]


def test_several_illegal_vrs_in_a_row_are_read_if_they_are_alike() -> None:
    data = UID + short(0x00080060, b"??", b"MR") + short(0x00080068, b"??", b"ab") + short(0x00080070, b"??", b"cd")
    elements = read(data + NUMBER).elements
    assert [span.vr for span in elements.values()] == ["UI", "UN", "UN", "UN", "IS"]


@pytest.mark.parametrize("little", [True, False])
def test_a_private_element_may_have_no_vr(little: bool) -> None:
    creator = explicit(0x00090010, "LO", b"A CREATOR ", little=little)
    data = implicit(0x00091001, b"a value!", little=little) + implicit(0x00091002, little=little)
    after = explicit(0x00200013, "IS", b"1 ", little=little)
    elements = read(creator + data + after, SYNTAX[little]).elements
    assert elements[0x00091001] == Span("UN", 26, 8)
    assert elements[0x00091002] == Span("UN", 42, 0)
    assert list(elements) == [0x00090010, 0x00091001, 0x00091002, 0x00200013]


@pytest.mark.parametrize("little", [True, False])
def test_a_private_sequence_may_have_no_vr_if_its_length_is_undefined(little: bool) -> None:
    inside = implicit(0x00080018, b"1.2\0", little=little)
    content = item(inside, little=little) + sequence_end(little=little)
    data = implicit(0x00091001, content, length=UNDEFINED, little=little)
    after = explicit(0x00200013, "IS", b"1 ", little=little)
    elements = read(data + after, SYNTAX[little]).elements
    assert elements[0x00091001] == Span("SQ", 8, 20, ({0x00080018: Span("UI", 24, 4)},))
    assert list(elements) == [0x00091001, 0x00200013]
    empty = implicit(0x00091001, sequence_end(little=little), length=UNDEFINED, little=little)
    assert read(empty + after, SYNTAX[little]).elements[0x00091001].items == ()


@pytest.mark.parametrize("length", [UNDEFINED, None])
def test_an_item_may_be_in_implicit_vr_as_a_whole(length: int | None) -> None:
    end = item_end() if length else b""
    nested = implicit(0x00081199, item(implicit(0x00081150, b"1.4\0")))
    whole = implicit(0x00081150, b"1.2\0") + implicit(0x00081155, b"1.3\0") + nested
    data = explicit(SQ, "SQ", item(whole, length=length) + end) + NUMBER
    (inside,) = read(data).elements[SQ].items or ()
    assert [(tag, span.vr, span.length) for tag, span in inside.items()] == [
        (0x00081150, "UI", 4),
        (0x00081155, "UI", 4),
        (0x00081199, "SQ", 20),
    ]
    assert inside[0x00081199].items == ({0x00081150: Span("UI", 68, 4)},)


@pytest.mark.parametrize(
    "data",
    [
        implicit(0x00080060, b"MR") + NUMBER,  # outside of Items only private elements may have no VR
        short(0x00080060, b"??", b"MR") + short(0x00080070, b"!!", b"ab"),
        short(0x00080060, b"??", b"MR")[:9],
        short(0x00080060, b"UK", b"MR") + b"1234",
        short(0x00080060, b"UK", b"MR") + UID,  # what follows would be out of order
        short(0x00080060, b"UK", b"MR") + item(),
        long(0x00080060, b"XY")[:8] + b"1234",
        long(0x00080060, b"XY", b"1234") + b"1234567",
    ],
)
def test_what_cannot_be_read_in_any_way_is_a_defect(data: bytes) -> None:
    scan = walk(data, EXPLICIT_LITTLE)
    assert scan == Scan({}, Defect(DefectKind.BAD_VR, 0, 0x00080060), 0)


def test_what_can_be_read_in_two_ways_is_a_defect() -> None:
    # As 16 bits the length is 4, and as 32 bits in the place of the VR it is 0x00043F3F: an element follows both.
    data = tag(0x00091001) + b"??" + b"\4\0" + b"abcd" + NUMBER
    data += explicit(0x00420011, "OB", bytes(0x43F3F - len(data) - 4))
    assert walk(data + explicit(0x00990010, "LO", b"ab"), EXPLICIT_LITTLE).defect == Defect(
        DefectKind.BAD_VR, 0, 0x00091001
    )


def test_undefined_length_of_a_vr_to_come_is_a_defect() -> None:
    data = tag(0x00091001) + b"XY\0\0" + b"\xff" * 4 + item() + sequence_end()
    assert walk(data, EXPLICIT_LITTLE).defect == Defect(DefectKind.UNDEFINED_LENGTH, 0, 0x00091001)
    without_items = tag(0x00091001) + b"XY\0\0" + b"\xff" * 4 + UID
    assert walk(without_items, EXPLICIT_LITTLE).defect == Defect(DefectKind.BAD_VR, 0, 0x00091001)


def test_pixel_data_without_vr_is_judged_like_any_pixel_data() -> None:
    pixels = implicit(0x7FE00010, item() + sequence_end(), length=UNDEFINED)
    data = open_sequence(0x00880200, "SQ", item(pixels))
    assert walk(data, EXPLICIT_LITTLE).defect == Defect(DefectKind.UNDEFINED_LENGTH, 20, 0x7FE00010, ((0x00880200, 0),))
