"""Subjects and snapshots for rule tests, made of real bytes: written by pydicom, walked and read by us."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from io import BytesIO
from struct import pack
from typing import Any, NamedTuple

import pytest
from _pytest.mark import ParameterSet
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, MRImageStorage
from pydicom.valuerep import EXPLICIT_VR_LENGTH_32

from scp.audit.finding import Answer, Other, Outcome
from scp.audit.rule import Rule, Subject
from scp.audit.snapshot import Neighbour, Reference, Snapshot, StackReference
from scp.audit.tracked import tracked
from scp.dicom.read import read_facts
from scp.dicom.request import Association, Request
from scp.dicom.sop_classes import PLANES
from scp.dicom.walk import Limits

KEY = b"key of the tests"
STUDY, SERIES, INSTANCE, FRAME = "1.2.826.0.1.1", "1.2.826.0.1.1.1", "1.2.826.0.1.1.1.1", "1.2.826.0.1.1.9"
ASSOCIATION = Association("a1", "127.0.0.1", 40000, "MODALITY", "AUDITSCP", "1.2.826.0.1.99", "TEST_1")


class Case(NamedTuple):
    """One example for one rule (and one of its cases): it fires, or it stays quiet."""

    code: str
    case: str
    fires: bool
    subject: Callable[[], Subject]
    snapshot: Callable[[], Snapshot] = Snapshot


def image(**changes: Any) -> Dataset:
    """Return a good 4 x 4 CT slice; ``changes`` set attributes by keyword, None removes one."""
    ds = Dataset()
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID = CTImageStorage
    ds.SOPInstanceUID = INSTANCE
    ds.StudyDate, ds.StudyTime, ds.AccessionNumber = "20260102", "101112", "A1"
    ds.SeriesDate, ds.SeriesTime = "20260102", "101113"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "Maker", "Model"
    ds.StationName, ds.DeviceSerialNumber = "CT1", "S1"
    ds.PatientName, ds.PatientID = "Test^Case", "P1"
    ds.PatientBirthDate, ds.PatientSex = "19700101", "O"
    ds.SliceThickness, ds.PatientPosition = "2.5", "HFS"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, SERIES, FRAME
    ds.StudyID, ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = "1", "2", "1", "1"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = ["0", "0", "10"], ["1", "0", "0", "0", "1", "0"]
    ds.SliceLocation = "10"
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns, ds.PixelSpacing = 4, 4, ["0.5", "0.5"]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = bytes(32)
    ds["PixelData"].VR = "OW"
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def mr_image(**changes: Any) -> Dataset:
    """Return a good 4 x 4 MR slice."""
    ds = image(SOPClassUID=MRImageStorage, Modality="MR", ImageType=["ORIGINAL", "PRIMARY", "M"])
    ds.EchoTime, ds.RepetitionTime, ds.FlipAngle = "5.1", "500", "90"
    for keyword, value in changes.items():
        if value is None:
            delattr(ds, keyword)
        else:
            setattr(ds, keyword, value)
    return ds


def raw(ds: Dataset, **values: bytes) -> Dataset:
    """Put values into a Data Set byte by byte, by keyword, padding included: what pydicom itself would not write."""
    for keyword, value in values.items():
        tag = Tag(keyword)
        vr = dictionary_VR(tag).split(" or ")[-1]
        ds[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
    return ds


def encoded(ds: Dataset, transfer_syntax: str = ExplicitVRLittleEndian) -> bytes:
    """Write a Data Set without file meta; raw elements put into it by hand are written as they are."""
    uid = UID(transfer_syntax)
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = uid.is_implicit_VR, uid.is_little_endian
    elements: dict[BaseTag, Any] = {tag: ds.get_item(tag) for tag in sorted(ds.keys())}
    by_hand = {tag: element for tag, element in elements.items() if isinstance(element, RawDataElement)}
    rest = Dataset({tag: element for tag, element in elements.items() if tag not in by_hand})
    charset = rest.get("SpecificCharacterSet", "iso8859")
    for tag, element in by_hand.items():
        write_dataset(stream, rest[:tag], charset)
        stream.write(_element(element, uid))
        rest = rest[tag:]
    write_dataset(stream, rest, charset)
    return stream.getvalue()


def _element(element: RawDataElement, syntax: UID) -> bytes:
    order, vr, value = "<" if syntax.is_little_endian else ">", element.VR or "UN", element.value or b""
    header = pack(f"{order}HH", element.tag.group, element.tag.element)
    if syntax.is_implicit_VR:
        header += pack(f"{order}L", len(value))
    elif vr in EXPLICIT_VR_LENGTH_32:
        header += vr.encode() + pack(f"{order}HL", 0, len(value))
    else:
        header += vr.encode() + pack(f"{order}H", len(value))
    return header + value


def subject_of_bytes(data: bytes, transfer_syntax: str = ExplicitVRLittleEndian, **request: Any) -> Subject:
    """Walk and read encoded bytes; ``request`` changes fields of the request that fits them."""
    facts = read_facts(data, transfer_syntax, Limits())
    fitting = Request(
        association=ASSOCIATION, message_id=1, sop_class_uid=facts.sop_class_uid,
        sop_instance_uid=facts.sop_instance_uid, abstract_syntax=facts.sop_class_uid,
        transfer_syntax=transfer_syntax,
    )  # fmt: skip
    return Subject(replace(fitting, **request), facts, tracked(facts, KEY))


def subject(ds: Dataset, transfer_syntax: str = ExplicitVRLittleEndian, **request: Any) -> Subject:
    """Return the subject that a Data Set makes when it is sent."""
    return subject_of_bytes(encoded(ds, transfer_syntax), transfer_syntax, **request)


def replaced(data: bytes, old: bytes, new: bytes) -> bytes:
    """Replace bytes of one length, exactly once, for values that pydicom will not write."""
    assert len(old) == len(new)
    assert data.count(old) == 1
    return BytesIO(data.replace(old, new)).getvalue()


def other(uid: str = "1.2.826.0.1.1.1.77", receipt: int = 7) -> Other:
    """Return the other instance of a contradiction."""
    return Other(receipt, uid, f"archive/{uid}.dcm", "OTHER", "127.0.0.2", "2026-01-02T10:11:12Z")


def reference(first: Subject) -> tuple[Reference, Reference]:
    """Return what the ledger keeps of a first instance: the study's reference and the series' reference."""
    facts, values = first.facts, first.tracked
    who = other(facts.sop_instance_uid)
    return Reference(who, values.study), Reference(who, values.series, facts.study_instance_uid)


def stack_reference(first: Subject) -> StackReference:
    """Return what the ledger keeps of the first image of a stack."""
    facts = first.facts
    return StackReference(
        other(facts.sop_instance_uid),
        facts.rows if isinstance(facts.rows, int) else None,
        facts.columns if isinstance(facts.columns, int) else None,
        facts.pixel_spacing if isinstance(facts.pixel_spacing, tuple) else (),
        facts.image_orientation if isinstance(facts.image_orientation, tuple) else (),
    )


def neighbour(first: Subject) -> Neighbour:
    """Return what the ledger keeps of a stored instance with the same Instance Number."""
    facts = first.facts
    return Neighbour(
        other(facts.sop_instance_uid),
        first.tracked.slot,
        first.tracked.place,
        facts.sop_class_uid,
        facts.concatenation_uid,
        facts.in_concatenation_number if isinstance(facts.in_concatenation_number, int) else None,
        first.tracked.moment,
        facts.image_position if facts.kind in PLANES and isinstance(facts.image_position, tuple) else (),
        facts.image_orientation if facts.kind in PLANES and isinstance(facts.image_orientation, tuple) else (),
    )


def after(first: Subject, parallel: Subject | None = None) -> Snapshot:
    """Return the snapshot for a later instance of the same study, series, stack and Instance Number as ``first``.

    ``parallel`` is the first of the stack that is derived and lies in its plane.
    """
    study, series = reference(first)
    stack = stack_reference(first)
    return Snapshot(
        study=study, series=series, stack=stack, acquisition=stack,
        parallel=stack_reference(parallel) if parallel else None, neighbours=(neighbour(first),),
    )  # fmt: skip


def fires(code: str, what: str, subject: Callable[[], Subject], case: str = "", **more: Any) -> ParameterSet:
    """Make an entry of a table of cases: the rule finds a problem, with this case."""
    return pytest.param(Case(code, case, True, subject, **more), id=f"{code}-fires-{what}")


def quiet(code: str, what: str, subject: Callable[[], Subject], case: str = "", **more: Any) -> ParameterSet:
    """Make an entry of a table of cases: the rule finds nothing, or does not apply."""
    return pytest.param(Case(code, case, False, subject, **more), id=f"{code}-quiet-{what}")


def outcome_of(rules: Iterable[Rule], case: Case) -> Outcome:
    """Run the rule that a case is about, if it applies to the kind of object."""
    (rule,) = (rule for rule in rules if rule.code == case.code)
    judged = case.subject()
    if rule.kinds is not None and judged.facts.kind not in rule.kinds:
        return Answer.NOT_APPLICABLE
    if rule.pairwise:
        return rule.pairwise(judged, case.snapshot())
    assert rule.instance
    return rule.instance(judged)
