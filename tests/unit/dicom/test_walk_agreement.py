"""The walk and pydicom find the same in every well-formed Data Set."""

import io

import pydicom
import pytest
from hypothesis import given, settings
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from scp.dicom.defect import DefectKind
from scp.dicom.walk import walk
from tests.unit.dicom import samples
from tests.unit.dicom.compare import differences, places
from tests.unit.dicom.generate import data_sets

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:pydicom")

ENCODINGS = [
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
]
FOLDERS = sorted({name.partition("/")[0] for name in samples.well_formed(samples.CORPUS)})
UNCOMPRESSED = [
    name
    for name in samples.well_formed(samples.PYDICOM)
    if "TINY_ALPHA" not in name and not samples.load(samples.PYDICOM / name).encoding.encapsulated
]


def check(sample: samples.Sample) -> None:
    """The Data Set is well formed, and each element of it is what pydicom says, in its own place."""
    scan = walk(sample.data, sample.encoding, start=sample.start)
    assert scan.defect is None
    assert scan.end == len(sample.data)
    assert list(places(scan.elements, sample.start, scan.end)) == []
    read = pydicom.dcmread(io.BytesIO(sample.content))
    assert list(differences(sample.data, scan.elements, read)) == []


def rewritten(dataset: Dataset, transfer_syntax: str) -> samples.Sample:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    dataset.preamble = bytes(128)
    file = io.BytesIO()
    pydicom.dcmwrite(file, dataset)
    return samples.take_apart(file.getvalue())


def set_lengths(dataset: Dataset, *, undefined: bool) -> None:
    """Let all Sequences and Items be written with defined, or all with undefined length."""
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = undefined
            for item in element.value:
                item.is_undefined_length_sequence_item = undefined
                set_lengths(item, undefined=undefined)


@pytest.mark.parametrize("name", samples.well_formed(samples.PYDICOM))
def test_every_file_of_pydicom_is_walked_as_pydicom_reads_it(name: str) -> None:
    check(samples.load(samples.PYDICOM / name))


@pytest.mark.skipif(not FOLDERS, reason="the corpus is not here: set AUDITSCP_CORPUS")
@pytest.mark.parametrize("folder", FOLDERS)
def test_every_file_of_the_corpus_is_walked_as_pydicom_reads_it(folder: str) -> None:
    for name in samples.well_formed(samples.CORPUS / folder):
        check(samples.load(samples.CORPUS / folder / name))


@pytest.mark.parametrize("name", samples.FAULTY)
def test_the_faulty_files_of_pydicom_have_a_defect_and_keep_what_comes_before_it(name: str) -> None:
    found = next(other for other in samples.names(samples.PYDICOM) if other.rpartition("/")[2] == name)
    sample = samples.load(samples.PYDICOM / found)
    scan = walk(sample.data, sample.encoding, start=sample.start)
    assert scan.defect is not None
    assert scan.defect.kind in (DefectKind.TRUNCATED, DefectKind.BAD_VR)
    assert list(places(scan.elements, sample.start, scan.end)) == []
    assert scan.end == scan.defect.offset


@pytest.mark.parametrize("undefined", [False, True], ids=["defined", "undefined"])
@pytest.mark.parametrize("transfer_syntax", ENCODINGS, ids=lambda uid: uid.keyword)
@pytest.mark.parametrize("name", UNCOMPRESSED)
def test_files_of_pydicom_are_walked_in_every_encoding_and_with_either_length(
    name: str, transfer_syntax: str, undefined: bool
) -> None:
    dataset = pydicom.dcmread(samples.PYDICOM / name)
    set_lengths(dataset, undefined=undefined)
    check(rewritten(dataset, transfer_syntax))


@pytest.mark.parametrize("transfer_syntax", ENCODINGS, ids=lambda uid: uid.keyword)
@given(dataset=data_sets().filter(len))
@settings(max_examples=60, deadline=None)
def test_generated_data_sets_are_walked_as_pydicom_reads_them(transfer_syntax: str, dataset: Dataset) -> None:
    check(rewritten(dataset, transfer_syntax))
