"""Forms that are well formed, and those that are read although they are not."""

import mmap
from pathlib import Path

import pytest

from scp.dicom.syntax import ENCAPSULATED, EXPLICIT_BIG, EXPLICIT_LITTLE, IMPLICIT_LITTLE, Encoding
from scp.dicom.walk import Limits, Scan, Span, fragments, walk
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

UID = explicit(0x00080018, "UI", b"1.2.3\0")
NUMBER = explicit(0x00200013, "IS", b"1 ")
IMPLICIT_BIG = Encoding(explicit=False, little=False, encapsulated=False)


def sound(data: bytes, syntax: Encoding = EXPLICIT_LITTLE) -> Scan:
    """The scan of bytes that have no defect."""
    scan = walk(data, syntax)
    assert scan.defect is None
    assert scan.end == len(data)
    return scan


def values(data: bytes, scan: Scan) -> dict[int, bytes]:
    return {tag: data[span.offset : span.offset + span.length] for tag, span in scan.elements.items()}


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG, IMPLICIT_LITTLE, IMPLICIT_BIG])
def test_no_bytes_are_an_empty_data_set(syntax: Encoding) -> None:
    assert sound(b"", syntax) == Scan({}, None, 0)


@pytest.mark.parametrize("little", [True, False])
def test_explicit_vrs_have_lengths_of_16_or_32_bits(little: bool) -> None:
    short = [
        "AE",
        "AS",
        "AT",
        "CS",
        "DA",
        "DS",
        "DT",
        "FD",
        "FL",
        "IS",
        "LO",
        "LT",
        "PN",
        "SH",
        "SL",
        "SS",
        "ST",
        "TM",
        "UI",
        "UL",
        "US",
    ]
    long = ["OB", "OD", "OF", "OL", "OV", "OW", "SV", "UC", "UN", "UR", "UT", "UV"]
    data, expected = b"", {}
    for number, vr in enumerate(short + long, 0x00091001):
        data += explicit(number, vr, b"a value!", little=little)
        expected[number] = Span(vr, len(data) - 8, 8)
    assert sound(data, EXPLICIT_LITTLE if little else EXPLICIT_BIG).elements == expected


@pytest.mark.parametrize("little", [True, False])
def test_implicit_vrs_come_from_the_dictionary(little: bool) -> None:
    tags = {
        0x00080018: "UI",
        0x00090000: "UL",  # group length
        0x00090010: "LO",  # private creator
        0x00091001: "UN",
        0x00280106: "US",  # US or SS
        0x60020010: "US",  # a repeating group
        0x7FE00010: "OW",
    }
    data = b"".join(implicit(tag, b"ab", little=little) for tag in tags)
    scan = sound(data, IMPLICIT_LITTLE if little else IMPLICIT_BIG)
    assert {tag: span.vr for tag, span in scan.elements.items()} == tags
    assert set(values(data, scan).values()) == {b"ab"}


@pytest.mark.parametrize("sequence_open", [True, False])
@pytest.mark.parametrize("items_open", [True, False])
def test_sequences_and_items_are_of_defined_or_undefined_length(sequence_open: bool, items_open: bool) -> None:
    items = [open_item(UID + NUMBER), open_item()] if items_open else [item(UID + NUMBER), item()]
    content = b"".join(items)
    data = open_sequence(0x00081140, "SQ", content) if sequence_open else explicit(0x00081140, "SQ", content)
    elements = sound(data + NUMBER).elements
    assert elements == {
        0x00081140: Span(
            "SQ",
            12,
            len(content),
            ({0x00080018: Span("UI", 28, 6), 0x00200013: Span("IS", 42, 2)}, {}),
        ),
        0x00200013: Span("IS", len(data) + 8, 2),
    }


def test_implicit_vr_sequences_of_either_length() -> None:
    inner = implicit(0x00081150, b"1.2\0")
    known = implicit(0x00081140, item(inner))
    private = implicit(0x00091001, open_item(inner) + sequence_end(), length=UNDEFINED)
    opaque = implicit(0x00091002, item(inner))
    elements = sound(known + private + opaque, IMPLICIT_LITTLE).elements
    assert elements[0x00081140] == Span("SQ", 8, 20, ({0x00081150: Span("UI", 24, 4)},))
    assert elements[0x00091001] == Span("SQ", 36, 28, ({0x00081150: Span("UI", 52, 4)},))
    assert elements[0x00091002] == Span("UN", 80, 20, None)


@pytest.mark.parametrize("data", [explicit(0x00081140, "SQ"), open_sequence(0x00081140, "SQ")])
def test_a_sequence_without_items_has_none(data: bytes) -> None:
    assert sound(data).elements == {0x00081140: Span("SQ", 12, 0, ())}


def test_sequences_nest_in_any_mixture_of_lengths() -> None:
    data = UID
    for depth in range(32):
        wrap = (item, open_item)[depth % 2](data)
        data = explicit(0x00081140, "SQ", wrap) if depth % 3 else open_sequence(0x00081140, "SQ", wrap)
    elements = sound(data).elements
    for _ in range(32):
        (elements,) = elements[0x00081140].items or ()
    (span,) = elements.values()
    assert data[span.offset : span.offset + span.length] == b"1.2.3\0"


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, EXPLICIT_BIG])
def test_un_of_undefined_length_is_a_sequence_in_implicit_little_endian(syntax: Encoding) -> None:
    nested = implicit(0x00081140, item(implicit(0x00081150, b"1.2\0")))
    content = open_item(implicit(0x00080018, b"1.2.3\0") + nested)
    after = explicit(0x00200013, "IS", b"1 ", little=syntax.little)
    # The header of the element and what comes after it are in the byte order of the Data Set, the delimiter is not.
    data = explicit(0x00091001, "UN", length=UNDEFINED, little=syntax.little) + content + sequence_end() + after
    elements = sound(data, syntax).elements
    assert list(elements) == [0x00091001, 0x00200013]
    span = elements[0x00091001]
    assert (span.vr, span.length) == ("UN", len(content))
    (inside,) = span.items or ()
    assert inside[0x00080018] == Span("UI", 28, 6)
    assert inside[0x00081140].items == ({0x00081150: Span("UI", 58, 4)},)


def test_items_below_un_may_be_in_explicit_vr_after_all() -> None:
    data = open_sequence(0x00091001, "UN", item(UID) + open_item(NUMBER) + item(implicit(0x00080018, b"1.2\0")))
    items = sound(data).elements[0x00091001].items or ()
    assert [{tag: span.vr for tag, span in one.items()} for one in items] == [
        {0x00080018: "UI"},
        {0x00200013: "IS"},
        {0x00080018: "UI"},
    ]
    assert [span.length for one in items for span in one.values()] == [6, 2, 4]


def test_a_standard_sequence_is_read_though_it_was_written_as_un_of_defined_length() -> None:
    content = item(implicit(0x00189115, item(implicit(0x00189073, b"\0" * 8))))
    data = explicit(0x52009230, "UN", content)
    (frame,) = sound(data).elements[0x52009230].items or ()
    assert frame[0x00189115].items == ({0x00189073: Span("FD", 44, 8)},)


@pytest.mark.parametrize(
    "data",
    [
        explicit(0x52009230, "UN", b"other bytes!"),
        explicit(0x52009230, "UN", b"\xfe\xff"),
        explicit(0x52009230, "UN"),
        explicit(0x00091001, "UN", item()),
        explicit(0x00080018, "UN", item()),
        explicit(0x0008FFFE, "UN", item()),
    ],
    ids=["no item", "two bytes", "empty", "private", "not a sequence", "unknown"],
)
def test_any_other_un_of_defined_length_is_a_value(data: bytes) -> None:
    (span,) = sound(data).elements.values()
    assert span == Span("UN", 12, len(data) - 12)


@pytest.mark.parametrize("little", [True, False])
def test_encapsulated_pixel_data_is_one_value_with_its_fragments(little: bool) -> None:
    syntax = Encoding(explicit=True, little=little, encapsulated=True)
    parts = [b"\0" * 8, b"\xfe\xff\xdd\xe0\0\0\0\0" if little else b"\xff\xfe\xe0\xdd\0\0\0\0", b"", b"123456"]
    content = b"".join(item(part, little=little) for part in parts)
    before = explicit(0x00080018, "UI", b"1.2.3\0", little=little)
    data = before + open_sequence(0x7FE00010, "OB", content, little=little)
    padding = explicit(0xFFFCFFFC, "OB", b"\0\0", little=little)
    span = sound(data + padding, syntax).elements[0x7FE00010]
    assert span == Span("OB", len(before) + 12, len(content), None, 4)
    places = list(fragments(data, span, little=little))
    assert [data[offset : offset + length] for offset, length in places] == parts


def test_what_is_not_encapsulated_has_no_fragments() -> None:
    data = explicit(0x7FE00010, "OW", item(b"native pixels"))
    span = sound(data).elements[0x7FE00010]
    assert span.fragments is None
    assert list(fragments(data, span, little=True)) == []


@pytest.mark.parametrize("vr", ["OB", "OD", "OF", "OL", "OV", "OW"])
def test_other_bulk_values_may_have_fragments_too(vr: str) -> None:
    data = open_sequence(0x00491001, vr, item(b"ab"))
    assert sound(data).elements == {0x00491001: Span(vr, 12, 10, None, 1)}


def test_pixel_data_in_fragments_may_be_un_and_may_be_in_an_item() -> None:
    pixels = open_sequence(0x7FE00010, "UN", item() + item(b"ab"))
    data = open_sequence(0x00880200, "SQ", open_item(pixels)) + pixels
    elements = sound(data, ENCAPSULATED).elements
    (icon,) = elements[0x00880200].items or ()
    assert icon[0x7FE00010].fragments == elements[0x7FE00010].fragments == 2


@pytest.mark.parametrize("length", [1, 8, 0x12345678, UNDEFINED])
def test_the_length_of_a_delimiter_is_not_looked_at(length: int) -> None:
    one = item(UID, length=UNDEFINED) + item_end(length=length)
    data = explicit(0x00081140, "SQ", one, length=UNDEFINED) + sequence_end(length=length)
    pixels = explicit(0x7FE00010, "OB", item(b"ab"), length=UNDEFINED) + sequence_end(length=length)
    elements = sound(data + NUMBER + pixels, ENCAPSULATED).elements
    assert elements[0x00081140].items == ({0x00080018: Span("UI", 28, 6)},)
    assert elements[0x7FE00010].fragments == 1


def test_a_needless_delimiter_may_end_what_has_a_length() -> None:
    data = explicit(0x00081140, "SQ", item(UID + item_end()) + sequence_end())
    assert sound(data + NUMBER).elements == {
        0x00081140: Span("SQ", 12, 30, ({0x00080018: Span("UI", 28, 6)},)),
        0x00200013: Span("IS", 58, 2),
    }


def test_reserved_bytes_are_not_looked_at() -> None:
    data = bytearray(explicit(0x00420011, "OB", b"ab"))
    data[6:8] = b"\x12\x34"
    assert sound(bytes(data)).elements == {0x00420011: Span("OB", 12, 2)}


def test_the_first_element_out_of_order_is_noted() -> None:
    data = NUMBER + UID + explicit(0x00080016, "UI", b"1.2\0") + explicit(0x00280010, "US", b"\1\0")
    scan = sound(data)
    assert scan.unsorted == 0x00080018
    assert scan.repeated is None
    assert list(scan.elements) == [0x00200013, 0x00080018, 0x00080016, 0x00280010]


@pytest.mark.parametrize("syntax", [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
def test_of_a_repeated_element_the_last_counts_and_it_is_noted(syntax: Encoding) -> None:
    def encode(tag: int, value: bytes) -> bytes:
        return explicit(tag, "UI", value) if syntax.explicit else implicit(tag, value)

    data = encode(0x00080016, b"1.2\0") + encode(0x00080018, b"1.3\0") + encode(0x00080018, b"1.4\0")
    scan = sound(data, syntax)
    assert (scan.unsorted, scan.repeated) == (0x00080018, 0x00080018)
    assert values(data, scan) == {0x00080016: b"1.2\0", 0x00080018: b"1.4\0"}


def test_an_element_is_repeated_even_if_others_are_between() -> None:
    data = NUMBER + UID + explicit(0x00080050, "SH", b"") + NUMBER + UID
    scan = sound(data)
    assert (scan.unsorted, scan.repeated) == (0x00080018, 0x00200013)


def test_order_inside_of_items_is_not_noted() -> None:
    scan = sound(explicit(0x00081140, "SQ", item(NUMBER + UID + UID)))
    assert (scan.unsorted, scan.repeated) == (None, None)


def test_a_sequence_out_of_order_is_noted_like_any_element() -> None:
    scan = sound(NUMBER + explicit(0x00081140, "SQ", item(UID)) * 2)
    assert (scan.unsorted, scan.repeated) == (0x00081140, 0x00081140)


@pytest.mark.parametrize(
    "data",
    [
        explicit(0x00100020, "LO", b"abc") + NUMBER,
        explicit(0x00100020, "LO", b"abc") + explicit(0x00100030, "DA", b"x"),
        NUMBER + explicit(0x00100020, "LO", b"abc"),
        explicit(0x00081140, "SQ", item(explicit(0x00100020, "LO", b"abc")) + item(explicit(0x00100030, "DA", b"x"))),
        open_sequence(0x00081140, "SQ", open_item(explicit(0x00100020, "LO", b"abc")))
        + explicit(0x00100030, "DA", b"x"),
    ],
    ids=["first", "two", "unsorted", "items", "nested"],
)
def test_odd_lengths_are_kept_and_the_first_is_noted(data: bytes) -> None:
    scan = sound(data)
    assert scan.odd == 0x00100020


def test_even_lengths_are_not_noted() -> None:
    assert sound(UID + NUMBER).odd is None
    assert sound(NUMBER + UID).odd is None, "in whatever order"


def test_a_command_group_in_the_data_set_is_just_elements() -> None:
    data = explicit(0x00000000, "UL", b"\4\0\0\0") + explicit(0x00000002, "UI", b"1.2\0") + UID
    scan = sound(data)
    assert list(scan.elements) == [0, 2, 0x00080018]
    assert scan.unsorted is None


def test_a_walk_may_start_anywhere_and_counts_from_the_beginning() -> None:
    before = b"a preamble that is not walked"
    scan = walk(before + UID, EXPLICIT_LITTLE, start=len(before))
    assert scan == Scan({0x00080018: Span("UI", len(before) + 8, 6)}, None, len(before) + len(UID))
    late = walk(before, EXPLICIT_LITTLE, start=len(before) + 1)
    assert late.defect is not None


def test_all_kinds_of_buffers_are_walked_alike(tmp_path: Path) -> None:
    pixels = open_sequence(0x7FE00010, "OB", item() + item(b"ab"))
    data = UID + open_sequence(0x00091001, "UN", item(implicit(0x00080018, b"1.2\0"))) + NUMBER + pixels
    expected = walk(data, ENCAPSULATED)
    assert expected.defect is None
    path = tmp_path / "object"
    path.write_bytes(data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert walk(mapped, ENCAPSULATED) == expected
    assert walk(bytearray(data), ENCAPSULATED) == expected
    assert walk(memoryview(b"before" + data + b"after")[6:-5], ENCAPSULATED) == expected


@pytest.mark.parametrize("syntax", [ENCAPSULATED, IMPLICIT_LITTLE])
def test_objects_of_more_than_4_gib_are_walked_in_place(tmp_path: Path, syntax: Encoding) -> None:
    long = 0xFFFFFFF0
    if syntax.explicit:
        start = open_sequence(0x7FE00010, "OB", item(b"ab")) + explicit(0xFFFCFFFC, "OB", length=long)
    else:
        start = implicit(0x00091001, item() + sequence_end(), length=UNDEFINED) + implicit(0xFFFCFFFC, length=long)
    path = tmp_path / "object"
    with path.open("w+b") as file:
        file.write(start)
        file.truncate(len(start) + long)  # a hole, which takes no space
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            scan = walk(mapped, syntax)
    first, padding = scan.elements.values()
    assert scan.defect is None
    assert scan.end == len(start) + long
    assert (first.fragments, first.items) == ((1, None) if syntax.explicit else (None, ({},)))
    assert (padding.offset, padding.length) == (len(start), long)


def test_the_limits_that_hold_unless_others_are_given() -> None:
    assert Limits() == Limits(max_depth=32, max_elements=1_000_000, max_fragments=2_000_000, inflated_bytes=2**28)
