"""What is compared later is kept: personal values only as fingerprints, and alike where they mean the same."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.uid import MRImageStorage, UltrasoundImageStorage

from scp.audit.tracked import COUNTED, SERIES, STUDY, Tracked, fingerprint, folded_name, tracked
from scp.dicom import tags as t
from scp.dicom.read import read_facts
from scp.dicom.walk import Limits
from tests.rules.builders import KEY, image, raw, subject
from tests.unit.dicom.mutate import Encoded, mutated

PERSONAL = {
    "patient": ("PatientID", "PID-4711"),
    "issuer_of_patient_id": ("IssuerOfPatientID", "HOSPITAL-Q"),
    "patient_name": ("PatientName", "Zebulon^Quirinius"),
    "patient_name_ideographic": ("PatientName", "=Zebulon^Quirinius"),
    "patient_name_phonetic": ("PatientName", "==Zebulon^Quirinius"),
    "patient_birth_date": ("PatientBirthDate", "19310517"),
    "patient_sex": ("PatientSex", "F"),
    "study_date": ("StudyDate", "20260713"),
    "study_time": ("StudyTime", "131415"),
    "study_id": ("StudyID", "S-31337"),
    "accession_number": ("AccessionNumber", "ACC-0815"),
    "study_description": ("StudyDescription", "Delirium"),
    "series_date": ("SeriesDate", "20260714"),
    "series_time": ("SeriesTime", "141516"),
    "series_description": ("SeriesDescription", "Knee of a tenor"),
    "protocol_name": ("ProtocolName", "Tenor knee"),
    "performing_physician_name": ("PerformingPhysicianName", "Doc^Tor"),
    "operators_name": ("OperatorsName", "Opal^Ortrun"),
}
PLAIN = {
    "modality": ("Modality", "CT"),
    "frame_of_reference_uid": ("FrameOfReferenceUID", "1.2.3"),
    "sop_class_uid": ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
    "series_number": ("SeriesNumber", "7"),
    "laterality": ("Laterality", "L"),
    "patient_position": ("PatientPosition", "FFS"),
    "body_part_examined": ("BodyPartExamined", "KNEE"),
    "manufacturer": ("Manufacturer", "Another"),
    "manufacturer_model_name": ("ManufacturerModelName", "M2"),
    "device_serial_number": ("DeviceSerialNumber", "S2"),
    "station_name": ("StationName", "CT2"),
}
SLOT = {
    "AcquisitionNumber": "2", "EchoNumbers": "2", "EchoTime": "80", "TemporalPositionIdentifier": "2",
    "DiffusionBValue": 1000.0, "TriggerTime": "12.5", "SequenceName": "tfl", "FlipAngle": "45", "InversionTime": "900",
    "RepetitionTime": "500", "ComplexImageComponent": "PHASE", "ReceiveCoilName": "HEAD", "ConvolutionKernel": "B30",
    "ConcatenationUID": "1.2.3", "ImageIndex": 3, "KVP": "80", "NominalPercentageOfCardiacPhase": 75.0,
    "DiffusionGradientOrientation": [0.6, -0.8, 0.0], "TemporalPositionIndex": 2, "TemporalPositionTimeOffset": 1.5,
    "NominalCardiacTriggerDelayTime": 400.0, "NominalPercentageOfRespiratoryPhase": 50.0,
    "StartingRespiratoryPhase": "EXPIRATION", "VelocityEncodingDirection": [0.0, 0.0, 1.0],
}  # fmt: skip


def values(**changes: Any) -> Tracked:
    return subject(image(**changes)).tracked


def all_text(one: Tracked) -> str:
    keys = one.stack, one.acquisition, one.parallel, one.slot, one.place, one.moment
    return "\n".join([*one.study.values(), *one.series.values(), *keys])


def test_the_tables_of_this_test_name_every_attribute() -> None:
    assert {*PERSONAL, *PLAIN} == {*STUDY, *SERIES}
    assert {name for name, attribute in {**STUDY, **SERIES}.items() if attribute.personal} == set(PERSONAL)


@pytest.mark.parametrize("name", PERSONAL)
def test_a_personal_value_is_kept_as_a_fingerprint(name: str) -> None:
    keyword, value = PERSONAL[name]
    one = values(**{keyword: value})
    kept = {**one.study, **one.series}[name]
    assert len(kept) == 24
    assert int(kept, 16)
    if len(value) > 1:
        assert value.lower() not in all_text(one).lower()


@pytest.mark.parametrize("name", PERSONAL)
def test_fingerprints_tell_two_values_apart_and_depend_on_the_key(name: str) -> None:
    keyword, value = PERSONAL[name]
    facts = subject(image(**{keyword: value})).facts
    ours, theirs = tracked(facts, KEY), tracked(facts, b"another key")
    other = values(**{keyword: "M" if name == "patient_sex" else value[:-1] + "9"})
    kept = [{**one.study, **one.series}[name] for one in (ours, theirs, other)]
    assert len(set(kept)) == 3


@pytest.mark.parametrize("name", PLAIN)
def test_other_values_are_kept_as_they_are(name: str) -> None:
    keyword, value = PLAIN[name]
    kept = values(**{keyword: value}).series[name]
    assert kept == ("7.0" if name == "series_number" else value)


def test_a_long_value_is_cut_to_what_its_vr_allows() -> None:
    facts = replace(subject(image()).facts, manufacturer="x" * 4096)
    assert tracked(facts, KEY).series["manufacturer"] == "x" * 64


@pytest.mark.parametrize("name", [*PERSONAL, *PLAIN])
def test_what_is_empty_is_not_kept(name: str) -> None:
    keyword, _ = {**PERSONAL, **PLAIN}[name]
    one = values(**{keyword: ""})
    assert name not in {**one.study, **one.series}


def test_the_tag_of_an_attribute_is_the_one_that_it_is_read_from() -> None:
    for name, attribute in {**STUDY, **SERIES}.items():
        keyword, _ = {**PERSONAL, **PLAIN}[name]
        assert t.name_of(attribute.tag).endswith(f" {keyword}")


def test_the_counted_values_are_those_of_study_and_series() -> None:
    one = values()
    assert set(COUNTED) <= {*STUDY, *SERIES}
    assert set(one.counted) == {name for name in COUNTED if name in {**one.study, **one.series}}
    assert one.counted["modality"] == "CT"
    assert one.counted["patient"] == one.study["patient"]


@pytest.mark.parametrize(
    "name",
    [
        "Doe^John",
        "DOE^JOHN",
        "doe^john^^^",
        "Doe^John^",
        "Doe John",
        " Doe^John ",
        "Doe^^John",
        "Doe^John=",
        "Doe^John ==",
    ],
)
def test_names_are_the_same_whatever_their_case_and_empty_components(name: str) -> None:
    assert folded_name(name) == "doe john"


@pytest.mark.parametrize(
    ("one", "other"), [("Doe^John", "Doe^Jane"), ("Yamada^Tarou=山田^太郎", "Yamada^Tarou=山田^次郎")]
)
def test_other_names_are_others(one: str, other: str) -> None:
    assert folded_name(one) != folded_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Müller^Jörg", "Mu\u0308ller^Jo\u0308rg"),
        ("MÜLLER^JÖRG", "mu\u0308ller^jo\u0308rg"),
        ("ヤマダ^タロウ", "\uff94\uff8f\uff80\uff9e^\uff80\uff9b\uff73"),
    ],
)
def test_names_are_the_same_in_whatever_form_unicode_writes_them(one: str, other: str) -> None:
    assert one != other
    assert folded_name(one) == folded_name(other)


@pytest.mark.parametrize(
    ("name", "text", "same", "other"),
    [
        ("patient_birth_date", "19700101", "1970.01.01", "1970.01.02"),
        ("study_date", "20260102", "2026.01.02", "2026.01.03"),
        ("series_date", "20260102", "2026.01.02", "2026.01.03"),
        ("patient_sex", "F", "f", "m"),
    ],
)
def test_what_old_equipment_writes_otherwise_is_the_same(name: str, text: str, same: str, other: str) -> None:
    facts = subject(image()).facts
    changes: list[dict[str, Any]] = [{name: value} for value in (text, same, other)]
    first, second, third = (tracked(replace(facts, **change), KEY) for change in changes)
    assert {**first.study, **first.series}[name] == {**second.study, **second.series}[name]
    assert {**first.study, **first.series}[name] != {**third.study, **third.series}[name]


def test_component_groups_are_kept_apart() -> None:
    assert folded_name("Yamada^Tarou=山田^太郎=やまだ^たろう") == "yamada tarou=山田 太郎=やまだ たろう"
    assert folded_name("A=B") != folded_name("A B")


@pytest.mark.parametrize("name", ["patient_name", "performing_physician_name", "operators_name"])
def test_names_of_people_are_compared_folded(name: str) -> None:
    keyword, _ = PERSONAL[name]
    first, second = values(**{keyword: "Doe^John"}), values(**{keyword: "DOE^JOHN^^"})
    assert {**first.study, **first.series}[name] == {**second.study, **second.series}[name]


def test_each_component_group_of_the_patients_name_is_kept_by_itself() -> None:
    latin, all_three = values(PatientName="Yamada^Tarou").study, values(PatientName="YAMADA^TAROU=B^C=D^E").study
    assert latin["patient_name"] == all_three["patient_name"]
    assert not {"patient_name_ideographic", "patient_name_phonetic"} & latin.keys()
    assert len({value for name, value in all_three.items() if name.startswith("patient_name")}) == 3


@pytest.mark.parametrize("keyword", SLOT)
def test_whatever_may_repeat_a_position_makes_another_slot_of_the_same_stack(keyword: str) -> None:
    one, other = values(), values(**{keyword: SLOT[keyword]})
    assert one.stack == other.stack
    assert one.slot != other.slot
    assert (one.acquisition == other.acquisition) is (keyword != "AcquisitionNumber")


@pytest.mark.parametrize("changes", [{"ImageType": ["ORIGINAL", "PRIMARY", "MPR"]}, {"SOPClassUID": "1.2.3"}])
def test_another_image_type_or_class_is_another_stack(changes: dict[str, Any]) -> None:
    one, other = values(), values(**changes)
    assert one.stack != other.stack
    assert one.acquisition != other.acquisition
    assert one.slot != other.slot


@pytest.mark.parametrize(
    "changes",
    [{"InstanceNumber": "9"}, {"SOPInstanceUID": "1.2.9"}, {"SliceLocation": "99"}, {"Rows": 8}, {"PatientName": "X"}],
)
def test_what_tells_instances_of_a_stack_apart_is_not_in_its_keys(changes: dict[str, Any]) -> None:
    one, other = values(), values(**changes)
    assert (one.stack, one.acquisition, one.slot, one.place) == (
        other.stack,
        other.acquisition,
        other.slot,
        other.place,
    )


def test_a_place_is_position_and_orientation() -> None:
    one = values()
    assert one.place != values(ImagePositionPatient=["0", "0", "11"]).place
    assert one.place != values(ImageOrientationPatient=["0", "1", "0", "1", "0", "0"]).place


def test_equal_numbers_are_the_same_place_however_they_are_written() -> None:
    assert (
        values(ImagePositionPatient=["0", "0", "10"]).place
        == values(ImagePositionPatient=["-0.0", "0e1", "10.00"]).place
    )


@pytest.mark.parametrize("position", [None, []])
def test_without_a_position_there_is_no_place(position: list[str] | None) -> None:
    assert values(ImagePositionPatient=position).place == ""


def test_a_malformed_position_is_no_place() -> None:
    assert subject(raw(image(), ImagePositionPatient=b"1,5\\0\\0 ")).tracked.place == ""


def test_a_malformed_orientation_is_another_place_than_none() -> None:
    malformed = subject(raw(image(), ImageOrientationPatient=b"1,5\\0\\0 ")).tracked.place
    assert malformed not in ("", values().place, values(ImageOrientationPatient=None).place)


REFORMATTED = ["DERIVED", "SECONDARY", "REFORMATTED", "AVERAGE"]
CORONAL = ["1", "0", "0", "0", "0", "-1"]


@pytest.mark.parametrize("changes", [{"ImageType": REFORMATTED}, {"SOPClassUID": MRImageStorage}], ids=str)
def test_slices_of_mr_and_derived_ones_are_a_stack_of_their_own_in_each_plane(changes: dict[str, Any]) -> None:
    axial, coronal = (
        values(**changes, ImageOrientationPatient=one) for one in (["1", "0", "0", "0", "1", "0"], CORONAL)
    )
    assert axial.stack == coronal.stack
    assert axial.parallel
    assert axial.parallel != coronal.parallel
    assert axial.stacks == (axial.stack, axial.acquisition, axial.parallel)


def test_parallel_slices_are_one_stack_however_their_cosines_are_rounded() -> None:
    one = values(ImageType=REFORMATTED, ImageOrientationPatient=["1", "0", "0", "0", "0.8", "0.6"])
    other = values(ImageType=REFORMATTED, ImageOrientationPatient=["1", "-0.0", "1e-6", "0", "0.80001", "0.59999"])
    assert one.parallel == other.parallel


@pytest.mark.parametrize(
    "changes",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"]}, {"SOPClassUID": UltrasoundImageStorage},
        {"ImageOrientationPatient": None}, {"ImageOrientationPatient": ["0"] * 6},
        {"ImageOrientationPatient": ["1", "0", "0"]}, {"ImageOrientationPatient": ["1", "0", "0", "0", "1e300", "0"]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_neither_mr_nor_derived_or_in_no_plane_is_of_two_stacks_only(changes: dict[str, Any]) -> None:
    one = values(**{"ImageType": REFORMATTED, **changes})
    assert one.parallel == ""
    assert one.stacks == (one.stack, one.acquisition)


def test_a_malformed_orientation_makes_no_stack() -> None:
    assert subject(raw(image(ImageType=REFORMATTED), ImageOrientationPatient=b"1,5\\0\\0 ")).tracked.parallel == ""


def test_a_moment_is_when_a_slice_was_acquired_however_it_is_written() -> None:
    noon = values(AcquisitionDate="20260102", AcquisitionTime="1200")
    assert noon.moment
    assert noon.moment == values(AcquisitionDate="20260102", AcquisitionTime="120000.000").moment
    assert noon.slot == values().slot
    others = {
        values(AcquisitionDate="20260102", AcquisitionTime="120000.01").moment,
        values(AcquisitionDate="20260103", AcquisitionTime="1200").moment,
        values(AcquisitionDateTime="20260102120000").moment,
    }
    assert len(others | {noon.moment}) == 4


def test_a_moment_is_kept_as_a_fingerprint() -> None:
    facts = subject(image(AcquisitionTime="131415")).facts
    assert len({tracked(facts, KEY).moment, tracked(facts, b"another key").moment, "131415"}) == 3


def test_only_slices_that_say_when_have_a_moment() -> None:
    assert values().moment == ""
    assert values(SOPClassUID=UltrasoundImageStorage, AcquisitionTime="1200").moment == ""


def test_instances_that_say_the_same_of_what_a_series_shares_are_one_variant() -> None:
    assert values().variant == values(InstanceNumber="9", ImagePositionPatient=["0", "0", "20"]).variant
    others = {values(**{keyword: "OTHER"}).variant for keyword in ("Manufacturer", "PatientID", "Modality")}
    assert len(others | {values().variant}) == 4


def test_fingerprints_are_made_of_any_text() -> None:
    assert fingerprint(KEY, "\ud800") != fingerprint(KEY, "\ud801")


@given(mutated())
@settings(max_examples=60)
def test_whatever_is_wrong_with_a_data_set_its_values_can_be_tracked(sample: Encoded) -> None:
    one = tracked(read_facts(*sample, Limits()), KEY)
    assert all_text(one).encode("utf-8").decode("utf-8") == all_text(one)


@given(st.text(max_size=40))
def test_folding_a_name_twice_changes_nothing_more(name: str) -> None:
    assert folded_name(folded_name(name)) == folded_name(name)
