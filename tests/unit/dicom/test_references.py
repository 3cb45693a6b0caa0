"""Every instance that an object refers to is found, at whatever level, and nothing else."""

import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian

from scp.dicom import references
from scp.dicom import tags as t
from scp.dicom.references import referenced_instances
from scp.dicom.walk import Limits
from tests.rules.builders import encoded, image
from tests.unit.dicom.encode import explicit, item


def found(ds: Dataset) -> tuple[str, ...]:
    return referenced_instances(memoryview(encoded(ds)), ExplicitVRLittleEndian, Limits())


def referring(*uids: str) -> Items:
    items = []
    for uid in uids:
        items.append(Dataset())
        items[-1].ReferencedSOPInstanceUID = uid
    return Items(items)


def test_references_are_found_at_every_level_and_each_once() -> None:
    outer = Dataset()
    outer.ReferencedInstanceSequence = referring("1.2.3", "1.2.4")
    ds = image(
        ReferencedImageSequence=referring("1.2.4", "1.2.5"), CurrentRequestedProcedureEvidenceSequence=Items([outer])
    )
    assert sorted(found(ds)) == ["1.2.3", "1.2.4", "1.2.5"]


@pytest.mark.parametrize("value", [b"Doe^John", b"", b"1" * 100, b"../1.2.3"])
def test_what_is_no_uid_is_no_reference(value: bytes) -> None:
    data = explicit(0x00081140, "SQ", item(explicit(t.REFERENCED_SOP_INSTANCE_UID, "UI", value)))
    assert referenced_instances(memoryview(data), ExplicitVRLittleEndian, Limits()) == ()


def test_an_image_alone_refers_to_nothing() -> None:
    assert found(image()) == ()


def test_there_is_an_end_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "MOST_REFERENCES", 2)
    assert len(found(image(ReferencedImageSequence=referring("1.2.4", "1.2.5", "1.2.6")))) == 2


def test_real_reports_refer_to_what_pydicom_reads() -> None:
    path = get_testdata_file("rtplan.dcm")
    assert isinstance(path, str)
    ds = pydicom.dcmread(path)
    expected = {one.value for one in ds.iterall() if one.keyword == "ReferencedSOPInstanceUID"}
    assert expected
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    assert set(found(Dataset(ds))) == expected
