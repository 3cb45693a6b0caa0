"""From bytes to facts in one step, deflated or not, and never with an exception."""

import zlib

import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, JPEGBaseline8Bit

from scp.dicom import tags as t
from scp.dicom.defect import DefectKind
from scp.dicom.read import read_facts, scan_of
from scp.dicom.walk import Limits
from tests.unit.dicom.encode import explicit, item, open_sequence

MODALITY = explicit(t.MODALITY, "CS", b"CT")


def deflated(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return stream.compress(data) + stream.flush()


def test_the_bytes_that_were_walked_come_back_with_the_scan() -> None:
    walked, scan = scan_of(MODALITY, ExplicitVRLittleEndian, Limits())
    span = scan.elements[t.MODALITY]
    assert walked[span.offset : span.offset + span.length] == b"CT"
    assert scan.defect is None


def test_a_deflated_data_set_is_inflated_before_it_is_walked() -> None:
    walked, scan = scan_of(deflated(MODALITY), DeflatedExplicitVRLittleEndian, Limits())
    assert walked == MODALITY
    assert list(scan.elements) == [t.MODALITY]
    assert read_facts(deflated(MODALITY), DeflatedExplicitVRLittleEndian, Limits()).modality == "CT"


def test_what_does_not_inflate_has_a_defect_and_no_elements() -> None:
    facts = read_facts(MODALITY, DeflatedExplicitVRLittleEndian, Limits())
    assert facts.defect is not None
    assert facts.defect.kind is DefectKind.NOT_INFLATABLE
    assert facts.modality == ""


def test_what_inflates_beyond_the_limit_has_a_defect() -> None:
    bomb = deflated(explicit(t.PIXEL_DATA, "OW", bytes(100_000)))
    facts = read_facts(bomb, DeflatedExplicitVRLittleEndian, Limits(inflated_bytes=50_000))
    assert facts.defect is not None
    assert facts.defect.kind is DefectKind.INFLATES_TOO_LARGE


def test_limits_are_those_of_the_walk() -> None:
    nested = open_sequence(0x00081140, "SQ", item(open_sequence(0x00081140, "SQ", item())))
    assert read_facts(nested, ExplicitVRLittleEndian, Limits(max_depth=2)).defect is None
    facts = read_facts(nested, ExplicitVRLittleEndian, Limits(max_depth=1))
    assert facts.defect is not None
    assert facts.defect.kind is DefectKind.TOO_DEEP


@pytest.mark.parametrize("syntax", ["", "not a UID", "1.2.840.10008.5.1.4.1.1.2"])
def test_a_transfer_syntax_that_is_none_is_read_as_explicit_little_endian(syntax: str) -> None:
    assert read_facts(MODALITY, syntax, Limits()).modality == "CT"


def test_a_view_of_memory_is_read_as_bytes_are() -> None:
    assert read_facts(memoryview(MODALITY), ExplicitVRLittleEndian, Limits()) == read_facts(
        MODALITY, ExplicitVRLittleEndian, Limits()
    )


def test_the_encoding_of_the_transfer_syntax_is_a_fact() -> None:
    assert read_facts(MODALITY, JPEGBaseline8Bit, Limits()).encapsulated
    assert not read_facts(MODALITY, ExplicitVRLittleEndian, Limits()).encapsulated


@pytest.mark.parametrize("between", [b"", explicit(t.PIXEL_DATA, "OW", bytes(100))], ids=["near", "behind_the_pixels"])
def test_of_an_element_that_is_there_twice_the_last_one_is_read_wherever_it_is(between: bytes) -> None:
    data = explicit(t.MODALITY, "CS", b"MR") + explicit(t.PATIENT_ID, "LO", b"P1") + between + MODALITY
    facts = read_facts(data, ExplicitVRLittleEndian, Limits())
    assert (facts.modality, facts.unordered) == ("CT", t.MODALITY)
