"""Two copies of one instance: what differs, and what only looks as if it did."""

import shutil
import tracemalloc
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blake3 import blake3
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

from scp.dicom.compare import MOST_RECORDED, compare
from scp.dicom.difference import Comparison, Difference, Pixels
from scp.dicom.walk import Limits
from tests.rules.builders import encoded, image
from tests.unit.dicom.encode import explicit, implicit, item, open_item, open_sequence, sequence_end
from tests.unit.dicom.recode import DCMTK, Copy, by_dcmtk, by_pydicom, copy_of, encode
from tests.unit.dicom.samples import CORPUS, PYDICOM, well_formed

EXPLICIT, IMPLICIT, BIG = str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian), str(ExplicitVRBigEndian)
NATIVE = (IMPLICIT, EXPLICIT, BIG, str(DeflatedExplicitVRLittleEndian))
FILES = [PYDICOM / name for name in well_formed(PYDICOM)]
ONE_OF_EACH = [
    min(folder.iterdir()) for folder in sorted(CORPUS.glob("*_*")) if folder.is_dir() and folder.name[:3] != "pyd"
]
NO_CORPUS = (
    [] if ONE_OF_EACH else [pytest.param(Path(), marks=pytest.mark.skip("the corpus is not there"), id="corpus")]
)


def between(first: Copy, second: Copy) -> Comparison:
    return compare(first.data, first.syntax, second.data, second.syntax)


def changed(first: Dataset, second: Dataset, syntax: str = EXPLICIT) -> tuple[Difference, ...]:
    return between(encode(first, EXPLICIT), encode(second, syntax)).differences


def raw(first: bytes, second: bytes, first_syntax: str = EXPLICIT, second_syntax: str = EXPLICIT) -> Comparison:
    return compare(first, first_syntax, second, second_syntax)


def paths(comparison: Comparison) -> list[str]:
    return [difference.path for difference in comparison.differences]


def is_same(comparison: Comparison) -> bool:
    return not comparison.differences and not comparison.omitted and comparison.pixels is Pixels.EQUAL


# ------------------------------------------------------------------------------------------- encoded again, the same


@pytest.mark.parametrize("path", [*FILES, *ONE_OF_EACH, *NO_CORPUS], ids=lambda path: path.name)
def test_a_file_that_pydicom_encoded_again_has_no_differences(path: Path) -> None:
    first = copy_of(path)
    assert is_same(between(first, first))
    compressed = first.syntax not in NATIVE
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's, about its own test files
        copies = [] if compressed else [by_pydicom(path, syntax) for syntax in NATIVE]
    for second in copies:
        assert is_same(between(first, second)), second.syntax
        assert is_same(between(second, first)), second.syntax


RLE_FILES = ["CT_small.dcm", "MR_small.dcm", "SC_rgb_small_odd.dcm", "examples_overlay.dcm", "examples_rgb_color.dcm"]


@pytest.mark.parametrize("name", [name for name in RLE_FILES if (PYDICOM / name).is_file()])
@pytest.mark.parametrize("syntax", [IMPLICIT, BIG])
def test_a_file_that_pydicom_compressed_has_the_same_pixels(name: str, syntax: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        first, second = by_pydicom(PYDICOM / name, syntax), by_pydicom(PYDICOM / name, str(RLELossless))
    assert is_same(between(first, second))
    assert is_same(between(second, first))


@pytest.mark.skipif(not shutil.which("dcmconv"), reason="DCMTK is not there")
@pytest.mark.parametrize("what", DCMTK)
def test_files_that_dcmtk_encoded_again_have_no_differences(what: str, tmp_path: Path) -> None:
    converted = 0
    for path in [*FILES[::5], *ONE_OF_EACH]:
        second = by_dcmtk(path, tmp_path, what)
        if second is not None:
            converted += 1
            assert is_same(between(copy_of(path), second)), path.name
    assert converted >= 10


# ----------------------------------------------------------------------------------- one thing changed, one difference


def rich() -> Dataset:
    """A slice with nested Sequences, several values, private elements and binary numbers."""
    ds = image(SpecificCharacterSet="ISO_IR 192", PatientName="Grün^Ö", ImageComments="as it is")
    code = Dataset()
    code.CodeValue, code.CodeMeaning = "1", "one"
    request = Dataset()
    request.RequestedProcedureID, request.ScheduledProtocolCodeSequence = "R1", Sequence([code])
    ds.RequestAttributesSequence = Sequence([request, Dataset()])
    view = Dataset()
    view.CodeValue, view.Quantity = "V", "2"
    ds.ViewCodeSequence = Sequence([view])
    block = ds.private_block(0x0019, "MAKER 1", create=True)
    block.add_new(0x0A, "LO", "private")
    block.add_new(0x0B, "FD", 1.25)
    ds.SelectorATValue, ds.RedPaletteColorLookupTableDescriptor = [0x00100010, 0x00200013], [256, 0, 16]
    ds.ExposureIndex, ds.RecommendedDisplayFrameRateInFloat = "1.50", 1.5
    ds.DiffusionBValue = 800.0
    return ds


def _set(keyword: str, value: object) -> Callable[[Dataset], None]:
    return lambda ds: setattr(ds, keyword, value)


def _in_code(ds: Dataset) -> None:
    ds.RequestAttributesSequence[0].ScheduledProtocolCodeSequence[0].CodeMeaning = "two"


def _in_view(ds: Dataset) -> None:
    ds.ViewCodeSequence[0].Quantity = "3"


def _private(element: int, value: object) -> Callable[[Dataset], None]:
    def change(ds: Dataset) -> None:
        ds.private_block(0x0019, "MAKER 1")[element].value = value

    return change


CHANGES = {
    "(0010,0010)": _set("PatientName", "Grün^Ä"),
    "(0018,0050)": _set("SliceThickness", "2.51"),
    "(0018,9087)": _set("DiffusionBValue", 1000.0),
    "(0019,100A \"MAKER 1\")": _private(0x0A, "other"),
    "(0019,100B \"MAKER 1\")": _private(0x0B, 1.5),
    "(0020,0032)": _set("ImagePositionPatient", ["0", "0", "11"]),
    "(0020,4000)": _set("ImageComments", " as it is"),
    "(0028,0010)": _set("Rows", 5),
    "(0028,1101)": _set("RedPaletteColorLookupTableDescriptor", [256, 1, 16]),
    "(0040,0275)[1].(0040,0008)[1].(0008,0104)": _in_code,
    "(0054,0220)[1].(0040,0294)": _in_view,
    "(0072,0060)": _set("SelectorATValue", [0x00100020, 0x00200013]),
    "(0008,0060)": _set("Modality", "MR"),
}  # fmt: skip


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG])
@given(chosen=st.sets(st.sampled_from(sorted(CHANGES)), max_size=4))
@settings(max_examples=40, deadline=None)
def test_exactly_what_was_changed_differs(syntax: str, chosen: set[str]) -> None:
    second = rich()
    for path in chosen:
        CHANGES[path](second)
    found = between(encode(rich(), EXPLICIT), encode(second, syntax))
    assert paths(found) == sorted(chosen)
    assert found.pixels is Pixels.EQUAL


def test_a_difference_has_both_values_as_text() -> None:
    second = rich()
    for change in CHANGES.values():
        change(second)
    found = {one.path: (one.tag, one.first, one.second, one.coercible) for one in changed(rich(), second)}
    assert found["(0010,0010)"] == (0x00100010, "Grün^Ö", "Grün^Ä", True)
    assert found["(0018,0050)"] == (0x00180050, "2.5", "2.51", False)
    assert found["(0018,9087)"] == (0x00189087, "800", "1000", False)
    assert found['(0019,100A "MAKER 1")'] == (0x0019100A, "private", "other", False)
    assert found["(0028,1101)"] == (0x00281101, "256\\0\\16", "256\\1\\16", False)
    assert found["(0072,0060)"][1] == "(0010,0010)\\(0020,0013)"
    assert found["(0040,0275)[1].(0040,0008)[1].(0008,0104)"] == (0x00080104, "one", "two", True)
    assert found["(0054,0220)[1].(0040,0294)"] == (0x00400294, "2", "3", False)


def test_what_is_absent_has_no_value() -> None:
    found = changed(image(), image(StationName=None, ImageComments="x"))
    assert [(one.path, one.first, one.second) for one in found] == [
        ("(0008,1010)", "CT1", None), ("(0020,4000)", None, "x"),
    ]  # fmt: skip


def test_an_empty_value_is_not_an_absent_one() -> None:
    (found,) = changed(image(), image(ImageComments=""))
    assert (found.first, found.second) == (None, "")


def test_items_are_counted() -> None:
    first, second = rich(), rich()
    del second.RequestAttributesSequence[1]
    del second.ViewCodeSequence
    found = {one.path: (one.first, one.second) for one in changed(first, second)}
    assert found == {"(0040,0275)[2]": ("1 item", None), "(0054,0220)": ("1 item", None)}
    second.RequestAttributesSequence = Sequence([])
    assert [(one.path, one.first) for one in changed(first, second) if one.coercible] == [
        ("(0040,0275)[1]", "1 item"), ("(0040,0275)[2]", "1 item"),
    ]  # fmt: skip
    del second.RequestAttributesSequence
    assert [one.first for one in changed(first, second) if one.coercible] == ["2 items"]


# ------------------------------------------------------------------------------------------------- what does not count


def test_volatile_attributes_do_not_count() -> None:
    second = image()
    second.RetrieveAETitle, second.InstanceAvailability = "PACS", "ONLINE"
    second.StorageMediaFileSetID = "DISK"
    second.OriginalAttributesSequence = Sequence([Dataset()])
    second.ContributingEquipmentSequence = Sequence([Dataset()])
    second.DataSetTrailingPadding = b"\0\0"
    assert changed(image(), second) == ()


def test_groups_that_do_not_belong_into_a_data_set_do_not_count() -> None:
    extra = explicit(0x00000002, "UI", b"1.2\0") + explicit(0x00020010, "UI", b"1.2\0")
    data = encode(image(), EXPLICIT).data
    assert is_same(raw(data, extra + data))


def test_group_lengths_do_not_count() -> None:
    data = encode(image(), EXPLICIT).data
    assert is_same(raw(data, explicit(0x00080000, "UL", b"\x10\0\0\0") + data))


def test_trailing_zeros_do_not_count() -> None:
    data = encode(image(), EXPLICIT).data
    assert is_same(raw(data, data + bytes(12)))


@pytest.mark.parametrize(("first", "second"), [("1", "1.0"), ("0.1", "+1e-1"), ("100", " 1E2 "), ("-0", "0")])
def test_numbers_are_compared_as_numbers(first: str, second: str) -> None:
    ours, theirs = (explicit(0x00180050, "DS", text.ljust(6).encode()) for text in (first, second))
    assert is_same(raw(ours, theirs))


def test_a_vr_does_not_count() -> None:
    assert is_same(raw(explicit(0x00180050, "LO", b"2.5 "), explicit(0x00180050, "DS", b"2.5 ")))
    assert is_same(raw(explicit(0x00280010, "UL", b"\4\0\0\0"), explicit(0x00280010, "US", b"\4\0")))
    assert is_same(raw(explicit(0x00280106, "SS", b"\4\0"), explicit(0x00280106, "US", b"\4\0")))
    assert paths(raw(explicit(0x00280010, "UL", b"\5\0\0\0"), explicit(0x00280010, "US", b"\4\0"))) == ["(0028,0010)"]


def test_text_counts_by_its_characters_not_its_character_set() -> None:
    names = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    utf8 = image(SpecificCharacterSet="ISO_IR 192", PatientName=names)
    escapes = image(SpecificCharacterSet=["", "ISO 2022 IR 87"], PatientName=names)
    assert changed(utf8, escapes) == ()
    (found,) = changed(utf8, image(SpecificCharacterSet="ISO_IR 192", PatientName=names.replace("山", "川")))
    assert found.tag == 0x00100010
    latin = encode(image(SpecificCharacterSet="ISO_IR 100", PatientName="Grün"), EXPLICIT)
    assert paths(between(latin, Copy(latin.data.replace(b"ISO_IR 100", b"ISO_IR 101"), EXPLICIT))) == []
    assert paths(between(latin, Copy(latin.data.replace(b"ISO_IR 100", b"ISO_IR 144"), EXPLICIT))) == ["(0010,0010)"]


def test_an_item_may_have_a_character_set_of_its_own() -> None:
    def with_item(charset: str, inner: str | None) -> Dataset:
        code = Dataset()
        if inner:
            code.SpecificCharacterSet = inner
        code.CodeMeaning = "Größe"
        return image(SpecificCharacterSet=charset, ViewCodeSequence=Sequence([code]))

    assert changed(with_item("ISO_IR 192", None), with_item("ISO_IR 192", "ISO_IR 100")) == ()


def test_a_private_block_may_be_anywhere() -> None:
    first = explicit(0x00190010, "LO", b"MAKER 1 ") + explicit(0x0019100A, "LO", b"same")
    second = explicit(0x00190011, "LO", b"MAKER 1 ") + explicit(0x0019110A, "LO", b"same")
    other = explicit(0x00190010, "LO", b"MAKER 2 ") + explicit(0x0019100A, "LO", b"same")
    assert is_same(raw(first, second))
    assert paths(raw(first, other)) == ['(0019,100A "MAKER 1")', '(0019,100A "MAKER 2")']


def test_two_blocks_of_one_creator_are_told_apart() -> None:
    creators = explicit(0x00190010, "LO", b"M ") + explicit(0x00190011, "LO", b"M ")
    first = creators + explicit(0x0019100A, "LO", b"a ") + explicit(0x0019110A, "LO", b"b ")
    second = creators + explicit(0x0019100A, "LO", b"c ") + explicit(0x0019110A, "LO", b"b ")
    assert paths(raw(first, second)) == ['(0019,100A "M")']


def test_a_private_element_without_creator_is_compared_all_the_same() -> None:
    assert paths(raw(explicit(0x00191001, "LO", b"a "), explicit(0x00191001, "LO", b"b "))) == ["(0019,1001)"]


def test_an_unknown_vr_is_read_as_the_other_copy_has_it() -> None:
    creator = explicit(0x00190010, "LO", b"M ")
    number = explicit(0x00191001, "US", b"\0\5", little=False)
    first = explicit(0x00190010, "LO", b"M ", little=False) + number
    assert is_same(raw(first, creator + explicit(0x00191001, "UN", b"\5\0"), BIG))
    unknown = explicit(0x00190010, "LO", b"M ", little=False) + explicit(0x00191001, "UN", b"\5\0", little=False)
    assert is_same(raw(unknown, creator + explicit(0x00191001, "US", b"\5\0"), BIG))
    assert is_same(raw(implicit(0x00190010, b"M ") + implicit(0x00191001, b"a "),
                       creator + explicit(0x00191001, "LO", b"a\0"), IMPLICIT))  # fmt: skip


def test_a_sequence_may_be_written_without_saying_so() -> None:
    inside = explicit(0x00080100, "SH", b"1 ")
    known = explicit(0x00191001, "SQ", item(inside))
    unknown = explicit(0x00191001, "UN", item(implicit(0x00080100, b"1 ")))
    explicit_below_un = explicit(0x00191001, "UN", item(inside))
    open_ended = open_sequence(0x00191001, "UN", open_item(implicit(0x00080100, b"1 ")))
    for second in (unknown, explicit_below_un, open_ended):
        assert is_same(raw(known, second))
        assert is_same(raw(second, known))
    bare = implicit(0x00191001, item(implicit(0x00080100, b"1 ")))
    assert is_same(raw(known, bare, EXPLICIT, IMPLICIT))
    assert is_same(raw(bare, implicit(0x00191001, item(implicit(0x00080100, b"1 "), length=10)), IMPLICIT, IMPLICIT))
    other = explicit(0x00191001, "UN", item(implicit(0x00080100, b"2 ")))
    assert paths(raw(known, other)) == ["(0019,1001)[1].(0008,0100)"]
    assert is_same(raw(explicit(0x00191001, "SQ"), explicit(0x00191001, "UN")))


def test_a_sequence_and_other_bytes_differ() -> None:
    known = explicit(0x00191001, "SQ", item() + item())
    for other in (
        explicit(0x00191001, "UN", b"bytes "),
        explicit(0x00191001, "UN", b"\xfe\xff\x00\xe0\x40\0\0\0"),
        explicit(0x00191001, "LO", b"bytes "),
    ):
        (found,) = raw(known, other).differences
        assert found.first == "2 items"


def test_items_below_un_are_little_endian_even_in_big_endian() -> None:
    below = item(implicit(0x00280010, b"\4\0"))
    first = explicit(0x00191001, "UN", length=0xFFFFFFFF, little=False) + below + sequence_end()
    second = explicit(0x00191001, "SQ", item(explicit(0x00280010, "US", b"\4\0")))
    assert is_same(raw(first, second, BIG))
    assert is_same(raw(explicit(0x00191001, "UN", below, little=False), second, BIG))


def test_guessing_at_sequences_ends_somewhere() -> None:
    """Each guess costs a walk, so a thousand of them in each other must not."""
    data = b"\0\0"
    for _ in range(1000):
        data = item(implicit(0x00191001, data))
    first, second = (explicit(0x00191001, "UN", value) for value in (data, data[:-2] + b"\1\0"))
    (found,) = raw(first, second).differences
    assert found.path.count("[1]") == 32


def test_what_identifies_a_patient_elsewhere_is_no_patient_attribute() -> None:
    def showing(patient: str) -> Dataset:
        source = Dataset()
        source.PatientID = patient
        return image(SourceImageSequence=Sequence([source]))

    (found,) = changed(showing("P1"), showing("P2"))
    assert (found.path, found.coercible) == ("(0008,2112)[1].(0010,0020)", False)


# ---------------------------------------------------------------------------------------------------------- bulk data


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG, str(DeflatedExplicitVRLittleEndian)])
@given(pixel=st.integers(0, 15), value=st.integers(1, 65535))
@settings(max_examples=10, deadline=None)
def test_one_pixel_makes_the_pixels_different(syntax: str, pixel: int, value: int) -> None:
    pixels = bytearray(32)
    pixels[2 * pixel : 2 * pixel + 2] = value.to_bytes(2, "big" if syntax == BIG else "little")
    found = between(encode(image(), EXPLICIT), encode(image(PixelData=bytes(pixels)), syntax))
    assert found.pixels is Pixels.DIFFERENT
    (difference,) = found.differences
    assert difference.path == "(7FE0,0010)"
    assert str(difference.first).startswith("blake3:")
    assert str(difference.second).endswith("(32 bytes)")


def test_attributes_that_only_describe_the_order_of_equal_pixels_do_not_count() -> None:
    planes = bytes(range(48))
    pixels = bytes(planes[at % 3 * 16 + at // 3] for at in range(48))
    colour: dict[str, Any] = {"SamplesPerPixel": 3, "BitsAllocated": 8, "PhotometricInterpretation": "RGB"}
    first = image(**colour, PlanarConfiguration=1, PixelData=planes)
    second = image(**colour, PlanarConfiguration=0, PixelData=pixels)
    assert is_same(between(encode(first, EXPLICIT), encode(second, EXPLICIT)))
    unordered = image(**colour, PlanarConfiguration=0, PixelData=pixels[::-1])
    found = between(encode(first, EXPLICIT), encode(unordered, EXPLICIT))
    assert paths(found) == ["(0028,0006)", "(7FE0,0010)"]


def test_pixels_of_one_copy_only_are_different() -> None:
    found = between(encode(image(), EXPLICIT), encode(image(PixelData=None), EXPLICIT))
    assert found.pixels is Pixels.DIFFERENT
    assert [(one.path, one.second) for one in found.differences] == [("(7FE0,0010)", None)]


def test_a_report_has_no_bulk_data_that_could_differ() -> None:
    ds = image(PixelData=None)
    assert is_same(between(encode(ds, EXPLICIT), encode(ds, BIG)))


def test_a_waveform_is_bulk_data() -> None:
    def waveform(samples: bytes) -> Dataset:
        group = Dataset()
        group.WaveformBitsAllocated, group.WaveformData = 16, samples
        group["WaveformData"].VR = "OW"
        return image(PixelData=None, WaveformSequence=Sequence([group]))

    first = encode(waveform(b"\1\2\3\4"), EXPLICIT)
    assert is_same(between(first, encode(waveform(b"\2\1\4\3"), BIG)))
    found = between(first, encode(waveform(b"\1\2\3\5"), EXPLICIT))
    assert found.pixels is Pixels.DIFFERENT
    assert paths(found) == ["(5400,0100)[1].(5400,1010)"]
    assert str(found.differences[0].first).startswith("blake3:")


def icon(pixels: bytes) -> Dataset:
    small = image(PixelData=pixels)
    ds = Dataset()
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.BitsAllocated = small.Rows, small.Columns, 1, 16
    ds.PixelData = pixels
    ds["PixelData"].VR = "OW"
    return image(IconImageSequence=Sequence([ds]))


def test_an_icon_is_an_attribute_and_not_the_image() -> None:
    found = between(encode(icon(bytes(32)), EXPLICIT), encode(icon(bytes(31) + b"\1"), EXPLICIT))
    assert found.pixels is Pixels.EQUAL
    assert paths(found) == ["(0088,0200)[1].(7FE0,0010)"]
    without = icon(bytes(32))
    del without.IconImageSequence[0].PixelData
    found = between(encode(icon(bytes(32)), EXPLICIT), encode(without, EXPLICIT))
    assert found.pixels is Pixels.EQUAL
    assert is_same(between(encode(icon(bytes(32)), EXPLICIT), encode(icon(bytes(32)), BIG)))


def encapsulated(*fragments: bytes, table: bytes = b"") -> bytes:
    return open_sequence(0x7FE00010, "OB", item(table) + b"".join(item(fragment) for fragment in fragments))


def with_pixels(element: bytes, **changes: Any) -> bytes:
    return encoded(image(PixelData=None, **changes)) + element


def test_a_lossy_copy_cannot_be_compared() -> None:
    native, lossy = with_pixels(explicit(0x7FE00010, "OW", bytes(32))), with_pixels(encapsulated(b"\xff\xd8ab"))
    found = raw(native, lossy, EXPLICIT, str(JPEGBaseline8Bit))
    assert (found.pixels, found.differences) == (Pixels.LOSSY, ())
    other = with_pixels(encapsulated(b"\xff\xd8ac"))
    assert raw(lossy, other, str(JPEGBaseline8Bit), str(JPEGBaseline8Bit)).pixels is Pixels.LOSSY


def test_the_same_codestream_is_equal_without_decoding() -> None:
    """However it is cut into fragments, and whatever the offset table says."""
    first = with_pixels(encapsulated(b"\xff\xd8abcd"))
    second = with_pixels(encapsulated(b"\xff\xd8", b"abcd", table=bytes(4)))
    for syntax in (str(JPEGBaseline8Bit), str(JPEG2000Lossless), "1.2.3.4"):
        assert is_same(raw(first, second, syntax, syntax))


def test_what_no_decoder_reads_is_unreadable() -> None:
    native, coded = with_pixels(explicit(0x7FE00010, "OW", bytes(32))), with_pixels(encapsulated(b"\xff\x4fab"))
    assert raw(native, coded, EXPLICIT, "1.2.3.4").pixels is Pixels.UNREADABLE


def test_an_icon_that_cannot_be_decoded_differs() -> None:
    def with_icon(element: bytes) -> bytes:
        return explicit(0x00880200, "SQ", item(element)) + explicit(0x7FE00010, "OW", bytes(32))

    first, second = (with_icon(element) for element in (explicit(0x7FE00010, "OW", b"ab"), encapsulated(b"ab")))
    assert paths(raw(first, second, EXPLICIT, "1.2.3.4")) == ["(0088,0200)[1].(7FE0,0010)"]


def test_pixel_data_that_are_a_sequence_are_compared_as_one() -> None:
    strange = explicit(0x7FE00010, "SQ", item())
    assert is_same(raw(strange, strange))
    found = raw(strange, explicit(0x7FE00010, "OW", bytes(2)))
    assert (paths(found), found.pixels) == (["(7FE0,0010)"], Pixels.DIFFERENT)


def test_other_encapsulated_values_are_compared_by_their_fragments() -> None:
    first = open_sequence(0x00420011, "OB", item() + item(b"docu") + item(b"ment"))
    assert is_same(raw(first, open_sequence(0x00420011, "OB", item() + item(b"document"))))
    assert is_same(raw(first, explicit(0x00420011, "OB", b"document")))


# ------------------------------------------------------------------------------------------------------------- bounds


def test_at_most_so_many_differences_are_recorded_of_either_sort() -> None:
    def many(value: bytes) -> bytes:
        names = explicit(0x00401001, "SH", value)
        request = b"".join(item(names) for _ in range(150))
        texts = b"".join(explicit(0x00280010 + number, "SH", value) for number in range(150))
        return texts + explicit(0x00400275, "SQ", request)

    found = raw(many(b"a "), many(b"b "))
    assert len(found.differences) == 2 * MOST_RECORDED
    assert sum(one.coercible for one in found.differences) == MOST_RECORDED
    assert found.omitted == 100


def test_values_are_cut() -> None:
    (found,) = changed(image(ImageComments="x"), image(ImageComments="y" * 1000))
    assert found.second == "y" * 256


@pytest.mark.parametrize("data", [b"\x08", b"\x08\0\x05\0CS\xff\xff", explicit(0x00080100, "SH", b"ab") + b"\1"])
def test_what_cannot_be_walked_is_unreadable(data: bytes) -> None:
    good = encode(image(), EXPLICIT).data
    for first, second in ((good, data), (data, good)):
        found = raw(first, second)
        assert (found.differences, found.pixels) == ((), Pixels.UNREADABLE)


def test_a_transfer_syntax_that_is_none_is_unreadable() -> None:
    assert raw(b"", b"", "nonsense", EXPLICIT).pixels is Pixels.UNREADABLE


def test_the_walk_has_the_limits_of_the_node() -> None:
    data = encode(image(), EXPLICIT).data
    assert compare(data, EXPLICIT, data, EXPLICIT, Limits(max_elements=3)).pixels is Pixels.UNREADABLE


def test_data_may_be_views_of_mapped_files() -> None:
    first, second = encode(image(), NATIVE[3]), encode(image(StationName="CT2"), BIG)
    found = compare(memoryview(first.data), first.syntax, memoryview(second.data), second.syntax)
    assert paths(found) == ["(0008,1010)"]


def test_bulk_data_are_shown_by_digests_for_which_they_are_not_copied() -> None:
    first, second = (explicit(0x7FE00010, "OW", bytes(8 << 20) + end) for end in (b"ab", b"cd"))
    tracemalloc.start()
    try:
        (found,) = raw(first, second).differences
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert found.first == f"blake3:{blake3(first[12:]).hexdigest()} ({(8 << 20) + 2} bytes)"
    assert peak < 4 << 20


def test_a_comparison_names_both_transfer_syntaxes() -> None:
    found = between(encode(image(), EXPLICIT), encode(image(), BIG))
    assert (found.first_transfer_syntax, found.second_transfer_syntax) == (EXPLICIT, BIG)


SMALL = [path for path in FILES if path.stat().st_size < 40_000]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_comparing_never_raises_whatever_the_bytes(data: st.DataObject) -> None:
    first = copy_of(data.draw(st.sampled_from(SMALL)))
    spoilt = bytearray(first.data)
    for _ in range(data.draw(st.integers(0, 6))):
        spoilt[data.draw(st.integers(0, len(spoilt) - 1))] = data.draw(st.integers(0, 255))
    syntax = data.draw(st.sampled_from([first.syntax, *NATIVE, str(RLELossless)]))
    found = compare(first.data, first.syntax, bytes(spoilt), syntax)
    assert len(found.differences) <= 2 * MOST_RECORDED
    assert all(len(value or "") <= 256 for one in found.differences for value in (one.first, one.second))


@given(first=st.binary(max_size=200), second=st.binary(max_size=200), syntax=st.sampled_from(NATIVE))
def test_comparing_never_raises_for_random_bytes(first: bytes, second: bytes, syntax: str) -> None:
    assert isinstance(compare(first, syntax, second, syntax), Comparison)
