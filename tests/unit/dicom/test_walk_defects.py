"""Each defect: what it is called, where it is said to be, and what is kept of what came before it."""

from dataclasses import dataclass

import pytest

from scp.dicom.defect import Defect, DefectKind
from scp.dicom.syntax import ENCAPSULATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from scp.dicom.walk import Limits, Scan, Span, walk
from tests.unit.dicom.encode import (
    UNDEFINED,
    explicit,
    implicit,
    item,
    item_end,
    open_item,
    open_sequence,
    sequence_end,
)

UID = explicit(0x00080018, "UI", b"1.2.3\0")  # 14 bytes, before each defect
KEPT = {0x00080018: Span("UI", 8, 6)}
SQ = 0x00081140
PIXELS = 0x7FE00010


def defect(data: bytes, syntax: Encoding = EXPLICIT_LITTLE, limits: Limits | None = None) -> Defect:
    """The defect of what follows the UID, counted from there; the UID itself is kept."""
    first = UID if syntax.explicit else implicit(0x00080018, b"1.2.3\0")
    scan = walk(first + data, syntax, limits or Limits())
    assert scan.defect is not None
    assert scan.end == scan.defect.offset
    assert scan.elements[0x00080018] == KEPT[0x00080018]
    return Defect(scan.defect.kind, scan.defect.offset - len(first), scan.defect.tag, scan.defect.path)


@pytest.mark.parametrize("length", range(1, 8))
def test_a_header_that_is_cut_off(length: int) -> None:
    header = explicit(0x00200013, "IS", b"1 ")[:length]
    assert defect(header) == Defect(DefectKind.TRUNCATED, 0)


@pytest.mark.parametrize("length", range(8, 12))
def test_a_long_header_that_is_cut_off(length: int) -> None:
    assert defect(explicit(0x00420011, "OB")[:length]) == Defect(DefectKind.TRUNCATED, 0, 0x00420011)


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
@pytest.mark.parametrize("excess", [1, 0xFF00])
def test_a_value_that_is_cut_off(syntax: Encoding, excess: int) -> None:
    short = explicit(0x00200013, "IS", b"1 ", length=2 + excess)
    short = short if syntax.explicit else implicit(0x00200013, b"1 ", length=2 + excess)
    assert defect(short, syntax) == Defect(DefectKind.TRUNCATED, 0, 0x00200013)


def test_a_sequence_or_item_that_is_cut_off() -> None:
    whole = explicit(SQ, "SQ", item(explicit(0x00081150, "UI", b"1.2\0")))
    assert defect(whole[:-1]) == Defect(DefectKind.TRUNCATED, 0, SQ)
    content = item(explicit(0x00081150, "UI", b"1.2\0"))
    unclosed = explicit(SQ, "SQ", content[:-1], length=UNDEFINED)
    assert defect(unclosed) == Defect(DefectKind.TRUNCATED, 12, SQ)
    assert defect(explicit(SQ, "SQ", content[:5], length=UNDEFINED)) == Defect(DefectKind.TRUNCATED, 12, SQ)


def test_lengths_past_the_end_of_the_item_or_sequence_around() -> None:
    inner = explicit(0x00081150, "UI", b"1.2\0", length=6)
    after = explicit(0x00200013, "IS", b"1 ")
    assert defect(explicit(SQ, "SQ", item(inner)) + after) == Defect(DefectKind.OVERRUN, 20, 0x00081150, ((SQ, 0),))
    assert defect(explicit(SQ, "SQ", item(length=2)) + after) == Defect(DefectKind.OVERRUN, 12, SQ)
    assert defect(explicit(SQ, "SQ", item(b"\x08\0\x50")) + after) == Defect(DefectKind.OVERRUN, 20, None, ((SQ, 0),))
    assert defect(explicit(SQ, "SQ", b"\xfe\xff\0") + after) == Defect(DefectKind.OVERRUN, 12, SQ)
    cut = explicit(0x00081199, "SQ")[:8]
    assert defect(explicit(SQ, "SQ", item(cut)) + after) == Defect(DefectKind.OVERRUN, 20, 0x00081199, ((SQ, 0),))


def test_delimiters_that_are_missing() -> None:
    after = explicit(0x00200013, "IS", b"1 ")
    assert defect(explicit(SQ, "SQ", length=UNDEFINED)) == Defect(DefectKind.MISSING_DELIMITER, 12, SQ)
    assert defect(explicit(SQ, "SQ", item(), length=UNDEFINED)) == Defect(DefectKind.MISSING_DELIMITER, 20, SQ)
    open_in_closed = explicit(SQ, "SQ", item(UID, length=UNDEFINED)) + after
    assert defect(open_in_closed) == Defect(DefectKind.MISSING_DELIMITER, 34, SQ)
    inner = explicit(0x00081199, "SQ", length=UNDEFINED)
    assert defect(explicit(SQ, "SQ", item(inner)) + after) == Defect(
        DefectKind.MISSING_DELIMITER, 32, 0x00081199, ((SQ, 0),)
    )
    pixels = explicit(PIXELS, "OB", item(b"ab"), length=UNDEFINED)
    assert defect(pixels, ENCAPSULATED) == Defect(DefectKind.MISSING_DELIMITER, 22, PIXELS)


@pytest.mark.parametrize("tag", [0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD, 0xFFFEFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
def test_delimiters_and_items_are_no_elements_of_the_top_level(tag: int, syntax: Encoding) -> None:
    assert defect(implicit(tag), syntax) == Defect(DefectKind.BAD_DELIMITER, 0, tag)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (item(item_end() + UID), Defect(DefectKind.BAD_DELIMITER, 20, 0xFFFEE00D, ((SQ, 0),))),
        (item(sequence_end()), Defect(DefectKind.BAD_DELIMITER, 20, 0xFFFEE0DD, ((SQ, 0),))),
        (item(item()), Defect(DefectKind.BAD_DELIMITER, 20, 0xFFFEE000, ((SQ, 0),))),
        (item() + sequence_end() + item(), Defect(DefectKind.BAD_ITEM, 20, SQ)),
        (item_end(), Defect(DefectKind.BAD_ITEM, 12, SQ)),
        (item() + UID, Defect(DefectKind.BAD_ITEM, 20, SQ)),
    ],
    ids=["item ends early", "sequence ends in item", "item in item", "sequence ends early", "no item", "element"],
)
def test_delimiters_and_elements_in_the_wrong_place(content: bytes, fault: Defect) -> None:
    assert defect(explicit(SQ, "SQ", content)) == fault


def test_an_open_sequence_that_goes_on_with_something_else() -> None:
    assert defect(explicit(SQ, "SQ", UID, length=UNDEFINED)) == Defect(DefectKind.BAD_ITEM, 12, SQ)
    after_item = explicit(SQ, "SQ", open_item() + UID, length=UNDEFINED)
    assert defect(after_item) == Defect(DefectKind.BAD_ITEM, 28, SQ)


@pytest.mark.parametrize("vr", ["UC", "UR", "UT", "SV", "UV"])
def test_undefined_length_where_no_value_may_have_it(vr: str) -> None:
    data = explicit(0x00091001, vr, item(), length=UNDEFINED) + sequence_end()
    assert defect(data) == Defect(DefectKind.UNDEFINED_LENGTH, 0, 0x00091001)


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
def test_pixel_data_is_in_fragments_only_where_the_transfer_syntax_encapsulates_it(syntax: Encoding) -> None:
    little = syntax.little
    content = item(little=little) + item(b"ab", little=little) + sequence_end(little=little)
    explicit_pixels = explicit(PIXELS, "OB", content, length=UNDEFINED, little=little)
    data = explicit_pixels if syntax.explicit else implicit(PIXELS, content, length=UNDEFINED)
    assert walk(data, syntax).defect == Defect(DefectKind.UNDEFINED_LENGTH, 0, PIXELS)
    nested = implicit(0x00880200, item(implicit(PIXELS, content, length=UNDEFINED)))
    assert walk(nested, IMPLICIT_LITTLE).defect == Defect(DefectKind.UNDEFINED_LENGTH, 16, PIXELS, ((0x00880200, 0),))


@pytest.mark.parametrize(
    ("content", "kind", "offset"),
    [
        (b"raw bytes without any Item", DefectKind.BAD_ITEM, 12),
        (item(b"ab", length=UNDEFINED) + sequence_end(), DefectKind.BAD_ITEM, 12),
        (item(b"ab") + item_end(), DefectKind.BAD_ITEM, 22),
        (item(b"ab") + bytes(16), DefectKind.BAD_ITEM, 22),
        (item(b"ab") + item(b"ab", length=3), DefectKind.TRUNCATED, 22),
        (item(b"ab") + sequence_end()[:7], DefectKind.TRUNCATED, 22),
        (item(b"ab"), DefectKind.MISSING_DELIMITER, 22),
        (b"", DefectKind.MISSING_DELIMITER, 12),
    ],
)
def test_defects_of_fragments(content: bytes, kind: DefectKind, offset: int) -> None:
    data = UID + explicit(PIXELS, "OB", content, length=UNDEFINED)
    scan = walk(data, ENCAPSULATED)
    assert scan.defect == Defect(kind, offset + len(UID), PIXELS)
    whole = (offset - 12) // 10
    assert scan.elements[PIXELS] == Span("OB", len(UID) + 12, offset - 12, None, whole)


def test_fragments_stay_inside_of_their_item() -> None:
    icon = explicit(PIXELS, "OB", item(b"ab"), length=UNDEFINED)
    after = explicit(PIXELS, "OB", item(b"ab") + sequence_end(), length=UNDEFINED)
    data = explicit(0x00880200, "SQ", item(icon)) + after
    assert defect(data, ENCAPSULATED) == Defect(DefectKind.MISSING_DELIMITER, 42, PIXELS, ((0x00880200, 0),))
    longer = explicit(0x00880200, "SQ", item(icon[:-1])) + after
    assert defect(longer, ENCAPSULATED) == Defect(DefectKind.OVERRUN, 32, PIXELS, ((0x00880200, 0),))


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE])
@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 64])
def test_nuls_after_the_last_element_are_trailing_bytes(syntax: Encoding, length: int) -> None:
    assert walk(bytes(length), syntax) == Scan({}, Defect(DefectKind.TRAILING, 0), 0)
    if syntax.little:
        assert defect(bytes(length), syntax) == Defect(DefectKind.TRAILING, 0)


@pytest.mark.parametrize("length", [1, 7, 8, 20])
def test_nuls_after_the_last_element_of_an_item_are_trailing_bytes_too(length: int) -> None:
    element = explicit(0x00081150, "UI", b"1.2\0")
    data = explicit(SQ, "SQ", item(element + bytes(length))) + explicit(0x00200013, "IS", b"1 ")
    assert defect(data) == Defect(DefectKind.TRAILING, 32, None, ((SQ, 0),))


def test_an_implicit_data_set_sent_as_explicit_is_not_read() -> None:
    data = implicit(0x00080016, b"1.2\0") + implicit(0x00080018, b"1.3\0")
    assert walk(data, EXPLICIT_LITTLE) == Scan({}, Defect(DefectKind.BAD_VR, 0, 0x00080016), 0)


@pytest.mark.parametrize("rest", [b"", bytes(2**20)])
def test_an_explicit_data_set_sent_as_implicit_is_not_read(rest: bytes) -> None:
    data = UID + explicit(PIXELS, "OW", rest)
    assert walk(data, IMPLICIT_LITTLE) == Scan({}, Defect(DefectKind.BAD_VR, 0), 0)


@pytest.mark.parametrize(
    ("data", "syntax"),
    [
        (explicit(0x00080016, "UI", b"1.2\0", little=False), EXPLICIT_LITTLE),
        (explicit(0x00080016, "UI", b"1.2\0"), EXPLICIT_BIG),
        (implicit(0x00080016, b"1.2\0", little=False), IMPLICIT_LITTLE),
    ],
)
def test_the_wrong_byte_order_is_a_defect(data: bytes, syntax: Encoding) -> None:
    assert walk(data, syntax).defect == Defect(DefectKind.TRUNCATED, 0, 0x08001600)


@dataclass(frozen=True)
class Nest:
    depth: int

    @property
    def data(self) -> bytes:
        return (explicit(SQ, "SQ", item(length=UNDEFINED), length=UNDEFINED) * self.depth) + (
            item_end() + sequence_end()
        ) * self.depth


def test_nesting_has_a_limit() -> None:
    limits = Limits(max_depth=3)
    assert walk(Nest(3).data, EXPLICIT_LITTLE, limits).defect is None
    scan = walk(Nest(4).data, EXPLICIT_LITTLE, limits)
    assert scan.defect == Defect(DefectKind.TOO_DEEP, 60, SQ, ((SQ, 0), (SQ, 0), (SQ, 0)))
    assert scan.elements == {SQ: Span("SQ", 12, 48, ({SQ: Span("SQ", 32, 28, ({SQ: Span("SQ", 52, 8, ({},))},))},))}


def test_the_number_of_elements_and_items_has_a_limit() -> None:
    ten = b"".join(explicit(0x00091000 + number, "LO", b"ab") for number in range(10))
    assert walk(ten, EXPLICIT_LITTLE, Limits(max_elements=10)).defect is None
    scan = walk(ten, EXPLICIT_LITTLE, Limits(max_elements=9))
    assert scan.defect == Defect(DefectKind.TOO_MANY_ELEMENTS, 90, 0x00091009)
    assert len(scan.elements) == 9
    items = open_sequence(SQ, "SQ", item(UID) * 3)
    assert walk(items, EXPLICIT_LITTLE, Limits(max_elements=7)).defect is None
    assert walk(items, EXPLICIT_LITTLE, Limits(max_elements=6)).defect == Defect(
        DefectKind.TOO_MANY_ELEMENTS, 64, 0x00080018, ((SQ, 2),)
    )
    assert walk(items, EXPLICIT_LITTLE, Limits(max_elements=5)).defect == Defect(DefectKind.TOO_MANY_ELEMENTS, 56, SQ)


def test_the_number_of_fragments_has_a_limit() -> None:
    data = open_sequence(PIXELS, "OB", item(b"ab") * 5)
    assert walk(data, ENCAPSULATED, Limits(max_fragments=5)).defect is None
    scan = walk(data, ENCAPSULATED, Limits(max_fragments=4))
    assert scan.defect == Defect(DefectKind.TOO_MANY_ELEMENTS, 52, PIXELS)
    assert scan.elements[PIXELS].fragments == 4


def test_the_path_leads_to_the_defect_and_what_was_read_on_the_way_is_kept() -> None:
    bad = explicit(0x00081155, "UI", b"1.5\0", length=6)
    good = explicit(0x00081150, "UI", b"1.4\0")
    inner = open_sequence(0x00081199, "SQ", item(good) + item(good + bad))
    outer = open_sequence(0x00081115, "SQ", item(good) + item() + item(inner))
    scan = walk(UID + outer, EXPLICIT_LITTLE)
    assert scan.defect is not None
    assert scan.defect.path == ((0x00081115, 2), (0x00081199, 1))
    assert str(scan.defect) == "overrun at byte 114 in (0008,1115)[3].(0008,1199)[2].(0008,1155)"
    assert list(scan.elements) == [0x00080018, 0x00081115]
    first, second, third = scan.elements[0x00081115].items or ()
    assert (list(first), list(second), list(third)) == ([0x00081150], [], [0x00081199])
    assert [list(kept) for kept in third[0x00081199].items or ()] == [[0x00081150], [0x00081150]]


def test_a_defect_says_what_and_where() -> None:
    assert str(Defect(DefectKind.TRUNCATED, 7)) == "truncated at byte 7"
    assert str(Defect(DefectKind.BAD_VR, 0, 0x7FE00010)) == "bad VR at byte 0 in (7FE0,0010)"
    assert str(Defect(DefectKind.TRAILING, 9, None, ((SQ, 3),))) == "trailing bytes at byte 9 in (0008,1140)[4]"
