"""Values are shown to people who may see them: by name, in their character set, and never without end."""

import zlib

from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from scp.dicom import tags as t
from scp.dicom.disclose import disclosed
from scp.dicom.walk import Limits
from tests.unit.dicom.encode import explicit, implicit, item

NAME = "(0010,0010) PatientName"
ROWS = "(0028,0010) Rows"


def shown(data: bytes, *tags: int, syntax: str = ExplicitVRLittleEndian) -> dict[str, str | None]:
    found = disclosed(memoryview(data), syntax, tags, Limits())
    assert found is not None
    return dict(found)


def test_text_is_shown_by_name_without_padding() -> None:
    data = explicit(t.MODALITY, "CS", b"CT") + explicit(t.PATIENT_NAME, "PN", b"Test^Case ")
    assert shown(data, t.PATIENT_NAME, t.MODALITY) == {NAME: "Test^Case", "(0008,0060) Modality": "CT"}


def test_text_is_decoded_in_the_character_set_of_the_data_set() -> None:
    charset = explicit(t.SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 192")
    assert shown(charset + explicit(t.PATIENT_NAME, "PN", "Müller".encode() + b" "), t.PATIENT_NAME) == {NAME: "Müller"}


def test_text_in_implicit_vr_is_text_by_the_dictionary() -> None:
    data = implicit(t.PATIENT_NAME, b"Test^Case ")
    assert shown(data, t.PATIENT_NAME, syntax=ImplicitVRLittleEndian) == {NAME: "Test^Case"}


def test_an_absent_element_is_none_and_an_empty_one_is_empty_text() -> None:
    data = explicit(t.PATIENT_ID, "LO")
    assert shown(data, t.PATIENT_NAME, t.PATIENT_ID) == {NAME: None, "(0010,0020) PatientID": ""}


def test_no_tags_are_no_values() -> None:
    assert disclosed(memoryview(explicit(t.MODALITY, "CS", b"CT")), ExplicitVRLittleEndian, iter(()), Limits()) is None


def test_binary_values_are_hexadecimal_digits_as_they_are_encoded() -> None:
    assert shown(explicit(t.ROWS, "US", b"\x00\x02"), t.ROWS) == {ROWS: "0002"}
    big = explicit(t.ROWS, "US", b"\x02\x00", little=False)
    assert shown(big, t.ROWS, syntax=ExplicitVRBigEndian) == {ROWS: "0200"}


def test_of_a_sequence_the_number_of_items_is_shown() -> None:
    sequence = 0x00081140
    data = explicit(sequence, "SQ", item() + item(explicit(t.MODALITY, "CS", b"CT")))
    assert shown(data, sequence) == {"(0008,1140) ReferencedImageSequence": "2 items"}
    data = explicit(sequence, "SQ", item())
    assert shown(data, sequence) == {"(0008,1140) ReferencedImageSequence": "1 item"}


def test_a_private_element_is_shown_by_its_tag() -> None:
    data = explicit(0x00090010, "LO", b"MAKER ") + explicit(0x00091001, "LO", b"inside")
    assert shown(data, 0x00091001) == {"(0009,1001)": "inside"}


def test_long_values_are_cut() -> None:
    data = explicit(t.PATIENT_NAME, "PN", b"x" * 5000) + explicit(t.PIXEL_DATA, "OB", b"\xab" * 5000)
    found = shown(data, t.PATIENT_NAME, t.PIXEL_DATA)
    assert found == {NAME: "x" * 256, "(7FE0,0010) PixelData": "ab" * 16 + "… (5000 bytes)"}


def test_a_long_text_of_many_bytes_for_a_character_is_cut_between_characters() -> None:
    charset = explicit(t.SPECIFIC_CHARACTER_SET, "CS", b"ISO_IR 192")
    data = charset + explicit(t.PATIENT_NAME, "PN", "𝄞".encode() * 300)
    assert shown(data, t.PATIENT_NAME) == {NAME: "𝄞" * 256}


def test_a_deflated_data_set_is_inflated() -> None:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    data = stream.compress(explicit(t.MODALITY, "CS", b"CT")) + stream.flush()
    assert shown(data, t.MODALITY, syntax=DeflatedExplicitVRLittleEndian) == {"(0008,0060) Modality": "CT"}


def test_of_a_defective_data_set_what_precedes_the_defect_is_shown() -> None:
    data = explicit(t.MODALITY, "CS", b"CT") + explicit(t.PATIENT_NAME, "PN", b"Test", length=400)
    assert shown(data, t.MODALITY, t.PATIENT_NAME) == {"(0008,0060) Modality": "CT", NAME: None}


@given(st.binary(max_size=200), st.sampled_from([ImplicitVRLittleEndian, ExplicitVRBigEndian, "1.2.3", "x"]))
def test_any_bytes_are_shown_or_left_out_and_never_raise(data: bytes, syntax: str) -> None:
    tags = (t.SPECIFIC_CHARACTER_SET, t.PATIENT_NAME, t.ROWS, 0x00010001)
    assert len(shown(data, *tags, syntax=syntax)) == len(tags)
