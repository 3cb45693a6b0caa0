"""The header that we write is what the standard and pydicom expect; what we are given is read as far as it is clear."""

import io
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import _read_file_meta_info, read_preamble
from pydicom.uid import (
    CTImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGBaseline8Bit,
)

from scp.dicom import tags as t
from scp.dicom.part10 import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    NotDicom,
    Part10,
    file_header,
    read_file,
    read_note,
)
from scp.dicom.request import Association, Request
from scp.dicom.uid import is_uid
from tests.unit.dicom.encode import explicit, implicit
from tests.unit.dicom.samples import PYDICOM

REQUEST = Request(
    Association("0", "127.0.0.1", 4000, "MODALITY", "AUDITSCP"), 1, CTImageStorage, "1.2.3", CTImageStorage,
    ExplicitVRLittleEndian,
)  # fmt: skip
HOSTILE = ["", "../../x", "1.2\n3", "1.2\0", "é", "1" * 65, "<b>", "1.2.3 "]
MODALITY = explicit(t.MODALITY, "CS", b"CT")
ODD_BYTE_BEFORE = "no_meta.dcm"  # there is one byte too many before its first element
FILES = sorted(path.relative_to(PYDICOM).as_posix() for path in PYDICOM.rglob("*") if path.is_file())


def read_by_pydicom(header: bytes) -> pydicom.Dataset:
    """The File Meta Information, from which nothing may be left over."""
    file = io.BytesIO(header)
    assert read_preamble(file, force=False) == bytes(128)
    meta = _read_file_meta_info(file)
    assert file.tell() == len(header)
    assert meta.FileMetaInformationGroupLength == len(header) - 132 - 12
    return meta


def taken_apart(data: bytes) -> Part10:
    found = read_file(data)
    assert isinstance(found, Part10)
    return found


def with_meta(*elements: bytes, length: int | None = None) -> bytes:
    body = b"".join(elements)
    size = len(body) if length is None else length
    return bytes(128) + b"DICM" + explicit(0x00020000, "UL", size.to_bytes(4, "little")) + body


def syntax_element(uid: str) -> bytes:
    raw = uid.encode()
    return explicit(0x00020010, "UI", raw + b"\0" * (len(raw) % 2))


def test_our_implementation_is_named_within_the_lengths_of_the_standard() -> None:
    assert is_uid(IMPLEMENTATION_CLASS_UID)
    assert IMPLEMENTATION_VERSION_NAME.startswith("AUDITSCP_")
    assert len(IMPLEMENTATION_VERSION_NAME) <= 16


def test_the_header_has_exactly_the_elements_promised() -> None:
    meta = read_by_pydicom(file_header(REQUEST))
    del meta.FileMetaInformationGroupLength
    assert {element.keyword: element.value for element in meta} == {
        "FileMetaInformationVersion": b"\0\1",
        "MediaStorageSOPClassUID": CTImageStorage,
        "MediaStorageSOPInstanceUID": "1.2.3",
        "TransferSyntaxUID": ExplicitVRLittleEndian,
        "ImplementationClassUID": IMPLEMENTATION_CLASS_UID,
        "ImplementationVersionName": IMPLEMENTATION_VERSION_NAME,
        "SourceApplicationEntityTitle": "MODALITY",
        "SendingApplicationEntityTitle": "MODALITY",
        "ReceivingApplicationEntityTitle": "AUDITSCP",
    }


def test_a_stored_object_is_a_file_that_pydicom_reads() -> None:
    read = pydicom.dcmread(io.BytesIO(file_header(REQUEST) + MODALITY))
    assert read.Modality == "CT"
    assert read.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian


def test_our_header_is_read_back() -> None:
    header = file_header(REQUEST)
    found = taken_apart(header + MODALITY)
    assert (found.offset, found.transfer_syntax) == (len(header), ExplicitVRLittleEndian)
    assert found.meta[0x0002] == CTImageStorage
    assert found.meta[0x0003] == "1.2.3"
    assert found.meta[0x0012] == IMPLEMENTATION_CLASS_UID


@pytest.mark.parametrize("uid", HOSTILE)
def test_a_uid_that_is_not_safe_is_left_out(uid: str) -> None:
    request = replace(REQUEST, sop_class_uid=uid, sop_instance_uid=uid, transfer_syntax=uid)
    meta = read_by_pydicom(file_header(request))
    assert "MediaStorageSOPClassUID" not in meta
    assert "MediaStorageSOPInstanceUID" not in meta
    assert "TransferSyntaxUID" not in meta


@pytest.mark.parametrize(
    ("title", "written"),
    [
        ("", None),
        ("A\nB", "A?B"),
        ("A\\B", "A?B"),
        ("MÜLLER", "M?LLER"),
        ("\x1b[31m", "?[31m"),
        ("x" * 40, "x" * 16),
        ("<b>x</b>", "<b>x</b>"),
    ],
)
def test_an_ae_title_is_written_in_the_characters_that_it_may_have(title: str, written: str | None) -> None:
    association = replace(REQUEST.association, calling_ae_title=title)
    meta = read_by_pydicom(file_header(replace(REQUEST, association=association)))
    assert meta.get("SendingApplicationEntityTitle") == meta.get("SourceApplicationEntityTitle") == written
    assert meta.ReceivingApplicationEntityTitle == "AUDITSCP"


@given(uids=st.lists(st.text(max_size=70), min_size=3, max_size=3), title=st.text(max_size=20))
def test_whatever_the_peer_says_the_header_ends_where_it_says(uids: list[str], title: str) -> None:
    association = replace(REQUEST.association, calling_ae_title=title, called_ae_title=title)
    request = replace(
        REQUEST, association=association, sop_class_uid=uids[0], sop_instance_uid=uids[1], transfer_syntax=uids[2]
    )
    header = file_header(request)
    assert len(header) % 2 == 0
    assert taken_apart(header + MODALITY).offset == len(header)
    assert int.from_bytes(header[140:144], "little") == len(header) - 144


def test_a_data_set_that_was_stored_with_file_meta_elements_begins_behind_our_header() -> None:
    header = file_header(REQUEST)
    foreign = explicit(0x00020100, "UI", b"1.2.") + syntax_element(ImplicitVRLittleEndian)
    found = taken_apart(header + foreign + MODALITY)
    assert found.offset == len(header)
    assert found.transfer_syntax == ExplicitVRLittleEndian


@pytest.mark.parametrize("name", FILES)
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_files_are_taken_apart_where_pydicom_does(name: str) -> None:
    content = (PYDICOM / name).read_bytes()
    found = read_file(content)
    try:
        file = io.BytesIO(content)
        read_preamble(file, force=False)
        meta = _read_file_meta_info(file)
    except pydicom.errors.InvalidDicomError:
        assert isinstance(found, NotDicom) == (Path(name).suffix != ".dcm" or name == ODD_BYTE_BEFORE)
        return
    assert isinstance(found, Part10)
    assert found.offset == file.tell()
    if "TransferSyntaxUID" in meta:
        assert found.transfer_syntax == meta.TransferSyntaxUID
    assert found.meta.get(0x0003, "") == str(meta.get("MediaStorageSOPInstanceUID", ""))


@pytest.mark.parametrize("name", ["ExplVR_BigEndNoMeta.dcm", "ExplVR_LitEndNoMeta.dcm"])
@pytest.mark.filterwarnings("ignore::UserWarning:pydicom")
def test_files_without_meta_are_read_as_pydicom_reads_them_when_forced(name: str) -> None:
    content = (PYDICOM / name).read_bytes()
    found = taken_apart(content)
    read = pydicom.dcmread(io.BytesIO(content), force=True)
    implicit_vr, little = read.original_encoding
    expected = ImplicitVRLittleEndian if implicit_vr else ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    assert found.transfer_syntax == expected
    assert found.meta == {}


@pytest.mark.parametrize(
    ("first", "syntax"),
    [
        (MODALITY, ExplicitVRLittleEndian),
        (explicit(t.MODALITY, "CS", b"CT", little=False), ExplicitVRBigEndian),
        (implicit(t.MODALITY, b"CT"), ImplicitVRLittleEndian),
    ],
    ids=["explicit", "big endian", "implicit"],
)
def test_without_a_transfer_syntax_the_first_element_tells_the_encoding(first: bytes, syntax: str) -> None:
    assert taken_apart(first) == Part10(0, syntax, {})
    assert taken_apart(bytes(128) + b"DICM" + first) == Part10(132, syntax, {})
    meta = with_meta(explicit(0x00020012, "UI", b"1.2\0"))
    assert taken_apart(meta + first) == Part10(len(meta), syntax, {0x0012: "1.2"})


@pytest.mark.parametrize("length", [0, 2, 20, 10_000])
def test_a_wrong_group_length_does_not_matter(length: int) -> None:
    meta = with_meta(syntax_element(JPEGBaseline8Bit), explicit(0x00020016, "AE", b"SENDER"), length=length)
    found = taken_apart(meta + MODALITY)
    assert (found.offset, found.transfer_syntax) == (len(meta), JPEGBaseline8Bit)


def test_meta_without_preamble_is_read() -> None:
    data = syntax_element(JPEGBaseline8Bit) + MODALITY
    assert taken_apart(data) == Part10(len(data) - len(MODALITY), JPEGBaseline8Bit, {0x0010: JPEGBaseline8Bit})


def test_meta_in_implicit_vr_is_read() -> None:
    meta = bytes(128) + b"DICM" + implicit(0x00020010, ImplicitVRLittleEndian.encode() + b"\0")
    found = taken_apart(meta + implicit(t.MODALITY, b"CT"))
    assert (found.offset, found.transfer_syntax) == (len(meta), ImplicitVRLittleEndian)


@pytest.mark.parametrize("vr", ["OB", "UR", "UN", "UT", "UC"])
def test_meta_elements_with_long_lengths_are_passed_over(vr: str) -> None:
    meta = with_meta(explicit(0x00020026, vr, bytes(300)), syntax_element(JPEGBaseline8Bit))
    found = taken_apart(meta + MODALITY)
    assert (found.offset, found.transfer_syntax) == (len(meta), JPEGBaseline8Bit)


@pytest.mark.parametrize(
    "rest",
    [
        explicit(0x00020016, "AE", b"SEND", length=400),
        explicit(0x00020001, "OB", b"\0\1", length=400),
        explicit(0x00020001, "OB")[:10],
        explicit(0x00020016, "AE")[:7],
    ],
    ids=["value", "long value", "long header", "header"],
)
def test_meta_that_is_cut_short_ends_before_the_element(rest: bytes) -> None:
    meta = with_meta(syntax_element(JPEGBaseline8Bit))
    found = taken_apart(meta + rest)
    assert (found.offset, found.transfer_syntax) == (len(meta), JPEGBaseline8Bit)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x08\x00",
        b"plain text, nothing else, and more than enough of it",
        b"\x89PNG\r\n\x1a\n" + bytes(200),
        bytes(500),
        implicit(t.MODALITY, b"CT", length=4000),
        b"\x00\x08\x00\x60\x00\x00\x00\x02CT",  # big endian is always explicit
    ],
    ids=["empty", "two bytes", "text", "image", "zeros", "length beyond the end", "implicit big endian"],
)
def test_what_is_no_dicom_file_is_told_to_be_none(data: bytes) -> None:
    found = read_file(data)
    assert isinstance(found, NotDicom)
    assert found.reason


@given(st.binary(max_size=60), st.sampled_from([b"", bytes(128) + b"DICM", file_header(REQUEST)]))
def test_any_bytes_are_read_without_an_exception_and_within_their_length(data: bytes, head: bytes) -> None:
    found = read_file(memoryview(head + data))
    assert isinstance(found, NotDicom) or 0 <= found.offset <= len(head + data)
    assert head == b"" or isinstance(found, Part10)


@given(st.binary(min_size=1, max_size=300))
def test_a_note_is_read_back_and_the_rest_of_the_header_is_as_without_it(note: bytes) -> None:
    header = file_header(REQUEST, note)
    assert read_note(header) == note + b" " * (len(note) % 2)
    meta, without = read_by_pydicom(header), read_by_pydicom(file_header(REQUEST))
    assert [one for one in meta if one.tag.element not in (0, 0x100, 0x102)] == [*without][1:]
    assert read_note(file_header(REQUEST)) == b""
