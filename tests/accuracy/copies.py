"""Copies of files with something changed in them, as bytes of a DICOM file.

What is not changed is written as pydicom reads it; a copy with nothing changed is judged like its original, which is
one of the trials.
"""

import zlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pydicom import dcmread
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from tests.rules.builders import encoded, raw
from tests.unit.dicom.recode import by_pydicom

Change = Callable[[Dataset], Any]
"""Changes a Data Set in place; what it returns is not looked at."""

_SEEN: Final = {
    (True, True): ImplicitVRLittleEndian,
    (False, True): ExplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}

_UNDEFINED: Final = 0xFFFFFFFF


def transfer_syntax_of(ds: Any) -> str:
    """Return the Transfer Syntax that a file names, or that pydicom sees in it."""
    implicit, little = ds.original_encoding
    return str(ds.file_meta.get("TransferSyntaxUID", "") or _SEEN[bool(implicit), bool(little)])


def data_set(path: Path) -> tuple[Dataset, str]:
    """Read a file; return its Data Set, which is the caller's own, and its Transfer Syntax."""
    ds = dcmread(path, force=True)
    return ds, transfer_syntax_of(ds)


def as_file(data: bytes, sop_class_uid: str, sop_instance_uid: str, transfer_syntax: str) -> bytes:
    """Put a Data Set, encoded already, into a file."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class_uid)
    meta.MediaStorageSOPInstanceUID = UID(sop_instance_uid)
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.ImplementationClassUID = UID("1.2.826.0.1.3680043.9.9999")
    stream = DicomBytesIO()
    write_file_meta_info(stream, meta, enforce_standard=False)
    return bytes(128) + b"DICM" + stream.getvalue() + data


def written(ds: Dataset, transfer_syntax: str) -> bytes:
    """Write a Data Set as a file. Its identity stands in the Data Set only: clients take it from there."""
    for tag in list(ds.keys()):
        element: Any = ds.get_item(tag)
        if isinstance(element, RawDataElement) and element.length == _UNDEFINED:
            ds[tag]  # pydicom has to read it, to write its length as it was
    data = encoded(ds, transfer_syntax)
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = packer.compress(data) + packer.flush()
        data += bytes(len(data) % 2)
    return as_file(data, str(ds.get("SOPClassUID", "")), "", transfer_syntax)


def copy_of(path: Path, change: Change) -> bytes:
    """Return a file with ``change`` made in it."""
    ds, syntax = data_set(path)
    change(ds)
    return written(ds, syntax)


def reencoded(path: Path, transfer_syntax: str, change: Change | None = None) -> bytes:
    """Return a file in another Transfer Syntax, its pixels without loss, after a change if there is one."""
    with TemporaryDirectory() as folder:
        if change:
            changed = Path(folder) / "changed.dcm"
            changed.write_bytes(copy_of(path, change))
            path = changed
        header = dcmread(path, stop_before_pixels=True, force=True)
        data = by_pydicom(path, transfer_syntax).data
    return as_file(data + bytes(len(data) % 2), str(header.SOPClassUID), "", transfer_syntax)


def setting(**values: Any) -> Change:
    """Return the change that sets attributes by keyword; None takes one away."""

    def change(ds: Dataset) -> None:
        for keyword, value in values.items():
            if value is not None:
                setattr(ds, keyword, value)
            elif keyword in ds:
                delattr(ds, keyword)

    return change


def in_bytes(**values: bytes) -> Change:
    """Return the change that sets values byte by byte, by keyword: what pydicom itself would not write."""
    return lambda ds: raw(ds, **{keyword: _even(keyword, value) for keyword, value in values.items()})


def _even(keyword: str, value: bytes) -> bytes:
    return value + (b"\0" if dictionary_VR(keyword) == "UI" else b" ") * (len(value) % 2)


def decimal(number: float) -> str:
    """Write a number as DS, which has at most 16 characters."""
    return next(text for text in (f"{number:.{digits}g}" for digits in range(14, 5, -1)) if len(text) <= 16)


def decimals(numbers: Any) -> list[str]:
    """Write numbers as DS."""
    return [decimal(float(number)) for number in numbers]
