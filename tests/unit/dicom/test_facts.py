"""Every fact is what its element says, in any encoding; what does not decode is a fact too, and nothing raises."""

import struct
from dataclasses import fields
from typing import Any, Final

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VR
from pydicom.uid import (
    CTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from scp.dicom import tags as t
from scp.dicom.decoder import Decoder
from scp.dicom.defect import DefectKind
from scp.dicom.facts import Facts
from scp.dicom.read import read_facts
from scp.dicom.sop_classes import Kind
from scp.dicom.values import Malformed
from scp.dicom.walk import Limits
from tests.unit.dicom.encode import UNDEFINED, explicit, implicit, item, open_item, open_sequence
from tests.unit.dicom.mutate import Encoded, data_set, mutated
from tests.unit.dicom.samples import PYDICOM, well_formed

# Field, tag, value as it is encoded (in little endian), and the fact.
PLAIN: Final[list[tuple[str, int, bytes, Any]]] = [
    ("modality", t.MODALITY, b"CT", "CT"),
    ("image_type", t.IMAGE_TYPE, b"ORIGINAL\\PRIMARY\\ AXIAL", ("ORIGINAL", "PRIMARY", "AXIAL")),
    ("instance_number", t.INSTANCE_NUMBER, b" -3 ", -3),
    ("number_of_frames", t.NUMBER_OF_FRAMES, b"12", 12),
    ("patient_birth_date", t.PATIENT_BIRTH_DATE, b"19700131", "19700131"),
    ("patient_sex", t.PATIENT_SEX, b"O ", "O"),
    ("study_date", t.STUDY_DATE, b"20260102", "20260102"),
    ("study_time", t.STUDY_TIME, b"101112.5", "101112.5"),
    ("series_number", t.SERIES_NUMBER, b"+07 ", "7.0"),
    ("laterality", t.LATERALITY, b"R ", "R"),
    ("patient_position", t.PATIENT_POSITION, b"HFS ", "HFS"),
    ("series_date", t.SERIES_DATE, b"20260103", "20260103"),
    ("series_time", t.SERIES_TIME, b"101113", "101113"),
    ("body_part_examined", t.BODY_PART_EXAMINED, b"HEAD", "HEAD"),
    ("image_position", t.IMAGE_POSITION_PATIENT, b"-1.5\\0\\2e1 ", (-1.5, 0.0, 20.0)),
    ("image_orientation", t.IMAGE_ORIENTATION_PATIENT, b"1\\0\\0\\0\\1\\0 ", (1, 0, 0, 0, 1, 0)),
    ("pixel_spacing", t.PIXEL_SPACING, b".5\\0.25", (0.5, 0.25)),
    ("imager_pixel_spacing", t.IMAGER_PIXEL_SPACING, b"0.1\\0.2 ", (0.1, 0.2)),
    ("nominal_scanned_pixel_spacing", t.NOMINAL_SCANNED_PIXEL_SPACING, b"1\\1 ", (1.0, 1.0)),
    ("pixel_spacing_calibration_type", t.PIXEL_SPACING_CALIBRATION_TYPE, b"GEOMETRY", "GEOMETRY"),
    ("slice_thickness", t.SLICE_THICKNESS, b"2.5 ", (2.5,)),
    ("spacing_between_slices", t.SPACING_BETWEEN_SLICES, b"-3", (-3.0,)),
    ("slice_location", t.SLICE_LOCATION, b"10", (10.0,)),
    ("gantry_tilt", t.GANTRY_DETECTOR_TILT, b"-15.2 ", (-15.2,)),
    ("reconstruction_diameter", t.RECONSTRUCTION_DIAMETER, b"250 ", (250.0,)),
    ("rescale_intercept", t.RESCALE_INTERCEPT, b"-1024 ", (-1024.0,)),
    ("rescale_slope", t.RESCALE_SLOPE, b"0.5 ", (0.5,)),
    ("images_in_acquisition", t.IMAGES_IN_ACQUISITION, b"120 ", 120),
    ("number_of_temporal_positions", t.NUMBER_OF_TEMPORAL_POSITIONS, b"3 ", 3),
    ("photometric_interpretation", t.PHOTOMETRIC_INTERPRETATION, b"MONOCHROME2 ", "MONOCHROME2"),
    ("acquisition_date", t.ACQUISITION_DATE, b"20260102", "20260102"),
    ("acquisition_time", t.ACQUISITION_TIME, b"101112.5", "101112.5"),
    ("acquisition_datetime", t.ACQUISITION_DATETIME, b"20260102101112", "20260102101112"),
    ("acquisition_number", t.ACQUISITION_NUMBER, b"1 ", "1.0"),
    ("echo_numbers", t.ECHO_NUMBERS, b"1\\2 ", "1.0\\2.0"),
    ("echo_time", t.ECHO_TIME, b"80.0", "80.0"),
    ("temporal_position_identifier", t.TEMPORAL_POSITION_IDENTIFIER, b"4 ", "4.0"),
    ("trigger_time", t.TRIGGER_TIME, b"12.5", "12.5"),
    ("cardiac_number_of_images", t.CARDIAC_NUMBER_OF_IMAGES, b"25", 25),
    ("starting_respiratory_phase", t.STARTING_RESPIRATORY_PHASE, b"INSPIRATION ", "INSPIRATION"),
    ("sequence_name", t.SEQUENCE_NAME, b"*tfl3d1 ", "*tfl3d1"),
    ("flip_angle", t.FLIP_ANGLE, b"90", "90.0"),
    ("inversion_time", t.INVERSION_TIME, b"900 ", "900.0"),
    ("repetition_time", t.REPETITION_TIME, b"500.50", "500.5"),
    ("complex_image_component", t.COMPLEX_IMAGE_COMPONENT, b"MAGNITUDE ", "MAGNITUDE"),
    ("receive_coil_name", t.RECEIVE_COIL_NAME, b"HEAD 1", "HEAD 1"),
    ("convolution_kernel", t.CONVOLUTION_KERNEL, b"B30f\\3 ", "B30f\\3"),
    ("kvp", t.KVP, b"120 ", "120.0"),
    ("dimension_organization_type", t.DIMENSION_ORGANIZATION_TYPE, b"TILED_FULL", "TILED_FULL"),
    ("grid_frame_offsets", t.GRID_FRAME_OFFSET_VECTOR, b"0\\-2.5\\-5 ", (0.0, -2.5, -5.0)),
    ("patient_id", t.PATIENT_ID, b"P1", "P1"),
    ("issuer_of_patient_id", t.ISSUER_OF_PATIENT_ID, b"HOSPITAL", "HOSPITAL"),
    ("patient_name", t.PATIENT_NAME, b"Test^Case ", "Test^Case"),
    ("study_id", t.STUDY_ID, b"S1", "S1"),
    ("accession_number", t.ACCESSION_NUMBER, b"A1", "A1"),
    ("study_description", t.STUDY_DESCRIPTION, b"Head", "Head"),
    ("series_description", t.SERIES_DESCRIPTION, b"AX  T2", "AX  T2"),
    ("protocol_name", t.PROTOCOL_NAME, b"Routine ", "Routine"),
    ("performing_physician_name", t.PERFORMING_PHYSICIAN_NAME, b"Doc^A\\Doc^B ", "Doc^A\\Doc^B"),
    ("operators_name", t.OPERATORS_NAME, b"Op^1", "Op^1"),
    ("manufacturer", t.MANUFACTURER, b"Maker ", "Maker"),
    ("manufacturer_model_name", t.MANUFACTURER_MODEL_NAME, b"Model ", "Model"),
    ("device_serial_number", t.DEVICE_SERIAL_NUMBER, b"000123", "000123"),
    ("station_name", t.STATION_NAME, b"CT1 ", "CT1"),
    ("software_versions", t.SOFTWARE_VERSIONS, b"1.0\\2 ", "1.0\\2"),
    ("sop_class_uid", t.SOP_CLASS_UID, b"1.2.3\0", "1.2.3"),
    ("sop_instance_uid", t.SOP_INSTANCE_UID, b"1.2.4\0", "1.2.4"),
    ("study_instance_uid", t.STUDY_INSTANCE_UID, b"1.2.5 ", "1.2.5"),
    ("series_instance_uid", t.SERIES_INSTANCE_UID, b"1.2.66", "1.2.66"),
    ("frame_of_reference_uid", t.FRAME_OF_REFERENCE_UID, b"1.2.7\0", "1.2.7"),
    ("concatenation_uid", t.CONCATENATION_UID, b"1.2.8\0", "1.2.8"),
]
# Field, tag, format, numbers, and the fact.
BINARY: Final[list[tuple[str, int, str, tuple[float, ...], Any]]] = [
    ("in_concatenation_number", t.IN_CONCATENATION_NUMBER, "H", (3,), 3),
    ("in_concatenation_total_number", t.IN_CONCATENATION_TOTAL_NUMBER, "H", (4,), 4),
    ("concatenation_frame_offset", t.CONCATENATION_FRAME_OFFSET_NUMBER, "L", (70000,), 70000),
    ("number_of_slices", t.NUMBER_OF_SLICES, "H", (47,), 47),
    ("rows", t.ROWS, "H", (512,), 512),
    ("columns", t.COLUMNS, "H", (65535,), 65535),
    ("samples_per_pixel", t.SAMPLES_PER_PIXEL, "H", (1,), 1),
    ("bits_allocated", t.BITS_ALLOCATED, "H", (16,), 16),
    ("bits_stored", t.BITS_STORED, "H", (12,), 12),
    ("high_bit", t.HIGH_BIT, "H", (11,), 11),
    ("image_index", t.IMAGE_INDEX, "H", (7,), "7"),
    ("diffusion_b_value", t.DIFFUSION_B_VALUE, "d", (1000.0,), "1000.0"),
    (
        "diffusion_gradient_orientation", t.DIFFUSION_GRADIENT_ORIENTATION, "d", (0.6, -0.8, 0.0), "0.6\\-0.8\\0.0",
    ),
    ("nominal_percentage_of_respiratory_phase", t.NOMINAL_PERCENTAGE_OF_RESPIRATORY_PHASE, "f", (50.0,), "50.0"),
    ("nominal_cardiac_trigger_delay_time", t.NOMINAL_CARDIAC_TRIGGER_DELAY_TIME, "d", (400.0,), "400.0"),
    ("temporal_position_index", t.TEMPORAL_POSITION_INDEX, "I", (70000,), "70000"),
    ("temporal_position_time_offset", t.TEMPORAL_POSITION_TIME_OFFSET, "d", (1.5,), "1.5"),
    ("velocity_encoding_direction", t.VELOCITY_ENCODING_DIRECTION, "d", (0.0, 0.0, 1.0), "0.0\\0.0\\1.0"),
    ("nominal_percentage_of_cardiac_phase", t.NOMINAL_PERCENTAGE_OF_CARDIAC_PHASE, "f", (75.0,), "75.0"),
    ("frame_increment_pointer", t.FRAME_INCREMENT_POINTER, "H", (0x54, 0x10, 0x18, 0x1063), (0x00540010, 0x00181063)),
]  # fmt: skip
FIELDS: Final = [(row[0], row[1]) for row in PLAIN] + [(row[0], row[1]) for row in BINARY]
NUMBERS: Final = [name for name, _, raw, fact in PLAIN if isinstance(fact, int | tuple) and name != "image_type"]


def facts(*elements: bytes, syntax: str = ExplicitVRLittleEndian) -> Facts:
    return read_facts(b"".join(elements), syntax, Limits())


def element(tag: int, raw: bytes) -> bytes:
    return explicit(tag, dictionary_VR(tag), raw)


def packed(form: str, numbers: tuple[float, ...], order: str) -> bytes:
    return struct.pack(f"{order}{len(numbers)}{form}", *numbers)


def test_the_tables_of_this_test_name_every_field_that_is_read_from_one_element() -> None:
    derived = {
        "kind", "defect", "unordered", "foreign", "uids", "other_uids", "badly_padded_uids", "pixel_data_tag",
        "pixel_data_length", "encapsulated", "shared_macros", "frame_macros", "frame_vector_lengths", "frame_planes",
    }  # fmt: skip
    assert {name for name, _ in FIELDS} | derived == {one.name for one in fields(Facts)}


@pytest.mark.parametrize(("name", "tag", "raw", "fact"), PLAIN)
def test_a_text_or_number_string_is_read_whatever_the_encoding(name: str, tag: int, raw: bytes, fact: object) -> None:
    vr = dictionary_VR(tag)
    encodings = {
        ExplicitVRLittleEndian: explicit(tag, vr, raw),
        ExplicitVRBigEndian: explicit(tag, vr, raw, little=False),
        ImplicitVRLittleEndian: implicit(tag, raw),
    }
    for syntax, data in encodings.items():
        assert getattr(facts(data, syntax=syntax), name) == fact


@pytest.mark.parametrize(("name", "tag", "form", "numbers", "fact"), BINARY)
def test_a_binary_number_is_read_in_the_byte_order_of_the_data_set(
    name: str, tag: int, form: str, numbers: tuple[float, ...], fact: object
) -> None:
    vr = dictionary_VR(tag)
    little, big = packed(form, numbers, "<"), packed(form, numbers, ">")
    assert getattr(facts(explicit(tag, vr, little)), name) == fact
    assert getattr(facts(implicit(tag, little), syntax=ImplicitVRLittleEndian), name) == fact
    assert getattr(facts(explicit(tag, vr, big, little=False), syntax=ExplicitVRBigEndian), name) == fact


@pytest.mark.parametrize(("name", "tag", "raw", "fact"), PLAIN)
def test_the_encoded_vr_does_not_matter(name: str, tag: int, raw: bytes, fact: object) -> None:
    assert getattr(facts(explicit(tag, "UN", raw)), name) == fact
    assert getattr(facts(explicit(tag, "OB", raw)), name) == fact


@pytest.mark.parametrize(("name", "tag"), FIELDS)
def test_an_absent_and_an_empty_value_are_the_same_and_nothing(name: str, tag: int) -> None:
    absent, empty = getattr(facts(), name), getattr(facts(element(tag, b"")), name)
    assert absent == empty
    assert absent in ("", (), None)


@pytest.mark.parametrize(("name", "tag"), FIELDS)
def test_a_sequence_in_the_place_of_a_value_is_nothing(name: str, tag: int) -> None:
    sequence = explicit(tag, "SQ", item(element(t.MODALITY, b"CT")))
    assert getattr(facts(sequence), name) == getattr(facts(), name)


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("raw", [b"1,5 ", b"one ", b"1\\\\2", b"1e999 ", b"\xff\xfe", b"0x10", b"9" * 80])
def test_a_number_string_that_does_not_decode_is_malformed(name: str, raw: bytes) -> None:
    tag = dict(FIELDS)[name]
    assert isinstance(getattr(facts(element(tag, raw)), name), Malformed)


@pytest.mark.parametrize("name", ["instance_number", "number_of_frames", "rows", "in_concatenation_number"])
def test_several_values_where_there_is_one_are_malformed(name: str) -> None:
    tag = dict(FIELDS)[name]
    raw = b"1\\2 " if dictionary_VR(tag) == "IS" else b"\1\0\2\0"
    assert getattr(facts(element(tag, raw)), name) == Malformed("more than one value")


@pytest.mark.parametrize("name", [name for name, _, form, *_ in BINARY if form == "H"])
def test_a_binary_number_of_odd_length_is_malformed_or_not_there(name: str) -> None:
    found = getattr(facts(explicit(dict(FIELDS)[name], "UN", b"\1\0\2")), name)
    assert isinstance(found, Malformed) or found == ""


def test_a_b_value_of_odd_length_is_not_there() -> None:
    assert facts(explicit(t.DIFFUSION_B_VALUE, "UN", bytes(5))).diffusion_b_value == ""


def test_numbers_that_only_tell_instances_apart_are_equal_by_value_and_else_by_text() -> None:
    times = [facts(element(t.ECHO_TIME, raw)).echo_time for raw in (b"80", b"80.0", b" +8e1", b"80 ms ", b"80ms")]
    assert times == ["80.0", "80.0", "80.0", "80 ms", "80ms"]


def test_text_is_decoded_in_the_character_set_of_the_data_set() -> None:
    charset = element(t.SPECIFIC_CHARACTER_SET, b"ISO_IR 192")
    name = element(t.PATIENT_NAME, "Ärzt^王".encode())
    assert facts(charset, name).patient_name == "Ärzt^王"
    assert facts(name).patient_name == "Ärzt^王".encode().decode("latin-1")


def test_bytes_outside_the_default_repertoire_stay_different() -> None:
    assert facts(element(t.MODALITY, b"C\xe9")).modality == "C\\xe9"


def test_a_hostile_text_is_not_kept_whole() -> None:
    long = b"x" * 1_000_000
    charset = explicit(t.SPECIFIC_CHARACTER_SET, "UT", long)
    found = facts(charset, explicit(t.MODALITY, "UT", long), explicit(t.PATIENT_NAME, "UT", b"\xe9" + long))
    assert len(found.modality) <= 4096
    assert len(found.patient_name) <= 4096


def test_every_uid_of_the_top_level_is_kept_without_padding() -> None:
    context = 0x0008010C  # Coding Scheme UID
    found = facts(
        element(t.SOP_CLASS_UID, b"1.2\0"), explicit(context, "UI", b"1.3 "), explicit(0x00091001, "UI", b"1.4\0")
    )
    assert found.uids == {t.SOP_CLASS_UID: "1.2", context: "1.3", 0x00091001: "1.4"}
    assert found.other_uids == found.uids
    assert found.badly_padded_uids == (context,)


def test_the_uid_of_the_instance_itself_is_not_among_the_others() -> None:
    decoder = Decoder()
    first, second = (explicit(t.SOP_INSTANCE_UID, "UI", uid) for uid in (b"1.2\0", b"1.3\0"))
    frame, other = (explicit(t.FRAME_OF_REFERENCE_UID, "UI", uid) for uid in (b"1.9\0", b"1.8\0"))
    for instance, change in ((first, None), (second, {"uids", "sop_instance_uid"})):
        found = read_facts(instance + frame, ExplicitVRLittleEndian, Limits(), decoder)
        assert found.other_uids == {t.FRAME_OF_REFERENCE_UID: "1.9"}
        assert decoder.change == change
    found = read_facts(second + other, ExplicitVRLittleEndian, Limits(), decoder)
    assert found.other_uids == {t.FRAME_OF_REFERENCE_UID: "1.8"}
    assert decoder.change == frozenset({"uids", "other_uids", "frame_of_reference_uid"})


def test_an_empty_uid_and_one_inside_of_a_sequence_are_not_among_the_uids() -> None:
    nested = explicit(0x00081140, "SQ", item(element(t.SOP_CLASS_UID, b"1.2\0")))
    assert facts(element(t.SOP_CLASS_UID, b""), nested).uids == {}


def test_uids_of_the_command_set_and_of_file_meta_are_foreign_and_nothing_else() -> None:
    found = facts(
        explicit(0x00000002, "UI", b"1.2\0"), explicit(0x00020010, "UI", b"1.2\0"), element(t.MODALITY, b"CT")
    )
    assert found.foreign == (0x00000002, 0x00020010)
    assert found.uids == {}


def test_a_hostile_uid_is_escaped_and_not_kept_whole() -> None:
    found = facts(explicit(t.SOP_INSTANCE_UID, "UI", b"../\xe9" + b"1" * 60_000))
    assert found.sop_instance_uid.startswith("../\\xe9")
    assert len(found.sop_instance_uid) <= 4100


def test_of_uids_without_number_those_that_nobody_knows_are_left_out() -> None:
    private = [explicit(0x00091000 + number, "UI", b"1.4\0") for number in range(1500)]
    found = facts(element(t.SOP_CLASS_UID, b"1.2\0"), *private, element(t.FRAME_OF_REFERENCE_UID, b"1.9\0"))
    assert len(found.uids) == 1001
    assert found.frame_of_reference_uid == "1.9"


def test_the_kind_comes_from_the_sop_class() -> None:
    assert facts(element(t.SOP_CLASS_UID, CTImageStorage.encode() + b"\0")).kind is Kind.CT
    assert facts().kind is Kind.UNKNOWN


def test_a_defect_is_a_fact_beside_what_precedes_it() -> None:
    found = facts(element(t.MODALITY, b"CT"), explicit(t.PATIENT_ID, "LO", b"P1", length=10))
    assert found.modality == "CT"
    assert found.patient_id == ""
    assert found.defect is not None
    assert found.defect.kind is DefectKind.TRUNCATED


@pytest.mark.parametrize(
    "elements", [(t.PATIENT_ID, t.MODALITY), (t.MODALITY, t.MODALITY)], ids=["unsorted", "repeated"]
)
def test_the_first_element_out_of_order_is_named(elements: tuple[int, int]) -> None:
    assert facts(*(element(tag, b"CT") for tag in elements)).unordered == elements[1]
    assert facts(element(t.MODALITY, b"CT"), element(t.PATIENT_ID, b"P1")).unordered is None


@pytest.mark.parametrize("tag", [t.PIXEL_DATA, t.FLOAT_PIXEL_DATA, t.DOUBLE_FLOAT_PIXEL_DATA])
def test_pixel_data_of_any_sort_have_a_tag_and_a_length(tag: int) -> None:
    found = facts(explicit(tag, "OW", bytes(32)))
    assert (found.pixel_data_tag, found.pixel_data_length, found.encapsulated) == (tag, 32, False)


def test_without_pixel_data_there_is_neither_tag_nor_length() -> None:
    assert (facts().pixel_data_tag, facts().pixel_data_length) == (None, None)


def test_the_length_of_encapsulated_pixel_data_is_that_of_the_fragments_with_their_headers() -> None:
    pixels = open_sequence(t.PIXEL_DATA, "OB", item() + item(b"1234"))
    found = facts(pixels, syntax=JPEGBaseline8Bit)
    assert (found.pixel_data_length, found.encapsulated) == (20, True)


@pytest.mark.parametrize(
    ("raw", "frames"), [(b"", 1), (b"3 ", 3), (b"0 ", None), (b"-1", None), (b"1\\2 ", None), (b"x ", None)]
)
def test_frames_are_one_unless_said_and_none_if_that_is_no_count(raw: bytes, frames: int | None) -> None:
    assert facts(element(t.NUMBER_OF_FRAMES, raw)).frames == frames


def test_functional_groups_are_known_by_their_macros() -> None:
    plane, measures = 0x00209113, 0x00289110
    shared = explicit(t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE, "SQ", item(explicit(measures, "SQ")))
    frames = item(explicit(plane, "SQ")) + open_item(explicit(plane, "SQ") + explicit(measures, "SQ"))
    per_frame = open_sequence(t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, "SQ", frames)
    found = facts(element(t.SOP_CLASS_UID, EnhancedMRImageStorage.encode() + b"\0"), shared, per_frame)
    assert found.shared_macros == {measures}
    assert found.frame_macros == (frozenset({plane}), frozenset({plane, measures}))


def test_without_functional_groups_there_are_no_macros() -> None:
    assert facts().shared_macros == frozenset()
    assert facts().frame_macros is None
    empty = facts(
        explicit(t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE, "SQ"), explicit(t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, "SQ")
    )
    assert empty.shared_macros == frozenset()
    assert empty.frame_macros == ()


def test_functional_groups_that_are_no_sequences_have_no_items() -> None:
    found = facts(
        explicit(t.SHARED_FUNCTIONAL_GROUPS_SEQUENCE, "OB", b"12"),
        explicit(t.PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, "OB", b"12"),
    )
    assert (found.shared_macros, found.frame_macros) == (frozenset(), ())


def test_frame_vectors_are_counted_in_values() -> None:
    energy, detector = t.NM_FRAME_VECTORS[:2]
    found = facts(explicit(energy, "US", bytes(8)), explicit(detector, "US"))
    assert found.frame_vector_lengths == {energy: 4, detector: 0}


def test_a_frame_offset_for_each_of_four_thousand_frames_is_read() -> None:
    raw = b"\\".join(b"%d" % number for number in range(4096))
    found = facts(explicit(t.GRID_FRAME_OFFSET_VECTOR, "UN", raw)).grid_frame_offsets
    assert isinstance(found, tuple)
    assert len(found) == 4096


@pytest.mark.parametrize("name", well_formed(PYDICOM))
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_facts_of_real_files_are_what_pydicom_reads(name: str) -> None:
    found = read_facts(*data_set(name), Limits())
    read = pydicom.dcmread(PYDICOM / name)
    assert found.defect is None
    assert found.sop_instance_uid == read.get("SOPInstanceUID", "")
    assert found.patient_name == str(read.get("PatientName", "")).strip()
    assert found.patient_id == (read.get("PatientID") or "")
    assert found.modality == (read.get("Modality") or "")
    assert found.instance_number == read.get("InstanceNumber")
    assert found.rows == read.get("Rows")
    assert found.image_position == tuple(read.get("ImagePositionPatient") or ())
    assert found.uids == {element.tag: element.value for element in read if element.VR == "UI" and element.value}


@given(mutated())
@settings(max_examples=400, deadline=None)
def test_whatever_is_wrong_with_a_real_data_set_there_are_facts_that_can_be_written_down(sample: Encoded) -> None:
    found = read_facts(*sample, Limits())
    values = [getattr(found, name) for name in vars(found)]
    "".join(value for value in values if isinstance(value, str)).encode("utf-8")


@given(
    st.binary(max_size=300),
    st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, JPEGBaseline8Bit]),
)
@settings(deadline=None)
def test_any_bytes_have_facts(data: bytes, syntax: str) -> None:
    assert isinstance(read_facts(data, syntax, Limits(max_elements=20, max_depth=2)), Facts)


@given(
    tag=st.sampled_from([tag for _, tag in FIELDS]), raw=st.binary(max_size=80), vr=st.sampled_from(["UN", "OB", "UT"])
)
@settings(max_examples=400, deadline=None)
def test_any_value_of_any_element_is_a_fact(tag: int, raw: bytes, vr: str) -> None:
    charset = element(t.SPECIFIC_CHARACTER_SET, b"\\ISO 2022 IR 87\\ISO 2022 IR 126")
    assert facts(charset, explicit(tag, vr, raw)).defect is None


def test_lengths_are_undefined_only_where_the_standard_allows_it() -> None:
    assert facts(explicit(t.MODALITY, "CS", b"CT") + explicit(t.PATIENT_ID, "UT", length=UNDEFINED)).defect is not None
