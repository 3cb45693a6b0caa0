"""One instance, encoded again: by pydicom, and by DCMTK where it is there."""

import shutil
import subprocess
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydicom import dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, RLELossless

from scp.dicom.part10 import Part10, read_file

DCMTK = {
    "implicit": ("dcmconv", "+ti"),
    "explicit, undefined lengths": ("dcmconv", "+te", "-e"),
    "explicit, group lengths": ("dcmconv", "+te", "+g", "+e"),
    "big endian": ("dcmconv", "+tb"),
    "deflated": ("dcmconv", "+td"),
    "padded": ("dcmconv", "+p", "128", "1024"),
    "RLE": ("dcmcrle",),
}
"""What DCMTK is asked to make of a file."""


class Copy(NamedTuple):
    """A Data Set and its Transfer Syntax."""

    data: bytes
    syntax: str


def copy_of(path: Path) -> Copy:
    """Return the Data Set of a file as it is."""
    content = path.read_bytes()
    part = read_file(content)
    assert isinstance(part, Part10)
    return Copy(content[part.offset :], part.transfer_syntax)


def encode(ds: Dataset, syntax: str) -> Copy:
    """Write a Data Set in a Transfer Syntax; OW are to be in its byte order already."""
    uid = UID(syntax)
    stream = DicomBytesIO()
    stream.is_implicit_VR, stream.is_little_endian = uid.is_implicit_VR, uid.is_little_endian
    write_dataset(stream, ds)
    data = stream.getvalue()
    if uid == DeflatedExplicitVRLittleEndian:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        data = packer.compress(data) + packer.flush()
    return Copy(data, syntax)


def by_pydicom(path: Path, syntax: str) -> Copy:
    """Read a file and write it in another Transfer Syntax, RLE included."""
    ds = dcmread(path, force=True)
    before = UID(copy_of(path).syntax)
    if UID(syntax) == RLELossless:
        ds.file_meta.TransferSyntaxUID = before
        ds.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    elif before.is_little_endian != UID(syntax).is_little_endian:
        list(ds.iterall())  # decodes every value, so that it is written in the other byte order
        ds.walk(swap_words)
    return encode(ds, syntax)


def swap_words(ds: Dataset, element: DataElement) -> None:
    """Change the byte order of OW, which pydicom leaves to its caller."""
    if element.VR == "OW" and element.value:
        width = max(2, ds.get("BitsAllocated", 16) // 8) if element.tag == 0x7FE00010 else 2
        element.value = np.frombuffer(element.value, f">u{width}").astype(f"<u{width}").tobytes()


def by_dcmtk(path: Path, folder: Path, what: str) -> Copy | None:
    """Have DCMTK convert a file; None if it will not."""
    tool, *options = DCMTK[what]
    made = folder / "converted.dcm"
    done = subprocess.run([str(shutil.which(tool)), *options, str(path), str(made)], capture_output=True, check=False)
    return None if done.returncode or not made.exists() else copy_of(made)
