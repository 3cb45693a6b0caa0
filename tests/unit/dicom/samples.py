"""Real files for the tests: those that pydicom ships, and the corpus, where it is there."""

import io
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pydicom.data
from pydicom.filereader import _read_file_meta_info

from scp.dicom.syntax import Encoding, encoding_of, inflate

PYDICOM = Path(pydicom.data.__file__).parent / "test_files"
CORPUS = Path(os.environ.get("AUDITSCP_CORPUS", Path(__file__).parents[4] / "shared" / "corpus"))

# The encoding of these is faulty, each in its own way; every other file is well formed.
FAULTY = {
    "MR_truncated.dcm": "the Pixel Data is cut off",
    "rtplan_truncated.dcm": "cut off inside of a Sequence",
    "SC_rgb_jpeg.dcm": "implicit VR, although the Transfer Syntax is explicit",
    "DICOMDIR-nooffset": "elements were removed from Items, but the lengths were not changed",
}


@dataclass(frozen=True)
class Sample:
    """A Part 10 file: all of it, what a walk starts from, and how it is encoded."""

    content: bytes
    data: bytes
    start: int
    encoding: Encoding


def names(folder: Path) -> list[str]:
    """Every Part 10 file in a folder, as a path relative to it; none if the folder is not there."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if _is_part10(path))


def well_formed(folder: Path) -> list[str]:
    return [name for name in names(folder) if name.rpartition("/")[2] not in FAULTY]


def _is_part10(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(132)[128:] == b"DICM"


@lru_cache(maxsize=16)
def load(path: Path) -> Sample:
    return take_apart(path.read_bytes())


def take_apart(content: bytes) -> Sample:
    """Find the Data Set of a Part 10 file; it is inflated, if it has to be."""
    file = io.BytesIO(content)
    file.seek(132)
    transfer_syntax = str(_read_file_meta_info(file).get("TransferSyntaxUID", "1.2.840.10008.1.2"))
    start = file.tell()
    encoding = encoding_of(transfer_syntax)
    assert encoding is not None
    if not encoding.deflated:
        return Sample(content, content, start, encoding)
    inflated = inflate(content[start:])
    assert isinstance(inflated, memoryview)
    return Sample(content, bytes(inflated), 0, encoding)
